//! Timestamps, granularities, intervals and deadlines.

pub(crate) mod call_context;
pub(crate) mod deadline;
pub(crate) mod granularity;
pub(crate) mod interval;
pub(crate) mod iso8601;
pub(crate) mod resolve;
pub(crate) mod rfc3339;
pub(crate) mod sort;
pub(crate) mod time_expr;
pub(crate) mod timestamp;
