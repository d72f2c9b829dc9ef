//! Timestamps, granularities, intervals and deadlines.
//!
//! A query names an interval, and the service needs an absolute start and end on bucket borders.
//! The steps from the one to the other:
//!
//! ```text
//! text       now-2h/now                                   interval, time_expr, iso8601, rfc3339
//! clock      12:34:56Z, data latency 3 min                call_context
//! resolved   2026-01-01T10:34:00Z/2026-01-01T12:31:00Z    resolve, granularity (PT1M)
//! ```
//!
//! `deadline` limits the time of a call, `cancel` ends it earlier, and `sort` sorts within both.

pub(crate) mod call_context;
pub(crate) mod cancel;
pub(crate) mod deadline;
pub(crate) mod granularity;
pub(crate) mod interval;
pub(crate) mod interval_text;
pub(crate) mod iso8601;
pub(crate) mod resolve;
pub(crate) mod rfc3339;
pub(crate) mod sort;
pub(crate) mod time_expr;
pub(crate) mod timestamp;
