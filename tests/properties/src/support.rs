//! An emulator and a client that trusts it.

use confluent_metrics::{Client, ClientBuilder, Credentials};
use confluent_metrics_emulator::{Builder, Emulator};
use proptest::prelude::*;

/// 2026-01-08T12:00:00Z, the fixed clock of the emulators.
pub(crate) const NOON: i64 = 1_767_873_600;

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Starts an emulator with a fixed clock and no data. It sends no `Date`, because its clock differs
/// from this machine's.
pub(crate) fn empty() -> Builder {
    Emulator::builder().clock(NOON).without_date().demo(false)
}

/// Returns a client of the emulator, without a limit on the age of points.
pub(crate) fn client(emulator: &Emulator) -> Client {
    builder(emulator).build().unwrap()
}

/// Returns a builder of such a client.
pub(crate) fn builder(emulator: &Emulator) -> ClientBuilder {
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
    let builder = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem());
    of_any_age(builder)
}

/// Returns a client for `request_bodies` alone.
pub(crate) fn silent() -> ClientBuilder {
    of_any_age(Client::builder(
        Credentials::api_key("key", "secret").unwrap(),
    ))
}

pub(crate) fn of_any_age(builder: ClientBuilder) -> ClientBuilder {
    builder.without_proxy().retention(std::time::Duration::MAX)
}

/// Returns one of `bodies` with bytes replaced, inserted, removed or repeated.
pub(crate) fn damaged(bodies: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        any::<u8>(),
        0..4,
    );
    (
        prop::sample::select(bodies),
        prop::collection::vec(edit, 0..5),
    )
        .prop_map(|(body, edits)| {
            let mut bytes = body.as_bytes().to_vec();
            for (place, other, byte, kind) in edits {
                let (place, other) = (place.index(bytes.len() + 1), other.index(bytes.len() + 1));
                let (from, to) = (
                    place.min(other),
                    place.max(other).min(place.min(other) + 40),
                );
                match kind {
                    0 => bytes.insert(place, byte),
                    1 => drop(bytes.drain(from..to)),
                    2 => bytes.extend_from_within(from..to),
                    _ => bytes.truncate(place),
                }
            }
            bytes
        })
}
