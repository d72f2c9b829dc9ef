//! Scripted faults, as a client sees them.

use crate::client::*;
use confluent_metrics_emulator::{Emulator, Fault, Response};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

fn statuses(emulator: &Emulator) -> Vec<u16> {
    emulator
        .requests()
        .iter()
        .map(|request| request.status)
        .collect()
}

#[test]
fn a_status_has_the_body_that_the_service_sends() {
    let emulator = emulator_with_seven();
    for (status, text) in [
        (
            500,
            r#"{"errors":[{"detail":"There was an error processing your request. It has been logged (ID 0123456789abcdef).","status":"500"}]}"#,
        ),
        (
            503,
            "upstream connect error or disconnect/reset before headers. reset reason: overflow",
        ),
        (429, ""),
        (
            403,
            r#"{"errors":[{"detail":"Query must filter by at least one of your authorized resources","status":"403"}]}"#,
        ),
        (
            401,
            r#"{"errors":[{"detail":"Invalid credentials","status":"401"}]}"#,
        ),
        (
            408,
            r#"{"errors":[{"detail":"The request was answered with 408.","status":"408"}]}"#,
        ),
        (200, "{}"),
        (302, ""),
    ] {
        emulator.fault(Fault::status(status));
        let response = try_query(&emulator).expect("a response");
        assert_eq!((response.status, response.body.as_str()), (status, text));
    }
    assert_eq!(
        try_query(&emulator).expect("a response").status,
        200,
        "each fault happens once"
    );
    assert_eq!(
        statuses(&emulator),
        [500, 503, 429, 403, 401, 408, 200, 302, 200]
    );
}

#[test]
fn body_and_headers_can_be_anything() {
    let emulator = emulator_with_seven();
    let error = r#"{"error":{"code":403,"message":"invalid API key"}}"#;
    emulator.fault(
        Fault::status(403)
            .body(error)
            .header("X-A", "1")
            .header("X-A", "2")
            .header("Retry-After", "3"),
    );
    let response = try_query(&emulator).expect("a response");
    assert_eq!((response.status, response.body.as_str()), (403, error));
    assert_eq!(
        (response.all("x-a"), response.all("retry-after")),
        (vec!["1", "2"], vec!["3"])
    );
    assert_eq!(response.all("content-type"), ["application/json"]);

    emulator.fault(Fault::status(502).html());
    let page = try_query(&emulator).expect("a response");
    assert_eq!(page.all("content-type"), ["text/html; charset=utf-8"]);
    assert!(page.status == 502 && page.body.starts_with("<!DOCTYPE html>"));

    emulator.fault(Fault::real_response().redirect(307, "/elsewhere"));
    let moved = try_query(&emulator).expect("a response");
    assert_eq!(
        (moved.status, moved.all("location"), moved.body.as_str()),
        (307, vec!["/elsewhere"], "")
    );
}

#[test]
fn faults_wait_for_their_turn_and_their_path() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::status(500).matching("/descriptors"));
    emulator.fault(Fault::status(503).skip(1).times(2));
    emulator.fault(Fault::status(504).matching("/query"));
    let found: Vec<u16> = (0..5)
        .map(|_| try_query(&emulator).expect("a response").status)
        .collect();
    assert_eq!(found, [504, 503, 503, 200, 200]);
}

#[test]
fn responses_can_be_delayed() {
    let emulator = emulator_with_seven();
    let delay = Duration::from_millis(80);
    for fault in [
        Fault::real_response().delay_head(delay),
        Fault::real_response().delay_body(delay),
    ] {
        emulator.fault(fault);
        let begun = Instant::now();
        let response = try_query(&emulator).expect("a response");
        assert!(begun.elapsed() >= delay && response.body.contains("7.0"));
    }
    // The head comes at once, and the body only as the emulator ends.
    emulator.fault(Fault::real_response().delay_body(10 * HANG));
    let mut raw = Raw::connect(&emulator);
    raw.send(&raw_query(&emulator, ""));
    raw.until("\r\n\r\n{");
    drop(emulator);
    raw.rest();
}

#[test]
fn a_body_can_be_cut() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().cut_body_after(10));
    let (text, end) = Raw::connect(&emulator)
        .send(&raw_query(&emulator, ""))
        .rest();
    let text = String::from_utf8(text).expect("text");
    assert!(text.ends_with("\r\n\r\n{\"data\":[{"), "{text}");
    assert_eq!(end, Some(ErrorKind::UnexpectedEof));
    emulator.fault(Fault::real_response().cut_body_after(0));
    assert!(try_query(&emulator).is_err());
    assert_eq!(statuses(&emulator), [0, 0]);
}

#[test]
fn the_content_length_can_be_wrong() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().content_length(1_000));
    assert!(try_query(&emulator).is_err(), "shorter than promised");
    emulator.fault(Fault::real_response().content_length(5));
    let mut raw = Raw::connect(&emulator);
    let (_, body) = raw.send(&raw_query(&emulator, "")).read_response();
    assert_eq!(body, b"{\"dat");
    assert!(
        raw.until("]}").starts_with("a\":["),
        "the rest is still on the wire"
    );
}

#[test]
fn connections_end_in_every_way() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().close_before_response());
    let mut raw = Raw::connect(&emulator);
    assert_eq!(
        raw.send(&raw_query(&emulator, "")).rest(),
        (Vec::new(), Some(ErrorKind::UnexpectedEof))
    );
    emulator.fault(Fault::real_response().reset());
    let mut raw = Raw::connect(&emulator);
    assert_eq!(
        raw.send(&raw_query(&emulator, "")).rest(),
        (Vec::new(), Some(ErrorKind::ConnectionReset))
    );
    emulator.fault(Fault::real_response().close_after_response());
    let mut raw = Raw::connect(&emulator);
    let (head, body) = raw.send(&raw_query(&emulator, "")).read_response();
    assert!(
        !head.contains("Connection: close") && body.ends_with(b"]}"),
        "{head}"
    );
    assert_eq!(raw.rest().0, Vec::<u8>::new());
    assert_eq!(statuses(&emulator), [0, 0, 200]);
}

#[test]
fn bodies_can_be_broken() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().bad_json());
    let broken = try_query(&emulator).expect("well framed");
    assert!(
        broken.status == 200 && serde_json::from_str::<Value>(&broken.body).is_err(),
        "{}",
        broken.body
    );

    emulator.fault(Fault::real_response().bad_gzip());
    let (head, body) = Raw::connect(&emulator)
        .send(&raw_query(&emulator, ""))
        .read_response();
    assert!(head.contains("Content-Encoding: gzip\r\n"), "{head}");
    assert!(
        GzDecoder::new(body.as_slice())
            .read_to_end(&mut Vec::new())
            .is_err()
    );

    emulator.fault(Fault::real_response().oversized(100_000));
    let large = try_query(&emulator).expect("a response");
    assert_eq!(
        (large.body.len(), large.json()["data"][0]["value"].as_f64()),
        (100_000, Some(7.0))
    );
}

#[test]
fn unknown_members_and_null_values_can_be_sent() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().null_values());
    assert_eq!(
        try_query(&emulator).expect("a response").json()["data"][0]["value"],
        Value::Null
    );

    emulator.fault(Fault::real_response().extra_members());
    let json = try_query(&emulator).expect("a response").json();
    let row = &json["data"][0];
    assert!(json["unheard_of"].is_object() && row["unheard_of"].is_array());
    assert_eq!(
        (
            row["metric.unheard_of"].as_str(),
            row["metric.topic"].as_str(),
            row["value"].as_f64()
        ),
        (Some("label"), Some("a"), Some(7.0))
    );

    let metric = "io.confluent.kafka.server/request_count";
    for principal in ["u-1", "u-2"] {
        let labels = [
            ("resource.kafka.id", "lkc-1"),
            ("metric.principal_id", principal),
        ];
        emulator.put(metric, &labels, NOON - 7_200, 1.0);
    }
    let grouped = query(
        metric,
        &json!({"group_by": ["metric.principal_id"], "format": "GROUPED", "limit": 1}),
    );
    emulator.fault(Fault::real_response().extra_members());
    let json = send_query(&emulator, &grouped).json();
    let group = &json["data"][0];
    assert_eq!(group["metric.principal_name"], "name-of-u-1");
    assert!(group["points"][0]["unheard_of"].is_object() && group["points"][0]["value"].is_f64());
    assert!(
        json["meta"]["pagination"]["unheard_of"].is_f64()
            && json["meta"]["unheard_of"].is_boolean()
    );

    emulator.fault(Fault::status(400).extra_members());
    let error = try_query(&emulator).expect("a response").json();
    assert!(
        error["errors"][0]["unheard_of"].is_object() && error["errors"][0]["detail"].is_string()
    );
}

#[test]
fn responses_can_be_something_other_than_http() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::not_http());
    let (bytes, end) = Raw::connect(&emulator)
        .send(&raw_query(&emulator, ""))
        .rest();
    assert_eq!(
        (bytes.as_slice(), end),
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], None)
    );
    emulator.fault(Fault::not_http().body([0, 255, 10]).matching("/query"));
    assert_eq!(
        Raw::connect(&emulator)
            .send(&raw_query(&emulator, ""))
            .rest()
            .0,
        [0, 255, 10]
    );
    emulator.fault(Fault::not_http());
    assert!(try_query(&emulator).is_err());
    assert_eq!(statuses(&emulator), [0, 0, 0]);
}

#[test]
fn bodies_can_be_chunked() {
    let emulator = emulator_with_seven();
    let usual = try_query(&emulator).expect("a response");
    emulator.fault(Fault::real_response().chunked().times(2));
    let chunked = try_query(&emulator).expect("a response");
    assert_eq!(
        (&chunked.body, chunked.all("transfer-encoding")),
        (&usual.body, vec!["chunked"])
    );
    assert!(chunked.all("content-length").is_empty());
    let mut raw = Raw::connect(&emulator);
    raw.send(&raw_query(&emulator, "")).until("\r\n0\r\n\r\n");
    assert!(
        raw.send(&raw_query(&emulator, ""))
            .read_response()
            .1
            .ends_with(b"]}"),
        "the connection is kept"
    );
}

#[test]
fn chunks_can_be_broken() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().broken_chunks());
    assert!(try_query(&emulator).is_err());
    emulator.fault(Fault::real_response().unfinished_chunks());
    assert!(try_query(&emulator).is_err());
    emulator.fault(Fault::real_response().unfinished_chunks());
    emulator.fault(
        Fault::real_response()
            .unfinished_chunks()
            .with_close_notify(),
    );
    for expected in [Some(ErrorKind::UnexpectedEof), None] {
        let (text, end) = Raw::connect(&emulator)
            .send(&raw_query(&emulator, ""))
            .rest();
        assert!(text.ends_with(b"}]}\r\n") && end == expected, "{end:?}");
    }
    assert_eq!(statuses(&emulator), [200, 0, 0, 0]);
}

#[test]
fn a_body_can_end_with_the_connection() {
    let emulator = emulator_with_seven();
    let usual = try_query(&emulator).expect("a response");
    emulator.fault(Fault::real_response().unframed());
    let unframed = try_query(&emulator).expect("a response");
    assert_eq!(
        (&unframed.body, unframed.all("connection")),
        (&usual.body, vec!["close"])
    );
    assert!(unframed.all("content-length").is_empty());
    assert!(unframed.all("transfer-encoding").is_empty());
    let unframed = Fault::real_response().unframed();
    for (fault, end) in [
        (unframed.clone(), None),
        (
            unframed.clone().close_after_response(),
            Some(ErrorKind::UnexpectedEof),
        ),
        (
            unframed.clone().reset_after_response(),
            Some(ErrorKind::ConnectionReset),
        ),
    ] {
        emulator.fault(fault.clone());
        let (text, ended) = Raw::connect(&emulator)
            .send(&raw_query(&emulator, ""))
            .rest();
        assert!(
            text.ends_with(usual.body.as_bytes()) && ended == end,
            "{fault:?}: {ended:?}"
        );
    }
    for (fault, end) in [
        (
            unframed.clone().cut_body_after(10).with_close_notify(),
            None,
        ),
        (
            unframed.clone().cut_body_after(10),
            Some(ErrorKind::UnexpectedEof),
        ),
        (
            unframed.cut_body_after(10).reset_after_response(),
            Some(ErrorKind::ConnectionReset),
        ),
    ] {
        emulator.fault(fault.clone());
        let (text, ended) = Raw::connect(&emulator)
            .send(&raw_query(&emulator, ""))
            .rest();
        assert!(
            text.ends_with(b"{\"data\":[{") && ended == end,
            "{fault:?}: {ended:?}"
        );
    }
}

#[test]
fn an_early_end_can_be_orderly() {
    let emulator = emulator_with_seven();
    for fault in [
        Fault::real_response().cut_body_after(10),
        Fault::real_response().content_length(1_000),
        Fault::real_response().close_before_response(),
        Fault::real_response().close_after_response(),
    ] {
        emulator.fault(fault.clone());
        emulator.fault(fault.with_close_notify());
        let ends = [(); 2].map(|()| {
            Raw::connect(&emulator)
                .send(&raw_query(&emulator, ""))
                .rest()
        });
        assert_eq!(
            (&ends[0].0, ends[1].1),
            (&ends[1].0, None),
            "the same bytes"
        );
        assert_eq!(ends[0].1, Some(ErrorKind::UnexpectedEof));
    }
}

#[test]
fn small_gzip_can_decompress_to_a_large_body() {
    let emulator = emulator_with_seven();
    emulator.fault(Fault::real_response().oversized_gzip(3_000_000));
    let (head, body) = Raw::connect(&emulator)
        .send(&raw_query(&emulator, ""))
        .read_response();
    assert!(
        head.contains("Content-Encoding: gzip\r\n") && body.len() < 10_000,
        "{head} {}",
        body.len()
    );
    let mut plain = Vec::new();
    GzDecoder::new(body.as_slice())
        .read_to_end(&mut plain)
        .expect("gzip");
    let json: Value = serde_json::from_slice(&plain).expect("JSON");
    assert_eq!(
        (plain.len(), json["data"][0]["value"].as_f64()),
        (3_000_000, Some(7.0))
    );

    let begun = Instant::now();
    emulator.fault(Fault::real_response().oversized_gzip(1 << 30));
    let (_, body) = Raw::connect(&emulator)
        .send(&raw_query(&emulator, ""))
        .read_response();
    assert!(body.len() < 1 << 21, "{}", body.len());
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
}

#[test]
fn responses_can_stall_anywhere() {
    let emulator = emulator_with_seven();
    let usual = Raw::connect(&emulator)
        .send(&raw_query(&emulator, ""))
        .read_response();
    let wait = Duration::from_millis(200);
    let head_of = |text: &str| text.lines().next().map(str::to_owned);
    for (fault, least, most) in [
        (Fault::real_response().stall(), 0, 0),
        (Fault::real_response().stall_head(), 10, usual.0.len() - 10),
        (
            Fault::real_response().stall_body(),
            usual.0.len() + 10,
            usual.0.len() + usual.1.len() - 10,
        ),
        (
            Fault::real_response().stall_body().cut_body_after(3),
            usual.0.len() + 3,
            usual.0.len() + 3,
        ),
        (
            Fault::real_response().stall_body().chunked(),
            usual.0.len(),
            usual.0.len() + usual.1.len(),
        ),
        (Fault::status(429).stall_body(), 10, usual.0.len()),
    ] {
        emulator.fault(fault.clone());
        let mut raw = Raw::connect(&emulator);
        let (bytes, end) = raw.send(&raw_query(&emulator, "")).patience(wait).rest();
        let text = String::from_utf8(bytes).expect("text");
        assert!((least..=most).contains(&text.len()), "{fault:?}: {text}");
        assert!(
            text.is_empty() || head_of(&text).is_some_and(|head| head.starts_with("HTTP/1.1 "))
        );
        assert!(
            matches!(end, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
            "{end:?}: still open"
        );
        emulator.fault(fault);
        let short = agent_within(&emulator, wait);
        let error = post(&short, &emulator, PATH, &cloud(&emulator), &body()).expect_err("silence");
        assert!(error.to_string().contains("timeout"), "{error}");
    }
    eventually(|| emulator.connections_open() == 0);
    assert_eq!(statuses(&emulator)[1..], [0; 12]);
}

#[test]
fn stalled_and_trickling_responses_end_with_the_emulator() {
    let emulator = emulator_with_seven();
    let mut waiting = Vec::new();
    let hour = Duration::from_secs(3_600);
    for fault in [
        Fault::real_response().stall(),
        Fault::real_response().stall_head(),
        Fault::real_response().stall_body(),
        Fault::real_response().trickle_body(hour),
    ] {
        emulator.fault(fault);
        let mut raw = Raw::connect(&emulator);
        raw.send(&raw_query(&emulator, ""));
        waiting.push(raw);
        eventually(|| emulator.requests().len() == waiting.len());
    }
    let begun = Instant::now();
    drop(emulator);
    assert!(begun.elapsed() < HANG, "{:?}", begun.elapsed());
    for raw in &mut waiting {
        drop(raw.rest());
    }
}

#[test]
fn bodies_can_trickle() {
    let emulator = emulator_with_seven();
    let pause = Duration::from_millis(2);
    emulator.fault(Fault::real_response().trickle_body(pause));
    let begun = Instant::now();
    let mut raw = Raw::connect(&emulator);
    let (_, body) = raw.send(&raw_query(&emulator, "")).read_response();
    assert!(body.ends_with(b"]}") && begun.elapsed() >= pause * (body.len() as u32 - 1));
    assert!(
        raw.send(&raw_query(&emulator, ""))
            .read_response()
            .1
            .ends_with(b"]}"),
        "the connection is kept"
    );
    drop(raw);

    emulator.fault(Fault::real_response().trickle_body(Duration::from_secs(3_600)));
    let mut raw = Raw::connect(&emulator);
    let head = raw.send(&raw_query(&emulator, "")).until("\r\n\r\n{");
    assert!(head.contains("Content-Length: "), "{head}");
    drop(raw);
    eventually(|| emulator.connections_open() == 0);
}

#[test]
fn every_fault_happens_once_and_leaves_the_emulator_usable() {
    for (name, fault) in Fault::all_samples() {
        let emulator = emulator_with_seven();
        emulator.fault(fault);
        let client = agent_within(&emulator, Duration::from_millis(300));
        // A fault may be an error, a status or a good response: it only has to end.
        let _ = post(&client, &emulator, PATH, &cloud(&emulator), &body());
        let next = try_query(&emulator).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(next.status, 200, "{name}");
    }
}

#[test]
#[should_panic = "invalid fault: `stall_handshake` happens before there is a request: \
    `body` has no effect"]
fn meaningless_faults_panic_when_they_are_queued() {
    emulator_with_seven().fault(Fault::stall_handshake().body("x"));
}

#[test]
fn a_closure_replaces_responses() {
    let emulator = emulator_with_seven();
    emulator.respond_with(|request| {
        assert_eq!(request.method, "POST");
        let is_first_page = request.query().is_empty();
        let body = format!("{} {}", request.path(), request.text().len());
        is_first_page.then(|| Response::new(418).header("X-A", "1").body(body))
    });
    let replaced = try_query(&emulator).expect("a response");
    assert_eq!(replaced.status, 418);
    assert_eq!(replaced.all("x-a"), ["1"]);
    assert_eq!(replaced.body, format!("{PATH} {}", body().len()));
    assert!(replaced.all("content-type").is_empty());

    let path = format!("{PATH}?a=b");
    let real = post(
        &agent(&emulator),
        &emulator,
        &path,
        &cloud(&emulator),
        &body(),
    );
    assert_eq!(real.expect("a response").status, 200);

    emulator.fault(Fault::real_response().header("X-A", "2"));
    assert_eq!(
        try_query(&emulator).expect("a response").all("x-a"),
        ["1", "2"]
    );
    emulator.fault(Fault::status(503));
    assert_eq!(try_query(&emulator).expect("a response").status, 503);
    assert_eq!(statuses(&emulator), [418, 200, 418, 503]);

    emulator.respond_with(|_| None);
    assert_eq!(try_query(&emulator).expect("a response").status, 200);
}
