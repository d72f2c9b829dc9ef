//! Lists and query results that span several pages.

pub(crate) mod label_range;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod pages;
