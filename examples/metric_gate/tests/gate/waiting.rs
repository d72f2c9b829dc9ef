//! Waiting until a check is OK.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use confluent_metrics::Timestamp;
use confluent_metrics_emulator::Fault;

use crate::support::{Folder, LAG, Service, run};

#[test]
fn a_check_that_is_ok_ends_the_wait_at_once() {
    let service = Service::with(&[("billing", 5.0)]);
    let (code, out, err) = run(&mut service.gate(&["--critical=~:10", "--wait=10m", "--every=1m"]));
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("1 attempt: OK"), "{out}");
    assert_eq!(progress(&err), [format!("{LAG}: OK, 1 finding")]);
}

/// Returns the lines about the progress without their times, which it checks.
fn progress(err: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in err.lines() {
        let line = line.strip_prefix("metric_gate: ").unwrap();
        let (time, rest) = line.split_once(' ').unwrap();
        let digits = time.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(digits, "00:00:00Z", "{line}");
        lines.push(rest.to_owned());
    }
    lines
}

#[test]
fn a_wait_prints_a_line_whenever_its_status_or_a_count_changes() {
    let service = Service::with(&[("billing", 25.0), ("analytics", 5.0)]);
    // Two failures, two judgments of one state, and then the lag drains.
    service.emulator.fault(Fault::status(403).times(2));
    let child = service
        .gate(&[
            "--critical=~:10",
            "--wait=10m",
            "--every=1s",
            "--name=a##[b]\u{1b}\nc",
        ])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while service.emulator.requests().len() < 4 {
        thread::sleep(Duration::from_millis(10));
    }
    for (group, lag) in [("analytics", 25.0), ("billing", 25.0)] {
        service.put(group, lag);
    }
    let requests = service.emulator.requests().len();
    while service.emulator.requests().len() < requests + 2 {
        thread::sleep(Duration::from_millis(10));
    }
    for group in ["billing", "analytics"] {
        service.put(group, 5.0);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let err = String::from_utf8(output.stderr).unwrap();
    let lines = progress(&err);
    let name = r"a#\u{23}[b]\u{1b} c";
    for (line, start) in lines.iter().zip([
        "UNKNOWN, 1 of 1 finding: query of io.confluent.kafka.server/consumer_lag_offsets failed: ",
        r#"CRITICAL, 1 of 2 findings: {metric.consumer_group_id="billing"} the last value, 25 at "#,
        r#"CRITICAL, 2 of 2 findings: {metric.consumer_group_id="analytics"} the last value, 25 at "#,
    ]) {
        assert!(line.starts_with(&format!("{name}: {start}")), "{line} in {err}");
        assert!(line.chars().count() < 450, "{line}");
    }
    // Between the two points that were put, one group may have drained.
    assert_eq!(lines.last().unwrap(), &format!("{name}: OK, 2 findings"));
    assert!((4..=5).contains(&lines.len()), "{err}");
}

#[test]
fn a_run_that_does_not_wait_prints_no_progress() {
    let service = Service::with(&[("billing", 25.0)]);
    let (code, _, err) = run(&mut service.gate(&["--critical=~:10"]));
    assert_eq!((code, err.as_str()), (Some(2), ""));
}

#[test]
fn a_wait_ends_with_the_last_report() {
    let service = Service::with(&[("billing", 25.0)]);
    let (code, out, _) = run(&mut service.gate(&["--critical=~:10", "--wait=5s", "--every=1s"]));
    assert_eq!(code, Some(2), "{out}");
    assert!(out.contains("attempts: CRITICAL"), "{out}");
    assert!(service.emulator.requests().len() >= 2);
}

#[test]
fn data_from_before_the_start_of_a_wait_does_not_pass() {
    let service = Service::with(&[("billing", 5.0)]);
    let waiting = ["--critical=~:10", "--wait=2m", "--every=1s"];
    let since = |time: &str| {
        let since = format!("--wait-since={time}");
        let (code, out, err) = run(service.gate(&waiting).arg(since));
        assert_eq!((code, err.as_str()), (Some(3), ""), "{out}");
        out
    };
    let out = since("2100-01-01T00:00Z");
    let reason = "invalid wait: since 2100-01-01T00:00:00Z is in the future: the time is 20";
    assert!(out.contains(reason), "{out}");
    let now = Timestamp::from_second(service.emulator.now()).unwrap();
    let out = since(&now.to_string());
    let reason = format!("invalid wait: the first bucket since {now} is complete at 20");
    assert!(out.contains(&reason), "{out}");
    assert!(
        out.contains("so that the check can be OK at 20") && out.contains("the wait ends at 20"),
        "{out}"
    );
    assert!(service.emulator.requests().is_empty());
}

#[test]
fn all_checks_of_a_file_are_waited_for() {
    let service = Service::with(&[("billing", 5.0), ("analytics", 25.0)]);
    let folder = Folder::new();
    let entry = |group: &str| {
        format!(
            r#"{{"metric": "{LAG}", "name": "{group}", "resource": "kafka:lkc-1", "last": "10m",
                "filter": "metric.consumer_group_id={group}", "critical": "~:10"}}"#
        )
    };
    let text = format!("[{}, {}]", entry("billing"), entry("analytics"));
    let file = folder.write("checks.json", &text);
    let waiting = ["--file", &file, "--wait=5s", "--every=1s"];
    let (code, out, _) = run(&mut service.bare(&waiting));
    assert_eq!(code, Some(2), "{out}");
    assert!(out.starts_with("CRITICAL: analytics: "), "{out}");
    assert!(out.contains("attempts: CRITICAL"), "{out}");
    let requests = service.emulator.requests();
    let billing = requests
        .iter()
        .filter(|request| request.text().contains("billing"));
    assert_eq!(billing.count(), 1, "it was OK at once");
}

#[test]
fn a_wait_without_time_is_refused() {
    let service = Service::with(&[("billing", 5.0)]);
    let (code, out, _) = run(&mut service.gate(&[
        "--critical=~:10",
        "--wait=2m",
        "--every=1m",
        "--consecutive=9",
    ]));
    assert_eq!(code, Some(3), "{out}");
    assert!(out.contains("invalid wait: "), "{out}");
    assert_eq!(service.emulator.requests().len(), 0);
}
