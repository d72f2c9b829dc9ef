//! Exports: the latest values of all metrics, in several requests if one URL cannot name all
//! resources and metrics.
//!
//! ```text
//! request     3 resources, 200 metrics
//! batches     URL 1, URL 2, …                each short enough for the service
//! responses   200, 403 (no access), 200      one 403 lists its resources as inaccessible
//! result      one Export, sorted by metric
//! ```
//!
//! Batches are independent, so several are requested at a time.

use std::sync::{Mutex, PoisonError};

use crate::client::{Client, parallel};
use crate::decode;
use crate::decode::error::DecodeError;
use crate::decode::export::Export;
use crate::decode::export_response::ExportResponse;
use crate::decode::exposition::{self, BYTE_ORDER_MARK};
use crate::error::{Error, ErrorKind};
use crate::pagination::errors::invalid_response;
use crate::pagination::first_error::FirstError;
use crate::request::export::{Batch, ExportFormat, ExportRequest, MAX_URL};
use crate::request::operation::Operation;
use crate::time::deadline::Deadline;
use crate::transport::Transport;
use crate::transport::request::Request;

impl Client {
    /// Exports the latest value of every metric of some resources.
    ///
    /// [`Export::completeness`] says if anything is missing, and [`Export::require_complete`]
    /// turns that into an error. If the URL would be too long for one request, the client sends
    /// several, up to [`concurrency`](crate::ClientBuilder::concurrency) at a time, and merges the
    /// responses, sorted by metric. Responses in either [`ExportFormat`]
    /// are accepted.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{ExportRequest, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1")])
    ///     .metric("io.confluent.kafka.server/sent_bytes");
    /// for sample in client.export(&request)?.require_complete()?.samples() {
    ///     println!("{}{} {}", sample.name(), sample.labels(), sample.value());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the request is invalid. The error
    ///   lists every problem, and nothing is sent.
    /// - [`Forbidden`](crate::ErrorKind::Forbidden) if none of the resources is accessible. If
    ///   some are, the export lists the [others](Export::inaccessible).
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if the connection closed before `# EOF`, and
    ///   nothing else marks the end of the response.
    /// - Any other [kind](crate::ErrorKind) if a request fails.
    #[doc(alias = "scrape")]
    pub fn export(&self, request: &ExportRequest) -> Result<Export, Error> {
        self.exporter()
            .fetch(request)
            .map_err(|error| error.with_context(|| self.context(&request.describe())))
    }

    /// Exports the latest value of every metric of some resources as the text of the service.
    ///
    /// The text is checked as by [`export`](Self::export), and returned unchanged but for a byte
    /// order mark. Only the text itself says if anything is missing.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{ExportFormat, ExportRequest, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let request = ExportRequest::new([Resource::kafka("lkc-1")]);
    /// let text = client.export_text(&request, ExportFormat::OpenMetrics)?;
    /// assert!(text.ends_with("# EOF\n"));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`export`](Self::export), and
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if one request cannot name all resources
    /// and metrics, because texts cannot be merged.
    pub fn export_text(
        &self,
        request: &ExportRequest,
        format: ExportFormat,
    ) -> Result<String, Error> {
        self.exporter()
            .fetch_text(request, format)
            .map_err(|error| error.with_context(|| self.context(&request.describe())))
    }

    /// Returns the exporter of a call, whose deadline starts now.
    fn exporter(&self) -> Exporter<'_> {
        Exporter {
            transport: &self.inner.transport,
            path: self.path(Operation::Export),
            concurrency: self.inner.concurrency,
            deadline: self.start_deadline(),
        }
    }
}

/// Fetches one export.
struct Exporter<'a> {
    transport: &'a Transport,
    /// The path of the operation, without parameters.
    path: String,
    /// The number of batches that are requested at a time.
    concurrency: usize,
    /// The deadline of the call, for all batches together.
    deadline: Deadline,
}

impl Exporter<'_> {
    /// Fetches all batches of an export, and merges them.
    ///
    /// A batch without any accessible resource is not an error if another batch has some.
    fn fetch(&self, request: &ExportRequest) -> Result<Export, Error> {
        let batches = self.batches(request)?;
        let results = self.fetch_batches(&batches)?;
        let mut parts = Vec::new();
        let mut inaccessible = Vec::new();
        let mut first_forbidden = None;
        for (batch, result) in batches.into_iter().zip(results) {
            match result {
                Ok(part) => parts.push(part),
                Err(error) => {
                    inaccessible.extend(batch.resources);
                    first_forbidden.get_or_insert(error);
                }
            }
        }
        match first_forbidden {
            Some(error) if parts.is_empty() => Err(error),
            _ => {
                let export = Export::merge(parts, inaccessible, &self.deadline)
                    .map_err(|_| self.deadline.error())?;
                let redactor = self.transport.redactor();
                Ok(export.map_missing(|missing| redactor.redact(missing).into_owned()))
            }
        }
    }

    /// Fetches all batches, several at a time, and returns their parts in order.
    ///
    /// A batch without any accessible resource has its `Forbidden` error in place of a part. The
    /// service responds 403 only if none of the resources is accessible.
    ///
    /// # Errors
    ///
    /// The first other error, in the order of the batches.
    fn fetch_batches(&self, batches: &[Batch]) -> Result<Vec<Result<Export, Error>>, Error> {
        let first_error = FirstError::new(batches.len());
        let results = Mutex::new((0..batches.len()).map(|_| None).collect::<Vec<_>>());
        parallel::run(
            self.concurrency,
            batches.len(),
            &self.deadline,
            &|index, deadline| {
                let Some(deadline) = first_error.start(index, deadline) else {
                    return;
                };
                let result = self.fetch_part(&batches[index], &deadline);
                match result {
                    Err(error) if error.kind() != ErrorKind::Forbidden => {
                        first_error.fail(index, error);
                    }
                    result => {
                        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                        results[index] = Some(result);
                    }
                }
            },
        );
        if let Some(error) = first_error.take() {
            return Err(error);
        }
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Without an error every batch has a result.
        Ok(results.into_iter().flatten().collect())
    }

    /// Fetches and parses one batch.
    fn fetch_part(&self, batch: &Batch, deadline: &Deadline) -> Result<Export, Error> {
        let response = self.fetch_batch(batch, Export::MEDIA_TYPES, deadline)?;
        let (part, has_eof) = Export::from_response(&response.text, &batch.resources, deadline)
            .map_err(|error| self.parse_error(&error, &response, deadline))?;
        response.check_end(has_eof)?;
        Ok(part)
    }

    /// Fetches the text of an export that one request can name.
    fn fetch_text(&self, request: &ExportRequest, format: ExportFormat) -> Result<String, Error> {
        let batches = self.batches(request)?;
        // A text has one `# EOF` and one declaration of each metric, so two texts cannot be joined.
        let [batch] = batches.as_slice() else {
            let message = format!(
                "the URL would exceed {MAX_URL} bytes: \
                 {} requests are needed, and their texts cannot be merged",
                batches.len()
            );
            return Err(Error::invalid_input(message).with_hint(
                "request fewer resources or metrics, or use Client::export, which merges responses",
            ));
        };
        let response = self.fetch_batch(batch, format.media_type(), &self.deadline)?;
        // Parsing detects a text that no other reader could use either.
        let parsed = exposition::parse(&response.text, &[], &self.deadline)
            .map_err(|error| self.parse_error(&error, &response, &self.deadline))?;
        response.check_end(parsed.has_eof)?;
        Ok(response.text)
    }

    /// Splits the request so that no URL is too long.
    fn batches(&self, request: &ExportRequest) -> Result<Vec<Batch>, Error> {
        let url = self.transport.base().join(&self.path);
        request.batches(MAX_URL.saturating_sub(url.len()))
    }

    /// Sends the request of one batch, and returns its text without a byte order mark.
    fn fetch_batch(
        &self,
        batch: &Batch,
        accept: &str,
        deadline: &Deadline,
    ) -> Result<ExportResponse, Error> {
        let path = format!("{}{}", self.path, batch.query_string);
        let request = Request {
            info: self.transport.events().new_request(Operation::Export, None),
            rate_limit_key: &batch.rate_limit_key,
            url: &self.transport.base().join(&path),
            body: None,
            accept,
            is_relative: false,
        };
        let response = self.transport.execute(&request, deadline)?;
        // The text becomes the result of `export_text`, so the bytes are not copied.
        let mut text = String::from_utf8(response.bytes).map_err(|error| {
            self.decode_error(error.as_bytes(), &error.utf8_error().to_string())
        })?;
        // The mark (RFC 3629, section 6) is no part of the exposition.
        if text.starts_with(BYTE_ORDER_MARK) {
            text.remove(0);
        }
        Ok(ExportResponse {
            text,
            is_framed: response.is_framed,
            content_type: response.content_type,
        })
    }

    /// Returns the error of a text that cannot be parsed, or that took too long.
    fn parse_error(
        &self,
        error: &DecodeError,
        response: &ExportResponse,
        deadline: &Deadline,
    ) -> Error {
        match error {
            DecodeError::Invalid(reason) => self.decode_error(response.text.as_bytes(), reason),
            DecodeError::Interrupted => deadline.error(),
        }
    }

    /// Returns the error of a body that is not an export.
    fn decode_error(&self, body: &[u8], reason: &str) -> Error {
        let reason = decode::unexpected_body(body, "an export", &reason);
        invalid_response(self.transport, body, &reason)
    }
}
