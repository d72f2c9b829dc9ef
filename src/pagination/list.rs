//! Fetches lists: attributes and descriptors.
//!
//! Attribute values and descriptors have no windows and no points, so this is the simple reader:
//! one cursor, one set of known items.
//!
//! ```text
//! page 1  lkc-1 lkc-2   token "abc"
//! page 2  lkc-2 lkc-3   no token
//! result  lkc-1 lkc-2 lkc-3
//! ```
//!
//! An item may be on two pages if the list changed between the requests. It is returned once.

use std::collections::HashSet;
use std::hash::Hash;

use crate::decode::ListPage;
use crate::decode::error::DecodeError;
use crate::error::Error;
use crate::pagination::cursor::{Cursor, PageRequest};
use crate::pagination::errors::decode_error;
use crate::time::deadline::{Deadline, Interrupt};
use crate::util::text::count_noun;

/// Decodes the body of one page.
///
/// It stops with `Interrupted` if the deadline passes.
type DecodePage<T> = fn(&[u8], &Deadline) -> Result<ListPage<T>, DecodeError>;

/// The reason that a list was not read to its end.
enum ListError {
    /// A page token had expired. The list can be read again from its first page.
    TokenExpired(Error),
    /// Any other error, after which another reading would not help.
    Other(Error),
}

/// The items of a list that have been read, and the position of its next page.
pub(crate) struct ListReader<T> {
    /// The next page.
    cursor: Cursor,
    /// The items in the order of the service, without duplicates.
    items: Vec<T>,
    /// The items, to find duplicates.
    seen: HashSet<T>,
}

impl<T: Clone + Eq + Hash> ListReader<T> {
    /// Creates a reader at the first page.
    pub(crate) fn new() -> Self {
        Self {
            cursor: Cursor::default(),
            items: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Adds the items of a page, and returns true if another page is needed.
    ///
    /// # Errors
    ///
    /// - `Decode` if the page names an invalid next page, or one that was read before.
    /// - The error of the deadline, if it passes.
    pub(crate) fn add(
        &mut self,
        page: ListPage<T>,
        limit: usize,
        request: &PageRequest<'_>,
        deadline: &Deadline,
    ) -> Result<bool, Error> {
        let interrupt = Interrupt::new(deadline);
        for item in page.items {
            interrupt.step().map_err(|_| interrupt.error())?;
            if self.seen.insert(item.clone()) {
                self.items.push(item);
            }
        }
        // The next page is not requested once the limit is reached.
        Ok(self.items.len() < limit && self.cursor.advance(&page.next, request)?)
    }

    /// Returns the first `limit` items.
    pub(crate) fn into_items(mut self, limit: usize) -> Vec<T> {
        self.items.truncate(limit);
        self.items
    }
}

impl From<Error> for ListError {
    /// Wraps an error that is not about an expired token.
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Returns the first `limit` items of a list, in the order of the service and without duplicates.
///
/// Fetches as many pages as that takes. If a page token expires, the list is read again, once.
///
/// `limit` is `None` for the full list. `deadline` covers all pages of both readings.
///
/// # Errors
///
/// - `Timeout` with the number of pages, if the deadline passes.
/// - `Decode` if a page is not valid or a token is repeated.
/// - Any other kind if a request fails, or if a token expires in both readings.
pub(crate) fn fetch_all<T: Clone + Eq + Hash>(
    request: &PageRequest<'_>,
    limit: Option<u32>,
    deadline: &Deadline,
    decode_page: DecodePage<T>,
) -> Result<Vec<T>, Error> {
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    let mut pages = 0;
    let mut result = read_pages(request, limit, deadline, decode_page, &mut pages);
    // Tokens expire after some minutes, so a second expiration means that the list is too long.
    if let Err(ListError::TokenExpired(_)) = result {
        result = read_pages(request, limit, deadline, decode_page, &mut pages);
    }
    result.map_err(|error| match error {
        ListError::TokenExpired(error) => error.with_hint(
            "page tokens expired before the last page: request less data, or try again later",
        ),
        ListError::Other(error) => with_progress(error, pages, deadline),
    })
}

/// Reads the list once from its first page, and adds the pages that it received to `pages`.
///
/// The caller counts pages over both readings, to report the progress of the call.
///
/// # Errors
///
/// `TokenExpired` if the service no longer knows a token of this reading, else `Other`.
fn read_pages<T: Clone + Eq + Hash>(
    request: &PageRequest<'_>,
    limit: usize,
    deadline: &Deadline,
    decode_page: DecodePage<T>,
    pages: &mut usize,
) -> Result<Vec<T>, ListError> {
    let mut reader = ListReader::new();
    loop {
        let info = request
            .transport
            .events()
            .new_request(request.operation, None);
        let bytes = match reader.cursor.fetch(request, info, deadline) {
            Err(error) if reader.cursor.has_expired(&error) => {
                return Err(ListError::TokenExpired(error));
            }
            result => result?,
        };
        let page = decode_page(&bytes, deadline)
            .map_err(|error| decode_error(request.transport, deadline, &bytes, error))?;
        // The body can be large, and is not needed while the items are compared.
        drop(bytes);
        *pages += 1;
        if !reader.add(page, limit, request, deadline)? {
            return Ok(reader.into_items(limit));
        }
    }
}

/// Adds the number of pages to the error of a call whose deadline has passed.
///
/// Other errors are returned unchanged. So are timeouts of a single attempt.
fn with_progress(error: Error, pages: usize, deadline: &Deadline) -> Error {
    if error.is_timeout() && deadline.elapsed() >= deadline.budget() && pages > 0 {
        return error.with_note(&format!("{} received", count_noun(pages, "page", "pages")));
    }
    error
}
