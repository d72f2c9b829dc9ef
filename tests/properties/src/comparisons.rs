//! Random ratios, changes and single buckets, compared with arithmetic on small tables. Above all,
//! nothing passes that should not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use confluent_metrics::check::{Change, Check, Missing, Quantifier, Reduce, Report, Status};
use confluent_metrics::{Granularity, Interval, Query, QueryResult, Timestamp};
use proptest::prelude::*;

use crate::cases;
use crate::checks::{Bad, UNSET, UNSET_BELOW, bad};
use crate::support::MINUTE;

/// The buckets of a window, each a minute.
const BUCKETS: usize = 6;
/// The start of the window.
const START: i64 = 1_767_870_000;
const SHIFT: i64 = 60 * MINUTE;
const LATENCY: i64 = 3 * MINUTE;

/// The value of each bucket, if it has one.
type Row = [Option<f64>; BUCKETS];
/// The rows of a result by group.
type Table = BTreeMap<&'static str, Row>;

/// The number of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Number(f64),
    Nothing,
    Distrust,
}
use Outcome::{Distrust, Nothing, Number};

/// A check and its results.
#[derive(Clone, Debug)]
struct Case {
    /// The value, the divisor, and both of the baseline.
    tables: [Table; 4],
    /// True for a result that was cut.
    is_cut: [bool; 4],
    /// The form of the divisor: none, a series for each group, or one series.
    divisor: Option<bool>,
    change: Option<Change>,
    datapoints: Option<(usize, usize)>,
    /// The number of complete buckets.
    complete: usize,
    reduce: Reduce,
    warning: Option<Bad>,
    critical: Option<Bad>,
    quantifier: Quantifier,
    max_age: Option<usize>,
    min_coverage: Option<f64>,
    at_least: Option<usize>,
    expected: Vec<&'static str>,
    on_missing: Missing,
}

impl Case {
    fn query(metric: &str, is_grouped: bool) -> Query {
        let at = |second| Timestamp::from_second(second).unwrap();
        let interval = Interval::between(at(START), at(START + BUCKETS as i64 * MINUTE));
        let query = Query::new(metric, Granularity::OneMinute, interval).allow_truncated();
        if is_grouped {
            query.group_by(["g"])
        } else {
            query
        }
    }

    fn check(&self) -> Check {
        let mut check = Check::new(Self::query("a", true))
            .reduce(self.reduce)
            .quantifier(self.quantifier)
            .on_missing(self.on_missing);
        if let Some(bad) = self.warning {
            check = check.warning(bad.threshold());
        }
        if let Some(bad) = self.critical {
            check = check.critical(bad.threshold());
        }
        if let Some(is_grouped) = self.divisor {
            check = check.divide_by(Self::query("b", is_grouped));
        }
        if let Some(change) = self.change {
            check = check.compare_to(Duration::from_secs(SHIFT as u64), change);
        }
        if let Some((required, of)) = self.datapoints {
            check = check.datapoints(required, of);
        }
        if let Some(minutes) = self.max_age {
            check = check.max_age(Duration::from_secs(minutes as u64 * 60));
        }
        if let Some(share) = self.min_coverage {
            check = check.min_coverage(share);
        }
        if let Some(series) = self.at_least {
            check = check.expect_at_least(series);
        }
        if !self.expected.is_empty() {
            check = check.expect_labels("g", self.expected.iter().copied());
        }
        check
    }

    /// Returns the indices of the tables that the check has queries for.
    fn used(&self) -> Vec<usize> {
        let mut used = vec![0];
        if self.divisor.is_some() {
            used.push(1);
        }
        if self.change.is_some() {
            used.push(2);
            if self.divisor.is_some() {
                used.push(3);
            }
        }
        used
    }

    fn results(&self, check: &Check) -> Vec<QueryResult> {
        let queries = check.queries();
        let pairs = self.used().into_iter().zip(&queries);
        pairs
            .map(|(index, query)| self.result(index, query))
            .collect()
    }

    fn result(&self, index: usize, query: &Query) -> QueryResult {
        let start = if index < 2 { START } else { START - SHIFT };
        let is_flat = index % 2 == 1 && self.divisor == Some(false);
        let mut rows = Vec::new();
        for (group, row) in &self.tables[index] {
            let mut points = Vec::new();
            for (bucket, value) in row.iter().enumerate() {
                let Some(value) = value else { continue };
                let at = Timestamp::from_second(start + bucket as i64 * MINUTE).unwrap();
                points.push(format!(r#"{{"timestamp":"{at}","value":{value:e}}}"#));
            }
            if is_flat {
                rows.extend(points);
                // One series, which is that of the first group.
                break;
            }
            let points = points.join(",");
            rows.push(format!(r#"{{"g":"{group}","points":[{points}]}}"#));
        }
        let meta = if self.is_cut[index] {
            r#","meta":{"pagination":{"next_page_token":"x"}}"#
        } else {
            ""
        };
        let body = format!(r#"{{"data":[{}]{meta}}}"#, rows.join(","));
        QueryResult::from_json(query, body.as_bytes()).unwrap()
    }

    fn report(&self) -> Report {
        let check = self.check();
        let end = START + self.complete as i64 * MINUTE;
        let now = Timestamp::from_second(end + LATENCY).unwrap();
        check.judge_all(&self.results(&check), now)
    }

    fn is_invalid(&self) -> bool {
        let bads = self.warning.iter().chain(&self.critical);
        let no_threshold = self.warning.is_none() && self.critical.is_none();
        let mut invalid = bads.clone().any(|bad| bad.says_nothing())
            || self.quantifier == Quantifier::AtLeast(0)
            || self.at_least == Some(0)
            || self.complete == 0;
        if self.divisor.is_some() || self.change.is_some() || self.datapoints.is_some() {
            invalid |= no_threshold;
        }
        if let Some((required, of)) = self.datapoints {
            invalid |= required == 0 || required > of || self.reduce != Reduce::Last;
            invalid |= self.divisor.is_some() || self.change.is_some();
        }
        invalid || (no_threshold && self.at_least.is_none() && self.expected.is_empty())
    }

    /// Reduces the complete buckets of a row.
    fn reduced(&self, row: &Row) -> Outcome {
        let mut points: Vec<(usize, f64)> = Vec::new();
        for (bucket, value) in row.iter().enumerate().take(self.complete) {
            if let Some(value) = value {
                points.push((bucket, *value));
            }
        }
        let is_set = |value: f64| value > UNSET_BELOW;
        let set = points.iter().filter(|(_, value)| is_set(*value)).count();
        if self.reduce != Reduce::Last && set > 0 {
            points.retain(|(_, value)| is_set(*value));
        }
        let Some((newest, last)) = points.last().copied() else {
            return Nothing;
        };
        let default = (self.reduce == Reduce::Last).then_some(2);
        if let Some(limit) = self.max_age.or(default) {
            if self.complete - 1 - newest > limit {
                return Distrust;
            }
        }
        if !is_set(last) {
            return Nothing;
        }
        let share = set as f64 / self.complete as f64;
        if self.min_coverage.is_some_and(|least| share < least) {
            return Distrust;
        }
        let values = points.iter().map(|(_, value)| *value);
        let sum: f64 = values.clone().sum();
        let number = match self.reduce {
            Reduce::Last => last,
            Reduce::Min => values.fold(f64::INFINITY, f64::min),
            Reduce::Max => values.fold(f64::NEG_INFINITY, f64::max),
            Reduce::Mean => sum / points.len() as f64,
            Reduce::Sum => sum,
            _ => sum / (self.complete as f64 * 60.0),
        };
        finite(number)
    }

    /// Returns the numbers of one window: 0 for the window, 2 for the baseline.
    fn numbers(&self, window: usize) -> BTreeMap<&'static str, Outcome> {
        let values = &self.tables[window];
        let Some(is_grouped) = self.divisor else {
            let reduced = values
                .iter()
                .map(|(group, row)| (*group, self.reduced(row)));
            return reduced.collect();
        };
        let divisors = &self.tables[window + 1];
        let one = divisors.values().next();
        let one = one.filter(|row| row.iter().any(Option::is_some));
        let mut groups: BTreeSet<&str> = values.keys().copied().collect();
        if is_grouped {
            groups.extend(divisors.keys().copied());
        }
        let mut numbers = BTreeMap::new();
        for group in groups {
            let divisor = if is_grouped { divisors.get(group) } else { one };
            let value = values.get(group).map_or(Nothing, |row| self.reduced(row));
            let divisor = divisor.map_or(Nothing, |row| self.reduced(row));
            let ratio = match (value, divisor) {
                (Distrust, _) | (_, Distrust) => Distrust,
                (Nothing, _) | (_, Nothing | Number(0.0)) => Nothing,
                (Number(value), Number(divisor)) => finite(value / divisor),
            };
            numbers.insert(group, ratio);
        }
        numbers
    }

    /// Returns true if the one divisor of a window divides nothing and cannot be relied on.
    fn has_idle_divisor_to_distrust(&self, window: usize) -> bool {
        self.divisor == Some(false)
            && self.used().contains(&window)
            && self.tables[window].is_empty()
            && self.tables[window + 1]
                .values()
                .next()
                .is_some_and(|row| self.reduced(row) == Distrust)
    }

    /// Returns the number of each series that the thresholds judge.
    fn judged(&self) -> BTreeMap<&'static str, Outcome> {
        let now = self.numbers(0);
        let Some(change) = self.change else {
            return now;
        };
        let before = self.numbers(2);
        let groups: BTreeSet<_> = now.keys().chain(before.keys()).copied().collect();
        let mut changes = BTreeMap::new();
        for group in groups {
            let of = |numbers: &BTreeMap<_, _>| numbers.get(group).copied().unwrap_or(Nothing);
            let outcome = match (of(&now), of(&before)) {
                (Distrust, _) | (_, Distrust) => Distrust,
                (Nothing, _) | (_, Nothing) => Nothing,
                (Number(now), Number(before)) => match change {
                    Change::Difference => finite(now - before),
                    _ if before == 0.0 => Nothing,
                    Change::Ratio => finite(now / before),
                    _ => finite((now - before) * 100.0 / before.abs()),
                },
            };
            changes.insert(group, outcome);
        }
        changes
    }

    /// Returns the status of a series whose buckets are judged one by one.
    fn by_bucket(&self, row: &Row, (required, of): (usize, usize)) -> Status {
        let set = |bucket: &usize| row[*bucket].filter(|value| *value > UNSET_BELOW);
        let all: Vec<_> = (0..self.complete).collect();
        let known: Vec<_> = all.iter().filter(|bucket| set(bucket).is_some()).collect();
        let share = known.len() as f64 / self.complete as f64;
        if self.min_coverage.is_some_and(|least| share < least) {
            return Status::Unknown;
        }
        let judged = all.iter().rev().take(of).filter_map(set);
        let judged: Vec<f64> = judged.collect();
        let newest = all
            .iter()
            .rev()
            .take(of)
            .find(|bucket| set(bucket).is_some());
        if let (Some(limit), Some(newest)) = (self.max_age, newest) {
            if self.complete - 1 - newest > limit {
                return Status::Unknown;
            }
        }
        let crosses =
            |bad: Option<Bad>, value: f64| bad.is_some_and(|bad| bad.is_crossed_by(value));
        let critical = judged
            .iter()
            .filter(|value| crosses(self.critical, **value))
            .count();
        let either = judged
            .iter()
            .filter(|value| crosses(self.critical, **value) || crosses(self.warning, **value))
            .count();
        let gaps = of - judged.len();
        let is_open = |violations: usize| judged.len() < required || violations + gaps >= required;
        if self.critical.is_some() && critical >= required {
            Status::Critical
        } else if self.critical.is_some() && is_open(critical) {
            Status::Unknown
        } else if self.warning.is_some() && either >= required {
            Status::Warning
        } else if self.warning.is_some() && is_open(either) {
            Status::Unknown
        } else {
            Status::Ok
        }
    }

    /// Returns the status of each series, or `None` if it has no data.
    fn statuses(&self) -> BTreeMap<&'static str, Option<Status>> {
        if let Some(rule) = self.datapoints {
            let rows = self.tables[0].iter();
            return rows
                .map(|(group, row)| (*group, Some(self.by_bucket(row, rule))))
                .collect();
        }
        let crosses =
            |bad: Option<Bad>, value: f64| bad.is_some_and(|bad| bad.is_crossed_by(value));
        let status = |outcome: &Outcome| match outcome {
            Nothing => None,
            Distrust => Some(Status::Unknown),
            Number(value) if crosses(self.critical, *value) => Some(Status::Critical),
            Number(value) if crosses(self.warning, *value) => Some(Status::Warning),
            Number(_) => Some(Status::Ok),
        };
        let judged = self.judged();
        judged
            .iter()
            .map(|(group, outcome)| (*group, status(outcome)))
            .collect()
    }

    /// Returns the expected status of the report.
    fn status(&self) -> Status {
        if self.is_invalid() {
            return Status::Unknown;
        }
        let series = self.statuses();
        let missing = match self.on_missing {
            Missing::Unknown => Status::Unknown,
            Missing::Ok => Status::Ok,
            Missing::Warning => Status::Warning,
            Missing::Critical => Status::Critical,
        };
        let unmet = missing.max(if missing == Status::Ok {
            Status::Unknown
        } else {
            missing
        });
        let mut found = vec![Status::Ok];
        if self.complete < BUCKETS || self.used().iter().any(|index| self.is_cut[*index]) {
            found.push(Status::Unknown);
        }
        if (0..2).any(|window| self.has_idle_divisor_to_distrust(2 * window)) {
            found.push(Status::Unknown);
        }
        if self.tables[0].is_empty() || series.values().any(Option::is_none) {
            found.push(missing);
        }
        if series
            .values()
            .any(|status| *status == Some(Status::Unknown))
        {
            found.push(Status::Unknown);
        }
        let with_data = series.values().flatten().count();
        let is_there = |group: &&str| series.get(*group).is_some_and(Option::is_some);
        if self.at_least.is_some_and(|least| with_data < least)
            || !self.expected.iter().all(is_there)
        {
            found.push(unmet);
        }
        let evaluated: Vec<_> = series
            .values()
            .flatten()
            .filter(|status| **status != Status::Unknown)
            .collect();
        let mut needed = 1;
        if let Quantifier::AtLeast(count) = self.quantifier {
            needed = count;
            let judges = self.warning.is_some() || self.critical.is_some();
            if judges && evaluated.len() < count && !series.is_empty() {
                found.push(missing);
            }
        }
        if self.quantifier == Quantifier::All {
            let is_certain = !found.contains(&Status::Unknown);
            needed = if is_certain {
                evaluated.len().max(1)
            } else {
                usize::MAX
            };
        }
        let critical = evaluated
            .iter()
            .filter(|s| ***s == Status::Critical)
            .count();
        let violating = evaluated.iter().filter(|s| ***s != Status::Ok).count();
        if critical >= needed {
            found.push(Status::Critical);
        } else if violating >= needed {
            found.push(Status::Warning);
        }
        found.into_iter().max().unwrap()
    }
}

fn finite(number: f64) -> Outcome {
    if number.is_finite() {
        Number(number)
    } else {
        Distrust
    }
}

fn row() -> impl Strategy<Value = Row> {
    let value = prop_oneof![
        4 => Just(None),
        12 => (-2..6_i32).prop_map(|tens| Some(f64::from(tens) * 10.0 + 5.0)),
        2 => Just(Some(0.0)),
        1 => Just(Some(UNSET)),
        1 => prop::sample::select(&[1e300, 1e-300, -1e-300, -0.0][..]).prop_map(Some),
    ];
    let full = (-2..6_i32).prop_map(|tens| [Some(f64::from(tens) * 10.0); BUCKETS]);
    prop_oneof![3 => prop::array::uniform6(value), 2 => full, 1 => Just([None; BUCKETS])]
}

fn table() -> impl Strategy<Value = Table> {
    let group = prop::sample::select(&["a", "b", "c"][..]);
    prop_oneof![
        6 => prop::collection::btree_map(group, row(), 1..4),
        1 => Just(BTreeMap::new()),
    ]
}

fn case(kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = Case> {
    let tables = (table(), table(), table(), table());
    let is_cut = prop::array::uniform4(prop::bool::weighted(0.03));
    let complete = prop_oneof![8 => Just(BUCKETS), 1 => 0..BUCKETS];
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
    let quantifier = prop_oneof![
        4 => Just(Quantifier::Any),
        1 => Just(Quantifier::All),
        2 => (0..4_usize).prop_map(Quantifier::AtLeast),
    ];
    let missing = prop::sample::select(
        &[
            Missing::Unknown,
            Missing::Ok,
            Missing::Ok,
            Missing::Warning,
            Missing::Critical,
        ][..],
    );
    let limits = (
        prop::option::weighted(0.2, 0..BUCKETS),
        prop::option::weighted(0.2, (1..=BUCKETS).prop_map(|n| n as f64 / BUCKETS as f64)),
    );
    let group = prop::sample::select(&["a", "b"][..]);
    let expected = (
        prop::option::weighted(0.15, 0..4_usize),
        prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(group, 1..3)],
    );
    (
        (tables, is_cut, kind, complete),
        (reduce, bad(), bad(), quantifier),
        (limits, expected, missing),
    )
        .prop_map(|((tables, is_cut, kind, complete), judging, rest)| {
            let (reduce, warning, critical, quantifier) = judging;
            let ((max_age, min_coverage), (at_least, expected), on_missing) = rest;
            let (value, divisor, baseline, baseline_divisor) = tables;
            Case {
                tables: [value, divisor, baseline, baseline_divisor],
                is_cut,
                divisor: kind.divisor,
                change: kind.change,
                datapoints: kind.datapoints,
                complete,
                // Single buckets have no other reduction: a few cases are invalid by it.
                reduce: if kind.datapoints.is_some() && complete != 3 {
                    Reduce::Last
                } else {
                    reduce
                },
                warning,
                critical,
                quantifier,
                max_age,
                min_coverage,
                at_least,
                expected,
                on_missing,
            }
        })
}

/// The settings that a test is about.
#[derive(Clone, Debug, Default)]
struct Kind {
    divisor: Option<bool>,
    change: Option<Change>,
    datapoints: Option<(usize, usize)>,
}

/// Compares reports with the oracle, and makes sure that every status occurs.
fn compare(kind: impl Strategy<Value = Kind>) {
    let mut counts = BTreeMap::new();
    let runs = std::cell::RefCell::new(&mut counts);
    proptest!(cases(2_000), |(case in case(kind))| {
        let report = case.report();
        *runs.borrow_mut().entry(report.status()).or_insert(0_u32) += 1;
        prop_assert_eq!(report.status(), case.status(), "{}", report);
        let is_valid = !case.is_invalid();
        let judged = if is_valid && case.datapoints.is_none() { case.judged() } else { BTreeMap::new() };
        for finding in report.findings() {
            prop_assert!(finding.value().is_none_or(f64::is_finite));
            prop_assert!(finding.change().is_none_or(f64::is_finite));
            prop_assert!(finding.baseline().is_none_or(f64::is_finite));
            prop_assert_eq!(finding.value().is_some(), finding.timestamp().is_some());
            let number = match case.change {
                Some(_) => finding.change(),
                None => finding.value(),
            };
            match finding.labels().get("g").and_then(|group| judged.get(group)) {
                Some(Number(expected)) if number.is_some() => prop_assert_eq!(number, Some(*expected)),
                Some(Nothing | Distrust) => prop_assert_eq!(number, None, "{}", report),
                _ => {}
            }
        }
    });
    println!("{counts:?}");
    assert!(
        counts.len() == 4 && counts.values().all(|count| *count > 20),
        "every status is met: {counts:?}"
    );
}

#[test]
fn ratios_agree_with_arithmetic() {
    compare(any::<bool>().prop_map(|is_grouped| Kind {
        divisor: Some(is_grouped),
        ..Kind::default()
    }));
}

#[test]
fn changes_agree_with_arithmetic() {
    compare(
        prop::sample::select(Change::VARIANTS).prop_map(|change| Kind {
            change: Some(change),
            ..Kind::default()
        }),
    );
}

#[test]
fn changes_of_ratios_agree_with_arithmetic() {
    let kind = (any::<bool>(), prop::sample::select(Change::VARIANTS));
    compare(kind.prop_map(|(is_grouped, change)| Kind {
        divisor: Some(is_grouped),
        change: Some(change),
        datapoints: None,
    }));
}

#[test]
fn single_buckets_agree_with_counting() {
    let numbers = prop_oneof![
        8 => (1..=BUCKETS + 2).prop_flat_map(|of| (1..=of, Just(of))),
        1 => (0..4_usize, 0..4_usize),
    ];
    compare(numbers.prop_map(|numbers| Kind {
        datapoints: Some(numbers),
        ..Kind::default()
    }));
}
