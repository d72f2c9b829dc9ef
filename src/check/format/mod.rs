//! The formats of a report: a file each, and the table that lists them.

mod github;
pub(super) mod humanize;
mod json;
mod junit;
mod markdown;
mod nagios;
mod text;
mod writer;

use std::fmt;
use std::io;
use std::str::FromStr;

use crate::check::format::github::GitHub;
use crate::check::format::json::Json;
use crate::check::format::junit::JUnit;
use crate::check::format::markdown::Markdown;
use crate::check::format::nagios::Nagios;
use crate::check::format::text::Text;
use crate::check::format::writer::{ReportView, ReportWriter, make_inert};
use crate::check::report::Report;
use crate::error::Error;

/// The format in which a [`Report`] is [written](Report::write).
///
/// Names of checks, labels and their values can be any text. Every format escapes them: no control
/// character, line separator or direction mark is written, and no command that a CI service would
/// execute.
///
/// ```
/// use confluent_metrics::check::Format;
///
/// let format: Format = "junit".parse()?;
/// assert_eq!(format, Format::JUnit);
/// assert_eq!(format.as_str(), "junit");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Text for people: the summary, and a table for each check.
    ///
    /// A row has the status, value, time, sparkline, labels and verdict of a series. Ten of the OK
    /// series are shown.
    Text,
    /// One line, as the [guidelines for monitoring plugins] require: the summary and performance
    /// data of every series.
    ///
    /// The label of the data consists of the values of the series' labels, separated by `/`. It is
    /// the name of the check if there are none, and starts with that name if there are several
    /// checks. `%`, `=`, `|`, `/`, `;` and control characters are percent-encoded, and quotes are
    /// doubled.
    ///
    /// The line has at most 4 KiB. If data does not fit, the text says of how many series.
    ///
    /// [guidelines for monitoring plugins]: https://www.monitoring-plugins.org/doc/guidelines.html#AEN197
    Nagios,
    /// `JUnit` XML: a test suite for each check, and a test case for each series.
    ///
    /// Critical and warning are a `failure`, unknown is an `error`. Control characters that XML 1.0
    /// excludes become U+FFFD.
    JUnit,
    /// [Annotations] of a GitHub Actions workflow.
    ///
    /// Critical and unknown findings are an `error`, warnings are a `warning`. A report that is OK
    /// is one `notice`. GitHub shows ten annotations of a step. If there are more findings, the most
    /// severe ones are written, and the tenth annotation has the count of the others.
    ///
    /// [Annotations]: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    GitHub,
    /// Markdown with a table for each check, for the summary of a GitHub Actions step.
    ///
    /// Up to 500 series are shown, the worst of each check first, with ten of its OK series. Names
    /// and labels are code spans, so that they are no links, mentions or emoji.
    Markdown,
    /// A JSON object. Members may be added in a later version.
    ///
    /// | member | value |
    /// | --- | --- |
    /// | `status` | `"OK"`, `"WARNING"`, `"CRITICAL"` or `"UNKNOWN"` |
    /// | `exit_code` | 0 to 3 |
    /// | `summary` | the [summary](Report::summary) |
    /// | `checks` | a list |
    ///
    /// Each check has:
    ///
    /// | member | value |
    /// | --- | --- |
    /// | `name`, `metric` | strings |
    /// | `filter` | as in a request, or null |
    /// | `reduce` | the name of the [function](crate::check::Reduce) |
    /// | `divide_by` | an object of `metric` and `filter`, or null |
    /// | `compare_to` | an object of `shift`, `change`, `start` and `end`, or null |
    /// | `datapoints` | an object of `required` and `of`, or null |
    /// | `warning`, `critical` | [ranges](crate::check::Threshold), or null |
    /// | `start`, `end` | the window, null if it could not be resolved |
    /// | `wait` | an object of `seconds`, `attempts` and `runs`, or null |
    /// | `status` | the worst status of its findings |
    /// | `findings` | a list |
    ///
    /// Each finding has:
    ///
    /// | member | value |
    /// | --- | --- |
    /// | `status` | as above |
    /// | `labels` | an object |
    /// | `value`, `timestamp` | null if there is none |
    /// | `dividend`, `divisor` | the parts of a ratio, or null |
    /// | `baseline`, `change` | the numbers of a comparison, or null |
    /// | `coverage` | an object of `with_data` and `buckets`, or null |
    /// | `datapoints` | an object of `known`, `warning` and `critical`, or null |
    /// | `reason` | the [reason](crate::check::Finding::reason) |
    /// | `error` | the name of its [kind](crate::check::Finding::error_kind), only if it is an error |
    ///
    /// `shift` is an ISO 8601 duration, `change` the name of the
    /// [change](crate::check::Change), and `start` and `end` are those of the baseline. Buckets in
    /// `known` have data, and those in `warning` violate either threshold. Each of `runs` is an
    /// object of `status`, `count`, `first` and `last`: attempts in a row with one status.
    Json,
}

impl Format {
    /// All variants, in the order of this documentation.
    ///
    /// ```
    /// use confluent_metrics::check::Format;
    ///
    /// let names: Vec<_> = Format::VARIANTS.iter().map(|format| format.as_str()).collect();
    /// assert_eq!(names.join(", "), "text, nagios, junit, github, markdown, json");
    /// ```
    pub const VARIANTS: &'static [Self] = &[
        Self::Text,
        Self::Nagios,
        Self::JUnit,
        Self::GitHub,
        Self::Markdown,
        Self::Json,
    ];

    /// Returns the name that [`FromStr`] accepts: `text`, `nagios`, `junit`, `github`, `markdown`
    /// or `json`.
    ///
    /// ```
    /// use confluent_metrics::check::Format;
    ///
    /// assert_eq!(Format::JUnit.as_str(), "junit");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Nagios => "nagios",
            Self::JUnit => "junit",
            Self::GitHub => "github",
            Self::Markdown => "markdown",
            Self::Json => "json",
        }
    }

    fn writer(self) -> &'static dyn ReportWriter {
        match self {
            Self::Text => &Text,
            Self::Nagios => &Nagios,
            Self::JUnit => &JUnit,
            Self::GitHub => &GitHub,
            Self::Markdown => &Markdown,
            Self::Json => &Json,
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

    /// Parses `text`, `nagios`, `junit`, `github`, `markdown` or `json`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("format", Self::VARIANTS, Self::as_str, text)
    }
}

impl Report {
    /// Writes the report, ending with a line feed.
    ///
    /// # Errors
    ///
    /// Every error of `out`. A program that cannot write its report must not exit with 0.
    ///
    /// ```
    /// use confluent_metrics::check::{Format, Report};
    ///
    /// let report = Report::default();
    /// let mut line = Vec::new();
    /// report.write(Format::Nagios, &mut line)?;
    /// assert_eq!(line, b"UNKNOWN: checks: no checks were run\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write(&self, format: Format, mut out: impl io::Write) -> io::Result<()> {
        // Rendered completely first: a report that fails halfway would look like a short one.
        out.write_all(self.render(format.writer())?.as_bytes())?;
        out.flush()
    }

    fn render(&self, writer: &dyn ReportWriter) -> io::Result<String> {
        let mut bytes = Vec::new();
        writer.write(&ReportView::new(self), &mut bytes)?;
        Ok(make_inert(writer, &String::from_utf8_lossy(&bytes)))
    }
}

impl fmt::Display for Report {
    /// Prints [`Format::Text`] without the last line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.render(&Text).map_err(|_| fmt::Error)?;
        f.write_str(text.trim_end_matches('\n'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_listed_once_and_has_a_name_of_its_own() {
        for &format in Format::VARIANTS {
            // Without a wildcard: a new variant does not compile until it is counted here, and
            // then has to be in `VARIANTS`.
            let count = match format {
                Format::Text
                | Format::Nagios
                | Format::JUnit
                | Format::GitHub
                | Format::Markdown
                | Format::Json => 6,
            };
            assert_eq!(Format::VARIANTS.len(), count);
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
        }
        assert_eq!(
            "xml".parse::<Format>().unwrap_err().to_string(),
            "invalid format \"xml\": expected one of text, nagios, junit, github, markdown, json"
        );
    }

    #[test]
    fn every_format_writes_lines() {
        for &format in Format::VARIANTS {
            let mut bytes = Vec::new();
            Report::default().write(format, &mut bytes).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert!(
                text.contains("UNKNOWN") && text.ends_with('\n'),
                "{format}: {text}"
            );
        }
    }
}
