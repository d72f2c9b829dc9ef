//! The JSON of a filter, evaluated and compared with the model.

use confluent_metrics::{Granularity, Interval, Query};
use proptest::prelude::*;
use serde_json::Value;

use crate::cases;
use crate::expression::{Labels, Operand, expression};
use crate::support::silent;

const NAMES: [&str; 3] = ["metric.topic", "metric.partition", "resource.kafka.id"];

/// Evaluates a filter like the service. Returns `None` if it is invalid.
fn evaluate(filter: &Value, labels: &Labels) -> Option<bool> {
    let has_only = |names: &[&str]| {
        let object = filter
            .as_object()
            .filter(|object| object.len() == names.len());
        object.is_some_and(|object| names.iter().all(|name| object.contains_key(*name)))
    };
    let members = || {
        let list = filter["filters"]
            .as_array()
            .filter(|list| list.len() > 1 && has_only(&["op", "filters"]))?;
        list.iter()
            .map(|member| evaluate(member, labels))
            .collect::<Option<Vec<bool>>>()
    };
    Some(match filter["op"].as_str()? {
        "AND" => members()?.into_iter().all(|passes| passes),
        "OR" => members()?.into_iter().any(|passes| passes),
        "NOT" if has_only(&["op", "filter"]) => !evaluate(&filter["filter"], labels)?,
        op @ ("EQ" | "GT" | "GTE") if has_only(&["field", "op", "value"]) => {
            let value = match &filter["value"] {
                Value::String(text) => text.clone(),
                Value::Number(number) if number.is_i64() => number.to_string(),
                _ => return None,
            };
            labels
                .get(filter["field"].as_str()?)
                .is_some_and(|own| match op {
                    "EQ" => *own == value,
                    "GT" => *own > value,
                    _ => *own >= value,
                })
        }
        _ => return None,
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab]{1,2}", 2 => "-?[0-9]{1,2}", 1 => Just("a\"\\\né".to_owned()), 1 => ".{1,6}"]
}

fn operand() -> impl Strategy<Value = Operand> + Clone {
    prop_oneof![
        3 => text().boxed().prop_map(Operand::Text),
        1 => prop_oneof![-9..100_i64, any::<i64>()].prop_map(Operand::Whole),
    ]
    .boxed()
}

#[test]
fn the_json_of_a_filter_matches_the_same_labels() {
    let client = silent().build().unwrap();
    let row = prop::collection::btree_map(
        prop::sample::select(&NAMES).prop_map(str::to_owned),
        text(),
        0..4,
    );
    let names = NAMES.map(str::to_owned).to_vec();
    let input = (
        expression(names, operand()),
        prop::collection::vec(row, 1..8),
    );
    proptest!(cases(4_000), |((expression, rows) in input)| {
        let query = Query::new("m", Granularity::OneHour, Interval::last_hours(1)).filter(expression.filter());
        let bodies = client.request_bodies(&query).map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let body: Value = serde_json::from_str(&bodies[0]).unwrap();
        for row in rows {
            prop_assert_eq!(evaluate(&body["filter"], &row), Some(expression.passes(&row)), "{} {:?}", body, row);
        }
    });
}
