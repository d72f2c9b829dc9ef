//! One end of an interval: an absolute time, or an expression relative to now.
//!
//! ```text
//! text          at 2026-01-01T12:34:56Z
//! now           2026-01-01T12:34:56Z
//! now-2h        2026-01-01T10:34:56Z
//! now-1d|d      2025-12-31T00:00:00Z
//! ```

use std::fmt;
use std::time::Duration;

use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;

/// A time, or `now` with one offset and one truncation, applied in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TimeExpr {
    /// An absolute time.
    At(Timestamp),
    /// A time relative to the clock.
    Now {
        /// The distance from now, if any.
        offset: Option<Offset>,
        /// The unit that the moved time is rounded down to, if any.
        truncate: Option<Unit>,
    },
}

/// The distance from now, as in `now-2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Offset {
    /// The direction from now.
    sign: Sign,
    /// The number of units.
    count: u32,
    /// The unit of the distance.
    unit: Unit,
}

/// The direction of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sign {
    /// Into the future.
    Plus,
    /// Into the past.
    Minus,
}

/// A unit of time with a fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    /// `m`: 60 seconds.
    Minute,
    /// `h`: 60 minutes.
    Hour,
    /// `d`: 24 hours. Truncated days start at midnight UTC.
    Day,
}

impl TimeExpr {
    /// Parses an RFC 3339 time or an expression such as `now-2h|h`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("now") else {
            return Timestamp::parse(text).map(Self::At).map_err(str::to_owned);
        };
        let (offset, unit) = match rest.split_once('|') {
            Some((offset, unit)) => (offset, Some(unit)),
            None => (rest, None),
        };
        let truncate = match unit {
            Some(unit) => {
                Some(Unit::parse(unit).ok_or("invalid truncation: expected |m, |h or |d")?)
            }
            None => None,
        };
        let offset = if offset.is_empty() {
            None
        } else {
            Some(Offset::parse(offset)?)
        };
        Ok(Self::Now { offset, truncate })
    }

    /// Returns true if the time depends on the clock.
    pub(crate) const fn is_now(self) -> bool {
        matches!(self, Self::Now { .. })
    }

    /// Returns the absolute time, or `None` if it is out of range.
    pub(crate) fn resolve(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Now { offset, truncate } => {
                let moved = match offset {
                    Some(offset) => offset.apply(now)?,
                    None => now,
                };
                // The offset is first: `now-1h|h` is the start of the hour one hour ago.
                Some(truncate.map_or(moved, |unit| unit.granularity().floor(moved)))
            }
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
        if let Some(Offset { sign, count, unit }) = offset {
            let sign = match sign {
                Sign::Plus => '+',
                Sign::Minus => '-',
            };
            write!(f, "{sign}{count}{}", unit.letter())?;
        }
        if let Some(unit) = truncate {
            write!(f, "|{}", unit.letter())?;
        }
        Ok(())
    }
}

impl Offset {
    /// Parses a sign, a number and a unit: `-2h`.
    fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected an offset such as -2h or +30m after `now`";
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (Sign::Plus, rest),
            Some(("-", rest)) => (Sign::Minus, rest),
            _ => return Err(EXPECTED.into()),
        };
        // The digits are checked, because the number parser would accept a second sign.
        let count = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = Unit::parse(&rest[count.len()..]).ok_or(EXPECTED)?;
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EXPECTED.into());
        }
        let count = count.parse().map_err(|_| "the offset is too large")?;
        Ok(Self { sign, count, unit })
    }

    /// Returns the time at this distance from `now`, or `None` if it is out of range.
    fn apply(self, now: Timestamp) -> Option<Timestamp> {
        let distance = self.unit.duration().checked_mul(self.count)?;
        match self.sign {
            Sign::Plus => now.checked_add(distance),
            Sign::Minus => now.checked_sub(distance),
        }
    }
}

impl Unit {
    /// Parses the letter of a unit.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "m" => Some(Self::Minute),
            "h" => Some(Self::Hour),
            "d" => Some(Self::Day),
            _ => None,
        }
    }

    /// Returns the letter of the unit in text.
    const fn letter(self) -> char {
        match self {
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
        }
    }

    /// Returns the granularity with buckets of this width, whose borders truncation uses.
    const fn granularity(self) -> Granularity {
        match self {
            Self::Minute => Granularity::OneMinute,
            Self::Hour => Granularity::OneHour,
            Self::Day => Granularity::OneDay,
        }
    }

    /// Returns the length of the unit.
    fn duration(self) -> Duration {
        self.granularity().grid()
    }
}
