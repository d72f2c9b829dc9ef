//! The facts that relative intervals are resolved by.

use std::time::Duration;

use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;

/// One reading of the clock for a call, and the client's settings for the service's store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallContext {
    pub(crate) now: Timestamp,
    pub(crate) data_latency: Duration,
    pub(crate) retention: Duration,
}

/// The default time after an event at which its point is final.
pub(crate) const DATA_LATENCY: Duration = Duration::from_secs(180);

impl CallContext {
    /// Returns the time until which every event has a point.
    pub(crate) fn settled_until(&self) -> Timestamp {
        self.now
            .checked_sub(self.data_latency)
            .unwrap_or(Timestamp::MIN)
    }

    /// Returns the time before which the service has dropped points by `at`.
    pub(crate) fn kept_since(&self, at: Timestamp) -> Timestamp {
        at.checked_sub(self.retention).unwrap_or(Timestamp::MIN)
    }

    /// Returns the longest duration of `Interval::last` that is complete at any time of day.
    pub(crate) fn longest_last(&self, granularity: Granularity) -> Option<Duration> {
        let bucket = granularity.grid().as_secs();
        let available = self
            .retention
            .checked_sub(self.data_latency)?
            .checked_sub(granularity.grid())?;
        let buckets = available.as_secs() / bucket;
        (buckets > 0).then(|| Duration::from_secs(buckets * bucket))
    }
}
