//! One scrape of the newest points, as a table: `export kafka:lkc-1 connector:lcc-1`, or `export --raw …` for the text.
//!
//! Takes the key from the environment, as `Client::from_env` does. Without a resource it exports all that discovery finds.
//! Where anything is missing it says so, and exits with 1.

use std::env;
use std::process::ExitCode;

use confluent_metrics::{
    Client, Completeness, DiscoveryRequest, Error, Export, ExportFormat, ExportRequest, Resource,
    TargetGroup,
};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (flags, names): (Vec<_>, Vec<_>) = env::args()
        .skip(1)
        .partition(|argument| argument.starts_with('-'));
    if flags.iter().any(|flag| flag != "--raw") {
        return Err("usage: export [--raw] [type:id …]".into());
    }
    let client = Client::from_env()?;
    let request = ExportRequest::new(resources(&client, &names)?).ignore_failed_metrics(true);
    if !flags.is_empty() {
        print!(
            "{}",
            client.export_text(&request, ExportFormat::Prometheus)?
        );
        return Ok(ExitCode::SUCCESS);
    }
    let export = client.export(&request)?;
    show(&export);
    match export.completeness() {
        Completeness::Truncated { missing, .. } => {
            eprintln!("This is not all: {missing}.");
            Ok(ExitCode::FAILURE)
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// The resources that are named, or all there are.
fn resources(client: &Client, names: &[String]) -> Result<Vec<Resource>, Error> {
    if names.is_empty() {
        let groups = client.discover(&DiscoveryRequest::new())?;
        return Ok(groups.iter().flat_map(TargetGroup::resources).collect());
    }
    let resource = |name: &String| match name.split_once(':') {
        Some((kind, id)) => Resource::new(kind, id),
        None => Resource::kafka(name),
    };
    Ok(names.iter().map(resource).collect())
}

/// The samples of each metric under its name and unit.
fn show(export: &Export) {
    for samples in export.samples().chunk_by(|a, b| a.name() == b.name()) {
        let Some(first) = samples.first() else {
            continue;
        };
        let unit = first
            .unit()
            .map_or(String::new(), |unit| format!(", in {unit}"));
        println!("{}{unit}", first.name());
        if let Some(help) = first.help() {
            println!("  {help}");
        }
        for sample in samples {
            let time = sample
                .timestamp()
                .map_or("no time".into(), |at| at.to_string());
            println!("  {:>16}  {time}  {}", sample.value(), sample.labels());
        }
    }
    println!("{} samples", export.samples().len());
}
