//! Evaluates the results of a check and creates the report.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::check::baseline::{Number, Row};
use crate::check::check::Check;
use crate::check::check_info::{CheckInfo, DivisorInfo};
use crate::check::datapoints::DatapointCounts;
use crate::check::mismatch::{
    empty_window_reason, error_chain, incomplete_reason, mismatch_reason,
};
use crate::check::missing::Missing;
use crate::check::quantifier::{Evaluation, Quantifier, Verdict};
use crate::check::ratio::Source;
use crate::check::report::{Finding, Report, Subject};
use crate::check::status::Status;
use crate::check::value::{Coverage, Reduced, last_buckets, reduce_series, stale_reason};
use crate::check::window::CheckWindow;
use crate::error::ErrorKind;
use crate::model::labels::Labels;
use crate::model::query_result::QueryResult;
use crate::model::series::Point;
use crate::time::call_context::CallContext;
use crate::time::interval::TimeRange;
use crate::util::text::sanitize_line;

/// The window of a check, if it is known, the reason why its results cannot be judged, and the kind
/// of the error that is the reason.
type Refusal = (Option<TimeRange>, String, Option<ErrorKind>);

/// The verdict on one series by itself, or the reason why there is none.
#[derive(Debug)]
pub(super) enum Judged {
    /// The thresholds were applied.
    Verdict(Verdict),
    /// There is no data.
    Missing(String),
    /// There is data, but it cannot be relied on.
    Unusable(String),
}

/// One series of a check, judged.
#[derive(Debug)]
pub(super) struct JudgedRow<'a> {
    /// The series with its numbers.
    pub(super) row: Row<'a>,
    /// The verdict.
    pub(super) judged: Judged,
    /// The single buckets, if they are judged one by one.
    pub(super) datapoints: Option<(DatapointCounts, Option<Point>, Coverage)>,
}

impl Check {
    /// Returns the report on results. It is unknown if they do not belong to the queries.
    pub(super) fn evaluate(&self, results: &[QueryResult], context: &CallContext) -> Report {
        let sources = match self.sources(results, context) {
            Ok(sources) => sources,
            Err((window, reason, error)) => return self.unknown_in(window, &reason, error),
        };
        // Formats tell the checks of a report apart by the address of this value.
        let info = self.info(&sources);
        let mut findings = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            if let Some(reason) = incomplete_reason(source.result.completeness(), &source.window) {
                let reason = format!("{}{reason}", self.role(index));
                findings.push(Finding::of_check(&info, Status::Unknown, &reason));
            }
        }
        findings.extend(self.judge_idle_divisors(&info, &sources));
        let mut rows = Vec::new();
        for row in self.rows(&sources) {
            rows.push(self.judge_row(row, &sources));
        }
        findings.extend(self.judge_expectations(&info, &rows));
        // A series that is missing from the result might violate a threshold, so that it is not
        // certain that all series do.
        let uncertain = findings
            .iter()
            .any(|finding| finding.status == Status::Unknown)
            || rows.iter().any(|row| self.is_uncertain(&row.judged));
        let statuses = rows.iter().filter_map(|row| match &row.judged {
            Judged::Verdict(verdict) => Some(verdict.status),
            Judged::Missing(_) | Judged::Unusable(_) => None,
        });
        let evaluation = Evaluation::new(self.quantifier, statuses, uncertain);
        for row in &rows {
            findings.push(self.series_finding(&info, row, &evaluation, &sources));
        }
        Report::new(findings)
    }

    /// Assigns the results to the queries, and resolves the windows of the queries.
    ///
    /// # Errors
    ///
    /// The reason why the results cannot be judged.
    fn sources<'a>(
        &self,
        results: &'a [QueryResult],
        context: &CallContext,
    ) -> Result<Vec<Source<'a>>, Refusal> {
        let queries = self.queries();
        if results.len() != queries.len() {
            let reason = format!(
                "expected {} results, one for each of Check::queries, found {}",
                queries.len(),
                results.len()
            );
            return Err((None, reason, Some(ErrorKind::InvalidInput)));
        }
        let mut sources = Vec::new();
        let mut bounds = None;
        for (index, (query, result)) in queries.iter().zip(results).enumerate() {
            let role = self.role(index);
            let mut window = match CheckWindow::new(query, context) {
                Ok(window) => window,
                Err(error) => {
                    let reason = format!("{role}{}", error_chain(&error));
                    return Err((bounds, reason, Some(error.kind())));
                }
            };
            // A sum of two complete buckets must not be compared with a sum of sixty.
            if let Some(comparison) = self.comparison.filter(|_| self.is_baseline(index)) {
                let until = window.settled_until().checked_sub(comparison.shift);
                window.settle_by(until.unwrap_or(window.settled_until()));
            }
            if index == 0 {
                bounds = window.bounds();
            }
            let reason =
                empty_window_reason(&window).or_else(|| mismatch_reason(query, result, &window));
            if let Some(reason) = reason {
                return Err((bounds, format!("{role}{reason}"), None));
            }
            sources.push(Source {
                result,
                window,
                is_grouped: query.is_grouped(),
            });
        }
        Ok(sources)
    }

    /// Returns true if the query with this index is of the baseline.
    fn is_baseline(&self, index: usize) -> bool {
        self.comparison.is_some() && index >= self.queries_per_window()
    }

    /// Returns the findings about divisors without labels that divide nothing.
    fn judge_idle_divisors(&self, info: &Arc<CheckInfo>, sources: &[Source<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (window, pair) in sources.chunks(self.queries_per_window()).enumerate() {
            let [values, divisor] = pair else { continue };
            if divisor.is_grouped || !values.result.series().is_empty() {
                continue;
            }
            // `on_missing` may excuse that nothing is divided, but not data that is stale.
            let Some(series) = divisor.result.series().first() else {
                continue;
            };
            let reduced = reduce_series(series, &divisor.window, self.reduce, self.limits);
            if let Reduced::Unusable(reason) = reduced {
                let role = self.role(2 * window + 1);
                let reason = format!("{role}{reason}");
                findings.push(Finding::of_check(info, Status::Unknown, &reason));
            }
        }
        findings
    }

    /// Compares one series with the thresholds.
    fn judge_row<'a>(&self, row: Row<'a>, sources: &[Source<'a>]) -> JudgedRow<'a> {
        let series = row.value.as_ref().and_then(|value| value.series);
        if let (Some(rule), Some(source), Some(series)) = (self.datapoints, sources.first(), series)
        {
            let (points, coverage) = last_buckets(series, &source.window, rule.of);
            let values = points.iter().map(|point| point.value);
            let counts = DatapointCounts::new(rule, self.thresholds, values);
            // The latest value is for the report: the counts decide.
            let last = points.last().copied();
            let stale = last.and_then(|last| {
                // The default age of the last value is for a value that is judged by itself.
                self.limits.max_age?;
                stale_reason(last, &source.window, self.reduce, self.limits.max_age)
            });
            let judged = match stale.or_else(|| self.limits.coverage_reason(coverage)) {
                Some(reason) => Judged::Unusable(reason),
                None => match counts.verdict(self.thresholds) {
                    Ok(verdict) => Judged::Verdict(verdict),
                    Err(reason) => Judged::Unusable(reason),
                },
            };
            return JudgedRow {
                row,
                judged,
                datapoints: Some((counts, last, coverage)),
            };
        }
        let judged = match &row.number {
            Number::Value(value) => Judged::Verdict(Verdict::new(self.thresholds, *value)),
            Number::Missing(reason) => Judged::Missing(reason.clone()),
            Number::Unusable(reason) => Judged::Unusable(reason.clone()),
        };
        JudgedRow {
            row,
            judged,
            datapoints: None,
        }
    }

    /// Returns true if the series might violate a threshold although it has no verdict.
    fn is_uncertain(&self, judged: &Judged) -> bool {
        match judged {
            Judged::Verdict(_) => false,
            Judged::Missing(_) => self.on_missing == Missing::Unknown,
            Judged::Unusable(_) => true,
        }
    }

    /// Returns the findings about series that the result lacks.
    fn judge_expectations(&self, info: &Arc<CheckInfo>, rows: &[JudgedRow<'_>]) -> Vec<Finding> {
        let mut reasons = Vec::new();
        let is_empty = !rows.iter().any(JudgedRow::is_returned);
        // Unmet expectations name the cause as well, so that one cause is not reported twice.
        let cause = if is_empty {
            format!(": {}", self.empty_result())
        } else {
            String::new()
        };
        let missing_labels = self.missing_labels(rows);
        let with_data = rows.iter().filter(|row| row.has_data()).count();
        if let Some(min) = self.min_series.filter(|min| with_data < *min) {
            let data = self.data();
            reasons.push(self.unmet_expectation(&format!(
                "expected at least {min} series with {data}, found {with_data}{cause}"
            )));
        } else if is_empty && missing_labels.is_empty() {
            reasons.push(self.missing(&format!("no series returned{cause}")));
        }
        let evaluated = rows
            .iter()
            .filter(|row| matches!(row.judged, Judged::Verdict(_)))
            .count();
        // Without this finding, a check that cannot reach its quantifier would always be OK.
        if let Quantifier::AtLeast(required) = self.quantifier {
            if !self.thresholds.is_empty() && evaluated < required && !rows.is_empty() {
                reasons.push(self.missing(&format!(
                    "the quantifier requires {required} series, \
                     but only {evaluated} could be evaluated"
                )));
            }
        }
        let mut findings: Vec<_> = reasons
            .into_iter()
            .map(|(status, reason)| Finding::of_check(info, status, &reason))
            .collect();
        let data = self.data();
        let reason = format!("expected, but no series with {data} has this label{cause}");
        for (label, value) in missing_labels {
            let (status, reason) = self.unmet_expectation(&reason);
            findings.push(Finding {
                subject: Subject::Series,
                labels: Labels::new(&[(label, value)]).unwrap_or_default(),
                ..Finding::of_check(info, status, &reason)
            });
        }
        findings
    }

    /// Returns the cause of a result without series. It names the filter, which may be mistyped.
    fn empty_result(&self) -> String {
        match &self.query.filter {
            Some(filter) => {
                let filter = sanitize_line(&filter.to_string(), 100);
                format!("nothing matched {filter}, or nothing was recorded in the window")
            }
            None => "nothing was recorded in the window".to_owned(),
        }
    }

    /// Returns what a series must have to meet an expectation.
    const fn data(&self) -> &'static str {
        match (&self.comparison, &self.divisor) {
            (Some(_), _) => "a change",
            (None, Some(_)) => "a ratio",
            (None, None) => "data",
        }
    }

    /// Returns the expected label values that no series with data has, sorted.
    fn missing_labels<'a>(&'a self, rows: &[JudgedRow<'_>]) -> BTreeSet<(&'a str, &'a str)> {
        let mut missing = BTreeSet::new();
        for (label, values) in &self.expected_labels {
            let present: HashSet<_> = rows
                .iter()
                .filter(|row| row.has_data())
                .filter_map(|row| row.row.labels.get(label))
                .collect();
            for value in values {
                if !present.contains(value.as_str()) {
                    missing.insert((label.as_str(), value.as_str()));
                }
            }
        }
        missing
    }

    /// Returns the status of missing data, and the reason with the setting that led to it.
    pub(super) fn missing(&self, reason: &str) -> (Status, String) {
        match self.on_missing {
            Missing::Unknown => (Status::Unknown, reason.to_owned()),
            other => (other.status(), format!("{reason} (on_missing: {other})")),
        }
    }

    /// Like [`missing`](Self::missing), but never OK, since the data was expected by name.
    fn unmet_expectation(&self, reason: &str) -> (Status, String) {
        match self.on_missing {
            Missing::Ok => (Status::Unknown, reason.to_owned()),
            _ => self.missing(reason),
        }
    }

    /// Returns a report with one finding of unknown status, about an error if there is one.
    pub(super) fn unknown(&self, reason: &str, error: Option<ErrorKind>) -> Report {
        self.unknown_in(None, reason, error)
    }

    /// Returns the report of a check that is invalid.
    pub(super) fn invalid(&self, reason: &str) -> Report {
        self.unknown(reason, Some(ErrorKind::InvalidInput))
    }

    /// Returns a report with one finding of unknown status about a window.
    fn unknown_in(
        &self,
        window: Option<TimeRange>,
        reason: &str,
        error: Option<ErrorKind>,
    ) -> Report {
        let info = Arc::new(CheckInfo {
            window,
            ..self.info_without_windows()
        });
        Report::new(vec![Finding {
            error,
            ..Finding::of_check(&info, Status::Unknown, reason)
        }])
    }

    /// Returns the data that the findings share.
    fn info(&self, sources: &[Source<'_>]) -> Arc<CheckInfo> {
        let baseline = sources.get(self.queries_per_window());
        Arc::new(CheckInfo {
            window: sources.first().and_then(|source| source.window.bounds()),
            baseline_window: baseline.and_then(|source| source.window.bounds()),
            ..self.info_without_windows()
        })
    }

    /// Returns the data that the findings share if the windows are not known.
    fn info_without_windows(&self) -> CheckInfo {
        CheckInfo {
            name: self.name().to_owned(),
            metric: self.query.metric.clone(),
            filter: self.query.filter.clone(),
            divisor: self.divisor.as_ref().map(|divisor| DivisorInfo {
                metric: divisor.metric.clone(),
                filter: divisor.filter.clone(),
            }),
            reduce: self.reduce,
            comparison: self.comparison,
            datapoints: self.datapoints,
            window: None,
            baseline_window: None,
            thresholds: self.thresholds,
            attempts: None,
        }
    }
}

impl JudgedRow<'_> {
    /// Returns true if the series has data, even if its value cannot be judged.
    fn has_data(&self) -> bool {
        !matches!(self.judged, Judged::Missing(_))
    }

    /// Returns true if the result of the check's own query has the series.
    fn is_returned(&self) -> bool {
        let value = self.row.value.as_ref();
        value.is_some_and(|value| value.series.is_some())
    }
}
