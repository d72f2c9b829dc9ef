//! Lists the metrics whose name or description contains a word: `list_metrics [word]`.
//!
//! Without a word it lists all metrics. If no metric contains the word, it suggests metrics with a
//! similar name. The API key is read from the environment, as by `Client::from_env`.

use std::env;
use std::process::ExitCode;

use confluent_metrics::{
    Client, LabelDescriptor, LifecycleStage, MetricDescriptor, ResourceDescriptor,
};

fn main() -> Result<ExitCode, confluent_metrics::Error> {
    let word = env::args().nth(1).unwrap_or_default();
    let client = Client::from_env()?;
    let metrics = client.metric_descriptors()?;
    let matches: Vec<_> = metrics
        .iter()
        .filter(|metric| contains_word(metric, &word))
        .collect();
    if matches.is_empty() {
        eprintln!("No metric has {word:?} in its name or description.");
        for metric in MetricDescriptor::closest_matches(&word, &metrics, 5) {
            eprintln!("  did you mean {}?", metric.name());
        }
        return Ok(ExitCode::FAILURE);
    }
    let resource_types = client.resource_descriptors()?;
    for metric in &matches {
        print_metric(metric, &resource_types);
    }
    println!("{} of {} metrics", matches.len(), metrics.len());
    Ok(ExitCode::SUCCESS)
}

fn contains_word(metric: &MetricDescriptor, word: &str) -> bool {
    let text = format!("{} {}", metric.name(), metric.description());
    text.to_lowercase().contains(&word.to_lowercase())
}

fn print_metric(metric: &MetricDescriptor, resource_types: &[ResourceDescriptor]) {
    let stage = match metric.lifecycle_stage() {
        LifecycleStage::GeneralAvailability => String::new(),
        stage => format!(", {stage}"),
    };
    let kind = metric.kind();
    let unit = metric.unit();
    println!("{} ({kind}, unit {unit}{stage})", metric.name());
    println!("    {}", metric.description());
    println!("    resources: {}", metric.resources().join(", "));

    // A series has the labels of its resource and the labels of its metric.
    let mut labels = Vec::new();
    for descriptor in resource_types {
        if metric
            .resources()
            .iter()
            .any(|name| name == descriptor.resource_type())
        {
            labels.extend(descriptor.labels());
        }
    }
    labels.extend(metric.labels());
    let names: Vec<_> = labels
        .into_iter()
        .map(LabelDescriptor::query_name)
        .collect();
    println!("    labels:    {}", names.join(", "));
    if metric.is_exportable() != Some(false) {
        println!("    in an export: {}", metric.export_name());
    }
    println!();
}
