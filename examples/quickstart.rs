//! What each topic of a Kafka cluster received in the last hour, the busiest first.
//!
//! With a key pair in the environment (`CONFLUENT_CLOUD_API_KEY`, `CONFLUENT_CLOUD_API_SECRET`) and the cluster's id in
//! `CONFLUENT_KAFKA_CLUSTER` it asks the real service. Without a key it starts the emulator, and says so.

use std::{env, process};

use confluent_metrics::{
    Client, Credentials, Error, Granularity, Interval, Point, Query, Resource, Series,
};
use confluent_metrics_emulator::Emulator;

const MINUTES: u32 = 60;
const BARS: usize = 20;

fn main() -> Result<(), Error> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    if ["CONFLUENT_CLOUD_API_KEY", "CCLOUD_API_KEY"]
        .into_iter()
        .find_map(variable)
        .is_none()
    {
        return ask_emulator();
    }
    let Some(cluster) = variable("CONFLUENT_KAFKA_CLUSTER") else {
        eprintln!(
            "Set CONFLUENT_KAFKA_CLUSTER to the id of a cluster: lkc-…, or lkc-1 of an emulator."
        );
        process::exit(1);
    };
    show(&Client::from_env()?, &cluster)
}

fn ask_emulator() -> Result<(), Error> {
    let emulator = Emulator::start();
    println!(
        "No API key in the environment: asking an emulator with made-up data at {}\n",
        emulator.url()
    );
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    let builder = Client::builder(credentials)
        .base_url(emulator.url())
        .without_proxy();
    let client = builder.root_certificates_pem(emulator.ca_pem()).build()?;
    show(&client, "lkc-1")
}

fn show(client: &Client, cluster: &str) -> Result<(), Error> {
    let metric = "io.confluent.kafka.server/received_bytes";
    let query = Query::new(
        metric,
        Granularity::OneMinute,
        Interval::last_minutes(MINUTES),
    )
    .filter(Resource::kafka(cluster))
    .group_by(["metric.topic"]);
    let mut topics = client.query(&query)?.into_series();
    topics.sort_by(|a, b| volume(b).total_cmp(&volume(a)));

    println!(
        "{:<24} {:>10}  {:<20} {:>10} {:>10}  last hour",
        "topic", "newest", "at", "least", "most"
    );
    for topic in &topics {
        let Some(newest) = topic.last() else { continue };
        let name = topic.labels().get("metric.topic").unwrap_or("(no topic)");
        let values = || topic.points().iter().map(|point| point.value);
        let (least, most) = (
            values().fold(f64::INFINITY, f64::min),
            values().fold(0.0, f64::max),
        );
        let (least, most, at) = (bytes(least), bytes(most), newest.timestamp.to_string());
        let bars = bars(topic, newest);
        println!(
            "{name:<24} {:>10}  {at:<20} {least:>10} {most:>10}  {bars}",
            bytes(newest.value)
        );
    }
    let total = topics.iter().map(volume).sum();
    println!(
        "\n{} topics received {} in the last hour.",
        topics.len(),
        bytes(total)
    );
    Ok(())
}

fn volume(series: &Series) -> f64 {
    series.points().iter().map(|point| point.value).sum()
}

/// A bar for every few minutes up to the newest point, as high as its share of the highest; a gap where nothing came.
fn bars(series: &Series, newest: Point) -> String {
    let mut sums = [0.0; BARS];
    for point in series.points() {
        let age = newest.timestamp.duration_since(point.timestamp).as_secs();
        let from_right = age as usize * BARS / (MINUTES as usize * 60);
        sums[BARS - 1 - from_right.min(BARS - 1)] += point.value;
    }
    let highest = sums.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let height = |sum: f64| (sum / highest * 8.0).ceil() as usize;
    sums.iter()
        .map(|sum| [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][height(*sum)])
        .collect()
}

fn bytes(count: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let step = (1..units.len() as i32)
        .take_while(|step| count >= 1000f64.powi(*step))
        .count();
    format!("{:.1} {}", count / 1000f64.powi(step as i32), units[step])
}
