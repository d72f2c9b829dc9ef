//! Decodes a fixed response a number of times: `confluent-metrics-count flat 11`.
//! `.ci/instructions` counts the instructions.

// A part of what it offers is for the other measurements.
#[allow(dead_code)]
#[path = "../../src/documents.rs"]
mod documents;

use std::hint::black_box;

use confluent_metrics::{Granularity, Interval, Query, QueryResult};
use documents::{Format, Shape, Values};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let query = Query::new("m", Granularity::OneMinute, Interval::last_hours(6));
    let (format, query) = match arguments.next().as_deref() {
        Some("flat") => (Format::Flat, query),
        Some("grouped") => (Format::Grouped, query.group_by(["metric.topic"])),
        other => panic!("flat or grouped, not {other:?}"),
    };
    let times: usize = arguments
        .next()
        .and_then(|times| times.parse().ok())
        .expect("a number of times");
    let bytes = Shape {
        format,
        values: Values::Mixed,
        groups: 50,
        points: 200,
        labels: 1,
    }
    .bytes();
    for _ in 0..times {
        drop(black_box(
            QueryResult::from_json(&query, black_box(&bytes)).expect("a good answer"),
        ));
    }
}
