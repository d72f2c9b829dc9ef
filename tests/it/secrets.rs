//! Secrets are looked for wherever a program might print something.

use confluent_metrics::{
    AttributeQuery, Client, Credentials, DiscoveryRequest, Error, ExportFormat, ExportRequest, Resource,
};
use confluent_metrics_emulator::Fault;

use crate::support::{SENT, builder_as, by_topic, empty};

const KEY: &str = "KEYKEYKEYKEYKEY1";
const SECRET: &str = "s3cr3t+s3cr3t/s3cr3t";
const TOKEN: &str = "tok3n.tok3n.tok3n";

/// The forms in which a secret could show: itself, as base64 with and without its key, and quoted.
fn forms() -> Vec<String> {
    let encoded = "S0VZS0VZS0VZS0VZS0VZMTpzM2NyM3QrczNjcjN0L3MzY3IzdA==";
    let alone = "czNjcjN0K3MzY3IzdC9zM2NyM3Q=";
    [KEY, SECRET, TOKEN, encoded, alone, "Basic ", "Bearer "].map(str::to_owned).to_vec()
}

/// An operation and its name.
type Operation = (&'static str, fn(&Client) -> Result<(), Error>);

/// Every operation, those that give pages first.
const OPERATIONS: [Operation; 8] = [
    ("query", |client| client.query(&by_topic()).map(drop)),
    ("query_pages", |client| client.query_pages(&by_topic()).try_for_each(|page| page.map(drop))),
    ("attributes", |client| client.attributes(&AttributeQuery::new(SENT, ["metric.topic"])).map(drop)),
    ("metric_descriptors", |client| client.metric_descriptors().map(drop)),
    ("resource_descriptors", |client| client.resource_descriptors().map(drop)),
    ("export", |client| client.export(&exported()).map(drop)),
    ("export_text", |client| client.export_text(&exported(), ExportFormat::Prometheus).map(drop)),
    ("discover", |client| client.discover(&DiscoveryRequest::new()).map(drop)),
];

fn exported() -> ExportRequest {
    ExportRequest::new([Resource::kafka("lkc-1")])
}

fn assert_clean(text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{text:?} shows {form:?}");
    }
}

fn assert_clean_error(error: &Error) {
    assert_clean(&format!("{error} {error:?} {error:#?} {:?} {:?}", error.api_errors(), error.hint()));
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        assert_clean(&format!("{error} {error:?}"));
        cause = error.source();
    }
}

#[test]
fn nothing_that_can_be_printed_shows_a_secret() {
    let emulator = empty();
    let key = Credentials::api_key(KEY, SECRET).unwrap();
    let token = Credentials::bearer(TOKEN).unwrap();
    for credentials in [key, token] {
        assert_clean(&format!("{credentials:?}"));
        let builder = builder_as(&emulator, credentials.clone());
        assert_clean(&format!("{builder:?}"));
        let client = builder.build().unwrap();
        assert_clean(&format!("{client:?} {:?}", client.query_pages(&by_topic())));
        assert_clean_error(&client.query(&by_topic()).unwrap_err());
        // A service, or a proxy before it, that echoes what it was sent.
        let echo = format!("{KEY}:{SECRET} {TOKEN} S0VZS0VZS0VZS0VZS0VZMTpzM2NyM3QrczNjcjN0L3MzY3IzdA==");
        let members = format!(r#""id":"{echo}","status":"{echo}","code":"{echo}","detail":"{echo}""#);
        for body in [
            echo.clone(),
            format!(r#"{{"errors":[{{{members}}}]}}"#),
            format!(r#"{{"error":{{"code":"{echo}","message":"{echo}"}}}}"#),
        ] {
            emulator.fault(Fault::status(403).body(body));
            let error = client.query(&by_topic()).unwrap_err();
            assert!(error.to_string().contains("***"), "{error}");
            let other =
                if format!("{credentials:?}").contains("token") { [KEY, SECRET] } else { [TOKEN, TOKEN] };
            // What the credentials in use are not cannot be known for a secret.
            let text = format!("{error:?} {:?}", error.api_errors());
            let text = other.iter().fold(text, |text, other| text.replace(other, ""));
            let own: &[&str] = if other[0] == TOKEN { &[KEY, SECRET, "S0VZS0VZ"] } else { &[TOKEN] };
            assert!(own.iter().all(|secret| !text.contains(secret)), "{text}");
        }
    }
}

#[test]
fn no_operation_shows_a_secret_that_an_answer_echoes() {
    let emulator = empty();
    let client =
        builder_as(&emulator, Credentials::api_key(KEY, SECRET).unwrap()).max_retries(0).build().unwrap();
    let attributes = AttributeQuery::new(SENT, ["metric.topic"]);
    let export = ExportRequest::new([Resource::kafka("lkc-1")]);
    let calls: [&dyn Fn() -> Result<(), Error>; 5] = [
        &|| client.metric_descriptors().map(drop),
        &|| client.attributes(&attributes).map(drop),
        &|| client.export(&export).map(drop),
        &|| client.export_text(&export, ExportFormat::Prometheus).map(drop),
        &|| client.discover(&DiscoveryRequest::new()).map(drop),
    ];
    for call in calls {
        // Long enough that wherever a sentence is cut, it is cut in a secret.
        for before in [0, 40, 100, 140, 150, 290, 295, 299, 300, 310] {
            let text = format!("{}{SECRET}{KEY} {}", "x".repeat(before), SECRET.repeat(40));
            for (status, body) in [
                (403, text.clone()),
                (403, format!(r#"{{"errors":[{{"detail":"{text}"}}]}}"#)),
                (200, text.clone()),
                (200, format!("a 1\na{{b=\"{text}\"}} {text}\n")),
                (200, format!(r#"{{"data":[{{"name":7,"{text}":1}}]}}"#)),
                (200, format!(r#"{{"data":[],"links":{{"next":"https://{KEY}.example/{text}"}}}}"#)),
                (200, format!(r#"[{{"labels":{{"{text}":1,"{text}":2}}}}]"#)),
            ] {
                emulator.fault(Fault::status(status).body(body));
                let Err(error) = call() else { continue };
                let shown = format!("{error:?} {:?}", error.api_errors());
                assert_clean_error(&error);
                assert!((6..SECRET.len()).all(|part| !shown.contains(&SECRET[..part])), "{shown}");
            }
        }
    }
}

#[test]
fn what_is_refused_is_not_repeated() {
    for error in [
        Credentials::api_key(KEY, format!("{SECRET}\n")).unwrap_err(),
        Credentials::api_key(format!("{KEY}:{SECRET}"), SECRET).unwrap_err(),
        Credentials::bearer(format!("{TOKEN}\u{7f}")).unwrap_err(),
        Credentials::bearer(format!("Bearer {TOKEN}")).unwrap_err(),
        Client::builder(Credentials::api_key(KEY, SECRET).unwrap())
            .base_url(format!("https://{KEY}:{SECRET}@api.example"))
            .build()
            .unwrap_err(),
    ] {
        assert_clean_error(&error);
    }
}

#[test]
fn a_secret_is_found_before_the_text_around_it_is_cut() {
    let emulator = empty();
    let client =
        builder_as(&emulator, Credentials::api_key(KEY, SECRET).unwrap()).max_retries(0).build().unwrap();
    for before in [0, 40, 45, 55, 85, 95, 140, 145, 285, 290, 295, 299] {
        let text = format!("{}{SECRET}{}", "x".repeat(before), "y".repeat(300));
        for (status, body) in [
            (400, format!(r#"{{"errors":[{{"detail":"{text}"}}]}}"#)),
            (500, text.clone()),
            (200, format!(r#"{{"data":"{text}"}}"#)),
            (200, format!(r#"{{"data":[{{"points":[{{"timestamp":"{text}","value":1}}]}}]}}"#)),
        ] {
            emulator.fault(Fault::status(status).body(body));
            let error = client.query(&by_topic()).unwrap_err();
            let shown = format!("{error:?} {:?}", error.api_errors());
            assert!((4..SECRET.len()).all(|part| !shown.contains(&SECRET[..part])), "{shown}");
        }
    }
    let origin = format!("https://{}{KEY}.example/", "x".repeat(80));
    for fault in [
        Fault::answer().redirect(307, &origin),
        Fault::answer().redirect(307, &format!("/v2/metrics/cloud/query?a={SECRET}")).times(6),
        Fault::status(200).body("...").header("Content-Encoding", SECRET),
        Fault::status(403).body(format!("bad header: {SECRET}")).cut_body_after(20),
        Fault::status(403).body(format!("bad header: {}", SECRET.replace('/', r"\/"))),
        Fault::status(403).body(format!("bad header: {}", SECRET.replace('+', "%2B").replace('/', "%2F"))),
        Fault::status(403).body("bad header: S0VZS0VZS0VZS0VZS0VZMTpzM2NyM3QrczNjcjN0L3MzY3IzdA"),
        Fault::status(403).body(format!("bad header: {}", SECRET.replace('/', r"\u002F"))),
        Fault::answer().body(format!(r#"{{"data":[],"errors":["{}"]}}"#, SECRET.replace('+', r"\u002b"))),
    ] {
        emulator.fault(fault);
        let error = client.query(&by_topic()).unwrap_err();
        assert_clean_error(&error);
        assert!(
            !format!("{error:?}").contains("s3cr3t") && !format!("{error:?}").contains("S0VZ"),
            "{error:?}"
        );
    }
}

#[test]
fn what_is_sent_is_never_redacted() {
    let emulator = empty();
    for credentials in [
        Credentials::api_key("cloud", "cloudcloudcloud").unwrap(),
        Credentials::api_key("KEYKEYKEYKEYKEY1", "/v2/metrics/cloud/").unwrap(),
        Credentials::bearer("metrics/cloud").unwrap(),
    ] {
        let client = builder_as(&emulator, credentials).max_retries(0).build().unwrap();
        for (operation, call) in OPERATIONS {
            // A redirect, a page token and a link hold what the credentials hold.
            let moved = "/moved/v2/metrics/cloud/query?page_token=KEYKEYKEYKEYKEY1cloudcloudcloud";
            emulator.clear_requests();
            emulator.fault(Fault::answer().redirect(307, moved));
            emulator.fault(Fault::status(500));
            call(&client).unwrap_err();
            assert_eq!(emulator.requests()[1].target, moved, "{operation}");
        }
        for (operation, call) in &OPERATIONS[..5] {
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
                assert!(emulator.requests()[1].target.ends_with(target), "{operation}");
            }
        }
    }
}

#[test]
fn quotes_around_a_key_are_named_if_it_is_refused() {
    let emulator = empty();
    let (key, secret) = (emulator.api_key(), emulator.api_secret());
    let quoted = format!("\"{secret}\"");
    let hint =
        "remove the quotes around the key, secret or token: its first and its last character are quotes";
    for credentials in [
        Credentials::api_key(key, &quoted).unwrap(),
        Credentials::api_key(format!("'{key}'"), secret).unwrap(),
        Credentials::bearer(format!("'{}'", emulator.bearer_token())).unwrap(),
    ] {
        let client = builder_as(&emulator, credentials).max_retries(0).build().unwrap();
        for (operation, call) in OPERATIONS {
            for status in [401, 403] {
                emulator.fault(Fault::status(status));
                assert_eq!(call(&client).unwrap_err().hint(), Some(hint), "{operation} {status}");
            }
        }
    }
    let client = builder_as(&emulator, Credentials::api_key(key, "wrong").unwrap()).build().unwrap();
    assert_ne!(client.query(&by_topic()).unwrap_err().hint(), Some(hint));
}
