//! The points of the emulators, and the results that follow from them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use confluent_metrics::{Series, Timestamp};
use confluent_metrics_emulator::Emulator;

pub(crate) const SENT: &str = "io.confluent.kafka.server/sent_bytes";
pub(crate) const CLUSTER: &str = "lkc-1";
pub(crate) const TOPIC: &str = "metric.topic";
/// The age of a bucket that has all of its points.
const LATENCY: i64 = 180;
const TOPICS: i64 = 25;
const HOUR: i64 = 3600;

/// Points by topic and start of the bucket, in seconds since 1970.
///
/// The topic is empty if the points are not grouped.
pub(crate) type Points = BTreeMap<String, BTreeMap<i64, f64>>;

/// A start and an end, in seconds since 1970.
pub(crate) type Span = (i64, i64);

/// The raw points of an emulator, which are those of every emulator.
#[derive(PartialEq)]
pub(crate) struct Truth {
    points: Points,
    /// An hour with a point in every minute.
    pub(crate) hour: Span,
    /// Eighteen hours with points at the borders of each hour, which three windows cover.
    pub(crate) day: Span,
}

/// The seconds since 1970, by the clock of this machine.
pub(crate) fn now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_epoch.as_secs()).unwrap()
}

/// Puts points into an emulator, up to the end of a soak of some seconds.
pub(crate) fn put_points(emulator: &Emulator, now: i64, seconds: i64) {
    let hour = now / HOUR * HOUR;
    let sparse = (hour - 20 * HOUR..hour - 2 * HOUR).step_by(60);
    let sparse = sparse.filter(|time| [0, 7 * 60, 59 * 60].contains(&(time % HOUR)));
    let dense = (hour - 2 * HOUR..now + seconds + HOUR).step_by(60);
    let times: Vec<i64> = sparse.chain(dense).collect();
    for topic in 0..TOPICS {
        let name = format!("t{topic:02}");
        let labels = [("resource.kafka.id", CLUSTER), (TOPIC, name.as_str())];
        for time in &times {
            // Whole numbers, so that sums are exact in any order.
            let value = topic * 1_000 + time / 60 % 1_000;
            emulator.put(SENT, &labels, *time, value as f64);
        }
    }
}

impl Truth {
    /// Reads the points of an emulator.
    pub(crate) fn read(emulator: &Emulator, now: i64, seconds: i64) -> Self {
        let hour = now / HOUR * HOUR;
        let mut points = Points::new();
        let from = hour - 20 * HOUR;
        for point in emulator.raw_points(SENT, from, now + seconds + HOUR) {
            let (_, topic) = point.labels.iter().find(|(name, _)| name == TOPIC).unwrap();
            let series = points.entry(topic.clone()).or_default();
            series.insert(point.minute, point.value);
        }
        Self {
            points,
            hour: (hour - 2 * HOUR, hour - HOUR),
            day: (hour - 20 * HOUR, hour - 2 * HOUR),
        }
    }

    /// Returns the topics.
    pub(crate) fn topics(&self) -> Vec<&str> {
        self.points.keys().map(String::as_str).collect()
    }

    /// Returns the point of a topic in a minute.
    pub(crate) fn value(&self, topic: &str, minute: i64) -> Option<f64> {
        self.points.get(topic)?.get(&minute).copied()
    }

    /// Returns the points of all topics in a span, by the minute.
    pub(crate) fn by_topic(&self, (start, end): Span) -> Points {
        let mut points = Points::new();
        for (topic, series) in &self.points {
            let inside = series.range(start..end);
            let inside = inside.map(|(time, value)| (*time, *value)).collect();
            points.insert(topic.clone(), inside);
        }
        points
    }

    /// Returns the sums over all topics in a span, in buckets of some seconds.
    pub(crate) fn total(&self, (start, end): Span, bucket: i64) -> Points {
        let mut sums = BTreeMap::new();
        for series in self.points.values() {
            for (time, value) in series.range(start..end) {
                *sums.entry(time / bucket * bucket).or_insert(0.0) += value;
            }
        }
        Points::from([(String::new(), sums)])
    }
}

/// Adds series of a result.
///
/// # Errors
///
/// The problem, if a point is there already.
pub(crate) fn add_series(points: &mut Points, series: &[Series]) -> Result<(), String> {
    for series in series {
        let topic = series.labels().get(TOPIC).unwrap_or_default();
        let own = points.entry(topic.to_owned()).or_default();
        for point in series.points() {
            let time = point.timestamp.as_second();
            if own.insert(time, point.value).is_some() {
                return Err(format!("duplicate point of {topic:?} at {time}"));
            }
        }
    }
    Ok(())
}

/// Returns if a span is that of the last minutes, of a call between two readings of the clock.
pub(crate) fn is_latest((start, end): Span, minutes: i64, before: i64, after: i64) -> bool {
    let earliest = (before - LATENCY) / 60 * 60;
    let latest = (after - LATENCY) / 60 * 60;
    end % 60 == 0 && (earliest..=latest).contains(&end) && start == end - minutes * 60
}

/// Returns a span of two timestamps in seconds.
pub(crate) fn span((start, end): (Timestamp, Timestamp)) -> Span {
    (start.as_second(), end.as_second())
}
