//! A proxy between a client and the emulator.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::server;

/// A proxy on loopback that tunnels `CONNECT` requests.
///
/// Dropping it closes its sockets and ends its threads.
///
/// # Example
///
/// ```
/// use confluent_metrics_emulator::{Proxy, ProxyBehavior};
///
/// let proxy = Proxy::start(ProxyBehavior::Open);
/// assert!(proxy.url().starts_with("http://127.0.0.1:"));
/// assert!(proxy.heads().is_empty());
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// The behavior of a [`Proxy`].
///
/// ```
/// use confluent_metrics_emulator::{Proxy, ProxyBehavior};
///
/// // The user name is `u` and the password `p`.
/// let proxy = Proxy::start(ProxyBehavior::Closed("Basic dTpw".to_owned()));
/// # let _ = proxy;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyBehavior {
    /// Connects to any server on loopback.
    Open,
    /// Requires this `Proxy-Authorization`, such as `Basic dTpw`, and otherwise responds with 407.
    Closed(String),
    /// Responds with this status.
    Status(u16),
    /// Closes the connection without a response.
    Close,
    /// Reads the request and never responds.
    Silent,
    /// Responds byte by byte, with this pause between two bytes, without an end.
    Drip(Duration),
}

#[derive(Debug)]
struct Shared {
    behavior: ProxyBehavior,
    heads: Mutex<Vec<String>>,
    /// The sockets of open connections, with the number of the connection.
    sockets: Mutex<Vec<(usize, TcpStream)>>,
    stop: AtomicBool,
}

/// The longest head of a request.
const MAX_HEAD: usize = 8192;

impl Proxy {
    /// Starts a proxy.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Proxy, ProxyBehavior};
    ///
    /// let proxy = Proxy::start(ProxyBehavior::Status(503));
    /// println!("{}", proxy.url());
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if loopback can't be bound.
    #[must_use]
    #[track_caller]
    pub fn start(behavior: ProxyBehavior) -> Self {
        Self::start_on_port(0, behavior)
    }

    /// Starts a proxy on a port of 127.0.0.1, such as that of a proxy that was dropped.
    ///
    /// On a busy machine another process may bind the port meanwhile. This waits for it, at most
    /// five seconds.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Proxy, ProxyBehavior};
    ///
    /// let proxy = Proxy::start(ProxyBehavior::Open);
    /// let port = proxy.port();
    /// drop(proxy);
    /// // Call the client under test here. It cannot reach its proxy.
    /// let proxy = Proxy::start_on_port(port, ProxyBehavior::Open);
    /// assert_eq!(proxy.port(), port);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if the port can't be bound.
    #[must_use]
    #[track_caller]
    pub fn start_on_port(port: u16, behavior: ProxyBehavior) -> Self {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = match server::bind_again(wanted) {
            Ok(listener) => listener,
            Err(error) => panic!("cannot start the proxy: {error}"),
        };
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            behavior,
            heads: Mutex::default(),
            sockets: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &own));
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Returns the URL, such as `http://127.0.0.1:49152`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the port on 127.0.0.1.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Proxy, ProxyBehavior};
    ///
    /// let proxy = Proxy::start(ProxyBehavior::Open);
    /// assert!(proxy.url().ends_with(&proxy.port().to_string()));
    /// ```
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the heads of the requests so far, in the order of receipt.
    #[must_use]
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
        for (_, socket) in locked(&self.shared.sockets).iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves each connection in a thread of its own, which ends when the connection does.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, client) in listener.incoming().enumerate() {
        if shared.stop.load(Ordering::SeqCst) {
            break;
        }
        let Ok(client) = client else {
            continue;
        };
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // An error is a client that left.
            let _ = client
                .try_clone()
                .and_then(|socket| shared.serve(number, socket));
            let _ = client.shutdown(Shutdown::Both);
            locked(&shared.sockets).retain(|(connection, _)| *connection != number);
        });
    }
}

impl Shared {
    fn serve(&self, number: usize, mut client: TcpStream) -> io::Result<()> {
        self.register(number, &client)?;
        let head = read_head(&mut client)?;
        locked(&self.heads).push(head.clone());
        match &self.behavior {
            ProxyBehavior::Open => self.tunnel(number, &head, client),
            ProxyBehavior::Closed(credentials) if has_credentials(&head, credentials) => {
                self.tunnel(number, &head, client)
            }
            ProxyBehavior::Closed(_) => respond(&mut client, 407),
            ProxyBehavior::Status(status) => respond(&mut client, *status),
            ProxyBehavior::Close => Ok(()),
            ProxyBehavior::Silent => io::copy(&mut client, &mut io::sink()).map(drop),
            ProxyBehavior::Drip(pause) => self.trickle(&mut client, *pause),
        }
    }

    /// Registers a socket of a connection, so that dropping the proxy closes it.
    ///
    /// Fails if the proxy was dropped meanwhile.
    fn register(&self, number: usize, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let mut sockets = locked(&self.sockets);
        if self.stop.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        sockets.push((number, socket.try_clone()?));
        Ok(())
    }

    fn tunnel(&self, number: usize, head: &str, mut client: TcpStream) -> io::Result<()> {
        let server = head
            .split(' ')
            .nth(1)
            .and_then(|to| to.parse::<SocketAddr>().ok());
        let Some(server) = server.filter(|server| server.ip().is_loopback()) else {
            return respond(&mut client, 403);
        };
        let Ok(mut server) = TcpStream::connect(server) else {
            return respond(&mut client, 502);
        };
        self.register(number, &server)?;
        respond(&mut client, 200)?;
        let mut from_client = client.try_clone()?;
        let mut to_server = server.try_clone()?;
        let upload = thread::spawn(move || {
            let _ = io::copy(&mut from_client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut server, &mut client);
        client.shutdown(Shutdown::Write)?;
        let _ = upload.join();
        Ok(())
    }

    fn trickle(&self, client: &mut TcpStream, pause: Duration) -> io::Result<()> {
        for byte in b"HTTP/1.1 200 OK\r\nX-Trickle: "
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
        if head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn has_credentials(head: &str, credentials: &str) -> bool {
    let sent = head.lines().filter_map(|line| line.split_once(": "));
    sent.into_iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("proxy-authorization") && value == credentials
    })
}

fn respond(client: &mut TcpStream, status: u16) -> io::Result<()> {
    let rest = match status {
        200 => "",
        407 => "Proxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\n",
        _ => "Content-Length: 0\r\n",
    };
    write!(client, "HTTP/1.1 {status} Proxy\r\n{rest}\r\n")
}
