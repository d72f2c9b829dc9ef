//! Checks over TLS against the emulator: every failure is unknown, with the message of the error.

use std::time::Duration;

use confluent_metrics::check::{
    Change, Check, Finding, Format, Missing, Quantifier, Reduce, Report, Status, Threshold,
};
use confluent_metrics::{
    Client, Credentials, ErrorKind, Filter, Granularity, Interval, Query, QueryResult, Resource,
};
use confluent_metrics_emulator::{Certificate, Emulator, Fault};

use crate::support::{
    NOON, RETAINED, SENT, all_topics, builder, builder_as, by_topic, client,
    client_without_retries, empty_emulator, interval, put_point,
};

fn check() -> Check {
    Check::new(by_topic())
        .named("traffic")
        .warning(Threshold::above(10.0))
        .critical(Threshold::above(20.0))
}

fn emulator_with_orders() -> Emulator {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 59, 5.0);
    emulator
}

/// Asserts that a report is unknown for every `on_missing`, and returns its only sentence.
fn unknown(client: &Client, check: &Check) -> String {
    for missing in [
        Missing::Unknown,
        Missing::Ok,
        Missing::Warning,
        Missing::Critical,
    ] {
        let report = check.clone().on_missing(missing).run(client);
        assert_eq!(
            (report.status(), report.exit_code()),
            (Status::Unknown, 3),
            "{missing}: {report}"
        );
    }
    let report = check.run(client);
    assert_eq!(report.findings().len(), 1, "{report}");
    report.summary()
}

#[test]
fn the_worst_series_decides() {
    let emulator = emulator_with_orders();
    let client = client(&emulator);
    let status = |check: Check| check.run(&client).status();
    assert_eq!(status(check()), Status::Ok);
    put_point(&emulator, "payments", 59, 15.0);
    assert_eq!(status(check()), Status::Warning);
    put_point(&emulator, "refunds", 30, 15.0);
    assert_eq!(
        status(check()),
        Status::Unknown,
        "refunds stopped half an hour ago"
    );
    assert_eq!(
        status(check().on_missing(Missing::Ok)),
        Status::Unknown,
        "what is stale is not missing"
    );
    assert_eq!(
        status(check().max_age(Duration::from_secs(1800))),
        Status::Warning
    );
    put_point(&emulator, "carts", 59, 25.0);
    let report = check().run(&client);
    assert_eq!(report.status(), Status::Critical);
    assert_eq!(
        report.summary(),
        r#"CRITICAL: traffic {metric.topic="carts"}: the last value, 25 at 2026-01-08T11:59:00Z, is above 20 (critical); also 1 UNKNOWN, 1 WARNING of 4 findings"#
    );
    assert_eq!(
        status(check().quantifier(Quantifier::AtLeast(2))),
        Status::Unknown
    );
    let sum = Check::new(all_topics())
        .critical(Threshold::outside(60.0, 60.0))
        .reduce(Reduce::Sum);
    assert_eq!(
        status(sum),
        Status::Ok,
        "without a group there is one series: 5 + 15 + 15 + 25"
    );
}

#[test]
fn missing_data_is_unknown_unless_on_missing_says_otherwise() {
    let emulator = empty_emulator();
    let client = client(&emulator);
    for (missing, status) in [
        (Missing::Unknown, Status::Unknown),
        (Missing::Ok, Status::Ok),
        (Missing::Warning, Status::Warning),
        (Missing::Critical, Status::Critical),
    ] {
        assert_eq!(check().on_missing(missing).run(&client).status(), status);
        assert_eq!(
            Check::new(all_topics())
                .critical(Threshold::above(1.0))
                .on_missing(missing)
                .run(&client)
                .status(),
            status
        );
    }
    let orders = check()
        .expect_labels("metric.topic", ["orders"])
        .on_missing(Missing::Ok);
    assert_eq!(orders.run(&client).status(), Status::Unknown);
    put_point(&emulator, "orders", 59, 1.0);
    assert_eq!(orders.run(&client).status(), Status::Ok);
    // A null value is no point.
    let labels = [
        ("resource.kafka.id", "lkc-1"),
        ("metric.topic", "void"),
        ("metric.partition", "0"),
    ];
    emulator.put_null(SENT, &labels, NOON - 60);
    let report = check().run(&client);
    assert_eq!(report.status(), Status::Unknown);
    assert!(
        report
            .summary()
            .contains(r#"{metric.topic="void"}: no data in the window"#),
        "{report}"
    );
}

#[test]
fn errors_of_every_kind_are_unknown_with_their_message() {
    let emulator = emulator_with_orders();
    let with = |(key, secret)| {
        builder_as(&emulator, Credentials::api_key(key, secret).unwrap())
            .build()
            .unwrap()
    };
    let requested = "query of io.confluent.kafka.server/sent_bytes";
    let unfiltered = Query::new(
        RETAINED,
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    );
    let unfiltered = Check::new(unfiltered).critical(Threshold::above(1.0));
    let unknown_label =
        Check::new(by_topic().group_by(["metric.no_such"])).critical(Threshold::above(1.0));
    for (client, check, sentence) in [
        (
            with((emulator.api_key(), "wrong")),
            check(),
            format!(r#"{requested} failed: the service returned 401 Unauthorized: "Invalid credentials"; hint: use a Cloud API key"#),
        ),
        (with(emulator.unprivileged_key()), check(), format!("{requested} failed: the service returned 403 Forbidden: ")),
        (client(&emulator), unfiltered, "failed: the service returned 403 Forbidden: ".into()),
        (
            builder(&emulator).dataset("clowd").build().unwrap(),
            check(),
            format!("{requested} (dataset clowd) failed: the service returned 404 Not Found: "),
        ),
        (
            client(&emulator),
            unknown_label,
            r#"the service returned 400 Bad Request: "group_by: metric 'io.confluent.kafka.server/sent_bytes' has no label 'metric.no_such'""#.into(),
        ),
    ] {
        let text = unknown(&client, &check);
        assert!(text.starts_with("UNKNOWN: ") && text.contains(&sentence), "{text}");
    }
}

#[test]
fn network_faults_are_unknown() {
    let emulator = emulator_with_orders();
    let client = client_without_retries(&emulator);
    for (fault, sentence) in [
        (
            Fault::status(500),
            "the service returned 500 Internal Server Error",
        ),
        (
            Fault::status(429).body(""),
            "the service returned 429 Too Many Requests",
        ),
        (
            Fault::real_response().bad_json(),
            "cannot decode a GROUPED query response",
        ),
        (
            Fault::real_response().html(),
            "expected a GROUPED query response, found an HTML page, ",
        ),
        (
            Fault::real_response().cut_body_after(20),
            "closed before the response was complete",
        ),
        (
            Fault::real_response().redirect(307, "https://elsewhere.example/"),
            "https://elsewhere.example",
        ),
        (Fault::status(204), "the service returned 204 No Content"),
    ] {
        emulator.fault(fault.times(5));
        let text = unknown(&client, &check());
        assert!(
            text.starts_with("UNKNOWN: traffic: ") && text.contains(sentence),
            "{text}"
        );
    }
    assert_eq!(check().run(&client).status(), Status::Ok);
    let unsafe_one = Emulator::builder()
        .certificate(Certificate::UnknownAuthority)
        .start();
    let text = unknown(&client_without_retries(&unsafe_one), &check());
    assert!(
        text.contains("cause: invalid peer certificate: UnknownIssuer; hint: "),
        "{text}"
    );
    let (no_key, error) = (check(), Credentials::api_key("", "").unwrap_err());
    assert_eq!(
        no_key.error_report(&error).exit_code(),
        3,
        "{}",
        no_key.error_report(&error)
    );
}

/// Asserts that every finding has this kind of error, and that JSON names it.
fn assert_error_kind(report: &Report, kind: Option<ErrorKind>) {
    let kinds: Vec<_> = report.findings().iter().map(Finding::error_kind).collect();
    assert_eq!(kinds, [kind], "{report}");
    let json = serde_json::to_value(report).unwrap();
    let finding = &json["checks"][0]["findings"][0];
    match kind {
        Some(kind) => assert_eq!(finding["error"], kind.to_string()),
        None => assert!(finding.get("error").is_none(), "{json}"),
    }
}

#[test]
fn a_finding_has_the_kind_of_the_error_that_it_reports() {
    let emulator = emulator_with_orders();
    let connected = client_without_retries(&emulator);
    let with = |(key, secret)| {
        let credentials = Credentials::api_key(key, secret).unwrap();
        builder_as(&emulator, credentials).build().unwrap()
    };
    let unknown_label =
        Check::new(by_topic().group_by(["metric.no_such"])).critical(Threshold::above(1.0));
    let too_short = Query::new(SENT, Granularity::OneMinute, interval("last/PT10S"));
    for (client, check, kind) in [
        (
            &with((emulator.api_key(), "wrong")),
            check(),
            Some(ErrorKind::Unauthorized),
        ),
        (
            &with(emulator.unprivileged_key()),
            check(),
            Some(ErrorKind::Forbidden),
        ),
        (
            &builder(&emulator).dataset("clowd").build().unwrap(),
            check(),
            Some(ErrorKind::NotFound),
        ),
        (&connected, unknown_label, Some(ErrorKind::Rejected)),
        (
            &connected,
            Check::new(by_topic()),
            Some(ErrorKind::InvalidInput),
        ),
        (
            &connected,
            Check::new(too_short).critical(Threshold::above(1.0)),
            Some(ErrorKind::InvalidInput),
        ),
        // Findings about data.
        (&connected, check(), None),
        (&connected, check().critical(Threshold::above(1.0)), None),
        (
            &connected,
            Check::new(by_topic().filter(Filter::eq("metric.topic", "gone")))
                .critical(Threshold::above(1.0)),
            None,
        ),
    ] {
        assert_error_kind(&check.run(client), kind);
        let mut reports = Check::run_all(&[check], client);
        assert_error_kind(&reports.remove(0), kind);
    }
    for (fault, kind) in [
        (Fault::status(429).body(""), ErrorKind::RateLimited),
        (Fault::status(500), ErrorKind::Server),
        (Fault::real_response().bad_json(), ErrorKind::Decode),
        (
            Fault::real_response().cut_body_after(20),
            ErrorKind::Connection,
        ),
    ] {
        emulator.fault(fault.times(1));
        let report = check().run(&connected);
        assert_error_kind(&report, Some(kind));
        let renamed = report.map_reasons(&|_, text| text.to_uppercase());
        assert_error_kind(&renamed, Some(kind));
    }
    let error = Credentials::api_key("", "").unwrap_err();
    assert_error_kind(&check().error_report(&error), Some(ErrorKind::InvalidInput));
}

#[test]
fn a_judgment_without_the_results_of_all_queries_is_an_invalid_input() {
    let check = check().compare_to(Duration::from_secs(3600), Change::Difference);
    let result = QueryResult::from_json(&by_topic(), br#"{"data":[]}"#).unwrap();
    let now = "2026-01-08T12:03:00Z".parse().unwrap();
    let kind = Some(ErrorKind::InvalidInput);
    assert_error_kind(&check.judge(&result, now), kind);
    assert_error_kind(&check.judge_all(&[result], now), kind);
}

#[test]
fn a_report_shows_no_secret() {
    let (key, secret) = ("KEYKEYKEYKEYKEY1", "s3cr3t+s3cr3t/s3cr3t");
    let emulator = empty_emulator();
    let client = builder_as(&emulator, Credentials::api_key(key, secret).unwrap())
        .build()
        .unwrap();
    emulator.fault(
        Fault::status(403)
            .body(format!("no {key}:{secret}"))
            .times(1),
    );
    let report = check().run(&client);
    for &format in Format::VARIANTS {
        let mut bytes = Vec::new();
        report.write(format, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.replace('\\', "").contains("***")
                && !text.contains(key)
                && !text.contains("s3cr3t"),
            "{text}"
        );
    }
    assert!(!format!("{report:?}").contains("s3cr3t"));
}

#[test]
fn nothing_is_sent_for_a_check_that_could_not_fail() {
    let emulator = emulator_with_orders();
    let client = client(&emulator);
    for check in [
        Check::new(by_topic()),
        check().critical(Threshold::below(f64::NAN)),
        check().expect_at_least(0),
        check().expect_labels("metric.partition", ["0"]),
        check().min_coverage(0.0),
        Check::new(all_topics()).expect_labels("metric.topic", ["orders"]),
        Check::new(all_topics()).expect_at_least(2),
    ] {
        let text = unknown(&client, &check);
        assert!(text.contains("invalid check: "), "{text}");
    }
    assert!(emulator.requests().is_empty());
}

#[test]
fn a_result_cut_by_a_limit_is_unknown_unless_it_is_critical() {
    let emulator = emulator_with_orders();
    put_point(&emulator, "payments", 59, 5.0);
    let limited = |groups| {
        Check::new(by_topic().limit(groups))
            .critical(Threshold::above(20.0))
            .run(&client(&emulator))
    };
    assert_eq!(limited(2).status(), Status::Ok, "it cut nothing");
    let report = limited(1);
    assert_eq!(report.status(), Status::Unknown);
    assert!(
        report
            .summary()
            .contains("cut at the query's limit of 1 groups"),
        "{report}"
    );
    put_point(&emulator, "orders", 59, 50.0);
    assert_eq!(limited(1).status(), Status::Critical);
}

#[test]
fn a_check_uses_one_reading_of_the_clock_and_the_data_latency_of_the_client() {
    // The client resolves relative intervals by the system's clock.
    let emulator = Emulator::builder().demo(false).start();
    let labels = [
        ("resource.kafka.id", "lkc-1"),
        ("metric.topic", "orders"),
        ("metric.partition", "0"),
    ];
    for minute in -30..30 {
        emulator.put(
            SENT,
            &labels,
            emulator.now() + minute * 60,
            if minute < -15 { 1.0 } else { 100.0 },
        );
    }
    let check = |text: &str| {
        let interval: Interval = text.parse().unwrap();
        let query = Query::new(SENT, Granularity::OneMinute, interval)
            .filter(Resource::kafka("lkc-1"))
            .group_by(["metric.topic"]);
        Check::new(query).critical(Threshold::above(20.0))
    };
    let late = builder(&emulator)
        .data_latency(Duration::from_secs(20 * 60))
        .build()
        .unwrap();
    assert_eq!(
        check("PT30M/now").run(&client(&emulator)).status(),
        Status::Critical
    );
    assert_eq!(
        check("PT30M/now").run(&late).status(),
        Status::Ok,
        "what it says later is not settled"
    );
    assert_eq!(
        check("now-10m/now").run(&late).status(),
        Status::Unknown,
        "nothing in it is settled"
    );
    let body = emulator.requests().last().unwrap().text();
    assert!(!body.contains("now"), "{body}");
}

#[test]
fn the_demo_organization_is_evaluated() {
    let emulator = Emulator::start();
    let query = Query::new(
        "io.confluent.kafka.server/partition_count",
        Granularity::OneMinute,
        Interval::last_minutes(30),
    )
    .filter(Resource::kafka("lkc-1"));
    let check = Check::new(query).critical("@36:36".parse().unwrap());
    let report = check.run(&client(&emulator));
    assert_eq!(report.status(), Status::Critical, "{report}");
    assert!(
        report
            .summary()
            .contains("is in the range from 36 to 36 (critical)"),
        "{report}"
    );
}
