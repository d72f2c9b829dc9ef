//! Which values labels have.

use crate::client::*;
use confluent_metrics_emulator::Emulator;
use serde_json::{Value, json};
use std::time::Duration;

const ATTRIBUTES: &str = "/v2/metrics/cloud/attributes";
const LAG: &str = "io.confluent.kafka.server/consumer_lag_offsets";

/// A request over lkc-1 and the hour from 10:00, with members added or replaced.
fn request(more: &Value) -> String {
    let mut body = json!({
        "metric": SENT,
        "group_by": ["metric.topic"],
        "filter": { "field": "resource.kafka.id", "op": "EQ", "value": "lkc-1" },
        "intervals": ["2026-01-01T10:00:00Z/PT1H"]
    });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

fn send(emulator: &Emulator, path: &str, authorization: &str, body: &str) -> HttpResponse {
    post(&agent(emulator), emulator, path, authorization, body).expect("a response")
}

fn list(emulator: &Emulator, more: &Value) -> HttpResponse {
    send(emulator, ATTRIBUTES, &cloud(emulator), &request(more))
}

fn page(emulator: &Emulator, body: &str, token: &str) -> HttpResponse {
    send(
        emulator,
        &format!("{ATTRIBUTES}?page_token={}", encoded(token)),
        &cloud(emulator),
        body,
    )
}

fn topics(response: &HttpResponse) -> Vec<String> {
    let json = response.json();
    let rows = json["data"]
        .as_array()
        .unwrap_or_else(|| panic!("no rows: {}", response.body))
        .iter();
    rows.map(|row| row["metric.topic"].as_str().expect("a topic").to_owned())
        .collect()
}

#[test]
fn rows_are_sorted_and_contain_the_labels_of_a_series() {
    let emulator = empty().start();
    put(&emulator, "foo", 0, 1.0);
    put(&emulator, "bar", 60, 0.0);
    put(&emulator, "bar", 120, 2.0);
    put(&emulator, "é", 0, 1.0);
    emulator.put(
        SENT,
        &[("resource.kafka.id", "lkc-1"), ("metric.partition", "7")],
        NOON - 7_200,
        1.0,
    );
    let response = list(&emulator, &json!({"limit": 7}));
    assert_eq!(
        (response.status, response.all("content-type")),
        (200, vec!["application/json"])
    );
    assert_eq!(
        response.body,
        concat!(
            r#"{"data":[{},{"metric.topic":"bar"},{"metric.topic":"foo"},{"metric.topic":"é"}],"#,
            r#""meta":{"pagination":{"page_size":7}}}"#
        )
    );
    let pairs = list(
        &emulator,
        &json!({"group_by": ["metric.topic", "metric.partition"]}),
    );
    assert_eq!(
        pairs.json()["data"],
        json!([
            {"metric.partition": "7"},
            {"metric.topic": "bar", "metric.partition": "0"},
            {"metric.topic": "foo", "metric.partition": "0"},
            {"metric.topic": "é", "metric.partition": "0"}
        ])
    );
}

#[test]
fn only_series_with_a_point_in_the_intervals_are_listed() {
    let emulator = empty().start();
    put(&emulator, "before", -60, 1.0);
    put(&emulator, "first", 0, 1.0);
    put(&emulator, "last", 3_540, 1.0);
    put(&emulator, "after", 3_600, 1.0);
    emulator.put_null(
        SENT,
        &[("resource.kafka.id", "lkc-1"), ("metric.topic", "null")],
        NOON - 7_200,
    );
    assert_eq!(
        topics(&list(&emulator, &json!({}))),
        ["first", "last", "null"]
    );
    let two = json!({"intervals": ["2026-01-01T09:59:00Z/PT1M", "2026-01-01T11:00:00Z/PT1M"]});
    assert_eq!(topics(&list(&emulator, &two)), ["after", "before"]);
    assert_eq!(
        list(
            &emulator,
            &json!({"intervals": ["P7D/2026-01-01T00:00:00Z"]})
        )
        .json()["data"],
        json!([])
    );
    let not =
        json!({"op": "NOT", "filter": {"field": "metric.topic", "op": "GT", "value": "first"}});
    let both = json!({"op": "AND", "filters": [{"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"}, not]});
    assert_eq!(
        topics(&list(&emulator, &json!({"filter": both}))),
        ["first"]
    );
}

#[test]
fn without_intervals_it_is_the_last_hour() {
    let emulator = empty().start();
    for (topic, ago) in [("old", 3_660), ("hour", 3_600), ("now", 60)] {
        put(&emulator, topic, 7_200 - ago, 1.0);
    }
    assert_eq!(
        topics(&list(&emulator, &json!({"intervals": null}))),
        ["hour", "now"]
    );
    emulator.set_clock(NOON + 60);
    assert_eq!(
        topics(&list(&emulator, &json!({"intervals": null}))),
        ["now"]
    );
}

#[test]
fn demo_data_has_its_attributes() {
    let emulator = Emulator::builder().clock(NOON).start();
    let groups = |intervals: &str| {
        let more = json!({"metric": LAG, "group_by": ["metric.consumer_group_id"], "intervals": [intervals]});
        list(&emulator, &more).json()["data"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(groups("2026-01-01T10:00:00Z/PT1H"), Some(5));
    assert_eq!(
        groups("2026-01-01T11:00:00Z/PT30M"),
        Some(4),
        "one of them is gone every other hour"
    );
    assert_eq!(
        groups("2026-01-01T11:58:00Z/PT1H"),
        Some(0),
        "nothing is there yet"
    );
}

#[test]
fn pages_hold_every_row_once() {
    let emulator = empty().start();
    for number in 0..10 {
        put(&emulator, &format!("t{number}"), 0, 1.0);
    }
    let all: Vec<_> = (0..10).map(|number| format!("t{number}")).collect();
    for (limit, cap, sizes) in [
        (1, 0, &[1; 10][..]),
        (4, 0, &[4, 4, 2]),
        (5, 0, &[5, 5]),
        (100, 0, &[10]),
        (100, 3, &[3, 3, 3, 1]),
    ] {
        emulator.page_cap(cap);
        let body = request(&json!({"limit": limit}));
        let mut response = send(&emulator, ATTRIBUTES, &cloud(&emulator), &body);
        let (mut found, mut rows) = (Vec::new(), Vec::new());
        loop {
            found.push(topics(&response).len());
            rows.extend(topics(&response));
            assert_eq!(response.json()["meta"]["pagination"]["page_size"], limit);
            let Some(next) = token(&response) else { break };
            assert!(found.len() < 10, "it never ends");
            response = page(&emulator, &body, &next);
        }
        assert_eq!((found.as_slice(), &rows), (sizes, &all));
    }
}

#[test]
fn tokens_are_bound_to_the_body_and_expire() {
    let emulator = empty().start();
    put(&emulator, "a", 0, 1.0);
    put(&emulator, "b", 0, 1.0);
    let body = request(&json!({"limit": 1}));
    let next = token(&send(&emulator, ATTRIBUTES, &cloud(&emulator), &body)).expect("a token");
    let other = page(&emulator, &body.replace(",\"", ", \""), &next);
    assert_eq!(
        (other.status, other.details()),
        (
            400,
            vec!["page_token does not belong to this request".into()]
        )
    );
    let bare = send(
        &emulator,
        &format!("{ATTRIBUTES}?page_token={next}"),
        &cloud(&emulator),
        &body,
    );
    assert_eq!(
        (bare.status, bare.details()),
        (400, vec!["page_token is invalid".into()])
    );
    let relative = request(&json!({"limit": 1, "intervals": ["now-2h/PT1H"]}));
    let first = send(&emulator, ATTRIBUTES, &cloud(&emulator), &relative);
    let second = page(&emulator, &relative, &token(&first).expect("a token"));
    assert_eq!(
        second.details(),
        ["page_token is invalid: an interval holds now"]
    );
    assert_eq!(topics(&page(&emulator, &body, &next)), ["b"]);
    emulator.expire_tokens();
    assert_eq!(
        page(&emulator, &body, &next).details(),
        ["page_token has expired"]
    );
    let hasty = empty().token_lifetime(Duration::ZERO).start();
    put(&hasty, "a", 0, 1.0);
    put(&hasty, "b", 0, 1.0);
    let next = token(&send(&hasty, ATTRIBUTES, &cloud(&hasty), &body)).expect("a token");
    assert_eq!(page(&hasty, &body, &next).status, 400);
}

#[test]
fn links_can_stand_for_tokens() {
    let emulator = empty().links_only(true).start();
    put(&emulator, "a", 0, 1.0);
    put(&emulator, "b", 0, 1.0);
    let body = request(&json!({"limit": 1}));
    let first = send(
        &emulator,
        &format!("{ATTRIBUTES}?x=%26"),
        &cloud(&emulator),
        &body,
    );
    assert_eq!(token(&first), None);
    let json = first.json();
    let link = json["links"]["next"]
        .as_str()
        .and_then(|link| link.strip_prefix(emulator.url()));
    let link = link.expect("a link to the emulator");
    assert!(link.ends_with("&x=%26"), "{link}");
    let second = send(&emulator, link, &cloud(&emulator), &body);
    assert_eq!(topics(&second), ["b"]);
    assert!(!second.body.contains("links"), "{}", second.body);
}

#[test]
fn access_is_that_of_a_query() {
    let emulator = empty().start();
    for id in ["lkc-1", "lkc-2"] {
        emulator.put(
            SENT,
            &[("resource.kafka.id", id), ("metric.topic", id)],
            NOON - 7_200,
            1.0,
        );
    }
    let cluster = |id: &str| json!({"field": "resource.kafka.id", "op": "EQ", "value": id});
    let send_query = |authorization: &str, filter: &Value| {
        send(
            &emulator,
            ATTRIBUTES,
            authorization,
            &request(&json!({"filter": filter})),
        )
    };
    let key = cloud(&emulator);
    for filter in [
        Value::Null,
        cluster("lkc-9"),
        json!({"op": "NOT", "filter": cluster("lkc-2")}),
    ] {
        let response = send_query(&key, &filter);
        assert_eq!(
            (response.status, response.details()),
            (
                403,
                vec!["Query must filter by at least one of your authorized resources".to_owned()]
            )
        );
    }
    let either = json!({"op": "OR", "filters": [cluster("lkc-1"), cluster("lkc-2")]});
    assert_eq!(topics(&send_query(&key, &either)), ["lkc-1", "lkc-2"]);
    assert_eq!(
        topics(&send_query(&basic(emulator.reader_key()), &either)),
        ["lkc-1"]
    );
    assert_eq!(
        send_query(&basic(emulator.unprivileged_key()), &either).status,
        403
    );
    assert_eq!(
        send_query(&basic(emulator.cluster_key()), &either).status,
        401
    );
    let unknown = send(
        &emulator,
        "/v2/metrics/nowhere/attributes",
        &key,
        &request(&json!({})),
    );
    assert_eq!(
        (unknown.status, unknown.details()),
        (404, vec!["There is no dataset 'nowhere'".to_owned()])
    );
}

#[test]
fn an_invalid_body_is_400_with_every_detail() {
    let emulator = empty().start();
    let response = send(&emulator, ATTRIBUTES, &cloud(&emulator), r#"{"limit":0}"#);
    assert_eq!(
        (response.status, response.details().len()),
        (400, 3),
        "{}",
        response.body
    );
    let strict = empty().unprocessable(true).start();
    assert_eq!(send(&strict, ATTRIBUTES, &cloud(&strict), "{}").status, 422);
}
