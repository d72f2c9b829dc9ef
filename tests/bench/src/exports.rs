//! The text of an export into samples, against the least that anybody does with it: lines, and one number of each.

use std::fmt::Write;
use std::hint::black_box;

use confluent_metrics::Export;

use crate::decoding::{Target, size, times_of};
use crate::measure::{Contender, measure};
use crate::table::{Table, percent, time, times};

const METRICS: usize = 10;
const TOPICS: usize = 1000;
const PARTITIONS: usize = 6;

/// The table, and what it says of the target.
pub fn run() -> (Table, Target) {
    let text = text();
    let samples = METRICS * TOPICS * PARTITIONS;
    let export = Export::parse(&text).expect("a good export");
    assert_eq!(export.samples().len(), samples);
    assert_eq!(export.samples().iter().map(|sample| sample.value()).sum::<f64>(), by_lines(&text));
    drop(export);
    let contenders = [
        Contender {
            name: "Export::parse",
            run: Box::new(|| drop(black_box(Export::parse(&text).expect("a good export")))),
        },
        Contender {
            name: "lines, and one number of each",
            run: Box::new(|| {
                black_box(by_lines(&text));
            }),
        },
    ];
    let measured = measure(&contenders);
    let mut table = Table::new(&["export", "by", "size", "median", "spread", "to ours"]);
    for (contender, taken) in contenders.iter().zip(&measured) {
        table.row(vec![
            format!("{samples} samples"),
            contender.name.to_owned(),
            size(text.len()),
            time(taken.median()),
            percent(taken.spread()),
            times(times_of(taken) / times_of(&measured[0])),
        ]);
    }
    let ratio = times_of(&measured[0]) / times_of(&measured[1]);
    (table, ("an export, of the time of lines and numbers", ratio, 2.0))
}

/// The sum of the values, which is the last number but one of each line.
fn by_lines(text: &str) -> f64 {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.rsplit(' ').nth(1).expect("a value").parse::<f64>().expect("a number")).sum()
}

/// An export as it was recorded: a comma after the last label, Java's doubles, milliseconds.
fn text() -> String {
    let mut text = String::new();
    for metric in 0..METRICS {
        let name = format!("confluent_kafka_server_metric_{metric}_bytes");
        let _ = write!(text, "# HELP {name} Bytes.\n# TYPE {name} gauge\n");
        for topic in 0..TOPICS {
            for partition in 0..PARTITIONS {
                let value = (metric * 7 + topic * 1_237 + partition * 91) as f64 / 60.0;
                let _ = writeln!(
                    text,
                    "{name}{{kafka_id=\"lkc-1234\",topic=\"orders.eu.events-{topic:04}\",partition=\"{partition}\",}} {value:?} 1736948340000"
                );
            }
        }
        text.push('\n');
    }
    text
}
