//! The newest points as text.

use crate::client::*;
use confluent_metrics_emulator::{Emulator, ExportDialect};
use std::collections::BTreeSet;

const EXPORT: &str = "/v2/metrics/cloud/export";
const OPEN_METRICS: &str = "application/openmetrics-text";
const RESPONSE: &str = "io.confluent.kafka.server/response_bytes";
const ACCESS: &str = "\
# HELP confluent_scrape_resource_access_error Whether a resource was not found or must not be seen (1) or is fine (0).
# TYPE confluent_scrape_resource_access_error gauge
";

/// Seconds after 10:00 of the minute that an export shows: three minutes before noon.
const NEWEST: i64 = 7_200 - 180;

fn export(emulator: &Emulator, query: &str) -> HttpResponse {
    get(emulator, &format!("{EXPORT}?{query}"), &cloud(emulator), "")
}

/// The samples of a name, each without it.
fn samples(response: &HttpResponse, name: &str) -> Vec<String> {
    assert_eq!(response.status, 200, "{}", response.body);
    let lines = response
        .body
        .lines()
        .filter_map(|line| line.strip_prefix(name));
    lines
        .filter(|rest| rest.starts_with(['{', ' ']))
        .map(str::to_owned)
        .collect()
}

/// The names of all samples but those about access.
fn names(response: &HttpResponse) -> BTreeSet<String> {
    assert_eq!(response.status, 200, "{}", response.body);
    let lines = response.body.lines().filter(|line| !line.starts_with('#'));
    let names = lines.map(|line| line.split(['{', ' ']).next().unwrap_or_default().to_owned());
    names
        .filter(|name| name != "confluent_scrape_resource_access_error")
        .collect()
}

/// Two topics of lkc-1, with a point at the newest minute.
fn two_topics(builder: confluent_metrics_emulator::Builder) -> Emulator {
    let emulator = builder.start();
    put(&emulator, "a", NEWEST, 1574.0);
    put(&emulator, "b", NEWEST, 1.23e7);
    emulator
}

#[test]
fn the_latest_points_are_exported_in_the_prometheus_format() {
    let emulator = two_topics(empty());
    let response = export(&emulator, "resource.kafka.id=lkc-1");
    assert_eq!(
        (response.status, response.all("content-type")),
        (200, vec!["text/plain;version=0.0.4"])
    );
    assert_eq!(
        response.body,
        format!(
            "{ACCESS}{}",
            r#"confluent_scrape_resource_access_error{resource_id="lkc-1",resource_type="resource.kafka.id"} 0.0
# HELP confluent_kafka_server_sent_bytes The sent bytes since the previous sample, sampled every 60 seconds.
# TYPE confluent_kafka_server_sent_bytes gauge
confluent_kafka_server_sent_bytes{kafka_id="lkc-1",partition="0",topic="a"} 1574.0 1767268620000
confluent_kafka_server_sent_bytes{kafka_id="lkc-1",partition="0",topic="b"} 1.23E7 1767268620000
"#
        )
    );
}

#[test]
fn openmetrics_is_sent_to_clients_that_accept_it() {
    let emulator = two_topics(empty());
    let path = format!("{EXPORT}?resource.kafka.id=lkc-1");
    let response = get(&emulator, &path, &cloud(&emulator), OPEN_METRICS);
    assert_eq!(
        response.all("content-type"),
        ["application/openmetrics-text;version=1.0.0;charset=utf-8"]
    );
    let end = r#"# TYPE confluent_kafka_server_sent_bytes gauge
# UNIT confluent_kafka_server_sent_bytes bytes
# HELP confluent_kafka_server_sent_bytes The sent bytes since the previous sample, sampled every 60 seconds.
confluent_kafka_server_sent_bytes{kafka_id="lkc-1",partition="0",topic="a"} 1574.0 1767268620.000
confluent_kafka_server_sent_bytes{kafka_id="lkc-1",partition="0",topic="b"} 1.23E7 1767268620.000
# EOF
"#;
    assert!(response.body.ends_with(end), "{}", response.body);
    for accept in [
        "*/*",
        "text/plain",
        "application/json",
        "text/plain;version=0.0.4;q=1,*/*;q=0.1",
    ] {
        let text = get(&emulator, &path, &cloud(&emulator), accept);
        assert_eq!(
            (text.status, text.all("content-type")),
            (200, vec!["text/plain;version=0.0.4"]),
            "{accept}"
        );
        assert!(!text.body.contains("EOF"), "{accept}");
    }
    let image = get(&emulator, &path, &cloud(&emulator), "image/png");
    assert_eq!(
        (image.status, image.all("content-type")),
        (406, vec!["application/json"])
    );
    let silent = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n",
        cloud(&emulator)
    );
    let (head, _) = Raw::connect(&emulator).send(&silent).read_response();
    assert!(
        head.contains("Content-Type: text/plain;version=0.0.4\r\n"),
        "{head}"
    );
}

#[test]
fn dialects_follow_the_recordings_and_the_documentation() {
    let body = |form, accept: &str| {
        let emulator = two_topics(empty().export_dialect(form));
        let path = format!("{EXPORT}?resource.kafka.id=lkc-1&metric={SENT}");
        get(&emulator, &path, &cloud(&emulator), accept).body
    };
    let recorded = body(ExportDialect::Recorded, "");
    assert!(
        recorded.ends_with(
            "\n\n# HELP confluent_kafka_server_sent_bytes The sent bytes since the previous sample, sampled every 60 seconds.\n\
             # TYPE confluent_kafka_server_sent_bytes gauge\n\
             confluent_kafka_server_sent_bytes{kafka_id=\"lkc-1\",partition=\"0\",topic=\"a\",} 1574.0 1767268620000\n\
             confluent_kafka_server_sent_bytes{kafka_id=\"lkc-1\",partition=\"0\",topic=\"b\",} 1.23E7 1767268620000\n\n"
        ),
        "{recorded}"
    );
    let documented = body(ExportDialect::Documented, "");
    assert!(
        documented.ends_with("topic=\"b\"} 1.23E7 1767268620\n"),
        "{documented}"
    );
    let open = body(ExportDialect::Documented, OPEN_METRICS);
    assert!(
        open.ends_with("topic=\"b\"} 1.23E7 1767268620000\n#EOF\n"),
        "{open}"
    );
}

#[test]
fn only_the_newest_minute_is_shown() {
    let emulator = two_topics(empty());
    put(&emulator, "late", NEWEST + 60, 1.0);
    put(&emulator, "early", NEWEST - 60, 1.0);
    let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", "null")];
    emulator.put_null(SENT, &labels, NOON - 180);
    let topics = |emulator: &Emulator| {
        let response = export(emulator, "resource.kafka.id=lkc-1");
        let found = samples(&response, "confluent_kafka_server_sent_bytes");
        found
            .iter()
            .map(|line| line.split("topic=\"").nth(1).unwrap_or_default()[..1].to_owned())
            .collect::<String>()
    };
    assert_eq!(topics(&emulator), "ab");
    emulator.set_clock(NOON + 59);
    assert_eq!(topics(&emulator), "ab", "the minute is cut, not rounded");
    emulator.set_clock(NOON + 60);
    assert_eq!(topics(&emulator), "l");
    emulator.set_clock(NOON - 60);
    assert_eq!(topics(&emulator), "e");
    emulator.set_clock(NOON + 3_600);
    let nothing = export(&emulator, "resource.kafka.id=lkc-1");
    assert_eq!(
        nothing.body.lines().count(),
        3,
        "a metric without a sample is not there: {}",
        nothing.body
    );
}

#[test]
fn labels_are_escaped_and_left_out_where_there_is_no_value() {
    let emulator = empty().start();
    put(&emulator, "a\\b \"c\"\nd", NEWEST, 1.0);
    emulator.put(
        RESPONSE,
        &[("resource.kafka.id", "lkc-1"), ("metric.type", "Fetch")],
        NOON - 180,
        2.0,
    );
    let response = export(&emulator, "resource.kafka.id=lkc-1");
    assert_eq!(
        samples(&response, "confluent_kafka_server_sent_bytes"),
        [r#"{kafka_id="lkc-1",partition="0",topic="a\\b \"c\"\nd"} 1.0 1767268620000"#]
    );
    assert_eq!(
        samples(&response, "confluent_kafka_server_response_bytes"),
        [r#"{kafka_id="lkc-1",type="Fetch"} 2.0 1767268620000"#]
    );
}

#[test]
fn resources_are_named_in_every_form() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .kafka_cluster("lkc-3")
        .start();
    let errors = |query: &str| {
        samples(
            &export(&emulator, query),
            "confluent_scrape_resource_access_error",
        )
    };
    let line = |kind: &str, id: &str| {
        format!("{{resource_id=\"{id}\",resource_type=\"resource.{kind}\"}} 0.0")
    };
    assert_eq!(
        errors("resource.kafka.id=lkc-2&resource_kafka_id=lkc-1,lkc-3&resource.kafka.id=lkc-1"),
        [
            line("kafka.id", "lkc-2"),
            line("kafka.id", "lkc-1"),
            line("kafka.id", "lkc-3")
        ],
        "each once, in the order of the request"
    );
    assert_eq!(
        errors("resource_schema_registry_id=lsrc-1&resource.flink_statement.name=enrich-orders"),
        [
            line("schema_registry.id", "lsrc-1"),
            line("flink_statement.name", "enrich-orders")
        ]
    );
    let clusters: BTreeSet<_> = samples(
        &export(&emulator, "resource_kafka_id=lkc-1,lkc-3"),
        "confluent_kafka_server_partition_count",
    )
    .iter()
    .map(|line| line.split('"').nth(1).unwrap_or_default().to_owned())
    .collect();
    assert_eq!(clusters.into_iter().collect::<Vec<_>>(), ["lkc-1", "lkc-3"]);
    for query in [
        "",
        "metric=a",
        "resource.kafka.id=",
        "resource.topic.id=a",
        "resource.custom_connector.id=clcc-1",
    ] {
        let response = export(&emulator, query);
        assert_eq!(
            (response.status, response.details()),
            (
                400,
                vec!["Please specify at least one valid resource".to_owned()]
            ),
            "{query}"
        );
    }
    let unknown = export(
        &emulator,
        "resource.kafka.id=lkc-1&debug_job_id=cflt-1&x&resource.topic.id=a",
    );
    assert_eq!(
        unknown.body,
        export(&emulator, "resource.kafka.id=lkc-1").body
    );
}

#[test]
fn only_metrics_of_the_requested_types_are_exported() {
    let emulator = Emulator::builder().clock(NOON).start();
    for (query, label, count) in [
        ("resource.kafka.id=lkc-1", "kafka_id=\"lkc-1\"", 65),
        ("resource.connector.id=lcc-1", "connector_id=\"lcc-1\"", 18),
        ("resource.ksql.id=lksqlc-1", "ksql_id=\"lksqlc-1\"", 10),
        (
            "resource.schema_registry.id=lsrc-1",
            "schema_registry_id=\"lsrc-1\"",
            3,
        ),
        (
            "resource.compute_pool.id=lfcp-1",
            "compute_pool_id=\"lfcp-1\"",
            27,
        ),
        (
            "resource_flink_statement_uid=uid-enrich-orders",
            "flink_statement_uid=\"uid-enrich-orders\"",
            24,
        ),
    ] {
        let response = export(&emulator, query);
        let names = names(&response);
        assert_eq!(names.len(), count, "{query}: {names:?}");
        let own = |line: &str| {
            line.starts_with(['#']) || line.contains(label) || line.contains("_access_error{")
        };
        assert!(response.body.lines().all(own), "{query}: {}", response.body);
    }
    let custom = "/v2/metrics/cloud-custom/export?resource.custom_connector.id=clcc-1&resource.kafka.id=lkc-1";
    let custom = get(&emulator, custom, &cloud(&emulator), "");
    assert_eq!(
        samples(&custom, "confluent_scrape_resource_access_error"),
        [r#"{resource_id="clcc-1",resource_type="resource.custom_connector.id"} 0.0"#],
        "there are no Kafka clusters in this dataset"
    );
    assert!(!samples(&custom, "confluent_custom_kafka_consumer_lag_offsets").is_empty());
    let one =
        "resource.flink_statement.name=enrich-orders&metric=io.confluent.flink/num_records_in";
    for line in samples(&export(&emulator, one), "confluent_flink_num_records_in") {
        assert!(
            line.contains("flink_statement_name=\"enrich-orders\"")
                && line.contains("compute_pool_id="),
            "{line}"
        );
    }
}

#[test]
fn metrics_are_named_as_in_a_query() {
    let emulator = Emulator::builder().clock(NOON).start();
    let query = format!(
        "resource.kafka.id=lkc-1&metric={SENT}&metric={RETAINED}&metric={SENT}&metric=io.confluent.kafka.ksql%2Fstreaming_unit_count"
    );
    let found: Vec<_> = names(&export(&emulator, &query)).into_iter().collect();
    assert_eq!(
        found,
        [
            "confluent_kafka_server_retained_bytes",
            "confluent_kafka_server_sent_bytes"
        ]
    );
    let wrong = export(
        &emulator,
        "resource.kafka.id=lkc-1&metric=sent_bytes&metric=a,b",
    );
    assert_eq!(
        (wrong.status, wrong.details()),
        (
            400,
            vec![
                "metric 'sent_bytes' is not a metric of this dataset".to_owned(),
                "metric 'a,b' is not a metric of this dataset".to_owned()
            ]
        )
    );
    let both = export(
        &emulator,
        "resource.kafka.id=lkc-1&ignore_failed_metrics=perhaps",
    );
    assert_eq!(
        (both.status, both.details()),
        (
            400,
            vec!["ignore_failed_metrics must be true or false".to_owned()]
        )
    );
}

#[test]
fn unreadable_resources_are_reported_with_the_readable_ones() {
    let emulator = Emulator::builder().clock(NOON).start();
    let reader = basic(emulator.reader_key());
    let send_query = |authorization: &str, query: &str| {
        get(&emulator, &format!("{EXPORT}?{query}"), authorization, "")
    };
    let partial = send_query(
        &reader,
        "resource.kafka.id=lkc-2,lkc-1&resource.connector.id=lcc-1",
    );
    assert_eq!(
        samples(&partial, "confluent_scrape_resource_access_error"),
        [
            r#"{resource_id="lkc-2",resource_type="resource.kafka.id"} 1.0"#,
            r#"{resource_id="lkc-1",resource_type="resource.kafka.id"} 0.0"#,
            r#"{resource_id="lcc-1",resource_type="resource.connector.id"} 1.0"#
        ]
    );
    assert!(
        !partial.body.contains("kafka_id=\"lkc-2\"") && partial.body.contains("kafka_id=\"lkc-1\"")
    );
    assert!(!partial.body.contains("confluent_kafka_connect"));
    let none = send_query(&reader, "resource.kafka.id=lkc-2,lkc-9");
    assert_eq!(
        (none.status, none.details()),
        (
            403,
            vec!["Unauthorized for the following resources: lkc-2,lkc-9".to_owned()]
        )
    );
    let unknown = samples(
        &export(&emulator, "resource.kafka.id=lkc-9,lkc-1"),
        "confluent_scrape_resource_access_error",
    );
    assert!(
        unknown[0].ends_with(" 1.0") && unknown[1].ends_with(" 0.0"),
        "{unknown:?}"
    );
    assert_eq!(
        send_query(
            &basic(emulator.unprivileged_key()),
            "resource.kafka.id=lkc-1"
        )
        .status,
        403
    );
    for bad in ["", &basic(emulator.cluster_key())] {
        assert_eq!(send_query(bad, "resource.kafka.id=lkc-1").status, 401);
    }
}

#[test]
fn a_failing_metric_fails_the_export_or_is_reported() {
    let emulator = two_topics(empty().failing_export(SENT));
    emulator.put(
        RETAINED,
        &[("resource.kafka.id", "lkc-1"), ("metric.topic", "a")],
        NOON - 180,
        5.0,
    );
    let whole = export(
        &emulator,
        "resource.kafka.id=lkc-1&ignore_failed_metrics=false",
    );
    assert_eq!(whole.status, 500);
    assert!(
        whole.details()[0].starts_with("There was an error processing your request."),
        "{}",
        whole.body
    );
    let other = export(
        &emulator,
        &format!("resource.kafka.id=lkc-1&metric={RETAINED}"),
    );
    assert_eq!(
        samples(&other, "confluent_kafka_server_retained_bytes").len(),
        1,
        "others do not fail"
    );
    assert_eq!(
        samples(&other, "export_status"),
        Vec::<String>::new(),
        "nobody asked"
    );
    let elsewhere = export(&emulator, "resource.ksql.id=lksqlc-1");
    assert_eq!(elsewhere.status, 200, "nor where it is not exported");
    let query = format!(
        "resource.kafka.id=lkc-1&resource.ksql.id=lksqlc-1&metric={SENT}&metric={RETAINED}&metric=x\"y&ignore_failed_metrics=TRUE"
    );
    let partial = export(&emulator, &query.replace('"', "%22"));
    assert_eq!(
        samples(&partial, "export_status"),
        [
            r#"{export_status="error",metric="io.confluent.kafka.server/sent_bytes",resource="kafka"} 1.0"#,
            r#"{export_status="error",metric="io.confluent.kafka.server/retained_bytes",resource="kafka"} 0.0"#,
            r#"{export_status="error",metric="x\"y",resource="kafka"} 1.0"#,
            r#"{export_status="error",metric="x\"y",resource="ksql"} 1.0"#
        ]
    );
    assert_eq!(
        names(&partial).into_iter().collect::<Vec<_>>(),
        ["confluent_kafka_server_retained_bytes", "export_status"]
    );
    let open = get(
        &emulator,
        &format!("{EXPORT}?resource.kafka.id=lkc-1&ignore_failed_metrics=true"),
        &cloud(&emulator),
        OPEN_METRICS,
    );
    assert!(
        open.body.contains("# TYPE export_status stateset\n"),
        "{}",
        open.body
    );
    assert_eq!(
        samples(&open, "export_status").len(),
        65,
        "one for each metric of a Kafka cluster"
    );
}

#[test]
fn a_cap_cuts_without_a_word() {
    let emulator = Emulator::builder().clock(NOON).export_cap(5).start();
    let count = |query: &str, name: &str| samples(&export(&emulator, query), name).len();
    assert_eq!(
        count(
            "resource.kafka.id=lkc-1,lkc-2",
            "confluent_kafka_server_sent_bytes"
        ),
        5
    );
    assert_eq!(
        count(
            "resource.kafka.id=lkc-1,lkc-2",
            "confluent_kafka_server_partition_count"
        ),
        2
    );
    // Two statements, of which one is asked for by itself and both by their pool.
    let name = "confluent_flink_num_records_in";
    let whole = Emulator::builder().clock(NOON).start();
    let pool = "resource.compute_pool.id=lfcp-1";
    let all = samples(&export(&whole, pool), name).len();
    let own = samples(
        &export(&whole, "resource.flink_statement.name=enrich-orders"),
        name,
    )
    .len();
    assert_eq!(
        samples(
            &export(
                &whole,
                &format!("{pool}&resource.flink_statement.name=enrich-orders")
            ),
            name
        )
        .len(),
        all
    );
    let capped = Emulator::builder().clock(NOON).export_cap(own - 1).start();
    assert_eq!(samples(&export(&capped, pool), name).len(), own - 1);
    let both = format!("{pool}&resource.flink_statement.name=page-view-counts");
    assert_eq!(
        samples(&export(&capped, &both), name).len(),
        2 * (own - 1),
        "each type has a cap of its own"
    );
    let twice = samples(
        &export(
            &capped,
            &format!("{pool}&resource.flink_statement.name=enrich-orders"),
        ),
        name,
    );
    let of_one = twice
        .iter()
        .filter(|line| line.contains("\"enrich-orders\""))
        .count();
    assert_eq!(
        of_one, own,
        "what a type has shown takes no room from another"
    );
}

#[test]
fn the_usual_cap_is_the_services_own() {
    let emulator = Emulator::builder().clock(NOON).topics(60_001).start();
    let response = export(
        &emulator,
        &format!("resource.kafka.id=lkc-big&metric={SENT}"),
    );
    assert_eq!(
        samples(&response, "confluent_kafka_server_sent_bytes").len(),
        60_000
    );
}

#[test]
fn other_datasets_are_not_exported() {
    let emulator = empty().start();
    let send_query = |dataset: &str| {
        get(
            &emulator,
            &format!("/v2/metrics/{dataset}/export?resource.kafka.id=lkc-1"),
            &cloud(&emulator),
            "",
        )
    };
    for (dataset, detail) in [
        ("USM", "There is no export of the dataset 'USM'"),
        (
            "health-plus",
            "There is no export of the dataset 'health-plus'",
        ),
        ("nowhere", "There is no dataset 'nowhere'"),
    ] {
        let response = send_query(dataset);
        assert_eq!(
            (response.status, response.details()),
            (404, vec![detail.to_owned()])
        );
    }
}
