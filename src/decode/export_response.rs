//! The response to an export request: the end of its text, and the resources that it reports.
//!
//! Both checks find data that is missing without an error. The text may end too early, and the
//! service may leave out a resource whose type or id it does not know.
//!
//! For a request of `kafka lkc-1` and `kafak lkc-2` and this text, `kafak lkc-2` is unreported:
//!
//! ```text
//! confluent_kafka_server_sent_bytes{kafka_id="lkc-1",topic="orders"} 7 1767225600000
//! # EOF
//! ```

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::error::{Error, ErrorKind};
use crate::model::resource::Resource;
use crate::model::sample::Sample;

/// The text of a response, and how its end was marked.
pub(crate) struct ExportResponse {
    /// The body, as valid UTF-8.
    pub(crate) text: String,
    /// True if a content length or chunks marked the end of the body.
    pub(crate) is_framed: bool,
    /// The header `Content-Type` with its parameters.
    pub(crate) content_type: Option<String>,
}

impl ExportResponse {
    /// Checks that the text cannot have been cut at the end of a line.
    ///
    /// If neither a content length nor chunks mark the end of a body, it ends with the connection,
    /// even if the server gave up. OpenMetrics then marks its end by `# EOF`. The text format of
    /// Prometheus has no such mark, so it is accepted.
    pub(crate) fn check_end(&self, has_eof: bool) -> Result<(), Error> {
        if self.is_framed || has_eof || self.is_prometheus_text() {
            return Ok(());
        }
        let message = "incomplete response: the connection closed before `# EOF`";
        Err(Error::new(ErrorKind::Incomplete, message)
            .with_status(200)
            .with_hint(
                "retry; if this persists, check the proxy between the client and the service",
            ))
    }

    /// Returns true if the content type is that of the Prometheus text format.
    fn is_prometheus_text(&self) -> bool {
        let Some(content_type) = &self.content_type else {
            return false;
        };
        let media_type = content_type.split(';').next().unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case("text/plain")
    }
}

/// Returns the requested resources that have neither a status nor a sample.
pub(crate) fn find_unreported(
    requested: &[Resource],
    with_status: &HashSet<Resource>,
    samples: &[Sample],
) -> Vec<Resource> {
    // The samples are read once: each removes the resource that its labels name. Comparing every
    // resource with every sample would take quadratic time.
    let mut unreported: HashMap<_, Vec<_>> = HashMap::new();
    for resource in requested {
        if !with_status.contains(resource) {
            let key = (label_prefix(resource.resource_type()), resource.id());
            unreported.entry(key).or_default().push(resource);
        }
    }
    for sample in samples {
        if unreported.is_empty() {
            break;
        }
        // The label of a resource is its type and one of these suffixes, such as `kafka_id`.
        for (name, id) in sample.labels() {
            let prefix = ["_id", "_name", "_uid"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix));
            if let Some(prefix) = prefix {
                unreported.remove(&(Cow::Borrowed(prefix), id));
            }
        }
    }
    unreported.into_values().flatten().cloned().collect()
}

/// Returns the prefix of the labels in an export that name resources of this type.
///
/// A resource of type `new.type` with the id `x` has samples such as:
///
/// ```text
/// sent_bytes{new_type_id="x"} 7
/// ```
fn label_prefix(resource_type: &str) -> Cow<'_, str> {
    if resource_type.contains('.') {
        resource_type.replace('.', "_").into()
    } else {
        resource_type.into()
    }
}
