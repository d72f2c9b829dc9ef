//! The trait of all report formats, and the report as they see it.

use std::borrow::Cow;
use std::io;

use crate::check::check_info::CheckInfo;
use crate::check::report::{self, Finding, Report};
use crate::check::status::Status;
use crate::model::filter::Filter;
use crate::util::text::{needs_escape, sanitize_line};

/// The OK series that formats for people show of each check: readers look for the others.
const MAX_OK_ROWS: usize = 10;

/// The characters of a filter that a title shows.
const MAX_FILTER: usize = 300;

/// A report format. Each has a file, a variant of `Format` and a line in `Format::writer`.
pub(super) trait ReportWriter {
    /// Writes the report, or returns the error of `out`.
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()>;

    /// Returns what replaces a character that must not appear in the output.
    ///
    /// Formats with escapes of their own use these, so that parsers see the character.
    fn escape(&self, c: char) -> String {
        c.escape_unicode().to_string()
    }
}

/// Replaces what would act on a terminal or in the log of a CI job, in a complete output.
///
/// Control characters and direction marks are replaced, and every `#` that follows another one:
/// the runners of GitHub and Azure Pipelines obey `##[…]` and `##vso[…]` anywhere in a line, and
/// `TeamCity` obeys `##teamcity[…]`.
pub(super) fn make_inert(writer: &dyn ReportWriter, output: &str) -> String {
    let mut inert = String::with_capacity(output.len());
    for c in output.chars() {
        let is_command = c == '#' && inert.ends_with('#');
        if is_command || (c != '\n' && needs_escape(c)) {
            inert.push_str(&writer.escape(c));
        } else {
            inert.push(c);
        }
    }
    inert
}

/// A report with at least one finding: an empty report has a placeholder.
pub(super) struct ReportView<'a> {
    /// The status of the report.
    pub(super) status: Status,
    /// One line.
    pub(super) summary: String,
    /// The findings of the report, or the placeholder.
    findings: Cow<'a, [Finding]>,
}

impl<'a> ReportView<'a> {
    /// Creates the view of a report, with a placeholder if it has no findings.
    pub(super) fn new(report: &'a Report) -> Self {
        Self {
            status: report.status(),
            summary: report.summary(),
            findings: report.findings_or_placeholder(),
        }
    }

    /// Returns all findings. There is at least one.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the findings by check, in the order of the report.
    pub(super) fn checks(&self) -> impl Iterator<Item = CheckView<'_>> {
        report::checks(&self.findings).filter_map(|findings| {
            let info = &findings.first()?.info;
            Some(CheckView { info, findings })
        })
    }
}

/// One check of a report.
pub(super) struct CheckView<'a> {
    pub(super) info: &'a CheckInfo,
    /// At least one, the worst first.
    pub(super) findings: &'a [Finding],
}

impl<'a> CheckView<'a> {
    /// Returns the worst status of the findings.
    pub(super) fn status(&self) -> Status {
        let worst = self.findings.iter().map(Finding::status).max();
        worst.unwrap_or(Status::Unknown)
    }

    /// Returns the name, metric, filter, comparison, window, thresholds and attempts as one line.
    pub(super) fn title(&self) -> String {
        let info = self.info;
        let mut title = sanitize_line(&info.name, usize::MAX);
        if !info.metric.is_empty() && info.metric != info.name {
            let metric = sanitize_line(&info.metric, usize::MAX);
            title.push_str(&format!(": {metric}"));
        }
        push_filter(&mut title, info.filter.as_ref());
        if let Some(divisor) = &info.divisor {
            let metric = sanitize_line(&divisor.metric, usize::MAX);
            title.push_str(&format!(", divided by {metric}"));
            push_filter(&mut title, divisor.filter.as_ref());
        }
        match info.datapoints {
            Some(datapoints) => title.push_str(&format!(", {}", datapoints.describe())),
            None => title.push_str(&format!(", {}", info.reduce)),
        }
        if let Some((start, end)) = info.window {
            title.push_str(&format!(" from {start} to {end}"));
        }
        if let Some(comparison) = info.comparison {
            title.push_str(&format!(", {comparison}"));
        }
        for (name, threshold) in info.thresholds.iter() {
            title.push_str(&format!(", {name} {threshold}"));
        }
        if let Some(attempts) = &info.attempts {
            title.push_str(&format!("; {attempts}"));
        }
        title
    }

    /// Returns the findings that formats for people show, and the number of OK ones left out.
    pub(super) fn elide_ok(&self) -> (&'a [Finding], usize) {
        let ok = self
            .findings
            .iter()
            .filter(|finding| finding.status == Status::Ok)
            .count();
        let left_out = ok.saturating_sub(MAX_OK_ROWS);
        // The OK findings are the last ones.
        (&self.findings[..self.findings.len() - left_out], left_out)
    }
}

/// Adds a filter to a title, if there is one.
fn push_filter(title: &mut String, filter: Option<&Filter>) {
    if let Some(filter) = filter {
        let filter = sanitize_line(&filter.to_string(), MAX_FILTER);
        title.push_str(&format!(", where {filter}"));
    }
}
