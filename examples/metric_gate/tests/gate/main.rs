//! `metric_gate` as a process: its output and its exit codes.

mod exit_codes;
mod faults;
mod files;
mod language;
mod outputs;
mod support;
mod waiting;
