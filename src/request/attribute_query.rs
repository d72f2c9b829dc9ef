//! The query for the values of labels, as the user builds it.
//!
//! [`plan`](crate::request::plan) turns it into one body for all pages:
//!
//! ```json
//! {"metric": "io.confluent.kafka.server/sent_bytes", "group_by": ["metric.topic"],
//!  "limit": 1000, "intervals": ["2026-01-08T11:00:00Z/2026-01-08T12:00:00Z"]}
//! ```

use serde::{Deserialize, Serialize};

use crate::model::filter::Filter;
use crate::request::problems::Problems;
use crate::request::query::validate_common;
use crate::time::interval::Interval;

/// A query for the values that labels of a metric had over a period of time.
///
/// Like [`Query`](crate::Query) it is a plain value that the call checks before anything is sent.
/// It mirrors the body of the vendor's
/// [attributes](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1attributes/post).
///
/// ```
/// use confluent_metrics::{AttributeQuery, Interval, Resource};
///
/// let metric = "io.confluent.kafka.server/sent_bytes";
/// let topics = AttributeQuery::new(metric, ["metric.topic"])
///     .filter(Resource::kafka("lkc-1234"))
///     .interval(Interval::last_days(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct AttributeQuery {
    /// The name of the metric.
    pub(crate) metric: String,
    /// The labels whose values are requested.
    #[serde(rename = "labels")]
    pub(crate) group_by: Vec<String>,
    /// The condition on rows, or `None` for all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Filter>,
    /// The periods of time. If it is empty, it is the hour before now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) intervals: Vec<Interval>,
    /// The number of values to return, or `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u32>,
}

impl AttributeQuery {
    /// Creates a query for the values, or combinations of values, of these labels of `metric`.
    ///
    /// Labels are named `metric.<label>` or `resource.<type>.<label>`. Most datasets also require a
    /// [`filter`](Self::filter) that names a resource.
    ///
    /// ```
    /// use confluent_metrics::AttributeQuery;
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = AttributeQuery::new(metric, ["metric.topic", "metric.partition"]);
    /// ```
    pub fn new<L: Into<String>>(
        metric: impl Into<String>,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        Self {
            metric: metric.into(),
            group_by: labels.into_iter().map(Into::into).collect(),
            filter: None,
            intervals: Vec::new(),
            limit: None,
        }
    }

    /// Considers only rows that match `filter`.
    ///
    /// If it is called repeatedly, rows must match every filter.
    ///
    /// Defaults to all rows.
    ///
    /// ```
    /// use confluent_metrics::{AttributeQuery, Resource};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = AttributeQuery::new(metric, ["metric.topic"])
    ///     .filter(Resource::kafka("lkc-1234"));
    /// ```
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.filter = Filter::and_opt(self.filter.take(), Some(filter.into()));
        self
    }

    /// Considers points in this interval, which may have any length.
    ///
    /// If it is called repeatedly, points may be in any of the intervals. Attributes have no
    /// buckets, so times are sent as given. Relative times are resolved before the first request,
    /// and those of [`Interval::last`] are rounded down to the minute. An interval that starts
    /// before the [retention](crate::ClientBuilder::retention) is invalid.
    ///
    /// Defaults to the hour before now.
    ///
    /// ```
    /// use confluent_metrics::{AttributeQuery, Interval};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = AttributeQuery::new(metric, ["metric.topic"])
    ///     .interval(Interval::last_days(1));
    /// ```
    pub fn interval(mut self, interval: Interval) -> Self {
        self.intervals.push(interval);
        self
    }

    /// Returns only the first `values` values in the order of the service.
    ///
    /// Defaults to all values.
    ///
    /// ```
    /// use confluent_metrics::AttributeQuery;
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = AttributeQuery::new(metric, ["metric.topic"]).limit(20);
    /// ```
    pub fn limit(mut self, values: u32) -> Self {
        self.limit = Some(values);
        self
    }

    /// Adds every problem that can be found without a clock.
    pub(crate) fn validate(&self, problems: &mut Problems) {
        validate_common(&self.metric, self.filter.as_ref(), problems);
        if self.group_by.is_empty() {
            problems.push("no label given");
        }
        problems.require_distinct_names("label list", &self.group_by);
        if let Some(limit) = self.limit {
            problems.require_positive_limit(limit);
        }
    }
}
