#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// The modules in the order of the map in CONTRIBUTING.md: a later one uses the earlier ones.

// Formats and protocols without knowledge of the service.
mod format;
mod http;

// What is in the service: metrics, organization, data points, callers.
mod catalogue;
mod certificate;
mod credentials;
mod demo;
mod generator;
mod store;
mod token;

// Requests: bodies, filters, intervals, queries.
mod request;
mod request_log;

// Configuration, rate limits and the state behind the responses.
mod config;
mod rate_limiter;
mod responder;
mod state;

// Responses: one file for each operation, and what they share.
mod authorization;
mod buckets;
mod content_negotiation;
mod context;
mod encode;
mod errors;
mod evaluate;
mod exposition;
mod operations;
mod paging;
mod response;
mod route;

// Faults, and the bytes that are sent.
mod fault;
mod rate_limit_headers;
mod response_plan;

// Sockets and threads.
mod connection;
mod in_flight;
mod proxy;
mod server;

// The public surface.
mod builder;
mod cli;
mod emulator;

pub use builder::Builder;
pub use certificate::Certificate;
/// Runs the command. Public for the binary of this crate only.
#[doc(hidden)]
pub use cli::run;
pub use emulator::{Emulator, RawPoint};
pub use exposition::ExportDialect;
pub use fault::Fault;
pub use proxy::{Proxy, ProxyBehavior};
pub use rate_limit_headers::RateHeaders;
pub use request_log::Request;
pub use response::Response;
