//! Thresholds: nothing panics, and a reader of the plugin guidelines takes the same texts and finds
//! the same violations.
//!
//! <https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT>
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use confluent_metrics::check::{Check, Status, Threshold};
use confluent_metrics::{
    Granularity, Interval, Labels, Point, Query, QueryResult, Series, Timestamp,
};
use libfuzzer_sys::fuzz_target;

static START: LazyLock<Timestamp> = LazyLock::new(|| "2026-01-01T00:00:00Z".parse().unwrap());

static QUERY: LazyLock<Query> = LazyLock::new(|| {
    let minute = Interval::starting_at(*START, Duration::from_secs(60));
    Query::new("m", Granularity::OneMinute, minute).group_by(["metric.sample"])
});

fuzz_target!(|text: &str| {
    let range = read(text);
    let threshold: Threshold = match text.parse() {
        Ok(threshold) => threshold,
        Err(error) => {
            let message: &str = &error.to_string();
            assert!(range.is_none(), "{message}");
            assert!(message.len() <= 1024, "{message}");
            assert!(!message.contains(char::is_control), "{message:?}");
            return;
        }
    };
    let Some((is_inside, start, end)) = range else {
        panic!("this was taken: {text:?}");
    };
    let printed = threshold.to_string();
    assert_eq!(printed.parse::<Threshold>().ok(), Some(threshold), "{text}");
    let (_, printed_start, printed_end) = read(&printed).unwrap();
    assert_eq!((printed_start, printed_end), (start, end), "{text}");

    let mut samples = vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e18,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
    ];
    for bound in [start, end] {
        let [above, below] = [1, u64::MAX].map(|step| bound.to_bits().wrapping_add(step));
        let neighbors = [above, below].map(f64::from_bits);
        samples.extend([bound, neighbors[0], neighbors[1], bound / 2.0, bound * 2.0]);
    }
    samples.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    let mut series = Vec::new();
    for (index, value) in samples.iter().enumerate() {
        let labels = Labels::from([("metric.sample", index.to_string())]);
        let timestamp = *START;
        let value = *value;
        series.push(Series::new(labels, vec![Point { timestamp, value }]));
    }
    let result = QueryResult::from_series(&QUERY, series).unwrap();
    let check = Check::new(QUERY.clone())
        .critical(threshold)
        .max_age(Duration::from_secs(86_400));
    let report = check.judge(&result, *START + Duration::from_secs(3600));
    assert_eq!(report.findings().len(), samples.len(), "{report}");
    for finding in report.findings() {
        let index: usize = finding.labels()["metric.sample"].parse().unwrap();
        let value = samples[index];
        let is_outside = value < start || value > end;
        // A value that is no number says nothing, and the service has one for an unset watermark.
        let expected = if !value.is_finite() || value <= -4.6e18 {
            Status::Unknown
        } else if is_outside != is_inside {
            Status::Critical
        } else {
            Status::Ok
        };
        assert_eq!(finding.status(), expected, "{text}: {value}");
    }
});

/// Reads `[@][start:][end]`: true if values inside are violations, and both bounds.
///
/// Returns `None` if the range is invalid, has all numbers, or has a bound beyond them.
fn read(text: &str) -> Option<(bool, f64, f64)> {
    let (is_inside, range) = match text.strip_prefix('@') {
        Some(range) => (true, range),
        None => (false, text),
    };
    let (start, end) = match range.split_once(':') {
        None => (0.0, number(range)?),
        Some((start, end)) => {
            let start = match start {
                "~" => f64::NEG_INFINITY,
                start => number(start)?,
            };
            let end = match end {
                "" => f64::INFINITY,
                end => number(end)?,
            };
            (start, end)
        }
    };
    let has_all = start <= f64::MIN && end >= f64::MAX;
    let is_all = start.is_infinite() && end.is_infinite();
    (start <= end && !is_all && (is_inside || !has_all)).then_some((is_inside, start, end))
}

/// Reads a decimal number such as `-1.5e+3`.
fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = are_digits(whole) && are_digits(fraction) && whole.len() + fraction.len() > 0;
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && are_digits(digits)
    });
    if !is_mantissa || !is_exponent {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(number)
}
