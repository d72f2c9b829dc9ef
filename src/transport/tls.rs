//! Trusted root certificates, and hints for TLS handshakes that fail.

use std::borrow::Cow;

use ureq::tls::{Certificate, RootCerts};

use crate::error::Error;
use crate::time::timestamp::Timestamp;
use crate::transport::pem::parse_certificates;

/// The root certificates that a client trusts.
pub(crate) enum TlsRoots {
    BuiltIn,
    Custom(RootCerts),
    #[cfg(feature = "platform-verifier")]
    Platform,
}

/// The reason for which a handshake failed, as far as the text of its error tells.
#[derive(Clone, Copy, Debug, PartialEq)]
enum HandshakeFailure {
    Expired,
    NotYetValid,
    WrongHost,
    UnknownIssuer,
    NoCommonVersion,
    Other,
}

/// The starts of the texts of `rustls::Error`, a type that only a dependency on rustls could name.
///
/// The rest of a text may quote the certificate, so only its start decides.
const FAILURES: [(&str, HandshakeFailure); 10] = [
    (
        "invalid peer certificate: certificate expired",
        HandshakeFailure::Expired,
    ),
    (
        "invalid peer certificate: Expired",
        HandshakeFailure::Expired,
    ),
    (
        "invalid peer certificate: certificate not valid yet",
        HandshakeFailure::NotYetValid,
    ),
    (
        "invalid peer certificate: NotValidYet",
        HandshakeFailure::NotYetValid,
    ),
    (
        "invalid peer certificate: certificate not valid for name",
        HandshakeFailure::WrongHost,
    ),
    (
        "invalid peer certificate: NotValidForName",
        HandshakeFailure::WrongHost,
    ),
    (
        "invalid peer certificate: UnknownIssuer",
        HandshakeFailure::UnknownIssuer,
    ),
    // The issuer has the name of a trusted one, but another key.
    (
        "invalid peer certificate: BadSignature",
        HandshakeFailure::UnknownIssuer,
    ),
    (
        "received fatal alert: ProtocolVersion",
        HandshakeFailure::NoCommonVersion,
    ),
    ("peer is incompatible: ", HandshakeFailure::NoCommonVersion),
];

const WRONG_HOST_HINT: &str = "check the host of the base URL (ClientBuilder::base_url, CONFLUENT_METRICS_BASE_URL), \
     and that no proxy or login page answers in its place: the certificate is for another host";

const NO_COMMON_VERSION_HINT: &str = "enable TLS 1.2 or 1.3 with a current cipher suite on the server, \
     or on the proxy that answers in its place";

const OTHER_HINT: &str = "check this machine's clock, the host and port of the base URL, \
     and the issuer of the server's certificate";

impl TlsRoots {
    /// Trusts the certificates in `pem`, and no others.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let certificates = parse_certificates(pem)?;
        let certificates = certificates
            .iter()
            .map(|der| Certificate::from_der(der).to_owned());
        Ok(Self::Custom(RootCerts::from(certificates)))
    }

    pub(crate) fn to_root_certs(&self) -> RootCerts {
        match self {
            Self::BuiltIn => RootCerts::WebPki,
            Self::Custom(roots) => roots.clone(),
            #[cfg(feature = "platform-verifier")]
            Self::Platform => RootCerts::PlatformVerifier,
        }
    }

    /// Returns what to do about a handshake that failed with the error `cause`.
    pub(crate) fn hint(&self, cause: &str) -> Cow<'static, str> {
        match HandshakeFailure::from_text(cause) {
            HandshakeFailure::Expired => clock_hint("has expired").into(),
            HandshakeFailure::NotYetValid => clock_hint("is not valid yet").into(),
            HandshakeFailure::WrongHost => WRONG_HOST_HINT.into(),
            HandshakeFailure::UnknownIssuer => self.issuer_hint().into(),
            HandshakeFailure::NoCommonVersion => NO_COMMON_VERSION_HINT.into(),
            HandshakeFailure::Other => OTHER_HINT.into(),
        }
    }

    fn issuer_hint(&self) -> &'static str {
        match self {
            #[cfg(not(feature = "platform-verifier"))]
            Self::BuiltIn => {
                "if the service is reached through a private CA or a proxy that inspects TLS, \
                 pass the certificate of that CA to ClientBuilder::root_certificates_pem \
                 or CONFLUENT_METRICS_CA_FILE"
            }
            #[cfg(feature = "platform-verifier")]
            Self::BuiltIn => {
                "if the service is reached through a private CA or a proxy that inspects TLS, \
                 pass the certificate of that CA to ClientBuilder::root_certificates_pem \
                 or CONFLUENT_METRICS_CA_FILE, or call ClientBuilder::platform_verifier \
                 if the operating system trusts it"
            }
            Self::Custom(_) => {
                "add the certificate of the issuer to the root certificates that the client was \
                 given: none of them signed the server's certificate"
            }
            #[cfg(feature = "platform-verifier")]
            Self::Platform => {
                "install the certificate of the issuer in the trust store of the operating system, \
                 or pass it to ClientBuilder::root_certificates_pem or CONFLUENT_METRICS_CA_FILE"
            }
        }
    }
}

impl HandshakeFailure {
    fn from_text(text: &str) -> Self {
        let text = text.strip_prefix("rustls: ").unwrap_or(text);
        let failure = FAILURES.iter().find(|(start, _)| text.starts_with(start));
        failure.map_or(Self::Other, |(_, failure)| *failure)
    }
}

fn clock_hint(problem: &str) -> String {
    let now = Timestamp::now().floor_to_ms(1000);
    format!(
        "check this machine's clock, which says {now}: if it is right, \
         the certificate of the server {problem} and has to be replaced"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_the_text_tells_why_a_handshake_failed() {
        use HandshakeFailure::*;

        for (text, failure) in [
            ("invalid peer certificate: Expired", Expired),
            ("rustls: invalid peer certificate: NotValidYet", NotYetValid),
            ("invalid peer certificate: NotValidForName", WrongHost),
            (
                "invalid peer certificate: certificate not valid for name \"a.example\"; \
                 certificate is only valid for DnsName(\"invalid peer certificate: UnknownIssuer\")",
                WrongHost,
            ),
            ("invalid peer certificate: BadSignature", UnknownIssuer),
            (
                "peer is incompatible: ServerDoesNotSupportTls12Or13",
                NoCommonVersion,
            ),
            ("received fatal alert: HandshakeFailure", Other),
            ("invalid peer certificate: BadEncoding", Other),
            ("certificate is UnknownIssuer", Other),
            ("", Other),
        ] {
            assert_eq!(HandshakeFailure::from_text(text), failure, "{text}");
        }
    }
}
