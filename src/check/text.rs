//! A report for people.

use crate::check::report::{About, Finding, Report, Status};
use crate::check::words::number;
use crate::error::one_line;

/// How many series that are fine are shown of each check: they are not what somebody is looking for.
const FINE: usize = 10;

/// The characters of a filter that are shown: enough for what a person wrote.
const LONGEST_FILTER: usize = 300;

#[inline]
pub(super) fn text(report: &Report) -> String {
    let mut text = report.summary();
    text.push('\n');
    let shown = report.shown();
    // What was never asked has no window, and is told as a whole by the summary.
    if let [Finding { value: None, about, .. }] = &*shown {
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
pub(super) fn title(about: &About) -> String {
    let (name, metric) = (one_line(&about.name, usize::MAX), one_line(&about.metric, usize::MAX));
    let mut title = name.clone();
    if !metric.is_empty() && metric != name {
        title = format!("{title}: {metric}");
    }
    if let Some(filter) = &about.filter {
        title.push_str(&format!(", where {}", one_line(&filter.words(), LONGEST_FILTER)));
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
pub(super) fn without_the_fine(findings: &[Finding]) -> (Vec<&Finding>, usize) {
    let fine = findings.iter().filter(|finding| finding.status == Status::Ok).count();
    let left_out = fine.saturating_sub(FINE);
    (findings.iter().take(findings.len() - left_out).collect(), left_out)
}

#[inline]
fn rows(findings: &[Finding]) -> String {
    let (shown, left_out) = without_the_fine(findings);
    let values: Vec<_> = shown.iter().map(|finding| finding.value.map_or("-".into(), number)).collect();
    let widest = values.iter().map(String::len).max().unwrap_or(0);
    let bars = shown.iter().map(|finding| finding.bars.chars().count()).max().unwrap_or(0);
    let mut rows = String::new();
    for (finding, value) in shown.into_iter().zip(values) {
        let at = finding.timestamp.map_or("-".into(), |at| at.to_string());
        let series = if finding.labels.is_empty() { String::new() } else { format!("{}: ", finding.labels) };
        rows.push_str(&format!(
            "  {:<8}  {value:>widest$}  {at:<20}  {:<bars$}  {series}{}\n",
            finding.status, finding.bars, finding.verdict,
        ));
    }
    if left_out > 0 {
        rows.push_str(&format!("  and {left_out} more that are OK\n"));
    }
    rows
}
