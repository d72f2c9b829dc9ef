//! Compares the `Date` of a response with this machine's clock.
//!
//! Relative intervals are resolved by this machine's clock. If it is wrong, a result would miss
//! its latest buckets, or contain buckets that are still filling up, and look complete.

use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, header};

use crate::error::{Error, ErrorKind};
use crate::time::timestamp::Timestamp;
use crate::transport::attempt_error::AttemptError;
use crate::transport::rate_limit_headers::parse_http_date;

/// Returns an error if the `Date` of a response shows that a clock is wrong.
pub(crate) fn check_clock(headers: &HeaderMap, sent_at: Timestamp) -> Result<(), AttemptError> {
    let date = headers
        .get(header::DATE)
        .and_then(|value| parse_http_date(value.to_str().ok()?));
    match date.and_then(|date| clock_skew_error(date, sent_at, Timestamp::now())) {
        Some(error) => Err(AttemptError::permanent(error).with_status(StatusCode::OK)),
        None => Ok(()),
    }
}

/// Returns the error for a response whose `Date` is more than a minute before or after the time
/// that the request took.
///
/// Only requests with a relative interval are checked, because their times depend on this clock.
fn clock_skew_error(date: Timestamp, sent_at: Timestamp, received_at: Timestamp) -> Option<Error> {
    // `Date` is cut to the second.
    let is_early = sent_at.floor_to_ms(1000).duration_since(date) > MAX_CLOCK_SKEW;
    let is_late = date.duration_since(received_at) > MAX_CLOCK_SKEW;
    (is_early || is_late).then(|| {
        let message = format!(
            "clock skew: this machine's clock reads {}, the service's {date}",
            received_at.floor_to_ms(1000)
        );
        Error::new(ErrorKind::ClockSkew, message).with_hint(
            "set this machine's clock; \
                 only intervals with two absolute times do not depend on it",
        )
    })
}

/// The largest clock skew. Clocks that are synchronized differ by far less, and a bucket is a
/// minute or longer.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_skew_is_more_than_a_minute_beyond_the_time_of_the_request() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let sent_at = at("2026-01-08T12:00:00.900Z");
        let received_at = at("2026-01-08T12:00:30.100Z");
        for (date, is_skewed) in [
            ("2026-01-08T11:58:59Z", true),
            ("2026-01-08T11:59:00Z", false),
            ("2026-01-08T12:00:10Z", false),
            ("2026-01-08T12:01:30Z", false),
            ("2026-01-08T12:01:31Z", true),
        ] {
            assert_eq!(
                clock_skew_error(at(date), sent_at, received_at).is_some(),
                is_skewed,
                "{date}"
            );
        }
        let error = clock_skew_error(at("2026-01-08T12:15:00Z"), sent_at, received_at).unwrap();
        assert_eq!(
            error.to_string(),
            "clock skew: this machine's clock reads 2026-01-08T12:00:30Z, the service's 2026-01-08T12:15:00Z"
        );
        assert!(!error.is_transient());
    }
}
