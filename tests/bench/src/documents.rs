//! Generated query responses in the format of the service: points in ascending order, values
//! printed like Java doubles.

use std::fmt::Write;

use confluent_metrics::Timestamp;

/// 2026-01-01T00:00:00Z, in seconds since 1970.
const START: i64 = 1_767_225_600;

/// The two forms of a response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    Flat,
    Grouped,
}

/// The form of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// Every other group has whole numbers, the rest averages.
    Mixed,
    /// Counts, such as `1574.0`.
    Whole,
    /// Averages with all 17 digits, such as `29.316666666666666`.
    Long,
}

/// The size and the content of a response.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub format: Format,
    pub values: Values,
    pub groups: usize,
    /// Points of each group, one a minute.
    pub points: usize,
    /// Labels of each group, the topic among them.
    pub labels: usize,
}

impl Shape {
    pub fn all_points(&self) -> usize {
        self.groups * self.points
    }

    pub fn name(&self) -> String {
        let format = match self.format {
            Format::Flat => "FLAT",
            Format::Grouped => "GROUPED",
        };
        let values = match self.values {
            Values::Mixed => "mixed",
            Values::Whole => "whole numbers",
            Values::Long => "17 digits",
        };
        let labels = match self.labels {
            1 => String::new(),
            0 => ", no label".to_owned(),
            labels => format!(", {labels} labels"),
        };
        format!(
            "{format}, {} x {}, {values}{labels}",
            self.groups, self.points
        )
    }

    /// The bytes of the response; the same for the same shape.
    pub fn bytes(&self) -> Vec<u8> {
        let mut random = Random::new();
        let mut out = String::from(r#"{"data":["#);
        match self.format {
            Format::Flat => self.flat(&mut out, &mut random),
            Format::Grouped => self.grouped(&mut out, &mut random),
        }
        // Every row has left a comma behind.
        out.pop();
        out.push_str("]}");
        out.into_bytes()
    }

    /// Row after row by time, and the groups in the same order each time.
    fn flat(&self, out: &mut String, random: &mut Random) {
        for minute in 0..self.points {
            for group in 0..self.groups {
                out.push('{');
                self.point(out, random, group, minute);
                self.labels(out, ",", group);
                out.push_str("},");
            }
        }
    }

    fn grouped(&self, out: &mut String, random: &mut Random) {
        for group in 0..self.groups {
            out.push('{');
            self.labels(out, "", group);
            out.push_str(if self.labels == 0 {
                r#""points":["#
            } else {
                r#","points":["#
            });
            for minute in 0..self.points {
                out.push('{');
                self.point(out, random, group, minute);
                out.push_str("},");
            }
            out.pop();
            out.push_str("]},");
        }
    }

    fn labels(&self, out: &mut String, comma: &str, group: usize) {
        if self.labels > 0 {
            let _ = write!(out, r#"{comma}"metric.topic":"{}""#, topic(group));
        }
        for label in 1..self.labels {
            let _ = write!(
                out,
                r#","metric.label_{label}":"value-{}""#,
                group % (label + 1)
            );
        }
    }

    fn point(&self, out: &mut String, random: &mut Random, group: usize, minute: usize) {
        let second = START + 60 * minute as i64;
        let time = Timestamp::from_second(second).expect("a time in this century");
        let _ = write!(out, r#""timestamp":"{time}","value":"#);
        let whole = match self.values {
            Values::Mixed => group % 2 == 0,
            Values::Whole => true,
            Values::Long => false,
        };
        java_double(
            out,
            if whole {
                random.whole()
            } else {
                random.average()
            },
        );
    }
}

fn topic(group: usize) -> String {
    const NAMES: [&str; 4] = ["orders.eu", "clicks.us", "stocks.jp", "alerts.br"];
    format!("{}.events-{group:04}", NAMES[group % NAMES.len()])
}

/// A number as Java's `Double.toString` prints it.
pub fn java_double(out: &mut String, value: f64) {
    let _ = match value {
        0.0 => write!(out, "0.0"),
        _ if (1e-3..1e7).contains(&value.abs()) => write!(out, "{value:?}"),
        _ => {
            let text = format!("{value:e}");
            let (digits, exponent) = text.split_once('e').expect("scientific notation has an e");
            let fraction = if digits.contains('.') { "" } else { ".0" };
            write!(out, "{digits}{fraction}E{exponent}")
        }
    };
}

/// Marsaglia's xorshift: the same numbers in each run, without a dependency.
pub struct Random(u64);

impl Random {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A count: some are zero, most have up to 7 digits, some are large enough for an exponent.
    pub fn whole(&mut self) -> f64 {
        let bits = self.next();
        let most =
            [1, 1_000, 100_000, 10_000_000, 10_000_000, 1_000_000_000_000][(bits % 6) as usize];
        ((bits >> 8) % most) as f64
    }

    /// An average over 60 readings: most of those need all 17 digits.
    pub fn average(&mut self) -> f64 {
        (self.next() % 1_000_000) as f64 / 60.0
    }
}
