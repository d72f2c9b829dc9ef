//! Describes the machine of a run.

use std::process::Command;

pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("processor unknown", |name| {
            name.trim_start_matches([' ', '\t', ':'])
        });
    let version = Command::new("rustc").arg("--version").output();
    let version = version
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.as_deref().map_or("rustc unknown", str::trim);
    format!("{cores} cores of {model}; {version}; release build")
}
