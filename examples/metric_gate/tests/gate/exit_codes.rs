//! The exit code of every outcome.

use crate::support::{LAG, Service, gate, run};

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
    let why = " of 60 buckets had data (--min-coverage is 0.5)";
    assert!(code == Some(3) && out.contains(why), "{out}");
}
