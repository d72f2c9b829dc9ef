//! A fault as the server applies it: one value for each layer.

use std::time::Duration;

use super::effect::{
    BodyFault, ConnectionFault, Effect, EndingFault, FramingFault, StatusFault, TimingFault,
};
use super::{Fault, queue::Queued};
use crate::http::chunked::Framing;

const SSH_GREETING: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";
const HTML_PAGE: &[u8] = b"<!DOCTYPE html>\n\
    <html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>\n";

/// A fault that passed the rules.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    Connection(ConnectionFault),
    /// Boxed, because it is many times as large as the other.
    Response(Box<ResponseScript>),
}

/// The faults of one response, by layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseScript {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: BodyScript,
    pub(crate) framing: Framing,
    pub(crate) content_length: Option<u64>,
    pub(crate) cut_body_after: Option<usize>,
    pub(crate) delay_head: Duration,
    pub(crate) delay_body: Duration,
    /// The pause after each byte of the body, if it is sent byte by byte.
    pub(crate) trickle: Duration,
    pub(crate) stall: Option<Stall>,
    pub(crate) no_response: Option<NoResponse>,
    pub(crate) ending: Ending,
    /// Sends a `close_notify` before an early end.
    pub(crate) close_notify: bool,
}

/// The faults of a body.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub(crate) struct BodyScript {
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) extra_members: bool,
    pub(crate) null_values: bool,
    pub(crate) bad_json: bool,
    pub(crate) min_size: usize,
    pub(crate) bad_gzip: bool,
    pub(crate) gzip_bomb: Option<usize>,
}

/// The end of a request that gets no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResponse {
    Close,
    Reset,
    Stall,
    NotHttp,
}

/// The part of a response after which nothing more is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stall {
    HalfHead,
    HalfBody,
}

/// The fate of the connection after a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As requested by the client.
    #[default]
    Regular,
    Close,
    Reset,
}

impl Fault {
    /// Checks the fault and prepares it for the queue.
    pub(super) fn into_queued(self) -> Result<Queued, String> {
        self.check()?;
        let script = if let Some(Effect::Connection(fault)) = self.effects.first() {
            Script::Connection(*fault)
        } else {
            let mut response = ResponseScript::default();
            for effect in self.effects {
                response.apply(effect);
            }
            Script::Response(Box::new(response))
        };
        Ok(Queued {
            script,
            times: self.times,
            skip: self.skip,
            path_part: self.path_part.unwrap_or_default(),
        })
    }
}

impl ResponseScript {
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Connection(_) => unreachable!("a fault of a connection is never combined"),
            Effect::Status(fault) => self.apply_status(fault),
            Effect::Body(fault) => self.apply_body(fault),
            Effect::Framing(fault) => self.apply_framing(fault),
            Effect::Timing(fault) => self.apply_timing(fault),
            Effect::Ending(fault) => self.apply_ending(fault),
        }
    }

    fn apply_status(&mut self, fault: StatusFault) {
        match fault {
            StatusFault::Status(status) => self.status = Some(status),
            StatusFault::Redirect { status, location } => {
                self.status = Some(status);
                self.headers.push(("Location".to_owned(), location));
                self.body.content.get_or_insert_default();
            }
            StatusFault::Header { name, value } => self.headers.push((name, value)),
        }
    }

    fn apply_body(&mut self, fault: BodyFault) {
        match fault {
            BodyFault::Content(content) => self.body.content = Some(content),
            BodyFault::Html => {
                self.body.content = Some(HTML_PAGE.to_vec());
                let content_type = "text/html; charset=utf-8".to_owned();
                self.headers.push(("Content-Type".to_owned(), content_type));
            }
            BodyFault::ExtraMembers => self.body.extra_members = true,
            BodyFault::NullValues => self.body.null_values = true,
            BodyFault::BadJson => self.body.bad_json = true,
            BodyFault::Oversized(bytes) => self.body.min_size = bytes,
            BodyFault::BadGzip => self.body.bad_gzip = true,
            BodyFault::OversizedGzip(bytes) => self.body.gzip_bomb = Some(bytes),
        }
    }

    fn apply_framing(&mut self, fault: FramingFault) {
        match fault {
            FramingFault::NotHttp => {
                self.no_response = Some(NoResponse::NotHttp);
                self.body
                    .content
                    .get_or_insert_with(|| SSH_GREETING.to_vec());
            }
            FramingFault::ContentLength(length) => self.content_length = Some(length),
            FramingFault::Chunked => self.framing = Framing::Chunks,
            FramingFault::BrokenChunks => self.framing = Framing::BrokenChunks,
            FramingFault::UnfinishedChunks => self.framing = Framing::UnfinishedChunks,
            FramingFault::Unframed => self.framing = Framing::Close,
            FramingFault::CutBodyAfter(bytes) => self.cut_body_after = Some(bytes),
        }
    }

    const fn apply_timing(&mut self, fault: TimingFault) {
        match fault {
            TimingFault::DelayHead(delay) => self.delay_head = delay,
            TimingFault::DelayBody(delay) => self.delay_body = delay,
            TimingFault::TrickleBody(pause) => self.trickle = pause,
            TimingFault::Stall => self.no_response = Some(NoResponse::Stall),
            TimingFault::StallHead => self.stall = Some(Stall::HalfHead),
            TimingFault::StallBody => self.stall = Some(Stall::HalfBody),
        }
    }

    const fn apply_ending(&mut self, fault: EndingFault) {
        match fault {
            EndingFault::CloseBeforeResponse => self.no_response = Some(NoResponse::Close),
            EndingFault::CloseAfterResponse => self.ending = Ending::Close,
            EndingFault::Reset => self.no_response = Some(NoResponse::Reset),
            EndingFault::ResetAfterResponse => self.ending = Ending::Reset,
            EndingFault::CloseNotify => self.close_notify = true,
        }
    }
}
