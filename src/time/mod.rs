//! Points in time, bucket widths, intervals and deadlines.

pub(crate) mod deadline;
pub(crate) mod granularity;
pub(crate) mod interval;
pub(crate) mod sort;
pub(crate) mod timestamp;
