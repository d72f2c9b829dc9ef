//! Checks that are serialized and read again.

use std::time::Duration;

use confluent_metrics::check::{Change, Check, Missing, Quantifier, Reduce, Threshold};
use confluent_metrics::{Aggregation, Filter, Granularity, Interval, Order, Query, Timestamp};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z=!,/: \"\\\\é\n\\[\\]]{0,6}",
        Just("metric.topic".to_owned())
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    (0_u64..1_000_000, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}

fn interval() -> impl Strategy<Value = Interval> {
    let time = || (0_i64..2_000_000_000).prop_map(|second| Timestamp::from_second(second).unwrap());
    let plain = prop_oneof![
        duration().prop_map(Interval::last),
        Just(Interval::retained()),
        time().prop_map(Interval::since),
        (time(), time()).prop_map(|(start, end)| Interval::within(start, end)),
        (time(), time()).prop_map(|(start, end)| Interval::between(start, end)),
        (time(), duration()).prop_map(|(start, length)| Interval::starting_at(start, length)),
        (time(), duration()).prop_map(|(end, length)| Interval::ending_at(end, length)),
    ];
    (plain, proptest::option::of(duration())).prop_map(|(interval, shift)| match shift {
        Some(shift) => interval.shifted_back(shift),
        None => interval,
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        (text(), text()).prop_map(|(label, value)| Filter::eq(label, value)),
        (text(), any::<i64>()).prop_map(|(label, value)| Filter::gt(label, value)),
        (text(), text()).prop_map(|(label, value)| Filter::gte(label, value)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|filter| !filter),
            proptest::collection::vec(inner.clone(), 1..3).prop_map(Filter::all),
            proptest::collection::vec(inner, 1..3).prop_map(Filter::any),
        ]
    })
}

fn query() -> impl Strategy<Value = Query> {
    let parts = (
        text(),
        proptest::sample::select(Granularity::VARIANTS),
        proptest::collection::vec(interval(), 1..3),
        proptest::option::of(filter()),
        proptest::collection::vec(text(), 0..3),
    );
    let options = (
        proptest::option::of(proptest::sample::select(vec![
            Aggregation::Sum,
            Aggregation::Max,
        ])),
        proptest::collection::vec((text(), text()), 0..3),
        proptest::option::of(proptest::sample::select(vec![
            Order::Ascending,
            Order::Descending,
        ])),
        proptest::option::of(any::<u32>()),
        any::<bool>(),
    );
    (parts, options).prop_map(
        |((metric, granularity, intervals, filter, labels), options)| {
            let (aggregation, extra, order, limit, truncated) = options;
            let mut query = Query::new(metric, granularity, intervals[0]).group_by(labels);
            for interval in &intervals[1..] {
                query = query.add_interval(*interval);
            }
            if let Some(filter) = filter {
                query = query.filter(filter);
            }
            if let Some(aggregation) = aggregation {
                query = query.aggregation(aggregation);
            }
            for (name, value) in extra {
                query = query.extra_aggregation(name, value);
            }
            if let Some(order) = order {
                query = query.order(order);
            }
            if let Some(limit) = limit {
                query = query.limit(limit);
            }
            if truncated {
                query = query.allow_truncated();
            }
            query
        },
    )
}

fn threshold() -> impl Strategy<Value = Threshold> {
    let bound = || prop_oneof![any::<i32>().prop_map(f64::from), -1e30..1e30];
    prop_oneof![
        bound().prop_map(Threshold::above),
        bound().prop_map(Threshold::below),
        (bound(), bound()).prop_map(|(a, b)| Threshold::outside(a.min(b), a.max(b))),
        (bound(), bound()).prop_map(|(a, b)| Threshold::inside(a.min(b), a.max(b))),
    ]
}

fn check() -> impl Strategy<Value = Check> {
    let values = (
        query(),
        proptest::option::of(text()),
        proptest::sample::select(Reduce::VARIANTS),
        proptest::option::of(threshold()),
        proptest::option::of(threshold()),
        prop_oneof![
            Just(Quantifier::Any),
            Just(Quantifier::All),
            (1_usize..9).prop_map(Quantifier::AtLeast),
        ],
        proptest::option::of(any::<f64>().prop_filter("finite", |share| share.is_finite())),
        proptest::option::of(duration()),
    );
    let more = (
        proptest::collection::vec((text(), proptest::collection::vec(text(), 0..3)), 0..3),
        proptest::option::of(any::<usize>()),
        proptest::sample::select(Missing::VARIANTS),
        proptest::option::of(query()),
        proptest::option::of((duration(), proptest::sample::select(Change::VARIANTS))),
        proptest::option::of((any::<usize>(), any::<usize>())),
    );
    (values, more).prop_map(|(values, more)| {
        let (query, name, reduce, warning, critical, quantifier, share, age) = values;
        let (expected, series, missing, divisor, comparison, datapoints) = more;
        let mut check = Check::new(query)
            .reduce(reduce)
            .quantifier(quantifier)
            .on_missing(missing);
        if let Some(name) = name {
            check = check.named(name);
        }
        if let Some(warning) = warning {
            check = check.warning(warning);
        }
        if let Some(critical) = critical {
            check = check.critical(critical);
        }
        if let Some(share) = share {
            check = check.min_coverage(share);
        }
        if let Some(age) = age {
            check = check.max_age(age);
        }
        for (label, values) in expected {
            check = check.expect_labels(label, values);
        }
        if let Some(series) = series {
            check = check.expect_at_least(series);
        }
        if let Some(divisor) = divisor {
            check = check.divide_by(divisor);
        }
        if let Some((shift, change)) = comparison {
            check = check.compare_to(shift, change);
        }
        if let Some((required, of)) = datapoints {
            check = check.datapoints(required, of);
        }
        check
    })
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn a_check_is_read_as_it_was_written(check in check()) {
        let text = serde_json::to_string(&check).unwrap();
        let read: Check = serde_json::from_str(&text)
            .map_err(|error| TestCaseError::fail(format!("{error} in {text}")))?;
        prop_assert_eq!(&read, &check, "{}", text);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
