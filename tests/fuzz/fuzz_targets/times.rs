//! Timestamps, intervals and thresholds: nothing panics, and their text parses to the same value.
#![no_main]

use confluent_metrics::check::Threshold;
use confluent_metrics::{Interval, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(time) = text.parse::<Timestamp>() {
        assert_eq!(
            time.to_string().parse::<Timestamp>().unwrap(),
            time,
            "{text}"
        );
    }
    if let Ok(interval) = text.parse::<Interval>() {
        assert_eq!(
            interval.to_string().parse::<Interval>().unwrap(),
            interval,
            "{text}"
        );
    }
    if let Ok(threshold) = text.parse::<Threshold>() {
        assert_eq!(
            threshold.to_string().parse::<Threshold>().unwrap(),
            threshold,
            "{text}"
        );
    }
});
