//! Searches everything that a program might print for secrets: any eight characters of one, in
//! every encoding.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use confluent_metrics::{Client, Credentials, Error, ErrorKind};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    EXPORT, NOON, OPERATIONS, Operation, builder_as, by_topic, clusters, empty_emulator,
};

const KEY: &str = "KEYKEYKEYKEYKEY1";
/// Characters that some encoding escapes, and some that look like an escape.
const SECRET: &str = "s3cr3t+Q/x=\"<'&\\{%2B:ü~zW8";
const TOKEN: &str = "t0k3n.A-b_C~d+E/f=.0123456789";

/// An encoding of text.
type Form = fn(&str) -> String;

const FORMS: [Form; 13] = [
    str::to_owned,
    json,
    |text| json(text).replace('/', r"\/"),
    |text| json(&json(text)),
    |text| {
        text.encode_utf16()
            .fold(String::new(), |all, unit| all + &format!("\\u{unit:04x}"))
    },
    |text| percent(text, false),
    |text| percent(text, true).to_ascii_lowercase(),
    |text| percent(&percent(text, false), false),
    |text| percent(&percent(text, true), true),
    |text| {
        text.chars().fold(String::new(), |all, c| {
            all + &format!("&#{};", u32::from(c))
        })
    },
    |text| {
        text.chars().fold(String::new(), |all, c| {
            all + &format!("&#x{:X};", u32::from(c))
        })
    },
    named,
    |text| json(&named(text)),
];

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str, all: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() && !all {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
    }
    encoded
}

fn named(text: &str) -> String {
    let names = [
        ("&", "&amp;"),
        ("<", "&lt;"),
        ("\"", "&quot;"),
        ("'", "&apos;"),
        ("/", "&sol;"),
        ("+", "&plus;"),
    ];
    names
        .iter()
        .fold(text.to_owned(), |text, (c, name)| text.replace(c, name))
}

/// The texts that must not be shown.
struct Secrets {
    credentials: Credentials,
    /// The complete secrets.
    whole: Vec<String>,
    /// Every eight characters of them in every encoding, by their first eight bytes.
    pieces: HashMap<[u8; 8], Vec<String>>,
}

impl Secrets {
    fn new(credentials: Credentials, whole: &[&str]) -> Self {
        let mut pieces: HashMap<[u8; 8], Vec<String>> = HashMap::new();
        for secret in whole {
            let chars: Vec<char> = secret.chars().collect();
            for window in chars.windows(8) {
                let window: String = window.iter().collect();
                for form in FORMS {
                    let piece = form(&window);
                    pieces
                        .entry(piece.as_bytes()[..8].try_into().unwrap())
                        .or_default()
                        .push(piece);
                }
            }
        }
        Self {
            credentials,
            whole: whole.iter().map(|secret| (*secret).to_owned()).collect(),
            pieces,
        }
    }

    fn of_key() -> Self {
        let header = "Basic S0VZS0VZS0VZS0VZS0VZMTpzM2NyM3QrUS94PSI8JyZceyUyQjrDvH56Vzg=";
        Self::new(
            Credentials::api_key(KEY, SECRET).unwrap(),
            &[SECRET, header],
        )
    }

    fn of_token() -> Self {
        Self::new(
            Credentials::bearer(TOKEN).unwrap(),
            &[TOKEN, &format!("Bearer {TOKEN}")],
        )
    }

    /// The same token, but of a function.
    fn of_provider() -> Self {
        let secrets = Self::of_token();
        Self {
            credentials: Credentials::bearer_from(|| Ok(TOKEN.to_owned())),
            ..secrets
        }
    }

    /// Returns texts that contain the secrets, complete and cut, in every encoding.
    fn echoes(&self) -> Vec<String> {
        let mut echoes = Vec::new();
        for secret in &self.whole {
            let chars: Vec<char> = secret.chars().collect();
            let part = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
            let (third, end) = (chars.len() / 3, chars.len());
            for form in FORMS {
                let [whole, start, middle, last] = [
                    part(0, end),
                    part(0, 9),
                    part(third, third + 10),
                    part(end - 8, end),
                ]
                .map(|part| form(&part));
                echoes.push(format!("bad key {whole}, {start}...{last} or {middle}"));
            }
        }
        echoes
    }

    fn assert_hidden(&self, text: &str) {
        for (at, start) in text.as_bytes().windows(8).enumerate() {
            for piece in self.pieces.get(start).into_iter().flatten() {
                let is_shown = text.as_bytes()[at..].starts_with(piece.as_bytes());
                assert!(!is_shown, "{text:?} shows {piece:?}");
            }
        }
        assert!(!text.contains(KEY), "{text:?} shows the key");
    }

    /// Searches everything that an error shows.
    fn assert_hidden_in(&self, error: &Error) {
        let mut shown = format!(
            "{error} {error:?} {error:#?} {:?} {:?}",
            error.hint(),
            error.body()
        );
        shown += error.body().unwrap_or_default();
        for entry in error.api_errors() {
            write!(shown, " {entry:?}").unwrap();
            for member in [entry.id(), entry.status(), entry.code(), entry.detail()]
                .into_iter()
                .flatten()
            {
                shown += member;
            }
        }
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            write!(shown, " {error} {error:?} {error:#?}").unwrap();
            cause = error.source();
        }
        self.assert_hidden(&shown);
    }
}

/// Returns the bodies of error responses that a message quotes, with a text in every place.
fn error_bodies(text: &str) -> [String; 11] {
    let quoted = serde_json::to_string(text).unwrap();
    let raw = without_escapes(text);
    let members = format!(r#""id":{quoted},"status":{quoted},"code":{quoted},"detail":{quoted}"#);
    [
        text.to_owned(),
        format!(r#"{{"errors":[{{{members}}}]}}"#),
        format!(r#"{{"errors":[{quoted}]}}"#),
        format!(r#"{{"errors":[{{"message":{quoted}}},{{"title":{quoted}}}]}}"#),
        format!(r#"{{"error":{{"code":{quoted},"message":{quoted}}}}}"#),
        format!(r#"{{"error":{quoted},"error_description":{quoted}}}"#),
        format!(r#"{{"title":{quoted},"status":{quoted},"detail":{quoted}}}"#),
        format!(r#"{{"message":[{quoted},{quoted}]}}"#),
        format!(r#"{{"fault":{{"faultstring":{quoted}}}}}"#),
        format!(r#"{{"{raw}":[{quoted}]}}"#),
        format!("<html>{text}</html>"),
    ]
}

/// Returns the characters of a text that need no escape in JSON.
fn without_escapes(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '"' | '\\') && c.is_ascii())
        .collect()
}

/// Returns responses with a text in every place that an error may quote.
fn echoing(text: &str) -> Vec<Fault> {
    let quoted = serde_json::to_string(text).unwrap();
    let raw = without_escapes(text);
    let time = "2026-01-08T11:00:00Z";
    let mut faults = Vec::new();
    for body in error_bodies(text) {
        faults.push(Fault::status(400).body(body.clone()));
        faults.push(Fault::status(503).body(format!("{}{body}", " ".repeat(280))));
        let cut = body.len() * 2 / 3;
        faults.push(Fault::status(403).body(body).cut_body_after(cut));
    }
    for status in [204, 206, 304, 401, 429] {
        faults.push(Fault::status(status).body(text));
    }
    // Bodies of successful responses.
    for body in [
        text.to_owned(),
        quoted.clone(),
        format!(r#"{{"data":{quoted}}}"#),
        format!(r#"{{"data":[],"errors":[{quoted}]}}"#),
        format!(r#"{{"data":[{{"timestamp":{quoted},"value":1,"points":[]}}]}}"#),
        format!(r#"{{"data":[{{"points":[{{"timestamp":{quoted},"value":1}}]}}]}}"#),
        format!(r#"{{"data":[{{"points":[{{"timestamp":"{time}","value":{quoted}}}]}}]}}"#),
        format!(r#"{{"data":[{{{quoted}:"a",{quoted}:"b","points":[]}}]}}"#),
        format!(
            r#"{{"data":[{{"metric.topic":{quoted},"points":[{{"timestamp":"{time}","value":1}},{{"timestamp":"{time}","value":2}}]}}]}}"#
        ),
        format!(r#"{{"data":[],"meta":{{"pagination":{{"next_page_token":[{quoted}]}}}}}}"#),
        format!(r#"{{"data":[],"meta":{quoted}}}"#),
        format!(r#"{{"data":[],"links":{{"next":{quoted}}}}}"#),
        format!(r#"{{"data":[],"links":{{"next":"https://{raw}.example/{raw}"}}}}"#),
        format!(r#"{{"data":[{{"name":7,{quoted}:1}}]}}"#),
        format!(r#"{{"data":[{{"type":{quoted},"labels":{quoted}}}]}}"#),
        format!(r#"[{{"targets":{quoted},"labels":{{{quoted}:1,{quoted}:2}}}}]"#),
        format!("<html>{text}</html>"),
        format!("{text}\n"),
        format!("a{{b={quoted}}} {raw}\n"),
        format!("a{{b={quoted}}} 1\na{{b={quoted}}} 2\n"),
        format!("# TYPE {raw} {raw}\n{raw} 1\n"),
        format!(
            "a 1\nconfluent_scrape_resource_access_error{{resource_id={quoted},resource_type={quoted}}} 1\n"
        ),
        format!(
            "a 1\nexport_status{{export_status=\"error\",metric={quoted},resource=\"kafka\"}} 1\n"
        ),
    ] {
        faults.push(Fault::status(200).body(body.clone()));
        // The same page token twice.
        let next =
            format!(r#"{{"data":[],"meta":{{"pagination":{{"next_page_token":{quoted}}}}}}}"#);
        faults.push(Fault::status(200).body(next).times(3));
    }
    let header: String = raw.chars().filter(|c| !c.is_control()).collect();
    for name in [
        "Content-Encoding",
        "Transfer-Encoding",
        "Retry-After",
        "rateLimit-limit",
        "Content-Type",
    ] {
        for status in [200, 429] {
            faults.push(Fault::status(status).body("...").header(name, &header));
        }
    }
    let host: String = raw
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    for location in [
        header.clone(),
        format!("https://{header}.example/{header}"),
        format!("https://{}{host}.example/", "x".repeat(80)),
        format!("https://{host}:{host}@{host}.example/?{header}"),
        format!("http://{host}/"),
    ] {
        faults.push(Fault::real_response().redirect(307, &location));
    }
    faults.push(
        Fault::real_response()
            .redirect(307, &format!("/v2/metrics/cloud/query?{host}"))
            .times(6),
    );
    faults.push(Fault::not_http().body(format!("{text}\r\n\r\n")));
    faults.push(Fault::not_http().body(format!("HTTP/1.1 200 {header}\r\n{header}\r\n\r\n")));
    faults.push(Fault::not_http().body(format!("HTTP/1.1 999999 {header}\r\n\r\n")));
    faults.push(Fault::not_http().body(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {header}\r\n\r\n"
    )));
    faults.push(Fault::not_http().body(format!("HTTP/1.1 200 OK\r\n{header}: a\r\n\r\n")));
    faults
}

/// Reports an incomplete export as an error, so that its text is searched too.
const COMPLETE_EXPORT: Operation = Operation {
    call: |client| client.export(&clusters())?.require_complete().map(drop),
    ..EXPORT
};

#[test]
fn nothing_that_can_be_printed_shows_a_secret() {
    let emulator = empty_emulator();
    for secrets in [
        Secrets::of_key(),
        Secrets::of_token(),
        Secrets::of_provider(),
    ] {
        let builder = builder_as(&emulator, secrets.credentials.clone());
        secrets.assert_hidden(&format!("{:?} {builder:?}", secrets.credentials));
        let client = builder.build().unwrap();
        secrets.assert_hidden(&format!("{client:?} {:?}", client.query_pages(&by_topic())));
        secrets.assert_hidden_in(&client.query(&by_topic()).unwrap_err());
    }
}

#[test]
fn no_form_of_a_secret_is_shown_by_a_query() {
    for secrets in [Secrets::of_key(), Secrets::of_token()] {
        search(&secrets, &OPERATIONS[..1], 5);
    }
    search(&Secrets::of_provider(), &OPERATIONS[..1], 3);
}

#[test]
fn no_operation_shows_a_secret_that_a_response_echoes() {
    let mut operations = OPERATIONS[1..].to_vec();
    operations.push(COMPLETE_EXPORT);
    for secrets in [Secrets::of_key(), Secrets::of_token()] {
        search(&secrets, &operations, 1);
    }
}

/// Sends every response to every operation, each with `count` of the echoes.
fn search(secrets: &Secrets, operations: &[Operation], count: usize) {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .gzip(false)
        .start();
    let client = builder_as(&emulator, secrets.credentials.clone())
        .max_retries(0)
        .build()
        .unwrap();
    let faults: Vec<_> = secrets.echoes().iter().map(|echo| echoing(echo)).collect();
    let places = faults[0].len();
    let (mut errors, mut redacted, mut turn) = (0, 0, 0);
    for Operation { method, call, .. } in operations {
        for _ in 0..places * count {
            let fault = &faults[(turn + turn / places) % faults.len()][turn % places];
            turn += 1;
            emulator.fault(fault.clone());
            if let Err(error) = call(&client) {
                secrets.assert_hidden_in(&error);
                errors += 1;
                redacted += usize::from(format!("{error:?}").contains("***"));
                assert_ne!(
                    error.kind(),
                    ErrorKind::InvalidInput,
                    "{method} {fault:?} {error:?}"
                );
            }
            emulator.clear_faults();
        }
    }
    assert!(
        errors > 200 && redacted > errors / 4,
        "{redacted} of {errors} were redacted"
    );
}

#[test]
fn no_event_shows_a_secret() {
    let emulator = empty_emulator();
    for secrets in [Secrets::of_key(), Secrets::of_token()] {
        let (sender, events) = mpsc::channel();
        let client = builder_as(&emulator, secrets.credentials.clone())
            .max_retries(1)
            .on_event(move |event| sender.send(format!("{event} {event:?}")).unwrap())
            .build()
            .unwrap();
        let mut redacted = 0;
        // Each retry opens a connection, so some of the echoes have to do.
        for echo in secrets.echoes().iter().step_by(5) {
            for body in error_bodies(echo) {
                // The reason of the retry quotes the first response, and the second ends the call.
                emulator.fault(Fault::status(503).body(body).header("Retry-After", "0"));
                emulator.fault(Fault::status(400));
                client.query(&by_topic()).unwrap_err();
                let shown: Vec<_> = events.try_iter().collect();
                assert_eq!(shown.len(), 5, "{shown:?}");
                for text in shown {
                    secrets.assert_hidden(&text);
                    redacted += usize::from(text.contains("***"));
                }
            }
        }
        assert!(redacted > 30, "{redacted} were redacted");
    }
}

/// Starts a server that sends `reply` on one connection.
fn serve(reply: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The client may have disconnected.
        let _ = stream
            .read(&mut [0; 4096])
            .and_then(|_| stream.write_all(reply.as_bytes()));
    });
    address
}

#[test]
fn no_proxy_and_no_server_without_tls_makes_an_error_show_a_secret() {
    let emulator = empty_emulator();
    let credentials = Credentials::api_key(KEY, SECRET).unwrap();
    let own = Secrets::of_key().whole;
    let own = [
        &own[0],
        &own[1],
        "pr0xy-pa55word",
        "Basic dXNlcjpwcjB4eS1wYTU1d29yZA==",
    ];
    let secrets = Secrets::new(credentials.clone(), &own);
    for echo in secrets.echoes().into_iter().step_by(5) {
        for reply in [
            format!("{echo}\r\n\r\n"),
            format!("HTTP/1.1 {echo}\r\n\r\n"),
            format!("HTTP/1.1 407 {echo}\r\n{echo}: {echo}\r\n\r\n{echo}"),
            format!("HTTP/1.1 407 No\r\nContent-Length: {echo}\r\n\r\n{echo}"),
            format!("HTTP/1.1 302 Found\r\nLocation: http://{echo}/\r\n\r\n{echo}"),
            format!("HTTP/1.1 200 OK\r\n\r\n{echo}"),
        ] {
            let builder = || builder_as(&emulator, credentials.clone()).max_retries(0);
            let proxied = builder().proxy(format!(
                "http://user:pr0xy-pa55word@{}",
                serve(reply.clone())
            ));
            let untls = builder().base_url(format!("https://{}", serve(reply)));
            for client in [proxied, untls] {
                let error = client.build().unwrap().query(&by_topic()).unwrap_err();
                secrets.assert_hidden_in(&error);
            }
        }
    }
}

#[test]
fn invalid_input_is_not_quoted_if_it_may_be_a_secret() {
    let (key, token) = (Secrets::of_key(), Secrets::of_token());
    for error in [
        Credentials::api_key(KEY, format!("{SECRET}\n")).unwrap_err(),
        Credentials::api_key(format!("{KEY}:{SECRET}"), SECRET).unwrap_err(),
        Credentials::api_key(format!("{SECRET} "), KEY).unwrap_err(),
        Credentials::bearer(format!("{TOKEN}\u{7f}")).unwrap_err(),
        Credentials::bearer(format!("Bearer {TOKEN}")).unwrap_err(),
        Client::builder(key.credentials.clone())
            .base_url(format!("https://{KEY}:{SECRET}@api.example"))
            .build()
            .unwrap_err(),
        Client::builder(key.credentials.clone())
            .base_url(format!("https://{TOKEN}@a/"))
            .build()
            .unwrap_err(),
    ] {
        key.assert_hidden_in(&error);
        token.assert_hidden_in(&error);
    }
}

#[test]
fn requests_are_never_redacted() {
    let emulator = empty_emulator();
    for credentials in [
        Credentials::api_key("cloud", "cloudcloudcloud").unwrap(),
        Credentials::api_key("KEYKEYKEYKEYKEY1", "/v2/metrics/cloud/").unwrap(),
        Credentials::bearer("metrics/cloud").unwrap(),
    ] {
        let client = builder_as(&emulator, credentials)
            .max_retries(0)
            .build()
            .unwrap();
        for Operation { method, call, .. } in OPERATIONS {
            // Redirect, page token and link contain the text of the credentials.
            let moved = "/moved/v2/metrics/cloud/query?page_token=KEYKEYKEYKEYKEY1cloudcloudcloud";
            emulator.clear_requests();
            emulator.fault(Fault::real_response().redirect(307, moved));
            emulator.fault(Fault::status(500));
            call(&client).unwrap_err();
            assert_eq!(emulator.requests()[1].target, moved, "{method}");
        }
        for Operation { method, call, .. } in OPERATIONS.iter().filter(|o| o.has_pages()) {
            for (next, target) in [
                (
                    r#""meta":{"pagination":{"next_page_token":"metrics/cloud"}}"#,
                    "page_token=metrics%2Fcloud",
                ),
                (
                    r#""links":{"next":"/v2/metrics/cloud/next?a=cloudcloudcloud"}"#,
                    "/v2/metrics/cloud/next?a=cloudcloudcloud",
                ),
            ] {
                emulator.clear_requests();
                emulator.fault(Fault::status(200).body(format!(r#"{{"data":[],{next}}}"#)));
                emulator.fault(Fault::status(500));
                call(&client).unwrap_err();
                assert!(emulator.requests()[1].target.ends_with(target), "{method}");
            }
        }
    }
}

#[test]
fn quotes_around_a_key_are_named_if_it_is_refused() {
    let emulator = empty_emulator();
    let (key, secret) = (emulator.api_key(), emulator.api_secret());
    let quoted = format!("\"{secret}\"");
    let hint = "remove the quotes around the key, secret or token: its first and last characters are quotes";
    for credentials in [
        Credentials::api_key(key, &quoted).unwrap(),
        Credentials::api_key(format!("'{key}'"), secret).unwrap(),
        Credentials::bearer(format!("'{}'", emulator.bearer_token())).unwrap(),
    ] {
        let client = builder_as(&emulator, credentials)
            .max_retries(0)
            .build()
            .unwrap();
        for Operation { method, call, .. } in OPERATIONS {
            for status in [401, 403] {
                emulator.fault(Fault::status(status));
                assert_eq!(
                    call(&client).unwrap_err().hint(),
                    Some(hint),
                    "{method} {status}"
                );
            }
        }
    }
    let client = builder_as(&emulator, Credentials::api_key(key, "wrong").unwrap())
        .build()
        .unwrap();
    assert_ne!(client.query(&by_topic()).unwrap_err().hint(), Some(hint));
}
