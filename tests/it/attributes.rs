//! Attribute queries: the values of labels.

use confluent_metrics::{AttributeQuery, ErrorKind, Filter, Interval, Labels, Resource};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    NOON, SENT, assert_token_expired_again, client, empty_emulator, interval, put_point,
    requests_with_token,
};

fn topics() -> AttributeQuery {
    AttributeQuery::new(SENT, ["metric.topic"])
        .filter(Resource::kafka("lkc-1"))
        .interval(interval("2026-01-08T11:00:00Z/PT1H"))
}

fn with_topics(count: usize) -> Emulator {
    let emulator = empty_emulator();
    (0..count).for_each(|topic| put_point(&emulator, &format!("t{topic:04}"), 0, 1.0));
    emulator
}

fn render(labels: &[Labels]) -> Vec<&str> {
    labels
        .iter()
        .map(|labels| labels.get("metric.topic").unwrap_or("-"))
        .collect()
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|topic| format!("t{topic:04}")).collect()
}

#[test]
fn every_value_is_returned_once_for_any_page_size() {
    let emulator = with_topics(250);
    let client = client(&emulator);
    for (cap, pages) in [(0, 1), (100, 3), (1, 250)] {
        emulator.page_cap(cap);
        emulator.clear_requests();
        assert_eq!(
            render(&client.attributes(&topics()).unwrap()),
            expected(250),
            "pages of {cap}"
        );
        let requests = emulator.requests();
        assert_eq!(requests.len(), pages);
        assert!(
            requests
                .iter()
                .all(|request| request.body == requests[0].body)
        );
        assert_eq!(
            (&*requests[0].method, &*requests[0].target),
            ("POST", "/v2/metrics/cloud/attributes")
        );
        assert_eq!(
            requests[0].text(),
            r#"{"metric":"io.confluent.kafka.server/sent_bytes","group_by":["metric.topic"],"filter":{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},"limit":1000,"intervals":["2026-01-08T11:00:00Z/2026-01-08T12:00:00Z"]}"#
        );
    }
}

#[test]
fn a_limit_counts_across_pages() {
    let emulator = with_topics(5);
    let client = client(&emulator);
    for (limit, cap, count, requests) in [
        (3, 0, 3, 1),
        (5, 0, 5, 1),
        (9, 0, 5, 1),
        (3, 2, 3, 2),
        (2, 2, 2, 1),
        (1001, 2, 5, 3),
    ] {
        emulator.page_cap(cap);
        emulator.clear_requests();
        let values = client.attributes(&topics().limit(limit)).unwrap();
        assert_eq!(render(&values), expected(count), "{limit} by {cap}");
        assert_eq!(emulator.requests().len(), requests);
    }
    let many = with_topics(1100);
    let values = crate::support::client(&many)
        .attributes(&topics().limit(1050))
        .unwrap();
    assert_eq!(render(&values), expected(1050));
    assert_eq!(many.requests().len(), 2);
}

#[test]
fn filters_intervals_and_several_labels_reach_the_service() {
    let emulator = empty_emulator();
    put_point(&emulator, "early", -300, 1.0);
    put_point(&emulator, "late", 30, 1.0);
    put_point(&emulator, "audit", 30, 1.0);
    emulator.put(SENT, &[("resource.kafka.id", "lkc-1")], NOON - 60, 1.0);
    let client = client(&emulator);
    let values = client.attributes(&topics()).unwrap();
    assert_eq!(
        render(&values),
        ["-", "audit", "late"],
        "a series without the label is there, without it"
    );
    assert!(values[0].is_empty());
    let both = topics()
        .interval(interval("2026-01-08T06:00:00Z/PT1H"))
        .filter(!Filter::eq("metric.topic", "audit"));
    assert_eq!(
        render(&client.attributes(&both).unwrap()),
        ["-", "early", "late"]
    );
    let pairs = AttributeQuery::new(SENT, ["resource.kafka.id", "metric.topic"])
        .filter(Resource::kafka("lkc-1"))
        .interval(interval("2026-01-08T00:00:00Z/P1D"));
    let pairs: Vec<_> = client
        .attributes(&pairs)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        pairs,
        [
            r#"{resource.kafka.id="lkc-1"}"#,
            r#"{metric.topic="audit", resource.kafka.id="lkc-1"}"#,
            r#"{metric.topic="early", resource.kafka.id="lkc-1"}"#,
            r#"{metric.topic="late", resource.kafka.id="lkc-1"}"#,
        ]
    );
}

#[test]
fn times_are_resolved_before_anything_is_sent() {
    let emulator = Emulator::builder().page_cap(5).start();
    let client = client(&emulator);
    let test_query = AttributeQuery::new(SENT, ["metric.topic"]).filter(Resource::kafka("lkc-1"));
    assert!(
        client.attributes(&test_query).unwrap().len() >= 10,
        "of the last hour"
    );
    let relative = test_query
        .clone()
        .interval(Interval::last_hours(1))
        .interval("now-2h|h/now".parse().unwrap());
    assert!(client.attributes(&relative).unwrap().len() >= 10);
    let requests = emulator.requests();
    assert!(requests.len() >= 6);
    assert!(
        requests
            .iter()
            .all(|request| !request.text().contains("now"))
    );
}

#[test]
fn an_expired_token_restarts_the_list_once() {
    let emulator = with_topics(5);
    emulator.page_cap(2);
    let expired = r#"{"errors":[{"status":"400","detail":"page_token has expired"}]}"#;
    emulator.fault(Fault::status(400).body(expired).skip(2));
    assert_eq!(
        render(&client(&emulator).attributes(&topics()).unwrap()),
        expected(5)
    );
    assert_eq!(
        requests_with_token(&emulator),
        [false, true, true, false, true, true]
    );
    // The first token, and the one after the restart.
    emulator.fault(Fault::status(400).body(expired).skip(1));
    emulator.fault(Fault::status(400).body(expired).skip(2));
    let error = client(&emulator).attributes(&topics()).unwrap_err();
    assert_token_expired_again(&error);
}

#[test]
fn a_repeated_value_counts_once_and_a_repeated_token_is_an_error() {
    let emulator = empty_emulator();
    let page = |token: &str| {
        format!(
            r#"{{"data":[{{"metric.topic":"a","metric.partition":null}},{{"metric.topic":"a"}},{{"metric.topic":7}}],"meta":{{"pagination":{{"next_page_token":{token}}}}}}}"#
        )
    };
    emulator.fault(Fault::status(200).body(page(r#""x+/=""#)));
    emulator.fault(Fault::status(200).body(page("null")));
    assert_eq!(
        render(&client(&emulator).attributes(&topics()).unwrap()),
        ["a", "7"]
    );
    assert_eq!(
        emulator.requests()[1].target,
        "/v2/metrics/cloud/attributes?page_token=x%2B%2F%3D"
    );
    emulator.fault(Fault::status(200).body(page(r#""x""#)).times(9));
    let error = client(&emulator).attributes(&topics()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().ends_with("duplicate page token"));
    assert_eq!(emulator.requests().len(), 4);
}

#[test]
fn the_documented_response_is_decoded_and_invalid_ones_are_refused() {
    let emulator = empty_emulator();
    let documented = include_str!("../data/wire/attributes-doc-01.json");
    // The document's response has a further page.
    emulator.fault(Fault::status(200).body(documented));
    emulator.fault(Fault::status(200).body(r#"{"data":[],"meta":{"pagination":{"page_size":3}}}"#));
    assert_eq!(
        render(&client(&emulator).attributes(&topics().limit(4)).unwrap()),
        ["bar", "baz", "foo"]
    );
    assert!(
        emulator.requests()[1]
            .target
            .ends_with("?page_token=dG9waWNC")
    );
    emulator.fault(Fault::status(200).body(documented));
    assert_eq!(
        render(&client(&emulator).attributes(&topics().limit(3)).unwrap()),
        ["bar", "baz", "foo"]
    );
    let requested =
        "attribute query for metric.topic of io.confluent.kafka.server/sent_bytes failed: ";
    let endless = format!(r#"{{"data":[{{{}"#, r#""a":7,"#.repeat(300));
    for (body, why) in [
        (
            &*endless,
            ": an object has more than 256 members at line 1 column 1549",
        ),
        (
            r#"{"data":["a"]}"#,
            ": invalid type: string \"a\", expected an object at line 1 column 12",
        ),
        (
            r#"{"data":[{"a":"b","a":"c"}]}"#,
            ": item 1: duplicate label \"a\"",
        ),
        (
            r#"{"data":null}"#,
            ": invalid type: null, expected a sequence at line 1 column 12",
        ),
    ] {
        emulator.fault(Fault::status(200).body(body));
        let error = client(&emulator).attributes(&topics()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(
            error.to_string(),
            format!("{requested}cannot decode an attributes response{why}")
        );
    }
}

#[test]
fn every_problem_is_named_before_anything_is_sent() {
    let emulator = empty_emulator();
    let error = client(&emulator)
        .attributes(&AttributeQuery::new("", [""]).limit(0))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "attribute query failed: invalid attribute query: \
         metric name is empty; label list contains an empty name; limit must be at least 1"
    );
    assert_eq!(emulator.requests().len(), 0);
}
