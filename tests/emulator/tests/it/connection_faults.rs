//! Faults of connections, before there is any request.

use crate::client::*;
use confluent_metrics_emulator::{Emulator, Fault};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn address(emulator: &Emulator) -> &str {
    emulator.url().trim_start_matches("https://")
}

/// Sends a few bytes that TLS could begin with, and gives what comes back up to the end, and how it
/// ended.
fn greeted(emulator: &Emulator) -> (Vec<u8>, Option<ErrorKind>) {
    let mut socket = TcpStream::connect(address(emulator)).expect("a connection");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    socket.write_all(&[0x16, 3, 1, 0, 200]).expect("sent");
    let mut all = Vec::new();
    let end = socket.read_to_end(&mut all).err().map(|error| error.kind());
    (all, end)
}

#[test]
fn a_handshake_can_stall() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::stall_handshake().skip(1).times(2));
    assert_eq!(
        try_query(&emulator).expect("a response").status,
        200,
        "the first connection passes"
    );
    for _ in 0..2 {
        let short = agent_within(&emulator, Duration::from_millis(100));
        let error = post(&short, &emulator, PATH, &cloud(&emulator), &body()).expect_err("silence");
        assert!(matches!(error, ureq::Error::Timeout(_)), "{error}");
    }
    assert_eq!(try_query(&emulator).expect("a response").status, 200);
    assert_eq!((emulator.connections(), emulator.requests().len()), (4, 2));
    eventually(|| emulator.connections_open() == 0);
}

#[test]
fn a_stalled_handshake_ends_with_the_emulator() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::stall_handshake());
    let mut socket = TcpStream::connect(address(&emulator)).expect("a connection");
    socket.write_all(&[0x16, 3, 1, 0, 200]).expect("sent");
    eventually(|| emulator.connections_open() == 1);
    let begun = Instant::now();
    drop(emulator);
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
    let _ = socket.read_to_end(&mut Vec::new());
}

#[test]
fn connections_can_be_closed_reset_or_get_plain_http() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::close_connection());
    emulator.fault(Fault::reset_connection());
    emulator.fault(Fault::not_tls());
    assert_eq!(greeted(&emulator), (Vec::new(), None));
    assert_eq!(
        greeted(&emulator),
        (Vec::new(), Some(ErrorKind::ConnectionReset))
    );
    let (response, end) = greeted(&emulator);
    assert!(
        response.starts_with(b"HTTP/1.1 400 ") && end.is_none(),
        "{response:?} {end:?}"
    );
    for fault in [
        Fault::close_connection(),
        Fault::reset_connection(),
        Fault::not_tls(),
    ] {
        emulator.fault(fault.clone());
        assert!(try_query(&emulator).is_err(), "{fault:?}");
        assert_eq!(
            try_query(&emulator).expect("a response").status,
            200,
            "after {fault:?}"
        );
    }
    assert_eq!((emulator.connections(), emulator.requests().len()), (9, 3));
}

#[test]
fn a_handshake_can_be_refused_with_an_alert() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::tls_alert(70));
    assert_eq!(greeted(&emulator), (vec![21, 3, 3, 0, 2, 2, 70], None));
    for (alert, text) in [(70, "ProtocolVersion"), (40, "HandshakeFailure")] {
        emulator.fault(Fault::tls_alert(alert));
        let error = try_query(&emulator)
            .map(drop)
            .expect_err("an alert")
            .to_string();
        assert!(error.contains(text), "{error}");
    }
    assert_eq!(try_query(&emulator).expect("a response").status, 200);
}

#[test]
fn a_connection_can_stop_reading() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::stop_reading());
    let short = agent_within(&emulator, Duration::from_millis(300));
    // More than the sockets have room for.
    let long = " ".repeat(32 << 20);
    let error = post(&short, &emulator, PATH, &cloud(&emulator), &long).expect_err("not sent");
    assert!(matches!(error, ureq::Error::Timeout(_)), "{error}");
    assert_eq!((emulator.connections(), emulator.requests().len()), (1, 0));
    assert_eq!(try_query(&emulator).expect("a response").status, 200);
    let begun = Instant::now();
    drop(emulator);
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
}

#[test]
fn open_connections_are_not_affected() {
    let emulator = emulator_with_seven();
    let mut raw = Raw::connect(&emulator);
    raw.send(&raw_query(&emulator, "")).read_response();
    emulator.fault(Fault::close_connection());
    raw.send(&raw_query(&emulator, "")).read_response();
    assert!(try_query(&emulator).is_err());
}

#[test]
fn the_port_can_be_given_up_for_a_while() {
    let emulator = emulator_with_seven();
    let mut raw = Raw::connect(&emulator);
    raw.send(&raw_query(&emulator, "")).read_response();
    for _ in 0..2 {
        emulator.refuse_connections(true);
        let error = TcpStream::connect(address(&emulator)).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    raw.send(&raw_query(&emulator, "")).read_response();
    for _ in 0..2 {
        emulator.refuse_connections(false);
        assert_eq!(try_query(&emulator).expect("a response").status, 200);
    }
    assert_eq!(emulator.connections(), 3, "what was refused is not counted");
    emulator.refuse_connections(true);
    let begun = Instant::now();
    drop(emulator);
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
}
