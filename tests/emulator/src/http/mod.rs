//! HTTP/1.1 on a byte stream: requests in, answers out.

pub(crate) mod chunked;
pub(crate) mod gzip;
pub(crate) mod tls_stream;
pub(crate) mod url;

use std::io::{self, Read, Write};

use crate::request_log::Request;

/// What a request may have at most; more is answered with 431 or 413.
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 16 * 1024 * 1024;
const MAX_HEADERS: usize = 64;

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    Request {
        request: Request,
        /// Whether the client wants to use the connection again.
        keep_alive: bool,
    },
    /// Something that cannot be understood, with the status to answer.
    Bad(u16),
    /// The client is gone.
    Closed,
}

/// Reads one request after the other.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
}

/// Why there is no further request.
enum End {
    Error(io::Error),
    Bad(u16),
    Closed,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Error(error)
    }
}

impl Reader {
    pub(crate) fn next(&mut self, stream: &mut (impl Read + Write)) -> io::Result<Incoming> {
        match self.request(stream) {
            Ok(incoming) => Ok(incoming),
            Err(End::Bad(status)) => Ok(Incoming::Bad(status)),
            Err(End::Closed) => Ok(Incoming::Closed),
            Err(End::Error(error)) => Err(error),
        }
    }

    fn request(&mut self, stream: &mut (impl Read + Write)) -> Result<Incoming, End> {
        let head = self.head(stream)?;
        let mut request = head.request;
        let chunked = match request.header("transfer-encoding") {
            Some(coding) if coding.eq_ignore_ascii_case("chunked") => true,
            Some(_) => return Err(End::Bad(501)),
            None => false,
        };
        let length = match request.header("content-length").map(str::parse::<usize>) {
            // Two statements of the length could be read in two ways.
            Some(_) if chunked => return Err(End::Bad(400)),
            Some(Ok(length)) => length,
            Some(Err(_)) => return Err(End::Bad(400)),
            None => 0,
        };
        if length > MAX_BODY {
            return Err(End::Bad(413));
        }
        let expects = request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        if expects && self.buffer.is_empty() && (chunked || length > 0) {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            stream.flush()?;
        }
        request.body = if chunked {
            self.chunks(stream)?
        } else {
            self.take(stream, length)?
        };
        Ok(Incoming::Request {
            request,
            keep_alive: head.keep_alive,
        })
    }

    fn head(&mut self, stream: &mut impl Read) -> Result<Head, End> {
        loop {
            match parse_head(&self.buffer) {
                Ok(Some((length, head))) => {
                    self.buffer.drain(..length);
                    return Ok(head);
                }
                Ok(None) if self.buffer.len() > MAX_HEAD => return Err(End::Bad(431)),
                Ok(None) => self.fill(stream)?,
                Err(status) => return Err(End::Bad(status)),
            }
        }
    }

    /// The body of a chunked request; trailers are read and dropped.
    fn chunks(&mut self, stream: &mut impl Read) -> Result<Vec<u8>, End> {
        let mut body = Vec::new();
        loop {
            let (line, size) = match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) if self.buffer.len() <= MAX_HEAD => {
                    self.fill(stream)?;
                    continue;
                }
                Ok(httparse::Status::Partial) | Err(_) => return Err(End::Bad(400)),
            };
            self.buffer.drain(..line);
            if size == 0 {
                self.trailers(stream)?;
                return Ok(body);
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size > MAX_BODY - body.len() {
                return Err(End::Bad(413));
            }
            let mut chunk = self.take(stream, size + 2)?;
            if !chunk.ends_with(b"\r\n") {
                return Err(End::Bad(400));
            }
            chunk.truncate(size);
            body.append(&mut chunk);
        }
    }

    fn trailers(&mut self, stream: &mut impl Read) -> Result<(), End> {
        loop {
            match self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                Some(0) => {
                    self.buffer.drain(..2);
                    return Ok(());
                }
                Some(end) => drop(self.buffer.drain(..end + 2)),
                None if self.buffer.len() > MAX_HEAD => return Err(End::Bad(431)),
                None => self.fill(stream)?,
            }
        }
    }

    fn take(&mut self, stream: &mut impl Read, length: usize) -> Result<Vec<u8>, End> {
        while self.buffer.len() < length {
            self.fill(stream)?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn fill(&mut self, stream: &mut impl Read) -> Result<(), End> {
        let mut part = [0; 16 * 1024];
        let count = stream.read(&mut part)?;
        self.buffer
            .extend_from_slice(part.get(..count).unwrap_or_default());
        if count > 0 { Ok(()) } else { Err(End::Closed) }
    }
}

struct Head {
    request: Request,
    keep_alive: bool,
}

/// The head at the start of the buffer with its length; nothing while it is incomplete.
fn parse_head(buffer: &[u8]) -> Result<Option<(usize, Head)>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(httparse::Error::Version) => return Err(505),
        Err(_) => return Err(400),
    };
    let line = |header: &httparse::Header<'_>| {
        (
            header.name.to_owned(),
            String::from_utf8_lossy(header.value).into_owned(),
        )
    };
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(line).collect(),
        body: Vec::new(),
        status: 0,
    };
    let modern = parsed.version == Some(1);
    if modern && request.header("host").is_none() {
        return Err(400);
    }
    let connection = request
        .header("connection")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let keep_alive = if modern {
        !connection.contains("close")
    } else {
        connection.contains("keep-alive")
    };
    Ok(Some((
        length,
        Head {
            request,
            keep_alive,
        },
    )))
}

/// An answer before it is put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// An answer with a body of some type; a body that is empty has no type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        }
        Self {
            status,
            headers,
            body,
        }
    }

    /// Adds a header line.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Sets a header that may stand there only once.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.add(name, value);
    }

    /// The head as it goes out, with a length that need not be the body's, or with none.
    pub(crate) fn head(&self, length: Option<u64>, close: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let own = length.map(|length| ("Content-Length", length.to_string()));
        let lines = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in lines.chain(own) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(if close {
            "Connection: close\r\n\r\n"
        } else {
            "\r\n"
        });
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
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
        // The reason may be empty, and a client has no business reading it.
        _ => "",
    }
}
