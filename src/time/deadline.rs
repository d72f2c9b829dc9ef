//! The deadline of a call, and a cheap way to check it while a response is decoded.
//!
//! A blocking call cannot be canceled from outside. It checks its deadline between requests and,
//! by an [`Interrupt`], in every loop over rows or points.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};

/// The total time that a call may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// The start of the call, by the monotonic clock.
    started: Instant,
    /// The time that the call may take since `started`.
    timeout: Duration,
}

/// Stops a long computation when the deadline of its call has passed.
///
/// Reading the clock costs more than decoding a point, so the deadline is checked once in
/// [`STEPS`] steps. An interrupt stays stopped, so that callers can tell an interruption from other
/// failures.
#[derive(Debug)]
pub(crate) struct Interrupt<'a> {
    /// The deadline that is checked.
    deadline: &'a Deadline,
    /// The number of steps since the last check, less than [`STEPS`].
    steps: Cell<u32>,
    /// True after a check found that the deadline has passed.
    stopped: Cell<bool>,
}

/// The error of a computation that its [`Interrupt`] stopped.
#[derive(Debug, PartialEq)]
pub(crate) struct Interrupted;

/// The number of steps between two checks of the clock.
const STEPS: u32 = 1024;

impl Deadline {
    /// Creates a deadline that passes `timeout` after now.
    pub(crate) fn after(timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            timeout,
        }
    }

    /// Creates a deadline that never passes, for work outside of a call.
    pub(crate) fn never() -> Self {
        Self::after(Duration::MAX)
    }

    /// Returns the total time of the call, with its extensions.
    pub(crate) const fn budget(&self) -> Duration {
        self.timeout
    }

    /// Returns the time since the start of the call.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the time left, or `None` after the deadline.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.timeout
            .checked_sub(self.elapsed())
            .filter(|left| !left.is_zero())
    }

    /// Extends the deadline by time that does not count, such as a pause between pages.
    pub(crate) const fn extend(&mut self, time: Duration) {
        self.timeout = self.timeout.saturating_add(time);
    }

    /// Returns the error of a call that ran past the deadline.
    pub(crate) fn error(&self) -> Error {
        Error::new(
            ErrorKind::Timeout,
            format!("deadline of {:?} exceeded", self.timeout),
        )
        .with_hint("raise ClientBuilder::deadline")
    }
}

impl<'a> Interrupt<'a> {
    /// Creates an interrupt that has not stopped.
    pub(crate) const fn new(deadline: &'a Deadline) -> Self {
        Self {
            deadline,
            steps: Cell::new(0),
            stopped: Cell::new(false),
        }
    }

    /// Counts a step of at most some microseconds, such as a row or a point.
    ///
    /// # Errors
    ///
    /// `Interrupted` if the deadline has passed. It is checked in one of [`STEPS`] calls.
    #[inline]
    pub(crate) fn step(&self) -> Result<(), Interrupted> {
        let steps = self.steps.get() + 1;
        if steps < STEPS {
            self.steps.set(steps);
            return Ok(());
        }
        self.steps.set(0);
        self.check()
    }

    /// Checks the deadline now.
    #[cold]
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        if self.deadline.remaining().is_none() {
            self.stopped.set(true);
        }
        if self.has_stopped() {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }

    /// Returns true if a check has failed before.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Returns the error of the call that was stopped.
    pub(crate) fn error(&self) -> Error {
        self.deadline.error()
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl From<Interrupted> for String {
    fn from(interrupted: Interrupted) -> Self {
        interrupted.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_checks_the_deadline_once_in_many_steps_and_stays_stopped() {
        let passed = Deadline::after(Duration::ZERO);
        let interrupt = Interrupt::new(&passed);
        let steps = (1..=10 * STEPS).find(|_| interrupt.step().is_err());
        assert_eq!((steps, interrupt.has_stopped()), (Some(STEPS), true));
        assert_eq!(interrupt.check(), Err(Interrupted));
        let never = Deadline::never();
        let interrupt = Interrupt::new(&never);
        assert!((0..10 * STEPS).all(|_| interrupt.step().is_ok()) && !interrupt.has_stopped());
    }
}
