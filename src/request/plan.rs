//! Turns a query and a reading of the clock into the exact bodies to send.
//!
//! A query may cover more time than the service accepts in one request. [`plan`] works in these
//! steps:
//! 1. Each interval becomes the range of its buckets. Relative intervals are resolved by the clock.
//! 2. Each range is compared with the retention and the data latency of the service.
//! 3. Ranges that overlap are merged.
//! 4. Long ranges are split into windows, one request each.
//!
//! Nothing is sent if a step finds a problem. A query of 14 hours in buckets of a minute becomes
//! three windows, because the service accepts six hours of them in one request:
//!
//! ```text
//! interval  2026-01-01T00:00:00Z/PT14H
//! window    2026-01-01T00:00:00Z/2026-01-01T06:00:00Z
//! window    2026-01-01T06:00:00Z/2026-01-01T12:00:00Z
//! window    2026-01-01T12:00:00Z/2026-01-01T14:00:00Z
//! ```
//!
//! With granularity ALL each interval is one bucket. Such intervals are never merged or split, and
//! one request has all of them.

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
    /// The time ranges in order of time. There is at least one.
    ranges: Vec<TimeRange>,
    /// The first start and the last end.
    bounds: TimeRange,
}

/// The requests of a query at one reading of the clock.
///
/// It is complete before the first request is sent, so that every page has the same times.
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
pub(crate) fn plan(query: &Query, context: &CallContext) -> Result<Plan, Error> {
    let mut problems = Problems::default();
    query.validate(&mut problems);
    let mut notes = Vec::new();
    let mut ranges = Vec::with_capacity(query.intervals.len());
    for interval in &query.intervals {
        match interval.buckets(query.granularity, context) {
            // Missing buckets are notes if the result may be truncated, and problems otherwise.
            Ok(Some(range)) if query.allow_truncated => {
                ranges.extend(drop_expired(query, range, context, &mut notes));
            }
            Ok(Some(range)) => {
                check_buckets(query, *interval, range, context, &mut problems);
                ranges.push(range);
            }
            // The interval contains no bucket yet, which is not an error.
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    // In sorted order one pass over neighbors finds every overlap.
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
/// Returns `None` if an interval depends on the clock. A caller compares stored responses with the
/// ranges, so that retention and latency do not matter.
///
/// # Errors
///
/// Returns `InvalidInput` with every problem of the intervals.
pub(crate) fn absolute_intervals(query: &Query) -> Result<Option<Vec<TimeRange>>, Error> {
    if query.is_relative() {
        return Ok(None);
    }
    // With this clock no bucket has expired, and every bucket is complete.
    let context = CallContext {
        now: Timestamp::MAX,
        data_latency: Duration::ZERO,
        retention: Duration::MAX,
    };
    let mut problems = Problems::default();
    let mut ranges = Vec::with_capacity(query.intervals.len());
    for interval in &query.intervals {
        match interval.buckets(query.granularity, &context) {
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
    context: &CallContext,
) -> Result<AttributePlan, Error> {
    let mut problems = Problems::default();
    query.validate(&mut problems);
    // The default of the service, but as a time that is the same for every page.
    let last_hour = Interval::ending_at(context.now, Duration::from_secs(3600));
    let intervals = if query.intervals.is_empty() {
        &[last_hour][..]
    } else {
        &query.intervals
    };
    let mut ranges = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match interval.times(context) {
            Ok(Some(range)) => {
                if interval.exceeds_retention(Granularity::All, context)
                    || range.0 < context.retention_start(context.now)
                {
                    push_expired(&mut problems, *interval, range, Granularity::All, context);
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
///
/// The call takes some time, in which the service may drop the first points. They are lost if
/// `start` is before the retention at the time of the response.
pub(crate) fn expired(start: Timestamp, context: &CallContext, at: Timestamp) -> Option<String> {
    (start < context.retention_start(at)).then(|| {
        format!(
            "the service keeps points for {}, and the first ones after {start} were gone when it responded",
            Iso8601Duration(context.retention),
        )
    })
}

impl Window {
    /// Creates a window. Returns `None` if there are no ranges.
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
///
/// Returns `None` if no bucket is left. With a retention of seven days on January 8:
///
/// ```text
/// 2025-12-31T00:00:00Z/2026-01-05T00:00:00Z    becomes 2026-01-01T00:00:00Z/…, with a note
/// 2025-12-01T00:00:00Z/2025-12-05T00:00:00Z    becomes `None`, with a note
/// ```
fn drop_expired(
    query: &Query,
    (mut start, end): TimeRange,
    context: &CallContext,
    notes: &mut Vec<String>,
) -> Option<TimeRange> {
    let retention_start = context.retention_start(context.now);
    let settled_until = context.settled_until();
    if start < retention_start {
        notes.push(format!(
            "buckets of {start}/{end} from before {retention_start} are left out: the service keeps points for {}",
            Iso8601Duration(context.retention),
        ));
        // A bucket that has lost its first points would look complete, so it is left out as well.
        start = query.granularity.ceil(retention_start);
    }
    if end > settled_until {
        notes.push(format!(
            "buckets of {start}/{end} after {settled_until} are still filling up"
        ));
    }
    (start < end).then_some((start, end))
}

/// Checks that the service still has all buckets of `range`, and that their values are final.
fn check_buckets(
    query: &Query,
    interval: Interval,
    range: TimeRange,
    context: &CallContext,
    problems: &mut Problems,
) {
    let (start, end) = range;
    let granularity = query.granularity;
    let is_expired = start < context.retention_start(context.now);
    if is_expired || interval.exceeds_retention(granularity, context) {
        push_expired(problems, interval, range, granularity, context);
    }
    let settled_until = context.settled_until();
    if end > settled_until {
        problems.push(format!(
            "interval {start}/{end} ends after {settled_until}: later buckets are still filling up"
        ));
        problems.hint(
            "use Interval::within, which takes only complete buckets, or Query::allow_truncated",
        );
    }
}

/// Adds the problem of an interval whose first points are gone, with a hint to a shorter one.
fn push_expired(
    problems: &mut Problems,
    interval: Interval,
    (start, end): TimeRange,
    granularity: Granularity,
    context: &CallContext,
) {
    let retention = Iso8601Duration(context.retention);
    if interval.exceeds_retention(granularity, context) {
        problems.push(format!(
            "interval {interval}, one bucket of {} and the data latency of {} exceed the retention of {retention}",
            Iso8601Duration(granularity.grid()),
            Iso8601Duration(context.data_latency),
        ));
    } else {
        let retention_start = context.retention_start(context.now);
        problems.push(format!(
            "interval {start}/{end} starts before {retention_start}: the service keeps points for {retention}"
        ));
    }
    let last = match context.longest_last(granularity) {
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
///
/// ```text
/// 09:00/11:00  10:00/12:00  12:00/13:00  15:00/16:00    becomes  09:00/13:00  15:00/16:00
/// ```
fn merge_overlapping(ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    let mut merged: Vec<TimeRange> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match merged.last_mut() {
            // The end may be before that of the previous range, which then contains this one.
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// Adds a problem for each pair of sorted ranges that overlap.
///
/// With granularity ALL each interval is one bucket, and overlapping buckets count points twice.
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
            // The variants are in order of length, so that the hint is the finest one that fits.
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

/// Returns true if the service accepts an interval of this length in one request.
fn fits_window(granularity: Granularity, length: Duration) -> bool {
    granularity
        .max_interval()
        .is_none_or(|longest| length <= longest)
}

/// Adds a problem if the query needs more than [`MAX_WINDOWS`] requests.
fn check_window_count(query: &Query, ranges: &[TimeRange], problems: &mut Problems) {
    let Some(longest) = query.granularity.max_interval() else {
        return;
    };
    let mut windows = 0;
    for (start, end) in ranges {
        // This may be off by a few, because windows end on bucket borders. It is close enough to
        // find a typo.
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
///
/// ```text
/// 00:00/14:00 in buckets of PT1M    becomes  00:00/06:00  06:00/12:00  12:00/14:00
/// ```
fn split_range((mut start, end): TimeRange, granularity: Granularity, windows: &mut Vec<Window>) {
    let longest = granularity.max_interval();
    while let Some(longest) = longest.filter(|longest| end.duration_since(start) > *longest) {
        let Some(latest) = start.checked_add(longest) else {
            break;
        };
        // A window is as long as possible, which makes the number of windows minimal. The longest
        // length exceeds a bucket, so that every window has at least one.
        let border = granularity.floor(latest);
        windows.extend(Window::new(vec![(start, border)]));
        start = border;
    }
    windows.extend(Window::new(vec![(start, end)]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::Resource;
    use crate::request::aggregation::Aggregation;
    use crate::request::order::Order;

    const SENT: &str = "io.confluent.kafka.server/sent_bytes";

    fn clock() -> CallContext {
        CallContext {
            now: "2026-01-08T12:02:59Z".parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::from_secs(7 * 86_400),
        }
    }

    /// The same time with unlimited retention.
    fn endless() -> CallContext {
        CallContext {
            retention: Duration::MAX,
            ..clock()
        }
    }

    fn interval(text: &str) -> Interval {
        text.parse().unwrap()
    }

    fn bodies(query: &Query) -> Vec<String> {
        plan(query, &endless())
            .unwrap()
            .windows
            .iter()
            .map(|window| window.body(query, None))
            .collect()
    }

    fn spans(granularity: Granularity, intervals: &[&str]) -> Vec<String> {
        let mut intervals = intervals.iter().map(|text| interval(text));
        let query = Query::new(SENT, granularity, intervals.next().unwrap());
        let query = intervals.fold(query, Query::add_interval);
        let plan = plan(&query, &endless()).unwrap();
        plan.windows
            .iter()
            .map(|w| format!("{}/{}", w.interval().0, w.interval().1))
            .collect()
    }

    fn error_text(query: &Query) -> String {
        plan(query, &endless()).unwrap_err().to_string()
    }

    #[test]
    fn bodies_are_the_documented_json() {
        let flat = Query::new(SENT, Granularity::OneHour, Interval::last_hours(2));
        assert_eq!(
            bodies(&flat),
            [
                r#"{"aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes"}],"granularity":"PT1H","intervals":["2026-01-08T09:00:00Z/2026-01-08T11:00:00Z"],"format":"FLAT"}"#
            ]
        );
        let grouped = flat
            .filter(Resource::kafka("lkc-1234"))
            .filter(!Filter::eq("metric.topic", "topicA"))
            .group_by(["metric.topic"]);
        assert_eq!(
            bodies(&grouped.clone().limit(5)),
            [
                r#"{"aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes"}],"filter":{"op":"AND","filters":[{"field":"resource.kafka.id","op":"EQ","value":"lkc-1234"},{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"topicA"}}]},"granularity":"PT1H","group_by":["metric.topic"],"intervals":["2026-01-08T09:00:00Z/2026-01-08T11:00:00Z"],"limit":5,"format":"GROUPED"}"#
            ]
        );
        for (limit, sent) in [(None, 1000), (Some(1), 1), (Some(1500), 1000)] {
            let query = limit.map_or(grouped.clone(), |limit| grouped.clone().limit(limit));
            assert!(
                bodies(&query)[0].contains(&format!(r#""limit":{sent},"#)),
                "{limit:?}"
            );
        }
        let top = Query::new(
            SENT,
            Granularity::All,
            interval("2026-01-02T00:00:00Z/PT1H"),
        )
        .add_interval(interval("2026-01-01T00:00:00Z/PT1H"))
        .group_by(["metric.topic", "metric.partition"])
        .aggregation(Aggregation::Max)
        .extra_aggregation("time_agg", "MAX")
        .order(Order::Ascending)
        .limit(3);
        assert_eq!(
            bodies(&top),
            [
                r#"{"aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes","agg":"MAX","time_agg":"MAX"}],"granularity":"ALL","group_by":["metric.topic","metric.partition"],"intervals":["2026-01-01T00:00:00Z/2026-01-01T01:00:00Z","2026-01-02T00:00:00Z/2026-01-02T01:00:00Z"],"order_by":[{"metric":"io.confluent.kafka.server/sent_bytes","agg":"MAX","order":"ASCENDING"}],"limit":3,"format":"GROUPED"}"#
            ]
        );
    }

    fn attributes(query: &AttributeQuery) -> Result<String, String> {
        let plan = attribute_plan(query, &clock()).map_err(|error| error.to_string())?;
        Ok(plan.body.expect("something to send"))
    }

    #[test]
    fn an_attribute_query_is_the_documented_json() {
        let topics = AttributeQuery::new(SENT, ["metric.topic"]);
        for (query, body) in [
            (
                topics.clone(),
                r#"{"metric":"io.confluent.kafka.server/sent_bytes","group_by":["metric.topic"],"limit":1000,"intervals":["2026-01-08T11:02:59Z/2026-01-08T12:02:59Z"]}"#,
            ),
            (
                AttributeQuery::new(SENT, ["metric.topic", "metric.partition"])
                    .filter(Resource::kafka("lkc-1"))
                    .filter(!Filter::eq("metric.topic", "a"))
                    .interval(interval("2026-01-08T00:00:00Z/PT1H"))
                    .interval(Interval::last_days(6))
                    .interval(interval("now-1h|h/now"))
                    .limit(3),
                r#"{"metric":"io.confluent.kafka.server/sent_bytes","group_by":["metric.topic","metric.partition"],"filter":{"op":"AND","filters":[{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"a"}}]},"limit":3,"intervals":["2026-01-02T11:59:00Z/2026-01-08T11:59:00Z","2026-01-08T00:00:00Z/2026-01-08T01:00:00Z","2026-01-08T11:00:00Z/2026-01-08T12:02:59Z"]}"#,
            ),
        ] {
            assert_eq!(attributes(&query).unwrap(), body);
        }
        assert!(
            attributes(&topics.limit(1500))
                .unwrap()
                .contains(r#""limit":1000,"#)
        );
    }

    #[test]
    fn attributes_depend_on_the_clock_unless_all_intervals_are_absolute() {
        let absolute = "2026-01-08T00:00:00Z/PT1H";
        for (intervals, is_relative) in [
            (&[][..], true),
            (&["last/PT1H"], true),
            (&[absolute], false),
            (&[absolute, "now-1h/now"], true),
        ] {
            let query = AttributeQuery::new(SENT, ["metric.topic"]);
            let intervals = intervals.iter().map(|text| interval(text));
            let query = intervals.fold(query, AttributeQuery::interval);
            let plan = attribute_plan(&query, &clock()).unwrap();
            assert_eq!(plan.is_relative, is_relative);
        }
    }

    #[test]
    fn an_error_names_every_problem_of_an_attribute_query() {
        let nothing = AttributeQuery::new("", Vec::<String>::new())
            .filter(Filter::any([]))
            .interval(interval("2026-01-08T12:00:00Z/2026-01-08T12:00:00Z"))
            .interval(interval("2026-01-01T12:02:58Z/PT1H"))
            .interval(Interval::last_days(7))
            .limit(0);
        assert_eq!(
            attributes(&nothing).unwrap_err(),
            "invalid attribute query: metric name is empty; Filter::any is empty; no label given; \
         limit must be at least 1; interval 2026-01-08T12:00:00Z/2026-01-08T12:00:00Z is empty: \
         2026-01-08T12:00:00Z is not after 2026-01-08T12:00:00Z; interval 2026-01-01T12:02:58Z/2026-01-01T13:02:58Z starts \
         before 2026-01-01T12:02:59Z: the service keeps points for P7D; interval last/P7D, one bucket of PT1M and the data \
         latency of PT3M exceed the retention of P7D"
        );
        assert_eq!(
            attribute_plan(&nothing, &clock()).unwrap_err().hint(),
            Some(
                "use Interval::retained or at most last/P6DT23H56M, or set ClientBuilder::retention if the service \
             keeps points for longer"
            )
        );
        assert_eq!(
            attributes(&AttributeQuery::new(
                SENT,
                ["metric.topic", "", "metric.topic"]
            ))
            .unwrap_err(),
            "invalid attribute query: label list contains an empty name; label list contains \"metric.topic\" twice"
        );
    }

    #[test]
    fn long_intervals_are_split_on_bucket_borders_into_the_fewest_windows() {
        for (granularity, given, expected) in [
            (
                Granularity::OneMinute,
                "2026-01-02T00:00:00Z/PT6H",
                vec!["2026-01-02T00:00:00Z/2026-01-02T06:00:00Z"],
            ),
            (
                Granularity::OneMinute,
                "2026-01-02T00:01:00Z/2026-01-02T12:02:00Z",
                vec![
                    "2026-01-02T00:01:00Z/2026-01-02T06:01:00Z",
                    "2026-01-02T06:01:00Z/2026-01-02T12:01:00Z",
                    "2026-01-02T12:01:00Z/2026-01-02T12:02:00Z",
                ],
            ),
            (
                Granularity::FiveMinutes,
                "2026-01-02T00:05:00Z/P1DT1H",
                vec![
                    "2026-01-02T00:05:00Z/2026-01-03T00:05:00Z",
                    "2026-01-03T00:05:00Z/2026-01-03T01:05:00Z",
                ],
            ),
            (
                Granularity::FifteenMinutes,
                "2026-01-01T00:00:00Z/P5D",
                vec![
                    "2026-01-01T00:00:00Z/2026-01-05T00:00:00Z",
                    "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z",
                ],
            ),
            (
                Granularity::ThirtyMinutes,
                "2026-01-01T00:00:00Z/P7D",
                vec!["2026-01-01T00:00:00Z/2026-01-08T00:00:00Z"],
            ),
            (
                Granularity::OneHour,
                "2025-12-01T00:00:00Z/P30D",
                vec!["2025-12-01T00:00:00Z/2025-12-31T00:00:00Z"],
            ),
            (
                Granularity::All,
                "2025-12-01T00:00:00Z/P30D",
                vec!["2025-12-01T00:00:00Z/2025-12-31T00:00:00Z"],
            ),
        ] {
            assert_eq!(
                spans(granularity, &[given]),
                expected,
                "{given} by {granularity}"
            );
        }
        assert_eq!(
            spans(Granularity::OneMinute, &["2026-01-01T00:00:00Z/P7D"]).len(),
            28
        );
    }

    #[test]
    fn overlapping_intervals_are_merged() {
        let given = [
            "2026-01-02T04:00:00Z/PT1H",
            "2026-01-02T00:00:00Z/PT3H",
            "2026-01-02T01:00:00Z/PT1H",
            "2026-01-02T02:00:00Z/PT90M",
            "2026-01-02T05:00:00Z/PT1M",
        ];
        assert_eq!(
            spans(Granularity::OneMinute, &given),
            [
                "2026-01-02T00:00:00Z/2026-01-02T03:30:00Z",
                "2026-01-02T04:00:00Z/2026-01-02T05:01:00Z"
            ]
        );
    }

    #[test]
    fn an_error_names_every_problem_of_a_query() {
        let query = Query::new("", Granularity::OneMinute, interval("now/now"))
            .add_interval(interval("2026-01-08T11:00:30Z/PT1H"))
            .add_interval(interval("2026-01-08T12:00:00Z/PT1H"))
            .filter(Filter::one_of("metric.topic", Vec::<String>::new()))
            .group_by(["metric.topic", "", "metric.topic"])
            .extra_aggregation("agg", "AVG")
            .order(Order::Descending)
            .limit(0);
        assert_eq!(
            error_text(&query),
            "invalid query: metric name is empty; Filter::one_of(\"metric.topic\") has no values; \
         group_by contains an empty name; group_by contains \"metric.topic\" twice; \
         extra_aggregation cannot set the reserved field \"agg\"; limit must be at least 1; \
         order requires granularity ALL, not PT1M; \
         interval now/now is empty: 2026-01-08T12:02:59Z is not after 2026-01-08T12:02:59Z; \
         interval 2026-01-08T11:00:30Z/PT1H is not on bucket borders of PT1M: use \
         2026-01-08T11:00:00Z/2026-01-08T12:00:00Z or 2026-01-08T11:01:00Z/2026-01-08T12:01:00Z, or Interval::within; \
         interval 2026-01-08T12:00:00Z/2026-01-08T13:00:00Z ends after 2026-01-08T11:59:59Z: later buckets are still \
         filling up"
        );
    }

    #[test]
    fn a_limit_needs_groups_and_one_window() {
        let query = |granularity, text| {
            Query::new(SENT, granularity, interval(text))
                .group_by(["metric.topic"])
                .limit(5)
        };
        assert_eq!(
            error_text(&query(Granularity::OneMinute, "2026-01-02T00:00:00Z/P2D")),
            "invalid query: limit needs an interval that fits one request: 2026-01-02T00:00:00Z/2026-01-04T00:00:00Z is too long for PT1M (use PT15M)"
        );
        assert_eq!(
            error_text(
                &query(Granularity::OneMinute, "2026-01-02T00:00:00Z/PT1H")
                    .add_interval(interval("2026-01-03T00:00:00Z/PT1H"))
            ),
            "invalid query: limit supports one interval, found 2"
        );
        assert_eq!(
            error_text(&query(Granularity::All, "2026-01-02T00:00:00Z/PT1H").limit(1001)),
            "invalid query: limit 1001 exceeds 1000, the maximum with granularity ALL"
        );
        assert_eq!(
            error_text(&Query::new(SENT, Granularity::OneHour, Interval::last_hours(1)).limit(1)),
            "invalid query: limit requires group_by"
        );
    }

    #[test]
    fn all_refuses_overlapping_intervals() {
        let query = Query::new(
            SENT,
            Granularity::All,
            interval("2026-01-02T00:00:00Z/PT2H"),
        )
        .add_interval(interval("2026-01-02T01:00:00Z/PT2H"));
        assert_eq!(
            error_text(&query),
            "invalid query: intervals 2026-01-02T00:00:00Z/2026-01-02T02:00:00Z and 2026-01-02T01:00:00Z/2026-01-02T03:00:00Z overlap, which is not allowed with granularity ALL"
        );
    }

    fn planned(query: &Query, context: &CallContext) -> (Vec<String>, Option<String>) {
        let plan = plan(query, context).unwrap();
        let intervals = plan
            .intervals
            .iter()
            .map(|(start, end)| format!("{start}/{end}"))
            .collect();
        (intervals, plan.truncated)
    }

    fn at(now: &str) -> CallContext {
        CallContext {
            now: now.parse().unwrap(),
            ..clock()
        }
    }

    #[test]
    fn a_bucket_that_starts_before_the_retention_is_refused() {
        let query = |text| Query::new(SENT, Granularity::OneHour, interval(text));
        assert!(plan(&query("2026-01-01T13:00:00Z/PT1H"), &clock()).is_ok());
        assert!(
            plan(
                &query("2026-01-01T12:00:00Z/PT1H"),
                &at("2026-01-08T12:00:00Z")
            )
            .is_ok()
        );
        let error = plan(&query("2026-01-01T12:00:00Z/PT1H"), &clock()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid query: interval 2026-01-01T12:00:00Z/2026-01-01T13:00:00Z starts before \
         2026-01-01T12:02:59Z: the service keeps points for P7D"
        );
        assert_eq!(
            error.hint(),
            Some(
                "use Interval::retained or at most last/P6DT22H, or set ClientBuilder::retention if the service keeps \
             points for longer"
            )
        );
        assert!(plan(&query("2019-10-17T20:00:00.000Z/PT2H"), &endless()).is_ok());
        let short = CallContext {
            retention: Duration::from_secs(3600),
            ..clock()
        };
        assert_eq!(
            plan(&query("2026-01-08T10:00:00Z/PT1H"), &short)
                .unwrap_err()
                .hint(),
            Some(
                "use Interval::retained, or set ClientBuilder::retention if the service keeps points for longer"
            )
        );
    }

    #[test]
    fn last_is_accepted_or_refused_at_any_time_of_day() {
        let day = Granularity::OneDay;
        let hour = Granularity::OneHour;
        let minutes = |count| Interval::last_minutes(count);
        for now in [
            "2026-01-08T00:00:00Z",
            "2026-01-08T00:02:59Z",
            "2026-01-08T00:03:00Z",
            "2026-01-08T12:30:00Z",
            "2026-01-08T23:59:59Z",
        ] {
            for (granularity, interval, is_accepted) in [
                (day, Interval::last_days(5), true),
                (day, Interval::last_days(6), false),
                (day, Interval::last_days(7), false),
                (day, Interval::last_hours(121), false),
                (hour, Interval::last_hours(166), true),
                (hour, minutes(166 * 60 + 1), false),
                (hour, Interval::last_hours(191), false),
                (Granularity::OneMinute, minutes(7 * 1440 - 4), true),
                (Granularity::OneMinute, minutes(7 * 1440 - 3), false),
                (Granularity::All, minutes(7 * 1440 - 4), true),
                (Granularity::All, minutes(7 * 1440 - 3), false),
                (
                    hour,
                    Interval::last_hours(142).shifted_back(Duration::from_secs(86_400)),
                    true,
                ),
                (
                    hour,
                    Interval::last_hours(143).shifted_back(Duration::from_secs(86_400)),
                    false,
                ),
                (day, Interval::retained(), true),
                (hour, Interval::retained(), true),
            ] {
                let result = plan(&Query::new(SENT, granularity, interval), &at(now));
                assert_eq!(
                    result.is_ok(),
                    is_accepted,
                    "{interval} by {granularity} at {now}"
                );
            }
        }
        assert_eq!(
            plan(&Query::new(SENT, day, Interval::last_days(7)), &clock())
                .unwrap_err()
                .to_string(),
            "invalid query: interval last/P7D, one bucket of P1D and the data latency of PT3M exceed the \
         retention of P7D"
        );
    }

    #[test]
    fn the_longest_last_of_the_hint_is_accepted() {
        for &granularity in Granularity::VARIANTS {
            for now in [
                "2026-01-08T00:02:59Z",
                "2026-01-08T00:03:00Z",
                "2026-01-08T11:17:31Z",
            ] {
                let longest = Interval::last(clock().longest_last(granularity).unwrap());
                let query = Query::new(SENT, granularity, longest);
                assert!(
                    plan(&query, &at(now)).is_ok(),
                    "{longest} by {granularity} at {now}"
                );
            }
        }
    }

    #[test]
    fn expired_buckets_are_left_out_if_truncation_is_allowed() {
        let query =
            |granularity, interval| Query::new(SENT, granularity, interval).allow_truncated();
        let left_out = "buckets of 2025-12-31T00:00:00Z/2026-01-07T00:00:00Z from before 2026-01-01T00:02:59Z are left \
                    out: the service keeps points for P7D";
        assert_eq!(
            planned(
                &query(Granularity::OneDay, Interval::last_days(7)),
                &at("2026-01-08T00:02:59Z")
            ),
            (
                vec!["2026-01-02T00:00:00Z/2026-01-07T00:00:00Z".to_owned()],
                Some(left_out.to_owned())
            )
        );
        assert_eq!(
            planned(
                &query(Granularity::OneDay, Interval::last_days(6)),
                &clock()
            ),
            (
                vec!["2026-01-02T00:00:00Z/2026-01-08T00:00:00Z".to_owned()],
                None
            ),
            "no bucket is gone at this time of day"
        );
        assert_eq!(
            planned(
                &query(Granularity::OneHour, interval("2026-01-01T12:00:00Z/PT1H")),
                &at("2026-01-08T12:00:00Z")
            ),
            (
                vec!["2026-01-01T12:00:00Z/2026-01-01T13:00:00Z".to_owned()],
                None
            ),
            "the bucket begins together with the retention"
        );
        let (intervals, truncated) = planned(
            &query(Granularity::All, interval("2026-01-01T00:00:00Z/P1D")),
            &clock(),
        );
        assert_eq!(intervals, ["2026-01-01T12:03:00Z/2026-01-02T00:00:00Z"]);
        assert!(truncated.is_some());
        // Of the second one, the service has a part of the last bucket.
        for gone in ["2025-12-01T00:00:00Z/P1D", "2026-01-01T11:00:00Z/PT2H"] {
            let gone = query(Granularity::OneHour, interval(gone));
            let (intervals, truncated) = planned(&gone, &clock());
            assert!(intervals.is_empty() && truncated.is_some());
            assert!(plan(&gone, &clock()).unwrap().windows.is_empty());
        }
    }

    #[test]
    fn buckets_that_are_still_filling_up_are_refused_or_make_the_result_truncated() {
        let now = "2026-01-08T12:03:00Z";
        for &granularity in Granularity::VARIANTS {
            // 12:00 is on every grid but that of days.
            let end = granularity.floor("2026-01-08T12:00:00Z".parse().unwrap());
            let next = granularity.ceil(end.checked_add(Duration::from_secs(1)).unwrap());
            let query = |end| {
                Query::new(
                    SENT,
                    granularity,
                    Interval::between(granularity.floor(end - Duration::from_secs(172_800)), end),
                )
            };
            assert!(plan(&query(end), &at(now)).is_ok(), "{granularity}");
            let error = plan(&query(next), &at(now)).unwrap_err();
            assert!(
                error.to_string().ends_with(
                    "ends after 2026-01-08T12:00:00Z: later buckets are still filling up"
                )
            );
            assert!(
                error.hint().unwrap().contains("Interval::within"),
                "{granularity}"
            );
            let plan = plan(&query(next).allow_truncated(), &at(now)).unwrap();
            assert_eq!(plan.intervals.last().unwrap().1, next, "{granularity}");
            assert!(plan.truncated.is_some(), "{granularity}");
        }
    }

    #[test]
    fn nothing_is_sent_without_a_bucket() {
        let query = |text| Query::new(SENT, Granularity::OneHour, interval(text));
        let since = query("since/2026-01-08T11:00:01Z");
        assert!(plan(&since, &clock()).unwrap().windows.is_empty());
        let within =
            since.add_interval(interval("within/2026-01-08T09:30:00Z/2026-01-08T10:30:00Z"));
        assert!(plan(&within, &clock()).unwrap().windows.is_empty());
        let both = within.add_interval(interval("2026-01-08T09:00:00Z/PT1H"));
        assert_eq!(
            planned(&both, &clock()).0,
            ["2026-01-08T09:00:00Z/2026-01-08T10:00:00Z"]
        );
        let since = interval("since/2026-01-08T11:59:30Z");
        assert!(
            attribute_plan(&AttributeQuery::new(SENT, ["a"]).interval(since), &clock())
                .unwrap()
                .body
                .is_none()
        );
    }

    #[test]
    fn a_window_expires_once_its_start_is_before_the_retention() {
        let start = "2026-01-01T12:03:00Z".parse().unwrap();
        assert_eq!(
            expired(start, &clock(), "2026-01-08T12:03:00Z".parse().unwrap()),
            None
        );
        assert_eq!(
            expired(start, &clock(), "2026-01-08T12:03:00.001Z".parse().unwrap()).unwrap(),
            "the service keeps points for P7D, and the first ones after 2026-01-01T12:03:00Z were gone when it responded"
        );
    }

    #[test]
    fn absolute_intervals_need_no_clock() {
        let query = |text: &str| Query::new(SENT, Granularity::OneHour, interval(text));
        let far =
            query("9999-01-01T00:00:00Z/PT1H").add_interval(interval("0001-01-01T00:00:00Z/PT1H"));
        assert_eq!(absolute_intervals(&far).unwrap().unwrap().len(), 2);
        for relative in [
            "last/PT1H",
            "now-1h/2026-01-01T00:00:00Z",
            "since/2026-01-01T00:00:00Z",
            "retained",
        ] {
            assert_eq!(
                absolute_intervals(&far.clone().add_interval(interval(relative))).unwrap(),
                None,
                "{relative}"
            );
        }
        assert!(absolute_intervals(&query("2026-01-01T00:30:00Z/PT1H")).is_err());
    }

    #[test]
    fn a_typo_in_a_year_does_not_send_a_million_requests() {
        let query = |end: &str| {
            Query::new(
                SENT,
                Granularity::OneMinute,
                interval(&format!("2026-01-08T00:00:00Z/{end}")),
            )
            .allow_truncated()
        };
        assert_eq!(
            plan(&query("2032-11-10T00:00:00Z"), &clock())
                .unwrap()
                .windows
                .len(),
            9992
        );
        assert_eq!(
            error_text(&query("2926-01-08T00:00:00Z")),
            "invalid query: granularity PT1M needs 1314873 requests: use a coarser one, or check the years for a typo"
        );
    }
}
