//! The guides in `src/_documentation`, where they list what the code has.

use confluent_metrics::export_name;

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
fn the_guide_to_names_agrees_with_export_name() {
    let guide = include_str!("../../src/_documentation/names.md");
    let mut rows = 0;
    for line in guide.lines().filter(|line| line.starts_with("| `")) {
        let names: Vec<_> = line.split('`').skip(1).step_by(2).collect();
        let [query, export, key] = names[..] else {
            panic!("{line}");
        };
        assert_eq!(export_name(query), export);
        assert_eq!(query.split_once('.').unwrap().1, key);
        rows += 1;
    }
    assert_eq!(rows, 12);
}
