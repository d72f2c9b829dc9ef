//! The library as a program outside sees it, through real TLS sockets to the emulator.

mod api;
mod attributes;
mod decoding;
mod descriptors;
mod discovery;
mod environment;
mod errors;
mod export;
mod exposition;
mod faults;
mod pages;
mod query;
mod readme;
mod recorded;
mod retries;
mod secrets;
mod support;
mod transport;
mod whole;
