//! Private functions for the fuzz targets in `tests/fuzz`. cargo-fuzz alone sets `cfg(fuzzing)`.

#![allow(missing_docs)]

use std::time::Duration;

use ureq::http::StatusCode;

use crate::client::Client;
use crate::error::Error;
use crate::transport::pem::parse_certificates;
use crate::transport::rate_limit_headers::RateLimitHeaders;
use crate::transport::url::BaseUrl;

/// Returns the error that a call ends in if its last response has this status and this body.
pub fn error_response(client: &Client, status: u16, body: &[u8], is_truncated: bool) -> Error {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    client
        .transport()
        .error_response(status, "", body, is_truncated)
}

/// Returns the URL that a redirect leads to, if it is followed.
pub fn redirect_target(base: &str, from: &str, location: &str) -> Option<String> {
    BaseUrl::parse(base).ok()?.resolve(from, location).ok()
}

/// Parses the headers of a response: the rate limits as a text to compare, and the wait.
pub fn rate_limits(headers: &[(&str, &str)]) -> (String, Option<Duration>) {
    let limits = RateLimitHeaders::parse(headers.iter().copied());
    (format!("{limits:?}"), limits.retry_delay())
}

/// Returns how many certificates a PEM text has.
pub fn count_certificates(pem: &[u8]) -> Result<usize, Error> {
    parse_certificates(pem).map(|certificates| certificates.len())
}
