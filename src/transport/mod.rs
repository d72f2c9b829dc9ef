//! Sends one request until it has a complete response, or an error that is final.
//!
//! This is the only folder that uses ureq. Its files, in the order of a request:
//!
//! - [`config`], [`redact`] (with [`unescape`]) and [`url`]: settings of a client.
//! - [`credentials`], with [`authorization`] and [`token_provider`]: the header of every request.
//! - [`cancel`], [`resolver`], [`socket`], [`tcp`], [`connector`], [`pem`] and [`proxy`]:
//!   connections.
//! - [`event`] and [`request`]: a request, and the events that report it.
//! - [`rate_limit_headers`] and [`rate_limit`]: delays before a request.
//! - [`attempt_clock`], [`attempt_error`], [`retry`] and [`redirect`]: the attempts of a request.
//! - [`body`], [`clock_skew`], [`errors`], [`mod@error_response`] and [`hints`]: the result.

mod attempt_clock;
mod attempt_error;
mod authorization;
pub(crate) mod body;
mod cancel;
mod clock_skew;
pub(crate) mod config;
mod connector;
pub(crate) mod credentials;
pub(crate) mod error_response;
mod errors;
pub(crate) mod event;
pub(crate) mod hints;
pub(crate) mod pem;
pub(crate) mod proxy;
pub(crate) mod rate_limit;
pub(crate) mod rate_limit_headers;
pub(crate) mod redact;
mod redirect;
pub(crate) mod request;
mod resolver;
mod retry;
mod socket;
mod tcp;
mod token_provider;
mod unescape;
pub(crate) mod url;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::error::{Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::time::timestamp::Timestamp;
use crate::transport::attempt_clock::AttemptClock;
use crate::transport::attempt_error::AttemptError;
use crate::transport::authorization::Authorization;
use crate::transport::body::{ResponseBody, read_error_body};
use crate::transport::cancel::RunningCalls;
use crate::transport::clock_skew::check_clock;
use crate::transport::config::TransportConfig;
use crate::transport::connector::{ConnectionTracker, HttpsConnector};
use crate::transport::error_response::{class_of_status, error_response};
use crate::transport::errors::{is_disconnect, never_sent};
use crate::transport::event::{Event, EventListener};
use crate::transport::proxy::ProxyChoice;
use crate::transport::rate_limit::{Permit, RateLimiter};
use crate::transport::rate_limit_headers::RateLimitHeaders;
use crate::transport::redact::Redactor;
use crate::transport::redirect::{is_followed, redirect_target, unfollowed_note};
use crate::transport::request::{Request, set_timeout};
use crate::transport::resolver::CachingResolver;
use crate::transport::retry::{RetryDecision, RetryState, random_jitter};
use crate::transport::token_provider::RejectedToken;
use crate::transport::url::BaseUrl;

/// Sends requests, with retries, redirects and rate limits.
pub(crate) struct Transport {
    agent: Agent,
    config: TransportConfig,
    rate_limiter: RateLimiter,
    tracker: ConnectionTracker,
    events: EventListener,
    calls: RunningCalls,
}

/// A response whose body is not read yet.
struct Received {
    response: Response<Body>,
    rate_limits: RateLimitHeaders,
    sent_at: Timestamp,
    authorization: Arc<Authorization>,
    /// The time of the event `RequestSent`. `None` if nobody receives events.
    event_time: Option<Instant>,
}

/// The number of redirects that one attempt follows. Redirects stay on the origin of the service.
const MAX_REDIRECTS: usize = 5;

impl Transport {
    /// Creates a transport without open connections. The first request opens one.
    pub(crate) fn new(config: TransportConfig, events: EventListener) -> Self {
        let tracker = ConnectionTracker::default();
        let calls = RunningCalls::default();
        let resolver = CachingResolver::new(calls.clone());
        let through_proxy = matches!(config.proxy, ProxyChoice::Through(_));
        let connector = HttpsConnector::new(
            tracker.clone(),
            resolver.clone(),
            calls.clone(),
            through_proxy,
        );
        Self {
            agent: Agent::with_parts(config.to_ureq_config(), connector, resolver),
            config,
            rate_limiter: RateLimiter::default(),
            tracker,
            events,
            calls,
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

    pub(crate) const fn events(&self) -> &EventListener {
        &self.events
    }

    pub(crate) fn rate_limits(&self) -> Vec<crate::model::rate_limit::RateLimit> {
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
        let result = self.execute_with_retries(request, deadline);
        // The events of threads that have ended would accumulate.
        self.tracker.take();
        // A source may quote a server or proxy, such as an invalid header or names of a certificate.
        result.map_err(|error| error.map_source(|source| self.redactor().redact_error(source)))
    }

    /// Repeats a request until it succeeds, or until [`RetryState`] decides to give up.
    fn execute_with_retries(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
    ) -> Result<ResponseBody, Error> {
        let call = self.calls.start(deadline);
        let mut state = RetryState::default();
        let mut earlier: Option<Error> = None;
        let mut rejected = RejectedToken::default();
        loop {
            let result = self.attempt(request, deadline, state.is_retry(), &mut rejected);
            call.release();
            if deadline.is_cancelled() {
                // The end of a connection may look like the end of a body, so this is no success.
                return Err(attempt_error::cancel_error(earlier.as_ref(), deadline));
            }
            let failed = match result {
                Ok(body) => return Ok(body),
                Err(failed) => failed,
            };
            if let (Some(earlier), false) = (earlier.take(), failed.sent) {
                // The earlier error is the problem, not what blocked the retry.
                return Err(attempt_error::with_blocked_retry(earlier, &failed.error));
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
                    self.events.emit(|| Event::Retrying {
                        request: request.info,
                        attempt: attempts + 1,
                        wait: delay,
                        reason: self.redactor().redact_line(&failed.error.to_string()),
                    });
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
    fn attempt(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
        is_retry: bool,
        rejected: &mut RejectedToken,
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
            let received = self.send_authorized(&request, &mut clock, is_retry, rejected)?;
            if !is_followed(received.response.status(), &request) {
                if request.is_relative && received.response.status() == StatusCode::OK {
                    check_clock(received.response.headers(), received.sent_at)
                        .inspect_err(|_| self.report_response(&request, &received, 0))?;
                }
                return self.read_body(received, &request, deadline);
            }
            match redirect_target(&url, received.response.headers(), &self.config) {
                Ok(target) => {
                    self.report_response(&request, &received, 0);
                    url = target;
                }
                Err(note) => {
                    let error = self.status_error(received, &note, &request);
                    return Err(AttemptError::permanent(error));
                }
            }
        }
        Err(AttemptError::permanent(Error::new(
            ErrorKind::Redirect,
            format!("too many redirects (more than {MAX_REDIRECTS})"),
        )))
    }

    /// Sends a request, and again if the service rejects a token that can be replaced.
    fn send_authorized(
        &self,
        request: &Request<'_>,
        clock: &mut AttemptClock<'_>,
        is_retry: bool,
        rejected: &mut RejectedToken,
    ) -> Result<Received, AttemptError> {
        loop {
            let received = self.send_once(request, clock, is_retry, rejected)?;
            let is_rejected = received.response.status() == StatusCode::UNAUTHORIZED;
            if !is_rejected || !self.config.credentials.can_replace(rejected) {
                return Ok(received);
            }
            rejected.generation = Some(received.authorization.generation());
            // Reads the body, so that the connection can be used again.
            drop(self.status_error(received, "", request));
        }
    }

    /// Sends a request as soon as the rate limits allow, and receives the headers of the response.
    fn send_once(
        &self,
        request: &Request<'_>,
        clock: &mut AttemptClock<'_>,
        is_retry: bool,
        rejected: &mut RejectedToken,
    ) -> Result<Received, AttemptError> {
        // Without a permit, because the provider of a token may take long or panic.
        let authorization = self.authorize(rejected, clock)?;
        let mut permit = self.acquire_permit(request, clock)?;
        // Another thread may have replaced the token during that wait.
        let authorization = self.config.credentials.latest().unwrap_or(authorization);
        let mut event_time = self.report_sent(request, &mut permit);
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
                event_time = self.report_sent(request, &mut permit);
                result = self.roundtrip(request, &authorization, clock.remaining(), true);
            }
        }
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                if never_sent(&error) {
                    permit.cancel();
                }
                return Err(AttemptError::from_ureq(error, &self.config, clock.deadline));
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
            event_time,
        })
    }

    /// Returns a header that is newer than the rejected one. The timeout of the attempt stops
    /// meanwhile.
    fn authorize(
        &self,
        rejected: &mut RejectedToken,
        clock: &mut AttemptClock<'_>,
    ) -> Result<Arc<Authorization>, AttemptError> {
        let started = Instant::now();
        let authorization = self.config.credentials.authorize(rejected, clock.deadline);
        clock.attempt.extend(started.elapsed());
        authorization.map_err(|failure| AttemptError::from_token(failure, clock.deadline))
    }

    /// Reports that a request is about to be sent, and returns the time if anybody receives it.
    fn report_sent(&self, request: &Request<'_>, permit: &mut Permit<'_>) -> Option<Instant> {
        self.events.emit(|| Event::RequestSent {
            request: request.info,
        });
        // After the event, because a closure that panics prevents the request.
        permit.mark_sent();
        self.events.now()
    }

    /// Reports a response of whose body `bytes` were read.
    fn report_response(&self, request: &Request<'_>, received: &Received, bytes: usize) {
        let status = received.response.status().as_u16();
        self.events
            .emit_response(request.info, status, bytes, received.event_time);
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
        let report_wait = |wait| {
            self.events.emit(|| Event::RateLimitWait {
                request: request.info,
                wait,
            });
        };
        let key = request.rate_limit_key;
        let permit = self.rate_limiter.acquire_with(key, deadline, &report_wait);
        clock.attempt.extend(started.elapsed());
        permit.map_err(|delay| {
            AttemptError::not_sent(attempt_error::rate_limit_error(&delay, deadline))
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
        let http = request.to_http(authorization)?;
        let http = set_timeout(
            http,
            &self.agent,
            &self.config,
            timeout,
            needs_new_connection,
        );
        match request.body {
            Some(body) => self.agent.run(http.map(|()| body)),
            None => self.agent.run(http),
        }
    }

    /// Reads the body of a response.
    fn read_body(
        &self,
        mut received: Received,
        request: &Request<'_>,
        deadline: &Deadline,
    ) -> Result<ResponseBody, AttemptError> {
        let status = received.response.status();
        if status != StatusCode::OK {
            let retry_after = received.rate_limits.retry_delay();
            let error = self.status_error(received, unfollowed_note(status), request);
            return Err(AttemptError {
                retry_after,
                ..AttemptError::new(error, class_of_status(status))
            });
        }
        let response = &mut received.response;
        let body = ResponseBody::read(response, &self.config, &self.tracker, deadline)
            .map_err(|error| error.with_status(status))?;
        // A connection that a cancel has closed may look like the end of the body.
        if !deadline.is_cancelled() {
            self.report_response(request, &received, body.bytes.len());
        }
        Ok(body)
    }

    /// Reads the body of an error response and returns its error.
    fn status_error(
        &self,
        mut received: Received,
        redirect_note: &str,
        request: &Request<'_>,
    ) -> Error {
        let status = received.response.status();
        let (body, is_truncated) = read_error_body(received.response.body_mut());
        self.report_response(request, &received, body.len());
        error_response(
            status,
            redirect_note,
            &body,
            is_truncated,
            request.info.operation,
            &self.config,
        )
    }
}
