//! Root certificates in PEM are all used, or refused when the client is built.

use confluent_metrics::{ClientBuilder, ErrorKind};
use confluent_metrics_emulator::Emulator;

use crate::support::{all_told, builder, by_topic, empty, put};

const BYTE_ORDER_MARK: &str = "\u{feff}";

fn with_pem(emulator: &Emulator, pem: &[u8]) -> ClientBuilder {
    builder(emulator).root_certificates_pem(pem).max_retries(0)
}

#[test]
fn every_certificate_of_a_bundle_is_trusted_whatever_is_around_it() {
    let emulators = [empty(), empty(), empty()];
    for emulator in &emulators {
        put(emulator, "orders", 0, 1.0);
    }
    let [a, b, c] = emulators.each_ref().map(Emulator::ca_pem);
    let one_line = |pem: &str| pem.replace('\n', " ");
    for (name, pem) in [
        ("plain", format!("{a}{b}{c}")),
        ("byte order mark", format!("{BYTE_ORDER_MARK}{a}{b}{c}")),
        ("files with byte order marks", [a, b, c].map(|pem| format!("{BYTE_ORDER_MARK}{pem}")).concat()),
        ("CRLF", format!("{BYTE_ORDER_MARK}{a}{b}{c}").replace('\n', "\r\n")),
        ("CR", format!("{a}{b}{c}").replace('\n', "\r")),
        ("comments", format!("# Roots\nSubject: a\n{a}\n\nSubject: b\n{b}# c: é\n{c}# the end\n")),
        ("indented", format!("ca: |\n{a}{b}{c}").replace('\n', "\n    ")),
        ("trailing blanks", format!("{a}{b}{c}").replace('\n', " \t\n")),
        ("no line ends", [a, b, c].map(one_line).concat()),
        ("no final line end", format!("{a}{b}{c}").trim_end().to_owned()),
        ("twice", format!("{a}{b}{c}{a}{b}{c}")),
    ] {
        for emulator in &emulators {
            let client = with_pem(emulator, pem.as_bytes()).build();
            let result = client.and_then(|client| client.query(&by_topic()));
            let series = result.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(all_told(&series), ["orders 0=1"], "{name}");
        }
    }
    let latin1 = [b"# caf\xe9\n", a.as_bytes()].concat();
    with_pem(&emulators[0], &latin1).build().unwrap().query(&by_topic()).unwrap();
}

#[test]
fn a_bundle_that_would_lose_a_certificate_is_refused_when_the_client_is_built() {
    let emulators = [empty(), empty()];
    let [a, b] = emulators.each_ref().map(Emulator::ca_pem);
    let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let cut = a.replacen("MII", "", 1);
    let not_der = "the length of its DER does not match";
    let unmatched = "its BEGIN and END lines do not match";
    for (pem, reason) in [
        (String::new(), "expected a line -----BEGIN CERTIFICATE-----"),
        ("no certificate".into(), "expected a line -----BEGIN CERTIFICATE-----"),
        (block("!"), "certificate 1: invalid base64"),
        (block(""), &format!("certificate 1: {not_der}")),
        (block("cnViYmlzaA=="), &format!("certificate 1: {not_der}")),
        (format!("{a}{}{b}", block("cnViYmlzaA==")), &format!("certificate 2: {not_der}")),
        (format!("{a}{}", block("MAMCAQ==")), &format!("certificate 2: {not_der}")),
        (format!("{a}{b}{}", block("cnViYmlzaA")), "certificate 3: invalid base64"),
        (format!("{b}{cut}"), "certificate 2: invalid base64"),
        (a.replace('\n', "\\n"), "certificate 1: invalid base64"),
        (format!("{a}{}", a.trim_end().trim_end_matches('-')), "certificate 2: missing its END line"),
        (format!("{a}{}", &b[..200]), "certificate 2: missing its END line"),
        (format!("{}{b}", &a[..200]), "certificate 1: missing its END line"),
        (format!("{a}{}", b.replace("-----END CERTIFICATE-----", "")), "certificate 2: missing its END line"),
        (format!("{a}{}", b.replacen("-----BEGIN", "----BEGIN", 1)), unmatched),
        (format!("{a}{}", b.replacen("-----BEGIN", "\u{2013}BEGIN", 1)), unmatched),
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
        (format!("{a}-----BEGIN "), "certificate 2: invalid BEGIN line"),
        (format!("{a}-----BEGIN CERTIFICATE\n---\n"), "certificate 2: invalid BEGIN line"),
    ] {
        let error = with_pem(&emulators[0], pem.as_bytes()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{pem}");
        assert_eq!(error.to_string(), format!("invalid root certificates: {reason}"), "{pem}");
    }
    let utf16: Vec<u8> = a.encode_utf16().flat_map(u16::to_le_bytes).collect();
    with_pem(&emulators[0], &utf16).build().unwrap_err();
}
