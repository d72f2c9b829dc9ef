//! The names that the service uses and this version does not know.

use std::fmt;

/// A name that this version does not know, as in [`MetricKind::Other`](crate::MetricKind::Other).
///
/// Only the crate creates one, so that a known name is never in it.
///
/// ```
/// use confluent_metrics::MetricKind;
///
/// let MetricKind::Other(name) = MetricKind::from("HISTOGRAM") else {
///     unreachable!()
/// };
/// assert_eq!(name.as_str(), "HISTOGRAM");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownName(String);

impl UnknownName {
    /// Creates the value for a name that was compared with all known ones.
    pub(super) const fn new(name: String) -> Self {
        Self(name)
    }

    /// Returns the name as the service sent it, or an empty text if it sent none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
