//! JSON objects with unparsed values, and lists that are decoded item by item.
//!
//! The service may add members at any time, and the labels of a row are members as well. So an
//! object is read in two steps. The first keeps each member as its name and the JSON of its value:
//!
//! ```json
//! {"metric.topic": "orders", "metric.partition": 3, "new": null}
//! ```
//!
//! ```text
//! [("metric.topic", "\"orders\""), ("metric.partition", "3"), ("new", "null")]
//! ```
//!
//! The second step parses the members that are needed. [`labels_from_members`] makes these labels
//! of the example, without the null:
//!
//! ```text
//! {metric.partition="3", metric.topic="orders"}
//! ```
//!
//! Lists are decoded by [`Items`], which turns each element into an item before it reads the next
//! one. Long lists stop at the deadline.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::labels::Labels;
use crate::time::deadline::Interrupt;

/// An object with unparsed values. Errors name the invalid member.
#[derive(Debug, Default)]
pub(crate) struct RawObject<'de> {
    /// The members in the order of the text, repetitions included.
    members: Vec<Member<'de>>,
}

/// The name of a member and the JSON of its value.
pub(crate) type Member<'de> = (Cow<'de, str>, &'de str);

/// The largest number of members of an object. The service sends a handful; each takes more memory
/// than its JSON, and is compared with the others.
pub(crate) const MAX_MEMBERS: usize = 256;

/// Reads the value of a member and adds the member.
///
/// # Errors
///
/// Fails if the object has [`MAX_MEMBERS`] already.
pub(crate) fn add_member<'de, A: MapAccess<'de>>(
    members: &mut Vec<Member<'de>>,
    name: Cow<'de, str>,
    map: &mut A,
) -> Result<(), A::Error> {
    if members.len() == MAX_MEMBERS {
        return Err(de::Error::custom(format_args!(
            "an object has more than {MAX_MEMBERS} members"
        )));
    }
    members.push((name, map.next_value::<&RawValue>()?.get()));
    Ok(())
}

/// Creates labels from the members of a row that are not its own fields.
///
/// # Errors
///
/// Returns the reason if two labels have the same name, or if a string has an invalid escape.
pub(crate) fn labels_from_members(members: &[Member<'_>]) -> Result<Labels, String> {
    let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(members.len());
    for (name, json) in members {
        if let Some(value) = label_value(json).map_err(|error| error.to_string())? {
            pairs.push((name, value));
        }
    }
    let labels = Labels::new(&pairs).ok_or("labels exceed 4 GiB")?;
    // Labels are sorted by name, so equal names are neighbors.
    let mut previous = None;
    for (name, _) in &labels {
        if previous == Some(name) {
            return Err(format!("duplicate label {name:?}"));
        }
        previous = Some(name);
    }
    Ok(labels)
}

/// Returns the text of a string, and the JSON of a number or a boolean. Other values are no label.
///
/// ```text
/// "orders"      orders
/// "a\u0062"     ab, in a text of its own
/// 3             3
/// null, [1]     None
/// ```
fn label_value(json: &str) -> Result<Option<Cow<'_, str>>, serde_json::Error> {
    match json.as_bytes().first() {
        // The JSON was validated before, so that the first byte determines its type.
        Some(b'"') if json.contains('\\') => {
            serde_json::from_str(json).map(|text: String| Some(Cow::Owned(text)))
        }
        Some(b'"') => Ok(json.get(1..json.len() - 1).map(Cow::Borrowed)),
        Some(b'n' | b'[' | b'{') | None => Ok(None),
        Some(_) => Ok(Some(Cow::Borrowed(json))),
    }
}

impl<'de> RawObject<'de> {
    /// Reads a text that is one object.
    pub(crate) fn read(json: &'de str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Returns every member in the order of the text.
    pub(crate) fn members(&self) -> &[Member<'de>] {
        &self.members
    }

    /// Returns the JSON of the first member of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&'de str> {
        self.members
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, json)| *json)
    }

    /// Returns the JSON of the only member of this name, or `None` if it is missing or null.
    ///
    /// A repeated member is an error, because either value may be meant.
    fn get(&self, name: &str) -> Result<Option<&'de str>, String> {
        match self
            .members
            .iter()
            .filter(|(known, _)| known == name)
            .count()
        {
            0 | 1 => Ok(self.find(name).filter(|json| *json != "null")),
            _ => Err(format!("duplicate field `{name}`")),
        }
    }

    /// Parses the member of this name.
    ///
    /// Returns `None` if it is missing or null. If `read` fails, the error names `what`:
    ///
    /// ```text
    /// expected `exportable` to be true or false
    /// ```
    fn read_as<T>(
        &self,
        name: &str,
        what: &str,
        read: fn(&'de str) -> serde_json::Result<T>,
    ) -> Result<Option<T>, String> {
        let json = self.get(name)?;
        json.map(|json| read(json).map_err(|_| format!("expected `{name}` to be {what}")))
            .transpose()
    }

    /// Returns a string, or `None` if the member is missing or null.
    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, String> {
        self.read_as(name, "a string", serde_json::from_str)
    }

    /// Returns a string. A member that is missing or null is an error.
    pub(crate) fn required_string(&self, name: &str) -> Result<String, String> {
        self.string(name)?
            .ok_or_else(|| format!("missing field `{name}`"))
    }

    /// Returns a boolean, or `None` if the member is missing or null.
    pub(crate) fn bool(&self, name: &str) -> Result<Option<bool>, String> {
        self.read_as(name, "true or false", serde_json::from_str)
    }

    /// Returns an object, or `None` if the member is missing or null.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, String> {
        self.read_as(name, "an object", Self::read)
    }

    /// Returns a list of strings. It is empty if the member is missing.
    pub(crate) fn strings(
        &self,
        name: &str,
        interrupt: &Interrupt<'_>,
    ) -> Result<Vec<String>, String> {
        let Some(json) = self.get(name)? else {
            return Ok(Vec::new());
        };
        let texts = Items::new(|JsonStr(text)| Ok(text.into_owned()), interrupt).read(json);
        texts.map_err(|_| format!("expected `{name}` to be a list of strings"))?
    }

    /// Decodes a list of objects. It is empty if the member is missing.
    pub(crate) fn objects<T>(
        &self,
        name: &str,
        interrupt: &Interrupt<'_>,
        item: impl Fn(Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let Some(json) = self.get(name)? else {
            return Ok(Vec::new());
        };
        let items = Items::new(item, interrupt).read(json);
        items
            .map_err(|_| format!("expected `{name}` to be a list of objects"))?
            .map_err(|reason| format!("`{name}`: {reason}"))
    }
}

/// Deserializes a list and turns each element of type `E` into an item as soon as it is read.
pub(crate) struct Items<'a, E, F> {
    /// Turns an element into an item, or returns the reason why it is invalid.
    item: F,
    /// Stops the decoding after the deadline.
    interrupt: &'a Interrupt<'a>,
    /// The type of the elements, which only the bound of `F` would mention otherwise.
    element: PhantomData<fn(E)>,
}

impl<'a, E, F> Items<'a, E, F> {
    /// Creates a deserializer of a list.
    pub(crate) fn new(item: F, interrupt: &'a Interrupt<'a>) -> Self {
        Self {
            item,
            interrupt,
            element: PhantomData,
        }
    }

    /// Reads a text that is one list. The inner error is that of the first invalid item.
    ///
    /// The outer error is that of JSON which is not valid. It is reported first:
    ///
    /// ```text
    /// [{"name": "a"}, {}]     Ok(Err("item 2: missing field `name`"))
    /// [{"name": "a"}, {}      Err(EOF while parsing a list)
    /// ```
    pub(crate) fn read<'de, T>(self, json: &'de str) -> serde_json::Result<Result<Vec<T>, String>>
    where
        E: Deserialize<'de>,
        F: Fn(E) -> Result<T, String>,
    {
        let mut json = serde_json::Deserializer::from_str(json);
        let items = self.deserialize(&mut json)?;
        json.end()?;
        Ok(items)
    }
}

impl<'de, T, E: Deserialize<'de>, F: Fn(E) -> Result<T, String>> DeserializeSeed<'de>
    for Items<'_, E, F>
{
    type Value = Result<Vec<T>, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T, E: Deserialize<'de>, F: Fn(E) -> Result<T, String>> Visitor<'de> for Items<'_, E, F> {
    type Value = Result<Vec<T>, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(element) = seq.next_element()? {
            self.interrupt.step().map_err(de::Error::custom)?;
            match (self.item)(element) {
                Ok(item) => items.push(item),
                Err(reason) => {
                    // The rest is read as well, because invalid JSON is reported first.
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(Err(format!("item {}: {reason}", items.len() + 1)));
                }
            }
        }
        Ok(Ok(items))
    }
}

impl<'de> Deserialize<'de> for RawObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Visits an object, and keeps its members unparsed.
struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = RawObject<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawObject<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(JsonStr(name)) = map.next_key()? {
            add_member(&mut members, name, &mut map)?;
        }
        Ok(RawObject { members })
    }
}

/// A string that borrows from the body if it has no escapes.
///
/// By itself `serde` deserializes a `Cow` as an owned string: <https://serde.rs/lifetimes.html>.
pub(crate) struct JsonStr<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for JsonStr<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StrVisitor)
    }
}

/// Visits a string, and borrows it if possible.
struct StrVisitor;

impl<'de> Visitor<'de> for StrVisitor {
    type Value = JsonStr<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    /// Keeps a string without escapes as a part of the body.
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<JsonStr<'de>, E> {
        Ok(JsonStr(Cow::Borrowed(text)))
    }

    /// Copies a string with escapes, which `serde_json` unescapes into a buffer of its own.
    fn visit_str<E>(self, text: &str) -> Result<JsonStr<'de>, E> {
        Ok(JsonStr(Cow::Owned(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_that_an_object_was_expected() {
        for json in ["3", "[]", "\"a\"", "null"] {
            let error = RawObject::read(json).unwrap_err().to_string();
            assert!(error.contains(", expected an object at line 1"), "{error}");
        }
    }
}
