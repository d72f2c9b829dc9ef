//! Rate limits: two scopes, each with a window that begins with the first request in it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the limits are told in the headers of every answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateHeaders {
    /// A line for each scope, all of the same name.
    #[default]
    Repeated,
    /// One line for both scopes, joined by a comma.
    Joined,
    /// Not at all. The limits hold all the same.
    None,
}

/// What all calls together may do when only operations have a limit: so much that it is never used up.
const BOUNDLESS: u32 = 1_000_000;

/// An operation without a limit of its own may do so many times as much, in so many times the window.
///
/// That is hardly ever used up before the limit on all calls, and a client that mixes them up is seen at once.
const WIDER: u32 = 60;

/// What one scope has left, as the headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Whole seconds from now, rounded up.
    pub(crate) reset: u64,
}

/// Whether there is room for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Allowed,
    /// The client made too many calls.
    TooMany,
    /// There were too many of this operation.
    TooManyOfOne,
}

/// The verdict on one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) ruling: Ruling,
    /// Every call first, then the operation.
    pub(crate) scopes: [Left; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Client(IpAddr),
    Operation(String),
}

#[derive(Debug)]
struct Window {
    begun: Instant,
    used: u32,
}

#[derive(Debug)]
pub(crate) struct Limiter {
    limit: u32,
    operations: HashMap<String, u32>,
    window: Duration,
    windows: Mutex<HashMap<Scope, Window>>,
    refused: AtomicUsize,
}

impl Limiter {
    /// A limiter, if there is anything to limit.
    pub(crate) fn new(
        limit: Option<u32>,
        operations: &HashMap<String, u32>,
        window: Duration,
    ) -> Option<Self> {
        if limit.is_none() && operations.is_empty() {
            return None;
        }
        Some(Self {
            limit: limit.unwrap_or(BOUNDLESS),
            operations: operations.clone(),
            // The headers know whole seconds only, so that nobody could keep to any other window.
            window: Duration::from_secs(whole_seconds(window).max(1)),
            windows: Mutex::default(),
            refused: AtomicUsize::new(0),
        })
    }

    /// Counts a request of a client to an operation. One that is not allowed uses nothing up.
    pub(crate) fn count(&self, client: IpAddr, operation: &str, now: Instant) -> Verdict {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (own_limit, own_window) = match self.operations.get(operation) {
            Some(limit) => (*limit, self.window),
            None => (self.limit.saturating_mul(WIDER), self.window.saturating_mul(WIDER)),
        };
        let scopes = [
            (Scope::Client(client), self.limit, self.window),
            (Scope::Operation(operation.to_owned()), own_limit, own_window),
        ];
        let mut left = scopes.each_ref().map(|(scope, limit, length)| {
            let is_over = |window: &mut Window| now.saturating_duration_since(window.begun) >= *length;
            if windows.get_mut(scope).is_some_and(is_over) {
                windows.remove(scope);
            }
            let window = windows.get(scope);
            let elapsed = window.map(|window| now.saturating_duration_since(window.begun));
            let rest = length.saturating_sub(elapsed.unwrap_or_default());
            let remaining = limit.saturating_sub(window.map_or(0, |window| window.used));
            Left { limit: *limit, remaining, reset: whole_seconds(rest) }
        });
        let ruling = match left {
            [Left { remaining: 0, .. }, _] => Ruling::TooMany,
            [_, Left { remaining: 0, .. }] => Ruling::TooManyOfOne,
            _ => Ruling::Allowed,
        };
        if ruling == Ruling::Allowed {
            for ((scope, _, _), left) in scopes.into_iter().zip(&mut left) {
                windows.entry(scope).or_insert(Window { begun: now, used: 0 }).used += 1;
                left.remaining -= 1;
            }
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        Verdict { ruling, scopes: left }
    }

    /// How many requests were not allowed so far.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A time in seconds, rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    const TEN: Duration = Duration::from_secs(10);

    fn left(limit: u32, remaining: u32, reset: u64) -> Left {
        Left { limit, remaining, reset }
    }

    #[test]
    fn a_window_begins_with_its_first_request_and_is_then_over() {
        let start = Instant::now();
        let limiter = Limiter::new(Some(2), &HashMap::new(), TEN).expect("a limit");
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let first = limiter.count(ONE, "query", at(5_100));
        assert_eq!(first.ruling, Ruling::Allowed);
        assert_eq!(first.scopes, [left(2, 1, 10), left(120, 119, 600)]);
        let second = limiter.count(ONE, "export", at(5_101));
        assert_eq!(second.scopes, [left(2, 0, 10), left(120, 119, 600)]);
        let refused = limiter.count(ONE, "query", at(14_101));
        assert_eq!(refused.ruling, Ruling::TooMany);
        assert_eq!(refused.scopes, [left(2, 0, 1), left(120, 119, 591)], "each operation has its own");
        assert_eq!(limiter.count(OTHER, "query", at(14_102)).scopes[0], left(2, 1, 10), "and so each client");
        assert_eq!(limiter.count(ONE, "query", at(15_099)).ruling, Ruling::TooMany);
        let later = limiter.count(ONE, "query", at(15_100));
        assert_eq!((later.ruling, later.scopes[0]), (Ruling::Allowed, left(2, 1, 10)));
        assert_eq!(limiter.refused(), 2);
    }

    #[test]
    fn an_operation_may_have_a_limit_of_its_own() {
        let now = Instant::now();
        let operations = HashMap::from([("query".to_owned(), 1)]);
        let limiter = Limiter::new(Some(3), &operations, TEN).expect("a limit");
        assert_eq!(limiter.count(ONE, "query", now).scopes, [left(3, 2, 10), left(1, 0, 10)]);
        let refused = limiter.count(OTHER, "query", now + Duration::from_secs(4));
        assert_eq!(refused.ruling, Ruling::TooManyOfOne);
        assert_eq!(refused.scopes, [left(3, 3, 10), left(1, 0, 6)], "no window has begun for that client");
        assert_eq!(limiter.count(ONE, "descriptors/metrics", now).ruling, Ruling::Allowed);
        assert_eq!(limiter.count(ONE, "query", now + TEN).ruling, Ruling::Allowed);

        let alone = Limiter::new(None, &operations, TEN).expect("a limit");
        assert_eq!(alone.count(ONE, "query", now).scopes, [left(1_000_000, 999_999, 10), left(1, 0, 10)]);
        assert!(Limiter::new(None, &HashMap::new(), TEN).is_none());
    }

    #[test]
    fn a_window_is_a_whole_number_of_seconds() {
        for (given, whole) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            let window = Duration::from_millis(given);
            let limiter = Limiter::new(Some(1), &HashMap::new(), window).expect("a limit");
            assert_eq!(limiter.window, Duration::from_secs(whole));
        }
    }
}
