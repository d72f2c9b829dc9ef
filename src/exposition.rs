//! A reader of the text that Prometheus scrapes, and of OpenMetrics.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::mem;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::labels::{Columns, Labels, Metric, Table};
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

/// Lines of an export are about twice as long as this.
const LINE: usize = 64;

/// A time below this is in seconds, and any other in milliseconds: it lies in the year 5138, or in 1973.
const FIRST_MILLISECOND: i64 = 100_000_000_000;

/// What an exposition ends with after the names of its metrics, where one line tells what several names are.
const SUFFIXES: [&str; 8] = ["_total", "_created", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_info"];

type Fault = &'static str;

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

/// A place in a text.
#[derive(Clone, Copy)]
struct Scanner<'t> {
    text: &'t str,
    at: usize,
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
            seen: Seen::for_text(text),
            has_twins: false,
            samples: Vec::with_capacity(text.len() / LINE),
            aside,
            aside_samples: Vec::new(),
        }
    }

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

    fn refuse(&self, start: usize, why: Fault) -> String {
        let line = self.scan.text.get(start..).and_then(|rest| rest.split('\n').next()).unwrap_or("");
        format!("line {}: {why}: {line}", self.line)
    }

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

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or(&[])
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// The line from its second sign on, and whether it has an end.
    fn comment(&mut self) -> (&'t str, bool) {
        let rest = self.text.get(self.at + 1..).unwrap_or("");
        let (comment, is_whole) = match rest.split_once('\n') {
            Some((comment, _)) => (comment, true),
            None => (rest, false),
        };
        self.at = self.text.len() - rest.len() + comment.len() + usize::from(is_whole);
        (comment, is_whole)
    }

    /// A name, which may have these signs besides letters, digits and underscores; empty where there is none.
    fn name(&mut self, signs: &[u8]) -> &'t str {
        let length = name_length(self.rest(), signs);
        let name = self.text.get(self.at..self.at + length).unwrap_or("");
        self.at += name.len();
        name
    }

    /// The name of a label, up to the start of its value.
    fn label_name(&mut self) -> Result<&'t str, Fault> {
        let name = self.name(b"");
        if name.is_empty() {
            return Err("a label has no name");
        }
        self.skip_blanks();
        if !self.take(b'=') {
            return Err("a label has no '=' after its name");
        }
        self.skip_blanks();
        if !self.take(b'"') {
            return Err("a label's value is not in quotes");
        }
        Ok(name)
    }

    /// Passes over the value of a label, and gives its end and whether there is a backslash in it.
    fn label_value(&mut self) -> Result<(usize, bool), Fault> {
        let mut has_escapes = false;
        loop {
            let step = end_of_plain(self.rest()).ok_or(BROKEN_OFF)?;
            let end = self.at + step;
            match self.rest().get(step..) {
                Some([b'"', ..]) => {
                    self.at = end + 1;
                    return Ok((end, has_escapes));
                }
                Some([b'\\', _, ..]) => self.at = end + 2,
                _ => return Err("a label's value has no end"),
            }
            has_escapes = true;
        }
    }

    /// Reads what follows a label, and gives whether another one may.
    fn after_label(&mut self) -> Result<bool, Fault> {
        self.skip_blanks();
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(b'}') {
            return Ok(false);
        }
        Err("after a label there is neither a comma nor the end of the labels")
    }

    fn value(&mut self) -> Result<f64, Fault> {
        self.skip_blanks();
        match self.token() {
            "" => Err("it has no value"),
            token => token.parse().map_err(|_| "the value is not a number"),
        }
    }

    /// Passes over an example of what was counted, which only OpenMetrics has.
    fn exemplar(&mut self) -> Result<(), Fault> {
        self.skip_blanks();
        if self.peek() != Some(b'#') {
            return Ok(());
        }
        if !self.rest().starts_with(b"# {") {
            return Err("something follows the value that is not a time");
        }
        self.at += self.rest().iter().position(|byte| *byte == b'\n').ok_or(BROKEN_OFF)?;
        Ok(())
    }

    /// Passes over the end of the line; without one the text may have been cut, and a number with it.
    fn end_of_line(&mut self) -> Result<(), Fault> {
        self.take(b'\r');
        if self.take(b'\n') {
            return Ok(());
        }
        Err(if self.peek().is_none() { BROKEN_OFF } else { "something follows the value that is not a time" })
    }

    /// All up to the next blank or the end of the line.
    fn token(&mut self) -> &'t str {
        let rest = self.rest();
        let is_end = |byte: u8| byte <= b' ';
        let length = position(rest, is_end, |eight| {
            // The top bit of the first byte that is not above a blank, and perhaps of bytes after it.
            eight.wrapping_sub(EACH * u64::from(b' ' + 1)) & !eight & TOP
        });
        let token = self.text.get(self.at..self.at + length.unwrap_or(rest.len())).unwrap_or("");
        self.at += token.len();
        token
    }
}

impl About<'_> {
    /// Whether it is said of samples whose names have a suffix.
    fn is_of_several(&self) -> bool {
        matches!(self.kind, Some("counter" | "histogram" | "summary" | "info" | "gaugehistogram"))
    }
}

const BROKEN_OFF: Fault = "the text breaks off here, so the rest of it is missing";
const TOO_LONG: Fault = "its labels have gigabytes";
const BAD_ESCAPE: Fault = "a backslash stands before something else than n, a quote or a backslash";

/// Puts a value where there is none yet, and gives whether it did.
fn set<T>(place: &mut Option<T>, value: T) -> bool {
    let is_new = place.is_none();
    place.get_or_insert(value);
    is_new
}

/// What the comment lines say of the metric that samples of this name are of.
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

/// How many bytes at the start make a name, which may have these signs as well.
fn name_length(bytes: &[u8], signs: &[u8]) -> usize {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || signs.contains(&byte);
    let length = bytes.iter().take_while(|byte| is_start(**byte) || byte.is_ascii_digit()).count();
    if bytes.first().is_some_and(|byte| is_start(*byte)) { length } else { 0 }
}

/// The next word, and what follows the blanks after it.
fn next_word(text: &str) -> (&str, &str) {
    let text = text.trim_ascii_start();
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_ascii_start())
}

/// The text without its escapes; `None` where there is one that is none.
fn unescaped(raw: &str) -> Option<Cow<'_, str>> {
    let Some((start, mut rest)) = raw.split_once('\\') else { return Some(Cow::Borrowed(raw)) };
    let mut text = start.to_owned();
    loop {
        text.push(match rest.bytes().next()? {
            b'n' => '\n',
            sign @ (b'"' | b'\\') => char::from(sign),
            _ => return None,
        });
        match rest.get(1..)?.split_once('\\') {
            Some((part, more)) => {
                text.push_str(part);
                rest = more;
            }
            None => {
                text.push_str(rest.get(1..)?);
                return Some(Cow::Owned(text));
            }
        }
    }
}

/// Seconds or milliseconds since 1970, whole or with a fraction.
fn milliseconds(token: &str) -> Option<i64> {
    let (whole, fraction) = token.split_once('.').unwrap_or((token, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds = if is_digits(whole) && is_digits(fraction) && !whole.is_empty() {
        let whole: i64 = whole.parse().ok()?;
        if whole < FIRST_MILLISECOND {
            let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |byte| i64::from(byte - b'0'));
            whole * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2)
        } else {
            whole
        }
    } else {
        let number = token.parse::<f64>().ok().filter(|number| number.is_finite())?;
        let is_seconds = number.abs() < FIRST_MILLISECOND as f64;
        (if is_seconds { number * 1000.0 } else { number }).round() as i64
    };
    Timestamp::in_range(milliseconds).map(Timestamp::as_millisecond)
}

/// Where the first quote, backslash or end of a line is.
fn end_of_plain(bytes: &[u8]) -> Option<usize> {
    let zeros = |eight: u64| eight.wrapping_sub(EACH) & !eight & TOP;
    let found = |eight: u64, byte: u8| zeros(eight ^ (EACH * u64::from(byte)));
    position(
        bytes,
        |byte| matches!(byte, b'"' | b'\\' | b'\n'),
        |eight| found(eight, b'"') | found(eight, b'\\') | found(eight, b'\n'),
    )
}

/// A one in each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The top bit of each of eight bytes.
const TOP: u64 = EACH << 7;

/// Where the first byte is that is looked for, by looking at eight at once: `among` marks the top bit of the first one
/// found, and may mark others after it.
fn position(bytes: &[u8], is_it: impl Fn(u8) -> bool, among: impl Fn(u64) -> u64) -> Option<usize> {
    let mut start = 0;
    for eight in bytes.chunks_exact(8) {
        let found = among(word(eight));
        if found != 0 {
            return Some(start + (found.trailing_zeros() / 8) as usize);
        }
        start += 8;
    }
    bytes.get(start..)?.iter().position(|byte| is_it(*byte)).map(|place| start + place)
}

/// How many bytes two texts begin with that are the same.
fn shared_length(a: &[u8], b: &[u8]) -> usize {
    const STEP: usize = 16;
    let word = |bytes: &[u8]| u128::from_le_bytes(bytes.try_into().unwrap_or_default());
    let mut same = 0;
    for (a, b) in a.chunks_exact(STEP).zip(b.chunks_exact(STEP)) {
        let differs = word(a) ^ word(b);
        if differs != 0 {
            return same + (differs.trailing_zeros() / 8) as usize;
        }
        same += STEP;
    }
    let (a, b) = (a.get(same..).unwrap_or(&[]), b.get(same..).unwrap_or(&[]));
    same + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Eight bytes, the first one the lowest.
fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

/// The hashes of all samples so far, to notice one that may have come before.
struct Seen {
    /// The upper half of each hash, in the first free place from where the lower half leads; 0 is a free place.
    places: Vec<u32>,
    free: usize,
    key: u64,
}

impl Seen {
    /// With room for the samples of a text, unless its lines are uncommonly short.
    fn for_text(text: &str) -> Self {
        let places = vec![0; (text.len() / LINE).next_power_of_two().max(64)];
        let key = RandomState::new().build_hasher().finish();
        Self { free: places.len() / 8 * 7, places, key }
    }

    fn hash(&self, seed: u64, bytes: &[u8]) -> u64 {
        let mix = |hash: u64, word: u64| {
            let product = u128::from(hash ^ word) * 0x9fb2_1c65_1e98_df25;
            (product as u64) ^ ((product >> 64) as u64)
        };
        let words = bytes.chunks_exact(8);
        let rest =
            words.remainder().iter().fold(bytes.len() as u64, |word, byte| (word << 8) | u64::from(*byte));
        mix(words.fold(seed ^ self.key, |hash, bytes| mix(hash, word(bytes))), rest)
    }

    /// Gives whether the hash is surely new.
    fn insert(&mut self, hash: u64) -> bool {
        if self.free == 0 {
            return false;
        }
        let (mark, mask) = (((hash >> 32) as u32).max(1), self.places.len() - 1);
        let mut place = hash as usize & mask;
        loop {
            match self.places.get_mut(place) {
                Some(found) if *found == 0 => {
                    *found = mark;
                    self.free -= 1;
                    return true;
                }
                Some(found) if *found == mark => return false,
                _ => place = (place + 1) & mask,
            }
        }
    }
}

/// The samples, each once; a sample that comes again with another value is a contradiction.
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

    #[test]
    fn eight_bytes_at_once_find_what_one_by_one_finds() {
        let is_end = |byte: u8| matches!(byte, b'"' | b'\\' | b'\n');
        for length in 0..40 {
            for byte in 0..=255_u8 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    if let Some(next) = bytes.get_mut(place + 1) {
                        *next = byte.wrapping_add(1);
                    }
                    assert_eq!(
                        end_of_plain(&bytes),
                        bytes.iter().position(|byte| is_end(*byte)),
                        "{bytes:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_token_ends_at_a_blank_or_the_end_of_the_line() {
        for (text, token) in [
            ("", ""),
            (" a", ""),
            ("a", "a"),
            ("12345678", "12345678"),
            ("1234567\n", "1234567"),
            ("12345678\t9", "12345678"),
            ("1.5E7\r\n", "1.5E7"),
            ("é!ü\u{80} 12345678", "é!ü\u{80}"),
        ] {
            let mut scan = Scanner { text, at: 0 };
            assert_eq!((scan.token(), scan.at), (token, token.len()));
        }
    }

    #[test]
    fn shared_starts_are_measured_to_the_byte() {
        let text: Vec<u8> = (0..100).collect();
        for length in [0, 1, 15, 16, 17, 31, 32, 33, 99] {
            let mut other = text.clone();
            other[length] ^= 0x80;
            assert_eq!(shared_length(&text, &other), length);
            assert_eq!(shared_length(&text[..length], &text), length);
            assert_eq!(shared_length(&text, &text[..length]), length);
        }
    }

    #[test]
    fn times_are_seconds_or_milliseconds() {
        for (token, expected) in [
            ("0", Some(0)),
            ("1609459200", Some(1_609_459_200_000)),
            ("1609459200000", Some(1_609_459_200_000)),
            ("1609459200.000", Some(1_609_459_200_000)),
            ("1609459200.0079", Some(1_609_459_200_007)),
            ("1609459200.7", Some(1_609_459_200_700)),
            ("1609459200.", Some(1_609_459_200_000)),
            ("1609459200000.9", Some(1_609_459_200_000)),
            ("1.6094592E9", Some(1_609_459_200_000)),
            ("1.6094592E12", Some(1_609_459_200_000)),
            ("99999999999", Some(99_999_999_999_000)),
            ("100000000000", Some(100_000_000_000)),
            ("-1.5", Some(-1500)),
            ("253402300799999", Some(253_402_300_799_999)),
            ("253402300800000", None),
            ("99999999999999999999", None),
            ("-99999999999999999999", None),
            ("", None),
            (".5", Some(500)),
            ("NaN", None),
            ("+Inf", None),
            ("now", None),
            ("1e999", None),
        ] {
            assert_eq!(milliseconds(token), expected, "{token}");
        }
    }

    #[test]
    fn a_hash_is_seen_once_and_a_full_table_is_sure_of_nothing() {
        let text = "x".repeat(LINE * 256);
        let mut seen = Seen::for_text(&text);
        let [one, other] = [b"one", b"two"].map(|name| seen.hash(0, name));
        let hashes: Vec<_> = (0..200_u64).map(|number| seen.hash(one, &number.to_le_bytes())).collect();
        assert!(hashes.iter().all(|hash| seen.insert(*hash)));
        assert!(hashes.iter().all(|hash| !seen.insert(*hash)));
        let more: Vec<_> = (0..200_u64).map(|number| seen.hash(other, &number.to_le_bytes())).collect();
        assert_eq!(more.iter().filter(|hash| seen.insert(**hash)).count(), 256 / 8 * 7 - 200);
        for (one, other) in
            [("a", "b"), ("", "\0"), ("ab", "ba"), ("12345678", "123456789"), ("\0\0", "\0\0\0")]
        {
            assert_ne!(seen.hash(1, one.as_bytes()), seen.hash(1, other.as_bytes()));
            assert_ne!(seen.hash(1, one.as_bytes()), seen.hash(2, one.as_bytes()));
        }
    }

    #[test]
    fn escapes_are_taken_out() {
        for (raw, text) in [
            ("", Some("")),
            ("plain", Some("plain")),
            (r#"a\\b\"c\nd"#, Some("a\\b\"c\nd")),
            (r"\\n", Some(r"\n")),
            (r"é\né", Some("é\né")),
            (r"\t", None),
            (r"\é", None),
            (r"a\", None),
        ] {
            assert_eq!(unescaped(raw).as_deref(), text, "{raw}");
        }
    }
}
