//! The settings of a transport, and the settings of ureq that follow from them.
//!
//! `ClientBuilder::build` validates what the caller sets and fills a [`TransportConfig`]. Nothing
//! changes it later. [`Transport`](super::Transport) owns it and passes it to the functions that
//! build errors, because their messages name a limit or the destination:
//!
//! ```text
//! without a proxy   https://api.telemetry.confluent.cloud
//! with a proxy      https://api.telemetry.confluent.cloud via proxy 10.0.0.5:3128
//! ```

use std::time::Duration;

use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::Error;
use crate::transport::credentials::Credentials;
use crate::transport::pem::parse_certificates;
use crate::transport::proxy::ProxyChoice;
use crate::transport::url::BaseUrl;

/// The settings of a transport. All of them are validated before.
///
/// The two timeouts are within the deadline of a call:
///
/// ```text
/// deadline          |------------------------------------------|
/// attempt_timeout   |---- attempt 1 ----| delay |- attempt 2 -|
/// connect_timeout   |------|                    |------|
/// ```
pub(crate) struct TransportConfig {
    /// The origin and path prefix of every request. Redirects to other origins fail.
    pub(crate) base: BaseUrl,
    /// The API key or token that every request sends, with the redactor that hides it in errors.
    pub(crate) credentials: Credentials,
    /// The longest time from a request to the end of its response.
    ///
    /// The deadline of the call limits all attempts together. It is an argument of each call.
    pub(crate) attempt_timeout: Duration,
    /// The longest time to open a connection: name lookup, TCP, proxy and TLS.
    pub(crate) connect_timeout: Duration,
    /// The number of retries of one request.
    ///
    /// Zero means a single attempt. The repeat after a stale idle connection is not counted.
    pub(crate) max_retries: u32,
    /// The largest body, after decompression.
    /// A larger body is an error of the kind `TooLarge`, so that no response exhausts the memory.
    pub(crate) max_response_bytes: u64,
    /// The route of connections. An invalid proxy in the environment makes every request fail.
    pub(crate) proxy: ProxyChoice,
    /// The root certificates that the certificate of the server is verified with.
    pub(crate) tls_roots: TlsRoots,
    /// The value of the `User-Agent` header.
    pub(crate) user_agent: String,
}

/// The root certificates that a client trusts.
pub(crate) enum TlsRoots {
    /// Mozilla's root certificates, from the crate `webpki-roots`.
    BuiltIn,
    /// Only the certificates that the caller passes.
    Custom(RootCerts),
    /// The trust store of the operating system.
    #[cfg(feature = "platform-verifier")]
    Platform,
}

/// The number of idle connections to keep.
///
/// ureq keeps three for each host, so that more threads than that would open new connections all
/// the time. There is one host, so this is more than any number of threads that is useful.
const MAX_IDLE_CONNECTIONS: usize = 64;

impl TransportConfig {
    /// Returns the settings of the HTTP client.
    ///
    /// Redirects and error statuses are left to this crate. ureq therefore returns every response
    /// with a status as `Ok`, and `Err` means that there is no usable response.
    pub(crate) fn to_ureq_config(&self) -> Config {
        let tls = TlsConfig::builder()
            .root_certs(self.tls_roots.to_root_certs())
            .build();
        let proxy = match &self.proxy {
            ProxyChoice::Direct | ProxyChoice::Invalid(_) => None,
            ProxyChoice::Through(proxy) => Some(proxy.clone()),
        };
        Agent::config_builder()
            // The credentials must never be sent without TLS.
            .https_only(true)
            // ureq would drop the body of an error response, which says what is wrong.
            .http_status_as_error(false)
            // ureq would follow a redirect without the body and the credentials.
            .max_redirects(0)
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .tls_config(tls)
            .user_agent(&self.user_agent)
            .timeout_connect(Some(self.connect_timeout))
            .timeout_global(Some(self.attempt_timeout))
            .proxy(proxy)
            .build()
    }

    /// Returns the destination of requests for error messages. It names the proxy, if any, because
    /// the proxy may have caused the error.
    ///
    /// The user name and password of a proxy are not part of it.
    pub(crate) fn destination(&self) -> String {
        let origin = self.base.origin();
        match &self.proxy {
            ProxyChoice::Through(proxy) => {
                format!("{origin} via proxy {}:{}", proxy.host(), proxy.port())
            }
            _ => origin.to_owned(),
        }
    }
}

impl TlsRoots {
    /// Trusts the certificates in `pem`, and no others.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, if a certificate cannot be parsed or there is none.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let certificates = parse_certificates(pem)?;
        let certificates = certificates
            .iter()
            .map(|der| Certificate::from_der(der).to_owned());
        Ok(Self::Custom(RootCerts::from(certificates)))
    }

    /// Returns the same choice in ureq's type.
    fn to_root_certs(&self) -> RootCerts {
        match self {
            Self::BuiltIn => RootCerts::WebPki,
            Self::Custom(roots) => roots.clone(),
            #[cfg(feature = "platform-verifier")]
            Self::Platform => RootCerts::PlatformVerifier,
        }
    }
}
