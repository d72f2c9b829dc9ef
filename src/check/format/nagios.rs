//! One line as a monitoring plugin prints it, by the
//! [guidelines](https://www.monitoring-plugins.org/doc/guidelines.html#AEN197).

use std::io;

use crate::check::report::{Finding, Report, Subject};

pub(super) fn nagios<W: io::Write>(report: &Report, out: &mut W) -> io::Result<()> {
    // A pipe is where the performance data begins.
    write!(out, "{}", report.summary().replace('|', "\\u{7c}"))?;
    let shown = report.findings_or_placeholder();
    let several = report.checks(&shown).len() > 1;
    let series = shown
        .iter()
        .filter(|finding| finding.subject == Subject::Series);
    for (at, finding) in series.enumerate() {
        let before = if at == 0 { " | " } else { " " };
        write!(out, "{before}{}", perfdata(finding, several))?;
    }
    writeln!(out)
}

/// `'label'=value;warning;critical`, with `U` for a value that is not known.
#[inline]
fn perfdata(finding: &Finding, with_name: bool) -> String {
    let mut parts = Vec::new();
    if with_name || finding.labels.is_empty() {
        parts.push(escape_label(finding.check()));
    }
    parts.extend(finding.labels.iter().map(|(_, value)| escape_label(value)));
    let about = &finding.about;
    let range =
        |threshold: Option<_>| threshold.map_or(String::new(), |threshold| format!("{threshold}"));
    // Display of a number never has an exponent, which the grammar has no sign for.
    let value = finding.value.map_or("U".into(), |value| format!("{value}"));
    format!(
        "{}={value};{};{}",
        quoted(&parts.join("/")),
        range(about.thresholds.warning),
        range(about.thresholds.critical)
    )
}

/// A part of a label. What the grammar does not take, and what stands between parts, is percent-encoded.
#[inline]
fn escape_label(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '%' | '=' | '|' | '/' | ';' | '\u{2028}' | '\u{2029}') {
            let mut utf8 = [0; 4];
            c.encode_utf8(&mut utf8)
                .bytes()
                .for_each(|byte| part.push_str(&format!("%{byte:02X}")));
        } else {
            part.push(c);
        }
    }
    part
}

#[inline]
fn quoted(label: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '%' | ':');
    if !label.is_empty() && label.chars().all(is_plain) {
        return label.to_owned();
    }
    format!("'{}'", label.replace('\'', "''"))
}
