use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::util::text::sanitize_line;

/// An instant in UTC, to the millisecond.
///
/// Parses and prints RFC 3339. What is printed ends in `Z`, without a fraction if it is zero.
/// What the command `date` prints is parsed as well: seconds may be missing (`2026-11-26T13:34Z`), an
/// offset may lack its colon (`+0530`), and a fraction may follow a comma.
/// Digits finer than a millisecond are cut, and a leap second (`:60`) is parsed as second 59.
/// The range is the years 0000 to 9999, which is what RFC 3339 can say.
///
/// ```
/// use confluent_metrics::Timestamp;
///
/// let at: Timestamp = "2026-01-01T05:30:00.25+05:30".parse()?;
/// assert_eq!(at.to_string(), "2026-01-01T00:00:00.250Z");
/// assert_eq!(at.as_second(), 1_767_225_600);
/// assert_eq!(Timestamp::from_second(1_767_225_600)?.to_string(), "2026-01-01T00:00:00Z");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    millisecond: i64,
}

const MIN_MILLISECOND: i64 = -62_167_219_200_000;
const MAX_MILLISECOND: i64 = 253_402_300_799_999;
const MILLIS_PER_DAY: i64 = 86_400_000;

impl Timestamp {
    /// The first instant: 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self {
        millisecond: MIN_MILLISECOND,
    };
    /// The last instant: 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self {
        millisecond: MAX_MILLISECOND,
    };

    /// The Unix epoch: 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self { millisecond: 0 };

    /// The instant so many seconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) outside the years 0000 to 9999.
    pub fn from_second(second: i64) -> Result<Self, Error> {
        second
            .checked_mul(1000)
            .and_then(Self::from_millisecond_checked)
            .ok_or_else(|| out_of_range(second, "seconds"))
    }

    /// The instant so many milliseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) outside the years 0000 to 9999.
    pub fn from_millisecond(millisecond: i64) -> Result<Self, Error> {
        Self::from_millisecond_checked(millisecond)
            .ok_or_else(|| out_of_range(millisecond, "milliseconds"))
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn as_second(self) -> i64 {
        self.millisecond.div_euclid(1000)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millisecond(self) -> i64 {
        self.millisecond
    }

    /// What the system's clock says.
    pub fn now() -> Self {
        // A clock outside the years 0000 to 9999 is broken; its nearest end keeps this function free of errors.
        Self::try_from(SystemTime::now()).unwrap_or(Self::MAX)
    }

    /// This instant and `duration` later; `None` past the year 9999. Digits finer than a millisecond are cut.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.millisecond
            .checked_add(whole_millis(duration)?)
            .and_then(Self::from_millisecond_checked)
    }

    /// This instant less `duration`; `None` before the year 0000. Digits finer than a millisecond are cut.
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        self.millisecond
            .checked_sub(whole_millis(duration)?)
            .and_then(Self::from_millisecond_checked)
    }

    /// The time from `earlier` to this instant; zero where `earlier` is later, as with [`std::time::Instant`].
    pub fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millisecond - earlier.millisecond).unwrap_or(0))
    }

    /// The start of the span of `width` milliseconds since 1970 that this instant lies in.
    pub(crate) fn floor_to_ms(self, width: i64) -> Self {
        Self {
            millisecond: (self.millisecond - self.millisecond.rem_euclid(width))
                .max(MIN_MILLISECOND),
        }
    }

    pub(crate) fn from_millisecond_checked(millisecond: i64) -> Option<Self> {
        (MIN_MILLISECOND..=MAX_MILLISECOND)
            .contains(&millisecond)
            .then_some(Self { millisecond })
    }

    /// Reads a time `HH:MM:SSZ` on the date of this instant, which `own` is the text of; `None` where `text` has another
    /// date or form.
    pub(crate) fn with_time_of_day(self, own: &[u8; 20], text: &[u8; 20]) -> Option<Self> {
        if own[..11] != text[..11] {
            return None;
        }
        let &[.., h1, h0, b':', m1, m0, b':', s1, s0, b'Z'] = text else {
            return None;
        };
        let pair = |tens: u8, ones: u8| {
            let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
            (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
        };
        let (hour, minute, second) = (pair(h1, h0)?, pair(m1, m0)?, pair(s1, s0)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let midnight = self.millisecond - self.millisecond.rem_euclid(MILLIS_PER_DAY);
        Some(Self {
            millisecond: midnight + (hour * 3600 + minute * 60 + second) * 1000,
        })
    }

    /// Reads RFC 3339, or says in a few words what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut rest = text.as_bytes();
        let year = digits(&mut rest, 4).ok_or("the year is not four digits")?;
        expect(&mut rest, b"-", "a '-' is missing after the year")?;
        let month = digits(&mut rest, 2)
            .filter(|m| (1..=12).contains(m))
            .ok_or("the month is not 01 to 12")?;
        expect(&mut rest, b"-", "a '-' is missing after the month")?;
        let day = digits(&mut rest, 2)
            .filter(|d| (1..=days_in_month(year, month)).contains(d))
            .ok_or("the month has no such day")?;
        expect(&mut rest, b"Tt ", "a 'T' is missing after the date")?;
        let hour = digits(&mut rest, 2)
            .filter(|h| *h <= 23)
            .ok_or("the hour is not 00 to 23")?;
        expect(&mut rest, b":", "a ':' is missing after the hour")?;
        let minute = digits(&mut rest, 2)
            .filter(|m| *m <= 59)
            .ok_or("the minute is not 00 to 59")?;
        let (second, milli) = if rest.first() == Some(&b':') {
            seconds(&mut rest)?
        } else {
            (0, 0)
        };
        let offset = offset_minutes(&mut rest)?;
        if !rest.is_empty() {
            return Err("something follows the time");
        }
        let day_millis = (hour * 3600 + minute * 60 + second.min(59)) * 1000 + milli;
        let millisecond =
            days_from_civil(year, month, day) * MILLIS_PER_DAY + day_millis - offset * 60_000;
        Self::from_millisecond_checked(millisecond).ok_or("it lies outside the years 0000 to 9999")
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Returns the instant that is `duration` later. Digits finer than a millisecond are cut.
    ///
    /// # Panics
    ///
    /// If the result is past the year 9999. [`checked_add`](Self::checked_add) returns `None` instead.
    fn add(self, duration: Duration) -> Self {
        self.checked_add(duration)
            .expect("timestamp past the year 9999")
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// Returns the instant that is `duration` earlier. Digits finer than a millisecond are cut.
    ///
    /// # Panics
    ///
    /// If the result is before the year 0000. [`checked_sub`](Self::checked_sub) returns `None` instead.
    fn sub(self, duration: Duration) -> Self {
        self.checked_sub(duration)
            .expect("timestamp before the year 0000")
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|why| {
            Error::invalid_input(format!(
                "\"{}\" is not an RFC 3339 time: {why}",
                sanitize_line(text, 60)
            ))
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.millisecond.div_euclid(MILLIS_PER_DAY));
        let millis = self.millisecond.rem_euclid(MILLIS_PER_DAY);
        let (hour, minute, second) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
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
            // Before 1970 a cut has to go down, away from zero, or two instants would swap their order.
            Err(before) => i64::try_from(before.duration().as_nanos().div_ceil(1_000_000))
                .ok()
                .map(|ms| -ms),
        };
        millisecond
            .and_then(Self::from_millisecond_checked)
            .ok_or_else(|| {
                Error::invalid_input("the system time lies outside the years 0000 to 9999")
            })
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

fn out_of_range(number: i64, unit: &str) -> Error {
    Error::invalid_input(format!(
        "{number} {unit} since 1970 lie outside the years 0000 to 9999"
    ))
}

fn whole_millis(duration: Duration) -> Option<i64> {
    i64::try_from(duration.as_millis()).ok()
}

fn expect(rest: &mut &[u8], one_of: &[u8], why: &'static str) -> Result<(), &'static str> {
    match rest.split_first() {
        Some((first, tail)) if one_of.contains(first) => {
            *rest = tail;
            Ok(())
        }
        _ => Err(why),
    }
}

/// Takes exactly `count` ASCII digits.
fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(count)?;
    let mut number = 0;
    for byte in head {
        number = number * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    *rest = tail;
    Some(number)
}

/// Takes the seconds after their colon, and their fraction in milliseconds.
fn seconds(rest: &mut &[u8]) -> Result<(i64, i64), &'static str> {
    expect(rest, b":", "a ':' is missing after the minute")?;
    let second = digits(rest, 2)
        .filter(|s| *s <= 60)
        .ok_or("the second is not 00 to 60")?;
    Ok((second, fraction(rest)?))
}

/// The fraction of a second in milliseconds; finer digits are read and cut.
fn fraction(rest: &mut &[u8]) -> Result<i64, &'static str> {
    // `date --iso-8601=ns` prints a comma, as ISO 8601 prefers.
    let Some((b'.' | b',', tail)) = rest.split_first() else {
        return Ok(0);
    };
    let count = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return Err("no digit follows the decimal point");
    }
    let (fraction, after) = tail.split_at(count);
    *rest = after;
    let place = |at: usize| fraction.get(at).map_or(0, |byte| i64::from(byte - b'0'));
    Ok(place(0) * 100 + place(1) * 10 + place(2))
}

fn offset_minutes(rest: &mut &[u8]) -> Result<i64, &'static str> {
    let Some((sign, tail)) = rest.split_first() else {
        return Err("the offset is missing: end it with 'Z'");
    };
    *rest = tail;
    let sign = match sign {
        b'Z' | b'z' => return Ok(0),
        b'+' => 1,
        b'-' => -1,
        _ => return Err("the offset is missing: end it with 'Z'"),
    };
    let hours = digits(rest, 2)
        .filter(|h| *h <= 23)
        .ok_or("the offset's hours are not 00 to 23")?;
    // `date +%z` prints no colon.
    if let Some((b':', tail)) = rest.split_first() {
        *rest = tail;
    }
    let minutes = digits(rest, 2)
        .filter(|m| *m <= 59)
        .ok_or("the offset's minutes are not 00 to 59")?;
    Ok(sign * (hours * 60 + minutes))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, by the method that counts years from March,
/// so that the leap day is the last of a year (http://howardhinnant.github.io/date_algorithms.html).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`]: year, month and day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = days.div_euclid(146_097) * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
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
    fn what_date_prints_is_parsed() {
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
            ("", "the year is not four digits"),
            ("26-01-01", "the year is not four digits"),
            ("20260101T000000Z", "a '-' is missing after the year"),
            ("2026-00-01T00:00:00Z", "the month is not 01 to 12"),
            ("2026-02-29T00:00:00Z", "the month has no such day"),
            ("2100-02-29T00:00:00Z", "the month has no such day"),
            ("2026-01-01", "a 'T' is missing after the date"),
            ("2026-01-01T24:00:00Z", "the hour is not 00 to 23"),
            ("2026-01-01T00:60:00Z", "the minute is not 00 to 59"),
            ("2026-01-01T00:00:61Z", "the second is not 00 to 60"),
            ("2026-01-01T00:00", "the offset is missing: end it with 'Z'"),
            (
                "2026-01-01T00:00.5Z",
                "the offset is missing: end it with 'Z'",
            ),
            ("2026-01-01T00:00:Z", "the second is not 00 to 60"),
            (
                "2026-01-01T00:00:00",
                "the offset is missing: end it with 'Z'",
            ),
            (
                "2026-01-01T00:00:00.Z",
                "no digit follows the decimal point",
            ),
            (
                "2026-01-01T00:00:00+24:00",
                "the offset's hours are not 00 to 23",
            ),
            (
                "2026-01-01T00:00:00+053",
                "the offset's minutes are not 00 to 59",
            ),
            (
                "2026-01-01T00:00:00+0560",
                "the offset's minutes are not 00 to 59",
            ),
            (
                "2026-01-01T00:00:00+05:",
                "the offset's minutes are not 00 to 59",
            ),
            ("2026-01-01T00:00:00Z ", "something follows the time"),
            (
                "0000-01-01T00:00:00+00:01",
                "it lies outside the years 0000 to 9999",
            ),
            ("２026-01-01T00:00:00Z", "the year is not four digits"),
        ] {
            assert_eq!(Timestamp::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn converts_to_and_from_the_system_clock() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_nanos(1);
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
