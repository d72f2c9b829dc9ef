//! Faults: what goes wrong with which answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::http::chunked::Framing;

/// Something that goes wrong with an answer or a connection, once unless told otherwise.
///
/// A fault begins as a status in place of the real answer, or as the real answer, and is then damaged
/// further. Or it begins as something that happens to a connection before there is any request.
/// [`Emulator::fault`](crate::Emulator::fault) puts it into the queue.
///
/// ```
/// use std::time::Duration;
/// use confluent_metrics_emulator::Fault;
///
/// let overloaded = Fault::status(503).header("Retry-After", "1").times(2);
/// let slow = Fault::real_response().delay_head(Duration::from_millis(50)).matching("/query").skip(1);
/// let silent = Fault::stall_handshake().times(3);
/// # let _ = (overloaded, slow, silent);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    pub(crate) opening: Option<ConnectionFault>,
    pub(crate) status: Option<u16>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) delay_head: Duration,
    pub(crate) delay_body: Duration,
    pub(crate) cut_body_after: Option<usize>,
    pub(crate) content_length: Option<u64>,
    pub(crate) oversized: usize,
    pub(crate) oversized_gzip: Option<usize>,
    pub(crate) extra_members: bool,
    pub(crate) null_values: bool,
    pub(crate) bad_json: bool,
    pub(crate) bad_gzip: bool,
    pub(crate) not_http: bool,
    pub(crate) framing: Framing,
    pub(crate) drip: Duration,
    pub(crate) stall: Option<Stall>,
    pub(crate) ending: Ending,
    pub(crate) cleanly: bool,
    times: usize,
    skip: usize,
    on: String,
}

/// What happens to a connection before there is any request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionFault {
    Stall,
    Close,
    Reset,
    NotTls,
    TlsAlert(u8),
    StopReading,
}

/// After what nothing more is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stall {
    Request,
    HalfHead,
    HalfBody,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Whatever the client wishes.
    Usual,
    /// Nothing is answered.
    CloseBefore,
    /// Nothing is answered, and the connection is reset.
    Reset,
    /// The answer promises to keep the connection, which is then closed.
    CloseAfter,
    /// The connection is reset after the answer, or after what is sent of it.
    ResetAfter,
}

impl Fault {
    /// The real answer, to be damaged.
    pub fn real_response() -> Self {
        Self {
            opening: None,
            status: None,
            body: None,
            headers: Vec::new(),
            delay_head: Duration::ZERO,
            delay_body: Duration::ZERO,
            cut_body_after: None,
            content_length: None,
            oversized: 0,
            oversized_gzip: None,
            extra_members: false,
            null_values: false,
            bad_json: false,
            bad_gzip: false,
            not_http: false,
            framing: Framing::Length,
            drip: Duration::ZERO,
            stall: None,
            ending: Ending::Usual,
            cleanly: false,
            times: 1,
            skip: 0,
            on: String::new(),
        }
    }

    /// This status, with the body that the service sends with it, instead of the real answer.
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::real_response()
        }
    }

    /// Something that is not HTTP, within TLS, and then the end of the connection.
    ///
    /// It is the greeting of an SSH server, unless a [`body`](Self::body) says otherwise.
    pub fn not_http() -> Self {
        Self {
            not_http: true,
            ..Self::real_response()
        }
        .body("SSH-2.0-OpenSSH_9.2\r\n")
    }

    /// Accepts a connection and never says a word, not even to the first message of TLS.
    ///
    /// It ends when the client leaves or the emulator is dropped. As with every fault of a connection,
    /// [`times`](Self::times) and [`skip`](Self::skip) count connections, and nothing else has a meaning.
    pub fn stall_handshake() -> Self {
        Self::opening(ConnectionFault::Stall)
    }

    /// Accepts a connection and closes it before TLS has begun.
    pub fn close_connection() -> Self {
        Self::opening(ConnectionFault::Close)
    }

    /// Accepts a connection and resets it at the first byte that the client sends.
    pub fn reset_connection() -> Self {
        Self::opening(ConnectionFault::Reset)
    }

    /// Answers the first message of TLS in plain HTTP, as a port for HTTP does, and closes the connection.
    pub fn not_tls() -> Self {
        Self::opening(ConnectionFault::NotTls)
    }

    /// Refuses the first message of TLS with this fatal alert, and closes the connection.
    ///
    /// The [numbers] are those of IANA: 40 is `handshake_failure`, and 70 is `protocol_version`, with which a
    /// server refuses every version that the client offers.
    ///
    /// [numbers]: https://www.iana.org/assignments/tls-parameters/tls-parameters.xhtml#tls-parameters-6
    pub fn tls_alert(description: u8) -> Self {
        Self::opening(ConnectionFault::TlsAlert(description))
    }

    /// Shakes hands and then reads nothing more, so that a long request cannot be sent to its end.
    ///
    /// The connection ends with the emulator.
    pub fn stop_reading() -> Self {
        Self::opening(ConnectionFault::StopReading)
    }

    fn opening(opening: ConnectionFault) -> Self {
        Self {
            opening: Some(opening),
            ..Self::real_response()
        }
    }

    /// Replaces the body. Its type stays `application/json` unless a [`header`](Self::header) says otherwise.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Some(body.into()),
            ..self
        }
    }

    /// An HTML page as the body, as proxies send it.
    pub fn html(self) -> Self {
        let page = "<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>\n";
        self.body(page)
            .header("Content-Type", "text/html; charset=utf-8")
    }

    /// A redirect to `location` with this status, without a body, instead of the real answer.
    pub fn redirect(self, status: u16, location: &str) -> Self {
        let redirect = Self {
            status: Some(status),
            ..self
        };
        redirect.body("").header("Location", location)
    }

    /// Adds a header line, as often as wished.
    ///
    /// Names and values go out as they are. A `Content-Type` or `Retry-After` replaces the usual one, and a
    /// name that begins with `rateLimit-`, in any letter case, replaces all that the emulator tells of its
    /// own limits.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before anything is sent.
    pub fn delay_head(self, delay: Duration) -> Self {
        Self {
            delay_head: delay,
            ..self
        }
    }

    /// Waits after the head and half of the body.
    pub fn delay_body(self, delay: Duration) -> Self {
        Self {
            delay_body: delay,
            ..self
        }
    }

    /// Closes the connection after so many bytes of the body (compressed ones, if it is compressed).
    pub fn cut_body_after(self, bytes: usize) -> Self {
        Self {
            cut_body_after: Some(bytes),
            ..self
        }
    }

    /// Sends another length than the body has.
    ///
    /// After a body that is shorter than promised the connection is closed, or the client would wait
    /// forever; one that is longer leaves the rest on the kept connection.
    pub fn content_length(self, length: u64) -> Self {
        Self {
            content_length: Some(length),
            ..self
        }
    }

    /// Adds unknown members at every level of a JSON answer, and to points a label that nobody asked for.
    pub fn extra_members(self) -> Self {
        Self {
            extra_members: true,
            ..self
        }
    }

    /// Makes every value of a query's answer null.
    pub fn null_values(self) -> Self {
        Self {
            null_values: true,
            ..self
        }
    }

    /// Leaves out the last quarter of the body, with a `Content-Length` that fits.
    pub fn bad_json(self) -> Self {
        Self {
            bad_json: true,
            ..self
        }
    }

    /// Sends the body as gzip that does not unpack, whether gzip was asked for or not.
    pub fn bad_gzip(self) -> Self {
        Self {
            bad_gzip: true,
            ..self
        }
    }

    /// Pads the body with spaces to at least so many bytes, which leaves JSON valid.
    pub fn oversized(self, bytes: usize) -> Self {
        Self {
            oversized: bytes,
            ..self
        }
    }

    /// Sends gzip that unpacks to so many bytes, whether gzip was asked for or not.
    ///
    /// The bytes are spaces and then the body, which leaves JSON valid. What is sent is about a thousandth.
    pub fn oversized_gzip(self, bytes: usize) -> Self {
        Self {
            oversized_gzip: Some(bytes),
            ..self
        }
    }

    /// Sends the body in chunks, without a `Content-Length`. The chunks' own bytes count as of the body.
    pub fn chunked(self) -> Self {
        Self {
            framing: Framing::Chunks,
            ..self
        }
    }

    /// Sends the body in chunks, of which all but the first have no length in front of them.
    pub fn broken_chunks(self) -> Self {
        Self {
            framing: Framing::BrokenChunks,
            ..self
        }
    }

    /// Sends the body in chunks without the last, empty one, and closes the connection.
    pub fn unfinished_chunks(self) -> Self {
        Self {
            framing: Framing::UnfinishedChunks,
            ..self
        }
    }

    /// Sends the body with neither a `Content-Length` nor chunks: the end of the connection is its end.
    ///
    /// TLS ends as it should, unless [`cut_body_after`](Self::cut_body_after),
    /// [`close_after_response`](Self::close_after_response) or
    /// [`reset_after_response`](Self::reset_after_response) says otherwise.
    pub fn unframed(self) -> Self {
        Self {
            framing: Framing::Close,
            ..self
        }
    }

    /// Sends the body one byte at a time, with this pause between them, until the client leaves.
    pub fn trickle_body(self, pause: Duration) -> Self {
        Self {
            drip: pause,
            ..self
        }
    }

    /// Takes the request and never answers. It ends when the client leaves or the emulator is dropped.
    pub fn stall(self) -> Self {
        Self {
            stall: Some(Stall::Request),
            ..self
        }
    }

    /// Sends half of the head, and then nothing more until the client leaves or the emulator is dropped.
    pub fn stall_head(self) -> Self {
        Self {
            stall: Some(Stall::HalfHead),
            ..self
        }
    }

    /// Sends half of the body, and then nothing more until the client leaves or the emulator is dropped.
    pub fn stall_body(self) -> Self {
        Self {
            stall: Some(Stall::HalfBody),
            ..self
        }
    }

    /// Closes the connection instead of answering.
    pub fn close_before_response(self) -> Self {
        Self {
            ending: Ending::CloseBefore,
            ..self
        }
    }

    /// Answers as if the connection were kept, then closes it.
    pub fn close_after_response(self) -> Self {
        Self {
            ending: Ending::CloseAfter,
            ..self
        }
    }

    /// Where the connection is closed too early, says so in TLS first, as an orderly server does.
    ///
    /// Without this the connection just ends, which TLS can tell from an end that is meant.
    pub fn with_close_notify(self) -> Self {
        Self {
            cleanly: true,
            ..self
        }
    }

    /// Resets the connection instead of answering.
    pub fn reset(self) -> Self {
        Self {
            ending: Ending::Reset,
            ..self
        }
    }

    /// Resets the connection after the response, or after the part of it that is sent.
    pub fn reset_after_response(self) -> Self {
        Self {
            ending: Ending::ResetAfter,
            ..self
        }
    }

    /// How many requests it happens to. The default is 1.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Lets so many matching requests pass first.
    pub fn skip(self, requests: usize) -> Self {
        Self {
            skip: requests,
            ..self
        }
    }

    /// Only for requests whose path and query string contain this.
    pub fn matching(self, path_part: &str) -> Self {
        Self {
            on: path_part.to_owned(),
            ..self
        }
    }
}

/// The faults that are still to happen.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    queue: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        if fault.times > 0 {
            self.lock().push(fault);
        }
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// What happens to a new connection, if anything.
    pub(crate) fn take_opening(&self) -> Option<ConnectionFault> {
        self.pick(|fault| fault.opening.is_some())?.opening
    }

    /// The first fault that fits a request, with one use less.
    pub(crate) fn take(&self, target: &str) -> Option<Fault> {
        self.pick(|fault| fault.opening.is_none() && target.contains(&fault.on))
    }

    fn pick(&self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut queue = self.lock();
        for place in 0..queue.len() {
            let fault = queue.get_mut(place).filter(|fault| fits(fault));
            let Some(fault) = fault else { continue };
            if fault.skip > 0 {
                // It passes this fault, but may still meet one further down the queue.
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            let taken = fault.clone();
            if fault.times == 0 {
                drop(queue.remove(place));
            }
            return Some(taken);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(faults: &Faults, target: &str, count: usize) -> Vec<u16> {
        let taken = (0..count).map(|_| faults.take(target).and_then(|fault| fault.status));
        taken.map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn the_first_that_fits_and_has_uses_left_is_taken() {
        let faults = Faults::default();
        faults.add(Fault::status(500).skip(1).times(2));
        faults.add(Fault::status(502).matching("/export"));
        faults.add(Fault::status(503).matching("/query"));
        faults.add(Fault::status(504).times(0));
        assert_eq!(
            statuses(&faults, "/v2/metrics/cloud/query", 5),
            [503, 500, 500, 0, 0]
        );
        assert_eq!(statuses(&faults, "/v2/metrics/cloud/export", 2), [502, 0]);
    }

    #[test]
    fn cleared_faults_do_not_happen() {
        let faults = Faults::default();
        faults.add(Fault::status(500).times(3));
        faults.add(Fault::close_connection());
        faults.clear();
        assert_eq!(
            (statuses(&faults, "/", 1), faults.take_opening()),
            (vec![0], None)
        );
    }

    #[test]
    fn connections_and_requests_have_faults_of_their_own() {
        let faults = Faults::default();
        faults.add(Fault::stall_handshake().skip(1).times(2));
        faults.add(Fault::status(500));
        faults.add(Fault::close_connection());
        assert_eq!(statuses(&faults, "/", 2), [500, 0]);
        let taken: Vec<_> = (0..4).map(|_| faults.take_opening()).collect();
        assert_eq!(
            taken,
            [
                Some(ConnectionFault::Close),
                Some(ConnectionFault::Stall),
                Some(ConnectionFault::Stall),
                None
            ]
        );
    }
}
