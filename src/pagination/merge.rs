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
//! `from_json` applies the same rules to one response, without a network.

use std::cmp::Ordering;

use crate::decode;
use crate::decode::error::DecodeError;
use crate::model::label_index::LabelIndex;
use crate::model::series::Series;
use crate::request::order::Order;
use crate::request::query::Query;
use crate::time::deadline::{Interrupt, Interrupted};
use crate::time::granularity::Granularity;
use crate::time::sort::sort_with_deadline;

/// Merges the series of several pages by their labels.
///
/// Invariant: no two elements of `series` have the same labels.
#[derive(Default)]
pub(crate) struct SeriesMerger {
    /// The merged series, in the order in which their first pages were added.
    pub(crate) series: Vec<Series>,
    /// The index of `series`. Empty while they are those of one page, which has no duplicates.
    index: LabelIndex,
}

impl SeriesMerger {
    /// Adds the series of one page, which must not have duplicates among themselves.
    ///
    /// # Errors
    ///
    /// `Invalid` if a point has another value than on an earlier page, or `Interrupted`.
    pub(crate) fn add(
        &mut self,
        page: Vec<Series>,
        interrupt: &Interrupt<'_>,
    ) -> Result<(), DecodeError> {
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
pub(crate) fn sort_series(
    mut series: Vec<Series>,
    query: &Query,
    interrupt: &Interrupt<'_>,
) -> Result<Vec<Series>, Interrupted> {
    // The service sorts by value only if a series is one value.
    if query.granularity == Granularity::All {
        // The sort is stable: groups with equal values stay in the order of arrival.
        sort_with_deadline(&mut series, interrupt, &|a, b| {
            compare_values(a, b, query.order)
        })?;
    } else {
        sort_with_deadline(&mut series, interrupt, &|a, b| a.labels().cmp(b.labels()))?;
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
    use crate::pagination::label_range::LabelRange;
    use crate::time::deadline::Deadline;
    use crate::time::interval::Interval;

    fn many_series() -> Vec<Series> {
        (0..40_000)
            .map(|index| {
                let labels = Labels::new(&[("t", format!("{:05}", 99_999 - index))]).unwrap();
                Series::new(labels, Vec::new())
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
