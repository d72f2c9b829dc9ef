//! The running emulator.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::builder::Builder;
use crate::catalogue;
use crate::certificate;
use crate::config::Settings;
use crate::credentials;
use crate::fault::Fault;
use crate::format::rfc3339;
use crate::rate_limiter::RateLimiter;
use crate::request::filter::Labels;
use crate::request_log::Request;
use crate::response::Response;
use crate::route;
use crate::server::{Server, Shared};
use crate::state::State;

/// A server on loopback that responds as the Confluent Cloud Metrics API does.
///
/// Every emulator has a port, a certificate authority and data of its own, so that tests can
/// run side by side. Dropping it closes its sockets and ends its threads.
///
/// # Example
///
/// ```
/// use confluent_metrics_emulator::Emulator;
///
/// let emulator = Emulator::start();
/// assert!(emulator.url().starts_with("https://127.0.0.1:"));
/// assert!(emulator.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// assert!(emulator.requests().is_empty());
/// ```
#[derive(Debug)]
pub struct Emulator {
    url: String,
    ca_pem: String,
    shared: Arc<Shared>,
    server: Server,
}

/// A data point of one series and minute, before any aggregation.
///
/// ```
/// use confluent_metrics_emulator::Emulator;
///
/// let emulator = Emulator::start();
/// let metric = "io.confluent.kafka.server/sent_bytes";
/// let start = emulator.now() - 7_200;
/// for point in emulator.raw_points(metric, start, start + 60) {
///     println!("{:?} at {}: {}", point.labels, point.minute, point.value);
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RawPoint {
    /// All labels of the series as a query names them, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The start of the minute, in seconds since 1970.
    pub minute: i64,
    /// The value measured in that minute.
    pub value: f64,
}

/// Start, address and credentials.
impl Emulator {
    /// Starts an emulator with the demo organization, the system's clock and a free port.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// println!("{}", emulator.url());
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if no port of loopback can be bound.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Returns a builder, to start an emulator with other settings.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().clock(1_767_268_800).page_cap(10).start();
    /// assert_eq!(emulator.now(), 1_767_268_800);
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Returns the names of all operations, such as `query` and `descriptors/metrics`.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// assert!(Emulator::operations().any(|name| name == "export"));
    /// ```
    pub fn operations() -> impl Iterator<Item = &'static str> {
        route::operation_names()
    }

    /// Returns the base URL, such as `https://127.0.0.1:49152`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the certificate authority that a client must trust, in PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Returns the id of a Cloud API key that can read all resources.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// let credentials = format!("{}:{}", emulator.api_key(), emulator.api_secret());
    /// # let _ = credentials;
    /// ```
    #[must_use]
    pub const fn api_key(&self) -> &str {
        credentials::API_KEY.0
    }

    /// Returns the secret of [`api_key`](Self::api_key).
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// assert!(!emulator.api_secret().is_empty());
    /// ```
    #[must_use]
    pub const fn api_secret(&self) -> &str {
        credentials::API_KEY.1
    }

    /// Returns a bearer token that can read all resources.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// let header = format!("Bearer {}", emulator.bearer_token());
    /// # let _ = header;
    /// ```
    #[must_use]
    pub const fn bearer_token(&self) -> &str {
        credentials::BEARER_TOKEN
    }

    /// Returns a bearer token that has expired. It gets 401.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// assert_ne!(emulator.expired_token(), emulator.bearer_token());
    /// ```
    #[must_use]
    pub const fn expired_token(&self) -> &str {
        credentials::EXPIRED_TOKEN
    }

    /// Accepts a bearer token, which can read all resources, from now on.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// emulator.revoke_bearer_token(emulator.bearer_token());
    /// emulator.add_bearer_token("the-next-token");
    /// ```
    pub fn add_bearer_token(&self, token: &str) {
        self.shared.state.bearer_tokens.add(token, None);
    }

    /// Accepts a bearer token for this number of requests, and then rejects it with 401.
    ///
    /// The token may be [`bearer_token`](Self::bearer_token) or one that was added before. A
    /// request counts if its credentials are checked, so not if a rate limit or a fault decides
    /// its status.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // The token dies after the second request, as if its 15 minutes had passed.
    /// emulator.add_bearer_token_for(emulator.bearer_token(), 2);
    /// emulator.add_bearer_token("the-next-token");
    /// ```
    pub fn add_bearer_token_for(&self, token: &str, requests: usize) {
        self.shared.state.bearer_tokens.add(token, Some(requests));
    }

    /// Rejects a bearer token with 401 from now on.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// emulator.revoke_bearer_token(emulator.bearer_token());
    /// // Call the client under test here. It must get a new token after the 401.
    /// ```
    pub fn revoke_bearer_token(&self, token: &str) {
        self.shared.state.bearer_tokens.revoke(token);
    }

    /// Returns key and secret of a Kafka cluster, which this service does not accept: 401.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // A common mistake: the hint of a client should name it.
    /// let (key, secret) = emulator.cluster_key();
    /// # let _ = (key, secret);
    /// ```
    #[must_use]
    pub const fn cluster_key(&self) -> (&str, &str) {
        credentials::CLUSTER_KEY
    }

    /// Returns key and secret of an owner without a role. It gets 403 for every resource.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// let (key, secret) = emulator.unprivileged_key();
    /// # let _ = (key, secret);
    /// ```
    #[must_use]
    pub const fn unprivileged_key(&self) -> (&str, &str) {
        credentials::UNPRIVILEGED_KEY
    }

    /// Returns key and secret of an owner who can read `lkc-1` and no other resource.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// let (key, secret) = emulator.reader_key();
    /// # let _ = (key, secret);
    /// ```
    #[must_use]
    pub const fn reader_key(&self) -> (&str, &str) {
        credentials::READER_KEY
    }
}

/// Clock and data.
impl Emulator {
    /// Returns the emulator's time, in seconds since 1970.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // The data of the last hour.
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let points = emulator.raw_points(metric, emulator.now() - 3_600, emulator.now());
    /// assert!(!points.is_empty());
    /// ```
    #[must_use]
    pub fn now(&self) -> i64 {
        self.shared.state.now()
    }

    /// Stops the clock at a time, in seconds since 1970.
    ///
    /// The `Date` of responses follows it, so that a client may notice that the clocks differ.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// emulator.set_clock(1_767_268_800);
    /// assert_eq!(emulator.now(), 1_767_268_800);
    /// emulator.set_clock(emulator.now() + 3_600);
    /// ```
    pub fn set_clock(&self, unix_seconds: i64) {
        self.shared.state.set_clock(unix_seconds);
    }

    /// Shifts the `Date` header against the clock from now on. Negative seconds are earlier.
    ///
    /// The data stays as it is. 0 ends the shift.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // The client's clock seems to be ten minutes slow.
    /// emulator.date_offset(600);
    /// // Call the client under test here.
    /// emulator.date_offset(0);
    /// ```
    pub fn date_offset(&self, seconds: i64) {
        self.shared.state.set_date_offset(seconds);
    }

    /// Sets the value of one series in one minute.
    ///
    /// `unix_seconds` is any time of that minute. Labels are named as in a query and include
    /// that of the resource, such as `resource.kafka.id`. A resource that did not exist exists
    /// from then on.
    ///
    /// The point replaces demo data of the same series and minute. Latency and retention do
    /// not apply to it.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().demo(false).start();
    /// let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", "orders")];
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// emulator.put(metric, &labels, 1_767_268_800, 42.0);
    ///
    /// let points = emulator.raw_points(metric, 1_767_268_800, 1_767_268_860);
    /// assert_eq!(points[0].value, 42.0);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the metric is unknown, if it lacks one of the labels, if no label is that of a
    /// resource, or if the value is not finite.
    #[track_caller]
    pub fn put(&self, metric: &str, labels: &[(&str, &str)], unix_seconds: i64, value: f64) {
        assert!(value.is_finite(), "invalid value: {value} is not finite");
        self.put_point(metric, labels, unix_seconds, Some(value));
    }

    /// Sets one series to null in one minute.
    ///
    /// A bucket without any other value becomes `"value":null` in the response.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", "orders")];
    /// emulator.put_null(metric, &labels, 1_767_268_800);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics as [`put`](Self::put) does.
    #[track_caller]
    pub fn put_null(&self, metric: &str, labels: &[(&str, &str)], unix_seconds: i64) {
        self.put_point(metric, labels, unix_seconds, None);
    }

    /// Returns every point of a metric with `from_unix <= minute < to_unix`, sorted by series.
    ///
    /// Queries are evaluated over these points: demo data, replaced by points that were put.
    /// A test can compute the expected result of a query from them. Null values are left out.
    ///
    /// Each point owns its labels. If there are many series, read a few hours at a time.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let start = emulator.now() - 7_200;
    /// let points = emulator.raw_points(metric, start, start + 3_600);
    /// let total: f64 = points.iter().map(|point| point.value).sum();
    /// assert!(total > 0.0);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the metric is unknown.
    #[must_use]
    #[track_caller]
    pub fn raw_points(&self, metric: &str, from_unix: i64, to_unix: i64) -> Vec<RawPoint> {
        let visible = self.shared.state.visible();
        let from = rfc3339::from_seconds(from_unix);
        let to = rfc3339::from_seconds(to_unix);
        let mut points = Vec::new();
        for series in self
            .shared
            .state
            .store
            .series(catalogue::expect(metric))
            .iter()
        {
            for (minute, value) in series.points(from, to, visible) {
                points.extend(value.map(|value| RawPoint {
                    labels: series.labels.clone(),
                    minute: minute / 1_000,
                    value,
                }));
            }
        }
        points
    }

    #[track_caller]
    fn put_point(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        unix_seconds: i64,
        value: Option<f64>,
    ) {
        let metric = catalogue::expect(name);
        for (label, _) in labels {
            assert!(
                metric.has_label(label),
                "unknown label {label:?} of metric {name:?}"
            );
        }
        assert!(
            labels
                .iter()
                .any(|(label, _)| label.starts_with("resource.")),
            "missing resource label of metric {name:?}"
        );
        let labels: Labels = labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect();
        let time = rfc3339::from_seconds(unix_seconds);
        self.shared.state.store.put(metric, labels, time, value);
    }
}

/// Received requests and connections.
impl Emulator {
    /// Returns every request so far, in the order of receipt.
    ///
    /// Requests that were cut short or were not HTTP are left out.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.all()
    }

    /// Clears the list of [`requests`](Self::requests).
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // Call the client under test here, to open a connection.
    /// emulator.clear_requests();
    /// assert!(emulator.requests().is_empty());
    /// ```
    pub fn clear_requests(&self) {
        self.shared.log.clear();
    }

    /// Returns the number of connections that were accepted.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // Call the client under test several times here.
    /// assert!(emulator.connections() <= 1, "connections are not kept");
    /// ```
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Returns the number of connections with a request that resumed a TLS session.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// assert_eq!(emulator.sessions_resumed(), 0);
    /// ```
    #[must_use]
    pub fn sessions_resumed(&self) -> usize {
        self.shared.resumed.load(Ordering::Relaxed)
    }

    /// Returns the number of open connections.
    ///
    /// A connection that the client closes is counted for a moment longer.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// assert_eq!(emulator.connections_open(), 0);
    /// ```
    #[must_use]
    pub fn connections_open(&self) -> usize {
        self.shared.open_connections()
    }

    /// Returns the largest number of requests that were being answered at the same time.
    ///
    /// A request counts from its receipt until the last part of its response is about to be sent.
    /// A client that waits for each response therefore never has more than one. To see the
    /// concurrency of a client, set a [`latency`](Builder::latency).
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().latency(Duration::from_millis(50)).start();
    /// // Call the client under test here.
    /// assert!(emulator.max_in_flight() <= 4);
    /// ```
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.shared.in_flight.max()
    }

    /// Forgets the [`max_in_flight`](Self::max_in_flight) so far.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // Warm up the client under test here, then measure.
    /// emulator.reset_max_in_flight();
    /// assert_eq!(emulator.max_in_flight(), 0);
    /// ```
    pub fn reset_max_in_flight(&self) {
        self.shared.in_flight.reset_max();
    }

    /// Returns the number of requests that exceeded a rate limit, whatever the response was.
    ///
    /// A [`Fault::status`] of 429 does not count.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().rate_limit(50).start();
    /// // Call the client under test here.
    /// assert_eq!(emulator.rate_limited(), 0);
    /// ```
    #[must_use]
    pub fn rate_limited(&self) -> usize {
        let limiter = self.shared.state.limiter.as_ref();
        limiter.map_or(0, RateLimiter::rejected)
    }
}

/// Faults and other changes to a running emulator.
impl Emulator {
    /// Queues a fault.
    ///
    /// A request takes the first fault that matches and has uses left, and so does a
    /// connection.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::status(503).times(2));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if a part of the fault has no effect.
    ///
    /// ```should_panic
    /// # use confluent_metrics_emulator::{Emulator, Fault};
    /// # let emulator = Emulator::start();
    /// // invalid fault: `reset` sends no response: `status` has no effect
    /// emulator.fault(Fault::status(503).reset());
    /// ```
    #[track_caller]
    pub fn fault(&self, fault: Fault) {
        if let Err(problem) = self.shared.faults.add(fault) {
            panic!("invalid fault: {problem}");
        }
    }

    /// Returns the number of faults in the queue that have uses left.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::status(503));
    /// // Call the client under test here. If it sends a request, no fault is left.
    /// assert_eq!(emulator.faults_left(), 1);
    /// ```
    #[must_use]
    pub fn faults_left(&self) -> usize {
        self.shared.faults.len()
    }

    /// Clears the queue of faults.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::status(503).times(100));
    /// // Call the client under test here.
    /// emulator.clear_faults();
    /// ```
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Calls a closure for every request, which may return a response of its own.
    ///
    /// `None` leaves the real response. A later call replaces the closure. A fault with a
    /// status takes precedence; all other faults apply to the response of the closure.
    ///
    /// The closure runs in the thread of the connection. If it panics, the connection ends.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Response};
    ///
    /// let emulator = Emulator::start();
    /// emulator.respond_with(|request| {
    ///     let is_token = request.method == "POST" && request.path() == "/oauth/token";
    ///     is_token.then(|| Response::new(200).body(r#"{"access_token":"a"}"#))
    /// });
    /// ```
    pub fn respond_with(
        &self,
        closure: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    ) {
        self.shared.state.responder.set(closure);
    }

    /// Gives up the port, so that the system refuses every new connection, or binds it again.
    ///
    /// Open connections stay open until [`close_connections`](Self::close_connections). On a busy
    /// machine another process may bind the port meanwhile. The emulator then waits for it, at
    /// most five seconds.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// emulator.refuse_connections(true);
    /// // Call the client under test here.
    /// emulator.refuse_connections(false);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the port can't be bound again.
    #[track_caller]
    pub fn refuse_connections(&self, refuse: bool) {
        if let Err(error) = self.server.refuse_connections(refuse) {
            panic!("cannot bind the port again: {error}");
        }
    }

    /// Closes every open connection in the middle of whatever it does, as a restart does.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // The service is down for a moment.
    /// emulator.refuse_connections(true);
    /// emulator.close_connections();
    /// // Call the client under test here.
    /// emulator.refuse_connections(false);
    /// ```
    pub fn close_connections(&self) {
        self.shared.close_connections();
    }

    /// Limits the groups, rows or descriptors of a page, whatever the request's limit.
    ///
    /// 0 removes the cap.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // Every list of more than one item has several pages from now on.
    /// emulator.page_cap(1);
    /// ```
    pub fn page_cap(&self, groups: usize) {
        self.shared.state.set_page_cap(groups);
    }

    /// Makes every page token that was issued so far expire.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().page_cap(1).start();
    /// // Read the first page here. The token of the second one is then rejected.
    /// emulator.expire_tokens();
    /// ```
    pub fn expire_tokens(&self) {
        self.shared.state.tokens.expire_all();
    }
}

/// Starts an emulator with the settings of a builder.
pub(crate) fn start(settings: Settings) -> io::Result<Emulator> {
    let (config, ca_pem) = certificate::server_config(settings.certificate, settings.tls12_only)
        .map_err(|error| io::Error::other(error.to_string()))?;
    let (listener, address) = Server::bind(settings.port)?;
    let url = format!("https://{address}");
    let shared = Arc::new(Shared::new(State::new(settings, url.clone())));
    let server = Server::start(listener, address, config, &shared)?;
    Ok(Emulator {
        url,
        ca_pem,
        shared,
        server,
    })
}
