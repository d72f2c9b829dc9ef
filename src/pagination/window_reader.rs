//! Reads one window of a query, page by page.
//!
//! Each step takes the next label range of the window, sends one request and checks the response.
//! The outcome is a page, a restart or a bisection.
//!
//! A reader has no state of its own, so several threads can read windows with the same reader. The
//! state of each window is a [`WindowState`].
//!
//! ```text
//! page token expired                   Restarted: the window again, at most once
//! response full, granularity ALL       Bisected: two passes over half of the labels each
//! otherwise                            Page: its series, and the token of the next page if any
//! ```

use std::sync::Arc;

use crate::decode::{self, QueryPage};
use crate::error::Error;
use crate::model::series::Series;
use crate::pagination::completeness::{apply_limit, may_be_truncated, retention_error};
use crate::pagination::cursor::PageRequest;
use crate::pagination::errors::{decode_error, mismatch_error};
use crate::pagination::label_range::LabelRange;
use crate::pagination::window_state::WindowState;
use crate::request::operation::Operation;
use crate::request::plan::{Window, expired};
use crate::request::query::{MAX_PAGE_SIZE, Query};
use crate::time::call_context::CallContext;
use crate::time::deadline::{Deadline, Interrupt};
use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;
use crate::transport::Transport;
use crate::transport::hints::with_filter_hint;

/// Reads the windows of one query.
pub(crate) struct WindowReader {
    /// Sends the requests, and redacts secrets in errors.
    pub(crate) transport: Arc<Transport>,
    /// The path of the operation, without parameters.
    pub(crate) path: String,
    /// The context of errors.
    pub(crate) context: String,
    /// The query, which is valid.
    pub(crate) query: Query,
    /// True if the windows depend on the clock.
    pub(crate) is_relative: bool,
    /// The clock reading that the plan was made with, and the retention.
    pub(crate) clock: CallContext,
    /// The mode, which decides if received pages can be discarded.
    pub(crate) mode: Mode,
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
pub(crate) enum Step {
    /// A page was received in this pass.
    Page { pass: usize, series: Vec<Series> },
    /// The page token had expired: the window is read again from its start.
    Restarted,
    /// The response was full: two passes over half of its label range replace this one.
    Bisected { pass: usize },
}

impl WindowReader {
    /// Sends the next request of a window, and returns `None` if the window is complete.
    ///
    /// After a restart, pages in the mode [`Mode::Stream`] omit the groups that earlier pages had.
    ///
    /// # Errors
    ///
    /// The error of the request or the response, without the context. The window cannot be read
    /// further then.
    pub(crate) fn next_step(
        &self,
        state: &mut WindowState,
        deadline: &Deadline,
    ) -> Result<Option<Step>, Error> {
        let Some(mut pager) = state.next_pager(&self.query) else {
            return Ok(None);
        };
        let info = self
            .transport
            .events()
            .new_request(Operation::Query, Some(state.window.interval()));
        state.last_request = Some(info);
        let fetched = pager
            .cursor
            .fetch(&self.page_request(&pager.body), info, deadline);
        let bytes = match fetched {
            Err(error) if pager.cursor.has_expired(&error) => {
                self.restart(state, error)?;
                return Ok(Some(Step::Restarted));
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
        self.check_retention(state, &mut response.series)?;

        // Bisection is first, so that the groups of a replaced response are not counted.
        let interrupt = Interrupt::new(deadline);
        let pass = state.pass;
        if self.bisect_if_full(state, &pager.range, &response, has_next, &interrupt)? {
            if self.mode == Mode::Collect {
                state.discard_pass(pass);
            }
            return Ok(Some(Step::Bisected { pass }));
        }

        let mut series = response.series;
        // A window of one page has no duplicates. This is the common case, and saves an index of
        // all groups.
        let is_only_page = state.group_count() == 0 && state.ranges.is_empty() && !has_next;
        let received = if is_only_page {
            series.len()
        } else {
            state.dedup_groups(&mut series, &self.query, &interrupt)?;
            state.group_count()
        };
        if let Some(limit) = self.query.limit {
            if state.has_split_groups {
                return Err(mismatch_error(
                    "a group was split across pages, so the limit cannot be applied",
                ));
            }
            state.is_limited = apply_limit(&self.query, &mut series, received, limit, has_next);
        }
        // A further page has no group that the limit allows.
        if has_next && !state.is_limited {
            state.pager = Some(pager);
        }
        Ok(Some(Step::Page { pass, series }))
    }

    /// Adds the description of the query to an error, and the filter if it was rejected.
    pub(crate) fn with_context(&self, error: Error) -> Error {
        with_filter_hint(error, Operation::Query, self.query.filter.as_ref())
            .with_context(|| self.context.clone())
    }

    /// Prepares a window to be read again after a page token expired, at most once.
    ///
    /// A call that collects pages discards those of the first reading. Pages that the caller has
    /// received cannot be taken back, so the second reading omits their groups.
    ///
    /// Returns `error` with a hint if the window cannot be read again.
    fn restart(&self, state: &mut WindowState, error: Error) -> Result<(), Error> {
        let is_streaming = self.mode == Mode::Stream;
        // Nothing says which parts of a split group the caller has received.
        if state.is_restarted || (state.has_split_groups && is_streaming) {
            return Err(error.with_hint(
                "page tokens expired before the last page of this window: \
                 use shorter intervals or a narrower filter",
            ));
        }
        state.restart(is_streaming, &self.query);
        Ok(())
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
            if let Some(time) = series.off_grid_time(self.query.granularity) {
                return Err(mismatch_error(&format!(
                    "point at {time} is not aligned to the granularity"
                )));
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
    fn check_retention(
        &self,
        state: &mut WindowState,
        series: &mut Vec<Series>,
    ) -> Result<(), Error> {
        // The retention goes on while requests wait, so the clock is read again.
        let now = Timestamp::now();
        let Some(reason) = expired(state.window.interval().0, &self.clock, now) else {
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
        state.expired = Some(reason);
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
                state.hidden = Some(format!(
                    "granularity ALL returns at most {MAX_PAGE_SIZE} groups, and {reason}"
                ));
                Ok(false)
            }
        }
    }
}
