//! The pages of an answer become one result.

use std::cmp::Ordering;

use crate::decode;
use crate::decode::error::DecodeError;
use crate::error::{Error, ErrorKind};
use crate::model::labels::LabelIndex;
use crate::model::series::{Completeness, QueryResult, Series};
use crate::pagination::pages::{
    QueryPager, apply_limit, completeness_or_error, limited, may_be_truncated,
};
use crate::request::plan::absolute_intervals;
use crate::request::query::{Order, Query};
use crate::time::deadline::{Deadline, Interrupt, Interrupted};
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;
use crate::time::sort::sort_with_deadline;
use crate::time::timestamp::Timestamp;
use crate::util::text::elide_middle;

/// Walks all pages within `deadline` and merges them.
pub(crate) fn collect(mut walk: QueryPager, deadline: &Deadline) -> Result<QueryResult, Error> {
    let interrupt = Interrupt::new(deadline);
    let mut union = SeriesMerger::default();
    while let Some(pages) = walk.next_window(deadline)? {
        for page in pages {
            union
                .add(page, &interrupt)
                .map_err(|error| walk.merge_error(error, deadline))?;
        }
    }
    let completeness = walk.completeness()?;
    let query = walk.query();
    let series = sort_series(union.series, query, &interrupt)
        .map_err(|_| walk.merge_error(DecodeError::Interrupted, deadline))?;
    Ok(QueryResult {
        metric: query.metric.clone(),
        granularity: query.granularity,
        intervals: walk.intervals().to_vec(),
        series,
        completeness,
    })
}

impl QueryResult {
    /// Reads one answer of the service to `query`, without a network: to replay what was kept, and for tests.
    ///
    /// It is the code that [`Client::query`](crate::Client::query) reads answers with. The query says which format to
    /// expect: GROUPED with `group_by`, FLAT without.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let query = Query::new("io.confluent.kafka.server/sent_bytes", Granularity::OneHour, Interval::last_hours(1));
    /// let answer = br#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, answer)?;
    /// assert_eq!(result.series()[0].last().unwrap().value, 1574.0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// No clock is read. If all intervals are absolute, every point must lie in one of them. If one is relative
    /// to now, times are not checked and [`intervals`](Self::intervals) is empty.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if an absolute interval cannot be queried, such as one off the
    /// granularity's grid;
    /// [`Decode`](ErrorKind::Decode) where it is not such an answer, and says where;
    /// [`Incomplete`](ErrorKind::Incomplete) where it is only one page of several, unless the query has a limit that is
    /// reached, or allows it.
    pub fn from_json(query: &Query, answer: &[u8]) -> Result<Self, Error> {
        let intervals = absolute_intervals(query)?;
        let deadline = Deadline::never();
        let page =
            decode::query_page(answer, query.is_grouped(), &deadline).map_err(
                |error| match error {
                    DecodeError::Invalid(why) => Error::new(ErrorKind::Decode, elide_middle(&why)),
                    DecodeError::Interrupted => deadline.error(),
                },
            )?;
        let intervals = match intervals {
            Some(intervals) => {
                check_points(query, &intervals, &page.series)?;
                intervals
            }
            None => Vec::new(),
        };
        let full = may_be_truncated(query, &page);
        let mut series = page.series;
        let has_next = page.next != decode::NextPage::default();
        let count = series.len();
        let completeness = match query.limit {
            Some(limit) if apply_limit(query, &mut series, count, limit, has_next) => {
                limited(query)
            }
            _ if has_next => completeness_or_error(query, "it is one page of several".into())?,
            None if full => completeness_or_error(
                query,
                format!("with the granularity ALL it holds no more than {count} groups"),
            )?,
            _ => Completeness::Complete,
        };
        let series =
            sort_series(series, query, &Interrupt::new(&deadline)).map_err(|_| deadline.error())?;
        Ok(Self {
            metric: query.metric.clone(),
            granularity: query.granularity,
            intervals,
            series,
            completeness,
        })
    }
}

/// Refuses points outside all intervals. The time of the one bucket of ALL is not documented.
fn check_points(query: &Query, intervals: &[TimeRange], series: &[Series]) -> Result<(), Error> {
    if query.granularity == Granularity::All {
        return Ok(());
    }
    let is_inside = |at: Timestamp| {
        intervals
            .iter()
            .any(|(start, end)| (*start..*end).contains(&at))
    };
    let times = series.iter().flat_map(|series| {
        series
            .points()
            .iter()
            .map(|point| point.timestamp)
            .chain(series.newest_null())
    });
    match times.into_iter().find(|time| !is_inside(*time)) {
        Some(time) => Err(Error::new(
            ErrorKind::Decode,
            format!(
                "the answer does not fit the query: it has a point at {time}, outside its intervals"
            ),
        )),
        None => Ok(()),
    }
}

/// Series by their labels, each once.
#[derive(Default)]
struct SeriesMerger {
    series: Vec<Series>,
    /// Empty as long as the series are those of one page, in which each comes once.
    index: LabelIndex,
}

impl SeriesMerger {
    /// Adds the series of a page.
    fn add(&mut self, page: Vec<Series>, interrupt: &Interrupt<'_>) -> Result<(), DecodeError> {
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
            let number = self.index.get_or_insert(series.labels());
            match self.series.get_mut(number) {
                Some(known) => known.merge(series).map_err(|conflict| {
                    DecodeError::Invalid(decode::conflict_message(known.labels(), &conflict))
                })?,
                None => self.series.push(series),
            }
        }
        Ok(())
    }
}

/// Groups in the order that the service gives them in, whichever windows and pages they came by:
/// by labels, or with the granularity ALL by value.
fn sort_series(
    mut series: Vec<Series>,
    query: &Query,
    interrupt: &Interrupt<'_>,
) -> Result<Vec<Series>, Interrupted> {
    if query.granularity == Granularity::All {
        sort_with_deadline(&mut series, interrupt, |a, b| by_value(a, b, query.order))?;
    } else {
        sort_with_deadline(&mut series, interrupt, |a, b| a.labels().cmp(b.labels()))?;
    }
    Ok(series)
}

/// The greatest value first, unless the order says otherwise. A group without a value comes last.
fn by_value(a: &Series, b: &Series, order: Option<Order>) -> Ordering {
    match (a.last(), b.last()) {
        (Some(a), Some(b)) if order == Some(Order::Ascending) => a.value.total_cmp(&b.value),
        (Some(a), Some(b)) => b.value.total_cmp(&a.value),
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

    fn many() -> Vec<Series> {
        let labels =
            |number: usize| Labels::new(vec![("t", format!("{:05}", 99_999 - number))]).unwrap();
        (0..40_000)
            .map(|number| Series::new(labels(number), PointBuffer::default()).unwrap())
            .collect()
    }

    #[test]
    fn merging_sorting_and_bisecting_stop_when_the_deadline_has_passed() {
        let passed = Deadline::after(Duration::ZERO);
        let interrupt = Interrupt::new(&passed);
        let mut union = SeriesMerger::default();
        union.add(many(), &interrupt).unwrap();
        assert_eq!(union.add(many(), &interrupt), Err(DecodeError::Interrupted));
        let query =
            |granularity| Query::new("m", granularity, Interval::last_hours(1)).group_by(["t"]);
        for granularity in [Granularity::OneMinute, Granularity::All] {
            assert_eq!(
                sort_series(many(), &query(granularity), &interrupt),
                Err(Interrupted)
            );
        }
        let halves =
            LabelRange::default().bisect(&query(Granularity::All), &many(), true, &interrupt);
        assert!(halves.is_err() && interrupt.has_stopped());
    }

    #[test]
    fn many_series_are_sorted_in_parts_as_they_are_at_once() {
        let never = Deadline::never();
        let interrupt = Interrupt::new(&never);
        let mut union = SeriesMerger::default();
        for _ in 0..2 {
            union.add(many(), &interrupt).unwrap();
        }
        let query =
            Query::new("m", Granularity::OneMinute, Interval::last_hours(1)).group_by(["t"]);
        let sorted = sort_series(union.series, &query, &interrupt).unwrap();
        assert_eq!(sorted.len(), 40_000);
        assert!(sorted.is_sorted_by(|a, b| a.labels() < b.labels()));
    }
}
