//! A query, of points or of attributes, and one reading of the clock become the exact bodies to send.

use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::error::Error;
use crate::filter::Filter;
use crate::granularity::Granularity;
use crate::interval::{Clock, Interval};
use crate::order::sort_by;
use crate::query::{AttributeQuery, MAX_LIMIT, Order, Query};
use crate::timestamp::Timestamp;

/// A start and an end, both absolute.
pub(crate) type Span = (Timestamp, Timestamp);

/// What one request covers: one span, or with the granularity ALL every span of the query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    spans: Vec<Span>,
    whole: Span,
}

/// How much older than the retention a start may be: the service's clock and its clean-up are not ours to know.
const RETENTION_ROOM: Duration = Duration::from_secs(86_400);

/// The windows of `query` in order of time, or every fault of it at once.
pub(crate) fn plan(query: &Query, clock: &Clock) -> Result<Vec<Window>, Error> {
    let mut faults = Vec::new();
    query.check(&mut faults);
    let spans = resolve(&query.intervals, query.granularity, clock, &mut faults);
    let too_old = check_retention(&spans, clock, &mut faults);
    let spans = united(query, spans, &mut faults);
    if faults.is_empty() {
        return Ok(windows(query, spans));
    }
    Err(refused("the query", &faults, too_old))
}

/// The body that asks for every page of `query`, or every fault of it at once.
pub(crate) fn attribute_body(query: &AttributeQuery, clock: &Clock) -> Result<String, Error> {
    let mut faults = Vec::new();
    query.check(&mut faults);
    // What the service takes by default, but as a time that is the same for every page.
    let last_hour = || Interval::ending_at(clock.now, Duration::from_secs(3600));
    let intervals = if query.intervals.is_empty() { &vec![last_hour()] } else { &query.intervals };
    let spans = resolve(intervals, Granularity::All, clock, &mut faults);
    let too_old = check_retention(&spans, clock, &mut faults);
    if !faults.is_empty() {
        return Err(refused("the query for attributes", &faults, too_old));
    }
    let body = AttributesBody {
        metric: &query.metric,
        group_by: &query.group_by,
        filter: query.filter.as_ref(),
        limit: page_limit(query.limit),
        intervals: texts(&spans),
    };
    Ok(serde_json::to_string(&body).unwrap_or_default())
}

impl Window {
    fn new(spans: Vec<Span>) -> Option<Self> {
        let (&(start, _), &(_, end)) = (spans.first()?, spans.last()?);
        Some(Self { spans, whole: (start, end) })
    }

    /// Every span, in order of time.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// From the first start to the last end.
    pub(crate) fn interval(&self) -> Span {
        self.whole
    }

    /// The exact body that asks `query` over this window; `narrow` is a further filter that rows have to pass.
    pub(crate) fn body(&self, query: &Query, narrow: Option<Filter>) -> String {
        let grouped = query.is_grouped();
        let body = Body {
            aggregations: [AggregationBody(query)],
            filter: Filter::all_of(query.filter.clone(), narrow),
            granularity: query.granularity,
            group_by: &query.group_by,
            intervals: texts(&self.spans),
            order_by: query.order.map(|order| [OrderBody { query, order }]),
            limit: grouped.then(|| page_limit(query.limit)),
            format: if grouped { "GROUPED" } else { "FLAT" },
        };
        // Strings, numbers and lists of them: there is nothing in a body that JSON cannot say.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

fn refused(what: &str, faults: &[String], too_old: bool) -> Error {
    let error = Error::unsendable(what, faults);
    if too_old { error.with_hint(RETENTION_HINT) } else { error }
}

/// How many groups to ask for at once.
fn page_limit(limit: Option<u32>) -> u32 {
    limit.map_or(MAX_LIMIT, |limit| limit.min(MAX_LIMIT))
}

fn texts(spans: &[Span]) -> Vec<String> {
    spans.iter().map(|(start, end)| format!("{start}/{end}")).collect()
}

const RETENTION_HINT: &str = "where the service keeps more than that, say so with ClientBuilder::retention";

/// More windows than that are no question anybody waits an answer for, but a slip in a year.
const MAX_WINDOWS: u64 = 10_000;

/// The intervals in absolute times, sorted.
fn resolve(
    intervals: &[Interval],
    granularity: Granularity,
    clock: &Clock,
    faults: &mut Vec<String>,
) -> Vec<Span> {
    let mut spans = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match interval.resolve(granularity, clock) {
            Ok(span) => spans.push(span),
            Err(fault) => faults.push(fault),
        }
    }
    sort_by(&mut spans, Ord::cmp);
    spans
}

/// Whether a span starts so early that its data is gone, and an answer would only look as if nothing had happened.
fn check_retention(spans: &[Span], clock: &Clock, faults: &mut Vec<String>) -> bool {
    let Some(&(start, end)) = spans.first() else { return false };
    // The last complete buckets end up to the latency earlier, and still may span the whole retention.
    let room = RETENTION_ROOM.saturating_add(clock.data_latency);
    let kept_since = clock.now.checked_sub(clock.retention.saturating_add(room));
    let too_old = kept_since.is_some_and(|kept_since| start < kept_since);
    if too_old {
        let days = clock.retention.as_secs_f64() / 86_400.0;
        faults.push(format!(
            "the interval {start}/{end} starts more than a day before what the service still has, the last {days:.0} days",
        ));
    }
    too_old
}

/// The spans without what they have twice; with the granularity ALL as they are, for they count one by one.
fn united(query: &Query, spans: Vec<Span>, faults: &mut Vec<String>) -> Vec<Span> {
    if query.granularity == Granularity::All {
        check_overlap(&spans, faults);
        return spans;
    }
    let united = unite(spans);
    check_limit(query, &united, faults);
    check_count(query, &united, faults);
    united
}

/// What each request covers: a part of a span, or with the granularity ALL every span.
fn windows(query: &Query, spans: Vec<Span>) -> Vec<Window> {
    if query.granularity == Granularity::All {
        return Window::new(spans).into_iter().collect();
    }
    let mut windows = Vec::new();
    for span in spans {
        split(span, query.granularity, &mut windows);
    }
    windows
}

fn check_overlap(spans: &[Span], faults: &mut Vec<String>) {
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

fn check_count(query: &Query, united: &[Span], faults: &mut Vec<String>) {
    let Some(longest) = query.granularity.max_interval() else { return };
    let count = |(start, end): &Span| end.duration_since(*start).as_secs() / longest.as_secs() + 1;
    let windows: u64 = united.iter().map(count).sum();
    if windows > MAX_WINDOWS {
        faults.push(format!(
            "the intervals need {windows} requests with the granularity {}: take a coarser one, or look for a slip in a year",
            query.granularity,
        ));
    }
}

/// Sorted spans, those that overlap or touch made one.
fn unite(spans: Vec<Span>) -> Vec<Span> {
    let mut united: Vec<Span> = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        match united.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => united.push((start, end)),
        }
    }
    united
}

/// Adds the fewest windows that the service takes, cut on bucket borders, with the ends of the span as given.
fn split((mut start, end): Span, granularity: Granularity, windows: &mut Vec<Window>) {
    let longest = granularity.max_interval();
    while let Some(longest) = longest.filter(|longest| end.duration_since(start) > *longest) {
        let Some(latest) = start.checked_add(longest) else { break };
        let cut = granularity.floor(latest);
        windows.extend(Window::new(vec![(start, cut)]));
        start = cut;
    }
    windows.extend(Window::new(vec![(start, end)]));
}

/// The first groups of each of several windows would not be the first groups of them all.
fn check_limit(query: &Query, united: &[Span], faults: &mut Vec<String>) {
    if query.limit.is_none() {
        return;
    }
    if united.len() > 1 {
        faults.push(format!("a limit needs one interval, and there are {}", united.len()));
    }
    for &(start, end) in united {
        let length = end.duration_since(start);
        let fits =
            |granularity: &Granularity| granularity.max_interval().is_none_or(|longest| length <= longest);
        if !fits(&query.granularity) {
            let coarser = Granularity::EVERY.into_iter().find(fits).unwrap_or(Granularity::All);
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
    use crate::filter::Resource;
    use crate::query::Aggregation;

    const SENT: &str = "io.confluent.kafka.server/sent_bytes";

    fn clock() -> Clock {
        Clock {
            now: "2026-01-08T12:02:59Z".parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::from_secs(7 * 86_400),
        }
    }

    fn interval(text: &str) -> Interval {
        text.parse().unwrap()
    }

    fn bodies(query: &Query) -> Vec<String> {
        plan(query, &clock()).unwrap().iter().map(|window| window.body(query, None)).collect()
    }

    fn spans(granularity: Granularity, intervals: &[&str]) -> Vec<String> {
        let mut intervals = intervals.iter().map(|text| interval(text));
        let query = Query::new(SENT, granularity, intervals.next().unwrap());
        let query = intervals.fold(query, Query::add_interval);
        let windows = plan(&query, &clock()).unwrap();
        windows.iter().map(|w| format!("{}/{}", w.interval().0, w.interval().1)).collect()
    }

    fn refusal(query: &Query) -> String {
        plan(query, &clock()).unwrap_err().to_string()
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
            assert!(bodies(&query)[0].contains(&format!(r#""limit":{sent},"#)), "{limit:?}");
        }
        let top = Query::new(SENT, Granularity::All, interval("2026-01-02T00:00:00Z/PT1H"))
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
        attribute_body(query, &clock()).map_err(|error| error.to_string())
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
                    .interval(Interval::last_days(7))
                    .interval(interval("now-1h|h/now"))
                    .limit(3),
                r#"{"metric":"io.confluent.kafka.server/sent_bytes","group_by":["metric.topic","metric.partition"],"filter":{"op":"AND","filters":[{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"a"}}]},"limit":3,"intervals":["2026-01-01T11:59:00Z/2026-01-08T11:59:00Z","2026-01-08T00:00:00Z/2026-01-08T01:00:00Z","2026-01-08T11:00:00Z/2026-01-08T12:02:59Z"]}"#,
            ),
        ] {
            assert_eq!(attributes(&query).unwrap(), body);
        }
        assert!(attributes(&topics.limit(1500)).unwrap().contains(r#""limit":1000,"#));
    }

    #[test]
    fn every_fault_of_a_query_for_attributes_is_named_at_once() {
        let nothing = AttributeQuery::new("", Vec::<String>::new())
            .filter(Filter::any([]))
            .interval(interval("2026-01-08T12:00:00Z/2026-01-08T12:00:00Z"))
            .interval(interval("2025-12-31T11:59:58Z/PT1H"))
            .limit(0);
        assert_eq!(
            attributes(&nothing).unwrap_err(),
            "the query for attributes cannot be sent: the metric has no name; Filter::any has no member; it asks for no label; \
             a limit of 0 asks for nothing; the interval 2026-01-08T12:00:00Z/2026-01-08T12:00:00Z ends at 2026-01-08T12:00:00Z, \
             which is not after its start, 2026-01-08T12:00:00Z; the interval 2025-12-31T11:59:58Z/2025-12-31T12:59:58Z starts \
             more than a day before what the service still has, the last 7 days"
        );
        assert_eq!(attribute_body(&nothing, &clock()).unwrap_err().hint(), Some(RETENTION_HINT));
        assert_eq!(
            attributes(&AttributeQuery::new(SENT, ["metric.topic", "", "metric.topic"])).unwrap_err(),
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
                "2026-01-02T00:00:30Z/2026-01-02T12:00:10.5Z",
                vec![
                    "2026-01-02T00:00:30Z/2026-01-02T06:00:00Z",
                    "2026-01-02T06:00:00Z/2026-01-02T12:00:00Z",
                    "2026-01-02T12:00:00Z/2026-01-02T12:00:10.500Z",
                ],
            ),
            (
                Granularity::FiveMinutes,
                "2026-01-02T00:02:00Z/P1DT1H",
                vec![
                    "2026-01-02T00:02:00Z/2026-01-03T00:00:00Z",
                    "2026-01-03T00:00:00Z/2026-01-03T01:02:00Z",
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
                "2026-01-01T00:00:00Z/P30D",
                vec!["2026-01-01T00:00:00Z/2026-01-31T00:00:00Z"],
            ),
            (
                Granularity::All,
                "2026-01-01T00:00:00Z/P30D",
                vec!["2026-01-01T00:00:00Z/2026-01-31T00:00:00Z"],
            ),
        ] {
            assert_eq!(spans(granularity, &[given]), expected, "{given} by {granularity}");
        }
        assert_eq!(spans(Granularity::OneMinute, &["2026-01-01T00:00:00Z/P7D"]).len(), 28);
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
            ["2026-01-02T00:00:00Z/2026-01-02T03:30:00Z", "2026-01-02T04:00:00Z/2026-01-02T05:01:00Z"]
        );
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let query = Query::new("", Granularity::OneMinute, interval("now/now"))
            .filter(Filter::one_of("metric.topic", Vec::<String>::new()))
            .group_by(["metric.topic", "", "metric.topic"])
            .extra_aggregation("agg", "AVG")
            .order(Order::Descending)
            .limit(0);
        assert_eq!(
            refusal(&query),
            "the query cannot be sent: the metric has no name; Filter::one_of has no value for \"metric.topic\"; \
             group_by has an empty name; group_by has \"metric.topic\" twice; \
             extra_aggregation cannot set \"agg\", which the query sets itself; a limit of 0 asks for nothing; \
             an order is only possible with the granularity ALL, not PT1M; \
             the interval now/now ends at 2026-01-08T12:02:59Z, which is not after its start, 2026-01-08T12:02:59Z"
        );
    }

    #[test]
    fn a_limit_needs_groups_and_one_window() {
        let query = |granularity, text| {
            Query::new(SENT, granularity, interval(text)).group_by(["metric.topic"]).limit(5)
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
        let query = Query::new(SENT, Granularity::All, interval("2026-01-02T00:00:00Z/PT2H"))
            .add_interval(interval("2026-01-02T01:00:00Z/PT2H"));
        assert_eq!(
            refusal(&query),
            "the query cannot be sent: with the granularity ALL the intervals 2026-01-02T00:00:00Z/2026-01-02T02:00:00Z and 2026-01-02T01:00:00Z/2026-01-02T03:00:00Z overlap, and would count twice"
        );
    }

    #[test]
    fn what_the_service_no_longer_has_is_refused() {
        let query = |start| Query::new(SENT, Granularity::OneHour, interval(start));
        assert!(plan(&query("2025-12-31T11:59:59Z/PT1H"), &clock()).is_ok());
        let error = plan(&query("2025-12-31T11:59:58Z/PT1H").add_interval(Interval::last_hours(1)), &clock())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the query cannot be sent: the interval 2025-12-31T11:59:58Z/2025-12-31T12:59:58Z starts more than a day before what the service still has, the last 7 days"
        );
        assert_eq!(error.hint(), Some(RETENTION_HINT));
        for now in
            ["2026-01-08T00:00:00Z", "2026-01-08T00:02:59Z", "2026-01-08T00:03:00Z", "2026-01-08T23:59:59Z"]
        {
            let clock = Clock { now: now.parse().unwrap(), ..clock() };
            let week = Query::new(SENT, Granularity::OneDay, Interval::last_days(7));
            assert!(plan(&week, &clock).is_ok(), "a week of whole days is there at {now}");
        }
        let clock = Clock { retention: Duration::MAX, ..clock() };
        assert!(plan(&query("2019-10-17T20:17:00.000Z/PT2H"), &clock).is_ok());
    }

    #[test]
    fn a_slip_in_a_year_is_not_a_million_requests() {
        let query = |end: &str| {
            Query::new(SENT, Granularity::OneMinute, interval(&format!("2026-01-08T00:00:00Z/{end}")))
        };
        assert_eq!(plan(&query("2032-11-10T00:00:00Z"), &clock()).unwrap().len(), 9992);
        assert_eq!(
            refusal(&query("2926-01-08T00:00:00Z")),
            "the query cannot be sent: the intervals need 1314873 requests with the granularity PT1M: take a coarser one, or look for a slip in a year"
        );
    }
}
