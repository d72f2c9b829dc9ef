//! What a call has returned, compared with the truth.

use std::fmt::Debug;
use std::time::Instant;

use confluent_metrics::{
    Client, DiscoveryRequest, Error, MetricDescriptor, ResourceDescriptor, TargetGroup,
};

use crate::judge::Failure;
use crate::truth::Truth;

/// What one call, or one step of an iterator, has returned.
pub(crate) struct Answer {
    pub(crate) operation: &'static str,
    /// The interval depends on this machine's clock.
    pub(crate) is_relative: bool,
    /// False for the end of an iterator, which needs no request.
    pub(crate) sends: bool,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    Right,
    /// The result differs from the truth as the text says.
    Wrong(String),
    Failed(Failure),
}

/// The true results of a site.
pub(crate) struct Subject<'a> {
    pub(crate) truth: &'a Truth,
    pub(crate) metrics: Vec<MetricDescriptor>,
    pub(crate) metrics_of_registry: Vec<MetricDescriptor>,
    pub(crate) resources: Vec<ResourceDescriptor>,
    pub(crate) groups: Vec<TargetGroup>,
}

impl<'a> Subject<'a> {
    /// Asks for the results that are the same at any time, while nothing disturbs.
    pub(crate) fn new(client: &Client, truth: &'a Truth) -> Self {
        let subject = Self {
            truth,
            metrics: client.metric_descriptors().unwrap(),
            metrics_of_registry: client.metric_descriptors_for("schema_registry").unwrap(),
            resources: client.resource_descriptors().unwrap(),
            groups: client.discover(&DiscoveryRequest::new()).unwrap(),
        };
        assert!(subject.metrics.len() > 100 && subject.metrics_of_registry.len() < 10);
        assert!(subject.resources.len() > 4 && subject.groups.len() > 3);
        subject
    }
}

/// Calls an operation and compares its result.
pub(crate) fn answer<T>(
    operation: &'static str,
    is_relative: bool,
    call: impl FnOnce() -> Result<T, Error>,
    compare: impl FnOnce(T) -> Result<(), String>,
) -> Answer {
    let began = Instant::now();
    let result = call();
    let ended = Instant::now();
    Answer {
        operation,
        is_relative,
        sends: true,
        began,
        ended,
        outcome: outcome(result, compare),
    }
}

/// Returns the outcome of a result.
pub(crate) fn outcome<T>(
    result: Result<T, Error>,
    compare: impl FnOnce(T) -> Result<(), String>,
) -> Outcome {
    match result.map(compare) {
        Ok(Ok(())) => Outcome::Right,
        Ok(Err(difference)) => Outcome::Wrong(difference),
        Err(error) => Outcome::Failed(Failure::of(&error)),
    }
}

/// Returns the difference of two values, if there is one.
pub(crate) fn equal<T: PartialEq + Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, found {found:?}"))
    }
}
