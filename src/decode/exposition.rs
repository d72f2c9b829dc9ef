//! Parses the text formats of Prometheus and OpenMetrics.
//!
//! Each line is a sample or a comment. Some comments are the metadata of a metric family:
//!
//! ```text
//! # HELP sent_bytes Bytes sent to clients.
//! # TYPE sent_bytes gauge
//! sent_bytes{kafka_id="lkc-1",topic="orders"} 1.5E7 1767225600000
//! # EOF
//! ```
//!
//! The sample becomes:
//!
//! ```text
//! name: sent_bytes, help: Bytes sent to clients., kind: gauge
//! labels: {kafka_id="lkc-1", topic="orders"}, value: 15000000, timestamp: 2026-01-01T00:00:00Z
//! ```
//!
//! The steps are:
//! 1. [`parse`] reads the text line by line. The tokens of a line are those of `lexer`.
//! 2. If metadata follows the samples of its metric, the text is read again with all metadata.
//! 3. Duplicate samples are removed. Different values of the same sample are an error.
//!
//! An export has thousands of lines, and each is similar to the previous one. A [`Parser`] keeps the
//! tokens of the previous line, and parses only those whose source differs. The labels of many
//! samples share one table of text.
//!
//! Specifications: [Prometheus text format], [OpenMetrics].
//!
//! [Prometheus text format]: https://prometheus.io/docs/instrumenting/exposition_formats/
//! [OpenMetrics]: https://prometheus.io/docs/specs/om/open_metrics_spec/

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use crate::decode::dedup::dedup;
use crate::decode::error::DecodeError;
use crate::decode::lexer::{
    Cursor, Label, SyntaxError, is_metric_name, parse_timestamp, split_word,
};
use crate::decode::metadata::{Metadata, metric_metadata};
use crate::model::labels::TableBuilder;
use crate::model::sample::{MetricMetadata, Sample};
use crate::time::deadline::{Deadline, Interrupt};
use crate::time::timestamp::Timestamp;

/// The content of a text.
#[derive(Default)]
pub(crate) struct Exposition {
    /// The samples in the order of the text, each once.
    pub(crate) samples: Vec<Sample>,
    /// The samples of the status metrics.
    pub(crate) statuses: Vec<Sample>,
    /// The name of each metric and the number of its lines, without status metrics.
    pub(crate) counts: Vec<(String, usize)>,
    /// True if the text ends in `# EOF`.
    pub(crate) has_eof: bool,
}

/// Parses a text. The samples of `status_metrics` are returned separately.
///
/// # Errors
///
/// Returns [`DecodeError::Invalid`] with the number of the first invalid line, or with the two
/// values of a sample that conflict:
///
/// ```text
/// line 3: expected a value: sent_bytes{topic="orders"}
/// conflicting values for sent_bytes{topic="orders"}: 7 and 8
/// ```
pub(crate) fn parse(
    text: &str,
    status_metrics: &[&str],
    deadline: &Deadline,
) -> Result<Exposition, DecodeError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(DecodeError::Invalid("the text is empty".into()));
    }
    let interrupt = Interrupt::new(deadline);
    let mut parser = Parser {
        status_metrics,
        ..Parser::default()
    };
    parser.text(text, &interrupt)?;
    // Samples share the metadata of their metric, and are finished by now. Reading the text again
    // is simpler than replacing it, and rare: both formats print the metadata first.
    if parser.has_late_metadata() {
        let families = mem::take(&mut parser.families);
        parser = Parser {
            status_metrics,
            families,
            ..Parser::default()
        };
        parser.text(text, &interrupt)?;
    }
    parser.finish(&interrupt)
}

/// The mark that some tools write at the start of UTF-8.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The error for a last line that may have been cut.
const UNEXPECTED_END: SyntaxError = "unexpected end of text";
/// The error for a line that does not start with a name.
const EXPECTED_METRIC_NAME: SyntaxError = "expected a metric name";

/// The state of a parser between two lines.
///
/// `labels`, `order`, `timestamp` and `place` are those of the previous line.
#[derive(Default)]
struct Parser<'t> {
    /// The names of the metrics whose samples are returned separately.
    status_metrics: &'t [&'t str],
    /// The metadata of each metric family, as far as it was read.
    families: HashMap<&'t str, Metadata<'t>>,
    /// The metrics in the order of their first samples.
    metrics: Vec<Metric<'t>>,
    /// The index of each metric by its name.
    places: HashMap<&'t str, usize>,
    /// The index of the metric of the previous line. Most lines repeat its name, most of its labels
    /// and its timestamp, and comparing them is faster than parsing.
    place: usize,
    /// The labels in the order of the line.
    labels: Vec<Label<'t>>,
    /// The source of the timestamp, and its parsed form. Both are empty if the line has none.
    timestamp: (&'t str, Option<Timestamp>),
    /// The indexes of the labels, sorted by name.
    order: Vec<usize>,
    /// The unfinished table, with the labels of each of `rows`.
    tables: TableBuilder,
    /// The samples whose labels are in the unfinished table.
    rows: Vec<Row>,
    /// The finished samples.
    result: Exposition,
}

/// The samples that share a name.
struct Metric<'t> {
    /// The name in the samples, with its suffix.
    name: &'t str,
    /// The metadata that all its samples share.
    metadata: Arc<MetricMetadata>,
    /// True if the name is one of `status_metrics`.
    is_status: bool,
    /// The number of its samples, duplicates included.
    line_count: usize,
}

/// A sample without its labels.
struct Row {
    /// The index of the metric.
    place: usize,
    /// The value, which may be infinite or NaN.
    value: f64,
    /// The time of the sample, if the line has one.
    timestamp: Option<Timestamp>,
}

impl<'t> Parser<'t> {
    /// Parses a text line by line. An error names the line.
    fn text(&mut self, text: &'t str, interrupt: &Interrupt<'_>) -> Result<(), DecodeError> {
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            self.line(line).map_err(|why| {
                DecodeError::Invalid(format!("line {number}: {why}: {}", line.trim_ascii_end()))
            })?;
            if self.tables.is_full() {
                self.finish_table();
            }
            interrupt.step()?;
        }
        self.finish_table();
        Ok(())
    }

    /// Parses a line, with or without its end.
    ///
    /// A line without an end may have been cut. Only `# EOF` and blanks after it need none.
    fn line(&mut self, line: &'t str) -> Result<(), SyntaxError> {
        let content = line.strip_suffix('\n');
        let is_terminated = content.is_some();
        let content = content.map_or(line, |content| {
            content.strip_suffix('\r').unwrap_or(content)
        });
        let content = content.trim_start_matches([' ', '\t']);
        if content.is_empty() {
            return if is_terminated || self.result.has_eof {
                Ok(())
            } else {
                Err(UNEXPECTED_END)
            };
        }
        if self.result.has_eof {
            return Err("unexpected text after # EOF");
        }
        if let Some(comment) = content.strip_prefix('#') {
            return self.comment(comment, is_terminated);
        }
        self.sample(content, is_terminated)
    }

    /// Parses what follows a `#`.
    ///
    /// `HELP`, `TYPE` and `UNIT` set the metadata of a family. Other comments are skipped:
    ///
    /// ```text
    ///  TYPE sent_bytes gauge    the family `sent_bytes` is a gauge
    ///  EOF                      the end of the text
    ///  generated by hand        skipped
    /// ```
    fn comment(&mut self, comment: &'t str, is_terminated: bool) -> Result<(), SyntaxError> {
        if comment.trim_ascii() == "EOF" {
            self.result.has_eof = true;
            return Ok(());
        }
        if !is_terminated {
            return Err(UNEXPECTED_END);
        }
        let Some(words) = comment.strip_prefix([' ', '\t']) else {
            return Ok(());
        };
        let (keyword, rest) = split_word(words);
        if !matches!(keyword, "HELP" | "TYPE" | "UNIT") {
            return Ok(());
        }
        let (name, text) = split_word(rest);
        if !is_metric_name(name) {
            return Err(EXPECTED_METRIC_NAME);
        }
        let text = text.trim_ascii();
        let family = self.families.entry(name).or_default();
        let field = match keyword {
            "HELP" => &mut family.help,
            "UNIT" => &mut family.unit,
            _ if text.is_empty() || text.contains([' ', '\t']) => {
                return Err("expected one word after TYPE");
            }
            _ => &mut family.kind,
        };
        // A repeated line does not replace the first one. The second pass repeats every line.
        field.get_or_insert(text);
        Ok(())
    }

    /// Parses the line of a sample, and adds it to `rows` and its labels to `tables`.
    fn sample(&mut self, line: &'t str, is_terminated: bool) -> Result<(), SyntaxError> {
        let mut cursor = Cursor::new(line);
        let place = self.metric(&mut cursor)?;
        // A number may have been truncated to another valid number.
        if !is_terminated {
            return Err(UNEXPECTED_END);
        }
        self.labels(&mut cursor)?;
        let value = cursor.value()?;
        let timestamp = self.timestamp(cursor.timestamp())?;
        cursor.end()?;
        let sorted = self
            .order
            .iter()
            .filter_map(|place| self.labels.get(*place));
        let pairs = sorted.map(|label| (label.name, &*label.value));
        self.tables.push(pairs).ok_or("labels exceed 4 GiB")?;
        self.rows.push(Row {
            place,
            value,
            timestamp,
        });
        Ok(())
    }

    /// Parses the name of a metric, counts its line, and returns its index.
    ///
    /// A name that is new gets the next index and the metadata that was read so far.
    fn metric(&mut self, cursor: &mut Cursor<'t>) -> Result<usize, SyntaxError> {
        // Lines are ordered by metric. Comparing the name is faster than a lookup in `places`.
        let before = self.metrics.get(self.place);
        if !before.is_some_and(|metric| cursor.consume_metric_name(metric.name)) {
            let name = cursor.metric_name();
            if name.is_empty() {
                return Err(EXPECTED_METRIC_NAME);
            }
            self.place = *self.places.entry(name).or_insert(self.metrics.len());
            if self.place == self.metrics.len() {
                let metadata = Arc::new(metric_metadata(name, &self.families));
                let is_status = self.status_metrics.contains(&name);
                self.metrics.push(Metric {
                    name,
                    metadata,
                    is_status,
                    line_count: 0,
                });
            }
        }
        if let Some(metric) = self.metrics.get_mut(self.place) {
            metric.line_count += 1;
        }
        Ok(self.place)
    }

    /// Parses the labels of a line.
    ///
    /// Afterward `labels` has the labels in the order of the line, and `order` sorts them by name.
    /// A line without braces has no labels.
    fn labels(&mut self, cursor: &mut Cursor<'t>) -> Result<(), SyntaxError> {
        let mut count = 0;
        let mut has_same_names = true;
        cursor.skip_blanks();
        let mut has_more = cursor.consume(b'{');
        while has_more {
            cursor.skip_blanks();
            if cursor.consume(b'}') {
                break;
            }
            // Most labels have the same source as the previous line has in this position. Then the
            // bytes are compared once, and nothing is parsed or unescaped.
            match self.labels.get_mut(count) {
                Some(before) if cursor.consume_label(before) => {}
                Some(before) => {
                    let label = cursor.label()?;
                    has_same_names &= label.name == before.name;
                    *before = label;
                }
                None => {
                    self.labels.push(cursor.label()?);
                    has_same_names = false;
                }
            }
            count += 1;
            has_more = cursor.label_separator()?;
        }
        // The order depends on the names only, so that the previous one is still right.
        if has_same_names && count == self.labels.len() {
            Ok(())
        } else {
            self.sort_labels(count)
        }
    }

    /// Sorts the first `count` labels by name, and removes the others.
    ///
    /// The labels themselves stay in the order of the line, to be compared with the next line:
    ///
    /// ```text
    /// {topic="orders",kafka_id="lkc-1"}    order: [1, 0]
    /// ```
    fn sort_labels(&mut self, count: usize) -> Result<(), SyntaxError> {
        self.labels.truncate(count);
        let name = |place: &usize| self.labels.get(*place).map_or("", |label| label.name);
        self.order.clear();
        self.order.extend(0..count);
        self.order.sort_unstable_by_key(name);
        let is_same = |pair: &[usize]| matches!(pair, [a, b] if name(a) == name(b));
        if self.order.windows(2).any(is_same) {
            Err("duplicate label")
        } else {
            Ok(())
        }
    }

    /// Returns the timestamp of a token, which is empty if the line has none.
    fn timestamp(&mut self, token: &'t str) -> Result<Option<Timestamp>, SyntaxError> {
        if token != self.timestamp.0 {
            let parsed = parse_timestamp(token);
            if parsed.is_none() && !token.is_empty() {
                return Err("invalid timestamp");
            }
            self.timestamp = (token, parsed);
        }
        Ok(self.timestamp.1)
    }

    /// Moves `rows` to the result, each with its labels from the table.
    ///
    /// A full table is finished early, since a sample keeps the table of its labels in memory.
    fn finish_table(&mut self) {
        for (row, labels) in self.rows.drain(..).zip(self.tables.finish()) {
            let Some(metric) = self.metrics.get(row.place) else {
                continue;
            };
            let sample = Sample::new(
                Arc::clone(&metric.metadata),
                labels,
                row.value,
                row.timestamp,
            );
            let list = if metric.is_status {
                &mut self.result.statuses
            } else {
                &mut self.result.samples
            };
            list.push(sample);
        }
    }

    /// Returns true if the metadata of a metric followed its first sample.
    ///
    /// The metadata of each metric is compared with what it would be now:
    ///
    /// ```text
    /// sent_bytes 7
    /// # TYPE sent_bytes gauge    too late for the sample before it
    /// ```
    fn has_late_metadata(&self) -> bool {
        let mut metrics = self.metrics.iter();
        metrics.any(|metric| *metric.metadata != metric_metadata(metric.name, &self.families))
    }

    /// Counts the lines of each metric, and removes duplicate samples.
    fn finish(mut self, interrupt: &Interrupt<'_>) -> Result<Exposition, DecodeError> {
        let metrics = self.metrics.iter().filter(|metric| !metric.is_status);
        self.result.counts = metrics
            .map(|metric| (metric.name.to_owned(), metric.line_count))
            .collect();
        dedup(&mut self.result.samples, interrupt)?;
        dedup(&mut self.result.statuses, interrupt)?;
        Ok(self.result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_linear_in_the_text_for_any_order_of_lines() {
        let lines = |line: fn(usize) -> String| (0..20_000).map(line).collect::<String>();
        for text in [
            lines(|at| format!("m{{topic=\"t{at}\"}} 1\n")),
            lines(|at| format!("{}{{topic=\"t{at}\"}} 1\n", ["a", "b"][at % 2])),
            lines(|at| format!("m{{{}=\"t{at}\"}} 1\n", ["a", "b"][at % 2])),
            lines(|at| format!("m{at}{{a=\"1\"}} 1\n")),
            // A long line between short ones.
            lines(|at| format!("m{{a=\"{at}{}\"}} 1\n", "x".repeat(at % 100 * 50))),
        ] {
            let parsed = parse(&text, &[], &Deadline::never()).unwrap();
            assert_eq!(parsed.samples.len(), 20_000);
            let labels = parsed.samples.iter().map(Sample::labels);
            let size = crate::model::labels::tests::size_of_tables(labels);
            assert!(
                size < 2 * text.len(),
                "{size} bytes for {} of text",
                text.len()
            );
        }
    }

    #[test]
    fn a_parser_stops_at_the_deadline() {
        let text: String = (0..10_000)
            .map(|at| format!("m{{a=\"{at}\"}} 1\n"))
            .collect();
        let passed = Deadline::after(std::time::Duration::ZERO);
        assert!(matches!(
            parse(&text, &[], &passed),
            Err(DecodeError::Interrupted)
        ));
    }
}
