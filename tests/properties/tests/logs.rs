//! The logs of the HTTP package hold no secret, down to the level debug.

use std::sync::Mutex;

use confluent_metrics::{Client, Credentials, Granularity, Interval, Query, Resource};
use confluent_metrics_emulator::{Emulator, Fault, Proxy, ProxyBehavior};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Collector;

impl log::Log for Collector {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().unwrap().push(format!(
            "{} {} {}",
            record.level(),
            record.target(),
            record.args()
        ));
    }

    fn flush(&self) {}
}

#[test]
fn no_line_down_to_debug_shows_a_secret() {
    const SECRET: &str = "s3cr3t+s3cr3t/s3cr3t";
    const ENCODED: &str = "S0VZS0VZS0VZS0VZS0VZMTpzM2NyM3QrczNjcjN0L3MzY3IzdA==";
    const PROXY_ENCODED: &str = "dXNlcjpzM2NyM3QrczNjcjN0L3MzY3IzdA==";
    log::set_logger(&Collector).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let emulator = Emulator::start();
    let client = |credentials| {
        Client::builder(credentials)
            .base_url(emulator.url())
            .root_certificates_pem(emulator.ca_pem())
            .without_proxy()
            .max_retries(1)
            .build()
            .unwrap()
    };
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        Interval::last_hours(1),
    )
    .filter(Resource::kafka("lkc-1"));
    let wrong = client(Credentials::api_key("KEYKEYKEYKEYKEY1", SECRET).unwrap());
    let right = client(Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap());
    let bearer = client(Credentials::bearer("tok3n.tok3n").unwrap());
    wrong.query(&query).unwrap_err();
    bearer.query(&query).unwrap_err();
    right.query(&query).unwrap();
    for fault in [
        Fault::status(500),
        Fault::real_response().redirect(307, "/v2/metrics/cloud/query?hop=1"),
        Fault::real_response().close_before_response(),
        Fault::not_http(),
    ] {
        emulator.fault(fault);
        let _ = right.query(&query);
    }
    // `user:` and the secret in base64.
    let open = Proxy::start(ProxyBehavior::Closed(format!("Basic {PROXY_ENCODED}")));
    let refusing = Proxy::start(ProxyBehavior::Status(502));
    let host_and_port = |proxy: &Proxy| proxy.url().replace("http://", "");
    for (to, is_open) in [
        (host_and_port(&open), true),
        (host_and_port(&refusing), false),
        ("127.0.0.1:1".into(), false),
    ] {
        let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
        let proxied = Client::builder(credentials)
            .base_url(emulator.url())
            .root_certificates_pem(emulator.ca_pem())
            .proxy(format!("http://user:{}@{to}", SECRET.replace('/', "%2F")))
            .max_retries(0)
            .build()
            .unwrap();
        assert_eq!(proxied.query(&query).is_ok(), is_open, "{to}");
    }

    let lines = LINES.lock().unwrap();
    assert!(
        lines.iter().any(|line| line.starts_with("DEBUG ureq")),
        "something was logged"
    );
    for secret in [
        SECRET,
        ENCODED,
        PROXY_ENCODED,
        "tok3n",
        "KEYKEYKEYKEYKEY1",
        "s3cr3t",
        emulator.api_secret(),
    ] {
        let shown: Vec<_> = lines.iter().filter(|line| line.contains(secret)).collect();
        assert!(shown.is_empty(), "{secret}: {shown:#?}");
    }
}
