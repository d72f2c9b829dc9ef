use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Not;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use crate::util::text::sanitize_line;

/// Which rows a query counts: comparisons of labels, joined by AND, OR and NOT.
///
/// Comparison is by the label's text, byte after byte: `"10"` is less than `"9"`. Making a filter never fails; one that
/// says nothing, such as [`one_of`](Self::one_of) nothing, is refused when the query is about to be sent. So is one that
/// exceeds 50 levels of nesting.
///
/// Most datasets want a [`Resource`] among the filters. Mirrors the vendor's
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
    /// Operands before their operator. A tree would be cloned, compared and dropped by recursion,
    /// and overflow the stack if it nests deeply.
    nodes: VecDeque<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Field {
        label: String,
        op: &'static str,
        value: FilterValue,
    },
    /// AND or OR of the `members` filters before it.
    Compound { op: &'static str, members: usize },
    /// NOT of the filter before it.
    Not,
    /// `one_of` without a value: kept with its label, so that the refusal can name it.
    EmptyOneOf { label: String },
}

/// A filter as a tree, in the form that is sent. Never deeper than [`MAX_DEPTH`].
#[derive(Serialize)]
#[serde(untagged)]
enum Tree<'a> {
    Field {
        field: &'a str,
        op: &'a str,
        value: &'a FilterValue,
    },
    Compound {
        op: &'a str,
        filters: Vec<Self>,
    },
    Not {
        op: &'a str,
        filter: Box<Self>,
    },
}

/// What a label is compared with: text, or a whole number, which the service compares as its decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterValue {
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value {
    Text(String),
    Integer(i64),
}

/// A resource of Confluent Cloud: what the service checks the key's rights against.
///
/// As a [`Filter`] it is `resource.<type>.id` equal to the id. Ids are opaque: nothing is assumed of their form.
/// See the vendor's [labels](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Labels).
///
/// ```
/// use confluent_metrics::{Filter, Resource};
///
/// assert_eq!(
///     Filter::from(Resource::kafka("lkc-1234")),
///     Filter::eq("resource.kafka.id", "lkc-1234"),
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    resource_type: String,
    id: String,
}

const AND: &str = "AND";
const OR: &str = "OR";

/// The deepest nesting that is sent. A list is two levels of JSON, and many parsers stop at 128.
const MAX_DEPTH: usize = 50;

impl Filter {
    /// Rows whose `label` equals `value`.
    pub fn eq(label: impl Into<String>, value: impl Into<FilterValue>) -> Self {
        Self::field(label, "EQ", value)
    }

    /// Rows whose `label` is greater than `value`, as text.
    pub fn gt(label: impl Into<String>, value: impl Into<FilterValue>) -> Self {
        Self::field(label, "GT", value)
    }

    /// Rows whose `label` is greater than or equal to `value`, as text.
    pub fn gte(label: impl Into<String>, value: impl Into<FilterValue>) -> Self {
        Self::field(label, "GTE", value)
    }

    /// Rows whose `label` equals one of `values`. Without any value the query is refused.
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

    /// Rows that pass every filter. Filters that are themselves such a list are taken into it; a single one is itself.
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::compound(AND, filters)
    }

    /// Rows that pass at least one filter. Filters that are themselves such a list are taken into it; a single one is
    /// itself.
    pub fn any(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::compound(OR, filters)
    }

    /// Rows that pass this filter and the `other`.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        Self::all([self, other.into()])
    }

    /// Rows that pass this filter or the `other`, or both.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        Self::any([self, other.into()])
    }

    /// Both, either, or neither: a filter that may be unset, and another.
    pub(crate) fn and_opt(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        }
    }

    /// Adds to `faults` what the service would not understand.
    pub(crate) fn validate(&self, faults: &mut Vec<String>) {
        for node in &self.nodes {
            match node {
                Node::Field { label, .. } if label.is_empty() => {
                    faults.push("a filter compares a label without a name".into());
                }
                Node::Field { label, .. } if label.split('.').any(str::is_empty) => {
                    let label = sanitize_line(label, 100);
                    faults.push(format!(
                        "the label \"{label}\" of a filter has an empty part"
                    ));
                }
                Node::Field { label, value, .. } if is_resource_id(label) && value.is_empty() => {
                    faults.push(format!(
                        "the filter on {} has an empty id",
                        sanitize_line(label, 100)
                    ));
                }
                Node::Compound { op, members: 0 } => {
                    let name = if *op == AND { "all" } else { "any" };
                    faults.push(format!("Filter::{name} has no member"));
                }
                Node::EmptyOneOf { label } => {
                    let label = sanitize_line(label, 100);
                    faults.push(format!("Filter::one_of has no value for \"{label}\""));
                }
                Node::Field { .. } | Node::Compound { .. } | Node::Not => {}
            }
        }
        if !self.can_be_sent() {
            faults.push(format!("the filter exceeds {MAX_DEPTH} levels of nesting"));
        }
    }

    /// Returns true if no row with this value of the label passes, whatever its other labels are.
    pub(crate) fn excludes(&self, label: &str, value: &str) -> bool {
        // What is known of each filter that is still an operand: if rows pass it.
        let mut known: Vec<Option<bool>> = Vec::new();
        for node in &self.nodes {
            let passes = match node {
                Node::Field {
                    label: own,
                    op,
                    value: bound,
                } if own == label => Some(bound.compare(value, op)),
                Node::Field { .. } => None,
                Node::EmptyOneOf { .. } => Some(false),
                Node::Not => known.pop().flatten().map(|passes| !passes),
                Node::Compound { op, members } => {
                    let members = known.split_off(known.len().saturating_sub(*members));
                    // One member that fails decides an AND, and one that passes an OR.
                    let decisive = *op != AND;
                    if members.contains(&Some(decisive)) {
                        Some(decisive)
                    } else if members.contains(&None) {
                        None
                    } else {
                        Some(!decisive)
                    }
                }
            };
            known.push(passes);
        }
        known.last() == Some(&Some(false))
    }

    /// Returns true if the filter nests no deeper than what is sent.
    pub(crate) fn can_be_sent(&self) -> bool {
        self.tree().is_some()
    }

    /// The filter as people read it, in text that may hold anything: `resource.kafka.id="lkc-1" and not metric.topic="a"`.
    pub(crate) fn words(&self) -> String {
        let too_deep = || format!("a filter of more than {MAX_DEPTH} levels");
        self.tree().map_or_else(too_deep, |tree| tree.words())
    }

    /// Returns the filter as a tree, or `None` if it exceeds [`MAX_DEPTH`].
    fn tree(&self) -> Option<Tree<'_>> {
        // Each tree with its depth.
        let mut done: Vec<(Tree<'_>, usize)> = Vec::new();
        for node in &self.nodes {
            let next = match node {
                Node::Field { label, op, value } => (
                    Tree::Field {
                        field: label,
                        op,
                        value,
                    },
                    1,
                ),
                Node::EmptyOneOf { .. } => (
                    Tree::Compound {
                        op: OR,
                        filters: Vec::new(),
                    },
                    1,
                ),
                Node::Compound { op, members } => {
                    let members = done.split_off(done.len().checked_sub(*members)?);
                    let depth = members.iter().map(|(_, depth)| *depth).max().unwrap_or(0);
                    let filters = members.into_iter().map(|(tree, _)| tree).collect();
                    (Tree::Compound { op, filters }, depth + 1)
                }
                Node::Not => {
                    let (tree, depth) = done.pop()?;
                    (
                        Tree::Not {
                            op: "NOT",
                            filter: Box::new(tree),
                        },
                        depth + 1,
                    )
                }
            };
            if next.1 > MAX_DEPTH {
                return None;
            }
            done.push(next);
        }
        done.pop().map(|(tree, _)| tree)
    }

    fn field(label: impl Into<String>, op: &'static str, value: impl Into<FilterValue>) -> Self {
        Self::leaf(Node::Field {
            label: label.into(),
            op,
            value: value.into(),
        })
    }

    fn leaf(node: Node) -> Self {
        Self {
            nodes: VecDeque::from([node]),
        }
    }

    fn compound(op: &'static str, filters: impl IntoIterator<Item = Self>) -> Self {
        let mut nodes = VecDeque::new();
        let mut count = 0;
        for mut filter in filters {
            match filter.nodes.back() {
                // An empty list stays a member: it is a fault that must not vanish.
                Some(Node::Compound { op: inner, members }) if *inner == op && *members > 0 => {
                    count += members;
                    filter.nodes.pop_back();
                }
                _ => count += 1,
            }
            nodes = joined(nodes, filter.nodes);
        }
        if count != 1 {
            nodes.push_back(Node::Compound { op, members: count });
        }
        Self { nodes }
    }
}

/// Appends `back` to `front`. The shorter one is moved, so that a loop of `or` takes linear time
/// whichever side grows.
fn joined(mut front: VecDeque<Node>, mut back: VecDeque<Node>) -> VecDeque<Node> {
    if front.len() >= back.len() {
        front.append(&mut back);
        return front;
    }
    for node in front.into_iter().rev() {
        back.push_front(node);
    }
    back
}

impl Tree<'_> {
    fn words(&self) -> String {
        match self {
            Tree::Field { field, op, value } => {
                let sign = match *op {
                    "GT" => ">",
                    "GTE" => ">=",
                    _ => "=",
                };
                match &value.value {
                    Value::Text(text) => format!("{field}{sign}{text:?}"),
                    Value::Integer(whole) => format!("{field}{sign}{whole}"),
                }
            }
            Tree::Compound { filters, .. } if filters.is_empty() => "nothing".into(),
            Tree::Compound { op, filters } => {
                let members: Vec<_> = filters.iter().map(Self::fmt_member).collect();
                members.join(if *op == AND { " and " } else { " or " })
            }
            Tree::Not { filter, .. } => format!("not {}", filter.fmt_member()),
        }
    }

    fn fmt_member(&self) -> String {
        match self {
            Tree::Compound { .. } => format!("({})", self.words()),
            Tree::Field { .. } | Tree::Not { .. } => self.words(),
        }
    }
}

impl Not for Filter {
    type Output = Self;

    /// Rows that do not pass the filter, those without the label among them.
    ///
    /// A method call binds tighter: `!a.or(b)` is `!(a.or(b))`.
    fn not(mut self) -> Self {
        self.nodes.push_back(Node::Not);
        self
    }
}

impl From<Resource> for Filter {
    fn from(resource: Resource) -> Self {
        Self::eq(
            format!("resource.{}.id", resource.resource_type),
            resource.id,
        )
    }
}

impl Serialize for Filter {
    /// Serializes the JSON that is sent.
    ///
    /// # Errors
    /// If the filter exceeds 50 levels of nesting.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.tree() {
            Some(tree) => tree.serialize(serializer),
            None => {
                let message = format!("the filter exceeds {MAX_DEPTH} levels of nesting");
                Err(S::Error::custom(message))
            }
        }
    }
}

impl FilterValue {
    fn is_empty(&self) -> bool {
        matches!(&self.value, Value::Text(text) if text.is_empty())
    }

    /// Compares the text of a label with this value, as the service does: byte by byte.
    fn compare(&self, text: &str, op: &str) -> bool {
        let bound = match &self.value {
            Value::Text(bound) => Cow::Borrowed(bound.as_str()),
            Value::Integer(bound) => Cow::Owned(bound.to_string()),
        };
        match op {
            "GT" => *text > *bound,
            "GTE" => *text >= *bound,
            _ => *text == *bound,
        }
    }
}

impl From<&str> for FilterValue {
    fn from(text: &str) -> Self {
        Self {
            value: Value::Text(text.to_owned()),
        }
    }
}

impl From<&String> for FilterValue {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for FilterValue {
    fn from(text: String) -> Self {
        Self {
            value: Value::Text(text),
        }
    }
}

impl From<i64> for FilterValue {
    fn from(whole: i64) -> Self {
        Self {
            value: Value::Integer(whole),
        }
    }
}

impl From<i32> for FilterValue {
    fn from(whole: i32) -> Self {
        Self::from(i64::from(whole))
    }
}

impl From<u32> for FilterValue {
    fn from(whole: u32) -> Self {
        Self::from(i64::from(whole))
    }
}

impl Serialize for FilterValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Integer(whole) => serializer.serialize_i64(*whole),
        }
    }
}

impl Resource {
    /// A resource of any type: `Resource::new("kafka", "lkc-1234")`.
    pub fn new(resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            resource_type: resource_type.into(),
            id: id.into(),
        }
    }

    /// A Kafka cluster, `lkc-…`.
    pub fn kafka(id: impl Into<String>) -> Self {
        Self::new("kafka", id)
    }

    /// A managed connector, `lcc-…`.
    pub fn connector(id: impl Into<String>) -> Self {
        Self::new("connector", id)
    }

    /// A custom connector, `clcc-…`, of the dataset `cloud-custom`.
    pub fn custom_connector(id: impl Into<String>) -> Self {
        Self::new("custom_connector", id)
    }

    /// A ksqlDB cluster, `lksqlc-…`.
    pub fn ksql(id: impl Into<String>) -> Self {
        Self::new("ksql", id)
    }

    /// A Schema Registry, `lsrc-…`.
    pub fn schema_registry(id: impl Into<String>) -> Self {
        Self::new("schema_registry", id)
    }

    /// A Flink compute pool, `lfcp-…`.
    pub fn compute_pool(id: impl Into<String>) -> Self {
        Self::new("compute_pool", id)
    }

    /// The type that a label or a parameter names: `resource.kafka.id`, `resource_kafka_id`.
    pub(crate) fn parse_resource_type(label: &str) -> Option<&str> {
        let between = |separator| {
            label
                .strip_prefix("resource")?
                .strip_prefix(separator)?
                .strip_suffix("id")?
                .strip_suffix(separator)
        };
        between('.')
            .or_else(|| between('_'))
            .filter(|kind| !kind.is_empty())
    }

    /// The type as the service names it: `kafka`, `schema_registry`, ….
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn is_resource_id(label: &str) -> bool {
    label.starts_with("resource.") && label.ends_with(".id")
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
    fn lists_of_a_kind_are_one_list_and_one_member_is_itself() {
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
    fn what_says_nothing_is_a_fault_wherever_it_hides() {
        let nested = Filter::all([
            topic("a"),
            Filter::any([]),
            !Filter::all([]),
            Filter::one_of("metric.topic", Vec::<String>::new()),
            Filter::eq("", "x"),
            Resource::kafka("").into(),
            Resource::new("", "lkc-1").into(),
        ]);
        let mut faults = Vec::new();
        nested.validate(&mut faults);
        assert_eq!(
            faults,
            [
                "Filter::any has no member",
                "Filter::all has no member",
                "Filter::one_of has no value for \"metric.topic\"",
                "a filter compares a label without a name",
                "the filter on resource.kafka.id has an empty id",
                "the label \"resource..id\" of a filter has an empty part",
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
            assert_eq!(filter.words(), "a filter of more than 50 levels");
            let error = serde_json::to_string(&filter).unwrap_err();
            assert_eq!(error.to_string(), "the filter exceeds 50 levels of nesting");
            let mut faults = Vec::new();
            filter.validate(&mut faults);
            assert_eq!(faults, ["the filter exceeds 50 levels of nesting"]);
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
