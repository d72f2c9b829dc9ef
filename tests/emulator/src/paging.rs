//! From a token to a place in an answer, and from the end of a page to what leads on.

use crate::context::RequestContext;
use crate::errors;
use crate::evaluate::Key;
use crate::http::url;
use crate::request::interval::Interval;
use crate::response::Response;
use crate::state::State;

/// Where the next page is: a token, or a link instead.
#[derive(Debug, Default)]
pub(crate) struct Next {
    pub(crate) token: Option<String>,
    pub(crate) link: Option<String>,
}

/// The place that a page comes after, from the token if there is one. It is good only with the same bytes.
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

/// The same for a body with intervals.
pub(crate) fn start_of_page(
    state: &State,
    context: &RequestContext<'_>,
    intervals: &[Interval],
) -> Result<Option<Key>, Response> {
    // With `now` the next page would be one of another answer.
    let relative = intervals.iter().any(|interval| interval.relative);
    if relative && context.target.parameter("page_token").is_some() {
        let detail = "page_token is invalid: an interval holds now";
        return Err(errors::detail(400, detail, context.style));
    }
    redeem_token(state, context, &context.request.body)
}

/// What leads on from a page that ends with this place: a token or, when set up so, a link alone.
pub(crate) fn next_page(
    state: &State,
    context: &RequestContext<'_>,
    bound: &[u8],
    last: Option<Key>,
) -> Next {
    let Some(last) = last else {
        return Next::default();
    };
    let token = state.tokens.issue(context.request.path(), bound, last);
    if !state.settings.links_only {
        return Next {
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
    Next {
        token: None,
        link: Some(link),
    }
}
