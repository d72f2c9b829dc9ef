//! Sockets and threads: one that accepts, and one for each connection.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::exchange::{self, Delivery, End};
use crate::fault::Faults;
use crate::http::{Incoming, Reader};
use crate::record::{Record, Request};
use crate::state::State;
use crate::wire::Wire;

type Tls = StreamOwned<ServerConnection, Wire>;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: State,
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) accepted: AtomicUsize,
    stop: Stop,
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
            stop: Stop::default(),
            connections: Mutex::new(Vec::new()),
        }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server; dropping it ends its threads.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
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
        let own = Arc::clone(shared);
        let acceptor = thread::Builder::new()
            .name("emulator".to_owned())
            .spawn(move || accept(&listener, &config, &own))?;
        Ok(Self { address, shared: Arc::clone(shared), acceptor: Some(acceptor) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.set();
        // The acceptor sleeps until someone connects.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
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
            drop(self.changed.wait_timeout_while(stopped, time, |stopped| !*stopped));
        }
    }
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, shared: &Arc<Shared>) {
    for socket in listener.incoming() {
        if shared.stop.is_set() {
            return;
        }
        let Ok(socket) = socket else {
            // Without the pause, a system that is out of sockets would be asked again at once.
            shared.stop.wait(Duration::from_millis(10));
            continue;
        };
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        let socket = Arc::new(socket);
        let weak = Arc::downgrade(&socket);
        let (config, own) = (Arc::clone(config), Arc::clone(shared));
        let spawned = thread::Builder::new().name("emulator-connection".to_owned()).spawn(move || {
            // An error here is a client that went away or spoke no TLS; it has seen that for itself.
            let _ = converse(socket, config, &own);
        });
        let mut connections = shared.connections();
        connections.retain(|connection| !connection.thread.is_finished());
        if let Ok(thread) = spawned {
            connections.push(Connection { socket: weak, thread });
        }
    }
}

/// Serves one connection until it ends.
fn converse(socket: Arc<TcpStream>, config: Arc<ServerConfig>, shared: &Shared) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let session = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, Wire::new(socket));
    let mut reader = Reader::default();
    let mut end = Ok(End::Keep);
    while let Ok(End::Keep) = end {
        end = turn(&mut stream, &mut reader, shared);
    }
    match end? {
        // The last byte stays unread, and so the system resets the connection.
        End::Keep | End::Reset => {}
        End::Cut => stream.sock.close(),
        End::Close => {
            stream.conn.send_close_notify();
            stream.flush()?;
            stream.sock.finish();
        }
    }
    Ok(())
}

/// One request with its answer.
fn turn(stream: &mut Tls, reader: &mut Reader, shared: &Shared) -> io::Result<End> {
    let end = match reader.next(stream) {
        Ok(Incoming::Request { request, keep_alive }) => serve(stream, shared, &request, keep_alive),
        Ok(Incoming::Bad(status)) => send(stream, shared, &exchange::refuse(status)),
        Ok(Incoming::Closed) => Ok(End::Close),
        Err(error) => Err(error),
    };
    if end.is_err() {
        // What TLS had to say about it must still arrive.
        stream.sock.finish();
    }
    end
}

fn serve(stream: &mut Tls, shared: &Shared, request: &Request, keep_alive: bool) -> io::Result<End> {
    let begun = Instant::now();
    let fault = shared.faults.take(&request.target);
    let number = shared.record.add(request.clone());
    let delivery = exchange::exchange(&shared.state, request, fault, keep_alive);
    // Set before anything is sent, so that whoever has the answer finds its status in the record.
    shared.record.set_status(number, delivery.status);
    let sent = send(stream, shared, &delivery);
    if sent.is_err() {
        shared.record.set_status(number, 0);
    }
    if shared.state.settings.verbose {
        let (status, bytes) = (delivery.status, delivery.first.len() + delivery.rest.len());
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        eprintln!("{} {} {status} {bytes} B {took:.1} ms", request.method, request.target);
    }
    sent
}

fn send(stream: &mut Tls, shared: &Shared, delivery: &Delivery) -> io::Result<End> {
    shared.stop.wait(delivery.delay_head);
    if !delivery.first.is_empty() {
        stream.write_all(&delivery.first)?;
        stream.flush()?;
    }
    if !delivery.rest.is_empty() {
        shared.stop.wait(delivery.delay_body);
        stream.write_all(&delivery.rest)?;
        stream.flush()?;
    }
    Ok(delivery.end)
}
