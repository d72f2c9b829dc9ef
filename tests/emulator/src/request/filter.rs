//! The filter of a query: a tree of comparisons on labels.

use serde_json::{Map, Value};

/// The labels of one series: wire names with their values, in the order of the names.
pub(crate) type Labels = Vec<(String, String)>;

/// The value of a label, if the series has it.
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
    /// Reads a filter; what is wrong with it is added to `faults`.
    pub(crate) fn parse(value: &Value, faults: &mut Vec<String>) -> Option<Self> {
        let Some(object) = value.as_object() else {
            faults.push("filter must be an object".to_owned());
            return None;
        };
        let Some(op) = object.get("op").and_then(Value::as_str) else {
            faults.push("filter.op must not be null".to_owned());
            return None;
        };
        match op {
            "EQ" => Self::read_field(object, Comparison::Equal, faults),
            "GT" => Self::read_field(object, Comparison::Greater, faults),
            "GTE" => Self::read_field(object, Comparison::GreaterOrEqual, faults),
            "AND" => Self::read_members(object, faults).map(Filter::All),
            "OR" => Self::read_members(object, faults).map(Filter::Any),
            "NOT" => match object.get("filter") {
                Some(inner) => Self::parse(inner, faults).map(|inner| Filter::Not(Box::new(inner))),
                None => {
                    faults.push("filter.filter must not be null".to_owned());
                    None
                }
            },
            other => {
                faults.push(format!(
                    "filter.op '{other}' is not one of EQ, GT, GTE, AND, OR, NOT"
                ));
                None
            }
        }
    }

    /// Whether a series with these labels is asked for.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        match self {
            // A label that the series lacks compares with nothing, so even GT of "" is false.
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

    /// Every label that the filter looks at.
    pub(crate) fn fields<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Filter::Field { field, .. } => into.push(field),
            Filter::All(members) | Filter::Any(members) => {
                members.iter().for_each(|member| member.fields(into));
            }
            Filter::Not(inner) => inner.fields(into),
        }
    }

    /// The resources it names, as label and value. One that is excluded, or only bounded, is not named.
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
                members.iter().for_each(|member| member.resources(into));
            }
            Filter::Field { .. } | Filter::Not(_) => {}
        }
    }

    fn read_field(
        object: &Map<String, Value>,
        comparison: Comparison,
        faults: &mut Vec<String>,
    ) -> Option<Self> {
        let field = object.get("field").and_then(Value::as_str);
        if field.is_none() {
            faults.push("filter.field must not be null".to_owned());
        }
        let value = match object.get("value") {
            Some(Value::String(text)) => Some(text.clone()),
            // Labels are strings, so an integer stands for its decimal text.
            Some(Value::Number(number)) if !number.is_f64() => Some(number.to_string()),
            None | Some(Value::Null) => {
                faults.push("filter.value must not be null".to_owned());
                None
            }
            Some(_) => {
                faults.push("filter.value must be a string or an integer".to_owned());
                None
            }
        };
        Some(Filter::Field {
            field: field?.to_owned(),
            comparison,
            value: value?,
        })
    }

    fn read_members(object: &Map<String, Value>, faults: &mut Vec<String>) -> Option<Vec<Self>> {
        match object.get("filters").and_then(Value::as_array) {
            Some(members) if !members.is_empty() => {
                // Every member is read, so that one answer names the faults of all of them.
                let read: Vec<_> = members
                    .iter()
                    .map(|member| Self::parse(member, faults))
                    .collect();
                read.into_iter().collect()
            }
            Some(_) => {
                faults.push("filter.filters must not be empty".to_owned());
                None
            }
            None => {
                faults.push("filter.filters must not be null".to_owned());
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
        let mut faults = Vec::new();
        let filter = Filter::parse(value, &mut faults);
        assert!(faults.is_empty(), "{faults:?}");
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
        let mut faults = Vec::new();
        let tree = json!({"op": "AND", "filters": [
            {"op": "LT", "field": "a", "value": "b"},
            {"op": "EQ", "value": 1.5},
            {"op": "OR", "filters": []},
            {"op": "NOT"},
            {"field": "a"},
            7
        ]});
        assert_eq!(Filter::parse(&tree, &mut faults), None);
        assert_eq!(
            faults,
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
