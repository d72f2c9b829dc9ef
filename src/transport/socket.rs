//! A socket whose reads and writes have a timeout, and end if their call is canceled.
//!
//! A cancel shuts the socket down: see [`cancel`](super::cancel). On Unix that wakes a thread that
//! is blocked in it. On Windows it does not:
//! [rust#31657](https://github.com/rust-lang/rust/issues/31657). There, a call that can be canceled
//! does not block, but looks at the socket and at its tokens every few milliseconds.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::transport::cancel::RunningCalls;

/// The pause between two looks at a socket that does not block.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A connected socket, and the calls that use it one after the other.
pub(crate) struct Socket {
    /// Shared with the handles that shut the socket down from another thread.
    stream: Arc<TcpStream>,
    /// The calls of the client, of which one uses the socket.
    calls: RunningCalls,
}

impl Socket {
    /// Wraps a stream, which the call of this thread uses from now on.
    pub(crate) fn new(stream: TcpStream, calls: RunningCalls) -> Self {
        let stream = Arc::new(stream);
        calls.use_socket(&stream);
        Self { stream, calls }
    }

    /// Returns the stream, to shut it down from another thread.
    pub(crate) const fn stream(&self) -> &Arc<TcpStream> {
        &self.stream
    }

    /// Reads once, within `time` if there is one.
    pub(crate) fn read(&self, input: &mut [u8], time: Option<Duration>) -> io::Result<usize> {
        let mut stream = &*self.stream;
        if self.must_poll() {
            return self.poll(time, &mut || stream.read(input));
        }
        allow_closed(stream.set_read_timeout(time))?;
        stream.read(input)
    }

    /// Writes once, within `time` if there is one.
    pub(crate) fn write(&self, output: &[u8], time: Option<Duration>) -> io::Result<usize> {
        let mut stream = &*self.stream;
        if self.must_poll() {
            return self.poll(time, &mut || stream.write(output));
        }
        allow_closed(stream.set_write_timeout(time))?;
        stream.write(output)
    }

    /// Returns true if the peer has neither closed the connection nor sent anything.
    ///
    /// There is nothing to read yet, so a read that does not block fails with `WouldBlock`. The
    /// call of this thread uses the socket from now on.
    pub(crate) fn is_open_and_silent(&self) -> bool {
        // Before the check, which then sees if a cancel of the previous call has shut it down.
        self.calls.use_socket(&self.stream);
        let would_block = self.stream.set_nonblocking(true).is_ok()
            && (&*self.stream)
                .read(&mut [0])
                .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        // ureq closes the connection if it cannot block again.
        would_block && self.stream.set_nonblocking(false).is_ok()
    }

    /// Returns true if a cancel of the call of this thread would not wake a blocked read or write.
    fn must_poll(&self) -> bool {
        cfg!(windows) && self.calls.can_cancel()
    }

    /// Repeats a read or write that does not block, until it is done or the call is canceled.
    ///
    /// # Errors
    ///
    /// That of `operation`, `TimedOut` after `time`, and `ConnectionAborted` after a cancel.
    fn poll(
        &self,
        time: Option<Duration>,
        operation: &mut dyn FnMut() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let started = Instant::now();
        self.stream.set_nonblocking(true)?;
        let result = loop {
            match operation() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => break result,
            }
            if self.calls.is_cancelled() {
                break Err(io::ErrorKind::ConnectionAborted.into());
            }
            let pause = match time {
                Some(time) => time.saturating_sub(started.elapsed()).min(POLL_INTERVAL),
                None => POLL_INTERVAL,
            };
            if pause.is_zero() {
                break Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(pause);
        };
        self.stream.set_nonblocking(false)?;
        result
    }
}

/// Ignores the error with which macOS refuses a timeout after the peer has closed the connection.
/// The read or write reports what happened. See
/// [ureq #1220](https://github.com/algesten/ureq/pull/1220).
fn allow_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if cfg!(target_os = "macos") && error.kind() == io::ErrorKind::InvalidInput => {
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::time::cancel::CancelToken;
    use crate::time::deadline::Deadline;

    /// Returns both ends of a connection.
    fn connection(calls: &RunningCalls) -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = listener.accept().unwrap().0;
        (Socket::new(stream, calls.clone()), peer)
    }

    /// Polls for a byte, as a call does that can be canceled on Windows.
    fn poll_byte(socket: &Socket, time: Option<Duration>) -> io::Result<[u8; 1]> {
        let mut byte = [0];
        let count = socket.poll(time, &mut || (&*socket.stream).read(&mut byte))?;
        assert_eq!(count, 1);
        Ok(byte)
    }

    #[test]
    fn a_poll_waits_for_the_peer_and_leaves_the_socket_blocking() {
        let (socket, mut peer) = connection(&RunningCalls::default());
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(50));
                peer.write_all(b"ab").unwrap();
            });
            assert_eq!(poll_byte(&socket, None).unwrap(), *b"a");
        });
        assert_eq!(poll_byte(&socket, None).unwrap(), *b"b");
        let time = Duration::from_millis(50);
        let started = Instant::now();
        let error = poll_byte(&socket, Some(time)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let read = socket.read(&mut [0], Some(time));
        assert!(read.is_err() && started.elapsed() >= 2 * time, "{read:?}");
    }

    #[test]
    fn a_cancel_ends_a_poll_for_a_read_and_for_a_write() {
        let calls = RunningCalls::default();
        let token = CancelToken::new();
        let _call = calls.start(&Deadline::never().with_token(&token));
        let (reader, _peer) = connection(&calls);
        let (writer, _peer) = connection(&calls);
        // The system buffers what the peer does not read.
        writer.stream.set_nonblocking(true).unwrap();
        while (&*writer.stream).write(&[0; 8_192]).is_ok() {}
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(50));
                token.cancel();
            });
            let error = poll_byte(&reader, None).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        });
        let write = writer.poll(None, &mut || (&*writer.stream).write(&[0; 8_192]));
        assert!(write.is_err(), "{write:?}");
    }
}
