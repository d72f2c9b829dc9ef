//! Markdown tables, for the summary of a workflow step or a comment.

use std::io;

use crate::check::format::humanize::format_value;
use crate::check::format::writer::{CheckView, ReportView, ReportWriter};
use crate::check::report::Finding;
use crate::util::text::sanitize_line;

/// The rows of all tables. GitHub drops the summary of a step that exceeds 1 MiB.
const MAX_ROWS: usize = 500;

/// The longest text in a cell, in characters.
const MAX_TEXT: usize = 1000;

pub(super) struct Markdown;

impl ReportWriter for Markdown {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        let status = view.status.as_str();
        let summary = view.summary.strip_prefix(status).unwrap_or(&view.summary);
        let summary = summary.strip_prefix(": ").unwrap_or(summary);
        writeln!(out, "**{status}**: {}", escape(summary))?;
        let mut rows_left = MAX_ROWS;
        for check in view.checks() {
            rows_left -= write_table(&check, rows_left, out)?;
        }
        Ok(())
    }
}

/// Writes a table of at most `max_rows` rows, and returns their number.
fn write_table(
    check: &CheckView<'_>,
    max_rows: usize,
    out: &mut dyn io::Write,
) -> io::Result<usize> {
    writeln!(out, "\nCheck {}\n", escape(&check.title()))?;
    let has_baseline = check.info.comparison.is_some();
    if has_baseline {
        writeln!(
            out,
            "| status | series | value | baseline | at | points | reason |"
        )?;
        writeln!(out, "| --- | --- | ---: | ---: | --- | --- | --- |")?;
    } else {
        writeln!(out, "| status | series | value | at | points | reason |")?;
        writeln!(out, "| --- | --- | ---: | --- | --- | --- |")?;
    }
    let (findings, ok_left_out) = check.elide_ok();
    let rows = findings.len().min(max_rows);
    for finding in findings.iter().take(rows) {
        write_row(finding, has_baseline, out)?;
    }
    let left_out = findings.len() - rows + ok_left_out;
    match findings.get(rows) {
        Some(worst) if rows == 0 => writeln!(
            out,
            "\n**{left_out} not shown**, the worst is {}",
            worst.status
        )?,
        Some(_) => writeln!(
            out,
            "\n**and {left_out} more**, none worse than those above"
        )?,
        None if left_out > 0 => writeln!(out, "\nand {left_out} more that are OK")?,
        None => {}
    }
    Ok(rows)
}

fn write_row(finding: &Finding, has_baseline: bool, out: &mut dyn io::Write) -> io::Result<()> {
    let labels = if finding.labels.is_empty() {
        String::new()
    } else {
        escape(&finding.labels.to_string())
    };
    let mut value = finding.value.map(format_value).unwrap_or_default();
    let mut points = finding.sparkline.clone();
    if has_baseline {
        let details = &finding.details;
        let baseline = details.baseline.map(format_value).unwrap_or_default();
        value = format!("{value} | {baseline}");
        if !details.baseline_sparkline.is_empty() {
            // The bars of both windows have one scale, so one line is under the other.
            points = format!("{points}<br>{}", details.baseline_sparkline);
        }
    }
    let time = finding
        .timestamp
        .map(|timestamp| timestamp.to_string())
        .unwrap_or_default();
    writeln!(
        out,
        "| {} | {labels} | {value} | {time} | {points} | {} |",
        finding.status,
        escape(&finding.verdict),
    )
}

/// Makes text inert, in a cell or elsewhere: a code span, unless it consists of plain words.
///
/// Escapes would not do. GitHub links `@name`, `#1` and addresses, and draws `:emoji:`, after it has
/// read the Markdown, so that only code is safe.
fn escape(text: &str) -> String {
    // A backslash before a pipe would end the cell in some versions of cmark-gfm.
    let text = sanitize_line(text, MAX_TEXT).replace('|', "\\u{7c}");
    if text.chars().all(is_plain) && !text.contains("www.") {
        return text;
    }
    // A longer run of backticks than any inside is the delimiter.
    let mut delimiter = "`".to_owned();
    while text.contains(&delimiter) {
        delimiter.push('`');
    }
    let blank = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{delimiter}{blank}{text}{blank}{delimiter}")
}

/// Returns true for a character that has no meaning in Markdown, HTML or GitHub's extensions.
const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ' ' | ',' | ';' | '.' | '(' | ')' | '%')
}
