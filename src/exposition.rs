//! A reader of the text that Prometheus scrapes, and of OpenMetrics.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::mem;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::labels::{Columns, Labels, Metric, Table};
use crate::scan::{
    BROKEN_OFF, Fault, Scanner, milliseconds, name_length, next_word, shared_length, unescaped,
};
use crate::seen::Seen;
use crate::timestamp::Timestamp;

/// One value of an export: the newest of a metric for one set of labels.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Sample {
    labels: Labels,
    value: f64,
    /// In milliseconds; without a time what no timestamp can be. An `Option` would be twice as large.
    time: i64,
}

const NO_TIME: i64 = i64::MIN;

impl Sample {
    /// The metric's name in the export, such as `confluent_kafka_server_received_bytes`.
    /// [`export_name`](crate::export_name) makes it from the name in a query.
    pub fn name(&self) -> &str {
        self.metric().map_or("", |metric| &metric.name)
    }

    /// The labels, by their names in the export: `topic`, `kafka_id`.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The value, in the metric's unit; may be infinite or not a number.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// When it was measured; `None` where the export does not say.
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::in_range(self.time)
    }

    /// What the metric measures, in the service's words; `None` where the export does not say.
    pub fn help(&self) -> Option<&str> {
        self.metric()?.help.as_deref()
    }

    /// The metric's type in the export, which has counters as `gauge` too; `None` where the export does not say.
    pub fn kind(&self) -> Option<&str> {
        self.metric()?.kind.as_deref()
    }

    /// The metric's unit, such as `bytes`; `None` where the export does not say. Only OpenMetrics can.
    pub fn unit(&self) -> Option<&str> {
        self.metric()?.unit.as_deref()
    }

    #[inline]
    fn metric(&self) -> Option<&Metric> {
        self.labels.metric()
    }
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        let parts = |sample: &Self| (sample.value, sample.time);
        parts(self) == parts(other) && self.metric() == other.metric() && self.labels == other.labels
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample")
            .field("name", &self.name())
            .field("labels", &self.labels)
            .field("value", &self.value)
            .field("timestamp", &self.timestamp())
            .finish()
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Sample", 4)?;
        object.serialize_field("name", self.name())?;
        object.serialize_field("labels", &self.labels)?;
        object.serialize_field("value", &self.value)?;
        object.serialize_field("timestamp", &self.timestamp())?;
        object.end()
    }
}

/// Every sample of a text, in its order, and apart from them those of the metrics that are to be put `aside`; or the first
/// line that cannot be read, and why.
#[inline]
pub(crate) fn read<'t>(text: &'t str, aside: &'t [&'t str]) -> Result<(Vec<Sample>, Vec<Sample>), String> {
    if text.trim_ascii().is_empty() {
        return Err("the text is empty".into());
    }
    let mut reader = Reader::new(text, aside, HashMap::new());
    reader.read()?;
    if reader.is_late {
        // What is said of a metric after its first sample is known to all samples only on a second reading.
        reader = Reader::new(text, aside, reader.abouts);
        reader.read()?;
    }
    if reader.has_twins {
        return Ok((without_twins(reader.samples)?, without_twins(reader.aside_samples)?));
    }
    Ok((reader.samples, reader.aside_samples))
}

/// How many label sets share a table: a program that keeps one keeps them all.
const ROWS: usize = 256;

/// Lines of an export are about twice as long as this, which is a safe guess at how many there are.
const LINE: usize = 64;

/// What an exposition ends with after the names of its metrics, where one line tells what several names are.
const SUFFIXES: [&str; 8] = ["_total", "_created", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_info"];

struct Reader<'t> {
    scan: Scanner<'t>,
    line: usize,
    has_ended: bool,
    abouts: HashMap<&'t str, About<'t>>,
    is_late: bool,
    metrics: HashMap<&'t str, (Arc<Metric>, u64)>,
    /// The name of the line before, and the hash of its metric.
    name: &'t str,
    seed: u64,
    /// Where the line before begins.
    before: usize,
    /// The labels of the line before. As long as lines begin with the same bytes, nothing has to be read again.
    columns: Vec<Column>,
    /// The label sets that are not samples yet, and what else these are to have.
    table: Table,
    heads: Vec<Head<'t>>,
    rows: Vec<(f64, i64)>,
    hashes: Vec<u64>,
    /// The time of the line before, as it was written and read.
    time: (&'t str, i64),
    seen: Seen,
    has_twins: bool,
    samples: Vec<Sample>,
    aside: &'t [&'t str],
    aside_samples: Vec<Sample>,
}

/// What comment lines say of a metric.
#[derive(Default)]
struct About<'t> {
    help: Option<Cow<'t, str>>,
    kind: Option<&'t str>,
    unit: Option<&'t str>,
}

/// The name of a column of the table.
struct Head<'t> {
    name: &'t str,
    /// What stood before its first value, with the quote: `topic="`.
    opening: &'t str,
    hash: u64,
}

/// A label on a line, in places counted from the line's start.
struct Column {
    /// Where the name begins.
    name: usize,
    /// Where the value begins, after the quote.
    start: usize,
    /// Where the value ends, before the quote.
    end: usize,
    has_escapes: bool,
    /// Whether it is another label than that of the line before.
    is_new: bool,
    hash: u64,
}

impl<'t> Reader<'t> {
    #[inline]
    fn new(text: &'t str, aside: &'t [&'t str], abouts: HashMap<&'t str, About<'t>>) -> Self {
        Self {
            scan: Scanner { text, at: 0 },
            line: 0,
            has_ended: false,
            abouts,
            is_late: false,
            metrics: HashMap::new(),
            name: "",
            seed: 0,
            before: 0,
            columns: Vec::new(),
            table: Table::default(),
            heads: Vec::new(),
            rows: Vec::new(),
            hashes: Vec::new(),
            time: ("", NO_TIME),
            seen: Seen::for_about(text.len() / LINE),
            has_twins: false,
            samples: Vec::with_capacity(text.len() / LINE),
            aside,
            aside_samples: Vec::new(),
        }
    }

    #[inline]
    fn read(&mut self) -> Result<(), String> {
        loop {
            let start = self.scan.at;
            self.line += 1;
            self.scan.skip_blanks();
            let read = match self.scan.peek() {
                None if self.scan.at == start || self.has_ended => break,
                None => Err(BROKEN_OFF),
                Some(b'\n' | b'\r') => self.scan.end_of_line(),
                Some(_) if self.has_ended => Err("it comes after the mark of the end"),
                Some(b'#') => self.comment(),
                Some(_) => self.sample(),
            };
            read.map_err(|why| self.refuse(start, why))?;
        }
        self.flush(Table::default());
        Ok(())
    }

    #[inline]
    fn refuse(&self, start: usize, why: Fault) -> String {
        let line = self.scan.text.get(start..).and_then(|rest| rest.split('\n').next()).unwrap_or("");
        format!("line {}: {why}: {line}", self.line)
    }

    #[inline]
    fn comment(&mut self) -> Result<(), Fault> {
        let (comment, is_whole) = self.scan.comment();
        let comment = comment.strip_suffix('\r').unwrap_or(comment);
        if comment.trim_ascii() == "EOF" {
            self.has_ended = true;
            return Ok(());
        }
        if !is_whole {
            return Err(BROKEN_OFF);
        }
        let Some((word, rest)) = comment.strip_prefix([' ', '\t']).map(next_word) else { return Ok(()) };
        if !matches!(word, "HELP" | "TYPE" | "UNIT") {
            return Ok(());
        }
        let (name, rest) = next_word(rest);
        if name.is_empty() || name_length(name.as_bytes(), b":") != name.len() {
            return Err("it says something of a metric, and does not name it");
        }
        let about = self.abouts.entry(name).or_default();
        let is_new = match word {
            // What cannot be read in a text for people does no harm.
            "HELP" => set(&mut about.help, unescaped(rest.trim_ascii()).unwrap_or(Cow::Borrowed(rest))),
            "UNIT" => set(&mut about.unit, rest.trim_ascii()),
            _ if rest.trim_ascii().is_empty() || rest.trim_ascii().contains([' ', '\t']) => {
                return Err("the type is not one word");
            }
            _ => set(&mut about.kind, rest.trim_ascii()),
        };
        let has_samples = |suffix: &&str| self.metrics.contains_key(&*format!("{name}{suffix}"));
        let is_late =
            self.metrics.contains_key(name) || (about.is_of_several() && SUFFIXES.iter().any(has_samples));
        self.is_late |= is_new && is_late;
        Ok(())
    }

    #[inline]
    fn sample(&mut self) -> Result<(), Fault> {
        // A copy on the stack is faster to move along than the reader's own.
        let mut scan = self.scan;
        let start = scan.at;
        let mut count = self.keep_first(&mut scan);
        let mut is_same = count > 0;
        let mut goes_on = if count > 0 {
            scan.after_label()?
        } else {
            is_same = self.metric_name(&mut scan)?;
            scan.skip_blanks();
            scan.take(b'{')
        };
        while goes_on {
            scan.skip_blanks();
            if scan.take(b'}') {
                break;
            }
            let (label, is_known) = self.label(&mut scan, start, count)?;
            is_same &= is_known;
            count = self.put(label, count, &mut scan);
            goes_on = scan.after_label()?;
        }
        self.columns.truncate(count);
        let value = scan.value()?;
        let time = self.time(&mut scan)?;
        scan.exemplar()?;
        scan.end_of_line()?;
        (self.scan, self.before) = (scan, start);
        self.add(start, is_same && count == self.heads.len())?;
        self.rows.push((value, time));
        if self.rows.len() == ROWS {
            self.flush(self.table.emptied());
        }
        Ok(())
    }

    /// Skips the labels that begin the line as they begin the line before, and gives how many they are.
    #[inline]
    fn keep_first(&mut self, scan: &mut Scanner<'t>) -> usize {
        if self.columns.is_empty() {
            return 0;
        }
        let start = scan.at;
        let before = scan.text.as_bytes().get(self.before..start).unwrap_or(&[]);
        let shared = shared_length(before, scan.rest());
        let mut count = 0;
        for column in self.columns.iter_mut().take_while(|column| column.end < shared) {
            column.is_new = false;
            scan.at = start + column.end + 1;
            count += 1;
        }
        count
    }

    /// Puts a label in its place, and skips those after it where the line goes on as the line before; gives how many
    /// there are by then.
    #[inline]
    fn put(&mut self, label: Column, place: usize, scan: &mut Scanner<'t>) -> usize {
        let end = label.end;
        let last = self.columns.last().map_or(0, |column| column.end);
        let Some(column) = self.columns.get_mut(place) else {
            self.columns.push(label);
            return place + 1;
        };
        let old = mem::replace(column, label).end;
        let rest = scan.text.as_bytes().get(self.before + old + 1..self.before + last + 1).unwrap_or(&[]);
        if rest.is_empty() || !scan.rest().starts_with(rest) {
            return place + 1;
        }
        for column in self.columns.iter_mut().skip(place + 1) {
            for place in [&mut column.name, &mut column.start, &mut column.end] {
                *place = *place - old + end;
            }
            column.is_new = false;
        }
        scan.at += rest.len();
        self.columns.len()
    }

    /// Reads the name of a metric, and gives whether it is that of the line before.
    fn metric_name(&mut self, scan: &mut Scanner<'t>) -> Result<bool, Fault> {
        let name = scan.name(b":");
        if name.is_empty() {
            return Err("it does not begin with the name of a metric");
        }
        Ok(mem::replace(&mut self.name, name) == name)
    }

    /// Reads a label, and gives whether its name is the one that the table has there.
    #[inline]
    fn label(&mut self, scan: &mut Scanner<'t>, line: usize, place: usize) -> Result<(Column, bool), Fault> {
        let name = scan.at - line;
        let (hash, is_known) = match self.heads.get(place) {
            Some(head) if scan.rest().starts_with(head.opening.as_bytes()) => {
                scan.at += head.opening.len();
                (head.hash, true)
            }
            head => {
                let known = head.map_or("", |head| head.name);
                let name = scan.label_name()?;
                (self.seen.hash(0, name.as_bytes()), name == known)
            }
        };
        let start = scan.at;
        let (end, has_escapes) = scan.label_value()?;
        let hash = self.seen.hash(hash, scan.text.as_bytes().get(start..end).unwrap_or(&[]));
        let (start, end) = (start - line, end - line);
        Ok((Column { name, start, end, has_escapes, is_new: true, hash }, is_known))
    }

    #[inline]
    fn time(&mut self, scan: &mut Scanner<'t>) -> Result<i64, Fault> {
        scan.skip_blanks();
        let (before, at) = self.time;
        match scan.rest().strip_prefix(before.as_bytes()) {
            Some([b'\n' | b'\r' | b' ', ..]) if !before.is_empty() => {
                scan.at += before.len();
                return Ok(at);
            }
            _ => {}
        }
        if matches!(scan.peek(), None | Some(b'\n' | b'\r' | b'#')) {
            return Ok(NO_TIME);
        }
        let token = scan.token();
        self.time = (token, milliseconds(token).ok_or("the time is not one that can be")?);
        Ok(self.time.1)
    }

    /// Adds the labels of the line to the table, where it has the same names, or else to a new one.
    #[inline]
    fn add(&mut self, line: usize, is_same: bool) -> Result<(), Fault> {
        if !is_same {
            let next = self.next_table(line)?;
            self.flush(next);
        }
        let is_first = self.rows.is_empty();
        let mut hash = self.seed;
        for column in &self.columns {
            hash = hash.wrapping_add(column.hash);
            let raw = || self.scan.text.get(line + column.start..line + column.end).unwrap_or("");
            if !column.is_new && !is_first {
                self.table.repeat();
            } else if column.has_escapes {
                self.table.push(&unescaped(raw()).ok_or(BAD_ESCAPE)?).ok_or(TOO_LONG)?;
            } else {
                self.table.push(raw()).ok_or(TOO_LONG)?;
            }
        }
        self.hashes.push(hash);
        Ok(())
    }

    /// A table for the metric and the names of the line.
    #[inline]
    fn next_table(&mut self, line: usize) -> Result<Table, Fault> {
        let (metric, seed) = match self.metrics.entry(self.name) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let metric = Arc::new(metric(self.name, &self.abouts));
                new.insert((metric, self.seen.hash(1, self.name.as_bytes())))
            }
        };
        self.seed = *seed;
        let head = |column: &Column| {
            let opening = self.scan.text.get(line + column.name..line + column.start).unwrap_or("");
            let name = Scanner { text: opening, at: 0 }.name(b"");
            Head { name, opening, hash: self.seen.hash(0, name.as_bytes()) }
        };
        self.heads = self.columns.iter().map(head).collect();
        let columns = Columns::new(self.heads.iter().map(|head| head.name.into()).collect());
        if columns.has_twins() {
            return Err("a label comes twice");
        }
        Ok(Table::like(&self.table, Arc::clone(metric), Arc::new(columns)))
    }

    /// Makes samples of the table, and goes on with the next one.
    #[inline]
    fn flush(&mut self, next: Table) {
        for hash in self.hashes.drain(..) {
            self.has_twins |= !self.seen.insert(hash);
        }
        let is_aside = self.table.metric().is_some_and(|metric| self.aside.contains(&&*metric.name));
        let samples = if is_aside { &mut self.aside_samples } else { &mut self.samples };
        let table = mem::replace(&mut self.table, next);
        let labels = table.into_labels(self.rows.len());
        let sample = |(labels, (value, time))| Sample { labels, value, time };
        samples.extend(labels.zip(self.rows.drain(..)).map(sample));
    }
}

impl About<'_> {
    /// Whether it is said of samples whose names have a suffix.
    fn is_of_several(&self) -> bool {
        matches!(self.kind, Some("counter" | "histogram" | "summary" | "info" | "gaugehistogram"))
    }
}

const TOO_LONG: Fault = "its labels have gigabytes";
const BAD_ESCAPE: Fault = "a backslash stands before something else than n, a quote or a backslash";

/// Puts a value where there is none yet, and gives whether it did.
fn set<T>(place: &mut Option<T>, value: T) -> bool {
    let is_new = place.is_none();
    place.get_or_insert(value);
    is_new
}

/// What the comment lines say of the metric that samples of this name are of.
#[inline]
fn metric(name: &str, abouts: &HashMap<&str, About<'_>>) -> Metric {
    let of = |suffix: &&str| abouts.get(name.strip_suffix(*suffix)?).filter(|about| about.is_of_several());
    let base = || SUFFIXES.iter().find_map(of);
    let about = abouts.get(name).or_else(base);
    let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Box::from);
    Metric {
        name: name.into(),
        help: owned(about.and_then(|about| about.help.as_deref())),
        kind: owned(about.and_then(|about| about.kind)),
        unit: owned(about.and_then(|about| about.unit)),
    }
}

/// The samples, each once; a sample that comes again with another value is a contradiction.
#[inline]
fn without_twins(mut samples: Vec<Sample>) -> Result<Vec<Sample>, String> {
    let mut known = HashMap::new();
    let mut conflict = None;
    let is_new: Vec<bool> = samples
        .iter()
        .map(|sample| match known.entry((sample.name(), sample.labels(), sample.time)) {
            Entry::Vacant(new) => {
                new.insert(sample.value);
                true
            }
            Entry::Occupied(known) => {
                let (a, b) = (*known.get(), sample.value);
                if a.to_bits() != b.to_bits() {
                    conflict.get_or_insert_with(|| {
                        format!("{}{} has two values: {a} and {b}", sample.name(), sample.labels())
                    });
                }
                false
            }
        })
        .collect();
    if let Some(conflict) = conflict {
        return Err(conflict);
    }
    let mut is_new = is_new.into_iter();
    samples.retain(|_| is_new.next().unwrap_or(true));
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_takes_four_words() {
        assert_eq!(size_of::<Sample>(), 32);
    }
}
