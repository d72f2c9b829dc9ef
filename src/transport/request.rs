//! A request of the client, and the HTTP request that it becomes.

use std::time::Duration;

use ureq::Agent;
use ureq::http::{self, HeaderValue, Method, header};

use crate::transport::attempt_clock::MIN_TIMEOUT;
use crate::transport::authorization::Authorization;
use crate::transport::config::TransportConfig;
use crate::transport::event::EventRequest;

/// The media type of every request body, and of every response but those of exports.
pub(crate) const APPLICATION_JSON: &str = "application/json";

/// A request to the service.
pub(crate) struct Request<'a> {
    /// The operation, the window and the number of the request.
    pub(crate) info: EventRequest,
    /// Names the requests that share a rate limit: an operation, or exports of equal resources.
    pub(crate) rate_limit_key: &'a str,
    pub(crate) url: &'a str,
    /// The JSON body of a POST, or `None` for a GET.
    pub(crate) body: Option<&'a str>,
    pub(crate) accept: &'a str,
    /// True if the body depends on this machine's clock. Then the `Date` of the response must
    /// match that clock.
    pub(crate) is_relative: bool,
}

impl Request<'_> {
    /// Creates the HTTP request without its body. ureq adds headers such as `Accept-Encoding`.
    pub(crate) fn to_http(
        &self,
        authorization: &Authorization,
    ) -> Result<http::Request<()>, http::Error> {
        let mut http = http::Request::new(());
        *http.uri_mut() = self.url.parse()?;
        let mut authorization = HeaderValue::from_str(authorization.header())?;
        // Keeps the value out of the `Debug` text of the request.
        authorization.set_sensitive(true);
        let headers = http.headers_mut();
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert(header::ACCEPT, HeaderValue::from_str(self.accept)?);
        if self.body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(APPLICATION_JSON),
            );
            *http.method_mut() = Method::POST;
        }
        Ok(http)
    }
}

/// Sets the timeout of a request, and closes idle connections if it needs a new one.
pub(crate) fn set_timeout(
    http: http::Request<()>,
    agent: &Agent,
    config: &TransportConfig,
    timeout: Duration,
    needs_new_connection: bool,
) -> http::Request<()> {
    // ureq compares the TLS settings of a request that has its own configuration with those of the
    // pool. That takes time, so only requests that need it have one.
    let is_default = timeout + MIN_TIMEOUT >= config.attempt_timeout;
    if is_default && !needs_new_connection {
        return http;
    }
    let request = agent.configure_request(http).timeout_global(Some(timeout));
    if needs_new_connection {
        request.max_idle_age(Duration::ZERO).build()
    } else {
        request.build()
    }
}
