//! Command lines that are refused.

use crate::support::{LAG, gate, run};

/// What is wrong with a duration of 1.5h.
const DURATION: &str =
    r#"invalid duration "1.5h": expected a whole number and s, m, h or d, such as 90s"#;

#[test]
fn invalid_arguments_are_unknown_and_named_on_one_line() {
    let valued = |name: &str, value: &str, why: &str| {
        (vec![format!("{name}={value}")], format!("{name}: {why}"))
    };
    let range = r#"invalid threshold "10:2x": unexpected 'x' at character 5"#;
    for (arguments, why) in [
        (
            vec!["--crit=10".to_owned()],
            "--crit: unknown option".to_owned(),
        ),
        (
            vec!["--crit".to_owned()],
            "--crit: unknown option".to_owned(),
        ),
        (vec!["-c".to_owned()], "invalid option '-c'".to_owned()),
        (
            vec!["--crit=1".to_owned(), "--last=1y".to_owned()],
            format!("--crit: unknown option; --last: {DURATION}").replace("1.5h", "1y"),
        ),
        (
            vec!["--critical".to_owned()],
            "--critical: missing argument for option '--critical'".to_owned(),
        ),
        (
            vec!["two".to_owned()],
            "unexpected argument \"two\"".to_owned(),
        ),
        (
            vec!["--a\nb".to_owned()],
            "--a b: unknown option".to_owned(),
        ),
        // Neither a terminal nor the runner of a workflow obeys it.
        (
            vec!["--a\u{1b}[31m\u{202e}##[stop-commands]b".to_owned()],
            r"--a\u{1b}[31m\u{202e}#\u{23}[stop-commands]b: unknown option".to_owned(),
        ),
        (
            vec!["--emulator=yes".to_owned()],
            "unexpected argument for option '--emulator': \"yes\"".to_owned(),
        ),
        (
            vec!["--critical=10:2x".to_owned()],
            format!("--critical: {range}"),
        ),
        (
            vec!["--critical=1".to_owned(), "--critical=2".to_owned()],
            "--critical: duplicate option".to_owned(),
        ),
        (
            vec!["--last=1h".to_owned(), "--interval=now-1h/now".to_owned()],
            "--last: cannot be used together with --interval".to_owned(),
        ),
        (
            vec!["--file=checks.json".to_owned(), "--warning=1".to_owned()],
            "cannot use both --file and METRIC; cannot use both --file and --warning; \
             cannot read \"checks.json\": No such file or directory (os error 2)"
                .to_owned(),
        ),
        (
            vec!["--change=ratio".to_owned(), "--divide-filter=a=b".to_owned()],
            "--divide-filter: requires --divide-by; --change: requires --compare-to".to_owned(),
        ),
        (
            vec!["--every=1m".to_owned(), "--wait-since=2026-01-01T00:00Z".to_owned()],
            "--every: requires --wait; --wait-since: requires --wait".to_owned(),
        ),
        (
            vec!["--wait=1m".to_owned(), "--consecutive=x".to_owned()],
            r#"--consecutive: invalid number "x": expected one such as 3"#.to_owned(),
        ),
        (
            vec!["--output=junt=a.xml".to_owned()],
            r#"--output: invalid format "junt": expected one of text, nagios, junit, github, markdown, json"#
                .to_owned(),
        ),
        (
            vec!["--output=junit=".to_owned()],
            r#"--output: missing path in "junit=""#.to_owned(),
        ),
        (
            vec!["--output=/dev/null".to_owned(), "--output=json=/dev/../dev/null".to_owned()],
            r#"--output: two reports for "/dev/../dev/null""#
                .to_owned(),
        ),
        (
            vec!["--output=json=-".to_owned(), "--output=junit=-".to_owned()],
            "--output: two reports for standard output".to_owned(),
        ),
        (
            vec!["--append".to_owned(), "--output=json=a.json".to_owned()],
            r#"--output: cannot append a json report to "a.json": it would be invalid"#.to_owned(),
        ),
        valued(
            "--warning",
            "/root:10",
            r#"invalid threshold "/root:10": unexpected '/' at character 1; quote ranges containing `~` in a shell"#,
        ),
        valued(
            "--interval",
            "now-1h/yesterday",
            r#"invalid interval "now-1h/yesterday": invalid end "yesterday": expected a four-digit year"#,
        ),
        valued(
            "--last",
            "1.5h",
            DURATION,
        ),
        valued(
            "--datapoints",
            "3",
            r#"invalid datapoints "3": expected M/N, such as 3/5"#,
        ),
        valued(
            "--change",
            "growth",
            r#"invalid change "growth": expected one of difference, percent, ratio"#,
        ),
        valued(
            "--since",
            "yesterday",
            r#"invalid interval "since/yesterday": invalid start "yesterday": expected a four-digit year"#,
        ),
        valued(
            "--last",
            "é",
            r#"invalid duration "é": expected a whole number and s, m, h or d, such as 90s"#,
        ),
        valued(
            "--granularity",
            "1m",
            r#"invalid granularity "1m": expected one of PT1M, PT5M, PT15M, PT30M, PT1H, PT4H, PT6H, PT12H, P1D, ALL"#,
        ),
        valued(
            "--reduce",
            "avg",
            r#"invalid reduction "avg": expected one of last, min, max, mean, sum, rate"#,
        ),
        valued(
            "--quantifier",
            "0",
            r#"invalid quantifier "0": expected any, all or a number from 1"#,
        ),
        valued(
            "--on-missing",
            "pass",
            r#"invalid on_missing status "pass": expected one of unknown, ok, warning, critical"#,
        ),
        valued(
            "--format",
            "xml",
            r#"invalid format "xml": expected one of text, nagios, junit, github, markdown, json"#,
        ),
        valued(
            "--resource",
            "lkc-1",
            r#"invalid resource "lkc-1": expected TYPE:ID, such as kafka:lkc-1"#,
        ),
        valued(
            "--filter",
            "metric.topic",
            r#"invalid pair "metric.topic": expected LABEL=VALUE"#,
        ),
        valued(
            "--filter",
            "metric.topic=",
            r#"invalid pair "metric.topic=": expected LABEL=VALUE"#,
        ),
        valued(
            "--expect",
            "metric.topic=",
            r#"invalid pair "metric.topic=": expected LABEL=VALUE"#,
        ),
        valued("--expect", "a", r#"invalid pair "a": expected LABEL=VALUE"#),
        valued(
            "--min-coverage",
            "most",
            r#"invalid share "most": expected one such as 0.9 or 90%"#,
        ),
        valued(
            "--expect-at-least",
            "-1",
            r#"invalid number "-1": expected one such as 3"#,
        ),
        valued(
            "--ca-file",
            "/no/such/file",
            r#"cannot read "/no/such/file": No such file or directory (os error 2)"#,
        ),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let complete = [&[LAG], arguments.as_slice()].concat();
        let (code, out, err) = run(&mut gate(&complete));
        assert_eq!(
            err,
            format!("metric_gate: {why}; --help lists the options\n")
        );
        // A report goes where one was asked for.
        let is_requested = |argument: &&str| argument.ends_with("=-") || argument.contains("format");
        assert_eq!(code, Some(3), "{arguments:?}");
        assert_eq!(
            out.contains("UNKNOWN"),
            arguments.iter().any(is_requested),
            "{arguments:?}: {out}"
        );
    }
    let (code, _, err) = run(&mut gate(&["--critical=1"]));
    assert_eq!(
        (code, err.as_str()),
        (
            Some(3),
            "metric_gate: missing METRIC; --help lists the options\n"
        )
    );
}
