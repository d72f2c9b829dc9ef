//! A part of this program as a process of its own on one core.
//!
//! A small call is over before the kernel has made up its mind where the two ends of a connection run: on two cores they wait
//! twice as long for each other as on one, and which it is differs from connection to connection.

use std::env;
use std::process::{Command, Stdio};

const MARK: &str = "CONFLUENT_METRICS_BENCH_PINNED";

/// What this program prints for `table` on the first core; `None` where it is that process already, or cannot be one.
pub fn run(table: &str) -> Option<String> {
    if env::var_os(MARK).is_some() {
        return None;
    }
    let mut pinned = Command::new("taskset");
    pinned
        .args(["--cpu-list", "0"])
        .arg(env::current_exe().expect("a path"))
        .arg(table);
    let output = match pinned.env(MARK, "").stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => output.stdout,
        // Without taskset, or where the first core is not this process's to use.
        failed => {
            eprintln!(
                "not on one core ({failed:?}): the times of small calls depend on where the kernel puts them"
            );
            return None;
        }
    };
    Some(String::from_utf8(output).expect("text"))
}
