//! Rate limits in fixed windows, each of which starts with its first request.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The limits that the builder sets.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "they are the names of the builder's methods"
)]
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

/// The limit on all requests if only operations or exports have one. It is never reached.
const UNLIMITED: u32 = 1_000_000;

/// The limit of an operation without one, and its window, as a multiple of those of all requests.
///
/// It is rarely reached before the limit on all requests, and a client that confuses the two
/// sets of headers is noticed at once.
const OPERATION_FACTOR: u32 = 60;

/// One set of rate-limit headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Whole seconds from now, rounded up.
    pub(crate) reset: u64,
}

/// The reason that a request is rejected, if it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// The client sent too many requests.
    ClientExhausted,
    /// There were too many requests for the operation.
    OperationExhausted,
    /// The caller exported these resources too often.
    ResourcesExhausted(Vec<String>),
}

/// The decision on one request, with the headers of its response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) decision: Decision,
    /// That of all requests, and that of the operation or of the resource with the least left.
    pub(crate) quotas: [Quota; 2],
}

/// The parts of a request that limits depend on.
#[derive(Clone, Debug)]
pub(crate) struct RateKey<'a> {
    pub(crate) client: IpAddr,
    pub(crate) operation: &'a str,
    /// Exported resources as a response names them, such as `kafka.id:lkc-1`.
    pub(crate) resources: Vec<String>,
    /// `None` for a caller whose credentials are rejected.
    pub(crate) principal: Option<&'a str>,
}

/// Something with a window of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Client(IpAddr),
    Operation(String),
    Export { principal: String, resource: String },
}

/// A scope with its limit.
struct ScopeLimit {
    scope: Scope,
    limit: u32,
    window: Duration,
}

#[derive(Debug)]
struct Window {
    started: Instant,
    used: u32,
}

/// Counts requests against the limits.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limits: Limits,
    windows: Mutex<HashMap<Scope, Window>>,
    rejected: AtomicUsize,
}

impl RateLimiter {
    /// Creates a limiter. `None` if there is nothing to limit.
    pub(crate) fn new(limits: &Limits) -> Option<Self> {
        if limits.rate_limit.is_none()
            && limits.export_limit.is_none()
            && limits.operation_limits.is_empty()
        {
            return None;
        }
        // `rateLimit-reset` is in whole seconds, so a client could not keep to another window.
        let limits = Limits {
            rate_window: round_up_window(limits.rate_window),
            export_window: round_up_window(limits.export_window),
            ..limits.clone()
        };
        Some(Self {
            limits,
            windows: Mutex::default(),
            rejected: AtomicUsize::new(0),
        })
    }

    /// Counts a request. A rejected one does not count.
    pub(crate) fn count(&self, key: &RateKey<'_>, now: Instant) -> Outcome {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let client = ScopeLimit {
            scope: Scope::Client(key.client),
            limit: self.limits.rate_limit.unwrap_or(UNLIMITED),
            window: self.limits.rate_window,
        };
        let mut client_quota = quota(&mut windows, &client, now);
        let scopes = self.operation_scopes(key, client.limit);
        let mut quotas: Vec<Quota> = scopes
            .iter()
            .map(|scope| quota(&mut windows, scope, now))
            .collect();
        let exhausted: Vec<&Scope> = scopes
            .iter()
            .zip(&quotas)
            .filter(|(_, quota)| quota.remaining == 0)
            .map(|(limit, _)| &limit.scope)
            .collect();
        let decision = match exhausted.as_slice() {
            _ if client_quota.remaining == 0 => Decision::ClientExhausted,
            [] => Decision::Allowed,
            [Scope::Export { .. }, ..] => {
                Decision::ResourcesExhausted(exhausted.into_iter().map(Scope::name).collect())
            }
            _ => Decision::OperationExhausted,
        };
        if decision == Decision::Allowed {
            for ScopeLimit { scope, .. } in scopes.into_iter().chain([client]) {
                let window = windows.entry(scope).or_insert(Window {
                    started: now,
                    used: 0,
                });
                window.used += 1;
            }
            for quota in quotas.iter_mut().chain([&mut client_quota]) {
                quota.remaining -= 1;
            }
        } else {
            self.rejected.fetch_add(1, Ordering::Relaxed);
        }
        // Of several resources, the one that blocks the longest.
        let tightest = quotas
            .into_iter()
            .min_by_key(|quota| (quota.remaining, Reverse(quota.reset)));
        Outcome {
            decision,
            quotas: [client_quota, tightest.unwrap_or(client_quota)],
        }
    }

    /// Returns the number of rejected requests.
    pub(crate) fn rejected(&self) -> usize {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Returns the scopes that a request counts for, apart from its client.
    fn operation_scopes(&self, key: &RateKey<'_>, client_limit: u32) -> Vec<ScopeLimit> {
        if let (Some(limit), Some(principal)) = (self.limits.export_limit, key.principal) {
            if !key.resources.is_empty() {
                let scopes = key.resources.iter().map(|resource| ScopeLimit {
                    scope: Scope::Export {
                        principal: principal.to_owned(),
                        resource: resource.clone(),
                    },
                    limit,
                    window: self.limits.export_window,
                });
                return scopes.collect();
            }
        }
        let scope = Scope::Operation(key.operation.to_owned());
        let window = self.limits.rate_window;
        vec![match self.limits.operation_limits.get(key.operation) {
            Some(limit) => ScopeLimit {
                scope,
                limit: *limit,
                window,
            },
            None => ScopeLimit {
                scope,
                limit: client_limit.saturating_mul(OPERATION_FACTOR),
                window: window.saturating_mul(OPERATION_FACTOR),
            },
        }]
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

/// Returns what a scope has left, and removes its window if that is over.
fn quota(windows: &mut HashMap<Scope, Window>, limit: &ScopeLimit, now: Instant) -> Quota {
    let age = |window: &Window| now.saturating_duration_since(window.started);
    if windows
        .get(&limit.scope)
        .is_some_and(|window| age(window) >= limit.window)
    {
        windows.remove(&limit.scope);
    }
    let window = windows.get(&limit.scope);
    let used = window.map_or(0, |window| window.used);
    let elapsed = window.map(age).unwrap_or_default();
    Quota {
        limit: limit.limit,
        remaining: limit.limit.saturating_sub(used),
        reset: round_up_seconds(limit.window.saturating_sub(elapsed)),
    }
}

fn round_up_window(window: Duration) -> Duration {
    Duration::from_secs(round_up_seconds(window).max(1))
}

const fn round_up_seconds(time: Duration) -> u64 {
    let has_fraction = time.subsec_nanos() > 0;
    time.as_secs().saturating_add(has_fraction as u64)
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

    fn key(client: IpAddr, operation: &str) -> RateKey<'_> {
        RateKey {
            client,
            operation,
            resources: Vec::new(),
            principal: Some("key"),
        }
    }

    fn export<'a>(principal: &'a str, ids: &[&str]) -> RateKey<'a> {
        let resources = ids.iter().map(|id| format!("kafka.id:{id}")).collect();
        RateKey {
            client: ONE,
            operation: "export",
            resources,
            principal: Some(principal),
        }
    }

    fn quota_of(limit: u32, remaining: u32, reset: u64) -> Quota {
        Quota {
            limit,
            remaining,
            reset,
        }
    }

    #[test]
    fn a_window_starts_with_its_first_request_and_ends_on_time() {
        let start = Instant::now();
        let limiter = RateLimiter::new(&limits(Some(2), &[])).expect("a limit");
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let first = limiter.count(&key(ONE, "query"), at(5_100));
        assert_eq!(first.decision, Decision::Allowed);
        assert_eq!(first.quotas, [quota_of(2, 1, 10), quota_of(120, 119, 600)]);
        let second = limiter.count(&key(ONE, "export"), at(5_101));
        assert_eq!(second.quotas, [quota_of(2, 0, 10), quota_of(120, 119, 600)]);
        let rejected = limiter.count(&key(ONE, "query"), at(14_101));
        assert_eq!(rejected.decision, Decision::ClientExhausted);
        assert_eq!(
            rejected.quotas,
            [quota_of(2, 0, 1), quota_of(120, 119, 591)],
            "every operation has its own window"
        );
        assert_eq!(
            limiter.count(&key(OTHER, "query"), at(14_102)).quotas[0],
            quota_of(2, 1, 10),
            "and so has every client"
        );
        assert_eq!(
            limiter.count(&key(ONE, "query"), at(15_099)).decision,
            Decision::ClientExhausted
        );
        let later = limiter.count(&key(ONE, "query"), at(15_100));
        assert_eq!(
            (later.decision, later.quotas[0]),
            (Decision::Allowed, quota_of(2, 1, 10))
        );
        assert_eq!(limiter.rejected(), 2);
    }

    #[test]
    fn an_operation_may_have_a_limit_of_its_own() {
        let now = Instant::now();
        let limiter = RateLimiter::new(&limits(Some(3), &[("query", 1)])).expect("a limit");
        assert_eq!(
            limiter.count(&key(ONE, "query"), now).quotas,
            [quota_of(3, 2, 10), quota_of(1, 0, 10)]
        );
        let rejected = limiter.count(&key(OTHER, "query"), now + Duration::from_secs(4));
        assert_eq!(rejected.decision, Decision::OperationExhausted);
        assert_eq!(
            rejected.quotas,
            [quota_of(3, 3, 10), quota_of(1, 0, 6)],
            "no window has started for that client"
        );
        assert_eq!(
            limiter
                .count(&key(ONE, "descriptors/metrics"), now)
                .decision,
            Decision::Allowed
        );
        assert_eq!(
            limiter.count(&key(ONE, "query"), now + TEN).decision,
            Decision::Allowed
        );

        let alone = RateLimiter::new(&limits(None, &[("query", 1)])).expect("a limit");
        assert_eq!(
            alone.count(&key(ONE, "query"), now).quotas,
            [quota_of(1_000_000, 999_999, 10), quota_of(1, 0, 10)]
        );
        assert!(RateLimiter::new(&limits(None, &[])).is_none());
    }

    #[test]
    fn an_export_counts_for_each_of_its_resources_and_for_its_caller() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut limits = limits(None, &[]);
        limits.export_limit = Some(2);
        let limiter = RateLimiter::new(&limits).expect("a limit");
        let own = |key: &RateKey<'_>, seconds| limiter.count(key, at(seconds)).quotas[1];
        assert_eq!(own(&export("key", &["a"]), 0), quota_of(2, 1, 3_600));
        assert_eq!(own(&export("key", &["b", "c"]), 10), quota_of(2, 1, 3_600));
        assert_eq!(
            own(&export("key", &["c", "a"]), 20),
            quota_of(2, 0, 3_590),
            "the resource that blocks the longest"
        );
        let rejected = limiter.count(&export("key", &["a", "b", "c", "d"]), at(30));
        let names = vec!["kafka.id:a".to_owned(), "kafka.id:c".to_owned()];
        assert_eq!(rejected.decision, Decision::ResourcesExhausted(names));
        assert_eq!(rejected.quotas[1], quota_of(2, 0, 3_580));
        assert_eq!(
            own(&export("key", &["b"]), 40),
            quota_of(2, 0, 3_570),
            "a rejected request does not count"
        );
        assert_eq!(
            own(&export("other", &["a", "b", "c"]), 40),
            quota_of(2, 1, 3_600),
            "callers do not share"
        );
        assert_eq!(
            limiter.count(&export("key", &["a"]), at(3_600)).decision,
            Decision::Allowed
        );
        assert_eq!(
            own(&key(ONE, "query"), 40).limit,
            60_000_000,
            "other operations are not affected"
        );
        let anonymous = RateKey {
            principal: None,
            ..export("key", &["b"])
        };
        assert_eq!(
            own(&anonymous, 40).limit,
            60_000_000,
            "nor is a caller without valid credentials"
        );
        assert_eq!(limiter.rejected(), 1);
    }

    #[test]
    fn a_window_is_a_whole_number_of_seconds() {
        for (given, rounded) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            let window = Duration::from_millis(given);
            let limits = Limits {
                rate_window: window,
                export_window: window,
                ..limits(Some(1), &[])
            };
            let limits = RateLimiter::new(&limits).expect("a limit").limits;
            assert_eq!(
                [limits.rate_window, limits.export_window],
                [Duration::from_secs(rounded); 2]
            );
        }
    }
}
