//! Discovery of resources.
//!
//! The response is one list without pages: the target groups of Prometheus' HTTP service discovery.

use crate::client::Client;
use crate::decode;
use crate::error::Error;
use crate::pagination::errors::decode_error;
use crate::request::discovery::{DiscoveryRequest, TargetGroup};
use crate::request::operation::Operation;
use crate::transport::request::{APPLICATION_JSON, Request};

impl Client {
    /// Discovers resources, in the groups that can be exported together.
    ///
    /// The operation is meant for HTTP service discovery in Prometheus. Returns an empty list if
    /// the key has no access to any resource.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{DiscoveryRequest, ExportRequest};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// for group in client.discover(&DiscoveryRequest::new().resource_type("kafka"))? {
    ///     let export = client.export(&ExportRequest::from(&group))?;
    ///     println!("{} samples", export.samples().len());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// An empty list is no error. If there should be resources, the owner of the key usually lacks
    /// the role `MetricsViewer` on them.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the request is invalid. The error
    ///   lists every problem, and nothing is sent.
    /// - Any other [kind](crate::ErrorKind) if the request fails.
    pub fn discover(&self, request: &DiscoveryRequest) -> Result<Vec<TargetGroup>, Error> {
        self.fetch_target_groups(request)
            .map_err(|error| error.with_context(|| self.context(&request.describe())))
    }

    /// Sends the request and decodes its response, with errors that lack the context.
    fn fetch_target_groups(&self, request: &DiscoveryRequest) -> Result<Vec<TargetGroup>, Error> {
        let operation = Operation::Discovery;
        let path = format!("{}{}", self.path(operation), request.query_string()?);
        let transport = &self.inner.transport;
        let http_request = Request {
            info: transport.events().new_request(operation, None),
            rate_limit_key: operation.rate_limit_key(),
            url: &transport.base().join(&path),
            body: None,
            accept: APPLICATION_JSON,
            is_relative: false,
        };
        let deadline = self.start_deadline();
        let response = transport.execute(&http_request, &deadline)?;
        decode::target_groups(&response.bytes, &deadline)
            .map_err(|error| decode_error(transport, &deadline, &response.bytes, error))
    }
}
