//! Collects the windows of a query into one result, whichever window arrives first.
//!
//! Each window is read by one thread. A window that arrives before an earlier one waits. So the
//! pages are merged in the order in which a single thread would have read them, and the result is
//! the same.
//!
//! ```text
//! window 1 arrives   merged
//! window 3 arrives   waits for window 2
//! window 2 arrives   merged, and window 3 after it
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::decode::error::DecodeError;
use crate::error::{Error, ErrorKind};
use crate::model::progress::Progress;
use crate::model::query_result::QueryResult;
use crate::model::series::Series;
use crate::pagination::completeness::completeness;
use crate::pagination::first_error::FirstError;
use crate::pagination::merge::{SeriesMerger, sort_series};
use crate::pagination::progress_reporter::ProgressReporter;
use crate::pagination::window_reader::{Step, WindowReader};
use crate::pagination::window_state::WindowState;
use crate::request::plan::{Plan, Window};
use crate::time::deadline::{Deadline, Interrupt};
use crate::time::interval::TimeRange;
use crate::transport::event::EventRequest;

/// Collects the windows of one query.
///
/// Several threads may call [`read_window`](Self::read_window), each with another window.
pub(crate) struct Collector {
    /// Reads each window.
    reader: WindowReader,
    /// The windows in order of time.
    windows: Vec<Window>,
    /// The intervals that the windows cover together.
    intervals: Vec<TimeRange>,
    /// The error of the call, which stops the windows after it.
    first_error: FirstError,
    /// The pages so far. Locked while pages are merged, but never while a request is sent.
    state: Mutex<State>,
}

/// The state of a collection.
struct State {
    /// The counts for errors.
    progress: Progress,
    /// The windows that have arrived, and that were not merged yet.
    arrived: Vec<Option<WindowPages>>,
    /// The number of windows that were merged.
    merged: usize,
    /// The series of those windows.
    merger: SeriesMerger,
    /// True after the limit of the query cut the result.
    is_limited: bool,
    /// The reasons that the result is incomplete.
    missing: Vec<String>,
    /// The result, after the last window was merged.
    result: Option<Result<QueryResult, Error>>,
}

/// The pages of one window, in the order of the service.
struct WindowPages {
    pages: Vec<Vec<Series>>,
    /// The counts of the window, which include pages that were discarded.
    received: Progress,
    /// The last request of the window.
    last_request: Option<EventRequest>,
    is_limited: bool,
    missing: Vec<String>,
}

impl Collector {
    /// Creates a collector at the start of a plan. Sends nothing.
    pub(crate) fn new(reader: WindowReader, plan: Plan) -> Self {
        let windows = plan.windows.len();
        Self {
            reader,
            windows: plan.windows,
            intervals: plan.intervals,
            first_error: FirstError::new(windows),
            state: Mutex::new(State {
                progress: Progress::of_windows(windows),
                arrived: (0..windows).map(|_| None).collect(),
                merged: 0,
                merger: SeriesMerger::default(),
                is_limited: false,
                missing: plan.truncated.into_iter().collect(),
                result: None,
            }),
        }
    }

    /// Returns the number of windows to read.
    pub(crate) fn window_count(&self) -> usize {
        self.windows.len()
    }

    /// Reads all pages of one window, and merges what can be merged.
    ///
    /// Does nothing if an earlier window has failed, and ends early if one fails meanwhile. An
    /// error is kept for [`finish`](Self::finish).
    pub(crate) fn read_window(
        &self,
        index: usize,
        reporter: &ProgressReporter<'_>,
        deadline: &Deadline,
    ) {
        let Some(window) = self.windows.get(index) else {
            return;
        };
        let Some(window_deadline) = self.first_error.start(index, deadline) else {
            return;
        };
        match self.read_pages(window.clone(), &window_deadline) {
            // A later window may have to stop, but not the merge of those before it.
            Ok(pages) => {
                let last_request = pages.last_request;
                let received = pages.received;
                self.add(index, pages, deadline);
                if let Some(request) = last_request {
                    reporter.window_done(request, &received);
                }
            }
            Err(error) => self.first_error.fail(index, error),
        }
    }

    /// Returns the result after every window was read or stopped.
    ///
    /// # Errors
    ///
    /// - The error of the first window that failed.
    /// - `Timeout` if the deadline passes, also while series are merged or sorted.
    /// - `Decode` if two pages have different values for one point.
    /// - `Incomplete` if groups are missing and the query does not allow that.
    pub(crate) fn finish(self, deadline: &Deadline) -> Result<QueryResult, Error> {
        let mut state = self.lock();
        let result = match (self.first_error.take(), state.result.take()) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => result,
            (None, None) if !self.windows.is_empty() => {
                Err(Error::new(ErrorKind::Incomplete, "a window was not read"))
            }
            // No request has looked at the deadline and the tokens.
            (None, None) if deadline.remaining().is_none() => Err(deadline.error()),
            (None, None) => self.complete(&mut state, deadline),
        };
        result.map_err(|error| {
            let error = state.progress.annotate(error, deadline, true);
            self.reader.with_context(error)
        })
    }

    /// Reads the pages of a window.
    fn read_pages(&self, window: Window, deadline: &Deadline) -> Result<WindowPages, Error> {
        let mut state = WindowState::new(window);
        let mut received = Progress::default();
        let mut pages = Vec::new();
        while let Some(step) = self.reader.next_step(&mut state, deadline)? {
            match step {
                Step::Page { pass, series } => {
                    self.lock().progress.pages += 1;
                    received.pages += 1;
                    pages.push((pass, series));
                }
                Step::Restarted => pages.clear(),
                Step::Bisected { pass } => {
                    self.lock().progress.pages += 1;
                    received.pages += 1;
                    pages.retain(|(of, _)| *of != pass);
                }
            }
        }
        // Counted at the end, because a restart or a bisection discards pages.
        for (_, page) in &pages {
            received.add_series(page);
        }
        Ok(WindowPages {
            pages: pages.into_iter().map(|(_, page)| page).collect(),
            received,
            last_request: state.last_request,
            is_limited: state.is_limited,
            missing: state.into_missing().collect(),
        })
    }

    /// Adds a window that has arrived, and merges the windows that no longer wait for another.
    fn add(&self, index: usize, pages: WindowPages, deadline: &Deadline) {
        let mut state = self.lock();
        state.progress.windows_done += 1;
        state.progress.series += pages.received.series;
        state.progress.points += pages.received.points;
        state.arrived[index] = Some(pages);
        let interrupt = Interrupt::new(deadline);
        loop {
            let next = state.merged;
            let Some(pages) = state.arrived.get_mut(next).and_then(Option::take) else {
                break;
            };
            for page in pages.pages {
                if let Err(error) = state.merger.add(page, &interrupt) {
                    let error = self.merge_error(error, deadline);
                    drop(state);
                    self.first_error.fail(next, error);
                    return;
                }
            }
            state.is_limited |= pages.is_limited;
            state.missing.extend(pages.missing);
            state.merged += 1;
        }
        if state.merged == self.windows.len() {
            state.result = Some(self.complete(&mut state, deadline));
        }
    }

    /// Returns the result of windows that are all merged.
    fn complete(&self, state: &mut State, deadline: &Deadline) -> Result<QueryResult, Error> {
        let query = &self.reader.query;
        let completeness = completeness(query, state.is_limited, &state.missing)?;
        let series = std::mem::take(&mut state.merger.series);
        let series =
            sort_series(series, query, &Interrupt::new(deadline)).map_err(|_| deadline.error())?;
        Ok(QueryResult {
            metric: query.metric.clone(),
            granularity: query.granularity,
            intervals: self.intervals.clone(),
            series,
            completeness,
        })
    }

    /// Returns the error of pages that cannot be merged.
    fn merge_error(&self, error: DecodeError, deadline: &Deadline) -> Error {
        match error {
            DecodeError::Interrupted => deadline.error(),
            DecodeError::Invalid(reason) => {
                let reason = self.reader.transport.redactor().redact_line(&reason);
                Error::new(ErrorKind::Decode, reason).with_status(200)
            }
        }
    }

    /// Locks the state, even if another thread panicked with the lock: its call ends as well then.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
