//! Annotations of a GitHub Actions workflow, as its [workflow commands].
//!
//! [workflow commands]: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

use std::io;

use crate::check::format::writer::{ReportView, ReportWriter};
use crate::check::report::{Finding, Status};

pub(super) struct GitHub;

impl ReportWriter for GitHub {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        if view.status == Status::Ok {
            return writeln!(out, "::notice::{}", escape_message(&view.summary));
        }
        for finding in view.findings() {
            match finding.status {
                Status::Ok => {}
                Status::Warning => write_annotation("warning", finding, out)?,
                Status::Critical | Status::Unknown => write_annotation("error", finding, out)?,
            }
        }
        Ok(())
    }
}

/// Writes one annotation line.
fn write_annotation(command: &str, finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let labels = if finding.labels.is_empty() {
        String::new()
    } else {
        format!("{}: ", finding.labels)
    };
    let message = format!("{}: {labels}{}", finding.status, finding.reason);
    let title = escape_property(finding.check());
    let message = escape_message(&message);
    writeln!(out, "::{command} title={title}::{message}")
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
