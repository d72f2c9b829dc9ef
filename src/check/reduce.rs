//! The functions that reduce the points of a series to the value that is checked.
//!
//! ```text
//! points   3 -1 8 of one minute each
//! last 8   min -1   max 8   mean 3.33   sum 10   rate 0.056
//! ```

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::model::series::Point;

/// The function that turns the points of a series into the one value that is checked.
///
/// It takes every point of the window whose bucket is complete. A value at or below -4.6E18 means
/// that a watermark is not set: it is missing if it is the last one, and the other functions skip
/// it. With [`Last`](Self::Last), a [null](crate::Series::newest_null) after the last point is
/// missing too.
///
/// ```
/// use confluent_metrics::check::Reduce;
///
/// let reduce: Reduce = "max".parse()?;
/// assert_eq!(reduce, Reduce::Max);
/// assert_eq!(reduce.to_string(), "max");
/// let names: Vec<_> = Reduce::VARIANTS.iter().map(|reduce| reduce.as_str()).collect();
/// assert_eq!(names.join(", "), "last, min, max, mean, sum, rate");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[doc(alias = "aggregation")]
pub enum Reduce {
    /// The last value.
    #[default]
    Last,
    /// The minimum.
    Min,
    /// The maximum.
    Max,
    /// The mean of the points. Buckets without a point do not count.
    Mean,
    /// The sum.
    Sum,
    /// The sum divided by the seconds that the complete buckets of the window cover. For counters.
    ///
    /// A bucket without a point adds nothing to the sum and its width to the seconds, because a
    /// counter without data did not change. With [`Granularity::All`](crate::Granularity::All) the
    /// seconds are those of all minutes that start in the intervals.
    Rate,
}

impl Reduce {
    /// All variants, in the order of this documentation.
    pub const VARIANTS: &'static [Self] = &[
        Self::Last,
        Self::Min,
        Self::Max,
        Self::Mean,
        Self::Sum,
        Self::Rate,
    ];

    /// Returns the name that [`FromStr`] accepts: `last`, `min`, `max`, `mean`, `sum` or `rate`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Rate => "rate",
        }
    }

    /// Returns what the value is called in a sentence.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Last => "the last value",
            Self::Min => "the minimum",
            Self::Max => "the maximum",
            Self::Mean => "the mean",
            Self::Sum => "the sum",
            Self::Rate => "the rate per second",
        }
    }

    /// Returns what the values of two queries are called in a sentence.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Last => "the last values",
            Self::Min => "the minimums",
            Self::Max => "the maximums",
            Self::Mean => "the means",
            Self::Sum => "the sums",
            Self::Rate => "the rates per second",
        }
    }

    /// Reduces points, in order of time, whose buckets cover `seconds`.
    ///
    /// Returns the value with the time of its point. A value made of all points has the time of the
    /// last one. A sum that exceeds `f64` is infinite.
    pub(crate) fn apply(self, points: &[Point], seconds: f64) -> Option<Point> {
        let last = *points.last()?;
        let sum: f64 = points.iter().map(|point| point.value).sum();
        let value = match self {
            Self::Last => return Some(last),
            // Of equal values the latest counts: `min_by` returns the first, `max_by` the last.
            Self::Min => {
                return points
                    .iter()
                    .rev()
                    .min_by(|a, b| a.value.total_cmp(&b.value))
                    .copied();
            }
            Self::Max => {
                return points
                    .iter()
                    .max_by(|a, b| a.value.total_cmp(&b.value))
                    .copied();
            }
            Self::Mean => sum / points.len() as f64,
            Self::Sum => sum,
            Self::Rate => sum / seconds,
        };
        Some(Point { value, ..last })
    }
}

impl fmt::Display for Reduce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reduce {
    type Err = Error;

    /// Parses `last`, `min`, `max`, `mean`, `sum` or `rate`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("reduction", Self::VARIANTS, Self::as_str, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::timestamp::Timestamp;

    fn reduced(reduce: Reduce, values: &[f64], seconds: f64) -> Option<(f64, i64)> {
        let points = values.iter().zip(0..).map(|(value, second)| Point {
            timestamp: Timestamp::from_second(second).unwrap(),
            value: *value,
        });
        let point = reduce.apply(&points.collect::<Vec<_>>(), seconds)?;
        Some((point.value, point.timestamp.as_second()))
    }

    #[test]
    fn each_function_returns_a_value_and_its_time() {
        let values = [3.0, -1.0, 8.0, -1.0, 8.0, 1.0];
        for (reduce, expected) in [
            (Reduce::Last, (1.0, 5)),
            (Reduce::Min, (-1.0, 3)),
            (Reduce::Max, (8.0, 4)),
            (Reduce::Mean, (3.0, 5)),
            (Reduce::Sum, (18.0, 5)),
            (Reduce::Rate, (0.05, 5)),
        ] {
            assert_eq!(
                reduced(reduce, &values, 360.0),
                Some(expected),
                "{reduce}: the latest of equal ones"
            );
            assert_eq!(reduced(reduce, &[], 360.0), None);
        }
    }

    #[test]
    fn a_value_that_exceeds_f64_is_infinite() {
        for reduce in [Reduce::Mean, Reduce::Sum, Reduce::Rate] {
            assert_eq!(
                reduced(reduce, &[f64::MAX, f64::MAX], 120.0).unwrap().0,
                f64::INFINITY,
                "{reduce}"
            );
        }
    }

    #[test]
    fn names_are_parsed() {
        for &reduce in Reduce::VARIANTS {
            assert_eq!(reduce.to_string().parse::<Reduce>().unwrap(), reduce);
        }
        assert_eq!(
            "avg".parse::<Reduce>().unwrap_err().to_string(),
            "invalid reduction \"avg\": expected one of last, min, max, mean, sum, rate"
        );
    }
}
