//! Where reports are written.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use confluent_metrics::check::Format;

use crate::support::{Folder, LAG, Service, gate, run};

/// A name with characters that are special in some format.
const NASTY: &str = "a\"b'c\n%d|e<f>&g]]>`h`*i*_j_\\k=l,m:n;o/p é日";

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

#[test]
fn one_run_has_several_outputs() {
    let service = Service::with(&[("billing", 25.0)]);
    let folder = Folder::new();
    let junit = format!("--output=junit={}", folder.path("lag.xml"));
    let json = format!("--output=json={}", folder.path("lag.json"));
    let critical = "--critical=~:10";
    let (code, out, err) = run(&mut service.gate(&[critical, &junit, &json, "--output=github=-"]));
    assert_eq!((code, err.as_str()), (Some(2), ""));
    assert!(out.starts_with("::error title="), "{out}");
    assert!(folder.read("lag.xml").starts_with("<?xml "));
    assert!(folder.read("lag.json").starts_with("{\n"));
    assert_eq!(service.emulator.requests().len(), 1);
    let (_, out, _) = run(&mut service.gate(&[critical, &junit]));
    assert!(
        out.starts_with("CRITICAL: "),
        "text unless another format: {out}"
    );
    let (_, out, _) = run(&mut service.gate(&[critical, &junit, "--format=nagios"]));
    assert_eq!(out.lines().count(), 1, "{out}");
    let (_, out, _) = run(&mut service.gate(&[critical, "--output=-", "--format=json"]));
    assert!(out.starts_with("{\n"), "{out}");
    let odd = format!("--output=./{}", "a=b");
    let (code, out, _) = run(service.gate(&[critical, &odd]).current_dir(&folder.0));
    assert_eq!(code, Some(2), "{out}");
    assert!(folder.read("a=b").starts_with("CRITICAL: "));
}

#[test]
fn gates_of_one_step_are_all_in_its_summary() {
    let service = Service::with(&[("billing", 25.0)]);
    let folder = Folder::new();
    let summary = folder.path("summary");
    for name in ["first", "second"] {
        let output = service
            .gate(&[
                "--critical=~:10",
                "--name",
                name,
                "--format=markdown",
                "--output",
                &summary,
            ])
            .env("GITHUB_STEP_SUMMARY", &summary)
            .status()
            .unwrap();
        assert_eq!(output.code(), Some(2));
    }
    let text = folder.read("summary");
    for name in ["first", "second"] {
        assert!(text.contains(&format!("**CRITICAL**: `{name} ")), "{text}");
    }
    assert!(
        text.contains("\n\n**CRITICAL**: `second "),
        "a blank line ends the table: {text}"
    );
    // Other paths name the same file.
    let other = format!("--output=markdown={}", folder.path("./summary"));
    let output = service
        .gate(&["--critical=~:10", "--name=third", &other])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = folder.read("summary");
    assert_eq!(text.matches("**CRITICAL**: ").count(), 3, "{text}");
    let log = format!("--output=text={}", folder.path("log"));
    for _ in 0..2 {
        service.code(&["--critical=~:10", "--append", &log]);
    }
    assert_eq!(folder.read("log").matches("CRITICAL: ").count(), 2);
    for _ in 0..2 {
        service.code(&["--critical=~:10", &log]);
    }
    assert_eq!(
        folder.read("log").matches("CRITICAL: ").count(),
        1,
        "replaced"
    );
}

#[test]
fn a_run_that_fails_early_leaves_no_old_report() {
    let service = Service::with(&[("billing", 5.0)]);
    let folder = Folder::new();
    let output = format!("--output=junit={}", folder.path("lag.xml"));
    let write_old = || folder.write("lag.xml", "<testsuites failures=\"0\" errors=\"0\"/>");
    for (command, why) in [
        (
            &mut service.gate(&["--crit=1", &output]),
            "--crit: unknown option; --help lists the options",
        ),
        (
            service
                .gate(&["--critical=~:10", &output])
                .env_remove("CONFLUENT_CLOUD_API_KEY"),
            "incomplete API key in the environment",
        ),
        (
            &mut service.gate(&["--critical=~:10", "--ca-file=/no", &output]),
            "--ca-file: cannot read",
        ),
        (
            &mut service.gate(&["--critical=~:10", "--output=text=/no/file", &output]),
            "cannot write &quot;/no/file&quot;",
        ),
    ] {
        write_old();
        let (code, _, _) = run(command);
        let text = folder.read("lag.xml");
        assert_eq!(code, Some(3), "{why}");
        assert!(
            text.contains("type=\"UNKNOWN\"") && text.contains(why),
            "{why} in {text}"
        );
    }
    // A run that is killed cannot say why.
    write_old();
    service.emulator.fault(
        confluent_metrics_emulator::Fault::real_response()
            .delay_head(std::time::Duration::from_secs(3600)),
    );
    let mut child = service.gate(&["--critical=~:10", &output]).spawn().unwrap();
    while service.emulator.requests().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let text = folder.read("lag.xml");
    assert!(text.contains("the run did not finish"), "{text}");
}

#[test]
fn json_names_the_kind_of_an_error() {
    let service = Service::with(&[("billing", 25.0)]);
    let critical = "--critical=~:10";
    for (command, kind) in [
        (
            service
                .gate(&[critical, "--format=json"])
                .env("CONFLUENT_CLOUD_API_SECRET", "wrong"),
            Some("Unauthorized"),
        ),
        (
            &mut service.gate(&[critical, "--format=json", "--group-by=metric.no_such"]),
            Some("Rejected"),
        ),
        (
            &mut service.gate(&[critical, "--format=json", "--crit=1"]),
            Some("InvalidInput"),
        ),
        // Data that is bad, and data that is missing.
        (&mut service.gate(&[critical, "--format=json"]), None),
        (
            &mut service.gate(&[
                critical,
                "--format=json",
                "--filter=metric.consumer_group_id=gone",
            ]),
            None,
        ),
    ] {
        let (_, out, _) = run(command);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        let finding = &report["checks"][0]["findings"][0];
        let error = finding.get("error").map(|kind| kind.as_str().unwrap());
        assert_eq!(error, kind, "{out}");
    }
}

#[test]
fn warnings_pass_if_asked_to() {
    let service = Service::with(&[("billing", 15.0)]);
    let warning = ["--critical=~:20", "--warning=~:10"];
    for (arguments, code) in [(vec![], 1), (vec!["--warnings-pass"], 0)] {
        let (found, out, _) = run(&mut service.gate(&[warning.as_slice(), &arguments].concat()));
        assert_eq!(found, Some(code));
        assert!(out.starts_with("WARNING: "), "{out}");
    }
    for (critical, code) in [("--critical=~:10", 2), ("--critical=~:20", 0)] {
        assert_eq!(service.code(&[critical, "--warnings-pass"]), Some(code));
    }
    let none = [
        "--critical=~:20",
        "--filter=metric.consumer_group_id=none",
        "--warnings-pass",
    ];
    assert_eq!(service.code(&none), Some(3));
}

#[test]
fn help_and_version_are_printed_whatever_else_is_there() {
    for arguments in [&["--help"][..], &["-h"], &["--crit", "-h"]] {
        let (code, out, err) = run(&mut gate(arguments));
        assert_eq!((code, err.as_str()), (Some(0), ""));
        for text in [
            "\nUsage: metric_gate METRIC ",
            "\nExample: ",
            "set -o pipefail",
            "set -e",
        ] {
            assert!(out.contains(text), "{text} in {out}");
        }
        let options = include_str!("../../src/arguments.rs")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("(\"")?.split_once("\", Kind::"));
        let options: Vec<_> = options.map(|(name, _)| name).collect();
        assert_eq!(options.len(), 42);
        for name in options {
            let is_listed = [" ", "\n"].iter().any(|end| {
                out.contains(&format!("  --{name}{end}"))
                    || out.contains(&format!(", --{name}{end}"))
            });
            assert!(is_listed, "{name}");
        }
        for line in out.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
    for argument in ["--version", "-V"] {
        let (code, out, _) = run(&mut gate(&[argument]));
        assert_eq!((code, out.as_str()), (Some(0), "metric_gate 0.1.0\n"));
    }
}
