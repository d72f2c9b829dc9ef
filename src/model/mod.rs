//! The values that the service speaks of, and results.

pub(crate) mod descriptor;
pub(crate) mod filter;
pub(crate) mod filter_tree;
pub(crate) mod filter_value;
pub(crate) mod labels;
pub(crate) mod resource;
pub(crate) mod sample;
pub(crate) mod series;
