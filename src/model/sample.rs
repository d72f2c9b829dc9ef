use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::model::labels::Labels;
use crate::time::timestamp::Timestamp;

/// One value of an export: the newest of a metric for one set of labels.
///
/// Cheap to clone.
#[derive(Clone, PartialEq)]
pub struct Sample {
    metric: Arc<MetricMetadata>,
    labels: Labels,
    value: f64,
    timestamp: Option<Timestamp>,
}

/// What an export says of one of its metrics.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct MetricMetadata {
    pub(crate) name: Box<str>,
    pub(crate) help: Option<Box<str>>,
    pub(crate) kind: Option<Box<str>>,
    pub(crate) unit: Option<Box<str>>,
}

impl Sample {
    pub(crate) fn new(
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

    /// Returns a number that samples share if they are of one metric of one text.
    pub(crate) fn metric_address(&self) -> usize {
        Arc::as_ptr(&self.metric).addr()
    }

    /// The metric's name in the export, such as `confluent_kafka_server_received_bytes`.
    /// [`export_name`](crate::export_name) makes it from the name in a query.
    pub fn name(&self) -> &str {
        &self.metric.name
    }

    /// The labels, by their names in the export: `topic`, `kafka_id`.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The value, in the metric's unit; may be infinite or not a number.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// When it was measured; `None` if the export does not say.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// What the metric measures, in the service's words; `None` if the export does not say.
    pub fn help(&self) -> Option<&str> {
        self.metric.help.as_deref()
    }

    /// The metric's type in the export, which has counters as `gauge` too; `None` if the export does
    /// not say.
    pub fn kind(&self) -> Option<&str> {
        self.metric.kind.as_deref()
    }

    /// The metric's unit, such as `bytes`; `None` if the export does not say. Only OpenMetrics can.
    pub fn unit(&self) -> Option<&str> {
        self.metric.unit.as_deref()
    }
}

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
