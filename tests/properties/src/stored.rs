//! Values are read back as they were written, and damaged texts never panic.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use confluent_metrics::check::{Change, Format, Missing, Quantifier, Reduce, Status, Threshold};
use confluent_metrics::{
    Aggregation, AttributeQuery, Completeness, Filter, Granularity, Interval, Labels,
    LifecycleStage, MetricKind, Order, Point, Query, QueryResult, Resource, Series, Timestamp,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cases;
use crate::expression::{Operand, expression};
use crate::support::{HOUR, NOON, damaged};

/// Fails unless `value` is read back equal from compact and from indented JSON, and from a tree.
fn read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &T,
) -> Result<(), TestCaseError> {
    let compact = serde_json::to_string(value).unwrap();
    let indented = serde_json::to_string_pretty(value).unwrap();
    for text in [compact, indented] {
        let found = serde_json::from_str::<T>(&text);
        prop_assert_eq!(
            found
                .as_ref()
                .map_err(|error| format!("{text}: {error}"))
                .unwrap(),
            value
        );
    }
    let tree = serde_json::to_value(value).unwrap();
    prop_assert_eq!(&serde_json::from_value::<T>(tree).unwrap(), value);
    Ok(())
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    let all = Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond();
    let ms = prop_oneof![all, 1_700_000_000_000..1_800_000_000_000_i64];
    ms.prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..2_000_000_u64).prop_map(Duration::from_secs),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(s, ns)| Duration::new(s, ns)),
    ]
}

fn interval() -> impl Strategy<Value = Interval> {
    let relative = "now([-+][0-9]{1,4}[mhd])?([|][mhd])?/now([|][mhd])?";
    let form = prop_oneof![
        duration().prop_map(Interval::last),
        Just(Interval::retained()),
        timestamp().prop_map(Interval::since),
        (timestamp(), timestamp()).prop_map(|(start, end)| Interval::within(start, end)),
        (timestamp(), timestamp()).prop_map(|(start, end)| Interval::between(start, end)),
        (timestamp(), duration()).prop_map(|(start, length)| Interval::starting_at(start, length)),
        (timestamp(), duration()).prop_map(|(end, length)| Interval::ending_at(end, length)),
        relative.prop_map(|text| text.parse().unwrap()),
    ];
    (form, prop::option::of(duration())).prop_map(|(interval, shift)| match shift {
        Some(shift) => interval.shifted_back(shift),
        None => interval,
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z._]{1,12}", 1 => any::<String>()]
}

fn filter() -> impl Strategy<Value = Filter> {
    let names = ["metric.topic", "resource.kafka.id", "é\"\n"].map(str::to_owned);
    let operand = prop_oneof![
        text().prop_map(Operand::Text),
        any::<i64>().prop_map(Operand::Whole)
    ];
    prop_oneof![
        20 => expression(names.to_vec(), operand.boxed()).prop_map(|model| model.filter()),
        1 => Just(Filter::all([])),
        1 => Just(!Filter::any([])),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let intervals = prop::collection::vec(interval(), 1..4);
    let required = (text(), select(Granularity::VARIANTS), intervals);
    let grouping = (
        prop::collection::vec(text(), 0..3),
        prop::option::of(select(Aggregation::VARIANTS)),
        prop::collection::vec((text(), text()), 0..3),
        prop::option::of(select(Order::VARIANTS)),
        prop::option::of(any::<u32>()),
    );
    (
        required,
        prop::option::of(filter()),
        grouping,
        any::<bool>(),
    )
        .prop_map(
            |((metric, granularity, intervals), filter, grouping, cut)| {
                let mut query = Query::new(metric, granularity, intervals[0]);
                for interval in &intervals[1..] {
                    query = query.add_interval(*interval);
                }
                if let Some(filter) = filter {
                    query = query.filter(filter);
                }
                let (labels, aggregation, extra, order, limit) = grouping;
                query = query.group_by(labels);
                if let Some(aggregation) = aggregation {
                    query = query.aggregation(aggregation);
                }
                for (name, value) in extra {
                    query = query.extra_aggregation(name, value);
                }
                if let Some(order) = order {
                    query = query.order(order);
                }
                if let Some(limit) = limit {
                    query = query.limit(limit);
                }
                if cut { query.allow_truncated() } else { query }
            },
        )
}

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map(text(), text(), 0..4).prop_map(|pairs| pairs.into_iter().collect())
}

fn finite() -> impl Strategy<Value = f64> {
    let any = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    prop_oneof![
        any,
        (-1_000_000..1_000_000_i64).prop_map(|value| value as f64)
    ]
}

fn series() -> impl Strategy<Value = Series> {
    let point = (timestamp(), finite()).prop_map(|(timestamp, value)| Point { timestamp, value });
    (labels(), prop::collection::vec(point, 0..6))
        .prop_map(|(labels, points)| Series::new(labels, points))
}

/// Values of up to six hours by topic, as the service would send them; `None` is a null.
type Rows = BTreeMap<String, BTreeMap<i64, Option<f64>>>;

fn rows() -> impl Strategy<Value = Rows> {
    let points = prop::collection::btree_map(0..6_i64, prop::option::weighted(0.8, finite()), 0..6);
    prop::collection::btree_map(text(), points, 0..4)
}

/// Returns the result of a response with these rows.
fn result(
    rows: &Rows,
    granularity: Granularity,
    limit: Option<u32>,
    has_next: bool,
) -> QueryResult {
    let start = Timestamp::from_second(NOON).unwrap();
    let hours = Interval::starting_at(start, Duration::from_secs(6 * 3600));
    let mut query = Query::new("io.a/b", granularity, hours)
        .group_by(["metric.topic"])
        .allow_truncated();
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let at = |hour: i64| Timestamp::from_second(NOON + hour * HOUR).unwrap();
    let data: Vec<_> = rows
        .iter()
        .map(|(topic, points)| {
            let points: Vec<_> = points
                .iter()
                .map(|(hour, value)| json!({"timestamp": at(*hour), "value": value}))
                .collect();
            json!({"metric.topic": topic, "points": points})
        })
        .collect();
    let token = has_next.then_some("t");
    let body = json!({"data": data, "meta": {"pagination": {"next_page_token": token}}});
    QueryResult::from_json(&query, body.to_string().as_bytes()).unwrap()
}

#[test]
fn texts_are_read_back() {
    let threshold = prop_oneof![
        finite().prop_map(Threshold::above),
        finite().prop_map(Threshold::below),
        (finite(), finite()).prop_map(|(a, b)| Threshold::outside(a.min(b), a.max(b))),
        (finite(), finite()).prop_map(|(a, b)| Threshold::inside(a.min(b), a.max(b))),
    ];
    let resource = ("[^:]{1,9}", "(?s).{1,9}").prop_map(|(kind, id)| Resource::new(kind, id));
    let input = (timestamp(), interval(), resource, threshold, text());
    proptest!(cases(1_000), |((at, interval, resource, threshold, name) in input)| {
        read_back(&at)?;
        read_back(&interval)?;
        read_back(&resource)?;
        read_back(&threshold)?;
        read_back(&MetricKind::from(name.as_str()))?;
        read_back(&LifecycleStage::from(name.as_str()))?;
        prop_assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
        prop_assert_eq!(interval.to_string().parse::<Interval>().unwrap(), interval);
        prop_assert_eq!(resource.to_string().parse::<Resource>().unwrap(), resource);
        prop_assert_eq!(threshold.to_string().parse::<Threshold>().unwrap(), threshold);
    });
}

#[test]
fn choices_are_read_back() {
    fn all<T: Serialize + DeserializeOwned + PartialEq + Debug>(choices: &[T]) {
        for choice in choices {
            read_back(choice).unwrap();
        }
    }
    all(Granularity::VARIANTS);
    all(Aggregation::VARIANTS);
    all(Order::VARIANTS);
    all(Status::VARIANTS);
    all(Reduce::VARIANTS);
    all(Missing::VARIANTS);
    all(Change::VARIANTS);
    all(Format::VARIANTS);
    all(&[Quantifier::Any, Quantifier::All, Quantifier::AtLeast(7)]);
    all(&[Completeness::Complete]);
}

#[test]
fn queries_are_read_back() {
    let attributes = (
        text(),
        prop::collection::vec(text(), 0..3),
        prop::option::of(filter()),
        prop::collection::vec(interval(), 0..3),
        prop::option::of(any::<u32>()),
    );
    proptest!(cases(1_000), |(query in query(), parts in attributes)| {
        read_back(&query)?;
        let (metric, labels, filter, intervals, limit) = parts;
        let mut attributes = AttributeQuery::new(metric, labels);
        if let Some(filter) = filter {
            read_back(&filter)?;
            attributes = attributes.filter(filter);
        }
        for interval in intervals {
            attributes = attributes.interval(interval);
        }
        if let Some(limit) = limit {
            attributes = attributes.limit(limit);
        }
        read_back(&attributes)?;
    });
}

#[test]
fn results_are_read_back() {
    let granularity = select(&[Granularity::OneHour, Granularity::All][..]);
    let input = (
        rows(),
        granularity,
        prop::option::of(1..3_u32),
        any::<bool>(),
    );
    proptest!(cases(1_000), |((rows, granularity, limit, has_next) in input, series in series())| {
        read_back(&series)?;
        read_back(series.labels())?;
        let result = result(&rows, granularity, limit, has_next);
        read_back(&result)?;
        for series in &result {
            for (point, value) in series.points().iter().zip(series.values()) {
                read_back(point)?;
                prop_assert_eq!(point.value.to_bits(), value.to_bits());
                let text = serde_json::to_string(point).unwrap();
                let found: Point = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(found.value.to_bits(), value.to_bits(), "{}", text);
            }
        }
    });
}

#[test]
fn a_series_is_the_map_of_its_points() {
    let point = (0..8_i64, finite());
    let points = prop::collection::vec(point, 0..12);
    proptest!(cases(1_000), |(pairs in points)| {
        let expected: BTreeMap<i64, f64> = pairs.iter().copied().collect();
        let points = pairs.iter().map(|(second, value)| Point {
            timestamp: Timestamp::from_second(*second).unwrap(),
            value: *value,
        });
        let series = Series::new(Labels::default(), points.collect());
        let found: Vec<_> = series.points().iter().map(|point| (point.timestamp.as_second(), point.value)).collect();
        prop_assert_eq!(found, expected.iter().map(|(second, value)| (*second, *value)).collect::<Vec<_>>());
        let values: Vec<f64> = expected.into_values().collect();
        let sum = values.iter().fold(0.0, |sum, value| sum + value);
        prop_assert_eq!(series.sum(), sum);
        prop_assert_eq!(series.min(), values.iter().copied().reduce(f64::min));
        prop_assert_eq!(series.max(), values.iter().copied().reduce(f64::max));
        prop_assert_eq!(series.mean(), (!values.is_empty()).then(|| sum / values.len() as f64));
        prop_assert_eq!(series.last().map(|point| point.value), values.last().copied());
    });
}

#[test]
fn labels_are_the_map_of_their_pairs() {
    let pairs = prop::collection::vec(("[abc]{0,2}", "[xyz]{0,2}"), 0..8);
    proptest!(cases(1_000), |(pairs in pairs)| {
        let expected: BTreeMap<_, _> = pairs.iter().cloned().collect();
        let labels: Labels = pairs.into_iter().collect();
        let found: Vec<_> = labels.iter().collect();
        let expected: Vec<_> = expected.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(labels.iter().rev().collect::<Vec<_>>(), expected.into_iter().rev().collect::<Vec<_>>());
        for (name, value) in found {
            prop_assert_eq!(&labels[name], value);
        }
    });
}

const STORED: [&str; 4] = [
    r#"{"metric":"m","granularity":"PT1H","intervals":["last/P1D","2026-01-01T00:00:00Z/PT2H@-P1D"],"filter":{"op":"AND","filters":[{"field":"a","op":"EQ","value":7},{"op":"NOT","filter":{"field":"b","op":"GTE","value":"x"}}]},"group_by":["a"],"aggregation":"SUM","extra_aggregation":[["a","b"]],"order":"ASCENDING","limit":5,"allow_truncated":true}"#,
    r#"{"metric":"m","granularity":"PT1H","intervals":["2026-01-01T10:00:00Z/2026-01-01T12:00:00Z"],"series":[{"labels":{"a":"b"},"points":[{"timestamp":"2026-01-01T10:00:00Z","value":1.5},{"timestamp":"2026-01-01T11:00:00Z","value":2e300}]},{"labels":{"a":"c"},"points":[],"newest_null":"2026-01-01T11:00:00Z"}],"completeness":"complete"}"#,
    r#"{"metric":"m","granularity":"ALL","intervals":[],"series":[{"labels":{},"points":[]}],"completeness":{"truncated":{"missing":"one"}}}"#,
    r#"["kafka:lkc-1","~:10","@5:7.5","within/2026-01-01T10:00:00Z/2026-01-01T12:00:00Z","last/PT1H@-P1D","PT5M","2026-01-01T10:00:00.001+01:00"]"#,
];

/// Reads `text` as a `T`. What is accepted has to be read back equal.
fn accepted<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    text: &[u8],
) -> Result<bool, TestCaseError> {
    let Ok(value) = serde_json::from_slice::<T>(text) else {
        return Ok(false);
    };
    read_back(&value)?;
    Ok(true)
}

#[test]
fn damaged_texts_never_panic_and_what_is_accepted_is_sound() {
    let known = std::cell::Cell::new(0);
    proptest!(cases(5_000), |(bytes in damaged(&STORED))| {
        let mut is_accepted = accepted::<Query>(&bytes)? | accepted::<AttributeQuery>(&bytes)?;
        is_accepted |= accepted::<QueryResult>(&bytes)?;
        if let Ok(result) = serde_json::from_slice::<QueryResult>(&bytes) {
            for series in &result {
                prop_assert!(series.points().is_sorted_by(|a, b| a.timestamp < b.timestamp));
                prop_assert!(series.values().all(f64::is_finite));
            }
        }
        if let Ok(Value::Array(items)) = serde_json::from_slice(&bytes) {
            for item in items {
                let item = item.to_string();
                let item = item.as_bytes();
                is_accepted |= accepted::<Timestamp>(item)? | accepted::<Interval>(item)?;
                is_accepted |= accepted::<Resource>(item)? | accepted::<Threshold>(item)?;
                is_accepted |= accepted::<Granularity>(item)? | accepted::<Filter>(item)?;
            }
        }
        known.set(known.get() + usize::from(is_accepted));
    });
    assert!(known.get() > 0, "no damaged text is accepted");
}
