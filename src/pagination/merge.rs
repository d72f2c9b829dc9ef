//! Merges the pages of a query into one result.
//!
//! This is the last step of a query. The same group may be on pages of several windows, and its
//! points are joined here.
//!
//! ```text
//! window 1  {topic="a"} 10:00 10:01    {topic="b"} 10:00
//! window 2  {topic="a"} 10:02          {topic="c"} 10:02
//! result    {topic="a"} 10:00 10:01 10:02    {topic="b"} 10:00    {topic="c"} 10:02
//! ```
//!
//! [`QueryResult::from_json`] applies the same rules to one response, without a network.

use std::cmp::Ordering;

use crate::decode::error::DecodeError;
use crate::decode::{self, NextPage, QueryPage};
use crate::error::{Error, ErrorKind};
use crate::model::labels::LabelIndex;
use crate::model::series::{Completeness, QueryResult, Series};
use crate::pagination::completeness::{apply_limit, completeness, may_be_truncated};
use crate::pagination::query_pager::QueryPager;
use crate::request::plan::absolute_intervals;
use crate::request::query::{Order, Query};
use crate::time::deadline::{Deadline, Interrupt, Interrupted};
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;
use crate::time::sort::sort_with_deadline;
use crate::time::timestamp::Timestamp;
use crate::util::text::elide_middle;

/// Fetches all pages before `deadline`, and merges them.
///
/// Reads window by window, since a restart or a bisection discards pages of its window.
///
/// # Errors
///
/// - `Timeout` if the deadline passes, also while series are merged or sorted.
/// - `Decode` if two pages have different values for one point.
/// - `Incomplete` if groups are missing and the query does not allow that.
pub(crate) fn collect(mut pager: QueryPager, deadline: &Deadline) -> Result<QueryResult, Error> {
    let interrupt = Interrupt::new(deadline);
    let mut merger = SeriesMerger::default();
    while let Some(pages) = pager.next_window(deadline)? {
        for page in pages {
            merger
                .add(page, &interrupt)
                .map_err(|error| pager.merge_error(error, deadline))?;
        }
    }
    let completeness = pager.completeness()?;
    let query = pager.query();
    let series = sort_series(merger.series, query, &interrupt)
        .map_err(|_| pager.merge_error(DecodeError::Interrupted, deadline))?;
    Ok(QueryResult {
        metric: query.metric.clone(),
        granularity: query.granularity,
        intervals: pager.intervals().to_vec(),
        series,
        completeness,
    })
}

impl QueryResult {
    /// Decodes one response of the service to `query`, without a network.
    ///
    /// Use it to test code that evaluates results, or to read responses that were stored. It is
    /// the decoder of [`Client::query`](crate::Client::query). The format follows from the query:
    /// GROUPED if it has `group_by`, else FLAT.
    ///
    /// No clock is read. If all intervals are absolute, every point must lie in one of them. If one
    /// is relative to now, times are not checked and [`intervals`](Self::intervals) is empty.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(1));
    /// let body = br#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// assert_eq!(result.series()[0].last().unwrap().value, 1574.0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput) if an absolute interval cannot be queried, for
    ///   example because its ends are not on the grid of the granularity.
    /// - [`Decode`](ErrorKind::Decode) if `body` is not a response to the query.
    /// - [`Incomplete`](ErrorKind::Incomplete) if further pages follow, unless the limit of the
    ///   query is reached, or the query allows truncated results.
    pub fn from_json(query: &Query, body: &[u8]) -> Result<Self, Error> {
        let intervals = absolute_intervals(query)?;
        let deadline = Deadline::never();
        let mut page = decode::query_page(body, query.row_format(), &deadline).map_err(
            |error| match error {
                DecodeError::Invalid(reason) => {
                    Error::new(ErrorKind::Decode, elide_middle(&reason))
                }
                DecodeError::Interrupted => deadline.error(),
            },
        )?;
        if let Some(intervals) = &intervals {
            reject_stray_points(query, intervals, &page.series)?;
        }
        let completeness = page_completeness(query, &mut page)?;
        let series = sort_series(page.series, query, &Interrupt::new(&deadline))
            .map_err(|_| deadline.error())?;
        Ok(Self {
            metric: query.metric.clone(),
            granularity: query.granularity,
            intervals: intervals.unwrap_or_default(),
            series,
            completeness,
        })
    }
}

/// Applies the limit of the query to a page, and returns the completeness of the page by itself.
///
/// The page is all that exists here, so a next page means that the result is incomplete.
fn page_completeness(query: &Query, page: &mut QueryPage) -> Result<Completeness, Error> {
    let has_next = page.next != NextPage::default();
    let may_be_truncated = may_be_truncated(query, page);
    let count = page.series.len();
    let is_limited = query
        .limit
        .is_some_and(|limit| apply_limit(query, &mut page.series, count, limit, has_next));
    let mut missing = Vec::new();
    if !is_limited && has_next {
        missing.push("only one page of several".to_owned());
    } else if query.limit.is_none() && may_be_truncated {
        missing.push(format!("granularity ALL returns at most {count} groups"));
    }
    completeness(query, is_limited, &missing)
}

/// Returns an error if a point is outside all intervals.
///
/// Such a response belongs to another query. Nulls are checked like points.
fn reject_stray_points(
    query: &Query,
    intervals: &[TimeRange],
    series: &[Series],
) -> Result<(), Error> {
    // The time of the one bucket of ALL is not documented.
    if query.granularity == Granularity::All {
        return Ok(());
    }
    for series in series {
        let times = series.points().iter().map(|point| point.timestamp);
        for time in times.chain(series.newest_null()) {
            if !intervals.iter().any(|interval| contains(*interval, time)) {
                return Err(Error::new(
                    ErrorKind::Decode,
                    format!(
                        "response does not match the request: \
                         point at {time} is outside all intervals"
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Returns true if `time` is in the range. The end is exclusive.
fn contains((start, end): TimeRange, time: Timestamp) -> bool {
    start <= time && time < end
}

/// Merges the series of several pages by their labels.
///
/// Invariant: no two elements of `series` have the same labels.
#[derive(Default)]
struct SeriesMerger {
    /// The merged series, in the order in which their first pages arrived.
    series: Vec<Series>,
    /// The index of `series`. Empty while they are those of one page, which has no duplicates.
    index: LabelIndex,
}

impl SeriesMerger {
    /// Adds the series of one page, which must not have duplicates among themselves.
    ///
    /// # Errors
    ///
    /// `Invalid` if a point has another value than on an earlier page, or `Interrupted`.
    fn add(&mut self, page: Vec<Series>, interrupt: &Interrupt<'_>) -> Result<(), DecodeError> {
        // Most results are one page, which needs no index.
        if self.series.is_empty() {
            self.series = page;
            return Ok(());
        }
        if self.index.is_empty() {
            for series in &self.series {
                interrupt.step()?;
                self.index.get_or_insert(series.labels());
            }
        }
        for series in page {
            interrupt.step()?;
            let index = self.index.get_or_insert(series.labels());
            match self.series.get_mut(index) {
                Some(known) => known.merge(series).map_err(|conflict| {
                    DecodeError::Invalid(decode::conflict_message(known.labels(), &conflict))
                })?,
                None => self.series.push(series),
            }
        }
        Ok(())
    }
}

/// Sorts series as one response of the service does: by labels, or by value with the granularity
/// ALL. The order then does not depend on the order of pages and windows.
///
/// # Errors
///
/// `Interrupted` if the deadline passes. The series are lost then.
fn sort_series(
    mut series: Vec<Series>,
    query: &Query,
    interrupt: &Interrupt<'_>,
) -> Result<Vec<Series>, Interrupted> {
    // The service sorts by value only if a series is one value.
    if query.granularity == Granularity::All {
        // The sort is stable: groups with equal values stay in the order of arrival.
        sort_with_deadline(&mut series, interrupt, |a, b| {
            compare_values(a, b, query.order)
        })?;
    } else {
        sort_with_deadline(&mut series, interrupt, |a, b| a.labels().cmp(b.labels()))?;
    }
    Ok(series)
}

/// Compares series by value, the greatest first by default. A series without a value is last.
///
/// The value of a series is that of its last point.
fn compare_values(a: &Series, b: &Series, order: Option<Order>) -> Ordering {
    match (a.last(), b.last()) {
        // `total_cmp` gives a total order of floats, which `sort_by` requires.
        (Some(a), Some(b)) if order == Some(Order::Ascending) => a.value.total_cmp(&b.value),
        (Some(a), Some(b)) => b.value.total_cmp(&a.value),
        // At least one side has no value. `true` is greater than `false`, so the sides are swapped.
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::labels::Labels;
    use crate::model::series::PointBuffer;
    use crate::pagination::label_range::LabelRange;
    use crate::time::interval::Interval;

    fn many_series() -> Vec<Series> {
        (0..40_000)
            .map(|index| {
                let labels = Labels::new(vec![("t", format!("{:05}", 99_999 - index))]).unwrap();
                Series::new(labels, PointBuffer::default()).unwrap()
            })
            .collect()
    }

    fn grouped_query(granularity: Granularity) -> Query {
        Query::new("m", granularity, Interval::last_hours(1)).group_by(["t"])
    }

    #[test]
    fn merging_sorting_and_bisecting_stop_after_the_deadline() {
        let passed = Deadline::after(Duration::ZERO);
        let interrupt = Interrupt::new(&passed);
        let mut merger = SeriesMerger::default();
        merger.add(many_series(), &interrupt).unwrap();
        assert_eq!(
            merger.add(many_series(), &interrupt),
            Err(DecodeError::Interrupted)
        );
        for granularity in [Granularity::OneMinute, Granularity::All] {
            assert_eq!(
                sort_series(many_series(), &grouped_query(granularity), &interrupt),
                Err(Interrupted)
            );
        }
        let halves = LabelRange::default().bisect(
            &grouped_query(Granularity::All),
            &many_series(),
            true,
            &interrupt,
        );
        assert!(halves.is_err() && interrupt.has_stopped());
    }

    #[test]
    fn many_series_are_merged_and_sorted() {
        let never = Deadline::never();
        let interrupt = Interrupt::new(&never);
        let mut merger = SeriesMerger::default();
        for _ in 0..2 {
            merger.add(many_series(), &interrupt).unwrap();
        }
        let query = grouped_query(Granularity::OneMinute);
        let sorted = sort_series(merger.series, &query, &interrupt).unwrap();
        assert_eq!(sorted.len(), 40_000);
        assert!(sorted.is_sorted_by(|a, b| a.labels() < b.labels()));
    }
}
