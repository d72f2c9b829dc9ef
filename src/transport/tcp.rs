//! TCP connections: to the first address that accepts one, and with timeouts that hold.
//!
//! [`HttpsConnector`](super::connector::HttpsConnector) uses it in three steps:
//!
//! 1. [`sort_addresses`] puts the most promising address first and alternates IPv6 and IPv4.
//! 2. [`connect_any`] tries them in that order, with overlap, until one accepts.
//! 3. [`TcpTransport`] adapts the stream to ureq.
//!
//! With a first address that does not respond, and a second that accepts after 20 ms:
//!
//! ```text
//!   0 ms   attempt A: [2001:db8::1]:443
//! 300 ms   attempt B: 192.0.2.1:443
//! 320 ms   B is connected and returned; the thread of A ends with the deadline
//! ```

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, ShutdownHandle, Transport};

use crate::transport::cancel::RunningCalls;
use crate::transport::socket::Socket;

/// The time after which the next address is tried as well.
///
/// RFC 8305, section 8, calls it the Connection Attempt Delay, and recommends 250 ms.
const ATTEMPT_DELAY: Duration = Duration::from_millis(300);

/// Opens a connection to one address within a timeout. Tests replace it.
pub(crate) type Dial<T> = dyn Fn(SocketAddr, Duration) -> io::Result<T> + Send + Sync;

/// Connects to the first address that accepts a connection, and returns both.
///
/// This is "Happy Eyeballs",
/// [RFC 8305, section 5](https://www.rfc-editor.org/rfc/rfc8305#section-5). The next address is
/// tried if the previous ones have failed, or after a delay if they have not. After the deadline,
/// and if the call is canceled, the error has the kind `TimedOut`.
///
/// The system cannot interrupt a connect, so each attempt has its own thread. The threads of slower
/// attempts end with the deadline at the latest.
///
/// # Errors
///
/// The most specific error of all attempts, if every one of them fails before the deadline.
/// Without an address the kind is `AddrNotAvailable`.
pub(crate) fn connect_any<T: Send + 'static>(
    addresses: &[SocketAddr],
    deadline: Instant,
    dial: &Arc<Dial<T>>,
    calls: &RunningCalls,
) -> io::Result<(SocketAddr, T)> {
    let (sender, receiver) = mpsc::channel();
    let mut untried = addresses.iter();
    let mut pending = 0_usize;
    let mut last_error: Option<io::Error> = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || calls.is_cancelled() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut wait = left;
        if let Some(address) = untried.next() {
            // If little time is left, the addresses share it, so that each of them is tried.
            let share = left / u32::try_from(untried.len() + 1).unwrap_or(u32::MAX);
            spawn_attempt(*address, left, share, dial, &sender);
            pending += 1;
            if untried.len() > 0 {
                wait = share.min(ATTEMPT_DELAY);
            }
        } else if pending == 0 {
            return Err(last_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()));
        }
        // The channel cannot be disconnected, because this function has a sender as well.
        if let Some((address, result)) = calls.receive(&receiver, wait) {
            match result {
                Ok(connection) => return Ok((address, connection)),
                Err(error) => last_error = Some(more_specific(last_error, error)),
            }
            pending -= 1;
        }
    }
}

/// Tries an address in a new thread, or in this one if the system refuses a thread.
///
/// A new thread may use all of the time that is left. This thread may use only the share of the
/// address, because the other addresses wait for it.
///
/// The result is sent to `sender` in both cases.
fn spawn_attempt<T: Send + 'static>(
    address: SocketAddr,
    left: Duration,
    share: Duration,
    dial: &Arc<Dial<T>>,
    sender: &Sender<(SocketAddr, io::Result<T>)>,
) {
    let own_dial = Arc::clone(dial);
    let own_sender = sender.clone();
    let spawned = thread::Builder::new().spawn(move || {
        // The receiver is gone if another address was faster.
        let _ = own_sender.send((address, own_dial(address, left)));
    });
    if spawned.is_err() {
        let _ = sender.send((address, dial(address, share)));
    }
}

/// Returns the more specific of two errors, or the first one, because its address is preferred.
///
/// `first` is `None` if no attempt has failed before.
fn more_specific(first: Option<io::Error>, second: io::Error) -> io::Error {
    match first {
        Some(first) if rank(&first) >= rank(&second) => first,
        _ => second,
    }
}

/// Ranks errors. A missing network, such as IPv6, says nothing about the service. A timeout counts
/// most, because a retry may succeed.
///
/// A higher rank is more specific. A refused connection, for example, has rank 1.
fn rank(error: &io::Error) -> u8 {
    use io::ErrorKind::{AddrNotAvailable, NetworkDown, NetworkUnreachable, TimedOut, Unsupported};
    match error.kind() {
        TimedOut => 2,
        AddrNotAvailable | NetworkDown | NetworkUnreachable | Unsupported => 0,
        _ => 1,
    }
}

/// Sorts addresses into the order in which they are tried.
///
/// The address of the latest connection comes first. IPv6 and IPv4 alternate after it, as in
/// [RFC 8305, section 4](https://www.rfc-editor.org/rfc/rfc8305#section-4), so that a network
/// without IPv6 costs a single delay.
///
/// The first address decides which of the two families starts. With `last` = `B4`:
///
/// ```text
/// A6 B6 C6 A4 B4  ->  B4 A6 A4 B6 C6
/// ```
pub(crate) fn sort_addresses(
    addresses: &[SocketAddr],
    last: Option<SocketAddr>,
) -> Vec<SocketAddr> {
    let prefers_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses
        .iter()
        .partition(|address| address.is_ipv6() == prefers_ipv6);
    let mut sorted = Vec::with_capacity(addresses.len());
    for index in 0..preferred.len().max(others.len()) {
        sorted.extend(preferred.get(index));
        sorted.extend(others.get(index));
    }
    if let Some(index) = sorted.iter().position(|address| Some(*address) == last) {
        // Moves it to the front and keeps the order of the others.
        sorted[..=index].rotate_right(1);
    }
    sorted
}

/// A TCP connection for ureq, in which a timeout covers all of a read or write.
///
/// [ureq's own](https://github.com/algesten/ureq/blob/3.5.2/src/unversioned/transport/tcp.rs) calls
/// `write_all`, which restarts the timeout with every part that the system accepts.
///
/// A slow peer could otherwise hold a request far beyond its timeout, one part at a time.
pub(crate) struct TcpTransport {
    /// The socket, with the calls that it serves, one after the other.
    socket: Socket,
    /// The bytes that ureq wants to send, and those that have arrived. Allocated on first use.
    buffers: LazyBuffers,
}

impl TcpTransport {
    /// Wraps a stream, and disables Nagle's algorithm: a request is written at once and waits for
    /// its response.
    ///
    /// A cancel of the call of this thread shuts it down.
    pub(crate) fn new(
        stream: TcpStream,
        buffers: LazyBuffers,
        calls: RunningCalls,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let socket = Socket::new(stream, calls);
        Ok(Self { socket, buffers })
    }

    /// Returns a handle that interrupts reads and writes of other threads.
    ///
    /// `Agent::shutdown` of ureq uses it. The handle does not keep the connection open.
    pub(crate) fn shutdown_handle(&self) -> Weak<dyn ShutdownHandle> {
        let stream: Arc<dyn ShutdownHandle> = self.socket.stream().clone();
        Arc::downgrade(&stream)
    }
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    /// Writes the first `amount` bytes of the output buffer, all of them within `timeout`.
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let timeout = timeout.for_write();
        let started = Instant::now();
        let mut output = &self.buffers.output()[..amount];
        while !output.is_empty() {
            let left = time_left(timeout, started)?;
            match self.socket.write(output, left) {
                // As in `Write::write_all`: a stream that accepts nothing would loop forever.
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => output = &output[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(map_io_error(error, timeout)),
            }
        }
        Ok(())
    }

    /// Reads what has arrived into the input buffer, or waits for it. Returns false at the end.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let timeout = timeout.for_read();
        let started = Instant::now();
        loop {
            let left = time_left(timeout, started)?;
            match self.socket.read(self.buffers.input_append_buf(), left) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(map_io_error(error, timeout)),
            }
        }
    }

    /// Returns true if the peer has neither closed the connection nor sent unexpected bytes.
    ///
    /// ureq calls this before it reuses an idle connection, and before that becomes idle.
    fn is_open(&mut self) -> bool {
        self.socket.is_open_and_silent()
    }
}

/// Returns the time that is left of a timeout, or `None` if there is no timeout.
///
/// # Errors
///
/// The timeout with its reason, if no time is left. The standard library rejects a timeout of zero.
fn time_left(timeout: NextTimeout, started: Instant) -> Result<Option<Duration>, ureq::Error> {
    if timeout.after.is_not_happening() {
        return Ok(None);
    }
    match timeout.after.checked_sub(started.elapsed()) {
        Some(left) if !left.is_zero() => Ok(Some(left)),
        _ => Err(ureq::Error::Timeout(timeout.reason)),
    }
}

/// Turns the error of a read or write that timed out into a timeout of ureq.
///
/// Unix reports it as `WouldBlock`, Windows as `TimedOut`. See
/// [`set_read_timeout`](std::net::TcpStream::set_read_timeout).
fn map_io_error(error: io::Error, timeout: NextTimeout) -> ureq::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ureq::Error::Timeout(timeout.reason),
        _ => ureq::Error::Io(error),
    }
}

// ureq requires `Debug` for its logs.
impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TcpTransport")
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};

    use ureq::Timeout;

    use super::*;

    /// A timeout that no test reaches.
    const LONG: Duration = Duration::from_secs(120);

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 443))
    }

    /// The result that a test gives to an address.
    type Script = fn(u8, &Gate, Duration) -> io::Result<()>;

    /// Blocks the attempts of a test.
    struct Gate {
        dialed: Mutex<Vec<u8>>,
        end: Mutex<Receiver<()>>,
    }

    impl Gate {
        /// Blocks until the end of the test, like a connect without a response.
        fn hang(&self) -> io::Result<()> {
            let _ = self.end.lock().unwrap().recv();
            Err(io::ErrorKind::TimedOut.into())
        }

        /// Blocks until another address is tried.
        fn wait_for(&self, other: u8) {
            while !self.dialed().contains(&other) {
                thread::sleep(Duration::from_millis(5));
            }
        }

        fn dialed(&self) -> Vec<u8> {
            self.dialed.lock().unwrap().clone()
        }
    }

    /// Connects to addresses by a script; returns the one that won and all that were tried.
    fn race(count: u8, time: Duration, script: Script) -> (Result<u8, io::ErrorKind>, Vec<u8>) {
        let (running, end) = channel();
        let gate = Arc::new(Gate {
            dialed: Mutex::default(),
            end: Mutex::new(end),
        });
        let dialing = Arc::clone(&gate);
        let dial: Arc<Dial<()>> = Arc::new(move |address: SocketAddr, time| {
            let SocketAddr::V4(address) = address else {
                unreachable!("all are IPv4")
            };
            let last = address.ip().octets()[3];
            dialing.dialed.lock().unwrap().push(last);
            script(last, &dialing, time)
        });
        let addresses: Vec<_> = (1..=count).map(address).collect();
        let outcome = connect_any(
            &addresses,
            Instant::now() + time,
            &dial,
            &RunningCalls::default(),
        );
        drop(running);
        drop(dial);
        // A thread that was slow to begin may still be at its address.
        while Arc::strong_count(&gate) > 1 {
            thread::sleep(Duration::from_millis(5));
        }
        let won = match outcome {
            Ok((SocketAddr::V4(won), ())) => Ok(won.ip().octets()[3]),
            Ok(_) => unreachable!("all are IPv4"),
            Err(error) => Err(error.kind()),
        };
        let mut dialed = gate.dialed();
        dialed.sort_unstable();
        (won, dialed)
    }

    #[test]
    fn an_address_that_hangs_does_not_block_the_next_one() {
        let (won, dialed) = race(2, LONG, |last, gate, _| {
            if last == 1 {
                return gate.hang();
            }
            gate.wait_for(1);
            Ok(())
        });
        assert_eq!((won, dialed), (Ok(2), vec![1, 2]));
        let (won, dialed) = race(5, LONG, |last, gate, _| match last {
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            4 => {
                gate.wait_for(3);
                Ok(())
            }
            _ => gate.hang(),
        });
        assert_eq!((won, dialed), (Ok(4), vec![1, 2, 3, 4]));
    }

    #[test]
    fn an_earlier_address_may_still_win() {
        let (won, dialed) = race(2, LONG, |last, gate, _| match last {
            1 => {
                gate.wait_for(2);
                Ok(())
            }
            _ => gate.hang(),
        });
        assert_eq!((won, dialed), (Ok(1), vec![1, 2]));
    }

    #[test]
    fn the_deadline_covers_all_addresses() {
        // With a delay of 300 ms each, the last address would not be tried.
        let (won, dialed) = race(16, Duration::from_secs(2), |_, gate, time| {
            assert!(time <= Duration::from_secs(2));
            gate.hang()
        });
        assert_eq!(won, Err(io::ErrorKind::TimedOut));
        assert_eq!(dialed.len(), 16, "every address is tried");
    }

    #[test]
    fn the_most_specific_error_is_reported() {
        use io::ErrorKind::{
            AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut,
        };
        for (first, second, expected) in [
            (NetworkUnreachable, ConnectionRefused, ConnectionRefused),
            (ConnectionRefused, NetworkUnreachable, ConnectionRefused),
            (ConnectionRefused, HostUnreachable, ConnectionRefused),
            (ConnectionRefused, TimedOut, TimedOut),
            (TimedOut, ConnectionRefused, TimedOut),
            (NetworkUnreachable, AddrNotAvailable, NetworkUnreachable),
        ] {
            assert_eq!(
                more_specific(Some(first.into()), second.into()).kind(),
                expected
            );
        }
        let (won, dialed) = race(3, LONG, |last, _, _| match last {
            2 => Err(ConnectionRefused.into()),
            _ => Err(NetworkUnreachable.into()),
        });
        assert_eq!((won, dialed), (Err(ConnectionRefused), vec![1, 2, 3]));
        assert_eq!(race(0, LONG, |_, _, _| Ok(())).0, Err(AddrNotAvailable));
    }

    #[test]
    fn families_alternate_after_the_latest_address_that_worked() {
        let ordered = |addresses: &[&str], last: Option<&str>| {
            let parse = |text: &&str| format!("{text}:443").parse::<SocketAddr>().unwrap();
            let parsed: Vec<_> = addresses.iter().map(parse).collect();
            let ordered = sort_addresses(&parsed, last.as_ref().map(parse));
            ordered
                .iter()
                .map(|address| address.ip().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let dual = [
            "[2001:db8::1]",
            "[2001:db8::2]",
            "[2001:db8::3]",
            "192.0.2.1",
            "192.0.2.2",
        ];
        assert_eq!(
            ordered(&dual, None),
            "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::3"
        );
        assert_eq!(
            ordered(&dual, Some("192.0.2.2")),
            "192.0.2.2 2001:db8::1 192.0.2.1 2001:db8::2 2001:db8::3"
        );
        assert_eq!(
            ordered(&["192.0.2.1", "[2001:db8::1]"], Some("192.0.2.9")),
            "192.0.2.1 2001:db8::1"
        );
        assert_eq!(ordered(&[], None), "");
    }

    #[test]
    fn after_a_closed_port_the_next_address_is_tried() {
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [closed, open.local_addr().unwrap()];
        let dial: Arc<Dial<TcpStream>> =
            Arc::new(|address, time| TcpStream::connect_timeout(&address, time));
        let deadline = Instant::now() + LONG;
        assert_eq!(
            connect_any(&addresses, deadline, &dial, &RunningCalls::default())
                .unwrap()
                .0,
            addresses[1]
        );
        let refused =
            connect_any(&addresses[..1], deadline, &dial, &RunningCalls::default()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_address_that_drops_packets_costs_one_delay() {
        // Linux drops what comes in once the backlog of a listener is full.
        let full = TcpListener::bind("127.0.0.1:0").unwrap();
        let dead = full.local_addr().unwrap();
        let short = Duration::from_millis(300);
        let _waiting: Vec<_> =
            std::iter::from_fn(|| TcpStream::connect_timeout(&dead, short).ok()).collect();
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [dead, open.local_addr().unwrap()];
        let dial: Arc<Dial<TcpStream>> =
            Arc::new(|address, time| TcpStream::connect_timeout(&address, time));
        let deadline = Instant::now() + LONG;
        assert_eq!(
            connect_any(&addresses, deadline, &dial, &RunningCalls::default())
                .unwrap()
                .0,
            addresses[1]
        );
    }

    #[test]
    fn a_write_to_a_peer_that_stops_reading_has_its_time_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _silent = listener.accept().unwrap();
        // More than both sockets have room for, so that a part of it is written at once.
        let amount = 64 << 20;
        let mut transport = TcpTransport::new(
            stream,
            LazyBuffers::new(1024, amount),
            RunningCalls::default(),
        )
        .unwrap();
        transport.buffers().output();
        let time = Duration::from_secs(3);
        let timeout = NextTimeout {
            after: time.into(),
            reason: Timeout::SendBody,
            ..NextTimeout::default()
        };
        let started = Instant::now();
        let written = transport.transmit_output(amount, timeout);
        let elapsed = started.elapsed();
        assert!(
            matches!(written, Err(ureq::Error::Timeout(Timeout::SendBody))),
            "{written:?}"
        );
        assert!(time <= elapsed && elapsed < 2 * time, "{elapsed:?}");
    }

    #[test]
    fn another_thread_can_shut_a_connection_down() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _silent = listener.accept().unwrap();
        let mut transport = TcpTransport::new(
            stream,
            LazyBuffers::new(1024, 1024),
            RunningCalls::default(),
        )
        .unwrap();
        let handle = transport.shutdown_handle();
        assert!(transport.is_open());
        thread::scope(|scope| {
            let reader = scope.spawn(|| transport.await_input(NextTimeout::default()));
            handle.upgrade().unwrap().shutdown();
            assert!(!reader.join().unwrap().unwrap());
        });
        assert!(!transport.is_open());
        drop(transport);
        assert!(
            handle.upgrade().is_none(),
            "the handle does not keep the connection open"
        );
    }
}
