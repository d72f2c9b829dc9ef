//! Starting, stopping, putting in and looking at.

use crate::client::*;
use confluent_metrics_emulator::{
    Builder, Certificate, Emulator, ExportDialect, Fault, Proxy, ProxyBehavior, RateHeaders,
    RawPoint, Request,
};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

#[test]
fn everything_may_cross_threads() {
    fn sound<T: Send + Sync + std::fmt::Debug>() {}
    sound::<Emulator>();
    sound::<Builder>();
    sound::<Fault>();
    sound::<Request>();
    sound::<RawPoint>();
    sound::<Certificate>();
    sound::<RateHeaders>();
    sound::<ExportDialect>();
}

#[test]
fn dropping_ends_open_connections() {
    let emulator = Emulator::start();
    let address = emulator.url().trim_start_matches("https://").to_owned();
    emulator.fault(Fault::real_response().delay_head(10 * HANG));
    let mut idle = Raw::connect(&emulator);
    idle.send("GET / HTTP/1.1\r\nHost: a\r\n");
    let body = query(SENT, &json!({})).to_string();
    let mut waiting = Raw::connect(&emulator);
    waiting.send(&format!(
        "{}{body}",
        head(&emulator, &format!("Content-Length: {}\r\n", body.len()))
    ));
    let silent = TcpStream::connect(&address).expect("a connection");
    while emulator.requests().is_empty() || emulator.connections() < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    drop(emulator);
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
    assert!(idle.rest().0.is_empty());
    waiting.rest();
    drop(silent);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn open_connections_are_counted() {
    let emulator = emulator_with_seven();
    let (mut first, mut second) = (Raw::connect(&emulator), Raw::connect(&emulator));
    for raw in [&mut first, &mut second] {
        raw.send(&raw_query(&emulator, "")).read_response();
    }
    assert_eq!(
        (emulator.connections(), emulator.connections_open()),
        (2, 2)
    );
    drop(first);
    eventually(|| emulator.connections_open() == 1);
    second
        .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .rest();
    drop(second);
    eventually(|| emulator.connections_open() == 0);
    assert_eq!(emulator.connections(), 2);
}

#[test]
fn closing_the_connections_ends_each_in_the_middle_of_a_response() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().delay_body(10 * HANG));
    let mut idle = Raw::connect(&emulator);
    let mut waiting = Raw::connect(&emulator);
    waiting.send(&raw_query(&emulator, "")).until("\r\n\r\n");
    emulator.close_connections();
    assert!(idle.rest().0.is_empty());
    let (rest, _) = waiting.rest();
    assert!(!rest.ends_with(b"}"), "half of the body");
    let response = try_query(&emulator).expect("a response");
    assert_eq!(response.status, 200, "the port stays open");
}

#[test]
fn a_port_in_use_is_an_error() {
    let first = Emulator::start();
    let port = first
        .url()
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port");
    let error = Emulator::builder()
        .port(port)
        .try_start()
        .expect_err("taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    drop(first);
    assert!(Emulator::builder().port(port).try_start().is_ok());
}

#[test]
fn a_proxy_that_was_dropped_can_be_started_again_on_its_port() {
    let emulator = Emulator::start();
    let connect = |proxy: &Proxy| {
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).expect("a connection");
        let server = emulator.url().trim_start_matches("https://");
        write!(client, "CONNECT {server} HTTP/1.1\r\n\r\n").expect("a request");
        let mut response = [0; 22];
        client.read_exact(&mut response).expect("a response");
        assert_eq!(&response, b"HTTP/1.1 200 Proxy\r\n\r\n");
        client
    };
    let proxy = Proxy::start(ProxyBehavior::Open);
    let port = proxy.port();
    let mut tunnel = connect(&proxy);
    drop(proxy);
    let mut rest = Vec::new();
    tunnel
        .read_to_end(&mut rest)
        .expect("the end of the tunnel");
    assert!(rest.is_empty(), "{rest:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    let proxy = Proxy::start_on_port(port, ProxyBehavior::Open);
    assert_eq!(proxy.url(), format!("http://127.0.0.1:{port}"));
    connect(&proxy);
    assert_eq!(proxy.heads().len(), 1);
}

#[test]
fn faults_are_counted_until_they_have_happened() {
    let emulator = emulator_with_seven();
    assert_eq!(emulator.faults_left(), 0);
    emulator.fault(Fault::status(503).times(2));
    emulator.fault(Fault::status(500).matching("/export"));
    for left in [2, 1, 1] {
        try_query(&emulator).expect("a response");
        assert_eq!(emulator.faults_left(), left);
    }
    emulator.clear_faults();
    assert_eq!(emulator.faults_left(), 0);
}

#[test]
fn starting_computes_no_data_ahead() {
    let begun = Instant::now();
    for _ in 0..10 {
        drop(Emulator::builder().topics(100_000).start());
    }
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
}

#[test]
fn requests_are_recorded_as_they_came() {
    let emulator = empty().start();
    let body = query(SENT, &json!({})).to_string();
    let path = "/v2/metrics/cloud/query?page_token=a%2Fb";
    post(&agent(&emulator), &emulator, path, &cloud(&emulator), &body).expect("a response");
    send_query(&emulator, &json!({}));
    let requests = emulator.requests();
    let first = &requests[0];
    assert_eq!(
        (first.method.as_str(), first.target.as_str(), first.status),
        ("POST", path, 400)
    );
    assert_eq!(
        first.header("AUTHORIZATION"),
        Some(cloud(&emulator).as_str())
    );
    assert_eq!(
        (first.header("x-none"), first.text(), first.body.as_slice()),
        (None, body.clone(), body.as_bytes())
    );
    assert_eq!(requests.len(), 2);
    emulator.clear_requests();
    assert!(emulator.requests().is_empty());
    send_query(&emulator, &query(SENT, &json!({})));
    assert_eq!(
        emulator.requests()[0].status,
        200,
        "request numbers stay valid after clearing"
    );
}

#[test]
fn mistakes_of_a_test_panic_with_the_reason() {
    let emulator = empty().start();
    let message = |action: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(action)).expect_err("a panic");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let kafka = ("resource.kafka.id", "lkc-1");
    assert_eq!(
        message(&|| emulator.put("sent_bytes", &[kafka], 0, 1.0)),
        "unknown metric \"sent_bytes\""
    );
    assert_eq!(
        message(&|| emulator.put(SENT, &[kafka, ("topic", "a")], 0, 1.0)),
        format!("unknown label \"topic\" of metric {SENT:?}")
    );
    assert_eq!(
        message(&|| emulator.put(SENT, &[], 0, 1.0)),
        format!("missing resource label of metric {SENT:?}")
    );
    assert_eq!(
        message(&|| emulator.put(SENT, &[kafka], 0, f64::NAN)),
        "invalid value: NaN is not finite"
    );
    assert_eq!(
        message(&|| drop(emulator.raw_points("x", 0, 1))),
        "unknown metric \"x\""
    );
    assert_eq!(
        message(&|| drop(empty().operation_limit("cook", 1))),
        "unknown operation \"cook\""
    );
    assert_eq!(
        message(&|| drop(empty().failing_export("x"))),
        "unknown metric \"x\""
    );
    let response = send_query(&emulator, &query(SENT, &json!({})));
    assert_eq!(response.status, 200, "the emulator still works");
}

#[test]
fn raw_points_are_sorted_and_resolved() {
    let emulator = empty().start();
    put(&emulator, "b", 0, 1.0);
    put(&emulator, "a", 119, 2.0);
    put(&emulator, "a", 0, 3.0);
    put(&emulator, "a", 30, 4.0);
    let labels = [
        ("resource.kafka.id", "lkc-1"),
        ("metric.topic", "b"),
        ("metric.partition", "0"),
    ];
    emulator.put_null(SENT, &labels, NOON - 7_140);
    let points = emulator.raw_points(SENT, NOON - 7_200, NOON - 7_080);
    let found: Vec<_> = points
        .iter()
        .map(|point| (point.labels[1].1.as_str(), point.minute, point.value))
        .collect();
    assert_eq!(
        found,
        [
            ("a", NOON - 7_200, 4.0),
            ("a", NOON - 7_140, 2.0),
            ("b", NOON - 7_200, 1.0)
        ]
    );
    let names: Vec<_> = points[0]
        .labels
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["metric.partition", "metric.topic", "resource.kafka.id"]
    );
    assert_eq!(emulator.raw_points(SENT, NOON - 7_140, NOON - 7_140), []);
}

#[test]
fn a_large_cluster_and_small_queries_are_quick() {
    let emulator = Emulator::builder().clock(NOON).topics(1_500).start();
    let big = json!({
        "filter": {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-big"},
        "group_by": ["metric.topic"], "format": "GROUPED", "limit": 1_000, "intervals": ["2026-01-01T05:00:00Z/PT6H"]
    });
    let begun = Instant::now();
    let response = send_query(&emulator, &query(SENT, &big));
    assert_eq!(
        response.json()["data"].as_array().map(Vec::len),
        Some(1_000)
    );
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
    let (agent, key) = (agent(&emulator), cloud(&emulator));
    let small = query(SENT, &json!({"intervals": ["2026-01-01T10:00:00Z/PT1H"]})).to_string();
    let begun = Instant::now();
    for _ in 0..100 {
        post(&agent, &emulator, "/v2/metrics/cloud/query", &key, &small).expect("a response");
    }
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
}

#[test]
fn latency_is_waited_for_side_by_side() {
    let latency = Duration::from_millis(300);
    let emulator = empty().latency(latency).start();
    put(&emulator, "a", 0, 7.0);
    assert_eq!(emulator.max_in_flight(), 0);
    let begun = Instant::now();
    for _ in 0..2 {
        assert_eq!(try_query(&emulator).expect("a response").status, 200);
    }
    assert!(begun.elapsed() >= 2 * latency, "{:?}", begun.elapsed());
    assert_eq!(emulator.max_in_flight(), 1);
    emulator.reset_max_in_flight();
    assert_eq!(emulator.max_in_flight(), 0);
}

#[test]
fn requests_in_flight_are_counted() {
    let emulator = emulator_with_seven();
    emulator.fault(
        Fault::real_response()
            .delay_head(Duration::from_secs(3_600))
            .times(4),
    );
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::connect(&emulator);
        raw.send(&raw_query(&emulator, ""));
        waiting.push(raw);
    }
    eventually(|| emulator.max_in_flight() == 4);
    assert_eq!(try_query(&emulator).expect("a response").status, 200);
    assert_eq!(emulator.max_in_flight(), 5);
    // Those that still wait count on.
    emulator.reset_max_in_flight();
    assert_eq!(emulator.max_in_flight(), 4);
}

#[test]
fn a_client_that_waits_for_each_response_has_one_request_in_flight() {
    let emulator = emulator_with_seven();
    emulator.fault(
        Fault::real_response()
            .trickle_body(Duration::from_micros(1))
            .times(20),
    );
    emulator.fault(
        Fault::real_response()
            .delay_body(Duration::from_millis(1))
            .times(20),
    );
    for _ in 0..100 {
        assert_eq!(try_query(&emulator).expect("a response").status, 200);
    }
    assert_eq!(emulator.max_in_flight(), 1);
}
