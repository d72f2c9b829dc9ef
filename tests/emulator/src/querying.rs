//! The operation `query`.

use crate::access::Access;
use crate::call::Call;
use crate::catalogue;
use crate::errors;
use crate::evaluate::{self, Key, Slice};
use crate::filter::label;
use crate::http::Response;
use crate::query::{Granularity, Query};
use crate::render;
use crate::state::State;
use crate::store::{Series, Visible};

/// Answers a query; the error is a refusal.
pub(crate) fn answer(state: &State, call: &Call<'_>) -> Result<Response, Response> {
    let now = state.now_millis();
    let query = Query::read(&call.request.body, call.dataset, now).map_err(|details| {
        let status = if state.settings.unprocessable { 422 } else { 400 };
        errors::details(status, &details, call.style)
    })?;
    if call.needs_resource && !names_a_resource(state, &query, call.access) {
        return Err(errors::of_status(403, call.style));
    }
    let after = after(state, call, &query)?;
    let slice = Slice { after: after.as_ref(), groups: state.capped(query.limit) };
    let series = state.store.series(query.metric);
    let seen = series.iter().filter(|series| may_see(call.access, &query, series));
    let page = evaluate::evaluate(&query, seen, Visible::at(now), &slice);

    let last = page.groups.last().filter(|_| page.more && query.granularity != Granularity::All);
    let token = last.map(|group| state.tokens.issue(call.path, &call.request.body, group.key.clone()));
    let next = state.next(token, call.path);
    let meta = page.more || state.settings.always_meta;
    let body = render::answer(&query, &page, &next, meta, call.style);
    Ok(Response::new(200, "application/json", body))
}

/// The group that the page comes after, from the token if there is one.
fn after(state: &State, call: &Call<'_>, query: &Query) -> Result<Option<Key>, Response> {
    let Some(token) = call.target.parameter("page_token") else {
        return Ok(None);
    };
    // With `now` the next page would be one of another answer.
    let redeemed = if query.intervals.iter().any(|interval| interval.relative) {
        Err("page_token is invalid: an interval holds now")
    } else {
        state.tokens.redeem(&token, call.path, &call.request.body, state.settings.token_lifetime)
    };
    redeemed.map(Some).map_err(|detail| errors::detail(400, detail, call.style))
}

/// Whether the filter names a resource that exists and that the caller may see.
fn names_a_resource(state: &State, query: &Query, access: Access) -> bool {
    let mut named = Vec::new();
    if let Some(filter) = &query.filter {
        filter.resources(&mut named);
    }
    named.into_iter().any(|(label, id)| access.allows(label, id) && state.store.knows(label, id))
}

/// Whether a series belongs to a resource of the caller's.
fn may_see(access: Access, query: &Query, series: &Series) -> bool {
    let owner = query.metric.resources.first().and_then(|kind| catalogue::resource_labels(kind).first());
    match owner.and_then(|name| Some((name, label(&series.labels, name)?))) {
        Some((name, id)) => access.allows(name, id),
        None => access == Access::Everything,
    }
}
