//! The time that is left for one attempt of a request.

use std::time::Duration;

use crate::time::deadline::Deadline;

/// The time limits of an attempt.
pub(crate) struct AttemptClock<'a> {
    /// The deadline of the call.
    pub(crate) deadline: &'a Deadline,
    /// The timeout of the attempt. It does not run while the rate limiter delays a request.
    pub(crate) attempt: Deadline,
}

/// The shortest timeout. ureq would take zero for no timeout at all.
pub(crate) const MIN_TIMEOUT: Duration = Duration::from_millis(5);

impl AttemptClock<'_> {
    /// Returns the time that is left for a request, which is never zero.
    pub(crate) fn remaining(&self) -> Duration {
        let attempt = self.attempt.remaining().unwrap_or(MIN_TIMEOUT);
        let call = self.deadline.remaining().unwrap_or(MIN_TIMEOUT);
        attempt.min(call)
    }
}
