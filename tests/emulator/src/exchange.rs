//! One request and its fault become the bytes to send, and when to send them.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::errors;
use crate::fault::{Ending, Fault};
use crate::http::Response;
use crate::rate::Verdict;
use crate::record::Request;
use crate::route;
use crate::state::State;

/// What is to be sent, and what becomes of the connection.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) status: u16,
    pub(crate) delay_head: Duration,
    /// Sent at once, without a pause.
    pub(crate) first: Vec<u8>,
    pub(crate) delay_body: Duration,
    /// Sent after the pause, if there is one.
    pub(crate) rest: Vec<u8>,
    pub(crate) end: End,
}

/// How it goes on after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Keep,
    /// Closed as TLS wants it.
    Close,
    /// Closed in the middle of something.
    Cut,
    Reset,
}

/// Answers a request.
pub(crate) fn exchange(state: &State, request: &Request, fault: Option<Fault>, keep: bool) -> Delivery {
    let fault = fault.unwrap_or_else(Fault::answer);
    let verdict = count(state, request);
    if matches!(fault.ending, Ending::CloseBefore | Ending::Reset) {
        let end = if fault.ending == Ending::Reset { End::Reset } else { End::Cut };
        return nothing(fault.delay_head, end);
    }
    let mut response = respond(state, request, &fault, verdict.as_ref());
    damage(&mut response, &fault);
    if let Some(verdict) = &verdict {
        limits(&mut response, verdict, state.settings.retry_after);
    }
    let wanted = accepts_gzip(request) && state.settings.gzip;
    if fault.bad_gzip || wanted && !response.body.is_empty() {
        compress(&mut response, fault.bad_gzip);
    }
    deliver(&response, &fault, request.method == "HEAD", keep)
}

/// Counts a request, where there is a rate limit.
fn count(state: &State, request: &Request) -> Option<Verdict> {
    let limiter = state.limiter.as_ref()?;
    Some(limiter.count(route::operation(request), Instant::now()))
}

/// The answer to something that is no request.
pub(crate) fn refuse(status: u16) -> Delivery {
    let response = errors::of_status(status, crate::settings::Style::default());
    deliver(&response, &Fault::answer(), false, false)
}

fn nothing(delay_head: Duration, end: End) -> Delivery {
    let (first, rest) = (Vec::new(), Vec::new());
    Delivery { status: 0, delay_head, first, delay_body: Duration::ZERO, rest, end }
}

fn respond(state: &State, request: &Request, fault: &Fault, verdict: Option<&Verdict>) -> Response {
    let mut style = state.settings.style;
    style.extra_members = fault.extra_members;
    style.null_values = fault.null_values;
    match fault.status {
        Some(status) => errors::of_status(status, style),
        None if verdict.is_some_and(|verdict| !verdict.allowed) => errors::of_status(429, style),
        None => route::answer(state, request, style),
    }
}

fn damage(response: &mut Response, fault: &Fault) {
    if let Some(body) = &fault.body {
        *response = Response::new(response.status, "application/json", body.as_slice());
    }
    if fault.bad_json {
        response.body.truncate(response.body.len() * 3 / 4);
    }
    if response.body.len() < fault.oversized {
        response.body.resize(fault.oversized, b' ');
    }
    for (name, value) in &fault.headers {
        if name.eq_ignore_ascii_case("content-type") {
            response.set(name, value);
        } else {
            response.add(name, value);
        }
    }
}

/// Both scopes as header lines of the same names, whatever the status.
fn limits(response: &mut Response, verdict: &Verdict, retry_after: bool) {
    for left in verdict.scopes {
        response.add("rateLimit-limit", left.limit.to_string());
        response.add("rateLimit-remaining", left.remaining.to_string());
        response.add("rateLimit-reset", left.reset.to_string());
    }
    if retry_after && !verdict.allowed {
        let used_up = verdict.scopes.iter().filter(|left| left.remaining == 0);
        let wait = used_up.map(|left| left.reset).max().unwrap_or(0);
        response.add("Retry-After", wait.to_string());
    }
}

fn accepts_gzip(request: &Request) -> bool {
    request.header("accept-encoding").is_some_and(|list| {
        list.split(',').any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = quality.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0);
            ["gzip", "*"].contains(&name.trim()) && !refused
        })
    })
}

fn compress(response: &mut Response, spoil: bool) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = encoder.write_all(&response.body).and_then(|()| encoder.finish());
    // Writing into memory does not fail; if it did, the body would go out as it is.
    let Ok(mut packed) = packed else { return };
    if spoil {
        // The checksum is in the last eight bytes, so that even a body that still unpacks is found out.
        let from = packed.len() / 2;
        packed.iter_mut().skip(from).for_each(|byte| *byte = !*byte);
    }
    response.body = packed;
    response.set("Content-Encoding", "gzip");
    response.add("Vary", "Accept-Encoding");
}

fn deliver(response: &Response, fault: &Fault, head_only: bool, keep: bool) -> Delivery {
    let length = response.body.len();
    let promised = fault.content_length.unwrap_or(length as u64);
    let cut = fault.cut_body_after.filter(|after| *after < length);
    let end = match fault.ending {
        _ if cut.is_some() || (promised > length as u64 && !head_only) => End::Cut,
        Ending::CloseAfter => End::Cut,
        _ if keep => End::Keep,
        _ => End::Close,
    };
    // Only a connection that ends as announced is announced to end.
    let mut first = response.head(promised, !keep);
    let sent = if head_only { 0 } else { cut.unwrap_or(length) };
    let body = response.body.get(..sent).unwrap_or_default();
    let at_once = if fault.delay_body.is_zero() { sent } else { sent / 2 };
    first.extend_from_slice(body.get(..at_once).unwrap_or_default());
    Delivery {
        status: if cut.is_some() { 0 } else { response.status },
        delay_head: fault.delay_head,
        first,
        delay_body: fault.delay_body,
        rest: body.get(at_once..).unwrap_or_default().to_vec(),
        end,
    }
}
