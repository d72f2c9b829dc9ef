//! Settings of a client that are checked when it is built.
//!
//! The setters of the builder cannot fail. They store what the caller passed, and `build` reports
//! the first invalid setting.

use std::time::Duration;

use crate::error::Error;
use crate::transport::config::TlsRoots;
use crate::transport::proxy::ProxyChoice;
use crate::transport::url::BaseUrl;

/// The upper bound of timeouts. An `Instant` can be that far in the future on every platform.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The proxy that the caller chose.
#[derive(Clone)]
pub(crate) enum ProxySetting {
    Environment,
    Direct,
    Url(String),
}

/// The root certificates that the caller chose.
#[derive(Clone)]
pub(crate) enum RootsSetting {
    BuiltIn,
    Pem(Vec<u8>),
    #[cfg(feature = "platform-verifier")]
    Platform,
}

impl ProxySetting {
    /// Returns the proxy to use for the service at `base`.
    pub(crate) fn resolve(&self, base: &BaseUrl) -> Result<ProxyChoice, Error> {
        match self {
            Self::Environment => match ProxyChoice::from_env(base) {
                ProxyChoice::Invalid(invalid) => Err(invalid.to_error()),
                choice => Ok(choice),
            },
            Self::Direct => Ok(ProxyChoice::Direct),
            Self::Url(url) => ProxyChoice::from_url(url),
        }
    }
}

impl RootsSetting {
    /// Parses the certificates.
    pub(crate) fn parse(&self) -> Result<TlsRoots, Error> {
        match self {
            Self::BuiltIn => Ok(TlsRoots::BuiltIn),
            Self::Pem(pem) => TlsRoots::from_pem(pem),
            #[cfg(feature = "platform-verifier")]
            Self::Platform => Ok(TlsRoots::Platform),
        }
    }
}

/// Returns an error if a text cannot be the name of a dataset.
pub(crate) fn require_dataset_name(dataset: &str) -> Result<(), Error> {
    // A dataset is a segment of the path, which `.` and `..` would change.
    if matches!(dataset, "" | "." | "..") {
        return Err(Error::invalid_input(format!(
            "invalid dataset name {dataset:?}"
        )));
    }
    Ok(())
}

/// Returns an error if a timeout is zero.
pub(crate) fn require_positive(name: &str, timeout: Duration) -> Result<(), Error> {
    if timeout.is_zero() {
        return Err(Error::invalid_input(format!(
            "{name} must be greater than zero"
        )));
    }
    Ok(())
}

/// The value of the `User-Agent` header without the name of a program.
pub(crate) const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// Returns the value of the `User-Agent` header for a program, if it is valid.
pub(crate) fn user_agent(product: Option<&str>) -> Result<String, Error> {
    let Some(product) = product else {
        return Ok(USER_AGENT.to_owned());
    };
    // Other bytes could end the header line (RFC 9110, section 5.5).
    let is_printable = product
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if product.is_empty() || !is_printable {
        return Err(Error::invalid_input(
            "user agent must be non-empty printable ASCII",
        ));
    }
    // The product of the program is first, as the most significant one (RFC 9110, section 10.1.5).
    Ok(format!("{product} {USER_AGENT}"))
}
