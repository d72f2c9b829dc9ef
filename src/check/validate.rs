//! The problems of a check that need no result to be found.

use crate::check::check::Check;
use crate::check::format::humanize::format_duration;
use crate::check::quantifier::Quantifier;
use crate::check::reduce::Reduce;
use crate::request::query::Query;
use crate::time::granularity::Granularity;
use crate::util::text::{list_names, quote, sanitize_line};

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
        self.add_comparison_problems(&mut problems);
        self.add_datapoint_problems(&mut problems);
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
                    "cannot expect {label}={value}, which the filter excludes: \
                     for several values, leave out that filter or use Filter::one_of"
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

    /// Adds the problems of the divisor and the baseline.
    fn add_comparison_problems(&self, problems: &mut Vec<String>) {
        if let Some(divisor) = &self.divisor {
            if divisor.granularity != self.query.granularity {
                problems.push(format!(
                    "divide_by has granularity {}, but the query has {}",
                    divisor.granularity, self.query.granularity
                ));
            }
            if divisor.intervals != self.query.intervals {
                problems.push(format!(
                    "divide_by has the intervals {}, but the query has {}",
                    list_intervals(divisor),
                    list_intervals(&self.query)
                ));
            }
            let groups = &divisor.group_by;
            let has_same_labels = groups.len() == self.query.group_by.len()
                && groups
                    .iter()
                    .all(|label| self.query.group_by.contains(label));
            if !groups.is_empty() && !has_same_labels {
                problems
                    .push("divide_by must group by the labels of the query, or by none".to_owned());
            }
            self.require_threshold("divide_by", problems);
        }
        if let Some(comparison) = self.comparison {
            let granularity = self.query.granularity;
            let shift = comparison.shift;
            if shift.is_zero() {
                problems.push("compare_to with a shift of 0 compares nothing".to_owned());
            } else if shift.as_nanos() % granularity.grid().as_nanos() != 0 {
                let unit = match granularity.duration() {
                    Some(_) => format!("a multiple of {granularity}"),
                    None => "whole minutes".to_owned(),
                };
                problems.push(format!(
                    "the shift of compare_to, {}, is not {unit}",
                    format_duration(shift)
                ));
            }
            self.require_threshold("compare_to", problems);
        }
    }

    /// Adds the problems of the buckets that are judged one by one.
    fn add_datapoint_problems(&self, problems: &mut Vec<String>) {
        let Some(datapoints) = self.datapoints else {
            return;
        };
        if let Some(reason) = datapoints.invalid_reason() {
            problems.push(format!("invalid datapoints {datapoints}: {reason}"));
        }
        if self.reduce != Reduce::Last {
            problems.push(format!(
                "datapoints cannot be used with reduce {}",
                self.reduce
            ));
        }
        if self.query.granularity == Granularity::All {
            problems.push("datapoints cannot be used with granularity ALL".to_owned());
        }
        if self.comparison.is_some() {
            problems.push("datapoints cannot be used with compare_to".to_owned());
        }
        if self.divisor.is_some() {
            problems.push("datapoints cannot be used with divide_by".to_owned());
        }
        self.require_threshold("datapoints", problems);
    }

    /// Adds a problem if a setting has nothing to judge.
    fn require_threshold(&self, setting: &str, problems: &mut Vec<String>) {
        if self.thresholds.is_empty() {
            problems.push(format!("{setting} needs a threshold"));
        }
    }
}

/// Lists the intervals of a query in their text form.
fn list_intervals(query: &Query) -> String {
    let names: Vec<_> = query.intervals.iter().map(ToString::to_string).collect();
    list_names(&names)
}
