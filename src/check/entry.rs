//! Checks as entries of a file: the form that a check serializes to and is read from.
//!
//! ```json
//! {"metric": "io.confluent.kafka.server/consumer_lag_offsets", "resource": "kafka:lkc-1",
//!  "group-by": "metric.consumer_group_id", "last": "10m", "critical": "~:10000"}
//! ```
//!
//! The options of `metric_gate` go through this form, so that there is one table of names.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::check::change::{Change, Comparison};
use crate::check::check::Check;
use crate::check::entry_value::{
    Member, parse, parse_duration, parse_prefixed, parse_resource, parse_share, read_datapoints,
    read_expectations, read_filter, read_number, read_object, read_true, text_of, unknown_setting,
};
use crate::model::filter::Filter;
use crate::request::query::Query;
use crate::time::granularity::Granularity;
use crate::time::interval::Interval;
use crate::util::text::quote;

/// The settings that may have several values. Any other is refused if it has more than one.
const LISTS: &[&str] = &[
    "resource",
    "filter",
    "group-by",
    "interval",
    "divide-filter",
    "expect",
    "extra-aggregation",
];

/// The settings of a query, which an object in `divide-by` may have.
const QUERY: &[&str] = &[
    "metric",
    "resource",
    "filter",
    "group-by",
    "last",
    "interval",
    "retained",
    "since",
    "within",
    "granularity",
    "aggregation",
    "extra-aggregation",
    "order",
    "limit",
    "allow-truncated",
];

/// The settings that set the time, of which an entry has at most one.
const TIMES: &[&str] = &["last", "interval", "retained", "since", "within"];

impl<'de> Deserialize<'de> for Check {
    /// Reads an object whose members have the names of the options of `metric_gate`.
    ///
    /// Values are texts. Numbers are accepted as well, and a list of values for `resource`,
    /// `filter`, `group-by`, `expect` and `interval`.
    ///
    /// | member | value | setting |
    /// | --- | --- | --- |
    /// | `metric` | required | [`Query::new`] |
    /// | `name` | any text | [`Check::named`] |
    /// | `resource` | `kafka:lkc-1` | a filter; each of several must have data |
    /// | `filter` | `LABEL=VALUE`, `LABEL!=VALUE`, or a filter as in a request | [`Query::filter`] |
    /// | `group-by` | `LABEL,…` | [`Query::group_by`] |
    /// | `last` | `90s`, `15m`, `1h`, `2d`, or ISO 8601 | [`Interval::last`], 1 hour by default |
    /// | `interval` | [every text form](Interval#impl-FromStr-for-Interval) | [`Query::new`] |
    /// | `retained` | `true` | [`Interval::retained`] |
    /// | `since` | a time | [`Interval::since`] |
    /// | `within` | `START/END` | [`Interval::within`] |
    /// | `granularity` | `PT1M`, the default, … | [`Query::new`] |
    /// | `reduce` | `last`, `max`, … | [`Check::reduce`] |
    /// | `warning`, `critical` | a [range](crate::check::Threshold) | [`Check::critical`] |
    /// | `quantifier` | `any`, `all` or a number | [`Check::quantifier`] |
    /// | `datapoints` | `3/5` | [`Check::datapoints`] |
    /// | `compare-to` | as `last` | [`Check::compare_to`] |
    /// | `change` | `percent`, the default, … | [`Check::compare_to`] |
    /// | `divide-by` | a metric, or an object with members of a query | [`Check::divide_by`] |
    /// | `divide-filter` | as `filter` | replaces `filter` for `divide-by` |
    /// | `min-coverage` | `0.9` or `90%` | [`Check::min_coverage`] |
    /// | `max-age` | as `last` | [`Check::max_age`] |
    /// | `expect` | `LABEL=A,B`, or `{LABEL: [A, B]}` | [`Check::expect_labels`] |
    /// | `expect-at-least` | a number | [`Check::expect_at_least`] |
    /// | `on-missing` | `ok`, `warning`, … | [`Check::on_missing`] |
    /// | `aggregation` | `SUM`, `MIN`, `MAX` | [`Query::aggregation`] |
    /// | `extra-aggregation` | `{NAME: VALUE}` | [`Query::extra_aggregation`] |
    /// | `order`, `limit` | `DESCENDING`, a number | [`Query::order`], [`Query::limit`] |
    /// | `allow-truncated` | `true` | [`Query::allow_truncated`] |
    ///
    /// A metric in `divide-by` has the resources, filters, labels and intervals of the check. An
    /// object has the intervals and the granularity of the check unless it has its own.
    ///
    /// A check that is read is the same as one that is built: [`Check::validate`] finds what would
    /// be refused.
    ///
    /// # Errors
    ///
    /// All faults at once, each on a line that starts with the name of its member. A member that is
    /// unknown or occurs twice is a fault.
    ///
    /// ```
    /// use confluent_metrics::check::Check;
    ///
    /// let check: Check = serde_json::from_str(
    ///     r#"{"metric": "io.confluent.kafka.server/consumer_lag_offsets",
    ///         "resource": "kafka:lkc-1", "group-by": "metric.consumer_group_id",
    ///         "last": "10m", "warning": "~:1000", "critical": "~:10000"}"#,
    /// )?;
    /// assert_eq!(check.name(), "io.confluent.kafka.server/consumer_lag_offsets");
    ///
    /// let text = r#"{"metric": "sent_bytes", "lats": "10m", "critical": "10:2x"}"#;
    /// let error = serde_json::from_str::<Check>(text).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "lats: unknown setting; did you mean `last`?\n\
    ///      critical: invalid threshold \"10:2x\": unexpected 'x' at character 5"
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = deserializer.deserialize_map(MembersVisitor)?;
        read_check(&members).map_err(|faults| D::Error::custom(faults.join("\n")))
    }
}

/// The names and values of an object, in their order and with repetitions.
type Members = Vec<(String, Member)>;

/// Reads any object.
struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the settings of a check")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// The parts of a check that has not been read completely.
struct Entry {
    check: Check,
    /// Labels such as `resource.kafka.id`, each with an id.
    resources: Vec<(String, String)>,
    /// The filters, which are added after the resources.
    filters: Vec<Filter>,
    intervals: Vec<Interval>,
    compare_to: Option<Duration>,
    change: Option<Change>,
    /// The metric, or the object.
    divide_by: Option<Value>,
    divide_filters: Vec<Filter>,
    faults: Vec<String>,
}

/// Creates the check, or returns all faults.
fn read_check(members: &Members) -> Result<Check, Vec<String>> {
    let mut entry = Entry::read(members);
    let query = entry.query();
    let divisor = entry.divisor(&query);
    match (entry.compare_to, entry.change) {
        (Some(shift), change) => {
            // A percentage has the same meaning for metrics of any size.
            let change = change.unwrap_or(Change::Percent);
            entry.check.comparison = Some(Comparison { shift, change });
        }
        (None, Some(_)) => entry
            .faults
            .push("change: requires `compare-to`".to_owned()),
        (None, None) => {}
    }
    if !entry.faults.is_empty() {
        return Err(entry.faults);
    }
    let mut check = entry.check;
    if entry.resources.len() > 1 {
        // Data of one resource must not hide that another has none.
        for (label, id) in entry.resources {
            check.expected_labels.push((label, vec![id]));
        }
    }
    // Set last, because the query of the entry is complete only now.
    check.query = query;
    check.divisor = divisor;
    Ok(check)
}

/// Returns a name as one line of bounded length.
fn shown(name: &str) -> String {
    if name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && name.len() < 60
    {
        name.to_owned()
    } else {
        quote(name, 60)
    }
}

impl Entry {
    /// Reads every member, and adds a fault for each that is invalid.
    fn read(members: &Members) -> Self {
        let last_hour = Interval::last_hours(1);
        let mut entry = Self {
            check: Check::new(Query::new("", Granularity::OneMinute, last_hour)),
            resources: Vec::new(),
            filters: Vec::new(),
            intervals: Vec::new(),
            compare_to: None,
            change: None,
            divide_by: None,
            divide_filters: Vec::new(),
            faults: Vec::new(),
        };
        if !members.iter().any(|(name, _)| name == "metric") {
            entry.faults.push("metric: missing".to_owned());
        }
        let mut time: Option<&str> = None;
        for (index, (name, member)) in members.iter().enumerate() {
            // A linear search: an entry has some twenty settings.
            if members[..index].iter().any(|(other, _)| other == name) {
                let name = shown(name);
                entry.faults.push(format!("{name}: duplicate setting"));
                continue;
            }
            if TIMES.contains(&name.as_str()) {
                if let Some(other) = time {
                    let fault = format!("{name}: cannot be used together with `{other}`");
                    entry.faults.push(fault);
                }
                time = Some(name);
            }
            if let Some(duplicate) = &member.duplicate {
                let name = shown(name);
                let duplicate = quote(duplicate, 60);
                let fault = format!("{name}: duplicate member {duplicate}");
                entry.faults.push(fault);
                continue;
            }
            entry.set(name, &member.value);
        }
        entry
    }

    /// Sets one member, each of its values if it is a list.
    fn set(&mut self, name: &str, value: &Value) {
        match value {
            Value::Array(values) if LISTS.contains(&name) => {
                if values.is_empty() {
                    self.faults.push(format!("{name}: the list is empty"));
                }
                for (index, value) in values.iter().enumerate() {
                    if let Err(fault) = self.set_one(name, value, true) {
                        self.faults.push(format!("{name}[{index}]: {fault}"));
                    }
                }
            }
            value => {
                if let Err(fault) = self.set_one(name, value, false) {
                    self.faults.push(format!("{}: {fault}", shown(name)));
                }
            }
        }
    }

    /// Sets one value. A text that is no member of a list may have several, separated by commas.
    fn set_one(&mut self, name: &str, value: &Value, in_list: bool) -> Result<(), String> {
        let check = &mut self.check;
        match name {
            "metric" => check.query.metric = text_of(value)?,
            "name" => check.name = Some(text_of(value)?),
            "resource" => self.resources.push(parse_resource(&text_of(value)?)?),
            "filter" => self.filters.push(read_filter(value)?),
            "group-by" if in_list => check.query.group_by.push(text_of(value)?),
            "group-by" => {
                let labels = text_of(value)?;
                check
                    .query
                    .group_by
                    .extend(labels.split(',').map(str::to_owned));
            }
            "last" => self
                .intervals
                .push(Interval::last(parse_duration(&text_of(value)?)?)),
            "interval" => self.intervals.push(parse(value)?),
            "retained" => {
                read_true(value)?;
                self.intervals.push(Interval::retained());
            }
            "since" => self.intervals.push(parse_prefixed("since", value)?),
            "within" => self.intervals.push(parse_prefixed("within", value)?),
            "granularity" => check.query.granularity = parse(value)?,
            "reduce" => check.reduce = parse(value)?,
            "datapoints" => check.datapoints = Some(read_datapoints(&text_of(value)?)?),
            "compare-to" => self.compare_to = Some(parse_duration(&text_of(value)?)?),
            "change" => self.change = Some(parse(value)?),
            "divide-by" => self.divide_by = Some(value.clone()),
            "divide-filter" => self.divide_filters.push(read_filter(value)?),
            "warning" => check.thresholds.warning = Some(parse(value)?),
            "critical" => check.thresholds.critical = Some(parse(value)?),
            "quantifier" => check.quantifier = parse(value)?,
            "min-coverage" => check.limits.min_coverage = Some(parse_share(&text_of(value)?)?),
            "max-age" => check.limits.max_age = Some(parse_duration(&text_of(value)?)?),
            "expect" => check.expected_labels.extend(read_expectations(value)?),
            "expect-at-least" => check.min_series = Some(read_number(value)?),
            "on-missing" => check.on_missing = parse(value)?,
            "aggregation" => check.query.aggregation = Some(parse(value)?),
            "extra-aggregation" => {
                for (name, value) in read_object(value)? {
                    let field = (name.clone(), text_of(value)?);
                    check.query.extra_aggregation.push(field);
                }
            }
            "order" => check.query.order = Some(parse(value)?),
            "limit" => check.query.limit = Some(read_number(value)?),
            "allow-truncated" => {
                read_true(value)?;
                check.query.allow_truncated = true;
            }
            _ => return Err(unknown_setting(name)),
        }
        Ok(())
    }

    /// Returns the query that the members describe.
    fn query(&self) -> Query {
        let mut query = self.check.query.clone();
        if !self.intervals.is_empty() {
            query.intervals.clone_from(&self.intervals);
        }
        query.filter = self.filter_with(&self.filters);
        if self.resources.len() > 1 {
            for (label, _) in &self.resources {
                if !query.group_by.contains(label) {
                    query.group_by.push(label.clone());
                }
            }
        }
        query
    }

    /// Returns a filter for the resources and all of these filters.
    fn filter_with(&self, filters: &[Filter]) -> Option<Filter> {
        let mut resources = Vec::new();
        for (label, id) in &self.resources {
            resources.push(Filter::eq(label, id));
        }
        let mut all = (!resources.is_empty()).then(|| Filter::any(resources));
        for filter in filters {
            all = Filter::and_opt(all, Some(filter.clone()));
        }
        all
    }

    /// Returns the query to divide by, if there is one.
    fn divisor(&mut self, query: &Query) -> Option<Query> {
        let filters = if self.divide_filters.is_empty() {
            &self.filters
        } else {
            &self.divide_filters
        };
        match &self.divide_by {
            None if self.divide_filters.is_empty() => None,
            None => {
                let fault = "divide-filter: requires `divide-by`".to_owned();
                self.faults.push(fault);
                None
            }
            Some(Value::Object(_)) if !self.divide_filters.is_empty() => {
                let fault = "divide-filter: requires `divide-by` to be a metric".to_owned();
                self.faults.push(fault);
                None
            }
            Some(Value::Object(members)) => {
                let members: Members = members
                    .iter()
                    .map(|(name, value)| (name.clone(), Member::new(value.clone())))
                    .collect();
                let divisor = Self::read(&members);
                for fault in &divisor.faults {
                    self.faults.push(format!("divide-by.{fault}"));
                }
                for (name, _) in &members {
                    if divisor.faults.is_empty() && !QUERY.contains(&name.as_str()) {
                        let fault = format!("divide-by.{name}: not a setting of a query");
                        self.faults.push(fault);
                    }
                }
                let mut divisor_query = divisor.query();
                if divisor.intervals.is_empty() {
                    divisor_query.intervals.clone_from(&query.intervals);
                }
                if !members.iter().any(|(name, _)| name == "granularity") {
                    divisor_query.granularity = query.granularity;
                }
                Some(divisor_query)
            }
            Some(metric) => {
                let filter = self.filter_with(filters);
                match text_of(metric) {
                    Ok(metric) => Some(Query {
                        metric,
                        filter,
                        aggregation: None,
                        extra_aggregation: Vec::new(),
                        order: None,
                        limit: None,
                        ..query.clone()
                    }),
                    Err(fault) => {
                        self.faults.push(format!("divide-by: {fault}"));
                        None
                    }
                }
            }
        }
    }
}
