//! Decodes the descriptors of metrics and resource types.
//!
//! A list of descriptors is read object by object, and each becomes one descriptor here:
//!
//! ```json
//! {"name": "io.confluent.kafka.server/sent_bytes", "type": "COUNTER_INT64", "unit": "By",
//!  "lifecycle_stage": "GENERAL_AVAILABILITY", "exportable": true, "resources": ["kafka"],
//!  "labels": [{"key": "topic", "description": "Name of the topic", "exportable": true}]}
//! ```
//!
//! Optional members may be missing or null. Unknown members are skipped, so that the service can
//! add some. An unknown kind or stage keeps its name.

use crate::decode::json::RawObject;
use crate::model::descriptor::{LabelDescriptor, MetricDescriptor, ResourceDescriptor};
use crate::model::lifecycle_stage::LifecycleStage;
use crate::model::metric_kind::MetricKind;
use crate::time::deadline::Interrupt;

/// Decodes the descriptor of a metric.
pub(crate) fn metric_descriptor(
    row: &RawObject<'_>,
    interrupt: &Interrupt<'_>,
) -> Result<MetricDescriptor, String> {
    Ok(MetricDescriptor {
        name: row.required_string("name")?,
        description: row.string("description")?.unwrap_or_default(),
        kind: MetricKind::from(row.string("type")?.unwrap_or_default()),
        unit: row.string("unit")?.unwrap_or_default(),
        lifecycle_stage: LifecycleStage::from(row.string("lifecycle_stage")?.unwrap_or_default()),
        exportable: row.bool("exportable")?,
        resources: row.strings("resources", interrupt)?,
        labels: row.objects("labels", interrupt, |label| {
            label_descriptor("metric.", &label)
        })?,
    })
}

/// Decodes the descriptor of a resource type.
///
/// ```json
/// {"type": "kafka", "description": "A Kafka cluster", "labels": [{"key": "kafka.id"}]}
/// ```
pub(crate) fn resource_descriptor(
    row: &RawObject<'_>,
    interrupt: &Interrupt<'_>,
) -> Result<ResourceDescriptor, String> {
    Ok(ResourceDescriptor {
        resource_type: row.required_string("type")?,
        description: row.string("description")?.unwrap_or_default(),
        labels: row.objects("labels", interrupt, |label| {
            label_descriptor("resource.", &label)
        })?,
    })
}

/// Decodes the descriptor of a label. Queries name the label by `prefix` and its key.
fn label_descriptor(prefix: &str, row: &RawObject<'_>) -> Result<LabelDescriptor, String> {
    Ok(LabelDescriptor::new(
        prefix,
        row.required_string("key")?,
        row.string("description")?.unwrap_or_default(),
        row.bool("exportable")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::deadline::Deadline;

    fn metric(json: &str) -> MetricDescriptor {
        metric_descriptor(
            &RawObject::read(json).unwrap(),
            &Interrupt::new(&Deadline::never()),
        )
        .unwrap()
    }

    fn resource(json: &str) -> ResourceDescriptor {
        resource_descriptor(
            &RawObject::read(json).unwrap(),
            &Interrupt::new(&Deadline::never()),
        )
        .unwrap()
    }

    #[test]
    fn omitted_and_null_members_are_none() {
        let bare = metric(r#"{"name":"io.a/b"}"#);
        assert_eq!(bare.name(), "io.a/b");
        assert_eq!(
            (bare.description(), bare.unit(), bare.is_exportable()),
            ("", "", None)
        );
        assert_eq!(
            (bare.kind(), bare.lifecycle_stage()),
            (&MetricKind::from(""), &LifecycleStage::from(""))
        );
        assert!(bare.resources().is_empty() && bare.labels().is_empty());
        let nulls = r#"{"name":"io.a/b","description":null,"type":null,"unit":null,"lifecycle_stage":null,"exportable":null,"resources":null,"labels":null,"new":[{}]}"#;
        assert_eq!(metric(nulls), bare);
        assert_eq!(
            resource(r#"{"type":"kafka"}"#),
            resource(r#"{"type":"kafka","description":null,"labels":null}"#)
        );
    }

    #[test]
    fn labels_have_a_name_in_queries_and_one_in_exports() {
        let metric = metric(
            r#"{"name":"a","labels":[{"key":"topic","description":"d","exportable":false},{"key":"metric.zone"}]}"#,
        );
        let resource = resource(
            r#"{"type":"kafka","labels":[{"key":"kafka.id"},{"key":"resource.kafka.name"}]}"#,
        );
        let names = |labels: &[LabelDescriptor]| -> Vec<_> {
            labels
                .iter()
                .map(|label| {
                    format!(
                        "{} {} {}",
                        label.key(),
                        label.query_name(),
                        label.export_name()
                    )
                })
                .collect()
        };
        assert_eq!(
            names(metric.labels()),
            ["topic metric.topic topic", "metric.zone metric.zone zone"]
        );
        assert_eq!(
            names(resource.labels()),
            [
                "kafka.id resource.kafka.id kafka_id",
                "resource.kafka.name resource.kafka.name kafka_name"
            ]
        );
        assert_eq!(
            metric
                .labels()
                .iter()
                .map(LabelDescriptor::is_exportable)
                .collect::<Vec<_>>(),
            [Some(false), None]
        );
        let all = || metric.labels().iter().chain(resource.labels());
        let found = |name| {
            LabelDescriptor::find_by_export_name(name, all()).map(LabelDescriptor::query_name)
        };
        assert_eq!(
            (found("topic"), found("kafka_id"), found("kafka.id")),
            (Some("metric.topic"), Some("resource.kafka.id"), None)
        );
    }

    #[test]
    fn an_export_name_is_found_if_it_belongs_to_one_metric() {
        let metrics = ["io.a.b/c_d", "io.a.b/c_e", "io.a/b_c_e"]
            .map(|name| metric(&format!(r#"{{"name":"{name}"}}"#)));
        let found = |name| {
            MetricDescriptor::find_by_export_name(name, &metrics).map(MetricDescriptor::name)
        };
        assert_eq!(found("a_b_c_d"), Some("io.a.b/c_d"));
        assert_eq!(found("a_b_c_e"), None, "it may be either of two");
        assert_eq!(found("io.a.b/c_d"), None);
    }

    #[test]
    fn descriptors_serialize_as_the_service_sends_them() {
        let sent = r#"{"name":"io.a/b","description":"d","type":"GAUGE_INT64","unit":"By","lifecycle_stage":"PREVIEW","exportable":true,"resources":["kafka"],"labels":[{"key":"topic","description":"t","exportable":true}]}"#;
        assert_eq!(serde_json::to_string(&metric(sent)).unwrap(), sent);
        let sent = r#"{"type":"kafka","description":"d","labels":[{"key":"kafka.id","description":"i","exportable":null}]}"#;
        assert_eq!(serde_json::to_string(&resource(sent)).unwrap(), sent);
    }
}
