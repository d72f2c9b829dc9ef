//! The results of queries, and their completeness.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::model::iter::{IntoIter, Iter};
use crate::model::label_index::LabelIndex;
use crate::model::series::Series;
use crate::time::granularity::Granularity;
use crate::time::interval::{Interval, TimeRange};
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedResult")]
pub struct QueryResult {
    /// The metric of the query.
    pub(crate) metric: String,
    /// The granularity of the query.
    pub(crate) granularity: Granularity,
    /// The covered intervals, in order of time and without overlaps.
    #[serde(serialize_with = "serialize_ranges")]
    pub(crate) intervals: Vec<TimeRange>,
    /// The series, in the order that the query defines.
    pub(crate) series: Vec<Series>,
    /// The verdict on the result.
    pub(crate) completeness: Completeness,
}

/// The completeness of a result.
///
/// It says if the response has everything that the service has. It does not say if the service has
/// a value for each bucket: a cluster that reported nothing for an hour has a gap.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
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

/// A result as it is read by serde, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedResult {
    metric: String,
    granularity: Granularity,
    intervals: Vec<Interval>,
    series: Vec<Series>,
    completeness: Completeness,
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

impl QueryResult {
    /// Returns the problem of a result that no query returns.
    ///
    /// Series have different labels, and every point is in one of the intervals. The time of the
    /// one bucket of ALL is not documented, so that it is not compared.
    pub(crate) fn problem(&self) -> Option<String> {
        let mut index = LabelIndex::default();
        for (position, series) in self.series.iter().enumerate() {
            if index.get_or_insert(series.labels()) != position {
                return Some(format!("two series have the labels {}", series.labels()));
            }
            if self.granularity == Granularity::All || self.intervals.is_empty() {
                continue;
            }
            if let Some(time) = series.off_grid_time(self.granularity) {
                return Some(format!(
                    "point of {} at {time} is not aligned to the granularity",
                    series.labels()
                ));
            }
            let times = series.points().iter().map(|point| point.timestamp);
            for time in times.chain(series.newest_null()) {
                if !self.covers(time) {
                    return Some(format!(
                        "point of {} at {time} is outside all intervals",
                        series.labels()
                    ));
                }
            }
        }
        None
    }

    /// Returns true if `time` is in one of the intervals, whose ends are exclusive.
    fn covers(&self, time: Timestamp) -> bool {
        self.intervals
            .iter()
            .any(|(start, end)| *start <= time && time < *end)
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
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
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
    type IntoIter = IntoIter<Series>;

    fn into_iter(self) -> Self::IntoIter {
        IntoIter(self.series.into_iter())
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`series` returns the slice")]
impl<'a> IntoIterator for &'a QueryResult {
    type Item = &'a Series;
    type IntoIter = Iter<'a, Series>;

    fn into_iter(self) -> Self::IntoIter {
        Iter(self.series.iter())
    }
}

impl TryFrom<UncheckedResult> for QueryResult {
    type Error = String;

    /// Checks what is true of every result of a query.
    fn try_from(result: UncheckedResult) -> Result<Self, String> {
        let mut intervals: Vec<TimeRange> = Vec::with_capacity(result.intervals.len());
        for interval in result.intervals {
            let range = interval.as_range().filter(|(start, end)| start < end);
            let range = range
                .ok_or_else(|| format!("invalid interval {interval}: expected `start/end`"))?;
            if intervals.last().is_some_and(|before| before.1 > range.0) {
                return Err(format!(
                    "intervals are not in ascending order: {interval} starts before the end of \
                     the one before it"
                ));
            }
            intervals.push(range);
        }
        let result = Self {
            metric: result.metric,
            granularity: result.granularity,
            intervals,
            series: result.series,
            completeness: result.completeness,
        };
        if let Some(problem) = result.problem() {
            return Err(problem);
        }
        // With ALL the order is that of the values, and a query may ask for the opposite one.
        if result.granularity == Granularity::All {
            return Ok(result);
        }
        for pair in result.series.windows(2) {
            if pair[0].labels() > pair[1].labels() {
                return Err(format!(
                    "series are not in ascending order of their labels: {} comes after {}",
                    pair[1].labels(),
                    pair[0].labels()
                ));
            }
        }
        Ok(result)
    }
}

/// Serializes covered intervals as texts of the form `start/end`.
fn serialize_ranges<S: Serializer>(ranges: &[TimeRange], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        ranges
            .iter()
            .map(|(start, end)| Interval::between(*start, *end)),
    )
}
