//! Decides if and when a failed request is sent again.
//!
//! Every request only reads, so every request may be repeated. This module reads no clock and sends
//! nothing: time and chance are arguments, so that tests need no sleep.
//!
//! [`Transport`](super::Transport) creates a [`RetryState`] for each request and passes every
//! failure to [`RetryState::decide`], in this order:
//!
//! 1. Give up if the class allows no retry, or if no retries are left.
//! 2. Take the delay that the service asks for, or else a random share of the backoff.
//! 3. Give up if the delay would end after the deadline.
//! 4. Spread a delay of the service by a little, and count the retry.
//!
//! With four retries and no delay from the service, the delays are random numbers in these ranges:
//!
//! ```text
//! retry        1         2         3         4
//! delay (s)    0…0.5     0…1       0…2       0…4
//! ```
//!
//! A request passes three loops, and only the outermost one counts retries:
//!
//! 1. `Transport::execute_with_retries` makes attempts, with delays between them.
//! 2. `Transport::attempt` follows redirects, all within the timeout of one attempt.
//! 3. `Transport::send_once` repeats a request at once if its idle connection was closed.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// The class of a failure, which decides about a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureClass {
    /// A retry would fail as well: the request, a certificate or the response is invalid.
    Permanent,
    /// A retry may succeed: the service was overloaded or failed, or the connection broke.
    Transient,
    /// No response arrived in time. A retry may well take as long.
    Timeout,
}

/// The decision about a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Send the request again after this delay.
    Retry(Duration),
    /// Return the error.
    GiveUp,
    /// Return the error, because this delay would end after the deadline.
    DeadlineExceeded(Duration),
}

/// The number of attempts of one request so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct RetryState {
    /// The number of retries, which is one less than the number of attempts.
    retries: u32,
    /// The number of retries after a timeout. It never exceeds [`MAX_TIMEOUTS`].
    timeouts: u32,
}

/// The longest delay before the first retry.
const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
/// The longest delay before any retry, unless the service asks for more.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// The number of timeouts after which a request is repeated. Each costs the full attempt timeout.
const MAX_TIMEOUTS: u32 = 1;
/// The longest time that is added to a delay of the service.
const MAX_SERVICE_JITTER: Duration = Duration::from_secs(1);

impl RetryState {
    /// Returns the number of attempts, the current one included.
    pub(crate) const fn attempts(&self) -> u32 {
        self.retries + 1
    }

    /// Returns true after the first retry was decided. A retry uses a new connection.
    pub(crate) const fn is_retry(&self) -> bool {
        self.retries > 0
    }

    /// Decides about a retry of the latest attempt, and counts it.
    ///
    /// `service_delay` is the delay that the service asked for, if any. It replaces the backoff.
    /// `remaining` is the time until the deadline. `jitter` is a random number from 0 to 1.
    ///
    /// Only [`RetryDecision::Retry`] changes the state.
    pub(crate) fn decide(
        &mut self,
        failure: FailureClass,
        max_retries: u32,
        service_delay: Option<Duration>,
        remaining: Duration,
        jitter: f64,
    ) -> RetryDecision {
        let is_retryable = match failure {
            FailureClass::Permanent => false,
            FailureClass::Transient => true,
            FailureClass::Timeout => self.timeouts < MAX_TIMEOUTS,
        };
        if !is_retryable || self.retries >= max_retries {
            return RetryDecision::GiveUp;
        }
        // "Full jitter": a random share of the exponential backoff, which spreads the retries of
        // many clients best. See
        // <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
        let delay = service_delay.unwrap_or_else(|| self.backoff().mul_f64(jitter));
        // A request that is sent at the deadline could only time out.
        if delay >= remaining {
            return RetryDecision::DeadlineExceeded(delay);
        }
        let delay = match service_delay {
            // At least half of the remaining time is kept for the request itself.
            Some(delay) => {
                delay + service_jitter(delay, jitter).min(remaining.saturating_sub(delay) / 2)
            }
            None => delay,
        };
        self.retries += 1;
        if failure == FailureClass::Timeout {
            self.timeouts += 1;
        }
        RetryDecision::Retry(delay)
    }

    /// Returns the backoff, which doubles with every retry.
    ///
    /// It is 0.5, 1, 2, 4, 8 and 16 seconds, and 30 seconds after that.
    fn backoff(&self) -> Duration {
        // 2^16 is beyond the maximum, and a larger shift would overflow.
        INITIAL_BACKOFF
            .saturating_mul(1 << self.retries.min(16))
            .min(MAX_BACKOFF)
    }
}

/// Returns the time to add to a delay that the service asked for.
///
/// This is up to a tenth of the delay, and at most a second. It spreads the retries of clients that
/// were given the same delay.
fn service_jitter(delay: Duration, jitter: f64) -> Duration {
    (delay / 10).min(MAX_SERVICE_JITTER).mul_f64(jitter)
}

/// Returns a random number from 0 to 1.
///
/// It need not be unpredictable. It only has to differ between clients that fail together.
pub(crate) fn random_jitter() -> f64 {
    // `RandomState` is the only source of randomness in the standard library.
    let random = RandomState::new().build_hasher().finish();
    // An `f64` has 53 bits of precision.
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn decisions(failures: &[FailureClass], max_retries: u32) -> Vec<RetryDecision> {
        let mut state = RetryState::default();
        failures
            .iter()
            .map(|failure| state.decide(*failure, max_retries, None, MINUTE, 1.0))
            .collect()
    }

    fn again(millis: u64) -> RetryDecision {
        RetryDecision::Retry(Duration::from_millis(millis))
    }

    #[test]
    fn the_backoff_doubles_up_to_a_maximum_and_retries_are_counted() {
        let delays = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].map(again);
        assert_eq!(decisions(&[FailureClass::Transient; 8], 99), delays);
        assert_eq!(
            decisions(&[FailureClass::Transient; 3], 2),
            [again(500), again(1000), RetryDecision::GiveUp]
        );
        assert_eq!(
            decisions(&[FailureClass::Transient], 0),
            [RetryDecision::GiveUp]
        );
    }

    #[test]
    fn a_timeout_is_retried_once_and_a_permanent_failure_never() {
        use FailureClass::{Permanent, Timeout, Transient};
        assert_eq!(
            decisions(&[Timeout, Timeout], 4),
            [again(500), RetryDecision::GiveUp]
        );
        assert_eq!(
            decisions(&[Timeout, Transient, Timeout], 4),
            [again(500), again(1000), RetryDecision::GiveUp]
        );
        assert_eq!(decisions(&[Permanent], 4), [RetryDecision::GiveUp]);
    }

    #[test]
    fn jitter_shortens_the_backoff_and_extends_a_delay_of_the_service() {
        let seconds = Duration::from_secs;
        for (service_delay, jitter, remaining, decision) in [
            (None, 0.0, MINUTE, again(0)),
            (None, 0.5, MINUTE, again(250)),
            (
                None,
                1.0,
                Duration::from_millis(400),
                RetryDecision::DeadlineExceeded(INITIAL_BACKOFF),
            ),
            (Some(seconds(2)), 0.0, MINUTE, again(2000)),
            (Some(seconds(2)), 0.5, MINUTE, again(2100)),
            (Some(seconds(2)), 1.0, MINUTE, again(2200)),
            (Some(seconds(41)), 0.5, MINUTE, again(41_500)),
            (Some(seconds(41)), 1.0, MINUTE, again(42_000)),
            // Half of the remaining time is kept for the request.
            (Some(seconds(59)), 1.0, MINUTE, again(59_500)),
            (
                Some(MINUTE),
                0.5,
                MINUTE,
                RetryDecision::DeadlineExceeded(MINUTE),
            ),
        ] {
            let mut state = RetryState::default();
            assert_eq!(
                state.decide(FailureClass::Transient, 4, service_delay, remaining, jitter),
                decision
            );
            assert_eq!(
                state.is_retry(),
                matches!(decision, RetryDecision::Retry(_))
            );
        }
        let mut state = RetryState {
            retries: 40,
            timeouts: 0,
        };
        assert_eq!(
            state.decide(FailureClass::Transient, 99, None, MINUTE, 1.0),
            again(30_000),
            "the shift does not overflow"
        );
    }

    #[test]
    fn random_numbers_differ_and_are_below_one() {
        let numbers: Vec<f64> = (0..100).map(|_| random_jitter()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number != numbers[0]));
    }
}
