//! Calls through a proxy.

use std::time::{Duration, Instant};

use confluent_metrics::{Client, ErrorKind};
use confluent_metrics_emulator::{Emulator, Proxy, ProxyBehavior};

use crate::support::{FOREVER, HANG, builder, by_topic, empty_emulator, put_point, render_all};

const CONNECT: Duration = Duration::from_millis(1500);

fn through(emulator: &Emulator, proxy: &Proxy, user: &str, retries: u32) -> Client {
    builder(emulator)
        .proxy(proxy.url().replace("://", &format!("://{user}")))
        .attempt_timeout(FOREVER)
        .deadline(FOREVER)
        .connect_timeout(CONNECT)
        .max_retries(retries)
        .build()
        .unwrap()
}

#[test]
fn a_tunnel_is_opened_once_and_reused() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    let open = Proxy::start(ProxyBehavior::Open);
    // `user:p/w` in base64.
    let closed = Proxy::start(ProxyBehavior::Closed("Basic dXNlcjpwL3c=".into()));
    for (proxy, user) in [(&open, ""), (&closed, "user:p%2Fw@")] {
        let client = through(&emulator, proxy, user, 0);
        // Longer than the connect timeout, which ends when the tunnel is open.
        for pause in [Duration::ZERO, CONNECT + Duration::from_millis(200)] {
            std::thread::sleep(pause);
            assert_eq!(
                render_all(&client.query(&by_topic()).unwrap()),
                ["orders 0=1"]
            );
        }
        let requested = format!(
            "CONNECT {} HTTP/1.1\r\n",
            emulator.url().replace("https://", "")
        );
        let heads = proxy.heads();
        assert!(
            heads.len() == 1 && heads[0].starts_with(&requested),
            "{heads:?}"
        );
        assert!(
            !heads[0].to_lowercase().contains("\nauthorization"),
            "the key is for the service alone"
        );
    }
}

#[test]
fn proxy_errors_are_reported_and_transient_ones_retried() {
    let emulator = empty_emulator();
    let wants_password = "the proxy requires authentication: http://user:password@host:port";
    let refuses = "check that the proxy is the right one and allows connections to the service";
    for (manner, text, hint, tries) in [
        (
            ProxyBehavior::Status(407),
            "the proxy returned 407 Proxy Authentication Required",
            wants_password,
            1,
        ),
        (
            ProxyBehavior::Status(403),
            "the proxy returned 403 Forbidden",
            refuses,
            1,
        ),
        (
            ProxyBehavior::Status(502),
            "the proxy returned 502 Bad Gateway",
            refuses,
            2,
        ),
        (
            ProxyBehavior::Close,
            "the proxy closed the connection",
            refuses,
            2,
        ),
    ] {
        let proxy = Proxy::start(manner);
        let error = through(&emulator, &proxy, "", 1)
            .query(&by_topic())
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.hint()),
            (ErrorKind::Connection, Some(hint))
        );
        let route = format!(
            "{} via proxy {}",
            emulator.url(),
            proxy.url().replace("http://", "")
        );
        let sentence = format!("failed: cannot open a tunnel to {route}: {text}");
        assert!(error.to_string().contains(&sentence), "{error}");
        assert_eq!(proxy.heads().len(), tries, "{error}");
    }
    assert_eq!(emulator.requests().len(), 0);
}

#[test]
fn a_slow_or_silent_proxy_does_not_exceed_the_timeout() {
    let emulator = empty_emulator();
    for manner in [
        ProxyBehavior::Drip(Duration::from_millis(50)),
        ProxyBehavior::Silent,
    ] {
        let proxy = Proxy::start(manner.clone());
        let started = Instant::now();
        let error = through(&emulator, &proxy, "", 0)
            .query(&by_topic())
            .unwrap_err();
        assert!(
            started.elapsed() < HANG,
            "{manner:?}: {:?}",
            started.elapsed()
        );
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let route = format!(
            "{} via proxy {}",
            emulator.url(),
            proxy.url().replace("http://", "")
        );
        assert!(
            error
                .to_string()
                .ends_with(&format!("connecting to {route} timed out after 1.5s")),
            "{error}"
        );
    }
}
