//! The data that all findings of a check share.

use crate::check::attempts::Attempts;
use crate::check::change::Comparison;
use crate::check::datapoints::Datapoints;
use crate::check::reduce::Reduce;
use crate::check::threshold::Thresholds;
use crate::model::filter::Filter;
use crate::time::interval::TimeRange;

/// The query that values are divided by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DivisorInfo {
    /// The metric.
    pub(super) metric: String,
    /// The filter, which may differ from that of the check.
    pub(super) filter: Option<Filter>,
}

/// The data that all findings of a check share.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CheckInfo {
    /// The name of the check.
    pub(super) name: String,
    /// The metric of the query.
    pub(super) metric: String,
    /// The filter of the query.
    pub(super) filter: Option<Filter>,
    /// The function that gave the values.
    pub(super) reduce: Reduce,
    /// `None` if the intervals of the query could not be resolved.
    pub(super) window: Option<TimeRange>,
    /// The query that values were divided by.
    pub(super) divisor: Option<DivisorInfo>,
    /// The comparison with an earlier window.
    pub(super) comparison: Option<Comparison>,
    /// The window of the baseline, if there is one that could be resolved.
    pub(super) baseline_window: Option<TimeRange>,
    /// The number of buckets that must violate a threshold.
    pub(super) datapoints: Option<Datapoints>,
    /// The thresholds that values were compared with.
    pub(super) thresholds: Thresholds,
    /// The attempts, if the check was waited for.
    pub(super) attempts: Option<Attempts>,
}

impl CheckInfo {
    /// Returns the attempts of a wait as the end of a sentence, or nothing.
    pub(super) fn attempts_note(&self) -> String {
        match &self.attempts {
            Some(attempts) => format!("; {attempts}"),
            None => String::new(),
        }
    }
}
