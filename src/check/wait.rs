//! Waits until a check is OK.
//!
//! ```text
//! start   judge    judge    judge       start + up_to
//! |-------|--------|--------|-----------|
//!   initial   every    every   the next one would not fit
//!   delay
//! ```

use std::time::{Duration, Instant};

use crate::check::attempts::Attempts;
use crate::check::check::Check;
use crate::check::format::humanize::format_duration;
use crate::check::mismatch::error_chain;
use crate::check::report::Report;
use crate::check::run::Judgment;
use crate::check::status::Status;
use crate::check::window::CheckWindow;
use crate::client::Client;
use crate::error::ErrorKind;
use crate::request::query::Query;
use crate::time::call_context::CallContext;
use crate::time::interval::Interval;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a wait has no effect until it is passed to Check::wait"]
pub struct Wait {
    /// The time of all attempts together.
    up_to: Duration,
    /// The time from one judgment to the next, or `None` for one bucket.
    every: Option<Duration>,
    /// The number of judgments in a row that must be OK.
    consecutive: usize,
    /// The time before the first judgment.
    initial_delay: Duration,
    /// The start of the first bucket that may count.
    since: Option<Timestamp>,
}

/// The state of a wait. It reads no clock, so that it is tested without one.
#[derive(Debug)]
struct WaitState {
    /// The settings.
    wait: Wait,
    /// The time from one judgment to the next.
    every: Duration,
    /// The judgments in a row that were OK, each with a new bucket.
    streak: usize,
    /// The start of the latest bucket of the last judgment that counted.
    latest: Option<Timestamp>,
    /// The attempts for the report.
    attempts: Attempts,
}

/// One judgment, as far as the decision after it needs it.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    /// The time since the start of the wait at which the judgment began.
    began: Duration,
    /// The time since the start of the wait at which the judgment ended.
    ended: Duration,
    /// The time of the judgment.
    at: Timestamp,
    /// The status of the report.
    status: Status,
    /// The kind of the error, if there was one.
    error: Option<ErrorKind>,
    /// The start of the latest complete bucket, if there is one.
    latest: Option<Timestamp>,
}

/// The decision after a judgment.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Judge again after this time.
    Pause(Duration),
    /// The check was OK as often as required.
    Met,
    /// The wait ends without success. The reason is for a report that would look OK.
    GiveUp(String),
}

/// The shortest time between two judgments unless the caller sets one.
const MIN_EVERY: Duration = Duration::from_secs(15);

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

    /// Returns the problems of a wait that cannot succeed.
    fn invalid_reason(&self, every: Duration, is_moving: bool) -> Option<String> {
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
}

impl Check {
    /// Judges the check again and again until it is [`Ok`](Status::Ok), or the time is up.
    ///
    /// The report is that of the last judgment, with a line about all of them. It is OK only if
    /// the check was as often in a row as [`consecutive`](Wait::consecutive) requires.
    ///
    /// The client's [deadline](crate::ClientBuilder::deadline) bounds each judgment, and
    /// [`Wait::up_to`] all of them together. Errors are Unknown, and the wait goes on. These kinds
    /// end it: [`InvalidInput`](ErrorKind::InvalidInput), [`ClockSkew`](ErrorKind::ClockSkew),
    /// [`Unauthorized`](ErrorKind::Unauthorized) and [`Cancelled`](ErrorKind::Cancelled).
    ///
    /// # Example: wait for the lag to drain after a deployment
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::check::{Check, Status, Threshold, Wait};
    /// use confluent_metrics::{Granularity, Interval, Query, Resource, Timestamp};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// # let metric = "io.confluent.kafka.server/consumer_lag_offsets";
    /// # let labels = [
    /// #     ("resource.kafka.id", "lkc-1"),
    /// #     ("metric.consumer_group_id", "indexer"),
    /// # ];
    /// # for minute in -20..20 {
    /// #     emulator.put(metric, &labels, emulator.now() + minute * 60, 5.0);
    /// # }
    /// # let deployed: Timestamp = Timestamp::from_second(emulator.now() - 600)?;
    ///
    /// let metric = "io.confluent.kafka.server/consumer_lag_offsets";
    /// let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
    ///     .filter(Resource::kafka("lkc-1"))
    ///     .group_by(["metric.consumer_group_id"]);
    /// let check = Check::new(query)
    ///     .critical(Threshold::above(100.0))
    ///     .expect_labels("metric.consumer_group_id", ["indexer"]);
    ///
    /// // `deployed` is a time that was read after the deployment.
    /// let wait = Wait::up_to(Duration::from_secs(20 * 60)).since(deployed);
    /// let report = check.wait(&client, &wait);
    /// assert_eq!(report.status(), Status::Ok, "{report}");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "poll")]
    #[doc(alias = "retry")]
    pub fn wait(&self, client: &Client, wait: &Wait) -> Report {
        let started = Instant::now();
        let every = wait
            .every
            .unwrap_or_else(|| self.query.granularity.grid().max(MIN_EVERY));
        let invalid = self
            .invalid_reason()
            .or_else(|| wait.invalid_reason(every, self.query.is_relative()));
        if let Some(reason) = invalid {
            return self.unknown(&reason);
        }
        let mut state = WaitState::new(*wait, every);
        let mut pause = wait.initial_delay;
        let mut last_report = None;
        loop {
            // This deadline is for its cancel tokens alone.
            let cancel = client.start_deadline();
            cancel.sleep(pause);
            if cancel.is_cancelled() {
                let reason = error_chain(&cancel.error());
                let waited = started.elapsed();
                return match last_report {
                    Some(report) => state.finish(report, waited, Some(reason)),
                    None => state.finish(self.unknown(&reason), waited, None),
                };
            }
            let began = started.elapsed();
            let left = wait.up_to.saturating_sub(began);
            // The pause took longer than planned: a judgment without time would tell nothing.
            if left.is_zero() {
                let reason = state.time_is_up();
                return match last_report {
                    Some(report) => {
                        let reason = (report.status() == Status::Ok).then_some(reason);
                        state.finish(report, began, reason)
                    }
                    None => state.finish(self.unknown(&reason), began, None),
                };
            }
            let client = client.with_deadline_at_most(left);
            let context = client.call_context();
            let (judgment, latest) = self.judge_since(&client, &context, wait.since);
            let attempt = Attempt {
                began,
                ended: started.elapsed(),
                at: context.now,
                status: judgment.report.status(),
                error: judgment.error,
                latest,
            };
            match state.after(attempt) {
                Step::Pause(time) => {
                    pause = time;
                    last_report = Some(judgment.report);
                }
                Step::Met => return state.finish(judgment.report, attempt.ended, None),
                Step::GiveUp(reason) => {
                    // A report that is not OK says why by itself.
                    let reason = (attempt.status == Status::Ok).then_some(reason);
                    return state.finish(judgment.report, attempt.ended, reason);
                }
            }
        }
    }

    /// Judges the check on the buckets that start at or after `since`.
    ///
    /// Returns the start of the latest complete bucket, too.
    fn judge_since(
        &self,
        client: &Client,
        context: &CallContext,
        since: Option<Timestamp>,
    ) -> (Judgment, Option<Timestamp>) {
        // Cut again for every judgment, since relative intervals move.
        let mut check = self.clone();
        if let Some(start) = since {
            check.query = cut(&check.query, start, context);
            check.divisor = check.divisor.map(|divisor| cut(&divisor, start, context));
            if check.query.intervals.is_empty() {
                let reason = format!("no complete bucket since {start} yet");
                let judgment = Judgment {
                    report: self.unknown(&reason),
                    error: None,
                };
                return (judgment, None);
            }
        }
        let latest = match CheckWindow::new(&check.query, context) {
            Ok(window) => window.last_buckets(1).first().copied(),
            Err(_) => None,
        };
        (check.judge_now(client, context), latest)
    }
}

impl WaitState {
    /// Creates the state before the first judgment.
    fn new(wait: Wait, every: Duration) -> Self {
        Self {
            wait,
            every,
            streak: 0,
            latest: None,
            attempts: Attempts::default(),
        }
    }

    /// Counts a judgment, and decides how the wait goes on.
    fn after(&mut self, attempt: Attempt) -> Step {
        self.attempts.push(attempt.status, attempt.at);
        if attempt.status != Status::Ok {
            self.streak = 0;
        } else if attempt.latest > self.latest {
            self.streak += 1;
            self.latest = attempt.latest;
        }
        if self.streak >= self.wait.consecutive {
            return Step::Met;
        }
        if let Some(
            kind @ (ErrorKind::InvalidInput
            | ErrorKind::Unauthorized
            | ErrorKind::ClockSkew
            | ErrorKind::Cancelled),
        ) = attempt.error
        {
            return Step::GiveUp(format!("the wait cannot go on after {kind:?}"));
        }
        // Judgments keep their distance, unless one takes longer than that.
        let next = attempt.began.saturating_add(self.every).max(attempt.ended);
        if next >= self.wait.up_to {
            return Step::GiveUp(self.time_is_up());
        }
        Step::Pause(next.saturating_sub(attempt.ended))
    }

    /// Returns the reason of a wait without enough judgments that were OK.
    fn time_is_up(&self) -> String {
        format!(
            "OK {} of {} times in a row, and the time is up after {}",
            self.streak,
            self.wait.consecutive,
            format_duration(self.wait.up_to),
        )
    }

    /// Adds the attempts to the last report.
    fn finish(mut self, report: Report, waited: Duration, reason: Option<String>) -> Report {
        self.attempts.waited = waited;
        report.after_wait(self.attempts, reason)
    }
}

/// Returns the query without the buckets that start before `start`.
fn cut(query: &Query, start: Timestamp, context: &CallContext) -> Query {
    let granularity = query.granularity;
    let start = granularity.ceil(start);
    let mut rest = query.clone();
    rest.intervals.clear();
    for interval in &query.intervals {
        match interval.buckets(granularity, context) {
            Ok(Some((first, _))) if first >= start => rest.intervals.push(*interval),
            Ok(Some((_, end))) if end > start => rest.intervals.push(if interval.is_relative() {
                // This form depends on the clock as well, so that clocks are still compared.
                Interval::within(start, end)
            } else {
                Interval::between(start, end)
            }),
            Ok(_) => {}
            // The query has a problem, which its judgment reports.
            Err(_) => rest.intervals.push(*interval),
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::granularity::Granularity;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Judgments a minute apart that take a second, as `status`, and the minute of the latest
    /// bucket.
    fn steps(wait: Wait, judgments: &[(Status, i64)]) -> Vec<Step> {
        let mut state = WaitState::new(wait, wait.every.unwrap_or(MINUTE));
        let every = state.every;
        let mut began = wait.initial_delay;
        let mut steps = Vec::new();
        for (status, minute) in judgments {
            let attempt = Attempt {
                began,
                ended: began + Duration::from_secs(1),
                at: Timestamp::UNIX_EPOCH,
                status: *status,
                error: None,
                latest: Timestamp::from_second(minute * 60).ok(),
            };
            steps.push(state.after(attempt));
            began += every;
        }
        steps
    }

    fn pause(seconds: u64) -> Step {
        Step::Pause(Duration::from_secs(seconds))
    }

    #[test]
    fn a_wait_is_met_after_enough_judgments_with_new_buckets() {
        use Status::{Critical, Ok, Unknown, Warning};
        let wait = Wait::up_to(MINUTE * 100);
        let paused = |count: usize| vec![pause(59); count];
        for (wait, judgments, pauses) in [
            (wait, vec![(Ok, 1)], 0),
            (wait, vec![(Unknown, 1), (Critical, 2), (Ok, 3)], 2),
            (wait.consecutive(2), vec![(Ok, 1), (Ok, 2)], 1),
            (wait.consecutive(2), vec![(Ok, 1), (Ok, 1), (Ok, 2)], 2),
            // A judgment of the same bucket neither counts nor starts again.
            (
                wait.consecutive(3),
                vec![(Ok, 1), (Ok, 2), (Ok, 2), (Ok, 3)],
                3,
            ),
            // An older bucket is not new either.
            (wait.consecutive(2), vec![(Ok, 5), (Ok, 4), (Ok, 6)], 2),
            (
                wait.consecutive(2),
                vec![(Ok, 1), (Warning, 2), (Ok, 3), (Ok, 4)],
                3,
            ),
            (
                wait.consecutive(2),
                vec![
                    (Ok, 1),
                    (Unknown, 2),
                    (Ok, 3),
                    (Critical, 3),
                    (Ok, 4),
                    (Ok, 5),
                ],
                5,
            ),
            // The bucket counted before it turned bad, so it does not count again.
            (
                wait.consecutive(2),
                vec![(Ok, 1), (Critical, 1), (Ok, 1), (Ok, 2), (Ok, 3)],
                4,
            ),
        ] {
            let mut expected = paused(pauses);
            expected.push(Step::Met);
            assert_eq!(steps(wait, &judgments), expected, "{judgments:?}");
        }
    }

    #[test]
    fn the_next_judgment_begins_a_fixed_time_after_the_last_one_began() {
        let mut state = WaitState::new(Wait::up_to(MINUTE * 10), MINUTE);
        for (began, ended, seconds) in [(0, 1, 59), (60, 90, 30), (120, 180, 0), (180, 400, 0)] {
            let attempt = Attempt {
                began: Duration::from_secs(began),
                ended: Duration::from_secs(ended),
                at: Timestamp::UNIX_EPOCH,
                status: Status::Unknown,
                error: Some(ErrorKind::Timeout),
                latest: None,
            };
            assert_eq!(state.after(attempt), pause(seconds), "{began} to {ended}");
        }
    }

    #[test]
    fn a_judgment_that_would_begin_too_late_does_not_begin() {
        let wait = Wait::up_to(MINUTE * 3).consecutive(3);
        let judgments = [(Status::Ok, 1), (Status::Ok, 2), (Status::Ok, 2)];
        let reason = "OK 2 of 3 times in a row, and the time is up after 3 min";
        assert_eq!(
            steps(wait, &judgments),
            [pause(59), pause(59), Step::GiveUp(reason.into())]
        );
        let late = wait.initial_delay(MINUTE);
        let reason = "OK 1 of 3 times in a row, and the time is up after 3 min";
        assert_eq!(
            steps(late, &[(Status::Critical, 1), (Status::Ok, 2)]),
            [pause(59), Step::GiveUp(reason.into())]
        );
    }

    #[test]
    fn four_kinds_of_errors_end_a_wait() {
        for (kind, ends) in [
            (ErrorKind::InvalidInput, true),
            (ErrorKind::Unauthorized, true),
            (ErrorKind::ClockSkew, true),
            (ErrorKind::Cancelled, true),
            (ErrorKind::Forbidden, false),
            (ErrorKind::NotFound, false),
            (ErrorKind::Rejected, false),
            (ErrorKind::RateLimited, false),
            (ErrorKind::Server, false),
            (ErrorKind::Timeout, false),
            (ErrorKind::Connection, false),
            (ErrorKind::Tls, false),
            (ErrorKind::Decode, false),
            (ErrorKind::Incomplete, false),
        ] {
            let mut state = WaitState::new(Wait::up_to(MINUTE * 10), MINUTE);
            let step = state.after(Attempt {
                began: Duration::ZERO,
                ended: Duration::ZERO,
                at: Timestamp::UNIX_EPOCH,
                status: Status::Unknown,
                error: Some(kind),
                latest: None,
            });
            assert_eq!(matches!(step, Step::GiveUp(_)), ends, "{kind:?}");
        }
    }

    #[test]
    fn a_wait_that_cannot_succeed_is_invalid() {
        let wait = Wait::up_to(MINUTE * 3);
        for (wait, is_moving, reason) in [
            (wait.consecutive(3), true, None),
            (
                wait.consecutive(4),
                true,
                Some(
                    "no time for 4 judgments in a row: the last one begins after 3 min, and the \
                     wait is up to 3 min",
                ),
            ),
            (
                wait.initial_delay(MINUTE * 5),
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
                wait.consecutive(0),
                true,
                Some("consecutive(0) is always reached"),
            ),
            (
                wait.every(Duration::ZERO),
                true,
                Some("every(0 s) leaves no time between judgments"),
            ),
            (wait.consecutive(1), false, None),
            (
                wait.consecutive(2),
                false,
                Some("consecutive needs an interval that is relative to now, to have new buckets"),
            ),
            (
                wait.consecutive(usize::MAX).every(Duration::MAX),
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

    #[test]
    fn buckets_before_a_time_are_cut_off_every_interval() {
        let context = CallContext {
            now: "2026-01-08T12:03:30Z".parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::MAX,
        };
        for (intervals, since, cut_to) in [
            (
                vec!["last/PT10M"],
                "2026-01-08T11:40:00Z",
                vec!["last/PT10M"],
            ),
            (
                vec!["last/PT10M"],
                "2026-01-08T11:50:00Z",
                vec!["last/PT10M"],
            ),
            (
                vec!["last/PT10M"],
                "2026-01-08T11:50:01Z",
                vec!["within/2026-01-08T11:51:00Z/2026-01-08T12:00:00Z"],
            ),
            (vec!["last/PT10M"], "2026-01-08T11:59:01Z", vec![]),
            (
                vec!["since/2026-01-08T11:59:01Z"],
                "2026-01-08T11:00:00Z",
                vec![],
            ),
            (
                vec!["2026-01-08T11:00:00Z/PT10M", "last/PT10M"],
                "2026-01-08T11:05:00Z",
                vec!["2026-01-08T11:05:00Z/2026-01-08T11:10:00Z", "last/PT10M"],
            ),
            (
                vec!["2026-01-08T11:00:00Z/PT10M", "last/PT10M"],
                "2026-01-08T11:10:00Z",
                vec!["last/PT10M"],
            ),
            // The judgment reports what is wrong with it.
            (
                vec!["last/PT10S"],
                "2026-01-08T11:10:00Z",
                vec!["last/PT10S"],
            ),
        ] {
            let mut parsed = intervals.iter().map(|text| text.parse().unwrap());
            let query = Query::new("m", Granularity::OneMinute, parsed.next().unwrap());
            let query = parsed.fold(query, Query::add_interval);
            let rest = cut(&query, since.parse().unwrap(), &context);
            let texts: Vec<_> = rest.intervals.iter().map(ToString::to_string).collect();
            assert_eq!(texts, cut_to, "{intervals:?} since {since}");
        }
    }
}
