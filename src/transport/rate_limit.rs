//! Delays requests so that they stay within the rate limits of the service.
//!
//! No limit is built in. The limiter learns each limit from the headers of responses, and shares it
//! among all clones of a client. It works like this:
//!
//! 1. A request acquires a [`Permit`], which counts as in flight until it is dropped.
//! 2. A request waits if a limit that applies to it has no more requests left than are in flight.
//!    So no request is sent that the service would reject.
//! 3. After the reset of a limit, one request goes first: the probe. The others wait for its
//!    response, which shows the new limit, but not longer than [`PROBE_TIMEOUT`].
//! 4. A `Retry-After` with status 429 or 503 delays the same operation, at most for [`MAX_DELAY`].

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::rate_limit::RateLimit;
use crate::request::operation::Operation;
use crate::time::deadline::Deadline;
use crate::transport::rate_limit_headers::{Quota, RateLimitHeaders};

/// Delays requests as long as the limits of the service require, for all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    /// Held only to read or change the counts, never while a request is sent.
    state: Mutex<State>,
    /// Notified when a permit is released.
    released: Condvar,
}

impl RateLimiter {
    /// Waits until a request of `operation` may be sent, but not longer than the deadline, and
    /// not after the call is canceled.
    ///
    /// Before the first wait it calls `on_wait`, without the lock, with the expected time.
    pub(crate) fn acquire_with<'a>(
        &'a self,
        operation: &'a str,
        deadline: &Deadline,
        on_wait: &dyn Fn(Duration),
    ) -> Result<Permit<'a>, DelayExceedsDeadline> {
        let mut is_reported = false;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let left = deadline.remaining().unwrap_or_default();
            let Some(delay) = state.delay(operation, now) else {
                break;
            };
            let wait = delay.until.saturating_duration_since(now);
            // The response to a probe may arrive at any time, so it is worth the time that is left.
            // All other delays are known in advance.
            let is_too_long = wait >= left && delay.reason != DelayReason::ProbePending;
            if left.is_zero() || is_too_long {
                return Err(DelayExceedsDeadline {
                    reason: delay.reason,
                    wait,
                });
            }
            if !is_reported {
                is_reported = true;
                // The limits may change meanwhile, so they are read again.
                drop(state);
                on_wait(wait.min(left));
                state = self.lock();
                continue;
            }
            // A response that changes the limits ends the wait early.
            state = self
                .released
                .wait_timeout(state, deadline.wait_slice(wait.min(left)))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let probing = state.start(operation, Instant::now());
        Ok(Permit {
            limiter: self,
            operation,
            probing,
            maybe_counted: false,
        })
    }

    /// Returns the known limits. The limit on all calls is the first one.
    pub(crate) fn limits(&self) -> Vec<RateLimit> {
        let now = Instant::now();
        let state = self.lock();
        let mut limits = Vec::new();
        for (scope, window) in &state.windows {
            if let Some(limit) = window.limit {
                limits.push(RateLimit {
                    operation: scope.operation().map(Operation::name),
                    limit,
                    remaining: window.remaining.saturating_sub(state.in_flight(scope)),
                    reset: window.resets_at.saturating_duration_since(now),
                });
            }
        }
        limits
    }

    /// Locks the state, even if another thread panicked with the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two dependent changes, so a poisoned state is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permission to send one request.
///
/// Dropping it wakes the requests that wait for its response.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    /// The limiter that this returns to.
    limiter: &'a RateLimiter,
    /// The rate limit key of the request.
    operation: &'a str,
    /// The scopes for which the response shows the limit after a reset.
    probing: Vec<Scope>,
    /// True if the service may have counted the request and no response has said so.
    maybe_counted: bool,
}

impl Permit<'_> {
    /// Updates the limits with the headers of the response.
    ///
    /// A limit that is missing from a successful response is dropped. Error responses drop none,
    /// because a gateway may have sent them.
    pub(crate) fn complete(mut self, headers: &RateLimitHeaders, status: u16) {
        let now = Instant::now();
        self.maybe_counted = headers.quotas.is_empty();
        let mut state = self.limiter.lock();
        for (position, quota) in headers.quotas.iter().enumerate() {
            let Some(quota) = quota else { continue };
            let scope = match position {
                0 => Scope::Global,
                _ => Scope::Operation(self.operation.to_owned(), position),
            };
            state.record(scope, Window::from_quota(quota, now), now);
        }
        // With another status, such as a redirect, `Retry-After` has another meaning. See
        // <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>.
        if let (429 | 503, Some(delay)) = (status, headers.retry_after) {
            let scope = Scope::RetryAfter(self.operation.to_owned());
            state.record(scope, Window::from_retry_after(delay, now), now);
        }
        let is_success = status == 200;
        state.evict(if is_success { &self.probing } else { &[] }, now);
    }

    /// Notes that the request is sent, so that the service may count it from now on.
    pub(crate) const fn mark_sent(&mut self) {
        self.maybe_counted = true;
    }

    /// Releases the permit of a request that did not reach the service after all.
    pub(crate) fn cancel(mut self) {
        self.maybe_counted = false;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        state.finish(self.operation);
        for (scope, window) in &mut state.windows {
            if !scope.applies_to(self.operation) {
                continue;
            }
            // Too low a number only delays a request, and the next response corrects it.
            let counted = u64::from(self.maybe_counted);
            window.remaining = window.remaining.saturating_sub(counted);
            if self.probing.contains(scope) {
                window.probe_started = None;
            }
        }
        drop(state);
        self.limiter.released.notify_all();
    }
}

/// A delay that would end after the deadline, or that was canceled.
#[derive(Debug, PartialEq)]
pub(crate) struct DelayExceedsDeadline {
    /// The reason for the longest delay.
    pub(crate) reason: DelayReason,
    /// The time until the delay ends.
    pub(crate) wait: Duration,
}

/// The reason for which a request is delayed, with the strongest one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DelayReason {
    /// The first request after a reset has no response yet.
    ProbePending,
    /// The service asked for a delay.
    RetryAfter,
    /// The limit with this number of requests is exhausted.
    Exhausted(u64),
}

/// The requests that a [`Window`] applies to.
///
/// The first quota of a response applies to every call, and each further one to the operation of
/// the request. A `Retry-After` may be about more, but nothing says so.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    /// Every request.
    Global,
    /// The requests of an operation, with the position of the quota in the headers.
    Operation(String, usize),
    /// The requests of an operation that the service asked to delay.
    RetryAfter(String),
}

impl Scope {
    /// Returns the operation that is limited, or `None` for every request.
    fn operation(&self) -> Option<Operation> {
        match self {
            Self::Global => None,
            Self::Operation(key, _) | Self::RetryAfter(key) => Operation::from_rate_limit_key(key),
        }
    }

    /// Returns true if a request of `operation` counts against this.
    fn applies_to(&self, operation: &str) -> bool {
        match self {
            Self::Global => true,
            Self::Operation(name, _) | Self::RetryAfter(name) => name == operation,
        }
    }
}

/// The current quota of a scope, until its reset.
#[derive(Clone, Debug)]
struct Window {
    /// `None` for a `Retry-After`.
    limit: Option<u64>,
    /// The lowest number that a response reported. Requests in flight are not subtracted.
    remaining: u64,
    /// The time at which the window ends, by the clock of this machine.
    resets_at: Instant,
    /// The time at which a request was sent whose response shows the limit after the reset.
    probe_started: Option<Instant>,
}

/// The time until which a request is delayed. The latest delay is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Delay {
    /// The time at which the request may be tried again.
    until: Instant,
    /// The reason, which decides between two delays with the same end.
    reason: DelayReason,
}

/// The time that requests wait for the first response after a reset.
///
/// Without a bound, one stalled request would block all others.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest time that a `Retry-After` delays other requests.
///
/// Without a bound, a mistake of a gateway would block a program for days.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// The time after its reset at which the window of an operation is evicted.
///
/// Each set of exported resources is an operation, and a program may use any number of them.
const WINDOW_TTL: Duration = Duration::from_secs(3600);

/// The difference between two resets that still belong to one window.
///
/// The service rounds resets to seconds, and a response takes some time.
const RESET_TOLERANCE: Duration = Duration::from_millis(1500);

impl Window {
    /// Creates the window of a quota that a response reported at `now`.
    fn from_quota(quota: &Quota, now: Instant) -> Self {
        Self {
            limit: Some(quota.limit),
            remaining: quota.remaining,
            resets_at: now + quota.reset,
            probe_started: None,
        }
    }

    /// Creates a window without any requests until the delay ends.
    fn from_retry_after(delay: Duration, now: Instant) -> Self {
        Self {
            limit: None,
            remaining: 0,
            resets_at: now + delay.min(MAX_DELAY),
            probe_started: None,
        }
    }

    /// Returns the delay of the next request, if any.
    fn delay(&self, in_flight: u64, now: Instant) -> Option<Delay> {
        if now < self.resets_at {
            let reason = match self.limit {
                Some(limit) => DelayReason::Exhausted(limit),
                None => DelayReason::RetryAfter,
            };
            return (self.remaining <= in_flight).then_some(Delay {
                until: self.resets_at,
                reason,
            });
        }
        // After a reset one request probes the limit, like the half-open state of a circuit
        // breaker. Otherwise all requests that waited would be sent at once.
        let until = self.probe_started? + PROBE_TIMEOUT;
        (now < until).then_some(Delay {
            until,
            reason: DelayReason::ProbePending,
        })
    }

    /// Merges what another response reported for the same scope.
    fn merge(&mut self, other: &Self, now: Instant) {
        let is_same_window =
            now < self.resets_at && other.resets_at < self.resets_at + RESET_TOLERANCE;
        if other.limit.is_none() {
            // The longest `Retry-After` wins.
            self.resets_at = self.resets_at.max(other.resets_at);
        } else if is_same_window {
            // Responses may arrive in any order, so the lowest count is the latest. Resets are
            // rounded up, so the earliest is the most precise.
            self.limit = other.limit;
            self.remaining = self.remaining.min(other.remaining);
            self.resets_at = self.resets_at.min(other.resets_at);
        } else {
            *self = Self {
                probe_started: self.probe_started,
                ..other.clone()
            };
        }
    }
}

/// All that a limiter knows.
#[derive(Debug, Default)]
struct State {
    /// The window of each scope. There are few, so a list is as fast as a map.
    windows: Vec<(Scope, Window)>,
    /// The number of requests in flight, by operation.
    ///
    /// The service may have counted them or not, so they are subtracted from its latest report.
    in_flight: Vec<(String, u64)>,
}

impl State {
    /// Returns the delay of the next request of `operation`, if any.
    fn delay(&self, operation: &str, now: Instant) -> Option<Delay> {
        self.windows
            .iter()
            .filter(|(scope, _)| scope.applies_to(operation))
            .filter_map(|(scope, window)| window.delay(self.in_flight(scope), now))
            .max()
    }

    /// Counts a request that is sent, and returns the scopes that it probes.
    fn start(&mut self, operation: &str, now: Instant) -> Vec<Scope> {
        let entry = self
            .in_flight
            .iter_mut()
            .find(|(name, _)| name == operation);
        match entry {
            Some((_, count)) => *count += 1,
            None => self.in_flight.push((operation.to_owned(), 1)),
        }
        let mut probing = Vec::new();
        for (scope, window) in &mut self.windows {
            if scope.applies_to(operation) && now >= window.resets_at {
                window.probe_started = Some(now);
                probing.push(scope.clone());
            }
        }
        probing
    }

    /// Counts a request as no longer in flight.
    fn finish(&mut self, operation: &str) {
        for (name, count) in &mut self.in_flight {
            if name == operation {
                *count -= 1;
            }
        }
        self.in_flight.retain(|(_, count)| *count > 0);
    }

    /// Returns the number of requests in flight that count against a scope.
    fn in_flight(&self, scope: &Scope) -> u64 {
        self.in_flight
            .iter()
            .filter(|(operation, _)| scope.applies_to(operation))
            .map(|(_, count)| count)
            .sum()
    }

    /// Stores what a response reported for a scope.
    fn record(&mut self, scope: Scope, reported: Window, now: Instant) {
        match self.windows.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, window)) => window.merge(&reported, now),
            None if scope == Scope::Global => self.windows.insert(0, (scope, reported)),
            None => self.windows.push((scope, reported)),
        }
    }

    /// Removes windows that are long past their reset, and of the scopes in `probed` those that the
    /// response did not report again.
    fn evict(&mut self, probed: &[Scope], now: Instant) {
        self.windows.retain(|(scope, window)| {
            let is_gone = window.resets_at <= now && probed.contains(scope);
            let is_old = *scope != Scope::Global && window.resets_at + WINDOW_TTL <= now;
            !is_gone && !is_old
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::cancel::CancelToken;

    const SECOND: Duration = Duration::from_secs(1);

    impl RateLimiter {
        /// Acquires the permit of a request that is sent at once.
        fn acquire<'a>(
            &'a self,
            operation: &'a str,
            deadline: &Deadline,
        ) -> Result<Permit<'a>, DelayExceedsDeadline> {
            let mut permit = self.acquire_with(operation, deadline, &|_| ())?;
            permit.mark_sent();
            Ok(permit)
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "headers have optional quotas")]
    fn quota(limit: u64, remaining: u64, reset: u64) -> Option<Quota> {
        Some(Quota {
            limit,
            remaining,
            reset: Duration::from_secs(reset),
        })
    }

    fn headers(quotas: &[Option<Quota>]) -> RateLimitHeaders {
        RateLimitHeaders {
            quotas: quotas.to_vec(),
            retry_after: None,
        }
    }

    fn retry_after(seconds: u64) -> RateLimitHeaders {
        RateLimitHeaders {
            quotas: Vec::new(),
            retry_after: Some(Duration::from_secs(seconds)),
        }
    }

    /// Sends a request of `operation`, whose successful response reports `quotas`.
    fn respond(limiter: &RateLimiter, operation: &str, quotas: &[Option<Quota>]) {
        let permit = limiter
            .acquire(operation, &Deadline::after(SECOND))
            .unwrap();
        permit.complete(&headers(quotas), 200);
    }

    #[test]
    fn a_stalled_probe_delays_other_requests_for_a_short_time() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(2, 0, 0)]);
        let started = Instant::now();
        let stalled = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        assert!(
            limiter
                .acquire("query", &Deadline::after(60 * SECOND))
                .is_ok()
        );
        assert!((PROBE_TIMEOUT..60 * SECOND).contains(&started.elapsed()));
        drop(stalled);
    }

    #[test]
    fn a_cancel_ends_the_wait_for_the_response_to_a_probe() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(2, 0, 0)]);
        let stalled = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        let token = CancelToken::new();
        let deadline = Deadline::never().with_token(&token);
        let delayed = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| limiter.acquire("query", &deadline).err());
            token.cancel();
            waiting.join().unwrap()
        });
        assert_eq!(delayed.unwrap().reason, DelayReason::ProbePending);
        drop(stalled);
        assert!(limiter.acquire("query", &Deadline::after(SECOND)).is_ok());
    }

    #[test]
    fn no_request_is_sent_if_the_deadline_ends_before_the_response_to_a_probe() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(2, 0, 0)]);
        let stalled = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        let started = Instant::now();
        let delayed = limiter
            .acquire("query", &Deadline::after(Duration::from_millis(50)))
            .unwrap_err();
        assert_eq!(delayed.reason, DelayReason::ProbePending);
        assert!(started.elapsed() >= Duration::from_millis(50));
        drop(stalled);
        assert!(limiter.acquire("query", &Deadline::after(SECOND)).is_ok());
    }

    #[test]
    fn a_request_that_was_not_sent_is_not_counted() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(3, 1, 60)]);
        limiter
            .acquire("query", &Deadline::after(SECOND))
            .unwrap()
            .cancel();
        assert!(limiter.acquire("query", &Deadline::after(SECOND)).is_ok());
        assert!(limiter.acquire("query", &Deadline::after(SECOND)).is_err());
    }

    #[test]
    fn an_exhausted_limit_delays_the_requests_that_it_applies_to() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(300, 299, 60), quota(5, 0, 30)]);
        let delayed = limiter
            .acquire("query", &Deadline::after(SECOND))
            .unwrap_err();
        assert_eq!(delayed.reason, DelayReason::Exhausted(5));
        assert!(delayed.wait > Duration::from_secs(29));
        assert!(
            limiter
                .acquire("attributes", &Deadline::after(SECOND))
                .is_ok()
        );
        respond(&limiter, "attributes", &[quota(300, 0, 60)]);
        assert_eq!(
            limiter
                .acquire("attributes", &Deadline::after(SECOND))
                .unwrap_err()
                .reason,
            DelayReason::Exhausted(300)
        );
        let limits: Vec<_> = limiter
            .limits()
            .iter()
            .map(|limit| (limit.operation(), limit.limit(), limit.remaining()))
            .collect();
        assert_eq!(limits, [(None, 300, 0), (Some("query"), 5, 0)]);
    }

    #[test]
    fn the_limit_of_all_calls_is_listed_first() {
        let limiter = RateLimiter::default();
        // Headers of which the first set is not valid.
        respond(&limiter, "query", &[None, quota(5, 4, 30)]);
        respond(&limiter, "query", &[quota(300, 299, 60), quota(5, 3, 30)]);
        let limits: Vec<_> = limiter.limits().iter().map(RateLimit::limit).collect();
        assert_eq!(limits, [300, 5]);
    }

    #[test]
    fn a_limit_ends_at_its_reset() {
        let now = Instant::now();
        let exhausted = Window::from_quota(&quota(5, 0, 30).unwrap(), now);
        let reset = now + 30 * SECOND;
        assert_eq!(exhausted.resets_at, reset);
        let before = now + Duration::from_nanos(29_999_999_999);
        assert_eq!(exhausted.delay(0, before).unwrap().until, reset);
        assert!(exhausted.delay(0, reset).is_none());
    }

    #[test]
    fn a_probe_delays_others_until_its_timeout() {
        let now = Instant::now();
        let mut window = Window::from_quota(&quota(5, 0, 0).unwrap(), now);
        assert!(window.delay(0, now).is_none());
        window.probe_started = Some(now);
        let delay = window.delay(0, now + PROBE_TIMEOUT / 2).unwrap();
        assert_eq!(delay.until, now + PROBE_TIMEOUT);
        assert!(window.delay(0, now + PROBE_TIMEOUT).is_none());
    }

    #[test]
    fn a_report_belongs_to_the_window_if_its_reset_is_nearly_the_same() {
        let now = Instant::now();
        let reset = now + 30 * SECOND;
        let before = now + Duration::from_nanos(29_999_999_999);
        // The time of the report, the reset that it names, and what remains then.
        for (at, resets_at, remaining) in [
            (now, reset + SECOND, 1),
            (now, reset + RESET_TOLERANCE, 4),
            (before, reset, 1),
            (reset, reset, 4),
        ] {
            let mut window = Window::from_quota(&quota(5, 1, 30).unwrap(), now);
            let mut reported = Window::from_quota(&quota(5, 4, 0).unwrap(), now);
            reported.resets_at = resets_at;
            window.merge(&reported, at);
            assert_eq!(window.remaining, remaining);
        }
    }

    #[test]
    fn a_retry_after_delays_its_operation_for_a_minute_at_most() {
        let delay_after = |status, seconds| {
            let limiter = RateLimiter::default();
            let permit = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
            permit.complete(&retry_after(seconds), status);
            assert!(
                limiter.acquire("export", &Deadline::after(SECOND)).is_ok()
                    && limiter.limits().is_empty()
            );
            limiter.acquire("query", &Deadline::after(SECOND)).err()
        };
        for (status, seconds, at_least) in [(429, 30, 29), (503, 30, 29), (503, 9999, 59)] {
            let delayed = delay_after(status, seconds).unwrap();
            assert_eq!(delayed.reason, DelayReason::RetryAfter);
            let range = Duration::from_secs(at_least)..=Duration::from_secs(60);
            assert!(range.contains(&delayed.wait), "{:?}", delayed.wait);
        }
        assert_eq!(delay_after(500, 30), None);
        assert_eq!(delay_after(503, 0), None);
    }

    #[test]
    fn the_longest_retry_after_applies_until_a_success() {
        let limiter = RateLimiter::default();
        let one = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        let two = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        one.complete(&retry_after(30), 429);
        two.complete(&retry_after(5), 429);
        assert!(
            limiter
                .acquire("query", &Deadline::after(SECOND))
                .unwrap_err()
                .wait
                > Duration::from_secs(29)
        );
        let limiter = RateLimiter::default();
        limiter
            .acquire("query", &Deadline::after(SECOND))
            .unwrap()
            .complete(&retry_after(0), 429);
        assert_eq!(limiter.lock().windows.len(), 1);
        limiter
            .acquire("query", &Deadline::after(SECOND))
            .unwrap()
            .complete(&RateLimitHeaders::default(), 200);
        assert!(limiter.lock().windows.is_empty());
    }

    #[test]
    fn requests_in_flight_are_counted() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(3, 2, 60)]);
        let one = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        let two = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        assert!(limiter.acquire("query", &Deadline::after(SECOND)).is_err());
        one.complete(&headers(&[quota(3, 1, 60)]), 200);
        assert!(
            limiter.acquire("query", &Deadline::after(SECOND)).is_err(),
            "the other one is still in flight"
        );
        drop(two);
    }

    #[test]
    fn requests_sent_before_the_first_report_are_counted() {
        let limiter = RateLimiter::default();
        let permits: Vec<_> = (0..3)
            .map(|_| limiter.acquire("query", &Deadline::after(SECOND)).unwrap())
            .collect();
        let export = limiter.acquire("export", &Deadline::after(SECOND)).unwrap();
        let mut permits = permits.into_iter();
        let mut complete_one = |remaining| {
            let quotas = [quota(5, remaining, 60), quota(9, 2, 60)];
            permits.next().unwrap().complete(&headers(&quotas), 200);
        };
        // Four are left and three are in flight: one more may be sent.
        complete_one(4);
        let fifth = limiter.acquire("export", &Deadline::after(SECOND)).unwrap();
        assert_eq!(
            limiter
                .acquire("export", &Deadline::after(SECOND))
                .unwrap_err()
                .reason,
            DelayReason::Exhausted(5)
        );
        // The second quota applies to queries alone, of which two are in flight.
        assert_eq!(
            limiter
                .acquire("query", &Deadline::after(SECOND))
                .unwrap_err()
                .reason,
            DelayReason::Exhausted(9)
        );
        assert_eq!(limiter.limits()[1].remaining(), 0);
        complete_one(3);
        complete_one(2);
        assert!(
            limiter.acquire("export", &Deadline::after(SECOND)).is_err(),
            "the two that are left are in flight"
        );
        // One of them was not sent, and the other may have been counted.
        fifth.cancel();
        let sixth = limiter.acquire("export", &Deadline::after(SECOND)).unwrap();
        drop((export, sixth));
        assert_eq!(limiter.limits()[0].remaining(), 0);
    }

    #[test]
    fn after_a_reset_one_request_is_sent_first() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(2, 1, 0)]);
        let first = limiter.acquire("query", &Deadline::after(SECOND)).unwrap();
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        limiter
                            .acquire("query", &Deadline::after(Duration::from_secs(9)))
                            .is_ok()
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(30));
            assert!(
                others.iter().all(|other| !other.is_finished()),
                "they wait for the response"
            );
            first.complete(&headers(&[quota(2, 2, 60)]), 200);
            assert!(others.into_iter().all(|other| other.join().unwrap()));
        });
        assert!(limiter.acquire("query", &Deadline::after(SECOND)).is_err());
    }

    #[test]
    fn windows_of_unused_operations_are_evicted() {
        let limiter = RateLimiter::default();
        for operation in ["export a", "export b"] {
            respond(&limiter, operation, &[quota(300, 299, 60), quota(5, 4, 30)]);
        }
        let mut state = limiter.lock();
        assert_eq!(state.windows.len(), 3);
        state.evict(&[], Instant::now() + WINDOW_TTL);
        assert_eq!(state.windows.len(), 3, "the resets are not long enough ago");
        state.evict(&[], Instant::now() + WINDOW_TTL + SECOND * 60);
        assert!(
            matches!(&state.windows[..], [(Scope::Global, _)]),
            "{:?}",
            state.windows
        );
    }

    #[test]
    fn a_limit_that_is_missing_from_a_success_is_dropped() {
        let limiter = RateLimiter::default();
        respond(&limiter, "query", &[quota(2, 0, 0)]);
        respond(&limiter, "query", &[]);
        assert!(limiter.limits().is_empty());
        respond(&limiter, "query", &[quota(2, 0, 0)]);
        // An error response without limits may be from a gateway, and drops none.
        limiter
            .acquire("query", &Deadline::after(SECOND))
            .unwrap()
            .complete(&RateLimitHeaders::default(), 503);
        assert_eq!(limiter.limits().len(), 1);
        drop(limiter.acquire("query", &Deadline::after(SECOND)).unwrap());
        assert!(
            limiter
                .acquire("query", &Deadline::after(SECOND))
                .unwrap()
                .probing
                .len()
                == 1,
            "a probe without a response is followed by another"
        );
    }

    #[test]
    fn the_lowest_count_and_the_earliest_reset_win() {
        let now = Instant::now();
        let window =
            |remaining, reset| Window::from_quota(&quota(9, remaining, reset).unwrap(), now);
        let mut first = window(5, 60);
        first.merge(&window(7, 61), now);
        assert_eq!(
            (first.remaining, first.resets_at),
            (5, now + Duration::from_secs(60))
        );
        first.merge(&window(4, 59), now);
        assert_eq!(
            (first.remaining, first.resets_at),
            (4, now + Duration::from_secs(59))
        );
        first.merge(&window(8, 120), now);
        assert_eq!(
            (first.remaining, first.resets_at),
            (8, now + Duration::from_secs(120))
        );
    }
}
