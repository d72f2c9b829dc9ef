//! Runs a part of this program in a process that is pinned to one core.
//!
//! The kernel may place the two ends of a connection on one core or on two. On two, a small query
//! takes twice as long, which differs from connection to connection.

use std::env;
use std::process::{Command, Stdio};

const MARK: &str = "CONFLUENT_METRICS_BENCH_PINNED";

/// Returns the output for `table` on the first core. `None` if this is that process already, or if
/// there is no `taskset`.
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
