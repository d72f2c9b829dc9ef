//! The settings of a transport, and the settings of ureq that follow from them.

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
pub(crate) struct TransportConfig {
    pub(crate) base: BaseUrl,
    pub(crate) credentials: Credentials,
    /// The longest time from a request to the end of its response.
    pub(crate) attempt_timeout: Duration,
    /// The longest time to open a connection: name lookup, TCP, proxy and TLS.
    pub(crate) connect_timeout: Duration,
    /// The number of retries of one request.
    pub(crate) max_retries: u32,
    /// The largest body, after decompression.
    pub(crate) max_response_bytes: u64,
    pub(crate) proxy: ProxyChoice,
    pub(crate) tls_roots: TlsRoots,
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
    pub(crate) fn to_ureq_config(&self) -> Config {
        let tls = TlsConfig::builder()
            .root_certs(self.tls_roots.to_root_certs())
            .build();
        let proxy = match &self.proxy {
            ProxyChoice::Direct | ProxyChoice::Invalid(_) => None,
            ProxyChoice::Through(proxy) => Some(proxy.clone()),
        };
        Agent::config_builder()
            .https_only(true)
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
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let certificates = parse_certificates(pem)?;
        let certificates = certificates
            .iter()
            .map(|der| Certificate::from_der(der).to_owned());
        Ok(Self::Custom(RootCerts::from(certificates)))
    }

    fn to_root_certs(&self) -> RootCerts {
        match self {
            Self::BuiltIn => RootCerts::WebPki,
            Self::Custom(roots) => roots.clone(),
            #[cfg(feature = "platform-verifier")]
            Self::Platform => RootCerts::PlatformVerifier,
        }
    }
}
