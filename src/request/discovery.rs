//! The request for resources that can be exported, and the target groups that it returns.
//!
//! A request becomes a query string, such as:
//!
//! ```text
//! ?associated_kafka_id=lkc-1234&resource_type=connector
//! ```
//!
//! A target group names resources by labels with a prefix, as Prometheus expects parameters of a
//! URL. This one has two Kafka clusters:
//!
//! ```json
//! {"targets": ["api.telemetry.confluent.cloud"],
//!  "labels": {"__metrics_path__": "/v2/metrics/cloud/export",
//!             "__param_resource.kafka.id": "lkc-1,lkc-2"}}
//! ```
use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::model::labels::Labels;
use crate::model::resource::Resource;
use crate::request::export::ExportRequest;
use crate::request::operation::Operation;
use crate::request::problems::Problems;
use crate::util::text::{percent_encode, quote, sanitize_line};

/// A request for the resources that can be exported.
///
/// It returns every resource that the key has access to, unless it is narrowed. Like
/// [`ExportRequest`] it is a plain value that the call checks before anything is sent.
///
/// Discovery exists in the datasets `cloud` and `cloud-custom` only. See the vendor's
/// [API reference](https://api.telemetry.confluent.cloud/docs#tag/Version-2).
///
/// ```
/// use confluent_metrics::DiscoveryRequest;
///
/// let connectors = DiscoveryRequest::new()
///     .kafka_cluster("lkc-1234")
///     .resource_type("connector");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct DiscoveryRequest {
    /// The id of the environment, or `None` for all.
    environment: Option<String>,
    /// The id of the Kafka cluster, or `None` for all.
    kafka_cluster: Option<String>,
    /// The type of the resources, or `None` for all.
    resource_type: Option<String>,
}

/// A target group in the format of
/// [Prometheus HTTP service discovery](https://prometheus.io/docs/prometheus/latest/http_sd/).
///
/// Its resources can be exported in one request. Returned by
/// [`Client::discover`](crate::Client::discover).
///
/// ```
/// use confluent_metrics::{DiscoveryRequest, ExportRequest};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// for group in client.discover(&DiscoveryRequest::new())? {
///     let export = client.export(&ExportRequest::from(&group))?;
///     println!("{:?}: {} samples", group.targets(), export.samples().len());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TargetGroup {
    /// The hosts to scrape.
    targets: Vec<String>,
    /// The labels, with parameters of the URL among them.
    labels: Labels,
}

/// A filter of a discovery request.
struct Parameter<'a> {
    /// The name in errors.
    what: &'static str,
    /// The name in the URL.
    key: &'static str,
    /// The value that the user set.
    value: &'a str,
    /// True if the value is an id. The service splits ids at commas and accepts one only.
    is_id: bool,
}

impl DiscoveryRequest {
    /// Creates a request for every resource.
    ///
    /// ```
    /// let all = confluent_metrics::DiscoveryRequest::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns only resources in the environment with this id, `env-…`.
    ///
    /// Replaces the environment set before.
    ///
    /// Defaults to all environments.
    ///
    /// ```
    /// use confluent_metrics::DiscoveryRequest;
    ///
    /// let request = DiscoveryRequest::new().environment("env-1234");
    /// ```
    pub fn environment(mut self, id: impl Into<String>) -> Self {
        self.environment = Some(id.into());
        self
    }

    /// Returns only the Kafka cluster with this id, `lkc-…`, and the resources that belong to it.
    ///
    /// Replaces the cluster set before.
    ///
    /// Defaults to all clusters.
    ///
    /// ```
    /// use confluent_metrics::DiscoveryRequest;
    ///
    /// let request = DiscoveryRequest::new().kafka_cluster("lkc-1234");
    /// ```
    pub fn kafka_cluster(mut self, id: impl Into<String>) -> Self {
        self.kafka_cluster = Some(id.into());
        self
    }

    /// Returns only resources of this type, such as `connector`.
    ///
    /// Replaces the type set before.
    ///
    /// Defaults to all types.
    ///
    /// ```
    /// use confluent_metrics::DiscoveryRequest;
    ///
    /// let request = DiscoveryRequest::new().resource_type("schema_registry");
    /// ```
    pub fn resource_type(mut self, resource_type: impl Into<String>) -> Self {
        self.resource_type = Some(resource_type.into());
        self
    }

    /// Returns the id of the [environment](Self::environment), or `None` for all.
    ///
    /// ```
    /// use confluent_metrics::DiscoveryRequest;
    ///
    /// let request = DiscoveryRequest::new().environment("env-1234");
    /// assert_eq!(request.environment_id(), Some("env-1234"));
    /// ```
    pub fn environment_id(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Returns the id of the [Kafka cluster](Self::kafka_cluster), or `None` for all.
    ///
    /// ```
    /// use confluent_metrics::DiscoveryRequest;
    ///
    /// let request = DiscoveryRequest::new().kafka_cluster("lkc-1234");
    /// assert_eq!(request.kafka_cluster_id(), Some("lkc-1234"));
    /// ```
    pub fn kafka_cluster_id(&self) -> Option<&str> {
        self.kafka_cluster.as_deref()
    }

    /// Returns the [type](Self::resource_type) of the resources, or `None` for all.
    ///
    /// ```
    /// use confluent_metrics::DiscoveryRequest;
    ///
    /// let request = DiscoveryRequest::new().resource_type("connector");
    /// assert_eq!(request.type_name(), Some("connector"));
    /// ```
    pub fn type_name(&self) -> Option<&str> {
        self.resource_type.as_deref()
    }

    /// Describes the request in the context of an error.
    pub(crate) fn describe(&self) -> String {
        let name = Operation::Discovery.name();
        let mut filters = Vec::new();
        for Parameter { what, value, .. } in self.parameters() {
            filters.push(format!("{what} {}", sanitize_line(value, 100)));
        }
        if filters.is_empty() {
            return name.into();
        }
        format!("{name} by {}", filters.join(", "))
    }

    /// Returns the query string of the URL.
    ///
    /// # Errors
    ///
    /// Returns `InvalidInput` with every problem of the request.
    pub(crate) fn query_string(&self) -> Result<String, Error> {
        let mut problems = Problems::default();
        let mut query_string = String::new();
        // Problems do not stop the loop, so that one error names all of them.
        for parameter in self.parameters() {
            let Parameter {
                what, key, value, ..
            } = parameter;
            problems.require_name(what, value);
            if parameter.is_id && value.contains(',') {
                let value = quote(value, 100);
                problems.push(format!(
                    "{what} {value} contains a comma: only one value is allowed"
                ));
            }
            // Encoded values cannot add parameters of their own.
            let separator = if query_string.is_empty() { '?' } else { '&' };
            query_string.push_str(&format!("{separator}{key}={}", percent_encode(value)));
        }
        problems.into_result("discovery request")?;
        Ok(query_string)
    }

    /// Returns the filters that are set.
    fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        let table = [
            ("environment", "env", &self.environment, true),
            (
                "Kafka cluster",
                "associated_kafka_id",
                &self.kafka_cluster,
                true,
            ),
            ("resource type", "resource_type", &self.resource_type, false),
        ];
        table.into_iter().filter_map(|(what, key, value, is_id)| {
            let value = value.as_deref()?;
            Some(Parameter {
                what,
                key,
                value,
                is_id,
            })
        })
    }
}

impl fmt::Display for DiscoveryRequest {
    /// Prints the request for people: `discovery by Kafka cluster lkc-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl TargetGroup {
    /// Creates a group from the members of a response.
    pub(crate) const fn new(targets: Vec<String>, labels: Labels) -> Self {
        Self { targets, labels }
    }

    /// Returns the hosts to scrape, usually `api.telemetry.confluent.cloud`.
    ///
    /// ```
    /// use confluent_metrics::TargetGroup;
    ///
    /// fn print_hosts(group: &TargetGroup) {
    ///     println!("{}", group.targets().join(", "));
    /// }
    /// ```
    #[must_use]
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Returns the labels of the targets.
    ///
    /// `__metrics_path__` is the path to scrape. Labels that start with `__param_` are parameters
    /// of the URL.
    ///
    /// ```
    /// use confluent_metrics::TargetGroup;
    ///
    /// fn path(group: &TargetGroup) -> Option<&str> {
    ///     group.labels().get("__metrics_path__")
    /// }
    /// ```
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the resources to export, parsed from the labels.
    ///
    /// They are what [`ExportRequest::new`] takes.
    ///
    /// ```
    /// use confluent_metrics::{DiscoveryRequest, ExportRequest, TargetGroup};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let groups = client.discover(&DiscoveryRequest::new().resource_type("kafka"))?;
    /// let request = ExportRequest::new(groups.iter().flat_map(TargetGroup::resources));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn resources(&self) -> Vec<Resource> {
        let mut resources = Vec::new();
        let mut seen = HashSet::new();
        // A label lists ids with commas, and several labels may list the same resource.
        for (name, ids) in &self.labels {
            let Some(resource_type) = name
                .strip_prefix("__param_")
                .and_then(Resource::parse_resource_type)
            else {
                continue;
            };
            for id in ids.split(',').map(str::trim).filter(|id| !id.is_empty()) {
                if seen.insert((resource_type, id)) {
                    resources.push(Resource::new(resource_type, id));
                }
            }
        }
        resources
    }
}

impl From<&TargetGroup> for ExportRequest {
    /// Creates a request for every exportable metric of the resources of the group.
    fn from(group: &TargetGroup) -> Self {
        Self::new(group.resources())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_a_parameter() {
        let all = DiscoveryRequest::new();
        assert_eq!(all.describe(), "discovery");
        assert_eq!(all.query_string().unwrap(), "");
        let some = all
            .environment("env-1")
            .kafka_cluster("lkc-1&")
            .resource_type("other")
            .resource_type("connector");
        assert_eq!(
            some.query_string().unwrap(),
            "?env=env-1&associated_kafka_id=lkc-1%26&resource_type=connector"
        );
        assert_eq!(
            some.describe(),
            "discovery by environment env-1, Kafka cluster lkc-1&, resource type connector"
        );
    }

    #[test]
    fn an_error_names_every_problem() {
        let request = DiscoveryRequest::new()
            .environment("")
            .kafka_cluster("lkc-1,lkc-2")
            .resource_type("a\n");
        assert_eq!(
            request.query_string().unwrap_err().to_string(),
            "invalid discovery request: environment is empty; Kafka cluster \"lkc-1,lkc-2\" contains a comma: \
             only one value is allowed; resource type \"a\\n\" contains a control character"
        );
    }

    fn group(labels: &[(&str, &str)]) -> TargetGroup {
        TargetGroup::new(vec!["a:443".into()], Labels::new(labels).unwrap())
    }

    #[test]
    fn resources_are_parsed_from_labels_of_either_form() {
        let group = group(&[
            ("__metrics_path__", "/v2"),
            ("__param_debug_job_id", "cflt-1"),
            ("__param_resource.schema_registry.id", "lsrc-1"),
            ("__param_resource__id", "x"),
            ("__param_resource_id", "x"),
            ("__param_resource_kafka_id", "lkc-1,lkc-2, lkc-1,"),
            ("resource_kafka_id", "lkc-9"),
        ]);
        let resources = [
            Resource::schema_registry("lsrc-1"),
            Resource::kafka("lkc-1"),
            Resource::kafka("lkc-2"),
        ];
        assert_eq!(group.resources(), resources);
        assert_eq!(ExportRequest::from(&group), ExportRequest::new(resources));
    }

    #[test]
    fn hundreds_of_thousands_of_ids_are_parsed_in_linear_time() {
        // Comparing each id with those before it would take minutes.
        let ids: Vec<_> = (0..100_000).map(|number| format!("lkc-{number}")).collect();
        let twice = format!("{0},{0}", ids.join(","));
        let resources = group(&[("__param_resource_kafka_id", &twice)]).resources();
        assert!(resources.iter().map(Resource::id).eq(&ids));
    }
}
