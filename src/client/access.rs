//! The check that a key can read a resource.
//!
//! Descriptors do not tell: the service may return them without a key. Only a query shows if the
//! service accepts the key and lets its owner read a resource. This one asks for a single bucket:
//!
//! ```json
//! {"aggregations": [{"metric": "io.confluent.kafka.server/received_bytes"}],
//!  "filter": {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"},
//!  "granularity": "PT1M", "intervals": ["2026-01-08T11:56:00Z/2026-01-08T11:57:00Z"],
//!  "format": "FLAT"}
//! ```

use std::time::Duration;

use crate::client::Client;
use crate::dataset;
use crate::decode;
use crate::error::Error;
use crate::model::resource::Resource;
use crate::pagination::cursor::{Cursor, PageRequest};
use crate::pagination::errors::decode_error;
use crate::request::body::query_body;
use crate::request::operation::Operation;
use crate::request::problems::Problems;
use crate::request::query::Query;
use crate::time::deadline::Deadline;
use crate::time::granularity::Granularity;
use crate::time::interval::Interval;
use crate::time::timestamp::Timestamp;
use crate::transport::hints::{RESOURCE_ACCESS_HINT, forbidden_hint};
use crate::util::text::sanitize_line;

/// A metric of every resource of a type: dataset, type, metric.
const METRICS: [(&str, &str, &str); 7] = [
    (
        dataset::CLOUD,
        "kafka",
        "io.confluent.kafka.server/received_bytes",
    ),
    (
        dataset::CLOUD,
        "connector",
        "io.confluent.kafka.connect/received_records",
    ),
    (
        dataset::CLOUD,
        "ksql",
        "io.confluent.kafka.ksql/streaming_unit_count",
    ),
    (
        dataset::CLOUD,
        "schema_registry",
        "io.confluent.kafka.schema_registry/schema_count",
    ),
    (
        dataset::CLOUD,
        "compute_pool",
        "io.confluent.flink/compute_pool_utilization/current_cfus",
    ),
    (
        dataset::CLOUD,
        "flink_statement",
        "io.confluent.flink/statement_utilization/current_cfus",
    ),
    (
        dataset::CLOUD_CUSTOM,
        "custom_connector",
        "io.confluent.custom.kafka/consumer_lag_offsets",
    ),
];

/// The interval of the query.
const ONE_MINUTE: Duration = Duration::from_secs(60);

impl Client {
    /// Checks that the credentials of this client can read a resource.
    ///
    /// Sends one query for one minute of one metric, which counts against the rate limit. For a
    /// type that this crate does not know, the client first looks up a metric in the descriptors.
    ///
    /// Success means that the service accepts the key or token, and that its owner may read the
    /// metrics of the resource. The resource need not have data. A list of
    /// [descriptors](Self::metric_descriptors) shows neither.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{ErrorKind, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// client.check_access(&Resource::kafka("lkc-1"))?;
    ///
    /// let error = client.check_access(&Resource::kafka("lkc-unknown")).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Forbidden);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the type or the id is invalid, or if
    ///   the dataset has no metric of this type.
    /// - [`Unauthorized`](crate::ErrorKind::Unauthorized) if the service rejects the key or token.
    /// - [`Forbidden`](crate::ErrorKind::Forbidden) if its owner has no access to the resource, or
    ///   if the resource does not exist.
    /// - Any other [kind](crate::ErrorKind) if a request fails, which says nothing about access.
    #[doc(alias = "ping")]
    #[doc(alias = "permissions")]
    pub fn check_access(&self, resource: &Resource) -> Result<(), Error> {
        let deadline = self.start_deadline();
        self.query_resource(resource, &deadline).map_err(|error| {
            error.with_context(|| {
                let resource_type = sanitize_line(resource.resource_type(), 60);
                let id = sanitize_line(resource.id(), 100);
                self.context(&format!("access check of {resource_type} {id}"))
            })
        })
    }

    /// Sends the query, with errors that lack the context.
    fn query_resource(&self, resource: &Resource, deadline: &Deadline) -> Result<(), Error> {
        validate(resource)?;
        let end = Granularity::OneMinute.floor(self.call_context().settled_until());
        let start = end.checked_sub(ONE_MINUTE).unwrap_or(Timestamp::MIN);
        let metric = self.metric_of(resource.resource_type(), deadline)?;
        let interval = Interval::between(start, end);
        let query = Query::new(metric, Granularity::OneMinute, interval).filter(resource.clone());
        let body = query_body(&query, &[(start, end)], None);
        let request = PageRequest {
            transport: &self.inner.transport,
            operation: Operation::Query,
            path: &self.path(Operation::Query),
            body: Some(&body),
            // A wrong clock selects another minute, which does not matter.
            is_relative: false,
        };
        let events = self.inner.transport.events();
        let info = events.new_request(Operation::Query, Some((start, end)));
        let bytes = Cursor::default()
            .fetch(&request, info, deadline)
            .map_err(with_access_hint)?;
        // A page of something in front of the service must not pass for access.
        decode::query_page(&bytes, query.row_format(), deadline)
            .map(drop)
            .map_err(|error| decode_error(&self.inner.transport, deadline, &bytes, error))
    }

    /// Returns a metric of resources of this type.
    fn metric_of(&self, resource_type: &str, deadline: &Deadline) -> Result<String, Error> {
        let dataset = self.inner.dataset.as_str();
        for (known_dataset, known_type, metric) in METRICS {
            if (dataset, resource_type) == (known_dataset, known_type) {
                return Ok(metric.to_owned());
            }
        }
        let metrics = self.metric_descriptors_of_type(resource_type, deadline)?;
        match metrics.first() {
            Some(metric) => Ok(metric.name().to_owned()),
            None => Err(no_metric_error(dataset, resource_type)),
        }
    }
}

/// Returns an error if the type or the id of a resource is empty or has a control character.
fn validate(resource: &Resource) -> Result<(), Error> {
    let mut problems = Problems::default();
    problems.require_name("resource type", resource.resource_type());
    problems.require_name("resource id", resource.id());
    problems.into_result("request")
}

/// Replaces the hint for a query without access, which may lack a filter.
fn with_access_hint(error: Error) -> Error {
    if error.hint() == Some(forbidden_hint(Operation::Query)) {
        return error.with_hint(RESOURCE_ACCESS_HINT);
    }
    error
}

/// Returns the error for a type without a metric in the dataset.
///
/// The hint names the dataset that has one, if this crate knows it.
fn no_metric_error(dataset: &str, resource_type: &str) -> Error {
    let dataset = sanitize_line(dataset, 60);
    let resource_type_line = sanitize_line(resource_type, 60);
    let error = Error::invalid_input(format!(
        "invalid resource type: dataset {dataset} has no metrics of {resource_type_line}"
    ));
    for (known_dataset, known_type, _) in METRICS {
        if known_type == resource_type {
            return error.with_hint(format!(
                "set ClientBuilder::dataset to \"{known_dataset}\" for resources of this type"
            ));
        }
    }
    error.with_hint("Client::resource_descriptors lists the types of the dataset")
}
