//! HTTP and TLS themselves.

use crate::client::*;
use confluent_metrics_emulator::Emulator;
use flate2::read::GzDecoder;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn paths_methods_and_types_are_checked() {
    let emulator = empty().start();
    let agent = agent(&emulator);
    let url = |path: &str| format!("{}{path}", emulator.url());
    let missing = read(
        agent
            .get(url("/v2/metrics/cloud/nothing"))
            .call()
            .expect("a response"),
    )
    .expect("a body");
    assert_eq!((missing.status, missing.details().len()), (404, 1));
    assert_eq!(
        agent.get(url("/")).call().expect("a response").status(),
        404
    );
    let method = read(
        agent
            .get(url("/v2/metrics/cloud/query"))
            .call()
            .expect("a response"),
    )
    .expect("a body");
    assert_eq!((method.status, method.all("allow")), (405, vec!["POST"]));
    let posted = agent
        .post(url("/v2/metrics/cloud/descriptors/metrics"))
        .send("{}")
        .expect("a response");
    assert_eq!(posted.status(), 405);
    let query = |kind: &str, accept: &str| {
        let request = agent
            .post(url("/v2/metrics/cloud/query"))
            .header("Authorization", cloud(&emulator));
        let request = request
            .header("Content-Type", kind)
            .header("Accept", accept);
        request
            .send(query(SENT, &json!({})).to_string())
            .expect("a response")
            .status()
            .as_u16()
    };
    assert_eq!(
        query("application/json", "application/json, text/plain"),
        200
    );
    assert_eq!(
        query("Application/JSON; charset=utf-8", "text/html, */*;q=0.1"),
        200
    );
    assert_eq!(query("application/x-www-form-urlencoded", "*/*"), 415);
    assert_eq!(query("application/json", "text/plain"), 406);
}

#[test]
fn every_response_has_a_date_by_the_clock_unless_switched() {
    let dates = |emulator: &Emulator| {
        let agent = agent(emulator);
        let url = |path: &str| format!("{}{path}", emulator.url());
        let good = agent
            .get(url("/v2/metrics/cloud/descriptors/metrics"))
            .call()
            .expect("a response");
        let missing = agent.get(url("/nothing")).call().expect("a response");
        let mut raw = Raw::connect(emulator);
        raw.send("BREW /pot HTCPCP/1.0\r\n\r\n");
        let bad = raw.until("\r\n\r\n");
        let bad = bad
            .lines()
            .find_map(|line| line.strip_prefix("Date: "))
            .map(str::to_owned);
        let date = |response: Result<HttpResponse, _>| {
            response
                .expect("a body")
                .all("date")
                .first()
                .map(|d| (*d).to_owned())
        };
        [date(read(good)), date(read(missing)), bad]
    };
    let noon = || Emulator::builder().clock(1_767_873_600);
    let thrice = |date: &str| [(); 3].map(|()| Some(date.to_owned()));
    assert_eq!(
        dates(&noon().start()),
        thrice("Thu, 08 Jan 2026 12:00:00 GMT")
    );
    assert_eq!(
        dates(&noon().date_offset(-900).start()),
        thrice("Thu, 08 Jan 2026 11:45:00 GMT")
    );
    assert_eq!(dates(&noon().without_date().start()), [None, None, None]);
    let stepping = noon().start();
    for (offset, date) in [
        (600, "Thu, 08 Jan 2026 12:10:00 GMT"),
        (-900, "Thu, 08 Jan 2026 11:45:00 GMT"),
        (0, "Thu, 08 Jan 2026 12:00:00 GMT"),
    ] {
        stepping.date_offset(offset);
        assert_eq!(dates(&stepping), thrice(date));
        assert_eq!(stepping.now(), 1_767_873_600, "the data stays as it is");
    }
}

#[test]
fn head_gets_no_body() {
    let emulator = empty().start();
    let mut raw = Raw::connect(&emulator);
    raw.send("HEAD /v2/metrics/cloud/descriptors/resources HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = raw.until("\r\n\r\n");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .expect("a length");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && length != "0",
        "{head}"
    );
    raw.send(
        "HEAD /v2/metrics/cloud/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    let (rest, error) = raw.rest();
    let rest = String::from_utf8(rest).expect("text");
    assert!(
        rest.starts_with("HTTP/1.1 405 Method Not Allowed\r\n") && rest.ends_with("\r\n\r\n"),
        "{rest}"
    );
    assert!(rest.contains("Connection: close\r\n"), "{rest}");
    assert_eq!(error, None, "closed as TLS wants it");
}

#[test]
fn bodies_may_be_chunked_announced_and_pipelined() {
    let emulator = empty().start();
    put(&emulator, "a", 0, 7.0);
    let body = query(SENT, &json!({})).to_string();
    let (left, right) = body.split_at(30);
    let mut raw = Raw::connect(&emulator);
    raw.send(&head(&emulator, "Transfer-Encoding: chunked\r\n"));
    raw.send(&format!("1e;name=value\r\n{left}\r\n"))
        .send(&format!(
            "{:x}\r\n{right}\r\n0\r\nTrailer: 1\r\n\r\n",
            right.len()
        ));
    assert!(raw.read_response().0.starts_with("HTTP/1.1 200"));

    raw.send(&head(
        &emulator,
        &format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len()),
    ));
    assert_eq!(raw.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    raw.send(&body);
    assert!(raw.read_response().0.starts_with("HTTP/1.1 200"));

    let whole = format!(
        "{}{body}",
        head(&emulator, &format!("Content-Length: {}\r\n", body.len()))
    );
    raw.send(&format!("{whole}{whole}"));
    for _ in 0..2 {
        let (_, response) = raw.read_response();
        assert_eq!(
            response,
            br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":7.0}]}"#
        );
    }
    assert_eq!(emulator.connections(), 1);
    let texts: Vec<_> = emulator
        .requests()
        .iter()
        .map(|request| (request.text(), request.status))
        .collect();
    assert_eq!(texts, vec![(body, 200); 4]);
}

#[test]
fn invalid_requests_are_rejected_and_the_connection_is_closed() {
    let emulator = empty().start();
    let host = "Host: localhost\r\n";
    for (sent, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/3.0\r\n\r\n".to_owned(), 505),
        (
            format!("POST / HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"),
            400,
        ),
        (
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 99999999999\r\n\r\n"),
            413,
        ),
        (
            format!(
                "POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            ),
            400,
        ),
        (
            format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip\r\n\r\n"),
            501,
        ),
        (
            format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400,
        ),
        (
            format!(
                "POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"
            ),
            413,
        ),
        (
            format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n1\r\nabc"),
            400,
        ),
        (
            format!("GET / HTTP/1.1\r\n{host}A: {}", "a".repeat(70_000)),
            431,
        ),
        (
            format!("GET / HTTP/1.1\r\n{host}{}\r\n", "A: a\r\n".repeat(70)),
            431,
        ),
    ] {
        let mut raw = Raw::connect(&emulator);
        let (response, _) = raw.send(&sent).rest();
        let response = String::from_utf8_lossy(&response).into_owned();
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{sent:.60}: {response}"
        );
        assert!(response.contains("Connection: close"), "{response}");
    }
    assert!(emulator.requests().is_empty());
}

#[test]
fn connections_are_closed_for_http_1_0_and_on_request() {
    let emulator = empty().start();
    for request in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n",
    ] {
        let (response, end) = Raw::connect(&emulator).send(request).rest();
        assert!(response.starts_with(b"HTTP/1.1 404 "), "{request}");
        assert_eq!(end, None);
    }
}

#[test]
fn a_connection_is_kept() {
    let emulator = empty().start();
    let agent = agent(&emulator);
    for _ in 0..5 {
        let body = query(SENT, &json!({})).to_string();
        post(
            &agent,
            &emulator,
            "/v2/metrics/cloud/query",
            &cloud(&emulator),
            &body,
        )
        .expect("a response");
    }
    assert_eq!((emulator.connections(), emulator.requests().len()), (1, 5));
}

#[test]
fn responses_are_compressed_for_clients_that_accept_gzip() {
    let plain = |emulator: &Emulator, accept: &str| {
        let body = query(SENT, &json!({})).to_string();
        let lines = format!("Content-Length: {}\r\n{accept}", body.len());
        Raw::connect(emulator)
            .send(&format!("{}{body}", head(emulator, &lines)))
            .read_response()
    };
    let emulator = empty().start();
    put(&emulator, "a", 0, 7.0);
    for accept in [
        "Accept-Encoding: br, gzip;q=0.5\r\n",
        "Accept-Encoding: *\r\n",
    ] {
        let (head, body) = plain(&emulator, accept);
        assert!(
            head.contains("Content-Encoding: gzip\r\n"),
            "{accept}: {head}"
        );
        let mut text = String::new();
        GzDecoder::new(body.as_slice())
            .read_to_string(&mut text)
            .expect("gzip");
        assert!(text.contains("\"value\":7.0"), "{text}");
    }
    for accept in [
        "",
        "Accept-Encoding: br\r\n",
        "Accept-Encoding: gzip;q=0\r\n",
    ] {
        let (head, body) = plain(&emulator, accept);
        assert!(
            !head.contains("Content-Encoding") && body.starts_with(b"{"),
            "{accept}: {head}"
        );
    }
    let never = empty().gzip(false).start();
    assert!(
        !plain(&never, "Accept-Encoding: gzip\r\n")
            .0
            .contains("Content-Encoding")
    );
}

#[test]
fn plain_http_and_strangers_get_nowhere() {
    let emulator = empty().start();
    let mut socket =
        TcpStream::connect(emulator.url().trim_start_matches("https://")).expect("a connection");
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("sent");
    let mut response = Vec::new();
    let _ = socket.read_to_end(&mut response);
    assert!(!response.starts_with(b"HTTP"), "{response:?}");
    // Another emulator's authority is not this one's.
    let other = empty().start();
    let error = agent(&other)
        .get(emulator.url())
        .call()
        .expect_err("an unknown authority");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(emulator.requests().is_empty());
}

#[test]
fn both_names_of_loopback_are_in_the_certificate() {
    let emulator = empty().start();
    let port = emulator
        .url()
        .rsplit(':')
        .next()
        .expect("a port")
        .to_owned();
    assert_eq!(emulator.url(), format!("https://127.0.0.1:{port}"));
    let agent = agent(&emulator);
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(
            agent
                .get(format!("https://{host}:{port}/"))
                .call()
                .expect(host)
                .status(),
            404
        );
    }
}

#[test]
fn every_operation_is_strict_about_http() {
    let emulator = Emulator::builder().clock(NOON).start();
    let send = |method: &str, path: &str, lines: &str| {
        let (body, length) = if method == "GET" || method == "HEAD" {
            ("", 0)
        } else {
            ("{}", 2)
        };
        let text = format!(
            "{method} /v2/metrics/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n{lines}\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            cloud(&emulator)
        );
        String::from_utf8(Raw::connect(&emulator).send(&text).rest().0).expect("text")
    };
    let status = |method: &str, path: &str, lines: &str| {
        let response = send(method, path, lines);
        response
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse::<u16>().ok())
            .expect("a status")
    };
    let json = "Content-Type: application/json\r\n";
    for (path, query, is_post) in [
        ("query", "", true),
        ("attributes", "", true),
        ("descriptors/metrics", "", false),
        ("descriptors/resources", "", false),
        ("discovery", "", false),
        ("export", "?resource.kafka.id=lkc-1", false),
    ] {
        let whole = format!("cloud/{path}{query}");
        for method in [
            "PUT",
            "DELETE",
            "PATCH",
            "OPTIONS",
            if is_post { "GET" } else { "POST" },
        ] {
            let response = send(method, &whole, json);
            let allow = if is_post {
                "\r\nAllow: POST\r\n"
            } else {
                "\r\nAllow: GET, HEAD\r\n"
            };
            assert!(
                response.starts_with("HTTP/1.1 405 ") && response.contains(allow),
                "{method} {path}: {response}"
            );
        }
        let head = send("HEAD", &whole, "");
        assert!(head.ends_with("\r\n\r\n"), "{path}: {head}");
        assert!(
            head.starts_with(if is_post {
                "HTTP/1.1 405 "
            } else {
                "HTTP/1.1 200 "
            }),
            "{path}: {head}"
        );
        assert!(
            !head.contains("Content-Length: 0\r\n"),
            "what a body would have: {head}"
        );
        let method = if is_post { "POST" } else { "GET" };
        // The body is read last, and it lacks everything.
        let usual = if is_post { 400 } else { 200 };
        for (dataset, tail, lines, expected) in [
            ("cloud", "", json.to_owned(), usual),
            ("cloud", "/", json.to_owned(), 404),
            ("Cloud", "", json.to_owned(), 404),
            ("cloud", "", format!("{json}Accept: image/png\r\n"), 406),
            ("cloud", "", format!("{json}Accept: */*;q=0\r\n"), 406),
            (
                "cloud",
                "",
                format!("{json}Accept: image/png\r\nAccept: application/*\r\n"),
                usual,
            ),
        ] {
            assert_eq!(
                status(method, &format!("{dataset}/{path}{tail}{query}"), &lines),
                expected,
                "{path} {lines}"
            );
        }
        let text = status(method, &whole, &format!("{json}Accept: text/plain\r\n"));
        assert_eq!(text, if path == "export" { 200 } else { 406 }, "{path}");
        for lines in [
            "",
            "Content-Type: text/plain\r\n",
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        ] {
            let expected = if is_post { 415 } else { 200 };
            assert_eq!(status(method, &whole, lines), expected, "{path} {lines}");
        }
    }
}
