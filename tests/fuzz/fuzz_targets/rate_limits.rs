//! Rate limit headers, `Retry-After` and `Date`: nothing panics, waits are bounded, letter case does not
//! matter, and a simple parser reads plain values the same way.
#![no_main]

use std::time::{Duration, SystemTime};

use confluent_metrics::fuzzing::{http_date, rate_limits};
use libfuzzer_sys::fuzz_target;

const YEAR: u64 = 366 * 86_400;

fuzz_target!(|text: &str| {
    let headers: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .collect();
    let before = SystemTime::now();
    let (limits, wait) = rate_limits(&headers);
    let after = SystemTime::now();
    if let Some(wait) = wait {
        assert!(
            !wait.is_zero() && wait <= Duration::from_secs(YEAR),
            "{wait:?}"
        );
    }

    let has_dates = headers.iter().any(|(_, value)| value.contains("GMT"));
    if !has_dates {
        let upper: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_ascii_uppercase(), *value))
            .collect();
        let upper: Vec<_> = upper
            .iter()
            .map(|(name, value)| (&**name, *value))
            .collect();
        assert_eq!(rate_limits(&upper), (limits, wait));
    }

    for (_, value) in headers {
        let value = value.trim();
        let (_, wait) = rate_limits(&[("Retry-After", value)]);
        let wait = wait.unwrap_or_default();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = value.parse().ok().filter(|seconds| *seconds <= YEAR);
            assert_eq!(wait, Duration::from_secs(seconds.unwrap_or(0)), "{value}");
        }
        // The two obsolete date formats of HTTP are not supported.
        if let Some(date) = imf_fixdate(value) {
            assert_eq!(
                http_date(value).map(SystemTime::from),
                Some(date),
                "{value}"
            );
            let bounds = [after, before].map(|now| date.duration_since(now).unwrap_or_default());
            let is_far = bounds[1].as_secs() > YEAR;
            assert!(
                is_far || (bounds[0]..=bounds[1] + Duration::from_secs(1)).contains(&wait),
                "{value}"
            );
        }
    }
});

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`.
fn imf_fixdate(text: &str) -> Option<SystemTime> {
    let date = httpdate::parse_http_date(text).ok()?;
    (httpdate::fmt_http_date(date) == text).then_some(date)
}
