//! The number of requests that are being answered at the same time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts the requests that are being answered, and remembers the largest count.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    current: usize,
    max: usize,
}

/// A request that is counted until this is dropped.
pub(crate) struct CountedRequest<'a> {
    in_flight: &'a InFlight,
}

impl InFlight {
    pub(crate) fn count(&self) -> CountedRequest<'_> {
        let mut counts = self.lock();
        counts.current += 1;
        counts.max = counts.max.max(counts.current);
        CountedRequest { in_flight: self }
    }

    pub(crate) fn max(&self) -> usize {
        self.lock().max
    }

    /// Forgets the largest count. Requests that are being answered still count.
    pub(crate) fn reset_max(&self) {
        let mut counts = self.lock();
        counts.max = counts.current;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CountedRequest<'_> {
    fn drop(&mut self) {
        self.in_flight.lock().current -= 1;
    }
}
