//! The JSON and the text of a filter.
//!
//! A filter is a flat list. It becomes a tree only while it is serialized or printed.
//!
//! ```text
//! {"op":"AND","filters":[{"field":"metric.topic","op":"EQ","value":"orders"},…]}
//! metric.topic="orders" and …
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::filter_value::FilterValue;

/// A filter as a tree, in the form that is sent.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Tree<'a> {
    /// A comparison of a label with a value.
    Field {
        /// The name of the label.
        field: &'a str,
        /// The comparison, which `GT` and the like name in JSON.
        op: Comparison,
        /// The value that the label is compared with.
        value: &'a FilterValue,
    },
    /// A list of filters of which all or any must pass.
    Compound {
        /// The operator between the members.
        op: Junction,
        /// The members. An empty list of OR passes no row.
        filters: Vec<Self>,
    },
    /// The opposite of a filter.
    Not {
        /// Always `NOT`.
        op: &'static str,
        /// The filter that must not pass.
        filter: Box<Self>,
    },
}

/// The members of a filter in JSON, before the operator says which ones it needs.
///
/// An untagged enum would lose the place of an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a filter")]
pub(super) struct FilterMembers<F> {
    /// The operator.
    pub(super) op: Op,
    /// The label of a comparison.
    pub(super) field: Option<String>,
    /// The value of a comparison.
    pub(super) value: Option<FilterValue>,
    /// The members of a list.
    pub(super) filters: Option<Vec<F>>,
    /// The filter that must not pass.
    pub(super) filter: Option<Box<F>>,
}

/// Any operator of a filter.
#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Op {
    Eq,
    Gt,
    Gte,
    And,
    Or,
    Not,
}

/// The comparison of a label with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Comparison {
    /// The texts are equal.
    Eq,
    /// The label is greater.
    Gt,
    /// The label is greater or equal.
    Gte,
}

/// The operator of a list of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Junction {
    /// All filters must pass.
    And,
    /// At least one filter must pass.
    Or,
}

impl Comparison {
    /// Compares the value of a label with the value of a filter, as the service does.
    pub(super) fn compare(self, text: &str, bound: &str) -> bool {
        match self {
            Self::Eq => text == bound,
            Self::Gt => text > bound,
            Self::Gte => text >= bound,
        }
    }

    /// Returns the operator in the text for people.
    const fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Gt => ">",
            Self::Gte => ">=",
        }
    }
}

impl Tree<'_> {
    /// Prints the tree as a member of another one, in parentheses if it is a list.
    fn fmt_member(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A nested list is always in parentheses, so AND and OR need no precedence.
            Self::Compound { .. } => write!(f, "({self})"),
            Self::Field { .. } | Self::Not { .. } => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { field, op, value } => write!(f, "{field}{}{value}", op.symbol()),
            Self::Compound { filters, .. } if filters.is_empty() => f.write_str("nothing"),
            Self::Compound { op, filters } => {
                let separator = match op {
                    Junction::And => " and ",
                    Junction::Or => " or ",
                };
                for (index, filter) in filters.iter().enumerate() {
                    if index > 0 {
                        f.write_str(separator)?;
                    }
                    filter.fmt_member(f)?;
                }
                Ok(())
            }
            Self::Not { filter, .. } => {
                f.write_str("not ")?;
                filter.fmt_member(f)
            }
        }
    }
}
