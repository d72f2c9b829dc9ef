//! The lazy iterator over the pages of a query.
//!
//! A thin layer over [`QueryPager`]: it gives each page a deadline, and turns the verdict on the
//! result into the last item.
//!
//! ```text
//! next()  Some(Ok(page))   a page
//! next()  Some(Ok(page))   the last page
//! next()  None             the end, and completeness() has a value
//! ```
//!
//! An error takes the place of any of these items. After it, `next` returns `None`.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use crate::error::{Error, ErrorKind};
use crate::model::query_result::Completeness;
use crate::model::series::Series;
use crate::pagination::page::Page;
use crate::pagination::query_pager::QueryPager;
use crate::time::deadline::CallLimits;

/// A lazy iterator over the pages of a query.
///
/// Created by [`Client::query_pages`](crate::Client::query_pages). Each call of `next` fetches one
/// page, and has the full [deadline](crate::ClientBuilder::deadline) of the client to itself.
///
/// The iterator ends after the first error. If the result is incomplete, the last item is an
/// [`Incomplete`](crate::ErrorKind::Incomplete) error, unless the query
/// [allows truncated results](crate::Query::allow_truncated).
///
/// # Example
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let metric = "io.confluent.kafka.server/sent_bytes";
/// let query = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
///     .filter(Resource::kafka("lkc-1"))
///     .group_by(["metric.topic"]);
/// let mut pages = client.query_pages(&query);
/// for page in &mut pages {
///     for series in page? {
///         println!("{}: {} points", series.labels(), series.points().len());
///     }
/// }
/// println!("{:?}", pages.completeness());
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[must_use = "iterators are lazy: no request is sent before the first `next`"]
pub struct Pages<T> {
    /// The pager, or the error of an invalid query, which the first `next` returns.
    ///
    /// It is `None` after the end and after an error.
    pager: Option<Result<QueryPager, Error>>,
    /// The limits of each page.
    limits: CallLimits,
    /// The verdict on the result, known only after the last page.
    completeness: Option<Completeness>,
    /// The type of the items, as a function result so that `T` does not affect `Send`.
    item: PhantomData<fn() -> T>,
}

impl<T> Pages<T> {
    /// Creates the iterator. An error of the query is kept for the first `next`.
    pub(crate) const fn new(pager: Result<QueryPager, Error>, limits: CallLimits) -> Self {
        Self {
            pager: Some(pager),
            limits,
            completeness: None,
            item: PhantomData,
        }
    }

    /// Returns the completeness of all pages together.
    ///
    /// Returns `None` until the iterator has ended, and if it ended with an error.
    #[must_use]
    pub fn completeness(&self) -> Option<Completeness> {
        self.completeness.clone()
    }
}

impl<T> fmt::Debug for Pages<T> {
    /// Prints the progress, without the query or the transport.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = match &self.pager {
            Some(Ok(pager)) => Some(pager.progress()),
            _ => None,
        };
        f.debug_struct("Pages")
            .field("progress", &progress)
            .finish_non_exhaustive()
    }
}

impl Iterator for Pages<Series> {
    type Item = Result<Page<Series>, Error>;

    /// Fetches one page, and returns `None` after the last one or an error.
    fn next(&mut self) -> Option<Self::Item> {
        // Only a page puts the pager back, so the iterator stays at its end after an error.
        let mut pager = match self.pager.take()? {
            Ok(pager) => pager,
            Err(error) => return Some(Err(error)),
        };
        // A panic of the caller's closure leaves this, since the end would look like the last page.
        self.pager = Some(Err(Error::new(
            ErrorKind::Incomplete,
            "a panic ended the iterator",
        )));
        let result = pager.next_page(&self.limits.start());
        self.pager = None;
        match result {
            Ok(Some(page)) => {
                self.pager = Some(Ok(pager));
                Some(Ok(page))
            }
            Ok(None) => match pager.completeness() {
                Ok(completeness) => {
                    self.completeness = Some(completeness);
                    None
                }
                Err(error) => Some(Err(error)),
            },
            Err(error) => Some(Err(error)),
        }
    }
}

impl FusedIterator for Pages<Series> {}
