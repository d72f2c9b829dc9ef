//! Checks a metric of Confluent Cloud, and exits with 0 OK, 1 warning, 2 critical or 3 unknown.
//!
//! Install it with `cargo install --path examples/metric_gate`. The rules of a check are those of
//! `confluent_metrics::check`; `metric_gate --help` lists the options.

mod arguments;
mod help;

use std::fs;
use std::io::{self, Write};
use std::panic;
use std::process::ExitCode;

use confluent_metrics::check::Report;
use lexopt::Parser;

use crate::arguments::Arguments;

/// The exit code if no report could be made or written. Only an OK report exits with 0.
const UNKNOWN: u8 = 3;

fn main() -> ExitCode {
    let result = panic::catch_unwind(run).unwrap_or_else(|_| Err("internal error".into()));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            // The exit code says it all if standard error is closed.
            let _ = writeln!(
                io::stderr(),
                "metric_gate: {}",
                message.replace(['\r', '\n'], " ")
            );
            ExitCode::from(UNKNOWN)
        }
    }
}

fn run() -> Result<u8, String> {
    let mut arguments = Arguments::parse(Parser::from_env())
        .map_err(|error| format!("{error}; --help lists the options"))?;
    if arguments.help {
        print_bytes(help::text().as_bytes())?;
        return Ok(0);
    }
    let check = arguments.check()?;
    let report = match arguments.client() {
        // The emulator, if any, runs until it is dropped.
        Ok((client, _emulator)) => check.run(&client),
        Err(error) => check.error_report(&error),
    };
    write_report(&report, &arguments)?;
    Ok(report.exit_code())
}

/// Writes the report to the file of `--output` if there is one, else to standard output.
fn write_report(report: &Report, arguments: &Arguments) -> Result<(), String> {
    let mut bytes = Vec::new();
    report
        .write(arguments.format, &mut bytes)
        .map_err(|error| error.to_string())?;
    let Some(file) = &arguments.output else {
        return print_bytes(&bytes);
    };
    fs::write(file, &bytes).map_err(|error| format!("cannot write {file:?}: {error}"))?;
    print_bytes(format!("{report}\n").as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot write to standard output: {error}"))
}
