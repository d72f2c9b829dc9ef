//! Indices of label sets, for lists with one entry for each set.

use std::collections::HashMap;

use crate::model::labels::Labels;

/// Assigns indices to label sets in the order of their first occurrence.
#[derive(Default)]
pub(crate) struct LabelIndex {
    /// The index of each label set. A key keeps the table of its set in memory.
    indices: HashMap<Labels, usize>,
}

impl LabelIndex {
    /// Returns true if no labels have an index.
    pub(crate) fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Returns true if these labels have an index.
    pub(crate) fn contains(&self, labels: &Labels) -> bool {
        self.indices.contains_key(labels)
    }

    /// Returns all labels with an index, in any order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Labels> {
        self.indices.keys()
    }

    /// Returns the index of these labels, which is the next one if they are new.
    pub(crate) fn get_or_insert(&mut self, labels: &Labels) -> usize {
        let next = self.indices.len();
        // The clone is cheap: it shares the table.
        *self.indices.entry(labels.clone()).or_insert(next)
    }
}
