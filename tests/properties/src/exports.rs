//! Exports by a writer of their own are read back, and what is cut or spoilt is never read as whole.

use std::collections::BTreeMap;
use std::fmt::Write;

use confluent_metrics::{ErrorKind, Export};
use proptest::prelude::*;

use crate::cases;
use crate::dice::Dice;

/// What a line says: labels, value, and time in milliseconds.
type Line = (BTreeMap<String, String>, f64, Option<i64>);
type Families = BTreeMap<String, (String, Vec<Line>)>;

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0..1_000_000_u32).prop_map(f64::from),
        4 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-9.223_372_036_854_776e18)],
    ]
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    let text = prop_oneof![6 => "[a-z0-9.-]{0,8}", 1 => "[\"\\\\\n,}{= a#é日]{0,6}"];
    prop::collection::btree_map("(topic|kafka_id|_x|le|a[a-z0-9_]{0,3})", text, 0..5)
}

fn families() -> impl Strategy<Value = Families> {
    // From 2001 to 2096: earlier ones would be seconds in a text.
    let time = prop::option::weighted(0.8, 1_000_000_000_000..4_000_000_000_000_i64);
    let lines = prop::collection::btree_map(labels(), (value(), time), 1..6);
    let lines = lines
        .prop_map(|lines| lines.into_iter().map(|(labels, (value, time))| (labels, value, time)).collect());
    let name = "confluent_[a-z]{1,6}(_[a-z0-9]{1,5}){0,2}(:x)?";
    prop::collection::btree_map(name, ("[a-zA-Z .\"\\\\\n]{0,20}", lines), 0..5)
}

fn escaped(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', r"\\").replace('\n', r"\n");
    if quotes { text.replace('"', r#"\""#) } else { text }
}

fn number(value: f64, dice: &mut Dice) -> String {
    match value {
        _ if value.is_nan() => "NaN".into(),
        _ if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.into(),
        _ if dice.rarely(3) => format!("{value:E}"),
        _ => format!("{value:?}"),
    }
}

/// The text of these families, in one of the ways in which services have written such texts.
fn text(families: &Families, open_metrics: bool, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let (trailing_comma, blank_lines) = (dice.rarely(2), dice.rarely(2));
    let mut text = String::new();
    for (name, (help, lines)) in families {
        let mut comments = vec![
            format!("# HELP {name} {}\n", escaped(help, open_metrics)),
            format!("# TYPE {name} gauge\n"),
        ];
        dice.shuffle(&mut comments);
        text += &comments.concat();
        for (labels, value, time) in lines {
            text += name;
            let pairs: Vec<_> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
            if !pairs.is_empty() || dice.rarely(2) {
                let comma = if trailing_comma && !pairs.is_empty() { "," } else { "" };
                let _ = write!(text, "{{{}{comma}}}", pairs.join(","));
            }
            let _ = write!(text, " {}", number(*value, &mut dice));
            match time {
                Some(time) if open_metrics => drop(write!(text, " {}.{:03}", time / 1000, time % 1000)),
                Some(time) => drop(write!(text, " {time}")),
                None => {}
            }
            text.push('\n');
        }
        if blank_lines && !open_metrics {
            text.push('\n');
        }
    }
    if open_metrics {
        text += "# EOF\n";
    }
    text
}

#[test]
fn what_is_written_is_read_back() {
    proptest!(cases(3_000), |(families in families(), open_metrics in any::<bool>(), seed in any::<u64>())| {
        prop_assume!(open_metrics || !families.is_empty());
        let text = text(&families, open_metrics, seed);
        let export = Export::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let lines: Vec<_> =
            families.iter().flat_map(|(name, (_, lines))| lines.iter().map(move |line| (name, line))).collect();
        prop_assert_eq!(export.samples().len(), lines.len(), "{}", text);
        for (sample, (name, (labels, value, time))) in export.samples().iter().zip(lines) {
            prop_assert_eq!(sample.name(), name);
            prop_assert_eq!(sample.kind(), Some("gauge"));
            // A label without a value is one that is not there.
            let expected: Vec<_> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let read: Vec<_> = sample.labels().iter().collect();
            let without_empty: Vec<_> = expected.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
            prop_assert!(read == expected || read == without_empty, "{:?} {}", read, text);
            let same = sample.value().to_bits() == value.to_bits() || (sample.value().is_nan() && value.is_nan());
            prop_assert!(same, "{} is not {}", sample.value(), value);
            prop_assert_eq!(sample.timestamp().map(|time| time.as_millisecond()), *time, "{}", text);
        }
    });
}

#[test]
fn a_text_cut_within_a_line_is_refused() {
    let place = any::<prop::sample::Index>();
    proptest!(cases(3_000), |(families in families(), open_metrics in any::<bool>(), seed in any::<u64>(), place in place)| {
        let text = text(&families, open_metrics, seed);
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        prop_assume!(!ends.is_empty());
        let cut = &text[..ends[place.index(ends.len())]];
        if !cut.is_empty() && !cut.ends_with('\n') && !cut.ends_with("# EOF") {
            let read = Export::parse(cut);
            prop_assert!(read.is_err(), "{} samples of {:?}", read.unwrap().samples().len(), cut);
        }
    });
}

#[test]
fn texts_that_are_no_exports_are_a_decode_error() {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<char>(), 0..3);
    let spoilt = (families(), any::<bool>(), any::<u64>(), prop::collection::vec(edit, 0..4)).prop_map(
        |(families, open_metrics, seed, edits)| {
            let mut text: Vec<char> = text(&families, open_metrics, seed).chars().collect();
            for (place, other, new, kind) in edits {
                let (place, other) = (place.index(text.len() + 1), other.index(text.len() + 1));
                match kind {
                    0 => text.insert(place, new),
                    1 => drop(text.drain(place.min(other)..place.max(other).min(place.min(other) + 30))),
                    _ => text.extend_from_within(place.min(other)..place.max(other)),
                }
            }
            text.into_iter().collect::<String>()
        },
    );
    let text = prop_oneof![any::<String>(), spoilt, "[a-z_{}=\"\\\\,# 0-9.\n]{0,60}"];
    proptest!(cases(6_000), |(text in text)| {
        if let Err(error) = Export::parse(&text) {
            prop_assert_eq!(error.kind(), ErrorKind::Decode);
            prop_assert!(!error.to_string().contains(char::is_control), "{:?}", error);
        }
    });
}
