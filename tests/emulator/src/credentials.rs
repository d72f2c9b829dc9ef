//! The credentials of callers, and their access to resources.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(crate) const API_KEY: (&str, &str) = (
    "EMULATORCLOUDKEY",
    "emulator/only+not/a+real/secret/emulator/only+not/a+real/secret0",
);
pub(crate) const CLUSTER_KEY: (&str, &str) =
    ("EMULATORKAFKAKEY", "emulator-only-secret-of-a-cluster-key");
pub(crate) const UNPRIVILEGED_KEY: (&str, &str) =
    ("EMULATORNOROLE00", "emulator-only-secret-without-a-role");
pub(crate) const READER_KEY: (&str, &str) =
    ("EMULATORREADER00", "emulator-only-secret-of-a-reader");
pub(crate) const BEARER_TOKEN: &str = "emulator-only.bearer-token.not-a-real-one";
pub(crate) const EXPIRED_TOKEN: &str = "emulator-only.bearer-token.expired";

/// The resources that a caller can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Everything,
    /// One resource, by its label and id.
    Only(&'static str, &'static str),
    Nothing,
}

/// The bearer tokens that are accepted now.
#[derive(Debug)]
pub(crate) struct BearerTokens {
    /// The number of requests that each token is still accepted for. `None` is any number.
    remaining: Mutex<HashMap<String, Option<usize>>>,
}

impl Access {
    /// Returns true if the caller can read a resource.
    pub(crate) fn allows(self, label: &str, id: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(own, only) => label == own && id == only,
            Self::Nothing => false,
        }
    }
}

impl BearerTokens {
    /// Accepts a token for this number of requests, or for any number.
    pub(crate) fn add(&self, token: &str, requests: Option<usize>) {
        self.lock().insert(token.to_owned(), requests);
    }

    pub(crate) fn revoke(&self, token: &str) {
        self.lock().remove(token);
    }

    fn accepts(&self, token: &str) -> bool {
        self.lock()
            .get(token)
            .is_some_and(|remaining| *remaining != Some(0))
    }

    /// Counts a request with this token. Returns false if the token is not accepted.
    fn redeem(&self, token: &str) -> bool {
        match self.lock().get_mut(token) {
            None | Some(Some(0)) => false,
            Some(None) => true,
            Some(Some(remaining)) => {
                *remaining -= 1;
                true
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<usize>>> {
        self.remaining
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for BearerTokens {
    fn default() -> Self {
        let remaining = HashMap::from([(BEARER_TOKEN.to_owned(), None)]);
        Self {
            remaining: Mutex::new(remaining),
        }
    }
}

/// Checks the `Authorization` header of a request. `None` if the credentials are invalid.
///
/// This counts the request if a token is accepted for a number of them.
pub(crate) fn authenticate(tokens: &BearerTokens, header: Option<&str>) -> Option<Access> {
    match parse(header?)? {
        Presented::Token(token) => tokens.redeem(token).then_some(Access::Everything),
        Presented::Key(_, access) => Some(access),
    }
}

/// Returns the name for the rate limits of a caller. `None` if the credentials are invalid.
///
/// All tokens are of one caller.
pub(crate) fn principal(tokens: &BearerTokens, header: Option<&str>) -> Option<&'static str> {
    match parse(header?)? {
        Presented::Token(token) => tokens.accepts(token).then_some(BEARER_TOKEN),
        Presented::Key(key, _) => Some(key),
    }
}

/// The credentials of a request.
enum Presented<'a> {
    /// A bearer token, which may be invalid.
    Token(&'a str),
    /// A valid API key, by its id.
    Key(&'static str, Access),
}

fn parse(header: &str) -> Option<Presented<'_>> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Some(Presented::Token(rest.trim()));
    }
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = STANDARD.decode(rest.trim()).ok()?;
    let pair = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let (key, access) = match pair {
        _ if pair == API_KEY => (API_KEY.0, Access::Everything),
        _ if pair == READER_KEY => (READER_KEY.0, Access::Only("resource.kafka.id", "lkc-1")),
        _ if pair == UNPRIVILEGED_KEY => (UNPRIVILEGED_KEY.0, Access::Nothing),
        // A cluster key is valid for its cluster, but not for this service.
        _ => return None,
    };
    Some(Presented::Key(key, access))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(header: Option<&str>) -> Option<Access> {
        authenticate(&BearerTokens::default(), header)
    }

    fn basic((key, secret): (&str, &str)) -> Option<Access> {
        access(Some(&format!(
            "Basic {}",
            STANDARD.encode(format!("{key}:{secret}"))
        )))
    }

    #[test]
    fn every_kind_of_credentials_has_its_access() {
        assert_eq!(basic(API_KEY), Some(Access::Everything));
        assert_eq!(basic(UNPRIVILEGED_KEY), Some(Access::Nothing));
        assert_eq!(basic(CLUSTER_KEY), None);
        assert_eq!(basic((API_KEY.0, "wrong")), None);
        let reader = basic(READER_KEY).expect("a valid key");
        assert!(reader.allows("resource.kafka.id", "lkc-1"));
        assert!(!reader.allows("resource.kafka.id", "lkc-2"));
        assert_eq!(
            access(Some(&format!("bearer {BEARER_TOKEN}"))),
            Some(Access::Everything)
        );
        for bad in [
            EXPIRED_TOKEN,
            BEARER_TOKEN,
            "Basic",
            "Basic ?",
            "Bearer ",
            "Basic QQ==",
            "Digest x",
        ] {
            assert_eq!(access(Some(bad)), None, "{bad}");
        }
        assert_eq!(access(Some(&format!("Bearer {EXPIRED_TOKEN}"))), None);
        assert_eq!(access(None), None);
    }

    #[test]
    fn a_token_dies_after_its_requests() {
        let tokens = BearerTokens::default();
        tokens.add("t", Some(2));
        let header = Some("Bearer t");
        for _ in 0..2 {
            assert_eq!(principal(&tokens, header), Some(BEARER_TOKEN));
            assert_eq!(authenticate(&tokens, header), Some(Access::Everything));
        }
        assert_eq!(principal(&tokens, header), None);
        assert_eq!(authenticate(&tokens, header), None);
        tokens.add("t", None);
        assert_eq!(authenticate(&tokens, header), Some(Access::Everything));
        tokens.revoke("t");
        assert_eq!(authenticate(&tokens, header), None);
    }
}
