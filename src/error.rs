use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::util::text::{quote, sanitize_line};

/// Why a call gave no answer, in one sentence.
///
/// `Display` is that sentence: what was asked, what happened, and the service's own words where it had any.
/// `Debug`, which is what a `main` that returns an error prints, adds the chain of causes and the [`hint`](Self::hint).
/// Neither ever shows a secret, a token or the `Authorization` header: see [`Credentials`](crate::Credentials).
///
/// The value is one machine word wide, so results stay small.
///
/// ```
/// use confluent_metrics::{ErrorKind, Timestamp};
///
/// let error = "2026-13-01T00:00:00Z".parse::<Timestamp>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert_eq!(
///     error.to_string(),
///     r#""2026-13-01T00:00:00Z" is not an RFC 3339 time: the month is not 01 to 12"#
/// );
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    context: Option<String>,
    message: String,
    status: Option<u16>,
    api_errors: Vec<ApiError>,
    body: Option<String>,
    retry_after: Option<Duration>,
    hint: Option<Cow<'static, str>>,
    source: Option<Cause>,
}

type Cause = Box<dyn StdError + Send + Sync>;

/// What sort of failure an [`Error`] is: what a program may want to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is at fault, and nothing was sent.
    InvalidInput,
    /// 401: the service does not accept the key or token.
    Unauthorized,
    /// 403: the key's owner may not see what was asked for.
    Forbidden,
    /// 404: there is no such dataset or path.
    NotFound,
    /// Any other 4xx: the service does not accept the request.
    Rejected,
    /// 429: too many requests.
    RateLimited,
    /// 5xx: the service failed.
    Server,
    /// An attempt or the whole call took longer than it may, or the service said 408.
    Timeout,
    /// No connection, or one that broke: name lookup, proxy, refused, reset, cut short, not HTTP.
    Connection,
    /// The server's certificate was not accepted, or no secure connection came about.
    Tls,
    /// A redirect that is not followed, because it leads to another origin or says nothing usable.
    Redirect,
    /// The answer is larger than the client was told to take.
    TooLarge,
    /// The answer is not what the service documents.
    Decode,
    /// The answer is right as far as it goes, but not whole.
    Incomplete,
    /// The service's clock differs from this machine's, which an interval relative to now depends on.
    ClockSkew,
}

/// One entry of the service's error answer.
///
/// Every member is optional in the service's own document. Mirrors the vendor's
/// [error object](https://api.telemetry.confluent.cloud/docs#section/Object-Model).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    pub(crate) id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, happened: impl Into<String>) -> Self {
        Self::build(kind, happened.into())
    }

    // Errors are made in a hundred places: code for them is there once, and out of the way of what goes well.
    #[cold]
    #[inline(never)]
    fn build(kind: ErrorKind, happened: String) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                context: None,
                message: happened,
                status: None,
                api_errors: Vec::new(),
                body: None,
                retry_after: None,
                hint: None,
                source: None,
            }),
        }
    }

    pub(crate) fn invalid_input(happened: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, happened)
    }

    /// Creates the error of a text that is none of the known choices.
    pub(crate) fn invalid_choice<'a>(
        what: &str,
        found: &str,
        choices: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let choices: Vec<_> = choices.into_iter().collect();
        Self::invalid_input(format!(
            "invalid {what} {}: expected one of {}",
            quote(found, 60),
            choices.join(", ")
        ))
    }

    /// What is wrong with a request before it is sent, all of it at once.
    pub(crate) fn invalid_request(what: &str, faults: &[String]) -> Self {
        Self::invalid_input(format!("{what} cannot be sent: {}", faults.join("; ")))
    }

    /// Names the call that failed; the first to say so is the one that knows best.
    pub(crate) fn with_context(mut self, asked: impl FnOnce() -> String) -> Self {
        self.inner.context.get_or_insert_with(asked);
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
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

    pub(crate) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner.retry_after = Some(wait);
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// Adds to the sentence.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.inner.message = format!("{}; {note}", self.inner.message);
        self
    }

    pub(crate) fn with_hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.set_hint(hint.into())
    }

    #[cold]
    #[inline(never)]
    fn set_hint(mut self, hint: Cow<'static, str>) -> Self {
        self.inner.hint = Some(hint);
        self
    }

    pub(crate) fn with_source(self, cause: impl Into<Cause>) -> Self {
        self.set_source(cause.into())
    }

    #[cold]
    #[inline(never)]
    fn set_source(mut self, cause: Cause) -> Self {
        self.inner.source = Some(cause);
        self
    }

    /// Replaces the cause, if there is one.
    pub(crate) fn map_cause(mut self, map: impl FnOnce(Cause) -> Cause) -> Self {
        self.inner.source = self.inner.source.map(map);
        self
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.inner.status
    }

    /// Returns the entries of the error response; none if it has none that can be read.
    ///
    /// They come from the service or from a gateway in front of it. Each member is redacted and at most 300 characters long.
    pub fn api_errors(&self) -> &[ApiError] {
        &self.inner.api_errors
    }

    /// Returns the start of the body of the response that the call refused; `None` if there was no
    /// response, or its body is empty.
    ///
    /// That is any error response, and a response with status 200 that cannot be read. The text is
    /// at most 4 KiB long, and redacted as [`Credentials`](crate::Credentials) describe. It is not
    /// escaped: it may have line breaks and control characters.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
    ///
    /// let query = Query::new("no.such/metric", Granularity::OneHour, Interval::last_hours(1));
    /// let error = client.query(&query).unwrap_err();
    /// assert!(error.body().unwrap().starts_with(r#"{"errors":[{"#));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn body(&self) -> Option<&str> {
        self.inner.body.as_deref()
    }

    /// How long the service asks to wait before the next request, where it does.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// Whether time ran out. Same as a [`kind`](Self::kind) of [`ErrorKind::Timeout`].
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == ErrorKind::Timeout
    }

    /// Whether the same call may well succeed later: the network, the service or a limit is at fault, not the request.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.inner.kind,
            ErrorKind::RateLimited | ErrorKind::Server | ErrorKind::Timeout | ErrorKind::Connection
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(asked) = &self.inner.context {
            write!(f, "{asked} failed: ")?;
        }
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.inner.kind)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(
                f,
                "\n  cause: {}",
                sanitize_line(&error.to_string(), MAX_SOURCE_LEN)
            )?;
            cause = error.source();
        }
        if let Some(hint) = &self.inner.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|cause| cause as _)
    }
}

impl ApiError {
    /// The service's id of this very failure, to be named to its support.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The HTTP status as the entry gives it, a string in the service's documents.
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// The service's code for this sort of failure.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// What the service says happened.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

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
    fn debug_has_the_chain_and_the_hint_and_display_repeats_neither() {
        let error = Error::new(ErrorKind::Connection, "no connection to https://a.example")
            .with_context(|| "query of m".into())
            .with_context(|| "something vaguer".into())
            .with_source(std::io::Error::other("refused\nby the peer"))
            .with_hint("is the service up?");
        assert_eq!(
            error.to_string(),
            "query of m failed: no connection to https://a.example"
        );
        assert_eq!(
            format!("{error:?}"),
            "query of m failed: no connection to https://a.example (Connection)\n  cause: refused\\nby the peer\n  hint: is the service up?"
        );
    }
}
