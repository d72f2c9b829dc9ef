//! Exits by a metric: 0 where it is fine, 1 for a warning, 2 where it is critical, 3 where nobody can tell.
//!
//! `cargo install --path . --example metric_gate` makes it a command. How it judges: see `confluent_metrics::check`.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use confluent_metrics::check::{Check, Format, Report};
use confluent_metrics::{Client, ClientBuilder, Credentials, Filter, Granularity, Interval, Query};
use confluent_metrics_emulator::Emulator;
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
Exits by a metric of Confluent Cloud: 0 fine, 1 warning, 2 critical, 3 unknown.

Usage: metric_gate METRIC --resource TYPE:ID --critical RANGE [OPTION]...

What is asked:
  --resource TYPE:ID       such as kafka:lkc-1234; repeated, each is judged, and has to have data
  --filter LABEL=VALUE     only what has this label; or LABEL!=VALUE; repeated, all have to hold
  --group-by LABEL,...     judge a series for each set of values; repeated, labels are added
  --last DURATION          the last 15m, 1h or 2d of settled buckets (default: 1h)
  --interval INTERVAL      another window: since/2026-01-01T12:34:56Z, retained (all that is left),
                           within/START/END, or in ISO 8601: now-2h/now, 2026-01-01T00:00:00Z/PT6H
  --granularity WIDTH      PT1M (default), PT5M, PT15M, PT30M, PT1H, PT4H, PT6H, PT12H, P1D, ALL

What is judged:
  --reduce HOW             last (default), min, max, mean, sum, or rate, per second of a counter
  --warning RANGE          what is good: 10 is 0 to 10, 10: at least 10, '~:10' at most 10,
  --critical RANGE         10:20 from 10 to 20, and @10:20 anything but that
  --quantifier HOW         how many series have to cross: any (default), all, or a number
  --min-coverage SHARE     of the buckets, 0 to 1, that need data (default: any)
  --max-age DURATION       how old the newest point may be (default: two buckets with last)
  --expect LABEL=A,B       values of a label in --group-by that have to be there; repeated, all
  --expect-at-least N      how many series have to be there
  --on-missing STATUS      where there is no data: unknown (default), ok, warning, critical

What is written:
  --name NAME              what the check is called (default: the metric)
  --format FORMAT          text (default), nagios, junit, github, markdown, json
  --output FILE            writes the format to a file, and text to the standard output

Whom to ask, with the key in CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET:
  --dataset NAME           default: cloud
  --base-url URL           default: CONFLUENT_METRICS_BASE_URL, or else the service
  --ca-file FILE           PEM, instead of the roots built in (default: CONFLUENT_METRICS_CA_FILE)
  --deadline DURATION      for all requests together (default: 5m)
  --emulator               an emulator with the made-up clusters lkc-1 and lkc-2; needs no key
  --help
";

/// What the command line says.
#[derive(Default)]
struct Gate {
    metric: Option<String>,
    resources: Vec<(String, String)>,
    filters: Vec<Filter>,
    group_by: Vec<String>,
    interval: Option<Interval>,
    granularity: Option<Granularity>,
    /// What is set of the check, and of the client.
    judged: Vec<Box<dyn FnOnce(Check) -> Check>>,
    asked: Vec<Box<dyn FnOnce(ClientBuilder) -> ClientBuilder>>,
    format: Option<Format>,
    output: Option<String>,
    emulator: bool,
    help: bool,
}

type Read<T> = Result<T, lexopt::Error>;

/// The options of which each value counts.
const REPEATED: [&str; 4] = ["--resource", "--filter", "--group-by", "--expect"];

fn main() -> ExitCode {
    // Whatever happens, 0 has to mean that the metric is fine.
    match std::panic::catch_unwind(run).unwrap_or_else(|_| Err("it panicked".into())) {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            let _ = writeln!(
                io::stderr(),
                "metric_gate: {}",
                why.replace(['\r', '\n'], " ")
            );
            ExitCode::from(3)
        }
    }
}

fn run() -> Result<u8, String> {
    let unread = |why| format!("{why}; --help lists the options");
    let mut gate = Gate::read(Parser::from_env()).map_err(unread)?;
    if gate.help {
        return told(USAGE.as_bytes()).map(|()| 0);
    }
    let check = gate.check()?;
    let report = match gate.client() {
        Ok((client, _emulator)) => check.run(&client),
        Err(error) => check.failed(&error),
    };
    gate.write(&report).map(|()| report.exit_code())
}

impl Gate {
    fn read(mut parser: Parser) -> Read<Self> {
        let (mut gate, mut seen) = (Self::default(), HashSet::new());
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long(name) => {
                    let name = format!("--{name}");
                    // A second value would silently take the place of the first.
                    if !seen.insert(name.clone()) && !REPEATED.contains(&name.as_str()) {
                        return Err(format!("{name}: it was given before").into());
                    }
                    let mut value = || parser.value().and_then(ValueExt::string);
                    gate.set(&name, &mut value)
                        .map_err(|why| format!("{name}: {why}"))?;
                }
                Arg::Value(metric) if gate.metric.is_none() => gate.metric = Some(metric.string()?),
                other => return Err(other.unexpected()),
            }
        }
        if seen.contains("--last") && seen.contains("--interval") {
            return Err("--last and --interval name two windows".into());
        }
        Ok(gate)
    }

    fn set(&mut self, name: &str, value: &mut dyn FnMut() -> Read<String>) -> Read<()> {
        match name {
            "--resource" => {
                let text = value()?;
                let fault = || format!("{text:?} is not TYPE:ID, such as kafka:lkc-1");
                let (kind, id) = text.split_once(':').ok_or_else(fault)?;
                self.resources
                    .push((format!("resource.{kind}.id"), id.to_owned()));
            }
            "--filter" => {
                let (label, value) = pair(&value()?)?;
                self.filters.push(match label.strip_suffix('!') {
                    Some(label) => !Filter::eq(label, value),
                    None => Filter::eq(label, value),
                });
            }
            "--group-by" => self.group_by.extend(value()?.split(',').map(str::to_owned)),
            "--last" => self.interval = Some(Interval::last(duration(&value()?)?)),
            "--interval" => self.interval = Some(parsed(&value()?)?),
            "--granularity" => self.granularity = Some(parsed(&value()?)?),
            "--reduce" => self.judge(parsed(&value()?)?, Check::reduce),
            "--warning" => self.judge(parsed(&value()?)?, Check::warning),
            "--critical" => self.judge(parsed(&value()?)?, Check::critical),
            "--quantifier" => self.judge(parsed(&value()?)?, Check::quantifier),
            "--max-age" => self.judge(duration(&value()?)?, Check::max_age),
            "--min-coverage" => {
                let text = value()?;
                let share: f64 = text
                    .parse()
                    .map_err(|_| format!("{text:?} is not a share, such as 0.9"))?;
                self.judge(share, Check::min_coverage);
            }
            "--on-missing" => self.judge(parsed(&value()?)?, Check::on_missing),
            "--name" => self.judge(value()?, Check::named),
            "--expect" => {
                let (label, values) = pair(&value()?)?;
                let values: Vec<_> = values.split(',').map(str::to_owned).collect();
                self.judge(values, |check, values| check.expect_labels(label, values));
            }
            "--expect-at-least" => {
                let text = value()?;
                let count = text
                    .parse()
                    .map_err(|_| format!("{text:?} is not a whole number"))?;
                self.judge(count, Check::expect_at_least);
            }
            "--format" => self.format = Some(parsed(&value()?)?),
            "--output" => self.output = Some(value()?),
            "--dataset" => self.ask(value()?, ClientBuilder::dataset),
            "--base-url" => self.ask(value()?, ClientBuilder::base_url),
            "--ca-file" => {
                let file = value()?;
                let pem =
                    fs::read(&file).map_err(|error| format!("{file:?} cannot be read: {error}"))?;
                self.ask(pem, ClientBuilder::root_certificates_pem);
            }
            "--deadline" => self.ask(duration(&value()?)?, ClientBuilder::deadline),
            "--emulator" => self.emulator = true,
            "--help" => self.help = true,
            _ => return Err("there is no such option".into()),
        }
        Ok(())
    }

    fn judge<T: 'static>(&mut self, value: T, set: impl FnOnce(Check, T) -> Check + 'static) {
        self.judged.push(Box::new(move |check| set(check, value)));
    }

    fn ask<T: 'static>(
        &mut self,
        value: T,
        set: impl FnOnce(ClientBuilder, T) -> ClientBuilder + 'static,
    ) {
        self.asked
            .push(Box::new(move |builder| set(builder, value)));
    }

    fn check(&mut self) -> Result<Check, String> {
        let metric = self
            .metric
            .as_deref()
            .ok_or("no METRIC is named; --help lists the options")?;
        let granularity = self.granularity.unwrap_or(Granularity::OneMinute);
        let mut query = Query::new(
            metric,
            granularity,
            self.interval.unwrap_or(Interval::last_hours(1)),
        );
        let any = Filter::any(
            self.resources
                .iter()
                .map(|(label, id)| Filter::eq(label, id)),
        );
        query = if self.resources.is_empty() {
            query
        } else {
            query.filter(any)
        };
        // Among several, one without data would hide behind the others.
        let several = if self.resources.len() > 1 {
            &*self.resources
        } else {
            &[]
        };
        let labels: BTreeSet<_> = several
            .iter()
            .map(|(label, _)| label)
            .chain(&self.group_by)
            .collect();
        query = self
            .filters
            .drain(..)
            .fold(query, Query::filter)
            .group_by(labels);
        let check = self
            .judged
            .drain(..)
            .fold(Check::new(query), |check, set| set(check));
        Ok(several
            .iter()
            .fold(check, |check, (label, id)| check.expect_labels(label, [id])))
    }

    /// The client, and the emulator that it asks, if any.
    fn client(&mut self) -> Result<(Client, Option<Emulator>), confluent_metrics::Error> {
        let emulator = self.emulator.then(Emulator::start);
        let builder = match &emulator {
            Some(emulator) => {
                let _ = writeln!(
                    io::stderr(),
                    "metric_gate: this is an emulator with made-up data"
                );
                Client::builder(Credentials::api_key(
                    emulator.api_key(),
                    emulator.api_secret(),
                )?)
                .base_url(emulator.url())
                .root_certificates_pem(emulator.ca_pem())
                .without_proxy()
            }
            None => Client::builder_from_env()?,
        };
        let builder = self
            .asked
            .drain(..)
            .fold(builder, |builder, set| set(builder));
        Ok((builder.user_agent("metric_gate").build()?, emulator))
    }

    fn write(&self, report: &Report) -> Result<(), String> {
        let mut bytes = Vec::new();
        report
            .write(self.format.unwrap_or(Format::Text), &mut bytes)
            .map_err(|error| error.to_string())?;
        if let Some(file) = &self.output {
            fs::write(file, &bytes)
                .map_err(|error| format!("{file} cannot be written: {error}"))?;
            bytes = format!("{report}\n").into_bytes();
        }
        told(&bytes)
    }
}

fn told(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| format!("standard output: {error}"))
}

fn parsed<T: std::str::FromStr<Err = confluent_metrics::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| {
        error
            .hint()
            .map_or(error.to_string(), |hint| format!("{error}; {hint}"))
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    // What a shell leaves of a variable that is not set would match nothing, and nothing may be excused.
    let pair = text.split_once('=').filter(|(_, value)| !value.is_empty());
    let (label, value) =
        pair.ok_or_else(|| format!("{text:?} has no '=' between a label and a value"))?;
    Ok((label.to_owned(), value.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let seconds = |(unit, width)| {
        text.strip_suffix(unit)?
            .parse::<u64>()
            .ok()?
            .checked_mul(width)
    };
    let fault =
        || format!("{text:?} is not a duration: use a whole number and s, m, h or d, such as 90s");
    units
        .into_iter()
        .find_map(seconds)
        .map(Duration::from_secs)
        .ok_or_else(fault)
}
