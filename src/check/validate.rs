//! The problems of a check that need no result to be found.

use crate::check::check::Check;
use crate::check::quantifier::Quantifier;
use crate::time::granularity::Granularity;
use crate::util::text::{quote, sanitize_line};

/// The longest label name or value that a message shows.
const MAX_LABEL: usize = 100;

impl Check {
    /// Returns all problems of a check that can never fail, or never be OK.
    pub(super) fn invalid_reason(&self) -> Option<String> {
        let mut problems = Vec::new();
        // The other settings only limit which values count.
        if self.thresholds.is_empty()
            && self.min_series.is_none()
            && self.expected_labels.is_empty()
        {
            problems.push("no threshold and no expectation: the check can never fail".to_owned());
        }
        problems.extend(self.thresholds.problems());
        if self.quantifier == Quantifier::AtLeast(0) {
            problems.push("AtLeast(0) is always satisfied".to_owned());
        }
        if self.min_series == Some(0) {
            problems.push("expect_at_least(0) has no effect".to_owned());
        }
        for (label, values) in &self.expected_labels {
            if label.is_empty() || values.is_empty() {
                problems.push(format!(
                    "expect_labels({label:?}, {values:?}) needs a label and at least one value"
                ));
            }
        }
        self.add_impossible_expectations(&mut problems);
        self.add_limit_problems(&mut problems);
        (!problems.is_empty()).then(|| format!("invalid check: {}", problems.join("; ")))
    }

    /// Adds the expectations that no result can meet, and a quantifier that none can reach.
    fn add_impossible_expectations(&self, problems: &mut Vec<String>) {
        for (label, values) in &self.expected_labels {
            if label.is_empty() {
                continue;
            }
            if !self.query.group_by.contains(label) {
                let label = quote(label, MAX_LABEL);
                problems.push(format!(
                    "cannot expect values of {label}, which is not in group_by"
                ));
                continue;
            }
            // A series that the filter excludes never appears, so that the check would be Unknown
            // forever, whatever happens to the metric.
            let Some(filter) = &self.query.filter else {
                continue;
            };
            if let Some(value) = values.iter().find(|value| filter.excludes(label, value)) {
                let label = sanitize_line(label, MAX_LABEL);
                let value = quote(value, MAX_LABEL);
                problems.push(format!(
                    "cannot expect {label}={value}, which the filter excludes"
                ));
            }
        }
        if !self.query.group_by.is_empty() {
            return;
        }
        let reason = "a query without group_by has one series";
        if let Some(min) = self.min_series.filter(|min| *min > 1) {
            problems.push(format!("cannot expect {min} series: {reason}"));
        }
        if let Quantifier::AtLeast(required @ 2..) = self.quantifier {
            problems.push(format!(
                "quantifier of {required} series can never be met: {reason}"
            ));
        }
    }

    /// Adds the problems of the limits on age and coverage.
    fn add_limit_problems(&self, problems: &mut Vec<String>) {
        let is_one_bucket = self.query.granularity == Granularity::All;
        if let Some(share) = self.limits.min_coverage {
            // Not `share <= 0.0`, which NaN would pass.
            if !(share > 0.0 && share <= 1.0) {
                problems.push(format!(
                    "invalid min_coverage {share}: expected a share above 0 and at most 1"
                ));
            } else if is_one_bucket {
                problems.push("min_coverage cannot be used with granularity ALL".to_owned());
            }
        }
        // The time of the one bucket of ALL is not documented, so that it has no age.
        if self.limits.max_age.is_some() && is_one_bucket {
            problems.push("max_age cannot be used with granularity ALL".to_owned());
        }
    }
}
