//! Sockets and threads: one that accepts, and one for each connection.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

use crate::fault::{ConnectionFault, Faults};
use crate::http::tls_stream::Wire;
use crate::http::{Incoming, Reader};
use crate::request_log::{Record, Request};
use crate::response_plan::{self, End, ResponsePlan};
use crate::state::State;

type Tls = StreamOwned<ServerConnection, Wire>;

/// How long a port that was given up is waited for, when it is wanted back.
const PORT_PATIENCE: Duration = Duration::from_secs(5);

/// What a server of plain HTTP has to say to TLS.
const NOT_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: State,
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) accepted: AtomicUsize,
    pub(crate) resumed: AtomicUsize,
    stop: Stop,
    /// Whether the acceptor is to give up the port.
    refusing: AtomicBool,
    connections: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
struct Connection {
    /// Weak, because a reset happens only when the last owner lets go of the socket.
    socket: Weak<TcpStream>,
    thread: JoinHandle<()>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state,
            record: Record::default(),
            faults: Faults::default(),
            accepted: AtomicUsize::new(0),
            resumed: AtomicUsize::new(0),
            stop: Stop::default(),
            refusing: AtomicBool::new(false),
            connections: Mutex::new(Vec::new()),
        }
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.connections()
            .iter()
            .filter(|connection| connection.socket.strong_count() > 0)
            .count()
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server; dropping it ends its threads.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    config: Arc<ServerConfig>,
    shared: Arc<Shared>,
    /// Nothing while connections are refused.
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Binds a port of 127.0.0.1; 0 takes any that is free.
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
        *server.acceptor() = Some(server.spawn(listener)?);
        Ok(server)
    }

    /// Gives up the port, or takes it again.
    pub(crate) fn refuse(&self, refuse: bool) -> io::Result<()> {
        let mut acceptor = self.acceptor();
        self.shared.refusing.store(refuse, Ordering::Relaxed);
        match (refuse, &*acceptor) {
            (true, Some(_)) => self.wake(&mut acceptor),
            (false, None) => *acceptor = Some(self.spawn(self.bind_again()?)?),
            _ => {}
        }
        Ok(())
    }

    fn bind_again(&self) -> io::Result<TcpListener> {
        let begun = Instant::now();
        loop {
            match TcpListener::bind(self.address) {
                // It may be the near end of a connection to somewhere else for the moment.
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse
                        && begun.elapsed() < PORT_PATIENCE =>
                {
                    thread::sleep(Duration::from_millis(10));
                }
                bound => return bound,
            }
        }
    }

    fn spawn(&self, listener: TcpListener) -> io::Result<JoinHandle<()>> {
        let (config, own) = (Arc::clone(&self.config), Arc::clone(&self.shared));
        thread::Builder::new()
            .name("emulator".to_owned())
            .spawn(move || accept(&listener, &config, &own))
    }

    /// Makes the acceptor, which sleeps until someone connects, see that it is over, and waits for its end.
    fn wake(&self, acceptor: &mut Option<JoinHandle<()>>) {
        if acceptor.is_some() && TcpStream::connect(self.address).is_ok() {
            let _ = acceptor.take().map(JoinHandle::join);
        }
    }

    fn acceptor(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.acceptor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.set();
        self.wake(&mut self.acceptor());
        let connections = std::mem::take(&mut *self.shared.connections());
        for connection in &connections {
            if let Some(socket) = connection.socket.upgrade() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        for connection in connections {
            let _ = connection.thread.join();
        }
    }
}

/// Tells sleeping threads that it is over.
#[derive(Debug, Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_set(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or until it is over.
    fn wait(&self, time: Duration) {
        if !time.is_zero() {
            let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            drop(
                self.changed
                    .wait_timeout_while(stopped, time, |stopped| !*stopped),
            );
        }
    }
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.stop.is_set() || shared.refusing.load(Ordering::Relaxed) {
            return;
        }
        let Ok((socket, client)) = accepted else {
            // Without the pause, a system that is out of sockets would be asked again at once.
            shared.stop.wait(Duration::from_millis(10));
            continue;
        };
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        let socket = Arc::new(socket);
        let weak = Arc::downgrade(&socket);
        let (config, own) = (Arc::clone(config), Arc::clone(shared));
        let opening = shared.faults.take_opening();
        // Held until the thread is listed, so that whoever has an answer finds its connection.
        let mut connections = shared.connections();
        let spawned = thread::Builder::new()
            .name("emulator-connection".to_owned())
            .spawn(move || {
                // An error here is a client that went away or spoke no TLS; it has seen that for itself.
                let _ = match opening {
                    Some(opening) => apply_connection_fault(socket, opening, config, &own),
                    None => serve_connection(socket, client.ip(), config, &own),
                };
            });
        connections.retain(|connection| !connection.thread.is_finished());
        if let Ok(thread) = spawned {
            connections.push(Connection {
                socket: weak,
                thread,
            });
        }
    }
}

/// Ends a connection that gets no further than this.
fn apply_connection_fault(
    socket: Arc<TcpStream>,
    opening: ConnectionFault,
    config: Arc<ServerConfig>,
    shared: &Shared,
) -> io::Result<()> {
    let mut wire = Wire::new(socket);
    match opening {
        ConnectionFault::Stall => wire.outlast(),
        ConnectionFault::Close => wire.finish(),
        // What was sent stays unread, and so the system resets the connection.
        ConnectionFault::Reset => wire.wait_for_byte()?,
        ConnectionFault::NotTls => {
            wire.wait_for_byte()?;
            wire.write_all(NOT_TLS)?;
            wire.finish();
        }
        ConnectionFault::TlsAlert(description) => {
            wire.wait_for_byte()?;
            // A record of type alert (21), TLS 1.2, with two bytes: fatal (2) and the description.
            wire.write_all(&[21, 3, 3, 0, 2, 2, description])?;
            wire.finish();
        }
        ConnectionFault::StopReading => {
            let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
            while session.is_handshaking() {
                session.complete_io(&mut wire)?;
            }
            shared.stop.wait(Duration::MAX);
        }
    }
    Ok(())
}

/// Serves one connection until it ends.
fn serve_connection(
    socket: Arc<TcpStream>,
    client: IpAddr,
    config: Arc<ServerConfig>,
    shared: &Shared,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let session = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, Wire::new(socket));
    let mut reader = Reader::default();
    let mut end = Ok(End::Keep);
    let mut is_first = true;
    while let Ok(End::Keep) = end {
        end = handle_request(&mut stream, client, &mut reader, shared, is_first);
        is_first = false;
    }
    match end? {
        // The last byte stays unread, and so the system resets the connection.
        End::Keep | End::Reset => {}
        End::Cut => stream.sock.close(),
        End::Stall => stream.sock.outlast(),
        End::Close => {
            stream.conn.send_close_notify();
            stream.flush()?;
            stream.sock.finish();
        }
    }
    Ok(())
}

/// One request with its answer.
fn handle_request(
    stream: &mut Tls,
    client: IpAddr,
    reader: &mut Reader,
    shared: &Shared,
    is_first: bool,
) -> io::Result<End> {
    let end = match reader.next(stream) {
        Ok(Incoming::Request {
            request,
            keep_alive,
        }) => serve(stream, client, shared, &request, keep_alive, is_first),
        Ok(Incoming::Bad(status)) => send(
            stream,
            shared,
            &response_plan::refuse(&shared.state, status),
        ),
        Ok(Incoming::Closed) => Ok(End::Close),
        Err(error) => Err(error),
    };
    if end.is_err() {
        // What TLS had to say about it must still arrive.
        stream.sock.finish();
    }
    end
}

fn serve(
    stream: &mut Tls,
    client: IpAddr,
    shared: &Shared,
    request: &Request,
    keep_alive: bool,
    is_first: bool,
) -> io::Result<End> {
    let begun = Instant::now();
    if is_first && stream.conn.handshake_kind() == Some(HandshakeKind::Resumed) {
        shared.resumed.fetch_add(1, Ordering::Relaxed);
    }
    let fault = shared.faults.take(&request.target);
    let number = shared.record.add(request.clone());
    let delivery = response_plan::exchange(&shared.state, request, client, fault, keep_alive);
    // Set before anything is sent, so that whoever has the answer finds its status in the record.
    shared.record.set_status(number, delivery.status);
    let sent = send(stream, shared, &delivery);
    if sent.is_err() {
        shared.record.set_status(number, 0);
    }
    if shared.state.settings.verbose {
        let (status, bytes) = (delivery.status, delivery.first.len() + delivery.rest.len());
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        eprintln!(
            "{} {} {status} {bytes} B {took:.1} ms",
            request.method, request.target
        );
    }
    sent
}

fn send(stream: &mut Tls, shared: &Shared, delivery: &ResponsePlan) -> io::Result<End> {
    shared.stop.wait(delivery.delay_head);
    if !delivery.first.is_empty() {
        stream.write_all(&delivery.first)?;
        stream.flush()?;
    }
    if !delivery.rest.is_empty() {
        shared.stop.wait(delivery.delay_body);
        let step = if delivery.drip.is_zero() {
            delivery.rest.len()
        } else {
            1
        };
        for (place, part) in delivery.rest.chunks(step).enumerate() {
            if place > 0 {
                let rest = stream.sock.pause(delivery.drip)?;
                shared.stop.wait(rest);
            }
            stream.write_all(part)?;
            stream.flush()?;
        }
    }
    Ok(delivery.end)
}
