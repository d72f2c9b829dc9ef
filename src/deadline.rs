//! The time that a call may take.

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};

/// The time that a call may take in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    budget: Duration,
}

impl Deadline {
    pub(crate) fn after(budget: Duration) -> Self {
        Self { started: Instant::now(), budget }
    }

    pub(crate) fn budget(&self) -> Duration {
        self.budget
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the time left, or `None` after the deadline.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.budget.checked_sub(self.elapsed()).filter(|left| !left.is_zero())
    }

    /// Adds to the budget the time in which the deadline does not count.
    pub(crate) fn extend(&mut self, time: Duration) {
        self.budget = self.budget.saturating_add(time);
    }

    /// Returns the error of a call that ran past the deadline.
    pub(crate) fn error(&self) -> Error {
        Error::new(ErrorKind::Timeout, format!("the deadline of {:?} passed", self.budget))
            .with_hint("ClientBuilder::deadline sets how long a call may take in all")
    }
}
