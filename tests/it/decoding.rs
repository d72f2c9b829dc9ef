//! Decoding of undocumented responses: unusual but valid ones, and invalid ones.

use confluent_metrics::{
    Completeness, ErrorKind, Granularity, Interval, Labels, Point, Query, QueryResult, Resource,
    Series, Timestamp,
};
use confluent_metrics_emulator::Fault;

use crate::support::{SENT, client, empty_emulator, interval};

fn query(grouped: bool) -> Query {
    let query = Query::new(
        "m",
        Granularity::OneMinute,
        interval("2026-01-01T00:00:00Z/PT1H"),
    );
    if grouped {
        query.group_by(["metric.topic"])
    } else {
        query
    }
}

fn render(grouped: bool, response: &str) -> Vec<String> {
    let result = QueryResult::from_json(&query(grouped), response.as_bytes())
        .unwrap_or_else(|error| panic!("{response}: {error:?}"));
    let render_sample = |series: &Series| {
        let points: Vec<_> = series
            .points()
            .iter()
            .map(|point| format!(" {}={:?}", point.timestamp, point.value))
            .collect();
        format!("{}{}", series.labels(), points.concat())
    };
    result.series().iter().map(render_sample).collect()
}

#[test]
fn unusual_but_valid_responses_are_decoded() {
    let no_series: [&str; 0] = [];
    for grouped in [false, true] {
        for response in [
            r#"{"data":[]}"#,
            " { \"meta\" : null , \"links\" : null , \"data\" : [ ] } \r\n",
            r#"{"data":[],"meta":{},"links":{}}"#,
            r#"{"unknown":{"deep":[[[{}]]]},"data":[],"meta":{"pagination":{"page_size":3,"total_size":3,"next_page_token":null}},"links":{"next":null}}"#,
            r#"{"data":[],"meta":{"pagination":{"next_page_token":""}},"links":{"next":""}}"#,
        ] {
            assert_eq!(render(grouped, response), no_series);
        }
    }
    for (response, series) in [
        // Labels before, between and after the fields of the point.
        (
            r#"{"data":[{"metric.topic":"a","value":1,"x":"y","timestamp":"2026-01-01T00:00:00Z","b":"c"}]}"#,
            vec![r#"{b="c", metric.topic="a", x="y"} 2026-01-01T00:00:00Z=1.0"#],
        ),
        // Numbers and booleans become labels. Null, arrays and objects do not.
        (
            r#"{"data":[{"n":1e3,"i":-7,"f":1.50,"t":true,"z":null,"l":["x"],"o":{"k":"v"},"value":2,"timestamp":"2026-01-01T00:00:00.000Z"}]}"#,
            vec![r#"{f="1.50", i="-7", n="1e3", t="true"} 2026-01-01T00:00:00Z=2.0"#],
        ),
        // Escapes in names and values.
        (
            r#"{"data":[{"metr\u0069c.topic":"a\"\\\u00fc\ud83d\ude00\n","v\u0061lue":3,"time\u0073tamp":"2026-01-01T00:00:00\u005a"}]}"#,
            vec![r#"{metric.topic="a\"\\ü😀\n"} 2026-01-01T00:00:00Z=3.0"#],
        ),
        // Descending times, several time zones, a duplicate row, a missing value.
        (
            r#"{"data":[{"timestamp":"2026-01-01T00:02:00Z","value":3},{"timestamp":"2026-01-01T01:01:00+01:00","value":2},{"timestamp":"2026-01-01T00:01:00Z","value":2.0},{"timestamp":"2026-01-01T00:00:00Z","value":null}]}"#,
            vec!["{} 2026-01-01T00:01:00Z=2.0 2026-01-01T00:02:00Z=3.0"],
        ),
        // Interleaved series. A series without any value is kept.
        (
            r#"{"data":[{"t":"b","timestamp":"2026-01-01T00:00:00Z","value":1},{"t":"a","timestamp":"2026-01-01T00:00:00Z","value":null},{"timestamp":"2026-01-01T00:00:00Z","value":5},{"t":"b","timestamp":"2026-01-01T00:01:00Z","value":2}]}"#,
            vec![
                "{} 2026-01-01T00:00:00Z=5.0",
                r#"{t="a"}"#,
                r#"{t="b"} 2026-01-01T00:00:00Z=1.0 2026-01-01T00:01:00Z=2.0"#,
            ],
        ),
    ] {
        assert_eq!(render(false, response), series);
    }
    for (response, series) in [
        (
            r#"{"data":[{"points":[],"metric.topic":"idle"},{"metric.topic":"a","points":[{"value":null,"timestamp":"2026-01-01T00:00:00Z"},{"x":{"y":[]},"value":1,"metric.topic":"no label","timestamp":"2026-01-01T00:01:00Z"}],"extra":"e"}]}"#,
            vec![
                r#"{extra="e", metric.topic="a"} 2026-01-01T00:01:00Z=1.0"#,
                r#"{metric.topic="idle"}"#,
            ],
        ),
        // A group in two parts is one series.
        (
            r#"{"data":[{"metric.topic":"a","points":[{"timestamp":"2026-01-01T00:01:00Z","value":2}]},{"points":[{"timestamp":"2026-01-01T00:00:00Z","value":1}],"metric.topic":"a"}]}"#,
            vec![r#"{metric.topic="a"} 2026-01-01T00:00:00Z=1.0 2026-01-01T00:01:00Z=2.0"#],
        ),
        (
            r#"{"errors":[],"data":[{"points":[{"timestamp":"2026-01-01T00:00:00Z","value":1}]}]}"#,
            vec!["{} 2026-01-01T00:00:00Z=1.0"],
        ),
        (
            r#"{"errors" : [ ], "data" : [ {"points" : [ {"timestamp" : "2026-01-01T00:00:00Z", "value" : 1} ]} ]}"#,
            vec!["{} 2026-01-01T00:00:00Z=1.0"],
        ),
    ] {
        assert_eq!(render(true, response), series);
    }
}

#[test]
fn numbers_are_the_nearest_f64() {
    for (json, value) in [
        ("1574.0", 1574.0),
        ("0", 0.0),
        ("-0.0", -0.0),
        ("29.316666666666666", 29.316666666666666),
        ("1.736948396647E12", 1.736948396647e12),
        ("-9.223372036854776E18", -9.223372036854776e18),
        ("9007199254740993", 9_007_199_254_740_992.0),
        (
            "9007199254740993.00000000000000000000001",
            9_007_199_254_740_994.0,
        ),
        ("18446744073709551617", 18_446_744_073_709_551_616.0),
        ("5e-324", 5e-324),
        ("2.4703282292062327e-324", 0.0),
        ("2.4703282292062328e-324", 5e-324),
        ("1.7976931348623157e308", f64::MAX),
        ("8.41e21", 8.41e21),
        ("0.3", 0.3),
        ("1.23456789012345", 1.23456789012345),
        ("0.00000000000001", 1e-14),
        ("1e-400", 0.0),
    ] {
        let response =
            format!(r#"{{"data":[{{"timestamp":"2026-01-01T00:00:00Z","value":{json}}}]}}"#);
        let result = QueryResult::from_json(&query(false), response.as_bytes()).unwrap();
        let read = result.series()[0].last().unwrap().value;
        assert_eq!(read.to_bits(), value.to_bits(), "{json} gives {read:e}");
    }
}

#[test]
fn invalid_responses_are_refused_with_the_place() {
    let (flat, grouped) = (
        "cannot decode a FLAT query response: ",
        "cannot decode a GROUPED query response: ",
    );
    for (is_grouped, response, why) in [
        (false, "", "EOF while parsing a value at line 1 column 0"),
        (
            false,
            "upstream connect error",
            "expected value at line 1 column 1",
        ),
        (
            false,
            "[]",
            "invalid type: sequence, expected an object with a list named `data` at line 1 column 0",
        ),
        (false, "{}", "missing field `data` at line 1 column 2"),
        (
            false,
            r#"{"errors":[{"detail":"x"}]}"#,
            "missing field `data` at line 1 column 27",
        ),
        (
            false,
            r#"{"data":null}"#,
            "invalid type: null, expected a list of rows at line 1 column 12",
        ),
        (
            false,
            r#"{"data":{}}"#,
            "invalid type: map, expected a list of rows at line 1 column 8",
        ),
        (
            false,
            r#"{"data":[],"data":[]}"#,
            "duplicate field `data` at line 1 column 17",
        ),
        (
            false,
            r#"{"data":[]} x"#,
            "trailing characters at line 1 column 13",
        ),
        (
            false,
            "{\"data\":[\n{\"timestamp\":\"2026-01-01T00:00:00Z\",\"val",
            "EOF while parsing a string at line 2 column 40",
        ),
        (
            false,
            r#"{"data":[{"value":1}]}"#,
            "missing field `timestamp` at line 1 column 20",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z"}]}"#,
            "missing field `value` at line 1 column 45",
        ),
        (
            false,
            r#"{"data":[{"timestamp":null,"value":1}]}"#,
            "invalid type: null, expected a string at line 1 column 26",
        ),
        (
            false,
            r#"{"data":[{"timestamp":1767225600,"value":1}]}"#,
            "invalid type: integer `1767225600`, expected a string at line 1 column 32",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"yesterday","value":1}]}"#,
            "invalid timestamp \"yesterday\": expected a four-digit year at line 1 column 33",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":"1"}]}"#,
            "value \"1\" is not a finite number at line 1 column 57",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1e999}]}"#,
            "value 1e999 is not a finite number at line 1 column 59",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":NaN}]}"#,
            "expected value at line 1 column 54",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":01}]}"#,
            "invalid number at line 1 column 55",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1,"value":1}]}"#,
            "duplicate field `value` at line 1 column 65",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1,"a":"b","a":"b"}]}"#,
            "duplicate label \"a\" at line 1 column 71",
        ),
        (
            false,
            r#"{"data":[{"metric.topic":"a","points":[]}]}"#,
            "unexpected `points` in a FLAT row at line 1 column 37",
        ),
        (
            false,
            r#"{"data":["a"]}"#,
            "invalid type: string \"a\", expected a row with a `timestamp` and a `value` at line 1 column 12",
        ),
        (
            false,
            r#"{"data":[],"meta":{"pagination":{"next_page_token":7}}}"#,
            "expected `next_page_token` to be a string",
        ),
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1},{"timestamp":"2026-01-01T00:00:00.000Z","value":2}]}"#,
            "conflicting values for {} at 2026-01-01T00:00:00Z: 1 and 2",
        ),
        (
            true,
            r#"{"data":[{"metric.topic":"a","timestamp":"2026-01-01T00:00:00Z","value":1}]}"#,
            "unexpected `timestamp` in a GROUPED row at line 1 column 40",
        ),
        (
            true,
            r#"{"data":[{"metric.topic":"a"}]}"#,
            "missing field `points` at line 1 column 29",
        ),
        (
            true,
            r#"{"data":[{"points":null}]}"#,
            "invalid type: null, expected a list of points at line 1 column 23",
        ),
        (
            true,
            r#"{"data":[{"points":[{"timestamp":"2026-01-01T00:00:00Z","value":1,}]}]}"#,
            "trailing comma at line 1 column 67",
        ),
        (
            true,
            r#"{"data":[{"points":[{"timestamp":"2026-01-01T00:00:00Z","value":1},]}]}"#,
            "trailing comma at line 1 column 68",
        ),
        (
            true,
            r#"{"data":[{"points":[],"points":[]}]}"#,
            "duplicate field `points` at line 1 column 30",
        ),
        (
            true,
            r#"{"data":[{"points":[{"value":1}]}]}"#,
            "missing field `timestamp` at line 1 column 31",
        ),
        (
            false,
            r#"{"data":[],"meta":{"pagination":{"next_page_token":"x"}},"meta":{}}"#,
            "duplicate field `meta` at line 1 column 67",
        ),
        (
            false,
            r#"{"links":{"next":"/x"},"data":[],"links":null}"#,
            "duplicate field `links` at line 1 column 46",
        ),
        (
            true,
            r#"{"data":[],"errors":[{"detail":"one shard is missing"}]}"#,
            "response has both data and errors: [{\"detail\":\"one shard is missing\"}]",
        ),
        (
            false,
            r#"{"data":[],"meta":[]}"#,
            "expected `meta` to be an object",
        ),
        (
            false,
            r#"{"data":[],"meta":{"pagination":["x"]}}"#,
            "expected `pagination` to be an object",
        ),
        (
            false,
            r#"{"data":[],"links":"/x"}"#,
            "expected `links` to be an object",
        ),
        (
            true,
            r#"{"data":[{"metric.topic":"a","points":[{"timestamp":"2026-01-01T00:00:00Z","value":1},{"timestamp":"2026-01-01T00:00:00Z","value":1.5}]}]}"#,
            "conflicting values for {metric.topic=\"a\"} at 2026-01-01T00:00:00Z: 1 and 1.5",
        ),
    ] {
        let error = QueryResult::from_json(&query(is_grouped), response.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{}{why}", if is_grouped { grouped } else { flat }),
            "{response}"
        );
        assert_eq!(error.kind(), ErrorKind::Decode);
    }
    let error = QueryResult::from_json(&query(false), b"{\"data\":[\xff]}").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{flat}invalid utf-8 sequence of 1 bytes from index 9")
    );
}

#[test]
fn a_response_cut_anywhere_is_refused() {
    for (grouped, response) in [
        (
            false,
            r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","metric.topic":"a","value":12.5}],"links":{}}"#,
        ),
        (
            true,
            r#"{"data":[{"metric.topic":"a","points":[{"timestamp":"2026-01-01T00:00:00Z","value":12.5}]}]}"#,
        ),
    ] {
        assert_eq!(render(grouped, response).len(), 1);
        for end in 0..response.len() {
            let error =
                QueryResult::from_json(&query(grouped), &response.as_bytes()[..end]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{}", &response[..end]);
        }
    }
}

#[test]
fn one_page_of_several_is_incomplete() {
    let page = r#"{"data":[{"metric.topic":"a","points":[]},{"metric.topic":"b","points":[]}],"meta":{"pagination":{"next_page_token":"x"}}}"#;
    let error = QueryResult::from_json(&query(true), page.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(
        error.to_string(),
        "incomplete result: only one page of several"
    );
    let limited = QueryResult::from_json(&query(true).limit(1), page.as_bytes()).unwrap();
    assert!(matches!(
        limited.completeness(),
        Completeness::Limited { limit: 1, .. }
    ));
    assert_eq!(limited.series().len(), 1);
    let truncated =
        QueryResult::from_json(&query(true).allow_truncated(), page.as_bytes()).unwrap();
    assert!(
        matches!(truncated.completeness(), Completeness::Truncated { missing, .. } if missing == "only one page of several")
    );
    assert!(QueryResult::from_json(&query(true).limit(3), page.as_bytes()).is_err());

    let all =
        Query::new("m", Granularity::All, interval("2026-01-01T00:00:00Z/PT1H")).group_by(["t"]);
    let rows: Vec<_> = (0..1000)
        .map(|row| format!(r#"{{"t":"{row}","points":[]}}"#))
        .collect();
    let full = format!(r#"{{"data":[{}]}}"#, rows.join(","));
    assert_eq!(
        QueryResult::from_json(&all, full.as_bytes())
            .unwrap_err()
            .kind(),
        ErrorKind::Incomplete
    );
    let twice = format!(r#"{{"data":[{},{}]}}"#, rows[1..].join(","), rows[1]);
    assert_eq!(
        QueryResult::from_json(&all, twice.as_bytes())
            .unwrap_err()
            .kind(),
        ErrorKind::Incomplete,
        "rows count, not the series they make"
    );
    let few = r#"{"data":[{"t":"a","points":[]}],"meta":{"pagination":{"page_size":1}}}"#;
    assert_eq!(
        QueryResult::from_json(&all, few.as_bytes())
            .unwrap_err()
            .kind(),
        ErrorKind::Incomplete
    );
    let less = format!(r#"{{"data":[{}]}}"#, rows[1..].join(","));
    assert!(
        QueryResult::from_json(&all, less.as_bytes())
            .unwrap()
            .completeness()
            .is_complete()
    );
}

#[test]
fn an_error_is_one_bounded_line_for_any_response() {
    let long = format!(r#"{{"data":"{}"}}"#, "x\\n".repeat(100_000));
    let error = QueryResult::from_json(&query(false), long.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        error.len() < 1000 && error.lines().count() == 1,
        "{} bytes",
        error.len()
    );
    assert!(
        error.ends_with("expected a list of rows at line 1 column 300010"),
        "{error}"
    );
    let name = r#"{"data":[{"a\nb":"c","timestamp":"2026-01-01T00:00:00Z","value":1},{"a\nb":"c","timestamp":"2026-01-01T00:00:00Z","value":2}]}"#;
    let error = QueryResult::from_json(&query(false), name.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(r#"conflicting values for {"a\nb"="c"} at "#),
        "{error}"
    );
    let labels: Vec<_> = (0..300).map(|label| format!(r#""l{label}":"x""#)).collect();
    let many = format!(
        r#"{{"data":[{{{},"timestamp":"2026-01-01T00:00:00Z","value":1}}]}}"#,
        labels.join(",")
    );
    let error = QueryResult::from_json(&query(false), many.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("an object has more than 256 members"),
        "{error}"
    );
    // Decoding stops at the first member beyond the limit.
    let cut = format!(r#"{{"data":[{{{}"#, labels.join(","));
    for grouped in [false, true] {
        let error = QueryResult::from_json(&query(grouped), cut.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("an object has more than 256 members at line 1"),
            "{error}"
        );
    }
}

/// The decoder compares a timestamp with the one before, so every byte of it is replaced in turn.
#[test]
fn a_timestamp_with_any_byte_in_any_place_is_parsed_or_refused() {
    // Points are not checked against a relative interval.
    let query = Query::new("m", Granularity::OneMinute, Interval::last_hours(1));
    for place in 0..20 {
        for new in (0x20..0x7f)
            .chain([0xe9])
            .filter_map(char::from_u32)
            .filter(|c| !matches!(c, '"' | '\\'))
        {
            let mut time: Vec<char> = "2026-01-08T11:00:00Z".chars().collect();
            time[place] = new;
            let time: String = time.into_iter().collect();
            let row = |time: &str| format!(r#"{{"timestamp":"{time}","value":1}}"#);
            let body = format!(
                r#"{{"data":[{},{}]}}"#,
                row("2026-01-08T11:59:00Z"),
                row(&time)
            );
            let read = QueryResult::from_json(&query, body.as_bytes());
            let alone = time.parse::<Timestamp>();
            let first = read
                .as_ref()
                .ok()
                .map(|result| result.series()[0].points()[0].timestamp);
            let earlier = alone
                .as_ref()
                .ok()
                .copied()
                .map(|at| at.min("2026-01-08T11:59:00Z".parse().unwrap()));
            assert_eq!(first, earlier, "{time}");
        }
    }
}

#[test]
fn a_series_keeps_a_null_after_its_latest_point() {
    let null = |grouped: bool, response: &str| {
        let result = QueryResult::from_json(&query(grouped), response.as_bytes()).unwrap();
        result.series()[0]
            .newest_null()
            .map(|time| time.to_string())
    };
    let at = |minute: u32| format!("2026-01-01T00:{minute:02}:00Z");
    let point =
        |minute: u32, value: &str| format!(r#"{{"timestamp":"{}","value":{value}}}"#, at(minute));
    for (points, expected) in [
        (vec![point(0, "1"), point(1, "null")], Some(at(1))),
        (
            vec![point(2, "null"), point(1, "null"), point(0, "1")],
            Some(at(2)),
        ),
        (vec![point(0, "null"), point(1, "1")], None),
        (vec![point(0, "null")], Some(at(0))),
        (vec![point(0, "null"), point(0, "1")], None),
        (vec![point(0, "1")], None),
    ] {
        let points = points.join(",");
        for space in ["", " "] {
            assert_eq!(
                null(false, &format!(r#"{space}{{"data":[{points}]}}"#)),
                expected,
                "{points}"
            );
            let grouped = format!(r#"{space}{{"data":[{{"points":[{points}]}}]}}"#);
            assert_eq!(null(true, &grouped), expected, "{points}");
        }
    }
}

#[test]
fn a_response_with_both_data_and_errors_is_refused() {
    for grouped in [false, true] {
        for nothing in ["null", "\"\"", "[]", "{}", "{ }"] {
            for name in ["error", "errors"] {
                assert!(
                    render(grouped, &format!(r#"{{"data":[],"{name}":{nothing}}}"#)).is_empty()
                );
            }
        }
        for text in [
            r#""a shard is missing""#,
            r#"{"code":500}"#,
            r#"["x"]"#,
            "true",
            "7",
        ] {
            for response in [
                format!(r#"{{"data":[],"error":{text}}}"#),
                format!(r#"{{"error":{text},"data":[]}}"#),
                format!(r#"{{"data":[],"errors":{text}}}"#),
            ] {
                let error =
                    QueryResult::from_json(&query(grouped), response.as_bytes()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Decode, "{response}");
                let found = error.to_string();
                assert!(
                    found.ends_with(&format!("response has both data and errors: {text}")),
                    "{found}"
                );
            }
        }
    }
}

#[test]
fn a_leading_byte_order_mark_is_skipped() {
    let flat = r#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1}]}"#;
    assert_eq!(
        render(false, &format!("\u{feff}{flat}")),
        render(false, flat)
    );
    let grouped = r#"{"data":[{"points":[{"timestamp":"2026-01-01T00:00:00Z","value":1}]}]}"#;
    assert_eq!(
        render(true, &format!("\u{feff}{grouped}")),
        render(true, grouped)
    );
    let error = QueryResult::from_json(&query(true), "\u{feff}\u{feff}{}".as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[test]
fn a_point_between_two_bucket_starts_does_not_match_the_request() {
    let emulator = empty_emulator();
    let hour = |time: &str| {
        format!(
            r#"{{"data":[{{"timestamp":"2026-01-08T10:00:00Z","value":1}},{{"timestamp":"{time}","value":2}}]}}"#
        )
    };
    let window = "2026-01-08T08:00:00Z/2026-01-08T12:00:00Z";
    let of = |granularity| {
        Query::new(SENT, granularity, interval(window)).filter(Resource::kafka("lkc-1"))
    };
    for (granularity, time) in [
        (Granularity::OneHour, "2026-01-08T11:01:00Z"),
        (Granularity::OneHour, "2026-01-08T09:59:00Z"),
        (Granularity::OneMinute, "2026-01-08T10:00:30Z"),
        (Granularity::FiveMinutes, "2026-01-08T10:04:00Z"),
    ] {
        let query = of(granularity);
        let reason = format!(
            "does not match the request: point at {time} is not aligned to the granularity"
        );
        emulator.fault(Fault::status(200).body(hour(time)));
        let live = client(&emulator).query(&query).unwrap_err();
        let stored = QueryResult::from_json(&query, hour(time).as_bytes()).unwrap_err();
        for error in [live, stored] {
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert!(error.to_string().ends_with(&reason), "{error}");
        }
        let points = vec![Point {
            timestamp: time.parse().unwrap(),
            value: 2.0,
        }];
        let series = Series::new(Labels::default(), points);
        let error = QueryResult::from_series(&query, [series]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid result: point of {{}} at {time} is not aligned to the granularity")
        );
    }
    // The time of the one bucket of ALL is not documented.
    let all = QueryResult::from_json(
        &of(Granularity::All),
        br#"{"data":[{"timestamp":"2026-01-08T10:00:30Z","value":2}]}"#,
    );
    assert_eq!(all.unwrap().series()[0].points().len(), 1);
}
