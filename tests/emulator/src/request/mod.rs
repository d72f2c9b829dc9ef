//! Bodies of requests, parsed and validated.

pub(crate) mod body;
pub(crate) mod filter;
pub(crate) mod interval;
pub(crate) mod query;
