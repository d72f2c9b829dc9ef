//! The chart as a process: what the SVG shows of points that the test sets.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use confluent_metrics::{Granularity, Timestamp};
use confluent_metrics_emulator::Emulator;

const METRIC: &str = "io.confluent.kafka.server/received_bytes";
const QUARTER: i64 = 900;

/// A line of a topic in the SVG, without those of the legend.
type Line = Vec<(f64, f64)>;

/// Draws the chart of a cluster, and returns the SVG.
fn draw(emulator: &Emulator, test: &str, cluster: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let authority = folder.join(format!("{test}.pem"));
    let file = folder.join(format!("{test}.svg"));
    fs::write(&authority, emulator.ca_pem()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chart"))
        .arg(&file)
        .env("CONFLUENT_CLOUD_API_KEY", emulator.api_key())
        .env("CONFLUENT_CLOUD_API_SECRET", emulator.api_secret())
        .env("CONFLUENT_METRICS_BASE_URL", emulator.url())
        .env("CONFLUENT_METRICS_CA_FILE", &authority)
        .env("CONFLUENT_KAFKA_CLUSTER", cluster)
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(file).unwrap()
}

/// Returns the lines of the topics, which are two pixels wide, left to right.
fn lines(svg: &str) -> Vec<Line> {
    let lines = svg
        .lines()
        .filter(|line| line.contains("<polyline") && line.contains(r#"stroke-width="2""#));
    let points = lines.map(|line| {
        let (_, rest) = line.split_once(r#"points=""#).unwrap();
        let (points, _) = rest.split_once('"').unwrap();
        let points = points.split_whitespace().map(|point| {
            let (x, y) = point.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        });
        points.collect::<Line>()
    });
    // The lines of the legend are right of the last bucket.
    points.filter(|line| line[0].0 < 640.0).collect()
}

#[test]
fn gaps_interrupt_a_line_and_the_highest_bucket_is_inside() {
    let emulator = Emulator::builder().kafka_cluster("lkc-gaps").start();
    let labels = [
        ("resource.kafka.id", "lkc-gaps"),
        ("metric.topic", "with-gaps"),
    ];
    let now = Granularity::FifteenMinutes.floor(Timestamp::now());
    // Quarters of an hour before now without data. The 41st is alone.
    let gaps = [20, 21, 22, 40, 42];
    for quarter in (1..110).filter(|quarter| !gaps.contains(quarter)) {
        // The other topics of the cluster are far below the highest bucket.
        let value = if quarter == 60 { 9e12 } else { 6e12 };
        emulator.put(METRIC, &labels, now.as_second() - quarter * QUARTER, value);
    }
    let svg = draw(&emulator, "gaps", "lkc-gaps");
    assert!(svg.contains("MB in 15 minutes, 6 of 13 topics"), "{svg}");

    // The topic with the most bytes is the first. Its lines are high above all others.
    let high: Vec<Line> = lines(&svg)
        .into_iter()
        .filter(|line| line.iter().all(|(_, y)| *y < 200.0))
        .collect();
    let lengths: Vec<usize> = high.iter().map(Vec::len).collect();
    assert_eq!(lengths.len(), 4, "{lengths:?}");
    assert_eq!(lengths[1..3], [1, 17], "{lengths:?}");
    let highest = high.iter().flatten().map(|(_, y)| *y);
    // The area of the lines begins 41 pixels below the top.
    let highest = highest.reduce(f64::min).unwrap();
    assert!((42.0..80.0).contains(&highest), "{highest}");
    assert!(svg.contains("<circle"), "a bucket alone is a dot");
}

#[test]
fn a_cluster_without_data_is_an_empty_chart() {
    let emulator = Emulator::builder().demo(false).start();
    let labels = [("resource.kafka.id", "lkc-new"), ("metric.topic", "old")];
    // Eight days ago: the service has deleted it.
    let time = Timestamp::now().as_second() / 60 * 60 - 8 * 86_400;
    emulator.put(METRIC, &labels, time, 1.0);
    let svg = draw(&emulator, "empty", "lkc-new");
    assert!(svg.contains("0 of 0 topics"), "{svg}");
    assert_eq!(lines(&svg), Vec::<Line>::new());
}
