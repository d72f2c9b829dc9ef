//! How far each consumer group has been behind: `consumer_lag [interval]`, over the last day unless told otherwise.
//! An interval is `last/PT6H`, `retained` for all that the service still has, or `since/2026-11-26T13:34Z`.
//!
//! Takes the key from the environment, as `Client::from_env` does, and the cluster's id from `CONFLUENT_KAFKA_CLUSTER`
//! (`lkc-1`, the emulator's, unless set). On a terminal a bar shows how much of a long range has come.

use std::collections::BTreeMap;
use std::env;
use std::io::{IsTerminal, stderr};

use confluent_metrics::{
    Client, Granularity, Interval, Point, Progress, Query, Resource, Timestamp,
};

const COLUMNS: usize = 48;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let interval = env::args()
        .nth(1)
        .map_or(Ok(Interval::last_days(1)), |text| text.parse())?;
    let cluster = env::var("CONFLUENT_KAFKA_CLUSTER").unwrap_or_else(|_| "lkc-1".into());
    let metric = "io.confluent.kafka.server/consumer_lag_offsets";
    let query = Query::new(metric, Granularity::OneMinute, interval)
        .filter(Resource::kafka(cluster))
        .group_by(["metric.consumer_group_id"]);

    let mut groups: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for page in Client::from_env()?.query_pages(&query) {
        let page = page?;
        draw(page.progress());
        for series in page {
            let group = series
                .labels()
                .get("metric.consumer_group_id")
                .unwrap_or("(no group)");
            groups
                .entry(group.to_owned())
                .or_default()
                .extend(series.points());
        }
    }
    let times = groups.values().flatten().map(|point| point.timestamp);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        println!("No consumer group had any lag to tell of.");
        return Ok(());
    };
    println!(
        "{:<20} {:>9} {:>9}  messages behind from {first} to {last}",
        "group", "newest", "peak"
    );
    for (group, points) in &groups {
        let newest = points
            .last()
            .filter(|point| last.duration_since(point.timestamp).as_secs() < 600);
        let newest = newest.map_or("gone".into(), |point| count(point.value));
        let peak = points.iter().map(|point| point.value).fold(0.0, f64::max);
        println!(
            "{group:<20} {newest:>9} {:>9}  {}",
            count(peak),
            bars(points, first, last, peak)
        );
    }
    Ok(())
}

/// A bar of the windows that are done, over itself again and again.
fn draw(progress: Progress) {
    let (done, all) = (progress.windows_done(), progress.windows());
    let filled = COLUMNS * done / all.max(1);
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(COLUMNS - filled));
    let end = if done == all { "\r\x1b[K" } else { "" };
    if stderr().is_terminal() {
        eprint!(
            "\r{bar} {done} of {all} windows, {} points {end}",
            count(progress.points() as f64)
        );
    }
}

/// The greatest lag in each column's share of the time, as a share of the peak; a gap where there was no point.
fn bars(points: &[Point], first: Timestamp, last: Timestamp, peak: f64) -> String {
    let mut columns = [None; COLUMNS];
    for point in points {
        let after = |at: Timestamp| at.duration_since(first).as_secs_f64();
        let column =
            &mut columns[(after(point.timestamp) / (after(last) + 60.0) * COLUMNS as f64) as usize];
        *column = Some(f64::max(column.unwrap_or(0.0), point.value));
    }
    let bar = |lag: f64| {
        ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'][(lag / peak.max(1.0) * 7.0).round() as usize]
    };
    columns.iter().map(|lag| lag.map_or(' ', bar)).collect()
}

fn count(number: f64) -> String {
    match number {
        n if n < 1e3 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.1} k", n / 1e3),
        n => format!("{:.1} M", n / 1e6),
    }
}
