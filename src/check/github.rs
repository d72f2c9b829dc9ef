//! A report as annotations of a GitHub Actions workflow, by its
//! [workflow commands](https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands).

use crate::check::report::{Finding, Report, Status};

pub(super) fn github(report: &Report) -> String {
    let shown = report.shown();
    let bad = shown.iter().filter(|finding| finding.status != Status::Ok).map(annotation);
    let lines: String = bad.collect();
    if lines.is_empty() { format!("::notice::{}\n", data(&report.summary())) } else { lines }
}

fn annotation(finding: &Finding) -> String {
    let command = match finding.status {
        Status::Ok => "notice",
        Status::Warning => "warning",
        Status::Critical | Status::Unknown => "error",
    };
    let status = finding.status;
    let series = if finding.labels.is_empty() { String::new() } else { format!("{}: ", finding.labels) };
    let message = format!("{status}: {series}{}", finding.reason);
    format!("::{command} title={}::{}\n", property(finding.check()), data(&message))
}

/// The text of an annotation, with what the runner reads back.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
