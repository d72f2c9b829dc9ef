//! Annotations of a GitHub Actions workflow, as its [workflow commands].
//!
//! [workflow commands]: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

use std::io;

use crate::check::format::writer::{ReportView, ReportWriter};
use crate::check::report::Finding;
use crate::check::status::Status;
use crate::util::text::{count_noun, sanitize_line};

/// The annotations of one step [that GitHub shows] of each kind.
///
/// [that GitHub shows]: https://docs.github.com/en/rest/checks/runs
const MAX_ANNOTATIONS: usize = 10;

/// The longest title of an annotation, in characters.
const MAX_TITLE: usize = 200;

pub(super) struct GitHub;

impl ReportWriter for GitHub {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        if view.status == Status::Ok {
            return writeln!(out, "::notice::{}", escape_message(&view.summary));
        }
        // Findings of a later check must not be left out in favor of less severe ones.
        let mut findings = Vec::new();
        for status in [Status::Critical, Status::Unknown, Status::Warning] {
            findings.extend(view.findings().iter().filter(|f| f.status == status));
        }
        let shown = if findings.len() > MAX_ANNOTATIONS {
            MAX_ANNOTATIONS - 1
        } else {
            findings.len()
        };
        let (shown, left_out) = findings.split_at(shown);
        for finding in shown {
            write_annotation(finding, out)?;
        }
        write_left_out(left_out, out)
    }
}

/// Writes the annotation of one finding.
fn write_annotation(finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let labels = if finding.labels.is_empty() {
        String::new()
    } else {
        format!("{}: ", finding.labels)
    };
    let attempts = finding.info.attempts_note();
    let message = format!("{}: {labels}{}{attempts}", finding.status, finding.reason);
    let command = command(finding.status);
    let title = escape_property(&sanitize_line(finding.check(), MAX_TITLE));
    let message = escape_message(&message);
    writeln!(out, "::{command} title={title}::{message}")
}

/// Writes the annotation that counts the findings without one, if there are any.
fn write_left_out(left_out: &[&Finding], out: &mut dyn io::Write) -> io::Result<()> {
    let Some(worst) = left_out.first() else {
        return Ok(());
    };
    let mut counts = Vec::new();
    for status in [Status::Critical, Status::Unknown, Status::Warning] {
        let count = left_out.iter().filter(|f| f.status == status).count();
        if count > 0 {
            counts.push(format!("{count} {status}"));
        }
    }
    let command = command(worst.status);
    let count = count_noun(left_out.len(), "more finding", "more findings");
    let counts = counts.join(", ");
    writeln!(
        out,
        "::{command} title={count}::{counts} not shown here: see the other formats of the report"
    )
}

/// Returns the workflow command of a finding that is not OK.
const fn command(status: Status) -> &'static str {
    match status {
        Status::Ok => "notice",
        Status::Warning => "warning",
        Status::Critical | Status::Unknown => "error",
    }
}

/// Escapes as the [toolkit] of GitHub does: the runner decodes these three sequences.
///
/// [toolkit]: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
fn escape_message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a text for a property of an annotation.
fn escape_property(text: &str) -> String {
    escape_message(text).replace(':', "%3A").replace(',', "%2C")
}
