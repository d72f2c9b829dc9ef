//! Errors of responses with status 200 that cannot be used.

use crate::decode::error::DecodeError;
use crate::decode::error_body::sniff_markup;
use crate::error::{Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::transport::Transport;

/// Returns the error of a response that was not decoded.
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
pub(crate) fn invalid_response(transport: &Transport, body: &[u8], reason: &str) -> Error {
    let redactor = transport.redactor();
    let error = Error::new(ErrorKind::Decode, redactor.redact_line(reason))
        .with_status(200)
        .with_body(redactor.redact_body(body, false));
    match sniff_markup(body) {
        Some(_) => error.with_hint(
            "check that nothing responds in place of the service: the base URL \
             (ClientBuilder::base_url), the proxy (ClientBuilder::proxy, HTTPS_PROXY), \
             a login page of the network",
        ),
        None => error,
    }
}

/// Returns the error of a well-formed response that does not belong to its request.
pub(crate) fn mismatch_error(reason: &str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("response does not match the request: {reason}"),
    )
    .with_status(200)
}
