//! Opens TLS connections to the service, directly or through a proxy.
//!
//! Of `ureq::unversioned` this uses the transport traits and the connectors for CONNECT and TLS.
//! It replaces ureq's own connector because of three needs:
//!
//! - A request must know if it used a new connection. One that fails on an idle connection is
//!   sent again at once: see [`ConnectionTracker`].
//! - A body that ends with the connection must have ended properly: see [`TrackedConnection`].
//! - A proxy must respond within the connect timeout: see [`ProxyHandshake`].
//!
//! A request without an idle connection in ureq's pool opens one in these steps:
//!
//! 1. ureq resolves the name with [`CachingResolver`] and calls [`HttpsConnector`].
//! 2. Without a proxy, [`connect_any`] opens a TCP connection to one of the addresses.
//! 3. With a proxy, ureq's connector for CONNECT calls this connector again for the proxy itself,
//!    and then opens the tunnel.
//! 4. rustls encrypts the connection.
//!
//! The layers of a connection, from ureq down to the system:
//!
//! ```text
//! direct          TrackedConnection > rustls > TcpTransport
//! through a proxy TrackedConnection > rustls > ProxyHandshake > TcpTransport
//! ```
//!
//! `ureq::unversioned` may change in any release of ureq. That is one reason to keep all of its
//! uses in this file, [`tcp`](super::tcp) and [`resolver`](super::resolver).

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

use crate::transport::cancel::RunningCalls;
use crate::transport::resolver::CachingResolver;
use crate::transport::tcp::{Dial, TcpTransport, connect_any, sort_addresses};

/// Tracks the connections of each thread.
///
/// A thread has one request at a time, and ureq does not say over which connection it went. See
/// [`run.rs`](https://github.com/algesten/ureq/blob/3.5.2/src/run.rs).
///
/// [`Transport`](super::Transport) calls [`take`](Self::take) before a request, after its headers
/// and after its body. A clone shares the events.
#[derive(Clone, Default)]
pub(crate) struct ConnectionTracker {
    /// The events that nobody has taken yet, by the thread of the request.
    threads: Arc<Mutex<HashMap<ThreadId, ConnectionEvents>>>,
}

/// The events of the connections of one thread.
#[derive(Clone, Copy, Default)]
pub(crate) struct ConnectionEvents {
    /// The pool had no connection to reuse.
    pub(crate) opened: bool,
    /// The peer closed the connection with the TLS alert `close_notify`.
    pub(crate) closed: bool,
}

impl ConnectionTracker {
    /// Returns the events of this thread since the last call.
    ///
    /// No events means that the request used an idle connection that is still open.
    pub(crate) fn take(&self) -> ConnectionEvents {
        self.lock()
            .remove(&thread::current().id())
            .unwrap_or_default()
    }

    /// Changes the events of this thread, which are the default at first.
    fn record(&self, change: impl FnOnce(&mut ConnectionEvents)) {
        change(self.lock().entry(thread::current().id()).or_default());
    }

    /// Locks the events. A panic cannot leave them inconsistent, so a poisoned lock is no error.
    fn lock(&self) -> MutexGuard<'_, HashMap<ThreadId, ConnectionEvents>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens TLS connections, through a proxy if there is one.
///
/// All clones of a client share one, so its only mutable field is behind a lock.
pub(crate) struct HttpsConnector {
    /// Opens a tunnel with CONNECT if the configuration has a proxy, and does nothing otherwise.
    proxy: ConnectProxyConnector,
    /// Encrypts a connection, with the root certificates of the configuration.
    tls: RustlsConnector,
    /// Opens one TCP connection. The threads of [`connect_any`] share it.
    dial: Arc<Dial<TcpStream>>,
    /// Receives the events of every connection that this opens.
    tracker: ConnectionTracker,
    /// The resolver of the agent, whose cache is cleared after a failure.
    resolver: CachingResolver,
    /// The calls that may be canceled while this opens a connection.
    calls: RunningCalls,
    /// True if the agent has a proxy.
    through_proxy: bool,
    /// The address of the latest open connection. The peer is always the same: the service or the
    /// proxy.
    last_address: Mutex<Option<SocketAddr>>,
}

/// The timeout of a connection without one. The limit of the operating system is far shorter.
const NO_TIMEOUT: time::Duration = time::Duration::from_secs(86_400);

impl HttpsConnector {
    /// Creates the connector of an agent. The tracker, the resolver and the calls share their state with it.
    pub(crate) fn new(
        tracker: ConnectionTracker,
        resolver: CachingResolver,
        calls: RunningCalls,
        through_proxy: bool,
    ) -> Self {
        Self {
            proxy: ConnectProxyConnector::default(),
            tls: RustlsConnector::default(),
            dial: Arc::new(|address, timeout| TcpStream::connect_timeout(&address, timeout)),
            tracker,
            resolver,
            calls,
            through_proxy,
            last_address: Mutex::default(),
        }
    }

    /// Opens a connection to the service, or to the proxy if ureq asks for that.
    ///
    /// # Errors
    ///
    /// A timeout, a [`ConnectError`] or an error of TLS or of the proxy. The address of a failed
    /// connection is not remembered.
    fn open(&self, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, ureq::Error> {
        // For the connection to the proxy itself, ureq's connector calls this one again.
        let tunnel = Connector::<()>::connect(&self.proxy, details, None)?;
        if let Some(Either::B(tunnel)) = tunnel {
            return self.encrypt(details, tunnel);
        }
        let (address, tcp) = self.open_tcp(details)?;
        let transport = self.encrypt(details, Box::new(tcp))?;
        // Only after TLS, so that an address that fails there is not preferred.
        *self.last_address() = Some(address);
        Ok(transport)
    }

    /// Opens a TCP connection to one of the addresses, the latest one first.
    ///
    /// Returns the address as well, which the caller remembers once TLS is established.
    fn open_tcp(
        &self,
        details: &ConnectionDetails<'_>,
    ) -> Result<(SocketAddr, TcpTransport), ureq::Error> {
        let last_address = *self.last_address();
        let addresses = sort_addresses(&details.addrs, last_address);
        let deadline = connect_deadline(details);
        let connected = connect_any(&addresses, deadline, &self.dial, &self.calls);
        let (address, stream) = connected.map_err(|error| match error.raw_os_error() {
            // This is the connect timeout. A timeout of the operating system has an error code.
            None if error.kind() == io::ErrorKind::TimedOut => {
                ureq::Error::Timeout(details.timeout.reason)
            }
            _ => ConnectError(error).into(),
        })?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        let transport = TcpTransport::new(stream, buffers, self.calls.clone())?;
        // ureq expects this of every new socket. It fails after `Agent::shutdown`.
        (details.register_shutdown)(transport.shutdown_handle())?;
        Ok((address, transport))
    }

    /// Adds TLS to a connection if the scheme is `https`, and verifies the host of the URL.
    fn encrypt(
        &self,
        details: &ConnectionDetails<'_>,
        transport: Box<dyn Transport>,
    ) -> Result<Box<dyn Transport>, ureq::Error> {
        match self.tls.connect(details, Some(transport))? {
            Some(encrypted) => Ok(Box::new(encrypted)),
            None => Err(ureq::Error::ConnectionFailed),
        }
    }

    /// Locks the latest address. It is held for a copy only, never during a connect.
    fn last_address(&self) -> MutexGuard<'_, Option<SocketAddr>> {
        self.last_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector for HttpsConnector {
    type Out = Box<dyn Transport>;

    /// Opens a connection and wraps it, to track it or to limit the handshake with a proxy.
    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // An attempt that fails counts as well.
        self.tracker.record(|events| events.opened = true);
        let inner = self.open(details).inspect_err(|_| self.resolver.clear())?;
        // ureq opens the connection to the proxy itself with a configuration without a proxy.
        let is_to_proxy = self.through_proxy && details.config.proxy().is_none();
        if is_to_proxy {
            return Ok(Some(Box::new(ProxyHandshake {
                inner,
                deadline: connect_deadline(details),
                phase: Phase::Connecting,
            })));
        }
        Ok(Some(Box::new(TrackedConnection {
            inner,
            tracker: self.tracker.clone(),
        })))
    }
}

/// The most specific error of all addresses, if no address accepts a connection.
///
/// It passes through ureq as [`ureq::Error::Other`], and `AttemptError::from_ureq` takes it out.
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

/// A connection to the service that reports if it was closed properly or broke.
///
/// Its methods run on the thread of the request, so the tracker needs no identifier of it.
struct TrackedConnection {
    /// The encrypted connection.
    inner: Box<dyn Transport>,
    /// Receives the event `closed`.
    tracker: ConnectionTracker,
}

impl Transport for TrackedConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.inner.transmit_output(amount, timeout)
    }

    /// Returns false at the end of the connection, and remembers that it was a proper one.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        match self.inner.await_input(timeout) {
            Ok(false) => {
                self.tracker.record(|events| events.closed = true);
                Ok(false)
            }
            Err(ureq::Error::Io(source)) => Err(ureq::Error::Io(to_broken_pipe(source))),
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

/// Replaces the kinds of error that ureq takes for the end of a body without a length.
///
/// A broken connection would otherwise look like a complete body: see `BodyHandler` in
/// [`run.rs`](https://github.com/algesten/ureq/blob/3.5.2/src/run.rs).
///
/// The original error stays inside, so its text is not lost.
fn to_broken_pipe(source: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match source.kind() {
        UnexpectedEof | ConnectionAborted | ConnectionReset => io::Error::new(BrokenPipe, source),
        _ => source,
    }
}

/// Returns the time by which a connection must be open.
///
/// ureq passes the time of the call and the timeout separately, and either may be unlimited.
fn connect_deadline(details: &ConnectionDetails<'_>) -> time::Instant {
    let deadline = match (details.now, details.timeout.after) {
        (Instant::Exact(now), Duration::Exact(after)) => now.checked_add(after),
        _ => None,
    };
    deadline.unwrap_or_else(|| time::Instant::now() + NO_TIMEOUT)
}

/// A connection to a proxy, with a deadline until the tunnel to the service is open.
///
/// ureq's `ConnectProxyConnector` restarts the connect timeout with every read of the response to
/// CONNECT. A proxy that sends one byte at a time would block a request forever. See
/// [`connect.rs`](https://github.com/algesten/ureq/blob/3.5.2/src/unversioned/transport/connect.rs).
struct ProxyHandshake {
    /// The TCP connection to the proxy, encrypted if the URL of the proxy is `https`.
    inner: Box<dyn Transport>,
    /// The time at which the tunnel must be open.
    deadline: time::Instant,
    /// The progress of the handshake. Reads and writes advance it.
    phase: Phase,
}

/// The phase of a connection to a proxy.
///
/// The first write after the response to CONNECT is for the service, no longer for the proxy.
///
/// ```text
/// Connecting --first read--> Responded --next write--> Established
/// ```
#[derive(PartialEq)]
enum Phase {
    /// CONNECT may be sent, but no byte of the response has arrived.
    Connecting,
    /// A part of the response has arrived. Reads are still limited by the deadline.
    Responded,
    /// The tunnel is open, and the timeouts of the request apply without a change.
    Established,
}

impl ProxyHandshake {
    /// Shortens a timeout to the deadline, until the tunnel is established.
    fn clamp(&self, timeout: NextTimeout) -> NextTimeout {
        if self.phase == Phase::Established {
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

impl Transport for ProxyHandshake {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    /// Writes, and recognizes the first write into the tunnel.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.phase == Phase::Responded {
            self.phase = Phase::Established;
        }
        self.inner.transmit_output(amount, self.clamp(timeout))
    }

    /// Reads, and recognizes the start of the response to CONNECT.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let has_input = self.inner.await_input(self.clamp(timeout))?;
        if self.phase == Phase::Connecting {
            self.phase = Phase::Responded;
        }
        Ok(has_input)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

// ureq requires `Debug` for its logs. Derived ones would print all fields.

impl fmt::Debug for HttpsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpsConnector")
    }
}

impl fmt::Debug for TrackedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrackedConnection")
    }
}

impl fmt::Debug for ProxyHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyHandshake")
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

    /// A resolver that returns the same addresses for every name, after a delay.
    #[derive(Debug)]
    struct FixedResolver(Vec<SocketAddr>, time::Duration);

    impl Resolver for FixedResolver {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            thread::sleep(self.1);
            let mut addresses = self.empty();
            self.0.iter().for_each(|address| addresses.push(*address));
            Ok(addresses)
        }
    }

    /// The addresses that a connector dialed, with the timeout of each.
    type Dialed = Arc<Mutex<Vec<(SocketAddr, time::Duration)>>>;

    /// Creates a connector that records what it dials. Addresses other than `open` time out.
    fn recording_connector(
        open: Option<SocketAddr>,
        through_proxy: bool,
    ) -> (HttpsConnector, Dialed) {
        let dialed = Dialed::default();
        let record = Arc::clone(&dialed);
        let dial = move |address: SocketAddr, timeout| {
            record.lock().unwrap().push((address, timeout));
            if Some(address) == open {
                return TcpStream::connect_timeout(&address, timeout);
            }
            thread::sleep(timeout);
            Err(io::ErrorKind::TimedOut.into())
        };
        let connector = HttpsConnector::new(
            ConnectionTracker::default(),
            CachingResolver::default(),
            RunningCalls::default(),
            through_proxy,
        );
        (
            HttpsConnector {
                dial: Arc::new(dial),
                ..connector
            },
            dialed,
        )
    }

    #[test]
    fn a_new_connection_starts_with_the_latest_address_that_worked() {
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
        let (connector, dialed) = recording_connector(Some(open), false);
        let resolver = FixedResolver(vec![dead, open], time::Duration::ZERO);
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
    fn the_connect_timeout_covers_the_lookup_of_a_proxy() {
        let proxy = Proxy::new("http://proxy.example:3128").unwrap();
        let timeout = time::Duration::from_millis(1500);
        let lookup = time::Duration::from_millis(500);
        let config = Agent::config_builder()
            .proxy(Some(proxy))
            .timeout_connect(Some(timeout));
        let (connector, dialed) = recording_connector(None, true);
        let resolver = FixedResolver(vec![SocketAddr::from(([192, 0, 2, 1], 3128))], lookup);
        let agent = Agent::with_parts(config.build(), connector, resolver);
        let error = agent.get("https://service.example/").call().unwrap_err();
        assert!(
            matches!(error, ureq::Error::Timeout(Timeout::Connect)),
            "{error:?}"
        );
        let dialed = dialed.lock().unwrap();
        assert_eq!(dialed.len(), 1);
        assert!(dialed[0].1 <= timeout.saturating_sub(lookup), "{dialed:?}");
    }
}
