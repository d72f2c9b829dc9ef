//! Random response headers: no call panics or hangs.

use std::time::Duration;

use confluent_metrics::{Client, Credentials, ErrorKind, Granularity, Query, Resource};
use confluent_metrics_emulator::{Emulator, Fault};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

const NAMES: [&str; 6] = [
    "rateLimit-limit",
    "RATELIMIT-REMAINING",
    "ratelimit-reset",
    "Retry-After",
    "Location",
    "Content-Encoding",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("0".to_owned()),
        Just("Fri, 31 Dec 9999 23:59:59 GMT".to_owned()),
        (0u64..u64::MAX).prop_map(|number| number.to_string()),
        "[0-9, .;=wGMT-]{0,20}",
        "[ -~]{0,40}",
    ]
}

#[test]
fn no_header_makes_a_call_panic_or_hang() {
    let emulator = Emulator::builder().demo(false).start();
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        "PT1H/now".parse().unwrap(),
    )
    .filter(Resource::kafka("lkc-1"));
    let headers = prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..6);
    let statuses = prop::sample::select(&[200u16, 204, 301, 307, 308, 400, 429, 500, 503][..]);
    let mut runner = TestRunner::new(Config {
        cases: 400,
        rng_seed: RngSeed::Fixed(20_260_101),
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&(statuses, headers), |(status, headers)| {
            let fault = Fault::status(status).body(r#"{"data":[]}"#);
            let fault = headers
                .iter()
                .fold(fault, |fault, (name, value)| fault.header(name, value));
            emulator.fault(fault);
            // A new client each time, so that no earlier rate limit applies.
            let client = Client::builder(credentials.clone())
                .base_url(emulator.url())
                .root_certificates_pem(emulator.ca_pem())
                .without_proxy()
                .max_retries(0)
                .deadline(Duration::from_secs(30))
                .build()
                .unwrap();
            if let Err(error) = client.query(&query) {
                prop_assert_ne!(error.kind(), ErrorKind::InvalidInput);
                prop_assert_eq!(error.to_string().lines().count(), 1);
            }
            // The rate limit delays the next request, or is invalid and does not.
            if let Err(error) = client.query(&query) {
                prop_assert_eq!(error.kind(), ErrorKind::RateLimited);
                prop_assert!(error.retry_after().unwrap() <= Duration::from_secs(366 * 86_400));
            }
            Ok(())
        })
        .unwrap();
}
