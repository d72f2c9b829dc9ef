//! Lists of labels, descriptors and targets, and the check of access.

use confluent_metrics::{AttributeQuery, Client, DiscoveryRequest, ErrorKind, Resource};
use fastrand::Rng;

use crate::answer::{Answer, Subject, answer, equal};
use crate::queries::between;
use crate::truth::{CLUSTER, SENT, TOPIC};

pub(crate) fn attributes(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let mut query = AttributeQuery::new(SENT, [TOPIC]).filter(Resource::kafka(CLUSTER));
    let is_relative = random.bool();
    if !is_relative {
        query = query.interval(between(subject.truth.hour));
    }
    vec![answer(
        "attributes",
        is_relative,
        || client.attributes(&query),
        |rows| {
            let topics: Vec<_> = rows.iter().filter_map(|row| row.get(TOPIC)).collect();
            equal(&topics, &subject.truth.topics())
        },
    )]
}

pub(crate) fn descriptors(client: &Client, subject: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    vec![match random.u8(..6) {
        0 => answer(
            "metric_descriptors",
            false,
            || client.metric_descriptors(),
            |metrics| equal(&metrics, &subject.metrics),
        ),
        1 | 2 => answer(
            "metric_descriptors_for",
            false,
            || client.metric_descriptors_for("schema_registry"),
            |metrics| equal(&metrics, &subject.metrics_of_registry),
        ),
        _ => answer(
            "resource_descriptors",
            false,
            || client.resource_descriptors(),
            |resources| equal(&resources, &subject.resources),
        ),
    }]
}

pub(crate) fn discover(client: &Client, subject: &Subject<'_>, _: &mut Rng) -> Vec<Answer> {
    vec![answer(
        "discover",
        false,
        || client.discover(&DiscoveryRequest::new()),
        |groups| equal(&groups, &subject.groups),
    )]
}

/// Checks the access to a cluster, or to one that does not exist.
pub(crate) fn check_access(client: &Client, _: &Subject<'_>, random: &mut Rng) -> Vec<Answer> {
    let exists = random.bool();
    let resource = Resource::kafka(if exists { CLUSTER } else { "lkc-unknown" });
    let call = || match client.check_access(&resource) {
        Err(error) if error.kind() == ErrorKind::Forbidden => Ok(false),
        result => result.map(|()| true),
    };
    vec![answer("check_access", false, call, |found| {
        equal(&found, &exists)
    })]
}
