//! The operation `query`.

use crate::authorization;
use crate::context::RequestContext;
use crate::encode;
use crate::errors;
use crate::evaluate::{self, PageRange};
use crate::paging;
use crate::request::query::{Granularity, Query};
use crate::response::Response;
use crate::state::State;
use crate::store::Visible;

/// Evaluates a query. The error is the response to a rejected request.
pub(crate) fn respond(state: &State, context: &RequestContext<'_>) -> Result<Response, Response> {
    let now = state.now_millis();
    let body = &context.request.body;
    let query = Query::parse(body, context.dataset, now)
        .map_err(|problems| errors::invalid_body(state, &problems, context.style))?;
    authorization::authorize(state, context, query.filter.as_ref())?;
    let after = paging::start_of_page(state, context, &query.intervals)?;
    let range = PageRange {
        after: after.as_ref(),
        groups: state.page_size(query.limit),
    };
    let series = state.store.series(query.metric);
    let visible_series = series.iter().filter(|series| {
        authorization::can_read_series(context.access, query.metric, &series.labels)
    });
    let page = evaluate::evaluate(&query, visible_series, Visible::at(now), &range);

    let has_next = page.has_more && query.granularity != Granularity::All;
    let last = page.groups.last().filter(|_| has_next);
    let next = paging::next_page(state, context, body, last.map(|group| group.key.clone()));
    let with_meta = page.has_more || state.settings.always_meta;
    let body = encode::encode_query(&query, &page, &next, with_meta, context.style);
    Ok(Response::with_body(200, "application/json", body))
}
