//! One request out, one whole body or one error back.

pub(crate) mod connector;
pub(crate) mod credentials;
pub(crate) mod hints;
pub(crate) mod pem;
pub(crate) mod proxy;
pub(crate) mod rate_limit;
pub(crate) mod rate_limit_headers;
pub(crate) mod redact;
pub(crate) mod resolver;
pub(crate) mod retry;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod url;

use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use ureq::http::{self, HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Timeout};

use crate::decode::error_body::{ErrorBody, Summary, decode_error_body};
use crate::error::{ApiError, Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::time::timestamp::Timestamp;
use crate::transport::connector::{ConnectError, HttpsConnector, Notes};
use crate::transport::credentials::{Credentials, QUOTES_HINT};
use crate::transport::proxy::ProxyChoice;
use crate::transport::rate_limit::{
    DelayExceedsDeadline, DelayReason, Permit, RateLimit, RateLimiter,
};
use crate::transport::rate_limit_headers::{RateLimitHeaders, parse_http_date};
use crate::transport::redact::Redactor;
use crate::transport::resolver::{CachingResolver, LookupError};
use crate::transport::retry::{FailureClass, RetryDecision, RetryState, random_jitter};
use crate::transport::tls::TlsRoots;
use crate::transport::url::BaseUrl;
use crate::util::text::sanitize_line;

/// How a client reaches the service. All of it is checked before it gets here.
pub(crate) struct TransportConfig {
    pub(crate) base: BaseUrl,
    pub(crate) credentials: Credentials,
    pub(crate) attempt_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_retries: u32,
    pub(crate) max_response_bytes: u64,
    pub(crate) proxy: ProxyChoice,
    pub(crate) tls_roots: TlsRoots,
    pub(crate) user_agent: String,
}

pub(crate) struct Transport {
    agent: Agent,
    settings: TransportConfig,
    rate_limiter: RateLimiter,
    notes: Notes,
}

/// What every body is written in, and every answer but an export.
pub(crate) const APPLICATION_JSON: &str = "application/json";

/// What to send, and in whose name.
pub(crate) struct Request<'a> {
    /// What the service may limit separately: the operation, of an export with its resources.
    pub(crate) rate_limit_key: &'a str,
    pub(crate) url: &'a str,
    /// What is posted, in JSON; without it the request is a GET.
    pub(crate) body: Option<&'a str>,
    /// The media type of a good answer.
    pub(crate) accept: &'a str,
    /// Whether the body depends on this machine's clock, which the response's `Date` is compared with.
    pub(crate) is_relative: bool,
}

/// A try that gave no answer.
struct AttemptError {
    error: Error,
    class: FailureClass,
    /// The wait that the service asks for.
    retry_after: Option<Duration>,
    /// Whether the request went out at all.
    sent: bool,
}

/// The body of a success.
pub(crate) struct ResponseBody {
    pub(crate) bytes: Vec<u8>,
    /// Whether its length or its chunks told its end. Else the end of the connection did, and what
    /// sent it may have been cut short itself.
    pub(crate) is_framed: bool,
    pub(crate) content_type: Option<String>,
}

/// The head of an answer.
struct Received {
    response: Response<Body>,
    rate_limits: RateLimitHeaders,
    sent_at: Timestamp,
}

impl Transport {
    pub(crate) fn new(settings: TransportConfig) -> Self {
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .tls_config(
                TlsConfig::builder()
                    .root_certs(settings.tls_roots.to_root_certs())
                    .build(),
            )
            .user_agent(&settings.user_agent)
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_global(Some(settings.attempt_timeout));
        let config = match &settings.proxy {
            ProxyChoice::Direct | ProxyChoice::Invalid(_) => config.proxy(None),
            ProxyChoice::Through(proxy) => config.proxy(Some(proxy.clone())),
        };
        let notes = Notes::default();
        let resolver = CachingResolver::default();
        let through_proxy = matches!(settings.proxy, ProxyChoice::Through(_));
        let connector = HttpsConnector::new(notes.clone(), resolver.clone(), through_proxy);
        let agent = Agent::with_parts(config.build(), connector, resolver);
        Self {
            agent,
            settings,
            rate_limiter: RateLimiter::default(),
            notes,
        }
    }

    pub(crate) fn base(&self) -> &BaseUrl {
        &self.settings.base
    }

    pub(crate) fn rate_limits(&self) -> Vec<RateLimit> {
        self.rate_limiter.limits()
    }

    /// Sends a request until it gives the whole body of a success, another try makes no sense, or time is up.
    pub(crate) fn execute(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
    ) -> Result<ResponseBody, Error> {
        // Causes may quote what a server or a proxy sent, such as a header that is not HTTP or the
        // names in a certificate.
        let redact_cause =
            |error: Error| error.map_source(|cause| self.redactor().redact_error(cause));
        self.ask_until_done(request, deadline).map_err(redact_cause)
    }

    fn ask_until_done(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
    ) -> Result<ResponseBody, Error> {
        if let ProxyChoice::Invalid(invalid) = &self.settings.proxy {
            return Err(invalid.to_error());
        }
        let mut tries = RetryState::default();
        let mut last = None;
        loop {
            let failed = match self.attempt(request, deadline, tries.is_retry()) {
                Ok(body) => return Ok(body),
                Err(failed) => failed,
            };
            // What kept a further try from going out is not what is wrong.
            let failed = match last.take() {
                Some(earlier) if !failed.sent => {
                    return Err(with_blocked_retry(earlier, &failed.error));
                }
                _ => failed,
            };
            let (remaining, retries) = (
                deadline.remaining().unwrap_or_default(),
                self.settings.max_retries,
            );
            let sent = tries.attempts();
            match tries.decide(
                failed.class,
                retries,
                failed.retry_after,
                remaining,
                random_jitter(),
            ) {
                RetryDecision::Retry(wait) => {
                    thread::sleep(wait);
                    last = Some(with_attempts(failed, sent, deadline));
                }
                RetryDecision::GiveUp => return Err(with_attempts(failed, sent, deadline)),
                RetryDecision::DeadlineExceeded(_) => {
                    return Err(with_deadline_note(failed, sent, deadline));
                }
            }
        }
    }

    /// One try, along the redirects that stay with the origin.
    fn attempt(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
        is_retry: bool,
    ) -> Result<ResponseBody, AttemptError> {
        let mut url = request.url.to_owned();
        let mut clock = Deadline::after(self.settings.attempt_timeout);
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.send_once(
                &Request {
                    url: &url,
                    ..*request
                },
                deadline,
                &mut clock,
                is_retry,
            )?;
            let leads_on = match answer.response.status().as_u16() {
                301 | 302 | 307 | 308 => true,
                // It asks for a GET, which a query cannot be.
                303 => request.body.is_none(),
                _ => false,
            };
            if !leads_on {
                if request.is_relative && answer.response.status() == StatusCode::OK {
                    check_clock(answer.response.headers(), answer.sent_at)?;
                }
                return self.read_body(answer, deadline);
            }
            match self.redirect_target(&url, answer.response.headers()) {
                Ok(target) => url = target,
                Err(where_to) => {
                    return Err(AttemptError::permanent(
                        self.status_error(answer.response, &where_to),
                    ));
                }
            }
        }
        let message =
            format!("the service sent on more than {MAX_REDIRECTS} times, without an end");
        Err(AttemptError::permanent(Error::new(
            ErrorKind::Redirect,
            message,
        )))
    }

    /// One request and the head of its answer, as soon as the service's limits let it out.
    fn send_once(
        &self,
        request: &Request<'_>,
        deadline: &Deadline,
        clock: &mut Deadline,
        is_retry: bool,
    ) -> Result<Received, AttemptError> {
        let left = |clock: &Deadline| {
            clock
                .remaining()
                .unwrap_or(MIN_TIMEOUT)
                .min(deadline.remaining().unwrap_or(MIN_TIMEOUT))
        };
        let leave = self.acquire_permit(request, deadline, clock)?;
        self.notes.take();
        let sent_at = Timestamp::now();
        let sent = self.roundtrip(request, left(clock), is_retry);
        let was_kept = !self.notes.take().opened;
        let (leave, sent) = match sent {
            // A kept connection died before anything was answered: that says nothing of the service as it is now.
            Err(ureq::Error::Io(cause)) if was_kept && is_disconnect(&cause) => {
                drop(leave);
                (
                    self.acquire_permit(request, deadline, clock)?,
                    self.roundtrip(request, left(clock), true),
                )
            }
            sent => (leave, sent),
        };
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                if never_sent(&error) {
                    leave.cancel();
                }
                return Err(self.map_ureq_error(error, deadline));
            }
        };
        let names_and_values = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("")));
        let told = RateLimitHeaders::parse(names_and_values);
        leave.complete(&told, response.status().as_u16());
        Ok(Received {
            response,
            rate_limits: told,
            sent_at,
        })
    }

    /// Waits for leave to send a request. The `clock` of its attempt stands still meanwhile.
    fn acquire_permit<'a>(
        &'a self,
        request: &Request<'a>,
        deadline: &Deadline,
        clock: &mut Deadline,
    ) -> Result<Permit<'a>, AttemptError> {
        let not_sent = |error: Error| AttemptError {
            error,
            class: FailureClass::Permanent,
            retry_after: None,
            sent: false,
        };
        let began = Instant::now();
        let remaining = deadline
            .remaining()
            .ok_or_else(|| not_sent(deadline.error()))?;
        let leave = self.rate_limiter.acquire(request.rate_limit_key, remaining);
        clock.extend(began.elapsed());
        leave.map_err(|held| match held.reason {
            DelayReason::ProbePending => not_sent(deadline.error()),
            DelayReason::RetryAfter | DelayReason::Exhausted(_) => {
                not_sent(rate_limit_error(&held, deadline))
            }
        })
    }

    fn roundtrip(
        &self,
        request: &Request<'_>,
        timeout: Duration,
        is_fresh: bool,
    ) -> Result<Response<Body>, ureq::Error> {
        let http = self.with_timeout(self.http_request(request)?, timeout, is_fresh);
        match request.body {
            Some(body) => self.agent.run(http.map(|()| body)),
            None => self.agent.run(http),
        }
    }

    /// The request as it goes out, but for its body and what ureq adds.
    fn http_request(&self, request: &Request<'_>) -> Result<http::Request<()>, http::Error> {
        let mut http = http::Request::new(());
        *http.uri_mut() = request.url.parse()?;
        let mut authorization = HeaderValue::from_str(self.settings.credentials.header())?;
        // Whoever prints the request does not print this.
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

    /// The request with a time-out and a connection of its own, where it needs them.
    fn with_timeout(
        &self,
        http: http::Request<()>,
        timeout: Duration,
        is_fresh: bool,
    ) -> http::Request<()> {
        // A request with settings of its own costs a look at the TLS settings, so only those that need one have it.
        if !is_fresh && timeout + MIN_TIMEOUT >= self.settings.attempt_timeout {
            return http;
        }
        let config = self
            .agent
            .configure_request(http)
            .timeout_global(Some(timeout));
        if is_fresh {
            config.max_idle_age(Duration::ZERO).build()
        } else {
            config.build()
        }
    }

    /// The whole body of a success.
    fn read_body(
        &self,
        answer: Received,
        deadline: &Deadline,
    ) -> Result<ResponseBody, AttemptError> {
        let Received {
            mut response,
            rate_limits: told,
            ..
        } = answer;
        let status = response.status();
        if status != StatusCode::OK {
            let failure = if is_retryable_status(status) {
                FailureClass::Transient
            } else {
                FailureClass::Permanent
            };
            let where_to = if status.is_redirection() {
                ", which is not followed"
            } else {
                ""
            };
            return Err(AttemptError {
                error: self.status_error(response, where_to),
                class: failure,
                retry_after: told.retry_delay(),
                sent: true,
            });
        }
        let refused = |error: Error| AttemptError::permanent(error.with_status(200));
        if let Some(encoding) = response
            .headers()
            .get(header::CONTENT_ENCODING)
            .filter(|value| *value != "identity")
        {
            let encoding = String::from_utf8_lossy(encoding.as_bytes());
            let encoding = sanitize_line(&self.redactor().redact(&encoding), 40);
            let message =
                format!("the answer is compressed with \"{encoding}\", which was not asked for");
            return Err(refused(Error::new(ErrorKind::Decode, message)));
        }
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let limit = self.settings.max_response_bytes;
        let announced = response.body().content_length().unwrap_or(0);
        let mut bytes = Vec::new();
        // What is announced may be a lie, and then memory for it may not be there.
        let fits = usize::try_from(announced)
            .is_ok_and(|announced| bytes.try_reserve_exact(announced).is_ok());
        if announced > limit || !fits {
            return Err(refused(self.too_large_error()));
        }
        let mut reader = response.body_mut().with_config().limit(limit).reader();
        let read = reader.read_to_end(&mut bytes);
        let is_framed = !self.notes.take().closed;
        match read {
            Ok(_) => Ok(ResponseBody {
                bytes,
                is_framed,
                content_type,
            }),
            Err(error) => {
                let failed = self.map_ureq_error(ureq::Error::from(error), deadline);
                Err(AttemptError {
                    error: failed.error.with_status(200),
                    ..failed
                })
            }
        }
    }

    /// An answer that is not a success; `where_to` ends the sentence on its status.
    fn status_error(&self, mut response: Response<Body>, where_to: &str) -> Error {
        let status = response.status();
        let (bytes, is_truncated) = read_error_body(response.body_mut());
        // Otherwise the notes of threads that have ended would pile up.
        self.notes.take();
        self.error_response(status, where_to, &bytes, is_truncated)
    }

    /// Returns the error for a response with this status and body. `where_to` follows the status.
    pub(crate) fn error_response(
        &self,
        status: StatusCode,
        where_to: &str,
        bytes: &[u8],
        is_truncated: bool,
    ) -> Error {
        let ErrorBody { entries, summary } = decode_error_body(bytes, is_truncated);
        let entries: Vec<_> = entries
            .into_iter()
            .map(|entry| self.redact_entry(entry))
            .collect();
        let words = quote_errors(&entries).or_else(|| match summary? {
            Summary::Text(text) => Some(format!(
                "\"{}\"",
                self.redactor().quote(&text, is_truncated)
            )),
            Summary::Markup(page) => {
                let or_more = if is_truncated { " or more" } else { "" };
                Some(format!("{page}, {} bytes{or_more}", bytes.len()))
            }
        });
        let mut message = format!("the service answered {}{}", status_line(status), where_to);
        if let Some(words) = words.filter(|_| !status.is_redirection()) {
            message = format!("{message}: {words}");
        }
        let error = Error::new(kind_for_status(status), message)
            .with_status(status.as_u16())
            .with_api_errors(entries)
            .with_body(self.redactor().redact_body(bytes, is_truncated));
        match self.status_hint(status) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// The address that a redirect leads to, or the rest of the sentence that says why it is not followed.
    fn redirect_target(&self, from: &str, headers: &HeaderMap) -> Result<String, String> {
        let location = headers
            .get(header::LOCATION)
            .ok_or(" and does not say where to")?;
        let location = String::from_utf8_lossy(location.as_bytes());
        self.base()
            .resolve(from, &location)
            .map_err(|origin| match origin {
                Some(origin) => {
                    let origin = sanitize_line(&self.redactor().redact(&origin), 100);
                    format!(" and sends on to {origin}, where nothing was sent")
                }
                None => " and sends on to an address that is not understood".into(),
            })
    }

    /// Returns what removes the client's credentials from text that is shown.
    pub(crate) fn redactor(&self) -> &Redactor {
        self.settings.credentials.redactor()
    }

    /// Returns an entry of an error response as it may be shown.
    fn redact_entry(&self, entry: ApiError) -> ApiError {
        let ApiError {
            id,
            status,
            code,
            detail,
        } = entry;
        let [id, status, code, detail] = [id, status, code, detail]
            .map(|member| member.map(|text| self.redactor().quote(&text, false)));
        ApiError {
            id,
            status,
            code,
            detail,
        }
    }

    fn status_hint(&self, status: StatusCode) -> Option<&'static str> {
        match status.as_u16() {
            401 | 403 if self.settings.credentials.is_quoted() => Some(QUOTES_HINT),
            400 => Some(
                "are the names of the metric and its labels right (labels are written metric.topic, resource.kafka.id), \
                 and is the metric in this dataset? Client::metric_descriptors lists the names, \
                 and MetricDescriptor::closest_matches finds a mistyped one",
            ),
            401 => Some(self.settings.credentials.unauthorized_hint()),
            403 => Some(
                "does the filter name a resource, as .filter(Resource::kafka(\"lkc-…\")) does, and is its id right? \
                 The key's owner needs the role MetricsViewer on it (for a resource just made this takes some minutes \
                 to work), and the key has to be a Cloud API key",
            ),
            407 => Some(PROXY_HINT),
            404 => Some("is the dataset's name right?"),
            429 => Some(
                "other programs behind the same address count too: ask less often, or for longer intervals at once",
            ),
            _ => None,
        }
    }

    /// Where requests go, for people to read: it may be the proxy that is at fault.
    fn destination(&self) -> String {
        let origin = self.base().origin();
        match &self.settings.proxy {
            ProxyChoice::Through(proxy) => {
                format!(
                    "{origin} through the proxy {}:{}",
                    proxy.host(),
                    proxy.port()
                )
            }
            _ => origin.to_owned(),
        }
    }

    /// No answer, or only a part of one.
    fn map_ureq_error(&self, error: ureq::Error, deadline: &Deadline) -> AttemptError {
        let origin = self.destination();
        let connection = |what: &str| Error::new(ErrorKind::Connection, format!("{what} {origin}"));
        let error = match error {
            ureq::Error::Timeout(_) if is_expired(deadline) => deadline.error(),
            ureq::Error::Timeout(phase) => {
                return AttemptError {
                    error: self.timeout_error(phase),
                    class: FailureClass::Timeout,
                    retry_after: None,
                    sent: true,
                };
            }
            // What TLS does not accept arrives as data that is invalid.
            ureq::Error::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => {
                self.tls_error(cause)
            }
            // A compressed body that is cut short is one that cannot be decompressed.
            #[cfg(feature = "gzip")]
            ureq::Error::Decompress(_, cause) if is_disconnect(&cause) => {
                return self.map_ureq_error(ureq::Error::Io(cause), deadline);
            }
            ureq::Error::Io(cause) => {
                let failure = if is_retryable_io(&cause) {
                    FailureClass::Transient
                } else {
                    FailureClass::Permanent
                };
                return AttemptError {
                    error: self.io_error(cause),
                    class: failure,
                    retry_after: None,
                    sent: true,
                };
            }
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
                self.tls_error(error)
            }
            ureq::Error::BodyExceedsLimit(_) => self.too_large_error(),
            ureq::Error::LargeResponseHeader(..) => Error::new(
                ErrorKind::TooLarge,
                format!("the head of the answer from {origin} is too large"),
            ),
            #[cfg(feature = "gzip")]
            ureq::Error::Decompress(_, cause) => {
                Error::new(ErrorKind::Decode, "the answer cannot be decompressed")
                    .with_source(cause)
            }
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Error::invalid_input(
                "the address of the request cannot be sent: too much is asked for at once",
            )
            .with_source(error),
            // ureq itself makes none of this kind.
            ureq::Error::Other(cause) => return self.unreached(cause),
            ureq::Error::ConnectProxyFailed(ref said) => {
                return proxy_error(proxy_status(said), &origin);
            }
            ureq::Error::Protocol(_) => {
                connection("what came back is not HTTP, from").with_source(error)
            }
            error => connection("no connection to").with_source(error),
        };
        AttemptError::permanent(error)
    }

    fn io_error(&self, cause: io::Error) -> Error {
        let origin = self.destination();
        if is_disconnect(&cause) {
            let message =
                format!("the connection to {origin} broke off before the whole answer was there");
            return Error::new(ErrorKind::Connection, message).with_source(cause);
        }
        self.no_connection()
            .with_source(cause)
            .with_hint(self.connect_hint())
    }

    /// No connection came about.
    fn unreached(&self, cause: Box<dyn std::error::Error + Send + Sync>) -> AttemptError {
        match cause.downcast::<LookupError>() {
            Ok(error) => self.not_found(*error),
            Err(cause) => match cause.downcast::<ConnectError>() {
                Ok(error) => self.not_connected(error.0),
                Err(cause) => AttemptError::permanent(self.no_connection().with_source(cause)),
            },
        }
    }

    fn not_found(&self, error: LookupError) -> AttemptError {
        let origin = self.destination();
        let (message, failure) = if error.is_unknown_name() {
            (
                format!("no address was found for {origin}"),
                FailureClass::Permanent,
            )
        } else {
            (
                format!("cannot look up the address of {origin}"),
                FailureClass::Transient,
            )
        };
        let error = Error::new(ErrorKind::Connection, message)
            .with_source(error.0)
            .with_hint(self.connect_hint());
        AttemptError {
            error,
            class: failure,
            retry_after: None,
            sent: true,
        }
    }

    fn not_connected(&self, cause: io::Error) -> AttemptError {
        let failure = if is_retryable_io(&cause) {
            FailureClass::Transient
        } else {
            FailureClass::Permanent
        };
        let error = match cause.kind() {
            io::ErrorKind::ConnectionRefused => Error::new(
                ErrorKind::Connection,
                format!("the connection to {} was refused", self.destination()),
            ),
            _ => self.no_connection(),
        };
        let error = error.with_source(cause).with_hint(self.connect_hint());
        AttemptError {
            error,
            class: failure,
            retry_after: None,
            sent: true,
        }
    }

    fn no_connection(&self) -> Error {
        Error::new(
            ErrorKind::Connection,
            format!("no connection to {}", self.destination()),
        )
    }

    /// What to look at where no connection came about.
    fn connect_hint(&self) -> &'static str {
        match &self.settings.proxy {
            ProxyChoice::Through(_) => {
                "check the proxy's URL (ClientBuilder::proxy, HTTPS_PROXY, ALL_PROXY), \
                 and that the proxy is running"
            }
            _ => {
                "is the base URL right, where one is set (ClientBuilder::base_url, CONFLUENT_METRICS_BASE_URL), \
                 and is a proxy needed (ClientBuilder::proxy, HTTPS_PROXY)?"
            }
        }
    }

    fn tls_error(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        let hint = self.settings.tls_roots.hint(&cause.to_string());
        Error::new(
            ErrorKind::Tls,
            format!("no secure connection to {}", self.destination()),
        )
        .with_source(cause)
        .with_hint(hint)
    }

    fn timeout_error(&self, phase: Timeout) -> Error {
        let origin = self.destination();
        let (message, setting) = match phase {
            Timeout::Connect => (
                format!(
                    "no connection to {origin} within {:?}",
                    self.settings.connect_timeout
                ),
                "connect_timeout",
            ),
            _ => (
                format!(
                    "no whole answer from {origin} within {:?}",
                    self.settings.attempt_timeout
                ),
                "attempt_timeout",
            ),
        };
        Error::new(ErrorKind::Timeout, message).with_hint(format!(
            "ClientBuilder::{setting} sets how long that may take"
        ))
    }

    fn too_large_error(&self) -> Error {
        let limit = self.settings.max_response_bytes;
        Error::new(
            ErrorKind::TooLarge,
            format!("the answer is larger than {limit} bytes"),
        )
        .with_hint("ClientBuilder::max_response_bytes sets how large it may be")
    }
}

impl AttemptError {
    fn permanent(error: Error) -> Self {
        Self {
            error,
            class: FailureClass::Permanent,
            retry_after: None,
            sent: true,
        }
    }
}

/// Refuses a response whose `Date` shows that this machine's clock or the service's is wrong.
fn check_clock(headers: &HeaderMap, sent_at: Timestamp) -> Result<(), AttemptError> {
    let date = headers
        .get(header::DATE)
        .and_then(|value| parse_http_date(value.to_str().ok()?));
    match date.and_then(|date| clock_skew(date, sent_at, Timestamp::now())) {
        Some(error) => Err(AttemptError::permanent(error.with_status(200))),
        None => Ok(()),
    }
}

/// Returns an error if `date` is more than a minute before or after the time that the request took.
fn clock_skew(date: Timestamp, sent_at: Timestamp, received_at: Timestamp) -> Option<Error> {
    // `Date` is cut to the second.
    let is_early = sent_at.floor_to_ms(1000).duration_since(date) > MAX_CLOCK_SKEW;
    let is_late = date.duration_since(received_at) > MAX_CLOCK_SKEW;
    (is_early || is_late).then(|| {
        let message = format!(
            "clock skew: this machine's clock reads {}, the service's {date}",
            received_at.floor_to_ms(1000)
        );
        Error::new(ErrorKind::ClockSkew, message)
            .with_hint("set this machine's clock, or use absolute times such as Interval::between")
    })
}

/// A proxy that did not open a way to the service.
fn proxy_error(status: Option<StatusCode>, route: &str) -> AttemptError {
    let said = match status {
        Some(status) => format!("it answered {}", status_line(status)),
        None => "it closed the connection without an answer".into(),
    };
    let error = Error::new(
        ErrorKind::Connection,
        format!("no way was opened to {route}: {said}"),
    );
    let error = if status == Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
        error.with_hint(PROXY_HINT)
    } else {
        error
            .with_hint("the proxy refuses: may it connect to the service, and is it the right one?")
    };
    let failure = if status.is_none_or(is_retryable_status) {
        FailureClass::Transient
    } else {
        FailureClass::Permanent
    };
    AttemptError {
        error,
        class: failure,
        retry_after: None,
        sent: true,
    }
}

/// What a proxy answered. ureq tells it only in words, «proxy server responded 407/407».
fn proxy_status(said: &str) -> Option<StatusCode> {
    said.rsplit([' ', '/']).next()?.parse().ok()
}

/// A limit that is used up for longer than the call may take.
fn rate_limit_error(held: &DelayExceedsDeadline, deadline: &Deadline) -> Error {
    let seconds = held.wait.as_secs_f64();
    let message = match held.reason {
        DelayReason::Exhausted(limit) => {
            format!("the service's limit of {limit} requests is used up for another {seconds:.1} s")
        }
        _ => format!("the service asked for a wait, and another {seconds:.1} s of it are left"),
    };
    let error = Error::new(ErrorKind::RateLimited, message).with_retry_after(held.wait);
    error.with_hint(deadline_hint(held.wait, deadline))
}

/// Whether the request cannot have reached the service.
fn never_sent(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Other(_)
            | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
            | ureq::Error::Http(_)
            | ureq::Error::BadUri(_)
    )
}

/// The last failure of several.
fn with_attempts(failed: AttemptError, sent: u32, deadline: &Deadline) -> Error {
    let error = match failed.retry_after {
        Some(wait) => failed.error.with_retry_after(wait),
        None => failed.error,
    };
    match sent {
        1 => error,
        sent => error.with_note(&format!(
            "the last of {sent} tries in {:.1} s",
            deadline.elapsed().as_secs_f64()
        )),
    }
}

/// A failure after which another try was kept from going out.
fn with_blocked_retry(earlier: Error, held: &Error) -> Error {
    let error = earlier.with_note(&format!("another try did not go out: {held}"));
    match held.retry_after() {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// A failure after which there is no time for another try.
fn with_deadline_note(failed: AttemptError, sent: u32, deadline: &Deadline) -> Error {
    let wait = failed.retry_after;
    let error = with_attempts(failed, sent, deadline);
    match wait {
        Some(wait) => {
            let note = format!(
                "asked to wait {} s, longer than the deadline of {:?} allows",
                wait.as_secs(),
                deadline.budget()
            );
            error
                .with_note(&note)
                .with_kind(ErrorKind::RateLimited)
                .with_hint(deadline_hint(wait, deadline))
        }
        None => error.with_note(&format!(
            "the deadline of {:?} leaves no time for another",
            deadline.budget()
        )),
    }
}

/// Which deadline would have had room for a wait.
fn deadline_hint(wait: Duration, deadline: &Deadline) -> String {
    let seconds = (deadline.elapsed() + wait).as_secs() + 1;
    format!(
        "try again after that, or set ClientBuilder::deadline to more than {seconds} s, so that the call waits for it"
    )
}

/// Returns true if too little time is left for ureq to tell it from none.
fn is_expired(deadline: &Deadline) -> bool {
    deadline.remaining().is_none_or(|left| left < TIMEOUT_SLACK)
}

fn is_retryable_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429) || status.is_server_error()
}

fn is_retryable_io(cause: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    is_disconnect(cause)
        || matches!(
            cause.kind(),
            ConnectionRefused | HostUnreachable | NetworkUnreachable | TimedOut
        )
}

fn is_disconnect(cause: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        cause.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

/// No time-out is shorter, since zero would mean none.
const MIN_TIMEOUT: Duration = Duration::from_millis(5);

/// A time-out may come too early by this much: the standard library rounds that of a connect down
/// to milliseconds.
const TIMEOUT_SLACK: Duration = Duration::from_millis(2);

const MAX_REDIRECTS: usize = 5;

/// As many threads as anybody gives to one service keep their connections; ureq would keep three.
const MAX_IDLE_CONNECTIONS: usize = 64;

const PROXY_HINT: &str = "a proxy wants a user and a password: http://user:password@host:port";

/// Clocks that a time server sets differ by far less, and buckets are a minute at least.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// A reason fits many times into this many bytes.
const MAX_ERROR_BODY: usize = 65_536;

/// How many entries of a refusal the sentence of an error repeats.
const MAX_QUOTED_ERRORS: usize = 3;

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

/// Reads the body of an error response, and whether more of it is missing.
///
/// The connection may break, or the time may be over, before all of it is there. The status and the
/// rest still tell the reason.
fn read_error_body(body: &mut Body) -> (Vec<u8>, bool) {
    let mut reader = body.as_reader();
    let mut buffer = [0; 4096];
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ERROR_BODY {
        let room = buffer.len().min(MAX_ERROR_BODY - bytes.len());
        match reader.read(&mut buffer[..room]) {
            Ok(0) => return (bytes, false),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(_) => {
                // JSON has an end of its own, so that nothing is missing if it was reached.
                let is_truncated = serde_json::from_slice::<IgnoredAny>(&bytes).is_err();
                return (bytes, is_truncated);
            }
        }
    }
    (bytes, true)
}

/// The status with its name: `503 Service Unavailable`.
fn status_line(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(name) => format!("{} {name}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// The service's own words, quoted.
fn quote_errors(entries: &[ApiError]) -> Option<String> {
    let (mut said, mut count) = (String::new(), 0_usize);
    for words in entries
        .iter()
        .filter_map(|entry| entry.detail().or(entry.code()))
    {
        count += 1;
        if count <= MAX_QUOTED_ERRORS {
            let semicolon = if count == 1 { "" } else { "; " };
            said = format!("{said}{semicolon}\"{words}\"");
        }
    }
    match count {
        0 => None,
        1..=MAX_QUOTED_ERRORS => Some(said),
        _ => Some(format!("{said} and {} more", count - MAX_QUOTED_ERRORS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_by_more_than_a_minute_beyond_the_time_of_the_request() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let sent_at = at("2026-01-08T12:00:00.900Z");
        let received_at = at("2026-01-08T12:00:30.100Z");
        for (date, is_skewed) in [
            ("2026-01-08T11:58:59Z", true),
            ("2026-01-08T11:59:00Z", false),
            ("2026-01-08T12:00:10Z", false),
            ("2026-01-08T12:01:30Z", false),
            ("2026-01-08T12:01:31Z", true),
        ] {
            assert_eq!(
                clock_skew(at(date), sent_at, received_at).is_some(),
                is_skewed,
                "{date}"
            );
        }
        let error = clock_skew(at("2026-01-08T12:15:00Z"), sent_at, received_at).unwrap();
        assert_eq!(
            error.to_string(),
            "clock skew: this machine's clock reads 2026-01-08T12:00:30Z, the service's 2026-01-08T12:15:00Z"
        );
        assert!(!error.is_transient());
    }
}
