//! Prints which topics grew most since the same hours of the day before: `top_movers [hours]`.
//!
//! The hours default to 6. The API key is read from the environment, as by `Client::from_env`, and
//! the id of the cluster from `CONFLUENT_KAFKA_CLUSTER` (by default `lkc-1`, a cluster of the
//! emulator).

use std::collections::HashMap;
use std::env;
use std::time::Duration;

use confluent_metrics::{Client, Granularity, Interval, Query, QueryResult, Resource};

const DAY: Duration = Duration::from_secs(86_400);

/// The bytes of a topic in the two windows.
#[derive(Default)]
struct Bytes {
    before: f64,
    now: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hours = match env::args().nth(1) {
        Some(text) => text
            .parse()
            .map_err(|error| format!("invalid hours {text:?}: {error}"))?,
        None => 6,
    };
    let window = Interval::last_hours(hours);
    let queries = [query(window), query(window.shifted_back(DAY))];
    // Both windows are fetched at the same time, and resolved with the same reading of the clock.
    let mut topics: HashMap<String, Bytes> = HashMap::new();
    for (index, result) in Client::from_env()?
        .query_all(&queries)
        .into_iter()
        .enumerate()
    {
        let result = result?;
        print_window(index, &result);
        for series in &result {
            let topic = series.labels().get("metric.topic").unwrap_or("(no topic)");
            let bytes = topics.entry(topic.to_owned()).or_default();
            match index {
                0 => bytes.now = series.sum(),
                _ => bytes.before = series.sum(),
            }
        }
    }

    let mut topics: Vec<_> = topics.into_iter().collect();
    topics.sort_by(|(_, a), (_, b)| (b.now - b.before).total_cmp(&(a.now - a.before)));
    println!("topic                  before        now     growth");
    for (topic, Bytes { before, now }) in topics.iter().take(10) {
        // A topic without traffic before has no percentage.
        let percent = match *before {
            0.0 => "new".to_owned(),
            before => format!("{:+.1} %", (now - before) * 100.0 / before),
        };
        println!(
            "{topic:<16} {:>12} {:>10} {:>10} {percent:>9}",
            megabytes(*before),
            megabytes(*now),
            megabytes(now - before)
        );
    }
    Ok(())
}

fn query(interval: Interval) -> Query {
    let cluster = env::var("CONFLUENT_KAFKA_CLUSTER").unwrap_or_else(|_| "lkc-1".into());
    let metric = "io.confluent.kafka.server/received_bytes";
    Query::new(metric, Granularity::OneHour, interval)
        .filter(Resource::kafka(cluster))
        .group_by(["metric.topic"])
}

fn print_window(index: usize, result: &QueryResult) {
    let name = ["now", "before"][index];
    for (start, end) in result.intervals() {
        println!("{name:<6} {start} to {end}");
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}
