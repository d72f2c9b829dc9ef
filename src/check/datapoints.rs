//! Buckets that are judged one by one, of which several have to violate a threshold.
//!
//! ```text
//! 2 of the last 4 buckets, above 10
//!
//! 3 12 – 15    critical: two violate it, whatever the third bucket was
//! 3 12 –  5    unknown: the bucket without data could be the second
//! 3  5 –  5    OK: one violation at most
//! –  – –  5    unknown: fewer buckets with data than violations required
//! ```

use std::fmt;

use serde::Serialize;

use crate::check::quantifier::Verdict;
use crate::check::status::Status;
use crate::check::threshold::Thresholds;

/// The number of buckets that must violate a threshold, of the last ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Datapoints {
    /// The number of violations that are required.
    pub(crate) required: usize,
    /// The number of buckets that are judged.
    pub(crate) of: usize,
}

impl Datapoints {
    /// Returns the reason why these numbers make no sense.
    pub(crate) fn invalid_reason(self) -> Option<&'static str> {
        if self.required == 0 {
            return Some("0 violations are always reached");
        }
        (self.required > self.of).then_some("more violations than buckets are never reached")
    }

    /// Returns the rule in words.
    pub(crate) fn describe(self) -> String {
        format!("{} of the last {} buckets", self.required, self.of)
    }
}

impl fmt::Display for Datapoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.required, self.of)
    }
}

/// The buckets of one series, by their status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DatapointCounts {
    /// The numbers that the check requires.
    #[serde(skip)]
    rule: Datapoints,
    /// The buckets with data.
    pub(crate) known: usize,
    /// The buckets that violate the warning or the critical threshold.
    pub(crate) warning: usize,
    /// The buckets that violate the critical threshold.
    pub(crate) critical: usize,
}

impl DatapointCounts {
    /// Judges each value by itself. There are at most as many values as the rule has buckets.
    pub(crate) fn new(
        rule: Datapoints,
        thresholds: Thresholds,
        values: impl Iterator<Item = f64>,
    ) -> Self {
        let mut counts = Self {
            rule,
            known: 0,
            warning: 0,
            critical: 0,
        };
        for value in values {
            let status = Verdict::new(thresholds, value).status;
            counts.known += 1;
            counts.warning += usize::from(status != Status::Ok);
            counts.critical += usize::from(status == Status::Critical);
        }
        counts
    }

    /// Returns the verdict on the series.
    ///
    /// # Errors
    ///
    /// The reason why the verdict is unknown.
    pub(crate) fn verdict(self, thresholds: Thresholds) -> Result<Verdict, String> {
        let Datapoints { required, of } = self.rule;
        // Critical beats Unknown, and Unknown beats Warning, so the order of the tests matters.
        if thresholds.critical.is_some() {
            if self.critical >= required {
                return Ok(self.violation(Status::Critical, "the critical", self.critical));
            }
            self.require_certainty("the critical", self.critical)?;
        }
        if thresholds.warning.is_some() {
            if self.warning >= required {
                return Ok(self.violation(Status::Warning, "the warning", self.warning));
            }
            self.require_certainty("the warning", self.warning)?;
        }
        let without_data = match self.without_data() {
            0 => String::new(),
            count => format!(", {count} had no data"),
        };
        let violations = violations(self.warning, of, "a");
        Ok(Verdict {
            status: Status::Ok,
            words: format!("{violations} threshold ({required} required{without_data})"),
        })
    }

    /// Returns the verdict that enough buckets violate a threshold.
    fn violation(self, status: Status, threshold: &str, count: usize) -> Verdict {
        let Datapoints { required, of } = self.rule;
        let violations = violations(count, of, threshold);
        Verdict {
            status,
            words: format!("{violations} threshold ({required} required)"),
        }
    }

    /// Returns the reason why the buckets with data do not show that a threshold is kept.
    fn require_certainty(self, threshold: &str, count: usize) -> Result<(), String> {
        let Datapoints { required, of } = self.rule;
        let known = self.known;
        // With so few buckets, violations could never decide: their absence says nothing.
        if known < required {
            return Err(format!(
                "{known} of the last {of} buckets had data, fewer than the {required} required"
            ));
        }
        let without_data = self.without_data();
        if count + without_data >= required {
            let violations = violations(count, of, threshold);
            return Err(format!(
                "{violations} threshold, and {without_data} without data could make it the \
                 {required} required"
            ));
        }
        Ok(())
    }

    /// Returns the number of buckets without data, or before the window.
    const fn without_data(self) -> usize {
        self.rule.of.saturating_sub(self.known)
    }
}

/// Returns the number of buckets that violate a threshold, up to the name of the threshold.
fn violations(count: usize, of: usize, threshold: &str) -> String {
    let verb = if count == 1 { "violates" } else { "violate" };
    format!("{count} of the last {of} buckets {verb} {threshold}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::threshold::Threshold;

    const BOTH: Thresholds = Thresholds {
        warning: Some(Threshold::above(10.0)),
        critical: Some(Threshold::above(20.0)),
    };

    fn judged(required: usize, of: usize, values: &[f64]) -> String {
        let rule = Datapoints { required, of };
        let counts = DatapointCounts::new(rule, BOTH, values.iter().copied());
        match counts.verdict(BOTH) {
            Ok(verdict) => format!("{}: {}", verdict.status, verdict.words),
            Err(reason) => format!("UNKNOWN: {reason}"),
        }
    }

    #[test]
    fn known_violations_decide_and_buckets_without_data_leave_it_open() {
        for (required, of, values, verdict) in [
            (
                2,
                4,
                vec![3.0, 25.0, 25.0],
                "CRITICAL: 2 of the last 4 buckets violate the critical threshold (2 required)",
            ),
            (
                2,
                4,
                vec![25.0, 25.0],
                "CRITICAL: 2 of the last 4 buckets violate the critical threshold (2 required)",
            ),
            (
                2,
                4,
                vec![3.0, 15.0, 25.0],
                "UNKNOWN: 1 of the last 4 buckets violates the critical threshold, and 1 without \
                 data could make it the 2 required",
            ),
            (
                2,
                4,
                vec![3.0, 15.0, 25.0, 3.0],
                "WARNING: 2 of the last 4 buckets violate the warning threshold (2 required)",
            ),
            (
                2,
                4,
                vec![3.0, 15.0, 3.0],
                "UNKNOWN: 1 of the last 4 buckets violates the warning threshold, and 1 without \
                 data could make it the 2 required",
            ),
            (
                2,
                4,
                vec![3.0, 3.0, 3.0],
                "OK: 0 of the last 4 buckets violate a threshold (2 required, 1 had no data)",
            ),
            (
                2,
                4,
                vec![3.0, 15.0, 3.0, 3.0],
                "OK: 1 of the last 4 buckets violates a threshold (2 required)",
            ),
            (
                3,
                4,
                vec![3.0, 3.0],
                "UNKNOWN: 2 of the last 4 buckets had data, fewer than the 3 required",
            ),
            (
                1,
                1,
                vec![],
                "UNKNOWN: 0 of the last 1 buckets had data, fewer than the 1 required",
            ),
        ] {
            assert_eq!(judged(required, of, &values), verdict, "{values:?}");
        }
    }
}
