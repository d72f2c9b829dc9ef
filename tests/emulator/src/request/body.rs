//! JSON bodies, and the members that several operations share.

use serde_json::{Map, Value};

use crate::catalogue::{self, Metric};
use crate::format::rfc3339::HOUR;
use crate::request::filter::Filter;
use crate::request::interval::Interval;

/// A JSON object that collects problems while it is parsed, so that one response names all.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    object: &'a Map<String, Value>,
    problems: Vec<String>,
}

/// Parses a body. The error lists every problem.
pub(crate) fn parse<T>(
    bytes: &[u8],
    parse_members: impl FnOnce(&mut Body<'_>) -> Option<T>,
) -> Result<T, Vec<String>> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| vec![format!("the body is not valid JSON: {error}")])?;
    let Some(object) = value.as_object() else {
        return Err(vec!["the body must be a JSON object".to_owned()]);
    };
    let mut body = Body {
        object,
        problems: Vec::new(),
    };
    match parse_members(&mut body) {
        Some(parsed) if body.problems.is_empty() => Ok(parsed),
        _ => Err(body.problems),
    }
}

impl<'a> Body<'a> {
    /// Records a problem.
    pub(crate) fn problem<T>(&mut self, detail: impl Into<String>) -> Option<T> {
        self.problems.push(detail.into());
        None
    }

    /// Returns a member, unless it is null.
    pub(crate) fn member(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Returns the metric with this name. `at` is the name of the member for problems.
    pub(crate) fn metric(
        &mut self,
        at: &str,
        name: Option<&str>,
        dataset: &str,
    ) -> Option<&'static Metric> {
        let Some(name) = name else {
            return self.problem(format!("{at} must not be null"));
        };
        match catalogue::metric_of(name, dataset) {
            Some(metric) => Some(metric),
            None => self.problem(format!("{at} '{name}' is not a metric of this dataset")),
        }
    }

    /// Returns the intervals. `longest` is the name of the granularity and its longest interval.
    pub(crate) fn intervals(
        &mut self,
        now: i64,
        longest: Option<(&str, i64)>,
    ) -> Option<Vec<Interval>> {
        let Some(list) = self
            .member("intervals")?
            .as_array()
            .filter(|list| !list.is_empty())
        else {
            self.problems.push("intervals must not be empty".to_owned());
            return Some(Vec::new());
        };
        let mut intervals = Vec::new();
        for item in list {
            let parsed = match item.as_str() {
                Some(text) => Interval::parse(text, now),
                None => Err(format!("interval {item} must be a string")),
            };
            match (parsed, longest) {
                (Ok(interval), Some((name, longest))) if interval.length() > longest => {
                    self.problems.push(format!(
                        "interval {item} is too long: granularity {name} allows at most {} hours",
                        longest / HOUR
                    ));
                }
                (Ok(interval), _) => intervals.push(interval),
                (Err(detail), _) => self.problems.push(detail),
            }
        }
        Some(intervals)
    }

    pub(crate) fn group_by(&mut self) -> Option<Vec<String>> {
        let labels: Option<Vec<String>> = self.member("group_by")?.as_array().and_then(|list| {
            list.iter()
                .map(|label| label.as_str().map(str::to_owned))
                .collect()
        });
        let Some(labels) = labels else {
            self.problems
                .push("group_by must be a list of strings".to_owned());
            return Some(Vec::new());
        };
        if labels
            .iter()
            .enumerate()
            .any(|(index, label)| labels[..index].contains(label))
        {
            self.problems
                .push("group_by must not name a label twice".to_owned());
        }
        Some(labels)
    }

    pub(crate) fn filter(&mut self) -> Option<Filter> {
        Filter::parse(self.member("filter")?, &mut self.problems)
    }

    pub(crate) fn limit(&mut self, default: usize) -> Option<usize> {
        let Some(value) = self.member("limit") else {
            return Some(default);
        };
        match value.as_u64() {
            Some(limit @ 1..=1_000) => usize::try_from(limit).ok(),
            _ => self.problem("limit must be between 1 and 1000"),
        }
    }

    /// Records the labels that the metric does not have.
    pub(crate) fn check_labels(
        &mut self,
        metric: &Metric,
        group_by: &[String],
        filter: Option<&Filter>,
    ) {
        for label in group_by.iter().filter(|label| !metric.has_label(label)) {
            self.problems.push(format!(
                "group_by: metric '{}' has no label '{label}'",
                metric.name
            ));
        }
        let mut fields = Vec::new();
        if let Some(filter) = filter {
            filter.fields(&mut fields);
        }
        for field in fields.into_iter().filter(|field| !metric.has_label(field)) {
            self.problems.push(format!(
                "filter: metric '{}' has no label '{field}'",
                metric.name
            ));
        }
    }
}
