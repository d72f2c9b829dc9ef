//! `JUnit` XML, which most CI services read: a suite for each check, a case for each series.
//!
//! There is no official schema. This follows [what common readers accept].
//!
//! [what common readers accept]: https://github.com/testmoapp/junitxml

use std::collections::HashMap;
use std::io;

use crate::check::format::writer::{ReportView, ReportWriter};
use crate::check::report::Finding;
use crate::check::status::Status;

/// The number of cases written so far of each class and name.
type CaseCounts = HashMap<(String, String), usize>;

pub(super) struct JUnit;

impl ReportWriter for JUnit {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<testsuites{}>", counts(view.findings()))?;
        let mut case_counts = CaseCounts::new();
        for check in view.checks() {
            let name = escape(&check.info.name);
            writeln!(
                out,
                "  <testsuite name=\"{name}\"{}>",
                counts(check.findings)
            )?;
            for finding in check.findings {
                write_case(finding, &mut case_counts, out)?;
            }
            let title = escape(&check.title());
            writeln!(out, "    <system-out>{title}</system-out>")?;
            writeln!(out, "  </testsuite>")?;
        }
        writeln!(out, "</testsuites>")
    }

    fn escape(&self, c: char) -> String {
        format!("&#{};", u32::from(c))
    }
}

/// Returns the attributes that count cases.
fn counts(findings: &[Finding]) -> String {
    let mut failures = 0;
    let mut errors = 0;
    for finding in findings {
        match finding.status {
            Status::Critical | Status::Warning => failures += 1,
            Status::Unknown => errors += 1,
            Status::Ok => {}
        }
    }
    format!(
        " tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\"",
        findings.len()
    )
}

fn write_case(
    finding: &Finding,
    case_counts: &mut CaseCounts,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    // Escaped, because names that differ in control characters are the same in XML.
    let class = escape(finding.check());
    let mut name = if finding.labels.is_empty() {
        class.clone()
    } else {
        escape(&finding.labels.to_string())
    };
    // Readers merge cases of the same class and name, whatever their suite.
    let count = case_counts
        .entry((class.clone(), name.clone()))
        .or_insert(0);
    *count += 1;
    if *count > 1 {
        name = format!("{name} #{count}");
    }
    let status = finding.status;
    let reason = escape(&finding.reason);
    let outcome = match status {
        Status::Ok => format!("<system-out>{reason}</system-out>"),
        // A warning fails its case, because the exit code of the process is not 0 either.
        Status::Warning | Status::Critical => {
            format!("<failure type=\"{status}\" message=\"{reason}\">{reason}</failure>")
        }
        Status::Unknown => {
            format!("<error type=\"{status}\" message=\"{reason}\">{reason}</error>")
        }
    };
    writeln!(
        out,
        "    <testcase classname=\"{class}\" name=\"{name}\">{outcome}</testcase>"
    )
}

/// Escapes text for an attribute or an element.
///
/// Control characters that [XML 1.0 excludes] become U+FFFD.
///
/// [XML 1.0 excludes]: https://www.w3.org/TR/xml/#charsets
fn escape(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            // In an attribute, a parser replaces these by spaces unless they are references.
            '\t' | '\n' | '\r' => xml.push_str(&format!("&#{};", u32::from(c))),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            _ => xml.push(c),
        }
    }
    xml
}
