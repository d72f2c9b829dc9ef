//! Connections to the service or to a proxy.
//!
//! Of `ureq::unversioned` this uses the traits and the connectors for CONNECT and TLS.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time;

use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};

use crate::proxy::ProxyChoice;
use crate::resolver::CachingResolver;

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
        self.lock().remove(&thread::current().id()).unwrap_or_default()
    }

    fn set(&self, change: impl FnOnce(&mut Note)) {
        change(self.lock().entry(thread::current().id()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ThreadId, Note>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens connections as ureq does, and holds a proxy to the time that a connection may take.
pub(crate) struct HttpsConnector {
    inner: DefaultConnector,
    notes: Notes,
    resolver: CachingResolver,
    through_proxy: bool,
}

impl HttpsConnector {
    pub(crate) fn new(notes: Notes, resolver: CachingResolver, proxy: &ProxyChoice) -> Self {
        let through_proxy = matches!(proxy, ProxyChoice::Through(_));
        Self { inner: DefaultConnector::new(), notes, resolver, through_proxy }
    }
}

impl Connector for HttpsConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // Noted first, since it may come to nothing.
        self.notes.set(|note| note.opened = true);
        let connected = self.inner.connect(details, chained);
        let Some(inner) = connected.inspect_err(|_| self.resolver.clear())? else {
            return Ok(None);
        };
        // The way to the proxy itself is opened without a proxy, by the connector within this one.
        let is_to_proxy = self.through_proxy && details.config.proxy().is_none();
        Ok(Some(match end_of(details) {
            Some(end) if is_to_proxy => Box::new(Asking { inner, end, state: State::Asked }),
            _ => Box::new(Connection { inner, notes: self.notes.clone() }),
        }))
    }
}

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

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}
