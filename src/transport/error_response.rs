//! Turns error responses into [`Error`].

use ureq::http::StatusCode;

use crate::decode::error_body::{ErrorBody, Summary, decode_error_body};
use crate::error::{ApiError, Error, ErrorKind};
use crate::request::operation::Operation;
use crate::transport::config::TransportConfig;
use crate::transport::hints::status_hint;
use crate::transport::redact::Redactor;
use crate::transport::retry::FailureClass;

/// Returns the error for an error response with this status and body.
///
/// `redirect_note` follows the status in the message, if the response is a redirect.
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
        .map(|entry| redact_entry(entry, redactor))
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
pub(crate) fn class_of_status(status: StatusCode) -> FailureClass {
    if matches!(status.as_u16(), 408 | 429) || status.is_server_error() {
        FailureClass::Transient
    } else {
        FailureClass::Permanent
    }
}

/// Returns a status with its name, such as `503 Service Unavailable`.
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
