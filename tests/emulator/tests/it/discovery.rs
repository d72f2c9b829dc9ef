//! What there is to scrape.

use crate::client::*;
use confluent_metrics_emulator::Emulator;
use serde_json::{Value, json};

fn discover(emulator: &Emulator, query: &str) -> HttpResponse {
    get(
        emulator,
        &format!("/v2/metrics/cloud/discovery?{query}"),
        &cloud(emulator),
        "",
    )
}

/// The parameters that a scrape of each target would have, without the one that changes.
fn parameters(response: &HttpResponse) -> Vec<(String, String)> {
    assert_eq!(response.status, 200, "{}", response.body);
    let json = response.json();
    let mut found = Vec::new();
    for group in json.as_array().expect("an array") {
        for (name, value) in group["labels"].as_object().expect("labels") {
            if name.starts_with("__param_") && name != "__param_debug_job_id" {
                found.push((
                    name[8..].to_owned(),
                    value.as_str().expect("text").to_owned(),
                ));
            }
        }
    }
    found
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

const ALL: [(&str, &str); 5] = [
    ("resource_kafka_id", "lkc-1,lkc-2"),
    ("resource_connector_id", "lcc-1"),
    ("resource_ksql_id", "lksqlc-1"),
    ("resource_schema_registry_id", "lsrc-1"),
    ("resource_compute_pool_id", "lfcp-1"),
];

#[test]
fn a_group_names_the_resources_of_a_type() {
    let emulator = empty().start();
    let response = discover(&emulator, "resource_type=kafka");
    assert_eq!(response.all("content-type"), ["application/json"]);
    let json = response.json();
    let job = json[0]["labels"]["__param_debug_job_id"]
        .as_str()
        .expect("a job");
    assert!(job.len() == 17 && job.starts_with("cflt-"), "{job}");
    assert_eq!(
        json,
        json!([{
            "targets": [emulator.url().trim_start_matches("https://")],
            "labels": {
                "__metrics_path__": "/v2/metrics/cloud/export",
                "__param_resource_kafka_id": "lkc-1,lkc-2",
                "__param_debug_job_id": job,
            }
        }])
    );
    let real = empty()
        .discovery_target("api.telemetry.confluent.cloud")
        .start();
    assert_eq!(
        discover(&real, "").json()[0]["targets"],
        json!(["api.telemetry.confluent.cloud"])
    );
}

#[test]
fn discovered_targets_can_be_exported() {
    let emulator = Emulator::builder().clock(NOON).start();
    let groups = discover(&emulator, "").json();
    for group in groups.as_array().expect("groups") {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let labels = group["labels"].as_object().expect("labels");
        let parameters: Vec<String> = labels
            .iter()
            .filter_map(|(name, value)| {
                Some(format!(
                    "{}={}",
                    name.strip_prefix("__param_")?,
                    text(value)
                ))
            })
            .collect();
        let path = format!(
            "{}?{}",
            text(&labels["__metrics_path__"]),
            parameters.join("&")
        );
        let export = get(&emulator, &path, &cloud(&emulator), "");
        assert_eq!(export.status, 200, "{path}");
        assert!(
            export.body.lines().count() > 6 && !export.body.contains("} 1.0\n#"),
            "{}",
            export.body
        );
    }
}

#[test]
fn filters_choose_resources() {
    let emulator = empty().kafka_cluster("lkc-3").start();
    let mut all = pairs(&ALL);
    all[0].1 = "lkc-1,lkc-2,lkc-3".to_owned();
    assert_eq!(parameters(&discover(&emulator, "x=1")), all);
    for (query, expected) in [
        ("env=env-2", &[("resource_kafka_id", "lkc-2")][..]),
        ("env=env-9", &[]),
        (
            "resource_type=compute_pool",
            &[("resource_compute_pool_id", "lfcp-1")],
        ),
        (
            "associated_kafka_id=lkc-1",
            &[
                ("resource_kafka_id", "lkc-1"),
                ("resource_connector_id", "lcc-1"),
                ("resource_ksql_id", "lksqlc-1"),
            ],
        ),
        (
            "associated_kafka_id=lkc-1&resource_type=connector",
            &[("resource_connector_id", "lcc-1")],
        ),
        (
            "associated_kafka_id=lkc-1&resource_type=schema_registry",
            &[],
        ),
        ("associated_kafka_id=lkc-1&env=env-2", &[]),
        (
            "env=env-1&resource_type=kafka",
            &[("resource_kafka_id", "lkc-1,lkc-3")],
        ),
    ] {
        assert_eq!(
            parameters(&discover(&emulator, query)),
            pairs(expected),
            "{query}"
        );
    }
    assert_eq!(discover(&emulator, "env=env-9").body, "[]");
    emulator.put(SENT, &[("resource.kafka.id", "lkc-0")], NOON, 1.0);
    let more = parameters(&discover(&emulator, "env=env-1&resource_type=kafka"));
    assert_eq!(
        more,
        pairs(&[("resource_kafka_id", "lkc-0,lkc-1,lkc-3")]),
        "what is put in is known"
    );
    let custom = get(
        &emulator,
        "/v2/metrics/cloud-custom/discovery?associated_kafka_id=lkc-1",
        &cloud(&emulator),
        "",
    );
    assert_eq!(
        parameters(&custom),
        pairs(&[("resource_custom_connector_id", "clcc-1")])
    );
    assert!(
        custom.body.contains(r#""/v2/metrics/cloud-custom/export""#),
        "{}",
        custom.body
    );
}

#[test]
fn only_readable_resources_are_discovered() {
    let emulator = empty().start();
    let as_caller =
        |key: (&str, &str)| get(&emulator, "/v2/metrics/cloud/discovery", &basic(key), "");
    assert_eq!(
        parameters(&as_caller(emulator.reader_key())),
        pairs(&[("resource_kafka_id", "lkc-1")])
    );
    assert_eq!(as_caller(emulator.unprivileged_key()).body, "[]");
    assert_eq!(as_caller(emulator.cluster_key()).status, 401);
    assert_eq!(
        get(&emulator, "/v2/metrics/cloud/discovery", "", "").status,
        401
    );
}

#[test]
fn a_parameter_may_be_there_once() {
    let emulator = empty().start();
    for (query, detail) in [
        (
            "env=env-1&env=env-1",
            "Only one environment ID can be specified per request",
        ),
        (
            "env=env-1,env-2",
            "Only one environment ID can be specified per request",
        ),
        (
            "associated_kafka_id=lkc-1&associated_kafka_id=lkc-2",
            "Only one associated Kafka ID can be specified per request",
        ),
        (
            "resource_type=kafka&resource_type=ksql",
            "Only one resource type can be specified per request",
        ),
        (
            "resource_type=abc",
            "Invalid resource type 'abc'. Supported resource types for view 'cloud': kafka, connector, ksql, \
             schema_registry, compute_pool",
        ),
    ] {
        let response = discover(&emulator, query);
        assert_eq!(
            (response.status, response.details()),
            (400, vec![detail.to_owned()]),
            "{query}"
        );
    }
    let custom = get(
        &emulator,
        "/v2/metrics/cloud-custom/discovery?resource_type=kafka",
        &cloud(&emulator),
        "",
    );
    assert_eq!(
        custom.details(),
        [
            "Invalid resource type 'kafka'. Supported resource types for view 'cloud-custom': custom_connector"
        ]
    );
    let other = get(
        &emulator,
        "/v2/metrics/USM/discovery",
        &cloud(&emulator),
        "",
    );
    assert_eq!(
        (other.status, other.details()),
        (
            404,
            vec!["There is no discovery of the dataset 'USM'".to_owned()]
        )
    );
}
