//! Builds series from the rows of a query response, and deserializes rows in any JSON.
//!
//! Rows are read in two formats. A FLAT row is one point with the labels of its series:
//!
//! ```json
//! {"timestamp": "2026-01-01T00:00:00Z", "value": 7.0, "metric.topic": "orders"}
//! ```
//!
//! A GROUPED row is the labels of a series with all its points on the page:
//!
//! ```json
//! {"metric.topic": "orders", "points": [{"timestamp": "2026-01-01T00:00:00Z", "value": 7.0}]}
//! ```
//!
//! Both become the same series:
//!
//! ```text
//! {metric.topic="orders"}  2026-01-01T00:00:00Z 7.0
//! ```
//!
//! The steps for each row are the same in this file and in `fast`:
//! 1. The labels of the row are collected in [`SeriesBuilder::members`], and its points are parsed.
//! 2. [`SeriesBuilder::add_point`] or [`SeriesBuilder::add_points`] finds the series of the labels.
//! 3. The points are appended to it.
//!
//! At the end [`SeriesBuilder::into_series`] sorts the points of each series. The types whose names
//! end in `Seed` deserialize by `serde` with state: see [`DeserializeSeed`].

use std::fmt;
use std::ops::Range;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::decode::json::{JsonStr, Member, add_member, labels_from_members};
use crate::decode::row_point::{PointBuilder, RowPoint, TimestampCache};
use crate::model::label_index::LabelIndex;
use crate::model::labels::Labels;
use crate::model::series::{Conflict, PointBuffer, Series};
use crate::request::query::RowFormat;
use crate::time::deadline::Interrupt;

/// Collects rows into series, in the order in which the series first appear.
///
/// A series has the same index in `series`, `index` and `first_ranges`. Members borrow from the
/// body `'de`, so that nothing is copied for a row of a known series.
pub(crate) struct SeriesBuilder<'de> {
    /// The series in the order of their first rows.
    series: Vec<PartialSeries>,
    /// The index in `series` of each label set.
    index: LabelIndex,
    /// The label members of the first row of each series, one series after the other. Further rows
    /// with the same text need not be decoded.
    first_members: Vec<Member<'de>>,
    /// The part of `first_members` of each series. Empty for GROUPED responses.
    first_ranges: Vec<Range<usize>>,
    /// The series of the previous row.
    current: usize,
    /// The number of rows that were added.
    rows_read: usize,
    /// The label members of the row being read. They are kept here to reuse the allocation.
    pub(crate) members: Vec<Member<'de>>,
    /// The timestamp of the previous point.
    pub(crate) timestamps: TimestampCache,
    /// Stops the decoding after the deadline.
    pub(crate) interrupt: &'de Interrupt<'de>,
}

/// A series whose points are being collected.
///
/// [`SeriesBuilder::into_series`] makes it a [`Series`] with sorted points.
struct PartialSeries {
    /// The labels that all its rows share.
    labels: Labels,
    /// The points in the order of the rows.
    points: PointBuffer,
}

impl<'de> SeriesBuilder<'de> {
    /// Creates a builder without series.
    pub(crate) fn new(interrupt: &'de Interrupt<'_>) -> Self {
        Self {
            series: Vec::new(),
            index: LabelIndex::default(),
            first_members: Vec::new(),
            first_ranges: Vec::new(),
            current: 0,
            rows_read: 0,
            members: Vec::new(),
            timestamps: TimestampCache::default(),
            interrupt,
        }
    }

    /// Returns the number of rows that were added.
    pub(crate) const fn rows_read(&self) -> usize {
        self.rows_read
    }

    /// Adds the point of a FLAT row. Its labels are in `members`.
    ///
    /// # Errors
    ///
    /// Returns the reason if a label is repeated or not valid, or after the deadline.
    pub(crate) fn add_point(&mut self, point: RowPoint) -> Result<(), String> {
        self.interrupt.step()?;
        self.rows_read += 1;
        // Rows are ordered by group, or by time with the groups in the same order each time. The
        // series is then the current or the next one, and nothing has to be hashed.
        let candidates = [self.current + 1, self.current, 0];
        let known = candidates
            .into_iter()
            .find(|series| self.has_members(*series));
        self.current = match known {
            Some(series) => series,
            None => self.find_or_insert_flat()?,
        };
        self.series[self.current]
            .points
            .push(point.timestamp, point.value);
        Ok(())
    }

    /// Adds the points of a GROUPED row. Its labels are in `members`.
    ///
    /// A series may have several rows, whose points are appended.
    ///
    /// # Errors
    ///
    /// Returns the reason if a label is repeated or not valid, or after the deadline.
    pub(crate) fn add_points(&mut self, mut points: PointBuffer) -> Result<(), String> {
        self.interrupt.step()?;
        self.rows_read += 1;
        // Most series have one row in a page, so that spare capacity would stay unused.
        points.shrink_to_fit();
        let series = self.find_or_insert()?;
        self.series[series].points.append(points);
        Ok(())
    }

    /// Returns the series with sorted points.
    ///
    /// Returns an error after the deadline, and if a series has different values at the same time.
    pub(crate) fn into_series(self) -> Result<Vec<Series>, String> {
        // The index is freed before the points are sorted, which needs memory as well.
        drop(self.index);
        let mut finished = Vec::with_capacity(self.series.len());
        for PartialSeries { labels, points } in self.series {
            self.interrupt.step()?;
            let series = Series::from_buffer(labels.clone(), points);
            finished.push(series.map_err(|conflict| conflict_message(&labels, &conflict))?);
        }
        Ok(finished)
    }

    /// Returns true if the first row of a series had the label members of the row being read.
    ///
    /// The JSON is compared byte by byte. Labels in another order or with other escapes are found
    /// by [`find_or_insert`](Self::find_or_insert) instead.
    #[inline]
    fn has_members(&self, series: usize) -> bool {
        self.first_ranges
            .get(series)
            .is_some_and(|range| self.first_members[range.clone()] == *self.members)
    }

    /// Finds or inserts the series of a FLAT row, and keeps the label members of its first row.
    ///
    /// # Errors
    ///
    /// Returns the reason if the labels are not valid.
    fn find_or_insert_flat(&mut self) -> Result<usize, String> {
        let series = self.find_or_insert()?;
        // Series have consecutive indexes, so that the first one without a range is a new series.
        if series == self.first_ranges.len() {
            let start = self.first_members.len();
            self.first_members.extend_from_slice(&self.members);
            self.first_ranges.push(start..self.first_members.len());
        }
        Ok(series)
    }

    /// Finds the series of the row being read by its labels, or inserts it.
    fn find_or_insert(&mut self) -> Result<usize, String> {
        let labels = labels_from_members(&self.members)?;
        let series = self.index.get_or_insert(&labels);
        if series == self.series.len() {
            self.series.push(PartialSeries {
                labels,
                points: PointBuffer::default(),
            });
        }
        Ok(series)
    }

    /// Returns the number of points that memory is allocated for.
    #[cfg(test)]
    pub(crate) fn point_capacity(&self) -> usize {
        self.series
            .iter()
            .map(|series| series.points.capacity())
            .sum()
    }
}

/// Describes two points of a series that have the same time and different values.
///
/// ```text
/// conflicting values for {metric.topic="orders"} at 2026-01-01T00:00:00Z: 7 and 8
/// ```
pub(crate) fn conflict_message(labels: &Labels, conflict: &Conflict) -> String {
    let Conflict { timestamp, values } = conflict;
    let (a, b) = values;
    format!("conflicting values for {labels} at {timestamp}: {a} and {b}")
}

/// Deserializes the rows of a response into a [`SeriesBuilder`].
pub(crate) struct RowsSeed<'a, 'de> {
    /// The builder that gets the rows.
    pub(crate) rows: &'a mut SeriesBuilder<'de>,
    /// The format that was requested.
    pub(crate) format: RowFormat,
}

impl<'de> DeserializeSeed<'de> for RowsSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let rows = self.rows;
        match self.format {
            RowFormat::Flat => {
                while seq
                    .next_element_seed(FlatRowSeed { rows: &mut *rows })?
                    .is_some()
                {}
            }
            RowFormat::Grouped => {
                while seq
                    .next_element_seed(GroupedRowSeed { rows: &mut *rows })?
                    .is_some()
                {}
            }
        }
        Ok(())
    }
}

/// Deserializes a FLAT row: one point and its labels.
///
/// Any field but `timestamp` and `value` is a label. A field `points` means the other format.
struct FlatRowSeed<'a, 'de> {
    /// The builder that gets the point.
    rows: &'a mut SeriesBuilder<'de>,
}

impl<'de> DeserializeSeed<'de> for FlatRowSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FlatRowSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row with a `timestamp` and a `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut point = PointBuilder::default();
        self.rows.members.clear();
        while let Some(JsonStr(key)) = map.next_key()? {
            match &*key {
                "timestamp" => point.set_timestamp(&mut map, &mut self.rows.timestamps)?,
                "value" => point.set_value(&mut map)?,
                "points" => return Err(de::Error::custom("unexpected `points` in a FLAT row")),
                _ => add_member(&mut self.rows.members, key, &mut map)?,
            }
        }
        let point = point.finish().map_err(de::Error::missing_field)?;
        self.rows.add_point(point).map_err(de::Error::custom)
    }
}

/// Deserializes a GROUPED row: the labels of a series and all its points.
///
/// Any field but `points` is a label. A field `timestamp` or `value` means the other format.
struct GroupedRowSeed<'a, 'de> {
    /// The builder that gets the points.
    rows: &'a mut SeriesBuilder<'de>,
}

impl<'de> DeserializeSeed<'de> for GroupedRowSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for GroupedRowSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group with a list named `points`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut points = None;
        self.rows.members.clear();
        while let Some(JsonStr(key)) = map.next_key()? {
            match &*key {
                "points" if points.is_some() => return Err(de::Error::duplicate_field("points")),
                "points" => {
                    points = Some(map.next_value_seed(PointsSeed {
                        timestamps: &mut self.rows.timestamps,
                        interrupt: self.rows.interrupt,
                    })?);
                }
                "timestamp" | "value" => {
                    let message = format!("unexpected `{key}` in a GROUPED row");
                    return Err(de::Error::custom(message));
                }
                _ => add_member(&mut self.rows.members, key, &mut map)?,
            }
        }
        let points = points.ok_or_else(|| de::Error::missing_field("points"))?;
        self.rows.add_points(points).map_err(de::Error::custom)
    }
}

/// Deserializes the points of a GROUPED row.
///
/// The points go into a buffer of their own, because the labels may follow them in the row.
struct PointsSeed<'a> {
    /// The timestamp of the previous point.
    timestamps: &'a mut TimestampCache,
    /// Stops the decoding after the deadline.
    interrupt: &'a Interrupt<'a>,
}

impl<'de> DeserializeSeed<'de> for PointsSeed<'_> {
    type Value = PointBuffer;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PointBuffer, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PointsSeed<'_> {
    type Value = PointBuffer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PointBuffer, A::Error> {
        let mut points = PointBuffer::default();
        while let Some(point) = seq.next_element_seed(PointSeed {
            timestamps: &mut *self.timestamps,
        })? {
            self.interrupt.step().map_err(de::Error::custom)?;
            points.push(point.timestamp, point.value);
        }
        Ok(points)
    }
}

/// Deserializes a point of a GROUPED row.
///
/// Fields other than `timestamp` and `value` are skipped.
struct PointSeed<'a> {
    /// The timestamp of the previous point.
    timestamps: &'a mut TimestampCache,
}

impl<'de> DeserializeSeed<'de> for PointSeed<'_> {
    type Value = RowPoint;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RowPoint, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PointSeed<'_> {
    type Value = RowPoint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point with a `timestamp` and a `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowPoint, A::Error> {
        let mut point = PointBuilder::default();
        while let Some(JsonStr(key)) = map.next_key()? {
            match &*key {
                "timestamp" => point.set_timestamp(&mut map, self.timestamps)?,
                "value" => point.set_value(&mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        point.finish().map_err(de::Error::missing_field)
    }
}
