//! Prints how many bytes each topic of a Kafka cluster received in the last hour, by the minute.
//!
//! With `CONFLUENT_CLOUD_API_KEY`, `CONFLUENT_CLOUD_API_SECRET` and `CONFLUENT_KAFKA_CLUSTER` in
//! the environment it queries the real service. Without a key it starts the emulator.

use std::{env, process};

use confluent_metrics::{
    Client, Credentials, Error, Granularity, Interval, Query, Resource, Series, Timestamp,
};
use confluent_metrics_emulator::Emulator;

fn main() -> Result<(), Error> {
    if env_var("CONFLUENT_CLOUD_API_KEY").is_none() && env_var("CCLOUD_API_KEY").is_none() {
        return query_emulator();
    }
    let Some(cluster) = env_var("CONFLUENT_KAFKA_CLUSTER") else {
        eprintln!("Set CONFLUENT_KAFKA_CLUSTER to the id of a cluster, such as lkc-12345.");
        process::exit(1);
    };
    print_topics(&Client::from_env()?, &cluster)
}

fn env_var(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn query_emulator() -> Result<(), Error> {
    let emulator = Emulator::start();
    let url = emulator.url();
    println!("No API key in the environment: querying an emulator with made-up data at {url}\n");
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    let client = Client::builder(credentials)
        .base_url(url)
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .build()?;
    print_topics(&client, "lkc-1")
}

fn print_topics(client: &Client, cluster: &str) -> Result<(), Error> {
    let metric = "io.confluent.kafka.server/received_bytes";
    let query = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
        .filter(Resource::kafka(cluster))
        .group_by(["metric.topic"]);
    let mut topics = client.query(&query)?.into_series();
    topics.sort_by(|a, b| total(b).total_cmp(&total(a)));

    println!("topic                    latest  at                    last hour");
    for topic in &topics {
        let Some(latest) = topic.last() else { continue };
        let name = topic.labels().get("metric.topic").unwrap_or("(no topic)");
        let bytes = format_bytes(latest.value);
        let time = latest.timestamp;
        println!("{name:<20} {bytes:>10}  {time}  {}", sparkline(topic, time));
    }
    let count = topics.len();
    let bytes = format_bytes(topics.iter().map(total).sum());
    println!("\n{count} topics received {bytes} in the last hour.");
    Ok(())
}

fn total(series: &Series) -> f64 {
    series.points().iter().map(|point| point.value).sum()
}

/// Draws a bar for every three minutes up to the latest point.
fn sparkline(series: &Series, latest: Timestamp) -> String {
    let mut sums = [0.0; 20];
    for point in series.points() {
        let minutes_ago = latest.duration_since(point.timestamp).as_secs() / 60;
        sums[19 - (minutes_ago / 3).min(19) as usize] += point.value;
    }
    let highest = sums.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let bars = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let heights = sums.iter().map(|sum| (sum / highest * 8.0).ceil() as usize);
    heights.map(|height| bars[height]).collect()
}

fn format_bytes(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return format!("{value:.1} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}
