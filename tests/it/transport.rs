use std::net::TcpListener;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use confluent_metrics::ClientBuilder;
use confluent_metrics::{ErrorKind, Series, Timestamp};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    FOREVER, HANG, NOON, SENT, builder, by_topic, client, empty_emulator, put_point, render_all,
};

/// Returns a response with `rows` points within the requested hour, in series of 60 minutes.
fn flat(rows: usize) -> String {
    let start = Timestamp::from_second(NOON - 3600).unwrap();
    let row = |at: usize| {
        let time = start + Duration::from_secs(60 * (at % 60) as u64);
        let series = at / 60;
        format!(r#"{{"timestamp":"{time}","value":{at}.0,"n":"{series}"}}"#)
    };
    format!(
        r#"{{"data":[{}]}}"#,
        (0..rows).map(row).collect::<Vec<_>>().join(",")
    )
}

#[test]
fn a_body_above_the_default_limit_of_the_http_package_is_read_completely() {
    let emulator = empty_emulator();
    let response = flat(250_000);
    assert!(response.len() > 12_000_000);
    emulator.fault(Fault::status(200).body(response));
    let result = client(&emulator)
        .query(&crate::support::all_topics())
        .unwrap();
    let values: Vec<f64> = result.series().iter().flat_map(Series::values).collect();
    assert_eq!(values.len(), 250_000);
    assert_eq!(values.into_iter().reduce(f64::max), Some(249_999.0));
}

#[test]
fn a_body_beyond_the_limit_is_refused_in_every_encoding() {
    for gzip in [false, true] {
        let emulator = Emulator::builder()
            .clock(NOON)
            .demo(false)
            .gzip(gzip)
            .start();
        let response = flat(1000);
        let query = crate::support::all_topics();
        let limited = |bytes| {
            builder(&emulator)
                .max_response_bytes(bytes)
                .build()
                .unwrap()
        };
        emulator.fault(Fault::status(200).body(response.clone()).times(2));
        let error = limited(response.len() as u64 - 1)
            .query(&query)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(
            error
                .to_string()
                .ends_with(&format!("response exceeds {} bytes", response.len() - 1)),
            "{error}"
        );
        assert_eq!(
            error.hint(),
            Some("raise ClientBuilder::max_response_bytes")
        );
        assert!(
            limited(response.len() as u64).query(&query).is_ok(),
            "exactly the limit is taken"
        );
    }
}

#[test]
fn a_body_cut_short_is_never_a_result() {
    for gzip in [false, true] {
        let emulator = Emulator::builder()
            .clock(NOON)
            .demo(false)
            .gzip(gzip)
            .start();
        put_point(&emulator, "orders", 0, 1.0);
        for (fault, kind) in [
            (
                Fault::real_response().cut_body_after(20),
                ErrorKind::Connection,
            ),
            (
                Fault::real_response().cut_body_after(0),
                ErrorKind::Connection,
            ),
            (
                Fault::real_response().content_length(100_000),
                ErrorKind::Connection,
            ),
            (Fault::real_response().bad_json(), ErrorKind::Decode),
            (Fault::real_response().bad_gzip(), ErrorKind::Decode),
        ] {
            emulator.fault(fault.clone());
            let client = builder(&emulator)
                .attempt_timeout(HANG)
                .max_retries(0)
                .build()
                .unwrap();
            let error = client.query(&by_topic()).unwrap_err();
            assert_eq!(
                (error.kind(), error.status()),
                (kind, Some(200)),
                "{fault:?}: {error:?}"
            );
        }
        assert_eq!(
            render_all(&client(&emulator).query(&by_topic()).unwrap()),
            ["orders 0=1"]
        );
    }
}

#[test]
fn responses_are_compressed_if_the_feature_is_enabled() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
    let requested = emulator.requests()[0]
        .header("accept-encoding")
        .map(str::to_owned);
    assert_eq!(
        requested.as_deref(),
        cfg!(feature = "gzip").then_some("gzip")
    );
    let plain = Emulator::builder().gzip(false).start();
    plain.fault(
        Fault::status(200)
            .body("...")
            .header("Content-Encoding", "br"),
    );
    let error = client(&plain).query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let why = "unsupported content encoding \"br\"";
    assert!(error.to_string().ends_with(why), "{error}");
}

#[test]
fn a_service_that_stalls_times_out() {
    let emulator = empty_emulator();
    let client = builder(&emulator)
        .attempt_timeout(Duration::from_millis(300))
        .max_retries(0)
        .build()
        .unwrap();
    for fault in [
        Fault::real_response().delay_head(FOREVER),
        Fault::real_response().delay_body(FOREVER),
    ] {
        emulator.fault(fault);
        let started = Instant::now();
        let error = client.query(&by_topic()).unwrap_err();
        assert!(started.elapsed() < HANG, "{:?}", started.elapsed());
        assert!(error.is_timeout());
        assert!(
            error.to_string().ends_with(&format!(
                "no complete response from {} within 300ms",
                emulator.url()
            )),
            "{error}"
        );
        assert_eq!(error.hint(), Some("raise ClientBuilder::attempt_timeout"));
    }
}

#[test]
fn a_server_that_never_completes_the_handshake_times_out() {
    let emulator = empty_emulator();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let client = builder(&emulator)
        .base_url(&url)
        .connect_timeout(Duration::from_millis(200))
        .max_retries(0)
        .build()
        .unwrap();
    let error = client.query(&by_topic()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(&format!("connecting to {url} timed out after 200ms")),
        "{error}"
    );
    assert_eq!(error.hint(), Some("raise ClientBuilder::connect_timeout"));
}

/// Returns a listener with a full backlog, to which connecting never ends.
#[cfg(target_os = "linux")]
fn black_hole() -> (TcpListener, Vec<std::net::TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300));
    let waiting = std::iter::from_fn(|| connect().ok()).collect();
    (listener, waiting)
}

#[test]
#[cfg(target_os = "linux")]
fn a_connect_error_names_the_timeout_that_ended_it() {
    let (listener, _waiting) = black_hole();
    let emulator = empty_emulator();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let short = Duration::from_millis(400);
    let text = |set: fn(ClientBuilder, Duration) -> ClientBuilder| {
        let client = set(builder(&emulator).base_url(&url), short)
            .max_retries(0)
            .build()
            .unwrap();
        let error = client.query(&by_topic()).unwrap_err();
        assert!(error.is_timeout());
        format!("{error} {}", error.hint().unwrap())
    };
    // ureq ends its timeouts slightly early or late, so the test is repeated.
    for _ in 0..3 {
        for (text, whose) in [
            (
                text(ClientBuilder::connect_timeout),
                format!(
                    "connecting to {url} timed out after 400ms raise ClientBuilder::connect_timeout"
                ),
            ),
            (
                text(ClientBuilder::attempt_timeout),
                format!(
                    "no complete response from {url} within 400ms raise ClientBuilder::attempt_timeout"
                ),
            ),
            (
                text(ClientBuilder::deadline),
                "deadline of 400ms exceeded raise ClientBuilder::deadline".to_owned(),
            ),
        ] {
            assert!(text.contains(&whose), "{text}");
        }
    }
}

#[test]
fn a_kept_connection_that_died_is_replaced() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator);
    emulator.fault(Fault::real_response().close_after_response());
    client.query(&by_topic()).unwrap();
    // The server closes the connection before the next request.
    while emulator.connections_open() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(
        render_all(&client.query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
    assert_eq!(emulator.connections(), 2);
}

#[test]
fn extra_members_and_null_values_change_nothing_else() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    emulator.put_null(
        SENT,
        &[("resource.kafka.id", "lkc-1"), ("metric.topic", "empty")],
        NOON - 3600,
    );
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["empty", "orders 0=1"]
    );
    emulator.fault(Fault::real_response().extra_members());
    let result = client(&emulator).query(&by_topic()).unwrap();
    assert_eq!(render_all(&result), ["empty", "orders 0=1"]);
    assert!(
        result.series()[0].labels().len() > 1,
        "a label that nobody asked for is kept"
    );
    emulator.fault(Fault::real_response().null_values());
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["empty", "orders"]
    );
}

#[test]
fn every_thread_keeps_its_connection() {
    const THREADS: usize = 12;
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator);
    let together = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..5 {
                    // All send at once, and all return their connection before the next round.
                    together.wait();
                    assert_eq!(
                        render_all(&client.clone().query(&by_topic()).unwrap()),
                        ["orders 0=1"]
                    );
                }
            });
        }
    });
    assert_eq!(emulator.requests().len(), 5 * THREADS);
    assert!(
        emulator.connections() <= THREADS,
        "{} connections",
        emulator.connections()
    );
}

#[test]
fn a_new_connection_resumes_an_earlier_session() {
    for tls12_only in [false, true] {
        let emulator = Emulator::builder()
            .clock(NOON)
            .demo(false)
            .tls12_only(tls12_only)
            .start();
        put_point(&emulator, "orders", 0, 1.0);
        let client = client(&emulator);
        for _ in 0..3 {
            emulator.fault(
                Fault::real_response()
                    .header("Connection", "close")
                    .close_after_response(),
            );
            assert_eq!(
                render_all(&client.clone().query(&by_topic()).unwrap()),
                ["orders 0=1"]
            );
        }
        assert_eq!(
            (emulator.connections(), emulator.sessions_resumed()),
            (3, 2),
            "TLS 1.2: {tls12_only}"
        );
    }
}
