//! The orders of groups.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The order of groups by value. Requires [`Granularity::All`](crate::Granularity::All).
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Order, Query};
///
/// let metric = "io.confluent.kafka.server/retained_bytes";
/// let smallest = Query::new(metric, Granularity::All, Interval::last_hours(1))
///     .group_by(["metric.topic"])
///     .order(Order::Ascending)
///     .limit(10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Order {
    /// The smallest value first.
    Ascending,
    /// The largest value first.
    Descending,
}

impl Order {
    /// All variants, in the order of this documentation.
    ///
    /// ```
    /// use confluent_metrics::Order;
    ///
    /// let names: Vec<_> = Order::VARIANTS.iter().map(|order| order.as_str()).collect();
    /// assert_eq!(names.join(" "), "ASCENDING DESCENDING");
    /// ```
    pub const VARIANTS: &'static [Self] = &[Self::Ascending, Self::Descending];

    /// Returns the name that is sent to the service.
    ///
    /// ```
    /// assert_eq!(confluent_metrics::Order::Descending.as_str(), "DESCENDING");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "ASCENDING",
            Self::Descending => "DESCENDING",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Order {
    type Err = Error;

    /// Parses `ASCENDING` or `DESCENDING`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("order", Self::VARIANTS, Self::as_str, text)
    }
}
