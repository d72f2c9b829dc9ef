//! Pages: from a token to the start of a page, and from its end to the next token.

use crate::context::RequestContext;
use crate::errors;
use crate::evaluate::Key;
use crate::http::url;
use crate::request::interval::Interval;
use crate::response::Response;
use crate::state::State;

/// The reference to the next page: a token or a link.
#[derive(Debug, Default)]
pub(crate) struct NextPage {
    pub(crate) token: Option<String>,
    pub(crate) link: Option<String>,
}

/// Returns the group that the page starts after, if the request has a token.
///
/// A token is valid only with the same `bound` bytes.
pub(crate) fn redeem_token(
    state: &State,
    context: &RequestContext<'_>,
    bound: &[u8],
) -> Result<Option<Key>, Response> {
    let Some(token) = context.target.parameter("page_token") else {
        return Ok(None);
    };
    let redeemed = state.tokens.redeem(
        &token,
        context.request.path(),
        bound,
        state.settings.token_lifetime,
    );
    redeemed
        .map(Some)
        .map_err(|detail| errors::detail(400, detail, context.style))
}

/// Does the same for a body with intervals.
pub(crate) fn start_of_page(
    state: &State,
    context: &RequestContext<'_>,
    intervals: &[Interval],
) -> Result<Option<Key>, Response> {
    // With `now`, the next page would be a page of another result.
    let relative = intervals.iter().any(|interval| interval.relative);
    if relative && context.target.parameter("page_token").is_some() {
        let detail = "page_token is invalid: an interval holds now";
        return Err(errors::detail(400, detail, context.style));
    }
    redeem_token(state, context, &context.request.body)
}

/// Issues the reference to the page after `last`: a token, or a link if the builder says so.
pub(crate) fn next_page(
    state: &State,
    context: &RequestContext<'_>,
    bound: &[u8],
    last: Option<Key>,
) -> NextPage {
    let Some(last) = last else {
        return NextPage::default();
    };
    let token = state.tokens.issue(context.request.path(), bound, last);
    if !state.settings.links_only {
        return NextPage {
            token: Some(token),
            link: None,
        };
    }
    let mut link = format!(
        "{}{}?page_token={}",
        state.url(),
        context.request.path(),
        url::encode(&token)
    );
    for (name, value) in context
        .target
        .parameters()
        .filter(|(name, _)| *name != "page_token")
    {
        link.push_str(&format!("&{}={}", url::encode(name), url::encode(value)));
    }
    NextPage {
        token: None,
        link: Some(link),
    }
}
