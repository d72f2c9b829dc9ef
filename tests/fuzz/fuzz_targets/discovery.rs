//! Discovery: nothing panics, and a simple reader finds the same target groups and resources, or
//! also refuses the body.
#![no_main]

mod json;

use std::sync::LazyLock;

use confluent_metrics::fuzzing::target_groups;
use confluent_metrics::{Client, Credentials, ErrorKind, ExportRequest};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

use crate::json::{Json, only};

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let credentials = Credentials::api_key("KEYKEYKEYKEYKEY1", "secret").unwrap();
    let builder = Client::builder(credentials).without_proxy();
    builder.build().unwrap()
});

/// The targets, and the labels in the order of their names.
type Group = (Vec<String>, Vec<(String, String)>);

/// Names and texts that mean something.
const WORDS: &str = "targets labels __metrics_path__ __param_resource.kafka.id __param_resource_kafka_id \
    __param_resource_schema_registry_id __param_resource.flink_statement.name \
    __param_resource..id lkc-1,lkc-2 lkc-1";

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed, 0, WORDS)
});

fuzz_target!(|body: &[u8]| {
    let expected = read(body);
    let groups = match target_groups(&CLIENT, body) {
        Ok(groups) => groups,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert!(error.to_string().len() <= 8 * 1024, "{error}");
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
            assert!(expected.is_none(), "{error}: {expected:?}");
            return;
        }
    };
    let Some(expected) = expected else {
        panic!("this was taken: {groups:?}");
    };
    assert_eq!(groups.len(), expected.len());
    for (group, (targets, labels)) in groups.iter().zip(expected) {
        let found: Vec<(String, String)> = group
            .labels()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!((group.targets(), &found), (&*targets, &labels));
        let found: Vec<(String, String)> = group
            .resources()
            .iter()
            .map(|resource| (resource.resource_type().into(), resource.id().into()))
            .collect();
        assert_eq!(found, resources(&labels));
        assert_eq!(
            ExportRequest::from(group),
            ExportRequest::new(group.resources())
        );
    }
});

/// Reads the groups. Returns `None` if the body is invalid.
fn read(body: &[u8]) -> Option<Vec<Group>> {
    let text = std::str::from_utf8(body).ok()?;
    let body = Json::parse(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let mut groups = Vec::new();
    for group in body.list()? {
        let members = group.members().filter(|members| members.len() <= 256)?;
        let mut targets = Vec::new();
        if let Some(list) = only(&members, "targets")? {
            for target in list.list()? {
                targets.push(target.text()?);
            }
        }
        let mut labels = Vec::new();
        if let Some(object) = only(&members, "labels")? {
            for (name, value) in object.members().filter(|members| members.len() <= 256)? {
                let value = match value {
                    Json::Text(_) => value.text()?,
                    Json::Number(number) => number.clone(),
                    Json::Bool(flag) => flag.to_string(),
                    Json::Null | Json::List(_) | Json::Object(_) => continue,
                };
                labels.push((name, value));
            }
        }
        labels.sort();
        let is_repeated = |pair: &[(String, String)]| pair[0].0 == pair[1].0;
        if labels.windows(2).any(is_repeated) {
            return None;
        }
        groups.push((targets, labels));
    }
    Some(groups)
}

/// Returns the type and id of each resource in labels such as `__param_resource.kafka.id`.
fn resources(labels: &[(String, String)]) -> Vec<(String, String)> {
    let mut resources = Vec::new();
    for (name, ids) in labels {
        let Some(kind) = resource_type(name) else {
            continue;
        };
        for id in ids.split(',') {
            let resource = (kind.to_owned(), id.trim().to_owned());
            if !id.trim().is_empty() && !resources.contains(&resource) {
                resources.push(resource);
            }
        }
    }
    resources
}

fn resource_type(name: &str) -> Option<&str> {
    for (prefix, ends) in [
        ("__param_resource.", [".id", ".name"]),
        ("__param_resource_", ["_id", "_name"]),
    ] {
        let Some(rest) = name.strip_prefix(prefix) else {
            continue;
        };
        if let Some(kind) = rest.strip_suffix(ends[0]).filter(|kind| !kind.is_empty()) {
            return Some(kind);
        }
        // Flink statements have a name instead of an id.
        if rest.strip_suffix(ends[1]) == Some("flink_statement") {
            return Some("flink_statement");
        }
    }
    None
}
