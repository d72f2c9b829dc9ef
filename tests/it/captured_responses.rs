//! Documented and recorded request and response bodies.

use confluent_metrics::{
    Aggregation, Client, Credentials, Filter, Granularity, Order, Query, QueryResult, Resource,
};

use crate::support::interval;

macro_rules! wire {
    ($name:literal) => {
        include_str!(concat!("../data/wire/", $name))
    };
}

fn query(group_by: &[&str]) -> Query {
    query_over("2019-10-17T20:17:00.000Z/PT2H", group_by)
}

fn query_over(text: &str, group_by: &[&str]) -> Query {
    Query::new("m", Granularity::OneMinute, interval(text)).group_by(group_by.iter().copied())
}

fn render(query: &Query, response: &str) -> Vec<String> {
    let result = QueryResult::from_json(query, response.as_bytes()).unwrap();
    let render_sample = |series: &confluent_metrics::Series| {
        let points: Vec<_> = series
            .points()
            .iter()
            .map(|point| format!(" {}={}", point.timestamp, point.value))
            .collect();
        format!("{}{}", series.labels(), points.concat())
    };
    result.series().iter().map(render_sample).collect()
}

#[test]
fn responses() {
    assert_eq!(
        render(
            &query_over("2022-04-21T15:10:00Z/PT30M", &[]),
            wire!("query-flat-01.json")
        ),
        [
            "{} 2022-04-21T15:10:00Z=1574 2022-04-21T15:15:00Z=0 2022-04-21T15:20:00Z=0 2022-04-21T15:25:00Z=0 2022-04-21T15:30:00Z=16359"
        ]
    );
    let topics = [
        r#"{metric.topic="bar"} 2019-10-17T20:17:00Z=844.1 2019-10-17T20:18:00Z=821.1"#,
        r#"{metric.topic="foo"} 2019-10-17T20:17:00Z=9741 2019-10-17T20:18:00Z=9246"#,
    ];
    assert_eq!(render(&query(&[]), wire!("query-flat-doc-01.json")), topics);
    assert_eq!(
        render(
            &query(&["metric.topic"]),
            wire!("query-grouped-doc-01.json")
        ),
        topics
    );
}

/// Returns JSON without white space. The strings of these documents have none.
fn compact(json: &str) -> String {
    json.chars().filter(|c| !c.is_whitespace()).collect()
}

fn body(query: &Query) -> String {
    let credentials = Credentials::api_key("key", "secret").unwrap();
    let client = Client::builder(credentials)
        .retention(std::time::Duration::MAX)
        .build()
        .unwrap();
    client.request_bodies(query).unwrap().remove(0)
}

/// Asserts that our body has the given members of a documented request. Times may differ in form.
fn assert_members(ours: &str, document: &str, members: &[&str]) {
    for member in members {
        let member = compact(member);
        assert!(
            compact(document).contains(&member),
            "the document has {member}"
        );
        assert!(ours.contains(&member), "{ours} has {member}");
    }
}

#[test]
fn requests() {
    let sent = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneHour,
        interval("2019-10-17T20:00:00.000Z/PT2H"),
    )
    .aggregation(Aggregation::Sum)
    .filter(Filter::from(Resource::kafka("lkc-1234")).and(!Filter::eq("metric.topic", "topicA")))
    .group_by(["metric.topic"])
    .limit(5);
    let ours = body(&sent);
    assert_members(
        &ours,
        wire!("req-query-flat-doc-01.json"),
        &[
            r#""group_by":["metric.topic"]"#,
            r#""aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes","agg":"SUM"}]"#,
            r#""filter":{"op":"AND","filters":[{"field":"resource.kafka.id","op":"EQ","value":"lkc-1234"},{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"topicA"}}]}"#,
            r#""granularity":"PT1H""#,
            r#""limit":5"#,
        ],
    );
    assert!(ours.contains(r#""intervals":["2019-10-17T20:00:00Z/2019-10-17T22:00:00Z"]"#));
    let all = Query::new(
        "io.confluent.kafka.server/received_bytes",
        Granularity::All,
        interval("2020-01-01T00:00:00Z/PT1H"),
    )
    .aggregation(Aggregation::Sum)
    .filter(Filter::eq("resource.kafka.id", "lkc-00000"))
    .group_by(["metric.topic"]);
    assert_members(
        &body(&all),
        wire!("req-query-all-doc-02.json"),
        &[
            r#""group_by":["metric.topic"]"#,
            r#""aggregations":[{"metric":"io.confluent.kafka.server/received_bytes","agg":"SUM"}]"#,
            r#""filter":{"field":"resource.kafka.id","op":"EQ","value":"lkc-00000"}"#,
            r#""granularity":"ALL""#,
        ],
    );
    assert!(body(&all.order(Order::Descending)).contains(
        r#""order_by":[{"metric":"io.confluent.kafka.server/received_bytes","agg":"SUM","order":"DESCENDING"}]"#
    ));
}

#[test]
fn filters() {
    let filtered = |filter: Filter| body(&query(&[]).filter(filter));
    let expected = |document: &str| format!(r#""filter":{}"#, compact(document));
    assert!(
        filtered(!Filter::eq("metric.topic", "topicA"))
            .contains(&expected(wire!("req-filter-not-doc-01.json")))
    );
    let either = Filter::from(Resource::kafka("lkc-1234")).or(Resource::kafka("lkc-5678"));
    assert!(filtered(either).contains(&expected(wire!("req-filter-or-doc-01.json"))));
}
