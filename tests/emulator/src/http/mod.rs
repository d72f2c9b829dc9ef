//! HTTP/1.1 without knowledge of the service.

pub(crate) mod chunked;
pub(crate) mod gzip;
pub(crate) mod request_reader;
pub(crate) mod tls_stream;
pub(crate) mod url;
