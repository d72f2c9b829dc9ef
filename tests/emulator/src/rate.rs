//! Rate limits: two scopes, each with a window that starts afresh when it is over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many windows of the first scope make one of the second, which allows as many times more requests.
///
/// The second is then never used up before the first, and a client that mixes them up is seen at once.
const SECOND_SCOPE: u32 = 60;

/// What one scope has left, as the headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Whole seconds from now, rounded up.
    pub(crate) reset: u64,
}

/// The verdict on one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    /// Every call first, then the operation.
    pub(crate) scopes: [Left; 2],
}

#[derive(Debug)]
pub(crate) struct Limiter {
    limit: u32,
    window: Duration,
    start: Instant,
    used: Mutex<HashMap<String, (u128, u32)>>,
}

impl Limiter {
    pub(crate) fn new(limit: u32, window: Duration, start: Instant) -> Self {
        // A window of no length would never be over.
        let window = window.max(Duration::from_millis(1));
        Self { limit, window, start, used: Mutex::new(HashMap::new()) }
    }

    /// Counts a request to an operation. One that is not allowed uses nothing up.
    pub(crate) fn count(&self, operation: &str, now: Instant) -> Verdict {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(self.start);
        let scopes = [("", 1), (operation, SECOND_SCOPE)];
        let left = scopes.map(|(name, factor)| {
            let window = self.window * factor;
            let number = elapsed.as_nanos() / window.as_nanos();
            let entry = used.entry(name.to_owned()).or_default();
            if entry.0 != number {
                *entry = (number, 0);
            }
            let limit = self.limit.saturating_mul(factor);
            let rest = window.as_nanos() - elapsed.as_nanos() % window.as_nanos();
            let reset = u64::try_from(rest.div_ceil(1_000_000_000)).unwrap_or(u64::MAX);
            Left { limit, remaining: limit.saturating_sub(entry.1), reset }
        });
        let allowed = left.iter().all(|left| left.remaining > 0);
        if allowed {
            for (name, _) in scopes {
                used.entry(name.to_owned()).or_default().1 += 1;
            }
        }
        let taken = u32::from(allowed);
        let after = left.map(|left| Left { remaining: left.remaining - taken, ..left });
        Verdict { allowed, scopes: after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lets_so_many_through_and_then_starts_afresh() {
        let start = Instant::now();
        let limiter = Limiter::new(2, Duration::from_secs(10), start);
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let first = limiter.count("query", at(100));
        assert!(first.allowed);
        assert_eq!(first.scopes[0], Left { limit: 2, remaining: 1, reset: 10 });
        assert_eq!(first.scopes[1], Left { limit: 120, remaining: 119, reset: 600 });
        assert!(limiter.count("export", at(9_000)).allowed);
        let refused = limiter.count("query", at(9_001));
        assert!(!refused.allowed);
        assert_eq!(refused.scopes[0], Left { limit: 2, remaining: 0, reset: 1 });
        assert_eq!(refused.scopes[1].remaining, 119, "each operation has a scope of its own");
        let later = limiter.count("query", at(10_000));
        assert!(later.allowed);
        assert_eq!(later.scopes[0], Left { limit: 2, remaining: 1, reset: 10 });
    }
}
