//! The client, with the methods for each operation in a file of its own.

mod access;
mod attributes;
mod builder;
mod connection;
mod descriptors;
mod discovery;
mod environment;
mod events;
mod export;
mod parallel;
mod query;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::builder::ClientBuilder;

use crate::client::settings::MAX_DURATION;
use crate::dataset;
use crate::model::rate_limit::RateLimit;
use crate::request::operation::Operation;
use crate::time::call_context::CallContext;
use crate::time::cancel::CancelToken;
use crate::time::deadline::{CallLimits, Deadline};
use crate::time::timestamp::Timestamp;
use crate::transport::Transport;
use crate::util::text::{percent_encode, sanitize_line};

/// A blocking client of the Metrics API.
///
/// Clones are cheap. They share one connection pool and the rate limits of the service. A client
/// can be used by several threads at once.
///
/// # Example
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let metric = "io.confluent.kafka.server/sent_bytes";
/// let query = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
///     .filter(Resource::kafka("lkc-1"))
///     .group_by(["metric.topic"]);
/// for series in client.query(&query)? {
///     println!("{} {:?}", series.labels(), series.last());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    /// The state that clones share.
    inner: Arc<Inner>,
    /// The limits of every call of this clone.
    limits: CallLimits,
}

/// The settings of a client, and its connections.
struct Inner {
    /// The connections and rate limits, which pagers share.
    transport: Arc<Transport>,
    /// The dataset of all requests.
    dataset: String,
    /// The number of requests that one call keeps in flight.
    concurrency: usize,
    /// The time after an event at which its point is final.
    data_latency: Duration,
    /// The time for which the service keeps points.
    retention: Duration,
}

impl Client {
    /// Returns a client whose calls may take another time than
    /// [`ClientBuilder::deadline`](ClientBuilder::deadline).
    ///
    /// It shares the connections and rate limits of this one, so it is as cheap as a clone. It
    /// suits a single call as well.
    ///
    /// A deadline of zero lets every call that needs a request fail with
    /// [`Timeout`](crate::ErrorKind::Timeout).
    ///
    /// # Example: a short deadline for one call
    ///
    /// ```
    /// use std::time::Duration;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let metrics = client
    ///     .with_deadline(Duration::from_secs(20))
    ///     .metric_descriptors()?;
    /// # let _ = metrics;
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "timeout")]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        let mut client = self.clone();
        client.limits.timeout = deadline.min(MAX_DURATION);
        client
    }

    /// Returns a client whose calls end when `token` is canceled.
    ///
    /// A call returns within 250 ms after [`CancelToken::cancel`], whatever it waits for. Its error
    /// is [`Cancelled`](crate::ErrorKind::Cancelled). A call that starts later sends nothing.
    ///
    /// The new client shares the connections and rate limits of this one, so it is as cheap as a
    /// clone. If this client has tokens, each of them cancels the calls of the new one, too.
    ///
    /// # Example: a token for the program and one for a call
    ///
    /// ```
    /// use confluent_metrics::{CancelToken, ErrorKind};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let shutdown = CancelToken::new();
    /// let client = client.with_cancel(&shutdown);
    ///
    /// let request_ended = CancelToken::new();
    /// let for_request = client.with_cancel(&request_ended);
    /// request_ended.cancel();
    /// let error = for_request.metric_descriptors().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Cancelled);
    /// client.metric_descriptors()?;
    ///
    /// shutdown.cancel();
    /// let error = client.metric_descriptors().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Cancelled);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn with_cancel(&self, token: &CancelToken) -> Self {
        let mut client = self.clone();
        client.limits.tokens.push(token.clone());
        client
    }

    /// Returns the rate limits from the latest responses to this client and its clones.
    ///
    /// The limit for all requests is first. The list is empty before the first response, and if
    /// the service does not send its limits. The client waits by itself when a limit is exhausted.
    ///
    /// # Example
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// client.resource_descriptors()?;
    /// for limit in client.rate_limits() {
    ///     println!("{} of {} requests left", limit.remaining(), limit.limit());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        self.inner.transport.rate_limits()
    }

    /// Returns a client whose calls take at most `limit`, or less if that is its deadline.
    pub(crate) fn with_deadline_at_most(&self, limit: Duration) -> Self {
        self.with_deadline(limit.min(self.limits.timeout))
    }

    /// Starts the time of a call, which ends early if a token of this client is canceled.
    pub(crate) fn start_deadline(&self) -> Deadline {
        self.limits.start()
    }

    /// Reads the clock, cut to the second, for one call.
    pub(crate) fn call_context(&self) -> CallContext {
        CallContext {
            // Requests and error messages then have times without a fraction.
            now: Timestamp::now().floor_to_ms(1000),
            data_latency: self.inner.data_latency,
            retention: self.inner.retention,
        }
    }

    #[cfg(fuzzing)]
    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// Returns the path of an operation, without parameters.
    fn path(&self, operation: Operation) -> String {
        let dataset = percent_encode(&self.inner.dataset);
        format!("/v2/metrics/{dataset}/{}", operation.path())
    }

    /// Returns the context of errors about a metric, or about none if its name is empty.
    fn metric_context(&self, what: &str, metric: &str) -> String {
        if metric.is_empty() {
            return self.context(what);
        }
        self.context(&format!("{what} of {}", sanitize_line(metric, 200)))
    }

    /// Returns the context of an error: the call, and its dataset if it is not the default.
    fn context(&self, what: &str) -> String {
        // Most programs use one dataset, so the default would be noise.
        if self.inner.dataset == dataset::CLOUD {
            return what.to_owned();
        }
        let dataset = sanitize_line(&self.inner.dataset, 60);
        format!("{what} (dataset {dataset})")
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.inner.transport.base().origin())
            .field("dataset", &self.inner.dataset)
            .finish_non_exhaustive()
    }
}
