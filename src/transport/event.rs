//! The events of a client, and the closure that receives them.
//!
//! `ClientBuilder::on_event` sets the closure. Without one, [`EventListener::emit`] does nothing:
//! the values of an event are computed only if there is a closure. It is called without a lock,
//! because it may take long, panic, or use the client.
//!
//! ```text
//! RateLimitWait      the rate limiter delays the request
//! RequestSent        the request is about to be sent
//! ResponseReceived   its response was read
//! Retrying           it failed, or the response was an error: the request is sent again
//! WindowDone         the window of a query has no further page
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::model::progress::Progress;
use crate::request::operation::Operation;
use crate::time::interval::TimeRange;
use crate::time::timestamp::Timestamp;

/// A step of a call, for logs, metrics and progress bars.
///
/// [`ClientBuilder::on_event`](crate::ClientBuilder::on_event) passes events to a closure. An event
/// belongs to one request. Its [`request_id`](Self::request_id) distinguishes the calls of several
/// threads, and its [`window`](Self::window) the windows of a query.
///
/// `Display` prints one sentence. No event contains a secret.
///
/// # Example
///
/// ```
/// use confluent_metrics::{Client, Credentials, Event};
///
/// fn print(event: &Event) {
///     match event {
///         Event::WindowDone { progress, .. } => {
///             eprintln!("{} of {}", progress.windows_done(), progress.windows());
///         }
///         Event::Retrying { .. } => eprintln!("warning: {event}"),
///         _ => eprintln!("{} {}: {event}", event.operation(), event.request_id()),
///     }
/// }
///
/// let credentials = Credentials::api_key("key", "secret")?;
/// let client = Client::builder(credentials).on_event(print).build()?;
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The request is about to be sent. If there is no idle connection, one is opened first.
    #[non_exhaustive]
    RequestSent {
        /// The request.
        request: EventRequest,
    },
    /// A response was received, with any status.
    #[non_exhaustive]
    ResponseReceived {
        /// The request that it responds to.
        request: EventRequest,
        /// The HTTP status.
        status: u16,
        /// The number of bytes of the body that were read, after decompression.
        bytes: usize,
        /// The time from [`RequestSent`](Self::RequestSent) to the end of the body.
        duration: Duration,
    },
    /// The request failed, and is sent again after a wait.
    #[non_exhaustive]
    Retrying {
        /// The request.
        request: EventRequest,
        /// The number of the next attempt: 2 for the first retry.
        attempt: u32,
        /// The time until the next attempt.
        wait: Duration,
        /// The error of the last attempt, redacted and on one line.
        reason: String,
    },
    /// A rate limit of the service delays the request.
    #[non_exhaustive]
    RateLimitWait {
        /// The request.
        request: EventRequest,
        /// The expected time until the request can be sent.
        wait: Duration,
    },
    /// All pages of a window were received.
    #[non_exhaustive]
    WindowDone {
        /// The last request of the window.
        request: EventRequest,
        /// The progress of the call: of a query, or of all queries of
        /// [`query_all`](crate::Client::query_all) together. It counts each window once, and its
        /// counts only grow.
        progress: Progress,
    },
}

/// The request that an [`Event`] belongs to.
///
/// [`Event::operation`], [`Event::request_id`] and [`Event::window`] describe it. Two events of one
/// request have equal values.
///
/// # Example
///
/// ```
/// use confluent_metrics::Event;
///
/// /// Returns true if both events are about one request.
/// fn belong_together(a: &Event, b: &Event) -> bool {
///     match (a, b) {
///         (Event::RequestSent { request, .. }, Event::Retrying { request: other, .. }) => {
///             request == other
///         }
///         _ => a.request_id() == b.request_id(),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRequest {
    /// The operation, which has a name and a path.
    pub(crate) operation: Operation,
    /// The number of the request. Retries and redirects keep it.
    id: u64,
    /// The window of a query.
    window: Option<TimeRange>,
}

/// The closure of a client that receives events, and the number of the next request.
#[derive(Default)]
pub(crate) struct EventListener {
    on_event: Option<Arc<OnEvent>>,
    /// The number of requests so far. Clones of a client share it.
    requests: AtomicU64,
}

/// The type of the closure that receives events.
pub(crate) type OnEvent = dyn Fn(&Event) + Send + Sync;

impl Event {
    /// Returns the name of the operation as in errors, such as `query` or `export`.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.request().operation.name()
    }

    /// Returns the number of the request.
    ///
    /// It is the same for all retries and redirects of one request. Each page is a request of its
    /// own. Numbers are unique among the clones of a client.
    #[must_use]
    pub const fn request_id(&self) -> u64 {
        self.request().id
    }

    /// Returns the start and the end of the window of a query, or `None` for other operations.
    ///
    /// ```
    /// use confluent_metrics::Event;
    ///
    /// fn print(event: &Event) {
    ///     if let Some((start, end)) = event.window() {
    ///         eprintln!("{start} to {end}: {event}");
    ///     }
    /// }
    /// ```
    #[must_use]
    pub const fn window(&self) -> Option<(Timestamp, Timestamp)> {
        self.request().window
    }

    /// Returns the request of the event.
    const fn request(&self) -> &EventRequest {
        match self {
            Self::RequestSent { request }
            | Self::ResponseReceived { request, .. }
            | Self::Retrying { request, .. }
            | Self::RateLimitWait { request, .. }
            | Self::WindowDone { request, .. } => request,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.request_id();
        write!(f, "request {id} ({}", self.operation())?;
        if let Some((start, end)) = self.window() {
            write!(f, " of {start}/{end}")?;
        }
        match self {
            Self::RequestSent { .. } => f.write_str("): sent"),
            Self::ResponseReceived {
                status,
                bytes,
                duration,
                ..
            } => {
                let seconds = duration.as_secs_f64();
                write!(f, "): received {status}, {bytes} bytes in {seconds:.3} s")
            }
            Self::Retrying {
                attempt,
                wait,
                reason,
                ..
            } => {
                let seconds = wait.as_secs_f64();
                write!(f, "): attempt {attempt} starts in {seconds:.3} s: {reason}")
            }
            Self::RateLimitWait { wait, .. } => {
                let seconds = wait.as_secs_f64();
                write!(f, "): waiting {seconds:.3} s for a rate limit")
            }
            Self::WindowDone { progress, .. } => write!(f, "): {progress}"),
        }
    }
}

impl EventListener {
    /// Creates a listener that passes events to `on_event`, if there is one.
    pub(crate) const fn new(on_event: Option<Arc<OnEvent>>) -> Self {
        Self {
            on_event,
            requests: AtomicU64::new(0),
        }
    }

    /// Returns the identity of a new request. Without a closure, its number is zero.
    pub(crate) fn new_request(
        &self,
        operation: Operation,
        window: Option<TimeRange>,
    ) -> EventRequest {
        let id = match &self.on_event {
            // The numbers order nothing else, so no other memory has to be visible with them.
            Some(_) => self.requests.fetch_add(1, Ordering::Relaxed) + 1,
            None => 0,
        };
        EventRequest {
            operation,
            id,
            window,
        }
    }

    /// Passes an event to the closure. Without a closure, `event` is not called.
    ///
    /// The caller must not hold a lock. A panic of the closure passes through.
    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(on_event) = &self.on_event {
            on_event(&event());
        }
    }

    /// Passes the event of a response, whose request was sent at `sent`.
    pub(crate) fn emit_response(
        &self,
        request: EventRequest,
        status: u16,
        bytes: usize,
        sent: Option<Instant>,
    ) {
        self.emit(|| Event::ResponseReceived {
            request,
            status,
            bytes,
            // There is a time if there is a closure.
            duration: sent.map(|sent| sent.elapsed()).unwrap_or_default(),
        });
    }

    /// Returns true if there is a closure.
    pub(crate) const fn is_set(&self) -> bool {
        self.on_event.is_some()
    }

    /// Reads the clock if there is a closure.
    pub(crate) fn now(&self) -> Option<Instant> {
        self.is_set().then(Instant::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_prints_one_sentence() {
        let listener = EventListener::new(Some(Arc::new(|_| ())));
        let start = Timestamp::UNIX_EPOCH;
        let window = (start, start + Duration::from_secs(3600));
        let query = listener.new_request(Operation::Query, Some(window));
        let export = listener.new_request(Operation::Export, None);
        let progress = Progress {
            windows_done: 3,
            windows: 28,
            pages: 1,
            series: 100,
            points: 6000,
        };
        let wait = Duration::from_millis(1250);
        for (event, text) in [
            (
                Event::RequestSent { request: query },
                "request 1 (query of 1970-01-01T00:00:00Z/1970-01-01T01:00:00Z): sent",
            ),
            (
                Event::ResponseReceived {
                    request: export,
                    status: 200,
                    bytes: 5120,
                    duration: wait,
                },
                "request 2 (export): received 200, 5120 bytes in 1.250 s",
            ),
            (
                Event::Retrying {
                    request: export,
                    attempt: 2,
                    wait,
                    reason: "the service returned 503 Service Unavailable".into(),
                },
                "request 2 (export): attempt 2 starts in 1.250 s: the service returned \
                 503 Service Unavailable",
            ),
            (
                Event::RateLimitWait {
                    request: export,
                    wait,
                },
                "request 2 (export): waiting 1.250 s for a rate limit",
            ),
            (
                Event::WindowDone {
                    request: query,
                    progress,
                },
                "request 1 (query of 1970-01-01T00:00:00Z/1970-01-01T01:00:00Z): \
                 3 of 28 windows done (1 page, 100 series, 6000 points)",
            ),
        ] {
            assert_eq!(event.to_string(), text);
        }
    }

    #[test]
    fn nothing_is_computed_without_a_closure() {
        let listener = EventListener::default();
        listener.emit(|| unreachable!("no closure needs the event"));
        assert_eq!(listener.now(), None);
    }
}
