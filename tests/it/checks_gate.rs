//! `metric_gate` as a process: its output and its exit codes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use confluent_metrics::check::Format;
use confluent_metrics_emulator::Emulator;

const LAG: &str = "io.confluent.kafka.server/consumer_lag_offsets";

/// A name with characters that are special in some format.
const NASTY: &str = "a\"b'c\n%d|e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日";

/// Builds the program, since `cargo test --test it` does not build other packages.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
        let mut build = Command::new(cargo);
        build.args([
            "build",
            "--quiet",
            "--offline",
            "-p",
            "confluent-metric-gate",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
        // Cargo puts this test into `deps`, and the program next to that folder.
        let tests = env::current_exe().unwrap();
        tests
            .parent()
            .unwrap()
            .with_file_name(format!("metric_gate{}", env::consts::EXE_SUFFIX))
    })
}

/// Returns the command, without variables that the library reads.
fn gate(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().env("NO_COLOR", "1");
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// An emulator in which each of these groups has the given lag since 15 minutes ago.
struct Service {
    emulator: Emulator,
    roots: PathBuf,
}

impl Service {
    fn with(groups: &[(&str, f64)]) -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let emulator = Emulator::builder().demo(false).start();
        for (group, lag) in groups {
            let labels = [
                ("resource.kafka.id", "lkc-1"),
                ("metric.consumer_group_id", *group),
            ];
            for minute in -15..15 {
                emulator.put(LAG, &labels, emulator.now() + minute * 60, *lag);
            }
        }
        let roots =
            env::temp_dir().join(format!("metric-gate-{}-{number}.pem", std::process::id()));
        fs::write(&roots, emulator.ca_pem()).unwrap();
        Self { emulator, roots }
    }

    /// The lag of each group over ten minutes.
    fn gate(&self, arguments: &[&str]) -> Command {
        let requested = [
            LAG,
            "--resource=kafka:lkc-1",
            "--group-by=metric.consumer_group_id",
            "--last=10m",
        ];
        let mut command = gate(&[&requested, arguments].concat());
        command
            .env("CONFLUENT_CLOUD_API_KEY", self.emulator.api_key())
            .env("CONFLUENT_CLOUD_API_SECRET", self.emulator.api_secret())
            .env("CONFLUENT_METRICS_BASE_URL", self.emulator.url())
            .env("CONFLUENT_METRICS_CA_FILE", &self.roots);
        command
    }

    fn code(&self, arguments: &[&str]) -> Option<i32> {
        run(&mut self.gate(arguments)).0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.roots);
    }
}

#[test]
fn the_exit_code_is_the_status() {
    let service = Service::with(&[("billing", 5.0), ("analytics", 15.0)]);
    for (arguments, code) in [
        (vec!["--critical", "~:20"], 0),
        (vec!["--critical", "~:20", "--warning", "~:10"], 1),
        (vec!["--critical", "~:10"], 2),
        (vec!["--critical", "10:"], 2),
        (vec!["--critical", "@14:16"], 2),
        (vec!["--critical", "~:10", "--quantifier", "2"], 0),
        (vec!["--critical", "~:1", "--quantifier", "all"], 2),
        (
            vec![
                "--critical",
                "~:10",
                "--filter",
                "metric.consumer_group_id=billing",
            ],
            0,
        ),
        (
            vec![
                "--critical",
                "~:10",
                "--filter",
                "metric.consumer_group_id!=analytics",
            ],
            0,
        ),
        (
            vec![
                "--critical",
                "~:10",
                "--filter",
                "metric.consumer_group_id=nobody",
            ],
            3,
        ),
        (
            vec![
                "--critical",
                "~:10",
                "--filter",
                "metric.consumer_group_id=nobody",
                "--on-missing",
                "ok",
            ],
            0,
        ),
        (
            vec![
                "--critical",
                "~:10",
                "--filter",
                "metric.consumer_group_id=nobody",
                "--on-missing=warning",
            ],
            1,
        ),
        (
            vec![
                "--critical",
                "~:10",
                "--filter",
                "metric.consumer_group_id=",
                "--on-missing",
                "ok",
            ],
            3,
        ),
        (
            vec!["--expect", "metric.consumer_group_id=billing,analytics"],
            0,
        ),
        (vec!["--expect", "metric.consumer_group_id=billing,gone"], 3),
        (
            vec![
                "--expect",
                "metric.topic=orders",
                "--on-missing",
                "critical",
            ],
            3,
        ),
        (
            vec![
                "--critical",
                "~:20",
                "--reduce",
                "max",
                "--min-coverage",
                "1",
            ],
            0,
        ),
        (
            vec![
                "--critical",
                "~:20",
                "--reduce",
                "max",
                "--min-coverage",
                "1.5",
            ],
            3,
        ),
        (vec!["--expect-at-least", "2"], 0),
        (
            vec!["--expect-at-least", "3", "--on-missing", "critical"],
            2,
        ),
        (vec!["--critical", "~:20", "--max-age", "0s"], 0),
        (vec!["--critical", "~:100", "--reduce", "sum"], 2),
        (
            vec![
                "--critical",
                "~:0.3",
                "--reduce",
                "rate",
                "--granularity",
                "PT5M",
            ],
            0,
        ),
        (
            vec![
                "--critical",
                "~:20",
                "--base-url",
                "https://127.0.0.1:1",
                "--deadline",
                "1s",
            ],
            3,
        ),
        (vec!["--critical", "~:20", "--dataset", "clowd"], 3),
        (
            vec!["--critical", "~:20", "--group-by", "metric.no_such"],
            3,
        ),
        (vec![], 3),
    ] {
        assert_eq!(service.code(&arguments), Some(code), "{arguments:?}");
    }
    let clusters = || {
        gate(&[
            LAG,
            "--resource=kafka:lkc-2",
            "--resource=kafka:lkc-1",
            "--interval=PT10M/now",
            "--critical=~:20",
        ])
        .env("CONFLUENT_CLOUD_API_KEY", service.emulator.api_key())
        .env("CONFLUENT_CLOUD_API_SECRET", service.emulator.api_secret())
        .args([
            "--base-url",
            service.emulator.url(),
            "--ca-file",
            service.roots.to_str().unwrap(),
        ])
        .output()
        .unwrap()
    };
    let one = clusters();
    assert_eq!(
        one.status.code(),
        Some(3),
        "lkc-2 does not hide behind lkc-1: {one:?}"
    );
    for minute in -15..15 {
        let labels = [
            ("resource.kafka.id", "lkc-2"),
            ("metric.consumer_group_id", "billing"),
        ];
        service
            .emulator
            .put(LAG, &labels, service.emulator.now() + minute * 60, 5.0);
    }
    let both = clusters();
    assert_eq!(both.status.code(), Some(0), "{both:?}");
}

#[test]
fn too_few_buckets_with_data_are_unknown_if_a_share_is_set() {
    let service = Service::with(&[("billing", 5.0)]);
    let hour = |arguments: &[&str]| {
        let mut command = gate(&[
            LAG,
            "--resource=kafka:lkc-1",
            "--last=1h",
            "--critical=~:20",
        ]);
        command
            .args(["--reduce=max", "--base-url", service.emulator.url()])
            .args(["--ca-file", service.roots.to_str().unwrap()])
            .args(arguments)
            .env("CONFLUENT_CLOUD_API_KEY", service.emulator.api_key())
            .env("CONFLUENT_CLOUD_API_SECRET", service.emulator.api_secret());
        run(&mut command)
    };
    let (code, out, _) = hour(&[]);
    assert!(
        code == Some(0) && out.contains(" of 60 buckets had data"),
        "{out}"
    );
    let (code, out, _) = hour(&["--min-coverage=0.5"]);
    let why = " of 60 buckets had data (min_coverage is 0.5)";
    assert!(code == Some(3) && out.contains(why), "{out}");
}

#[test]
fn the_report_is_printed_in_the_requested_format() {
    let service = Service::with(&[("billing", 5.0)]);
    let (code, out, err) = run(&mut service.gate(&["--critical=~:1", "--name=lag"]));
    assert_eq!((code, err.as_str()), (Some(2), ""));
    assert!(
        out.starts_with(
            r#"CRITICAL: lag {metric.consumer_group_id="billing"}: the last value, 5 at "#
        ),
        "{out}"
    );
    let title = r#"lag: io.confluent.kafka.server/consumer_lag_offsets, where resource.kafka.id="lkc-1", last from "#;
    assert!(out.contains(&format!("\n{title}")), "{out}");
    let file = env::temp_dir().join(format!("metric-gate-{}.xml", std::process::id()));
    let output = format!("--output={}", file.display());
    let (code, out, _) = run(&mut service.gate(&["--critical=~:1", "--format=junit", &output]));
    let written = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert_eq!(code, Some(2));
    assert!(
        out.starts_with("CRITICAL: ") && written.starts_with("<?xml "),
        "{out}{written}"
    );
    let requested = [
        "--emulator",
        LAG,
        "--resource=kafka:lkc-1",
        "--critical=~:-1",
        "--format=nagios",
    ];
    let (code, out, err) = run(&mut gate(&requested));
    assert_eq!((code, out.lines().count()), (Some(2), 1), "{out}");
    assert_eq!(
        err, "metric_gate: using an emulator with made-up data\n",
        "nobody takes it for the service"
    );
}

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
            vec!["--critical".to_owned()],
            "--critical: missing argument for option '--critical'".to_owned(),
        ),
        (
            vec!["one".to_owned(), "two".to_owned()],
            "unexpected argument \"two\"".to_owned(),
        ),
        (
            vec!["--a\nb".to_owned()],
            "--a b: unknown option".to_owned(),
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
            "cannot use both --last and --interval".to_owned(),
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
            r#"invalid duration "1.5h": expected a whole number and s, m, h or d, such as 90s"#,
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
            "90%",
            r#"invalid number "90%": expected one such as 0.9"#,
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
        let (code, out, err) = run(&mut gate(&arguments));
        assert_eq!(
            err,
            format!("metric_gate: {why}; --help lists the options\n")
        );
        assert_eq!((code, out.as_str()), (Some(3), ""), "{arguments:?}");
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

#[test]
fn errors_of_service_and_environment_are_one_line() {
    let service = Service::with(&[("billing", 5.0)]);
    for (command, text) in [
        (
            &mut service.gate(&["--critical=~:1", "--group-by=metric.no_such"]),
            r#"the service returned 400 Bad Request: "group_by: metric 'io.confluent.kafka.server/consumer_lag_offsets' has no label 'metric.no_such'""#,
        ),
        (
            service
                .gate(&["--critical=~:1"])
                .env("CONFLUENT_CLOUD_API_SECRET", "wrong"),
            r#"the service returned 401 Unauthorized: "Invalid credentials"; hint: use a Cloud API key"#,
        ),
        (
            service
                .gate(&["--critical=~:1"])
                .env_remove("CONFLUENT_CLOUD_API_KEY"),
            "incomplete API key in the environment: ",
        ),
        (
            service
                .gate(&["--critical=~:1"])
                .env("CONFLUENT_METRICS_BASE_URL", "http://a.example"),
            "the scheme must be https",
        ),
        (
            &mut service.gate(&["--critical=~:1", "--filter==x"]),
            "filter label is empty",
        ),
        (
            &mut service.gate(&["--critical=~:1", "--granularity=PT1H"]),
            "last/PT10M is shorter than one bucket (PT1H)",
        ),
        (
            &mut service.gate(&["--expect=metric.topic=orders"]),
            r#"cannot expect values of "metric.topic", which is not in group_by"#,
        ),
        (
            &mut service.gate(&["--critical=~:1", "--min-coverage=2"]),
            "invalid min_coverage 2: expected a share above 0 and at most 1",
        ),
        (
            &mut service.gate(&[]),
            "no threshold and no expectation: the check can never fail",
        ),
    ] {
        let (code, out, err) = run(command);
        assert!(
            out.starts_with(&format!("UNKNOWN: {LAG}: ")) && out.contains(text),
            "{out}"
        );
        assert_eq!(
            (code, out.lines().count(), err.as_str()),
            (Some(3), 1, ""),
            "{out}"
        );
    }
}

#[test]
fn a_week_of_days_is_unknown_since_its_first_day_is_cut_by_the_retention() {
    let week = |arguments: &[&str]| {
        let requested = [
            "io.confluent.kafka.server/received_bytes",
            "--emulator",
            "--resource=kafka:lkc-1",
        ];
        let evaluate = [
            "--granularity=P1D",
            "--reduce=sum",
            "--critical=~:190000000000",
        ];
        run(&mut gate(&[&requested, &evaluate, arguments].concat()))
    };
    let (code, out, _) = week(&["--last=7d"]);
    assert_eq!(code, Some(3), "{out}");
    for text in [
        "interval last/P7D, one bucket of P1D",
        "Interval::retained",
        "last/P5D",
    ] {
        assert!(out.contains(text), "{text} in {out}");
    }
    for whole in ["--last=5d", "--interval=retained"] {
        let (code, out, _) = week(&[whole]);
        assert_eq!(code, Some(0), "{whole}: {out}");
    }
    let (code, out, _) = week(&["--interval=2026-01-06T00:00-05:00/2026-01-07T00:00-05:00"]);
    assert!(code == Some(3) && out.contains("Interval::within"), "{out}");
}

#[test]
fn a_report_that_cannot_be_written_does_not_pass() {
    let service = Service::with(&[("billing", 5.0)]);
    let fine = ["--critical=~:10"];
    assert_eq!(service.code(&fine), Some(0));
    // The reader closes the pipe before anything is written.
    let mut child = service
        .gate(&fine)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("metric_gate: cannot write to standard output: Broken pipe"),
        "{text}"
    );
    let (code, _, err) =
        run(&mut service.gate(&["--critical=~:10", "--output=/no/such/folder/file"]));
    assert_eq!(code, Some(3));
    assert!(
        err.starts_with(r#"metric_gate: cannot write "/no/such/folder/file": "#),
        "{err}"
    );
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let status = service
            .gate(&fine)
            .stdout(full.try_clone().unwrap())
            .stderr(full)
            .status()
            .unwrap();
        assert_eq!(
            status.code(),
            Some(3),
            "not even the complaint can be written"
        );
    }
}

#[test]
fn help_lists_every_option() {
    let (code, out, err) = run(&mut gate(&["--help"]));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let source = include_str!("../../examples/metric_gate/src/arguments.rs");
    let options = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"--")?.split_once('"'))
        .map(|(name, _)| name);
    let options: Vec<_> = options.collect();
    assert_eq!(options.len(), 24);
    for name in options {
        assert!(
            out.contains(&format!("\n  --{name} ")) || out.contains(&format!("\n  --{name}\n")),
            "{name}"
        );
    }
}

/// Writes a report of each format into cargo's temporary folder, which `.ci/report-formats` reads.
#[test]
fn reports_are_written_for_other_parsers() {
    let service = Service::with(&[(NASTY, 25.0), ("plain", 5.0)]);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report-formats");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("name"), NASTY).unwrap();
    for format in Format::VARIANTS {
        let (code, out, _) = run(&mut service.gate(&[
            "--critical=~:20",
            "--warning=~:10",
            "--expect=metric.consumer_group_id=gone",
            &format!("--name={NASTY}"),
            &format!("--format={format}"),
        ]));
        assert_eq!(code, Some(2), "{out}");
        fs::write(folder.join(format.as_str()), out).unwrap();
    }
}
