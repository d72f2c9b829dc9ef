//! The socket below TLS, which can end in a reset.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bounds of what is still read from a connection that was shut down.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);
const DRAIN_BYTES: u64 = 1 << 20;

/// A socket that leaves the last received byte unread until more is read.
///
/// The system resets a connection that is closed while bytes are unread. The standard library
/// has no other way to reset one: `SO_LINGER` is not stable.
#[derive(Debug)]
pub(crate) struct ResettableStream {
    socket: Arc<TcpStream>,
    /// True if the next byte of the socket was returned already.
    has_unread_byte: bool,
}

impl ResettableStream {
    pub(crate) const fn new(socket: Arc<TcpStream>) -> Self {
        Self {
            socket,
            has_unread_byte: false,
        }
    }

    /// Shuts down the sending side and waits a moment for the client to read the response.
    pub(crate) fn finish(&mut self) {
        // Unread bytes would make the system reset the connection and discard the response.
        let _ = self.consume_byte();
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(DRAIN_TIMEOUT));
        let _ = io::copy(&mut (&*self.socket).take(DRAIN_BYTES), &mut io::sink());
    }

    /// Waits for this time, and returns what remains of it. Fails if the client leaves.
    pub(crate) fn pause(&mut self, time: Duration) -> io::Result<Duration> {
        self.consume_byte()?;
        let started = Instant::now();
        self.socket.set_read_timeout(Some(time))?;
        let peeked = self.socket.peek(&mut [0]);
        self.socket.set_read_timeout(None)?;
        match peeked {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            // The next request has arrived, or a `close_notify`.
            Ok(_) => Ok(time.saturating_sub(started.elapsed())),
            Err(error)
                if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) =>
            {
                Ok(Duration::ZERO)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads and discards until the client closes the connection.
    pub(crate) fn drain(&mut self) {
        let _ = self.consume_byte();
        let _ = io::copy(&mut &*self.socket, &mut io::sink());
    }

    /// Waits until the client has sent a byte, and leaves it unread.
    pub(crate) fn wait_for_byte(&self) -> io::Result<()> {
        self.socket.peek(&mut [0]).map(drop)
    }

    /// Closes the connection at once, without a reset.
    pub(crate) fn close(&mut self) {
        // A socket that failed already needs no close.
        let _ = self.consume_byte();
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Reads the last byte, so that a close does not become a reset.
    fn consume_byte(&mut self) -> io::Result<()> {
        if self.has_unread_byte {
            (&*self.socket).read_exact(&mut [0])?;
            self.has_unread_byte = false;
        }
        Ok(())
    }
}

impl Read for ResettableStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.consume_byte()?;
        let count = self.socket.peek(buffer)?;
        let taken = count.saturating_sub(1);
        (&*self.socket).read_exact(buffer.get_mut(..taken).unwrap_or_default())?;
        self.has_unread_byte = count > 0;
        Ok(count)
    }
}

impl Write for ResettableStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.socket).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        (&*self.socket).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.socket).flush()
    }
}
