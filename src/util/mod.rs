//! Helpers for text and names that depend on the standard library alone.

pub(crate) mod similarity;
pub(crate) mod text;
