//! One line of output as monitoring plugins print it, by their [guidelines].
//!
//! [guidelines]: https://www.monitoring-plugins.org/doc/guidelines.html#AEN197

use std::io;

use crate::check::format::writer::{ReportView, ReportWriter, make_inert};
use crate::check::report::{Finding, Subject};
use crate::check::threshold::Threshold;
use crate::util::text::{needs_escape, sanitize_line};

/// The size of the longest line, in bytes. Some agents cut a longer one.
const MAX_LINE: usize = 4096;

/// The size of the longest text before the performance data, in characters of at most four bytes.
const MAX_TEXT: usize = 500;

pub(super) struct Nagios;

impl ReportWriter for Nagios {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        let summary = make_inert(self, &sanitize_line(&view.summary, MAX_TEXT));
        // The first pipe starts the performance data.
        let mut text = summary.replace('|', "\\u{7c}");
        let with_name = view.checks().count() > 1;
        let mut entries = Vec::new();
        for finding in view.findings() {
            if finding.subject == Subject::Series {
                entries.push(perfdata(finding, with_name));
            }
        }
        let total = entries.len();
        let mut shown = fitting(&entries, text.len());
        if shown < total {
            // The count of the others needs space, too.
            shown = fitting(&entries, text.len() + left_out_note(total).len());
            text.push_str(&left_out_note(total - shown));
        }
        entries.truncate(shown);
        let separator = if entries.is_empty() { "" } else { " | " };
        writeln!(out, "{text}{separator}{}", entries.join(" "))
    }
}

/// Returns the number of entries that fit a line, after a text of this size.
fn fitting(entries: &[String], text: usize) -> usize {
    let mut size = text + " | ".len();
    for (index, entry) in entries.iter().enumerate() {
        // A blank or a line feed follows each entry.
        size += entry.len() + 1;
        if size > MAX_LINE {
            return index;
        }
    }
    entries.len()
}

/// Returns the part of the text that says how many series have no performance data.
fn left_out_note(count: usize) -> String {
    format!("; {count} more series without performance data here")
}

/// Returns `'label'=value;warning;critical`, with `U` for an unknown value.
///
/// The numbers that were compared follow without thresholds: `'label/baseline'=number;;`.
fn perfdata(finding: &Finding, with_name: bool) -> String {
    let mut parts = Vec::new();
    if with_name || finding.labels.is_empty() {
        parts.push(escape_label(finding.check()));
    }
    for (_, value) in &finding.labels {
        parts.push(escape_label(value));
    }
    let label = parts.join("/");
    let thresholds = finding.info.thresholds;
    let warning = range(thresholds.warning);
    let critical = range(thresholds.critical);
    let mut data = datum(&label, finding.judged(), &warning, &critical);
    let details = &finding.details;
    let mut compared = Vec::new();
    if finding.info.comparison.is_some() {
        compared.push(("value", finding.value));
        compared.push(("baseline", details.baseline));
    } else if let Some((dividend, divisor)) = details.operands {
        compared.push(("dividend", Some(dividend)));
        compared.push(("divisor", Some(divisor)));
    }
    for (name, number) in compared {
        data.push(' ');
        data.push_str(&datum(&format!("{label}/{name}"), number, "", ""));
    }
    data
}

/// Returns one number with its label and ranges.
fn datum(label: &str, number: Option<f64>, warning: &str, critical: &str) -> String {
    let label = quote_label(label);
    // `Display` of a number never has an exponent, which the grammar lacks.
    let number = number.map_or_else(|| "U".into(), |number| number.to_string());
    format!("{label}={number};{warning};{critical}")
}

/// Returns the text form of a threshold, or an empty text.
fn range(threshold: Option<Threshold>) -> String {
    threshold
        .map(|threshold| threshold.to_string())
        .unwrap_or_default()
}

/// Percent-encodes what the grammar excludes, and the separator of parts.
fn escape_label(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for c in text.chars() {
        if needs_escape(c) || matches!(c, '%' | '=' | '|' | '/' | ';' | '#') {
            // `%` is among them, so that the label can be decoded.
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                part.push_str(&format!("%{byte:02X}"));
            }
        } else {
            part.push(c);
        }
    }
    part
}

/// Quotes a label of performance data if it needs quotes.
fn quote_label(label: &str) -> String {
    if !label.is_empty() && label.chars().all(needs_no_quotes) {
        return label.to_owned();
    }
    format!("'{}'", label.replace('\'', "''"))
}

/// Returns true if a label may have this character without quotes.
const fn needs_no_quotes(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '%' | ':')
}
