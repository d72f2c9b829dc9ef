//! The finding of one series: its numbers, and the sentence that explains its status.
//!
//! ```text
//! value    the last value, 12 at T, is above 10 (critical)
//! ratio    the ratio of the sums, 0.5 (6 / 12 up to the bucket at T), is above 0.1 (critical)
//! change   the change of the maximum, 20 % (from 10 to 12 at T), is above 5 (critical)
//! buckets  3 of the last 5 buckets violate the critical threshold (3 required); latest 12 at T
//! ```

use std::sync::Arc;

use crate::check::check::Check;
use crate::check::check_info::CheckInfo;
use crate::check::evaluate::{Judged, JudgedRow};
use crate::check::format::humanize::format_value;
use crate::check::quantifier::Evaluation;
use crate::check::ratio::{Measurement, Source};
use crate::check::reduce::Reduce;
use crate::check::report::{Details, Finding, Subject};
use crate::check::sparkline::Sparkline;
use crate::check::status::Status;
use crate::check::value::Coverage;
use crate::model::series::{Point, Series};

impl Check {
    /// Returns the finding of one series.
    pub(super) fn series_finding(
        &self,
        info: &Arc<CheckInfo>,
        row: &JudgedRow<'_>,
        evaluation: &Evaluation,
        sources: &[Source<'_>],
    ) -> Finding {
        let point = match &row.datapoints {
            Some((_, last, _)) => *last,
            None => row
                .row
                .value
                .as_ref()
                .and_then(|value| value.reduced.point()),
        };
        let details = self.details(row);
        let (status, reason, verdict) = match &row.judged {
            Judged::Missing(reason) => {
                let (status, reason) = self.missing(reason);
                (status, reason.clone(), reason)
            }
            Judged::Unusable(reason) => (Status::Unknown, reason.clone(), reason.clone()),
            Judged::Verdict(verdict) => {
                let (status, mut words) = evaluation.judge(verdict);
                words.push_str(&self.coverage_notes(row));
                let reason = match point {
                    Some(point) => self.sentence(point, &details, &words),
                    None => words.clone(),
                };
                (status, reason, self.short_verdict(&details, words))
            }
        };
        // A ratio has the points of its dividend.
        let (sparkline, baseline_sparkline) = self.sparklines(row, sources);
        Finding {
            subject: Subject::Series,
            labels: row.row.labels.clone(),
            value: point.map(|point| point.value),
            timestamp: point.map(|point| point.timestamp),
            verdict,
            sparkline,
            details: Details {
                baseline_sparkline,
                ..details
            },
            ..Finding::of_check(info, status, &reason)
        }
    }

    /// Returns the numbers behind the finding of a series.
    fn details(&self, row: &JudgedRow<'_>) -> Details {
        let value = row.row.value.as_ref();
        let baseline = row.row.baseline.as_ref();
        let baseline = baseline.and_then(|baseline| baseline.reduced.point());
        let coverage = value.and_then(|value| value.reduced.coverage());
        Details {
            operands: value.and_then(|value| value.operands),
            baseline: baseline.map(|point| point.value),
            baseline_timestamp: baseline.map(|point| point.timestamp),
            change: self.comparison.and(row.row.number.value()),
            coverage: match &row.datapoints {
                Some((_, _, coverage)) => Some(*coverage),
                None => coverage,
            },
            datapoints: row.datapoints.as_ref().map(|(counts, _, _)| *counts),
            baseline_sparkline: String::new(),
        }
    }

    /// Returns the sentence about a series with a verdict.
    fn sentence(&self, point: Point, details: &Details, words: &str) -> String {
        let value = format_value(point.value);
        let time = point.timestamp;
        if self.datapoints.is_some() {
            return format!("{words}; the latest value was {value} at {time}");
        }
        // The minimum and the maximum are values of one point, a mean or a sum is of all points.
        let at = match self.reduce {
            Reduce::Last | Reduce::Min | Reduce::Max => "at",
            Reduce::Mean | Reduce::Sum | Reduce::Rate => "up to the bucket at",
        };
        let subject = match self.divisor {
            Some(_) => format!("the ratio of {}", self.reduce.plural()),
            None => self.reduce.description().to_owned(),
        };
        if let (Some(comparison), Some(baseline), Some(change)) =
            (self.comparison, details.baseline, details.change)
        {
            let change = comparison.change.format(change);
            let baseline = format_value(baseline);
            return format!(
                "the change of {subject}, {change} (from {baseline} to {value} {at} {time}), {words}"
            );
        }
        match details.operands {
            Some((dividend, divisor)) => {
                let dividend = format_value(dividend);
                let divisor = format_value(divisor);
                format!("{subject}, {value} ({dividend} / {divisor} {at} {time}), {words}")
            }
            None => format!("{subject}, {value} {at} {time}, {words}"),
        }
    }

    /// Returns the verdict for tables, which have the value and the time in columns.
    fn short_verdict(&self, details: &Details, words: String) -> String {
        if let (Some(comparison), Some(change)) = (self.comparison, details.change) {
            return format!("{} {words}", comparison.change.format(change));
        }
        match details.operands {
            Some((dividend, divisor)) => {
                let dividend = format_value(dividend);
                let divisor = format_value(divisor);
                format!("{dividend} / {divisor} {words}")
            }
            None => words,
        }
    }

    /// Returns a note for each number that lacked buckets.
    fn coverage_notes(&self, row: &JudgedRow<'_>) -> String {
        let mut notes = String::new();
        // The last value is of one bucket, and single buckets have a count of their own.
        if self.reduce == Reduce::Last {
            return notes;
        }
        let windows = [
            (row.row.value.as_ref(), "", "divisor: "),
            (
                row.row.baseline.as_ref(),
                "baseline: ",
                "divisor of the baseline: ",
            ),
        ];
        for (measurement, role, divisor_role) in windows {
            let Some(measurement) = measurement else {
                continue;
            };
            push_note(&mut notes, role, measurement.reduced.coverage());
            push_note(&mut notes, divisor_role, measurement.divisor_coverage);
        }
        notes
    }

    /// Draws the points of both windows at one scale.
    fn sparklines(&self, row: &JudgedRow<'_>, sources: &[Source<'_>]) -> (String, String) {
        let mut line = draw(row.row.value.as_ref(), sources.first());
        let mut baseline = draw(
            row.row.baseline.as_ref(),
            sources.get(self.queries_per_window()),
        );
        line.share_scale(&mut baseline);
        (line.draw(), baseline.draw())
    }
}

/// Adds a note if buckets lack data.
fn push_note(notes: &mut String, role: &str, coverage: Option<Coverage>) {
    if let Some(coverage) = coverage.filter(|coverage| !coverage.is_full()) {
        notes.push_str(&format!("; {role}{coverage}"));
    }
}

/// Returns the columns of a series, or none if there is no series.
fn draw(measurement: Option<&Measurement<'_>>, source: Option<&Source<'_>>) -> Sparkline {
    let series: Option<&Series> = measurement.and_then(|measurement| measurement.series);
    match (series, source) {
        (Some(series), Some(source)) => Sparkline::new(series, &source.window),
        _ => Sparkline::default(),
    }
}
