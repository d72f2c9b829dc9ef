use std::fmt;
use std::str::FromStr;

use crate::check::format::humanize::parse_choice;
use crate::error::Error;
use crate::model::series::Point;

/// How the points of a series become the one number that is judged.
///
/// What is reduced is every point of the window whose bucket is settled. The mark of a watermark that is not set, any value
/// at or below -4.6E18, is no value: as the newest one of [`Last`](Self::Last) it is missing, and the others leave it out.
/// A null [newer](crate::Series::newest_null) than every point is missing with [`Last`](Self::Last) too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reduce {
    /// The newest value.
    #[default]
    Last,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The mean of the values: of the points that there are, each counting once.
    Mean,
    /// The sum of the values.
    Sum,
    /// For counters: the sum of the values, divided by the seconds that the window's settled buckets cover.
    ///
    /// A bucket without a point adds nothing to the sum and its whole width to the seconds: of a counter it says that
    /// nothing happened. With [`Granularity::All`](crate::Granularity::All) the seconds are those of all minutes that
    /// start in the intervals.
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

    /// The name in a report and on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Rate => "rate",
        }
    }

    /// What its number is called in a sentence.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Last => "the last value",
            Self::Min => "the least value",
            Self::Max => "the greatest value",
            Self::Mean => "the mean",
            Self::Sum => "the sum",
            Self::Rate => "the rate per second",
        }
    }

    /// The number and the point that it is from: the newest one where all of them make it. `points` are in order of
    /// time, and `seconds` what their buckets cover.
    ///
    /// A sum beyond what an `f64` can hold is infinite.
    pub(crate) fn apply(self, points: &[Point], seconds: f64) -> Option<Point> {
        let newest = *points.last()?;
        let sum = points.iter().map(|point| point.value).sum::<f64>();
        let of_all = |value| Some(Point { value, ..newest });
        match self {
            Self::Last => Some(newest),
            Self::Min => points
                .iter()
                .rev()
                .min_by(|a, b| a.value.total_cmp(&b.value))
                .copied(),
            Self::Max => points
                .iter()
                .max_by(|a, b| a.value.total_cmp(&b.value))
                .copied(),
            Self::Mean => of_all(sum / points.len() as f64),
            Self::Sum => of_all(sum),
            Self::Rate => of_all(sum / seconds),
        }
    }
}

impl fmt::Display for Reduce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reduce {
    type Err = Error;

    /// Reads `last`, `min`, `max`, `mean`, `sum` or `rate`.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_choice("reduction", Self::VARIANTS, |reduce| reduce.as_str(), text)
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
    fn the_number_and_its_point() {
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
                "{reduce}: the newest of equal ones"
            );
            assert_eq!(reduced(reduce, &[], 360.0), None);
        }
    }

    #[test]
    fn what_is_too_large_is_infinite_and_not_wrong() {
        for reduce in [Reduce::Mean, Reduce::Sum, Reduce::Rate] {
            assert_eq!(
                reduced(reduce, &[f64::MAX, f64::MAX], 120.0).unwrap().0,
                f64::INFINITY,
                "{reduce}"
            );
        }
    }

    #[test]
    fn names_are_read_back() {
        for &reduce in Reduce::VARIANTS {
            assert_eq!(reduce.to_string().parse::<Reduce>().unwrap(), reduce);
        }
        assert_eq!(
            "avg".parse::<Reduce>().unwrap_err().to_string(),
            "invalid reduction \"avg\": expected one of last, min, max, mean, sum, rate"
        );
    }
}
