//! The error of a call that consists of several jobs: the first one in the order of the jobs.
//!
//! Jobs may be done in parallel, and fail in any order. The error of the call must not depend on
//! that, so it is the error that one thread would have found:
//!
//! ```text
//! job 1   running, goes on: its error would be the call's
//! job 2   failed
//! job 3   running, is stopped
//! job 4   waiting, is not started
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::time::cancel::CancelToken;
use crate::time::deadline::Deadline;

/// The first error of several jobs, in the order of the jobs.
pub(crate) struct FirstError {
    /// A token for each job, canceled when an earlier job fails.
    tokens: Vec<CancelToken>,
    /// The earliest job that has failed so far, and its error.
    first: Mutex<Option<(usize, Error)>>,
}

impl FirstError {
    /// Creates the state of jobs none of which has failed.
    pub(crate) fn new(jobs: usize) -> Self {
        Self {
            tokens: (0..jobs).map(|_| CancelToken::new()).collect(),
            first: Mutex::default(),
        }
    }

    /// Returns the deadline of a job, which also ends when an earlier job fails.
    ///
    /// Returns `None` if an earlier job has failed: this one must not start.
    pub(crate) fn start(&self, job: usize, deadline: &Deadline) -> Option<Deadline> {
        let token = self.tokens.get(job)?;
        // The error is set before the first token is canceled, so this is never too late.
        if matches!(&*self.lock(), Some((earlier, _)) if *earlier < job) {
            return None;
        }
        // A single job has no other one that could stop it.
        if self.tokens.len() == 1 {
            return Some(deadline.clone());
        }
        Some(deadline.with_token(token))
    }

    /// Reports the error of a job, and stops the jobs after it.
    pub(crate) fn fail(&self, job: usize, error: Error) {
        {
            let mut first = self.lock();
            match &*first {
                // The job was stopped, or was about to be.
                Some((earlier, _)) if *earlier <= job => return,
                _ => *first = Some((job, error)),
            }
        }
        // Without the lock, because a token also ends requests that block.
        for token in self.tokens.iter().skip(job + 1) {
            token.cancel();
        }
    }

    /// Returns the first error, once all jobs have ended.
    pub(crate) fn take(&self) -> Option<Error> {
        self.lock().take().map(|(_, error)| error)
    }

    /// Locks the error. A panic cannot leave it inconsistent, so a poisoned lock is no error.
    fn lock(&self) -> MutexGuard<'_, Option<(usize, Error)>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_that_of_the_first_job_and_stops_those_after_it() {
        let never = Deadline::never();
        let jobs = FirstError::new(4);
        let started: Vec<_> = (0..4).map(|job| jobs.start(job, &never).unwrap()).collect();
        let cancelled = || {
            let cancelled = started.iter().map(Deadline::is_cancelled);
            cancelled.collect::<Vec<_>>()
        };
        jobs.fail(2, Error::invalid_input("of job 2"));
        assert_eq!(cancelled(), [false, false, false, true]);
        jobs.fail(3, started[3].error());
        jobs.fail(1, Error::invalid_input("of job 1"));
        assert_eq!(cancelled(), [false, false, true, true]);
        assert!(jobs.start(2, &never).is_none());
        assert!(jobs.start(0, &never).is_some());
        jobs.fail(2, started[2].error());
        assert_eq!(jobs.take().unwrap().to_string(), "of job 1");
    }
}
