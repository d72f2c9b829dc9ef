//! Decodes response bodies into series, lists and API errors. Performs no I/O.
//!
//! A body with status 200 is decoded in these steps:
//! 1. This file validates the UTF-8 and drops a byte order mark.
//! 2. `fast` decodes the rows of a query. If it returns `None`, `rows` decodes them with
//!    `serde_json`.
//! 3. `rows` merges the rows into series by their labels.
//! 4. `envelope` reads the fields next to `data`, which lead to the next page.
//!
//! Lists go through `json` and `descriptor` instead. Exports are text, and go through `lexer`,
//! `exposition` and `export`. The body of an error response goes through `error_body`.
//!
//! A query response in the format GROUPED, and the page that it becomes:
//!
//! ```json
//! {"data": [{"metric.topic": "orders",
//!            "points": [{"timestamp": "2026-01-01T00:00:00Z", "value": 7.0}]}],
//!  "meta": {"pagination": {"page_size": 1000, "next_page_token": "abc"}}}
//! ```
//!
//! ```text
//! series: [{metric.topic="orders"} with one point], rows: 1, page_size: 1000, next: token "abc"
//! ```

mod dedup;
pub(crate) mod descriptor;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod error_body;
pub(crate) mod export;
pub(crate) mod export_response;
mod export_status;
mod export_traits;
pub(crate) mod exposition;
mod fast;
pub(crate) mod json;
mod lexer;
mod metadata;
mod row_point;
mod rows;

use std::fmt;

pub(crate) use crate::decode::envelope::NextPage;
pub(crate) use crate::decode::rows::conflict_message;

use crate::decode::envelope::{Envelope, decode_response};
use crate::decode::error::DecodeError;
use crate::decode::error_body::sniff_markup;
use crate::decode::json::{Items, RawObject, labels_from_members};
use crate::decode::rows::{RowsSeed, SeriesBuilder};
use crate::model::descriptor::{MetricDescriptor, ResourceDescriptor};
use crate::model::labels::Labels;
use crate::model::series::Series;
use crate::request::discovery::TargetGroup;
use crate::request::query::RowFormat;
use crate::time::deadline::{Deadline, Interrupt};

/// One page of a query response.
#[derive(Debug)]
pub(crate) struct QueryPage {
    /// One series for each set of labels, in the order of the response.
    pub(crate) series: Vec<Series>,
    /// The number of rows in the response, before they are merged into series.
    pub(crate) rows: usize,
    /// The limit that the service applied.
    pub(crate) page_size: Option<u64>,
    /// The token or link of the next page. Both are `None` on the last page.
    pub(crate) next: NextPage,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct ListPage<T> {
    /// The items in the order of the response.
    pub(crate) items: Vec<T>,
    /// The token or link of the next page. Both are `None` on the last page.
    pub(crate) next: NextPage,
}

/// Decodes a query response in the format that was requested.
///
/// The format is never guessed from the body, because both look the same without data.
///
/// # Errors
///
/// Returns [`DecodeError::Invalid`] if the body is not a response in this format, reports errors,
/// or has different values of a series at the same time.
pub(crate) fn query_page(
    body: &[u8],
    format: RowFormat,
    deadline: &Deadline,
) -> Result<QueryPage, DecodeError> {
    let expected = match format {
        RowFormat::Flat => "a FLAT query response",
        RowFormat::Grouped => "a GROUPED query response",
    };
    decode(body, expected, deadline, |text, interrupt| {
        // The fast path rejects little, so that most responses are read once.
        let (rows, envelope) = match fast::decode(text, format, interrupt) {
            Some(decoded) => decoded,
            None => {
                // After the deadline a second attempt makes no sense.
                interrupt.check()?;
                decode_rows(text, format, interrupt)?
            }
        };
        Ok(QueryPage {
            rows: rows.rows_read(),
            series: rows.into_series()?,
            page_size: envelope.page_size,
            next: envelope.next,
        })
    })
}

/// Decodes one page of the response to an attribute query.
///
/// Each item is the labels of one combination of values:
///
/// ```json
/// {"data": [{"metric.topic": "orders"}, {"metric.topic": "payments"}]}
/// ```
pub(crate) fn attributes(
    body: &[u8],
    deadline: &Deadline,
) -> Result<ListPage<Labels>, DecodeError> {
    decode_list(body, "an attributes response", deadline, |row, _| {
        labels_from_members(row.members())
    })
}

/// Decodes one page of metric descriptors.
pub(crate) fn metric_descriptors(
    body: &[u8],
    deadline: &Deadline,
) -> Result<ListPage<MetricDescriptor>, DecodeError> {
    let expected = "a list of metric descriptors";
    decode_list(body, expected, deadline, descriptor::metric_descriptor)
}

/// Decodes one page of resource descriptors.
pub(crate) fn resource_descriptors(
    body: &[u8],
    deadline: &Deadline,
) -> Result<ListPage<ResourceDescriptor>, DecodeError> {
    let expected = "a list of resource descriptors";
    decode_list(body, expected, deadline, descriptor::resource_descriptor)
}

/// Decodes the response to a discovery request.
///
/// The response is a list without an envelope, because Prometheus reads it as well:
///
/// ```json
/// [{"targets": ["api.telemetry.confluent.cloud"],
///   "labels": {"__param_resource.kafka.id": "lkc-1"}}]
/// ```
pub(crate) fn target_groups(
    body: &[u8],
    deadline: &Deadline,
) -> Result<Vec<TargetGroup>, DecodeError> {
    let expected = "a list of target groups";
    decode(body, expected, deadline, |text, interrupt| {
        Items::new(|group| target_group(&group, interrupt), interrupt)
            .read(text)
            .map_err(|error| error.to_string())?
    })
}

/// Describes why a response with status 200 is not `expected`.
///
/// The reason is the error of the parser, unless the body is evidently a page for people:
///
/// ```text
/// expected a FLAT query response, found an HTML page, most likely from a proxy or a login page
/// cannot decode a FLAT query response: missing field `data` at line 1 column 2
/// ```
pub(crate) fn unexpected_body(body: &[u8], expected: &str, reason: &dyn fmt::Display) -> String {
    match sniff_markup(body) {
        Some(page) => {
            format!("expected {expected}, found {page}, most likely from a proxy or a login page")
        }
        None => format!("cannot decode {expected}: {reason}"),
    }
}

/// Decodes a JSON body by `parse`. An error says that the body is not `expected`.
///
/// `parse` gets the text without a byte order mark, and an interrupt that stops at the deadline.
/// An error of `parse` after the deadline is [`DecodeError::Interrupted`], whatever it says.
fn decode<T>(
    body: &[u8],
    expected: &str,
    deadline: &Deadline,
    parse: impl FnOnce(&str, &Interrupt<'_>) -> Result<T, String>,
) -> Result<T, DecodeError> {
    let interrupt = Interrupt::new(deadline);
    // UTF-8 is validated once, so that no string has to be validated again.
    let result = match std::str::from_utf8(body) {
        // Some proxies and mock servers send a byte order mark.
        Ok(text) => parse(text.strip_prefix('\u{feff}').unwrap_or(text), &interrupt),
        Err(error) => Err(error.to_string()),
    };
    result.map_err(|reason| {
        if interrupt.has_stopped() {
            return DecodeError::Interrupted;
        }
        DecodeError::Invalid(unexpected_body(body, expected, &reason))
    })
}

/// Decodes a query response in any JSON.
///
/// It accepts escapes, unknown fields of points, and any order of fields. Its errors describe the
/// first problem, so that [`fast`] needs none.
fn decode_rows<'de>(
    text: &'de str,
    format: RowFormat,
    interrupt: &'de Interrupt<'_>,
) -> Result<(SeriesBuilder<'de>, Envelope), String> {
    let mut rows = SeriesBuilder::new(interrupt);
    let seed = RowsSeed {
        rows: &mut rows,
        format,
    };
    let ((), envelope) = decode_response(text, seed)?;
    Ok((rows, envelope))
}

/// Decodes one page of a list, each item by `decode_item`.
///
/// Returns an error for the first invalid item, with its number in the list.
fn decode_list<T>(
    body: &[u8],
    expected: &str,
    deadline: &Deadline,
    decode_item: fn(&RawObject<'_>, &Interrupt<'_>) -> Result<T, String>,
) -> Result<ListPage<T>, DecodeError> {
    decode(body, expected, deadline, |text, interrupt| {
        let items = Items::new(|row| decode_item(&row, interrupt), interrupt);
        let (items, envelope) = decode_response(text, items)?;
        Ok(ListPage {
            items: items?,
            next: envelope.next,
        })
    })
}

/// Decodes a target group. Missing targets and labels are empty.
fn target_group(group: &RawObject<'_>, interrupt: &Interrupt<'_>) -> Result<TargetGroup, String> {
    let targets = group.strings("targets", interrupt)?;
    let labels = group.object("labels")?.unwrap_or_default();
    Ok(TargetGroup::new(
        targets,
        labels_from_members(labels.members())?,
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::timestamp::Timestamp;

    fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
        (0..count).map(row).collect::<Vec<_>>().join(",")
    }

    fn flat_row(topic: &str, second: usize) -> String {
        let at = Timestamp::from_second(second as i64).unwrap();
        format!(r#"{{"timestamp":"{at}","value":1.0,"metric.topic":"{topic}"}}"#)
    }

    #[test]
    fn responses_of_the_service_take_the_fast_path_to_the_same_result() {
        let flat = r#"{"data":[
            {"timestamp":"2026-01-01T00:00:00Z","value":1574.5,"metric.topic":"orders"},
            {"metric.topic":"tópic","value":-2E-3,"timestamp":"2026-01-01T00:01:00Z","a":""},
            {"timestamp":"2026-01-01T00:02:00Z","value":null,"metric.topic":"orders"}
            ],"meta":{"pagination":{"page_size":1000,"next_page_token":"t"}}}"#;
        let grouped = r#"{"data":[{"metric.topic":"orders","points":[
            {"timestamp":"2026-01-01T00:00:00Z","value":7},
            {"value":8.0,"timestamp":"2026-01-01T00:01:00Z"}]},
            {"points":[],"metric.topic":"idle"}]}"#;
        let never = Deadline::never();
        let interrupt = Interrupt::new(&never);
        for (format, text, count) in [
            (RowFormat::Flat, flat.to_owned(), 2),
            (RowFormat::Flat, flat.split_whitespace().collect(), 2),
            (RowFormat::Flat, r#"{"data":[]}"#.to_owned(), 0),
            (RowFormat::Grouped, grouped.to_owned(), 2),
            (RowFormat::Grouped, grouped.split_whitespace().collect(), 2),
            (RowFormat::Grouped, r#"{"data":[]}"#.to_owned(), 0),
        ] {
            let (fast, envelope) = fast::decode(&text, format, &interrupt).expect(&text);
            let (other, other_envelope) = decode_rows(&text, format, &interrupt).unwrap();
            let series = fast.into_series().unwrap();
            assert_eq!(series.len(), count);
            assert_eq!(series, other.into_series().unwrap());
            assert_eq!(envelope.page_size, other_envelope.page_size);
            assert_eq!(envelope.next, other_envelope.next);
        }
    }

    #[test]
    fn decoding_stops_when_the_deadline_has_passed() {
        let passed = Deadline::after(Duration::ZERO);
        let flat = rows(5000, |row| flat_row("a", row));
        let groups = rows(5000, |row| {
            format!(r#"{{"metric.topic":"{row}","points":[]}}"#)
        });
        let points = rows(5000, |row| {
            format!(r#"{{"timestamp":"1970-01-01T00:00:00Z","value":{row}}}"#)
        });
        let bodies = [
            (RowFormat::Flat, flat),
            (RowFormat::Grouped, groups),
            (RowFormat::Grouped, format!(r#"{{"points":[{points}]}}"#)),
        ];
        for (format, rows) in bodies {
            // Leading white space disables the fast path.
            for space in ["", " "] {
                let body = format!(r#"{space}{{"data":[{rows}]}}"#);
                let result = query_page(body.as_bytes(), format, &passed);
                assert_eq!(result.unwrap_err(), DecodeError::Interrupted);
            }
        }
        let data = |rows: &str| format!(r#"{{"data":[{rows}]}}"#);
        let labels = data(&rows(5000, |_| "{}".into()));
        assert_eq!(
            attributes(labels.as_bytes(), &passed).unwrap_err(),
            DecodeError::Interrupted
        );
        let types = data(&rows(5000, |row| format!(r#"{{"type":"{row}"}}"#)));
        assert_eq!(
            resource_descriptors(types.as_bytes(), &passed).unwrap_err(),
            DecodeError::Interrupted
        );
        let names = rows(5000, |row| format!(r#""{row}""#));
        let keys = rows(5000, |row| format!(r#"{{"key":"{row}"}}"#));
        for long in [
            format!(r#""resources":[{names}]"#),
            format!(r#""labels":[{keys}]"#),
        ] {
            let metric = data(&format!(r#"{{"name":"a",{long}}}"#));
            assert_eq!(
                metric_descriptors(metric.as_bytes(), &passed).unwrap_err(),
                DecodeError::Interrupted
            );
        }
        let groups = format!("[{}]", rows(5000, |_| "{}".into()));
        assert_eq!(
            target_groups(groups.as_bytes(), &passed).unwrap_err(),
            DecodeError::Interrupted
        );
    }

    #[test]
    fn the_slow_path_does_not_start_after_the_deadline() {
        // Leading white space disables the fast path.
        let error =
            query_page(b" {", RowFormat::Grouped, &Deadline::after(Duration::ZERO)).unwrap_err();
        assert_eq!(error, DecodeError::Interrupted);
        assert!(matches!(
            query_page(b" {", RowFormat::Grouped, &Deadline::never()),
            Err(DecodeError::Invalid(_))
        ));
    }

    #[test]
    fn lists_may_start_with_a_byte_order_mark_and_must_not_contain_errors() {
        type List = fn(&[u8]) -> Result<usize, DecodeError>;
        let lists: [(List, &str); 3] = [
            (
                |body| attributes(body, &Deadline::never()).map(|page| page.items.len()),
                r#"{"a":"b"}"#,
            ),
            (
                |body| metric_descriptors(body, &Deadline::never()).map(|page| page.items.len()),
                r#"{"name":"a"}"#,
            ),
            (
                |body| resource_descriptors(body, &Deadline::never()).map(|page| page.items.len()),
                r#"{"type":"a"}"#,
            ),
        ];
        for (read, item) in lists {
            assert_eq!(
                read(format!("\u{feff}{{\"data\":[{item}]}}").as_bytes()),
                Ok(1)
            );
            assert_eq!(
                read(format!(r#"{{"data":[{item}],"error":null}}"#).as_bytes()),
                Ok(1)
            );
            for errors in [
                r#""error":{"code":500}"#,
                r#""error":"x""#,
                r#""errors":["x"]"#,
            ] {
                let error =
                    read(format!(r#"{{"data":[{item}],{errors}}}"#).as_bytes()).unwrap_err();
                let DecodeError::Invalid(why) = error else {
                    panic!("{error:?}")
                };
                assert!(why.contains("response has both data and errors"), "{why}");
            }
        }
        assert_eq!(
            target_groups("\u{feff}[{}]".as_bytes(), &Deadline::never()).map(|groups| groups.len()),
            Ok(1)
        );
        assert!(target_groups(br#"{"error":"x"}"#, &Deadline::never()).is_err());
    }

    /// Rows that alternate between one series and new ones, rows of series in turn, and rows series
    /// by series.
    #[test]
    fn memory_is_linear_for_rows_in_any_order() {
        let orders: [fn(usize) -> String; 3] = [
            |row| {
                if row % 2 == 0 {
                    "one".into()
                } else {
                    format!("new{row}")
                }
            },
            |row| format!("t{}", row % 50),
            |row| format!("t{}", row / 50),
        ];
        let never = Deadline::never();
        for order in orders {
            let body = format!(
                r#"{{"data":[{}]}}"#,
                rows(10_000, |row| flat_row(&order(row), row))
            );
            let interrupt = Interrupt::new(&never);
            for (rows, _) in [
                fast::decode(&body, RowFormat::Flat, &interrupt).unwrap(),
                decode_rows(&body, RowFormat::Flat, &interrupt).unwrap(),
            ] {
                let capacity = rows.point_capacity();
                let series = rows.into_series().unwrap().len();
                assert!(
                    capacity <= 10_000 * 3 / 2 + 4 * series,
                    "{capacity} for {}",
                    order(1)
                );
            }
            let page = query_page(body.as_bytes(), RowFormat::Flat, &never).unwrap();
            assert_eq!(
                page.series
                    .iter()
                    .map(|series| series.points().len())
                    .sum::<usize>(),
                10_000
            );
        }
    }

    #[test]
    fn target_groups_may_lack_targets_and_labels() {
        let body = r#"[
            {"targets":["a:443"],"labels":{"__metrics_path__":"/v2"}},
            {"targets":null,"labels":{"a":1,"b":null}},
            {}
        ]"#;
        let groups = target_groups(body.as_bytes(), &Deadline::never()).unwrap();
        let [one, two, three] = groups.as_slice() else {
            panic!("{groups:?}")
        };
        assert_eq!(one.targets(), ["a:443"]);
        assert_eq!(one.labels().get("__metrics_path__"), Some("/v2"));
        assert_eq!(two.labels().to_string(), r#"{a="1"}"#);
        assert!(three.targets().is_empty() && three.labels().is_empty());
    }
}
