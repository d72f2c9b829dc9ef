//! Turns error responses into [`Error`].
//!
//! [`Transport`](super::Transport) calls [`error_response`] for every status but 200. It works
//! in these steps:
//!
//! 1. Decode the body: the JSON entries of the service, or a summary of anything else.
//! 2. Redact every entry, before any of it enters a message.
//! 3. Build the message from the status and at most three entries.
//! 4. Add the status, the entries, the redacted body and the hint.
//!
//! A body and the message that becomes of it:
//!
//! ```text
//! {"errors": [{"status": "400", "detail": "Unknown metric: received"}]}
//! the service returned 400 Bad Request: "Unknown metric: received"
//! ```
//!
//! A proxy or load balancer may send a page instead, which is described and not quoted.

use ureq::http::StatusCode;

use crate::api_error::ApiError;
use crate::decode::error_body::{ErrorBody, Summary, decode_error_body};
use crate::error::{Error, ErrorKind};
use crate::request::operation::Operation;
use crate::transport::config::TransportConfig;
use crate::transport::hints::status_hint;
use crate::transport::redact::Redactor;
use crate::transport::retry::FailureClass;

/// Returns the error for an error response with this status and body.
///
/// `redirect_note` follows the status in the message, if the response is a redirect.
/// `is_truncated` means that `body` is only the beginning of what the service sent. Its end may
/// then be half a secret, which the redactor takes into account.
pub(crate) fn error_response(
    status: StatusCode,
    redirect_note: &str,
    body: &[u8],
    is_truncated: bool,
    operation: Operation,
    config: &TransportConfig,
) -> Error {
    let redactor = config.credentials.redactor();
    let ErrorBody { entries, summary } = decode_error_body(body, is_truncated);
    let entries: Vec<_> = entries
        .into_iter()
        .map(|entry| redact_entry(entry, &redactor))
        .collect();
    let reason = quote_errors(&entries).or_else(|| match summary? {
        Summary::Text(text) => Some(format!("\"{}\"", redactor.quote(&text, is_truncated))),
        Summary::Markup(page) => {
            let or_more = if is_truncated { " or more" } else { "" };
            Some(format!("{page}, {} bytes{or_more}", body.len()))
        }
    });
    let mut message = format!(
        "the service returned {}{redirect_note}",
        status_line(status)
    );
    // The body of a redirect is a page for people, and says no more than the note.
    if let Some(reason) = reason.filter(|_| !status.is_redirection()) {
        message = format!("{message}: {reason}");
    }
    let error = Error::new(kind_for_status(status), message)
        .with_status(status.as_u16())
        .with_api_errors(entries)
        .with_body(redactor.redact_body(body, is_truncated));
    match status_hint(status.as_u16(), operation, &config.credentials) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Returns the class of an error response with this status.
///
/// Transient are 408 (timeout), 429 (rate limit) and every 5xx. All others depend on the request.
pub(crate) fn class_of_status(status: StatusCode) -> FailureClass {
    if matches!(status.as_u16(), 408 | 429) || status.is_server_error() {
        FailureClass::Transient
    } else {
        FailureClass::Permanent
    }
}

/// Returns a status with its name, such as `503 Service Unavailable`.
///
/// A status that has no registered name is only its number.
pub(crate) fn status_line(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(name) => format!("{} {name}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// The number of entries of an error response that a message quotes.
const MAX_QUOTED_ERRORS: usize = 3;

/// Returns the kind of an error with this status. A 2xx other than 200 is undocumented.
fn kind_for_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        300..=399 => ErrorKind::Redirect,
        400..=499 => ErrorKind::Rejected,
        500..=599 => ErrorKind::Server,
        _ => ErrorKind::Decode,
    }
}

/// Quotes what the service says in the entries of an error response.
///
/// The text of an entry is its detail, or else its code. Returns `None` if no entry has either.
fn quote_errors(entries: &[ApiError]) -> Option<String> {
    let texts: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.detail().or(entry.code()))
        .collect();
    let quoted = texts
        .iter()
        .take(MAX_QUOTED_ERRORS)
        .map(|text| format!("\"{text}\""))
        .collect::<Vec<_>>()
        .join("; ");
    match texts.len() {
        0 => None,
        1..=MAX_QUOTED_ERRORS => Some(quoted),
        count => Some(format!("{quoted} and {} more", count - MAX_QUOTED_ERRORS)),
    }
}

/// Redacts all members of an entry, because the service may echo a secret in any of them.
///
/// Long members are shortened, and each of them becomes a single line.
fn redact_entry(entry: ApiError, redactor: &Redactor) -> ApiError {
    let ApiError {
        id,
        status,
        code,
        detail,
    } = entry;
    let [id, status, code, detail] =
        [id, status, code, detail].map(|member| member.map(|text| redactor.quote(&text, false)));
    ApiError {
        id,
        status,
        code,
        detail,
    }
}
