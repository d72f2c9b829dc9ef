//! The emulator over TLS, as a client meets it.

mod access;
mod client;
mod command;
mod faults;
mod lifecycle;
mod paging;
mod protocol;
mod queries;
mod rates;
