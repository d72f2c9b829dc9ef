//! Random tests of `confluent-metrics` against oracles that share no code with it: jiff, the standard library,
//! `serde_json::Value`, and an obvious loop over the emulator's raw points.
//!
//! A run is the same each time. `PROPTEST_RNG_SEED` takes another one, and `PROPTEST_CASES`, of which 256 is the usual
//! number, a longer one.
#![cfg(test)]
#![forbid(unsafe_code)]

mod checks;
mod decoding;
mod exposition;
mod expression;
mod filters;
mod intervals;
mod json;
mod lists;
mod malformed_input;
mod numbers;
mod oracle;
mod paging;
mod queries;
mod redaction;
mod seeded_rng;
mod support;
mod timestamps;

use proptest::test_runner::{Config, RngSeed};

/// A run of so many cases, as long as the environment does not want another number.
fn cases(count: u32) -> Config {
    let given = Config::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_260_101),
        seed @ RngSeed::Fixed(_) => seed,
    };
    let cases = u64::from(count) * u64::from(given.cases) / 256;
    Config {
        cases: cases.try_into().unwrap_or(u32::MAX).max(1),
        rng_seed,
        failure_persistence: None,
        ..given
    }
}
