//! Values compared with `str::parse::<f64>`, bit by bit.

use confluent_metrics::{ErrorKind, Granularity, Interval, Query, QueryResult};
use proptest::prelude::*;

use crate::cases;

/// A JSON number with any digits, and exponents beyond the range of `f64`.
fn any_number() -> impl Strategy<Value = String> {
    let whole = prop_oneof![
        Just("0".to_owned()),
        "[1-9][0-9]{0,5}",
        "[1-9][0-9]{13,21}",
        "[1-9][0-9]{0,320}"
    ];
    let fraction = prop_oneof![
        Just(String::new()),
        "\\.[0-9]{1,4}",
        "\\.[0-9]{12,20}",
        "\\.0{0,330}[0-9]{1,40}"
    ];
    let exponent = prop_oneof![
        3 => Just(String::new()),
        1 => (prop_oneof![Just("e"), Just("E")], prop_oneof![Just(""), Just("+"), Just("-")], 0..=400_u32, 0..3_usize)
            .prop_map(|(e, sign, exponent, zeros)| format!("{e}{sign}{}{exponent}", "0".repeat(zeros))),
    ];
    ("-?", whole, fraction, exponent)
        .prop_map(|(sign, whole, fraction, exponent)| format!("{sign}{whole}{fraction}{exponent}"))
}

/// The shortest and the full digits of any `f64`, including subnormals.
fn every_float() -> impl Strategy<Value = String> {
    let bits = prop_oneof![
        any::<u64>(),
        0..1_u64 << 52,
        any::<u64>().prop_map(|bits| bits & 0x800f_ffff_ffff_ffff)
    ];
    (bits, 0..4).prop_filter_map("a number that JSON can say", |(bits, form)| {
        let value = Some(f64::from_bits(bits)).filter(|value| value.is_finite())?;
        Some(match form {
            0 => format!("{value}"),
            1 => format!("{value:e}"),
            2 => format!("{value:.17e}"),
            _ => format!("{value:.30}"),
        })
    })
}

/// Halfway between two adjacent `f64`, or very close to it, where double rounding shows.
fn halfway() -> impl Strategy<Value = String> {
    let odd = (1_u128 << 53..1_u128 << 54).prop_map(|mantissa| mantissa | 1);
    let hair = prop_oneof![Just(""), Just("0"), Just("00000000000000000001")];
    (odd, 0..=70_u32, any::<bool>(), hair, any::<bool>()).prop_map(
        |(odd, shift, is_whole, hair, below)| {
            let (digits, decimals) = if is_whole {
                (odd << shift, 0)
            } else {
                // odd / 2^n is odd * 5^n / 10^n, and 5^31 still fits.
                let halvings = shift % 32;
                (odd * 5_u128.pow(halvings), halvings as usize)
            };
            let digits = if below { digits - 1 } else { digits };
            let hair = if below { "99999999999999999999" } else { hair };
            let text = format!("{digits:0>width$}", width = decimals + 1);
            let (whole, fraction) = text.split_at(text.len() - decimals);
            format!("{whole}.{fraction}{hair}0")
        },
    )
}

fn query(is_grouped: bool) -> Query {
    let query = Query::new("m", Granularity::OneMinute, Interval::last_hours(1));
    if is_grouped {
        query.group_by(["metric.topic"])
    } else {
        query
    }
}

/// Returns a response with these values in consecutive minutes, compact or with white space.
fn response(values: &[String], is_grouped: bool, space: &str) -> String {
    let point = |(minute, value): (usize, &String)| {
        format!(r#"{space}{{"timestamp":"2026-01-01T00:{minute:02}:00Z","value":{space}{value}}}"#)
    };
    let points: Vec<_> = values.iter().enumerate().map(point).collect();
    let rows = points.join(",");
    if is_grouped {
        format!(r#"{{"data":[{{"metric.topic":"a","points":[{rows}]}}]}}"#)
    } else {
        format!(r#"{{"data":[{rows}]}}"#)
    }
}

#[test]
fn numbers_are_rounded_as_the_standard_library_rounds_them() {
    let number = prop_oneof![any_number(), every_float(), halfway()];
    let many = prop::collection::vec(number, 1..12);
    proptest!(cases(6_000), |(values in many, is_grouped in any::<bool>(), space in prop_oneof![Just(""), Just(" ")])| {
        let expected: Vec<f64> = values.iter().map(|text| text.parse().unwrap()).collect();
        let response = response(&values, is_grouped, space);
        let result = QueryResult::from_json(&query(is_grouped), response.as_bytes());
        if expected.iter().all(|value| value.is_finite()) {
            let result = result.map_err(|error| TestCaseError::fail(format!("{values:?}: {error}")))?;
            let points = result.series()[0].points();
            prop_assert_eq!(points.len(), expected.len());
            for ((point, expected), text) in points.iter().zip(expected).zip(&values) {
                prop_assert_eq!(point.value.to_bits(), expected.to_bits(), "{}", text);
            }
        } else {
            prop_assert_eq!(result.unwrap_err().kind(), ErrorKind::Decode, "{:?}", values);
        }
    });
}

#[test]
fn a_text_that_is_no_json_number_is_refused() {
    let nearly = prop_oneof![
        "-?0[0-9]{1,3}(\\.[0-9]{1,3})?",
        "[+.][0-9]{1,3}",
        "[0-9]{1,3}\\.",
        "[0-9]{1,3}\\.?[eE][+-]?",
        "-?[0-9]{0,2}\\.[eE][0-9]",
        "[-+]?(NaN|Infinity|inf|nan)",
        "0x[0-9a-f]{1,4}",
        "[1-9]_[0-9]{3}",
        "-{1,2}",
        "\"[0-9]{1,3}\"",
        "[1-9]{1,3}[a-df-z٣,;: ]{1,2}[0-9]",
        "true|false|nul|nulls|\\[1\\]|\\{\\}",
    ];
    proptest!(cases(3_000), |(text in nearly, is_grouped in any::<bool>())| {
        let response = response(std::slice::from_ref(&text), is_grouped, "");
        let error = QueryResult::from_json(&query(is_grouped), response.as_bytes()).map(|_| text.clone()).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Decode, "{}", text);
    });
}
