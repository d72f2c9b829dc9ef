//! The client that the options describe, and the emulator if they ask for one.

use std::fs;
use std::time::Duration;

use confluent_metrics::{Client, ClientBuilder, Error};

use crate::arguments::Arguments;
#[cfg(feature = "emulator")]
use crate::message;

/// The settings of a client.
#[derive(Debug)]
pub(crate) struct Connection {
    dataset: Option<String>,
    base_url: Option<String>,
    root_certificates: Option<Vec<u8>>,
    retention: Option<Duration>,
    deadline: Option<Duration>,
    emulator: bool,
}

/// What must live as long as the client is used.
#[cfg(feature = "emulator")]
pub(crate) type Guard = Option<confluent_metrics_emulator::Emulator>;
/// What must live as long as the client is used: nothing without an emulator.
#[cfg(not(feature = "emulator"))]
pub(crate) type Guard = ();

impl Connection {
    /// Reads the settings and the files that they name.
    pub(crate) fn new(arguments: &Arguments) -> Result<Self, Vec<String>> {
        let emulator = arguments.is_set("emulator");
        if emulator && !cfg!(feature = "emulator") {
            let fault = "--emulator: built without the feature `emulator`";
            return Err(vec![fault.to_owned()]);
        }
        let root_certificates = arguments.value("ca-file").map(read_file).transpose();
        Ok(Self {
            dataset: arguments.value("dataset").map(str::to_owned),
            base_url: arguments.value("base-url").map(str::to_owned),
            root_certificates: root_certificates
                .map_err(|error| vec![format!("--ca-file: {error}")])?,
            retention: arguments.duration("retention")?,
            deadline: arguments.duration("deadline")?,
            emulator,
        })
    }

    /// Returns the client, and what it needs.
    pub(crate) fn client(&self) -> Result<(Client, Guard), Error> {
        let (mut builder, guard) = builder(self.emulator)?;
        if let Some(name) = &self.dataset {
            builder = builder.dataset(name);
        }
        if let Some(url) = &self.base_url {
            builder = builder.base_url(url);
        }
        if let Some(pem) = &self.root_certificates {
            builder = builder.root_certificates_pem(pem.as_slice());
        }
        if let Some(retention) = self.retention {
            builder = builder.retention(retention);
        }
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        Ok((builder.user_agent("metric_gate").build()?, guard))
    }
}

/// Returns a client of the service, or of an emulator that is started.
#[cfg(feature = "emulator")]
fn builder(emulator: bool) -> Result<(ClientBuilder, Guard), Error> {
    use confluent_metrics::Credentials;
    use confluent_metrics_emulator::Emulator;

    if !emulator {
        return Ok((Client::builder_from_env()?, None));
    }
    let emulator = Emulator::start();
    message::print("using an emulator with made-up data");
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    let builder = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy();
    Ok((builder, Some(emulator)))
}

/// Returns a client of the service. Without the feature, `--emulator` is refused before.
#[cfg(not(feature = "emulator"))]
fn builder(_emulator: bool) -> Result<(ClientBuilder, Guard), Error> {
    Ok((Client::builder_from_env()?, ()))
}

fn read_file(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {path:?}: {error}"))
}
