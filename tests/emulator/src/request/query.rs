//! The body of a query, parsed and validated.

use serde_json::Value;

use crate::catalogue::{Aggregation, Metric};
use crate::format::rfc3339::{DAY, HOUR, MINUTE};
use crate::request::body::{self, Body};
use crate::request::filter::Filter;
use crate::request::interval::Interval;

/// The width of the buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granularity {
    /// In milliseconds.
    Width(i64),
    /// One bucket over all intervals.
    All,
}

/// The name of a granularity, its width, and the longest interval that it allows.
type GranularityRow = (&'static str, Granularity, Option<i64>);

const GRANULARITIES: [GranularityRow; 10] = [
    ("PT1M", Granularity::Width(MINUTE), Some(6 * HOUR)),
    ("PT5M", Granularity::Width(5 * MINUTE), Some(DAY)),
    ("PT15M", Granularity::Width(15 * MINUTE), Some(4 * DAY)),
    ("PT30M", Granularity::Width(30 * MINUTE), Some(7 * DAY)),
    ("PT1H", Granularity::Width(HOUR), None),
    ("PT4H", Granularity::Width(4 * HOUR), None),
    ("PT6H", Granularity::Width(6 * HOUR), None),
    ("PT12H", Granularity::Width(12 * HOUR), None),
    ("P1D", Granularity::Width(DAY), None),
    ("ALL", Granularity::All, None),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Flat,
    Grouped,
}

/// The order of the groups of ALL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) aggregation: Aggregation,
    pub(crate) descending: bool,
}

#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) metric: &'static Metric,
    pub(crate) aggregation: Aggregation,
    pub(crate) filter: Option<Filter>,
    pub(crate) granularity: Granularity,
    pub(crate) group_by: Vec<String>,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) limit: usize,
    pub(crate) order: Order,
    pub(crate) format: Format,
}

impl Query {
    /// Parses the body of a query. The error lists every problem.
    pub(crate) fn parse(body: &[u8], dataset: &str, now: i64) -> Result<Self, Vec<String>> {
        body::parse(body, |body| body.query(dataset, now))
    }
}

impl Body<'_> {
    fn query(&mut self, dataset: &str, now: i64) -> Option<Query> {
        let granularity = self.granularity();
        let aggregation = self.aggregation(dataset);
        let longest = granularity.and_then(|(name, _, longest)| Some((name, longest?)));
        let intervals = self.intervals(now, longest);
        if intervals.is_none() {
            self.problem::<()>("intervals must not be null");
        }
        let group_by = self.group_by().unwrap_or_default();
        let filter = self.filter();
        let is_all = granularity.is_some_and(|(_, granularity, _)| granularity == Granularity::All);
        let limit = self.limit(if is_all { 1_000 } else { 100 });
        let format = self.format(&group_by);
        let order = self.order(aggregation);
        if let Some((metric, _)) = aggregation {
            self.check_labels(metric, &group_by, filter.as_ref());
        }
        let (metric, aggregation) = aggregation?;
        let (_, granularity, _) = granularity?;
        let intervals = intervals?;
        let limit = limit?;
        let order = order.unwrap_or(Order {
            aggregation,
            descending: true,
        });
        Some(Query {
            metric,
            aggregation,
            filter,
            granularity,
            group_by,
            intervals,
            limit,
            order,
            format,
        })
    }

    fn granularity(&mut self) -> Option<GranularityRow> {
        let Some(value) = self.member("granularity") else {
            return self.problem("granularity must not be null");
        };
        match GRANULARITIES
            .iter()
            .find(|(name, _, _)| value.as_str() == Some(name))
        {
            Some(row) => Some(*row),
            None => self.problem(format!("granularity {value} is not supported")),
        }
    }

    fn aggregation(&mut self, dataset: &str) -> Option<(&'static Metric, Aggregation)> {
        let Some(value) = self.member("aggregations") else {
            return self.problem("aggregations must not be null");
        };
        let Some([only]) = value.as_array().map(Vec::as_slice) else {
            return self.problem("aggregations must have exactly one element");
        };
        let name = only.get("metric").and_then(Value::as_str);
        let metric = self.metric("aggregations[0].metric", name, dataset)?;
        let aggregation = self.agg("aggregations[0]", only, metric, metric.across_labels)?;
        Some((metric, aggregation))
    }

    /// Returns the `agg` of an aggregation or an order.
    fn agg(
        &mut self,
        at: &str,
        value: &Value,
        metric: &Metric,
        default: Aggregation,
    ) -> Option<Aggregation> {
        let Some(agg) = value.get("agg").filter(|agg| !agg.is_null()) else {
            return Some(default);
        };
        match agg.as_str().and_then(Aggregation::from_name) {
            Some(aggregation) if metric.allows(aggregation) => Some(aggregation),
            Some(_) => self.problem(format!(
                "{at}.agg SUM is not supported for metric '{}'",
                metric.name
            )),
            None => self.problem(format!("{at}.agg {agg} is not one of SUM, MIN, MAX")),
        }
    }

    fn format(&mut self, group_by: &[String]) -> Format {
        match self
            .member("format")
            .map(|value| value.as_str().unwrap_or_default())
        {
            None | Some("FLAT") => Format::Flat,
            Some("GROUPED") => {
                if group_by.is_empty() {
                    self.problem::<()>("format GROUPED needs a non-empty group_by");
                }
                Format::Grouped
            }
            Some(_) => {
                self.problem::<()>("format must be FLAT or GROUPED");
                Format::Flat
            }
        }
    }

    /// Validates the order for every granularity, although only ALL applies it.
    fn order(&mut self, aggregated: Option<(&'static Metric, Aggregation)>) -> Option<Order> {
        let list = match self.member("order_by")?.as_array() {
            Some(list) if list.len() <= 1 => list,
            _ => return self.problem("order_by must have at most one element"),
        };
        let value = list.first()?;
        // Without a metric there is a problem already, and nothing to compare with.
        let (metric, default) = aggregated?;
        if value.get("metric").and_then(Value::as_str) != Some(metric.name) {
            return self.problem("order_by[0].metric must be the metric of the aggregation");
        }
        let aggregation = self.agg("order_by[0]", value, metric, default)?;
        match value
            .get("order")
            .map(|order| order.as_str().unwrap_or_default())
        {
            None | Some("DESCENDING") => Some(Order {
                aggregation,
                descending: true,
            }),
            Some("ASCENDING") => Some(Order {
                aggregation,
                descending: false,
            }),
            Some(_) => self.problem("order_by[0].order must be ASCENDING or DESCENDING"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const METRIC: &str = "io.confluent.kafka.server/sent_bytes";
    const SHARE: &str = "io.confluent.kafka.server/cluster_load_percent";

    /// 2026-01-01T12:00:00Z.
    const NOW: i64 = 1_767_268_800_000;

    fn valid() -> Value {
        json!({
            "aggregations": [{"metric": METRIC}],
            "granularity": "PT1M",
            "intervals": ["2026-01-01T00:00:00Z/PT6H"]
        })
    }

    fn read(change: impl Fn(&mut Value)) -> Result<Query, Vec<String>> {
        let mut body = valid();
        change(&mut body);
        Query::parse(body.to_string().as_bytes(), "cloud", NOW)
    }

    fn problems(name: &str, value: &Value) -> Vec<String> {
        read(|body| body[name] = value.clone())
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn omitted_members_have_defaults() {
        let query = read(|_| ()).expect("valid");
        assert_eq!(
            (query.limit, query.format, query.aggregation),
            (100, Format::Flat, Aggregation::Sum)
        );
        assert!(
            query.filter.is_none() && query.group_by.is_empty() && !query.intervals[0].relative
        );
        let all = read(|body| body["granularity"] = json!("ALL")).expect("valid");
        assert_eq!((all.limit, all.order.descending), (1_000, true));
        let share = read(|body| body["aggregations"][0]["metric"] = json!(SHARE)).expect("valid");
        assert_eq!(share.aggregation, Aggregation::Max);
        let nulls = json!({
            "aggregations": [{"metric": METRIC, "agg": null}], "granularity": "PT1H", "intervals": ["PT1H/now"],
            "filter": null, "group_by": null, "limit": null, "format": null, "order_by": null, "new": {}
        });
        let query =
            Query::parse(nulls.to_string().as_bytes(), "cloud", NOW).expect("null is left out");
        assert!(query.intervals[0].relative);
    }

    #[test]
    fn members_without_effect_are_accepted() {
        let lenient = read(|body| {
            body["limit"] = json!(1_000);
            body["order_by"] = json!([{"metric": METRIC, "agg": "SUM", "order": "ASCENDING"}]);
            body["aggregations"][0]["time_agg"] = json!("MAX");
        });
        assert!(lenient.is_ok(), "{lenient:?}");
    }

    #[test]
    fn every_problem_has_its_own_detail() {
        for (name, value, expected) in [
            ("granularity", json!(null), "granularity must not be null"),
            (
                "granularity",
                json!("PT2M"),
                "granularity \"PT2M\" is not supported",
            ),
            ("granularity", json!(60), "granularity 60 is not supported"),
            ("aggregations", json!(null), "aggregations must not be null"),
            (
                "aggregations",
                json!([]),
                "aggregations must have exactly one element",
            ),
            (
                "aggregations",
                json!([{"metric": METRIC}, {"metric": SHARE}]),
                "aggregations must have exactly one element",
            ),
            (
                "aggregations",
                json!([{"agg": "SUM"}]),
                "aggregations[0].metric must not be null",
            ),
            (
                "aggregations",
                json!([{"metric": "sent_bytes"}]),
                "aggregations[0].metric 'sent_bytes' is not a metric of this dataset",
            ),
            (
                "aggregations",
                json!([{"metric": "io.confluent.custom.kafka/consumer_lag_offsets"}]),
                "aggregations[0].metric 'io.confluent.custom.kafka/consumer_lag_offsets' is not a metric of this dataset",
            ),
            (
                "aggregations",
                json!([{"metric": METRIC, "agg": "AVG"}]),
                "aggregations[0].agg \"AVG\" is not one of SUM, MIN, MAX",
            ),
            (
                "aggregations",
                json!([{"metric": SHARE, "agg": "SUM"}]),
                "aggregations[0].agg SUM is not supported for metric 'io.confluent.kafka.server/cluster_load_percent'",
            ),
            ("intervals", json!(null), "intervals must not be null"),
            ("intervals", json!([]), "intervals must not be empty"),
            ("intervals", json!([5]), "interval 5 must be a string"),
            (
                "intervals",
                json!(["PT1H/PT1H"]),
                "interval 'PT1H/PT1H' has two durations and no time",
            ),
            (
                "group_by",
                json!("metric.topic"),
                "group_by must be a list of strings",
            ),
            (
                "group_by",
                json!(["metric.topic", "metric.topic"]),
                "group_by must not name a label twice",
            ),
            (
                "group_by",
                json!(["topic"]),
                "group_by: metric 'io.confluent.kafka.server/sent_bytes' has no label 'topic'",
            ),
            (
                "filter",
                json!({"op": "EQ", "field": "metric.type", "value": "a"}),
                "filter: metric 'io.confluent.kafka.server/sent_bytes' has no label 'metric.type'",
            ),
            ("filter", json!([]), "filter must be an object"),
            ("limit", json!(0), "limit must be between 1 and 1000"),
            ("limit", json!(1_001), "limit must be between 1 and 1000"),
            ("limit", json!("5"), "limit must be between 1 and 1000"),
            (
                "format",
                json!("GROUPED"),
                "format GROUPED needs a non-empty group_by",
            ),
            ("format", json!("CSV"), "format must be FLAT or GROUPED"),
            (
                "order_by",
                json!([{"metric": METRIC}, {"metric": METRIC}]),
                "order_by must have at most one element",
            ),
            (
                "order_by",
                json!([{"metric": METRIC, "order": "UP"}]),
                "order_by[0].order must be ASCENDING or DESCENDING",
            ),
            (
                "order_by",
                json!([{"metric": SHARE}]),
                "order_by[0].metric must be the metric of the aggregation",
            ),
        ] {
            assert_eq!(problems(name, &value), [expected], "{name}: {value}");
        }
    }

    #[test]
    fn several_problems_are_reported_together() {
        let error = Query::parse(br#"{"limit":0}"#, "cloud", NOW).expect_err("nothing is there");
        assert_eq!(
            error,
            [
                "granularity must not be null",
                "aggregations must not be null",
                "intervals must not be null",
                "limit must be between 1 and 1000",
            ]
        );
        for body in [&b""[..], b"{", b"[]", b"\xff", &b"[".repeat(100_000)] {
            assert!(Query::parse(body, "cloud", NOW).is_err());
        }
    }

    #[test]
    fn the_granularity_limits_every_interval() {
        for (granularity, fits, too_long, hours) in [
            ("PT1M", "PT6H", "PT6H1S", "6"),
            ("PT5M", "P1D", "P1DT1S", "24"),
            ("PT15M", "P4D", "P4DT1S", "96"),
            ("PT30M", "P7D", "P7DT1S", "168"),
        ] {
            let with = |duration: &str| {
                read(|body| {
                    body["granularity"] = json!(granularity);
                    body["intervals"] = json!([
                        format!("2026-01-01T00:00:00Z/{fits}"),
                        format!("2026-01-01T00:00:00Z/{duration}")
                    ]);
                })
            };
            assert!(with(fits).is_ok(), "{granularity}");
            let error = with(too_long).expect_err(granularity);
            assert_eq!(
                error,
                [format!(
                    "interval \"2026-01-01T00:00:00Z/{too_long}\" is too long: granularity {granularity} allows at most {hours} hours"
                )]
            );
        }
        for granularity in ["PT1H", "PT4H", "PT6H", "PT12H", "P1D", "ALL"] {
            let long = read(|body| {
                body["granularity"] = json!(granularity);
                body["intervals"] = json!(["2020-01-01T00:00:00Z/2026-01-01T00:00:00Z"]);
            });
            assert!(long.is_ok(), "{granularity}");
        }
    }
}
