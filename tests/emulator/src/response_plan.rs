//! Turns a request and its fault into the bytes to send, and the times to send them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::Style;
use crate::content_negotiation;
use crate::errors;
use crate::fault::{Ending, NoResponse, ResponseScript, Stall};
use crate::format::rfc3339;
use crate::http::chunked::{self, Framing};
use crate::http::gzip;
use crate::rate_limit_headers;
use crate::rate_limiter::{Decision, Outcome};
use crate::request_log::Request;
use crate::response::Response;
use crate::route;
use crate::state::State;

/// The bytes of a response, with their delays, and the end of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ResponsePlan {
    /// The status for the request log; 0 if the response is incomplete.
    pub(crate) status: u16,
    pub(crate) delay_head: Duration,
    /// Sent at once.
    pub(crate) first: Vec<u8>,
    pub(crate) delay_body: Duration,
    /// Sent after `delay_body`.
    pub(crate) rest: Vec<u8>,
    /// The pause after each byte of `rest`, if it is sent byte by byte.
    pub(crate) trickle: Duration,
    pub(crate) end: ConnectionEnd,
}

/// The fate of the connection after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionEnd {
    Keep,
    /// Closed with a TLS `close_notify`.
    Close,
    /// Closed without a `close_notify`.
    Truncate,
    Reset,
    /// Left open, without a further byte.
    Stall,
}

/// Plans the response to a request.
pub(crate) fn plan_response(
    state: &State,
    request: &Request,
    client: IpAddr,
    script: Option<ResponseScript>,
    keep_alive: bool,
) -> ResponsePlan {
    let script = script.unwrap_or_default();
    let outcome = state
        .limiter
        .as_ref()
        .map(|limiter| limiter.count(&route::rate_key(state, request, client), Instant::now()));
    if let Some(no_response) = script.no_response {
        return without_response(&script, no_response);
    }
    let mut response = respond(state, request, &script, outcome.as_ref());
    apply_fault(&mut response, &script);
    add_date(&mut response, state);
    if let Some(outcome) = &outcome {
        rate_limit_headers::add(&mut response, outcome, state.settings.rate_headers);
        if state.settings.retry_after {
            rate_limit_headers::add_retry_after(&mut response, outcome);
        }
    }
    let is_gzip_wanted = state.settings.gzip
        && content_negotiation::accepts_gzip(request)
        && !response.body.is_empty();
    if is_gzip_wanted || script.body.bad_gzip || script.body.gzip_bomb.is_some() {
        compress(&mut response, &script);
    }
    frame(response, &script, request.method == "HEAD", keep_alive)
}

/// Plans the response to something that is not a valid request.
pub(crate) fn plan_error(state: &State, status: u16) -> ResponsePlan {
    let mut response = errors::of_status(status, Style::default());
    add_date(&mut response, state);
    frame(response, &ResponseScript::default(), false, false)
}

fn without_response(script: &ResponseScript, no_response: NoResponse) -> ResponsePlan {
    let (first, end) = match no_response {
        NoResponse::Close => (Vec::new(), early_end(script)),
        NoResponse::Reset => (Vec::new(), ConnectionEnd::Reset),
        NoResponse::Stall => (Vec::new(), ConnectionEnd::Stall),
        NoResponse::NotHttp => {
            let bytes = script.body.content.clone().unwrap_or_default();
            (bytes, ConnectionEnd::Close)
        }
    };
    head_only(script, first, end)
}

/// Plans bytes that are sent without a body.
const fn head_only(script: &ResponseScript, first: Vec<u8>, end: ConnectionEnd) -> ResponsePlan {
    ResponsePlan {
        status: 0,
        delay_head: script.delay_head,
        first,
        delay_body: Duration::ZERO,
        rest: Vec::new(),
        trickle: Duration::ZERO,
        end,
    }
}

const fn early_end(script: &ResponseScript) -> ConnectionEnd {
    if script.close_notify {
        ConnectionEnd::Close
    } else {
        ConnectionEnd::Truncate
    }
}

/// Returns the response before the faults of its body.
///
/// The status of a fault comes first, then the closure of a test, then the rate limits.
fn respond(
    state: &State,
    request: &Request,
    script: &ResponseScript,
    outcome: Option<&Outcome>,
) -> Response {
    let mut style = state.settings.style;
    style.extra_members = script.body.extra_members;
    style.null_values = script.body.null_values;
    if let Some(status) = script.status {
        return errors::of_status(status, style);
    }
    if let Some(response) = state.responder.respond(request) {
        return response;
    }
    match outcome.map(|outcome| &outcome.decision) {
        None | Some(Decision::Allowed) => route::respond(state, request, style),
        Some(Decision::ClientExhausted) => errors::of_status(429, style),
        Some(Decision::OperationExhausted) => {
            errors::too_many("operations", route::operation_name(request), style)
        }
        Some(Decision::ResourcesExhausted(resources)) => {
            errors::too_many("resources", &resources.join(","), style)
        }
    }
}

/// Applies the faults of status line, headers and body, except for gzip.
fn apply_fault(response: &mut Response, script: &ResponseScript) {
    if let Some(content) = &script.body.content {
        *response = Response::with_body(response.status, "application/json", content.as_slice());
    }
    if script.body.bad_json {
        response.body.truncate(response.body.len() * 3 / 4);
    }
    if response.body.len() < script.body.min_size {
        response.body.resize(script.body.min_size, b' ');
    }
    for (name, value) in &script.headers {
        if name.eq_ignore_ascii_case("content-type") {
            response.set_header(name, value);
        } else {
            response.add_header(name, value);
        }
    }
}

/// Adds `Date`, unless the response already has one.
fn add_date(response: &mut Response, state: &State) {
    if response.has_header("date") {
        return;
    }
    if let Some(date) = state.date_millis() {
        response.add_header("Date", rfc3339::http_date(date));
    }
}

fn compress(response: &mut Response, script: &ResponseScript) {
    let compressed = match script.body.gzip_bomb {
        Some(size) => gzip::compress_bomb(&response.body, size),
        None => gzip::compress(&response.body),
    };
    // Writing into memory does not fail. If it did, the body would be sent uncompressed.
    let Ok(mut compressed) = compressed else {
        return;
    };
    if script.body.bad_gzip {
        gzip::corrupt(&mut compressed);
    }
    response.body = compressed;
    response.set_header("Content-Encoding", "gzip");
    response.add_header("Vary", "Accept-Encoding");
}

/// Plans head and body with the faults of framing, timing and ending.
fn frame(
    mut response: Response,
    script: &ResponseScript,
    is_head: bool,
    keep_alive: bool,
) -> ResponsePlan {
    let body = chunked::encode(std::mem::take(&mut response.body), script.framing);
    let stalls = script.stall == Some(Stall::HalfBody);
    let content_length = match script.framing {
        Framing::Length => {
            // A client only waits for a body if it is promised one.
            let min_length = u64::from(stalls);
            let length = script.content_length.unwrap_or(body.len() as u64);
            Some(length.max(min_length))
        }
        Framing::Close => None,
        Framing::Chunks | Framing::BrokenChunks | Framing::UnfinishedChunks => {
            response.add_header("Transfer-Encoding", "chunked");
            script.content_length
        }
    };
    // `Connection: close` is sent only if the connection ends as the header says.
    let keep_alive = keep_alive && script.framing != Framing::Close;
    let mut first = response.head(content_length, !keep_alive);
    if script.stall == Some(Stall::HalfHead) {
        first.truncate(first.len() / 2);
        return head_only(script, first, ConnectionEnd::Stall);
    }
    let cut = script.cut_body_after.filter(|after| *after < body.len());
    let is_short = !is_head && content_length.is_some_and(|length| length > body.len() as u64);
    let is_unfinished = script.framing == Framing::UnfinishedChunks;
    let end = match script.ending {
        _ if stalls => ConnectionEnd::Stall,
        Ending::Reset => ConnectionEnd::Reset,
        _ if cut.is_some() || is_short || is_unfinished => early_end(script),
        Ending::Close => early_end(script),
        Ending::Regular if keep_alive => ConnectionEnd::Keep,
        Ending::Regular => ConnectionEnd::Close,
    };
    let sent = match cut {
        _ if is_head => 0,
        Some(after) => after,
        None if stalls => body.len() / 2,
        None => body.len(),
    };
    let at_once = if !script.trickle.is_zero() {
        0
    } else if !script.delay_body.is_zero() {
        sent / 2
    } else {
        sent
    };
    let is_incomplete = cut.is_some() || is_unfinished || stalls;
    first.extend_from_slice(body.get(..at_once).unwrap_or_default());
    ResponsePlan {
        status: if is_incomplete { 0 } else { response.status },
        delay_head: script.delay_head,
        first,
        delay_body: script.delay_body,
        rest: body.get(at_once..sent).unwrap_or_default().to_vec(),
        trickle: script.trickle,
        end,
    }
}
