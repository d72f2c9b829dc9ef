//! The metadata of metric families in an export: HELP, TYPE and UNIT.

use std::collections::HashMap;

use crate::decode::lexer::unescape;
use crate::model::sample::MetricMetadata;

/// Suffixes of sample names in families of several metrics.
/// See <https://prometheus.io/docs/specs/om/open_metrics_spec/#suffixes>.
const SUFFIXES: [&str; 8] = [
    "_total", "_created", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_info",
];

/// The comment lines of a metric family.
#[derive(Default)]
pub(crate) struct Metadata<'t> {
    /// The text after `HELP`, with its escapes.
    pub(crate) help: Option<&'t str>,
    /// The word after `TYPE`, such as `counter`.
    pub(crate) kind: Option<&'t str>,
    /// The text after `UNIT`, such as `bytes`.
    pub(crate) unit: Option<&'t str>,
}

impl Metadata<'_> {
    /// Returns true if the samples of the family have names with a suffix.
    ///
    /// See <https://prometheus.io/docs/specs/om/open_metrics_spec/#suffixes>.
    fn has_suffixed_series(&self) -> bool {
        matches!(
            self.kind,
            Some("counter" | "histogram" | "summary" | "info" | "gaugehistogram")
        )
    }
}

/// Returns the metadata of the family of a sample name.
///
/// The family of a counter, for example, has another name than its samples:
///
/// ```text
/// # TYPE sent_bytes counter
/// sent_bytes_total 7          the family is `sent_bytes`
/// ```
///
/// A family with exactly the name of the samples takes precedence.
pub(crate) fn metric_metadata(
    name: &str,
    families: &HashMap<&str, Metadata<'_>>,
) -> MetricMetadata {
    let by_suffix = |suffix: &&str| {
        families
            .get(name.strip_suffix(*suffix)?)
            .filter(|family| family.has_suffixed_series())
    };
    let family = families
        .get(name)
        .or_else(|| SUFFIXES.iter().find_map(by_suffix));
    // An empty text says no more than a missing one.
    let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(Box::from);
    MetricMetadata {
        name: name.into(),
        // An invalid escape in a help text does no harm.
        help: owned(family.and_then(|family| family.help))
            .map(|help: Box<str>| unescape(&help).map_or(help, Box::from)),
        kind: owned(family.and_then(|family| family.kind)),
        unit: owned(family.and_then(|family| family.unit)),
    }
}
