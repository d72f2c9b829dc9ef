//! The resources of Confluent Cloud that have metrics.

use std::fmt;
use std::str::FromStr;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::serde_text;
use crate::util::text::quote;

/// A resource of Confluent Cloud, such as a Kafka cluster.
///
/// The service checks the access rights of a key by resource, so most datasets require a resource
/// among the filters of a query. As a [`Filter`](crate::Filter) it is `resource.<type>.id` equal to
/// the id. Ids are opaque: the client does not check their form.
///
/// The text form is the type, a colon and the id.
///
/// See the vendor's [labels](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Labels).
///
/// ```
/// use confluent_metrics::{Filter, Resource};
///
/// assert_eq!(
///     Filter::from(Resource::kafka("lkc-1234")),
///     Filter::eq("resource.kafka.id", "lkc-1234"),
/// );
///
/// let resource: Resource = "kafka:lkc-1234".parse()?;
/// assert_eq!(resource, Resource::kafka("lkc-1234"));
/// assert_eq!(resource.to_string(), "kafka:lkc-1234");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// The type in the name of the label, such as `kafka`.
    resource_type: String,
    /// The id, such as `lkc-1234`.
    id: String,
}

/// The type of Flink statements, the only one without ids.
const FLINK_STATEMENT: &str = "flink_statement";

impl Resource {
    /// Creates a resource of any type.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// assert_eq!(Resource::new("kafka", "lkc-1234"), Resource::kafka("lkc-1234"));
    /// ```
    pub fn new(resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            resource_type: resource_type.into(),
            id: id.into(),
        }
    }

    /// Creates a Kafka cluster, `lkc-…`.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// assert_eq!(Resource::kafka("lkc-1234").resource_type(), "kafka");
    /// ```
    pub fn kafka(id: impl Into<String>) -> Self {
        Self::new("kafka", id)
    }

    /// Creates a managed connector, `lcc-…`.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// assert_eq!(Resource::connector("lcc-1234").resource_type(), "connector");
    /// ```
    pub fn connector(id: impl Into<String>) -> Self {
        Self::new("connector", id)
    }

    /// Creates a custom connector, `clcc-…`, of the dataset
    /// [`cloud-custom`](crate::dataset::CLOUD_CUSTOM).
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// let resource = Resource::custom_connector("clcc-1234");
    /// assert_eq!(resource.resource_type(), "custom_connector");
    /// ```
    pub fn custom_connector(id: impl Into<String>) -> Self {
        Self::new("custom_connector", id)
    }

    /// Creates a ksqlDB cluster, `lksqlc-…`.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// assert_eq!(Resource::ksql("lksqlc-1234").resource_type(), "ksql");
    /// ```
    pub fn ksql(id: impl Into<String>) -> Self {
        Self::new("ksql", id)
    }

    /// Creates a Schema Registry, `lsrc-…`.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// let resource = Resource::schema_registry("lsrc-1234");
    /// assert_eq!(resource.resource_type(), "schema_registry");
    /// ```
    pub fn schema_registry(id: impl Into<String>) -> Self {
        Self::new("schema_registry", id)
    }

    /// Creates a Flink compute pool, `lfcp-…`.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// assert_eq!(Resource::compute_pool("lfcp-1234").resource_type(), "compute_pool");
    /// ```
    pub fn compute_pool(id: impl Into<String>) -> Self {
        Self::new("compute_pool", id)
    }

    /// Creates a Flink statement, which has a name instead of an id.
    ///
    /// ```
    /// use confluent_metrics::{Filter, Resource};
    ///
    /// let resource = Resource::flink_statement("enrich-orders");
    /// assert_eq!(
    ///     Filter::from(resource),
    ///     Filter::eq("resource.flink_statement.name", "enrich-orders"),
    /// );
    /// ```
    pub fn flink_statement(name: impl Into<String>) -> Self {
        Self::new(FLINK_STATEMENT, name)
    }

    /// Returns the label that names the resource in a query, such as `resource.kafka.id`.
    pub(crate) fn label(&self) -> String {
        let end = Self::label_end(&self.resource_type);
        format!("resource.{}.{end}", self.resource_type)
    }

    /// Returns the last part of the label of a resource type: `id`, or `name` for a Flink statement.
    pub(crate) fn label_end(resource_type: &str) -> &'static str {
        if resource_type == FLINK_STATEMENT {
            "name"
        } else {
            "id"
        }
    }

    /// Returns the type in the label `resource.kafka.id` or the parameter `resource_kafka_id`.
    ///
    /// Returns `None` if `label` is not about the id of a resource.
    pub(crate) fn parse_resource_type(label: &str) -> Option<&str> {
        // Queries separate the parts by dots, and the parameters of exports by underscores.
        ['.', '_'].into_iter().find_map(|separator| {
            let parts = label.strip_prefix("resource")?.strip_prefix(separator)?;
            let (resource_type, end) = parts.rsplit_once(separator)?;
            let is_id = end == "id" || end == Self::label_end(resource_type);
            (is_id && !resource_type.is_empty()).then_some(resource_type)
        })
    }

    /// Returns the type that the service uses, such as `kafka` or `schema_registry`.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// assert_eq!(Resource::kafka("lkc-1234").resource_type(), "kafka");
    /// ```
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// Returns the id.
    ///
    /// ```
    /// use confluent_metrics::Resource;
    ///
    /// assert_eq!(Resource::kafka("lkc-1234").id(), "lkc-1234");
    /// ```
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Resource {
    /// Prints `kafka:lkc-1234`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)
    }
}

impl FromStr for Resource {
    type Err = Error;

    /// Parses a type and an id, separated by a colon: `kafka:lkc-1234`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) without a colon, a type or an id.
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some((resource_type, id)) if !resource_type.is_empty() && !id.is_empty() => {
                Ok(Self::new(resource_type, id))
            }
            _ => Err(Error::invalid_input(format!(
                "invalid resource {}: expected TYPE:ID, such as kafka:lkc-1",
                quote(text, 100)
            ))),
        }
    }
}

impl Serialize for Resource {
    /// Serializes the text that `Display` prints.
    ///
    /// # Errors
    ///
    /// If the text would be read back as another resource: the type or the id is empty, or the type
    /// contains a colon.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.to_string().parse().ok().as_ref() != Some(self) {
            let text = quote(&self.to_string(), 100);
            return Err(S::Error::custom(format!("invalid resource {text}")));
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Resource {
    /// Deserializes the text that [`FromStr`] parses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_parsed_from_labels_and_parameters() {
        for (label, resource_type) in [
            ("resource.kafka.id", Some("kafka")),
            ("resource_kafka_id", Some("kafka")),
            ("resource_schema_registry_id", Some("schema_registry")),
            ("resource.flink_statement.name", Some("flink_statement")),
            ("resource_flink_statement_name", Some("flink_statement")),
            ("resource.kafka.name", None),
            ("resource..id", None),
            ("resource.id", None),
            ("resource.kafka_id", None),
            ("metric.kafka.id", None),
        ] {
            assert_eq!(
                Resource::parse_resource_type(label),
                resource_type,
                "{label}"
            );
        }
    }
}
