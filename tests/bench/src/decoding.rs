//! Decoding a response into series, compared with a bare scan and with derived structs.

use std::collections::HashMap;
use std::hint::black_box;

use confluent_metrics::{Granularity, Interval, Query, QueryResult};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::comparison;
use crate::documents::{Format, Shape, Values};
use crate::measure::{Contender, Times, measure};
use crate::table::{Table, percent, time, times};

const OURS: &str = "QueryResult::from_json";
const FLOOR: &str = "serde_json, IgnoredAny";
const VALUE: &str = "serde_json, Value";
const PLAIN: &str = "serde_json, derived structs";
const SIMD: &str = "simd-json, derived structs";
const SONIC: &str = "sonic-rs, derived structs";

/// Two targets come first: the largest response there can be, in both formats. A million points is
/// more than one response holds.
const SHAPES: [Shape; 18] = [
    shape(Format::Flat, Values::Mixed, 1000, 360),
    shape(Format::Grouped, Values::Mixed, 1000, 360),
    shape(Format::Flat, Values::Whole, 1000, 360),
    shape(Format::Grouped, Values::Whole, 1000, 360),
    shape(Format::Flat, Values::Long, 1000, 360),
    shape(Format::Grouped, Values::Long, 1000, 360),
    Shape {
        labels: 6,
        ..shape(Format::Flat, Values::Mixed, 1000, 100)
    },
    Shape {
        labels: 6,
        ..shape(Format::Grouped, Values::Mixed, 1000, 100)
    },
    shape(Format::Flat, Values::Mixed, 1, 1),
    shape(Format::Grouped, Values::Mixed, 1, 1),
    shape(Format::Flat, Values::Mixed, 10, 100),
    shape(Format::Grouped, Values::Mixed, 10, 100),
    shape(Format::Flat, Values::Mixed, 100, 100),
    shape(Format::Grouped, Values::Mixed, 100, 100),
    shape(Format::Flat, Values::Mixed, 1000, 100),
    shape(Format::Grouped, Values::Mixed, 1000, 100),
    shape(Format::Flat, Values::Mixed, 1000, 1000),
    shape(Format::Grouped, Values::Mixed, 1000, 1000),
];

const fn shape(format: Format, values: Values, groups: usize, points: usize) -> Shape {
    Shape {
        format,
        values,
        groups,
        points,
        labels: 1,
    }
}

/// A target: its name, the measured value and the upper bound.
pub type Target = (&'static str, f64, f64);

/// Returns the table and the targets.
pub fn run() -> (Table, Vec<Target>) {
    let head = [
        "response",
        "decoder",
        "size",
        "median",
        "spread",
        "ratio to IgnoredAny",
        "ratio to this library",
        "per point",
        "MB/s",
    ];
    let mut table = Table::new(&head);
    let mut medians = Vec::new();
    for shape in SHAPES {
        let bytes = shape.bytes();
        let query = query(shape.format);
        comparison::check(&query, shape, &bytes);
        medians.push((
            shape,
            add(
                &mut table,
                shape,
                &bytes,
                &contenders(shape.format, &query, &bytes),
            ),
        ));
    }
    (table, targets(&medians))
}

/// Returns the medians of this library, `IgnoredAny` and `Value`, in seconds.
type Medians = [f64; 3];

fn targets(medians: &[(Shape, Medians)]) -> Vec<Target> {
    let of = |format, points| {
        let found = medians.iter().find(|(shape, _)| {
            shape.format == format
                && shape.all_points() == points
                && shape.labels == 1
                && shape.values == Values::Mixed
        });
        found.expect("a shape of this run").1
    };
    let a_point = |format| {
        let each = [1_000, 10_000, 100_000, 360_000, 1_000_000]
            .map(|points| of(format, points)[0] / points as f64);
        each.iter().copied().fold(0.0, f64::max)
            / each.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let (flat, grouped) = (of(Format::Flat, 360_000), of(Format::Grouped, 360_000));
    vec![
        (
            "FLAT decoding, time relative to serde_json::IgnoredAny",
            flat[0] / flat[1],
            2.0,
        ),
        (
            "GROUPED decoding, time relative to serde_json::IgnoredAny",
            grouped[0] / grouped[1],
            1.6,
        ),
        (
            "FLAT, most to least expensive point, 1 k to 1 M points",
            a_point(Format::Flat),
            1.3,
        ),
        (
            "GROUPED, most to least expensive point, 1 k to 1 M points",
            a_point(Format::Grouped),
            1.3,
        ),
    ]
}

/// Returns a query whose response has this format.
pub fn query(format: Format) -> Query {
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        Interval::last_hours(6),
    );
    match format {
        Format::Flat => query,
        Format::Grouped => query.group_by(["metric.topic"]),
    }
}

fn add(table: &mut Table, shape: Shape, bytes: &[u8], contenders: &[Contender<'_>]) -> Medians {
    let measured = measure(contenders);
    let median_of = |name| {
        let at = contenders
            .iter()
            .position(|contender| contender.name == name);
        measured[at.expect("a contender of this run")]
            .median()
            .as_secs_f64()
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
    [ours, floor, median_of(VALUE)]
}

pub fn times_of(taken: &Times) -> f64 {
    taken.median().as_secs_f64()
}

fn contenders<'a>(format: Format, query: &'a Query, bytes: &'a [u8]) -> Vec<Contender<'a>> {
    let ours = || {
        drop(black_box(
            QueryResult::from_json(query, bytes).expect("a valid response"),
        ))
    };
    let mut contenders = vec![
        Contender {
            name: OURS,
            run: Box::new(ours),
        },
        Contender {
            name: FLOOR,
            run: Box::new(|| parse::<IgnoredAny>(bytes)),
        },
        Contender {
            name: VALUE,
            run: Box::new(|| parse::<serde_json::Value>(bytes)),
        },
    ];
    match format {
        Format::Flat => contenders.extend(derived::<Row>(bytes)),
        Format::Grouped => contenders.extend(derived::<Group>(bytes)),
    }
    contenders
}

/// Derived structs, for each package.
fn derived<'a, T: DeserializeOwned + 'a>(bytes: &'a [u8]) -> [Contender<'a>; 3] {
    let simd = || {
        // It writes into what it reads, and the body is still wanted.
        let mut copy = bytes.to_vec();
        drop(black_box(
            simd_json::from_slice::<ResponseBody<T>>(&mut copy).expect("a valid response"),
        ));
    };
    let sonic = || {
        drop(black_box(
            sonic_rs::from_slice::<ResponseBody<T>>(bytes).expect("a valid response"),
        ))
    };
    [
        Contender {
            name: PLAIN,
            run: Box::new(|| parse::<ResponseBody<T>>(bytes)),
        },
        Contender {
            name: SIMD,
            run: Box::new(simd),
        },
        Contender {
            name: SONIC,
            run: Box::new(sonic),
        },
    ]
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) {
    drop(black_box(
        serde_json::from_slice::<T>(bytes).expect("a valid response"),
    ));
}

pub fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

/// The straightforward structs, with timestamps as text. The fields are filled but not read.
#[derive(Deserialize)]
#[allow(dead_code)]
struct ResponseBody<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Row {
    timestamp: String,
    value: f64,
    #[serde(flatten)]
    labels: HashMap<String, String>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Group {
    points: Vec<Point>,
    #[serde(flatten)]
    labels: HashMap<String, String>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Point {
    timestamp: String,
    value: f64,
}
