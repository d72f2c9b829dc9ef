//! Draws the bytes that each topic received in the last day, as an SVG: `chart [file.svg]`.
//!
//! The file defaults to `chart.svg`. A line is interrupted by buckets without data. The API key is
//! read from the environment, as by `Client::from_env`, and the id of the cluster from
//! `CONFLUENT_KAFKA_CLUSTER` (by default `lkc-1`, a cluster of the emulator).

use std::env;
use std::error::Error;

use confluent_metrics::{Client, Granularity, Interval, Query, QueryResult, Resource};
use plotters::prelude::*;

const HOUR: i64 = 3600;
/// More lines than this cannot be told apart.
const MAX_LINES: usize = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).unwrap_or_else(|| "chart.svg".into());
    let cluster = env::var("CONFLUENT_KAFKA_CLUSTER").unwrap_or_else(|_| "lkc-1".into());
    let metric = "io.confluent.kafka.server/received_bytes";
    let query = Query::new(metric, Granularity::FifteenMinutes, Interval::last_days(1))
        .filter(Resource::kafka(&cluster))
        .group_by(["metric.topic"]);
    let result = Client::from_env()?.query(&query)?;
    draw(&result, &cluster, &file)?;
    println!("{file}: {} topics", result.series().len());
    Ok(())
}

/// Draws the topics with the most bytes, one line each.
fn draw(result: &QueryResult, cluster: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let Some((start, end)) = result.intervals().first() else {
        return Err("the window has no complete bucket".into());
    };
    // The legend has its place to the right of the lines.
    let seconds = start.as_second()..end.as_second() + 5 * HOUR;
    let ticks = (start.as_second()..=end.as_second()).filter(|second| second % (3 * HOUR) == 0);
    let mut series: Vec<_> = result.series().iter().collect();
    series.sort_by(|a, b| b.sum().total_cmp(&a.sum()));
    series.truncate(MAX_LINES);
    // The topic with the most bytes is not always the one with the highest bucket.
    let maxima = series.iter().filter_map(|series| series.max());
    let peak = maxima.reduce(f64::max).unwrap_or(1.0);
    let topics = format!("{} of {} topics", series.len(), result.series().len());
    let title = format!("Received by {cluster}, MB in 15 minutes, {topics}");
    let root = SVGBackend::new(file, (800, 400)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(15)
        .x_label_area_size(30)
        .y_label_area_size(45)
        .build_cartesian_2d(
            seconds.with_key_points(ticks.collect()),
            0.0..peak * 1.05 / 1e6,
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(9)
        .x_label_formatter(&|second| time_of_day(*second))
        .x_desc(format!("{start} to {end}"))
        .y_label_formatter(&|megabytes| format!("{megabytes:.0}"))
        .draw()?;
    for (index, series) in series.into_iter().enumerate() {
        let style = Palette99::pick(index).stroke_width(2);
        let points = series.points().iter();
        let points = points.map(|point| (point.timestamp.as_second(), point.value / 1e6));
        let points: Vec<_> = points.collect();
        for run in points.chunk_by(|a, b| b.0 - a.0 == HOUR / 4) {
            let dot = u32::from(run.len() == 1);
            chart.draw_series(LineSeries::new(run.iter().copied(), style).point_size(dot))?;
        }
        let entry = chart.draw_series(LineSeries::new([], style))?;
        entry.label(series.labels().get("metric.topic").unwrap_or("(no topic)"));
        entry.legend(move |(x, y)| PathElement::new([(x, y), (x + 15, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .draw()?;
    root.present()?;
    Ok(())
}

/// Returns the hour and minute of a time in seconds since 1970, such as `09:45`.
fn time_of_day(second: i64) -> String {
    format!("{:02}:{:02}", second / HOUR % 24, second / 60 % 60)
}
