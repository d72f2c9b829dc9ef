//! Report formats, with names that every format has to escape.

use confluent_metrics::check::{Check, Format, Report, Threshold};
use confluent_metrics::{Error, ErrorKind, Filter, Granularity, Query, QueryResult, Resource};

use crate::support::interval;

/// A name with characters that are special in some format.
const NASTY: &str = "a\"b'c\n%d|e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日\u{1}\u{fffe}";

fn report(name: &str, label: &str, values: &[(&str, f64)]) -> Report {
    let query = Query::new(
        "m",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/2026-01-08T12:00:00Z"),
    )
    .group_by(["g"]);
    let points = values
        .iter()
        .map(|(time, value)| {
            format!(r#"{{"timestamp":"2026-01-08T{time}:00Z","value":{value:?}}}"#)
        })
        .collect::<Vec<_>>()
        .join(",");
    let label = serde_json::to_string(label).unwrap();
    let body = format!(r#"{{"data":[{{"g":{label},"points":[{points}]}}]}}"#);
    let result = QueryResult::from_json(&query, body.as_bytes()).unwrap();
    let check = Check::new(query)
        .named(name)
        .warning("10".parse().unwrap())
        .critical(Threshold::above(20.0));
    check.judge(&result, "2026-01-08T12:03:00Z".parse().unwrap())
}

fn written(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    report.write(format, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Two checks with that name: one has a critical series, the other passes.
fn report_with_special_characters() -> Report {
    let bad = report(NASTY, NASTY, &[("11:30", 1.0), ("11:59", 25.0)]);
    [bad, report("gone", "x", &[])].into_iter().collect()
}

#[test]
fn text_is_for_people() {
    let label = r#"{g="a\"b'c\n%d|e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日\u{1}\u{fffe}"}"#;
    let name = "a\"b'c\\n%d|e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日\\u{1}\u{fffe}";
    let window =
        "last from 2026-01-08T11:00:00Z to 2026-01-08T12:00:00Z, warning 10, critical ~:20";
    assert_eq!(
        written(&report_with_special_characters(), Format::Text),
        format!(
            "\
CRITICAL: {name} {label}: the last value, 25 at 2026-01-08T11:59:00Z, is above 20 (critical); also 1 UNKNOWN of 2 findings

{name}: m, {window}
  CRITICAL  25  2026-01-08T11:59:00Z  ············▁··········█  {label}: is above 20 (critical)

gone: m, {window}
  UNKNOWN   -  -                       {{g=\"x\"}}: no data in the window
"
        )
    );
    assert_eq!(
        report_with_special_characters().to_string() + "\n",
        written(&report_with_special_characters(), Format::Text)
    );
    let none: Report = std::iter::empty().collect();
    assert_eq!(
        written(&none, Format::Text),
        "UNKNOWN: checks: no checks were run\n"
    );
}

#[test]
fn the_query_is_shown_without_data_too() {
    assert_eq!(
        written(&report("gone", "x", &[]), Format::Text),
        "\
UNKNOWN: gone {g=\"x\"}: no data in the window

gone: m, last from 2026-01-08T11:00:00Z to 2026-01-08T12:00:00Z, warning 10, critical ~:20
  UNKNOWN   -  -                       {g=\"x\"}: no data in the window
"
    );
}

#[test]
fn the_filter_is_shown_in_text() {
    let topics = Filter::one_of("metric.topic", ["a\n\"b", "c"]);
    let of = |filter: Filter| {
        let query = Query::new(
            "m",
            Granularity::OneMinute,
            interval("2026-01-08T11:00:00Z/PT1H"),
        );
        let query = query.filter(filter);
        let result = QueryResult::from_json(&query, br#"{"data":[]}"#).unwrap();
        let check = Check::new(query).named("c").critical(Threshold::above(1.0));
        check.judge(&result, "2026-01-08T12:03:00Z".parse().unwrap())
    };
    for (filter, words) in [
        (
            Resource::kafka("lkc-1").into(),
            r#"resource.kafka.id="lkc-1""#,
        ),
        (
            Filter::from(Resource::kafka("lkc-1"))
                .and(!topics.clone())
                .and(Filter::gt("metric.partition", 3)),
            r#"resource.kafka.id="lkc-1" and not (metric.topic="a\n\"b" or metric.topic="c") and metric.partition>3"#,
        ),
        (
            !!topics.or(Filter::gte("x\n", "y")),
            r#"not not (metric.topic="a\n\"b" or metric.topic="c" or x\n>="y")"#,
        ),
    ] {
        let title = format!("\nc: m, where {words}, last from 2026-01-08T11:00:00Z to ");
        assert!(
            written(&of(filter.clone()), Format::Text).contains(&title),
            "{}",
            of(filter)
        );
    }
    let many = Filter::one_of("metric.topic", 0..1000);
    let text = written(&of(many), Format::Text);
    assert!(text.contains("…, last from ") && text.len() < 900, "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&written(&of(Resource::kafka("lkc-1").into()), Format::Json)).unwrap();
    assert_eq!(
        json["checks"][0]["filter"],
        serde_json::json!({"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"}),
        "as it is sent"
    );
}

#[test]
fn a_plugin_prints_one_line() {
    assert_eq!(
        written(&report_with_special_characters(), Format::Nagios),
        concat!(
            r#"CRITICAL: a"b'c\n%d\u{7c}e<f>&g]]>`h`*i*_j_\k=l,m:n;o/p é日\u{1}"#,
            "\u{fffe}",
            r#" {g="a\"b'c\n%d\u{7c}e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日\u{1}\u{fffe}"}"#,
            ": the last value, 25 at 2026-01-08T11:59:00Z, is above 20 (critical); also 1 UNKNOWN of 2 findings | ",
            r#"'a"b''c%0A%25d%7Ce<f>&g]]>`h`*i*_j_\k%3Dl,m:n%3Bo%2Fp é日%01"#,
            "\u{fffe}",
            r#"/a"b''c%0A%25d%7Ce<f>&g]]>`h`*i*_j_\k%3Dl,m:n%3Bo%2Fp é日%01"#,
            "\u{fffe}'=25;10;~:20 gone/x=U;10;~:20\n",
        )
    );
    let plain = report("lag", "orders", &[("11:59", 1e21)]);
    assert!(
        written(&plain, Format::Nagios).ends_with(" | orders=1000000000000000000000;10;~:20\n"),
        "no exponent"
    );
    let none: Report = std::iter::empty().collect();
    assert_eq!(
        written(&none, Format::Nagios),
        "UNKNOWN: checks: no checks were run\n",
        "what is no series has no data"
    );
}

#[test]
fn an_expected_series_without_data_has_unknown_performance_data() {
    let query = Query::new(
        "m",
        Granularity::OneHour,
        interval("2026-01-08T10:00:00Z/PT2H"),
    )
    .group_by(["g"]);
    let result = QueryResult::from_json(&query, br#"{"data":[]}"#).unwrap();
    let check = Check::new(query).expect_labels("g", ["x", "y"]);
    let line = written(
        &check.judge(&result, "2026-01-08T12:03:00Z".parse().unwrap()),
        Format::Nagios,
    );
    assert!(line.ends_with(" | x=U;; y=U;;\n"), "{line}");
}

#[test]
fn junit_has_a_case_for_each_series() {
    let name =
        "a&quot;b&apos;c&#10;%d|e&lt;f&gt;&amp;g]]&gt;`h`*i*_j_\\k=l,m:n;o/p é日\u{fffd}\u{fffd}";
    let label = r"{g=&quot;a\&quot;b&apos;c\n%d|e&lt;f&gt;&amp;g]]&gt;`h`*i*_j_\\k=l,m:n;o/p é日\u{1}\u{fffe}&quot;}";
    let line =
        "a&quot;b&apos;c\\n%d|e&lt;f&gt;&amp;g]]&gt;`h`*i*_j_\\k=l,m:n;o/p é日\\u{1}\u{fffd}";
    let window =
        "m, last from 2026-01-08T11:00:00Z to 2026-01-08T12:00:00Z, warning 10, critical ~:20";
    let reason = "the last value, 25 at 2026-01-08T11:59:00Z, is above 20 (critical)";
    assert_eq!(
        written(&report_with_special_characters(), Format::JUnit),
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="1" errors="1" skipped="0">
  <testsuite name="{name}" tests="1" failures="1" errors="0" skipped="0">
    <testcase classname="{name}" name="{label}"><failure type="CRITICAL" message="{reason}">{reason}</failure></testcase>
    <system-out>{line}: {window}</system-out>
  </testsuite>
  <testsuite name="gone" tests="1" failures="0" errors="1" skipped="0">
    <testcase classname="gone" name="{{g=&quot;x&quot;}}"><error type="UNKNOWN" message="no data in the window">no data in the window</error></testcase>
    <system-out>gone: {window}</system-out>
  </testsuite>
</testsuites>
"#
        )
    );
    // A warning is a failure here, because the process does not exit with 0.
    let warning = written(&report("c", "x", &[("11:59", 15.0)]), Format::JUnit);
    assert!(
        warning.contains(r#"<failure type="WARNING" message="#),
        "{warning}"
    );
    let fine = written(&report("c", "x", &[("11:59", 5.0)]), Format::JUnit);
    assert!(
        fine.contains(r#"tests="1" failures="0" errors="0""#) && !fine.contains("<failure"),
        "{fine}"
    );
    let none: Report = std::iter::empty().collect();
    assert!(
        written(&none, Format::JUnit).contains(r#"<testsuites tests="1" failures="0" errors="1""#)
    );
}

/// Returns the names of the test cases in a JUnit report.
fn case_names(report: &Report) -> Vec<String> {
    let xml = written(report, Format::JUnit);
    let cases = xml.lines().filter(|line| line.contains("<testcase"));
    cases
        .filter_map(|line| Some(line.split(" name=\"").nth(1)?.split('"').next()?.to_owned()))
        .collect()
}

#[test]
fn cases_of_one_name_are_distinguishable() {
    let both: Report = {
        let query = Query::new(
            "m",
            Granularity::OneMinute,
            interval("2026-01-08T11:00:00Z/PT1H"),
        )
        .limit(1)
        .group_by(["g"]);
        let page =
            br#"{"data":[{"g":"x","points":[]}],"meta":{"pagination":{"next_page_token":"t"}}}"#;
        let result = QueryResult::from_json(&query, page).unwrap();
        let check = Check::new(query)
            .named("c")
            .expect_at_least(2)
            .expect_labels("g", ["x"]);
        check.judge(&result, "2026-01-08T12:03:00Z".parse().unwrap())
    };
    let names = case_names(&both);
    assert_eq!(
        names,
        ["c", "c #2", "{g=&quot;x&quot;}", "{g=&quot;x&quot;} #2"]
    );
}

#[test]
fn cases_of_checks_of_one_name_are_distinguishable() {
    let both: Report = [
        report("c", "x", &[("11:59", 25.0)]),
        report("c", "x", &[("11:59", 5.0)]),
    ]
    .into_iter()
    .collect();
    let names = case_names(&both);
    assert_eq!(
        names,
        ["{g=&quot;x&quot;}", "{g=&quot;x&quot;} #2"],
        "the later is not taken for the earlier"
    );
    // XML has no control characters, so that these names are written as one.
    let both: Report = [report("c\u{1}", "x", &[]), report("c\u{2}", "x", &[])]
        .into_iter()
        .collect();
    assert_eq!(case_names(&both), names);
}

#[test]
fn github_shows_annotations() {
    assert_eq!(
        written(&report_with_special_characters(), Format::GitHub),
        concat!(
            r#"::error title=a"b'c\n%25d|e<f>&g]]>`h`*i*_j_\k=l%2Cm%3An;o/p é日\u{1}"#,
            "\u{fffe}",
            r#"::CRITICAL: {g="a\"b'c\n%25d|e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日\u{1}\u{fffe}"}"#,
            ": the last value, 25 at 2026-01-08T11:59:00Z, is above 20 (critical)\n",
            "::error title=gone::UNKNOWN: {g=\"x\"}: no data in the window\n",
        )
    );
    assert_eq!(
        written(&report("a: b, 5%", "x", &[("11:59", 15.0)]), Format::GitHub),
        "::warning title=a%3A b%2C 5%25::WARNING: {g=\"x\"}: the last value, 15 at 2026-01-08T11:59:00Z, is above 10 (warning)\n"
    );
    assert_eq!(
        written(
            &report("5%\n::error::x", "x", &[("11:59", 5.0)]),
            Format::GitHub
        ),
        "::notice::OK: 5%25\\n::error::x {g=\"x\"}: the last value, 5 at 2026-01-08T11:59:00Z, is within the thresholds\n"
    );
}

#[test]
fn markdown_is_a_table() {
    let name = "a\"b'c\\n%d\\u{7c}e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日\\u{1}\u{fffe}";
    let label = r#"{g="a\"b'c\n%d\u{7c}e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日\u{1}\u{fffe}"}"#;
    let window =
        "m, last from 2026-01-08T11:00:00Z to 2026-01-08T12:00:00Z, warning 10, critical ~:20";
    assert_eq!(
        written(&report_with_special_characters(), Format::Markdown),
        format!(
            "\
**CRITICAL**: ``{name} {label}: the last value, 25 at 2026-01-08T11:59:00Z, is above 20 (critical); also 1 UNKNOWN of 2 findings``

Check ``{name}: {window}``

| status | series | value | at | points | reason |
| --- | --- | ---: | --- | --- | --- |
| CRITICAL | ``{label}`` | 25 | 2026-01-08T11:59:00Z | ············▁··········█ | is above 20 (critical) |

Check `gone: {window}`

| status | series | value | at | points | reason |
| --- | --- | ---: | --- | --- | --- |
| UNKNOWN | `{{g=\"x\"}}` |  |  |  | no data in the window |
"
        )
    );
}

#[test]
fn json_has_every_member() {
    let json: serde_json::Value =
        serde_json::from_str(&written(&report_with_special_characters(), Format::Json)).unwrap();
    let check = |name: &str, status: &str, finding: serde_json::Value| {
        serde_json::json!({
            "name": name, "metric": "m", "filter": null, "reduce": "last", "warning": "10", "critical": "~:20",
            "divide_by": null, "compare_to": null, "datapoints": null, "wait": null,
            "start": "2026-01-08T11:00:00Z", "end": "2026-01-08T12:00:00Z", "status": status, "findings": [finding],
        })
    };
    let bad = serde_json::json!({
        "status": "CRITICAL", "labels": {"g": NASTY}, "value": 25.0, "timestamp": "2026-01-08T11:59:00Z",
        "dividend": null, "divisor": null, "baseline": null, "change": null, "datapoints": null,
        "coverage": {"with_data": 2, "buckets": 60},
        "reason": "the last value, 25 at 2026-01-08T11:59:00Z, is above 20 (critical)",
    });
    let gone = serde_json::json!({
        "status": "UNKNOWN", "labels": {"g": "x"}, "value": null, "timestamp": null,
        "dividend": null, "divisor": null, "baseline": null, "change": null, "datapoints": null,
        "coverage": null,
        "reason": "no data in the window",
    });
    assert_eq!(
        json,
        serde_json::json!({
            "status": "CRITICAL", "exit_code": 2, "summary": report_with_special_characters().summary(),
            "checks": [check(NASTY, "CRITICAL", bad), check("gone", "UNKNOWN", gone)],
        })
    );
    let failed: serde_json::Value =
        serde_json::from_str(&written(&refused(), Format::Json)).unwrap();
    assert_eq!(
        (&failed["checks"][0]["start"], &failed["status"]),
        (&serde_json::Value::Null, &"UNKNOWN".into())
    );
    assert_eq!(failed["checks"][0]["findings"][0]["error"], "InvalidInput");
}

/// Returns the report of an invalid check.
fn refused() -> Report {
    let query = Query::new("m", Granularity::OneHour, interval("now/now"));
    let result = QueryResult::from_json(&query, br#"{"data":[]}"#).unwrap();
    Check::new(query)
        .critical(Threshold::above(1.0))
        .judge(&result, "2026-01-08T12:03:00Z".parse().unwrap())
}

#[test]
fn passing_checks_do_not_hide_failing_ones() {
    let query = Query::new(
        "m",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    )
    .group_by(["g"]);
    let row = |value: usize| {
        format!(
            r#"{{"g":"s{value:04}","points":[{{"timestamp":"2026-01-08T11:59:00Z","value":{value}}}]}}"#
        )
    };
    let body = format!(
        r#"{{"data":[{}]}}"#,
        (0..2000).map(row).collect::<Vec<_>>().join(",")
    );
    let result = QueryResult::from_json(&query, body.as_bytes()).unwrap();
    let evaluate = |bound| {
        let check = Check::new(query.clone())
            .named("c")
            .critical(Threshold::above(bound));
        check.judge(&result, "2026-01-08T12:03:00Z".parse().unwrap())
    };
    let few = written(&evaluate(1996.0), Format::Text);
    assert_eq!(few.matches("CRITICAL  ").count(), 3);
    assert_eq!(few.matches("\n  OK ").count(), 10);
    assert!(few.ends_with("\n  and 1987 more that are OK\n"), "{few}");
    let few = written(&evaluate(1996.0), Format::Markdown);
    assert!(few.ends_with("\nand 1987 more that are OK\n"), "{few}");
    let many = evaluate(999.0);
    assert_eq!(
        written(&many, Format::Text)
            .matches("\n  CRITICAL  ")
            .count(),
        1000,
        "all of them"
    );
    let table = written(&many, Format::Markdown);
    assert_eq!(table.matches("\n| CRITICAL ").count(), 500);
    assert!(
        table.ends_with("\n**and 1500 more**, none worse than those above\n"),
        "{}",
        &table[table.len() - 200..]
    );
}

/// Returns the report of this many series, of which those from `critical` on are above the limit.
fn report_of_many(series: usize, critical: usize) -> Report {
    let query = Query::new(
        "m",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    )
    .group_by(["g"]);
    let rows: Vec<_> = (0..series)
        .map(|value| {
            format!(
                r#"{{"g":"s{value:04}","points":[{{"timestamp":"2026-01-08T11:59:00Z","value":{value}}}]}}"#
            )
        })
        .collect();
    let body = format!(r#"{{"data":[{}]}}"#, rows.join(","));
    let result = QueryResult::from_json(&query, body.as_bytes()).unwrap();
    let check = Check::new(query)
        .named("c")
        .critical("~:-1".parse().unwrap())
        .critical(Threshold::above(critical as f64 - 1.0));
    check.judge(&result, "2026-01-08T12:03:00Z".parse().unwrap())
}

#[test]
fn github_output_has_at_most_ten_annotations() {
    for (critical, lines, last) in [
        (1, 1, None),
        (10, 10, None),
        (11, 10, Some("2 CRITICAL")),
        (1500, 10, Some("1491 CRITICAL")),
    ] {
        let text = written(&report_of_many(1500, 1500 - critical), Format::GitHub);
        assert_eq!(text.lines().count(), lines, "{critical}: {text}");
        assert_eq!(text.contains("more finding"), last.is_some(), "{text}");
        if let Some(counts) = last {
            let count = counts.split(' ').next().unwrap();
            let line = format!(
                "::error title={count} more findings::{counts} not shown here: see the other formats of the report\n"
            );
            assert!(text.ends_with(&line), "{text}");
        }
    }
}

#[test]
fn github_shows_the_most_severe_findings_of_all_checks() {
    let warnings = (0..20).map(|_| report("mild", "x", &[("11:59", 15.0)]));
    let later = [
        report("gone", "x", &[]),
        report("severe", "x", &[("11:59", 25.0)]),
    ];
    let text = written(&warnings.chain(later).collect(), Format::GitHub);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 10);
    assert!(
        lines[0].starts_with("::error title=severe::CRITICAL: "),
        "{text}"
    );
    assert!(
        lines[1].starts_with("::error title=gone::UNKNOWN: "),
        "{text}"
    );
    assert!(
        lines[2].starts_with("::warning title=mild::WARNING: "),
        "{text}"
    );
    assert!(
        lines[9].starts_with("::warning title=13 more findings::13 WARNING not shown here"),
        "{text}"
    );
}

#[test]
fn a_plugin_line_has_at_most_4_kib() {
    for series in [1, 100, 190, 200, 210, 220, 500, 2000] {
        let line = written(&report_of_many(series, 0), Format::Nagios);
        assert!(line.len() <= 4096, "{series}: {}", line.len());
        let (text, data) = line.trim_end().split_once(" | ").unwrap();
        let shown = data.split(' ').count();
        for entry in data.split(' ') {
            let (label, rest) = entry.split_once('=').unwrap();
            let value: f64 = label.strip_prefix('s').unwrap().parse().unwrap();
            assert_eq!(rest, format!("{value};;~:-1"), "a whole entry");
        }
        match text.split_once("; ").filter(|_| shown < series) {
            Some((_, note)) => assert!(
                note.ends_with(&format!(
                    "{} more series without performance data here",
                    series - shown
                )),
                "{series}: {note}"
            ),
            None => assert_eq!(shown, series),
        }
    }
    let long = "x".repeat(10_000);
    let line = written(&report(&long, &long, &[("11:59", 25.0)]), Format::Nagios);
    assert!(line.len() <= 4096, "{}", line.len());
    assert!(
        line.ends_with("…; 1 more series without performance data here\n"),
        "{line}"
    );
}

#[test]
fn the_rows_of_all_tables_are_bounded() {
    let both: Report = [report_of_many(400, 0), report_of_many(400, 0)]
        .into_iter()
        .chain([report("late", "x", &[("11:59", 15.0)])])
        .collect();
    let text = written(&both, Format::Markdown);
    assert_eq!(text.matches("\n| CRITICAL ").count(), 500);
    assert!(
        text.contains("\n\n**and 300 more**, none worse than those above\n"),
        "{text}"
    );
    assert!(
        text.ends_with("\n\n**1 not shown**, the worst is WARNING\n"),
        "{text}"
    );
}

/// A name of each kind that acts on a terminal, in the log of a CI job or on a page of GitHub.
const HOSTILE: &[&str] = &[
    "::error::x",
    " ::stop-commands::x",
    "x\n::error::x",
    "##[stop-commands]x",
    "###[group]x",
    "##vso[task.complete]x",
    "##teamcity[x]",
    "\u{1b}[31mred",
    "\u{9b}31mred",
    "a\u{85}b\u{7f}",
    "a\u{2028}b\u{2029}",
    "a\u{202e}b\u{2066}c\u{200e}d\u{200f}e\u{61c}f",
    "@octocat",
    "x@y.example",
    "https://a.example/b",
    "www.a.example",
    "#1 octo/repo#1 GH-1",
    ":tada: :+1:",
    "$x$ $`y`$",
    "`",
    "``x`",
    "\\|",
];

#[test]
fn hostile_names_are_inert_in_every_format() {
    for name in HOSTILE {
        let reports = [
            report(name, name, &[("11:30", 1.0), ("11:59", 25.0)]),
            report(name, name, &[]),
        ];
        let both: Report = reports.into_iter().collect();
        for &format in Format::VARIANTS {
            let text = written(&both, format);
            assert!(!text.contains("##"), "{format}: {text}");
            for line in text.lines() {
                let is_command = line.trim_start().starts_with("::");
                assert_eq!(is_command, format == Format::GitHub, "{format}: {line:?}");
                assert!(
                    !line.chars().any(|c| c.is_control()
                        || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202e}\u{2066}".contains(c)),
                    "{format}: {line:?}"
                );
            }
        }
    }
}

/// An error of a token provider, a stored result and the words of a program may have lines, of which
/// a runner would obey the second.
#[test]
fn a_reason_is_one_line_wherever_it_is_from() {
    const LINES: &str = "a\n::error::b\r\n##[group]c\u{202e}";
    let minute = interval("2026-01-08T11:00:00Z/2026-01-08T11:01:00Z");
    let query = Query::new("m", Granularity::OneMinute, minute);
    let check = Check::new(query).critical(Threshold::above(20.0));
    let stored = serde_json::json!({
        "metric": "m",
        "granularity": "PT1M",
        "intervals": ["2026-01-08T11:00:00Z/2026-01-08T11:01:00Z"],
        "series": [],
        "completeness": {"truncated": {"missing": LINES}},
    });
    let result = serde_json::from_value(stored).unwrap();
    let now = "2026-01-08T12:03:00Z".parse().unwrap();
    for report in [
        check.error_report(&Error::new(ErrorKind::Server, LINES)),
        check.judge(&result, now),
        report("n", "x", &[("11:59", 25.0)]).map_reasons(&|_, text| format!("{text}{LINES}")),
    ] {
        assert!(!report.summary().contains(char::is_control), "{report:?}");
        for finding in report.findings() {
            assert!(!finding.reason().contains(char::is_control), "{finding:?}");
        }
        for &format in Format::VARIANTS {
            let text = written(&report, format);
            assert!(!text.contains("##"), "{format}: {text}");
            for line in text.lines() {
                let is_command = line.trim_start().starts_with("::");
                assert_eq!(is_command, format == Format::GitHub, "{format}: {text}");
                assert!(!line.contains(char::is_control), "{format}: {line:?}");
            }
        }
    }
}

#[test]
fn hostile_names_are_escaped_so_that_parsers_read_them() {
    let name = "##[x]\u{9b}\u{202e}";
    let both = report(name, name, &[("11:30", 1.0), ("11:59", 25.0)]);
    let json: serde_json::Value = serde_json::from_str(&written(&both, Format::Json)).unwrap();
    let check = &json["checks"][0];
    assert_eq!(
        (&check["name"], &check["findings"][0]["labels"]["g"]),
        (&name.into(), &name.into())
    );
    let title = r"#\u{23}[x]\u{9b}\u{202e}";
    for (format, text) in [
        (Format::Text, format!("\n{title}: m, last from ")),
        (
            Format::Json,
            r##""name": "#\u0023[x]\u009b\u202e""##.to_owned(),
        ),
        (
            Format::JUnit,
            r##"<testsuite name="#&#35;[x]&#155;&#8238;" "##.to_owned(),
        ),
        (Format::Nagios, " '%23%23[x]%C2%9B%E2%80%AE'=25;".to_owned()),
        (
            Format::GitHub,
            r"::error title=#\u{23}[x]\u{9b}\u{202e}::".to_owned(),
        ),
        (Format::Markdown, format!("\nCheck `{title}: m, last from ")),
    ] {
        let found = written(&both, format);
        assert!(found.contains(&text), "{format}: {text} in {found}");
    }
    let colons = written(&report("::error::x", "x", &[("11:59", 25.0)]), Format::Text);
    assert!(
        colons.contains("\n\\u{3a}:error::x: m, last from "),
        "{colons}"
    );
}

#[test]
fn a_write_that_fails_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for &format in Format::VARIANTS {
        assert!(
            report_with_special_characters()
                .write(format, &mut Full)
                .is_err(),
            "{format}"
        );
        assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
    }
    assert_eq!(
        "xml".parse::<Format>().unwrap_err().to_string(),
        "invalid format \"xml\": expected one of text, nagios, junit, github, markdown, json"
    );
}
