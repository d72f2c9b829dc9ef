use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, one_line};
use crate::granularity::Granularity;
use crate::timestamp::Timestamp;

/// A span of time to query: a start and an end, either of them absolute or relative to now.
///
/// Making one never fails. What is relative is resolved once, by the client's clock, when the query is sent; an interval
/// that turns out to be empty or out of range is refused then, before anything is sent.
///
/// A bucket belongs to an interval when its start lies in it: the start itself is inside, the end is not.
///
/// Mirrors the vendor's
/// [`intervals`](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1query/post).
///
/// ```
/// use confluent_metrics::Interval;
///
/// let last_hour = Interval::last_hours(1);
/// let new_year: Interval = "2026-01-01T00:00:00Z/PT2H".parse()?;
/// let since_yesterday: Interval = "now-1d|d/now".parse()?;
/// assert_eq!(since_yesterday.to_string(), "now-1d|d/now");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Between(Moment, Moment),
    StartingAt(Moment, Duration),
    EndingAt(Duration, Moment),
    Last(Duration),
}

/// A time, or `now` with one offset and one truncation, applied in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Moment {
    At(Timestamp),
    Now { offset: Option<(Sign, u32, Unit)>, truncate: Option<Unit> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Minute,
    Hour,
    Day,
}

/// The reading of the clock that a whole call goes by, and what the client knows of the service's store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: Timestamp,
    pub(crate) data_latency: Duration,
    pub(crate) retention: Duration,
}

/// How long after an event its point is settled, unless a client is told otherwise.
pub(crate) const DATA_LATENCY: Duration = Duration::from_secs(180);

impl Interval {
    /// From `start` to `end`, both sent as given.
    pub fn between(start: Timestamp, end: Timestamp) -> Self {
        Self { form: Form::Between(Moment::At(start), Moment::At(end)) }
    }

    /// The `duration` from `start` on.
    pub fn starting_at(start: Timestamp, duration: Duration) -> Self {
        Self { form: Form::StartingAt(Moment::At(start), duration) }
    }

    /// The `duration` up to `end`.
    pub fn ending_at(end: Timestamp, duration: Duration) -> Self {
        Self { form: Form::EndingAt(duration, Moment::At(end)) }
    }

    /// The last `duration` of complete buckets.
    ///
    /// The end is now less the client's `data_latency` (3 minutes unless set), rounded down to the query's granularity,
    /// so that every bucket in the answer is settled; the start is `duration` before that, rounded down likewise.
    /// With [`Granularity::All`] both are rounded down to the minute.
    ///
    /// So with [`Granularity::OneHour`] it ends at a full hour, which may be almost an hour before the newest settled
    /// minute. A `duration` shorter than one bucket is refused when the query is sent.
    pub fn last(duration: Duration) -> Self {
        Self { form: Form::Last(duration) }
    }

    /// The last `minutes` of complete buckets: see [`last`](Self::last).
    pub fn last_minutes(minutes: u32) -> Self {
        Self::last(Duration::from_secs(60 * u64::from(minutes)))
    }

    /// The last `hours` of complete buckets: see [`last`](Self::last). With [`Granularity::OneHour`] they end at a full hour.
    pub fn last_hours(hours: u32) -> Self {
        Self::last(Duration::from_secs(3600 * u64::from(hours)))
    }

    /// The last `days`, of 24 hours each, of complete buckets: see [`last`](Self::last).
    pub fn last_days(days: u32) -> Self {
        Self::last(Duration::from_secs(86_400 * u64::from(days)))
    }

    /// Start and end as absolute times, or what is wrong with the interval.
    pub(crate) fn resolve(
        self,
        granularity: Granularity,
        clock: &Clock,
    ) -> Result<(Timestamp, Timestamp), String> {
        let out_of_range = || format!("the interval {self} reaches outside the years 0000 to 9999");
        if let Form::Last(duration) = self.form {
            let bucket = granularity.duration().unwrap_or(Unit::Minute.duration());
            if duration < bucket {
                return Err(format!("{self} is shorter than one bucket of {}", Iso(bucket)));
            }
        }
        let (start, end) = self.bounds(granularity, clock).ok_or_else(out_of_range)?;
        if end <= start {
            return Err(format!("the interval {self} ends at {end}, which is not after its start, {start}"));
        }
        Ok((start, end))
    }

    fn bounds(self, granularity: Granularity, clock: &Clock) -> Option<(Timestamp, Timestamp)> {
        match self.form {
            Form::Between(start, end) => Some((start.resolve(clock.now)?, end.resolve(clock.now)?)),
            Form::StartingAt(start, duration) => {
                let start = start.resolve(clock.now)?;
                Some((start, start.checked_add(duration)?))
            }
            Form::EndingAt(duration, end) => {
                let end = end.resolve(clock.now)?;
                Some((end.checked_sub(duration)?, end))
            }
            Form::Last(duration) => {
                let end = granularity.floor(clock.now.checked_sub(clock.data_latency)?);
                Some((granularity.floor(end.checked_sub(duration)?), end))
            }
        }
    }
}

impl Moment {
    fn resolve(self, now: Timestamp) -> Option<Timestamp> {
        let (offset, truncate) = match self {
            Self::At(at) => return Some(at),
            Self::Now { offset, truncate } => (offset, truncate),
        };
        let moved = match offset {
            None => now,
            Some((Sign::Plus, count, unit)) => now.checked_add(unit.duration().checked_mul(count)?)?,
            Some((Sign::Minus, count, unit)) => now.checked_sub(unit.duration().checked_mul(count)?)?,
        };
        Some(truncate.map_or(moved, |unit| unit.floor(moved)))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("now") else {
            return Timestamp::parse(text).map(Self::At).map_err(str::to_owned);
        };
        let (offset, truncate) = match rest.split_once('|') {
            Some((offset, unit)) => {
                (offset, Some(Unit::parse(unit).ok_or("the truncation is not |m, |h or |d")?))
            }
            None => (rest, None),
        };
        let offset = if offset.is_empty() { None } else { Some(parse_offset(offset)?) };
        Ok(Self::Now { offset, truncate })
    }
}

impl Unit {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "m" => Some(Self::Minute),
            "h" => Some(Self::Hour),
            "d" => Some(Self::Day),
            _ => None,
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
        }
    }

    fn duration(self) -> Duration {
        match self {
            Self::Minute => Duration::from_secs(60),
            Self::Hour => Duration::from_secs(3600),
            Self::Day => Duration::from_secs(86_400),
        }
    }

    fn floor(self, at: Timestamp) -> Timestamp {
        let granularity = match self {
            Self::Minute => Granularity::OneMinute,
            Self::Hour => Granularity::OneHour,
            Self::Day => Granularity::OneDay,
        };
        granularity.floor(at)
    }
}

impl FromStr for Interval {
    type Err = Error;

    /// Reads `start/end`, `start/duration` or `duration/end`.
    ///
    /// A time is RFC 3339, or `now` with at most one offset (`now-2h`; units `m`, `h`, `d`) and one truncation (`now|h`),
    /// in this order. A duration is ISO 8601 in whole weeks, days, hours, minutes and seconds: `PT6H`, `P1DT30M`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming the part that cannot be read.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map(|form| Self { form }).map_err(|why| {
            Error::invalid_input(format!("\"{}\" is not an interval: {why}", one_line(text, 100)))
        })
    }
}

impl fmt::Display for Interval {
    /// Prints what [`FromStr`] reads; the last complete buckets, which have no such form, as `the last PT1H`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::Between(start, end) => write!(f, "{start}/{end}"),
            Form::StartingAt(start, duration) => write!(f, "{start}/{}", Iso(duration)),
            Form::EndingAt(duration, end) => write!(f, "{}/{end}", Iso(duration)),
            Form::Last(duration) => write!(f, "the last {}", Iso(duration)),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (offset, truncate) = match self {
            Self::At(at) => return at.fmt(f),
            Self::Now { offset, truncate } => (offset, truncate),
        };
        f.write_str("now")?;
        if let Some((sign, count, unit)) = offset {
            let sign = if *sign == Sign::Plus { '+' } else { '-' };
            write!(f, "{sign}{count}{}", unit.letter())?;
        }
        truncate.map_or(Ok(()), |unit| write!(f, "|{}", unit.letter()))
    }
}

/// Prints a duration in ISO 8601: `P1DT2H`, `PT90.5S` where it is not whole.
struct Iso(Duration);

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0.as_secs() / 86_400, self.0.as_secs() % 86_400);
        let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if days > 0 && rest == 0 && self.0.subsec_nanos() == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        for (count, letter) in [(hours, 'H'), (minutes, 'M')] {
            if count > 0 {
                write!(f, "{count}{letter}")?;
            }
        }
        if self.0.subsec_nanos() > 0 {
            let fraction = format!("{:09}", self.0.subsec_nanos());
            return write!(f, "{seconds}.{}S", fraction.trim_end_matches('0'));
        }
        if seconds > 0 || (hours, minutes) == (0, 0) { write!(f, "{seconds}S") } else { Ok(()) }
    }
}

fn parse(text: &str) -> Result<Form, String> {
    let (start, end) =
        text.split_once('/').ok_or("a '/' between its two parts is missing, as in now-2h/now")?;
    if end.contains('/') {
        return Err("it has more than one '/'".into());
    }
    let side = |name: &str, part: &str, why: String| format!("its {name}, \"{}\": {why}", one_line(part, 60));
    let moment = |name: &str, part: &str| Moment::parse(part).map_err(|why| side(name, part, why));
    let duration = |part: &str| parse_duration(part).map_err(|why| side("duration", part, why));
    match (start.starts_with('P'), end.starts_with('P')) {
        (true, true) => Err("it has two durations and no time".into()),
        (true, false) => Ok(Form::EndingAt(duration(start)?, moment("end", end)?)),
        (false, true) => Ok(Form::StartingAt(moment("start", start)?, duration(end)?)),
        (false, false) => Ok(Form::Between(moment("start", start)?, moment("end", end)?)),
    }
}

fn parse_offset(text: &str) -> Result<(Sign, u32, Unit), String> {
    let shape = || "what follows 'now' is not an offset such as -2h or +30m".to_owned();
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (Sign::Plus, rest),
        Some(("-", rest)) => (Sign::Minus, rest),
        _ => return Err(shape()),
    };
    let count = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = rest.get(count.len()..).and_then(Unit::parse).ok_or_else(shape)?;
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(shape());
    }
    let count = count.parse().map_err(|_| "the offset is too large".to_owned())?;
    Ok((sign, count, unit))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.strip_prefix('P').ok_or("a duration starts with P")?;
    let mut total: u64 = 0;
    let mut units: &[(char, u64)] = &[('W', 604_800), ('D', 86_400)];
    let mut in_time = false;
    if rest.is_empty() {
        return Err("a duration has at least one unit, such as PT1H".into());
    }
    while !rest.is_empty() {
        if let (Some(time), false) = (rest.strip_prefix('T'), in_time) {
            units = &[('H', 3600), ('M', 60), ('S', 1)];
            (rest, in_time) = (time, true);
            if rest.is_empty() {
                return Err("nothing follows the T".into());
            }
        }
        let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(count);
        let letter = after.chars().next().ok_or("a unit is missing at its end")?;
        let at =
            units.iter().position(|(unit, _)| *unit == letter).ok_or_else(|| wrong_unit(letter, in_time))?;
        let number: u64 = number.parse().map_err(|_| format!("no whole number stands before {letter}"))?;
        let seconds = units.get(at).and_then(|(_, width)| number.checked_mul(*width));
        total = seconds.and_then(|seconds| total.checked_add(seconds)).ok_or("it is too long")?;
        units = units.get(at + 1..).unwrap_or_default();
        rest = after.get(letter.len_utf8()..).unwrap_or_default();
    }
    Ok(Duration::from_secs(total))
}

fn wrong_unit(letter: char, in_time: bool) -> String {
    match (letter, in_time) {
        ('D' | 'W', true) => format!("{letter} stands before the T, as in P3D"),
        ('H' | 'S', false) => format!("{letter} stands after a T, as in PT6H"),
        ('Y' | 'M', false) => "years and months have no fixed length: use days, or PT…M for minutes".into(),
        ('.' | ',', _) => "only whole numbers are taken".into(),
        ('D' | 'W' | 'H' | 'M' | 'S', _) => format!("{letter} stands twice or out of order"),
        _ => format!("'{}' is not one of the units W, D, H, M, S", letter.escape_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: &str) -> Clock {
        Clock {
            now: now.parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::from_secs(7 * 86_400),
        }
    }

    fn resolved(interval: Interval, granularity: Granularity, now: &str) -> Result<String, String> {
        interval.resolve(granularity, &clock(now)).map(|(start, end)| format!("{start}/{end}"))
    }

    #[test]
    fn every_form_resolves_to_absolute_times() {
        for (text, absolute) in [
            ("2026-01-01T00:00:00Z/2026-01-01T01:00:00+00:30", "2026-01-01T00:00:00Z/2026-01-01T00:30:00Z"),
            ("2026-01-01T00:00:00.000Z/PT2H", "2026-01-01T00:00:00Z/2026-01-01T02:00:00Z"),
            ("P3D/2026-01-04T00:00:00Z", "2026-01-01T00:00:00Z/2026-01-04T00:00:00Z"),
            ("P1W/2026-01-08T00:00:00Z", "2026-01-01T00:00:00Z/2026-01-08T00:00:00Z"),
            ("2026-01-01T00:00:00Z/P1DT2H3M4S", "2026-01-01T00:00:00Z/2026-01-02T02:03:04Z"),
            ("now-2m|m/now", "2020-01-01T02:11:00Z/2020-01-01T02:13:27Z"),
            ("now|h/now|m", "2020-01-01T02:00:00Z/2020-01-01T02:13:00Z"),
            ("now-1d|d/P1D", "2019-12-31T00:00:00Z/2020-01-01T00:00:00Z"),
            ("PT1H/now+30m", "2020-01-01T01:43:27Z/2020-01-01T02:43:27Z"),
        ] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(
                resolved(interval, Granularity::OneMinute, "2020-01-01T02:13:27Z").unwrap(),
                absolute,
                "{text}"
            );
            assert_eq!(
                interval.to_string().parse::<Interval>().unwrap(),
                interval,
                "{text} is printed as it is read"
            );
        }
    }

    #[test]
    fn last_is_whole_settled_buckets() {
        let now = "2026-01-01T12:02:59Z";
        for (interval, granularity, absolute) in [
            (Interval::last_minutes(1), Granularity::OneMinute, "2026-01-01T11:58:00Z/2026-01-01T11:59:00Z"),
            (Interval::last_hours(1), Granularity::FiveMinutes, "2026-01-01T10:55:00Z/2026-01-01T11:55:00Z"),
            (
                Interval::last_minutes(7),
                Granularity::FiveMinutes,
                "2026-01-01T11:45:00Z/2026-01-01T11:55:00Z",
            ),
            (Interval::last_hours(1), Granularity::OneHour, "2026-01-01T10:00:00Z/2026-01-01T11:00:00Z"),
            (Interval::last_days(2), Granularity::OneDay, "2025-12-30T00:00:00Z/2026-01-01T00:00:00Z"),
            (Interval::last_minutes(90), Granularity::All, "2026-01-01T10:29:00Z/2026-01-01T11:59:00Z"),
        ] {
            assert_eq!(
                resolved(interval, granularity, now).unwrap(),
                absolute,
                "{interval} by {granularity}"
            );
        }
    }

    #[test]
    fn what_cannot_be_resolved_is_refused() {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for (interval, why) in [
            (Interval::last_minutes(59), "the last PT59M is shorter than one bucket of PT1H"),
            (Interval::last(Duration::ZERO), "the last PT0S is shorter than one bucket of PT1H"),
            (
                Interval::between(at, at),
                "the interval 2026-01-01T00:00:00Z/2026-01-01T00:00:00Z ends at 2026-01-01T00:00:00Z, which is not after its start, 2026-01-01T00:00:00Z",
            ),
            (
                Interval::starting_at(at, Duration::from_nanos(999_999)),
                "the interval 2026-01-01T00:00:00Z/PT0.000999999S ends at 2026-01-01T00:00:00Z, which is not after its start, 2026-01-01T00:00:00Z",
            ),
            (
                Interval::ending_at(at, Duration::MAX),
                "the interval P213503982334601DT7H15.999999999S/2026-01-01T00:00:00Z reaches outside the years 0000 to 9999",
            ),
            (
                "now/now-4294967295d".parse().unwrap(),
                "the interval now/now-4294967295d reaches outside the years 0000 to 9999",
            ),
        ] {
            assert_eq!(resolved(interval, Granularity::OneHour, "2026-01-01T12:00:00Z").unwrap_err(), why);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, why) in [
            ("now-1h", "a '/' between its two parts is missing, as in now-2h/now"),
            ("now-1h/now/now", "it has more than one '/'"),
            ("P1D/PT1H", "it has two durations and no time"),
            ("now-1w/now", "its start, \"now-1w\": what follows 'now' is not an offset such as -2h or +30m"),
            ("now-h/now", "its start, \"now-h\": what follows 'now' is not an offset such as -2h or +30m"),
            (
                "now-1h-1h/now",
                "its start, \"now-1h-1h\": what follows 'now' is not an offset such as -2h or +30m",
            ),
            ("now|h-1h/now", "its start, \"now|h-1h\": the truncation is not |m, |h or |d"),
            ("now-99999999999m/now", "its start, \"now-99999999999m\": the offset is too large"),
            ("now-1d/tomorrow", "its end, \"tomorrow\": the year is not four digits"),
            ("PT3D/now", "its duration, \"PT3D\": D stands before the T, as in P3D"),
            ("P6H/now", "its duration, \"P6H\": H stands after a T, as in PT6H"),
            (
                "P1M/now",
                "its duration, \"P1M\": years and months have no fixed length: use days, or PT…M for minutes",
            ),
            ("PT1.5H/now", "its duration, \"PT1.5H\": only whole numbers are taken"),
            ("PT1M1H/now", "its duration, \"PT1M1H\": H stands twice or out of order"),
            ("PTH/now", "its duration, \"PTH\": no whole number stands before H"),
            ("PT1/now", "its duration, \"PT1\": a unit is missing at its end"),
            ("P/now", "its duration, \"P\": a duration has at least one unit, such as PT1H"),
            ("P1DT/now", "its duration, \"P1DT\": nothing follows the T"),
            ("PT1ü/now", "its duration, \"PT1ü\": '\\u{fc}' is not one of the units W, D, H, M, S"),
            ("P99999999999999999W/now", "its duration, \"P99999999999999999W\": it is too long"),
        ] {
            let error = text.parse::<Interval>().unwrap_err().to_string();
            assert_eq!(error, format!("\"{text}\" is not an interval: {why}"));
        }
    }
}
