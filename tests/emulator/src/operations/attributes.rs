//! The operation `attributes`: the values of labels.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use crate::authorization;
use crate::catalogue::Metric;
use crate::context::RequestContext;
use crate::errors;
use crate::evaluate::Key;
use crate::format::rfc3339::HOUR;
use crate::paging;
use crate::request::body::{self, Body};
use crate::request::filter::{Filter, label};
use crate::request::interval::Interval;
use crate::response::Response;
use crate::state::State;
use crate::store::{Series, Visible};

#[derive(Debug)]
struct Request {
    metric: &'static Metric,
    group_by: Vec<String>,
    filter: Option<Filter>,
    intervals: Vec<Interval>,
    limit: usize,
}

/// Lists the values of labels. The error is the response to a rejected request.
pub(crate) fn respond(state: &State, context: &RequestContext<'_>) -> Result<Response, Response> {
    let now = state.now_millis();
    let request = Request::parse(&context.request.body, context.dataset, now)
        .map_err(|details| errors::invalid_body(state, &details, context.style))?;
    authorization::authorize(state, context, request.filter.as_ref())?;
    let after = paging::start_of_page(state, context, &request.intervals)?;
    let series = state.store.series(request.metric);
    let visible_series = series.iter().filter(|series| {
        authorization::can_read_series(context.access, request.metric, &series.labels)
    });
    let rows = request.rows(visible_series, Visible::at(now));

    let after: Option<Vec<Option<&str>>> = after
        .as_ref()
        .map(|key| key.iter().map(Option::as_deref).collect());
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = rows.range((start, Bound::Unbounded));
    let page: Vec<_> = rest.by_ref().take(state.page_size(request.limit)).collect();
    let last = page.last().filter(|_| rest.next().is_some());
    let last_key: Option<Key> =
        last.map(|row| row.iter().map(|value| value.map(str::to_owned)).collect());
    let next = paging::next_page(state, context, &context.request.body, last_key);

    let mut pagination = json!({ "page_size": request.limit });
    if let Some(token) = next.token {
        pagination["next_page_token"] = token.into();
    }
    let data: Vec<Value> = page.into_iter().map(|row| request.row(row)).collect();
    let mut body = json!({ "data": data, "meta": { "pagination": pagination } });
    if let Some(link) = next.link {
        body["links"] = json!({ "next": link });
    }
    Ok(errors::body(200, body, context.style))
}

impl Request {
    /// Parses a body. The error lists every problem.
    fn parse(bytes: &[u8], dataset: &str, now: i64) -> Result<Self, Vec<String>> {
        body::parse(bytes, |body| body.attributes(dataset, now))
    }

    /// Returns every combination of values with a point, in order. A missing label comes first.
    fn rows<'a>(
        &self,
        series: impl Iterator<Item = &'a Series>,
        visible: Visible,
    ) -> BTreeSet<Vec<Option<&'a str>>> {
        let mut rows = BTreeSet::new();
        for series in series {
            let matches = self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.matches(&series.labels));
            let row = self
                .group_by
                .iter()
                .map(|name| label(&series.labels, name))
                .collect();
            // The search for a point is slow, and most series only repeat a row.
            let has_point =
                |interval: &Interval| series.has_point(interval.start, interval.end, visible);
            if matches && !rows.contains(&row) && self.intervals.iter().any(has_point) {
                rows.insert(row);
            }
        }
        rows
    }

    fn row(&self, values: &[Option<&str>]) -> Value {
        let members = self.group_by.iter().zip(values);
        let members =
            members.filter_map(|(name, value)| Some((name.clone(), Value::from((*value)?))));
        Value::Object(members.collect::<Map<_, _>>())
    }
}

impl Body<'_> {
    fn attributes(&mut self, dataset: &str, now: i64) -> Option<Request> {
        let name = self
            .member("metric")
            .map(|name| name.as_str().unwrap_or_default());
        let metric = self.metric("metric", name, dataset);
        let group_by = self.group_by();
        match self.member("group_by") {
            None => self.problem("group_by must not be null"),
            Some(list) if list.as_array().is_some_and(Vec::is_empty) => {
                self.problem("group_by must not be empty")
            }
            Some(_) => Some(()),
        };
        let filter = self.filter();
        let last_hour = Interval {
            start: now - HOUR,
            end: now,
            relative: false,
        };
        let intervals = self.intervals(now, None).unwrap_or_else(|| vec![last_hour]);
        let limit = self.limit(100);
        let metric = metric?;
        let group_by = group_by?;
        self.check_labels(metric, &group_by, filter.as_ref());
        Some(Request {
            metric,
            group_by,
            filter,
            intervals,
            limit: limit?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRIC: &str = "io.confluent.kafka.server/sent_bytes";

    /// 2026-01-01T12:00:00Z.
    const NOW: i64 = 1_767_268_800_000;

    fn read(more: &Value) -> Result<Request, Vec<String>> {
        let mut body = json!({"metric": METRIC, "group_by": ["metric.topic"]});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        Request::parse(body.to_string().as_bytes(), "cloud", NOW)
    }

    #[test]
    fn omitted_members_have_defaults() {
        let request = read(&json!({"filter": null, "limit": null, "intervals": null, "new": {}}))
            .expect("valid");
        assert!(request.filter.is_none());
        assert_eq!(request.limit, 100);
        assert_eq!(
            request.intervals,
            [Interval {
                start: NOW - HOUR,
                end: NOW,
                relative: false
            }]
        );
        let long = read(&json!({"intervals": ["P30D/now"]})).expect("no interval is too long");
        assert!(long.intervals[0].relative);
    }

    #[test]
    fn every_problem_has_its_own_detail() {
        for (name, value, expected) in [
            ("metric", json!(null), "metric must not be null"),
            (
                "metric",
                json!(5),
                "metric '' is not a metric of this dataset",
            ),
            (
                "metric",
                json!("sent_bytes"),
                "metric 'sent_bytes' is not a metric of this dataset",
            ),
            (
                "metric",
                json!("io.confluent.custom.kafka/consumer_lag_offsets"),
                "metric 'io.confluent.custom.kafka/consumer_lag_offsets' is not a metric of this dataset",
            ),
            ("group_by", json!(null), "group_by must not be null"),
            ("group_by", json!([]), "group_by must not be empty"),
            ("group_by", json!([5]), "group_by must be a list of strings"),
            (
                "group_by",
                json!(["topic"]),
                "group_by: metric 'io.confluent.kafka.server/sent_bytes' has no label 'topic'",
            ),
            (
                "filter",
                json!({"op": "GT", "field": "resource.ksql.id", "value": 7}),
                "filter: metric 'io.confluent.kafka.server/sent_bytes' has no label 'resource.ksql.id'",
            ),
            ("intervals", json!([]), "intervals must not be empty"),
            ("limit", json!(1_001), "limit must be between 1 and 1000"),
        ] {
            assert_eq!(
                read(&json!({ name: value })).err().unwrap_or_default(),
                [expected],
                "{name}"
            );
        }
        let empty = Request::parse(br#"{"limit":0}"#, "cloud", NOW).expect_err("nothing is there");
        assert_eq!(
            empty,
            [
                "metric must not be null",
                "group_by must not be null",
                "limit must be between 1 and 1000"
            ]
        );
        assert!(Request::parse(b"[]", "cloud", NOW).is_err());
    }
}
