//! The state of one window while its pages are fetched.
//!
//! The same group can arrive several times: in two passes whose label ranges the service did not
//! keep apart, or before and after a restart. The first pass that returns a group owns it.
//!
//! ```text
//! pass 1, page 1  a b     a and b belong to pass 1
//! page token expires: the window is read again, as pass 2
//! pass 2, page 1  a b     dropped, since the caller has them
//! pass 2, page 2  c       belongs to pass 2
//! ```
//!
//! A split group is on two pages of one pass, because its rows do not end with the first one.

use crate::error::Error;
use crate::model::label_index::LabelIndex;
use crate::model::labels::Labels;
use crate::model::series::Series;
use crate::pagination::cursor::Cursor;
use crate::pagination::errors::mismatch_error;
use crate::pagination::label_range::LabelRange;
use crate::request::plan::Window;
use crate::request::query::Query;
use crate::time::deadline::Interrupt;
use crate::transport::event::EventRequest;

/// The state of one window while its pages are fetched.
///
/// A window is read in one pass if a response can hold all of its groups. Otherwise its label range
/// is bisected, and each part is read in a pass of its own.
pub(crate) struct WindowState {
    /// The interval of the requests, and the body without a label range.
    pub(crate) window: Window,
    /// The latest request of the window.
    pub(crate) last_request: Option<EventRequest>,
    /// The label ranges that are not fetched yet; the next one is the last element.
    pub(crate) ranges: Vec<LabelRange>,
    /// The pager of the current pass, if it has a further page.
    pub(crate) pager: Option<RangePager>,
    /// The number of the current pass. Numbers go on after a restart.
    pub(crate) pass: usize,
    /// All groups received, by labels.
    groups: LabelIndex,
    /// The passes of each group, by its index in `groups`.
    group_passes: Vec<GroupPasses>,
    /// The groups that the caller received before a restart, by the labels of the query alone.
    ///
    /// The service may add other labels, and they may change between two readings.
    earlier_groups: LabelIndex,
    /// True if a group was received on two pages of one pass.
    pub(crate) has_split_groups: bool,
    /// True if the window is read again because a page token expired.
    pub(crate) is_restarted: bool,
    /// True after the limit of the query cut the result.
    pub(crate) is_limited: bool,
    /// The reason that points are missing: the service had dropped them when it responded.
    pub(crate) expired: Option<String>,
    /// The reason that groups are missing: a full response hides them.
    pub(crate) hidden: Option<String>,
}

/// The passes that returned a group.
#[derive(Default)]
struct GroupPasses {
    /// The pass whose points are used. Points are never mixed, since they may change between two
    /// passes.
    used: Option<usize>,
    /// The last pass that returned the group.
    last: Option<usize>,
}

/// Fetches the pages of one label range.
pub(crate) struct RangePager {
    /// The labels that the filter of `body` allows.
    pub(crate) range: LabelRange,
    /// The body of every request.
    pub(crate) body: String,
    /// The position in the pages of the range.
    pub(crate) cursor: Cursor,
}

impl WindowState {
    /// Creates the state before the first request, with one range of all labels.
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            last_request: None,
            ranges: vec![LabelRange::default()],
            pager: None,
            pass: 0,
            groups: LabelIndex::default(),
            group_passes: Vec::new(),
            earlier_groups: LabelIndex::default(),
            has_split_groups: false,
            is_restarted: false,
            is_limited: false,
            expired: None,
            hidden: None,
        }
    }

    /// Goes back to the start of the window.
    ///
    /// `keep_groups` remembers the groups received, so that they are not returned again.
    ///
    /// Without it, the caller has discarded all pages, and every group is new.
    pub(crate) fn restart(&mut self, keep_groups: bool, query: &Query) {
        self.is_restarted = true;
        self.ranges = vec![LabelRange::default()];
        self.pager = None;
        self.has_split_groups = false;
        self.hidden = None;
        if !keep_groups {
            self.pass = 0;
            self.groups = LabelIndex::default();
            self.group_passes.clear();
            return;
        }
        for labels in self.groups.iter() {
            self.earlier_groups
                .get_or_insert(&requested_labels(labels, query));
        }
    }

    /// Returns the pager of the current pass, or starts the next pass.
    ///
    /// Returns `None` if no range is left. The caller puts the pager back if it has a further page.
    pub(crate) fn next_pager(&mut self, query: &Query) -> Option<RangePager> {
        if let Some(pager) = self.pager.take() {
            return Some(pager);
        }
        let range = self.ranges.pop()?;
        self.pass += 1;
        // A range is bounded only if the query groups by exactly one label.
        let filter = query.group_by.first().and_then(|label| range.filter(label));
        Some(RangePager {
            body: self.window.body(query, filter),
            range,
            cursor: Cursor::default(),
        })
    }

    /// Returns the number of groups received.
    ///
    /// The groups of a discarded pass count until the window is done.
    pub(crate) fn group_count(&self) -> usize {
        self.group_passes.len()
    }

    /// Removes the groups whose points are those of another pass: one before a restart, or of
    /// another label range.
    ///
    /// # Errors
    ///
    /// `Timeout` if the deadline passes, or `Decode` if parts of a group cannot be separated.
    pub(crate) fn dedup_groups(
        &mut self,
        series: &mut Vec<Series>,
        query: &Query,
        interrupt: &Interrupt<'_>,
    ) -> Result<(), Error> {
        let mut is_part_dropped = false;
        let mut is_relabeled = false;
        let mut is_interrupted = false;
        series.retain(|series| {
            // `retain` cannot stop early, so the rest is dropped without further work.
            is_interrupted = is_interrupted || interrupt.step().is_err();
            if is_interrupted {
                return false;
            }
            let index = self.groups.get_or_insert(series.labels());
            // The index numbers groups in the order in which they arrive.
            if index == self.group_passes.len() {
                self.group_passes.push(GroupPasses::default());
                is_relabeled |= !self.earlier_groups.is_empty()
                    && self
                        .earlier_groups
                        .contains(&requested_labels(series.labels(), query));
            }
            let passes = &mut self.group_passes[index];
            let is_used = *passes.used.get_or_insert(self.pass) == self.pass;
            let is_split = passes.last.replace(self.pass) == Some(self.pass);
            self.has_split_groups |= is_split;
            is_part_dropped |= is_split && !is_used;
            is_used
        });
        if is_interrupted {
            return Err(interrupt.error());
        }
        if is_relabeled {
            return Err(mismatch_error(
                "the labels of a group changed after a page token expired, \
                 so its points cannot be separated from those received before",
            ));
        }
        // The caller may have received only some parts of the group before the restart.
        if is_part_dropped && self.is_restarted {
            return Err(mismatch_error(
                "a group was split across pages after a page token expired, \
                 so its points cannot be separated from those received before",
            ));
        }
        Ok(())
    }

    /// Allows other passes to return the groups of a pass whose pages are not used.
    ///
    /// A bisection does that: the two passes over its halves return the same groups again.
    pub(crate) fn discard_pass(&mut self, pass: usize) {
        for passes in &mut self.group_passes {
            if passes.used == Some(pass) {
                passes.used = None;
            }
        }
    }

    /// Returns true if no page is left to fetch.
    pub(crate) fn is_done(&self) -> bool {
        self.pager.is_none() && self.ranges.is_empty()
    }

    /// Returns the reasons that the window is incomplete.
    pub(crate) fn into_missing(self) -> impl Iterator<Item = String> {
        self.expired.into_iter().chain(self.hidden)
    }
}

/// Returns the labels that a query groups by, without those that the service has added.
fn requested_labels(labels: &Labels, query: &Query) -> Labels {
    labels
        .iter()
        .filter(|(name, _)| query.group_by.iter().any(|requested| requested == name))
        .collect()
}
