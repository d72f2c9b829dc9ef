//! Random responses, compared with a simple decoder based on `serde_json::Value`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use confluent_metrics::{Completeness, ErrorKind, Granularity, Interval, Query, QueryResult};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::cases;
use crate::json::{list, member, string};
use crate::seeded_rng::SeededRng;

type Labels = BTreeMap<String, String>;
/// Bits of the values by labels and by milliseconds.
type Groups = BTreeMap<Labels, BTreeMap<i64, u64>>;

/// The name and the JSON value of a member.
type Member = (String, String);

/// Decodes a document. Returns `None` if it is invalid.
fn obvious(document: &str, is_grouped: bool) -> Option<Groups> {
    let document: Value = serde_json::from_str(document).ok()?;
    let mut response = Groups::new();
    for row in document.as_object()?.get("data")?.as_array()? {
        let row = row.as_object()?;
        let mut labels = Labels::new();
        for (name, value) in row {
            let text = match value {
                _ if ["timestamp", "value", "points"].contains(&name.as_str()) => continue,
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => continue,
            };
            labels.insert(name.clone(), text);
        }
        let series = response.entry(labels).or_default();
        if is_grouped {
            if row.contains_key("timestamp") || row.contains_key("value") {
                return None;
            }
            for point in row.get("points")?.as_array()? {
                add(series, point)?;
            }
        } else if row.contains_key("points") {
            return None;
        } else {
            add(series, &Value::Object(row.clone()))?;
        }
    }
    Some(response)
}

/// Adds a point. Returns `None` if the time already has another value.
fn add(series: &mut BTreeMap<i64, u64>, point: &Value) -> Option<()> {
    let point = point.as_object()?;
    let time: jiff::Timestamp = point.get("timestamp")?.as_str()?.parse().ok()?;
    let value = match point.get("value")? {
        Value::Null => return Some(()),
        value => value.as_f64()?.to_bits(),
    };
    (*series.entry(time.as_millisecond()).or_insert(value) == value).then_some(())
}

fn found(result: &QueryResult) -> Groups {
    let mut response = Groups::new();
    for series in result {
        let labels = series
            .labels()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let points = series.points().iter();
        let earlier = response.insert(
            labels,
            points
                .map(|p| (p.timestamp.as_millisecond(), p.value.to_bits()))
                .collect(),
        );
        assert!(
            earlier.is_none(),
            "the series {} is there twice",
            series.labels()
        );
        assert!(
            series
                .points()
                .is_sorted_by(|a, b| a.timestamp < b.timestamp)
        );
    }
    response
}

/// Half of all seeds are 0, which gives a document without unusual white space, escapes or order.
fn seed() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), any::<u64>()]
}

/// Any JSON, up to a limited depth.
fn any_json() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?";
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        number.prop_map(|text| text),
        (any::<u64>(), any::<String>()).prop_map(|(seed, text)| string(seed, &text)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let name = prop_oneof![
            Just("timestamp"),
            Just("value"),
            Just("points"),
            Just("data"),
            Just("x")
        ];
        let members = prop::collection::vec((name, inner.clone()), 0..4);
        prop_oneof![
            (any::<u64>(), prop::collection::vec(inner, 0..4))
                .prop_map(|(seed, items)| list(seed, '[', &items, ']')),
            (any::<u64>(), members).prop_map(|(seed, members)| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| member(seed, name, value))
                    .collect();
                list(seed, '{', &members, '}')
            }),
        ]
    })
}

/// The text of one of few minutes, in one of several forms.
fn time(minute: u32, form: u32) -> String {
    match form {
        0..=2 => format!("2026-01-01T10:{minute:02}:00Z"),
        3 => format!("2026-01-01T10:{minute:02}:00.000Z"),
        4 => format!("2026-01-01T15:{minute:02}:00+05:00"),
        5 => format!("2026-01-01t10:{minute:02}:00.0000001z"),
        _ => format!("2026-01-{:02}T10:00:00Z", minute + 2),
    }
}

/// Time and value of a point. A minute mostly has the same value, so that few responses have
/// conflicts.
fn point() -> impl Strategy<Value = Vec<Member>> {
    (0..9_u32, 0..7_u32, 0..200_u32).prop_map(|(minute, form, value)| {
        let value = match value {
            0 => "null".to_owned(),
            1 => "7".to_owned(),
            _ if form == 6 => format!("{}", minute + 2),
            2..=50 => format!("{minute}"),
            51..=60 => format!("{minute}.0E0"),
            61..=70 => format!("{minute}0e-1"),
            _ => format!("{minute}.0"),
        };
        vec![
            (
                "timestamp".to_owned(),
                format!("\"{}\"", time(minute, form)),
            ),
            ("value".to_owned(), value),
        ]
    })
}

fn labels() -> impl Strategy<Value = Vec<Member>> {
    let name = prop_oneof![
        6 => Just("metric.topic"),
        3 => Just("metric.partition"),
        1 => Just("resource.kafka.id"),
        1 => Just("Schlüssel \"\\\n"),
        1 => Just(""),
        1 => Just("values"),
    ];
    let text = prop_oneof![6 => "[ab]", 1 => Just("a\"b\\/\u{8}\n".to_owned()), 1 => Just("日本\u{1f600}".to_owned()), 1 => ".{0,9}"];
    let value = prop_oneof![
        8 => (seed(), text).prop_map(|(seed, text)| string(seed, &text)),
        1 => Just("null".to_owned()),
        1 => "(0|-?[1-9][0-9]{0,3}|1\\.5|true|false)".prop_map(|text| text),
        1 => any_json().prop_filter("a list or an object", |json| json.trim_start().starts_with(['[', '{'])),
    ];
    let unique = prop::collection::btree_map(name.prop_map(str::to_owned), value, 0..4);
    unique.prop_map(|members| members.into_iter().collect())
}

/// A possible fault of a row or a point.
fn fault() -> impl Strategy<Value = Option<Member>> {
    let one = |name: &str, value: &str| Just(Some((name.to_owned(), value.to_owned())));
    prop_oneof![
        1500 => Just(None),
        1 => one("timestamp", "1767261600"),
        1 => one("timestamp", "\"2026-01-01T10:60:00Z\""),
        1 => one("timestamp", "null"),
        1 => one("timestamp", ""),
        1 => one("value", "\"1\""),
        1 => one("value", "true"),
        1 => one("value", "[1]"),
        1 => one("value", ""),
        1 => one("value", "1e999"),
        1 => one("points", "[]"),
        1 => one("points", "null"),
        1 => one("points", ""),
    ]
}

/// Replaces or adds the member of the fault, or removes it if the fault has no value.
fn spoil(members: &mut Vec<Member>, fault: Option<Member>) {
    let Some((name, value)) = fault else { return };
    members.retain(|(own, _)| *own != name);
    if !value.is_empty() {
        members.push((name, value));
    }
}

/// Returns an object with the members in a seeded order.
fn object(seed: u64, mut members: Vec<Member>) -> String {
    SeededRng::new(seed).shuffle(&mut members);
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| member(seed, name, value))
        .collect();
    list(seed, '{', &members, '}')
}

fn flat_row() -> impl Strategy<Value = String> {
    (seed(), point(), labels(), fault()).prop_map(|(seed, point, labels, fault)| {
        let mut members = [point, labels].concat();
        spoil(&mut members, fault);
        object(seed, members)
    })
}

fn grouped_row() -> impl Strategy<Value = String> {
    let strange = prop::option::weighted(0.1, any_json())
        .prop_map(|json| json.map(|json| ("new".to_owned(), json)));
    let point =
        (seed(), point(), strange, fault()).prop_map(|(seed, mut members, strange, fault)| {
            members.extend(strange);
            spoil(&mut members, fault.filter(|(name, _)| name != "points"));
            object(seed, members)
        });
    let points =
        prop_oneof![40 => prop::collection::vec(point, 0..6).prop_map(Some), 1 => Just(None)];
    (seed(), points, labels(), fault()).prop_map(|(seed, points, labels, fault)| {
        let mut members = labels;
        members.extend(points.map(|points| ("points".to_owned(), list(seed, '[', &points, ']'))));
        // Rows only get faults of the other format, or `points` that are no list.
        spoil(&mut members, fault);
        object(seed, members)
    })
}

fn document(is_grouped: bool) -> impl Strategy<Value = String> {
    let row = if is_grouped {
        grouped_row().boxed()
    } else {
        flat_row().boxed()
    };
    let row = prop_oneof![300 => row, 1 => any_json().boxed()];
    let rows = prop_oneof![
        60 => (seed(), prop::collection::vec(row, 0..12)).prop_map(|(seed, rows)| Some(list(seed, '[', &rows, ']'))),
        1 => any_json().prop_map(Some),
        1 => Just(None),
    ];
    let meta = prop_oneof![
        3 => Just(None),
        1 => "null|\\{\\}|\\{\"pagination\":(null|\\{\"page_size\":1000,\"next_page_token\":(null|\"\")\\})\\}".prop_map(Some),
    ];
    let links = prop_oneof![3 => Just(None), 1 => "null|\\{\\}|\\{\"next\":(null|\"\"),\"prev\":7\\}".prop_map(Some)];
    let strange = prop::option::weighted(0.2, any_json());
    (seed(), rows, meta, links, strange).prop_map(|(seed, data, meta, links, strange)| {
        let members = [
            ("data", data),
            ("meta", meta),
            ("links", links),
            ("jsonapi", strange),
        ];
        let named = |(name, value): (&str, Option<String>)| Some((name.to_owned(), value?));
        object(seed, members.into_iter().filter_map(named).collect())
    })
}

fn query(is_grouped: bool) -> Query {
    let query = Query::new("m", Granularity::OneMinute, Interval::last_hours(1));
    if is_grouped {
        query.group_by(["metric.topic"])
    } else {
        query
    }
}

fn compare(document: &str, is_grouped: bool) -> Result<bool, TestCaseError> {
    let expected = obvious(document, is_grouped);
    let is_answer = expected.is_some();
    match (
        QueryResult::from_json(&query(is_grouped), document.as_bytes()),
        expected,
    ) {
        (Ok(result), Some(expected)) => {
            prop_assert_eq!(found(&result), expected, "{}", document);
            let labels: Vec<_> = result
                .series()
                .iter()
                .map(|series| series.labels().clone())
                .collect();
            prop_assert!(labels.is_sorted(), "{}", document);
            prop_assert_eq!(result.completeness(), &Completeness::Complete);
        }
        (Err(error), None) => prop_assert_eq!(error.kind(), ErrorKind::Decode, "{}", document),
        (Ok(_), None) => prop_assert!(false, "this was taken: {document}"),
        (Err(error), Some(_)) => prop_assert!(false, "{error}: {document}"),
    }
    Ok(is_answer)
}

/// Compares random documents with the simple decoder. Most must be valid, and some invalid.
fn run(is_grouped: bool) {
    let (responses, others) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    proptest!(cases(2_000), |(document in document(is_grouped))| {
        let counter = if compare(&document, is_grouped)? { &responses } else { &others };
        counter.set(counter.get() + 1);
    });
    assert!(
        responses.get() > others.get() && others.get() > 0,
        "{} to {}",
        responses.get(),
        others.get()
    );
}

#[test]
fn flat_responses_decode_like_a_json_tree() {
    run(false);
}

#[test]
fn grouped_responses_decode_like_a_json_tree() {
    run(true);
}

#[test]
fn the_requested_format_decides_how_a_response_is_decoded() {
    let both = any::<bool>().prop_flat_map(|is_grouped| (document(is_grouped), Just(!is_grouped)));
    proptest!(cases(1_000), |((document, is_grouped) in both)| {
        compare(&document, is_grouped)?;
    });
}

/// A document without anything unusual.
fn usual_document(is_grouped: bool) -> impl Strategy<Value = String> {
    let label = prop_oneof![4 => "\"[ab]\"", 1 => "[1-9]|true|null"];
    let labels = prop::collection::btree_map("metric\\.[xy]", label, 0..3);
    let row = (seed(), labels, prop::collection::vec(point(), 1..4)).prop_map(
        move |(seed, labels, mut points)| {
            let mut members: Vec<_> = labels.into_iter().collect();
            if is_grouped {
                let points: Vec<_> = points
                    .into_iter()
                    .map(|point| object(seed, point))
                    .collect();
                members.push(("points".to_owned(), list(seed, '[', &points, ']')));
            } else {
                members.append(&mut points[0]);
            }
            object(seed, members)
        },
    );
    (seed(), prop::collection::vec(row, 0..4))
        .prop_map(|(seed, rows)| format!("{{\"data\":{}}}", list(seed, '[', &rows, ']')))
}

/// A document as JSON libraries print it: compact, with spaces, or on many lines.
fn printed_document(is_grouped: bool) -> impl Strategy<Value = String> {
    let document = prop_oneof![document(is_grouped), usual_document(is_grouped)];
    (document, 0..3).prop_map(|(document, manner)| {
        let Ok(tree) = serde_json::from_str::<Value>(&document) else {
            return document;
        };
        match manner {
            0 => tree.to_string(),
            1 => spaced(&tree),
            _ => format!("{tree:#}"),
        }
    })
}

/// JSON as Python prints it.
fn spaced(tree: &Value) -> String {
    struct Spaced;

    impl Formatter for Spaced {
        fn begin_array_value<W: ?Sized + Write>(
            &mut self,
            out: &mut W,
            is_first: bool,
        ) -> io::Result<()> {
            out.write_all(if is_first { b"" } else { b", " })
        }

        fn begin_object_key<W: ?Sized + Write>(
            &mut self,
            out: &mut W,
            is_first: bool,
        ) -> io::Result<()> {
            out.write_all(if is_first { b"" } else { b", " })
        }

        fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
            out.write_all(b": ")
        }
    }

    let mut json = Vec::new();
    tree.serialize(&mut Serializer::with_formatter(&mut json, Spaced))
        .unwrap();
    String::from_utf8(json).unwrap()
}

/// A printed document, sometimes changed in one place.
fn changed_document(is_grouped: bool) -> impl Strategy<Value = String> {
    let place = any::<prop::sample::Index>();
    let change =
        prop_oneof![4 => Just(None), 6 => (0..8, place.clone(), place, "[ -~é\n]").prop_map(Some)];
    (printed_document(is_grouped), change).prop_map(|(document, change)| {
        let mut text: Vec<char> = document.chars().collect();
        if let Some((kind, at, until, new)) = change {
            // Half of the changes are at punctuation, where decoders differ most.
            let signs: Vec<_> = (0..text.len())
                .filter(|at| "{}[],:".contains(text[*at]))
                .collect();
            let at = if kind < 4 {
                at.index(text.len())
            } else {
                signs[at.index(signs.len())]
            };
            let until = until.index(text.len());
            match kind {
                4 => text.insert(at, ','),
                5 => text.insert(at + 1, ','),
                6 => text.insert(at, text[at]),
                0 => text[at] = new.chars().next().unwrap(),
                1 => text.insert(at, new.chars().next().unwrap()),
                2 | 7 => drop(text.remove(at)),
                _ => text = [&text[..at], &text[until.min(at)..]].concat(),
            }
        }
        text.into_iter().collect()
    })
}

/// Printed documents take the fast path. Leading white space disables it. Both must give the same
/// result.
#[test]
fn both_decoders_agree() {
    let both =
        any::<bool>().prop_flat_map(|is_grouped| (changed_document(is_grouped), Just(is_grouped)));
    let (read, refused) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    proptest!(cases(4_000), |((document, is_grouped) in both)| {
        let query = query(is_grouped).allow_truncated();
        let spaced = QueryResult::from_json(&query, format!(" {document}").as_bytes());
        match (QueryResult::from_json(&query, document.as_bytes()), spaced) {
            (Ok(plain), Ok(spaced)) => {
                prop_assert_eq!(found(&plain), found(&spaced), "{}", document);
                prop_assert_eq!(&plain, &spaced);
                read.set(read.get() + 1);
            }
            (Err(plain), Err(spaced)) => {
                prop_assert_eq!(plain.kind(), spaced.kind(), "{}", document);
                refused.set(refused.get() + 1);
            }
            (plain, spaced) => prop_assert!(false, "{plain:?} and {spaced:?}: {document}"),
        }
    });
    assert!(
        read.get() > 500 && refused.get() > 500,
        "{} and {}",
        read.get(),
        refused.get()
    );
}

#[test]
fn pretty_printed_responses_decode_like_a_json_tree() {
    let both =
        any::<bool>().prop_flat_map(|is_grouped| (printed_document(is_grouped), Just(is_grouped)));
    proptest!(cases(2_000), |((document, is_grouped) in both)| {
        compare(&document, is_grouped)?;
    });
}
