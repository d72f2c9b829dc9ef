//! The operations `descriptors/metrics` and `descriptors/resources`.

use serde_json::{Value, json};

use crate::catalogue::{self, Metric, words};
use crate::context::RequestContext;
use crate::errors;
use crate::paging;
use crate::response::Response;
use crate::state::State;

/// Metrics with the lifecycle stage `DEPRECATED`.
const DEPRECATED: [&str; 1] = ["io.confluent.kafka.server/cluster_active_link_count"];

/// Lists the metrics of a dataset or of one resource type.
///
/// The error is the response to a rejected request.
pub(crate) fn respond_metrics(
    state: &State,
    context: &RequestContext<'_>,
) -> Result<Response, Response> {
    let wanted = context.target.parameter("resource_type");
    if let Some(kind) = &wanted {
        if catalogue::resource_labels(kind).is_empty() {
            let detail = format!("resource_type '{kind}' is not known");
            return Err(errors::detail(400, &detail, context.style));
        }
    }
    let matches = |metric: &&Metric| {
        wanted
            .as_deref()
            .is_none_or(|kind| metric.resources.contains(&kind))
    };
    list(
        state,
        context,
        catalogue::metrics_of(context.dataset)
            .filter(matches)
            .map(metric_descriptor)
            .collect(),
    )
}

/// Lists the resource types of a dataset. The error is the response to a rejected request.
pub(crate) fn respond_resources(
    state: &State,
    context: &RequestContext<'_>,
) -> Result<Response, Response> {
    let kinds = catalogue::resource_types(context.dataset);
    list(
        state,
        context,
        kinds.into_iter().map(resource_descriptor).collect(),
    )
}

/// Returns one page of a list.
fn list(
    state: &State,
    context: &RequestContext<'_>,
    items: Vec<Value>,
) -> Result<Response, Response> {
    let size = match context
        .target
        .parameter("page_size")
        .map(|size| size.parse::<usize>())
    {
        None => 100,
        Some(Ok(size @ 1..=1_000)) => size,
        Some(_) => {
            let detail = "page_size must be between 1 and 1000";
            return Err(errors::detail(400, detail, context.style));
        }
    };
    // The token is an index in the list, and is bound to the parameter that selects the list.
    let bound = context
        .target
        .parameter("resource_type")
        .unwrap_or_default();
    let key = paging::redeem_token(state, context, bound.as_bytes())?;
    let index = key.into_iter().flatten().flatten().next();
    let start = index.and_then(|index| index.parse().ok()).unwrap_or(0);
    let total = items.len();
    let end = (start + state.page_size(size)).min(total);
    let last = (end < total).then(|| vec![Some(end.to_string())]);
    let next = paging::next_page(state, context, bound.as_bytes(), last);
    let mut pagination = json!({ "page_size": size, "total_size": total });
    if let Some(token) = next.token {
        pagination["next_page_token"] = token.into();
    }
    let links = next
        .link
        .map_or_else(|| json!({}), |link| json!({ "next": link }));
    let data: Vec<Value> = items.into_iter().take(end).skip(start).collect();
    let body = json!({ "data": data, "meta": { "pagination": pagination }, "links": links });
    Ok(errors::body(200, body, context.style))
}

fn metric_descriptor(metric: &Metric) -> Value {
    let label = |name: &String| {
        let key = name.trim_start_matches("metric.");
        json!({ "key": key, "description": format!("The {}.", words(key)), "exportable": true })
    };
    let stage = if DEPRECATED.contains(&metric.name) {
        "DEPRECATED"
    } else {
        "GENERAL_AVAILABILITY"
    };
    json!({
        "name": metric.name,
        "description": metric.description(),
        "type": metric.kind,
        "unit": metric.unit,
        "lifecycle_stage": stage,
        "exportable": true,
        "resources": metric.resources,
        "labels": metric.labels.iter().map(label).collect::<Vec<_>>(),
    })
}

fn resource_descriptor(kind: &str) -> Value {
    let label = |name: &&str| {
        let key = name.trim_start_matches("resource.");
        json!({ "key": key, "description": format!("The {} of the resource.", key.rsplit('.').next().unwrap_or(key)) })
    };
    let labels: Vec<Value> = catalogue::resource_labels(kind).iter().map(label).collect();
    json!({ "type": kind, "description": format!("A {}.", words(kind)), "labels": labels })
}
