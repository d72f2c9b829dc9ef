//! The emulator as a user sees it, and its builder.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::catalogue::{self, Metric};
use crate::certificate::{self, Certificate};
use crate::config::Settings;
use crate::credentials;
use crate::exposition::ExportDialect;
use crate::fault::Fault;
use crate::format::rfc3339;
use crate::rate_limiter::{Limiter, RateHeaders};
use crate::request::filter::Labels;
use crate::request_log::Request;
use crate::route;
use crate::server::{Server, Shared};
use crate::state::State;

/// A service on loopback that answers as the Confluent Cloud Metrics API does.
///
/// Every emulator has a port and a certificate authority of its own, so that tests can run side by side.
/// Dropping it closes its sockets and ends its threads.
#[derive(Debug)]
pub struct Emulator {
    url: String,
    ca_pem: String,
    shared: Arc<Shared>,
    server: Server,
}

/// A raw point, before any aggregation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RawPoint {
    /// All labels of the series by their wire names, in the order of the names.
    pub labels: Vec<(String, String)>,
    /// The start of the minute, in seconds since 1970.
    pub minute: i64,
    /// The value measured in that minute.
    pub value: f64,
}

impl Emulator {
    /// Starts an emulator with the demo organisation, the system's clock and any free port.
    ///
    /// # Panics
    ///
    /// If loopback can't be bound: an emulator is for tests, which could only give up.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A builder, for everything that is not as usual.
    pub fn builder() -> Builder {
        Builder {
            settings: Settings::default(),
        }
    }

    /// Returns the names of all operations, such as `query` and `descriptors/metrics`.
    pub fn operations() -> impl Iterator<Item = &'static str> {
        route::operations()
    }

    /// The base URL, such as `https://127.0.0.1:49152`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority that a client has to trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The id of a Cloud API key that may see everything.
    pub fn api_key(&self) -> &str {
        credentials::API_KEY.0
    }

    /// The secret of [`api_key`](Self::api_key).
    pub fn api_secret(&self) -> &str {
        credentials::API_KEY.1
    }

    /// A bearer token that may see everything.
    pub fn bearer_token(&self) -> &str {
        credentials::BEARER_TOKEN
    }

    /// A bearer token that has expired: 401.
    pub fn expired_token(&self) -> &str {
        credentials::EXPIRED_TOKEN
    }

    /// Key and secret of a cluster, which this service does not take: 401.
    pub fn cluster_key(&self) -> (&str, &str) {
        credentials::CLUSTER_KEY
    }

    /// Key and secret of an owner without a role: 403 for every resource.
    pub fn unprivileged_key(&self) -> (&str, &str) {
        credentials::ROLELESS_KEY
    }

    /// Key and secret of an owner who may see `lkc-1` and nothing else.
    pub fn reader_key(&self) -> (&str, &str) {
        credentials::READER_KEY
    }

    /// The emulator's time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.shared.state.now()
    }

    /// Stops the clock at a time, in seconds since 1970.
    pub fn set_clock(&self, unix_seconds: i64) {
        self.shared.state.set_clock(unix_seconds);
    }

    /// Puts a point in: the raw value of one series in the minute of this time.
    ///
    /// Labels are named as in a query and include the resource's (`resource.kafka.id`), which becomes known
    /// if it is not. The point replaces what the demo organisation has for that series and minute. It is
    /// always there, whatever the clock says about latency and retention.
    ///
    /// # Panics
    ///
    /// If the metric is not in the catalogue or does not have one of the labels, if no label is a
    /// resource's, or if the value is not finite.
    #[track_caller]
    pub fn put(&self, metric: &str, labels: &[(&str, &str)], unix_seconds: i64, value: f64) {
        assert!(value.is_finite(), "a point must be finite, not {value}");
        self.put_point(metric, labels, unix_seconds, Some(value));
    }

    /// Puts a point without a value in: a bucket that holds nothing else is answered with `"value":null`.
    ///
    /// # Panics
    ///
    /// As [`put`](Self::put) does.
    #[track_caller]
    pub fn put_null(&self, metric: &str, labels: &[(&str, &str)], unix_seconds: i64) {
        self.put_point(metric, labels, unix_seconds, None);
    }

    /// Every raw point of a metric with `from_unix <= minute < to_unix`, by series and then by time.
    ///
    /// This is what queries are evaluated over: demo data, resolved with the points put in. Nothing is
    /// aggregated, so that what a query should give can be computed in another way. Points without a value
    /// are left out. Each point owns its labels: where there are many series, ask for a few hours at a time.
    ///
    /// # Panics
    ///
    /// If the metric is not in the catalogue.
    #[track_caller]
    pub fn raw_points(&self, metric: &str, from_unix: i64, to_unix: i64) -> Vec<RawPoint> {
        let visible = self.shared.state.visible();
        let (from, to) = (
            rfc3339::from_seconds(from_unix),
            rfc3339::from_seconds(to_unix),
        );
        let mut points = Vec::new();
        for series in self.shared.state.store.series(known(metric)).iter() {
            for (minute, value) in series.points(from, to, visible) {
                let labels = series.labels.clone();
                points.extend(value.map(|value| RawPoint {
                    labels,
                    minute: minute / 1_000,
                    value,
                }));
            }
        }
        points
    }

    /// Every request received so far, in order. Requests that were cut short or no HTTP are not among them.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.record.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.record.clear();
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many connections with a request took up the TLS session of an earlier one, instead of a whole handshake.
    pub fn sessions_resumed(&self) -> usize {
        self.shared.resumed.load(Ordering::Relaxed)
    }

    /// How many connections are open now. One that the client closes is gone a moment later.
    pub fn connections_open(&self) -> usize {
        self.shared.open()
    }

    /// Gives up the port, so that the system refuses every new connection, or takes it again.
    ///
    /// Connections that are open stay open. It is the port itself that is given up: on a busy machine
    /// somebody else may get it, and it is then waited for, for five seconds.
    ///
    /// # Panics
    ///
    /// If the port can't be had again.
    pub fn refuse_connections(&self, refuse: bool) {
        let done = self.server.refuse(refuse);
        done.unwrap_or_else(|error| panic!("the emulator can't have its port again: {error}"));
    }

    /// How many requests the rate limits turned away so far, whatever a fault made of the answer.
    ///
    /// A [`Fault::status`] of 429 is not among them: nobody earned that one.
    pub fn rate_limited(&self) -> usize {
        self.shared
            .state
            .limiter
            .as_ref()
            .map_or(0, Limiter::refused)
    }

    /// From now on at most so many groups, rows or descriptors in a page, whatever the limit; 0 lifts the cap.
    pub fn page_cap(&self, groups: usize) {
        self.shared.state.set_page_cap(groups);
    }

    /// Makes every page token handed out so far expire.
    pub fn expire_tokens(&self) {
        self.shared.state.tokens.expire_all();
    }

    /// Queues a fault. A request takes the first that fits it and has uses left, and so does a connection.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Forgets the faults that are still to happen.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    #[track_caller]
    fn put_point(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        unix_seconds: i64,
        value: Option<f64>,
    ) {
        let metric = known(name);
        for (label, _) in labels {
            assert!(
                metric.has_label(label),
                "metric '{name}' has no label '{label}'"
            );
        }
        let owned = labels
            .iter()
            .any(|(label, _)| label.starts_with("resource."));
        assert!(
            owned,
            "a point of '{name}' must have the label of its resource"
        );
        let labels: Labels = labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect();
        self.shared
            .state
            .store
            .put(metric, labels, rfc3339::from_seconds(unix_seconds), value);
    }
}

#[track_caller]
fn known(metric: &str) -> &'static Metric {
    let found = catalogue::metric(metric);
    found.unwrap_or_else(|| panic!("metric '{metric}' is not in the emulator's catalogue"))
}

/// Sets up an [`Emulator`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// The port on 127.0.0.1. The default, 0, takes any that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// A clock that stands at this time, in seconds since 1970. The default is the system's.
    ///
    /// The `Date` header of every response is of this clock: see [`date_offset`](Self::date_offset).
    pub fn clock(mut self, unix_seconds: i64) -> Self {
        self.settings.clock = Some(unix_seconds);
        self
    }

    /// Whether the demo organisation has data. Its resources are known in any case.
    pub fn demo(mut self, demo: bool) -> Self {
        self.settings.demo = demo;
        self
    }

    /// Adds a Kafka cluster `lkc-big` with so many topics.
    pub fn topics(mut self, topics: usize) -> Self {
        self.settings.topics = topics;
        self
    }

    /// Adds a Kafka cluster of this id with the topics of `lkc-1`.
    pub fn kafka_cluster(mut self, id: &str) -> Self {
        self.settings.clusters.push(id.to_owned());
        self
    }

    /// At most so many groups, rows or descriptors in a page, whatever the limit. ALL has no pages and is not
    /// capped.
    pub fn page_cap(mut self, groups: usize) -> Self {
        self.settings.page_cap = groups;
        self
    }

    /// How long a page token is good for. The default is five minutes, by the system's clock.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Whether answers are compressed for clients that ask for it. The default is yes.
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.settings.gzip = gzip;
        self
    }

    /// Allows so many requests in a window, of each client address and over all operations. The default is
    /// any number.
    ///
    /// A window begins with the first request in it that is allowed. What is turned away gets a 429 with an
    /// empty body, and uses nothing up. This is the first set of the headers. The second is of one operation:
    /// its [`operation_limit`](Self::operation_limit), or else sixty times as much in sixty windows.
    pub fn rate_limit(mut self, per_window: u32) -> Self {
        self.settings.limits.rate_limit = Some(per_window);
        self
    }

    /// Allows so many requests for an operation (`query`, `descriptors/metrics`) in a window, of all clients.
    ///
    /// What is turned away gets a 429 that says so in the service's own error form. Other operations go on.
    ///
    /// # Panics
    ///
    /// If there is no such operation.
    #[track_caller]
    pub fn operation_limit(mut self, operation: &str, per_window: u32) -> Self {
        assert!(
            route::is_operation(operation),
            "there is no operation '{operation}'"
        );
        self.settings
            .limits
            .operation_limits
            .insert(operation.to_owned(), per_window);
        self
    }

    /// Allows so many exports of a resource by one caller in an [`export_window`](Self::export_window). The
    /// default is any number.
    ///
    /// An export of several resources counts for each of them, and is turned away with a 429 that names those
    /// that are used up. The second set of its headers is of the resource that has the least left. This takes
    /// the place of an [`operation_limit`](Self::operation_limit) on exports.
    pub fn export_limit(mut self, per_window: u32) -> Self {
        self.settings.limits.export_limit = Some(per_window);
        self
    }

    /// The window of the limit on exports. The default is an hour, and anything else is rounded up to whole
    /// seconds.
    pub fn export_window(mut self, window: Duration) -> Self {
        self.settings.limits.export_window = window;
        self
    }

    /// How limits are told, where there are any. The default is a line for each scope.
    pub fn rate_headers(mut self, headers: RateHeaders) -> Self {
        self.settings.rate_headers = headers;
        self
    }

    /// The window of the rate limits. The default is a minute.
    ///
    /// It is a whole number of seconds, and anything else is rounded up: `rateLimit-reset` is in seconds, so
    /// that nobody could keep to another window.
    pub fn rate_window(mut self, window: Duration) -> Self {
        self.settings.limits.rate_window = window;
        self
    }

    /// Prints whole values as `12` instead of `12.0`.
    pub fn integers(mut self, integers: bool) -> Self {
        self.settings.style.integers = integers;
        self
    }

    /// Puts `meta` into every answer to a query, not only where there is a next page.
    pub fn always_meta(mut self, always: bool) -> Self {
        self.settings.always_meta = always;
        self
    }

    /// Names the next page only as an absolute URL in `links.next`, without a token in `meta`.
    pub fn links_only(mut self, links_only: bool) -> Self {
        self.settings.links_only = links_only;
        self
    }

    /// Refuses invalid bodies with 422 instead of 400.
    pub fn unprocessable(mut self, unprocessable: bool) -> Self {
        self.settings.unprocessable = unprocessable;
        self
    }

    /// Sends `Retry-After` with the 429 of the rate limit.
    pub fn retry_after(mut self, retry_after: bool) -> Self {
        self.settings.retry_after = retry_after;
        self
    }

    /// Answers descriptors only to callers with credentials.
    pub fn closed_descriptors(mut self, closed: bool) -> Self {
        self.settings.closed_descriptors = closed;
        self
    }

    /// How exports are written. The default is as the two formats are specified.
    pub fn export_form(mut self, form: ExportDialect) -> Self {
        self.settings.export_form = form;
        self
    }

    /// At most so many points of a metric and resource type in an export. What is beyond is left out
    /// without a word, as the service does. The default is 60,000.
    pub fn export_cap(mut self, points: usize) -> Self {
        self.settings.export_cap = points;
        self
    }

    /// Makes a metric fail on the service's side whenever it is exported; may be repeated.
    ///
    /// The whole export is then answered with 500, or says so in `export_status` where it was asked to
    /// ignore that. Other operations go on.
    ///
    /// # Panics
    ///
    /// If the metric is not in the catalogue.
    #[track_caller]
    pub fn failing_export(mut self, metric: &str) -> Self {
        self.settings
            .failing_exports
            .insert(known(metric).name.to_owned());
        self
    }

    /// The host, and the port if need be, that discovery tells to scrape. The default is the emulator's own
    /// address; the real service tells `api.telemetry.confluent.cloud`.
    pub fn discovery_target(mut self, host: &str) -> Self {
        self.settings.discovery_target = Some(host.to_owned());
        self
    }

    /// The certificate to show. The default is a good one.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.settings.certificate = certificate;
        self
    }

    /// Speaks TLS 1.2 and nothing newer. The default is 1.2 and 1.3.
    pub fn tls12_only(mut self, only: bool) -> Self {
        self.settings.tls12_only = only;
        self
    }

    /// Prints a line for every request to standard error.
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.settings.verbose = verbose;
        self
    }

    /// Shifts the `Date` header of every response by so many seconds against the clock; negative ones are
    /// earlier. The default is 0.
    pub fn date_offset(mut self, seconds: i64) -> Self {
        self.settings.date_offset = Some(seconds);
        self
    }

    /// Sends responses without a `Date` header.
    pub fn without_date(mut self) -> Self {
        self.settings.date_offset = None;
        self
    }

    /// Prints times with milliseconds: `2022-04-21T15:10:00.000Z`.
    pub fn millis(mut self, millis: bool) -> Self {
        self.settings.style.millis = millis;
        self
    }

    /// Puts the newest points first, as the documents say, and not the oldest, as the service does.
    pub fn newest_first(mut self, newest_first: bool) -> Self {
        self.settings.style.newest_first = newest_first;
        self
    }

    /// Starts the emulator.
    ///
    /// # Panics
    ///
    /// If the port can't be bound.
    pub fn start(self) -> Emulator {
        self.try_start()
            .unwrap_or_else(|error| panic!("the emulator can't start: {error}"))
    }

    /// Starts the emulator.
    ///
    /// # Errors
    ///
    /// If the port can't be bound.
    pub fn try_start(self) -> io::Result<Emulator> {
        let made = certificate::make(self.settings.certificate, self.settings.tls12_only);
        let (config, ca_pem) = made.map_err(|error| io::Error::other(error.to_string()))?;
        let (listener, address) = Server::bind(self.settings.port)?;
        let url = format!("https://{address}");
        let shared = Arc::new(Shared::new(State::new(self.settings, url.clone())));
        let server = Server::start(listener, address, config, &shared)?;
        Ok(Emulator {
            url,
            ca_pem,
            shared,
            server,
        })
    }
}
