//! The facts that relative intervals are resolved by.
//!
//! The clock is read once for a call, so that all windows of a query agree on what "now" is.
//!
//! ```text
//! now - retention          now - data latency     now
//! |--------------------------------|---------------|
//!   every event has a point          may change
//! ```

use std::time::Duration;

use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;

/// One reading of the clock for a call, and the client's settings for the service's store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallContext {
    /// The time of the call.
    pub(crate) now: Timestamp,
    /// The time after an event at which its point is final.
    pub(crate) data_latency: Duration,
    /// The time for which the service keeps points.
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

    /// Returns the start of the retention at the time `at`: earlier points have been dropped.
    pub(crate) fn retention_start(&self, at: Timestamp) -> Timestamp {
        // A very long retention reaches before the year 0000.
        at.checked_sub(self.retention).unwrap_or(Timestamp::MIN)
    }

    /// Returns the longest duration of `Interval::last` that is complete at any time of day.
    ///
    /// Returns `None` if the retention does not hold a single bucket.
    pub(crate) fn longest_last(&self, granularity: Granularity) -> Option<Duration> {
        let bucket = granularity.grid().as_secs();
        // One bucket is lost because the end is rounded down: it can be almost a bucket ago.
        let available = self
            .retention
            .checked_sub(self.data_latency)?
            .checked_sub(granularity.grid())?;
        let buckets = available.as_secs() / bucket;
        (buckets > 0).then(|| Duration::from_secs(buckets * bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_last_leaves_room_for_a_bucket_and_the_latency() {
        let hour = Duration::from_secs(3600);
        for (retention, longest) in [
            (24 * hour, Some(22 * hour)),
            (2 * hour + DATA_LATENCY, Some(hour)),
            (2 * hour + Duration::from_secs(179), None),
            (hour + DATA_LATENCY, None),
            (hour, None),
            (Duration::ZERO, None),
        ] {
            let context = CallContext {
                now: Timestamp::UNIX_EPOCH,
                data_latency: DATA_LATENCY,
                retention,
            };
            assert_eq!(
                context.longest_last(Granularity::OneHour),
                longest,
                "{retention:?}"
            );
        }
    }
}
