//! The getters of queries, and their text for logs.
//!
//! The setters have the short names. A getter of the same member therefore names it in other words.
//!
//! ```text
//! io.a/b per PT1H over last/P1D where resource.kafka.id="lkc-1" by metric.topic
//! metric.topic of io.a/b over last/P1D
//! ```

use std::fmt;

use crate::model::filter::Filter;
use crate::request::aggregation::Aggregation;
use crate::request::attribute_query::AttributeQuery;
use crate::request::order::Order;
use crate::request::query::Query;
use crate::time::granularity::Granularity;
use crate::time::interval::Interval;
use crate::util::text::{list_names, sanitize_line};

impl Query {
    /// Returns the name of the metric.
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval);
    /// assert_eq!(query.metric(), "io.a/b");
    /// ```
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Returns the width of the buckets.
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval);
    /// assert_eq!(query.granularity(), Granularity::OneHour);
    /// ```
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// Returns the intervals in the order in which they were added, at least one.
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// let query = Query::new("io.a/b", Granularity::OneHour, Interval::last_hours(1));
    /// assert_eq!(query.intervals(), [Interval::last_hours(1)]);
    /// ```
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Returns the [`filter`](Self::filter), or `None` for all rows.
    ///
    /// Several filters are one here, combined by AND.
    ///
    /// ```
    /// # use confluent_metrics::{Filter, Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let topic = Filter::eq("metric.topic", "orders");
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval).filter(topic.clone());
    /// assert_eq!(query.condition(), Some(&topic));
    /// ```
    pub const fn condition(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Returns the labels of [`group_by`](Self::group_by). They are empty for a single series.
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval).group_by(["metric.topic"]);
    /// assert_eq!(query.group_labels(), ["metric.topic"]);
    /// ```
    pub fn group_labels(&self) -> &[String] {
        &self.group_by
    }

    /// Returns the [`aggregation`](Self::aggregation), or `None` for that of the service.
    ///
    /// ```
    /// # use confluent_metrics::{Aggregation, Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval)
    ///     .aggregation(Aggregation::Max);
    /// assert_eq!(query.aggregation_function(), Some(Aggregation::Max));
    /// ```
    pub const fn aggregation_function(&self) -> Option<Aggregation> {
        self.aggregation
    }

    /// Returns the [`order`](Self::order) of groups, or `None` for that of the service.
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Order, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::All, interval).order(Order::Ascending);
    /// assert_eq!(query.group_order(), Some(Order::Ascending));
    /// ```
    pub const fn group_order(&self) -> Option<Order> {
        self.order
    }

    /// Returns the [`limit`](Self::limit) of groups, or `None` for all of them.
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval)
    ///     .group_by(["metric.topic"])
    ///     .limit(20);
    /// assert_eq!(query.group_limit(), Some(20));
    /// ```
    pub const fn group_limit(&self) -> Option<u32> {
        self.limit
    }

    /// Returns true if the query [allows truncated results](Self::allow_truncated).
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval);
    /// assert!(!query.allows_truncated());
    /// assert!(query.allow_truncated().allows_truncated());
    /// ```
    pub const fn allows_truncated(&self) -> bool {
        self.allow_truncated
    }

    /// Returns the names and values of [`extra_aggregation`](Self::extra_aggregation).
    ///
    /// ```
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let interval = Interval::last_hours(1);
    /// let query = Query::new("io.a/b", Granularity::OneHour, interval)
    ///     .extra_aggregation("time_agg", "MAX");
    /// assert_eq!(query.extra_aggregations(), [("time_agg".into(), "MAX".into())]);
    /// ```
    pub fn extra_aggregations(&self) -> &[(String, String)] {
        &self.extra_aggregation
    }
}

impl AttributeQuery {
    /// Returns the name of the metric.
    ///
    /// ```
    /// use confluent_metrics::AttributeQuery;
    ///
    /// let query = AttributeQuery::new("io.a/b", ["metric.topic"]);
    /// assert_eq!(query.metric(), "io.a/b");
    /// ```
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Returns the labels whose values are requested.
    ///
    /// ```
    /// use confluent_metrics::AttributeQuery;
    ///
    /// let query = AttributeQuery::new("io.a/b", ["metric.topic"]);
    /// assert_eq!(query.labels(), ["metric.topic"]);
    /// ```
    pub fn labels(&self) -> &[String] {
        &self.group_by
    }

    /// Returns the intervals. They are empty for the hour before now.
    ///
    /// ```
    /// use confluent_metrics::{AttributeQuery, Interval};
    ///
    /// let query = AttributeQuery::new("io.a/b", ["metric.topic"]);
    /// assert!(query.intervals().is_empty());
    /// let day = query.interval(Interval::last_days(1));
    /// assert_eq!(day.intervals(), [Interval::last_days(1)]);
    /// ```
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Returns the [`filter`](Self::filter), or `None` for all rows.
    ///
    /// ```
    /// use confluent_metrics::{AttributeQuery, Filter, Resource};
    ///
    /// let query = AttributeQuery::new("io.a/b", ["metric.topic"]).filter(Resource::kafka("lkc-1"));
    /// assert_eq!(query.condition(), Some(&Filter::from(Resource::kafka("lkc-1"))));
    /// ```
    pub const fn condition(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Returns the [`limit`](Self::limit) of values, or `None` for all of them.
    ///
    /// ```
    /// use confluent_metrics::AttributeQuery;
    ///
    /// let query = AttributeQuery::new("io.a/b", ["metric.topic"]).limit(20);
    /// assert_eq!(query.value_limit(), Some(20));
    /// ```
    pub const fn value_limit(&self) -> Option<u32> {
        self.limit
    }
}

impl fmt::Display for Query {
    /// Prints the query for people, without the settings that are not set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = sanitize_line(&self.metric, MAX_METRIC_LEN);
        write!(f, "{metric} per {}", self.granularity)?;
        fmt_rows(f, &self.intervals, self.filter.as_ref())?;
        if self.is_grouped() {
            write!(f, " by {}", list_names(&self.group_by))?;
        }
        if let Some(aggregation) = self.aggregation {
            write!(f, ", {aggregation}")?;
        }
        if let Some(order) = self.order {
            write!(f, ", {order}")?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit {limit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for AttributeQuery {
    /// Prints the query for people, without the settings that are not set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = sanitize_line(&self.metric, MAX_METRIC_LEN);
        write!(f, "{} of {metric}", list_names(&self.group_by))?;
        fmt_rows(f, &self.intervals, self.filter.as_ref())?;
        if let Some(limit) = self.limit {
            write!(f, ", limit {limit}")?;
        }
        Ok(())
    }
}

/// The number of characters of a metric's name that are printed.
const MAX_METRIC_LEN: usize = 200;

/// Prints the rows that count: those in the intervals that match the filter.
fn fmt_rows(
    f: &mut fmt::Formatter<'_>,
    intervals: &[Interval],
    filter: Option<&Filter>,
) -> fmt::Result {
    for (index, interval) in intervals.iter().enumerate() {
        let separator = if index == 0 { " over " } else { " and " };
        write!(f, "{separator}{interval}")?;
    }
    match filter {
        Some(filter) => write!(f, " where {filter}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::Resource;

    #[test]
    fn a_query_is_printed_on_one_line() {
        let last = Interval::last_days(1);
        let query = Query::new("io.a/b", Granularity::All, last)
            .add_interval(Interval::retained())
            .filter(Resource::kafka("lkc-1"))
            .group_by(["metric.topic"])
            .aggregation(Aggregation::Max)
            .order(Order::Ascending)
            .limit(3);
        assert_eq!(
            query.to_string(),
            "io.a/b per ALL over last/P1D and retained where resource.kafka.id=\"lkc-1\" \
             by metric.topic, MAX, ASCENDING, limit 3"
        );
        let attributes = AttributeQuery::new("io.a/b", ["metric.topic"]).limit(3);
        assert_eq!(attributes.to_string(), "metric.topic of io.a/b, limit 3");
    }
}
