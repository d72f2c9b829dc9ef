//! Exports as text, in the Prometheus and OpenMetrics formats and their dialects.

use std::fmt::Write;

use crate::format::java_double;

/// The dialect of exports.
///
/// ```
/// use confluent_metrics_emulator::{Emulator, ExportDialect};
///
/// let dialect = ExportDialect::Documented;
/// let emulator = Emulator::builder().export_dialect(dialect).start();
/// # let _ = emulator;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportDialect {
    /// As both formats are specified, so that Prometheus accepts it.
    #[default]
    Standard,
    /// As recorded from the service: a comma after the last label, and an empty line after
    /// every family.
    ///
    /// There is no recording of OpenMetrics, which is written as specified.
    Recorded,
    /// With the mistakes of the examples in the documentation.
    ///
    /// Times are in seconds in the Prometheus format and in milliseconds in OpenMetrics, which
    /// ends with `#EOF`. TYPE is before HELP in both.
    Documented,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Prometheus,
    OpenMetrics,
}

impl Format {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain;version=0.0.4",
            Self::OpenMetrics => "application/openmetrics-text;version=1.0.0;charset=utf-8",
        }
    }
}

/// The samples of one name.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) help: String,
    /// The unit of the descriptor, such as `By`.
    pub(crate) unit: &'static str,
    /// True if a label names one of several states. OpenMetrics has a type for that.
    pub(crate) is_state_set: bool,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    /// In milliseconds.
    pub(crate) time: Option<i64>,
}

/// The form of all families.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) format: Format,
    pub(crate) dialect: ExportDialect,
    /// True if integral values are written without a fraction.
    pub(crate) integers: bool,
}

/// Returns the name of a metric or a label in an export.
pub(crate) fn export_name(query_name: &str) -> String {
    let short = ["io.", "resource.", "metric."]
        .iter()
        .find_map(|prefix| query_name.strip_prefix(prefix));
    short.unwrap_or(query_name).replace(['.', '/'], "_")
}

impl Layout {
    pub(crate) fn write(self, families: &[Family]) -> String {
        let mut out = String::new();
        for family in families {
            self.head(&mut out, family);
            for sample in &family.samples {
                self.sample(&mut out, &family.name, sample);
            }
            if self.is_recorded() {
                out.push('\n');
            }
        }
        match (self.format, self.dialect) {
            (Format::Prometheus, _) => {}
            (Format::OpenMetrics, ExportDialect::Documented) => out.push_str("#EOF\n"),
            (Format::OpenMetrics, _) => out.push_str("# EOF\n"),
        }
        out
    }

    fn is_recorded(self) -> bool {
        (self.format, self.dialect) == (Format::Prometheus, ExportDialect::Recorded)
    }

    fn head(self, out: &mut String, family: &Family) {
        let name = &family.name;
        let kind = match self.format {
            Format::OpenMetrics if family.is_state_set => "stateset",
            _ => "gauge",
        };
        let help = format!(
            "# HELP {name} {}\n",
            escape(&family.help, self.format == Format::OpenMetrics)
        );
        let kind = format!("# TYPE {name} {kind}\n");
        if let (Format::Prometheus, ExportDialect::Standard | ExportDialect::Recorded) =
            (self.format, self.dialect)
        {
            out.push_str(&help);
            out.push_str(&kind);
        } else {
            out.push_str(&kind);
            self.unit(out, family);
            out.push_str(&help);
        }
    }

    /// Writes the unit. OpenMetrics allows it only if the name ends with it.
    fn unit(self, out: &mut String, family: &Family) {
        let word = match family.unit {
            "By" => "bytes",
            "ms" => "milliseconds",
            _ => return,
        };
        if self.format == Format::OpenMetrics && family.name.ends_with(&format!("_{word}")) {
            let _ = writeln!(out, "# UNIT {} {word}", family.name);
        }
    }

    fn sample(self, out: &mut String, name: &str, sample: &Sample) {
        out.push_str(name);
        if !sample.labels.is_empty() {
            out.push('{');
            for (place, (label, value)) in sample.labels.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                let _ = write!(out, "{comma}{label}=\"{}\"", escape(value, true));
            }
            out.push_str(if self.is_recorded() { ",}" } else { "}" });
        }
        out.push(' ');
        java_double::write(out, sample.value, self.integers);
        if let Some(time) = sample.time {
            let seconds = time.div_euclid(1_000);
            let millis = time.rem_euclid(1_000);
            let _ = match (self.format, self.dialect) {
                (Format::Prometheus, ExportDialect::Documented) => write!(out, " {seconds}"),
                (Format::Prometheus, _) | (_, ExportDialect::Documented) => write!(out, " {time}"),
                (Format::OpenMetrics, _) => write!(out, " {seconds}.{millis:03}"),
            };
        }
        out.push('\n');
    }
}

/// Escapes backslashes, line feeds and, if requested, quotes.
fn escape(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', r"\\").replace('\n', r"\n");
    if quotes {
        text.replace('"', "\\\"")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<Family> {
        let sample = |labels: &[(&str, &str)], value, time| Sample {
            labels: labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            value,
            time,
        };
        vec![
            Family {
                name: "export_status".to_owned(),
                help: "A \"help\"\nwith \\".to_owned(),
                unit: "",
                is_state_set: true,
                samples: vec![sample(&[("export_status", "error")], 1.0, None)],
            },
            Family {
                name: "sent_bytes".to_owned(),
                help: "Sent.".to_owned(),
                unit: "By",
                is_state_set: false,
                samples: vec![
                    sample(
                        &[("a", "\"b\\\nä"), ("c", "")],
                        1.23e7,
                        Some(1_767_268_620_000),
                    ),
                    sample(&[], -0.5, Some(1_767_268_620_007)),
                ],
            },
            Family {
                name: "cache".to_owned(),
                help: "Not by name.".to_owned(),
                unit: "By",
                is_state_set: false,
                samples: Vec::new(),
            },
        ]
    }

    fn written(format: Format, dialect: ExportDialect) -> String {
        Layout {
            format,
            dialect,
            integers: false,
        }
        .write(&families())
    }

    #[test]
    fn the_prometheus_format_is_as_specified() {
        assert_eq!(
            written(Format::Prometheus, ExportDialect::Standard),
            r#"# HELP export_status A "help"\nwith \\
# TYPE export_status gauge
export_status{export_status="error"} 1.0
# HELP sent_bytes Sent.
# TYPE sent_bytes gauge
sent_bytes{a="\"b\\\nä",c=""} 1.23E7 1767268620000
sent_bytes -0.5 1767268620007
# HELP cache Not by name.
# TYPE cache gauge
"#
        );
    }

    #[test]
    fn openmetrics_is_as_specified() {
        let correct = r#"# TYPE export_status stateset
# HELP export_status A \"help\"\nwith \\
export_status{export_status="error"} 1.0
# TYPE sent_bytes gauge
# UNIT sent_bytes bytes
# HELP sent_bytes Sent.
sent_bytes{a="\"b\\\nä",c=""} 1.23E7 1767268620.000
sent_bytes -0.5 1767268620.007
# TYPE cache gauge
# HELP cache Not by name.
# EOF
"#;
        assert_eq!(
            written(Format::OpenMetrics, ExportDialect::Standard),
            correct
        );
        assert_eq!(
            written(Format::OpenMetrics, ExportDialect::Recorded),
            correct
        );
    }

    #[test]
    fn the_recorded_dialect_has_a_comma_and_empty_lines() {
        assert_eq!(
            written(Format::Prometheus, ExportDialect::Recorded),
            r#"# HELP export_status A "help"\nwith \\
# TYPE export_status gauge
export_status{export_status="error",} 1.0

# HELP sent_bytes Sent.
# TYPE sent_bytes gauge
sent_bytes{a="\"b\\\nä",c="",} 1.23E7 1767268620000
sent_bytes -0.5 1767268620007

# HELP cache Not by name.
# TYPE cache gauge

"#
        );
    }

    #[test]
    fn the_documented_dialect_confuses_times_and_lines() {
        let text = written(Format::Prometheus, ExportDialect::Documented);
        assert!(
            text.starts_with("# TYPE export_status gauge\n# HELP export_status "),
            "{text}"
        );
        assert!(
            text.contains("c=\"\"} 1.23E7 1767268620\n") && !text.contains("UNIT"),
            "{text}"
        );
        let open = written(Format::OpenMetrics, ExportDialect::Documented);
        assert!(
            open.contains("c=\"\"} 1.23E7 1767268620000\n") && open.ends_with("\n#EOF\n"),
            "{open}"
        );
    }

    #[test]
    fn names_lose_their_prefix_and_their_dots() {
        for (own, short) in [
            (
                "io.confluent.kafka.server/received_bytes",
                "confluent_kafka_server_received_bytes",
            ),
            ("resource.schema_registry.id", "schema_registry_id"),
            ("metric.flink_task.id", "flink_task_id"),
            ("metric.topic", "topic"),
            ("com.io.x", "com_io_x"),
        ] {
            assert_eq!(export_name(own), short);
        }
    }

    #[test]
    fn integral_values_can_lose_their_fraction() {
        let layout = Layout {
            format: Format::Prometheus,
            dialect: ExportDialect::Standard,
            integers: true,
        };
        assert!(
            layout
                .write(&families())
                .contains(" 12300000 1767268620000\n")
        );
    }
}
