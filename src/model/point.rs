//! The points of series.

use serde::{Deserialize, Serialize};

use crate::model::exact_f64;
use crate::time::timestamp::Timestamp;

/// One value of a series: the measurement of one bucket.
///
/// A point of a result is always finite. JSON has no other numbers, so that a point with a value
/// that is not finite cannot be read back.
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let metric = "io.confluent.kafka.server/received_bytes";
/// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6))
///     .filter(Resource::kafka("lkc-1"))
///     .group_by(["metric.topic"]);
/// for series in &client.query(&query)? {
///     for point in series.points() {
///         println!("{} {}", point.timestamp, point.value);
///     }
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The start of the bucket.
    pub timestamp: Timestamp,
    /// The value in the metric's unit.
    #[serde(deserialize_with = "exact_f64::deserialize")]
    pub value: f64,
}
