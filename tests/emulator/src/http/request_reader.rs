//! Reads HTTP/1.1 requests from a byte stream.

use std::io::{self, Read, Write};

use crate::request_log::Request;

/// Limits of a request. Larger ones get 431 or 413.
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 16 * 1024 * 1024;
const MAX_HEADERS: usize = 64;

/// The next thing that a client sent.
#[derive(Debug)]
pub(crate) enum Incoming {
    Request {
        request: Request,
        /// True if the client wants to reuse the connection.
        keep_alive: bool,
    },
    /// An invalid request, with the status of the response.
    Invalid(u16),
    /// The client closed the connection.
    Closed,
}

/// Reads one request after the other from a connection.
#[derive(Debug, Default)]
pub(crate) struct RequestReader {
    buffer: Vec<u8>,
}

/// The reason that there is no further request.
enum ReadError {
    Io(io::Error),
    Invalid(u16),
    Closed,
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl RequestReader {
    pub(crate) fn next(&mut self, stream: &mut (impl Read + Write)) -> io::Result<Incoming> {
        match self.read_request(stream) {
            Ok(incoming) => Ok(incoming),
            Err(ReadError::Invalid(status)) => Ok(Incoming::Invalid(status)),
            Err(ReadError::Closed) => Ok(Incoming::Closed),
            Err(ReadError::Io(error)) => Err(error),
        }
    }

    fn read_request(&mut self, stream: &mut (impl Read + Write)) -> Result<Incoming, ReadError> {
        let head = self.read_head(stream)?;
        let mut request = head.request;
        let chunked = match request.header("transfer-encoding") {
            Some(coding) if coding.eq_ignore_ascii_case("chunked") => true,
            Some(_) => return Err(ReadError::Invalid(501)),
            None => false,
        };
        let length = match request.header("content-length").map(str::parse::<usize>) {
            // RFC 9112, section 6.1: both at once could be request smuggling.
            Some(_) if chunked => return Err(ReadError::Invalid(400)),
            Some(Ok(length)) => length,
            Some(Err(_)) => return Err(ReadError::Invalid(400)),
            None => 0,
        };
        if length > MAX_BODY {
            return Err(ReadError::Invalid(413));
        }
        let expects = request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        if expects && self.buffer.is_empty() && (chunked || length > 0) {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            stream.flush()?;
        }
        request.body = if chunked {
            self.read_chunks(stream)?
        } else {
            self.take(stream, length)?
        };
        Ok(Incoming::Request {
            request,
            keep_alive: head.keep_alive,
        })
    }

    fn read_head(&mut self, stream: &mut impl Read) -> Result<Head, ReadError> {
        loop {
            match parse_head(&self.buffer) {
                Ok(Some((length, head))) => {
                    self.buffer.drain(..length);
                    return Ok(head);
                }
                Ok(None) if self.buffer.len() > MAX_HEAD => return Err(ReadError::Invalid(431)),
                Ok(None) => self.fill(stream)?,
                Err(status) => return Err(ReadError::Invalid(status)),
            }
        }
    }

    /// Reads the body of a chunked request and drops its trailers.
    fn read_chunks(&mut self, stream: &mut impl Read) -> Result<Vec<u8>, ReadError> {
        let mut body = Vec::new();
        loop {
            let (line, size) = match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) if self.buffer.len() <= MAX_HEAD => {
                    self.fill(stream)?;
                    continue;
                }
                Ok(httparse::Status::Partial) | Err(_) => return Err(ReadError::Invalid(400)),
            };
            self.buffer.drain(..line);
            if size == 0 {
                self.skip_trailers(stream)?;
                return Ok(body);
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size > MAX_BODY - body.len() {
                return Err(ReadError::Invalid(413));
            }
            let mut chunk = self.take(stream, size + 2)?;
            if !chunk.ends_with(b"\r\n") {
                return Err(ReadError::Invalid(400));
            }
            chunk.truncate(size);
            body.append(&mut chunk);
        }
    }

    fn skip_trailers(&mut self, stream: &mut impl Read) -> Result<(), ReadError> {
        loop {
            match self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                Some(0) => {
                    self.buffer.drain(..2);
                    return Ok(());
                }
                Some(end) => drop(self.buffer.drain(..end + 2)),
                None if self.buffer.len() > MAX_HEAD => return Err(ReadError::Invalid(431)),
                None => self.fill(stream)?,
            }
        }
    }

    fn take(&mut self, stream: &mut impl Read, length: usize) -> Result<Vec<u8>, ReadError> {
        while self.buffer.len() < length {
            self.fill(stream)?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn fill(&mut self, stream: &mut impl Read) -> Result<(), ReadError> {
        let mut part = [0; 16 * 1024];
        let count = stream.read(&mut part)?;
        self.buffer
            .extend_from_slice(part.get(..count).unwrap_or_default());
        if count > 0 {
            Ok(())
        } else {
            Err(ReadError::Closed)
        }
    }
}

struct Head {
    request: Request,
    keep_alive: bool,
}

/// Parses the head at the start of the buffer. `None` as long as it is incomplete.
///
/// The error is the status of the response.
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
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(header_line).collect(),
        body: Vec::new(),
        status: 0,
    };
    let is_http_11 = parsed.version == Some(1);
    if is_http_11 && request.header("host").is_none() {
        return Err(400);
    }
    let connection = request
        .header("connection")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let keep_alive = if is_http_11 {
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

fn header_line(header: &httparse::Header<'_>) -> (String, String) {
    let value = String::from_utf8_lossy(header.value).into_owned();
    (header.name.to_owned(), value)
}
