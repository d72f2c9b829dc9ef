//! A file of checks: a JSON list of objects, each with the settings of a check.

use std::fs;

use confluent_metrics::check::Check;
use serde_json::value::RawValue;

use crate::arguments::is_of_command;

/// Reads all checks of a file.
///
/// # Errors
///
/// Every fault, a sentence each, with its place: `[2].critical: …`.
pub(crate) fn read_checks(path: &str) -> Result<Vec<Check>, Vec<String>> {
    let text =
        fs::read_to_string(path).map_err(|error| vec![format!("cannot read {path:?}: {error}")])?;
    parse_checks(&text).map_err(|faults| {
        let at = |fault| format!("{path}: {fault}");
        faults.into_iter().map(at).collect()
    })
}

pub(crate) fn parse_checks(text: &str) -> Result<Vec<Check>, Vec<String>> {
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let entries: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| vec![format!("expected a list of checks: {error}")])?;
    if entries.is_empty() {
        return Err(vec!["expected at least one check, found none".to_owned()]);
    }
    let mut checks = Vec::new();
    let mut faults = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        // The text and not a tree: a tree has lost members that occur twice.
        match serde_json::from_str(entry.get()) {
            Ok(check) => checks.push(check),
            Err(_) if !entry.get().starts_with('{') => {
                faults.push(format!("[{index}]: expected an object"));
            }
            // The faults of settings start with the name of their member, others do not.
            Err(error) if !error.is_data() => faults.push(format!("[{index}]: {error}")),
            Err(error) => {
                for fault in error.to_string().lines() {
                    faults.push(format!("[{index}].{}", of_command(fault)));
                }
            }
        }
    }
    if faults.is_empty() {
        Ok(checks)
    } else {
        Err(faults)
    }
}

/// Returns the fault, or a better one if the setting is an option of the command.
fn of_command(fault: &str) -> String {
    match fault.split_once(": ") {
        Some((name, rest)) if rest.starts_with("unknown setting") && is_of_command(name) => {
            format!("{name}: use --{name}, which is an option of the command and not of a check")
        }
        _ => fault.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_readme_are_valid() {
        let text = include_str!("../README.md");
        let mut blocks = 0;
        for block in text.split("```json\n").skip(1) {
            let (file, _) = block.split_once("```").unwrap();
            parse_checks(file).unwrap();
            blocks += 1;
        }
        assert_eq!(blocks, 2);
    }

    #[test]
    fn an_option_of_the_command_is_no_setting_of_a_check() {
        let text = r#"[{"metric": "m", "wait": "10m", "retention": "7d", "groupby": "a"}]"#;
        assert_eq!(
            parse_checks(text).unwrap_err(),
            [
                "[0].wait: use --wait, which is an option of the command and not of a check",
                "[0].retention: use --retention, which is an option of the command and not of a check",
                "[0].groupby: unknown setting; did you mean `group-by`?",
            ]
        );
    }

    #[test]
    fn every_fault_has_a_place() {
        for (text, faults) in [
            (
                "",
                vec!["expected a list of checks: EOF while parsing a value at line 1 column 0"],
            ),
            ("[]", vec!["expected at least one check, found none"]),
            (
                "\u{feff}[1, [], null]",
                vec![
                    "[0]: expected an object",
                    "[1]: expected an object",
                    "[2]: expected an object",
                ],
            ),
            (
                r#"[{"metric": "m", "critical": 1e999}, {"\ud83d": 1}]"#,
                vec![
                    "[0]: number out of range at line 1 column 33",
                    "[1]: unexpected end of hex escape at line 1 column 9",
                ],
            ),
            (
                r#"[{"metric": "m", "critical": "10"}, {"critcal": "10", "last": "1y", "last": "1h"},
                    {"metric": "m", "critical": "10:2x", "filter": ["a=b", "c"], "warning": ["1", "2"],
                     "since": "2026-01-01T00:00Z", "last": "1h", "expect": true, "resource": []}]"#,
                vec![
                    "[1].metric: missing",
                    "[1].critcal: unknown setting; did you mean `critical`?",
                    r#"[1].last: invalid duration "1y": expected a whole number and s, m, h or d, such as 90s"#,
                    "[1].last: duplicate setting",
                    r#"[2].critical: invalid threshold "10:2x": unexpected 'x' at character 5"#,
                    r#"[2].filter[1]: invalid pair "c": expected LABEL=VALUE"#,
                    "[2].warning: expected a text, found a list",
                    "[2].last: cannot be used together with `since`",
                    "[2].expect: expected a text, found a boolean",
                    "[2].resource: the list is empty",
                ],
            ),
        ] {
            assert_eq!(parse_checks(text).unwrap_err(), faults);
        }
    }
}
