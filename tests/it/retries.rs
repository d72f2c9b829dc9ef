//! Retries, their waits, and the final error.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{Client, ClientBuilder, ErrorKind, Granularity, Query, Resource};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    FOREVER, HANG, NOON, SENT, all_topics, builder, by_topic, client_without_retries,
    empty_emulator, interval, put_point, render_all,
};

fn emulator_with_orders() -> Emulator {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    emulator
}

fn client(emulator: &Emulator, set: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    set(builder(emulator)).build().unwrap()
}

#[test]
fn transient_failures_are_retried_with_the_same_request() {
    for fault in [
        Fault::status(408),
        Fault::status(429),
        Fault::status(500),
        Fault::status(502).html(),
        Fault::status(503).body("upstream connect error"),
        Fault::status(599),
        Fault::real_response().close_before_response(),
        Fault::real_response().reset(),
        Fault::real_response().cut_body_after(20),
        Fault::real_response().content_length(100_000),
    ] {
        let emulator = emulator_with_orders();
        emulator.fault(fault.clone());
        let result = client(&emulator, |builder| builder)
            .query(&by_topic())
            .unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        assert_eq!(render_all(&result), ["orders 0=1"], "{fault:?}");
        let requests = emulator.requests();
        assert!(
            requests
                .iter()
                .all(|request| request.body == requests[0].body)
        );
    }
}

#[test]
fn permanent_failures_are_sent_once() {
    for status in [400, 401, 403, 404, 405, 407, 422] {
        let emulator = emulator_with_orders();
        emulator.fault(Fault::status(status).times(9));
        client(&emulator, |builder| builder)
            .query(&by_topic())
            .unwrap_err();
        assert_eq!(emulator.requests().len(), 1, "{status}");
    }
    for fault in [
        Fault::real_response().bad_json(),
        Fault::real_response().bad_gzip(),
        Fault::status(204),
        Fault::real_response().html(),
    ] {
        let emulator = emulator_with_orders();
        emulator.fault(fault.clone().times(9));
        let error = client(&emulator, |builder| builder)
            .query(&by_topic())
            .unwrap_err();
        assert_eq!(
            (error.kind(), emulator.requests().len()),
            (ErrorKind::Decode, 1),
            "{fault:?}"
        );
    }
}

#[test]
fn the_last_error_reports_attempts_and_elapsed_time() {
    let emulator = emulator_with_orders();
    emulator.fault(Fault::status(500).body("first"));
    emulator.fault(Fault::status(503).body("last").times(9));
    let error = client(&emulator, |builder| builder.max_retries(1))
        .query(&by_topic())
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Server, Some(503))
    );
    let text = error.to_string();
    assert!(
        text.contains(
            "the service returned 503 Service Unavailable: \"last\"; after 2 attempts in "
        ),
        "{text}"
    );
    assert_eq!(emulator.requests().len(), 2);
    emulator.clear_requests();
    let error = client_without_retries(&emulator)
        .query(&by_topic())
        .unwrap_err();
    assert!(error.to_string().ends_with("\"last\""), "{error}");
    assert_eq!(emulator.requests().len(), 1);
}

#[test]
fn a_timeout_is_retried_once() {
    let emulator = emulator_with_orders();
    emulator.fault(Fault::real_response().delay_head(FOREVER).times(9));
    let client = client(&emulator, |builder| {
        builder.attempt_timeout(Duration::from_millis(200))
    });
    let error = client.query(&by_topic()).unwrap_err();
    assert!(error.is_timeout());
    assert!(
        error
            .to_string()
            .contains(" within 200ms; after 2 attempts in "),
        "{error}"
    );
}

#[test]
fn retry_after_is_respected() {
    for (name, value, shortest) in [
        ("Retry-After", "1", Duration::from_secs(1)),
        ("retry-after", "nonsense", Duration::ZERO),
        (
            "RETRY-AFTER",
            "Thu, 01 Jan 1970 00:00:00 GMT",
            Duration::ZERO,
        ),
    ] {
        let emulator = emulator_with_orders();
        emulator.fault(Fault::status(503).header(name, value));
        let started = Instant::now();
        client(&emulator, |builder| builder.deadline(HANG))
            .query(&by_topic())
            .unwrap();
        let took = started.elapsed();
        assert!(
            took >= shortest && took < HANG,
            "{name}: {value} took {took:?}"
        );
    }
}

#[test]
fn a_reset_above_an_hour_delays_nothing() {
    for (reset, is_held) in [("3601", false), ("86400", false), ("3600", true)] {
        let emulator = emulator_with_orders();
        let client = client(&emulator, |builder| builder);
        let exhausted = Fault::real_response()
            .header("rateLimit-limit", "300")
            .header("rateLimit-remaining", "0");
        emulator.fault(exhausted.header("rateLimit-reset", reset));
        client.query(&by_topic()).unwrap();
        let next = client.query(&by_topic()).map_err(|error| error.kind());
        assert_eq!(
            next.err(),
            is_held.then_some(ErrorKind::RateLimited),
            "{reset}"
        );
    }
}

#[test]
fn a_second_limit_is_reported_with_its_window() {
    let emulator = emulator_with_orders();
    let client = client(&emulator, |builder| builder);
    let found = Fault::real_response().header("rateLimit-limit", "300, 160;w=3600");
    emulator.fault(
        found
            .header("rateLimit-remaining", "299, 154")
            .header("rateLimit-reset", "41, 2741"),
    );
    client.query(&by_topic()).unwrap();
    let limits: Vec<_> = client
        .rate_limits()
        .iter()
        .map(|limit| (limit.limit(), limit.remaining()))
        .collect();
    assert_eq!(limits, [(300, 299), (160, 154)]);
}

#[test]
fn a_wait_beyond_the_deadline_is_not_started() {
    let emulator = emulator_with_orders();
    emulator.fault(
        Fault::status(429)
            .header("Retry-After", "4000")
            .body("")
            .times(9),
    );
    let started = Instant::now();
    let limited = client(&emulator, |builder| builder.deadline(FOREVER));
    let error = limited.query(&by_topic()).unwrap_err();
    assert!(started.elapsed() < HANG);
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::RateLimited, Some(Duration::from_secs(4000)))
    );
    let text = error.to_string();
    assert!(
        text.ends_with(
            "429 Too Many Requests; retrying after 4000 s would exceed the deadline of 3600s"
        ),
        "{text}"
    );
    // The elapsed time of the call counts too.
    let hint = error.hint().unwrap();
    let seconds: String = hint.chars().filter(char::is_ascii_digit).collect();
    assert!((4001..=4061).contains(&seconds.parse().unwrap()), "{hint}");
    assert_eq!(
        hint.replace(&seconds, "N"),
        "retry later, or set ClientBuilder::deadline above N s to wait"
    );
    assert_eq!(emulator.requests().len(), 1);
    // A backoff is not started either.
    let emulator = emulator_with_orders();
    emulator.fault(Fault::status(500).times(99));
    let impatient_client = client(&emulator, |builder| {
        builder.deadline(Duration::from_secs(2)).max_retries(99)
    });
    let started = Instant::now();
    let error = impatient_client.query(&by_topic()).unwrap_err();
    assert!(
        started.elapsed() < HANG,
        "99 backoffs would take most of an hour"
    );
    // A backoff may end so close to the deadline that the next attempt times out.
    if !error.is_timeout() {
        assert_eq!(error.kind(), ErrorKind::Server);
        assert!(
            error
                .to_string()
                .ends_with("; no time to retry within the deadline of 2s"),
            "{error}"
        );
    }
}

#[test]
fn a_dead_kept_connection_is_replaced_without_a_retry() {
    let emulator = emulator_with_orders();
    let client = client(&emulator, |builder| builder.max_retries(0));
    client.query(&by_topic()).unwrap();
    // The connection is open when the request goes out, and closed in response to it.
    emulator.fault(Fault::real_response().close_before_response());
    assert_eq!(
        render_all(&client.query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
    emulator.fault(Fault::real_response().close_before_response().times(2));
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Connection,
        "a new connection that breaks is a failure of its own"
    );
}

#[test]
fn a_new_connection_that_breaks_is_not_replaced_without_a_retry() {
    let emulator = emulator_with_orders();
    let client = client(&emulator, |builder| builder.max_retries(0));
    emulator.fault(
        Fault::real_response()
            .header("Connection", "close")
            .close_after_response(),
    );
    client.query(&by_topic()).unwrap();
    emulator.clear_requests();
    emulator.fault(Fault::real_response().close_before_response());
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(
        (error.kind(), emulator.requests().len()),
        (ErrorKind::Connection, 1)
    );
}

#[test]
fn a_wait_required_of_one_clone_applies_to_all() {
    let emulator = emulator_with_orders();
    let client = client(&emulator, |builder| {
        builder.max_retries(0).deadline(Duration::from_secs(25))
    });
    emulator.fault(Fault::status(503).header("Retry-After", "60"));
    assert_eq!(
        client.query(&by_topic()).unwrap_err().kind(),
        ErrorKind::Server
    );
    let error = client.clone().query(&by_topic()).unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::RateLimited, None)
    );
    let text = error.to_string();
    assert!(
        text.contains(" failed: the service asked to retry later; ") && text.ends_with(" s remain"),
        "{text}"
    );
    assert!(error.retry_after().unwrap() > Duration::from_secs(25));
    assert_eq!(emulator.requests().len(), 1, "nothing was sent");
}

#[test]
fn redirects_are_followed_on_the_same_origin() {
    for status in [301, 302, 307, 308] {
        let emulator = emulator_with_orders();
        let path = "/v2/metrics/cloud/query?hop=";
        emulator.fault(Fault::real_response().redirect(status, &format!("{path}1")));
        emulator
            .fault(Fault::real_response().redirect(status, &format!("{}{path}2", emulator.url())));
        emulator.fault(Fault::real_response().redirect(status, "?hop=3"));
        emulator.fault(Fault::real_response().redirect(status, "query?hop=4"));
        let result = client_without_retries(&emulator)
            .query(&by_topic())
            .unwrap();
        assert_eq!(render_all(&result), ["orders 0=1"]);
        let requests = emulator.requests();
        let targets: Vec<_> = requests
            .iter()
            .map(|request| request.target.clone())
            .collect();
        let expected: Vec<_> = (1..5).map(|hop| format!("{path}{hop}")).collect();
        assert_eq!(targets[1..], expected);
        for request in &requests {
            assert_eq!(
                (&*request.method, &request.body),
                ("POST", &requests[0].body)
            );
            assert_eq!(
                request.header("authorization"),
                requests[0].header("authorization")
            );
        }
    }
}

#[test]
fn redirects_that_are_not_followed_name_the_origin_and_nothing_is_sent_there() {
    let elsewhere = emulator_with_orders();
    for (status, location, sentence) in [
        (
            307,
            elsewhere.url().to_owned(),
            format!(
                "307 Temporary Redirect: redirect to another origin ({}) not followed",
                elsewhere.url()
            ),
        ),
        (
            301,
            "http://127.0.0.1/".into(),
            "301 Moved Permanently: redirect to another origin (http://127.0.0.1) not followed".into(),
        ),
        (
            308,
            "//evil.example/".into(),
            "308 Permanent Redirect: redirect to another origin (https://evil.example) not followed"
                .into(),
        ),
        (
            302,
            "https:query".into(),
            "302 Found: invalid Location header".into(),
        ),
        (
            307,
            "/v2/<dataset>/query".into(),
            "307 Temporary Redirect: invalid Location header".into(),
        ),
        (
            303,
            "/v2/metrics/cloud/query".into(),
            "303 See Other, not followed".into(),
        ),
        (
            300,
            "/v2/metrics/cloud/query".into(),
            "300 Multiple Choices, not followed".into(),
        ),
    ] {
        let emulator = emulator_with_orders();
        emulator.fault(Fault::real_response().redirect(status, &location));
        let error = client(&emulator, |builder| builder)
            .query(&by_topic())
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Redirect, Some(status))
        );
        assert!(
            error
                .to_string()
                .ends_with(&format!("the service returned {sentence}")),
            "{error}"
        );
        assert_eq!((emulator.requests().len(), elsewhere.connections()), (1, 0));
    }
    let emulator = emulator_with_orders();
    emulator.fault(
        Fault::real_response()
            .redirect(307, "/v2/metrics/cloud/query")
            .times(99),
    );
    let error = client(&emulator, |builder| builder)
        .query(&by_topic())
        .unwrap_err();
    assert_eq!(
        (error.kind(), emulator.requests().len()),
        (ErrorKind::Redirect, 6)
    );
    assert!(
        error
            .to_string()
            .contains("too many redirects (more than 5)"),
        "{error}"
    );
    let emulator = emulator_with_orders();
    emulator.fault(Fault::status(307).body(""));
    let error = client(&emulator, |builder| builder)
        .query(&by_topic())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("307 Temporary Redirect without a Location header"),
        "{error}"
    );
}

/// Returns an emulator that allows `limit` requests in `seconds`.
fn limited(limit: u32, seconds: u64) -> Emulator {
    Emulator::builder()
        .clock(NOON)
        .demo(false)
        .rate_limit(limit)
        .rate_window(Duration::from_secs(seconds))
        .start()
}

fn rejected_requests(emulator: &Emulator) -> usize {
    emulator
        .requests()
        .iter()
        .filter(|request| request.status == 429)
        .count()
}

#[test]
fn windows_under_a_rate_limit_take_the_least_possible_time_without_a_429() {
    let emulator = limited(5, 1);
    let query = Query::new(
        SENT,
        Granularity::OneMinute,
        interval("2026-01-02T00:00:00Z/P4D"),
    )
    .filter(Resource::kafka("lkc-1"));
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator, |builder| builder);
    let started = Instant::now();
    client.query(&query).unwrap();
    assert_eq!(
        (emulator.requests().len(), rejected_requests(&emulator)),
        (16, 0)
    );
    // Sixteen requests at five per second: the last one is allowed after three resets.
    let took = started.elapsed();
    assert!(
        took > Duration::from_millis(2900) && took < HANG,
        "{took:?}"
    );
    let limits = client.rate_limits();
    assert_eq!(limits[0].limit(), 5);
    assert!(limits[0].remaining() < 5 && limits[0].reset() <= Duration::from_secs(1));
}

#[test]
fn threads_that_share_a_client_do_not_stampede_after_a_reset() {
    let emulator = limited(4, 1);
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator, |builder| builder);
    client.query(&by_topic()).unwrap();
    let barrier = Barrier::new(12);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let client = client.clone();
                barrier.wait();
                assert_eq!(
                    render_all(&client.query(&by_topic()).unwrap()),
                    ["orders 0=1"]
                );
            });
        }
    });
    assert_eq!(
        (emulator.requests().len(), rejected_requests(&emulator)),
        (13, 0)
    );
}

#[test]
fn a_limit_exhausted_beyond_the_deadline_fails_at_once_and_sends_nothing() {
    let emulator = limited(1, 300);
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator, |builder| builder.deadline(2 * HANG));
    client.query(&by_topic()).unwrap();
    let started = Instant::now();
    let error = client.clone().query(&all_topics()).unwrap_err();
    assert!(started.elapsed() < HANG);
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::RateLimited, None)
    );
    assert!(error.retry_after().unwrap() > 2 * HANG);
    assert!(
        error
            .to_string()
            .contains("rate limit of 1 requests exhausted; resets in "),
        "{error}"
    );
    assert_eq!(emulator.requests().len(), 1);
}

#[test]
fn a_gateway_error_without_rate_limit_headers_causes_no_stampede() {
    let emulator = limited(4, 2);
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator, |builder| builder);
    for _ in 0..4 {
        client.query(&by_topic()).unwrap();
    }
    // The first response after the reset is from a gateway, without rate limit headers.
    emulator.fault(Fault::status(503).header("rateLimit-x", "none"));
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| client.query(&by_topic()).unwrap());
        }
    });
    assert_eq!(emulator.rate_limited(), 0);
}

#[test]
fn an_error_is_reported_if_a_rate_limit_prevents_the_retry() {
    let emulator = limited(3, 300);
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator, |builder| builder.deadline(2 * HANG));
    client.query(&by_topic()).unwrap();
    // The kept connection breaks, and then its replacement. After that, the limit counts as
    // exhausted.
    emulator.fault(Fault::real_response().reset().times(9));
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let text = error.to_string();
    assert!(
        text.contains("; not retried: rate limit of 3 requests exhausted"),
        "{text}"
    );
    assert!(error.retry_after().unwrap() > 2 * HANG);
    assert_eq!(emulator.rate_limited(), 0);
}

#[test]
fn a_replaced_connection_respects_the_rate_limit() {
    let emulator = limited(2, 1);
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator, |builder| builder);
    client.query(&by_topic()).unwrap();
    emulator.fault(Fault::real_response().close_before_response());
    client.query(&by_topic()).unwrap();
    assert_eq!(emulator.rate_limited(), 0);
}

#[test]
fn a_wait_for_the_rate_limit_does_not_count_as_attempt_time() {
    let slow = Fault::real_response().delay_head(Duration::from_millis(200));
    let survived = |first: Fault| {
        let emulator = limited(2, 5);
        put_point(&emulator, "orders", 0, 1.0);
        let client = client(&emulator, |builder| {
            builder
                .max_retries(0)
                .attempt_timeout(Duration::from_secs(3))
        });
        client.query(&by_topic()).unwrap();
        // This exhausts the limit. The next request waits for the reset, longer than the attempt
        // timeout.
        emulator.fault(first.clone());
        emulator.fault(slow.clone());
        let result = client
            .query(&by_topic())
            .unwrap_or_else(|error| panic!("{first:?}: {error:?}"));
        assert_eq!(
            (render_all(&result), emulator.rate_limited()),
            (vec!["orders 0=1".to_owned()], 0)
        );
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            survived(Fault::real_response().redirect(307, "/v2/metrics/cloud/query?hop=1"));
        });
        scope.spawn(|| survived(Fault::real_response().reset()));
    });
}

#[test]
fn a_long_wait_required_by_a_failing_service_is_reported() {
    for (status, wait) in [(503, "90000"), (429, "86401")] {
        let emulator = emulator_with_orders();
        emulator.fault(Fault::status(status).header("Retry-After", wait).times(9));
        let error = client(&emulator, |builder| builder)
            .query(&by_topic())
            .unwrap_err();
        let wait = Duration::from_secs(wait.parse().unwrap());
        assert_eq!(
            (error.kind(), error.status(), error.retry_after()),
            (ErrorKind::RateLimited, Some(status), Some(wait))
        );
        assert_eq!(emulator.requests().len(), 1);
    }
}
