//! The samples with which the service reports problems of an export, and its limits.

use crate::decode::error::DecodeError;
use crate::model::resource::Resource;
use crate::model::sample::Sample;

/// The largest number of samples of a metric and a resource type in one response. The service drops
/// the rest without notice.
pub(crate) const MAX_SAMPLES_PER_METRIC: usize = 60_000;

/// The limit before June 2026, which may still be in force. Only a full response has this number.
pub(crate) const FORMER_MAX_SAMPLES: usize = 30_000;

/// The status metric with a sample for each resource: 0 if the key has access, otherwise 1.
pub(crate) const ACCESS_ERROR_METRIC: &str = "confluent_scrape_resource_access_error";
/// The status metric with samples for each metric, and the name of its label for the state.
///
/// It is a [state set](https://prometheus.io/docs/specs/om/open_metrics_spec/#stateset).
pub(crate) const EXPORT_STATUS_METRIC: &str = "export_status";

/// Returns the resource that an access status is about. Both labels are required.
pub(crate) fn resource_of_status(status: &Sample) -> Result<Resource, DecodeError> {
    let labels = status.labels();
    let (Some(label), Some(id)) = (labels.get("resource_type"), labels.get("resource_id")) else {
        return Err(DecodeError::Invalid(format!(
            "missing resource labels of {ACCESS_ERROR_METRIC}{labels}"
        )));
    };
    let resource_type = Resource::parse_resource_type(label).unwrap_or(label);
    Ok(Resource::new(resource_type, id))
}

/// Returns true if a sample of a state set is about the state `error`, or names no state.
pub(crate) fn is_failed_metric(status: &Sample) -> bool {
    status
        .labels()
        .get(EXPORT_STATUS_METRIC)
        .is_none_or(|state| state == "error")
}

/// Returns the metrics of which the service may have dropped samples.
pub(crate) fn find_truncated(counts: Vec<(String, usize)>) -> Vec<String> {
    let mut truncated = Vec::new();
    for (name, count) in counts {
        if count >= MAX_SAMPLES_PER_METRIC || count == FORMER_MAX_SAMPLES {
            truncated.push(name);
        }
    }
    truncated
}
