//! Credentials: an API key, a bearer token, or a function that provides bearer tokens.
//!
//! All of them end in an [`Authorization`], which is sent with every request and hidden in errors.
//! That of a key or a token never changes. A [`TokenProvider`] replaces its own.

use std::env::VarError;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::time::deadline::Deadline;
use crate::transport::authorization::Authorization;
use crate::transport::redact::Redactor;
use crate::transport::token_provider::{RejectedToken, TokenFailure, TokenProvider};

/// Credentials for the Metrics API: a Cloud API key and its secret, or a bearer token.
///
/// A clone is cheap, and shares the tokens of [`bearer_from`](Self::bearer_from). `Debug` prints
/// which kind of credentials these are, and nothing else.
///
/// # Which key
///
/// The key must be a *Cloud* API key. The service rejects keys of a single cluster. See the
/// vendor's [authentication](https://api.telemetry.confluent.cloud/docs#section/Authentication).
///
/// # Secrets in errors and logs
///
/// No error shows eight consecutive characters of the secret, of the token, or of the
/// `Authorization` header. This holds even if a response echoes them truncated, JSON-escaped,
/// percent-encoded (also twice) or HTML-escaped. The earlier tokens of
/// [`bearer_from`](Self::bearer_from) are hidden as well.
///
/// - A secret shorter than eight characters is replaced if all of it is echoed.
/// - A secret shorter than four characters is not replaced, because ordinary words contain it.
/// - The id of an API key is not secret. It is replaced if all of it is echoed, unless it is
///   shorter than eight characters.
///
/// Only errors are redacted. Requests, redirects and results are never changed.
///
/// This crate logs nothing, but the HTTP client that it uses does: **at the level `trace`, ureq
/// logs the `Authorization` header.** Keep the targets `ureq` and `ureq_proto` at `debug` or above.
///
/// # Example
///
/// ```
/// use confluent_metrics::Credentials;
///
/// let credentials = Credentials::api_key("ABCDEFGH123456789", "the-secret")?;
/// assert_eq!(format!("{credentials:?}"), "Credentials(API key)");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone)]
#[doc(alias = "token")]
#[doc(alias = "password")]
pub struct Credentials {
    source: Source,
}

/// The origin of the `Authorization` header. Clones share it.
#[derive(Clone)]
enum Source {
    /// An API key and its secret.
    Key(Arc<Authorization>),
    /// A token that never changes.
    Token(Arc<Authorization>),
    /// A function of the caller.
    Provider(Arc<TokenProvider>),
}

/// The kind of credentials, on which some hints depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// An API key and its secret, joined by a colon and encoded in base64.
    Basic,
    /// A token, as it is.
    Bearer,
    /// The tokens of a provider.
    BearerFrom,
}

/// The variables for key and secret, in the order in which they are read.
const ENV_VARS: [[&str; 2]; 2] = [
    ["CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET"],
    ["CCLOUD_API_KEY", "CCLOUD_API_SECRET"],
];

impl Credentials {
    /// Creates credentials from a Cloud API key and its secret.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if either is empty, contains a control character
    /// such as a line break, or has leading or trailing spaces. The same if the key contains a
    /// colon.
    ///
    /// ```
    /// use confluent_metrics::{Credentials, ErrorKind};
    ///
    /// let credentials = Credentials::api_key("ABCDEFGH123456789", "the-secret")?;
    ///
    /// // A secret from a file often ends with a line break.
    /// let error = Credentials::api_key("ABCDEFGH123456789", "the-secret\n").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn api_key(key: impl AsRef<str>, secret: impl AsRef<str>) -> Result<Self, Error> {
        let authorization = Authorization::basic(key.as_ref(), secret.as_ref())?;
        Ok(Self {
            source: Source::Key(Arc::new(authorization)),
        })
    }

    /// Creates credentials from an access token of Confluent's security token service.
    ///
    /// The token is not renewed. It expires after 15 minutes. For a program that runs longer, use
    /// [`bearer_from`](Self::bearer_from).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the token is empty, or contains a character
    /// that a header must not contain.
    ///
    /// ```
    /// use confluent_metrics::Credentials;
    ///
    /// let credentials = Credentials::bearer("eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl")?;
    /// assert_eq!(format!("{credentials:?}"), "Credentials(bearer token)");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "oauth")]
    #[doc(alias = "token")]
    pub fn bearer(token: impl AsRef<str>) -> Result<Self, Error> {
        let authorization = Authorization::bearer(token.as_ref(), 0)?;
        Ok(Self {
            source: Source::Token(Arc::new(authorization)),
        })
    }

    /// Creates credentials from a function that returns access tokens.
    ///
    /// The client calls it before the first request. It calls it again if the service rejects a
    /// token with 401, and then repeats the request with the new token. A query therefore survives
    /// the end of a token between two of its windows or pages. This repeat is not one of the
    /// [retries](crate::ClientBuilder::max_retries).
    ///
    /// The function is called by one thread at a time. Other threads wait for its token, until
    /// their deadline or a [`CancelToken`](crate::CancelToken) ends their call. The function itself
    /// cannot be interrupted, so it should have a timeout. It must not use a client with these
    /// credentials. If it panics, the panic reaches the caller, and the next call asks again.
    ///
    /// A token must be valid for [`bearer`](Self::bearer). Trim the output of a command, which ends
    /// with a line break.
    ///
    /// Tokens come from the vendor's [security token service][sts], which this crate does not call.
    ///
    /// [sts]: https://docs.confluent.io/cloud/current/security/authenticate/workload-identities/identity-providers/oauth/access-rest-apis-sts.html
    ///
    /// # Errors of a call
    ///
    /// - [`Unauthorized`](ErrorKind::Unauthorized) if the function fails, with its error as
    ///   [`source`](std::error::Error::source), or if the service rejects the new token too.
    /// - [`Connection`](ErrorKind::Connection) or [`Timeout`](ErrorKind::Timeout) if the error of
    ///   the function is an [`io::Error`](std::io::Error) of the kind `ConnectionRefused`,
    ///   `ConnectionReset`, `ConnectionAborted`, `BrokenPipe`, `UnexpectedEof`, `HostUnreachable`,
    ///   `NetworkUnreachable` or `TimedOut`. Such a failure is retried. Many HTTP clients have an
    ///   error of their own, which must be converted to an `io::Error` for that.
    /// - [`InvalidInput`](ErrorKind::InvalidInput) if the token is invalid.
    ///
    /// # Example
    ///
    /// ```
    /// use std::error::Error;
    ///
    /// use confluent_metrics::{Client, Credentials, DiscoveryRequest};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # emulator.revoke_bearer_token(emulator.bearer_token());
    /// # emulator.add_bearer_token("the-new-token");
    ///
    /// // A real function calls the token service with a timeout, or runs a command.
    /// fn request_token() -> Result<String, Box<dyn Error + Send + Sync>> {
    ///     let output = "the-new-token\n";
    ///     Ok(output.trim().to_owned())
    /// }
    ///
    /// let client = Client::builder(Credentials::bearer_from(request_token))
    /// #   .base_url(emulator.url())
    /// #   .root_certificates_pem(emulator.ca_pem())
    ///     .build()?;
    /// client.discover(&DiscoveryRequest::new())?;
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    #[doc(alias = "refresh")]
    #[doc(alias = "oauth")]
    pub fn bearer_from(
        provider: impl Fn() -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: Source::Provider(Arc::new(TokenProvider::new(Box::new(provider)))),
        }
    }

    /// Reads an API key from the environment.
    ///
    /// The variables are `CONFLUENT_CLOUD_API_KEY` and `CONFLUENT_CLOUD_API_SECRET`, or else
    /// `CCLOUD_API_KEY` and `CCLOUD_API_SECRET`. An empty variable counts as unset. The two pairs
    /// are never mixed.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput), naming the variables, if no pair is set, if only
    /// half of a pair is set, or if [`api_key`](Self::api_key) rejects a value.
    ///
    /// ```no_run
    /// use confluent_metrics::{Client, Credentials};
    ///
    /// let client = Client::new(Credentials::from_env()?);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(|name| std::env::var(name))
    }

    /// Reads an API key with a function that looks up a variable, so that tests need no
    /// environment.
    ///
    /// `look_up` has the contract of [`std::env::var`]. The first pair of [`ENV_VARS`] with any
    /// variable that is set decides, even if it is incomplete.
    fn from_lookup(look_up: impl Fn(&str) -> Result<String, VarError>) -> Result<Self, Error> {
        for [key_name, secret_name] in ENV_VARS {
            let key = env_var(&look_up, key_name)?;
            let secret = env_var(&look_up, secret_name)?;
            match (key, secret) {
                (Some(key), Some(secret)) => {
                    return Self::api_key(key, secret)
                        .map_err(|error| with_variable_names(&error, key_name, secret_name));
                }
                // The other pair may belong to another account, so it does not complete this one.
                (Some(_), None) => return Err(missing_half(key_name, secret_name)),
                (None, Some(_)) => return Err(missing_half(secret_name, key_name)),
                (None, None) => {}
            }
        }
        let [[key, secret], [short_key, short_secret]] = ENV_VARS;
        Err(Error::invalid_input(format!(
            "no API key in the environment: set {key} and {secret} \
             (or {short_key} and {short_secret})"
        ))
        .with_hint("create one with `confluent api-key create --resource cloud`"))
    }

    /// Returns the authorization of the next request.
    ///
    /// It is newer than the rejected one, which may take a call of the provider.
    pub(crate) fn authorize(
        &self,
        rejected: &mut RejectedToken,
        deadline: &Deadline,
    ) -> Result<Arc<Authorization>, TokenFailure> {
        match &self.source {
            Source::Key(authorization) | Source::Token(authorization) => {
                Ok(Arc::clone(authorization))
            }
            Source::Provider(provider) => provider.token(rejected, deadline),
        }
    }

    /// Returns true if there may be a token in place of one that the service has rejected.
    pub(crate) const fn can_replace(&self, rejected: &RejectedToken) -> bool {
        matches!(self.source, Source::Provider(_)) && !rejected.is_replaced
    }

    /// Returns the latest authorization. `None` if the provider has not been asked yet.
    pub(crate) fn latest(&self) -> Option<Arc<Authorization>> {
        match &self.source {
            Source::Key(authorization) | Source::Token(authorization) => {
                Some(Arc::clone(authorization))
            }
            Source::Provider(provider) => provider.latest(),
        }
    }

    /// Returns the kind of credentials.
    pub(crate) const fn scheme(&self) -> Scheme {
        match self.source {
            Source::Key(_) => Scheme::Basic,
            Source::Token(_) => Scheme::Bearer,
            Source::Provider(_) => Scheme::BearerFrom,
        }
    }

    /// Returns the redactor that removes these credentials from text.
    ///
    /// That of a provider knows its recent tokens, so it must not be kept.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        match &self.source {
            Source::Key(authorization) | Source::Token(authorization) => {
                Arc::clone(authorization.redactor())
            }
            Source::Provider(provider) => provider.redactor(),
        }
    }

    /// Returns true if the key, secret or latest token is in quotes, which shells and `.env` files
    /// may leave there.
    pub(crate) fn is_quoted(&self) -> bool {
        self.latest().is_some_and(|latest| latest.is_quoted())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scheme() {
            Scheme::Basic => "Credentials(API key)",
            Scheme::Bearer => "Credentials(bearer token)",
            Scheme::BearerFrom => "Credentials(bearer token of a provider)",
        })
    }
}

/// Returns the value of a variable, or `None` if it is unset or empty.
///
/// # Errors
///
/// `InvalidInput` with the name of the variable, if its value is not valid Unicode.
fn env_var(
    look_up: impl Fn(&str) -> Result<String, VarError>,
    name: &str,
) -> Result<Option<String>, Error> {
    match look_up(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            Err(Error::invalid_input(format!("{name} is not valid Unicode")))
        }
    }
}

/// Returns the error for a pair of which only one variable is set.
fn missing_half(set: &str, unset: &str) -> Error {
    Error::invalid_input(format!(
        "incomplete API key in the environment: {set} is set but {unset} is not"
    ))
}

/// Adds the names of the variables to the error of their values.
///
/// The value itself is never part of the message. The hint is kept.
fn with_variable_names(error: &Error, key: &str, secret: &str) -> Error {
    let named = Error::new(ErrorKind::InvalidInput, format!("{key}/{secret}: {error}"));
    match error.hint() {
        Some(hint) => named.with_hint(hint.to_owned()),
        None => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Credentials, Error> {
        Credentials::from_lookup(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found
                .map(|(_, value)| (*value).to_owned())
                .ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn invalid_credentials_are_refused_without_showing_them() {
        for (result, message) in [
            (Credentials::api_key("", "s"), "API key is empty"),
            (Credentials::api_key("k", ""), "API secret is empty"),
            (
                Credentials::api_key("k\u{7}k", "s"),
                "API key contains a control character",
            ),
            (
                Credentials::api_key("k", "s3cret\n"),
                "API secret contains a control character",
            ),
            (
                Credentials::api_key("k:k", "s"),
                "API key must not contain a colon",
            ),
            (
                Credentials::api_key("k ", "s"),
                "API key has leading or trailing spaces",
            ),
            (
                Credentials::api_key("k", " s"),
                "API secret has leading or trailing spaces",
            ),
            (Credentials::bearer(""), "bearer token is empty"),
            (
                Credentials::bearer("t\r\nHost: x"),
                "bearer token contains a control character",
            ),
            (
                Credentials::bearer("two words"),
                "bearer token must be printable ASCII without spaces",
            ),
            (
                Credentials::bearer("tökén"),
                "bearer token must be printable ASCII without spaces",
            ),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        let hint = Credentials::api_key("k", "s3cret\r\n").unwrap_err();
        assert_eq!(
            hint.hint(),
            Some("it ends with a line break: trim the file contents")
        );
        assert!(
            Credentials::api_key("k", "a:b ü").is_ok(),
            "a secret may contain a colon"
        );
    }

    #[test]
    fn the_environment_holds_a_complete_pair_or_the_error_names_the_variables() {
        let header_of = |credentials: Credentials| {
            let latest = credentials.latest().unwrap();
            latest.header().to_owned()
        };
        let header = |variables: &[(&str, &str)]| header_of(from(variables).unwrap());
        let long = [
            ("CONFLUENT_CLOUD_API_KEY", "long"),
            ("CONFLUENT_CLOUD_API_SECRET", "s"),
        ];
        let short = [("CCLOUD_API_KEY", "short"), ("CCLOUD_API_SECRET", "s")];
        assert_eq!(
            header(&long),
            header_of(Credentials::api_key("long", "s").unwrap())
        );
        assert_eq!(
            header(&short),
            header_of(Credentials::api_key("short", "s").unwrap())
        );
        assert_eq!(header(&[long, short].concat()), header(&long));
        let emptied = [
            ("CONFLUENT_CLOUD_API_KEY", ""),
            ("CONFLUENT_CLOUD_API_SECRET", ""),
        ];
        assert_eq!(header(&[emptied, short].concat()), header(&short));
        for (variables, message) in [
            (
                vec![],
                "no API key in the environment: set CONFLUENT_CLOUD_API_KEY and \
                 CONFLUENT_CLOUD_API_SECRET (or CCLOUD_API_KEY and CCLOUD_API_SECRET)",
            ),
            (
                vec![long[0], short[1]],
                "incomplete API key in the environment: \
                 CONFLUENT_CLOUD_API_KEY is set but CONFLUENT_CLOUD_API_SECRET is not",
            ),
            (
                vec![("CCLOUD_API_SECRET", "s")],
                "incomplete API key in the environment: \
                 CCLOUD_API_SECRET is set but CCLOUD_API_KEY is not",
            ),
            (
                vec![long[0], ("CONFLUENT_CLOUD_API_SECRET", "s3cret\n")],
                "CONFLUENT_CLOUD_API_KEY/CONFLUENT_CLOUD_API_SECRET: \
                 API secret contains a control character",
            ),
        ] {
            assert_eq!(from(&variables).unwrap_err().to_string(), message);
        }
        let error =
            Credentials::from_lookup(|_| Err(VarError::NotUnicode("s3cret".into()))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "CONFLUENT_CLOUD_API_KEY is not valid Unicode"
        );
    }
}
