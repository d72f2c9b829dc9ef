//! Discovery of targets.

use confluent_metrics::{DiscoveryRequest, ErrorKind, ExportRequest, Resource, TargetGroup};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{builder, client};

fn resources(groups: &[TargetGroup]) -> Vec<Resource> {
    groups.iter().flat_map(TargetGroup::resources).collect()
}

#[test]
fn target_groups_can_be_exported() {
    let emulator = Emulator::start();
    let client = client(&emulator);
    let groups = client.discover(&DiscoveryRequest::new()).unwrap();
    assert_eq!(
        resources(&groups),
        [
            Resource::kafka("lkc-1"),
            Resource::kafka("lkc-2"),
            Resource::connector("lcc-1"),
            Resource::ksql("lksqlc-1"),
            Resource::schema_registry("lsrc-1"),
            Resource::compute_pool("lfcp-1"),
        ]
    );
    let request = &emulator.requests()[0];
    assert_eq!(
        (&*request.method, &*request.target),
        ("GET", "/v2/metrics/cloud/discovery")
    );
    let host = emulator.url().trim_start_matches("https://");
    for group in &groups {
        assert_eq!(group.targets(), [host]);
        assert_eq!(
            group.labels().get("__metrics_path__"),
            Some("/v2/metrics/cloud/export")
        );
        let export = client
            .export(&ExportRequest::from(group))
            .unwrap()
            .require_complete()
            .unwrap();
        assert!(!export.samples().is_empty(), "{group:?}");
    }
    let custom = builder(&emulator).dataset("cloud-custom").build().unwrap();
    let groups = custom.discover(&DiscoveryRequest::new()).unwrap();
    assert_eq!(resources(&groups), [Resource::custom_connector("clcc-1")]);
}

#[test]
fn filters_reach_the_service() {
    let emulator = Emulator::start();
    let client = client(&emulator);
    let found = |request: &DiscoveryRequest| resources(&client.discover(request).unwrap());
    let request = DiscoveryRequest::new().environment("env-2");
    assert_eq!(found(&request), [Resource::kafka("lkc-2")]);
    let request = DiscoveryRequest::new()
        .kafka_cluster("lkc-1")
        .resource_type("connector");
    assert_eq!(found(&request), [Resource::connector("lcc-1")]);
    assert!(
        emulator.requests()[1]
            .target
            .ends_with("?associated_kafka_id=lkc-1&resource_type=connector")
    );
    assert_eq!(found(&DiscoveryRequest::new().environment("env-9")), []);
}

#[test]
fn the_documented_responses_are_decoded() {
    let emulator = Emulator::start();
    let discover = |status: u16, body: &str| {
        emulator.fault(Fault::status(status).body(body));
        client(&emulator).discover(&DiscoveryRequest::new())
    };
    let groups = discover(200, include_str!("../data/wire/discovery-doc-01.json")).unwrap();
    let [group] = &groups[..] else {
        panic!("{groups:?}")
    };
    assert_eq!(group.targets(), ["api.telemetry.confluent.cloud"]);
    assert_eq!(
        group.labels().get("__param_debug_job_id"),
        Some("cflt-2adcff4817f9")
    );
    assert_eq!(
        group.resources(),
        ["lcc-1", "lcc-2", "lcc-3"].map(Resource::connector)
    );
    let error = discover(
        400,
        include_str!("../data/wire/error-400-discovery-doc-01.json"),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(
        error.to_string(),
        "discovery failed: the service returned 400 Bad Request: \
         \"Only one environment ID can be specified per request\""
    );
    assert_eq!(discover(200, "[]").unwrap(), []);
    let not = "discovery failed: cannot decode a list of target groups";
    for (body, why) in [
        (
            "{}",
            ": invalid type: map, expected a sequence at line 1 column 0",
        ),
        (
            "[7]",
            ": invalid type: integer `7`, expected an object at line 1 column 2",
        ),
        (
            r#"[{"labels":["a"]}]"#,
            ": item 1: expected `labels` to be an object",
        ),
        ("[{}", ": EOF while parsing a list at line 1 column 3"),
    ] {
        let error = discover(200, body).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Decode, format!("{not}{why}"))
        );
    }
}

#[test]
fn invalid_discovery_requests_are_refused_with_or_without_a_request() {
    let emulator = Emulator::start();
    let error = client(&emulator)
        .discover(&DiscoveryRequest::new().resource_type("kafak"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(
        error
            .to_string()
            .contains("discovery by resource type kafak"),
        "{error}"
    );
    assert!(
        error.to_string().contains("Supported resource types"),
        "the service's own words: {error}"
    );
    let error = client(&emulator)
        .discover(&DiscoveryRequest::new().environment(""))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(emulator.requests().len(), 1);
}
