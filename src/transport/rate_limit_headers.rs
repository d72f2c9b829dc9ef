//! Parses the rate limits and the wait that the headers of a response announce.
//!
//! `Transport::send_once` parses every response, and passes the result to the
//! [`RateLimiter`](super::rate_limit::RateLimiter) and to the decision about a retry. Parsing has
//! two steps: the items of all headers are collected by name, and then matched by position.
//!
//! The service sends a limit on all calls first, and one for the operation after it:
//!
//! ```text
//! ratelimit-limit: 300, 60         Quota { limit: 300, remaining: 299, reset: 30 s }
//! ratelimit-remaining: 299, 12     Quota { limit: 60, remaining: 12, reset: 7 s }
//! ratelimit-reset: 30, 7
//! ```
//!
//! Nothing here is an error. A header that cannot be parsed counts as missing, because a request
//! must not fail for it.
//!
//! The `Date` of a response is parsed here as well, since `Retry-After` may be a date.

use std::time::{Duration, SystemTime};

use crate::time::timestamp::Timestamp;

/// The rate limits in the headers of one response.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RateLimitHeaders {
    /// The quotas in the order of the headers. An invalid one is `None`, and keeps its position,
    /// because the position decides what a quota applies to.
    pub(crate) quotas: Vec<Option<Quota>>,
    /// The longest valid `Retry-After`. `None` if there is none.
    pub(crate) retry_after: Option<Duration>,
}

/// The number of requests that the service accepts in a time window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// The number of requests in a window.
    pub(crate) limit: u64,
    /// The number of requests that are left until the window ends.
    pub(crate) remaining: u64,
    /// The time until the window ends.
    pub(crate) reset: Duration,
}

/// The longest plausible reset. More is a mistake, such as a Unix time or a time of day in seconds.
const MAX_RESET_SECS: u64 = 3600;

/// The longest plausible `Retry-After`. A Unix time in seconds is more.
const MAX_RETRY_AFTER_SECS: u64 = 366 * 86_400;

impl RateLimitHeaders {
    /// Parses the headers of a response. The case of their names does not matter.
    ///
    /// Several quotas are separate header lines, or joined by commas. The service uses a variant
    /// of its own. A gateway may use the syntax of any IETF draft of the
    /// [RateLimit header fields](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/).
    ///
    /// Headers with other names are skipped.
    pub(crate) fn parse<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut fields = Fields::default();
        let mut retry_after = None;
        for (name, value) in headers {
            let items = match name.to_ascii_lowercase().as_str() {
                "ratelimit-limit" => &mut fields.limits,
                "ratelimit-remaining" => &mut fields.remainings,
                "ratelimit-reset" => &mut fields.resets,
                "ratelimit" => &mut fields.combined,
                "ratelimit-policy" => &mut fields.policies,
                "retry-after" => {
                    // `None` is less than any delay, so the longest valid one is kept.
                    retry_after = retry_after.max(parse_retry_after(value.trim()));
                    continue;
                }
                _ => continue,
            };
            items.extend(split_unquoted(value, ',').into_iter().map(Item::parse));
        }
        Self {
            quotas: fields.into_quotas(),
            retry_after,
        }
    }

    /// Returns the time that the service asks to wait, if any.
    ///
    /// This is the longest of `Retry-After` and the resets of exhausted quotas.
    /// A delay of zero counts as none, so that the backoff applies.
    pub(crate) fn retry_delay(&self) -> Option<Duration> {
        let resets = self
            .quotas
            .iter()
            .flatten()
            .filter(|quota| quota.remaining == 0)
            .map(|quota| quota.reset);
        resets
            .chain(self.retry_after)
            .max()
            .filter(|delay| !delay.is_zero())
    }
}

impl Quota {
    /// Creates a quota. Returns `None` if a value is missing or the reset is implausible.
    fn new(limit: Option<u64>, remaining: Option<u64>, reset: Option<u64>) -> Option<Self> {
        let reset = reset.filter(|reset| *reset <= MAX_RESET_SECS)?;
        Some(Self {
            limit: limit?,
            remaining: remaining?,
            reset: Duration::from_secs(reset),
        })
    }
}

/// The items of all rate limit headers of a response, by the name of the header.
#[derive(Default)]
struct Fields<'a> {
    /// `RateLimit-Limit`, of the service and drafts 0 to 6. It may contain policies.
    limits: Vec<Item<'a>>,
    /// `RateLimit-Remaining`, of the service and drafts 0 to 6.
    remainings: Vec<Item<'a>>,
    /// `RateLimit-Reset`, in seconds.
    resets: Vec<Item<'a>>,
    /// `RateLimit`, the single header since draft 7.
    combined: Vec<Item<'a>>,
    /// `RateLimit-Policy`, which has the limits since draft 8.
    policies: Vec<Item<'a>>,
}

impl Fields<'_> {
    /// Matches the headers by position. Without separate headers the combined one counts.
    ///
    /// If the headers differ in length, the shortest one decides.
    fn into_quotas(mut self) -> Vec<Option<Quota>> {
        if self.remainings.is_empty() {
            return self.combined_quotas();
        }
        self.remove_policies();
        let mut quotas = Vec::new();
        for ((limit, remaining), reset) in
            self.limits.iter().zip(&self.remainings).zip(&self.resets)
        {
            quotas.push(Quota::new(
                limit.integer(),
                remaining.integer(),
                reset.integer(),
            ));
        }
        quotas
    }

    /// Removes the policies from the limits.
    ///
    /// Drafts 0 to 6 list quota policies after the limit: `100, 100;w=60, 1000;w=3600`. Those are
    /// no limits, unless each of them has a remaining count of its own.
    fn remove_policies(&mut self) {
        let policies = self.limits.iter().filter(|item| item.is_policy()).count();
        if policies > 0 && self.limits.len() - policies == self.remainings.len() {
            self.limits.retain(|item| !item.is_policy());
        }
    }

    /// Parses the single header of the later drafts.
    ///
    /// A response without any rate limit header has no items, and the result is empty.
    fn combined_quotas(&self) -> Vec<Option<Quota>> {
        // Draft 7: `limit=100, remaining=50, reset=30`.
        if let Some(remaining) = self.combined_member("remaining") {
            let limit = self.combined_member("limit");
            let reset = self.combined_member("reset");
            return vec![Quota::new(limit, Some(remaining), reset)];
        }
        // Since draft 8: `"burst";r=50;t=30`, with the limit in a policy, `"burst";q=100;w=60`.
        let mut quotas = Vec::new();
        for item in &self.combined {
            let policy = self
                .policies
                .iter()
                .find(|policy| policy.value == item.value);
            let limit = policy.and_then(|policy| policy.parameter("q"));
            quotas.push(Quota::new(limit, item.parameter("r"), item.parameter("t")));
        }
        quotas
    }

    /// Returns the value of a member of the combined header of draft 7.
    /// Returns `None` if it is missing or not a number.
    fn combined_member(&self, name: &str) -> Option<u64> {
        let mut members = self
            .combined
            .iter()
            .filter_map(|item| item.value.split_once('='));
        let (_, value) = members.find(|(key, _)| key.trim() == name)?;
        value.trim().parse().ok()
    }
}

/// An item of a header: `300`, `300;w=60`, `limit=300` or `"burst";r=50;t=30`.
struct Item<'a> {
    /// The text before the first semicolon.
    value: &'a str,
    /// The names and values after it. A parameter without `=` is left out.
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Item<'a> {
    /// Splits an item at its semicolons. Quotes may contain semicolons.
    fn parse(text: &'a str) -> Self {
        let mut parts = split_unquoted(text, ';').into_iter().map(str::trim);
        let value = parts.next().unwrap_or_default();
        let parameters = parts.filter_map(|part| part.split_once('=')).collect();
        Self { value, parameters }
    }

    /// Returns the value as a number, or `None` if it is another kind of text.
    fn integer(&self) -> Option<u64> {
        self.value.parse().ok()
    }

    /// Returns true if this has a time window, as quota policies do.
    fn is_policy(&self) -> bool {
        self.parameter("w").is_some()
    }

    /// Returns the number in a parameter, or `None` if it is missing or not a number.
    fn parameter(&self, name: &str) -> Option<u64> {
        let (_, value) = self.parameters.iter().find(|(key, _)| key.trim() == name)?;
        value.trim().parse().ok()
    }
}

/// Parses an HTTP date in its preferred form, `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// This is the IMF-fixdate of
/// [RFC 9110, section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7).
///
/// Returns `None` for the two obsolete forms, and for a date that does not exist. The name of the
/// weekday is not checked.
pub(crate) fn parse_http_date(value: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = value.split_once(", ")?;
    let parts: Vec<_> = date.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts[..] else {
        return None;
    };
    // `Timestamp` also accepts times of other lengths.
    if time.len() != "08:49:37".len() {
        return None;
    }
    let month = 1 + MONTHS.iter().position(|name| *name == month)?;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

/// Parses a `Retry-After`, which is a number of seconds or a date.
///
/// Returns `None` for anything else, a date in the past and an implausibly long wait.
/// See [RFC 9110, section 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
fn parse_retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds)).filter(|_| seconds <= MAX_RETRY_AFTER_SECS);
    }
    let until = SystemTime::from(parse_http_date(value)?);
    until
        .duration_since(SystemTime::now())
        .ok()
        .filter(|delay| delay.as_secs() <= MAX_RETRY_AFTER_SECS)
}

/// Splits text at each separator that is not in quotes.
///
/// With a comma, `"a,b";r=1, "c"` becomes `"a,b";r=1` and ` "c"`.
fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(|c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(headers: &[(&str, &str)]) -> RateLimitHeaders {
        RateLimitHeaders::parse(headers.iter().copied())
    }

    fn quota(limit: u64, remaining: u64, reset: u64) -> Option<Quota> {
        Quota::new(Some(limit), Some(remaining), Some(reset))
    }

    #[test]
    fn both_quotas_are_parsed_in_every_form() {
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
            let parsed = parse(headers);
            assert_eq!(parsed.quotas, [quota(300, 0, 41), quota(160, 154, 2741)]);
            assert_eq!(parsed.retry_delay(), Some(Duration::from_secs(41)));
        }
    }

    #[test]
    fn the_forms_of_the_ietf_drafts_are_parsed() {
        let (burst, hour) = (quota(300, 0, 41), quota(160, 154, 2741));
        for (headers, quotas) in [
            // Limits with a window, each with a remaining count.
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
            // Policies after the limit.
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
            // A missing policy, or a missing reset.
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
            assert_eq!(parse(headers).quotas, quotas, "{headers:?}");
        }
    }

    #[test]
    fn an_invalid_quota_keeps_its_position() {
        let garbled = [
            ("ratelimit-limit", "many, 160, 9"),
            ("ratelimit-remaining", "0, 0"),
            ("ratelimit-reset", "41, 7, 1"),
            ("retry-after", "soon"),
            ("retry-after", "-1"),
        ];
        assert_eq!(parse(&garbled).quotas, [None, quota(160, 0, 7)]);
        assert_eq!(parse(&garbled).retry_delay(), Some(Duration::from_secs(7)));
        // A Unix time or a time of day in seconds is no reset, in any form.
        for (reset, expected) in [
            ("1767873600", None),
            ("86400", None),
            ("3601", None),
            ("3600", quota(9, 0, 3600)),
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
                    parse(headers),
                    RateLimitHeaders {
                        quotas: vec![expected],
                        retry_after: None
                    },
                    "{reset}"
                );
            }
        }
        assert_eq!(
            parse(&[
                ("retry-after", "99999999999999999999"),
                ("retry-after", "1767873600")
            ])
            .retry_delay(),
            None
        );
        assert_eq!(parse(&[]).retry_delay(), None);
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        assert_eq!(
            parse(&[("Retry-After", "7"), ("retry-after", "3")]).retry_delay(),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")
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
            assert_eq!(parse_http_date(wrong), None, "{wrong}");
        }
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"),
            None,
            "a date in the past"
        );
        assert_eq!(
            parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT"),
            None,
            "a date in the far future"
        );
    }
}
