//! The catalog of the service: metrics, resource types, and their labels.
//!
//! ```text
//! in a query                               in an export
//! io.confluent.kafka.server/sent_bytes     confluent_kafka_server_sent_bytes
//! metric.topic                             topic
//! resource.kafka.id                        kafka_id
//! ```

use serde::Serialize;

use crate::model::lifecycle_stage::LifecycleStage;
use crate::model::metric_kind::MetricKind;
use crate::util::similarity;

/// The description of a metric: its name, its unit, and the labels to filter and group by.
///
/// Mirrors the vendor's
/// [metric descriptors](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1descriptors~1metrics/get).
/// Returned by [`Client::metric_descriptors`](crate::Client::metric_descriptors).
///
/// ```
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// for metric in client.metric_descriptors()? {
///     println!("{} in {}: {}", metric.name(), metric.unit(), metric.description());
///     println!("  {} {}", metric.lifecycle_stage(), metric.kind());
///     println!("  of {}", metric.resources().join(", "));
///     if metric.is_exportable() == Some(true) {
///         println!("  exported as {}", metric.export_name());
///     }
///     for label in metric.labels() {
///         println!("  {}: {}", label.query_name(), label.description());
///     }
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct MetricDescriptor {
    /// The name in a query.
    pub(crate) name: String,
    /// The service's description.
    pub(crate) description: String,
    /// The kind. Exports do not distinguish counters from gauges.
    #[serde(rename = "type")]
    pub(crate) kind: MetricKind,
    /// The unit in UCUM.
    pub(crate) unit: String,
    /// The stability of the metric.
    pub(crate) lifecycle_stage: LifecycleStage,
    /// True if exports contain the metric, or `None` if the service does not say.
    pub(crate) exportable: Option<bool>,
    /// The types of the resources that have the metric.
    pub(crate) resources: Vec<String>,
    /// The labels of the metric itself.
    pub(crate) labels: Vec<LabelDescriptor>,
}

/// The description of a resource type, such as `kafka`.
///
/// Returned by [`Client::resource_descriptors`](crate::Client::resource_descriptors).
///
/// ```
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// for resource in client.resource_descriptors()? {
///     println!("{}: {}", resource.resource_type(), resource.description());
///     for label in resource.labels() {
///         println!("  {}", label.query_name());
///     }
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ResourceDescriptor {
    #[serde(rename = "type")]
    pub(crate) resource_type: String,
    pub(crate) description: String,
    pub(crate) labels: Vec<LabelDescriptor>,
}

/// The description of a label of a metric or resource.
///
/// ```
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// for resource in client.resource_descriptors()? {
///     for label in resource.labels() {
///         println!("{}: {}", label.query_name(), label.description());
///         println!("  {} in the service, {} in exports", label.key(), label.export_name());
///     }
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct LabelDescriptor {
    /// The key without a prefix, unless the service sent one.
    key: String,
    description: String,
    exportable: Option<bool>,
    /// The key with its prefix. It is derived, and so not serialized.
    #[serde(skip)]
    query_name: String,
}

/// Converts the name of a metric or label in a query to its name in an export.
///
/// The opposite direction is ambiguous and needs a list of descriptors:
/// [`MetricDescriptor::find_by_export_name`] and [`LabelDescriptor::find_by_export_name`].
///
/// ```
/// use confluent_metrics::export_name;
///
/// assert_eq!(
///     export_name("io.confluent.kafka.server/sent_bytes"),
///     "confluent_kafka_server_sent_bytes"
/// );
/// assert_eq!(export_name("metric.topic"), "topic");
/// assert_eq!(export_name("resource.kafka.id"), "kafka_id");
/// ```
#[must_use]
pub fn export_name(query_name: &str) -> String {
    let prefix = ["io.", "metric.", "resource."]
        .into_iter()
        .find(|prefix| query_name.starts_with(prefix));
    query_name
        .strip_prefix(prefix.unwrap_or(""))
        .unwrap_or(query_name)
        // Several names can have the same result, so this cannot be reversed without a list.
        .replace(['.', '/'], "_")
}

impl MetricDescriptor {
    /// Returns up to `count` descriptors whose names are similar to `name`, the best match first.
    ///
    /// Finds typing errors and parts of a name. The namespace (`io.confluent.…/`) may be missing,
    /// and `name` may be the name in an export. Returns nothing if no name is similar.
    ///
    /// ```
    /// use confluent_metrics::MetricDescriptor;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let descriptors = client.metric_descriptors()?;
    /// let matches = MetricDescriptor::closest_matches("recieved_bytes", &descriptors, 3);
    /// assert_eq!(matches[0].name(), "io.confluent.kafka.server/received_bytes");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "suggest")]
    #[doc(alias = "fuzzy")]
    #[must_use]
    pub fn closest_matches<'a>(name: &str, descriptors: &'a [Self], count: usize) -> Vec<&'a Self> {
        let named = descriptors
            .iter()
            .map(|descriptor| (descriptor, descriptor.name()));
        similarity::closest_matches(name, named, count)
    }

    /// Returns the descriptor of the metric with this name in an export.
    ///
    /// Returns `None` if there is no such metric, or more than one.
    ///
    /// ```
    /// use confluent_metrics::MetricDescriptor;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let descriptors = client.metric_descriptors()?;
    /// let name = "confluent_kafka_server_sent_bytes";
    /// let metric = MetricDescriptor::find_by_export_name(name, &descriptors).unwrap();
    /// assert_eq!(metric.name(), "io.confluent.kafka.server/sent_bytes");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn find_by_export_name<'a>(name: &str, descriptors: &'a [Self]) -> Option<&'a Self> {
        exactly_one(
            descriptors
                .iter()
                .filter(|descriptor| descriptor.export_name() == name),
        )
    }

    /// Returns the name in a query, such as `io.confluent.kafka.server/received_bytes`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name in an export, such as `confluent_kafka_server_received_bytes`.
    pub fn export_name(&self) -> String {
        export_name(&self.name)
    }

    /// Returns the service's description of the metric.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the unit of the values in [UCUM](https://ucum.org): `By`, `ms`, or `1` for a count.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Returns the kind of the metric.
    ///
    /// Exports declare counters as gauges, so this is the better source.
    pub const fn kind(&self) -> &MetricKind {
        &self.kind
    }

    /// Returns the stability of the metric.
    pub const fn lifecycle_stage(&self) -> &LifecycleStage {
        &self.lifecycle_stage
    }

    /// Returns true if exports contain the metric, or `None` if the service does not say.
    pub const fn is_exportable(&self) -> Option<bool> {
        self.exportable
    }

    /// Returns the types of the resources that have the metric, such as `kafka`.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// Returns the labels of the metric itself.
    ///
    /// The labels of its resources are in [`ResourceDescriptor`].
    pub fn labels(&self) -> &[LabelDescriptor] {
        &self.labels
    }
}

impl ResourceDescriptor {
    /// Returns the type, such as `kafka`.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// Returns the service's description of the type.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the labels by which metrics of such a resource can be filtered and grouped.
    pub fn labels(&self) -> &[LabelDescriptor] {
        &self.labels
    }
}

impl LabelDescriptor {
    /// Creates the descriptor of a label whose key has `prefix` in front of it in a query.
    pub(crate) fn new(
        prefix: &str,
        key: String,
        description: String,
        exportable: Option<bool>,
    ) -> Self {
        // No key with a prefix has been seen so far, but one must not get a second prefix.
        let has_prefix = ["metric.", "resource."]
            .iter()
            .any(|known| key.starts_with(known));
        let query_name = if has_prefix {
            key.clone()
        } else {
            format!("{prefix}{key}")
        };
        Self {
            key,
            description,
            exportable,
            query_name,
        }
    }

    /// Returns the descriptor of the label with this name in an export.
    ///
    /// Returns `None` if there is no such label, or more than one.
    ///
    /// ```
    /// use confluent_metrics::LabelDescriptor;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let resources = client.resource_descriptors()?;
    /// let labels = resources.iter().flat_map(|resource| resource.labels());
    /// let label = LabelDescriptor::find_by_export_name("kafka_id", labels).unwrap();
    /// assert_eq!(label.query_name(), "resource.kafka.id");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn find_by_export_name<'a>(
        name: &str,
        labels: impl IntoIterator<Item = &'a Self>,
    ) -> Option<&'a Self> {
        exactly_one(
            labels
                .into_iter()
                .filter(|descriptor| descriptor.export_name() == name),
        )
    }

    /// Returns the key without the prefix of a query: `topic`, `kafka.id`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the name in a query: `metric.topic`, `resource.kafka.id`.
    pub fn query_name(&self) -> &str {
        &self.query_name
    }

    /// Returns the name in an export: `topic`, `kafka_id`.
    pub fn export_name(&self) -> String {
        export_name(&self.query_name)
    }

    /// Returns the service's description of the label.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns true if exports contain the label, or `None` if the service does not say.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// for metric in client.metric_descriptors()? {
    ///     let labels = metric.labels().iter();
    ///     let lost = labels.filter(|label| label.is_exportable() == Some(false));
    ///     println!("{}: {} labels are in no export", metric.name(), lost.count());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn is_exportable(&self) -> Option<bool> {
        self.exportable
    }
}

/// Returns the item if it is the only one.
///
/// Returns `None` if there is none, or more than one.
fn exactly_one<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    // The second `next` runs only after the first one returned an item.
    items.next().filter(|_| items.next().is_none())
}
