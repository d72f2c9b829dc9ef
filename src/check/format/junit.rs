//! A report as JUnit's XML, which most CI services read: a suite for each check, a case for each series.

use std::collections::HashMap;
use std::io;

use crate::check::format::text::title;
use crate::check::report::{Finding, Report, Status};

pub(super) fn junit<W: io::Write>(report: &Report, out: &mut W) -> io::Result<()> {
    let shown = report.findings_or_placeholder();
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites{}>",
        counts(&shown)
    )?;
    let mut names = HashMap::new();
    for findings in report.checks(&shown) {
        let Some(first) = findings.first() else {
            continue;
        };
        writeln!(
            out,
            "  <testsuite name=\"{}\"{}>",
            escaped(first.check()),
            counts(findings)
        )?;
        for finding in findings {
            case(finding, &mut names, out)?;
        }
        writeln!(
            out,
            "    <system-out>{}</system-out>\n  </testsuite>",
            escaped(&title(&first.about))
        )?;
    }
    writeln!(out, "</testsuites>")
}

fn counts(findings: &[Finding]) -> String {
    let count = |statuses: &[Status]| {
        findings
            .iter()
            .filter(|f| statuses.contains(&f.status))
            .count()
    };
    let failures = count(&[Status::Critical, Status::Warning]);
    let errors = count(&[Status::Unknown]);
    format!(
        " tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\"",
        findings.len()
    )
}

/// A warning fails its case as well: the process does not exit with 0 either.
fn case<W: io::Write>(
    finding: &Finding,
    names: &mut HashMap<(String, String), usize>,
    out: &mut W,
) -> io::Result<()> {
    let name = if finding.labels.is_empty() {
        finding.check().to_owned()
    } else {
        finding.labels.to_string()
    };
    // Readers take cases of one class and name for one case, in whatever suite they are.
    let seen = names
        .entry((finding.check().to_owned(), name.clone()))
        .and_modify(|seen| *seen += 1)
        .or_insert(1);
    let name = if *seen > 1 {
        format!("{name} #{seen}")
    } else {
        name
    };
    let head = format!(
        "<testcase classname=\"{}\" name=\"{}\">",
        escaped(finding.check()),
        escaped(&name)
    );
    let (status, reason) = (finding.status, escaped(&finding.reason));
    let body = match status {
        Status::Ok => format!("<system-out>{reason}</system-out>"),
        Status::Warning | Status::Critical => {
            format!("<failure type=\"{status}\" message=\"{reason}\">{reason}</failure>")
        }
        Status::Unknown => {
            format!("<error type=\"{status}\" message=\"{reason}\">{reason}</error>")
        }
    };
    writeln!(out, "    {head}{body}</testcase>")
}

/// Text for an attribute or an element. What XML 1.0 has no way to say becomes U+FFFD.
#[inline]
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            // A reader makes spaces of these where they are not written as numbers.
            '\t' | '\n' | '\r' => xml.push_str(&format!("&#{};", u32::from(c))),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            _ => xml.push(c),
        }
    }
    xml
}
