//! Deserializes the types that are written as text.
//!
//! The text is the one that `FromStr` parses and `Display` prints, so that a file, a command line
//! and a message have the same form.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Visitor};

use crate::error::Error;

/// Deserializes a value from the text that it is parsed from.
///
/// # Errors
///
/// The message of the parser, to which the deserializer adds the place in its input.
pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Error>,
{
    deserializer.deserialize_str(TextVisitor(PhantomData))
}

/// Visits a text without a copy, because a result has one for every point.
struct TextVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err = Error>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}
