use std::env::VarError;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, ErrorKind};
use crate::transport::redact::Redactor;

/// A Cloud API key and its secret, or a bearer token.
///
/// A clone is cheap. `Debug` prints which of the two it is, and nothing else.
///
/// # Secrets in errors and logs
///
/// No error shows eight consecutive characters of the secret, of the token, or of the
/// `Authorization` header. This holds if a response echoes them cut, JSON-escaped, percent-encoded
/// (also twice) or HTML-escaped. A secret shorter than eight characters is replaced if all of it is
/// echoed; one shorter than four is not, because ordinary words contain it.
///
/// The id of an API key is no secret. It is replaced all the same if all of it is echoed, unless it
/// is shorter than eight characters. Only errors are redacted: requests, redirects and results are
/// never changed.
///
/// This crate logs nothing, but the HTTP client under it does: **at the level `trace`, ureq logs
/// the `Authorization` header.** Keep the targets `ureq` and `ureq_proto` at `debug` or above.
///
/// # Which key
///
/// The key has to be a *Cloud* API key; one made for a cluster is refused by the service. See the
/// vendor's [authentication](https://api.telemetry.confluent.cloud/docs#section/Authentication).
///
/// ```
/// use confluent_metrics::Credentials;
///
/// let credentials = Credentials::api_key("ABCDEFGH123456789", "the-secret")?;
/// assert_eq!(format!("{credentials:?}"), "Credentials(API key)");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    secrets: Arc<Secrets>,
}

struct Secrets {
    scheme: &'static str,
    /// The whole value of the header.
    header: String,
    redactor: Redactor,
    is_quoted: bool,
}

/// The hint for credentials that are refused and [quoted](Credentials::is_quoted).
pub(crate) const QUOTES_HINT: &str = "remove the quotes around the key, secret or token: its first and its last character are quotes";

const API_KEY: &str = "API key";
const BEARER_TOKEN: &str = "bearer token";
const ENV_VARS: [[&str; 2]; 2] = [
    ["CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET"],
    ["CCLOUD_API_KEY", "CCLOUD_API_SECRET"],
];

impl Credentials {
    /// A Cloud API key and its secret.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) where either is empty, has a control character (a line end from a file,
    /// say), or starts or ends with a space, or the key has a colon.
    pub fn api_key(key: impl AsRef<str>, secret: impl AsRef<str>) -> Result<Self, Error> {
        let (key, secret) = (key.as_ref(), secret.as_ref());
        check("API key", key)?;
        check("API secret", secret)?;
        if key.contains(':') {
            return Err(
                Error::invalid_input("the API key has a colon in it, which no key has")
                    .with_hint("the key and its secret are two separate texts"),
            );
        }
        let encoded = STANDARD.encode(format!("{key}:{secret}"));
        let header = format!("Basic {encoded}");
        let redactor = Redactor::new(&[&header, secret], &[key]);
        Ok(Self::new(
            API_KEY,
            header,
            redactor,
            is_quoted(key) || is_quoted(secret),
        ))
    }

    /// An access token of Confluent's security token service.
    ///
    /// The token is taken as it is and not renewed: it lives for 15 minutes at most.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) where it is empty or has a character that no header may carry.
    pub fn bearer(token: impl AsRef<str>) -> Result<Self, Error> {
        let token = token.as_ref();
        check("bearer token", token)?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid_input(
                "the bearer token has a space or a character beyond ASCII in it",
            ));
        }
        let header = format!("Bearer {token}");
        let redactor = Redactor::new(&[&header, token], &[]);
        Ok(Self::new(BEARER_TOKEN, header, redactor, is_quoted(token)))
    }

    /// The key pair in the environment: `CONFLUENT_CLOUD_API_KEY` and `CONFLUENT_CLOUD_API_SECRET`, else `CCLOUD_API_KEY`
    /// and `CCLOUD_API_SECRET`.
    ///
    /// A variable that is empty counts as unset. The two pairs are never mixed.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput), naming the variables, where there is no pair or only half of one, or a
    /// value is not a key as [`api_key`](Self::api_key) takes it.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(|name| std::env::var(name))
    }

    fn from_lookup(look_up: impl Fn(&str) -> Result<String, VarError>) -> Result<Self, Error> {
        for [key_name, secret_name] in ENV_VARS {
            match (
                env_var(&look_up, key_name)?,
                env_var(&look_up, secret_name)?,
            ) {
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
            "the environment has no API key: neither {key} and {secret} nor {short_key} and {short_secret} are set"
        ))
        .with_hint("make a Cloud API key with `confluent api-key create --resource cloud`"))
    }

    fn new(scheme: &'static str, header: String, redactor: Redactor, is_quoted: bool) -> Self {
        Self {
            secrets: Arc::new(Secrets {
                scheme,
                header,
                redactor,
                is_quoted,
            }),
        }
    }

    /// The value of the `Authorization` header.
    pub(crate) fn header(&self) -> &str {
        &self.secrets.header
    }

    /// Returns what removes these credentials from text.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.secrets.redactor
    }

    /// Returns whether a key, secret or token begins and ends with quotes, which shells and `.env`
    /// files leave behind.
    pub(crate) fn is_quoted(&self) -> bool {
        self.secrets.is_quoted
    }

    /// What to look at when the service does not accept these credentials.
    pub(crate) fn unauthorized_hint(&self) -> &'static str {
        match self.secrets.scheme {
            API_KEY => {
                "the key has to be a Cloud API key (`confluent api-key create --resource cloud`): \
                 one made for a cluster is refused"
            }
            _ => "a bearer token lives for 15 minutes at most: ask for a new one",
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.secrets.scheme)
    }
}

fn is_quoted(text: &str) -> bool {
    let inner = text.strip_prefix(['"', '\'', '`', '\u{201c}', '\u{2018}']);
    inner.is_some_and(|inner| inner.ends_with(['"', '\'', '`', '\u{201d}', '\u{2019}']))
}

fn check(what: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::invalid_input(format!("the {what} is empty")));
    }
    if text.trim_matches(' ') != text {
        return Err(Error::invalid_input(format!(
            "the {what} starts or ends with a space"
        )));
    }
    if text.chars().any(char::is_control) {
        let error = Error::invalid_input(format!("the {what} has a control character in it"));
        return Err(
            match text
                .trim_end_matches(['\r', '\n'])
                .chars()
                .any(char::is_control)
            {
                true => error,
                false => error.with_hint("it ends in a line break: trim what was read from a file"),
            },
        );
    }
    Ok(())
}

fn env_var(
    look_up: impl Fn(&str) -> Result<String, VarError>,
    name: &str,
) -> Result<Option<String>, Error> {
    match look_up(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Error::invalid_input(format!(
            "the variable {name} is not valid Unicode"
        ))),
    }
}

fn missing_half(set: &str, unset: &str) -> Error {
    Error::invalid_input(format!(
        "the environment has half an API key: {set} is set, but {unset} is not"
    ))
}

fn with_variable_names(error: &Error, key: &str, secret: &str) -> Error {
    let located = Error::new(
        ErrorKind::InvalidInput,
        format!("{key} and {secret} in the environment: {error}"),
    );
    match error.hint() {
        Some(hint) => located.with_hint(hint.to_owned()),
        None => located,
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
    fn the_header_is_the_documented_one() {
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
    fn quotes_are_noticed_at_both_ends_only() {
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
    fn what_no_header_can_carry_is_refused_without_showing_it() {
        for (result, message) in [
            (Credentials::api_key("", "s"), "the API key is empty"),
            (Credentials::api_key("k", ""), "the API secret is empty"),
            (
                Credentials::api_key("k\u{7}k", "s"),
                "the API key has a control character in it",
            ),
            (
                Credentials::api_key("k", "s3cret\n"),
                "the API secret has a control character in it",
            ),
            (
                Credentials::api_key("k:k", "s"),
                "the API key has a colon in it, which no key has",
            ),
            (
                Credentials::api_key("k ", "s"),
                "the API key starts or ends with a space",
            ),
            (
                Credentials::api_key("k", " s"),
                "the API secret starts or ends with a space",
            ),
            (Credentials::bearer(""), "the bearer token is empty"),
            (
                Credentials::bearer("t\r\nHost: x"),
                "the bearer token has a control character in it",
            ),
            (
                Credentials::bearer("two words"),
                "the bearer token has a space or a character beyond ASCII in it",
            ),
            (
                Credentials::bearer("tökén"),
                "the bearer token has a space or a character beyond ASCII in it",
            ),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        let hint = Credentials::api_key("k", "s3cret\r\n").unwrap_err();
        assert_eq!(
            hint.hint(),
            Some("it ends in a line break: trim what was read from a file")
        );
        assert!(
            Credentials::api_key("k", "a:b ü").is_ok(),
            "a secret may hold a colon"
        );
    }

    #[test]
    fn the_environment_gives_a_whole_pair_or_an_error_that_names_it() {
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
                "the environment has no API key: neither CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET nor CCLOUD_API_KEY and CCLOUD_API_SECRET are set",
            ),
            (
                vec![long[0], short[1]],
                "the environment has half an API key: CONFLUENT_CLOUD_API_KEY is set, but CONFLUENT_CLOUD_API_SECRET is not",
            ),
            (
                vec![("CCLOUD_API_SECRET", "s")],
                "the environment has half an API key: CCLOUD_API_SECRET is set, but CCLOUD_API_KEY is not",
            ),
            (
                vec![long[0], ("CONFLUENT_CLOUD_API_SECRET", "s3cret\n")],
                "CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET in the environment: the API secret has a control character in it",
            ),
        ] {
            assert_eq!(from(&variables).unwrap_err().to_string(), message);
        }
        let garbled =
            Credentials::from_lookup(|_| Err(VarError::NotUnicode("s3cret".into()))).unwrap_err();
        assert_eq!(
            garbled.to_string(),
            "the variable CONFLUENT_CLOUD_API_KEY is not valid Unicode"
        );
    }
}
