//! Draws the lag of each consumer group of a Kafka cluster: `consumer_lag [interval]`.
//!
//! The interval defaults to the last day. Others are `last/PT6H`, `since/2026-11-26T13:34Z`, or
//! `retained` for everything that the service still has. The API key is read from the environment,
//! as by `Client::from_env`, and the id of the cluster from `CONFLUENT_KAFKA_CLUSTER` (by default
//! `lkc-1`, a cluster of the emulator).

use std::env;
use std::io::{IsTerminal, stderr};

use confluent_metrics::{
    Client, Event, Granularity, Interval, Point, Query, Resource, Series, Timestamp,
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

    let mut builder = Client::builder_from_env()?;
    if stderr().is_terminal() {
        builder = builder.on_event(print_progress);
    }
    let result = builder.build()?.query(&query)?;
    let points = result.series().iter().flat_map(Series::points);
    let times = points.map(|point| point.timestamp);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        println!("No consumer group had any lag.");
        return Ok(());
    };
    println!("group                   latest      peak  messages behind from {first} to {last}");
    for series in &result {
        let group = series.labels().get("metric.consumer_group_id");
        let group = group.unwrap_or("(no group)");
        let latest = series
            .last()
            .filter(|point| last.duration_since(point.timestamp).as_secs() < 600)
            .map_or("gone".into(), |point| format_count(point.value));
        let peak = series.max().unwrap_or_default();
        let chart = sparkline(series.points(), first, last, peak);
        let peak = format_count(peak);
        println!("{group:<20} {latest:>9} {peak:>9}  {chart}");
    }
    Ok(())
}

/// Draws a bar of the windows that are done, on one line of the terminal.
fn print_progress(event: &Event) {
    if let Event::WindowDone { progress, .. } = event {
        let (done, all) = (progress.windows_done(), progress.windows());
        let bar = "█".repeat(30 * done / all);
        let end = if done == all { "\n" } else { "" };
        eprint!("\r{bar:░<30} {progress}{end}");
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
