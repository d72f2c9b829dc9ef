//! The forms in which values are stored, and what is refused when they are read.

use std::fmt::Debug;
use std::time::Duration;

use confluent_metrics::check::{
    Change, Format, Missing, Quantifier, Reduce, Report, Status, Threshold,
};
use confluent_metrics::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Asserts the JSON of a value, and that it is read back.
fn assert_form<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(json).unwrap(), value, "{json}");
}

/// Returns the error of reading `json`.
fn refused<T: DeserializeOwned + Debug>(json: &str) -> String {
    serde_json::from_str::<T>(json).unwrap_err().to_string()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day() -> Duration {
    Duration::from_secs(86_400)
}

/// A result of two series, whose values are hard to print.
fn result() -> QueryResult {
    let start = at("2026-01-01T10:00:00Z");
    let hours = Interval::between(start, start + Duration::from_secs(7200));
    let query = Query::new("io.a/b", Granularity::OneHour, hours).group_by(["metric.topic"]);
    let body = br#"{"data":[
        {"metric.topic":"orders","points":[
            {"timestamp":"2026-01-01T10:00:00Z","value":0.30000000000000004},
            {"timestamp":"2026-01-01T11:00:00Z","value":-7}]},
        {"metric.topic":"\"a\"\n","points":[
            {"timestamp":"2026-01-01T10:00:00Z","value":1e300},
            {"timestamp":"2026-01-01T11:00:00Z","value":null}]}]}"#;
    QueryResult::from_json(&query, body).unwrap()
}

#[test]
fn texts_of_times_and_resources() {
    assert_form(
        &at("2026-01-01T10:00:00.250+01:00"),
        r#""2026-01-01T09:00:00.250Z""#,
    );
    assert_form(&Granularity::All, r#""ALL""#);
    assert_form(&Aggregation::Max, r#""MAX""#);
    assert_form(&Order::Ascending, r#""ASCENDING""#);
    assert_form(&Resource::kafka("lkc-1:2"), r#""kafka:lkc-1:2""#);
    assert_form(&Threshold::above(10.5), r#""~:10.5""#);
    assert_form(&Threshold::inside(0.0, 3.0), r#""@3""#);
    assert_form(&Reduce::Last, r#""last""#);
    assert_form(&Quantifier::AtLeast(3), r#""3""#);
    assert_form(&Missing::Unknown, r#""unknown""#);
    assert_form(&Change::Percent, r#""percent""#);
    assert_form(&Format::JUnit, r#""junit""#);
    assert_form(&Status::Critical, r#""CRITICAL""#);
    assert_form(&MetricKind::CounterInt64, r#""COUNTER_INT64""#);
    assert_form(&LifecycleStage::from("NEW"), r#""NEW""#);
    let (start, end) = (at("2026-01-01T10:00:00Z"), at("2026-01-01T12:30:00Z"));
    for (interval, json) in [
        (Interval::last_hours(1), r#""last/PT1H""#),
        (Interval::retained(), r#""retained""#),
        (Interval::since(start), r#""since/2026-01-01T10:00:00Z""#),
        (
            Interval::within(start, end),
            r#""within/2026-01-01T10:00:00Z/2026-01-01T12:30:00Z""#,
        ),
        (
            Interval::between(start, end),
            r#""2026-01-01T10:00:00Z/2026-01-01T12:30:00Z""#,
        ),
        (
            Interval::starting_at(start, day()),
            r#""2026-01-01T10:00:00Z/P1D""#,
        ),
        (
            Interval::ending_at(end, day()),
            r#""P1D/2026-01-01T12:30:00Z""#,
        ),
        (
            Interval::last_hours(1).shifted_back(day()),
            r#""last/PT1H@-P1D""#,
        ),
        ("now-1d|d/now".parse().unwrap(), r#""now-1d|d/now""#),
    ] {
        assert_form(&interval, json);
    }
}

#[test]
fn a_query_is_an_object_of_what_is_set() {
    let query = Query::new("io.a/b", Granularity::OneHour, Interval::last_days(1));
    assert_form(
        &query,
        r#"{"metric":"io.a/b","granularity":"PT1H","intervals":["last/P1D"]}"#,
    );
    let query = Query::new("io.a/b", Granularity::All, Interval::last_days(1))
        .add_interval(Interval::retained().shifted_back(day()))
        .filter(Resource::kafka("lkc-1"))
        .filter(!Filter::one_of("metric.partition", [0, 1]))
        .filter(Filter::gte("metric.topic", "a").or(Filter::gt("metric.topic", "b")))
        .group_by(["metric.topic"])
        .aggregation(Aggregation::Min)
        .extra_aggregation("time_agg", "MAX")
        .order(Order::Descending)
        .limit(5)
        .allow_truncated();
    assert_form(
        &query,
        concat!(
            r#"{"metric":"io.a/b","granularity":"ALL","#,
            r#""intervals":["last/P1D","retained@-P1D"],"#,
            r#""filter":{"op":"AND","filters":["#,
            r#"{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},"#,
            r#"{"op":"NOT","filter":{"op":"OR","filters":["#,
            r#"{"field":"metric.partition","op":"EQ","value":0},"#,
            r#"{"field":"metric.partition","op":"EQ","value":1}]}},"#,
            r#"{"op":"OR","filters":["#,
            r#"{"field":"metric.topic","op":"GTE","value":"a"},"#,
            r#"{"field":"metric.topic","op":"GT","value":"b"}]}]},"#,
            r#""group_by":["metric.topic"],"aggregation":"MIN","#,
            r#""extra_aggregation":[["time_agg","MAX"]],"order":"DESCENDING","limit":5,"#,
            r#""allow_truncated":true}"#,
        ),
    );
    let attributes = AttributeQuery::new("io.a/b", ["metric.topic"])
        .filter(Resource::kafka("lkc-1"))
        .interval(Interval::last_days(1))
        .limit(9);
    assert_form(
        &attributes,
        concat!(
            r#"{"metric":"io.a/b","labels":["metric.topic"],"#,
            r#""filter":{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},"#,
            r#""intervals":["last/P1D"],"limit":9}"#,
        ),
    );
}

#[test]
fn a_result_is_read_back_exactly() {
    assert_form(
        &result(),
        concat!(
            r#"{"metric":"io.a/b","granularity":"PT1H","#,
            r#""intervals":["2026-01-01T10:00:00Z/2026-01-01T12:00:00Z"],"series":["#,
            r#"{"labels":{"metric.topic":"\"a\"\n"},"#,
            r#""points":[{"timestamp":"2026-01-01T10:00:00Z","value":1e+300}],"#,
            r#""newest_null":"2026-01-01T11:00:00Z"},"#,
            r#"{"labels":{"metric.topic":"orders"},"points":["#,
            r#"{"timestamp":"2026-01-01T10:00:00Z","value":0.30000000000000004},"#,
            r#"{"timestamp":"2026-01-01T11:00:00Z","value":-7.0}]}],"#,
            r#""completeness":"complete"}"#,
        ),
    );
}

#[test]
fn completeness_is_a_name_or_an_object() {
    let start = Interval::between(at("2026-01-01T10:00:00Z"), at("2026-01-01T11:00:00Z"));
    let query = Query::new("m", Granularity::OneHour, start).group_by(["metric.topic"]);
    let row = r#"{"metric.topic":"a","points":[]}"#;
    let limited = format!(r#"{{"data":[{row},{}]}}"#, row.replace("\"a\"", "\"b\""));
    let result = QueryResult::from_json(&query.clone().limit(1), limited.as_bytes()).unwrap();
    assert_form(result.completeness(), r#"{"limited":{"limit":1}}"#);
    let more = r#"{"data":[],"meta":{"pagination":{"page_size":1,"next_page_token":"t"}}}"#;
    let result = QueryResult::from_json(&query.allow_truncated(), more.as_bytes()).unwrap();
    assert_form(
        result.completeness(),
        r#"{"truncated":{"missing":"only one page of several"}}"#,
    );
    assert_form(&Completeness::Complete, r#""complete""#);
}

#[test]
fn results_that_are_only_written() {
    let text = "# HELP sent Bytes.\nsent{topic=\"a\"} 7 1767225600000\n";
    let status = "confluent_scrape_resource_access_error{resource_type=\"resource.kafka.id\",\
                  resource_id=\"lkc-2\"} 1\n";
    let export = Export::parse(&format!("{text}{status}")).unwrap();
    assert_eq!(
        serde_json::to_string(&export).unwrap(),
        concat!(
            r#"{"samples":[{"name":"sent","labels":{"topic":"a"},"value":7.0,"#,
            r#""timestamp":"2026-01-01T00:00:00Z"}],"inaccessible":["kafka:lkc-2"],"#,
            r#""failed_metrics":[],"completeness":{"truncated":{"missing":"#,
            r#""no access to kafka lkc-2"}}}"#,
        )
    );
    let report = serde_json::to_value(Report::default()).unwrap();
    assert_eq!(report["status"], "UNKNOWN");
    assert_eq!(
        serde_json::to_string(&MetricKind::from("GAUGE_INT64")).unwrap(),
        r#""GAUGE_INT64""#
    );
}

#[test]
fn text_that_cannot_be_parsed_is_refused_with_its_place() {
    for (found, expected) in [
        (
            refused::<Timestamp>(r#""2026-13-01T00:00:00Z""#),
            "invalid RFC 3339 timestamp \"2026-13-01T00:00:00Z\": month must be 01 to 12 \
             at line 1 column 22",
        ),
        (
            refused::<Timestamp>("1767225600"),
            "invalid type: integer `1767225600`, expected a string at line 1 column 10",
        ),
        (
            refused::<Granularity>(r#""PT2M""#),
            "invalid granularity \"PT2M\": expected one of PT1M, PT5M, PT15M, PT30M, PT1H, PT4H, \
             PT6H, PT12H, P1D, ALL at line 1 column 6",
        ),
        (
            refused::<Interval>(r#""last/P1M""#),
            "invalid interval \"last/P1M\": invalid duration \"P1M\": years and months are not \
             supported: use days, or PT…M for minutes at line 1 column 10",
        ),
        (
            refused::<Resource>(r#""kafka""#),
            "invalid resource \"kafka\": expected TYPE:ID, such as kafka:lkc-1 \
             at line 1 column 7",
        ),
        (
            refused::<Threshold>(r#""10:2x""#),
            "invalid threshold \"10:2x\": unexpected 'x' at character 5 at line 1 column 7",
        ),
        (
            refused::<Aggregation>(r#""AVG""#),
            "unknown variant `AVG`, expected one of `SUM`, `MIN`, `MAX` at line 1 column 5",
        ),
        (
            refused::<Labels>(r#"{"a":1}"#),
            "invalid type: integer `1`, expected a string at line 1 column 6",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_query_with_a_mistake_is_refused_with_its_place() {
    let query = |members: &str| {
        let start = r#"{"metric":"m","granularity":"PT1H","#;
        refused::<Query>(&format!("{start}\n{members}}}"))
    };
    for (found, expected) in [
        (
            query(r#""intervals":[]"#),
            "invalid length 0, expected at least one interval at line 2 column 15",
        ),
        (
            query(r#""filter":null"#),
            "missing field `intervals` at line 2 column 14",
        ),
        (
            query(r#""interval":"retained""#),
            "unknown field `interval`, expected one of `metric`, `granularity`, `intervals`, \
             `filter`, `group_by`, `aggregation`, `extra_aggregation`, `order`, `limit`, \
             `allow_truncated` at line 2 column 10",
        ),
        (
            query(r#""intervals":["retained"],"filter":{"op":"EQ","field":"a"}"#),
            "expected `field` and `value` with this `op` at line 2 column 58",
        ),
        (
            query(r#""intervals":["retained"],"filter":{"op":"NOT","filters":[]}"#),
            "expected `filter` with `op` NOT at line 2 column 60",
        ),
        (
            query(
                r#""intervals":["retained"],"filter":{"op":"AND","filters":[
                {"op":"LT","field":"a","value":"b"}]}"#,
            ),
            "unknown variant `LT`, expected one of `EQ`, `GT`, `GTE`, `AND`, `OR`, `NOT` \
             at line 3 column 26",
        ),
        (
            query(r#""intervals":["retained"],"filter":{"op":"EQ","field":"a","value":1.5}"#),
            "invalid type: floating point `1.5`, expected a string or an integer of 64 bits \
             at line 2 column 68",
        ),
        (
            query(
                r#""intervals":["retained"],"filter":{"op":"EQ","field":"a","value":9223372036854775808}"#,
            ),
            "invalid value: integer `9223372036854775808`, expected a string or an integer of \
             64 bits at line 2 column 84",
        ),
        (
            query(r#""intervals":["retained"],"limit":-1"#),
            "invalid value: integer `-1`, expected u32 at line 2 column 35",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_result_that_no_query_returns_is_refused() {
    let good = serde_json::to_string(&result()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        refused::<QueryResult>(&good.replacen(from, to, 1))
    };
    let orders = r#"{"timestamp":"2026-01-01T10:00:00Z","value":0.30000000000000004}"#;
    let last = r#""2026-01-01T11:00:00Z","value":-7.0"#;
    let interval = "2026-01-01T10:00:00Z/2026-01-01T12:00:00Z";
    for (from, to, problem) in [
        (
            last,
            r#""2026-01-01T09:00:00Z","value":-7.0"#,
            "points of {metric.topic=\"orders\"} are not in ascending order: \
             2026-01-01T09:00:00Z follows 2026-01-01T10:00:00Z",
        ),
        (
            last,
            r#""2026-01-01T10:00:00Z","value":-7.0"#,
            "points of {metric.topic=\"orders\"} are not in ascending order: \
             2026-01-01T10:00:00Z follows 2026-01-01T10:00:00Z",
        ),
        (
            last,
            r#""2026-01-01T12:00:00Z","value":-7.0"#,
            "point of {metric.topic=\"orders\"} at 2026-01-01T12:00:00Z is outside all intervals",
        ),
        (
            r#""newest_null":"2026-01-01T11:00:00Z""#,
            r#""newest_null":"2026-01-01T10:00:00Z""#,
            "newest_null of {metric.topic=\"\\\"a\\\"\\n\"} is 2026-01-01T10:00:00Z, \
             which is not after the last point at 2026-01-01T10:00:00Z",
        ),
        (
            r#""newest_null":"2026-01-01T11:00:00Z""#,
            r#""newest_null":"2026-01-01T13:00:00Z""#,
            "point of {metric.topic=\"\\\"a\\\"\\n\"} at 2026-01-01T13:00:00Z is outside all \
             intervals",
        ),
        (
            orders,
            r#"{"timestamp":"2026-01-01T10:00:00Z","value":null}"#,
            "expected a number",
        ),
        (
            orders,
            r#"{"timestamp":"2026-01-01T10:00:00Z","value":1e999}"#,
            "number out of range",
        ),
        (
            r#""value":1e+300}"#,
            r#""value":1e+300,"unit":"By"}"#,
            "unknown field `unit`, expected `timestamp` or `value`",
        ),
        (
            r#""completeness":"#,
            r#""complete":"#,
            "unknown field `complete`",
        ),
        (
            r#","completeness":"complete""#,
            "",
            "missing field `completeness`",
        ),
        (
            r#""metric.topic":"orders""#,
            r#""metric.topic":"\"a\"\n""#,
            "two series have the labels {metric.topic=\"\\\"a\\\"\\n\"}",
        ),
        (
            r#""metric.topic":"orders""#,
            r#""metric.topic":"!""#,
            "series are not in ascending order of their labels: {metric.topic=\"!\"} comes after \
             {metric.topic=\"\\\"a\\\"\\n\"}",
        ),
        (
            interval,
            "last/PT1H",
            "invalid interval last/PT1H: expected `start/end`",
        ),
        (
            interval,
            "2026-01-01T12:00:00Z/2026-01-01T12:00:00Z",
            "invalid interval 2026-01-01T12:00:00Z/2026-01-01T12:00:00Z: expected `start/end`",
        ),
        (
            interval,
            "2026-01-01T10:00:00Z/2026-01-01T12:00:00Z\",\
             \"2026-01-01T11:00:00Z/2026-01-01T13:00:00Z",
            "intervals are not in ascending order: 2026-01-01T11:00:00Z/2026-01-01T13:00:00Z \
             starts before the end of the one before it",
        ),
    ] {
        let error = changed(from, to);
        assert!(error.contains(problem), "{error}\n{problem}");
    }
    let twice = good
        .replacen("PT1H", "ALL", 1)
        .replacen("orders", r#"\"a\"\n"#, 1);
    assert_eq!(
        refused::<QueryResult>(&twice).split(" at line").next(),
        Some(r#"two series have the labels {metric.topic="\"a\"\n"}"#)
    );
}

#[test]
fn a_value_that_would_be_read_back_as_another_is_not_written() {
    let written = |value: &dyn Fn() -> serde_json::Result<String>| value().unwrap_err().to_string();
    assert_eq!(
        written(&|| serde_json::to_string(&Resource::new("a:b", "c"))),
        r#"invalid resource "a:b:c""#
    );
    assert_eq!(
        written(&|| serde_json::to_string(&Resource::kafka(""))),
        r#"invalid resource "kafka:""#
    );
    assert_eq!(
        written(&|| serde_json::to_string(&Threshold::inside(2.0, 1.0))),
        "invalid threshold: start 2 is greater than end 1"
    );
}

#[test]
fn the_json_of_the_service_is_not_the_stored_form() {
    let body = r#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1.0}]}"#;
    assert!(refused::<QueryResult>(body).starts_with("unknown field `data`"));
    let query = Query::new("m", Granularity::OneHour, Interval::last_hours(1));
    let stored = serde_json::to_string(&result()).unwrap();
    let error = QueryResult::from_json(&query, stored.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}
