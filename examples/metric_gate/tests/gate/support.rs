//! The program as a process, and an emulator with data of a test.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use confluent_metrics_emulator::Emulator;

pub(crate) const LAG: &str = "io.confluent.kafka.server/consumer_lag_offsets";

/// Returns the command, without variables that the library reads.
pub(crate) fn gate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metric_gate"));
    command.args(arguments).env_clear().env("NO_COLOR", "1");
    command
}

pub(crate) fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// An emulator in which each of these groups has the given lag since 15 minutes ago.
pub(crate) struct Service {
    pub(crate) emulator: Emulator,
    pub(crate) roots: PathBuf,
}

impl Service {
    pub(crate) fn with(groups: &[(&str, f64)]) -> Self {
        let number = unique();
        let emulator = Emulator::builder().demo(false).start();
        let roots =
            env::temp_dir().join(format!("metric-gate-{}-{number}.pem", std::process::id()));
        fs::write(&roots, emulator.ca_pem()).unwrap();
        let service = Self { emulator, roots };
        for (group, lag) in groups {
            service.put(group, *lag);
        }
        service
    }

    /// Sets the lag of a group since 15 minutes ago.
    pub(crate) fn put(&self, group: &str, lag: f64) {
        let labels = [
            ("resource.kafka.id", "lkc-1"),
            ("metric.consumer_group_id", group),
        ];
        for minute in -15..15 {
            let time = self.emulator.now() + minute * 60;
            self.emulator.put(LAG, &labels, time, lag);
        }
    }

    /// The lag of each group over ten minutes.
    pub(crate) fn gate(&self, arguments: &[&str]) -> Command {
        let requested = [
            LAG,
            "--resource=kafka:lkc-1",
            "--group-by=metric.consumer_group_id",
            "--last=10m",
        ];
        let mut command = self.bare(arguments);
        command.args(requested);
        command
    }

    /// The command with the connection alone.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = gate(arguments);
        command
            .env("CONFLUENT_CLOUD_API_KEY", self.emulator.api_key())
            .env("CONFLUENT_CLOUD_API_SECRET", self.emulator.api_secret())
            .env("CONFLUENT_METRICS_BASE_URL", self.emulator.url())
            .env("CONFLUENT_METRICS_CA_FILE", &self.roots);
        command
    }

    pub(crate) fn code(&self, arguments: &[&str]) -> Option<i32> {
        run(&mut self.gate(arguments)).0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.roots);
    }
}

/// Returns a number that no other test of this process has.
fn unique() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A folder that is removed with what is in it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let name = format!("metric-gate-{}-{}", std::process::id(), unique());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
