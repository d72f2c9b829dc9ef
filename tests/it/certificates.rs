//! Root certificates in PEM are all used or refused, and a failed TLS handshake says what to do.

use std::time::Duration;

use confluent_metrics::{Client, ClientBuilder, Credentials, Error, ErrorKind, Timestamp};
use confluent_metrics_emulator::{Certificate, Emulator, Fault};

use crate::support::{
    NOON, OPERATIONS, Operation, builder, by_topic, empty_emulator, put_point, render_all,
};

const BYTE_ORDER_MARK: &str = "\u{feff}";

fn with_pem(emulator: &Emulator, pem: &[u8]) -> ClientBuilder {
    builder(emulator).root_certificates_pem(pem).max_retries(0)
}

#[test]
fn every_certificate_of_a_bundle_is_trusted() {
    let emulators = [empty_emulator(), empty_emulator(), empty_emulator()];
    for emulator in &emulators {
        put_point(emulator, "orders", 0, 1.0);
    }
    let [a, b, c] = emulators.each_ref().map(Emulator::ca_pem);
    let one_line = |pem: &str| pem.replace('\n', " ");
    for (name, pem) in [
        ("plain", format!("{a}{b}{c}")),
        ("byte order mark", format!("{BYTE_ORDER_MARK}{a}{b}{c}")),
        (
            "files with byte order marks",
            [a, b, c]
                .map(|pem| format!("{BYTE_ORDER_MARK}{pem}"))
                .concat(),
        ),
        (
            "CRLF",
            format!("{BYTE_ORDER_MARK}{a}{b}{c}").replace('\n', "\r\n"),
        ),
        ("CR", format!("{a}{b}{c}").replace('\n', "\r")),
        (
            "comments",
            format!("# Roots\nSubject: a\n{a}\n\nSubject: b\n{b}# c: é\n{c}# the end\n"),
        ),
        (
            "indented",
            format!("ca: |\n{a}{b}{c}").replace('\n', "\n    "),
        ),
        (
            "trailing blanks",
            format!("{a}{b}{c}").replace('\n', " \t\n"),
        ),
        ("no line ends", [a, b, c].map(one_line).concat()),
        (
            "no final line end",
            format!("{a}{b}{c}").trim_end().to_owned(),
        ),
        ("twice", format!("{a}{b}{c}{a}{b}{c}")),
    ] {
        for emulator in &emulators {
            let client = with_pem(emulator, pem.as_bytes()).build();
            let result = client.and_then(|client| client.query(&by_topic()));
            let series = result.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(render_all(&series), ["orders 0=1"], "{name}");
        }
    }
    let latin1 = [b"# caf\xe9\n", a.as_bytes()].concat();
    with_pem(&emulators[0], &latin1)
        .build()
        .unwrap()
        .query(&by_topic())
        .unwrap();
}

#[test]
fn a_bundle_that_would_lose_a_certificate_is_refused_when_the_client_is_built() {
    let emulators = [empty_emulator(), empty_emulator()];
    let [a, b] = emulators.each_ref().map(Emulator::ca_pem);
    let block =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let cut = a.replacen("MII", "", 1);
    let not_der = "invalid DER length";
    let unmatched = "BEGIN and END lines do not match";
    for (pem, reason) in [
        (String::new(), "missing -----BEGIN CERTIFICATE-----"),
        (
            "no certificate".into(),
            "missing -----BEGIN CERTIFICATE-----",
        ),
        (block("!"), "certificate 1: invalid base64"),
        (block(""), &format!("certificate 1: {not_der}")),
        (block("cnViYmlzaA=="), &format!("certificate 1: {not_der}")),
        (
            format!("{a}{}{b}", block("cnViYmlzaA==")),
            &format!("certificate 2: {not_der}"),
        ),
        (
            format!("{a}{}", block("MAMCAQ==")),
            &format!("certificate 2: {not_der}"),
        ),
        (
            format!("{a}{b}{}", block("cnViYmlzaA")),
            "certificate 3: invalid base64",
        ),
        (format!("{b}{cut}"), "certificate 2: invalid base64"),
        (a.replace('\n', "\\n"), "certificate 1: invalid base64"),
        (
            format!("{a}{}", a.trim_end().trim_end_matches('-')),
            "certificate 2: missing END line",
        ),
        (
            format!("{a}{}", &b[..200]),
            "certificate 2: missing END line",
        ),
        (
            format!("{}{b}", &a[..200]),
            "certificate 1: missing END line",
        ),
        (
            format!("{a}{}", b.replace("-----END CERTIFICATE-----", "")),
            "certificate 2: missing END line",
        ),
        (
            format!("{a}{}", b.replacen("-----BEGIN", "----BEGIN", 1)),
            unmatched,
        ),
        (
            format!("{a}{}", b.replacen("-----BEGIN", "\u{2013}BEGIN", 1)),
            unmatched,
        ),
        (format!("{a}{}", b.replace("-----", "\u{2014}")), unmatched),
        (format!("{a}{}", b.replacen("BEGIN", "BEGI", 1)), unmatched),
        (
            format!("{a}{}", b.replace("CERTIFICATE", "TRUSTED CERTIFICATE")),
            "certificate 2: expected CERTIFICATE, found TRUSTED CERTIFICATE",
        ),
        (
            format!("{}{a}", b.replace("CERTIFICATE", "PRIVATE KEY")),
            "certificate 1: expected CERTIFICATE, found PRIVATE KEY",
        ),
        (
            format!("{a}-----BEGIN "),
            "certificate 2: invalid BEGIN line",
        ),
        (
            format!("{a}-----BEGIN CERTIFICATE\n---\n"),
            "certificate 2: invalid BEGIN line",
        ),
    ] {
        let error = with_pem(&emulators[0], pem.as_bytes()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{pem}");
        assert_eq!(
            error.to_string(),
            format!("invalid root certificates: {reason}"),
            "{pem}"
        );
    }
    let utf16: Vec<u8> = a.encode_utf16().flat_map(u16::to_le_bytes).collect();
    with_pem(&emulators[0], &utf16).build().unwrap_err();
}

#[test]
fn every_operation_refuses_an_untrusted_certificate_and_sends_nothing() {
    let emulator = with_certificate(Certificate::UnknownAuthority);
    let client = builder(&emulator).build().unwrap();
    for Operation { method, call, .. } in OPERATIONS {
        let error = call(&client).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{method}: {error:?}");
        assert_eq!(error.hint(), Some(OTHER_ROOTS), "{method}: {error:?}");
    }
    assert!(emulator.requests().is_empty());
}

fn tls_error(client: &Client, name: &str) -> Error {
    let error = client.query(&by_topic()).map(drop).expect_err(name);
    assert_eq!(error.kind(), ErrorKind::Tls, "{name}: {error:?}");
    error
}

fn with_certificate(certificate: Certificate) -> Emulator {
    Emulator::builder()
        .clock(NOON)
        .demo(false)
        .certificate(certificate)
        .start()
}

const WRONG_HOST: &str = "check the host of the base URL (ClientBuilder::base_url, CONFLUENT_METRICS_BASE_URL), \
     and that no proxy or login page responds in its place: the certificate is for another host";

const OTHER_ROOTS: &str = "add the certificate of the issuer to the custom root certificates: \
     none of them signed the server's certificate";

const OTHER: &str = "check this machine's clock, the host and port of the base URL, \
     and the issuer of the server's certificate";

#[test]
fn the_hint_for_an_invalid_certificate_names_its_fault() {
    for (certificate, hint) in [
        (Certificate::WrongHost, WRONG_HOST),
        (Certificate::UnknownAuthority, OTHER_ROOTS),
        (Certificate::SelfSigned, OTHER_ROOTS),
    ] {
        let emulator = with_certificate(certificate);
        let error = tls_error(
            &builder(&emulator).build().unwrap(),
            &format!("{certificate:?}"),
        );
        assert_eq!(error.hint(), Some(hint), "{certificate:?}: {error:?}");
    }
    // Each emulator has its own certificate authority, and all have the same name.
    let [known, unknown] = [empty_emulator(), empty_emulator()];
    let client = builder(&unknown)
        .root_certificates_pem(known.ca_pem())
        .build()
        .unwrap();
    let error = tls_error(&client, "an issuer of the same name");
    assert_eq!(error.hint(), Some(OTHER_ROOTS), "{error:?}");
}

#[test]
fn the_hint_for_an_expired_certificate_names_the_clock() {
    for (certificate, problem) in [
        (Certificate::Expired, "has expired"),
        (Certificate::NotYetValid, "is not valid yet"),
    ] {
        let emulator = with_certificate(certificate);
        let before = Timestamp::now();
        let error = tls_error(
            &builder(&emulator).build().unwrap(),
            &format!("{certificate:?}"),
        );
        let hint = error.hint().unwrap();
        let rest = hint
            .strip_prefix("check this machine's clock, which reads ")
            .unwrap();
        let (time, rest) = rest.split_once(": ").unwrap();
        let expected =
            format!("if it is right, the server's certificate {problem} and must be replaced");
        assert_eq!(rest, expected);
        let time: Timestamp = time.parse().unwrap();
        assert!(
            time.as_second() >= before.as_second() && time <= Timestamp::now(),
            "{hint}"
        );
    }
}

#[test]
fn the_hint_for_an_unknown_issuer_advises_no_setting_that_is_on() {
    let emulator = empty_emulator();
    let credentials = Credentials::api_key("key", "s3cret-value").unwrap();
    let built_in = Client::builder(credentials)
        .base_url(emulator.url())
        .without_proxy()
        .retention(Duration::MAX)
        .build()
        .unwrap();
    let built_in = tls_error(&built_in, "built-in roots");
    let hint = built_in.hint().unwrap();
    let advice = "pass the certificate of that CA to ClientBuilder::root_certificates_pem";
    assert!(hint.contains(advice), "{hint}");
    assert_eq!(
        hint.contains("ClientBuilder::platform_verifier"),
        cfg!(feature = "platform-verifier")
    );
    assert!(!hint.contains("platform-verifier"), "{hint}");

    let other = empty_emulator();
    let custom = builder(&emulator)
        .root_certificates_pem(other.ca_pem())
        .build()
        .unwrap();
    let custom = tls_error(&custom, "other roots");
    assert!(
        !custom.hint().unwrap().contains("root_certificates_pem"),
        "{custom:?}"
    );

    #[cfg(feature = "platform-verifier")]
    {
        let platform = builder(&emulator).platform_verifier().build().unwrap();
        let platform = tls_error(&platform, "the roots of the platform");
        let hint = platform.hint().unwrap();
        assert!(
            hint.starts_with("install the certificate of the issuer"),
            "{hint}"
        );
        assert!(!hint.contains("platform_verifier"), "{hint}");
        assert!(!hint.contains("platform-verifier"), "{hint}");
    }
}

#[test]
fn the_hint_for_another_failed_handshake_lists_the_likely_causes() {
    let emulator = empty_emulator();
    let client = builder(&emulator).max_retries(0).build().unwrap();
    let versions = "enable TLS 1.2 or 1.3 with a current cipher suite on the server, \
         or on the proxy that responds in its place";
    for (fault, hint) in [
        (Fault::tls_alert(70), versions),
        (Fault::tls_alert(40), OTHER),
        (Fault::tls_alert(80), OTHER),
        (Fault::not_tls(), OTHER),
    ] {
        let name = format!("{fault:?}");
        emulator.fault(fault);
        let error = tls_error(&client, &name);
        assert_eq!(error.hint(), Some(hint), "{name}: {error:?}");
    }
}
