//! The run of all checks.

use std::thread;

use confluent_metrics::check::{Check, Report, Wait};
use confluent_metrics::{Client, Error, ErrorKind, Granularity, Interval, Query};

use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::{file, language, progress, suggestion};

/// Everything that a run needs.
#[derive(Debug)]
pub(crate) struct Plan {
    checks: Vec<Check>,
    /// The file of the checks, if they are from one.
    file: Option<String>,
    wait: Option<Wait>,
    connection: Connection,
}

impl Plan {
    /// Reads the options and the files that they name. Sends nothing.
    ///
    /// # Errors
    ///
    /// All faults, a sentence each.
    pub(crate) fn new(arguments: &Arguments) -> Result<Self, Vec<String>> {
        let file = arguments.value("file").map(str::to_owned);
        let mut faults = Vec::new();
        let checks = match &file {
            Some(path) => file::read_checks(path),
            None => arguments.check().map(|check| vec![check]),
        };
        let checks = or_add(checks, &mut faults);
        let wait = or_add(arguments.wait(), &mut faults);
        let connection = or_add(Connection::new(arguments), &mut faults);
        match (checks, wait, connection) {
            (Some(checks), Some(wait), Some(connection)) => Ok(Self {
                checks,
                file,
                wait,
                connection,
            }),
            _ => Err(faults),
        }
    }

    /// Runs the checks and merges their reports.
    pub(crate) fn run(&self) -> Report {
        // What the client is connected to runs until the guard is dropped.
        match self.connection.client() {
            Ok((client, _guard)) => self.run_with(&client),
            Err(error) => self
                .checks
                .iter()
                .map(|check| language::translate_report(check.error_report(&error), None))
                .collect(),
        }
    }

    fn run_with(&self, client: &Client) -> Report {
        if let Some(report) = self.invalid_report(client) {
            return report;
        }
        let reports = match &self.wait {
            Some(wait) => wait_for_all(&self.checks, wait, client),
            None => Check::run_all(&self.checks, client),
        };
        let mut merged = Vec::new();
        let mut known = None;
        for (check, report) in self.checks.iter().zip(reports) {
            let suggestion = suggestion::suggestion(check, &report, client, &mut known);
            merged.push(language::translate_report(report, suggestion.as_deref()));
        }
        merged.into_iter().collect()
    }

    /// Returns the report of a file with a check that would be refused: nothing is sent then.
    fn invalid_report(&self, client: &Client) -> Option<Report> {
        let path = self.file.as_deref()?;
        let mut faults = Vec::new();
        for (index, check) in self.checks.iter().enumerate() {
            if let Err(error) = check.validate(client) {
                let hint = error.hint().map(|hint| format!("; {hint}"));
                let hint = hint.unwrap_or_default();
                faults.push(format!("[{index}]: {error}{hint}"));
            }
        }
        if faults.is_empty() {
            return None;
        }
        let faults = language::translate(&faults.join("; "));
        Some(invalid(path, &faults))
    }
}

/// Waits for all checks at once.
fn wait_for_all(checks: &[Check], wait: &Wait, client: &Client) -> Vec<Report> {
    if let [check] = checks {
        return vec![check.wait(client, &progress::shown(wait, check))];
    }
    thread::scope(|scope| {
        let waits: Vec<_> = checks
            .iter()
            .map(|check| {
                let wait = progress::shown(wait, check);
                scope.spawn(move || check.wait(client, &wait))
            })
            .collect();
        let mut reports = Vec::new();
        for (check, wait) in checks.iter().zip(waits) {
            let report = wait.join();
            reports.push(report.unwrap_or_else(|_| unfinished(check.name(), "internal error")));
        }
        reports
    })
}

/// Returns the report of a run that cannot start.
pub(crate) fn invalid(name: &str, reason: &str) -> Report {
    unknown(name, ErrorKind::InvalidInput, reason)
}

/// Returns the report of a run that ended before it had a result.
pub(crate) fn unfinished(name: &str, reason: &str) -> Report {
    unknown(name, ErrorKind::Cancelled, reason)
}

fn unknown(name: &str, kind: ErrorKind, reason: &str) -> Report {
    let query = Query::new("", Granularity::OneMinute, Interval::last_hours(1));
    let error = Error::new(kind, reason);
    Check::new(query).named(name).error_report(&error)
}

/// Returns the value, or adds the faults.
fn or_add<T>(outcome: Result<T, Vec<String>>, faults: &mut Vec<String>) -> Option<T> {
    outcome.map_err(|found| faults.extend(found)).ok()
}
