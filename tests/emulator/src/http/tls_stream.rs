//! The socket below TLS, able to end in a reset.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long, and for how many bytes, an ended connection is still read.
const PATIENCE: Duration = Duration::from_millis(200);
const MOST: u64 = 1 << 20;

/// A socket that leaves the last byte it has read with the system until more is wanted.
///
/// A system resets a connection that is closed while bytes are unread. There is no other way to ask for a
/// reset with the standard library alone.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: Arc<TcpStream>,
    /// Whether the next byte of the socket was handed out already.
    held: bool,
}

impl Wire {
    pub(crate) fn new(socket: Arc<TcpStream>) -> Self {
        Self {
            socket,
            held: false,
        }
    }

    /// Takes the last byte after all, so that closing is a plain close.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        if self.held {
            (&*self.socket).read_exact(&mut [0])?;
            self.held = false;
        }
        Ok(())
    }

    /// Ends the connection after an answer, which the client may still be reading.
    pub(crate) fn finish(&mut self) {
        // Bytes that nobody reads would make the system reset the connection and lose the answer, so that
        // what is on its way is taken in, for a moment.
        let _ = self.settle();
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(PATIENCE));
        let _ = io::copy(&mut (&*self.socket).take(MOST), &mut io::sink());
    }

    /// Waits for so long, or an error when the client leaves. What is left of the time comes back.
    pub(crate) fn pause(&mut self, time: Duration) -> io::Result<Duration> {
        self.settle()?;
        let begun = Instant::now();
        self.socket.set_read_timeout(Some(time))?;
        let peeked = self.socket.peek(&mut [0]);
        self.socket.set_read_timeout(None)?;
        match peeked {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            // The next request is here already, or a farewell.
            Ok(_) => Ok(time.saturating_sub(begun.elapsed())),
            Err(error)
                if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) =>
            {
                Ok(Duration::ZERO)
            }
            Err(error) => Err(error),
        }
    }

    /// Leaves the client without a further word until it goes away.
    pub(crate) fn outlast(&mut self) {
        let _ = self.settle();
        let _ = io::copy(&mut &*self.socket, &mut io::sink());
    }

    /// Waits until the client has sent something, which stays unread.
    pub(crate) fn wait_for_byte(&mut self) -> io::Result<()> {
        self.socket.peek(&mut [0]).map(drop)
    }

    /// Ends the connection at once, but without a reset.
    pub(crate) fn close(&mut self) {
        // A socket that is broken already needs no closing.
        let _ = self.settle();
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.settle()?;
        let count = self.socket.peek(buffer)?;
        let taken = count.saturating_sub(1);
        (&*self.socket).read_exact(buffer.get_mut(..taken).unwrap_or_default())?;
        self.held = count > 0;
        Ok(count)
    }
}

impl Write for Wire {
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
