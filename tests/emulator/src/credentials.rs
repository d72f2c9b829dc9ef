//! The credentials of callers, and their access to resources.

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

impl Access {
    /// Parses an `Authorization` header. `None` if the credentials are invalid.
    pub(crate) fn from_header(header: Option<&str>) -> Option<Self> {
        caller(header).map(|(_, access)| access)
    }

    /// Returns true if the caller can read a resource.
    pub(crate) fn allows(self, label: &str, id: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(own, only) => label == own && id == only,
            Self::Nothing => false,
        }
    }
}

/// Returns the name for the rate limits of a caller. `None` if the credentials are invalid.
pub(crate) fn principal(header: Option<&str>) -> Option<&'static str> {
    caller(header).map(|(principal, _)| principal)
}

fn caller(header: Option<&str>) -> Option<(&'static str, Access)> {
    let (scheme, rest) = header?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("Bearer") {
        return (rest.trim() == BEARER_TOKEN).then_some((BEARER_TOKEN, Access::Everything));
    }
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = STANDARD.decode(rest.trim()).ok()?;
    let pair = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    match pair {
        _ if pair == API_KEY => Some((API_KEY.0, Access::Everything)),
        _ if pair == READER_KEY => Some((READER_KEY.0, Access::Only("resource.kafka.id", "lkc-1"))),
        _ if pair == UNPRIVILEGED_KEY => Some((UNPRIVILEGED_KEY.0, Access::Nothing)),
        // A cluster key is valid for its cluster, but not for this service.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic((key, secret): (&str, &str)) -> Option<Access> {
        Access::from_header(Some(&format!(
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
            Access::from_header(Some(&format!("bearer {BEARER_TOKEN}"))),
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
            assert_eq!(Access::from_header(Some(bad)), None, "{bad}");
        }
        assert_eq!(
            Access::from_header(Some(&format!("Bearer {EXPIRED_TOKEN}"))),
            None
        );
        assert_eq!(Access::from_header(None), None);
    }
}
