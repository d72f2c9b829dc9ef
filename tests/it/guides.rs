//! The guides in `src/_documentation`, where they list what the code has.

use confluent_metrics::{LabelDescriptor, dataset, export_name};

use crate::support::{builder, empty_emulator};

#[test]
fn every_kind_of_error_has_a_section_in_the_guide_to_troubleshooting() {
    let guide = include_str!("../../src/_documentation/troubleshooting.md");
    let source = include_str!("../../src/error.rs");
    let (_, rest) = source.split_once("pub enum ErrorKind {\n").unwrap();
    let (variants, _) = rest.split_once("\n}").unwrap();
    let kinds: Vec<_> = variants
        .lines()
        .filter_map(|line| line.trim().strip_suffix(','))
        .collect();
    assert!(kinds.contains(&"ClockSkew"), "{kinds:?}");
    for kind in kinds {
        let heading = format!("\n# `{kind}`\n");
        assert!(guide.contains(&heading), "{kind}");
    }
}

#[test]
fn the_guide_to_names_agrees_with_the_descriptors() {
    let emulator = empty_emulator();
    let mut labels: Vec<LabelDescriptor> = Vec::new();
    // Custom connectors have a dataset of their own.
    for dataset in [dataset::CLOUD, dataset::CLOUD_CUSTOM] {
        let client = builder(&emulator).dataset(dataset).build().unwrap();
        for metric in client.metric_descriptors().unwrap() {
            labels.extend_from_slice(metric.labels());
        }
        for resource in client.resource_descriptors().unwrap() {
            labels.extend_from_slice(resource.labels());
        }
    }
    let guide = include_str!("../../src/_documentation/names.md");
    let mut rows = 0;
    for line in guide.lines().filter(|line| line.starts_with("| `")) {
        let names: Vec<_> = line.split('`').skip(1).step_by(2).collect();
        let [query, export, key] = names[..] else {
            panic!("{line}");
        };
        assert_eq!(export_name(query), export);
        let label = labels.iter().find(|label| label.query_name() == query);
        let label = label.unwrap_or_else(|| panic!("no descriptor of {query}"));
        assert_eq!(label.key(), key);
        assert_eq!(label.export_name(), export);
        rows += 1;
    }
    assert_eq!(rows, 14);
}
