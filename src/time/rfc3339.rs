//! The text form of times: RFC 3339, and the variants that the `date` command prints.
//!
//! The parser reads from left to right. Each helper takes its part from the front
//! of `rest`.
//!
//! ```text
//! 2026-01-01T05:30:00.25+05:30    1767225600250
//! 2026-01-01T00:00Z               1767225600000, since seconds may be missing
//! 2016-12-31T23:59:60Z            1483228799000, a leap second
//! ```

/// Parses a time, and returns milliseconds since the Unix epoch or a description of the problem.
pub(crate) fn parse_millis(text: &str) -> Result<i64, &'static str> {
    let mut rest = text.as_bytes();
    let year = digits(&mut rest, 4).ok_or("expected a four-digit year")?;
    expect(&mut rest, b"-", "expected `-` after the year")?;
    let month = digits(&mut rest, 2)
        .filter(|month| (1..=12).contains(month))
        .ok_or("month must be 01 to 12")?;
    expect(&mut rest, b"-", "expected `-` after the month")?;
    let day = digits(&mut rest, 2)
        .filter(|day| (1..=days_in_month(year, month)).contains(day))
        .ok_or("day is out of range for the month")?;
    expect(&mut rest, b"Tt ", "expected `T` after the date")?;
    let hour = digits(&mut rest, 2)
        .filter(|hour| *hour <= 23)
        .ok_or("hour must be 00 to 23")?;
    expect(&mut rest, b":", "expected `:` after the hour")?;
    let minute = digits(&mut rest, 2)
        .filter(|minute| *minute <= 59)
        .ok_or("minute must be 00 to 59")?;
    let (second, milli) = if rest.first() == Some(&b':') {
        seconds(&mut rest)?
    } else {
        (0, 0)
    };
    let offset = offset_minutes(&mut rest)?;
    if !rest.is_empty() {
        return Err("unexpected text after the time");
    }
    // Unix time has no leap seconds, so second 60 of a leap second is read as second 59.
    let day_millis = (hour * 3600 + minute * 60 + second.min(59)) * 1000 + milli;
    Ok(days_from_civil(year, month, day) * 86_400_000 + day_millis - offset * 60_000)
}

/// Returns year, month and day: the inverse of [`days_from_civil`].
///
/// Howard Hinnant's [`civil_from_days`](http://howardhinnant.github.io/date_algorithms.html).
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01. An era of 400 years has 146,097 days.
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months from March or August have 153 days, so month lengths follow a linear formula.
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = days.div_euclid(146_097) * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

/// Consumes one of the expected bytes, or returns the error `why`.
///
/// Leaves `rest` unchanged in that case.
fn expect(rest: &mut &[u8], one_of: &[u8], why: &'static str) -> Result<(), &'static str> {
    match rest.split_first() {
        Some((first, tail)) if one_of.contains(first) => {
            *rest = tail;
            Ok(())
        }
        _ => Err(why),
    }
}

/// Parses exactly `count` ASCII digits.
///
/// Returns `None` if there are fewer.
fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(count)?;
    let mut number = 0;
    for byte in head {
        number = number * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    *rest = tail;
    Some(number)
}

/// Parses `:SS` and the fraction, and returns seconds and milliseconds.
fn seconds(rest: &mut &[u8]) -> Result<(i64, i64), &'static str> {
    expect(rest, b":", "expected `:` after the minute")?;
    let second = digits(rest, 2)
        .filter(|s| *s <= 60)
        .ok_or("second must be 00 to 60")?;
    Ok((second, fraction(rest)?))
}

/// Parses the fraction of a second, and returns milliseconds. Further digits are skipped.
///
/// A time without a fraction has 0 milliseconds.
fn fraction(rest: &mut &[u8]) -> Result<i64, &'static str> {
    // `date --iso-8601=ns` prints a comma, as ISO 8601 prefers.
    let Some((b'.' | b',', tail)) = rest.split_first() else {
        return Ok(0);
    };
    let count = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return Err("expected a digit after `.`");
    }
    let (fraction, after) = tail.split_at(count);
    *rest = after;
    let mut millis = 0;
    for index in 0..3 {
        let digit = fraction.get(index).map_or(0, |byte| byte - b'0');
        millis = millis * 10 + i64::from(digit);
    }
    Ok(millis)
}

/// Parses `Z`, `+hh:mm` or `+hhmm`, and returns minutes east of UTC.
fn offset_minutes(rest: &mut &[u8]) -> Result<i64, &'static str> {
    let Some((sign, tail)) = rest.split_first() else {
        return Err("missing UTC offset: expected `Z` or `+hh:mm`");
    };
    *rest = tail;
    let sign = match sign {
        b'Z' | b'z' => return Ok(0),
        b'+' => 1,
        b'-' => -1,
        _ => return Err("missing UTC offset: expected `Z` or `+hh:mm`"),
    };
    let hours = digits(rest, 2)
        .filter(|h| *h <= 23)
        .ok_or("offset hours must be 00 to 23")?;
    // `date +%z` prints no colon.
    if let Some((b':', tail)) = rest.split_first() {
        *rest = tail;
    }
    let minutes = digits(rest, 2)
        .filter(|m| *m <= 59)
        .ok_or("offset minutes must be 00 to 59")?;
    Ok(sign * (hours * 60 + minutes))
}

/// Returns the number of days, by the leap years of the Gregorian calendar.
const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 in the proleptic Gregorian calendar.
///
/// Howard Hinnant's [`days_from_civil`]: years are counted from March, so that the leap day is the
/// last day of a year.
///
/// [`days_from_civil`]: http://howardhinnant.github.io/date_algorithms.html
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
