//! Shared parts of the benchmark programs.

pub mod documents;

use std::time::Duration;

use confluent_metrics::{Client, ClientBuilder, Credentials};
use confluent_metrics_emulator::Emulator;

/// Returns a builder of a client for the emulator, without a limit on the age of points.
pub fn reach(emulator: &Emulator) -> ClientBuilder {
    let credentials =
        Credentials::api_key(emulator.api_key(), emulator.api_secret()).expect("a key");
    Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .retention(Duration::MAX)
}
