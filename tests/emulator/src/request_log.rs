//! A request as the emulator received it, and the record of all of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One request that an emulator received, whole and as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The method, such as `POST`.
    pub method: String,
    /// Path and query string, still percent-encoded.
    pub target: String,
    /// Header lines in the order in which they came. Names keep their letter case.
    pub headers: Vec<(String, String)>,
    /// The body, without any chunked framing.
    pub body: Vec<u8>,
    /// The status of the answer; 0 as long as there is none, and where the answer was cut off.
    pub status: u16,
}

impl Request {
    /// The first header line of this name, in whatever letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        line.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Every request so far, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Record {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// How many entries were cleared away, so that numbers stay valid.
    cleared: usize,
    requests: Vec<Request>,
}

impl Record {
    /// Adds a request; the number is for its status, once there is one.
    pub(crate) fn add(&self, request: Request) -> usize {
        let mut entries = self.lock();
        entries.requests.push(request);
        entries.cleared + entries.requests.len() - 1
    }

    pub(crate) fn set_status(&self, number: usize, status: u16) {
        let mut entries = self.lock();
        let place = number.checked_sub(entries.cleared);
        if let Some(request) = place.and_then(|place| entries.requests.get_mut(place)) {
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
