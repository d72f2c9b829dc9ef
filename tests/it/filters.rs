//! Filters that nest too deeply, in every call that takes one.

use confluent_metrics::check::{Check, Format, Status, Threshold};
use confluent_metrics::{AttributeQuery, ErrorKind, Filter, Query, Resource};

use crate::support::{SENT, by_topic, client, empty_emulator};

/// Returns a filter whose tree is deeper than any stack.
fn deep() -> Filter {
    (0..200_000).fold(Filter::from(Resource::kafka("lkc-1")), |filter, _| !filter)
}

fn deep_query() -> Query {
    by_topic().filter(deep())
}

#[test]
fn a_filter_that_nests_too_deeply_is_refused_by_every_call() {
    let emulator = empty_emulator();
    let client = client(&emulator);
    let attributes = AttributeQuery::new(SENT, ["metric.topic"]).filter(deep());
    for error in [
        client.query(&deep_query()).unwrap_err(),
        client
            .query_pages(&deep_query())
            .next()
            .unwrap()
            .unwrap_err(),
        client.request_bodies(&deep_query()).unwrap_err(),
        client.attributes(&attributes).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let why = "query: filter exceeds 50 levels of nesting";
        assert!(error.to_string().ends_with(why), "{error}");
    }
    assert_eq!(emulator.requests().len(), 0);
}

#[test]
fn a_check_with_such_a_filter_is_unknown_in_every_format() {
    let emulator = empty_emulator();
    let check = Check::new(deep_query()).critical(Threshold::above(1.0));
    let report = check.run(&client(&emulator));
    assert_eq!(report.status(), Status::Unknown);
    assert!(
        report
            .summary()
            .contains("filter exceeds 50 levels of nesting"),
        "{report}"
    );
    for format in ["text", "nagios", "junit", "github", "markdown", "json"] {
        report
            .write(format.parse().unwrap(), &mut Vec::new())
            .unwrap();
    }
    let mut json = Vec::new();
    report.write(Format::Json, &mut json).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(json["checks"][0]["filter"].is_null(), "it is never sent");
}

#[test]
fn deep_queries_are_cloned_compared_and_dropped() {
    let (one, other) = (deep_query(), deep_query());
    assert_eq!(one.clone(), other);
    assert_ne!(one, other.filter(Filter::eq("metric.topic", "a")));
    assert!(format!("{one:?}").len() > 200_000);
}
