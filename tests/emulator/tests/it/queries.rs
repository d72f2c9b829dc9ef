//! What is answered to a query.

use crate::client::*;
use confluent_metrics_emulator::{Emulator, RawPoint};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn flat_rows_are_ordered_by_time_and_then_by_group() {
    let emulator = empty().start();
    put(&emulator, "b", 0, 1574.0);
    put(&emulator, "a", 60, 0.0);
    put(&emulator, "b", 60, 1.23e7);
    let response = send_query(
        &emulator,
        &query(SENT, &json!({"group_by": ["metric.topic"]})),
    );
    assert_eq!(response.status, 200);
    assert_eq!(response.all("content-type"), ["application/json"]);
    assert_eq!(
        response.body,
        concat!(
            r#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0,"metric.topic":"b"},"#,
            r#"{"timestamp":"2026-01-01T10:01:00Z","value":0.0,"metric.topic":"a"},"#,
            r#"{"timestamp":"2026-01-01T10:01:00Z","value":1.23E7,"metric.topic":"b"}]}"#
        )
    );
}

#[test]
fn grouped_rows_hold_their_points() {
    let emulator = empty().start();
    put(&emulator, "b", 0, 1.0);
    put(&emulator, "b", 120, 2.0);
    put(&emulator, "\"ä\n", 60, 3.0);
    let more = json!({"group_by": ["metric.topic", "resource.kafka.id"], "format": "GROUPED"});
    assert_eq!(
        send_query(&emulator, &query(SENT, &more)).body,
        concat!(
            r#"{"data":[{"metric.topic":"\"ä\n","resource.kafka.id":"lkc-1","points":[{"timestamp":"2026-01-01T10:01:00Z","value":3.0}]},"#,
            r#"{"metric.topic":"b","resource.kafka.id":"lkc-1","points":[{"timestamp":"2026-01-01T10:00:00Z","value":1.0},"#,
            r#"{"timestamp":"2026-01-01T10:02:00Z","value":2.0}]}]}"#
        )
    );
}

#[test]
fn nothing_is_an_empty_list_in_both_formats() {
    let emulator = empty().start();
    for more in [
        json!({}),
        json!({"group_by": ["metric.topic"], "format": "GROUPED"}),
        json!({"granularity": "ALL"}),
    ] {
        assert_eq!(
            send_query(&emulator, &query(SENT, &more)).body,
            r#"{"data":[]}"#,
            "{more}"
        );
    }
}

#[test]
fn without_group_by_there_is_one_series_and_the_limit_is_ignored() {
    let emulator = empty().start();
    put(&emulator, "a", 0, 1.0);
    put(&emulator, "b", 0, 2.0);
    put(&emulator, "b", 60, 4.0);
    let data = &send_query(&emulator, &query(SENT, &json!({"limit": 1}))).json()["data"];
    assert_eq!(
        *data,
        json!([
            {"timestamp": "2026-01-01T10:00:00Z", "value": 3.0}, {"timestamp": "2026-01-01T10:01:00Z", "value": 4.0}
        ])
    );
}

#[test]
fn a_label_that_a_series_lacks_is_missing_from_its_row() {
    let emulator = empty().start();
    let metric = "io.confluent.kafka.server/response_bytes";
    for (zone, value) in [(None, 1.0), (Some("SAME_ZONE"), 2.0)] {
        let mut labels = vec![("resource.kafka.id", "lkc-1"), ("metric.type", "Fetch")];
        labels.extend(zone.map(|zone| ("metric.zone_alignment", zone)));
        emulator.put(metric, &labels, NOON - 7_200, value);
    }
    let more = json!({"group_by": ["metric.zone_alignment"], "format": "GROUPED"});
    let points = |value: f64| json!([{"timestamp": "2026-01-01T10:00:00Z", "value": value}]);
    assert_eq!(
        send_query(&emulator, &query(metric, &more)).json()["data"],
        json!([{"points": points(1.0)}, {"metric.zone_alignment": "SAME_ZONE", "points": points(2.0)}])
    );
}

#[test]
fn switches_change_how_points_are_printed() {
    let emulator = empty()
        .integers(true)
        .millis(true)
        .newest_first(true)
        .always_meta(true)
        .start();
    put(&emulator, "a", 0, 12.0);
    put(&emulator, "a", 60, 0.5);
    let meta = r#""meta":{"pagination":{"page_size":100}}"#;
    let (old, new) = ("2026-01-01T10:00:00.000Z", "2026-01-01T10:01:00.000Z");
    assert_eq!(
        send_query(&emulator, &query(SENT, &json!({}))).body,
        format!(
            r#"{{"data":[{{"timestamp":"{new}","value":0.5}},{{"timestamp":"{old}","value":12}}],{meta}}}"#
        )
    );
    let grouped = json!({"group_by": ["metric.topic"], "format": "GROUPED"});
    assert_eq!(
        send_query(&emulator, &query(SENT, &grouped)).body,
        format!(
            r#"{{"data":[{{"metric.topic":"a","points":[{{"timestamp":"{new}","value":0.5}},{{"timestamp":"{old}","value":12}}]}}],{meta}}}"#
        )
    );
}

#[test]
fn a_point_without_a_value_is_null() {
    let emulator = empty().start();
    emulator.put_null(SENT, &[("resource.kafka.id", "lkc-1")], NOON - 7_200);
    assert_eq!(
        send_query(&emulator, &query(SENT, &json!({}))).body,
        r#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":null}]}"#
    );
}

#[test]
fn now_is_the_emulators_clock() {
    let emulator = empty().start();
    put(&emulator, "a", 0, 1.0);
    let relative = query(SENT, &json!({"intervals": ["now-2h|h/PT1H"]}));
    assert_eq!(
        send_query(&emulator, &relative).json()["data"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    emulator.set_clock(NOON + 3_600);
    assert_eq!(send_query(&emulator, &relative).body, r#"{"data":[]}"#);
    assert_eq!(emulator.now(), NOON + 3_600);
}

#[test]
fn an_invalid_body_is_400_with_every_detail() {
    let emulator = empty().start();
    let response = send_query(&emulator, &json!({"limit": 0}));
    assert_eq!(response.status, 400);
    assert_eq!(response.details().len(), 4, "{}", response.body);
    let long = send_query(
        &emulator,
        &query(SENT, &json!({"intervals": ["2026-01-01T00:00:00Z/PT7H"]})),
    );
    assert_eq!(long.status, 400);
    assert!(
        long.details()[0].contains("PT7H") && long.details()[0].contains("PT1M"),
        "{}",
        long.body
    );
    let strict = empty().unprocessable(true).start();
    assert_eq!(send_query(&strict, &json!({"limit": 0})).status, 422);
}

#[test]
fn the_documented_example_gets_the_documented_response() {
    // 2019-10-18T00:00:00Z
    let emulator = Emulator::builder()
        .clock(1_571_356_800)
        .kafka_cluster("lkc-1234")
        .start();
    let response = send_query(
        &emulator,
        &json!({
            "group_by": ["metric.topic"],
            "aggregations": [{"metric": SENT, "agg": "SUM"}],
            "filter": {"op": "AND", "filters": [
                {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1234"},
                {"op": "NOT", "filter": {"field": "metric.topic", "op": "EQ", "value": "carts"}}
            ]},
            "order_by": [{"metric": SENT, "agg": "SUM", "order": "DESCENDING"}],
            "granularity": "PT1H",
            "intervals": ["2019-10-17T20:17:00.000Z/PT2H"],
            "limit": 5
        }),
    );
    let json = response.json();
    let rows = json["data"].as_array().expect("rows");
    let topics: Vec<_> = rows
        .iter()
        .filter(|row| row["timestamp"] == "2019-10-17T21:00:00Z")
        .collect();
    assert_eq!(topics.len(), 5, "{}", response.body);
    assert!(
        topics
            .iter()
            .all(|row| row["metric.topic"] != "carts" && row["value"].is_f64())
    );
    assert_eq!(rows.len(), 10, "21:00 and 22:00 start within the interval");
    assert_eq!(json["meta"]["pagination"]["page_size"], 5);
    assert!(json["meta"]["pagination"]["next_page_token"].is_string());
}

/// The labels of a series and the start of a bucket.
type SeriesBucket<'a> = (&'a [(String, String)], i64);

/// What a query by topic must give, from raw points and in the plainest way.
fn by_topic(points: &[RawPoint], bucket: i64, average: bool) -> BTreeMap<(String, i64), f64> {
    let mut series: BTreeMap<SeriesBucket<'_>, Vec<f64>> = BTreeMap::new();
    for point in points {
        let start = point.minute - point.minute.rem_euclid(bucket);
        series
            .entry((&point.labels, start))
            .or_default()
            .push(point.value);
    }
    let mut topics = BTreeMap::new();
    for ((labels, start), values) in series {
        let sum: f64 = values.iter().sum();
        let value = if average {
            sum / values.len() as f64
        } else {
            sum
        };
        let topic = labels
            .iter()
            .find(|(name, _)| name == "metric.topic")
            .expect("a topic")
            .1
            .clone();
        *topics.entry((topic, start)).or_insert(0.0) += value;
    }
    topics
}

#[test]
fn demo_data_sums_to_the_result_of_a_plain_loop() {
    let emulator = Emulator::builder().clock(NOON).start();
    let (start, end) = (NOON - 86_400, NOON - 3_600);
    for (metric, average) in [(SENT, false), (RETAINED, true)] {
        let mut raw = emulator.raw_points(metric, start, end);
        raw.retain(|point| {
            point
                .labels
                .contains(&("resource.kafka.id".to_owned(), "lkc-1".to_owned()))
        });
        for (granularity, bucket) in [("PT15M", 900), ("PT1H", 3_600)] {
            let expected = by_topic(&raw, bucket, average);
            let more = json!({
                "granularity": granularity, "group_by": ["metric.topic"],
                "intervals": ["2025-12-31T12:00:00Z/2026-01-01T11:00:00Z"]
            });
            let json = send_query(&emulator, &query(metric, &more)).json();
            let rows = json["data"].as_array().expect("rows");
            assert_eq!(rows.len(), expected.len(), "{metric} {granularity}");
            let found: f64 = rows.iter().filter_map(|row| row["value"].as_f64()).sum();
            let wanted: f64 = expected.values().sum();
            assert!(
                (found - wanted).abs() < wanted * 1e-12,
                "{metric} {granularity}: {found} {wanted}"
            );
            assert!(
                rows.iter()
                    .any(|row| row["metric.topic"] == "orders" && row["value"] != Value::Null)
            );
        }
    }
}

#[test]
fn the_demo_organisation_is_alive_at_any_time() {
    for clock in [NOON, 1_571_356_800, 2_000_000_000] {
        let emulator = Emulator::builder().clock(clock).start();
        let points = emulator.raw_points(SENT, clock - 86_400, clock + 86_400);
        let topics: BTreeMap<&str, f64> =
            points.iter().fold(BTreeMap::new(), |mut topics, point| {
                let topic = point
                    .labels
                    .iter()
                    .find(|(name, _)| name == "metric.topic")
                    .expect("a topic");
                *topics.entry(topic.1.as_str()).or_insert(0.0) += point.value;
                topics
            });
        assert!(topics.len() >= 20, "{topics:?}");
        assert!(
            topics["page-views"] > 10.0 * topics["refunds"],
            "volumes differ"
        );
        assert_eq!(
            points.iter().map(|point| point.minute).max(),
            Some(clock - clock.rem_euclid(60) - 180)
        );
        let lag = emulator.raw_points(
            "io.confluent.kafka.server/consumer_lag_offsets",
            clock - 86_400,
            clock,
        );
        let group = |name: &str| {
            let own = ("metric.consumer_group_id".to_owned(), name.to_owned());
            let minutes: Vec<_> = lag
                .iter()
                .filter(|point| point.labels.contains(&own))
                .map(|point| point.minute)
                .collect();
            minutes
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        };
        assert!(
            (1_437..=1_438).contains(&group("billing")),
            "all of a day but what is not there yet"
        );
        assert!(
            (700..=740).contains(&group("nightly-export")),
            "gone every other hour: {}",
            group("nightly-export")
        );
    }
}
