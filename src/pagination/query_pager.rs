//! The sequence of the pages of a query, one request at a time.
//!
//! [`Pages`](crate::Pages) drives it. It reads window by window, and gives out each page at once.
//!
//! ```text
//! window 1   page 1, page 2
//! window 2   page 1
//! end        the completeness of all windows together
//! ```

use crate::error::Error;
use crate::model::progress::Progress;
use crate::model::query_result::Completeness;
use crate::model::series::Series;
use crate::pagination::completeness::completeness;
use crate::pagination::page::Page;
use crate::pagination::window_reader::{Step, WindowReader};
use crate::pagination::window_state::WindowState;
use crate::request::plan::{Plan, Window};
use crate::time::deadline::Deadline;
use crate::transport::event::Event;

/// Walks through the windows and pages of one query.
pub(crate) struct QueryPager {
    /// Reads each window.
    reader: WindowReader,
    /// The windows that were not started yet.
    windows: std::vec::IntoIter<Window>,
    /// The window that is being read. `None` between two windows.
    current: Option<WindowState>,
    /// True after the limit of the query cut the result.
    is_limited: bool,
    /// The reasons that the result is incomplete.
    missing: Vec<String>,
    /// The counts for the caller and for errors.
    progress: Progress,
}

impl QueryPager {
    /// Creates a pager at the start of a plan. Sends nothing.
    pub(crate) fn new(reader: WindowReader, plan: Plan) -> Self {
        Self {
            reader,
            progress: Progress::of_windows(plan.windows.len()),
            windows: plan.windows.into_iter(),
            current: None,
            is_limited: false,
            missing: plan.truncated.into_iter().collect(),
        }
    }

    /// Returns the next page, or `None` after the last one.
    ///
    /// After a restart, pages omit the groups that earlier pages had.
    ///
    /// # Errors
    ///
    /// The error of a request or a response, with the query as its context. The pager has lost the
    /// window then.
    pub(crate) fn next_page(&mut self, deadline: &Deadline) -> Result<Option<Page<Series>>, Error> {
        self.fetch_next(deadline).map_err(|error| {
            // Each page has a deadline of its own.
            let error = self.progress.annotate(error, deadline, false);
            self.reader.with_context(error)
        })
    }

    /// Returns the completeness of all pages together, once the last one was received.
    pub(crate) fn completeness(&self) -> Result<Completeness, Error> {
        completeness(&self.reader.query, self.is_limited, &self.missing)
            .map_err(|error| self.reader.with_context(error))
    }

    /// Returns the progress, with the pages received so far.
    pub(crate) const fn progress(&self) -> Progress {
        self.progress
    }

    /// Sends requests until one returns a page.
    fn fetch_next(&mut self, deadline: &Deadline) -> Result<Option<Page<Series>>, Error> {
        loop {
            let state = self
                .current
                .take()
                .or_else(|| self.windows.next().map(WindowState::new));
            let Some(mut state) = state else {
                // A query without windows sends no request that would look at the tokens.
                if deadline.remaining().is_none() {
                    return Err(deadline.error());
                }
                return Ok(None);
            };
            match self.reader.next_step(&mut state, deadline)? {
                Some(Step::Page { series, .. }) => return Ok(Some(self.emit(state, series))),
                Some(Step::Restarted) => self.current = Some(state),
                // The page counts as progress, although its groups are read again.
                Some(Step::Bisected { .. }) => {
                    self.progress.pages += 1;
                    self.current = Some(state);
                }
                None => {}
            }
        }
    }

    /// Updates the progress, and returns the page.
    fn emit(&mut self, state: WindowState, series: Vec<Series>) -> Page<Series> {
        let interval = state.window.interval();
        self.progress.pages += 1;
        self.progress.add_series(&series);
        if state.is_done() {
            self.progress.windows_done += 1;
            if let Some(request) = state.last_request {
                self.reader.transport.events().emit(|| Event::WindowDone {
                    request,
                    progress: self.progress,
                });
            }
            self.is_limited |= state.is_limited;
            self.missing.extend(state.into_missing());
        } else {
            self.current = Some(state);
        }
        Page {
            items: series,
            interval,
            progress: self.progress,
        }
    }
}
