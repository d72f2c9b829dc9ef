mod github;
pub(crate) mod humanize;
mod json;
mod junit;
mod markdown;
mod nagios;
mod text;

use std::fmt;
use std::io::{self, Write as _};
use std::str::FromStr;

use crate::check::format::github::github;
use crate::check::format::humanize::parse_choice;
use crate::check::format::json::json;
use crate::check::format::junit::junit;
use crate::check::format::markdown::markdown;
use crate::check::format::nagios::nagios;
use crate::check::format::text::write;
use crate::check::report::Report;
use crate::error::Error;

/// How a [`Report`] is written.
///
/// Names of labels, their values and names of checks may hold anything: each format escapes what means something to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// For people: the summary, and of each check what it is and a line for each series: status, number, time, a line of
    /// bars of its points, labels, and why. Of the series that are fine the first ten are shown.
    Text,
    /// One line by the [guidelines for monitoring
    /// plugins](https://www.monitoring-plugins.org/doc/guidelines.html#AEN197): the summary, and performance data of every
    /// series. Its label is made of the values of the series' labels with `/` between them, or else of the name of the
    /// check; of several checks the name comes first. In a label the characters `%`, `=`, `|`, `/` and `;` and controls are
    /// percent-encoded; a quote is doubled.
    Nagios,
    /// XML as JUnit writes it: a suite for each check, a case for each series. Critical and warning are a `failure`, unknown
    /// is an `error`. A control character that XML 1.0 has no way to say becomes U+FFFD.
    JUnit,
    /// [Annotations](https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands) of a GitHub Actions
    /// workflow: `error` for critical and unknown, `warning` for a warning; where all is fine one `notice`.
    GitHub,
    /// A table for each check, for the summary of a step. Up to 500 series of a check are shown, the worst first, and ten of
    /// those that are fine.
    Markdown,
    /// An object with `status` (`"OK"`, `"WARNING"`, `"CRITICAL"`, `"UNKNOWN"`), `exit_code`, `summary` and `checks`, a list.
    /// Each check has `name`, `metric`, `filter` (as it is sent, or null), `reduce`, `warning` and `critical` (as text, or
    /// null), `start` and `end` of its window (null where it could not be resolved), `status` and `findings`, a list. Each
    /// finding has `status`, `labels` (an object), `value` and `timestamp` (null where there is none) and `reason`. Members
    /// may be added.
    Json,
}

impl Format {
    /// All variants, in the order of this documentation.
    pub const VARIANTS: &'static [Self] = &[
        Self::Text,
        Self::Nagios,
        Self::JUnit,
        Self::GitHub,
        Self::Markdown,
        Self::Json,
    ];

    /// The name on a command line: `text`, `nagios`, `junit`, `github`, `markdown`, `json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Nagios => "nagios",
            Self::JUnit => "junit",
            Self::GitHub => "github",
            Self::Markdown => "markdown",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = Error;

    /// Reads a name: `text`, `nagios`, `junit`, `github`, `markdown` or `json`.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_choice("format", Self::VARIANTS, Self::as_str, text)
    }
}

impl Report {
    /// Writes the report. It ends in a line feed.
    ///
    /// # Errors
    /// What `out` answers. A report that could not be written has told nobody anything: do not exit with 0.
    pub fn write(&self, format: Format, out: &mut impl io::Write) -> io::Result<()> {
        let mut out = io::BufWriter::new(out);
        match format {
            Format::Text => out.write_all(write(self).as_bytes())?,
            Format::Nagios => nagios(self, &mut out)?,
            Format::JUnit => junit(self, &mut out)?,
            Format::GitHub => github(self, &mut out)?,
            Format::Markdown => markdown(self, &mut out)?,
            Format::Json => json(self, &mut out)?,
        }
        out.flush()
    }
}

impl fmt::Display for Report {
    /// Prints what [`Format::Text`] says, without the line feed at its end.
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(write(self).trim_end_matches('\n'))
    }
}
