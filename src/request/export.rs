//! The request for the latest points of resources, and its batches.
//!
//! An export is a GET request, so that resources and metrics are parameters of the URL. Servers
//! limit the length of a URL. A long request is split into batches that cover every pair of
//! resource and metric once:
//!
//! 1. Each parameter is encoded once, to know its length.
//! 2. The metrics are split into chunks that leave space for resources.
//! 3. For each chunk of metrics the resources are split into chunks that fit the rest.
//!
//! Three clusters with space for two become two batches:
//!
//! ```text
//! ?resource.kafka.id=lkc-1&resource.kafka.id=lkc-2&metric=io.a%2Fb
//! ?resource.kafka.id=lkc-3&metric=io.a%2Fb
//! ```
use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use crate::error::Error;
use crate::model::resource::Resource;
use crate::request::operation::Operation;
use crate::request::problems::Problems;
use crate::util::text::{list_names, percent_encode, quote, sanitize_line};

/// A request for the latest value of every metric of some resources.
///
/// It can be narrowed to some metrics. It is a plain value: creating and changing one never fails,
/// and nothing is sent. The call that takes it checks it first, and reports every problem at once.
///
/// It mirrors the vendor's
/// [export](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1export/get).
///
/// ```
/// use confluent_metrics::{ExportRequest, Resource};
///
/// let resources = [Resource::kafka("lkc-1234"), Resource::connector("lcc-1234")];
/// let request = ExportRequest::new(resources)
///     .metric("io.confluent.kafka.server/received_bytes")
///     .ignore_failed_metrics(true);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct ExportRequest {
    /// The resources as given, repetitions included.
    resources: Vec<Resource>,
    /// The query names of the metrics. If it is empty, every metric is exported.
    metrics: Vec<String>,
    /// True if a metric that fails does not fail the export.
    ignore_failed_metrics: bool,
}

/// The text format of an export.
///
/// ```
/// use confluent_metrics::{ExportFormat, ExportRequest, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let request = ExportRequest::new([Resource::kafka("lkc-1")]);
/// let text = client.export_text(&request, ExportFormat::OpenMetrics)?;
/// assert!(text.ends_with("# EOF\n"));
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// The text format of Prometheus, `text/plain;version=0.0.4`.
    Prometheus,
    #[default]
    /// [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/), which adds units.
    OpenMetrics,
}

/// One request of an export whose URL is short enough.
pub(crate) struct Batch {
    /// The part of the URL after the path, from the question mark on.
    pub(crate) query_string: String,
    /// The key under which the service limits requests: the operation with its resources.
    pub(crate) rate_limit_key: String,
    /// The resources of this batch.
    pub(crate) resources: Vec<Resource>,
}

/// The longest URL that servers and proxies commonly accept.
pub(crate) const MAX_URL: usize = 8192;

impl ExportRequest {
    /// Creates a request for every exportable metric of these resources.
    ///
    /// A resource that is repeated is exported once.
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1"), Resource::kafka("lkc-2")]);
    /// ```
    pub fn new(resources: impl IntoIterator<Item = Resource>) -> Self {
        Self {
            resources: resources.into_iter().collect(),
            metrics: Vec::new(),
            ignore_failed_metrics: false,
        }
    }

    /// Adds a metric by its query name. It can be called repeatedly.
    ///
    /// Defaults to every exportable metric.
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1234")])
    ///     .metric("io.confluent.kafka.server/received_bytes")
    ///     .metric("io.confluent.kafka.server/sent_bytes");
    /// ```
    pub fn metric(mut self, name: impl Into<String>) -> Self {
        self.metrics.push(name.into());
        self
    }

    /// Sets whether a metric that fails is left out instead of failing the export.
    ///
    /// [`Export::failed_metrics`](crate::Export::failed_metrics) names the metrics that failed.
    ///
    /// Defaults to `false`.
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1234")])
    ///     .ignore_failed_metrics(true);
    /// ```
    pub fn ignore_failed_metrics(mut self, ignore: bool) -> Self {
        self.ignore_failed_metrics = ignore;
        self
    }

    /// Returns the resources in the order in which they were given.
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1234")]);
    /// assert_eq!(request.resources(), [Resource::kafka("lkc-1234")]);
    /// ```
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Returns the query names of the metrics. They are empty for every exportable metric.
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1234")]).metric("io.a/b");
    /// assert_eq!(request.metrics(), ["io.a/b"]);
    /// ```
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// Returns true if the request [ignores failed metrics](Self::ignore_failed_metrics).
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1234")]);
    /// assert!(!request.ignores_failed_metrics());
    /// ```
    pub const fn ignores_failed_metrics(&self) -> bool {
        self.ignore_failed_metrics
    }

    /// Describes the request in the context of an error.
    pub(crate) fn describe(&self) -> String {
        let operation = Operation::Export.name();
        if self.resources.is_empty() {
            return operation.into();
        }
        format!("{operation} of {}", list_resources(&self.resources))
    }

    /// Splits the request into batches whose query strings fit into `max_len` bytes.
    ///
    /// Metrics get the space that the resources leave, but at least half of it.
    ///
    /// # Errors
    ///
    /// Returns `InvalidInput` with every problem of the request.
    pub(crate) fn batches(&self, max_len: usize) -> Result<Vec<Batch>, Error> {
        let mut problems = Problems::default();
        self.validate(&mut problems);
        problems.into_result("export request")?;
        let flag = if self.ignore_failed_metrics {
            "&ignore_failed_metrics=true"
        } else {
            ""
        };
        let max_len = max_len.saturating_sub(flag.len());
        let resources = sized_resources(&self.resources);
        let resources_len = resources.iter().map(|(len, _)| len).sum();
        // Metrics take at most half the space if the resources need the other half. Otherwise each
        // batch would have few resources, and there would be many batches.
        let metrics_len = max_len.saturating_sub(resources_len).max(max_len / 2);
        let mut metric_chunks = chunk_by_size(sized_metrics(&self.metrics), metrics_len);
        // Without metrics there is still one batch for each chunk of resources.
        if metric_chunks.is_empty() {
            metric_chunks.push(Vec::new());
        }
        let mut batches = Vec::new();
        for metrics in metric_chunks {
            let metrics = metrics.concat();
            let resources_len = max_len.saturating_sub(metrics.len());
            for chunk in chunk_by_size(resources.clone(), resources_len) {
                let ids: Vec<_> = chunk.iter().copied().map(resource_parameter).collect();
                batches.push(Batch {
                    query_string: format!("?{}{metrics}{flag}", ids.join("&")),
                    rate_limit_key: rate_limit_key(ids),
                    resources: chunk.into_iter().cloned().collect(),
                });
            }
        }
        Ok(batches)
    }

    /// Adds every problem of the resources and metrics.
    fn validate(&self, problems: &mut Problems) {
        if self.resources.is_empty() {
            problems.push("no resource given");
        }
        for resource in &self.resources {
            problems.require_name("resource type", resource.resource_type());
            let resource_type = sanitize_line(resource.resource_type(), 60);
            problems.require_name(&format!("{resource_type} id"), resource.id());
            if resource.id().contains(',') {
                let id = quote(resource.id(), 100);
                problems.push(format!("id {id} contains a comma: add one Resource per id"));
            }
        }
        for metric in &self.metrics {
            problems.require_name("metric name", metric);
        }
    }
}

impl fmt::Display for ExportRequest {
    /// Prints the request for people: `export of kafka lkc-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())?;
        if self.metrics.is_empty() {
            return Ok(());
        }
        write!(f, ", metrics {}", list_names(&self.metrics))
    }
}

impl ExportFormat {
    /// All variants, in the order of this documentation.
    ///
    /// ```
    /// use confluent_metrics::ExportFormat;
    ///
    /// let names: Vec<_> = ExportFormat::VARIANTS.iter().map(|format| format.as_str()).collect();
    /// assert_eq!(names.join(", "), "prometheus, openmetrics");
    /// ```
    pub const VARIANTS: &'static [Self] = &[Self::Prometheus, Self::OpenMetrics];

    /// Returns the name that `FromStr` parses.
    ///
    /// ```
    /// use confluent_metrics::ExportFormat;
    ///
    /// assert_eq!(ExportFormat::OpenMetrics.as_str(), "openmetrics");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::OpenMetrics => "openmetrics",
        }
    }

    /// Returns the value of the `Accept` header.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ExportFormat {
    type Err = Error;

    /// Parses `prometheus` or `openmetrics`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("export format", Self::VARIANTS, Self::as_str, text)
    }
}

/// Lists the first resources and the number of the others.
pub(crate) fn list_resources(resources: &[Resource]) -> String {
    let mut names = Vec::with_capacity(resources.len());
    for resource in resources {
        names.push(format!("{} {}", resource.resource_type(), resource.id()));
    }
    list_names(&names)
}

/// Returns each resource once, with the length of its parameter and separator.
fn sized_resources(resources: &[Resource]) -> Vec<(usize, &Resource)> {
    unique(resources)
        .map(|resource| (resource_parameter(resource).len() + 1, resource))
        .collect()
}

/// Returns the parameter of each metric once, with its length.
fn sized_metrics(metrics: &[String]) -> Vec<(usize, String)> {
    unique(metrics)
        .map(|name| format!("&metric={}", percent_encode(name)))
        .map(|parameter| (parameter.len(), parameter))
        .collect()
}

/// Returns the parameter of a resource, such as `resource.kafka.id=lkc-1`.
fn resource_parameter(resource: &Resource) -> String {
    let end = Resource::label_end(resource.resource_type());
    let resource_type = percent_encode(resource.resource_type());
    let id = percent_encode(resource.id());
    format!("resource.{resource_type}.{end}={id}")
}

/// Returns the same key for the same resources in any order, as the service limits them.
fn rate_limit_key(mut ids: Vec<String>) -> String {
    ids.sort_unstable();
    format!("{} {}", Operation::Export.rate_limit_key(), ids.join("&"))
}

/// Iterates over the items without repetitions.
fn unique<T: Eq + Hash>(items: &[T]) -> impl Iterator<Item = &T> {
    let mut seen = HashSet::new();
    items.iter().filter(move |item| seen.insert(*item))
}

/// Groups items into chunks of at most `max_size`. A larger item is a chunk of its own.
fn chunk_by_size<T>(sized_items: Vec<(usize, T)>, max_size: usize) -> Vec<Vec<T>> {
    let mut chunks: Vec<Vec<T>> = Vec::new();
    let mut left = 0;
    for (size, item) in sized_items {
        // Next-fit bin packing keeps the order, and needs at most twice the minimal number of
        // chunks: <https://en.wikipedia.org/wiki/Next-fit_bin_packing>.
        match chunks.last_mut() {
            Some(chunk) if size <= left => {
                chunk.push(item);
                left -= size;
            }
            _ => {
                chunks.push(vec![item]);
                left = max_size.saturating_sub(size);
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn batches(request: &ExportRequest, room: usize) -> Vec<String> {
        request
            .batches(room)
            .unwrap()
            .into_iter()
            .map(|batch| batch.query_string)
            .collect()
    }

    fn clusters(count: usize) -> Vec<Resource> {
        (0..count)
            .map(|number| Resource::kafka(format!("lkc-{number:04}")))
            .collect()
    }

    #[test]
    fn a_request_is_the_documented_query_string() {
        for (request, parameters) in [
            (
                ExportRequest::new([Resource::kafka("lkc-1")]),
                "?resource.kafka.id=lkc-1",
            ),
            (
                ExportRequest::new([
                    Resource::kafka("lkc-1"),
                    Resource::schema_registry("lsrc-1"),
                    Resource::kafka("lkc-1"),
                    Resource::new("new type&", "a b/ü?="),
                ])
                .metric("io.confluent.kafka.server/sent_bytes")
                .metric("a&b")
                .metric("a&b")
                .ignore_failed_metrics(true),
                "?resource.kafka.id=lkc-1&resource.schema_registry.id=lsrc-1&resource.new%20type%26.id=a%20b%2F%C3%BC%3F%3D\
                 &metric=io.confluent.kafka.server%2Fsent_bytes&metric=a%26b&ignore_failed_metrics=true",
            ),
        ] {
            assert_eq!(batches(&request, MAX_URL), [parameters]);
        }
    }

    #[test]
    fn a_format_is_printed_as_it_is_parsed() {
        for (format, text) in [
            (ExportFormat::Prometheus, "prometheus"),
            (ExportFormat::OpenMetrics, "openmetrics"),
        ] {
            assert_eq!(format.to_string(), text);
            assert_eq!(text.parse::<ExportFormat>().unwrap(), format);
        }
    }

    #[test]
    fn an_error_names_every_problem() {
        let request = ExportRequest::new([
            Resource::new("", "lkc-1"),
            Resource::kafka(""),
            Resource::kafka("lkc-1,lkc-2"),
            Resource::kafka("lkc\n1"),
        ])
        .metric("")
        .metric("a\u{7}");
        assert_eq!(
            request.batches(MAX_URL).err().unwrap().to_string(),
            "invalid export request: resource type is empty; kafka id is empty; \
             id \"lkc-1,lkc-2\" contains a comma: add one Resource per id; \
             kafka id \"lkc\\n1\" contains a control character; metric name is empty; \
             metric name \"a\\u{7}\" contains a control character"
        );
        let none = ExportRequest::new([]).batches(MAX_URL).err().unwrap();
        assert_eq!(
            none.to_string(),
            "invalid export request: no resource given"
        );
        assert_eq!(none.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn a_request_that_exceeds_the_url_length_is_split() {
        let many = ExportRequest::new(clusters(1000)).ignore_failed_metrics(true);
        let parts = batches(&many, 8000);
        assert_eq!(parts.len(), 4, "27 bytes for each of 1000 clusters");
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= 8000 && part.ends_with("&ignore_failed_metrics=true"))
        );
        let found: Vec<_> = parts.iter().flat_map(|part| part.matches("lkc-")).collect();
        assert_eq!(found.len(), 1000);

        let metrics = (0..200).fold(many, |request, number| {
            request.metric(format!("io.confluent/{number:040}"))
        });
        let parts = metrics.batches(8000).unwrap();
        assert!(parts.iter().all(|part| part.query_string.len() <= 8000));
        let mut pairs = 0;
        for part in &parts {
            assert!(part.query_string.starts_with("?resource.kafka.id="));
            pairs += part.resources.len() * part.query_string.matches("&metric=").count();
        }
        assert_eq!(pairs, 200 * 1000, "every metric of every resource, once");
        assert_eq!(parts.len(), 25, "metrics take half of each request");

        let few = (0..100).fold(ExportRequest::new(clusters(2)), |request, number| {
            request.metric(format!("io.confluent/{number:040}"))
        });
        assert_eq!(
            batches(&few, 8000).len(),
            1,
            "a request that fits is not split"
        );

        let long = ExportRequest::new([Resource::kafka("x".repeat(9000)), Resource::kafka("y")]);
        assert_eq!(
            batches(&long, 8000).len(),
            2,
            "an item that fits nowhere is sent alone"
        );
        assert_eq!(batches(&long, 0).len(), 2);
    }

    #[test]
    fn the_rate_limit_key_depends_on_the_resources_in_any_order() {
        let key = |ids: [&str; 2]| {
            let batches = ExportRequest::new(ids.map(Resource::kafka))
                .metric(ids[0])
                .batches(MAX_URL)
                .unwrap();
            batches[0].rate_limit_key.clone()
        };
        assert_eq!(key(["lkc-1", "lkc-2"]), key(["lkc-2", "lkc-1"]));
        assert_ne!(key(["lkc-1", "lkc-2"]), key(["lkc-1", "lkc-3"]));
        assert!(key(["lkc-1", "lkc-2"]).starts_with("export "));
    }

    #[test]
    fn a_description_lists_the_first_resources() {
        for (count, description) in [
            (0, "export"),
            (1, "export of kafka lkc-0000"),
            (
                3,
                "export of kafka lkc-0000, kafka lkc-0001, kafka lkc-0002",
            ),
            (
                5,
                "export of kafka lkc-0000, kafka lkc-0001, kafka lkc-0002 and 2 more",
            ),
        ] {
            assert_eq!(ExportRequest::new(clusters(count)).describe(), description);
        }
    }
}
