//! The members of a JSON object, each with the JSON of its value, for whoever reads a few of them by name.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::time::deadline::Interrupt;

/// An object, and nothing of what its values mean. Its readers say in their errors which member is wrong.
#[derive(Debug, Default)]
pub(crate) struct RawObject<'de> {
    members: Vec<Member<'de>>,
}

/// Name and JSON of a member.
pub(crate) type Member<'de> = (Cow<'de, str>, &'de str);

/// Members are compared with each other, and take more memory than their JSON; nothing has more than a handful.
pub(crate) const MAX_MEMBERS: usize = 256;

/// Reads the value of the member of this name, and adds the member.
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

impl<'de> RawObject<'de> {
    pub(crate) fn read(json: &'de str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub(crate) fn members(&self) -> &[Member<'de>] {
        &self.members
    }

    /// The JSON of the first member of this name, whatever it is.
    pub(crate) fn find(&self, name: &str) -> Option<&'de str> {
        self.members
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, json)| *json)
    }

    /// The JSON of the member of this name; `None` where there is none, or it is null.
    fn get(&self, name: &str) -> Result<Option<&'de str>, String> {
        match self
            .members
            .iter()
            .filter(|(known, _)| known == name)
            .count()
        {
            0 | 1 => Ok(self.find(name).filter(|json| *json != "null")),
            _ => Err(format!("`{name}` is there twice")),
        }
    }

    /// What `read` makes of the member of this name.
    fn read_as<T>(
        &self,
        name: &str,
        what: &str,
        read: fn(&'de str) -> serde_json::Result<T>,
    ) -> Result<Option<T>, String> {
        let json = self.get(name)?;
        json.map(|json| read(json).map_err(|_| format!("`{name}` is not {what}")))
            .transpose()
    }

    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, String> {
        self.read_as(name, "a string", serde_json::from_str)
    }

    pub(crate) fn required_string(&self, name: &str) -> Result<String, String> {
        self.string(name)?
            .ok_or_else(|| format!("`{name}` is missing"))
    }

    pub(crate) fn bool(&self, name: &str) -> Result<Option<bool>, String> {
        self.read_as(name, "true or false", serde_json::from_str)
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, String> {
        self.read_as(name, "an object", Self::read)
    }

    /// A list of strings; an empty one where there is none.
    pub(crate) fn strings(
        &self,
        name: &str,
        interrupt: &Interrupt<'_>,
    ) -> Result<Vec<String>, String> {
        let Some(json) = self.get(name)? else {
            return Ok(Vec::new());
        };
        let texts = Items::new(|JsonStr(text)| Ok(text.into_owned()), interrupt).read(json);
        texts.map_err(|_| format!("`{name}` is not a list of strings"))?
    }

    /// What `item` makes of the objects of a list; an empty one where there is none.
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
            .map_err(|_| format!("`{name}` is not a list of objects"))?
            .map_err(|why| format!("`{name}`: {why}"))
    }
}

/// A list of which each element `E` becomes an item as soon as it is read.
pub(crate) struct Items<'a, E, F> {
    item: F,
    interrupt: &'a Interrupt<'a>,
    element: PhantomData<fn(E)>,
}

impl<'a, E, F> Items<'a, E, F> {
    pub(crate) fn new(item: F, interrupt: &'a Interrupt<'a>) -> Self {
        Self {
            item,
            interrupt,
            element: PhantomData,
        }
    }

    /// Reads a list that is the whole of `json`: its items, or the first one that is wrong.
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
                Err(why) => {
                    // What is not JSON is the graver error, so the rest is read all the same.
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(Err(format!("item {}: {why}", items.len() + 1)));
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

/// A string, borrowed from the body where it has no escapes.
pub(crate) struct JsonStr<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for JsonStr<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = JsonStr<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<JsonStr<'de>, E> {
        Ok(JsonStr(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonStr<'de>, E> {
        Ok(JsonStr(Cow::Owned(text.to_owned())))
    }
}
