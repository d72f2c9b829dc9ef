//! Lists of metrics and resource types.

use std::hash::Hash;

use crate::client::Client;
use crate::decode::error::DecodeError;
use crate::decode::{self, ListPage};
use crate::error::Error;
use crate::model::descriptor::{MetricDescriptor, ResourceDescriptor};
use crate::pagination::cursor::PageRequest;
use crate::pagination::list::fetch_all;
use crate::request::operation::Operation;
use crate::request::problems::Problems;
use crate::request::query::MAX_PAGE_SIZE;
use crate::time::deadline::Deadline;
use crate::util::text::{percent_encode, sanitize_line};

impl Client {
    /// Returns the descriptors of all metrics of the dataset.
    ///
    /// A successful response does not mean that the key is valid: the service may respond without
    /// authentication. See the vendor's [descriptors].
    ///
    /// # Example
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// for metric in client.metric_descriptors()? {
    ///     println!("{} (unit {})", metric.name(), metric.unit());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Any [kind](crate::ErrorKind) if a request fails or the list is incomplete.
    ///
    /// [descriptors]: https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1descriptors~1metrics/get
    pub fn metric_descriptors(&self) -> Result<Vec<MetricDescriptor>, Error> {
        let operation = Operation::MetricDescriptors;
        self.descriptors(
            operation,
            "",
            &self.start_deadline(),
            decode::metric_descriptors,
        )
        .map_err(|error| error.with_context(|| self.context(operation.name())))
    }

    /// Returns the descriptors of the metrics that resources of this type have.
    ///
    /// [`resource_descriptors`](Self::resource_descriptors) lists the types, such as `kafka`.
    ///
    /// # Example
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// let metrics = client.metric_descriptors_for("kafka")?;
    /// assert!(metrics.iter().any(|metric| metric.name().ends_with("/sent_bytes")));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the type is empty or has a control
    ///   character. Nothing is sent.
    /// - Any other [kind](crate::ErrorKind) if a request fails or the list is incomplete.
    pub fn metric_descriptors_for(
        &self,
        resource_type: &str,
    ) -> Result<Vec<MetricDescriptor>, Error> {
        let operation = Operation::MetricDescriptors;
        let mut problems = Problems::default();
        problems.require_name("resource type", resource_type);
        problems
            .into_result("request")
            .map_err(|error| error.with_context(|| self.context(operation.name())))?;
        self.metric_descriptors_of_type(resource_type, &self.start_deadline())
            .map_err(|error| {
                let resource_type = sanitize_line(resource_type, 100);
                let what = format!("{} of {resource_type}", operation.name());
                error.with_context(|| self.context(&what))
            })
    }

    /// Returns the descriptors of all resource types of the dataset.
    ///
    /// # Example
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// for resource in client.resource_descriptors()? {
    ///     println!("{}: {}", resource.resource_type(), resource.description());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Any [kind](crate::ErrorKind) if a request fails or the list is incomplete.
    pub fn resource_descriptors(&self) -> Result<Vec<ResourceDescriptor>, Error> {
        let operation = Operation::ResourceDescriptors;
        self.descriptors(
            operation,
            "",
            &self.start_deadline(),
            decode::resource_descriptors,
        )
        .map_err(|error| error.with_context(|| self.context(operation.name())))
    }

    /// Fetches the metrics of a resource type, with errors that lack the context.
    pub(crate) fn metric_descriptors_of_type(
        &self,
        resource_type: &str,
        deadline: &Deadline,
    ) -> Result<Vec<MetricDescriptor>, Error> {
        let operation = Operation::MetricDescriptors;
        let parameter = format!("&resource_type={}", percent_encode(resource_type));
        self.descriptors(operation, &parameter, deadline, decode::metric_descriptors)
    }

    /// Fetches all pages of a list. `parameters` starts with `&` or is empty.
    fn descriptors<T: Clone + Eq + Hash>(
        &self,
        operation: Operation,
        parameters: &str,
        deadline: &Deadline,
        decode_page: fn(&[u8], &Deadline) -> Result<ListPage<T>, DecodeError>,
    ) -> Result<Vec<T>, Error> {
        let path = self.path(operation);
        let request = PageRequest {
            transport: &self.inner.transport,
            operation,
            path: &format!("{path}?page_size={MAX_PAGE_SIZE}{parameters}"),
            body: None,
            is_relative: false,
        };
        // Without a limit, because a name is looked up in the full list.
        fetch_all(&request, None, deadline, decode_page)
    }
}
