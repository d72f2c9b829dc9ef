//! A list in pages: where it goes on, and how it begins again once its token has expired.

use std::collections::HashSet;
use std::hash::Hash;

use crate::decode::error::DecodeError;
use crate::decode::error_body::sniff_markup;
use crate::decode::{ListPage, NextPage};
use crate::error::{Error, ErrorKind};
use crate::request::operation::Operation;
use crate::time::deadline::{Deadline, Interrupt};
use crate::transport::hints::with_operation_hint;
use crate::transport::{APPLICATION_JSON, Request, Transport};
use crate::util::text::percent_encode;

/// What is sent for each page of a list.
#[derive(Clone, Copy)]
pub(crate) struct PageRequest<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) operation: Operation,
    /// The path of the first page, with its parameters.
    pub(crate) path: &'a str,
    /// What is posted; without it the list is asked for by GET.
    pub(crate) body: Option<&'a str>,
    /// Whether the body depends on this machine's clock.
    pub(crate) is_relative: bool,
}

/// A place in a list, and the tokens that led there.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    place: Position,
    /// Sorted tokens and URLs, so that looking one up after a thousand pages takes no time.
    seen_tokens: Vec<String>,
}

#[derive(Debug, Default)]
enum Position {
    #[default]
    Start,
    Token(String),
    Link(String),
}

impl PageRequest<'_> {
    fn url(&self, place: &Position) -> String {
        let start = || self.transport.base().join(self.path);
        match place {
            Position::Start => start(),
            Position::Token(token) => {
                let and = if self.path.contains('?') { '&' } else { '?' };
                format!("{}{and}page_token={}", start(), percent_encode(token))
            }
            Position::Link(url) => url.clone(),
        }
    }
}

impl Cursor {
    /// The answer at this place.
    pub(crate) fn fetch(
        &self,
        source: &PageRequest<'_>,
        deadline: &Deadline,
    ) -> Result<Vec<u8>, Error> {
        let url = &source.url(&self.place);
        let request = Request {
            rate_limit_key: source.operation.rate_limit_key(),
            url,
            body: source.body,
            accept: APPLICATION_JSON,
            is_relative: source.is_relative,
        };
        let response = source.transport.execute(&request, deadline);
        response
            .map(|body| body.bytes)
            .map_err(|error| with_operation_hint(error, source.operation))
    }

    /// Whether an answer refuses the token of this place.
    pub(crate) fn has_expired(&self, error: &Error) -> bool {
        error.status() == Some(400) && !matches!(self.place, Position::Start)
    }

    /// Goes to where an answer says that the list goes on; false where it does not.
    pub(crate) fn advance(
        &mut self,
        next: &NextPage,
        source: &PageRequest<'_>,
    ) -> Result<bool, Error> {
        let (place, key) = match next {
            NextPage {
                token: Some(token), ..
            } => (Position::Token(token.clone()), token.clone()),
            NextPage {
                token: None,
                link: Some(link),
            } => {
                let url = source
                    .transport
                    .base()
                    .resolve(&source.url(&self.place), link);
                let url = url.map_err(|origin| invalid_next_link(origin.as_deref()))?;
                (Position::Link(url.clone()), url)
            }
            NextPage {
                token: None,
                link: None,
            } => return Ok(false),
        };
        let Err(at) = self.seen_tokens.binary_search(&key) else {
            return Err(mismatch_error(
                "the same page token came twice, so the pages would never end",
            ));
        };
        self.seen_tokens.insert(at, key);
        self.place = place;
        Ok(true)
    }
}

/// Every item of a list, each once and in order; the first `limit` of them, where there is one.
pub(crate) fn fetch_all<T: Clone + Eq + Hash>(
    source: &PageRequest<'_>,
    limit: Option<u32>,
    deadline: &Deadline,
    read: impl Fn(&[u8], &Deadline) -> Result<ListPage<T>, DecodeError>,
) -> Result<Vec<T>, Error> {
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    let interrupt = Interrupt::new(deadline);
    let mut cursor = Cursor::default();
    let mut is_restarted = false;
    let (mut items, mut known, mut pages) = (Vec::new(), HashSet::new(), 0);
    loop {
        let bytes = match cursor.fetch(source, deadline) {
            Ok(bytes) => bytes,
            Err(error) if cursor.has_expired(&error) && !is_restarted => {
                cursor = Cursor::default();
                is_restarted = true;
                items.clear();
                known.clear();
                continue;
            }
            Err(error) if cursor.has_expired(&error) => {
                return Err(error.with_hint(
                    "page tokens expire before all pages are there: ask for less at once, or try again later",
                ));
            }
            Err(error) => return Err(with_progress(error, pages, deadline)),
        };
        let page = read(&bytes, deadline).map_err(|error| {
            with_progress(
                decode_error(source.transport, deadline, &bytes, error),
                pages,
                deadline,
            )
        })?;
        drop(bytes);
        pages += 1;
        for item in page.items {
            interrupt
                .step()
                .map_err(|_| with_progress(interrupt.error(), pages, deadline))?;
            if known.insert(item.clone()) {
                items.push(item);
            }
        }
        if items.len() >= limit || !cursor.advance(&page.next, source)? {
            items.truncate(limit);
            return Ok(items);
        }
    }
}

/// Returns the error of a response that was not decoded.
pub(crate) fn decode_error(
    transport: &Transport,
    deadline: &Deadline,
    body: &[u8],
    error: DecodeError,
) -> Error {
    match error {
        DecodeError::Interrupted => deadline.error(),
        DecodeError::Invalid(why) => invalid_response(transport, body, &why),
    }
}

/// Creates the error of a response with status 200 that cannot be read; `why` may quote the
/// response.
pub(crate) fn invalid_response(transport: &Transport, body: &[u8], why: &str) -> Error {
    let redactor = transport.redactor();
    let error = Error::new(ErrorKind::Decode, redactor.redact_line(why))
        .with_status(200)
        .with_body(redactor.redact_body(body, false));
    match sniff_markup(body) {
        Some(_) => error.with_hint(
            "check that nothing answers in place of the service: the base URL (ClientBuilder::base_url), \
             the proxy (ClientBuilder::proxy, HTTPS_PROXY), a login page of the network",
        ),
        None => error,
    }
}

/// Says after the deadline how far the call had come.
fn with_progress(error: Error, pages: usize, deadline: &Deadline) -> Error {
    if error.is_timeout() && deadline.elapsed() >= deadline.budget() && pages > 0 {
        return error.with_note(&format!("pages that had come by then: {pages}"));
    }
    error
}

fn invalid_next_link(origin: Option<&str>) -> Error {
    mismatch_error(match origin {
        Some(_) => "its link to the next page leads to another origin",
        None => "its link to the next page is not an address",
    })
}

/// An answer that is well-formed, and still leads nowhere.
fn mismatch_error(why: &str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("the answer does not fit the request: {why}"),
    )
    .with_status(200)
}
