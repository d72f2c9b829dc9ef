//! A proxy between a client and the emulator, for the ways in which one helps or stands in the way.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A proxy on loopback, which a client asks by `CONNECT` for a way to a server.
///
/// Dropping it closes its sockets and ends its threads.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What a [`Proxy`] does with those who ask it for a way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyBehavior {
    /// Opens a way to any server on loopback.
    Open,
    /// Opens a way to those whose `Proxy-Authorization` is this, such as `Basic dTpw`, and answers 407 to others.
    Closed(String),
    /// Answers with this status.
    Status(u16),
    /// Closes the connection without an answer.
    Close,
    /// Takes the request and says nothing.
    Silent,
    /// Answers byte by byte, with this time between two bytes, and never comes to an end.
    Drip(Duration),
}

#[derive(Debug)]
struct Shared {
    manner: ProxyBehavior,
    heads: Mutex<Vec<String>>,
    sockets: Mutex<Vec<TcpStream>>,
    stop: AtomicBool,
}

/// No request for a way is longer.
const LONGEST_HEAD: usize = 8192;

impl Proxy {
    /// Starts a proxy.
    ///
    /// # Panics
    ///
    /// If loopback can't be bound.
    pub fn start(manner: ProxyBehavior) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback can be bound");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let (heads, sockets, stop) = (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared {
            manner,
            heads,
            sockets,
            stop,
        });
        let own = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &own));
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Its address, such as `http://127.0.0.1:49152`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests that came, the first one first.
    pub fn heads(&self) -> Vec<String> {
        locked(&self.shared.heads).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // The acceptor sleeps until someone connects.
        if TcpStream::connect(self.address).is_ok() {
            let _ = self.acceptor.take().map(JoinHandle::join);
        }
        for socket in locked(&self.shared.sockets).iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves each connection in a thread of its own, which ends when the connection does.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            break;
        }
        let (Ok(client), shared) = (client, Arc::clone(shared)) else {
            continue;
        };
        thread::spawn(move || {
            // A client that leaves is no fault of the proxy's.
            let _ = client.try_clone().and_then(|socket| shared.serve(socket));
            let _ = client.shutdown(Shutdown::Both);
        });
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        self.keep(&client)?;
        let head = read_head(&mut client)?;
        locked(&self.heads).push(head.clone());
        match &self.manner {
            ProxyBehavior::Open => self.open(&head, client),
            ProxyBehavior::Closed(credentials) if names(&head, credentials) => {
                self.open(&head, client)
            }
            ProxyBehavior::Closed(_) => answer(&mut client, 407),
            ProxyBehavior::Status(status) => answer(&mut client, *status),
            ProxyBehavior::Close => Ok(()),
            ProxyBehavior::Silent => io::copy(&mut client, &mut io::sink()).map(drop),
            ProxyBehavior::Drip(pause) => self.drip(&mut client, *pause),
        }
    }

    /// Remembers a socket, so that it can be closed in the end.
    fn keep(&self, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        locked(&self.sockets).push(socket.try_clone()?);
        Ok(())
    }

    fn open(&self, head: &str, mut client: TcpStream) -> io::Result<()> {
        let server = head
            .split(' ')
            .nth(1)
            .and_then(|to| to.parse::<SocketAddr>().ok());
        let Some(server) = server.filter(|server| server.ip().is_loopback()) else {
            return answer(&mut client, 403);
        };
        let Ok(mut server) = TcpStream::connect(server) else {
            return answer(&mut client, 502);
        };
        self.keep(&server)?;
        answer(&mut client, 200)?;
        let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        let there = thread::spawn(move || {
            let _ = io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut server, &mut client);
        client.shutdown(Shutdown::Write)?;
        let _ = there.join();
        Ok(())
    }

    fn drip(&self, client: &mut TcpStream, pause: Duration) -> io::Result<()> {
        for byte in b"HTTP/1.1 200 OK\r\nX-Drip: "
            .iter()
            .chain([b'-'].iter().cycle())
        {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            client.write_all(&[*byte])?;
            thread::sleep(pause);
        }
        Ok(())
    }
}

fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // One byte at a time: what follows the head is for the server.
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
        if head.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn names(head: &str, credentials: &str) -> bool {
    let sent = head.lines().filter_map(|line| line.split_once(": "));
    sent.into_iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("proxy-authorization") && value == credentials
    })
}

fn answer(client: &mut TcpStream, status: u16) -> io::Result<()> {
    let rest = match status {
        200 => "",
        407 => "Proxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\n",
        _ => "Content-Length: 0\r\n",
    };
    write!(client, "HTTP/1.1 {status} Said\r\n{rest}\r\n")
}
