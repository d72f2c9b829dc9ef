//! Judges what a call has returned: in time, and right or with an error that a disturbance explains.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confluent_metrics::{Error, ErrorKind};

use crate::HANG;
use crate::answer::{Answer, Outcome};
use crate::cancels::Cancel;
use crate::disturbances::{CLOCK_IS_OFF, CLOCK_STEP, TOKENS_EXPIRED};
use crate::site::{Site, TOKEN};

/// What is known of the error of a call.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) text: String,
}

/// The settings of a call that decide when it has to end.
pub(crate) struct Limits {
    /// The start of the call, and so of the first answer of an iterator.
    pub(crate) began: Instant,
    pub(crate) deadline: Duration,
    pub(crate) cancels: Vec<Arc<Cancel>>,
    /// The number of requests beyond a rate limit before the call.
    pub(crate) rejected: usize,
}

/// What a busy machine may add.
#[derive(Clone, Copy)]
pub(crate) struct Tolerance {
    /// The most that a call may end after its deadline.
    pub(crate) late: Duration,
    /// The most that a call may end after its cancel.
    pub(crate) after_cancel: Duration,
    /// A timeout needs no other cause, because any step may take long.
    pub(crate) is_busy: bool,
}

impl Tolerance {
    /// That of a run of its own, in release. A cancel takes at most 250 ms, and the other threads
    /// use the processors for as long.
    pub(crate) const STRICT: Self = Self {
        late: Duration::from_secs(1),
        after_cancel: Duration::from_millis(250 + 250),
        is_busy: false,
    };

    /// That of a run among other tests.
    pub(crate) const BUSY_MACHINE: Self = Self {
        late: HANG,
        after_cancel: HANG,
        is_busy: true,
    };
}

/// The counts of all calls.
#[derive(Default)]
pub(crate) struct Tally {
    /// Right results and errors that fit, by operation.
    pub(crate) operations: BTreeMap<&'static str, (usize, usize)>,
    pub(crate) kinds: BTreeMap<String, usize>,
    pub(crate) wrong: Vec<String>,
    pub(crate) late: Vec<String>,
    pub(crate) longest_after_deadline: Duration,
    pub(crate) longest_after_cancel: Duration,
}

/// A part of the error of a group whose labels differ in two readings of a window.
const CHANGED_LABELS: &str = "the labels of a group changed";

/// The longest text about a problem.
const MAX_TEXT: usize = 2_000;

/// Texts of errors in a report, with their kinds. The first one in the text counts.
const TEXTS: [(&str, ErrorKind); 23] = [
    ("canceled by the caller", ErrorKind::Cancelled),
    ("clock skew", ErrorKind::ClockSkew),
    ("cannot open a tunnel", ErrorKind::Connection),
    ("returned 503", ErrorKind::Server),
    ("returned 502", ErrorKind::Server),
    ("returned 500", ErrorKind::Server),
    ("returned 429", ErrorKind::RateLimited),
    ("returned 408", ErrorKind::Timeout),
    ("returned 401", ErrorKind::Unauthorized),
    ("returned 400", ErrorKind::Rejected),
    ("returned 307", ErrorKind::Redirect),
    ("rate limit of", ErrorKind::RateLimited),
    ("asked to retry later", ErrorKind::RateLimited),
    ("deadline of", ErrorKind::Timeout),
    ("timed out", ErrorKind::Timeout),
    ("no complete response", ErrorKind::Timeout),
    ("TLS handshake", ErrorKind::Tls),
    ("exceeds", ErrorKind::TooLarge),
    ("cannot decompress", ErrorKind::Decode),
    ("cannot decode", ErrorKind::Decode),
    ("cause: other error", ErrorKind::Unauthorized),
    ("invalid HTTP response", ErrorKind::Connection),
    ("connect", ErrorKind::Connection),
];

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            status: error.status(),
            retry_after: error.retry_after(),
            text: format!("{error:?}"),
        }
    }

    /// Finds the kind of the error in a report, which has it as text alone.
    pub(crate) fn of_report(summary: &str) -> Self {
        let found = TEXTS.iter().filter_map(|(text, kind)| {
            let position = summary.find(text)?;
            Some((position, text, kind))
        });
        let first = found.min_by_key(|(position, ..)| *position);
        // `InvalidInput` is never right, since all requests are valid.
        let (text, kind) = first.map_or(("", ErrorKind::InvalidInput), |(_, text, kind)| {
            (*text, *kind)
        });
        let status = text.strip_prefix("returned ");
        Self {
            kind,
            status: status.and_then(|status| status.parse().ok()),
            retry_after: None,
            text: summary.to_owned(),
        }
    }

    /// Returns the kind, with the status if there is one.
    fn name(&self) -> String {
        match self.status {
            Some(status) => format!("{:?} {status}", self.kind),
            None => format!("{:?}", self.kind),
        }
    }

    /// Returns if a disturbance may cause this.
    fn is_explained_by(&self, disturbance: &str) -> bool {
        use ErrorKind::{
            ClockSkew, Connection, Decode, RateLimited, Redirect, Server, Timeout, Tls, TooLarge,
            Unauthorized,
        };
        let is_of_provider = self.text.contains("cannot get a bearer token");
        match disturbance {
            "stall_handshake" | "stall" | "stall_head" | "stall_body" | "trickle_body"
            | "status 408" => self.kind == Timeout,
            "close_connection"
            | "reset_connection"
            | "not_http"
            | "close_before_response"
            | "reset"
            | "reset_after_response"
            | "broken_chunks"
            | "unfinished_chunks"
            | "cut_body_after"
            | "with_close_notify"
            | "connections refused"
            | "restart"
            | "proxy restart" => self.kind == Connection,
            "not_tls" | "tls_alert" => self.kind == Tls,
            "status" => self.kind == Server && self.status == Some(503),
            "status 503, retry later" => {
                matches!(self.kind, Server | RateLimited) && self.status == Some(503)
            }
            "header" => self.kind == RateLimited && self.status == Some(429),
            "body" => self.kind == Server && self.status == Some(500),
            "html" => self.kind == Server && self.status == Some(502),
            "bad_json" => self.kind == Decode,
            "bad_gzip" => matches!(self.kind, Decode | Connection),
            "oversized" | "oversized_gzip" => self.kind == TooLarge,
            "content_length" => matches!(self.kind, TooLarge | Connection),
            "redirect elsewhere" => self.kind == Redirect,
            CLOCK_STEP => self.kind == ClockSkew,
            "provider refused" => self.kind == Connection && is_of_provider,
            "provider timed out" => self.kind == Timeout && is_of_provider,
            "provider failed" => self.kind == Unauthorized && is_of_provider,
            "token died" => self.kind == Unauthorized && self.status == Some(401),
            // The others delay a response, or change it in a way that does not matter.
            _ => false,
        }
    }
}

impl Tally {
    /// Counts an answer.
    pub(crate) fn count(
        &mut self,
        answer: &Answer,
        site: &Site,
        limits: &Limits,
        tolerance: Tolerance,
    ) {
        let context = format!("{} {}", site.name, answer.operation);
        self.count_time(answer, limits, tolerance, &context);
        let counts = self.operations.entry(answer.operation).or_default();
        let problem = match &answer.outcome {
            Outcome::Right => {
                counts.0 += 1;
                surprise(answer, site, limits).map(str::to_owned)
            }
            Outcome::Wrong(difference) => Some(difference.clone()),
            Outcome::Failed(failure) => {
                counts.1 += 1;
                *self.kinds.entry(failure.name()).or_default() += 1;
                let problem = problem(failure, answer, site, limits, tolerance);
                problem.map(|problem| format!("{problem}: {failure:?}"))
            }
        };
        if let Some(problem) = problem {
            let active = site.timeline.names(answer.began, answer.ended);
            let problem: String = problem.chars().take(MAX_TEXT).collect();
            self.wrong
                .push(format!("{context}: {problem}\n  active: {active:?}"));
        }
    }

    fn count_time(
        &mut self,
        answer: &Answer,
        limits: &Limits,
        tolerance: Tolerance,
        context: &str,
    ) {
        let late = answer
            .ended
            .saturating_duration_since(answer.began + limits.deadline);
        self.longest_after_deadline = self.longest_after_deadline.max(late);
        if late > tolerance.late {
            self.late
                .push(format!("{context}: {late:?} after the deadline"));
        }
        if let Some(canceled) = canceled_at(limits) {
            // A call that begins after the cancel ends at once.
            let late = answer
                .ended
                .saturating_duration_since(canceled.max(answer.began));
            self.longest_after_cancel = self.longest_after_cancel.max(late);
            if late > tolerance.after_cancel {
                self.late
                    .push(format!("{context}: {late:?} after the cancel"));
            }
        }
    }
}

/// Returns the time of the first cancel, if there was one.
fn canceled_at(limits: &Limits) -> Option<Instant> {
    limits.cancels.iter().filter_map(|cancel| cancel.at()).min()
}

/// Returns the problem of a right result that ought to be an error.
fn surprise(answer: &Answer, site: &Site, limits: &Limits) -> Option<&'static str> {
    if !answer.sends {
        return None;
    }
    let timeline = &site.timeline;
    if answer.is_relative && timeline.covers(answer.began, answer.ended, CLOCK_IS_OFF) {
        return Some("the clock was off, but the call succeeded");
    }
    let mut cancels = limits.cancels.iter();
    let is_canceled = cancels.any(|cancel| cancel.is_before(answer.began));
    is_canceled.then_some("the call was canceled before, but succeeded")
}

/// Returns the problem of an error that nothing explains.
fn problem(
    failure: &Failure,
    answer: &Answer,
    site: &Site,
    limits: &Limits,
    tolerance: Tolerance,
) -> Option<&'static str> {
    if failure.text.contains(TOKEN) {
        return Some("the error contains a token");
    }
    if failure.kind == ErrorKind::ClockSkew && !answer.is_relative {
        return Some("the clock does not matter");
    }
    let elapsed = answer.ended - answer.began;
    // The library reads its clock at other moments.
    let spare = Duration::from_millis(20);
    // Some causes are in the previous steps of an iterator.
    let earlier = site.timeline.names(limits.began, answer.ended);
    let is_at_deadline = elapsed + spare >= limits.deadline;
    let is_explained = match failure.kind {
        ErrorKind::Cancelled => {
            return match canceled_at(limits) {
                Some(at) if at <= answer.ended => None,
                _ => Some("nothing was canceled"),
            };
        }
        ErrorKind::Timeout => is_at_deadline || tolerance.is_busy,
        ErrorKind::RateLimited => {
            let wait = failure.retry_after.unwrap_or(limits.deadline);
            let is_too_long = elapsed + wait + spare >= limits.deadline;
            let is_rejected =
                failure.status == Some(429) && site.emulator.rate_limited() > limits.rejected;
            is_too_long || is_rejected
        }
        // A window is read again once.
        ErrorKind::Rejected => {
            let expired = earlier.iter().filter(|name| **name == TOKENS_EXPIRED);
            failure.status == Some(400) && expired.count() >= 2
        }
        // The caller has received the group with other labels, before a page token expired.
        ErrorKind::Decode if failure.text.contains(CHANGED_LABELS) => {
            earlier.contains(&"extra_members") && earlier.contains(&TOKENS_EXPIRED)
        }
        _ => false,
    };
    let active = site.timeline.names(answer.began, answer.ended);
    let is_active = active.iter().any(|name| failure.is_explained_by(name));
    (!is_explained && !is_active).then_some("no disturbance explains this error")
}
