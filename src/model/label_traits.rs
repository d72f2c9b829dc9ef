//! The conversions of labels: from pairs, and from and to an object in JSON.
//!
//! ```json
//! {"metric.topic": "orders", "resource.kafka.id": "lkc-1"}
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::labels::{Labels, LabelsIter};
use crate::util::text::quote;

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    /// Collects names and values. Of several values with the same name the last one counts.
    ///
    /// # Panics
    ///
    /// If names and values exceed 4 GiB.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let unique: BTreeMap<_, _> = pairs
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .collect();
        let unique: Vec<_> = unique.into_iter().collect();
        Self::new(&unique).expect("labels exceed 4 GiB")
    }
}

impl<N: AsRef<str>, V: AsRef<str>, const C: usize> From<[(N, V); C]> for Labels {
    /// Collects names and values. Of several values with the same name the last one counts.
    ///
    /// # Panics
    ///
    /// If names and values exceed 4 GiB.
    fn from(pairs: [(N, V); C]) -> Self {
        pairs.into_iter().collect()
    }
}

impl Index<&str> for Labels {
    type Output = str;

    /// Returns the value of the label `name`.
    ///
    /// # Panics
    ///
    /// If there is no such label. [`get`](Self::get) returns `None` instead.
    fn index(&self, name: &str) -> &str {
        match self.get(name) {
            Some(value) => value,
            None => panic!("no label {name:?} in {self}"),
        }
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = LabelsIter<'a>;

    fn into_iter(self) -> LabelsIter<'a> {
        self.iter()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Labels {
    /// Deserializes an object whose members are strings.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

/// Visits an object of names and values.
struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of labels and their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        let labels = Labels::new(&pairs).ok_or_else(|| A::Error::custom("labels exceed 4 GiB"))?;
        // Names are sorted, so that equal ones are next to each other.
        for (one, next) in labels.iter().zip(labels.iter().skip(1)) {
            if one.0 == next.0 {
                let name = quote(one.0, 100);
                return Err(A::Error::custom(format!("duplicate label {name}")));
            }
        }
        Ok(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_names_the_last_counts() {
        let pairs = [("b", "1"), ("a", "2"), ("b", "0")];
        let labels = Labels::from(pairs);
        assert_eq!(labels.to_string(), r#"{a="2", b="0"}"#);
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            owned.iter().map(|(n, v)| (n, v)).collect::<Labels>(),
            labels
        );
        assert_eq!(labels.iter().next_back(), Some(("b", "0")));
        assert_eq!(Labels::from([("", ""); 0]), Labels::default());
    }

    #[test]
    #[should_panic(expected = r#"no label "c" in {a="2"}"#)]
    fn an_index_without_a_label_names_it() {
        let _ = &Labels::from([("a", "2")])["c"];
    }

    #[test]
    fn a_duplicate_is_refused_where_it_is_read() {
        let error = serde_json::from_str::<Labels>(r#"{"a":"1","b":"2","a":"1"}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"duplicate label "a" at line 1 column 25"#
        );
    }
}
