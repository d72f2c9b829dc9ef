//! Reads lists and query results that span several pages, and merges them.

pub(crate) mod completeness;
pub(crate) mod cursor;
pub(crate) mod errors;
pub(crate) mod label_range;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod page;
pub(crate) mod pages;
pub(crate) mod query_pager;
pub(crate) mod window_state;
