//! The pages of a query.
//!
//! The client creates these values, and callers only read them. [`Pages`](crate::Pages) is the
//! iterator that returns them.

use crate::model::iter::{IntoIter, Iter};
use crate::model::progress::Progress;
use crate::time::timestamp::Timestamp;

/// One page of a result, as fetched by [`Pages`](crate::Pages).
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
/// for page in client.query_pages(&query) {
///     let page = page?;
///     let (start, end) = page.interval();
///     println!("{start} to {end}: {} series", page.items().len());
///     println!("{} pages so far", page.progress().pages());
///     for series in page.into_items() {
///         println!("{}", series.labels());
///     }
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items that no earlier page of the window has returned.
    pub(crate) items: Vec<T>,
    /// The start and the end of the window of this page.
    pub(crate) interval: (Timestamp, Timestamp),
    /// The progress after this page.
    pub(crate) progress: Progress,
}

impl<T> Page<T> {
    /// Returns the items of the page.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Converts the page into its items, without a copy.
    #[must_use]
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Returns the start and the end of the window that the page belongs to.
    ///
    /// A query over a long interval is split into several windows.
    #[must_use]
    pub const fn interval(&self) -> (Timestamp, Timestamp) {
        self.interval
    }

    /// Returns the progress of the query, this page included.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    /// Returns the items in order, without a copy.
    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self.items.into_iter())
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`items` returns the slice")]
impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        Iter(self.items.iter())
    }
}
