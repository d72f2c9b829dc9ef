//! Malformed input never panics, and is refused with the right error.

use confluent_metrics::{ErrorKind, Granularity, Interval, Query, QueryResult, Timestamp};
use proptest::prelude::*;

use crate::cases;
use crate::support::{damaged, silent};

const ANSWERS: [&str; 3] = [
    r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":29.316666666666666,"metric.topic":"a"},{"timestamp":"2026-01-01T00:00:00Z","value":1.5E7,"metric.topic":"b"}]}"#,
    r#"{"data":[{"metric.topic":"a","points":[{"timestamp":"2026-01-01T00:00:00Z","value":1},{"timestamp":"2026-01-01T00:01:00.000+05:30","value":null}]}],"meta":{"pagination":{"page_size":1,"next_page_token":"x"}}}"#,
    r#"{"meta":{"pagination":null},"links":{"next":"https://a/b?page_token=c"},"data":[],"é":"\ud83d\ude00"}"#,
];

fn query(is_grouped: bool) -> Query {
    let query = Query::new("m", Granularity::OneMinute, Interval::last_hours(1));
    if is_grouped {
        query.group_by(["metric.topic"])
    } else {
        query
    }
}

#[test]
fn bytes_that_are_no_response_are_a_decode_error() {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        damaged(&ANSWERS),
        damaged(&ANSWERS)
    ];
    proptest!(cases(10_000), |(bytes in bytes, is_grouped in any::<bool>())| {
        if let Err(error) = QueryResult::from_json(&query(is_grouped), &bytes) {
            prop_assert!(matches!(error.kind(), ErrorKind::Decode | ErrorKind::Incomplete), "{:?}", error);
            prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
        } else {
            // Whatever is accepted must be JSON for serde_json.
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    });
}

#[test]
fn text_that_cannot_be_parsed_is_invalid_input() {
    let text = prop_oneof![
        any::<String>(),
        "[0-9TtZzPDHMSWnow|/:+.-]{0,40}",
        "now[-+|0-9mhd]{0,8}/P[0-9TWDHMS]{0,9}"
    ];
    proptest!(cases(10_000), |(text in text)| {
        let errors = [
            text.parse::<Timestamp>().err(),
            text.parse::<Interval>().err(),
            text.parse::<Granularity>().err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
            prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
        }
    });
}

#[test]
fn only_plain_https_urls_are_base_urls() {
    let url = prop_oneof![
        any::<String>(),
        "(https|http|HTTPS|ftp)?(://|:/|//)?[a-zA-Z0-9.@:\\[\\]%_-]{0,20}(/[a-z.%/ é]{0,10})?[?#]?[a-z=]{0,4}",
        "https://[a-z0-9.-]{1,12}(:[0-9]{0,6})?(/[a-z/]{0,8})?",
    ];
    let taken = std::cell::Cell::new(0);
    proptest!(cases(5_000), |(url in url)| {
        match silent().base_url(url.as_str()).build() {
            Ok(_) => {
                taken.set(taken.get() + 1);
                let (scheme, rest) = url.split_once("://").unwrap_or_default();
                prop_assert!(scheme.eq_ignore_ascii_case("https"), "{:?}", url);
                let authority = rest.split('/').next().unwrap_or_default();
                prop_assert!(!authority.is_empty() && !authority.contains('@'), "{:?}", url);
                prop_assert!(!rest.contains(['?', '#', ' ', '\\']) && !rest.contains(char::is_control), "{:?}", url);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
                prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
            }
        }
    });
    assert!(
        taken.get() > 100,
        "only {} of the URLs were good",
        taken.get()
    );
}
