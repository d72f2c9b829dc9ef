//! Seven days by minute, in many windows and pages: every point exactly once.

use std::collections::BTreeMap;

use confluent_metrics::{Granularity, Interval, Query, Resource, Timestamp};
use confluent_metrics_emulator::Emulator;

use crate::support::{NOON, SENT, client};

const TOPICS: usize = 150;
const PAGE: usize = 20;
const DAY: i64 = 86_400;

#[test]
fn seven_days_by_the_minute_over_150_topics() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .topics(TOPICS)
        .page_cap(PAGE)
        .start();
    let (start, end) = (NOON - 7 * DAY, NOON - 600);
    let at = |second| Timestamp::from_second(second).unwrap();
    let query = Query::new(
        SENT,
        Granularity::OneMinute,
        Interval::between(at(start), at(end)),
    )
    .filter(Resource::kafka("lkc-big"))
    .group_by(["metric.topic"]);
    let result = client(&emulator).query(&query).unwrap();

    let mut sums: BTreeMap<String, BTreeMap<i64, f64>> = BTreeMap::new();
    for point in emulator.raw_points(SENT, start, end) {
        let label = |name: &str| {
            point
                .labels
                .iter()
                .find(|(label, _)| label == name)
                .map(|(_, value)| value.clone())
        };
        if label("resource.kafka.id").as_deref() == Some("lkc-big") {
            *sums
                .entry(label("metric.topic").unwrap())
                .or_default()
                .entry(point.minute)
                .or_default() += point.value;
        }
    }
    assert_eq!((result.series().len(), sums.len()), (TOPICS, TOPICS));
    for (series, (topic, sums)) in result.series().iter().zip(&sums) {
        assert_eq!(series.labels().get("metric.topic"), Some(topic.as_str()));
        assert_eq!(series.points().len(), sums.len(), "{topic}");
        for (point, (minute, sum)) in series.points().iter().zip(sums) {
            assert_eq!(
                (point.timestamp.as_second(), point.value),
                (*minute, *sum),
                "{topic}"
            );
        }
    }
    let windows = (end - start + 6 * 3600 - 1) / (6 * 3600);
    assert_eq!(
        emulator.requests().len(),
        windows as usize * TOPICS.div_ceil(PAGE),
        "no request too many"
    );
}
