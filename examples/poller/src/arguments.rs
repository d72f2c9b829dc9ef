//! The command line.

use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use confluent_metrics::Client;
use lexopt::{Arg, Parser, ValueExt as _};

const USAGE: &str = "\
usage: poller [--every <seconds>] [--at-most <minutes>] [--emulator] <file> <cluster>...

  --every     the time between two rounds (default: 60)
  --at-most   the longest time that one round covers (default: 360)
  --emulator  polls an emulator of the service, which has lkc-1, lkc-2 and lkc-3";

/// The command line.
pub(crate) struct Arguments {
    /// The file that the points are appended to.
    pub(crate) file: PathBuf,
    /// The ids of the Kafka clusters.
    pub(crate) clusters: Vec<String>,
    /// The time between two rounds.
    pub(crate) every: Duration,
    /// The longest time that one round covers. It bounds the memory after a long pause.
    pub(crate) at_most: Duration,
    /// True if an emulator is polled.
    emulator: bool,
}

/// What has to live as long as the client: the emulator, if there is one.
#[cfg(feature = "emulator")]
pub(crate) type Guard = Option<confluent_metrics_emulator::Emulator>;
#[cfg(not(feature = "emulator"))]
pub(crate) type Guard = ();

impl Arguments {
    /// Parses the arguments of the process.
    pub(crate) fn parse() -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self {
            file: PathBuf::new(),
            clusters: Vec::new(),
            every: Duration::from_secs(60),
            at_most: Duration::from_secs(360 * 60),
            emulator: false,
        };
        let mut parser = Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("every") => {
                    let seconds: f64 = parse_positive(&parser.value()?.string()?)?;
                    arguments.every = Duration::try_from_secs_f64(seconds)?;
                }
                Arg::Long("at-most") => {
                    let minutes: u32 = parse_positive(&parser.value()?.string()?)?;
                    arguments.at_most = Duration::from_secs(60) * minutes;
                }
                Arg::Long("emulator") => arguments.emulator = true,
                Arg::Value(file) if arguments.file.as_os_str().is_empty() => {
                    arguments.file = file.into();
                }
                Arg::Value(cluster) => arguments.clusters.push(cluster.string()?),
                _ => return Err(format!("{}\n{USAGE}", argument.unexpected()).into()),
            }
        }
        if arguments.clusters.is_empty() {
            return Err(format!("missing a file or a cluster\n{USAGE}").into());
        }
        Ok(arguments)
    }

    /// Creates the client.
    pub(crate) fn client(&self) -> Result<(Client, Guard), Box<dyn Error>> {
        if self.emulator {
            return emulator_client();
        }
        Ok((Client::from_env()?, Guard::default()))
    }
}

#[cfg(feature = "emulator")]
fn emulator_client() -> Result<(Client, Guard), Box<dyn Error>> {
    let emulator = confluent_metrics_emulator::Emulator::builder()
        .kafka_cluster("lkc-3")
        .start();
    let credentials =
        confluent_metrics::Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    let client = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .build()?;
    Ok((client, Some(emulator)))
}

#[cfg(not(feature = "emulator"))]
fn emulator_client() -> Result<(Client, Guard), Box<dyn Error>> {
    Err("--emulator needs the feature `emulator`".into())
}

/// Parses a number that is greater than zero.
fn parse_positive<T: FromStr + Default + PartialOrd>(text: &str) -> Result<T, String> {
    match text.parse() {
        Ok(number) if number > T::default() => Ok(number),
        _ => Err(format!("invalid number {text:?}: expected one above zero")),
    }
}
