//! Values and durations as people read them.

use std::time::Duration;

/// Formats a value exactly, with an exponent if it is very large or very small.
pub(crate) fn format_value(value: f64) -> String {
    let size = value.abs();
    // Exact either way: both forms print the shortest digits that parse to the same value.
    if size != 0.0 && !(1e-5..1e16).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// Formats a duration as in `1 h 30 min`.
pub(crate) fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let mut parts = Vec::new();
    for (count, unit) in [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    let rest = Duration::new(seconds % 60, duration.subsec_nanos()).as_secs_f64();
    if rest > 0.0 || parts.is_empty() {
        parts.push(format!("{rest} s"));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_and_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1520.0, "1520"),
            (29.316666666666666, "29.316666666666666"),
            (9_999_999_999_999_998.0, "9999999999999998"),
            (1e16, "1e16"),
            (-9.223372036854776e18, "-9.223372036854776e18"),
            (0.00001, "0.00001"),
            (1e-6, "1e-6"),
        ] {
            assert_eq!(format_value(value), text);
            assert_eq!(format_value(value).parse::<f64>().unwrap(), value);
        }
    }

    #[test]
    fn durations_have_one_part_per_unit() {
        for (millis, text) in [
            (0, "0 s"),
            (59_000, "59 s"),
            (120_000, "2 min"),
            (5_400_500, "1 h 30 min 0.5 s"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
    }
}
