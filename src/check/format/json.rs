//! A report as JSON, for programs.

use std::io;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::check::report::{Finding, Report};

pub(super) fn json<W: io::Write>(report: &Report, out: &mut W) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}

impl Serialize for Report {
    /// As [`Format::Json`](crate::check::Format::Json) documents it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.findings_or_placeholder();
        let checks: Vec<_> = self.checks(&shown).into_iter().map(CheckJson).collect();
        let mut object = serializer.serialize_struct("Report", 4)?;
        object.serialize_field("status", &self.status())?;
        object.serialize_field("exit_code", &self.exit_code())?;
        object.serialize_field("summary", &self.summary())?;
        object.serialize_field("checks", &checks)?;
        object.end()
    }
}

/// The findings of one check.
struct CheckJson<'a>(&'a [Finding]);

impl Serialize for CheckJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let about = self.0.first().map(|finding| &finding.about);
        let text = |threshold: Option<_>| threshold.map(|threshold| format!("{threshold}"));
        let window = about.and_then(|about| about.window);
        let mut object = serializer.serialize_struct("Check", 10)?;
        object.serialize_field("name", &about.map(|about| &about.name))?;
        object.serialize_field("metric", &about.map(|about| &about.metric))?;
        let filter = about.and_then(|about| about.filter.as_ref());
        object.serialize_field("filter", &filter.filter(|filter| filter.can_be_sent()))?;
        object.serialize_field("reduce", &about.map(|about| about.reduce.as_str()))?;
        object.serialize_field(
            "warning",
            &about.and_then(|about| text(about.thresholds.warning)),
        )?;
        object.serialize_field(
            "critical",
            &about.and_then(|about| text(about.thresholds.critical)),
        )?;
        object.serialize_field("start", &window.map(|window| window.0))?;
        object.serialize_field("end", &window.map(|window| window.1))?;
        object.serialize_field("status", &self.0.iter().map(Finding::status).max())?;
        object.serialize_field("findings", &self.0)?;
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
