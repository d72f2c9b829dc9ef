//! The operation `query`.

use crate::authorization;
use crate::context::RequestContext;
use crate::encode;
use crate::errors;
use crate::evaluate::{self, Slice};
use crate::http::Response;
use crate::paging;
use crate::request::query::{Granularity, Query};
use crate::state::State;
use crate::store::Visible;

/// Answers a query; the error is a refusal.
pub(crate) fn respond(state: &State, call: &RequestContext<'_>) -> Result<Response, Response> {
    let now = state.now_millis();
    let query = Query::read(&call.request.body, call.dataset, now)
        .map_err(|details| errors::invalid(state, &details, call.style))?;
    authorization::authorize(state, call, query.filter.as_ref())?;
    let after = paging::after_body(state, call, &query.intervals)?;
    let slice = Slice {
        after: after.as_ref(),
        groups: state.capped(query.limit),
    };
    let series = state.store.series(query.metric);
    let seen = series
        .iter()
        .filter(|series| authorization::may_see(call.access, query.metric, &series.labels));
    let page = evaluate::evaluate(&query, seen, Visible::at(now), &slice);

    let last = page
        .groups
        .last()
        .filter(|_| page.more && query.granularity != Granularity::All);
    let next = paging::next(
        state,
        call,
        &call.request.body,
        last.map(|group| group.key.clone()),
    );
    let meta = page.more || state.settings.always_meta;
    let body = encode::encode_query(&query, &page, &next, meta, call.style);
    Ok(Response::new(200, "application/json", body))
}
