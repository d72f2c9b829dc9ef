//! The closest names, if the service rejects the metric or a label of a check.

use std::collections::BTreeSet;

use confluent_metrics::check::{Check, Finding, Report};
use confluent_metrics::{Client, ErrorKind, LabelDescriptor, MetricDescriptor};
use serde_json::Value;

/// The number of names that are suggested.
const MAX_NAMES: usize = 3;

/// Asks the service for its names and returns those that are meant, if the report needs them.
///
/// Returns `None` if the service cannot be asked: the error of the check says why. `known` keeps the
/// names for the next check.
pub(crate) fn suggestion(
    check: &Check,
    report: &Report,
    client: &Client,
    known: &mut Option<Vec<MetricDescriptor>>,
) -> Option<String> {
    let mut errors = report.findings().iter().map(Finding::error_kind);
    if !errors.any(|kind| kind == Some(ErrorKind::Rejected)) {
        return None;
    }
    let entry = serde_json::to_value(check).ok()?;
    let descriptors = match known {
        Some(descriptors) => descriptors,
        None => known.insert(client.metric_descriptors().ok()?),
    };
    let mut sentences = Vec::new();
    for query in [Some(&entry), entry.get("divide-by")].into_iter().flatten() {
        sentences.extend(unknown_names(query, descriptors));
    }
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// Returns a sentence for each name of a query that does not exist.
fn unknown_names(query: &Value, descriptors: &[MetricDescriptor]) -> Vec<String> {
    let Some(metric) = query.get("metric").and_then(Value::as_str) else {
        return Vec::new();
    };
    let Some(known) = descriptors.iter().find(|known| known.name() == metric) else {
        let closest = MetricDescriptor::closest_matches(metric, descriptors, MAX_NAMES);
        let names: Vec<_> = closest.iter().map(|known| known.name()).collect();
        return vec![if names.is_empty() {
            format!("the dataset has no metric {metric:?}")
        } else {
            let names = names.join(", ");
            format!("the dataset has no metric {metric:?}; did you mean {names}?")
        }];
    };
    let mut labels = BTreeSet::new();
    collect_labels(&query["group-by"], &mut labels);
    collect_labels(&query["filter"], &mut labels);
    let own: Vec<_> = known
        .labels()
        .iter()
        .map(LabelDescriptor::query_name)
        .collect();
    let mut sentences = Vec::new();
    for label in labels {
        if label.starts_with("resource.") {
            let is_known = |kind: &String| label.starts_with(&format!("resource.{kind}."));
            if !known.resources().is_empty() && !known.resources().iter().any(is_known) {
                let kinds = known.resources().join(", ");
                sentences.push(format!(
                    "the metric has no label {label:?}; its resources are {kinds}"
                ));
            }
        } else if !own.contains(&label) {
            let names = own.join(", ");
            sentences.push(format!(
                "the metric has no label {label:?}; its labels are {names}"
            ));
        }
    }
    sentences
}

/// Collects the labels in a list or a filter.
fn collect_labels<'a>(value: &'a Value, labels: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(label) => {
            labels.insert(label);
        }
        Value::Array(values) => {
            for value in values {
                collect_labels(value, labels);
            }
        }
        Value::Object(filter) => {
            for name in ["field", "filter", "filters"] {
                if let Some(value) = filter.get(name) {
                    collect_labels(value, labels);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
