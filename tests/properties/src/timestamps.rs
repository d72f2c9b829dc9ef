//! `Timestamp` compared with jiff.

use std::time::{Duration, SystemTime};

use confluent_metrics::Timestamp;
use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use proptest::prelude::*;

use crate::cases;

const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

/// Milliseconds since 1970 of a date and time in UTC.
pub(crate) fn millis_of(at: DateTime) -> i64 {
    i64::try_from(at.duration_since(epoch()).as_millis()).unwrap()
}

/// Date and time in UTC, or `None` beyond jiff's calendar.
pub(crate) fn civil_of(millis: i64) -> Option<DateTime> {
    epoch()
        .checked_add(SignedDuration::from_millis(millis))
        .ok()
}

fn epoch() -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0)
}

fn in_range(millis: i64) -> Option<i64> {
    civil_of(millis)
        .filter(|at| (0..=9999).contains(&at.year()))
        .map(|_| millis)
}

/// Parses RFC 3339 and the output of `date`. Jiff accepts more forms, and so checks the calendar
/// alone.
fn rfc_3339(text: &str) -> Option<i64> {
    let (minutes, rest) = text.split_at_checked(16)?;
    let (seconds, rest) = if rest.starts_with(':') {
        rest.split_at_checked(3)?
    } else {
        (":00", rest)
    };
    let has_seconds = text.as_bytes().get(16) == Some(&b':');
    let civil = format!("{minutes}{seconds}");
    let fits = |(c, form): (char, char)| match form {
        '0' => c.is_ascii_digit(),
        'T' => matches!(c, 'T' | 't' | ' '),
        _ => c == form,
    };
    if civil.chars().count() != 19 || !civil.chars().zip("0000-00-00T00:00:00".chars()).all(fits) {
        return None;
    }
    let (digits, offset) = match rest.strip_prefix(['.', ',']).filter(|_| has_seconds) {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("0", rest),
    };
    if digits.is_empty() {
        return None;
    }
    let at: DateTime = civil.to_uppercase().parse().ok()?;
    let fraction = format!("{digits}000")[..3].parse::<i64>().unwrap();
    in_range(millis_of(at) + fraction - offset_minutes(offset)? * 60_000)
}

fn offset_minutes(text: &str) -> Option<i64> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let two = |part: &str, below: i64| -> Option<i64> {
        let is_right = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>()
            .ok()
            .filter(|number| is_right && *number < below)
    };
    Some(sign * (two(hours, 24)? * 60 + two(minutes, 60)?))
}

/// Mostly valid texts, with numbers up to one beyond the maximum.
fn text() -> impl Strategy<Value = String> {
    let century = (0..=99).prop_map(|century| century * 100);
    let year = prop_oneof![
        Just(0),
        Just(9999),
        Just(1970),
        0..=9999,
        1960..=2040,
        century
    ];
    let month_end = prop_oneof![(Just(2), 28..=30), (1..=12, 30..=31)];
    let date = prop_oneof![2 => (1..=12, 1..=28), 1 => (0..=13, 0..=32), 1 => month_end];
    let time = (0..=24, 0..=60, prop_oneof![0..=59, 59..=61]);
    let mark = prop_oneof![6 => Just("T"), 1 => Just("t"), 1 => Just(" ")];
    let fraction = prop_oneof![3 => Just(String::new()), 3 => "[.,][0-9]{1,3}", 1 => "[.,][0-9]{0,30}", 1 => Just("-".to_owned())];
    let colon = prop_oneof![Just(":"), Just("")];
    let offset = prop_oneof![
        4 => Just("Z".to_owned()),
        1 => Just("z".to_owned()),
        1 => Just("-00:00".to_owned()),
        1 => (prop_oneof![Just('+'), Just('-')], 0..=24, colon, 0..=60)
            .prop_map(|(sign, hours, colon, minutes)| format!("{sign}{hours:02}{colon}{minutes:02}")),
    ];
    (year, date, mark, time, fraction, offset).prop_map(
        |(year, (month, day), mark, (hour, minute, second), fraction, offset)| {
            let minutes = format!("{year:04}-{month:02}-{day:02}{mark}{hour:02}:{minute:02}");
            match fraction.as_str() {
                "-" => format!("{minutes}{offset}"),
                fraction => format!("{minutes}:{second:02}{fraction}{offset}"),
            }
        },
    )
}

/// A text with some characters replaced, inserted or removed.
pub(crate) fn damaged(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        prop::option::of("[0-9TtZz:+. PDHMSWnow|/é٣-]"),
        any::<bool>(),
    );
    (text, prop::collection::vec(edit, 1..4)).prop_map(|(text, edits)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (place, new, replaces) in edits {
            let place = place.index(chars.len() + 1);
            if (replaces || new.is_none()) && place < chars.len() {
                chars.remove(place);
            }
            chars.splice(place..place, new.iter().flat_map(|text| text.chars()));
        }
        chars.into_iter().collect()
    })
}

fn instant() -> impl Strategy<Value = i64> {
    let near = |at: i64| (at - 90_000..=at + 90_000).prop_map(|at: i64| at.clamp(FIRST, LAST));
    let leap_day = millis_of(date(2000, 2, 29).at(0, 0, 0, 0));
    prop_oneof![4 => FIRST..=LAST, 1 => near(FIRST), 1 => near(LAST), 1 => near(0), 1 => near(leap_day)]
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn read(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_millisecond)
}

#[test]
fn text_is_parsed_like_jiff() {
    proptest!(cases(10_000), |(text in text())| {
        prop_assert_eq!(read(&text), rfc_3339(&text), "{}", text);
        // Also compares with jiff's own parser, within its range.
        let digits = text.split_once(['.', ',']).map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        let Some(millis) = read(&text).filter(|millis| (FIRST..LAST - 200_000_000).contains(millis) && digits <= 9) else {
            return Ok(());
        };
        let jiff: jiff::Timestamp = text.parse().map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(jiff.as_nanosecond().div_euclid(1_000_000), i128::from(millis), "{}", text);
    });
}

#[test]
fn damaged_text_is_refused_unless_it_is_still_valid() {
    proptest!(cases(8_000), |(text in damaged(text()))| {
        prop_assert_eq!(read(&text), rfc_3339(&text), "{}", text);
    });
}

#[test]
fn instants_print_like_jiff_and_parse_back() {
    proptest!(cases(10_000), |(millis in instant())| {
        let civil = civil_of(millis).unwrap();
        let expected = if millis % 1000 == 0 { format!("{civil}Z") } else { format!("{civil:.3}Z") };
        let printed = at(millis).to_string();
        prop_assert_eq!(&printed, &expected);
        prop_assert_eq!(read(&printed), Some(millis));
        prop_assert_eq!(at(millis).as_second(), millis.div_euclid(1000));
        prop_assert_eq!(format!("{:?}", at(millis)), expected);
    });
}

#[test]
fn instants_lie_in_the_years_0000_to_9999() {
    for (millis, is_in) in [
        (FIRST - 1, false),
        (FIRST, true),
        (LAST, true),
        (LAST + 1, false),
    ] {
        assert_eq!(
            Timestamp::from_millisecond(millis).is_ok(),
            is_in,
            "{millis}"
        );
        assert_eq!(in_range(millis).is_some(), is_in, "{millis}");
    }
    proptest!(cases(5_000), |(second in prop_oneof![any::<i64>(), -70_000_000_000..=300_000_000_000_i64])| {
        let expected = second.checked_mul(1000).and_then(in_range);
        prop_assert_eq!(Timestamp::from_second(second).ok().map(Timestamp::as_millisecond), expected);
    });
}

#[test]
fn sums_and_differences_are_those_of_jiff() {
    let nanos = prop_oneof![
        0..=200_000_000_000_000_000_u128,
        0..=400_000_000_000_000_000_000_u128
    ];
    proptest!(cases(10_000), |(one in instant(), other in instant(), nanos in nanos)| {
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap();
        let duration = Duration::new(seconds, (nanos % 1_000_000_000) as u32);
        let whole = SignedDuration::from_millis(i64::try_from(nanos / 1_000_000).unwrap());
        let civil = civil_of(one).unwrap();
        // jiff limits the length of one step.
        let half = whole / 2;
        let moved = |one: SignedDuration, other: SignedDuration| {
            let at = civil.checked_add(one).ok()?.checked_add(other).ok()?;
            Some(at).filter(|at| (0..=9999).contains(&at.year())).map(millis_of)
        };
        let added = at(one).checked_add(duration).map(Timestamp::as_millisecond);
        prop_assert_eq!(added, moved(half, whole - half));
        let taken = at(one).checked_sub(duration).map(Timestamp::as_millisecond);
        prop_assert_eq!(taken, moved(-half, half - whole));
        let between = civil.duration_since(civil_of(other).unwrap());
        prop_assert_eq!(at(one).duration_since(at(other)), between.try_into().unwrap_or(Duration::ZERO));
        prop_assert_eq!(at(one).cmp(&at(other)), civil.cmp(&civil_of(other).unwrap()));
    });
}

#[test]
fn the_system_clock_is_converted_like_jiff() {
    proptest!(cases(5_000), |(seconds in -62_000_000_000..250_000_000_000_i64, nanos in 0..1_000_000_000_u32)| {
        let far = Duration::from_secs(seconds.unsigned_abs());
        let second = if seconds < 0 { SystemTime::UNIX_EPOCH - far } else { SystemTime::UNIX_EPOCH + far };
        let time = second + Duration::from_nanos(nanos.into());
        let ours = Timestamp::try_from(time).unwrap();
        let jiff = jiff::Timestamp::try_from(time).unwrap();
        prop_assert_eq!(i128::from(ours.as_millisecond()), jiff.as_nanosecond().div_euclid(1_000_000));
        let back = jiff::Timestamp::try_from(SystemTime::from(ours)).unwrap();
        prop_assert_eq!(back.as_nanosecond(), i128::from(ours.as_millisecond()) * 1_000_000);
    });
}
