//! Requests as plain values, and every refusal that needs no network.

pub(crate) mod discovery;
pub(crate) mod operation;
pub(crate) mod plan;
pub(crate) mod query;
