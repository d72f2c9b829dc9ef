//! ISO 8601 durations of fixed length: weeks, days, hours, minutes and seconds.
//!
//! Years and months are not supported, because their length depends on the calendar.
//!
//! ```text
//! P1DT2H        26 hours
//! PT1M30.5S     90.5 seconds
//! P1W           7 days, printed as P7D
//! P1M           an error: a month has no fixed length
//! ```

use std::fmt;
use std::time::Duration;

/// Prints a duration in ISO 8601: `P1DT2H`, or `PT1M30.5S` with a fraction of a second.
pub(crate) struct Iso8601Duration(pub(crate) Duration);

/// Designators before `T`, and their seconds.
const DATE_UNITS: &[(char, u64)] = &[('W', 604_800), ('D', 86_400)];

/// Designators after `T`, and their seconds.
const TIME_UNITS: &[(char, u64)] = &[('H', 3600), ('M', 60), ('S', 1)];

impl Iso8601Duration {
    /// Parses `P1DT2H`, or returns a short description of the problem.
    pub(crate) fn parse(text: &str) -> Result<Duration, String> {
        let mut rest = text.strip_prefix('P').ok_or("expected `P`")?;
        if rest.is_empty() {
            return Err("expected at least one unit, as in PT1H".into());
        }
        let mut units = DATE_UNITS;
        let mut in_time = false;
        let mut total: u64 = 0;
        let mut nanos = 0;
        while !rest.is_empty() {
            if !in_time {
                if let Some(time) = rest.strip_prefix('T') {
                    if time.is_empty() {
                        return Err("expected a unit after `T`".into());
                    }
                    rest = time;
                    units = TIME_UNITS;
                    in_time = true;
                }
            }
            // Each pass of the loop takes one number with its unit from the front of `rest`.
            let (number, mut after) = split_digits(rest);
            if in_time {
                if let Some((fraction, seconds)) = parse_fraction(after) {
                    nanos = fraction;
                    after = seconds;
                }
            }
            let letter = after
                .chars()
                .next()
                .ok_or("expected a unit after the last number")?;
            let index = units
                .iter()
                .position(|(unit, _)| *unit == letter)
                .ok_or_else(|| unit_error(letter, in_time))?;
            let number: u64 = number
                .parse()
                .map_err(|_| format!("expected an integer before `{letter}`"))?;
            total = number
                .checked_mul(units[index].1)
                .and_then(|seconds| total.checked_add(seconds))
                .ok_or("duration is too large")?;
            // Units come in descending order, each at most once.
            units = &units[index + 1..];
            rest = &after[letter.len_utf8()..];
        }
        Ok(Duration::new(total, nanos))
    }
}

impl fmt::Display for Iso8601Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanos();
        let days = self.0.as_secs() / 86_400;
        let rest = self.0.as_secs() % 86_400;
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
            // A `T` must be followed by a unit.
            if rest == 0 && nanos == 0 {
                return Ok(());
            }
        }
        f.write_str("T")?;
        for (count, letter) in [(rest / 3600, 'H'), (rest / 60 % 60, 'M')] {
            if count > 0 {
                write!(f, "{count}{letter}")?;
            }
        }
        let seconds = rest % 60;
        if nanos > 0 {
            let fraction = format!("{nanos:09}");
            write!(f, "{seconds}.{}S", fraction.trim_end_matches('0'))
        } else if seconds > 0 || rest == 0 {
            write!(f, "{seconds}S")
        } else {
            Ok(())
        }
    }
}

/// Splits text after its leading ASCII digits.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Parses `.25S` into nanoseconds and the rest, which starts with the unit.
///
/// Returns `None` for other units: only seconds have a fraction, of at most nine digits.
fn parse_fraction(text: &str) -> Option<(u32, &str)> {
    let (digits, unit) = split_digits(text.strip_prefix('.')?);
    if !unit.starts_with('S') || !(1..=9).contains(&digits.len()) {
        return None;
    }
    Some((format!("{digits:0<9}").parse().ok()?, unit))
}

/// Returns the reason why `letter` is not a valid unit at its place.
///
/// `in_time` is true after `T`. There `M` means minutes, before it months.
fn unit_error(letter: char, in_time: bool) -> String {
    match (letter, in_time) {
        ('D' | 'W', true) => format!("`{letter}` must come before `T`, as in P3D"),
        ('H' | 'S', false) => format!("`{letter}` must come after `T`, as in PT6H"),
        ('Y' | 'M', false) => {
            "years and months are not supported: use days, or PT…M for minutes".into()
        }
        ('.' | ',', _) => "only seconds can have a fraction, of at most nine digits".into(),
        ('D' | 'W' | 'H' | 'M' | 'S', _) => format!("`{letter}` is repeated or out of order"),
        _ => format!(
            "unknown unit `{}`: expected W, D, H, M or S",
            letter.escape_default()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_and_printed() {
        for (text, millis, printed) in [
            ("P1W", 604_800_000, "P7D"),
            ("P3D", 259_200_000, "P3D"),
            ("P1DT2H3M", 93_780_000, "P1DT2H3M"),
            ("PT90M", 5_400_000, "PT1H30M"),
            ("PT90.5S", 90_500, "PT1M30.5S"),
            ("P1DT0.000S", 86_400_000, "P1D"),
            ("PT0S", 0, "PT0S"),
            ("PT0.250S", 250, "PT0.25S"),
        ] {
            let duration = Iso8601Duration::parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(millis), "{text}");
            assert_eq!(Iso8601Duration(duration).to_string(), printed);
        }
    }

    #[test]
    fn errors_describe_the_problem() {
        for (text, problem) in [
            ("1h", "expected `P`"),
            ("P", "expected at least one unit, as in PT1H"),
            ("P1DT", "expected a unit after `T`"),
            ("PT1", "expected a unit after the last number"),
            ("PTH", "expected an integer before `H`"),
            ("PT.5S", "expected an integer before `S`"),
            ("PT3D", "`D` must come before `T`, as in P3D"),
            ("P6H", "`H` must come after `T`, as in PT6H"),
            ("PT1M1H", "`H` is repeated or out of order"),
            ("PT1M1M", "`M` is repeated or out of order"),
            ("PT1ü", "unknown unit `\\u{fc}`: expected W, D, H, M or S"),
            ("P99999999999999999W", "duration is too large"),
            (
                "P1M",
                "years and months are not supported: use days, or PT…M for minutes",
            ),
            (
                "PT1.5H",
                "only seconds can have a fraction, of at most nine digits",
            ),
            (
                "PT0.1234567890S",
                "only seconds can have a fraction, of at most nine digits",
            ),
        ] {
            assert_eq!(Iso8601Duration::parse(text).unwrap_err(), problem, "{text}");
        }
    }
}
