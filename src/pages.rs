use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::address::percent_encoded;
use crate::decode::{self, Next, QueryPage};
use crate::error::{Error, ErrorKind};
use crate::filter::Filter;
use crate::granularity::Granularity;
use crate::plan::Window;
use crate::query::{MAX_LIMIT, Query};
use crate::series::{Completeness, Labels, Series};
use crate::timestamp::Timestamp;
use crate::transport::{Deadline, Request as Outgoing, Transport};

/// An iterator over the pages of an answer, each fetched when it is asked for.
///
/// After an error it ends. An answer that is not whole ends in an
/// [`Incomplete`](ErrorKind::Incomplete) error, unless the query allows that. Each `next` has the client's whole deadline
/// to itself. Made by [`Client::query_pages`](crate::Client::query_pages).
#[must_use = "nothing is asked before the first `next`"]
pub struct Pages<T> {
    walk: Option<Result<Walk, Error>>,
    deadline: Duration,
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
        Self { walk: Some(walk), deadline, item: PhantomData }
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
            Ok(None) => walk.completeness().err().map(Err),
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
    windows: VecDeque<Window>,
    current: Option<Current>,
    limited: bool,
    missing: Option<String>,
    progress: Progress,
}

/// A window that is being asked for.
struct Current {
    window: Window,
    /// The ranges of labels still to be asked for, the next one last; more than one once an answer was too full.
    ranges: Vec<Range>,
    /// The request that comes next, or came last.
    request: Option<Request>,
    /// The groups handed out so far.
    given: HashSet<Labels>,
}

/// The labels greater than `after` and not greater than `up_to`.
#[derive(Clone, Debug, Default)]
struct Range {
    after: Option<String>,
    up_to: Option<String>,
}

/// One list of pages: a body, and the place in the list.
struct Request {
    range: Range,
    body: String,
    place: Place,
    seen: HashSet<String>,
    restarted: bool,
    /// Whether a group came on two pages. Then a restart could not tell what of it was handed out.
    parts_groups: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    Start,
    Token(String),
    Link(String),
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
        let windows = windows.into();
        Self {
            transport,
            path,
            asked,
            query,
            windows,
            current: None,
            limited: false,
            missing: None,
            progress,
        }
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

    /// Says of an error what was asked.
    pub(crate) fn blame(&self, error: Error) -> Error {
        error.asked(|| self.asked.clone())
    }

    pub(crate) fn query(&self) -> &Query {
        &self.query
    }

    fn advance(&mut self, deadline: &Deadline) -> Result<Option<Page<Series>>, Error> {
        let Some(mut current) = self.current.take().or_else(|| self.windows.pop_front().map(Current::new))
        else {
            return Ok(None);
        };
        let Some(mut request) = current.next_request(&self.query) else { return Ok(None) };
        let answer = self.fetch(&mut request, deadline)?;
        let next = request.next_place(&answer.next, self.transport.as_ref(), &self.path)?;
        let series = self.take_in(&mut current, &mut request, answer.series, next.is_some());
        match next {
            Some(place) if !self.limited => current.request = Some(Request { place, ..request }),
            _ => current.request = None,
        }
        let interval = current.window.interval();
        if self.limited || (current.request.is_none() && current.ranges.is_empty()) {
            self.progress.windows_done += 1;
        } else {
            self.current = Some(current);
        }
        self.progress.pages += 1;
        self.progress.series += series.len();
        self.progress.points += series.iter().map(|series| series.points().len()).sum::<usize>();
        Ok(Some(Page { items: series, interval, progress: self.progress }))
    }

    /// The answer at the request's place; where its token has expired, the first one of its list again, once.
    fn fetch(&self, request: &mut Request, deadline: &Deadline) -> Result<QueryPage, Error> {
        let grouped = self.query.is_grouped();
        let post = |request: &Request| {
            let url = &request.place.url(self.transport.as_ref(), &self.path);
            self.transport.post(&Outgoing { operation: "query", url, body: &request.body }, deadline)
        };
        let bytes = match post(request) {
            Err(error) if error.status() == Some(400) && request.place != Place::Start => {
                if request.restarted || request.parts_groups {
                    return Err(error.with_hint(
                        "page tokens expire before all pages of this window are there: \
                         take shorter intervals, or fewer groups by a filter",
                    ));
                }
                request.restart();
                post(request)
            }
            result => result,
        }?;
        decode::query_page(&bytes, grouped).map_err(|why| Error::new(ErrorKind::Decode, why).with_status(200))
    }

    /// What of an answer is new, after deciding whether there is more behind it.
    fn take_in(
        &mut self,
        current: &mut Current,
        request: &mut Request,
        mut series: Vec<Series>,
        has_next: bool,
    ) -> Vec<Series> {
        let full = !has_next && is_full(&self.query, series.len());
        if self.query.limit.is_none() && (full || request.range.is_part()) {
            match halves(&self.query, &request.range, &series, full) {
                Ok(halves) => current.ranges.extend(halves),
                Err(missing) => self.missing = Some(missing),
            }
        }
        let again = request.restarted || request.range.is_part();
        series.retain(|series| {
            let is_new = current.given.insert(series.labels().clone());
            request.parts_groups |= !is_new && !again;
            is_new || !again
        });
        if let Some(limit) = self.query.limit {
            self.limited = cut(&self.query, &mut series, current.given.len(), limit, has_next);
        }
        series
    }

    /// Says what was asked, and after the deadline how far the call had come.
    fn explain(&self, error: Error, deadline: &Deadline) -> Error {
        let Progress { windows_done, windows, pages, .. } = self.progress;
        let error = if error.is_timeout() && deadline.elapsed() >= deadline.budget() && pages > 0 {
            let far = format!("{error}, with {windows_done} of {windows} windows done in {pages} pages");
            let error = Error::new(ErrorKind::Timeout, far);
            match deadline.elapsed().checked_mul(windows as u32).and_then(|all| all.checked_div(windows_done as u32)) {
                Some(all) => error.with_hint(format!(
                    "at this pace the whole call takes about {} s: set ClientBuilder::deadline to more than that",
                    all.as_secs() + 1
                )),
                None => error.with_hint("ClientBuilder::deadline sets how long a call may take in all"),
            }
        } else {
            error
        };
        self.blame(error)
    }
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

/// Whether an answer of so many groups may hide others, since nothing follows it.
pub(crate) fn is_full(query: &Query, groups: usize) -> bool {
    query.granularity == Granularity::All && query.is_grouped() && groups >= MAX_LIMIT as usize
}

/// Leaves the first groups up to the limit, and says whether it cut. `count` groups have come so far.
pub(crate) fn cut(query: &Query, series: &mut Vec<Series>, count: usize, limit: u32, has_next: bool) -> bool {
    let limit = limit as usize;
    series.truncate(series.len().saturating_sub(count.saturating_sub(limit)));
    // With ALL nothing says whether there are more groups: as many as were asked for may well be cut.
    count > limit || (count == limit && (has_next || query.granularity == Granularity::All))
}

/// The halves of a range whose answer is full; none where it is not. `Err` says what is missing if that can't be done.
fn halves(query: &Query, range: &Range, series: &[Series], full: bool) -> Result<Vec<Range>, String> {
    let beyond =
        |why: &str| format!("with the granularity ALL an answer holds {MAX_LIMIT} groups, and {why}");
    if query.order.is_some() {
        return Err(beyond("with an order no more can be asked for"));
    }
    let [label] = query.group_by.as_slice() else {
        return Err(beyond("with several labels in group_by no more can be asked for"));
    };
    let mut values = Vec::with_capacity(series.len());
    for series in series {
        match series.labels().get(label) {
            Some(value) if range.holds(value) => values.push(value),
            Some(value) => {
                return Err(beyond(&format!(
                    "a filter for more of them gave {label}={value:?}, which it excludes"
                )));
            }
            None => {
                return Err(beyond(&format!(
                    "one of these groups has no {label}, so that more cannot be asked for"
                )));
            }
        }
    }
    if !full {
        return Ok(Vec::new());
    }
    values.sort_unstable();
    values.dedup();
    // At least one value seen lies above the middle, so both halves are narrower than the range.
    match values.len().checked_sub(2).and_then(|last| values.get(last / 2)) {
        Some(middle) => Ok(vec![
            Range { after: Some((*middle).to_owned()), up_to: range.up_to.clone() },
            Range { after: range.after.clone(), up_to: Some((*middle).to_owned()) },
        ]),
        None => Err(beyond(&format!("they do not differ in {label}"))),
    }
}

impl Current {
    fn new(window: Window) -> Self {
        Self { window, ranges: vec![Range::default()], request: None, given: HashSet::new() }
    }

    fn next_request(&mut self, query: &Query) -> Option<Request> {
        if let Some(request) = self.request.take() {
            return Some(request);
        }
        let range = self.ranges.pop()?;
        let narrow = query.group_by.first().and_then(|label| range.filter(label));
        let body = self.window.body(query, narrow);
        Some(Request {
            range,
            body,
            place: Place::Start,
            seen: HashSet::new(),
            restarted: false,
            parts_groups: false,
        })
    }
}

impl Range {
    fn is_part(&self) -> bool {
        self.after.is_some() || self.up_to.is_some()
    }

    fn holds(&self, value: &str) -> bool {
        self.after.as_deref().is_none_or(|after| value > after)
            && self.up_to.as_deref().is_none_or(|up_to| value <= up_to)
    }

    fn filter(&self, label: &str) -> Option<Filter> {
        let after = self.after.as_deref().map(|after| Filter::gt(label, after));
        let up_to = self.up_to.as_deref().map(|up_to| !Filter::gt(label, up_to));
        Filter::all_of(after, up_to)
    }
}

impl Request {
    /// Where the list goes on, if it does.
    fn next_place(&mut self, next: &Next, transport: &Transport, path: &str) -> Result<Option<Place>, Error> {
        let (place, key) = match next {
            Next { token: Some(token), .. } => (Place::Token(token.clone()), token),
            Next { token: None, link: Some(link) } => {
                match transport.base().resolve(&self.place.url(transport, path), link) {
                    Some(url) => (Place::Link(url), link),
                    None => {
                        return Err(Error::new(
                            ErrorKind::Decode,
                            "the link to the next page leads to another origin",
                        ));
                    }
                }
            }
            Next { token: None, link: None } => return Ok(None),
        };
        if !self.seen.insert(key.clone()) {
            return Err(Error::new(
                ErrorKind::Decode,
                "the service gave the same page token twice, so the pages would never end",
            ));
        }
        Ok(Some(place))
    }

    fn restart(&mut self) {
        self.place = Place::Start;
        self.seen.clear();
        self.restarted = true;
    }
}

impl Place {
    fn url(&self, transport: &Transport, path: &str) -> String {
        match self {
            Self::Start => transport.base().join(path),
            Self::Token(token) => {
                format!("{}?page_token={}", transport.base().join(path), percent_encoded(token))
            }
            Self::Link(url) => url.clone(),
        }
    }
}
