//! A query, of points or of attributes, and one reading of the clock become the exact bodies to send.

use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::error::Error;
use crate::model::filter::Filter;
use crate::request::query::{AttributeQuery, MAX_PAGE_SIZE, Order, Query};
use crate::time::call_context::CallContext;
use crate::time::granularity::Granularity;
use crate::time::interval::{Interval, TimeRange};
use crate::time::iso8601::Iso8601Duration;
use crate::time::timestamp::Timestamp;

/// What one request covers: one span, or with the granularity ALL every span of the query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    spans: Vec<TimeRange>,
    bounds: TimeRange,
}

/// The requests of a query at one reading of the clock.
#[derive(Debug)]
pub(crate) struct Plan {
    /// One request each, in order of time. Empty if no interval holds a bucket yet.
    pub(crate) windows: Vec<Window>,
    /// What the buckets cover, in order of time.
    pub(crate) intervals: Vec<TimeRange>,
    /// Why the result will be truncated.
    pub(crate) truncated: Option<String>,
    /// Whether the intervals depend on the clock.
    pub(crate) is_relative: bool,
}

/// The request of a query for attributes.
#[derive(Debug)]
pub(crate) struct AttributePlan {
    /// The body for every page. `None` if no interval has begun yet.
    pub(crate) body: Option<String>,
    /// The earliest start, for which the service must still have points when it responds.
    pub(crate) start: Option<Timestamp>,
    /// Whether the intervals depend on the clock.
    pub(crate) is_relative: bool,
}

/// Everything that is wrong with a request, and what to do about it.
#[derive(Default)]
struct Problems {
    faults: Vec<String>,
    hints: Vec<String>,
}

/// Returns the windows of `query` in order of time, or an error with all of its faults.
pub(crate) fn plan(query: &Query, clock: &CallContext) -> Result<Plan, Error> {
    let mut problems = Problems::default();
    query.check(&mut problems.faults);
    let mut notes = Vec::new();
    let mut spans = Vec::with_capacity(query.intervals.len());
    for interval in &query.intervals {
        match interval.buckets(query.granularity, clock) {
            Ok(Some(span)) => {
                spans.extend(check_span(
                    query,
                    *interval,
                    span,
                    clock,
                    &mut problems,
                    &mut notes,
                ));
            }
            Ok(None) => {}
            Err(fault) => problems.faults.push(fault),
        }
    }
    spans.sort_unstable();
    let spans = merge_spans(query, spans, &mut problems.faults);
    if !problems.faults.is_empty() {
        return Err(problems.into_error("the query"));
    }
    Ok(Plan {
        windows: windows(query, spans.clone()),
        intervals: spans,
        truncated: (!notes.is_empty()).then(|| notes.join("; ")),
        is_relative: query
            .intervals
            .iter()
            .any(|interval| interval.is_relative()),
    })
}

/// Returns what the buckets of `query` cover without a clock, or its faults.
///
/// `None` means that an interval is relative to now.
pub(crate) fn absolute_intervals(query: &Query) -> Result<Option<Vec<TimeRange>>, Error> {
    if query
        .intervals
        .iter()
        .any(|interval| interval.is_relative())
    {
        return Ok(None);
    }
    // Nothing is too old or unsettled at the end of time.
    let clock = CallContext {
        now: Timestamp::MAX,
        data_latency: Duration::ZERO,
        retention: Duration::MAX,
    };
    let mut problems = Problems::default();
    let mut spans = Vec::with_capacity(query.intervals.len());
    for interval in &query.intervals {
        match interval.buckets(query.granularity, &clock) {
            Ok(span) => spans.extend(span),
            Err(fault) => problems.faults.push(fault),
        }
    }
    spans.sort_unstable();
    if query.granularity != Granularity::All {
        spans = merge_overlapping(spans);
    }
    if problems.faults.is_empty() {
        Ok(Some(spans))
    } else {
        Err(problems.into_error("the query"))
    }
}

/// Returns the body for every page of `query`, or an error with all of its faults.
pub(crate) fn attribute_plan(
    query: &AttributeQuery,
    clock: &CallContext,
) -> Result<AttributePlan, Error> {
    let mut problems = Problems::default();
    query.check(&mut problems.faults);
    // What the service takes by default, but as a time that is the same for every page.
    let last_hour = Interval::ending_at(clock.now, Duration::from_secs(3600));
    let intervals = if query.intervals.is_empty() {
        &[last_hour][..]
    } else {
        &query.intervals
    };
    let mut spans = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match interval.times(clock) {
            Ok(Some(span)) => {
                if interval.exceeds_retention(Granularity::All, clock)
                    || span.0 < clock.kept_since(clock.now)
                {
                    problems.exceeds_retention(*interval, span, Granularity::All, clock);
                }
                spans.push(span);
            }
            Ok(None) => {}
            Err(fault) => problems.faults.push(fault),
        }
    }
    if !problems.faults.is_empty() {
        return Err(problems.into_error("the query for attributes"));
    }
    spans.sort_unstable();
    let body = AttributesBody {
        metric: &query.metric,
        group_by: &query.group_by,
        filter: query.filter.as_ref(),
        limit: page_limit(query.limit),
        intervals: interval_strings(&spans),
    };
    Ok(AttributePlan {
        body: (!spans.is_empty()).then(|| serde_json::to_string(&body).unwrap_or_default()),
        start: spans.first().map(|span| span.0),
        is_relative: query.intervals.is_empty()
            || query
                .intervals
                .iter()
                .any(|interval| interval.is_relative()),
    })
}

/// Returns the reason why points after `start` are gone by `at`.
pub(crate) fn expired(start: Timestamp, clock: &CallContext, at: Timestamp) -> Option<String> {
    (start < clock.kept_since(at)).then(|| {
        format!(
            "the service keeps points for {}, and the first ones after {start} were gone when it responded",
            Iso8601Duration(clock.retention),
        )
    })
}

impl Problems {
    fn exceeds_retention(
        &mut self,
        interval: Interval,
        span: TimeRange,
        granularity: Granularity,
        clock: &CallContext,
    ) {
        let kept_since = clock.kept_since(clock.now);
        let retention = Iso8601Duration(clock.retention);
        self.faults.push(if interval.exceeds_retention(granularity, clock) {
            format!(
                "interval {interval}, one bucket of {} and the data latency of {} exceed the retention of {retention}",
                Iso8601Duration(granularity.grid()),
                Iso8601Duration(clock.data_latency),
            )
        } else {
            let (start, end) = span;
            format!("interval {start}/{end} starts before {kept_since}: the service keeps points for {retention}")
        });
        let last = match clock.longest_last(granularity) {
            Some(longest) => format!(" or at most {}", Interval::last(longest)),
            None => String::new(),
        };
        self.hint(format!(
            "use Interval::retained{last}, or set ClientBuilder::retention if the service keeps points for longer"
        ));
    }

    fn is_unsettled(&mut self, (start, end): TimeRange, clock: &CallContext) {
        self.faults.push(format!(
            "interval {start}/{end} ends after {}: later buckets are still filling up",
            clock.settled_until(),
        ));
        self.hint(
            "use Interval::within, which takes only settled buckets, or Query::allow_truncated"
                .to_owned(),
        );
    }

    fn hint(&mut self, hint: String) {
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
    }

    fn into_error(self, what: &str) -> Error {
        let error = Error::invalid_request(what, &self.faults);
        if self.hints.is_empty() {
            error
        } else {
            error.with_hint(self.hints.join("; "))
        }
    }
}

/// Checks that the service has all buckets of `span`, and that they are settled.
///
/// If the query allows a truncated result, buckets that are gone are left out, and `notes` says so.
fn check_span(
    query: &Query,
    interval: Interval,
    (mut start, end): TimeRange,
    clock: &CallContext,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<TimeRange> {
    let kept_since = clock.kept_since(clock.now);
    if query.allow_truncated {
        if start < kept_since {
            notes.push(format!(
                "buckets of {start}/{end} from before {kept_since} are left out: the service keeps points for {}",
                Iso8601Duration(clock.retention),
            ));
            start = query.granularity.ceil(kept_since);
        }
        if end > clock.settled_until() {
            notes.push(format!(
                "buckets of {start}/{end} after {} are still filling up",
                clock.settled_until()
            ));
        }
        return (start < end).then_some((start, end));
    }
    if start < kept_since || interval.exceeds_retention(query.granularity, clock) {
        problems.exceeds_retention(interval, (start, end), query.granularity, clock);
    }
    if end > clock.settled_until() {
        problems.is_unsettled((start, end), clock);
    }
    Some((start, end))
}

impl Window {
    fn new(spans: Vec<TimeRange>) -> Option<Self> {
        let (&(start, _), &(_, end)) = (spans.first()?, spans.last()?);
        Some(Self {
            spans,
            bounds: (start, end),
        })
    }

    /// From the first start to the last end.
    pub(crate) fn interval(&self) -> TimeRange {
        self.bounds
    }

    /// The exact body that asks `query` over this window; `narrow` is a further filter that rows have to pass.
    pub(crate) fn body(&self, query: &Query, narrow: Option<Filter>) -> String {
        let grouped = query.is_grouped();
        let body = Body {
            aggregations: [AggregationBody(query)],
            filter: Filter::and_opt(query.filter.clone(), narrow),
            granularity: query.granularity,
            group_by: &query.group_by,
            intervals: interval_strings(&self.spans),
            order_by: query.order.map(|order| [OrderBody { query, order }]),
            limit: grouped.then(|| page_limit(query.limit)),
            format: if grouped { "GROUPED" } else { "FLAT" },
        };
        // Strings, numbers and lists of them: there is nothing in a body that JSON cannot say.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// How many groups to ask for at once.
fn page_limit(limit: Option<u32>) -> u32 {
    limit.map_or(MAX_PAGE_SIZE, |limit| limit.min(MAX_PAGE_SIZE))
}

fn interval_strings(spans: &[TimeRange]) -> Vec<String> {
    spans
        .iter()
        .map(|(start, end)| format!("{start}/{end}"))
        .collect()
}

/// More windows than that are no question anybody waits an answer for, but a slip in a year.
const MAX_WINDOWS: u64 = 10_000;

/// Merges spans that overlap. With the granularity ALL, where each counts, overlaps are a fault.
fn merge_spans(query: &Query, spans: Vec<TimeRange>, faults: &mut Vec<String>) -> Vec<TimeRange> {
    if query.granularity == Granularity::All {
        check_overlap(&spans, faults);
        return spans;
    }
    let united = merge_overlapping(spans);
    check_limit(query, &united, faults);
    check_count(query, &united, faults);
    united
}

/// What each request covers: a part of a span, or with the granularity ALL every span.
fn windows(query: &Query, spans: Vec<TimeRange>) -> Vec<Window> {
    if query.granularity == Granularity::All {
        return Window::new(spans).into_iter().collect();
    }
    let mut windows = Vec::new();
    for span in spans {
        split(span, query.granularity, &mut windows);
    }
    windows
}

fn check_overlap(spans: &[TimeRange], faults: &mut Vec<String>) {
    for pair in spans.windows(2) {
        match pair {
            [a, b] if b.0 < a.1 => faults.push(format!(
                "with the granularity ALL the intervals {}/{} and {}/{} overlap, and would count twice",
                a.0, a.1, b.0, b.1,
            )),
            _ => {}
        }
    }
}

fn check_count(query: &Query, united: &[TimeRange], faults: &mut Vec<String>) {
    let Some(longest) = query.granularity.max_interval() else {
        return;
    };
    let count =
        |(start, end): &TimeRange| end.duration_since(*start).as_secs() / longest.as_secs() + 1;
    let windows: u64 = united.iter().map(count).sum();
    if windows > MAX_WINDOWS {
        faults.push(format!(
            "the intervals need {windows} requests with the granularity {}: take a coarser one, or look for a slip in a year",
            query.granularity,
        ));
    }
}

/// Sorted spans, those that overlap or touch made one.
fn merge_overlapping(spans: Vec<TimeRange>) -> Vec<TimeRange> {
    let mut united: Vec<TimeRange> = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        match united.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => united.push((start, end)),
        }
    }
    united
}

/// Adds the fewest windows that the service takes, cut on bucket borders.
fn split((mut start, end): TimeRange, granularity: Granularity, windows: &mut Vec<Window>) {
    let longest = granularity.max_interval();
    while let Some(longest) = longest.filter(|longest| end.duration_since(start) > *longest) {
        let Some(latest) = start.checked_add(longest) else {
            break;
        };
        let cut = granularity.floor(latest);
        windows.extend(Window::new(vec![(start, cut)]));
        start = cut;
    }
    windows.extend(Window::new(vec![(start, end)]));
}

/// The first groups of each of several windows would not be the first groups of them all.
fn check_limit(query: &Query, united: &[TimeRange], faults: &mut Vec<String>) {
    if query.limit.is_none() {
        return;
    }
    if united.len() > 1 {
        faults.push(format!(
            "a limit needs one interval, and there are {}",
            united.len()
        ));
    }
    for &(start, end) in united {
        let length = end.duration_since(start);
        let fits = |granularity: &Granularity| {
            granularity
                .max_interval()
                .is_none_or(|longest| length <= longest)
        };
        if !fits(&query.granularity) {
            let coarser = Granularity::VARIANTS
                .iter()
                .copied()
                .find(fits)
                .unwrap_or(Granularity::All);
            faults.push(format!(
                "a limit needs an interval that one request can hold, and {start}/{end} is too long for {}: {coarser} would do",
                query.granularity,
            ));
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    aggregations: [AggregationBody<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
    granularity: Granularity,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    group_by: &'a [String],
    intervals: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_by: Option<[OrderBody<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    format: &'static str,
}

#[derive(Serialize)]
struct AttributesBody<'a> {
    metric: &'a str,
    group_by: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a Filter>,
    limit: u32,
    intervals: Vec<String>,
}

struct AggregationBody<'a>(&'a Query);

struct OrderBody<'a> {
    query: &'a Query,
    order: Order,
}

impl Serialize for AggregationBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(query) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", &query.metric)?;
        if let Some(aggregation) = query.aggregation {
            map.serialize_entry("agg", aggregation.as_str())?;
        }
        for (name, value) in &query.extra_aggregation {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for OrderBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", &self.query.metric)?;
        if let Some(aggregation) = self.query.aggregation {
            map.serialize_entry("agg", aggregation.as_str())?;
        }
        map.serialize_entry("order", self.order.as_str())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::Resource;
    use crate::request::query::Aggregation;

    const SENT: &str = "io.confluent.kafka.server/sent_bytes";

    fn clock() -> CallContext {
        CallContext {
            now: "2026-01-08T12:02:59Z".parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::from_secs(7 * 86_400),
        }
    }

    /// The same time, of a service that keeps everything.
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

    fn refusal(query: &Query) -> String {
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
    fn attributes_are_asked_for_as_documented() {
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
    fn every_fault_of_a_query_for_attributes_is_named_at_once() {
        let nothing = AttributeQuery::new("", Vec::<String>::new())
            .filter(Filter::any([]))
            .interval(interval("2026-01-08T12:00:00Z/2026-01-08T12:00:00Z"))
            .interval(interval("2026-01-01T12:02:58Z/PT1H"))
            .interval(Interval::last_days(7))
            .limit(0);
        assert_eq!(
            attributes(&nothing).unwrap_err(),
            "the query for attributes cannot be sent: the metric has no name; Filter::any is empty; it asks for no label; \
             a limit of 0 asks for nothing; interval 2026-01-08T12:00:00Z/2026-01-08T12:00:00Z is empty: 2026-01-08T12:00:00Z is \
             not after 2026-01-08T12:00:00Z; interval 2026-01-01T12:02:58Z/2026-01-01T13:02:58Z starts \
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
            "the query for attributes cannot be sent: the list of labels has an empty name; the list of labels has \"metric.topic\" twice"
        );
    }

    #[test]
    fn long_intervals_are_cut_on_bucket_borders_into_the_fewest_windows() {
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
    fn overlapping_intervals_are_united() {
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
    fn every_fault_is_named_at_once() {
        let query = Query::new("", Granularity::OneMinute, interval("now/now"))
            .add_interval(interval("2026-01-08T11:00:30Z/PT1H"))
            .add_interval(interval("2026-01-08T12:00:00Z/PT1H"))
            .filter(Filter::one_of("metric.topic", Vec::<String>::new()))
            .group_by(["metric.topic", "", "metric.topic"])
            .extra_aggregation("agg", "AVG")
            .order(Order::Descending)
            .limit(0);
        assert_eq!(
            refusal(&query),
            "the query cannot be sent: the metric has no name; Filter::one_of(\"metric.topic\") has no values; \
             group_by has an empty name; group_by has \"metric.topic\" twice; \
             extra_aggregation cannot set \"agg\", which the query sets itself; a limit of 0 asks for nothing; \
             an order is only possible with the granularity ALL, not PT1M; \
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
            refusal(&query(Granularity::OneMinute, "2026-01-02T00:00:00Z/P2D")),
            "the query cannot be sent: a limit needs an interval that one request can hold, and 2026-01-02T00:00:00Z/2026-01-04T00:00:00Z is too long for PT1M: PT15M would do"
        );
        assert_eq!(
            refusal(
                &query(Granularity::OneMinute, "2026-01-02T00:00:00Z/PT1H")
                    .add_interval(interval("2026-01-03T00:00:00Z/PT1H"))
            ),
            "the query cannot be sent: a limit needs one interval, and there are 2"
        );
        assert_eq!(
            refusal(&query(Granularity::All, "2026-01-02T00:00:00Z/PT1H").limit(1001)),
            "the query cannot be sent: with the granularity ALL the limit is at most 1000, not 1001"
        );
        assert_eq!(
            refusal(&Query::new(SENT, Granularity::OneHour, Interval::last_hours(1)).limit(1)),
            "the query cannot be sent: a limit counts groups, and the query has no group_by"
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
            refusal(&query),
            "the query cannot be sent: with the granularity ALL the intervals 2026-01-02T00:00:00Z/2026-01-02T02:00:00Z and 2026-01-02T01:00:00Z/2026-01-02T03:00:00Z overlap, and would count twice"
        );
    }

    fn planned(query: &Query, clock: &CallContext) -> (Vec<String>, Option<String>) {
        let plan = plan(query, clock).unwrap();
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
            "the query cannot be sent: interval 2026-01-01T12:00:00Z/2026-01-01T13:00:00Z starts before \
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
    fn last_is_refused_or_taken_at_any_time_of_day() {
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
            for (granularity, interval, is_taken) in [
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
                    is_taken,
                    "{interval} by {granularity} at {now}"
                );
            }
        }
        assert_eq!(
            plan(&Query::new(SENT, day, Interval::last_days(7)), &clock())
                .unwrap_err()
                .to_string(),
            "the query cannot be sent: interval last/P7D, one bucket of P1D and the data latency of PT3M exceed the \
             retention of P7D"
        );
    }

    #[test]
    fn the_longest_last_of_the_hint_is_taken() {
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
    fn buckets_that_are_gone_are_left_out_if_that_is_allowed() {
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
        let (intervals, truncated) = planned(
            &query(Granularity::All, interval("2026-01-01T00:00:00Z/P1D")),
            &clock(),
        );
        assert_eq!(intervals, ["2026-01-01T12:03:00Z/2026-01-02T00:00:00Z"]);
        assert!(truncated.is_some());
        let gone = query(Granularity::OneHour, interval("2025-12-01T00:00:00Z/P1D"));
        let (intervals, truncated) = planned(&gone, &clock());
        assert!(intervals.is_empty() && truncated.is_some());
        assert!(plan(&gone, &clock()).unwrap().windows.is_empty());
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
    fn without_a_bucket_nothing_is_sent() {
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
    fn a_slip_in_a_year_is_not_a_million_requests() {
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
            refusal(&query("2926-01-08T00:00:00Z")),
            "the query cannot be sent: the intervals need 1314873 requests with the granularity PT1M: take a coarser one, or look for a slip in a year"
        );
    }
}
