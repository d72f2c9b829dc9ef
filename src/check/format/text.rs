//! Text for people: the summary, and a table for each check.

use std::io;

use crate::check::format::humanize::format_value;
use crate::check::format::writer::{CheckView, ReportView, ReportWriter};

pub(super) struct Text;

impl ReportWriter for Text {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "{}", view.summary)?;
        // A check that was not evaluated has one finding and no window: the summary says it all.
        if let [finding] = view.findings() {
            if finding.value.is_none() && finding.info.window.is_none() {
                return Ok(());
            }
        }
        for check in view.checks() {
            writeln!(out, "\n{}", escape_start(&check.title()))?;
            write_rows(&check, out)?;
        }
        Ok(())
    }
}

/// Escapes `::` at the start of a line, where a GitHub runner expects a workflow command.
fn escape_start(line: &str) -> String {
    match line.strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => line.to_owned(),
    }
}

fn write_rows(check: &CheckView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let (findings, left_out) = check.elide_ok();
    let values: Vec<_> = findings
        .iter()
        .map(|finding| finding.value.map_or_else(|| "-".into(), format_value))
        .collect();
    let value_width = values.iter().map(String::len).max().unwrap_or(0);
    let sparkline_width = findings
        .iter()
        .map(|finding| finding.sparkline.chars().count())
        .max()
        .unwrap_or(0);
    for (finding, value) in findings.iter().zip(values) {
        let time = finding
            .timestamp
            .map_or_else(|| "-".into(), |timestamp| timestamp.to_string());
        let labels = if finding.labels.is_empty() {
            String::new()
        } else {
            format!("{}: ", finding.labels)
        };
        writeln!(
            out,
            "  {:<8}  {value:>value_width$}  {time:<20}  {:<sparkline_width$}  {labels}{}",
            finding.status, finding.sparkline, finding.verdict,
        )?;
    }
    if left_out > 0 {
        writeln!(out, "  and {left_out} more that are OK")?;
    }
    Ok(())
}
