//! The emulator over TLS, from the side of a client.

mod access;
mod attributes;
mod certificates;
mod client;
mod command;
mod connection_faults;
mod descriptors;
mod discovery;
mod exports;
mod faults;
mod lifecycle;
mod paging;
mod protocol;
mod queries;
mod rates;
mod redirects;
