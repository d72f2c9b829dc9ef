//! The intervals of a query: their constructors and their text forms.
//!
//! An interval is only a description here. `resolve` turns it into two absolute times.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::Error;
use crate::time::iso8601::Iso8601Duration;
use crate::time::time_expr::TimeExpr;
use crate::time::timestamp::Timestamp;
use crate::util::text::quote;

/// A span of time to query. Its ends are absolute or relative to now.
///
/// Creating an interval never fails. A relative interval is resolved once, by the client's clock,
/// before the first request. If the interval is invalid, such as an empty one, the call fails and
/// nothing is sent.
///
/// A bucket belongs to an interval if its start lies in it: the start itself is inside, the end is
/// not. Buckets are on the UTC grid.
///
/// A bucket is complete if it ended at least the client's
/// [data latency](crate::ClientBuilder::data_latency) ago: it is settled, so its value no longer
/// changes. These intervals hold complete buckets alone, and none that the service has dropped in
/// part:
///
/// | interval | buckets |
/// | --- | --- |
/// | [`since`](Self::since) | all buckets after a point in time, such as a deployment |
/// | [`last`](Self::last) | the last buckets, always the same number |
/// | [`retained`](Self::retained) | all buckets that the service still has |
/// | [`within`](Self::within) | the buckets between two arbitrary times |
/// | [`between`](Self::between) | the buckets between two times on bucket borders |
///
/// Mirrors the vendor's
/// [`intervals`](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1query/post).
///
/// # Example: since a deployment
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource, Timestamp};
///
/// let deploy: Timestamp = "2026-11-26T13:34:56Z".parse()?;
/// let lag = "io.confluent.kafka.server/consumer_lag_offsets";
/// let query = Query::new(lag, Granularity::OneMinute, Interval::since(deploy))
///     .filter(Resource::kafka("lkc-1"));
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
///
/// # Example: text forms
///
/// ```
/// use confluent_metrics::Interval;
///
/// let new_year: Interval = "2026-01-01T00:00:00Z/PT2H".parse()?;
/// let since_yesterday: Interval = "now-1d|d/now".parse()?;
/// let last_hour: Interval = "last/PT1H".parse()?;
/// assert_eq!(last_hour, Interval::last_hours(1));
/// assert_eq!(since_yesterday.to_string(), "now-1d|d/now");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// The form that the caller chose, which `Display` prints again.
    pub(super) repr: Repr,
    /// The distance that the resolved interval is moved into the past.
    pub(super) shift: Duration,
}

/// A start and an end, both absolute.
pub(crate) type TimeRange = (Timestamp, Timestamp);

/// The forms of an interval, before the clock is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Repr {
    /// From a start to an end.
    Between(TimeExpr, TimeExpr),
    /// A start and the length after it.
    StartingAt(TimeExpr, Duration),
    /// The length before an end, and the end.
    EndingAt(Duration, TimeExpr),
    /// The last buckets, of this length together.
    Last(Duration),
    /// All buckets that the service still has.
    Retained,
    /// From the first bucket at or after a time until now.
    Since(Timestamp),
    /// The buckets between two times that need not be on the grid.
    Within(Timestamp, Timestamp),
}

impl Interval {
    /// Creates an interval between two aligned times.
    ///
    /// Both must be on bucket borders of the query's granularity, which are the full minutes for
    /// [`Granularity::All`](crate::Granularity::All).
    /// [`Granularity::floor`](crate::Granularity::floor) and
    /// [`Granularity::ceil`](crate::Granularity::ceil) align a time. Other times are invalid,
    /// because the service would return other buckets. [`within`](Self::within) takes any two
    /// times.
    ///
    /// An end after now minus the client's [data latency](crate::ClientBuilder::data_latency) is
    /// invalid as well, because those buckets are still filling up. A query that
    /// [allows truncated results](crate::Query::allow_truncated) accepts it.
    ///
    /// An [`AttributeQuery`](crate::AttributeQuery) has no buckets and takes any two times.
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// let start = "2026-01-06T00:00:00Z".parse()?;
    /// let day = Interval::between(start, "2026-01-07T00:00:00Z".parse()?);
    /// assert_eq!(day.to_string(), "2026-01-06T00:00:00Z/2026-01-07T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn between(start: Timestamp, end: Timestamp) -> Self {
        Self::new(Repr::Between(TimeExpr::At(start), TimeExpr::At(end)))
    }

    /// Creates the interval of length `duration` after `start`.
    ///
    /// Both ends must be aligned, as with [`between`](Self::between).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// let start = "2026-01-06T00:00:00Z".parse()?;
    /// let interval = Interval::starting_at(start, Duration::from_secs(3600));
    /// assert_eq!(interval.to_string(), "2026-01-06T00:00:00Z/PT1H");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn starting_at(start: Timestamp, duration: Duration) -> Self {
        Self::new(Repr::StartingAt(TimeExpr::At(start), duration))
    }

    /// Creates the interval of length `duration` before `end`.
    ///
    /// Both ends must be aligned, as with [`between`](Self::between).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// let end = "2026-01-06T00:00:00Z".parse()?;
    /// let interval = Interval::ending_at(end, Duration::from_secs(3600));
    /// assert_eq!(interval.to_string(), "PT1H/2026-01-06T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn ending_at(end: Timestamp, duration: Duration) -> Self {
        Self::new(Repr::EndingAt(duration, TimeExpr::At(end)))
    }

    /// Creates an interval of length `duration` that ends with the latest complete bucket.
    ///
    /// The end is now minus the client's [data latency](crate::ClientBuilder::data_latency),
    /// rounded down to the query's granularity. The start is `duration` before that, rounded down
    /// as well. With [`Granularity::All`](crate::Granularity::All) both are rounded down to the
    /// minute. With [`Granularity::OneHour`](crate::Granularity::OneHour) the interval ends at a
    /// full hour, which can be almost an hour ago.
    ///
    /// A `duration` shorter than one bucket is invalid. So is one for which
    /// the service may have dropped the first bucket: `duration`, one bucket and the data latency
    /// together must not exceed [`ClientBuilder::retention`](crate::ClientBuilder::retention).
    /// [`retained`](Self::retained) covers everything that is left.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last(Duration::from_secs(5400)).to_string(), "last/PT1H30M");
    /// ```
    pub const fn last(duration: Duration) -> Self {
        Self::new(Repr::Last(duration))
    }

    /// Creates the interval of the last `minutes` minutes. See [`last`](Self::last).
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last_minutes(90).to_string(), "last/PT1H30M");
    /// ```
    pub fn last_minutes(minutes: u32) -> Self {
        Self::last(Duration::from_secs(60 * u64::from(minutes)))
    }

    /// Creates the interval of the last `hours` hours. See [`last`](Self::last).
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last_hours(6).to_string(), "last/PT6H");
    /// ```
    pub fn last_hours(hours: u32) -> Self {
        Self::last(Duration::from_secs(3600 * u64::from(hours)))
    }

    /// Creates the interval of the last `days` days of 24 hours. See [`last`](Self::last).
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last_days(1).to_string(), "last/P1D");
    /// ```
    pub fn last_days(days: u32) -> Self {
        Self::last(Duration::from_secs(86_400 * u64::from(days)))
    }

    /// Creates the interval of all buckets that the service still has.
    ///
    /// The first bucket is the first that starts at or after now minus
    /// [`ClientBuilder::retention`](crate::ClientBuilder::retention) plus the data latency. The end
    /// is that of [`last`](Self::last).
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/received_bytes";
    /// let week = Query::new(metric, Granularity::OneDay, Interval::retained());
    /// # let _ = week;
    /// ```
    pub const fn retained() -> Self {
        Self::new(Repr::Retained)
    }

    /// Creates the interval from `start` to the end of the latest complete bucket.
    ///
    /// The first bucket is the first that starts at or after `start`.
    /// If there is no such bucket yet, nothing is sent and the result is empty.
    ///
    /// ```
    /// use confluent_metrics::{Interval, Timestamp};
    ///
    /// let deploy: Timestamp = "2026-11-26T13:34:56Z".parse()?;
    /// assert_eq!(Interval::since(deploy).to_string(), "since/2026-11-26T13:34:56Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn since(start: Timestamp) -> Self {
        Self::new(Repr::Since(start))
    }

    /// Creates the interval of the buckets inside two arbitrary times.
    ///
    /// If there is no such bucket yet, nothing is sent and the result is empty. An `end` before
    /// `start` is invalid.
    ///
    /// ```
    /// use confluent_metrics::Interval;
    ///
    /// let start = "2026-11-26T13:34:56Z".parse()?;
    /// let load_test = Interval::within(start, "2026-11-26T14:10:03Z".parse()?);
    /// assert_eq!(
    ///     load_test.to_string(),
    ///     "within/2026-11-26T13:34:56Z/2026-11-26T14:10:03Z"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn within(start: Timestamp, end: Timestamp) -> Self {
        Self::new(Repr::Within(start, end))
    }

    /// Returns this interval, moved into the past by `distance`.
    ///
    /// The interval is resolved first and moved then, so it has the same length as the one that is
    /// not moved. A `distance` must be a multiple of the query's granularity. Called twice, the
    /// distances add up.
    ///
    /// # Example: the same hour of the day before
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// let day = Duration::from_secs(86_400);
    /// let yesterday = Interval::last_hours(1).shifted_back(day);
    /// assert_eq!(yesterday.to_string(), "last/PT1H@-P1D");
    /// ```
    #[must_use]
    pub const fn shifted_back(self, distance: Duration) -> Self {
        Self {
            // A sum that is too large is reported when the interval is resolved, as out of range.
            shift: self.shift.saturating_add(distance),
            ..self
        }
    }

    /// Creates an interval that is not shifted.
    const fn new(repr: Repr) -> Self {
        Self {
            repr,
            shift: Duration::ZERO,
        }
    }
}

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
