//! From SIGTERM to the exit of a service with four threads, in three situations.
//!
//! The service is the one of the guide to shutting down. It runs in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{
    CancelToken, Client, Credentials, ErrorKind, Granularity, Interval, Query, Resource,
};
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
    println!("| situation | longest of {TRIES} | median |\n| --- | ---: | ---: |");
    let mut longest = Duration::ZERO;
    for (name, emulator, requests) in &situations {
        let mut times: Vec<_> = (0..TRIES).map(|_| one_try(emulator, *requests)).collect();
        times.sort_unstable();
        longest = longest.max(times[TRIES - 1]);
        println!(
            "| {name} | {} ms | {} ms |",
            times[TRIES - 1].as_millis(),
            times[TRIES / 2].as_millis()
        );
    }
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

/// Starts the service, sends the signal once it waits, and returns the time to its exit.
fn one_try(emulator: &Emulator, requests: usize) -> Duration {
    emulator.clear_requests();
    let mut service = spawn(emulator);
    while emulator.requests().len() < requests {
        thread::sleep(Duration::from_millis(5));
    }
    // The other threads reach their wait, too.
    thread::sleep(Duration::from_millis(300));
    assert!(service.try_wait().expect("a process").is_none(), "it runs");
    let pid = service.id().to_string();
    let signaled = Instant::now();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("kill").success());
    let status = service.wait().expect("a process");
    let took = signaled.elapsed();
    assert!(status.success(), "{status}");
    took
}

fn spawn(emulator: &Emulator) -> Child {
    let mut service = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "service",
            emulator.url(),
            emulator.api_key(),
            emulator.api_secret(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let mut input = service.stdin.take().expect("a pipe");
    input
        .write_all(emulator.ca_pem().as_bytes())
        .expect("a pipe");
    drop(input);
    // The handler of the signal is installed before the first line.
    let output = service.stdout.take().expect("a pipe");
    BufReader::new(output)
        .read_line(&mut String::new())
        .expect("a line");
    service
}

fn service() {
    let arguments: Vec<_> = std::env::args().skip(2).collect();
    let [url, key, secret] = arguments.as_slice() else {
        panic!("expected URL, key and secret");
    };
    let pem = std::io::read_to_string(std::io::stdin()).expect("certificates");
    let client = Client::builder(Credentials::api_key(key, secret).expect("a key"))
        .base_url(url)
        .root_certificates_pem(pem)
        .without_proxy()
        .build()
        .expect("a client");
    let mut signals = Signals::new([SIGINT, SIGTERM]).expect("the handler can be installed");
    println!("ready");
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
