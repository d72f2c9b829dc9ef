//! The settings of [`ClientBuilder`] for connections: the proxy and the root certificates.

use crate::client::builder::ClientBuilder;
use crate::client::settings::{ProxySetting, RootsSetting};

impl ClientBuilder {
    /// Sends requests through an HTTP proxy, such as `http://user:password@host:port`.
    ///
    /// The proxy is used for every host, even if `NO_PROXY` lists it. The port defaults to 1080, as
    /// in curl, and to 443 for an `https://` proxy. SOCKS proxies are not supported.
    ///
    /// Defaults to the proxy of the environment, read as curl does: the first of `https_proxy`,
    /// `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that is set and not empty. `HTTP_PROXY` is
    /// ignored because every request is HTTPS. `no_proxy` or `NO_PROXY` can exclude the host of the
    /// base URL: by its name, a parent domain, its IP address, or a network such as `10.0.0.0/8`.
    /// A single `*` excludes every host.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.proxy("http://proxy.example:3128");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySetting::Url(url.into());
        self
    }

    /// Connects directly, and ignores the proxy of the environment.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.without_proxy();
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxySetting::Direct;
        self
    }

    /// Trusts the root certificates in a PEM text, and no others.
    ///
    /// Text around the certificates is ignored. [`build`](Self::build) fails if the text has no
    /// certificate, or one that cannot be read.
    ///
    /// Defaults to the bundled Mozilla root certificates.
    ///
    /// ```no_run
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let pem = std::fs::read("/etc/ssl/company-ca.pem")?;
    /// let builder = builder.root_certificates_pem(pem);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = RootsSetting::Pem(pem.into());
        self
    }

    /// Trusts the root certificates of the operating system, including private CAs.
    ///
    /// ```no_run
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.platform_verifier();
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[cfg(feature = "platform-verifier")]
    #[cfg_attr(docsrs, doc(cfg(feature = "platform-verifier")))]
    pub fn platform_verifier(mut self) -> Self {
        self.roots = RootsSetting::Platform;
        self
    }
}
