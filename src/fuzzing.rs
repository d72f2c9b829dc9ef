//! Private functions for the fuzz targets in `tests/fuzz`. Only cargo-fuzz sets `cfg(fuzzing)`.

#![allow(missing_docs)]

use std::time::Duration;

use ureq::http::StatusCode;

use crate::client::Client;
use crate::error::Error;
use crate::request::operation::Operation;
use crate::transport::error_response;
use crate::transport::pem::parse_certificates;
use crate::transport::rate_limit_headers::RateLimitHeaders;
use crate::transport::url::BaseUrl;

/// Returns the error of a query whose response has this status and body.
pub fn error_response(client: &Client, status: u16, body: &[u8], is_truncated: bool) -> Error {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let config = client.transport().config();
    error_response::error_response(status, "", body, is_truncated, Operation::Query, config)
}

/// Returns the target of a redirect, if it is followed.
pub fn redirect_target(base: &str, from: &str, location: &str) -> Option<String> {
    BaseUrl::parse(base).ok()?.resolve(from, location).ok()
}

/// Parses the rate limits of a response, and returns them as text, with the delay that they imply.
pub fn rate_limits(headers: &[(&str, &str)]) -> (String, Option<Duration>) {
    let limits = RateLimitHeaders::parse(headers.iter().copied());
    (format!("{limits:?}"), limits.retry_delay())
}

/// Counts the certificates of a PEM text.
pub fn count_certificates(pem: &[u8]) -> Result<usize, Error> {
    parse_certificates(pem).map(|certificates| certificates.len())
}
