//! Whether a request that failed is sent again, and when. What is known goes in, a verdict comes out.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// In what way a request failed, as far as that decides whether another try makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureClass {
    /// Another try would end in the same way: the request, a certificate or the answer is at fault.
    Permanent,
    /// The service was busy or out of order, or the connection broke: any try may be the one that works.
    Transient,
    /// No answer came in time. What took so long once may well do so again.
    Timeout,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// The request is sent again after this time.
    Retry(Duration),
    /// The failure is reported.
    GiveUp,
    /// The failure is reported, because the wait it asks for would end after the deadline.
    DeadlineExceeded(Duration),
}

/// The tries of one request so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct RetryState {
    retries: u32,
    timeouts: u32,
}

const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
const MAX_TIMEOUTS: u32 = 1;
const MAX_SERVICE_JITTER: Duration = Duration::from_secs(1);

impl RetryState {
    /// How often the request was sent.
    pub(crate) fn attempts(&self) -> u32 {
        self.retries + 1
    }

    /// Whether a try before this one failed.
    pub(crate) fn is_retry(&self) -> bool {
        self.retries > 0
    }

    /// Judges a failure of the latest try.
    ///
    /// `service_wait` is what the service itself asks for, and wins. Otherwise the wait is a share of
    /// a bound that doubles with every try. `jitter`, from 0 to 1, is that share, or how much of
    /// [`service_jitter`] is added. `remaining` is what is left of the deadline.
    pub(crate) fn decide(
        &mut self,
        failure: FailureClass,
        max_retries: u32,
        service_wait: Option<Duration>,
        remaining: Duration,
        jitter: f64,
    ) -> RetryDecision {
        let exhausted = match failure {
            FailureClass::Permanent => true,
            FailureClass::Transient => false,
            FailureClass::Timeout => self.timeouts >= MAX_TIMEOUTS,
        };
        if exhausted || self.retries >= max_retries {
            return RetryDecision::GiveUp;
        }
        let wait = service_wait.unwrap_or_else(|| self.backoff().mul_f64(jitter));
        if wait >= remaining {
            return RetryDecision::DeadlineExceeded(wait);
        }
        let wait = match service_wait {
            // It leaves time for the request itself.
            Some(wait) => wait + service_jitter(wait, jitter).min((remaining - wait) / 2),
            None => wait,
        };
        self.retries += 1;
        self.timeouts += u32::from(failure == FailureClass::Timeout);
        RetryDecision::Retry(wait)
    }

    fn backoff(&self) -> Duration {
        INITIAL_BACKOFF
            .saturating_mul(1 << self.retries.min(16))
            .min(MAX_BACKOFF)
    }
}

/// Returns what is added to a wait that the service asks for: up to a tenth of it, at most a second.
///
/// Clients that were told the same wait would otherwise all come back in the same instant.
fn service_jitter(wait: Duration, jitter: f64) -> Duration {
    (wait / 10).min(MAX_SERVICE_JITTER).mul_f64(jitter)
}

/// Returns a number from 0 to 1 that differs from call to call and from process to process.
pub(crate) fn random_jitter() -> f64 {
    // The only source of randomness in the standard library; 53 bits of it fill an `f64`.
    let random = RandomState::new().build_hasher().finish();
    (random >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn judged(failures: &[FailureClass], max_retries: u32) -> Vec<RetryDecision> {
        let mut tries = RetryState::default();
        failures
            .iter()
            .map(|failure| tries.decide(*failure, max_retries, None, MINUTE, 1.0))
            .collect()
    }

    fn again(millis: u64) -> RetryDecision {
        RetryDecision::Retry(Duration::from_millis(millis))
    }

    #[test]
    fn waits_double_up_to_a_bound_and_tries_are_counted() {
        let waits = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].map(again);
        assert_eq!(judged(&[FailureClass::Transient; 8], 99), waits);
        assert_eq!(
            judged(&[FailureClass::Transient; 3], 2),
            [again(500), again(1000), RetryDecision::GiveUp]
        );
        assert_eq!(
            judged(&[FailureClass::Transient], 0),
            [RetryDecision::GiveUp]
        );
    }

    #[test]
    fn a_time_out_is_tried_once_more_and_a_fault_never() {
        use FailureClass::{Permanent, Timeout, Transient};
        assert_eq!(
            judged(&[Timeout, Timeout], 4),
            [again(500), RetryDecision::GiveUp]
        );
        assert_eq!(
            judged(&[Timeout, Transient, Timeout], 4),
            [again(500), again(1000), RetryDecision::GiveUp]
        );
        assert_eq!(judged(&[Permanent], 4), [RetryDecision::GiveUp]);
    }

    #[test]
    fn a_wait_of_ones_own_is_a_share_and_one_of_the_service_is_a_bit_longer() {
        let seconds = Duration::from_secs;
        for (service_wait, jitter, remaining, verdict) in [
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
            // Half of what the deadline leaves is kept for the request.
            (Some(seconds(59)), 1.0, MINUTE, again(59_500)),
            (
                Some(MINUTE),
                0.5,
                MINUTE,
                RetryDecision::DeadlineExceeded(MINUTE),
            ),
        ] {
            let mut tries = RetryState::default();
            assert_eq!(
                tries.decide(FailureClass::Transient, 4, service_wait, remaining, jitter),
                verdict
            );
            assert_eq!(tries.is_retry(), matches!(verdict, RetryDecision::Retry(_)));
        }
        let mut tries = RetryState {
            retries: 40,
            timeouts: 0,
        };
        assert_eq!(
            tries.decide(FailureClass::Transient, 99, None, MINUTE, 1.0),
            again(30_000),
            "no shift too far"
        );
    }

    #[test]
    fn random_numbers_differ_and_are_shares() {
        let numbers: Vec<f64> = (0..100).map(|_| random_jitter()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number != numbers[0]));
    }
}
