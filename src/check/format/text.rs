//! A report for people.

use crate::check::format::humanize::format_value;
use crate::check::report::{Finding, Metadata, Report, Status};
use crate::util::text::sanitize_line;

/// How many series that are fine are shown of each check: they are not what somebody is looking for.
const MAX_OK_ROWS: usize = 10;

/// The characters of a filter that are shown: enough for what a person wrote.
const LONGEST_FILTER: usize = 300;

#[inline]
pub(super) fn write(report: &Report) -> String {
    let mut text = report.summary();
    text.push('\n');
    let shown = report.findings_or_placeholder();
    // What was never asked has no window, and is told as a whole by the summary.
    if let [
        Finding {
            value: None, about, ..
        },
    ] = &*shown
    {
        if about.window.is_none() {
            return text;
        }
    }
    for findings in report.checks(&shown) {
        if let Some(first) = findings.first() {
            text.push_str(&format!("\n{}\n", title(&first.about)));
        }
        text.push_str(&rows(findings));
    }
    text
}

/// What the check is, on one line.
#[inline]
pub(super) fn title(about: &Metadata) -> String {
    let (name, metric) = (
        sanitize_line(&about.name, usize::MAX),
        sanitize_line(&about.metric, usize::MAX),
    );
    let mut title = name.clone();
    if !metric.is_empty() && metric != name {
        title = format!("{title}: {metric}");
    }
    if let Some(filter) = &about.filter {
        title.push_str(&format!(
            ", where {}",
            sanitize_line(&filter.to_string(), LONGEST_FILTER)
        ));
    }
    title.push_str(&format!(", {}", about.reduce));
    if let Some((start, end)) = about.window {
        title.push_str(&format!(" from {start} to {end}"));
    }
    for (level, threshold) in about.thresholds.named() {
        title.push_str(&format!(", {level} {threshold}"));
    }
    title
}

/// The findings to show, and how many that are fine are left out.
pub(super) fn elide_ok(findings: &[Finding]) -> (Vec<&Finding>, usize) {
    let fine = findings
        .iter()
        .filter(|finding| finding.status == Status::Ok)
        .count();
    let left_out = fine.saturating_sub(MAX_OK_ROWS);
    (
        findings.iter().take(findings.len() - left_out).collect(),
        left_out,
    )
}

#[inline]
fn rows(findings: &[Finding]) -> String {
    let (shown, left_out) = elide_ok(findings);
    let values: Vec<_> = shown
        .iter()
        .map(|finding| finding.value.map_or("-".into(), format_value))
        .collect();
    let widest = values.iter().map(String::len).max().unwrap_or(0);
    let bars = shown
        .iter()
        .map(|finding| finding.sparkline.chars().count())
        .max()
        .unwrap_or(0);
    let mut rows = String::new();
    for (finding, value) in shown.into_iter().zip(values) {
        let at = finding.timestamp.map_or("-".into(), |at| at.to_string());
        let series = if finding.labels.is_empty() {
            String::new()
        } else {
            format!("{}: ", finding.labels)
        };
        rows.push_str(&format!(
            "  {:<8}  {value:>widest$}  {at:<20}  {:<bars$}  {series}{}\n",
            finding.status, finding.sparkline, finding.verdict,
        ));
    }
    if left_out > 0 {
        rows.push_str(&format!("  and {left_out} more that are OK\n"));
    }
    rows
}
