//! The only file that names ureq: one request out, one whole body or one error back.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, ProxyProtocol, Timeout};

use crate::credentials::Credentials;
use crate::decode;
use crate::error::{ApiError, Error, ErrorKind, one_line};

/// How a client reaches the service. All of it is checked before it gets here.
pub(crate) struct Settings {
    pub(crate) base: BaseUrl,
    pub(crate) credentials: Credentials,
    pub(crate) attempt_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_response_bytes: u64,
    pub(crate) proxy: ProxyChoice,
    pub(crate) trust: Trust,
    pub(crate) user_agent: String,
}

/// Through which proxy requests go.
pub(crate) enum ProxyChoice {
    /// What the environment says: `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
    Environment,
    Direct,
    Through(Proxy),
}

/// Which certificates are believed.
pub(crate) enum Trust {
    BuiltIn,
    Roots(RootCerts),
    #[cfg(feature = "platform-verifier")]
    Platform,
}

/// Where the service is: scheme, host and port, and the path that all its paths start with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BaseUrl {
    origin: String,
    prefix: String,
}

/// The time that a call may take in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    budget: Duration,
}

pub(crate) struct Transport {
    agent: Agent,
    settings: Settings,
}

impl Deadline {
    pub(crate) fn after(budget: Duration) -> Self {
        Self { started: Instant::now(), budget }
    }

    pub(crate) fn budget(&self) -> Duration {
        self.budget
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// What is left; `None` once nothing is.
    fn remaining(&self) -> Option<Duration> {
        self.budget.checked_sub(self.elapsed()).filter(|left| !left.is_zero())
    }
}

impl BaseUrl {
    /// The service itself.
    pub(crate) fn service() -> Self {
        Self { origin: "https://api.telemetry.confluent.cloud".into(), prefix: String::new() }
    }

    /// Reads a base URL; what is refused is not repeated where it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::invalid_input(format!("the base URL {why}"));
        let shown = || one_line(text, 100);
        // Wherever the sign stands, a password may stand before it, slashes and all.
        if text.contains('@') {
            return Err(refused("has user info in it, before an @: give the key to Credentials instead"));
        }
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next().unwrap_or("");
        // The parser drops a fragment without a word.
        if text.contains(['?', '#']) {
            return Err(refused(&format!("\"{}\" has a query or a fragment", shown())));
        }
        let uri: Uri = text
            .parse()
            .map_err(|error| refused(&format!("\"{}\" cannot be read", shown())).with_cause(error))?;
        if uri.scheme_str() != Some("https") {
            return Err(refused(&format!("\"{}\" is not https", shown())));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| refused("has no host"))?;
        let port = match port(authority) {
            Some(None | Some(443)) => String::new(),
            Some(Some(port)) => format!(":{port}"),
            None => return Err(refused(&format!("\"{}\" has no valid port", shown()))),
        };
        let origin = format!("https://{}{port}", host.to_ascii_lowercase());
        Ok(Self { origin, prefix: uri.path().trim_end_matches('/').to_owned() })
    }

    /// Scheme, host and port, for people to read.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The address of `path`, which starts with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }

    /// The address that a link in an answer means, where it stays with this origin.
    pub(crate) fn follow(&self, link: &str) -> Option<String> {
        if link.starts_with('/') && !link.starts_with("//") {
            return Some(format!("{}{link}", self.origin));
        }
        let same = origin_of(link)? == self.origin;
        same.then(|| link.to_owned())
    }
}

/// Reads certificates in PEM.
pub(crate) fn roots_from_pem(pem: &[u8]) -> Result<Trust, Error> {
    let refused = || Error::invalid_input("the root certificates are not PEM");
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        match item.map_err(|error| refused().with_cause(error))? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            _ => {
                return Err(Error::invalid_input(
                    "the root certificates have something else among them, such as a key",
                ));
            }
        }
    }
    if certificates.is_empty() {
        return Err(Error::invalid_input("the root certificates have no certificate among them"));
    }
    Ok(Trust::Roots(RootCerts::from(certificates)))
}

/// Reads the address of a proxy; it is not repeated, since it may hold a password.
pub(crate) fn proxy_from_url(url: &str) -> Result<ProxyChoice, Error> {
    let refused = || Error::invalid_input("the proxy's address cannot be read");
    let proxy = Proxy::new(url).map_err(|error| refused().with_cause(error))?;
    // Without the feature for it ureq panics at a SOCKS proxy when it connects.
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err(Error::invalid_input(
            "the proxy is not one for HTTP: its address has to start with http:// or https://",
        ));
    }
    let authority = proxy.uri().authority().map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit('@').next().unwrap_or("");
    match port(host_and_port) {
        Some(_) if !proxy.host().is_empty() => Ok(ProxyChoice::Through(proxy)),
        _ => Err(refused()),
    }
}

/// The port that `authority` names, if any; `None` where what follows its colon is no port.
fn port(authority: &str) -> Option<Option<u16>> {
    // The parser of addresses takes "host:" and "host:99999" for a host without a port.
    match authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']')) {
        None => Some(None),
        Some(port) => port.parse().ok().filter(|port| *port > 0).map(Some),
    }
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Self {
        let roots = match &settings.trust {
            Trust::BuiltIn => RootCerts::WebPki,
            Trust::Roots(roots) => roots.clone(),
            #[cfg(feature = "platform-verifier")]
            Trust::Platform => RootCerts::PlatformVerifier,
        };
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .user_agent(&settings.user_agent)
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_global(Some(settings.attempt_timeout));
        let config = match &settings.proxy {
            ProxyChoice::Environment => config,
            ProxyChoice::Direct => config.proxy(None),
            ProxyChoice::Through(proxy) => config.proxy(Some(proxy.clone())),
        };
        Self { agent: config.build().new_agent(), settings }
    }

    pub(crate) fn base(&self) -> &BaseUrl {
        &self.settings.base
    }

    /// Sends `body` to `url` and gives the whole body of the answer, where it is a success.
    pub(crate) fn post(&self, url: &str, body: &str, deadline: &Deadline) -> Result<Vec<u8>, Error> {
        let Some(remaining) = deadline.remaining() else { return Err(self.out_of_time(deadline)) };
        let mut request = self
            .agent
            .post(url)
            .header(header::AUTHORIZATION, self.settings.credentials.header())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        // A request with settings of its own costs a look at the TLS settings: only the last one before the deadline
        // needs it.
        if remaining < self.settings.attempt_timeout {
            request = request.config().timeout_global(Some(remaining)).build();
        }
        let response = request.send(body).map_err(|error| self.broken(error, deadline))?;
        self.receive(response, deadline)
    }

    fn receive(&self, mut response: Response<Body>, deadline: &Deadline) -> Result<Vec<u8>, Error> {
        let status = response.status();
        if status != StatusCode::OK {
            return Err(self.refused(response));
        }
        if let Some(encoding) =
            response.headers().get(header::CONTENT_ENCODING).filter(|value| *value != "identity")
        {
            let encoding = one_line(&String::from_utf8_lossy(encoding.as_bytes()), 40);
            let message = format!("the answer is compressed with \"{encoding}\", which was not asked for");
            return Err(Error::new(ErrorKind::Decode, message).with_status(200));
        }
        let limit = self.settings.max_response_bytes;
        let announced = response.body().content_length().unwrap_or(0);
        if announced > limit {
            return Err(self.too_large());
        }
        let mut bytes = Vec::new();
        // What is announced may be a lie, and then memory for it may not be there.
        if usize::try_from(announced).map(|announced| bytes.try_reserve_exact(announced)) != Ok(Ok(())) {
            return Err(self.too_large());
        }
        let mut reader = response.body_mut().with_config().limit(limit).reader();
        match reader.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.broken(ureq::Error::from(error), deadline).with_status(200)),
        }
    }

    /// An answer that is not a success.
    fn refused(&self, mut response: Response<Body>) -> Error {
        let status = response.status();
        let mut body = Vec::new();
        // The status says enough where the body cannot be read, or is longer than any reason is.
        let _ = response.body_mut().as_reader().take(MAX_REFUSAL).read_to_end(&mut body);
        let mut refusal = decode::refusal(&body);
        for entry in &mut refusal.entries {
            self.blot_out(entry);
        }
        let words = refusal.words.map(|words| self.settings.credentials.blot_out(words));
        let mut message = format!("the service answered {}", reason(status));
        if status.is_redirection() {
            message.push_str(&self.redirect_target(response.headers()));
        } else if let Some(words) = said(&refusal.entries).or(words) {
            message = format!("{message}: {words}");
        }
        let error =
            Error::new(kind(status), message).with_status(status.as_u16()).with_api_errors(refusal.entries);
        match self.hint(status) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn redirect_target(&self, headers: &HeaderMap) -> String {
        let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        match location.map(|location| origin_of(location).unwrap_or_else(|| self.base().origin.clone())) {
            Some(origin) => format!(" and sends on to {}", one_line(&origin, 100)),
            None => " and does not say where to".into(),
        }
    }

    fn blot_out(&self, entry: &mut ApiError) {
        for text in
            [&mut entry.id, &mut entry.status, &mut entry.code, &mut entry.detail].into_iter().flatten()
        {
            *text = self.settings.credentials.blot_out(std::mem::take(text));
        }
    }

    fn hint(&self, status: StatusCode) -> Option<&'static str> {
        match status.as_u16() {
            401 => Some(self.settings.credentials.refused_hint()),
            403 => Some(
                "the key's owner needs the role MetricsViewer on the resources that the filter names; \
                 for a resource just made this takes some minutes to work",
            ),
            404 => Some("is the dataset's name right?"),
            429 => Some(
                "other programs behind the same address count too: ask less often, or for longer intervals at once",
            ),
            _ => None,
        }
    }

    /// No answer, or only a part of one.
    fn broken(&self, error: ureq::Error, deadline: &Deadline) -> Error {
        let origin = self.base().origin();
        let connection = |what: &str| Error::new(ErrorKind::Connection, format!("{what} {origin}"));
        match error {
            ureq::Error::Timeout(_) if deadline.remaining().is_none() => self.out_of_time(deadline),
            ureq::Error::Timeout(phase) => self.timed_out(phase),
            ureq::Error::BodyExceedsLimit(_) => self.too_large(),
            ureq::Error::LargeResponseHeader(..) => {
                Error::new(ErrorKind::TooLarge, format!("the head of the answer from {origin} is too large"))
            }
            #[cfg(feature = "gzip")]
            ureq::Error::Decompress(_, cause) => {
                Error::new(ErrorKind::Decode, "the answer cannot be decompressed").with_cause(cause)
            }
            ureq::Error::HostNotFound => connection("no address was found for"),
            ureq::Error::ConnectProxyFailed(_) => {
                connection("the proxy did not open a way to").with_cause(error)
            }
            ureq::Error::Protocol(_) => connection("what came back is not HTTP, from").with_cause(error),
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => self.insecure(error),
            ureq::Error::Io(cause) => self.io(cause),
            error => connection("no connection to").with_cause(error),
        }
    }

    fn io(&self, cause: io::Error) -> Error {
        let origin = self.base().origin();
        let message = match cause.kind() {
            // What TLS does not accept arrives as data that is invalid.
            io::ErrorKind::InvalidData => return self.insecure(cause),
            io::ErrorKind::ConnectionRefused => format!("{origin} refused the connection"),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => {
                format!("the connection to {origin} broke off before the whole answer was there")
            }
            _ => format!("no connection to {origin}"),
        };
        Error::new(ErrorKind::Connection, message).with_cause(cause)
    }

    fn insecure(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::new(ErrorKind::Tls, format!("no secure connection to {}", self.base().origin()))
            .with_cause(cause)
            .with_hint(
                "where the service is reached through a private CA, give its certificate to \
             ClientBuilder::root_certificates_pem, or build with the feature platform-verifier",
            )
    }

    fn timed_out(&self, phase: Timeout) -> Error {
        let origin = self.base().origin();
        let (message, setting) = match phase {
            Timeout::Connect => (
                format!("no connection to {origin} within {:?}", self.settings.connect_timeout),
                "connect_timeout",
            ),
            _ => (
                format!("no whole answer from {origin} within {:?}", self.settings.attempt_timeout),
                "attempt_timeout",
            ),
        };
        Error::new(ErrorKind::Timeout, message)
            .with_hint(format!("ClientBuilder::{setting} sets how long that may take"))
    }

    fn out_of_time(&self, deadline: &Deadline) -> Error {
        Error::new(ErrorKind::Timeout, format!("the deadline of {:?} passed", deadline.budget()))
            .with_hint("ClientBuilder::deadline sets how long a call may take in all")
    }

    fn too_large(&self) -> Error {
        let limit = self.settings.max_response_bytes;
        Error::new(ErrorKind::TooLarge, format!("the answer is larger than {limit} bytes"))
            .with_hint("ClientBuilder::max_response_bytes sets how large it may be")
    }
}

/// A reason fits many times into this many bytes.
const MAX_REFUSAL: u64 = 65_536;

/// How many entries of a refusal the sentence of an error repeats.
const MAX_SAID: usize = 3;

fn kind(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        300..=399 => ErrorKind::Redirect,
        400..=499 => ErrorKind::Rejected,
        500..=599 => ErrorKind::Server,
        _ => ErrorKind::Decode,
    }
}

/// The status with its name: `503 Service Unavailable`.
fn reason(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(name) => format!("{} {name}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// The service's own words, quoted.
fn said(entries: &[ApiError]) -> Option<String> {
    let details: Vec<_> = entries.iter().filter_map(|entry| entry.detail().or(entry.code())).collect();
    let mut said =
        details.iter().take(MAX_SAID).map(|detail| format!("\"{detail}\"")).collect::<Vec<_>>().join("; ");
    if details.len() > MAX_SAID {
        said = format!("{said} and {} more", details.len() - MAX_SAID);
    }
    Some(said).filter(|said| !said.is_empty())
}

/// Scheme, host and port of an absolute address without user info, the port left out where it is the scheme's own.
fn origin_of(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    if uri.authority()?.as_str().contains('@') {
        return None;
    }
    let (scheme, host) = (uri.scheme_str()?, uri.host()?.to_ascii_lowercase());
    let port = uri.port_u16().filter(|port| (scheme, *port) != ("https", 443)).map(|port| format!(":{port}"));
    Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
}

/// `text` as a part of an address: all but letters, digits and `-._~` as percent and two digits.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_https_without_secrets() {
        for (text, joined) in [
            ("https://api.example", "https://api.example/x"),
            ("https://API.example:443/", "https://api.example/x"),
            ("https://api.example:8443/a/b//", "https://api.example:8443/a/b/x"),
            ("https://[::1]:8443", "https://[::1]:8443/x"),
            ("https://[::1]", "https://[::1]/x"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().join("/x"), joined);
        }
        for (text, message) in [
            ("http://api.example", "the base URL \"http://api.example\" is not https"),
            ("api.example", "the base URL \"api.example\" is not https"),
            ("", "the base URL \"\" cannot be read"),
            ("https://", "the base URL \"https://\" cannot be read"),
            (
                "https://key:s3cret@api.example",
                "the base URL has user info in it, before an @: give the key to Credentials instead",
            ),
            (
                "key:s3cret@api.example",
                "the base URL has user info in it, before an @: give the key to Credentials instead",
            ),
            (
                "https://api.example/?a=b",
                "the base URL \"https://api.example/?a=b\" has a query or a fragment",
            ),
            ("https://api.example#a", "the base URL \"https://api.example#a\" has a query or a fragment"),
            ("https://api.example:99999", "the base URL \"https://api.example:99999\" has no valid port"),
            ("https://api.example:0", "the base URL \"https://api.example:0\" has no valid port"),
            ("https://api.example:", "the base URL \"https://api.example:\" has no valid port"),
            ("https://a b", "the base URL \"https://a b\" cannot be read"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn links_are_followed_on_the_same_origin_only() {
        let base = BaseUrl::parse("https://api.example/prefix").unwrap();
        for (link, followed) in [
            ("https://api.example/v2?page_token=a", Some("https://api.example/v2?page_token=a")),
            ("https://API.example:443/v2", Some("https://API.example:443/v2")),
            ("/v2?page_token=a", Some("https://api.example/v2?page_token=a")),
            ("//evil.example/v2", None),
            ("https://evil.example/v2", None),
            ("https://api.example:8443/v2", None),
            ("http://api.example/v2", None),
            ("https://api.example@evil.example/", None),
            ("https://someone@api.example/", None),
            ("v2", None),
        ] {
            assert_eq!(base.follow(link).as_deref(), followed, "{link}");
        }
    }

    #[test]
    fn tokens_survive_the_address() {
        assert_eq!(percent_encoded("a+b/c==&ü ~"), "a%2Bb%2Fc%3D%3D%26%C3%BC%20~");
    }
}
