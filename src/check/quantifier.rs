//! The number of series that must violate a threshold, and the count of those that do.

use std::fmt;
use std::str::FromStr;

use crate::check::report::Status;
use crate::check::threshold::{Threshold, Thresholds};
use crate::error::Error;
use crate::util::text::quote;

/// The number of series that must violate a threshold for a check to be a warning or critical.
///
/// A series below that number has a finding of its own, which then is OK.
///
/// ```
/// use confluent_metrics::check::Quantifier;
///
/// assert_eq!("all".parse::<Quantifier>()?, Quantifier::All);
/// assert_eq!("3".parse::<Quantifier>()?, Quantifier::AtLeast(3));
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quantifier {
    /// Any series.
    #[default]
    Any,
    /// All series. A series that cannot be evaluated leaves the check unknown.
    All,
    /// At least this number of series.
    ///
    /// If fewer have data, the check has the status of [`Missing`](crate::check::Missing).
    AtLeast(usize),
}

impl fmt::Display for Quantifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::All => f.write_str("all"),
            Self::AtLeast(count) => count.fmt(f),
        }
    }
}

impl FromStr for Quantifier {
    type Err = Error;

    /// Parses `any`, `all`, or a number from 1 for [`AtLeast`](Self::AtLeast).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        match (text, text.parse()) {
            ("any", _) => Ok(Self::Any),
            ("all", _) => Ok(Self::All),
            (_, Ok(count)) if count > 0 => Ok(Self::AtLeast(count)),
            _ => Err(Error::invalid_input(format!(
                "invalid quantifier {}: expected any, all or a number from 1",
                quote(text, 60)
            ))),
        }
    }
}

/// The number of series that violate each threshold.
#[derive(Debug)]
pub(crate) struct Evaluation {
    /// The thresholds of the check.
    thresholds: Thresholds,
    /// The number that is required.
    quantifier: Quantifier,
    /// The number of series that have a value.
    evaluated: usize,
    /// The series that violate the warning or the critical threshold.
    warning: usize,
    /// The series that violate the critical threshold.
    critical: usize,
    /// True if there are series without a value, which might violate a threshold too.
    uncertain: bool,
}

impl Evaluation {
    /// Counts violations in the `values` of all series that have one.
    pub(crate) fn new(
        thresholds: Thresholds,
        quantifier: Quantifier,
        values: impl Iterator<Item = f64>,
        uncertain: bool,
    ) -> Self {
        let mut evaluation = Self {
            thresholds,
            quantifier,
            evaluated: 0,
            warning: 0,
            critical: 0,
            uncertain,
        };
        for value in values {
            let severity = severity(thresholds, value).map(|(status, _)| status);
            evaluation.evaluated += 1;
            evaluation.warning += usize::from(severity.is_some());
            evaluation.critical += usize::from(severity == Some(Status::Critical));
        }
        evaluation
    }

    /// Returns the status that a series with `value` gives the check, and the verdict.
    pub(crate) fn judge(&self, value: f64) -> (Status, String) {
        let Some((severity, verdict)) = severity(self.thresholds, value) else {
            let verdict = if self.thresholds.is_empty() {
                "is present"
            } else {
                "is within the thresholds"
            };
            return (Status::Ok, verdict.into());
        };
        // A critical series counts as a warning too, if too few series are critical.
        if severity == Status::Critical && self.is_enough(self.critical) {
            return (severity, verdict);
        }
        let status = if self.is_enough(self.warning) {
            Status::Warning
        } else {
            Status::Ok
        };
        if status == severity {
            return (severity, verdict);
        }
        // The verdict names the count of the threshold that this series violates.
        let violations = if severity == Status::Critical {
            self.critical
        } else {
            self.warning
        };
        (status, format!("{verdict}; {}", self.shortfall(violations)))
    }

    /// Returns true if this number of violations certainly meets the quantifier.
    const fn is_enough(&self, violations: usize) -> bool {
        match self.quantifier {
            Quantifier::Any => violations >= 1,
            Quantifier::AtLeast(required) => violations >= required,
            // Another series may not violate the threshold.
            Quantifier::All => violations == self.evaluated && !self.uncertain,
        }
    }

    /// Describes the violations that are too few to count.
    fn shortfall(&self, violations: usize) -> String {
        match self.quantifier {
            Quantifier::AtLeast(required) => {
                format!("only {violations} of the required {required} series")
            }
            _ if self.uncertain => {
                format!("{violations} series so far, but not all could be evaluated")
            }
            _ => format!("only {violations} of {} series", self.evaluated),
        }
    }
}

/// Returns the threshold that a value violates, critical first, and the violation.
fn severity(thresholds: Thresholds, value: f64) -> Option<(Status, String)> {
    if let Some(violation) = violation(thresholds.critical, value) {
        return Some((Status::Critical, format!("{violation} (critical)")));
    }
    let violation = violation(thresholds.warning, value)?;
    Some((Status::Warning, format!("{violation} (warning)")))
}

/// Returns the violation in words, or `None` if there is none or no threshold.
fn violation(threshold: Option<Threshold>, value: f64) -> Option<String> {
    threshold?.violation(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the first letter of each status, with a warning above 10 and critical above 20.
    fn judged(quantifier: &str, values: &[f64], uncertain: bool) -> String {
        let thresholds = Thresholds {
            warning: Some(Threshold::above(10.0)),
            critical: Some(Threshold::above(20.0)),
        };
        let quantifier = quantifier.parse().unwrap();
        let evaluation = Evaluation::new(thresholds, quantifier, values.iter().copied(), uncertain);
        values
            .iter()
            .map(|value| &evaluation.judge(*value).0.as_str()[..1])
            .collect()
    }

    #[test]
    fn enough_series_must_violate_a_threshold() {
        for (quantifier, values, certain, uncertain) in [
            ("any", vec![5.0, 15.0, 25.0], "OWC", "OWC"),
            ("all", vec![5.0, 15.0, 25.0], "OOO", "OOO"),
            ("all", vec![15.0, 25.0], "WW", "OO"),
            ("all", vec![25.0, 25.0], "CC", "OO"),
            ("1", vec![5.0, 15.0, 25.0], "OWC", "OWC"),
            ("2", vec![5.0, 15.0, 25.0], "OWW", "OWW"),
            ("2", vec![5.0, 25.0, 25.0], "OCC", "OCC"),
            ("2", vec![5.0, 5.0, 25.0], "OOO", "OOO"),
            ("3", vec![15.0, 25.0, 25.0], "WWW", "WWW"),
        ] {
            assert_eq!(
                judged(quantifier, &values, false),
                certain,
                "{quantifier} of {values:?}"
            );
            assert_eq!(
                judged(quantifier, &values, true),
                uncertain,
                "{quantifier} of {values:?} and others"
            );
        }
    }

    #[test]
    fn a_verdict_says_how_many_series_are_missing() {
        let thresholds = Thresholds {
            warning: None,
            critical: Some(Threshold::below(1.0)),
        };
        for (quantifier, uncertain, verdict) in [
            (Quantifier::Any, true, "is below 1 (critical)"),
            (
                Quantifier::All,
                false,
                "is below 1 (critical); only 1 of 2 series",
            ),
            (
                Quantifier::All,
                true,
                "is below 1 (critical); 1 series so far, but not all could be evaluated",
            ),
            (
                Quantifier::AtLeast(2),
                true,
                "is below 1 (critical); only 1 of the required 2 series",
            ),
        ] {
            let values = [0.0, 5.0].into_iter();
            let evaluation = Evaluation::new(thresholds, quantifier, values, uncertain);
            assert_eq!(evaluation.judge(0.0).1, verdict);
        }
    }

    #[test]
    fn names_are_parsed() {
        for text in ["any", "all", "1", "12"] {
            assert_eq!(text.parse::<Quantifier>().unwrap().to_string(), text);
        }
        for text in ["0", "-1", "some", "", "1.5"] {
            assert_eq!(
                text.parse::<Quantifier>().unwrap_err().to_string(),
                format!("invalid quantifier {text:?}: expected any, all or a number from 1")
            );
        }
    }
}
