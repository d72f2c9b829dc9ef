//! A report as Markdown, for the summary of a step or a comment.

use std::io;

use crate::check::format::humanize::format_value;
use crate::check::format::text::{elide_ok, title};
use crate::check::report::{Finding, Report};
use crate::util::text::sanitize_line;

/// More rows than that nobody reads, and a summary of a step may hold 1 MiB.
const ROWS_PER_TABLE: usize = 500;

pub(super) fn markdown<W: io::Write>(report: &Report, out: &mut W) -> io::Result<()> {
    writeln!(out, "**{}**", escaped(&report.summary()))?;
    let shown = report.findings_or_placeholder();
    for findings in report.checks(&shown) {
        let Some(first) = findings.first() else {
            continue;
        };
        // A line that began with the name could be a list or a heading.
        writeln!(out, "\nCheck {}\n", escaped(&title(&first.about)))?;
        writeln!(out, "| status | series | value | at | points | reason |")?;
        writeln!(out, "| --- | --- | ---: | --- | --- | --- |")?;
        let (rows, fine) = elide_ok(findings);
        for finding in rows.iter().take(ROWS_PER_TABLE) {
            row(finding, out)?;
        }
        match rows.len().saturating_sub(ROWS_PER_TABLE) {
            0 if fine == 0 => {}
            0 => writeln!(out, "\nand {fine} more that are OK")?,
            more => writeln!(
                out,
                "\n**and {} more**, none worse than those above",
                more + fine
            )?,
        }
    }
    Ok(())
}

fn row<W: io::Write>(finding: &Finding, out: &mut W) -> io::Result<()> {
    let series = if finding.labels.is_empty() {
        String::new()
    } else {
        escaped(&finding.labels.to_string())
    };
    let value = finding.value.map_or(String::new(), format_value);
    let at = finding.timestamp.map_or(String::new(), |at| at.to_string());
    let (status, bars, verdict) = (
        finding.status,
        &finding.sparkline,
        escaped(&finding.verdict),
    );
    writeln!(
        out,
        "| {status} | {series} | {} | {at} | {bars} | {verdict} |",
        escaped(&value)
    )
}

/// Text on one line that means nothing to Markdown, HTML or GitHub.
#[inline]
fn escaped(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    for c in sanitize_line(text, usize::MAX).chars() {
        match c {
            '&' => markdown.push_str("&amp;"),
            '<' => markdown.push_str("&lt;"),
            '>' => markdown.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '|' | '$' | '#' | '!' => {
                markdown.push('\\');
                markdown.push(c);
            }
            _ => markdown.push(c),
        }
    }
    markdown
}
