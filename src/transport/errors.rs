//! Turns errors of ureq and I/O errors into [`Error`], and classifies them.
//!
//! The message names the destination and the problem. The original error becomes the source, and
//! its class decides about a retry. Two properties of ureq matter here:
//!
//! - ureq reports a timeout of the call like one of the attempt, so the deadline decides which it
//!   was.
//! - Errors of the resolver and the connector of this crate arrive as [`ureq::Error::Other`].
//!
//! For example, a refused connection becomes this error, with a retry as its class allows:
//!
//! ```text
//! message   connection to https://api.telemetry.confluent.cloud refused
//! source    the I/O error of the address
//! hint      check the base URL (…) and whether a proxy is required (…)
//! class     transient
//! ```

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use ureq::Timeout;
use ureq::http::StatusCode;

use crate::error::{Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::transport::attempt_error::AttemptError;
use crate::transport::config::TransportConfig;
use crate::transport::connector::ConnectError;
use crate::transport::error_response::{class_of_status, status_line};
use crate::transport::hints::{
    PROXY_AUTHENTICATION_HINT, PROXY_TUNNEL_HINT, TOKEN_PROVIDER_HINT, connect_hint, tls_hint,
};
use crate::transport::resolver::LookupError;
use crate::transport::retry::FailureClass;
use crate::transport::token_provider::TokenFailure;

impl AttemptError {
    /// Classifies an error of ureq.
    ///
    /// An error that no arm names is permanent, since nothing is known about it.
    ///
    /// ```text
    /// error of ureq         kind         class
    /// Timeout               Timeout      timeout, but permanent after the deadline
    /// Io                    Connection   transient if the network may be the cause
    /// BodyStalled           Connection   transient
    /// Tls, Rustls, Pem      Tls          permanent
    /// BodyExceedsLimit      TooLarge     permanent
    /// Decompress            Decode       permanent, but transient if it is cut short
    /// Other                 Connection   by the lookup or the connect that failed
    /// ConnectProxyFailed    Connection   by the status that the proxy returned
    /// ```
    pub(crate) fn from_ureq(
        error: ureq::Error,
        config: &TransportConfig,
        deadline: &Deadline,
    ) -> Self {
        let destination = config.destination();
        let error = match error {
            ureq::Error::Timeout(_) if is_expired(deadline) => deadline.error(),
            ureq::Error::Timeout(phase) => {
                return Self::new(timeout_error(phase, config), FailureClass::Timeout);
            }
            // rustls reports a failed handshake as invalid data.
            ureq::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
                tls_error(source, config)
            }
            // The decoder reports a compressed body that is cut short in its own words.
            #[cfg(feature = "gzip")]
            ureq::Error::Decompress(_, source) if is_disconnect(&source) => {
                return Self::from_io(source, config);
            }
            ureq::Error::Io(source) => return Self::from_io(source, config),
            // The connection ended in good order, but in the middle of a chunked body.
            ureq::Error::BodyStalled => {
                let source = io::Error::new(io::ErrorKind::UnexpectedEof, error);
                return Self::from_io(source, config);
            }
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
                tls_error(error, config)
            }
            ureq::Error::BodyExceedsLimit(_) => too_large_error(config),
            ureq::Error::LargeResponseHeader(..) => Error::new(
                ErrorKind::TooLarge,
                format!("response headers from {destination} are too large"),
            ),
            #[cfg(feature = "gzip")]
            ureq::Error::Decompress(_, source) => {
                Error::new(ErrorKind::Decode, "cannot decompress the response").with_source(source)
            }
            // The service's own paths are valid, so only the length of a URL is left.
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
                Error::invalid_input("request URL is too long: request less at once")
                    .with_source(error)
            }
            // ureq itself has no such errors, so this is one of the resolver or the connector.
            ureq::Error::Other(source) => return Self::from_connect(source, config),
            ureq::Error::ConnectProxyFailed(ref message) => {
                return Self::from_proxy(proxy_status(message), &destination);
            }
            ureq::Error::Protocol(_) => {
                connection_error("invalid HTTP response from", config).with_source(error)
            }
            error => connection_error("cannot connect to", config).with_source(error),
        };
        Self::permanent(error)
    }

    /// Classifies an I/O error of an open connection.
    /// One that was closed has a message of its own, since the destination is then reachable.
    fn from_io(source: io::Error, config: &TransportConfig) -> Self {
        let class = class_of_io(&source);
        if is_disconnect(&source) {
            let destination = config.destination();
            let message =
                format!("connection to {destination} closed before the response was complete");
            let error = Error::new(ErrorKind::Connection, message).with_source(source);
            return Self::new(error, class);
        }
        // The peer may have been reached before, so that this is no failure to connect.
        let message = format!("connection to {} failed", config.destination());
        let error = Error::new(ErrorKind::Connection, message)
            .with_source(source)
            .with_hint(connect_hint(config));
        Self::new(error, class)
    }

    /// Classifies an error of the resolver or the connector.
    ///
    /// Both wrap their own type in [`ureq::Error::Other`], which is found by a downcast.
    fn from_connect(source: Box<dyn StdError + Send + Sync>, config: &TransportConfig) -> Self {
        let source = match source.downcast::<LookupError>() {
            Ok(error) => return Self::from_lookup(*error, config),
            Err(source) => source,
        };
        let source = match source.downcast::<ConnectError>() {
            Ok(error) => error.0,
            Err(source) => {
                let error = connection_error("cannot connect to", config).with_source(source);
                return Self::permanent(error);
            }
        };
        let class = class_of_io(&source);
        let error = match source.kind() {
            io::ErrorKind::ConnectionRefused => Error::new(
                ErrorKind::Connection,
                format!("connection to {} refused", config.destination()),
            ),
            _ => connection_error("cannot connect to", config),
        };
        let error = error.with_source(source).with_hint(connect_hint(config));
        Self::new(error, class)
    }

    /// Classifies a failed name lookup. A name that does not exist is permanent.
    fn from_lookup(error: LookupError, config: &TransportConfig) -> Self {
        let (message, class) = if error.is_unknown_name() {
            ("cannot resolve", FailureClass::Permanent)
        } else {
            ("name lookup failed for", FailureClass::Transient)
        };
        let error = connection_error(message, config)
            .with_source(error.0)
            .with_hint(connect_hint(config));
        Self::new(error, class)
    }

    /// Classifies the failure of a token provider.
    ///
    /// An I/O error of the provider is transient if one of a connection would be.
    pub(crate) fn from_token(failure: TokenFailure, deadline: &Deadline) -> Self {
        let source = match failure {
            TokenFailure::Provider(source) => source,
            TokenFailure::Invalid(invalid) => {
                let message = format!("invalid token of the provider: {invalid}");
                let error = Error::invalid_input(message);
                return Self::permanent(match invalid.hint() {
                    Some(hint) => error.with_hint(hint.to_owned()),
                    None => error,
                });
            }
            TokenFailure::Reentrant => {
                return Self::permanent(Error::invalid_input(
                    "token provider uses a client with its own credentials",
                ));
            }
            TokenFailure::Interrupted => return Self::not_sent(deadline.error()),
        };
        // No other type says if a later call may succeed.
        let io_error = source.downcast_ref::<io::Error>();
        let class = io_error.map_or(FailureClass::Permanent, class_of_io);
        let kind = match io_error.map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => ErrorKind::Timeout,
            _ if class == FailureClass::Transient => ErrorKind::Connection,
            _ => ErrorKind::Unauthorized,
        };
        let error = Error::new(kind, "cannot get a bearer token")
            .with_shared_source(source)
            .with_hint(TOKEN_PROVIDER_HINT);
        Self::new(error, class)
    }

    /// Classifies the response of a proxy to CONNECT, `None` if there was none.
    ///
    /// The status decides about a retry in the same way as a status of the service.
    fn from_proxy(status: Option<StatusCode>, destination: &str) -> Self {
        let reason = match status {
            Some(status) => format!("the proxy returned {}", status_line(status)),
            None => "the proxy closed the connection".into(),
        };
        let hint = match status {
            Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => PROXY_AUTHENTICATION_HINT,
            _ => PROXY_TUNNEL_HINT,
        };
        let error = Error::new(
            ErrorKind::Connection,
            format!("cannot open a tunnel to {destination}: {reason}"),
        )
        .with_hint(hint);
        Self::new(
            error,
            // A proxy that closes the connection may be restarting.
            status.map_or(FailureClass::Transient, class_of_status),
        )
    }
}

/// Returns the error for a body above the limit of the client.
///
/// The length may be announced, or counted while the body arrives.
pub(crate) fn too_large_error(config: &TransportConfig) -> Error {
    let limit = config.max_response_bytes;
    Error::new(
        ErrorKind::TooLarge,
        format!("response exceeds {limit} bytes"),
    )
    .with_hint("raise ClientBuilder::max_response_bytes")
}

/// Returns true if the other side closed or reset the connection.
///
/// The system reports it differently for reads and writes, and rustls has `UnexpectedEof` for a
/// connection that ends without `close_notify`.
pub(crate) fn is_disconnect(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

/// Returns true if the request cannot have reached the service.
///
/// Then its permit is canceled. Otherwise the service may have counted it against the rate limit.
pub(crate) const fn never_sent(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Other(_)
            | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
            | ureq::Error::Http(_)
            | ureq::Error::BadUri(_)
    )
}

/// The time by which a timeout may be early. The standard library rounds the timeout of a connect
/// down to milliseconds.
const TIMEOUT_SLACK: Duration = Duration::from_millis(2);

/// Returns true if the deadline has passed, or passes within the precision of a timeout.
fn is_expired(deadline: &Deadline) -> bool {
    deadline.remaining().is_none_or(|left| left < TIMEOUT_SLACK)
}

/// Returns the class of an I/O error. Errors that depend on the network are transient.
fn class_of_io(error: &io::Error) -> FailureClass {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    let is_unreachable = matches!(
        error.kind(),
        ConnectionRefused | HostUnreachable | NetworkUnreachable | TimedOut
    );
    if is_unreachable || is_disconnect(error) {
        FailureClass::Transient
    } else {
        FailureClass::Permanent
    }
}

/// Returns an error of the kind `Connection` whose message is `problem` and the destination.
fn connection_error(problem: &str, config: &TransportConfig) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!("{problem} {}", config.destination()),
    )
}

/// Returns the error of a failed TLS handshake, with a hint for its cause.
///
/// rustls reports the cause in its text, from which [`tls_hint`] finds it.
fn tls_error(source: impl StdError + Send + Sync + 'static, config: &TransportConfig) -> Error {
    let hint = tls_hint(&source.to_string(), &config.tls_roots);
    Error::new(
        ErrorKind::Tls,
        format!("TLS handshake with {} failed", config.destination()),
    )
    .with_source(source)
    .with_hint(hint)
}

/// Returns the error of an attempt that timed out, and names the setting to raise.
///
/// `phase` tells a connect from everything else.
fn timeout_error(phase: Timeout, config: &TransportConfig) -> Error {
    let destination = config.destination();
    if phase == Timeout::Connect {
        let timeout = config.connect_timeout;
        let message = format!("connecting to {destination} timed out after {timeout:?}");
        return Error::new(ErrorKind::Timeout, message)
            .with_hint("raise ClientBuilder::connect_timeout");
    }
    let timeout = config.attempt_timeout;
    let message = format!("no complete response from {destination} within {timeout:?}");
    Error::new(ErrorKind::Timeout, message).with_hint("raise ClientBuilder::attempt_timeout")
}

/// Returns the status that a proxy returned for CONNECT.
///
/// [`ureq::Error::ConnectProxyFailed`] has it only in its text, "proxy server responded 407/407".
///
/// Returns `None` if the text ends with anything but a status.
fn proxy_status(message: &str) -> Option<StatusCode> {
    message.rsplit([' ', '/']).next()?.parse().ok()
}
