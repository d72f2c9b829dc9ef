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

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::decode::json::{JsonStr, Member, add_member, labels_from_members};
use crate::model::labels::{LabelIndex, Labels};
use crate::model::series::{Conflict, PointBuffer, Series};
use crate::request::query::RowFormat;
use crate::time::deadline::Interrupt;
use crate::time::timestamp::Timestamp;

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
            .find(|series| self.starts_with_members(*series));
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
            let series = Series::new(labels.clone(), points);
            finished.push(series.map_err(|conflict| conflict_message(&labels, &conflict))?);
        }
        Ok(finished)
    }

    /// Returns true if the first row of a series had the label members of the row being read.
    ///
    /// The JSON is compared byte by byte. Labels in another order or with other escapes are found
    /// by [`find_or_insert`](Self::find_or_insert) instead.
    #[inline]
    fn starts_with_members(&self, series: usize) -> bool {
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

/// A point as the service sends it. A null value is `None`.
#[derive(Clone, Copy)]
pub(crate) struct RowPoint {
    /// The start of the bucket.
    pub(crate) timestamp: Timestamp,
    /// The value of the bucket, which is finite.
    pub(crate) value: Option<f64>,
}

/// The fields of a point, which may be in any order.
///
/// A repeated or missing field is an error with the name of the field, as derived code of `serde`
/// reports it.
#[derive(Default)]
struct PointBuilder {
    /// `None` until the timestamp is read.
    timestamp: Option<Timestamp>,
    /// `None` until the value is read. A null is `Some(ExactF64(None))`.
    value: Option<ExactF64>,
}

impl PointBuilder {
    /// Reads the timestamp. A second one is an error.
    fn set_timestamp<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        timestamps: &mut TimestampCache,
    ) -> Result<(), A::Error> {
        let JsonStr(text) = map.next_value()?;
        let timestamp = timestamps.parse(&text).map_err(|reason| {
            de::Error::custom(format_args!("invalid timestamp {text:?}: {reason}"))
        })?;
        match self.timestamp.replace(timestamp) {
            None => Ok(()),
            Some(_) => Err(de::Error::duplicate_field("timestamp")),
        }
    }

    /// Reads the value. A second one is an error.
    fn set_value<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        match self.value.replace(map.next_value()?) {
            None => Ok(()),
            Some(_) => Err(de::Error::duplicate_field("value")),
        }
    }

    /// Returns the point, or the name of the missing field.
    fn finish(self) -> Result<RowPoint, &'static str> {
        let timestamp = self.timestamp.ok_or("timestamp")?;
        let ExactF64(value) = self.value.ok_or("value")?;
        Ok(RowPoint { timestamp, value })
    }
}

/// Parses timestamps, and reuses the previous one as far as the text is the same.
///
/// Rows repeat a time or the date of the previous row.
///
/// ```text
/// 2026-01-01T00:00:00Z    parsed
/// 2026-01-01T00:00:00Z    the previous timestamp
/// 2026-01-01T00:01:00Z    the date of the previous timestamp with a parsed time of day
/// ```
pub(crate) struct TimestampCache {
    /// The previous text of this length, usually `YYYY-MM-DDTHH:MM:SSZ`.
    last_text: [u8; 20],
    /// The timestamp that `last_text` was parsed to.
    last: Timestamp,
}

impl TimestampCache {
    /// Parses an RFC 3339 timestamp. An error is a short description of the problem.
    pub(crate) fn parse(&mut self, text: &str) -> Result<Timestamp, &'static str> {
        // Texts of other lengths have an offset or a fraction. They are rare and not kept.
        let Ok(bytes) = <&[u8; 20]>::try_from(text.as_bytes()) else {
            return Timestamp::parse(text);
        };
        if *bytes != self.last_text {
            self.last = match self.last.with_time_of_day(&self.last_text, bytes) {
                Some(timestamp) => timestamp,
                None => Timestamp::parse(text)?,
            };
            // The text is set last, so that an invalid one does not replace it.
            self.last_text = *bytes;
        }
        Ok(self.last)
    }
}

impl Default for TimestampCache {
    fn default() -> Self {
        Self {
            last_text: *b"1970-01-01T00:00:00Z",
            last: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A JSON number, rounded correctly to the nearest `f64`. Null is `None`.
///
/// It is parsed from its own text, because `serde_json` without its feature `float_roundtrip` may
/// be off in the last digit.
struct ExactF64(Option<f64>);

impl<'de> Deserialize<'de> for ExactF64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text of a string has its quotes, so that `"7"` is not a number.
        let text = <&RawValue>::deserialize(deserializer)?.get();
        if text == "null" {
            return Ok(Self(None));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self(Some(value))),
            _ => Err(de::Error::custom(format_args!(
                "value {text} is not a finite number"
            ))),
        }
    }
}
