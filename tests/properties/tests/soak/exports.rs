//! Exports, decoded or as text.

use std::collections::BTreeMap;

use confluent_metrics::{Client, ExportFormat, ExportRequest, Resource, Timestamp};
use fastrand::Rng;

use crate::answer::{Answer, Subject, answer, equal};
use crate::truth::{CLUSTER, SENT, Truth, is_latest, now};

/// The name of [`SENT`] in an export.
const EXPORT_NAME: &str = "confluent_kafka_server_sent_bytes";

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

pub(crate) fn export(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
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

pub(crate) fn export_text(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
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
