//! The error of one attempt to send a request, and the error that a call returns for it.

use std::time::Duration;

use ureq::http::StatusCode;

use crate::error::{Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::transport::hints::deadline_hint;
use crate::transport::rate_limit::{DelayExceedsDeadline, DelayReason};
use crate::transport::retry::FailureClass;

/// The error of one attempt, with what decides about the next one.
pub(crate) struct AttemptError {
    /// The error for the caller, if this attempt is the last one.
    pub(crate) error: Error,
    /// The class of the failure. [`RetryState`](super::retry::RetryState) decides by it.
    pub(crate) class: FailureClass,
    /// The delay that the service asks for.
    /// It is `None` without a response, and in a response without such a header.
    pub(crate) retry_after: Option<Duration>,
    /// False if the request was held back, so that the error says nothing about the service.
    pub(crate) sent: bool,
}

impl AttemptError {
    /// Creates the error of a request that was sent.
    pub(crate) const fn new(error: Error, class: FailureClass) -> Self {
        Self {
            error,
            class,
            retry_after: None,
            sent: true,
        }
    }

    /// Creates the error of a request that was sent, and that no retry can help.
    pub(crate) const fn permanent(error: Error) -> Self {
        Self::new(error, FailureClass::Permanent)
    }

    /// Creates the error of a request that was held back by a limit or the deadline.
    pub(crate) fn not_sent(error: Error) -> Self {
        Self {
            sent: false,
            ..Self::permanent(error)
        }
    }

    /// Adds the status of the response. It is known even if reading the body failed.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self {
            error: self.error.with_status(status.as_u16()),
            ..self
        }
    }

    /// Returns the error of a request that was sent `attempts` times.
    ///
    /// The message says how often and for how long, unless there was a single attempt.
    ///
    /// ```text
    /// the service returned 503 Service Unavailable; after 3 attempts in 1.4 s
    /// ```
    pub(crate) fn into_error(self, attempts: u32, deadline: &Deadline) -> Error {
        let error = match self.retry_after {
            Some(delay) => self.error.with_retry_after(delay),
            None => self.error,
        };
        if attempts == 1 {
            return error;
        }
        let seconds = deadline.elapsed().as_secs_f64();
        error.with_note(&format!("after {attempts} attempts in {seconds:.1} s"))
    }

    /// Returns the error of a request for which the deadline leaves no time to retry, because it
    /// is near or the call is canceled.
    ///
    /// If the service asked for a delay, the kind becomes `RateLimited`, whatever the status was.
    /// The caller can then wait for that long and try again.
    pub(crate) fn into_deadline_error(self, attempts: u32, deadline: &Deadline) -> Error {
        let retry_after = self.retry_after;
        let error = self.into_error(attempts, deadline);
        if deadline.is_cancelled() {
            return cancel_error(Some(&error), deadline);
        }
        let budget = deadline.budget();
        // Without a delay of the service, the kind of the last error says more than a timeout.
        let Some(delay) = retry_after else {
            return error.with_note(&format!(
                "no time to retry within the deadline of {budget:?}"
            ));
        };
        error
            .with_note(&format!(
                "retrying after {} s would exceed the deadline of {budget:?}",
                delay.as_secs()
            ))
            .with_kind(ErrorKind::RateLimited)
            .with_hint(deadline_hint(delay, deadline))
    }
}

/// Returns the error of a request that was delayed until the deadline or a cancel.
pub(crate) fn rate_limit_error(delay: &DelayExceedsDeadline, deadline: &Deadline) -> Error {
    if deadline.is_cancelled() {
        return deadline.error();
    }
    let seconds = delay.wait.as_secs_f64();
    let message = match delay.reason {
        DelayReason::Exhausted(limit) => {
            format!("rate limit of {limit} requests exhausted; resets in {seconds:.1} s")
        }
        // Nothing is known about the limit yet, so the deadline is the reason.
        DelayReason::ProbePending => return deadline.error(),
        DelayReason::RetryAfter => {
            format!("the service asked to retry later; {seconds:.1} s remain")
        }
    };
    Error::new(ErrorKind::RateLimited, message)
        .with_retry_after(delay.wait)
        .with_hint(deadline_hint(delay.wait, deadline))
}

/// Returns the error of a call that was canceled, with the error of an earlier attempt, if any.
///
/// ```text
/// canceled by the caller; the last attempt failed: the service returned 503 Service Unavailable
/// ```
pub(crate) fn cancel_error(earlier: Option<&Error>, deadline: &Deadline) -> Error {
    let error = deadline.error();
    match earlier {
        Some(earlier) => error.with_note(&format!("the last attempt failed: {earlier}")),
        None => error,
    }
}

/// Returns the error of an earlier attempt, whose retry was blocked by the error `blocked`.
///
/// The delay of the later error is kept, because it says when a request is possible again.
pub(crate) fn with_blocked_retry(earlier: Error, blocked: &Error) -> Error {
    let error = earlier.with_note(&format!("not retried: {blocked}"));
    match blocked.retry_after() {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    }
}
