use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::decode::exposition::{self, ParseError};
use crate::error::{Error, ErrorKind};
use crate::model::descriptor::export_name;
use crate::model::resource::Resource;
use crate::model::sample::Sample;
use crate::model::series::Completeness;
use crate::request::operation::Operation;
use crate::request::query::validate_name;
use crate::time::deadline::{Deadline, Interrupt, Interrupted};
use crate::time::sort::sort_with_deadline;
use crate::transport::redact::Redactor;
use crate::util::text::{elide_middle, list_names, percent_encode, sanitize_line};

/// What to export: the newest point of every metric of some resources, or of some metrics only.
///
/// A plain value: making and changing one never fails, and nothing is sent. A call that takes it names every fault at
/// once, before anything is sent. Mirrors the vendor's
/// [export](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1export/get).
///
/// ```
/// use confluent_metrics::{ExportRequest, Resource};
///
/// let request = ExportRequest::new([Resource::kafka("lkc-1234"), Resource::connector("lcc-1234")])
///     .metric("io.confluent.kafka.server/received_bytes")
///     .ignore_failed_metrics(true);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct ExportRequest {
    resources: Vec<Resource>,
    metrics: Vec<String>,
    ignore_failed_metrics: bool,
}

/// The form of an export as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// What Prometheus has always scraped: `text/plain;version=0.0.4`.
    Prometheus,
    /// [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/), which also tells units.
    OpenMetrics,
}

/// What an export holds: samples, and what is missing among them.
///
/// What is missing is no error by itself: see [`completeness`](Self::completeness), or ask for
/// [`require_complete`](Self::require_complete).
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    samples: Vec<Sample>,
    inaccessible: Vec<Resource>,
    /// Those of the inaccessible resources of which the response has neither a sample nor a status.
    unmentioned: Vec<Resource>,
    failed_metrics: Vec<String>,
    /// Metrics with so many samples in one response that others may have been cut.
    truncated_metrics: Vec<String>,
    /// What is missing, in words; empty if nothing is.
    missing: String,
}

/// One request for a part of what is asked for, short enough for an address.
pub(crate) struct Batch {
    pub(crate) parameters: String,
    /// The key under which the service limits requests: the operation with its resources.
    pub(crate) rate_limit_key: String,
    pub(crate) resources: Vec<Resource>,
}

/// The text of a response, and how it came.
pub(crate) struct ExportResponse {
    pub(crate) text: String,
    /// Whether the length or chunks told the end of the body.
    pub(crate) is_framed: bool,
    pub(crate) content_type: Option<String>,
}

/// The longest address that every server and proxy on the way takes.
pub(crate) const MAX_URL: usize = 8192;

/// The service gives as many samples of a metric and a type of resources, and cuts the rest silently.
const MAX_SAMPLES_PER_METRIC: usize = 60_000;

/// The cap before June 2026, which may still hold somewhere. Only a full response has exactly as many.
const FORMER_CAP: usize = 30_000;

const ACCESS_ERROR_METRIC: &str = "confluent_scrape_resource_access_error";
const EXPORT_STATUS_METRIC: &str = "export_status";

impl ExportRequest {
    /// Asks for every exportable metric of these resources; a resource that comes twice is asked for once.
    pub fn new(resources: impl IntoIterator<Item = Resource>) -> Self {
        let (metrics, ignore_failed_metrics) = (Vec::new(), false);
        Self {
            resources: resources.into_iter().collect(),
            metrics,
            ignore_failed_metrics,
        }
    }

    /// Asks for this metric, by the name that it has in a query. Said several times, for each of them. Unset: every
    /// metric.
    pub fn metric(mut self, name: impl Into<String>) -> Self {
        self.metrics.push(name.into());
        self
    }

    /// Sets whether a metric that fails is left out and named by [`Export::failed_metrics`], instead of failing the whole
    /// export. Default: no.
    pub fn ignore_failed_metrics(mut self, ignore: bool) -> Self {
        self.ignore_failed_metrics = ignore;
        self
    }

    /// What is asked for, in a few words.
    pub(crate) fn describe(&self) -> String {
        let operation = Operation::Export.name();
        if self.resources.is_empty() {
            return operation.into();
        }
        format!("{operation} of {}", list_resources(&self.resources))
    }

    /// The requests that this takes, where an address has so much room for parameters; or every fault at once.
    ///
    /// Metrics get what resources leave, or half of the room where that is more: many of both have their share.
    #[inline]
    pub(crate) fn batches(&self, room: usize) -> Result<Vec<Batch>, Error> {
        let mut faults = Vec::new();
        self.check(&mut faults);
        if !faults.is_empty() {
            return Err(Error::invalid_request("the request", &faults));
        }
        let flag = if self.ignore_failed_metrics {
            "&ignore_failed_metrics=true"
        } else {
            ""
        };
        let room = room.saturating_sub(flag.len());
        let sized = |resource: &Resource| (parameter(resource).len() + 1, resource.clone());
        let left = room.saturating_sub(
            unique(&self.resources)
                .map(|resource| sized(resource).0)
                .sum(),
        );
        let metrics = unique(&self.metrics).map(|name| format!("&metric={}", percent_encode(name)));
        let mut metrics = chunk_by_size(
            metrics.map(|parameter| (parameter.len(), parameter)),
            left.max(room / 2),
        );
        if metrics.is_empty() {
            metrics.push(Vec::new());
        }
        let mut batches = Vec::new();
        for metrics in metrics {
            let metrics = metrics.concat();
            let room = room.saturating_sub(metrics.len());
            for resources in chunk_by_size(unique(&self.resources).map(sized), room) {
                let ids = resources
                    .iter()
                    .map(parameter)
                    .collect::<Vec<_>>()
                    .join("&");
                let parameters = format!("?{ids}{metrics}{flag}");
                batches.push(Batch {
                    parameters,
                    rate_limit_key: rate_limit_key(&resources),
                    resources,
                });
            }
        }
        Ok(batches)
    }

    #[inline]
    fn check(&self, faults: &mut Vec<String>) {
        if self.resources.is_empty() {
            faults.push("it names no resource".into());
        }
        for resource in &self.resources {
            validate_name("a resource's type", resource.resource_type(), faults);
            validate_name(
                &format!(
                    "the id of a {} resource",
                    sanitize_line(resource.resource_type(), 60)
                ),
                resource.id(),
                faults,
            );
            if resource.id().contains(',') {
                let id = sanitize_line(resource.id(), 100);
                faults.push(format!(
                    "the id \"{id}\" has a comma in it: give each id as a resource of its own"
                ));
            }
        }
        self.metrics
            .iter()
            .for_each(|metric| validate_name("the name of a metric", metric, faults));
    }
}

impl ExportFormat {
    /// What is said to the service to get it.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
        }
    }
}

impl ExportResponse {
    /// Returns an error if the text may have been cut at the end of a line.
    ///
    /// Without a length or chunks the end of the connection is the end of the body, also if the
    /// server gave up. The text format of Prometheus has nothing else; OpenMetrics has `# EOF`.
    pub(crate) fn check_end(&self, has_eof: bool) -> Result<(), Error> {
        if self.is_framed || has_eof || self.is_prometheus_text() {
            return Ok(());
        }
        let message = "the response ended with the connection and without `# EOF`";
        Err(Error::new(ErrorKind::Incomplete, message)
            .with_status(200)
            .with_hint(
                "try again; if this persists, check the proxy between the client and the service",
            ))
    }

    fn is_prometheus_text(&self) -> bool {
        let media_type = self
            .content_type
            .as_deref()
            .and_then(|value| value.split(';').next());
        media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("text/plain"))
    }
}

impl Export {
    /// What is said to the service to get an export that is read here: OpenMetrics, which has units and a mark of its end.
    pub(crate) const MEDIA_TYPES: &str = "application/openmetrics-text, text/plain;q=0.5";

    /// Reads an export, in either format, without a network: to replay what was kept, and for tests.
    ///
    /// It is the code that [`Client::export`](crate::Client::export) reads answers with.
    ///
    /// ```
    /// use confluent_metrics::Export;
    ///
    /// let text = "# TYPE confluent_kafka_server_sent_bytes gauge\n\
    ///     confluent_kafka_server_sent_bytes{kafka_id=\"lkc-1\",topic=\"orders\",} 1.5E7 1767225600000\n";
    /// let export = Export::parse(text)?;
    /// let [sample] = export.samples() else { panic!("one line is one sample") };
    /// assert_eq!((sample.labels().get("topic"), sample.value()), (Some("orders"), 1.5e7));
    /// assert_eq!(sample.timestamp().unwrap().to_string(), "2026-01-01T00:00:00Z");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode), with the number of the first line that cannot be read, or the name of a metric that
    /// has two values for the same labels.
    #[inline]
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (export, _) = Self::parse_with_status(text, &Deadline::never()).map_err(|error| {
            let why = format!("the text is not an export: {}", error.reason());
            Error::new(ErrorKind::Decode, elide_middle(&why))
        })?;
        Ok(export)
    }

    fn empty() -> Self {
        Self {
            samples: Vec::new(),
            inaccessible: Vec::new(),
            unmentioned: Vec::new(),
            failed_metrics: Vec::new(),
            truncated_metrics: Vec::new(),
            missing: String::new(),
        }
    }

    /// Parses the response to a request for some resources. Returns true beside the export if the
    /// text ends in `# EOF`.
    #[inline]
    pub(crate) fn from_response(
        text: &str,
        requested: &[Resource],
        deadline: &Deadline,
    ) -> Result<(Self, bool), ParseError> {
        let (mut export, mentioned) = Self::parse_with_status(text, deadline)?;
        export.unmentioned = unmentioned(requested, &mentioned.resources, &export.samples);
        export.inaccessible.extend_from_slice(&export.unmentioned);
        export.sort_and_dedup();
        Ok((export, mentioned.has_eof))
    }

    #[inline]
    fn parse_with_status(text: &str, deadline: &Deadline) -> Result<(Self, Mentioned), ParseError> {
        let parsed =
            exposition::parse(text, &[ACCESS_ERROR_METRIC, EXPORT_STATUS_METRIC], deadline)?;
        let mut export = Self {
            samples: parsed.samples,
            ..Self::empty()
        };
        let mut resources = HashSet::new();
        for status in &parsed.statuses {
            let label = |name: &str| status.labels().get(name);
            let is_bad = status.value() != 0.0;
            if status.name() == ACCESS_ERROR_METRIC {
                let (Some(kind), Some(id)) = (label("resource_type"), label("resource_id")) else {
                    let labels = status.labels();
                    return Err(ParseError::Invalid(format!(
                        "missing resource of {ACCESS_ERROR_METRIC}{labels}"
                    )));
                };
                let resource =
                    Resource::new(Resource::parse_resource_type(kind).unwrap_or(kind), id);
                if is_bad {
                    export.inaccessible.push(resource.clone());
                }
                resources.insert(resource);
            } else if is_bad && label(EXPORT_STATUS_METRIC).is_none_or(|state| state == "error") {
                export.failed_metrics.push(
                    label("metric")
                        .unwrap_or("(a metric without a name)")
                        .to_owned(),
                );
            }
        }
        export.truncated_metrics = capped(parsed.counts);
        export.sort_and_dedup();
        Ok((
            export,
            Mentioned {
                resources,
                has_eof: parsed.has_eof,
            },
        ))
    }

    /// Every sample but those that only tell of the export itself, in the order of the text.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Every sample, in the same order, without a copy.
    pub fn into_samples(self) -> Vec<Sample> {
        self.samples
    }

    /// The samples of a metric, by the name that it has in a query or in the export.
    ///
    /// A metric without a sample was idle, [failed](Self::failed_metrics), or is none of these resources'.
    pub fn samples_of(&self, metric: &str) -> impl Iterator<Item = &Sample> {
        let name = export_name(metric);
        self.samples
            .iter()
            .filter(move |sample| sample.name() == name)
    }

    /// The resources that were asked for and are not in the export, because the key's owner may not see them, or there
    /// is no such resource.
    pub fn inaccessible(&self) -> &[Resource] {
        &self.inaccessible
    }

    /// The metrics that the service failed to export, by their names in a query; only with
    /// [`ignore_failed_metrics`](ExportRequest::ignore_failed_metrics).
    pub fn failed_metrics(&self) -> &[String] {
        &self.failed_metrics
    }

    /// Whether this is all there is: no resource was inaccessible, no metric failed, and none may have been cut.
    ///
    /// The service gives at most 60,000 samples of a metric and a type of resources, and cuts the rest silently; before
    /// June 2026 it was 30,000. A metric may have been cut if one response has 60,000 samples of it or more, or exactly
    /// 30,000.
    pub fn completeness(&self) -> Completeness {
        match &self.missing {
            missing if missing.is_empty() => Completeness::Complete,
            missing => Completeness::Truncated {
                missing: missing.clone(),
            },
        }
    }

    /// The export, where it is all there is.
    ///
    /// # Errors
    /// [`Incomplete`](ErrorKind::Incomplete), saying what is missing.
    pub fn require_complete(self) -> Result<Self, Error> {
        if self.missing.is_empty() {
            return Ok(self);
        }
        let message = format!("the export is not whole: {}", self.missing);
        Err(Error::new(ErrorKind::Incomplete, message).with_hint(
            "the key's owner needs the role MetricsViewer on every resource; a metric that failed may be there a minute \
             later; one that is cut has to be asked for by fewer resources at once",
        ))
    }

    /// The parts of one export, put together; of these resources nothing came, since they were refused.
    #[inline]
    pub(crate) fn merge(
        mut parts: Vec<Self>,
        refused: Vec<Resource>,
        deadline: &Deadline,
    ) -> Result<Self, Interrupted> {
        if parts.len() == 1 && refused.is_empty() {
            return Ok(parts.pop().unwrap_or_else(Self::empty));
        }
        let interrupt = Interrupt::new(deadline);
        let mut whole = Self {
            inaccessible: refused,
            ..Self::empty()
        };
        for part in parts {
            whole.samples.extend(part.samples);
            whole.inaccessible.extend(part.inaccessible);
            whole.unmentioned.extend(part.unmentioned);
            whole.failed_metrics.extend(part.failed_metrics);
            whole.truncated_metrics.extend(part.truncated_metrics);
        }
        whole.samples = keep_newest(whole.samples, &interrupt)?;
        sort_with_deadline(&mut whole.samples, &interrupt, |a, b| {
            a.name().cmp(b.name())
        })?;
        whole.sort_and_dedup();
        Ok(whole)
    }

    /// Redacts the words for what is missing, which name what a response named.
    pub(crate) fn redact(mut self, redactor: &Redactor) -> Self {
        self.missing = redactor.redact(&self.missing).into_owned();
        self
    }

    /// Sorts what is missing, leaves each once, and puts it into words.
    #[inline]
    fn sort_and_dedup(&mut self) {
        for resources in [&mut self.inaccessible, &mut self.unmentioned] {
            resources.sort_unstable();
            resources.dedup();
        }
        for names in [&mut self.failed_metrics, &mut self.truncated_metrics] {
            names.sort_unstable();
            names.dedup();
        }
        self.missing = self.describe_missing();
    }

    #[inline]
    fn describe_missing(&self) -> String {
        let mut missing = Vec::new();
        let is_refused = |resource: &&Resource| self.unmentioned.binary_search(*resource).is_err();
        let refused: Vec<_> = self
            .inaccessible
            .iter()
            .filter(is_refused)
            .cloned()
            .collect();
        if !refused.is_empty() {
            missing.push(format!("{} cannot be accessed", list_resources(&refused)));
        }
        if !self.unmentioned.is_empty() {
            let unmentioned = list_resources(&self.unmentioned);
            missing.push(format!(
                "missing samples and status of {unmentioned} (check type and id)"
            ));
        }
        if !self.failed_metrics.is_empty() {
            missing.push(format!("{} failed", list_names(&self.failed_metrics)));
        }
        if !self.truncated_metrics.is_empty() {
            let capped = list_names(&self.truncated_metrics);
            missing.push(format!(
                "{capped} may be cut, for the service gives at most {MAX_SAMPLES_PER_METRIC} samples"
            ));
        }
        missing.join("; ")
    }
}

impl IntoIterator for Export {
    type Item = Sample;
    type IntoIter = std::vec::IntoIter<Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.samples.into_iter()
    }
}

impl<'a> IntoIterator for &'a Export {
    type Item = &'a Sample;
    type IntoIter = std::slice::Iter<'a, Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.samples.iter()
    }
}

/// A resource as a parameter of the address.
#[inline]
fn parameter(resource: &Resource) -> String {
    let [kind, id] = [resource.resource_type(), resource.id()].map(percent_encode);
    format!("resource.{kind}.id={id}")
}

/// An export of the same resources in any order is the same operation to the service's limits.
#[inline]
fn rate_limit_key(resources: &[Resource]) -> String {
    let mut names: Vec<_> = resources.iter().map(parameter).collect();
    names.sort_unstable();
    format!("export {}", names.join("&"))
}

fn unique<T: Eq + Hash>(items: &[T]) -> impl Iterator<Item = &T> {
    let mut known = HashSet::new();
    items.iter().filter(move |item| known.insert(*item))
}

/// Items in as few parts as sizes allow, none larger than `room` unless a single item is.
#[inline]
fn chunk_by_size<T>(sized: impl Iterator<Item = (usize, T)>, room: usize) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut left = 0;
    for (size, item) in sized {
        match parts.last_mut() {
            Some(part) if size <= left => {
                part.push(item);
                left -= size;
            }
            _ => {
                parts.push(vec![item]);
                left = room.saturating_sub(size);
            }
        }
    }
    parts
}

/// What a response tells besides samples.
struct Mentioned {
    /// The resources with a status.
    resources: HashSet<Resource>,
    has_eof: bool,
}

/// Returns the requested resources that have neither a status nor a sample.
#[inline]
fn unmentioned(
    requested: &[Resource],
    with_status: &HashSet<Resource>,
    samples: &[Sample],
) -> Vec<Resource> {
    let without_status = requested
        .iter()
        .filter(|resource| !with_status.contains(resource));
    let mut left: HashMap<_, Vec<_>> = HashMap::new();
    for resource in without_status {
        let kind = label_name(resource.resource_type());
        left.entry((kind, resource.id()))
            .or_default()
            .push(resource);
    }
    for sample in samples {
        if left.is_empty() {
            break;
        }
        for (name, id) in sample.labels().iter() {
            let kind = ["_id", "_name", "_uid"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix));
            if let Some(kind) = kind {
                left.remove(&(Cow::Borrowed(kind), id));
            }
        }
    }
    left.into_values().flatten().cloned().collect()
}

/// Returns a type of resources as the names of labels in an export have it.
fn label_name(resource_type: &str) -> Cow<'_, str> {
    if resource_type.contains('.') {
        resource_type.replace('.', "_").into()
    } else {
        resource_type.into()
    }
}

/// Returns the metrics of which the service may have left samples out.
fn capped(counts: Vec<(String, usize)>) -> Vec<String> {
    let is_capped = |count: usize| count >= MAX_SAMPLES_PER_METRIC || count == FORMER_CAP;
    counts
        .into_iter()
        .filter(|(_, count)| is_capped(*count))
        .map(|(name, _)| name)
        .collect()
}

/// Of samples of the same series the newest one; of two of the same time the later one.
#[inline]
fn keep_newest(
    mut samples: Vec<Sample>,
    interrupt: &Interrupt<'_>,
) -> Result<Vec<Sample>, Interrupted> {
    let mut newest: HashMap<_, (usize, _)> = HashMap::new();
    for (place, sample) in samples.iter().enumerate() {
        interrupt.step()?;
        let known = newest
            .entry((sample.name(), sample.labels()))
            .or_insert((place, sample.timestamp()));
        if known.1 <= sample.timestamp() {
            *known = (place, sample.timestamp());
        }
    }
    let mut kept = vec![false; samples.len()];
    for (place, _) in newest.into_values() {
        kept[place] = true;
    }
    let mut kept = kept.into_iter();
    samples.retain(|_| kept.next().unwrap_or(false));
    Ok(samples)
}

/// The first few resources and how many more there are.
fn list_resources(resources: &[Resource]) -> String {
    let name = |resource: &Resource| format!("{} {}", resource.resource_type(), resource.id());
    list_names(&resources.iter().map(name).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(request: &ExportRequest, room: usize) -> Vec<String> {
        request
            .batches(room)
            .unwrap()
            .into_iter()
            .map(|batch| batch.parameters)
            .collect()
    }

    fn clusters(count: usize) -> Vec<Resource> {
        (0..count)
            .map(|number| Resource::kafka(format!("lkc-{number:04}")))
            .collect()
    }

    #[test]
    fn a_request_is_the_documented_address() {
        for (request, parameters) in [
            (
                ExportRequest::new([Resource::kafka("lkc-1")]),
                "?resource.kafka.id=lkc-1",
            ),
            (
                ExportRequest::new([
                    Resource::kafka("lkc-1"),
                    Resource::schema_registry("lsrc-1"),
                    Resource::kafka("lkc-1"),
                    Resource::new("new type&", "a b/ü?="),
                ])
                .metric("io.confluent.kafka.server/sent_bytes")
                .metric("a&b")
                .metric("a&b")
                .ignore_failed_metrics(true),
                "?resource.kafka.id=lkc-1&resource.schema_registry.id=lsrc-1&resource.new%20type%26.id=a%20b%2F%C3%BC%3F%3D\
                 &metric=io.confluent.kafka.server%2Fsent_bytes&metric=a%26b&ignore_failed_metrics=true",
            ),
        ] {
            assert_eq!(batches(&request, MAX_URL), [parameters]);
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let request = ExportRequest::new([
            Resource::new("", "lkc-1"),
            Resource::kafka(""),
            Resource::kafka("lkc-1,lkc-2"),
            Resource::kafka("lkc\n1"),
        ])
        .metric("")
        .metric("a\u{7}");
        assert_eq!(
            request.batches(MAX_URL).err().unwrap().to_string(),
            "the request cannot be sent: a resource's type is empty; the id of a kafka resource is empty; \
             the id \"lkc-1,lkc-2\" has a comma in it: give each id as a resource of its own; \
             the id of a kafka resource \"lkc\\n1\" has a control character in it; the name of a metric is empty; \
             the name of a metric \"a\\u{7}\" has a control character in it"
        );
        let none = ExportRequest::new([]).batches(MAX_URL).err().unwrap();
        assert_eq!(
            none.to_string(),
            "the request cannot be sent: it names no resource"
        );
        assert_eq!(none.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn what_does_not_fit_an_address_is_several_requests() {
        let many = ExportRequest::new(clusters(1000)).ignore_failed_metrics(true);
        let parts = batches(&many, 8000);
        assert_eq!(parts.len(), 4, "27 bytes for each of 1000 clusters");
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= 8000 && part.ends_with("&ignore_failed_metrics=true"))
        );
        let found: Vec<_> = parts.iter().flat_map(|part| part.matches("lkc-")).collect();
        assert_eq!(found.len(), 1000);

        let metrics = (0..200).fold(many, |request, number| {
            request.metric(format!("io.confluent/{number:040}"))
        });
        let parts = metrics.batches(8000).unwrap();
        assert!(parts.iter().all(|part| part.parameters.len() <= 8000));
        let mut pairs = 0;
        for part in &parts {
            assert!(part.parameters.starts_with("?resource.kafka.id="));
            pairs += part.resources.len() * part.parameters.matches("&metric=").count();
        }
        assert_eq!(pairs, 200 * 1000, "every metric of every resource, once");

        let few = (0..100).fold(ExportRequest::new(clusters(2)), |request, number| {
            request.metric(format!("io.confluent/{number:040}"))
        });
        assert_eq!(batches(&few, 8000).len(), 1, "what fits is one request");

        let long = ExportRequest::new([Resource::kafka("x".repeat(9000)), Resource::kafka("y")]);
        assert_eq!(
            batches(&long, 8000).len(),
            2,
            "what fits nowhere goes alone"
        );
        assert_eq!(batches(&long, 0).len(), 2);
    }

    #[test]
    fn limits_are_told_apart_by_resources_in_any_order() {
        let key = |ids: [&str; 2]| {
            let batches = ExportRequest::new(ids.map(Resource::kafka))
                .metric(ids[0])
                .batches(MAX_URL)
                .unwrap();
            batches[0].rate_limit_key.clone()
        };
        assert_eq!(key(["lkc-1", "lkc-2"]), key(["lkc-2", "lkc-1"]));
        assert_ne!(key(["lkc-1", "lkc-2"]), key(["lkc-1", "lkc-3"]));
        assert!(key(["lkc-1", "lkc-2"]).starts_with("export "));
    }

    #[test]
    fn a_few_names_stand_for_many() {
        for (count, asked) in [
            (0, "export"),
            (1, "export of kafka lkc-0000"),
            (
                3,
                "export of kafka lkc-0000, kafka lkc-0001, kafka lkc-0002",
            ),
            (
                5,
                "export of kafka lkc-0000, kafka lkc-0001, kafka lkc-0002 and 2 more",
            ),
        ] {
            assert_eq!(ExportRequest::new(clusters(count)).describe(), asked);
        }
    }

    fn parsed(text: &str, requested: &[Resource]) -> Export {
        let deadline = Deadline::never();
        let Ok((export, _)) = Export::from_response(text, requested, &deadline) else {
            panic!("{text}")
        };
        export
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
            "kafka lkc-3 cannot be accessed; missing samples and status of kafak lkc-2 (check type and id)"
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
    fn parts_become_one() {
        let asked = [Resource::kafka("lkc-1"), Resource::kafka("lkc-2")];
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
        let parts = vec![parsed(&one, &asked[..1]), parsed(&other, &asked[1..])];
        let refused = vec![Resource::kafka("lkc-0"), Resource::kafka("lkc-2")];
        let whole = Export::merge(parts, refused, &Deadline::never()).unwrap();
        let told: Vec<_> = whole
            .samples()
            .iter()
            .map(|sample| format!("{}{} {}", sample.name(), sample.labels(), sample.value()))
            .collect();
        assert_eq!(
            told,
            [
                r#"a{x="1"} 2"#,
                r#"a{x="2"} 5"#,
                r#"b{x="1"} 1"#,
                "both{} 6",
                "later{} 4"
            ]
        );
        assert_eq!(
            incomplete_reason(&whole),
            "kafka lkc-0, kafka lkc-2 cannot be accessed"
        );
        let long: String = (0..2000).map(|at| format!("m{{a=\"{at}\"}} 1\n")).collect();
        let parts = vec![parsed(&long, &asked[..1]), parsed(&other, &asked[1..])];
        let passed = Deadline::after(std::time::Duration::ZERO);
        assert_eq!(
            Export::merge(parts, Vec::new(), &passed),
            Err(Interrupted),
            "merging ends in time"
        );
        let alone = parsed("b 1\na 2\n", &asked);
        let united = Export::merge(vec![alone.clone()], Vec::new(), &Deadline::never());
        assert_eq!(united, Ok(alone), "one part stays in its order");
    }
}
