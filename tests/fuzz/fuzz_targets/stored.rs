//! Stored values: nothing panics, what is read is written as text that is read as the same value,
//! and a filter that is too deep is refused.
//!
//! The first byte chooses the type, and the second one a number of filters around the text.
#![no_main]

mod json;

use std::fmt::Debug;

use confluent_metrics::check::{Change, Format, Missing, Quantifier, Reduce, Status, Threshold};
use confluent_metrics::{
    Aggregation, AttributeQuery, Completeness, Filter, FilterValue, Granularity, Interval, Labels,
    Order, Point, Query, QueryResult, Resource, Series, Timestamp,
};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Every type that can be stored. The types of results come first.
const TYPES: [fn(&[u8]); 23] = [
    check::<QueryResult>,
    check::<Series>,
    check::<Labels>,
    check::<Point>,
    check::<Completeness>,
    check::<Query>,
    check::<AttributeQuery>,
    check::<Filter>,
    check::<FilterValue>,
    check::<Interval>,
    check::<Timestamp>,
    check::<Granularity>,
    check::<Aggregation>,
    check::<Order>,
    check::<Resource>,
    check::<Threshold>,
    check::<Quantifier>,
    check::<Reduce>,
    check::<Change>,
    check::<Missing>,
    check::<Format>,
    check::<Status>,
    check::<Vec<Filter>>,
];

/// Names and texts that mean something.
const WORDS: &str = "metric granularity intervals filter group_by labels aggregation extra_aggregation order \
    limit allow_truncated series completeness points newest_null timestamp value complete \
    limited truncated missing op field filters AND OR NOT EQ GT GTE ALL PT1H SUM MIN \
    DESCENDING last/PT1H retained since/2026-01-01T00:00Z 2026-01-01T00:00:00Z \
    2026-01-01T01:00:00Z 2026-01-01T00:00:00Z/2026-01-01T02:00:00Z last/PT1H@-P1D kafka:lkc-1 \
    10:20 any all mean rate percent warning junit critical";

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed, 2, WORDS)
});

fuzz_target!(|input: &[u8]| {
    let [kind, depth, text @ ..] = input else {
        return;
    };
    TYPES[usize::from(*kind) % TYPES.len()](text);
    let Ok(filter) = serde_json::from_slice::<Filter>(text) else {
        return;
    };
    check_depth(&filter, text, usize::from(*depth) * 100);
});

/// Asserts that a value is read from its own text.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(text) else {
        return;
    };
    let text = match serde_json::to_string(&value) {
        Ok(text) => text,
        Err(error) => {
            assert_eq!(error.to_string(), "filter exceeds 50 levels of nesting");
            return;
        }
    };
    let again: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(again, value, "{text}");
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}

/// Asserts that `depth` filters around a filter are either kept or refused.
fn check_depth(filter: &Filter, text: &[u8], depth: usize) {
    let mut nested = filter.clone();
    for _ in 0..depth {
        nested = !nested;
    }
    assert_eq!(nested.clone(), nested);
    assert!(!nested.to_string().is_empty());
    let text = String::from_utf8_lossy(text);
    let start = r#"{"op":"NOT","filter":"#.repeat(depth);
    let json = format!("{start}{text}{}", "}".repeat(depth));
    match serde_json::from_str::<Filter>(&json) {
        Ok(read) => assert_eq!(read, nested),
        Err(error) => assert!(depth > 50, "{error}"),
    }
    if depth > 50 {
        assert!(serde_json::to_string(&nested).is_err());
    }
}
