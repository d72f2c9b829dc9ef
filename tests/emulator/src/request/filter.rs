//! The filter of a query: a tree of comparisons on labels.

use serde_json::{Map, Value};

/// The labels of one series, sorted by name.
pub(crate) type Labels = Vec<(String, String)>;

/// Returns the value of a label, if the series has it.
pub(crate) fn label<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels
        .iter()
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.as_str())
}

#[derive(Debug, PartialEq)]
pub(crate) enum Filter {
    Field {
        field: String,
        comparison: Comparison,
        value: String,
    },
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Parses a filter, and adds its problems to `problems`.
    pub(crate) fn parse(value: &Value, problems: &mut Vec<String>) -> Option<Self> {
        let Some(object) = value.as_object() else {
            problems.push("filter must be an object".to_owned());
            return None;
        };
        let Some(op) = object.get("op").and_then(Value::as_str) else {
            problems.push("filter.op must not be null".to_owned());
            return None;
        };
        match op {
            "EQ" => Self::parse_field(object, Comparison::Equal, problems),
            "GT" => Self::parse_field(object, Comparison::Greater, problems),
            "GTE" => Self::parse_field(object, Comparison::GreaterOrEqual, problems),
            "AND" => Self::parse_members(object, problems).map(Filter::All),
            "OR" => Self::parse_members(object, problems).map(Filter::Any),
            "NOT" => {
                if let Some(inner) = object.get("filter") {
                    Self::parse(inner, problems).map(|inner| Filter::Not(Box::new(inner)))
                } else {
                    problems.push("filter.filter must not be null".to_owned());
                    None
                }
            }
            other => {
                problems.push(format!(
                    "filter.op '{other}' is not one of EQ, GT, GTE, AND, OR, NOT"
                ));
                None
            }
        }
    }

    /// Returns true if a series with these labels matches.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        match self {
            // A comparison with a missing label is false, even GT of "".
            Filter::Field {
                field,
                comparison,
                value,
            } => label(labels, field).is_some_and(|own| match comparison {
                Comparison::Equal => own == value,
                Comparison::Greater => own > value.as_str(),
                Comparison::GreaterOrEqual => own >= value.as_str(),
            }),
            Filter::All(members) => members.iter().all(|member| member.matches(labels)),
            Filter::Any(members) => members.iter().any(|member| member.matches(labels)),
            Filter::Not(inner) => !inner.matches(labels),
        }
    }

    /// Adds every label of the filter to `into`.
    pub(crate) fn fields<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Filter::Field { field, .. } => into.push(field),
            Filter::All(members) | Filter::Any(members) => {
                for member in members {
                    member.fields(into);
                }
            }
            Filter::Not(inner) => inner.fields(into),
        }
    }

    /// Adds the resources that the filter names to `into`, as label and value.
    ///
    /// A resource under NOT, or compared with GT or GTE, is not named.
    pub(crate) fn resources<'a>(&'a self, into: &mut Vec<(&'a str, &'a str)>) {
        match self {
            Filter::Field {
                field,
                comparison: Comparison::Equal,
                value,
            } if field.starts_with("resource.") => {
                into.push((field, value));
            }
            Filter::All(members) | Filter::Any(members) => {
                for member in members {
                    member.resources(into);
                }
            }
            Filter::Field { .. } | Filter::Not(_) => {}
        }
    }

    fn parse_field(
        object: &Map<String, Value>,
        comparison: Comparison,
        problems: &mut Vec<String>,
    ) -> Option<Self> {
        let field = object.get("field").and_then(Value::as_str);
        if field.is_none() {
            problems.push("filter.field must not be null".to_owned());
        }
        let value = match object.get("value") {
            Some(Value::String(text)) => Some(text.clone()),
            // Labels are strings, so an integer is compared as its decimal text.
            Some(Value::Number(number)) if !number.is_f64() => Some(number.to_string()),
            None | Some(Value::Null) => {
                problems.push("filter.value must not be null".to_owned());
                None
            }
            Some(_) => {
                problems.push("filter.value must be a string or an integer".to_owned());
                None
            }
        };
        Some(Filter::Field {
            field: field?.to_owned(),
            comparison,
            value: value?,
        })
    }

    fn parse_members(object: &Map<String, Value>, problems: &mut Vec<String>) -> Option<Vec<Self>> {
        match object.get("filters").and_then(Value::as_array) {
            Some(members) if !members.is_empty() => {
                // Every member is parsed, so that one response names the problems of all.
                let read: Vec<_> = members
                    .iter()
                    .map(|member| Self::parse(member, problems))
                    .collect();
                read.into_iter().collect()
            }
            Some(_) => {
                problems.push("filter.filters must not be empty".to_owned());
                None
            }
            None => {
                problems.push("filter.filters must not be null".to_owned());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filter(value: &Value) -> Filter {
        let mut problems = Vec::new();
        let filter = Filter::parse(value, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        filter.expect("no fault, so a filter")
    }

    fn matches(value: &Value, labels: &[(&str, &str)]) -> bool {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        filter(value).matches(&labels.iter().map(own).collect())
    }

    #[test]
    fn comparison_is_lexicographic() {
        let over = json!({"field": "metric.partition", "op": "GT", "value": 10});
        assert!(matches(&over, &[("metric.partition", "9")]));
        assert!(!matches(&over, &[("metric.partition", "10")]));
        assert!(!matches(&over, &[("metric.partition", "1")]));
        let least = json!({"field": "metric.topic", "op": "GTE", "value": "é"});
        assert!(matches(&least, &[("metric.topic", "é")]));
        assert!(
            !matches(&least, &[("metric.topic", "z")]),
            "UTF-8 bytes put z before é"
        );
        let equal = json!({"field": "metric.partition", "op": "EQ", "value": -1});
        assert!(matches(&equal, &[("metric.partition", "-1")]));
    }

    #[test]
    fn operators_nest_and_a_missing_label_matches_nothing() {
        let not_a =
            json!({"op": "NOT", "filter": {"field": "metric.topic", "op": "EQ", "value": "a"}});
        assert!(
            matches(&not_a, &[]),
            "NOT of a comparison with a missing label is true"
        );
        assert!(!matches(&not_a, &[("metric.topic", "a")]));
        let above_empty = json!({"field": "metric.topic", "op": "GTE", "value": ""});
        assert!(!matches(&above_empty, &[]));
        let between = json!({"op": "AND", "filters": [
            {"field": "metric.topic", "op": "GT", "value": "a"},
            {"op": "NOT", "filter": {"op": "OR", "filters": [
                {"field": "metric.topic", "op": "GT", "value": "c"},
                {"op": "NOT", "filter": {"op": "NOT", "filter": {"field": "metric.topic", "op": "EQ", "value": "b"}}}
            ]}}
        ]});
        let found: Vec<_> = ["a", "aa", "b", "c", "d"]
            .into_iter()
            .filter(|topic| matches(&between, &[("metric.topic", topic)]))
            .collect();
        assert_eq!(found, ["aa", "c"]);
    }

    #[test]
    fn only_equality_outside_not_names_a_resource() {
        let tree = filter(&json!({"op": "AND", "filters": [
            {"op": "OR", "filters": [
                {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"},
                {"field": "resource.kafka.id", "op": "GT", "value": "lkc-2"}
            ]},
            {"op": "NOT", "filter": {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-3"}},
            {"field": "metric.topic", "op": "EQ", "value": "a"}
        ]}));
        let mut named = Vec::new();
        tree.resources(&mut named);
        assert_eq!(named, [("resource.kafka.id", "lkc-1")]);
    }

    #[test]
    fn every_fault_is_named() {
        let mut problems = Vec::new();
        let tree = json!({"op": "AND", "filters": [
            {"op": "LT", "field": "a", "value": "b"},
            {"op": "EQ", "value": 1.5},
            {"op": "OR", "filters": []},
            {"op": "NOT"},
            {"field": "a"},
            7
        ]});
        assert_eq!(Filter::parse(&tree, &mut problems), None);
        assert_eq!(
            problems,
            [
                "filter.op 'LT' is not one of EQ, GT, GTE, AND, OR, NOT",
                "filter.field must not be null",
                "filter.value must be a string or an integer",
                "filter.filters must not be empty",
                "filter.filter must not be null",
                "filter.op must not be null",
                "filter must be an object",
            ]
        );
    }
}
