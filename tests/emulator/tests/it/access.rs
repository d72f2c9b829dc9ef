//! The resources that each credential may query.

use crate::client::*;
use confluent_metrics_emulator::{Emulator, Fault};
use serde_json::{Value, json};

const UNAUTHORIZED: &str = "Query must filter by at least one of your authorized resources";

fn with(emulator: &Emulator, authorization: &str, filter: &Value) -> HttpResponse {
    let body = query(
        SENT,
        &json!({"filter": filter, "group_by": ["resource.kafka.id"]}),
    )
    .to_string();
    post(
        &agent(emulator),
        emulator,
        "/v2/metrics/cloud/query",
        authorization,
        &body,
    )
    .expect("a response")
}

fn cluster(id: &str) -> Value {
    json!({"field": "resource.kafka.id", "op": "EQ", "value": id})
}

fn clusters(response: &HttpResponse) -> Vec<String> {
    let json = response.json();
    let rows = json["data"].as_array().expect("rows").iter();
    rows.map(|row| row["resource.kafka.id"].as_str().expect("an id").to_owned())
        .collect()
}

fn two_clusters() -> Emulator {
    let emulator = empty().start();
    for id in ["lkc-1", "lkc-2"] {
        emulator.put(SENT, &[("resource.kafka.id", id)], NOON - 7_200, 1.0);
    }
    emulator
}

#[test]
fn invalid_credentials_get_401() {
    let emulator = two_clusters();
    for authorization in [
        String::new(),
        basic((emulator.api_key(), "wrong")),
        basic(emulator.cluster_key()),
        format!("Bearer {}", emulator.expired_token()),
        "Basic not-base64".to_owned(),
    ] {
        let response = with(&emulator, &authorization, &cluster("lkc-1"));
        assert_eq!(response.status, 401, "{authorization}");
        assert_eq!(
            response.body,
            r#"{"errors":[{"detail":"Invalid credentials","status":"401"}]}"#
        );
    }
    let token = format!("Bearer {}", emulator.bearer_token());
    assert_eq!(with(&emulator, &token, &cluster("lkc-1")).status, 200);
}

#[test]
fn a_query_must_name_a_readable_resource() {
    let emulator = two_clusters();
    let cloud = cloud(&emulator);
    for filter in [
        Value::Null,
        json!({"field": "metric.topic", "op": "EQ", "value": "a"}),
        json!({"op": "NOT", "filter": cluster("lkc-2")}),
        json!({"field": "resource.kafka.id", "op": "GTE", "value": "lkc-1"}),
        cluster("lkc-nobody-knows"),
    ] {
        let response = with(&emulator, &cloud, &filter);
        assert_eq!(
            (response.status, response.details()),
            (403, vec![UNAUTHORIZED.to_owned()]),
            "{filter}"
        );
    }
    let roleless = with(
        &emulator,
        &basic(emulator.unprivileged_key()),
        &cluster("lkc-1"),
    );
    assert_eq!(
        (roleless.status, roleless.details()),
        (403, vec![UNAUTHORIZED.to_owned()])
    );
}

#[test]
fn one_readable_resource_of_several_returns_its_rows_only() {
    let emulator = two_clusters();
    let either =
        json!({"op": "OR", "filters": [cluster("lkc-1"), cluster("lkc-2"), cluster("lkc-3")]});
    assert_eq!(
        clusters(&with(&emulator, &cloud(&emulator), &either)),
        ["lkc-1", "lkc-2"]
    );
    let reader = basic(emulator.reader_key());
    assert_eq!(clusters(&with(&emulator, &reader, &either)), ["lkc-1"]);
    assert_eq!(with(&emulator, &reader, &cluster("lkc-2")).status, 403);
}

#[test]
fn statements_are_named_by_name_too() {
    let emulator = Emulator::builder().clock(NOON).start();
    let metric = "io.confluent.flink/statement_utilization/current_cfus";
    let by_name =
        json!({"field": "resource.flink_statement.name", "op": "EQ", "value": "enrich-orders"});
    let response = send_query(&emulator, &query(metric, &json!({"filter": by_name})));
    assert_eq!(
        response.json()["data"].as_array().map(Vec::len),
        Some(10),
        "{}",
        response.body
    );
}

#[test]
fn custom_connectors_have_a_dataset_of_their_own() {
    let emulator = Emulator::builder().clock(NOON).start();
    let own = json!({
        "aggregations": [{"metric": "io.confluent.custom.kafka/consumer_lag_offsets"}],
        "filter": {"field": "resource.custom_connector.id", "op": "EQ", "value": "clcc-1"},
        "granularity": "ALL", "intervals": ["PT1H/now"]
    })
    .to_string();
    let agent = agent(&emulator);
    let send_query =
        |path: &str| post(&agent, &emulator, path, &cloud(&emulator), &own).expect("a response");
    assert_eq!(
        send_query("/v2/metrics/cloud-custom/query").json()["data"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(send_query("/v2/metrics/cloud/query").status, 400);
    assert_eq!(send_query("/v2/metrics/health-plus/query").status, 400);
    let unknown = send_query("/v2/metrics/nowhere/query");
    assert_eq!(
        (unknown.status, unknown.details()),
        (404, vec!["There is no dataset 'nowhere'".to_owned()])
    );
}

#[test]
fn descriptors_are_open_unless_they_are_closed() {
    let get = |emulator: &Emulator, path: &str| get(emulator, path, "", "");
    let open = Emulator::start();
    let first = get(&open, "/v2/metrics/cloud/descriptors/metrics").json();
    assert_eq!(first["data"].as_array().map(Vec::len), Some(100));
    assert_eq!(first["links"], json!({}));
    let token = first["meta"]["pagination"]["next_page_token"]
        .as_str()
        .expect("a token");
    let second = get(
        &open,
        &format!(
            "/v2/metrics/cloud/descriptors/metrics?page_token={}",
            encoded(token)
        ),
    )
    .json();
    let total = first["meta"]["pagination"]["total_size"]
        .as_u64()
        .expect("a total");
    assert_eq!(
        second["data"]
            .as_array()
            .map(|data| data.len() as u64 + 100),
        Some(total)
    );
    assert!(
        second["meta"]["pagination"]
            .get("next_page_token")
            .is_none()
    );
    let ksql = get(
        &open,
        "/v2/metrics/cloud/descriptors/metrics?resource_type=ksql&page_size=1000",
    )
    .json();
    assert!(
        ksql["data"]
            .as_array()
            .is_some_and(|data| data.iter().all(|one| one["resources"] == json!(["ksql"])))
    );
    let resources = get(&open, "/v2/metrics/cloud/descriptors/resources").json();
    assert_eq!(resources["data"][0]["labels"][0]["key"], "kafka.id");
    for bad in [
        "metrics?page_size=0",
        "metrics?page_size=1001",
        "metrics?resource_type=abc",
        "resources?page_token=x",
    ] {
        assert_eq!(
            get(&open, &format!("/v2/metrics/cloud/descriptors/{bad}")).status,
            400,
            "{bad}"
        );
    }
    let closed = Emulator::builder().closed_descriptors(true).start();
    assert_eq!(
        get(&closed, "/v2/metrics/cloud/descriptors/metrics").status,
        401
    );
}

#[test]
fn a_bearer_token_dies_after_its_requests_and_another_one_is_added() {
    let emulator = two_clusters();
    let first = emulator.bearer_token();
    let status =
        |token: &str| with(&emulator, &format!("Bearer {token}"), &cluster("lkc-1")).status;
    assert_eq!([status(first), status("second")], [200, 401]);
    emulator.add_bearer_token_for(first, 2);
    emulator.add_bearer_token("second");
    // A request that a fault decides does not count.
    emulator.fault(Fault::status(503));
    let statuses = [(); 4].map(|()| status(first));
    assert_eq!(statuses, [503, 200, 200, 401]);
    let dead = with(&emulator, &format!("Bearer {first}"), &cluster("lkc-1"));
    assert_eq!(
        dead.body,
        r#"{"errors":[{"detail":"Invalid credentials","status":"401"}]}"#
    );
    assert_eq!(status("second"), 200);
    emulator.revoke_bearer_token("second");
    assert_eq!(status("second"), 401);
    emulator.add_bearer_token(first);
    assert_eq!(status(first), 200);
}

#[test]
fn all_bearer_tokens_are_one_caller_for_the_rate_limits() {
    let emulator = Emulator::builder().clock(NOON).export_limit(1).start();
    emulator.add_bearer_token("second");
    let status = |token: &str| {
        let path = "/v2/metrics/cloud/export?resource.kafka.id=lkc-1";
        get(&emulator, path, &format!("Bearer {token}"), "").status
    };
    assert_eq!(
        [status(emulator.bearer_token()), status("second")],
        [200, 429]
    );
}
