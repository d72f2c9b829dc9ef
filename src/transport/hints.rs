//! What to do about a refusal, where that is another thing for one operation than for a query.

use crate::error::Error;
use crate::request::operation::Operation;
use crate::transport::credentials::QUOTES_HINT;

/// An error of `operation` with a hint that fits it.
pub(crate) fn with_operation_hint(error: Error, operation: Operation) -> Error {
    // Quotes around a key explain a refusal of any operation.
    if error.hint() == Some(QUOTES_HINT) {
        return error;
    }
    match error.status().and_then(|status| hint(operation, status)) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn hint(operation: Operation, status: u16) -> Option<&'static str> {
    Some(match (operation, status) {
        (Operation::Attributes, 400) => {
            "are the labels those of the metric, written as in a query (metric.topic, resource.kafka.id), \
             and is the metric in this dataset? Client::metric_descriptors tells"
        }
        (Operation::MetricDescriptors, 400) => {
            "is the resource type, where one is named, one of those that Client::resource_descriptors lists?"
        }
        (Operation::ResourceDescriptors, 400) => "is the dataset's name right?",
        (Operation::Export, 400) => {
            "are the types of the resources and the names of the metrics right, and are the metrics exportable? \
             Client::metric_descriptors tells"
        }
        (Operation::Export, 403) => {
            "are the types and ids of the resources right? The key's owner needs the role MetricsViewer on at least one \
             of them (for a resource just made this takes some minutes to work), and the key has to be a Cloud API key"
        }
        (
            Operation::Discovery | Operation::MetricDescriptors | Operation::ResourceDescriptors,
            403,
        ) => "the key's owner needs the role MetricsViewer, and the key has to be a Cloud API key",
        (Operation::Export | Operation::Discovery, 404) => {
            "is the dataset's name right, and is it one that has this operation, as cloud and cloud-custom have?"
        }
        (Operation::Export, 429) => {
            "exports of each resource are counted apart, by the hour as a rule: export less often, \
             or several resources at once"
        }
        (Operation::Export, 500) => {
            "if it is one metric that fails, ExportRequest::ignore_failed_metrics gets the others, and the name of that one"
        }
        (Operation::Discovery, 400) => {
            "are the ids and the resource type right, and in this dataset?"
        }
        _ => return None,
    })
}
