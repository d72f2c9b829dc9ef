//! One connection, from its handshake to its end.

use std::io::{self, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

use crate::fault::ConnectionFault;
use crate::http::request_reader::{Incoming, RequestReader};
use crate::http::tls_stream::ResettableStream;
use crate::in_flight::CountedRequest;
use crate::request_log::Request;
use crate::response_plan::{self, ConnectionEnd, ResponsePlan};
use crate::server::Shared;

type TlsStream = StreamOwned<ServerConnection, ResettableStream>;

/// The response of a server of plain HTTP to a TLS handshake.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Applies a fault to a connection, and ends it.
pub(crate) fn apply_connection_fault(
    socket: Arc<TcpStream>,
    fault: ConnectionFault,
    config: Arc<ServerConfig>,
    shared: &Shared,
) -> io::Result<()> {
    let mut stream = ResettableStream::new(socket);
    match fault {
        ConnectionFault::StallHandshake => stream.drain(),
        ConnectionFault::Close => stream.finish(),
        // The received byte stays unread, so the system resets the connection.
        ConnectionFault::Reset => stream.wait_for_byte()?,
        ConnectionFault::NotTls => {
            stream.wait_for_byte()?;
            stream.write_all(PLAIN_HTTP)?;
            stream.finish();
        }
        ConnectionFault::TlsAlert(description) => {
            stream.wait_for_byte()?;
            // RFC 8446, section 5.1: a record of type alert (21), version TLS 1.2, two bytes
            // long. RFC 8446, section 6: level fatal (2), then the description.
            stream.write_all(&[21, 3, 3, 0, 2, 2, description])?;
            stream.finish();
        }
        ConnectionFault::StopReading => {
            let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
            while session.is_handshaking() {
                session.complete_io(&mut stream)?;
            }
            shared.stop.wait(Duration::MAX);
        }
    }
    Ok(())
}

/// Serves requests until the connection ends.
pub(crate) fn serve_connection(
    socket: Arc<TcpStream>,
    client: IpAddr,
    config: Arc<ServerConfig>,
    shared: &Shared,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let session = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut connection = Connection {
        stream: StreamOwned::new(session, ResettableStream::new(socket)),
        client,
        shared,
        is_first: true,
    };
    let mut reader = RequestReader::default();
    let mut end = Ok(ConnectionEnd::Keep);
    while let Ok(ConnectionEnd::Keep) = end {
        end = connection.handle_request(&mut reader);
    }
    connection.close(end?)
}

struct Connection<'a> {
    stream: TlsStream,
    client: IpAddr,
    shared: &'a Shared,
    /// True until the first request, whose handshake is counted.
    is_first: bool,
}

impl Connection<'_> {
    /// Reads one request and responds to it.
    fn handle_request(&mut self, reader: &mut RequestReader) -> io::Result<ConnectionEnd> {
        let end = match reader.next(&mut self.stream) {
            Ok(Incoming::Request {
                request,
                keep_alive,
            }) => self.respond(&request, keep_alive),
            Ok(Incoming::Invalid(status)) => {
                self.send(&response_plan::plan_error(&self.shared.state, status), None)
            }
            Ok(Incoming::Closed) => Ok(ConnectionEnd::Close),
            Err(error) => Err(error),
        };
        if end.is_err() {
            // An alert of TLS must still reach the client.
            self.stream.sock.finish();
        }
        end
    }

    fn respond(&mut self, request: &Request, keep_alive: bool) -> io::Result<ConnectionEnd> {
        let started = Instant::now();
        let shared = self.shared;
        let counted = shared.in_flight.count();
        let is_resumed = self.stream.conn.handshake_kind() == Some(HandshakeKind::Resumed);
        if std::mem::take(&mut self.is_first) && is_resumed {
            shared.resumed.fetch_add(1, Ordering::Relaxed);
        }
        let script = shared.faults.take_for_request(&request.target);
        let number = shared.log.add(request.clone());
        let plan =
            response_plan::plan_response(&shared.state, request, self.client, script, keep_alive);
        // Before anything is sent, so that a client that has the response finds its status.
        shared.log.set_status(number, plan.status);
        let latency = shared.state.settings.latency;
        shared.stop.wait(latency.saturating_sub(started.elapsed()));
        let end = self.send(&plan, Some(counted));
        if end.is_err() {
            shared.log.set_status(number, 0);
        }
        if shared.state.settings.verbose {
            let bytes = plan.first.len() + plan.rest.len();
            let milliseconds = started.elapsed().as_secs_f64() * 1_000.0;
            eprintln!(
                "{} {} {} {bytes} B {milliseconds:.1} ms",
                request.method, request.target, plan.status
            );
        }
        end
    }

    /// Sends a response. Its request counts as in flight until the last part is about to be sent.
    // A client that has the last part may send its next request before this thread goes on.
    fn send(
        &mut self,
        plan: &ResponsePlan,
        mut counted: Option<CountedRequest<'_>>,
    ) -> io::Result<ConnectionEnd> {
        let stop = &self.shared.stop;
        stop.wait(plan.delay_head);
        if plan.rest.is_empty() {
            counted = None;
        }
        if !plan.first.is_empty() {
            self.stream.write_all(&plan.first)?;
            self.stream.flush()?;
        }
        if !plan.rest.is_empty() {
            stop.wait(plan.delay_body);
            let size = if plan.trickle.is_zero() {
                plan.rest.len()
            } else {
                1
            };
            let parts = plan.rest.chunks(size);
            let last = parts.len() - 1;
            for (index, part) in parts.enumerate() {
                if index > 0 {
                    let remaining = self.stream.sock.pause(plan.trickle)?;
                    stop.wait(remaining);
                }
                if index == last {
                    counted = None;
                }
                self.stream.write_all(part)?;
                self.stream.flush()?;
            }
        }
        drop(counted);
        Ok(plan.end)
    }

    fn close(&mut self, end: ConnectionEnd) -> io::Result<()> {
        match end {
            // The last byte of the request stays unread, so the system resets the connection.
            ConnectionEnd::Keep | ConnectionEnd::Reset => {}
            ConnectionEnd::Truncate => self.stream.sock.close(),
            ConnectionEnd::Stall => self.stream.sock.drain(),
            ConnectionEnd::Close => {
                self.stream.conn.send_close_notify();
                self.stream.flush()?;
                self.stream.sock.finish();
            }
        }
        Ok(())
    }
}
