//! Prints the idle topics of a Kafka cluster: `idle_topics [bytes per day]`.
//!
//! A topic that stores data has a point of `retained_bytes`, so that its name is known. It is idle
//! if it received and sent no more than this per day (by default nothing), in all of the time that
//! the service still has. The API key is read from the environment, as by `Client::from_env`, and
//! the id of the cluster from `CONFLUENT_KAFKA_CLUSTER` (by default `lkc-1`, a cluster of the
//! emulator).

use std::collections::HashMap;
use std::env;
use std::time::Duration;

use confluent_metrics::{
    AttributeQuery, Client, Filter, Granularity, Interval, Query, QueryResult, Resource,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = env::var("CONFLUENT_KAFKA_CLUSTER").unwrap_or_else(|_| "lkc-1".into());
    let cluster = Filter::from(Resource::kafka(cluster));
    let limit = match env::args().nth(1) {
        Some(text) => parse_bytes(&text)?,
        None => 0.0,
    };
    let client = Client::from_env()?;

    // All topics that there are now: the interval defaults to the last hour.
    let stored = AttributeQuery::new("io.confluent.kafka.server/retained_bytes", ["metric.topic"])
        .filter(cluster.clone());
    let topics = client.attributes(&stored)?;

    let mut traffic: HashMap<String, f64> = HashMap::new();
    let mut queries = Vec::new();
    for metric in ["received_bytes", "sent_bytes"] {
        let metric = format!("io.confluent.kafka.server/{metric}");
        let query = Query::new(metric, Granularity::OneHour, Interval::retained())
            .filter(cluster.clone())
            .group_by(["metric.topic"]);
        queries.push(query);
    }
    let mut days = 0.0;
    for result in client.query_all(&queries) {
        // Without one of the results, a busy topic might look idle.
        let result = result?;
        days = count_days(&result);
        for series in &result {
            let topic = series.labels().get("metric.topic").unwrap_or_default();
            *traffic.entry(topic.to_owned()).or_default() += series.sum();
        }
    }

    let mut idle = 0;
    for labels in &topics {
        let topic = labels.get("metric.topic").unwrap_or_default();
        let bytes_per_day = traffic.get(topic).unwrap_or(&0.0) / days;
        if bytes_per_day <= limit {
            idle += 1;
            println!("{topic:<20} {bytes_per_day:>12.0} bytes per day");
        }
    }
    println!(
        "{idle} of {} topics were idle for {days:.1} days.",
        topics.len()
    );
    Ok(())
}

/// Parses a number of bytes, zero or more. Every comparison with a NaN would be false.
fn parse_bytes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(bytes) if bytes >= 0.0 => Ok(bytes),
        _ => Err(format!(
            "expected bytes per day, such as 1000 or 1e6, found {text:?}"
        )),
    }
}

/// Returns the days that a result covers, with or without points.
fn count_days(result: &QueryResult) -> f64 {
    let intervals = result.intervals().iter();
    let durations = intervals.map(|(start, end)| end.duration_since(*start));
    durations.sum::<Duration>().as_secs_f64() / 86_400.0
}
