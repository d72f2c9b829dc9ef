//! Resolves intervals to absolute start and end times.
//!
//! An end that is relative to now is rounded to a bucket border. One that the caller gave must be
//! on a border, since rounding it would silently query other buckets.
//!
//! ```text
//! now 12:34:56Z, data latency 3 min: buckets that end by 12:31:56Z are settled
//!
//! last/PT1H         with PT5M   11:30/12:30
//! since/12:01:07Z   with PT5M   12:05/12:30
//! since/12:29:00Z   with PT5M   no bucket yet
//! last/PT1H@-P1D    with PT5M   11:30/12:30 of the day before
//! ```

use std::time::Duration;

use crate::time::call_context::CallContext;
use crate::time::granularity::Granularity;
use crate::time::interval::{Interval, Repr, TimeRange};
use crate::time::iso8601::Iso8601Duration;
use crate::time::timestamp::Timestamp;

impl Interval {
    /// Returns true if the resolved times depend on the clock.
    ///
    /// The times of `since` and `within` are absolute, but the clock decides which buckets count.
    pub(crate) fn is_relative(self) -> bool {
        match self.repr {
            Repr::Between(start, end) => start.is_now() || end.is_now(),
            Repr::StartingAt(time, _) | Repr::EndingAt(_, time) => time.is_now(),
            Repr::Last(_) | Repr::Retained | Repr::Since(_) | Repr::Within(..) => true,
        }
    }

    /// Returns true if the service may have dropped the first bucket of [`last`](Self::last).
    pub(crate) fn exceeds_retention(self, granularity: Granularity, context: &CallContext) -> bool {
        let Repr::Last(duration) = self.repr else {
            return false;
        };
        let bucket = granularity.grid().as_nanos();
        // The start is rounded down, so a part of a bucket needs all of it.
        let buckets = duration.as_nanos().div_ceil(bucket) * bucket;
        // The end can be up to one bucket in the past, depending on the time of day.
        buckets + bucket + context.data_latency.as_nanos() + self.shift.as_nanos()
            > context.retention.as_nanos()
    }

    /// Returns the longest distance by which the interval can be moved into the past, in whole
    /// buckets, so that the service still has all of them.
    ///
    /// Returns `None` if there is no bucket yet, or a message if the interval cannot be resolved.
    pub(crate) fn longest_shift(
        self,
        granularity: Granularity,
        context: &CallContext,
    ) -> Result<Option<Duration>, String> {
        let Some((start, _)) = self.buckets(granularity, context)? else {
            return Ok(None);
        };
        let grid = granularity.grid();
        let mut longest = start.duration_since(context.retention_start(context.now));
        // `last` keeps a bucket and the data latency in reserve: see `exceeds_retention`.
        if let Repr::Last(duration) = self.repr {
            let buckets = duration.as_nanos().div_ceil(grid.as_nanos());
            let needed = grid.as_nanos() * (buckets + 1)
                + context.data_latency.as_nanos()
                + self.shift.as_nanos();
            let left = context.retention.as_nanos().saturating_sub(needed);
            let left = Duration::from_millis(u64::try_from(left / 1_000_000).unwrap_or(u64::MAX));
            longest = longest.min(left);
        }
        let whole = longest.as_secs() / grid.as_secs();
        Ok(Some(Duration::from_secs(whole * grid.as_secs())))
    }

    /// Resolves the aligned start and end of a query with `granularity`.
    ///
    /// Returns `None` if there is no bucket yet, or a message if the interval cannot be resolved.
    pub(crate) fn buckets(
        self,
        granularity: Granularity,
        context: &CallContext,
    ) -> Result<Option<TimeRange>, String> {
        let Some(range) = self.unshifted(granularity, context)? else {
            return Ok(None);
        };
        let width = granularity.grid().as_nanos();
        if self.is_relative() && self.shift.as_nanos() % width != 0 {
            return Err(format!(
                "interval {self} is shifted by {}, which is not a multiple of {}",
                Iso8601Duration(self.shift),
                Iso8601Duration(granularity.grid()),
            ));
        }
        let range = self.shifted(range)?;
        self.check_alignment(range, granularity)?;
        Ok(Some(range))
    }

    /// Resolves the start and end of a query for attributes, which has no buckets.
    ///
    /// Returns `None` if the interval is empty, or a message if it cannot be resolved.
    pub(crate) fn times(self, context: &CallContext) -> Result<Option<TimeRange>, String> {
        let (start, end) = match self.repr {
            Repr::Since(start) => (start, Granularity::All.floor(context.settled_until())),
            Repr::Within(start, end) => {
                self.check_order(start, end)?;
                (start, end)
            }
            Repr::Last(_) | Repr::Retained => match self.unshifted(Granularity::All, context)? {
                Some(range) => range,
                None => return Ok(None),
            },
            Repr::Between(..) | Repr::StartingAt(..) | Repr::EndingAt(..) => {
                self.exact(context.now)?
            }
        };
        if start >= end {
            return Ok(None);
        }
        self.shifted((start, end)).map(Some)
    }

    /// Returns start and end before the shift. Relative ends are aligned, and cut to complete
    /// buckets.
    ///
    /// Returns `None` if there is no bucket yet.
    fn unshifted(
        self,
        granularity: Granularity,
        context: &CallContext,
    ) -> Result<Option<TimeRange>, String> {
        let settled_end = granularity.floor(context.settled_until());
        match self.repr {
            Repr::Last(duration) => {
                if duration < granularity.grid() {
                    return Err(format!(
                        "interval {self} is shorter than one bucket ({})",
                        Iso8601Duration(granularity.grid())
                    ));
                }
                let start = settled_end
                    .checked_sub(duration)
                    .ok_or_else(|| self.out_of_range())?;
                Ok(Some((granularity.floor(start), settled_end)))
            }
            // The data latency leaves time for the call: the service drops points while it runs.
            Repr::Retained => {
                let kept = context
                    .retention_start(context.now)
                    .checked_add(context.data_latency);
                let start = granularity.ceil(kept.unwrap_or(Timestamp::MAX));
                if start >= settled_end {
                    return Err(format!(
                        "retention of {} holds no complete bucket of {}",
                        Iso8601Duration(context.retention),
                        Iso8601Duration(granularity.grid()),
                    ));
                }
                Ok(Some((start, settled_end)))
            }
            Repr::Since(start) => {
                let start = granularity.ceil(start);
                Ok((start < settled_end).then_some((start, settled_end)))
            }
            Repr::Within(start, end) => {
                self.check_order(start, end)?;
                let start = granularity.ceil(start);
                let end = granularity.floor(end).min(settled_end);
                Ok((start < end).then_some((start, end)))
            }
            Repr::Between(..) | Repr::StartingAt(..) | Repr::EndingAt(..) => self
                .aligned(granularity, context.now, settled_end)
                .map(Some),
        }
    }

    /// Returns start and end of a form that names its times, with ends relative to now aligned.
    ///
    /// An interval of absolute times is returned as is. `buckets` checks its alignment later.
    fn aligned(
        self,
        granularity: Granularity,
        now: Timestamp,
        settled_end: Timestamp,
    ) -> Result<TimeRange, String> {
        let (mut start, mut end) = self.exact(now)?;
        if !self.is_relative() {
            return Ok((start, end));
        }
        let (start_is_now, end_is_now) = self.relative_ends();
        if start_is_now {
            start = granularity.floor(start);
        }
        if end_is_now {
            end = granularity.floor(end);
        }
        // Checked before the end is cut, so that the message does not depend on the data latency.
        self.check_alignment((start, end), granularity)?;
        let end = end.min(settled_end);
        if start >= end {
            return Err(format!(
                "interval {self} holds no complete bucket of {}",
                Iso8601Duration(granularity.grid())
            ));
        }
        Ok((start, end))
    }

    /// Returns start and end of a form that names its times, without alignment.
    ///
    /// Returns an error if the interval is empty or out of range.
    fn exact(self, now: Timestamp) -> Result<TimeRange, String> {
        let range = match self.repr {
            Repr::Between(start, end) => start.resolve(now).zip(end.resolve(now)),
            Repr::StartingAt(start, duration) => start
                .resolve(now)
                .and_then(|start| Some((start, start.checked_add(duration)?))),
            Repr::EndingAt(duration, end) => end
                .resolve(now)
                .and_then(|end| Some((end.checked_sub(duration)?, end))),
            Repr::Within(start, end) => Some((start, end)),
            Repr::Last(_) | Repr::Retained | Repr::Since(_) => None,
        };
        let (start, end) = range.ok_or_else(|| self.out_of_range())?;
        if end <= start {
            return Err(format!(
                "interval {self} is empty: {end} is not after {start}"
            ));
        }
        Ok((start, end))
    }

    /// Returns whether the start and the end are relative to now.
    ///
    /// A form with one time and a length has two ends of the same kind.
    fn relative_ends(self) -> (bool, bool) {
        match self.repr {
            Repr::Between(start, end) => (start.is_now(), end.is_now()),
            Repr::StartingAt(time, _) | Repr::EndingAt(_, time) => (time.is_now(), time.is_now()),
            Repr::Last(_) | Repr::Retained | Repr::Since(_) | Repr::Within(..) => (true, true),
        }
    }

    /// Moves both ends into the past by the shift of the interval.
    fn shifted(self, (start, end): TimeRange) -> Result<TimeRange, String> {
        start
            .checked_sub(self.shift)
            .zip(end.checked_sub(self.shift))
            .ok_or_else(|| self.out_of_range())
    }

    /// Returns an error if `end` is before `start`.
    fn check_order(self, start: Timestamp, end: Timestamp) -> Result<(), String> {
        if end < start {
            return Err(format!("interval {self} ends before its start"));
        }
        Ok(())
    }

    /// Returns an error if an end is off the grid.
    ///
    /// The service would return other buckets than the caller expects.
    fn check_alignment(
        self,
        (start, end): TimeRange,
        granularity: Granularity,
    ) -> Result<(), String> {
        let early_start = granularity.floor(start);
        let early_end = granularity.floor(end);
        // A time on a border is its own floor and its own ceiling.
        let late_start = granularity.ceil(start);
        let late_end = granularity.ceil(end);
        if early_start == late_start && early_end == late_end {
            return Ok(());
        }
        let borders = match granularity.duration() {
            Some(_) => format!("bucket borders of {granularity}"),
            None => format!("whole minutes, the bucket borders of {granularity}"),
        };
        // Both ends move the same way, or apart if that would leave no bucket.
        let aligned = if early_start < early_end && late_start < late_end {
            format!("{early_start}/{early_end} or {late_start}/{late_end}")
        } else {
            format!("{early_start}/{late_end}")
        };
        Err(format!(
            "interval {self} is not on {borders}: use {aligned}, or Interval::within"
        ))
    }

    /// Returns the message for a time that a timestamp cannot hold.
    fn out_of_range(self) -> String {
        format!("interval {self} is out of range (years 0000 to 9999)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: &str) -> CallContext {
        CallContext {
            now: now.parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::from_secs(7 * 86_400),
        }
    }

    fn resolved(interval: Interval, granularity: Granularity, now: &str) -> Result<String, String> {
        let span = interval.buckets(granularity, &clock(now))?;
        Ok(span.map_or("nothing".to_owned(), |(start, end)| {
            format!("{start}/{end}")
        }))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_resolves_to_absolute_times() {
        for (text, absolute) in [
            (
                "2020-01-01T00:00:00Z/2020-01-01T01:00:00+00:30",
                "2020-01-01T00:00:00Z/2020-01-01T00:30:00Z",
            ),
            (
                "2020-01-01T00:00Z/2020-01-01T01:00+0030",
                "2020-01-01T00:00:00Z/2020-01-01T00:30:00Z",
            ),
            (
                "2020-01-01T00:00:00.000Z/PT2H",
                "2020-01-01T00:00:00Z/2020-01-01T02:00:00Z",
            ),
            (
                "P3D/2020-01-04T00:00:00Z",
                "2020-01-01T00:00:00Z/2020-01-04T00:00:00Z",
            ),
            (
                "P1W/2020-01-08T00:00Z",
                "2020-01-01T00:00:00Z/2020-01-08T00:00:00Z",
            ),
            (
                "2020-01-01T00:00:00Z/P1DT2H3M",
                "2020-01-01T00:00:00Z/2020-01-02T02:03:00Z",
            ),
            (
                "2020-01-01T00:00:00Z/P1D@-P1D",
                "2019-12-31T00:00:00Z/2020-01-01T00:00:00Z",
            ),
            ("now-2m|m/now", "nothing settled"),
            ("now-9m/now-5m", "2020-01-01T02:04:00Z/2020-01-01T02:08:00Z"),
            ("now-9m/now", "2020-01-01T02:04:00Z/2020-01-01T02:10:00Z"),
            (
                "now-9m/now@-PT1H",
                "2020-01-01T01:04:00Z/2020-01-01T01:10:00Z",
            ),
            ("now|h/now|m", "2020-01-01T02:00:00Z/2020-01-01T02:10:00Z"),
            ("now-1d|d/P1D", "2019-12-31T00:00:00Z/2020-01-01T00:00:00Z"),
            ("PT1H/now+30m", "2020-01-01T01:43:00Z/2020-01-01T02:10:00Z"),
            (
                "2020-01-01T01:00:00Z/now",
                "2020-01-01T01:00:00Z/2020-01-01T02:10:00Z",
            ),
            (
                "now-1h/2030-01-01T00:00:00Z",
                "2020-01-01T01:13:00Z/2020-01-01T02:10:00Z",
            ),
            ("last/PT90M", "2020-01-01T00:40:00Z/2020-01-01T02:10:00Z"),
            (
                "last/PT90M@-P1DT0.000S",
                "2019-12-31T00:40:00Z/2019-12-31T02:10:00Z",
            ),
            ("retained", "2019-12-25T02:17:00Z/2020-01-01T02:10:00Z"),
            (
                "since/2020-01-01T01:59:01Z",
                "2020-01-01T02:00:00Z/2020-01-01T02:10:00Z",
            ),
            ("since/2020-01-01T02:10Z", "nothing"),
            ("since/2020-01-01T02:09:01Z", "nothing"),
            (
                "within/2020-01-01T01:59:01Z/2020-01-01T02:03:59Z",
                "2020-01-01T02:00:00Z/2020-01-01T02:03:00Z",
            ),
            (
                "within/2020-01-01T01:59:01+0000/2030-01-01T00:00Z",
                "2020-01-01T02:00:00Z/2020-01-01T02:10:00Z",
            ),
            (
                "within/2020-01-01T02:00:01Z/2020-01-01T02:00:59Z",
                "nothing",
            ),
            (
                "within/2020-01-01T02:00:00Z/2020-01-01T02:00:00Z",
                "nothing",
            ),
        ] {
            let interval: Interval = text.parse().unwrap();
            let found = resolved(interval, Granularity::OneMinute, "2020-01-01T02:13:27Z");
            match absolute {
                "nothing settled" => {
                    assert_eq!(
                        found.unwrap_err(),
                        "interval now-2m|m/now holds no complete bucket of PT1M"
                    );
                }
                _ => assert_eq!(found.unwrap(), absolute, "{text}"),
            }
            assert_eq!(
                interval.to_string().parse::<Interval>().unwrap(),
                interval,
                "{text} is printed as it is read"
            );
        }
    }

    /// Checks lines of an interval, a granularity, a start and an end.
    fn check_resolved(now: &str, lines: &[&str]) {
        for line in lines {
            let columns: Vec<_> = line.split_whitespace().collect();
            let [text, granularity, start, end] = columns[..] else {
                panic!("{line}")
            };
            let granularity = granularity.parse().unwrap();
            let found = resolved(text.parse().unwrap(), granularity, now).unwrap();
            assert_eq!(found, format!("{start}/{end}"), "{line}");
        }
    }

    #[test]
    fn last_and_retained_are_complete_buckets() {
        check_resolved(
            "2026-01-01T12:02:59Z",
            &[
                "last/PT1M   PT1M  2026-01-01T11:58:00Z  2026-01-01T11:59:00Z",
                "last/PT1H   PT5M  2026-01-01T10:55:00Z  2026-01-01T11:55:00Z",
                "last/PT7M   PT5M  2026-01-01T11:45:00Z  2026-01-01T11:55:00Z",
                "last/PT1H   PT1H  2026-01-01T10:00:00Z  2026-01-01T11:00:00Z",
                "last/P2D    P1D   2025-12-30T00:00:00Z  2026-01-01T00:00:00Z",
                "last/PT90M  ALL   2026-01-01T10:29:00Z  2026-01-01T11:59:00Z",
                "retained    P1D   2025-12-26T00:00:00Z  2026-01-01T00:00:00Z",
                "retained    PT1H  2025-12-25T13:00:00Z  2026-01-01T11:00:00Z",
                "retained    ALL   2025-12-25T12:06:00Z  2026-01-01T11:59:00Z",
            ],
        );
    }

    #[test]
    fn text_forms_with_now_are_rounded_down_and_end_with_complete_buckets() {
        check_resolved(
            "2026-01-01T12:02:59Z",
            &[
                "PT3H/now                  PT1H  2026-01-01T09:00:00Z  2026-01-01T11:00:00Z",
                "now-3h/now-2h             PT1H  2026-01-01T09:00:00Z  2026-01-01T10:00:00Z",
                "now-1d/now                PT6H  2025-12-31T12:00:00Z  2026-01-01T06:00:00Z",
                "now-2d/P1D                P1D   2025-12-30T00:00:00Z  2025-12-31T00:00:00Z",
                "2026-01-01T00:00:00Z/now  PT1H  2026-01-01T00:00:00Z  2026-01-01T11:00:00Z",
                "now-90m/now               ALL   2026-01-01T10:32:00Z  2026-01-01T11:59:00Z",
            ],
        );
    }

    #[test]
    fn attributes_have_no_buckets_and_are_sent_as_given() {
        for (text, absolute) in [
            (
                "2026-01-01T00:00:30.5Z/PT1S",
                "2026-01-01T00:00:30.500Z/2026-01-01T00:00:31.500Z",
            ),
            ("now-1h/now+1h", "2026-01-01T11:02:59Z/2026-01-01T13:02:59Z"),
            ("last/PT90M", "2026-01-01T10:29:00Z/2026-01-01T11:59:00Z"),
            (
                "last/PT90M@-PT1S",
                "2026-01-01T10:28:59Z/2026-01-01T11:58:59Z",
            ),
            ("retained", "2025-12-25T12:06:00Z/2026-01-01T11:59:00Z"),
            (
                "since/2026-01-01T11:00:01Z",
                "2026-01-01T11:00:01Z/2026-01-01T11:59:00Z",
            ),
            (
                "within/2026-01-01T11:00:01Z/2026-01-01T12:02:03Z",
                "2026-01-01T11:00:01Z/2026-01-01T12:02:03Z",
            ),
            ("since/2026-01-01T11:59:00Z", "nothing"),
        ] {
            let span = text
                .parse::<Interval>()
                .unwrap()
                .times(&clock("2026-01-01T12:02:59Z"))
                .unwrap();
            let found = span.map_or("nothing".to_owned(), |(start, end)| {
                format!("{start}/{end}")
            });
            assert_eq!(found, absolute, "{text}");
        }
    }

    #[test]
    fn ends_off_the_grid_are_refused_with_both_aligned_intervals() {
        for (text, granularity, why) in [
            (
                "2026-01-06T00:00:00-05:00/2026-01-07T00:00:00-05:00",
                Granularity::OneDay,
                "interval 2026-01-06T05:00:00Z/2026-01-07T05:00:00Z is not on bucket borders of P1D: \
                 use 2026-01-06T00:00:00Z/2026-01-07T00:00:00Z or 2026-01-07T00:00:00Z/2026-01-08T00:00:00Z, \
                 or Interval::within",
            ),
            (
                "2026-01-06T10:30:00Z/PT90M",
                Granularity::OneHour,
                "interval 2026-01-06T10:30:00Z/PT1H30M is not on bucket borders of PT1H: \
                 use 2026-01-06T10:00:00Z/2026-01-06T12:00:00Z or 2026-01-06T11:00:00Z/2026-01-06T12:00:00Z, \
                 or Interval::within",
            ),
            (
                "PT30S/2026-01-06T10:00:40Z",
                Granularity::OneMinute,
                "interval PT30S/2026-01-06T10:00:40Z is not on bucket borders of PT1M: \
                 use 2026-01-06T10:00:00Z/2026-01-06T10:01:00Z, or Interval::within",
            ),
            (
                "2026-01-06T10:30:00Z/PT30M",
                Granularity::OneHour,
                "interval 2026-01-06T10:30:00Z/PT30M is not on bucket borders of PT1H: \
                 use 2026-01-06T10:00:00Z/2026-01-06T11:00:00Z, or Interval::within",
            ),
            (
                "2026-01-06T10:00:00Z/PT30M",
                Granularity::OneHour,
                "interval 2026-01-06T10:00:00Z/PT30M is not on bucket borders of PT1H: \
                 use 2026-01-06T10:00:00Z/2026-01-06T11:00:00Z, or Interval::within",
            ),
            (
                "2026-01-06T10:00:00.001Z/2026-01-06T11:00:00Z",
                Granularity::All,
                "interval 2026-01-06T10:00:00.001Z/2026-01-06T11:00:00Z is not on whole minutes, the bucket borders of ALL: \
                 use 2026-01-06T10:00:00Z/2026-01-06T11:00:00Z or 2026-01-06T10:01:00Z/2026-01-06T11:00:00Z, \
                 or Interval::within",
            ),
            (
                "2026-01-06T10:30:00Z/now",
                Granularity::OneHour,
                "interval 2026-01-06T10:30:00Z/now is not on bucket borders of PT1H: \
                 use 2026-01-06T10:00:00Z/2026-01-08T12:00:00Z or 2026-01-06T11:00:00Z/2026-01-08T12:00:00Z, \
                 or Interval::within",
            ),
            (
                "last/PT1H@-PT30M",
                Granularity::OneHour,
                "interval last/PT1H@-PT30M is shifted by PT30M, which is not a multiple of PT1H",
            ),
            (
                "2026-01-06T10:00:00Z/PT1H@-PT30M",
                Granularity::OneHour,
                "interval 2026-01-06T10:00:00Z/PT1H@-PT30M is not on bucket borders of PT1H: \
                 use 2026-01-06T09:00:00Z/2026-01-06T10:00:00Z or 2026-01-06T10:00:00Z/2026-01-06T11:00:00Z, \
                 or Interval::within",
            ),
        ] {
            let interval = text.parse().unwrap();
            assert_eq!(
                resolved(interval, granularity, "2026-01-08T12:02:59Z").unwrap_err(),
                why
            );
        }
    }

    #[test]
    fn the_longest_shift_leaves_every_bucket_within_the_retention() {
        let context = clock("2026-01-01T12:34:56Z");
        let hour = Duration::from_secs(3600);
        for (text, hours) in [
            // 12:00 is the end. `last` must hold at any time of day: two hours and three minutes
            // are in reserve for one bucket.
            ("last/PT1H", 165),
            ("last/PT1H@-PT1H", 164),
            ("last/PT90M", 164),
            // The retention starts at 12:34:56, so the first whole hour is that of 13:00.
            ("2026-01-01T11:00:00Z/PT1H", 166),
            ("since/2026-01-01T09:30:00Z", 165),
        ] {
            let interval: Interval = text.parse().unwrap();
            let longest = interval.longest_shift(Granularity::OneHour, &context);
            assert_eq!(longest, Ok(Some(hours * hour)), "{text}");
            let shifted = interval.shifted_back(hours * hour);
            assert!(!shifted.exceeds_retention(Granularity::OneHour, &context));
        }
        let future = Interval::since(at("2026-01-01T12:01:00Z"));
        assert_eq!(
            future.longest_shift(Granularity::OneHour, &context),
            Ok(None)
        );
    }

    #[test]
    fn unresolvable_intervals_are_refused() {
        let at = at("2026-01-01T00:00:00Z");
        for (interval, why) in [
            (
                Interval::last_minutes(59),
                "interval last/PT59M is shorter than one bucket (PT1H)",
            ),
            (
                Interval::last(Duration::ZERO),
                "interval last/PT0S is shorter than one bucket (PT1H)",
            ),
            (
                Interval::between(at, at),
                "interval 2026-01-01T00:00:00Z/2026-01-01T00:00:00Z is empty: 2026-01-01T00:00:00Z is not after 2026-01-01T00:00:00Z",
            ),
            (
                Interval::starting_at(at, Duration::from_nanos(999_999)),
                "interval 2026-01-01T00:00:00Z/PT0.000999999S is empty: 2026-01-01T00:00:00Z is not after 2026-01-01T00:00:00Z",
            ),
            (
                Interval::within(at, Timestamp::UNIX_EPOCH),
                "interval within/2026-01-01T00:00:00Z/1970-01-01T00:00:00Z ends before its start",
            ),
            (
                Interval::ending_at(at, Duration::MAX),
                "interval P213503982334601DT7H15.999999999S/2026-01-01T00:00:00Z is out of range (years 0000 to 9999)",
            ),
            (
                Interval::last_hours(1).shifted_back(Duration::from_secs(36_000_000 * 3600)),
                "interval last/PT1H@-P1500000D is out of range (years 0000 to 9999)",
            ),
            (
                "now/now-4294967295d".parse().unwrap(),
                "interval now/now-4294967295d is out of range (years 0000 to 9999)",
            ),
        ] {
            assert_eq!(
                resolved(interval, Granularity::OneHour, "2026-01-01T12:00:00Z").unwrap_err(),
                why
            );
        }
        let short = CallContext {
            retention: Duration::from_secs(3600),
            ..clock("2026-01-01T12:00:00Z")
        };
        assert_eq!(
            Interval::retained()
                .buckets(Granularity::OneDay, &short)
                .unwrap_err(),
            "retention of PT1H holds no complete bucket of P1D"
        );
    }
}
