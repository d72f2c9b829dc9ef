//! Reports of names, labels and errors that are any text: nothing panics, and no format writes what
//! a reader, a terminal or a CI service would take for something else.
//!
//! The byte 0x1E separates the name of the check, the text of an error, and names and values of
//! labels.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use confluent_metrics::check::{Check, Format, Report, Threshold};
use confluent_metrics::{
    Error, ErrorKind, Granularity, Interval, Labels, Point, Query, QueryResult, Series, Timestamp,
};
use libfuzzer_sys::fuzz_target;

static START: LazyLock<Timestamp> = LazyLock::new(|| "2026-01-01T00:00:00Z".parse().unwrap());

fuzz_target!(|input: &str| {
    let mut texts = input.split('\u{1e}');
    let name = texts.next().unwrap_or("");
    let message = texts.next().unwrap_or("");
    let texts: Vec<&str> = texts.collect();
    let minute = Interval::starting_at(*START, Duration::from_secs(60));
    let mut names: Vec<&str> = texts.iter().copied().step_by(2).collect();
    names.sort_unstable();
    names.dedup();
    let query = Query::new("m", Granularity::OneMinute, minute).group_by(names);
    let mut series = Vec::new();
    for (index, texts) in texts.chunks(2).enumerate() {
        let [name, value] = texts else {
            continue;
        };
        let points = vec![Point {
            timestamp: *START,
            value: index as f64,
        }];
        series.push(Series::new(Labels::from([(name, value)]), points));
    }
    // Equal labels are refused.
    let Ok(result) = QueryResult::from_series(&query, series) else {
        return;
    };
    let check = Check::new(query)
        .named(name)
        .critical(Threshold::above(1.5))
        .max_age(Duration::from_secs(86_400));
    let error = Error::new(ErrorKind::Server, message).with_status(500);
    let reports = [
        check.judge(&result, *START + Duration::from_secs(3600)),
        check.clone().named(message).error_report(&error),
    ];
    for report in &reports {
        check_formats(report);
    }
    check_formats(&reports.into_iter().collect());
});

fn check_formats(report: &Report) {
    for &format in Format::VARIANTS {
        let mut bytes = Vec::new();
        report.write(format, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with('\n'), "{format}: {text:?}");
        assert!(!text.contains(acts), "{format}: {text:?}");
        // Runners of GitHub, Azure and TeamCity obey these anywhere in a line.
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!text.contains(command), "{format}: {text:?}");
        }
        match format {
            Format::Nagios => check_nagios(&text),
            Format::JUnit => check_junit(&text, report),
            Format::GitHub => check_github(&text),
            Format::Markdown => check_markdown(&text),
            Format::Json => check_json(&text, report),
            _ => {}
        }
        if format != Format::GitHub {
            let is_command = |line: &str| line.trim_start().starts_with("::");
            assert!(!text.lines().any(is_command), "{format}: {text:?}");
        }
    }
}

/// Returns true for characters that act on a terminal, and for separators of lines.
fn acts(c: char) -> bool {
    let is_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    (c.is_control() && c != '\n') || is_direction || matches!(c, '\u{2028}' | '\u{2029}')
}

fn check_nagios(text: &str) {
    assert!(text.len() <= 4096, "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.matches('|').count() <= 1, "{text}");
}

fn check_junit(text: &str, report: &Report) {
    let document = roxmltree::Document::parse(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let nodes = document.descendants();
    let cases: Vec<_> = nodes.filter(|node| node.has_tag_name("testcase")).collect();
    assert_eq!(cases.len(), report.findings().len(), "{text}");
    let mut names: Vec<_> = cases
        .iter()
        .map(|case| (case.attribute("classname"), case.attribute("name")))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "{text}");
}

fn check_github(text: &str) {
    assert!(text.lines().count() <= 10, "{text}");
    for line in text.lines() {
        let words = line.strip_prefix("::").unwrap_or_else(|| panic!("{text}"));
        let (command, _) = words.split_once("::").unwrap_or_else(|| panic!("{text}"));
        let (command, property) = command.split_once(' ').unwrap_or((command, "title="));
        assert!(["error", "warning", "notice"].contains(&command), "{text}");
        let title = property.strip_prefix("title=");
        assert!(
            title.is_some_and(|title| !title.contains([',', ':'])),
            "{text}"
        );
    }
}

/// Asserts that each row of a table has its cells, and that other text is in code spans.
fn check_markdown(text: &str) {
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        assert_eq!(line.matches('|').count(), 7, "{line}");
    }
    for line in text.lines() {
        let outside = outside_of_code(line);
        assert!(
            !outside.contains(['<', '`', '[', '!', '&', '#', '@']),
            "{line}"
        );
    }
}

/// Returns a line without its code spans, as CommonMark finds them.
fn outside_of_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        let inside = rest[start..].trim_start_matches('`');
        let width = rest.len() - start - inside.len();
        let mut end = 0;
        // The end is a run of as many backticks.
        rest = loop {
            let Some(run) = inside[end..].find('`').map(|run| end + run) else {
                outside.push('`');
                break inside;
            };
            let after = inside[run..].trim_start_matches('`');
            end = inside.len() - after.len();
            if end - run == width {
                break after;
            }
        };
    }
    outside.push_str(rest);
    outside
}

fn check_json(text: &str, report: &Report) {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut count = 0;
    for check in json["checks"].as_array().unwrap() {
        count += check["findings"].as_array().unwrap().len();
    }
    assert_eq!(count, report.findings().len(), "{text}");
}
