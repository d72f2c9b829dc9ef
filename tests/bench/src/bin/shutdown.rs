//! From SIGTERM to the exit of a service with four threads, in three situations.
//!
//! The service is the one of the guide to shutting down. It runs in a process of its own. An
//! argument names another program to measure: the binary of `examples/poller`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{CancelToken, Client, ErrorKind, Granularity, Interval, Query, Resource};
use confluent_metrics_emulator::{Emulator, Fault};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const TRIES: usize = 20;
const TARGET: Duration = Duration::from_millis(500);
const THREADS: usize = 4;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("service") {
        service();
        return;
    }
    let stalled = |emulator: &Emulator| {
        emulator.fault(Fault::real_response().stall().times(usize::MAX));
    };
    let retry_after = |emulator: &Emulator| {
        let response = Fault::status(503).header("Retry-After", "120");
        emulator.fault(response.times(usize::MAX));
    };
    let situations: [(&str, Emulator, usize); 3] = [
        (
            "stalled server",
            started(Emulator::builder(), stalled),
            THREADS,
        ),
        (
            "Retry-After: 120",
            started(Emulator::builder(), retry_after),
            1,
        ),
        (
            "wait for a rate limit",
            // The first response uses the limit up, and tells the reset.
            started(
                Emulator::builder()
                    .rate_limit(1)
                    .rate_window(Duration::from_secs(240)),
                |_| (),
            ),
            1,
        ),
    ];
    let folder = std::env::temp_dir().join(format!("shutdown-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a new folder");
    let this = std::env::current_exe().expect("this program");
    let this = this.to_str().expect("a path in UTF-8").to_owned();
    let mut programs = vec![("service of the guide", vec![this, "service".to_owned()])];
    if let Some(poller) = std::env::args().nth(1) {
        let points = folder.join("points.txt");
        let mut command = vec![poller, points.to_str().expect("UTF-8").to_owned()];
        command.extend(["lkc-1", "lkc-2", "lkc-3"].map(str::to_owned));
        programs.push(("poller", command));
    }
    println!("| program | situation | longest of {TRIES} | median |");
    println!("| --- | --- | ---: | ---: |");
    let mut longest = Duration::ZERO;
    for (program, command) in &programs {
        for (situation, emulator, requests) in &situations {
            let mut times: Vec<_> = (0..TRIES)
                .map(|_| one_try(command, emulator, *requests, &folder))
                .collect();
            times.sort_unstable();
            longest = longest.max(times[TRIES - 1]);
            println!(
                "| {program} | {situation} | {} ms | {} ms |",
                times[TRIES - 1].as_millis(),
                times[TRIES / 2].as_millis()
            );
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder");
    let verdict = if longest <= TARGET { "met" } else { "missed" };
    println!(
        "\n- SIGTERM to exit: {} ms (target: at most {} ms): {verdict}",
        longest.as_millis(),
        TARGET.as_millis()
    );
}

fn started(
    builder: confluent_metrics_emulator::Builder,
    prepare: impl FnOnce(&Emulator),
) -> Emulator {
    let emulator = builder.start();
    prepare(&emulator);
    emulator
}

/// Starts a program, sends the signal once it waits, and returns the time to its exit.
fn one_try(program: &[String], emulator: &Emulator, requests: usize, folder: &Path) -> Duration {
    emulator.clear_requests();
    let mut process = spawn(program, emulator, folder);
    while emulator.requests().len() < requests {
        thread::sleep(Duration::from_millis(5));
    }
    // The other threads reach their wait, too.
    thread::sleep(Duration::from_millis(300));
    assert!(process.try_wait().expect("a process").is_none(), "it runs");
    let pid = process.id().to_string();
    let signaled = Instant::now();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("kill").success());
    let status = process.wait().expect("a process");
    let took = signaled.elapsed();
    assert!(status.success(), "{status}");
    took
}

/// Starts the program with the emulator as its service.
fn spawn(program: &[String], emulator: &Emulator, folder: &Path) -> Child {
    let certificates = folder.join("ca.pem");
    std::fs::write(&certificates, emulator.ca_pem()).expect("a file");
    let mut command = Command::new(&program[0]);
    for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(proxy);
    }
    command
        .args(&program[1..])
        .env("CONFLUENT_CLOUD_API_KEY", emulator.api_key())
        .env("CONFLUENT_CLOUD_API_SECRET", emulator.api_secret())
        .env("CONFLUENT_METRICS_BASE_URL", emulator.url())
        .env("CONFLUENT_METRICS_CA_FILE", certificates)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Runs until a signal.
fn service() {
    let client = Client::from_env().expect("the variables are set");
    let mut signals = Signals::new([SIGINT, SIGTERM]).expect("the handler can be installed");
    let shutdown = CancelToken::new();
    let client = client.with_cancel(&shutdown);
    thread::scope(|scope| {
        for cluster in ["lkc-1", "lkc-2", "lkc-3", "lkc-4"] {
            let client = &client;
            let shutdown = &shutdown;
            scope.spawn(move || poll(client, cluster, shutdown));
        }
        signals.forever().next();
        shutdown.cancel();
    });
}

/// Polls one cluster each minute, until the shutdown.
fn poll(client: &Client, cluster: &str, shutdown: &CancelToken) {
    let metric = "io.confluent.kafka.server/received_bytes";
    let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(5))
        .filter(Resource::kafka(cluster));
    while !shutdown.is_cancelled() {
        match client.query(&query) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Cancelled => return,
            Err(error) => eprintln!("{cluster}: {error}"),
        }
        pause(Duration::from_secs(60), shutdown);
    }
}

/// Waits for `duration`, or until the shutdown.
fn pause(duration: Duration, shutdown: &CancelToken) {
    let started = Instant::now();
    while started.elapsed() < duration && !shutdown.is_cancelled() {
        thread::sleep(Duration::from_millis(100));
    }
}
