//! Reads a number exactly, whatever features `serde_json` has.
//!
//! Without its feature `float_roundtrip`, which adds 41 KB to every program, `serde_json` reads three
//! of ten random values with another last digit. So the text of the number is requested, as
//! [`RawValue`](serde_json::value::RawValue) does it, and parsed by the standard library.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// Deserializes a finite number, which is the nearest `f64` to its text in JSON.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_newtype_struct(RAW_VALUE, ExactVisitor)
}

/// The name of the newtype that `serde_json` answers with the text of the value.
///
/// Other formats, and a `serde_json` that does not know the name, read a number.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Visits the text of a number, or a number.
struct ExactVisitor;

impl<'de> Visitor<'de> for ExactVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        f64::deserialize(deserializer)
    }

    /// Visits the one entry that `serde_json` passes: the name from above, and the text.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<f64, A::Error> {
        let (_, text) = map
            .next_entry::<IgnoredAny, String>()?
            .ok_or_else(|| A::Error::custom("missing number"))?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(A::Error::custom("number out of range")),
            Err(_) => Err(A::Error::custom("expected a number")),
        }
    }
}
