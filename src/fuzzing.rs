//! Private functions for the fuzz targets in `tests/fuzz`. Only cargo-fuzz sets `cfg(fuzzing)`.

#![allow(missing_docs)]

use std::ffi::OsString;
use std::hash::Hash;
use std::time::Duration;

use ureq::http::StatusCode;

use crate::client::Client;
use crate::decode::error::DecodeError;
use crate::decode::{self, ListPage};
use crate::error::{Error, ErrorKind};
use crate::model::descriptor::{MetricDescriptor, ResourceDescriptor};
use crate::model::labels::Labels;
use crate::pagination::cursor::PageRequest;
use crate::pagination::errors::decode_error;
use crate::pagination::list::ListReader;
use crate::request::discovery::TargetGroup;
use crate::request::operation::Operation;
use crate::time::deadline::Deadline;
use crate::time::timestamp::Timestamp;
use crate::transport::error_response;
use crate::transport::pem::parse_certificates;
use crate::transport::proxy::ProxyChoice;
use crate::transport::rate_limit_headers::{RateLimitHeaders, parse_http_date};
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

/// Reads the pages of a list of attributes.
pub fn attributes(client: &Client, pages: &[&[u8]]) -> Result<Vec<Labels>, Error> {
    read_list(client, pages, Operation::Attributes, decode::attributes)
}

/// Reads the pages of a list of metrics.
pub fn metrics(client: &Client, pages: &[&[u8]]) -> Result<Vec<MetricDescriptor>, Error> {
    let operation = Operation::MetricDescriptors;
    read_list(client, pages, operation, decode::metric_descriptors)
}

/// Reads the pages of a list of resource types.
pub fn resource_types(client: &Client, pages: &[&[u8]]) -> Result<Vec<ResourceDescriptor>, Error> {
    let operation = Operation::ResourceDescriptors;
    read_list(client, pages, operation, decode::resource_descriptors)
}

fn read_list<T: Clone + Eq + Hash>(
    client: &Client,
    pages: &[&[u8]],
    operation: Operation,
    decode_page: fn(&[u8], &Deadline) -> Result<ListPage<T>, DecodeError>,
) -> Result<Vec<T>, Error> {
    let deadline = Deadline::never();
    let request = PageRequest {
        transport: client.transport(),
        operation,
        path: "/v2/list?page_size=1000",
        body: None,
        is_relative: false,
    };
    let mut reader = ListReader::new();
    for body in pages {
        let page = decode_page(body, &deadline)
            .map_err(|error| decode_error(request.transport, &deadline, body, error))?;
        if !reader.add(page, usize::MAX, &request, &deadline)? {
            return Ok(reader.into_items(usize::MAX));
        }
    }
    Err(Error::new(ErrorKind::Connection, "no response"))
}

/// Decodes the response to a discovery request.
pub fn target_groups(client: &Client, body: &[u8]) -> Result<Vec<TargetGroup>, Error> {
    let deadline = Deadline::never();
    decode::target_groups(body, &deadline)
        .map_err(|error| decode_error(client.transport(), &deadline, body, error))
}

/// The host and the port of a proxy, the user name and the password.
pub type Proxy = (String, u16, Option<String>, Option<String>);

/// Returns the proxy of a base URL, or `None` without one, if the environment has these values.
pub fn proxy(base: &str, value: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Proxy>, Error> {
    match ProxyChoice::from_variables(&BaseUrl::parse(base)?, value) {
        ProxyChoice::Direct => Ok(None),
        ProxyChoice::Invalid(invalid) => Err(invalid.to_error()),
        ProxyChoice::Through(proxy) => Ok(Some((
            proxy.host().to_owned(),
            proxy.port(),
            proxy.username().map(str::to_owned),
            proxy.password().map(str::to_owned),
        ))),
    }
}

/// Returns the host of a base URL as `NO_PROXY` lists it.
pub fn base_host(base: &str) -> Result<String, Error> {
    BaseUrl::parse(base).map(|base| base.host().to_owned())
}

/// Returns the URL of a request to a path.
pub fn request_url(base: &str, path: &str) -> Result<String, Error> {
    BaseUrl::parse(base).map(|base| base.join(path))
}

/// Parses the date in a header of a response.
pub fn http_date(value: &str) -> Option<Timestamp> {
    parse_http_date(value)
}
