//! Bytes of an answer become series and lists. No input or output happens here.

mod descriptor;
pub(crate) mod error;
pub(crate) mod error_body;
pub(crate) mod export;
pub(crate) mod exposition;
pub(crate) mod fast;
pub(crate) mod json;
pub(crate) mod lexer;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::str::Utf8Error;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::decode::error::DecodeError;
use crate::decode::error_body::sniff_markup;
use crate::decode::fast::FastReader;
use crate::decode::json::{Items, JsonStr, MAX_MEMBERS, Member, RawObject, add_member};
use crate::model::descriptor::{MetricDescriptor, ResourceDescriptor};
use crate::model::labels::{LabelIndex, Labels};
use crate::model::series::{Conflict, PointBuffer, Series};
use crate::request::discovery::TargetGroup;
use crate::time::deadline::{Deadline, Interrupt};
use crate::time::timestamp::Timestamp;

/// One answer to a query.
#[derive(Debug)]
pub(crate) struct QueryPage {
    /// Each set of labels once, in the order of the answer.
    pub(crate) series: Vec<Series>,
    /// How many rows the answer has.
    pub(crate) rows: usize,
    /// The limit that the service says it went by.
    pub(crate) page_size: Option<u64>,
    pub(crate) next: NextPage,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct ListPage<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: NextPage,
}

/// Where the rest of a list is, as its answer says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct NextPage {
    pub(crate) token: Option<String>,
    pub(crate) link: Option<String>,
}

/// Reads the answer to a query that asked for the format GROUPED or FLAT.
///
/// Goes by the format that was asked for, never by a guess from the body: no data looks the same in both.
pub(crate) fn query_page(
    body: &[u8],
    grouped: bool,
    deadline: &Deadline,
) -> Result<QueryPage, DecodeError> {
    let what = if grouped {
        "a GROUPED query answer"
    } else {
        "a FLAT query answer"
    };
    decode(body, what, deadline, |text, interrupt| {
        match decode_fast(text, grouped, interrupt) {
            Some((rows, beside)) => into_page(rows, beside),
            None => {
                // If the deadline has passed, another reader cannot help.
                interrupt.check()?;
                let mut rows = SeriesBuilder::new(interrupt);
                let ((), beside) = decode_response(
                    text,
                    RowsSeed {
                        rows: &mut rows,
                        grouped,
                    },
                )?;
                into_page(rows, beside)
            }
        }
    })
}

/// Decodes a body of JSON. If `read` fails, the error says that the body is not `what`.
fn decode<T>(
    body: &[u8],
    what: &str,
    deadline: &Deadline,
    read: impl FnOnce(&str, &Interrupt<'_>) -> Result<T, String>,
) -> Result<T, DecodeError> {
    let interrupt = Interrupt::new(deadline);
    let result = json_text(body)
        .map_err(|error| error.to_string())
        .and_then(|text| read(text, &interrupt));
    result.map_err(|why| {
        if interrupt.has_stopped() {
            DecodeError::Interrupted
        } else {
            DecodeError::Invalid(unexpected_body(body, what, &why))
        }
    })
}

/// Returns the text of a body without a byte order mark, which some proxies and mock servers put in front.
///
/// The whole text is checked here, so that no string in it has to be checked again.
fn json_text(body: &[u8]) -> Result<&str, Utf8Error> {
    let text = std::str::from_utf8(body)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Reads an answer in any JSON: what `data` makes of its rows, and what stands beside them.
fn decode_response<'de, S: DeserializeSeed<'de>>(
    text: &'de str,
    data: S,
) -> Result<(S::Value, Envelope), String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let (data, rest) = ResponseSeed { data }
        .deserialize(&mut json)
        .map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    Ok((data, rest.read()?))
}

/// Reads an answer in the JSON that printers make, twice as fast; `None` where it is any other, faulty or not.
fn decode_fast<'t>(
    text: &'t str,
    grouped: bool,
    interrupt: &'t Interrupt<'_>,
) -> Option<(SeriesBuilder<'t>, Envelope)> {
    let mut json = FastReader::new(text);
    let mut rows = SeriesBuilder::new(interrupt);
    // An answer with white space in front is left to the other reader, so that tests can compare the two.
    if !text.starts_with('{')
        || !json.consume("{")
        || !json.consume("\"data\":")
        || !json.consume("[")
    {
        return None;
    }
    if !json.consume("]") {
        loop {
            match grouped {
                true => rows.parse_group(&mut json)?,
                false => rows.parse_row(&mut json)?,
            }
            if !json.consume(",") {
                break;
            }
        }
        if !json.consume("]") {
            return None;
        }
    }
    // What follows the rows is short, and may be anything.
    let rest = format!("{{\"data\":[]{}", json.rest());
    let ((), beside) = decode_response(
        &rest,
        RowsSeed {
            rows: &mut SeriesBuilder::new(interrupt),
            grouped,
        },
    )
    .ok()?;
    Some((rows, beside))
}

fn into_page(
    rows: SeriesBuilder<'_>,
    Envelope { page_size, next }: Envelope,
) -> Result<QueryPage, String> {
    let count = rows.rows_read;
    Ok(QueryPage {
        series: rows.into_series()?,
        rows: count,
        page_size,
        next,
    })
}

/// Reads one page of the answer to a query for attributes.
#[inline]
pub(crate) fn attributes(
    body: &[u8],
    deadline: &Deadline,
) -> Result<ListPage<Labels>, DecodeError> {
    decode_list(body, "a list of attributes", deadline, |row, _| {
        labels_from_members(row.members())
    })
}

/// Reads one page of the list of metrics.
#[inline]
pub(crate) fn metric_descriptors(
    body: &[u8],
    deadline: &Deadline,
) -> Result<ListPage<MetricDescriptor>, DecodeError> {
    decode_list(
        body,
        "a list of metric descriptors",
        deadline,
        descriptor::metric_descriptor,
    )
}

/// Reads one page of the list of resource types.
#[inline]
pub(crate) fn resource_descriptors(
    body: &[u8],
    deadline: &Deadline,
) -> Result<ListPage<ResourceDescriptor>, DecodeError> {
    decode_list(
        body,
        "a list of resource descriptors",
        deadline,
        descriptor::resource_descriptor,
    )
}

fn decode_list<T>(
    body: &[u8],
    what: &str,
    deadline: &Deadline,
    item: fn(&RawObject<'_>, &Interrupt<'_>) -> Result<T, String>,
) -> Result<ListPage<T>, DecodeError> {
    decode(body, what, deadline, |text, interrupt| {
        let item = |row: RawObject<'_>| item(&row, interrupt);
        let (items, beside) = decode_response(text, Items::new(item, interrupt))?;
        Ok(ListPage {
            items: items?,
            next: beside.next,
        })
    })
}

/// Decodes the response to a discovery request.
#[inline]
pub(crate) fn target_groups(
    body: &[u8],
    deadline: &Deadline,
) -> Result<Vec<TargetGroup>, DecodeError> {
    decode(
        body,
        "a list of target groups",
        deadline,
        |text, interrupt| {
            let group = |group: RawObject<'_>| {
                let members = group.object("labels")?.unwrap_or_default();
                Ok(TargetGroup::new(
                    group.strings("targets", interrupt)?,
                    labels_from_members(members.members())?,
                ))
            };
            Items::new(group, interrupt)
                .read(text)
                .map_err(|error| error.to_string())?
        },
    )
}

/// Says why a response with status 200 is not `expected`.
pub(crate) fn unexpected_body(body: &[u8], expected: &str, why: &dyn fmt::Display) -> String {
    match sniff_markup(body) {
        Some(page) => {
            format!("expected {expected}, found {page}, most likely from a proxy or a login page")
        }
        None => format!("the answer is not {expected}: {why}"),
    }
}

/// Text of two points that contradict each other.
pub(crate) fn conflict_message(labels: &Labels, conflict: &Conflict) -> String {
    let (a, b) = conflict.values;
    format!(
        "the series {labels} has two values at {}: {a} and {b}",
        conflict.timestamp
    )
}

/// The rows read so far, as series.
struct SeriesBuilder<'de> {
    series: Vec<PartialSeries>,
    index: LabelIndex,
    /// The label members of the first row of each series, one after the other. As long as further rows have them in the same
    /// words, nothing has to be decoded.
    first_members: Vec<Member<'de>>,
    /// Where each series has its part of them; none of them if every row is a series.
    first_ranges: Vec<Range<usize>>,
    /// The series of the row before.
    current: usize,
    /// How many rows were read.
    rows_read: usize,
    /// The label members of the row being read; kept here so that its memory serves every row.
    members: Vec<Member<'de>>,
    times: TimestampCache,
    interrupt: &'de Interrupt<'de>,
}

struct PartialSeries {
    labels: Labels,
    buffer: PointBuffer,
}

impl<'de> SeriesBuilder<'de> {
    fn new(interrupt: &'de Interrupt<'_>) -> Self {
        Self {
            series: Vec::new(),
            index: LabelIndex::default(),
            first_members: Vec::new(),
            first_ranges: Vec::new(),
            current: 0,
            rows_read: 0,
            members: Vec::new(),
            times: TimestampCache::default(),
            interrupt,
        }
    }

    /// Adds the point of a FLAT row whose labels were just read.
    fn add_point(&mut self, point: RowPoint) -> Result<(), String> {
        self.interrupt.step()?;
        self.rows_read += 1;
        // Rows come group by group, or time by time with the groups in the same order each time:
        // the series is the one before or the one after that, and nothing has to be hashed.
        let guesses = [self.current + 1, self.current, 0];
        self.current = match guesses
            .into_iter()
            .find(|series| self.begins_with_members(*series))
        {
            Some(series) => series,
            None => {
                let series = self.find_or_insert()?;
                if series == self.first_ranges.len() {
                    let start = self.first_members.len();
                    self.first_members.extend_from_slice(&self.members);
                    self.first_ranges.push(start..self.first_members.len());
                }
                series
            }
        };
        self.series[self.current]
            .buffer
            .push(point.timestamp, point.value);
        Ok(())
    }

    /// Returns true if the first row of a series had the label members of the row being read.
    #[inline]
    fn begins_with_members(&self, series: usize) -> bool {
        self.first_ranges
            .get(series)
            .is_some_and(|range| self.first_members[range.clone()] == *self.members)
    }

    /// Adds the points of a group whose labels were just read.
    fn add_points(&mut self, mut points: PointBuffer) -> Result<(), String> {
        self.interrupt.step()?;
        self.rows_read += 1;
        points.shrink_to_fit();
        let series = self.find_or_insert()?;
        self.series[series].buffer.append(points);
        Ok(())
    }

    /// Finds the series of the row being read by its labels, or begins one.
    fn find_or_insert(&mut self) -> Result<usize, String> {
        let labels = labels_from_members(&self.members)?;
        let number = self.index.get_or_insert(&labels);
        if number == self.series.len() {
            self.series.push(PartialSeries {
                labels,
                buffer: PointBuffer::default(),
            });
        }
        Ok(number)
    }

    fn into_series(self) -> Result<Vec<Series>, String> {
        let Self {
            series,
            index,
            interrupt,
            ..
        } = self;
        drop(index);
        let finish = |PartialSeries { labels, buffer }: PartialSeries| {
            interrupt.step()?;
            let name = labels.clone();
            Series::new(labels, buffer).map_err(|conflict| conflict_message(&name, &conflict))
        };
        series.into_iter().map(finish).collect()
    }

    /// Reads a row of a FLAT answer.
    fn parse_row(&mut self, json: &mut FastReader<'de>) -> Option<()> {
        self.members.clear();
        let mut point = PointBuilder::default();
        self.parse_members(json, |rows, json| point.take_member(json, &mut rows.times))?;
        let point = point.finish().ok()?;
        self.add_point(point).ok()
    }

    /// Reads a row of a GROUPED answer.
    fn parse_group(&mut self, json: &mut FastReader<'de>) -> Option<()> {
        self.members.clear();
        let mut points = None;
        self.parse_members(json, |rows, json| {
            if points.is_some() || !json.consume("\"points\":") {
                return Some(false);
            }
            points = Some(rows.times.take_points(json, rows.interrupt)?);
            Some(true)
        })?;
        self.add_points(points?).ok()
    }

    /// Reads the members of a row: those that `take_own` takes, and labels.
    fn parse_members(
        &mut self,
        json: &mut FastReader<'de>,
        mut take_own: impl FnMut(&mut Self, &mut FastReader<'de>) -> Option<bool>,
    ) -> Option<()> {
        if !json.consume("{") {
            return None;
        }
        loop {
            if !take_own(self, json)? {
                let name = json.string()?;
                let name = name.get(1..name.len() - 1)?;
                // Whatever needs a look at what it means is left to the other reader.
                if matches!(name, "timestamp" | "value" | "points")
                    || !json.consume(":")
                    || self.members.len() == MAX_MEMBERS
                {
                    return None;
                }
                self.members.push((Cow::Borrowed(name), json.string()?));
            }
            if !json.consume(",") {
                return json.consume("}").then_some(());
            }
        }
    }
}

/// The labels that the members of a row make.
fn labels_from_members(members: &[Member<'_>]) -> Result<Labels, String> {
    let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(members.len());
    for (name, json) in members {
        if let Some(value) = label_value(json).map_err(|error| error.to_string())? {
            pairs.push((name, value));
        }
    }
    pairs.sort_unstable();
    for pair in pairs.windows(2) {
        if let [(name, _), (next, _)] = pair {
            if name == next {
                return Err(format!("a row has the label {name:?} twice"));
            }
        }
    }
    Labels::new(pairs).ok_or_else(|| "a row has labels of gigabytes".into())
}

/// The text of a label: a string's, or the JSON of a number or a boolean; anything else is no label.
fn label_value(json: &str) -> Result<Option<Cow<'_, str>>, serde_json::Error> {
    match json.as_bytes().first() {
        Some(b'"') if json.contains('\\') => {
            serde_json::from_str(json).map(|text: String| Some(Cow::Owned(text)))
        }
        Some(b'"') => Ok(json.get(1..json.len() - 1).map(Cow::Borrowed)),
        Some(b'n' | b'[' | b'{') | None => Ok(None),
        Some(_) => Ok(Some(Cow::Borrowed(json))),
    }
}

/// The whole answer: gives what is made of its data, and what stands beside that.
struct ResponseSeed<S> {
    data: S,
}

/// What stands beside the data, as it came.
#[derive(Default)]
struct RawEnvelope<'de> {
    meta: Option<&'de RawValue>,
    links: Option<&'de RawValue>,
    errors: Option<&'de RawValue>,
    error: Option<&'de RawValue>,
}

/// What an answer says beside its data.
struct Envelope {
    page_size: Option<u64>,
    next: NextPage,
}

impl RawEnvelope<'_> {
    /// Anything may be left out or null; what is there has to make sense, or a page might be missed.
    fn read(&self) -> Result<Envelope, String> {
        for said in [self.errors, self.error]
            .into_iter()
            .flatten()
            .map(RawValue::get)
        {
            if !says_nothing(said) {
                return Err(format!("it tells of errors beside its data: {said}"));
            }
        }
        let pagination = envelope_member("meta", self.meta)?
            .object("pagination")?
            .unwrap_or_default();
        // Some services say "no more" with an empty string.
        let token = pagination
            .string("next_page_token")?
            .filter(|token| !token.is_empty());
        let link = envelope_member("links", self.links)?
            .string("next")?
            .filter(|link| !link.is_empty());
        let page_size = pagination
            .find("page_size")
            .and_then(|size| size.parse().ok());
        Ok(Envelope {
            page_size,
            next: NextPage { token, link },
        })
    }
}

/// Returns true for `null`, an empty string, and a list or an object without a member, with or without blanks in it.
fn says_nothing(json: &str) -> bool {
    let is_empty = |open, close| {
        json.strip_prefix(open)
            .is_some_and(|rest| rest.trim_start().starts_with(close))
    };
    json == "null" || is_empty('"', '"') || is_empty('[', ']') || is_empty('{', '}')
}

fn envelope_member<'de>(name: &str, json: Option<&'de RawValue>) -> Result<RawObject<'de>, String> {
    match json.map(RawValue::get) {
        None | Some("null") => Ok(RawObject::default()),
        Some(json) => RawObject::read(json).map_err(|_| format!("`{name}` is not an object")),
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ResponseSeed<S> {
    type Value = (S::Value, RawEnvelope<'de>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for ResponseSeed<S> {
    type Value = (S::Value, RawEnvelope<'de>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list named `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut seed, mut data) = (Some(self.data), None);
        let mut rest = RawEnvelope::default();
        let once = |name, member: &mut Option<&'de RawValue>, map: &mut A| match member
            .replace(map.next_value()?)
        {
            None => Ok(()),
            Some(_) => Err(de::Error::duplicate_field(name)),
        };
        while let Some(JsonStr(key)) = map.next_key()? {
            match &*key {
                "data" => {
                    let seed = seed
                        .take()
                        .ok_or_else(|| de::Error::duplicate_field("data"))?;
                    data = Some(map.next_value_seed(seed)?);
                }
                "meta" => once("meta", &mut rest.meta, &mut map)?,
                "links" => once("links", &mut rest.links, &mut map)?,
                "errors" => once("errors", &mut rest.errors, &mut map)?,
                "error" => once("error", &mut rest.error, &mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((data.ok_or_else(|| de::Error::missing_field("data"))?, rest))
    }
}

/// The list of rows of an answer to a query.
struct RowsSeed<'a, 'de> {
    rows: &'a mut SeriesBuilder<'de>,
    grouped: bool,
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
        if self.grouped {
            while seq
                .next_element_seed(GroupSeed { rows: self.rows })?
                .is_some()
            {}
        } else {
            while seq
                .next_element_seed(RowSeed { rows: self.rows })?
                .is_some()
            {}
        }
        Ok(())
    }
}

/// A row of a FLAT answer: one point and its labels.
struct RowSeed<'a, 'de> {
    rows: &'a mut SeriesBuilder<'de>,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row with a `timestamp` and a `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut point = PointBuilder::default();
        self.rows.members.clear();
        while let Some(JsonStr(key)) = map.next_key()? {
            match &*key {
                "timestamp" => point.take_timestamp(&mut map, &mut self.rows.times)?,
                "value" => point.take_value(&mut map)?,
                "points" => return Err(de::Error::custom("a FLAT answer has a row with `points`")),
                _ => add_member(&mut self.rows.members, key, &mut map)?,
            }
        }
        let point = point.finish().map_err(de::Error::missing_field)?;
        self.rows.add_point(point).map_err(de::Error::custom)
    }
}

/// A row of a GROUPED answer: the labels of a series and all its points.
struct GroupSeed<'a, 'de> {
    rows: &'a mut SeriesBuilder<'de>,
}

impl<'de> DeserializeSeed<'de> for GroupSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for GroupSeed<'_, 'de> {
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
                    let list = PointsSeed {
                        times: &mut self.rows.times,
                        interrupt: self.rows.interrupt,
                    };
                    points = Some(map.next_value_seed(list)?);
                }
                "timestamp" | "value" => {
                    return Err(de::Error::custom(format_args!(
                        "a GROUPED answer has a row with `{key}`"
                    )));
                }
                _ => add_member(&mut self.rows.members, key, &mut map)?,
            }
        }
        let points = points.ok_or_else(|| de::Error::missing_field("points"))?;
        self.rows.add_points(points).map_err(de::Error::custom)
    }
}

struct PointsSeed<'a> {
    times: &'a mut TimestampCache,
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
        while let Some(point) = seq.next_element_seed(GroupPoint { times: self.times })? {
            self.interrupt.step().map_err(de::Error::custom)?;
            points.push(point.timestamp, point.value);
        }
        Ok(points)
    }
}

/// A point in the list of a group.
struct GroupPoint<'a> {
    times: &'a mut TimestampCache,
}

impl<'de> DeserializeSeed<'de> for GroupPoint<'_> {
    type Value = RowPoint;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RowPoint, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for GroupPoint<'_> {
    type Value = RowPoint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point with a `timestamp` and a `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowPoint, A::Error> {
        let mut point = PointBuilder::default();
        while let Some(JsonStr(key)) = map.next_key()? {
            match &*key {
                "timestamp" => point.take_timestamp(&mut map, self.times)?,
                "value" => point.take_value(&mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        point.finish().map_err(de::Error::missing_field)
    }
}

/// A point as the service sends it; without a value if that is null.
#[derive(Clone, Copy)]
struct RowPoint {
    timestamp: Timestamp,
    value: Option<f64>,
}

/// The members of a point, in whichever order they come.
#[derive(Default)]
struct PointBuilder {
    timestamp: Option<Timestamp>,
    value: Option<ExactF64>,
}

impl PointBuilder {
    fn take_timestamp<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        times: &mut TimestampCache,
    ) -> Result<(), A::Error> {
        let JsonStr(text) = map.next_value()?;
        let parsed = times.read(&text).map_err(|why| {
            de::Error::custom(format_args!(
                "the timestamp \"{text}\" cannot be read: {why}"
            ))
        })?;
        reject_duplicate("timestamp", self.timestamp.replace(parsed).is_none())
    }

    fn take_value<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        reject_duplicate("value", self.value.replace(map.next_value()?).is_none())
    }

    /// Reads a member of a point in plain JSON, if it is one.
    #[inline]
    fn take_member(
        &mut self,
        json: &mut FastReader<'_>,
        times: &mut TimestampCache,
    ) -> Option<bool> {
        if self.timestamp.is_none() && json.consume("\"timestamp\":") {
            let text = json.string()?;
            self.timestamp = Some(times.read(text.get(1..text.len() - 1)?).ok()?);
            return Some(true);
        }
        if self.value.is_none() && json.consume("\"value\":") {
            self.value = Some(ExactF64(if json.consume("null") {
                None
            } else {
                Some(json.number()?)
            }));
            return Some(true);
        }
        Some(false)
    }

    /// Returns the point, or the name of the member that is missing.
    #[inline]
    fn finish(self) -> Result<RowPoint, &'static str> {
        let timestamp = self.timestamp.ok_or("timestamp")?;
        let ExactF64(value) = self.value.ok_or("value")?;
        Ok(RowPoint { timestamp, value })
    }
}

fn reject_duplicate<E: de::Error>(member: &str, is_new: bool) -> Result<(), E> {
    if is_new {
        Ok(())
    } else {
        Err(E::custom(format_args!("a point has `{member}` twice")))
    }
}

/// Reads times by what they share with the one before: all of it, or the date.
struct TimestampCache {
    last_text: [u8; 20],
    last: Timestamp,
}

impl TimestampCache {
    /// Reads the list of a group's points in plain JSON.
    fn take_points(
        &mut self,
        json: &mut FastReader<'_>,
        interrupt: &Interrupt<'_>,
    ) -> Option<PointBuffer> {
        if !json.consume("[") {
            return None;
        }
        let mut points = PointBuffer::default();
        if json.consume("]") {
            return Some(points);
        }
        loop {
            interrupt.step().ok()?;
            let point = self.take_point(json)?;
            points.push(point.timestamp, point.value);
            if !json.consume(",") {
                return json.consume("]").then_some(points);
            }
        }
    }

    /// Reads a point of which nothing but its two members is there.
    #[inline]
    fn take_point(&mut self, json: &mut FastReader<'_>) -> Option<RowPoint> {
        if !json.consume("{") {
            return None;
        }
        let mut point = PointBuilder::default();
        loop {
            if !point.take_member(json, self)? {
                return None;
            }
            if !json.consume(",") {
                break;
            }
        }
        if !json.consume("}") {
            return None;
        }
        point.finish().ok()
    }

    fn read(&mut self, text: &str) -> Result<Timestamp, &'static str> {
        let Ok(bytes) = <&[u8; 20]>::try_from(text.as_bytes()) else {
            return Timestamp::parse(text);
        };
        if *bytes != self.last_text {
            self.last = match self.last.with_time_of_day(&self.last_text, bytes) {
                Some(at) => at,
                None => Timestamp::parse(text)?,
            };
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

/// A JSON number, rounded correctly to the nearest `f64`; null is none.
///
/// It is read from its own text, since what serde_json gives may be off in the last digit.
struct ExactF64(Option<f64>);

impl<'de> Deserialize<'de> for ExactF64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        if text == "null" {
            return Ok(Self(None));
        }
        match fast::number(text.as_bytes()) {
            Some((number, length)) if length == text.len() => Ok(Self(Some(number))),
            _ => Err(de::Error::custom(format_args!(
                "the value {text} is not a number that fits"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
        (0..count).map(row).collect::<Vec<_>>().join(",")
    }

    fn flat_row(topic: &str, second: usize) -> String {
        let at = Timestamp::from_second(second as i64).unwrap();
        format!(r#"{{"timestamp":"{at}","value":1.0,"metric.topic":"{topic}"}}"#)
    }

    #[test]
    fn decoding_stops_when_the_deadline_has_passed() {
        let passed = Deadline::after(Duration::ZERO);
        let flat = rows(5000, |row| flat_row("a", row));
        let groups = rows(5000, |row| {
            format!(r#"{{"metric.topic":"{row}","points":[]}}"#)
        });
        let points = rows(5000, |row| {
            format!(r#"{{"timestamp":"1970-01-01T00:00:00Z","value":{row}}}"#)
        });
        let bodies = [
            (false, flat),
            (true, groups),
            (true, format!(r#"{{"points":[{points}]}}"#)),
        ];
        for (grouped, rows) in bodies {
            // The space in front takes the fast reader out of the way.
            for space in ["", " "] {
                let body = format!(r#"{space}{{"data":[{rows}]}}"#);
                let result = query_page(body.as_bytes(), grouped, &passed);
                assert_eq!(result.unwrap_err(), DecodeError::Interrupted);
            }
        }
        let data = |rows: &str| format!(r#"{{"data":[{rows}]}}"#);
        let labels = data(&rows(5000, |_| "{}".into()));
        assert_eq!(
            attributes(labels.as_bytes(), &passed).unwrap_err(),
            DecodeError::Interrupted
        );
        let types = data(&rows(5000, |row| format!(r#"{{"type":"{row}"}}"#)));
        assert_eq!(
            resource_descriptors(types.as_bytes(), &passed).unwrap_err(),
            DecodeError::Interrupted
        );
        let names = rows(5000, |row| format!(r#""{row}""#));
        let keys = rows(5000, |row| format!(r#"{{"key":"{row}"}}"#));
        for long in [
            format!(r#""resources":[{names}]"#),
            format!(r#""labels":[{keys}]"#),
        ] {
            let metric = data(&format!(r#"{{"name":"a",{long}}}"#));
            assert_eq!(
                metric_descriptors(metric.as_bytes(), &passed).unwrap_err(),
                DecodeError::Interrupted
            );
        }
        let groups = format!("[{}]", rows(5000, |_| "{}".into()));
        assert_eq!(
            target_groups(groups.as_bytes(), &passed).unwrap_err(),
            DecodeError::Interrupted
        );
    }

    #[test]
    fn after_the_deadline_no_second_reader_begins() {
        // White space makes the fast reader leave the body to the other one.
        let error = query_page(b" {", true, &Deadline::after(Duration::ZERO)).unwrap_err();
        assert_eq!(error, DecodeError::Interrupted);
        assert!(matches!(
            query_page(b" {", true, &Deadline::never()),
            Err(DecodeError::Invalid(_))
        ));
    }

    #[test]
    fn lists_skip_a_byte_order_mark_and_are_refused_with_an_error_beside_them() {
        type List = fn(&[u8]) -> Result<usize, DecodeError>;
        let lists: [(List, &str); 3] = [
            (
                |body| attributes(body, &Deadline::never()).map(|page| page.items.len()),
                r#"{"a":"b"}"#,
            ),
            (
                |body| metric_descriptors(body, &Deadline::never()).map(|page| page.items.len()),
                r#"{"name":"a"}"#,
            ),
            (
                |body| resource_descriptors(body, &Deadline::never()).map(|page| page.items.len()),
                r#"{"type":"a"}"#,
            ),
        ];
        for (read, item) in lists {
            assert_eq!(
                read(format!("\u{feff}{{\"data\":[{item}]}}").as_bytes()),
                Ok(1)
            );
            assert_eq!(
                read(format!(r#"{{"data":[{item}],"error":null}}"#).as_bytes()),
                Ok(1)
            );
            for said in [
                r#""error":{"code":500}"#,
                r#""error":"x""#,
                r#""errors":["x"]"#,
            ] {
                let error = read(format!(r#"{{"data":[{item}],{said}}}"#).as_bytes()).unwrap_err();
                let DecodeError::Invalid(why) = error else {
                    panic!("{error:?}")
                };
                assert!(why.contains("it tells of errors beside its data"), "{why}");
            }
        }
        assert_eq!(
            target_groups("\u{feff}[{}]".as_bytes(), &Deadline::never()).map(|groups| groups.len()),
            Ok(1)
        );
        assert!(target_groups(br#"{"error":"x"}"#, &Deadline::never()).is_err());
    }

    /// Rows that alternate between one series and new ones, rows of series in turn, and rows series by series.
    #[test]
    fn the_points_of_rows_in_any_order_take_memory_in_proportion() {
        let orders: [fn(usize) -> String; 3] = [
            |row| {
                if row % 2 == 0 {
                    "one".into()
                } else {
                    format!("new{row}")
                }
            },
            |row| format!("t{}", row % 50),
            |row| format!("t{}", row / 50),
        ];
        let never = Deadline::never();
        for order in orders {
            let body = format!(
                r#"{{"data":[{}]}}"#,
                rows(10_000, |row| flat_row(&order(row), row))
            );
            for fast in [true, false] {
                let interrupt = Interrupt::new(&never);
                let rows = if fast {
                    decode_fast(&body, false, &interrupt).unwrap().0
                } else {
                    let mut rows = SeriesBuilder::new(&interrupt);
                    decode_response(
                        &body,
                        RowsSeed {
                            rows: &mut rows,
                            grouped: false,
                        },
                    )
                    .unwrap();
                    rows
                };
                let held: usize = rows
                    .series
                    .iter()
                    .map(|series| series.buffer.capacity())
                    .sum();
                assert!(
                    held <= 10_000 * 3 / 2 + 4 * rows.series.len(),
                    "{held} for {}",
                    order(1)
                );
            }
            let page = query_page(body.as_bytes(), false, &never).unwrap();
            assert_eq!(
                page.series
                    .iter()
                    .map(|series| series.points().len())
                    .sum::<usize>(),
                10_000
            );
        }
    }
}
