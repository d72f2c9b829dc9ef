//! Random checks of random responses at random times, compared with a simple loop. Above all,
//! nothing passes that should not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use confluent_metrics::check::{Check, Finding, Missing, Quantifier, Reduce, Status, Threshold};
use confluent_metrics::{Granularity, Interval, Query, QueryResult, Timestamp};
use proptest::prelude::*;

use crate::cases;
use crate::queries::{GRANULARITIES, intervals, jagged_intervals};
use crate::support::{DAY, MINUTE};

const LATENCY: i64 = 3 * MINUTE * 1000;
pub(crate) const UNSET: f64 = -9.223372036854776e18;
/// Sums and means of unset watermarks are at or below this.
pub(crate) const UNSET_BELOW: f64 = -4.6e18;

/// A threshold as this file models it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bad {
    Above(f64),
    Below(f64),
    Outside(f64, f64),
    Inside(f64, f64),
}

/// A check and the response that it evaluates. Times are in milliseconds.
#[derive(Clone, Debug)]
struct Case {
    granularity: Granularity,
    given: Vec<(i64, i64)>,
    /// True if the intervals are `within` intervals.
    is_within: bool,
    now: i64,
    /// The points of each group by the start of their bucket.
    groups: BTreeMap<String, BTreeMap<i64, f64>>,
    is_whole: bool,
    reduce: Reduce,
    warning: Option<Bad>,
    critical: Option<Bad>,
    quantifier: Quantifier,
    max_age: Option<i64>,
    at_least: Option<usize>,
    expected: Vec<String>,
    on_missing: Missing,
}

/// The outcome of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Number(f64),
    Nothing,
    Distrust,
}

impl Bad {
    pub(crate) fn threshold(self) -> Threshold {
        match self {
            Self::Above(bound) => Threshold::above(bound),
            Self::Below(bound) => Threshold::below(bound),
            Self::Outside(start, end) => Threshold::outside(start, end),
            Self::Inside(start, end) => Threshold::inside(start, end),
        }
    }

    pub(crate) fn says_nothing(self) -> bool {
        match self {
            Self::Above(bound) | Self::Below(bound) => !bound.is_finite(),
            Self::Outside(start, end) | Self::Inside(start, end) => {
                !(start.is_finite() && end.is_finite() && start <= end)
            }
        }
    }

    pub(crate) fn is_crossed_by(self, value: f64) -> bool {
        match self {
            Self::Above(bound) => value > bound,
            Self::Below(bound) => value < bound,
            Self::Outside(start, end) => !(start..=end).contains(&value),
            Self::Inside(start, end) => (start..=end).contains(&value),
        }
    }
}

impl Case {
    fn query(&self) -> Query {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let make = if self.is_within {
            Interval::within
        } else {
            Interval::between
        };
        let mut intervals = self
            .given
            .iter()
            .map(|(start, end)| make(at(*start), at(*end)));
        let query = Query::new("m", self.granularity, intervals.next().unwrap())
            .group_by(["g"])
            .allow_truncated();
        intervals.fold(query, Query::add_interval)
    }

    fn result(&self) -> QueryResult {
        let groups = self.groups.iter().map(|(group, points)| {
            let points = points.iter().map(|(start, value)| {
                let start = Timestamp::from_millisecond(*start).unwrap();
                format!(r#"{{"timestamp":"{start}","value":{value:e}}}"#)
            });
            format!(
                r#"{{"g":"{group}","points":[{}]}}"#,
                points.collect::<Vec<_>>().join(",")
            )
        });
        let meta = if self.is_whole {
            ""
        } else {
            r#","meta":{"pagination":{"next_page_token":"x"}}"#
        };
        let body = format!(
            r#"{{"data":[{}]{meta}}}"#,
            groups.collect::<Vec<_>>().join(",")
        );
        // The check has to find points outside the intervals.
        let unchecked = self.query().add_interval(Interval::last_hours(24));
        QueryResult::from_json(&unchecked, body.as_bytes()).unwrap()
    }

    fn check(&self) -> Check {
        let check = Check::new(self.query())
            .reduce(self.reduce)
            .quantifier(self.quantifier)
            .on_missing(self.on_missing);
        let check = self
            .warning
            .iter()
            .fold(check, |check, bad| check.warning(bad.threshold()));
        let check = self
            .critical
            .iter()
            .fold(check, |check, bad| check.critical(bad.threshold()));
        let check = self
            .at_least
            .into_iter()
            .fold(check, Check::expect_at_least);
        let age = self.max_age.map(|age| Duration::from_millis(age as u64));
        let check = age.into_iter().fold(check, Check::max_age);
        if self.expected.is_empty() {
            check
        } else {
            check.expect_labels("g", &self.expected)
        }
    }

    fn is_all(&self) -> bool {
        self.granularity == Granularity::All
    }

    fn width(&self) -> i64 {
        self.granularity
            .duration()
            .map_or(MINUTE * 1000, |width| width.as_millis() as i64)
    }

    /// Returns the end of the settled time. The clock is floored to the second.
    fn seen_until(&self) -> i64 {
        self.now.div_euclid(1000) * 1000 - LATENCY
    }

    /// Returns the requested intervals.
    fn intervals(&self) -> Vec<(i64, i64)> {
        if !self.is_within {
            return self.given.clone();
        }
        let floor = |at: i64| at.div_euclid(self.width()) * self.width();
        let whole = |(start, end): &(i64, i64)| {
            (
                floor(start + self.width() - 1),
                floor((*end).min(self.seen_until())),
            )
        };
        self.given
            .iter()
            .map(whole)
            .filter(|(start, end)| start < end)
            .collect()
    }

    fn end(&self) -> i64 {
        self.intervals()
            .iter()
            .map(|(_, end)| *end)
            .max()
            .unwrap_or(0)
    }

    /// Returns true if some buckets are not settled.
    fn is_truncated(&self) -> bool {
        self.end() > self.seen_until()
    }

    fn is_settled(&self, start: i64) -> bool {
        let end = if self.is_all() {
            self.end()
        } else {
            start + self.width()
        };
        end <= self.seen_until()
    }

    /// Returns every settled bucket that starts in the intervals.
    fn buckets(&self) -> BTreeSet<i64> {
        let mut buckets = BTreeSet::new();
        for (start, end) in &self.intervals() {
            let mut bucket = start.div_euclid(self.width()) * self.width();
            while bucket < *end {
                if bucket >= *start && self.is_settled(bucket) {
                    buckets.insert(bucket);
                }
                bucket += self.width();
            }
        }
        buckets
    }

    /// Returns true if a bucket overlaps an interval and does not start before it.
    fn is_asked_for(&self, bucket: i64) -> bool {
        self.is_all()
            || self
                .intervals()
                .iter()
                .any(|(start, end)| bucket + self.width() > *start && bucket < *end)
    }

    fn faulty(&self) -> bool {
        let thresholds = || self.warning.iter().chain(&self.critical);
        let idle =
            thresholds().next().is_none() && self.at_least.is_none() && self.expected.is_empty();
        let stray = |bucket: &i64| {
            !self.is_asked_for(*bucket) && !self.intervals().iter().any(|(_, end)| end == bucket)
        };
        idle || thresholds().any(|bad| bad.says_nothing())
            || self.quantifier == Quantifier::AtLeast(0)
            || self.at_least == Some(0)
            || (self.max_age.is_some() && self.is_all())
            || self.buckets().is_empty()
            || self.groups.values().flat_map(BTreeMap::keys).any(stray)
    }

    fn outcome(&self, points: &BTreeMap<i64, f64>) -> Outcome {
        let mut settled: Vec<(i64, f64)> = points
            .iter()
            .map(|(start, value)| (*start, *value))
            .filter(|(start, _)| self.is_asked_for(*start) && self.is_settled(*start))
            .collect();
        if settled.is_empty() {
            return Outcome::Nothing;
        }
        let is_last = self.reduce == Reduce::Last;
        let has_value = settled.iter().any(|(_, value)| *value > UNSET_BELOW);
        if !is_last && has_value {
            settled.retain(|(_, value)| *value > UNSET_BELOW);
        }
        let (newest, last) = *settled.last().unwrap();
        let limit = self.max_age.or(if is_last {
            Some(2 * self.width())
        } else {
            None
        });
        let reached = self.seen_until().min(self.end());
        let too_old =
            limit.is_some_and(|limit| !self.is_all() && newest + self.width() + limit < reached);
        if too_old {
            return Outcome::Distrust;
        }
        if !has_value || (is_last && last <= UNSET_BELOW) {
            return Outcome::Nothing;
        }
        let all = self.buckets();
        let mut values = settled.iter().map(|(_, value)| *value).collect::<Vec<_>>();
        let sum: f64 = values.iter().sum();
        let number = match self.reduce {
            Reduce::Last => last,
            Reduce::Mean => sum / values.len() as f64,
            Reduce::Sum => sum,
            Reduce::Rate => sum / (all.len() as f64 * self.width() as f64 / 1000.0),
            _ => {
                values.sort_by(f64::total_cmp);
                if self.reduce == Reduce::Min {
                    values[0]
                } else {
                    values[values.len() - 1]
                }
            }
        };
        if number.is_finite() {
            Outcome::Number(number)
        } else {
            Outcome::Distrust
        }
    }

    /// Returns the expected status of the report.
    fn status(&self) -> Status {
        if self.faulty() {
            return Status::Unknown;
        }
        let outcomes: BTreeMap<_, _> = self
            .groups
            .iter()
            .map(|(group, points)| (group, self.outcome(points)))
            .collect();
        let numbers: Vec<f64> = outcomes
            .values()
            .filter_map(|outcome| {
                if let Outcome::Number(number) = outcome {
                    Some(*number)
                } else {
                    None
                }
            })
            .collect();
        let missing = match self.on_missing {
            Missing::Unknown => Status::Unknown,
            Missing::Ok => Status::Ok,
            Missing::Warning => Status::Warning,
            Missing::Critical => Status::Critical,
        };
        let unmet = if missing == Status::Ok {
            Status::Unknown
        } else {
            missing
        };
        let there = |group: &String| {
            outcomes
                .get(group)
                .is_some_and(|outcome| *outcome != Outcome::Nothing)
        };
        let (mut statuses, mut needed) = (vec![Status::Ok], 1);
        if !self.is_whole
            || self.is_truncated()
            || outcomes
                .values()
                .any(|outcome| *outcome == Outcome::Distrust)
        {
            statuses.push(Status::Unknown);
        }
        if outcomes.is_empty()
            || outcomes
                .values()
                .any(|outcome| *outcome == Outcome::Nothing)
        {
            statuses.push(missing);
        }
        let is_short = self
            .at_least
            .is_some_and(|least| self.groups.keys().filter(|group| there(group)).count() < least);
        if is_short || !self.expected.iter().all(there) {
            statuses.push(unmet);
        }
        if let Quantifier::AtLeast(count) = self.quantifier {
            needed = count;
            let judges = self.warning.is_some() || self.critical.is_some();
            if judges && numbers.len() < count && !outcomes.is_empty() {
                statuses.push(missing);
            }
        }
        if self.quantifier == Quantifier::All {
            needed = if statuses.contains(&Status::Unknown) {
                usize::MAX
            } else {
                numbers.len().max(1)
            };
        }
        let crosses =
            |bad: Option<Bad>, number: f64| bad.is_some_and(|bad| bad.is_crossed_by(number));
        let critical = numbers
            .iter()
            .filter(|number| crosses(self.critical, **number))
            .count();
        let either = |number: f64| crosses(self.critical, number) || crosses(self.warning, number);
        if critical >= needed {
            statuses.push(Status::Critical);
        } else if numbers.iter().filter(|number| either(**number)).count() >= needed {
            statuses.push(Status::Warning);
        }
        let has = |status: &Status| statuses.contains(status);
        [Status::Critical, Status::Unknown, Status::Warning]
            .into_iter()
            .find(has)
            .unwrap_or(Status::Ok)
    }
}

pub(crate) fn bad() -> impl Strategy<Value = Option<Bad>> {
    let bound = || {
        prop_oneof![
            20 => (-2..6_i32).prop_map(|tens| f64::from(tens) * 10.0),
            1 => prop::sample::select(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300][..]),
        ]
    };
    let pair =
        || (bound(), bound()).prop_map(|(a, b)| if a > b && a < 45.0 { (b, a) } else { (a, b) });
    let bad = prop_oneof![
        bound().prop_map(Bad::Above),
        bound().prop_map(Bad::Below),
        pair().prop_map(|(start, end)| Bad::Outside(start, end)),
        pair().prop_map(|(start, end)| Bad::Inside(start, end)),
    ];
    prop::option::weighted(0.7, bad)
}

/// The place of a point: buckets before the end of the last interval, or after the start of the
/// first.
fn points() -> impl Strategy<Value = Vec<(bool, i64, f64)>> {
    let value = prop_oneof![
        10 => (-2..6_i32).prop_map(|tens| f64::from(tens) * 10.0 + 5.0),
        1 => Just(UNSET),
        2 => prop::sample::select(&[1.7e308, 1.7e308, -1.7e308, 0.0, 1e-300][..]),
    ];
    let place = prop_oneof![12 => 1..7_i64, 2 => 7..40_i64, 1 => -2..1_i64];
    prop::collection::vec((prop::bool::weighted(0.8), place, value), 0..6)
}

fn case() -> impl Strategy<Value = Case> {
    let shape = prop::sample::select(&GRANULARITIES).prop_flat_map(|granularity| {
        let given = prop_oneof![
            intervals(granularity, 2).prop_map(|given| (given, false)),
            jagged_intervals(granularity, 2).prop_map(|given| (given, true)),
        ];
        (Just(granularity), given)
    });
    let groups = prop::collection::vec(
        (prop::sample::select(&["a", "b", "c", "d"][..]), points()),
        0..4,
    );
    let since_end = prop_oneof![6 => 0..20 * MINUTE * 1000, 3 => (-5..5_i64).prop_map(|minutes| minutes * MINUTE * 1000), 2 => -30 * MINUTE * 1000..0, 2 => 0..3 * DAY * 1000, 1 => -3 * DAY * 1000..0];
    let reduce = prop::sample::select(
        &[
            Reduce::Last,
            Reduce::Last,
            Reduce::Min,
            Reduce::Max,
            Reduce::Mean,
            Reduce::Sum,
            Reduce::Rate,
        ][..],
    );
    let quantifier = prop_oneof![4 => Just(Quantifier::Any), 2 => Just(Quantifier::All), 2 => (0..4_usize).prop_map(Quantifier::AtLeast)];
    let max_age = prop::option::weighted(0.3, prop_oneof![0..10 * MINUTE * 1000, 0..DAY * 1000]);
    let missing = prop::sample::select(
        &[
            Missing::Unknown,
            Missing::Ok,
            Missing::Ok,
            Missing::Warning,
            Missing::Critical,
        ][..],
    );
    let expected = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec("[abcd]", 1..3)];
    let at_least = prop::option::weighted(0.2, 0..4_usize);
    (
        (shape, groups, since_end, prop::bool::weighted(0.93)),
        (reduce, bad(), bad(), quantifier),
        (max_age, at_least, expected, missing),
    )
        .prop_map(
            |(
                (shape, groups, since_end, is_whole),
                (reduce, warning, critical, quantifier),
                rest,
            )| {
                let ((granularity, (given, is_within)), (max_age, at_least, expected, on_missing)) =
                    (shape, rest);
                let end = given.iter().map(|(_, end)| *end).max().unwrap();
                let mut case = Case {
                    granularity,
                    given,
                    is_within,
                    now: end + LATENCY + since_end,
                    groups: BTreeMap::new(),
                    is_whole,
                    reduce,
                    warning,
                    critical,
                    quantifier,
                    max_age: max_age
                        .filter(|_| granularity != Granularity::All || reduce == Reduce::Max),
                    at_least,
                    expected,
                    on_missing,
                };
                for (group, points) in groups {
                    let placed = points.into_iter().map(|place| case.place(place)).collect();
                    case.groups.insert(group.to_owned(), placed);
                }
                case
            },
        )
}

impl Case {
    fn place(&self, (from_end, buckets, value): (bool, i64, f64)) -> (i64, f64) {
        let start = self.given.iter().map(|(start, _)| *start).min().unwrap();
        let end = if self.end() == 0 { start } else { self.end() };
        let at = match (self.is_all(), from_end) {
            (true, _) => start,
            (false, true) => end - 1 - (buckets - 1) * self.width(),
            (false, false) => start + (buckets - 1) * self.width(),
        };
        (at.div_euclid(self.width()) * self.width(), value)
    }
}

/// Returns true if the report may pass. This lists every way to pass, independently of the loop
/// above.
fn may_pass(case: &Case) -> Result<(), String> {
    let excused = case.on_missing == Missing::Ok;
    let fail = |why: &str| Err(why.to_owned());
    if case.faulty() || !case.is_whole || case.is_truncated() {
        return fail("nothing can be told by it");
    }
    if case.groups.is_empty() && !excused {
        return fail("nothing came");
    }
    if case
        .expected
        .iter()
        .any(|group| !case.groups.contains_key(group))
    {
        return fail("an expected group is gone");
    }
    let mut crossing = 0;
    for points in case.groups.values() {
        match case.outcome(points) {
            Outcome::Nothing if excused => {}
            Outcome::Nothing => return fail("a group has nothing"),
            Outcome::Distrust => return fail("a group cannot be trusted"),
            Outcome::Number(number) => {
                let bad = case
                    .critical
                    .iter()
                    .chain(&case.warning)
                    .any(|bad| bad.is_crossed_by(number));
                crossing += usize::from(bad);
            }
        }
    }
    if crossing > 0 && case.quantifier == Quantifier::Any {
        fail("a number is bad")
    } else {
        Ok(())
    }
}

#[test]
fn checks_agree_with_a_plain_loop() {
    let mut counts = BTreeMap::new();
    let runs = std::cell::RefCell::new(&mut counts);
    proptest!(cases(3_000), |(case in case())| {
        let report = case.check().judge(&case.result(), Timestamp::from_millisecond(case.now).unwrap());
        *runs.borrow_mut().entry(report.status()).or_insert(0_u32) += 1;
        prop_assert_eq!(report.status(), case.status(), "{}", report);
        prop_assert_eq!(report.findings().iter().map(Finding::status).max(), Some(report.status()));
        if report.status() == Status::Ok {
            prop_assert_eq!(may_pass(&case), Ok(()), "{}", report);
        }
        for finding in report.findings() {
            let points = finding.labels().get("g").and_then(|group| case.groups.get(group));
            if let (Some(Outcome::Number(number)), Some(value)) = (points.map(|points| case.outcome(points)), finding.value()) {
                prop_assert_eq!(number, value);
            }
            prop_assert!(finding.value().is_none_or(f64::is_finite));
            prop_assert_eq!(finding.value().is_some(), finding.timestamp().is_some());
            prop_assert!(!finding.reason().is_empty() && !finding.reason().contains('\n'));
        }
    });
    println!("{counts:?}");
    assert!(
        counts.len() == 4 && counts.values().all(|count| *count > 20),
        "every status is met: {counts:?}"
    );
}
