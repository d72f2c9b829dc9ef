//! A report as annotations of a GitHub Actions workflow, by its
//! [workflow commands](https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands).

use std::io;

use crate::check::report::{Finding, Report, Status};

pub(super) fn github<W: io::Write>(report: &Report, out: &mut W) -> io::Result<()> {
    let shown = report.findings_or_placeholder();
    let mut bad = shown
        .iter()
        .filter(|finding| finding.status != Status::Ok)
        .peekable();
    if bad.peek().is_none() {
        writeln!(out, "::notice::{}", data(&report.summary()))?;
    }
    bad.try_for_each(|finding| writeln!(out, "{}", annotation(finding)))
}

#[inline]
fn annotation(finding: &Finding) -> String {
    let command = match finding.status {
        Status::Ok => "notice",
        Status::Warning => "warning",
        Status::Critical | Status::Unknown => "error",
    };
    let status = finding.status;
    let series = if finding.labels.is_empty() {
        String::new()
    } else {
        format!("{}: ", finding.labels)
    };
    let message = format!("{status}: {series}{}", finding.reason);
    format!(
        "::{command} title={}::{}",
        property(finding.check()),
        data(&message)
    )
}

/// The text of an annotation, with what the runner reads back.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
