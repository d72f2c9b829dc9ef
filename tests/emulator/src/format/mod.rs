//! Text forms of numbers and times.

pub(crate) mod java_double;
pub(crate) mod rfc3339;
