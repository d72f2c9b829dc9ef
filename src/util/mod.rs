//! Helpers for text and names that know nothing of the rest of the crate.

pub(crate) mod order;
pub(crate) mod similarity;
