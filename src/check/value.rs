//! The one number of a series, or why there is none to be trusted.

use std::fmt;
use std::time::Duration;

use crate::check::format::humanize::format_duration;
use crate::check::reduce::Reduce;
use crate::check::window::CheckWindow;
use crate::model::series::{Point, Series};

/// What a series says.
#[derive(Debug, PartialEq)]
pub(crate) enum Reduced {
    /// A number, with the start of the bucket that it is from.
    Value(Point, Coverage),
    /// Nothing was measured.
    Missing(String),
    /// Something was, but it says nothing about now, or nothing at all.
    Unusable(String),
}

impl Reduced {
    /// The number to be judged, if there is one.
    pub(crate) fn point(&self) -> Option<Point> {
        if let Self::Value(point, _) = self {
            Some(*point)
        } else {
            None
        }
    }
}

/// How many of the settled buckets of a window have data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coverage {
    with_data: u64,
    buckets: u64,
}

impl Coverage {
    /// Returns the coverage of a series with so many values that are set.
    fn new(with_data: usize, window: &CheckWindow) -> Self {
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

    pub(crate) fn is_full(self) -> bool {
        self.with_data == self.buckets
    }

    fn share(self) -> f64 {
        self.with_data as f64 / self.buckets as f64
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} buckets had data", self.with_data, self.buckets)
    }
}

/// What a series needs for its number to be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) max_age: Option<Duration>,
    pub(crate) min_coverage: Option<f64>,
}

/// Values at or below this stand for a watermark that is not set. The service answers the least 64-bit integer for one,
/// -9.2E18, twice that for the sum of two, and half of that for the average with another.
const UNSET_WATERMARK: f64 = -4.6e18;

/// How old the point of [`Reduce::Last`] may be where nothing is said of it, in buckets: the newest may come late.
const DEFAULT_MAX_AGE_BUCKETS: u32 = 2;

/// The columns of a line of bars.
const SPARKLINE_WIDTH: usize = 24;

/// Reduces the settled points of a series.
#[inline]
pub(crate) fn reduce_series(
    series: &Series,
    window: &CheckWindow,
    reduce: Reduce,
    limits: Limits,
) -> Reduced {
    let max_age = limits.max_age;
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
    let set: Vec<_> = settled
        .iter()
        .copied()
        .filter(|point| !is_unset(point.value))
        .collect();
    let Some(newest) = settled.last() else {
        return Reduced::Missing(match in_window.last() {
            None => "it has no point in the window".into(),
            Some(point) => format!(
                "it has no settled point in the window: the bucket that starts at {} is not settled before it has ended \
                 and the service's data latency has passed",
                point.timestamp,
            ),
        });
    };
    // The last value is the newest, set or not; anything else is made of those that are set.
    let judged = if reduce == Reduce::Last {
        &settled
    } else {
        &set
    };
    if let Some(null) = newest_null(series, window).filter(|_| reduce == Reduce::Last) {
        return match too_old(null, window, reduce, max_age) {
            Some(why) => Reduced::Unusable(why),
            None => Reduced::Missing(format!("its value at {} is null", null.timestamp)),
        };
    }
    if let Some(why) = too_old(*judged.last().unwrap_or(newest), window, reduce, max_age) {
        return Reduced::Unusable(why);
    }
    if judged.last().is_none_or(|point| is_unset(point.value)) {
        return Reduced::Missing(format!(
            "its value at {} is the mark of a watermark that is not set",
            newest.timestamp
        ));
    }
    let coverage = Coverage::new(set.len(), window);
    if let Some(least) = limits
        .min_coverage
        .filter(|least| coverage.share() < *least)
    {
        return Reduced::Unusable(format!(
            "{coverage}, fewer than the min_coverage of {least}"
        ));
    }
    match reduce.apply(judged, window.seconds()) {
        Some(point) if point.value.is_finite() => Reduced::Value(point, coverage),
        _ => Reduced::Unusable(format!(
            "{} is too large for a number",
            reduce.description()
        )),
    }
}

fn is_unset(value: f64) -> bool {
    value <= UNSET_WATERMARK
}

/// Returns the null that is newer than every point of a series, if it is to be judged; as a point, whose value means
/// nothing.
fn newest_null(series: &Series, window: &CheckWindow) -> Option<Point> {
    let null = Point {
        timestamp: series.newest_null()?,
        value: 0.0,
    };
    (window.contains(null) && window.has_settled(null)).then_some(null)
}

/// Why a newest point says nothing about now, if so.
#[inline]
fn too_old(
    newest: Point,
    window: &CheckWindow,
    reduce: Reduce,
    max_age: Option<Duration>,
) -> Option<String> {
    let by_default = || (reduce == Reduce::Last).then(|| window.width() * DEFAULT_MAX_AGE_BUCKETS);
    let (age, limit) = (window.age_of(newest), max_age.or_else(by_default)?);
    (age > limit).then(|| {
        let rule = match max_age {
            Some(_) => format!("may be {} old", format_duration(limit)),
            None => format!(
                "may be {DEFAULT_MAX_AGE_BUCKETS} buckets old, unless max_age says otherwise"
            ),
        };
        format!(
            "it is stale: its newest point, at {}, was {} old at {}, and {rule}",
            newest.timestamp,
            format_duration(age),
            window.age_reference(),
        )
    })
}

/// The points of a series as bars, the greatest of each column's share of the window; a dot where there was none.
#[inline]
pub(crate) fn sparkline(series: &Series, window: &CheckWindow) -> String {
    let points = || {
        series
            .points()
            .iter()
            .filter(|point| window.contains(**point) && window.has_settled(**point))
    };
    let columns = usize::try_from(window.buckets())
        .unwrap_or(SPARKLINE_WIDTH)
        .min(SPARKLINE_WIDTH);
    let values = || {
        points()
            .map(|point| point.value)
            .filter(|value| !is_unset(*value))
    };
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    if points().nth(1).is_none() || columns < 2 {
        return String::new();
    }
    let Some((start, _)) = window.bounds() else {
        return String::new();
    };
    let length = window.age_reference().duration_since(start).as_secs_f64();
    let mut greatest = vec![None; columns];
    for point in points().filter(|point| !is_unset(point.value)) {
        let place = point.timestamp.duration_since(start).as_secs_f64() / length * columns as f64;
        if let Some(column) = greatest.get_mut((place as usize).min(columns - 1)) {
            *column = Some(f64::max(column.unwrap_or(f64::MIN), point.value));
        }
    }
    let bar = |value: f64| {
        let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        let bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        bars.get((share * 7.0).round() as usize)
            .copied()
            .unwrap_or('▁')
    };
    greatest
        .into_iter()
        .map(|value| value.map_or('·', bar))
        .collect()
}
