//! The operations, each of which compares its result with the truth.

use std::collections::BTreeMap;
use std::time::Instant;

use confluent_metrics::check::{Check, Reduce, Report, Status, Threshold};
use confluent_metrics::{
    AttributeQuery, Client, DiscoveryRequest, Error, ErrorKind, ExportFormat, ExportRequest,
    Granularity, Interval, MetricDescriptor, Query, QueryResult, Resource, ResourceDescriptor,
    TargetGroup, Timestamp,
};
use fastrand::Rng;

use crate::judge::Failure;
use crate::truth::{CLUSTER, Points, SENT, Span, TOPIC, Truth, add_series, is_latest, now, span};

/// What one call, or one step of an iterator, has returned.
pub(crate) struct Answer {
    pub(crate) operation: &'static str,
    /// The interval depends on this machine's clock.
    pub(crate) is_relative: bool,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    Right,
    /// The result differs from the truth as the text says.
    Wrong(String),
    Failed(Failure),
}

/// The true results of a site.
pub(crate) struct Subject<'a> {
    pub(crate) truth: &'a Truth,
    metrics: Vec<MetricDescriptor>,
    metrics_of_registry: Vec<MetricDescriptor>,
    resources: Vec<ResourceDescriptor>,
    groups: Vec<TargetGroup>,
}

/// A client with the true results that it is to return.
pub(crate) type Operation = fn(&Client, &Subject<'_>, &mut Rng) -> Vec<Answer>;

/// Every method of the client that sends requests, and a check. Some are called more often.
pub(crate) const OPERATIONS: [Operation; 14] = [
    query,
    query,
    query_all,
    query_all,
    query_pages,
    query_pages,
    attributes,
    descriptors,
    export,
    export_text,
    discover,
    check_access,
    check,
    check,
];

const MINUTES: u32 = 30;
const EXPORT_NAME: &str = "confluent_kafka_server_sent_bytes";

impl<'a> Subject<'a> {
    /// Asks for the results that are the same at any time, while nothing disturbs.
    pub(crate) fn new(client: &Client, truth: &'a Truth) -> Self {
        let subject = Self {
            truth,
            metrics: client.metric_descriptors().unwrap(),
            metrics_of_registry: client.metric_descriptors_for("schema_registry").unwrap(),
            resources: client.resource_descriptors().unwrap(),
            groups: client.discover(&DiscoveryRequest::new()).unwrap(),
        };
        assert!(subject.metrics.len() > 100 && subject.metrics_of_registry.len() < 10);
        assert!(subject.resources.len() > 4 && subject.groups.len() > 3);
        subject
    }
}

/// Calls an operation and compares its result.
fn answer<T>(
    operation: &'static str,
    is_relative: bool,
    call: impl FnOnce() -> Result<T, Error>,
    compare: impl FnOnce(T) -> Result<(), String>,
) -> Answer {
    let began = Instant::now();
    let result = call();
    let ended = Instant::now();
    Answer {
        operation,
        is_relative,
        began,
        ended,
        outcome: outcome(result, compare),
    }
}

fn outcome<T>(result: Result<T, Error>, compare: impl FnOnce(T) -> Result<(), String>) -> Outcome {
    match result.map(compare) {
        Ok(Ok(())) => Outcome::Right,
        Ok(Err(difference)) => Outcome::Wrong(difference),
        Err(error) => Outcome::Failed(Failure::of(&error)),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, found {found:?}"))
    }
}

/// A query and its true result.
struct TrueQuery {
    query: Query,
    is_relative: bool,
    /// `None` for the last minutes.
    span: Option<Span>,
    by_topic: bool,
    bucket: i64,
}

fn between((start, end): Span) -> Interval {
    let time = |seconds| Timestamp::from_second(seconds).unwrap();
    Interval::between(time(start), time(end))
}

/// Returns queries of one window and of several, of one page and of several.
fn queries(truth: &Truth) -> [TrueQuery; 5] {
    let new = |interval, granularity| {
        Query::new(SENT, granularity, interval).filter(Resource::kafka(CLUSTER))
    };
    let one_minute = Granularity::OneMinute;
    let recent = || new(Interval::last_minutes(MINUTES), one_minute);
    let absolute = |span: Span, query: Query, by_topic, bucket| TrueQuery {
        query,
        is_relative: false,
        span: Some(span),
        by_topic,
        bucket,
    };
    let relative = |query: Query, by_topic| TrueQuery {
        query,
        is_relative: true,
        span: None,
        by_topic,
        bucket: 60,
    };
    let hour = new(between(truth.hour), one_minute).group_by([TOPIC]);
    let day = new(between(truth.day), one_minute).group_by([TOPIC]);
    let sums = new(between(truth.day), Granularity::OneHour);
    [
        absolute(truth.hour, hour, true, 60),
        absolute(truth.day, day, true, 60),
        absolute(truth.day, sums, false, 3600),
        relative(recent().group_by([TOPIC]), true),
        relative(recent(), false),
    ]
}

impl TrueQuery {
    /// Compares points that cover some spans, of a call between two readings of the clock.
    fn compare(
        &self,
        truth: &Truth,
        spans: &[Span],
        found: &Points,
        before: i64,
        after: i64,
    ) -> Result<(), String> {
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
            return Err("no interval".to_owned());
        };
        let covered = (first.0, last.1);
        let is_right = match self.span {
            Some(span) => span == covered,
            None => is_latest(covered, MINUTES.into(), before, after),
        };
        if !is_right {
            return Err(format!("interval {covered:?}"));
        }
        let expected = if self.by_topic {
            truth.by_topic(covered)
        } else {
            truth.total(covered, self.bucket)
        };
        equal(found, &expected)
    }

    fn compare_result(
        &self,
        truth: &Truth,
        result: &QueryResult,
        before: i64,
        after: i64,
    ) -> Result<(), String> {
        if !result.completeness().is_complete() {
            return Err(format!("incomplete: {}", result.completeness()));
        }
        let mut points = Points::new();
        add_series(&mut points, result.series())?;
        let spans: Vec<Span> = result.intervals().iter().copied().map(span).collect();
        self.compare(truth, &spans, &points, before, after)
    }
}

fn query(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let queries = queries(subject.truth);
    let chosen = &queries[random.usize(..queries.len())];
    let before = now();
    vec![answer(
        "query",
        chosen.is_relative,
        || client.query(&chosen.query),
        |result| chosen.compare_result(subject.truth, &result, before, now()),
    )]
}

fn query_all(client: &Client, subject: &Subject<'_>, _: &mut Rng) -> Vec<Answer> {
    let chosen = queries(subject.truth);
    let before = now();
    let began = Instant::now();
    let results = client.query_all(&chosen.each_ref().map(|each| each.query.clone()));
    let ended = Instant::now();
    assert_eq!(results.len(), chosen.len());
    let mut answers = Vec::new();
    for (result, each) in results.into_iter().zip(&chosen) {
        answers.push(Answer {
            operation: "query_all",
            is_relative: each.is_relative,
            began,
            ended,
            outcome: outcome(result, |result| {
                each.compare_result(subject.truth, &result, before, now())
            }),
        });
    }
    answers
}

/// Reads all pages. Each has a deadline of its own.
fn query_pages(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let queries = queries(subject.truth);
    let chosen = &queries[random.usize(..queries.len())];
    let before = now();
    let mut pages = client.query_pages(&chosen.query);
    let mut points = Points::new();
    let mut spans: Vec<Span> = Vec::new();
    let mut answers: Vec<Answer> = Vec::new();
    loop {
        let began = Instant::now();
        let next = pages.next();
        let ended = Instant::now();
        let is_end = next.is_none();
        let outcome = match next {
            None => match chosen.compare(subject.truth, &spans, &points, before, now()) {
                Ok(()) => Outcome::Right,
                Err(difference) => Outcome::Wrong(difference),
            },
            Some(page) => outcome(page, |page| {
                spans.push(span(page.interval()));
                add_series(&mut points, page.items())
            }),
        };
        let is_right = matches!(outcome, Outcome::Right);
        answers.push(Answer {
            operation: "query_pages",
            is_relative: chosen.is_relative && !is_end,
            began,
            ended,
            outcome,
        });
        if is_end || !is_right {
            return answers;
        }
    }
}

fn attributes(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let mut query = AttributeQuery::new(SENT, [TOPIC]).filter(Resource::kafka(CLUSTER));
    let is_relative = random.bool();
    if !is_relative {
        query = query.interval(between(subject.truth.hour));
    }
    vec![answer(
        "attributes",
        is_relative,
        || client.attributes(&query),
        |rows| {
            let topics: Vec<_> = rows.iter().filter_map(|row| row.get(TOPIC)).collect();
            equal(&topics, &subject.truth.topics())
        },
    )]
}

fn descriptors(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    vec![match random.u8(..6) {
        0 => answer(
            "metric_descriptors",
            false,
            || client.metric_descriptors(),
            |metrics| equal(&metrics, &subject.metrics),
        ),
        1 | 2 => answer(
            "metric_descriptors_for",
            false,
            || client.metric_descriptors_for("schema_registry"),
            |metrics| equal(&metrics, &subject.metrics_of_registry),
        ),
        _ => answer(
            "resource_descriptors",
            false,
            || client.resource_descriptors(),
            |resources| equal(&resources, &subject.resources),
        ),
    }]
}

/// Samples by topic, each with its minute and value.
type Samples = BTreeMap<String, (i64, f64)>;

/// Returns an export of one metric, or of all.
fn export_request(random: &mut Rng) -> ExportRequest {
    let request = ExportRequest::new([Resource::kafka(CLUSTER)]);
    if random.bool() {
        request.metric(SENT)
    } else {
        request
    }
}

/// Compares samples of the latest minute, of a call between two readings of the clock.
fn compare_samples(truth: &Truth, found: &Samples, before: i64, after: i64) -> Result<(), String> {
    let topics: Vec<&str> = found.keys().map(String::as_str).collect();
    equal(&topics, &truth.topics())?;
    for (topic, (minute, value)) in found {
        if !is_latest((minute - 60, *minute), 1, before, after) {
            return Err(format!("sample of {topic} at {minute}"));
        }
        equal(&Some(*value), &truth.value(topic, *minute))?;
    }
    Ok(())
}

fn export(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let request = export_request(random);
    let before = now();
    vec![answer(
        "export",
        false,
        || client.export(&request),
        |export| {
            let mut found = Samples::new();
            for sample in export.samples() {
                let topic = sample.labels().get("topic").unwrap_or_default();
                let time = sample.timestamp().map_or(0, Timestamp::as_second);
                if found
                    .insert(topic.to_owned(), (time, sample.value()))
                    .is_some()
                {
                    return Err(format!("duplicate sample of {topic}"));
                }
            }
            if !export.completeness().is_complete() || !export.inaccessible().is_empty() {
                return Err("incomplete".to_owned());
            }
            compare_samples(subject.truth, &found, before, now())
        },
    )]
}

fn export_text(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let request = export_request(random);
    let format = if random.bool() {
        ExportFormat::Prometheus
    } else {
        ExportFormat::OpenMetrics
    };
    let before = now();
    vec![answer(
        "export_text",
        false,
        || client.export_text(&request, format),
        |text| {
            let found = read_samples(&text, format).ok_or(text)?;
            compare_samples(subject.truth, &found, before, now())
        },
    )]
}

/// Reads the samples of an export line by line.
fn read_samples(text: &str, format: ExportFormat) -> Option<Samples> {
    let mut found = Samples::new();
    let labels = format!("{EXPORT_NAME}{{kafka_id=\"{CLUSTER}\",topic=\"");
    for line in text.lines().filter(|line| line.starts_with(EXPORT_NAME)) {
        let (topic, rest) = line.strip_prefix(&labels)?.split_once("\"} ")?;
        let (value, time) = rest.split_once(' ')?;
        let time: f64 = time.parse().ok()?;
        let is_in_milliseconds = format == ExportFormat::Prometheus;
        let time = if is_in_milliseconds {
            time / 1000.0
        } else {
            time
        };
        found.insert(topic.to_owned(), (time as i64, value.parse().ok()?));
    }
    Some(found)
}

fn discover(client: &Client, subject: &Subject<'_>, _: &mut Rng) -> Vec<Answer> {
    vec![answer(
        "discover",
        false,
        || client.discover(&DiscoveryRequest::new()),
        |groups| equal(&groups, &subject.groups),
    )]
}

/// Checks the access to a cluster, or to one that does not exist.
fn check_access(client: &Client, _: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let exists = random.bool();
    let resource = Resource::kafka(if exists { CLUSTER } else { "lkc-unknown" });
    let call = || match client.check_access(&resource) {
        Err(error) if error.kind() == ErrorKind::Forbidden => Ok(false),
        result => result.map(|()| true),
    };
    vec![answer("check_access", false, call, |found| {
        equal(&found, &exists)
    })]
}

/// Judges the topics of an hour by their maximum, or those of the last minutes by the last value.
fn check(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let truth = subject.truth;
    let is_relative = random.bool();
    let [hour, _, _, recent, _] = queries(truth);
    let (query, reduce) = if is_relative {
        (recent.query, Reduce::Last)
    } else {
        (hour.query, Reduce::Max)
    };
    let limit = 12_000.0;
    let check = Check::new(query)
        .reduce(reduce)
        .critical(Threshold::above(limit));
    let before = now();
    let began = Instant::now();
    let report = check.run(client);
    let ended = Instant::now();
    let outcome = match compare_report(truth, &report, is_relative, limit, before) {
        Ok(()) => Outcome::Right,
        // Each finding of a result has the labels of its series.
        Err(_)
            if report
                .findings()
                .iter()
                .all(|finding| finding.labels().is_empty()) =>
        {
            Outcome::Failed(Failure::of_report(&report.summary()))
        }
        Err(difference) => Outcome::Wrong(difference),
    };
    vec![Answer {
        operation: "check",
        is_relative,
        began,
        ended,
        outcome,
    }]
}

fn compare_report(
    truth: &Truth,
    report: &Report,
    is_relative: bool,
    limit: f64,
    before: i64,
) -> Result<(), String> {
    let mut found = BTreeMap::new();
    for finding in report.findings() {
        let topic = finding.labels().get(TOPIC).unwrap_or_default();
        let time = finding.timestamp().map_or(0, Timestamp::as_second);
        let expected = if is_relative {
            if !is_latest((time - 60, time), 1, before - 60, now() - 60) {
                return Err(format!("{topic} is judged at {time}"));
            }
            truth.value(topic, time)
        } else {
            let hour = truth.by_topic(truth.hour);
            hour.get(topic)
                .and_then(|series| series.values().copied().reduce(f64::max))
        };
        equal(&finding.value(), &expected)?;
        let status = if expected > Some(limit) {
            Status::Critical
        } else {
            Status::Ok
        };
        equal(&finding.status(), &status)?;
        found.insert(topic, ());
    }
    let topics: Vec<&str> = found.into_keys().collect();
    equal(&topics, &truth.topics())?;
    equal(&report.status(), &Status::Critical)
}
