//! Helpers for text and names that depend on the standard library alone.
//!
//! This is the first folder in the order of imports: every other folder may use it, and it uses
//! none of them.
//!
//! - `similarity` finds the metric names that a mistyped one may mean.
//! - `text` escapes, shortens and lists text for errors, logs and URLs.

pub(crate) mod similarity;
pub(crate) mod text;
