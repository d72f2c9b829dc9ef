//! Responses before they are written to a connection.

use std::fmt::Write as _;

/// A response for [`Emulator::respond_with`](crate::Emulator::respond_with).
///
/// `Content-Length` and `Date` are added when it is sent, and gzip is applied if the client
/// accepts it. A `Content-Type` is sent only if there is a header for it.
///
/// # Example
///
/// ```
/// use confluent_metrics_emulator::Response;
///
/// let response = Response::new(200)
///     .header("Content-Type", "application/json")
///     .body(r#"{"data":[]}"#);
/// # let _ = response;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Creates a response with a status, without headers and body.
    ///
    /// ```
    /// use confluent_metrics_emulator::Response;
    ///
    /// let response = Response::new(204);
    /// # let _ = response;
    /// ```
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header line.
    ///
    /// ```
    /// use confluent_metrics_emulator::Response;
    ///
    /// let response = Response::new(429).header("Retry-After", "5");
    /// # let _ = response;
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.add_header(name, value);
        self
    }

    /// Sets the body.
    ///
    /// ```
    /// use confluent_metrics_emulator::Response;
    ///
    /// let response = Response::new(200).body(r#"{"data":[]}"#);
    /// # let _ = response;
    /// ```
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Creates a response with a body of this type. An empty body has no type.
    pub(crate) fn with_body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut response = Self::new(status).body(body);
        if !response.body.is_empty() {
            response.add_header("Content-Type", content_type);
        }
        response
    }

    pub(crate) fn add_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Sets a header that may occur only once.
    pub(crate) fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.add_header(name, value);
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// Returns true if there is a header whose name starts with `prefix`, in any case.
    pub(crate) fn has_header_prefix(&self, prefix: &str) -> bool {
        self.headers.iter().any(|(name, _)| {
            name.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
    }

    /// Returns the head as it is sent. `content_length` may differ from the body's, or be left out.
    pub(crate) fn head(&self, content_length: Option<u64>, close: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            // Writing into a string does not fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(length) = content_length {
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        if close {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        // RFC 9112, section 4: the reason may be empty, and clients should ignore it.
        _ => "",
    }
}
