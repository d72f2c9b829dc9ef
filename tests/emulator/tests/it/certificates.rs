//! What the server shows of itself.

use crate::client::*;
use confluent_metrics_emulator::Certificate;
use rustls::ProtocolVersion;

#[test]
fn every_bad_certificate_is_refused_for_its_own_reason() {
    for (certificate, reason) in [
        (Certificate::WrongHost, "not valid for name"),
        (Certificate::Expired, "expired"),
        (Certificate::NotYetValid, "not valid yet"),
        (Certificate::SelfSigned, "UnknownIssuer"),
        (Certificate::UnknownAuthority, "UnknownIssuer"),
    ] {
        let emulator = empty().certificate(certificate).start();
        let error = agent(&emulator)
            .get(emulator.url())
            .call()
            .expect_err("no certificate to trust");
        assert!(
            error.to_string().contains(reason),
            "{certificate:?}: {error}"
        );
        assert!(emulator.requests().is_empty());
    }
    let good = empty().certificate(Certificate::Good).start();
    assert_eq!(
        agent(&good)
            .get(good.url())
            .call()
            .expect("a response")
            .status(),
        404
    );
}

#[test]
fn the_version_of_tls_is_a_switch() {
    for (only, version) in [
        (true, ProtocolVersion::TLSv1_2),
        (false, ProtocolVersion::TLSv1_3),
    ] {
        let emulator = empty().tls12_only(only).start();
        put(&emulator, "a", 0, 7.0);
        let mut raw = Raw::connect(&emulator);
        assert!(
            raw.send(&raw_query(&emulator, ""))
                .read_response()
                .1
                .ends_with(b"]}")
        );
        assert_eq!(raw.version(), Some(version));
    }
}
