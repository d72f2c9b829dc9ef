//! PEM: nothing panics, and every `BEGIN CERTIFICATE` line gives a certificate or an error.
#![no_main]

use confluent_metrics::fuzzing::count_certificates;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pem: &[u8]| {
    let Ok(count) = count_certificates(pem) else {
        return;
    };
    let text = String::from_utf8_lossy(pem);
    assert_eq!(count, text.matches("BEGIN CERTIFICATE").count(), "{text:?}");
    let lines = text.trim_start_matches('\u{feff}').split(['\n', '\r']);
    let begin_lines = lines
        .filter(|line| line.trim() == "-----BEGIN CERTIFICATE-----")
        .count();
    assert!(count >= begin_lines.max(1), "{text:?}");
});
