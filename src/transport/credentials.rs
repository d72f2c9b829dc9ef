//! Credentials: an API key or a bearer token.
//!
//! Both end in one value of the `Authorization` header, which is built once and sent with every
//! request. With it [`Credentials`] keeps a [`Redactor`], which removes the secret from errors.
//!
//! ```text
//! api_key("KEY", "secret")   Authorization: Basic S0VZOnNlY3JldA==
//! bearer("eyJh…")            Authorization: Bearer eyJh…
//! ```

use std::env::VarError;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, ErrorKind};
use crate::transport::redact::Redactor;

/// Credentials for the Metrics API: a Cloud API key and its secret, or a bearer token.
///
/// A clone is cheap. `Debug` prints which of the two it is, and nothing else.
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
/// percent-encoded (also twice) or HTML-escaped.
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
    /// Shared by all clones, and never changed.
    inner: Arc<Inner>,
}

/// The parts of [`Credentials`], which every clone shares.
struct Inner {
    /// The kind of credentials. `Debug` and some hints depend on it.
    scheme: Scheme,
    /// The value of the `Authorization` header.
    header: String,
    /// Knows the header, the secret or token, and the id of the key.
    redactor: Redactor,
    /// True if a value is in quotes. That is allowed, but a 401 or 403 then has a hint about it.
    is_quoted: bool,
}

/// The scheme of the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// An API key and its secret, joined by a colon and encoded in base64.
    Basic,
    /// A token, as it is.
    Bearer,
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
        let key = key.as_ref();
        let secret = secret.as_ref();
        validate("API key", key)?;
        validate("API secret", secret)?;
        // The first colon ends the key: <https://www.rfc-editor.org/rfc/rfc7617#section-2>.
        if key.contains(':') {
            return Err(Error::invalid_input("API key must not contain a colon")
                .with_hint("pass key and secret as two arguments"));
        }
        let encoded = STANDARD.encode(format!("{key}:{secret}"));
        let header = format!("Basic {encoded}");
        Ok(Self::new(Inner {
            scheme: Scheme::Basic,
            redactor: Redactor::new(&[&header, secret], &[key]),
            header,
            is_quoted: is_quoted(key) || is_quoted(secret),
        }))
    }

    /// Creates credentials from an access token of Confluent's security token service.
    ///
    /// The token is not renewed. It expires after 15 minutes.
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
    pub fn bearer(token: impl AsRef<str>) -> Result<Self, Error> {
        let token = token.as_ref();
        validate("bearer token", token)?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid_input(
                "bearer token must be printable ASCII without spaces",
            ));
        }
        let header = format!("Bearer {token}");
        Ok(Self::new(Inner {
            scheme: Scheme::Bearer,
            redactor: Redactor::new(&[&header, token], &[]),
            header,
            is_quoted: is_quoted(token),
        }))
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

    /// Wraps parts that are validated.
    fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the value of the `Authorization` header.
    pub(crate) fn header(&self) -> &str {
        &self.inner.header
    }

    /// Returns the kind of credentials.
    pub(crate) fn scheme(&self) -> Scheme {
        self.inner.scheme
    }

    /// Returns the redactor that removes these credentials from text.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.inner.redactor
    }

    /// Returns true if the key, secret or token is in quotes, which shells and `.env` files may
    /// leave there.
    pub(crate) fn is_quoted(&self) -> bool {
        self.inner.is_quoted
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.inner.scheme {
            Scheme::Basic => "Credentials(API key)",
            Scheme::Bearer => "Credentials(bearer token)",
        })
    }
}

/// Returns true if a text is in straight, back or curly quotes.
///
/// A quote at one end only may be part of a secret. A single quote character is not in quotes.
fn is_quoted(text: &str) -> bool {
    let inner = text.strip_prefix(['"', '\'', '`', '\u{201c}', '\u{2018}']);
    inner.is_some_and(|inner| inner.ends_with(['"', '\'', '`', '\u{201d}', '\u{2019}']))
}

/// Checks a key, secret or token. An error never shows it.
///
/// `name` is the beginning of the message, such as `API secret`. A line break at the end has its
/// own hint, because most files end with one.
fn validate(name: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::invalid_input(format!("{name} is empty")));
    }
    // Copied text often has such spaces, and the service would only return 401.
    if text.trim_matches(' ') != text {
        return Err(Error::invalid_input(format!(
            "{name} has leading or trailing spaces"
        )));
    }
    if text.chars().any(char::is_control) {
        let error = Error::invalid_input(format!("{name} contains a control character"));
        let without_line_break = text.trim_end_matches(['\r', '\n']);
        if without_line_break.chars().any(char::is_control) {
            return Err(error);
        }
        return Err(error.with_hint("it ends with a line break: trim the file contents"));
    }
    Ok(())
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
    fn the_header_is_as_documented() {
        let credentials = Credentials::api_key(
            "ABCDEFGH123456789",
            "XNCIW93I2L1SQPJSJ823K1LS902KLDFMCZPWEO",
        )
        .unwrap();
        assert_eq!(
            credentials.header(),
            "Basic QUJDREVGR0gxMjM0NTY3ODk6WE5DSVc5M0kyTDFTUVBKU0o4MjNLMUxTOTAyS0xERk1DWlBXRU8="
        );
        assert_eq!(
            Credentials::bearer("a.b-c_d~e+f/g=").unwrap().header(),
            "Bearer a.b-c_d~e+f/g="
        );
    }

    #[test]
    fn quotes_count_only_at_both_ends() {
        for (text, expected) in [
            ("\"s3cret\"", true),
            ("'s3cret'", true),
            ("\u{201c}s3cret\u{201d}", true),
            ("\"\"", true),
            ("\"", false),
            ("s3cret\"", false),
            ("'s3cret", false),
            ("s3\"c\"ret", false),
        ] {
            assert_eq!(
                Credentials::api_key("k", text).unwrap().is_quoted(),
                expected,
                "{text}"
            );
            assert_eq!(
                Credentials::api_key(text, "s").unwrap().is_quoted(),
                expected,
                "{text}"
            );
        }
        assert!(Credentials::bearer("\"t0ken\"").unwrap().is_quoted());
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
        let header = |variables: &[(&str, &str)]| from(variables).unwrap().header().to_owned();
        let long = [
            ("CONFLUENT_CLOUD_API_KEY", "long"),
            ("CONFLUENT_CLOUD_API_SECRET", "s"),
        ];
        let short = [("CCLOUD_API_KEY", "short"), ("CCLOUD_API_SECRET", "s")];
        assert_eq!(
            header(&long),
            Credentials::api_key("long", "s").unwrap().header()
        );
        assert_eq!(
            header(&short),
            Credentials::api_key("short", "s").unwrap().header()
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
