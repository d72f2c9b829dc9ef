//! The decisions of a wait: judge again, stop because the check was OK, or give up.

use std::time::Duration;

use crate::check::attempts::Attempts;
use crate::check::format::humanize::format_duration;
use crate::check::report::Report;
use crate::check::status::Status;
use crate::check::wait::Wait;
use crate::error::ErrorKind;
use crate::time::timestamp::Timestamp;

/// The state of a wait. It reads no clock, so that it is tested without one.
#[derive(Debug)]
pub(super) struct WaitState {
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
pub(super) struct Attempt {
    /// The time since the start of the wait at which the judgment began.
    pub(super) began: Duration,
    /// The time since the start of the wait at which the judgment ended.
    pub(super) ended: Duration,
    /// The time of the judgment.
    pub(super) at: Timestamp,
    /// The status of the report.
    pub(super) status: Status,
    /// The kind of the error, if there was one.
    pub(super) error: Option<ErrorKind>,
    /// The start of the latest complete bucket, if there is one.
    pub(super) latest: Option<Timestamp>,
}

/// The decision after a judgment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Judge again after this time.
    Pause(Duration),
    /// The check was OK as often as required.
    Met,
    /// The wait ends without success. The reason is for a report that would look OK.
    GiveUp(String),
}

impl WaitState {
    /// Creates the state before the first judgment.
    pub(super) fn new(wait: Wait, every: Duration) -> Self {
        Self {
            wait,
            every,
            streak: 0,
            latest: None,
            attempts: Attempts::default(),
        }
    }

    /// Counts a judgment, and decides how the wait goes on.
    pub(super) fn after(&mut self, attempt: Attempt) -> Step {
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
            | ErrorKind::NotFound
            | ErrorKind::Rejected
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
    pub(super) fn time_is_up(&self) -> String {
        format!(
            "OK {} of {} times in a row, and the time is up after {}",
            self.streak,
            self.wait.consecutive,
            format_duration(self.wait.up_to),
        )
    }

    /// Adds the attempts to the last report.
    pub(super) fn finish(
        mut self,
        report: Report,
        waited: Duration,
        ending: Option<(String, Option<ErrorKind>)>,
    ) -> Report {
        self.attempts.waited = waited;
        report.after_wait(self.attempts, ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Judgments a minute apart that take a second, as `status`, and the minute of the latest
    /// bucket.
    fn steps(wait: &Wait, judgments: &[(Status, i64)]) -> Vec<Step> {
        let mut state = WaitState::new(wait.clone(), wait.every.unwrap_or(MINUTE));
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
            (wait.clone(), vec![(Ok, 1)], 0),
            (wait.clone(), vec![(Unknown, 1), (Critical, 2), (Ok, 3)], 2),
            (wait.clone().consecutive(2), vec![(Ok, 1), (Ok, 2)], 1),
            (
                wait.clone().consecutive(2),
                vec![(Ok, 1), (Ok, 1), (Ok, 2)],
                2,
            ),
            // A judgment of the same bucket neither counts nor starts again.
            (
                wait.clone().consecutive(3),
                vec![(Ok, 1), (Ok, 2), (Ok, 2), (Ok, 3)],
                3,
            ),
            // An older bucket is not new either.
            (
                wait.clone().consecutive(2),
                vec![(Ok, 5), (Ok, 4), (Ok, 6)],
                2,
            ),
            (
                wait.clone().consecutive(2),
                vec![(Ok, 1), (Warning, 2), (Ok, 3), (Ok, 4)],
                3,
            ),
            (
                wait.clone().consecutive(2),
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
                wait.clone().consecutive(2),
                vec![(Ok, 1), (Critical, 1), (Ok, 1), (Ok, 2), (Ok, 3)],
                4,
            ),
        ] {
            let mut expected = paused(pauses);
            expected.push(Step::Met);
            assert_eq!(steps(&wait, &judgments), expected, "{judgments:?}");
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
            steps(&wait, &judgments),
            [pause(59), pause(59), Step::GiveUp(reason.into())]
        );
        let late = wait.clone().initial_delay(MINUTE);
        let reason = "OK 1 of 3 times in a row, and the time is up after 3 min";
        assert_eq!(
            steps(&late, &[(Status::Critical, 1), (Status::Ok, 2)]),
            [pause(59), Step::GiveUp(reason.into())]
        );
    }

    #[test]
    fn errors_that_do_not_pass_by_themselves_end_a_wait() {
        for (kind, ends) in [
            (ErrorKind::InvalidInput, true),
            (ErrorKind::Unauthorized, true),
            (ErrorKind::ClockSkew, true),
            (ErrorKind::Cancelled, true),
            (ErrorKind::Forbidden, false),
            (ErrorKind::NotFound, true),
            (ErrorKind::Rejected, true),
            (ErrorKind::RateLimited, false),
            (ErrorKind::Server, false),
            (ErrorKind::Timeout, false),
            (ErrorKind::Connection, false),
            (ErrorKind::Tls, false),
            (ErrorKind::Redirect, false),
            (ErrorKind::TooLarge, false),
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
}
