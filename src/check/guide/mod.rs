//! Guides to checks, as complete programs.
//!
//! - [From a shell](command_line): the command `metric_gate`.
//! - [In a build script](build_script): a `build.rs` that fails.
//! - [In a test suite](test_suite): a test of the service, and a test of the check.
//! - [Connectors and other states](states): metrics that have a series for each state.
//! - [Recipes](recipes): lag, waiting, yesterday, error ratios, unused topics, cluster load.
//! - [Decisions](decisions): the status of data that has no number to judge.

pub mod build_script;
pub mod command_line;
pub mod decisions;
pub mod recipes;
pub mod states;
pub mod test_suite;
