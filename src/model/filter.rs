//! Filters on labels, stored as a flat list in reverse Polish notation.
//!
//! ```text
//! filter   a = 1 and not (b = 2 or c = 3)
//! nodes    a=1  b=2  c=3  OR(2)  NOT  AND(2)
//! ```
//!
//! It is evaluated from the first node to the last, with a stack of operands. See
//! <https://en.wikipedia.org/wiki/Reverse_Polish_notation>.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Not;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::model::filter_tree::{Comparison, FilterMembers, Junction, Op, Tree};
use crate::model::filter_value::FilterValue;
use crate::model::resource::Resource;
use crate::util::text::{quote, sanitize_line};

/// A condition on the rows of a query: comparisons of labels, combined by AND, OR and NOT.
///
/// Labels are compared as text, byte by byte: `"10"` is less than `"9"`.
///
/// Creating a filter never fails. Sending one fails without content, such as
/// [`one_of`](Self::one_of) of no values, and beyond 50 levels of nesting.
///
/// Most datasets require a [`Resource`] among the filters. Mirrors the vendor's
/// [`filter`](https://api.telemetry.confluent.cloud/docs#tag/Version-2/paths/~1v2~1metrics~1%7Bdataset%7D~1query/post).
///
/// ```
/// use confluent_metrics::{Filter, Resource};
///
/// let filter = Filter::from(Resource::kafka("lkc-1234"))
///     .and(!Filter::eq("metric.topic", "audit"))
///     .and(Filter::one_of("metric.partition", [0, 1]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Operands before their operator, in reverse Polish notation. A tree would be cloned, compared
    /// and dropped by recursion, and overflow the stack if it nests deeply.
    nodes: VecDeque<Node>,
}

/// An operand or an operator of the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// A comparison of a label with a value.
    Field {
        label: String,
        op: Comparison,
        value: FilterValue,
    },
    /// AND or OR of the `members` filters before it.
    Compound { op: Junction, members: usize },
    /// NOT of the filter before it.
    Not,
    /// `one_of` without a value. It keeps its label, so that the error can name it.
    EmptyOneOf { label: String },
}

/// The deepest nesting that is sent. A list is two levels of JSON, and many parsers stop at 128.
const MAX_DEPTH: usize = 50;

impl Filter {
    /// Matches rows whose `label` equals `value`.
    ///
    /// ```
    /// use confluent_metrics::Filter;
    ///
    /// let filter = Filter::eq("metric.topic", "orders");
    /// # let _ = filter;
    /// ```
    #[doc(alias = "==")]
    pub fn eq(label: impl Into<String>, value: impl Into<FilterValue>) -> Self {
        Self::field(label, Comparison::Eq, value)
    }

    /// Matches rows whose `label` is greater than `value`, as text.
    ///
    /// ```
    /// use confluent_metrics::Filter;
    ///
    /// let filter = Filter::gt("metric.topic", "orders");
    /// # let _ = filter;
    /// ```
    #[doc(alias = ">")]
    pub fn gt(label: impl Into<String>, value: impl Into<FilterValue>) -> Self {
        Self::field(label, Comparison::Gt, value)
    }

    /// Matches rows whose `label` is greater than or equal to `value`, as text.
    ///
    /// ```
    /// use confluent_metrics::Filter;
    ///
    /// let filter = Filter::gte("metric.topic", "orders");
    /// # let _ = filter;
    /// ```
    #[doc(alias = ">=")]
    pub fn gte(label: impl Into<String>, value: impl Into<FilterValue>) -> Self {
        Self::field(label, Comparison::Gte, value)
    }

    /// Matches rows whose `label` equals one of `values`.
    ///
    /// An empty list of values is invalid.
    ///
    /// If the values are ids of resources, the service leaves out those that the key has no access
    /// to, without a sign of it. Group by the label, and check that each id is there, or use
    /// [`Client::check_access`](crate::Client::check_access) or a query for each resource.
    ///
    /// ```
    /// use confluent_metrics::Filter;
    ///
    /// let filter = Filter::one_of("metric.topic", ["orders", "payments"]);
    /// # let _ = filter;
    /// ```
    #[doc(alias = "in")]
    pub fn one_of<V: Into<FilterValue>>(
        label: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let label = label.into();
        let members: Vec<_> = values
            .into_iter()
            .map(|value| Self::eq(label.clone(), value))
            .collect();
        if members.is_empty() {
            Self::leaf(Node::EmptyOneOf { label })
        } else {
            Self::any(members)
        }
    }

    /// Matches rows that pass every filter.
    ///
    /// Nested `all` filters are flattened, and a single filter is returned as is.
    ///
    /// ```
    /// use confluent_metrics::{Filter, Resource};
    ///
    /// let filter = Filter::all([
    ///     Resource::kafka("lkc-1234").into(),
    ///     Filter::eq("metric.topic", "orders"),
    /// ]);
    /// # let _ = filter;
    /// ```
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::compound(Junction::And, filters)
    }

    /// Matches rows that pass at least one filter.
    ///
    /// Nested `any` filters are flattened, and a single filter is returned as is.
    ///
    /// ```
    /// use confluent_metrics::{Filter, Resource};
    ///
    /// let clusters = ["lkc-1234", "lkc-5678"];
    /// let filter = Filter::any(clusters.map(|id| Resource::kafka(id).into()));
    /// # let _ = filter;
    /// ```
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::compound(Junction::Or, filters)
    }

    /// Matches rows that pass this filter and the `other` one.
    ///
    /// ```
    /// use confluent_metrics::{Filter, Resource};
    ///
    /// let topic = Filter::eq("metric.topic", "orders");
    /// let filter = topic.and(Resource::kafka("lkc-1234"));
    /// # let _ = filter;
    /// ```
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        Self::all([self, other.into()])
    }

    /// Matches rows that pass this filter or the `other` one, or both.
    ///
    /// ```
    /// use confluent_metrics::Filter;
    ///
    /// let filter = Filter::eq("metric.topic", "orders").or(Filter::eq("metric.topic", "payments"));
    /// assert_eq!(filter, Filter::one_of("metric.topic", ["orders", "payments"]));
    /// ```
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        Self::any([self, other.into()])
    }

    /// Combines two optional filters by AND.
    pub(crate) fn and_opt(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }

    /// Adds the problems of a filter that the service would reject.
    pub(crate) fn validate(&self, problems: &mut Vec<String>) {
        for node in &self.nodes {
            match node {
                Node::Field { label, .. } if label.is_empty() => {
                    problems.push("filter label is empty".into());
                }
                Node::Field { label, .. } if label.split('.').any(str::is_empty) => {
                    let label = quote(label, 100);
                    problems.push(format!("filter label {label} has an empty segment"));
                }
                Node::Field { label, value, .. } if is_resource_id(label) && value.is_empty() => {
                    let label = sanitize_line(label, 100);
                    problems.push(format!("filter on {label} has an empty id"));
                }
                Node::Compound { op, members: 0 } => {
                    let name = match op {
                        Junction::And => "all",
                        Junction::Or => "any",
                    };
                    problems.push(format!("Filter::{name} is empty"));
                }
                Node::EmptyOneOf { label } => {
                    let label = quote(label, 100);
                    problems.push(format!("Filter::one_of({label}) has no values"));
                }
                Node::Field { .. } | Node::Compound { .. } | Node::Not => {}
            }
        }
        if !self.can_be_sent() {
            problems.push(format!("filter exceeds {MAX_DEPTH} levels of nesting"));
        }
    }

    /// Returns true if no row with this value of the label passes, whatever its other labels are.
    ///
    /// Evaluates the filter in three-valued logic: an operand that depends on other labels is
    /// unknown.
    pub(crate) fn excludes(&self, label: &str, value: &str) -> bool {
        // Kleene's logic: https://en.wikipedia.org/wiki/Three-valued_logic
        let mut operands: Vec<Option<bool>> = Vec::new();
        for node in &self.nodes {
            let passes = match node {
                Node::Field {
                    label: own,
                    op,
                    value: bound,
                } if own == label => Some(op.compare(value, &bound.as_text())),
                Node::Field { .. } => None,
                Node::EmptyOneOf { .. } => Some(false),
                Node::Not => operands.pop().flatten().map(|passes| !passes),
                Node::Compound { op, members } => {
                    let members = operands.split_off(operands.len().saturating_sub(*members));
                    // One member that fails decides an AND, and one that passes an OR.
                    let decisive = *op == Junction::Or;
                    if members.contains(&Some(decisive)) {
                        Some(decisive)
                    } else if members.contains(&None) {
                        None
                    } else {
                        Some(!decisive)
                    }
                }
            };
            operands.push(passes);
        }
        operands.last() == Some(&Some(false))
    }

    /// Returns true if the nesting does not exceed [`MAX_DEPTH`].
    pub(crate) fn can_be_sent(&self) -> bool {
        self.tree().is_some()
    }

    /// Returns the filter as a tree, or `None` if it exceeds [`MAX_DEPTH`].
    fn tree(&self) -> Option<Tree<'_>> {
        // Each tree with its depth.
        let mut done: Vec<(Tree<'_>, usize)> = Vec::new();
        for node in &self.nodes {
            let next = match node {
                Node::Field { label, op, value } => {
                    // The tree borrows texts from the list, so building it copies no value.
                    let op = *op;
                    let field = label;
                    (Tree::Field { field, op, value }, 1)
                }
                Node::EmptyOneOf { .. } => {
                    let op = Junction::Or;
                    let filters = Vec::new();
                    (Tree::Compound { op, filters }, 1)
                }
                Node::Compound { op, members } => {
                    let members = done.split_off(done.len().checked_sub(*members)?);
                    let depth = members.iter().map(|(_, depth)| *depth).max().unwrap_or(0);
                    let filters = members.into_iter().map(|(tree, _)| tree).collect();
                    (Tree::Compound { op: *op, filters }, depth + 1)
                }
                Node::Not => {
                    let (tree, depth) = done.pop()?;
                    let filter = Box::new(tree);
                    (Tree::Not { op: "NOT", filter }, depth + 1)
                }
            };
            // The tree is limited as it grows, so that dropping it by recursion is safe.
            if next.1 > MAX_DEPTH {
                return None;
            }
            done.push(next);
        }
        done.pop().map(|(tree, _)| tree)
    }

    /// Creates a filter of one comparison.
    fn field(label: impl Into<String>, op: Comparison, value: impl Into<FilterValue>) -> Self {
        Self::leaf(Node::Field {
            label: label.into(),
            op,
            value: value.into(),
        })
    }

    /// Creates a filter of one node.
    fn leaf(node: Node) -> Self {
        Self {
            nodes: VecDeque::from([node]),
        }
    }

    /// Combines filters by `op`, and takes the members of those with the same operator.
    fn compound(op: Junction, filters: impl IntoIterator<Item = Self>) -> Self {
        let mut nodes = VecDeque::new();
        let mut count = 0;
        for mut filter in filters {
            match filter.nodes.back() {
                // An empty list stays a member, so that it is still reported.
                // AND and OR are associative, so a chain of `and` has one level instead of many.
                Some(Node::Compound { op: inner, members }) if *inner == op && *members > 0 => {
                    count += members;
                    filter.nodes.pop_back();
                }
                _ => count += 1,
            }
            nodes = concat(nodes, filter.nodes);
        }
        // A list of one filter is that filter. A list of none stays, to be reported.
        if count != 1 {
            nodes.push_back(Node::Compound { op, members: count });
        }
        Self { nodes }
    }
}

impl fmt::Display for Filter {
    /// Prints the filter for people: `resource.kafka.id="lkc-1" and not metric.topic="a"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tree() {
            Some(tree) => tree.fmt(f),
            None => write!(f, "a filter of more than {MAX_DEPTH} levels"),
        }
    }
}

impl Not for Filter {
    type Output = Self;

    /// Matches rows that do not pass this filter, including rows without the label.
    ///
    /// A method call binds tighter: `!a.or(b)` is `!(a.or(b))`.
    fn not(mut self) -> Self {
        self.nodes.push_back(Node::Not);
        self
    }
}

impl From<Resource> for Filter {
    fn from(resource: Resource) -> Self {
        Self::eq(resource.label(), resource.id())
    }
}

impl Serialize for Filter {
    /// Serializes the JSON that is sent.
    ///
    /// [`one_of`](Self::one_of) of no values is written as [`any`](Self::any) of no filters. A query
    /// with either of them is refused.
    ///
    /// # Errors
    ///
    /// If the filter exceeds 50 levels of nesting.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(tree) = self.tree() else {
            let message = format!("filter exceeds {MAX_DEPTH} levels of nesting");
            return Err(ser::Error::custom(message));
        };
        tree.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filter {
    /// Deserializes the JSON that is sent.
    ///
    /// Like a filter that is built, it is checked when a query is sent.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let FilterMembers {
            op,
            field,
            value,
            filters,
            filter,
        } = FilterMembers::deserialize(deserializer)?;
        match (op, field, value, filters, filter) {
            (Op::Eq, Some(label), Some(value), None, None) => Ok(Self::eq(label, value)),
            (Op::Gt, Some(label), Some(value), None, None) => Ok(Self::gt(label, value)),
            (Op::Gte, Some(label), Some(value), None, None) => Ok(Self::gte(label, value)),
            (Op::And, None, None, Some(filters), None) => Ok(Self::all(filters)),
            (Op::Or, None, None, Some(filters), None) => Ok(Self::any(filters)),
            (Op::Not, None, None, None, Some(filter)) => Ok(!*filter),
            (Op::Eq | Op::Gt | Op::Gte, ..) => Err(de::Error::custom(
                "expected `field` and `value` with this `op`",
            )),
            (Op::And | Op::Or, ..) => Err(de::Error::custom("expected `filters` with this `op`")),
            (Op::Not, ..) => Err(de::Error::custom("expected `filter` with `op` NOT")),
        }
    }
}

/// Appends `back` to `front`.
///
/// The shorter one is moved, so that a loop of `or` takes linear time whichever side grows.
fn concat(mut front: VecDeque<Node>, mut back: VecDeque<Node>) -> VecDeque<Node> {
    if front.len() >= back.len() {
        front.append(&mut back);
        return front;
    }
    for node in front.into_iter().rev() {
        back.push_front(node);
    }
    back
}

/// Returns true for a label such as `resource.kafka.id`.
fn is_resource_id(label: &str) -> bool {
    label.starts_with("resource.") && label.rsplit('.').next() == Some("id")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn topic(name: &str) -> Filter {
        Filter::eq("metric.topic", name)
    }

    #[test]
    fn every_shape_is_the_documented_json() {
        for (filter, expected) in [
            (
                topic("a"),
                r#"{"field":"metric.topic","op":"EQ","value":"a"}"#,
            ),
            (
                Filter::gt("metric.topic", "a\"é"),
                r#"{"field":"metric.topic","op":"GT","value":"a\"é"}"#,
            ),
            (
                Filter::gte("metric.partition", 7),
                r#"{"field":"metric.partition","op":"GTE","value":7}"#,
            ),
            (
                Resource::kafka("lkc-1").into(),
                r#"{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"}"#,
            ),
            (
                !topic("a"),
                r#"{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"a"}}"#,
            ),
            (
                Filter::one_of("metric.partition", [1, 2]),
                r#"{"op":"OR","filters":[{"field":"metric.partition","op":"EQ","value":1},{"field":"metric.partition","op":"EQ","value":2}]}"#,
            ),
            (
                topic("a").and((!topic("b")).or(topic("c"))),
                r#"{"op":"AND","filters":[{"field":"metric.topic","op":"EQ","value":"a"},{"op":"OR","filters":[{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"b"}},{"field":"metric.topic","op":"EQ","value":"c"}]}]}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&filter).unwrap(), expected);
        }
    }

    #[test]
    fn nested_lists_are_flattened_and_a_single_member_is_returned_as_is() {
        let (a, b, c) = (topic("a"), topic("b"), topic("c"));
        assert_eq!(
            a.clone().and(b.clone()).and(c.clone()),
            Filter::all([a.clone(), Filter::all([b.clone(), c.clone()])])
        );
        assert_eq!(
            a.clone().or(b.clone().or(c.clone())),
            Filter::any([a.clone(), b.clone(), c.clone()])
        );
        assert_ne!(
            a.clone().or(b.clone()).and(c.clone()),
            a.clone().or(b.clone().and(c))
        );
        assert_eq!(Filter::all([a.clone()]), a);
        assert_eq!(Filter::one_of("metric.topic", ["b"]), b);
    }

    #[test]
    fn an_empty_filter_is_a_problem_wherever_it_is_nested() {
        let nested = Filter::all([
            topic("a"),
            Filter::any([]),
            !Filter::all([]),
            Filter::one_of("metric.topic", Vec::<String>::new()),
            Filter::eq("", "x"),
            Resource::kafka("").into(),
            Resource::new("", "lkc-1").into(),
        ]);
        let mut problems = Vec::new();
        nested.validate(&mut problems);
        assert_eq!(
            problems,
            [
                "Filter::any is empty",
                "Filter::all is empty",
                "Filter::one_of(\"metric.topic\") has no values",
                "filter label is empty",
                "filter on resource.kafka.id has an empty id",
                "filter label \"resource..id\" has an empty segment",
            ]
        );
    }

    /// Stacks of tests are 2 MB, and each of these levels would take about 100 bytes of one.
    const DEEP: usize = 100_000;

    #[test]
    fn a_filter_of_any_depth_is_built_compared_printed_and_dropped() {
        let mut negated = topic("a");
        let mut alternating = topic("a");
        for _ in 0..DEEP {
            negated = !negated;
            alternating = alternating.or(topic("b")).and(topic("c"));
        }
        for filter in [negated, alternating] {
            let copy = filter.clone();
            assert_eq!(copy, filter);
            assert_ne!(!copy.clone(), filter);
            let mut hashed = HashSet::from([copy]);
            assert!(!hashed.insert(filter.clone()));
            assert!(format!("{filter:?}").len() > DEEP);
            assert_eq!(filter.to_string(), "a filter of more than 50 levels");
            let error = serde_json::to_string(&filter).unwrap_err();
            assert_eq!(error.to_string(), "filter exceeds 50 levels of nesting");
            let mut problems = Vec::new();
            filter.validate(&mut problems);
            assert_eq!(problems, ["filter exceeds 50 levels of nesting"]);
        }
    }

    #[test]
    fn fifty_levels_are_sent() {
        let levels = |count: usize| (1..count).fold(topic("a"), |filter, _| !filter);
        assert!(levels(50).can_be_sent());
        assert!(!levels(51).can_be_sent());
        assert_eq!(
            serde_json::to_string(&levels(3)).unwrap(),
            r#"{"op":"NOT","filter":{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"a"}}}"#
        );
        // Each list is two levels of JSON, and the deepest filter is still read back by serde_json.
        let lists = (0..49).fold(topic("a"), |filter, level| match level % 2 {
            0 => filter.or(topic("b")),
            _ => filter.and(topic("b")),
        });
        let json = serde_json::to_string(&lists).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }

    #[test]
    fn filters_joined_in_a_loop_are_one_list_from_either_side() {
        const COUNT: usize = 100_000;
        let names: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
        let all: Vec<_> = names.iter().map(|name| topic(name)).collect();
        let front = all.iter().cloned().reduce(Filter::or).unwrap();
        let back = all
            .iter()
            .rev()
            .cloned()
            .reduce(|filter, other| other.or(filter))
            .unwrap();
        assert_eq!(front, Filter::any(all));
        assert_eq!(back, front);
        assert!(front.can_be_sent());
    }

    #[test]
    fn a_filter_excludes_what_can_never_pass_it() {
        let cluster = || Filter::from(Resource::kafka("lkc-1"));
        let partition = |bound: i64| Filter::gte("metric.partition", bound);
        for (filter, label, value, excludes) in [
            (topic("a"), "metric.topic", "a", false),
            (topic("a"), "metric.topic", "b", true),
            (topic("a"), "metric.other", "b", false),
            (!topic("a"), "metric.topic", "a", true),
            (!topic("a"), "metric.topic", "b", false),
            (!topic("a"), "metric.other", "a", false),
            (cluster().and(topic("a")), "metric.topic", "b", true),
            (cluster().or(topic("a")), "metric.topic", "b", false),
            (topic("a").or(topic("b")), "metric.topic", "c", true),
            (!(cluster().and(topic("a"))), "metric.topic", "a", false),
            (!(cluster().or(topic("a"))), "metric.topic", "a", true),
            (
                Filter::one_of("metric.topic", ["a", "b"]),
                "metric.topic",
                "b",
                false,
            ),
            (Filter::gt("metric.topic", "b"), "metric.topic", "b", true),
            (Filter::gt("metric.topic", "b"), "metric.topic", "ba", false),
            (partition(10), "metric.partition", "9", false),
            (partition(10), "metric.partition", "1", true),
            (Filter::all([]), "metric.topic", "a", false),
        ] {
            assert_eq!(
                filter.excludes(label, value),
                excludes,
                "{label}={value} by {filter:?}"
            );
        }
    }
}
