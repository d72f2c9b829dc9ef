//! Network faults: every call ends in time, with the right result or a fitting error.

use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{Client, ErrorKind};
use confluent_metrics_emulator::{Certificate, Emulator, Fault, RateHeaders};

use crate::support::{
    FOREVER, HANG, NOON, OPERATIONS, Operation, builder, by_topic, empty_emulator, put_point,
    render_all,
};

/// Ends an attempt that a fault stalls. Long enough for a good response on a busy machine.
const ATTEMPT: Duration = Duration::from_secs(2);

fn emulator_with_orders() -> Emulator {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    emulator
}

fn impatient_client(emulator: &Emulator, retries: u32) -> Client {
    within(emulator, ATTEMPT, retries)
}

fn within(emulator: &Emulator, attempt: Duration, retries: u32) -> Client {
    builder(emulator)
        .attempt_timeout(attempt)
        .connect_timeout(attempt)
        .max_response_bytes(1 << 20)
        .max_retries(retries)
        .build()
        .unwrap()
}

/// Each fault by name, the error of a single attempt, and if it is retried.
fn faults() -> Vec<(&'static str, Fault, ErrorKind, bool)> {
    use ErrorKind::{Connection, Decode, RateLimited, Server, Timeout, Tls, TooLarge};
    let response = Fault::real_response;
    // A short body is a cut gzip stream if compressed, and invalid JSON if not.
    let gzip = cfg!(feature = "gzip");
    vec![
        ("408", Fault::status(408), Timeout, true),
        ("429, empty", Fault::status(429).body(""), RateLimited, true),
        ("500", Fault::status(500), Server, true),
        ("502, HTML", Fault::status(502).html(), Server, true),
        (
            "503, text",
            Fault::status(503).body("upstream connect error"),
            Server,
            true,
        ),
        (
            "closed in good order, cut",
            response().cut_body_after(20).with_close_notify(),
            Connection,
            true,
        ),
        (
            "closed before the handshake",
            Fault::close_connection(),
            Connection,
            true,
        ),
        (
            "reset before the handshake",
            Fault::reset_connection(),
            Connection,
            true,
        ),
        ("stalled handshake", Fault::stall_handshake(), Timeout, true),
        ("not TLS", Fault::not_tls(), Tls, false),
        ("not HTTP", Fault::not_http(), Connection, false),
        (
            "closed before the answer",
            response().close_before_response(),
            Connection,
            true,
        ),
        (
            "reset before the answer",
            response().reset(),
            Connection,
            true,
        ),
        ("stalled before the head", response().stall(), Timeout, true),
        (
            "stalled in the head",
            response().stall_head(),
            Timeout,
            true,
        ),
        (
            "stalled in the body",
            response().stall_body(),
            Timeout,
            true,
        ),
        (
            "dripping body",
            response().trickle_body(Duration::from_millis(200)),
            Timeout,
            true,
        ),
        (
            "body cut short",
            response().cut_body_after(20),
            Connection,
            true,
        ),
        (
            "length too long",
            response().content_length(100_000),
            Connection,
            true,
        ),
        (
            "length too short",
            response().content_length(20),
            if gzip { Connection } else { Decode },
            gzip,
        ),
        (
            "broken chunk",
            response().broken_chunks(),
            Connection,
            false,
        ),
        (
            "last chunk missing",
            response().unfinished_chunks(),
            Connection,
            true,
        ),
        ("broken gzip", response().bad_gzip(), Decode, false),
        (
            "gzip bomb",
            response().oversized_gzip(50 << 20),
            if gzip { TooLarge } else { Decode },
            false,
        ),
        (
            "oversized body",
            response().oversized(2 << 20),
            TooLarge,
            false,
        ),
        ("broken JSON", response().bad_json(), Decode, false),
        ("HTML", response().html(), Decode, false),
    ]
}

#[test]
fn every_fault_ends_in_time_with_the_right_error_kind() {
    side_by_side(|name, fault, kind, _| {
        let emulator = emulator_with_orders();
        emulator.fault(fault.times(9));
        // Faults that end by themselves get no timeout.
        let attempt = if kind == ErrorKind::Timeout {
            ATTEMPT
        } else {
            FOREVER
        };
        let started = Instant::now();
        let error = within(&emulator, attempt, 0)
            .query(&by_topic())
            .unwrap_err();
        let took = started.elapsed();
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
        assert!(took < HANG, "{name} took {took:?}");
    });
}

/// Runs a test for every fault, each in its own thread, because most of them wait.
fn side_by_side(test: impl Fn(&str, Fault, ErrorKind, bool) + Sync) {
    thread::scope(|scope| {
        for (name, fault, kind, passes) in faults() {
            let test = &test;
            scope.spawn(move || test(name, fault, kind, passes));
        }
    });
}

#[test]
fn transient_faults_are_survived_by_a_retry() {
    side_by_side(|name, fault, kind, passes| {
        let emulator = emulator_with_orders();
        emulator.fault(fault.times(1));
        let attempt = if kind == ErrorKind::Timeout {
            ATTEMPT
        } else {
            FOREVER
        };
        let result = within(&emulator, attempt, 4).query(&by_topic());
        match result {
            Ok(result) => {
                assert_eq!(
                    (passes, render_all(&result)),
                    (true, vec!["orders 0=1".to_owned()]),
                    "{name}"
                );
            }
            Err(error) => assert!(!passes, "{name}: {error:?}"),
        }
    });
}

#[test]
fn every_operation_repeats_a_request_that_failed_for_a_passing_reason() {
    thread::scope(|scope| {
        for operation in OPERATIONS {
            scope.spawn(move || survives_transient_faults(&operation));
        }
    });
}

fn survives_transient_faults(operation: &Operation) {
    let method = operation.method;
    let emulator = empty_emulator();
    let client = builder(&emulator).build().unwrap();
    for fault in [
        Fault::status(503),
        Fault::real_response().close_before_response(),
        Fault::real_response().cut_body_after(5),
    ] {
        emulator.clear_requests();
        emulator.fault(fault.clone());
        (operation.call)(&client).unwrap_or_else(|error| panic!("{method} {fault:?}: {error:?}"));
        assert_eq!(emulator.requests().len(), 2, "{method} {fault:?}");
    }
}

#[test]
fn a_faulty_response_does_not_affect_the_next() {
    let emulator = emulator_with_orders();
    // Faults may end in a timeout here. The calls after them are tested.
    let client = within(&emulator, Duration::from_millis(400), 0);
    for (name, fault, ..) in faults() {
        emulator.fault(fault.times(1));
        // The fault applies to this call, or to a later one if it needs a new connection.
        let _ = client.query(&by_topic());
        for _ in 0..3 {
            if let Ok(result) = client.query(&by_topic()) {
                assert_eq!(render_all(&result), ["orders 0=1"], "after {name}");
            }
        }
    }
}

#[test]
fn invalid_certificates_are_refused_and_not_retried() {
    for (certificate, cause) in [
        (
            Certificate::WrongHost,
            "certificate not valid for name \"127.0.0.1\"",
        ),
        (Certificate::Expired, "expired"),
        (Certificate::NotYetValid, "not valid yet"),
        (Certificate::SelfSigned, ""),
        (Certificate::UnknownAuthority, "UnknownIssuer"),
    ] {
        let emulator = Emulator::builder()
            .clock(NOON)
            .demo(false)
            .certificate(certificate)
            .start();
        let error = impatient_client(&emulator, 4)
            .query(&by_topic())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{certificate:?}: {error:?}");
        let source = std::error::Error::source(&error).unwrap().to_string();
        println!("{certificate:?}: {source}");
        assert!(
            source.starts_with("invalid peer certificate: ") && source.contains(cause),
            "{certificate:?}: {source}"
        );
        assert_eq!(
            (emulator.requests().len(), emulator.connections()),
            (0, 1),
            "{certificate:?}"
        );
    }
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .tls12_only(true)
        .start();
    put_point(&emulator, "orders", 0, 1.0);
    assert_eq!(
        render_all(&impatient_client(&emulator, 0).query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
}

#[test]
fn rate_limits_are_read_in_either_form_and_by_scope() {
    for headers in [RateHeaders::Repeated, RateHeaders::Joined] {
        let window = Duration::from_secs(120);
        let emulator = Emulator::builder()
            .clock(NOON)
            .demo(false)
            .rate_limit(60)
            .operation_limit("query", 2)
            .rate_window(window)
            .rate_headers(headers)
            .start();
        put_point(&emulator, "orders", 0, 1.0);
        let client = builder(&emulator).deadline(window / 2).build().unwrap();
        client.query(&by_topic()).unwrap();
        client.query(&by_topic()).unwrap();
        let limits: Vec<_> = client
            .rate_limits()
            .iter()
            .map(|limit| (limit.limit(), limit.remaining()))
            .collect();
        assert_eq!(limits, [(60, 58), (2, 0)], "{headers:?}");
        assert!(
            client
                .rate_limits()
                .iter()
                .all(|limit| limit.reset() <= window && !limit.reset().is_zero())
        );
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(
            (error.kind(), emulator.requests().len()),
            (ErrorKind::RateLimited, 2)
        );
        assert!(
            error
                .to_string()
                .contains("rate limit of 2 requests exhausted"),
            "{error}"
        );
    }
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .rate_limit(9)
        .rate_headers(RateHeaders::None)
        .start();
    let client = builder(&emulator).build().unwrap();
    client.query(&by_topic()).unwrap();
    assert!(client.rate_limits().is_empty());
}

#[test]
fn invalid_rate_limit_headers_delay_nothing() {
    let emulator = emulator_with_orders();
    // A limit that was applied would delay the call beyond this.
    let client = builder(&emulator).deadline(HANG).build().unwrap();
    for value in [
        "soon",
        "-1",
        "",
        "1e3",
        "99999999999999999999999",
        "1767873600",
        "0, x",
        "\u{fc}",
    ] {
        emulator.fault(
            Fault::real_response()
                .header("RATELIMIT-limit", "1")
                .header("rateLimit-Remaining", "0")
                .header("ratelimit-RESET", value),
        );
        client.query(&by_topic()).unwrap();
        client
            .query(&by_topic())
            .unwrap_or_else(|error| panic!("{value}: {error:?}"));
    }
}
