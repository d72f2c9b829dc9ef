//! `Interval` against jiff, seen through the bodies that a client would send.

use std::time::{Duration, SystemTime};

use confluent_metrics::{Client, ErrorKind, Granularity, Interval, Query, Timestamp};
use jiff::civil::{DateTime, DateTimeRound};
use jiff::{RoundMode, SignedDuration, Span, SpanRelativeTo, Unit};
use proptest::prelude::*;

use crate::cases;
use crate::service::silent;
use crate::timestamps::{civil_of, damaged, millis_of};

/// A side of an interval: its text, and how to find its time.
#[derive(Clone, Debug)]
enum Moment {
    At(DateTime, &'static str),
    Now { offset: Option<(char, u32, char)>, truncate: Option<char> },
}

#[derive(Clone, Debug)]
enum Form {
    Between(Moment, Moment),
    StartingAt(Moment, String),
    EndingAt(String, Moment),
}

impl Moment {
    fn text(&self) -> String {
        match self {
            Self::At(at, offset) => format!("{at}{offset}"),
            Self::Now { offset, truncate } => {
                let offset =
                    offset.map_or(String::new(), |(sign, count, unit)| format!("{sign}{count}{unit}"));
                format!("now{offset}{}", truncate.map_or(String::new(), |unit| format!("|{unit}")))
            }
        }
    }

    fn resolve(&self, now: DateTime) -> DateTime {
        match self {
            Self::At(at, "Z") => *at,
            Self::At(at, offset) => {
                let utc: jiff::Timestamp = format!("{at}{offset}").parse().unwrap();
                civil_of(utc.as_millisecond()).unwrap()
            }
            Self::Now { offset, truncate } => {
                let moved = offset.map_or(now, |(sign, count, unit)| {
                    let count = i64::from(count) * if sign == '-' { -1 } else { 1 };
                    let span = match unit {
                        'm' => Span::new().minutes(count),
                        'h' => Span::new().hours(count),
                        _ => Span::new().days(count),
                    };
                    now.checked_add(span).unwrap()
                });
                truncate.map_or(moved, |unit| floor(moved, unit_of(unit), 1))
            }
        }
    }
}

impl Form {
    fn text(&self) -> String {
        match self {
            Self::Between(start, end) => format!("{}/{}", start.text(), end.text()),
            Self::StartingAt(start, duration) => format!("{}/{duration}", start.text()),
            Self::EndingAt(duration, end) => format!("{duration}/{}", end.text()),
        }
    }

    fn resolve(&self, now: DateTime) -> (DateTime, DateTime) {
        match self {
            Self::Between(start, end) => (start.resolve(now), end.resolve(now)),
            Self::StartingAt(start, duration) => {
                let start = start.resolve(now);
                (start, start.checked_add(span(duration)).unwrap())
            }
            Self::EndingAt(duration, end) => {
                let end = end.resolve(now);
                (end.checked_sub(span(duration)).unwrap(), end)
            }
        }
    }
}

fn span(iso: &str) -> SignedDuration {
    iso.parse::<Span>().unwrap().to_duration(SpanRelativeTo::days_are_24_hours()).unwrap()
}

fn unit_of(letter: char) -> Unit {
    match letter {
        'm' => Unit::Minute,
        'h' => Unit::Hour,
        _ => Unit::Day,
    }
}

fn floor(at: DateTime, unit: Unit, increment: i64) -> DateTime {
    let round = DateTimeRound::new().smallest(unit).increment(increment).mode(RoundMode::Trunc);
    at.round(round).unwrap()
}

fn moment() -> impl Strategy<Value = Moment> {
    let unit = || prop_oneof![Just('m'), Just('h'), Just('d')];
    let sign = prop_oneof![3 => Just('-'), 1 => Just('+')];
    let now = (prop::option::of((sign, 0..3000_u32, unit())), prop::option::of(unit()));
    let second = 1_600_000_000..1_900_000_000_i64;
    let fraction = prop_oneof![3 => Just(0), 1 => 0..1000_i64];
    let at = (second, fraction).prop_map(|(second, fraction)| civil_of(second * 1000 + fraction).unwrap());
    let offset = prop_oneof![3 => Just("Z"), 1 => Just("+05:30"), 1 => Just("-11:00"), 1 => Just("+00:00")];
    prop_oneof![
        now.prop_map(|(offset, truncate)| Moment::Now { offset, truncate }),
        (at, offset).prop_map(|(at, offset)| Moment::At(at, offset)),
    ]
}

fn duration() -> impl Strategy<Value = String> {
    let amount = || prop::option::of(prop_oneof![0..30_u32, 0..5000_u32]);
    (amount(), amount(), amount(), amount(), amount()).prop_filter_map(
        "a duration has a unit",
        |(weeks, days, hours, minutes, seconds)| {
            let part =
                |count: Option<u32>, unit| count.map_or(String::new(), |count| format!("{count}{unit}"));
            let date = part(weeks, 'W') + &part(days, 'D');
            let time = part(hours, 'H') + &part(minutes, 'M') + &part(seconds, 'S');
            let mark = if time.is_empty() { "" } else { "T" };
            (!(date.is_empty() && time.is_empty())).then(|| format!("P{date}{mark}{time}"))
        },
    )
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        (moment(), moment()).prop_map(|(start, end)| Form::Between(start, end)),
        (moment(), duration()).prop_map(|(start, duration)| Form::StartingAt(start, duration)),
        (duration(), moment()).prop_map(|(duration, end)| Form::EndingAt(duration, end)),
    ]
}

/// The clock, cut to the second.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Start and end of every window that the client would ask for, or `None` where it refuses the interval.
fn windows(client: &Client, granularity: Granularity, interval: Interval) -> Option<Vec<(i64, i64)>> {
    let bodies = match client.request_bodies(&Query::new("m", granularity, interval)) {
        Ok(bodies) => bodies,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            return None;
        }
    };
    let window = |body: &String| {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let interval = body["intervals"][0].as_str().unwrap();
        let (start, end) = interval.split_once('/').unwrap();
        let millis = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        (millis(start), millis(end))
    };
    Some(bodies.iter().map(window).collect())
}

/// What a client makes of something, and what can be expected of it: one answer for each second that it may have run in.
fn during<T>(run: impl Fn() -> T, expect: impl Fn(DateTime) -> T) -> (T, Vec<T>) {
    let before = now();
    let found = run();
    let expected = (before..=now()).map(|second| expect(civil_of(second * 1000).unwrap())).collect();
    (found, expected)
}

#[test]
fn every_form_resolves_as_jiff_resolves_it() {
    let client = silent().build().unwrap();
    proptest!(cases(4_000), |(form in form())| {
        let text = form.text();
        let interval: Interval = text.parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let (found, expected) = during(
            || windows(&client, Granularity::OneHour, interval),
            |now| {
                let (start, end) = form.resolve(now);
                (start < end).then(|| vec![(millis_of(start), millis_of(end))])
            },
        );
        prop_assert!(expected.contains(&found), "{}: {:?}, not {:?}", text, found, expected);
        let again: Interval = interval.to_string().parse().unwrap();
        prop_assert_eq!(again, interval, "{} is printed as {}", text, interval);
    });
}

#[test]
fn intervals_made_of_times_and_durations_resolve_as_jiff_resolves_them() {
    let client = silent().build().unwrap();
    let millis = 0..4_000_000_000_000_i64;
    proptest!(cases(4_000), |(one in millis.clone(), other in millis, width in 0..10_000_000_000_u64, which in 0..3)| {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let (duration, signed) = (Duration::from_millis(width), SignedDuration::from_millis(width as i64));
        let civil = civil_of(one).unwrap();
        let (interval, start, end) = match which {
            0 => (Interval::between(at(one), at(other)), civil, civil_of(other).unwrap()),
            1 => (Interval::starting_at(at(one), duration), civil, civil.checked_add(signed).unwrap()),
            _ => (Interval::ending_at(at(one), duration), civil.checked_sub(signed).unwrap(), civil),
        };
        let expected = (start < end).then(|| vec![(millis_of(start), millis_of(end))]);
        prop_assert_eq!(windows(&client, Granularity::OneDay, interval), expected);
    });
}

#[test]
fn the_last_buckets_are_whole_and_settled() {
    use Granularity::*;
    let widths = vec![
        (OneMinute, Unit::Minute, 1),
        (FiveMinutes, Unit::Minute, 5),
        (FifteenMinutes, Unit::Minute, 15),
        (ThirtyMinutes, Unit::Minute, 30),
        (OneHour, Unit::Hour, 1),
        (FourHours, Unit::Hour, 4),
        (SixHours, Unit::Hour, 6),
        (TwelveHours, Unit::Hour, 12),
        (OneDay, Unit::Day, 1),
        (All, Unit::Minute, 1),
    ];
    proptest!(cases(600), |(
        (granularity, unit, increment) in prop::sample::select(widths),
        seconds in prop_oneof![0..7200_u64, 0..2_000_000_u64],
        latency in prop_oneof![Just(180_u64), 0..5000_u64],
    )| {
        let client = silent().data_latency(Duration::from_secs(latency)).build().unwrap();
        let duration = Duration::from_secs(seconds);
        let (found, expected) = during(
            || windows(&client, granularity, Interval::last(duration)),
            |now| {
                let settled = now.checked_sub(SignedDuration::from_secs(latency as i64)).unwrap();
                let end = floor(settled, unit, increment);
                let start = floor(end.checked_sub(SignedDuration::from_secs(seconds as i64)).unwrap(), unit, increment);
                let bucket = granularity.duration().unwrap_or(Duration::from_secs(60));
                (duration >= bucket).then(|| vec![(millis_of(start), millis_of(end))])
            },
        );
        // The client splits what is too long for one request; the windows have to follow each other without a gap.
        let found = found.map(|windows| {
            let is_gapless = windows.windows(2).all(|pair| pair[0].1 == pair[1].0);
            assert!(is_gapless, "{windows:?}");
            vec![(windows[0].0, windows[windows.len() - 1].1)]
        });
        prop_assert!(expected.contains(&found), "{}, {}: {:?}, not {:?}", granularity, seconds, found, expected);
    });
}

#[test]
fn damaged_intervals_are_read_as_printed_or_refused() {
    proptest!(cases(10_000), |(text in damaged(form().prop_map(|form| form.text())))| {
        match text.parse::<Interval>() {
            Ok(interval) => prop_assert_eq!(interval.to_string().parse::<Interval>().unwrap(), interval, "{}", text),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidInput),
        }
    });
}
