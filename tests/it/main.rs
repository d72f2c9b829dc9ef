//! The library as a program outside sees it, through real TLS sockets to the emulator.

mod api;
mod attributes;
mod bodies;
mod checks;
mod checks_formats;
mod checks_gate;
mod checks_judged;
mod checks_recipes;
mod decoding;
mod descriptors;
mod discovery;
mod environment;
mod errors;
mod export;
mod exposition;
mod faults;
mod pages;
mod proxies;
mod query;
mod readme;
mod recorded;
mod retries;
mod secrets;
mod support;
mod transport;
mod whole;
