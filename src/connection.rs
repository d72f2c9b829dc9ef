//! How connections come about: to which address, through which proxy, in which time, and whether one was there before.
//!
//! Beside `transport.rs` the only file that names ureq. What it uses of `ureq::unversioned` is as little as can be: three
//! traits and the time-out that they pass on.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Proxy, ProxyProtocol};

use crate::address::{BaseUrl, port_of};
use crate::error::Error;

/// Through which proxy requests go.
pub(crate) enum ProxyChoice {
    Direct,
    Through(Proxy),
    /// The environment names one that cannot be used. To go around it would be against somebody's will.
    Unusable,
}

/// Reads the address of a proxy; it is not repeated, since it may hold a password.
pub(crate) fn proxy_from_url(url: &str) -> Result<ProxyChoice, Error> {
    let refused = || Error::invalid_input("the proxy's address cannot be read");
    // The parser takes what follows for something else than the address.
    if url.contains(['#', '?']) || url.contains(char::is_whitespace) {
        return Err(refused().with_hint("write such signs of a user or password as % and two digits"));
    }
    let proxy = Proxy::new(url).map_err(|error| refused().with_cause(error))?;
    // Without the feature for it ureq panics at a SOCKS proxy when it connects.
    if !is_for_http(&proxy) {
        return Err(Error::invalid_input(
            "the proxy is not one for HTTP: its address has to start with http:// or https://",
        ));
    }
    let authority = proxy.uri().authority().map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit('@').next().unwrap_or("");
    match port_of(host_and_port) {
        Some(_) if !proxy.host().is_empty() => Ok(ProxyChoice::Through(proxy)),
        _ => Err(refused()),
    }
}

/// The proxy that the environment names for `base`, if any: `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
pub(crate) fn proxy_from_env(base: &BaseUrl) -> ProxyChoice {
    let names = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    let Some(named) = names.iter().filter_map(|name| std::env::var(name).ok()).find(|url| !url.is_empty())
    else {
        return ProxyChoice::Direct;
    };
    let excepts = |proxy: &Proxy| base.origin().parse().is_ok_and(|origin| proxy.is_no_proxy(&origin));
    match (Proxy::try_from_env(), proxy_from_url(&named)) {
        (Some(proxy), _) if excepts(&proxy) => ProxyChoice::Direct,
        (Some(proxy), Ok(_)) => ProxyChoice::Through(proxy),
        // ureq would take another, or go to the service directly, and say so only in a log.
        _ => ProxyChoice::Unusable,
    }
}

/// What is said of [`ProxyChoice::Unusable`].
pub(crate) fn unusable_proxy() -> Error {
    Error::invalid_input("the environment names a proxy that cannot be used")
        .with_hint("set HTTPS_PROXY to an http:// address, name the service in NO_PROXY, or use ClientBuilder::without_proxy")
}

fn is_for_http(proxy: &Proxy) -> bool {
    matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)
}

/// Which threads opened a connection for the request that they are at; the others have one that was kept.
#[derive(Clone, Default)]
pub(crate) struct Opened {
    threads: Arc<Mutex<Vec<ThreadId>>>,
}

impl Opened {
    /// Whether this thread tried to open a connection since it was last asked.
    pub(crate) fn take(&self) -> bool {
        let mut threads = self.lock();
        let at = threads.iter().position(|id| *id == thread::current().id());
        at.map(|at| threads.swap_remove(at)).is_some()
    }

    fn note(&self) {
        let (mut threads, own) = (self.lock(), thread::current().id());
        if !threads.contains(&own) {
            threads.push(own);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ThreadId>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses of names, looked up once in a while.
///
/// ureq looks a name up before every request, in a thread of its own, though the request goes over a connection that is
/// there already.
#[derive(Clone, Default)]
pub(crate) struct Addresses {
    inner: Arc<DefaultResolver>,
    known: Arc<Mutex<Vec<Known>>>,
}

#[derive(Clone)]
struct Known {
    origin: String,
    since: time::Instant,
    addresses: ResolvedSocketAddrs,
}

/// How long an address is believed. A connection that fails ends it at once.
const KNOWN_FOR: time::Duration = time::Duration::from_secs(30);

impl Addresses {
    fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let origin = format!("{:?} {:?}", uri.scheme(), uri.authority());
        let is_new = |known: &Known| known.origin == origin && known.since.elapsed() < KNOWN_FOR;
        if let Some(known) = self.lock().iter().find(|known| is_new(known)) {
            return Ok(known.addresses.clone());
        }
        let addresses = self.inner.resolve(uri, config, timeout)?;
        let mut known = self.lock();
        known.retain(|known| known.origin != origin);
        known.push(Known { origin, since: time::Instant::now(), addresses: addresses.clone() });
        Ok(addresses)
    }
}

/// Opens connections as ureq does, takes a note of it, and holds a proxy to the time that a connection may take.
pub(crate) struct Opener {
    inner: DefaultConnector,
    opened: Opened,
    addresses: Addresses,
    through_proxy: bool,
}

impl Opener {
    pub(crate) fn new(opened: Opened, addresses: Addresses, proxy: &ProxyChoice) -> Self {
        let through_proxy = matches!(proxy, ProxyChoice::Through(_));
        Self { inner: DefaultConnector::new(), opened, addresses, through_proxy }
    }
}

impl Connector for Opener {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // Noted first, since it may come to nothing.
        self.opened.note();
        let transport = self.inner.connect(details, chained).inspect_err(|_| self.addresses.forget())?;
        // The way to the proxy itself is opened without a proxy, by the connector within this one.
        let is_to_proxy = self.through_proxy && details.config.proxy().is_none();
        match (transport, end_of(details)) {
            (Some(inner), Some(end)) if is_to_proxy => {
                Ok(Some(Box::new(Asking { inner, end, state: State::Asked })))
            }
            (transport, _) => Ok(transport),
        }
    }
}

/// When a connection has to be there.
fn end_of(details: &ConnectionDetails<'_>) -> Option<time::Instant> {
    match (details.now, details.timeout.after) {
        (Instant::Exact(now), Duration::Exact(after)) => now.checked_add(after),
        _ => None,
    }
}

/// A connection to a proxy, which is asked for a way to the service first.
///
/// ureq gives each read of the proxy's answer the whole connect time-out, so that one which comes byte by byte would never
/// end. Here all of them have it together.
struct Asking {
    inner: Box<dyn Transport>,
    end: time::Instant,
    state: State,
}

/// How far the talk with a proxy is: what is written after an answer is no longer for it.
#[derive(PartialEq)]
enum State {
    Asked,
    Answered,
    Over,
}

impl Asking {
    fn limited(&self, timeout: NextTimeout) -> NextTimeout {
        if self.state == State::Over {
            return timeout;
        }
        let left = self.end.saturating_duration_since(time::Instant::now());
        NextTimeout { after: timeout.after.min(Duration::Exact(left)), ..timeout }
    }
}

impl Transport for Asking {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.state == State::Answered {
            self.state = State::Over;
        }
        self.inner.transmit_output(amount, self.limited(timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let came = self.inner.await_input(self.limited(timeout))?;
        if self.state == State::Asked {
            self.state = State::Answered;
        }
        Ok(came)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

// ureq wants these, for its logs; derived ones would bring those of all that is within.

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Addresses")
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener")
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_up_again_once_it_is_old_or_of_no_use() {
        let uri: Uri = "https://127.0.0.1:9/v2".parse().unwrap();
        let (config, addresses) = (Config::default(), Addresses::default());
        let resolve = || addresses.resolve(&uri, &config, NextTimeout::default()).unwrap()[0].to_string();
        let plant = |age| {
            let mut other = addresses.empty();
            other.push("127.0.0.2:9".parse().unwrap());
            for known in addresses.lock().iter_mut() {
                known.since = time::Instant::now().checked_sub(age).unwrap();
                known.addresses = other.clone();
            }
        };
        assert_eq!(resolve(), "127.0.0.1:9");
        plant(KNOWN_FOR - time::Duration::from_secs(5));
        assert_eq!(resolve(), "127.0.0.2:9", "it is not looked up before every request");
        plant(KNOWN_FOR);
        assert_eq!(resolve(), "127.0.0.1:9");
        plant(time::Duration::ZERO);
        addresses.forget();
        assert_eq!(resolve(), "127.0.0.1:9");
    }
}
