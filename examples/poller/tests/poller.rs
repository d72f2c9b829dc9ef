//! The poller as a process: no bucket is lost, and none is written twice.

// The tests stop the poller with `kill`.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{Client, Credentials, Granularity, Interval, Query, Resource, Timestamp};
use confluent_metrics_emulator::{Emulator, Fault};

const CLUSTERS: [&str; 3] = ["lkc-1", "lkc-2", "lkc-3"];

/// An upper bound on what takes seconds. Only a poller that hangs exceeds it.
const HANG: Duration = Duration::from_secs(120);

const MINUTE: Duration = Duration::from_secs(60);

/// Starts an emulator of three clusters, on a port if one is given.
fn start_emulator(port: u16) -> Emulator {
    let builder = Emulator::builder().kafka_cluster("lkc-3").port(port);
    let started = Instant::now();
    loop {
        match builder.clone().try_start() {
            Ok(emulator) => return emulator,
            // Connections of the emulator before may still hold the port.
            Err(error) => assert!(started.elapsed() < HANG, "{error}"),
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// A file of points, in a folder of the test.
struct PointFile {
    path: PathBuf,
}

impl PointFile {
    /// Names a file that does not exist yet.
    fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.txt"));
        let _ = fs::remove_file(&path);
        Self { path }
    }

    /// Creates a file whose last round ended at a time.
    fn until(test: &str, position: Timestamp) -> Self {
        let file = Self::new(test);
        let content = format!("# points of confluent-metric-poller\n# until {position}\n");
        fs::write(&file.path, content).unwrap();
        file
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.path).unwrap_or_default()
    }

    /// Returns the end of the last round.
    fn position(&self) -> Option<Timestamp> {
        let text = self.read();
        let line = text.lines().rfind(|line| line.starts_with("# until "))?;
        line["# until ".len()..].parse().ok()
    }

    /// Waits until the position is at least `time`.
    fn wait_until(&self, time: Timestamp) {
        let started = Instant::now();
        while self.position() < Some(time) {
            assert!(started.elapsed() < HANG, "{time}: {}", self.read());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Counts each line of a point.
    fn points(&self) -> BTreeMap<String, usize> {
        let mut points = BTreeMap::new();
        for line in self.read().lines().filter(|line| !line.starts_with('#')) {
            *points.entry(line.to_owned()).or_default() += 1;
        }
        points
    }

    /// Starts a poller that reads the emulator, five minutes in a round.
    fn poll(&self, emulator: &Emulator) -> Poller {
        let authority = self.path.with_extension("pem");
        fs::write(&authority, emulator.ca_pem()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_poller"));
        for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        let child = command
            .args(["--every", "0.2", "--at-most", "5"])
            .arg(&self.path)
            .args(CLUSTERS)
            .env("CONFLUENT_METRICS_BASE_URL", emulator.url())
            .env("CONFLUENT_METRICS_CA_FILE", &authority)
            .env("CONFLUENT_CLOUD_API_KEY", emulator.api_key())
            .env("CONFLUENT_CLOUD_API_SECRET", emulator.api_secret())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Poller { child }
    }
}

/// A running poller, which is killed at the end of a test.
struct Poller {
    child: Child,
}

impl Poller {
    /// Sends a signal, and returns the status and the time until the end.
    fn signal(&mut self, signal: &str) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
        (self.wait(), started.elapsed())
    }

    fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < HANG, "the poller does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the lines that a poller should have written, by queries of the whole time.
fn expected_points(emulator: &Emulator, start: Timestamp, end: Timestamp) -> Vec<String> {
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
    let client = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .build()
        .unwrap();
    let source = include_str!("../src/main.rs");
    let metrics = source
        .lines()
        .filter_map(|line| line.strip_prefix("    \"")?.strip_suffix("\","));
    let metrics: Vec<_> = metrics.collect();
    assert_eq!(metrics.len(), 12);
    let mut lines = Vec::new();
    for cluster in CLUSTERS {
        for metric in &metrics {
            let interval = Interval::between(start, end);
            let query = Query::new(*metric, Granularity::OneMinute, interval)
                .filter(Resource::kafka(cluster));
            let result = client.query(&query).unwrap();
            assert!(!result.series().is_empty(), "{cluster} {metric}");
            for series in &result {
                for point in series.points() {
                    let time = point.timestamp;
                    lines.push(format!("{time} {cluster} {metric} {}", point.value));
                }
            }
        }
    }
    lines.sort();
    lines
}

/// Checks that the file has every point from `start` to its position, each once.
fn assert_complete(file: &PointFile, emulator: &Emulator, start: Timestamp) {
    let end = file.position().unwrap();
    let expected = expected_points(emulator, start, end);
    let points = file.points();
    let repeated: Vec<_> = points.iter().filter(|(_, count)| **count > 1).collect();
    assert!(repeated.is_empty(), "written twice: {repeated:?}");
    let written: Vec<_> = points.into_keys().collect();
    let lost: Vec<_> = expected
        .iter()
        .filter(|line| written.binary_search(line).is_err())
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!(written, expected);
}

/// Returns the start of the minute that was `minutes` minutes ago.
fn minutes_ago(minutes: u32) -> Timestamp {
    Granularity::OneMinute.floor(Timestamp::now() - minutes * MINUTE)
}

#[test]
fn restarts_of_the_service_and_of_the_poller_lose_no_bucket_and_repeat_none() {
    let start = minutes_ago(150);
    let file = PointFile::until("restarts", start);
    let emulator = start_emulator(0);
    let mut poller = file.poll(&emulator);
    file.wait_until(start + 10 * MINUTE);

    // The service is away for a while: connections break, and no other one is accepted.
    emulator.refuse_connections(true);
    emulator.fault(Fault::real_response().close_before_response().times(6));
    thread::sleep(Duration::from_secs(1));
    emulator.refuse_connections(false);
    emulator.clear_faults();
    file.wait_until(file.position().unwrap() + 10 * MINUTE);

    // The poller is killed, and leaves half of a round behind.
    poller.signal("-KILL");
    let half = format!("{} lkc-1 half of a ro", file.position().unwrap());
    fs::write(&file.path, file.read() + &half).unwrap();
    poller = file.poll(&emulator);
    file.wait_until(file.position().unwrap() + 10 * MINUTE);

    // A new service has another certificate. That is an error, so the poller is started again.
    let port = emulator.url().rsplit(':').next().unwrap().parse().unwrap();
    drop(emulator);
    let emulator = start_emulator(port);
    assert_eq!(poller.wait().code(), Some(1));
    poller = file.poll(&emulator);
    file.wait_until(file.position().unwrap() + 10 * MINUTE);

    let (status, _) = poller.signal("-TERM");
    assert_eq!(status.code(), Some(0));
    poller = file.poll(&emulator);
    file.wait_until(minutes_ago(5));
    let (status, _) = poller.signal("-INT");
    assert_eq!(status.code(), Some(0));
    assert_complete(&file, &emulator, start);
}

#[test]
fn the_first_round_has_the_latest_complete_bucket() {
    let file = PointFile::new("first_round");
    let emulator = start_emulator(0);
    let earliest = minutes_ago(4);
    let mut poller = file.poll(&emulator);
    file.wait_until(earliest);
    let (status, _) = poller.signal("-TERM");
    assert_eq!(status.code(), Some(0));
    let points = file.points();
    let first = points.keys().next().unwrap();
    let start: Timestamp = first.split(' ').next().unwrap().parse().unwrap();
    assert!(start >= earliest, "{start}");
    assert_complete(&file, &emulator, start);
}

#[test]
fn a_signal_ends_a_call_that_waits_for_the_service() {
    let emulator = start_emulator(0);
    for signal in ["-TERM", "-INT"] {
        for fault in [
            Fault::real_response().stall(),
            Fault::real_response().stall_body(),
            Fault::stall_handshake(),
            Fault::status(429).header("Retry-After", "120"),
        ] {
            let file = PointFile::until("signals", minutes_ago(30));
            emulator.clear_requests();
            let connections = emulator.connections();
            emulator.fault(fault.clone().times(100));
            let mut poller = file.poll(&emulator);
            let started = Instant::now();
            while emulator.connections() < connections + 4 && emulator.requests().is_empty() {
                assert!(started.elapsed() < HANG, "{fault:?}");
                thread::sleep(Duration::from_millis(5));
            }
            // Whatever the call waits for takes at least 30 seconds.
            thread::sleep(Duration::from_millis(300));
            let (status, time) = poller.signal(signal);
            assert_eq!(status.code(), Some(0), "{fault:?}");
            assert!(time < Duration::from_secs(10), "{fault:?}: {time:?}");
            assert_eq!(file.points().len(), 0, "{fault:?}");
            emulator.clear_faults();
        }
    }
}

#[test]
fn a_file_of_something_else_is_not_changed() {
    let file = PointFile::new("other");
    fs::write(&file.path, "a diary\n").unwrap();
    let emulator = start_emulator(0);
    assert_eq!(file.poll(&emulator).wait().code(), Some(1));
    assert_eq!(file.read(), "a diary\n");
}
