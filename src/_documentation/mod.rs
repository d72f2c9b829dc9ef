//! Guides that are too long for the crate page.

#[doc = include_str!("concurrency.md")]
pub mod concurrency {}

#[doc = include_str!("events.md")]
pub mod events {}

#[doc = include_str!("serde.md")]
pub mod serde {}

#[doc = include_str!("shutting_down.md")]
pub mod shutting_down {}

#[doc = include_str!("testing.md")]
pub mod testing {}
