//! The binary, by hand.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_confluent-metrics-emulator");

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("started")
}

/// Ends the process when the test does, however that is, and takes its file away.
struct Running {
    child: Child,
    file: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

fn start(arguments: &[&str]) -> (Running, Vec<String>) {
    let mut command = Command::new(BINARY);
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running {
        child: command.spawn().expect("started"),
        file: String::new(),
    };
    let out = running.child.stdout.take().expect("piped");
    let lines: Vec<_> = BufReader::new(out)
        .lines()
        .take(5)
        .map(|line| line.expect("text"))
        .collect();
    lines[1]
        .trim_start_matches("export CONFLUENT_METRICS_CA_FILE=")
        .clone_into(&mut running.file);
    (running, lines)
}

#[test]
fn help_and_invalid_arguments() {
    let help = run(&["--help"]);
    assert!(help.status.success() && help.stderr.is_empty());
    assert!(String::from_utf8_lossy(&help.stdout).contains("--rate-limit N"));
    let unknown = run(&["--frobnicate"]);
    assert_eq!(
        (unknown.status.code(), unknown.stdout.as_slice()),
        (Some(2), &b""[..])
    );
    assert_eq!(
        String::from_utf8_lossy(&unknown.stderr),
        "confluent-metrics-emulator: unknown option \"--frobnicate\"; try --help\n"
    );
    let (_running, lines) = start(&[]);
    let port = lines[0].rsplit(':').next().expect("a port").to_owned();
    let taken = run(&["--port", &port]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("cannot start"));
}

#[test]
#[cfg(unix)]
fn the_printed_lines_work_in_a_shell() {
    let (mut running, lines) = start(&["--verbose", "--clock", "2026-01-01T12:00:00Z"]);
    let names: Vec<_> = lines
        .iter()
        .map(|line| line.split('=').next().unwrap_or_default())
        .collect();
    assert_eq!(
        names[..4],
        [
            "export CONFLUENT_METRICS_BASE_URL",
            "export CONFLUENT_METRICS_CA_FILE",
            "export CONFLUENT_CLOUD_API_KEY",
            "export CONFLUENT_CLOUD_API_SECRET"
        ]
    );
    let exports = format!(
        "{}\ntest -s \"$CONFLUENT_METRICS_CA_FILE\"",
        lines[..4].join("\n")
    );
    let written = Command::new("sh")
        .args(["-c", &exports])
        .status()
        .expect("a shell");
    assert!(written.success(), "the certificate is in a file");
    // Skipped on a machine without curl.
    if Command::new("curl").arg("--version").output().is_ok() {
        let response = Command::new("sh")
            .args(["-c", &lines[4]])
            .output()
            .expect("a shell");
        let text = String::from_utf8_lossy(&response.stdout).into_owned();
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let groups = json["data"].as_array().expect("groups");
        assert!(groups.len() >= 11, "{text}");
        assert!(
            groups
                .iter()
                .any(|group| group["points"].as_array().map(Vec::len) == Some(60))
        );
        let mut line = String::new();
        BufReader::new(running.child.stderr.take().expect("piped"))
            .read_line(&mut line)
            .expect("a line");
        assert!(
            line.starts_with("POST /v2/metrics/cloud/query 200 "),
            "{line}"
        );
    }
}
