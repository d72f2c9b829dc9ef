//! Prints the latest value of every metric: `export [--raw] [type:id ...]`.
//!
//! For example, `export kafka:lkc-1 connector:lcc-1`. Without a resource it exports everything that
//! discovery finds. `--raw` prints the Prometheus text instead of a table. The exit code is 1 if
//! something is missing. The API key is read from the environment, as by `Client::from_env`.

use std::env;
use std::process::ExitCode;

use confluent_metrics::{
    Client, Completeness, DiscoveryRequest, Error, Export, ExportFormat, ExportRequest, Resource,
    TargetGroup,
};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut raw = false;
    let mut resources = Vec::new();
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "--raw" => raw = true,
            resource => resources.push(resource.parse::<Resource>()?),
        }
    }
    let client = Client::from_env()?;
    if resources.is_empty() {
        resources = discover_resources(&client)?;
    }
    let request = ExportRequest::new(resources).ignore_failed_metrics(true);
    if raw {
        let text = client.export_text(&request, ExportFormat::Prometheus)?;
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    let export = client.export(&request)?;
    print_samples(&export);
    if let Completeness::Truncated { missing, .. } = export.completeness() {
        eprintln!("Incomplete: {missing}.");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn discover_resources(client: &Client) -> Result<Vec<Resource>, Error> {
    let groups = client.discover(&DiscoveryRequest::new())?;
    Ok(groups.iter().flat_map(TargetGroup::resources).collect())
}

/// Prints the samples of each metric below its name, unit and description.
fn print_samples(export: &Export) {
    let mut metric = "";
    for sample in export.samples() {
        if sample.name() != metric {
            metric = sample.name();
            match sample.unit() {
                Some(unit) => println!("{metric}, in {unit}"),
                None => println!("{metric}"),
            }
            println!("  {}", sample.help().unwrap_or("(no description)"));
        }
        let time = match sample.timestamp() {
            Some(timestamp) => timestamp.to_string(),
            None => "no time".into(),
        };
        println!("  {:>16}  {time}  {}", sample.value(), sample.labels());
    }
    println!("{} samples", export.samples().len());
}
