#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod authorization;
mod body;
mod catalogue;
mod certificate;
mod cli;
mod config;
mod content_negotiation;
mod context;
mod credentials;
mod demo;
mod emulator;
mod encode;
mod errors;
mod evaluate;
mod exposition;
mod fault;
mod format;
mod generator;
mod http;
mod operations;
mod paging;
mod proxy;
mod rate_limiter;
mod request;
mod request_log;
mod response_plan;
mod route;
mod server;
mod state;
mod store;
mod token;

pub use certificate::Certificate;
#[doc(hidden)]
pub use cli::run;
pub use emulator::{Builder, Emulator, RawPoint};
pub use exposition::ExportDialect;
pub use fault::Fault;
pub use proxy::{Proxy, ProxyBehavior};
pub use rate_limiter::RateHeaders;
pub use request_log::Request;
