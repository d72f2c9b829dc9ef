//! Bodies that are delimited by the end of the connection, and connections that end too early.

use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{ErrorKind, Filter};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    NOON, OPERATIONS, Operation, builder, by_topic, client, client_without_retries, put_point,
    render_all,
};

fn emulator(gzip: bool) -> Emulator {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .gzip(gzip)
        .start();
    put_point(&emulator, "orders", 0, 1.0);
    put_point(&emulator, "orders", 56, 2.0);
    emulator
}

#[test]
fn a_body_delimited_by_close_is_complete_only_with_close_notify() {
    let unframed = || Fault::real_response().unframed();
    let broken = [
        unframed().close_after_response(),
        unframed().reset_after_response(),
        unframed().cut_body_after(5),
        unframed().cut_body_after(5).reset_after_response(),
        unframed().cut_body_after(0),
    ];
    for gzip in [false, true] {
        let emulator = emulator(gzip);
        for Operation { method, call, .. } in OPERATIONS {
            emulator.fault(unframed());
            call(&client_without_retries(&emulator))
                .unwrap_or_else(|error| panic!("{method}: {error:?}"));
            for fault in &broken {
                emulator.fault(fault.clone());
                let error = call(&client_without_retries(&emulator)).unwrap_err();
                let found = (error.kind(), error.status(), error.is_transient());
                assert_eq!(
                    found,
                    (ErrorKind::Connection, Some(200), true),
                    "{method} {fault:?}: {error}"
                );
                let end = "closed before the response was complete";
                assert!(error.to_string().contains(end), "{method}: {error}");
            }
        }
    }
}

/// The length of `{"data":[]}` in three chunks, up to the last chunk, which is empty.
const CHUNKS_LEN: usize = 11 + 3 * "4\r\n\r\n".len();
const LAST_CHUNK_LEN: usize = "0\r\n".len();

#[test]
fn a_chunked_body_is_complete_only_with_its_last_chunk() {
    let emulator = emulator(false);
    let client = client_without_retries(&emulator);
    let cut = |bytes| {
        Fault::status(200)
            .body(r#"{"data":[]}"#)
            .chunked()
            .cut_body_after(bytes)
    };
    let length = CHUNKS_LEN + LAST_CHUNK_LEN + "\r\n".len();
    for bytes in 0..length {
        for fault in [
            cut(bytes),
            cut(bytes).with_close_notify(),
            cut(bytes).reset_after_response(),
        ] {
            emulator.fault(fault.clone());
            let result = client.query(&by_topic());
            // RFC 9112, section 8: a body is incomplete without the empty chunk. The line break
            // after it may be missing if the connection ends in good order.
            let has_last_chunk = bytes >= CHUNKS_LEN + LAST_CHUNK_LEN;
            match result {
                Ok(_) => assert!(has_last_chunk, "{fault:?}"),
                Err(error) => {
                    let end = "closed before the response was complete";
                    assert!(error.to_string().contains(end), "{fault:?}: {error}");
                }
            }
        }
    }
    emulator.fault(cut(length));
    assert!(client.query(&by_topic()).unwrap().series().is_empty());
}

#[test]
fn a_request_is_retried_if_its_response_was_cut_short() {
    for fault in [
        Fault::real_response().unframed().reset_after_response(),
        Fault::real_response()
            .unfinished_chunks()
            .with_close_notify(),
    ] {
        let emulator = emulator(true);
        emulator.fault(fault);
        assert_eq!(
            render_all(&client(&emulator).query(&by_topic()).unwrap()),
            ["orders 0=1 56=2"]
        );
        assert_eq!(emulator.requests().len(), 2);
    }
}

#[test]
fn an_error_response_cut_short_keeps_what_was_read_of_its_reason() {
    let emulator = emulator(false);
    let json = r#"{"errors":[{"status":"403","detail":"not one of your resources"}]}"#;
    for (fault, words) in [
        // The body is complete, but the connection did not end properly.
        (
            Fault::status(403)
                .body(json)
                .unframed()
                .close_after_response(),
            "\"not one of your resources\"",
        ),
        (
            Fault::status(403)
                .body(json)
                .unframed()
                .reset_after_response(),
            "\"not one of your resources\"",
        ),
        (
            Fault::status(403).body(json).content_length(1000),
            "\"not one of your resources\"",
        ),
        // The body is cut.
        (
            Fault::status(503)
                .body("upstream connect error")
                .cut_body_after(16),
            "\"upstream connect",
        ),
        (
            Fault::status(503)
                .body("upstream connect error")
                .unframed()
                .cut_body_after(16),
            "\"upstream connect",
        ),
        (
            Fault::status(503)
                .body("upstream connect")
                .unframed()
                .reset_after_response(),
            "\"upstream connect",
        ),
    ] {
        for Operation { method, call, .. } in OPERATIONS {
            emulator.fault(fault.clone());
            let error = call(&client_without_retries(&emulator)).unwrap_err();
            assert!(
                error.to_string().contains(words),
                "{method} {fault:?}: {error}"
            );
        }
    }
}

#[test]
fn a_long_request_to_a_peer_that_stops_reading_times_out_once() {
    let emulator = emulator(false);
    // Larger than the socket buffers.
    let topics = (0..16).map(|at| format!("{at}{}", "x".repeat(1 << 20)));
    let query = by_topic().filter(Filter::one_of("metric.topic", topics));
    let attempt = Duration::from_secs(4);
    let client = builder(&emulator)
        .attempt_timeout(attempt)
        .max_retries(0)
        .build()
        .unwrap();
    emulator.fault(Fault::stop_reading());
    thread::scope(|scope| {
        let call = scope.spawn(|| client.query(&query).unwrap_err());
        // The request is serialized before the client connects, which may take long.
        while emulator.connections() == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        let started = Instant::now();
        let error = call.join().unwrap();
        let elapsed = started.elapsed();
        assert!(
            error.is_timeout() && error.to_string().contains("within 4s"),
            "{error}"
        );
        assert!(elapsed < 2 * attempt, "{elapsed:?}");
    });
}
