//! The listening socket and the threads: one that accepts, and one for each connection.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::ServerConfig;

use crate::connection;
use crate::fault::FaultQueue;
use crate::in_flight::InFlight;
use crate::request_log::RequestLog;
use crate::state::State;

/// The longest wait for the port when connections are accepted again.
const REBIND_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts after an error of the listening socket.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// State that all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: State,
    pub(crate) log: RequestLog,
    pub(crate) faults: FaultQueue,
    pub(crate) in_flight: InFlight,
    /// The number of accepted connections.
    pub(crate) accepted: AtomicUsize,
    /// The number of connections that resumed a TLS session.
    pub(crate) resumed: AtomicUsize,
    pub(crate) stop: StopSignal,
    /// True if the acceptor is to give up the port.
    refusing: AtomicBool,
    connections: Mutex<Vec<ConnectionThread>>,
}

#[derive(Debug)]
struct ConnectionThread {
    /// Weak, because a reset happens only when the last owner drops the socket.
    socket: Weak<TcpStream>,
    thread: JoinHandle<()>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state,
            log: RequestLog::default(),
            faults: FaultQueue::default(),
            in_flight: InFlight::default(),
            accepted: AtomicUsize::new(0),
            resumed: AtomicUsize::new(0),
            stop: StopSignal::default(),
            refusing: AtomicBool::new(false),
            connections: Mutex::new(Vec::new()),
        }
    }

    /// Returns the number of open connections.
    pub(crate) fn open_connections(&self) -> usize {
        self.connections()
            .iter()
            .filter(|connection| connection.socket.strong_count() > 0)
            .count()
    }

    /// Closes every open connection. Its thread ends soon after.
    pub(crate) fn close_connections(&self) {
        for connection in self.connections().iter() {
            if let Some(socket) = connection.socket.upgrade() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<ConnectionThread>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server. Dropping it ends its threads.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    config: Arc<ServerConfig>,
    shared: Arc<Shared>,
    /// `None` while connections are refused.
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Binds a port of 127.0.0.1. 0 is any free port.
    pub(crate) fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    pub(crate) fn start(
        listener: TcpListener,
        address: SocketAddr,
        config: Arc<ServerConfig>,
        shared: &Arc<Shared>,
    ) -> io::Result<Self> {
        let server = Self {
            address,
            config,
            shared: Arc::clone(shared),
            acceptor: Mutex::default(),
        };
        *server.acceptor() = Some(server.spawn_acceptor(listener)?);
        Ok(server)
    }

    /// Gives up the port, or binds it again.
    pub(crate) fn refuse_connections(&self, refuse: bool) -> io::Result<()> {
        let mut acceptor = self.acceptor();
        self.shared.refusing.store(refuse, Ordering::Relaxed);
        match (refuse, &*acceptor) {
            (true, Some(_)) => self.join_acceptor(&mut acceptor),
            (false, None) => *acceptor = Some(self.spawn_acceptor(bind_again(self.address)?)?),
            _ => {}
        }
        Ok(())
    }

    fn spawn_acceptor(&self, listener: TcpListener) -> io::Result<JoinHandle<()>> {
        let config = Arc::clone(&self.config);
        let shared = Arc::clone(&self.shared);
        thread::Builder::new()
            .name("emulator".to_owned())
            .spawn(move || accept(&listener, &config, &shared))
    }

    /// Wakes the acceptor, which sleeps until a client connects, and waits for its end.
    fn join_acceptor(&self, acceptor: &mut Option<JoinHandle<()>>) {
        let Some(thread) = acceptor.take() else {
            return;
        };
        // The connection of a client may have woken it before, so that this one is refused.
        while !thread.is_finished() && TcpStream::connect(self.address).is_err() {
            thread::sleep(RETRY_PAUSE);
        }
        let _ = thread.join();
    }

    fn acceptor(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.acceptor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.set();
        self.join_acceptor(&mut self.acceptor());
        self.shared.close_connections();
        let connections = std::mem::take(&mut *self.shared.connections());
        for connection in connections {
            let _ = connection.thread.join();
        }
    }
}

/// Tells sleeping threads that the emulator was dropped.
#[derive(Debug, Default)]
pub(crate) struct StopSignal {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl StopSignal {
    fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for this time, or until the signal is set.
    pub(crate) fn wait(&self, time: Duration) {
        if !time.is_zero() {
            let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
            drop(
                self.changed
                    .wait_timeout_while(is_set, time, |is_set| !*is_set),
            );
        }
    }
}

/// Binds an address that was bound before.
pub(crate) fn bind_again(address: SocketAddr) -> io::Result<TcpListener> {
    let started = Instant::now();
    loop {
        match TcpListener::bind(address) {
            // Another connection may use it as its local port for a moment.
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && started.elapsed() < REBIND_TIMEOUT =>
            {
                thread::sleep(RETRY_PAUSE);
            }
            bound => return bound,
        }
    }
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.stop.is_set() || shared.refusing.load(Ordering::Relaxed) {
            return;
        }
        match accepted {
            Ok((socket, client)) => spawn_connection(socket, client, config, shared),
            // Without the pause, a system that is out of sockets would spin.
            Err(_) => shared.stop.wait(RETRY_PAUSE),
        }
    }
}

fn spawn_connection(
    socket: TcpStream,
    client: SocketAddr,
    config: &Arc<ServerConfig>,
    shared: &Arc<Shared>,
) {
    shared.accepted.fetch_add(1, Ordering::Relaxed);
    let fault = shared.faults.take_for_connection();
    let socket = Arc::new(socket);
    let weak = Arc::downgrade(&socket);
    let config = Arc::clone(config);
    let own = Arc::clone(shared);
    // Locked until the thread is listed, so that a client that has a response finds its connection.
    let mut connections = shared.connections();
    let spawned = thread::Builder::new()
        .name("emulator-connection".to_owned())
        .spawn(move || {
            // An error is a client that left or failed the handshake, and it knows that already.
            let _ = match fault {
                Some(fault) => connection::apply_connection_fault(socket, fault, config, &own),
                None => connection::serve_connection(socket, client.ip(), config, &own),
            };
        });
    connections.retain(|connection| !connection.thread.is_finished());
    if let Ok(thread) = spawned {
        connections.push(ConnectionThread {
            socket: weak,
            thread,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{self, Certificate};
    use crate::config::Settings;

    #[test]
    fn connections_are_accepted_again_although_a_client_has_woken_the_acceptor() {
        let (config, _) = certificate::server_config(Certificate::Good, false).expect("a config");
        let (listener, address) = Server::bind(0).expect("a port");
        let shared = Arc::new(Shared::new(State::new(Settings::default(), String::new())));
        let server = Server::start(listener, address, config, &shared).expect("a server");
        // A client connects between the two steps of `refuse_connections(true)`.
        shared.refusing.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(address).expect("a connection"));
        while !server
            .acceptor()
            .as_ref()
            .expect("an acceptor")
            .is_finished()
        {
            thread::sleep(RETRY_PAUSE);
        }
        server.refuse_connections(true).expect("no port is bound");
        assert!(TcpStream::connect(address).is_err());
        server.refuse_connections(false).expect("the same port");
        assert!(TcpStream::connect(address).is_ok());
    }
}
