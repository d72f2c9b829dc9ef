//! The builder of clients, with the default of each setting.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::settings::{
    MAX_DURATION, ProxySetting, RootsSetting, USER_AGENT, require_dataset_name, require_positive,
    user_agent,
};
use crate::client::{Client, Inner};
use crate::dataset;
use crate::error::Error;
use crate::time::call_context::DATA_LATENCY;
use crate::time::deadline::CallLimits;
use crate::transport::Transport;
use crate::transport::config::{TlsRoots, TransportConfig};
use crate::transport::credentials::Credentials;
use crate::transport::event::{EventListener, OnEvent};
use crate::transport::proxy::ProxyChoice;
use crate::transport::url::BaseUrl;

/// A builder for [`Client`], created by [`Client::builder`].
///
/// Setters never fail. [`build`](Self::build) reports invalid settings.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use confluent_metrics::{Client, Credentials};
///
/// let client = Client::builder(Credentials::api_key("key", "secret")?)
///     .deadline(Duration::from_secs(60))
///     .user_agent("lag-report/1.0")
///     .build()?;
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    credentials: Credentials,
    base_url: Option<String>,
    dataset: String,
    attempt_timeout: Duration,
    connect_timeout: Duration,
    max_retries: u32,
    deadline: Duration,
    max_response_bytes: u64,
    data_latency: Duration,
    retention: Duration,
    concurrency: usize,
    pub(super) proxy: ProxySetting,
    pub(super) roots: RootsSetting,
    user_agent: Option<String>,
    pub(super) on_event: Option<Arc<OnEvent>>,
}

impl Client {
    /// Creates a client of the production service with default settings.
    ///
    /// Only the proxy settings are read from the environment, as
    /// [`ClientBuilder::proxy`] describes. If they are invalid, every call fails.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Client, Credentials};
    ///
    /// let client = Client::new(Credentials::api_key("key", "secret")?);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        let base = BaseUrl::production();
        let proxy = ProxyChoice::from_env(&base);
        let roots = TlsRoots::BuiltIn;
        Self::builder(credentials).build_unchecked(base, proxy, roots, USER_AGENT.to_owned())
    }

    /// Returns a builder with default settings.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Client, Credentials};
    ///
    /// let credentials = Credentials::api_key("key", "secret")?;
    /// let client = Client::builder(credentials).max_retries(2).build()?;
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn builder(credentials: Credentials) -> ClientBuilder {
        ClientBuilder {
            credentials,
            base_url: None,
            dataset: dataset::CLOUD.into(),
            attempt_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            max_retries: 4,
            deadline: Duration::from_secs(300),
            max_response_bytes: 256 << 20,
            data_latency: DATA_LATENCY,
            retention: Duration::from_secs(7 * 86_400),
            concurrency: 4,
            proxy: ProxySetting::Environment,
            roots: RootsSetting::BuiltIn,
            user_agent: None,
            on_event: None,
        }
    }
}

impl ClientBuilder {
    /// Sets the URL of the service.
    ///
    /// The scheme must be `https`. User info, a query and a fragment are not allowed. A path is
    /// prepended to the path of every request.
    ///
    /// Defaults to `https://api.telemetry.confluent.cloud`.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.base_url("https://gateway.example/metrics");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets the dataset. The module [`dataset`] has the known names.
    ///
    /// Defaults to `cloud`.
    ///
    /// See the vendor's
    /// [datasets](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Datasets).
    ///
    /// ```
    /// use confluent_metrics::dataset;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.dataset(dataset::CLOUD_CUSTOM);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn dataset(mut self, dataset: impl Into<String>) -> Self {
        self.dataset = dataset.into();
        self
    }

    /// Sets the timeout for one attempt, from the name lookup to the last byte of the response.
    ///
    /// A request whose attempt timed out is sent once more, if the
    /// [deadline](Self::deadline) leaves time.
    ///
    /// Defaults to 30 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.attempt_timeout(Duration::from_secs(10));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets the timeout for connecting, over all addresses of the host together.
    ///
    /// It includes the TLS handshake, and the connection through a proxy with the lookup of its
    /// name. The time also counts towards [`attempt_timeout`](Self::attempt_timeout).
    ///
    /// Defaults to 10 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.connect_timeout(Duration::from_secs(3));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the maximum number of retries per request.
    ///
    /// Transient failures are retried: status 408, 429 and 5xx, failed name lookups, and
    /// connections that were refused or broke. A timeout is retried at most once.
    ///
    /// The client waits a random part of a backoff, which doubles from half a second to 30
    /// seconds. If the service asks for a longer wait, the client waits that long and up to 10 %
    /// longer, at most one second, so that clients do not retry all at once.
    ///
    /// Defaults to 4. The [deadline](Self::deadline) may end a call before that.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.max_retries(0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the deadline of a call, with all of its windows, pages, waits and retries.
    ///
    /// Each `next` of [`Pages`](crate::Pages) is a call of its own. A wait that would end after the
    /// deadline is not started: the call fails at once.
    ///
    /// Defaults to 5 minutes.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.deadline(Duration::from_secs(60));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the maximum size of a response body, after decompression.
    ///
    /// A larger response is a [`TooLarge`](crate::ErrorKind::TooLarge) error.
    ///
    /// Defaults to 256 MiB.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.max_response_bytes(16 << 20);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn max_response_bytes(mut self, bytes: u64) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Sets the number of requests that one call keeps in flight.
    ///
    /// [`Client::query`] and [`Client::query_all`] read several windows at the same time, and
    /// [`Client::export`] several batches. The result does not depend on this number. Each request
    /// needs a thread while the call runs, the calling thread included, and the memory of one
    /// response of at most [`max_response_bytes`](Self::max_response_bytes).
    ///
    /// The number is per call. Calls on several threads do not share it.
    ///
    /// Defaults to 4.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.concurrency(8);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests;
        self
    }

    /// Sets the time that the service needs to count all events of a bucket.
    ///
    /// Later buckets are incomplete. So [`Interval::last`](crate::Interval::last) ends that long
    /// before now, and an absolute interval that ends later is invalid.
    ///
    /// Defaults to 3 minutes.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.data_latency(Duration::from_secs(600));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn data_latency(mut self, latency: Duration) -> Self {
        self.data_latency = latency;
        self
    }

    /// Sets the time for which the service keeps points.
    ///
    /// A bucket that starts before that is partly or completely gone. A query for such a bucket is
    /// invalid, unless it [allows truncated results](crate::Query::allow_truncated).
    /// [`Interval::retained`](crate::Interval::retained) covers all buckets that are left.
    ///
    /// Defaults to 7 days.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.retention(Duration::from_secs(30 * 86_400));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Sets the name of the program in the `User-Agent` header, before
    /// `confluent-metrics/<version>`.
    ///
    /// The name must be printable ASCII.
    ///
    /// Defaults to `confluent-metrics/<version>` alone.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.user_agent("lag-report/1.0");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Builds the client. No request is sent.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Client, Credentials, ErrorKind};
    ///
    /// let credentials = Credentials::api_key("key", "secret")?;
    /// let builder = Client::builder(credentials).base_url("http://localhost");
    /// assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the base URL, the proxy, the
    /// certificates, the dataset or the user agent is invalid, or if a timeout or the concurrency
    /// is zero.
    pub fn build(self) -> Result<Client, Error> {
        require_dataset_name(&self.dataset)?;
        require_positive("attempt timeout", self.attempt_timeout)?;
        require_positive("connect timeout", self.connect_timeout)?;
        require_positive("deadline", self.deadline)?;
        if self.concurrency == 0 {
            return Err(Error::invalid_input(
                "concurrency must be greater than zero",
            ));
        }
        let base = match &self.base_url {
            Some(url) => BaseUrl::parse(url)?,
            None => BaseUrl::production(),
        };
        let proxy = self.proxy.resolve(&base)?;
        let roots = self.roots.parse()?;
        let user_agent = user_agent(self.user_agent.as_deref())?;
        Ok(self.build_unchecked(base, proxy, roots, user_agent))
    }

    /// Builds the client from settings that are valid.
    // `Client::new` cannot fail, so it calls this directly: an invalid proxy fails every call.
    fn build_unchecked(
        self,
        base: BaseUrl,
        proxy: ProxyChoice,
        tls_roots: TlsRoots,
        user_agent: String,
    ) -> Client {
        let config = TransportConfig {
            base,
            credentials: self.credentials,
            attempt_timeout: self.attempt_timeout.min(MAX_DURATION),
            connect_timeout: self.connect_timeout.min(MAX_DURATION),
            max_retries: self.max_retries,
            max_response_bytes: self.max_response_bytes,
            proxy,
            tls_roots,
            user_agent,
        };
        let transport = Transport::new(config, EventListener::new(self.on_event));
        Client {
            inner: Arc::new(Inner {
                transport: Arc::new(transport),
                dataset: self.dataset,
                concurrency: self.concurrency,
                data_latency: self.data_latency,
                retention: self.retention,
            }),
            limits: CallLimits {
                timeout: self.deadline.min(MAX_DURATION),
                tokens: Vec::new(),
            },
        }
    }
}

impl fmt::Debug for ClientBuilder {
    /// Omits the base URL and the proxy, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("credentials", &self.credentials)
            .field("dataset", &self.dataset)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
