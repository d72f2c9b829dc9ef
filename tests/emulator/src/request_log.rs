//! Received requests, and the log of all of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A request that an emulator received.
///
/// # Example
///
/// ```
/// use confluent_metrics_emulator::Emulator;
///
/// let emulator = Emulator::start();
/// // Call the client under test here.
/// for request in emulator.requests() {
///     assert_eq!(request.path(), "/v2/metrics/cloud/query");
///     assert!(request.header("authorization").is_some());
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The method, such as `POST`.
    pub method: String,
    /// Path and query string, percent-encoded as received.
    pub target: String,
    /// Header lines in the order of receipt. Names keep their case.
    pub headers: Vec<(String, String)>,
    /// The body, without chunked framing.
    pub body: Vec<u8>,
    /// The status of the response. 0 if there is none yet, or if it was cut off.
    pub status: u16,
}

impl Request {
    /// Returns the path, percent-encoded as received.
    #[must_use]
    pub fn path(&self) -> &str {
        self.split_target().0
    }

    /// Returns the query string after `?`, percent-encoded as received.
    ///
    /// It is empty if there is none.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // Call the client under test here.
    /// for request in emulator.requests() {
    ///     assert!(request.query().starts_with("page_token="));
    /// }
    /// ```
    #[must_use]
    pub fn query(&self) -> &str {
        self.split_target().1
    }

    /// Returns the first header line with this name, in any case.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // Call the client under test here.
    /// for request in emulator.requests() {
    ///     assert_eq!(request.header("Accept-Encoding"), Some("gzip"));
    /// }
    /// ```
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the body as text. Invalid UTF-8 is replaced.
    ///
    /// ```
    /// use confluent_metrics_emulator::Emulator;
    ///
    /// let emulator = Emulator::start();
    /// // Call the client under test here.
    /// for request in emulator.requests() {
    ///     assert!(request.text().contains(r#""granularity":"PT1H""#));
    /// }
    /// ```
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn split_target(&self) -> (&str, &str) {
        self.target.split_once('?').unwrap_or((&self.target, ""))
    }
}

/// The log of requests, in the order of receipt.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// The number of entries that were cleared, so that request numbers stay valid.
    cleared: usize,
    requests: Vec<Request>,
}

impl RequestLog {
    /// Adds a request and returns its number.
    pub(crate) fn add(&self, request: Request) -> usize {
        let mut entries = self.lock();
        entries.requests.push(request);
        entries.cleared + entries.requests.len() - 1
    }

    pub(crate) fn set_status(&self, number: usize, status: u16) {
        let mut entries = self.lock();
        let index = number.checked_sub(entries.cleared);
        if let Some(request) = index.and_then(|index| entries.requests.get_mut(index)) {
            request.status = status;
        }
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        entries.cleared += entries.requests.len();
        entries.requests.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
