//! The result of an export: its samples, and what is missing from it.
//!
//! The steps are:
//! 1. [`Export::from_response`] parses the text of each response, and compares it with the request.
//! 2. Status metrics are not samples. They report resources and metrics that failed.
//! 3. [`Export::merge`] merges the responses of one export, and describes what is missing.
//!
//! These lines are a sample, a resource without access and a failed metric:
//!
//! ```text
//! confluent_kafka_server_sent_bytes{kafka_id="lkc-1",topic="orders"} 7 1767225600000
//! confluent_scrape_resource_access_error{resource_type="resource.kafka.id",resource_id="lkc-2"} 1
//! export_status{export_status="error",metric="io.a/b",resource="kafka"} 1
//! ```
//!
//! ```text
//! missing: no access to kafka lkc-2; io.a/b failed
//! ```

use std::collections::{HashMap, HashSet};

use crate::decode::error::DecodeError;
use crate::decode::export_response::find_unreported;
use crate::decode::export_status::{
    ACCESS_ERROR_METRIC, EXPORT_STATUS_METRIC, MAX_SAMPLES_PER_METRIC, find_truncated,
    is_failed_metric, resource_of_status,
};
use crate::decode::exposition;
use crate::error::{Error, ErrorKind};
use crate::model::descriptor::export_name;
use crate::model::query_result::Completeness;
use crate::model::resource::Resource;
use crate::model::sample::Sample;
use crate::request::export::list_resources;
use crate::time::deadline::{Deadline, Interrupt, Interrupted};
use crate::time::sort::sort_with_deadline;
use crate::util::text::{elide_middle, list_names};

/// The samples of an export, and what is missing from it.
///
/// An export that lacks something is not an error by itself. Check
/// [`completeness`](Self::completeness), or call [`require_complete`](Self::require_complete).
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
/// let request = ExportRequest::new([Resource::kafka("lkc-1")]);
/// for sample in client.export(&request)?.require_complete()? {
///     println!("{}{} {}", sample.name(), sample.labels(), sample.value());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[doc(alias = "scrape")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Export {
    /// The samples without those of status metrics.
    samples: Vec<Sample>,
    /// The requested resources without access, sorted.
    inaccessible: Vec<Resource>,
    /// The inaccessible resources for which the response has neither a sample nor a status.
    unreported: Vec<Resource>,
    /// The query names of the metrics that failed, sorted.
    failed_metrics: Vec<String>,
    /// Metrics that reached the limit of samples in one response.
    truncated_metrics: Vec<String>,
    /// A description of what is missing. Empty if nothing is.
    missing: String,
}

/// The content of one text.
struct ParsedText {
    /// The export, without the resources that only the request names.
    export: Export,
    /// The resources with a status.
    with_status: HashSet<Resource>,
    /// True if the text ends in `# EOF`.
    has_eof: bool,
}

impl Export {
    /// The value of the `Accept` header. OpenMetrics is preferred because it marks its end.
    pub(crate) const MEDIA_TYPES: &str = "application/openmetrics-text, text/plain;q=0.5";

    /// Parses the text of an export in either format, without a network.
    ///
    /// Use it to replay a stored export, and in tests. [`Client::export`](crate::Client::export)
    /// parses responses with the same code.
    ///
    /// # Errors
    ///
    /// Returns [`Decode`](ErrorKind::Decode) with the number of the first invalid line, or the name
    /// of a metric that has conflicting values for the same labels.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// let text = "sent_bytes{kafka_id=\"lkc-1\",topic=\"orders\"} 1.5E7 1767225600000\n";
    /// let export = Export::parse(text)?;
    /// let sample = &export.samples()[0];
    /// assert_eq!(sample.labels().get("topic"), Some("orders"));
    /// assert_eq!(sample.value(), 1.5e7);
    /// assert_eq!(sample.timestamp().unwrap().to_string(), "2026-01-01T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        match parse_text(text, &Deadline::never()) {
            Ok(parsed) => Ok(parsed.export),
            Err(error) => {
                let message = format!("cannot parse export: {error}");
                Err(Error::new(ErrorKind::Decode, elide_middle(&message)))
            }
        }
    }

    /// Parses the response to a request for some resources.
    ///
    /// Returns true with the export if the text ends in `# EOF`.
    pub(crate) fn from_response(
        text: &str,
        requested: &[Resource],
        deadline: &Deadline,
    ) -> Result<(Self, bool), DecodeError> {
        let ParsedText {
            mut export,
            with_status,
            has_eof,
        } = parse_text(text, deadline)?;
        export.unreported = find_unreported(requested, &with_status, &export.samples);
        export.inaccessible.extend_from_slice(&export.unreported);
        export.sort_and_dedup();
        Ok((export, has_eof))
    }

    /// Returns every sample in the order of the text.
    ///
    /// Samples that report the status of the export itself are not included.
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// let export = Export::parse("sent_bytes 7\nreceived_bytes 5\n")?;
    /// assert_eq!(export.samples()[1].name(), "received_bytes");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Returns every sample by value, in the same order.
    ///
    /// ```
    /// use confluent_metrics::{Export, Sample};
    ///
    /// let samples: Vec<Sample> = Export::parse("sent_bytes 7\n")?.into_samples();
    /// assert_eq!(samples[0].value(), 7.0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn into_samples(self) -> Vec<Sample> {
        self.samples
    }

    /// Returns the samples of a metric, by its name in a query or in the export.
    ///
    /// A metric without samples was idle, has [failed](Self::failed_metrics), or does not apply to
    /// the resources.
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// let text = "confluent_kafka_server_sent_bytes{topic=\"orders\"} 7\n";
    /// let export = Export::parse(text)?;
    /// for sample in export.samples_of("io.confluent.kafka.server/sent_bytes") {
    ///     println!("{} {}", sample.labels(), sample.value());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn samples_of<'a>(&'a self, metric: &str) -> impl Iterator<Item = &'a Sample> + use<'a> {
        let name = export_name(metric);
        self.samples
            .iter()
            .filter(move |sample| sample.name() == name)
    }

    /// Returns the requested resources that are not in the export.
    ///
    /// Either the key has no access to them, or they do not exist.
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// fn warn(export: &Export) {
    ///     for resource in export.inaccessible() {
    ///         eprintln!("no access to {} {}", resource.resource_type(), resource.id());
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn inaccessible(&self) -> &[Resource] {
        &self.inaccessible
    }

    /// Returns the metrics that the service failed to export, by their query names.
    ///
    /// It is empty unless the request set
    /// [`ignore_failed_metrics`](crate::ExportRequest::ignore_failed_metrics). Otherwise a failed
    /// metric fails the export.
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// fn warn(export: &Export) {
    ///     for metric in export.failed_metrics() {
    ///         eprintln!("{metric} could not be exported");
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn failed_metrics(&self) -> &[String] {
        &self.failed_metrics
    }

    /// Returns whether the export is complete.
    ///
    /// It is complete if every resource was accessible, no metric failed, and no metric may have
    /// been truncated.
    ///
    /// The service returns at most 60,000 samples of a metric and a resource type, and drops the
    /// rest without notice. Before June 2026 the limit was 30,000. A metric may have been truncated
    /// if one response has at least 60,000 samples of it, or exactly 30,000.
    ///
    /// ```
    /// use confluent_metrics::{Completeness, Export};
    ///
    /// let export = Export::parse("sent_bytes 7\n")?;
    /// assert_eq!(export.completeness(), Completeness::Complete);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn completeness(&self) -> Completeness {
        if self.missing.is_empty() {
            return Completeness::Complete;
        }
        Completeness::Truncated {
            missing: self.missing.clone(),
        }
    }

    /// Returns the export if it is complete.
    ///
    /// # Errors
    ///
    /// Returns [`Incomplete`](ErrorKind::Incomplete) with a description of what is missing.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// let export = Export::parse("sent_bytes 7\n")?.require_complete()?;
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn require_complete(self) -> Result<Self, Error> {
        if self.missing.is_empty() {
            return Ok(self);
        }
        let message = format!("incomplete export: {}", self.missing);
        Err(Error::new(ErrorKind::Incomplete, message).with_hint(
            "grant the MetricsViewer role on every resource; retry failed metrics a minute later; \
             request truncated metrics for fewer resources at a time",
        ))
    }

    /// Merges the parts of an export. The service denied access to the `denied` resources.
    pub(crate) fn merge(
        mut parts: Vec<Self>,
        denied: Vec<Resource>,
        deadline: &Deadline,
    ) -> Result<Self, Interrupted> {
        // Most exports need one request, whose samples are sorted and distinct already.
        if parts.len() == 1 && denied.is_empty() {
            return Ok(parts.pop().unwrap_or_default());
        }
        let interrupt = Interrupt::new(deadline);
        let mut merged = Self {
            inaccessible: denied,
            ..Self::default()
        };
        for part in parts {
            merged.samples.extend(part.samples);
            merged.inaccessible.extend(part.inaccessible);
            merged.unreported.extend(part.unreported);
            merged.failed_metrics.extend(part.failed_metrics);
            merged.truncated_metrics.extend(part.truncated_metrics);
        }
        merged.samples = keep_latest(merged.samples, &interrupt)?;
        sort_with_deadline(&mut merged.samples, &interrupt, &|a, b| {
            a.name().cmp(b.name())
        })?;
        merged.sort_and_dedup();
        Ok(merged)
    }

    /// Maps the description of what is missing, which quotes the response, so that secrets can be
    /// redacted.
    pub(crate) fn map_missing(mut self, map: impl FnOnce(&str) -> String) -> Self {
        self.missing = map(&self.missing);
        self
    }

    /// Sorts and deduplicates the lists of what is missing, and describes them.
    fn sort_and_dedup(&mut self) {
        for resources in [&mut self.inaccessible, &mut self.unreported] {
            resources.sort_unstable();
            resources.dedup();
        }
        for names in [&mut self.failed_metrics, &mut self.truncated_metrics] {
            names.sort_unstable();
            names.dedup();
        }
        self.missing = self.describe_missing();
    }

    /// Describes what is missing. The lists must be sorted.
    ///
    /// ```text
    /// no access to kafka lkc-1; missing samples and status of kafak lkc-2 (check type and id)
    /// ```
    fn describe_missing(&self) -> String {
        let mut missing = Vec::new();
        let denied: Vec<_> = self
            .inaccessible
            .iter()
            // Both lists are sorted. A resource that is in both is described once.
            .filter(|resource| self.unreported.binary_search(resource).is_err())
            .cloned()
            .collect();
        if !denied.is_empty() {
            missing.push(format!("no access to {}", list_resources(&denied)));
        }
        if !self.unreported.is_empty() {
            let unreported = list_resources(&self.unreported);
            missing.push(format!(
                "missing samples and status of {unreported} (check type and id)"
            ));
        }
        if !self.failed_metrics.is_empty() {
            missing.push(format!("{} failed", list_names(&self.failed_metrics)));
        }
        if !self.truncated_metrics.is_empty() {
            let truncated = list_names(&self.truncated_metrics);
            missing.push(format!(
                "{truncated} may be truncated at the service limit of {MAX_SAMPLES_PER_METRIC} samples"
            ));
        }
        missing.join("; ")
    }
}

/// Parses a text, and sorts its status samples into what is missing.
fn parse_text(text: &str, deadline: &Deadline) -> Result<ParsedText, DecodeError> {
    let status_metrics = [ACCESS_ERROR_METRIC, EXPORT_STATUS_METRIC];
    let parsed = exposition::parse(text, &status_metrics, deadline)?;
    let mut export = Export {
        samples: parsed.samples,
        truncated_metrics: find_truncated(parsed.counts),
        ..Export::default()
    };
    let mut with_status = HashSet::new();
    for status in &parsed.statuses {
        let is_error = status.value() != 0.0;
        if status.name() == ACCESS_ERROR_METRIC {
            let resource = resource_of_status(status)?;
            if is_error {
                export.inaccessible.push(resource.clone());
            }
            with_status.insert(resource);
        } else if is_error && is_failed_metric(status) {
            let metric = status.labels().get("metric").unwrap_or("(unnamed metric)");
            export.failed_metrics.push(metric.to_owned());
        }
    }
    export.sort_and_dedup();
    Ok(ParsedText {
        export,
        with_status,
        has_eof: parsed.has_eof,
    })
}

/// Keeps the latest sample of each series. If two have the same time, the later one is kept.
///
/// A resource can be in two responses, one later than the other:
///
/// ```text
/// sent_bytes{kafka_id="lkc-1"} 7 1767225600000
/// sent_bytes{kafka_id="lkc-1"} 8 1767225660000    kept
/// ```
fn keep_latest(
    mut samples: Vec<Sample>,
    interrupt: &Interrupt<'_>,
) -> Result<Vec<Sample>, Interrupted> {
    let mut latest: HashMap<_, (usize, _)> = HashMap::new();
    for (index, sample) in samples.iter().enumerate() {
        interrupt.step()?;
        let known = latest
            .entry((sample.name(), sample.labels()))
            .or_insert((index, sample.timestamp()));
        if known.1 <= sample.timestamp() {
            *known = (index, sample.timestamp());
        }
    }
    // Flags keep the order of the samples. The map has lost it.
    let mut is_kept = vec![false; samples.len()];
    for (index, _) in latest.into_values() {
        is_kept[index] = true;
    }
    let mut is_kept = is_kept.into_iter();
    samples.retain(|_| is_kept.next().unwrap_or(false));
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, requested: &[Resource]) -> Export {
        let deadline = Deadline::never();
        let Ok((export, _)) = Export::from_response(text, requested, &deadline) else {
            panic!("{text}")
        };
        export
    }

    fn clusters(count: usize) -> Vec<Resource> {
        (0..count)
            .map(|number| Resource::kafka(format!("lkc-{number:04}")))
            .collect()
    }

    fn access(id: &str, value: f64) -> String {
        format!(
            "{ACCESS_ERROR_METRIC}{{resource_id=\"{id}\",resource_type=\"resource.kafka.id\"}} {value}\n"
        )
    }

    fn incomplete_reason(export: &Export) -> String {
        match export.completeness() {
            Completeness::Truncated { missing } => missing,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_resource_without_a_sample_or_a_status_is_missing() {
        let requested = [
            Resource::kafka("lkc-1"),
            Resource::new("kafak", "lkc-2"),
            Resource::kafka("lkc-3"),
        ];
        let export = parsed(
            &[access("lkc-1", 0.0), access("lkc-3", 1.0)].concat(),
            &requested,
        );
        assert_eq!(
            export.inaccessible(),
            [Resource::new("kafak", "lkc-2"), Resource::kafka("lkc-3")]
        );
        assert_eq!(
            incomplete_reason(&export),
            "no access to kafka lkc-3; missing samples and status of kafak lkc-2 (check type and id)"
        );
        let nothing = "missing samples and status of kafak lkc-2, kafka lkc-1, kafka lkc-3 (check type and id)";
        assert_eq!(incomplete_reason(&parsed("a 1\n", &requested)), nothing);
        assert_eq!(
            incomplete_reason(&parsed(&access("other", 0.0), &requested)),
            nothing
        );
        // A sample says as much as a status, by its own type of resources.
        let samples = "a{kafka_id=\"lkc-1\"} 1\na{connector_id=\"lkc-3\"} 1\nb{kafka_id=\"lkc-3\",x=\"\"} 1\n";
        assert_eq!(
            incomplete_reason(&parsed(samples, &requested)),
            "missing samples and status of kafak lkc-2 (check type and id)"
        );
        let others = [
            Resource::new("flink_statement", "s-1"),
            Resource::new("new.type", "x"),
            Resource::schema_registry("lsrc-1"),
        ];
        let samples = "a{flink_statement_name=\"s-1\"} 1\na{new_type_id=\"x\",schema_registry_id=\"lsrc-1\"} 1\n";
        assert_eq!(incomplete_reason(&parsed(samples, &others)), "Complete");
    }

    #[test]
    fn hundreds_of_thousands_of_missing_resources_take_linear_time() {
        // Comparing each of them with each other would take minutes.
        let requested = clusters(100_000);
        let export = parsed("a 1\n", &requested);
        assert_eq!(export.inaccessible().len(), 100_000);
        let first = "missing samples and status of kafka lkc-0000, kafka lkc-0001, kafka lkc-0002 and 99997 more";
        assert!(incomplete_reason(&export).starts_with(first));
    }

    #[test]
    fn samples_are_the_same_by_reference_and_by_value() {
        let export = parsed("b 1\na 2\n", &[]);
        let names: Vec<_> = export.samples().iter().map(Sample::name).collect();
        assert_eq!(names, ["b", "a"]);
        assert_eq!(
            format!("{:?}", export.samples()[0]),
            r#"Sample { name: "b", labels: {}, value: 1.0, timestamp: None }"#
        );
        assert_eq!(export.clone().into_samples(), export.samples());
        assert!((&export).into_iter().eq(export.samples()));
        assert_eq!(Vec::from_iter(export.clone()), export.samples());
    }

    #[test]
    fn only_samples_of_equal_name_labels_and_time_are_duplicates() {
        let text: String = (0..1000)
            .map(|x| format!("a{{x=\"{x}\"}} 1 60\nb{{x=\"{x}\"}} 1 60\na{{x=\"{x}\"}} 1 120\n"))
            .collect();
        let once = parsed(&text, &[]);
        assert_eq!(once.samples().len(), 3000);
        assert_eq!(parsed(&[&*text, &*text].concat(), &[]), once);
    }

    #[test]
    fn parts_are_merged() {
        let requested = [Resource::kafka("lkc-1"), Resource::kafka("lkc-2")];
        let one = [
            &*access("lkc-1", 0.0),
            "b{x=\"1\"} 1 60\na{x=\"1\"} 2 60\nboth 3 60\nlater 4 120\n",
        ]
        .concat();
        let other = [
            &*access("lkc-2", 1.0),
            "a{x=\"2\"} 5 60\nboth 6 60\nlater 7 60\n",
        ]
        .concat();
        let parts = vec![
            parsed(&one, &requested[..1]),
            parsed(&other, &requested[1..]),
        ];
        let refused = vec![Resource::kafka("lkc-0"), Resource::kafka("lkc-2")];
        let merged = Export::merge(parts, refused, &Deadline::never()).unwrap();
        let samples: Vec<_> = merged
            .samples()
            .iter()
            .map(|sample| format!("{}{} {}", sample.name(), sample.labels(), sample.value()))
            .collect();
        assert_eq!(
            samples,
            [
                r#"a{x="1"} 2"#,
                r#"a{x="2"} 5"#,
                r#"b{x="1"} 1"#,
                "both{} 6",
                "later{} 4"
            ]
        );
        assert_eq!(
            incomplete_reason(&merged),
            "no access to kafka lkc-0, kafka lkc-2"
        );
        let long: String = (0..2000).map(|at| format!("m{{a=\"{at}\"}} 1\n")).collect();
        let parts = vec![
            parsed(&long, &requested[..1]),
            parsed(&other, &requested[1..]),
        ];
        let passed = Deadline::after(std::time::Duration::ZERO);
        assert_eq!(
            Export::merge(parts, Vec::new(), &passed),
            Err(Interrupted),
            "merging stops at the deadline"
        );
        let alone = parsed("b 1\na 2\n", &requested);
        let merged = Export::merge(vec![alone.clone()], Vec::new(), &Deadline::never());
        assert_eq!(merged, Ok(alone), "a single part keeps its order");
    }
}
