//! Waiting until a check is OK.

use crate::support::{Folder, LAG, Service, run};

#[test]
fn a_check_that_is_ok_ends_the_wait_at_once() {
    let service = Service::with(&[("billing", 5.0)]);
    let (code, out, err) = run(&mut service.gate(&["--critical=~:10", "--wait=10m", "--every=1m"]));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("1 attempt: OK"), "{out}");
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
    let waiting = [
        "--critical=~:10",
        "--wait=2s",
        "--every=1s",
        "--wait-since=2100-01-01T00:00Z",
    ];
    let (code, out, _) = run(&mut service.gate(&waiting));
    assert_eq!(code, Some(3), "{out}");
    assert!(
        out.contains("no complete bucket since 2100-01-01T00:00:00Z yet"),
        "{out}"
    );
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
