//! The stages in the life of a metric, as descriptors name them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::unknown_name::UnknownName;

/// The stability of a metric.
///
/// ```
/// use confluent_metrics::LifecycleStage;
///
/// assert_eq!(LifecycleStage::GeneralAvailability.as_str(), "GENERAL_AVAILABILITY");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum LifecycleStage {
    /// `PREVIEW`: the metric may change at any time.
    Preview,
    /// `GENERAL_AVAILABILITY`: the metric does not change without notice.
    GeneralAvailability,
    /// `DEPRECATED`: the metric will be removed.
    Deprecated,
    /// The service's name of a stage that this version does not know, or empty if it sent none.
    Other(UnknownName),
}

impl LifecycleStage {
    /// Returns the name that the service uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Preview => "PREVIEW",
            Self::GeneralAvailability => "GENERAL_AVAILABILITY",
            Self::Deprecated => "DEPRECATED",
            Self::Other(name) => name.as_str(),
        }
    }
}

impl fmt::Display for LifecycleStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for LifecycleStage {
    /// Returns the stage with this name, or `Other`. Upper and lower case differ.
    fn from(name: String) -> Self {
        let known = [Self::Preview, Self::GeneralAvailability, Self::Deprecated];
        // An unknown name is kept, so that a new stage is no error.
        known
            .into_iter()
            .find(|stage| stage.as_str() == name)
            .unwrap_or_else(|| Self::Other(UnknownName::new(name)))
    }
}

impl From<&str> for LifecycleStage {
    /// Returns the stage with this name, or `Other`. Upper and lower case differ.
    fn from(name: &str) -> Self {
        Self::from(name.to_owned())
    }
}

impl From<LifecycleStage> for String {
    /// Returns the name that the service uses.
    fn from(stage: LifecycleStage) -> Self {
        stage.as_str().to_owned()
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
            let stage = LifecycleStage::from(name);
            assert_eq!((stage.as_str(), stage.to_string()), (name, name.to_owned()));
        }
    }
}
