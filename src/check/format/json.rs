//! JSON, for programs.

use std::io;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::check::format::writer::{CheckView, ReportView, ReportWriter};
use crate::check::report::{Finding, Report};
use crate::check::threshold::Threshold;

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
        let mut object = serializer.serialize_struct("Check", 10)?;
        object.serialize_field("name", &info.name)?;
        object.serialize_field("metric", &info.metric)?;
        object.serialize_field("filter", &filter)?;
        object.serialize_field("reduce", info.reduce.as_str())?;
        object.serialize_field("warning", &range(info.thresholds.warning))?;
        object.serialize_field("critical", &range(info.thresholds.critical))?;
        object.serialize_field("start", &info.window.map(|(start, _)| start))?;
        object.serialize_field("end", &info.window.map(|(_, end)| end))?;
        object.serialize_field("status", &self.status())?;
        object.serialize_field("findings", self.findings)?;
        object.end()
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Finding", 5)?;
        object.serialize_field("status", &self.status)?;
        object.serialize_field("labels", &self.labels)?;
        object.serialize_field("value", &self.value)?;
        object.serialize_field("timestamp", &self.timestamp)?;
        object.serialize_field("reason", &self.reason)?;
        object.end()
    }
}

/// Returns the text form of a threshold, if there is one.
fn range(threshold: Option<Threshold>) -> Option<String> {
    threshold.map(|threshold| threshold.to_string())
}
