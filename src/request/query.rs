use std::collections::HashSet;

use crate::model::filter::Filter;
use crate::time::granularity::Granularity;
use crate::time::interval::Interval;
use crate::util::text::sanitize_line;

/// What to ask for: one metric, in buckets of time, over an interval.
///
/// A plain value: making and changing one never fails, and nothing is sent. Every fault that can be
/// seen without the service is named at once, before anything is sent. Mirrors the body of the vendor's
/// [query](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1query/post);
/// [examples](https://docs.confluent.io/cloud/current/monitoring/metrics-api-examples.html).
///
/// ```
/// use confluent_metrics::{Filter, Granularity, Interval, Query, Resource};
///
/// let query = Query::new("io.confluent.kafka.server/sent_bytes", Granularity::OneHour, Interval::last_days(1))
///     .filter(Resource::kafka("lkc-1234"))
///     .filter(!Filter::eq("metric.topic", "audit"))
///     .group_by(["metric.topic"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Query {
    pub(crate) metric: String,
    pub(crate) granularity: Granularity,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) filter: Option<Filter>,
    pub(crate) group_by: Vec<String>,
    pub(crate) aggregation: Option<Aggregation>,
    pub(crate) extra_aggregation: Vec<(String, String)>,
    pub(crate) order: Option<Order>,
    pub(crate) limit: Option<u32>,
    pub(crate) allow_truncated: bool,
}

/// How values of several label sets become the value of one group, within a bucket.
///
/// Over time the service always sums counters and averages gauges, whatever is said here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Aggregation {
    /// Their sum.
    Sum,
    /// The least of them.
    Min,
    /// The greatest of them.
    Max,
}

/// Which groups come first, by their value; only with [`Granularity::All`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The least value first.
    Ascending,
    /// The greatest value first.
    Descending,
}

/// Which values of labels to ask for: those that a metric had over a span of time.
///
/// A plain value, as [`Query`] is. Mirrors the body of the vendor's
/// [attributes](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1attributes/post).
///
/// ```
/// use confluent_metrics::{AttributeQuery, Interval, Resource};
///
/// let topics = AttributeQuery::new("io.confluent.kafka.server/sent_bytes", ["metric.topic"])
///     .filter(Resource::kafka("lkc-1234"))
///     .interval(Interval::last_days(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct AttributeQuery {
    pub(crate) metric: String,
    pub(crate) group_by: Vec<String>,
    pub(crate) filter: Option<Filter>,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) limit: Option<u32>,
}

impl Query {
    /// Asks for `metric` in buckets of `granularity` over `interval`.
    ///
    /// Most datasets also want a [`filter`](Self::filter) that names a resource.
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

    /// Counts only rows that pass `filter`. Called twice, both must pass.
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.filter = Filter::and_opt(self.filter.take(), Some(filter.into()));
        self
    }

    /// Gives a series for each set of values of these labels: `metric.<label>` or `resource.<type>.<label>`.
    /// Called twice, the labels are added. Without it the answer is one series.
    pub fn group_by<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.group_by.extend(labels.into_iter().map(Into::into));
        self
    }

    /// Asks for a further interval. Overlapping ones are united, except with [`Granularity::All`], where they are refused.
    pub fn add_interval(mut self, interval: Interval) -> Self {
        self.intervals.push(interval);
        self
    }

    /// Sets how label sets are put together. Unset, as the vendor advises, the service takes what is right for the metric.
    pub fn aggregation(mut self, aggregation: Aggregation) -> Self {
        self.aggregation = Some(aggregation);
        self
    }

    /// Sets which groups come first; only with [`Granularity::All`]. Unset, the service puts the greatest first.
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// Takes only the first so many groups, as the service orders them. Unset: all groups.
    ///
    /// Needs [`group_by`](Self::group_by), and an interval that one request can hold; with [`Granularity::All`] it is at
    /// most 1000. Where it cuts, the result says [`Limited`](crate::Completeness::Limited).
    pub fn limit(mut self, groups: u32) -> Self {
        self.limit = Some(groups);
        self
    }

    /// Takes an answer that is not whole as a result that says [`Truncated`](crate::Completeness::Truncated), not as an
    /// error.
    ///
    /// Buckets that the service has begun to drop are left out, and those that are still filling up are kept.
    pub fn allow_truncated(mut self) -> Self {
        self.allow_truncated = true;
        self
    }

    /// Adds a text member that the service does not document, such as `time_agg`, to the aggregation, at one's own risk.
    pub fn extra_aggregation(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra_aggregation.push((name.into(), value.into()));
        self
    }

    pub(crate) fn is_grouped(&self) -> bool {
        !self.group_by.is_empty()
    }

    /// Adds to `faults` all that can be known to be wrong without a clock.
    pub(crate) fn check(&self, faults: &mut Vec<String>) {
        validate_common(&self.metric, self.filter.as_ref(), faults);
        validate_names("group_by", &self.group_by, faults);
        let names: Vec<_> = self
            .extra_aggregation
            .iter()
            .map(|(name, _)| name)
            .collect();
        validate_names("extra_aggregation", &names, faults);
        for reserved in ["metric", "agg"] {
            if self
                .extra_aggregation
                .iter()
                .any(|(name, _)| name == reserved)
            {
                faults.push(format!(
                    "extra_aggregation cannot set \"{reserved}\", which the query sets itself"
                ));
            }
        }
        self.check_limit(faults);
        if self.order.is_some() && self.granularity != Granularity::All {
            faults.push(format!(
                "an order is only possible with the granularity ALL, not {}",
                self.granularity
            ));
        }
    }

    fn check_limit(&self, faults: &mut Vec<String>) {
        let Some(limit) = self.limit else { return };
        validate_limit(limit, faults);
        if !self.is_grouped() {
            faults.push("a limit counts groups, and the query has no group_by".into());
        }
        if limit > MAX_PAGE_SIZE && self.granularity == Granularity::All {
            faults.push(format!(
                "with the granularity ALL the limit is at most {MAX_PAGE_SIZE}, not {limit}"
            ));
        }
    }
}

impl AttributeQuery {
    /// Asks which values, or combinations of values, these labels of `metric` had: `metric.<label>` or
    /// `resource.<type>.<label>`.
    ///
    /// Most datasets also want a [`filter`](Self::filter) that names a resource.
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

    /// Looks only at what passes `filter`. Called twice, both must pass.
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.filter = Filter::and_opt(self.filter.take(), Some(filter.into()));
        self
    }

    /// Looks at points in this interval, of any length. Called twice, in either. Unset: the hour before now.
    ///
    /// Attributes have no buckets, so times are sent as given. Relative times are resolved before the first
    /// request; those of [`Interval::last`] are rounded down to the minute. An interval that starts before
    /// [`ClientBuilder::retention`](crate::ClientBuilder::retention) is refused.
    pub fn interval(mut self, interval: Interval) -> Self {
        self.intervals.push(interval);
        self
    }

    /// Takes only the first so many, in the service's order. Unset: all there are.
    pub fn limit(mut self, values: u32) -> Self {
        self.limit = Some(values);
        self
    }

    /// Adds to `faults` all that can be known to be wrong without a clock.
    pub(crate) fn check(&self, faults: &mut Vec<String>) {
        validate_common(&self.metric, self.filter.as_ref(), faults);
        if self.group_by.is_empty() {
            faults.push("it asks for no label".into());
        }
        validate_names("the list of labels", &self.group_by, faults);
        if let Some(limit) = self.limit {
            validate_limit(limit, faults);
        }
    }
}

/// The most groups that the service gives in one answer.
pub(crate) const MAX_PAGE_SIZE: u32 = 1000;

impl Aggregation {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "SUM",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

impl Order {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "ASCENDING",
            Self::Descending => "DESCENDING",
        }
    }
}

/// What every query has.
fn validate_common(metric: &str, filter: Option<&Filter>, faults: &mut Vec<String>) {
    if metric.is_empty() {
        faults.push("the metric has no name".into());
    }
    if let Some(filter) = filter {
        filter.validate(faults);
    }
}

fn validate_limit(limit: u32, faults: &mut Vec<String>) {
    if limit == 0 {
        faults.push("a limit of 0 asks for nothing".into());
    }
}

/// A name that goes into an address has to be there, and be printable.
pub(crate) fn validate_name(what: &str, name: &str, faults: &mut Vec<String>) {
    if name.is_empty() {
        faults.push(format!("{what} is empty"));
    } else if name.contains(char::is_control) {
        faults.push(format!(
            "{what} \"{}\" has a control character in it",
            sanitize_line(name, 100)
        ));
    }
}

/// Every name has to be there, and once.
fn validate_names<N: AsRef<str>>(list: &str, names: &[N], faults: &mut Vec<String>) {
    let mut known = HashSet::new();
    for name in names.iter().map(AsRef::as_ref) {
        if name.is_empty() {
            faults.push(format!("{list} has an empty name"));
        } else if !known.insert(name) {
            faults.push(format!("{list} has \"{}\" twice", sanitize_line(name, 100)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_again_is_found_among_hundreds_of_thousands() {
        // Comparing each name with those before it would take minutes.
        let mut names: Vec<_> = (0..100_000)
            .map(|number| format!("metric.{number}"))
            .collect();
        names.extend(["metric.7".into(), String::new()]);
        let mut faults = Vec::new();
        validate_names("group_by", &names, &mut faults);
        assert_eq!(
            faults,
            [
                "group_by has \"metric.7\" twice",
                "group_by has an empty name"
            ]
        );
    }
}
