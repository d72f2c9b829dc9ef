//! Query responses: nothing panics, and both decoders agree. Leading white space disables the fast
//! decoder.
#![no_main]

use confluent_metrics::{Granularity, Interval, Query, QueryResult};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let flat = Query::new("m", Granularity::OneMinute, Interval::last_hours(1)).allow_truncated();
    for query in [flat.clone(), flat.group_by(["metric.topic"])] {
        // A byte order mark is skipped at the very start only.
        let json = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let spaced = [b" ", json].concat();
        match (
            QueryResult::from_json(&query, body),
            QueryResult::from_json(&query, &spaced),
        ) {
            (Ok(plain), Ok(spaced)) => {
                assert_eq!(plain, spaced);
                for (plain, spaced) in plain.series().iter().zip(spaced.series()) {
                    for (plain, spaced) in plain.points().iter().zip(spaced.points()) {
                        assert_eq!(plain.value.to_bits(), spaced.value.to_bits());
                    }
                }
            }
            (Err(plain), Err(spaced)) => assert_eq!(plain.kind(), spaced.kind()),
            (plain, spaced) => panic!("{plain:?}\n{spaced:?}"),
        }
    }
});
