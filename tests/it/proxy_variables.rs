//! Proxy variables have the same meaning as for curl.
//!
//! Each row of the tables runs a client in a process of its own, and then curl with the same
//! variables. Each proxy reports if it saw a `CONNECT`.

use std::process::Command;

use confluent_metrics_emulator::{Emulator, Proxy, ProxyBehavior};

use crate::environment::{CHILD, in_child, set_environment};

/// The route of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Route {
    Direct,
    ProxyA,
    ProxyB,
}

use Route::{Direct, ProxyA, ProxyB};

/// Variables and the expected route. `{a}` and `{b}` stand for the hosts and ports of the proxies.
type Row<'a> = (&'a [(&'a str, &'a str)], Route);

/// Two proxies, and a service that is reached directly or through one of them.
struct Network {
    service: Emulator,
    ca_file: std::path::PathBuf,
    proxies: [Proxy; 2],
    curl_version: Option<(u32, u32)>,
}

impl Network {
    fn start(name: &str) -> Self {
        let service = Emulator::start();
        let file_name = format!("confluent-metrics-{name}-{}.pem", std::process::id());
        let ca_file = std::env::temp_dir().join(file_name);
        std::fs::write(&ca_file, service.ca_pem()).unwrap();
        let proxies = [
            Proxy::start(ProxyBehavior::Open),
            Proxy::start(ProxyBehavior::Open),
        ];
        Self {
            service,
            ca_file,
            proxies,
            curl_version: curl_version(),
        }
    }

    /// The variables of a row with the addresses of this network.
    fn variables<'a>(&self, variables: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
        let [a, b] = self
            .proxies
            .each_ref()
            .map(|proxy| proxy.url().replace("http://", ""));
        let fill = |value: &str| value.replace("{a}", &a).replace("{b}", &b);
        variables
            .iter()
            .map(|(name, value)| (*name, fill(value)))
            .collect()
    }

    /// The URL of the service under another name for its host.
    fn url(&self, host: &str) -> String {
        self.service.url().replace("127.0.0.1", host)
    }

    /// Runs a client in a separate process, and returns its output and the route of its request.
    fn client(&self, host: &str, variables: &[(&str, &str)]) -> (String, Route) {
        let filled = self.variables(variables);
        let url = self.url(host);
        let mut environment = vec![
            (CHILD, "once"),
            ("CCLOUD_API_KEY", self.service.api_key()),
            ("CCLOUD_API_SECRET", self.service.api_secret()),
            ("CONFLUENT_METRICS_BASE_URL", &url),
            ("CONFLUENT_METRICS_CA_FILE", self.ca_file.to_str().unwrap()),
        ];
        environment.extend(filled.iter().map(|(name, value)| (*name, value.as_str())));
        self.observe(|| in_child(&environment))
    }

    /// Runs curl, and returns its output and the route of its request.
    fn curl(&self, host: &str, variables: &[(&str, &str)]) -> (String, Route) {
        let filled = self.variables(variables);
        let borrowed: Vec<_> = filled
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut command = Command::new("curl");
        // `-q` ignores the configuration file of the user.
        command.args([
            "-q",
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--cacert",
        ]);
        command.arg(&self.ca_file).arg(self.url(host));
        set_environment(&mut command, &borrowed);
        self.observe(|| {
            let output = command.output().unwrap();
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
        })
    }

    /// Runs `send`, and returns the route of its request.
    fn observe(&self, send: impl FnOnce() -> String) -> (String, Route) {
        let counts = || self.proxies.each_ref().map(|proxy| proxy.heads().len());
        let before = counts();
        let printed = send();
        let after = counts();
        let route = match (after[0] > before[0], after[1] > before[1]) {
            (false, false) => Direct,
            (true, false) => ProxyA,
            (false, true) => ProxyB,
            (true, true) => panic!("both proxies saw a CONNECT: {printed}"),
        };
        (printed, route)
    }

    /// Asserts the route of the client, and that of curl if its version is below `curl_below`.
    fn check(&self, host: &str, (variables, expected): Row<'_>, curl_below: (u32, u32)) {
        let (printed, route) = self.client(host, variables);
        assert_eq!(route, expected, "{host} {variables:?}: {printed}");
        if host == "127.0.0.1" {
            assert!(
                printed.contains("gave 12 topics"),
                "{host} {variables:?}: {printed}"
            );
        }
        if self
            .curl_version
            .is_some_and(|version| version >= (7, 88) && version < curl_below)
        {
            let (printed, route) = self.curl(host, variables);
            assert_eq!(route, expected, "curl: {host} {variables:?}: {printed}");
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.ca_file);
    }
}

const EVERY_CURL: (u32, u32) = (u32::MAX, 0);

/// Curl 8.9 dropped lists that are separated by spaces alone.
const CURL_WITH_BLANKS: (u32, u32) = (8, 9);

/// Curl ignores or inverts bits of IPv6 prefixes, depending on its version.
const NO_CURL: (u32, u32) = (0, 0);

fn curl_version() -> Option<(u32, u32)> {
    let output = Command::new("curl").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[test]
#[cfg_attr(windows, ignore = "names of variables ignore case on Windows")]
fn proxy_variables_have_the_precedence_of_curl() {
    let network = Network::start("proxy-order");
    let rows: &[Row<'_>] = &[
        (&[], Direct),
        (&[("https_proxy", "http://{a}")], ProxyA),
        (&[("HTTPS_PROXY", "http://{a}")], ProxyA),
        (&[("all_proxy", "http://{a}")], ProxyA),
        (&[("ALL_PROXY", "http://{a}")], ProxyA),
        (&[("http_proxy", "http://{a}")], Direct),
        (&[("HTTP_PROXY", "http://{a}")], Direct),
        (
            &[("HTTP_PROXY", "http://{a}"), ("ALL_PROXY", "http://{b}")],
            ProxyB,
        ),
        (
            &[("https_proxy", "http://{a}"), ("HTTPS_PROXY", "http://{b}")],
            ProxyA,
        ),
        (
            &[("https_proxy", "http://{b}"), ("all_proxy", "http://{a}")],
            ProxyB,
        ),
        (
            &[("HTTPS_PROXY", "http://{b}"), ("all_proxy", "http://{a}")],
            ProxyB,
        ),
        (
            &[("HTTPS_PROXY", "http://{b}"), ("ALL_PROXY", "http://{a}")],
            ProxyB,
        ),
        (
            &[("all_proxy", "http://{a}"), ("ALL_PROXY", "http://{b}")],
            ProxyA,
        ),
        (
            &[("https_proxy", "http://{a}"), ("HTTPS_PROXY", "")],
            ProxyA,
        ),
        (
            &[("https_proxy", ""), ("HTTPS_PROXY", "http://{b}")],
            ProxyB,
        ),
        (
            &[
                ("https_proxy", ""),
                ("HTTPS_PROXY", ""),
                ("ALL_PROXY", "http://{b}"),
            ],
            ProxyB,
        ),
        (&[("all_proxy", ""), ("ALL_PROXY", "http://{b}")], ProxyB),
        (
            &[
                ("https_proxy", ""),
                ("HTTPS_PROXY", ""),
                ("all_proxy", ""),
                ("ALL_PROXY", ""),
            ],
            Direct,
        ),
        (
            &[
                ("HTTPS_PROXY", "http://{b}"),
                ("ALL_PROXY", "socks5h://127.0.0.1:1"),
            ],
            ProxyB,
        ),
        (
            &[("HTTPS_PROXY", "http://{b}"), ("ALL_PROXY", "not a URL")],
            ProxyB,
        ),
        (
            &[
                ("https_proxy", "http://{a}"),
                ("HTTPS_PROXY", "socks5h://127.0.0.1:1"),
            ],
            ProxyA,
        ),
        (&[("https_proxy", "{a}")], ProxyA),
        (&[("https_proxy", "HTTP://{a}/")], ProxyA),
        (&[("https_proxy", "user:p%2Fw@{a}")], ProxyA),
    ];
    for row in rows {
        network.check("127.0.0.1", *row, EVERY_CURL);
    }
}

#[test]
#[cfg_attr(windows, ignore = "names of variables ignore case on Windows")]
fn no_proxy_is_read_as_curl_reads_it() {
    let network = Network::start("no-proxy");
    for (host, entries, expected, curl) in [
        ("127.0.0.1", "127.0.0.1", Direct, EVERY_CURL),
        ("127.0.0.1", " 127.0.0.1 ", Direct, EVERY_CURL),
        ("127.0.0.1", "a.example, 127.0.0.1", Direct, EVERY_CURL),
        ("127.0.0.1", "a.example ,127.0.0.1", Direct, EVERY_CURL),
        ("127.0.0.1", ",,127.0.0.1,", Direct, EVERY_CURL),
        ("127.0.0.1", "a.example 127.0.0.1", Direct, CURL_WITH_BLANKS),
        (
            "127.0.0.1",
            "a.example\t127.0.0.1 b.example",
            Direct,
            CURL_WITH_BLANKS,
        ),
        ("127.0.0.1", "*", Direct, EVERY_CURL),
        ("127.0.0.1", "a.example,*", ProxyA, EVERY_CURL),
        ("127.0.0.1", "127.0.0.0/8", Direct, EVERY_CURL),
        ("127.0.0.1", "10.0.0.0/8,126.0.0.0/7", Direct, EVERY_CURL),
        ("127.0.0.1", "127.0.0.1/32", Direct, EVERY_CURL),
        ("127.0.0.1", "127.0.0.1/33", ProxyA, EVERY_CURL),
        ("127.0.0.1", "127.0.0.2/31", ProxyA, EVERY_CURL),
        ("127.0.0.1", "0.0.0.0/0", ProxyA, EVERY_CURL),
        ("127.0.0.1", "127.0.0.2", ProxyA, EVERY_CURL),
        ("127.0.0.1", "0.0.1", ProxyA, EVERY_CURL),
        ("127.0.0.1", ".0.0.1", ProxyA, EVERY_CURL),
        ("127.0.0.1", "localhost", ProxyA, EVERY_CURL),
        ("localhost", "localhost", Direct, EVERY_CURL),
        ("localhost", ".localhost", Direct, EVERY_CURL),
        ("localhost", "LocalHost.", Direct, EVERY_CURL),
        ("localhost", "127.0.0.1", ProxyA, EVERY_CURL),
        ("localhost", "host", ProxyA, EVERY_CURL),
        ("api.a.localhost", "a.localhost", Direct, EVERY_CURL),
        ("api.a.localhost", ".a.localhost", Direct, EVERY_CURL),
        ("api.a.localhost", "localhost", Direct, EVERY_CURL),
        ("api.a.localhost", "pi.a.localhost", ProxyA, EVERY_CURL),
        ("api.a.localhost", "b.api.a.localhost", ProxyA, EVERY_CURL),
        ("api.a.localhost", "*.a.localhost", ProxyA, EVERY_CURL),
        ("[::1]", "::1", Direct, EVERY_CURL),
        ("[::1]", "[::1]", Direct, NO_CURL),
        ("[::1]", "0:0:0:0:0:0:0:1", Direct, NO_CURL),
        ("[::1]", "::/64", Direct, NO_CURL),
        ("[::1]", "::2/127", ProxyA, NO_CURL),
        ("[::1]", "127.0.0.1", ProxyA, EVERY_CURL),
    ] {
        network.check(
            host,
            (
                &[("https_proxy", "http://{a}"), ("no_proxy", entries)],
                expected,
            ),
            curl,
        );
    }
    let rows: &[Row<'_>] = &[
        (
            &[("https_proxy", "http://{a}"), ("NO_PROXY", "127.0.0.1")],
            Direct,
        ),
        (
            &[
                ("https_proxy", "http://{a}"),
                ("no_proxy", "127.0.0.1"),
                ("NO_PROXY", ""),
            ],
            Direct,
        ),
        (
            &[
                ("https_proxy", "http://{a}"),
                ("no_proxy", ""),
                ("NO_PROXY", "127.0.0.1"),
            ],
            Direct,
        ),
        (
            &[
                ("https_proxy", "http://{a}"),
                ("no_proxy", "b.example"),
                ("NO_PROXY", "127.0.0.1"),
            ],
            ProxyA,
        ),
        (
            &[
                ("https_proxy", "socks5h://127.0.0.1:1"),
                ("no_proxy", "127.0.0.1"),
            ],
            Direct,
        ),
    ];
    for row in rows {
        network.check("127.0.0.1", *row, EVERY_CURL);
    }
}

#[test]
#[cfg_attr(windows, ignore = "names of variables ignore case on Windows")]
fn a_client_of_the_service_itself_goes_through_the_proxy_as_well() {
    let proxy = Proxy::start(ProxyBehavior::Status(403));
    let key = [
        (CHILD, "service"),
        ("CCLOUD_API_KEY", "key"),
        ("CCLOUD_API_SECRET", "s3cret-value"),
    ];
    let printed = in_child(&[&key[..], &[("HTTPS_PROXY", &proxy.url())]].concat());
    assert!(
        printed.contains("the proxy returned 403 Forbidden"),
        "{printed}"
    );
    let head = &proxy.heads()[0];
    assert!(
        head.starts_with("CONNECT api.telemetry.confluent.cloud:443 HTTP/1.1\r\n"),
        "{head}"
    );
    // An invalid variable is an error of the call, because `Client::new` returns none.
    let printed = in_child(&[&key[..], &[("ALL_PROXY", "socks5h://127.0.0.1:1")]].concat());
    assert!(
        printed.contains("invalid proxy URL in ALL_PROXY: expected http://"),
        "{printed}"
    );
}

#[cfg(unix)]
#[test]
fn a_proxy_that_is_not_unicode_is_refused_and_not_bypassed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let network = Network::start("proxy-unicode");
    let printed = in_child(&[
        (CHILD, OsStr::new("once")),
        ("CCLOUD_API_KEY", network.service.api_key().as_ref()),
        ("CCLOUD_API_SECRET", network.service.api_secret().as_ref()),
        ("CONFLUENT_METRICS_BASE_URL", network.service.url().as_ref()),
        ("CONFLUENT_METRICS_CA_FILE", network.ca_file.as_ref()),
        (
            "HTTPS_PROXY",
            OsStr::from_bytes(b"http://user:\xff@127.0.0.1:1"),
        ),
    ]);
    assert!(
        printed.contains("invalid proxy URL in HTTPS_PROXY: not valid Unicode"),
        "{printed}"
    );
    assert_eq!(network.service.requests().len(), 0);
}
