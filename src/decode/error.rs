//! The reason why a body was not decoded.
//!
//! The caller adds the request that failed. On its own the reason is, for example:
//!
//! ```text
//! cannot decode a list of target groups: expected value at line 1 column 1
//! ```
use std::fmt;

use crate::time::deadline::Interrupted;

/// The reason why a body was not decoded.
#[derive(Debug, PartialEq)]
pub(crate) enum DecodeError {
    /// The body is not what was expected.
    Invalid(String),
    /// The deadline passed.
    Interrupted,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(reason) => f.write_str(reason),
            Self::Interrupted => f.write_str("deadline exceeded"),
        }
    }
}

impl From<Interrupted> for DecodeError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}
