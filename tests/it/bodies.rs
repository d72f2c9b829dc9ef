//! Writes every form of request body to a file. `.ci/openapi` validates them against the OpenAPI
//! document of the service.

use std::fs;
use std::path::Path;

use confluent_metrics::{
    Aggregation, AttributeQuery, Filter, Granularity, Interval, Order, Query, Resource,
};
use confluent_metrics_emulator::Emulator;

use crate::support::{NOON, RETAINED, SENT, builder, interval};

const GRANULARITIES: [Granularity; 10] = [
    Granularity::OneMinute,
    Granularity::FiveMinutes,
    Granularity::FifteenMinutes,
    Granularity::ThirtyMinutes,
    Granularity::OneHour,
    Granularity::FourHours,
    Granularity::SixHours,
    Granularity::TwelveHours,
    Granularity::OneDay,
    Granularity::All,
];

fn cluster() -> Filter {
    Resource::kafka("lkc-1").into()
}

fn filters() -> Vec<Filter> {
    let topic = |name: &str| Filter::eq("metric.topic", name);
    vec![
        cluster(),
        cluster().and(topic("orders")),
        cluster().and(!topic("orders")),
        cluster().and(topic("orders").or(topic("carts \"é\\\n"))),
        cluster().and(Filter::one_of("metric.partition", [0, 1, 2])),
        cluster()
            .and(Filter::gt("metric.topic", "a"))
            .and(Filter::gte("metric.partition", 0)),
        cluster().and(!Filter::any([
            topic("a"),
            Filter::all([topic("b"), !topic("c")]),
        ])),
        Filter::any([cluster(), Resource::kafka("lkc-2").into()]),
    ]
}

fn queries() -> Vec<Query> {
    let week = interval("2026-01-01T00:00:00Z/P7D");
    let hour = interval("2026-01-08T11:00:00Z/PT1H");
    let by_topic = |granularity| {
        Query::new(SENT, granularity, hour)
            .filter(cluster())
            .group_by(["metric.topic"])
    };
    let mut queries: Vec<_> = GRANULARITIES
        .iter()
        .map(|g| Query::new(SENT, *g, week).filter(cluster()))
        .collect();
    let day = interval("2026-01-07T00:00:00Z/P1D");
    queries.extend(GRANULARITIES.iter().map(|granularity| {
        Query::new(SENT, *granularity, day)
            .filter(cluster())
            .group_by(["metric.topic"])
    }));
    queries.extend(
        filters()
            .into_iter()
            .map(|f| Query::new(SENT, Granularity::OneHour, hour).filter(f)),
    );
    queries.extend([
        by_topic(Granularity::OneMinute).limit(3),
        by_topic(Granularity::OneMinute)
            .group_by(["metric.partition", "resource.kafka.id"])
            .limit(1500),
        by_topic(Granularity::All).order(Order::Ascending).limit(2),
        by_topic(Granularity::All).order(Order::Descending),
        by_topic(Granularity::OneHour).aggregation(Aggregation::Sum),
        by_topic(Granularity::OneHour).aggregation(Aggregation::Min),
        by_topic(Granularity::All)
            .aggregation(Aggregation::Max)
            .order(Order::Ascending),
        by_topic(Granularity::All).add_interval(interval("2026-01-08T09:00:00.000+0000/PT30M")),
        Query::new(RETAINED, Granularity::OneMinute, interval("now-2h|h/now")).filter(cluster()),
        Query::new(RETAINED, Granularity::OneMinute, Interval::last_hours(1)).filter(cluster()),
    ]);
    queries
}

fn attribute_queries() -> Vec<AttributeQuery> {
    let topics = || AttributeQuery::new(SENT, ["metric.topic"]);
    let mut queries: Vec<_> = filters()
        .into_iter()
        .map(|filter| topics().filter(filter))
        .collect();
    queries.extend([
        topics()
            .filter(cluster())
            .interval(interval("2026-01-08T11:00:00Z/PT1H"))
            .limit(3),
        AttributeQuery::new(SENT, ["metric.topic", "metric.partition"])
            .filter(cluster())
            .limit(1000),
    ]);
    queries
}

#[test]
fn bodies_of_every_form_are_accepted_by_the_service() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bodies");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .page_cap(5)
        .start();
    let client = builder(&emulator).build().unwrap();
    let keep = |operation: &str, at: usize| {
        let requests = emulator.requests();
        assert!(!requests.is_empty(), "{operation} {at} sent nothing");
        for (page, request) in requests.iter().enumerate() {
            let file = folder.join(format!("{operation}-{at:02}-{page:03}.json"));
            fs::write(file, request.text()).unwrap();
        }
        emulator.clear_requests();
    };
    for (at, query) in queries().into_iter().enumerate() {
        client
            .query(&query)
            .unwrap_or_else(|error| panic!("{query:?}: {error:?}"));
        keep("query", at);
    }
    for (at, query) in attribute_queries().into_iter().enumerate() {
        client
            .attributes(&query)
            .unwrap_or_else(|error| panic!("{query:?}: {error:?}"));
        keep("attributes", at);
    }
}
