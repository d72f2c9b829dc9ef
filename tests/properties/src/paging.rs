//! Windows, pages and expired tokens: nothing is lost or duplicated, and no request is unnecessary.

use std::cell::Cell;
use std::collections::BTreeMap;

use confluent_metrics::{Completeness, ErrorKind, Granularity, Order, Query, Series};
use confluent_metrics_emulator::{Emulator, Request};
use proptest::prelude::*;

use crate::cases;
use crate::expression::Labels;
use crate::oracle::{CLUSTER, METRICS, Metric, Raw, TestQuery, points, raw_points, render};
use crate::queries::{LETTERS, any_metric, new_clusters, present, put, raw, test_query};
use crate::seeded_rng::SeededRng;
use crate::support::{DAY, HOUR, MINUTE, NOON, client, empty};

/// Many groups, and intervals that one request cannot hold.
pub(crate) fn split() -> impl Strategy<Value = (Vec<Raw>, TestQuery)> {
    let granularity = prop_oneof![
        4 => Just((Granularity::OneMinute, 2)),
        2 => Just((Granularity::FiveMinutes, 4)),
        2 => Just((Granularity::FifteenMinutes, 12)),
        2 => Just((Granularity::ThirtyMinutes, 30)),
        1 => Just((Granularity::FourHours, 30)),
        1 => Just((Granularity::All, 4)),
    ];
    (any_metric(), granularity).prop_flat_map(|(metric, (granularity, days))| {
        (
            raw(metric, days),
            test_query(metric, &LETTERS, Just(granularity), days),
        )
    })
}

/// Returns the number of requests for every group of every window.
fn fewest_requests(test_query: &TestQuery, raw: &[Raw], page_cap: usize) -> usize {
    if test_query.group_by.is_empty() || test_query.granularity == Granularity::All {
        return test_query
            .windows()
            .len()
            .min(if test_query.granularity == Granularity::All {
                1
            } else {
                usize::MAX
            });
    }
    let limit = test_query.limit.map_or(1000, |limit| limit as usize);
    let page = if page_cap == 0 {
        limit
    } else {
        page_cap.min(limit)
    };
    let groups = |window| {
        test_query
            .count(raw, window)
            .min(test_query.limit.map_or(usize::MAX, |limit| limit as usize))
    };
    test_query
        .windows()
        .into_iter()
        .map(|window| groups(window).div_ceil(page).max(1))
        .sum()
}

fn sent(emulator: &Emulator) -> Vec<String> {
    emulator.requests().iter().map(Request::text).collect()
}

#[test]
fn windows_and_pages_give_the_result_of_one_request_in_the_fewest_requests() {
    let emulators = [
        empty().start(),
        empty().links_only(true).millis(true).start(),
        empty()
            .always_meta(true)
            .newest_first(true)
            .integers(true)
            .start(),
    ];
    let clients = emulators.each_ref().map(client);
    let (requests, series) = (Cell::new(0), Cell::new(0));
    let input = (
        split(),
        any::<bool>(),
        prop_oneof![1 => Just(0), 6 => 1..8_usize],
        0..3_usize,
    );
    proptest!(cases(300), |(((mut raw, mut test_query), both, page_cap, which) in input)| {
        let (emulator, client) = (&emulators[which], &clients[which]);
        let clusters = new_clusters();
        put(emulator, &test_query.metric, &mut raw, &clusters);
        test_query.clusters = present(&raw, clusters, both);
        emulator.page_cap(page_cap);
        emulator.clear_requests();
        let result = client.query(&test_query.query()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(render(&result), test_query.response(&raw));

        let mut bodies = sent(emulator);
        prop_assert_eq!(bodies.len(), fewest_requests(&test_query, &raw, page_cap));
        requests.set(requests.get() + bodies.len());
        series.set(series.get() + result.series().len());
        // All pages of a window are requested with the same body. Windows arrive in any order.
        bodies.sort();
        bodies.dedup();
        let mut expected = client.request_bodies(&test_query.query()).unwrap();
        expected.sort();
        prop_assert_eq!(bodies, expected);
    });
    let run = cases(300).cases as usize;
    assert!(
        requests.get() > 3 * run && series.get() > run,
        "{} requests, {} series",
        requests.get(),
        series.get()
    );
}

#[test]
fn demo_data_is_complete_across_pages_and_windows() {
    let emulator = Emulator::builder().clock(NOON).start();
    let client = client(&emulator);
    let input = (
        0..4_usize,
        1..40_usize,
        7 * 60..20 * 60_i64,
        1..5 * DAY,
        any::<prop::sample::Index>(),
    );
    proptest!(cases(6), |((which, page_cap, minutes, back, label) in input)| {
        let metric = METRICS[which];
        let names = metric.all_labels();
        let end = (NOON - back) / MINUTE * MINUTE * 1000;
        let test_query = TestQuery {
            metric,
            clusters: vec!["lkc-1".to_owned()],
            filter: None,
            group_by: vec![names[0].clone(), names[1 + label.index(names.len() - 1)].clone()],
            granularity: Granularity::OneMinute,
            intervals: vec![(end - minutes * 60_000, end)],
            aggregation: None,
            order: None,
            limit: None,
        };
        emulator.page_cap(page_cap);
        emulator.clear_requests();
        let raw = raw_points(&emulator, &metric, NOON - back - 24 * HOUR, NOON - back + HOUR);
        let result = client.query(&test_query.query()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert!(!result.series().is_empty());
        prop_assert_eq!(render(&result), test_query.response(&raw));
        prop_assert_eq!(sent(&emulator).len(), fewest_requests(&test_query, &raw, page_cap));
    });
}

/// Series merged by the test, with each point once.
#[derive(Default)]
struct Union(BTreeMap<Labels, BTreeMap<i64, f64>>);

impl Union {
    fn add(&mut self, series: &Series) {
        let labels = series
            .labels()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let own = self.0.entry(labels).or_default();
        for (time, value) in points(series) {
            assert_eq!(
                own.insert(time, value),
                None,
                "{} has {time} twice",
                series.labels()
            );
        }
    }
}

#[test]
fn expired_tokens_lose_and_duplicate_nothing() {
    let emulator = empty().start();
    let client = client(&emulator);
    let (whole, restarts, export_errors) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let expire = prop::collection::vec(prop::bool::weighted(0.2), 1..12);
    proptest!(cases(400), |((mut raw, mut test_query) in split(), page_cap in 1..5_usize, expire in expire)| {
        if test_query.granularity == Granularity::All {
            return Ok(());
        }
        let clusters = new_clusters();
        put(&emulator, &test_query.metric, &mut raw, &clusters);
        (test_query.clusters, test_query.limit) = (present(&raw, clusters, true), None);
        emulator.page_cap(page_cap);
        emulator.clear_requests();

        let mut expire = expire.into_iter().cycle();
        let (mut union, mut done, mut has_restarted, mut is_refused) = (Union::default(), 0, false, false);
        let (mut pages, mut series_so_far, mut points_so_far) = (0, 0, 0);
        let mut walk = client.query_pages(&test_query.query());
        for page in walk.by_ref() {
            if is_refused {
                let error = page.map(|page| page.items().len()).unwrap_err();
                prop_assert_eq!((error.kind(), error.status()), (ErrorKind::Rejected, Some(400)));
                prop_assert!(error.hint().is_some());
                break;
            }
            let page = page.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
            let progress = page.progress();
            prop_assert_eq!(page.interval().0.as_millisecond(), test_query.windows()[done].0);
            prop_assert_eq!(page.interval().1.as_millisecond(), test_query.windows()[done].1);
            page.items().iter().for_each(|series| union.add(series));
            pages += 1;
            series_so_far += page.items().len();
            points_so_far += page.items().iter().map(|series| series.points().len()).sum::<usize>();
            prop_assert_eq!((progress.pages(), progress.series(), progress.points()), (pages, series_so_far, points_so_far));
            prop_assert_eq!(progress.windows(), test_query.windows().len());
            if progress.windows_done() > done {
                (done, has_restarted) = (progress.windows_done(), false);
            } else if expire.next() == Some(true) {
                emulator.expire_tokens();
                // A window restarts once, and then fails.
                (is_refused, has_restarted) = (has_restarted, true);
                restarts.set(restarts.get() + 1);
            }
        }
        prop_assert!(walk.next().is_none(), "after its end an iterator has nothing more");
        let expected: BTreeMap<_, BTreeMap<_, _>> =
            test_query.response(&raw).series.into_iter().map(|(labels, points)| (labels, points.into_iter().collect())).collect();
        if is_refused {
            let is_part = |(labels, points): (&Labels, &BTreeMap<i64, f64>)| {
                points.iter().all(|(time, value)| expected[labels].get(time) == Some(value))
            };
            prop_assert!(union.0.iter().all(is_part));
            export_errors.set(export_errors.get() + 1);
        } else {
            prop_assert_eq!(union.0, expected);
            prop_assert_eq!(done, test_query.windows().len());
            whole.set(whole.get() + 1);
        }
    });
    let counts = (whole.get(), restarts.get(), export_errors.get());
    assert!(
        counts.0 > 100 && counts.1 > 50 && counts.2 > 5,
        "{counts:?}"
    );
}

/// Returns names of different lengths and scripts.
fn names(count: usize, seed: u64) -> Vec<String> {
    const ALPHABETS: [&str; 4] = [
        "abcdefgh",
        "0123456789",
        "AZé日\u{ff5e}\u{1f600}\"\\ ",
        "._-a",
    ];
    let mut rng = SeededRng::new(seed);
    let mut name = |number: usize| {
        let alphabet: Vec<char> = ALPHABETS[rng.roll(ALPHABETS.len())].chars().collect();
        let word: String = (0..=rng.roll(4))
            .map(|_| alphabet[rng.roll(alphabet.len())])
            .collect();
        format!("{word}-{number}")
    };
    (0..count).map(&mut name).collect()
}

/// Creates a cluster with these topics, each with a different value in one minute.
fn topics(emulator: &Emulator, metric: Metric, names: &[String]) -> TestQuery {
    let clusters = new_clusters()[..1].to_vec();
    for (number, name) in names.iter().enumerate() {
        let labels = [
            (CLUSTER, clusters[0].as_str()),
            ("metric.topic", name),
            ("metric.partition", "0"),
        ];
        // A prime step, so that values do not follow the names.
        emulator.put(
            &metric.full_name(),
            &labels,
            NOON - 600,
            (number * 7919 % 10_007) as f64,
        );
    }
    TestQuery {
        metric,
        clusters,
        filter: None,
        group_by: vec!["metric.topic".to_owned()],
        granularity: Granularity::All,
        intervals: vec![((NOON - HOUR) * 1000, NOON * 1000)],
        aggregation: None,
        order: None,
        limit: None,
    }
}

#[test]
fn all_bisects_the_label_range_beyond_a_full_response() {
    let emulator = empty().start();
    let client = client(&emulator);
    let count =
        prop_oneof![1 => Just(999_usize), 1 => Just(1000), 1 => Just(1001), 3 => 1500..2600_usize];
    proptest!(cases(6), |(count in count, seed in any::<u64>())| {
        let names = names(count, seed);
        let test_query = topics(&emulator, METRICS[0], &names);
        let raw = raw_points(&emulator, &test_query.metric, NOON - HOUR, NOON);
        emulator.clear_requests();
        let result = client.query(&test_query.query()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        let expected = test_query.response(&raw);
        prop_assert_eq!(expected.series.len(), names.len());
        prop_assert_eq!(render(&result), expected);
        let requests = emulator.requests().len();
        prop_assert!(if names.len() < 1000 { requests == 1 } else { (3..=13).contains(&requests) }, "{}", requests);

        // If the labels cannot be bisected, the result is incomplete.
        let incomplete = |query: &Query| client.query(query).map(|_| ()).map_err(|error| error.kind());
        let is_full = names.len() >= 1000;
        let expected = if is_full { Err(ErrorKind::Incomplete) } else { Ok(()) };
        let by_two = TestQuery { group_by: vec!["metric.topic".to_owned(), "metric.partition".to_owned()], ..test_query.clone() };
        prop_assert_eq!(incomplete(&by_two.query()), expected);
        let ordered = TestQuery { order: Some(Order::Ascending), ..test_query.clone() };
        prop_assert_eq!(incomplete(&ordered.query()), expected);
        let allowed = client.query(&by_two.query().allow_truncated()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(matches!(allowed.completeness(), Completeness::Truncated { .. }), is_full);
        let first = TestQuery { limit: Some(1000), ..test_query };
        let result = client.query(&first.query()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(render(&result), first.response(&raw));
    });
}
