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
        // Between the size of a response and that of the large samples.
        .max_response_bytes(50_000)
        .max_retries(retries)
        .build()
        .unwrap()
}

/// What a client makes of a fault.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// The result is right, however often the fault happens.
    Right,
    /// The fault changes the data, and the result has the changes.
    Changed,
    /// Every attempt fails.
    Fails(ErrorKind),
    /// Every attempt fails, and a retry without the fault succeeds.
    FailsOnce(ErrorKind),
    /// Chance decides: the kernel may drop data when a connection is reset.
    MayFailOnce(ErrorKind),
}

/// Returns the outcome of a sample of [`Fault::all_samples`].
///
/// A new fault has no row here, so that the tests fail until it has one.
fn outcome(name: &str) -> Outcome {
    use ErrorKind::{Connection, Decode, RateLimited, Redirect, Server, Timeout, Tls, TooLarge};
    use Outcome::{Changed, Fails, FailsOnce, MayFailOnce, Right};
    match name {
        "chunked"
        | "unframed"
        | "close_after_response"
        | "delay_head"
        | "delay_body"
        | "trickle_body" => Right,
        "extra_members" | "null_values" => Changed,
        "not_tls" | "tls_alert" => Fails(Tls),
        "not_http" | "broken_chunks" => Fails(Connection),
        "oversized" => Fails(TooLarge),
        "oversized_gzip" if cfg!(feature = "gzip") => Fails(TooLarge),
        // The length of a compressed body says nothing about its size.
        "content_length" if !cfg!(feature = "gzip") => Fails(TooLarge),
        // A client that does not know gzip finds no JSON.
        "bad_json" | "bad_gzip" | "oversized_gzip" => Fails(Decode),
        "status" | "body" | "html" => FailsOnce(Server),
        "header" => FailsOnce(RateLimited),
        // If every response is a redirect, there are too many of them.
        "redirect" => FailsOnce(Redirect),
        "stall_handshake" | "stop_reading" | "stall" | "stall_head" | "stall_body" => {
            FailsOnce(Timeout)
        }
        "close_connection"
        | "reset_connection"
        | "close_before_response"
        | "reset"
        | "content_length"
        | "cut_body_after"
        | "unfinished_chunks"
        | "with_close_notify" => FailsOnce(Connection),
        "reset_after_response" => MayFailOnce(Connection),
        _ => panic!("no outcome for the fault `{name}`"),
    }
}

/// Returns every sample of a fault, and variants with another outcome.
fn faults() -> Vec<(&'static str, Fault, Outcome)> {
    use ErrorKind::{Connection, Decode, RateLimited, Server, Timeout};
    use Outcome::{Fails, FailsOnce};
    let response = Fault::real_response;
    // A short body is a cut gzip stream if compressed, and invalid JSON if not.
    let short_body = if cfg!(feature = "gzip") {
        FailsOnce(Connection)
    } else {
        Fails(Decode)
    };
    let pause = Duration::from_millis(200);
    let mut faults = vec![
        ("408", Fault::status(408), FailsOnce(Timeout)),
        ("429", Fault::status(429).body(""), FailsOnce(RateLimited)),
        ("500", Fault::status(500), FailsOnce(Server)),
        ("200, HTML", response().html(), Fails(Decode)),
        ("short", response().content_length(20), short_body),
        ("slow", response().trickle_body(pause), FailsOnce(Timeout)),
    ];
    for (name, fault) in Fault::all_samples() {
        faults.push((name, fault, outcome(name)));
    }
    faults
}

#[test]
fn every_fault_ends_in_time_with_the_right_result_or_error() {
    side_by_side(|name, fault, outcome| {
        let emulator = emulator_with_orders();
        emulator.fault(fault.times(9));
        let started = Instant::now();
        let result = within(&emulator, patience(outcome), 0).query(&by_topic());
        let elapsed = started.elapsed();
        match (outcome, result) {
            (Outcome::Right | Outcome::MayFailOnce(_), Ok(result)) => {
                assert_eq!(render_all(&result), ["orders 0=1"], "{name}");
            }
            (Outcome::Changed, Ok(_)) => {}
            (
                Outcome::Fails(kind) | Outcome::FailsOnce(kind) | Outcome::MayFailOnce(kind),
                Err(error),
            ) => {
                assert_eq!(error.kind(), kind, "{name}: {error:?}");
            }
            (_, result) => panic!("{name}: {result:?}"),
        }
        assert!(elapsed < HANG, "{name} took {elapsed:?}");
    });
}

/// Returns a timeout that ends a fault which would not end by itself.
fn patience(outcome: Outcome) -> Duration {
    match outcome {
        Outcome::FailsOnce(ErrorKind::Timeout) => ATTEMPT,
        _ => FOREVER,
    }
}

/// Runs a test for every fault, each in its own thread, because most of them wait.
fn side_by_side(test: impl Fn(&str, Fault, Outcome) + Sync) {
    thread::scope(|scope| {
        for (name, fault, outcome) in faults() {
            let test = &test;
            scope.spawn(move || test(name, fault, outcome));
        }
    });
}

#[test]
fn a_retry_survives_transient_faults() {
    side_by_side(|name, fault, outcome| {
        let emulator = emulator_with_orders();
        emulator.fault(fault.times(1));
        let result = within(&emulator, patience(outcome), 4).query(&by_topic());
        match (outcome, result) {
            (Outcome::Fails(kind), Err(error)) => {
                assert_eq!(error.kind(), kind, "{name}: {error:?}");
            }
            (Outcome::Changed, Ok(_)) => {}
            (Outcome::Right | Outcome::FailsOnce(_) | Outcome::MayFailOnce(_), Ok(result)) => {
                assert_eq!(render_all(&result), ["orders 0=1"], "{name}");
            }
            (_, result) => panic!("{name}: {result:?}"),
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
    for (name, fault, outcome) in faults() {
        // The data of these is changed, as the emulator says.
        if matches!(outcome, Outcome::Changed) {
            continue;
        }
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
