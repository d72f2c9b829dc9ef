//! The operation `export`: the latest point of every series, as text.

use std::collections::BTreeSet;

use crate::authorization;
use crate::catalogue::{self, Metric};
use crate::content_negotiation;
use crate::context::RequestContext;
use crate::errors;
use crate::exposition::{self, Family, Layout, Sample};
use crate::format::rfc3339::MINUTE;
use crate::http::url::Target;
use crate::request::filter::{Labels, label};
use crate::response::Response;
use crate::state::State;
use crate::store::Visible;

/// A requested resource.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Resource {
    kind: &'static str,
    /// The label in a query, such as `resource.kafka.id`.
    label: &'static str,
    id: String,
}

impl Resource {
    /// Returns the name in a 429, such as `kafka.id:lkc-1`.
    fn name(&self) -> String {
        format!("{}:{}", self.label.trim_start_matches("resource."), self.id)
    }
}

/// Returns the requested resources, without duplicates and without types of other datasets.
fn resources(target: &Target, dataset: &str) -> Vec<Resource> {
    let kinds = catalogue::resource_types(dataset);
    let mut found: Vec<Resource> = Vec::new();
    for (name, value) in target.parameters() {
        for kind in &kinds {
            let labels = catalogue::resource_labels(kind).iter();
            for label in labels.filter(|label| name == **label || name == label.replace('.', "_")) {
                for id in value.split(',').filter(|id| !id.is_empty()) {
                    let resource = Resource {
                        kind,
                        label,
                        id: id.to_owned(),
                    };
                    if !found.contains(&resource) {
                        found.push(resource);
                    }
                }
            }
        }
    }
    found
}

/// Returns the names of the requested resources, each of which has a rate limit of its own.
pub(crate) fn limited_resources(target: &Target) -> Vec<String> {
    let Some(dataset) = target.dataset() else {
        return Vec::new();
    };
    let resources = resources(target, dataset);
    resources.iter().map(Resource::name).collect()
}

/// Exports metrics. The error is the response to a rejected request.
pub(crate) fn respond(state: &State, context: &RequestContext<'_>) -> Result<Response, Response> {
    let Some(format) = content_negotiation::export_format(context.request) else {
        let detail = "The response is text/plain or application/openmetrics-text";
        return Err(errors::detail(406, detail, context.style));
    };
    let requested = resources(context.target, context.dataset);
    let (metrics, ignore_failed) = parse_parameters(context, &requested)?;
    let (readable, unreadable): (Vec<_>, Vec<_>) = requested.iter().partition(|resource| {
        authorization::can_read(state, context.access, resource.label, &resource.id)
    });
    if readable.is_empty() {
        let ids: Vec<_> = unreadable
            .iter()
            .map(|resource| resource.id.as_str())
            .collect();
        let detail = format!(
            "Unauthorized for the following resources: {}",
            ids.join(",")
        );
        return Err(errors::detail(403, &detail, context.style));
    }
    let export = Export {
        state,
        readable,
        visible: state.visible(),
    };
    let mut families = vec![access_errors(&requested, &unreadable)];
    if ignore_failed {
        families.push(export.statuses(&metrics));
    } else if metrics
        .iter()
        .any(|requested| export.fails(requested) && !export.kinds(requested.metric).is_empty())
    {
        return Err(errors::of_status(500, context.style));
    }
    let exportable = metrics
        .iter()
        .filter(|requested| !export.fails(requested))
        .filter_map(|requested| requested.metric);
    families.extend(
        exportable
            .map(|metric| export.family(metric))
            .filter(|family| !family.samples.is_empty()),
    );
    let layout = Layout {
        format,
        dialect: state.settings.export_dialect,
        integers: context.style.integers,
    };
    Ok(Response::with_body(
        200,
        format.content_type(),
        layout.write(&families),
    ))
}

/// A requested metric. `metric` is `None` if the dataset has no such metric.
#[derive(Debug)]
struct RequestedMetric {
    name: String,
    metric: Option<&'static Metric>,
}

/// Returns the requested metrics, and true if the request ignores failed ones.
fn parse_parameters(
    context: &RequestContext<'_>,
    requested: &[Resource],
) -> Result<(Vec<RequestedMetric>, bool), Response> {
    let invalid = |detail: &str| Err(errors::detail(400, detail, context.style));
    if requested.is_empty() {
        return invalid("Please specify at least one valid resource");
    }
    let ignore_failed = match context.target.parameter("ignore_failed_metrics") {
        None => false,
        Some(value) if value.eq_ignore_ascii_case("true") => true,
        Some(value) if value.eq_ignore_ascii_case("false") => false,
        Some(_) => return invalid("ignore_failed_metrics must be true or false"),
    };
    let mut names: Vec<&str> = Vec::new();
    for (_, name) in context
        .target
        .parameters()
        .filter(|(name, _)| *name == "metric")
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names = catalogue::metrics_of(context.dataset)
            .map(|metric| metric.name)
            .collect();
    }
    let metrics: Vec<_> = names
        .into_iter()
        .map(|name| RequestedMetric {
            name: name.to_owned(),
            metric: catalogue::metric_of(name, context.dataset),
        })
        .collect();
    let unknown = metrics
        .iter()
        .filter(|requested| requested.metric.is_none());
    let problems: Vec<_> = unknown
        .map(|requested| {
            format!(
                "metric '{}' is not a metric of this dataset",
                requested.name
            )
        })
        .collect();
    if problems.is_empty() || ignore_failed {
        Ok((metrics, ignore_failed))
    } else {
        Err(errors::details(400, &problems, context.style))
    }
}

/// Returns a sample for each resource: 1 if the caller cannot read it.
fn access_errors(requested: &[Resource], unreadable: &[&Resource]) -> Family {
    let sample = |resource: &Resource| Sample {
        labels: vec![
            ("resource_id".to_owned(), resource.id.clone()),
            ("resource_type".to_owned(), resource.label.to_owned()),
        ],
        value: if unreadable.contains(&resource) {
            1.0
        } else {
            0.0
        },
        time: None,
    };
    Family {
        name: "confluent_scrape_resource_access_error".to_owned(),
        help: "Whether a resource was not found or must not be seen (1) or is fine (0).".to_owned(),
        unit: "",
        is_state_set: false,
        samples: requested.iter().map(sample).collect(),
    }
}

/// The export of resources at one minute.
struct Export<'a> {
    state: &'a State,
    readable: Vec<&'a Resource>,
    visible: Visible,
}

impl Export<'_> {
    /// Returns true if the export of a metric fails.
    fn fails(&self, requested: &RequestedMetric) -> bool {
        requested.metric.is_none()
            || self
                .state
                .settings
                .failing_exports
                .contains(&requested.name)
    }

    /// Returns the requested types that have a metric, or all types for an unknown metric.
    fn kinds(&self, metric: Option<&Metric>) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        for resource in &self.readable {
            let has = metric.is_none_or(|metric| metric.resources.contains(&resource.kind));
            if has && !kinds.contains(&resource.kind) {
                kinds.push(resource.kind);
            }
        }
        kinds
    }

    /// Returns a sample for each metric and type: 1 if it failed.
    fn statuses(&self, metrics: &[RequestedMetric]) -> Family {
        let sample = |requested: &RequestedMetric, kind: &str| Sample {
            labels: vec![
                ("export_status".to_owned(), "error".to_owned()),
                ("metric".to_owned(), requested.name.clone()),
                ("resource".to_owned(), kind.to_owned()),
            ],
            value: if self.fails(requested) { 1.0 } else { 0.0 },
            time: None,
        };
        let samples = metrics.iter().flat_map(|requested| {
            self.kinds(requested.metric)
                .into_iter()
                .map(move |kind| sample(requested, kind))
        });
        Family {
            name: "export_status".to_owned(),
            help: "Whether the export of a metric failed (1) or not (0).".to_owned(),
            unit: "",
            is_state_set: true,
            samples: samples.collect(),
        }
    }

    fn family(&self, metric: &'static Metric) -> Family {
        let series = self.state.store.series(metric);
        let minute = self.visible.last();
        let mut samples: Vec<Option<Sample>> = Vec::new();
        samples.resize_with(series.len(), || None);
        let own: BTreeSet<(&str, &str)> = self
            .readable
            .iter()
            .map(|resource| (resource.label, resource.id.as_str()))
            .collect();
        for kind in self.kinds(Some(metric)) {
            let names = catalogue::resource_labels(kind);
            let is_own = |labels: &Labels| {
                names
                    .iter()
                    .any(|name| label(labels, name).is_some_and(|id| own.contains(&(name, id))))
            };
            // Points beyond the cap are silently left out, as the service does.
            let mut remaining = self.state.settings.export_cap;
            for (series, place) in series.iter().zip(&mut samples) {
                if remaining > 0 && place.is_none() && is_own(&series.labels) {
                    let point = series
                        .points(minute, minute + MINUTE, self.visible)
                        .first()
                        .copied();
                    if let Some((time, Some(value))) = point {
                        *place = Some(Sample {
                            labels: exported_labels(&series.labels),
                            value,
                            time: Some(time),
                        });
                        remaining -= 1;
                    }
                }
            }
        }
        Family {
            name: exposition::export_name(metric.name),
            help: metric.description(),
            unit: metric.unit,
            is_state_set: false,
            samples: samples.into_iter().flatten().collect(),
        }
    }
}

/// Returns the labels of a series with their names in an export, sorted by name.
fn exported_labels(labels: &Labels) -> Vec<(String, String)> {
    let mut labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| (exposition::export_name(name), value.clone()))
        .collect();
    labels.sort();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(query: &str, dataset: &str) -> Vec<(&'static str, String)> {
        let target = Target::parse(&format!("/v2/metrics/{dataset}/export?{query}"));
        resources(&target, dataset)
            .into_iter()
            .map(|resource| (resource.label, resource.id))
            .collect()
    }

    #[test]
    fn resources_are_parsed_in_every_form() {
        let found = named(
            "resource.kafka.id=lkc-1&metric=a&resource_kafka_id=lkc-2,lkc-1,,lkc%2D3&resource.connector.id=lcc-1\
             &resource_schema_registry_id=lsrc-1&resource.flink_statement.name=a&resource_flink_statement_uid=b",
            "cloud",
        );
        let found: Vec<_> = found
            .iter()
            .map(|(label, id)| (*label, id.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("resource.kafka.id", "lkc-1"),
                ("resource.kafka.id", "lkc-2"),
                ("resource.kafka.id", "lkc-3"),
                ("resource.connector.id", "lcc-1"),
                ("resource.schema_registry.id", "lsrc-1"),
                ("resource.flink_statement.name", "a"),
                ("resource.flink_statement.uid", "b"),
            ]
        );
    }

    #[test]
    fn other_parameters_are_ignored() {
        assert_eq!(
            named(
                "kafka.id=a&resource.kafka=a&resource.kafka.id=&debug_job_id=a",
                "cloud"
            ),
            []
        );
        assert_eq!(named("resource.custom_connector.id=clcc-1", "cloud"), []);
        assert_eq!(named("resource.kafka.id=lkc-1", "cloud-custom"), []);
        assert_eq!(
            named("resource.custom_connector.id=clcc-1", "cloud-custom").len(),
            1
        );
        assert_eq!(named("resource.kafka.id=lkc-1", "USM"), []);
    }

    #[test]
    fn export_names_are_unique() {
        let names: BTreeSet<_> = catalogue::metrics()
            .iter()
            .map(|metric| exposition::export_name(metric.name))
            .collect();
        assert_eq!(names.len(), catalogue::metrics().len());
        let valid = |name: &String| {
            name.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
            })
        };
        assert!(names.iter().all(valid), "{names:?}");
    }
}
