//! Markdown tables, for the summary of a workflow step or a comment.

use std::io;

use crate::check::format::humanize::format_value;
use crate::check::format::writer::{CheckView, ReportView, ReportWriter};
use crate::check::report::Finding;
use crate::util::text::sanitize_line;

/// The rows of a table. GitHub limits the summary of a step to 1 MiB.
const MAX_ROWS: usize = 500;

pub(super) struct Markdown;

impl ReportWriter for Markdown {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "**{}**", escape(&view.summary))?;
        for check in view.checks() {
            write_table(&check, out)?;
        }
        Ok(())
    }
}

fn write_table(check: &CheckView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    // A line that starts with the name could be a list item or a heading.
    writeln!(out, "\nCheck {}\n", escape(&check.title()))?;
    writeln!(out, "| status | series | value | at | points | reason |")?;
    writeln!(out, "| --- | --- | ---: | --- | --- | --- |")?;
    let (findings, ok_left_out) = check.elide_ok();
    for finding in findings.iter().take(MAX_ROWS) {
        write_row(finding, out)?;
    }
    let bad_left_out = findings.len().saturating_sub(MAX_ROWS);
    if bad_left_out > 0 {
        let left_out = bad_left_out + ok_left_out;
        writeln!(
            out,
            "\n**and {left_out} more**, none worse than those above"
        )?;
    } else if ok_left_out > 0 {
        writeln!(out, "\nand {ok_left_out} more that are OK")?;
    }
    Ok(())
}

fn write_row(finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let labels = if finding.labels.is_empty() {
        String::new()
    } else {
        escape(&finding.labels.to_string())
    };
    let value = finding.value.map(format_value).unwrap_or_default();
    let time = finding
        .timestamp
        .map(|timestamp| timestamp.to_string())
        .unwrap_or_default();
    writeln!(
        out,
        "| {} | {labels} | {} | {time} | {} | {} |",
        finding.status,
        escape(&value),
        finding.sparkline,
        escape(&finding.verdict),
    )
}

/// Escapes what has a meaning in Markdown, HTML or GitHub's extensions.
fn escape(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    // A backslash escapes Markdown, an entity escapes HTML. `$` would start math on GitHub.
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
