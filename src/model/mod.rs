//! The types of requests and results: labels, resources, filters, series, samples and descriptors.
//!
//! These are plain values: nothing in this folder sends a request or reads a clock.
//!
//! ```text
//! request    Resource, Filter (FilterValue)          →  JSON of the service
//! result     QueryResult → Series → Labels, Point    ←  query
//! result     Sample → Labels, value                  ←  export
//! catalog    MetricDescriptor, LabelDescriptor       ←  descriptors
//! ```

pub(crate) mod descriptor;
pub(crate) mod exact_f64;
pub(crate) mod filter;
pub(crate) mod filter_tree;
pub(crate) mod filter_value;
pub mod iter;
pub(crate) mod label_index;
pub(crate) mod label_traits;
pub(crate) mod labels;
pub(crate) mod lifecycle_stage;
pub(crate) mod metric_kind;
pub(crate) mod point;
pub(crate) mod progress;
pub(crate) mod query_result;
pub(crate) mod rate_limit;
pub(crate) mod resource;
pub(crate) mod sample;
pub(crate) mod series;
pub(crate) mod series_iter;
pub(crate) mod unknown_name;
