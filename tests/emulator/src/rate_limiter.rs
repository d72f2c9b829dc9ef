//! Rate limits: two scopes, each with a window that begins with the first request in it.

use std::cmp::Reverse;
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

/// What may be done, as the builder collected it.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) rate_limit: Option<u32>,
    pub(crate) rate_window: Duration,
    pub(crate) operation_limits: HashMap<String, u32>,
    pub(crate) export_limit: Option<u32>,
    pub(crate) export_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate_limit: None,
            rate_window: Duration::from_secs(60),
            operation_limits: HashMap::new(),
            export_limit: None,
            export_window: Duration::from_secs(3_600),
        }
    }
}

/// What all calls together may do when only some have a limit: so much that it is never used up.
const BOUNDLESS: u32 = 1_000_000;

/// An operation without a limit of its own may do so many times as much, in so many times the window.
///
/// That is hardly ever used up before the limit on all calls, and a client that mixes them up is seen at once.
const WIDER: u32 = 60;

/// What one scope has left, as the headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Whole seconds from now, rounded up.
    pub(crate) reset: u64,
}

/// Whether there is room for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// The client made too many calls.
    TooMany,
    /// There were too many of this operation.
    TooManyOfOne,
    /// The caller exported these resources too often.
    TooManyOf(Vec<String>),
}

/// The verdict on one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ruling: Decision,
    /// Every call first, then the operation, or the resource of an export that has the least left.
    pub(crate) scopes: [Quota; 2],
}

/// Who asks for what.
#[derive(Clone, Debug)]
pub(crate) struct RateKey<'a> {
    pub(crate) client: IpAddr,
    pub(crate) operation: &'a str,
    /// What is exported, as an answer names it, such as `kafka.id:lkc-1`.
    pub(crate) exported: Vec<String>,
    /// Nothing for a caller who will be turned away.
    pub(crate) principal: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Client(IpAddr),
    Operation(String),
    Export { principal: String, resource: String },
}

#[derive(Debug)]
struct Window {
    begun: Instant,
    used: u32,
}

#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    windows: Mutex<HashMap<Scope, Window>>,
    refused: AtomicUsize,
}

impl Limiter {
    /// A limiter, if there is anything to limit.
    pub(crate) fn new(limits: &Limits) -> Option<Self> {
        if limits.rate_limit.is_none()
            && limits.export_limit.is_none()
            && limits.operation_limits.is_empty()
        {
            return None;
        }
        // The headers know whole seconds only, so that nobody could keep to any other window.
        let whole = |window| Duration::from_secs(whole_seconds(window).max(1));
        let (rate_window, export_window) = (whole(limits.rate_window), whole(limits.export_window));
        let limits = Limits {
            rate_window,
            export_window,
            ..limits.clone()
        };
        Some(Self {
            limits,
            windows: Mutex::default(),
            refused: AtomicUsize::new(0),
        })
    }

    /// Counts a request. One that is not allowed uses nothing up.
    pub(crate) fn count(&self, ask: &RateKey<'_>, now: Instant) -> Outcome {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = |scope: &Scope, limit: u32, length: Duration| {
            let is_over =
                |window: &mut Window| now.saturating_duration_since(window.begun) >= length;
            if windows.get_mut(scope).is_some_and(is_over) {
                windows.remove(scope);
            }
            let window = windows.get(scope);
            let elapsed = window.map(|window| now.saturating_duration_since(window.begun));
            let rest = length.saturating_sub(elapsed.unwrap_or_default());
            let remaining = limit.saturating_sub(window.map_or(0, |window| window.used));
            Quota {
                limit,
                remaining,
                reset: whole_seconds(rest),
            }
        };
        let limit = self.limits.rate_limit.unwrap_or(BOUNDLESS);
        let client = Scope::Client(ask.client);
        let mut all = left(&client, limit, self.limits.rate_window);
        let scopes = self.scopes(ask, limit);
        let mut own: Vec<Quota> = scopes
            .iter()
            .map(|(scope, limit, length)| left(scope, *limit, *length))
            .collect();
        let used_up = scopes
            .iter()
            .zip(&own)
            .filter(|(_, left)| left.remaining == 0);
        let used_up: Vec<&Scope> = used_up.map(|((scope, _, _), _)| scope).collect();
        let ruling = match used_up.as_slice() {
            _ if all.remaining == 0 => Decision::TooMany,
            [] => Decision::Allowed,
            [Scope::Export { .. }, ..] => {
                Decision::TooManyOf(used_up.into_iter().map(Scope::name).collect())
            }
            _ => Decision::TooManyOfOne,
        };
        if ruling == Decision::Allowed {
            for scope in scopes
                .into_iter()
                .map(|(scope, _, _)| scope)
                .chain([client])
            {
                windows
                    .entry(scope)
                    .or_insert(Window {
                        begun: now,
                        used: 0,
                    })
                    .used += 1;
            }
            own.iter_mut()
                .chain([&mut all])
                .for_each(|left| left.remaining -= 1);
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        // Of several resources, the one that is in the way the longest.
        let tightest = own
            .into_iter()
            .min_by_key(|left| (left.remaining, Reverse(left.reset)));
        Outcome {
            ruling,
            scopes: [all, tightest.unwrap_or(all)],
        }
    }

    /// What a request counts for beside all calls of its client, with the limit and the window of each.
    fn scopes(&self, ask: &RateKey<'_>, limit: u32) -> Vec<(Scope, u32, Duration)> {
        let exported = self
            .limits
            .export_limit
            .zip(ask.principal)
            .filter(|_| !ask.exported.is_empty());
        if let Some((limit, principal)) = exported {
            let resources = ask.exported.iter().map(|resource| {
                let (principal, resource) = (principal.to_owned(), resource.clone());
                (
                    Scope::Export {
                        principal,
                        resource,
                    },
                    limit,
                    self.limits.export_window,
                )
            });
            return resources.collect();
        }
        let (limit, window) = match self.limits.operation_limits.get(ask.operation) {
            Some(limit) => (*limit, self.limits.rate_window),
            None => (
                limit.saturating_mul(WIDER),
                self.limits.rate_window.saturating_mul(WIDER),
            ),
        };
        vec![(Scope::Operation(ask.operation.to_owned()), limit, window)]
    }

    /// How many requests were not allowed so far.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Scope {
    fn name(&self) -> String {
        match self {
            Self::Client(address) => address.to_string(),
            Self::Operation(name) | Self::Export { resource: name, .. } => name.clone(),
        }
    }
}

/// A time in seconds, rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    const TEN: Duration = Duration::from_secs(10);

    fn limits(limit: Option<u32>, operations: &[(&str, u32)]) -> Limits {
        let operation_limits = operations
            .iter()
            .map(|(name, limit)| ((*name).to_owned(), *limit))
            .collect();
        Limits {
            rate_limit: limit,
            rate_window: TEN,
            operation_limits,
            ..Limits::default()
        }
    }

    fn ask(client: IpAddr, operation: &str) -> RateKey<'_> {
        RateKey {
            client,
            operation,
            exported: Vec::new(),
            principal: Some("key"),
        }
    }

    fn export<'a>(principal: &'a str, ids: &[&str]) -> RateKey<'a> {
        let exported = ids.iter().map(|id| format!("kafka.id:{id}")).collect();
        RateKey {
            client: ONE,
            operation: "export",
            exported,
            principal: Some(principal),
        }
    }

    fn left(limit: u32, remaining: u32, reset: u64) -> Quota {
        Quota {
            limit,
            remaining,
            reset,
        }
    }

    #[test]
    fn a_window_begins_with_its_first_request_and_is_then_over() {
        let start = Instant::now();
        let limiter = Limiter::new(&limits(Some(2), &[])).expect("a limit");
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let first = limiter.count(&ask(ONE, "query"), at(5_100));
        assert_eq!(first.ruling, Decision::Allowed);
        assert_eq!(first.scopes, [left(2, 1, 10), left(120, 119, 600)]);
        let second = limiter.count(&ask(ONE, "export"), at(5_101));
        assert_eq!(second.scopes, [left(2, 0, 10), left(120, 119, 600)]);
        let refused = limiter.count(&ask(ONE, "query"), at(14_101));
        assert_eq!(refused.ruling, Decision::TooMany);
        assert_eq!(
            refused.scopes,
            [left(2, 0, 1), left(120, 119, 591)],
            "each operation has its own"
        );
        assert_eq!(
            limiter.count(&ask(OTHER, "query"), at(14_102)).scopes[0],
            left(2, 1, 10),
            "and so each client"
        );
        assert_eq!(
            limiter.count(&ask(ONE, "query"), at(15_099)).ruling,
            Decision::TooMany
        );
        let later = limiter.count(&ask(ONE, "query"), at(15_100));
        assert_eq!(
            (later.ruling, later.scopes[0]),
            (Decision::Allowed, left(2, 1, 10))
        );
        assert_eq!(limiter.refused(), 2);
    }

    #[test]
    fn an_operation_may_have_a_limit_of_its_own() {
        let now = Instant::now();
        let limiter = Limiter::new(&limits(Some(3), &[("query", 1)])).expect("a limit");
        assert_eq!(
            limiter.count(&ask(ONE, "query"), now).scopes,
            [left(3, 2, 10), left(1, 0, 10)]
        );
        let refused = limiter.count(&ask(OTHER, "query"), now + Duration::from_secs(4));
        assert_eq!(refused.ruling, Decision::TooManyOfOne);
        assert_eq!(
            refused.scopes,
            [left(3, 3, 10), left(1, 0, 6)],
            "no window has begun for that client"
        );
        assert_eq!(
            limiter.count(&ask(ONE, "descriptors/metrics"), now).ruling,
            Decision::Allowed
        );
        assert_eq!(
            limiter.count(&ask(ONE, "query"), now + TEN).ruling,
            Decision::Allowed
        );

        let alone = Limiter::new(&limits(None, &[("query", 1)])).expect("a limit");
        assert_eq!(
            alone.count(&ask(ONE, "query"), now).scopes,
            [left(1_000_000, 999_999, 10), left(1, 0, 10)]
        );
        assert!(Limiter::new(&limits(None, &[])).is_none());
    }

    #[test]
    fn an_export_counts_for_each_of_its_resources_and_for_its_caller() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut limits = limits(None, &[]);
        limits.export_limit = Some(2);
        let limiter = Limiter::new(&limits).expect("a limit");
        let own = |ask: &RateKey<'_>, seconds| limiter.count(ask, at(seconds)).scopes[1];
        assert_eq!(own(&export("key", &["a"]), 0), left(2, 1, 3_600));
        assert_eq!(own(&export("key", &["b", "c"]), 10), left(2, 1, 3_600));
        assert_eq!(
            own(&export("key", &["c", "a"]), 20),
            left(2, 0, 3_590),
            "what is in the way the longest"
        );
        let refused = limiter.count(&export("key", &["a", "b", "c", "d"]), at(30));
        let names = vec!["kafka.id:a".to_owned(), "kafka.id:c".to_owned()];
        assert_eq!(refused.ruling, Decision::TooManyOf(names));
        assert_eq!(refused.scopes[1], left(2, 0, 3_580));
        assert_eq!(
            own(&export("key", &["b"]), 40),
            left(2, 0, 3_570),
            "what was refused used nothing up"
        );
        assert_eq!(
            own(&export("other", &["a", "b", "c"]), 40),
            left(2, 1, 3_600),
            "callers do not share"
        );
        assert_eq!(
            limiter.count(&export("key", &["a"]), at(3_600)).ruling,
            Decision::Allowed
        );
        assert_eq!(
            own(&ask(ONE, "query"), 40).limit,
            60_000_000,
            "other operations are not concerned"
        );
        let nobody = RateKey {
            principal: None,
            ..export("key", &["b"])
        };
        assert_eq!(
            own(&nobody, 40).limit,
            60_000_000,
            "nor are those who may not ask"
        );
        assert_eq!(limiter.refused(), 1);
    }

    #[test]
    fn a_window_is_a_whole_number_of_seconds() {
        for (given, whole) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            let window = Duration::from_millis(given);
            let limits = Limits {
                rate_window: window,
                export_window: window,
                ..limits(Some(1), &[])
            };
            let limits = Limiter::new(&limits).expect("a limit").limits;
            assert_eq!(
                [limits.rate_window, limits.export_window],
                [Duration::from_secs(whole); 2]
            );
        }
    }
}
