//! The expected result of a query: a simple loop over raw points.

use std::collections::{BTreeMap, BTreeSet};

use confluent_metrics::{
    Aggregation, Granularity, Interval, Order, Query, QueryResult, Resource, Timestamp,
};
use confluent_metrics_emulator::Emulator;

use crate::expression::{Expression, Labels};

/// The aggregation of minutes into the value of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OverTime {
    Sum,
    Average,
    Greatest,
}

/// A metric of Kafka clusters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    /// Besides the cluster's id.
    pub(crate) labels: &'static [&'static str],
    pub(crate) over_time: OverTime,
    /// The default aggregation across labels.
    pub(crate) usual: Aggregation,
}

pub(crate) const CLUSTER: &str = "resource.kafka.id";

/// As documented in the README of the emulator.
pub(crate) const METRICS: [Metric; 7] = [
    metric(
        "sent_bytes",
        &["metric.topic", "metric.partition"],
        OverTime::Sum,
        Aggregation::Sum,
    ),
    metric(
        "retained_bytes",
        &["metric.topic", "metric.partition"],
        OverTime::Average,
        Aggregation::Sum,
    ),
    metric(
        "response_bytes",
        &[
            "metric.type",
            "metric.principal_id",
            "metric.zone_alignment",
        ],
        OverTime::Sum,
        Aggregation::Sum,
    ),
    metric(
        "consumer_lag_offsets",
        &[
            "metric.consumer_group_id",
            "metric.topic",
            "metric.partition",
            "metric.client_id",
        ],
        OverTime::Average,
        Aggregation::Sum,
    ),
    metric(
        "connection_info",
        &["metric.principal_id", "metric.client_id"],
        OverTime::Average,
        Aggregation::Max,
    ),
    metric("partition_count", &[], OverTime::Average, Aggregation::Max),
    metric(
        "cluster_load_percent_max",
        &[],
        OverTime::Greatest,
        Aggregation::Max,
    ),
];

const fn metric(
    name: &'static str,
    labels: &'static [&'static str],
    over_time: OverTime,
    usual: Aggregation,
) -> Metric {
    Metric {
        name,
        labels,
        over_time,
        usual,
    }
}

/// A value of a minute, whose start is in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) labels: Labels,
    pub(crate) minute: i64,
    pub(crate) value: f64,
}

/// The model of a query.
#[derive(Clone, Debug)]
pub(crate) struct TestQuery {
    pub(crate) metric: Metric,
    pub(crate) clusters: Vec<String>,
    pub(crate) filter: Option<Expression>,
    pub(crate) group_by: Vec<String>,
    pub(crate) granularity: Granularity,
    /// Start and end in milliseconds.
    pub(crate) intervals: Vec<(i64, i64)>,
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) order: Option<Order>,
    pub(crate) limit: Option<u32>,
}

/// The values of the `group_by` labels. Missing labels sort first.
type Key = Vec<Option<String>>;
/// The minutes of each raw series in one group and bucket, with their values.
type Cell<'a> = BTreeMap<&'a Labels, Vec<(i64, f64)>>;

/// The points of a group by the bucket's start in milliseconds.
type Points = BTreeMap<i64, f64>;

/// Series in order, and if the limit cut or may have cut them.
#[derive(Debug, PartialEq)]
pub(crate) struct Groups {
    pub(crate) series: Vec<(Labels, Vec<(i64, f64)>)>,
    pub(crate) is_limited: bool,
}

impl Metric {
    pub(crate) fn full_name(&self) -> String {
        format!("io.confluent.kafka.server/{}", self.name)
    }

    /// Returns every label that a query may name.
    pub(crate) fn all_labels(&self) -> Vec<String> {
        self.labels
            .iter()
            .chain([&CLUSTER])
            .map(|label| (*label).to_owned())
            .collect()
    }
}

impl TestQuery {
    pub(crate) fn query(&self) -> Query {
        let interval = |(start, end): (i64, i64)| {
            let at = |millis| Timestamp::from_millisecond(millis).unwrap();
            Interval::between(at(start), at(end))
        };
        let mut intervals = self.intervals.iter().copied().map(interval);
        let mut query = Query::new(
            self.metric.full_name(),
            self.granularity,
            intervals.next().unwrap(),
        );
        query = intervals.fold(query, Query::add_interval);
        let clusters = self.clusters.iter().map(|id| Resource::kafka(id).into());
        query = query
            .filter(confluent_metrics::Filter::any(clusters))
            .group_by(&self.group_by);
        query = self
            .filter
            .iter()
            .fold(query, |query, filter| query.filter(filter.filter()));
        query = self.aggregation.into_iter().fold(query, Query::aggregation);
        query = self.order.into_iter().fold(query, Query::order);
        self.limit.into_iter().fold(query, Query::limit)
    }

    /// Returns the width of a bucket in milliseconds, and a minute for ALL.
    pub(crate) fn width(&self) -> i64 {
        self.granularity
            .duration()
            .map_or(60_000, |width| width.as_millis() as i64)
    }

    /// Returns if a bucket with this start belongs to one of these intervals.
    fn has(intervals: &[(i64, i64)], start: i64) -> bool {
        intervals
            .iter()
            .any(|(from, to)| (*from..*to).contains(&start))
    }

    fn groups(&self, raw: &[Raw], intervals: &[(i64, i64)]) -> BTreeMap<Key, Points> {
        let mut cells: BTreeMap<(Key, i64), Cell<'_>> = BTreeMap::new();
        for point in raw {
            let is_of_cluster = self
                .clusters
                .iter()
                .any(|id| point.labels.get(CLUSTER) == Some(id));
            let passes = self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.passes(&point.labels));
            let minute = point.minute * 1000;
            let start = minute - minute.rem_euclid(self.width());
            if is_of_cluster && passes && Self::has(intervals, start) {
                let key = self
                    .group_by
                    .iter()
                    .map(|label| point.labels.get(label).cloned())
                    .collect();
                let bucket = match self.granularity {
                    Granularity::All => intervals.iter().map(|(from, _)| *from).min().unwrap(),
                    _ => start,
                };
                let cell = cells.entry((key, bucket)).or_default();
                cell.entry(&point.labels)
                    .or_default()
                    .push((minute, point.value));
            }
        }
        let mut groups: BTreeMap<Key, Points> = BTreeMap::new();
        for ((key, bucket), cell) in cells {
            let values = cell
                .into_values()
                .map(|minutes| self.over_time(minutes))
                .collect();
            groups
                .entry(key)
                .or_default()
                .insert(bucket, self.across(values));
        }
        groups
    }

    fn over_time(&self, mut minutes: Vec<(i64, f64)>) -> f64 {
        minutes.sort_by_key(|(minute, _)| *minute);
        let values = minutes.iter().map(|(_, value)| *value);
        match self.metric.over_time {
            OverTime::Sum => values.sum(),
            OverTime::Average => values.sum::<f64>() / minutes.len() as f64,
            OverTime::Greatest => values.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn across(&self, series: Vec<f64>) -> f64 {
        match self.aggregation.unwrap_or(self.metric.usual) {
            Aggregation::Min => series.into_iter().fold(f64::INFINITY, f64::min),
            Aggregation::Max => series.into_iter().fold(f64::NEG_INFINITY, f64::max),
            _ => series.into_iter().sum(),
        }
    }

    /// Returns the number of groups with a point in this interval.
    pub(crate) fn count(&self, raw: &[Raw], interval: (i64, i64)) -> usize {
        self.groups(raw, &[interval]).len()
    }

    /// Returns the result of one request without a limit on groups or time.
    pub(crate) fn response(&self, raw: &[Raw]) -> Groups {
        let mut groups: Vec<(Key, Points)> =
            self.groups(raw, &self.intervals).into_iter().collect();
        let is_all = self.granularity == Granularity::All;
        if is_all {
            let value = |points: &Points| *points.values().next().unwrap();
            groups.sort_by(|(_, a), (_, b)| match self.order {
                Some(Order::Ascending) => value(a).total_cmp(&value(b)),
                _ => value(b).total_cmp(&value(a)),
            });
        }
        let limit = self.limit.map_or(usize::MAX, |limit| limit as usize);
        let is_limited = groups.len() > limit || (is_all && groups.len() == limit);
        groups.truncate(limit);
        let labels = |key: Key| {
            self.group_by
                .iter()
                .cloned()
                .zip(key)
                .filter_map(|(name, value)| Some((name, value?)))
        };
        let mut series: Vec<_> = groups
            .into_iter()
            .map(|(key, points)| {
                (
                    labels(key).collect::<Labels>(),
                    points.into_iter().collect::<Vec<_>>(),
                )
            })
            .collect();
        if !is_all {
            series.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Groups { series, is_limited }
    }

    /// Returns the fewest windows: cut on bucket borders, and no longer than the granularity
    /// allows.
    pub(crate) fn windows(&self) -> Vec<(i64, i64)> {
        let Some(longest) = self.granularity.max_interval() else {
            return self.united();
        };
        let longest = longest.as_millis() as i64;
        let mut windows = Vec::new();
        for (start, end) in self.united() {
            // All but the first and the last have the maximum length.
            let first_end = (start + longest) / self.width() * self.width();
            let mut from = start;
            let mut to = if end - start > longest {
                first_end
            } else {
                end
            };
            while from < end {
                windows.push((from, to));
                (from, to) = (to, (to + longest).min(end));
            }
        }
        windows
    }

    /// Returns the union of the intervals.
    fn united(&self) -> Vec<(i64, i64)> {
        let ends: BTreeSet<i64> = self
            .intervals
            .iter()
            .flat_map(|(from, to)| [*from, *to])
            .collect();
        let ends: Vec<i64> = ends.into_iter().collect();
        let mut united: Vec<(i64, i64)> = Vec::new();
        for pair in ends.windows(2) {
            match united.last_mut() {
                _ if !Self::has(&self.intervals, pair[0]) => {}
                Some(last) if last.1 == pair[0] => last.1 = pair[1],
                _ => united.push((pair[0], pair[1])),
            }
        }
        united
    }
}

/// Converts a result to the form of the oracle.
pub(crate) fn render(result: &QueryResult) -> Groups {
    let series = result.series().iter().map(|series| {
        let labels = series
            .labels()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        (labels, points(series))
    });
    let is_limited = match result.completeness() {
        confluent_metrics::Completeness::Complete => false,
        confluent_metrics::Completeness::Limited { .. } => true,
        other => panic!("{other:?}"),
    };
    Groups {
        series: series.collect(),
        is_limited,
    }
}

pub(crate) fn points(series: &confluent_metrics::Series) -> Vec<(i64, f64)> {
    series
        .points()
        .iter()
        .map(|point| (point.timestamp.as_millisecond(), point.value))
        .collect()
}

/// Returns all raw points of a metric between two times in seconds.
pub(crate) fn raw_points(emulator: &Emulator, metric: &Metric, from: i64, to: i64) -> Vec<Raw> {
    let points = emulator
        .raw_points(&metric.full_name(), from, to)
        .into_iter();
    points
        .map(|point| Raw {
            labels: point.labels.into_iter().collect(),
            minute: point.minute,
            value: point.value,
        })
        .collect()
}
