//! Granularities, and the grid of their bucket borders.
//!
//! All borders are multiples of the width since the Unix epoch, so a bucket of a day starts at
//! midnight UTC. No border depends on a time zone or on the interval of a query.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::serde_text;
use crate::time::timestamp::Timestamp;

/// The width of a time bucket. Buckets are aligned to UTC.
///
/// Mirrors the `granularity` of the vendor's
/// [query](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1query/post).
///
/// # Example: sums by hour
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query};
///
/// let metric = "io.confluent.kafka.server/received_bytes";
/// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6));
/// # let _ = query;
/// ```
///
/// # Example: parsing and printing
///
/// ```
/// use confluent_metrics::Granularity;
///
/// let granularity: Granularity = "PT5M".parse()?;
/// assert_eq!(granularity, Granularity::FiveMinutes);
/// assert_eq!(granularity.to_string(), "PT5M");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "step")]
#[doc(alias = "resolution")]
#[doc(alias = "rollup")]
#[non_exhaustive]
pub enum Granularity {
    /// `PT1M`, for intervals of at most 6 hours each.
    OneMinute,
    /// `PT5M`, for intervals of at most one day each.
    FiveMinutes,
    /// `PT15M`, for intervals of at most 4 days each.
    FifteenMinutes,
    /// `PT30M`, for intervals of at most 7 days each.
    ThirtyMinutes,
    /// `PT1H`.
    OneHour,
    /// `PT4H`.
    FourHours,
    /// `PT6H`.
    SixHours,
    /// `PT12H`.
    TwelveHours,
    /// `P1D`.
    OneDay,
    /// `ALL`: one bucket that covers all intervals.
    All,
}

/// The name, the width of a bucket, and the longest interval of one request.
type Row = (&'static str, Option<Duration>, Option<Duration>);

// `All` is the last variant, so a variant that is missing in `VARIANTS` does not compile.
const _: () = assert!(Granularity::VARIANTS.len() == Granularity::All as usize + 1);

impl Granularity {
    /// All granularities, the finest first and [`All`](Self::All) last.
    ///
    /// ```
    /// use confluent_metrics::Granularity;
    ///
    /// let names: Vec<_> = Granularity::VARIANTS.iter().map(|g| g.as_str()).collect();
    /// assert_eq!(names.join(" "), "PT1M PT5M PT15M PT30M PT1H PT4H PT6H PT12H P1D ALL");
    /// ```
    pub const VARIANTS: &'static [Self] = &[
        Self::OneMinute,
        Self::FiveMinutes,
        Self::FifteenMinutes,
        Self::ThirtyMinutes,
        Self::OneHour,
        Self::FourHours,
        Self::SixHours,
        Self::TwelveHours,
        Self::OneDay,
        Self::All,
    ];

    /// Returns the row of this granularity in the vendor's table.
    const fn row(self) -> Row {
        match self {
            Self::OneMinute => ("PT1M", Some(minutes(1)), Some(hours(6))),
            Self::FiveMinutes => ("PT5M", Some(minutes(5)), Some(hours(24))),
            Self::FifteenMinutes => ("PT15M", Some(minutes(15)), Some(hours(4 * 24))),
            Self::ThirtyMinutes => ("PT30M", Some(minutes(30)), Some(hours(7 * 24))),
            Self::OneHour => ("PT1H", Some(hours(1)), None),
            Self::FourHours => ("PT4H", Some(hours(4)), None),
            Self::SixHours => ("PT6H", Some(hours(6)), None),
            Self::TwelveHours => ("PT12H", Some(hours(12)), None),
            Self::OneDay => ("P1D", Some(hours(24)), None),
            Self::All => ("ALL", None, None),
        }
    }

    /// Returns the name that the service uses.
    ///
    /// ```
    /// use confluent_metrics::Granularity;
    ///
    /// assert_eq!(Granularity::OneDay.as_str(), "P1D");
    /// ```
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// Returns the width of a bucket.
    ///
    /// Returns `None` for [`All`](Self::All), whose one bucket is as wide as the query.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Granularity;
    ///
    /// assert_eq!(Granularity::OneHour.duration(), Some(Duration::from_secs(3600)));
    /// assert_eq!(Granularity::All.duration(), None);
    /// ```
    pub const fn duration(self) -> Option<Duration> {
        self.row().1
    }

    /// Returns the longest interval that the service accepts in one request.
    ///
    /// Returns `None` if the service sets no bound. The client splits a query over a longer
    /// interval into several requests.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::Granularity;
    ///
    /// let six_hours = Duration::from_secs(6 * 3600);
    /// assert_eq!(Granularity::OneMinute.max_interval(), Some(six_hours));
    /// assert_eq!(Granularity::OneHour.max_interval(), None);
    /// ```
    pub const fn max_interval(self) -> Option<Duration> {
        self.row().2
    }

    /// Returns the latest bucket border at or before `at`.
    ///
    /// Borders are on the UTC grid. With [`All`](Self::All) they are full minutes.
    ///
    /// # Example: the UTC day of a time
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Timestamp};
    ///
    /// let noon: Timestamp = "2026-01-06T12:00:00-05:00".parse()?;
    /// let start = Granularity::OneDay.floor(noon);
    /// assert_eq!(start.to_string(), "2026-01-06T00:00:00Z");
    /// let day = Interval::between(start, Granularity::OneDay.ceil(noon));
    /// assert_eq!(day.to_string(), "2026-01-06T00:00:00Z/2026-01-07T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn floor(self, at: Timestamp) -> Timestamp {
        // Widths divide a day and Unix time has no leap seconds, so a remainder is enough.
        at.floor_to_ms(millis(self.grid()))
    }

    /// Returns the earliest bucket border at or after `at`.
    ///
    /// Borders are on the UTC grid. With [`All`](Self::All) they are full minutes. In the last
    /// bucket of the year 9999 it is [`Timestamp::MAX`].
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Timestamp};
    ///
    /// let deploy: Timestamp = "2026-01-06T12:34:56Z".parse()?;
    /// assert_eq!(Granularity::OneMinute.ceil(deploy).to_string(), "2026-01-06T12:35:00Z");
    /// assert_eq!(Granularity::OneHour.ceil(deploy).to_string(), "2026-01-06T13:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn ceil(self, at: Timestamp) -> Timestamp {
        let floor = self.floor(at);
        if floor == at {
            at
        } else {
            floor.checked_add(self.grid()).unwrap_or(Timestamp::MAX)
        }
    }

    /// Returns the distance between two bucket borders.
    ///
    /// With [`All`](Self::All) it is one minute, the finest unit of the service.
    pub(crate) fn grid(self) -> Duration {
        self.duration().unwrap_or(minutes(1))
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Granularity {
    type Err = Error;

    /// Parses a name that the service uses: `PT1M` to `P1D`, or `ALL`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("granularity", Self::VARIANTS, Self::as_str, text)
    }
}

impl Serialize for Granularity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Granularity {
    /// Deserializes the text that [`FromStr`] parses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

impl TryFrom<Duration> for Granularity {
    type Error = Error;

    /// Returns the granularity whose buckets are `width` wide.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if no bucket has that width.
    fn try_from(width: Duration) -> Result<Self, Error> {
        for granularity in Self::VARIANTS {
            if granularity.duration() == Some(width) {
                return Ok(*granularity);
            }
        }
        Err(Error::invalid_input(format!(
            "invalid bucket width {width:?}: expected the width of a granularity, PT1M to P1D"
        )))
    }
}

/// Returns the duration of `count` minutes.
const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// Returns the duration of `count` hours.
const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}

/// Returns the milliseconds of a bucket width.
fn millis(width: Duration) -> i64 {
    // The widest bucket is a day, so this never saturates.
    i64::try_from(width.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for &granularity in Granularity::VARIANTS {
            assert_eq!(
                granularity.as_str().parse::<Granularity>().unwrap(),
                granularity
            );
        }
        assert_eq!(
            "1m".parse::<Granularity>().unwrap_err().to_string(),
            "invalid granularity \"1m\": expected one of PT1M, PT5M, PT15M, PT30M, PT1H, PT4H, PT6H, PT12H, P1D, ALL"
        );
    }

    #[test]
    fn buckets_are_aligned_to_utc() {
        let at: Timestamp = "2026-01-01T23:59:59Z".parse().unwrap();
        let time = |at: Timestamp| at.to_string()[11..19].to_owned();
        let floors: Vec<_> = Granularity::VARIANTS
            .iter()
            .map(|g| time(g.floor(at)))
            .collect();
        assert_eq!(
            floors,
            [
                "23:59:00", "23:55:00", "23:45:00", "23:30:00", "23:00:00", "20:00:00", "18:00:00",
                "12:00:00", "00:00:00", "23:59:00"
            ]
        );
    }

    #[test]
    fn ceil_is_the_next_border_unless_the_time_is_on_one() {
        let at: Timestamp = "2026-01-01T10:59:59.001Z".parse().unwrap();
        let time = |at: Timestamp| at.to_string()[8..19].to_owned();
        let ceilings: Vec<_> = Granularity::VARIANTS
            .iter()
            .map(|g| time(g.ceil(at)))
            .collect();
        assert_eq!(
            ceilings,
            [
                "01T11:00:00",
                "01T11:00:00",
                "01T11:00:00",
                "01T11:00:00",
                "01T11:00:00",
                "01T12:00:00",
                "01T12:00:00",
                "01T12:00:00",
                "02T00:00:00",
                "01T11:00:00"
            ]
        );
        for &granularity in Granularity::VARIANTS {
            let border = granularity.floor(at);
            assert_eq!(granularity.ceil(border), border, "{granularity}");
            assert_eq!(
                granularity.ceil(Timestamp::MAX),
                Timestamp::MAX,
                "{granularity}"
            );
            assert_eq!(
                granularity.floor(Timestamp::MIN),
                Timestamp::MIN,
                "{granularity}"
            );
        }
    }

    #[test]
    fn an_interval_holds_at_most_a_whole_number_of_buckets() {
        for granularity in Granularity::VARIANTS {
            if let (Some(width), Some(longest)) =
                (granularity.duration(), granularity.max_interval())
            {
                assert_eq!(longest.as_secs() % width.as_secs(), 0, "{granularity}");
            }
        }
    }
}
