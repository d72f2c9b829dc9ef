//! The timestamps of points, intervals and requests.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::serde_text;
use crate::time::rfc3339;
use crate::util::text::quote;

/// An instant in UTC with millisecond precision.
///
/// Parses and prints [RFC 3339](https://datatracker.ietf.org/doc/html/rfc3339). The range is the
/// years 0000 to 9999.
///
/// Printed times end in `Z`, and have a fraction only if it is not zero. Parsing also accepts the
/// output of the `date` command: seconds may be missing (`2026-11-26T13:34Z`), an offset may lack
/// its colon (`+0530`), and a fraction may follow a comma. Digits beyond the millisecond are
/// dropped, and a leap second (`:60`) is parsed as second 59.
///
/// # Example: parsing and printing
///
/// ```
/// use confluent_metrics::Timestamp;
///
/// let at: Timestamp = "2026-01-01T05:30:00.25+05:30".parse()?;
/// assert_eq!(at.to_string(), "2026-01-01T00:00:00.250Z");
/// assert_eq!(at.as_second(), 1_767_225_600);
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
///
/// # Example: arithmetic
///
/// ```
/// use std::time::Duration;
///
/// use confluent_metrics::Timestamp;
///
/// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let end = start + Duration::from_secs(3600);
/// assert_eq!(end.to_string(), "2026-01-01T01:00:00Z");
/// assert_eq!(end.duration_since(start), Duration::from_secs(3600));
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Milliseconds since the Unix epoch, between the minimum and the maximum below.
    millisecond: i64,
}

/// 0000-01-01T00:00:00Z, since RFC 3339 has years of four digits.
const MIN_MILLISECOND: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
const MAX_MILLISECOND: i64 = 253_402_300_799_999;
/// The length of a day. Unix time counts no leap seconds.
pub(crate) const MILLIS_PER_DAY: i64 = 86_400_000;

impl Timestamp {
    /// The first instant: 0000-01-01T00:00:00Z.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics::Timestamp;
    ///
    /// assert_eq!(Timestamp::MIN.checked_sub(Duration::from_secs(1)), None);
    /// ```
    pub const MIN: Self = Self {
        millisecond: MIN_MILLISECOND,
    };
    /// The last instant: 9999-12-31T23:59:59.999Z.
    ///
    /// ```
    /// use std::time::Duration;
    /// use confluent_metrics::Timestamp;
    ///
    /// assert_eq!(Timestamp::MAX.checked_add(Duration::from_secs(1)), None);
    /// ```
    pub const MAX: Self = Self {
        millisecond: MAX_MILLISECOND,
    };

    /// The Unix epoch: 1970-01-01T00:00:00Z.
    ///
    /// ```
    /// use confluent_metrics::Timestamp;
    ///
    /// let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// assert_eq!(start.duration_since(Timestamp::UNIX_EPOCH).as_secs(), 1_767_225_600);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const UNIX_EPOCH: Self = Self { millisecond: 0 };

    /// Creates a timestamp from seconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) outside the years 0000 to 9999.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::Timestamp;
    ///
    /// let at = Timestamp::from_second(1_767_225_600)?;
    /// assert_eq!(at.to_string(), "2026-01-01T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn from_second(second: i64) -> Result<Self, Error> {
        second
            .checked_mul(1000)
            .and_then(Self::from_millisecond_checked)
            .ok_or_else(|| out_of_range(second, "seconds"))
    }

    /// Creates a timestamp from milliseconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) outside the years 0000 to 9999.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::Timestamp;
    ///
    /// let at = Timestamp::from_millisecond(1_500)?;
    /// assert_eq!(at.to_string(), "1970-01-01T00:00:01.500Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn from_millisecond(millisecond: i64) -> Result<Self, Error> {
        Self::from_millisecond_checked(millisecond)
            .ok_or_else(|| out_of_range(millisecond, "milliseconds"))
    }

    /// Returns the seconds since the Unix epoch, rounded down.
    ///
    /// ```
    /// use confluent_metrics::Timestamp;
    ///
    /// let at: Timestamp = "1970-01-01T00:00:01.500Z".parse()?;
    /// assert_eq!(at.as_second(), 1);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn as_second(self) -> i64 {
        self.millisecond.div_euclid(1000)
    }

    /// Returns the milliseconds since the Unix epoch.
    ///
    /// ```
    /// use confluent_metrics::Timestamp;
    ///
    /// let at: Timestamp = "1970-01-01T00:00:01.500Z".parse()?;
    /// assert_eq!(at.as_millisecond(), 1_500);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn as_millisecond(self) -> i64 {
        self.millisecond
    }

    /// Returns the current time of the system clock.
    ///
    /// ```
    /// use confluent_metrics::Timestamp;
    ///
    /// assert!(Timestamp::now() > Timestamp::UNIX_EPOCH);
    /// ```
    pub fn now() -> Self {
        // A clock beyond the year 9999 is broken. The maximum spares every caller an error.
        Self::try_from(SystemTime::now()).unwrap_or(Self::MAX)
    }

    /// Adds `duration`, or returns `None` if the result is past the year 9999.
    ///
    /// Digits of `duration` beyond the millisecond are dropped.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Timestamp;
    ///
    /// assert_eq!(Timestamp::MAX.checked_add(Duration::from_secs(1)), None);
    /// ```
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.millisecond
            .checked_add(whole_millis(duration)?)
            .and_then(Self::from_millisecond_checked)
    }

    /// Subtracts `duration`, or returns `None` if the result is before the year 0000.
    ///
    /// Digits of `duration` beyond the millisecond are dropped.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Timestamp;
    ///
    /// assert_eq!(Timestamp::MIN.checked_sub(Duration::from_secs(1)), None);
    /// ```
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        self.millisecond
            .checked_sub(whole_millis(duration)?)
            .and_then(Self::from_millisecond_checked)
    }

    /// Returns the time from `earlier` to this instant.
    ///
    /// If `earlier` is later than this instant, the result is zero, as with
    /// [`std::time::Instant::duration_since`].
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Timestamp;
    ///
    /// let minute = Timestamp::from_second(60)?;
    /// assert_eq!(minute.duration_since(Timestamp::UNIX_EPOCH), Duration::from_secs(60));
    /// assert_eq!(Timestamp::UNIX_EPOCH.duration_since(minute), Duration::ZERO);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn duration_since(self, earlier: Self) -> Duration {
        // Both are in the years 0000 to 9999, so that the difference does not overflow.
        match self.millisecond - earlier.millisecond {
            difference @ 0.. => Duration::from_millis(difference.unsigned_abs()),
            _ => Duration::ZERO,
        }
    }

    /// Rounds down to a multiple of `width` milliseconds since the Unix epoch.
    pub(crate) fn floor_to_ms(self, width: i64) -> Self {
        Self {
            // `rem_euclid` rounds times before 1970 down as well, unlike the operator `%`.
            millisecond: (self.millisecond - self.millisecond.rem_euclid(width))
                .max(MIN_MILLISECOND),
        }
    }

    /// Creates a timestamp from milliseconds, or returns `None` if it is out of range.
    pub(crate) fn from_millisecond_checked(millisecond: i64) -> Option<Self> {
        (MIN_MILLISECOND..=MAX_MILLISECOND)
            .contains(&millisecond)
            .then_some(Self { millisecond })
    }

    /// Parses RFC 3339, or returns a short description of the problem.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let millisecond = rfc3339::parse_millis(text)?;
        Self::from_millisecond_checked(millisecond).ok_or("out of range (years 0000 to 9999)")
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Returns the instant that is `duration` later.
    ///
    /// Digits of `duration` beyond the millisecond are dropped.
    ///
    /// # Panics
    ///
    /// If the result is past the year 9999. [`checked_add`](Self::checked_add) returns `None`
    /// instead.
    fn add(self, duration: Duration) -> Self {
        self.checked_add(duration)
            .expect("timestamp past the year 9999")
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// Returns the instant that is `duration` earlier.
    ///
    /// Digits of `duration` beyond the millisecond are dropped.
    ///
    /// # Panics
    ///
    /// If the result is before the year 0000. [`checked_sub`](Self::checked_sub) returns `None`
    /// instead.
    fn sub(self, duration: Duration) -> Self {
        self.checked_sub(duration)
            .expect("timestamp before the year 0000")
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// Returns the time from `earlier` to this instant, as [`duration_since`](Self::duration_since)
    /// does: zero if `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Parses RFC 3339 and the output of the `date` command.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming the first part that is wrong.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|why| {
            let text = quote(text, 60);
            Error::invalid_input(format!("invalid RFC 3339 timestamp {text}: {why}"))
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) =
            rfc3339::civil_from_days(self.millisecond.div_euclid(MILLIS_PER_DAY));
        let millis = self.millisecond.rem_euclid(MILLIS_PER_DAY);
        let hour = millis / 3_600_000;
        let minute = millis / 60_000 % 60;
        let second = millis / 1000 % 60;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match millis % 1000 {
            0 => f.write_str("Z"),
            fraction => write!(f, ".{fraction:03}Z"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = Error;

    fn try_from(time: SystemTime) -> Result<Self, Error> {
        let millisecond = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => whole_millis(after),
            // Before the epoch, round away from zero. Otherwise two instants would swap their
            // order.
            Err(before) => i64::try_from(before.duration().as_nanos().div_ceil(1_000_000))
                .ok()
                .map(|ms| -ms),
        };
        millisecond
            .and_then(Self::from_millisecond_checked)
            .ok_or_else(|| Error::invalid_input("system time is out of range (years 0000 to 9999)"))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(at: Timestamp) -> Self {
        let distance = Duration::from_millis(at.millisecond.unsigned_abs());
        if at.millisecond < 0 {
            Self::UNIX_EPOCH - distance
        } else {
            Self::UNIX_EPOCH + distance
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// Deserializes the text that [`FromStr`] parses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

/// Returns the error of a number that is not in the years 0000 to 9999.
fn out_of_range(number: i64, unit: &str) -> Error {
    Error::invalid_input(format!(
        "{number} {unit} since the Unix epoch is out of range (years 0000 to 9999)"
    ))
}

/// Returns the milliseconds of a duration, rounded down, or `None` if they exceed `i64`.
fn whole_millis(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_and_prints_one() {
        for (text, printed) in [
            ("2022-04-21T15:10:00Z", "2022-04-21T15:10:00Z"),
            ("2019-10-17T20:17:00.000Z", "2019-10-17T20:17:00Z"),
            ("2019-10-17t20:17:00.5z", "2019-10-17T20:17:00.500Z"),
            ("2019-10-17 20:17:00.0019999Z", "2019-10-17T20:17:00.001Z"),
            ("2026-01-01T05:30:00+05:30", "2026-01-01T00:00:00Z"),
            ("2025-12-31T16:00:00-08:00", "2026-01-01T00:00:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00Z"),
            ("2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(
                text.parse::<Timestamp>().unwrap().to_string(),
                printed,
                "{text}"
            );
        }
    }

    #[test]
    fn every_day_of_400_years_follows_the_one_before_it() {
        // The Gregorian calendar repeats after 400 years.
        let mut days = 0;
        for year in 1970..2370 {
            let is_leap = year % 4 == 0 && ![2100, 2200, 2300].contains(&year);
            let february = if is_leap { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1..).zip(lengths) {
                for day in 1..=length {
                    let text = format!("{year}-{month:02}-{day:02}T00:00:00Z");
                    let time = Timestamp::from_second(days * 86_400).unwrap();
                    assert_eq!(Timestamp::parse(&text), Ok(time), "{text}");
                    assert_eq!(time.to_string(), text);
                    days += 1;
                }
                let text = format!("{year}-{month:02}-{:02}T00:00:00Z", length + 1);
                assert!(Timestamp::parse(&text).is_err(), "{text}");
            }
        }
        assert_eq!(days, 146_097);
    }

    #[test]
    fn the_output_of_date_is_parsed() {
        for (text, printed) in [
            ("2026-11-26T13:34Z", "2026-11-26T13:34:00Z"),
            ("2026-11-26t13:34z", "2026-11-26T13:34:00Z"),
            ("2026-11-26T13:34+00:00", "2026-11-26T13:34:00Z"),
            ("2026-11-26T13:34+0000", "2026-11-26T13:34:00Z"),
            ("2026-11-26T13:34:56+0530", "2026-11-26T08:04:56Z"),
            ("2026-11-26T13:34:56-1100", "2026-11-27T00:34:56Z"),
            ("2026-11-26 13:34:56.5-0000", "2026-11-26T13:34:56.500Z"),
            (
                "2026-11-26T13:34:56,123456789+00:00",
                "2026-11-26T13:34:56.123Z",
            ),
        ] {
            assert_eq!(
                text.parse::<Timestamp>().unwrap().to_string(),
                printed,
                "{text}"
            );
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in [
            ("", "expected a four-digit year"),
            ("26-01-01", "expected a four-digit year"),
            ("20260101T000000Z", "expected `-` after the year"),
            ("2026-00-01T00:00:00Z", "month must be 01 to 12"),
            ("2026-02-29T00:00:00Z", "day is out of range for the month"),
            ("2100-02-29T00:00:00Z", "day is out of range for the month"),
            ("2026-01-01", "expected `T` after the date"),
            ("2026-01-01T24:00:00Z", "hour must be 00 to 23"),
            ("2026-01-01T00:60:00Z", "minute must be 00 to 59"),
            ("2026-01-01T00:00:61Z", "second must be 00 to 60"),
            (
                "2026-01-01T00:00",
                "missing UTC offset: expected `Z` or `+hh:mm`",
            ),
            (
                "2026-01-01T00:00.5Z",
                "missing UTC offset: expected `Z` or `+hh:mm`",
            ),
            ("2026-01-01T00:00:Z", "second must be 00 to 60"),
            (
                "2026-01-01T00:00:00",
                "missing UTC offset: expected `Z` or `+hh:mm`",
            ),
            ("2026-01-01T00:00:00.Z", "expected a digit after `.`"),
            ("2026-01-01T00:00:00+24:00", "offset hours must be 00 to 23"),
            ("2026-01-01T00:00:00+053", "offset minutes must be 00 to 59"),
            (
                "2026-01-01T00:00:00+0560",
                "offset minutes must be 00 to 59",
            ),
            ("2026-01-01T00:00:00+05:", "offset minutes must be 00 to 59"),
            ("2026-01-01T00:00:00Z ", "unexpected text after the time"),
            (
                "0000-01-01T00:00:00+00:01",
                "out of range (years 0000 to 9999)",
            ),
            ("２026-01-01T00:00:00Z", "expected a four-digit year"),
        ] {
            assert_eq!(Timestamp::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn converts_to_and_from_the_system_clock() {
        // The tick of the clock of Windows.
        let before = SystemTime::UNIX_EPOCH - Duration::from_nanos(100);
        assert_eq!(Timestamp::try_from(before).unwrap().as_millisecond(), -1);
        assert_eq!(Timestamp::try_from(before).unwrap().as_second(), -1);
        let at = Timestamp::from_millisecond(-1500).unwrap();
        assert_eq!(Timestamp::try_from(SystemTime::from(at)).unwrap(), at);
        assert!(Timestamp::now() > "2026-01-01T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn arithmetic_stays_in_range() {
        assert_eq!(Timestamp::MAX.checked_add(Duration::from_millis(1)), None);
        assert_eq!(Timestamp::MIN.checked_sub(Duration::MAX), None);
        assert!(Timestamp::from_second(i64::MAX).is_err());
        let hour = Duration::from_secs(3600);
        assert_eq!(
            (Timestamp::UNIX_EPOCH + hour).to_string(),
            "1970-01-01T01:00:00Z"
        );
        assert_eq!(
            (Timestamp::UNIX_EPOCH - hour).to_string(),
            "1969-12-31T23:00:00Z"
        );
        let at = Timestamp::from_second(90).unwrap();
        assert_eq!(at.floor_to_ms(60_000).as_second(), 60);
        assert_eq!(
            at.checked_sub(Duration::from_secs(91))
                .unwrap()
                .floor_to_ms(60_000)
                .as_second(),
            -60
        );
        assert_eq!(
            Timestamp::from_second(60).unwrap().duration_since(at),
            Duration::ZERO
        );
        assert_eq!(
            at.duration_since(Timestamp::from_second(60).unwrap()),
            Duration::from_secs(30)
        );
    }
}
