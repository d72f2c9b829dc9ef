use std::collections::HashSet;

use serde::Serialize;

use crate::decode::export::ExportRequest;
use crate::error::Error;
use crate::model::labels::Labels;
use crate::model::resource::Resource;
use crate::request::operation::Operation;
use crate::request::query::validate_name;
use crate::util::text::{percent_encode, sanitize_line};

/// Which resources to discover: all that the key's owner may see, or some of them.
///
/// A plain value, as [`ExportRequest`] is. Only some datasets have discovery: `cloud` and `cloud-custom`. See the vendor's
/// [API reference](https://api.telemetry.confluent.cloud/docs#tag/Version-2).
///
/// ```
/// use confluent_metrics::DiscoveryRequest;
///
/// let connectors = DiscoveryRequest::new().kafka_cluster("lkc-1234").resource_type("connector");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct DiscoveryRequest {
    environment: Option<String>,
    kafka_cluster: Option<String>,
    resource_type: Option<String>,
}

/// Resources that may be scraped together, as Prometheus wants to be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TargetGroup {
    targets: Vec<String>,
    labels: Labels,
}

impl DiscoveryRequest {
    /// Asks for every resource.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks only for resources in the environment with this id, `env-…`. The service takes one: said again, it is another.
    pub fn environment(mut self, id: impl Into<String>) -> Self {
        self.environment = Some(id.into());
        self
    }

    /// Asks only for the Kafka cluster with this id, `lkc-…`, and what belongs to it. The service takes one: said again, it
    /// is another.
    pub fn kafka_cluster(mut self, id: impl Into<String>) -> Self {
        self.kafka_cluster = Some(id.into());
        self
    }

    /// Asks only for resources of this type, such as `connector`. The service takes one: said again, it is another.
    pub fn resource_type(mut self, resource_type: impl Into<String>) -> Self {
        self.resource_type = Some(resource_type.into());
        self
    }

    /// What is asked for, in a few words.
    #[inline]
    pub(crate) fn describe(&self) -> String {
        let parts = self
            .query_parameters()
            .map(|(what, _, value)| Some(format!("{what} {}", sanitize_line(value?, 100))));
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            Operation::Discovery.name().into()
        } else {
            format!("{} by {}", Operation::Discovery.name(), parts.join(", "))
        }
    }

    /// The parameters of the address, or every fault at once.
    #[inline]
    pub(crate) fn parameters(&self) -> Result<String, Error> {
        let mut faults = Vec::new();
        let mut parameters = String::new();
        for (what, name, value) in self.query_parameters() {
            let Some(value) = value else { continue };
            validate_name(&format!("the {what}"), value, &mut faults);
            if what != "resource type" && value.contains(',') {
                faults.push(format!(
                    "the {what} \"{}\" has a comma in it: the service takes one",
                    sanitize_line(value, 100)
                ));
            }
            let separator = if parameters.is_empty() { '?' } else { '&' };
            parameters.push_str(&format!("{separator}{name}={}", percent_encode(value)));
        }
        if faults.is_empty() {
            Ok(parameters)
        } else {
            Err(Error::invalid_request("the request", &faults))
        }
    }

    /// Each part by its name for people and its name in the address.
    fn query_parameters(&self) -> [(&'static str, &'static str, Option<&str>); 3] {
        [
            ("environment", "env", self.environment.as_deref()),
            (
                "Kafka cluster",
                "associated_kafka_id",
                self.kafka_cluster.as_deref(),
            ),
            (
                "resource type",
                "resource_type",
                self.resource_type.as_deref(),
            ),
        ]
    }
}

impl TargetGroup {
    pub(crate) fn new((targets, labels): (Vec<String>, Labels)) -> Self {
        Self { targets, labels }
    }

    /// The hosts to scrape, `api.telemetry.confluent.cloud` as a rule.
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// What else is said of them: `__metrics_path__`, and as `__param_…` what goes into the address.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The resources that are to be scraped, read out of the labels; ready for [`ExportRequest::new`].
    #[inline]
    pub fn resources(&self) -> Vec<Resource> {
        let mut resources = Vec::new();
        let mut known = HashSet::new();
        for (name, ids) in self.labels.iter() {
            let Some(kind) = name
                .strip_prefix("__param_")
                .and_then(Resource::parse_resource_type)
            else {
                continue;
            };
            for id in ids.split(',').map(str::trim).filter(|id| !id.is_empty()) {
                if known.insert((kind, id)) {
                    resources.push(Resource::new(kind, id));
                }
            }
        }
        resources
    }
}

impl From<&TargetGroup> for ExportRequest {
    /// Asks for every exportable metric of the group's resources.
    fn from(group: &TargetGroup) -> Self {
        Self::new(group.resources())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::target_groups;
    use crate::time::deadline::Deadline;

    #[test]
    fn each_filter_is_a_parameter() {
        let all = DiscoveryRequest::new();
        assert_eq!(
            (all.describe(), all.parameters().unwrap()),
            ("discovery".into(), String::new())
        );
        let some = all
            .environment("env-1")
            .kafka_cluster("lkc-1&")
            .resource_type("other")
            .resource_type("connector");
        assert_eq!(
            some.parameters().unwrap(),
            "?env=env-1&associated_kafka_id=lkc-1%26&resource_type=connector"
        );
        assert_eq!(
            some.describe(),
            "discovery by environment env-1, Kafka cluster lkc-1&, resource type connector"
        );
        let faulty = DiscoveryRequest::new()
            .environment("")
            .kafka_cluster("lkc-1,lkc-2")
            .resource_type("a\n");
        assert_eq!(
            faulty.parameters().unwrap_err().to_string(),
            "the request cannot be sent: the environment is empty; the Kafka cluster \"lkc-1,lkc-2\" has a comma in it: \
             the service takes one; the resource type \"a\" has a control character in it"
        );
    }

    #[test]
    fn resources_are_read_out_of_labels_of_either_form() {
        let body = r#"[
            {"targets":["a:443"],"labels":{"__metrics_path__":"/v2","__param_resource_kafka_id":"lkc-1,lkc-2, lkc-1,",
             "__param_resource.schema_registry.id":"lsrc-1","__param_resource_id":"x","__param_resource__id":"x",
             "__param_debug_job_id":"cflt-1","resource_kafka_id":"lkc-9"}},
            {"targets":null,"labels":{"a":1,"b":null}},
            {}
        ]"#;
        let groups: Vec<_> = target_groups(body.as_bytes(), &Deadline::never())
            .unwrap()
            .into_iter()
            .map(TargetGroup::new)
            .collect();
        let [one, two, three] = groups.as_slice() else {
            panic!("{groups:?}")
        };
        assert_eq!(one.targets(), ["a:443"]);
        let resources = [
            Resource::schema_registry("lsrc-1"),
            Resource::kafka("lkc-1"),
            Resource::kafka("lkc-2"),
        ];
        assert_eq!(one.resources(), resources);
        assert_eq!(ExportRequest::from(one), ExportRequest::new(resources));
        assert_eq!(
            (two.labels().to_string(), two.resources()),
            (r#"{a="1"}"#.into(), Vec::new())
        );
        assert!(three.targets().is_empty() && three.labels().is_empty());
    }

    #[test]
    fn hundreds_of_thousands_of_ids_are_read_in_linear_time() {
        // Comparing each id with those before it would take minutes.
        let ids: Vec<_> = (0..100_000).map(|number| format!("lkc-{number}")).collect();
        let twice = format!("{0},{0}", ids.join(","));
        let labels = Labels::new(vec![("__param_resource_kafka_id", twice)]).unwrap();
        let resources = TargetGroup::new((Vec::new(), labels)).resources();
        assert!(resources.iter().map(Resource::id).eq(&ids));
    }
}
