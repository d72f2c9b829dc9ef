//! Guides that are too long for the crate page.

#[doc = include_str!("concurrency.md")]
pub mod concurrency {}

#[doc = include_str!("cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("events.md")]
pub mod events {}

#[doc = include_str!("names.md")]
pub mod names {}

#[doc = include_str!("serde.md")]
pub mod serde {}

#[doc = include_str!("shutting_down.md")]
pub mod shutting_down {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}
