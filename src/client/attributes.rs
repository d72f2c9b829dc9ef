//! Queries of the values that labels have.

use crate::client::Client;
use crate::decode;
use crate::error::Error;
use crate::model::labels::Labels;
use crate::pagination::completeness::retention_error;
use crate::pagination::cursor::PageRequest;
use crate::pagination::list::fetch_all;
use crate::request::attribute_query::AttributeQuery;
use crate::request::operation::Operation;
use crate::request::plan::{attribute_plan, expired};
use crate::time::timestamp::Timestamp;
use crate::transport::hints::with_filter_hint;
use crate::util::text::sanitize_line;

impl Client {
    /// Returns the values that the labels of a metric have, in the order of the service.
    ///
    /// A query for several labels returns each combination of their values once. An entry omits a
    /// label that its data points lack.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{AttributeQuery, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let topics = AttributeQuery::new(metric, ["metric.topic"])
    ///     .filter(Resource::kafka("lkc-1"));
    /// for labels in client.attributes(&topics)? {
    ///     println!("{}", labels.get("metric.topic").unwrap_or("-"));
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the query is invalid. The error lists
    ///   every problem, and nothing is sent.
    /// - Any other [kind](crate::ErrorKind) if a request fails or the list is incomplete.
    #[doc(alias = "label_values")]
    pub fn attributes(&self, query: &AttributeQuery) -> Result<Vec<Labels>, Error> {
        self.fetch_attributes(query).map_err(|error| {
            with_filter_hint(error, Operation::Attributes, query.filter.as_ref())
                .with_context(|| self.attributes_context(query))
        })
    }

    /// Fetches all pages, with errors that lack the context.
    fn fetch_attributes(&self, query: &AttributeQuery) -> Result<Vec<Labels>, Error> {
        let clock = self.call_context();
        let plan = attribute_plan(query, &clock)?;
        let deadline = self.start_deadline();
        let Some(body) = plan.body else {
            // No request looks at the deadline and the tokens.
            return match deadline.remaining() {
                Some(_) => Ok(Vec::new()),
                None => Err(deadline.error()),
            };
        };
        let request = PageRequest {
            transport: &self.inner.transport,
            operation: Operation::Attributes,
            path: &self.path(Operation::Attributes),
            body: Some(&body),
            is_relative: plan.is_relative,
        };
        let labels = fetch_all(&request, query.limit, &deadline, decode::attributes)?;
        // The service may have dropped data since the plan was made.
        let expired = plan
            .start
            .and_then(|start| expired(start, &clock, Timestamp::now()));
        match expired {
            Some(reason) => Err(retention_error(&reason)),
            None => Ok(labels),
        }
    }

    /// Returns the context of errors.
    fn attributes_context(&self, query: &AttributeQuery) -> String {
        let operation = Operation::Attributes.name();
        let labels: Vec<_> = query
            .group_by
            .iter()
            .filter(|label| !label.is_empty())
            .map(|label| sanitize_line(label, 100))
            .collect();
        if labels.is_empty() {
            return self.metric_context(operation, &query.metric);
        }
        let what = format!("{operation} for {}", labels.join(", "));
        self.metric_context(&what, &query.metric)
    }
}
