//! Deserializes the point of a row: its timestamp and its value.

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess};
use serde_json::value::RawValue;

use crate::decode::json::JsonStr;
use crate::time::timestamp::{MILLIS_PER_DAY, Timestamp};

/// A point as the service sends it. A null value is `None`.
#[derive(Clone, Copy)]
pub(crate) struct RowPoint {
    /// The start of the bucket.
    pub(crate) timestamp: Timestamp,
    /// The value of the bucket, which is finite.
    pub(crate) value: Option<f64>,
}

/// The fields of a point, which may be in any order.
///
/// A repeated or missing field is an error with the name of the field, as derived code of `serde`
/// reports it.
#[derive(Default)]
pub(crate) struct PointBuilder {
    /// `None` until the timestamp is read.
    timestamp: Option<Timestamp>,
    /// `None` until the value is read. A null is `Some(ExactF64(None))`.
    value: Option<ExactF64>,
}

impl PointBuilder {
    /// Reads the timestamp. A second one is an error.
    pub(crate) fn set_timestamp<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        timestamps: &mut TimestampCache,
    ) -> Result<(), A::Error> {
        let JsonStr(text) = map.next_value()?;
        let timestamp = timestamps.parse(&text).map_err(|reason| {
            de::Error::custom(format_args!("invalid timestamp {text:?}: {reason}"))
        })?;
        match self.timestamp.replace(timestamp) {
            None => Ok(()),
            Some(_) => Err(de::Error::duplicate_field("timestamp")),
        }
    }

    /// Reads the value. A second one is an error.
    pub(crate) fn set_value<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match self.value.replace(map.next_value()?) {
            None => Ok(()),
            Some(_) => Err(de::Error::duplicate_field("value")),
        }
    }

    /// Returns the point, or the name of the missing field.
    pub(crate) fn finish(self) -> Result<RowPoint, &'static str> {
        let timestamp = self.timestamp.ok_or("timestamp")?;
        let ExactF64(value) = self.value.ok_or("value")?;
        Ok(RowPoint { timestamp, value })
    }
}

/// Parses timestamps, and reuses the previous one as far as the text is the same.
///
/// Rows repeat a time or the date of the previous row.
///
/// ```text
/// 2026-01-01T00:00:00Z    parsed
/// 2026-01-01T00:00:00Z    the previous timestamp
/// 2026-01-01T00:01:00Z    the date of the previous timestamp with a parsed time of day
/// ```
pub(crate) struct TimestampCache {
    /// The previous text of this length, usually `YYYY-MM-DDTHH:MM:SSZ`.
    last_text: [u8; 20],
    /// The timestamp that `last_text` was parsed to.
    last: Timestamp,
}

impl TimestampCache {
    /// Parses an RFC 3339 timestamp. An error is a short description of the problem.
    pub(crate) fn parse(&mut self, text: &str) -> Result<Timestamp, &'static str> {
        // Texts of other lengths have an offset or a fraction. They are rare and not kept.
        let Ok(bytes) = <&[u8; 20]>::try_from(text.as_bytes()) else {
            return Timestamp::parse(text);
        };
        if *bytes != self.last_text {
            self.last = match self.parse_on_last_date(bytes) {
                Some(timestamp) => timestamp,
                None => Timestamp::parse(text)?,
            };
            // The text is set last, so that an invalid one does not replace it.
            self.last_text = *bytes;
        }
        Ok(self.last)
    }

    /// Parses a timestamp with the date of the previous one, without converting the date again.
    ///
    /// Returns `None` if the text has another date or form.
    fn parse_on_last_date(&self, text: &[u8; 20]) -> Option<Timestamp> {
        if self.last_text[..11] != text[..11] {
            return None;
        }
        let &[.., h1, h0, b':', m1, m0, b':', s1, s0, b'Z'] = text else {
            return None;
        };
        let hour = two_digits(h1, h0)?;
        let minute = two_digits(m1, m0)?;
        let second = two_digits(s1, s0)?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let midnight = self.last.floor_to_ms(MILLIS_PER_DAY).as_millisecond();
        let time_of_day = (hour * 3600 + minute * 60 + second) * 1000;
        Timestamp::from_millisecond_checked(midnight + time_of_day)
    }
}

impl Default for TimestampCache {
    fn default() -> Self {
        Self {
            last_text: *b"1970-01-01T00:00:00Z",
            last: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A JSON number, rounded correctly to the nearest `f64`. Null is `None`.
///
/// It is parsed from its own text, because `serde_json` without its feature `float_roundtrip` may
/// be off in the last digit.
pub(crate) struct ExactF64(Option<f64>);

impl<'de> Deserialize<'de> for ExactF64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text of a string has its quotes, so that `"7"` is not a number.
        let text = <&RawValue>::deserialize(deserializer)?.get();
        if text == "null" {
            return Ok(Self(None));
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self(Some(value))),
            _ => Err(de::Error::custom(format_args!(
                "value {text} is not a finite number"
            ))),
        }
    }
}

/// Returns the number of two ASCII digits.
///
/// Returns `None` if one of them is no digit.
fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    // Bytes below `0` wrap around to large numbers, so one comparison checks both bounds.
    let tens = tens.wrapping_sub(b'0');
    let ones = ones.wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_on_the_previous_date_is_read_like_any_other() {
        let first = "2026-01-01T12:34:56Z";
        for hour in 0..100 {
            for (minute, second) in [(0, 0), (34, 56), (59, 59), (59, 60), (60, 0), (0, 99)] {
                let text = format!("2026-01-01T{hour:02}:{minute:02}:{second:02}Z");
                let mut cache = TimestampCache::default();
                cache.parse(first).unwrap();
                assert_eq!(cache.parse(&text), Timestamp::parse(&text), "{text}");
                assert_eq!(cache.parse(first), Timestamp::parse(first), "after {text}");
            }
        }
        for invalid in [
            "2026-01-01T0A:34:56Z",
            "2026-01-01TA0:34:56Z",
            "2026-01-01T12:0?:56Z",
            "2026-01-01T12:34:/0Z",
            "2026-01-01T12.34:56Z",
        ] {
            let mut cache = TimestampCache::default();
            cache.parse(first).unwrap();
            assert!(cache.parse(invalid).is_err(), "{invalid}");
        }
        let mut cache = TimestampCache::default();
        for text in [
            "1969-12-31T23:00:00Z",
            "1969-12-31T23:59:59Z",
            "0000-01-01T00:00:01Z",
        ] {
            assert_eq!(cache.parse(text), Timestamp::parse(text));
        }
    }
}
