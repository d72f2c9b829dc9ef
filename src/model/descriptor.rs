use std::fmt;

use serde::{Serialize, Serializer};

use crate::util::similarity;

/// What the service says of a metric: its name, its unit, and what it can be filtered and grouped by.
///
/// Mirrors the vendor's
/// [metric descriptors](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1descriptors~1metrics/get).
/// Made by [`Client::metric_descriptors`](crate::Client::metric_descriptors).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct MetricDescriptor {
    pub(crate) name: String,
    pub(crate) description: String,
    #[serde(rename = "type")]
    pub(crate) kind: MetricKind,
    pub(crate) unit: String,
    pub(crate) lifecycle_stage: LifecycleStage,
    pub(crate) exportable: Option<bool>,
    pub(crate) resources: Vec<String>,
    pub(crate) labels: Vec<LabelDescriptor>,
}

/// What the service says of a type of resources, such as `kafka`.
///
/// Made by [`Client::resource_descriptors`](crate::Client::resource_descriptors).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ResourceDescriptor {
    #[serde(rename = "type")]
    pub(crate) resource_type: String,
    pub(crate) description: String,
    pub(crate) labels: Vec<LabelDescriptor>,
}

/// What the service says of a label of a metric or of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct LabelDescriptor {
    key: String,
    description: String,
    exportable: Option<bool>,
    #[serde(skip)]
    query_name: String,
}

/// How a metric counts, which says how its values are put together over time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricKind {
    /// `COUNTER_INT64`: whole numbers of what happened in a minute; summed over time.
    CounterInt64,
    /// `COUNTER_DOUBLE`: numbers of what happened in a minute; summed over time.
    CounterDouble,
    /// `GAUGE_INT64`: whole numbers of what was there; averaged over time.
    GaugeInt64,
    /// `GAUGE_DOUBLE`: numbers of what was there; averaged over time.
    GaugeDouble,
    /// A kind that this version does not know, by the service's name for it; empty where the service names none.
    Other(String),
}

/// How far a metric can be relied on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LifecycleStage {
    /// `PREVIEW`: it may change at any time.
    Preview,
    /// `GENERAL_AVAILABILITY`: it does not change without notice.
    GeneralAvailability,
    /// `DEPRECATED`: it will be removed.
    Deprecated,
    /// A stage that this version does not know, by the service's name for it; empty where the service names none.
    Other(String),
}

/// The name that a metric or a label has in an export, from the one that it has in a query.
///
/// The way back is ambiguous, and needs a list of descriptors: [`MetricDescriptor::find_by_export_name`],
/// [`LabelDescriptor::find_by_export_name`].
///
/// ```
/// use confluent_metrics::export_name;
///
/// assert_eq!(export_name("io.confluent.kafka.server/sent_bytes"), "confluent_kafka_server_sent_bytes");
/// assert_eq!(export_name("metric.topic"), "topic");
/// assert_eq!(export_name("resource.kafka.id"), "kafka_id");
/// ```
#[must_use]
#[inline]
pub fn export_name(query_name: &str) -> String {
    let prefix = ["io.", "metric.", "resource."]
        .into_iter()
        .find(|prefix| query_name.starts_with(prefix));
    query_name
        .strip_prefix(prefix.unwrap_or(""))
        .unwrap_or(query_name)
        .replace(['.', '/'], "_")
}

impl MetricDescriptor {
    /// The descriptors whose names are most like `name`, at most `count` of them, the likest first. None that is not like
    /// it at all.
    ///
    /// Slips of the keyboard, missing or additional words, a missing `io.confluent.…/` and the name in an export are all
    /// fine: it is for telling a person what there is.
    ///
    /// ```
    /// use confluent_metrics::MetricDescriptor;
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
    ///
    /// let descriptors = client.metric_descriptors()?;
    /// let nearest = MetricDescriptor::closest_matches("io.confluent.kafka.server/recieved_bytes", &descriptors, 3);
    /// assert_eq!(nearest[0].name(), "io.confluent.kafka.server/received_bytes");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn closest_matches<'a>(name: &str, descriptors: &'a [Self], count: usize) -> Vec<&'a Self> {
        similarity::closest_matches(
            name,
            descriptors.iter().map(|one| (one, one.name.clone())),
            count,
        )
    }

    /// The one of `descriptors` that has this name in an export; `None` where none has it, or several have.
    #[must_use]
    pub fn find_by_export_name<'a>(name: &str, descriptors: &'a [Self]) -> Option<&'a Self> {
        exactly_one(descriptors.iter().filter(|one| one.export_name() == name))
    }

    /// The name that a query asks for, such as `io.confluent.kafka.server/received_bytes`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name in an export, such as `confluent_kafka_server_received_bytes`.
    #[inline]
    pub fn export_name(&self) -> String {
        export_name(&self.name)
    }

    /// What is measured, in the service's words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The unit of the values, as [UCUM](https://ucum.org) writes it: `By`, `ms`, `1` for a mere count.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// How the metric counts. In an export counters are typed as gauges: this is the better source.
    pub fn kind(&self) -> &MetricKind {
        &self.kind
    }

    /// How far the metric can be relied on.
    pub fn lifecycle_stage(&self) -> &LifecycleStage {
        &self.lifecycle_stage
    }

    /// Whether an export has the metric; `None` where the service does not say.
    pub fn is_exportable(&self) -> Option<bool> {
        self.exportable
    }

    /// The types of the resources that have the metric, such as `kafka`.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// The metric's own labels; those of its resources are in the [`ResourceDescriptor`].
    pub fn labels(&self) -> &[LabelDescriptor] {
        &self.labels
    }
}

impl ResourceDescriptor {
    /// The type, such as `kafka`.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// What such a resource is, in the service's words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The labels that the metrics of such a resource can be filtered and grouped by.
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

    /// The one of `labels` that has this name in an export; `None` where none has it, or several have.
    ///
    /// ```no_run
    /// use confluent_metrics::{Client, LabelDescriptor};
    ///
    /// let client = Client::from_env()?;
    /// let (metrics, resources) = (client.metric_descriptors()?, client.resource_descriptors()?);
    /// let all = metrics[0].labels().iter().chain(resources.iter().flat_map(|one| one.labels()));
    /// let label = LabelDescriptor::find_by_export_name("kafka_id", all);
    /// assert_eq!(label.map(|label| label.query_name()), Some("resource.kafka.id"));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn find_by_export_name<'a>(
        name: &str,
        labels: impl IntoIterator<Item = &'a Self>,
    ) -> Option<&'a Self> {
        exactly_one(labels.into_iter().filter(|one| one.export_name() == name))
    }

    /// The key as the service gives it, without what a query puts before it: `topic`, `kafka.id`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The name in a query: `metric.topic`, `resource.kafka.id`.
    pub fn query_name(&self) -> &str {
        &self.query_name
    }

    /// The name in an export: `topic`, `kafka_id`.
    #[inline]
    pub fn export_name(&self) -> String {
        export_name(&self.query_name)
    }

    /// What the label tells, in the service's words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether an export has the label; `None` where the service does not say.
    pub fn is_exportable(&self) -> Option<bool> {
        self.exportable
    }
}

impl MetricKind {
    #[inline]
    pub(crate) fn from_name(name: String) -> Self {
        let known = [
            Self::CounterInt64,
            Self::CounterDouble,
            Self::GaugeInt64,
            Self::GaugeDouble,
        ];
        known
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or(Self::Other(name))
    }

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::CounterInt64 => "COUNTER_INT64",
            Self::CounterDouble => "COUNTER_DOUBLE",
            Self::GaugeInt64 => "GAUGE_INT64",
            Self::GaugeDouble => "GAUGE_DOUBLE",
            Self::Other(name) => name,
        }
    }

    /// Whether it counts what happened in a span of time, so that values are summed over time. Known of kinds that this
    /// version does not know, too, by their names.
    pub fn is_counter(&self) -> bool {
        self.as_str().starts_with("COUNTER")
    }

    /// Whether it tells what was there at a time, so that values are averaged over time. Known of kinds that this version
    /// does not know, too, by their names.
    pub fn is_gauge(&self) -> bool {
        self.as_str().starts_with("GAUGE")
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for MetricKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl LifecycleStage {
    #[inline]
    pub(crate) fn from_name(name: String) -> Self {
        let known = [Self::Preview, Self::GeneralAvailability, Self::Deprecated];
        known
            .into_iter()
            .find(|stage| stage.as_str() == name)
            .unwrap_or(Self::Other(name))
    }

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Preview => "PREVIEW",
            Self::GeneralAvailability => "GENERAL_AVAILABILITY",
            Self::Deprecated => "DEPRECATED",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for LifecycleStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for LifecycleStage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The item, where it is the only one.
fn exactly_one<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_whether_known_or_not() {
        for name in [
            "COUNTER_INT64",
            "COUNTER_DOUBLE",
            "GAUGE_INT64",
            "GAUGE_DOUBLE",
            "COUNTER_INT128",
            "",
            "Gauge",
        ] {
            let kind = MetricKind::from_name(name.into());
            assert_eq!((kind.as_str(), kind.to_string()), (name, name.to_owned()));
            assert_eq!(
                matches!(kind, MetricKind::Other(_)),
                !["INT64", "DOUBLE"].iter().any(|end| name.ends_with(end))
            );
            assert_eq!(
                (kind.is_counter(), kind.is_gauge()),
                (name.starts_with('C'), name.starts_with("GA"))
            );
        }
        for name in [
            "PREVIEW",
            "GENERAL_AVAILABILITY",
            "DEPRECATED",
            "RETIRED",
            "",
        ] {
            let stage = LifecycleStage::from_name(name.into());
            assert_eq!((stage.as_str(), stage.to_string()), (name, name.to_owned()));
        }
    }
}
