//! The command line, and the check and the client that it describes.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{self, Write};
use std::str::FromStr;
use std::time::Duration;

use confluent_metrics::check::{Check, Format};
use confluent_metrics::{
    Client, ClientBuilder, Credentials, Error, Filter, Granularity, Interval, Query,
};
use confluent_metrics_emulator::Emulator;
use lexopt::{Arg, Parser, ValueExt};

/// The options that can be repeated. Of any other, a second value would silently replace the first.
const REPEATABLE: [&str; 4] = ["--resource", "--filter", "--group-by", "--expect"];

type CheckSetting = Box<dyn FnOnce(Check) -> Check>;
type ClientSetting = Box<dyn FnOnce(ClientBuilder) -> ClientBuilder>;

/// The parsed command line.
pub(crate) struct Arguments {
    metric: Option<String>,
    /// Labels such as `resource.kafka.id`, each with an id.
    resources: Vec<(String, String)>,
    filters: Vec<Filter>,
    group_by: Vec<String>,
    interval: Interval,
    granularity: Granularity,
    check_settings: Vec<CheckSetting>,
    client_settings: Vec<ClientSetting>,
    emulator: bool,
    pub(crate) format: Format,
    pub(crate) output: Option<String>,
    pub(crate) help: bool,
}

impl Arguments {
    pub(crate) fn parse(mut parser: Parser) -> Result<Self, lexopt::Error> {
        let mut arguments = Self {
            metric: None,
            resources: Vec::new(),
            filters: Vec::new(),
            group_by: Vec::new(),
            interval: Interval::last_hours(1),
            granularity: Granularity::OneMinute,
            check_settings: Vec::new(),
            client_settings: Vec::new(),
            emulator: false,
            format: Format::Text,
            output: None,
            help: false,
        };
        let mut seen = HashSet::new();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long(name) => {
                    let name = format!("--{name}");
                    if !seen.insert(name.clone()) && !REPEATABLE.contains(&name.as_str()) {
                        return Err(format!("{name}: duplicate option").into());
                    }
                    arguments
                        .set(&name, &mut parser)
                        .map_err(|error| format!("{name}: {error}"))?;
                }
                Arg::Value(metric) if arguments.metric.is_none() => {
                    arguments.metric = Some(metric.string()?);
                }
                other => return Err(other.unexpected()),
            }
        }
        if seen.contains("--last") && seen.contains("--interval") {
            return Err("cannot use both --last and --interval".into());
        }
        Ok(arguments)
    }

    /// Returns the check. Can be called once.
    pub(crate) fn check(&mut self) -> Result<Check, String> {
        let metric = self
            .metric
            .as_deref()
            .ok_or("missing METRIC; --help lists the options")?;
        let mut query = Query::new(metric, self.granularity, self.interval);
        if !self.resources.is_empty() {
            query = query.filter(Filter::any(
                self.resources
                    .iter()
                    .map(|(label, id)| Filter::eq(label, id)),
            ));
        }
        for filter in self.filters.drain(..) {
            query = query.filter(filter);
        }
        let mut labels: BTreeSet<&String> = self.group_by.iter().collect();
        // Data of one resource must not hide that another has none.
        let must_have_data = if self.resources.len() > 1 {
            self.resources.as_slice()
        } else {
            &[]
        };
        labels.extend(must_have_data.iter().map(|(label, _)| label));
        let mut check = Check::new(query.group_by(labels));
        for set in self.check_settings.drain(..) {
            check = set(check);
        }
        for (label, id) in must_have_data {
            check = check.expect_labels(label, [id]);
        }
        Ok(check)
    }

    /// Returns the client, and the emulator that it is connected to, if any. Can be called once.
    pub(crate) fn client(&mut self) -> Result<(Client, Option<Emulator>), Error> {
        let emulator = self.emulator.then(Emulator::start);
        let mut builder = match &emulator {
            Some(emulator) => {
                let _ = writeln!(
                    io::stderr(),
                    "metric_gate: using an emulator with made-up data"
                );
                let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
                Client::builder(credentials)
                    .base_url(emulator.url())
                    .root_certificates_pem(emulator.ca_pem())
                    .without_proxy()
            }
            None => Client::builder_from_env()?,
        };
        for set in self.client_settings.drain(..) {
            builder = set(builder);
        }
        Ok((builder.user_agent("metric_gate").build()?, emulator))
    }

    /// Sets one option, reading its value from `parser` if it takes one.
    fn set(&mut self, name: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
        match name {
            "--resource" => self.resources.push(parse_resource(&value(parser)?)?),
            "--filter" => self.filters.push(parse_filter(&value(parser)?)?),
            "--group-by" => {
                let labels = value(parser)?;
                self.group_by.extend(labels.split(',').map(str::to_owned));
            }
            "--last" => self.interval = Interval::last(parse_duration(&value(parser)?)?),
            "--interval" => self.interval = parse(&value(parser)?)?,
            "--granularity" => self.granularity = parse(&value(parser)?)?,
            "--reduce" => self.set_check(parse(&value(parser)?)?, Check::reduce),
            "--warning" => self.set_check(parse(&value(parser)?)?, Check::warning),
            "--critical" => self.set_check(parse(&value(parser)?)?, Check::critical),
            "--quantifier" => self.set_check(parse(&value(parser)?)?, Check::quantifier),
            "--max-age" => self.set_check(parse_duration(&value(parser)?)?, Check::max_age),
            "--min-coverage" => {
                self.set_check(parse_number(&value(parser)?, "0.9")?, Check::min_coverage);
            }
            "--expect" => {
                let (label, values) = parse_pair(&value(parser)?)?;
                let values: Vec<_> = values.split(',').map(str::to_owned).collect();
                self.set_check(values, |check, values| check.expect_labels(label, values));
            }
            "--expect-at-least" => {
                self.set_check(parse_number(&value(parser)?, "3")?, Check::expect_at_least);
            }
            "--on-missing" => self.set_check(parse(&value(parser)?)?, Check::on_missing),
            "--name" => self.set_check(value(parser)?, Check::named),
            "--format" => self.format = parse(&value(parser)?)?,
            "--output" => self.output = Some(value(parser)?),
            "--dataset" => self.set_client(value(parser)?, ClientBuilder::dataset),
            "--base-url" => self.set_client(value(parser)?, ClientBuilder::base_url),
            "--ca-file" => {
                let pem = read_file(&value(parser)?)?;
                self.set_client(pem, ClientBuilder::root_certificates_pem);
            }
            "--deadline" => {
                self.set_client(parse_duration(&value(parser)?)?, ClientBuilder::deadline);
            }
            "--emulator" => self.emulator = true,
            "--help" => self.help = true,
            _ => return Err("unknown option".into()),
        }
        Ok(())
    }

    fn set_check<T: 'static>(&mut self, value: T, set: impl FnOnce(Check, T) -> Check + 'static) {
        self.check_settings
            .push(Box::new(move |check| set(check, value)));
    }

    fn set_client<T: 'static>(
        &mut self,
        value: T,
        set: impl FnOnce(ClientBuilder, T) -> ClientBuilder + 'static,
    ) {
        self.client_settings
            .push(Box::new(move |builder| set(builder, value)));
    }
}

fn value(parser: &mut Parser) -> Result<String, lexopt::Error> {
    parser.value()?.string()
}

/// Parses a type of the library, with the hint of its error.
fn parse<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

fn parse_number<T: FromStr>(text: &str, example: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("invalid number {text:?}: expected one such as {example}"))
}

fn parse_resource(text: &str) -> Result<(String, String), String> {
    let (kind, id) = text.split_once(':').ok_or_else(|| {
        format!("invalid resource {text:?}: expected TYPE:ID, such as kafka:lkc-1")
    })?;
    Ok((format!("resource.{kind}.id"), id.to_owned()))
}

fn parse_filter(text: &str) -> Result<Filter, String> {
    let (label, value) = parse_pair(text)?;
    Ok(match label.strip_suffix('!') {
        Some(label) => !Filter::eq(label, value),
        None => Filter::eq(label, value),
    })
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    // A shell expands an unset variable to an empty value. It would match nothing, and
    // `--on-missing ok` would excuse that.
    match text.split_once('=') {
        Some((label, value)) if !value.is_empty() => Ok((label.to_owned(), value.to_owned())),
        _ => Err(format!("invalid pair {text:?}: expected LABEL=VALUE")),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    for (unit, width) in [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)] {
        let count = text
            .strip_suffix(unit)
            .and_then(|count| count.parse::<u64>().ok());
        if let Some(seconds) = count.and_then(|count| count.checked_mul(width)) {
            return Ok(Duration::from_secs(seconds));
        }
    }
    Err(format!(
        "invalid duration {text:?}: expected a whole number and s, m, h or d, such as 90s"
    ))
}

fn read_file(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {path:?}: {error}"))
}
