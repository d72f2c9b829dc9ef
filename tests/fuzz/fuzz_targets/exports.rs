//! Exports: nothing panics, and the samples are those of a simple parser, which works character by
//! character.
#![no_main]

use std::collections::BTreeMap;

use confluent_metrics::{Completeness, ErrorKind, Export};
use libfuzzer_sys::fuzz_target;

const STATUSES: [&str; 2] = ["confluent_scrape_resource_access_error", "export_status"];

/// The name, the labels, the bits of the value, and the time.
type Row = (String, BTreeMap<String, String>, u64, Option<i64>);

fuzz_target!(|text: &str| {
    let export = match Export::parse(text) {
        Ok(export) => export,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
            let rows = read(text);
            assert!(rows.is_none(), "{error}: {rows:?}");
            return;
        }
    };
    let Some(expected) = read(text) else {
        panic!("this was taken: {text:?}")
    };
    let mut found: Vec<Row> = Vec::new();
    for sample in export.samples() {
        let labels = sample
            .labels()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let time = sample.timestamp().map(|time| time.as_millisecond());
        found.push((
            sample.name().to_owned(),
            labels.collect(),
            bits(sample.value()),
            time,
        ));
    }
    let [statuses, samples]: [Vec<Row>; 2] = [true, false].map(|is| {
        expected
            .iter()
            .filter(|row| STATUSES.contains(&&*row.0) == is)
            .cloned()
            .collect()
    });
    assert_eq!(found, samples, "{text:?}");
    let is_missing = statuses
        .iter()
        .any(|(.., value, _)| f64::from_bits(*value) != 0.0);
    if !is_missing {
        assert_eq!(export.completeness(), Completeness::Complete, "{text:?}");
    }
});

fn bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// Parses an export. Returns `None` if it is invalid.
fn read(text: &str) -> Option<Vec<Row>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return None;
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut has_ended = false;
    for line in text.split_inclusive('\n') {
        let is_whole = line.ends_with('\n');
        let line = match line.strip_suffix('\n') {
            Some(line) => line.strip_suffix('\r').unwrap_or(line),
            None => line,
        };
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() && (is_whole || has_ended) {
            continue;
        }
        if has_ended {
            return None;
        }
        if let Some(comment) = line.strip_prefix('#') {
            has_ended = comment.trim_ascii() == "EOF";
            if !has_ended && (!is_whole || !is_comment(comment)) {
                return None;
            }
            continue;
        }
        if !is_whole {
            return None;
        }
        let row = sample(line)?;
        if STATUSES[0] == row.0
            && !(row.1.contains_key("resource_type") && row.1.contains_key("resource_id"))
        {
            return None;
        }
        match rows
            .iter()
            .find(|earlier| (&earlier.0, &earlier.1, earlier.3) == (&row.0, &row.1, row.3))
        {
            Some(earlier) if earlier.2 == row.2 => {}
            Some(_) => return None,
            None => rows.push(row),
        }
    }
    Some(rows)
}

fn is_comment(comment: &str) -> bool {
    if !comment.starts_with([' ', '\t']) {
        return true;
    }
    let (keyword, rest) = split_word(comment);
    if !["HELP", "TYPE", "UNIT"].contains(&keyword) {
        return true;
    }
    let (name, rest) = split_word(rest);
    let rest = rest.trim_ascii();
    let is_word = !rest.is_empty() && !rest.contains([' ', '\t']);
    is_name(name, ":_") && (keyword != "TYPE" || is_word)
}

/// Splits at the first blank. Form feeds count as white space before a word alone.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_ascii_start();
    text.split_once([' ', '\t']).unwrap_or((text, ""))
}

fn is_name(name: &str, punctuation: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || punctuation.contains(c);
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_part)
}

/// Reads a line such as `name{label="value",} 1.5 1736948340000 # {} 1`.
fn sample(line: &str) -> Option<Row> {
    let name_end = line
        .find(|c: char| !c.is_ascii_alphanumeric() && !":_".contains(c))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let mut rest = rest.trim_start_matches([' ', '\t']);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start_matches([' ', '\t']);
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once('=')?;
            let label = label.trim_end_matches([' ', '\t']);
            let (value, after) = quoted(after.trim_start_matches([' ', '\t']))?;
            if !is_name(label, "_") || labels.insert(label.to_owned(), value).is_some() {
                return None;
            }
            let after = after.trim_start_matches([' ', '\t']);
            rest = match after.strip_prefix(',') {
                Some(after) => after.trim_start_matches([' ', '\t']),
                None if after.starts_with('}') => after,
                None => return None,
            };
        }
        rest = &rest[1..];
    }
    if !is_name(name, ":_") {
        return None;
    }
    let words = rest.trim_start_matches([' ', '\t']);
    let (value, rest) = words.split_once([' ', '\t']).unwrap_or((words, ""));
    let number: f64 = value.parse().ok()?;
    if number.is_infinite() && value.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (time, rest) = match rest.starts_with('#') {
        true => ("", rest),
        false => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    if !rest.is_empty() && !rest.starts_with("# {") {
        return None;
    }
    let time = if time.is_empty() {
        None
    } else {
        Some(millis(time)?)
    };
    Some((name.to_owned(), labels, bits(number), time))
}

/// Reads a text in quotes, and returns what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => value.push('\n'),
                c @ ('"' | '\\') => value.push(c),
                _ => return None,
            },
            c => value.push(c),
        }
    }
}

/// Reads a time in seconds if it is below 1e11, and in milliseconds if not.
fn millis(text: &str) -> Option<i64> {
    const LAST: i64 = 253_402_300_799_999;
    const FIRST: i64 = -62_167_219_200_000;
    let is_decimal = text.chars().all(|c| c.is_ascii_digit() || c == '.')
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.matches('.').count() <= 1;
    let millis = if is_decimal {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole: i64 = whole.parse().ok()?;
        let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
        if whole >= 100_000_000_000 {
            whole
        } else {
            whole * 1000 + fraction.parse::<i64>().ok()?
        }
    } else {
        let number: f64 = text.parse().ok()?;
        if !number.is_finite() {
            return None;
        }
        (if number.abs() < 1e11 {
            number * 1000.0
        } else {
            number
        })
        .round() as i64
    };
    (FIRST..=LAST).contains(&millis).then_some(millis)
}
