//! The JSON bodies of queries and attribute queries.
//!
//! Each type of this file has the fields of a body in the order in which `serde` prints them. A
//! query over one window becomes:
//!
//! ```json
//! {"aggregations": [{"metric": "io.confluent.kafka.server/sent_bytes", "agg": "SUM"}],
//!  "filter": {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"},
//!  "granularity": "PT1M",
//!  "group_by": ["metric.topic"],
//!  "intervals": ["2026-01-08T11:00:00Z/2026-01-08T12:00:00Z"],
//!  "limit": 1000,
//!  "format": "GROUPED"}
//! ```
//!
//! A field that is not set is left out, so that the default of the service applies. See the
//! vendor's [API reference](https://api.telemetry.confluent.cloud/docs#tag/Version-2).

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::model::filter::Filter;
use crate::request::attribute_query::AttributeQuery;
use crate::request::order::Order;
use crate::request::query::{MAX_PAGE_SIZE, Query};
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;

/// Returns the body that requests `query` over `ranges`.
///
/// Rows must match `extra_filter` as well as the filter of the query.
pub(crate) fn query_body(
    query: &Query,
    ranges: &[TimeRange],
    extra_filter: Option<Filter>,
) -> String {
    let body = Body {
        aggregations: [AggregationBody(query)],
        filter: Filter::and_opt(query.filter.clone(), extra_filter),
        granularity: query.granularity,
        group_by: &query.group_by,
        intervals: interval_strings(ranges),
        order_by: query.order.map(|order| [OrderBody { query, order }]),
        // The limit counts groups, so that a query without groups has none.
        limit: query.is_grouped().then(|| page_limit(query.limit)),
        format: query.row_format().as_str(),
    };
    // Only a filter that nests too deeply cannot be serialized, and a plan rejects it.
    serde_json::to_string(&body).unwrap_or_default()
}

/// Returns the body that requests the attributes of `query` over `ranges`.
pub(crate) fn attributes_body(query: &AttributeQuery, ranges: &[TimeRange]) -> String {
    let body = AttributesBody {
        metric: &query.metric,
        group_by: &query.group_by,
        filter: query.filter.as_ref(),
        limit: page_limit(query.limit),
        intervals: interval_strings(ranges),
    };
    serde_json::to_string(&body).unwrap_or_default()
}

/// The body of a query.
#[derive(Serialize)]
struct Body<'a> {
    /// The metric with its function. The service accepts one.
    aggregations: [AggregationBody<'a>; 1],
    /// The condition on rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
    /// The length of a bucket.
    granularity: Granularity,
    /// The labels to group by.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    group_by: &'a [String],
    /// The time ranges, in the form `start/end`.
    intervals: Vec<String>,
    /// The order of the groups by value.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_by: Option<[OrderBody<'a>; 1]>,
    /// The number of groups in one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// The format of the rows, FLAT or GROUPED.
    format: &'static str,
}

/// The body of an attribute query.
#[derive(Serialize)]
struct AttributesBody<'a> {
    /// The name of the metric.
    metric: &'a str,
    /// The labels whose values are requested.
    group_by: &'a [String],
    /// The condition on rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a Filter>,
    /// The number of items in one page.
    limit: u32,
    /// The time ranges, in the form `start/end`.
    intervals: Vec<String>,
}

/// Serializes the metric of a query with its function and extra fields.
///
/// The names of extra fields are data, so that it cannot derive `Serialize`.
struct AggregationBody<'a>(&'a Query);

/// Serializes the order of a query, which repeats the metric and its function.
struct OrderBody<'a> {
    /// The query with the metric.
    query: &'a Query,
    /// The order of its groups.
    order: Order,
}

impl Serialize for AggregationBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(query) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", &query.metric)?;
        if let Some(aggregation) = query.aggregation {
            map.serialize_entry("agg", aggregation.as_str())?;
        }
        for (name, value) in &query.extra_aggregation {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for OrderBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", &self.query.metric)?;
        if let Some(aggregation) = self.query.aggregation {
            map.serialize_entry("agg", aggregation.as_str())?;
        }
        map.serialize_entry("order", self.order.as_str())?;
        map.end()
    }
}

/// Returns the number of groups to request in one page.
fn page_limit(limit: Option<u32>) -> u32 {
    limit.map_or(MAX_PAGE_SIZE, |limit| limit.min(MAX_PAGE_SIZE))
}

/// Returns each range as `start/end`, in UTC.
fn interval_strings(ranges: &[TimeRange]) -> Vec<String> {
    ranges
        .iter()
        .map(|(start, end)| format!("{start}/{end}"))
        .collect()
}
