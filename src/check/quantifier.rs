//! How many series cross which threshold, and what that makes of each.

use std::fmt;
use std::str::FromStr;

use crate::check::report::Status;
use crate::check::threshold::{Threshold, Thresholds};
use crate::error::Error;
use crate::util::text::{count_noun, sanitize_line};

/// How many series have to cross a threshold for the check to be a warning or critical.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quantifier {
    /// Any one.
    #[default]
    Any,
    /// All of them. One whose number cannot be trusted is not known to, and leaves the check unknown.
    All,
    /// At least so many. Where fewer have a number the check could not fail, and is what
    /// [`Missing`](crate::check::Missing) says.
    AtLeast(usize),
}

/// How many series cross which threshold, and whether that is enough.
#[derive(Debug)]
pub(crate) struct Evaluation {
    thresholds: Thresholds,
    quantifier: Quantifier,
    judged: usize,
    /// How many cross the threshold for a warning, or a worse one.
    warning: usize,
    critical: usize,
    uncertain: bool,
}

impl Evaluation {
    /// Counts the `values` of all series whose number can be trusted. With others `in_doubt` it is never certain that
    /// all cross.
    pub(crate) fn of(
        thresholds: Thresholds,
        quantifier: Quantifier,
        values: impl Iterator<Item = f64>,
        in_doubt: bool,
    ) -> Self {
        let mut crossing = Self {
            thresholds,
            quantifier,
            judged: 0,
            warning: 0,
            critical: 0,
            uncertain: in_doubt,
        };
        for value in values {
            let level = severity(thresholds, value).map(|(level, _)| level);
            crossing.judged += 1;
            crossing.warning += usize::from(level.is_some());
            crossing.critical += usize::from(level == Some(Status::Critical));
        }
        crossing
    }

    /// What the number of one series makes of the check, and why.
    #[inline]
    pub(crate) fn judge(&self, value: f64) -> (Status, String) {
        let Some((level, verdict)) = severity(self.thresholds, value) else {
            let verdict = if self.thresholds.is_empty() {
                "is there"
            } else {
                "crosses no threshold"
            };
            return (Status::Ok, verdict.into());
        };
        if level == Status::Critical && self.is_enough(self.critical) {
            return (level, verdict);
        }
        let status = if self.is_enough(self.warning) {
            Status::Warning
        } else {
            Status::Ok
        };
        if status == level {
            return (level, verdict);
        }
        let known = if level == Status::Critical {
            self.critical
        } else {
            self.warning
        };
        (status, format!("{verdict}; {}", self.shortfall(known)))
    }

    /// Whether it is certain that enough series cross a threshold where so many are known to.
    fn is_enough(&self, crossing: usize) -> bool {
        match self.quantifier {
            Quantifier::Any => crossing >= 1,
            Quantifier::AtLeast(needed) => crossing >= needed,
            Quantifier::All => crossing == self.judged && !self.uncertain,
        }
    }

    /// Why so many are not enough.
    #[inline]
    fn shortfall(&self, crossing: usize) -> String {
        let crossing = count_noun(crossing, "does", "do");
        match self.quantifier {
            Quantifier::AtLeast(needed) => format!("{crossing}, and at least {needed} have to"),
            _ if self.uncertain => format!("{crossing}, all have to, and not all are known"),
            _ => format!("{crossing}, and all {} have to", self.judged),
        }
    }
}

/// Which threshold a value crosses, the worse first, and how.
#[inline]
fn severity(thresholds: Thresholds, value: f64) -> Option<(Status, String)> {
    let crossed =
        |threshold: Option<Threshold>| threshold.and_then(|threshold| threshold.violation(value));
    let critical =
        crossed(thresholds.critical).map(|how| (Status::Critical, format!("{how} (critical)")));
    critical.or_else(|| {
        crossed(thresholds.warning).map(|how| (Status::Warning, format!("{how} (warning)")))
    })
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

    /// Reads `any`, `all`, or for [`AtLeast`](Self::AtLeast) a number from 1 on.
    fn from_str(text: &str) -> Result<Self, Error> {
        match (text, text.parse()) {
            ("any", _) => Ok(Self::Any),
            ("all", _) => Ok(Self::All),
            (_, Ok(count)) if count > 0 => Ok(Self::AtLeast(count)),
            _ => Err(Error::invalid_input(format!(
                "\"{}\" is not a quantifier: use any, all, or a number from 1 on",
                sanitize_line(text, 60)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses that `values` come to, by their first letters, of a warning above 10 and critical above 20.
    fn judged(quantifier: &str, values: &[f64], in_doubt: bool) -> String {
        let thresholds = Thresholds {
            warning: Some(Threshold::above(10.0)),
            critical: Some(Threshold::above(20.0)),
        };
        let quantifier = quantifier.parse().unwrap();
        let crossing = Evaluation::of(thresholds, quantifier, values.iter().copied(), in_doubt);
        values
            .iter()
            .map(|value| &crossing.judge(*value).0.as_str()[..1])
            .collect()
    }

    #[test]
    fn enough_series_have_to_cross() {
        for (quantifier, values, certain, in_doubt) in [
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
                in_doubt,
                "{quantifier} of {values:?}, and of others"
            );
        }
    }

    #[test]
    fn why_it_is_not_enough_is_said() {
        let thresholds = Thresholds {
            warning: None,
            critical: Some(Threshold::below(1.0)),
        };
        let said = |quantifier, in_doubt| {
            let crossing = Evaluation::of(thresholds, quantifier, [0.0, 5.0].into_iter(), in_doubt);
            crossing.judge(0.0).1
        };
        for (quantifier, in_doubt, verdict) in [
            (Quantifier::Any, true, "is below 1 (critical)"),
            (
                Quantifier::All,
                false,
                "is below 1 (critical); 1 does, and all 2 have to",
            ),
            (
                Quantifier::All,
                true,
                "is below 1 (critical); 1 does, all have to, and not all are known",
            ),
            (
                Quantifier::AtLeast(2),
                true,
                "is below 1 (critical); 1 does, and at least 2 have to",
            ),
        ] {
            assert_eq!(said(quantifier, in_doubt), verdict);
        }
    }

    #[test]
    fn names_are_read_back() {
        for text in ["any", "all", "1", "12"] {
            assert_eq!(text.parse::<Quantifier>().unwrap().to_string(), text);
        }
        for text in ["0", "-1", "some", "", "1.5"] {
            assert_eq!(
                text.parse::<Quantifier>().unwrap_err().to_string(),
                format!("\"{text}\" is not a quantifier: use any, all, or a number from 1 on")
            );
        }
    }
}
