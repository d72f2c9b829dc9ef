//! The JSON bodies of queries and attribute queries.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::model::filter::Filter;
use crate::request::attribute_query::AttributeQuery;
use crate::request::query::{MAX_PAGE_SIZE, Order, Query};
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
        limit: query.is_grouped().then(|| page_limit(query.limit)),
        format: query.row_format().as_str(),
    };
    // Only a filter that nests too deeply cannot be serialized, and a plan refuses it.
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

#[derive(Serialize)]
struct Body<'a> {
    aggregations: [AggregationBody<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
    granularity: Granularity,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    group_by: &'a [String],
    intervals: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_by: Option<[OrderBody<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    format: &'static str,
}

#[derive(Serialize)]
struct AttributesBody<'a> {
    metric: &'a str,
    group_by: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a Filter>,
    limit: u32,
    intervals: Vec<String>,
}

struct AggregationBody<'a>(&'a Query);

struct OrderBody<'a> {
    query: &'a Query,
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

fn interval_strings(ranges: &[TimeRange]) -> Vec<String> {
    ranges
        .iter()
        .map(|(start, end)| format!("{start}/{end}"))
        .collect()
}
