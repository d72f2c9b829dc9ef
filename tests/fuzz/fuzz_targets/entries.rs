//! Checks in a file and on a command line: nothing panics, a check that is read is written as text
//! that is read as the same check, and a refusal is bounded and names its place.
//!
//! The first byte chooses between the text of a file, and arguments of a line each.
#![no_main]

#[path = "../../../examples/metric_gate/src/arguments.rs"]
#[allow(dead_code)]
mod arguments;
#[path = "../../../examples/metric_gate/src/file.rs"]
#[allow(dead_code)]
mod file;
mod json;

use confluent_metrics::check::Check;
use lexopt::Parser;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

use crate::arguments::Arguments;
use crate::file::parse_checks;
use crate::json::Json;

/// Names and texts that mean something.
const WORDS: &str = "metric name resource filter group-by last interval retained since within granularity \
    reduce warning critical quantifier datapoints compare-to change divide-by divide-filter \
    min-coverage max-age expect expect-at-least on-missing aggregation extra-aggregation order \
    limit allow-truncated op field value filters AND OR NOT EQ GT GTE kafka:lkc-1 a=b a!=b 10m \
    PT1H last/PT1H now-2h/now 2026-01-01T00:00Z 2026-01-01T00:00Z/2026-01-02T00:00Z PT5M max \
    rate ~:10 @1:2 all 3/5 percent 90% 0.5 ok SUM DESCENDING";

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed, 0, WORDS)
});

fuzz_target!(|input: &str| {
    let mut chars = input.chars();
    match chars.next() {
        Some('[') => check_file(input),
        Some('\u{feff}') => check_file(input),
        Some(_) => check_arguments(input),
        None => {}
    }
});

/// Reads a file of checks.
fn check_file(text: &str) {
    match parse_checks(text) {
        Ok(checks) => {
            let entries = Json::parse(text.trim_start_matches('\u{feff}')).unwrap();
            assert!(!has_repetition(&entries), "{text}");
            assert_eq!(checks.len(), entries.list().unwrap().len());
            checks.iter().for_each(check_text);
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in &faults {
                assert_bounded(fault);
                let has_place = fault.starts_with('[') || fault.starts_with("expected ");
                assert!(has_place, "{fault:?}");
            }
        }
    }
}

/// Reads the options of a command line.
fn check_arguments(text: &str) {
    let arguments = Arguments::parse(Parser::from_args(text.split('\n')));
    let _ = arguments.wait();
    match arguments.check() {
        Ok(check) => check_text(&check),
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in &faults {
                assert_bounded(fault);
                assert!(
                    fault.starts_with("--") || fault == "missing METRIC",
                    "{fault:?}"
                );
            }
        }
    }
}

/// Asserts that the text of a check is read as the same check.
fn check_text(check: &Check) {
    let text = match serde_json::to_string(check) {
        Ok(text) => text,
        Err(error) => {
            assert_eq!(error.to_string(), "filter exceeds 50 levels of nesting");
            return;
        }
    };
    let again: Check = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(&again, check, "{text}");
    let in_file = parse_checks(&format!("[{text}]"));
    assert_eq!(
        in_file.as_deref().ok(),
        Some(std::slice::from_ref(check)),
        "{text}"
    );
}

/// Returns true if an object anywhere in a value has a member twice.
fn has_repetition(value: &Json) -> bool {
    match value {
        Json::List(values) => values.iter().any(has_repetition),
        Json::Object(_) => {
            let members = value.members().unwrap();
            let mut names: Vec<&String> = members.iter().map(|(name, _)| name).collect();
            names.sort();
            names.windows(2).any(|pair| pair[0] == pair[1])
                || members.iter().any(|(_, value)| has_repetition(value))
        }
        _ => false,
    }
}

fn assert_bounded(fault: &str) {
    let bound = if fault.contains('\\') { 2000 } else { 800 };
    assert!(fault.chars().count() <= bound, "{fault}");
    assert!(!fault.contains(char::is_control), "{fault:?}");
}
