//! The hints of errors: what to do about an error response, a failed connection or a timeout.
//!
//! A hint has no period at its end. If it can, it names the method, variable or command that solves
//! the problem. The message of an error, in contrast, says only what the problem is:
//!
//! ```text
//! error   the service returned 401 Unauthorized: "invalid API key"
//! hint    use a Cloud API key (`confluent api-key create --resource cloud`); …
//! ```
//!
//! [`mod@super::error_response`] and [`super::errors`] call these functions. All hints of the
//! transport are here, so that their wording can be compared.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::Error;
use crate::model::filter::Filter;
use crate::request::operation::Operation;
use crate::time::deadline::Deadline;
use crate::time::timestamp::Timestamp;
use crate::transport::config::{TlsRoots, TransportConfig};
use crate::transport::credentials::{Credentials, Scheme};
use crate::transport::proxy::ProxyChoice;
use crate::util::text::sanitize_line;

/// Returns the hint for an error response.
///
/// This is the one table of hints by status and operation. A new operation needs a hint for each
/// status, which the compiler checks.
///
/// Returns `None` if the status says nothing about what the caller could change. Quotes around the
/// credentials come first, because they explain both 401 and 403.
pub(crate) fn status_hint(
    status: u16,
    operation: Operation,
    credentials: &Credentials,
) -> Option<&'static str> {
    match status {
        // Quotes explain both statuses, and the other hints would lead the reader elsewhere.
        401 | 403 if credentials.is_quoted() => Some(
            "remove the quotes around the key, secret or token: \
             its first and last characters are quotes",
        ),
        300..=399 => Some(REDIRECT_HINT),
        400 => Some(bad_request_hint(operation)),
        401 => Some(match credentials.scheme() {
            Scheme::Basic => {
                "use a Cloud API key (`confluent api-key create --resource cloud`); \
                 cluster API keys are rejected"
            }
            Scheme::Bearer => {
                "bearer tokens expire after 15 minutes: request a new one from Confluent's security \
                 token service, or use Credentials::bearer_from, which asks your function for it"
            }
            Scheme::BearerFrom => {
                "check the tokens that the function passed to Credentials::bearer_from returns: \
                 the service rejected two of them in a row, or the same one twice"
            }
        }),
        403 => Some(forbidden_hint(operation)),
        404 => Some(not_found_hint(operation)),
        407 => Some(PROXY_AUTHENTICATION_HINT),
        429 => Some(rate_limited_hint(operation)),
        500 => server_error_hint(operation),
        // A hint that fits any status would say nothing.
        _ => None,
    }
}

/// Returns the hint for status 400: a name in the request is wrong.
const fn bad_request_hint(operation: Operation) -> &'static str {
    match operation {
        Operation::Query => {
            "check the metric and label names (such as metric.topic or resource.kafka.id) and the \
             dataset; Client::metric_descriptors lists the names, \
             and MetricDescriptor::closest_matches suggests corrections"
        }
        Operation::Attributes => {
            "check the label names (such as metric.topic or resource.kafka.id) and that the \
             metric exists in this dataset; Client::metric_descriptors lists both"
        }
        Operation::MetricDescriptors => {
            "check the resource type: Client::resource_descriptors lists the valid ones"
        }
        Operation::ResourceDescriptors => "check the dataset name",
        Operation::Export => {
            "check the resource types and metric names, and that the metrics are exportable; \
             Client::metric_descriptors lists them"
        }
        Operation::Discovery => "check that the ids and the resource type exist in this dataset",
    }
}

/// Returns the hint for status 403: the key lacks a role, or the resource does not exist.
pub(crate) const fn forbidden_hint(operation: Operation) -> &'static str {
    match operation {
        Operation::Query | Operation::Attributes => {
            "filter by a resource, as in .filter(Resource::kafka(\"lkc-…\")), and check its id; \
             use a Cloud API key whose owner has the MetricsViewer role on it \
             (new role bindings can take a few minutes)"
        }
        Operation::MetricDescriptors | Operation::ResourceDescriptors | Operation::Discovery => {
            "use a Cloud API key whose owner has the MetricsViewer role"
        }
        Operation::Export => {
            "check the resource types and ids; use a Cloud API key whose owner has the \
             MetricsViewer role on at least one of them \
             (new role bindings can take a few minutes)"
        }
    }
}

/// Returns the hint for status 404: the dataset does not exist, or lacks the operation.
const fn not_found_hint(operation: Operation) -> &'static str {
    match operation {
        Operation::Query
        | Operation::Attributes
        | Operation::MetricDescriptors
        | Operation::ResourceDescriptors => "check the dataset name",
        Operation::Export | Operation::Discovery => {
            "check the dataset name; not every dataset supports this operation \
             (cloud and cloud-custom do)"
        }
    }
}

/// Returns the hint for status 429. Exports have limits of their own.
const fn rate_limited_hint(operation: Operation) -> &'static str {
    match operation {
        Operation::Query
        | Operation::Attributes
        | Operation::MetricDescriptors
        | Operation::ResourceDescriptors
        | Operation::Discovery => {
            "the limit is shared by all clients behind your IP address: \
             query less often, or over longer intervals"
        }
        Operation::Export => {
            "exports are limited per resource and hour: \
             export less often, or several resources in one request"
        }
    }
}

/// Returns the hint for status 500, which one broken metric of an export may cause.
const fn server_error_hint(operation: Operation) -> Option<&'static str> {
    match operation {
        Operation::Query
        | Operation::Attributes
        | Operation::MetricDescriptors
        | Operation::ResourceDescriptors
        | Operation::Discovery => None,
        Operation::Export => Some(
            "if a single metric fails, ExportRequest::ignore_failed_metrics exports the others \
             and names it",
        ),
    }
}

/// The hint for a resource that the caller has no access to.
pub(crate) const RESOURCE_ACCESS_HINT: &str = "check the id of the resource, and give the owner of the key or token the MetricsViewer role \
     on it (a new role binding or resource can take a few minutes)";

/// Returns an error with the filter in its hint, if the filter is what the service rejected.
///
/// The response does not say which resource it rejected, and the name of a check may say another.
pub(crate) fn with_filter_hint(
    error: Error,
    operation: Operation,
    filter: Option<&Filter>,
) -> Error {
    match filter {
        Some(filter) if error.hint() == Some(forbidden_hint(operation)) => {
            let filter = sanitize_line(&filter.to_string(), MAX_FILTER_LEN);
            error.with_hint(format!(
                "check the ids in the filter, {filter}, and give the owner of the key or token \
                 the MetricsViewer role on them \
                 (a new role binding or resource can take a few minutes)"
            ))
        }
        _ => error,
    }
}

/// The most characters of a filter in a hint.
const MAX_FILTER_LEN: usize = 200;

/// The hint for a redirect that is not followed.
const REDIRECT_HINT: &str = "check the base URL (ClientBuilder::base_url, \
     CONFLUENT_METRICS_BASE_URL) and whether the network requires a login in a browser";

/// The hint for a token provider that fails.
pub(crate) const TOKEN_PROVIDER_HINT: &str =
    "see the cause: the function passed to Credentials::bearer_from returned this error";

/// The hint for a proxy that requires a user name and password.
pub(crate) const PROXY_AUTHENTICATION_HINT: &str =
    "the proxy requires authentication: http://user:password@host:port";

/// The hint for a proxy that rejects a tunnel to the service.
pub(crate) const PROXY_TUNNEL_HINT: &str =
    "check that the proxy is the right one and allows connections to the service";

/// Returns the hint for a connection that cannot be opened.
///
/// With a proxy only the proxy matters, since this machine connects to nothing else.
pub(crate) const fn connect_hint(config: &TransportConfig) -> &'static str {
    match config.proxy {
        ProxyChoice::Through(_) => {
            "check the proxy URL (ClientBuilder::proxy, HTTPS_PROXY, ALL_PROXY) \
             and that the proxy is running"
        }
        ProxyChoice::Direct | ProxyChoice::Invalid(_) => {
            "check the base URL (ClientBuilder::base_url, CONFLUENT_METRICS_BASE_URL) \
             and whether a proxy is required (ClientBuilder::proxy, HTTPS_PROXY)"
        }
    }
}

/// Returns the hint for a response that the service asks to wait for longer than the deadline.
///
/// The suggested deadline includes the time that has passed and is rounded up to a second.
pub(crate) fn deadline_hint(delay: Duration, deadline: &Deadline) -> String {
    // Rounded up, so that the time is enough.
    let seconds = (deadline.elapsed() + delay).as_secs() + 1;
    format!("retry later, or set ClientBuilder::deadline above {seconds} s to wait")
}

/// The cause of a failed TLS handshake, as far as the text of its error shows it.
///
/// Every variant has a hint of its own in [`tls_hint`].
#[derive(Clone, Copy, Debug, PartialEq)]
enum HandshakeFailure {
    /// The certificate was valid in the past, or this machine's clock is ahead.
    Expired,
    /// The certificate becomes valid later, or this machine's clock is behind.
    NotYetValid,
    /// The certificate is valid for other hosts only.
    WrongHost,
    /// No trusted root certificate signed the certificate.
    UnknownIssuer,
    /// The two sides share no TLS version or no cipher suite.
    NoCommonVersion,
    /// Any other failure, such as an invalid certificate.
    Other,
}

/// The beginnings of the texts of
/// [`rustls::Error`](https://docs.rs/rustls/0.23/rustls/enum.Error.html).
///
/// To name the type itself would take a direct dependency on rustls. The rest of a text may quote
/// the certificate, so only the beginning counts.
#[rustfmt::skip]
const HANDSHAKE_FAILURES: [(&str, HandshakeFailure); 10] = [
    ("invalid peer certificate: certificate expired", HandshakeFailure::Expired),
    ("invalid peer certificate: Expired", HandshakeFailure::Expired),
    ("invalid peer certificate: certificate not valid yet", HandshakeFailure::NotYetValid),
    ("invalid peer certificate: NotValidYet", HandshakeFailure::NotYetValid),
    ("invalid peer certificate: certificate not valid for name", HandshakeFailure::WrongHost),
    ("invalid peer certificate: NotValidForName", HandshakeFailure::WrongHost),
    ("invalid peer certificate: UnknownIssuer", HandshakeFailure::UnknownIssuer),
    // The issuer has the name of a trusted certificate, but another key.
    ("invalid peer certificate: BadSignature", HandshakeFailure::UnknownIssuer),
    ("received fatal alert: ProtocolVersion", HandshakeFailure::NoCommonVersion),
    ("peer is incompatible: ", HandshakeFailure::NoCommonVersion),
];

impl HandshakeFailure {
    /// Finds the first entry of [`HANDSHAKE_FAILURES`] with which the text begins.
    ///
    /// ureq puts `rustls: ` before the text of some errors, which is skipped.
    fn from_error_text(text: &str) -> Self {
        // ureq puts its own prefix before some errors of rustls.
        let text = text.strip_prefix("rustls: ").unwrap_or(text);
        HANDSHAKE_FAILURES
            .iter()
            .find(|(beginning, _)| text.starts_with(beginning))
            .map_or(Self::Other, |(_, failure)| *failure)
    }
}

/// Returns the hint for a TLS handshake that failed with an error with this text.
pub(crate) fn tls_hint(error_text: &str, roots: &TlsRoots) -> Cow<'static, str> {
    match HandshakeFailure::from_error_text(error_text) {
        HandshakeFailure::Expired => clock_hint("has expired").into(),
        HandshakeFailure::NotYetValid => clock_hint("is not valid yet").into(),
        HandshakeFailure::WrongHost => {
            "check the host of the base URL (ClientBuilder::base_url, CONFLUENT_METRICS_BASE_URL), \
             and that no proxy or login page responds in its place: \
             the certificate is for another host"
                .into()
        }
        HandshakeFailure::UnknownIssuer => issuer_hint(roots).into(),
        HandshakeFailure::NoCommonVersion => {
            "enable TLS 1.2 or 1.3 with a current cipher suite on the server, \
             or on the proxy that responds in its place"
                .into()
        }
        HandshakeFailure::Other => "check this machine's clock, the host and port of the base \
             URL, and the issuer of the server's certificate"
            .into(),
    }
}

/// Returns the hint for a certificate that is valid at another time.
///
/// `problem` follows "the server's certificate". The hint shows the time, because a wrong clock is
/// as likely as an expired certificate.
fn clock_hint(problem: &str) -> String {
    let now = Timestamp::now().floor_to_ms(1000);
    format!(
        "check this machine's clock, which reads {now}: if it is right, \
         the server's certificate {problem} and must be replaced"
    )
}

/// Returns the hint for a certificate whose issuer is not trusted.
///
/// It depends on the features, because the hint must not name a method that the build lacks.
const fn issuer_hint(roots: &TlsRoots) -> &'static str {
    match roots {
        #[cfg(not(feature = "platform-verifier"))]
        TlsRoots::BuiltIn => {
            "for a private CA or a proxy that inspects TLS, \
             pass the certificate of that CA to ClientBuilder::root_certificates_pem \
             or CONFLUENT_METRICS_CA_FILE"
        }
        #[cfg(feature = "platform-verifier")]
        TlsRoots::BuiltIn => {
            "for a private CA or a proxy that inspects TLS, \
             pass the certificate of that CA to ClientBuilder::root_certificates_pem \
             or CONFLUENT_METRICS_CA_FILE, or call ClientBuilder::platform_verifier \
             if the operating system trusts it"
        }
        TlsRoots::Custom(_) => {
            "add the certificate of the issuer to the custom root certificates: \
             none of them signed the server's certificate"
        }
        #[cfg(feature = "platform-verifier")]
        TlsRoots::Platform => {
            "install the certificate of the issuer in the trust store of the operating system, \
             or pass it to ClientBuilder::root_certificates_pem or CONFLUENT_METRICS_CA_FILE"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_the_error_text_shows_why_a_handshake_failed() {
        use HandshakeFailure::{
            Expired, NoCommonVersion, NotYetValid, Other, UnknownIssuer, WrongHost,
        };

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
            assert_eq!(HandshakeFailure::from_error_text(text), failure, "{text}");
        }
    }
}
