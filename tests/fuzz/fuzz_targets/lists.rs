//! Lists of attributes, metrics and resource types: nothing panics, and a simple reader finds the
//! same items, or also refuses the pages.
//!
//! The first byte chooses the list, and the byte 0x1E separates its pages.
#![no_main]

mod json;

use std::sync::LazyLock;

use confluent_metrics::fuzzing::{attributes, metrics, resource_types};
use confluent_metrics::{Client, Credentials, Error, ErrorKind, MetricDescriptor};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Map, Value};

use crate::json::{Json, only};

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let credentials = Credentials::api_key("KEYKEYKEYKEYKEY1", "secret").unwrap();
    let builder = Client::builder(credentials).without_proxy();
    builder.build().unwrap()
});

/// Where the simple reader stops.
enum Stop {
    /// A page is invalid, or the last one is missing.
    Refused,
    /// A link is not as simple as the reader.
    Unread,
}

/// The list that a page belongs to.
#[derive(Clone, Copy)]
enum Kind {
    Attributes,
    Metrics,
    ResourceTypes,
}

/// Names and texts that mean something.
const WORDS: &str = "data meta links errors error pagination page_size next_page_token next name description \
    type unit lifecycle_stage exportable resources labels key metric.topic kafka kafka.id \
    GAUGE_INT64 /v2/list token";

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    json::mutate(data, size, max_size, seed, 1, WORDS)
});

fuzz_target!(|input: &[u8]| {
    let Some((kind, text)) = input.split_first() else {
        return;
    };
    let pages: Vec<&[u8]> = text.split(|byte| *byte == 0x1e).collect();
    let (kind, found) = match kind % 3 {
        0 => (Kind::Attributes, values(attributes(&CLIENT, &pages))),
        1 => {
            let found = metrics(&CLIENT, &pages);
            if let Ok([first, ..]) = found.as_deref() {
                let all = found.as_ref().unwrap();
                assert!(MetricDescriptor::closest_matches(first.name(), all, 3).len() <= 3);
            }
            (Kind::Metrics, values(found))
        }
        _ => (Kind::ResourceTypes, values(resource_types(&CLIENT, &pages))),
    };
    if let Err(error) = &found {
        let kinds = [ErrorKind::Decode, ErrorKind::Connection];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        assert!(error.to_string().len() <= 8 * 1024, "{error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
        assert!(error.body().is_none_or(|body| body.len() <= 4096));
    }
    match (found, read_pages(kind, &pages)) {
        (_, Err(Stop::Unread)) => {}
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(_), Err(Stop::Refused)) => {}
        (found, expected) => panic!("{found:?}, expected {:?}", expected.ok()),
    }
});

fn values<T: serde::Serialize>(items: Result<Vec<T>, Error>) -> Result<Vec<Value>, Error> {
    let items = items?;
    let values = items.iter().map(|item| serde_json::to_value(item).unwrap());
    Ok(values.collect())
}

/// Reads pages up to the one that names no other.
fn read_pages(kind: Kind, pages: &[&[u8]]) -> Result<Vec<Value>, Stop> {
    let mut items = Vec::new();
    let mut followed = Vec::new();
    for page in pages {
        let (page_items, next) = read_page(kind, page).ok_or(Stop::Refused)?;
        for item in page_items {
            if !items.contains(&item) {
                items.push(item);
            }
        }
        let Some(next) = next else {
            return Ok(items);
        };
        if followed.contains(&next) {
            return Err(Stop::Refused);
        }
        if next.1 && !is_simple_link(&next.0) {
            return Err(Stop::Unread);
        }
        followed.push(next);
    }
    Err(Stop::Refused)
}

/// Returns true for a path such as `/v2/list`, which no standard reads in another way.
fn is_simple_link(link: &str) -> bool {
    let is_char = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    link.starts_with('/') && !link.starts_with("//") && link.bytes().all(is_char)
}

type Members<'j> = Vec<(String, &'j Json)>;

/// The items, and the next page: a token, or a link and true.
type Page = (Vec<Value>, Option<(String, bool)>);

fn read_page(kind: Kind, page: &[u8]) -> Option<Page> {
    let text = std::str::from_utf8(page).ok()?;
    let page = Json::parse(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let page = page.members()?;
    for name in ["data", "meta", "links", "errors", "error"] {
        only(&page, name)?;
    }
    for name in ["errors", "error"] {
        if only(&page, name)?.is_some_and(|errors| !is_empty(errors)) {
            return None;
        }
    }
    let mut items = Vec::new();
    for item in only(&page, "data")??.list()? {
        items.push(read_item(kind, item)?);
    }
    let pagination = members_of(&members_of(&page, "meta")?, "pagination")?;
    let token = text_or_empty(&pagination, "next_page_token")?;
    let link = text_or_empty(&members_of(&page, "links")?, "next")?;
    let next = match (token.is_empty(), link.is_empty()) {
        (false, _) => Some((token, false)),
        (true, false) => Some((link, true)),
        (true, true) => None,
    };
    Some((items, next))
}

/// Returns the members of an object in an object. There are none if it is missing or null.
fn members_of<'j>(members: &Members<'j>, name: &str) -> Option<Members<'j>> {
    match only(members, name)? {
        Some(object) => object.members().filter(|members| members.len() <= 256),
        None => Some(Vec::new()),
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Text(raw) => raw[1..raw.len() - 1].trim().is_empty(),
        Json::List(values) => values.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Null => true,
        Json::Bool(_) | Json::Number(_) => false,
    }
}

fn read_item(kind: Kind, item: &Json) -> Option<Value> {
    let members = item.members().filter(|members| members.len() <= 256)?;
    let mut read = Map::new();
    match kind {
        Kind::Attributes => return read_labels(&members),
        Kind::Metrics => {
            read.insert("name".into(), only(&members, "name")??.text()?.into());
            for name in ["description", "type", "unit", "lifecycle_stage"] {
                read.insert(name.into(), text_or_empty(&members, name)?.into());
            }
            read.insert("exportable".into(), flag(&members, "exportable")?);
            let mut resources = Vec::new();
            if let Some(list) = only(&members, "resources")? {
                for resource in list.list()? {
                    resources.push(resource.text()?);
                }
            }
            read.insert("resources".into(), resources.into());
        }
        Kind::ResourceTypes => {
            read.insert("type".into(), only(&members, "type")??.text()?.into());
            let description = text_or_empty(&members, "description")?;
            read.insert("description".into(), description.into());
        }
    }
    let mut labels = Vec::new();
    if let Some(list) = only(&members, "labels")? {
        for label in list.list()? {
            let label = label.members().filter(|members| members.len() <= 256)?;
            labels.push(serde_json::json!({
                "key": only(&label, "key")??.text()?,
                "description": text_or_empty(&label, "description")?,
                "exportable": flag(&label, "exportable")?,
            }));
        }
    }
    read.insert("labels".into(), labels.into());
    Some(read.into())
}

fn text_or_empty(members: &Members<'_>, name: &str) -> Option<String> {
    match only(members, name)? {
        Some(text) => text.text(),
        None => Some(String::new()),
    }
}

fn flag(members: &Members<'_>, name: &str) -> Option<Value> {
    match only(members, name)? {
        Some(Json::Bool(flag)) => Some((*flag).into()),
        Some(_) => None,
        None => Some(Value::Null),
    }
}

/// Reads labels: texts, numbers and booleans. A label must not be repeated.
fn read_labels(members: &Members<'_>) -> Option<Value> {
    let mut labels = Map::new();
    for (name, value) in members {
        let value = match value {
            Json::Text(_) => value.text()?,
            Json::Number(number) => number.clone(),
            Json::Bool(flag) => flag.to_string(),
            Json::Null | Json::List(_) | Json::Object(_) => continue,
        };
        if labels.insert(name.clone(), value.into()).is_some() {
            return None;
        }
    }
    Some(labels.into())
}
