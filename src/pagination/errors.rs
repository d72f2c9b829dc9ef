//! Errors of responses with status 200 that cannot be used.
//!
//! The transport reports all other statuses. Here the request succeeded, but the body is not JSON
//! of the expected form, or it belongs to another request.
//!
//! A frequent cause is a proxy or a login page that responds in place of the service. Such a body
//! is recognized by its markup, and the error has a hint.

use crate::decode::error::DecodeError;
use crate::decode::error_body::sniff_markup;
use crate::error::{Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::transport::Transport;

/// Returns the error of a response that was not decoded.
///
/// An interrupted decoder means that the deadline has passed, so that is the error then.
pub(crate) fn decode_error(
    transport: &Transport,
    deadline: &Deadline,
    body: &[u8],
    error: DecodeError,
) -> Error {
    match error {
        DecodeError::Interrupted => deadline.error(),
        DecodeError::Invalid(reason) => invalid_response(transport, body, &reason),
    }
}

/// Returns the error of a response that cannot be decoded; `reason` may quote the response.
///
/// Secrets are redacted in both the reason and the body, which is attached in a shortened form.
pub(crate) fn invalid_response(transport: &Transport, body: &[u8], reason: &str) -> Error {
    let redactor = transport.redactor();
    let error = Error::new(ErrorKind::Decode, redactor.redact_line(reason))
        .with_status(200)
        .with_body(redactor.redact_body(body, false));
    match sniff_markup(body) {
        // The service sends JSON or an exposition, not markup.
        Some(_) => error.with_hint(
            "check that nothing responds in place of the service: the base URL \
             (ClientBuilder::base_url), the proxy (ClientBuilder::proxy, HTTPS_PROXY), \
             a login page of the network",
        ),
        None => error,
    }
}

/// Returns the error of a well-formed response that does not belong to its request.
///
/// `reason` is a text of this crate without secrets. The error has no body, since the body is
/// valid by itself.
pub(crate) fn mismatch_error(reason: &str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("response does not match the request: {reason}"),
    )
    .with_status(200)
}
