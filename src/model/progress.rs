//! The progress of a query, which pages and events report.

use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::model::series::Series;
use crate::time::deadline::Deadline;
use crate::util::text::count_noun;

/// The progress of a query, with all of its windows.
///
/// A [`Page`](crate::Page) has it, and an event of the kind
/// [`WindowDone`](crate::Event::WindowDone). `Display` prints it in words.
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
/// let query = Query::new(metric, Granularity::OneMinute, Interval::last_days(2))
///     .filter(Resource::kafka("lkc-1"));
/// for page in client.query_pages(&query) {
///     let progress = page?.progress();
///     eprint!("{}/{} windows, ", progress.windows_done(), progress.windows());
///     eprint!("{} pages, ", progress.pages());
///     eprintln!("{} series, {} points", progress.series(), progress.points());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Progress {
    /// The number of windows that were read to the end or to the limit.
    pub(crate) windows_done: usize,
    /// The number of windows of the plan. It never changes during a call.
    pub(crate) windows: usize,
    /// The number of pages received, with those that were discarded later.
    pub(crate) pages: usize,
    /// The number of series on the pages that were returned.
    pub(crate) series: usize,
    /// The number of points on the pages that were returned.
    pub(crate) points: usize,
}

impl Progress {
    /// Returns the number of windows that are complete.
    #[must_use]
    pub const fn windows_done(&self) -> usize {
        self.windows_done
    }

    /// Returns the number of windows that the query was split into.
    #[must_use]
    pub const fn windows(&self) -> usize {
        self.windows
    }

    /// Returns the number of pages received.
    ///
    /// Pages that were discarded and read again count as well.
    #[must_use]
    pub const fn pages(&self) -> usize {
        self.pages
    }

    /// Returns the number of series received.
    ///
    /// A series that spans several windows counts once in each.
    #[must_use]
    pub const fn series(&self) -> usize {
        self.series
    }

    /// Returns the number of points received.
    #[must_use]
    pub const fn points(&self) -> usize {
        self.points
    }

    /// Creates the progress before the first request.
    pub(crate) fn of_windows(windows: usize) -> Self {
        Self {
            windows,
            ..Self::default()
        }
    }

    /// Counts the series of a page, and their points.
    pub(crate) fn add_series(&mut self, series: &[Series]) {
        self.series += series.len();
        for series in series {
            self.points += series.points().len();
        }
    }

    /// Counts a window, and what it has received.
    pub(crate) const fn add_window(&mut self, received: &Self) {
        self.windows_done += 1;
        self.pages += received.pages;
        self.series += received.series;
        self.points += received.points;
    }

    /// Adds the progress to the error of a call whose deadline has passed.
    ///
    /// Other errors are returned unchanged. So are timeouts of a single attempt.
    ///
    /// `covers_all` is true if the deadline is one for all windows. The hint of the error then says
    /// how long they would take.
    pub(crate) fn annotate(&self, error: Error, deadline: &Deadline, covers_all: bool) -> Error {
        let has_passed = error.is_timeout() && deadline.elapsed() >= deadline.budget();
        if !has_passed || self.pages == 0 {
            return error;
        }
        let error = error.with_note(&format!(
            "{} of {} windows completed ({})",
            self.windows_done,
            self.windows,
            count_noun(self.pages, "page", "pages")
        ));
        match self.estimate(deadline) {
            Some(seconds) if covers_all => error.with_hint(format!(
                "the call would take about {seconds} s: raise ClientBuilder::deadline"
            )),
            _ => error,
        }
    }

    /// Extrapolates the seconds that the call would take. Returns `None` before the first window.
    fn estimate(&self, deadline: &Deadline) -> Option<u64> {
        let done = u32::try_from(self.windows_done).ok()?;
        let windows = u32::try_from(self.windows).ok()?;
        let total = deadline.elapsed().checked_mul(windows)?.checked_div(done)?;
        // Rounded up, so that a deadline of that length is enough at the same pace.
        Some(total.as_secs() + 1)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} windows done ({}, {} series, {})",
            self.windows_done,
            self.windows,
            count_noun(self.pages, "page", "pages"),
            self.series,
            count_noun(self.points, "point", "points")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_error_of_a_deadline_tells_the_progress() {
        let deadline = Deadline::after(std::time::Duration::ZERO);
        let progress = Progress {
            windows_done: 1,
            pages: 2,
            ..Progress::of_windows(4)
        };
        let hint = "raise ClientBuilder::deadline";
        let all = progress.annotate(deadline.error(), &deadline, true);
        assert!(
            all.to_string()
                .contains("1 of 4 windows completed (2 pages)"),
            "{all}"
        );
        assert_eq!(
            all.hint().unwrap(),
            format!("the call would take about 1 s: {hint}")
        );
        // The deadline of a lazy iterator is one for each page.
        let each = progress.annotate(deadline.error(), &deadline, false);
        assert!(
            each.to_string().contains("1 of 4 windows completed"),
            "{each}"
        );
        assert_eq!(each.hint(), Some(hint));
        let refused = Error::new(ErrorKind::Forbidden, "no access");
        let refused = progress.annotate(refused, &deadline, true);
        assert_eq!(refused.to_string(), "no access");
        let early = Progress::of_windows(4).annotate(deadline.error(), &deadline, true);
        assert_eq!(early.to_string(), deadline.error().to_string());
    }
}
