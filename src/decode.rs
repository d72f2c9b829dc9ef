//! Bytes of an answer become series and lists. No input or output happens here.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::mem::take;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::descriptor::{MetricDescriptor, ResourceDescriptor};
use crate::error_body::sniff_markup;
use crate::labels::{LabelIndex, Labels};
use crate::object::{MAX_MEMBERS, Member, Object, Text, add_member, items};
use crate::plain::{self, Plain};
use crate::series::{Conflict, Point, Series, settle};
use crate::timestamp::Timestamp;

/// One answer to a query.
#[derive(Debug)]
pub(crate) struct QueryPage {
    /// Each set of labels once, in the order of the answer.
    pub(crate) series: Vec<Series>,
    /// How many rows the answer has.
    pub(crate) rows: usize,
    /// The limit that the service says it went by.
    pub(crate) page_size: Option<u64>,
    pub(crate) next: Next,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct ListPage<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Next,
}

/// Where the rest of a list is, as its answer says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Next {
    pub(crate) token: Option<String>,
    pub(crate) link: Option<String>,
}

/// Reads the answer to a query that asked for the format GROUPED or FLAT.
///
/// Goes by the format that was asked for, never by a guess from the body: no data looks the same in both.
pub(crate) fn query_page(body: &[u8], grouped: bool) -> Result<QueryPage, String> {
    let what = if grouped { "a GROUPED query answer" } else { "a FLAT query answer" };
    // Checked once here, so that no string in it has to be checked again.
    let text = std::str::from_utf8(body).map_err(|error| unexpected_body(body, what, &error))?;
    match plain_answer(text, grouped) {
        Some((rows, beside)) => finish(rows, beside),
        None => {
            let mut rows = Rows::default();
            answer(text, RowList { rows: &mut rows, grouped }).and_then(|((), beside)| finish(rows, beside))
        }
    }
    .map_err(|why| unexpected_body(body, what, &why))
}

/// Reads an answer in any JSON: what `data` makes of its rows, and what stands beside them.
fn answer<'de, S: DeserializeSeed<'de>>(text: &'de str, data: S) -> Result<(S::Value, Beside), String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let (data, rest) = Answer { data }.deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    Ok((data, rest.read()?))
}

/// Reads an answer in the JSON that printers make, twice as fast; `None` where it is any other, faulty or not.
fn plain_answer(text: &str, grouped: bool) -> Option<(Rows<'_>, Beside)> {
    let mut json = Plain::new(text);
    let mut rows = Rows::default();
    // An answer with white space in front is left to the other reader, so that tests can compare the two.
    if !text.starts_with('{') || !json.eat("{") || !json.eat("\"data\":") || !json.eat("[") {
        return None;
    }
    if !json.eat("]") {
        if !grouped {
            rows.total = rows_in(json.rest());
            rows.end = &text.as_bytes()[text.len().saturating_sub(LONGEST_END)..];
        }
        loop {
            match grouped {
                true => rows.take_group(&mut json)?,
                false => rows.take_row(&mut json)?,
            }
            if !json.eat(",") {
                break;
            }
        }
        if !json.eat("]") {
            return None;
        }
    }
    // What follows the rows is short, and may be anything.
    let rest = format!("{{\"data\":[]{}", json.rest());
    let ((), beside) = answer(&rest, RowList { rows: &mut Rows::default(), grouped }).ok()?;
    Some((rows, beside))
}

/// How many rows there are, or more: each has a bracket. Those in labels must not make them countless.
fn rows_in(text: &str) -> usize {
    // By the byte and in chunks that a byte can count, which compilers turn into instructions for many bytes at once.
    let count = |chunk: &[u8]| usize::from(chunk.iter().map(|byte| u8::from(*byte == b'{')).sum::<u8>());
    let brackets: usize = text.as_bytes().chunks(u8::MAX.into()).map(count).sum();
    brackets.min(text.len() / SHORTEST_ROW + 1)
}

/// The last row is within so many bytes, and with it what little may follow.
const LONGEST_END: usize = 2048;

const SHORTEST_ROW: usize = r#"{"timestamp":"2026-01-01T00:00:00Z","value":0}"#.len();

fn finish(rows: Rows<'_>, Beside { page_size, next }: Beside) -> Result<QueryPage, String> {
    let count = rows.count;
    Ok(QueryPage { series: rows.into_series()?, rows: count, page_size, next })
}

/// Reads one page of the answer to a query for attributes.
#[inline]
pub(crate) fn attributes(body: &[u8]) -> Result<ListPage<Labels>, String> {
    list(body, "a list of attributes", |row| labels(row.members()))
}

/// Reads one page of the list of metrics.
#[inline]
pub(crate) fn metric_descriptors(body: &[u8]) -> Result<ListPage<MetricDescriptor>, String> {
    list(body, "a list of metric descriptors", MetricDescriptor::read)
}

/// Reads one page of the list of resource types.
#[inline]
pub(crate) fn resource_descriptors(body: &[u8]) -> Result<ListPage<ResourceDescriptor>, String> {
    list(body, "a list of resource descriptors", ResourceDescriptor::read)
}

fn list<T>(
    body: &[u8],
    what: &str,
    item: fn(&Object<'_>) -> Result<T, String>,
) -> Result<ListPage<T>, String> {
    let text = std::str::from_utf8(body).map_err(|error| unexpected_body(body, what, &error))?;
    answer(text, PhantomData::<Vec<Object<'_>>>)
        .and_then(|(rows, beside)| Ok(ListPage { items: items(&rows, item)?, next: beside.next }))
        .map_err(|why| unexpected_body(body, what, &why))
}

/// Reads the answer to a discovery: the targets and the labels of each group.
#[inline]
pub(crate) fn target_groups(body: &[u8]) -> Result<Vec<(Vec<String>, Labels)>, String> {
    let what = "a list of target groups";
    let text = std::str::from_utf8(body).map_err(|error| unexpected_body(body, what, &error))?;
    let group = |group: &Object<'_>| {
        let members = group.object("labels")?.unwrap_or_default();
        Ok((group.texts("targets")?, labels(members.members())?))
    };
    serde_json::from_str::<Vec<Object<'_>>>(text)
        .map_err(|error| error.to_string())
        .and_then(|groups| items(&groups, group))
        .map_err(|why| unexpected_body(body, what, &why))
}

/// Says why a response with status 200 is not `expected`.
pub(crate) fn unexpected_body(body: &[u8], expected: &str, why: &dyn fmt::Display) -> String {
    match sniff_markup(body) {
        Some(page) => format!(
            "expected {expected}, found {page} of {} bytes, most likely from a proxy or a login page",
            body.len()
        ),
        None => format!("the answer is not {expected}: {why}"),
    }
}

/// Text of two points that contradict each other.
pub(crate) fn contradiction(labels: &Labels, conflict: &Conflict) -> String {
    let (a, b) = conflict.values;
    format!("the series {labels} has two values at {}: {a} and {b}", conflict.timestamp)
}

/// The rows read so far, as series.
#[derive(Default)]
struct Rows<'de> {
    series: Vec<RowSeries<'de>>,
    index: LabelIndex,
    /// The series of the row before.
    latest: usize,
    /// How many rows were read.
    count: usize,
    /// How many rows there are, or more, where each is one point; zero where that is not known.
    total: usize,
    /// The last bytes of the answer.
    end: &'de [u8],
    /// How many points the next series is likely to have.
    likely: usize,
    /// The label members of the row being read; kept here so that its memory serves every row.
    members: Vec<Member<'de>>,
    times: Times,
}

struct RowSeries<'de> {
    labels: Labels,
    points: Vec<Point>,
    /// The label members of its first row: as long as they come in the same words, nothing has to be decoded.
    members: Vec<Member<'de>>,
}

impl<'de> Rows<'de> {
    /// The points of the series whose labels were just read.
    fn points(&mut self) -> Result<&mut Vec<Point>, String> {
        self.count += 1;
        // Rows come group by group, or time by time with the groups in the same order each time:
        // the series is the one before or the one after that, and nothing has to be hashed.
        let guesses = [self.latest + 1, self.latest, 0];
        let guessed = guesses
            .into_iter()
            .find(|at| self.series.get(*at).is_some_and(|series| series.members == self.members));
        self.latest = guessed.map_or_else(|| self.look_up(), Ok)?;
        Ok(&mut self.series[self.latest].points)
    }

    /// Takes in the point, if there is one, of a row whose labels were just read.
    #[inline]
    fn add_point(&mut self, point: Option<Point>) -> Result<(), String> {
        let points = self.points()?;
        if points.len() == points.capacity() && point.is_some() {
            self.make_room();
        }
        self.series[self.latest].points.extend(point);
        Ok(())
    }

    /// Makes room in the latest series for as many points again, as vectors do, but for no more than a fair share of all rows.
    #[cold]
    fn make_room(&mut self) {
        let share = self.total / self.series.len();
        let points = &mut self.series[self.latest].points;
        let again = points.len().max(4);
        let left = share.saturating_sub(points.len());
        points.reserve_exact(if left > 0 { again.min(left) } else { again });
    }

    /// Takes in the points of a group whose labels were just read.
    fn add_points(&mut self, mut points: Vec<Point>) -> Result<(), String> {
        let count = points.len();
        let earlier = self.points()?;
        if earlier.is_empty() {
            *earlier = points;
        } else {
            earlier.append(&mut points);
        }
        self.likely = count;
        Ok(())
    }

    fn look_up(&mut self) -> Result<usize, String> {
        let labels = labels(&self.members)?;
        let likely = self.likely_points();
        let number = self.index.number(&labels);
        if number == self.series.len() {
            let (points, members) = (Vec::with_capacity(likely), self.members.clone());
            self.series.push(RowSeries { labels, points, members });
        }
        Ok(number)
    }

    /// How many points the series that was just found is likely to have.
    fn likely_points(&mut self) -> usize {
        let is_at_the_end =
            |(_, json): &Member<'_>| self.end.windows(json.len()).any(|bytes| bytes == json.as_bytes());
        match (take(&mut self.likely), self.series.get(self.latest)) {
            (0, Some(before)) if self.total > 0 => before.points.len(),
            // Where the last row has the labels of the first, there is no other series as a rule.
            (0, None) if self.members.iter().all(is_at_the_end) => self.total,
            (likely, _) => likely,
        }
    }

    fn into_series(self) -> Result<Vec<Series>, String> {
        let mut settled = Vec::with_capacity(self.series.len());
        for RowSeries { labels, mut points, .. } in self.series {
            settle(&mut points).map_err(|conflict| contradiction(&labels, &conflict))?;
            // The guess at how many there would be was one.
            if points.capacity() - points.len() > points.len() / 16 {
                points.shrink_to_fit();
            }
            settled.push(Series::new(labels, points));
        }
        Ok(settled)
    }
}

impl<'de> Rows<'de> {
    /// Reads a row of a FLAT answer.
    fn take_row(&mut self, json: &mut Plain<'de>) -> Option<()> {
        self.members.clear();
        let mut point = PointParts::default();
        self.take_members(json, |rows, json| point.take_member(json, &mut rows.times))?;
        let point = point.finish().ok()?;
        self.add_point(point).ok()
    }

    /// Reads a row of a GROUPED answer.
    fn take_group(&mut self, json: &mut Plain<'de>) -> Option<()> {
        self.members.clear();
        let mut points = None;
        self.take_members(json, |rows, json| {
            if points.is_some() || !json.eat("\"points\":") {
                return Some(false);
            }
            points = Some(rows.times.take_points(json, take(&mut rows.likely))?);
            Some(true)
        })?;
        self.add_points(points?).ok()
    }

    /// Reads the members of a row: those that `take_own` takes, and labels.
    fn take_members(
        &mut self,
        json: &mut Plain<'de>,
        mut take_own: impl FnMut(&mut Self, &mut Plain<'de>) -> Option<bool>,
    ) -> Option<()> {
        if !json.eat("{") {
            return None;
        }
        loop {
            if !take_own(self, json)? {
                let name = json.string()?;
                let name = name.get(1..name.len() - 1)?;
                // Whatever needs a look at what it means is left to the other reader.
                if matches!(name, "timestamp" | "value" | "points")
                    || !json.eat(":")
                    || self.members.len() == MAX_MEMBERS
                {
                    return None;
                }
                self.members.push((Cow::Borrowed(name), json.string()?));
            }
            if !json.eat(",") {
                return json.eat("}").then_some(());
            }
        }
    }
}

/// The labels that the members of a row make.
fn labels(members: &[Member<'_>]) -> Result<Labels, String> {
    let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(members.len());
    for (name, json) in members {
        let Some(value) = label_value(json).map_err(|error| error.to_string())? else {
            continue;
        };
        if pairs.iter().any(|(earlier, _)| *earlier == &**name) {
            return Err(format!("a row has the label {name:?} twice"));
        }
        pairs.push((name, value));
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
struct Answer<S> {
    data: S,
}

/// What stands beside the data, as it came.
#[derive(Default)]
struct Rest<'de> {
    meta: Option<&'de RawValue>,
    links: Option<&'de RawValue>,
    errors: Option<&'de RawValue>,
}

/// What an answer says beside its data.
struct Beside {
    page_size: Option<u64>,
    next: Next,
}

impl Rest<'_> {
    /// Anything may be left out or null; what is there has to make sense, or a page might be missed.
    fn read(&self) -> Result<Beside, String> {
        if let Some(errors) =
            self.errors.map(RawValue::get).filter(|errors| *errors != "null" && !is_empty_list(errors))
        {
            return Err(format!("it tells of errors beside its data: {errors}"));
        }
        let pagination = beside("meta", self.meta)?.object("pagination")?.unwrap_or_default();
        // Some services say "no more" with an empty string.
        let token = pagination.text("next_page_token")?.filter(|token| !token.is_empty());
        let link = beside("links", self.links)?.text("next")?.filter(|link| !link.is_empty());
        let page_size = pagination.find("page_size").and_then(|size| size.parse().ok());
        Ok(Beside { page_size, next: Next { token, link } })
    }
}

/// Some services print blanks between the brackets.
fn is_empty_list(json: &str) -> bool {
    json.strip_prefix('[').and_then(|rest| rest.trim_start().strip_prefix(']')).is_some()
}

fn beside<'de>(name: &str, json: Option<&'de RawValue>) -> Result<Object<'de>, String> {
    match json.map(RawValue::get) {
        None | Some("null") => Ok(Object::default()),
        Some(json) => Object::read(json).map_err(|_| format!("`{name}` is not an object")),
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Answer<S> {
    type Value = (S::Value, Rest<'de>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Answer<S> {
    type Value = (S::Value, Rest<'de>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list named `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut seed, mut data) = (Some(self.data), None);
        let mut rest = Rest::default();
        let once =
            |name, member: &mut Option<&'de RawValue>, map: &mut A| match member.replace(map.next_value()?) {
                None => Ok(()),
                Some(_) => Err(de::Error::duplicate_field(name)),
            };
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "data" => {
                    let seed = seed.take().ok_or_else(|| de::Error::duplicate_field("data"))?;
                    data = Some(map.next_value_seed(seed)?);
                }
                "meta" => once("meta", &mut rest.meta, &mut map)?,
                "links" => once("links", &mut rest.links, &mut map)?,
                "errors" => once("errors", &mut rest.errors, &mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((data.ok_or_else(|| de::Error::missing_field("data"))?, rest))
    }
}

/// The list of rows of an answer to a query.
struct RowList<'a, 'de> {
    rows: &'a mut Rows<'de>,
    grouped: bool,
}

impl<'de> DeserializeSeed<'de> for RowList<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowList<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.grouped {
            while seq.next_element_seed(Group { rows: self.rows })?.is_some() {}
        } else {
            while seq.next_element_seed(Row { rows: self.rows })?.is_some() {}
        }
        Ok(())
    }
}

/// A row of a FLAT answer: one point and its labels.
struct Row<'a, 'de> {
    rows: &'a mut Rows<'de>,
}

impl<'de> DeserializeSeed<'de> for Row<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row with a `timestamp` and a `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut point = PointParts::default();
        self.rows.members.clear();
        while let Some(Text(key)) = map.next_key()? {
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
struct Group<'a, 'de> {
    rows: &'a mut Rows<'de>,
}

impl<'de> DeserializeSeed<'de> for Group<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Group<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group with a list named `points`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut points = None;
        self.rows.members.clear();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "points" if points.is_some() => return Err(de::Error::duplicate_field("points")),
                "points" => {
                    let likely = take(&mut self.rows.likely);
                    let list = PointList { times: &mut self.rows.times, likely };
                    points = Some(map.next_value_seed(list)?);
                }
                "timestamp" | "value" => {
                    return Err(de::Error::custom(format_args!("a GROUPED answer has a row with `{key}`")));
                }
                _ => add_member(&mut self.rows.members, key, &mut map)?,
            }
        }
        let points = points.ok_or_else(|| de::Error::missing_field("points"))?;
        self.rows.add_points(points).map_err(de::Error::custom)
    }
}

struct PointList<'a> {
    times: &'a mut Times,
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for PointList<'_> {
    type Value = Vec<Point>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Point>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PointList<'_> {
    type Value = Vec<Point>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Point>, A::Error> {
        let mut points = Vec::with_capacity(self.likely);
        while let Some(point) = seq.next_element_seed(MaybePoint { times: self.times })? {
            points.extend(point);
        }
        Ok(points)
    }
}

/// A point, or none where its value is null.
struct MaybePoint<'a> {
    times: &'a mut Times,
}

impl<'de> DeserializeSeed<'de> for MaybePoint<'_> {
    type Value = Option<Point>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Point>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MaybePoint<'_> {
    type Value = Option<Point>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point with a `timestamp` and a `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Point>, A::Error> {
        let mut point = PointParts::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "timestamp" => point.take_timestamp(&mut map, self.times)?,
                "value" => point.take_value(&mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        point.finish().map_err(de::Error::missing_field)
    }
}

/// The members of a point, in whichever order they come.
#[derive(Default)]
struct PointParts {
    timestamp: Option<Timestamp>,
    value: Option<Number>,
}

impl PointParts {
    fn take_timestamp<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        times: &mut Times,
    ) -> Result<(), A::Error> {
        let Text(text) = map.next_value()?;
        let parsed = times.read(&text).map_err(|why| {
            de::Error::custom(format_args!("the timestamp \"{text}\" cannot be read: {why}"))
        })?;
        once("timestamp", self.timestamp.replace(parsed).is_none())
    }

    fn take_value<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        once("value", self.value.replace(map.next_value()?).is_none())
    }

    /// Reads a member of a point in plain JSON, if it is one.
    #[inline]
    fn take_member(&mut self, json: &mut Plain<'_>, times: &mut Times) -> Option<bool> {
        if self.timestamp.is_none() && json.eat("\"timestamp\":") {
            let text = json.string()?;
            self.timestamp = Some(times.read(text.get(1..text.len() - 1)?).ok()?);
            return Some(true);
        }
        if self.value.is_none() && json.eat("\"value\":") {
            self.value = Some(Number(if json.eat("null") { None } else { Some(json.number()?) }));
            return Some(true);
        }
        Some(false)
    }

    /// The point, unless its value is null, or the name of the member that is missing.
    fn finish(self) -> Result<Option<Point>, &'static str> {
        let timestamp = self.timestamp.ok_or("timestamp")?;
        let Number(value) = self.value.ok_or("value")?;
        Ok(value.map(|value| Point { timestamp, value }))
    }
}

fn once<E: de::Error>(member: &str, is_new: bool) -> Result<(), E> {
    if is_new { Ok(()) } else { Err(E::custom(format_args!("a point has `{member}` twice"))) }
}

/// Reads times by what they share with the one before: all of it, or the date.
struct Times {
    before: [u8; 20],
    at: Timestamp,
}

impl Times {
    /// Reads the list of a group's points in plain JSON.
    fn take_points(&mut self, json: &mut Plain<'_>, likely: usize) -> Option<Vec<Point>> {
        if !json.eat("[") {
            return None;
        }
        let mut points = Vec::with_capacity(likely);
        if json.eat("]") {
            return Some(points);
        }
        loop {
            points.extend(self.take_point(json)?);
            if !json.eat(",") {
                return json.eat("]").then_some(points);
            }
        }
    }

    /// Reads a point of which nothing but its two members is there; none in it where its value is null.
    #[inline]
    fn take_point(&mut self, json: &mut Plain<'_>) -> Option<Option<Point>> {
        if !json.eat("{") {
            return None;
        }
        let mut point = PointParts::default();
        loop {
            if !point.take_member(json, self)? {
                return None;
            }
            if !json.eat(",") {
                break;
            }
        }
        if !json.eat("}") {
            return None;
        }
        point.finish().ok()
    }

    fn read(&mut self, text: &str) -> Result<Timestamp, &'static str> {
        let Ok(bytes) = <&[u8; 20]>::try_from(text.as_bytes()) else {
            return Timestamp::parse(text);
        };
        if *bytes != self.before {
            self.at = match self.at.at_time_of_same_day(&self.before, bytes) {
                Some(at) => at,
                None => Timestamp::parse(text)?,
            };
            self.before = *bytes;
        }
        Ok(self.at)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self { before: *b"1970-01-01T00:00:00Z", at: Timestamp::EPOCH }
    }
}

/// A JSON number, rounded correctly to the nearest `f64`; null is none.
///
/// It is read from its own text, since what serde_json gives may be off in the last digit.
struct Number(Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        if text == "null" {
            return Ok(Self(None));
        }
        match plain::number(text.as_bytes()) {
            Some((number, length)) if length == text.len() => Ok(Self(Some(number))),
            _ => Err(de::Error::custom(format_args!("the value {text} is not a number that fits"))),
        }
    }
}
