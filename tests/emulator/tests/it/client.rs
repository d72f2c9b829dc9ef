//! Clients for the tests: ureq, and bare TLS for requests that ureq does not send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use confluent_metrics_emulator::Emulator;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub(crate) const SENT: &str = "io.confluent.kafka.server/sent_bytes";
pub(crate) const RETAINED: &str = "io.confluent.kafka.server/retained_bytes";

/// 2026-01-01T12:00:00Z.
pub(crate) const NOON: i64 = 1_767_268_800;

pub(crate) fn agent(emulator: &Emulator) -> Agent {
    agent_within(emulator, HANG)
}

/// Returns a client with a timeout.
pub(crate) fn agent_within(emulator: &Emulator, time: Duration) -> Agent {
    let authority = Certificate::from_pem(emulator.ca_pem().as_bytes())
        .expect("a certificate")
        .to_owned();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&[authority]))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(time))
        .build()
        .into()
}

pub(crate) fn basic((key, secret): (&str, &str)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

pub(crate) fn cloud(emulator: &Emulator) -> String {
    basic((emulator.api_key(), emulator.api_secret()))
}

#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl HttpResponse {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(own, _)| own == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }

    /// The details of the service's own error form, whose status must be that of the response.
    pub(crate) fn details(&self) -> Vec<String> {
        let json = self.json();
        let entries = json["errors"].as_array().expect("errors").clone();
        let detail = |entry: Value| {
            assert_eq!(entry["status"], self.status.to_string());
            entry["detail"].as_str().expect("a detail").to_owned()
        };
        entries.into_iter().map(detail).collect()
    }
}

/// Posts a body, with an `Authorization` unless it is empty.
pub(crate) fn post(
    agent: &Agent,
    emulator: &Emulator,
    path: &str,
    authorization: &str,
    body: &str,
) -> Result<HttpResponse, ureq::Error> {
    let mut request = agent
        .post(format!("{}{path}", emulator.url()))
        .header("Content-Type", "application/json")
        .header("Accept-Encoding", "identity");
    if !authorization.is_empty() {
        request = request.header("Authorization", authorization);
    }
    read(request.send(body)?)
}

/// Gets a path, with an `Authorization` and an `Accept` unless they are empty.
pub(crate) fn get(
    emulator: &Emulator,
    path: &str,
    authorization: &str,
    accept: &str,
) -> HttpResponse {
    let mut request = agent(emulator)
        .get(format!("{}{path}", emulator.url()))
        .header("Accept-Encoding", "identity");
    for (name, value) in [("Authorization", authorization), ("Accept", accept)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    read(request.call().expect("a response")).expect("a body")
}

pub(crate) fn read(
    mut response: ureq::http::Response<ureq::Body>,
) -> Result<HttpResponse, ureq::Error> {
    let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        (
            name.as_str().to_owned(),
            value.to_str().unwrap_or_default().to_owned(),
        )
    };
    let (status, headers) = (
        response.status().as_u16(),
        response.headers().iter().map(header).collect(),
    );
    let body = response
        .body_mut()
        .with_config()
        .limit(1 << 28)
        .read_to_string()?;
    Ok(HttpResponse {
        status,
        headers,
        body,
    })
}

/// A token as it goes into a URL.
pub(crate) fn encoded(token: &str) -> String {
    token
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

/// The token of the next page, if there is one.
pub(crate) fn token(response: &HttpResponse) -> Option<String> {
    response.json()["meta"]["pagination"]["next_page_token"]
        .as_str()
        .map(str::to_owned)
}

/// Sends a query of the dataset `cloud` with the Cloud key.
pub(crate) fn send_query(emulator: &Emulator, body: &Value) -> HttpResponse {
    let path = "/v2/metrics/cloud/query";
    post(
        &agent(emulator),
        emulator,
        path,
        &cloud(emulator),
        &body.to_string(),
    )
    .expect("a response")
}

/// Returns a query over lkc-1, with members added or replaced.
pub(crate) fn query(metric: &str, more: &Value) -> Value {
    let mut body = json!({
        "aggregations": [{ "metric": metric }],
        "filter": { "field": "resource.kafka.id", "op": "EQ", "value": "lkc-1" },
        "granularity": "PT1M",
        "intervals": ["2026-01-01T10:00:00Z/PT10M"]
    });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// Sets a point of a topic of lkc-1, this many seconds after 10:00.
pub(crate) fn put(emulator: &Emulator, topic: &str, seconds: i64, value: f64) {
    let labels = [
        ("resource.kafka.id", "lkc-1"),
        ("metric.topic", topic),
        ("metric.partition", "0"),
    ];
    emulator.put(SENT, &labels, NOON - 7_200 + seconds, value);
}

/// Returns the builder of an emulator at noon without demo data.
pub(crate) fn empty() -> confluent_metrics_emulator::Builder {
    Emulator::builder().clock(NOON).demo(false)
}

pub(crate) const PATH: &str = "/v2/metrics/cloud/query";

/// Starts an emulator with one topic and the value 7.
pub(crate) fn emulator_with_seven() -> Emulator {
    let emulator = empty().start();
    put(&emulator, "a", 0, 7.0);
    emulator
}

/// Returns the body of a query for the topic of [`emulator_with_seven`].
pub(crate) fn body() -> String {
    query(SENT, &json!({"group_by": ["metric.topic"]})).to_string()
}

/// Sends that query on a new connection.
pub(crate) fn try_query(emulator: &Emulator) -> Result<HttpResponse, ureq::Error> {
    post(&agent(emulator), emulator, PATH, &cloud(emulator), &body())
}

/// Returns that query as an HTTP request, with further header lines.
pub(crate) fn raw_query(emulator: &Emulator, more: &str) -> String {
    let body = body();
    format!(
        "{}{body}",
        head(
            emulator,
            &format!("Content-Length: {}\r\n{more}", body.len())
        )
    )
}

/// An upper bound on what should take no time. Only what hangs exceeds it, however busy the machine
/// is.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// Waits until something is so; a test fails if it never is.
pub(crate) fn eventually(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < HANG, "it never happened");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A connection on which a test says what it likes.
pub(crate) struct Raw {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Raw {
    pub(crate) fn connect(emulator: &Emulator) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(emulator.ca_pem().as_bytes()).expect("PEM"))
            .expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let address = emulator.url().trim_start_matches("https://");
        let socket = TcpStream::connect(address).expect("a connection");
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout");
        Self {
            stream: StreamOwned::new(session, socket),
        }
    }

    pub(crate) fn send(&mut self, text: &str) -> &mut Self {
        self.stream.write_all(text.as_bytes()).expect("sent");
        self.stream.flush().expect("sent");
        self
    }

    /// Gives up reading after this time.
    pub(crate) fn patience(&mut self, time: Duration) -> &mut Self {
        self.stream
            .sock
            .set_read_timeout(Some(time))
            .expect("a timeout");
        self
    }

    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.stream.conn.protocol_version()
    }

    /// Reads until the text so far ends with this.
    pub(crate) fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(end.as_bytes()) {
            let count = self.stream.read(&mut byte).expect("more to read");
            assert_eq!(count, 1, "ended with {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&byte);
        }
        String::from_utf8(text).expect("text")
    }

    /// Reads one response: its head, and as much body as the head promises.
    pub(crate) fn read_response(&mut self) -> (String, Vec<u8>) {
        let head = self.until("\r\n\r\n");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .expect("a length");
        let mut body = vec![0; length.parse().expect("a number")];
        self.stream.read_exact(&mut body).expect("a body");
        (head, body)
    }

    /// Reads everything up to the end, and how it ended.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, Option<std::io::ErrorKind>) {
        let mut all = Vec::new();
        let end = self
            .stream
            .read_to_end(&mut all)
            .err()
            .map(|error| error.kind());
        (all, end)
    }
}

/// The head of a query as text, up to the empty line, for a body of this length.
pub(crate) fn head(emulator: &Emulator, more: &str) -> String {
    format!(
        "POST /v2/metrics/cloud/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: {}\r\n{more}\r\n",
        cloud(emulator)
    )
}
