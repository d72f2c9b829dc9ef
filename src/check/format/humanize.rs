//! Numbers, spans of time and choices in words.

use std::time::Duration;

use crate::error::Error;

/// A value as people read it: exact, and short also where it is very large or very small.
pub(crate) fn format_value(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e16).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// A duration as people read it: `1 h 30 min`.
pub(crate) fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
    ];
    let mut words: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    let rest = Duration::new(seconds % 60, duration.subsec_nanos()).as_secs_f64();
    if rest > 0.0 || words.is_empty() {
        words.push(format!("{rest} s"));
    }
    words.join(" ")
}

/// The choice that `text` names.
pub(crate) fn parse_choice<T: Copy>(
    what: &str,
    choices: &[T],
    name: impl Fn(T) -> &'static str,
    text: &str,
) -> Result<T, Error> {
    choices
        .iter()
        .copied()
        .find(|choice| name(*choice) == text)
        .ok_or_else(|| {
            Error::invalid_choice(what, text, choices.iter().map(|choice| name(*choice)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_short() {
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
    fn spans_are_said_by_their_parts() {
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
