//! One file per operation of the service.

pub(crate) mod attributes;
pub(crate) mod descriptors;
pub(crate) mod discovery;
pub(crate) mod export;
pub(crate) mod query;
