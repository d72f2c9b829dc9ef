//! Requests as plain values, and every check that needs no network.

pub(crate) mod attribute_query;
pub(crate) mod body;
pub(crate) mod discovery;
pub(crate) mod export;
pub(crate) mod operation;
pub(crate) mod plan;
pub(crate) mod problems;
pub(crate) mod query;
