//! The memory, the open files and the threads of this process, which are the emulators' as well.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// The name of the threads that call the library. Threads of a call inherit it on Linux.
pub(crate) const CALLER: &str = "soak-caller";

/// The most that may be in use at the end of a round.
///
/// All are zero on systems other than Linux.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// The resident memory in bytes.
    pub(crate) memory: usize,
    pub(crate) files: usize,
    pub(crate) threads: usize,
}

impl Usage {
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"))
            .and_then(|text| text.trim().parse::<usize>().ok());
        Self {
            memory: kilobytes.unwrap_or(0) << 10,
            files: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            threads: thread_names().len(),
        }
    }

    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            files: self.files.max(other.files),
            threads: self.threads.max(other.threads),
        }
    }
}

/// Waits until no thread of a call is left, and returns the number of those that stay.
pub(crate) fn remaining_callers(patience: Duration) -> usize {
    let started = Instant::now();
    loop {
        let names = thread_names();
        let left = names.iter().filter(|name| *name == CALLER).count();
        if left == 0 || started.elapsed() > patience {
            return left;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the names of all threads of this process.
fn thread_names() -> Vec<String> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    // A thread may end while the folder is read.
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}
