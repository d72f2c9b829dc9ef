//! `Client::check_access`: one query, and an error that says what to do.

use confluent_metrics::{Client, Credentials, ErrorKind, Filter, Resource, dataset};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{builder, builder_as, client};

fn client_as(emulator: &Emulator, (key, secret): (&str, &str)) -> Client {
    let credentials = Credentials::api_key(key, secret).unwrap();
    builder_as(emulator, credentials).build().unwrap()
}

#[test]
fn a_readable_resource_of_every_type_takes_one_query() {
    let emulator = Emulator::start();
    let cloud = client(&emulator);
    let custom = builder(&emulator).dataset(dataset::CLOUD_CUSTOM);
    let custom = custom.build().unwrap();
    for (client, resource, metric) in [
        (
            &cloud,
            Resource::kafka("lkc-1"),
            "io.confluent.kafka.server/received_bytes",
        ),
        (
            &cloud,
            Resource::connector("lcc-1"),
            "io.confluent.kafka.connect/received_records",
        ),
        (
            &cloud,
            Resource::ksql("lksqlc-1"),
            "io.confluent.kafka.ksql/streaming_unit_count",
        ),
        (
            &cloud,
            Resource::schema_registry("lsrc-1"),
            "io.confluent.kafka.schema_registry/schema_count",
        ),
        (
            &cloud,
            Resource::compute_pool("lfcp-1"),
            "io.confluent.flink/compute_pool_utilization/current_cfus",
        ),
        (
            &cloud,
            Resource::flink_statement("enrich-orders"),
            "io.confluent.flink/statement_utilization/current_cfus",
        ),
        (
            &custom,
            Resource::custom_connector("clcc-1"),
            "io.confluent.custom.kafka/consumer_lag_offsets",
        ),
    ] {
        emulator.clear_requests();
        client.check_access(&resource).unwrap();
        let requests = emulator.requests();
        assert_eq!(requests.len(), 1, "{resource:?}");
        let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
        let filter = serde_json::to_value(Filter::from(resource)).unwrap();
        assert_eq!(body["filter"], filter);
        assert_eq!(body["aggregations"][0]["metric"], metric);
        assert_eq!(body["granularity"], "PT1M");
        let interval = body["intervals"][0].as_str().unwrap();
        assert_eq!(
            interval.len(),
            "2026-01-08T11:56:00Z/2026-01-08T11:57:00Z".len()
        );
    }
}

#[test]
fn the_query_asks_for_the_newest_settled_minute() {
    let emulator = Emulator::start();
    client(&emulator)
        .check_access(&Resource::kafka("lkc-1"))
        .unwrap();
    let body = emulator.requests()[0].text();
    let (_, rest) = body.split_once(r#""intervals":[""#).unwrap();
    let (start, _) = rest.split_once('/').unwrap();
    let start: confluent_metrics::Timestamp = start.parse().unwrap();
    let age = confluent_metrics::Timestamp::now().duration_since(start);
    assert!((240..400).contains(&age.as_secs()), "{age:?}");
}

#[test]
fn a_resource_without_data_is_readable() {
    let emulator = Emulator::builder().demo(false).start();
    client(&emulator)
        .check_access(&Resource::kafka("lkc-1"))
        .unwrap();
}

#[test]
fn a_clock_that_is_wrong_does_not_matter() {
    let emulator = Emulator::builder().clock(1_000_000_000).start();
    client(&emulator)
        .check_access(&Resource::kafka("lkc-1"))
        .unwrap();
}

#[test]
fn an_error_names_the_resource_and_the_next_step() {
    let emulator = Emulator::start();
    let forbidden = "check the id of the resource, and give the owner of the key or token the \
                     MetricsViewer role on it (a new role binding or resource can take a few minutes)";
    let cloud_key = "use a Cloud API key (`confluent api-key create --resource cloud`); \
                     cluster API keys are rejected";
    for (client, resource, kind, sentence, hint) in [
        (
            client_as(&emulator, emulator.unprivileged_key()),
            Resource::kafka("lkc-1"),
            ErrorKind::Forbidden,
            "access check of kafka lkc-1 failed: the service returned 403 Forbidden: \
             \"Query must filter by at least one of your authorized resources\"",
            forbidden,
        ),
        (
            client_as(&emulator, emulator.reader_key()),
            Resource::schema_registry("lsrc-1"),
            ErrorKind::Forbidden,
            "access check of schema_registry lsrc-1 failed: the service returned 403 Forbidden: \
             \"Query must filter by at least one of your authorized resources\"",
            forbidden,
        ),
        (
            client(&emulator),
            Resource::kafka("lkc-unknown\n"),
            ErrorKind::InvalidInput,
            "access check of kafka lkc-unknown failed: \
             invalid request: resource id \"lkc-unknown\\n\" contains a control character",
            "",
        ),
        (
            client(&emulator),
            Resource::kafka("lkc-unknown"),
            ErrorKind::Forbidden,
            "access check of kafka lkc-unknown failed: the service returned 403 Forbidden: \
             \"Query must filter by at least one of your authorized resources\"",
            forbidden,
        ),
        (
            client_as(&emulator, emulator.cluster_key()),
            Resource::kafka("lkc-1"),
            ErrorKind::Unauthorized,
            "access check of kafka lkc-1 failed: \
             the service returned 401 Unauthorized: \"Invalid credentials\"",
            cloud_key,
        ),
    ] {
        let error = client.check_access(&resource).unwrap_err();
        assert_eq!(error.to_string(), sentence);
        assert_eq!(
            (error.kind(), error.hint().unwrap_or_default()),
            (kind, hint)
        );
    }
    let reader = client_as(&emulator, emulator.reader_key());
    reader.check_access(&Resource::kafka("lkc-1")).unwrap();
}

#[test]
fn quotes_around_a_key_explain_a_403_too() {
    let emulator = Emulator::start();
    let client = client_as(&emulator, ("'key'", "secret"));
    emulator.fault(Fault::status(403));
    let error = client.check_access(&Resource::kafka("lkc-1")).unwrap_err();
    assert!(
        error.hint().unwrap().starts_with("remove the quotes"),
        "{error:?}"
    );
}

#[test]
fn the_metric_of_another_type_comes_from_the_descriptors() {
    let emulator = Emulator::start();
    let client = client(&emulator);
    let body =
        r#"{"data":[{"name":"io.confluent.new/things","description":"","resources":["new"]}]}"#;
    emulator.fault(Fault::status(200).body(body));
    emulator.fault(Fault::status(200).body(r#"{"data":[]}"#));
    client.check_access(&Resource::new("new", "n-1")).unwrap();
    let requests = emulator.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[0].target.contains("resource_type=new"),
        "{requests:?}"
    );
    assert!(
        requests[1]
            .text()
            .contains(r#""metric":"io.confluent.new/things""#)
    );
    assert!(requests[1].text().contains(r#""field":"resource.new.id""#));
}

#[test]
fn a_type_without_metrics_is_refused() {
    let emulator = Emulator::start();
    let client = client(&emulator);
    let unknown = client
        .check_access(&Resource::new("abc", "a-1"))
        .unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Rejected);
    assert!(
        unknown
            .to_string()
            .starts_with("access check of abc a-1 failed: the service returned 400 Bad Request"),
        "{unknown}"
    );
    emulator.fault(Fault::status(200).body(r#"{"data":[]}"#));
    let wrong_dataset = client
        .check_access(&Resource::custom_connector("clcc-1"))
        .unwrap_err();
    assert_eq!(
        wrong_dataset.to_string(),
        "access check of custom_connector clcc-1 failed: \
         invalid resource type: dataset cloud has no metrics of custom_connector"
    );
    assert_eq!(
        (wrong_dataset.kind(), wrong_dataset.hint()),
        (
            ErrorKind::InvalidInput,
            Some("set ClientBuilder::dataset to \"cloud-custom\" for resources of this type")
        )
    );
    emulator.fault(Fault::status(200).body(r#"{"data":[]}"#));
    let empty = client
        .check_access(&Resource::new("abc", "a-1"))
        .unwrap_err();
    assert_eq!(
        empty.hint(),
        Some("Client::resource_descriptors lists the types of the dataset")
    );
}

#[test]
fn a_response_of_something_else_is_no_access() {
    let emulator = Emulator::start();
    let client = client(&emulator);
    for body in [
        "<html>login</html>",
        "{}",
        "[]",
        "",
        r#"{"data":[{"points":[]}]}"#,
    ] {
        emulator.fault(Fault::status(200).body(body));
        let error = client.check_access(&Resource::kafka("lkc-1")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
    emulator.fault(Fault::status(403));
    assert!(client.check_access(&Resource::kafka("lkc-1")).is_err());
}
