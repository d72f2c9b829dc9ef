//! The values in an entry: texts, numbers, durations, pairs and filters.
//!
//! Errors are the ends of sentences that start with the name of the member.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::check::datapoints::Datapoints;
use crate::error::Error;
use crate::model::filter::Filter;
use crate::model::resource::Resource;
use crate::time::interval::Interval;
use crate::time::iso8601::Iso8601Duration;
use crate::util::similarity::closest_matches;
use crate::util::text::{elide_middle, quote};

/// The longest text that an error quotes.
const MAX_QUOTED: usize = 100;

/// A value, with the first name that occurs twice in one of its objects.
///
/// [`Value`] keeps the last of equal members, so that an expectation would be lost unnoticed.
#[derive(Debug)]
pub(super) struct Member {
    /// The value.
    pub(super) value: Value,
    /// The name of the member that occurs twice.
    pub(super) duplicate: Option<String>,
}

impl Member {
    /// Creates a member without duplicates.
    pub(super) const fn new(value: Value) -> Self {
        Self {
            value,
            duplicate: None,
        }
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

/// Reads any value.
struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::new(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Member, E> {
        Ok(Member::new(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Member, E> {
        Ok(Member::new(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Member, E> {
        Ok(Member::new(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Member, E> {
        Ok(Member::new(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Member, E> {
        Ok(Member::new(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Member, A::Error> {
        let mut values = Vec::new();
        let mut duplicate = None;
        while let Some(member) = list.next_element::<Member>()? {
            values.push(member.value);
            duplicate = duplicate.or(member.duplicate);
        }
        let value = Value::Array(values);
        Ok(Member { value, duplicate })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
        let mut members = Map::new();
        let mut duplicate = None;
        while let Some((name, member)) = map.next_entry::<String, Member>()? {
            duplicate = duplicate.or(member.duplicate);
            if members.contains_key(&name) {
                duplicate = duplicate.or(Some(name));
            } else {
                members.insert(name, member.value);
            }
        }
        let value = Value::Object(members);
        Ok(Member { value, duplicate })
    }
}

/// Returns a text, or a number as it is written.
pub(super) fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("expected a text, found {}", kind(other))),
    }
}

/// Reads a whole number, as a number or a text.
pub(super) fn read_number<T: FromStr>(value: &Value) -> Result<T, String> {
    let text = text_of(value)?;
    text.parse().map_err(|_| {
        let text = quote(&text, MAX_QUOTED);
        format!("invalid number {text}: expected one such as 3")
    })
}

/// Reads the only value of a setting that is either set or left out.
pub(super) fn read_true(value: &Value) -> Result<(), String> {
    match value {
        Value::Bool(true) => Ok(()),
        other => Err(format!("expected true, found {}", kind(other))),
    }
}

/// Reads an object.
pub(super) fn read_object(value: &Value) -> Result<&Map<String, Value>, String> {
    match value {
        Value::Object(members) => Ok(members),
        other => Err(format!("expected an object, found {}", kind(other))),
    }
}

/// Parses `0.9` or `90%`.
pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.parse::<f64>() {
        // `str::parse` also accepts `nan` and `inf`.
        Ok(number) if number.is_finite() => Ok(number / unit),
        _ => Err(format!(
            "invalid share {}: expected one such as 0.9 or 90%",
            quote(text, MAX_QUOTED)
        )),
    }
}

/// Parses `3/5`.
pub(super) fn read_datapoints(text: &str) -> Result<Datapoints, String> {
    let (required, of) = text.split_once('/').unwrap_or_default();
    match (required.parse(), of.parse()) {
        (Ok(required), Ok(of)) => Ok(Datapoints { required, of }),
        _ => Err(format!(
            "invalid datapoints {}: expected M/N, such as 3/5",
            quote(text, MAX_QUOTED)
        )),
    }
}

/// Parses `TYPE:ID` into a label and its value.
pub(super) fn parse_resource(text: &str) -> Result<(String, String), String> {
    let resource: Resource = parse_text(text)?;
    Ok((resource.label(), resource.id().to_owned()))
}

/// Parses `LABEL=VALUE`.
pub(super) fn parse_pair(text: &str) -> Result<(String, String), String> {
    // A shell expands an unset variable to an empty value. It would match nothing, and a check
    // whose missing data is OK would excuse that.
    match text.split_once('=') {
        Some((label, value)) if !label.is_empty() && !value.is_empty() => {
            Ok((label.to_owned(), value.to_owned()))
        }
        _ => Err(format!(
            "invalid pair {}: expected LABEL=VALUE",
            quote(text, MAX_QUOTED)
        )),
    }
}

/// Parses `90s`, `15m`, `1h`, `2d` or an ISO 8601 duration.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(duration) = Iso8601Duration::parse(text) {
        return Ok(duration);
    }
    for (unit, width) in [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)] {
        let count = text
            .strip_suffix(unit)
            .and_then(|count| count.parse::<u64>().ok());
        if let Some(seconds) = count.and_then(|count| count.checked_mul(width)) {
            return Ok(Duration::from_secs(seconds));
        }
    }
    Err(format!(
        "invalid duration {}: expected a whole number and s, m, h or d, such as 90s",
        quote(text, MAX_QUOTED)
    ))
}

/// Reads `LABEL=VALUE`, `LABEL!=VALUE`, or an object as in the body of a request.
pub(super) fn read_filter(value: &Value) -> Result<Filter, String> {
    if value.is_object() {
        // An error of serde repeats an unknown member in full.
        return Filter::deserialize(value).map_err(|error| elide_middle(&error.to_string()));
    }
    let (label, value) = parse_pair(&text_of(value)?)?;
    Ok(match label.strip_suffix('!') {
        Some(label) => !Filter::eq(label, value),
        None => Filter::eq(label, value),
    })
}

/// Parses a type of the library, with the hint of its error.
pub(super) fn parse<T: FromStr<Err = Error>>(value: &Value) -> Result<T, String> {
    parse_text(&text_of(value)?)
}

fn parse_text<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

/// Parses an interval whose text form starts with this word.
pub(super) fn parse_prefixed(word: &str, value: &Value) -> Result<Interval, String> {
    parse_text(&format!("{word}/{}", text_of(value)?))
}

/// Reads `LABEL=A,B` or an object of labels, each with one value or a list.
pub(super) fn read_expectations(value: &Value) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut expected = Vec::new();
    if let Value::Object(labels) = value {
        for (label, values) in labels {
            let values = match values {
                Value::Array(values) => values.iter().map(text_of).collect::<Result<_, _>>()?,
                value => vec![text_of(value)?],
            };
            expected.push((label.clone(), values));
        }
    } else {
        let (label, values) = parse_pair(&text_of(value)?)?;
        let values = values.split(',').map(str::to_owned).collect();
        expected.push((label, values));
    }
    Ok(expected)
}

/// Returns the kind of a value, for errors.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The names of all settings.
const SETTINGS: &[&str] = &[
    "metric",
    "name",
    "resource",
    "filter",
    "group-by",
    "last",
    "interval",
    "retained",
    "since",
    "within",
    "granularity",
    "reduce",
    "datapoints",
    "compare-to",
    "change",
    "divide-by",
    "divide-filter",
    "warning",
    "critical",
    "quantifier",
    "min-coverage",
    "max-age",
    "expect",
    "expect-at-least",
    "on-missing",
    "aggregation",
    "extra-aggregation",
    "order",
    "limit",
    "allow-truncated",
];

/// Returns the fault of a name that no setting has. It suggests the closest one.
pub(crate) fn unknown_setting(name: &str) -> String {
    let names = SETTINGS.iter().map(|setting| (*setting, *setting));
    match closest_matches(name, names, 1).first() {
        Some(closest) => format!("unknown setting; did you mean `{closest}`?"),
        None => "unknown setting".to_owned(),
    }
}
