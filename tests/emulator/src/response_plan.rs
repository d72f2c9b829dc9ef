//! One request and its fault become the bytes to send, and when to send them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::Settings;
use crate::errors;
use crate::fault::{Ending, Fault, Stall};
use crate::format::rfc3339;
use crate::http::Response;
use crate::http::chunked::{self, Framing};
use crate::http::gzip;
use crate::rate_limiter::{Decision, Outcome, RateHeaders};
use crate::request_log::Request;
use crate::route;
use crate::state::State;

/// What is to be sent, and what becomes of the connection.
#[derive(Debug)]
pub(crate) struct ResponsePlan {
    pub(crate) status: u16,
    pub(crate) delay_head: Duration,
    /// Sent at once, without a pause.
    pub(crate) first: Vec<u8>,
    pub(crate) delay_body: Duration,
    /// Sent after the pause, if there is one.
    pub(crate) rest: Vec<u8>,
    /// The pause after each byte of the rest, if it is sent one by one.
    pub(crate) drip: Duration,
    pub(crate) end: End,
}

impl ResponsePlan {
    const NOTHING: Self = Self {
        status: 0,
        delay_head: Duration::ZERO,
        first: Vec::new(),
        delay_body: Duration::ZERO,
        rest: Vec::new(),
        drip: Duration::ZERO,
        end: End::Cut,
    };
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
    /// Left open without a further word.
    Stall,
}

/// Answers a request.
pub(crate) fn exchange(
    state: &State,
    request: &Request,
    client: IpAddr,
    fault: Option<Fault>,
    keep: bool,
) -> ResponsePlan {
    let fault = fault.unwrap_or_else(Fault::real_response);
    let limiter = state.limiter.as_ref();
    let verdict =
        limiter.map(|limiter| limiter.count(&route::ask(request, client), Instant::now()));
    if let Some(delivery) = without_response(&fault) {
        return delivery;
    }
    let mut response = respond(state, request, &fault, verdict.as_ref());
    apply_fault(&mut response, &fault);
    add_date(&mut response, state);
    if let Some(verdict) = &verdict {
        limits(&mut response, verdict, &fault, &state.settings);
    }
    let wanted = accepts_gzip(request) && state.settings.gzip && !response.body.is_empty();
    if wanted || fault.bad_gzip || fault.oversized_gzip.is_some() {
        compress(&mut response, &fault);
    }
    deliver(response, &fault, request.method == "HEAD", keep)
}

/// What becomes of a request that gets no answer in HTTP.
fn without_response(fault: &Fault) -> Option<ResponsePlan> {
    let mut first = Vec::new();
    let end = match fault.ending {
        Ending::CloseBefore => truncated_end(fault),
        Ending::Reset => End::Reset,
        _ if fault.stall == Some(Stall::Request) => End::Stall,
        _ if fault.not_http => {
            first.extend(fault.body.iter().flatten());
            End::Close
        }
        _ => return None,
    };
    Some(ResponsePlan {
        delay_head: fault.delay_head,
        first,
        end,
        ..ResponsePlan::NOTHING
    })
}

/// How a connection is closed in the middle of something.
fn truncated_end(fault: &Fault) -> End {
    if fault.cleanly { End::Close } else { End::Cut }
}

/// The answer to something that is no request.
pub(crate) fn refuse(state: &State, status: u16) -> ResponsePlan {
    let mut response = errors::of_status(status, crate::config::Style::default());
    add_date(&mut response, state);
    deliver(response, &Fault::real_response(), false, false)
}

fn respond(state: &State, request: &Request, fault: &Fault, verdict: Option<&Outcome>) -> Response {
    let mut style = state.settings.style;
    style.extra_members = fault.extra_members;
    style.null_values = fault.null_values;
    match (fault.status, verdict.map(|verdict| &verdict.ruling)) {
        (Some(status), _) => errors::of_status(status, style),
        (None, None | Some(Decision::Allowed)) => route::respond(state, request, style),
        (None, Some(Decision::TooMany)) => errors::of_status(429, style),
        (None, Some(Decision::TooManyOfOne)) => {
            errors::too_many("operations", route::operation(request), style)
        }
        (None, Some(Decision::TooManyOf(resources))) => {
            errors::too_many("resources", &resources.join(","), style)
        }
    }
}

fn apply_fault(response: &mut Response, fault: &Fault) {
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

/// Adds `Date`, unless a fault has one of its own.
fn add_date(response: &mut Response, state: &State) {
    let has_date = response
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("date"));
    if let Some(offset) = state.settings.date_offset.filter(|_| !has_date) {
        let date = rfc3339::from_seconds(state.now().saturating_add(offset));
        response.add("Date", rfc3339::http_date(date));
    }
}

/// Both scopes as headers, whatever the status, unless the fault has some of its own.
fn limits(response: &mut Response, verdict: &Outcome, fault: &Fault, settings: &Settings) {
    let given: Vec<_> = fault
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    if !given.iter().any(|name| name.starts_with("ratelimit-")) {
        let rows = verdict.scopes.map(|left| {
            [
                left.limit.to_string(),
                left.remaining.to_string(),
                left.reset.to_string(),
            ]
        });
        let names = ["rateLimit-limit", "rateLimit-remaining", "rateLimit-reset"];
        match settings.rate_headers {
            RateHeaders::Repeated => rows.iter().for_each(|row| {
                names
                    .iter()
                    .zip(row)
                    .for_each(|(name, value)| response.add(name, value));
            }),
            RateHeaders::Joined => {
                let [first, second] = &rows;
                for ((name, first), second) in names.iter().zip(first).zip(second) {
                    response.add(name, format!("{first}, {second}"));
                }
            }
            RateHeaders::None => {}
        }
    }
    let refused = verdict.ruling != Decision::Allowed;
    if refused && settings.retry_after && !given.iter().any(|name| name == "retry-after") {
        let used_up = verdict.scopes.iter().filter(|left| left.remaining == 0);
        let wait = used_up.map(|left| left.reset).max().unwrap_or(0);
        response.add("Retry-After", wait.to_string());
    }
}

fn accepts_gzip(request: &Request) -> bool {
    request.header("accept-encoding").is_some_and(|list| {
        list.split(',').any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = quality
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse().ok())
                == Some(0.0);
            ["gzip", "*"].contains(&name.trim()) && !refused
        })
    })
}

fn compress(response: &mut Response, fault: &Fault) {
    let packed = match fault.oversized_gzip {
        Some(size) => gzip::bomb(&response.body, size),
        None => gzip::pack(&response.body),
    };
    // Writing into memory does not fail; if it did, the body would go out as it is.
    let Ok(mut packed) = packed else { return };
    if fault.bad_gzip {
        gzip::spoil(&mut packed);
    }
    response.body = packed;
    response.set("Content-Encoding", "gzip");
    response.add("Vary", "Accept-Encoding");
}

fn deliver(mut response: Response, fault: &Fault, head_only: bool, keep: bool) -> ResponsePlan {
    let body = chunked::framed(std::mem::take(&mut response.body), fault.framing);
    let length = body.len();
    let stalls = fault.stall == Some(Stall::HalfBody);
    let promised = match fault.framing {
        Framing::Length => {
            // Whoever is to wait for a body must be promised one.
            let least = u64::from(stalls);
            Some(fault.content_length.unwrap_or(length as u64).max(least))
        }
        Framing::Close => None,
        _ => {
            response.add("Transfer-Encoding", "chunked");
            fault.content_length
        }
    };
    // Only a connection that ends as announced is announced to end.
    let keep = keep && fault.framing != Framing::Close;
    let mut first = response.head(promised, !keep);
    let delay_head = fault.delay_head;
    if fault.stall == Some(Stall::HalfHead) {
        first.truncate(first.len() / 2);
        return ResponsePlan {
            delay_head,
            first,
            end: End::Stall,
            ..ResponsePlan::NOTHING
        };
    }
    let cut = fault.cut_body_after.filter(|after| *after < length);
    let is_short = !head_only && promised.is_some_and(|promised| promised > length as u64);
    let is_unfinished = fault.framing == Framing::UnfinishedChunks;
    let end = match fault.ending {
        _ if stalls => End::Stall,
        Ending::ResetAfter => End::Reset,
        _ if cut.is_some() || is_short || is_unfinished => truncated_end(fault),
        Ending::CloseAfter => truncated_end(fault),
        _ if keep => End::Keep,
        _ => End::Close,
    };
    let sent = match cut {
        _ if head_only => 0,
        Some(after) => after,
        None if stalls => length / 2,
        None => length,
    };
    let body = body.get(..sent).unwrap_or_default();
    let at_once = match (fault.drip.is_zero(), fault.delay_body.is_zero()) {
        (false, _) => 0,
        (true, false) => sent / 2,
        (true, true) => sent,
    };
    first.extend_from_slice(body.get(..at_once).unwrap_or_default());
    ResponsePlan {
        status: if cut.is_some() || is_unfinished || stalls {
            0
        } else {
            response.status
        },
        delay_head,
        first,
        delay_body: fault.delay_body,
        rest: body.get(at_once..).unwrap_or_default().to_vec(),
        drip: fault.drip,
        end,
    }
}
