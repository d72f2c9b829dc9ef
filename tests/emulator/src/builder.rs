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
    pub const fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// Sets the certificate of the server.
    ///
    /// Defaults to [`Certificate::Good`].
    pub const fn certificate(mut self, certificate: Certificate) -> Self {
        self.settings.certificate = certificate;
        self
    }

    /// Offers TLS 1.2 only.
    ///
    /// Defaults to TLS 1.2 and 1.3.
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
    pub const fn clock(mut self, unix_seconds: i64) -> Self {
        self.settings.clock = Some(unix_seconds);
        self
    }

    /// Enables the data of the demo organization. Its resources exist in any case.
    ///
    /// Defaults to true.
    pub const fn demo(mut self, demo: bool) -> Self {
        self.settings.demo = demo;
        self
    }

    /// Adds a Kafka cluster `lkc-big` with this many topics.
    pub const fn topics(mut self, topics: usize) -> Self {
        self.settings.topics = topics;
        self
    }

    /// Adds a Kafka cluster with this id and the topics of `lkc-1`.
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
    pub const fn rate_limit(mut self, per_window: u32) -> Self {
        self.settings.limits.rate_limit = Some(per_window);
        self
    }

    /// Sets the window of [`rate_limit`](Self::rate_limit) and `operation_limit`.
    ///
    /// It is rounded up to whole seconds, because `rateLimit-reset` is in seconds.
    ///
    /// Defaults to a minute.
    pub const fn rate_window(mut self, window: Duration) -> Self {
        self.settings.limits.rate_window = window;
        self
    }

    /// Limits the requests for an operation in a window, of all clients together.
    ///
    /// Operations are named by their path: `query`, `descriptors/metrics`. A request that
    /// exceeds the limit gets 429 with a body that names the operation.
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
    pub const fn export_limit(mut self, per_window: u32) -> Self {
        self.settings.limits.export_limit = Some(per_window);
        self
    }

    /// Sets the window of [`export_limit`](Self::export_limit), rounded up to whole seconds.
    ///
    /// Defaults to an hour.
    pub const fn export_window(mut self, window: Duration) -> Self {
        self.settings.limits.export_window = window;
        self
    }

    /// Sets the form of the rate-limit headers.
    ///
    /// Defaults to [`RateHeaders::Repeated`].
    pub const fn rate_headers(mut self, headers: RateHeaders) -> Self {
        self.settings.rate_headers = headers;
        self
    }

    /// Sends `Retry-After` with the 429 of a rate limit.
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
    pub const fn page_cap(mut self, groups: usize) -> Self {
        self.settings.page_cap = groups;
        self
    }

    /// Sets the time after which a page token expires, by the system's clock.
    ///
    /// Defaults to five minutes.
    pub const fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Sends the next page as an absolute URL in `links.next`, without a token in `meta`.
    pub const fn links_only(mut self, links_only: bool) -> Self {
        self.settings.links_only = links_only;
        self
    }

    /// Sends `meta` in every response to a query, even if there is no next page.
    pub const fn always_meta(mut self, always: bool) -> Self {
        self.settings.always_meta = always;
        self
    }

    /// Prints integral values as `12` in place of `12.0`.
    pub const fn integers(mut self, integers: bool) -> Self {
        self.settings.style.integers = integers;
        self
    }

    /// Prints times with milliseconds: `2022-04-21T15:10:00.000Z`.
    pub const fn millis(mut self, millis: bool) -> Self {
        self.settings.style.millis = millis;
        self
    }

    /// Sends points in descending order of time, as the documentation says.
    ///
    /// Defaults to ascending order, as the service does.
    pub const fn newest_first(mut self, newest_first: bool) -> Self {
        self.settings.style.newest_first = newest_first;
        self
    }

    /// Rejects invalid bodies with 422 in place of 400.
    pub const fn unprocessable(mut self, unprocessable: bool) -> Self {
        self.settings.unprocessable = unprocessable;
        self
    }

    /// Requires credentials for descriptors.
    pub const fn closed_descriptors(mut self, closed: bool) -> Self {
        self.settings.closed_descriptors = closed;
        self
    }

    /// Compresses responses for clients that accept gzip.
    ///
    /// Defaults to true.
    pub const fn gzip(mut self, gzip: bool) -> Self {
        self.settings.gzip = gzip;
        self
    }

    /// Shifts the `Date` header against the clock. Negative seconds are earlier.
    ///
    /// Defaults to 0.
    pub const fn date_offset(mut self, seconds: i64) -> Self {
        self.settings.date_offset = Some(seconds);
        self
    }

    /// Sends no `Date` header.
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
    pub const fn export_dialect(mut self, dialect: ExportDialect) -> Self {
        self.settings.export_dialect = dialect;
        self
    }

    /// Limits the points of a metric and resource type in an export.
    ///
    /// Further points are silently left out, as the service does. Defaults to 60,000.
    pub const fn export_cap(mut self, points: usize) -> Self {
        self.settings.export_cap = points;
        self
    }

    /// Makes every export of a metric fail. May be called repeatedly.
    ///
    /// The response is 500. With `ignore_failed_metrics=true`, the metric is reported in
    /// `export_status`.
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
    pub fn discovery_target(mut self, host: &str) -> Self {
        self.settings.discovery_target = Some(host.to_owned());
        self
    }
}
