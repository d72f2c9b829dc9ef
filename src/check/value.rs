//! The one value of a series that is checked, or the reason why there is none.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::check::format::humanize::format_duration;
use crate::check::reduce::Reduce;
use crate::check::window::CheckWindow;
use crate::model::series::{Point, Series};

/// Values at or below this mean that a watermark is not set.
///
/// The service returns the minimum of a 64-bit integer, -9.2E18, for one. That is doubled in the
/// sum of two, and halved in the average with a small value.
const UNSET_WATERMARK: f64 = -4.6e18;

/// The maximum age of the point of [`Reduce::Last`] if none is set. The latest point may be late.
const DEFAULT_MAX_AGE_BUCKETS: u32 = 2;

/// The result of reducing a series.
#[derive(Debug, PartialEq)]
pub(crate) enum Reduced {
    /// The value, with the start of the bucket that it is of.
    Value(Point, Coverage),
    /// There is no data.
    Missing(String),
    /// There is data, but it is stale, too sparse or not a finite number.
    Unusable(String),
}

impl Reduced {
    /// Returns the value with its time, or `None` if there is none.
    pub(crate) const fn point(&self) -> Option<Point> {
        match self {
            Self::Value(point, _) => Some(*point),
            Self::Missing(_) | Self::Unusable(_) => None,
        }
    }

    /// Returns the coverage of the value, or `None` if there is no value.
    pub(crate) const fn coverage(&self) -> Option<Coverage> {
        match self {
            Self::Value(_, coverage) => Some(*coverage),
            Self::Missing(_) | Self::Unusable(_) => None,
        }
    }
}

/// The number of buckets that have data, of those that count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Coverage {
    /// The number of buckets with a point.
    pub(crate) with_data: u64,
    /// The number of buckets that count.
    pub(crate) buckets: u64,
}

impl Coverage {
    /// Creates the coverage of a window, which has one bucket with ALL.
    pub(crate) fn new(with_data: usize, window: &CheckWindow) -> Self {
        let buckets = if window.is_one_bucket() {
            1
        } else {
            window.buckets()
        };
        Self {
            with_data: (with_data as u64).min(buckets),
            buckets,
        }
    }

    /// Returns true if every bucket has data.
    pub(crate) const fn is_full(self) -> bool {
        self.with_data == self.buckets
    }

    /// Returns the share of buckets that have data, from 0 to 1.
    fn share(self) -> f64 {
        self.with_data as f64 / self.buckets as f64
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} buckets had data", self.with_data, self.buckets)
    }
}

/// The requirements on the data of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    /// The greatest age of the last point, or `None` for any.
    pub(crate) max_age: Option<Duration>,
    /// The least share of buckets with data, or `None` for any.
    pub(crate) min_coverage: Option<f64>,
}

impl Limits {
    /// Returns a reason if too few buckets have data.
    pub(crate) fn coverage_reason(self, coverage: Coverage) -> Option<String> {
        let min = self.min_coverage?;
        (coverage.share() < min).then(|| format!("{coverage} (min_coverage is {min})"))
    }
}

/// Reduces a series to one value, ignoring buckets that may still change.
pub(crate) fn reduce_series(
    series: &Series,
    window: &CheckWindow,
    reduce: Reduce,
    limits: Limits,
) -> Reduced {
    let in_window: Vec<_> = series
        .points()
        .iter()
        .copied()
        .filter(|point| window.contains(*point))
        .collect();
    let settled: Vec<_> = in_window
        .iter()
        .copied()
        .filter(|point| window.has_settled(*point))
        .collect();
    let set = set_points(&settled);
    let Some(latest) = settled.last() else {
        return Reduced::Missing(match in_window.last() {
            None => "no data in the window".into(),
            Some(point) => format!(
                "no complete bucket yet: the bucket at {} must end and pass the data latency first",
                point.timestamp,
            ),
        });
    };
    // The other functions treat a null as a bucket without data.
    if reduce == Reduce::Last {
        if let Some(null) = latest_null(series, window) {
            return match stale_reason(null, window, reduce, limits.max_age) {
                Some(reason) => Reduced::Unusable(reason),
                None => Reduced::Missing(format!("value at {} is null", null.timestamp)),
            };
        }
    }
    // The last value counts even if it is unset. The other functions skip unset values.
    let points = if reduce == Reduce::Last {
        &settled
    } else {
        &set
    };
    let last = points.last().unwrap_or(latest);
    if let Some(reason) = stale_reason(*last, window, reduce, limits.max_age) {
        return Reduced::Unusable(reason);
    }
    if is_unset(last.value) {
        return Reduced::Missing(format!("watermark not set at {}", latest.timestamp));
    }
    // An unset watermark is not data.
    let coverage = Coverage::new(set.len(), window);
    if let Some(reason) = limits.coverage_reason(coverage) {
        return Reduced::Unusable(reason);
    }
    match reduce.apply(points, window.seconds()) {
        Some(point) if point.value.is_finite() => Reduced::Value(point, coverage),
        _ => Reduced::Unusable(format!("{} overflows", reduce.description())),
    }
}

/// Returns the points in the last `count` complete buckets, and the coverage of the window.
///
/// An unset watermark is not data.
pub(crate) fn last_buckets(
    series: &Series,
    window: &CheckWindow,
    count: usize,
) -> (Vec<Point>, Coverage) {
    let mut points = Vec::new();
    for point in series.points() {
        if window.contains(*point) && window.has_settled(*point) {
            points.push(*point);
        }
    }
    let mut points = set_points(&points);
    let coverage = Coverage::new(points.len(), window);
    if let Some(first) = window.last_buckets(count).last() {
        points.drain(..points.partition_point(|point| point.timestamp < *first));
    }
    (points, coverage)
}

/// Returns the points that are no unset watermark.
fn set_points(points: &[Point]) -> Vec<Point> {
    points
        .iter()
        .copied()
        .filter(|point| !is_unset(point.value))
        .collect()
}

/// Returns true if the value means that a watermark is not set.
pub(crate) fn is_unset(value: f64) -> bool {
    value <= UNSET_WATERMARK
}

/// Returns the null after the last point, as a point whose value has no meaning.
fn latest_null(series: &Series, window: &CheckWindow) -> Option<Point> {
    let null = Point {
        timestamp: series.newest_null()?,
        value: 0.0,
    };
    (window.contains(null) && window.has_settled(null)).then_some(null)
}

/// Returns a reason if the latest point of a series is too old.
pub(crate) fn stale_reason(
    latest: Point,
    window: &CheckWindow,
    reduce: Reduce,
    max_age: Option<Duration>,
) -> Option<String> {
    let (limit, rule) = match (max_age, reduce) {
        (Some(limit), _) => (limit, format!("max_age is {}", format_duration(limit))),
        (None, Reduce::Last) => (
            window.width() * DEFAULT_MAX_AGE_BUCKETS,
            format!("default max_age is {DEFAULT_MAX_AGE_BUCKETS} buckets"),
        ),
        (None, _) => return None,
    };
    let age = window.age_of(latest);
    (age > limit).then(|| {
        format!(
            "stale: latest point at {} was {} old at {} ({rule})",
            latest.timestamp,
            format_duration(age),
            window.age_reference(),
        )
    })
}
