//! The operation `export`: the newest point of every series, as text.

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

/// A resource that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    kind: &'static str,
    /// As a query names it, such as `resource.kafka.id`.
    label: &'static str,
    id: String,
}

impl Resource {
    /// Its name in the answer to too many requests, such as `kafka.id:lkc-1`.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.label.trim_start_matches("resource."), self.id)
    }
}

/// The resources that a request asks for, each of them once. Types that the dataset does not have are not.
pub(crate) fn resources(target: &Target, dataset: &str) -> Vec<Resource> {
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

/// Exports; the error is a refusal.
pub(crate) fn respond(state: &State, context: &RequestContext<'_>) -> Result<Response, Response> {
    let Some(format) = content_negotiation::export_format(context.request) else {
        let detail = "The answer is text/plain or application/openmetrics-text";
        return Err(errors::detail(406, detail, context.style));
    };
    let asked = resources(context.target, context.dataset);
    let (wanted, ignore_failed) = read(context, &asked)?;
    let (reached, missed): (Vec<_>, Vec<_>) = asked.iter().partition(|resource| {
        authorization::reaches(state, context.access, resource.label, &resource.id)
    });
    if reached.is_empty() {
        let ids: Vec<_> = missed.iter().map(|resource| resource.id.as_str()).collect();
        let detail = format!(
            "Unauthorized for the following resources: {}",
            ids.join(",")
        );
        return Err(errors::detail(403, &detail, context.style));
    }
    let export = Export {
        state,
        reached,
        visible: state.visible(),
    };
    let mut families = vec![access_errors(&asked, &missed)];
    if ignore_failed {
        families.push(export.statuses(&wanted));
    } else if wanted
        .iter()
        .any(|wanted| export.fails(wanted) && !export.kinds(wanted.metric).is_empty())
    {
        return Err(errors::of_status(500, context.style));
    }
    let good = wanted
        .iter()
        .filter(|wanted| !export.fails(wanted))
        .filter_map(|wanted| wanted.metric);
    families.extend(
        good.map(|metric| export.family(metric))
            .filter(|family| !family.samples.is_empty()),
    );
    let layout = Layout {
        format,
        form: state.settings.export_dialect,
        integers: context.style.integers,
    };
    Ok(Response::with_body(
        200,
        format.content_type(),
        layout.write(&families),
    ))
}

/// A metric that is asked for, if it is one.
#[derive(Debug)]
struct Wanted {
    name: String,
    metric: Option<&'static Metric>,
}

/// What is asked for, and whether metrics may fail.
fn read(context: &RequestContext<'_>, asked: &[Resource]) -> Result<(Vec<Wanted>, bool), Response> {
    let refuse = |detail: &str| Err(errors::detail(400, detail, context.style));
    if asked.is_empty() {
        return refuse("Please specify at least one valid resource");
    }
    let ignore_failed = match context.target.parameter("ignore_failed_metrics") {
        None => false,
        Some(value) if value.eq_ignore_ascii_case("true") => true,
        Some(value) if value.eq_ignore_ascii_case("false") => false,
        Some(_) => return refuse("ignore_failed_metrics must be true or false"),
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
    let wanted: Vec<_> = names
        .into_iter()
        .map(|name| Wanted {
            name: name.to_owned(),
            metric: catalogue::metric_of(name, context.dataset),
        })
        .collect();
    let unknown = wanted.iter().filter(|wanted| wanted.metric.is_none());
    let faults: Vec<_> = unknown
        .map(|wanted| format!("metric '{}' is not a metric of this dataset", wanted.name))
        .collect();
    if faults.is_empty() || ignore_failed {
        Ok((wanted, ignore_failed))
    } else {
        Err(errors::details(400, &faults, context.style))
    }
}

/// Which resources could not be seen.
fn access_errors(asked: &[Resource], missed: &[&Resource]) -> Family {
    let sample = |resource: &Resource| Sample {
        labels: vec![
            ("resource_id".to_owned(), resource.id.clone()),
            ("resource_type".to_owned(), resource.label.to_owned()),
        ],
        value: if missed.contains(&resource) { 1.0 } else { 0.0 },
        time: None,
    };
    Family {
        name: "confluent_scrape_resource_access_error".to_owned(),
        help: "Whether a resource was not found or must not be seen (1) or is fine (0).".to_owned(),
        unit: "",
        is_state_set: false,
        samples: asked.iter().map(sample).collect(),
    }
}

/// What is exported: the series of these resources at one minute.
struct Export<'a> {
    state: &'a State,
    reached: Vec<&'a Resource>,
    visible: Visible,
}

impl Export<'_> {
    /// Whether a metric is one that fails.
    fn fails(&self, wanted: &Wanted) -> bool {
        wanted.metric.is_none() || self.state.settings.failing_exports.contains(&wanted.name)
    }

    /// The types of the resources for which a metric is fetched; all of them for one that there is not.
    fn kinds(&self, metric: Option<&Metric>) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        for resource in &self.reached {
            let has = metric.is_none_or(|metric| metric.resources.contains(&resource.kind));
            if has && !kinds.contains(&resource.kind) {
                kinds.push(resource.kind);
            }
        }
        kinds
    }

    /// Which metrics failed: one sample for each, and for each type that it is fetched for.
    fn statuses(&self, wanted: &[Wanted]) -> Family {
        let sample = |wanted: &Wanted, kind: &str| Sample {
            labels: vec![
                ("export_status".to_owned(), "error".to_owned()),
                ("metric".to_owned(), wanted.name.clone()),
                ("resource".to_owned(), kind.to_owned()),
            ],
            value: if self.fails(wanted) { 1.0 } else { 0.0 },
            time: None,
        };
        let samples = wanted.iter().flat_map(|wanted| {
            self.kinds(wanted.metric)
                .into_iter()
                .map(move |kind| sample(wanted, kind))
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
            .reached
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
            // What is beyond the cap is left out without a word, as the service does.
            let mut room = self.state.settings.export_cap;
            for (series, place) in series.iter().zip(&mut samples) {
                if room > 0 && place.is_none() && is_own(&series.labels) {
                    let point = series
                        .points(minute, minute + MINUTE, self.visible)
                        .first()
                        .copied();
                    if let Some((time, Some(value))) = point {
                        *place = Some(Sample {
                            labels: exported(&series.labels),
                            value,
                            time: Some(time),
                        });
                        room -= 1;
                    }
                }
            }
        }
        Family {
            name: exposition::name(metric.name),
            help: metric.description(),
            unit: metric.unit,
            is_state_set: false,
            samples: samples.into_iter().flatten().collect(),
        }
    }
}

/// The labels of a series under their names in an export, in the order of those.
fn exported(labels: &Labels) -> Vec<(String, String)> {
    let mut labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| (exposition::name(name), value.clone()))
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
    fn resources_are_read_in_every_form() {
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
    fn what_is_no_resource_of_the_dataset_is_passed_over() {
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
    fn no_two_metrics_have_the_same_name_in_an_export() {
        let names: BTreeSet<_> = catalogue::metrics()
            .iter()
            .map(|metric| exposition::name(metric.name))
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
