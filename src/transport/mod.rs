//! Sends one request until it has a complete response, or an error that is final.
//!
//! This is the only folder that uses ureq. Its files, in the order of a request:
//!
//! - [`config`], [`redact`] (with [`unescape`]) and [`url`]: settings of a client.
//! - [`credentials`], with [`authorization`] and [`token_provider`]: the header of every request.
//! - [`resolver`], [`tcp`], [`connector`], [`pem`] and [`proxy`]: connections.
//! - [`rate_limit_headers`] and [`rate_limit`]: delays before a request.
//! - [`retry`]: the decision after a failure.
//! - [`body`], [`clock_skew`], [`errors`], [`mod@error_response`] and [`hints`]: the result.

mod authorization;
pub(crate) mod body;
mod clock_skew;
pub(crate) mod config;
mod connector;
pub(crate) mod credentials;
pub(crate) mod error_response;
mod errors;
pub(crate) mod hints;
pub(crate) mod pem;
pub(crate) mod proxy;
pub(crate) mod rate_limit;
pub(crate) mod rate_limit_headers;
pub(crate) mod redact;
mod resolver;
mod retry;
mod tcp;
mod token_provider;
mod unescape;
pub(crate) mod url;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::{self, HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::error::{Error, ErrorKind};
use crate::request::operation::Operation;
use crate::time::deadline::Deadline;
use crate::time::timestamp::Timestamp;
use crate::transport::authorization::Authorization;
use crate::transport::body::{ResponseBody, read_error_body};
use crate::transport::clock_skew::clock_skew_error;
use crate::transport::config::TransportConfig;
use crate::transport::connector::{ConnectionTracker, HttpsConnector};
use crate::transport::credentials::Scheme;
use crate::transport::error_response::{class_of_status, error_response};
use crate::transport::errors::{
    AttemptError, cancel_error, is_disconnect, never_sent, rate_limit_error, with_blocked_retry,
};
use crate::transport::proxy::ProxyChoice;
use crate::transport::rate_limit::{DelayReason, Permit, RateLimit, RateLimiter};
use crate::transport::rate_limit_headers::{RateLimitHeaders, parse_http_date};
use crate::transport::redact::Redactor;
use crate::transport::resolver::CachingResolver;
use crate::transport::retry::{RetryDecision, RetryState, random_jitter};
use crate::transport::url::BaseUrl;
use crate::util::text::sanitize_line;

/// Sends requests, with retries, redirects and rate limits.
pub(crate) struct Transport {
    agent: Agent,
    config: TransportConfig,
    rate_limiter: RateLimiter,
    tracker: ConnectionTracker,
}

/// The media type of every request body, and of every response but those of exports.
pub(crate) const APPLICATION_JSON: &str = "application/json";

/// A request to the service.
pub(crate) struct Request<'a> {
    pub(crate) operation: Operation,
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

/// A response whose body is not read yet.
struct Received {
    response: Response<Body>,
    rate_limits: RateLimitHeaders,
    sent_at: Timestamp,
    /// The header that was sent.
    authorization: Arc<Authorization>,
}

/// The time limits of an attempt.
struct AttemptClock<'a> {
    /// The deadline of the call.
    deadline: &'a Deadline,
    /// The timeout of the attempt. It does not run while the rate limiter delays a request.
    attempt: Deadline,
}

/// The shortest timeout. ureq would take zero for no timeout at all.
const MIN_TIMEOUT: Duration = Duration::from_millis(5);

/// The number of redirects that one attempt follows. Redirects stay on the origin of the service.
const MAX_REDIRECTS: usize = 5;

impl Transport {
    /// Creates a transport without open connections. The first request opens one.
    pub(crate) fn new(config: TransportConfig) -> Self {
        let tracker = ConnectionTracker::default();
        let resolver = CachingResolver::default();
        let through_proxy = matches!(config.proxy, ProxyChoice::Through(_));
        let connector = HttpsConnector::new(tracker.clone(), resolver.clone(), through_proxy);
        Self {
            agent: Agent::with_parts(config.to_ureq_config(), connector, resolver),
            config,
            rate_limiter: RateLimiter::default(),
            tracker,
        }
    }

    #[cfg(fuzzing)]
    pub(crate) const fn config(&self) -> &TransportConfig {
        &self.config
    }

    pub(crate) const fn base(&self) -> &BaseUrl {
        &self.config.base
    }

    /// Returns the redactor of the credentials that are in use now.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        self.config.credentials.redactor()
    }

    pub(crate) fn rate_limits(&self) -> Vec<RateLimit> {
        self.rate_limiter.limits()
    }

    /// Sends a request, and repeats it as long as the failures are transient and time is left.
    pub(crate) fn execute(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
    ) -> Result<ResponseBody, Error> {
        if let ProxyChoice::Invalid(invalid) = &self.config.proxy {
            return Err(invalid.to_error());
        }
        self.execute_with_retries(request, deadline)
            // A source may quote what a server or proxy sent, such as an invalid header or the
            // names in a certificate.
            .map_err(|error| error.map_source(|source| self.redactor().redact_error(source)))
    }

    /// Repeats a request until it succeeds, or until [`RetryState`] decides to give up.
    fn execute_with_retries(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
    ) -> Result<ResponseBody, Error> {
        let mut state = RetryState::default();
        let mut earlier: Option<Error> = None;
        let mut refused = None;
        loop {
            let result = self.attempt(request, deadline, state.is_retry(), &mut refused);
            if deadline.is_cancelled() {
                // A connection that a cancel has closed may look like the end of a body, so even a
                // success is none.
                return Err(cancel_error(earlier.as_ref(), deadline));
            }
            let failed = match result {
                Ok(body) => return Ok(body),
                Err(failed) => failed,
            };
            if let (Some(earlier), false) = (earlier.take(), failed.sent) {
                // The earlier error is the problem, not what blocked the retry.
                return Err(with_blocked_retry(earlier, &failed.error));
            }
            let attempts = state.attempts();
            let decision = state.decide(
                failed.class,
                self.config.max_retries,
                failed.retry_after,
                deadline.remaining().unwrap_or_default(),
                random_jitter(),
            );
            match decision {
                RetryDecision::Retry(delay) => {
                    deadline.sleep(delay);
                    earlier = Some(failed.into_error(attempts, deadline));
                }
                RetryDecision::GiveUp => return Err(failed.into_error(attempts, deadline)),
                RetryDecision::DeadlineExceeded(_) => {
                    return Err(failed.into_deadline_error(attempts, deadline));
                }
            }
        }
    }

    /// Sends a request once, and follows redirects to the same origin.
    ///
    /// `refused` is the generation of the token that the service has rejected, if there was one.
    fn attempt(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
        is_retry: bool,
        refused: &mut Option<u64>,
    ) -> Result<ResponseBody, AttemptError> {
        let mut url = request.url.to_owned();
        let mut clock = AttemptClock {
            deadline,
            attempt: Deadline::after(self.config.attempt_timeout),
        };
        for _ in 0..=MAX_REDIRECTS {
            let request = Request {
                url: &url,
                ..*request
            };
            let received = self.send_authorized(&request, &mut clock, is_retry, refused)?;
            let is_followed = match received.response.status().as_u16() {
                301 | 302 | 307 | 308 => true,
                // 303 asks for a GET, which a query cannot be.
                303 => request.body.is_none(),
                _ => false,
            };
            if !is_followed {
                if request.is_relative && received.response.status() == StatusCode::OK {
                    check_clock(received.response.headers(), received.sent_at)?;
                }
                return self.read_body(received, &request, deadline);
            }
            match self.redirect_target(&url, received.response.headers()) {
                Ok(target) => url = target,
                Err(note) => {
                    let error = self.status_error(received.response, &note, request.operation);
                    return Err(AttemptError::permanent(error));
                }
            }
        }
        Err(AttemptError::permanent(Error::new(
            ErrorKind::Redirect,
            format!("too many redirects (more than {MAX_REDIRECTS})"),
        )))
    }

    /// Sends a request, and once more if the service rejects a token that can be replaced.
    fn send_authorized(
        &self,
        request: &Request<'_>,
        clock: &mut AttemptClock<'_>,
        is_retry: bool,
        refused: &mut Option<u64>,
    ) -> Result<Received, AttemptError> {
        let received = self.send_once(request, clock, is_retry, *refused)?;
        let is_replaceable = self.config.credentials.scheme() == Scheme::BearerFrom
            && refused.is_none()
            && received.response.status() == StatusCode::UNAUTHORIZED;
        if !is_replaceable {
            return Ok(received);
        }
        *refused = Some(received.authorization.generation());
        // Reads the body, so that the connection can be used again.
        drop(self.status_error(received.response, "", request.operation));
        self.send_once(request, clock, is_retry, *refused)
    }

    /// Sends a request as soon as the rate limits allow, and receives the headers of the response.
    fn send_once(
        &self,
        request: &Request<'_>,
        clock: &mut AttemptClock<'_>,
        is_retry: bool,
        refused: Option<u64>,
    ) -> Result<Received, AttemptError> {
        // Without a permit, because the provider of a token may take long or panic.
        let authorization = self.authorize(refused, clock)?;
        let mut permit = self.acquire_permit(request, clock)?;
        // Another thread may have replaced the token during that wait.
        let authorization = self.config.credentials.newest().unwrap_or(authorization);
        // Discards events that an earlier request left behind.
        self.tracker.take();
        let sent_at = Timestamp::now();
        let mut result = self.roundtrip(request, &authorization, clock.remaining(), is_retry);
        let was_kept = !self.tracker.take().opened;
        if let Err(ureq::Error::Io(source)) = &result {
            // The service may close an idle connection at any time, and says so with the next
            // request. That is not a failure of this request, so it is sent again at once.
            if was_kept && is_disconnect(source) {
                drop(permit);
                permit = self.acquire_permit(request, clock)?;
                result = self.roundtrip(request, &authorization, clock.remaining(), true);
            }
        }
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                if never_sent(&error) {
                    permit.cancel();
                }
                return Err(self.attempt_error(error, clock.deadline));
            }
        };
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("")));
        let rate_limits = RateLimitHeaders::parse(headers);
        permit.complete(&rate_limits, response.status().as_u16());
        Ok(Received {
            response,
            rate_limits,
            sent_at,
            authorization,
        })
    }

    /// Returns a header that is newer than the refused one. The timeout of the attempt stops
    /// meanwhile.
    fn authorize(
        &self,
        refused: Option<u64>,
        clock: &mut AttemptClock<'_>,
    ) -> Result<Arc<Authorization>, AttemptError> {
        let started = Instant::now();
        let authorization = self.config.credentials.authorize(refused, clock.deadline);
        clock.attempt.extend(started.elapsed());
        authorization.map_err(|failure| AttemptError::from_token(failure, clock.deadline))
    }

    /// Waits until the rate limits allow a request. The timeout of the attempt stops meanwhile.
    fn acquire_permit<'a>(
        &'a self,
        request: &Request<'a>,
        clock: &mut AttemptClock<'_>,
    ) -> Result<Permit<'a>, AttemptError> {
        let started = Instant::now();
        let deadline = clock.deadline;
        if deadline.remaining().is_none() {
            return Err(AttemptError::not_sent(deadline.error()));
        }
        let permit = self.rate_limiter.acquire(request.rate_limit_key, deadline);
        clock.attempt.extend(started.elapsed());
        permit.map_err(|delay| {
            AttemptError::not_sent(match delay.reason {
                _ if deadline.is_cancelled() => deadline.error(),
                DelayReason::ProbePending => deadline.error(),
                DelayReason::RetryAfter | DelayReason::Exhausted(_) => {
                    rate_limit_error(&delay, deadline)
                }
            })
        })
    }

    /// Sends one HTTP request and receives the headers of the response.
    fn roundtrip(
        &self,
        request: &Request<'_>,
        authorization: &Authorization,
        timeout: Duration,
        needs_new_connection: bool,
    ) -> Result<Response<Body>, ureq::Error> {
        let http = http_request(request, authorization)?;
        let http = self.with_timeout(http, timeout, needs_new_connection);
        match request.body {
            Some(body) => self.agent.run(http.map(|()| body)),
            None => self.agent.run(http),
        }
    }

    /// Sets the timeout of a request, and closes idle connections if it needs a new one.
    fn with_timeout(
        &self,
        http: http::Request<()>,
        timeout: Duration,
        needs_new_connection: bool,
    ) -> http::Request<()> {
        // ureq compares the TLS settings of a request that has its own configuration with those of
        // the pool. That takes time, so only requests that need it have one.
        let is_default = timeout + MIN_TIMEOUT >= self.config.attempt_timeout;
        if is_default && !needs_new_connection {
            return http;
        }
        let config = self
            .agent
            .configure_request(http)
            .timeout_global(Some(timeout));
        if needs_new_connection {
            config.max_idle_age(Duration::ZERO).build()
        } else {
            config.build()
        }
    }

    /// Reads the body of a response.
    fn read_body(
        &self,
        received: Received,
        request: &Request<'_>,
        deadline: &Deadline,
    ) -> Result<ResponseBody, AttemptError> {
        let Received {
            mut response,
            rate_limits,
            ..
        } = received;
        let status = response.status();
        if status != StatusCode::OK {
            let redirect_note = if status.is_redirection() {
                ", not followed"
            } else {
                ""
            };
            let error = self.status_error(response, redirect_note, request.operation);
            return Err(AttemptError {
                retry_after: rate_limits.retry_delay(),
                ..AttemptError::new(error, class_of_status(status))
            });
        }
        ResponseBody::read(&mut response, &self.config, &self.tracker, deadline)
            .map_err(|error| error.with_status(status))
    }

    /// Reads the body of an error response and returns its error.
    fn status_error(
        &self,
        mut response: Response<Body>,
        redirect_note: &str,
        operation: Operation,
    ) -> Error {
        let status = response.status();
        let (body, is_truncated) = read_error_body(response.body_mut());
        // The events of threads that have ended would accumulate.
        self.tracker.take();
        error_response(
            status,
            redirect_note,
            &body,
            is_truncated,
            operation,
            &self.config,
        )
    }

    /// Returns the target of a redirect, or the reason for which it is not followed.
    fn redirect_target(&self, from: &str, headers: &HeaderMap) -> Result<String, String> {
        let location = headers
            .get(header::LOCATION)
            .ok_or(" without a Location header")?;
        let location = String::from_utf8_lossy(location.as_bytes());
        match self.base().resolve(from, &location) {
            Ok(target) => Ok(target),
            Err(Some(origin)) => {
                let origin = sanitize_line(&self.redactor().redact(&origin), 100);
                Err(format!(
                    ": redirect to another origin ({origin}) not followed"
                ))
            }
            Err(None) => Err(": invalid Location header".into()),
        }
    }

    fn attempt_error(&self, error: ureq::Error, deadline: &Deadline) -> AttemptError {
        AttemptError::from_ureq(error, &self.config, deadline)
    }
}

impl AttemptClock<'_> {
    /// Returns the time that is left for a request, which is never zero.
    fn remaining(&self) -> Duration {
        let attempt = self.attempt.remaining().unwrap_or(MIN_TIMEOUT);
        let call = self.deadline.remaining().unwrap_or(MIN_TIMEOUT);
        attempt.min(call)
    }
}

/// Returns an error if the `Date` of a response shows that a clock is wrong.
fn check_clock(headers: &HeaderMap, sent_at: Timestamp) -> Result<(), AttemptError> {
    let date = headers
        .get(header::DATE)
        .and_then(|value| parse_http_date(value.to_str().ok()?));
    match date.and_then(|date| clock_skew_error(date, sent_at, Timestamp::now())) {
        Some(error) => Err(AttemptError::permanent(error).with_status(StatusCode::OK)),
        None => Ok(()),
    }
}

/// Creates the HTTP request without its body. ureq adds headers such as `Accept-Encoding`.
fn http_request(
    request: &Request<'_>,
    authorization: &Authorization,
) -> Result<http::Request<()>, http::Error> {
    let mut http = http::Request::new(());
    *http.uri_mut() = request.url.parse()?;
    let mut authorization = HeaderValue::from_str(authorization.header())?;
    // Keeps the value out of the `Debug` text of the request.
    authorization.set_sensitive(true);
    let headers = http.headers_mut();
    headers.insert(header::AUTHORIZATION, authorization);
    headers.insert(header::ACCEPT, HeaderValue::from_str(request.accept)?);
    if request.body.is_some() {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(APPLICATION_JSON),
        );
        *http.method_mut() = Method::POST;
    }
    Ok(http)
}
