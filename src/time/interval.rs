//! The intervals of a query, and their constructors.
//!
//! An interval is only a description here. `resolve` turns it into two absolute times.

use std::time::Duration;

use crate::time::time_expr::TimeExpr;
use crate::time::timestamp::Timestamp;

/// A span of time to query. Its ends are absolute or relative to now.
///
/// Creating an interval never fails. A relative interval is resolved once, by the client's clock,
/// before the first request. If the interval is invalid, such as an empty one, the call fails and
/// nothing is sent.
///
/// A bucket belongs to an interval if its start lies in it: the start itself is inside, the end is
/// not. Buckets are on the UTC grid.
///
/// A bucket is complete if it ended at least the client's
/// [data latency](crate::ClientBuilder::data_latency) ago: it is settled, so its value no longer
/// changes. These intervals hold complete buckets alone, and none that the service has dropped in
/// part:
///
/// | interval | buckets |
/// | --- | --- |
/// | [`since`](Self::since) | all buckets after a point in time, such as a deployment |
/// | [`last`](Self::last) | the last buckets, always the same number |
/// | [`retained`](Self::retained) | all buckets that the service still has |
/// | [`within`](Self::within) | the buckets between two arbitrary times |
/// | [`between`](Self::between) | the buckets between two times on bucket borders |
///
/// Mirrors the vendor's
/// [`intervals`](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1query/post).
///
/// # Example: since a deployment
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource, Timestamp};
///
/// let deploy: Timestamp = "2026-11-26T13:34:56Z".parse()?;
/// let lag = "io.confluent.kafka.server/consumer_lag_offsets";
/// let query = Query::new(lag, Granularity::OneMinute, Interval::since(deploy))
///     .filter(Resource::kafka("lkc-1"));
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
///
/// # Example: text forms
///
/// ```
/// use confluent_metrics::Interval;
///
/// let new_year: Interval = "2026-01-01T00:00:00Z/PT2H".parse()?;
/// let since_yesterday: Interval = "now-1d|d/now".parse()?;
/// let last_hour: Interval = "last/PT1H".parse()?;
/// assert_eq!(last_hour, Interval::last_hours(1));
/// assert_eq!(since_yesterday.to_string(), "now-1d|d/now");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[doc(alias = "range")]
#[doc(alias = "window")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// The form that the caller chose, which `Display` prints again.
    pub(super) repr: Repr,
    /// The distance that the resolved interval is moved into the past.
    pub(super) shift: Duration,
}

/// A start and an end, both absolute.
pub(crate) type TimeRange = (Timestamp, Timestamp);

/// The forms of an interval, before the clock is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Repr {
    /// From a start to an end.
    Between(TimeExpr, TimeExpr),
    /// A start and the length after it.
    StartingAt(TimeExpr, Duration),
    /// The length before an end, and the end.
    EndingAt(Duration, TimeExpr),
    /// The last buckets, of this length together.
    Last(Duration),
    /// All buckets that the service still has.
    Retained,
    /// From the first bucket at or after a time until now.
    Since(Timestamp),
    /// The buckets between two times that need not be on the grid.
    Within(Timestamp, Timestamp),
}

impl Interval {
    /// Creates an interval between two aligned times.
    ///
    /// Both must be on bucket borders of the query's granularity, which are the full minutes for
    /// [`Granularity::All`](crate::Granularity::All).
    /// [`Granularity::floor`](crate::Granularity::floor) and
    /// [`Granularity::ceil`](crate::Granularity::ceil) align a time. Other times are invalid,
    /// because the service would return other buckets. [`within`](Self::within) takes any two
    /// times.
    ///
    /// An end after now minus the client's [data latency](crate::ClientBuilder::data_latency) is
    /// invalid as well, because those buckets are still filling up. A query that
    /// [allows truncated results](crate::Query::allow_truncated) accepts it.
    ///
    /// An [`AttributeQuery`](crate::AttributeQuery) has no buckets and takes any two times.
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// let start = "2026-01-06T00:00:00Z".parse()?;
    /// let day = Interval::between(start, "2026-01-07T00:00:00Z".parse()?);
    /// assert_eq!(day.to_string(), "2026-01-06T00:00:00Z/2026-01-07T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn between(start: Timestamp, end: Timestamp) -> Self {
        Self::new(Repr::Between(TimeExpr::At(start), TimeExpr::At(end)))
    }

    /// Creates the interval of length `duration` after `start`.
    ///
    /// Both ends must be aligned, as with [`between`](Self::between).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// let start = "2026-01-06T00:00:00Z".parse()?;
    /// let interval = Interval::starting_at(start, Duration::from_secs(3600));
    /// assert_eq!(interval.to_string(), "2026-01-06T00:00:00Z/PT1H");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn starting_at(start: Timestamp, duration: Duration) -> Self {
        Self::new(Repr::StartingAt(TimeExpr::At(start), duration))
    }

    /// Creates the interval of length `duration` before `end`.
    ///
    /// Both ends must be aligned, as with [`between`](Self::between).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// let end = "2026-01-06T00:00:00Z".parse()?;
    /// let interval = Interval::ending_at(end, Duration::from_secs(3600));
    /// assert_eq!(interval.to_string(), "PT1H/2026-01-06T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn ending_at(end: Timestamp, duration: Duration) -> Self {
        Self::new(Repr::EndingAt(duration, TimeExpr::At(end)))
    }

    /// Creates an interval of length `duration` that ends with the latest complete bucket.
    ///
    /// The end is now minus the client's [data latency](crate::ClientBuilder::data_latency),
    /// rounded down to the query's granularity. The start is `duration` before that, rounded down
    /// as well. With [`Granularity::All`](crate::Granularity::All) both are rounded down to the
    /// minute. With [`Granularity::OneHour`](crate::Granularity::OneHour) the interval ends at a
    /// full hour, which can be almost an hour ago.
    ///
    /// A `duration` shorter than one bucket is invalid. So is one for which
    /// the service may have dropped the first bucket: `duration`, one bucket and the data latency
    /// together must not exceed [`ClientBuilder::retention`](crate::ClientBuilder::retention).
    /// [`retained`](Self::retained) covers everything that is left.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last(Duration::from_secs(5400)).to_string(), "last/PT1H30M");
    /// ```
    pub const fn last(duration: Duration) -> Self {
        Self::new(Repr::Last(duration))
    }

    /// Creates the interval of the last `minutes` minutes. See [`last`](Self::last).
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last_minutes(90).to_string(), "last/PT1H30M");
    /// ```
    pub const fn last_minutes(minutes: u32) -> Self {
        Self::last(Duration::from_secs(60 * minutes as u64))
    }

    /// Creates the interval of the last `hours` hours. See [`last`](Self::last).
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last_hours(6).to_string(), "last/PT6H");
    /// ```
    pub const fn last_hours(hours: u32) -> Self {
        Self::last(Duration::from_secs(3600 * hours as u64))
    }

    /// Creates the interval of the last `days` days of 24 hours. See [`last`](Self::last).
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last_days(1).to_string(), "last/P1D");
    /// ```
    pub const fn last_days(days: u32) -> Self {
        Self::last(Duration::from_secs(86_400 * days as u64))
    }

    /// Creates the interval of all buckets that the service still has.
    ///
    /// The first bucket is the first one that is still whole: it starts at or after the beginning of
    /// the [retention](crate::ClientBuilder::retention), with the data latency as a margin. The end
    /// is that of [`last`](Self::last). By the hour, that is 166 or 167 buckets.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/received_bytes";
    /// let week = Query::new(metric, Granularity::OneDay, Interval::retained());
    /// # let _ = week;
    /// ```
    pub const fn retained() -> Self {
        Self::new(Repr::Retained)
    }

    /// Creates the interval from `start` to the end of the latest complete bucket.
    ///
    /// The first bucket is the first that starts at or after `start`. It must not be older than
    /// [`ClientBuilder::retention`](crate::ClientBuilder::retention): use
    /// [`retained`](Self::retained) for all that is left. If there is no such bucket yet, nothing is
    /// sent and the result is empty.
    ///
    /// Since the end depends on the clock, this counts as relative to now. The cookbook shows how to
    /// [read every bucket once](crate::_documentation::cookbook#read-every-minute-once) with it.
    ///
    /// ```
    /// use confluent_metrics::{Interval, Timestamp};
    ///
    /// let deploy: Timestamp = "2026-11-26T13:34:56Z".parse()?;
    /// assert_eq!(Interval::since(deploy).to_string(), "since/2026-11-26T13:34:56Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn since(start: Timestamp) -> Self {
        Self::new(Repr::Since(start))
    }

    /// Creates the interval of the buckets inside two arbitrary times.
    ///
    /// If there is no such bucket yet, nothing is sent and the result is empty. An `end` before
    /// `start` is invalid.
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// let start = "2026-11-26T13:34:56Z".parse()?;
    /// let load_test = Interval::within(start, "2026-11-26T14:10:03Z".parse()?);
    /// assert_eq!(
    ///     load_test.to_string(),
    ///     "within/2026-11-26T13:34:56Z/2026-11-26T14:10:03Z"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn within(start: Timestamp, end: Timestamp) -> Self {
        Self::new(Repr::Within(start, end))
    }

    /// Returns this interval, moved into the past by `distance`.
    ///
    /// The interval is resolved first and moved then, so it has the same length as the one that is
    /// not moved. A `distance` must be a multiple of the query's granularity. Called twice, the
    /// distances add up.
    ///
    /// # Example: the same hour of the day before
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// let day = Duration::from_secs(86_400);
    /// let yesterday = Interval::last_hours(1).shifted_back(day);
    /// assert_eq!(yesterday.to_string(), "last/PT1H@-P1D");
    /// ```
    #[must_use]
    pub const fn shifted_back(self, distance: Duration) -> Self {
        Self {
            // A sum that is too large is reported when the interval is resolved, as out of range.
            shift: self.shift.saturating_add(distance),
            ..self
        }
    }

    /// Returns the start and the end of an interval that names both.
    pub(crate) fn as_range(self) -> Option<TimeRange> {
        match self.repr {
            Repr::Between(TimeExpr::At(start), TimeExpr::At(end)) if self.shift.is_zero() => {
                Some((start, end))
            }
            _ => None,
        }
    }

    /// Creates an interval that is not shifted.
    pub(super) const fn new(repr: Repr) -> Self {
        Self {
            repr,
            shift: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_start_and_an_end_without_a_shift_are_a_range() {
        let text = "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z";
        let interval: Interval = text.parse().unwrap();
        let (start, end) = interval.as_range().unwrap();
        assert_eq!(format!("{start}/{end}"), text);
        let hour = Duration::from_secs(3600);
        assert_eq!(interval.shifted_back(hour).as_range(), None);
        assert_eq!(Interval::last(hour).as_range(), None);
        assert_eq!(Interval::starting_at(start, hour).as_range(), None);
    }
}
