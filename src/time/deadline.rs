//! The deadline of a call with its cancel tokens, and a cheap way to check them while a response
//! is decoded.
//!
//! A call checks its deadline between requests and, by an [`Interrupt`], in every loop over rows
//! or points. Any other wait is divided by [`Deadline::wait_slice`]. What blocks in the system is
//! ended by a [`CancelHook`](crate::time::cancel::CancelHook).

use std::cell::Cell;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::time::cancel::CancelToken;

/// The total time that a call may take, and the tokens that cancel it earlier.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    /// The start of the call, by the monotonic clock.
    started: Instant,
    /// The time that the call may take since `started`.
    timeout: Duration,
    /// Each of these cancels the call.
    tokens: Vec<CancelToken>,
}

/// The limits of every call of a client, of which each call makes its own [`Deadline`].
#[derive(Clone, Debug)]
pub(crate) struct CallLimits {
    /// The time that a call may take.
    pub(crate) timeout: Duration,
    /// Each of these cancels all calls.
    pub(crate) tokens: Vec<CancelToken>,
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

/// The longest wait in which a call with tokens does not look at them.
const CANCEL_CHECK_INTERVAL: Duration = Duration::from_millis(50);

impl CallLimits {
    /// Starts the time of a call.
    pub(crate) fn start(&self) -> Deadline {
        Deadline {
            tokens: self.tokens.clone(),
            ..Deadline::after(self.timeout)
        }
    }
}

impl Deadline {
    /// Creates a deadline that passes `timeout` after now.
    pub(crate) fn after(timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            timeout,
            tokens: Vec::new(),
        }
    }

    /// Returns a deadline that one more token cancels.
    pub(crate) fn with_token(&self, token: &CancelToken) -> Self {
        let mut deadline = self.clone();
        deadline.tokens.push(token.clone());
        deadline
    }

    /// Creates a deadline that never passes, for work outside of a call.
    pub(crate) fn never() -> Self {
        Self::after(Duration::MAX)
    }

    /// Returns the total time of the call, with its extensions, in whole milliseconds for messages.
    ///
    /// A program that passes the rest of its own deadline has one with nanoseconds.
    pub(crate) const fn budget(&self) -> Duration {
        Duration::new(
            self.timeout.as_secs(),
            self.timeout.subsec_millis() * 1_000_000,
        )
    }

    /// Returns the time since the start of the call.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the tokens that cancel the call.
    pub(crate) fn tokens(&self) -> &[CancelToken] {
        &self.tokens
    }

    /// Returns true if the caller has canceled the call.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.tokens.iter().any(CancelToken::is_cancelled)
    }

    /// Returns the time left, or `None` after the deadline and if the call is canceled.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        if self.is_cancelled() {
            return None;
        }
        self.timeout
            .checked_sub(self.elapsed())
            .filter(|left| !left.is_zero())
    }

    /// Extends the deadline by time that does not count, such as a pause between pages.
    pub(crate) const fn extend(&mut self, time: Duration) {
        self.timeout = self.timeout.saturating_add(time);
    }

    /// Waits for `duration`, or until the call is canceled. Does not look at the deadline.
    pub(crate) fn sleep(&self, duration: Duration) {
        let started = Instant::now();
        while !self.is_cancelled() {
            // A thread may wake late, so the rest is measured each time.
            let left = duration.saturating_sub(started.elapsed());
            if left.is_zero() {
                return;
            }
            thread::sleep(self.wait_slice(left));
        }
    }

    /// Returns the time to wait before the next look at the tokens.
    ///
    /// It is all of `wait` if the call has no tokens. A caller whose slice has passed looks at
    /// [`is_cancelled`](Self::is_cancelled), and waits again for what is left.
    pub(crate) fn wait_slice(&self, wait: Duration) -> Duration {
        if self.tokens.is_empty() {
            return wait;
        }
        wait.min(CANCEL_CHECK_INTERVAL)
    }

    /// Returns the error of a call that was canceled, or else ran past the deadline.
    pub(crate) fn error(&self) -> Error {
        // A canceled call may run past its deadline as well. The caller wants to know of the cancel.
        if self.is_cancelled() {
            return Error::new(ErrorKind::Cancelled, "canceled by the caller");
        }
        Error::new(
            ErrorKind::Timeout,
            format!("deadline of {:?} exceeded", self.budget()),
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

    /// Checks the deadline and the tokens now.
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

    #[test]
    fn any_token_cancels_and_counts_more_than_the_deadline() {
        let tokens = [CancelToken::new(), CancelToken::new()];
        let limits = CallLimits {
            timeout: Duration::ZERO,
            tokens: tokens.to_vec(),
        };
        let passed = limits.start();
        assert_eq!(passed.error().kind(), ErrorKind::Timeout);
        let deadline = Deadline::never()
            .with_token(&tokens[0])
            .with_token(&tokens[1]);
        assert!(deadline.remaining().is_some() && !deadline.is_cancelled());
        let hour = Duration::from_secs(3600);
        assert_eq!(deadline.wait_slice(hour), CANCEL_CHECK_INTERVAL);
        assert_eq!(Deadline::never().wait_slice(hour), hour);
        tokens[1].cancel();
        assert!(deadline.remaining().is_none());
        assert!(Interrupt::new(&deadline).check().is_err());
        deadline.sleep(hour);
        for error in [deadline.error(), passed.error()] {
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert_eq!(error.to_string(), "canceled by the caller");
        }
    }

    #[test]
    fn a_sleep_ends_when_another_thread_cancels() {
        let token = CancelToken::new();
        let deadline = Deadline::never().with_token(&token);
        thread::scope(|scope| {
            scope.spawn(|| deadline.sleep(Duration::from_secs(3600)));
            token.cancel();
        });
    }
}
