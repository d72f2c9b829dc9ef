//! Compares our decoded result with a slow and simple decoder, before anything is timed.

use std::collections::BTreeMap;

use confluent_metrics::{Query, QueryResult, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::documents::{Format, Shape};

/// Bits of every value by topic and time.
type Points = BTreeMap<(String, i64), u64>;

#[derive(serde::Deserialize)]
struct ResponseBody<'a> {
    #[serde(borrow)]
    data: Vec<BTreeMap<String, &'a RawValue>>,
}

#[derive(serde::Deserialize)]
struct Point<'a> {
    timestamp: Value,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// # Panics
/// If the library reads the response differently.
pub fn check(query: &Query, shape: Shape, bytes: &[u8]) {
    let expected = obvious(shape.format, bytes);
    assert_eq!(
        expected.len(),
        shape.all_points(),
        "{}: points are doubled or lost",
        shape.name()
    );
    assert!(
        expected == ours(query, bytes),
        "{}: the values differ",
        shape.name()
    );
}

fn ours(query: &Query, bytes: &[u8]) -> Points {
    let result = QueryResult::from_json(query, bytes).expect("a valid response");
    let mut points = Points::new();
    for series in &result {
        let topic = series.labels().get("metric.topic").expect("a topic");
        assert!(series.points().is_sorted_by_key(|point| point.timestamp));
        for point in series.points() {
            points.insert(
                (topic.to_owned(), point.timestamp.as_second()),
                point.value.to_bits(),
            );
        }
    }
    points
}

/// Every number by the standard library, from its own text: serde_json alone may be off in the last
/// digit.
fn obvious(format: Format, bytes: &[u8]) -> Points {
    let response: ResponseBody<'_> = serde_json::from_slice(bytes).expect("a valid response");
    let mut points = Points::new();
    for row in response.data {
        let topic: String = serde_json::from_str(row["metric.topic"].get()).expect("a topic");
        let mut add = |timestamp: &Value, value: &str| {
            let time: Timestamp = timestamp
                .as_str()
                .expect("a string")
                .parse()
                .expect("a time");
            let value: f64 = value.parse().expect("a number");
            points.insert((topic.clone(), time.as_second()), value.to_bits());
        };
        match format {
            Format::Flat => {
                let time: Value = serde_json::from_str(row["timestamp"].get()).expect("a time");
                add(&time, row["value"].get());
            }
            Format::Grouped => {
                let list: Vec<Point<'_>> =
                    serde_json::from_str(row["points"].get()).expect("a list");
                list.iter()
                    .for_each(|point| add(&point.timestamp, point.value.get()));
            }
        }
    }
    points
}
