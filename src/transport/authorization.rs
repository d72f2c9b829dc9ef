//! The value of the `Authorization` header, and the checks of what goes into it.
//!
//! ```text
//! basic("KEY", "secret")   Authorization: Basic S0VZOnNlY3JldA==
//! bearer("eyJh…")          Authorization: Bearer eyJh…
//! ```

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Error;
use crate::transport::redact::Redactor;

/// A valid `Authorization` header, with what hides it in errors.
pub(crate) struct Authorization {
    /// The value of the header.
    header: String,
    /// The position in the order of the tokens of a provider. A newer token has a larger one.
    generation: u64,
    /// True if a value is in quotes. That is allowed, but a 401 or 403 then has a hint about it.
    is_quoted: bool,
    /// Knows the header, the secret or token, and the id of the key.
    redactor: Arc<Redactor>,
}

impl Authorization {
    /// Joins an API key and its secret.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, without the key or the secret, if either cannot be part of the header.
    pub(crate) fn basic(key: &str, secret: &str) -> Result<Self, Error> {
        validate("API key", key)?;
        validate("API secret", secret)?;
        // The first colon ends the key: <https://www.rfc-editor.org/rfc/rfc7617#section-2>.
        if key.contains(':') {
            return Err(Error::invalid_input("API key must not contain a colon")
                .with_hint("pass key and secret as two arguments"));
        }
        let encoded = STANDARD.encode(format!("{key}:{secret}"));
        let header = format!("Basic {encoded}");
        Ok(Self {
            generation: 0,
            redactor: Arc::new(Redactor::new(&[&header, secret], &[key])),
            header,
            is_quoted: is_quoted(key) || is_quoted(secret),
        })
    }

    /// Wraps a bearer token.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, without the token, if it cannot be part of the header.
    pub(crate) fn bearer(token: &str, generation: u64) -> Result<Self, Error> {
        validate("bearer token", token)?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid_input(
                "bearer token must be printable ASCII without spaces",
            ));
        }
        let header = format!("Bearer {token}");
        Ok(Self {
            generation,
            redactor: Arc::new(Redactor::new(&[&header, token], &[])),
            header,
            is_quoted: is_quoted(token),
        })
    }

    /// Returns the value of the header.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    /// Returns the position in the order of the tokens of a provider.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns true if the key, secret or token is in quotes, which shells and `.env` files may
    /// leave there.
    pub(crate) const fn is_quoted(&self) -> bool {
        self.is_quoted
    }

    /// Returns the redactor that removes this header and its parts from text.
    pub(crate) const fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_as_documented() {
        let key = Authorization::basic(
            "ABCDEFGH123456789",
            "XNCIW93I2L1SQPJSJ823K1LS902KLDFMCZPWEO",
        );
        assert_eq!(
            key.unwrap().header(),
            "Basic QUJDREVGR0gxMjM0NTY3ODk6WE5DSVc5M0kyTDFTUVBKU0o4MjNLMUxTOTAyS0xERk1DWlBXRU8="
        );
        let token = Authorization::bearer("a.b-c_d~e+f/g=", 7).unwrap();
        assert_eq!(token.header(), "Bearer a.b-c_d~e+f/g=");
        assert_eq!(token.generation(), 7);
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
            for authorization in [
                Authorization::basic("k", text),
                Authorization::basic(text, "s"),
            ] {
                assert_eq!(authorization.unwrap().is_quoted(), expected, "{text}");
            }
        }
        assert!(Authorization::bearer("\"t0ken\"", 0).unwrap().is_quoted());
    }
}
