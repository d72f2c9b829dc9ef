//! The target of a redirect, which must be at the origin of the service.

use ureq::http::{HeaderMap, StatusCode, header};

use crate::transport::config::TransportConfig;
use crate::transport::request::Request;
use crate::util::text::sanitize_line;

/// Returns true if a response with this status leads to another URL.
pub(crate) fn is_followed(status: StatusCode, request: &Request<'_>) -> bool {
    match status.as_u16() {
        301 | 302 | 307 | 308 => true,
        // 303 asks for a GET, which a query cannot be.
        303 => request.body.is_none(),
        _ => false,
    }
}

/// Returns what the error of a response adds to its status, if the status is one of a redirect.
pub(crate) fn unfollowed_note(status: StatusCode) -> &'static str {
    if status.is_redirection() {
        ", not followed"
    } else {
        ""
    }
}

/// Returns the target of a redirect, or the reason for which it is not followed.
pub(crate) fn redirect_target(
    from: &str,
    headers: &HeaderMap,
    config: &TransportConfig,
) -> Result<String, String> {
    let location = headers
        .get(header::LOCATION)
        .ok_or(" without a Location header")?;
    let location = String::from_utf8_lossy(location.as_bytes());
    match config.base.resolve(from, &location) {
        Ok(target) => Ok(target),
        Err(Some(origin)) => {
            let origin = config.credentials.redactor().redact(&origin);
            let origin = sanitize_line(&origin, 100);
            Err(format!(
                ": redirect to another origin ({origin}) not followed"
            ))
        }
        Err(None) => Err(": invalid Location header".into()),
    }
}
