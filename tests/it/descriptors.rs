//! Metric and resource descriptors.

use std::time::Duration;

use confluent_metrics::{
    ErrorKind, LabelDescriptor, LifecycleStage, MetricDescriptor, MetricKind, ResourceDescriptor,
};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    assert_token_expired_again, builder, client, empty_emulator, requests_with_token,
};

fn names(metrics: &[MetricDescriptor]) -> Vec<&str> {
    metrics.iter().map(MetricDescriptor::name).collect()
}

#[test]
fn every_metric_is_returned_once_for_any_page_size() {
    let emulator = empty_emulator();
    let client = client(&emulator);
    let all = client.metric_descriptors().unwrap();
    assert!(all.len() >= 120, "{} metrics", all.len());
    let requests = emulator.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (&*requests[0].method, &*requests[0].target),
        (
            "GET",
            "/v2/metrics/cloud/descriptors/metrics?page_size=1000"
        )
    );
    assert_eq!(requests[0].header("accept"), Some("application/json"));
    assert!(requests[0].body.is_empty() && requests[0].header("authorization").is_some());
    for cap in [1, 100] {
        emulator.page_cap(cap);
        emulator.clear_requests();
        assert_eq!(client.metric_descriptors().unwrap(), all, "pages of {cap}");
        let requests = emulator.requests();
        assert_eq!(requests.len(), all.len().div_ceil(cap));
        let start = "/v2/metrics/cloud/descriptors/metrics?page_size=1000&page_token=";
        assert!(
            requests[1..]
                .iter()
                .all(|request| request.target.starts_with(start))
        );
    }
}

#[test]
fn a_descriptor_has_every_member_of_the_response() {
    let emulator = empty_emulator();
    let metrics = client(&emulator).metric_descriptors().unwrap();
    let received = metrics
        .iter()
        .find(|metric| metric.name() == "io.confluent.kafka.server/received_bytes")
        .expect("a metric that everybody has");
    assert_eq!(
        (received.unit(), received.kind()),
        ("By", &MetricKind::CounterInt64)
    );
    assert!(received.kind().is_counter() && !received.kind().is_gauge());
    assert_eq!(
        received.lifecycle_stage(),
        &LifecycleStage::GeneralAvailability
    );
    assert_eq!(received.is_exportable(), Some(true));
    assert_eq!(received.resources(), ["kafka"]);
    assert_eq!(
        received.export_name(),
        "confluent_kafka_server_received_bytes"
    );
    assert!(!received.description().is_empty());
    let labels: Vec<_> = received
        .labels()
        .iter()
        .map(LabelDescriptor::query_name)
        .collect();
    assert_eq!(labels, ["metric.topic", "metric.partition"]);
    assert_eq!(
        MetricDescriptor::find_by_export_name(&received.export_name(), &metrics),
        Some(received)
    );
}

#[test]
fn the_metrics_of_a_type_and_the_types_themselves() {
    let emulator = empty_emulator();
    let client = client(&emulator);
    let of_ksql = client.metric_descriptors_for("ksql").unwrap();
    assert!(!of_ksql.is_empty());
    assert!(
        of_ksql
            .iter()
            .all(|metric| metric.resources().iter().any(|kind| kind == "ksql"))
    );
    assert!(
        emulator.requests()[0]
            .target
            .ends_with("/descriptors/metrics?page_size=1000&resource_type=ksql")
    );
    emulator.page_cap(1);
    emulator.clear_requests();
    assert_eq!(client.metric_descriptors_for("ksql").unwrap(), of_ksql);
    assert_eq!(emulator.requests().len(), of_ksql.len());

    let types = client.resource_descriptors().unwrap();
    let known: Vec<_> = types
        .iter()
        .map(ResourceDescriptor::resource_type)
        .collect();
    for kind in [
        "kafka",
        "connector",
        "ksql",
        "schema_registry",
        "compute_pool",
        "flink_statement",
    ] {
        assert!(known.contains(&kind), "{kind} in {known:?}");
    }
    let label = LabelDescriptor::find_by_export_name(
        "kafka_id",
        types.iter().flat_map(ResourceDescriptor::labels),
    );
    assert_eq!(
        label.map(|label| (label.key(), label.query_name())),
        Some(("kafka.id", "resource.kafka.id"))
    );
    let custom = builder(&emulator).dataset("cloud-custom").build().unwrap();
    let known = custom.resource_descriptors().unwrap();
    assert_eq!(
        known
            .iter()
            .map(ResourceDescriptor::resource_type)
            .collect::<Vec<_>>(),
        ["custom_connector"]
    );
    assert_ne!(
        names(&custom.metric_descriptors().unwrap()),
        names(&client.metric_descriptors().unwrap())
    );
}

#[test]
fn an_expired_token_restarts_the_list_once() {
    let emulator = empty_emulator();
    emulator.page_cap(50);
    let all = client(&emulator).metric_descriptors().unwrap();
    emulator.clear_requests();
    let expired = r#"{"errors":[{"status":"400","detail":"page_token has expired"}]}"#;
    emulator.fault(Fault::status(400).body(expired).skip(2));
    assert_eq!(
        client(&emulator).metric_descriptors().unwrap(),
        all,
        "nothing lost, nothing twice"
    );
    assert_eq!(
        requests_with_token(&emulator),
        [false, true, true, false, true, true]
    );

    // The first token, and the one after the restart.
    emulator.fault(Fault::status(400).body(expired).skip(1));
    emulator.fault(Fault::status(400).body(expired).skip(2));
    let error = client(&emulator).metric_descriptors().unwrap_err();
    assert_token_expired_again(&error);
}

#[test]
fn links_are_followed_on_the_same_origin_and_tokens_only_once() {
    let emulator = Emulator::builder()
        .demo(false)
        .links_only(true)
        .page_cap(50)
        .start();
    let plain = empty_emulator();
    let all = client(&plain).metric_descriptors().unwrap();
    assert_eq!(client(&emulator).metric_descriptors().unwrap(), all);
    assert_eq!(emulator.requests().len(), 3);
    for (page, why) in [
        (
            r#"{"data":[],"links":{"next":"https://evil.example/v2/metrics/cloud/descriptors/metrics"}}"#,
            "next-page link points to another origin",
        ),
        (
            r#"{"data":[],"meta":{"pagination":{"next_page_token":"again"}}}"#,
            "duplicate page token",
        ),
    ] {
        plain.fault(Fault::status(200).body(page).times(2));
        let error = client(&plain).metric_descriptors().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let requested = "metric descriptors failed: response does not match the request: ";
        assert_eq!(error.to_string(), format!("{requested}{why}"));
        client(&plain).metric_descriptors().ok();
    }
}

#[test]
fn a_deadline_error_reports_progress() {
    let emulator = empty_emulator();
    emulator.page_cap(50);
    emulator.fault(Fault::real_response().stall().skip(1));
    let client = builder(&emulator)
        .deadline(Duration::from_secs(4))
        .build()
        .unwrap();
    let error = client.metric_descriptors().unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(
        error.to_string(),
        "metric descriptors failed: deadline of 4s exceeded; 1 page received"
    );
}

#[test]
fn documented_and_recorded_lists_are_decoded() {
    let emulator = empty_emulator();
    let list = |body: &str| {
        emulator.fault(Fault::status(200).body(body));
        client(&emulator).metric_descriptors().unwrap()
    };
    let documented = list(include_str!("../data/wire/descriptors-metrics-doc-01.json"));
    assert_eq!(
        names(&documented),
        [
            "io.confluent.kafka.server/received_bytes",
            "io.confluent.kafka.server/sent_bytes"
        ]
    );
    for metric in &documented {
        assert_eq!(
            (metric.kind().as_str(), metric.unit(), metric.description()),
            ("COUNTER_INT64", "By", "Words.")
        );
        assert_eq!(
            (metric.lifecycle_stage().as_str(), metric.is_exportable()),
            ("GENERAL_AVAILABILITY", Some(true))
        );
        let [topic] = metric.labels() else {
            panic!("{metric:?}")
        };
        assert_eq!(
            (topic.key(), topic.description(), topic.is_exportable()),
            ("topic", "Words.", Some(true))
        );
        assert_eq!(metric.resources(), ["kafka"]);
    }
    let recorded = list(include_str!("../data/wire/descriptors-metrics-01.json"));
    let [count] = &recorded[..] else {
        panic!("{recorded:?}")
    };
    assert_eq!(
        (count.name(), count.kind()),
        (
            "io.confluent.kafka.schema_registry/schema_count",
            &MetricKind::GaugeInt64
        )
    );
    assert_eq!(
        (
            count.is_exportable(),
            count.resources().len(),
            count.labels().len()
        ),
        (None, 0, 0)
    );
    let new = list(
        r#"{"data":[{"name":"a","type":"HISTOGRAM","lifecycle_stage":"SUNSET","new":[1]},{"name":"a","type":"HISTOGRAM","lifecycle_stage":"SUNSET"}],"new":{}}"#,
    );
    let [metric] = &new[..] else {
        panic!("the same descriptor twice is one: {new:?}")
    };
    assert_eq!(metric.kind(), &MetricKind::from("HISTOGRAM"));
    assert_eq!(metric.lifecycle_stage().to_string(), "SUNSET");
}

#[test]
fn a_body_that_is_no_list_is_refused() {
    let emulator = empty_emulator();
    let not = "metric descriptors failed: cannot decode a list of metric descriptors";
    for (body, why) in [
        ("", ": EOF while parsing a value at line 1 column 0"),
        (
            "[]",
            ": invalid type: sequence, expected an object with a list named `data` at line 1 column 0",
        ),
        ("{}", ": missing field `data` at line 1 column 2"),
        (
            r#"{"data":[{"type":"a"}]}"#,
            ": item 1: missing field `name`",
        ),
        (
            r#"{"data":[{"name":7}]}"#,
            ": item 1: expected `name` to be a string",
        ),
        (
            r#"{"data":[{"name":"a","name":"b"}]}"#,
            ": item 1: duplicate field `name`",
        ),
        (
            r#"{"data":[{"name":"a","resources":["b",7]}]}"#,
            ": item 1: expected `resources` to be a list of strings",
        ),
        (
            r#"{"data":[{"name":"a","exportable":"yes"}]}"#,
            ": item 1: expected `exportable` to be true or false",
        ),
        (
            r#"{"data":[{"name":"a"},{"name":"b","labels":[{"key":"c"},{}]}]}"#,
            ": item 2: `labels`: item 2: missing field `key`",
        ),
        (
            r#"{"data":[],"meta":{"pagination":{"next_page_token":7}}}"#,
            ": expected `next_page_token` to be a string",
        ),
        (
            r#"{"data":[{"name":"a"}"#,
            ": EOF while parsing a list at line 1 column 21",
        ),
    ] {
        emulator.fault(Fault::status(200).body(body));
        let error = client(&emulator).metric_descriptors().unwrap_err();
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Decode, Some(200))
        );
        assert_eq!(error.to_string(), format!("{not}{why}"));
    }
}

#[test]
fn a_misspelled_name_finds_the_closest_matches() {
    let emulator = empty_emulator();
    let metrics = client(&emulator).metric_descriptors().unwrap();
    for (typed, meant) in [
        (
            "io.confluent.kafka.server/recieved_bytes",
            "io.confluent.kafka.server/received_bytes",
        ),
        (
            "io.confluent.kafka.server/consumer_lag",
            "io.confluent.kafka.server/consumer_lag_offsets",
        ),
        (
            "io.confluent.kafka/cluster_load_percent",
            "io.confluent.kafka.server/cluster_load_percent",
        ),
        (
            "schema_counts",
            "io.confluent.kafka.schema_registry/schema_count",
        ),
        (
            "confluent_kafka_connect_sent_record",
            "io.confluent.kafka.connect/sent_records",
        ),
        (
            "dead_letter_queue",
            "io.confluent.kafka.connect/dead_letter_queue_records",
        ),
    ] {
        let nearest = MetricDescriptor::closest_matches(typed, &metrics, 3);
        assert_eq!(
            nearest.first().map(|metric| metric.name()),
            Some(meant),
            "{typed}"
        );
    }
    assert!(MetricDescriptor::closest_matches("weather", &metrics, 3).is_empty());
}
