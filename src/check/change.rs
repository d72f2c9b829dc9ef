//! The changes that a comparison with an earlier window judges.
//!
//! ```text
//! now 12, an hour ago 10    difference 2   percent 20   ratio 1.2
//! now -5, an hour ago -10   difference 5   percent 50   ratio 0.5
//! now 12, an hour ago 0     difference 12  no percent   no ratio
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::check::format::humanize::{format_duration, format_value};
use crate::error::Error;

/// The number that compares a value with its baseline, which is the value of an earlier window.
///
/// ```
/// use confluent_metrics::check::Change;
///
/// let change: Change = "percent".parse()?;
/// assert_eq!(change, Change::Percent);
/// let names: Vec<_> = Change::VARIANTS.iter().map(|change| change.as_str()).collect();
/// assert_eq!(names.join(", "), "difference, percent, ratio");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// The value minus the baseline.
    Difference,
    /// The difference in percent of the absolute value of the baseline.
    ///
    /// A rise is positive, also if the baseline is negative. A baseline of zero is missing data.
    Percent,
    /// The value divided by the baseline. A baseline of zero is missing data.
    Ratio,
}

impl Change {
    /// All variants, in the order of this documentation.
    pub const VARIANTS: &'static [Self] = &[Self::Difference, Self::Percent, Self::Ratio];

    /// Returns the name that [`FromStr`] accepts: `difference`, `percent` or `ratio`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Percent => "percent",
            Self::Ratio => "ratio",
        }
    }

    /// Returns the change from `baseline` to `value`, or `None` if it needs another baseline.
    ///
    /// A change that exceeds `f64` is infinite.
    pub(crate) fn between(self, baseline: f64, value: f64) -> Option<f64> {
        match self {
            Self::Difference => Some(value - baseline),
            Self::Percent | Self::Ratio if baseline == 0.0 => None,
            // Multiplied first: the percentages of integers are exact then.
            Self::Percent => Some((value - baseline) * 100.0 / baseline.abs()),
            Self::Ratio => Some(value / baseline),
        }
    }

    /// Returns a change with its unit.
    pub(crate) fn format(self, change: f64) -> String {
        let number = format_value(change);
        match self {
            Self::Difference => number,
            Self::Percent => format!("{number} %"),
            Self::Ratio => format!("{number} times"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Change {
    type Err = Error;

    /// Parses `difference`, `percent` or `ratio`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("change", Self::VARIANTS, Self::as_str, text)
    }
}

/// A comparison with an earlier window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// The distance of the two windows.
    pub(crate) shift: Duration,
    /// The number that is judged.
    pub(crate) change: Change,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shift = format_duration(self.shift);
        write!(f, "change ({}) from {shift} earlier", self.change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_measured_from_the_baseline() {
        for (baseline, value, difference, percent, ratio) in [
            (10.0, 12.0, 2.0, Some(20.0), Some(1.2)),
            (10.0, 5.0, -5.0, Some(-50.0), Some(0.5)),
            (-10.0, -5.0, 5.0, Some(50.0), Some(0.5)),
            (-10.0, 10.0, 20.0, Some(200.0), Some(-1.0)),
            (3.0, 3.0, 0.0, Some(0.0), Some(1.0)),
            (0.0, 12.0, 12.0, None, None),
            (-0.0, 0.0, 0.0, None, None),
            (
                -f64::MAX,
                f64::MAX,
                f64::INFINITY,
                Some(f64::INFINITY),
                Some(-1.0),
            ),
        ] {
            let change = |change: Change| change.between(baseline, value);
            assert_eq!(change(Change::Difference), Some(difference));
            assert_eq!(change(Change::Percent), percent, "{baseline} to {value}");
            assert_eq!(change(Change::Ratio), ratio, "{baseline} to {value}");
        }
    }

    #[test]
    fn names_are_parsed() {
        for &change in Change::VARIANTS {
            assert_eq!(change.to_string().parse::<Change>().unwrap(), change);
        }
        assert_eq!(
            "delta".parse::<Change>().unwrap_err().to_string(),
            "invalid change \"delta\": expected one of difference, percent, ratio"
        );
    }
}
