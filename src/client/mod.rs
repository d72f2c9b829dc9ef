use std::fmt;
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::dataset;
use crate::decode::error::DecodeError;
use crate::decode::export::{Export, ExportResponse};
use crate::decode::exposition::{self, BYTE_ORDER_MARK};
use crate::decode::{self, ListPage};
use crate::error::{Error, ErrorKind};
use crate::model::descriptor::{MetricDescriptor, ResourceDescriptor};
use crate::model::labels::Labels;
use crate::model::series::{QueryResult, Series};
use crate::pagination::list::{self, PageRequest, decode_error, invalid_response};
use crate::pagination::merge::collect;
use crate::pagination::pages::{Pages, QueryPager, retention_error};
use crate::request::attribute_query::AttributeQuery;
use crate::request::discovery::{DiscoveryRequest, TargetGroup};
use crate::request::export::{Batch, ExportFormat, ExportRequest, MAX_URL};
use crate::request::operation::Operation;
use crate::request::plan::{Plan, attribute_plan, expired, plan};
use crate::request::problems::Problems;
use crate::request::query::{MAX_PAGE_SIZE, Query};
use crate::time::call_context::{CallContext, DATA_LATENCY};
use crate::time::deadline::Deadline;
use crate::time::timestamp::Timestamp;
use crate::transport::credentials::Credentials;
use crate::transport::hints::with_operation_hint;
use crate::transport::proxy::ProxyChoice;
use crate::transport::rate_limit::RateLimit;
use crate::transport::tls::TlsRoots;
use crate::transport::url::BaseUrl;
use crate::transport::{APPLICATION_JSON, Request, ResponseBody, Transport, TransportConfig};
use crate::util::text::{percent_encode, sanitize_line};

/// A blocking client of the Metrics API.
///
/// Clones are cheap and share one pool of connections; threads may use one client, or clones of it, at once.
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
///
/// let query = Query::new("io.confluent.kafka.server/sent_bytes", Granularity::OneMinute, Interval::last_hours(1))
///     .filter(Resource::kafka("lkc-1"))
///     .group_by(["metric.topic"]);
/// for series in client.query(&query)? {
///     println!("{} {:?}", series.labels(), series.last());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Arc<Transport>,
    dataset: String,
    deadline: Duration,
    data_latency: Duration,
    retention: Duration,
}

/// How a [`Client`] reaches the service, and for how long it tries.
///
/// What is wrong is refused by [`build`](Self::build).
#[must_use = "nothing is made before `build`"]
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
    proxy: ProxySetting,
    trust: TrustSetting,
    user_agent: Option<String>,
}

enum ProxySetting {
    Environment,
    Direct,
    Url(String),
}

enum TrustSetting {
    BuiltIn,
    Pem(Vec<u8>),
    #[cfg(feature = "platform-verifier")]
    Platform,
}

/// Longer than any program waits, and short enough to be added to any reading of a clock.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 86_400);

const BASE_URL: &str = "CONFLUENT_METRICS_BASE_URL";
const CA_FILE: &str = "CONFLUENT_METRICS_CA_FILE";

impl Client {
    /// A client of the service itself, with every setting at its default.
    ///
    /// Of the environment it reads the proxy alone. `CONFLUENT_METRICS_BASE_URL` and `CONFLUENT_METRICS_CA_FILE` are for
    /// [`from_env`](Self::from_env).
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        let base = BaseUrl::production();
        let proxy = ProxyChoice::from_env(&base);
        Self::builder(credentials).build_unchecked(base, proxy, TlsRoots::BuiltIn, user_agent(None))
    }

    /// A client with settings of one's own.
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
            proxy: ProxySetting::Environment,
            trust: TrustSetting::BuiltIn,
            user_agent: None,
        }
    }

    /// A client as the environment says: credentials as [`Credentials::from_env`] finds them, the base URL in
    /// `CONFLUENT_METRICS_BASE_URL` and a file of root certificates in PEM in `CONFLUENT_METRICS_CA_FILE`, where these two
    /// are set and not empty.
    ///
    /// So any program that uses it can be pointed at an emulator started by hand.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where there is no key pair, or a variable's value is of no use.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder_from_env()?.build()
    }

    /// What [`from_env`](Self::from_env) makes a client of, for further settings of one's own.
    ///
    /// # Errors
    /// As of [`from_env`](Self::from_env).
    pub fn builder_from_env() -> Result<ClientBuilder, Error> {
        let mut builder = Self::builder(Credentials::from_env()?);
        if let Some(url) = std::env::var_os(BASE_URL).filter(|url| !url.is_empty()) {
            let url = url
                .into_string()
                .map_err(|_| Error::invalid_input(format!("{BASE_URL} is not valid Unicode")))?;
            BaseUrl::parse(&url)
                .map_err(|error| error.with_note(&format!("it is from {BASE_URL}")))?;
            builder = builder.base_url(url);
        }
        if let Some(file) = std::env::var_os(CA_FILE).filter(|file| !file.is_empty()) {
            let pem = std::fs::read(&file).map_err(|error| {
                let file = sanitize_line(&Path::new(&file).to_string_lossy(), 200);
                Error::invalid_input(format!(
                    "the file {file}, which {CA_FILE} names, cannot be read"
                ))
                .with_source(error)
            })?;
            TlsRoots::from_pem(&pem).map_err(|error| {
                error.with_note(&format!("they are from the file that {CA_FILE} names"))
            })?;
            builder = builder.root_certificates_pem(pem);
        }
        Ok(builder)
    }

    /// The whole answer to `query`: every window and every page, put together.
    ///
    /// An interval longer than the granularity allows is asked for in several requests.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming every fault of the query, before anything is sent;
    /// [`Incomplete`](crate::ErrorKind::Incomplete) where the service gives only a part and the query does not
    /// [allow](Query::allow_truncated) that; any other [kind](crate::ErrorKind) where no answer comes.
    pub fn query(&self, query: &Query) -> Result<QueryResult, Error> {
        self.query_with(query, &self.call_context())
    }

    /// The whole answer, with intervals resolved by a reading of the clock that the caller goes on with.
    pub(crate) fn query_with(
        &self,
        query: &Query,
        clock: &CallContext,
    ) -> Result<QueryResult, Error> {
        let deadline = Deadline::after(self.inner.deadline);
        collect(self.pager(query, clock)?, &deadline)
    }

    /// One reading of the clock, to the second.
    pub(crate) fn call_context(&self) -> CallContext {
        CallContext {
            now: Timestamp::now().floor_to_ms(1000),
            data_latency: self.inner.data_latency,
            retention: self.inner.retention,
        }
    }

    /// The answer to `query` page by page, each fetched when it is asked for.
    ///
    /// An answer that is not whole ends in an error. A query that cannot be sent is the first and only item.
    ///
    /// If a page token expires, the window of time is read again, once. Groups handed out before are left out then,
    /// even if their points have changed since.
    pub fn query_pages(&self, query: &Query) -> Pages<Series> {
        Pages::new(self.pager(query, &self.call_context()), self.inner.deadline)
    }

    /// The bodies that [`query`](Self::query) would send, exactly: for each window the one of its first page, which is
    /// also that of its further pages.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming every fault of the query.
    pub fn request_bodies(&self, query: &Query) -> Result<Vec<String>, Error> {
        let plan = self.plan(query, &self.call_context())?;
        Ok(plan
            .windows
            .iter()
            .map(|window| window.body(query, None))
            .collect())
    }

    /// Which values, or combinations of values, the labels of a metric had: all of them, each once, in the service's order.
    ///
    /// A label that some of what was counted lacks is left out there.
    ///
    /// ```
    /// use confluent_metrics::{AttributeQuery, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
    ///
    /// let topics = AttributeQuery::new("io.confluent.kafka.server/sent_bytes", ["metric.topic"])
    ///     .filter(Resource::kafka("lkc-1"));
    /// for labels in client.attributes(&topics)? {
    ///     println!("{}", labels.get("metric.topic").unwrap_or("-"));
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming every fault of the query, before anything is sent; any
    /// other [kind](crate::ErrorKind) where no whole answer comes.
    #[inline]
    pub fn attributes(&self, query: &AttributeQuery) -> Result<Vec<Labels>, Error> {
        let labels = query
            .group_by
            .iter()
            .map(|label| sanitize_line(label, 100))
            .collect::<Vec<_>>()
            .join(", ");
        let operation = Operation::Attributes.name();
        let what = if labels.is_empty() {
            operation.to_owned()
        } else {
            format!("{operation} for {labels}")
        };
        let asked = || self.describe(&what, &query.metric);
        let clock = self.call_context();
        let plan = attribute_plan(query, &clock).map_err(|error| error.with_context(asked))?;
        let Some(body) = plan.body else {
            return Ok(Vec::new());
        };
        let source = PageRequest {
            transport: &self.inner.transport,
            operation: Operation::Attributes,
            path: &self.path(Operation::Attributes),
            body: Some(&body),
            is_relative: plan.is_relative,
        };
        let labels = self
            .fetch_all(&source, query.limit, decode::attributes)
            .map_err(|error| error.with_context(asked))?;
        match plan
            .start
            .and_then(|start| expired(start, &clock, Timestamp::now()))
        {
            Some(why) => Err(retention_error(&why).with_context(asked)),
            None => Ok(labels),
        }
    }

    /// Every metric of the dataset.
    ///
    /// See the vendor's
    /// [descriptors](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1descriptors~1metrics/get).
    /// That they are answered says nothing about a key: some services answer them to anybody.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
    /// for metric in client.metric_descriptors()? {
    ///     println!("{} (unit {})", metric.name(), metric.unit());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Any [kind](crate::ErrorKind) of failure, where no whole list comes.
    #[inline]
    pub fn metric_descriptors(&self) -> Result<Vec<MetricDescriptor>, Error> {
        self.descriptors(
            Operation::MetricDescriptors,
            "",
            Operation::MetricDescriptors.name(),
            decode::metric_descriptors,
        )
    }

    /// Every metric of the dataset that resources of this type have, such as `kafka`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where the type has no name; any other [kind](crate::ErrorKind)
    /// where no whole list comes.
    #[inline]
    pub fn metric_descriptors_for(
        &self,
        resource_type: &str,
    ) -> Result<Vec<MetricDescriptor>, Error> {
        let operation = Operation::MetricDescriptors;
        let what = format!(
            "{} of {}",
            operation.name(),
            sanitize_line(resource_type, 100)
        );
        let mut problems = Problems::default();
        problems.require_name("resource type", resource_type);
        problems
            .into_result("request")
            .map_err(|error| error.with_context(|| self.describe_in_dataset(operation.name())))?;
        let parameter = format!("&resource_type={}", percent_encode(resource_type));
        self.descriptors(operation, &parameter, &what, decode::metric_descriptors)
    }

    /// Every type of resources that the dataset has.
    ///
    /// # Errors
    /// Any [kind](crate::ErrorKind) of failure, where no whole list comes.
    #[inline]
    pub fn resource_descriptors(&self) -> Result<Vec<ResourceDescriptor>, Error> {
        self.descriptors(
            Operation::ResourceDescriptors,
            "",
            Operation::ResourceDescriptors.name(),
            decode::resource_descriptors,
        )
    }

    /// The newest point of every metric of some resources, read from one export.
    ///
    /// Where the address would grow too long for all of them, they are asked for in several requests and put together, sorted
    /// by metric. Asks for OpenMetrics, and takes the text of Prometheus as well.
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1")]).metric("io.confluent.kafka.server/sent_bytes");
    /// for sample in client.export(&request)?.require_complete()?.samples() {
    ///     println!("{}{} {}", sample.name(), sample.labels(), sample.value());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming every fault of the request, before anything is sent;
    /// [`Forbidden`](crate::ErrorKind::Forbidden) where none of the resources is accessible (where some are, the export says
    /// which are [not](Export::inaccessible)); [`Incomplete`](crate::ErrorKind::Incomplete) if a response in OpenMetrics
    /// ends with the connection and without `# EOF`; any other [kind](crate::ErrorKind) where no answer comes.
    #[inline]
    pub fn export(&self, request: &ExportRequest) -> Result<Export, Error> {
        self.export_batches(request)
            .map_err(|error| error.with_context(|| self.describe_in_dataset(&request.describe())))
    }

    /// The newest point of every metric of some resources, as the service's own text.
    ///
    /// The text is parsed as [`export`](Self::export) does and returned as it came, without a byte order mark. What is
    /// missing in it is said in the text alone.
    ///
    /// # Errors
    /// As [`export`](Self::export), and [`InvalidInput`](crate::ErrorKind::InvalidInput) where it takes more than one request,
    /// whose texts do not make one.
    #[inline]
    pub fn export_text(
        &self,
        request: &ExportRequest,
        format: ExportFormat,
    ) -> Result<String, Error> {
        self.export_single_batch(request, format)
            .map_err(|error| error.with_context(|| self.describe_in_dataset(&request.describe())))
    }

    /// What there is to scrape, as the service tells a Prometheus: groups of resources that may go into one export.
    ///
    /// A key's owner who may see nothing discovers nothing.
    ///
    /// ```
    /// use confluent_metrics::{DiscoveryRequest, ExportRequest};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
    ///
    /// for group in client.discover(&DiscoveryRequest::new().resource_type("kafka"))? {
    ///     let export = client.export(&ExportRequest::from(&group))?;
    ///     println!("{} samples of {} clusters", export.samples().len(), group.resources().len());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming every fault of the request, before anything is sent; any
    /// other [kind](crate::ErrorKind) where no answer comes.
    #[inline]
    pub fn discover(&self, request: &DiscoveryRequest) -> Result<Vec<TargetGroup>, Error> {
        let discovered = request.query_string().and_then(|parameters| {
            let path = &format!("{}{parameters}", self.path(Operation::Discovery));
            let deadline = Deadline::after(self.inner.deadline);
            let body = self.get(
                Operation::Discovery,
                Operation::Discovery.rate_limit_key(),
                path,
                APPLICATION_JSON,
                &deadline,
            )?;
            decode::target_groups(&body.bytes, &deadline)
                .map_err(|error| decode_error(&self.inner.transport, &deadline, &body.bytes, error))
        });
        discovered
            .map_err(|error| error.with_context(|| self.describe_in_dataset(&request.describe())))
    }

    /// The service's limits as its last answers told them to this client and its clones, that of every call first. Empty
    /// before the first answer, or where the service tells none.
    ///
    /// Requests wait by themselves where a limit is used up.
    #[must_use]
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        self.inner.transport.rate_limits()
    }

    #[cfg(fuzzing)]
    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    fn pager(&self, query: &Query, clock: &CallContext) -> Result<QueryPager, Error> {
        let plan = self.plan(query, clock)?;
        let transport = Arc::clone(&self.inner.transport);
        let asked = self.describe(Operation::Query.name(), &query.metric);
        Ok(QueryPager::new(
            transport,
            self.path(Operation::Query),
            asked,
            query.clone(),
            plan,
            *clock,
        ))
    }

    fn plan(&self, query: &Query, clock: &CallContext) -> Result<Plan, Error> {
        plan(query, clock).map_err(|error| {
            error.with_context(|| self.describe(Operation::Query.name(), &query.metric))
        })
    }

    #[inline]
    fn descriptors<T: Clone + Eq + Hash>(
        &self,
        operation: Operation,
        parameters: &str,
        what: &str,
        read: fn(&[u8], &Deadline) -> Result<ListPage<T>, DecodeError>,
    ) -> Result<Vec<T>, Error> {
        let path = &format!(
            "{}?page_size={MAX_PAGE_SIZE}{parameters}",
            self.path(operation)
        );
        let source = PageRequest {
            transport: &self.inner.transport,
            operation,
            path,
            body: None,
            is_relative: false,
        };
        self.fetch_all(&source, None, read)
            .map_err(|error| error.with_context(|| self.describe_in_dataset(what)))
    }

    fn fetch_all<T: Clone + Eq + Hash>(
        &self,
        source: &PageRequest<'_>,
        limit: Option<u32>,
        read: fn(&[u8], &Deadline) -> Result<ListPage<T>, DecodeError>,
    ) -> Result<Vec<T>, Error> {
        list::fetch_all(source, limit, &Deadline::after(self.inner.deadline), read)
    }

    /// Every part of an export. Where some are refused, the others still tell what they can.
    #[inline]
    fn export_batches(&self, request: &ExportRequest) -> Result<Export, Error> {
        let deadline = Deadline::after(self.inner.deadline);
        let (mut parts, mut refused, mut refusal) = (Vec::new(), Vec::new(), None);
        for batch in self.batches(request)? {
            match self.export_batch(&batch, Export::MEDIA_TYPES, &deadline) {
                Ok(response) => {
                    let parsed = Export::from_response(&response.text, &batch.resources, &deadline);
                    let (part, has_eof) =
                        parsed.map_err(|error| self.export_error(&error, &response, &deadline))?;
                    response.check_end(has_eof)?;
                    parts.push(part);
                }
                Err(error) if error.kind() == ErrorKind::Forbidden => {
                    refused.extend(batch.resources);
                    refusal.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match refusal {
            Some(error) if parts.is_empty() => Err(error),
            _ => {
                let whole =
                    Export::merge(parts, refused, &deadline).map_err(|_| deadline.error())?;
                let redactor = self.inner.transport.redactor();
                Ok(whole.map_missing(|missing| redactor.redact(missing).into_owned()))
            }
        }
    }

    /// The text of an export that is a single part.
    fn export_single_batch(
        &self,
        request: &ExportRequest,
        format: ExportFormat,
    ) -> Result<String, Error> {
        let batches = self.batches(request)?;
        let [batch] = batches.as_slice() else {
            let message = format!(
                "its address would be longer than {MAX_URL} bytes: it takes {} requests, whose texts do not make one",
                batches.len()
            );
            return Err(Error::invalid_input(message).with_hint(
                "ask for fewer resources or metrics at once, or take Client::export, which puts several answers together",
            ));
        };
        let deadline = Deadline::after(self.inner.deadline);
        let response = self.export_batch(batch, format.media_type(), &deadline)?;
        // What cannot be parsed is no export for anybody else either.
        let parsed = exposition::parse(&response.text, &[], &deadline)
            .map_err(|error| self.export_error(&error, &response, &deadline))?;
        response.check_end(parsed.has_eof)?;
        Ok(response.text)
    }

    fn batches(&self, request: &ExportRequest) -> Result<Vec<Batch>, Error> {
        let address = self
            .inner
            .transport
            .base()
            .join(&self.path(Operation::Export));
        request.batches(MAX_URL.saturating_sub(address.len()))
    }

    fn export_batch(
        &self,
        batch: &Batch,
        accept: &str,
        deadline: &Deadline,
    ) -> Result<ExportResponse, Error> {
        let path = &format!("{}{}", self.path(Operation::Export), batch.query_string);
        let body = self.get(
            Operation::Export,
            &batch.rate_limit_key,
            path,
            accept,
            deadline,
        )?;
        let mut text = String::from_utf8(body.bytes).map_err(|error| {
            self.export_decode_error(error.as_bytes(), &error.utf8_error().to_string())
        })?;
        if text.starts_with(BYTE_ORDER_MARK) {
            text.remove(0);
        }
        Ok(ExportResponse {
            text,
            is_framed: body.is_framed,
            content_type: body.content_type,
        })
    }

    fn export_error(
        &self,
        error: &DecodeError,
        response: &ExportResponse,
        deadline: &Deadline,
    ) -> Error {
        match error {
            DecodeError::Invalid(why) => self.export_decode_error(response.text.as_bytes(), why),
            DecodeError::Interrupted => deadline.error(),
        }
    }

    fn export_decode_error(&self, body: &[u8], why: &str) -> Error {
        invalid_response(
            &self.inner.transport,
            body,
            &decode::unexpected_body(body, "an export", &why),
        )
    }

    fn get(
        &self,
        operation: Operation,
        rate_limit_key: &str,
        path: &str,
        accept: &str,
        deadline: &Deadline,
    ) -> Result<ResponseBody, Error> {
        let url = &self.inner.transport.base().join(path);
        let request = Request {
            rate_limit_key,
            url,
            body: None,
            accept,
            is_relative: false,
        };
        self.inner
            .transport
            .execute(&request, deadline)
            .map_err(|error| with_operation_hint(error, operation))
    }

    fn path(&self, operation: Operation) -> String {
        let dataset = percent_encode(&self.inner.dataset);
        format!("/v2/metrics/{dataset}/{}", operation.path())
    }

    fn describe(&self, what: &str, metric: &str) -> String {
        if metric.is_empty() {
            return self.describe_in_dataset(what);
        }
        self.describe_in_dataset(&format!("{what} of {}", sanitize_line(metric, 200)))
    }

    fn describe_in_dataset(&self, what: &str) -> String {
        if self.inner.dataset == dataset::CLOUD {
            return what.to_owned();
        }
        format!(
            "{what} (dataset {})",
            sanitize_line(&self.inner.dataset, 60)
        )
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

impl ClientBuilder {
    /// Sets where the service is: `https`, without user info, query or fragment. A path is kept in front of every path.
    /// Default: `https://api.telemetry.confluent.cloud`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets the dataset, a name of the service's such as `cloud` or `cloud-custom`; [`dataset`] has those that
    /// are known. Default: `cloud`. See the vendor's
    /// [datasets](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Datasets).
    pub fn dataset(mut self, dataset: impl Into<String>) -> Self {
        self.dataset = dataset.into();
        self
    }

    /// Sets how long one attempt may take, from the look-up of the name to the last byte of the answer. Default: 30 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets how long it may take to connect, over all addresses of a name together.
    ///
    /// TLS is included, and so is the way through a proxy with the lookup of its name.
    ///
    /// Defaults to 10 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how often a request is sent again after a failure that may pass: 408, 429, 5xx, or a
    /// connection that was refused or broke; after a time-out once at most. Default: 4.
    ///
    /// The waits between grow from half a second to 30 s, each a random part of that, unless the
    /// service asks for one. Up to a tenth, at most a second, is added to a wait that the service
    /// asks for, so that clients do not come back together.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets how long a call may take in all, with every window, page, wait and retry; of [`Pages`] each `next`. Default: 5
    /// minutes. A wait that would end after it is not begun.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how large the body of an answer may be, after decompression. Default: 256 MiB.
    pub fn max_response_bytes(mut self, bytes: u64) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Sets the time after an event until its point is settled. Later buckets are still filling up, so
    /// [`Interval::last`](crate::Interval::last) ends that long before now.
    ///
    /// Defaults to 3 minutes.
    pub fn data_latency(mut self, latency: Duration) -> Self {
        self.data_latency = latency;
        self
    }

    /// Sets the time for which the service keeps points. A bucket that starts before that is partly or wholly
    /// gone, so a query with such a bucket is refused, or [truncated](Query::allow_truncated).
    /// [`Interval::retained`](crate::Interval::retained) is everything that is left.
    ///
    /// Defaults to 7 days.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Sends requests through the HTTP proxy at `url`, such as `http://user:password@host:port`.
    ///
    /// Defaults to the proxy that the environment names, read as curl reads it: the first of
    /// `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that is set and not empty.
    /// `HTTP_PROXY` is ignored, because every request is HTTPS.
    ///
    /// No proxy is used if `no_proxy` or `NO_PROXY` lists the host of the base URL: by its name, a
    /// domain above it, its IP address, or a network such as `10.0.0.0/8`. A list of `*` alone
    /// contains every host.
    ///
    /// The port defaults to 1080, as in curl, and of an `https://` proxy to 443. SOCKS proxies are
    /// refused. A proxy that is set here is used for every host, whatever `NO_PROXY` says.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySetting::Url(url.into());
        self
    }

    /// Sends requests directly, whatever the environment says.
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxySetting::Direct;
        self
    }

    /// Trusts these root certificates, in PEM, and no others.
    ///
    /// Text around the certificates is ignored. [`build`](Self::build) refuses a text that holds none, or
    /// one of which any certificate cannot be read.
    ///
    /// Defaults to the bundled Mozilla root certificates.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust = TrustSetting::Pem(pem.into());
        self
    }

    /// Trusts what the operating system trusts, private roots of a company among it.
    #[cfg(feature = "platform-verifier")]
    #[cfg_attr(docsrs, doc(cfg(feature = "platform-verifier")))]
    pub fn platform_verifier(mut self) -> Self {
        self.trust = TrustSetting::Platform;
        self
    }

    /// Names the program in the `User-Agent` header, before `confluent-metrics/<version>`. Default: only that.
    pub fn user_agent(mut self, product: impl Into<String>) -> Self {
        self.user_agent = Some(product.into());
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) where the base URL, the proxy, the certificates, the dataset, the
    /// product or a duration is of no use.
    pub fn build(mut self) -> Result<Client, Error> {
        if matches!(self.dataset.as_str(), "" | "." | "..") {
            return Err(Error::invalid_input(format!(
                "the dataset \"{}\" is not a name",
                self.dataset
            )));
        }
        for (name, duration) in [
            ("attempt timeout", self.attempt_timeout),
            ("connect timeout", self.connect_timeout),
            ("deadline", self.deadline),
        ] {
            if duration.is_zero() {
                return Err(Error::invalid_input(format!(
                    "the {name} is zero, which leaves no time for an answer"
                )));
            }
        }
        let base = self
            .base_url
            .as_deref()
            .map_or_else(|| Ok(BaseUrl::production()), BaseUrl::parse)?;
        let proxy = match &self.proxy {
            ProxySetting::Environment => match ProxyChoice::from_env(&base) {
                ProxyChoice::Invalid(invalid) => return Err(invalid.to_error()),
                choice => choice,
            },
            ProxySetting::Direct => ProxyChoice::Direct,
            ProxySetting::Url(url) => ProxyChoice::from_url(url)?,
        };
        let tls_roots = match &self.trust {
            TrustSetting::BuiltIn => TlsRoots::BuiltIn,
            TrustSetting::Pem(pem) => TlsRoots::from_pem(pem)?,
            #[cfg(feature = "platform-verifier")]
            TrustSetting::Platform => TlsRoots::Platform,
        };
        let product = self.user_agent.take();
        if product
            .as_deref()
            .is_some_and(|product| !is_product(product))
        {
            return Err(Error::invalid_input(
                "the product for the user agent is empty or not printable ASCII",
            ));
        }
        Ok(self.build_unchecked(base, proxy, tls_roots, user_agent(product.as_deref())))
    }

    fn build_unchecked(
        self,
        base: BaseUrl,
        proxy: ProxyChoice,
        tls_roots: TlsRoots,
        user_agent: String,
    ) -> Client {
        let transport = Transport::new(TransportConfig {
            base,
            credentials: self.credentials,
            attempt_timeout: self.attempt_timeout.min(MAX_DURATION),
            connect_timeout: self.connect_timeout.min(MAX_DURATION),
            max_retries: self.max_retries,
            max_response_bytes: self.max_response_bytes,
            proxy,
            tls_roots,
            user_agent,
        });
        let inner = Inner {
            transport: Arc::new(transport),
            dataset: self.dataset,
            deadline: self.deadline.min(MAX_DURATION),
            data_latency: self.data_latency,
            retention: self.retention,
        };
        Client {
            inner: Arc::new(inner),
        }
    }
}

impl fmt::Debug for ClientBuilder {
    /// Leaves out what may hold a password: the base URL until it is checked, and the proxy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("credentials", &self.credentials)
            .field("dataset", &self.dataset)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

fn is_product(product: &str) -> bool {
    !product.is_empty()
        && product
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn user_agent(product: Option<&str>) -> String {
    let library = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    product.map_or_else(
        || library.to_owned(),
        |product| format!("{product} {library}"),
    )
}
