//! Connections to the service or to a proxy.
//!
//! Of `ureq::unversioned` this uses the traits and the connectors for CONNECT and TLS.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time;

use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    RustlsConnector, Transport,
};

use crate::transport::resolver::CachingResolver;
use crate::transport::tcp::{Dial, TcpTransport, connect_any, in_order};

/// Notes that connections take for the request of a thread, since ureq passes on none of it.
#[derive(Clone, Default)]
pub(crate) struct Notes {
    threads: Arc<Mutex<HashMap<ThreadId, Note>>>,
}

/// What happened to the connections of one thread.
#[derive(Clone, Copy, Default)]
pub(crate) struct Note {
    /// A new connection was tried, instead of one that was kept.
    pub(crate) opened: bool,
    /// The peer closed the connection, in the way that TLS wants it.
    pub(crate) closed: bool,
}

impl Notes {
    /// Returns what was noted for this thread since it last asked.
    pub(crate) fn take(&self) -> Note {
        self.lock()
            .remove(&thread::current().id())
            .unwrap_or_default()
    }

    fn set(&self, change: impl FnOnce(&mut Note)) {
        change(self.lock().entry(thread::current().id()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ThreadId, Note>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens connections to the service, through a proxy if there is one.
pub(crate) struct HttpsConnector {
    proxy: ConnectProxyConnector,
    tls: RustlsConnector,
    dial: Arc<Dial<TcpStream>>,
    notes: Notes,
    resolver: CachingResolver,
    through_proxy: bool,
    /// The address of the last connection that came about. There is one peer: the service or the
    /// proxy.
    last: Mutex<Option<SocketAddr>>,
}

/// Stands for a time without an end. The system's own limit on connects is far shorter.
const ENDLESS: time::Duration = time::Duration::from_secs(86_400);

impl HttpsConnector {
    pub(crate) fn new(notes: Notes, resolver: CachingResolver, through_proxy: bool) -> Self {
        Self {
            proxy: ConnectProxyConnector::default(),
            tls: RustlsConnector::default(),
            dial: Arc::new(|address, time| TcpStream::connect_timeout(&address, time)),
            notes,
            resolver,
            through_proxy,
            last: Mutex::default(),
        }
    }

    fn open(&self, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, ureq::Error> {
        // The proxy's connector opens the way to the proxy itself through this connector.
        let tunnel = Connector::<()>::connect(&self.proxy, details, None)?;
        let Some(Either::B(tunnel)) = tunnel else {
            let (address, plain) = self.open_tcp(details)?;
            let transport = self.encrypt(details, Box::new(plain))?;
            *self.last() = Some(address);
            return Ok(transport);
        };
        self.encrypt(details, tunnel)
    }

    fn open_tcp(
        &self,
        details: &ConnectionDetails<'_>,
    ) -> Result<(SocketAddr, TcpTransport), ureq::Error> {
        let last = *self.last();
        let addresses = in_order(&details.addrs, last);
        let connected = connect_any(&addresses, deadline(details), &self.dial);
        let (address, stream) = connected.map_err(|error| match error.raw_os_error() {
            // The time given here, and not that of the system.
            None if error.kind() == io::ErrorKind::TimedOut => {
                ureq::Error::Timeout(details.timeout.reason)
            }
            _ => ConnectError(error).into(),
        })?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        let transport = TcpTransport::new(stream, buffers)?;
        (details.register_shutdown)(transport.shutdown_handle())?;
        Ok((address, transport))
    }

    fn encrypt(
        &self,
        details: &ConnectionDetails<'_>,
        plain: Box<dyn Transport>,
    ) -> Result<Box<dyn Transport>, ureq::Error> {
        match self.tls.connect(details, Some(plain))? {
            Some(encrypted) => Ok(Box::new(encrypted)),
            None => Err(ureq::Error::ConnectionFailed),
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<SocketAddr>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector for HttpsConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // Noted first, since it may come to nothing.
        self.notes.set(|note| note.opened = true);
        let inner = self.open(details).inspect_err(|_| self.resolver.clear())?;
        // The way to the proxy itself is opened without a proxy, by the connector within this one.
        let is_to_proxy = self.through_proxy && details.config.proxy().is_none();
        if is_to_proxy {
            let deadline = deadline(details);
            return Ok(Some(Box::new(ProxyConnection {
                inner,
                deadline,
                phase: Phase::Connecting,
            })));
        }
        Ok(Some(Box::new(Connection {
            inner,
            notes: self.notes.clone(),
        })))
    }
}

/// An attempt to connect that failed at every address.
#[derive(Debug)]
pub(crate) struct ConnectError(pub(crate) io::Error);

impl From<ConnectError> for ureq::Error {
    fn from(error: ConnectError) -> Self {
        Self::Other(Box::new(error))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ConnectError {}

/// A connection that tells an end from a break.
struct Connection {
    inner: Box<dyn Transport>,
    notes: Notes,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        match self.inner.await_input(timeout) {
            Ok(false) => {
                self.notes.set(|note| note.closed = true);
                Ok(false)
            }
            Err(ureq::Error::Io(cause)) => Err(ureq::Error::Io(unmistakable(cause))),
            result => result,
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Gives a break of the connection a kind that ureq does not take for the end of a body.
///
/// ureq's `BodyHandler` reads a body that has neither a length nor chunks until one of these.
fn unmistakable(cause: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match cause.kind() {
        UnexpectedEof | ConnectionAborted | ConnectionReset => io::Error::new(BrokenPipe, cause),
        _ => cause,
    }
}

/// Returns the instant by which a connection has to be open.
fn deadline(details: &ConnectionDetails<'_>) -> time::Instant {
    let end = match (details.now, details.timeout.after) {
        (Instant::Exact(now), Duration::Exact(after)) => now.checked_add(after),
        _ => None,
    };
    end.unwrap_or_else(|| time::Instant::now() + ENDLESS)
}

/// A connection to a proxy, with a deadline until the tunnel is open.
///
/// ureq gives each read of the proxy's response the whole connect timeout, so that a response that
/// comes byte by byte would never end.
struct ProxyConnection {
    inner: Box<dyn Transport>,
    deadline: time::Instant,
    phase: Phase,
}

/// The phases of a connection to a proxy. The first write after the response to CONNECT is for the
/// service, and no longer for the proxy.
#[derive(PartialEq)]
enum Phase {
    Connecting,
    Responded,
    Tunnel,
}

impl ProxyConnection {
    fn limit(&self, timeout: NextTimeout) -> NextTimeout {
        if self.phase == Phase::Tunnel {
            return timeout;
        }
        let left = self
            .deadline
            .saturating_duration_since(time::Instant::now());
        NextTimeout {
            after: timeout.after.min(Duration::Exact(left)),
            ..timeout
        }
    }
}

impl Transport for ProxyConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.phase == Phase::Responded {
            self.phase = Phase::Tunnel;
        }
        self.inner.transmit_output(amount, self.limit(timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let came = self.inner.await_input(self.limit(timeout))?;
        if self.phase == Phase::Connecting {
            self.phase = Phase::Responded;
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

// ureq wants these for its logs; derived ones would bring those of all fields.

impl fmt::Debug for HttpsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpsConnector")
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl fmt::Debug for ProxyConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyConnection")
    }
}

#[cfg(test)]
mod tests {
    use confluent_metrics_emulator::{Emulator, Fault};
    use ureq::config::Config;
    use ureq::http::Uri;
    use ureq::tls::{Certificate, RootCerts, TlsConfig};
    use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
    use ureq::{Agent, Proxy, Timeout};

    use super::*;

    /// Finds the same addresses for every name, after a while.
    #[derive(Debug)]
    struct Fixed(Vec<SocketAddr>, time::Duration);

    impl Resolver for Fixed {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            thread::sleep(self.1);
            let mut found = self.empty();
            self.0.iter().for_each(|address| found.push(*address));
            Ok(found)
        }
    }

    /// An address and the time that a connect to it was given.
    type Dialed = Arc<Mutex<Vec<(SocketAddr, time::Duration)>>>;

    /// A connector that keeps a list of what it dials. Addresses other than `open` take all of
    /// their time and never answer.
    fn recorded(open: Option<SocketAddr>, through_proxy: bool) -> (HttpsConnector, Dialed) {
        let dialed = Dialed::default();
        let record = Arc::clone(&dialed);
        let dial = move |address: SocketAddr, time| {
            record.lock().unwrap().push((address, time));
            if Some(address) == open {
                return TcpStream::connect_timeout(&address, time);
            }
            thread::sleep(time);
            Err(io::ErrorKind::TimedOut.into())
        };
        let connector =
            HttpsConnector::new(Notes::default(), CachingResolver::default(), through_proxy);
        (
            HttpsConnector {
                dial: Arc::new(dial),
                ..connector
            },
            dialed,
        )
    }

    #[test]
    fn a_new_connection_begins_with_the_address_that_worked_last() {
        let emulator = Emulator::start();
        let port = emulator.url().rsplit(':').next().unwrap().parse().unwrap();
        let open = SocketAddr::from(([127, 0, 0, 1], port));
        let dead = SocketAddr::from(([192, 0, 2, 1], port));
        let certificate = Certificate::from_pem(emulator.ca_pem().as_bytes()).unwrap();
        let roots = RootCerts::new_with_certs(&[certificate.to_owned()]);
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            .proxy(None)
            .timeout_connect(Some(time::Duration::from_secs(20)));
        let (connector, dialed) = recorded(Some(open), false);
        let resolver = Fixed(vec![dead, open], time::Duration::ZERO);
        let agent = Agent::with_parts(config.build(), connector, resolver);
        let url = format!("{}/v2/metrics/cloud/descriptors/metrics", emulator.url());
        emulator.fault(
            Fault::real_response()
                .header("Connection", "close")
                .close_after_response(),
        );
        assert_eq!(agent.get(&url).call().unwrap().status(), 200);
        dialed.lock().unwrap().clear();
        assert_eq!(agent.get(&url).call().unwrap().status(), 200);
        assert_eq!(
            dialed.lock().unwrap().first().map(|(address, _)| *address),
            Some(open)
        );
        assert_eq!(emulator.connections(), 2);
    }

    #[test]
    fn the_lookup_of_a_proxy_and_the_connect_to_it_have_one_time_together() {
        let proxy = Proxy::new("http://proxy.example:3128").unwrap();
        let whole = time::Duration::from_millis(1500);
        let lookup = time::Duration::from_millis(500);
        let config = Agent::config_builder()
            .proxy(Some(proxy))
            .timeout_connect(Some(whole));
        let (connector, dialed) = recorded(None, true);
        let resolver = Fixed(vec![SocketAddr::from(([192, 0, 2, 1], 3128))], lookup);
        let agent = Agent::with_parts(config.build(), connector, resolver);
        let error = agent.get("https://service.example/").call().unwrap_err();
        assert!(
            matches!(error, ureq::Error::Timeout(Timeout::Connect)),
            "{error:?}"
        );
        let dialed = dialed.lock().unwrap();
        assert_eq!(dialed.len(), 1);
        assert!(dialed[0].1 <= whole - lookup, "{dialed:?}");
    }
}
