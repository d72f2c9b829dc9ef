//! Times as milliseconds since 1970 in UTC, parsed and printed as RFC 3339.

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The range of RFC 3339 in milliseconds: from the year 0 to the end of 9999.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

/// Rounds down to a multiple of `width`, also before 1970.
pub(crate) const fn floor(time: i64, width: i64) -> i64 {
    time - time.rem_euclid(width)
}

/// Rounds up to a multiple of `width`.
pub(crate) const fn ceil(time: i64, width: i64) -> i64 {
    floor(time + width - 1, width)
}

/// Returns true if RFC 3339 can represent a time.
pub(crate) fn in_range(time: i64) -> bool {
    (FIRST..=LAST).contains(&time)
}

/// Converts seconds to milliseconds, clamped to the range of RFC 3339.
pub(crate) fn from_seconds(seconds: i64) -> i64 {
    seconds.saturating_mul(SECOND).clamp(FIRST, LAST)
}

/// Parses `2019-10-17T20:17:00Z`, with an optional fraction and any offset. Seconds are optional.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(expect(rest, b"-")?, 2)?;
    let (day, rest) = digits(expect(rest, b"-")?, 2)?;
    let (hour, rest) = digits(expect(rest, b"Tt ")?, 2)?;
    let (minute, rest) = digits(expect(rest, b":")?, 2)?;
    let (second, rest) = match expect(rest, b":") {
        Some(rest) => digits(rest, 2)?,
        None => (0, rest),
    };
    let (fraction, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    let valid = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    if !valid {
        return None;
    }
    // A leap second is the second before it, as in POSIX time.
    let second = second.min(59);
    let time = days_from_civil(year, month, day) * DAY
        + hour * HOUR
        + minute * MINUTE
        + second * SECOND
        + fraction
        - offset;
    Some(time).filter(|time| in_range(*time))
}

/// Appends a time, with a fraction if it is not zero or if `millis` is set.
pub(crate) fn write(out: &mut String, time: i64, millis: bool) {
    let (year, month, day) = civil_from_days(time.div_euclid(DAY));
    let rest = time.rem_euclid(DAY);
    number(out, year, 4);
    for (separator, value) in [
        ('-', month),
        ('-', day),
        ('T', rest / HOUR),
        (':', rest / MINUTE % 60),
        (':', rest / SECOND % 60),
    ] {
        out.push(separator);
        number(out, value, 2);
    }
    let fraction = rest % SECOND;
    if millis || fraction != 0 {
        out.push('.');
        number(out, fraction, 3);
    }
    out.push('Z');
}

/// Returns an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(time: i64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = time.div_euclid(DAY);
    let (year, month, day) = civil_from_days(days);
    let weekday = WEEKDAYS.get(days.rem_euclid(7) as usize).unwrap_or(&"");
    let month = MONTHS.get(month as usize - 1).unwrap_or(&"");
    let rest = time.rem_euclid(DAY);
    let hour = rest / HOUR;
    let minute = rest / MINUTE % 60;
    let second = rest / SECOND % 60;
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn number(out: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_i64.pow(place) % 10;
        out.push(char::from(b'0' + digit.unsigned_abs() as u8));
    }
}

fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let head = text.get(..count)?;
    if !head.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((head.parse().ok()?, text.get(count..)?))
}

fn expect<'a>(text: &'a str, any: &[u8]) -> Option<&'a str> {
    let first = text.as_bytes().first()?;
    if any.contains(first) {
        text.get(1..)
    } else {
        None
    }
}

/// Parses an optional fraction of up to nine digits, truncated to milliseconds.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = expect(text, b".") else {
        return Some((0, text));
    };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (value, rest) = digits(rest, count)?;
    Some((value * SECOND / 10_i64.pow(count as u32), rest))
}

fn offset(text: &str) -> Option<i64> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(text.get(1..)?, 2)?;
    let (minutes, rest) = digits(expect(rest, b":")?, 2)?;
    let valid = rest.is_empty() && hours <= 23 && minutes <= 59;
    valid.then_some(sign * (hours * HOUR + minutes * MINUTE))
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years start in March, so that
// the leap day is the last day of a year. https://howardhinnant.github.io/date_algorithms.html
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(time: i64) -> String {
        let mut out = String::new();
        write(&mut out, time, false);
        out
    }

    #[test]
    fn reads_every_documented_form() {
        let second = 1_571_343_420;
        for text in [
            "2019-10-17T20:17:00Z",
            "2019-10-17T20:17:00.000Z",
            "2019-10-17T20:17Z",
            "2019-10-18T01:47:00+05:30",
            "2019-10-17T12:17:00-08:00",
            "2019-10-17t20:17:00z",
        ] {
            assert_eq!(parse(text), Some(second * 1_000), "{text}");
        }
        assert_eq!(parse("2019-10-17T20:17:00.25Z"), Some(second * 1_000 + 250));
        assert_eq!(parse("2016-12-31T23:59:60Z"), parse("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn rejects_invalid_times() {
        for text in [
            "",
            "2019-10-17",
            "2019-10-17T20:17:00",
            "2019-13-01T00:00:00Z",
            "2019-02-29T00:00:00Z",
            "2019-10-17T24:00:00Z",
            "2019-10-17T20:60:00Z",
            "2019-10-17T20:17:61Z",
            "2019-10-17T20:17:00.Z",
            "2019-10-17T20:17:00+5:30",
            "2019-10-17T20:17:00ZZ",
            "٢٠١٩-10-17T20:17:00Z",
            "0000-01-01T00:00:00+01:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn printed_times_parse_to_the_same_time() {
        for text in [
            "2022-04-21T15:10:00Z",
            "2020-02-29T23:59:59Z",
            "1969-12-31T23:59:59Z",
            "2000-03-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text).map(printed).as_deref(), Some(text));
        }
        let mut out = String::new();
        write(&mut out, 0, true);
        assert_eq!(out, "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn prints_http_dates() {
        for (time, date) in [
            ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
            ("2026-01-08T12:00:00.999Z", "Thu, 08 Jan 2026 12:00:00 GMT"),
        ] {
            assert_eq!(parse(time).map(http_date).as_deref(), Some(date));
        }
    }

    #[test]
    fn rounds_before_1970_too() {
        assert_eq!(floor(-1, MINUTE), -MINUTE);
        assert_eq!(ceil(-1, MINUTE), 0);
        assert_eq!(ceil(MINUTE, MINUTE), MINUTE);
    }
}
