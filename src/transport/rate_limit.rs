use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::time::timestamp::Timestamp;

/// A limit of the service on requests, as it was last told.
///
/// The service tells one for all calls from an address, and may tell a further one for a single operation. No limit is
/// part of the vendor's contract: see the
/// [best practices](https://api.telemetry.confluent.cloud/docs#section/Client-Considerations-and-Best-Practices).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    limit: u64,
    remaining: u64,
    reset: Duration,
}

impl RateLimit {
    /// How many requests the service takes between two resets.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many of them are left.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// How long it is until the next reset; zero once that has passed.
    pub fn reset(&self) -> Duration {
        self.reset
    }
}

/// What the headers of one answer say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RateLimitHeaders {
    /// The sets of limits, in the order of the headers; one that makes no sense is none, but keeps its place.
    windows: Vec<Option<RateLimit>>,
    retry_after: Option<Duration>,
}

/// A later reset is no time from now but a mistake, such as an epoch or a time of day in seconds.
const MAX_RESET_SECS: u64 = 3600;

/// A longer wait is a mistake as well: the seconds since 1970 are more.
const MAX_RETRY_AFTER_SECS: u64 = 366 * 86_400;

impl RateLimitHeaders {
    /// Reads the headers of a response, in any letter case.
    ///
    /// Several sets may stand in lines of their own or be joined by commas. Beside the form of the
    /// service itself, that of every draft of the IETF's
    /// [RateLimit header fields](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/)
    /// is read.
    pub(crate) fn parse<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut fields = Fields::default();
        let mut retry_after = None;
        for (name, value) in headers {
            let column = match name.to_ascii_lowercase().as_str() {
                "ratelimit-limit" => &mut fields.limits,
                "ratelimit-remaining" => &mut fields.remainings,
                "ratelimit-reset" => &mut fields.resets,
                "ratelimit" => &mut fields.combined,
                "ratelimit-policy" => &mut fields.policies,
                "retry-after" => {
                    retry_after = retry_after.max(parse_retry_after(value.trim()));
                    continue;
                }
                _ => continue,
            };
            column.extend(split_unquoted(value, ',').into_iter().map(Item::parse));
        }
        Self {
            windows: fields.sets(),
            retry_after,
        }
    }

    /// How long the service asks to wait: the longest of `Retry-After` and the resets of used-up sets.
    pub(crate) fn retry_delay(&self) -> Option<Duration> {
        let used_up = self
            .windows
            .iter()
            .flatten()
            .filter(|set| set.remaining == 0)
            .map(|set| set.reset);
        used_up
            .chain(self.retry_after)
            .max()
            .filter(|wait| !wait.is_zero())
    }
}

/// The items of all rate limit headers of a response, by the name of the header.
#[derive(Default)]
struct Fields<'a> {
    limits: Vec<Item<'a>>,
    remainings: Vec<Item<'a>>,
    resets: Vec<Item<'a>>,
    combined: Vec<Item<'a>>,
    policies: Vec<Item<'a>>,
}

/// An item of a header: `300`, `300;w=60`, `limit=300` or `"burst";r=50;t=30`.
struct Item<'a> {
    value: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Fields<'_> {
    fn sets(mut self) -> Vec<Option<RateLimit>> {
        if self.remainings.is_empty() {
            return self.combined_sets();
        }
        // Drafts 0 to 6 list quota policies behind the limit, `100, 100;w=60, 1000;w=3600`. Unless
        // each of them has a remaining count of its own, they are no sets.
        if self.limits.len() > self.remainings.len() {
            let policies = self
                .limits
                .iter()
                .filter(|limit| limit.parameter("w").is_some())
                .count();
            if self.limits.len() - policies == self.remainings.len() {
                self.limits.retain(|limit| limit.parameter("w").is_none());
            }
        }
        let mut sets = Vec::new();
        for ((limit, remaining), reset) in
            self.limits.iter().zip(&self.remainings).zip(&self.resets)
        {
            sets.push(rate_limit(
                limit.number(),
                remaining.number(),
                reset.number(),
            ));
        }
        sets
    }

    /// Reads the single header of the later drafts.
    fn combined_sets(&self) -> Vec<Option<RateLimit>> {
        // Draft 7: `limit=100, remaining=50, reset=30`.
        let member = |name: &str| {
            let mut named = self
                .combined
                .iter()
                .filter_map(|item| item.value.split_once('='));
            named
                .find(|(key, _)| key.trim() == name)?
                .1
                .trim()
                .parse()
                .ok()
        };
        if let Some(remaining) = member("remaining") {
            return vec![rate_limit(
                member("limit"),
                Some(remaining),
                member("reset"),
            )];
        }
        // Since draft 8: `"burst";r=50;t=30`, and the limit in a policy, `"burst";q=100;w=60`.
        let mut sets = Vec::new();
        for item in &self.combined {
            let policy = self
                .policies
                .iter()
                .find(|policy| policy.value == item.value);
            let limit = policy.and_then(|policy| policy.parameter("q"));
            sets.push(rate_limit(limit, item.parameter("r"), item.parameter("t")));
        }
        sets
    }
}

impl<'a> Item<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = split_unquoted(text, ';').into_iter().map(str::trim);
        let value = parts.next().unwrap_or_default();
        let parameters = parts.filter_map(|part| part.split_once('=')).collect();
        Self { value, parameters }
    }

    fn number(&self) -> Option<u64> {
        self.value.parse().ok()
    }

    fn parameter(&self, name: &str) -> Option<u64> {
        let (_, value) = self.parameters.iter().find(|(key, _)| key.trim() == name)?;
        value.trim().parse().ok()
    }
}

/// Splits text at each separator that is not in quotes.
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    let split = text.split(|c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    });
    split.collect()
}

/// Creates a set of limits; `None` if it makes no sense.
fn rate_limit(limit: Option<u64>, remaining: Option<u64>, reset: Option<u64>) -> Option<RateLimit> {
    let reset = reset.filter(|reset| *reset <= MAX_RESET_SECS)?;
    Some(RateLimit {
        limit: limit?,
        remaining: remaining?,
        reset: Duration::from_secs(reset),
    })
}

/// The wait that a `Retry-After` asks for, in seconds or as a date; `None` for anything else.
fn parse_retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds)).filter(|_| seconds <= MAX_RETRY_AFTER_SECS);
    }
    let until = SystemTime::from(http_date(value)?);
    until
        .duration_since(SystemTime::now())
        .ok()
        .filter(|wait| wait.as_secs() <= MAX_RETRY_AFTER_SECS)
}

/// A date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(value: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = value.split_once(", ")?;
    let parts: Vec<_> = date.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts[..] else {
        return None;
    };
    // `Timestamp` parses other forms as well.
    if time.len() != "08:49:37".len() {
        return None;
    }
    let month = 1 + MONTHS.iter().position(|name| *name == month)?;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

/// What a set of limits binds: the first one every call, a further one the operation that it came with. A wait that was
/// asked for without a set binds that operation too, for nothing says that it is for more.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Global,
    Operation(String, usize),
    RetryAfter(String),
}

/// What is known of one scope.
#[derive(Clone, Debug)]
struct Window {
    /// None where only a wait was asked for.
    limit: Option<u64>,
    /// The least that an answer said was left. It does not count what is under way.
    remaining: u64,
    resets_at: Instant,
    /// Since when a request is under way that will tell what holds after the reset.
    probe_started: Option<Instant>,
}

/// Lets requests out as fast as the service's limits allow, for all clones of a client together.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    state: Mutex<Phase>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct Phase {
    /// Each scope once, and few of them: a client has few operations.
    windows: Vec<(Scope, Window)>,
    /// How many requests of each operation went out and are not answered. The service may have counted them or not, so they
    /// count beside what it last said.
    in_flight: Vec<(String, u64)>,
}

/// Leave to send one request; when it is given back, those who wait for its answer go on.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    pace: &'a RateLimiter,
    operation: &'a str,
    probing: Vec<Scope>,
    /// Whether the service may have counted the request without having said so.
    maybe_counted: bool,
}

/// Until when a request has to wait; the later one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Delay {
    until: Instant,
    why: DelayReason,
}

/// Why a request has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DelayReason {
    /// The first request after a reset is not answered yet.
    ProbePending,
    /// The service asked for a wait.
    RetryAfter,
    /// This limit is used up.
    Exhausted(u64),
}

/// A wait that would end after the deadline.
#[derive(Debug, PartialEq)]
pub(crate) struct DelayExceedsDeadline {
    pub(crate) why: DelayReason,
    pub(crate) wait: Duration,
}

/// The first answer after a reset is waited for so long; a request that stalls must not hold back all others.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// A wait that one answer asks for holds back other requests no longer, so that a slip of a gateway's does not silence a
/// program for days.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// An operation is forgotten so long after its reset: sets of exported resources may change all the time.
const WINDOW_TTL: Duration = Duration::from_secs(3600);

/// Two answers of one window may tell resets this far apart, because they are rounded to seconds.
const RESET_TOLERANCE: Duration = Duration::from_millis(1500);

impl RateLimiter {
    /// Waits until a request of `operation` may go out, at most for `remaining`.
    pub(crate) fn acquire<'a>(
        &'a self,
        operation: &'a str,
        remaining: Duration,
    ) -> Result<Permit<'a>, DelayExceedsDeadline> {
        let started = Instant::now();
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let left = remaining.saturating_sub(now - started);
            let Some(hold) = state.delay(operation, now) else {
                break;
            };
            let wait = hold.until.saturating_duration_since(now);
            // An answer may come at any time, and so is waited for to the end; a wait that is known to be too long is not.
            if left.is_zero() || (wait >= left && hold.why != DelayReason::ProbePending) {
                return Err(DelayExceedsDeadline {
                    why: hold.why,
                    wait,
                });
            }
            // Woken early by an answer that tells more.
            state = self
                .released
                .wait_timeout(state, wait.min(left))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let asking = state.start(operation, Instant::now());
        Ok(Permit {
            pace: self,
            operation,
            probing: asking,
            maybe_counted: true,
        })
    }

    /// The limits as last told, that of every call first.
    pub(crate) fn limits(&self) -> Vec<RateLimit> {
        let now = Instant::now();
        let state = self.lock();
        let told = |(scope, known): &(Scope, Window)| {
            let remaining = known.remaining.saturating_sub(state.under_way(scope));
            let reset = known.resets_at.saturating_duration_since(now);
            Some(RateLimit {
                limit: known.limit?,
                remaining,
                reset,
            })
        };
        state.windows.iter().filter_map(told).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        // Nothing is left half done under the lock, so a panic elsewhere in a holder does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Phase {
    /// Until when a request of `operation` has to wait, if it has to.
    fn delay(&self, operation: &str, now: Instant) -> Option<Delay> {
        let binding = self
            .windows
            .iter()
            .filter(|(scope, _)| scope.applies_to(operation));
        binding
            .filter_map(|(scope, known)| known.hold(self.under_way(scope), now))
            .max()
    }

    /// Counts a request that goes out; the scopes of which it is the one that asks what holds after a reset.
    fn start(&mut self, operation: &str, now: Instant) -> Vec<Scope> {
        match self
            .in_flight
            .iter_mut()
            .find(|(name, _)| name == operation)
        {
            Some((_, count)) => *count += 1,
            None => self.in_flight.push((operation.to_owned(), 1)),
        }
        let mut asking = Vec::new();
        for (scope, known) in &mut self.windows {
            if scope.applies_to(operation) && now >= known.resets_at {
                known.probe_started = Some(now);
                asking.push(scope.clone());
            }
        }
        asking
    }

    fn under_way(&self, scope: &Scope) -> u64 {
        self.in_flight
            .iter()
            .filter(|(operation, _)| scope.applies_to(operation))
            .map(|(_, count)| count)
            .sum()
    }

    /// Takes in what is told of a scope.
    fn record(&mut self, scope: Scope, told: Window, now: Instant) {
        match self.windows.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, known)) => known.merge(&told, now),
            None if scope == Scope::Global => self.windows.insert(0, (scope, told)),
            None => self.windows.push((scope, told)),
        }
    }

    /// Forgets those of the scopes `asked` for that have not been told again after their reset, and operations long after.
    fn evict(&mut self, asked: &[Scope], now: Instant) {
        self.windows.retain(|(scope, known)| {
            let is_told_no_more = known.resets_at <= now && asked.contains(scope);
            let is_old = *scope != Scope::Global && known.resets_at + WINDOW_TTL <= now;
            !is_told_no_more && !is_old
        });
    }
}

impl Permit<'_> {
    /// Takes in what the answer to the request tells.
    ///
    /// A limit that a success tells no more holds no more; a refusal may come from something before the service.
    pub(crate) fn complete(mut self, told: &RateLimitHeaders, status: u16) {
        let (now, is_success) = (Instant::now(), status == 200);
        // An answer without limits says nothing of what was counted.
        self.maybe_counted = told.windows.is_empty();
        let mut state = self.pace.lock();
        for (place, set) in told.windows.iter().enumerate() {
            let Some(set) = set else { continue };
            let scope = match place {
                0 => Scope::Global,
                _ => Scope::Operation(self.operation.to_owned(), place),
            };
            state.record(scope, Window::new(set, now), now);
        }
        if let Some(wait) = told.retry_after.filter(|_| matches!(status, 429 | 503)) {
            state.record(
                Scope::RetryAfter(self.operation.to_owned()),
                Window::from_retry_after(wait, now),
                now,
            );
        }
        state.evict(if is_success { &self.probing } else { &[] }, now);
    }

    /// Gives the leave back unused: no connection came about.
    pub(crate) fn cancel(mut self) {
        self.maybe_counted = false;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        let Phase {
            windows: known,
            in_flight: under_way,
        } = &mut *state;
        if let Some(at) = under_way
            .iter()
            .position(|(name, _)| name == self.operation)
        {
            under_way[at].1 -= 1;
            if under_way[at].1 == 0 {
                under_way.swap_remove(at);
            }
        }
        for (scope, known) in known
            .iter_mut()
            .filter(|(scope, _)| scope.applies_to(self.operation))
        {
            known.remaining = known
                .remaining
                .saturating_sub(u64::from(self.maybe_counted));
            if self.probing.contains(scope) {
                known.probe_started = None;
            }
        }
        drop(state);
        self.pace.released.notify_all();
    }
}

impl Scope {
    fn applies_to(&self, operation: &str) -> bool {
        match self {
            Self::Global => true,
            Self::Operation(own, _) | Self::RetryAfter(own) => own == operation,
        }
    }
}

impl Window {
    fn new(set: &RateLimit, now: Instant) -> Self {
        let (limit, resets_at) = (Some(set.limit), now + set.reset);
        Self {
            limit,
            remaining: set.remaining,
            resets_at,
            probe_started: None,
        }
    }

    fn from_retry_after(wait: Duration, now: Instant) -> Self {
        Self {
            limit: None,
            remaining: 0,
            resets_at: now + wait.min(MAX_DELAY),
            probe_started: None,
        }
    }

    fn hold(&self, under_way: u64, now: Instant) -> Option<Delay> {
        if now < self.resets_at {
            let why = self
                .limit
                .map_or(DelayReason::RetryAfter, DelayReason::Exhausted);
            return (self.remaining <= under_way).then_some(Delay {
                until: self.resets_at,
                why,
            });
        }
        // After a reset one request goes first, and the others wait for what its answer tells: else all who waited would
        // go at once.
        let until = self.probe_started? + PROBE_TIMEOUT;
        (now < until).then_some(Delay {
            until,
            why: DelayReason::ProbePending,
        })
    }

    fn merge(&mut self, told: &Self, now: Instant) {
        let same_window = now < self.resets_at && told.resets_at < self.resets_at + RESET_TOLERANCE;
        if told.limit.is_none() {
            // Of several waits asked for the longest holds.
            self.resets_at = self.resets_at.max(told.resets_at);
        } else if same_window {
            // Resets are rounded up, so the earliest told is the closest; and answers may come in another order than they were
            // given.
            self.limit = told.limit;
            self.remaining = self.remaining.min(told.remaining);
            self.resets_at = self.resets_at.min(told.resets_at);
        } else {
            *self = Self {
                probe_started: self.probe_started,
                ..told.clone()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&str, &str)]) -> RateLimitHeaders {
        RateLimitHeaders::parse(headers.iter().copied())
    }

    fn set(limit: u64, remaining: u64, reset: u64) -> Option<RateLimit> {
        Some(RateLimit {
            limit,
            remaining,
            reset: Duration::from_secs(reset),
        })
    }

    #[test]
    fn both_sets_are_read_in_every_form() {
        for headers in [
            &[
                ("rateLimit-limit", "300"),
                ("rateLimit-remaining", "0"),
                ("rateLimit-reset", "41"),
                ("rateLimit-limit", "160"),
                ("rateLimit-remaining", "154"),
                ("rateLimit-reset", "2741"),
            ][..],
            &[
                ("RATELIMIT-LIMIT", "300, 160"),
                ("ratelimit-remaining", "0,154"),
                ("RateLimit-Reset", " 41 , 2741 "),
            ],
        ] {
            let told = told(headers);
            assert_eq!(told.windows, [set(300, 0, 41), set(160, 154, 2741)]);
            assert_eq!(told.retry_delay(), Some(Duration::from_secs(41)));
        }
    }

    #[test]
    fn the_forms_of_the_ietf_are_read() {
        let (burst, hour) = (set(300, 0, 41), set(160, 154, 2741));
        for (headers, sets) in [
            // A set with its window, of which each has a remaining count.
            (
                &[
                    ("ratelimit-limit", "300, 160;w=3600"),
                    ("ratelimit-remaining", "0, 154"),
                    ("ratelimit-reset", "41, 2741"),
                ][..],
                &[burst, hour][..],
            ),
            (
                &[
                    (
                        "ratelimit-limit",
                        "300;w=60, 160;w=3600;comment=\"a, b; c\"",
                    ),
                    ("ratelimit-remaining", "0, 154"),
                    ("ratelimit-reset", "41, 2741"),
                ],
                &[burst, hour],
            ),
            // Policies behind the limit that holds.
            (
                &[
                    ("ratelimit-limit", "300, 300;w=60, 9000;w=3600"),
                    ("ratelimit-remaining", "0"),
                    ("ratelimit-reset", "41"),
                ],
                &[burst],
            ),
            (
                &[
                    ("ratelimit-limit", "300, 300;w=60"),
                    ("ratelimit-remaining", "0"),
                    ("ratelimit-reset", "41"),
                    ("ratelimit-limit", "160, 160;w=3600"),
                    ("ratelimit-remaining", "154"),
                    ("ratelimit-reset", "2741"),
                ],
                &[burst, hour],
            ),
            (
                &[("RateLimit", "limit=300, remaining=0, reset=41")],
                &[burst],
            ),
            (
                &[
                    (
                        "RateLimit-Policy",
                        "\"burst\";q=300;w=60, \"hour, all\";q=160;w=3600",
                    ),
                    (
                        "RateLimit",
                        "\"burst\";r=0;t=41, \"hour, all\"; r=154; t=2741",
                    ),
                ],
                &[burst, hour],
            ),
            // A policy that is missing, or a time that is.
            (&[("RateLimit", "\"burst\";r=0;t=41")], &[None]),
            (
                &[
                    ("RateLimit-Policy", "\"a\";q=300"),
                    ("RateLimit", "\"a\";r=0"),
                ],
                &[None],
            ),
            (&[("RateLimit", "")], &[None]),
        ] {
            assert_eq!(told(headers).windows, sets, "{headers:?}");
        }
    }

    #[test]
    fn nonsense_is_no_limit_and_keeps_its_place() {
        let garbled = [
            ("ratelimit-limit", "many, 160, 9"),
            ("ratelimit-remaining", "0, 0"),
            ("ratelimit-reset", "41, 7, 1"),
            ("retry-after", "soon"),
            ("retry-after", "-1"),
        ];
        assert_eq!(told(&garbled).windows, [None, set(160, 0, 7)]);
        assert_eq!(told(&garbled).retry_delay(), Some(Duration::from_secs(7)));
        // Seconds of an epoch or of a day are no reset, however they are written.
        for (reset, expected) in [
            ("1767873600", None),
            ("86400", None),
            ("3601", None),
            ("3600", set(9, 0, 3600)),
        ] {
            let combined = format!("limit=9, remaining=0, reset={reset}");
            for headers in [
                &[
                    ("ratelimit-limit", "9"),
                    ("ratelimit-remaining", "0"),
                    ("ratelimit-reset", reset),
                ][..],
                &[("ratelimit", &combined)],
            ] {
                assert_eq!(
                    told(headers),
                    RateLimitHeaders {
                        windows: vec![expected],
                        retry_after: None
                    },
                    "{reset}"
                );
            }
        }
        assert_eq!(
            told(&[
                ("retry-after", "99999999999999999999"),
                ("retry-after", "1767873600")
            ])
            .retry_delay(),
            None
        );
        assert_eq!(told(&[]).retry_delay(), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(
            told(&[("Retry-After", "7"), ("retry-after", "3")]).retry_delay(),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT")
                .unwrap()
                .to_string(),
            "1994-11-06T08:49:37Z"
        );
        for wrong in [
            "06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Non 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
        ] {
            assert_eq!(http_date(wrong), None, "{wrong}");
        }
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"),
            None,
            "a date gone by asks for nothing"
        );
        assert_eq!(
            parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT"),
            None,
            "nor does one that nobody waits for"
        );
    }

    #[test]
    fn a_request_that_stalls_after_a_reset_does_not_hold_back_for_long() {
        let pace = RateLimiter::default();
        answer(&pace, "query", &[set(2, 0, 0)]);
        let started = Instant::now();
        let stalled = pace.acquire("query", SECOND).unwrap();
        assert!(pace.acquire("query", 60 * SECOND).is_ok());
        assert!((PROBE_TIMEOUT..60 * SECOND).contains(&started.elapsed()));
        drop(stalled);
    }

    #[test]
    fn nobody_goes_once_there_is_no_time_left_for_an_answer() {
        let pace = RateLimiter::default();
        answer(&pace, "query", &[set(2, 0, 0)]);
        let stalled = pace.acquire("query", SECOND).unwrap();
        let started = Instant::now();
        let refused = pace
            .acquire("query", Duration::from_millis(50))
            .unwrap_err();
        assert_eq!(refused.why, DelayReason::ProbePending);
        assert!(started.elapsed() >= Duration::from_millis(50));
        drop(stalled);
        assert!(pace.acquire("query", SECOND).is_ok());
    }

    #[test]
    fn a_request_that_was_not_sent_is_not_counted() {
        let pace = RateLimiter::default();
        answer(&pace, "query", &[set(3, 1, 60)]);
        pace.acquire("query", SECOND).unwrap().cancel();
        assert!(pace.acquire("query", SECOND).is_ok());
        assert!(pace.acquire("query", SECOND).is_err());
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn answer(pace: &RateLimiter, operation: &str, sets: &[Option<RateLimit>]) {
        let leave = pace.acquire(operation, SECOND).unwrap();
        leave.complete(
            &RateLimitHeaders {
                windows: sets.to_vec(),
                retry_after: None,
            },
            200,
        );
    }

    #[test]
    fn a_used_up_scope_holds_back_what_it_binds() {
        let pace = RateLimiter::default();
        answer(&pace, "query", &[set(300, 299, 60), set(5, 0, 30)]);
        let refused = pace.acquire("query", SECOND).unwrap_err();
        assert_eq!(refused.why, DelayReason::Exhausted(5));
        assert!(refused.wait > Duration::from_secs(29));
        assert!(pace.acquire("attributes", SECOND).is_ok());
        answer(&pace, "attributes", &[set(300, 0, 60)]);
        assert_eq!(
            pace.acquire("attributes", SECOND).unwrap_err().why,
            DelayReason::Exhausted(300)
        );
        let limits: Vec<_> = pace
            .limits()
            .iter()
            .map(|limit| (limit.limit(), limit.remaining()))
            .collect();
        assert_eq!(limits, [(300, 0), (5, 0)]);
    }

    #[test]
    fn a_wait_that_is_asked_for_holds_back_the_operation_and_not_for_days() {
        let waiting = |status, seconds| {
            let pace = RateLimiter::default();
            let told = RateLimitHeaders {
                windows: Vec::new(),
                retry_after: Some(Duration::from_secs(seconds)),
            };
            pace.acquire("query", SECOND)
                .unwrap()
                .complete(&told, status);
            assert!(pace.acquire("export", SECOND).is_ok() && pace.limits().is_empty());
            pace.acquire("query", SECOND).err()
        };
        for (status, seconds, at_least) in [(429, 30, 29), (503, 30, 29), (503, 9999, 59)] {
            let refused = waiting(status, seconds).unwrap();
            assert_eq!(refused.why, DelayReason::RetryAfter);
            let range = Duration::from_secs(at_least)..=Duration::from_secs(60);
            assert!(range.contains(&refused.wait), "{:?}", refused.wait);
        }
        assert_eq!(waiting(500, 30), None);
        assert_eq!(waiting(503, 0), None);
    }

    #[test]
    fn the_longest_wait_asked_for_holds_until_a_success() {
        let pace = RateLimiter::default();
        let asking = |seconds| RateLimitHeaders {
            windows: Vec::new(),
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let (one, two) = (
            pace.acquire("query", SECOND).unwrap(),
            pace.acquire("query", SECOND).unwrap(),
        );
        one.complete(&asking(30), 429);
        two.complete(&asking(5), 429);
        assert!(pace.acquire("query", SECOND).unwrap_err().wait > Duration::from_secs(29));
        let pace = RateLimiter::default();
        pace.acquire("query", SECOND)
            .unwrap()
            .complete(&asking(0), 429);
        assert_eq!(pace.lock().windows.len(), 1);
        pace.acquire("query", SECOND)
            .unwrap()
            .complete(&RateLimitHeaders::default(), 200);
        assert!(pace.lock().windows.is_empty());
    }

    #[test]
    fn requests_under_way_count_before_they_are_answered() {
        let pace = RateLimiter::default();
        answer(&pace, "query", &[set(3, 2, 60)]);
        let (one, two) = (
            pace.acquire("query", SECOND).unwrap(),
            pace.acquire("query", SECOND).unwrap(),
        );
        assert!(pace.acquire("query", SECOND).is_err());
        one.complete(
            &RateLimitHeaders {
                windows: vec![set(3, 1, 60)],
                retry_after: None,
            },
            200,
        );
        assert!(
            pace.acquire("query", SECOND).is_err(),
            "the other one is still under way"
        );
        drop(two);
    }

    #[test]
    fn requests_that_went_out_before_anything_was_known_count_too() {
        let pace = RateLimiter::default();
        let leaves: Vec<_> = (0..3)
            .map(|_| pace.acquire("query", SECOND).unwrap())
            .collect();
        let export = pace.acquire("export", SECOND).unwrap();
        let mut leaves = leaves.into_iter();
        let mut answered = |remaining| {
            let told = RateLimitHeaders {
                windows: vec![set(5, remaining, 60), set(9, 2, 60)],
                retry_after: None,
            };
            leaves.next().unwrap().complete(&told, 200);
        };
        // Four are left, and three are under way: one more may go.
        answered(4);
        let fifth = pace.acquire("export", SECOND).unwrap();
        assert_eq!(
            pace.acquire("export", SECOND).unwrap_err().why,
            DelayReason::Exhausted(5)
        );
        // The second set is told of queries alone, of which two are under way.
        assert_eq!(
            pace.acquire("query", SECOND).unwrap_err().why,
            DelayReason::Exhausted(9)
        );
        assert_eq!(pace.limits()[1].remaining(), 0);
        answered(3);
        answered(2);
        assert!(
            pace.acquire("export", SECOND).is_err(),
            "both that are left are under way"
        );
        // One of them never went out, and the other may have been counted.
        fifth.cancel();
        let sixth = pace.acquire("export", SECOND).unwrap();
        drop((export, sixth));
        assert_eq!(pace.limits()[0].remaining(), 0);
    }

    #[test]
    fn after_a_reset_one_goes_first() {
        let pace = RateLimiter::default();
        answer(&pace, "query", &[set(2, 1, 0)]);
        let first = pace.acquire("query", SECOND).unwrap();
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| pace.acquire("query", Duration::from_secs(9)).is_ok()))
                .collect();
            std::thread::sleep(Duration::from_millis(30));
            assert!(
                others.iter().all(|other| !other.is_finished()),
                "they wait for the answer"
            );
            first.complete(
                &RateLimitHeaders {
                    windows: vec![set(2, 2, 60)],
                    retry_after: None,
                },
                200,
            );
            assert!(others.into_iter().all(|other| other.join().unwrap()));
        });
        assert!(pace.acquire("query", SECOND).is_err());
    }

    #[test]
    fn operations_that_are_not_asked_for_any_more_are_forgotten() {
        let pace = RateLimiter::default();
        for operation in ["export a", "export b"] {
            answer(&pace, operation, &[set(300, 299, 60), set(5, 4, 30)]);
        }
        let mut state = pace.lock();
        assert_eq!(state.windows.len(), 3);
        state.evict(&[], Instant::now() + WINDOW_TTL);
        assert_eq!(state.windows.len(), 3, "the resets are not so long gone");
        state.evict(&[], Instant::now() + WINDOW_TTL + SECOND * 60);
        assert!(
            matches!(&state.windows[..], [(Scope::Global, _)]),
            "{:?}",
            state.windows
        );
    }

    #[test]
    fn a_limit_that_is_told_no_more_holds_no_more() {
        let pace = RateLimiter::default();
        answer(&pace, "query", &[set(2, 0, 0)]);
        answer(&pace, "query", &[]);
        assert!(pace.limits().is_empty());
        answer(&pace, "query", &[set(2, 0, 0)]);
        // A refusal without limits, as of a gateway, says nothing of them.
        pace.acquire("query", SECOND)
            .unwrap()
            .complete(&RateLimitHeaders::default(), 503);
        assert_eq!(pace.limits().len(), 1);
        drop(pace.acquire("query", SECOND).unwrap());
        assert!(
            pace.acquire("query", SECOND).unwrap().probing.len() == 1,
            "one that gave no answer is followed by another"
        );
    }

    #[test]
    fn the_earliest_reset_told_in_a_window_is_the_closest() {
        let now = Instant::now();
        let known =
            |limit, remaining, reset| Window::new(&set(limit, remaining, reset).unwrap(), now);
        let mut first = known(9, 5, 60);
        first.merge(&known(9, 7, 61), now);
        assert_eq!(
            (first.remaining, first.resets_at),
            (5, now + Duration::from_secs(60))
        );
        first.merge(&known(9, 4, 59), now);
        assert_eq!(
            (first.remaining, first.resets_at),
            (4, now + Duration::from_secs(59))
        );
        first.merge(&known(9, 8, 120), now);
        assert_eq!(
            (first.remaining, first.resets_at),
            (8, now + Duration::from_secs(120))
        );
    }
}
