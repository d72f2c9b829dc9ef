//! ISO-8601 intervals: `start/end`, `start/duration`, `duration/end`, with `now` for a time.

use crate::format::rfc3339::{self, DAY, HOUR, MINUTE, SECOND};

/// An interval in milliseconds since 1970, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// True if it contains `now`, which a request for a further page must not.
    pub(crate) relative: bool,
}

impl Interval {
    pub(crate) const fn length(&self) -> i64 {
        self.end - self.start
    }

    /// Parses an interval. The error is the detail of the service's response.
    pub(crate) fn parse(text: &str, now: i64) -> Result<Self, String> {
        let invalid = |reason: &str| Err(format!("interval '{text}' {reason}"));
        let Some((first, second)) = text.split_once('/') else {
            return invalid("must be <start>/<end>, <start>/<duration> or <duration>/<end>");
        };
        let (start, end) = match (Side::parse(first, now), Side::parse(second, now)) {
            (Some(Side::Time(start)), Some(Side::Time(end))) => (Some(start), Some(end)),
            (Some(Side::Time(start)), Some(Side::Length(length))) => {
                (Some(start), start.checked_add(length))
            }
            (Some(Side::Length(length)), Some(Side::Time(end))) => {
                (end.checked_sub(length), Some(end))
            }
            (Some(Side::Length(_)), Some(Side::Length(_))) => {
                return invalid("has two durations and no time");
            }
            (None, _) => return invalid(&format!("has an unreadable start '{first}'")),
            (_, None) => return invalid(&format!("has an unreadable end '{second}'")),
        };
        let relative = first.starts_with("now") || second.starts_with("now");
        match (
            start.filter(|time| rfc3339::in_range(*time)),
            end.filter(|time| rfc3339::in_range(*time)),
        ) {
            (Some(start), Some(end)) if start < end => Ok(Self {
                start,
                end,
                relative,
            }),
            (Some(_), Some(_)) => invalid("must end after its start"),
            _ => invalid("is out of range"),
        }
    }
}

/// One side of the slash.
enum Side {
    Time(i64),
    Length(i64),
}

impl Side {
    fn parse(text: &str, now: i64) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("now") {
            parse_relative(rest, now).map(Side::Time)
        } else if text.starts_with(['P', 'p']) {
            parse_duration(text).map(Side::Length)
        } else {
            rfc3339::parse(text).map(Side::Time)
        }
    }
}

/// Parses the part after `now`: an optional offset, then an optional truncation.
fn parse_relative(text: &str, now: i64) -> Option<i64> {
    let (offset, truncation) = match text.split_once('|') {
        Some((offset, truncation)) => (offset, Some(truncation)),
        None => (text, None),
    };
    let moved = now.checked_add(parse_offset(offset)?)?;
    // A time out of range could overflow when it is rounded.
    if !rfc3339::in_range(moved) {
        return None;
    }
    match truncation {
        Some(name) => Some(rfc3339::floor(moved, unit_width(name)?)),
        None => Some(moved),
    }
}

fn parse_offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first() {
        None => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let unit = text.len().checked_sub(1)?;
    let amount = parse_digits(text.get(1..unit)?)?;
    amount
        .checked_mul(sign)?
        .checked_mul(unit_width(text.get(unit..)?)?)
}

fn unit_width(unit: &str) -> Option<i64> {
    match unit {
        "m" => Some(MINUTE),
        "h" => Some(HOUR),
        "d" => Some(DAY),
        _ => None,
    }
}

/// Parses a duration. Months and years are invalid, because their length varies.
fn parse_duration(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    let body = upper.strip_prefix('P')?;
    let (date, clock) = match body.split_once('T') {
        Some((_, "")) => return None,
        Some((date, clock)) => (date, clock),
        None => (body, ""),
    };
    let total = parse_units(date, &[('W', 7 * DAY), ('D', DAY)])?.checked_add(parse_units(
        clock,
        &[('H', HOUR), ('M', MINUTE), ('S', SECOND)],
    )?)?;
    (!body.is_empty()).then_some(total)
}

/// Parses amounts with their unit letters, each at most once and in the given order.
fn parse_units(mut text: &str, allowed: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for (letter, width) in allowed {
        if let Some((amount, rest)) = text.split_once(*letter) {
            let part = match amount.split_once('.') {
                Some((seconds, fraction)) if *letter == 'S' => parse_digits(seconds)?
                    .checked_mul(SECOND)?
                    .checked_add(parse_fraction(fraction)?)?,
                _ => parse_digits(amount)?.checked_mul(*width)?,
            };
            total = total.checked_add(part)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

fn parse_fraction(fraction: &str) -> Option<i64> {
    let digits = parse_digits(fraction).filter(|_| fraction.len() <= 9)?;
    Some(digits * SECOND / 10_i64.pow(fraction.len() as u32))
}

fn parse_digits(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2020-01-01T02:13:27Z, the moment of the documents' examples.
    const NOW: i64 = 1_577_844_807_000;

    fn at(text: &str) -> i64 {
        rfc3339::parse(text).expect(text)
    }

    #[test]
    fn reads_every_form() {
        for (text, start, end) in [
            (
                "2019-12-31T00:00:00Z/2019-12-31T01:00:00Z",
                "2019-12-31T00:00:00Z",
                "2019-12-31T01:00:00Z",
            ),
            (
                "2019-12-31T00:00:00.000Z/PT2H",
                "2019-12-31T00:00:00Z",
                "2019-12-31T02:00:00Z",
            ),
            (
                "PT30M/2019-12-31T01:00:00Z",
                "2019-12-31T00:30:00Z",
                "2019-12-31T01:00:00Z",
            ),
            (
                "2019-12-31T05:30:00+05:30/PT1M",
                "2019-12-31T00:00:00Z",
                "2019-12-31T00:01:00Z",
            ),
            (
                "2019-12-01T00:00:00Z/P3D",
                "2019-12-01T00:00:00Z",
                "2019-12-04T00:00:00Z",
            ),
            (
                "2019-12-01T00:00:00Z/P1DT2H",
                "2019-12-01T00:00:00Z",
                "2019-12-02T02:00:00Z",
            ),
            (
                "2019-12-01T00:00:00Z/p1w",
                "2019-12-01T00:00:00Z",
                "2019-12-08T00:00:00Z",
            ),
            (
                "2019-12-01T00:00:00Z/PT1H2M3.5S",
                "2019-12-01T00:00:00Z",
                "2019-12-01T01:02:03.5Z",
            ),
            (
                "now-2m|m/now",
                "2020-01-01T02:11:00Z",
                "2020-01-01T02:13:27Z",
            ),
            ("PT1H/now|h", "2020-01-01T01:00:00Z", "2020-01-01T02:00:00Z"),
            (
                "now-1d|d/P1D",
                "2019-12-31T00:00:00Z",
                "2020-01-01T00:00:00Z",
            ),
            (
                "now-1h/now+3h",
                "2020-01-01T01:13:27Z",
                "2020-01-01T05:13:27Z",
            ),
        ] {
            let interval = Interval::parse(text, NOW).expect(text);
            assert_eq!(
                (interval.start, interval.end),
                (at(start), at(end)),
                "{text}"
            );
            assert_eq!(interval.relative, text.contains("now"), "{text}");
        }
    }

    #[test]
    fn offset_comes_before_truncation() {
        // Truncated first, this would be 01:00:00 minus 14 minutes.
        let interval = Interval::parse("now-14m|h/PT1H", NOW).expect("readable");
        assert_eq!(interval.start, at("2020-01-01T01:00:00Z"));
    }

    #[test]
    fn refuses_the_rest() {
        for (text, part) in [
            ("now", "must be <start>/<end>"),
            ("PT1H/PT2H", "two durations"),
            ("2019-12-01T00:00:00Z/PT3D", "unreadable end 'PT3D'"),
            ("2019-12-01T00:00:00Z/P1M", "unreadable end"),
            ("2019-12-01T00:00:00Z/P", "unreadable end"),
            ("2019-12-01T00:00:00Z/P1DT", "unreadable end"),
            ("2019-12-01T00:00:00Z/PT1M1H", "unreadable end"),
            ("2019-12-01T00:00:00Z/PT1.5H", "unreadable end"),
            ("2019-12-01T00:00:00Z/PT0S", "must end after its start"),
            (
                "2019-12-02T00:00:00Z/2019-12-01T00:00:00Z",
                "must end after its start",
            ),
            ("now|m-2m/now", "unreadable start"),
            ("now-2m-2m/now", "unreadable start"),
            ("now-2w/now", "unreadable start"),
            ("now2m/now", "unreadable start"),
            ("now-9999999999999999m/now", "unreadable start"),
            ("2019-12-01T00:00:00Z/P9999999D", "out of range"),
            ("2019-12-01T00:00:00Z/P99999999999999D", "unreadable end"),
            ("a/b/c", "unreadable start 'a'"),
            ("", "must be"),
        ] {
            let error = Interval::parse(text, NOW).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
