//! The progress of a wait, as lines on standard error.
//!
//! ```text
//! metric_gate: 01:52:10Z billing: CRITICAL, 1 of 3 findings: the last value, 25 at …
//! metric_gate: 01:57:10Z billing: OK, 3 findings
//! ```

use std::sync::{Mutex, PoisonError};

use confluent_metrics::Timestamp;
use confluent_metrics::check::{Check, Report, Status, Wait};

use crate::{language, message};

/// The characters of a name that a line shows.
const MAX_NAME: usize = 100;

/// The characters of a reason that a line shows.
const MAX_REASON: usize = 300;

/// Returns the wait of one check, which prints a line whenever the status or the number of findings
/// with it has changed.
pub(crate) fn shown(wait: &Wait, check: &Check) -> Wait {
    let name = cut(check.name(), MAX_NAME);
    let printed = Mutex::new(None);
    wait.clone().on_judgment(move |report| {
        let state = (report.status(), affected(report), report.findings().len());
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        if *printed != Some(state) {
            *printed = Some(state);
            // Clocks of terminals and logs differ, so the time says its zone.
            let now = Timestamp::from_second(Timestamp::now().as_second());
            let now = now.map(|now| now.to_string()).unwrap_or_default();
            let time = now.split_once('T').map_or("", |(_, time)| time);
            message::print(&format!("{time} {name}: {}", sentence(report)));
        }
    })
}

/// Returns the number of findings that have the status of the report.
fn affected(report: &Report) -> usize {
    let findings = report.findings().iter();
    findings
        .filter(|finding| finding.status() == report.status())
        .count()
}

/// Returns the status, and the first reason for it.
fn sentence(report: &Report) -> String {
    let status = report.status();
    let total = match report.findings().len() {
        1 => "1 finding".to_owned(),
        total => format!("{total} findings"),
    };
    // The worst finding is the first one.
    match report.findings().first() {
        Some(worst) if status != Status::Ok => {
            let mut reason = language::translate(worst.reason());
            if !worst.labels().is_empty() {
                reason = format!("{} {reason}", worst.labels());
            }
            let reason = cut(&reason, MAX_REASON);
            format!("{status}, {} of {total}: {reason}", affected(report))
        }
        _ => format!("{status}, {total}"),
    }
}

/// Returns the start of a text.
fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
