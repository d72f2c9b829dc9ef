//! The text forms of intervals, which serde uses as well.
//!
//! ```text
//! last/PT1H                    the last hour
//! retained                     everything that the service still has
//! since/START                  from the first bucket after a time
//! within/START/END             the buckets between two arbitrary times
//! START/END, START/P1D, P1D/END
//! last/PT1H@-P1D               any form, moved into the past
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::serde_text;
use crate::time::interval::{Interval, Repr};
use crate::time::iso8601::Iso8601Duration;
use crate::time::time_expr::TimeExpr;
use crate::time::timestamp::Timestamp;
use crate::util::text::quote;

impl FromStr for Interval {
    type Err = Error;

    /// Parses `start/end`, `start/duration` or `duration/end`, and every form that `Display`
    /// prints: `last/PT1H`, `retained`, `since/start`, `within/start/end`, each with an optional
    /// shift (`@-P1D`).
    ///
    /// A time is RFC 3339, or `now` with at most one offset (`now-2h`; units `m`, `h`, `d`) and one
    /// truncation (`now|h`), in this order. A duration is ISO 8601 in weeks, days, hours, minutes
    /// and seconds: `PT6H`, `P1DT30M`.
    ///
    /// In a query, an end with `now` is rounded down to the granularity, and the interval ends with
    /// the last complete bucket at the latest.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming the part that cannot be parsed.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map_err(|why| {
            Error::invalid_input(format!("invalid interval {}: {why}", quote(text, 100)))
        })
    }
}

impl fmt::Display for Interval {
    /// Prints a form that [`FromStr`] parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repr {
            Repr::Between(start, end) => write!(f, "{start}/{end}"),
            Repr::StartingAt(start, duration) => write!(f, "{start}/{}", Iso8601Duration(duration)),
            Repr::EndingAt(duration, end) => write!(f, "{}/{end}", Iso8601Duration(duration)),
            Repr::Last(duration) => write!(f, "last/{}", Iso8601Duration(duration)),
            Repr::Retained => f.write_str("retained"),
            Repr::Since(start) => write!(f, "since/{start}"),
            Repr::Within(start, end) => write!(f, "within/{start}/{end}"),
        }?;
        if self.shift.is_zero() {
            Ok(())
        } else {
            write!(f, "@-{}", Iso8601Duration(self.shift))
        }
    }
}

impl Serialize for Interval {
    /// Serializes the text that `Display` prints.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    /// Deserializes the text that [`FromStr`] parses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

/// Parses any text form, or returns the reason without the text itself.
fn parse(text: &str) -> Result<Interval, String> {
    // No time or duration contains an `@`, so the last one starts the shift.
    let Some((text, shift)) = text.rsplit_once('@') else {
        return parse_repr(text).map(Interval::new);
    };
    let distance = shift
        .strip_prefix('-')
        .ok_or("expected `-` after `@`, as in last/PT1H@-P1D")?;
    let shift = parse_part("shift", distance, Iso8601Duration::parse)?;
    let repr = parse_repr(text)?;
    Ok(Interval { repr, shift })
}

/// Parses a text form without its shift.
fn parse_repr(text: &str) -> Result<Repr, String> {
    if text == "retained" {
        return Ok(Repr::Retained);
    }
    let (start, end) = text
        .split_once('/')
        .ok_or("expected `/` between start and end, as in now-2h/now")?;
    match start {
        "last" => parse_part("duration", end, Iso8601Duration::parse).map(Repr::Last),
        "since" => parse_part("start", end, parse_timestamp).map(Repr::Since),
        "within" => {
            let (start, end) = end
                .split_once('/')
                .ok_or("expected a start and an end: within/start/end")?;
            let start = parse_part("start", start, parse_timestamp)?;
            let end = parse_part("end", end, parse_timestamp)?;
            Ok(Repr::Within(start, end))
        }
        _ => parse_iso_interval(start, end),
    }
}

/// Parses the forms of ISO 8601: start and end, start and duration, or duration and end.
fn parse_iso_interval(start: &str, end: &str) -> Result<Repr, String> {
    if end.contains('/') {
        return Err("more than one `/`".into());
    }
    // ISO 8601 durations start with `P`, and no time does.
    match (start.starts_with('P'), end.starts_with('P')) {
        (true, true) => Err("expected a start or an end, found two durations".into()),
        (true, false) => {
            let duration = parse_part("duration", start, Iso8601Duration::parse)?;
            let end = parse_part("end", end, TimeExpr::parse)?;
            Ok(Repr::EndingAt(duration, end))
        }
        (false, true) => {
            let start = parse_part("start", start, TimeExpr::parse)?;
            let duration = parse_part("duration", end, Iso8601Duration::parse)?;
            Ok(Repr::StartingAt(start, duration))
        }
        (false, false) => {
            let start = parse_part("start", start, TimeExpr::parse)?;
            let end = parse_part("end", end, TimeExpr::parse)?;
            Ok(Repr::Between(start, end))
        }
    }
}

/// Parses one part of an interval, and names it in the error.
fn parse_part<T>(
    name: &str,
    part: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<T, String> {
    parse(part).map_err(|why| format!("invalid {name} {}: {why}", quote(part, 60)))
}

/// Parses an absolute time where `now` is not allowed.
fn parse_timestamp(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_interval_prints_a_form_that_is_parsed() {
        let (start, end) = (at("2026-01-01T00:00:00.001Z"), at("2026-01-02T00:00:00Z"));
        let fractional = Duration::from_nanos(90_000_000_001);
        for (interval, text) in [
            (Interval::last_days(1), "last/P1D"),
            (Interval::last(Duration::ZERO), "last/PT0S"),
            (Interval::last(fractional), "last/PT1M30.000000001S"),
            (
                Interval::last(Duration::MAX),
                "last/P213503982334601DT7H15.999999999S",
            ),
            (Interval::retained(), "retained"),
            (Interval::since(start), "since/2026-01-01T00:00:00.001Z"),
            (
                Interval::within(start, end),
                "within/2026-01-01T00:00:00.001Z/2026-01-02T00:00:00Z",
            ),
            (
                Interval::starting_at(start, fractional),
                "2026-01-01T00:00:00.001Z/PT1M30.000000001S",
            ),
            (
                Interval::last_hours(1).shifted_back(Duration::from_secs(86_400)),
                "last/PT1H@-P1D",
            ),
            (
                Interval::retained().shifted_back(Duration::ZERO),
                "retained",
            ),
            (
                Interval::between(start, end).shifted_back(fractional),
                "2026-01-01T00:00:00.001Z/2026-01-02T00:00:00Z@-PT1M30.000000001S",
            ),
            (
                Interval::since(start)
                    .shifted_back(Duration::from_secs(60))
                    .shifted_back(Duration::from_secs(30)),
                "since/2026-01-01T00:00:00.001Z@-PT1M30S",
            ),
        ] {
            assert_eq!(interval.to_string(), text);
            assert_eq!(text.parse::<Interval>().unwrap(), interval, "{text}");
        }
    }

    #[test]
    fn parse_errors_name_the_invalid_part() {
        for (text, why) in [
            (
                "now-1h",
                "expected `/` between start and end, as in now-2h/now",
            ),
            ("now-1h/now/now", "more than one `/`"),
            (
                "P1D/PT1H",
                "expected a start or an end, found two durations",
            ),
            (
                "now-1w/now",
                "invalid start \"now-1w\": expected an offset such as -2h or +30m after `now`",
            ),
            (
                "now-h/now",
                "invalid start \"now-h\": expected an offset such as -2h or +30m after `now`",
            ),
            (
                "now-1h-1h/now",
                "invalid start \"now-1h-1h\": expected an offset such as -2h or +30m after `now`",
            ),
            (
                "now|h-1h/now",
                "invalid start \"now|h-1h\": invalid truncation: expected |m, |h or |d",
            ),
            (
                "now-99999999999m/now",
                "invalid start \"now-99999999999m\": the offset is too large",
            ),
            (
                "now-1d/tomorrow",
                "invalid end \"tomorrow\": expected a four-digit year",
            ),
            (
                "PT3D/now",
                "invalid duration \"PT3D\": `D` must come before `T`, as in P3D",
            ),
            (
                "P6H/now",
                "invalid duration \"P6H\": `H` must come after `T`, as in PT6H",
            ),
            (
                "P1M/now",
                "invalid duration \"P1M\": years and months are not supported: use days, or PT…M for minutes",
            ),
            (
                "PT1.5H/now",
                "invalid duration \"PT1.5H\": only seconds can have a fraction, of at most nine digits",
            ),
            (
                "PT.5S/now",
                "invalid duration \"PT.5S\": expected an integer before `S`",
            ),
            (
                "PT0.1234567890S/now",
                "invalid duration \"PT0.1234567890S\": only seconds can have a fraction, of at most nine digits",
            ),
            ("last/1h", "invalid duration \"1h\": expected `P`"),
            (
                "since/now-1h",
                "invalid start \"now-1h\": expected a four-digit year",
            ),
            (
                "since/2026-01-01T00:00Z/PT1H",
                "invalid start \"2026-01-01T00:00Z/PT1H\": unexpected text after the time",
            ),
            (
                "within/2026-01-01T00:00Z",
                "expected a start and an end: within/start/end",
            ),
            (
                "within/2026-01-01T00:00Z/now",
                "invalid end \"now\": expected a four-digit year",
            ),
            (
                "retained/P1D",
                "invalid start \"retained\": expected a four-digit year",
            ),
            (
                "retained@P1D",
                "expected `-` after `@`, as in last/PT1H@-P1D",
            ),
            ("retained@-1d", "invalid shift \"1d\": expected `P`"),
            (
                "PT1M1H/now",
                "invalid duration \"PT1M1H\": `H` is repeated or out of order",
            ),
            (
                "PTH/now",
                "invalid duration \"PTH\": expected an integer before `H`",
            ),
            (
                "PT1/now",
                "invalid duration \"PT1\": expected a unit after the last number",
            ),
            (
                "P/now",
                "invalid duration \"P\": expected at least one unit, as in PT1H",
            ),
            (
                "P1DT/now",
                "invalid duration \"P1DT\": expected a unit after `T`",
            ),
            (
                "PT1ü/now",
                "invalid duration \"PT1ü\": unknown unit `\\u{fc}`: expected W, D, H, M or S",
            ),
            (
                "P99999999999999999W/now",
                "invalid duration \"P99999999999999999W\": duration is too large",
            ),
        ] {
            let error = text.parse::<Interval>().unwrap_err().to_string();
            assert_eq!(error, format!("invalid interval {text:?}: {why}"));
        }
    }
}
