//! One end of an interval: an absolute time, or an expression relative to now.

use std::fmt;
use std::time::Duration;

use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;

/// A time, or `now` with one offset and one truncation, applied in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TimeExpr {
    At(Timestamp),
    Now {
        offset: Option<Offset>,
        truncate: Option<Unit>,
    },
}

/// The distance from now, as in `now-2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Offset {
    sign: Sign,
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sign {
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unit {
    Minute,
    Hour,
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
    fn parse(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected an offset such as -2h or +30m after `now`";
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (Sign::Plus, rest),
            Some(("-", rest)) => (Sign::Minus, rest),
            _ => return Err(EXPECTED.into()),
        };
        let count = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = Unit::parse(&rest[count.len()..]).ok_or(EXPECTED)?;
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EXPECTED.into());
        }
        let count = count.parse().map_err(|_| "the offset is too large")?;
        Ok(Self { sign, count, unit })
    }

    fn apply(self, now: Timestamp) -> Option<Timestamp> {
        let distance = self.unit.duration().checked_mul(self.count)?;
        match self.sign {
            Sign::Plus => now.checked_add(distance),
            Sign::Minus => now.checked_sub(distance),
        }
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

    const fn letter(self) -> char {
        match self {
            Self::Minute => 'm',
            Self::Hour => 'h',
            Self::Day => 'd',
        }
    }

    const fn granularity(self) -> Granularity {
        match self {
            Self::Minute => Granularity::OneMinute,
            Self::Hour => Granularity::OneHour,
            Self::Day => Granularity::OneDay,
        }
    }

    fn duration(self) -> Duration {
        self.granularity().grid()
    }
}
