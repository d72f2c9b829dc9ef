//! Random exports, printed in every valid form and parsed again.

use std::collections::{BTreeMap, BTreeSet};

use confluent_metrics::{Completeness, ErrorKind, Export, Sample};
use proptest::prelude::*;

use crate::cases;
use crate::seeded_rng::SeededRng;

type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug)]
struct Family {
    name: String,
    help: Option<String>,
    kind: Option<String>,
    unit: Option<String>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    labels: Labels,
    value: f64,
    /// In milliseconds.
    time: Option<i64>,
}

/// Few letters and few labels, so that adjacent lines share much.
fn labels() -> impl Strategy<Value = Labels> {
    let name = prop_oneof![4 => "[ab]", 1 => "[a-c_][a-c0-9_]{0,3}"];
    let value = prop_oneof![
        6 => "[ab]{0,3}",
        2 => "[ab\"\\\\\n]{1,4}",
        1 => "[ab,={} é#]{1,5}",
        1 => ".{0,6}",
        1 => "[a-z]{30}",
    ];
    prop::collection::btree_map(name, value, 0..4)
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0..2_000_i32).prop_map(f64::from),
        2 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.736948396647e12, 5e-324]),
    ]
}

fn time() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        3 => Just(Some(1_767_268_620_000)),
        2 => (1_700_000_000_000..1_800_000_000_000_i64).prop_map(Some),
        1 => (0..253_402_300_799_999_i64).prop_map(Some),
        1 => Just(None),
    ]
}

fn family() -> impl Strategy<Value = Family> {
    let help = "[a-z \"\\\\\né]{0,9}".prop_map(|text| text.trim().to_owned());
    let row = (labels(), value(), time()).prop_map(|(labels, value, time)| Row {
        labels,
        value,
        time,
    });
    (
        "[a-c:_][a-c0-9:_]{0,5}",
        prop::option::of(help.prop_filter("some words", |help| !help.is_empty())),
        prop::option::of("gauge|counter|stateset|unknown|x"),
        prop::option::of("bytes|ms"),
        prop::collection::vec(row, 0..12),
    )
        .prop_map(|(name, help, kind, unit, mut rows)| {
            let mut known = BTreeSet::new();
            rows.retain(|row| known.insert((row.labels.clone(), row.time)));
            Family {
                name,
                help,
                kind,
                unit,
                rows,
            }
        })
}

fn families() -> impl Strategy<Value = Vec<Family>> {
    prop::collection::vec(family(), 0..6).prop_map(|mut families| {
        let mut known = BTreeSet::new();
        families.retain(|family| known.insert(family.name.clone()));
        families
    })
}

/// Writes lines. A seed of 0 gives the simplest form.
struct Writer {
    rng: SeededRng,
    lines: Vec<String>,
}

impl Writer {
    fn blank(&mut self) -> &'static str {
        if self.rng.rarely(8) {
            ["  ", "\t", " \t "][self.rng.roll(3)]
        } else {
            " "
        }
    }

    fn maybe_blank(&mut self) -> &'static str {
        if self.rng.rarely(12) {
            self.blank()
        } else {
            ""
        }
    }

    /// Writes the metadata of a family, in any order and partly twice.
    fn about(&mut self, family: &Family) -> Vec<String> {
        let escaped = |help: &String| help.replace('\\', "\\\\").replace('\n', "\\n");
        let mut lines = Vec::new();
        for (word, text) in [
            ("HELP", family.help.as_ref().map(escaped)),
            ("TYPE", family.kind.clone()),
            ("UNIT", family.unit.clone()),
        ] {
            if let Some(text) = text {
                let line = format!(
                    "#{}{word}{}{}{}{text}",
                    self.blank(),
                    self.blank(),
                    family.name,
                    self.blank()
                );
                lines.extend(std::iter::repeat_n(
                    line,
                    1 + usize::from(self.rng.rarely(9)),
                ));
            }
        }
        self.rng.shuffle(&mut lines);
        lines
    }

    fn row(&mut self, name: &str, row: &Row) -> String {
        let mut labels: Vec<_> = row.labels.iter().collect();
        if self.rng.rarely(3) {
            self.rng.shuffle(&mut labels);
        }
        let mut line = format!("{}{name}{}", self.maybe_blank(), self.maybe_blank());
        if !labels.is_empty() || self.rng.rarely(4) {
            line.push('{');
            for (number, (name, value)) in labels.iter().enumerate() {
                let value = value
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n");
                let comma = if number > 0 { "," } else { "" };
                let (before, after) = (self.maybe_blank(), self.maybe_blank());
                line.push_str(&format!(
                    "{comma}{before}{name}{}={}\"{value}\"{after}",
                    self.maybe_blank(),
                    self.maybe_blank()
                ));
            }
            line.push_str(if !labels.is_empty() && self.rng.rarely(3) {
                ",}"
            } else {
                "}"
            });
        }
        line.push_str(self.blank());
        line.push_str(&self.number(row.value));
        if let Some(time) = row.time {
            line.push_str(self.blank());
            line.push_str(&self.time(time));
        }
        line.push_str(self.maybe_blank());
        line
    }

    fn number(&mut self, value: f64) -> String {
        if !value.is_finite() {
            let sign = if value < 0.0 { "-" } else { "+" };
            return if value.is_nan() {
                "NaN".into()
            } else {
                format!("{sign}Inf")
            };
        }
        match self.rng.roll(4) {
            0 => format!("{value:?}"),
            1 => format!("{value}"),
            2 => format!("{value:E}"),
            _ if value.is_sign_negative() => format!("{value:e}"),
            _ => format!("+{value:e}"),
        }
    }

    /// Writes milliseconds only if they cannot be mistaken for seconds.
    fn time(&mut self, time: i64) -> String {
        let (seconds, rest) = (time / 1000, time % 1000);
        match self.rng.roll(3) {
            0 if time >= 100_000_000_000 => time.to_string(),
            1 if rest == 0 && seconds < 100_000_000_000 => seconds.to_string(),
            _ if seconds < 100_000_000_000 => {
                format!(
                    "{seconds}.{rest:03}{}",
                    if self.rng.rarely(3) { "9" } else { "" }
                )
            }
            _ => time.to_string(),
        }
    }
}

/// Returns the text, and the rows in their order.
fn written(families: &[Family], seed: u64) -> (String, Vec<(String, Row)>) {
    let mut writer = Writer {
        rng: SeededRng::new(seed),
        lines: Vec::new(),
    };
    let mut rows: Vec<(String, Row)> = Vec::new();
    let mut late = Vec::new();
    for family in families {
        let about = writer.about(family);
        if writer.rng.rarely(5) {
            late.extend(about);
        } else {
            writer.lines.extend(about);
        }
        for row in &family.rows {
            let line = writer.row(&family.name, row);
            // Duplicate samples count once.
            let again = if writer.rng.rarely(20) {
                writer.row(&family.name, row)
            } else {
                String::new()
            };
            writer
                .lines
                .extend([line, again].into_iter().filter(|line| !line.is_empty()));
            rows.push((family.name.clone(), row.clone()));
        }
        let aside = ["", "# words", "#", "# UNITS a b", " \t"][writer.rng.roll(5)];
        writer.lines.push(aside.to_owned());
    }
    writer.lines.extend(late);
    if writer.rng.rarely(3) {
        writer
            .lines
            .push(["# EOF", "#EOF"][writer.rng.roll(2)].to_owned());
    }
    let end = if writer.rng.rarely(6) { "\r\n" } else { "\n" };
    (
        writer
            .lines
            .iter()
            .map(|line| format!("{line}{end}"))
            .collect(),
        rows,
    )
}

fn found(sample: &Sample) -> (String, Row) {
    let labels = sample
        .labels()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let time = sample
        .timestamp()
        .map(confluent_metrics::Timestamp::as_millisecond);
    (
        sample.name().to_owned(),
        Row {
            labels,
            value: sample.value(),
            time,
        },
    )
}

/// Compares bits, because NaN is not equal to itself.
fn bits(rows: &[(String, Row)]) -> Vec<(String, Labels, u64, Option<i64>)> {
    let one = |(name, row): &(String, Row)| {
        let value = if row.value.is_nan() {
            f64::NAN
        } else {
            row.value
        };
        (name.clone(), row.labels.clone(), value.to_bits(), row.time)
    };
    rows.iter().map(one).collect()
}

fn seed() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 3 => any::<u64>()]
}

#[test]
fn an_export_is_read_back_as_it_was_written() {
    let count = std::cell::Cell::new(0);
    proptest!(cases(2_000), |(families in families(), seed in seed())| {
        let (text, rows) = written(&families, seed);
        if text.trim().is_empty() {
            return Ok(());
        }
        let export = match Export::parse(&text) {
            Ok(export) => export,
            Err(error) => return Err(TestCaseError::fail(format!("{error}: {text}"))),
        };
        let samples: Vec<_> = export.samples().iter().map(found).collect();
        prop_assert_eq!(bits(&samples), bits(&rows), "{}", text);
        prop_assert_eq!(export.completeness(), Completeness::Complete);
        for sample in export.samples() {
            let family = families.iter().find(|family| family.name == sample.name()).unwrap();
            let about = (sample.help(), sample.kind(), sample.unit());
            prop_assert_eq!(about, (family.help.as_deref(), family.kind.as_deref(), family.unit.as_deref()), "{}", text);
        }
        count.set(count.get() + rows.len());
    });
    assert!(count.get() > 5_000, "{} rows", count.get());
}

#[test]
fn a_sample_with_two_values_is_a_contradiction() {
    let twins = (
        families(),
        seed(),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        value(),
    );
    proptest!(cases(1_000), |((mut families, seed, which, place, value) in twins)| {
        families.retain(|family| !family.rows.is_empty());
        prop_assume!(!families.is_empty());
        let family = which.index(families.len());
        let rows = &mut families[family].rows;
        let row = rows[place.index(rows.len())].clone();
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let differs = !same(row.value, value);
        rows.insert(place.index(rows.len() + 1), Row { value, ..row });
        let (text, _) = written(&families, seed);
        match Export::parse(&text) {
            Ok(_) => prop_assert!(!differs, "{}", text),
            Err(error) => {
                prop_assert!(differs && error.kind() == ErrorKind::Decode, "{}: {}", error, text);
                prop_assert!(error.to_string().contains("conflicting values"), "{}", error);
            }
        }
    });
}

#[test]
fn a_text_cut_short_is_refused_or_ends_with_a_full_line() {
    proptest!(cases(1_000), |(families in families(), seed in seed(), place in any::<prop::sample::Index>())| {
        let (text, rows) = written(&families, seed);
        let place = place.index(text.len() + 1);
        prop_assume!(text.is_char_boundary(place) && place < text.len());
        let cut = &text[..place];
        match Export::parse(cut) {
            Ok(export) => {
                prop_assert!(cut.ends_with('\n') || cut.ends_with("EOF") || cut.ends_with("EOF\r"), "{:?}", cut);
                let samples: Vec<_> = export.samples().iter().map(found).collect();
                prop_assert_eq!(bits(&samples), bits(&rows[..samples.len()]));
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Decode),
        }
    });
}

/// A text with characters replaced, inserted, removed or repeated.
fn spoilt() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        any::<char>(),
        0..5,
    );
    (families(), seed(), prop::collection::vec(edit, 1..4)).prop_map(|(families, seed, edits)| {
        let mut text: Vec<char> = written(&families, seed).0.chars().collect();
        for (place, other, sign, kind) in edits {
            let (place, other) = (place.index(text.len() + 1), other.index(text.len() + 1));
            let (from, to) = (
                place.min(other),
                place.max(other).min(place.min(other) + 40),
            );
            match kind {
                0 => text.insert(place, sign),
                1 => text.insert(
                    place,
                    ['"', '\\', '\n', '{', '}', ',', '=', ' ', '#'][other % 9],
                ),
                2 => drop(text.drain(from..to)),
                3 => text.extend_from_within(from..to),
                _ => text.truncate(place),
            }
        }
        text.into_iter().collect()
    })
}

#[test]
fn text_that_is_no_export_is_a_decode_error() {
    let text = prop_oneof![
        any::<String>(),
        "[ab]\\{[ab]=\"[ab\\\\\"\n]{0,3}\",?\\} [0-9.eE+-]{0,5} ?[0-9]{0,14}\n?",
        "(# ?(HELP|TYPE|UNIT|EOF)? ?[ab]? ?[ab]?\n?){0,3}[ab]{0,2}( [0-9]){0,2}\n?",
        spoilt(),
        spoilt(),
    ];
    let taken = std::cell::Cell::new(0);
    proptest!(cases(5_000), |(text in text)| {
        match Export::parse(&text) {
            Ok(export) => {
                prop_assert!(text.ends_with('\n') || text.trim_end().ends_with("EOF"), "{:?}", text);
                let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).count();
                prop_assert!(export.samples().len() <= lines, "{:?}", text);
                taken.set(taken.get() + 1);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::Decode);
                prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
            }
        }
    });
    assert!(taken.get() > 150, "{} of the texts were good", taken.get());
}
