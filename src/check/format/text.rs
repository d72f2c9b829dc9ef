//! Text for people: the summary, and a table for each check.

use std::io;

use crate::check::format::humanize::format_value;
use crate::check::format::writer::{CheckView, ReportView, ReportWriter};
use crate::time::timestamp::Timestamp;

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

/// A line of a table.
struct Row<'a> {
    status: &'static str,
    value: String,
    time: String,
    sparkline: &'a str,
    text: String,
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
    let mut rows = Vec::new();
    for finding in findings {
        let labels = if finding.labels.is_empty() {
            String::new()
        } else {
            format!("{}: ", finding.labels)
        };
        rows.push(Row {
            status: finding.status.as_str(),
            value: optional_value(finding.value),
            time: optional_time(finding.timestamp),
            sparkline: &finding.sparkline,
            text: format!("{labels}{}", finding.verdict),
        });
        let details = &finding.details;
        if details.baseline.is_some() || !details.baseline_sparkline.is_empty() {
            rows.push(Row {
                status: "",
                value: optional_value(details.baseline),
                time: optional_time(details.baseline_timestamp),
                sparkline: &details.baseline_sparkline,
                text: "baseline".to_owned(),
            });
        }
    }
    let mut value_width = 0;
    let mut sparkline_width = 0;
    for row in &rows {
        value_width = value_width.max(row.value.len());
        sparkline_width = sparkline_width.max(row.sparkline.chars().count());
    }
    for row in rows {
        writeln!(
            out,
            "  {:<8}  {:>value_width$}  {:<20}  {:<sparkline_width$}  {}",
            row.status, row.value, row.time, row.sparkline, row.text,
        )?;
    }
    if left_out > 0 {
        writeln!(out, "  and {left_out} more that are OK")?;
    }
    Ok(())
}

/// Returns a value, or a dash.
fn optional_value(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), format_value)
}

/// Returns a time, or a dash.
fn optional_time(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".into(), |time| time.to_string())
}
