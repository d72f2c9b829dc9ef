//! The query for points of a metric, as the user builds it.
//!
//! [`plan`](crate::request::plan) turns it into windows, and [`body`](crate::request::body) turns
//! each window into JSON. The checks here need no clock. They find, for example:
//!
//! ```text
//! invalid query: limit requires group_by; order requires granularity ALL, not PT1H
//! ```

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::model::filter::Filter;
use crate::request::aggregation::Aggregation;
use crate::request::order::Order;
use crate::request::problems::Problems;
use crate::time::granularity::Granularity;
use crate::time::interval::Interval;

/// A query for one metric, in buckets of time, over an interval.
///
/// A query is a plain value. Creating and changing one never fails, and nothing is sent. The call
/// that takes it checks it first, and reports every problem at once.
///
/// It mirrors the body of the vendor's
/// [query](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1query/post).
/// The vendor also has
/// [examples](https://docs.confluent.io/cloud/current/monitoring/metrics-api-examples.html).
///
/// # Example: bytes sent per topic and hour
///
/// ```
/// use confluent_metrics::{Filter, Granularity, Interval, Query, Resource};
///
/// let metric = "io.confluent.kafka.server/sent_bytes";
/// let query = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
///     .filter(Resource::kafka("lkc-1234"))
///     .filter(!Filter::eq("metric.topic", "audit"))
///     .group_by(["metric.topic"]);
/// ```
///
/// # Example: a query in a configuration file
///
/// [Storing and configuring](crate::_documentation::serde) describes the form.
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
///
/// let text = r#"{
///     "metric": "io.confluent.kafka.server/sent_bytes",
///     "granularity": "PT1H",
///     "intervals": ["last/P1D"],
///     "filter": {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1234"}
/// }"#;
/// let query: Query = serde_json::from_str(text)?;
/// let metric = "io.confluent.kafka.server/sent_bytes";
/// let same = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
///     .filter(Resource::kafka("lkc-1234"));
/// assert_eq!(query, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Example: the five largest topics of a day
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Order, Query, Resource};
///
/// let metric = "io.confluent.kafka.server/sent_bytes";
/// let query = Query::new(metric, Granularity::All, Interval::last_days(1))
///     .filter(Resource::kafka("lkc-1234"))
///     .group_by(["metric.topic"])
///     .order(Order::Descending)
///     .limit(5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Query {
    /// The name of the metric.
    pub(crate) metric: String,
    /// The length of a bucket.
    pub(crate) granularity: Granularity,
    /// The periods of time, at least one.
    #[serde(deserialize_with = "deserialize_intervals")]
    pub(crate) intervals: Vec<Interval>,
    /// The condition on rows, or `None` for all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Filter>,
    /// The labels of a series. If it is empty, there is one series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) group_by: Vec<String>,
    /// The function, or `None` for the default of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aggregation: Option<Aggregation>,
    /// The names and values of undocumented fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) extra_aggregation: Vec<(String, String)>,
    /// The order of groups, or `None` for the default of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<Order>,
    /// The number of groups to return, or `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u32>,
    /// True if missing buckets are not an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allow_truncated: bool,
}

/// The format of the rows of a query response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowFormat {
    /// One point in a row.
    Flat,
    /// One series in a row.
    Grouped,
}

/// The largest number of groups or items in one response of the service.
pub(crate) const MAX_PAGE_SIZE: u32 = 1000;

impl Query {
    /// Creates a query for `metric` in buckets of `granularity` over `interval`.
    ///
    /// Most datasets also require a [`filter`](Self::filter) that names a resource.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(30));
    /// ```
    pub fn new(metric: impl Into<String>, granularity: Granularity, interval: Interval) -> Self {
        Self {
            metric: metric.into(),
            granularity,
            intervals: vec![interval],
            filter: None,
            group_by: Vec::new(),
            aggregation: None,
            extra_aggregation: Vec::new(),
            order: None,
            limit: None,
            allow_truncated: false,
        }
    }

    /// Counts only rows that match `filter`.
    ///
    /// If it is called repeatedly, rows must match every filter.
    ///
    /// Defaults to all rows.
    ///
    /// ```
    /// use confluent_metrics::{Filter, Granularity, Interval, Query, Resource};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
    ///     .filter(Resource::kafka("lkc-1234"))
    ///     .filter(Filter::one_of("metric.topic", ["orders", "payments"]));
    /// ```
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.filter = Filter::and_opt(self.filter.take(), Some(filter.into()));
        self
    }

    /// Returns a series for each combination of values of these labels.
    ///
    /// Labels are named `metric.<label>` or `resource.<type>.<label>`. If it is called repeatedly,
    /// the labels are added.
    ///
    /// Defaults to one series.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
    ///     .group_by(["resource.kafka.id", "metric.topic"]);
    /// ```
    pub fn group_by<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.group_by.extend(labels.into_iter().map(Into::into));
        self
    }

    /// Adds an interval.
    ///
    /// Overlapping intervals are merged. With [`Granularity::All`] they are invalid, because each
    /// interval is a bucket of its own.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, "2026-01-05T09:00:00Z/PT8H".parse()?)
    ///     .add_interval("2026-01-06T09:00:00Z/PT8H".parse::<Interval>()?);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn add_interval(mut self, interval: Interval) -> Self {
        self.intervals.push(interval);
        self
    }

    /// Sets the function that combines the series of one group, such as the partitions of a topic.
    ///
    /// The values of a bucket are combined over time before that, as the
    /// [kind](crate::MetricKind) of the metric says.
    ///
    /// Defaults to the function that the service selects for the metric, which the vendor
    /// recommends.
    ///
    /// ```
    /// use confluent_metrics::{Aggregation, Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/consumer_lag_offsets";
    /// let query = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
    ///     .aggregation(Aggregation::Max);
    /// ```
    pub fn aggregation(mut self, aggregation: Aggregation) -> Self {
        self.aggregation = Some(aggregation);
        self
    }

    /// Sets the order of groups. Requires [`Granularity::All`].
    ///
    /// Defaults to the order of the service, which is the largest value first.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Order, Query};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::All, Interval::last_days(1))
    ///     .group_by(["metric.topic"])
    ///     .order(Order::Ascending);
    /// ```
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// Returns only the first `groups` groups in the order of the service.
    ///
    /// A limit requires [`group_by`](Self::group_by) and an interval that fits one request. With
    /// [`Granularity::All`] it is at most 1000. If it cuts the result, the result is
    /// [`Limited`](crate::Completeness::Limited).
    ///
    /// Defaults to all groups.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Order, Query};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let top_three = Query::new(metric, Granularity::All, Interval::last_days(1))
    ///     .group_by(["metric.topic"])
    ///     .order(Order::Descending)
    ///     .limit(3);
    /// ```
    pub fn limit(mut self, groups: u32) -> Self {
        self.limit = Some(groups);
        self
    }

    /// Returns an incomplete result as [`Truncated`](crate::Completeness::Truncated).
    ///
    /// Buckets that the service has begun to drop are left out. Buckets that are still filling up
    /// are kept.
    ///
    /// Defaults to an [`Incomplete`](crate::ErrorKind::Incomplete) error.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneDay, Interval::last_days(7))
    ///     .allow_truncated();
    /// ```
    #[doc(alias = "partial")]
    pub fn allow_truncated(mut self) -> Self {
        self.allow_truncated = true;
        self
    }

    /// Adds an undocumented string field, such as `time_agg`, to the aggregation.
    ///
    /// The service may ignore or reject it. Use it at your own risk.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
    ///     .extra_aggregation("time_agg", "MAX");
    /// ```
    pub fn extra_aggregation(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra_aggregation.push((name.into(), value.into()));
        self
    }

    /// Returns the format to request: GROUPED if there are groups.
    pub(crate) fn row_format(&self) -> RowFormat {
        if self.is_grouped() {
            RowFormat::Grouped
        } else {
            RowFormat::Flat
        }
    }

    /// Returns true if there are labels to group by.
    pub(crate) fn is_grouped(&self) -> bool {
        !self.group_by.is_empty()
    }

    /// Returns true if an interval depends on the clock.
    pub(crate) fn is_relative(&self) -> bool {
        self.intervals.iter().any(|interval| interval.is_relative())
    }

    /// Adds every problem that can be found without a clock.
    pub(crate) fn validate(&self, problems: &mut Problems) {
        validate_common(&self.metric, self.filter.as_ref(), problems);
        problems.require_distinct_names("group_by", &self.group_by);
        let names: Vec<_> = self
            .extra_aggregation
            .iter()
            .map(|(name, _)| name)
            .collect();
        problems.require_distinct_names("extra_aggregation", &names);
        // The body has these fields already, and a repeated field would make it ambiguous.
        for reserved in ["metric", "agg"] {
            if names.iter().any(|name| *name == reserved) {
                problems.push(format!(
                    "extra_aggregation cannot set the reserved field {reserved:?}"
                ));
            }
        }
        self.validate_limit(problems);
        if self.order.is_some() && self.granularity != Granularity::All {
            problems.push(format!(
                "order requires granularity ALL, not {}",
                self.granularity
            ));
        }
    }

    /// Adds the problems of the limit.
    fn validate_limit(&self, problems: &mut Problems) {
        let Some(limit) = self.limit else { return };
        problems.require_positive_limit(limit);
        if !self.is_grouped() {
            problems.push("limit requires group_by");
        }
        // With granularity ALL the service returns at most one page of groups.
        if limit > MAX_PAGE_SIZE && self.granularity == Granularity::All {
            problems.push(format!(
                "limit {limit} exceeds {MAX_PAGE_SIZE}, the maximum with granularity ALL"
            ));
        }
    }
}

impl RowFormat {
    /// Returns the name that is sent to the service.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Flat => "FLAT",
            Self::Grouped => "GROUPED",
        }
    }
}

/// Deserializes the intervals of a query, which has at least one.
fn deserialize_intervals<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Interval>, D::Error> {
    let intervals = Vec::deserialize(deserializer)?;
    if intervals.is_empty() {
        return Err(de::Error::invalid_length(0, &"at least one interval"));
    }
    Ok(intervals)
}

/// Adds the problems that both kinds of queries can have.
pub(crate) fn validate_common(metric: &str, filter: Option<&Filter>, problems: &mut Problems) {
    if metric.is_empty() {
        problems.push("metric name is empty");
    }
    if let Some(filter) = filter {
        let mut found = Vec::new();
        filter.validate(&mut found);
        problems.extend(found);
    }
}
