//! Evaluation of checks, on a given response at a given time.

use std::time::Duration;

use confluent_metrics::check::{
    Check, Finding, Missing, Quantifier, Reduce, Report, Status, Threshold,
};
use confluent_metrics::{Filter, Granularity, Interval, Query, QueryResult};

use crate::support::interval;

const NOW: &str = "2026-01-08T12:03:00Z";

/// The hour before noon by minute. All of its buckets are settled at [`NOW`].
fn hour() -> Query {
    Query::new(
        "m",
        Granularity::OneMinute,
        interval("within/2026-01-08T11:00:00Z/2026-01-08T12:00:00Z"),
    )
    .group_by(["g"])
}

/// Groups with their points, as times on that day and values.
fn response(query: &Query, groups: &[(&str, &[(&str, f64)])]) -> QueryResult {
    let rows = groups.iter().map(|(group, points)| {
        let points = points.iter().map(|(time, value)| {
            format!(r#"{{"timestamp":"2026-01-08T{time}:00Z","value":{value:e}}}"#)
        });
        format!(
            r#"{{"g":"{group}","points":[{}]}}"#,
            points.collect::<Vec<_>>().join(",")
        )
    });
    let body = format!(r#"{{"data":[{}]}}"#, rows.collect::<Vec<_>>().join(","));
    QueryResult::from_json(query, body.as_bytes()).unwrap()
}

fn above(bound: f64) -> Check {
    Check::new(hour())
        .named("c")
        .critical(Threshold::above(bound))
}

fn evaluate(check: &Check, query: &Query, groups: &[(&str, &[(&str, f64)])], now: &str) -> Report {
    check.judge(&response(query, groups), now.parse().unwrap())
}

/// The findings as `status labels: reason`.
fn render(report: &Report) -> Vec<String> {
    let findings = report.findings().iter();
    findings
        .map(|f| format!("{} {}: {}", f.status(), f.labels(), f.reason()))
        .collect()
}

pub(crate) type Groups = &'static [(&'static str, &'static [(&'static str, f64)])];

const FRESH: Groups = &[("a", &[("11:59", 5.0)])];
const UNSET: f64 = -9.223372036854776e18;

/// A name, a check, the groups of the response, the reason of the finding, and if `on_missing`
/// applies.
pub(crate) fn without_a_number() -> Vec<(&'static str, Check, Groups, &'static str, bool)> {
    vec![
        (
            "no series",
            above(9.0),
            &[],
            "UNKNOWN {}: no series returned: nothing was recorded in the window",
            true,
        ),
        (
            "no point",
            above(9.0),
            &[("a", &[])],
            r#"UNKNOWN {g="a"}: no data in the window"#,
            true,
        ),
        (
            "a watermark that is not set",
            above(9.0),
            &[("a", &[("11:58", 5.0), ("11:59", UNSET)])],
            r#"UNKNOWN {g="a"}: watermark not set at 2026-01-08T11:59:00Z"#,
            true,
        ),
        (
            "no watermark that is set",
            above(9.0).reduce(Reduce::Min),
            &[("a", &[("11:58", UNSET), ("11:59", UNSET)])],
            r#"UNKNOWN {g="a"}: watermark not set at 2026-01-08T11:59:00Z"#,
            true,
        ),
        (
            "too few series for a quantifier",
            above(9.0).quantifier(Quantifier::AtLeast(2)),
            FRESH,
            "UNKNOWN {}: the quantifier requires 2 series, but only 1 could be evaluated",
            true,
        ),
        (
            "a last value that is stale",
            above(9.0),
            &[("a", &[("11:56", 5.0)])],
            r#"UNKNOWN {g="a"}: stale: latest point at 2026-01-08T11:56:00Z was 3 min old at 2026-01-08T12:00:00Z (default max_age is 2 buckets)"#,
            false,
        ),
        (
            "older than `max_age`",
            above(9.0)
                .reduce(Reduce::Max)
                .max_age(Duration::from_secs(90)),
            &[("a", &[("11:57", 5.0)])],
            r#"UNKNOWN {g="a"}: stale: latest point at 2026-01-08T11:57:00Z was 2 min old at 2026-01-08T12:00:00Z (max_age is 1 min 30 s)"#,
            false,
        ),
        (
            "a sum that is too large",
            above(9.0).reduce(Reduce::Sum),
            &[("a", &[("11:58", f64::MAX), ("11:59", f64::MAX)])],
            r#"UNKNOWN {g="a"}: the sum overflows"#,
            false,
        ),
        (
            "a point of another window",
            above(9.0),
            &[("a", &[("10:59", 5.0), ("11:59", 5.0)])],
            "UNKNOWN {}: response does not match the query: point at 2026-01-08T10:59:00Z is outside 2026-01-08T11:00:00Z/2026-01-08T12:00:00Z",
            false,
        ),
        (
            "neither threshold nor expectation",
            Check::new(hour()),
            FRESH,
            "UNKNOWN {}: invalid check: no threshold and no expectation: the check can never fail",
            false,
        ),
        (
            "only an age",
            Check::new(hour()).max_age(Duration::from_secs(3600)),
            FRESH,
            "UNKNOWN {}: invalid check: no threshold and no expectation: the check can never fail",
            false,
        ),
        (
            "a threshold that is not a number",
            above(f64::NAN),
            FRESH,
            "UNKNOWN {}: invalid check: invalid critical threshold: bound NaN is not finite",
            false,
        ),
        (
            "a threshold that is infinite",
            above(9.0).warning(Threshold::above(f64::INFINITY)),
            FRESH,
            "UNKNOWN {}: invalid check: invalid warning threshold: bound inf is not finite",
            false,
        ),
        (
            "a range the wrong way round",
            above(9.0).warning(Threshold::outside(20.0, 10.0)),
            FRESH,
            "UNKNOWN {}: invalid check: invalid warning threshold: start 20 is greater than end 10",
            false,
        ),
        (
            "expectations of nothing",
            above(9.0)
                .quantifier(Quantifier::AtLeast(0))
                .expect_at_least(0)
                .expect_labels("g", [""; 0])
                .expect_labels("", ["a"]),
            FRESH,
            r#"UNKNOWN {}: invalid check: AtLeast(0) is always satisfied; expect_at_least(0) has no effect; expect_labels("g", []) needs a label and at least one value; expect_labels("", ["a"]) needs a label and at least one value"#,
            false,
        ),
    ]
}

#[test]
fn untrustworthy_data_is_unknown_and_on_missing_excuses_missing_data_alone() {
    println!("{:<36} {:>4}  sentence", "no number because of", "exit");
    for (name, check, groups, sentence, excused) in without_a_number() {
        let report = evaluate(&check, &hour(), groups, NOW);
        println!("{name:<36} {:>4}  {}", report.exit_code(), report.summary());
        assert_eq!(
            (report.status(), report.exit_code()),
            (Status::Unknown, 3),
            "{name}"
        );
        assert!(
            render(&report).contains(&sentence.to_owned()),
            "{name}: {:?}",
            render(&report)
        );
        for (missing, status) in [
            (Missing::Ok, Status::Ok),
            (Missing::Warning, Status::Warning),
            (Missing::Critical, Status::Critical),
        ] {
            let report = evaluate(&check.clone().on_missing(missing), &hour(), groups, NOW);
            let expected = if excused { status } else { Status::Unknown };
            assert_eq!(report.status(), expected, "{name} with {missing}: {report}");
            if excused {
                let words = format!(
                    "{} (on_missing: {missing})",
                    sentence.strip_prefix("UNKNOWN").unwrap()
                );
                assert!(
                    render(&report).contains(&format!("{status}{words}")),
                    "{name}: {:?}",
                    render(&report)
                );
            }
        }
    }
}

#[test]
fn an_unmet_expectation_never_passes() {
    let too_few = "expected at least 3 series with data, found 2";
    let gone = "expected, but no series with data has this label";
    let groups: Groups = &[
        ("a", &[("11:59", 5.0)]),
        ("b", &[("11:59", 5.0)]),
        ("empty", &[]),
    ];
    let expecting = Check::new(hour())
        .expect_at_least(3)
        .expect_labels("g", ["c", "a", "empty", "c"]);
    for (missing, status) in [
        (Missing::Unknown, Status::Unknown),
        (Missing::Ok, Status::Unknown),
        (Missing::Warning, Status::Warning),
        (Missing::Critical, Status::Critical),
    ] {
        let report = evaluate(&expecting.clone().on_missing(missing), &hour(), groups, NOW);
        assert_eq!(report.status(), status, "{missing}");
        let text = |labels: &str, reason: &str| {
            let counts = format!(" (on_missing: {missing})");
            format!(
                "{status} {labels}: {reason}{}",
                if status == Status::Unknown {
                    ""
                } else {
                    &counts
                }
            )
        };
        for finding in [
            text("{}", too_few),
            text(r#"{g="c"}"#, gone),
            text(r#"{g="empty"}"#, gone),
        ] {
            assert_eq!(
                render(&report)
                    .iter()
                    .filter(|found| **found == finding)
                    .count(),
                1,
                "{finding} of {report}"
            );
        }
    }
    let met = Check::new(hour())
        .expect_at_least(2)
        .expect_labels("g", ["a"])
        .expect_labels("g", ["b"]);
    let report = evaluate(&met, &hour(), &groups[..2], NOW);
    assert_eq!(report.status(), Status::Ok);
    assert_eq!(
        render(&report)[0],
        r#"OK {g="a"}: the last value, 5 at 2026-01-08T11:59:00Z, is present"#
    );
}

#[test]
fn a_result_without_series_is_reported_once() {
    let filtered = Query::new("m", Granularity::OneMinute, hour().intervals()[0])
        .group_by(["g"])
        .filter(Filter::eq("resource.kafka.id", "lkc-1"));
    let cause =
        r#"nothing matched resource.kafka.id="lkc-1", or nothing was recorded in the window"#;
    let gone = format!("expected, but no series with data has this label: {cause}");
    let few = format!("expected at least 2 series with data, found 0: {cause}");
    let by_name = Check::new(filtered.clone()).critical(Threshold::above(1.0));
    for missing in [
        Missing::Unknown,
        Missing::Ok,
        Missing::Warning,
        Missing::Critical,
    ] {
        let (nothing, unmet, note) = match missing {
            Missing::Unknown => ("UNKNOWN", "UNKNOWN", ""),
            Missing::Ok => ("OK", "UNKNOWN", ""),
            Missing::Warning => ("WARNING", "WARNING", " (on_missing: warning)"),
            Missing::Critical => ("CRITICAL", "CRITICAL", " (on_missing: critical)"),
        };
        let found = |check: &Check| {
            let check = check.clone().on_missing(missing);
            render(&evaluate(&check, &filtered, &[], NOW))
        };
        let ok_note = if missing == Missing::Ok {
            " (on_missing: ok)"
        } else {
            note
        };
        assert_eq!(
            found(&by_name),
            [format!(
                "{nothing} {{}}: no series returned: {cause}{ok_note}"
            )]
        );
        let expecting = by_name.clone().expect_labels("g", ["a", "b"]);
        assert_eq!(
            found(&expecting),
            [
                format!(r#"{unmet} {{g="a"}}: {gone}{note}"#),
                format!(r#"{unmet} {{g="b"}}: {gone}{note}"#),
            ]
        );
        let few = format!("{unmet} {{}}: {few}{note}");
        let at_least = found(&by_name.clone().expect_at_least(2));
        assert_eq!(at_least.join("; "), few);
        assert_eq!(found(&expecting.expect_at_least(2))[0], few);
    }
}

#[test]
fn numbers_are_judged_by_both_thresholds_and_the_worst_decides() {
    let check = above(100.0).warning(Threshold::above(10.0));
    let groups: Groups = &[
        ("ok", &[("11:59", 10.0)]),
        ("bad", &[("11:59", 101.0)]),
        ("warn", &[("11:59", 100.0)]),
        ("none", &[]),
    ];
    let report = evaluate(&check, &hour(), groups, NOW);
    assert_eq!(
        render(&report),
        [
            r#"CRITICAL {g="bad"}: the last value, 101 at 2026-01-08T11:59:00Z, is above 100 (critical)"#,
            r#"UNKNOWN {g="none"}: no data in the window"#,
            r#"WARNING {g="warn"}: the last value, 100 at 2026-01-08T11:59:00Z, is above 10 (warning)"#,
            r#"OK {g="ok"}: the last value, 10 at 2026-01-08T11:59:00Z, is within the thresholds"#,
        ]
    );
    assert_eq!((report.status(), report.exit_code()), (Status::Critical, 2));
    assert_eq!(
        report.summary(),
        r#"CRITICAL: c {g="bad"}: the last value, 101 at 2026-01-08T11:59:00Z, is above 100 (critical); also 1 UNKNOWN, 1 WARNING of 4 findings"#
    );
    let bad = &report.findings()[0];
    assert_eq!(
        (bad.check(), bad.value(), bad.labels().get("g")),
        ("c", Some(101.0), Some("bad"))
    );
    assert_eq!(bad.timestamp().unwrap().to_string(), "2026-01-08T11:59:00Z");
    let of = |groups: Groups| evaluate(&check, &hour(), groups, NOW);
    assert_eq!(of(&groups[2..]).exit_code(), 3, "unknown beats a warning");
    assert_eq!(of(&groups[2..3]).exit_code(), 1);
    assert_eq!(of(&groups[..1]).exit_code(), 0);
    assert_eq!(
        of(&[("ok", &[("11:59", 1.0)]), ("too", &[("11:59", 2.0)])]).summary(),
        "OK: c: 2 findings OK"
    );
}

#[test]
fn each_reduction_combines_the_settled_points() {
    let points: Groups = &[(
        "a",
        &[
            ("11:00", 7.0),
            ("11:30", -3.0),
            ("11:58", 20.0),
            ("11:59", 6.0),
        ],
    )];
    for (reduce, value, at, words) in [
        (
            Reduce::Last,
            6.0,
            "11:59",
            "the last value, 6 at 2026-01-08T11:59:00Z, is present",
        ),
        (
            Reduce::Min,
            -3.0,
            "11:30",
            "the minimum, -3 at 2026-01-08T11:30:00Z, is present; 4 of 60 buckets had data",
        ),
        (
            Reduce::Max,
            20.0,
            "11:58",
            "the maximum, 20 at 2026-01-08T11:58:00Z, is present; 4 of 60 buckets had data",
        ),
        (
            Reduce::Mean,
            7.5,
            "11:59",
            "the mean, 7.5 up to the bucket at 2026-01-08T11:59:00Z, is present; 4 of 60 buckets had data",
        ),
        (
            Reduce::Sum,
            30.0,
            "11:59",
            "the sum, 30 up to the bucket at 2026-01-08T11:59:00Z, is present; 4 of 60 buckets had data",
        ),
        (
            Reduce::Rate,
            30.0 / 3600.0,
            "11:59",
            "the rate per second, 0.008333333333333333 up to the bucket at 2026-01-08T11:59:00Z, is present; 4 of 60 buckets had data",
        ),
    ] {
        let check = Check::new(hour()).expect_at_least(1).reduce(reduce);
        let report = evaluate(&check, &hour(), points, NOW);
        let finding = &report.findings()[0];
        assert_eq!(
            (finding.value(), finding.reason()),
            (Some(value), words),
            "{reduce}"
        );
        assert_eq!(
            finding.timestamp().unwrap().to_string(),
            format!("2026-01-08T{at}:00Z"),
            "{reduce}"
        );
    }
    // The bucket that ends at 11:02 is settled from 11:05 on.
    let early = Check::new(hour()).expect_at_least(1).reduce(Reduce::Rate);
    let report = evaluate(
        &early,
        &hour(),
        &[("a", &[("11:00", 30.0), ("11:01", 900.0)])],
        "2026-01-08T11:04:59Z",
    );
    assert_eq!(
        report.findings()[0].value(),
        Some(0.5),
        "30 in the one minute that is settled"
    );
}

#[test]
fn buckets_that_are_not_settled_are_not_judged() {
    let groups: Groups = &[("a", &[("11:30", 5.0), ("11:31", 50.0)])];
    for (now, status, value) in [
        ("2026-01-08T11:33:59Z", Status::Unknown, None),
        ("2026-01-08T11:34:00Z", Status::Ok, Some(5.0)),
        ("2026-01-08T11:34:59Z", Status::Ok, Some(5.0)),
        ("2026-01-08T11:35:00Z", Status::Critical, Some(50.0)),
        ("2026-01-08T11:37:59Z", Status::Critical, Some(50.0)),
        ("2026-01-08T11:38:00Z", Status::Unknown, None),
    ] {
        let report = evaluate(&above(9.0), &hour(), groups, now);
        assert_eq!(
            (report.status(), report.findings()[0].value()),
            (status, value),
            "at {now}: {report}"
        );
    }
    let query = Query::new(
        "m",
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    )
    .group_by(["g"]);
    let check = |query: &Query| {
        Check::new(query.clone())
            .critical(Threshold::above(9.0))
            .on_missing(Missing::Ok)
    };
    let groups: Groups = &[("a", &[("11:31", 50.0)])];
    let refused = evaluate(&check(&query), &query, groups, "2026-01-08T11:34:00Z");
    assert_eq!(refused.status(), Status::Unknown);
    assert!(
        refused
            .summary()
            .contains("ends after 2026-01-08T11:31:00Z"),
        "{refused}"
    );
    let query = query.allow_truncated();
    let unsettled = evaluate(&check(&query), &query, groups, "2026-01-08T11:34:00Z");
    assert_eq!(
        render(&unsettled),
        [
            "UNKNOWN {}: incomplete result: buckets of 2026-01-08T11:00:00Z/2026-01-08T12:00:00Z after 2026-01-08T11:31:00Z are still filling up",
            r#"OK {g="a"}: no complete bucket yet: the bucket at 2026-01-08T11:31:00Z must end and pass the data latency first (on_missing: ok)"#
        ]
    );
}

#[test]
fn a_window_without_settled_buckets_never_passes() {
    let unsettled = " are complete";
    let empty = "no complete bucket: no interval contains one that ends by ";
    for (granularity, text, now, sentence) in [
        (
            Granularity::OneMinute,
            "2026-01-08T11:00:00Z/PT1H",
            "2026-01-08T11:03:59Z",
            unsettled,
        ),
        (
            Granularity::OneMinute,
            "2026-01-08T11:00:00Z/PT1H",
            "2025-01-08T12:03:00Z",
            unsettled,
        ),
        (
            Granularity::All,
            "2026-01-08T11:00:00Z/PT1H",
            "2026-01-08T12:02:59Z",
            unsettled,
        ),
        (
            Granularity::OneMinute,
            "now-2m/now",
            NOW,
            "interval now-2m/now holds no complete bucket of PT1M",
        ),
        (
            Granularity::OneMinute,
            "since/2026-01-08T11:59:01Z",
            NOW,
            empty,
        ),
        (Granularity::All, "since/2026-01-08T12:00:00Z", NOW, empty),
        (
            Granularity::OneHour,
            "within/2026-01-08T10:01:00Z/2026-01-08T10:59:00Z",
            NOW,
            empty,
        ),
    ] {
        let query = Query::new("m", granularity, interval(text))
            .group_by(["g"])
            .allow_truncated();
        let check = Check::new(query.clone())
            .critical(Threshold::above(9.0))
            .on_missing(Missing::Ok);
        let report = evaluate(&check, &query, &[], now);
        assert_eq!(report.status(), Status::Unknown, "{query:?} at {now}");
        let reason = report.findings()[0].reason();
        assert!(reason.contains(sentence), "{reason}");
    }
}

#[test]
fn a_gap_is_no_fault_and_the_last_point_may_be_two_buckets_old() {
    for (time, status) in [
        ("11:59", Status::Ok),
        ("11:58", Status::Ok),
        ("11:57", Status::Ok),
        ("11:56", Status::Unknown),
    ] {
        let groups: Vec<(&str, f64)> = vec![("11:00", 1.0), (time, 2.0)];
        let report = evaluate(&above(9.0), &hour(), &[("a", &groups)], NOW);
        assert_eq!(report.status(), status, "{time}");
        // Ages are relative to the end of the window, not to the present.
        assert_eq!(
            evaluate(
                &above(9.0),
                &hour(),
                &[("a", &groups)],
                "2026-01-20T00:00:00Z"
            )
            .status(),
            status
        );
        for reduce in [
            Reduce::Min,
            Reduce::Max,
            Reduce::Mean,
            Reduce::Sum,
            Reduce::Rate,
        ] {
            let report = evaluate(&above(9.0).reduce(reduce), &hour(), &[("a", &groups)], NOW);
            assert_eq!(report.status(), Status::Ok, "{reduce} of {time}");
        }
        let patient = above(9.0).max_age(Duration::from_secs(180));
        assert_eq!(
            evaluate(&patient, &hour(), &[("a", &groups)], NOW).status(),
            Status::Ok,
            "{time}"
        );
    }
}

#[test]
fn of_several_intervals_the_last_end_counts() {
    let query = hour().add_interval(interval("2026-01-08T09:00:00Z/PT10M"));
    let check = Check::new(query.clone()).critical(Threshold::above(9.0));
    let only_early: Groups = &[("a", &[("09:09", 1.0)])];
    assert_eq!(
        evaluate(&check, &query, only_early, NOW).status(),
        Status::Unknown
    );
    assert_eq!(
        evaluate(&check.clone().reduce(Reduce::Max), &query, only_early, NOW).status(),
        Status::Ok
    );
    let rate = check.reduce(Reduce::Rate);
    let both: Groups = &[("a", &[("09:09", 42.0), ("11:59", 42.0)])];
    assert_eq!(
        evaluate(&rate, &query, both, NOW).findings()[0].value(),
        Some(84.0 / (70.0 * 60.0))
    );
    let between: Groups = &[("a", &[("10:30", 1.0), ("11:59", 1.0)])];
    assert_eq!(
        evaluate(&rate, &query, between, NOW).status(),
        Status::Unknown,
        "nobody asked for 10:30"
    );
}

#[test]
fn the_one_bucket_of_all_is_judged_once_it_is_settled_and_has_no_age() {
    let query =
        Query::new("m", Granularity::All, interval("2026-01-08T11:00:00Z/PT1H")).group_by(["g"]);
    let check = Check::new(query.clone())
        .named("c")
        .critical(Threshold::above(9.0));
    for (time, value, status) in [
        ("11:00", 5.0, Status::Ok),
        ("11:00", 50.0, Status::Critical),
        ("03:00", 5.0, Status::Ok),
    ] {
        let report = evaluate(&check, &query, &[("a", &[(time, value)])], NOW);
        assert_eq!(
            report.status(),
            status,
            "{value} at {time}: the time of the bucket is not documented"
        );
    }
    let rate = evaluate(
        &check.clone().reduce(Reduce::Rate),
        &query,
        &[("a", &[("11:00", 7200.0)])],
        NOW,
    );
    assert_eq!(rate.findings()[0].value(), Some(2.0));
    let aged = evaluate(
        &check.max_age(Duration::from_secs(60)),
        &query,
        &[("a", &[("11:00", 5.0)])],
        NOW,
    );
    assert_eq!(
        aged.summary(),
        "UNKNOWN: c: invalid check: max_age cannot be used with granularity ALL"
    );
}

#[test]
fn a_watermark_that_was_not_set_is_a_gap_for_what_comes_after_it() {
    let groups: Groups = &[("a", &[("11:57", UNSET), ("11:58", 20.0), ("11:59", 10.0)])];
    for (reduce, value) in [
        (Reduce::Last, 10.0),
        (Reduce::Min, 10.0),
        (Reduce::Max, 20.0),
        (Reduce::Mean, 15.0),
        (Reduce::Sum, 30.0),
    ] {
        let report = evaluate(&above(9.0).reduce(reduce), &hour(), groups, NOW);
        assert_eq!(
            (report.status(), report.findings()[0].value()),
            (Status::Critical, Some(value)),
            "{reduce}"
        );
    }
    // `on_missing` excuses an unset watermark, but not a critical value.
    let later: Groups = &[("a", &[("11:58", 20.0), ("11:59", UNSET)])];
    let max = above(9.0).reduce(Reduce::Max).on_missing(Missing::Ok);
    assert_eq!(
        evaluate(&max, &hour(), later, NOW).status(),
        Status::Critical
    );
    let aged = max.max_age(Duration::ZERO);
    assert_eq!(
        evaluate(&aged, &hour(), later, NOW).status(),
        Status::Unknown,
        "the newest that is set is too old"
    );
}

#[test]
fn quantifiers_ask_for_more_than_one_series() {
    let groups: Groups = &[
        ("a", &[("11:59", 50.0)]),
        ("b", &[("11:59", 50.0)]),
        ("c", &[("11:59", 5.0)]),
    ];
    let stale: Groups = &[
        ("a", &[("11:59", 50.0)]),
        ("b", &[("11:59", 50.0)]),
        ("c", &[("11:00", 5.0)]),
    ];
    let missing: Groups = &[
        ("a", &[("11:59", 50.0)]),
        ("b", &[("11:59", 50.0)]),
        ("c", &[]),
    ];
    use Quantifier::{All, Any, AtLeast};
    for (quantifier, groups, on_missing, status) in [
        (Any, groups, Missing::Unknown, Status::Critical),
        (AtLeast(2), groups, Missing::Unknown, Status::Critical),
        (AtLeast(3), groups, Missing::Unknown, Status::Ok),
        (All, groups, Missing::Unknown, Status::Ok),
        (All, &groups[..2], Missing::Unknown, Status::Critical),
        (Any, stale, Missing::Ok, Status::Critical),
        (AtLeast(2), stale, Missing::Ok, Status::Critical),
        (AtLeast(3), stale, Missing::Ok, Status::Unknown),
        (All, stale, Missing::Ok, Status::Unknown),
        (AtLeast(3), missing, Missing::Unknown, Status::Unknown),
        (All, missing, Missing::Unknown, Status::Unknown),
        (All, missing, Missing::Ok, Status::Critical),
        (All, missing, Missing::Warning, Status::Critical),
        (AtLeast(3), missing, Missing::Critical, Status::Critical),
        (All, &missing[2..], Missing::Ok, Status::Ok),
    ] {
        let check = above(9.0).quantifier(quantifier).on_missing(on_missing);
        let report = evaluate(&check, &hour(), groups, NOW);
        assert_eq!(
            report.status(),
            status,
            "{quantifier} of {groups:?} with {on_missing}: {report}"
        );
        assert_eq!(
            report.findings().iter().map(Finding::status).max(),
            Some(report.status())
        );
    }
}

#[test]
fn an_incomplete_result_is_unknown_unless_something_is_certainly_critical() {
    let page = br#"{"data":[{"g":"a","points":[{"timestamp":"2026-01-08T11:59:00Z","value":5}]}],"meta":{"pagination":{"next_page_token":"x"}}}"#;
    for (query, reason) in [
        (
            hour().limit(1),
            "incomplete result: cut at the query's limit of 1 groups, so the rest was not checked",
        ),
        (
            hour().allow_truncated(),
            "incomplete result: only one page of several",
        ),
    ] {
        let result = QueryResult::from_json(&query, page).unwrap();
        let evaluate = |bound, missing: Missing| {
            let check = Check::new(query.clone())
                .critical(Threshold::above(bound))
                .on_missing(missing);
            check.judge(&result, NOW.parse().unwrap())
        };
        for missing in [Missing::Unknown, Missing::Ok, Missing::Warning] {
            assert_eq!(evaluate(9.0, missing).status(), Status::Unknown);
            assert_eq!(evaluate(9.0, missing).findings()[0].reason(), reason);
        }
        assert_eq!(evaluate(1.0, Missing::Ok).status(), Status::Critical);
    }
}

#[test]
fn an_invalid_query_is_unknown_and_names_every_problem() {
    let query =
        Query::new("", Granularity::OneMinute, Interval::last_minutes(0)).filter(Filter::any([]));
    let check = Check::new(query)
        .named("c")
        .critical(Threshold::above(1.0))
        .on_missing(Missing::Ok);
    assert_eq!(
        evaluate(&check, &hour(), FRESH, NOW).summary(),
        "UNKNOWN: c: invalid query: metric name is empty; Filter::any is empty; interval last/PT0S is shorter than one bucket (PT1M)"
    );
}

#[test]
fn reports_of_several_checks_are_one_and_none_is_lost() {
    let report = |name: &str, bound| evaluate(&above(bound).named(name), &hour(), FRESH, NOW);
    let fine: Report = [report("one", 9.0), report("two", 8.0)]
        .into_iter()
        .collect();
    assert_eq!(
        (fine.status(), fine.summary()),
        (Status::Ok, "OK: 2 findings of 2 checks OK".into())
    );
    let mut all = fine.clone();
    all.extend([report("three", 1.0)]);
    assert_eq!(all.status(), Status::Critical);
    let checks: Vec<_> = all
        .findings()
        .iter()
        .map(|finding| (finding.check(), finding.status()))
        .collect();
    assert_eq!(
        checks,
        [
            ("one", Status::Ok),
            ("two", Status::Ok),
            ("three", Status::Critical)
        ]
    );
    let none: Report = std::iter::empty().collect();
    assert_eq!((none.status(), none.findings().len()), (Status::Unknown, 0));
    let mut with_none = fine;
    with_none.extend([none]);
    assert_eq!(
        with_none.status(),
        Status::Unknown,
        "a list of no checks stays unknown among others"
    );
}

#[test]
fn a_pass_without_data_looks_different_from_a_pass_with_data() {
    let check = above(9.0).on_missing(Missing::Ok);
    let of = |groups: Groups| evaluate(&check, &hour(), groups, NOW);
    let nothing: Groups = &[("a", &[]), ("b", &[("11:59", UNSET)])];
    assert_eq!(
        of(nothing).summary(),
        "OK: c: 2 findings OK; 2 without data, counted as OK"
    );
    let some: Groups = &[("a", &[]), ("b", &[("11:59", 5.0)])];
    assert_eq!(
        of(some).summary(),
        "OK: c: 2 findings OK; 1 without data, counted as OK"
    );
    let both: Report = [of(FRESH), of(nothing)].into_iter().collect();
    assert_eq!(
        both.summary(),
        "OK: 3 findings of 2 checks OK; 2 without data, counted as OK"
    );
}

#[test]
fn a_response_with_other_buckets_does_not_match_the_query() {
    // Without absolute intervals, only the check knows the window.
    let of = |granularity| Query::new("m", granularity, Interval::last_hours(2)).group_by(["g"]);
    let by_the_minute: Groups = &[
        ("a", &[("10:59", 5.0)]),
        ("b", &[("10:00", 5.0), ("11:00", 5.0)]),
    ];
    for (granularity, groups, why) in [
        (
            Granularity::OneHour,
            by_the_minute,
            "point at 2026-01-08T10:59:00Z is not aligned to the granularity",
        ),
        (
            Granularity::All,
            by_the_minute,
            "a series has several points, but granularity ALL has one bucket",
        ),
    ] {
        let query = of(granularity);
        let check = Check::new(query.clone())
            .named("c")
            .critical(Threshold::above(9.0))
            .on_missing(Missing::Ok);
        let report = evaluate(&check, &query, groups, NOW);
        assert_eq!(
            report.summary(),
            format!("UNKNOWN: c: response does not match the query: {why}")
        );
        assert_eq!(
            evaluate(&check, &query, &[("a", &[("11:00", 5.0)])], NOW).status(),
            Status::Ok
        );
    }
}

/// Returns a response with one group. A value of `None` is null.
fn with_nulls(points: &[(&str, Option<f64>)]) -> QueryResult {
    let point = |(time, value): &(&str, Option<f64>)| {
        let value = value.map_or("null".to_owned(), |value| value.to_string());
        format!(r#"{{"timestamp":"2026-01-08T{time}:00Z","value":{value}}}"#)
    };
    let points: Vec<_> = points.iter().map(point).collect();
    let body = format!(
        r#"{{"data":[{{"g":"a","points":[{}]}}]}}"#,
        points.join(",")
    );
    QueryResult::from_json(&hour(), body.as_bytes()).unwrap()
}

#[test]
fn a_null_newer_than_every_point_is_a_missing_last_value() {
    let missing = [("11:59", None), ("11:58", Some(5.0)), ("11:57", None)];
    let judge = |check: Check, points: &[(&str, Option<f64>)]| {
        render(&check.judge(&with_nulls(points), NOW.parse().unwrap())).remove(0)
    };
    assert_eq!(
        judge(above(9.0), &missing),
        r#"UNKNOWN {g="a"}: value at 2026-01-08T11:59:00Z is null"#
    );
    assert_eq!(
        judge(above(9.0).on_missing(Missing::Critical), &missing),
        r#"CRITICAL {g="a"}: value at 2026-01-08T11:59:00Z is null (on_missing: critical)"#
    );
    // A null that is too old makes the series stale.
    let stale = [("11:40", None), ("11:39", Some(5.0))];
    let text = judge(above(9.0).on_missing(Missing::Ok), &stale);
    assert!(text.starts_with(r#"UNKNOWN {g="a"}: stale: "#), "{text}");
    // Older nulls are gaps. For other reductions, every null is a gap.
    let older = [("11:59", Some(5.0)), ("11:58", None)];
    assert!(judge(above(9.0), &older).starts_with(r#"OK {g="a"}"#));
    assert!(judge(above(9.0).reduce(Reduce::Max), &missing).starts_with(r#"OK {g="a"}"#));
    let outside = with_nulls(&[("11:59", Some(5.0)), ("12:40", None)]);
    let text = render(&above(9.0).judge(&outside, NOW.parse().unwrap())).remove(0);
    assert!(
        text.contains("point at 2026-01-08T12:40:00Z is outside"),
        "{text}"
    );
}

#[test]
fn unset_watermarks_that_were_summed_or_averaged_are_unset() {
    for unset in [UNSET, 2.0 * UNSET, UNSET / 2.0, 12.0 * UNSET, -4.6e18] {
        let text = render(&evaluate(
            &above(9.0),
            &hour(),
            &[("a", &[("11:58", 5.0), ("11:59", unset)])],
            NOW,
        ));
        assert!(
            text[0].ends_with("watermark not set at 2026-01-08T11:59:00Z"),
            "{unset:e}: {text:?}"
        );
        let least = above(9.0).reduce(Reduce::Min);
        let text = render(&evaluate(
            &least,
            &hour(),
            &[("a", &[("11:58", 5.0), ("11:59", unset)])],
            NOW,
        ));
        assert!(
            text[0].starts_with(r#"OK {g="a"}: the minimum, 5 "#),
            "{unset:e}: {text:?}"
        );
    }
    let text = render(&evaluate(
        &above(9.0),
        &hour(),
        &[("a", &[("11:59", -4.5e18)])],
        NOW,
    ));
    assert!(text[0].starts_with("OK"), "{text:?}");
}

/// Returns a response with a point in each of the first `count` minutes.
fn minutes(query: &Query, count: usize) -> QueryResult {
    let times: Vec<_> = (0..count)
        .map(|minute| (format!("11:{minute:02}"), 5.0))
        .collect();
    let points: Vec<_> = times
        .iter()
        .map(|(time, value)| (time.as_str(), *value))
        .collect();
    response(query, &[("a", &points)])
}

const REDUCTIONS: [Reduce; 5] = [
    Reduce::Min,
    Reduce::Max,
    Reduce::Mean,
    Reduce::Sum,
    Reduce::Rate,
];

#[test]
fn a_reduction_of_sparse_data_reports_its_coverage() {
    for reduce in REDUCTIONS {
        let check = above(1000.0).reduce(reduce);
        let coverage = |count, now: &str| {
            let report = check.judge(&minutes(&hour(), count), now.parse().unwrap());
            assert_eq!(report.status(), Status::Ok, "{reduce}: {report}");
            // The text format has a column for the value, and so leaves it out of the reason.
            let text = report.to_string();
            let reason = report.findings()[0]
                .reason()
                .rsplit("; ")
                .next()
                .unwrap()
                .to_owned();
            assert_eq!(
                text.contains("buckets had data"),
                reason.contains("buckets had data"),
                "{text}"
            );
            reason
        };
        assert_eq!(coverage(10, NOW), "10 of 60 buckets had data", "{reduce}");
        assert_eq!(coverage(59, NOW), "59 of 60 buckets had data", "{reduce}");
        assert!(
            coverage(60, NOW).ends_with("is within the thresholds"),
            "{reduce}"
        );
        // Only settled buckets count.
        assert_eq!(
            coverage(10, "2026-01-08T11:58:00Z"),
            "10 of 55 buckets had data",
            "{reduce}"
        );
        assert!(
            coverage(55, "2026-01-08T11:58:00Z").ends_with("is within the thresholds"),
            "{reduce}"
        );
    }
    let last = above(1000.0).max_age(Duration::from_secs(3600));
    let report = last.judge(&minutes(&hour(), 10), NOW.parse().unwrap());
    assert!(
        !report.findings()[0].reason().contains("buckets"),
        "the last value is of one bucket: {report}"
    );
}

#[test]
fn markers_of_unset_watermarks_are_no_data() {
    let groups: Groups = &[("a", &[("11:57", UNSET), ("11:58", 20.0), ("11:59", 10.0)])];
    let report = evaluate(&above(90.0).reduce(Reduce::Max), &hour(), groups, NOW);
    assert!(
        report.findings()[0]
            .reason()
            .ends_with("; 2 of 60 buckets had data"),
        "{report}"
    );
}

#[test]
fn coverage_counts_the_buckets_of_all_intervals() {
    let query = hour().add_interval(interval("2026-01-08T09:00:00Z/PT10M"));
    let check = Check::new(query.clone())
        .critical(Threshold::above(9.0))
        .reduce(Reduce::Max);
    let groups: Groups = &[("a", &[("09:00", 1.0), ("09:09", 1.0), ("11:59", 1.0)])];
    let report = evaluate(&check, &query, groups, NOW);
    assert!(
        report.findings()[0]
            .reason()
            .ends_with("; 3 of 70 buckets had data"),
        "{report}"
    );
    let report = evaluate(&check.min_coverage(0.1), &query, groups, NOW);
    assert_eq!(report.status(), Status::Unknown);
}

#[test]
fn granularity_all_has_one_bucket_and_no_coverage() {
    let query =
        Query::new("m", Granularity::All, interval("2026-01-08T11:00:00Z/PT1H")).group_by(["g"]);
    let check = Check::new(query.clone())
        .named("c")
        .critical(Threshold::above(9.0));
    for reduce in REDUCTIONS {
        let report = evaluate(
            &check.clone().reduce(reduce),
            &query,
            &[("a", &[("11:00", 5.0)])],
            NOW,
        );
        assert!(
            report.findings()[0]
                .reason()
                .ends_with("is within the thresholds"),
            "{reduce}: {report}"
        );
    }
    assert_eq!(
        evaluate(
            &check.min_coverage(0.5),
            &query,
            &[("a", &[("11:00", 5.0)])],
            NOW
        )
        .summary(),
        "UNKNOWN: c: invalid check: \
         min_coverage cannot be used with granularity ALL"
    );
}

#[test]
fn too_little_coverage_is_unknown_for_every_on_missing() {
    let all = [Reduce::Last].into_iter().chain(REDUCTIONS);
    for reduce in all {
        let check = above(1000.0)
            .reduce(reduce)
            .max_age(Duration::from_secs(3600))
            .min_coverage(0.9);
        for (count, status) in [
            (10, Status::Unknown),
            (53, Status::Unknown),
            (54, Status::Ok),
            (60, Status::Ok),
        ] {
            for missing in [
                Missing::Unknown,
                Missing::Ok,
                Missing::Warning,
                Missing::Critical,
            ] {
                let check = check.clone().on_missing(missing);
                let report = check.judge(&minutes(&hour(), count), NOW.parse().unwrap());
                assert_eq!(report.status(), status, "{reduce} of {count}: {report}");
            }
        }
        let report = check.judge(&minutes(&hour(), 10), NOW.parse().unwrap());
        let text = r#"UNKNOWN: c {g="a"}: 10 of 60 buckets had data (min_coverage is 0.9)"#;
        assert_eq!(report.summary(), text);
        assert!(!report.findings()[0].reason().contains("NaN"));
    }
    // One series with enough data does not make up for another.
    let groups: Groups = &[
        ("a", &[("11:00", 1.0)]),
        ("b", &[("11:00", 1.0), ("11:01", 1.0)]),
    ];
    let check = above(9.0).reduce(Reduce::Max).min_coverage(2.0 / 60.0);
    assert_eq!(
        evaluate(&check, &hour(), groups, NOW).status(),
        Status::Unknown
    );
    assert_eq!(
        evaluate(&check, &hour(), &groups[1..], NOW).status(),
        Status::Ok
    );
    for share in [0.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
        let report = evaluate(&above(9.0).min_coverage(share), &hour(), FRESH, NOW);
        let why = format!("invalid min_coverage {share}: expected a share above 0 and at most 1");
        assert!(
            report.status() == Status::Unknown && report.summary().ends_with(&why),
            "{report}"
        );
    }
}

#[test]
fn an_expectation_that_cannot_be_met_is_reported() {
    let ungrouped = || {
        Query::new(
            "m",
            Granularity::OneMinute,
            interval("2026-01-08T11:00:00Z/PT1H"),
        )
    };
    let check = |query: Query| Check::new(query).named("c").critical(Threshold::above(9.0));
    for (check, why) in [
        (
            check(hour()).expect_labels("h", ["x"]),
            r#"cannot expect values of "h", which is not in group_by"#,
        ),
        (
            check(ungrouped())
                .expect_labels("g", ["x"])
                .expect_labels("g", ["y"]),
            r#"cannot expect values of "g", which is not in group_by; cannot expect values of "g", which is not in group_by"#,
        ),
        (
            check(hour().filter(Filter::eq("g", "a"))).expect_labels("g", ["a", "b"]),
            r#"cannot expect g="b", which the filter excludes: for several values, leave out that filter or use Filter::one_of"#,
        ),
        (
            check(hour().filter(Filter::one_of("g", ["a", "b"]))).expect_labels("g", ["b", "c"]),
            r#"cannot expect g="c", which the filter excludes: for several values, leave out that filter or use Filter::one_of"#,
        ),
        (
            check(ungrouped()).expect_at_least(2),
            "cannot expect 2 series: a query without group_by has one series",
        ),
        (
            check(ungrouped()).quantifier(Quantifier::AtLeast(2)),
            "quantifier of 2 series can never be met: a query without group_by has one series",
        ),
    ] {
        for missing in [
            Missing::Unknown,
            Missing::Ok,
            Missing::Warning,
            Missing::Critical,
        ] {
            let result = response(&hour(), FRESH);
            let report = check
                .clone()
                .on_missing(missing)
                .judge(&result, NOW.parse().unwrap());
            assert_eq!(
                report.summary(),
                format!("UNKNOWN: c: invalid check: {why}")
            );
        }
    }
    // An expectation that can be met is kept.
    for check in [
        check(hour())
            .expect_at_least(2)
            .expect_labels("g", ["a", "b", "a"]),
        check(hour().filter(!Filter::eq("g", "c"))).expect_labels("g", ["a", "b"]),
        check(hour().filter(Filter::eq("h", "x"))).expect_labels("g", ["a", "b"]),
    ] {
        let groups: Groups = &[("a", &[("11:59", 1.0)]), ("b", &[("11:59", 1.0)])];
        assert_eq!(evaluate(&check, &hour(), groups, NOW).status(), Status::Ok);
    }
    assert_eq!(
        Check::new(ungrouped())
            .expect_at_least(1)
            .judge(
                &QueryResult::from_json(
                    &ungrouped(),
                    br#"{"data":[{"timestamp":"2026-01-08T11:59:00Z","value":1}]}"#
                )
                .unwrap(),
                NOW.parse().unwrap(),
            )
            .status(),
        Status::Ok
    );
}
