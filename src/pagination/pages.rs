use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::decode::error::DecodeError;
use crate::decode::{self, QueryPage};
use crate::error::{Error, ErrorKind};
use crate::model::labels::LabelIndex;
use crate::model::series::{Completeness, Series};
use crate::pagination::label_range::LabelRange;
use crate::pagination::list::{Cursor, PageRequest, decode_error};
use crate::request::operation::Operation;
use crate::request::plan::{Plan, Window, expired};
use crate::request::query::{MAX_PAGE_SIZE, Query};
use crate::time::call_context::CallContext;
use crate::time::deadline::{Deadline, Interrupt};
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;
use crate::time::timestamp::Timestamp;
use crate::transport::Transport;

/// An iterator over the pages of an answer, each fetched when it is asked for.
///
/// After an error it ends. An answer that is not whole ends in an
/// [`Incomplete`](ErrorKind::Incomplete) error, unless the query allows that. Each `next` has the client's whole deadline
/// to itself. Made by [`Client::query_pages`](crate::Client::query_pages).
#[must_use = "nothing is asked before the first `next`"]
pub struct Pages<T> {
    walk: Option<Result<QueryPager, Error>>,
    deadline: Duration,
    completeness: Option<Completeness>,
    item: PhantomData<fn() -> T>,
}

/// One answer's worth of a longer list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    items: Vec<T>,
    interval: (Timestamp, Timestamp),
    progress: Progress,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    windows_done: usize,
    windows: usize,
    pages: usize,
    series: usize,
    points: usize,
}

impl<T> Page<T> {
    /// What the page holds.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// What the page holds, without a copy.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Start and end of the window of time that the page belongs to.
    pub fn interval(&self) -> (Timestamp, Timestamp) {
        self.interval
    }

    /// How far the call has come, this page included.
    pub fn progress(&self) -> Progress {
        self.progress
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl Progress {
    /// How many windows of time are done.
    pub fn windows_done(&self) -> usize {
        self.windows_done
    }

    /// How many windows of time the query was split into.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// How many pages have come.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// How many series have come; one that spans several windows counts in each.
    pub fn series(&self) -> usize {
        self.series
    }

    /// How many points have come.
    pub fn points(&self) -> usize {
        self.points
    }
}

impl<T> Pages<T> {
    pub(crate) fn new(walk: Result<QueryPager, Error>, deadline: Duration) -> Self {
        let walk = walk.map(|walk| QueryPager {
            shared_deadline: false,
            ..walk
        });
        Self {
            walk: Some(walk),
            deadline,
            completeness: None,
            item: PhantomData,
        }
    }

    /// Whether the pages were all there is; `None` until the iterator has ended, and where it ended in an error.
    pub fn completeness(&self) -> Option<Completeness> {
        self.completeness.clone()
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self
            .walk
            .as_ref()
            .and_then(|walk| walk.as_ref().ok())
            .map(|walk| walk.progress);
        f.debug_struct("Pages")
            .field("progress", &progress)
            .finish_non_exhaustive()
    }
}

impl Iterator for Pages<Series> {
    type Item = Result<Page<Series>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        // Taken out and only put back after a page, so that an error or the end is final.
        let mut walk = match self.walk.take()? {
            Ok(walk) => walk,
            Err(error) => return Some(Err(error)),
        };
        match walk.next_page(&Deadline::after(self.deadline)) {
            Ok(Some(page)) => {
                self.walk = Some(Ok(walk));
                Some(Ok(page))
            }
            Ok(None) => match walk.completeness() {
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

/// The way through the windows and pages of one query.
pub(crate) struct QueryPager {
    transport: Arc<Transport>,
    path: String,
    context: String,
    query: Query,
    windows: std::vec::IntoIter<Window>,
    current: Option<WindowState>,
    limited: bool,
    /// Why the result is not complete.
    incomplete_reason: Vec<String>,
    /// What the windows cover together.
    intervals: Vec<TimeRange>,
    /// Whether the windows depend on the clock.
    is_relative: bool,
    clock: CallContext,
    progress: Progress,
    /// Whether one deadline holds for all pages, not each page its own.
    shared_deadline: bool,
}

/// A window that is being asked for.
struct WindowState {
    window: Window,
    /// The ranges of labels still to be asked for, the next one last; more than one once an answer was too full.
    ranges: Vec<LabelRange>,
    /// The list that has a further page.
    list: Option<RangePager>,
    /// The number of the list being read; after a restart it goes on.
    list_number: usize,
    /// Each group that came, once.
    groups: LabelIndex,
    /// Where each group came, by its number.
    origins: Vec<Origin>,
    /// A group came on two pages of one list.
    has_split_groups: bool,
    /// A page token expired, and the window began again.
    is_restarted: bool,
    /// The reason that the window is incomplete.
    missing: Option<String>,
}

/// The lists that a group came in.
struct Origin {
    /// The one whose points are the group's. They are of one reading, since points may change between two.
    list: Option<usize>,
    /// The latest one that has it.
    latest: Option<usize>,
}

/// The outcome of one request.
enum Step {
    Page {
        list: usize,
        page: Page<Series>,
    },
    /// The page token had expired: the window is read again from its start.
    Restarted,
    /// The response was full: its list gives way to two lists of half its range.
    Bisected {
        list: usize,
    },
}

/// The groups of one range: the body that asks for each page, and the place in them.
struct RangePager {
    range: LabelRange,
    body: String,
    cursor: Cursor,
}

impl QueryPager {
    pub(crate) fn new(
        transport: Arc<Transport>,
        path: String,
        context: String,
        query: Query,
        plan: Plan,
        clock: CallContext,
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
            limited: false,
            incomplete_reason: plan.truncated.into_iter().collect(),
            intervals: plan.intervals,
            is_relative: plan.is_relative,
            clock,
            shared_deadline: true,
        }
    }

    /// The next page; `None` where everything has come. After a restart it leaves out the groups handed out before.
    pub(crate) fn next_page(&mut self, deadline: &Deadline) -> Result<Option<Page<Series>>, Error> {
        loop {
            match self.next_step(deadline)? {
                Some(Step::Page { page, .. }) => return Ok(Some(page)),
                Some(Step::Restarted | Step::Bisected { .. }) => {}
                None => return Ok(None),
            }
        }
    }

    /// Returns all pages of the next window, from one reading of it; `None` after the last window.
    pub(crate) fn next_window(
        &mut self,
        deadline: &Deadline,
    ) -> Result<Option<Vec<Vec<Series>>>, Error> {
        let mut pages = Vec::new();
        loop {
            match self.next_step(deadline)? {
                Some(Step::Page { list, page }) => pages.push((list, page.items)),
                Some(Step::Restarted) => pages.clear(),
                Some(Step::Bisected { list }) => pages.retain(|(of, _)| *of != list),
                None => return Ok(None),
            }
            if self.current.is_none() {
                return Ok(Some(pages.into_iter().map(|(_, page)| page).collect()));
            }
        }
    }

    fn next_step(&mut self, deadline: &Deadline) -> Result<Option<Step>, Error> {
        self.fetch_next(deadline)
            .map_err(|error| self.with_progress(error, deadline))
    }

    /// What is to be said of the answer once all pages have come.
    pub(crate) fn completeness(&self) -> Result<Completeness, Error> {
        if !self.incomplete_reason.is_empty() {
            return completeness_or_error(&self.query, self.incomplete_reason.join("; "))
                .map_err(|error| self.with_context(error));
        }
        Ok(if self.limited {
            limited(&self.query)
        } else {
            Completeness::Complete
        })
    }

    /// Returns the error of pages that cannot be merged.
    pub(crate) fn merge_error(&self, error: DecodeError, deadline: &Deadline) -> Error {
        let error = match error {
            DecodeError::Interrupted => deadline.error(),
            DecodeError::Invalid(why) => {
                let why = self.transport.redactor().redact_line(&why);
                Error::new(ErrorKind::Decode, why).with_status(200)
            }
        };
        self.with_progress(error, deadline)
    }

    /// Says of an error what was asked.
    pub(crate) fn with_context(&self, error: Error) -> Error {
        error.with_context(|| self.context.clone())
    }

    pub(crate) fn query(&self) -> &Query {
        &self.query
    }

    /// Returns what the windows cover together.
    pub(crate) fn intervals(&self) -> &[TimeRange] {
        &self.intervals
    }

    fn fetch_next(&mut self, deadline: &Deadline) -> Result<Option<Step>, Error> {
        let Some(mut current) = self
            .current
            .take()
            .or_else(|| self.windows.next().map(WindowState::new))
        else {
            return Ok(None);
        };
        let Some(mut list) = current.next_pager(&self.query) else {
            return Ok(None);
        };
        let bytes = match list.cursor.fetch(&self.source(&list.body), deadline) {
            Err(error) if list.cursor.has_expired(&error) => {
                return self.restart(current, error).map(Some);
            }
            result => result?,
        };
        let mut response = decode::query_page(&bytes, self.query.is_grouped(), deadline)
            .map_err(|error| decode_error(&self.transport, deadline, &bytes, error))?;
        drop(bytes);
        let has_next = list
            .cursor
            .advance(&response.next, &self.source(&list.body))?;
        self.reject_stray_points(&current.window, &response.series)?;
        self.check_retention(&current.window, &mut response.series)?;
        self.progress.pages += 1;
        let interrupt = Interrupt::new(deadline);
        if self.bisect(&mut current, &list.range, &response, has_next, &interrupt)? {
            let list = current.list_number;
            if self.shared_deadline {
                current.forget_list(list);
            }
            self.current = Some(current);
            return Ok(Some(Step::Bisected { list }));
        }
        let mut series = response.series;
        // If this is the whole window, nothing can come again.
        let is_whole = current.origins.is_empty() && current.ranges.is_empty() && !has_next;
        let count = if is_whole {
            series.len()
        } else {
            current.keep_new(&mut series, &interrupt)?;
            current.origins.len()
        };
        if let Some(limit) = self.query.limit {
            if current.has_split_groups {
                return Err(mismatch_error(
                    "a group came on two pages, and so the first groups cannot be told",
                ));
            }
            self.limited = apply_limit(&self.query, &mut series, count, limit, has_next);
        }
        current.list = Some(list).filter(|_| has_next && !self.limited);
        Ok(Some(Step::Page {
            list: current.list_number,
            page: self.emit(current, series),
        }))
    }

    /// A page of what is new, and a note of how far that is.
    fn emit(&mut self, current: WindowState, series: Vec<Series>) -> Page<Series> {
        let interval = current.window.interval();
        if self.limited || current.is_done() {
            self.progress.windows_done += 1;
            self.incomplete_reason.extend(current.missing);
        } else {
            self.current = Some(current);
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

    /// Begins the window again after its page token has expired, once.
    ///
    /// A whole result forgets the first reading. Pages that were handed out cannot be taken back, so of the second reading
    /// their groups are left out.
    fn restart(&mut self, current: WindowState, error: Error) -> Result<Step, Error> {
        // If groups came in parts, nothing tells which of their parts were handed out.
        if current.is_restarted || (current.has_split_groups && !self.shared_deadline) {
            return Err(error.with_hint(
                "page tokens expire before all pages of this window are there: \
                 take shorter intervals, or fewer groups by a filter",
            ));
        }
        let again = WindowState {
            is_restarted: true,
            ..WindowState::new(current.window)
        };
        self.current = Some(if self.shared_deadline {
            again
        } else {
            let WindowState {
                list_number,
                groups,
                origins,
                ..
            } = current;
            WindowState {
                list_number,
                groups,
                origins,
                ..again
            }
        });
        Ok(Step::Restarted)
    }

    fn source<'a>(&'a self, body: &'a str) -> PageRequest<'a> {
        PageRequest {
            transport: &self.transport,
            operation: Operation::Query,
            path: &self.path,
            body: Some(body),
            is_relative: self.is_relative,
        }
    }

    /// Refuses an answer to another question, such as one that a cache before the service kept.
    fn reject_stray_points(&self, window: &Window, series: &[Series]) -> Result<(), Error> {
        // The time of the one bucket of ALL is not documented.
        if self.query.granularity == Granularity::All {
            return Ok(());
        }
        // The bucket that starts at the end may be still filling up.
        let (start, end) = window.interval();
        let asked_for = start..end;
        let mut times = series.iter().flat_map(|series| {
            let points = series.points();
            let ends =
                [points.first(), points.last()].map(|point| point.map(|point| point.timestamp));
            ends.into_iter().chain([series.newest_null()]).flatten()
        });
        match times.find(|time| !asked_for.contains(time)) {
            Some(stray) => Err(mismatch_error(&format!(
                "it has a point at {stray}, outside {start}/{end}"
            ))),
            None => Ok(()),
        }
    }

    /// Refuses a response that arrived after the service dropped points of its window, or leaves them out if
    /// the query allows that.
    fn check_retention(&mut self, window: &Window, series: &mut Vec<Series>) -> Result<(), Error> {
        let now = Timestamp::now();
        let Some(why) = expired(window.interval().0, &self.clock, now) else {
            return Ok(());
        };
        if !self.query.allow_truncated {
            return Err(retention_error(&why));
        }
        if self.query.granularity != Granularity::All {
            let kept_since = self.clock.kept_since(now);
            series.retain_mut(|series| series.drop_before(kept_since));
        }
        if !self.incomplete_reason.contains(&why) {
            self.incomplete_reason.push(why);
        }
        Ok(())
    }

    /// Bisects the range of labels if a full response with the granularity ALL hides other groups, and returns true. If it
    /// cannot, it notes that groups are missing.
    fn bisect(
        &self,
        current: &mut WindowState,
        range: &LabelRange,
        response: &QueryPage,
        has_next: bool,
        interrupt: &Interrupt<'_>,
    ) -> Result<bool, Error> {
        let is_full = !has_next && may_be_truncated(&self.query, response);
        if self.query.limit.is_some() || !(is_full || range.is_bounded()) {
            return Ok(false);
        }
        match range.bisect(&self.query, &response.series, is_full, interrupt) {
            Ok(halves) => {
                let is_bisected = !halves.is_empty();
                current.ranges.extend(halves);
                Ok(is_bisected)
            }
            Err(_) if interrupt.has_stopped() => Err(interrupt.error()),
            Err(why) => {
                let why = self.transport.redactor().redact_line(&why);
                current.missing = Some(format!(
                    "with the granularity ALL an answer holds {MAX_PAGE_SIZE} groups, and {why}"
                ));
                Ok(false)
            }
        }
    }

    /// Says what was asked, and after the deadline how far the call had come.
    fn with_progress(&self, error: Error, deadline: &Deadline) -> Error {
        let Progress {
            windows_done,
            windows,
            pages,
            ..
        } = self.progress;
        let error = if error.is_timeout() && deadline.elapsed() >= deadline.budget() && pages > 0 {
            let error = error.with_note(&format!(
                "{windows_done} of {windows} windows were done by then, in {pages} pages"
            ));
            match self.estimate(deadline) {
                Some(seconds) => error.with_hint(format!(
                    "at this pace the whole call takes about {seconds} s: set ClientBuilder::deadline to more than that"
                )),
                None => error,
            }
        } else {
            error
        };
        self.with_context(error)
    }

    /// How many seconds the whole call would take, where `deadline` is one for the whole call.
    fn estimate(&self, deadline: &Deadline) -> Option<u64> {
        let done = u32::try_from(self.progress.windows_done).ok()?;
        let all = u32::try_from(self.progress.windows).ok()?;
        let whole = deadline.elapsed().checked_mul(all)?.checked_div(done)?;
        self.shared_deadline.then_some(whole.as_secs() + 1)
    }
}

/// An answer that is well-formed, and still cannot be the one to what was asked.
fn mismatch_error(why: &str) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("the answer does not fit the query: {why}"),
    )
    .with_status(200)
}

/// What an answer is that lacks `missing`: an error, unless the query allows it.
pub(crate) fn completeness_or_error(query: &Query, missing: String) -> Result<Completeness, Error> {
    if query.allow_truncated {
        return Ok(Completeness::Truncated { missing });
    }
    Err(Error::new(
        ErrorKind::Incomplete,
        format!("the answer is not whole: {missing}"),
    )
    .with_hint(
        "ask for less by a filter, set a limit, or take what is there with Query::allow_truncated",
    ))
}

/// Returns the error for a response that arrived after the service dropped points of its window.
pub(crate) fn retention_error(why: &str) -> Error {
    Error::new(ErrorKind::Incomplete, format!("incomplete response: {why}")).with_hint(
        "use Interval::retained, which leaves time for the call, or Query::allow_truncated",
    )
}

pub(crate) fn limited(query: &Query) -> Completeness {
    Completeness::Limited {
        limit: query.limit.unwrap_or(MAX_PAGE_SIZE),
    }
}

/// Whether an answer may hide further groups, since nothing follows it.
pub(crate) fn may_be_truncated(query: &Query, answer: &QueryPage) -> bool {
    // The service tells the limit that it went by; rows count, since two may be one series to us.
    let limit = answer
        .page_size
        .unwrap_or(u64::MAX)
        .min(u64::from(MAX_PAGE_SIZE));
    query.granularity == Granularity::All && query.is_grouped() && answer.rows as u64 >= limit
}

/// Leaves the first groups up to the limit, and says whether it cut. `count` groups have come so far.
pub(crate) fn apply_limit(
    query: &Query,
    series: &mut Vec<Series>,
    count: usize,
    limit: u32,
    has_next: bool,
) -> bool {
    let limit = limit as usize;
    series.truncate(series.len().saturating_sub(count.saturating_sub(limit)));
    // With ALL nothing says whether there are more groups: as many as were asked for may well be cut.
    count > limit || (count == limit && (has_next || query.granularity == Granularity::All))
}

impl WindowState {
    fn new(window: Window) -> Self {
        Self {
            window,
            ranges: vec![LabelRange::default()],
            list: None,
            list_number: 0,
            groups: LabelIndex::default(),
            origins: Vec::new(),
            has_split_groups: false,
            is_restarted: false,
            missing: None,
        }
    }

    fn next_pager(&mut self, query: &Query) -> Option<RangePager> {
        if let Some(list) = self.list.take() {
            return Some(list);
        }
        let range = self.ranges.pop()?;
        self.list_number += 1;
        let narrow = query.group_by.first().and_then(|label| range.filter(label));
        let body = self.window.body(query, narrow);
        Some(RangePager {
            range,
            body,
            cursor: Cursor::default(),
        })
    }

    /// Leaves out the groups that came in another list: before a restart, or of another range of labels.
    fn keep_new(
        &mut self,
        series: &mut Vec<Series>,
        interrupt: &Interrupt<'_>,
    ) -> Result<(), Error> {
        let mut has_lost_part = false;
        let mut is_in_time = true;
        series.retain(|series| {
            is_in_time = is_in_time && interrupt.step().is_ok();
            if !is_in_time {
                return false;
            }
            let number = self.groups.get_or_insert(series.labels());
            if number == self.origins.len() {
                self.origins.push(Origin {
                    list: None,
                    latest: None,
                });
            }
            let origin = &mut self.origins[number];
            let is_of_this_list = *origin.list.get_or_insert(self.list_number) == self.list_number;
            let is_split = origin.latest.replace(self.list_number) == Some(self.list_number);
            self.has_split_groups |= is_split;
            has_lost_part |= is_split && !is_of_this_list;
            is_of_this_list
        });
        if !is_in_time {
            return Err(interrupt.error());
        }
        // The other parts of the group were perhaps not handed out before the restart.
        if has_lost_part && self.is_restarted {
            return Err(mismatch_error(
                "after a restart a group came on two pages, and so its points cannot be told from those before",
            ));
        }
        Ok(())
    }

    /// Forgets the groups of a list whose pages are not used.
    fn forget_list(&mut self, list: usize) {
        for origin in self
            .origins
            .iter_mut()
            .filter(|origin| origin.list == Some(list))
        {
            origin.list = None;
        }
    }

    fn is_done(&self) -> bool {
        self.list.is_none() && self.ranges.is_empty()
    }
}
