use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::Error;
use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;
use crate::util::text::sanitize_line;

/// A span of time to query. Its ends are absolute or relative to now.
///
/// Creating an interval never fails. A relative interval is resolved once, by the client's clock,
/// before the first request. An interval that is empty or out of range is refused then, and nothing
/// is sent.
///
/// A bucket belongs to an interval if its start lies in it: the start itself is inside, the end is
/// not. Buckets are on the UTC grid, and only whole, settled buckets that the service still has are
/// correct:
///
/// | interval | which buckets |
/// | --- | --- |
/// | [`since`](Self::since) | all settled buckets after a point in time, such as a deployment |
/// | [`last`](Self::last) | the last settled buckets, always the same number |
/// | [`retained`](Self::retained) | all settled buckets that the service still has |
/// | [`within`](Self::within) | the settled buckets between two arbitrary times |
/// | [`between`](Self::between) | the buckets between two times on bucket borders |
///
/// A bucket is settled once it has ended and the client's
/// [data latency](crate::ClientBuilder::data_latency) has passed.
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
    form: Repr,
    /// The distance that the resolved interval is moved into the past.
    shift: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Repr {
    Between(TimeExpr, TimeExpr),
    StartingAt(TimeExpr, Duration),
    EndingAt(Duration, TimeExpr),
    Last(Duration),
    Retained,
    Since(Timestamp),
    Within(Timestamp, Timestamp),
}

/// A time, or `now` with one offset and one truncation, applied in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum TimeExpr {
    At(Timestamp),
    Now {
        offset: Option<(Sign, u32, Unit)>,
        truncate: Option<Unit>,
    },
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

/// A start and an end, both absolute.
pub(crate) type TimeRange = (Timestamp, Timestamp);

/// One reading of the clock for a whole call, and what the client knows of the service's store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallContext {
    pub(crate) now: Timestamp,
    pub(crate) data_latency: Duration,
    pub(crate) retention: Duration,
}

/// How long after an event its point is settled, unless a client is told otherwise.
pub(crate) const DATA_LATENCY: Duration = Duration::from_secs(180);

impl CallContext {
    /// Returns the time until which every event has a point.
    pub(crate) fn settled_until(&self) -> Timestamp {
        self.now
            .checked_sub(self.data_latency)
            .unwrap_or(Timestamp::MIN)
    }

    /// Returns the time before which the service has dropped points by `at`.
    pub(crate) fn kept_since(&self, at: Timestamp) -> Timestamp {
        at.checked_sub(self.retention).unwrap_or(Timestamp::MIN)
    }

    /// Returns the longest duration of [`Interval::last`] that is whole at any time of day.
    pub(crate) fn longest_last(&self, granularity: Granularity) -> Option<Duration> {
        let bucket = granularity.grid().as_secs();
        let room = self
            .retention
            .checked_sub(self.data_latency)?
            .checked_sub(granularity.grid())?;
        let buckets = room.as_secs() / bucket;
        (buckets > 0).then(|| Duration::from_secs(buckets * bucket))
    }
}

impl Interval {
    /// Creates an interval between two aligned times: both on bucket borders of the query.
    ///
    /// The query's granularity sets the borders. With [`Granularity::All`] the borders are whole minutes. [`Granularity::floor`] and
    /// [`Granularity::ceil`] align a time. Other times are refused when the query is sent, because
    /// the service would answer with other buckets. [`within`](Self::within) takes any two times.
    ///
    /// An end after now minus the client's [data latency](crate::ClientBuilder::data_latency) is
    /// refused as well, unless the query [allows truncated results](crate::Query::allow_truncated):
    /// those buckets are still filling up.
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
    pub fn between(start: Timestamp, end: Timestamp) -> Self {
        Self::new(Repr::Between(TimeExpr::At(start), TimeExpr::At(end)))
    }

    /// Creates the interval of length `duration` after `start`. Both ends must be aligned.
    ///
    /// See [`between`](Self::between).
    pub fn starting_at(start: Timestamp, duration: Duration) -> Self {
        Self::new(Repr::StartingAt(TimeExpr::At(start), duration))
    }

    /// Creates the interval of length `duration` before `end`. Both ends must be aligned.
    ///
    /// See [`between`](Self::between).
    pub fn ending_at(end: Timestamp, duration: Duration) -> Self {
        Self::new(Repr::EndingAt(duration, TimeExpr::At(end)))
    }

    /// Creates the interval of the last settled buckets, `duration` long.
    ///
    /// The end is now minus the client's [data latency](crate::ClientBuilder::data_latency),
    /// rounded down to the query's granularity. The start is `duration` before that, rounded down
    /// likewise. With [`Granularity::All`] both are rounded down to the minute.
    ///
    /// With [`Granularity::OneHour`] it ends at a full hour, up to an hour before the latest
    /// settled minute.
    ///
    /// A `duration` shorter than one bucket is refused when the query is sent. So is one for which
    /// the service may have dropped the first bucket: `duration`, one bucket and the data latency
    /// together must not exceed [`ClientBuilder::retention`](crate::ClientBuilder::retention).
    /// [`retained`](Self::retained) is everything that is left.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Interval;
    ///
    /// assert_eq!(Interval::last(Duration::from_secs(5400)).to_string(), "last/PT1H30M");
    /// ```
    pub fn last(duration: Duration) -> Self {
        Self::new(Repr::Last(duration))
    }

    /// Creates the interval of the last settled buckets, `minutes` long. See [`last`](Self::last).
    pub fn last_minutes(minutes: u32) -> Self {
        Self::last(Duration::from_secs(60 * u64::from(minutes)))
    }

    /// Creates the interval of the last settled buckets, `hours` long. See [`last`](Self::last).
    pub fn last_hours(hours: u32) -> Self {
        Self::last(Duration::from_secs(3600 * u64::from(hours)))
    }

    /// Creates the interval of the last settled buckets, `days` long. See [`last`](Self::last).
    ///
    /// A day is 24 hours.
    pub fn last_days(days: u32) -> Self {
        Self::last(Duration::from_secs(86_400 * u64::from(days)))
    }

    /// Creates the interval of all whole, settled buckets that the service still has.
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
    /// ```
    pub fn retained() -> Self {
        Self::new(Repr::Retained)
    }

    /// Creates the interval from the first bucket that starts at or after `start` to the end of the
    /// last settled bucket.
    ///
    /// If there is no such bucket yet, nothing is sent and the result is empty.
    ///
    /// ```
    /// use confluent_metrics::{Interval, Timestamp};
    ///
    /// let deploy: Timestamp = "2026-11-26T13:34:56Z".parse()?;
    /// assert_eq!(Interval::since(deploy).to_string(), "since/2026-11-26T13:34:56Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn since(start: Timestamp) -> Self {
        Self::new(Repr::Since(start))
    }

    /// Creates the interval of the whole, settled buckets inside two arbitrary times.
    ///
    /// If there is no such bucket yet, nothing is sent and the result is empty. An `end` before
    /// `start` is refused when the query is sent.
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
    pub fn within(start: Timestamp, end: Timestamp) -> Self {
        Self::new(Repr::Within(start, end))
    }

    /// Returns this interval, moved into the past by `distance`.
    ///
    /// The interval is resolved first and moved then, so it has the same length as the one that is
    /// not moved. A `distance` that is no multiple of the query's granularity is refused when the
    /// query is sent. Called twice, the distances add up.
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
    pub fn shifted_back(self, distance: Duration) -> Self {
        Self {
            shift: self.shift.saturating_add(distance),
            ..self
        }
    }

    /// Returns if the resolved times depend on the clock.
    pub(crate) fn is_relative(self) -> bool {
        match self.form {
            Repr::Between(start, end) => start.is_now() || end.is_now(),
            Repr::StartingAt(moment, _) | Repr::EndingAt(_, moment) => moment.is_now(),
            Repr::Last(_) | Repr::Retained | Repr::Since(_) | Repr::Within(..) => true,
        }
    }

    /// Returns if the first bucket of [`last`](Self::last) is gone at some time of day.
    pub(crate) fn exceeds_retention(self, granularity: Granularity, clock: &CallContext) -> bool {
        let Repr::Last(duration) = self.form else {
            return false;
        };
        let bucket = granularity.grid().as_nanos();
        // The start is rounded down, so a part of a bucket needs a whole one.
        let whole = duration.as_nanos().div_ceil(bucket) * bucket;
        whole + bucket + clock.data_latency.as_nanos() + self.shift.as_nanos()
            > clock.retention.as_nanos()
    }

    /// Returns the aligned start and end for a query by `granularity`.
    ///
    /// `None` means that there is no bucket yet. An error says why the interval cannot be resolved.
    pub(crate) fn buckets(
        self,
        granularity: Granularity,
        clock: &CallContext,
    ) -> Result<Option<TimeRange>, String> {
        let Some(span) = self.unshifted(granularity, clock)? else {
            return Ok(None);
        };
        let width = granularity.grid().as_nanos();
        if self.is_relative() && self.shift.as_nanos() % width != 0 {
            return Err(format!(
                "interval {self} is shifted by {}, which is not a multiple of {}",
                Iso8601Duration(self.shift),
                Iso8601Duration(granularity.grid()),
            ));
        }
        let span = self.shift(span)?;
        self.check_alignment(span, granularity)?;
        Ok(Some(span))
    }

    /// Returns start and end for a query for attributes, which has no buckets.
    pub(crate) fn times(self, clock: &CallContext) -> Result<Option<TimeRange>, String> {
        let span = match self.form {
            Repr::Since(start) => (start, Granularity::All.floor(clock.settled_until())),
            Repr::Within(start, end) => self.check_order((start, end)).map(|()| (start, end))?,
            Repr::Last(_) | Repr::Retained => {
                let Some(span) = self.unshifted(Granularity::All, clock)? else {
                    return Ok(None);
                };
                span
            }
            _ => self.given(clock.now)?,
        };
        if span.0 >= span.1 {
            Ok(None)
        } else {
            self.shift(span).map(Some)
        }
    }

    fn new(form: Repr) -> Self {
        Self {
            form,
            shift: Duration::ZERO,
        }
    }

    /// Returns start and end before the shift. Relative ends are aligned and settled.
    fn unshifted(
        self,
        granularity: Granularity,
        clock: &CallContext,
    ) -> Result<Option<TimeRange>, String> {
        let settled_end = granularity.floor(clock.settled_until());
        match self.form {
            Repr::Last(duration) => {
                if duration < granularity.grid() {
                    return Err(format!(
                        "{self} is shorter than one bucket of {}",
                        Iso8601Duration(granularity.grid())
                    ));
                }
                let start = settled_end
                    .checked_sub(duration)
                    .ok_or_else(|| self.out_of_range())?;
                Ok(Some((granularity.floor(start), settled_end)))
            }
            Repr::Retained => {
                let kept = clock.kept_since(clock.now).checked_add(clock.data_latency);
                let start = granularity.ceil(kept.unwrap_or(Timestamp::MAX));
                if start >= settled_end {
                    return Err(format!(
                        "the retention of {} holds no settled bucket of {}",
                        Iso8601Duration(clock.retention),
                        Iso8601Duration(granularity.grid()),
                    ));
                }
                Ok(Some((start, settled_end)))
            }
            Repr::Since(start) => {
                let start = granularity.ceil(start);
                Ok((start < settled_end).then_some((start, settled_end)))
            }
            Repr::Within(start, end) => {
                self.check_order((start, end))?;
                let start = granularity.ceil(start);
                let end = granularity.floor(end).min(settled_end);
                Ok((start < end).then_some((start, end)))
            }
            Repr::Between(..) | Repr::StartingAt(..) | Repr::EndingAt(..) => {
                let (start, end) = self.given(clock.now)?;
                if !self.is_relative() {
                    return Ok(Some((start, end)));
                }
                let (start_is_now, end_is_now) = self.relative_ends();
                let start = if start_is_now {
                    granularity.floor(start)
                } else {
                    start
                };
                let end = if end_is_now {
                    granularity.floor(end)
                } else {
                    end
                };
                self.check_alignment((start, end), granularity)?;
                let end = end.min(settled_end);
                if start >= end {
                    return Err(format!(
                        "interval {self} holds no settled bucket of {}",
                        Iso8601Duration(granularity.grid())
                    ));
                }
                Ok(Some((start, end)))
            }
        }
    }

    /// Returns start and end of a form that names a time, exactly as given.
    fn given(self, now: Timestamp) -> Result<TimeRange, String> {
        let span = match self.form {
            Repr::Between(start, end) => start.resolve(now).zip(end.resolve(now)),
            Repr::StartingAt(start, duration) => start
                .resolve(now)
                .and_then(|start| Some((start, start.checked_add(duration)?))),
            Repr::EndingAt(duration, end) => end
                .resolve(now)
                .and_then(|end| Some((end.checked_sub(duration)?, end))),
            Repr::Within(start, end) => Some((start, end)),
            Repr::Last(_) | Repr::Retained | Repr::Since(_) => None,
        };
        let span = span.ok_or_else(|| self.out_of_range())?;
        if span.1 <= span.0 {
            return Err(format!(
                "the interval {self} ends at {}, which is not after its start, {}",
                span.1, span.0
            ));
        }
        Ok(span)
    }

    /// Returns which of start and end are relative to now.
    fn relative_ends(self) -> (bool, bool) {
        match self.form {
            Repr::Between(start, end) => (start.is_now(), end.is_now()),
            Repr::StartingAt(moment, _) | Repr::EndingAt(_, moment) => {
                (moment.is_now(), moment.is_now())
            }
            Repr::Last(_) | Repr::Retained | Repr::Since(_) | Repr::Within(..) => (true, true),
        }
    }

    fn shift(self, (start, end): TimeRange) -> Result<TimeRange, String> {
        let shifted = start
            .checked_sub(self.shift)
            .zip(end.checked_sub(self.shift));
        shifted.ok_or_else(|| self.out_of_range())
    }

    fn check_order(self, (start, end): TimeRange) -> Result<(), String> {
        if end < start {
            Err(format!("interval {self} ends before its start"))
        } else {
            Ok(())
        }
    }

    /// Refuses ends off the grid, for which the service would answer with other buckets.
    fn check_alignment(
        self,
        (start, end): TimeRange,
        granularity: Granularity,
    ) -> Result<(), String> {
        let earlier = (granularity.floor(start), granularity.floor(end));
        let later = (granularity.ceil(start), granularity.ceil(end));
        if earlier == later {
            return Ok(());
        }
        let borders = match granularity.duration() {
            Some(_) => format!("on bucket borders of {granularity}"),
            None => format!("on whole minutes, the bucket borders of {granularity}"),
        };
        let text = |(start, end): TimeRange| format!("{start}/{end}");
        let aligned = if earlier.0 < earlier.1 && later.0 < later.1 {
            format!("{} or {}", text(earlier), text(later))
        } else {
            text((earlier.0, later.1))
        };
        Err(format!(
            "interval {self} is not {borders}: use {aligned}, or Interval::within"
        ))
    }

    fn out_of_range(self) -> String {
        format!("the interval {self} reaches outside the years 0000 to 9999")
    }
}

impl TimeExpr {
    fn is_now(self) -> bool {
        matches!(self, Self::Now { .. })
    }

    fn resolve(self, now: Timestamp) -> Option<Timestamp> {
        let (offset, truncate) = match self {
            Self::At(at) => return Some(at),
            Self::Now { offset, truncate } => (offset, truncate),
        };
        let moved = match offset {
            None => now,
            Some((Sign::Plus, count, unit)) => {
                now.checked_add(unit.duration().checked_mul(count)?)?
            }
            Some((Sign::Minus, count, unit)) => {
                now.checked_sub(unit.duration().checked_mul(count)?)?
            }
        };
        Some(truncate.map_or(moved, |unit| unit.floor(moved)))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("now") else {
            return Timestamp::parse(text).map(Self::At).map_err(str::to_owned);
        };
        let (offset, truncate) = match rest.split_once('|') {
            Some((offset, unit)) => (
                offset,
                Some(Unit::parse(unit).ok_or("the truncation is not |m, |h or |d")?),
            ),
            None => (rest, None),
        };
        let offset = if offset.is_empty() {
            None
        } else {
            Some(parse_offset(offset)?)
        };
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

    /// Parses `start/end`, `start/duration` or `duration/end`, and every form that `Display`
    /// prints: `last/PT1H`, `retained`, `since/start`, `within/start/end`, each with an optional
    /// shift (`@-P1D`).
    ///
    /// A time is RFC 3339, or `now` with at most one offset (`now-2h`; units `m`, `h`, `d`) and one
    /// truncation (`now|h`), in this order. A duration is ISO 8601 in weeks, days, hours, minutes
    /// and seconds: `PT6H`, `P1DT30M`.
    ///
    /// In a query, an end with `now` is rounded down to the granularity, and the interval ends with
    /// the last settled bucket at the latest.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming the part that cannot be parsed.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map_err(|why| {
            Error::invalid_input(format!(
                "\"{}\" is not an interval: {why}",
                sanitize_line(text, 100)
            ))
        })
    }
}

impl fmt::Display for Interval {
    /// Prints a form that [`FromStr`] parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
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

impl fmt::Display for TimeExpr {
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
pub(crate) struct Iso8601Duration(pub(crate) Duration);

impl fmt::Display for Iso8601Duration {
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
        if seconds > 0 || (hours, minutes) == (0, 0) {
            write!(f, "{seconds}S")
        } else {
            Ok(())
        }
    }
}

fn parse(text: &str) -> Result<Interval, String> {
    let Some((text, shift)) = text.rsplit_once('@') else {
        return parse_form(text).map(Interval::new);
    };
    let distance = shift
        .strip_prefix('-')
        .ok_or("a shift starts with @-, as in last/PT1H@-P1D")?;
    let distance = parse_duration(distance).map_err(|why| part_error("shift", distance, &why))?;
    Ok(Interval {
        form: parse_form(text)?,
        shift: distance,
    })
}

fn parse_form(text: &str) -> Result<Repr, String> {
    if text == "retained" {
        return Ok(Repr::Retained);
    }
    let (start, end) = text
        .split_once('/')
        .ok_or("a '/' between its two parts is missing, as in now-2h/now")?;
    match start {
        "last" => return parse_part("duration", end, parse_duration).map(Repr::Last),
        "since" => return parse_part("start", end, parse_timestamp).map(Repr::Since),
        "within" => {
            let (start, end) = end
                .split_once('/')
                .ok_or("within has a start and an end: within/start/end")?;
            let start = parse_part("start", start, parse_timestamp)?;
            return Ok(Repr::Within(
                start,
                parse_part("end", end, parse_timestamp)?,
            ));
        }
        _ => {}
    }
    if end.contains('/') {
        return Err("it has more than one '/'".into());
    }
    match (start.starts_with('P'), end.starts_with('P')) {
        (true, true) => Err("it has two durations and no time".into()),
        (true, false) => {
            let duration = parse_part("duration", start, parse_duration)?;
            Ok(Repr::EndingAt(
                duration,
                parse_part("end", end, TimeExpr::parse)?,
            ))
        }
        (false, true) => {
            let start = parse_part("start", start, TimeExpr::parse)?;
            Ok(Repr::StartingAt(
                start,
                parse_part("duration", end, parse_duration)?,
            ))
        }
        (false, false) => {
            let start = parse_part("start", start, TimeExpr::parse)?;
            Ok(Repr::Between(
                start,
                parse_part("end", end, TimeExpr::parse)?,
            ))
        }
    }
}

/// Parses one part of an interval, and names it if it cannot be parsed.
fn parse_part<T>(
    name: &str,
    part: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<T, String> {
    parse(part).map_err(|why| part_error(name, part, &why))
}

fn part_error(name: &str, part: &str, why: &str) -> String {
    format!("its {name}, \"{}\": {why}", sanitize_line(part, 60))
}

fn parse_timestamp(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(str::to_owned)
}

fn parse_offset(text: &str) -> Result<(Sign, u32, Unit), String> {
    let shape = || "what follows 'now' is not an offset such as -2h or +30m".to_owned();
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (Sign::Plus, rest),
        Some(("-", rest)) => (Sign::Minus, rest),
        _ => return Err(shape()),
    };
    let count = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = rest
        .get(count.len()..)
        .and_then(Unit::parse)
        .ok_or_else(shape)?;
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(shape());
    }
    let count = count
        .parse()
        .map_err(|_| "the offset is too large".to_owned())?;
    Ok((sign, count, unit))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.strip_prefix('P').ok_or("a duration starts with P")?;
    let mut total: u64 = 0;
    let mut nanos = 0;
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
        let (number, mut after) = rest.split_at(count);
        if let Some((fraction, seconds)) = parse_fraction(after).filter(|_| in_time) {
            (nanos, after) = (fraction, seconds);
        }
        let letter = after.chars().next().ok_or("a unit is missing at its end")?;
        let at = units
            .iter()
            .position(|(unit, _)| *unit == letter)
            .ok_or_else(|| unit_error(letter, in_time))?;
        let number: u64 = number
            .parse()
            .map_err(|_| format!("no whole number stands before {letter}"))?;
        let seconds = units
            .get(at)
            .and_then(|(_, width)| number.checked_mul(*width));
        total = seconds
            .and_then(|seconds| total.checked_add(seconds))
            .ok_or("it is too long")?;
        units = units.get(at + 1..).unwrap_or_default();
        rest = after.get(letter.len_utf8()..).unwrap_or_default();
    }
    Ok(Duration::new(total, nanos))
}

/// Parses `.25S` as nanoseconds and the rest from its unit on. Other units have no fraction.
fn parse_fraction(text: &str) -> Option<(u32, &str)> {
    let rest = text.strip_prefix('.')?;
    let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (digits, unit) = rest.split_at(count);
    if !unit.starts_with('S') || !(1..=9).contains(&count) {
        return None;
    }
    Some((format!("{digits:0<9}").parse().ok()?, unit))
}

fn unit_error(letter: char, in_time: bool) -> String {
    match (letter, in_time) {
        ('D' | 'W', true) => format!("{letter} stands before the T, as in P3D"),
        ('H' | 'S', false) => format!("{letter} stands after a T, as in PT6H"),
        ('Y' | 'M', false) => {
            "years and months have no fixed length: use days, or PT…M for minutes".into()
        }
        ('.' | ',', _) => "only seconds may have a fraction, of at most nine digits".into(),
        ('D' | 'W' | 'H' | 'M' | 'S', _) => format!("{letter} stands twice or out of order"),
        _ => format!(
            "'{}' is not one of the units W, D, H, M, S",
            letter.escape_default()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: &str) -> CallContext {
        CallContext {
            now: now.parse().unwrap(),
            data_latency: Duration::from_secs(180),
            retention: Duration::from_secs(7 * 86_400),
        }
    }

    fn resolved(interval: Interval, granularity: Granularity, now: &str) -> Result<String, String> {
        let span = interval.buckets(granularity, &clock(now))?;
        Ok(span.map_or("nothing".to_owned(), |(start, end)| {
            format!("{start}/{end}")
        }))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_resolves_to_absolute_times() {
        for (text, absolute) in [
            (
                "2020-01-01T00:00:00Z/2020-01-01T01:00:00+00:30",
                "2020-01-01T00:00:00Z/2020-01-01T00:30:00Z",
            ),
            (
                "2020-01-01T00:00Z/2020-01-01T01:00+0030",
                "2020-01-01T00:00:00Z/2020-01-01T00:30:00Z",
            ),
            (
                "2020-01-01T00:00:00.000Z/PT2H",
                "2020-01-01T00:00:00Z/2020-01-01T02:00:00Z",
            ),
            (
                "P3D/2020-01-04T00:00:00Z",
                "2020-01-01T00:00:00Z/2020-01-04T00:00:00Z",
            ),
            (
                "P1W/2020-01-08T00:00Z",
                "2020-01-01T00:00:00Z/2020-01-08T00:00:00Z",
            ),
            (
                "2020-01-01T00:00:00Z/P1DT2H3M",
                "2020-01-01T00:00:00Z/2020-01-02T02:03:00Z",
            ),
            (
                "2020-01-01T00:00:00Z/P1D@-P1D",
                "2019-12-31T00:00:00Z/2020-01-01T00:00:00Z",
            ),
            ("now-2m|m/now", "nothing settled"),
            ("now-9m/now-5m", "2020-01-01T02:04:00Z/2020-01-01T02:08:00Z"),
            ("now-9m/now", "2020-01-01T02:04:00Z/2020-01-01T02:10:00Z"),
            (
                "now-9m/now@-PT1H",
                "2020-01-01T01:04:00Z/2020-01-01T01:10:00Z",
            ),
            ("now|h/now|m", "2020-01-01T02:00:00Z/2020-01-01T02:10:00Z"),
            ("now-1d|d/P1D", "2019-12-31T00:00:00Z/2020-01-01T00:00:00Z"),
            ("PT1H/now+30m", "2020-01-01T01:43:00Z/2020-01-01T02:10:00Z"),
            (
                "2020-01-01T01:00:00Z/now",
                "2020-01-01T01:00:00Z/2020-01-01T02:10:00Z",
            ),
            (
                "now-1h/2030-01-01T00:00:00Z",
                "2020-01-01T01:13:00Z/2020-01-01T02:10:00Z",
            ),
            ("last/PT90M", "2020-01-01T00:40:00Z/2020-01-01T02:10:00Z"),
            (
                "last/PT90M@-P1DT0.000S",
                "2019-12-31T00:40:00Z/2019-12-31T02:10:00Z",
            ),
            ("retained", "2019-12-25T02:17:00Z/2020-01-01T02:10:00Z"),
            (
                "since/2020-01-01T01:59:01Z",
                "2020-01-01T02:00:00Z/2020-01-01T02:10:00Z",
            ),
            ("since/2020-01-01T02:10Z", "nothing"),
            ("since/2020-01-01T02:09:01Z", "nothing"),
            (
                "within/2020-01-01T01:59:01Z/2020-01-01T02:03:59Z",
                "2020-01-01T02:00:00Z/2020-01-01T02:03:00Z",
            ),
            (
                "within/2020-01-01T01:59:01+0000/2030-01-01T00:00Z",
                "2020-01-01T02:00:00Z/2020-01-01T02:10:00Z",
            ),
            (
                "within/2020-01-01T02:00:01Z/2020-01-01T02:00:59Z",
                "nothing",
            ),
            (
                "within/2020-01-01T02:00:00Z/2020-01-01T02:00:00Z",
                "nothing",
            ),
        ] {
            let interval: Interval = text.parse().unwrap();
            let found = resolved(interval, Granularity::OneMinute, "2020-01-01T02:13:27Z");
            match absolute {
                "nothing settled" => {
                    assert_eq!(
                        found.unwrap_err(),
                        "interval now-2m|m/now holds no settled bucket of PT1M"
                    );
                }
                _ => assert_eq!(found.unwrap(), absolute, "{text}"),
            }
            assert_eq!(
                interval.to_string().parse::<Interval>().unwrap(),
                interval,
                "{text} is printed as it is read"
            );
        }
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
    fn last_is_whole_settled_buckets() {
        let now = "2026-01-01T12:02:59Z";
        for (interval, granularity, absolute) in [
            (
                Interval::last_minutes(1),
                Granularity::OneMinute,
                "2026-01-01T11:58:00Z/2026-01-01T11:59:00Z",
            ),
            (
                Interval::last_hours(1),
                Granularity::FiveMinutes,
                "2026-01-01T10:55:00Z/2026-01-01T11:55:00Z",
            ),
            (
                Interval::last_minutes(7),
                Granularity::FiveMinutes,
                "2026-01-01T11:45:00Z/2026-01-01T11:55:00Z",
            ),
            (
                Interval::last_hours(1),
                Granularity::OneHour,
                "2026-01-01T10:00:00Z/2026-01-01T11:00:00Z",
            ),
            (
                Interval::last_days(2),
                Granularity::OneDay,
                "2025-12-30T00:00:00Z/2026-01-01T00:00:00Z",
            ),
            (
                Interval::last_minutes(90),
                Granularity::All,
                "2026-01-01T10:29:00Z/2026-01-01T11:59:00Z",
            ),
            (
                Interval::retained(),
                Granularity::OneDay,
                "2025-12-26T00:00:00Z/2026-01-01T00:00:00Z",
            ),
            (
                Interval::retained(),
                Granularity::OneHour,
                "2025-12-25T13:00:00Z/2026-01-01T11:00:00Z",
            ),
            (
                Interval::retained(),
                Granularity::All,
                "2025-12-25T12:06:00Z/2026-01-01T11:59:00Z",
            ),
        ] {
            assert_eq!(
                resolved(interval, granularity, now).unwrap(),
                absolute,
                "{interval} by {granularity}"
            );
        }
    }

    #[test]
    fn text_forms_with_now_are_rounded_down_and_end_with_settled_buckets() {
        for (text, granularity, absolute) in [
            (
                "PT3H/now",
                Granularity::OneHour,
                "2026-01-01T09:00:00Z/2026-01-01T11:00:00Z",
            ),
            (
                "now-3h/now-2h",
                Granularity::OneHour,
                "2026-01-01T09:00:00Z/2026-01-01T10:00:00Z",
            ),
            (
                "now-1d/now",
                Granularity::SixHours,
                "2025-12-31T12:00:00Z/2026-01-01T06:00:00Z",
            ),
            (
                "now-2d/P1D",
                Granularity::OneDay,
                "2025-12-30T00:00:00Z/2025-12-31T00:00:00Z",
            ),
            (
                "2026-01-01T00:00:00Z/now",
                Granularity::OneHour,
                "2026-01-01T00:00:00Z/2026-01-01T11:00:00Z",
            ),
            (
                "now-90m/now",
                Granularity::All,
                "2026-01-01T10:32:00Z/2026-01-01T11:59:00Z",
            ),
        ] {
            let interval = text.parse().unwrap();
            assert_eq!(
                resolved(interval, granularity, "2026-01-01T12:02:59Z").unwrap(),
                absolute,
                "{text}"
            );
        }
    }

    #[test]
    fn attributes_have_no_buckets_and_are_sent_as_given() {
        for (text, absolute) in [
            (
                "2026-01-01T00:00:30.5Z/PT1S",
                "2026-01-01T00:00:30.500Z/2026-01-01T00:00:31.500Z",
            ),
            ("now-1h/now+1h", "2026-01-01T11:02:59Z/2026-01-01T13:02:59Z"),
            ("last/PT90M", "2026-01-01T10:29:00Z/2026-01-01T11:59:00Z"),
            (
                "last/PT90M@-PT1S",
                "2026-01-01T10:28:59Z/2026-01-01T11:58:59Z",
            ),
            ("retained", "2025-12-25T12:06:00Z/2026-01-01T11:59:00Z"),
            (
                "since/2026-01-01T11:00:01Z",
                "2026-01-01T11:00:01Z/2026-01-01T11:59:00Z",
            ),
            (
                "within/2026-01-01T11:00:01Z/2026-01-01T12:02:03Z",
                "2026-01-01T11:00:01Z/2026-01-01T12:02:03Z",
            ),
            ("since/2026-01-01T11:59:00Z", "nothing"),
        ] {
            let span = text
                .parse::<Interval>()
                .unwrap()
                .times(&clock("2026-01-01T12:02:59Z"))
                .unwrap();
            let found = span.map_or("nothing".to_owned(), |(start, end)| {
                format!("{start}/{end}")
            });
            assert_eq!(found, absolute, "{text}");
        }
    }

    #[test]
    fn ends_off_the_grid_are_refused_with_both_aligned_intervals() {
        for (text, granularity, why) in [
            (
                "2026-01-06T00:00:00-05:00/2026-01-07T00:00:00-05:00",
                Granularity::OneDay,
                "interval 2026-01-06T05:00:00Z/2026-01-07T05:00:00Z is not on bucket borders of P1D: \
                 use 2026-01-06T00:00:00Z/2026-01-07T00:00:00Z or 2026-01-07T00:00:00Z/2026-01-08T00:00:00Z, \
                 or Interval::within",
            ),
            (
                "2026-01-06T10:30:00Z/PT90M",
                Granularity::OneHour,
                "interval 2026-01-06T10:30:00Z/PT1H30M is not on bucket borders of PT1H: \
                 use 2026-01-06T10:00:00Z/2026-01-06T12:00:00Z or 2026-01-06T11:00:00Z/2026-01-06T12:00:00Z, \
                 or Interval::within",
            ),
            (
                "PT30S/2026-01-06T10:00:40Z",
                Granularity::OneMinute,
                "interval PT30S/2026-01-06T10:00:40Z is not on bucket borders of PT1M: \
                 use 2026-01-06T10:00:00Z/2026-01-06T10:01:00Z, or Interval::within",
            ),
            (
                "2026-01-06T10:00:00.001Z/2026-01-06T11:00:00Z",
                Granularity::All,
                "interval 2026-01-06T10:00:00.001Z/2026-01-06T11:00:00Z is not on whole minutes, the bucket borders of ALL: \
                 use 2026-01-06T10:00:00Z/2026-01-06T11:00:00Z or 2026-01-06T10:01:00Z/2026-01-06T11:00:00Z, \
                 or Interval::within",
            ),
            (
                "2026-01-06T10:30:00Z/now",
                Granularity::OneHour,
                "interval 2026-01-06T10:30:00Z/now is not on bucket borders of PT1H: \
                 use 2026-01-06T10:00:00Z/2026-01-08T12:00:00Z or 2026-01-06T11:00:00Z/2026-01-08T12:00:00Z, \
                 or Interval::within",
            ),
            (
                "last/PT1H@-PT30M",
                Granularity::OneHour,
                "interval last/PT1H@-PT30M is shifted by PT30M, which is not a multiple of PT1H",
            ),
            (
                "2026-01-06T10:00:00Z/PT1H@-PT30M",
                Granularity::OneHour,
                "interval 2026-01-06T10:00:00Z/PT1H@-PT30M is not on bucket borders of PT1H: \
                 use 2026-01-06T09:00:00Z/2026-01-06T10:00:00Z or 2026-01-06T10:00:00Z/2026-01-06T11:00:00Z, \
                 or Interval::within",
            ),
        ] {
            let interval = text.parse().unwrap();
            assert_eq!(
                resolved(interval, granularity, "2026-01-08T12:02:59Z").unwrap_err(),
                why
            );
        }
    }

    #[test]
    fn what_cannot_be_resolved_is_refused() {
        let at = at("2026-01-01T00:00:00Z");
        for (interval, why) in [
            (
                Interval::last_minutes(59),
                "last/PT59M is shorter than one bucket of PT1H",
            ),
            (
                Interval::last(Duration::ZERO),
                "last/PT0S is shorter than one bucket of PT1H",
            ),
            (
                Interval::between(at, at),
                "the interval 2026-01-01T00:00:00Z/2026-01-01T00:00:00Z ends at 2026-01-01T00:00:00Z, which is not after its start, 2026-01-01T00:00:00Z",
            ),
            (
                Interval::starting_at(at, Duration::from_nanos(999_999)),
                "the interval 2026-01-01T00:00:00Z/PT0.000999999S ends at 2026-01-01T00:00:00Z, which is not after its start, 2026-01-01T00:00:00Z",
            ),
            (
                Interval::within(at, Timestamp::UNIX_EPOCH),
                "interval within/2026-01-01T00:00:00Z/1970-01-01T00:00:00Z ends before its start",
            ),
            (
                Interval::ending_at(at, Duration::MAX),
                "the interval P213503982334601DT7H15.999999999S/2026-01-01T00:00:00Z reaches outside the years 0000 to 9999",
            ),
            (
                Interval::last_hours(1).shifted_back(Duration::from_secs(36_000_000 * 3600)),
                "the interval last/PT1H@-P1500000D reaches outside the years 0000 to 9999",
            ),
            (
                "now/now-4294967295d".parse().unwrap(),
                "the interval now/now-4294967295d reaches outside the years 0000 to 9999",
            ),
        ] {
            assert_eq!(
                resolved(interval, Granularity::OneHour, "2026-01-01T12:00:00Z").unwrap_err(),
                why
            );
        }
        let short = CallContext {
            retention: Duration::from_secs(3600),
            ..clock("2026-01-01T12:00:00Z")
        };
        assert_eq!(
            Interval::retained()
                .buckets(Granularity::OneDay, &short)
                .unwrap_err(),
            "the retention of PT1H holds no settled bucket of P1D"
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, why) in [
            (
                "now-1h",
                "a '/' between its two parts is missing, as in now-2h/now",
            ),
            ("now-1h/now/now", "it has more than one '/'"),
            ("P1D/PT1H", "it has two durations and no time"),
            (
                "now-1w/now",
                "its start, \"now-1w\": what follows 'now' is not an offset such as -2h or +30m",
            ),
            (
                "now-h/now",
                "its start, \"now-h\": what follows 'now' is not an offset such as -2h or +30m",
            ),
            (
                "now-1h-1h/now",
                "its start, \"now-1h-1h\": what follows 'now' is not an offset such as -2h or +30m",
            ),
            (
                "now|h-1h/now",
                "its start, \"now|h-1h\": the truncation is not |m, |h or |d",
            ),
            (
                "now-99999999999m/now",
                "its start, \"now-99999999999m\": the offset is too large",
            ),
            (
                "now-1d/tomorrow",
                "its end, \"tomorrow\": the year is not four digits",
            ),
            (
                "PT3D/now",
                "its duration, \"PT3D\": D stands before the T, as in P3D",
            ),
            (
                "P6H/now",
                "its duration, \"P6H\": H stands after a T, as in PT6H",
            ),
            (
                "P1M/now",
                "its duration, \"P1M\": years and months have no fixed length: use days, or PT…M for minutes",
            ),
            (
                "PT1.5H/now",
                "its duration, \"PT1.5H\": only seconds may have a fraction, of at most nine digits",
            ),
            (
                "PT.5S/now",
                "its duration, \"PT.5S\": no whole number stands before S",
            ),
            (
                "PT0.1234567890S/now",
                "its duration, \"PT0.1234567890S\": only seconds may have a fraction, of at most nine digits",
            ),
            ("last/1h", "its duration, \"1h\": a duration starts with P"),
            (
                "since/now-1h",
                "its start, \"now-1h\": the year is not four digits",
            ),
            (
                "since/2026-01-01T00:00Z/PT1H",
                "its start, \"2026-01-01T00:00Z/PT1H\": something follows the time",
            ),
            (
                "within/2026-01-01T00:00Z",
                "within has a start and an end: within/start/end",
            ),
            (
                "within/2026-01-01T00:00Z/now",
                "its end, \"now\": the year is not four digits",
            ),
            (
                "retained/P1D",
                "its start, \"retained\": the year is not four digits",
            ),
            (
                "retained@P1D",
                "a shift starts with @-, as in last/PT1H@-P1D",
            ),
            (
                "retained@-1d",
                "its shift, \"1d\": a duration starts with P",
            ),
            (
                "PT1M1H/now",
                "its duration, \"PT1M1H\": H stands twice or out of order",
            ),
            (
                "PTH/now",
                "its duration, \"PTH\": no whole number stands before H",
            ),
            (
                "PT1/now",
                "its duration, \"PT1\": a unit is missing at its end",
            ),
            (
                "P/now",
                "its duration, \"P\": a duration has at least one unit, such as PT1H",
            ),
            ("P1DT/now", "its duration, \"P1DT\": nothing follows the T"),
            (
                "PT1ü/now",
                "its duration, \"PT1ü\": '\\u{fc}' is not one of the units W, D, H, M, S",
            ),
            (
                "P99999999999999999W/now",
                "its duration, \"P99999999999999999W\": it is too long",
            ),
        ] {
            let error = text.parse::<Interval>().unwrap_err().to_string();
            assert_eq!(error, format!("\"{text}\" is not an interval: {why}"));
        }
    }
}
