use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::order::{places, sort_by};

/// The labels of a series: names and values, sorted by name.
///
/// Cheap to clone. Compares, sorts and hashes by its content, so that series can be looked up by it.
/// See the vendor's [labels](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Labels).
#[derive(Clone, Default)]
pub struct Labels {
    table: Arc<Table>,
    row: usize,
}

/// Numbers sets of labels in the order in which they first come, from zero on.
#[derive(Default)]
pub(crate) struct LabelIndex {
    numbers: HashMap<Labels, usize>,
}

/// Sets of labels that have the same names, each a row.
///
/// The samples of an export share tables, since an allocation for each set would take longer than reading it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// What the sets are of, in an export.
    metric: Option<Arc<Metric>>,
    columns: Arc<Columns>,
    /// Where in the text each value starts and ends, row by row.
    spans: Vec<(u32, u32)>,
    text: String,
}

/// The names of a table.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    names: Vec<Box<str>>,
    /// The columns, sorted by name.
    sorted: Vec<usize>,
}

/// What an export says of one of its metrics.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Metric {
    pub(crate) name: Box<str>,
    pub(crate) help: Option<Box<str>>,
    pub(crate) kind: Option<Box<str>>,
    pub(crate) unit: Option<Box<str>>,
}

impl Labels {
    /// The labels of these names and values; `None` where they have gigabytes.
    pub(crate) fn new<N: AsRef<str> + Ord, V: AsRef<str> + Ord>(pairs: Vec<(N, V)>) -> Option<Self> {
        Self::sharing_names(pairs, None)
    }

    /// Returns the same as [`new`](Self::new), with the names of `other` if they are equal: a response has thousands
    /// of groups and one list of names.
    pub(crate) fn sharing_names<N: AsRef<str> + Ord, V: AsRef<str> + Ord>(
        mut pairs: Vec<(N, V)>,
        other: Option<&Self>,
    ) -> Option<Self> {
        sort_by(&mut pairs, Ord::cmp);
        let names = || pairs.iter().map(|(name, _)| name.as_ref());
        let columns = other
            .map(|other| &other.table.columns)
            .filter(|columns| columns.names.iter().map(|name| &**name).eq(names()))
            .map_or_else(|| Arc::new(Columns::new(names().map(Box::from).collect())), Arc::clone);
        let mut table = Table { columns, ..Table::default() };
        for (_, value) in &pairs {
            table.push(value.as_ref())?;
        }
        Some(Self { table: Arc::new(table), row: 0 })
    }

    /// The value of the label `name`, such as `metric.topic`; `None` where the series has no such label.
    pub fn get(&self, name: &str) -> Option<&str> {
        // A series has a handful of labels: looking at each is faster than halving.
        self.iter().find(|(label, _)| *label == name).map(|(_, value)| value)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + DoubleEndedIterator {
        let columns = &self.table.columns;
        columns.sorted.iter().map(|column| (columns.name(*column), self.table.value(self.row, *column)))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.table.columns.names.len()
    }

    /// Whether there is no label, as in the one series of a query without `group_by`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both have the same names, and are of the same metric, as rows of one table.
    pub(crate) fn is_of_table_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.table, &other.table)
    }

    /// What the labels are of, in an export.
    pub(crate) fn metric(&self) -> Option<&Metric> {
        self.table.metric()
    }
}

impl LabelIndex {
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The number of these labels; how many there were before, where they are new.
    pub(crate) fn number(&mut self, labels: &Labels) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(labels.clone()).or_insert(next)
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(own, other)| own == other)
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
        let pairs = self.iter().zip(other.iter());
        let differs = pairs.map(|(own, other)| own.cmp(&other)).find(|order| order.is_ne());
        differs.unwrap_or(self.len().cmp(&other.len()))
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|pair| pair.hash(state));
    }
}

impl fmt::Display for Labels {
    /// Prints `{metric.topic="orders", resource.kafka.id="lkc-1"}`, with quotes and control characters escaped, and a
    /// name that is not made of letters, digits and `._-` in quotes of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
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

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Table {
    /// A table without a row, which is to become about as large as another one.
    pub(crate) fn like(other: &Self, metric: Arc<Metric>, columns: Arc<Columns>) -> Self {
        let (spans, text) = (other.spans.len(), other.text.len());
        let (spans, text) = (Vec::with_capacity(spans), String::with_capacity(text));
        Self { metric: Some(metric), columns, spans, text }
    }

    /// The same without its rows.
    pub(crate) fn emptied(&self) -> Self {
        let metric = self.metric.clone().unwrap_or_default();
        Self::like(self, metric, Arc::clone(&self.columns))
    }

    pub(crate) fn metric(&self) -> Option<&Metric> {
        self.metric.as_deref()
    }

    /// Adds the value that the row before has in the same column.
    pub(crate) fn repeat(&mut self) {
        let above = self.spans.len().checked_sub(self.columns.names.len());
        let span = above.and_then(|above| self.spans.get(above)).copied();
        self.spans.push(span.unwrap_or_default());
    }

    /// Adds a value to the row; `None` where the table would have gigabytes.
    pub(crate) fn push(&mut self, value: &str) -> Option<()> {
        let start = self.text.len();
        self.text.push_str(value);
        self.spans.push((u32::try_from(start).ok()?, u32::try_from(self.text.len()).ok()?));
        Some(())
    }

    /// The first `count` rows, each as labels.
    pub(crate) fn into_labels(self, count: usize) -> impl Iterator<Item = Labels> {
        let table = Arc::new(self);
        (0..count).map(move |row| Labels { table: Arc::clone(&table), row })
    }

    fn value(&self, row: usize, column: usize) -> &str {
        let at = row.saturating_mul(self.columns.names.len()).saturating_add(column);
        let (start, end) = self.spans.get(at).copied().unwrap_or_default();
        self.text.get(start as usize..end as usize).unwrap_or("")
    }
}

impl Columns {
    pub(crate) fn new(names: Vec<Box<str>>) -> Self {
        let sorted = places(names.len(), &|a, b| names.get(a).cmp(&names.get(b)));
        Self { names, sorted }
    }

    /// Whether two columns have the same name.
    pub(crate) fn has_twins(&self) -> bool {
        self.sorted.windows(2).any(|pair| matches!(pair, [a, b] if self.name(*a) == self.name(*b)))
    }

    fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("", |name| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::new(pairs.to_vec()).unwrap()
    }

    #[test]
    fn labels_are_equal_in_any_order_and_print_sorted() {
        let one = labels(&[("resource.kafka.id", "lkc-1"), ("metric.topic", "a\"\n")]);
        assert_eq!(one, labels(&[("metric.topic", "a\"\n"), ("resource.kafka.id", "lkc-1")]));
        assert_eq!(one.to_string(), r#"{metric.topic="a\"\n", resource.kafka.id="lkc-1"}"#);
        assert_eq!((one.get("metric.topic"), one.get("metric"), one.len()), (Some("a\"\n"), None, 2));
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
    }

    #[test]
    fn rows_of_a_table_are_as_good_as_labels_by_themselves() {
        let columns = Columns::new(["topic", "id"].map(Into::into).to_vec());
        let mut table = Table::like(&Table::default(), Arc::default(), Arc::new(columns));
        for value in [Some("b"), Some("2"), None, Some(""), Some("a"), Some("1"), None, None] {
            match value {
                Some(value) => table.push(value).unwrap(),
                None => table.repeat(),
            }
        }
        let rows: Vec<_> = table.into_labels(4).collect();
        let alone = [("2", "b"), ("", "b"), ("1", "a"), ("1", "a")]
            .map(|(id, topic)| labels(&[("topic", topic), ("id", id)]));
        assert_eq!(rows, alone);
        assert_eq!(rows[0].to_string(), r#"{id="2", topic="b"}"#);
        assert_eq!(rows.iter().max(), alone.iter().max());
        let hashed: std::collections::HashSet<_> = rows.iter().chain(&alone).collect();
        assert_eq!(hashed.len(), 3);
        assert!(rows[0] > rows[1] && rows[2] < rows[0] && rows[2] == rows[3]);
    }
}
