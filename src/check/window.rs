//! The buckets of a query that a check may use, and the age of their points.
//!
//! ```text
//! start                     now - data latency      end
//! |--------------------------------|-----------------|
//!   settled: a check may use them     may still change
//! ```

use std::time::Duration;

use crate::error::Error;
use crate::model::series::Point;
use crate::request::plan::plan;
use crate::request::query::Query;
use crate::time::call_context::CallContext;
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;
use crate::time::timestamp::Timestamp;

/// The intervals of a query, resolved at one reading of the clock.
#[derive(Debug)]
pub(crate) struct CheckWindow {
    /// In order of time, without overlaps.
    spans: Vec<TimeRange>,
    /// The granularity of the query, which sets the width of a bucket.
    granularity: Granularity,
    /// The latest end of a bucket that may count.
    settled_until: Timestamp,
    /// The reason why a result for this window is truncated.
    truncated: Option<String>,
}

impl CheckWindow {
    /// Resolves the intervals of `query`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` with every problem of the query.
    pub(crate) fn new(query: &Query, context: &CallContext) -> Result<Self, Error> {
        let plan = plan(query, context)?;
        Ok(Self {
            spans: plan.intervals,
            granularity: query.granularity,
            settled_until: context.settled_until(),
            truncated: plan.truncated,
        })
    }

    /// Returns the reason why a result is truncated, even if it was decoded without a clock.
    pub(crate) fn truncated(&self) -> Option<&str> {
        self.truncated.as_deref()
    }

    /// Returns the first start and the last end, or `None` if the window has no bucket.
    pub(crate) fn bounds(&self) -> Option<TimeRange> {
        Some((self.spans.first()?.0, self.end()?))
    }

    /// Returns the latest end of a bucket that may count: now minus the data latency.
    pub(crate) const fn settled_until(&self) -> Timestamp {
        self.settled_until
    }

    /// Returns the time at which ages are measured.
    ///
    /// Later buckets may still change, or are not part of the query.
    pub(crate) fn age_reference(&self) -> Timestamp {
        self.end()
            .map_or(self.settled_until, |end| end.min(self.settled_until))
    }

    /// Returns the width of a bucket, or a minute with ALL.
    pub(crate) fn width(&self) -> Duration {
        self.granularity.grid()
    }

    /// Returns the end of the bucket that `point` is of.
    pub(crate) fn end_of(&self, point: Point) -> Timestamp {
        match self.granularity.duration() {
            // A timestamp near the end of the year 9999 has no bucket end.
            Some(width) => point.timestamp.checked_add(width).unwrap_or(Timestamp::MAX),
            None => self.end().unwrap_or(Timestamp::MAX),
        }
    }

    /// Returns the time between the end of the bucket and the reference.
    pub(crate) fn age_of(&self, point: Point) -> Duration {
        self.age_reference().duration_since(self.end_of(point))
    }

    /// Returns true if the bucket of `point` can no longer change.
    pub(crate) fn has_settled(&self, point: Point) -> bool {
        self.end_of(point) <= self.settled_until
    }

    /// Returns true if `point` is in an interval of the query.
    ///
    /// With ALL that is any point, because the time of the one bucket is not documented.
    pub(crate) fn contains(&self, point: Point) -> bool {
        self.is_one_bucket()
            || self
                .latest_end(point)
                .is_some_and(|end| point.timestamp < end)
    }

    /// Returns true if no response to the query can contain `point`.
    ///
    /// A point at the end of an interval is neither contained nor rejected: some services include
    /// the end.
    pub(crate) fn rejects(&self, point: Point) -> bool {
        !self.contains(point) && self.latest_end(point) != Some(point.timestamp)
    }

    /// Returns true if a bucket starts at `point`. Buckets are aligned to UTC.
    pub(crate) fn starts_a_bucket_at(&self, point: Point) -> bool {
        self.is_one_bucket() || self.granularity.floor(point.timestamp) == point.timestamp
    }

    /// Returns true if all intervals together are one bucket.
    pub(crate) fn is_one_bucket(&self) -> bool {
        self.granularity == Granularity::All
    }

    /// Returns the number of seconds that [`buckets`](Self::buckets) cover.
    pub(crate) fn seconds(&self) -> f64 {
        self.buckets() as f64 * self.width().as_secs_f64()
    }

    /// Returns the number of complete buckets.
    ///
    /// With ALL it is the number of minutes, or 0 if one of them may still change.
    pub(crate) fn buckets(&self) -> u64 {
        // With ALL there is no part of the bucket that could count by itself.
        let settled_end = match self.granularity.duration() {
            Some(_) => self.granularity.floor(self.settled_until),
            None if self.end().is_some_and(|end| end <= self.settled_until) => Timestamp::MAX,
            None => return 0,
        };
        let mut buckets = 0;
        for (start, end) in &self.spans {
            // `duration_since` is zero for an interval that starts later.
            let settled = (*end).min(settled_end).duration_since(*start);
            buckets += settled.as_secs() / self.width().as_secs();
        }
        buckets
    }

    /// Returns the starts of the last complete buckets, at most `count`, the latest first.
    pub(crate) fn last_buckets(&self, count: usize) -> Vec<Timestamp> {
        let settled_end = self.granularity.floor(self.settled_until);
        let mut starts = Vec::new();
        for (first, end) in self.spans.iter().rev() {
            let mut end = (*end).min(settled_end);
            while end > *first && starts.len() < count {
                let Some(start) = end.checked_sub(self.width()) else {
                    return starts;
                };
                starts.push(start);
                end = start;
            }
        }
        starts
    }

    /// Returns the intervals, in order of time.
    pub(crate) fn spans(&self) -> &[TimeRange] {
        &self.spans
    }

    /// Counts only buckets that end by `until`.
    ///
    /// The baseline of a window that is not complete has as many buckets as the window then.
    pub(crate) fn settle_by(&mut self, until: Timestamp) {
        self.settled_until = until;
    }

    /// Returns the end of the last interval, or `None` if there is no bucket.
    fn end(&self) -> Option<Timestamp> {
        self.spans.last().map(|(_, end)| *end)
    }

    /// Returns the end of the last interval that starts at or before `point`.
    fn latest_end(&self, point: Point) -> Option<Timestamp> {
        // A binary search: this runs for every point, and there may be thousands of intervals.
        let started = self
            .spans
            .partition_point(|(start, _)| *start <= point.timestamp);
        // `started` counts the intervals that start before the point, so the latest is one less.
        let latest = started.checked_sub(1)?;
        self.spans.get(latest).map(|(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(granularity: Granularity, intervals: &[&str], now: &str) -> CheckWindow {
        let context = CallContext {
            now: now.parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::MAX,
        };
        let mut intervals = intervals.iter().map(|text| text.parse().unwrap());
        let query = Query::new("m", granularity, intervals.next().unwrap());
        CheckWindow::new(
            &intervals.fold(query, Query::add_interval).allow_truncated(),
            &context,
        )
        .unwrap()
    }

    fn point(at: &str) -> Point {
        Point {
            timestamp: at.parse().unwrap(),
            value: 1.0,
        }
    }

    #[test]
    fn long_intervals_are_not_split() {
        let week = window(
            Granularity::OneMinute,
            &["2026-01-01T00:00:00Z/P7D", "2026-02-01T00:00:00Z/PT1H"],
            "2026-03-01T00:00:00Z",
        );
        assert_eq!(week.spans.len(), 2);
        assert_eq!(week.buckets(), 7 * 1440 + 60);
    }

    #[test]
    fn buckets_that_start_in_the_window_and_have_ended_are_settled() {
        let minute = Granularity::OneMinute;
        let hour = "2026-01-08T11:00:00Z/2026-01-08T12:00:00Z";
        for (granularity, intervals, now, buckets) in [
            (minute, vec![hour], "2026-01-08T12:03:00Z", 60),
            (minute, vec![hour], "2026-01-08T12:02:59Z", 59),
            (minute, vec![hour], "2026-01-08T11:04:00Z", 1),
            (minute, vec![hour], "2026-01-08T11:03:59Z", 0),
            (minute, vec![hour], "2026-01-01T00:00:00Z", 0),
            (
                minute,
                vec!["within/2026-01-08T11:00:30Z/2026-01-08T12:00:10Z"],
                "2026-01-09T00:00:00Z",
                59,
            ),
            (
                minute,
                vec!["within/2026-01-08T11:00:10Z/2026-01-08T11:00:50Z"],
                "2026-01-09T00:00:00Z",
                0,
            ),
            (
                minute,
                vec!["since/2026-01-08T11:00:10Z"],
                "2026-01-08T11:10:00Z",
                6,
            ),
            (
                minute,
                vec!["2026-01-07T00:00:00Z/P1D"],
                "2026-01-09T00:00:00Z",
                1440,
            ),
            (
                minute,
                vec![hour, "2026-01-08T13:00:00Z/PT2M"],
                "2026-01-09T00:00:00Z",
                62,
            ),
            (
                minute,
                vec![hour, "2026-01-08T11:30:00Z/PT1H"],
                "2026-01-09T00:00:00Z",
                90,
            ),
            (
                Granularity::OneHour,
                vec!["within/2026-01-08T09:59:59Z/2026-01-08T12:00:01Z"],
                "2026-01-09T00:00:00Z",
                2,
            ),
            (
                Granularity::OneDay,
                vec!["within/1969-12-29T23:59:59Z/1970-01-02T00:00:00Z"],
                "2026-01-09T00:00:00Z",
                3,
            ),
            (Granularity::All, vec![hour], "2026-01-08T12:03:00Z", 60),
            (Granularity::All, vec![hour], "2026-01-08T12:02:59Z", 0),
            (
                Granularity::All,
                vec![hour, "2026-01-08T13:00:00Z/PT2M"],
                "2026-01-09T00:00:00Z",
                62,
            ),
            (
                Granularity::All,
                vec!["since/2026-01-08T11:00:00Z"],
                "2026-01-08T11:00:00Z",
                0,
            ),
        ] {
            let counted = window(granularity, &intervals, now).buckets();
            assert_eq!(counted, buckets, "{granularity} {intervals:?} at {now}");
        }
    }

    #[test]
    fn ages_run_from_the_end_of_a_bucket_to_the_last_settled_end() {
        let minute = Granularity::OneMinute;
        let hour = "2026-01-08T11:00:00Z/2026-01-08T12:00:00Z";
        let later = "2026-01-08T13:00:00Z/PT1H";
        for (granularity, intervals, now, at, seconds) in [
            (
                minute,
                vec![hour],
                "2026-01-09T00:00:00Z",
                "2026-01-08T11:59:00Z",
                0,
            ),
            (
                minute,
                vec![hour],
                "2026-01-09T00:00:00Z",
                "2026-01-08T11:57:00Z",
                120,
            ),
            (
                minute,
                vec![hour],
                "2026-01-08T11:33:00Z",
                "2026-01-08T11:20:00Z",
                540,
            ),
            (
                minute,
                vec![hour, later],
                "2026-01-09T00:00:00Z",
                "2026-01-08T11:59:00Z",
                7200,
            ),
            (
                Granularity::OneHour,
                vec!["2026-01-08T11:00:00Z/PT1H"],
                "2026-01-09T00:00:00Z",
                "2026-01-08T11:00:00Z",
                0,
            ),
            (
                Granularity::All,
                vec![hour, later],
                "2026-01-09T00:00:00Z",
                "2026-01-08T11:00:00Z",
                0,
            ),
        ] {
            let age = window(granularity, &intervals, now).age_of(point(at));
            assert_eq!(
                age.as_secs(),
                seconds,
                "{granularity} {intervals:?} at {now}"
            );
        }
    }

    #[test]
    fn a_point_at_an_end_is_neither_contained_nor_rejected() {
        let window = window(
            Granularity::OneMinute,
            &[
                "2026-01-08T11:00:00Z/2026-01-08T11:10:00Z",
                "2026-01-08T12:00:00Z/PT1H",
            ],
            "2026-01-09T00:00:00Z",
        );
        for (at, contains, rejects) in [
            ("2026-01-08T10:59:00Z", false, true),
            ("2026-01-08T11:00:00Z", true, false),
            ("2026-01-08T11:09:00Z", true, false),
            ("2026-01-08T11:10:00Z", false, false),
            ("2026-01-08T11:11:00Z", false, true),
            ("2026-01-08T12:59:00Z", true, false),
            ("2026-01-08T13:00:00Z", false, false),
        ] {
            let point = point(at);
            assert_eq!(
                (window.contains(point), window.rejects(point)),
                (contains, rejects),
                "{at}"
            );
        }
        assert_eq!(window.seconds(), 70.0 * 60.0);
    }
}
