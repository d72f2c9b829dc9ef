//! Waits until a check is OK.
//!
//! ```text
//! start   judge    judge    judge       start + up_to
//! |-------|--------|--------|-----------|
//!   initial   every    every   the next one would not fit
//!   delay
//! ```

use std::time::{Duration, Instant};

use crate::check::check::Check;
use crate::check::mismatch::error_chain;
use crate::check::report::Report;
use crate::check::run::Judgment;
use crate::check::status::Status;
use crate::check::wait::{Listener, Wait, first_complete};
use crate::check::wait_state::{Attempt, Step, WaitState};
use crate::check::window::CheckWindow;
use crate::client::Client;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::request::query::Query;
use crate::time::call_context::CallContext;
use crate::time::interval::Interval;
use crate::time::timestamp::Timestamp;

/// The shortest time between two judgments unless the caller sets one.
const MIN_EVERY: Duration = Duration::from_secs(15);

impl Check {
    /// Judges the check again and again until it is [`Ok`](Status::Ok), or the time is up.
    ///
    /// The report is that of the last judgment, with a line about all of them. It is OK only if
    /// the check was as often in a row as [`consecutive`](Wait::consecutive) requires.
    ///
    /// The client's [deadline](crate::ClientBuilder::deadline) bounds each judgment, and
    /// [`Wait::up_to`] all of them together.
    ///
    /// [`Wait::on_judgment`] shows the progress.
    ///
    /// # Errors that end a wait
    ///
    /// A judgment that fails is Unknown. These kinds of errors end the wait at once, because they
    /// do not pass by themselves:
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput): the check or a query is invalid;
    /// - [`Unauthorized`](ErrorKind::Unauthorized): the key or token is wrong;
    /// - [`NotFound`](ErrorKind::NotFound) and [`Rejected`](ErrorKind::Rejected): the dataset, the
    ///   metric or a label does not exist;
    /// - [`ClockSkew`](ErrorKind::ClockSkew): this machine's clock is wrong;
    /// - [`Cancelled`](ErrorKind::Cancelled): a [`CancelToken`](crate::CancelToken) was canceled.
    ///
    /// The wait goes on after all others. [`Forbidden`](ErrorKind::Forbidden) is one of them,
    /// because a new role binding takes a few minutes to have an effect.
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
            .or_else(|| wait.invalid_reason(every, self.query.is_relative()))
            .or_else(|| self.late_reason(client, wait, every));
        if let Some(reason) = invalid {
            return self.invalid(&reason);
        }
        let mut state = WaitState::new(wait.clone(), every);
        let mut pause = wait.initial_delay;
        let mut last_report = None;
        loop {
            // This deadline is for its cancel tokens alone.
            let cancel = client.start_deadline();
            cancel.sleep(pause);
            if cancel.is_cancelled() {
                let error = cancel.error();
                let reason = error_chain(&error);
                let waited = started.elapsed();
                let kind = Some(error.kind());
                return match last_report {
                    Some(report) => state.finish(report, waited, Some((reason, kind))),
                    None => state.finish(self.unknown(&reason, kind), waited, None),
                };
            }
            let began = started.elapsed();
            let left = wait.up_to.saturating_sub(began);
            // The pause took longer than planned: a judgment without time would tell nothing.
            if left.is_zero() {
                let reason = state.time_is_up();
                return match last_report {
                    Some(report) => {
                        let ending = (report.status() == Status::Ok).then_some((reason, None));
                        state.finish(report, began, ending)
                    }
                    None => state.finish(self.unknown(&reason, None), began, None),
                };
            }
            let client = client.with_deadline_at_most(left);
            let context = client.call_context();
            let (judgment, latest) = self.judge_since(&client, &context, wait.since);
            if let Some(Listener(on_judgment)) = &wait.on_judgment {
                on_judgment(&judgment.report);
            }
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
                    let ending = (attempt.status == Status::Ok).then_some((reason, None));
                    return state.finish(judgment.report, attempt.ended, ending);
                }
            }
        }
    }

    /// Returns the reason if no judgment in the time of the wait can have a bucket.
    fn late_reason(&self, client: &Client, wait: &Wait, every: Duration) -> Option<String> {
        let start = wait.since?;
        let context = client.call_context();
        // Not the time of the context, which is cut to the second.
        let now = Timestamp::now();
        let granularity = self.query.granularity;
        let reason = wait.late_reason(every, granularity, now, context.data_latency);
        if reason.is_some() {
            return reason;
        }
        let is_empty = cut(&self.query, start, &context).intervals.is_empty();
        (is_empty && !self.query.is_relative())
            .then(|| format!("invalid wait: no interval has a bucket since {start}"))
    }

    /// Returns the reason of a judgment before the first bucket is complete.
    fn no_bucket_reason(&self, start: Timestamp, context: &CallContext) -> String {
        let reason = format!("no complete bucket since {start} yet");
        let granularity = self.query.granularity;
        let Some(now) = first_complete(start, granularity, context.data_latency) else {
            return reason;
        };
        // The intervals of the query may start later.
        let then = CallContext { now, ..*context };
        if cut(&self.query, start, &then).intervals.is_empty() {
            return reason;
        }
        format!("{reason}: the first one is complete at {now}")
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
                let reason = self.no_bucket_reason(start, context);
                let judgment = Judgment {
                    report: self.unknown(&reason, None),
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
