//! Completeness of the list of operations that other tests walk.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use confluent_metrics_emulator::Emulator;

use crate::support::OPERATIONS;

/// Methods of `Client` that send nothing.
const WITHOUT_REQUESTS: [&str; 4] = [
    "request_bodies",
    "rate_limits",
    "with_cancel",
    "with_deadline",
];

fn paths() -> BTreeSet<&'static str> {
    OPERATIONS.iter().map(|operation| operation.path).collect()
}

#[test]
fn every_method_of_the_client_that_sends_requests_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client");
    let mut methods = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for function in text.split("    pub fn ").skip(1) {
            let (name, parameters) = function.split_once('(').unwrap();
            if parameters.trim_start().starts_with("&self") {
                methods.insert(name.to_owned());
            }
        }
    }
    assert!(methods.len() >= OPERATIONS.len(), "{methods:?}");
    for operation in OPERATIONS {
        assert!(methods.remove(operation.method), "{}", operation.method);
    }
    methods.retain(|method| !WITHOUT_REQUESTS.contains(&method.as_str()));
    assert!(
        methods.is_empty(),
        "add {methods:?} to OPERATIONS in tests/it/support.rs"
    );
}

#[test]
fn every_operation_of_the_emulator_is_listed() {
    assert_eq!(paths(), Emulator::operations().collect());
}

#[test]
fn every_operation_of_the_library_is_listed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/request/operation.rs");
    let text = fs::read_to_string(file).unwrap();
    let (_, rest) = text.split_once("enum Operation {").unwrap();
    let (variants, _) = rest.split_once("\n}").unwrap();
    let count = variants.lines().filter(|line| line.ends_with(',')).count();
    assert_eq!(count, paths().len(), "{variants}");
    let all = format!("ALL: [Self; {count}]");
    assert!(text.contains(&all), "{all} in src/request/operation.rs");
    for path in paths() {
        assert!(text.contains(&format!("{path:?}")), "{path}");
    }
}

#[test]
fn every_operation_is_in_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let emulator = fs::read_to_string(root.join("tests/emulator/README.md")).unwrap();
    for operation in OPERATIONS {
        let method = format!("`{}`", operation.method);
        assert!(readme.contains(&method), "README.md lacks {method}");
        let path = operation.path;
        assert!(
            emulator.contains(path),
            "tests/emulator/README.md lacks {path}"
        );
    }
}
