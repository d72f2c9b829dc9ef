//! Parsing an export into samples, compared with splitting lines and parsing one number of each.

use std::collections::HashMap;
use std::fmt::Write;
use std::hint::black_box;

use confluent_metrics::Export;
use confluent_metrics_bench::documents::{Random, java_double};

use crate::decoding::{Target, size, times_of};
use crate::measure::{Contender, measure};
use crate::table::{Table, percent, time, times};

const OURS: &str = "Export::parse";
const FLOOR: &str = "split lines, parse one number";
const PLAIN: &str = "HashMap of labels per line";

/// The most samples that the service returns for one metric.
const SAMPLES: usize = 60_000;

/// The order of the samples.
#[derive(Clone, Copy)]
enum Order {
    /// By cluster, topic and partition.
    Sorted,
    /// The same with numbers that are not padded, which sort otherwise as text.
    Counted,
    /// Topics as they come out of a hash map.
    Scattered,
    /// A hundred metrics, and so a hundred families.
    Families,
    /// Ten metrics in the form that was recorded: a comma after the last label, milliseconds, empty
    /// lines.
    Recorded,
}

const SHAPES: [(&str, Order, bool); 7] = [
    ("one metric, sorted, integers", Order::Sorted, true),
    ("one metric, sorted, averages", Order::Sorted, false),
    (
        "one metric, unpadded numbers, integers",
        Order::Counted,
        true,
    ),
    ("one metric, scattered, integers", Order::Scattered, true),
    ("one metric, scattered, averages", Order::Scattered, false),
    ("100 metrics, integers", Order::Families, true),
    ("10 metrics, as recorded, averages", Order::Recorded, false),
];

/// Returns the table and the target.
pub fn run() -> (Table, Target) {
    let head = [
        "60,000 samples",
        "parser",
        "size",
        "median",
        "spread",
        "ratio to splitting",
        "per sample",
        "MB/s",
    ];
    let mut table = Table::new(&head);
    let mut worst: f64 = 0.0;
    for (name, order, is_whole) in SHAPES {
        let text = text(order, is_whole);
        check(&text);
        worst = worst.max(add(&mut table, name, &text));
    }
    (
        table,
        (
            "export, time relative to splitting lines and parsing numbers",
            worst,
            4.0,
        ),
    )
}

fn add(table: &mut Table, name: &str, text: &str) -> f64 {
    let contenders = [
        Contender {
            name: OURS,
            run: Box::new(|| drop(black_box(Export::parse(text).expect("an export")))),
        },
        Contender {
            name: FLOOR,
            run: Box::new(|| assert!(black_box(floor(text)) > 0.0)),
        },
        Contender {
            name: PLAIN,
            run: Box::new(|| drop(black_box(plain(text)))),
        },
    ];
    let measured = measure(&contenders);
    let floor = times_of(&measured[1]);
    for (contender, taken) in contenders.iter().zip(&measured) {
        let median = times_of(taken);
        table.row(vec![
            name.to_owned(),
            contender.name.to_owned(),
            size(text.len()),
            time(taken.median()),
            percent(taken.spread()),
            times(median / floor),
            format!("{:.0} ns", median * 1e9 / SAMPLES as f64),
            format!("{:.0}", text.len() as f64 / median / 1e6),
        ]);
    }
    times_of(&measured[0]) / floor
}

/// Compares our samples with those of the straightforward parser.
fn check(text: &str) {
    let export = Export::parse(text).expect("an export");
    let plain = plain(text);
    assert_eq!((export.samples().len(), plain.len()), (SAMPLES, SAMPLES));
    for (sample, plain) in export.samples().iter().zip(&plain) {
        let at = sample
            .timestamp()
            .map(confluent_metrics::Timestamp::as_second);
        assert_eq!(
            (sample.name(), sample.value().to_bits(), at),
            (&*plain.name, plain.value.to_bits(), Some(plain.time))
        );
        let labels = sample.labels();
        assert!(labels.len() == plain.labels.len());
        assert!(
            labels
                .iter()
                .all(|(name, value)| plain.labels.get(name).is_some_and(|own| own == value))
        );
    }
}

/// An export in OpenMetrics, or as it was recorded; numbers as the service prints them.
fn text(order: Order, is_whole: bool) -> String {
    let mut random = Random::new();
    let mut text = String::new();
    let is_recorded = matches!(order, Order::Recorded);
    let (end, time) = if is_recorded {
        (",} ", " 1767268620000\n")
    } else {
        ("} ", " 1767268620.000\n")
    };
    for sample in 0..SAMPLES {
        let one = "received_bytes".to_owned();
        let (metric, topic, partition, family) = match order {
            Order::Sorted => (
                one,
                format!("orders.eu.events-{:04}", sample / 12),
                sample % 12,
                SAMPLES,
            ),
            Order::Counted => (one, format!("topic-{}", sample / 12), sample % 12, SAMPLES),
            Order::Scattered => (
                one,
                format!("orders.eu.events-{:04}", sample * 7919 % 5000),
                sample / 5000,
                SAMPLES,
            ),
            Order::Families => (
                format!("metric_{}", sample / 600),
                format!("topic-{}", sample % 600),
                0,
                600,
            ),
            Order::Recorded => {
                let topic = format!("orders.eu.events-{:04}", sample % 6000 / 6);
                (format!("metric_{}", sample / 6000), topic, sample % 6, 6000)
            }
        };
        let name = format!("confluent_kafka_server_{metric}");
        if sample % family == 0 {
            let blank = if is_recorded { "\n" } else { "" };
            let _ = write!(
                text,
                "{blank}# HELP {name} What is measured.\n# TYPE {name} gauge\n"
            );
        }
        let _ = write!(
            text,
            "{name}{{kafka_id=\"lkc-1\",topic=\"{topic}\",partition=\"{partition}\"{end}"
        );
        java_double(
            &mut text,
            if is_whole {
                random.whole()
            } else {
                random.average()
            },
        );
        text.push_str(time);
    }
    if !is_recorded {
        text.push_str("# EOF\n");
    }
    text
}

fn floor(text: &str) -> f64 {
    let number = |line: &str| line.split(' ').nth(1)?.parse::<f64>().ok();
    text.lines().filter_map(number).sum()
}

struct Plain {
    name: String,
    labels: HashMap<String, String>,
    value: f64,
    time: i64,
}

/// A straightforward parser, for text without escapes.
fn plain(text: &str) -> Vec<Plain> {
    let sample = |line: &str| {
        let (name, rest) = line.split_once('{')?;
        let (labels, rest) = rest.split_once("} ")?;
        let (value, time) = rest.split_once(' ')?;
        let label = |label: &str| {
            let (name, value) = label.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('"').to_owned()))
        };
        Some(Plain {
            name: name.to_owned(),
            labels: labels.split(',').filter_map(label).collect(),
            value: value.parse().ok()?,
            time: seconds(time.parse().ok()?),
        })
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
        .collect()
}

/// Of a time in seconds or, where it is of the form that was recorded, in milliseconds.
fn seconds(time: f64) -> i64 {
    (if time < 1e11 { time } else { time / 1000.0 }) as i64
}
