//! What the command says about errors.

use crate::support::{LAG, Service, gate, run};

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
            &mut service.gate(&["--critical=~:1", "--filter=a..b=x"]),
            r#"filter label "a..b" has an empty segment"#,
        ),
        (
            &mut service.gate(&["--critical=~:1", "--granularity=PT1H"]),
            "--last PT10M is shorter than one bucket (PT1H)",
        ),
        (
            &mut service.gate(&["--expect=metric.topic=orders"]),
            r#"cannot expect values of "metric.topic", which is not in --group-by"#,
        ),
        (
            &mut service.gate(&["--critical=~:1", "--min-coverage=2"]),
            "invalid --min-coverage 2: expected a share above 0 and at most 1",
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
        "--last P7D, one bucket of P1D",
        "use --retained or at most --last P5D, or set --retention",
    ] {
        assert!(out.contains(text), "{text} in {out}");
    }
    for whole in ["--last=5d", "--interval=retained", "--retained"] {
        let (code, out, _) = week(&[whole]);
        assert_eq!(code, Some(0), "{whole}: {out}");
    }
    let (code, out, _) = week(&["--interval=2026-01-06T00:00-05:00/2026-01-07T00:00-05:00"]);
    assert!(code == Some(3) && out.contains("or --within"), "{out}");
}
