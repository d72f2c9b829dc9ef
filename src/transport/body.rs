//! Reads the bodies of responses.
//!
//! A response arrives here with its headers already read. There are two ways to read its body:
//!
//! - [`ResponseBody::read`], with status 200: the body must be complete, or the attempt fails.
//! - [`read_error_body`], with any other status: as much of the body as arrives.
//!
//! The body of a success may be delimited in three ways. Only the last one leaves doubt:
//!
//! ```text
//! Content-Length: 512           framed: ureq fails if fewer bytes arrive
//! Transfer-Encoding: chunked    framed: ureq fails without the final chunk
//! neither                       not framed: the body ends where the connection ends
//! ```
//!
//! A body that is not framed is complete if its JSON is. The text of an export may be cut at the
//! end of any line, so exports look at [`ResponseBody::is_framed`].

use std::io::{self, Read};

use serde::de::IgnoredAny;
use ureq::Body;
use ureq::http::{HeaderMap, Response, header};

use crate::error::{Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::transport::attempt_error::AttemptError;
use crate::transport::config::TransportConfig;
use crate::transport::connector::ConnectionTracker;
use crate::transport::errors::too_large_error;
use crate::transport::redact::Redactor;
use crate::util::text::sanitize_line;

/// The complete body of a successful response.
pub(crate) struct ResponseBody {
    /// The body after decompression.
    pub(crate) bytes: Vec<u8>,
    /// True if a length or chunks delimit the body. A body that ends with the connection may be
    /// incomplete, even if TLS closed the connection properly.
    pub(crate) is_framed: bool,
    /// The `Content-Type` header. `None` if it is missing or not ASCII text.
    pub(crate) content_type: Option<String>,
}

/// The number of bytes of an error response that are read. No reason is longer.
const MAX_ERROR_BODY: usize = 65_536;

/// The number of bytes that are read between two looks at the tokens of a call.
const MAX_READ: usize = 1 << 20;

impl ResponseBody {
    /// Reads the body of a successful response.
    ///
    /// The caller has discarded earlier events of `tracker`, so it shows how this body ended.
    ///
    /// # Errors
    ///
    /// The error is permanent if the encoding is unsupported or the body exceeds the limit. It is
    /// transient if the connection breaks, and a timeout if the body takes too long.
    pub(crate) fn read(
        response: &mut Response<Body>,
        config: &TransportConfig,
        tracker: &ConnectionTracker,
        deadline: &Deadline,
    ) -> Result<Self, AttemptError> {
        let redactor = config.credentials.redactor();
        if let Some(error) = encoding_error(response.headers(), &redactor) {
            return Err(AttemptError::permanent(error));
        }
        let content_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let limit = config.max_response_bytes;
        // Without a length, the buffer grows while the body arrives.
        let length = response.body().content_length().unwrap_or(0);
        let mut bytes = Vec::new();
        // The announced length may be wrong, and more than there is memory for.
        let is_reserved =
            usize::try_from(length).is_ok_and(|length| bytes.try_reserve_exact(length).is_ok());
        if length > limit || !is_reserved {
            return Err(AttemptError::permanent(too_large_error(config)));
        }
        let body = response.body_mut().with_config().limit(limit).reader();
        let mut reader = CancelableReader { body, deadline };
        let result = reader.read_to_end(&mut bytes);
        let is_framed = !tracker.take().closed;
        match result {
            Ok(_) => Ok(Self {
                bytes,
                is_framed,
                content_type,
            }),
            Err(error) => Err(AttemptError::from_ureq(error.into(), config, deadline)),
        }
    }
}

/// A body that ends with an error if the call is canceled.
///
/// A small body may be decompressed to a large one, without any further read of the connection.
struct CancelableReader<'a, R> {
    /// The body after decompression.
    body: R,
    /// The deadline with the tokens of the call.
    deadline: &'a Deadline,
}

impl<R: Read> Read for CancelableReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deadline.is_cancelled() {
            return Err(io::ErrorKind::Other.into());
        }
        // `read_to_end` offers ever larger buffers, which decompression can fill at once.
        let length = buffer.len().min(MAX_READ);
        self.body.read(&mut buffer[..length])
    }
}

/// Reads the body of an error response. Returns true as well if the body is truncated.
///
/// The connection may break or time out before the body is complete. The status and the rest of
/// the body still say what is wrong.
///
/// There is no error: a body of which nothing arrives is empty.
pub(crate) fn read_error_body(body: &mut Body) -> (Vec<u8>, bool) {
    let mut reader = body.as_reader();
    let mut buffer = [0; 4096];
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ERROR_BODY {
        let room = buffer.len().min(MAX_ERROR_BODY - bytes.len());
        match reader.read(&mut buffer[..room]) {
            Ok(0) => return (bytes, false),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(_) => {
                // Nothing is missing if the JSON value is complete.
                let is_truncated = serde_json::from_slice::<IgnoredAny>(&bytes).is_err();
                return (bytes, is_truncated);
            }
        }
    }
    (bytes, true)
}

/// Returns the error for a response with a content encoding that the request does not accept.
///
/// ureq decompresses gzip and removes the header. What is left is an encoding that it cannot
/// decode, or gzip in a build without that feature.
fn encoding_error(headers: &HeaderMap, redactor: &Redactor) -> Option<Error> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .filter(|value| *value != "identity")?;
    let encoding = String::from_utf8_lossy(encoding.as_bytes());
    let encoding = sanitize_line(&redactor.redact(&encoding), 40);
    let message = format!("unsupported content encoding \"{encoding}\"");
    Some(Error::new(ErrorKind::Decode, message))
}
