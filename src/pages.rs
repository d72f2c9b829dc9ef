use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::decode::{self, QueryPage};
use crate::error::{Error, ErrorKind};
use crate::granularity::Granularity;
use crate::labels::LabelIndex;
use crate::list::{Cursor, Source, unread};
use crate::plan::Window;
use crate::query::{MAX_LIMIT, Query};
use crate::range::Range;
use crate::series::{Completeness, Series};
use crate::timestamp::Timestamp;
use crate::transport::Transport;

/// An iterator over the pages of an answer, each fetched when it is asked for.
///
/// After an error it ends. An answer that is not whole ends in an
/// [`Incomplete`](ErrorKind::Incomplete) error, unless the query allows that. Each `next` has the client's whole deadline
/// to itself. Made by [`Client::query_pages`](crate::Client::query_pages).
#[must_use = "nothing is asked before the first `next`"]
pub struct Pages<T> {
    walk: Option<Result<Walk, Error>>,
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
    pub(crate) fn new(walk: Result<Walk, Error>, deadline: Duration) -> Self {
        let walk = walk.map(|walk| Walk { is_one_call: false, ..walk });
        Self { walk: Some(walk), deadline, completeness: None, item: PhantomData }
    }

    /// Whether the pages were all there is; `None` until the iterator has ended, and where it ended in an error.
    pub fn completeness(&self) -> Option<Completeness> {
        self.completeness.clone()
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self.walk.as_ref().and_then(|walk| walk.as_ref().ok()).map(|walk| walk.progress);
        f.debug_struct("Pages").field("progress", &progress).finish_non_exhaustive()
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
pub(crate) struct Walk {
    transport: Arc<Transport>,
    path: String,
    asked: String,
    query: Query,
    windows: std::vec::IntoIter<Window>,
    current: Option<Current>,
    limited: bool,
    missing: Option<String>,
    progress: Progress,
    /// Whether one deadline holds for all pages, not each page its own.
    is_one_call: bool,
}

/// A window that is being asked for.
struct Current {
    window: Window,
    /// The ranges of labels still to be asked for, the next one last; more than one once an answer was too full.
    ranges: Vec<Range>,
    /// The list that has a further page.
    list: Option<RangeList>,
    /// Each group that came, once.
    groups: LabelIndex,
    /// What came of each group, by its number.
    given: Vec<Given>,
    /// Whether a group came on two pages of one list.
    parts_groups: bool,
}

/// How many points of a group came.
#[derive(Default)]
struct Given {
    /// With the list being read.
    now: Option<usize>,
    /// With a list read before: before a restart, or of the range that this one is a part of.
    before: Option<usize>,
}

/// The groups of one range: the body that asks for each page, and the place in them.
struct RangeList {
    range: Range,
    body: String,
    cursor: Cursor,
}

impl Walk {
    pub(crate) fn new(
        transport: Arc<Transport>,
        path: String,
        asked: String,
        query: Query,
        windows: Vec<Window>,
    ) -> Self {
        let progress = Progress { windows: windows.len(), ..Progress::default() };
        let windows = windows.into_iter();
        let (current, limited, missing, is_one_call) = (None, false, None, true);
        Self { transport, path, asked, query, windows, current, limited, missing, progress, is_one_call }
    }

    /// The next page; `None` where everything has come.
    pub(crate) fn next_page(&mut self, deadline: &Deadline) -> Result<Option<Page<Series>>, Error> {
        self.advance(deadline).map_err(|error| self.explain(error, deadline))
    }

    /// What is to be said of the answer once all pages have come.
    pub(crate) fn completeness(&self) -> Result<Completeness, Error> {
        match &self.missing {
            Some(missing) => judge(&self.query, missing.clone()).map_err(|error| self.blame(error)),
            None if self.limited => Ok(limited(&self.query)),
            None => Ok(Completeness::Complete),
        }
    }

    /// An answer that contradicts itself across its pages.
    pub(crate) fn contradicted(&self, why: &str) -> Error {
        self.blame(Error::new(ErrorKind::Decode, self.transport.redactor().redact_line(why)).with_status(200))
    }

    /// Says of an error what was asked.
    pub(crate) fn blame(&self, error: Error) -> Error {
        error.asked(|| self.asked.clone())
    }

    pub(crate) fn query(&self) -> &Query {
        &self.query
    }

    fn advance(&mut self, deadline: &Deadline) -> Result<Option<Page<Series>>, Error> {
        let Some(mut current) = self.current.take().or_else(|| self.windows.next().map(Current::new)) else {
            return Ok(None);
        };
        let Some(mut list) = current.next_list(&self.query) else { return Ok(None) };
        let answer = self.fetch(&mut current, &mut list, deadline)?;
        let has_next = list.cursor.advance(&answer.next, &self.source(&list.body))?;
        self.check_times(&current.window, &answer.series)?;
        self.look_beyond(&mut current, &list.range, &answer, has_next);
        // A whole result is put together by equal points; pages handed out one by one must not repeat a group.
        let merges = self.is_one_call && list.cursor.is_restarted();
        let mut series = current.take_in(answer.series, merges)?;
        if let Some(limit) = self.query.limit {
            if current.parts_groups {
                return Err(unexpected("a group came on two pages, and so the first groups cannot be told"));
            }
            self.limited = cut(&self.query, &mut series, current.count(), limit, has_next);
        }
        current.list = Some(list).filter(|_| has_next && !self.limited);
        Ok(Some(self.hand_out(current, series)))
    }

    /// A page of what is new, and a note of how far that is.
    fn hand_out(&mut self, current: Current, series: Vec<Series>) -> Page<Series> {
        let interval = current.window.interval();
        if self.limited || current.is_done() {
            self.progress.windows_done += 1;
        } else {
            self.current = Some(current);
        }
        self.progress.pages += 1;
        self.progress.series += series.len();
        self.progress.points += series.iter().map(|series| series.points().len()).sum::<usize>();
        Page { items: series, interval, progress: self.progress }
    }

    /// The answer at the list's place; where its token has expired, the first one of the list again, once.
    fn fetch(
        &self,
        current: &mut Current,
        list: &mut RangeList,
        deadline: &Deadline,
    ) -> Result<QueryPage, Error> {
        let source = self.source(&list.body);
        let bytes = match list.cursor.ask(&source, deadline) {
            Err(error) if list.cursor.has_expired(&error) => {
                // Where groups came in parts, a restart could not tell which parts were handed out.
                if list.cursor.is_restarted() || current.parts_groups {
                    return Err(error.with_hint(
                        "page tokens expire before all pages of this window are there: \
                         take shorter intervals, or fewer groups by a filter",
                    ));
                }
                list.cursor.restart();
                current.begin_list();
                list.cursor.ask(&source, deadline)
            }
            result => result,
        }?;
        decode::query_page(&bytes, self.query.is_grouped())
            .map_err(|why| unread(&self.transport, &bytes, &why))
    }

    fn source<'a>(&'a self, body: &'a str) -> Source<'a> {
        Source { transport: &self.transport, operation: "query", path: &self.path, body: Some(body) }
    }

    /// Refuses an answer to another question, such as one that a cache before the service kept.
    fn check_times(&self, window: &Window, series: &[Series]) -> Result<(), Error> {
        // The time of the one bucket of ALL is not documented.
        if self.query.granularity == Granularity::All {
            return Ok(());
        }
        // A service that counts the end in would do no harm: equal points of two windows are one.
        let (start, end) = window.interval();
        let asked_for = self.query.granularity.floor(start)..=end;
        let mut ends =
            series.iter().flat_map(|series| [series.points().first(), series.points().last()]).flatten();
        match ends.find(|point| !asked_for.contains(&point.timestamp)) {
            Some(stray) => {
                Err(unexpected(&format!("it has a point at {}, outside {start}/{end}", stray.timestamp)))
            }
            None => Ok(()),
        }
    }

    /// Asks for more where a full answer with the granularity ALL hides other groups, or notes that they are missing.
    fn look_beyond(&mut self, current: &mut Current, range: &Range, answer: &QueryPage, has_next: bool) {
        let full = !has_next && is_full(&self.query, answer);
        if self.query.limit.is_none() && (full || range.is_part()) {
            match range.halves(&self.query, &answer.series, full) {
                Ok(halves) => current.ranges.extend(halves),
                Err(why) => {
                    let why = self.transport.redactor().redact_line(&why);
                    self.missing = Some(format!(
                        "with the granularity ALL an answer holds {MAX_LIMIT} groups, and {why}"
                    ));
                }
            }
        }
    }

    /// Says what was asked, and after the deadline how far the call had come.
    fn explain(&self, error: Error, deadline: &Deadline) -> Error {
        let Progress { windows_done, windows, pages, .. } = self.progress;
        let error = if error.is_timeout() && deadline.elapsed() >= deadline.budget() && pages > 0 {
            let error = error
                .noting(&format!("{windows_done} of {windows} windows were done by then, in {pages} pages"));
            match self.estimate(deadline) {
                Some(seconds) => error.with_hint(format!(
                    "at this pace the whole call takes about {seconds} s: set ClientBuilder::deadline to more than that"
                )),
                None => error,
            }
        } else {
            error
        };
        self.blame(error)
    }

    /// How many seconds the whole call would take, where `deadline` is one for the whole call.
    fn estimate(&self, deadline: &Deadline) -> Option<u64> {
        let done = u32::try_from(self.progress.windows_done).ok()?;
        let all = u32::try_from(self.progress.windows).ok()?;
        let whole = deadline.elapsed().checked_mul(all)?.checked_div(done)?;
        self.is_one_call.then_some(whole.as_secs() + 1)
    }
}

/// An answer that is well-formed, and still cannot be the one to what was asked.
fn unexpected(why: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("the answer does not fit the query: {why}")).with_status(200)
}

/// What an answer is that lacks `missing`: an error, unless the query allows it.
pub(crate) fn judge(query: &Query, missing: String) -> Result<Completeness, Error> {
    if query.allow_truncated {
        return Ok(Completeness::Truncated { missing });
    }
    Err(Error::new(ErrorKind::Incomplete, format!("the answer is not whole: {missing}")).with_hint(
        "ask for less by a filter, set a limit, or take what is there with Query::allow_truncated",
    ))
}

pub(crate) fn limited(query: &Query) -> Completeness {
    Completeness::Limited { limit: query.limit.unwrap_or(MAX_LIMIT) }
}

/// Whether an answer may hide further groups, since nothing follows it.
pub(crate) fn is_full(query: &Query, answer: &QueryPage) -> bool {
    // The service tells the limit that it went by; rows count, since two may be one series to us.
    let limit = answer.page_size.unwrap_or(u64::MAX).min(u64::from(MAX_LIMIT));
    query.granularity == Granularity::All && query.is_grouped() && answer.rows as u64 >= limit
}

/// Leaves the first groups up to the limit, and says whether it cut. `count` groups have come so far.
pub(crate) fn cut(query: &Query, series: &mut Vec<Series>, count: usize, limit: u32, has_next: bool) -> bool {
    let limit = limit as usize;
    series.truncate(series.len().saturating_sub(count.saturating_sub(limit)));
    // With ALL nothing says whether there are more groups: as many as were asked for may well be cut.
    count > limit || (count == limit && (has_next || query.granularity == Granularity::All))
}

impl Current {
    fn new(window: Window) -> Self {
        Self {
            window,
            ranges: vec![Range::default()],
            list: None,
            groups: LabelIndex::default(),
            given: Vec::new(),
            parts_groups: false,
        }
    }

    fn next_list(&mut self, query: &Query) -> Option<RangeList> {
        if let Some(list) = self.list.take() {
            return Some(list);
        }
        let range = self.ranges.pop()?;
        self.begin_list();
        let narrow = query.group_by.first().and_then(|label| range.filter(label));
        let body = self.window.body(query, narrow);
        Some(RangeList { range, body, cursor: Cursor::default() })
    }

    fn begin_list(&mut self) {
        for given in &mut self.given {
            given.before = given.now.take().or(given.before);
        }
    }

    /// The groups that were not handed out from an earlier list; all of them where the taker `merges` them.
    fn take_in(&mut self, mut series: Vec<Series>, merges: bool) -> Result<Vec<Series>, Error> {
        let mut differs = false;
        series.retain(|series| {
            let count = series.points().len();
            let number = self.groups.number(series.labels());
            if number == self.given.len() {
                self.given.push(Given::default());
            }
            let Given { now, before } = &mut self.given[number];
            self.parts_groups |= now.replace(count).is_some();
            // What was handed out cannot be taken back, so it has to be all that there is of the group.
            differs |= before.is_some_and(|before| before != count);
            merges || before.is_none()
        });
        let is_again = || self.given.iter().any(|given| given.before.is_some());
        if !merges && (differs || (self.parts_groups && is_again())) {
            return Err(unexpected("after a restart a group has other points than before"));
        }
        Ok(series)
    }

    /// How many groups there are so far.
    fn count(&self) -> usize {
        self.given.len()
    }

    fn is_done(&self) -> bool {
        self.list.is_none() && self.ranges.is_empty()
    }
}
