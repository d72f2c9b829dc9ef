//! The JSON and the text of a filter.

use std::fmt;

use serde::Serialize;

use crate::model::filter_value::FilterValue;

/// A filter as a tree, in the form that is sent.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Tree<'a> {
    Field {
        field: &'a str,
        op: Comparison,
        value: &'a FilterValue,
    },
    Compound {
        op: Junction,
        filters: Vec<Self>,
    },
    Not {
        op: &'static str,
        filter: Box<Self>,
    },
}

/// The comparison of a label with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Comparison {
    Eq,
    Gt,
    Gte,
}

/// The operator of a list of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Junction {
    And,
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
