//! The outputs of a run: where its report is written, and in which formats.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use confluent_metrics::check::{Format, Report};

use crate::arguments::Arguments;

/// The path that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// The file that GitHub shows as the summary of a step. All commands of the step append to it.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Where the report goes.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    outputs: Vec<Output>,
}

/// One output.
#[derive(Debug)]
struct Output {
    format: Format,
    target: Target,
    /// True unless the output is only the default.
    requested: bool,
}

/// Where one output goes.
#[derive(Debug, PartialEq)]
enum Target {
    StandardOutput,
    /// A file that is replaced.
    File(String),
    /// A file that keeps what it has.
    Append(String),
}

impl Outputs {
    /// Returns the outputs that the command line describes. Adds a fault for every invalid one.
    pub(crate) fn new(arguments: &Arguments, faults: &mut Vec<String>) -> Self {
        let mut outputs = Self::default();
        let mut common = Format::Text;
        if let Some(name) = arguments.value("format") {
            match name.parse() {
                Ok(format) => common = format,
                Err(error) => faults.push(format!("--format: {error}")),
            }
        }
        let mut common_is_used = false;
        for text in arguments.values("output") {
            let (format, path) = match split_output(text) {
                Ok((Some(format), path)) => (format, path),
                Ok((None, path)) => {
                    common_is_used = true;
                    (common, path)
                }
                Err(fault) => {
                    faults.push(format!("--output: {fault}"));
                    continue;
                }
            };
            let target = target(path, arguments.is_set("append"));
            let output = Output {
                format,
                target,
                requested: true,
            };
            if let Err(fault) = outputs.add(output) {
                faults.push(format!("--output: {fault}"));
            }
        }
        let prints = |output: &Output| output.target == Target::StandardOutput;
        if !outputs.outputs.iter().any(prints) {
            let is_free = arguments.is_set("format") && !common_is_used;
            outputs.outputs.push(Output {
                format: if is_free { common } else { Format::Text },
                target: Target::StandardOutput,
                requested: is_free,
            });
        }
        outputs
    }

    /// Replaces earlier reports, so that none is left if this run is killed.
    ///
    /// # Errors
    ///
    /// What cannot be written, a sentence each.
    pub(crate) fn prepare(&self, report: &Report) -> Result<(), Vec<String>> {
        self.write_to(report, |output| match &output.target {
            // A pipe would get two reports.
            Target::File(path) => fs::metadata(path).map_or(true, |metadata| metadata.is_file()),
            Target::StandardOutput | Target::Append(_) => false,
        })
    }

    /// Writes the report to every output.
    ///
    /// # Errors
    ///
    /// What cannot be written, a sentence each. The other outputs are written all the same.
    pub(crate) fn write(&self, report: &Report) -> Result<(), Vec<String>> {
        self.write_to(report, |_| true)
    }

    /// Writes the report of an invalid command line to the outputs that it names.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub(crate) fn write_requested(&self, report: &Report) -> Result<(), Vec<String>> {
        self.write_to(report, |output| output.requested)
    }

    fn write_to(
        &self,
        report: &Report,
        is_wanted: impl Fn(&Output) -> bool,
    ) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        for output in &self.outputs {
            if is_wanted(output) {
                if let Err(error) = output.write(report) {
                    let to = match output.target {
                        Target::StandardOutput => "to ",
                        Target::File(_) | Target::Append(_) => "",
                    };
                    let target = output.target.describe();
                    faults.push(format!("cannot write {to}{target}: {error}"));
                }
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// Adds an output, or returns the reason why it is refused.
    fn add(&mut self, output: Output) -> Result<(), String> {
        if let Target::Append(path) = &output.target {
            if matches!(output.format, Format::JUnit | Format::Json) {
                return Err(format!(
                    "cannot append a {} report to {path:?}: it would be invalid",
                    output.format
                ));
            }
        }
        if self
            .outputs
            .iter()
            .any(|other| other.target.is_same(&output.target))
        {
            return Err(format!("two reports for {}", output.target.describe()));
        }
        self.outputs.push(output);
        Ok(())
    }
}

impl Output {
    fn write(&self, report: &Report) -> io::Result<()> {
        let mut bytes = Vec::new();
        report.write(self.format, &mut bytes)?;
        match &self.target {
            Target::StandardOutput => print_bytes(&bytes),
            Target::File(path) => fs::write(path, &bytes),
            Target::Append(path) => {
                let mut file = OpenOptions::new().create(true).append(true).open(path)?;
                if self.format == Format::Markdown && file.metadata()?.len() > 0 {
                    // Only a blank line ends the table of an earlier report.
                    bytes.insert(0, b'\n');
                }
                // In one call, so that reports of commands that run at once are not mixed.
                file.write_all(&bytes)
            }
        }
    }
}

impl Target {
    /// Returns the words of an error.
    fn describe(&self) -> String {
        match self {
            Self::StandardOutput => "standard output".to_owned(),
            Self::File(path) | Self::Append(path) => format!("{path:?}"),
        }
    }

    /// Returns true if both reports would be in one place.
    fn is_same(&self, other: &Self) -> bool {
        match (self.path(), other.path()) {
            (Some(one), Some(other)) => absolute(one.as_ref()) == absolute(other.as_ref()),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    fn path(&self) -> Option<&str> {
        match self {
            Self::StandardOutput => None,
            Self::File(path) | Self::Append(path) => Some(path),
        }
    }
}

/// Writes to standard output.
pub(crate) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

/// Splits `FORMAT=PATH`, or returns a path without a format.
fn split_output(text: &str) -> Result<(Option<Format>, &str), String> {
    let (format, path) = match text.split_once('=') {
        // A mistyped format must not become a part of a path.
        Some((name, path)) if name.chars().all(|c| c.is_ascii_alphabetic()) => {
            let format = name.parse().map_err(|error| format!("{error}"))?;
            (Some(format), path)
        }
        _ => (None, text),
    };
    if path.is_empty() {
        return Err(format!("missing path in {text:?}"));
    }
    Ok((format, path))
}

fn target(path: &str, append: bool) -> Target {
    if path == STANDARD_OUTPUT {
        return Target::StandardOutput;
    }
    // The same file may be named by several paths.
    let is_summary = env::var_os(STEP_SUMMARY).is_some_and(|summary| {
        !summary.is_empty() && absolute(&summary) == absolute(path.as_ref())
    });
    if append || is_summary {
        Target::Append(path.into())
    } else {
        Target::File(path.into())
    }
}

/// Returns the path that names a file for every process, as far as the file exists.
fn absolute(path: &OsStr) -> PathBuf {
    let path = Path::new(path);
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
