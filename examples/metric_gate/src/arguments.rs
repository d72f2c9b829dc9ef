//! The command line as names and values, and everything that is wrong with it.

use std::collections::HashSet;
use std::time::Duration;

use confluent_metrics::Timestamp;
use confluent_metrics::check::{Check, Wait};
use lexopt::{Arg, Parser, ValueExt};
use serde_json::{Map, Value};

/// How an option is used, and what it sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A setting of the check, with one value.
    Check,
    /// A setting of the check that can be repeated.
    CheckList,
    /// A setting of the check without a value.
    CheckSwitch,
    /// A setting of the command, with one value.
    Own,
    /// A setting of the command that can be repeated.
    OwnList,
    /// A setting of the command without a value.
    OwnSwitch,
}

/// Every option. Settings of a check have the names that `Check` is read from.
const OPTIONS: &[(&str, Kind)] = &[
    ("resource", Kind::CheckList),
    ("filter", Kind::CheckList),
    ("group-by", Kind::CheckList),
    ("last", Kind::Check),
    ("since", Kind::Check),
    ("within", Kind::Check),
    ("retained", Kind::CheckSwitch),
    ("interval", Kind::Check),
    ("granularity", Kind::Check),
    ("reduce", Kind::Check),
    ("warning", Kind::Check),
    ("critical", Kind::Check),
    ("quantifier", Kind::Check),
    ("datapoints", Kind::Check),
    ("compare-to", Kind::Check),
    ("change", Kind::Check),
    ("divide-by", Kind::Check),
    ("divide-filter", Kind::CheckList),
    ("min-coverage", Kind::Check),
    ("max-age", Kind::Check),
    ("expect", Kind::CheckList),
    ("expect-at-least", Kind::Check),
    ("on-missing", Kind::Check),
    ("name", Kind::Check),
    ("file", Kind::Own),
    ("wait", Kind::Own),
    ("every", Kind::Own),
    ("consecutive", Kind::Own),
    ("initial-delay", Kind::Own),
    ("wait-since", Kind::Own),
    ("format", Kind::Own),
    ("output", Kind::OwnList),
    ("append", Kind::OwnSwitch),
    ("warnings-pass", Kind::OwnSwitch),
    ("dataset", Kind::Own),
    ("base-url", Kind::Own),
    ("ca-file", Kind::Own),
    ("retention", Kind::Own),
    ("deadline", Kind::Own),
    ("emulator", Kind::OwnSwitch),
    ("help", Kind::OwnSwitch),
    ("version", Kind::OwnSwitch),
];

/// The parsed command line.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// The check, as the object that `Check` is read from.
    entry: Map<String, Value>,
    /// The settings of the command, in the order of the command line.
    own: Vec<(&'static str, String)>,
    /// Everything that is wrong, a sentence each.
    pub(crate) faults: Vec<String>,
}

impl Arguments {
    /// Reads the command line to its end, since outputs may follow an error.
    pub(crate) fn parse(mut parser: Parser) -> Self {
        let mut arguments = Self::default();
        let mut seen = HashSet::new();
        loop {
            let outcome = match parser.next() {
                Ok(None) => break,
                Ok(Some(Arg::Long(name))) => {
                    let name = name.to_owned();
                    arguments.set_option(&name, &mut seen, &mut parser)
                }
                Ok(Some(Arg::Short('h'))) => arguments.set_option("help", &mut seen, &mut parser),
                Ok(Some(Arg::Short('V'))) => {
                    arguments.set_option("version", &mut seen, &mut parser)
                }
                Ok(Some(Arg::Value(metric))) if !arguments.entry.contains_key("metric") => {
                    metric.string().map(|metric| {
                        arguments.entry.insert("metric".into(), metric.into());
                    })
                }
                Ok(Some(other)) => Err(other.unexpected()),
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                arguments.faults.push(error.to_string());
            }
        }
        arguments.find_contradictions();
        arguments
    }

    /// Returns the value of an option of the command.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Returns the values of an option of the command.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.own
            .iter()
            .filter(move |(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns true if an option of the command was given.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Returns the name of the check, or what stands for it in a report.
    pub(crate) fn check_name(&self) -> &str {
        for name in ["name", "metric"] {
            if let Some(Value::String(text)) = self.entry.get(name) {
                return text;
            }
        }
        self.value("file").unwrap_or("metric_gate")
    }

    /// Returns the check that the options describe, or all faults of them.
    pub(crate) fn check(&self) -> Result<Check, Vec<String>> {
        if !self.entry.contains_key("metric") {
            return Err(vec!["missing METRIC".to_owned()]);
        }
        let entry = Value::Object(self.entry.clone());
        serde_json::from_value(entry).map_err(|error| {
            let faults = error.to_string();
            faults.lines().map(with_dashes).collect()
        })
    }

    /// Returns how long to wait, if `--wait` was given.
    pub(crate) fn wait(&self) -> Result<Option<Wait>, Vec<String>> {
        let Some(longest) = self.duration("wait")? else {
            return Ok(None);
        };
        let mut wait = Wait::up_to(longest);
        if let Some(every) = self.duration("every")? {
            wait = wait.every(every);
        }
        if let Some(delay) = self.duration("initial-delay")? {
            wait = wait.initial_delay(delay);
        }
        if let Some(text) = self.value("consecutive") {
            let count = text.parse().map_err(|_| {
                vec![format!(
                    "--consecutive: invalid number {text:?}: expected one such as 3"
                )]
            })?;
            wait = wait.consecutive(count);
        }
        if let Some(text) = self.value("wait-since") {
            let start: Timestamp = text
                .parse()
                .map_err(|error| vec![format!("--wait-since: {error}")])?;
            wait = wait.since(start);
        }
        Ok(Some(wait))
    }

    /// Returns the duration that an option of the command has.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, Vec<String>> {
        let parsed = self.value(name).map(parse_duration).transpose();
        parsed.map_err(|error| vec![format!("--{name}: {error}")])
    }

    /// Sets one option, reading its value from `parser` if it takes one.
    fn set_option(
        &mut self,
        name: &str,
        seen: &mut HashSet<String>,
        parser: &mut Parser,
    ) -> Result<(), lexopt::Error> {
        let option = OPTIONS.iter().find(|(other, _)| *other == name);
        let Some(&(name, kind)) = option else {
            // The value, if it is attached, would be another error.
            let _ = parser.optional_value();
            return Err(format!("--{name}: unknown option").into());
        };
        let is_repeated = !seen.insert(name.to_owned());
        let value = match kind {
            Kind::Check | Kind::CheckList | Kind::Own | Kind::OwnList => {
                let value = parser.value().and_then(ValueExt::string);
                value.map_err(|error| format!("--{name}: {error}"))?
            }
            Kind::CheckSwitch | Kind::OwnSwitch => String::new(),
        };
        match kind {
            // A second value would silently replace the first.
            Kind::Check | Kind::CheckSwitch | Kind::Own | Kind::OwnSwitch if is_repeated => {
                return Err(format!("--{name}: duplicate option").into());
            }
            Kind::Check => {
                self.entry.insert(name.into(), value.into());
            }
            Kind::CheckSwitch => {
                self.entry.insert(name.into(), true.into());
            }
            Kind::CheckList => {
                let values = self
                    .entry
                    .entry(name)
                    .or_insert_with(|| Vec::<Value>::new().into());
                if let Value::Array(values) = values {
                    // A value of an option may be a list, as in `--group-by a,b`.
                    if name == "group-by" {
                        values.extend(value.split(',').map(Value::from));
                    } else {
                        values.push(value.into());
                    }
                }
            }
            Kind::Own | Kind::OwnList | Kind::OwnSwitch => self.own.push((name, value)),
        }
        Ok(())
    }

    /// Adds the faults of options that exclude or require each other.
    fn find_contradictions(&mut self) {
        if self.is_set("file") {
            for name in self.entry.keys() {
                let name = if name == "metric" {
                    "METRIC".to_owned()
                } else {
                    format!("--{name}")
                };
                self.faults
                    .push(format!("cannot use both --file and {name}"));
            }
        }
        for name in ["every", "consecutive", "initial-delay", "wait-since"] {
            if self.is_set(name) && !self.is_set("wait") {
                self.faults.push(format!("--{name}: requires --wait"));
            }
        }
    }
}

/// Returns true for the name of an option that is not a setting of a check.
pub(crate) fn is_of_command(name: &str) -> bool {
    OPTIONS.iter().any(|(option, kind)| {
        *option == name && matches!(kind, Kind::Own | Kind::OwnList | Kind::OwnSwitch)
    })
}

/// Turns a fault such as ``last: cannot be used with `since` `` into one about options.
fn with_dashes(fault: &str) -> String {
    let mut text = format!("--{fault}");
    if let Some((name, rest)) = fault.split_once('[') {
        // The number of a value means nothing on a command line.
        if let Some((number, rest)) = rest.split_once("]: ") {
            if number.parse::<usize>().is_ok() && !name.contains(':') {
                text = format!("--{name}: {rest}");
            }
        }
    }
    for (name, _) in OPTIONS {
        text = text.replace(&format!("`{name}`"), &format!("--{name}"));
    }
    text
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
