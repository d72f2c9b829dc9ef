//! Series.

use serde::{Deserialize, Serialize};

use crate::model::iter::Values;
use crate::model::labels::Labels;
pub(crate) use crate::model::point::Point;
use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;

/// One set of labels and its points over time.
///
/// A bucket without data has no point. An idle series has gaps, not zeros.
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let metric = "io.confluent.kafka.server/received_bytes";
/// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6))
///     .filter(Resource::kafka("lkc-1"))
///     .group_by(["metric.topic"]);
/// for series in &client.query(&query)? {
///     match series.last() {
///         Some(point) => println!("{} {}", series.labels(), point.value),
///         None => println!("{} has no data", series.labels()),
///     }
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedSeries")]
pub struct Series {
    /// The labels that the query groups by.
    labels: Labels,
    /// In ascending order of time, without duplicates.
    points: Vec<Point>,
    /// Later than the last point.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_null: Option<Timestamp>,
}

/// A series as it is read by serde, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedSeries {
    labels: Labels,
    points: Vec<Point>,
    #[serde(default)]
    newest_null: Option<Timestamp>,
}

/// The points of a series in the order of the response, and the latest null among them.
#[derive(Debug, Default)]
pub(crate) struct PointBuffer {
    /// The points, unsorted and perhaps with duplicates.
    points: Vec<Point>,
    /// The latest bucket with a null, if there is one.
    newest_null: Option<Timestamp>,
}

/// Two points of one series at the same time with different values.
#[derive(Debug, PartialEq)]
pub(crate) struct Conflict {
    /// The time of both points.
    pub(crate) timestamp: Timestamp,
    /// The two values, in an unspecified order.
    pub(crate) values: (f64, f64),
}

impl Series {
    /// Creates a series from points in any order.
    ///
    /// Of several points at the same time the last one counts. Results have series of their own;
    /// use this to test code that evaluates them.
    ///
    /// ```
    /// use confluent_metrics::{Labels, Point, Series, Timestamp};
    ///
    /// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let points = vec![Point { timestamp: start, value: 1574.0 }];
    /// let series = Series::new(Labels::from([("metric.topic", "orders")]), points);
    /// assert_eq!(series.last().unwrap().value, 1574.0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn new(labels: Labels, mut points: Vec<Point>) -> Self {
        // The sort is stable, so that the last of several points stays the last.
        points.sort_by_key(|point| point.timestamp);
        points.dedup_by(|later, kept| {
            let is_duplicate = later.timestamp == kept.timestamp;
            if is_duplicate {
                *kept = *later;
            }
            is_duplicate
        });
        Self {
            labels,
            points,
            newest_null: None,
        }
    }

    /// Creates a series from the points of a response.
    pub(crate) fn from_buffer(labels: Labels, buffer: PointBuffer) -> Result<Self, Conflict> {
        let PointBuffer {
            mut points,
            newest_null,
        } = buffer;
        sort_and_dedup(&mut points)?;
        points.shrink_to_fit();
        let mut series = Self {
            labels,
            points,
            newest_null,
        };
        series.forget_older_null();
        Ok(series)
    }

    /// Returns the labels of this series.
    ///
    /// They are empty for the one series of a query without `group_by`.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the points in ascending order of time, without duplicates.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Query, QueryResult};
    ///
    /// let hours = "2026-01-01T10:00:00Z/PT3H".parse()?;
    /// let query = Query::new("sent_bytes", Granularity::OneHour, hours);
    /// let body = br#"{"data":[
    ///     {"timestamp":"2026-01-01T12:00:00Z","value":3.0},
    ///     {"timestamp":"2026-01-01T10:00:00Z","value":1.0}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// let points = result.series()[0].points();
    /// assert_eq!(points[0].timestamp, "2026-01-01T10:00:00Z".parse()?);
    /// assert_eq!(points[1].value, 3.0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Converts the series into its points, in ascending order of time.
    ///
    /// ```
    /// use confluent_metrics::{Labels, Point, Series, Timestamp};
    ///
    /// let points = vec![Point { timestamp: Timestamp::UNIX_EPOCH, value: 1.0 }];
    /// let series = Series::new(Labels::default(), points.clone());
    /// assert_eq!(series.into_points(), points);
    /// ```
    pub fn into_points(self) -> Vec<Point> {
        self.points
    }

    /// Returns the values of the points in ascending order of time.
    ///
    /// ```
    /// use confluent_metrics::Series;
    ///
    /// /// Returns how often the value grew.
    /// fn growths(series: &Series) -> usize {
    ///     let pairs = series.values().zip(series.values().skip(1));
    ///     pairs.filter(|(earlier, later)| later > earlier).count()
    /// }
    /// ```
    pub fn values(&self) -> Values<'_> {
        Values(self.points.iter())
    }

    /// Returns the sum of the values, which is 0 without points.
    ///
    /// For a counter this is the number of events in the interval.
    ///
    /// ```
    /// use confluent_metrics::{Labels, Point, Series, Timestamp};
    ///
    /// let values = [(0, 2.0), (60, 5.0), (120, 3.0)];
    /// let points = values.map(|(second, value)| Point {
    ///     timestamp: Timestamp::from_second(second).unwrap(),
    ///     value,
    /// });
    /// let series = Series::new(Labels::default(), points.to_vec());
    /// assert_eq!(series.sum(), 10.0);
    /// assert_eq!(series.min(), Some(2.0));
    /// assert_eq!(series.max(), Some(5.0));
    /// assert_eq!(series.mean(), Some(10.0 / 3.0));
    /// ```
    #[doc(alias = "total")]
    pub fn sum(&self) -> f64 {
        // `Iterator::sum` starts at -0.0, which would be printed with its sign.
        self.values().fold(0.0, |sum, value| sum + value)
    }

    /// Returns the least value, or `None` without points.
    ///
    /// ```
    /// use confluent_metrics::{Labels, Series};
    ///
    /// assert_eq!(Series::new(Labels::default(), Vec::new()).min(), None);
    /// ```
    pub fn min(&self) -> Option<f64> {
        self.values().min_by(f64::total_cmp)
    }

    /// Returns the greatest value, or `None` without points.
    ///
    /// ```
    /// use confluent_metrics::Series;
    ///
    /// /// Returns the peak of a level, or 0 if it was never reported.
    /// fn peak(series: &Series) -> f64 {
    ///     series.max().unwrap_or(0.0)
    /// }
    /// ```
    pub fn max(&self) -> Option<f64> {
        self.values().max_by(f64::total_cmp)
    }

    /// Returns the mean of the values, or `None` without points.
    ///
    /// Buckets without a point do not count.
    ///
    /// ```
    /// use confluent_metrics::{Labels, Series};
    ///
    /// assert_eq!(Series::new(Labels::default(), Vec::new()).mean(), None);
    /// ```
    #[doc(alias = "average")]
    pub fn mean(&self) -> Option<f64> {
        match self.points.len() {
            0 => None,
            count => Some(self.sum() / count as f64),
        }
    }

    /// Returns the latest point, or `None` if the series has no points.
    ///
    /// Buckets without data have no point. The latest point can be much older than the end of the
    /// interval, so check its timestamp.
    pub fn last(&self) -> Option<Point> {
        self.points.last().copied()
    }

    /// Returns the latest bucket with the value `null`, if it is later than the latest point.
    ///
    /// A null is not a point. If there is one here, [`last`](Self::last) is not the value of the
    /// latest bucket.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Query, QueryResult};
    ///
    /// let hours = "2026-01-01T10:00:00Z/PT3H".parse()?;
    /// let query = Query::new("sent_bytes", Granularity::OneHour, hours);
    /// let body = br#"{"data":[
    ///     {"timestamp":"2026-01-01T10:00:00Z","value":1.0},
    ///     {"timestamp":"2026-01-01T11:00:00Z","value":null}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// let null = result.series()[0].newest_null();
    /// assert_eq!(null, Some("2026-01-01T11:00:00Z".parse()?));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn newest_null(&self) -> Option<Timestamp> {
        self.newest_null
    }

    /// Returns the first time at which no bucket of a granularity starts, of the points and the null.
    ///
    /// `ALL` has one bucket, whose time is not documented, so that its times are not checked.
    pub(crate) fn off_grid_time(&self, granularity: Granularity) -> Option<Timestamp> {
        if granularity == Granularity::All {
            return None;
        }
        let width = granularity.grid();
        let mut expected = None;
        let times = self.points.iter().map(|point| point.timestamp);
        for time in times.chain(self.newest_null) {
            // Most buckets follow each other, so that a division is needed only after a gap.
            if expected != Some(time) && granularity.floor(time) != time {
                return Some(time);
            }
            expected = time.checked_add(width);
        }
        None
    }

    /// Removes points before `start`, and returns true if any are left.
    pub(crate) fn drop_before(&mut self, start: Timestamp) -> bool {
        self.points
            .drain(..self.points.partition_point(|point| point.timestamp < start));
        self.newest_null = self.newest_null.filter(|null| *null >= start);
        !self.points.is_empty() || self.newest_null.is_some()
    }

    /// Merges another part of the same series into this one.
    ///
    /// # Errors
    ///
    /// The conflict if both parts have a point at the same time with different values.
    pub(crate) fn merge(&mut self, part: Self) -> Result<(), Conflict> {
        self.newest_null = self.newest_null.max(part.newest_null);
        if self.points.is_empty() {
            self.points = part.points;
        } else {
            // The seam is the last point of this part, followed by those of the next one.
            let seam = self.points.len() - 1;
            self.points.extend(part.points);
            // Windows follow each other, so the points are usually sorted if the seam is.
            if !self.points.get(seam..).is_some_and(is_ascending) {
                sort_and_dedup(&mut self.points)?;
            }
        }
        self.forget_older_null();
        Ok(())
    }

    /// Drops the null if a point is later, or at the same time.
    fn forget_older_null(&mut self) {
        // A null before the last point says nothing about the latest bucket.
        let last = self.points.last().map(|point| point.timestamp);
        self.newest_null = self
            .newest_null
            .filter(|null| last.is_none_or(|last| *null > last));
    }
}

impl PointBuffer {
    /// Adds the value of a bucket. `None` is a null.
    #[inline]
    pub(crate) fn push(&mut self, timestamp: Timestamp, value: Option<f64>) {
        let Some(value) = value else {
            self.newest_null = self.newest_null.max(Some(timestamp));
            return;
        };
        if self.points.len() == self.points.capacity() {
            self.grow();
        }
        self.points.push(Point { timestamp, value });
    }

    /// Grows the capacity by half. `Vec` would double it, and a response has a thousand buffers.
    #[cold]
    fn grow(&mut self) {
        self.points.reserve_exact(self.points.len() / 2 + 4);
    }

    /// Adds the points of another buffer.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.newest_null = self.newest_null.max(other.newest_null);
        if self.points.is_empty() {
            self.points = other.points;
        } else {
            self.points.append(&mut other.points);
        }
    }

    /// Frees the memory that no point uses.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.points.shrink_to_fit();
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.points.capacity()
    }
}

impl TryFrom<UncheckedSeries> for Series {
    type Error = String;

    /// Checks what is true of every series of a result.
    fn try_from(series: UncheckedSeries) -> Result<Self, String> {
        let UncheckedSeries {
            labels,
            points,
            newest_null,
        } = series;
        for pair in points.windows(2) {
            if let [a, b] = pair {
                if a.timestamp >= b.timestamp {
                    return Err(format!(
                        "points of {labels} are not in ascending order: {} follows {}",
                        b.timestamp, a.timestamp
                    ));
                }
            }
        }
        if let (Some(null), Some(last)) = (newest_null, points.last()) {
            if null <= last.timestamp {
                return Err(format!(
                    "newest_null of {labels} is {null}, which is not after the last point at {}",
                    last.timestamp
                ));
            }
        }
        Ok(Self {
            labels,
            points,
            newest_null,
        })
    }
}

/// Sorts points by time, and removes duplicates.
///
/// # Errors
///
/// The first conflict in order of time.
fn sort_and_dedup(points: &mut Vec<Point>) -> Result<(), Conflict> {
    if is_ascending(points) {
        return Ok(());
    }
    // The stable sort would need memory for a copy, in addition to the body of the response.
    points.sort_unstable_by_key(|point| point.timestamp);
    for pair in points.windows(2) {
        if let [a, b] = pair {
            if a.timestamp == b.timestamp && a.value != b.value {
                return Err(Conflict {
                    timestamp: a.timestamp,
                    values: (a.value, b.value),
                });
            }
        }
    }
    // Points at the same time have the same value here, so it does not matter which one stays.
    points.dedup_by_key(|point| point.timestamp);
    Ok(())
}

/// Returns true if every point is later than the one before it.
fn is_ascending(points: &[Point]) -> bool {
    points.is_sorted_by(|a, b| a.timestamp < b.timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(i64, f64)]) -> Vec<Point> {
        let point = |&(second, value)| Point {
            timestamp: Timestamp::from_second(second).unwrap(),
            value,
        };
        pairs.iter().map(point).collect()
    }

    #[test]
    fn a_point_is_sixteen_bytes() {
        assert_eq!(size_of::<Point>(), 16);
    }

    fn series(pairs: &[(i64, f64)], null: Option<i64>) -> Series {
        let buffer = PointBuffer {
            points: points(pairs),
            newest_null: null.map(second),
        };
        Series::from_buffer(Labels::default(), buffer).unwrap()
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn parts_of_a_series_are_merged() {
        let mut whole = series(&[(0, 1.0), (60, 2.0)], None);
        whole.merge(series(&[(120, 3.0)], None)).unwrap();
        assert_eq!(whole.points(), points(&[(0, 1.0), (60, 2.0), (120, 3.0)]));
        whole.merge(series(&[(60, 2.0), (30, 9.0)], None)).unwrap();
        assert_eq!(
            whole.points(),
            points(&[(0, 1.0), (30, 9.0), (60, 2.0), (120, 3.0)])
        );
        let conflict = whole.merge(series(&[(120, 4.0)], None)).unwrap_err();
        assert_eq!(
            (conflict.timestamp.as_second(), conflict.values),
            (120, (3.0, 4.0))
        );
    }

    #[test]
    fn a_null_is_kept_if_it_is_later_than_every_point() {
        for (first, second_part, expected) in [
            ((vec![(0, 1.0)], Some(60)), (vec![], None), Some(60)),
            ((vec![(0, 1.0)], Some(60)), (vec![(60, 2.0)], None), None),
            ((vec![(0, 1.0)], Some(60)), (vec![(120, 2.0)], None), None),
            ((vec![(120, 1.0)], Some(60)), (vec![], Some(180)), Some(180)),
            ((vec![], Some(60)), (vec![(0, 1.0)], Some(30)), Some(60)),
        ] {
            let mut whole = series(&first.0, first.1);
            whole.merge(series(&second_part.0, second_part.1)).unwrap();
            assert_eq!(
                whole.newest_null(),
                expected.map(second),
                "{first:?} and {second_part:?}"
            );
        }
    }

    #[test]
    fn what_is_before_a_time_is_dropped() {
        for (null, start, left, is_left) in [
            (None, 60, 2, true),
            (None, 61, 1, true),
            (None, 121, 0, false),
            (Some(180), 121, 0, true),
            (Some(180), 180, 0, true),
            (Some(180), 181, 0, false),
        ] {
            let mut series = series(&[(0, 1.0), (60, 2.0), (120, 3.0)], null);
            assert_eq!(series.drop_before(second(start)), is_left);
            assert_eq!(
                series.points(),
                &points(&[(60, 2.0), (120, 3.0)])[2 - left..]
            );
        }
    }

    #[test]
    fn a_newest_null_is_a_part_of_equality_and_of_what_is_written() {
        let [with, without] = [Some(60), None].map(|null| series(&[(0, 1.0)], null));
        assert_ne!(with, without);
        let json = r#"{"labels":{},"points":[{"timestamp":"1970-01-01T00:00:00Z","value":1.0}]"#;
        assert_eq!(
            serde_json::to_string(&without).unwrap(),
            format!("{json}}}")
        );
        let null = r#","newest_null":"1970-01-01T00:01:00Z"}"#;
        assert_eq!(
            serde_json::to_string(&with).unwrap(),
            format!("{json}{null}")
        );
    }

    #[test]
    fn points_in_descending_order_are_reversed() {
        let mut reversed = points(&[(120, 3.0), (60, 2.0), (60, 2.0), (0, 1.0)]);
        sort_and_dedup(&mut reversed).unwrap();
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
                sort_and_dedup(&mut given).unwrap();
                assert_eq!(given, sorted);
                assert_eq!(given.as_ptr(), place, "they are copied");
            }
        }
    }

    #[test]
    fn a_buffer_has_room_for_half_as_many_points_again_at_most() {
        let mut buffer = PointBuffer::default();
        for number in 0..10_000 {
            buffer.push(second(number), Some(0.0));
            assert!(buffer.points.capacity() <= buffer.points.len() * 3 / 2 + 4);
        }
    }
}
