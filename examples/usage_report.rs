//! Prints the bytes that each topic or principal used per day, as CSV:
//! `usage_report [topic|principal] [days] [names.csv]`.
//!
//! It reports every Kafka cluster that discovery finds, for the last 3 days by default. The service
//! knows ids alone, so the file adds names to them, with one `id,name` on each line. Progress and
//! the total are printed to standard error. The API key is read from the environment, as by
//! `Client::from_env`.

use std::collections::HashMap;
use std::{env, fs};

use confluent_metrics::{
    Client, DiscoveryRequest, Event, Granularity, Interval, Query, Resource, TargetGroup,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let (metric, label) = match arguments.next().as_deref() {
        None | Some("topic") => ("io.confluent.kafka.server/received_bytes", "metric.topic"),
        Some("principal") => (
            "io.confluent.kafka.server/request_bytes",
            "metric.principal_id",
        ),
        Some(other) => return Err(format!("expected topic or principal, found {other:?}").into()),
    };
    let days = match arguments.next() {
        Some(text) => text.parse()?,
        None => 3,
    };
    let file = match arguments.next() {
        Some(file) => fs::read_to_string(file)?,
        None => String::new(),
    };
    let names = parse_names(&file);

    let client = Client::builder_from_env()?
        .on_event(print_progress)
        .build()?;
    let groups = client.discover(&DiscoveryRequest::new().resource_type("kafka"))?;
    let clusters: Vec<Resource> = groups.iter().flat_map(TargetGroup::resources).collect();
    let mut queries = Vec::new();
    for cluster in &clusters {
        let query = Query::new(metric, Granularity::OneDay, Interval::last_days(days))
            .filter(cluster.clone())
            .group_by([label]);
        queries.push(query);
    }

    // Without one of the clusters, the report would still look complete.
    let results: Result<Vec<_>, _> = client.query_all(&queries).into_iter().collect();
    let mut total = 0.0;
    println!("cluster,day,id,name,bytes");
    for (cluster, result) in clusters.iter().zip(results?) {
        for series in &result {
            let id = series.labels().get(label).unwrap_or_default();
            for point in series.points() {
                let time = point.timestamp.to_string();
                let day = time.split('T').next().unwrap_or_default();
                let name = names.get(id).unwrap_or(&"");
                let fields = [cluster.id(), day, id, name].map(quote);
                println!("{},{}", fields.join(","), point.value);
                total += point.value;
            }
        }
    }
    let gigabytes = total / 1e9;
    eprintln!("total: {gigabytes:.3} GB in {} clusters", clusters.len());
    Ok(())
}

/// Prints the windows that have been read, of all clusters together.
fn print_progress(event: &Event) {
    if let Event::WindowDone { progress, .. } = event {
        eprintln!("{progress}");
    }
}

fn parse_names(csv: &str) -> HashMap<&str, &str> {
    csv.lines()
        .filter_map(|line| line.split_once(','))
        .collect()
}

/// Quotes a field (RFC 4180, section 2).
fn quote(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}
