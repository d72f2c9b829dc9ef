//! Every fault, by the layer that it belongs to.

use std::time::Duration;

/// One change to a connection or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Before there is a request.
    Connection(ConnectionFault),
    Status(StatusFault),
    Body(BodyFault),
    Framing(FramingFault),
    Timing(TimingFault),
    Ending(EndingFault),
}

/// Faults of a connection, before there is a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionFault {
    StallHandshake,
    Close,
    Reset,
    NotTls,
    TlsAlert(u8),
    StopReading,
}

/// Status line and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StatusFault {
    Status(u16),
    Redirect { status: u16, location: String },
    Header { name: String, value: String },
}

/// The content of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyFault {
    Content(Vec<u8>),
    Html,
    ExtraMembers,
    NullValues,
    BadJson,
    Oversized(usize),
    BadGzip,
    OversizedGzip(usize),
}

/// The length of the body on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FramingFault {
    NotHttp,
    ContentLength(u64),
    Chunked,
    BrokenChunks,
    UnfinishedChunks,
    Unframed,
    CutBodyAfter(usize),
}

/// Delays and stalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimingFault {
    DelayHead(Duration),
    DelayBody(Duration),
    TrickleBody(Duration),
    Stall,
    StallHead,
    StallBody,
}

/// The end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndingFault {
    CloseBeforeResponse,
    CloseAfterResponse,
    Reset,
    ResetAfterResponse,
    CloseNotify,
}

impl Effect {
    /// Returns the name of the method of [`Fault`](super::Fault) that makes it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Connection(ConnectionFault::StallHandshake) => "stall_handshake",
            Self::Connection(ConnectionFault::Close) => "close_connection",
            Self::Connection(ConnectionFault::Reset) => "reset_connection",
            Self::Connection(ConnectionFault::NotTls) => "not_tls",
            Self::Connection(ConnectionFault::TlsAlert(_)) => "tls_alert",
            Self::Connection(ConnectionFault::StopReading) => "stop_reading",
            Self::Status(StatusFault::Status(_)) => "status",
            Self::Status(StatusFault::Redirect { .. }) => "redirect",
            Self::Status(StatusFault::Header { .. }) => "header",
            Self::Body(BodyFault::Content(_)) => "body",
            Self::Body(BodyFault::Html) => "html",
            Self::Body(BodyFault::ExtraMembers) => "extra_members",
            Self::Body(BodyFault::NullValues) => "null_values",
            Self::Body(BodyFault::BadJson) => "bad_json",
            Self::Body(BodyFault::Oversized(_)) => "oversized",
            Self::Body(BodyFault::BadGzip) => "bad_gzip",
            Self::Body(BodyFault::OversizedGzip(_)) => "oversized_gzip",
            Self::Framing(FramingFault::NotHttp) => "not_http",
            Self::Framing(FramingFault::ContentLength(_)) => "content_length",
            Self::Framing(FramingFault::Chunked) => "chunked",
            Self::Framing(FramingFault::BrokenChunks) => "broken_chunks",
            Self::Framing(FramingFault::UnfinishedChunks) => "unfinished_chunks",
            Self::Framing(FramingFault::Unframed) => "unframed",
            Self::Framing(FramingFault::CutBodyAfter(_)) => "cut_body_after",
            Self::Timing(TimingFault::DelayHead(_)) => "delay_head",
            Self::Timing(TimingFault::DelayBody(_)) => "delay_body",
            Self::Timing(TimingFault::TrickleBody(_)) => "trickle_body",
            Self::Timing(TimingFault::Stall) => "stall",
            Self::Timing(TimingFault::StallHead) => "stall_head",
            Self::Timing(TimingFault::StallBody) => "stall_body",
            Self::Ending(EndingFault::CloseBeforeResponse) => "close_before_response",
            Self::Ending(EndingFault::CloseAfterResponse) => "close_after_response",
            Self::Ending(EndingFault::Reset) => "reset",
            Self::Ending(EndingFault::ResetAfterResponse) => "reset_after_response",
            Self::Ending(EndingFault::CloseNotify) => "with_close_notify",
        }
    }
}
