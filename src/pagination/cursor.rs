//! The position in a list of pages.
//!
//! A list starts at the path of its operation. Each response names the next page by a token or by
//! a link, or names none at its end. A cursor follows one list in one direction, and never returns
//! to a page that it has left.
//!
//! ```text
//! path                         /v2/metrics/cloud/query
//! response has token "abc"     /v2/metrics/cloud/query?page_token=abc
//! response has a link          the link, resolved against the URL of the current page
//! response has neither         the list ends
//! ```

use std::collections::HashSet;

use crate::decode::NextPage;
use crate::error::Error;
use crate::pagination::errors::mismatch_error;
use crate::request::operation::Operation;
use crate::time::deadline::Deadline;
use crate::transport::Transport;
use crate::transport::event::EventRequest;
use crate::transport::request::{APPLICATION_JSON, Request};
use crate::util::text::percent_encode;

/// The parts of a request that are the same for every page of a list.
#[derive(Clone, Copy)]
pub(crate) struct PageRequest<'a> {
    /// Sends the requests, with retries and rate limits.
    pub(crate) transport: &'a Transport,
    /// The operation, which selects the rate limit.
    pub(crate) operation: Operation,
    /// The path of the first page, with its query parameters.
    pub(crate) path: &'a str,
    /// The body to POST. Without one, the request is a GET.
    pub(crate) body: Option<&'a str>,
    /// True if the body has times that were computed from this machine's clock.
    pub(crate) is_relative: bool,
}

/// The position in a list of pages.
///
/// It holds no response: the caller passes each one to [`advance`](Self::advance).
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// The page that the next [`fetch`](Self::fetch) requests.
    position: Position,
    /// All tokens and links that the cursor has followed, to detect an endless list.
    followed: HashSet<Position>,
}

/// The address of one page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Position {
    /// The start of the list, which needs no parameter.
    #[default]
    FirstPage,
    /// A page token as received, not encoded.
    Token(String),
    /// An absolute URL at the origin of the base URL.
    Link(String),
}

impl PageRequest<'_> {
    /// Returns the absolute URL of the page at `position`.
    fn url(&self, position: &Position) -> String {
        let first_page = self.transport.base().join(self.path);
        match position {
            Position::FirstPage => first_page,
            Position::Token(token) => {
                let separator = if self.path.contains('?') { '&' } else { '?' };
                format!(
                    "{first_page}{separator}page_token={}",
                    percent_encode(token)
                )
            }
            Position::Link(url) => url.clone(),
        }
    }
}

impl Cursor {
    /// Requests the page at this position, and returns its body. Events name the request by `info`.
    ///
    /// Does not move: a second call requests the same page again.
    ///
    /// # Errors
    ///
    /// Any error of the transport, among them one for an expired token.
    pub(crate) fn fetch(
        &self,
        request: &PageRequest<'_>,
        info: EventRequest,
        deadline: &Deadline,
    ) -> Result<Vec<u8>, Error> {
        let url = request.url(&self.position);
        let page_request = Request {
            info,
            rate_limit_key: request.operation.rate_limit_key(),
            url: &url,
            body: request.body,
            accept: APPLICATION_JSON,
            is_relative: request.is_relative,
        };
        request
            .transport
            .execute(&page_request, deadline)
            .map(|response| response.bytes)
    }

    /// Returns true if `error` means that the page token of this position has expired.
    ///
    /// The first page has no token, so a status 400 there is an error of the query itself.
    pub(crate) fn has_expired(&self, error: &Error) -> bool {
        // The service has no error code of its own for an expired token.
        error.status() == Some(400) && self.position != Position::FirstPage
    }

    /// Moves to the page that follows a response, and returns true if there is one.
    ///
    /// A token takes precedence over a link.
    ///
    /// # Errors
    ///
    /// `Decode` if the link is invalid or leads to another origin, or if the page was read before.
    pub(crate) fn advance(
        &mut self,
        next: &NextPage,
        request: &PageRequest<'_>,
    ) -> Result<bool, Error> {
        let position = match (&next.token, &next.link) {
            (Some(token), _) => Position::Token(token.clone()),
            (None, Some(link)) => {
                let current = request.url(&self.position);
                // Requests carry the API key, so a link must stay at the origin (RFC 6454).
                match request.transport.base().resolve(&current, link) {
                    Ok(url) => Position::Link(url),
                    Err(Some(_)) => {
                        return Err(mismatch_error("next-page link points to another origin"));
                    }
                    Err(None) => return Err(mismatch_error("invalid next-page link")),
                }
            }
            (None, None) => return Ok(false),
        };
        // Some services and proxies repeat a token, which would never end.
        if !self.followed.insert(position.clone()) {
            return Err(mismatch_error("duplicate page token"));
        }
        self.position = position;
        Ok(true)
    }
}
