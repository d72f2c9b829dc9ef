//! Property tests of `confluent-metrics` against oracles that share no code with it: jiff, the
//! standard library, `serde_json::Value`, and a simple loop over the raw points of the emulator.
//!
//! Every run uses the same seed. `PROPTEST_RNG_SEED` changes it. `PROPTEST_CASES` scales the number
//! of cases, relative to 256.
#![cfg(test)]
#![forbid(unsafe_code)]

mod checks;
mod comparisons;
mod decoding;
mod entries;
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
mod parallel;
mod queries;
mod redaction;
mod reports;
mod seeded_rng;
mod stored;
mod support;
mod timestamps;

use proptest::test_runner::{Config, RngSeed};

/// Returns a configuration with `count` cases, scaled by the environment.
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
