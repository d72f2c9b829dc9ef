//! Answers to a query: nothing panics, and both readers read the same. White space in front of an answer leaves it to
//! serde_json.
#![no_main]

use confluent_metrics::{Granularity, Interval, Query, QueryResult};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let flat = Query::new("m", Granularity::OneMinute, Interval::last_hours(1)).allow_truncated();
    for query in [flat.clone(), flat.group_by(["metric.topic"])] {
        let spaced = [b" ", body].concat();
        match (QueryResult::from_json(&query, body), QueryResult::from_json(&query, &spaced)) {
            (Ok(compact), Ok(spaced)) => {
                assert_eq!(compact, spaced);
                for (compact, spaced) in compact.series().iter().zip(spaced.series()) {
                    for (compact, spaced) in compact.points().iter().zip(spaced.points()) {
                        assert_eq!(compact.value.to_bits(), spaced.value.to_bits());
                    }
                }
            }
            (Err(compact), Err(spaced)) => assert_eq!(compact.kind(), spaced.kind()),
            (compact, spaced) => panic!("{compact:?}\n{spaced:?}"),
        }
    }
});
