//! Waits until a check is OK, and checks of several queries, over TLS against the emulator.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::check::{
    Change, Check, Format, Missing, Reduce, Report, Status, Threshold, Wait,
};
use confluent_metrics::{
    CancelToken, Credentials, ErrorKind, Granularity, Interval, Query, Resource, Timestamp,
};
use confluent_metrics_emulator::{Emulator, Fault, Request};

use crate::support::{
    FOREVER, HANG, RETAINED, SENT, builder, builder_as, client, client_without_retries, interval,
};

/// A wait that judges again at once.
const SOON: Duration = Duration::from_millis(20);

/// An emulator with this machine's clock, and nothing but what a test puts in.
fn emulator_of_now() -> Emulator {
    Emulator::builder().demo(false).start()
}

/// Puts a point into every minute from `from` to `to` minutes after now.
fn put(emulator: &Emulator, metric: &str, from: i64, to: i64, value: f64) {
    let labels = [
        ("resource.kafka.id", "lkc-1"),
        ("metric.topic", "orders"),
        ("metric.partition", "0"),
    ];
    for minute in from..to {
        emulator.put(metric, &labels, emulator.now() + minute * 60, value);
    }
}

fn recent(metric: &str) -> Query {
    Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"])
}

fn check() -> Check {
    Check::new(recent(SENT))
        .named("traffic")
        .critical(Threshold::above(20.0))
}

fn written(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    report.write(format, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The line about the attempts, without the time that was waited.
fn attempts(report: &Report) -> String {
    let summary = report.summary();
    let (_, line) = summary.split_once("; waited ").unwrap();
    line.split_once(", ").unwrap().1.to_owned()
}

fn requests(emulator: &Emulator) -> usize {
    emulator.requests().len()
}

#[test]
fn a_check_that_is_ok_is_judged_once() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 5.0);
    let report = check().wait(&client(&emulator), &Wait::up_to(HANG));
    assert_eq!(report.status(), Status::Ok, "{report}");
    assert_eq!(attempts(&report), "1 attempt: OK");
    assert_eq!(requests(&emulator), 1);
}

#[test]
fn errors_are_unknown_and_the_wait_goes_on() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 5.0);
    emulator.fault(Fault::status(500).times(2));
    emulator.fault(Fault::status(403).times(1));
    emulator.fault(Fault::real_response().bad_json().times(1));
    let wait = Wait::up_to(FOREVER).every(SOON);
    let report = check().wait(&client_without_retries(&emulator), &wait);
    assert_eq!(report.status(), Status::Ok, "{report}");
    assert_eq!(attempts(&report), "5 attempts: UNKNOWN 4 times, OK");
    // Every format says how it went.
    for &format in Format::VARIANTS {
        let text = written(&report, format);
        let words = if format == Format::Json {
            "\"runs\""
        } else {
            "5 attempts: UNKNOWN 4 times, OK"
        };
        assert!(text.contains(words), "{format}: {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&written(&report, Format::Json)).unwrap();
    let wait = &json["checks"][0]["wait"];
    assert_eq!(wait["attempts"], 5);
    assert_eq!(wait["runs"][0]["status"], "UNKNOWN");
    assert_eq!(wait["runs"][0]["count"], 4);
    assert!(wait["seconds"].as_f64().unwrap() > 0.0);
    for time in ["first", "last"] {
        let time = wait["runs"][1][time].as_str().unwrap();
        assert!(time.parse::<Timestamp>().is_ok(), "{time}");
    }
}

#[test]
fn the_report_is_that_of_the_last_judgment_if_the_time_is_up() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 50.0);
    // There is time for one judgment, and none is left for another.
    let wait = Wait::up_to(HANG).every(HANG);
    let started = Instant::now();
    let report = check().wait(&client(&emulator), &wait);
    assert!(started.elapsed() < HANG);
    assert_eq!(report.status(), Status::Critical, "{report}");
    assert_eq!(attempts(&report), "1 attempt: CRITICAL");
    let text = written(&report, Format::GitHub);
    assert!(text.contains("is above 20 (critical); waited "), "{text}");
}

#[test]
fn ok_too_few_times_in_a_row_is_no_success() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 5.0);
    // There are two new buckets in this time at most.
    let wait = Wait::up_to(Duration::from_secs(1))
        .every(Duration::from_millis(200))
        .consecutive(4);
    for missing in [Missing::Unknown, Missing::Ok] {
        let report = check().on_missing(missing).wait(&client(&emulator), &wait);
        assert_eq!(report.status(), Status::Unknown, "{report}");
        let reason = report.findings()[0].reason();
        let is_late = reason.contains("deadline of ");
        assert!(
            is_late
                || (reason.starts_with("OK ")
                    && reason.ends_with(" of 4 times in a row, and the time is up after 1 s")),
            "{reason}"
        );
    }
}

#[test]
fn every_judgment_is_passed_to_the_closure_of_a_wait() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 5.0);
    emulator.fault(Fault::status(500).times(1));
    emulator.fault(Fault::status(403).times(1));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let waiter = thread::current().id();
    let wait = Wait::up_to(FOREVER).every(SOON).on_judgment(move |report| {
        assert_eq!(thread::current().id(), waiter);
        let finding = &report.findings()[0];
        let seen = (report.status(), finding.error_kind());
        assert_eq!(finding.check(), "traffic");
        sink.lock().unwrap().push(seen);
    });
    // Clones share the closure.
    let report = check().wait(&client_without_retries(&emulator), &wait.clone());
    assert_eq!(attempts(&report), "3 attempts: UNKNOWN 2 times, OK");
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (Status::Unknown, Some(ErrorKind::Server)),
            (Status::Unknown, Some(ErrorKind::Forbidden)),
            (Status::Ok, None),
        ]
    );
    assert!(format!("{wait:?}").contains("on_judgment: Some(Fn)"));
    // An invalid wait has no judgment.
    let _ = check().wait(&client(&emulator), &wait.consecutive(0));
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[test]
fn some_errors_end_a_wait_at_once() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 5.0);
    let wait = Wait::up_to(FOREVER).every(SOON);
    let wrong = Credentials::api_key(emulator.api_key(), "wrong").unwrap();
    let wrong = builder_as(&emulator, wrong).build().unwrap();
    let skewed = Emulator::builder().clock(1_767_873_600).start();
    let above_one = |query| Check::new(query).critical(Threshold::above(1.0));
    for (client, check, kind, words) in [
        (wrong, check(), ErrorKind::Unauthorized, "401 Unauthorized"),
        (client(&skewed), check(), ErrorKind::ClockSkew, "clock"),
        (
            client(&emulator),
            above_one(recent("")),
            ErrorKind::InvalidInput,
            "metric name is empty",
        ),
        (
            client(&emulator),
            above_one(recent("io.confluent.kafka.server/sent_byte")),
            ErrorKind::Rejected,
            "400 Bad Request",
        ),
        (
            client(&emulator),
            above_one(recent(SENT).group_by(["metric.topics"])),
            ErrorKind::Rejected,
            "400 Bad Request",
        ),
        (
            builder(&emulator).dataset("clowd").build().unwrap(),
            check(),
            ErrorKind::NotFound,
            "404 Not Found",
        ),
    ] {
        let report = check.wait(&client, &wait);
        assert_eq!(report.status(), Status::Unknown, "{report}");
        assert!(report.summary().contains(words), "{report}");
        assert_eq!(report.findings()[0].error_kind(), Some(kind), "{report}");
        assert_eq!(attempts(&report), "1 attempt: UNKNOWN", "{report}");
    }
}

#[test]
fn an_invalid_check_or_wait_sends_nothing() {
    let emulator = emulator_of_now();
    let client = client(&emulator);
    let hour = Wait::up_to(FOREVER).initial_delay(HANG * 10);
    let started = Instant::now();
    let report = Check::new(recent(SENT)).wait(&client, &hour);
    assert!(report.summary().contains("invalid check: "), "{report}");
    for (wait, words) in [
        (
            hour.clone().consecutive(0),
            "consecutive(0) is always reached",
        ),
        (hour.clone().every(Duration::ZERO), "every(0 s)"),
        (Wait::up_to(HANG).consecutive(3), "no time for 3 judgments"),
        (
            hour.clone().initial_delay(FOREVER),
            "no time for a judgment",
        ),
    ] {
        let report = check().wait(&client, &wait);
        assert_eq!(report.status(), Status::Unknown);
        let summary = report.summary();
        assert!(
            summary.contains("invalid wait: ") && summary.contains(words),
            "{summary}"
        );
    }
    let fixed = Check::new(Query::new(
        SENT,
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    ))
    .critical(Threshold::above(1.0));
    let report = fixed.wait(&client, &Wait::up_to(FOREVER).consecutive(2));
    assert!(
        report
            .summary()
            .contains("consecutive needs an interval that is relative to now"),
        "{report}"
    );
    let late = Wait::up_to(FOREVER).since("2026-01-08T12:00:00Z".parse().unwrap());
    let report = fixed.wait(&client, &late);
    assert!(
        report
            .summary()
            .contains("invalid wait: no interval has a bucket since 2026-01-08T12:00:00Z"),
        "{report}"
    );
    assert_eq!(
        report.findings()[0].error_kind(),
        Some(ErrorKind::InvalidInput)
    );
    assert!(started.elapsed() < HANG && requests(&emulator) == 0);
}

#[test]
fn a_token_ends_every_phase_of_a_wait() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 50.0);
    let canceled = |wait: Wait, fault: Option<Fault>, after: Duration| {
        emulator.clear_faults();
        if let Some(fault) = fault {
            emulator.fault(fault);
        }
        let token = CancelToken::new();
        let client = client(&emulator).with_cancel(&token);
        let started = Instant::now();
        let report = thread::scope(|scope| {
            let waiting = scope.spawn(|| check().wait(&client, &wait));
            thread::sleep(after);
            token.cancel();
            waiting.join().unwrap()
        });
        assert!(started.elapsed() < HANG);
        report
    };
    let hour = Wait::up_to(FOREVER);
    let soon = Duration::from_millis(300);
    let report = canceled(hour.clone().initial_delay(FOREVER / 2), None, soon);
    assert_eq!(report.status(), Status::Unknown);
    assert!(
        report.summary().contains("canceled by the caller; waited "),
        "{report}"
    );
    assert_eq!(attempts(&report), "0 attempts");
    let canceled_kind = Some(ErrorKind::Cancelled);
    assert_eq!(report.findings()[0].error_kind(), canceled_kind);

    // The last judgment stays, and the report says why there is no other.
    let mut after = soon;
    let report = loop {
        let report = canceled(hour.clone().every(FOREVER / 2), None, after);
        // A busy machine may take longer for the judgment.
        if report.status() == Status::Critical || after > HANG / 4 {
            break report;
        }
        after *= 2;
    };
    assert_eq!(report.status(), Status::Critical, "{report}");
    assert_eq!(attempts(&report), "1 attempt: CRITICAL");
    let about_wait = report.findings().iter().find(|finding| {
        finding.reason() == "canceled by the caller" && finding.error_kind() == canceled_kind
    });
    assert!(about_wait.is_some(), "{report}");

    let stalled = Fault::real_response().delay_head(FOREVER);
    let report = canceled(hour, Some(stalled), soon);
    assert_eq!(report.status(), Status::Unknown, "{report}");
    assert!(
        report.summary().contains("canceled by the caller"),
        "{report}"
    );
    assert_eq!(attempts(&report), "1 attempt: UNKNOWN");
}

#[test]
fn the_deadline_bounds_each_judgment_and_up_to_the_whole() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -20, 20, 5.0);
    emulator.fault(Fault::real_response().delay_head(FOREVER).times(1));
    let impatient = client(&emulator).with_deadline(Duration::from_millis(300));
    // The later judgments have the seconds that a busy machine may need.
    let report = loop {
        let report = check().wait(&impatient, &Wait::up_to(HANG).every(SOON));
        if report.status() == Status::Ok {
            break report;
        }
    };
    assert!(attempts(&report).ends_with("OK"), "{report}");
    assert_ne!(attempts(&report), "1 attempt: OK");

    emulator.fault(Fault::real_response().delay_head(FOREVER));
    let started = Instant::now();
    let report = check().wait(&client(&emulator), &Wait::up_to(Duration::from_millis(400)));
    assert!(started.elapsed() < HANG, "the deadline is five minutes");
    assert_eq!(report.status(), Status::Unknown, "{report}");
    assert_eq!(attempts(&report), "1 attempt: UNKNOWN");
}

#[test]
fn data_from_before_a_time_cannot_pass() {
    let emulator = emulator_of_now();
    let client = client(&emulator);
    put(&emulator, SENT, -30, -5, 5.0);
    put(&emulator, SENT, -5, 20, 50.0);
    let ago = |minutes: i64| Timestamp::from_second(emulator.now() - minutes * 60).unwrap();
    // There is time for one judgment alone.
    let once = Wait::up_to(HANG).every(HANG);
    let at_least = Check::new(recent(SENT))
        .named("traffic")
        .critical(Threshold::above(20.0))
        .reduce(Reduce::Min);
    let report = at_least.wait(&client, &once);
    assert_eq!(report.status(), Status::Ok, "the minimum is old: {report}");
    let report = at_least.wait(&client, &once.clone().since(ago(5)));
    assert_eq!(report.status(), Status::Critical, "{report}");
    assert!(report.summary().contains("the minimum, 50 at "), "{report}");
    let clear = requests(&emulator);
    // The first bucket is complete in three minutes at least, and the next judgment in four.
    let twice = Wait::up_to(HANG * 10).every(HANG * 4).since(ago(1));
    for missing in [Missing::Unknown, Missing::Ok] {
        let token = CancelToken::new();
        let canceling = token.clone();
        let wait = twice.clone().on_judgment(move |_| canceling.cancel());
        let report = at_least
            .clone()
            .on_missing(missing)
            .wait(&client.with_cancel(&token), &wait);
        assert_eq!(report.status(), Status::Unknown, "{report}");
        let summary = report.summary();
        let (_, rest) = summary
            .split_once("UNKNOWN: traffic: no complete bucket since ")
            .unwrap();
        let (since, rest) = rest
            .split_once(" yet: the first one is complete at ")
            .unwrap();
        let since: Timestamp = since.parse().unwrap();
        let complete: Timestamp = rest.split(';').next().unwrap().parse().unwrap();
        let start = Granularity::OneMinute.ceil(since);
        assert_eq!(complete, start + Duration::from_secs(240));
    }
    assert_eq!(requests(&emulator), clear, "there is nothing to ask for");
}

#[test]
fn the_baseline_and_the_divisor_are_cut_as_well() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -100, 20, 6.0);
    put(&emulator, RETAINED, -100, 20, 3.0);
    let since = Timestamp::from_second(emulator.now() - 8 * 60).unwrap();
    let check = Check::new(recent(SENT))
        .critical(Threshold::outside(1.0, 1.0))
        .divide_by(recent(RETAINED))
        .compare_to(Duration::from_secs(3600), Change::Ratio);
    let wait = Wait::up_to(HANG).since(since);
    let report = check.wait(&client(&emulator), &wait);
    assert_eq!(report.status(), Status::Ok, "{report}");
    let json: serde_json::Value = serde_json::from_str(&written(&report, Format::Json)).unwrap();
    let time = |value: &serde_json::Value| -> i64 {
        let time: Timestamp = value.as_str().unwrap().parse().unwrap();
        time.as_second()
    };
    let check = &json["checks"][0];
    let start = time(&check["start"]);
    assert!(start >= since.as_second() && start < since.as_second() + 60);
    assert_eq!(time(&check["compare_to"]["start"]), start - 3600);
    assert_eq!(requests(&emulator), 4);
}

#[test]
fn a_check_fetches_all_of_its_queries_in_one_call() {
    let emulator = emulator_of_now();
    put(&emulator, SENT, -100, 20, 6.0);
    put(&emulator, RETAINED, -20, 20, 3.0);
    put(&emulator, RETAINED, -100, -20, 1.0);
    let check = Check::new(recent(SENT))
        .named("ratio")
        .critical(Threshold::below(-49.0))
        .divide_by(recent(RETAINED))
        .compare_to(Duration::from_secs(3600), Change::Percent);
    let report = check.run(&client(&emulator));
    assert_eq!(report.status(), Status::Critical, "{report}");
    assert!(
        report.summary().contains(
            "the change of the ratio of the last values, -66.66666666666667 % (from 6 to 2 at "
        ),
        "{report}"
    );
    assert_eq!(requests(&emulator), 4);
    let requests = emulator.requests();
    let bodies: Vec<_> = requests.iter().map(Request::text).collect();
    assert!(
        bodies.iter().all(|body| !body.contains("now")),
        "{bodies:?}"
    );
    // Every query can fail, and the report names its role.
    for (index, role) in ["", "divisor: ", "baseline: ", "divisor of the baseline: "]
        .into_iter()
        .enumerate()
    {
        emulator.clear_faults();
        let client = builder(&emulator)
            .max_retries(0)
            .concurrency(1)
            .build()
            .unwrap();
        emulator.fault(Fault::status(500).skip(index).times(1));
        for missing in [Missing::Unknown, Missing::Ok] {
            if missing == Missing::Ok {
                emulator.clear_faults();
                emulator.fault(Fault::status(500).skip(index).times(1));
            }
            let report = check.clone().on_missing(missing).run(&client);
            assert_eq!(report.status(), Status::Unknown, "{report}");
            assert!(
                report
                    .summary()
                    .starts_with(&format!("UNKNOWN: ratio: {role}query of ")),
                "{report}"
            );
        }
    }
}

#[test]
fn a_baseline_older_than_the_retention_is_refused_with_the_longest_shift() {
    let emulator = emulator_of_now();
    let week = Duration::from_secs(7 * 86_400);
    let client = builder(&emulator).retention(week).build().unwrap();
    let day = Duration::from_secs(86_400);
    let compared = |query: &Query, shift: Duration| {
        Check::new(query.clone())
            .named("c")
            .critical(Threshold::above(1.0))
            .compare_to(shift, Change::Difference)
    };
    let hours = |interval| {
        Query::new(SENT, Granularity::OneHour, interval).filter(Resource::kafka("lkc-1"))
    };
    let minutes = |interval| {
        Query::new(SENT, Granularity::OneMinute, interval).filter(Resource::kafka("lkc-1"))
    };
    // Six hours, one bucket and three minutes of data latency are left of seven days.
    for (query, width, longest, words) in [
        (hours(Interval::last_hours(6)), 3600, 160 * 3600, "6 d 16 h"),
        (
            minutes(Interval::last_minutes(10)),
            60,
            7 * 86_400 - 14 * 60,
            "6 d 23 h 46 min",
        ),
        (
            hours(Interval::last_hours(6)).allow_truncated(),
            3600,
            160 * 3600,
            "6 d 16 h",
        ),
    ] {
        for missing in [Missing::Unknown, Missing::Ok] {
            let report = compared(&query, 7 * day).on_missing(missing).run(&client);
            assert_eq!(
                report.summary(),
                format!(
                    "UNKNOWN: c: cannot compare with the window 7 d earlier: the service keeps \
                     points for 7 d, and the longest shift that works is {words}"
                )
            );
        }
        let longest = Duration::from_secs(longest);
        let report = compared(&query, longest + Duration::from_secs(width)).run(&client);
        assert!(report.summary().contains("cannot compare"), "{report}");
        assert_eq!(requests(&emulator), 0, "nothing is sent");
        let report = compared(&query, longest).run(&client);
        assert!(report.summary().contains("no series returned"), "{report}");
        emulator.clear_requests();
    }
    let days = Query::new(SENT, Granularity::OneDay, Interval::retained());
    let report = compared(&days.filter(Resource::kafka("lkc-1")), 2 * day).run(&client);
    let summary = report.summary();
    let words = summary.strip_prefix(
        "UNKNOWN: c: cannot compare with the window 2 d earlier: the service keeps points for \
         7 d, and ",
    );
    // In the last minutes of a day, the first bucket that is kept is a day younger.
    let at_any_time = [
        Some("no shift works for this window"),
        Some("the longest shift that works is 1 d"),
    ];
    assert!(at_any_time.contains(&words), "{summary}");
    let old = minutes(Interval::within(
        Timestamp::from_second(emulator.now() - 7 * 86_400 + 90).unwrap(),
        Timestamp::from_second(emulator.now() - 6 * 86_400).unwrap(),
    ));
    let report = compared(&old, Duration::from_secs(600)).run(&client);
    assert!(
        report
            .summary()
            .contains("cannot compare with the window 10 min earlier"),
        "{report}"
    );
}
