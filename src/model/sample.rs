//! The samples of an export.
//!
//! ```text
//! confluent_kafka_server_sent_bytes{kafka_id="lkc-1",topic="orders"} 1574.0 1767225600000
//! name                              labels                           value  timestamp
//! ```

use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::model::labels::Labels;
use crate::time::timestamp::Timestamp;

/// The latest value of a metric for one set of labels, read from an export.
///
/// Clones are cheap.
///
/// # Example: printing an export
///
/// ```
/// use confluent_metrics::{ExportRequest, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let request = ExportRequest::new([Resource::kafka("lkc-1")]);
/// for sample in client.export(&request)?.samples() {
///     println!("{}{} {}", sample.name(), sample.labels(), sample.value());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
///
/// # Example: the parts of a sample
///
/// ```
/// use confluent_metrics::Export;
///
/// let text = concat!(
///     "# HELP sent_bytes Bytes sent.\n",
///     "# TYPE sent_bytes gauge\n",
///     "sent_bytes{topic=\"orders\"} 1574.0 1767225600000\n",
/// );
/// let export = Export::parse(text)?;
/// let sample = &export.samples()[0];
/// assert_eq!(sample.help(), Some("Bytes sent."));
/// assert_eq!(sample.kind(), Some("gauge"));
/// assert_eq!(sample.unit(), None);
/// assert_eq!(sample.timestamp(), Some("2026-01-01T00:00:00Z".parse()?));
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Sample {
    /// The metadata, shared by all samples of the metric.
    metric: Arc<MetricMetadata>,
    /// The labels, by their names in an export.
    labels: Labels,
    /// The value, which can be infinite or NaN.
    value: f64,
    /// The time of the value, or `None` if the line has none.
    timestamp: Option<Timestamp>,
}

/// The metadata of a metric in an export.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct MetricMetadata {
    /// The name in the export.
    pub(crate) name: Box<str>,
    /// The text of `# HELP`, or `None` without that line.
    pub(crate) help: Option<Box<str>>,
    /// The text of `# TYPE`, or `None` without that line.
    pub(crate) kind: Option<Box<str>>,
    /// The text of `# UNIT`, or `None` without that line.
    pub(crate) unit: Option<Box<str>>,
}

impl Sample {
    /// Creates a sample from one line of an export.
    pub(crate) const fn new(
        metric: Arc<MetricMetadata>,
        labels: Labels,
        value: f64,
        timestamp: Option<Timestamp>,
    ) -> Self {
        Self {
            metric,
            labels,
            value,
            timestamp,
        }
    }

    /// Returns a number that is the same for samples of one metric in one response.
    pub(crate) fn metric_address(&self) -> usize {
        // Metadata is allocated once for a metric, so its address identifies it.
        Arc::as_ptr(&self.metric).addr()
    }

    /// Returns the metric's name in the export, such as `confluent_kafka_server_received_bytes`.
    ///
    /// [`export_name`](crate::export_name) converts the name in a query to it.
    pub fn name(&self) -> &str {
        &self.metric.name
    }

    /// Returns the labels, by their names in the export: `topic`, `kafka_id`.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the value in the metric's unit. It can be infinite or NaN.
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// Returns the time of the value, or `None` if the export does not say.
    pub const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// Returns the service's description of the metric, or `None` if the export does not say.
    pub fn help(&self) -> Option<&str> {
        self.metric.help.as_deref()
    }

    /// Returns the metric's type in the export, or `None` if the export does not say.
    ///
    /// Exports declare counters as `gauge` too: see [`MetricDescriptor::kind`].
    ///
    /// [`MetricDescriptor::kind`]: crate::MetricDescriptor::kind
    pub fn kind(&self) -> Option<&str> {
        self.metric.kind.as_deref()
    }

    /// Returns the metric's unit, such as `bytes`, or `None` if the export does not say.
    ///
    /// Only OpenMetrics declares units.
    pub fn unit(&self) -> Option<&str> {
        self.metric.unit.as_deref()
    }
}

#[expect(
    clippy::missing_fields_in_debug,
    reason = "the metadata is the same for every sample of a metric"
)]
impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample")
            .field("name", &self.name())
            .field("labels", &self.labels)
            .field("value", &self.value)
            .field("timestamp", &self.timestamp)
            .finish()
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Sample", 4)?;
        object.serialize_field("name", self.name())?;
        object.serialize_field("labels", &self.labels)?;
        object.serialize_field("value", &self.value)?;
        object.serialize_field("timestamp", &self.timestamp)?;
        object.end()
    }
}
