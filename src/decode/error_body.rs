//! Finds the reason in the body of an error response, in any of its forms.
//!
//! The service documents one form:
//!
//! ```json
//! {"errors": [{"id": "7", "status": "400", "code": "invalid", "detail": "no such label"}]}
//! ```
//!
//! Gateways, proxies and identity providers in front of it have their own: problem details
//! ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), OAuth 2.0 errors
//! ([RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)), plain text, HTML.
//! For example:
//!
//! ```json
//! {"error": "invalid_token", "error_description": "the token has expired"}
//! ```
//!
//! ```text
//! entries: [code: invalid_token, detail: the token has expired], summary: none
//! ```
//!
//! The steps are: markup is recognized by its first bytes, JSON is searched for a reason from the
//! outer object inward, and any other body is the summary. Nothing is redacted or shortened here.
//! The caller does that.

use serde_json::value::RawValue;

use crate::api_error::ApiError;
use crate::decode::json::RawObject;

/// The reason that an error response gives.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ErrorBody {
    /// The errors that the body lists, in its order.
    pub(crate) entries: Vec<ApiError>,
    /// The text of the body if no entry has a reason.
    pub(crate) summary: Option<Summary>,
}

/// A body without entries.
#[derive(Debug, PartialEq)]
pub(crate) enum Summary {
    /// Text to quote.
    Text(String),
    /// A markup document, with the name of its kind.
    Markup(&'static str),
}

/// Decodes the body of an error response.
///
/// A body that `is_truncated` is not parsed, and becomes the summary.
pub(crate) fn decode_error_body(body: &[u8], is_truncated: bool) -> ErrorBody {
    if let Some(kind) = sniff_markup(body) {
        return ErrorBody {
            summary: Some(Summary::Markup(kind)),
            ..ErrorBody::default()
        };
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let entries = match serde_json::from_str::<&RawValue>(text) {
        Ok(json) if !is_truncated => parse_api_errors(json.get()),
        _ => Vec::new(),
    };
    let has_reason = entries
        .iter()
        .any(|entry| entry.detail.is_some() || entry.code.is_some());
    let summary = (!has_reason && !text.is_empty()).then(|| Summary::Text(text.to_owned()));
    ErrorBody { entries, summary }
}

/// Returns the kind of document if the body is markup, which the service never sends.
///
/// ```text
/// <!DOCTYPE html><title>Sign in</title>       an HTML page
/// <Error><Code>AccessDenied</Code></Error>    a markup document
/// {"errors":[]}                               None
/// ```
pub(crate) fn sniff_markup(body: &[u8]) -> Option<&'static str> {
    let start = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    // The tag is near the start. A limit keeps the cost small for large bodies.
    let start = start.get(..1024).unwrap_or(start).to_ascii_lowercase();
    if !start.starts_with(b"<") {
        return None;
    }
    let is_html = start
        .windows(5)
        .any(|tag| tag == b"<html" || tag == b" html");
    Some(if is_html {
        "an HTML page"
    } else {
        "a markup document"
    })
}

/// Parses JSON in any form that has a reason. Returns nothing for other forms.
fn parse_api_errors(json: &str) -> Vec<ApiError> {
    match json.as_bytes().first() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            items
                .into_iter()
                .filter_map(|item| parse_item(item.get()))
                .collect()
        }
        Some(b'{') => RawObject::read(json)
            .map(|object| parse_object(&object))
            .unwrap_or_default(),
        _ => parse_item(json).into_iter().collect(),
    }
}

/// Parses an object: a body, or the member of a body that has the reason.
///
/// The reason in a nested object takes precedence, and an object without a reason has no entry:
///
/// ```text
/// {"error": {"code": 403, "message": "no access"}}    the entry of the nested object
/// {"error": "Forbidden", "message": "no access"}      one entry with the code `Forbidden`
/// {"fault": "no access"}                              no entry
/// ```
fn parse_object(object: &RawObject<'_>) -> Vec<ApiError> {
    for name in ["errors", "error"] {
        // A string in `error` may be a code, with the reason in another member.
        let nested = object
            .find(name)
            .filter(|json| name == "errors" || !json.starts_with('"'));
        let entries = nested.map(parse_api_errors).unwrap_or_default();
        if !entries.is_empty() {
            return entries;
        }
    }
    let entry = parse_entry(object);
    if entry.detail.is_some() {
        vec![entry]
    } else {
        Vec::new()
    }
}

/// Parses an item of a list: a string, or an object with any of the documented members.
fn parse_item(json: &str) -> Option<ApiError> {
    let entry = match json.as_bytes().first()? {
        b'"' => ApiError {
            detail: text(json),
            ..ApiError::default()
        },
        _ => parse_entry(&RawObject::read(json).ok()?),
    };
    (entry != ApiError::default()).then_some(entry)
}

/// Parses the members of an entry. All are `None` if the object has none of the known members.
fn parse_entry(object: &RawObject<'_>) -> ApiError {
    let detail = ["detail", "message", "error_description"]
        .into_iter()
        .find_map(|name| member_text(object, name));
    // In OAuth 2.0 `error` is a code. Others put the reason there.
    let error = member_text(object, "error");
    let code = member_text(object, "code").or_else(|| error.clone().filter(|_| detail.is_some()));
    let detail = detail.or(error).or_else(|| member_text(object, "title"));
    ApiError {
        id: member_text(object, "id"),
        status: member_text(object, "status"),
        code,
        detail,
    }
}

/// Returns the text of a member, or `None` if it is missing, empty or of another type.
fn member_text(object: &RawObject<'_>, name: &str) -> Option<String> {
    object.find(name).and_then(text)
}

/// Returns the text of a string, a number or a list of strings, unless it is empty.
fn text(json: &str) -> Option<String> {
    let text = match json.as_bytes().first()? {
        // An unpaired surrogate cannot be decoded, but the raw text is still useful.
        b'"' => serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()),
        b'-' | b'0'..=b'9' => json.to_owned(),
        b'[' => serde_json::from_str::<Vec<String>>(json).ok()?.join("; "),
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(body: &str) -> Vec<String> {
        let entries = decode_error_body(body.as_bytes(), false).entries;
        entries
            .into_iter()
            .map(|entry| entry.detail.unwrap_or_default())
            .collect()
    }

    fn entry(members: [Option<&str>; 4]) -> ApiError {
        let [id, status, code, detail] = members.map(|member| member.map(str::to_owned));
        ApiError {
            id,
            status,
            code,
            detail,
        }
    }

    #[test]
    fn the_reason_is_found_in_every_form() {
        for body in [
            r#"{"errors":[{"detail":"no such label"}]}"#,
            r#"{"errors":[{"message":"no such label"}]}"#,
            r#"{"errors":[{"title":"no such label"}]}"#,
            r#"{"errors":[{"title":"Bad Request","detail":"no such label"}]}"#,
            r#"{"errors":["no such label"]}"#,
            r#"{"errors":"no such label"}"#,
            r#"{"errors":{"message":"no such label"}}"#,
            r#"{"errors":[],"message":"no such label"}"#,
            r#"{"errors":null,"detail":"no such label"}"#,
            r#"{"error":"no such label"}"#,
            r#"{"error":["no such label"]}"#,
            r#"{"error":{"code":400,"message":"no such label"}}"#,
            r#"{"error":{"errors":[{"message":"no such label"}]}}"#,
            r#"{"error":true,"message":"no such label"}"#,
            r#"{"error":"invalid_request","error_description":"no such label"}"#,
            r#"{"status":400,"error":"Bad Request","message":"no such label"}"#,
            r#"{"statusCode":400,"message":["no such label"],"error":"Bad Request"}"#,
            r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"no such label"}"#,
            r#"{"type":"about:blank","title":"no such label"}"#,
            r#"{"code":400,"message":"no such label"}"#,
            r#"[{"message":"no such label"}]"#,
            r#"["no such label"]"#,
            r#""no such label""#,
            "\u{feff} {\"message\":\"no such label\"}\n",
        ] {
            assert_eq!(details(body), ["no such label"], "{body}");
        }
        assert_eq!(
            details(r#"{"errors":["a",{"detail":"b"},{"code":"c"},null,7,{},""]}"#),
            ["a", "b", ""]
        );
    }

    #[test]
    fn the_other_members_of_an_entry_are_kept() {
        for (body, expected) in [
            (
                r#"{"errors":[{"id":"7","status":"400","code":"c","detail":"d","source":{}}]}"#,
                entry([Some("7"), Some("400"), Some("c"), Some("d")]),
            ),
            (
                r#"{"title":"t","status":403,"detail":"d","instance":"/x"}"#,
                entry([None, Some("403"), None, Some("d")]),
            ),
            (
                r#"{"error":"invalid_token","error_description":"d"}"#,
                entry([None, None, Some("invalid_token"), Some("d")]),
            ),
            (
                r#"{"error":{"code":403,"message":"d"}}"#,
                entry([None, None, Some("403"), Some("d")]),
            ),
        ] {
            assert_eq!(
                decode_error_body(body.as_bytes(), false).entries,
                [expected],
                "{body}"
            );
        }
    }

    #[test]
    fn a_body_without_a_known_form_is_text() {
        for body in [
            "upstream connect error",
            "null",
            "{}",
            r#"{"code":404}"#,
            r#"{"fault":{"faultstring":"Invalid ApiKey"}}"#,
            r#"{"errors":{"name":["is invalid"]}}"#,
            r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
            r#"{"detail":{"detail":1}"#,
        ] {
            let decoded = decode_error_body(format!(" {body}\n").as_bytes(), false);
            assert_eq!(
                decoded,
                ErrorBody {
                    entries: vec![],
                    summary: Some(Summary::Text(body.into()))
                }
            );
        }
        // Entries without a reason: the body is the summary.
        let body = br#"{"errors":[{"status":"400","reason":"x"}]}"#;
        let decoded = decode_error_body(body, false);
        assert_eq!(
            (decoded.entries.len(), decoded.summary.is_some()),
            (1, true)
        );
        for empty in ["", " \n", "\u{feff}"] {
            assert_eq!(
                decode_error_body(empty.as_bytes(), false),
                ErrorBody::default()
            );
        }
        let body = br#"{"message":"a reason"}"#;
        assert!(matches!(
            decode_error_body(body, true).summary,
            Some(Summary::Text(_))
        ));
    }

    #[test]
    fn markup_documents_are_named() {
        for (page, kind) in [
            ("<!DOCTYPE HTML>\n<title>", "an HTML page"),
            ("\u{feff}\n <html lang=en>", "an HTML page"),
            ("<!-- x --><head>", "a markup document"),
            (
                "<Error><Code>AccessDenied</Code></Error>",
                "a markup document",
            ),
        ] {
            let decoded = decode_error_body(page.as_bytes(), false);
            assert_eq!(decoded.summary, Some(Summary::Markup(kind)), "{page}");
        }
    }
}
