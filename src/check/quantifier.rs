//! The number of series that must violate a threshold, and the count of those that do.

use std::fmt;
use std::str::FromStr;

use crate::check::status::Status;
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
#[doc(alias = "any")]
#[doc(alias = "all")]
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

/// The status that one series has by itself, with the reason in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// OK, a warning or critical.
    pub(crate) status: Status,
    /// The end of a sentence, as in `is above 10 (critical)`.
    pub(crate) words: String,
}

impl Verdict {
    /// Compares a value with the thresholds, the critical one first.
    pub(crate) fn new(thresholds: Thresholds, value: f64) -> Self {
        if let Some(violation) = violation(thresholds.critical, value) {
            return Self {
                status: Status::Critical,
                words: format!("{violation} (critical)"),
            };
        }
        if let Some(violation) = violation(thresholds.warning, value) {
            return Self {
                status: Status::Warning,
                words: format!("{violation} (warning)"),
            };
        }
        let words = if thresholds.is_empty() {
            "is present"
        } else {
            "is within the thresholds"
        };
        Self {
            status: Status::Ok,
            words: words.into(),
        }
    }
}

/// The number of series that violate each threshold.
#[derive(Debug)]
pub(crate) struct Evaluation {
    /// The number that is required.
    quantifier: Quantifier,
    /// The number of series that have a verdict.
    evaluated: usize,
    /// The series that violate the warning or the critical threshold.
    warning: usize,
    /// The series that violate the critical threshold.
    critical: usize,
    /// True if there are series without a verdict, which might violate a threshold too.
    uncertain: bool,
}

impl Evaluation {
    /// Counts the violations of all series that have a verdict.
    pub(crate) fn new(
        quantifier: Quantifier,
        statuses: impl Iterator<Item = Status>,
        uncertain: bool,
    ) -> Self {
        let mut evaluation = Self {
            quantifier,
            evaluated: 0,
            warning: 0,
            critical: 0,
            uncertain,
        };
        for status in statuses {
            evaluation.evaluated += 1;
            evaluation.warning += usize::from(status != Status::Ok);
            evaluation.critical += usize::from(status == Status::Critical);
        }
        evaluation
    }

    /// Returns the status that a series with this verdict gives the check, and the words for it.
    pub(crate) fn judge(&self, verdict: &Verdict) -> (Status, String) {
        let severity = verdict.status;
        // A critical series counts as a warning too, if too few series are critical.
        if severity == Status::Ok || (severity == Status::Critical && self.is_enough(self.critical))
        {
            return (severity, verdict.words.clone());
        }
        let status = if self.is_enough(self.warning) {
            Status::Warning
        } else {
            Status::Ok
        };
        if status == severity {
            return (severity, verdict.words.clone());
        }
        // The words name the count of the threshold that this series violates.
        let violations = if severity == Status::Critical {
            self.critical
        } else {
            self.warning
        };
        let shortfall = self.shortfall(violations);
        (status, format!("{}; {shortfall}", verdict.words))
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
        let verdicts: Vec<_> = values
            .iter()
            .map(|value| Verdict::new(thresholds, *value))
            .collect();
        let statuses = verdicts.iter().map(|verdict| verdict.status);
        let evaluation = Evaluation::new(quantifier, statuses, uncertain);
        verdicts
            .iter()
            .map(|verdict| &evaluation.judge(verdict).0.as_str()[..1])
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
        for (quantifier, uncertain, words) in [
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
            let verdicts = [0.0, 5.0].map(|value| Verdict::new(thresholds, value));
            let statuses = verdicts.iter().map(|verdict| verdict.status);
            let evaluation = Evaluation::new(quantifier, statuses, uncertain);
            assert_eq!(evaluation.judge(&verdicts[0]).1, words);
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
