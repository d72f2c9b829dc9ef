use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::mem::take;

use crate::labels::Labels;
use crate::timestamp::Timestamp;

/// One value of a series: what was measured in the bucket that starts at `timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Point {
    /// The start of the bucket.
    pub timestamp: Timestamp,
    /// The value, in the metric's unit; always a finite number.
    pub value: f64,
}

/// One set of labels and its points in time.
///
/// Buckets in which nothing happened have no point: idle is not zero.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Series {
    labels: Labels,
    points: Vec<Point>,
}

/// A whole answer: every series of the query, and whether the caller's own limit cut it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct QueryResult {
    pub(crate) series: Vec<Series>,
    pub(crate) completeness: Completeness,
}

/// Whether a result is all there is.
///
/// A query that is not whole for any other reason than the two that the caller asked for is an error, never a result.
/// An [`Export`](crate::Export) that is not whole says so here, and is an error where it is
/// [required](crate::Export::require_complete) to be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum Completeness {
    /// All groups and all points that the service has.
    Complete,
    /// The caller's own [`limit`](crate::Query::limit) cut it: there are more groups. With
    /// [`Granularity::All`](crate::Granularity::All), where the service does not say, there may be more.
    #[non_exhaustive]
    Limited {
        /// The limit, in groups.
        limit: u32,
    },
    /// Something is missing; of a query only with [`allow_truncated`](crate::Query::allow_truncated).
    #[non_exhaustive]
    Truncated {
        /// What is missing, in words.
        missing: String,
    },
}

/// Two points of one series at one time with different values: the answer contradicts itself.
#[derive(Debug, PartialEq)]
pub(crate) struct Conflict {
    pub(crate) timestamp: Timestamp,
    pub(crate) values: (f64, f64),
}

impl Series {
    pub(crate) fn new(labels: Labels, points: Vec<Point>) -> Self {
        Self { labels, points }
    }

    /// What tells this series from the others; empty for the one series of a query without `group_by`.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The points, the oldest first, each time once.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The newest point; `None` where the series has none.
    ///
    /// Buckets without data have no point, so it may be much older than the end of the interval: look at its timestamp.
    pub fn last(&self) -> Option<Point> {
        self.points.last().copied()
    }

    pub(crate) fn into_points(self) -> Vec<Point> {
        self.points
    }

    /// Takes in the points of another part of the same series, and keeps order and uniqueness.
    pub(crate) fn absorb(&mut self, points: Vec<Point>) -> Result<(), Conflict> {
        if self.points.is_empty() {
            self.points = points;
            return Ok(());
        }
        let joined_at = self.points.len() - 1;
        self.points.extend(points);
        // Only the seam has to be looked at where the parts follow each other, as windows do.
        if self.points.get(joined_at..).is_some_and(is_ascending) {
            return Ok(());
        }
        settle(&mut self.points)
    }
}

impl QueryResult {
    /// Every series: sorted by labels, or with [`Granularity::All`](crate::Granularity::All) by value, the greatest first
    /// unless the query's order says otherwise.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// Every series, in the same order, without a copy.
    pub fn into_series(self) -> Vec<Series> {
        self.series
    }

    /// Whether this is all there is.
    pub fn completeness(&self) -> Completeness {
        self.completeness.clone()
    }
}

impl IntoIterator for QueryResult {
    type Item = Series;
    type IntoIter = std::vec::IntoIter<Series>;

    fn into_iter(self) -> Self::IntoIter {
        self.series.into_iter()
    }
}

impl<'a> IntoIterator for &'a QueryResult {
    type Item = &'a Series;
    type IntoIter = std::slice::Iter<'a, Series>;

    fn into_iter(self) -> Self::IntoIter {
        self.series.iter()
    }
}

/// Sorts points by time and makes equal ones one.
pub(crate) fn settle(points: &mut Vec<Point>) -> Result<(), Conflict> {
    if is_ascending(points) {
        return Ok(());
    }
    sort_by_time(points);
    for pair in points.windows(2) {
        if let [a, b] = pair {
            if a.timestamp == b.timestamp && a.value != b.value {
                return Err(Conflict { timestamp: a.timestamp, values: (a.value, b.value) });
            }
        }
    }
    points.dedup_by_key(|point| point.timestamp);
    Ok(())
}

fn sort_by_time(points: &mut Vec<Point>) {
    if points.is_sorted_by_key(|point| point.timestamp) {
        return;
    }
    // The newest first, as some services give them.
    if points.is_sorted_by_key(|point| Reverse(point.timestamp)) {
        return points.reverse();
    }
    // In place: the answer's body is still there, and there may be no room for a copy. By a heap, since it happens to hardly any
    // answer, and a sort of its own takes twice the room in a program.
    let heap: BinaryHeap<_> = take(points).into_iter().map(ByTime).collect();
    *points = heap.into_sorted_vec().into_iter().map(|ByTime(point)| point).collect();
}

/// A point that is ordered by its time.
struct ByTime(Point);

impl Ord for ByTime {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.timestamp.cmp(&other.0.timestamp)
    }
}

impl PartialOrd for ByTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByTime {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByTime {}

fn is_ascending(points: &[Point]) -> bool {
    points.is_sorted_by(|a, b| a.timestamp < b.timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(i64, f64)]) -> Vec<Point> {
        let point = |&(second, value)| Point { timestamp: Timestamp::from_second(second).unwrap(), value };
        pairs.iter().map(point).collect()
    }

    #[test]
    fn a_point_is_sixteen_bytes() {
        assert_eq!(size_of::<Point>(), 16);
    }

    #[test]
    fn parts_of_a_series_become_one() {
        let mut series = Series::new(Labels::default(), points(&[(0, 1.0), (60, 2.0)]));
        series.absorb(points(&[(120, 3.0)])).unwrap();
        assert_eq!(series.points(), points(&[(0, 1.0), (60, 2.0), (120, 3.0)]));
        series.absorb(points(&[(60, 2.0), (30, 9.0)])).unwrap();
        assert_eq!(series.points(), points(&[(0, 1.0), (30, 9.0), (60, 2.0), (120, 3.0)]));
        let conflict = series.absorb(points(&[(120, 4.0)])).unwrap_err();
        assert_eq!((conflict.timestamp.as_second(), conflict.values), (120, (3.0, 4.0)));
    }

    #[test]
    fn points_newest_first_are_turned_round() {
        let mut reversed = points(&[(120, 3.0), (60, 2.0), (60, 2.0), (0, 1.0)]);
        settle(&mut reversed).unwrap();
        assert_eq!(reversed, points(&[(0, 1.0), (60, 2.0), (120, 3.0)]));
    }

    #[test]
    fn points_in_any_order_are_sorted_where_they_are() {
        // Every order of up to six times below four, twins among them.
        for count in 0..=6_u32 {
            for number in 0..4_i64.pow(count) {
                let times = (0..count).map(|at| number / 4_i64.pow(at) % 4);
                let mut given = points(&times.map(|time| (time, time as f64)).collect::<Vec<_>>());
                let mut sorted = given.clone();
                sorted.sort_by_key(|point| point.timestamp);
                sorted.dedup();
                let place = given.as_ptr();
                settle(&mut given).unwrap();
                assert_eq!(given, sorted);
                assert_eq!(given.as_ptr(), place, "they are copied");
            }
        }
    }
}
