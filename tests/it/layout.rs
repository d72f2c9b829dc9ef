//! The direction of imports in `src`: from a later folder to an earlier one, and inside a folder
//! from a later file to an earlier one.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

/// Folders of `src` with their files, earliest first. `mod` is the `mod.rs` of the folder.
///
/// A new file needs a place here, and a place in the map of CONTRIBUTING.md if it is a new folder.
const MAP: &[(&str, &[&str])] = &[
    ("util", &["text", "similarity", "mod"]),
    ("", &["api_error", "error", "dataset", "serde_text"]),
    (
        "time",
        &[
            "cancel",
            "deadline",
            "sort",
            "rfc3339",
            "timestamp",
            "granularity",
            "call_context",
            "iso8601",
            "time_expr",
            "interval",
            "interval_text",
            "resolve",
            "mod",
        ],
    ),
    (
        "model",
        &[
            "labels",
            "label_index",
            "rate_limit",
            "label_traits",
            "exact_f64",
            "point",
            "iter",
            "resource",
            "filter_value",
            "filter_tree",
            "filter",
            "sample",
            "series",
            "series_iter",
            "progress",
            "query_result",
            "unknown_name",
            "metric_kind",
            "lifecycle_stage",
            "descriptor",
            "mod",
        ],
    ),
    (
        "request",
        &[
            "problems",
            "operation",
            "aggregation",
            "order",
            "query",
            "attribute_query",
            "query_getters",
            "body",
            "export",
            "discovery",
            "plan",
            "mod",
        ],
    ),
    (
        "decode",
        &[
            "error",
            "json",
            "descriptor",
            "envelope",
            "row_point",
            "rows",
            "fast",
            "error_body",
            "lexer",
            "metadata",
            "dedup",
            "exposition",
            "export_response",
            "export_status",
            "export",
            "export_traits",
            "mod",
        ],
    ),
    (
        "transport",
        &[
            "unescape",
            "redact",
            "url",
            "authorization",
            "token_provider",
            "credentials",
            "pem",
            "cancel",
            "resolver",
            "socket",
            "tcp",
            "connector",
            "proxy",
            "config",
            "event",
            "attempt_clock",
            "request",
            "redirect",
            "retry",
            "rate_limit_headers",
            "rate_limit",
            "hints",
            "error_response",
            "attempt_error",
            "errors",
            "clock_skew",
            "body",
            "mod",
        ],
    ),
    (
        "pagination",
        &[
            "errors",
            "cursor",
            "list",
            "completeness",
            "label_range",
            "page",
            "window_state",
            "window_reader",
            "query_pager",
            "pages",
            "merge",
            "first_error",
            "progress_reporter",
            "collector",
            "from_json",
            "mod",
        ],
    ),
    (
        "client",
        &[
            "settings",
            "mod",
            "builder",
            "connection",
            "events",
            "environment",
            "parallel",
            "query",
            "attributes",
            "descriptors",
            "export",
            "discovery",
            "access",
        ],
    ),
    (
        "check",
        &[
            "format/humanize",
            "status",
            "reduce",
            "window",
            "value",
            "sparkline",
            "threshold",
            "quantifier",
            "datapoints",
            "change",
            "attempts",
            "check_info",
            "missing",
            "report",
            "report_traits",
            "ratio",
            "check",
            "comparisons",
            "baseline",
            "entry_value",
            "entry",
            "entry_serialize",
            "validate",
            "mismatch",
            "evaluate",
            "findings",
            "run",
            "wait",
            "wait_state",
            "wait_loop",
            "batch",
            "format/writer",
            "format/text",
            "format/markdown",
            "format/junit",
            "format/nagios",
            "format/github",
            "format/json",
            "format/mod",
            "text_serde",
            "guide/command_line",
            "guide/build_script",
            "guide/test_suite",
            "guide/states",
            "guide/recipes",
            "guide/decisions",
            "guide/mod",
            "mod",
        ],
    ),
    ("_documentation", &["mod"]),
];

/// Files at the root that may import anything.
const ROOT: &[&str] = &["lib", "fuzzing"];

/// A file of `src`: its path without `.rs`, and its text.
type SourceFile = (String, String);

#[test]
fn imports_point_to_earlier_folders_and_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    read_folder(&root, "", &mut files);
    let problems = violations(&files);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn an_import_against_the_direction_is_found() {
    let files = |from: &str, text: &str| {
        let target = |path: &str| (path.to_owned(), String::new());
        vec![
            (from.to_owned(), text.to_owned()),
            target("time/timestamp"),
            target("time/interval"),
            target("time/mod"),
            target("client/mod"),
        ]
    };
    let found = |from: &str, text: &str| violations(&files(from, text)).join("\n");

    assert_eq!(
        found("model/filter", "use crate::time::timestamp::Timestamp;"),
        ""
    );
    assert_eq!(
        found("model/filter", "use crate::client::Client;"),
        "src/model/filter.rs imports src/client/mod.rs, which is later in the map",
    );
    assert_eq!(
        found(
            "time/granularity",
            "use crate::{time::{interval::{self, A}, timestamp}};"
        ),
        "src/time/granularity.rs imports src/time/interval.rs, which is later in the map",
    );
    assert_eq!(
        found(
            "time/granularity",
            "fn f(interval: super::interval::Interval) {}"
        ),
        "src/time/granularity.rs imports src/time/interval.rs, which is later in the map",
    );
    assert_eq!(
        found("time/granularity", "use crate::time::Interval;"),
        "src/time/granularity.rs imports src/time/mod.rs, which is later in the map",
    );
    assert_eq!(
        found("time/granularity", "use crate::Interval;"),
        "src/time/granularity.rs imports crate::Interval, which is not the path of a file",
    );
    assert_eq!(
        found("time/moon", ""),
        "src/time/moon.rs has no place in the map of tests/it/layout.rs",
    );
    let tests = "// crate::client\n#[cfg(test)]\nmod tests {\n    use crate::client::Client;\n}\n";
    assert_eq!(found("model/filter", tests), "");
}

#[test]
fn every_place_in_the_map_is_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (folder, names) in MAP {
        for name in *names {
            let file = root.join(folder).join(format!("{name}.rs"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}

#[test]
fn only_transport_names_ureq_and_util_needs_only_std() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    read_folder(&root, "", &mut files);
    for (path, text) in files {
        let code = without_comments_and_tests(&text);
        let tokens = tokens(&code);
        let names = |package: &str| tokens.windows(2).any(|pair| pair == [package, "::"]);
        let may_name_ureq = path.starts_with("transport/") || ROOT.contains(&path.as_str());
        assert!(may_name_ureq || !names("ureq"), "src/{path}.rs names ureq");
        if path.starts_with("util/") {
            let package = ["ureq", "serde", "serde_json", "base64"]
                .into_iter()
                .find(|p| names(p));
            assert_eq!(package, None, "src/{path}.rs");
        }
    }
}

/// Returns a sentence for every file without a place and every import against the direction.
fn violations(files: &[SourceFile]) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in files {
        if ROOT.contains(&path.as_str()) {
            continue;
        }
        let Some(place) = place(path) else {
            problems.push(format!(
                "src/{path}.rs has no place in the map of tests/it/layout.rs"
            ));
            continue;
        };
        for import in imports(path, text) {
            match imported_file(&import, files) {
                Some(target) if target == *path => {}
                Some(target) if self::place(&target) < Some(place) => {}
                Some(target) => problems.push(format!(
                    "src/{path}.rs imports src/{target}.rs, which is later in the map"
                )),
                None => problems.push(format!(
                    "src/{path}.rs imports crate::{}, which is not the path of a file",
                    import.join("::"),
                )),
            }
        }
    }
    problems.dedup();
    problems
}

/// Returns the position of a file in the map: of its folder, then of the file.
fn place(path: &str) -> Option<(usize, usize)> {
    let (folder, file) = path.split_once('/').unwrap_or(("", path));
    let row = MAP.iter().position(|(name, _)| *name == folder)?;
    let column = MAP[row].1.iter().position(|name| *name == file)?;
    Some((row, column))
}

/// Returns the file that a path below `crate` leads to: the longest part of it that is a module.
fn imported_file(import: &[String], files: &[SourceFile]) -> Option<String> {
    (1..=import.len()).rev().find_map(|length| {
        let path = import[..length].join("/");
        [path.clone(), format!("{path}/mod")]
            .into_iter()
            .find(|candidate| files.iter().any(|(file, _)| file == candidate))
    })
}

/// Collects every path below `crate` that the code of a file names, without repetitions.
fn imports(path: &str, text: &str) -> BTreeSet<Vec<String>> {
    let module: Vec<String> = path
        .split('/')
        .filter(|part| *part != "mod")
        .map(str::to_owned)
        .collect();
    let code = without_comments_and_tests(text);
    let tokens = tokens(&code);
    let mut imports = BTreeSet::new();
    for (index, pair) in tokens.windows(2).enumerate() {
        let base = match pair {
            ["crate", "::"] => &[][..],
            ["super", "::"] => &module[..module.len() - 1],
            _ => continue,
        };
        read_tree(&tokens[index + 2..], base, &mut imports);
    }
    imports
}

/// Reads `a::b`, `a::{b, c}` or `{a, b}` behind a prefix, and returns the tokens after it.
fn read_tree<'t>(
    mut tokens: &'t [&'t str],
    prefix: &[String],
    imports: &mut BTreeSet<Vec<String>>,
) -> &'t [&'t str] {
    let mut path = prefix.to_vec();
    loop {
        match tokens {
            ["{", rest @ ..] => {
                tokens = rest;
                while !matches!(tokens, [] | ["}", ..]) {
                    tokens = read_tree(tokens, &path, imports);
                    while !matches!(tokens, [] | ["}" | ",", ..]) {
                        tokens = &tokens[1..];
                    }
                    if let [",", rest @ ..] = tokens {
                        tokens = rest;
                    }
                }
                return tokens.get(1..).unwrap_or_default();
            }
            [name, "::", rest @ ..] => {
                path.push((*name).to_owned());
                tokens = rest;
            }
            [name, rest @ ..] => {
                if *name != "self" {
                    path.push((*name).to_owned());
                }
                imports.insert(path);
                return rest;
            }
            [] => return tokens,
        }
    }
}

/// Splits code into names, `::` and single signs.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = if is_name(first) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

fn without_comments_and_tests(text: &str) -> String {
    let code = text.split("mod tests {").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Reads all `.rs` files below a folder, except unit tests in files of their own.
fn read_folder(root: &Path, folder: &str, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        if root.join(&path).is_dir() {
            read_folder(root, &path, files);
        } else if let Some(path) = path.strip_suffix(".rs") {
            if path.rsplit('/').next() != Some("tests") {
                files.push((
                    path.to_owned(),
                    fs::read_to_string(root.join(path).with_extension("rs")).unwrap(),
                ));
            }
        }
    }
}
