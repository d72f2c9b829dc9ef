//! Aggregation over time: the points of one series in the buckets of a query.

use crate::catalogue::OverTime;
use crate::format::rfc3339::{self, MINUTE};
use crate::request::query::{Granularity, Query};
use crate::store::{Series, Visible};

/// The buckets of a query, and the minutes of each.
#[derive(Debug)]
pub(crate) struct Buckets {
    /// The requested minutes, in order and without overlap.
    ranges: Vec<(i64, i64)>,
    granularity: Granularity,
    /// The timestamp of the bucket of ALL.
    all_timestamp: i64,
    over_time: OverTime,
    visible: Visible,
}

impl Buckets {
    pub(crate) fn new(query: &Query, visible: Visible) -> Self {
        // A bucket belongs to an interval if it starts inside, and then with all of its minutes.
        let width = match query.granularity {
            Granularity::Width(width) => width,
            Granularity::All => MINUTE,
        };
        let starts = query.intervals.iter().map(|interval| {
            (
                rfc3339::ceil(interval.start, width),
                rfc3339::ceil(interval.end, width),
            )
        });
        Self {
            ranges: merge_ranges(starts.collect()),
            granularity: query.granularity,
            all_timestamp: query.intervals.first().map_or(0, |interval| interval.start),
            over_time: query.metric.over_time,
            visible,
        }
    }

    /// Returns one value for each bucket with a point of the series, in order of time.
    pub(crate) fn aggregate(&self, series: &Series) -> Vec<(i64, Option<f64>)> {
        let mut aggregated = Vec::new();
        let mut current: Option<(i64, Bucket)> = None;
        for (from, to) in &self.ranges {
            for (minute, value) in series.points(*from, *to, self.visible) {
                let start = match self.granularity {
                    Granularity::Width(width) => rfc3339::floor(minute, width),
                    Granularity::All => self.all_timestamp,
                };
                match &mut current {
                    Some((open, bucket)) if *open == start => bucket.add(value),
                    _ => {
                        let mut bucket = Bucket::default();
                        bucket.add(value);
                        let previous = current.replace((start, bucket));
                        aggregated.extend(
                            previous.map(|(start, bucket)| (start, bucket.value(self.over_time))),
                        );
                    }
                }
            }
        }
        aggregated.extend(current.map(|(start, bucket)| (start, bucket.value(self.over_time))));
        aggregated
    }
}

/// The aggregates of one bucket of one series.
#[derive(Debug, Default)]
struct Bucket {
    sum: f64,
    max: Option<f64>,
    count: u32,
}

impl Bucket {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.max = Some(self.max.map_or(value, |max| max.max(value)));
            self.count += 1;
        }
    }

    fn value(&self, over_time: OverTime) -> Option<f64> {
        match over_time {
            _ if self.count == 0 => None,
            OverTime::Sum => Some(self.sum),
            OverTime::Average => Some(self.sum / f64::from(self.count)),
            OverTime::Max => self.max,
        }
    }
}

/// Sorts ranges and merges those that overlap, so that every bucket occurs once.
fn merge_ranges(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (start, end) in ranges.into_iter().filter(|(start, end)| start < end) {
        match merged.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => merged.push((start, end)),
        }
    }
    merged
}
