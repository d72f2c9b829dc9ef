//! Reports of hostile names, read by a Markdown parser and by the rules of CI runners.

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use confluent_metrics::check::{Check, Format, Report, Threshold};
use confluent_metrics::{Granularity, Query, QueryResult};
use proptest::prelude::*;

/// Pieces that act on a terminal, in the log of a CI job, in Markdown or on a page of GitHub.
const PIECES: &[&str] = &[
    "::",
    "##",
    "#",
    "##[",
    "]",
    "##vso[",
    "error",
    "stop-commands",
    "@octocat",
    "x@y.example",
    "https://",
    "www.",
    "a.example",
    ":tada:",
    ":+1:",
    "|",
    "\\",
    "`",
    "``",
    "<b>",
    "</code>",
    "<!--",
    "*",
    "_",
    "~~",
    "[a](b)",
    "![",
    "$",
    "&#64;",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[",
    "\u{9b}",
    "\u{85}",
    "\u{7f}",
    "\u{2028}",
    "\u{202e}",
    "\u{2066}",
    "\u{200f}",
    "\u{61c}",
    " ",
    "\u{a0}",
    "\"",
    "'",
    "%0A",
    "é",
    "日",
];

/// Line separators and direction marks.
const MARKS: &[char] = &['\u{61c}', '\u{200f}', '\u{2028}', '\u{202e}', '\u{2066}'];

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 1..8).prop_map(|p| p.concat())
}

/// Returns the report of two series: a critical one, and one without data.
fn report(check_name: &str, label: &str, value: &str, filter: Option<&str>) -> Report {
    let hour = "2026-01-08T11:00:00Z/PT1H".parse().unwrap();
    let mut query = Query::new(check_name, Granularity::OneMinute, hour).group_by([label]);
    if let Some(topic) = filter {
        query = query.filter(confluent_metrics::Filter::eq("metric.topic", topic));
    }
    let points = [("11:30", 1.0), ("11:59", 25.0)].map(|(time, value)| {
        format!(r#"{{"timestamp":"2026-01-08T{time}:00Z","value":{value:?}}}"#)
    });
    let row = |value: &str, points: &str| {
        let label = serde_json::to_string(label).unwrap();
        let value = serde_json::to_string(value).unwrap();
        format!(r#"{{{label}:{value},"points":[{points}]}}"#)
    };
    let body = format!(
        r#"{{"data":[{},{}]}}"#,
        row(value, &points.join(",")),
        row(&format!("{value}2"), "")
    );
    let result = QueryResult::from_json(&query, body.as_bytes()).unwrap();
    let check = Check::new(query).critical(Threshold::above(20.0));
    check.judge(&result, "2026-01-08T12:03:00Z".parse().unwrap())
}

fn written(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    report.write(format, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Returns true if a runner of GitHub would parse the line as a command: `TryParseV2` and `TryParse`
/// of [ActionCommand.cs](https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs).
/// Other services have `##vso[` and `##teamcity[`.
fn is_command(line: &str) -> bool {
    let trimmed = line.trim_start();
    let second = trimmed
        .strip_prefix("::")
        .is_some_and(|rest| rest.contains("::"));
    let first = line
        .find("##")
        .is_some_and(|start| line[start..].contains(']'));
    first || second
}

/// The code spans of each table cell, and all text outside of code.
#[derive(Default)]
struct Rendered {
    rows: Vec<Vec<String>>,
    text: String,
    other_nodes: Vec<String>,
}

fn render(markdown: &str) -> Rendered {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options);
    let mut rendered = Rendered::default();
    for node in root.descendants() {
        match &node.data.borrow().value {
            NodeValue::Text(text) => {
                rendered.text.push_str(text);
                rendered.text.push('\n');
            }
            NodeValue::Code(code) => {
                if let Some(cell) = rendered.rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.push_str(&code.literal);
                }
            }
            NodeValue::TableRow(_) => rendered.rows.push(Vec::new()),
            NodeValue::TableCell => rendered.rows.last_mut().unwrap().push(String::new()),
            NodeValue::Document
            | NodeValue::Paragraph
            | NodeValue::Strong
            | NodeValue::Table(_) => {}
            other => rendered.other_nodes.push(format!("{other:?}")),
        }
    }
    rendered
}

/// Returns the value of the only label in `{name="value"}`, as Rust escapes it.
fn label_value(text: &str) -> String {
    let quoted = text.strip_suffix("\"}").unwrap();
    let start = quoted.find("=\"").unwrap() + 2;
    let mut value = String::new();
    let mut chars = quoted[start..].chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next().unwrap() {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            'u' => {
                let digits: String = chars.by_ref().take_while(|c| *c != '}').collect();
                let code = u32::from_str_radix(digits.trim_start_matches('{'), 16).unwrap();
                value.push(char::from_u32(code).unwrap());
            }
            other => value.push(other),
        }
    }
    value
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn no_format_has_a_command_or_a_control_character(
        check in name(), label in name(), value in name(), filter in proptest::option::of(name()),
    ) {
        let report = report(&check, &label, &value, filter.as_deref());
        for &format in Format::VARIANTS {
            let text = written(&report, format);
            for line in text.split('\n') {
                let own = format == Format::GitHub && line.starts_with("::error title=");
                let line = if own { &line["::error".len()..] } else { line };
                prop_assert!(own || !is_command(line), "{}: {:?}", format, line);
                prop_assert!(!line.contains("##"), "{}: {:?}", format, line);
                prop_assert!(
                    !line.chars().any(|c| c.is_control() || MARKS.contains(&c)),
                    "{}: {:?}", format, line
                );
            }
        }
        prop_assert_eq!(written(&report, Format::GitHub).lines().count(), 2);
        prop_assert_eq!(written(&report, Format::Nagios).lines().count(), 1);
        prop_assert!(written(&report, Format::Nagios).len() <= 4096);
    }

    #[test]
    fn markdown_has_no_link_mention_or_emoji_and_keeps_the_labels(
        check in name(), value in name(), filter in proptest::option::of(name()),
    ) {
        let report = report(&check, "metric.topic", &value, filter.as_deref());
        let markdown = written(&report, Format::Markdown);
        let rendered = render(&markdown);
        prop_assert!(rendered.other_nodes.is_empty(), "{:?} in {}", rendered.other_nodes, markdown);
        for mark in ["@", "#", "tada", "+1", "://", "www.", "$", "<", "example"] {
            prop_assert!(!rendered.text.contains(mark), "{} in {}", mark, rendered.text);
        }
        let rows = &rendered.rows[1..];
        let labels: Vec<_> = rows.iter().map(|row| label_value(&row[1])).collect();
        prop_assert_eq!(labels, [value.clone(), format!("{value}2")], "{}", markdown);
        prop_assert!(rows.iter().all(|row| row.len() == 6));
    }
}
