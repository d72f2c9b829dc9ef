//! Every error of service, network and input, with its complete message.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use confluent_metrics::{Client, Credentials, DiscoveryRequest, Error, ErrorKind};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    ATTRIBUTES, DISCOVER, EXPORT, FOREVER, HANG, METRIC_DESCRIPTORS, OPERATIONS, Operation, QUERY,
    RESOURCE_DESCRIPTORS, all_topics, builder, builder_as, by_topic, client,
    client_without_retries, clusters, empty_emulator, topics,
};

const CONTEXT: &str = "query of io.confluent.kafka.server/sent_bytes failed: ";

/// Returns the message of an error without its context.
fn message(error: &Error) -> String {
    error
        .to_string()
        .strip_prefix(CONTEXT)
        .unwrap_or_else(|| panic!("{error} has no context"))
        .to_owned()
}

#[test]
fn error_responses_map_to_kinds_messages_and_hints() {
    let emulator = empty_emulator();
    let client = client_without_retries(&emulator);
    let json = |body: &str| body.to_owned().into_bytes();
    let role = "check the ids in the filter, resource.kafka.id=\"lkc-1\", and give the owner of the key or token the MetricsViewer role on them (a new role binding or resource can take a few minutes)";
    let cloud_key = "use a Cloud API key (`confluent api-key create --resource cloud`); cluster API keys are rejected";
    let names = "check the metric and label names (such as metric.topic or resource.kafka.id) and the dataset; Client::metric_descriptors lists the names, and MetricDescriptor::closest_matches suggests corrections";
    let rate = "the limit is shared by all clients behind your IP address: query less often, or over longer intervals";
    for (status, body, kind, sentence, hint) in [
        (
            400,
            json(include_str!("../data/wire/error-400-doc-01.json")),
            ErrorKind::Rejected,
            r#"the service returned 400 Bad Request: "fieldA must not be null"; "fieldB must not be null""#,
            Some(names),
        ),
        (
            400,
            json(r#"{"errors":[{"detail":"a"},{"detail":"b"},{"code":"c"},{"detail":"d"},{}]}"#),
            ErrorKind::Rejected,
            r#"the service returned 400 Bad Request: "a"; "b"; "c" and 1 more"#,
            Some(names),
        ),
        (
            401,
            json(r#"{"errors":[{"status":"401","detail":"Invalid credentials"}]}"#),
            ErrorKind::Unauthorized,
            r#"the service returned 401 Unauthorized: "Invalid credentials""#,
            Some(cloud_key),
        ),
        (
            403,
            json(include_str!("../data/wire/error-403-gateway-01.json")),
            ErrorKind::Forbidden,
            r#"the service returned 403 Forbidden: "invalid API key""#,
            Some(role),
        ),
        (
            404,
            json(r#"{"code":404,"message":"HTTP 404 Not Found"}"#),
            ErrorKind::NotFound,
            r#"the service returned 404 Not Found: "HTTP 404 Not Found""#,
            Some("check the dataset name"),
        ),
        (
            408,
            json(""),
            ErrorKind::Timeout,
            "the service returned 408 Request Timeout",
            None,
        ),
        (
            418,
            json("null"),
            ErrorKind::Rejected,
            "the service returned 418 I'm a teapot: \"null\"",
            None,
        ),
        (
            429,
            json(include_str!("../data/wire/error-429-empty-01.txt")),
            ErrorKind::RateLimited,
            "the service returned 429 Too Many Requests",
            Some(rate),
        ),
        (
            429,
            json(include_str!("../data/wire/error-429-export-doc-01.json")),
            ErrorKind::RateLimited,
            r#"the service returned 429 Too Many Requests: "Too many requests have been made for the following resources: kafka.id:lkc-12345. Please see the documentation for current rate limits.""#,
            Some(rate),
        ),
        (
            499,
            json(r#"{"error":"plain"}"#),
            ErrorKind::Rejected,
            r#"the service returned 499: "plain""#,
            None,
        ),
        (
            500,
            json(include_str!("../data/wire/error-500-01.json")),
            ErrorKind::Server,
            r#"the service returned 500 Internal Server Error: "There was an error processing your request. It has been logged (ID xxxxxxxxxxxxxxx).""#,
            None,
        ),
        (
            502,
            json("<!DOCTYPE html>\n<html><body><h1>Bad Gateway</h1></body></html>"),
            ErrorKind::Server,
            "the service returned 502 Bad Gateway: an HTML page, 62 bytes",
            None,
        ),
        (
            503,
            json(include_str!("../data/wire/error-503-01.txt")),
            ErrorKind::Server,
            r#"the service returned 503 Service Unavailable: "upstream connect error or disconnect/reset before headers. reset reason: overflow""#,
            None,
        ),
        (
            503,
            b"\x1b[31mred\x00\r\nHost: x\xff".to_vec(),
            ErrorKind::Server,
            "the service returned 503 Service Unavailable: \"\\u{1b}[31mred\\u{0}\\r\\nHost: x\u{fffd}\"",
            None,
        ),
        (
            204,
            json(""),
            ErrorKind::Decode,
            "the service returned 204 No Content",
            None,
        ),
        (
            206,
            json(r#"{"data":[]}"#),
            ErrorKind::Decode,
            r#"the service returned 206 Partial Content: "{"data":[]}""#,
            None,
        ),
        (
            304,
            json(""),
            ErrorKind::Redirect,
            "the service returned 304 Not Modified, not followed",
            Some(
                "check the base URL (ClientBuilder::base_url, CONFLUENT_METRICS_BASE_URL) and whether the network requires a login in a browser",
            ),
        ),
    ] {
        emulator.fault(Fault::status(status).body(body));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(message(&error), sentence);
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!(error.hint(), hint, "{error:?}");
        assert_eq!(error.is_timeout(), kind == ErrorKind::Timeout);
        let transient = [
            ErrorKind::RateLimited,
            ErrorKind::Server,
            ErrorKind::Timeout,
            ErrorKind::Connection,
        ];
        assert_eq!(error.is_transient(), transient.contains(&kind), "{error:?}");
    }
    for (location, sentence) in [
        (
            "https://elsewhere.example/v2?token=x",
            "the service returned 307 Temporary Redirect: redirect to another origin (https://elsewhere.example) not followed",
        ),
        (
            "http://127.0.0.1:1/",
            "the service returned 307 Temporary Redirect: redirect to another origin (http://127.0.0.1:1) not followed",
        ),
    ] {
        emulator.fault(Fault::real_response().redirect(307, location));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(
            (message(&error), error.kind()),
            (sentence.to_owned(), ErrorKind::Redirect)
        );
    }
}

#[test]
fn the_entries_of_an_error_response_can_be_read_one_by_one() {
    let emulator = empty_emulator();
    let body = r#"{"errors":[{"id":"7","status":"400","code":"c","detail":"d","source":{}},{"status":400},7,null]}"#;
    emulator.fault(Fault::status(400).body(body));
    let error = client(&emulator).query(&by_topic()).unwrap_err();
    let [first, second] = error.api_errors() else {
        panic!("{:?}", error.api_errors())
    };
    assert_eq!(
        (first.id(), first.status(), first.code(), first.detail()),
        (Some("7"), Some("400"), Some("c"), Some("d"))
    );
    assert_eq!(
        (second.id(), second.status(), second.detail()),
        (None, Some("400"), None)
    );
    assert_eq!(
        message(&error),
        r#"the service returned 400 Bad Request: "d""#
    );
}

#[test]
fn a_long_error_message_is_cut() {
    let emulator = empty_emulator();
    let reason = "x".repeat(100_000);
    emulator.fault(Fault::status(400).body(format!(
        r#"{{"errors":[{{"detail":"{}"}}]}}"#,
        &reason[..2000]
    )));
    let error = client_without_retries(&emulator)
        .query(&by_topic())
        .unwrap_err();
    assert_eq!(
        message(&error),
        format!(
            "the service returned 400 Bad Request: \"{}…\"",
            &reason[..300]
        )
    );
    emulator.fault(Fault::status(500).body(reason.clone()));
    let error = client_without_retries(&emulator)
        .query(&by_topic())
        .unwrap_err();
    assert_eq!(
        message(&error),
        format!(
            "the service returned 500 Internal Server Error: \"{}…\"",
            &reason[..300]
        )
    );
}

/// Error bodies and the reason in each.
const REASONS: [(&str, &str); 12] = [
    (
        r#"{"errors":["granularity must not be null"]}"#,
        r#""granularity must not be null""#,
    ),
    (
        r#"{"errors":[{"message":"no such label"}]}"#,
        r#""no such label""#,
    ),
    (
        r#"{"errors":[{"title":"Bad Request","detail":"no such label"}]}"#,
        r#""no such label""#,
    ),
    (
        r#"{"type":"about:blank","title":"Not allowed","status":400}"#,
        r#""Not allowed""#,
    ),
    (
        r#"{"title":"Bad Request","status":400,"detail":"no such label"}"#,
        r#""no such label""#,
    ),
    (
        r#"{"error":"invalid_request","error_description":"the token expired"}"#,
        r#""the token expired""#,
    ),
    (r#"{"error":"no such label"}"#, r#""no such label""#),
    (
        r#"{"error":{"code":400,"message":"no such label"}}"#,
        r#""no such label""#,
    ),
    (r#"{"message":"no such label"}"#, r#""no such label""#),
    (
        r#"{"statusCode":400,"message":["a","b"],"error":"Bad Request"}"#,
        r#""a; b""#,
    ),
    (
        "{\n  \"fault\": \"no such label\"\n}",
        r#""{\n  "fault": "no such label"\n}""#,
    ),
    ("no such label\n", r#""no such label""#),
];

#[test]
fn the_reason_is_found_in_every_form_of_error_body() {
    let emulator = Emulator::builder()
        .clock(crate::support::NOON)
        .closed_descriptors(true)
        .start();
    let client = client_without_retries(&emulator);
    for Operation { context, call, .. } in OPERATIONS {
        for (body, reason) in REASONS {
            emulator.fault(Fault::status(400).body(body));
            let error = call(&client).unwrap_err();
            let sentence = format!("the service returned 400 Bad Request: {reason}");
            assert_eq!(error.to_string(), format!("{context} failed: {sentence}"));
            assert_eq!(error.body(), Some(body));
        }
        emulator.fault(Fault::status(400).body(" \r\n"));
        assert_eq!(call(&client).unwrap_err().body(), None);
    }
}

#[test]
fn the_body_of_an_error_is_bounded_and_redacted() {
    let emulator = empty_emulator();
    let secret = "0123456789abcdef";
    let as_secret = builder_as(&emulator, Credentials::api_key("key", secret).unwrap());
    let client = as_secret.max_retries(0).build().unwrap();
    for status in [200, 400, 503] {
        emulator.fault(Fault::status(status).body(format!("\"{secret}ü{}\"", "ü".repeat(100_000))));
        let error = client.query(&by_topic()).unwrap_err();
        let body = error.body().unwrap();
        assert!(
            body.starts_with("\"***üü") && body.ends_with("üü"),
            "{body}"
        );
        assert!((4095..=4096).contains(&body.len()), "{}", body.len());
    }
    // An error without a response has no body.
    let unsent = client.query(&by_topic().limit(0)).unwrap_err();
    assert_eq!(unsent.body(), None);
}

#[test]
fn an_html_page_instead_of_json_is_blamed_on_a_proxy_or_a_login_page() {
    let emulator = empty_emulator();
    let client = client_without_retries(&emulator);
    for Operation { context, call, .. } in OPERATIONS {
        for (page, kind) in [
            ("<html>Sign in</html>\n", "an HTML page"),
            ("\u{feff}\n<!DOCTYPE html>\n", "an HTML page"),
            ("<?xml version=\"1.0\"?>\n", "a markup document"),
        ] {
            emulator.fault(
                Fault::status(200)
                    .body(page)
                    .header("Content-Type", "text/html"),
            );
            let error = call(&client).unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("{context} failed: expected ")),
                "{text}"
            );
            let end = format!(", found {kind}, most likely from a proxy or a login page");
            assert!(text.ends_with(&end), "{text}");
            assert_eq!(
                (error.kind(), error.status()),
                (ErrorKind::Decode, Some(200))
            );
            assert!(
                error
                    .hint()
                    .unwrap()
                    .starts_with("check that nothing responds in place of the service")
            );
            assert_eq!(
                error.body().unwrap().trim_start_matches('\u{feff}'),
                page.trim_start_matches('\u{feff}')
            );
        }
    }
}

#[test]
fn no_part_of_a_secret_is_quoted_from_a_body_that_is_cut() {
    let emulator = Emulator::builder().gzip(false).start();
    let token = "0123456789abcdefghijklmnopqrst";
    let client = builder_as(&emulator, Credentials::bearer(token).unwrap())
        .max_retries(0)
        .build()
        .unwrap();
    for blank in [" ", "\u{3000}"] {
        // The client stops reading in the middle of the token.
        let blanks = blank.repeat((65_536 - 10) / blank.len());
        emulator.fault(Fault::status(500).body(format!("{blanks}{token} and more")));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(
            message(&error),
            "the service returned 500 Internal Server Error: \"***…\""
        );
    }
    // Only the start of a long body is quoted, and none of an HTML page.
    for (start, words) in [
        ("a reason ", format!("\"a reason {}…\"", "x".repeat(291))),
        ("<html>", "an HTML page, 65536 bytes or more".into()),
    ] {
        emulator.fault(Fault::status(500).body(format!("{start}{}", "x".repeat(100_000))));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(
            message(&error),
            format!("the service returned 500 Internal Server Error: {words}")
        );
    }
    // The connection breaks within the token, within an escape in it, and before it.
    for (body, cut, reason) in [
        (format!("bad token {token}"), 30, "bad token ***…"),
        (format!("bad token {token}"), 14, "bad token ***…"),
        (
            format!("bad token {}", token.replace('5', "%35")),
            17,
            "bad token ***…",
        ),
        (format!("bad token {token}"), 10, "bad token…"),
        (
            r#"{"errors":[{"detail":"no such label"}]}"#.into(),
            35,
            r#"{"errors":[{"detail":"no such label…"#,
        ),
    ] {
        emulator.fault(Fault::status(500).body(body.clone()).cut_body_after(cut));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(
            message(&error),
            format!("the service returned 500 Internal Server Error: \"{reason}\"")
        );
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Server, Some(500)),
            "{body}"
        );
    }
}

#[test]
fn an_error_body_that_never_ends_is_not_waited_for() {
    let emulator = Emulator::builder().gzip(false).start();
    // Half of the body is sent.
    emulator.fault(Fault::status(500).body("x".repeat(2 * 65_536)).stall_body());
    let patient = builder(&emulator)
        .max_retries(0)
        .attempt_timeout(FOREVER)
        .deadline(FOREVER);
    let client = patient.build().unwrap();
    let started = Instant::now();
    let error = client.query(&by_topic()).unwrap_err();
    assert!(
        message(&error).starts_with("the service returned 500 Internal Server Error"),
        "{error}"
    );
    assert!(started.elapsed() < HANG, "{:?}", started.elapsed());
}

#[test]
fn errors_of_the_emulator_have_details_and_hints() {
    let emulator = empty_emulator();
    let (cluster_key, roleless_key) = (emulator.cluster_key(), emulator.unprivileged_key());
    let with = |(key, secret): (&str, &str)| {
        builder_as(&emulator, Credentials::api_key(key, secret).unwrap())
            .build()
            .unwrap()
    };
    let token = |token: &str| {
        builder_as(&emulator, Credentials::bearer(token).unwrap())
            .build()
            .unwrap()
    };
    let unfiltered = confluent_metrics::Query::new(
        crate::support::SENT,
        confluent_metrics::Granularity::OneMinute,
        crate::support::interval("2026-01-08T11:00:00Z/PT1H"),
    );
    for (client, query, kind, hint) in [
        (
            with(cluster_key),
            all_topics(),
            ErrorKind::Unauthorized,
            Some("use a Cloud API key"),
        ),
        (
            with((emulator.api_key(), "wrong")),
            all_topics(),
            ErrorKind::Unauthorized,
            Some("use a Cloud API key"),
        ),
        (
            token(emulator.expired_token()),
            all_topics(),
            ErrorKind::Unauthorized,
            Some("bearer tokens expire"),
        ),
        (
            with(roleless_key),
            all_topics(),
            ErrorKind::Forbidden,
            Some("check the ids in the filter, resource.kafka.id="),
        ),
        (
            client(&emulator),
            unfiltered,
            ErrorKind::Forbidden,
            Some("filter by a resource"),
        ),
        (
            client(&emulator),
            all_topics().group_by(["metric.no_such"]),
            ErrorKind::Rejected,
            Some("check the metric and label names"),
        ),
        (
            builder(&emulator).dataset("clowd").build().unwrap(),
            all_topics(),
            ErrorKind::NotFound,
            Some("check the dataset name"),
        ),
    ] {
        let error = client.query(&query).unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(
            error
                .api_errors()
                .iter()
                .any(|entry| entry.detail().is_some()),
            "{error:?}"
        );
        assert!(
            error
                .hint()
                .unwrap_or("none")
                .starts_with(hint.unwrap_or("none")),
            "{error:?}"
        );
    }
}

/// Requests that the service refuses because a name is misspelled.
const METRICS_OF_NO_TYPE: Operation = Operation {
    context: "metric descriptors of kafak",
    call: |client| client.metric_descriptors_for("kafak").map(drop),
    ..METRIC_DESCRIPTORS
};
const ATTRIBUTES_OF_NO_LABEL: Operation = Operation {
    context: "attribute query for metric.topik of io.confluent.kafka.server/sent_bytes",
    call: |client| client.attributes(&topics("metric.topik")).map(drop),
    ..ATTRIBUTES
};
const EXPORT_OF_NO_METRIC: Operation = Operation {
    call: |client| client.export(&clusters().metric("sent_byte")).map(drop),
    ..EXPORT
};
const DISCOVERY_OF_NO_TYPE: Operation = Operation {
    context: "discovery by resource type kafak",
    call: |client| {
        let request = DiscoveryRequest::new().resource_type("kafak");
        client.discover(&request).map(drop)
    },
    ..DISCOVER
};

/// Returns the path of an operation with the query string of a GET request.
fn target(operation: &Operation) -> String {
    let query = match operation.path {
        "export" => "?resource_kafka_id=lkc-1,lkc-2",
        path if path.starts_with("descriptors/") => "?page_size=1000",
        _ => "",
    };
    format!("{}{query}", operation.path)
}

#[test]
fn every_operation_explains_client_errors() {
    let emulator = Emulator::builder()
        .clock(crate::support::NOON)
        .closed_descriptors(true)
        .start();
    let with = |(key, secret): (&str, &str), dataset: &str| {
        let credentials = Credentials::api_key(key, secret).unwrap();
        builder_as(&emulator, credentials)
            .dataset(dataset)
            .max_retries(0)
            .build()
            .unwrap()
    };
    let good = (emulator.api_key(), emulator.api_secret());
    let unauthorized = r#"the service returned 401 Unauthorized: "Invalid credentials""#;
    let cloud_key = "use a Cloud API key (`confluent api-key create --resource cloud`); cluster API keys are rejected";
    for Operation { context, call, .. } in OPERATIONS {
        for (client, dataset) in [
            (with(emulator.cluster_key(), "cloud"), ""),
            (
                with((good.0, "wrong"), "cloud-custom"),
                " (dataset cloud-custom)",
            ),
        ] {
            let error = call(&client).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{context}{dataset} failed: {unauthorized}")
            );
            assert_eq!(
                (error.kind(), error.hint()),
                (ErrorKind::Unauthorized, Some(cloud_key))
            );
        }
        let error = call(&with(good, "clowd")).unwrap_err();
        let start =
            format!("{context} (dataset clowd) failed: the service returned 404 Not Found: ");
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(
            error.hint().unwrap().starts_with("check the dataset name"),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let role = "check the ids in the filter, resource.kafka.id=";
    let roleless = with(emulator.unprivileged_key(), "cloud");
    for (Operation { context, call, .. }, kind, words, hint) in [
        (
            ATTRIBUTES,
            ErrorKind::Forbidden,
            r#"403 Forbidden: "Query must filter by at least one of your authorized resources""#,
            role,
        ),
        (
            EXPORT,
            ErrorKind::Forbidden,
            r#"403 Forbidden: "Unauthorized for the following resources: lkc-1,lkc-2""#,
            "check the resource types and ids",
        ),
    ] {
        let error = call(&roleless).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{context} failed: the service returned {words}")
        );
        assert_eq!(error.kind(), kind);
        assert!(error.hint().unwrap().starts_with(hint), "{error:?}");
    }
    for Operation { call, .. } in [
        METRIC_DESCRIPTORS,
        METRICS_OF_NO_TYPE,
        RESOURCE_DESCRIPTORS,
        DISCOVER,
    ] {
        emulator.fault(Fault::status(403));
        let hint = "use a Cloud API key whose owner has the MetricsViewer role";
        assert_eq!(call(&roleless).unwrap_err().hint(), Some(hint));
    }
    // The hints do not mention labels, because these requests have none.
    for (Operation { call, .. }, hint) in [
        (METRIC_DESCRIPTORS, "check the resource type"),
        (RESOURCE_DESCRIPTORS, "check the dataset name"),
    ] {
        emulator.fault(Fault::status(400));
        let error = call(&roleless).unwrap_err();
        assert!(error.hint().unwrap().starts_with(hint), "{error:?}");
    }
    for (Operation { context, call, .. }, hint) in [
        (
            METRICS_OF_NO_TYPE,
            "check the resource type: Client::resource_descriptors lists the valid ones",
        ),
        (ATTRIBUTES_OF_NO_LABEL, "check the label names"),
        (
            EXPORT_OF_NO_METRIC,
            "check the resource types and metric names",
        ),
        (
            DISCOVERY_OF_NO_TYPE,
            "check that the ids and the resource type exist",
        ),
    ] {
        let error = call(&with(good, "cloud")).unwrap_err();
        let start = format!("{context} failed: the service returned 400 Bad Request: \"");
        assert!(error.to_string().starts_with(&start), "{error}");
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Rejected, Some(400))
        );
        assert!(error.hint().unwrap().starts_with(hint), "{error:?}");
    }
}

#[test]
fn every_operation_maps_gateway_errors() {
    let emulator = empty_emulator();
    let client = client_without_retries(&emulator);
    for operation in OPERATIONS {
        let Operation { context, call, .. } = operation;
        for (fault, kind, sentence) in [
            (
                Fault::status(503).body(include_str!("../data/wire/error-503-01.txt")),
                ErrorKind::Server,
                r#"the service returned 503 Service Unavailable: "upstream connect error or disconnect/reset before headers. reset reason: overflow""#,
            ),
            (
                Fault::status(429),
                ErrorKind::RateLimited,
                "the service returned 429 Too Many Requests",
            ),
            (
                Fault::status(204),
                ErrorKind::Decode,
                "the service returned 204 No Content",
            ),
            (
                Fault::real_response().redirect(307, "https://elsewhere.example/"),
                ErrorKind::Redirect,
                "the service returned 307 Temporary Redirect: redirect to another origin (https://elsewhere.example) not followed",
            ),
        ] {
            emulator.fault(fault);
            let error = call(&client).unwrap_err();
            assert_eq!(error.to_string(), format!("{context} failed: {sentence}"));
            assert_eq!(error.kind(), kind);
        }
        // A GET request follows 303 as well. Every redirect here stays on the origin.
        let is_post = [QUERY.path, ATTRIBUTES.path].contains(&operation.path);
        let status = if is_post { 308 } else { 303 };
        let path = &format!("/v2/metrics/cloud/{}", target(&operation));
        emulator.fault(Fault::real_response().redirect(status, path));
        call(&client).unwrap_or_else(|error| panic!("{context}: {error:?}"));
    }
}

#[test]
fn network_failures_map_to_kinds_and_hints() {
    let emulator = empty_emulator();
    let origin = emulator.url();
    let credentials = || Credentials::api_key("key", "s3cret-value").unwrap();
    let error = |client: Client| client.query(&by_topic()).unwrap_err();
    let cause = |error: &Error| std::error::Error::source(error).unwrap().to_string();

    let unknown_ca = error(
        Client::builder(credentials())
            .base_url(origin)
            .without_proxy()
            .retention(Duration::MAX)
            .build()
            .unwrap(),
    );
    assert_eq!(
        (message(&unknown_ca), unknown_ca.kind()),
        (
            format!("TLS handshake with {origin} failed"),
            ErrorKind::Tls
        )
    );
    assert_eq!(
        cause(&unknown_ca),
        "invalid peer certificate: UnknownIssuer"
    );
    assert!(unknown_ca.hint().unwrap().contains("root_certificates_pem"));
    assert!(!unknown_ca.is_transient());

    let free_port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let closed = format!("https://127.0.0.1:{free_port}");
    let refused = error(
        builder(&emulator)
            .base_url(&closed)
            .max_retries(0)
            .build()
            .unwrap(),
    );
    assert_eq!(
        (message(&refused), refused.kind()),
        (
            format!("connection to {closed} refused"),
            ErrorKind::Connection
        )
    );
    assert!(refused.is_transient());
    let unreached = "check the base URL (ClientBuilder::base_url, CONFLUENT_METRICS_BASE_URL) and whether a proxy is required (ClientBuilder::proxy, HTTPS_PROXY)";
    assert_eq!(refused.hint(), Some(unreached));

    let unknown_host = error(
        builder(&emulator)
            .base_url("https://no-such-host.invalid")
            .max_retries(0)
            .build()
            .unwrap(),
    );
    assert_eq!(
        unknown_host.kind(),
        ErrorKind::Connection,
        "{unknown_host:?}"
    );
    assert!(
        message(&unknown_host).ends_with("https://no-such-host.invalid"),
        "{unknown_host}"
    );
    assert_eq!(unknown_host.hint(), Some(unreached));

    let endless = error(
        builder(&emulator)
            .base_url(format!("{origin}/{}", "a".repeat(70_000)))
            .build()
            .unwrap(),
    );
    assert_eq!(
        (message(&endless), endless.kind()),
        (
            "request URL is too long: request less at once".to_owned(),
            ErrorKind::InvalidInput
        )
    );
    assert_eq!(cause(&endless), "http: uri too long");

    emulator.fault(Fault::real_response().close_before_response());
    let closed = error(client_without_retries(&emulator));
    assert_eq!(
        (message(&closed), closed.kind()),
        (
            format!("connection to {origin} closed before the response was complete"),
            ErrorKind::Connection
        )
    );

    let proxied = error(
        builder(&emulator)
            .max_retries(0)
            .proxy(format!("http://user:s3cret-value@127.0.0.1:{free_port}"))
            .build()
            .unwrap(),
    );
    assert_eq!(
        (message(&proxied), proxied.kind()),
        (
            format!("connection to {origin} via proxy 127.0.0.1:{free_port} refused"),
            ErrorKind::Connection
        )
    );
    let unreached = "check the proxy URL (ClientBuilder::proxy, HTTPS_PROXY, ALL_PROXY) and that the proxy is running";
    assert_eq!(proxied.hint(), Some(unreached));
    assert!(
        !format!("{proxied:?}").contains("s3cret-value"),
        "{proxied:?}"
    );
}

#[test]
fn invalid_settings_are_refused_by_build() {
    let builder = || Client::builder(Credentials::api_key("key", "s3cret-value").unwrap());
    let key_pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (result, sentence) in [
        (
            builder().base_url("http://api.example").build(),
            "invalid base URL \"http://api.example\": the scheme must be https",
        ),
        (
            builder()
                .base_url("https://key:s3cret-value@api.example")
                .build(),
            "base URL must not contain user info: pass the key to Credentials",
        ),
        (builder().dataset("").build(), "invalid dataset name \"\""),
        (
            builder().dataset("..").build(),
            "invalid dataset name \"..\"",
        ),
        (
            builder().attempt_timeout(Duration::ZERO).build(),
            "attempt timeout must be greater than zero",
        ),
        (
            builder().connect_timeout(Duration::ZERO).build(),
            "connect timeout must be greater than zero",
        ),
        (
            builder().deadline(Duration::ZERO).build(),
            "deadline must be greater than zero",
        ),
        (
            builder().proxy("http://user:s3cret-value@:bad").build(),
            "invalid proxy URL: expected http://host:port or http://user:password@host:port",
        ),
        (
            builder().proxy("ftp://127.0.0.1").build(),
            "invalid proxy URL: expected http://host:port or http://user:password@host:port",
        ),
        (
            builder().proxy("socks5://127.0.0.1").build(),
            "invalid proxy URL: expected http:// or https://, since SOCKS is not supported",
        ),
        (
            builder().root_certificates_pem("").build(),
            "invalid root certificates: missing -----BEGIN CERTIFICATE-----",
        ),
        (
            builder().root_certificates_pem(key_pem).build(),
            "invalid root certificates: certificate 1: expected CERTIFICATE, found PRIVATE KEY",
        ),
        (
            builder()
                .root_certificates_pem(
                    "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
                )
                .build(),
            "invalid root certificates: certificate 1: invalid base64",
        ),
        (
            builder().user_agent("").build(),
            "user agent must be non-empty printable ASCII",
        ),
        (
            builder().user_agent("a\r\nHost: x").build(),
            "user agent must be non-empty printable ASCII",
        ),
    ] {
        let error = result.expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!format!("{error:?}").contains("s3cret-value"), "{error:?}");
    }
}
