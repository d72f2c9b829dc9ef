//! Prints the bytes that each topic or principal used per day, as CSV:
//! `usage_report [topic|principal] [days] [names.json]...`.
//!
//! It reports every Kafka cluster that discovery finds, for the last 3 days by default. The service
//! knows only ids. The files add names: the output of `confluent iam service-account list -o json`
//! or `confluent kafka cluster list -o json`. Progress and the total go to standard error. The API
//! key is read from the environment, as by `Client::from_env`.

use std::collections::HashMap;
use std::{env, fs};

use confluent_metrics::{
    Client, DiscoveryRequest, Event, Granularity, Interval, Query, Resource, TargetGroup,
};
use serde::Deserialize;

/// An entry of a list that the command `confluent` prints.
#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let (metric, label) = match arguments.next().as_deref() {
        None | Some("topic") => ("received_bytes", "metric.topic"),
        Some("principal") => ("request_bytes", "metric.principal_id"),
        Some(other) => return Err(format!("expected topic or principal, found {other:?}").into()),
    };
    let Ok(days) = arguments.next().as_deref().unwrap_or("3").parse() else {
        return Err("the second argument is not a number of days".into());
    };
    let names = read_names(arguments)?;
    let client = Client::builder_from_env()?
        .on_event(print_progress)
        .build()?;
    let groups = client.discover(&DiscoveryRequest::new().resource_type("kafka"))?;
    let clusters: Vec<Resource> = groups.iter().flat_map(TargetGroup::resources).collect();
    let metric = format!("io.confluent.kafka.server/{metric}");
    let mut queries = Vec::new();
    for cluster in &clusters {
        let query = Query::new(&metric, Granularity::OneDay, Interval::last_days(days));
        queries.push(query.filter(cluster.clone()).group_by([label]));
    }
    // Without one of the clusters, the report would still look complete.
    let results: Result<Vec<_>, _> = client.query_all(&queries).into_iter().collect();
    let results = results?;
    let name_of = |id| names.get(id).map_or("", String::as_str);
    let mut total = 0.0;
    println!("cluster,cluster_name,day,id,name,bytes");
    for (cluster, result) in clusters.iter().map(Resource::id).zip(&results) {
        for series in result {
            let id = series.labels().get(label).unwrap_or_default();
            for point in series.points() {
                let day = &point.timestamp.to_string()[..10];
                let fields = [cluster, name_of(cluster), day, id, name_of(id)].map(quote);
                println!("{},{}", fields.join(","), point.value);
                total += point.value;
            }
        }
    }
    eprintln!("{} clusters, {:.3} GB", clusters.len(), total / 1e9);
    Ok(())
}

/// Prints the windows that have been read, of all clusters together.
fn print_progress(event: &Event) {
    if let Event::WindowDone { progress, .. } = event {
        eprintln!("{progress}");
    }
}

/// Reads the names of service accounts and clusters, by their ids.
fn read_names(files: impl Iterator<Item = String>) -> Result<HashMap<String, String>, String> {
    let mut names = HashMap::new();
    for file in files {
        let json = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        let list = serde_json::from_str::<Vec<Named>>(&json);
        let list = list.map_err(|error| format!("{file}: {error}"))?;
        names.extend(list.into_iter().map(|entry| (entry.id, entry.name)));
    }
    Ok(names)
}

/// Quotes a field (RFC 4180, section 2).
fn quote(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}
