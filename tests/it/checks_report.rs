//! What reports show of comparisons, and the documentation of the JSON format.

use std::collections::BTreeSet;
use std::time::Duration;

use confluent_metrics::check::{Change, Check, Format, Reduce, Report, Status, Threshold};
use confluent_metrics::{Credentials, Filter, Granularity, Query, QueryResult};
use serde_json::Value;

use crate::support::interval;

const NOW: &str = "2026-01-08T12:03:00Z";

fn query(metric: &str) -> Query {
    let interval = interval("2026-01-08T11:56:00Z/PT4M");
    Query::new(metric, Granularity::OneMinute, interval).group_by(["g"])
}

/// Judges a check. A result has the values of consecutive minutes for each group.
fn report(check: &Check, results: &[&[(&str, &[f64])]]) -> Report {
    let mut parsed = Vec::new();
    for (query, groups) in check.queries().iter().zip(results) {
        let start = if query.metric_is_late() { 11 } else { 10 };
        let rows = groups.iter().map(|(group, values)| {
            let points = values.iter().zip(56..).map(|(value, minute)| {
                format!(r#"{{"timestamp":"2026-01-08T{start}:{minute}:00Z","value":{value}}}"#)
            });
            let points = points.collect::<Vec<_>>().join(",");
            format!(r#"{{"g":"{group}","points":[{points}]}}"#)
        });
        let body = format!(r#"{{"data":[{}]}}"#, rows.collect::<Vec<_>>().join(","));
        parsed.push(QueryResult::from_json(query, body.as_bytes()).unwrap());
    }
    check.judge_all(&parsed, NOW.parse().unwrap())
}

/// Tells the queries of the window from those of the baseline.
trait Window {
    fn metric_is_late(&self) -> bool;
}

impl Window for Query {
    fn metric_is_late(&self) -> bool {
        let result = QueryResult::from_json(self, br#"{"data":[]}"#).unwrap();
        result.intervals()[0]
            .0
            .to_string()
            .starts_with("2026-01-08T11")
    }
}

fn compared() -> Report {
    let check = Check::new(query("m"))
        .named("c")
        .critical(Threshold::above(10.0))
        .compare_to(Duration::from_secs(3600), Change::Percent);
    report(
        &check,
        &[
            &[("a", &[2.0, 4.0, 6.0, 8.0]), ("new", &[1.0, 1.0, 1.0, 1.0])],
            &[("a", &[1.0, 2.0, 3.0, 4.0]), ("old", &[3.0, 3.0, 3.0, 3.0])],
        ],
    )
}

fn written(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    report.write(format, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn json(report: &Report) -> Value {
    serde_json::from_str(&written(report, Format::Json)).unwrap()
}

const SENTENCE: &str = "the change of the last value, 100 % (from 4 to 8 at \
                        2026-01-08T11:59:00Z), is above 10 (critical)";

#[test]
fn text_has_the_baseline_under_the_value() {
    assert_eq!(
        written(&compared(), Format::Text),
        format!(
            "\
CRITICAL: c {{g=\"a\"}}: {SENTENCE}; also 2 UNKNOWN of 3 findings

c: m, last from 2026-01-08T11:56:00Z to 2026-01-08T12:00:00Z, change (percent) from 1 h earlier, critical ~:10
  CRITICAL  8  2026-01-08T11:59:00Z  ▃▅▆█  {{g=\"a\"}}: 100 % is above 10 (critical)
            4  2026-01-08T10:59:00Z  ▂▃▄▅  baseline
  UNKNOWN   1  2026-01-08T11:59:00Z  ████  {{g=\"new\"}}: new: the window 1 h earlier has no such series
  UNKNOWN   -  -                           {{g=\"old\"}}: vanished: only the window 1 h earlier has this series
            3  2026-01-08T10:59:00Z  ████  baseline
"
        )
    );
}

#[test]
fn markdown_has_a_column_and_a_line_for_the_baseline() {
    let text = written(&compared(), Format::Markdown);
    assert!(
        text.contains("| status | series | value | baseline | at | points | reason |\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "| 8 | 4 | 2026-01-08T11:59:00Z | ▃▅▆█<br>▂▃▄▅ | 100 % is above 10 (critical) |\n"
        ),
        "{text}"
    );
    assert!(text.contains("|  | 3 |  | <br>████ |"), "{text}");
}

#[test]
fn the_other_formats_have_the_numbers_that_were_compared() {
    let report = compared();
    assert_eq!(
        written(&report, Format::Nagios),
        format!(
            "CRITICAL: c {{g=\"a\"}}: {SENTENCE}; also 2 UNKNOWN of 3 findings | \
             a=100;;~:10 a/value=8;; a/baseline=4;; new=U;;~:10 new/value=1;; new/baseline=U;; \
             old=U;;~:10 old/value=U;; old/baseline=3;;\n"
        )
    );
    let text = written(&report, Format::JUnit);
    assert!(text.contains(SENTENCE), "{text}");
    let text = written(&report, Format::GitHub);
    assert!(text.contains(&SENTENCE.replace('%', "%25")), "{text}");
    let json = json(&report);
    let check = &json["checks"][0];
    assert_eq!(
        check["compare_to"],
        serde_json::json!({
            "shift": "PT1H", "change": "percent",
            "start": "2026-01-08T10:56:00Z", "end": "2026-01-08T11:00:00Z",
        })
    );
    let finding = &check["findings"][0];
    assert_eq!(finding["value"], 8.0);
    assert_eq!(finding["baseline"], 4.0);
    assert_eq!(finding["change"], 100.0);
    assert_eq!(
        finding["coverage"],
        serde_json::json!({"with_data": 4, "buckets": 4})
    );
}

#[test]
fn a_check_that_cannot_be_run_reports_the_error() {
    let error = Credentials::api_key("", "").unwrap_err();
    let check = Check::new(query("m")).named("c");
    let report = check.error_report(&error);
    assert_eq!(report.status(), Status::Unknown);
    assert_eq!(report.findings().len(), 1);
    assert_eq!(report.summary(), format!("UNKNOWN: c: {error}"));
}

#[test]
fn every_format_shows_the_parts_of_a_ratio() {
    let check = Check::new(query("errors"))
        .named("c")
        .reduce(Reduce::Sum)
        .critical(Threshold::above(0.1))
        .divide_by(query("requests").filter(Filter::eq("status", "all")));
    let report = report(
        &check,
        &[&[("a", &[1.0, 2.0, 3.0])], &[("a", &[4.0, 4.0, 4.0, 0.0])]],
    );
    for &format in Format::VARIANTS {
        let text = written(&report, format);
        let parts = match format {
            Format::Json => "\"dividend\": 6.0,\n          \"divisor\": 12.0,",
            Format::Markdown => "6 / 12 is above 0.1 (critical); 3 of 4 buckets had data",
            _ => {
                "0.5 (6 / 12 up to the bucket at 2026-01-08T11:58:00Z), is above 0.1 (critical); \
                  3 of 4 buckets had data"
            }
        };
        assert!(text.contains(parts), "{format}: {text}");
    }
    let text = written(&report, Format::Nagios);
    assert!(
        text.ends_with(" | a=0.5;;~:0.1 a/dividend=6;; a/divisor=12;;\n"),
        "{text}"
    );
    let text = written(&report, Format::Text);
    assert!(
        text.contains("\nc: errors, divided by requests, where status=\"all\", sum from "),
        "{text}"
    );
    assert_eq!(
        json(&report)["checks"][0]["divide_by"]["metric"],
        "requests"
    );
}

#[test]
fn every_format_shows_single_buckets() {
    let check = Check::new(query("m"))
        .named("c")
        .critical(Threshold::above(5.0))
        .datapoints(2, 3);
    let report = report(&check, &[&[("a", &[9.0, 9.0, 1.0, 9.0])]]);
    for &format in Format::VARIANTS {
        let text = written(&report, format);
        let words = match format {
            Format::Json => {
                "\"known\": 3,\n            \"warning\": 2,\n            \"critical\": 2"
            }
            _ => "2 of the last 3 buckets violate the critical threshold (2 required)",
        };
        assert!(text.contains(words), "{format}: {text}");
    }
    let json = json(&report);
    assert_eq!(
        json["checks"][0]["datapoints"],
        serde_json::json!({"required": 2, "of": 3})
    );
    let text = written(&report, Format::Text);
    assert!(
        text.contains("\nc: m, 2 of the last 3 buckets from 2026-01-08T11:56:00Z to "),
        "{text}"
    );
}

/// Returns the names in the first column of the table after a line of the documentation.
fn documented(before: &str) -> BTreeSet<String> {
    let source = include_str!("../../src/check/format/mod.rs");
    let (_, rest) = source.split_once(before).unwrap();
    let rows = rest
        .lines()
        .map(|line| line.trim().trim_start_matches("///").trim());
    let rows = rows.skip_while(|line| !line.starts_with("| ---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    let mut names = BTreeSet::new();
    for row in rows {
        let cell = row.split('|').nth(1).unwrap();
        names.extend(
            cell.split(',')
                .map(|name| name.trim().trim_matches('`').to_owned()),
        );
    }
    names
}

fn members(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_documentation_lists_every_member_of_the_json_format() {
    let json = json(&compared());
    assert_eq!(json["status"], Status::Critical.as_str());
    assert_eq!(documented("A JSON object. Members"), members(&json));
    let check = &json["checks"][0];
    assert_eq!(documented("Each check has:"), members(check));
    let finding = members(&check["findings"][0]);
    // A check without a threshold is invalid. Only a finding about an error has this member.
    let refused = report(&Check::new(query("m")), &[&[("a", &[2.0])]]);
    let refused = members(&self::json(&refused)["checks"][0]["findings"][0]);
    let added: Vec<_> = refused.difference(&finding).collect();
    assert_eq!(added, ["error"]);
    assert_eq!(documented("Each finding has:"), refused);
}
