//! Clients that are configured by environment variables.
//!
//! ```text
//! CONFLUENT_METRICS_BASE_URL   https://api.telemetry.confluent.cloud
//! CONFLUENT_METRICS_CA_FILE    /etc/ssl/proxy.pem
//! ```

use std::path::Path;

use crate::client::Client;
use crate::client::builder::ClientBuilder;
use crate::error::Error;
use crate::transport::config::TlsRoots;
use crate::transport::credentials::Credentials;
use crate::transport::url::BaseUrl;
use crate::util::text::sanitize_line;

/// The environment variables that configure a client, apart from those of the credentials.
const BASE_URL: &str = "CONFLUENT_METRICS_BASE_URL";
/// The PEM file with root certificates.
const CA_FILE: &str = "CONFLUENT_METRICS_CA_FILE";

impl Client {
    /// Creates a client from environment variables.
    ///
    /// [`Credentials::from_env`] reads the API key. Two more variables are optional, and ignored if
    /// empty:
    ///
    /// - `CONFLUENT_METRICS_BASE_URL`: the [base URL](ClientBuilder::base_url).
    /// - `CONFLUENT_METRICS_CA_FILE`: a PEM file with
    ///   [root certificates](ClientBuilder::root_certificates_pem).
    ///
    /// So every program that calls this function can be run against an emulator.
    ///
    /// # Example
    ///
    /// ```no_run
    /// use confluent_metrics::Client;
    ///
    /// let client = Client::from_env()?;
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no API key, or if the value of
    /// a variable is invalid.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder_from_env()?.build()
    }

    /// Returns the builder that [`from_env`](Self::from_env) uses, so that settings can be added.
    ///
    /// # Example
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Client;
    ///
    /// let builder = Client::builder_from_env()?;
    /// let client = builder.deadline(Duration::from_secs(60)).build()?;
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`from_env`](Self::from_env).
    pub fn builder_from_env() -> Result<ClientBuilder, Error> {
        Self::builder(Credentials::from_env()?).endpoint_from_env()
    }
}

impl ClientBuilder {
    /// Sets the base URL and the root certificates from environment variables.
    ///
    /// They are the variables of [`Client::from_env`] other than the API key. Use it with
    /// credentials from elsewhere, such as [`Credentials::bearer_from`]. A variable that is unset
    /// or empty changes nothing.
    ///
    /// # Example
    ///
    /// ```no_run
    /// use confluent_metrics::{Client, Credentials};
    ///
    /// let credentials = Credentials::bearer_from(|| Ok(std::fs::read_to_string("token")?));
    /// let client = Client::builder(credentials).endpoint_from_env()?.build()?;
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the value of a variable is invalid.
    pub fn endpoint_from_env(self) -> Result<Self, Error> {
        let mut builder = self;
        if let Some(url) = std::env::var_os(BASE_URL).filter(|url| !url.is_empty()) {
            let url = url
                .into_string()
                .map_err(|_| Error::invalid_input(format!("{BASE_URL} is not valid Unicode")))?;
            // `build` checks it too, but does not know the name of the variable.
            BaseUrl::parse(&url).map_err(|error| error.with_note(&format!("set by {BASE_URL}")))?;
            builder = builder.base_url(url);
        }
        if let Some(file) = std::env::var_os(CA_FILE).filter(|file| !file.is_empty()) {
            // A path need not be Unicode, so the variable is read as an `OsString`.
            let pem = std::fs::read(&file).map_err(|error| {
                let file = sanitize_line(&Path::new(&file).to_string_lossy(), 200);
                Error::invalid_input(format!("cannot read {file} (set by {CA_FILE})"))
                    .with_source(error)
            })?;
            TlsRoots::from_pem(&pem)
                .map_err(|error| error.with_note(&format!("set by {CA_FILE}")))?;
            builder = builder.root_certificates_pem(pem);
        }
        Ok(builder)
    }
}
