//! Checks in the form that they are read from.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::check::check::Check;
use crate::check::missing::Missing;
use crate::check::quantifier::Quantifier;
use crate::check::reduce::Reduce;
use crate::request::query::Query;
use crate::time::iso8601::Iso8601Duration;

impl Serialize for Check {
    /// Serializes the settings that differ from their defaults, in the form that
    /// [`Deserialize`](#impl-Deserialize%3C'de%3E-for-Check) reads.
    ///
    /// Thresholds and durations are texts. The filter is an object as in a request.
    ///
    /// # Errors
    ///
    /// If the filter exceeds 50 levels of nesting.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        serialize_query(&self.query, &mut map)?;
        if let Some(divisor) = &self.divisor {
            map.serialize_entry("divide-by", &QueryEntry(divisor))?;
        }
        if let Some(comparison) = self.comparison {
            map.serialize_entry("compare-to", &Iso8601Duration(comparison.shift).to_string())?;
            map.serialize_entry("change", comparison.change.as_str())?;
        }
        if let Some(datapoints) = self.datapoints {
            map.serialize_entry("datapoints", &datapoints.to_string())?;
        }
        if let Some(name) = &self.name {
            map.serialize_entry("name", name)?;
        }
        if self.reduce != Reduce::default() {
            map.serialize_entry("reduce", self.reduce.as_str())?;
        }
        if let Some(threshold) = self.thresholds.warning {
            map.serialize_entry("warning", &threshold.to_string())?;
        }
        if let Some(threshold) = self.thresholds.critical {
            map.serialize_entry("critical", &threshold.to_string())?;
        }
        if self.quantifier != Quantifier::default() {
            map.serialize_entry("quantifier", &self.quantifier.to_string())?;
        }
        if let Some(share) = self.limits.min_coverage {
            // A text keeps every digit, whatever reads it.
            map.serialize_entry("min-coverage", &share.to_string())?;
        }
        if let Some(age) = self.limits.max_age {
            map.serialize_entry("max-age", &Iso8601Duration(age).to_string())?;
        }
        if !self.expected_labels.is_empty() {
            let mut expected = Vec::new();
            for (label, values) in &self.expected_labels {
                expected.push(HashMap::from([(label, values)]));
            }
            map.serialize_entry("expect", &expected)?;
        }
        if let Some(series) = self.min_series {
            map.serialize_entry("expect-at-least", &series)?;
        }
        if self.on_missing != Missing::default() {
            map.serialize_entry("on-missing", self.on_missing.as_str())?;
        }
        map.end()
    }
}

/// A query as an object of its own.
struct QueryEntry<'a>(&'a Query);

impl Serialize for QueryEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        serialize_query(self.0, &mut map)?;
        map.end()
    }
}

/// Serializes the members that describe a query.
fn serialize_query<M: SerializeMap>(query: &Query, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("metric", &query.metric)?;
    if let Some(filter) = &query.filter {
        map.serialize_entry("filter", filter)?;
    }
    if !query.group_by.is_empty() {
        map.serialize_entry("group-by", &query.group_by)?;
    }
    let mut intervals = Vec::new();
    for interval in &query.intervals {
        intervals.push(interval.to_string());
    }
    map.serialize_entry("interval", &intervals)?;
    map.serialize_entry("granularity", query.granularity.as_str())?;
    if let Some(aggregation) = query.aggregation {
        map.serialize_entry("aggregation", aggregation.as_str())?;
    }
    if !query.extra_aggregation.is_empty() {
        let mut fields = Vec::new();
        for (name, value) in &query.extra_aggregation {
            fields.push(HashMap::from([(name, value)]));
        }
        map.serialize_entry("extra-aggregation", &fields)?;
    }
    if let Some(order) = query.order {
        map.serialize_entry("order", order.as_str())?;
    }
    if let Some(limit) = query.limit {
        map.serialize_entry("limit", &limit)?;
    }
    if query.allow_truncated {
        map.serialize_entry("allow-truncated", &true)?;
    }
    Ok(())
}
