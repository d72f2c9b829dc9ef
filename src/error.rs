use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api_error::ApiError;
use crate::util::text::{quote, sanitize_line};

/// The error of a failed call.
///
/// `Display` prints one sentence: the operation, the problem, and the service's own message if it
/// sent one. `Debug`, which Rust prints if `main` returns an error, adds the chain of sources and
/// the [`hint`](Self::hint). Neither contains a secret, a token or the `Authorization` header: see
/// [`Credentials`](crate::Credentials).
///
/// An error is as small as a pointer.
///
/// # Example: the parts of an error
///
/// ```
/// use confluent_metrics::{ErrorKind, Timestamp};
///
/// let error = "2026-13-01T00:00:00Z".parse::<Timestamp>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert_eq!(
///     error.to_string(),
///     r#"invalid RFC 3339 timestamp "2026-13-01T00:00:00Z": month must be 01 to 12"#
/// );
/// ```
///
/// # Example: telling failures apart
///
/// ```
/// use confluent_metrics::{Error, ErrorKind};
///
/// fn report(error: &Error) {
///     match error.kind() {
///         ErrorKind::Unauthorized => eprintln!("check the API key"),
///         _ if error.is_transient() => eprintln!("try again later"),
///         _ => {}
///     }
///     // `Debug` prints the causes and the hint as well, each on a line.
///     eprintln!("{error:?}");
/// }
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    /// The operation that failed, such as `query of io.confluent.kafka.server/sent_bytes`.
    context: Option<String>,
    message: String,
    status: Option<u16>,
    api_errors: Vec<ApiError>,
    body: Option<String>,
    retry_after: Option<Duration>,
    hint: Option<Cow<'static, str>>,
    source: Option<Source>,
}

/// Shared, because all calls that wait for one token have the error of its provider as source.
type Source = Arc<dyn StdError + Send + Sync>;

/// The kind of an [`Error`], for programs that handle some failures differently.
///
/// ```
/// use confluent_metrics::{Credentials, ErrorKind};
///
/// let error = Credentials::api_key("", "secret").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is invalid. Nothing was sent.
    InvalidInput,
    /// 401: the service does not accept the key or token. Or the function of
    /// [`Credentials::bearer_from`](crate::Credentials::bearer_from) failed to return one.
    Unauthorized,
    /// 403: the owner of the key has no access to the resource.
    Forbidden,
    /// 404: the dataset or path does not exist.
    NotFound,
    /// Any other 4xx: the service rejected the request.
    Rejected,
    /// 429: too many requests.
    RateLimited,
    /// 5xx: the service failed.
    Server,
    /// An attempt or the call timed out, or the service responded with 408.
    Timeout,
    /// A [`CancelToken`](crate::CancelToken) has canceled the call.
    Cancelled,
    /// No connection, or a broken one: name lookup, proxy, refused, reset, cut short, not HTTP.
    Connection,
    /// The server's certificate is not valid, or the TLS handshake failed.
    Tls,
    /// A redirect that is not followed, because it leads to another origin or is invalid.
    Redirect,
    /// The response exceeds [`max_response_bytes`](crate::ClientBuilder::max_response_bytes).
    TooLarge,
    /// The response is not what the service documents.
    Decode,
    /// The response is valid but incomplete.
    Incomplete,
    /// The service's clock differs from this machine's, so relative intervals would be wrong.
    ClockSkew,
}

impl Error {
    /// Creates an error.
    ///
    /// Calls of this crate create their errors themselves. Use this to test code that handles them.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::RateLimited, "too many requests")
    ///     .with_status(429)
    ///     .with_retry_after(Duration::from_secs(30));
    /// assert!(error.is_transient());
    /// assert_eq!(error.to_string(), "too many requests");
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::build(kind, message.into())
    }

    // Out of line, because errors are created in a hundred places and none of them is hot.
    #[cold]
    #[inline(never)]
    fn build(kind: ErrorKind, message: String) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                context: None,
                message,
                status: None,
                api_errors: Vec::new(),
                body: None,
                retry_after: None,
                hint: None,
                source: None,
            }),
        }
    }

    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Returns the choice whose name is `text`, or an error that lists the names.
    ///
    /// ```text
    /// invalid reduction "avg": expected one of last, min, max, mean, sum, rate
    /// ```
    pub(crate) fn parse_choice<T: Copy>(
        what: &str,
        choices: &[T],
        name: fn(T) -> &'static str,
        text: &str,
    ) -> Result<T, Self> {
        for choice in choices {
            if name(*choice) == text {
                return Ok(*choice);
            }
        }
        let names: Vec<_> = choices.iter().map(|choice| name(*choice)).collect();
        Err(Self::invalid_input(format!(
            "invalid {what} {}: expected one of {}",
            quote(text, 60),
            names.join(", ")
        )))
    }

    /// Names the operation that failed. The first context is the most specific one and is kept.
    pub(crate) fn with_context(mut self, context: impl FnOnce() -> String) -> Self {
        self.inner.context.get_or_insert_with(context);
        self
    }

    /// Sets the HTTP status of the response.
    ///
    /// ```
    /// use confluent_metrics::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Server, "unavailable").with_status(503);
    /// assert_eq!(error.status(), Some(503));
    /// ```
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.inner.status = Some(status);
        self
    }

    pub(crate) fn with_api_errors(mut self, api_errors: Vec<ApiError>) -> Self {
        self.inner.api_errors = api_errors;
        self
    }

    pub(crate) fn with_body(mut self, body: Option<String>) -> Self {
        self.inner.body = body;
        self
    }

    /// Sets the time to wait before the next request.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::{Error, ErrorKind};
    ///
    /// let delay = Duration::from_secs(30);
    /// let error = Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(delay);
    /// assert_eq!(error.retry_after(), Some(delay));
    /// ```
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.inner.retry_after = Some(delay);
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// Appends a note to the message.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.inner.message = format!("{}; {note}", self.inner.message);
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.with_shared_source(Arc::from(source.into()))
    }

    pub(crate) fn with_shared_source(mut self, source: Source) -> Self {
        self.inner.source = Some(source);
        self
    }

    /// Replaces the source, if there is one.
    pub(crate) fn map_source(mut self, map: impl FnOnce(Source) -> Source) -> Self {
        self.inner.source = self.inner.source.map(map);
        self
    }

    /// Returns the kind of failure.
    ///
    /// ```
    /// use confluent_metrics::{ErrorKind, Granularity};
    ///
    /// let error = "PT2M".parse::<Granularity>().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the HTTP status of the response, if there was one.
    ///
    /// ```
    /// use confluent_metrics::Error;
    ///
    /// fn is_overloaded(error: &Error) -> bool {
    ///     matches!(error.status(), Some(429 | 503))
    /// }
    /// ```
    pub fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// Returns the entries of the error response, or none if it cannot be parsed.
    ///
    /// The entries come from the service or from a gateway in front of it. Each field is redacted
    /// and at most 300 characters long.
    ///
    /// ```
    /// use confluent_metrics::Error;
    ///
    /// fn details(error: &Error) -> Vec<&str> {
    ///     error.api_errors().iter().filter_map(|entry| entry.detail()).collect()
    /// }
    /// ```
    pub fn api_errors(&self) -> &[ApiError] {
        &self.inner.api_errors
    }

    /// Returns the start of the response body that caused the error.
    ///
    /// Returns `None` if there was no response, or its body is empty. The body is that of an error
    /// response, or of a response with status 200 that cannot be decoded.
    ///
    /// The text is at most 4 KiB long, and redacted as described at
    /// [`Credentials`](crate::Credentials). It is not escaped, so it can contain line breaks and
    /// control characters.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let query = Query::new("no.such/metric", Granularity::OneHour, Interval::last_hours(1));
    /// let error = client.query(&query).unwrap_err();
    /// assert!(error.body().unwrap().starts_with(r#"{"errors":[{"#));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn body(&self) -> Option<&str> {
        self.inner.body.as_deref()
    }

    /// Returns the time to wait before the next request, if the service sent it.
    ///
    /// ```
    /// use confluent_metrics::Error;
    ///
    /// fn pause(error: &Error) {
    ///     if let Some(delay) = error.retry_after() {
    ///         std::thread::sleep(delay);
    ///     }
    /// }
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns advice on how to fix the problem, if there is any.
    ///
    /// ```
    /// use confluent_metrics::Error;
    ///
    /// fn print(error: &Error) {
    ///     eprintln!("error: {error}");
    ///     // `{error:#}` prints the error with its causes and its hint on one line.
    ///     if let Some(hint) = error.hint() {
    ///         eprintln!("hint: {hint}");
    ///     }
    /// }
    /// ```
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// Returns true if the [`kind`](Self::kind) is [`ErrorKind::Timeout`].
    ///
    /// ```
    /// use confluent_metrics::Error;
    ///
    /// fn advise(error: &Error) {
    ///     if error.is_timeout() {
    ///         eprintln!("{error}: use a longer deadline or a shorter interval");
    ///     }
    /// }
    /// ```
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == ErrorKind::Timeout
    }

    /// Returns true if the same call may succeed later.
    ///
    /// The cause is then the network, the service or a rate limit, not the request.
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// let error = "yesterday".parse::<Interval>().unwrap_err();
    /// assert!(!error.is_transient());
    /// ```
    pub fn is_transient(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::RateLimited | ErrorKind::Server | ErrorKind::Timeout | ErrorKind::Connection
        )
    }
}

impl fmt::Display for Error {
    /// Prints the sentence. `{:#}` adds the causes and the hint, all on one line:
    /// `query of m failed: connection refused: os error 111 (hint: check the base URL)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.inner.context {
            write!(f, "{context} failed: ")?;
        }
        f.write_str(&self.inner.message)?;
        if !f.alternate() {
            return Ok(());
        }
        let mut source = self.source();
        while let Some(error) = source {
            write!(f, ": {}", sanitize_line(&error.to_string(), MAX_SOURCE_LEN))?;
            source = error.source();
        }
        if let Some(hint) = &self.inner.hint {
            write!(f, " (hint: {hint})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    /// Prints the error as a person reads it, because this is what `main` prints on failure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.inner.kind)?;
        let mut source = self.source();
        while let Some(error) = source {
            let line = sanitize_line(&error.to_string(), MAX_SOURCE_LEN);
            write!(f, "\n  cause: {line}")?;
            source = error.source();
        }
        if let Some(hint) = &self.inner.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

impl fmt::Display for ErrorKind {
    /// Prints the name of the variant, such as `RateLimited`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The most characters that `Debug` prints of one source.
const MAX_SOURCE_LEN: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word_wide_and_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn the_alternate_form_has_the_chain_and_the_hint_on_one_line() {
        let error = Error::new(ErrorKind::Connection, "cannot connect to https://a.example")
            .with_context(|| "query of m".into())
            .with_source(std::io::Error::other("refused\nby the peer"))
            .with_hint("check the URL");
        assert_eq!(
            format!("{error:#}"),
            "query of m failed: cannot connect to https://a.example: refused\\nby the peer \
             (hint: check the URL)"
        );
        let plain = Error::new(ErrorKind::Decode, "no rows");
        assert_eq!(format!("{plain:#}"), "no rows");
    }

    #[test]
    fn debug_has_the_chain_and_the_hint_and_display_repeats_neither() {
        let error = Error::new(ErrorKind::Connection, "cannot connect to https://a.example")
            .with_context(|| "query of m".into())
            .with_context(|| "something vaguer".into())
            .with_source(std::io::Error::other("refused\nby the peer"))
            .with_hint("check the URL");
        assert_eq!(
            error.to_string(),
            "query of m failed: cannot connect to https://a.example"
        );
        assert_eq!(
            format!("{error:?}"),
            "query of m failed: cannot connect to https://a.example (Connection)\n  cause: refused\\nby the peer\n  hint: check the URL"
        );
    }
}
