//! Checks that are read from and written to JSON.

use std::time::Duration;

use confluent_metrics::check::{Change, Check, Missing, Quantifier, Reduce, Threshold};
use confluent_metrics::{
    Aggregation, Client, Credentials, Filter, Granularity, Interval, Order, Query, Resource,
};
use serde_json::{Value, json};

use crate::support::interval;

const MINUTE: Duration = Duration::from_secs(60);

fn query() -> Query {
    Query::new("m", Granularity::OneMinute, Interval::last_hours(1))
}

fn read(entry: &Value) -> Check {
    serde_json::from_value(entry.clone()).unwrap_or_else(|error| panic!("{entry}: {error}"))
}

/// Returns the faults of an entry.
fn faults(entry: &str) -> Vec<String> {
    let error = serde_json::from_str::<Check>(entry).unwrap_err();
    error.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn every_setting_is_read_as_its_method_sets_it() {
    let critical = Threshold::above(10.0);
    let grouped = || query().group_by(["metric.topic"]);
    let two_resources = Query::new("m", Granularity::OneMinute, Interval::last_hours(1))
        .filter(Filter::any([
            Resource::kafka("a").into(),
            Resource::connector("b").into(),
        ]))
        .group_by(["resource.kafka.id", "resource.connector.id"]);
    for (member, check) in [
        (json!({}), Check::new(query())),
        (json!({"name": "n"}), Check::new(query()).named("n")),
        (
            json!({"resource": "kafka:a"}),
            Check::new(query().filter(Resource::kafka("a"))),
        ),
        (
            json!({"resource": ["kafka:a", "connector:b"]}),
            Check::new(two_resources)
                .expect_labels("resource.kafka.id", ["a"])
                .expect_labels("resource.connector.id", ["b"]),
        ),
        (
            json!({"filter": ["a=b", "c!=d=e"]}),
            Check::new(
                query()
                    .filter(Filter::eq("a", "b"))
                    .filter(!Filter::eq("c", "d=e")),
            ),
        ),
        (
            json!({"filter": {"op": "OR", "filters": [
                {"field": "a", "op": "GT", "value": 3},
                {"op": "NOT", "filter": {"field": "a", "op": "GTE", "value": "x"}}]}}),
            Check::new(query().filter(Filter::gt("a", 3).or(!Filter::gte("a", "x")))),
        ),
        (
            json!({"group-by": "a,b"}),
            Check::new(query().group_by(["a", "b"])),
        ),
        (
            json!({"group-by": ["a", "b,c"]}),
            Check::new(query().group_by(["a", "b,c"])),
        ),
        (
            json!({"last": "90m"}),
            Check::new(Query::new(
                "m",
                Granularity::OneMinute,
                Interval::last(90 * MINUTE),
            )),
        ),
        (
            json!({"last": "PT1M30S"}),
            Check::new(Query::new(
                "m",
                Granularity::OneMinute,
                Interval::last(Duration::from_secs(90)),
            )),
        ),
        (
            json!({"retained": true, "granularity": "PT1H"}),
            Check::new(Query::new("m", Granularity::OneHour, Interval::retained())),
        ),
        (
            json!({"since": "2026-01-01T00:00Z"}),
            Check::new(Query::new(
                "m",
                Granularity::OneMinute,
                interval("since/2026-01-01T00:00Z"),
            )),
        ),
        (
            json!({"within": "2026-01-01T00:00Z/2026-01-02T00:00Z"}),
            Check::new(Query::new(
                "m",
                Granularity::OneMinute,
                interval("within/2026-01-01T00:00Z/2026-01-02T00:00Z"),
            )),
        ),
        (
            json!({"interval": ["now-1h/now", "PT1H/2026-01-01T00:00Z"]}),
            Check::new(
                Query::new("m", Granularity::OneMinute, interval("now-1h/now"))
                    .add_interval(interval("PT1H/2026-01-01T00:00Z")),
            ),
        ),
        (
            json!({"reduce": "rate", "warning": 10, "critical": "~:20"}),
            Check::new(query())
                .reduce(Reduce::Rate)
                .warning("10".parse().unwrap())
                .critical(Threshold::above(20.0)),
        ),
        (
            json!({"quantifier": 3, "min-coverage": "90%", "max-age": "2m"}),
            Check::new(query())
                .quantifier(Quantifier::AtLeast(3))
                .min_coverage(0.9)
                .max_age(2 * MINUTE),
        ),
        (
            json!({"min-coverage": 0.25, "quantifier": "all", "on-missing": "warning"}),
            Check::new(query())
                .quantifier(Quantifier::All)
                .min_coverage(0.25)
                .on_missing(Missing::Warning),
        ),
        (
            json!({"group-by": "metric.topic", "expect": "metric.topic=a,b", "expect-at-least": "3"}),
            Check::new(grouped())
                .expect_labels("metric.topic", ["a", "b"])
                .expect_at_least(3),
        ),
        (
            json!({"expect": [{"a=b": ["c,d", "e"]}, "f=g", {"h": 1}]}),
            Check::new(query())
                .expect_labels("a=b", ["c,d", "e"])
                .expect_labels("f", ["g"])
                .expect_labels("h", ["1"]),
        ),
        (
            json!({"compare-to": "1d"}),
            Check::new(query()).compare_to(1440 * MINUTE, Change::Percent),
        ),
        (
            json!({"compare-to": "1h", "change": "ratio", "datapoints": "3/5"}),
            Check::new(query())
                .compare_to(60 * MINUTE, Change::Ratio)
                .datapoints(3, 5),
        ),
        (
            json!({"resource": "kafka:a", "filter": "b=c", "group-by": "g", "divide-by": "n"}),
            {
                let of = |metric: &str| {
                    Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
                        .filter(Resource::kafka("a"))
                        .filter(Filter::eq("b", "c"))
                        .group_by(["g"])
                };
                Check::new(of("m")).divide_by(of("n"))
            },
        ),
        (
            json!({"group-by": "g", "limit": 3, "order": "ASCENDING", "aggregation": "MAX",
                "divide-by": "n"}),
            {
                let of = |metric: &str| {
                    Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
                        .group_by(["g"])
                };
                // These settings are of the values alone.
                let values = of("m")
                    .limit(3)
                    .order(Order::Ascending)
                    .aggregation(Aggregation::Max);
                Check::new(values).divide_by(of("n"))
            },
        ),
        (
            json!({"resource": "kafka:a", "filter": "b=c", "divide-by": "n", "divide-filter": "d=e"}),
            {
                let of = |metric: &str, label: &str, value: &str| {
                    Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
                        .filter(Resource::kafka("a"))
                        .filter(Filter::eq(label, value))
                };
                Check::new(of("m", "b", "c")).divide_by(of("n", "d", "e"))
            },
        ),
        (
            json!({"last": "2h", "granularity": "PT5M", "group-by": "g",
                "divide-by": {"metric": "n", "resource": "kafka:b"}}),
            {
                let of = |metric: &str| {
                    Query::new(metric, Granularity::FiveMinutes, Interval::last_hours(2))
                };
                Check::new(of("m").group_by(["g"])).divide_by(of("n").filter(Resource::kafka("b")))
            },
        ),
        (
            json!({"aggregation": "MAX", "extra-aggregation": {"time_agg": "MAX"},
                "order": "ASCENDING", "limit": 3, "allow-truncated": true}),
            Check::new(
                query()
                    .aggregation(Aggregation::Max)
                    .extra_aggregation("time_agg", "MAX")
                    .order(Order::Ascending)
                    .limit(3)
                    .allow_truncated(),
            ),
        ),
    ] {
        let mut entry = member.clone();
        entry["metric"] = "m".into();
        entry["critical"] = entry.get("critical").cloned().unwrap_or("~:10".into());
        let check = if member.get("critical").is_some() {
            check
        } else {
            check.critical(critical)
        };
        assert_eq!(read(&entry), check, "{entry}");
        let written = serde_json::to_value(&check).unwrap();
        assert_eq!(read(&written), check, "{entry} as {written}");
    }
}

#[test]
fn every_fault_of_an_entry_is_named_at_once() {
    for (entry, named) in [
        ("{}", vec!["metric: missing"]),
        (
            r#"{"metric": "m", "critcal": 1, "retained": false, "last": "1h", "since": "x",
                "limit": -1, "order": "UP", "datapoints": "3", "filter": {"op": "LT"},
                "expect": ["a", {"b": {}}], "change": "ratio", "name": null, "resource": [],
                "group-by": ["a", {}], "warning": [1], "critical": "1", "critical": "2"}"#,
            vec![
                "critcal: unknown setting; did you mean `critical`?",
                "retained: expected true, found a boolean",
                "last: cannot be used together with `retained`",
                "since: cannot be used together with `last`",
                r#"since: invalid interval "since/x": invalid start "x": expected a four-digit year"#,
                r#"limit: invalid number "-1": expected one such as 3"#,
                r#"order: invalid order "UP": expected one of ASCENDING, DESCENDING"#,
                r#"datapoints: invalid datapoints "3": expected M/N, such as 3/5"#,
                "filter: unknown variant `LT`, expected one of `EQ`, `GT`, `GTE`, `AND`, `OR`, `NOT`",
                r#"expect[0]: invalid pair "a": expected LABEL=VALUE"#,
                "expect[1]: expected a text, found an object",
                "name: expected a text, found null",
                "resource: the list is empty",
                "group-by[1]: expected a text, found an object",
                "warning: expected a text, found a list",
                "critical: duplicate setting",
                "change: requires `compare-to`",
            ],
        ),
        (
            r#"{"metric": "m", "filter": [
                {"op": "EQ", "field": "a", "value": "b", "x": 1}, {"op": "NOT"},
                {"op": "AND", "filters": {}}, {"op": "OR", "filters": ["a"]}, "a=", true],
                "divide-filter": "a=b"}"#,
            vec![
                "filter[0]: unknown field `x`, expected one of `op`, `field`, `value`, `filters`, `filter`",
                "filter[1]: expected `filter` with `op` NOT",
                "filter[2]: invalid type: map, expected a sequence",
                r#"filter[3]: invalid type: string "a", expected a filter"#,
                r#"filter[4]: invalid pair "a=": expected LABEL=VALUE"#,
                "filter[5]: expected a text, found a boolean",
                "divide-filter: requires `divide-by`",
            ],
        ),
        (
            r#"{"metric": "m", "divide-by": {"last": "1y", "x": 1}}"#,
            vec![
                "divide-by.metric: missing",
                r#"divide-by.last: invalid duration "1y": expected a whole number and s, m, h or d, such as 90s"#,
                "divide-by.x: unknown setting",
            ],
        ),
        (
            r#"{"metric": "m", "divide-by": {"metric": "n", "critical": 1}}"#,
            vec!["divide-by.critical: not a setting of a query"],
        ),
        (
            r#"{"metric": "m", "divide-by": {"metric": "n"}, "divide-filter": "a=b"}"#,
            vec!["divide-filter: requires `divide-by` to be a metric"],
        ),
        // Of equal members a parser keeps the last, so that an expectation would be lost.
        (
            r#"{"metric": "m", "expect": {"topic": "a", "topic": "b"},
                "filter": [{"op": "NOT", "filter": {"op": "EQ", "op": "GT"}}],
                "divide-by": {"metric": "n", "metric": "o"}, "limit": {"a": 1, "a": 2}}"#,
            vec![
                r#"expect: duplicate member "topic""#,
                r#"filter: duplicate member "op""#,
                r#"divide-by: duplicate member "metric""#,
                r#"limit: duplicate member "a""#,
            ],
        ),
        (
            r#"{"metric": "m", "a\n::b": 1}"#,
            vec![r#""a\n::b": unknown setting"#],
        ),
    ] {
        assert_eq!(faults(entry), named, "{entry}");
    }
    let error = serde_json::from_str::<Check>("[]").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expected an object with the settings of a check"),
        "{error}"
    );
}

#[test]
fn a_fault_is_one_bounded_line_whatever_is_in_the_entry() {
    // Half a line of an unknown member would look like a fault of its own.
    let entry = r#"{"metric": "m", "filter": {"op": "EQ", "fie\nld\u0007": "x"}}"#;
    assert_eq!(
        faults(entry),
        [
            r"filter: unknown field `fie\nld\u{7}`, expected one of `op`, `field`, `value`, `filters`, `filter`"
        ]
    );
    let long = "x".repeat(5000);
    for filter in [
        format!(r#"{{"op": "EQ", "{long}": 1}}"#),
        format!(r#"{{"op": "{long}"}}"#),
        format!(r#"{{"op": "NOT", "filter": "{long}"}}"#),
    ] {
        let [fault] = &faults(&format!(r#"{{"metric": "m", "filter": {filter}}}"#))[..] else {
            panic!("{filter}");
        };
        assert!(fault.chars().count() < 500, "{fault}");
    }
}

#[test]
fn a_share_is_a_number() {
    for share in ["nan", "NaN", "inf", "-infinity", "nan%", "1e999"] {
        assert_eq!(
            faults(&json!({"metric": "m", "min-coverage": share}).to_string()),
            [format!(
                "min-coverage: invalid share \"{share}\": expected one such as 0.9 or 90%"
            )]
        );
    }
}

#[test]
fn a_check_that_would_be_refused_is_found_without_a_request() {
    let client = Client::new(Credentials::api_key("key", "secret").unwrap());
    let fine = Check::new(query().filter(Resource::kafka("lkc-1"))).critical(Threshold::above(1.0));
    assert!(fine.validate(&client).is_ok());
    for (check, why) in [
        (
            Check::new(query()),
            "invalid check: no threshold and no expectation: the check can never fail",
        ),
        (
            fine.clone()
                .compare_to(Duration::from_secs(7 * 86_400), Change::Ratio),
            "cannot compare with the window 7 d earlier",
        ),
        (
            Check::new(query().limit(1)).critical(Threshold::above(1.0)),
            "invalid query: limit requires group_by",
        ),
        (
            fine.clone().divide_by(query().limit(1)),
            "invalid query: limit requires group_by",
        ),
    ] {
        let error = check.validate(&client).unwrap_err().to_string();
        assert!(error.contains(why), "{why} in {error}");
    }
}

#[test]
fn an_unknown_setting_is_reported_with_the_closest_name() {
    for (name, closest) in [
        ("groupby", "group-by"),
        ("group_by", "group-by"),
        ("min_coverage", "min-coverage"),
        ("onmissing", "on-missing"),
        ("xyzzy", ""),
    ] {
        let text = format!(r#"{{"metric": "m", "{name}": "1"}}"#);
        let error = serde_json::from_str::<Check>(&text).unwrap_err();
        let hint = if closest.is_empty() {
            String::new()
        } else {
            format!("; did you mean `{closest}`?")
        };
        assert_eq!(error.to_string(), format!("{name}: unknown setting{hint}"));
    }
}
