//! The operation `discovery`: scrape targets for the HTTP service discovery of Prometheus.

use serde_json::{Value, json};

use crate::catalogue;
use crate::context::RequestContext;
use crate::demo;
use crate::errors;
use crate::generator;
use crate::response::Response;
use crate::state::State;

/// Lists the targets. The error is the response to a rejected request.
pub(crate) fn respond(state: &State, context: &RequestContext<'_>) -> Result<Response, Response> {
    let environment = single(context, "env", "environment ID")?;
    let cluster = single(context, "associated_kafka_id", "associated Kafka ID")?;
    let wanted = single(context, "resource_type", "resource type")?;
    let kinds = kinds(context.dataset);
    if let Some(kind) = wanted
        .as_deref()
        .filter(|kind| !kinds.iter().any(|(own, _)| own == kind))
    {
        let known: Vec<_> = kinds.iter().map(|(kind, _)| *kind).collect();
        let dataset = context.dataset;
        let known = known.join(", ");
        let detail = format!(
            "Invalid resource type '{kind}'. Supported resource types for view '{dataset}': {known}"
        );
        return Err(errors::detail(400, &detail, context.style));
    }
    let matches = |label: &str, id: &str| {
        context.access.allows(label, id)
            && environment
                .as_deref()
                .is_none_or(|wanted| demo::environment(id) == wanted)
            && cluster
                .as_deref()
                .is_none_or(|wanted| demo::kafka_cluster(label, id) == Some(wanted))
    };
    let resources = state.store.resources();
    let mut groups: Vec<Value> = Vec::new();
    for (kind, name) in kinds {
        let own = resources
            .iter()
            .filter(|(label, id)| label == name && matches(label, id));
        let ids: Vec<&str> = own.map(|(_, id)| id.as_str()).collect();
        if !ids.is_empty() && wanted.as_deref().is_none_or(|wanted| wanted == kind) {
            groups.push(group(state, context.dataset, name, &ids.join(",")));
        }
    }
    Ok(errors::body(200, groups.into(), context.style))
}

/// Returns one target group for all resources of a type.
fn group(state: &State, dataset: &str, name: &str, ids: &str) -> Value {
    let own = state.url().trim_start_matches("https://");
    let target = state.settings.discovery_target.as_deref().unwrap_or(own);
    let job = generator::hash([dataset, name, ids]) & 0xffff_ffff_ffff;
    json!({
        "targets": [target],
        "labels": {
            "__metrics_path__": format!("/v2/metrics/{dataset}/export"),
            format!("__param_{}", name.replace('.', "_")): ids,
            "__param_debug_job_id": format!("cflt-{job:012x}"),
        }
    })
}

/// Returns a parameter that may occur only once.
fn single(
    context: &RequestContext<'_>,
    name: &str,
    what: &str,
) -> Result<Option<String>, Response> {
    let mut values = context
        .target
        .parameters()
        .filter(|(own, _)| *own == name)
        .map(|(_, value)| value);
    let value = values.next();
    // A comma separates ids in an export, and no id contains one.
    if values.next().is_some() || value.is_some_and(|value| value.contains(',')) {
        let detail = format!("Only one {what} can be specified per request");
        return Err(errors::detail(400, &detail, context.style));
    }
    Ok(value.map(str::to_owned))
}

/// Returns the resource types with a single label, and that label.
fn kinds(dataset: &str) -> Vec<(&'static str, &'static str)> {
    let labels = |kind| match catalogue::resource_labels(kind) {
        [only] => Some((kind, *only)),
        _ => None,
    };
    catalogue::resource_types(dataset)
        .into_iter()
        .filter_map(labels)
        .collect()
}
