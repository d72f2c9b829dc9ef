//! Parsing of exports, without a network.

use confluent_metrics::{Completeness, ErrorKind, Export, Resource, Sample};

macro_rules! wire {
    ($name:literal) => {
        include_str!(concat!("../data/wire/", $name))
    };
}

fn render(export: &Export) -> Vec<String> {
    export.samples().iter().map(render_sample).collect()
}

fn render_sample(sample: &Sample) -> String {
    let time = sample
        .timestamp()
        .map_or(String::new(), |at| format!(" at {at}"));
    format!(
        "{}{} {}{time}",
        sample.name(),
        sample.labels(),
        sample.value()
    )
}

fn parsed(text: &str) -> Vec<String> {
    render(&Export::parse(text).unwrap())
}

fn parse_error(text: &str) -> String {
    let error = Export::parse(text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    error
        .to_string()
        .strip_prefix("cannot parse export: ")
        .expect("what it is not")
        .to_owned()
}

#[test]
fn the_examples_of_the_documentation_are_parsed() {
    let received = "confluent_kafka_server_received_bytes";
    let sent = "confluent_kafka_server_sent_bytes";
    let told_as = |name: &str, rows: &[(&str, &str, i32)]| -> Vec<String> {
        let render_sample = |(id, topic, value): &(&str, &str, i32)| {
            format!(r#"{name}{{kafka_id="{id}", topic="{topic}"}} {value} at 2021-01-01T00:00:00Z"#)
        };
        rows.iter().map(render_sample).collect()
    };
    for (text, expected, failed, unit) in [
        (
            wire!("export-doc-01-text.prom"),
            [
                told_as(
                    received,
                    &[
                        ("lkc-1", "topicA", 10),
                        ("lkc-1", "topicB", 20),
                        ("lkc-2", "topicA", 30),
                    ],
                ),
                told_as(
                    sent,
                    &[
                        ("lkc-1", "topicA", 90),
                        ("lkc-1", "topicB", 80),
                        ("lkc-2", "topicA", 70),
                    ],
                ),
            ],
            &[][..],
            None,
        ),
        (
            wire!("export-doc-02-text-partial.prom"),
            [
                told_as(
                    received,
                    &[("lkc-1", "topicA", 30), ("lkc-2", "topicA", 70)],
                ),
                Vec::new(),
            ],
            &["io.confluent.kafka.server/sent_bytes"],
            None,
        ),
        (
            wire!("export-doc-03-openmetrics.txt"),
            [
                told_as(
                    received,
                    &[
                        ("lkc-1", "topicA", 30),
                        ("lkc-1", "topicB", 70),
                        ("lkc-2", "topicA", 230),
                        ("lkc-2", "topicB", 270),
                    ],
                ),
                told_as(sent, &[("lkc-1", "topicA", 34), ("lkc-1", "topicB", 74)]),
            ],
            &[],
            Some("bytes"),
        ),
        (
            wire!("export-doc-04-openmetrics-partial.txt"),
            [
                told_as(
                    received,
                    &[("lkc-1", "topicA", 30), ("lkc-2", "topicA", 70)],
                ),
                Vec::new(),
            ],
            &["io.confluent.kafka.server/sent_bytes"],
            Some("bytes"),
        ),
    ] {
        let export = Export::parse(text).unwrap();
        assert_eq!(render(&export), expected.concat());
        assert_eq!(export.inaccessible(), []);
        assert_eq!(export.failed_metrics(), failed);
        assert_eq!(
            export.completeness() == Completeness::Complete,
            failed.is_empty()
        );
        let first = &export.samples()[0];
        assert_eq!(
            (first.help(), first.kind(), first.unit()),
            (Some("Words."), Some("gauge"), unit)
        );
        assert_eq!(
            export
                .samples_of("io.confluent.kafka.server/received_bytes")
                .count(),
            expected[0].len(),
            "a metric is found by its name in a query"
        );
        let last = export.samples().last().unwrap();
        assert_eq!(
            last.unit().is_some(),
            last.name() == received && unit.is_some(),
            "UNIT is of its own metric"
        );
    }
}

#[test]
fn every_unusual_but_valid_form_is_parsed() {
    for (text, expected) in [
        ("# EOF\n", vec![]),
        ("#EOF", vec![]),
        ("# nothing but words\n", vec![]),
        ("\n\n  \t\na 1\n", vec!["a{} 1"]),
        ("a 1\r\n\r\n# EOF\r\n", vec!["a{} 1"]),
        (
            "a{} 1\na{b=\"c\"} 2\na{b=\"c\",} 3 1609459200\n",
            vec![
                "a{} 1",
                "a{b=\"c\"} 2",
                "a{b=\"c\"} 3 at 2021-01-01T00:00:00Z",
            ],
        ),
        (
            "x{b=\"2\",a=\"1\",} 1.736948396647E12 1736948340000\n",
            vec![r#"x{a="1", b="2"} 1736948396647 at 2025-01-15T13:39:00Z"#],
        ),
        (
            " a \t{ b = \"c\" , d=\"e\" , }\t1   1609459200  \n",
            vec!["a{b=\"c\", d=\"e\"} 1 at 2021-01-01T00:00:00Z"],
        ),
        (
            ":a:b_1 .5\n_ -0.0\nA 1.E3\n",
            vec![":a:b_1{} 0.5", "_{} -0", "A{} 1000"],
        ),
        (
            "a NaN\nb +Inf\nc -Inf\nd Inf\ne 29.316666666666666\nf 1e-7\n",
            vec![
                "a{} NaN",
                "b{} inf",
                "c{} -inf",
                "d{} inf",
                "e{} 29.316666666666666",
                "f{} 0.0000001",
            ],
        ),
        (
            "a{b=\"\\\\ \\\"q\\\" \\n é \\\\n {},=\"} 1\na{b=\"\"} 2\n",
            vec![r#"a{b="\\ \"q\" \n é \\n {},="} 1"#, r#"a{b=""} 2"#],
        ),
        (
            "a 1 # {trace=\"x\"} 0.5 1609459200.1\na{b=\"c\"} 2 1609459200.007 # {} 1\n",
            vec!["a{} 1", "a{b=\"c\"} 2 at 2021-01-01T00:00:00.007Z"],
        ),
        (
            "a 1\na 1\na 1 1609459200\na 2 1609459260\n",
            vec![
                "a{} 1",
                "a{} 1 at 2021-01-01T00:00:00Z",
                "a{} 2 at 2021-01-01T00:01:00Z",
            ],
        ),
        (
            "a{b=\"1\",c=\"2\"} NaN\na{c=\"2\",b=\"1\"} NaN\n",
            vec!["a{b=\"1\", c=\"2\"} NaN"],
        ),
        (
            "a{b=\"1\"} 1\nb{b=\"1\"} 1\na{b=\"2\"} 2\n",
            vec!["a{b=\"1\"} 1", "b{b=\"1\"} 1", "a{b=\"2\"} 2"],
        ),
        (
            "#HELP a b\n# TYPES a b\n# HELP\tb\tc \\\\ \\n \\d\n# UNIT c \na 1\n",
            vec!["a{} 1"],
        ),
    ] {
        assert_eq!(parsed(text), expected, "{text}");
    }
}

#[test]
fn lines_that_begin_alike_are_read_in_full() {
    let text = r#"m{a="1",b="2",c="3"} 1
m{a="1",b="2",c="4"} 2
m{a="1",b="22",c="4"} 3
m{a="1",b="",c="4"} 4
m{a="11",b="",c="4"} 5
m{a="1\"1",b="",c="4"} 6
m{a="1\"2",b="",c="4",} 7
m{a="1\"2",b="",c="4",d="5"} 8
m{a="1\"2",b=""} 9
m{a="1\"2",c=""} 10
m{a="1\"2"} 11
m 12
mm{a="1\"2"} 13
m{a="1\"2",bb="x"} 14
m{a="1\"2",b="x"} 15
m{ a="1\"2",b="y"} 16
m{a ="1\"2",b="z"} 17
"#;
    let expected: Vec<_> = [
        ("m", r#"a="1", b="2", c="3""#),
        ("m", r#"a="1", b="2", c="4""#),
        ("m", r#"a="1", b="22", c="4""#),
        ("m", r#"a="1", b="", c="4""#),
        ("m", r#"a="11", b="", c="4""#),
        ("m", r#"a="1\"1", b="", c="4""#),
        ("m", r#"a="1\"2", b="", c="4""#),
        ("m", r#"a="1\"2", b="", c="4", d="5""#),
        ("m", r#"a="1\"2", b="""#),
        ("m", r#"a="1\"2", c="""#),
        ("m", r#"a="1\"2""#),
        ("m", ""),
        ("mm", r#"a="1\"2""#),
        ("m", r#"a="1\"2", bb="x""#),
        ("m", r#"a="1\"2", b="x""#),
        ("m", r#"a="1\"2", b="y""#),
        ("m", r#"a="1\"2", b="z""#),
    ]
    .iter()
    .zip(1..)
    .map(|((name, labels), value)| format!("{name}{{{labels}}} {value}"))
    .collect();
    assert_eq!(parsed(text), expected);
}

#[test]
fn metadata_of_a_metric_may_come_in_any_order() {
    let about = "# TYPE a gauge\n# UNIT a bytes\n# HELP a One \\\\ \\n two\n";
    for text in [
        format!("{about}a 1\n"),
        format!("a 1\n{about}"),
        format!("# TYPE b gauge\na 1\n{about}b 1\n"),
    ] {
        let export = Export::parse(&text).unwrap();
        let sample = &export.samples()[0];
        assert_eq!(
            (sample.help(), sample.kind(), sample.unit()),
            (Some("One \\ \n two"), Some("gauge"), Some("bytes"))
        );
        assert!(
            export
                .samples()
                .iter()
                .skip(1)
                .all(|other| other.help().is_none() && other.unit().is_none())
        );
    }
    let counter = "# TYPE a counter\n# HELP a Words.\na_total{b=\"c\"} 1\na_created 2\na_count 3\n# TYPE d gauge\nd_total 1\n";
    let export = Export::parse(counter).unwrap();
    let kinds: Vec<_> = export.samples().iter().map(Sample::kind).collect();
    assert_eq!(
        kinds,
        [Some("counter"), Some("counter"), Some("counter"), None]
    );
    let first = Export::parse("# HELP a one\n# HELP a two\na 1\n").unwrap();
    assert_eq!(first.samples()[0].help(), Some("one"));
}

#[test]
fn invalid_exports_are_refused_with_the_line() {
    for (text, why) in [
        ("", "the text is empty"),
        (" \n\t\n", "the text is empty"),
        ("<html>\n", "line 1: expected a metric name: <html>"),
        (
            "{\"data\":[]}\n",
            "line 1: expected a metric name: {\"data\":[]}",
        ),
        (
            "upstream connect error\n",
            "line 1: invalid value: upstream connect error",
        ),
        ("a\n", "line 1: expected a value: a"),
        ("a 1\na{b=\"c\"}\n", "line 2: expected a value: a{b=\"c\"}"),
        (
            "a 1\n\n# x\na 1 2 3\n",
            "line 4: unexpected text after the value: a 1 2 3",
        ),
        ("a 1 x\n", "line 1: invalid timestamp: a 1 x"),
        (
            "a 1 # words\n",
            "line 1: unexpected text after the value: a 1 # words",
        ),
        (
            "a 1 99999999999999999\n",
            "line 1: invalid timestamp: a 1 99999999999999999",
        ),
        ("a one\n", "line 1: invalid value: a one"),
        ("a 1_000\n", "line 1: invalid value: a 1_000"),
        ("a 0x1p3\n", "line 1: invalid value: a 0x1p3"),
        ("a-b 1\n", "line 1: invalid value: a-b 1"),
        ("1a 1\n", "line 1: expected a metric name: 1a 1"),
        (
            "a{b} 1\n",
            "line 1: expected `=` after the label name: a{b} 1",
        ),
        (
            "a{=\"c\"} 1\n",
            "line 1: expected a label name: a{=\"c\"} 1",
        ),
        ("a{,} 1\n", "line 1: expected a label name: a{,} 1"),
        (
            "a{b=\"c\",,} 1\n",
            "line 1: expected a label name: a{b=\"c\",,} 1",
        ),
        (
            "a{b:c=\"d\"} 1\n",
            "line 1: expected `=` after the label name: a{b:c=\"d\"} 1",
        ),
        (
            "a{b=c} 1\n",
            "line 1: expected `\"` before the label value: a{b=c} 1",
        ),
        (
            "a{b=\"c} 1\nd 1\n",
            "line 1: unterminated label value: a{b=\"c} 1",
        ),
        (
            "a{b=\"c\\\n\"} 1\n",
            "line 1: unterminated label value: a{b=\"c\\",
        ),
        (
            "a{b=\"\\t\"} 1\n",
            "line 1: invalid escape: expected \\\\, \\\" or \\n: a{b=\"\\t\"} 1",
        ),
        (
            "a{b=\"\\é\"} 1\n",
            "line 1: invalid escape: expected \\\\, \\\" or \\n: a{b=\"\\é\"} 1",
        ),
        (
            "a{b=\"c\" d=\"e\"} 1\n",
            "line 1: expected `,` or `}` after a label: a{b=\"c\" d=\"e\"} 1",
        ),
        (
            "a{b=\"c\"\n",
            "line 1: expected `,` or `}` after a label: a{b=\"c\"",
        ),
        (
            "a{b=\"1\",b=\"2\"} 1\n",
            "line 1: duplicate label: a{b=\"1\",b=\"2\"} 1",
        ),
        ("# EOF\na 1\n", "line 2: unexpected text after # EOF: a 1"),
        (
            "a 1\n# EOF\n# EOF\n",
            "line 3: unexpected text after # EOF: # EOF",
        ),
        (
            "# TYPE a\n",
            "line 1: expected one word after TYPE: # TYPE a",
        ),
        (
            "# TYPE a b c\n",
            "line 1: expected one word after TYPE: # TYPE a b c",
        ),
        ("# HELP\n", "line 1: expected a metric name: # HELP"),
        (
            "# HELP a{} b\n",
            "line 1: expected a metric name: # HELP a{} b",
        ),
        ("a 1\n ", "line 2: unexpected end of text:"),
        ("a 1", "line 1: unexpected end of text: a 1"),
        (
            "a 1\n# HELP a Wor",
            "line 2: unexpected end of text: # HELP a Wor",
        ),
        ("a 1\na{b=\"", "line 2: unexpected end of text: a{b=\""),
        (
            "a{b=\"c\"} 1 5\na{b=\"d\"} 2 5\na{b=\"c\"} 3 5\n",
            "conflicting values for a{b=\"c\"}: 1 and 3",
        ),
        ("a 1\na 2\n", "conflicting values for a{}: 1 and 2"),
        (
            "a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 2\n",
            "conflicting values for a{b=\"1\", c=\"2\"}: 1 and 2",
        ),
        (
            "confluent_scrape_resource_access_error{id=\"lkc-1\"} 0.0\n",
            "missing resource labels of confluent_scrape_resource_access_error{id=\"lkc-1\"}",
        ),
    ] {
        assert_eq!(parse_error(text), why, "{text:?}");
    }
}

#[test]
fn a_text_cut_anywhere_but_at_the_end_of_a_line_is_refused() {
    for text in [
        wire!("export-doc-02-text-partial.prom"),
        wire!("export-doc-04-openmetrics-partial.txt"),
    ] {
        let whole = Export::parse(text).unwrap();
        for (end, _) in text.char_indices() {
            let cut = &text[..end];
            match Export::parse(cut) {
                // The format of Prometheus has no end marker. Only HTTP can detect missing lines.
                Ok(export) => {
                    assert!(cut.ends_with('\n') || format!("{cut}\n") == text, "{cut}");
                    assert_eq!(export.samples(), &whole.samples()[..export.samples().len()]);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Decode),
            }
        }
    }
}

#[test]
fn missing_data_is_reported() {
    let access = |id: &str, kind: &str, value: &str| {
        format!(
            "confluent_scrape_resource_access_error{{resource_id=\"{id}\",resource_type=\"{kind}\"}} {value}\n"
        )
    };
    let status = |metric: &str, value: &str| {
        format!(
            "export_status{{export_status=\"error\",metric=\"{metric}\",resource=\"kafka\",}} {value}\n"
        )
    };
    let fine = [
        access("lkc-1", "resource.kafka.id", "0.0"),
        status("io.a/b", "0.0"),
        "a_b 1\n".into(),
    ]
    .concat();
    let export = Export::parse(&fine).unwrap();
    assert_eq!(
        (export.completeness(), render(&export)),
        (Completeness::Complete, vec!["a_b{} 1".to_owned()])
    );
    assert!(export.require_complete().is_ok());
    let partial = [
        &*access("lkc-9", "resource.kafka.id", "1.0"),
        &*access("lsrc-9", "resource.schema_registry.id", "1.0"),
        &*status("io.a/b", "1.0"),
        &*status("io.a/c", "1.0"),
        "export_status{export_status=\"success\",metric=\"io.a/d\",resource=\"kafka\"} 1.0\n",
        &fine,
    ]
    .concat();
    let partial = partial.replace(&status("io.a/b", "0.0"), "");
    let export = Export::parse(&partial).unwrap();
    assert_eq!(
        export.inaccessible(),
        [
            Resource::kafka("lkc-9"),
            Resource::schema_registry("lsrc-9")
        ]
    );
    assert_eq!(export.failed_metrics(), ["io.a/b", "io.a/c"]);
    let missing = "no access to kafka lkc-9, schema_registry lsrc-9; io.a/b, io.a/c failed";
    assert!(
        matches!(export.completeness(), Completeness::Truncated { missing: found, .. } if found == missing)
    );
    let error = export.require_complete().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(error.to_string(), format!("incomplete export: {missing}"));
    assert!(error.hint().unwrap().contains("MetricsViewer"));
}

fn rows(label: &str, count: usize) -> String {
    (0..count)
        .map(|row| format!("m{{{label}=\"x\",topic=\"t{row}\"}} 1\n"))
        .collect()
}

fn missing(text: &str) -> String {
    match Export::parse(text).unwrap().completeness() {
        Completeness::Truncated { missing, .. } => missing,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_metric_at_a_cap_is_flagged_whatever_its_labels() {
    let capped = "m may be truncated at the service limit of 60000 samples";
    for label in [
        "kafka_id",
        "connector_id",
        "flink_statement_uid",
        "new_type_id",
        "topic_name",
        "x",
    ] {
        for (count, expected) in [
            (29_999, "Complete"),
            (30_000, capped),
            (30_001, "Complete"),
            (59_999, "Complete"),
            (60_000, capped),
            (60_001, capped),
        ] {
            assert_eq!(missing(&rows(label, count)), expected, "{count} by {label}");
        }
    }
    // The limit applies per resource type, which the text does not reliably contain.
    assert_eq!(
        missing(&[rows("kafka_id", 40_000), rows("connector_id", 40_000)].concat()),
        capped
    );
    // Samples are counted per metric, also without labels.
    let other = rows("kafka_id", 40_000).replace("m{", "n{");
    assert_eq!(
        missing(&[rows("kafka_id", 40_000), other].concat()),
        "Complete"
    );
    let no_labels: String = (0..60_000)
        .map(|at| format!("m 1 {}\n", 1_767_268_620_000_i64 + at))
        .collect();
    assert_eq!(missing(&no_labels), capped);
    // Status samples do not count.
    let status = rows("resource_id", 60_000).replace(
        "m{",
        "confluent_scrape_resource_access_error{resource_type=\"resource.kafka.id\",",
    );
    assert_eq!(missing(&status.replace("} 1", "} 0")), "Complete");
}

#[test]
fn a_number_beyond_f64_is_refused_and_infinity_is_not() {
    let long = "9".repeat(400);
    for value in [
        "1e400",
        "-1e400",
        "1E+309",
        "1.8e308",
        &long,
        &format!("-{long}.5"),
    ] {
        for text in [
            format!("a {value}\n"),
            format!("b 1\na{{c=\"d\"}} {value} 1767268620\n# EOF\n"),
        ] {
            let why = parse_error(&text);
            assert!(why.contains(": value exceeds the range of f64: a"), "{why}");
        }
    }
    let text = "a +Inf\nb -Inf\nc 1.7976931348623157e308\nd 1e-400\n";
    let values: Vec<_> = Export::parse(text)
        .unwrap()
        .samples()
        .iter()
        .map(Sample::value)
        .collect();
    assert_eq!(values, [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 0.0]);
}

#[test]
fn a_byte_order_mark_before_an_export_is_skipped() {
    assert_eq!(parsed("\u{feff}a 1\n# EOF\n"), ["a{} 1"]);
    assert_eq!(parsed("\u{feff}# TYPE a gauge\n"), Vec::<String>::new());
    assert_eq!(parse_error("\u{feff}"), "the text is empty");
    assert_eq!(parse_error("\u{feff} \n"), "the text is empty");
    assert_eq!(
        parse_error("a 1\n\u{feff}b 1\n"),
        "line 2: expected a metric name: \u{feff}b 1"
    );
}

#[test]
fn a_sample_without_a_time_may_follow_one_with_a_time() {
    let text = "a 1 1609459200.000\nb 2\nc 3 1609459200.000\n";
    let expected = [
        "a{} 1 at 2021-01-01T00:00:00Z",
        "b{} 2",
        "c{} 3 at 2021-01-01T00:00:00Z",
    ];
    assert_eq!(parsed(text), expected);
}

#[test]
fn lines_in_any_order_give_the_same_samples() {
    let line = |metric: &str, number: usize| {
        format!("{metric}{{kafka_id=\"lkc-1\",topic=\"t{number}\"}} 1\n")
    };
    let in_turns: String = (0..20_000)
        .map(|number| line(["a", "b"][number % 2], number))
        .collect::<Vec<_>>()
        .concat();
    let names_in_turns: String = (0..20_000)
        .map(|number| match number % 3 {
            0 => format!("a{{x=\"{number}\"}} 1\n"),
            1 => format!("a{{y=\"{number}\",x=\"1\"}} 1\n"),
            _ => format!("a{{x=\"1\",y=\"{number}\"}} 1\n"),
        })
        .collect();
    for text in [in_turns, names_in_turns] {
        let mut lines: Vec<_> = text.lines().collect();
        let found = parsed(&text);
        assert_eq!(found.len(), 20_000);
        lines.sort_unstable();
        let mut sorted = parsed(&format!("{}\n", lines.join("\n")));
        let mut expected = found;
        sorted.sort_unstable();
        expected.sort_unstable();
        assert_eq!(sorted, expected);
    }
}
