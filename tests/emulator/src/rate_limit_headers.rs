//! Rate limits in the headers of a response.

use crate::rate_limiter::{Decision, Outcome, Quota};
use crate::response::Response;

/// The form of the rate-limit headers.
///
/// There are two sets: that of all requests, and that of the operation.
///
/// ```
/// use confluent_metrics_emulator::{Emulator, RateHeaders};
///
/// // A client that learns the limit from headers alone cannot know it.
/// let emulator = Emulator::builder().rate_limit(50).rate_headers(RateHeaders::None).start();
/// # let _ = emulator;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateHeaders {
    /// Sends one line for each set, with the same names.
    #[default]
    Repeated,
    /// Sends one line for both sets, with the values separated by a comma.
    Joined,
    /// Sends no headers. The limits apply nevertheless.
    None,
}

const NAMES: [&str; 3] = ["rateLimit-limit", "rateLimit-remaining", "rateLimit-reset"];

/// Adds both sets, whatever the status, unless the response already has such headers.
pub(crate) fn add(response: &mut Response, outcome: &Outcome, form: RateHeaders) {
    if response.has_header_prefix("ratelimit-") {
        return;
    }
    let [first, second] = outcome.quotas.map(values);
    match form {
        RateHeaders::Repeated => {
            for values in [first, second] {
                for (name, value) in NAMES.iter().zip(values) {
                    response.add_header(name, value);
                }
            }
        }
        RateHeaders::Joined => {
            for ((name, first), second) in NAMES.iter().zip(first).zip(second) {
                response.add_header(name, format!("{first}, {second}"));
            }
        }
        RateHeaders::None => {}
    }
}

/// Adds `Retry-After` to a response with status 429, unless it already has one.
pub(crate) fn add_retry_after(response: &mut Response, outcome: &Outcome) {
    if outcome.decision == Decision::Allowed || response.has_header("retry-after") {
        return;
    }
    let exhausted = outcome.quotas.iter().filter(|quota| quota.remaining == 0);
    let wait = exhausted.map(|quota| quota.reset).max().unwrap_or(0);
    response.add_header("Retry-After", wait.to_string());
}

fn values(quota: Quota) -> [String; 3] {
    [
        quota.limit.to_string(),
        quota.remaining.to_string(),
        quota.reset.to_string(),
    ]
}
