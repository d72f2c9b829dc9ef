//! The results of queries, and their completeness.

use std::fmt;

use crate::model::series::Series;
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;
use crate::time::timestamp::Timestamp;

/// The result of a query: its series, the intervals they cover, and their completeness.
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
/// let result = client.query(&query)?;
/// assert!(result.completeness().is_complete());
/// println!("{} per {}", result.metric(), result.granularity());
/// for series in result.series() {
///     println!("{} {} points", series.labels(), series.points().len());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct QueryResult {
    /// The metric of the query.
    pub(crate) metric: String,
    /// The granularity of the query.
    pub(crate) granularity: Granularity,
    /// The covered intervals, in order of time and without overlaps.
    pub(crate) intervals: Vec<TimeRange>,
    /// The series, in the order that the query defines.
    pub(crate) series: Vec<Series>,
    /// The verdict on the result.
    pub(crate) completeness: Completeness,
}

/// The completeness of a result.
///
/// A query returns an incomplete result only if the caller allowed it, by a limit or by
/// [`allow_truncated`](crate::Query::allow_truncated). Otherwise the call fails. An
/// [`Export`](crate::Export) may always be incomplete, and
/// [`require_complete`](crate::Export::require_complete) turns that into an error.
///
/// ```
/// use confluent_metrics::{Completeness, Granularity, Interval, Query, Resource};
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
/// match client.query(&query)?.completeness() {
///     Completeness::Complete => println!("all groups"),
///     other => println!("{other}"),
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum Completeness {
    /// All groups and all points that the service has.
    Complete,
    /// Cut by the caller's [`limit`](crate::Query::limit): there are more groups.
    ///
    /// With [`Granularity::All`] the service does not say, so there may be
    /// no more groups.
    #[non_exhaustive]
    Limited {
        /// The limit, in groups.
        limit: u32,
    },
    /// Something is missing.
    ///
    /// Queries return this only with [`allow_truncated`](crate::Query::allow_truncated).
    #[non_exhaustive]
    Truncated {
        /// A description of the missing part.
        missing: String,
    },
}

impl QueryResult {
    /// Returns the series, sorted by labels.
    ///
    /// With [`Granularity::All`] they are sorted by value instead, the
    /// greatest first unless the query sets another [`order`](crate::Query::order).
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// Converts the result into its series, in the same order.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Query, QueryResult};
    ///
    /// let hours = "2026-01-01T10:00:00Z/PT3H".parse()?;
    /// let query = Query::new("sent_bytes", Granularity::OneHour, hours);
    /// let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1.0}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// let mut series = result.into_series();
    /// series.sort_by_key(|series| series.points().len());
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn into_series(self) -> Vec<Series> {
        self.series
    }

    /// Returns the completeness of the result.
    pub const fn completeness(&self) -> &Completeness {
        &self.completeness
    }

    /// Returns the metric of the query.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Returns the granularity of the query.
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Returns the start and end of each covered interval, in order of time.
    ///
    /// These are the absolute times of relative intervals. The values of all buckets in them are
    /// final, unless the result is [truncated](Completeness::Truncated). Overlapping intervals are
    /// merged.
    ///
    /// The list is empty if there is no bucket yet, or if [`from_json`](Self::from_json) created
    /// the result and an interval is relative to now.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .without_proxy()
    /// #     .build()?;
    ///
    /// let metric = "io.confluent.kafka.server/received_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6))
    ///     .filter(Resource::kafka("lkc-1"));
    /// for (start, end) in client.query(&query)?.intervals() {
    ///     println!("bytes received from {start} to {end}");
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn intervals(&self) -> &[(Timestamp, Timestamp)] {
        &self.intervals
    }
}

impl Completeness {
    /// Returns true if nothing is missing.
    ///
    /// ```
    /// use confluent_metrics::Completeness;
    ///
    /// assert!(Completeness::Complete.is_complete());
    /// ```
    pub fn is_complete(&self) -> bool {
        *self == Self::Complete
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Limited { limit } => write!(f, "limited to {limit} groups"),
            Self::Truncated { missing } => write!(f, "truncated: {missing}"),
        }
    }
}

impl IntoIterator for QueryResult {
    type Item = Series;
    type IntoIter = std::vec::IntoIter<Series>;

    fn into_iter(self) -> Self::IntoIter {
        self.series.into_iter()
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`series` returns the slice")]
impl<'a> IntoIterator for &'a QueryResult {
    type Item = &'a Series;
    type IntoIter = std::slice::Iter<'a, Series>;

    fn into_iter(self) -> Self::IntoIter {
        self.series.iter()
    }
}
