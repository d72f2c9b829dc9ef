//! References in a `Location` header and in `links.next` are resolved by RFC 3986.

use confluent_metrics::ErrorKind;
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    EMPTY_LIST, OPERATIONS, Operation, by_topic, client_without_retries, empty_emulator,
};

/// References and their targets. `{authority}` is that of the service, and `{path}` that
/// of the request. The base is `/v2/metrics/cloud/query` or longer.
const REFERENCES: [(&str, &str); 12] = [
    ("/x?from=/a/../b", "/x?from=/a/../b"),
    ("?from=../b&to=//c", "{path}?from=../b&to=//c"),
    ("/v2/metrics/cloud/../../usm/query", "/v2/usm/query"),
    ("/a/b/../../../c/", "/c/"),
    ("//{authority}/x", "/x"),
    ("//{authority}/a/../x?y", "/x?y"),
    ("https://{authority}/a/./x", "/a/x"),
    ("HTTPS://{authority}/x#fragment", "/x"),
    ("https://{authority}?y", "/?y"),
    ("/x#/../y", "/x"),
    ("/..//a/", "//a/"),
    ("/a:b/", "/a:b/"),
];

fn fill(reference: &str, emulator: &Emulator, path: &str) -> String {
    let authority = emulator.url().trim_start_matches("https://");
    reference
        .replace("{authority}", authority)
        .replace("{path}", path)
}

fn targets(emulator: &Emulator) -> Vec<String> {
    let requests = emulator.requests();
    emulator.clear_requests();
    requests.into_iter().map(|request| request.target).collect()
}

/// Sends the client to every reference by `fault`, and checks the target that it requests.
fn check_references(operation: &Operation, fault: fn(&str) -> Fault) {
    let emulator = empty_emulator();
    let client = client_without_retries(&emulator);
    let method = operation.method;
    let path = format!("/v2/metrics/cloud/{}", operation.path);
    for (reference, target) in REFERENCES {
        emulator.fault(fault(&fill(reference, &emulator, &path)));
        emulator.fault(Fault::status(200).body(operation.empty_response));
        (operation.call)(&client)
            .unwrap_or_else(|error| panic!("{method}: {reference}: {error:?}"));
        let targets = targets(&emulator);
        assert!(
            targets.len() == 2 && targets[0].starts_with(&path),
            "{method}: {reference}"
        );
        assert_eq!(
            targets[1],
            fill(target, &emulator, &path),
            "{method}: {reference}"
        );
    }
}

#[test]
fn a_redirect_resolves_its_reference() {
    for operation in OPERATIONS {
        check_references(&operation, |location| {
            Fault::real_response().redirect(307, location)
        });
    }
}

#[test]
fn a_redirect_may_be_relative_to_the_path() {
    let emulator = empty_emulator();
    let client = client_without_retries(&emulator);
    for (reference, target) in [
        ("../../usm/query", "/v2/usm/query"),
        ("../usm/./query", "/v2/metrics/usm/query"),
        ("./query?a", "/v2/metrics/cloud/query?a"),
        ("..", "/v2/metrics/"),
        (".", "/v2/metrics/cloud/"),
        ("../../../../x", "/x"),
        ("", "/v2/metrics/cloud/query"),
    ] {
        emulator.fault(Fault::real_response().redirect(308, reference));
        emulator.fault(Fault::status(200).body(EMPTY_LIST));
        client
            .query(&by_topic())
            .unwrap_or_else(|error| panic!("{reference}: {error:?}"));
        assert_eq!(
            targets(&emulator),
            ["/v2/metrics/cloud/query", target],
            "{reference}"
        );
    }
    // The second redirect is relative to the target of the first.
    emulator.fault(Fault::real_response().redirect(307, "/a/b/c"));
    emulator.fault(Fault::real_response().redirect(307, "../d"));
    emulator.fault(Fault::status(200).body(EMPTY_LIST));
    client.query(&by_topic()).unwrap();
    assert_eq!(
        targets(&emulator),
        ["/v2/metrics/cloud/query", "/a/b/c", "/a/d"]
    );
}

#[test]
fn a_link_to_the_next_page_resolves_its_reference() {
    for operation in OPERATIONS.iter().filter(|operation| operation.has_pages()) {
        check_references(operation, |link| {
            Fault::status(200).body(format!(r#"{{"data":[],"links":{{"next":"{link}"}}}}"#))
        });
    }
}

#[test]
fn one_link_in_two_forms_is_detected_before_it_is_followed_twice() {
    let emulator = empty_emulator();
    for link in ["/x?a", "//{authority}/y/../x?a"] {
        let link = fill(link, &emulator, "");
        let page = format!(r#"{{"data":[],"links":{{"next":"{link}"}}}}"#);
        emulator.fault(Fault::status(200).body(page));
    }
    let error = client_without_retries(&emulator)
        .metric_descriptors()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.to_string().contains("duplicate page token"),
        "{error}"
    );
    assert_eq!(targets(&emulator).len(), 2);
}

#[test]
fn a_reference_to_another_origin_is_named_and_not_followed() {
    let emulator = empty_emulator();
    let client = client_without_retries(&emulator);
    for (reference, origin) in [
        ("//evil.example/x", "https://evil.example"),
        ("//evil.example", "https://evil.example"),
        ("///x", ""),
        ("//{authority}@evil.example/x", ""),
        ("//user@{authority}/x", ""),
        ("//evil.example:443/../x", "https://evil.example"),
        ("http://{authority}/x", "http://{authority}"),
        ("https:/x", ""),
        ("https:query", ""),
        ("query:", ""),
        ("/ü", ""),
    ] {
        let origin = fill(origin, &emulator, "");
        let reference = fill(reference, &emulator, "");
        emulator.fault(Fault::real_response().redirect(307, &reference));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{reference}");
        let text = match origin.as_str() {
            "" => ": invalid Location header".to_owned(),
            origin => format!(": redirect to another origin ({origin}) not followed"),
        };
        assert!(error.to_string().ends_with(&text), "{reference}: {error}");

        let page = format!(r#"{{"data":[],"links":{{"next":"{reference}"}}}}"#);
        emulator.fault(Fault::status(200).body(page));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{reference}");
        let text = if origin.is_empty() {
            "invalid next-page link"
        } else {
            "next-page link points to another origin"
        };
        assert!(error.to_string().ends_with(text), "{reference}: {error}");
        assert_eq!(
            targets(&emulator),
            ["/v2/metrics/cloud/query"; 2],
            "{reference}"
        );
    }
}
