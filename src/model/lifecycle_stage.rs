//! The stages in the life of a metric, as descriptors name them.

use std::fmt;

use serde::{Serialize, Serializer};

/// The stability of a metric.
///
/// ```
/// use confluent_metrics::LifecycleStage;
///
/// assert_eq!(LifecycleStage::GeneralAvailability.as_str(), "GENERAL_AVAILABILITY");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LifecycleStage {
    /// `PREVIEW`: the metric may change at any time.
    Preview,
    /// `GENERAL_AVAILABILITY`: the metric does not change without notice.
    GeneralAvailability,
    /// `DEPRECATED`: the metric will be removed.
    Deprecated,
    /// The service's name of a stage that this version does not know, or empty if it sent none.
    Other(String),
}

impl LifecycleStage {
    /// Returns the stage with this name, or [`Other`](Self::Other). Upper and lower case differ.
    pub(crate) fn from_name(name: String) -> Self {
        let known = [Self::Preview, Self::GeneralAvailability, Self::Deprecated];
        // An unknown name is kept, so that a new stage is no error.
        known
            .into_iter()
            .find(|stage| stage.as_str() == name)
            .unwrap_or(Self::Other(name))
    }

    /// Returns the name that the service uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Preview => "PREVIEW",
            Self::GeneralAvailability => "GENERAL_AVAILABILITY",
            Self::Deprecated => "DEPRECATED",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for LifecycleStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for LifecycleStage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_whether_known_or_not() {
        for name in [
            "PREVIEW",
            "GENERAL_AVAILABILITY",
            "DEPRECATED",
            "RETIRED",
            "",
        ] {
            let stage = LifecycleStage::from_name(name.into());
            assert_eq!((stage.as_str(), stage.to_string()), (name, name.to_owned()));
        }
    }
}
