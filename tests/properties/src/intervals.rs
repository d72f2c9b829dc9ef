//! `Interval` compared with jiff, through the request bodies of a client.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use confluent_metrics::{Client, ErrorKind, Granularity, Interval, Query, Timestamp};
use jiff::civil::{DateTime, DateTimeRound};
use jiff::{RoundMode, SignedDuration, Span, SpanRelativeTo, Unit};
use proptest::prelude::*;

use crate::cases;
use crate::support::silent;
use crate::timestamps::{civil_of, damaged, millis_of};

/// A start or an end of an interval.
#[derive(Clone, Debug)]
enum Moment {
    At(DateTime, &'static str),
    Now {
        offset: Option<(char, u32, char)>,
        truncate: Option<char>,
    },
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
                let offset = offset.map_or(String::new(), |(sign, count, unit)| {
                    format!("{sign}{count}{unit}")
                });
                format!(
                    "now{offset}{}",
                    truncate.map_or(String::new(), |unit| format!("|{unit}"))
                )
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

    /// Returns if start and end are relative to now.
    fn are_relative(&self) -> (bool, bool) {
        let is_now = |moment: &Moment| matches!(moment, Moment::Now { .. });
        match self {
            Self::Between(start, end) => (is_now(start), is_now(end)),
            Self::StartingAt(moment, _) | Self::EndingAt(_, moment) => {
                (is_now(moment), is_now(moment))
            }
        }
    }

    /// Returns the full hours that settle three minutes after their end, or `None` if it is
    /// refused.
    fn hours(&self, now: DateTime) -> Option<(DateTime, DateTime)> {
        let (mut start, mut end) = self.resolve(now);
        if start >= end {
            return None;
        }
        let (start_is_now, end_is_now) = self.are_relative();
        let hour = |at: DateTime| floor(at, Unit::Hour, 1);
        let settled = now.checked_sub(SignedDuration::from_secs(180)).unwrap();
        start = if start_is_now { hour(start) } else { start };
        end = if end_is_now { hour(end) } else { end };
        if hour(start) != start || hour(end) != end {
            return None;
        }
        if start_is_now || end_is_now {
            end = end.min(hour(settled));
        }
        (start < end && end <= settled).then_some((start, end))
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
    iso.parse::<Span>()
        .unwrap()
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .unwrap()
}

fn unit_of(letter: char) -> Unit {
    match letter {
        'm' => Unit::Minute,
        'h' => Unit::Hour,
        _ => Unit::Day,
    }
}

fn floor(at: DateTime, unit: Unit, increment: i64) -> DateTime {
    let round = DateTimeRound::new()
        .smallest(unit)
        .increment(increment)
        .mode(RoundMode::Trunc);
    at.round(round).unwrap()
}

fn moment() -> impl Strategy<Value = Moment> {
    let unit = || prop_oneof![Just('m'), Just('h'), Just('d')];
    let sign = prop_oneof![3 => Just('-'), 1 => Just('+')];
    let now = (
        prop::option::of((sign, 0..3000_u32, unit())),
        prop::option::of(unit()),
    );
    let second = 1_600_000_000..1_900_000_000_i64;
    let fraction = prop_oneof![3 => Just(0), 1 => 0..1000_i64];
    let on_grid = prop_oneof![1 => Just(1), 4 => Just(3600)];
    let at = (second, fraction, on_grid).prop_map(|(second, fraction, grid)| {
        let fraction = if grid == 1 { fraction } else { 0 };
        civil_of(second / grid * grid * 1000 + fraction).unwrap()
    });
    let offset = prop_oneof![
        4 => Just("Z"), 1 => Just("+05:30"), 1 => Just("-11:00"), 1 => Just("+0100"), 1 => Just("+00:00")
    ];
    prop_oneof![
        now.prop_map(|(offset, truncate)| Moment::Now { offset, truncate }),
        (at, offset).prop_map(|(at, offset)| Moment::At(at, offset)),
    ]
}

fn duration() -> impl Strategy<Value = String> {
    let amount = || prop::option::of(prop_oneof![0..30_u32, 0..5000_u32]);
    let fine = || prop::option::weighted(0.2, 0..5000_u32);
    (amount(), amount(), amount(), fine(), fine()).prop_filter_map(
        "a duration has a unit",
        |(weeks, days, hours, minutes, seconds)| {
            let part = |count: Option<u32>, unit| {
                count.map_or(String::new(), |count| format!("{count}{unit}"))
            };
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

/// Returns the clock, floored to the second.
fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Returns start and end of the window of a body.
fn window(body: &str) -> (i64, i64) {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let interval = body["intervals"][0].as_str().unwrap();
    let (start, end) = interval.split_once('/').unwrap();
    let millis = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    (millis(start), millis(end))
}

/// Returns every window that the client would request, or `None` if it refuses the interval.
fn windows(
    client: &Client,
    granularity: Granularity,
    interval: Interval,
) -> Option<Vec<(i64, i64)>> {
    let bodies = match client.request_bodies(&Query::new("m", granularity, interval)) {
        Ok(bodies) => bodies,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            return None;
        }
    };
    Some(bodies.iter().map(|body| window(body)).collect())
}

/// The result of a client, and the acceptable ones: one for each second in which it may have run.
fn during<T>(run: impl Fn() -> T, expect: impl Fn(DateTime) -> T) -> (T, Vec<T>) {
    let before = now();
    let found = run();
    let expected = (before..=now())
        .map(|second| expect(civil_of(second * 1000).unwrap()))
        .collect();
    (found, expected)
}

#[test]
fn every_form_resolves_like_jiff() {
    let client = silent().build().unwrap();
    let counts = [Cell::new(0), Cell::new(0)];
    proptest!(cases(4_000), |(form in form())| {
        let text = form.text();
        let interval: Interval = text.parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let (found, expected) = during(
            || windows(&client, Granularity::OneHour, interval),
            |now| form.hours(now).map(|(start, end)| vec![(millis_of(start), millis_of(end))]),
        );
        prop_assert!(expected.contains(&found), "{}: {:?}, not {:?}", text, found, expected);
        counts[usize::from(found.is_some())].set(counts[usize::from(found.is_some())].get() + 1);
        let again: Interval = interval.to_string().parse().unwrap();
        prop_assert_eq!(again, interval, "{} is printed as {}", text, interval);
    });
    let counts = counts.map(Cell::into_inner);
    assert!(
        counts.iter().all(|count| *count > 20),
        "refused and taken: {counts:?}"
    );
}

#[test]
fn intervals_of_times_and_durations_resolve_like_jiff() {
    let client = silent().build().unwrap();
    let millis = 0..4_000_000_000_000_i64;
    let day = 86_400_000;
    proptest!(cases(4_000), |(one in millis.clone(), other in millis, width in 0..10_000_000_000_u64, which in 0..3, grid in prop_oneof![1 => Just(1), 4 => Just(day)])| {
        let (one, other, width) = (one / grid * grid, other / grid * grid, width / grid as u64 * grid as u64);
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let (duration, signed) = (Duration::from_millis(width), SignedDuration::from_millis(width as i64));
        let civil = civil_of(one).unwrap();
        let (interval, start, end) = match which {
            0 => (Interval::between(at(one), at(other)), civil, civil_of(other).unwrap()),
            1 => (Interval::starting_at(at(one), duration), civil, civil.checked_add(signed).unwrap()),
            _ => (Interval::ending_at(at(one), duration), civil.checked_sub(signed).unwrap(), civil),
        };
        let is_aligned = millis_of(start) % day == 0 && millis_of(end) % day == 0;
        let (found, expected) = during(
            || windows(&client, Granularity::OneDay, interval),
            |now| {
                let is_settled = end <= now.checked_sub(SignedDuration::from_secs(180)).unwrap();
                (start < end && is_aligned && is_settled).then(|| vec![(millis_of(start), millis_of(end))])
            },
        );
        prop_assert!(expected.contains(&found), "{}: {:?}, not {:?}", interval, found, expected);
    });
}

/// Every granularity with its unit in jiff.
fn widths() -> Vec<(Granularity, Unit, i64)> {
    use Granularity::*;
    vec![
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
    ]
}

/// Returns the start of the first window and the end of the last. The windows must have no gaps.
fn joined(windows: &[(i64, i64)]) -> Vec<(i64, i64)> {
    assert!(
        windows.windows(2).all(|pair| pair[0].1 == pair[1].0),
        "{windows:?}"
    );
    windows
        .first()
        .zip(windows.last())
        .map(|(first, last)| (first.0, last.1))
        .into_iter()
        .collect()
}

#[test]
fn buckets_of_within_and_since_are_full_and_settled() {
    let client = silent().build().unwrap();
    let counts = [Cell::new(0), Cell::new(0)];
    proptest!(cases(2_000), |(
        (granularity, unit, increment) in prop::sample::select(widths()),
        before in prop_oneof![0..20_000_i64, 0..10_000_000_i64, 0..1_000_000_000_i64],
        length in prop::option::of(prop_oneof![0..20_000_i64, 0..10_000_000_i64, 0..1_000_000_000_i64]),
        days in prop_oneof![2 => Just(0), 1 => 0..3_u64],
    )| {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let start = now() * 1000 - before;
        let end = length.map(|length| start + length);
        let interval = match end {
            Some(end) => Interval::within(at(start), at(end)),
            None => Interval::since(at(start)),
        };
        let shift = Duration::from_secs(days * 86_400);
        let (found, expected) = during(
            || windows(&client, granularity, interval.shifted_back(shift)),
            |now| {
                let down = |at: DateTime| floor(at, unit, increment);
                let settled = down(now.checked_sub(SignedDuration::from_secs(180)).unwrap());
                let start = civil_of(start).unwrap();
                let up = RoundMode::Ceil;
                let start = start.round(DateTimeRound::new().smallest(unit).increment(increment).mode(up)).unwrap();
                let end = end.map_or(settled, |end| down(civil_of(end).unwrap()).min(settled));
                let shifted = |at: DateTime| millis_of(at) - shift.as_millis() as i64;
                Some(if start < end { vec![(shifted(start), shifted(end))] } else { Vec::new() })
            },
        );
        let found = found.map(|windows| joined(&windows));
        prop_assert!(expected.contains(&found), "{} by {}: {:?}, not {:?}", interval, granularity, found, expected);
        let is_empty = found.is_some_and(|windows| windows.is_empty());
        counts[usize::from(is_empty)].set(counts[usize::from(is_empty)].get() + 1);
    });
    let counts = counts.map(Cell::into_inner);
    assert!(
        counts.iter().all(|count| *count > 20),
        "with buckets and without: {counts:?}"
    );
}

#[test]
fn no_bucket_that_starts_before_the_retention_is_requested() {
    proptest!(cases(2_000), |(
        (granularity, _, _) in prop::sample::select(widths()),
        retention in prop_oneof![4000..1_000_000_u64, Just(604_800_u64)],
        length in 60..1_000_000_u64,
        form in 0..4,
        allowed in any::<bool>(),
    )| {
        let client = silent().retention(Duration::from_secs(retention)).build().unwrap();
        let before = now();
        let start = Timestamp::from_second(before - length as i64).unwrap();
        let interval = match form {
            0 => Interval::last(Duration::from_secs(length)),
            1 => Interval::retained(),
            2 => Interval::since(start),
            _ => Interval::starting_at(granularity.floor(start), granularity.duration().unwrap_or(Duration::from_secs(60))),
        };
        let query = Query::new("m", granularity, interval);
        let bodies = client.request_bodies(&if allowed { query.allow_truncated() } else { query });
        for (start, _) in bodies.map(|bodies| bodies.iter().map(|body| window(body)).collect::<Vec<_>>()).unwrap_or_default() {
            let kept_since = (before - retention as i64) * 1000;
            prop_assert!(start >= kept_since, "{} by {} asks for {}", interval, granularity, start);
            prop_assert_eq!(start, millis_of(civil_of(start).unwrap()) / 60_000 * 60_000);
        }
    });
}

#[test]
fn the_last_buckets_are_full_and_settled() {
    proptest!(cases(600), |(
        (granularity, unit, increment) in prop::sample::select(widths()),
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
        let found = found.map(|windows| joined(&windows));
        prop_assert!(expected.contains(&found), "{}, {}: {:?}, not {:?}", granularity, seconds, found, expected);
    });
}

#[test]
fn damaged_intervals_are_parsed_as_printed_or_refused() {
    let others = prop::sample::select(
        &[
            "last/PT1H30M",
            "retained",
            "since/2026-01-01T00:00Z",
            "within/2026-01-01T00:00:01Z/2026-01-02T00:00:00+0100",
        ][..],
    );
    let shift = prop_oneof![Just(""), Just("@-P1D"), Just("@-PT0.5S")];
    // Boxed, because the nested strategies would overflow the stack.
    let text = prop_oneof![
        3 => form().prop_map(|form| form.text()).boxed(),
        1 => others.prop_map(str::to_owned).boxed()
    ];
    let text = (text, shift).prop_map(|(text, shift)| text + shift).boxed();
    proptest!(cases(10_000), |(text in damaged(text))| {
        match text.parse::<Interval>() {
            Ok(interval) => prop_assert_eq!(interval.to_string().parse::<Interval>().unwrap(), interval, "{}", text),
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidInput),
        }
    });
}
