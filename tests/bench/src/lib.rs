//! What several of the measuring programs need.

pub mod documents;

use std::time::Duration;

use confluent_metrics::{Client, ClientBuilder, Credentials};
use confluent_metrics_emulator::Emulator;

/// A builder of a client that reaches the emulator, whose points are of any age.
pub fn reach(emulator: &Emulator) -> ClientBuilder {
    let credentials =
        Credentials::api_key(emulator.api_key(), emulator.api_secret()).expect("a key");
    Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .retention(Duration::MAX)
}
