//! The envelope of a response: the fields next to `data`, which lead to the next page or report
//! errors.
//!
//! Decoding has two steps. The response is read once, in any order of its fields: the seed of the
//! caller decodes `data`, and the other fields are kept as JSON. Then the kept fields are parsed.
//!
//! ```json
//! {"data": [],
//!  "meta": {"pagination": {"page_size": 1000, "next_page_token": "abc"}},
//!  "links": {"next": "https://api.telemetry.confluent.cloud/…"},
//!  "errors": []}
//! ```
//!
//! ```text
//! page_size: 1000, next: token "abc" and the link
//! ```
//!
//! An unknown field is skipped. A field that is repeated is an error.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::decode::json::{JsonStr, RawObject};

/// The fields next to `data`.
pub(crate) struct Envelope {
    /// The limit that the service applied.
    pub(crate) page_size: Option<u64>,
    /// The token or link of the next page.
    pub(crate) next: NextPage,
}

/// The place of the next page.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct NextPage {
    /// The value of `meta.pagination.next_page_token`, unless it is empty.
    pub(crate) token: Option<String>,
    /// The value of `links.next`, unless it is empty.
    pub(crate) link: Option<String>,
}

/// Decodes a response in any JSON: its data by the seed `data`, and its envelope.
///
/// # Errors
///
/// Returns the reason if the text is not one JSON object, if `data` is missing or invalid, or if
/// the response reports errors.
pub(crate) fn decode_response<'de, S: DeserializeSeed<'de>>(
    text: &'de str,
    data: S,
) -> Result<(S::Value, Envelope), String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let (data, envelope) = ResponseSeed { data }
        .deserialize(&mut json)
        .map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    Ok((data, envelope.parse()?))
}

/// Deserializes a response as its data and the JSON of its envelope.
///
/// A [`DeserializeSeed`] is a deserializer with state, such as the series collected so far.
struct ResponseSeed<S> {
    /// The seed that deserializes the value of `data`.
    data: S,
}

/// The envelope before its fields are parsed.
#[derive(Default)]
struct RawEnvelope<'de> {
    /// The object with the pagination.
    meta: Option<&'de RawValue>,
    /// The object with the link to the next page.
    links: Option<&'de RawValue>,
    /// The errors of the response, in the documented form.
    errors: Option<&'de RawValue>,
    /// The error of the response, in the form of some gateways.
    error: Option<&'de RawValue>,
}

impl RawEnvelope<'_> {
    /// Parses the fields. Each may be missing or null, but an invalid one is an error, because a
    /// page might be missed.
    fn parse(&self) -> Result<Envelope, String> {
        for errors in [self.errors, self.error].into_iter().flatten() {
            let errors = errors.get();
            if !is_empty_value(errors) {
                return Err(format!("response has both data and errors: {errors}"));
            }
        }
        // A status of 200 does not rule out errors: gateways may add them to part of the data.
        let pagination = object_or_default("meta", self.meta)?
            .object("pagination")?
            .unwrap_or_default();
        let links = object_or_default("links", self.links)?;
        // Some services send an empty string on the last page.
        let token = pagination.string("next_page_token")?;
        let link = links.string("next")?;
        let page_size = pagination.find("page_size");
        Ok(Envelope {
            // The size is only a hint for the caller. An invalid one is no reason to fail.
            page_size: page_size.and_then(|size| size.parse().ok()),
            next: NextPage {
                token: token.filter(|token| !token.is_empty()),
                link: link.filter(|link| !link.is_empty()),
            },
        })
    }
}

/// Returns true for `null`, and for an empty string, list or object, with or without blanks inside.
///
/// The JSON must be valid, so that the first and the next character determine the result:
///
/// ```text
/// null  ""  []  { }      true
/// "x"   [1]  false  0    false
/// ```
fn is_empty_value(json: &str) -> bool {
    for (open, close) in [('"', '"'), ('[', ']'), ('{', '}')] {
        if let Some(rest) = json.strip_prefix(open) {
            return rest.trim_start().starts_with(close);
        }
    }
    json == "null"
}

/// Parses an object, which is empty if it is missing or null. An error names the field.
fn object_or_default<'de>(
    name: &str,
    json: Option<&'de RawValue>,
) -> Result<RawObject<'de>, String> {
    match json.map(RawValue::get) {
        None | Some("null") => Ok(RawObject::default()),
        Some(json) => {
            RawObject::read(json).map_err(|_| format!("expected `{name}` to be an object"))
        }
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
        let mut seed = Some(self.data);
        let mut data = None;
        let mut envelope = RawEnvelope::default();
        while let Some(JsonStr(key)) = map.next_key()? {
            match &*key {
                "data" => {
                    let Some(seed) = seed.take() else {
                        return Err(de::Error::duplicate_field("data"));
                    };
                    data = Some(map.next_value_seed(seed)?);
                }
                "meta" => set_once("meta", &mut envelope.meta, &mut map)?,
                "links" => set_once("links", &mut envelope.links, &mut map)?,
                "errors" => set_once("errors", &mut envelope.errors, &mut map)?,
                "error" => set_once("error", &mut envelope.error, &mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let data = data.ok_or_else(|| de::Error::missing_field("data"))?;
        Ok((data, envelope))
    }
}

/// Reads the value of a field that must not be repeated.
fn set_once<'de, A: MapAccess<'de>>(
    name: &'static str,
    field: &mut Option<&'de RawValue>,
    map: &mut A,
) -> Result<(), A::Error> {
    match field.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(de::Error::duplicate_field(name)),
    }
}
