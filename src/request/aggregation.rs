//! The functions that combine the values of a group.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The function that combines the values of one group within a bucket.
///
/// It applies across label sets. Over time the service always sums counters and averages gauges.
///
/// ```
/// use confluent_metrics::{Aggregation, Granularity, Interval, Query, Resource};
///
/// let metric = "io.confluent.kafka.server/consumer_lag_offsets";
/// let worst_lag = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
///     .filter(Resource::kafka("lkc-1234"))
///     .group_by(["metric.consumer_group_id"])
///     .aggregation(Aggregation::Max);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Aggregation {
    /// The sum of the values.
    Sum,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
}

impl Aggregation {
    /// All variants, in the order of this documentation.
    ///
    /// ```
    /// use confluent_metrics::Aggregation;
    ///
    /// let names: Vec<_> = Aggregation::VARIANTS.iter().map(|one| one.as_str()).collect();
    /// assert_eq!(names.join(" "), "SUM MIN MAX");
    /// ```
    pub const VARIANTS: &'static [Self] = &[Self::Sum, Self::Min, Self::Max];

    /// Returns the name that is sent to the service.
    ///
    /// ```
    /// assert_eq!(confluent_metrics::Aggregation::Sum.as_str(), "SUM");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "SUM",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Aggregation {
    type Err = Error;

    /// Parses `SUM`, `MIN` or `MAX`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("aggregation", Self::VARIANTS, Self::as_str, text)
    }
}
