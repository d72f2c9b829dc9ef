//! Checks metrics of Confluent Cloud, and exits with 0 OK, 1 warning, 2 critical or 3 unknown.
//!
//! Install it with `cargo install --path examples/metric_gate`. The rules of a check are those of
//! `confluent_metrics::check`; `metric_gate --help` lists the options.

mod arguments;
mod connection;
mod file;
mod help;
mod language;
mod message;
mod output;
mod progress;
mod run;
mod suggestion;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use confluent_metrics::check::Status;
use lexopt::Parser;

use crate::arguments::Arguments;
use crate::output::Outputs;

/// The exit code if no report could be made or written. Only an OK report exits with 0.
const UNKNOWN: u8 = 3;

fn main() -> ExitCode {
    let mut arguments = Arguments::parse(Parser::from_env());
    for (option, text) in [
        ("help", help::text as fn() -> String),
        ("version", help::version),
    ] {
        if arguments.is_set(option) {
            let printed = output::print_bytes(text().as_bytes());
            return exit(printed.map_err(|error| vec![error.to_string()]), 0);
        }
    }
    let mut faults = std::mem::take(&mut arguments.faults);
    let outputs = Outputs::new(&arguments, &mut faults);
    // The default report of a panic goes to standard error, and takes several lines.
    let plan = panic::catch_unwind(|| run::Plan::new(&arguments));
    let plan = match plan.unwrap_or_else(|_| Err(vec!["internal error".to_owned()])) {
        Ok(plan) if faults.is_empty() => plan,
        other => {
            faults.extend(other.err().unwrap_or_default());
            return refuse(&outputs, &faults);
        }
    };
    let unfinished = run::unfinished(arguments.check_name(), "the run did not finish");
    let prepared = outputs.prepare(&unfinished);
    let report = match &prepared {
        // Nothing of the plan is used after a panic.
        Ok(()) => panic::catch_unwind(AssertUnwindSafe(|| plan.run()))
            .unwrap_or_else(|_| run::unfinished(arguments.check_name(), "internal error")),
        Err(faults) => run::invalid(arguments.check_name(), &faults.join("; ")),
    };
    let passes = report.status() == Status::Warning && arguments.is_set("warnings-pass");
    let code = if passes { 0 } else { report.exit_code() };
    exit(outputs.write(&report), code)
}

/// Ends a run whose command line is invalid.
fn refuse(outputs: &Outputs, faults: &[String]) -> ExitCode {
    let message = format!("{}; --help lists the options", faults.join("; "));
    // The first free word may be the value of a mistyped option, so it is not taken for a metric.
    let report = run::invalid("metric_gate", &message);
    let mut messages = vec![message];
    messages.extend(outputs.write_requested(&report).err().unwrap_or_default());
    exit(Err(messages), UNKNOWN)
}

/// Returns the exit code, or complains and returns the one of an unknown status.
fn exit(outcome: Result<(), Vec<String>>, code: u8) -> ExitCode {
    let Err(messages) = outcome else {
        return ExitCode::from(code);
    };
    for message in messages {
        message::print(&message);
    }
    ExitCode::from(UNKNOWN)
}
