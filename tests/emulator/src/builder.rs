//! The builder of an emulator.

use std::io;
use std::time::Duration;

use crate::catalogue;
use crate::certificate::Certificate;
use crate::config::Settings;
use crate::emulator::{self, Emulator};
use crate::exposition::ExportDialect;
use crate::rate_limit_headers::RateHeaders;
use crate::route;

/// Configures and starts an [`Emulator`].
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use confluent_metrics_emulator::Emulator;
///
/// let emulator = Emulator::builder()
///     .clock(1_767_268_800)
///     .rate_limit(5)
///     .rate_window(Duration::from_secs(1))
///     .retry_after(true)
///     .start();
/// assert_eq!(emulator.rate_limited(), 0);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    settings: Settings,
}

/// Start.
impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
        }
    }

    /// Starts the emulator.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().demo(false).start();
    /// println!("{}", emulator.url());
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the port can't be bound.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Emulator {
        match self.try_start() {
            Ok(emulator) => emulator,
            Err(error) => panic!("cannot start the emulator: {error}"),
        }
    }

    /// Starts the emulator.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let first = Emulator::start();
    /// let port = first.url().rsplit(':').next().unwrap().parse().unwrap();
    /// assert!(Emulator::builder().port(port).try_start().is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the port can't be bound.
    pub fn try_start(self) -> io::Result<Emulator> {
        emulator::start(self.settings)
    }
}

/// Socket and TLS.
impl Builder {
    /// Sets the port on 127.0.0.1.
    ///
    /// Defaults to 0, which is any free port.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let builder = Emulator::builder().port(8443);
    /// # let _ = builder;
    /// ```
    pub const fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// Sets the certificate of the server.
    ///
    /// Defaults to [`Certificate::Good`].
    ///
    /// ```
    /// use confluent_metrics_emulator::{Certificate, Emulator};
    ///
    /// // A client must not send its key to this server.
    /// let emulator = Emulator::builder().certificate(Certificate::Expired).start();
    /// # let _ = emulator;
    /// ```
    pub const fn certificate(mut self, certificate: Certificate) -> Self {
        self.settings.certificate = certificate;
        self
    }

    /// Offers TLS 1.2 only.
    ///
    /// Defaults to TLS 1.2 and 1.3.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().tls12_only(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn tls12_only(mut self, only: bool) -> Self {
        self.settings.tls12_only = only;
        self
    }

    /// Sends no response sooner than this after its request.
    ///
    /// Requests on several connections wait at the same time, so that the concurrency of a client
    /// can be measured. The time to evaluate the request is part of the latency. That of
    /// [`Fault::delay_head`](crate::Fault::delay_head) comes on top.
    ///
    /// Defaults to zero.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().latency(Duration::from_millis(200)).start();
    /// // Call the client under test here.
    /// assert!(emulator.max_in_flight() <= 4);
    /// ```
    pub const fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// Prints a line for every request to standard error.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // For a test that fails and does not say why.
    /// let emulator = Emulator::builder().verbose(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn verbose(mut self, verbose: bool) -> Self {
        self.settings.verbose = verbose;
        self
    }
}

/// Clock and data.
impl Builder {
    /// Stops the clock at this time, in seconds since 1970.
    ///
    /// Defaults to the system's clock. The `Date` header follows this clock too, apart from
    /// [`date_offset`](Self::date_offset).
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // 2026-01-01T12:00:00Z
    /// let emulator = Emulator::builder().clock(1_767_268_800).start();
    /// assert_eq!(emulator.now(), 1_767_268_800);
    /// ```
    pub const fn clock(mut self, unix_seconds: i64) -> Self {
        self.settings.clock = Some(unix_seconds);
        self
    }

    /// Enables the data of the demo organization. Its resources exist in any case.
    ///
    /// Defaults to true.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().demo(false).start();
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// assert!(emulator.raw_points(metric, 1_767_225_600, 1_767_268_800).is_empty());
    /// ```
    pub const fn demo(mut self, demo: bool) -> Self {
        self.settings.demo = demo;
        self
    }

    /// Adds a Kafka cluster `lkc-big` with this many topics.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A result of several pages: the service returns at most 1000 groups in one.
    /// let emulator = Emulator::builder().topics(2_500).start();
    /// # let _ = emulator;
    /// ```
    pub const fn topics(mut self, topics: usize) -> Self {
        self.settings.topics = topics;
        self
    }

    /// Adds a Kafka cluster with this id and the topics of `lkc-1`.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().kafka_cluster("lkc-test").start();
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let hour = emulator.now() - 7_200;
    /// let points = emulator.raw_points(metric, hour, hour + 3_600);
    /// let label = ("resource.kafka.id".to_owned(), "lkc-test".to_owned());
    /// assert!(points.iter().any(|point| point.labels.contains(&label)));
    /// ```
    pub fn kafka_cluster(mut self, id: &str) -> Self {
        self.settings.clusters.push(id.to_owned());
        self
    }
}

/// Rate limits.
impl Builder {
    /// Limits the requests of a client address in a window, over all operations.
    ///
    /// A window starts with its first allowed request. A request that exceeds the limit gets
    /// 429 with an empty body, and does not count.
    ///
    /// This is the first set of headers. The second set is that of the operation: its
    /// [`operation_limit`](Self::operation_limit), or sixty times this limit in sixty windows.
    ///
    /// Defaults to no limit.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().rate_limit(50).start();
    /// // Call the client under test here. A good one waits before it exceeds the limit.
    /// assert_eq!(emulator.rate_limited(), 0);
    /// ```
    pub const fn rate_limit(mut self, per_window: u32) -> Self {
        self.settings.limits.rate_limit = Some(per_window);
        self
    }

    /// Sets the window of [`rate_limit`](Self::rate_limit) and `operation_limit`.
    ///
    /// It is rounded up to whole seconds, because `rateLimit-reset` is in seconds.
    ///
    /// Defaults to a minute.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let window = Duration::from_secs(2);
    /// let emulator = Emulator::builder().rate_limit(10).rate_window(window).start();
    /// # let _ = emulator;
    /// ```
    pub const fn rate_window(mut self, window: Duration) -> Self {
        self.settings.limits.rate_window = window;
        self
    }

    /// Limits the requests for an operation in a window, of all clients together.
    ///
    /// Operations are named by their path: `query`, `descriptors/metrics`. A request that
    /// exceeds the limit gets 429 with a body that names the operation.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().operation_limit("query", 5).start();
    /// # let _ = emulator;
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if there is no such operation.
    #[track_caller]
    pub fn operation_limit(mut self, operation: &str, per_window: u32) -> Self {
        assert!(
            route::is_operation(operation),
            "unknown operation {operation:?}"
        );
        let limits = &mut self.settings.limits.operation_limits;
        limits.insert(operation.to_owned(), per_window);
        self
    }

    /// Limits the exports of a resource by one caller in an
    /// [`export_window`](Self::export_window).
    ///
    /// An export of several resources counts for each of them. One that exceeds a limit gets
    /// 429 with a body that names the resources. The second set of its headers is that of the
    /// resource with the least left. For exports, this replaces
    /// [`operation_limit`](Self::operation_limit).
    ///
    /// Defaults to no limit.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // The limit of the real service is 60 an hour.
    /// let emulator = Emulator::builder().export_limit(60).start();
    /// # let _ = emulator;
    /// ```
    pub const fn export_limit(mut self, per_window: u32) -> Self {
        self.settings.limits.export_limit = Some(per_window);
        self
    }

    /// Sets the window of [`export_limit`](Self::export_limit), rounded up to whole seconds.
    ///
    /// Defaults to an hour.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let window = Duration::from_secs(2);
    /// let emulator = Emulator::builder().export_limit(1).export_window(window).start();
    /// # let _ = emulator;
    /// ```
    pub const fn export_window(mut self, window: Duration) -> Self {
        self.settings.limits.export_window = window;
        self
    }

    /// Sets the form of the rate-limit headers.
    ///
    /// Defaults to [`RateHeaders::Repeated`].
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, RateHeaders};
    ///
    /// // As a gateway joins repeated headers.
    /// let headers = RateHeaders::Joined;
    /// let emulator = Emulator::builder().rate_limit(50).rate_headers(headers).start();
    /// # let _ = emulator;
    /// ```
    pub const fn rate_headers(mut self, headers: RateHeaders) -> Self {
        self.settings.rate_headers = headers;
        self
    }

    /// Sends `Retry-After` with the 429 of a rate limit.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().rate_limit(1).retry_after(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn retry_after(mut self, retry_after: bool) -> Self {
        self.settings.retry_after = retry_after;
        self
    }
}

/// Responses to queries and lists.
impl Builder {
    /// Limits the groups, rows or descriptors of a page, whatever the request's limit.
    ///
    /// Granularity `ALL` has no pages and is not limited. Defaults to no cap.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A result of three groups has two pages.
    /// let emulator = Emulator::builder().page_cap(2).start();
    /// # let _ = emulator;
    /// ```
    pub const fn page_cap(mut self, groups: usize) -> Self {
        self.settings.page_cap = groups;
        self
    }

    /// Sets the time after which a page token expires, by the system's clock.
    ///
    /// Defaults to five minutes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A client that pauses between two pages has to read the first one again.
    /// let lifetime = Duration::from_millis(200);
    /// let emulator = Emulator::builder().page_cap(1).token_lifetime(lifetime).start();
    /// # let _ = emulator;
    /// ```
    pub const fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Sends the next page as an absolute URL in `links.next`, without a token in `meta`.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // The client must follow the URL, because there is no token.
    /// let emulator = Emulator::builder().page_cap(1).links_only(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn links_only(mut self, links_only: bool) -> Self {
        self.settings.links_only = links_only;
        self
    }

    /// Sends `meta` in every response to a query, even if there is no next page.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // The last page has `meta` too, without a token.
    /// let emulator = Emulator::builder().always_meta(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn always_meta(mut self, always: bool) -> Self {
        self.settings.always_meta = always;
        self
    }

    /// Prints integral values as `12` in place of `12.0`.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A client that expects a decimal point in every number fails.
    /// let emulator = Emulator::builder().integers(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn integers(mut self, integers: bool) -> Self {
        self.settings.style.integers = integers;
        self
    }

    /// Prints times with milliseconds: `2022-04-21T15:10:00.000Z`.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A client that expects times of 20 characters fails.
    /// let emulator = Emulator::builder().millis(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn millis(mut self, millis: bool) -> Self {
        self.settings.style.millis = millis;
        self
    }

    /// Sends points in descending order of time, as the documentation says.
    ///
    /// Defaults to ascending order, as the service does.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A client that takes the last point for the latest one fails.
    /// let emulator = Emulator::builder().newest_first(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn newest_first(mut self, newest_first: bool) -> Self {
        self.settings.style.newest_first = newest_first;
        self
    }

    /// Rejects invalid bodies with 422 in place of 400.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A client that knows 400 only fails.
    /// let emulator = Emulator::builder().unprocessable(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn unprocessable(mut self, unprocessable: bool) -> Self {
        self.settings.unprocessable = unprocessable;
        self
    }

    /// Requires credentials for descriptors.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // A client that lists metrics without a key gets 401.
    /// let emulator = Emulator::builder().closed_descriptors(true).start();
    /// # let _ = emulator;
    /// ```
    pub const fn closed_descriptors(mut self, closed: bool) -> Self {
        self.settings.closed_descriptors = closed;
        self
    }

    /// Compresses responses for clients that accept gzip.
    ///
    /// Defaults to true.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // Bodies that are easy to read in a packet capture.
    /// let emulator = Emulator::builder().gzip(false).start();
    /// # let _ = emulator;
    /// ```
    pub const fn gzip(mut self, gzip: bool) -> Self {
        self.settings.gzip = gzip;
        self
    }

    /// Shifts the `Date` header against the clock. Negative seconds are earlier.
    ///
    /// Defaults to 0.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // The client's clock seems to be ten minutes slow.
    /// let emulator = Emulator::builder().date_offset(600).start();
    /// # let _ = emulator;
    /// ```
    pub const fn date_offset(mut self, seconds: i64) -> Self {
        self.settings.date_offset = Some(seconds);
        self
    }

    /// Sends no `Date` header.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // The client cannot compare its clock with the service's.
    /// let emulator = Emulator::builder().without_date().start();
    /// # let _ = emulator;
    /// ```
    pub const fn without_date(mut self) -> Self {
        self.settings.date_offset = None;
        self
    }
}

/// Exports and discovery.
impl Builder {
    /// Sets the dialect of exports.
    ///
    /// Defaults to [`ExportDialect::Standard`].
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, ExportDialect};
    ///
    /// let dialect = ExportDialect::Recorded;
    /// let emulator = Emulator::builder().export_dialect(dialect).start();
    /// # let _ = emulator;
    /// ```
    pub const fn export_dialect(mut self, dialect: ExportDialect) -> Self {
        self.settings.export_dialect = dialect;
        self
    }

    /// Limits the points of a metric and resource type in an export.
    ///
    /// Further points are silently left out, as the service does. Defaults to 60,000.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// // Every metric with more than ten series is truncated.
    /// let emulator = Emulator::builder().export_cap(10).start();
    /// # let _ = emulator;
    /// ```
    pub const fn export_cap(mut self, points: usize) -> Self {
        self.settings.export_cap = points;
        self
    }

    /// Makes every export of a metric fail. May be called repeatedly.
    ///
    /// The response is 500. With `ignore_failed_metrics=true`, the metric is reported in
    /// `export_status`.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let emulator = Emulator::builder().failing_export(metric).start();
    /// # let _ = emulator;
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the metric is unknown.
    #[track_caller]
    pub fn failing_export(mut self, metric: &str) -> Self {
        let name = catalogue::expect(metric).name;
        self.settings.failing_exports.insert(name.to_owned());
        self
    }

    /// Sets the host, and optionally the port, of the targets that discovery lists.
    ///
    /// Defaults to the emulator's address. The real service lists
    /// `api.telemetry.confluent.cloud`.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let host = "api.telemetry.confluent.cloud";
    /// let emulator = Emulator::builder().discovery_target(host).start();
    /// # let _ = emulator;
    /// ```
    pub fn discovery_target(mut self, host: &str) -> Self {
        self.settings.discovery_target = Some(host.to_owned());
        self
    }
}
