//! Walks through the windows and pages of one query.
//!
//! Each step takes the next label range of the current window, sends one request and checks
//! the response. The outcome is a page, a restart or a bisection.
//!
//! Two callers drive it. `collect` reads window by window, and `Pages` reads page by page.
//!
//! ```text
//! page token expired                   Restarted: the window again, at most once
//! response full, granularity ALL       Bisected: two passes over half of the labels each
//! otherwise                            Page: its series, and the token of the next page if any
//! ```

use std::sync::Arc;

use crate::decode::error::DecodeError;
use crate::decode::{self, QueryPage};
use crate::error::{Error, ErrorKind};
use crate::model::query_result::Completeness;
use crate::model::series::Series;
use crate::pagination::completeness::{
    apply_limit, completeness, may_be_truncated, retention_error,
};
use crate::pagination::cursor::PageRequest;
use crate::pagination::errors::{decode_error, mismatch_error};
use crate::pagination::label_range::LabelRange;
use crate::pagination::page::{Page, Progress};
use crate::pagination::window_state::WindowState;
use crate::request::operation::Operation;
use crate::request::plan::{Plan, Window, expired};
use crate::request::query::{MAX_PAGE_SIZE, Query};
use crate::time::call_context::CallContext;
use crate::time::deadline::{Deadline, Interrupt};
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;
use crate::time::timestamp::Timestamp;
use crate::transport::Transport;
use crate::util::text::count_noun;

/// Walks through the windows and pages of one query.
pub(crate) struct QueryPager {
    /// Sends the requests, and redacts secrets in errors.
    transport: Arc<Transport>,
    /// The path of the operation, without parameters.
    path: String,
    /// The context of errors.
    context: String,
    /// The query, which is valid.
    query: Query,
    /// The windows that were not started yet.
    windows: std::vec::IntoIter<Window>,
    /// The window that is being read. `None` between two windows, and after an error.
    current: Option<WindowState>,
    /// The mode, which decides if received pages can be discarded.
    mode: Mode,
    /// True after the limit of the query cut the result.
    is_limited: bool,
    /// The reasons that the result is incomplete.
    missing: Vec<String>,
    /// The intervals that the windows cover together.
    intervals: Vec<TimeRange>,
    /// True if the windows depend on the clock.
    is_relative: bool,
    /// The clock reading that the plan was made with, and the retention.
    clock: CallContext,
    /// The counts for the caller and for errors.
    progress: Progress,
}

/// The use that is made of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One call collects all pages within one deadline. Pages can be discarded until it returns.
    Collect,
    /// The caller receives each page at once. Each page has a deadline of its own.
    Stream,
}

/// The outcome of one request.
enum Step {
    /// A page was received in this pass.
    Page { pass: usize, page: Page<Series> },
    /// The page token had expired: the window is read again from its start.
    Restarted,
    /// The response was full: two passes over half of its label range replace this one.
    Bisected { pass: usize },
}

impl QueryPager {
    /// Creates a pager at the start of a plan. Sends nothing.
    pub(crate) fn new(
        transport: Arc<Transport>,
        path: String,
        context: String,
        query: Query,
        plan: Plan,
        clock: CallContext,
        mode: Mode,
    ) -> Self {
        Self {
            transport,
            path,
            context,
            query,
            progress: Progress {
                windows: plan.windows.len(),
                ..Progress::default()
            },
            windows: plan.windows.into_iter(),
            current: None,
            mode,
            is_limited: false,
            missing: plan.truncated.into_iter().collect(),
            intervals: plan.intervals,
            is_relative: plan.is_relative,
            clock,
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
        loop {
            match self.next_step(deadline)? {
                Some(Step::Page { page, .. }) => return Ok(Some(page)),
                Some(Step::Restarted | Step::Bisected { .. }) => {}
                None => return Ok(None),
            }
        }
    }

    /// Returns all pages of the next window, or `None` after the last window.
    pub(crate) fn next_window(
        &mut self,
        deadline: &Deadline,
    ) -> Result<Option<Vec<Vec<Series>>>, Error> {
        let mut pages = Vec::new();
        loop {
            match self.next_step(deadline)? {
                Some(Step::Page { pass, page }) => pages.push((pass, page.items)),
                Some(Step::Restarted) => pages.clear(),
                Some(Step::Bisected { pass }) => pages.retain(|(of, _)| *of != pass),
                None => return Ok(None),
            }
            if self.current.is_none() {
                return Ok(Some(pages.into_iter().map(|(_, page)| page).collect()));
            }
        }
    }

    /// Returns the completeness of all pages together, once the last one was received.
    pub(crate) fn completeness(&self) -> Result<Completeness, Error> {
        completeness(&self.query, self.is_limited, &self.missing)
            .map_err(|error| self.with_context(error))
    }

    /// Returns the error of pages that cannot be merged.
    pub(crate) fn merge_error(&self, error: DecodeError, deadline: &Deadline) -> Error {
        let error = match error {
            DecodeError::Interrupted => deadline.error(),
            DecodeError::Invalid(reason) => {
                let reason = self.transport.redactor().redact_line(&reason);
                Error::new(ErrorKind::Decode, reason).with_status(200)
            }
        };
        self.with_progress(error, deadline)
    }

    /// Returns the query that the pager reads.
    pub(crate) const fn query(&self) -> &Query {
        &self.query
    }

    /// Returns the intervals that the windows cover together.
    pub(crate) fn intervals(&self) -> &[TimeRange] {
        &self.intervals
    }

    /// Returns the progress, with the pages received so far.
    pub(crate) const fn progress(&self) -> Progress {
        self.progress
    }

    /// Returns the next step, and adds context and progress to its error.
    fn next_step(&mut self, deadline: &Deadline) -> Result<Option<Step>, Error> {
        self.fetch_next(deadline)
            .map_err(|error| self.with_progress(error, deadline))
    }

    /// Sends the next request, and returns `None` if there is none.
    fn fetch_next(&mut self, deadline: &Deadline) -> Result<Option<Step>, Error> {
        let state = self
            .current
            .take()
            .or_else(|| self.windows.next().map(WindowState::new));
        let Some(mut state) = state else {
            return Ok(None);
        };
        let Some(mut pager) = state.next_pager(&self.query) else {
            return Ok(None);
        };
        let fetched = pager
            .cursor
            .fetch(&self.page_request(&pager.body), deadline);
        let bytes = match fetched {
            Err(error) if pager.cursor.has_expired(&error) => {
                return self.restart(state, error).map(Some);
            }
            result => result?,
        };
        let mut response = decode::query_page(&bytes, self.query.row_format(), deadline)
            .map_err(|error| decode_error(&self.transport, deadline, &bytes, error))?;
        // The body can be large, so its memory is freed before series are compared.
        drop(bytes);
        let has_next = pager
            .cursor
            .advance(&response.next, &self.page_request(&pager.body))?;
        self.reject_stray_points(&state.window, &response.series)?;
        self.check_retention(&state.window, &mut response.series)?;
        self.progress.pages += 1;

        // Bisection is first, so that the groups of a replaced response are not counted.
        let interrupt = Interrupt::new(deadline);
        if self.bisect_if_full(&mut state, &pager.range, &response, has_next, &interrupt)? {
            let pass = state.pass;
            if self.mode == Mode::Collect {
                state.discard_pass(pass);
            }
            self.current = Some(state);
            return Ok(Some(Step::Bisected { pass }));
        }

        let mut series = response.series;
        // A window of one page has no duplicates. This is the common case, and saves an index of
        // all groups.
        let is_only_page = state.group_count() == 0 && state.ranges.is_empty() && !has_next;
        let received = if is_only_page {
            series.len()
        } else {
            state.dedup_groups(&mut series, &interrupt)?;
            state.group_count()
        };
        if let Some(limit) = self.query.limit {
            if state.has_split_groups {
                return Err(mismatch_error(
                    "a group was split across pages, so the limit cannot be applied",
                ));
            }
            self.is_limited = apply_limit(&self.query, &mut series, received, limit, has_next);
        }
        // A further page has no group that the limit allows.
        if has_next && !self.is_limited {
            state.pager = Some(pager);
        }
        Ok(Some(Step::Page {
            pass: state.pass,
            page: self.emit(state, series),
        }))
    }

    /// Updates the progress, and returns the page.
    fn emit(&mut self, state: WindowState, series: Vec<Series>) -> Page<Series> {
        let interval = state.window.interval();
        if self.is_limited || state.is_done() {
            self.progress.windows_done += 1;
            self.missing.extend(state.missing);
        } else {
            self.current = Some(state);
        }
        self.progress.series += series.len();
        self.progress.points += series
            .iter()
            .map(|series| series.points().len())
            .sum::<usize>();
        Page {
            items: series,
            interval,
            progress: self.progress,
        }
    }

    /// Starts the window again after a page token expired, at most once.
    ///
    /// A call that collects pages discards those of the first reading. Pages that the caller has
    /// received cannot be taken back, so the second reading omits their groups.
    ///
    /// Returns `error` with a hint if the window cannot be read again.
    fn restart(&mut self, state: WindowState, error: Error) -> Result<Step, Error> {
        let is_streaming = self.mode == Mode::Stream;
        // Nothing says which parts of a split group the caller has received.
        if state.is_restarted || (state.has_split_groups && is_streaming) {
            return Err(error.with_hint(
                "page tokens expired before the last page of this window: \
                 use shorter intervals or a narrower filter",
            ));
        }
        self.current = Some(state.restarted(is_streaming));
        Ok(Step::Restarted)
    }

    /// Returns the request for the pages of one pass, which all have the same body.
    fn page_request<'a>(&'a self, body: &'a str) -> PageRequest<'a> {
        PageRequest {
            transport: &self.transport,
            operation: Operation::Query,
            path: &self.path,
            body: Some(body),
            is_relative: self.is_relative,
        }
    }

    /// Returns an error if a point is outside its window, as in a response that a cache kept.
    fn reject_stray_points(&self, window: &Window, series: &[Series]) -> Result<(), Error> {
        // The time of the one bucket of ALL is not documented.
        if self.query.granularity == Granularity::All {
            return Ok(());
        }
        let (start, end) = window.interval();
        for series in series {
            let first = series.points().first().map(|point| point.timestamp);
            let last = series.last().map(|point| point.timestamp);
            for time in [first, last, series.newest_null()].into_iter().flatten() {
                // The bucket that starts at the end may be incomplete.
                if time < start || time >= end {
                    return Err(mismatch_error(&format!(
                        "point at {time} is outside {start}/{end}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Checks that the service still had all points of the window when it responded.
    ///
    /// If the query allows truncated results, buckets that may be incomplete are removed instead.
    ///
    /// # Errors
    ///
    /// `Incomplete` if the query does not allow truncated results.
    fn check_retention(&mut self, window: &Window, series: &mut Vec<Series>) -> Result<(), Error> {
        // The retention goes on while requests wait, so the clock is read again.
        let now = Timestamp::now();
        let Some(reason) = expired(window.interval().0, &self.clock, now) else {
            return Ok(());
        };
        if !self.query.allow_truncated {
            return Err(retention_error(&reason));
        }
        if self.query.granularity != Granularity::All {
            let retention_start = self.clock.retention_start(now);
            // A bucket that lost some of its points has a wrong value.
            series.retain_mut(|series| series.drop_before(retention_start));
        }
        if !self.missing.contains(&reason) {
            self.missing.push(reason);
        }
        Ok(())
    }

    /// Bisects the label range if a full response with the granularity ALL hides groups.
    ///
    /// Returns true if two passes replace the response. If the range cannot be bisected, the
    /// reason is added to what is missing.
    fn bisect_if_full(
        &self,
        state: &mut WindowState,
        range: &LabelRange,
        response: &QueryPage,
        has_next: bool,
        interrupt: &Interrupt<'_>,
    ) -> Result<bool, Error> {
        let is_full = !has_next && may_be_truncated(&self.query, response);
        // A bounded range is checked even if it is not full: the service may ignore its filter.
        if self.query.limit.is_some() || !(is_full || range.is_bounded()) {
            return Ok(false);
        }
        match range.bisect(&self.query, &response.series, is_full, interrupt) {
            Ok(halves) => {
                let is_bisected = !halves.is_empty();
                state.ranges.extend(halves);
                Ok(is_bisected)
            }
            Err(_) if interrupt.has_stopped() => Err(interrupt.error()),
            Err(reason) => {
                let reason = self.transport.redactor().redact_line(&reason);
                state.missing = Some(format!(
                    "granularity ALL returns at most {MAX_PAGE_SIZE} groups, and {reason}"
                ));
                Ok(false)
            }
        }
    }

    /// Adds the description of the query to an error.
    fn with_context(&self, error: Error) -> Error {
        error.with_context(|| self.context.clone())
    }

    /// Adds the context to an error and, if the deadline has passed, the progress and an estimate.
    fn with_progress(&self, error: Error, deadline: &Deadline) -> Error {
        let Progress {
            windows_done,
            windows,
            pages,
            ..
        } = self.progress;
        let has_passed = error.is_timeout() && deadline.elapsed() >= deadline.budget();
        if !has_passed || pages == 0 {
            return self.with_context(error);
        }
        let error = error.with_note(&format!(
            "{windows_done} of {windows} windows completed ({})",
            count_noun(pages, "page", "pages")
        ));
        let error = match self.estimate(deadline) {
            Some(seconds) => error.with_hint(format!(
                "the call would take about {seconds} s: raise ClientBuilder::deadline"
            )),
            None => error,
        };
        self.with_context(error)
    }

    /// Extrapolates the seconds that the call would take, if one deadline covers all of it.
    fn estimate(&self, deadline: &Deadline) -> Option<u64> {
        if self.mode == Mode::Stream {
            return None;
        }
        let done = u32::try_from(self.progress.windows_done).ok()?;
        let windows = u32::try_from(self.progress.windows).ok()?;
        let total = deadline.elapsed().checked_mul(windows)?.checked_div(done)?;
        // Rounded up, so that a deadline of that length is enough at the same pace.
        Some(total.as_secs() + 1)
    }
}
