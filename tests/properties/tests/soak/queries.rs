//! Queries of one window and of several, read at once or page by page.

use std::time::Instant;

use confluent_metrics::{Client, Granularity, Interval, Query, QueryResult, Resource, Timestamp};
use fastrand::Rng;

use crate::answer::{Answer, Outcome, Subject, answer, equal, outcome};
use crate::truth::{CLUSTER, Points, SENT, Span, TOPIC, Truth, add_series, is_latest, now, span};

/// The length of relative intervals.
const MINUTES: u32 = 30;

/// A query and its true result.
pub(crate) struct TrueQuery {
    pub(crate) query: Query,
    is_relative: bool,
    /// `None` for the last minutes.
    span: Option<Span>,
    by_topic: bool,
    bucket: i64,
}

pub(crate) fn between((start, end): Span) -> Interval {
    let time = |seconds| Timestamp::from_second(seconds).unwrap();
    Interval::between(time(start), time(end))
}

/// Returns queries of one window and of several, of one page and of several.
pub(crate) fn queries(truth: &Truth) -> [TrueQuery; 5] {
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

pub(crate) fn query(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
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

pub(crate) fn query_all(client: &Client, subject: &Subject<'_>, _: &mut Rng) -> Vec<Answer> {
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
            sends: true,
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
pub(crate) fn query_pages(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
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
            is_relative: chosen.is_relative,
            sends: !is_end,
            began,
            ended,
            outcome,
        });
        if is_end || !is_right {
            return answers;
        }
    }
}
