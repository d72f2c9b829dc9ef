//! The kinds of metrics, as descriptors name them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::unknown_name::UnknownName;

/// The kind of a metric, which decides how its values are aggregated over time.
///
/// ```
/// use confluent_metrics::MetricKind;
///
/// assert!(MetricKind::CounterInt64.is_counter());
/// assert_eq!(MetricKind::GaugeDouble.as_str(), "GAUGE_DOUBLE");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum MetricKind {
    /// `COUNTER_INT64`: an integer count of events in a minute, summed over time.
    CounterInt64,
    /// `COUNTER_DOUBLE`: a count of events in a minute, summed over time.
    CounterDouble,
    /// `GAUGE_INT64`: an integer level, averaged over time.
    GaugeInt64,
    /// `GAUGE_DOUBLE`: a level, averaged over time.
    GaugeDouble,
    /// The service's name of a kind that this version does not know, or empty if it sent none.
    Other(UnknownName),
}

impl MetricKind {
    /// Returns the name that the service uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::CounterInt64 => "COUNTER_INT64",
            Self::CounterDouble => "COUNTER_DOUBLE",
            Self::GaugeInt64 => "GAUGE_INT64",
            Self::GaugeDouble => "GAUGE_DOUBLE",
            Self::Other(name) => name.as_str(),
        }
    }

    /// Returns true if values are counts of events, which are summed over time.
    ///
    /// This also works for unknown kinds, by the start of their names.
    ///
    /// ```
    /// use confluent_metrics::MetricKind;
    ///
    /// assert!(MetricKind::CounterDouble.is_counter());
    /// assert!(!MetricKind::GaugeInt64.is_counter());
    /// ```
    pub fn is_counter(&self) -> bool {
        self.as_str().starts_with("COUNTER")
    }

    /// Returns true if values are levels, which are averaged over time.
    ///
    /// This also works for unknown kinds, by the start of their names.
    ///
    /// ```
    /// use confluent_metrics::MetricKind;
    ///
    /// assert!(MetricKind::GaugeInt64.is_gauge());
    /// assert!(!MetricKind::CounterDouble.is_gauge());
    /// ```
    pub fn is_gauge(&self) -> bool {
        self.as_str().starts_with("GAUGE")
    }
}

impl fmt::Display for MetricKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for MetricKind {
    /// Returns the kind with this name, or `Other`. Upper and lower case differ.
    fn from(name: String) -> Self {
        let known = [
            Self::CounterInt64,
            Self::CounterDouble,
            Self::GaugeInt64,
            Self::GaugeDouble,
        ];
        // An unknown name is kept, so that a new kind is no error.
        known
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or_else(|| Self::Other(UnknownName::new(name)))
    }
}

impl From<&str> for MetricKind {
    /// Returns the kind with this name, or `Other`. Upper and lower case differ.
    fn from(name: &str) -> Self {
        Self::from(name.to_owned())
    }
}

impl From<MetricKind> for String {
    /// Returns the name that the service uses.
    fn from(kind: MetricKind) -> Self {
        kind.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_whether_known_or_not() {
        for name in [
            "COUNTER_INT64",
            "COUNTER_DOUBLE",
            "GAUGE_INT64",
            "GAUGE_DOUBLE",
            "COUNTER_INT128",
            "",
            "Gauge",
        ] {
            let kind = MetricKind::from(name);
            assert_eq!((kind.as_str(), kind.to_string()), (name, name.to_owned()));
            assert_eq!(
                matches!(kind, MetricKind::Other(_)),
                !["INT64", "DOUBLE"].iter().any(|end| name.ends_with(end))
            );
            assert_eq!(
                (kind.is_counter(), kind.is_gauge()),
                (name.starts_with('C'), name.starts_with("GA"))
            );
        }
    }
}
