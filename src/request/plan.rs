//! Turns a query and a reading of the clock into the exact bodies to send.

use std::time::Duration;

use crate::error::Error;
use crate::model::filter::Filter;
use crate::request::attribute_query::AttributeQuery;
use crate::request::body;
use crate::request::operation::Operation;
use crate::request::problems::Problems;
use crate::request::query::Query;
use crate::time::call_context::CallContext;
use crate::time::granularity::Granularity;
use crate::time::interval::{Interval, TimeRange};
use crate::time::iso8601::Iso8601Duration;
use crate::time::timestamp::Timestamp;

/// The time ranges of one request: one, or with granularity ALL every one of the query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    ranges: Vec<TimeRange>,
    bounds: TimeRange,
}

/// The requests of a query at one reading of the clock.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The windows in order of time, one request each. Empty if no interval contains a bucket yet.
    pub(crate) windows: Vec<Window>,
    /// The time ranges that the buckets cover, in order of time.
    pub(crate) intervals: Vec<TimeRange>,
    /// The reason why the result will be truncated.
    pub(crate) truncated: Option<String>,
    /// True if an interval depends on the clock.
    pub(crate) is_relative: bool,
}

/// The request of an attribute query.
#[derive(Debug)]
pub(crate) struct AttributePlan {
    /// The body for every page. `None` if no interval has begun yet.
    pub(crate) body: Option<String>,
    /// The earliest start. The service must still have its points when it responds.
    pub(crate) start: Option<Timestamp>,
    /// True if an interval depends on the clock.
    pub(crate) is_relative: bool,
}

/// A query that needs more windows than this has a typo in a year.
const MAX_WINDOWS: u64 = 10_000;

/// Splits `query` into windows in order of time.
///
/// # Errors
///
/// Returns `InvalidInput` with every problem of the query.
pub(crate) fn plan(query: &Query, clock: &CallContext) -> Result<Plan, Error> {
    let mut problems = Problems::default();
    query.validate(&mut problems);
    let mut notes = Vec::new();
    let mut ranges = Vec::with_capacity(query.intervals.len());
    for interval in &query.intervals {
        match interval.buckets(query.granularity, clock) {
            Ok(Some(range)) if query.allow_truncated => {
                ranges.extend(drop_expired(query, range, clock, &mut notes));
            }
            Ok(Some(range)) => {
                check_buckets(query, *interval, range, clock, &mut problems);
                ranges.push(range);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    ranges.sort_unstable();
    let ranges = merge_ranges(query, ranges, &mut problems);
    problems.into_result(Operation::Query.name())?;
    Ok(Plan {
        windows: split_windows(query, ranges.clone()),
        intervals: ranges,
        truncated: (!notes.is_empty()).then(|| notes.join("; ")),
        is_relative: query.is_relative(),
    })
}

/// Returns the time ranges that the buckets of `query` cover, without a clock.
///
/// Returns `None` if an interval depends on the clock.
///
/// # Errors
///
/// Returns `InvalidInput` with every problem of the intervals.
pub(crate) fn absolute_intervals(query: &Query) -> Result<Option<Vec<TimeRange>>, Error> {
    if query.is_relative() {
        return Ok(None);
    }
    // With this clock no bucket has expired, and none is unsettled.
    let clock = CallContext {
        now: Timestamp::MAX,
        data_latency: Duration::ZERO,
        retention: Duration::MAX,
    };
    let mut problems = Problems::default();
    let mut ranges = Vec::with_capacity(query.intervals.len());
    for interval in &query.intervals {
        match interval.buckets(query.granularity, &clock) {
            Ok(range) => ranges.extend(range),
            Err(problem) => problems.push(problem),
        }
    }
    problems.into_result(Operation::Query.name())?;
    ranges.sort_unstable();
    if query.granularity != Granularity::All {
        ranges = merge_overlapping(ranges);
    }
    Ok(Some(ranges))
}

/// Creates the request of an attribute query.
///
/// # Errors
///
/// Returns `InvalidInput` with every problem of the query.
pub(crate) fn attribute_plan(
    query: &AttributeQuery,
    clock: &CallContext,
) -> Result<AttributePlan, Error> {
    let mut problems = Problems::default();
    query.validate(&mut problems);
    // The default of the service, but as a time that is the same for every page.
    let last_hour = Interval::ending_at(clock.now, Duration::from_secs(3600));
    let intervals = if query.intervals.is_empty() {
        &[last_hour][..]
    } else {
        &query.intervals
    };
    let mut ranges = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match interval.times(clock) {
            Ok(Some(range)) => {
                if interval.exceeds_retention(Granularity::All, clock)
                    || range.0 < clock.kept_since(clock.now)
                {
                    push_expired(&mut problems, *interval, range, Granularity::All, clock);
                }
                ranges.push(range);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    problems.into_result(Operation::Attributes.name())?;
    ranges.sort_unstable();
    let has_default_interval = query.intervals.is_empty();
    let has_relative_interval = query
        .intervals
        .iter()
        .any(|interval| interval.is_relative());
    Ok(AttributePlan {
        body: (!ranges.is_empty()).then(|| body::attributes_body(query, &ranges)),
        start: ranges.first().map(|range| range.0),
        is_relative: has_default_interval || has_relative_interval,
    })
}

/// Returns the reason why points after `start` were lost, if they were by `at`.
pub(crate) fn expired(start: Timestamp, clock: &CallContext, at: Timestamp) -> Option<String> {
    (start < clock.kept_since(at)).then(|| {
        format!(
            "the service keeps points for {}, and the first ones after {start} were gone when it responded",
            Iso8601Duration(clock.retention),
        )
    })
}

impl Window {
    fn new(ranges: Vec<TimeRange>) -> Option<Self> {
        let (start, _) = *ranges.first()?;
        let (_, end) = *ranges.last()?;
        Some(Self {
            ranges,
            bounds: (start, end),
        })
    }

    /// Returns the first start and the last end.
    pub(crate) const fn interval(&self) -> TimeRange {
        self.bounds
    }

    /// Returns the exact body that requests `query` in this window.
    ///
    /// Rows must match `extra_filter` as well as the filter of the query.
    pub(crate) fn body(&self, query: &Query, extra_filter: Option<Filter>) -> String {
        body::query_body(query, &self.ranges, extra_filter)
    }
}

/// Leaves out the buckets of `range` that the service no longer has, and notes why the result will
/// be truncated.
fn drop_expired(
    query: &Query,
    (mut start, end): TimeRange,
    clock: &CallContext,
    notes: &mut Vec<String>,
) -> Option<TimeRange> {
    let kept_since = clock.kept_since(clock.now);
    let settled_until = clock.settled_until();
    if start < kept_since {
        notes.push(format!(
            "buckets of {start}/{end} from before {kept_since} are left out: the service keeps points for {}",
            Iso8601Duration(clock.retention),
        ));
        start = query.granularity.ceil(kept_since);
    }
    if end > settled_until {
        notes.push(format!(
            "buckets of {start}/{end} after {settled_until} are still filling up"
        ));
    }
    (start < end).then_some((start, end))
}

/// Checks that the service still has all buckets of `range`, and that they are settled.
fn check_buckets(
    query: &Query,
    interval: Interval,
    range: TimeRange,
    clock: &CallContext,
    problems: &mut Problems,
) {
    let (start, end) = range;
    let granularity = query.granularity;
    if start < clock.kept_since(clock.now) || interval.exceeds_retention(granularity, clock) {
        push_expired(problems, interval, range, granularity, clock);
    }
    let settled_until = clock.settled_until();
    if end > settled_until {
        problems.push(format!(
            "interval {start}/{end} ends after {settled_until}: later buckets are still filling up"
        ));
        problems.hint(
            "use Interval::within, which takes only settled buckets, or Query::allow_truncated",
        );
    }
}

fn push_expired(
    problems: &mut Problems,
    interval: Interval,
    (start, end): TimeRange,
    granularity: Granularity,
    clock: &CallContext,
) {
    let retention = Iso8601Duration(clock.retention);
    if interval.exceeds_retention(granularity, clock) {
        problems.push(format!(
            "interval {interval}, one bucket of {} and the data latency of {} exceed the retention of {retention}",
            Iso8601Duration(granularity.grid()),
            Iso8601Duration(clock.data_latency),
        ));
    } else {
        let kept_since = clock.kept_since(clock.now);
        problems.push(format!(
            "interval {start}/{end} starts before {kept_since}: the service keeps points for {retention}"
        ));
    }
    let last = match clock.longest_last(granularity) {
        Some(longest) => format!(" or at most {}", Interval::last(longest)),
        None => String::new(),
    };
    problems.hint(format!(
        "use Interval::retained{last}, or set ClientBuilder::retention if the service keeps points for longer"
    ));
}

/// Merges sorted ranges that overlap. With granularity ALL an overlap is a problem.
fn merge_ranges(query: &Query, ranges: Vec<TimeRange>, problems: &mut Problems) -> Vec<TimeRange> {
    if query.granularity == Granularity::All {
        check_overlap(&ranges, problems);
        return ranges;
    }
    let merged = merge_overlapping(ranges);
    check_limit(query, &merged, problems);
    check_window_count(query, &merged, problems);
    merged
}

/// Merges sorted ranges that overlap or touch.
fn merge_overlapping(ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    let mut merged: Vec<TimeRange> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn check_overlap(ranges: &[TimeRange], problems: &mut Problems) {
    for pair in ranges.windows(2) {
        match pair {
            [a, b] if b.0 < a.1 => problems.push(format!(
                "intervals {}/{} and {}/{} overlap, which is not allowed with granularity ALL",
                a.0, a.1, b.0, b.1,
            )),
            _ => {}
        }
    }
}

/// Checks that a limit applies to one window: the first groups of each of several windows are not
/// the first groups of all of them.
fn check_limit(query: &Query, ranges: &[TimeRange], problems: &mut Problems) {
    if query.limit.is_none() {
        return;
    }
    if ranges.len() > 1 {
        problems.push(format!(
            "limit supports one interval, found {}",
            ranges.len()
        ));
    }
    for &(start, end) in ranges {
        let length = end.duration_since(start);
        if !fits_window(query.granularity, length) {
            let coarser = Granularity::VARIANTS
                .iter()
                .copied()
                .find(|granularity| fits_window(*granularity, length))
                .unwrap_or(Granularity::All);
            problems.push(format!(
                "limit needs an interval that fits one request: {start}/{end} is too long for {} (use {coarser})",
                query.granularity,
            ));
        }
    }
}

fn fits_window(granularity: Granularity, length: Duration) -> bool {
    granularity
        .max_interval()
        .is_none_or(|longest| length <= longest)
}

fn check_window_count(query: &Query, ranges: &[TimeRange], problems: &mut Problems) {
    let Some(longest) = query.granularity.max_interval() else {
        return;
    };
    let mut windows = 0;
    for (start, end) in ranges {
        windows += end.duration_since(*start).as_secs() / longest.as_secs() + 1;
    }
    if windows > MAX_WINDOWS {
        problems.push(format!(
            "granularity {} needs {windows} requests: use a coarser one, or check the years for a typo",
            query.granularity,
        ));
    }
}

/// Splits ranges into windows. With granularity ALL every range is in one window.
fn split_windows(query: &Query, ranges: Vec<TimeRange>) -> Vec<Window> {
    if query.granularity == Granularity::All {
        return Window::new(ranges).into_iter().collect();
    }
    let mut windows = Vec::new();
    for range in ranges {
        split_range(range, query.granularity, &mut windows);
    }
    windows
}

/// Adds the fewest windows that the service accepts, split on bucket borders.
fn split_range((mut start, end): TimeRange, granularity: Granularity, windows: &mut Vec<Window>) {
    let longest = granularity.max_interval();
    while let Some(longest) = longest.filter(|longest| end.duration_since(start) > *longest) {
        let Some(latest) = start.checked_add(longest) else {
            break;
        };
        let border = granularity.floor(latest);
        windows.extend(Window::new(vec![(start, border)]));
        start = border;
    }
    windows.extend(Window::new(vec![(start, end)]));
}

#[cfg(test)]
mod tests;
