//! Random queries over TLS to the emulator, compared with the oracle.

use std::sync::atomic::{AtomicUsize, Ordering};

use confluent_metrics::{Aggregation, Granularity, Order};
use confluent_metrics_emulator::Emulator;
use proptest::prelude::*;

use crate::cases;
use crate::expression::{Expression, Labels, Operand, expression};
use crate::oracle::{CLUSTER, METRICS, Metric, Raw, TestQuery, raw_points, render};
use crate::support::{HOUR, MINUTE, NOON, client, empty};

pub(crate) const GRANULARITIES: [Granularity; 10] = [
    Granularity::OneMinute,
    Granularity::FiveMinutes,
    Granularity::FifteenMinutes,
    Granularity::ThirtyMinutes,
    Granularity::OneHour,
    Granularity::FourHours,
    Granularity::SixHours,
    Granularity::TwelveHours,
    Granularity::OneDay,
    Granularity::All,
];

/// Two new clusters, so that the points of cases do not mix.
pub(crate) fn new_clusters() -> Vec<String> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    ["a", "b"]
        .map(|letter| format!("lkc-{number}-{letter}"))
        .to_vec()
}

/// Raw points of a metric in the days before noon. Clusters are `0` and `1` until they are stored.
pub(crate) fn raw(metric: Metric, days: i64) -> impl Strategy<Value = Vec<Raw>> {
    let value = prop_oneof![3 => (0..100_000_i32).prop_map(f64::from), 2 => 0.0..1e4_f64, 1 => -1e12..1e12_f64, 1 => Just(0.0)];
    let point = (prop_oneof![1 => 1..=days * 1440, 1 => 1..=90_i64], value);
    let label = prop_oneof![8 => "[abc]", 1 => "[0-9]{1,2}", 1 => "[Zé日\"\\\\]{1,2}"];
    let label = prop::option::weighted(0.9, label);
    let series = (
        prop::collection::vec(label, metric.labels.len()),
        "[01]",
        prop::collection::vec(point, 1..12),
    );
    prop::collection::vec(series, 1..14).prop_map(move |series| {
        let mut raw = std::collections::BTreeMap::new();
        for (values, cluster, points) in series {
            let named = metric
                .labels
                .iter()
                .zip(values)
                .filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            let labels: Labels = named.chain([(CLUSTER.to_owned(), cluster)]).collect();
            for (minutes, value) in points {
                raw.insert((labels.clone(), NOON - minutes * MINUTE), value);
            }
        }
        raw.into_iter()
            .map(|((labels, minute), value)| Raw {
                labels,
                minute,
                value,
            })
            .collect()
    })
}

/// Stores the points under new clusters.
pub(crate) fn put(emulator: &Emulator, metric: &Metric, raw: &mut [Raw], clusters: &[String]) {
    for point in raw {
        let cluster = point.labels.get_mut(CLUSTER).unwrap();
        *cluster = clusters[usize::from(cluster == "1")].clone();
        let labels: Vec<_> = point
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        emulator.put(&metric.full_name(), &labels, point.minute, point.value);
    }
}

/// Filters by the clusters that have points, because unknown clusters are refused.
pub(crate) fn present(raw: &[Raw], mut clusters: Vec<String>, all: bool) -> Vec<String> {
    clusters.retain(|id| raw.iter().any(|point| point.labels[CLUSTER] == *id));
    if all {
        clusters
    } else {
        clusters.pop().into_iter().collect()
    }
}

fn operand(words: &'static [&'static str]) -> impl Strategy<Value = Operand> + Clone {
    prop_oneof![
        4 => prop::sample::select(words).prop_map(|text| Operand::Text(text.to_owned())),
        1 => (0..20_i64).prop_map(Operand::Whole),
    ]
    .boxed()
}

fn filter(
    metric: Metric,
    words: &'static [&'static str],
) -> impl Strategy<Value = Option<Expression>> {
    prop::option::of(expression(metric.all_labels(), operand(words)))
}

fn group_by(metric: Metric) -> impl Strategy<Value = Vec<String>> {
    let labels = metric.all_labels();
    let some = prop::sample::subsequence(labels.clone(), 0..=labels.len()).prop_shuffle();
    let one = prop::sample::select(labels).prop_map(|label| vec![label]);
    prop_oneof![3 => some, 3 => one, 1 => Just(Vec::new())]
}

/// Intervals in milliseconds, from some days before noon to an hour after, on bucket borders.
pub(crate) fn intervals(
    granularity: Granularity,
    days: i64,
) -> impl Strategy<Value = Vec<(i64, i64)>> {
    let width = granularity
        .duration()
        .map_or(60_000, |width| width.as_millis() as i64);
    let aligned = move |(start, end): (i64, i64)| {
        (
            start.div_euclid(width) * width,
            (end + width - 1).div_euclid(width) * width,
        )
    };
    jagged_intervals(granularity, days).prop_map(move |intervals| {
        let mut intervals: Vec<_> = intervals.into_iter().map(aligned).collect();
        drop_overlaps(granularity, &mut intervals);
        intervals
    })
}

/// Intervals in milliseconds with ends at any time.
pub(crate) fn jagged_intervals(
    granularity: Granularity,
    days: i64,
) -> impl Strategy<Value = Vec<(i64, i64)>> {
    let minutes = days * 1440;
    let jag = || prop_oneof![4 => Just(0), 1 => -59_999..60_000_i64];
    let border = || prop_oneof![2 => Just(1_i64), 1 => Just(60), 1 => Just(1440)];
    let one = (0..minutes, 1..=minutes, border(), jag(), jag()).prop_map(
        move |(before, length, border, jag, other)| {
            let start = (NOON / 60 - before).div_euclid(border) * border * 60_000 + jag;
            let end = start + length * 60_000 + other;
            (start, end.min((NOON + HOUR) * 1000).max(start + 60_000))
        },
    );
    prop::collection::vec(one, 1..=3).prop_map(move |mut intervals| {
        intervals.sort_unstable();
        drop_overlaps(granularity, &mut intervals);
        intervals
    })
}

/// Drops overlapping intervals with ALL, because they are refused.
fn drop_overlaps(granularity: Granularity, intervals: &mut Vec<(i64, i64)>) {
    if granularity == Granularity::All {
        let mut end = i64::MIN;
        intervals.retain(|interval| {
            let is_apart = interval.0 >= end;
            end = if is_apart { interval.1 } else { end };
            is_apart
        });
    }
}

/// Any query of the metric over the days before noon.
pub(crate) fn test_query(
    metric: Metric,
    words: &'static [&'static str],
    granularity: impl Strategy<Value = Granularity>,
    days: i64,
) -> impl Strategy<Value = TestQuery> {
    let aggregation = prop::option::of(prop_oneof![
        1 => Just(metric.usual),
        1 => Just(Aggregation::Min),
        1 => Just(Aggregation::Max),
    ]);
    let order =
        prop::option::of(prop_oneof![1 => Just(Order::Ascending), 1 => Just(Order::Descending)]);
    let limit = prop::option::of(prop_oneof![3 => 1..6_u32, 1 => 1..=1000_u32]);
    granularity
        .prop_flat_map(move |granularity| {
            intervals(granularity, days).prop_map(move |list| (granularity, list))
        })
        .prop_flat_map(move |requested| {
            (
                Just(requested),
                filter(metric, words),
                group_by(metric),
                aggregation.clone(),
                order.clone(),
                limit.clone(),
            )
        })
        .prop_map(
            move |((granularity, intervals), filter, group_by, aggregation, order, limit)| {
                let is_all = granularity == Granularity::All;
                let mut test_query = TestQuery {
                    metric,
                    clusters: Vec::new(),
                    filter,
                    granularity,
                    intervals,
                    aggregation,
                    order: order.filter(|_| is_all),
                    limit: None,
                    group_by,
                };
                // A limit with several windows is refused.
                test_query.limit = limit.filter(|_| {
                    !test_query.group_by.is_empty() && (is_all || test_query.windows().len() == 1)
                });
                test_query
            },
        )
}

pub(crate) fn any_metric() -> impl Strategy<Value = Metric> {
    prop::sample::select(&METRICS)
}

pub(crate) const LETTERS: [&str; 8] = ["a", "b", "c", "0", "1", "2", "é", "!"];

#[test]
fn stored_points_are_aggregated_like_a_plain_loop() {
    let emulator = empty().start();
    let client = client(&emulator);
    let input = any_metric().prop_flat_map(|metric| {
        (
            raw(metric, 2),
            test_query(metric, &LETTERS, prop::sample::select(&GRANULARITIES), 2),
        )
    });
    proptest!(cases(700), |((mut raw, mut test_query) in input, both in any::<bool>())| {
        let clusters = new_clusters();
        put(&emulator, &test_query.metric, &mut raw, &clusters);
        test_query.clusters = present(&raw, clusters, both);
        let result = client.query(&test_query.query()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(render(&result), test_query.response(&raw));
    });
}

#[test]
fn the_demo_organization_is_aggregated_like_a_plain_loop() {
    let emulator = Emulator::builder().clock(NOON).start();
    let client = client(&emulator);
    const WORDS: [&str; 8] = [
        "orders",
        "payments",
        "Fetch",
        "SAME_ZONE",
        "billing",
        "1",
        "m",
        "lkc-2",
    ];
    let input = any_metric().prop_flat_map(|metric| {
        let clusters =
            prop::sample::subsequence(vec!["lkc-1".to_owned(), "lkc-2".to_owned()], 1..=2);
        // The demo data has many series with a point per minute.
        let granularity = prop::sample::select(&GRANULARITIES[..6]);
        (
            clusters,
            test_query(metric, &WORDS, granularity, 1),
            0..=22_i64,
        )
    });
    proptest!(cases(30), |((clusters, mut test_query, back) in input)| {
        test_query.clusters = clusters;
        test_query.intervals.truncate(1);
        // Keeps the length, up to two hours.
        let (start, length) = ((NOON - back * HOUR) * 1000, test_query.intervals[0].1 - test_query.intervals[0].0);
        let width = test_query.width();
        let length = length.min(2 * HOUR * 1000) + width - 1;
        let start = start.div_euclid(width) * width;
        test_query.intervals = vec![(start, start + length / width * width)];
        test_query.limit = test_query.limit.filter(|_| test_query.windows().len() == 1);
        let raw = raw_points(&emulator, &test_query.metric, NOON - (back + 4) * HOUR, NOON - (back - 6) * HOUR);
        let result = client.query(&test_query.query()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(render(&result), test_query.response(&raw));
    });
}
