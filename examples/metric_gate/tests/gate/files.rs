//! Many checks in one run.

use confluent_metrics_emulator::Fault;

use crate::support::{Folder, LAG, Service, run};

/// Returns an entry for the lag of this group.
fn entry(group: &str, critical: &str) -> String {
    format!(
        r#"{{"metric": "{LAG}", "name": "lag of {group}", "resource": "kafka:lkc-1", "last": "10m",
            "filter": "metric.consumer_group_id={group}", "critical": "{critical}"}}"#
    )
}

#[test]
fn a_file_of_checks_gives_one_report_and_one_exit_code() {
    let service = Service::with(&[("billing", 5.0), ("analytics", 15.0)]);
    let folder = Folder::new();
    for (entries, code, lines) in [
        (
            vec![entry("billing", "10"), entry("analytics", "20")],
            0,
            vec!["OK: 2 findings of 2 checks OK"],
        ),
        (
            vec![entry("billing", "10"), entry("analytics", "10")],
            2,
            vec![
                "CRITICAL: lag of analytics: the last value, 15 at ",
                "\nlag of billing: ",
            ],
        ),
        (
            vec![entry("billing", "10"), entry("gone", "10")],
            3,
            vec!["UNKNOWN: lag of gone: no series returned"],
        ),
        (
            vec![entry("billing", "3"), entry("gone", "10")],
            2,
            vec![
                "CRITICAL: lag of billing: ",
                "; also 1 UNKNOWN of 2 findings",
            ],
        ),
    ] {
        let file = folder.write("checks.json", &format!("[{}]", entries.join(",")));
        let (found, out, err) = run(&mut service.bare(&["--file", &file]));
        assert_eq!((found, err.as_str()), (Some(code), ""), "{out}");
        for line in lines {
            assert!(out.contains(line), "{line:?} in {out}");
        }
    }
    assert_eq!(service.emulator.requests().len(), 8, "one for each check");
}

#[test]
fn faults_of_a_file_are_named_before_anything_is_sent() {
    let service = Service::with(&[("billing", 5.0)]);
    let folder = Folder::new();
    let text = format!(
        r#"[{}, {{"metric": "{LAG}", "critcal": "1", "last": "1y"}}, 3]"#,
        entry("billing", "10:2x")
    );
    let file = folder.write("checks.json", &text);
    let json = folder.path("report.json");
    let output = format!("json={json}");
    let (code, out, err) = run(&mut service.bare(&["--file", &file, "--output", &output]));
    let faults = format!(
        "{file}: [0].critical: invalid threshold \"10:2x\": unexpected 'x' at character 5; \
         {file}: [1].critcal: unknown setting; did you mean `critical`?; \
         {file}: [1].last: invalid duration \"1y\": expected a whole number and s, m, h or d, \
         such as 90s; {file}: [2]: expected an object"
    );
    assert_eq!(
        (code, out.as_str(), err),
        (
            Some(3),
            "",
            format!("metric_gate: {faults}; --help lists the options\n")
        )
    );
    let written = folder.read("report.json");
    assert!(
        written.contains(r#""status": "UNKNOWN""#) && written.contains("[1].critcal"),
        "{written}"
    );
    assert_eq!(service.emulator.requests().len(), 0);
}

#[test]
fn checks_that_would_be_refused_are_named_before_anything_is_sent() {
    let service = Service::with(&[("billing", 5.0)]);
    let folder = Folder::new();
    let text = format!(
        r#"[{}, {{"metric": "{LAG}"}}, {{"metric": "{LAG}", "critical": "1", "last": "30d"}}]"#,
        entry("billing", "10")
    );
    let file = folder.write("checks.json", &text);
    let (code, out, err) = run(&mut service.bare(&["--file", &file]));
    assert_eq!((code, err.as_str()), (Some(3), ""), "{out}");
    for part in [
        format!("UNKNOWN: {file}: [1]: invalid check: no threshold and no expectation"),
        "failed: invalid query: --last P30D, one bucket of PT1M".to_owned(),
        "; use --retained or at most --last P6DT23H56M, or set --retention if".to_owned(),
    ] {
        assert!(out.contains(&part), "{part} in {out}");
    }
    assert_eq!(service.emulator.requests().len(), 0);
}

#[test]
fn an_error_of_one_check_leaves_the_others() {
    let service = Service::with(&[("billing", 5.0)]);
    let folder = Folder::new();
    let wrong = entry("billing", "10").replace("metric.consumer_group_id", "metric.group");
    let file = folder.write(
        "checks.json",
        &format!("[{wrong}, {}, {wrong}]", entry("billing", "10")),
    );
    service.emulator.fault(Fault::status(503));
    let (code, out, _) = run(&mut service.bare(&["--file", &file]));
    assert_eq!(code, Some(3), "{out}");
    assert!(
        out.contains(r#"the metric has no label "metric.group"; its labels are metric."#),
        "{out}"
    );
    assert!(out.contains("\n  OK  "), "{out}");
    let requests = service.emulator.requests();
    let names = requests
        .iter()
        .filter(|request| request.path().contains("descriptors"));
    assert!(names.count() <= 2, "the names are read once");
}
