//! Evaluation of a query: from raw points to the groups of a response.
//!
//! Each raw series is aggregated over time first. Then the series of a group are aggregated
//! across labels. Only the groups of the requested page are computed.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::buckets::Buckets;
use crate::catalogue::Aggregation;
use crate::request::filter::label;
use crate::request::query::{Granularity, Order, Query};
use crate::store::{Series, Visible};

/// The values of the `group_by` labels. A missing label is less than every value.
pub(crate) type Key = Vec<Option<String>>;

/// One group with its points, in order of time.
#[derive(Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) key: Key,
    pub(crate) points: Vec<(i64, Option<f64>)>,
}

/// The groups of one page.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) groups: Vec<Group>,
    /// True if there is another page.
    pub(crate) has_more: bool,
}

/// The groups of a page: at most `groups`, after the group `after`.
#[derive(Debug)]
pub(crate) struct PageRange<'a> {
    pub(crate) after: Option<&'a Key>,
    pub(crate) groups: usize,
}

/// The series of each group, by the values of its labels.
type Groups<'a> = BTreeMap<Vec<Option<&'a str>>, Vec<&'a Series>>;

/// Evaluates a query over the series that the caller can read.
pub(crate) fn evaluate<'a>(
    query: &Query,
    series: impl Iterator<Item = &'a Series>,
    visible: Visible,
    range: &PageRange<'_>,
) -> Page {
    let mut groups = Groups::new();
    for series in series {
        if query
            .filter
            .as_ref()
            .is_none_or(|filter| filter.matches(&series.labels))
        {
            let key = query
                .group_by
                .iter()
                .map(|name| label(&series.labels, name))
                .collect();
            groups.entry(key).or_default().push(series);
        }
    }
    let buckets = Buckets::new(query, visible);
    match query.granularity {
        Granularity::All => evaluate_all(query, &groups, &buckets),
        Granularity::Width(_) => evaluate_page(query, &groups, &buckets, range),
    }
}

/// Returns one page in label order.
fn evaluate_page(
    query: &Query,
    groups: &Groups<'_>,
    buckets: &Buckets,
    range: &PageRange<'_>,
) -> Page {
    let after: Option<Vec<Option<&str>>> = range
        .after
        .map(|key| key.iter().map(Option::as_deref).collect());
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut page = Page {
        groups: Vec::new(),
        has_more: false,
    };
    for (key, members) in groups.range((start, Bound::Unbounded)) {
        let points = aggregate_group(members, buckets, query.aggregation);
        // A group without points does not exist, so it does not make another page either.
        if !points.is_empty() {
            if page.groups.len() == range.groups {
                page.has_more = true;
                break;
            }
            page.groups.push(Group {
                key: to_key(key),
                points,
            });
        }
    }
    page
}

/// Returns the first groups by value, for the bucket of ALL. Equal values stay in label order.
fn evaluate_all(query: &Query, groups: &Groups<'_>, buckets: &Buckets) -> Page {
    let Order {
        aggregation,
        descending,
    } = query.order;
    let mut ranked = Vec::new();
    for (key, members) in groups {
        let points = aggregate_group(members, buckets, query.aggregation);
        if !points.is_empty() {
            let first =
                |points: &[(i64, Option<f64>)]| points.first().and_then(|(_, value)| *value);
            let rank = if aggregation == query.aggregation {
                first(&points)
            } else {
                first(&aggregate_group(members, buckets, aggregation))
            };
            ranked.push((
                rank,
                Group {
                    key: to_key(key),
                    points,
                },
            ));
        }
    }
    ranked.sort_by(|(left, _), (right, _)| match (left, right) {
        (Some(left), Some(right)) if descending => right.total_cmp(left),
        (Some(left), Some(right)) => left.total_cmp(right),
        // A group with null only is the last in either order.
        _ => right.is_some().cmp(&left.is_some()),
    });
    ranked.truncate(query.limit);
    Page {
        groups: ranked.into_iter().map(|(_, group)| group).collect(),
        has_more: false,
    }
}

fn to_key(key: &[Option<&str>]) -> Key {
    key.iter().map(|value| value.map(str::to_owned)).collect()
}

/// Returns one value for each bucket of a group.
fn aggregate_group(
    series: &[&Series],
    buckets: &Buckets,
    aggregation: Aggregation,
) -> Vec<(i64, Option<f64>)> {
    let mut values: Vec<_> = series
        .iter()
        .flat_map(|series| buckets.aggregate(series))
        .collect();
    if series.len() < 2 {
        return values;
    }
    // The sort is stable, so within a bucket the series stay in the order of their labels.
    values.sort_by_key(|(bucket, _)| *bucket);
    let mut combined: Vec<(i64, Option<f64>)> = Vec::with_capacity(values.len());
    for (bucket, value) in values {
        match combined.last_mut() {
            Some((last, so_far)) if *last == bucket => {
                *so_far = aggregate_pair(*so_far, value, aggregation);
            }
            _ => combined.push((bucket, value)),
        }
    }
    combined
}

fn aggregate_pair(left: Option<f64>, right: Option<f64>, aggregation: Aggregation) -> Option<f64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(match aggregation {
            Aggregation::Sum => left + right,
            Aggregation::Min => left.min(right),
            Aggregation::Max => left.max(right),
        }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::metric;
    use crate::demo::Organization;
    use crate::format::rfc3339;
    use crate::store::Store;
    use serde_json::{Value, json};

    const COUNTER: &str = "io.confluent.kafka.server/sent_bytes";
    const GAUGE: &str = "io.confluent.kafka.server/retained_bytes";
    const SHARE: &str = "io.confluent.kafka.server/cluster_load_percent_max";
    const BY_ZONE: &str = "io.confluent.kafka.server/response_bytes";

    /// Puts in points given as topic, partition, time, value.
    fn store(name: &str, points: &[(&str, &str, &str, f64)]) -> Store {
        let store = Store::new(Organization::new(0, &[]), false);
        for (topic, partition, time, value) in points {
            put(
                &store,
                name,
                &[("metric.topic", topic), ("metric.partition", partition)],
                time,
                Some(*value),
            );
        }
        store
    }

    fn put(store: &Store, name: &str, labels: &[(&str, &str)], time: &str, value: Option<f64>) {
        let labels = [&[("resource.kafka.id", "lkc-1")], labels].concat();
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        store.put(metric(name).expect(name), labels, at(time), value);
    }

    /// Parses a time of 2026-01-01 such as 10:15, or a full RFC 3339 time.
    fn at(time: &str) -> i64 {
        let text = if time.len() > 5 {
            time.to_owned()
        } else {
            format!("2026-01-01T{time}:00Z")
        };
        rfc3339::parse(&text).expect(time)
    }

    fn query(name: &str, more: Value) -> Query {
        let mut body = json!({ "aggregations": [{ "metric": name }] });
        let Value::Object(more) = more else {
            panic!("an object")
        };
        body.as_object_mut().expect("an object").extend(more);
        Query::parse(body.to_string().as_bytes(), "cloud", at("12:00")).expect("valid")
    }

    /// Keys with their points, the time as the minute of the day.
    fn run(store: &Store, query: &Query) -> Vec<(String, Vec<(String, f64)>)> {
        let slice = PageRange {
            after: None,
            groups: query.limit,
        };
        let page = evaluate(
            query,
            store.series(query.metric).iter(),
            Visible::at(at("12:00")),
            &slice,
        );
        let shown = |group: Group| {
            let key: Vec<_> = group
                .key
                .iter()
                .map(|value| value.as_deref().unwrap_or("-"))
                .collect();
            let points = group.points.iter().map(|(time, value)| {
                let mut text = String::new();
                rfc3339::write(&mut text, *time, false);
                (
                    text["2026-01-01T".len()..text.len() - 1].to_owned(),
                    value.unwrap_or(f64::NAN),
                )
            });
            (key.join(","), points.collect())
        };
        page.groups.into_iter().map(shown).collect()
    }

    fn points(list: &[(&str, f64)]) -> Vec<(String, f64)> {
        list.iter()
            .map(|(time, value)| ((*time).to_owned(), *value))
            .collect()
    }

    #[test]
    fn counters_are_summed_over_time_and_across_labels() {
        let store = store(
            COUNTER,
            &[
                ("a", "0", "10:00", 1.0),
                ("a", "0", "10:04", 2.0),
                ("a", "1", "10:00", 4.0),
                ("a", "1", "10:05", 8.0),
                ("b", "0", "10:09", 16.0),
            ],
        );
        let five = json!({"granularity": "PT5M", "intervals": ["2026-01-01T10:00:00Z/PT1H"], "group_by": ["metric.topic"]});
        assert_eq!(
            run(&store, &query(COUNTER, five)),
            [
                (
                    "a".to_owned(),
                    points(&[("10:00:00", 7.0), ("10:05:00", 8.0)])
                ),
                ("b".to_owned(), points(&[("10:05:00", 16.0)])),
            ]
        );
        let all = json!({"granularity": "PT1H", "intervals": ["2026-01-01T10:00:00Z/PT1H"]});
        assert_eq!(
            run(&store, &query(COUNTER, all)),
            [(String::new(), points(&[("10:00:00", 31.0)]))]
        );
    }

    #[test]
    fn gauges_are_averaged_over_existing_minutes_then_summed_across_labels() {
        let store = store(
            GAUGE,
            &[
                ("a", "0", "10:00", 1.0),
                ("a", "0", "10:04", 4.0),
                ("a", "1", "10:02", 10.0),
            ],
        );
        let five = |agg: Value| {
            query(
                GAUGE,
                json!({
                    "aggregations": [{"metric": GAUGE, "agg": agg}],
                    "granularity": "PT5M", "intervals": ["2026-01-01T10:00:00Z/PT5M"]
                }),
            )
        };
        let value = |agg: Value| run(&store, &five(agg))[0].1[0].1;
        assert_eq!(
            value(json!("SUM")),
            12.5,
            "2.5 and 10, not the average of all three"
        );
        assert_eq!(
            value(json!("MIN")),
            2.5,
            "the least series, not the least minute"
        );
        assert_eq!(value(json!("MAX")), 10.0);
        assert_eq!(value(Value::Null), 12.5);
    }

    #[test]
    fn some_gauges_take_the_greatest_over_time_and_across_labels() {
        let store = Store::new(Organization::new(0, &[]), false);
        put(&store, SHARE, &[], "10:00", Some(0.25));
        put(&store, SHARE, &[], "10:30", Some(0.75));
        let labels = vec![("resource.kafka.id".to_owned(), "lkc-2".to_owned())];
        store.put(
            metric(SHARE).expect("known"),
            labels,
            at("10:10"),
            Some(0.5),
        );
        let hour = json!({"granularity": "PT1H", "intervals": ["2026-01-01T10:00:00Z/PT1H"]});
        assert_eq!(
            run(&store, &query(SHARE, hour)),
            [(String::new(), points(&[("10:00:00", 0.75)]))]
        );
    }

    #[test]
    fn a_bucket_belongs_to_an_interval_by_its_start() {
        let store = store(
            COUNTER,
            &[
                ("a", "0", "10:00", 1.0),
                ("a", "0", "10:14", 2.0),
                ("a", "0", "10:15", 4.0),
                ("a", "0", "10:29", 8.0),
                ("a", "0", "10:30", 16.0),
            ],
        );
        let quarter = |interval: &str| {
            query(
                COUNTER,
                json!({"granularity": "PT15M", "intervals": [interval]}),
            )
        };
        let found = |interval: &str| {
            run(&store, &quarter(interval))
                .into_iter()
                .flat_map(|(_, points)| points)
                .collect::<Vec<_>>()
        };
        let complete = [("10:00:00", 3.0), ("10:15:00", 12.0)];
        assert_eq!(
            found("2026-01-01T10:00:00Z/2026-01-01T10:30:00Z"),
            points(&complete)
        );
        assert_eq!(
            found("2026-01-01T10:00:00Z/2026-01-01T10:15:01Z"),
            points(&complete)
        );
        assert_eq!(
            found("2026-01-01T10:00:00Z/2026-01-01T10:15:00Z"),
            points(&complete[..1])
        );
        assert_eq!(
            found("2026-01-01T10:00:01Z/2026-01-01T10:30:00Z"),
            points(&complete[1..])
        );
        assert_eq!(found("2026-01-01T10:01:00Z/2026-01-01T10:14:00Z"), []);
    }

    #[test]
    fn buckets_are_aligned_to_utc() {
        let store = store(
            COUNTER,
            &[
                ("a", "0", "2025-12-31T23:59:00Z", 1.0),
                ("a", "0", "00:00", 2.0),
                ("a", "0", "04:00", 4.0),
            ],
        );
        for (granularity, expected) in [
            ("PT4H", &[("00:00:00", 2.0), ("04:00:00", 4.0)][..]),
            ("PT6H", &[("00:00:00", 6.0)]),
            ("PT12H", &[("00:00:00", 6.0)]),
            ("P1D", &[("00:00:00", 6.0)]),
        ] {
            let requested =
                json!({"granularity": granularity, "intervals": ["2026-01-01T05:30:00+05:30/P1D"]});
            assert_eq!(
                run(&store, &query(COUNTER, requested))[0].1,
                points(expected),
                "{granularity}"
            );
        }
    }

    #[test]
    fn intervals_that_overlap_count_once() {
        let store = store(
            COUNTER,
            &[
                ("a", "0", "10:00", 1.0),
                ("a", "0", "10:01", 2.0),
                ("a", "0", "11:00", 4.0),
            ],
        );
        let intervals = json!([
            "2026-01-01T11:00:00Z/PT1M",
            "2026-01-01T10:00:00Z/PT2M",
            "2026-01-01T10:01:00Z/PT5M"
        ]);
        let minutes = json!({"granularity": "PT1M", "intervals": intervals});
        let expected = points(&[("10:00:00", 1.0), ("10:01:00", 2.0), ("11:00:00", 4.0)]);
        assert_eq!(run(&store, &query(COUNTER, minutes))[0].1, expected);
        let all = json!({"granularity": "ALL", "intervals": intervals});
        assert_eq!(
            run(&store, &query(COUNTER, all))[0].1,
            points(&[("11:00:00", 7.0)])
        );
    }

    #[test]
    fn all_holds_the_minutes_that_start_within() {
        let store = store(
            GAUGE,
            &[
                ("a", "0", "10:00", 100.0),
                ("a", "0", "10:01", 1.0),
                ("a", "0", "10:59", 2.0),
                ("a", "0", "11:00", 100.0),
            ],
        );
        let all = json!({"granularity": "ALL", "intervals": ["2026-01-01T10:00:30.250Z/2026-01-01T11:00:00Z"]});
        assert_eq!(
            run(&store, &query(GAUGE, all))[0].1,
            points(&[("10:00:30.250", 1.5)])
        );
    }

    #[test]
    fn all_ranks_its_groups_by_value() {
        let store = store(
            COUNTER,
            &[
                ("a", "0", "10:00", 5.0),
                ("b", "0", "10:00", 4.0),
                ("b", "1", "10:00", 4.0),
                ("c", "0", "10:00", 5.0),
                ("d", "0", "10:00", 1.0),
            ],
        );
        let names = |more: Value| -> Vec<String> {
            let mut body = json!({
                "granularity": "ALL", "intervals": ["2026-01-01T10:00:00Z/PT1H"], "group_by": ["metric.topic"]
            });
            let Value::Object(more) = more else {
                panic!("an object")
            };
            body.as_object_mut().expect("an object").extend(more);
            run(&store, &query(COUNTER, body))
                .into_iter()
                .map(|(key, _)| key)
                .collect()
        };
        let order = |agg: Option<&str>, order: &str| json!([{"metric": COUNTER, "agg": agg, "order": order}]);
        assert_eq!(
            names(json!({})),
            ["b", "a", "c", "d"],
            "equal values stay in label order"
        );
        assert_eq!(names(json!({"limit": 2})), ["b", "a"]);
        assert_eq!(
            names(json!({"limit": 2, "order_by": order(None, "ASCENDING")})),
            ["d", "a"]
        );
        assert_eq!(
            names(json!({"order_by": order(Some("MAX"), "DESCENDING")})),
            ["a", "c", "b", "d"]
        );
    }

    #[test]
    fn groups_are_ordered_by_bytes_with_a_missing_label_first() {
        let store = Store::new(Organization::new(0, &[]), false);
        let minute = json!({
            "granularity": "PT1M", "intervals": ["2026-01-01T10:00:00Z/PT1M"],
            "group_by": ["metric.zone_alignment", "metric.type"]
        });
        for (zone, kind) in [
            (Some("é"), "x"),
            (Some("z"), "x"),
            (Some("Z"), "y"),
            (Some("Z"), "X"),
            (None, "x"),
        ] {
            let mut labels = vec![("metric.type", kind)];
            labels.extend(zone.map(|zone| ("metric.zone_alignment", zone)));
            put(&store, BY_ZONE, &labels, "10:00", Some(1.0));
        }
        let keys: Vec<_> = run(&store, &query(BY_ZONE, minute))
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["-,x", "Z,X", "Z,y", "z,x", "é,x"]);
    }

    #[test]
    fn null_counts_only_where_there_is_nothing_else() {
        let store = store(GAUGE, &[("a", "0", "10:00", 4.0), ("b", "0", "10:10", 6.0)]);
        let labels = |topic| [("metric.topic", topic), ("metric.partition", "0")];
        put(&store, GAUGE, &labels("a"), "10:01", None);
        put(&store, GAUGE, &labels("a"), "10:10", None);
        put(&store, GAUGE, &labels("b"), "10:20", None);
        let five = json!({"granularity": "PT5M", "intervals": ["2026-01-01T10:00:00Z/PT1H"]});
        let found = run(&store, &query(GAUGE, five)).remove(0).1;
        assert_eq!(found[..2], points(&[("10:00:00", 4.0), ("10:10:00", 6.0)]));
        assert!(
            found[2].0 == "10:20:00" && found[2].1.is_nan() && found.len() == 3,
            "{found:?}"
        );
    }

    #[test]
    fn a_page_holds_the_groups_after_the_last_that_have_points() {
        let store = store(
            COUNTER,
            &[
                ("a", "0", "10:00", 1.0),
                ("b", "0", "09:00", 1.0),
                ("c", "0", "10:00", 1.0),
                ("d", "0", "10:00", 1.0),
                ("e", "0", "09:00", 1.0),
            ],
        );
        let query = query(
            COUNTER,
            json!({
                "granularity": "PT1M", "intervals": ["2026-01-01T10:00:00Z/PT1M"], "group_by": ["metric.topic"]
            }),
        );
        let page = |after: Option<&Key>| {
            let slice = PageRange { after, groups: 2 };
            evaluate(
                &query,
                store.series(query.metric).iter(),
                Visible::at(at("12:00")),
                &slice,
            )
        };
        let first = page(None);
        assert!(first.has_more);
        let keys = |page: &Page| {
            page.groups
                .iter()
                .filter_map(|group| group.key[0].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&first), ["a", "c"]);
        let second = page(Some(&vec![Some("c".to_owned())]));
        assert_eq!(keys(&second), ["d"]);
        assert!(
            !second.has_more,
            "a group without a point in the interval is no reason for a page"
        );
    }
}
