//! Lists in pages of any size, compared with their JSON, and bodies that are no lists.

use std::collections::BTreeSet;

use confluent_metrics::{
    AttributeQuery, DiscoveryRequest, ErrorKind, ExportRequest, LabelDescriptor, MetricDescriptor,
    Resource,
};
use confluent_metrics_emulator::{Emulator, Fault};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::cases;
use crate::support::{client, damaged, empty};

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![6 => "[a-z_./]{1,6}", 1 => ".{0,6}"].prop_map(Value::from)
}

/// A member that is present, null or omitted.
fn maybe(value: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![4 => value.prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)]
}

fn object(members: Vec<(&str, Option<Value>)>) -> Value {
    let members = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn label() -> impl Strategy<Value = Value> {
    (
        text(),
        maybe(text()),
        maybe(any::<bool>().prop_map(Value::from)),
        maybe(text()),
    )
        .prop_map(|(key, description, exportable, strange)| {
            object(vec![
                ("key", Some(key)),
                ("description", description),
                ("exportable", exportable),
                ("new", strange),
            ])
        })
}

fn metric() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        "COUNTER_INT64|GAUGE_DOUBLE|HISTOGRAM".prop_map(Value::from),
        text()
    ];
    let stage = prop_oneof![
        "PREVIEW|GENERAL_AVAILABILITY|RETIRED".prop_map(Value::from),
        text()
    ];
    let texts = || prop::collection::vec(text(), 0..3).prop_map(Value::from);
    let labels = prop::collection::vec(label(), 0..3).prop_map(Value::from);
    let words = (
        text(),
        maybe(text()),
        maybe(text()),
        maybe(kind),
        maybe(stage),
    );
    (
        words,
        maybe(any::<bool>().prop_map(Value::from)),
        maybe(texts()),
        maybe(labels),
        maybe(text()),
    )
        .prop_map(
            |((name, description, unit, kind, stage), exportable, resources, labels, strange)| {
                object(vec![
                    ("name", Some(name)),
                    ("description", description),
                    ("unit", unit),
                    ("type", kind),
                    ("lifecycle_stage", stage),
                    ("exportable", exportable),
                    ("resources", resources),
                    ("labels", labels),
                    ("new", strange),
                ])
            },
        )
}

/// Returns a descriptor as JSON with every member.
fn plain(metric: &MetricDescriptor) -> Value {
    let label = |label: &LabelDescriptor| {
        assert_eq!(
            label.query_name().trim_start_matches("metric."),
            label.key().trim_start_matches("metric.")
        );
        json!({"key": label.key(), "description": label.description(), "exportable": label.is_exportable()})
    };
    json!({
        "name": metric.name(),
        "description": metric.description(),
        "unit": metric.unit(),
        "type": metric.kind().as_str(),
        "lifecycle_stage": metric.lifecycle_stage().as_str(),
        "exportable": metric.is_exportable(),
        "resources": metric.resources(),
        "labels": metric.labels().iter().map(label).collect::<Vec<_>>(),
    })
}

/// Returns the JSON with its omitted members.
fn filled(metric: &Value) -> Value {
    let or = |of: &Value, name: &str, default: Value| match &of[name] {
        Value::Null => default,
        value => value.clone(),
    };
    let label = |label: &Value| {
        json!({
            "key": label["key"],
            "description": or(label, "description", "".into()),
            "exportable": label["exportable"],
        })
    };
    let labels = metric["labels"]
        .as_array()
        .map_or(Vec::new(), |labels| labels.iter().map(label).collect());
    json!({
        "name": metric["name"],
        "description": or(metric, "description", "".into()),
        "unit": or(metric, "unit", "".into()),
        "type": or(metric, "type", "".into()),
        "lifecycle_stage": or(metric, "lifecycle_stage", "".into()),
        "exportable": metric["exportable"],
        "resources": or(metric, "resources", json!([])),
        "labels": labels,
    })
}

/// Makes the emulator respond with pages of these sizes, and the rest on the last one.
fn hand_out(emulator: &Emulator, items: &[Value], sizes: &[usize]) -> usize {
    let mut rest = items;
    let mut pages = Vec::new();
    for size in sizes {
        let (page, after) = rest.split_at((*size).min(rest.len()));
        pages.push(page);
        rest = after;
    }
    pages.push(rest);
    let count = pages.len();
    for (number, page) in pages.into_iter().enumerate() {
        let token = if number + 1 < count {
            json!(format!("+/{number}="))
        } else {
            Value::Null
        };
        let body =
            json!({"data": page, "meta": {"pagination": {"next_page_token": token}}, "links": {}});
        emulator.fault(Fault::status(200).body(body.to_string()));
    }
    count
}

#[test]
fn descriptors_have_the_members_of_the_response() {
    let emulator = empty().start();
    let client = client(&emulator);
    let list = prop::collection::vec(metric(), 0..8);
    proptest!(cases(300), |(list in list, sizes in prop::collection::vec(0..4_usize, 0..4))| {
        emulator.clear_requests();
        let pages = hand_out(&emulator, &list, &sizes);
        let found: Vec<_> = client.metric_descriptors().unwrap().iter().map(plain).collect();
        let mut known = BTreeSet::new();
        let expected: Vec<_> =
            list.iter().map(filled).filter(|metric| known.insert(metric.to_string())).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(emulator.requests().len(), pages);
    });
}

#[test]
fn attributes_are_distinct_rows_up_to_the_limit() {
    let emulator = empty().start();
    let client = client(&emulator);
    let value = prop_oneof![
        6 => "[ab]{1,2}".prop_map(Value::from),
        1 => Just(Value::Null),
        1 => (0..3).prop_map(Value::from),
        1 => Just(json!([1])),
    ];
    let row = prop::collection::btree_map("metric\\.[ab]", value, 0..3);
    let limit = prop::option::of(1..9_usize);
    let test_query = (
        prop::collection::vec(row, 0..12),
        prop::collection::vec(0..5_usize, 0..4),
        limit,
    );
    proptest!(cases(300), |((rows, sizes, limit) in test_query)| {
        let items: Vec<_> = rows.iter().map(|row| json!(row)).collect();
        // Remaining pages must not affect the next case.
        let emulator_pages = hand_out(&emulator, &items, &sizes);
        emulator.clear_requests();
        let query = AttributeQuery::new("m", ["metric.a"]);
        let query = limit.map_or(query.clone(), |limit| query.limit(limit as u32));
        let found = client.attributes(&query).unwrap();
        for _ in emulator.requests().len()..emulator_pages {
            client.resource_descriptors().ok();
        }
        let mut expected: Vec<Vec<(String, String)>> = Vec::new();
        for row in &rows {
            let label = |(name, value): (&String, &Value)| match value {
                Value::String(text) => Some((name.clone(), text.clone())),
                Value::Number(number) => Some((name.clone(), number.to_string())),
                _ => None,
            };
            let labels: Vec<_> = row.iter().filter_map(label).collect();
            if !expected.contains(&labels) {
                expected.push(labels);
            }
        }
        expected.truncate(limit.unwrap_or(usize::MAX));
        let found: Vec<Vec<(String, String)>> = found
            .iter()
            .map(|labels| labels.iter().map(|(name, value)| (name.into(), value.into())).collect())
            .collect();
        prop_assert_eq!(found, expected);
    });
}

const BODIES: [&str; 4] = [
    r#"{"data":[{"name":"a","type":"GAUGE_INT64","labels":[{"key":"topic","exportable":true}],"resources":["kafka"]}],"meta":{"pagination":{"page_size":1,"next_page_token":null}},"links":{}}"#,
    r#"{"data":[{"metric.topic":"a"},{"metric.topic":"b","x":1}],"links":null}"#,
    r#"[{"targets":["a:1"],"labels":{"__param_resource_kafka_id":"lkc-1,lkc-2"}}]"#,
    "# TYPE a gauge\na{b=\"c\",} 1.5E7 1767268620000\n# EOF\n",
];

#[test]
fn malformed_bodies_are_a_decode_error_of_every_operation() {
    let emulator = empty().start();
    let client = client(&emulator);
    let good = std::cell::Cell::new(0);
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        damaged(&BODIES),
        damaged(&BODIES),
        damaged(&BODIES)
    ];
    proptest!(cases(400), |(bytes in bytes)| {
        let attributes = AttributeQuery::new("m", ["metric.topic"]);
        let export = ExportRequest::new([Resource::kafka("lkc-1")]);
        let calls: [&dyn Fn() -> Result<(), confluent_metrics::Error>; 5] = [
            &|| client.metric_descriptors().map(drop),
            &|| client.resource_descriptors().map(drop),
            &|| client.attributes(&attributes).map(drop),
            &|| client.discover(&DiscoveryRequest::new()).map(drop),
            &|| client.export(&export).map(drop),
        ];
        for call in calls {
            // If the body has a token, the second page is the same body.
            emulator.fault(Fault::status(200).body(bytes.clone()).times(2));
            emulator.clear_requests();
            match call() {
                Ok(()) => good.set(good.get() + 1),
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::Decode, "{:?}", error);
                    prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
                }
            }
            if emulator.requests().len() == 1 {
                client.discover(&DiscoveryRequest::new()).ok();
            }
        }
    });
    assert!(good.get() > 50, "{} were good", good.get());
}
