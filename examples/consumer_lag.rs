//! Draws the lag of each consumer group of a Kafka cluster: `consumer_lag [interval]`.
//!
//! The interval defaults to the last day. Others are `last/PT6H`, `since/2026-11-26T13:34Z`, or
//! `retained` for everything that the service still has. The API key is read from the environment,
//! as by `Client::from_env`, and the id of the cluster from `CONFLUENT_KAFKA_CLUSTER` (by default
//! `lkc-1`, a cluster of the emulator).

use std::collections::BTreeMap;
use std::env;
use std::io::{IsTerminal, stderr};

use confluent_metrics::{
    Client, Granularity, Interval, Point, Progress, Query, Resource, Timestamp,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let interval = match env::args().nth(1) {
        Some(text) => text.parse()?,
        None => Interval::last_days(1),
    };
    let cluster = env::var("CONFLUENT_KAFKA_CLUSTER").unwrap_or_else(|_| "lkc-1".into());
    let metric = "io.confluent.kafka.server/consumer_lag_offsets";
    let query = Query::new(metric, Granularity::OneMinute, interval)
        .filter(Resource::kafka(cluster))
        .group_by(["metric.consumer_group_id"]);

    let mut groups: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for page in Client::from_env()?.query_pages(&query) {
        let page = page?;
        print_progress(page.progress());
        for series in page {
            let group = series.labels().get("metric.consumer_group_id");
            let points = groups.entry(group.unwrap_or("(no group)").to_owned());
            points.or_default().extend(series.points());
        }
    }
    let times = groups.values().flatten().map(|point| point.timestamp);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        println!("No consumer group had any lag.");
        return Ok(());
    };
    println!("group                   latest      peak  messages behind from {first} to {last}");
    for (group, points) in &groups {
        let latest = points
            .last()
            .filter(|point| last.duration_since(point.timestamp).as_secs() < 600)
            .map_or("gone".into(), |point| format_count(point.value));
        let peak = points.iter().map(|point| point.value).fold(0.0, f64::max);
        let chart = sparkline(points, first, last, peak);
        let peak = format_count(peak);
        println!("{group:<20} {latest:>9} {peak:>9}  {chart}");
    }
    Ok(())
}

/// Prints the progress of a long query to a terminal, on one line.
fn print_progress(progress: Progress) {
    let done = progress.windows_done();
    let windows = progress.windows();
    if stderr().is_terminal() {
        let end = if done == windows { "\n" } else { "" };
        eprint!(
            "\r{done} of {windows} windows, {} points{end}",
            progress.points()
        );
    }
}

/// Draws the highest lag in each of 48 parts of the time. A part without a point is blank.
fn sparkline(points: &[Point], first: Timestamp, last: Timestamp, peak: f64) -> String {
    let part_seconds = last.duration_since(first).as_secs() / 48 + 1;
    let mut bars = [' '; 48];
    for point in points {
        let part = point.timestamp.duration_since(first).as_secs() / part_seconds;
        let eighth = (point.value / peak.max(1.0) * 7.0).round() as usize;
        let bar = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][eighth];
        // A higher bar is a greater `char`.
        bars[part as usize] = bar.max(bars[part as usize]);
    }
    bars.iter().collect()
}

fn format_count(count: f64) -> String {
    match count {
        n if n < 1e3 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.1} k", n / 1e3),
        n => format!("{:.1} M", n / 1e6),
    }
}
