//! The settings of a wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use crate::check::check::Check;
use crate::check::format::humanize::format_duration;
use crate::check::report::Report;
#[cfg(doc)]
use crate::check::status::Status;
use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;

/// The time for which [`Check::wait`] waits, and the times at which it judges.
///
/// ```
/// use std::time::Duration;
///
/// use confluent_metrics::check::Wait;
///
/// let minutes = |count: u64| Duration::from_secs(60 * count);
/// let wait = Wait::up_to(minutes(20))
///     .initial_delay(minutes(3))
///     .every(minutes(1))
///     .consecutive(3);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a wait has no effect until it is passed to Check::wait"]
pub struct Wait {
    /// The time of all attempts together.
    pub(super) up_to: Duration,
    /// The time from one judgment to the next, or `None` for one bucket.
    pub(super) every: Option<Duration>,
    /// The number of judgments in a row that must be OK.
    pub(super) consecutive: usize,
    /// The time before the first judgment.
    pub(super) initial_delay: Duration,
    /// The start of the first bucket that may count.
    pub(super) since: Option<Timestamp>,
    /// The closure that receives every report.
    pub(super) on_judgment: Option<Listener>,
}

/// The closure of [`Wait::on_judgment`].
#[derive(Clone)]
pub(super) struct Listener(pub(super) Arc<dyn Fn(&Report) + Send + Sync>);

/// The most that the clock of another machine may be ahead.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

impl Wait {
    /// Creates a wait of at most `duration`, which includes the initial delay and all judgments.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::check::Wait;
    ///
    /// let wait = Wait::up_to(Duration::from_secs(20 * 60));
    /// ```
    pub const fn up_to(duration: Duration) -> Self {
        Self {
            up_to: duration,
            every: None,
            consecutive: 1,
            initial_delay: Duration::ZERO,
            since: None,
            on_judgment: None,
        }
    }

    /// Sets the time from the start of one judgment to the start of the next.
    ///
    /// Defaults to one bucket of the query, and at least 15 seconds.
    ///
    /// A shorter time costs requests, which the service limits, and shows no new bucket.
    ///
    /// ```
    /// # use confluent_metrics::check::Wait;
    /// # use std::time::Duration;
    /// let wait = Wait::up_to(Duration::from_secs(1200)).every(Duration::from_secs(30));
    /// ```
    pub const fn every(mut self, duration: Duration) -> Self {
        self.every = Some(duration);
        self
    }

    /// Sets the number of judgments in a row that must be [`Ok`](Status::Ok).
    ///
    /// A judgment counts only if its latest complete bucket is later than that of the one that
    /// counted before.
    ///
    /// Defaults to 1.
    ///
    /// ```
    /// # use confluent_metrics::check::Wait;
    /// # use std::time::Duration;
    /// let wait = Wait::up_to(Duration::from_secs(1200)).consecutive(3);
    /// ```
    pub const fn consecutive(mut self, judgments: usize) -> Self {
        self.consecutive = judgments;
        self
    }

    /// Sets the time before the first judgment.
    ///
    /// Defaults to none.
    ///
    /// ```
    /// # use confluent_metrics::check::Wait;
    /// # use std::time::Duration;
    /// let wait = Wait::up_to(Duration::from_secs(1200)).initial_delay(Duration::from_secs(240));
    /// ```
    pub const fn initial_delay(mut self, duration: Duration) -> Self {
        self.initial_delay = duration;
        self
    }

    /// Ignores every bucket that starts before `start`, such as the end of a deployment.
    ///
    /// Buckets from during a deployment could pass before its effect shows. The windows of all
    /// queries are cut, the baseline with them. A judgment before the first bucket is complete is
    /// [`Unknown`](Status::Unknown).
    ///
    /// A bucket is complete at its end plus the [data latency], so that `up_to` must be at least
    /// two buckets, the data latency and one `every`. By default that is 6 minutes, and one more for
    /// each further judgment that [`consecutive`](Self::consecutive) requires. A wait that is too
    /// short is refused, with the earliest time at which the check can be OK. So is a `start` of
    /// more than a minute after now.
    ///
    /// [data latency]: crate::ClientBuilder::data_latency
    ///
    /// Defaults to the start of the windows of the queries.
    ///
    /// ```
    /// # use confluent_metrics::check::Wait;
    /// # use std::time::Duration;
    /// use confluent_metrics::Timestamp;
    ///
    /// let wait = Wait::up_to(Duration::from_secs(1200)).since(Timestamp::now());
    /// ```
    pub const fn since(mut self, start: Timestamp) -> Self {
        self.since = Some(start);
        self
    }

    /// Sets a closure that receives the report of every judgment, to show the progress of a wait.
    ///
    /// It runs on the thread of [`Check::wait`], and its time is a part
    /// of the wait. The report is that of one judgment. The last one is passed as well.
    ///
    /// Defaults to none.
    ///
    /// ```
    /// # use confluent_metrics::check::Wait;
    /// # use std::time::Duration;
    /// let wait = Wait::up_to(Duration::from_secs(1200))
    ///     .on_judgment(|report| eprintln!("{}", report.summary()));
    /// ```
    #[doc(alias = "progress")]
    pub fn on_judgment(mut self, on_judgment: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        self.on_judgment = Some(Listener(Arc::new(on_judgment)));
        self
    }

    /// Returns the problems of a wait that cannot succeed.
    pub(super) fn invalid_reason(&self, every: Duration, is_moving: bool) -> Option<String> {
        let mut problems = Vec::new();
        if self.consecutive == 0 {
            problems.push("consecutive(0) is always reached".to_owned());
        }
        if every.is_zero() {
            problems.push("every(0 s) leaves no time between judgments".to_owned());
        }
        let others = u32::try_from(self.consecutive.saturating_sub(1)).unwrap_or(u32::MAX);
        let needed = self
            .initial_delay
            .saturating_add(every.saturating_mul(others));
        if needed >= self.up_to {
            let judgments = match self.consecutive {
                0 | 1 => "a judgment".to_owned(),
                count => format!("{count} judgments in a row"),
            };
            problems.push(format!(
                "no time for {judgments}: the last one begins after {}, and the wait is up to {}",
                format_duration(needed),
                format_duration(self.up_to),
            ));
        }
        if self.consecutive > 1 && !is_moving {
            problems.push(
                "consecutive needs an interval that is relative to now, to have new buckets"
                    .to_owned(),
            );
        }
        (!problems.is_empty()).then(|| format!("invalid wait: {}", problems.join("; ")))
    }

    /// Returns the problem of a [`since`](Self::since) after which there is no time.
    ///
    /// `now` is the start of the wait.
    pub(super) fn late_reason(
        &self,
        every: Duration,
        granularity: Granularity,
        now: Timestamp,
        data_latency: Duration,
    ) -> Option<String> {
        let since = self.since?;
        if since.duration_since(now) > MAX_CLOCK_DIFFERENCE {
            let now = now.floor_to_ms(1000);
            return Some(format!(
                "invalid wait: since {since} is in the future: the time is {now}"
            ));
        }
        let complete = first_complete(since, granularity, data_latency)?;
        let earliest = self.earliest(complete.duration_since(now), every, granularity.grid());
        if complete <= now || earliest < self.up_to {
            return None;
        }
        let often = match self.consecutive {
            0 | 1 => String::new(),
            count => format!(" {count} times in a row"),
        };
        let round_up = Duration::from_millis(999);
        let earliest = now.checked_add(earliest.saturating_add(round_up));
        let end = now.checked_add(self.up_to).unwrap_or(Timestamp::MAX);
        Some(format!(
            "invalid wait: the first bucket since {since} is complete at {complete}, so that the \
             check can be OK{often} at {} at the earliest, but the wait ends at {}",
            earliest.unwrap_or(Timestamp::MAX).floor_to_ms(1000),
            end.floor_to_ms(1000),
        ))
    }

    /// Returns the time from the start of the wait to the judgment that can be the last one, if the
    /// first bucket is complete after the time `complete`.
    fn earliest(&self, complete: Duration, every: Duration, width: Duration) -> Duration {
        let delay = self.initial_delay.as_nanos();
        let complete = complete.as_nanos();
        let every = every.as_nanos();
        let width = width.as_nanos();
        let others = self.consecutive.saturating_sub(1) as u128;
        let first = judgment_after(complete, delay, every);
        // Each judgment needs a later bucket than the one before.
        let buckets = ((first - complete) / width).saturating_add(others);
        let last_bucket = complete.saturating_add(width.saturating_mul(buckets));
        let last = judgment_after(last_bucket, delay, every)
            .max(first.saturating_add(every.saturating_mul(others)));
        u64::try_from(last).map_or(Duration::MAX, Duration::from_nanos)
    }
}

/// Returns the time at which the first bucket that starts at or after `since` is complete.
///
/// Returns `None` after the year 9999.
pub(super) fn first_complete(
    since: Timestamp,
    granularity: Granularity,
    data_latency: Duration,
) -> Option<Timestamp> {
    let start = granularity.ceil(since);
    start
        .checked_add(granularity.grid())?
        .checked_add(data_latency)
}

/// Returns the time of the first judgment that does not begin before `time`.
///
/// The first of all judgments begins after `delay`, and each other one `every` later.
const fn judgment_after(time: u128, delay: u128, every: u128) -> u128 {
    let judgments = time.saturating_sub(delay).div_ceil(every);
    delay.saturating_add(every.saturating_mul(judgments))
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_wait_that_cannot_succeed_is_invalid() {
        let wait = Wait::up_to(MINUTE * 3);
        for (wait, is_moving, reason) in [
            (wait.clone().consecutive(3), true, None),
            (
                wait.clone().consecutive(4),
                true,
                Some(
                    "no time for 4 judgments in a row: the last one begins after 3 min, and the \
                     wait is up to 3 min",
                ),
            ),
            (
                wait.clone().initial_delay(MINUTE * 5),
                true,
                Some(
                    "no time for a judgment: the last one begins after 5 min, and the wait is up \
                     to 3 min",
                ),
            ),
            (
                Wait::up_to(Duration::ZERO),
                true,
                Some(
                    "no time for a judgment: the last one begins after 0 s, and the wait is up \
                     to 0 s",
                ),
            ),
            (
                wait.clone().consecutive(0),
                true,
                Some("consecutive(0) is always reached"),
            ),
            (
                wait.clone().every(Duration::ZERO),
                true,
                Some("every(0 s) leaves no time between judgments"),
            ),
            (wait.clone().consecutive(1), false, None),
            (
                wait.clone().consecutive(2),
                false,
                Some("consecutive needs an interval that is relative to now, to have new buckets"),
            ),
            (
                wait.clone().consecutive(usize::MAX).every(Duration::MAX),
                true,
                Some("no time for"),
            ),
        ] {
            let found = wait.invalid_reason(wait.every.unwrap_or(MINUTE), is_moving);
            match reason {
                None => assert_eq!(found, None, "{wait:?}"),
                Some(reason) => {
                    let found = found.unwrap();
                    assert!(found.starts_with("invalid wait: "), "{found}");
                    assert!(found.contains(reason), "{found}");
                }
            }
        }
    }
    /// Returns the reason of a wait in which `minutes` are those of `up_to`, `every` and the delay.
    fn late(minutes: [u64; 3], consecutive: usize, since: &str) -> Option<String> {
        let [up_to, every, delay] = minutes.map(|minutes| Duration::from_secs(60 * minutes));
        let wait = Wait::up_to(up_to)
            .initial_delay(delay)
            .consecutive(consecutive)
            .since(since.parse().unwrap());
        let now = "2026-01-08T12:00:20.250Z".parse().unwrap();
        let reason = wait.late_reason(every, Granularity::OneMinute, now, 3 * MINUTE)?;
        Some(reason.strip_prefix("invalid wait: ").unwrap().to_owned())
    }

    #[test]
    fn a_wait_that_ends_before_the_first_bucket_is_complete_is_refused() {
        // The bucket of 12:01 is complete at 12:05, in 4 min 39.75 s.
        let since = "2026-01-08T12:00:20Z";
        let first = "the first bucket since 2026-01-08T12:00:20Z is complete at \
                     2026-01-08T12:05:00Z, so that the check can be OK";
        for (minutes, consecutive, rest) in [
            ([6, 1, 0], 1, None),
            (
                [5, 1, 0],
                1,
                Some(
                    " at 2026-01-08T12:05:21Z at the earliest, but the wait ends at 2026-01-08T12:05:20Z",
                ),
            ),
            // The judgments are at 12:00, 12:04 and 12:08.
            (
                [8, 4, 0],
                1,
                Some(
                    " at 2026-01-08T12:08:21Z at the earliest, but the wait ends at 2026-01-08T12:08:20Z",
                ),
            ),
            ([9, 4, 0], 1, None),
            (
                [5, 1, 4],
                1,
                Some(
                    " at 2026-01-08T12:05:21Z at the earliest, but the wait ends at 2026-01-08T12:05:20Z",
                ),
            ),
            ([10, 4, 5], 1, None),
            (
                [7, 1, 0],
                3,
                Some(
                    " 3 times in a row at 2026-01-08T12:07:21Z at the earliest, but the wait ends at 2026-01-08T12:07:20Z",
                ),
            ),
            ([8, 1, 0], 3, None),
            // With judgments in 10, 14 and 18 minutes, the first bucket is not the only one.
            (
                [18, 4, 10],
                3,
                Some(
                    " 3 times in a row at 2026-01-08T12:18:21Z at the earliest, but the wait ends at 2026-01-08T12:18:20Z",
                ),
            ),
            ([19, 4, 10], 3, None),
        ] {
            let reason = rest.map(|rest| format!("{first}{rest}"));
            assert_eq!(late(minutes, consecutive, since), reason, "{minutes:?}");
        }
        // Judgments of one bucket do not count twice.
        let often = Wait::up_to(7 * MINUTE).consecutive(3);
        let often = often.since(since.parse().unwrap());
        let now = since.parse().unwrap();
        let every = Duration::from_secs(15);
        let granularity = Granularity::OneMinute;
        let reason = often.late_reason(every, granularity, now, 3 * MINUTE);
        assert_eq!(reason, None, "the last one is in 6 min 45 s");
        let wait = often.clone();
        let short = Wait {
            up_to: Duration::from_secs(405),
            ..wait
        };
        let reason = short.late_reason(every, granularity, now, 3 * MINUTE);
        assert!(
            reason
                .unwrap()
                .contains("OK 3 times in a row at 2026-01-08T12:07:05Z")
        );
    }

    #[test]
    fn a_wait_whose_first_bucket_is_complete_is_not_refused() {
        for since in ["2026-01-08T11:56:00Z", "2026-01-01T00:00:00Z"] {
            assert_eq!(late([1, 1, 0], 1, since), None);
        }
        assert!(late([2, 1, 0], 1, "2026-01-08T11:56:01Z").is_none());
        assert!(late([1, 1, 0], 1, "2026-01-08T11:56:01Z").is_some());
        assert_eq!(
            Wait::up_to(MINUTE).late_reason(
                MINUTE,
                Granularity::OneDay,
                Timestamp::UNIX_EPOCH,
                MINUTE
            ),
            None
        );
    }

    #[test]
    fn a_start_in_the_future_is_refused_but_for_the_difference_of_clocks() {
        assert_eq!(late([60, 1, 0], 1, "2026-01-08T12:01:20Z"), None);
        assert_eq!(
            late([60, 1, 0], 1, "2026-01-08T12:01:21Z").unwrap(),
            "since 2026-01-08T12:01:21Z is in the future: the time is 2026-01-08T12:00:20Z"
        );
        // The largest numbers do not overflow.
        let end = late([u64::MAX / 60, 1, 0], usize::MAX, "9999-12-31T23:59:59Z");
        assert!(end.unwrap().contains("is in the future"));
        let wait = Wait::up_to(Duration::MAX).consecutive(usize::MAX);
        let earliest = wait.earliest(Duration::MAX, Duration::MAX, MINUTE);
        assert_eq!(earliest, Duration::MAX);
    }
}
