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
