//! JSON, for programs.

use std::io;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::check::check_info::DivisorInfo;
use crate::check::format::writer::{CheckView, ReportView, ReportWriter};
use crate::check::report::{Finding, Report};
use crate::check::threshold::Threshold;
use crate::time::iso8601::Iso8601Duration;
use crate::time::timestamp::Timestamp;

pub(super) struct Json;

impl ReportWriter for Json {
    fn write(&self, view: &ReportView<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        // Indented, so that a diff of two reports is readable.
        serde_json::to_writer_pretty(&mut *out, view)?;
        writeln!(out)
    }

    /// The characters are only in strings, where every character can be written like this.
    fn escape(&self, c: char) -> String {
        format!("\\u{:04x}", u32::from(c))
    }
}

impl Serialize for Report {
    /// Serializes the members that [`Format::Json`](crate::check::Format::Json) documents.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReportView::new(self).serialize(serializer)
    }
}

impl Serialize for ReportView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let checks: Vec<_> = self.checks().collect();
        let mut object = serializer.serialize_struct("Report", 4)?;
        object.serialize_field("status", &self.status)?;
        object.serialize_field("exit_code", &self.status.exit_code())?;
        object.serialize_field("summary", &self.summary)?;
        object.serialize_field("checks", &checks)?;
        object.end()
    }
}

impl Serialize for CheckView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let info = self.info;
        // A filter that is too deeply nested to be sent cannot be serialized either.
        let filter = info.filter.as_ref().filter(|filter| filter.can_be_sent());
        let divisor = info.divisor.as_ref().map(DivisorView);
        let comparison = info.comparison.map(|comparison| ComparisonView {
            shift: Iso8601Duration(comparison.shift).to_string(),
            change: comparison.change.as_str(),
            start: info.baseline_window.map(|(start, _)| start),
            end: info.baseline_window.map(|(_, end)| end),
        });
        let mut object = serializer.serialize_struct("Check", 14)?;
        object.serialize_field("name", &info.name)?;
        object.serialize_field("metric", &info.metric)?;
        object.serialize_field("filter", &filter)?;
        object.serialize_field("reduce", info.reduce.as_str())?;
        object.serialize_field("divide_by", &divisor)?;
        object.serialize_field("compare_to", &comparison)?;
        object.serialize_field("datapoints", &info.datapoints)?;
        object.serialize_field("warning", &range(info.thresholds.warning))?;
        object.serialize_field("critical", &range(info.thresholds.critical))?;
        object.serialize_field("start", &info.window.map(|(start, _)| start))?;
        object.serialize_field("end", &info.window.map(|(_, end)| end))?;
        object.serialize_field("wait", &info.attempts)?;
        object.serialize_field("status", &self.status())?;
        object.serialize_field("findings", self.findings)?;
        object.end()
    }
}

/// The query that values are divided by.
struct DivisorView<'a>(&'a DivisorInfo);

impl Serialize for DivisorView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filter = self.0.filter.as_ref().filter(|filter| filter.can_be_sent());
        let mut object = serializer.serialize_struct("Divisor", 2)?;
        object.serialize_field("metric", &self.0.metric)?;
        object.serialize_field("filter", &filter)?;
        object.end()
    }
}

/// The comparison with an earlier window.
#[derive(Serialize)]
struct ComparisonView {
    shift: String,
    change: &'static str,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let details = &self.details;
        let mut object = serializer.serialize_struct("Finding", 12)?;
        object.serialize_field("status", &self.status)?;
        object.serialize_field("labels", &self.labels)?;
        object.serialize_field("value", &self.value)?;
        object.serialize_field("timestamp", &self.timestamp)?;
        object.serialize_field("dividend", &details.operands.map(|(dividend, _)| dividend))?;
        object.serialize_field("divisor", &details.operands.map(|(_, divisor)| divisor))?;
        object.serialize_field("baseline", &details.baseline)?;
        object.serialize_field("change", &details.change)?;
        object.serialize_field("coverage", &details.coverage)?;
        object.serialize_field("datapoints", &details.datapoints)?;
        object.serialize_field("reason", &self.reason)?;
        match self.error {
            Some(kind) => object.serialize_field("error", &kind.to_string())?,
            None => object.skip_field("error")?,
        }
        object.end()
    }
}

/// Returns the text form of a threshold, if there is one.
fn range(threshold: Option<Threshold>) -> Option<String> {
    threshold.map(|threshold| threshold.to_string())
}
