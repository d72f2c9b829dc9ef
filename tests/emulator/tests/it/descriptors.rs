//! What can be asked for.

use crate::client::*;
use confluent_metrics_emulator::Emulator;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn list(emulator: &Emulator, path: &str) -> Value {
    let response = get(emulator, &format!("/v2/metrics/{path}"), "", "");
    assert_eq!(response.status, 200, "{}", response.body);
    response.json()
}

#[test]
fn every_metric_is_described_once_however_small_the_pages() {
    let emulator = Emulator::start();
    let whole = list(&emulator, "cloud/descriptors/metrics?page_size=1000");
    let whole = whole["data"].as_array().expect("metrics").clone();
    assert!(whole.len() >= 120, "{}", whole.len());
    let names: BTreeSet<_> = whole
        .iter()
        .map(|metric| metric["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names.len(), whole.len());
    emulator.page_cap(7);
    let mut pages = Vec::new();
    let mut path = "cloud/descriptors/metrics?page_size=50".to_owned();
    loop {
        let json = list(&emulator, &path);
        let page = json["data"].as_array().expect("metrics").clone();
        assert_eq!(json["meta"]["pagination"]["page_size"], 50);
        assert_eq!(json["meta"]["pagination"]["total_size"], whole.len());
        assert!(page.len() <= 7);
        pages.extend(page);
        assert!(pages.len() <= whole.len(), "it never ends");
        let Some(token) = json["meta"]["pagination"]["next_page_token"].as_str() else {
            break;
        };
        path = format!(
            "cloud/descriptors/metrics?page_size=50&page_token={}",
            encoded(token)
        );
    }
    assert_eq!(pages, whole);
}

#[test]
fn a_metric_is_described_in_full() {
    let emulator = Emulator::start();
    let json = list(&emulator, "cloud/descriptors/metrics?page_size=1000");
    let metrics = json["data"].as_array().expect("metrics");
    let named = |name: &str| {
        metrics
            .iter()
            .find(|metric| metric["name"] == name)
            .expect(name)
            .clone()
    };
    assert_eq!(
        named("io.confluent.kafka.server/retained_bytes"),
        json!({
            "name": "io.confluent.kafka.server/retained_bytes",
            "description": "The retained bytes at the time of the sample, sampled every 60 seconds.",
            "type": "GAUGE_INT64",
            "unit": "By",
            "lifecycle_stage": "GENERAL_AVAILABILITY",
            "exportable": true,
            "resources": ["kafka"],
            "labels": [
                {"key": "topic", "description": "The topic.", "exportable": true},
                {"key": "partition", "description": "The partition.", "exportable": true}
            ]
        })
    );
    let old = named("io.confluent.kafka.server/cluster_active_link_count");
    assert_eq!(old["lifecycle_stage"], "DEPRECATED");
    let flink = named("io.confluent.flink/num_records_in");
    assert_eq!(
        flink["resources"],
        json!(["compute_pool", "flink_statement"])
    );
}

#[test]
fn resource_types_are_those_of_the_dataset() {
    let emulator = Emulator::start();
    let kinds = |dataset: &str| {
        let json = list(&emulator, &format!("{dataset}/descriptors/resources"));
        let data = json["data"].as_array().expect("resources").clone();
        assert_eq!(
            json["meta"]["pagination"],
            json!({"page_size": 100, "total_size": data.len()})
        );
        let keys = |resource: &Value| {
            let labels = resource["labels"].as_array().expect("labels").iter();
            labels
                .map(|label| label["key"].as_str().expect("a key").to_owned())
                .collect::<Vec<_>>()
                .join(",")
        };
        data.iter()
            .map(|resource| {
                format!(
                    "{} {}",
                    resource["type"].as_str().expect("a type"),
                    keys(resource)
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds("cloud"),
        [
            "kafka kafka.id",
            "connector connector.id",
            "ksql ksql.id",
            "schema_registry schema_registry.id",
            "compute_pool compute_pool.id",
            "flink_statement flink_statement.name,flink_statement.uid"
        ]
    );
    assert_eq!(
        kinds("cloud-custom"),
        ["custom_connector custom_connector.id"]
    );
    assert!(kinds("USM").is_empty() && kinds("health-plus").is_empty());
    let other = list(
        &emulator,
        "cloud/descriptors/metrics?resource_type=custom_connector",
    );
    assert_eq!(
        other["data"],
        json!([]),
        "there is such a type, but not in this dataset"
    );
}
