//! Bytes of an answer become series, and bytes of a refusal become entries. No input or output happens here.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::error::{ApiError, one_line};
use crate::series::{Conflict, Labels, Point, Series, settle};
use crate::timestamp::Timestamp;

/// One answer to a query.
#[derive(Debug)]
pub(crate) struct QueryPage {
    /// Each set of labels once, in the order of the answer.
    pub(crate) series: Vec<Series>,
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
    let format = if grouped { "GROUPED" } else { "FLAT" };
    let fault = |why: &dyn fmt::Display| match what_it_is(body) {
        Some(page) => format!("the answer is not a {format} query answer but {page}"),
        None => format!("the answer is not a {format} query answer: {why}"),
    };
    // Checked once here, so that no string in it has to be checked again.
    let text = std::str::from_utf8(body).map_err(|error| fault(&error))?;
    let mut rows = Rows::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = Answer { rows: &mut rows, grouped };
    let next = seed
        .deserialize(&mut json)
        .and_then(|next| json.end().map(|()| next))
        .map_err(|error| fault(&error))?;
    let series = rows.into_series().map_err(|error| fault(&error))?;
    Ok(QueryPage { series, next })
}

/// Text of two points that contradict each other.
pub(crate) fn contradiction(labels: &Labels, conflict: &Conflict) -> String {
    let (a, b) = conflict.values;
    format!("the series {labels} has two values at {}: {a} and {b}", conflict.timestamp)
}

/// What a refusal says for itself.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) entries: Vec<ApiError>,
    /// What to show where there is no entry: the text, or a word on what the body is.
    pub(crate) words: Option<String>,
}

/// Reads the body of an answer that is not a success, whatever it is; each of the five known forms, or any other.
pub(crate) fn refusal(body: &[u8]) -> Refusal {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        return Refusal::default();
    }
    let words = |words: String| Refusal { entries: Vec::new(), words: Some(words) };
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(json) => match entries(&json) {
            entries if entries.is_empty() => words(format!("JSON without a reason, {} bytes", body.len())),
            entries => Refusal { entries, words: None },
        },
        Err(_) => words(what_it_is(body).unwrap_or_else(|| format!("\"{}\"", one_line(text, MAX_WORDS)))),
    }
}

const MAX_WORDS: usize = 300;

/// What a body is that says nothing for people to read in a sentence: a page for a browser, from a proxy as a rule.
fn what_it_is(body: &[u8]) -> Option<String> {
    let start = body.trim_ascii_start().get(..15)?.to_ascii_lowercase();
    let tags: [&[u8]; 4] = [b"<!doctype html", b"<html", b"<head", b"<body"];
    tags.iter().any(|tag| start.starts_with(tag)).then(|| format!("an HTML page, {} bytes", body.len()))
}

fn entries(json: &serde_json::Value) -> Vec<ApiError> {
    if let Some(list) = json.get("errors").and_then(|errors| errors.as_array()) {
        return list.iter().map(documented_entry).filter(|entry| *entry != ApiError::default()).collect();
    }
    // A gateway in front of the service puts one object there, or its members straight into the body.
    let object = json.get("error").filter(|error| error.is_object()).unwrap_or(json);
    let detail = text_member(object, "message").or_else(|| text_member(object, "error"));
    detail
        .map(|detail| ApiError {
            code: text_member(object, "code"),
            detail: Some(detail),
            ..ApiError::default()
        })
        .into_iter()
        .collect()
}

fn documented_entry(entry: &serde_json::Value) -> ApiError {
    let member = |name| text_member(entry, name);
    ApiError { id: member("id"), status: member("status"), code: member("code"), detail: member("detail") }
}

fn text_member(object: &serde_json::Value, name: &str) -> Option<String> {
    match object.get(name)? {
        serde_json::Value::String(text) if !text.is_empty() => Some(one_line(text, MAX_WORDS)),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The rows read so far, as series.
#[derive(Default)]
struct Rows<'de> {
    series: Vec<(Labels, Vec<Point>)>,
    index: HashMap<Labels, usize>,
    /// The series of the row before.
    latest: usize,
    /// The labels of the row being read; kept here so that its memory serves every row.
    labels: Vec<(Cow<'de, str>, Cow<'de, str>)>,
}

impl<'de> Rows<'de> {
    /// The series of the labels just read.
    fn series(&mut self) -> &mut Vec<Point> {
        // Rows come group by group, or time by time with the groups in the same order each time:
        // the series is the one before or the one after that, and nothing has to be hashed.
        let guesses = [self.latest, self.latest + 1, 0];
        let guessed = guesses
            .into_iter()
            .find(|at| self.series.get(*at).is_some_and(|(labels, _)| self.is_read(labels)));
        self.latest = guessed.unwrap_or_else(|| self.look_up());
        &mut self.series[self.latest].1
    }

    fn is_read(&self, labels: &Labels) -> bool {
        labels.len() == self.labels.len()
            && self.labels.iter().all(|(name, value)| labels.get(name) == Some(&**value))
    }

    fn look_up(&mut self) -> usize {
        let pair = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| (Box::from(&**name), Box::from(&**value));
        let labels = Labels::new(self.labels.iter().map(pair).collect());
        let series = &mut self.series;
        *self.index.entry(labels).or_insert_with_key(|labels| {
            series.push((labels.clone(), Vec::new()));
            series.len() - 1
        })
    }

    fn add_label<E: de::Error>(&mut self, name: Cow<'de, str>, raw: &'de RawValue) -> Result<(), E> {
        let Some(value) = label_value(raw).map_err(E::custom)? else { return Ok(()) };
        if self.labels.iter().any(|(earlier, _)| *earlier == name) {
            return Err(E::custom(format_args!("a row has the label {name:?} twice")));
        }
        self.labels.push((name, value));
        Ok(())
    }

    fn into_series(self) -> Result<Vec<Series>, String> {
        let settled = |(labels, mut points): (Labels, Vec<Point>)| match settle(&mut points) {
            Ok(()) => Ok(Series::new(labels, points)),
            Err(conflict) => Err(contradiction(&labels, &conflict)),
        };
        self.series.into_iter().map(settled).collect()
    }
}

/// The text of a label: a string's, or the JSON of a number or a boolean; anything else is no label.
fn label_value(raw: &RawValue) -> Result<Option<Cow<'_, str>>, serde_json::Error> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'"') if json.contains('\\') => {
            serde_json::from_str(json).map(|text: String| Some(Cow::Owned(text)))
        }
        Some(b'"') => Ok(json.get(1..json.len() - 1).map(Cow::Borrowed)),
        Some(b'n' | b'[' | b'{') | None => Ok(None),
        Some(_) => Ok(Some(Cow::Borrowed(json))),
    }
}

/// The whole answer; gives where its rest is, and leaves the rows behind.
struct Answer<'a, 'de> {
    rows: &'a mut Rows<'de>,
    grouped: bool,
}

#[derive(serde::Deserialize)]
struct Meta {
    pagination: Option<Pagination>,
}

#[derive(serde::Deserialize)]
struct Pagination {
    next_page_token: Option<String>,
}

#[derive(serde::Deserialize)]
struct Links {
    next: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Answer<'_, 'de> {
    type Value = Next;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Next, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Answer<'_, 'de> {
    type Value = Next;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list named `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Next, A::Error> {
        let mut has_data = false;
        let mut next = Next::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "data" if has_data => return Err(de::Error::duplicate_field("data")),
                "data" => {
                    map.next_value_seed(List { rows: self.rows, grouped: self.grouped })?;
                    has_data = true;
                }
                "meta" => {
                    let meta: Option<Meta> = map.next_value()?;
                    next.token =
                        meta.and_then(|meta| meta.pagination).and_then(|pages| pages.next_page_token);
                }
                "links" => next.link = map.next_value::<Option<Links>>()?.and_then(|links| links.next),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if !has_data {
            return Err(de::Error::missing_field("data"));
        }
        // Some services say "no more" with an empty string.
        next.token = next.token.filter(|token| !token.is_empty());
        next.link = next.link.filter(|link| !link.is_empty());
        Ok(next)
    }
}

/// The list of rows.
struct List<'a, 'de> {
    rows: &'a mut Rows<'de>,
    grouped: bool,
}

impl<'de> DeserializeSeed<'de> for List<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.grouped {
            let mut points = 0;
            while let Some(count) = seq.next_element_seed(Group { rows: self.rows, likely: points })? {
                points = count;
            }
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
        self.rows.labels.clear();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "timestamp" | "value" => point.take(&key, &mut map)?,
                "points" => return Err(de::Error::custom("a FLAT answer has a row with `points`")),
                _ => self.rows.add_label(key, map.next_value()?)?,
            }
        }
        let point = point.finish()?;
        self.rows.series().extend(point);
        Ok(())
    }
}

/// A row of a GROUPED answer: the labels of a series and all its points. Gives how many they are.
struct Group<'a, 'de> {
    rows: &'a mut Rows<'de>,
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for Group<'_, 'de> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Group<'_, 'de> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group with a list named `points`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut points = None;
        self.rows.labels.clear();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "points" if points.is_some() => return Err(de::Error::duplicate_field("points")),
                "points" => points = Some(map.next_value_seed(PointList { likely: self.likely })?),
                "timestamp" | "value" => {
                    return Err(de::Error::custom(format_args!("a GROUPED answer has a row with `{key}`")));
                }
                _ => self.rows.add_label(key, map.next_value()?)?,
            }
        }
        let mut points: Vec<Point> = points.ok_or_else(|| de::Error::missing_field("points"))?;
        let count = points.len();
        let series = self.rows.series();
        if series.is_empty() {
            *series = points;
        } else {
            series.append(&mut points);
        }
        Ok(count)
    }
}

struct PointList {
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for PointList {
    type Value = Vec<Point>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Point>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PointList {
    type Value = Vec<Point>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Point>, A::Error> {
        let mut points = Vec::with_capacity(self.likely);
        while let Some(MaybePoint(point)) = seq.next_element()? {
            points.extend(point);
        }
        Ok(points)
    }
}

/// A point, or none where its value is null.
struct MaybePoint(Option<Point>);

impl<'de> Deserialize<'de> for MaybePoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PointVisitor)
    }
}

struct PointVisitor;

impl<'de> Visitor<'de> for PointVisitor {
    type Value = MaybePoint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point with a `timestamp` and a `value`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MaybePoint, A::Error> {
        let mut point = PointParts::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "timestamp" | "value" => point.take(&key, &mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        point.finish().map(MaybePoint)
    }
}

/// The members of a point, in whichever order they come.
#[derive(Default)]
struct PointParts {
    timestamp: Option<Timestamp>,
    value: Option<Number>,
}

impl PointParts {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let is_new = if key == "timestamp" {
            let Text(text) = map.next_value()?;
            let parsed = Timestamp::parse(&text).map_err(|why| {
                de::Error::custom(format_args!(
                    "the timestamp \"{}\" cannot be read: {why}",
                    one_line(&text, 60)
                ))
            })?;
            self.timestamp.replace(parsed).is_none()
        } else {
            self.value.replace(map.next_value()?).is_none()
        };
        if is_new { Ok(()) } else { Err(de::Error::custom(format_args!("a point has `{key}` twice"))) }
    }

    fn finish<E: de::Error>(self) -> Result<Option<Point>, E> {
        let timestamp = self.timestamp.ok_or_else(|| E::missing_field("timestamp"))?;
        let Number(value) = self.value.ok_or_else(|| E::missing_field("value"))?;
        Ok(value.map(|value| Point { timestamp, value }))
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
        let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        match text.parse::<f64>() {
            Ok(number) if is_number && number.is_finite() => Ok(Self(Some(number))),
            _ => Err(de::Error::custom(format_args!(
                "the value {} is not a number that fits",
                one_line(text, 60)
            ))),
        }
    }
}

/// A string, borrowed from the body where it has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}
