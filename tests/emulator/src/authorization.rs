//! Which resources a request reaches, and which series it may see of them.

use crate::catalogue::{self, Metric};
use crate::context::RequestContext;
use crate::credentials::Access;
use crate::errors;
use crate::request::filter::{Filter, Labels, label};
use crate::response::Response;
use crate::state::State;

/// Refuses a filter that does not name a resource which exists and which the caller may see.
pub(crate) fn authorize(
    state: &State,
    context: &RequestContext<'_>,
    filter: Option<&Filter>,
) -> Result<(), Response> {
    let mut named = Vec::new();
    if let Some(filter) = filter {
        filter.resources(&mut named);
    }
    let reached = named
        .into_iter()
        .any(|(label, id)| reaches(state, context.access, label, id));
    if reached || !context.needs_resource {
        Ok(())
    } else {
        Err(errors::of_status(403, context.style))
    }
}

/// Whether a resource exists and the caller may see it.
pub(crate) fn reaches(state: &State, access: Access, label: &str, id: &str) -> bool {
    access.allows(label, id) && state.store.has_resource(label, id)
}

/// Whether a series belongs to a resource of the caller's.
pub(crate) fn may_see(access: Access, metric: &Metric, labels: &Labels) -> bool {
    let owner = metric
        .resources
        .first()
        .and_then(|kind| catalogue::resource_labels(kind).first());
    match owner.and_then(|name| Some((name, label(labels, name)?))) {
        Some((name, id)) => access.allows(name, id),
        None => access == Access::Everything,
    }
}
