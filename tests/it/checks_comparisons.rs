//! Ratios, baselines and single buckets, on given responses at a given time.

use std::time::Duration;

use confluent_metrics::check::{
    Change, Check, Finding, Missing, Quantifier, Reduce, Report, Status, Threshold,
};
use confluent_metrics::{Filter, Granularity, Interval, Query, QueryResult};

use crate::checks_evaluate;
use crate::support::interval;

const NOW: &str = "2026-01-08T12:03:00Z";
const HOUR: Duration = Duration::from_secs(3600);
const UNSET: f64 = -9.223372036854776e18;

/// A group with its points, as times on that day and values.
type Group = (&'static str, &'static [(&'static str, f64)]);

/// The groups of each query, in the order of the queries.
type Groups = &'static [&'static [Group]];

/// The hour before noon by minute. All of its buckets are complete at [`NOW`].
fn hour(metric: &str) -> Query {
    let interval = interval("2026-01-08T11:00:00Z/PT1H");
    Query::new(metric, Granularity::OneMinute, interval).group_by(["g"])
}

fn plain() -> Check {
    Check::new(hour("errors"))
        .named("c")
        .critical(Threshold::above(9.0))
}

fn ratio() -> Check {
    plain().divide_by(hour("requests"))
}

fn change(change: Change) -> Check {
    plain().compare_to(HOUR, change)
}

fn datapoints(required: usize, of: usize) -> Check {
    plain().datapoints(required, of)
}

fn body(groups: &[Group]) -> String {
    let rows = groups.iter().map(|(group, points)| {
        let points = points.iter().map(|(time, value)| {
            format!(r#"{{"timestamp":"2026-01-08T{time}:00Z","value":{value:e}}}"#)
        });
        let points = points.collect::<Vec<_>>().join(",");
        if group.is_empty() {
            // The rows of a query without `group_by` have no list of points.
            return points.trim_matches(['[', ']']).to_owned();
        }
        format!(r#"{{"g":"{group}","points":[{points}]}}"#)
    });
    let rows: Vec<_> = rows.filter(|row| !row.is_empty()).collect();
    format!(r#"{{"data":[{}]}}"#, rows.join(","))
}

fn results(check: &Check, groups: Groups) -> Vec<QueryResult> {
    let queries = check.queries();
    let results = queries.iter().zip(groups);
    results
        .map(|(query, groups)| QueryResult::from_json(query, body(groups).as_bytes()).unwrap())
        .collect()
}

fn evaluate(check: &Check, groups: Groups) -> Report {
    check.judge_all(&results(check, groups), NOW.parse().unwrap())
}

/// The findings as `status labels: reason`.
fn render(report: &Report) -> Vec<String> {
    let findings = report.findings().iter();
    findings
        .map(|f| format!("{} {}: {}", f.status(), f.labels(), f.reason()))
        .collect()
}

const A5: &[Group] = &[("a", &[("11:59", 5.0)])];
const OLD_A5: &[Group] = &[("a", &[("10:59", 5.0)])];

/// A name, a check, its responses, the finding, and if `on_missing` applies.
fn without_a_number() -> Vec<(&'static str, Check, Groups, &'static str, bool)> {
    vec![
        (
            "a divisor of zero",
            ratio(),
            &[A5, &[("a", &[("11:59", 0.0)])]],
            r#"UNKNOWN {g="a"}: the divisor, the last value, is 0"#,
            true,
        ),
        (
            "a divisor of minus zero",
            ratio(),
            &[A5, &[("a", &[("11:59", -0.0)])]],
            r#"UNKNOWN {g="a"}: the divisor, the last value, is 0"#,
            true,
        ),
        (
            "a divisor without this series",
            ratio(),
            &[A5, &[]],
            r#"UNKNOWN {g="a"}: the divisor has no such series"#,
            true,
        ),
        (
            "a divisor without data",
            ratio(),
            &[A5, &[("a", &[])]],
            r#"UNKNOWN {g="a"}: divisor: no data in the window"#,
            true,
        ),
        (
            "a divisor whose watermark is not set",
            ratio(),
            &[A5, &[("a", &[("11:59", UNSET)])]],
            r#"UNKNOWN {g="a"}: divisor: watermark not set at 2026-01-08T11:59:00Z"#,
            true,
        ),
        (
            "a divisor that is stale",
            ratio(),
            &[A5, &[("a", &[("11:56", 5.0)])]],
            r#"UNKNOWN {g="a"}: divisor: stale: latest point at 2026-01-08T11:56:00Z was 3 min old at 2026-01-08T12:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "a divisor with too little data",
            ratio().reduce(Reduce::Sum).min_coverage(0.03),
            &[
                &[("a", &[("11:50", 3.0), ("11:59", 5.0)])],
                &[("a", &[("11:59", UNSET), ("11:58", 3.0)])],
            ],
            r#"UNKNOWN {g="a"}: divisor: 1 of 60 buckets had data (min_coverage is 0.03)"#,
            false,
        ),
        (
            "nothing to divide",
            ratio(),
            &[A5, &[("a", &[("11:59", 5.0)]), ("b", &[("11:59", 5.0)])]],
            r#"UNKNOWN {g="b"}: only the divisor has this series"#,
            true,
        ),
        (
            "nothing to divide, with a divisor that is stale",
            ratio(),
            &[A5, &[("a", &[("11:59", 5.0)]), ("b", &[("11:40", 5.0)])]],
            r#"UNKNOWN {g="b"}: divisor: stale: latest point at 2026-01-08T11:40:00Z was 19 min old at 2026-01-08T12:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "a dividend without data and a divisor that is stale",
            ratio(),
            &[&[("a", &[])], &[("a", &[("11:40", 5.0)])]],
            r#"UNKNOWN {g="a"}: divisor: stale: latest point at 2026-01-08T11:40:00Z was 19 min old at 2026-01-08T12:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "a ratio that is too large",
            ratio(),
            &[
                &[("a", &[("11:59", 1e300)])],
                &[("a", &[("11:59", 1e-300)])],
            ],
            r#"UNKNOWN {g="a"}: the ratio overflows"#,
            false,
        ),
        (
            "no series but a divisor",
            ratio(),
            &[&[], A5],
            "UNKNOWN {}: no series returned: nothing was recorded in the window",
            true,
        ),
        (
            "a new series",
            change(Change::Difference),
            &[A5, &[]],
            r#"UNKNOWN {g="a"}: new: the window 1 h earlier has no such series"#,
            true,
        ),
        (
            "a series that has vanished",
            change(Change::Difference),
            &[A5, &[("a", &[("10:59", 5.0)]), ("b", &[("10:59", 5.0)])]],
            r#"UNKNOWN {g="b"}: vanished: only the window 1 h earlier has this series"#,
            true,
        ),
        (
            "no series but a baseline",
            change(Change::Difference),
            &[&[], OLD_A5],
            "UNKNOWN {}: no series returned: nothing was recorded in the window",
            true,
        ),
        (
            "no percentage of a baseline of zero",
            change(Change::Percent),
            &[A5, &[("a", &[("10:59", 0.0)])]],
            r#"UNKNOWN {g="a"}: no percent change from a baseline of 0"#,
            true,
        ),
        (
            "no ratio to a baseline of zero",
            change(Change::Ratio),
            &[A5, &[("a", &[("10:59", -0.0)])]],
            r#"UNKNOWN {g="a"}: no ratio change from a baseline of 0"#,
            true,
        ),
        (
            "a baseline without data",
            change(Change::Percent),
            &[A5, &[("a", &[])]],
            r#"UNKNOWN {g="a"}: baseline: no data in the window"#,
            true,
        ),
        (
            "a baseline whose watermark is not set",
            change(Change::Percent),
            &[A5, &[("a", &[("10:59", UNSET)])]],
            r#"UNKNOWN {g="a"}: baseline: watermark not set at 2026-01-08T10:59:00Z"#,
            true,
        ),
        (
            "a baseline that stopped early",
            change(Change::Percent),
            &[A5, &[("a", &[("10:50", 5.0)])]],
            r#"UNKNOWN {g="a"}: baseline: stale: latest point at 2026-01-08T10:50:00Z was 9 min old at 2026-01-08T11:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "a vanished series whose baseline stopped early",
            change(Change::Percent),
            &[&[], &[("a", &[("10:50", 5.0)])]],
            r#"UNKNOWN {g="a"}: baseline: stale: latest point at 2026-01-08T10:50:00Z was 9 min old at 2026-01-08T11:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "a baseline with too little data",
            change(Change::Percent)
                .reduce(Reduce::Max)
                .min_coverage(0.02),
            &[
                &[("a", &[("11:57", 1.0), ("11:59", 5.0)])],
                &[("a", &[("10:59", 5.0)])],
            ],
            r#"UNKNOWN {g="a"}: baseline: 1 of 60 buckets had data (min_coverage is 0.02)"#,
            false,
        ),
        (
            "a value that is missing and a baseline that stopped early",
            change(Change::Percent),
            &[&[("a", &[])], &[("a", &[("10:50", 5.0)])]],
            r#"UNKNOWN {g="a"}: baseline: stale: latest point at 2026-01-08T10:50:00Z was 9 min old at 2026-01-08T11:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "a value that is missing and a baseline",
            change(Change::Percent),
            &[&[("a", &[])], OLD_A5],
            r#"UNKNOWN {g="a"}: no data in the window"#,
            true,
        ),
        (
            "a value that is stale and a baseline",
            change(Change::Percent),
            &[&[("a", &[("11:40", 5.0)])], OLD_A5],
            r#"UNKNOWN {g="a"}: stale: latest point at 2026-01-08T11:40:00Z was 19 min old at 2026-01-08T12:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "a change that is too large",
            change(Change::Percent),
            &[
                &[("a", &[("11:59", 1e300)])],
                &[("a", &[("10:59", 1e-300)])],
            ],
            r#"UNKNOWN {g="a"}: the change overflows"#,
            false,
        ),
        (
            "a ratio whose baseline has a divisor of zero",
            ratio().compare_to(HOUR, Change::Percent),
            &[A5, A5, OLD_A5, &[("a", &[("10:59", 0.0)])]],
            r#"UNKNOWN {g="a"}: baseline: the divisor, the last value, is 0"#,
            true,
        ),
        (
            "a ratio whose baseline has no divisor",
            ratio().compare_to(HOUR, Change::Percent),
            &[A5, A5, OLD_A5, &[]],
            r#"UNKNOWN {g="a"}: baseline: the divisor has no such series"#,
            true,
        ),
        (
            "a baseline that is a ratio of zero",
            ratio().compare_to(HOUR, Change::Percent),
            &[A5, A5, &[("a", &[("10:59", 0.0)])], OLD_A5],
            r#"UNKNOWN {g="a"}: no percent change from a baseline of 0"#,
            true,
        ),
        (
            "too few buckets with data",
            datapoints(2, 3),
            A5_ONLY,
            r#"UNKNOWN {g="a"}: 1 of the last 3 buckets had data, fewer than the 2 required"#,
            false,
        ),
        (
            "no bucket with data",
            datapoints(1, 3),
            &[&[("a", &[("11:30", 50.0)])]],
            r#"UNKNOWN {g="a"}: 0 of the last 3 buckets had data, fewer than the 1 required"#,
            false,
        ),
        (
            "a series without points, by bucket",
            datapoints(1, 3),
            &[&[("a", &[])]],
            r#"UNKNOWN {g="a"}: 0 of the last 3 buckets had data, fewer than the 1 required"#,
            false,
        ),
        (
            "buckets with unset watermarks alone",
            datapoints(1, 2),
            &[&[("a", &[("11:58", UNSET), ("11:59", UNSET)])]],
            r#"UNKNOWN {g="a"}: 0 of the last 2 buckets had data, fewer than the 1 required"#,
            false,
        ),
        (
            "a bucket without data that could decide",
            datapoints(2, 3),
            &[&[("a", &[("11:57", 50.0), ("11:59", 5.0)])]],
            r#"UNKNOWN {g="a"}: 1 of the last 3 buckets violates the critical threshold, and 1 without data could make it the 2 required"#,
            false,
        ),
        (
            "buckets that are too old",
            datapoints(1, 5).max_age(Duration::from_secs(60)),
            &[&[("a", &[("11:55", 5.0), ("11:56", 50.0), ("11:57", 5.0)])]],
            r#"UNKNOWN {g="a"}: stale: latest point at 2026-01-08T11:57:00Z was 2 min old at 2026-01-08T12:00:00Z (max_age is 1 min)"#,
            false,
        ),
        (
            "too little data for single buckets",
            datapoints(1, 1).min_coverage(0.5),
            A5_ONLY,
            r#"UNKNOWN {g="a"}: 1 of 60 buckets had data (min_coverage is 0.5)"#,
            false,
        ),
        (
            "no series, by bucket",
            datapoints(1, 3),
            &[&[]],
            "UNKNOWN {}: no series returned: nothing was recorded in the window",
            true,
        ),
    ]
}

const A5_ONLY: Groups = &[A5];

#[test]
fn a_number_that_cannot_be_trusted_is_unknown_and_on_missing_excuses_missing_data_alone() {
    println!("{:<56} {:>4}  sentence", "no number because of", "exit");
    for (name, check, groups, sentence, is_missing) in without_a_number() {
        let report = evaluate(&check, groups);
        println!("{name:<56} {:>4}  {}", report.exit_code(), report.summary());
        assert!(
            render(&report).contains(&sentence.to_owned()),
            "{name}: {:#?}",
            render(&report)
        );
        let words = sentence.strip_prefix("UNKNOWN").unwrap();
        assert_eq!(
            (report.status(), report.exit_code()),
            (Status::Unknown, 3),
            "{name}"
        );
        for (missing, status) in [
            (Missing::Ok, Status::Ok),
            (Missing::Warning, Status::Warning),
            (Missing::Critical, Status::Critical),
        ] {
            let report = evaluate(&check.clone().on_missing(missing), groups);
            if !is_missing {
                assert!(
                    render(&report).contains(&sentence.to_owned()),
                    "{name} with {missing}: {report}"
                );
                continue;
            }
            let excused = format!("{status}{words} (on_missing: {missing})");
            assert!(
                render(&report).contains(&excused),
                "{name} with {missing}: {:#?}",
                render(&report)
            );
            assert_eq!(report.status(), status, "{name} with {missing}: {report}");
        }
    }
}

#[test]
fn the_guide_lists_every_way_to_have_no_number() {
    let plain = checks_evaluate::without_a_number().into_iter();
    let plain = plain.map(|(name, _, _, _, is_missing)| (name, is_missing));
    let compared = without_a_number().into_iter();
    let compared = compared.map(|(name, _, _, _, is_missing)| (name, is_missing));
    let mut expected = Vec::new();
    for (name, is_missing) in plain.chain(compared) {
        let status = if is_missing {
            "`on_missing`"
        } else {
            "Unknown"
        };
        expected.push(format!("//! | {name} | {status} |"));
    }
    let guide = include_str!("../../src/check/guide/decisions.rs");
    let rows = guide.lines().filter(|line| line.starts_with("//! | "));
    let rows: Vec<_> = rows.skip(2).collect();
    assert_eq!(rows, expected);
}

#[test]
fn series_of_both_queries_are_matched_by_their_labels() {
    let groups: Groups = &[
        &[("a", &[("11:59", 30.0)]), ("b", &[("11:59", 50.0)])],
        &[("b", &[("11:59", 5.0)]), ("a", &[("11:58", 10.0)])],
    ];
    let report = evaluate(&ratio(), groups);
    assert_eq!(
        render(&report),
        [
            r#"CRITICAL {g="b"}: the ratio of the last values, 10 (50 / 5 at 2026-01-08T11:59:00Z), is above 9 (critical)"#,
            r#"OK {g="a"}: the ratio of the last values, 3 (30 / 10 at 2026-01-08T11:59:00Z), is within the thresholds"#,
        ]
    );
    assert_eq!(
        report.summary(),
        r#"CRITICAL: c {g="b"}: the ratio of the last values, 10 (50 / 5 at 2026-01-08T11:59:00Z), is above 9 (critical)"#
    );
    assert_eq!(report.findings()[0].value(), Some(10.0));
}

#[test]
fn a_divisor_without_labels_divides_every_series() {
    let total = Query::new(
        "requests",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    );
    let check = plain().divide_by(total).reduce(Reduce::Sum);
    let groups: Groups = &[
        &[
            ("a", &[("11:58", 30.0), ("11:59", 70.0)]),
            ("b", &[("11:59", 50.0)]),
        ],
        &[("", &[("11:10", 2.0), ("11:59", 8.0)])],
    ];
    let report = evaluate(&check, groups);
    let values: Vec<_> = report.findings().iter().map(Finding::value).collect();
    assert_eq!(values, [Some(10.0), Some(5.0)]);
    assert_eq!(report.status(), Status::Critical);
    assert_eq!(
        report.findings()[1].reason(),
        "the ratio of the sums, 5 (50 / 10 up to the bucket at 2026-01-08T11:59:00Z), is within \
         the thresholds; 1 of 60 buckets had data; divisor: 2 of 60 buckets had data"
    );
    let report = evaluate(&check, &[A5, &[]]);
    assert_eq!(
        render(&report),
        [r#"UNKNOWN {g="a"}: the divisor has no such series"#]
    );
}

#[test]
fn a_divisor_without_labels_that_is_stale_is_unknown_even_if_nothing_is_divided() {
    const STALE: &[Group] = &[("", &[("11:40", 5.0)])];
    const FRESH: &[Group] = &[("", &[("11:59", 5.0)])];
    const STALE_BASELINE: &[Group] = &[("", &[("10:40", 5.0)])];

    let total = Query::new(
        "requests",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    );
    let ratio = plain().divide_by(total).on_missing(Missing::Ok);
    let report = evaluate(&ratio, &[&[], STALE]);
    assert_eq!(report.status(), Status::Unknown, "{report}");
    assert!(
        render(&report)[0].contains("divisor: stale: latest point at 2026-01-08T11:40:00Z"),
        "{report}"
    );
    // What can be relied on leaves the decision to `on_missing`.
    assert_eq!(evaluate(&ratio, &[&[], FRESH]).status(), Status::Ok);
    assert_eq!(evaluate(&ratio, &[&[], &[]]).status(), Status::Ok);

    let change = ratio.compare_to(HOUR, Change::Ratio);
    let report = evaluate(&change, &[A5, FRESH, &[], STALE_BASELINE]);
    assert_eq!(report.status(), Status::Unknown, "{report}");
    assert!(
        render(&report)[0].contains("divisor of the baseline: stale"),
        "{report}"
    );
}

#[test]
fn a_divisor_that_divides_nothing_is_no_series_with_data() {
    const FRESH: &[Group] = &[("", &[("11:59", 5.0)])];
    const STALE_BASELINE: &[Group] = &[("", &[("10:40", 5.0)])];
    let total = Query::new(
        "requests",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    );
    let check = plain()
        .divide_by(total)
        .compare_to(HOUR, Change::Ratio)
        .on_missing(Missing::Critical)
        .expect_at_least(2);
    let groups: Groups = &[&[("a", &[("11:40", 5.0)])], FRESH, &[], STALE_BASELINE];
    let report = evaluate(&check, groups);
    assert_eq!(report.status(), Status::Critical, "{report}");
}

#[test]
fn a_change_is_judged_with_its_sign_and_unit() {
    let groups: Groups = &[&[("a", &[("11:59", 12.0)])], &[("a", &[("10:58", 10.0)])]];
    for (kind, value, words) in [
        (Change::Difference, 2.0, "2"),
        (Change::Percent, 20.0, "20 %"),
        (Change::Ratio, 1.2, "1.2 times"),
    ] {
        let check = change(kind).warning(Threshold::above(value));
        let report = evaluate(&check, groups);
        let finding = &report.findings()[0];
        let verdict = if kind == Change::Percent {
            "is above 9 (critical)"
        } else {
            "is within the thresholds"
        };
        assert_eq!(
            finding.reason(),
            format!(
                "the change of the last value, {words} (from 10 to 12 at \
                 2026-01-08T11:59:00Z), {verdict}"
            )
        );
        assert_eq!(
            (finding.value(), finding.baseline(), finding.change()),
            (Some(12.0), Some(10.0), Some(value))
        );
        let report = evaluate(&check.warning(Threshold::above(value - 0.1)), groups);
        assert_ne!(report.status(), Status::Ok);
    }
}

#[test]
fn a_difference_from_zero_is_a_number() {
    let groups: Groups = &[A5, &[("a", &[("10:59", 0.0)])]];
    let report = evaluate(&change(Change::Difference), groups);
    assert_eq!(report.status(), Status::Ok, "{report}");
    assert_eq!(report.findings()[0].change(), Some(5.0));
}

#[test]
fn the_ratio_of_one_window_is_compared_with_that_of_the_other() {
    let check = ratio()
        .compare_to(HOUR, Change::Percent)
        .reduce(Reduce::Sum);
    let names: Vec<_> = check
        .queries()
        .iter()
        .map(|query| {
            let result = QueryResult::from_json(query, br#"{"data":[]}"#).unwrap();
            let (start, end) = result.intervals()[0];
            format!("{} {start}/{end}", result.metric())
        })
        .collect();
    assert_eq!(
        names,
        [
            "errors 2026-01-08T11:00:00Z/2026-01-08T12:00:00Z",
            "requests 2026-01-08T11:00:00Z/2026-01-08T12:00:00Z",
            "errors 2026-01-08T10:00:00Z/2026-01-08T11:00:00Z",
            "requests 2026-01-08T10:00:00Z/2026-01-08T11:00:00Z",
        ]
    );
    let groups: Groups = &[
        &[("a", &[("11:59", 6.0)])],
        &[("a", &[("11:58", 4.0), ("11:59", 8.0)])],
        &[("a", &[("10:59", 4.0)])],
        &[("a", &[("10:59", 16.0)])],
    ];
    let report = evaluate(&check, groups);
    assert_eq!(
        render(&report),
        [
            r#"CRITICAL {g="a"}: the change of the ratio of the sums, 100 % (from 0.25 to 0.5 up to the bucket at 2026-01-08T11:59:00Z), is above 9 (critical); 1 of 60 buckets had data; divisor: 2 of 60 buckets had data; baseline: 1 of 60 buckets had data; divisor of the baseline: 1 of 60 buckets had data"#
        ]
    );
}

#[test]
fn single_buckets_have_to_violate_a_threshold_often_enough() {
    let check = datapoints(2, 3).warning(Threshold::above(1.0));
    for (points, expected) in [
        (
            vec![(57, 50.0), (58, 5.0), (59, 50.0)],
            "CRITICAL: 2 of the last 3 buckets violate the critical threshold (2 required); the latest value was 50 at 2026-01-08T11:59:00Z",
        ),
        (
            vec![(57, 50.0), (58, 5.0), (59, 0.0)],
            "WARNING: 2 of the last 3 buckets violate the warning threshold (2 required); the latest value was 0 at 2026-01-08T11:59:00Z",
        ),
        (
            vec![(50, 50.0), (51, 50.0), (57, 0.0), (58, 5.0), (59, 0.0)],
            "OK: 1 of the last 3 buckets violates a threshold (2 required); the latest value was 0 at 2026-01-08T11:59:00Z",
        ),
        (
            vec![(57, 0.0), (58, 0.0)],
            "OK: 0 of the last 3 buckets violate a threshold (2 required, 1 had no data); the latest value was 0 at 2026-01-08T11:58:00Z",
        ),
        (
            vec![(57, 50.0), (58, 50.0)],
            "CRITICAL: 2 of the last 3 buckets violate the critical threshold (2 required); the latest value was 50 at 2026-01-08T11:58:00Z",
        ),
    ] {
        let points: Vec<_> = points
            .iter()
            .map(|(minute, value)| {
                format!(r#"{{"timestamp":"2026-01-08T11:{minute}:00Z","value":{value}}}"#)
            })
            .collect();
        let body = format!(
            r#"{{"data":[{{"g":"a","points":[{}]}}]}}"#,
            points.join(",")
        );
        let result = QueryResult::from_json(&check.queries()[0], body.as_bytes()).unwrap();
        let report = check.judge(&result, NOW.parse().unwrap());
        let finding = &report.findings()[0];
        assert_eq!(
            format!("{}: {}", finding.status(), finding.reason()),
            expected
        );
    }
}

#[test]
fn single_buckets_may_be_older_than_a_last_value() {
    let old: Groups = &[&[("a", &[("11:55", 50.0)])]];
    assert_eq!(evaluate(&datapoints(1, 5), old).status(), Status::Critical);
    assert_eq!(evaluate(&plain(), old).status(), Status::Unknown, "stale");
}

#[test]
fn single_buckets_are_the_last_complete_ones_of_all_intervals() {
    let query = Query::new(
        "errors",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT2M"),
    )
    .add_interval(interval("2026-01-08T11:30:00Z/PT30M"))
    .group_by(["g"])
    .allow_truncated();
    let check = Check::new(query)
        .critical(Threshold::above(9.0))
        .datapoints(4, 4);
    let result = QueryResult::from_json(
        &check.queries()[0],
        body(&[(
            "a",
            &[
                ("11:00", 50.0),
                ("11:01", 50.0),
                ("11:30", 50.0),
                ("11:31", 50.0),
                ("11:32", 5.0),
            ],
        )])
        .as_bytes(),
    )
    .unwrap();
    // The bucket that ends at 11:33 is complete from 11:36 on.
    for (now, status) in [
        ("2026-01-08T11:35:59Z", Status::Critical),
        ("2026-01-08T11:36:00Z", Status::Unknown),
    ] {
        let report = check.judge(&result, now.parse().unwrap());
        let finding = report.findings().iter().find(|f| !f.labels().is_empty());
        let status_of_series = finding.unwrap().status();
        let expected = if status == Status::Critical {
            Status::Critical
        } else {
            Status::Ok
        };
        assert_eq!(status_of_series, expected, "{report}");
        assert_eq!(report.status(), status, "truncated: {report}");
    }
}

#[test]
fn quantifiers_count_changes_and_single_buckets() {
    let two = Quantifier::AtLeast(2);
    let groups: Groups = &[
        &[("a", &[("11:59", 50.0)]), ("b", &[("11:59", 50.0)])],
        &[("a", &[("10:59", 5.0)]), ("b", &[("10:59", 45.0)])],
    ];
    let check = change(Change::Difference);
    assert_eq!(evaluate(&check, groups).status(), Status::Critical);
    let report = evaluate(&check.clone().quantifier(two), groups);
    assert_eq!(report.status(), Status::Ok);
    assert!(
        report.findings()[0]
            .reason()
            .ends_with("is above 9 (critical); only 1 of the required 2 series"),
        "{report}"
    );
    let new: Groups = &[
        &[("a", &[("11:59", 50.0)]), ("b", &[("11:59", 50.0)])],
        &[("a", &[("10:59", 5.0)])],
    ];
    assert_eq!(
        evaluate(
            &check.clone().quantifier(two).on_missing(Missing::Warning),
            new
        )
        .status(),
        Status::Warning,
        "one of two has no baseline"
    );
    assert_eq!(
        evaluate(&check.quantifier(Quantifier::All), new).status(),
        Status::Unknown,
        "the new one might not violate it"
    );
    let buckets: Groups = &[&[("a", &[("11:59", 50.0)]), ("b", &[("11:58", 50.0)])]];
    let check = datapoints(1, 1).quantifier(two);
    let report = evaluate(&check, buckets);
    assert_eq!(report.status(), Status::Unknown, "{report}");
    let both: Groups = &[&[("a", &[("11:59", 50.0)]), ("b", &[("11:59", 50.0)])]];
    assert_eq!(evaluate(&check, both).status(), Status::Critical);
}

#[test]
fn an_expected_series_needs_a_number_that_can_be_judged() {
    let expected = |check: Check| {
        check
            .expect_labels("g", ["a"])
            .expect_at_least(1)
            .on_missing(Missing::Ok)
    };
    for (check, groups, data, cause) in [
        (
            expected(change(Change::Percent)),
            &[A5, &[]] as Groups,
            "a change",
            "",
        ),
        (expected(ratio()), &[A5, &[]], "a ratio", ""),
        (
            expected(ratio()),
            &[&[], A5],
            "a ratio",
            ": nothing was recorded in the window",
        ),
    ] {
        let report = evaluate(&check, groups);
        assert_eq!(report.status(), Status::Unknown, "{report}");
        for sentence in [
            format!(
                r#"UNKNOWN {{g="a"}}: expected, but no series with {data} has this label{cause}"#
            ),
            format!("UNKNOWN {{}}: expected at least 1 series with {data}, found 0{cause}"),
        ] {
            assert!(
                render(&report).contains(&sentence),
                "{:#?}",
                render(&report)
            );
        }
    }
}

#[test]
fn every_incomplete_result_is_unknown_with_its_role() {
    let check = ratio().compare_to(HOUR, Change::Difference);
    let queries = check.queries();
    let complete = results(&check, &[A5, A5, OLD_A5, OLD_A5]);
    assert_eq!(
        check.judge_all(&complete, NOW.parse().unwrap()).status(),
        Status::Ok
    );
    for (index, role) in ["", "divisor: ", "baseline: ", "divisor of the baseline: "]
        .into_iter()
        .enumerate()
    {
        let mut results = complete.clone();
        let limited = queries[index].clone().limit(1);
        let groups = if index < 2 { A5 } else { OLD_A5 };
        let page = body(groups).replace(
            "]}]}",
            r#"]}],"meta":{"pagination":{"next_page_token":"t"}}}"#,
        );
        results[index] = QueryResult::from_json(&limited, page.as_bytes()).unwrap();
        let report = check.judge_all(&results, NOW.parse().unwrap());
        assert_eq!(report.status(), Status::Unknown);
        assert_eq!(
            report.findings()[0].reason(),
            format!(
                "{role}incomplete result: cut at the query's limit of 1 groups, so the rest was \
                 not checked"
            )
        );
    }
}

#[test]
fn results_of_other_queries_do_not_match() {
    let check = ratio();
    let good = results(&check, &[A5, A5]);
    let judged = |results: &[QueryResult]| check.judge_all(results, NOW.parse().unwrap()).summary();
    assert!(judged(&good).starts_with("OK: "));
    let of = |query: &Query| QueryResult::from_json(query, br#"{"data":[]}"#).unwrap();
    let requests = Query::new(
        "requests",
        Granularity::FiveMinutes,
        interval("2026-01-08T11:00:00Z/PT1H"),
    );
    let earlier = Query::new(
        "requests",
        Granularity::OneMinute,
        interval("2026-01-08T10:00:00Z/PT1H"),
    );
    for (results, sentence) in [
        (
            vec![],
            "expected 2 results, one for each of Check::queries, found 0",
        ),
        (
            vec![good[0].clone()],
            "expected 2 results, one for each of Check::queries, found 1",
        ),
        (
            vec![good[1].clone(), good[0].clone()],
            "response does not match the query: expected the metric errors, found requests",
        ),
        (
            vec![good[0].clone(), good[0].clone()],
            "divisor: response does not match the query: expected the metric requests, found errors",
        ),
        (
            vec![good[0].clone(), of(&requests)],
            "divisor: response does not match the query: expected granularity PT1M, found PT5M",
        ),
        (
            vec![good[0].clone(), of(&earlier)],
            "divisor: response does not match the query: expected 2026-01-08T11:00:00Z/2026-01-08T12:00:00Z, found 2026-01-08T10:00:00Z/2026-01-08T11:00:00Z",
        ),
    ] {
        assert_eq!(judged(&results), format!("UNKNOWN: c: {sentence}"));
    }
    assert_eq!(
        check.judge(&good[0], NOW.parse().unwrap()).summary(),
        "UNKNOWN: c: the check has 2 queries: use judge_all, with a result for each"
    );
    let swapped = change(Change::Difference);
    let windows = results_of(&swapped);
    assert_eq!(
        swapped
            .judge_all(
                &[windows[1].clone(), windows[0].clone()],
                NOW.parse().unwrap()
            )
            .summary(),
        "UNKNOWN: c: response does not match the query: expected 2026-01-08T11:00:00Z/2026-01-08T12:00:00Z, found 2026-01-08T10:00:00Z/2026-01-08T11:00:00Z"
    );
}

fn results_of(check: &Check) -> Vec<QueryResult> {
    results(check, &[A5, OLD_A5])
}

#[test]
fn the_query_that_has_no_labels_has_one_series() {
    let total = |metric: &str| {
        Query::new(
            metric,
            Granularity::OneMinute,
            interval("2026-01-08T11:00:00Z/PT1H"),
        )
    };
    let check = plain().divide_by(total("requests"));
    let row = |g: &str| format!(r#"{{"g":"{g}","timestamp":"2026-01-08T11:59:00Z","value":1}}"#);
    let two = format!(r#"{{"data":[{},{}]}}"#, row("a"), row("b"));
    let results = [
        QueryResult::from_json(&check.queries()[0], body(A5).as_bytes()).unwrap(),
        QueryResult::from_json(&check.queries()[1], two.as_bytes()).unwrap(),
    ];
    assert_eq!(
        check.judge_all(&results, NOW.parse().unwrap()).summary(),
        "UNKNOWN: c: divisor: response does not match the query: a query without group_by has one series, found 2"
    );
}

#[test]
fn a_comparison_that_makes_no_sense_is_invalid() {
    let other = |granularity, text: &str| {
        Query::new("requests", granularity, interval(text)).group_by(["g"])
    };
    let all = Query::new(
        "errors",
        Granularity::All,
        interval("2026-01-08T11:00:00Z/PT1H"),
    );
    let all = Check::new(all).named("c").critical(Threshold::above(9.0));
    for (check, reason) in [
        (
            plain().divide_by(other(Granularity::FiveMinutes, "2026-01-08T11:00:00Z/PT1H")),
            "divide_by has granularity PT5M, but the query has PT1M",
        ),
        (
            plain().divide_by(other(Granularity::OneMinute, "last/PT1H")),
            "divide_by has the intervals last/PT1H, but the query has 2026-01-08T11:00:00Z/PT1H",
        ),
        (
            plain().divide_by(hour("requests").group_by(["h"])),
            "divide_by must group by the labels of the query, or by none",
        ),
        (
            all.clone().divide_by(
                Query::new(
                    "requests",
                    Granularity::All,
                    interval("2026-01-08T11:00:00Z/PT1H"),
                )
                .group_by(["g"]),
            ),
            "divide_by must group by the labels of the query, or by none",
        ),
        (
            Check::new(hour("errors"))
                .named("c")
                .expect_at_least(1)
                .divide_by(hour("requests")),
            "divide_by needs a threshold",
        ),
        (
            plain().compare_to(Duration::ZERO, Change::Percent),
            "compare_to with a shift of 0 compares nothing",
        ),
        (
            plain().compare_to(Duration::from_secs(90), Change::Percent),
            "the shift of compare_to, 1 min 30 s, is not a multiple of PT1M",
        ),
        (
            all.clone()
                .compare_to(Duration::from_millis(60_001), Change::Percent),
            "the shift of compare_to, 1 min 0.001 s, is not whole minutes",
        ),
        (
            Check::new(hour("errors"))
                .named("c")
                .expect_at_least(1)
                .compare_to(HOUR, Change::Percent),
            "compare_to needs a threshold",
        ),
        (
            datapoints(0, 3),
            "invalid datapoints 0/3: 0 violations are always reached",
        ),
        (
            datapoints(4, 3),
            "invalid datapoints 4/3: more violations than buckets are never reached",
        ),
        (
            datapoints(0, 0),
            "invalid datapoints 0/0: 0 violations are always reached",
        ),
        (
            datapoints(1, 3).reduce(Reduce::Max),
            "datapoints cannot be used with reduce max",
        ),
        (
            all.datapoints(1, 1),
            "datapoints cannot be used with granularity ALL",
        ),
        (
            datapoints(1, 3).compare_to(HOUR, Change::Percent),
            "datapoints cannot be used with compare_to",
        ),
        (
            datapoints(1, 3).divide_by(hour("requests")),
            "datapoints cannot be used with divide_by",
        ),
        (
            Check::new(hour("errors"))
                .named("c")
                .expect_at_least(1)
                .datapoints(1, 3),
            "datapoints needs a threshold",
        ),
    ] {
        let results: Vec<_> = check
            .queries()
            .iter()
            .filter_map(|query| QueryResult::from_json(query, br#"{"data":[]}"#).ok())
            .collect();
        let report = check.judge_all(&results, NOW.parse().unwrap());
        assert_eq!(
            report.summary(),
            format!("UNKNOWN: c: invalid check: {reason}")
        );
    }
}

#[test]
fn every_form_of_an_interval_has_a_baseline_on_the_grid() {
    let at = |text: &str| text.parse().unwrap();
    for form in [
        "last/PT1H",
        "since/2026-01-08T10:30:30Z",
        "within/2026-01-08T10:30:30Z/2026-01-08T11:10:10Z",
        "2026-01-08T10:00:00Z/2026-01-08T11:00:00Z",
        "2026-01-08T10:00:00Z/PT1H",
        "PT1H/2026-01-08T11:00:00Z",
        "now-1h|h/now",
        "PT30M/now",
        "last/PT1H@-PT10M",
    ] {
        let query = Query::new("m", Granularity::FiveMinutes, interval(form)).group_by(["g"]);
        let check = Check::new(query)
            .critical(Threshold::above(0.0))
            .compare_to(HOUR, Change::Difference);
        let empty: Vec<_> = check
            .queries()
            .iter()
            .map(|query| QueryResult::from_json(query, br#"{"data":[]}"#).unwrap())
            .collect();
        let report = check.judge_all(&empty, at("2026-01-08T12:03:07Z"));
        assert_eq!(
            render(&report),
            ["UNKNOWN {}: no series returned: nothing was recorded in the window"],
            "{form}"
        );
        let mut json = Vec::new();
        report
            .write(confluent_metrics::check::Format::Json, &mut json)
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let check = &json["checks"][0];
        for end in ["start", "end"] {
            let time = |value: &serde_json::Value| {
                let time: confluent_metrics::Timestamp = value.as_str().unwrap().parse().unwrap();
                time.as_second()
            };
            let later = time(&check[end]);
            assert_eq!(later - time(&check["compare_to"][end]), 3600, "{form}");
            assert_eq!(later % 300, 0, "{form}");
        }
    }
}

#[test]
fn a_baseline_has_as_many_complete_buckets_as_the_window() {
    let query = hour("errors").allow_truncated();
    let check = Check::new(query)
        .named("c")
        .critical(Threshold::above(9.0))
        .reduce(Reduce::Sum)
        .compare_to(HOUR, Change::Difference);
    let groups: Groups = &[
        &[("a", &[("11:00", 5.0), ("11:01", 1000.0)])],
        &[("a", &[("10:00", 5.0), ("10:01", 1000.0)])],
    ];
    let results = results(&check, groups);
    // One bucket is complete: 5 against 5, whatever the next one of the baseline was.
    let report = check.judge_all(&results, "2026-01-08T11:04:00Z".parse().unwrap());
    let finding = report.findings().iter().find(|f| !f.labels().is_empty());
    assert_eq!(finding.unwrap().change(), Some(0.0), "{report}");
    assert_eq!(report.status(), Status::Unknown, "truncated: {report}");
}

#[test]
fn filters_of_both_queries_may_differ() {
    let check = Check::new(hour("responses").filter(Filter::eq("status", "500")))
        .named("c")
        .critical(Threshold::above(0.5))
        .divide_by(hour("responses"));
    let groups: Groups = &[&[("a", &[("11:59", 6.0)])], &[("a", &[("11:59", 10.0)])]];
    let report = evaluate(&check, groups);
    assert_eq!(report.status(), Status::Critical);
    assert!(
        report
            .to_string()
            .contains("\nc: responses, where status=\"500\", divided by responses, last from "),
        "{report}"
    );
}

#[test]
fn relative_intervals_are_resolved_at_the_same_time() {
    let query = |metric| {
        Query::new(metric, Granularity::OneMinute, Interval::last_minutes(2)).group_by(["g"])
    };
    let check = Check::new(query("errors"))
        .named("c")
        .critical(Threshold::above(9.0))
        .divide_by(query("requests"))
        .compare_to(HOUR, Change::Ratio);
    let groups: Groups = &[
        &[("a", &[("11:59", 8.0)])],
        &[("a", &[("11:59", 2.0)])],
        &[("a", &[("10:59", 6.0)])],
        &[("a", &[("10:59", 3.0)])],
    ];
    let report = evaluate(&check, groups);
    assert_eq!(report.findings()[0].change(), Some(2.0), "{report}");
}
