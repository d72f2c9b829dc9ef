//! Error responses, and other JSON without points.

use serde_json::{Value, json};

use crate::config::Style;
use crate::response::Response;
use crate::state::State;

/// Returns an error in the service's form, with one entry for each detail.
pub(crate) fn details(status: u16, details: &[String], style: Style) -> Response {
    let entries: Vec<Value> = details
        .iter()
        .map(|detail| json!({ "status": status.to_string(), "detail": detail }))
        .collect();
    body(status, json!({ "errors": entries }), style)
}

/// Returns the error for an invalid body, with every problem.
pub(crate) fn invalid_body(state: &State, problems: &[String], style: Style) -> Response {
    details(
        if state.settings.unprocessable {
            422
        } else {
            400
        },
        problems,
        style,
    )
}

/// Returns an error in the service's form, with one entry.
pub(crate) fn detail(status: u16, text: &str, style: Style) -> Response {
    details(status, &[text.to_owned()], style)
}

/// Returns a JSON response without points.
pub(crate) fn body(status: u16, mut value: Value, style: Style) -> Response {
    if style.extra_members {
        add_unknown_members(&mut value);
    }
    Response::with_body(status, "application/json", value.to_string())
}

/// Returns the service's response with a status, if there is no further detail.
pub(crate) fn of_status(status: u16, style: Style) -> Response {
    match status {
        204 | 300..=399 | 429 => Response::with_body(status, "", ""),
        200..=299 => body(status, json!({}), style),
        401 => detail(status, "Invalid credentials", style),
        403 => detail(status, UNAUTHORIZED, style),
        503 => Response::with_body(status, "text/plain", OVERFLOW),
        500.. => detail(status, LOGGED, style),
        _ => detail(
            status,
            &format!("The request was answered with {status}."),
            style,
        ),
    }
}

/// Returns the 429 that names operations or resources.
pub(crate) fn too_many(kind: &str, names: &str, style: Style) -> Response {
    let text = format!("Too many requests have been made for the following {kind}: {names}.");
    detail(
        429,
        &format!("{text} Please see the documentation for current rate limits."),
        style,
    )
}

const UNAUTHORIZED: &str = "Query must filter by at least one of your authorized resources";
const LOGGED: &str =
    "There was an error processing your request. It has been logged (ID 0123456789abcdef).";
const OVERFLOW: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: overflow";

/// Adds unknown members to every object.
fn add_unknown_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(add_unknown_members);
            members.insert(
                "unheard_of".to_owned(),
                json!({ "list": [1, null], "text": "}" }),
            );
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown_members),
        _ => {}
    }
}
