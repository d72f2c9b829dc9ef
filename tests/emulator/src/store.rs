//! The raw points, one per minute and series: demo data, and points that a test sets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::catalogue::{self, Metric};
use crate::demo::Organization;
use crate::format::rfc3339::{self, DAY, MINUTE};
use crate::generator::Generator;
use crate::request::filter::Labels;

/// The time until demo data of a minute is visible, and until it is gone.
const LATENCY: i64 = 3 * MINUTE;
const RETENTION: i64 = 7 * DAY;

/// The minutes of demo data that are visible, first and last included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visible {
    first: i64,
    last: i64,
}

impl Visible {
    /// Returns the visible minutes at a time in milliseconds.
    pub(crate) fn at(now: i64) -> Self {
        Self {
            first: rfc3339::ceil(now - RETENTION, MINUTE),
            last: rfc3339::floor(now - LATENCY, MINUTE),
        }
    }

    /// Returns the latest minute, in milliseconds.
    pub(crate) const fn last(self) -> i64 {
        self.last
    }

    /// Returns the visible minutes that start within `from..to`, in minutes since 1970.
    fn minutes(self, from: i64, to: i64) -> Range<i64> {
        let first = rfc3339::ceil(from.max(self.first), MINUTE) / MINUTE;
        first..rfc3339::ceil(to.min(self.last + 1), MINUTE) / MINUTE
    }
}

/// The points of one set of labels.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    demo: Option<Generator>,
    /// Points that a test set, by minute. `None` is null.
    overrides: BTreeMap<i64, Option<f64>>,
}

impl Series {
    /// Returns the points with `from <= minute < to`, in order of time.
    pub(crate) fn points(&self, from: i64, to: i64, visible: Visible) -> Vec<(i64, Option<f64>)> {
        let mut points: Vec<_> = if from < to {
            self.overrides
                .range(from..to)
                .map(|(minute, value)| (*minute, *value))
                .collect()
        } else {
            Vec::new()
        };
        let override_count = points.len();
        if let Some(demo) = &self.demo {
            let minutes = visible.minutes(from, to);
            points.reserve(usize::try_from(minutes.end - minutes.start).unwrap_or(0));
            for minute in minutes {
                if let Some(value) = demo.value(minute) {
                    points.push((minute * MINUTE, Some(value)));
                }
            }
        }
        if override_count > 0 && override_count < points.len() {
            // The sort is stable, so a point that a test set comes before the one that it replaces.
            points.sort_by_key(|(minute, _)| *minute);
            points.dedup_by_key(|(minute, _)| *minute);
        }
        points
    }

    /// Returns true if there is a point with `from <= minute < to`.
    pub(crate) fn has_point(&self, from: i64, to: i64, visible: Visible) -> bool {
        let has_override = from < to && self.overrides.range(from..to).next().is_some();
        let has_value = |demo: &Generator| {
            visible
                .minutes(from, to)
                .any(|minute| demo.value(minute).is_some())
        };
        has_override || self.demo.as_ref().is_some_and(has_value)
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    organization: Organization,
    demo: bool,
    /// By row of the catalogue. Filled when a metric is first used, so that a start is fast.
    series: Vec<OnceLock<RwLock<Vec<Series>>>>,
    resources: RwLock<BTreeSet<(String, String)>>,
}

impl Store {
    pub(crate) fn new(organization: Organization, demo: bool) -> Self {
        let resources = organization
            .resources()
            .map(|(label, id)| (label.to_owned(), id))
            .collect();
        Self {
            organization,
            demo,
            series: catalogue::metrics()
                .iter()
                .map(|_| OnceLock::new())
                .collect(),
            resources: RwLock::new(resources),
        }
    }

    /// Returns the series of a metric, in order of their labels.
    pub(crate) fn series(&self, metric: &Metric) -> RwLockReadGuard<'_, Vec<Series>> {
        self.lock(metric)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets one point, and adds its resources.
    pub(crate) fn put(&self, metric: &Metric, mut labels: Labels, time: i64, value: Option<f64>) {
        labels.sort();
        let resources = labels
            .iter()
            .filter(|(name, _)| name.starts_with("resource."))
            .cloned();
        self.resources
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(resources);
        let mut series = self.write(metric);
        let index = match series.binary_search_by(|own| own.labels.cmp(&labels)) {
            Ok(index) => index,
            Err(index) => {
                series.insert(
                    index,
                    Series {
                        labels,
                        demo: None,
                        overrides: BTreeMap::new(),
                    },
                );
                index
            }
        };
        series[index]
            .overrides
            .insert(rfc3339::floor(time, MINUTE), value);
    }

    /// Returns true if there is a resource with this label and id.
    pub(crate) fn has_resource(&self, label: &str, id: &str) -> bool {
        self.resources()
            .contains(&(label.to_owned(), id.to_owned()))
    }

    /// Returns the label and id of every resource, in order.
    pub(crate) fn resources(&self) -> RwLockReadGuard<'_, BTreeSet<(String, String)>> {
        self.resources
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, metric: &Metric) -> RwLockWriteGuard<'_, Vec<Series>> {
        self.lock(metric)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self, metric: &Metric) -> &RwLock<Vec<Series>> {
        self.series[metric.index].get_or_init(|| {
            let mut series: Vec<Series> = if self.demo {
                let series = self.organization.series(metric).into_iter();
                series
                    .map(|(labels, generator)| Series {
                        labels,
                        demo: Some(generator),
                        overrides: BTreeMap::new(),
                    })
                    .collect()
            } else {
                Vec::new()
            };
            series.sort_by(|left, right| left.labels.cmp(&right.labels));
            RwLock::new(series)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::metric;

    const NOW: i64 = 1_767_225_600_000;

    fn store(demo: bool) -> Store {
        Store::new(Organization::new(0, &[]), demo)
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn demo_data_starts_with_the_retention_and_ends_with_the_latency() {
        let store = store(true);
        let metric = metric("io.confluent.kafka.server/partition_count").expect("known");
        let series = store.series(metric);
        let visible = Visible::at(NOW + 30_000);
        let points = series[0].points(NOW - 8 * DAY, NOW + DAY, visible);
        assert_eq!(
            points.first().map(|point| point.0),
            Some(NOW - 7 * DAY + MINUTE)
        );
        assert_eq!(points.last().map(|point| point.0), Some(NOW - 3 * MINUTE));
        assert_eq!(points.len(), 7 * 24 * 60 - 3);
        assert!(series[0].points(NOW, NOW - MINUTE, visible).is_empty());
    }

    #[test]
    fn a_set_point_replaces_demo_data_and_is_always_visible() {
        let store = store(true);
        let metric = metric("io.confluent.kafka.server/partition_count").expect("known");
        let own = labels(&[("resource.kafka.id", "lkc-1")]);
        store.put(metric, own.clone(), NOW - DAY + 59_999, Some(7.0));
        store.put(metric, own.clone(), NOW - 30 * DAY, Some(8.0));
        store.put(metric, own, NOW - DAY + MINUTE, None);
        let series = store.series(metric);
        let visible = Visible::at(NOW);
        let found = series[0].points(NOW - DAY - MINUTE, NOW - DAY + 3 * MINUTE, visible);
        let values: Vec<_> = found.into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [Some(36.0), Some(7.0), None, Some(36.0)]);
        assert_eq!(
            series[0].points(NOW - 31 * DAY, NOW - 29 * DAY, visible),
            [(NOW - 30 * DAY, Some(8.0))]
        );
    }

    #[test]
    fn a_point_adds_its_resource() {
        let store = store(false);
        let metric = metric("io.confluent.kafka.server/sent_bytes").expect("known");
        assert!(store.has_resource("resource.kafka.id", "lkc-1"));
        assert!(!store.has_resource("resource.kafka.id", "lkc-77"));
        store.put(
            metric,
            labels(&[("resource.kafka.id", "lkc-77"), ("metric.topic", "a")]),
            NOW,
            Some(1.0),
        );
        assert!(store.has_resource("resource.kafka.id", "lkc-77"));
        assert_eq!(store.series(metric).len(), 1);
    }

    #[test]
    fn every_metric_has_demo_data() {
        let store = store(true);
        for metric in catalogue::metrics() {
            let series = store.series(metric);
            assert!(!series.is_empty(), "{}", metric.name);
            let points = series[0].points(NOW - DAY, NOW, Visible::at(NOW));
            assert!(!points.is_empty(), "{}", metric.name);
            assert!(
                series
                    .windows(2)
                    .all(|pair| pair[0].labels < pair[1].labels),
                "{}",
                metric.name
            );
            let known = |(name, _): &(String, String)| metric.has_label(name);
            assert!(
                series.iter().all(|series| series.labels.iter().all(known)),
                "{}",
                metric.name
            );
            let whole =
                |(_, value): &(i64, Option<f64>)| value.is_some_and(|value| value.fract() == 0.0);
            assert!(
                metric.is_double() || points.iter().all(whole),
                "{}",
                metric.name
            );
        }
    }
}
