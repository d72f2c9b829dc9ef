//! Scripted faults: what goes wrong, with which requests, and how often.
//!
//! | module | what is in it |
//! | --- | --- |
//! | `mod` | [`Fault`], the builder |
//! | `effect` | every fault by its layer, and its name |
//! | `rules` | combinations that have no meaning |
//! | `script` | a fault as the server applies it |
//! | `queue` | the faults that have not happened yet |
//! | `samples` | one sample of every fault |
//!
//! A new fault is a variant of an enum in `effect`, a method of [`Fault`], and a row in `samples`
//! and in the README. The compiler and the tests of `samples` name each place that is missing.

mod effect;
mod queue;
mod rules;
mod samples;
mod script;

use std::time::Duration;

use effect::{BodyFault, Effect, EndingFault, FramingFault, StatusFault, TimingFault};

pub(crate) use effect::ConnectionFault;
pub(crate) use queue::FaultQueue;
pub(crate) use script::{Ending, NoResponse, ResponseScript, Script, Stall};

/// Something that goes wrong with a response or a connection.
///
/// A fault starts as a status, as the real response, or as a fault of a connection. Further
/// methods change it. It happens once unless [`times`](Self::times) says otherwise.
/// [`Emulator::fault`](crate::Emulator::fault) queues it.
///
/// Faults belong to layers: connection, status, body, framing, timing, and ending. Faults of
/// different layers combine. [`Emulator::fault`](crate::Emulator::fault) panics if one of them has no
/// effect, such as a body for a connection that never gets that far.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use confluent_metrics_emulator::{Emulator, Fault};
///
/// let emulator = Emulator::start();
/// emulator.fault(Fault::status(503).header("Retry-After", "1").times(2));
/// let delay = Duration::from_millis(50);
/// emulator.fault(Fault::real_response().delay_head(delay).matching("/query").skip(1));
/// emulator.fault(Fault::stall_handshake().times(3));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    effects: Vec<Effect>,
    times: usize,
    skip: usize,
    path_part: Option<String>,
}

/// Starting points for faults of a response.
impl Fault {
    /// Returns the real response, to be changed by further methods.
    ///
    /// ```
    /// use confluent_metrics_emulator::Fault;
    ///
    /// let truncated = Fault::real_response().cut_body_after(20);
    /// # let _ = truncated;
    /// ```
    pub const fn real_response() -> Self {
        Self {
            effects: Vec::new(),
            times: 1,
            skip: 0,
            path_part: None,
        }
    }

    /// Replaces the response with this status and the body that the service sends with it.
    ///
    /// ```
    /// use confluent_metrics_emulator::Fault;
    ///
    /// let overloaded = Fault::status(503).times(3);
    /// # let _ = overloaded;
    /// ```
    pub fn status(status: u16) -> Self {
        Self::real_response().with(Effect::Status(StatusFault::Status(status)))
    }

    /// Replaces the response with bytes that are not HTTP, and closes the connection.
    ///
    /// The bytes are sent within TLS. Defaults to the greeting of an SSH server, unless
    /// [`body`](Self::body) sets others.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::not_http().body("220 mail.example ESMTP\r\n"));
    /// ```
    pub fn not_http() -> Self {
        Self::real_response().with(Effect::Framing(FramingFault::NotHttp))
    }
}

/// Faults of a connection, before there is a request.
///
/// [`times`](Self::times) and [`skip`](Self::skip) count connections. No other method applies.
impl Fault {
    /// Accepts a connection and never responds to the `ClientHello` of TLS.
    ///
    /// The connection ends when the client closes it or the emulator is dropped.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // Only a timeout of the client ends the first connection.
    /// emulator.fault(Fault::stall_handshake());
    /// ```
    pub fn stall_handshake() -> Self {
        Self::connection(ConnectionFault::StallHandshake)
    }

    /// Accepts a connection and closes it before the TLS handshake.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // The fourth attempt succeeds.
    /// emulator.fault(Fault::close_connection().times(3));
    /// ```
    pub fn close_connection() -> Self {
        Self::connection(ConnectionFault::Close)
    }

    /// Accepts a connection and resets it when the client sends the first byte.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::reset_connection());
    /// ```
    pub fn reset_connection() -> Self {
        Self::connection(ConnectionFault::Reset)
    }

    /// Responds to the `ClientHello` with plain HTTP, as a port without TLS does, and closes.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // A client must not send its key to such a port.
    /// emulator.fault(Fault::not_tls());
    /// ```
    pub fn not_tls() -> Self {
        Self::connection(ConnectionFault::NotTls)
    }

    /// Responds to the `ClientHello` with this fatal alert, and closes the connection.
    ///
    /// The [numbers] are assigned by IANA: 40 is `handshake_failure`. A server that supports
    /// no version that the client offers sends 70, `protocol_version`.
    ///
    /// [numbers]: https://www.iana.org/assignments/tls-parameters/tls-parameters.xhtml#tls-parameters-6
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // No common version: a client should not try again.
    /// emulator.fault(Fault::tls_alert(70).times(10));
    /// ```
    pub fn tls_alert(description: u8) -> Self {
        Self::connection(ConnectionFault::TlsAlert(description))
    }

    /// Completes the TLS handshake and reads nothing more.
    ///
    /// A client can't send a long request to its end. The connection stays open until the
    /// emulator is dropped.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::stop_reading());
    /// ```
    pub fn stop_reading() -> Self {
        Self::connection(ConnectionFault::StopReading)
    }

    fn connection(fault: ConnectionFault) -> Self {
        Self::real_response().with(Effect::Connection(fault))
    }
}

/// Status line and headers.
impl Fault {
    /// Replaces the response with a redirect to `location`, without a body.
    ///
    /// ```
    /// use confluent_metrics_emulator::Fault;
    ///
    /// let moved = Fault::real_response().redirect(307, "https://elsewhere.example/");
    /// # let _ = moved;
    /// ```
    pub fn redirect(self, status: u16, location: &str) -> Self {
        self.with(Effect::Status(StatusFault::Redirect {
            status,
            location: location.to_owned(),
        }))
    }

    /// Adds a header line. May be called repeatedly.
    ///
    /// Names and values are sent as given. `Content-Type`, `Date` and `Retry-After` replace the
    /// usual line. A name that starts with `rateLimit-`, in any case, replaces all headers of
    /// the emulator's own rate limits.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::status(429).header("Retry-After", "30"));
    /// ```
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(Effect::Status(StatusFault::Header {
            name: name.to_owned(),
            value: value.to_owned(),
        }))
    }
}

/// The content of the body.
impl Fault {
    /// Replaces the body.
    ///
    /// Its type is `application/json`, unless [`header`](Self::header) sets another.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// let body = r#"{"errors":[{"detail":"out of order"}]}"#;
    /// emulator.fault(Fault::status(500).body(body));
    /// ```
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.with(Effect::Body(BodyFault::Content(body.into())))
    }

    /// Replaces the body with an HTML page, as a proxy sends it.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // As a gateway responds that needs a login.
    /// emulator.fault(Fault::status(200).html());
    /// ```
    pub fn html(self) -> Self {
        self.with(Effect::Body(BodyFault::Html))
    }

    /// Adds unknown members at every level of a JSON response.
    ///
    /// Points also get a label that the query did not group by.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // A client must ignore members that it does not know.
    /// emulator.fault(Fault::real_response().extra_members());
    /// ```
    pub fn extra_members(self) -> Self {
        self.with(Effect::Body(BodyFault::ExtraMembers))
    }

    /// Replaces every value in the response to a query with null.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // A client must not read null as 0.
    /// emulator.fault(Fault::real_response().null_values().matching("/query"));
    /// ```
    pub fn null_values(self) -> Self {
        self.with(Effect::Body(BodyFault::NullValues))
    }

    /// Leaves out the last quarter of the body, with a matching `Content-Length`.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().bad_json());
    /// ```
    pub fn bad_json(self) -> Self {
        self.with(Effect::Body(BodyFault::BadJson))
    }

    /// Pads the body with spaces to at least this many bytes. JSON stays valid.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // 20 MB, for a client with a limit of 10 MB.
    /// emulator.fault(Fault::real_response().oversized(20_000_000));
    /// ```
    pub fn oversized(self, bytes: usize) -> Self {
        self.with(Effect::Body(BodyFault::Oversized(bytes)))
    }

    /// Sends gzip that can't be decompressed, even to a client that does not accept gzip.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().bad_gzip());
    /// ```
    pub fn bad_gzip(self) -> Self {
        self.with(Effect::Body(BodyFault::BadGzip))
    }

    /// Sends gzip that decompresses to this many bytes, about a thousand times its size.
    ///
    /// The decompressed body starts with spaces, so that JSON stays valid. It is sent even to
    /// a client that does not accept gzip.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // 1 GB out of 1 MB: the limit of a client must hold for decompressed bytes.
    /// emulator.fault(Fault::real_response().oversized_gzip(1_000_000_000));
    /// ```
    pub fn oversized_gzip(self, bytes: usize) -> Self {
        self.with(Effect::Body(BodyFault::OversizedGzip(bytes)))
    }
}

/// The length of the body on the wire.
impl Fault {
    /// Sends this `Content-Length` in place of the length of the body.
    ///
    /// If the body is shorter, the connection is closed after it. If it is longer, the rest
    /// stays on the connection in front of the next response.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // A proxy that cuts a body without a word.
    /// emulator.fault(Fault::real_response().content_length(100));
    /// ```
    pub fn content_length(self, length: u64) -> Self {
        self.with(Effect::Framing(FramingFault::ContentLength(length)))
    }

    /// Sends the body with `Transfer-Encoding: chunked`, in three chunks.
    ///
    /// The chunk headers count as bytes of the body for other faults.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().chunked());
    /// ```
    pub fn chunked(self) -> Self {
        self.with(Effect::Framing(FramingFault::Chunked))
    }

    /// Sends the body in chunks, of which only the first has a valid length.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().broken_chunks());
    /// ```
    pub fn broken_chunks(self) -> Self {
        self.with(Effect::Framing(FramingFault::BrokenChunks))
    }

    /// Sends the body in chunks without the final empty one, and closes the connection.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // A client must not take the body for complete.
    /// emulator.fault(Fault::real_response().unfinished_chunks());
    /// ```
    pub fn unfinished_chunks(self) -> Self {
        self.with(Effect::Framing(FramingFault::UnfinishedChunks))
    }

    /// Sends the body without `Content-Length` and chunks: it ends when the connection closes.
    ///
    /// The connection ends with a TLS `close_notify`, unless
    /// [`cut_body_after`](Self::cut_body_after),
    /// [`close_after_response`](Self::close_after_response) or
    /// [`reset_after_response`](Self::reset_after_response) says otherwise.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().unframed().matching("/export"));
    /// ```
    pub fn unframed(self) -> Self {
        self.with(Effect::Framing(FramingFault::Unframed))
    }

    /// Closes the connection after this many bytes of the body, compressed ones if it is gzip.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().cut_body_after(20));
    /// ```
    pub fn cut_body_after(self, bytes: usize) -> Self {
        self.with(Effect::Framing(FramingFault::CutBodyAfter(bytes)))
    }
}

/// Delays and stalls.
impl Fault {
    /// Waits before the first byte of the response.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // Longer than the client waits for an attempt.
    /// let delay = Duration::from_secs(2);
    /// emulator.fault(Fault::real_response().delay_head(delay));
    /// ```
    pub fn delay_head(self, delay: Duration) -> Self {
        self.with(Effect::Timing(TimingFault::DelayHead(delay)))
    }

    /// Waits after the head and half of the body.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// let delay = Duration::from_millis(300);
    /// emulator.fault(Fault::real_response().delay_body(delay));
    /// ```
    pub fn delay_body(self, delay: Duration) -> Self {
        self.with(Effect::Timing(TimingFault::DelayBody(delay)))
    }

    /// Sends the body byte by byte, with this pause between two bytes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // Every read succeeds, so only a timeout for the whole response ends it.
    /// let pause = Duration::from_millis(100);
    /// emulator.fault(Fault::real_response().trickle_body(pause));
    /// ```
    pub fn trickle_body(self, pause: Duration) -> Self {
        self.with(Effect::Timing(TimingFault::TrickleBody(pause)))
    }

    /// Reads the request and never responds.
    ///
    /// The connection ends when the client closes it or the emulator is dropped.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().stall());
    /// ```
    pub fn stall(self) -> Self {
        self.with(Effect::Timing(TimingFault::Stall))
    }

    /// Sends half of the head, and nothing more until the client closes the connection.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().stall_head());
    /// ```
    pub fn stall_head(self) -> Self {
        self.with(Effect::Timing(TimingFault::StallHead))
    }

    /// Sends half of the body, and nothing more until the client closes the connection.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().stall_body());
    /// ```
    pub fn stall_body(self) -> Self {
        self.with(Effect::Timing(TimingFault::StallBody))
    }
}

/// The end of the connection.
impl Fault {
    /// Closes the connection in place of a response.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().close_before_response());
    /// ```
    pub fn close_before_response(self) -> Self {
        self.with(Effect::Ending(EndingFault::CloseBeforeResponse))
    }

    /// Closes the connection after a response that promised to keep it open.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // The client finds out when it uses the connection again.
    /// emulator.fault(Fault::real_response().close_after_response());
    /// ```
    pub fn close_after_response(self) -> Self {
        self.with(Effect::Ending(EndingFault::CloseAfterResponse))
    }

    /// Resets the connection in place of a response.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().reset().times(2));
    /// ```
    pub fn reset(self) -> Self {
        self.with(Effect::Ending(EndingFault::Reset))
    }

    /// Resets the connection after the response, or after the part of it that is sent.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::real_response().reset_after_response());
    /// ```
    pub fn reset_after_response(self) -> Self {
        self.with(Effect::Ending(EndingFault::ResetAfterResponse))
    }

    /// Sends a TLS `close_notify` before the connection is closed too early.
    ///
    /// By default the connection just ends, so that a client can detect the truncation.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// let cut = Fault::real_response().cut_body_after(20);
    /// emulator.fault(cut.with_close_notify());
    /// ```
    pub fn with_close_notify(self) -> Self {
        self.with(Effect::Ending(EndingFault::CloseNotify))
    }
}

/// The requests that a fault applies to.
impl Fault {
    /// Sets the number of requests or connections that it happens to, at least 1.
    ///
    /// Defaults to 1.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// emulator.fault(Fault::status(503).times(2));
    /// ```
    pub const fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Lets this many matching requests or connections pass first.
    ///
    /// Defaults to 0.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // The third page fails.
    /// emulator.fault(Fault::status(500).matching("/query").skip(2));
    /// ```
    pub const fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Applies only to requests whose path and query string contain `part`.
    ///
    /// Defaults to all requests.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start();
    /// // Only requests for a second or later page.
    /// emulator.fault(Fault::status(400).matching("page_token="));
    /// ```
    pub fn matching(mut self, part: &str) -> Self {
        self.path_part = Some(part.to_owned());
        self
    }

    fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}
