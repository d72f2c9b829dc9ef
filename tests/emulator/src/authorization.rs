//! Access of a request to resources and their series.

use crate::catalogue::{self, Metric};
use crate::context::RequestContext;
use crate::credentials::Access;
use crate::errors;
use crate::request::filter::{Filter, Labels, label};
use crate::response::Response;
use crate::state::State;

/// Rejects a filter that does not name an existing resource that the caller can read.
pub(crate) fn authorize(
    state: &State,
    context: &RequestContext<'_>,
    filter: Option<&Filter>,
) -> Result<(), Response> {
    let mut named = Vec::new();
    if let Some(filter) = filter {
        filter.resources(&mut named);
    }
    let has_access = named
        .into_iter()
        .any(|(label, id)| can_read(state, context.access, label, id));
    if has_access || !context.needs_resource {
        Ok(())
    } else {
        Err(errors::of_status(403, context.style))
    }
}

/// Returns true if a resource exists and the caller can read it.
pub(crate) fn can_read(state: &State, access: Access, label: &str, id: &str) -> bool {
    access.allows(label, id) && state.store.has_resource(label, id)
}

/// Returns true if the caller can read the resource of a series.
pub(crate) fn can_read_series(access: Access, metric: &Metric, labels: &Labels) -> bool {
    let owner = metric
        .resources
        .first()
        .and_then(|kind| catalogue::resource_labels(kind).first());
    match owner.and_then(|name| Some((name, label(labels, name)?))) {
        Some((name, id)) => access.allows(name, id),
        None => access == Access::Everything,
    }
}
