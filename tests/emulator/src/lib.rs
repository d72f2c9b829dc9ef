#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod accept;
mod access;
mod attributes;
mod body;
mod call;
mod catalogue;
mod certificate;
mod chunks;
mod cli;
mod descriptors;
mod discovery;
mod emulator;
mod errors;
mod evaluate;
mod exchange;
mod export;
mod exposition;
mod fault;
mod filter;
mod gzip;
mod http;
mod interval;
mod number;
mod organisation;
mod paging;
mod proxy;
mod query;
mod querying;
mod rate;
mod reach;
mod record;
mod render;
mod route;
mod server;
mod settings;
mod state;
mod store;
mod time;
mod token;
mod url;
mod wave;
mod wire;

pub use certificate::Certificate;
#[doc(hidden)]
pub use cli::run;
pub use emulator::{Builder, Emulator, RawPoint};
pub use exposition::ExportForm;
pub use fault::Fault;
pub use proxy::{Manner, Proxy};
pub use rate::RateHeaders;
pub use record::Request;
