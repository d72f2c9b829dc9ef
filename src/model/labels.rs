//! Label sets, which share one table of text.
//!
//! An export has thousands of label sets. A set is a range of labels in a table, so a clone copies
//! a pointer and two numbers.
//!
//! ```text
//! text   topicordersuserutopicauditusera
//! ends   5 11 15 16 21 26 30 31
//! sets   labels 0..2 are {topic="orders", user="u"}, labels 2..4 {topic="audit", user="a"}
//! ```

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::FusedIterator;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

/// The labels of a series: names and values, sorted by name.
///
/// Clones are cheap. Labels are compared, ordered and hashed by content, so they can be the keys of
/// a map. See the vendor's [labels](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Labels).
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let metric = "io.confluent.kafka.server/received_bytes";
/// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6))
///     .filter(Resource::kafka("lkc-1"))
///     .group_by(["metric.topic"]);
/// for series in client.query(&query)?.series() {
///     let topic = series.labels().get("metric.topic").unwrap_or("(none)");
///     println!("{topic}: {} buckets", series.points().len());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
///
/// # Example: labels as keys
///
/// ```
/// use std::collections::BTreeMap;
///
/// use confluent_metrics::Labels;
///
/// let owners = BTreeMap::from([
///     (Labels::from([("metric.topic", "orders")]), "sales"),
///     (Labels::from([("metric.topic", "audit")]), "security"),
/// ]);
/// let labels = Labels::from([("metric.topic", "audit")]);
/// assert_eq!(owners[&labels], "security");
/// assert_eq!(&labels["metric.topic"], "audit");
/// ```
#[doc(alias = "dimensions")]
#[doc(alias = "tags")]
#[derive(Clone, Default)]
pub struct Labels {
    /// The table that holds the text, shared by all sets in it.
    table: Arc<LabelTable>,
    /// The number of the first label of the set in the table.
    start: u32,
    /// The number after the last label of the set.
    end: u32,
}

/// An iterator over names and values, sorted by name.
///
/// Created by [`Labels::iter`].
///
/// ```
/// use confluent_metrics::Labels;
/// use confluent_metrics::iter::LabelsIter;
///
/// let labels = Labels::from([("metric.topic", "orders")]);
/// let mut iter: LabelsIter<'_> = labels.iter();
/// assert_eq!(iter.next(), Some(("metric.topic", "orders")));
/// ```
#[derive(Clone, Debug)]
pub struct LabelsIter<'a> {
    table: &'a LabelTable,
    /// The numbers of the labels that are left.
    numbers: Range<usize>,
}

/// The text of several label sets, one after the other.
///
/// The samples of an export share tables. One allocation for each name and value would take longer
/// than parsing them.
#[derive(Debug, Default)]
struct LabelTable {
    /// Names and values, without separators.
    text: String,
    /// The ends of names and values in the text, alternating.
    ends: Vec<u32>,
}

/// Collects label sets into tables.
#[derive(Default)]
pub(crate) struct TableBuilder {
    /// The table that is being filled.
    table: LabelTable,
    /// The number of labels in the table after each set.
    set_ends: Vec<u32>,
}

/// The size of a full table. A label set keeps its table in memory, so tables stay small.
const TABLE_SIZE: usize = 16 << 10;

impl Labels {
    /// Creates labels, or returns `None` if they exceed 4 GiB.
    pub(crate) fn new<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Option<Self> {
        let mut pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .collect();
        // Sorted pairs make equal sets equal in text, whatever order the service sent.
        pairs.sort_unstable();
        let mut table = LabelTable::default();
        let text_len = pairs.iter().map(|(name, value)| name.len() + value.len());
        // One table for one set has exactly the memory that it needs.
        table.text.reserve_exact(text_len.sum());
        table.ends.reserve_exact(pairs.len() * 2);
        let end = table.push(pairs)?;
        Some(Self {
            table: Arc::new(table),
            start: 0,
            end,
        })
    }

    /// Returns the value of the label `name`, such as `metric.topic`.
    ///
    /// Returns `None` if the series has no such label.
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// let text = r#"sent{topic="orders",kafka_id="lkc-1"} 12.0"#;
    /// let export = Export::parse(&format!("{text}\n"))?;
    /// let labels = export.samples()[0].labels();
    /// assert_eq!(labels.get("topic"), Some("orders"));
    /// assert_eq!(labels.get("partition"), None);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<&str> {
        // A series has a handful of labels, so a linear search beats a binary one.
        self.iter()
            .find(|(label, _)| *label == name)
            .map(|(_, value)| value)
    }

    /// Returns names and values, sorted by name.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let metric = "io.confluent.kafka.server/received_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6))
    ///     .filter(Resource::kafka("lkc-1"))
    ///     .group_by(["metric.topic"]);
    /// for series in &client.query(&query)? {
    ///     for (name, value) in series.labels() {
    ///         println!("{name} is {value}");
    ///     }
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn iter(&self) -> LabelsIter<'_> {
        LabelsIter {
            table: &self.table,
            numbers: self.start as usize..self.end as usize,
        }
    }

    /// Returns the number of labels.
    pub const fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Returns true if there are no labels, as in the one series of a query without `group_by`.
    ///
    /// ```
    /// use confluent_metrics::Labels;
    ///
    /// assert!(Labels::default().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        // The tables may differ, so the texts are compared and not the positions.
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Hashes all text in one call, because a call for each name and value takes as long as
        // parsing a line.
        let start = self.table.end(2 * self.start as usize);
        let end = self.table.end(2 * self.end as usize);
        // Sets with equal text but other borders collide, and `eq` tells them apart.
        state.write(self.table.text.as_bytes().get(start..end).unwrap_or(&[]));
    }
}

impl fmt::Display for Labels {
    /// Prints `{metric.topic="orders", resource.kafka.id="lkc-1"}`.
    ///
    /// Quotes and control characters are escaped. A name is quoted if it contains characters other
    /// than letters, digits and `._-`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            if name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            {
                write!(f, "{comma}{name}={value:?}")?;
            } else {
                write!(f, "{comma}{name:?}={value:?}")?;
            }
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> Iterator for LabelsIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.numbers.next().map(|number| self.table.label(number))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.numbers.size_hint()
    }
}

impl DoubleEndedIterator for LabelsIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.numbers
            .next_back()
            .map(|number| self.table.label(number))
    }
}

impl ExactSizeIterator for LabelsIter<'_> {}

impl FusedIterator for LabelsIter<'_> {}

impl LabelTable {
    /// Appends a label set, sorted by name, and returns the number of labels so far.
    ///
    /// Returns `None` if the table would exceed 4 GiB.
    #[inline]
    fn push<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<u32> {
        for (name, value) in pairs {
            for part in [name, value] {
                self.text.push_str(part);
                self.ends.push(u32::try_from(self.text.len()).ok()?);
            }
        }
        u32::try_from(self.ends.len() / 2).ok()
    }

    /// Returns the end of the text before a name or value. Even numbers are names.
    #[inline]
    fn end(&self, number: usize) -> usize {
        let before = number
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        before.map_or(0, |end| *end as usize)
    }

    /// Returns the name and the value of a label. Their ends have the next even and odd number.
    #[inline]
    fn label(&self, number: usize) -> (&str, &str) {
        let start = self.end(2 * number);
        let middle = self.end(2 * number + 1);
        let end = self.end(2 * number + 2);
        let name = self.text.get(start..middle).unwrap_or("");
        let value = self.text.get(middle..end).unwrap_or("");
        (name, value)
    }
}

impl TableBuilder {
    /// Appends a label set, sorted by name. Returns `None` if the table would exceed 4 GiB.
    #[inline]
    pub(crate) fn push<'a>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<()> {
        self.set_ends.push(self.table.push(pairs)?);
        Some(())
    }

    /// Returns true if the table has reached its size.
    pub(crate) fn is_full(&self) -> bool {
        self.table.text.len() >= TABLE_SIZE || self.set_ends.len() >= TABLE_SIZE / 64
    }

    /// Returns the label sets in order, and starts a new table.
    pub(crate) fn finish(&mut self) -> impl Iterator<Item = Labels> + use<> {
        let mut table = mem::take(&mut self.table);
        // Labels live as long as the result, so the spare capacity is freed.
        table.text.shrink_to_fit();
        table.ends.shrink_to_fit();
        let table = Arc::new(table);
        let mut start = 0;
        mem::take(&mut self.set_ends).into_iter().map(move |end| {
            let labels = Labels {
                table: Arc::clone(&table),
                start,
                end,
            };
            start = end;
            labels
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Returns the bytes that the tables of these labels take.
    pub(crate) fn size_of_tables<'a>(labels: impl Iterator<Item = &'a Labels>) -> usize {
        let tables: HashMap<_, _> = labels
            .map(|one| (Arc::as_ptr(&one.table), &one.table))
            .collect();
        tables
            .values()
            .map(|table| table.text.capacity() + table.ends.capacity() * 4)
            .sum()
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs).unwrap()
    }

    #[test]
    fn labels_are_equal_in_any_order_and_print_sorted() {
        let one = labels(&[("resource.kafka.id", "lkc-1"), ("metric.topic", "a\"\n")]);
        assert_eq!(
            one,
            labels(&[("metric.topic", "a\"\n"), ("resource.kafka.id", "lkc-1")])
        );
        assert_eq!(
            one.to_string(),
            r#"{metric.topic="a\"\n", resource.kafka.id="lkc-1"}"#
        );
        assert_eq!(
            (one.get("metric.topic"), one.get("metric"), one.len()),
            (Some("a\"\n"), None, 2)
        );
        assert_eq!(
            serde_json::to_string(&one).unwrap(),
            r#"{"metric.topic":"a\"\n","resource.kafka.id":"lkc-1"}"#
        );
        assert_eq!(labels(&[("a}\n", "b")]).to_string(), r#"{"a}\n"="b"}"#);
        assert_eq!(Labels::default().to_string(), "{}");
        assert_eq!(labels(&[]), Labels::default());
        let topic = labels(&[("metric.topic", "a\"\n")]);
        assert!(
            topic < one && Labels::default() < topic && topic != one,
            "what is a part of others comes first"
        );
        assert_eq!(
            one.iter().rev().map(|(name, _)| name).collect::<Vec<_>>(),
            ["resource.kafka.id", "metric.topic"]
        );
        let mut rest = one.iter();
        assert_eq!([rest.len(), rest.next().map_or(0, |_| rest.len())], [2, 1]);
    }

    #[test]
    fn labels_that_share_a_table_equal_labels_of_their_own() {
        let sets: [&[(&str, &str)]; 5] = [
            &[("id", "2"), ("topic", "b")],
            &[("id", ""), ("topic", "b")],
            &[],
            &[("id", "1"), ("topic", "a")],
            &[("id", "1"), ("topic", "a")],
        ];
        let mut builder = TableBuilder::default();
        for set in sets {
            builder.push(set.iter().copied()).unwrap();
        }
        let shared: Vec<_> = builder.finish().collect();
        let alone = sets.map(labels);
        assert_eq!(shared, alone);
        assert_eq!(shared[0].to_string(), r#"{id="2", topic="b"}"#);
        assert_eq!(shared.iter().max(), alone.iter().max());
        let hashed: std::collections::HashSet<_> = shared.iter().chain(&alone).collect();
        assert_eq!(hashed.len(), 4);
        assert!(shared[0] > shared[1] && shared[3] < shared[0] && shared[3] == shared[4]);
        assert_eq!(builder.finish().count(), 0, "the next table is empty");
    }

    #[test]
    fn labels_that_join_to_one_text_differ() {
        for [one, other] in [[[("a", "bc")], [("ab", "c")]], [[("a", "")], [("", "a")]]] {
            assert_ne!(labels(&one), labels(&other));
        }
        assert_ne!(labels(&[("a", "b"), ("c", "d")]), labels(&[("a", "bcd")]));
    }
}
