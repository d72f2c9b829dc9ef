//! A check, whose report has a finding for each topic.

use std::collections::BTreeSet;
use std::time::Instant;

use confluent_metrics::check::{Check, Reduce, Report, Status, Threshold};
use confluent_metrics::{Client, Timestamp};
use fastrand::Rng;

use crate::answer::{Answer, Outcome, Subject, equal};
use crate::judge::Failure;
use crate::queries::queries;
use crate::truth::{TOPIC, Truth, is_latest, now};

/// Judges the topics of an hour by their maximum, or those of the last minutes by the last value.
pub(crate) fn check(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
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
        sends: true,
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
    let mut found = BTreeSet::new();
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
        found.insert(topic);
    }
    let topics: Vec<&str> = found.into_iter().collect();
    equal(&topics, &truth.topics())?;
    equal(&report.status(), &Status::Critical)
}
