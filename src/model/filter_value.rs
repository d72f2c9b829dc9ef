//! The values that filters compare labels with.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as DeError, Unexpected, Visitor};
use serde::{Serialize, Serializer};

/// The value that a filter compares a label with: a string or an integer.
///
/// The service compares an integer by its decimal text. Filters accept anything that converts into
/// a value.
///
/// ```
/// use confluent_metrics::{Filter, FilterValue};
///
/// let value: FilterValue = "orders".into();
/// assert_eq!(Filter::eq("metric.topic", value), Filter::eq("metric.topic", "orders"));
/// let partition = Filter::eq("metric.partition", 7);
/// # let _ = partition;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterValue {
    /// The value, hidden so that more types can be added.
    value: Value,
}

/// The two JSON types that the service accepts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value {
    /// A string, compared byte by byte.
    Text(String),
    /// An integer, compared by its decimal text.
    Integer(i64),
}

impl FilterValue {
    /// Returns true for the empty string.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.value, Value::Text(text) if text.is_empty())
    }

    /// Returns the text that the service compares labels with, byte by byte.
    pub(super) fn as_text(&self) -> Cow<'_, str> {
        match &self.value {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Integer(integer) => Cow::Owned(integer.to_string()),
        }
    }
}

impl fmt::Display for FilterValue {
    /// Prints an integer as is, and a string in quotes with escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            // Escaped, because the text goes into error messages and reports.
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Integer(integer) => write!(f, "{integer}"),
        }
    }
}

impl From<&str> for FilterValue {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<&String> for FilterValue {
    fn from(text: &String) -> Self {
        Self::from(text.clone())
    }
}

impl From<String> for FilterValue {
    fn from(text: String) -> Self {
        Self {
            value: Value::Text(text),
        }
    }
}

impl From<i64> for FilterValue {
    fn from(integer: i64) -> Self {
        Self {
            value: Value::Integer(integer),
        }
    }
}

impl From<i32> for FilterValue {
    fn from(integer: i32) -> Self {
        Self::from(i64::from(integer))
    }
}

impl From<u32> for FilterValue {
    fn from(integer: u32) -> Self {
        Self::from(i64::from(integer))
    }
}

impl Serialize for FilterValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Integer(integer) => serializer.serialize_i64(*integer),
        }
    }
}

impl<'de> Deserialize<'de> for FilterValue {
    /// Deserializes a string or an integer.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// Visits a string or an integer.
struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = FilterValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer of 64 bits")
    }

    fn visit_str<E: DeError>(self, text: &str) -> Result<FilterValue, E> {
        Ok(text.into())
    }

    fn visit_i64<E: DeError>(self, integer: i64) -> Result<FilterValue, E> {
        Ok(integer.into())
    }

    fn visit_u64<E: DeError>(self, integer: u64) -> Result<FilterValue, E> {
        let Ok(integer) = i64::try_from(integer) else {
            return Err(E::invalid_value(Unexpected::Unsigned(integer), &self));
        };
        Ok(integer.into())
    }
}
