//! The metrics that have a word in their name or description: `list_metrics lag`, or all of them without a word.
//!
//! Takes the key from the environment, as `Client::from_env` does. Where no metric has the word, it names those that are
//! spelt most like it.

use std::env;
use std::process::ExitCode;

use confluent_metrics::{
    Client, LabelDescriptor, LifecycleStage, MetricDescriptor, ResourceDescriptor,
};

fn main() -> Result<ExitCode, confluent_metrics::Error> {
    let word = env::args().nth(1).unwrap_or_default();
    let client = Client::from_env()?;
    let metrics = client.metric_descriptors()?;
    let found: Vec<_> = metrics.iter().filter(|metric| has(metric, &word)).collect();
    if found.is_empty() {
        eprintln!("No metric has \"{word}\" in its name or description.");
        for metric in MetricDescriptor::closest_matches(&word, &metrics, 5) {
            eprintln!("  did you mean {}?", metric.name());
        }
        return Ok(ExitCode::FAILURE);
    }
    let types = client.resource_descriptors()?;
    for metric in &found {
        show(metric, &types);
    }
    println!("{} of {} metrics", found.len(), metrics.len());
    Ok(ExitCode::SUCCESS)
}

fn has(metric: &MetricDescriptor, word: &str) -> bool {
    let word = word.to_lowercase();
    [metric.name(), metric.description()]
        .iter()
        .any(|text| text.to_lowercase().contains(&word))
}

fn show(metric: &MetricDescriptor, types: &[ResourceDescriptor]) {
    let stage = match metric.lifecycle_stage() {
        LifecycleStage::GeneralAvailability => String::new(),
        stage => format!(", {stage}"),
    };
    println!(
        "{} ({}, unit {}{stage})",
        metric.name(),
        metric.kind(),
        metric.unit()
    );
    println!("    {}", metric.description());
    let of = types.iter().filter(|one| {
        metric
            .resources()
            .iter()
            .any(|kind| kind == one.resource_type())
    });
    let labels = of
        .flat_map(ResourceDescriptor::labels)
        .chain(metric.labels());
    let labels: Vec<_> = labels.map(LabelDescriptor::query_name).collect();
    println!("    resources: {}", metric.resources().join(", "));
    println!("    labels:    {}", labels.join(", "));
    if metric.is_exportable() != Some(false) {
        println!("    in an export: {}", metric.export_name());
    }
    println!();
}
