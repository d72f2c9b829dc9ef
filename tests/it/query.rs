use std::thread;

use confluent_metrics::{
    Aggregation, Credentials, Filter, Granularity, Order, Query, Resource, Timestamp,
};
use confluent_metrics_emulator::Emulator;

use crate::support::{
    NOON, RETAINED, SENT, all_topics, builder_as, by_topic, client, empty_emulator, interval,
    put_point, render_all,
};

#[test]
fn a_query_is_sent_as_documented_and_its_points_are_returned() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 1, 1574.0);
    put_point(&emulator, "orders", 0, 0.1);
    put_point(&emulator, "audit", 59, 3.0);
    let result = client(&emulator).query(&by_topic()).unwrap();
    assert_eq!(
        render_all(result.series()),
        ["audit 59=3", "orders 0=0.1 1=1574"]
    );
    assert!(result.completeness().is_complete());

    let requests = emulator.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(
        (&*request.method, &*request.target),
        ("POST", "/v2/metrics/cloud/query")
    );
    assert_eq!(
        request.text(),
        r#"{"aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes"}],"filter":{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},"granularity":"PT1M","group_by":["metric.topic"],"intervals":["2026-01-08T11:00:00Z/2026-01-08T12:00:00Z"],"limit":1000,"format":"GROUPED"}"#
    );
    for (name, value) in [
        ("content-type", "application/json"),
        ("accept", "application/json"),
        (
            "user-agent",
            concat!("confluent-metrics/", env!("CARGO_PKG_VERSION")),
        ),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let basic = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .unwrap();
    assert!(basic.len() > 20 && !basic.contains(emulator.api_secret()));
}

#[test]
fn without_groups_the_result_is_one_series_and_idle_is_not_zero() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    put_point(&emulator, "audit", 0, 2.0);
    put_point(&emulator, "audit", 30, 0.0);
    let result = client(&emulator).query(&all_topics()).unwrap();
    assert_eq!(render_all(&result), ["- 0=3 30=0"]);
    assert!(result.series()[0].labels().is_empty());
    let nothing = all_topics().filter(Filter::eq("metric.topic", "no-such-topic"));
    assert_eq!(client(&emulator).query(&nothing).unwrap().series(), []);
}

#[test]
fn filters_groups_and_aggregations_reach_the_service() {
    let emulator = empty_emulator();
    for (cluster, topic, partition, value) in [
        ("lkc-1", "a", "0", 1.0),
        ("lkc-1", "a", "1", 2.0),
        ("lkc-1", "b", "0", 4.0),
        ("lkc-2", "a", "0", 8.0),
    ] {
        let labels = [
            ("resource.kafka.id", cluster),
            ("metric.topic", topic),
            ("metric.partition", partition),
        ];
        emulator.put(RETAINED, &labels, NOON - 3600, value);
    }
    let client = client(&emulator);
    let query = |filter: Filter| {
        Query::new(
            RETAINED,
            Granularity::OneHour,
            interval("2026-01-08T11:00:00Z/PT1H"),
        )
        .filter(filter)
    };
    let values = |query: &Query| -> Vec<String> {
        let render_sample = |series: confluent_metrics::Series| {
            format!("{} {}", series.labels(), series.last().unwrap().value)
        };
        client
            .query(query)
            .unwrap()
            .into_iter()
            .map(render_sample)
            .collect()
    };
    let (one, two) = (
        Filter::from(Resource::kafka("lkc-1")),
        Filter::from(Resource::kafka("lkc-2")),
    );
    let both = one.clone().or(two.clone());
    assert_eq!(values(&query(both.clone())), ["{} 15"]);
    assert_eq!(
        values(&query(one.clone().and(!Filter::eq("metric.topic", "a")))),
        ["{} 4"]
    );
    assert_eq!(
        values(&query(
            both.clone().and(Filter::one_of("metric.partition", [1, 2]))
        )),
        ["{} 2"]
    );
    assert_eq!(
        values(&query(one.clone().and(Filter::gte("metric.topic", "b")))),
        ["{} 4"]
    );
    assert_eq!(
        values(&query(both.clone()).group_by(["metric.topic", "resource.kafka.id"])),
        [
            r#"{metric.topic="a", resource.kafka.id="lkc-1"} 3"#,
            r#"{metric.topic="a", resource.kafka.id="lkc-2"} 8"#,
            r#"{metric.topic="b", resource.kafka.id="lkc-1"} 4"#,
        ]
    );
    let totals = Query::new(
        SENT,
        Granularity::All,
        interval("2026-01-08T11:00:00Z/PT1H"),
    );
    put_point(&emulator, "small", 0, 1.0);
    put_point(&emulator, "large", 0, 9.0);
    put_point(&emulator, "large", 5, 9.0);
    let totals = totals
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"]);
    assert_eq!(
        render_all(&client.query(&totals).unwrap()),
        ["large 0=18", "small 0=1"]
    );
    assert_eq!(
        render_all(
            &client
                .query(&totals.clone().order(Order::Ascending))
                .unwrap()
        ),
        ["small 0=1", "large 0=18"]
    );
    let most = by_topic().aggregation(Aggregation::Sum);
    assert_eq!(
        render_all(&client.query(&most).unwrap()),
        ["large 0=9 5=9", "small 0=1"]
    );
}

#[test]
fn relative_intervals_are_sent_as_absolute_times() {
    let emulator = Emulator::start();
    let query = Query::new(
        SENT,
        Granularity::OneMinute,
        confluent_metrics::Interval::last_hours(1),
    )
    .filter(Resource::kafka("lkc-1"))
    .add_interval("now-3h|h/PT30M".parse().unwrap());
    let before = Timestamp::now().as_millisecond();
    let result = client(&emulator).query(&query).unwrap();
    assert_eq!(
        result.series()[0].points().len(),
        90,
        "90 whole minutes of a cluster that never sleeps"
    );
    let after = Timestamp::now().as_millisecond();
    let newest = result.series()[0].last().unwrap().timestamp;
    let settled = before - 300_000..=after - 240_000;
    assert!(
        settled.contains(&newest.as_millisecond()),
        "{newest} is 4 to 5 minutes ago"
    );
    assert!(
        emulator
            .requests()
            .iter()
            .all(|request| !request.text().contains("now"))
    );
}

#[test]
fn a_bearer_token_works_like_a_key() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    let bearer = Credentials::bearer(emulator.bearer_token()).unwrap();
    let client = builder_as(&emulator, bearer).build().unwrap();
    assert_eq!(
        render_all(&client.query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
}

#[test]
fn clones_and_threads_share_one_pool() {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    let client = client(&emulator);
    for _ in 0..5 {
        client.clone().query(&by_topic()).unwrap();
    }
    assert_eq!(emulator.connections(), 1, "one connection served them all");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(
                    render_all(&client.query(&by_topic()).unwrap()),
                    ["orders 0=1"]
                );
            });
        }
    });
    assert!(emulator.connections() <= 4);
}

#[test]
fn the_base_path_the_dataset_and_the_product_are_sent() {
    let emulator = empty_emulator();
    emulator.fault(
        confluent_metrics_emulator::Fault::status(200)
            .body(r#"{"data":[]}"#)
            .times(2),
    );
    let builder = || {
        crate::support::builder(&emulator)
            .dataset("a b/ü")
            .user_agent("lag-gate/1.2")
    };
    builder().build().unwrap().query(&by_topic()).unwrap();
    builder()
        .base_url(format!("{}/gateway/", emulator.url()))
        .build()
        .unwrap()
        .query(&by_topic())
        .unwrap();
    let requests = emulator.requests();
    assert_eq!(requests[0].target, "/v2/metrics/a%20b%2F%C3%BC/query");
    assert_eq!(
        requests[1].target,
        "/gateway/v2/metrics/a%20b%2F%C3%BC/query"
    );
    let agent = requests[0].header("user-agent").unwrap();
    assert_eq!(
        agent,
        concat!("lag-gate/1.2 confluent-metrics/", env!("CARGO_PKG_VERSION"))
    );
}
