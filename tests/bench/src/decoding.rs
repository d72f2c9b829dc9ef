//! Bytes of an answer into series, against the floor of a bare scan and against what one would write by hand.

use std::collections::HashMap;
use std::hint::black_box;

use confluent_metrics::{Granularity, Interval, Query, QueryResult};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::agree;
use crate::documents::{Format, Shape, Values};
use crate::measure::{Contender, measure};
use crate::table::{Table, percent, time, times};

const OURS: &str = "QueryResult::from_json";
const FLOOR: &str = "serde_json, IgnoredAny";
const VALUE: &str = "serde_json, Value";
const PLAIN: &str = "serde_json, plainest derive";

/// Two targets come first: the largest answer there can be, in both formats.
const SHAPES: [Shape; 14] = [
    shape(Format::Flat, Values::Mixed, 1000, 360),
    shape(Format::Grouped, Values::Mixed, 1000, 360),
    shape(Format::Flat, Values::Whole, 1000, 360),
    shape(Format::Grouped, Values::Whole, 1000, 360),
    shape(Format::Flat, Values::Long, 1000, 360),
    shape(Format::Grouped, Values::Long, 1000, 360),
    shape(Format::Flat, Values::Mixed, 1, 1),
    shape(Format::Grouped, Values::Mixed, 1, 1),
    shape(Format::Flat, Values::Mixed, 10, 100),
    shape(Format::Grouped, Values::Mixed, 10, 100),
    shape(Format::Flat, Values::Mixed, 100, 100),
    shape(Format::Grouped, Values::Mixed, 100, 100),
    shape(Format::Flat, Values::Mixed, 1000, 100),
    shape(Format::Grouped, Values::Mixed, 1000, 100),
];

const fn shape(format: Format, values: Values, groups: usize, points: usize) -> Shape {
    Shape { format, values, groups, points }
}

/// The whole table.
pub fn run() -> Table {
    let head =
        ["answer", "decoder", "size", "median", "spread", "of the floor", "to ours", "a point", "MB/s"];
    let mut table = Table::new(&head);
    for shape in SHAPES {
        let bytes = shape.bytes();
        let query = query(shape.format);
        agree::check(&query, shape, &bytes);
        add(&mut table, shape, &bytes, &contenders(shape.format, &query, &bytes));
    }
    table
}

/// The query whose answer has this format.
pub fn query(format: Format) -> Query {
    let query =
        Query::new("io.confluent.kafka.server/sent_bytes", Granularity::OneMinute, Interval::last_hours(6));
    match format {
        Format::Flat => query,
        Format::Grouped => query.group_by(["metric.topic"]),
    }
}

fn add(table: &mut Table, shape: Shape, bytes: &[u8], contenders: &[Contender<'_>]) {
    let measured = measure(contenders);
    let median_of = |name| {
        let at = contenders.iter().position(|contender| contender.name == name);
        measured[at.expect("a contender of this run")].median().as_secs_f64()
    };
    let (ours, floor) = (median_of(OURS), median_of(FLOOR));
    for (contender, taken) in contenders.iter().zip(&measured) {
        let median = taken.median().as_secs_f64();
        table.row(vec![
            shape.name(),
            contender.name.to_owned(),
            size(bytes.len()),
            time(taken.median()),
            percent(taken.spread()),
            times(median / floor),
            times(median / ours),
            format!("{:.0} ns", median * 1e9 / shape.all_points() as f64),
            format!("{:.0}", bytes.len() as f64 / median / 1e6),
        ]);
    }
}

fn contenders<'a>(format: Format, query: &'a Query, bytes: &'a [u8]) -> Vec<Contender<'a>> {
    let plain: Box<dyn Fn() + 'a> = match format {
        Format::Flat => Box::new(|| parse::<Answer<Row>>(bytes)),
        Format::Grouped => Box::new(|| parse::<Answer<Group>>(bytes)),
    };
    let ours = || drop(black_box(QueryResult::from_json(query, bytes).expect("a good answer")));
    vec![
        Contender { name: OURS, run: Box::new(ours) },
        Contender { name: FLOOR, run: Box::new(|| parse::<IgnoredAny>(bytes)) },
        Contender { name: VALUE, run: Box::new(|| parse::<serde_json::Value>(bytes)) },
        Contender { name: PLAIN, run: plain },
    ]
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) {
    drop(black_box(serde_json::from_slice::<T>(bytes).expect("a good answer")));
}

fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

/// What most people write first; the fields are only there to be filled.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Answer<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Row {
    timestamp: String,
    value: f64,
    #[serde(flatten)]
    labels: HashMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Group {
    points: Vec<Point>,
    #[serde(flatten)]
    labels: HashMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Point {
    timestamp: String,
    value: f64,
}
