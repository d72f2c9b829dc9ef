//! The body of the response to a query, written as text.

use std::collections::HashMap;

use crate::config::Style;
use crate::evaluate::{Group, Page};
use crate::format::java_double;
use crate::format::rfc3339;
use crate::paging::NextPage;
use crate::request::query::{Format, Query};

/// Returns the body of the response to a query, with `meta` if requested.
pub(crate) fn encode_query(
    query: &Query,
    page: &Page,
    next: &NextPage,
    meta: bool,
    style: Style,
) -> String {
    let mut writer = Writer {
        out: String::new(),
        style,
        times: HashMap::new(),
    };
    writer.out.push_str("{\"data\":[");
    match query.format {
        Format::Flat => writer.flat(query, &page.groups),
        Format::Grouped => writer.grouped(query, &page.groups),
    }
    writer.out.push(']');
    if meta {
        writer.meta(query, next);
    }
    if let Some(link) = &next.link {
        writer.out.push_str(",\"links\":{\"next\":");
        string(&mut writer.out, link);
        writer.extra(",\"unheard_of\":null");
        writer.out.push('}');
    }
    writer.extra(",\"unheard_of\":{\"list\":[1,{\"deep\":true}],\"text\":\"]}\"}");
    writer.out.push('}');
    writer.out
}

/// Appends a JSON string.
fn string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

struct Writer {
    out: String,
    style: Style,
    /// Printed times, because every group has the same ones.
    times: HashMap<i64, String>,
}

impl Writer {
    /// Writes one row for each point, in order of time, then of groups.
    fn flat(&mut self, query: &Query, groups: &[Group]) {
        let labels: Vec<String> = groups
            .iter()
            .map(|group| self.labels(query, group))
            .collect();
        let mut rows: Vec<(i64, usize, Option<f64>)> = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            rows.extend(
                group
                    .points
                    .iter()
                    .map(|(time, value)| (*time, index, *value)),
            );
        }
        // The sort is stable, so the groups stay in order.
        if self.style.newest_first {
            rows.sort_by_key(|(time, _, _)| std::cmp::Reverse(*time));
        } else {
            rows.sort_by_key(|(time, _, _)| *time);
        }
        for (number, (time, index, value)) in rows.into_iter().enumerate() {
            self.out.push_str(if number > 0 { ",{" } else { "{" });
            self.point(time, value);
            if let Some(label) = labels.get(index).filter(|label| !label.is_empty()) {
                self.out.push(',');
                self.out.push_str(label);
            }
            self.extra(",\"unheard_of\":[{\"value\":1}]");
            self.out.push('}');
        }
    }

    fn grouped(&mut self, query: &Query, groups: &[Group]) {
        for (number, group) in groups.iter().enumerate() {
            self.out.push_str(if number > 0 { ",{" } else { "{" });
            let labels = self.labels(query, group);
            if !labels.is_empty() {
                self.out.push_str(&labels);
                self.out.push(',');
            }
            self.out.push_str("\"points\":[");
            let count = group.points.len();
            for place in 0..count {
                let place = if self.style.newest_first {
                    count - 1 - place
                } else {
                    place
                };
                let (time, value) = group.points[place];
                self.out.push('{');
                self.point(time, value);
                self.extra(",\"unheard_of\":{\"timestamp\":\"never\"}");
                self.out.push_str("},");
            }
            if count > 0 {
                self.out.pop();
            }
            self.out.push(']');
            self.extra(",\"unheard_of\":[{\"points\":[]}]");
            self.out.push('}');
        }
    }

    /// Returns the members for the labels of a group, without commas around them.
    fn labels(&self, query: &Query, group: &Group) -> String {
        let mut members = String::new();
        let mut member = |name: &str, value: &str| {
            if !members.is_empty() {
                members.push(',');
            }
            string(&mut members, name);
            members.push(':');
            string(&mut members, value);
        };
        for (name, value) in query.group_by.iter().zip(&group.key) {
            if let Some(value) = value {
                member(name, value);
                // Recorded responses add the name of a principal if its id is a label.
                if self.style.extra_members && name == "metric.principal_id" {
                    member("metric.principal_name", &format!("name-of-{value}"));
                }
            }
        }
        if self.style.extra_members {
            member("metric.unheard_of", "label");
        }
        members
    }

    fn point(&mut self, time: i64, value: Option<f64>) {
        let millis = self.style.millis;
        let printed = self.times.entry(time).or_insert_with(|| {
            let mut text = String::with_capacity(24);
            rfc3339::write(&mut text, time, millis);
            text
        });
        self.out.push_str("\"timestamp\":\"");
        self.out.push_str(printed);
        self.out.push_str("\",\"value\":");
        match value.filter(|_| !self.style.null_values) {
            Some(value) => java_double::write(&mut self.out, value, self.style.integers),
            None => self.out.push_str("null"),
        }
    }

    fn meta(&mut self, query: &Query, next: &NextPage) {
        self.out
            .push_str(",\"meta\":{\"pagination\":{\"page_size\":");
        self.out.push_str(&query.limit.to_string());
        if let Some(token) = &next.token {
            self.out.push_str(",\"next_page_token\":");
            string(&mut self.out, token);
        }
        self.extra(",\"unheard_of\":0.5");
        self.out.push('}');
        self.extra(",\"unheard_of\":false");
        self.out.push('}');
    }

    fn extra(&mut self, members: &str) {
        if self.style.extra_members {
            self.out.push_str(members);
        }
    }
}
