//! Peak memory of a call beyond the response body and the result.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use confluent_metrics::{Granularity, Query, Resource};
use confluent_metrics_bench::documents::{Format, Shape, Values};
use confluent_metrics_emulator::{Emulator, Fault};

/// Counts the bytes in use, their peak and the allocations.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static ASKED: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    ASKED.fetch_add(1, Ordering::Relaxed);
    let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new block exist at once if the system has to copy.
        grow(size);
        let moved = unsafe { System.realloc(at, layout, size) };
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The emulator runs in a child process, so that its memory is not counted.
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve(&std::env::args().nth(2).expect("a format")),
        _ => {
            println!("| response | body | result | peak | (peak - body) / result | allocations |");
            println!("| --- | ---: | ---: | ---: | ---: | ---: |");
            // One large series is copied when it grows, and so has no target.
            measure("one");
            let most = ["flat", "grouped"]
                .map(measure)
                .into_iter()
                .fold(0.0, f64::max);
            let verdict = if most <= TARGET { "met" } else { "missed" };
            println!(
                "\n- peak memory beyond the body, relative to the result: {most:.2} (target: at most {TARGET}): {verdict}"
            );
        }
    }
}

/// The target for the peak beyond the body, as a multiple of the result.
const TARGET: f64 = 1.5;

fn shape(name: &str) -> Shape {
    let (format, groups, points, labels) = match name {
        "one" => (Format::Flat, 1, 100_000, 0),
        "flat" => (Format::Flat, 1000, 360, 1),
        _ => (Format::Grouped, 1000, 360, 1),
    };
    Shape {
        format,
        values: Values::Mixed,
        groups,
        points,
        labels,
    }
}

fn serve(format: &str) {
    let emulator = Emulator::builder().gzip(false).start();
    emulator.fault(
        Fault::status(200)
            .body(shape(format).bytes())
            .times(usize::MAX),
    );
    println!(
        "{}\n{}\n{}",
        emulator.url(),
        emulator.api_key(),
        emulator.api_secret()
    );
    println!("{}", emulator.ca_pem());
    println!("end");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Prints the peak memory of a call, and returns its part beyond the body as a multiple of the
/// result.
fn measure(name: &str) -> f64 {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .args(["serve", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a server");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let lines: Vec<_> = lines
        .map(|line| line.expect("a line"))
        .take_while(|line| line != "end")
        .collect();
    let [url, key, secret, pem @ ..] = lines.as_slice() else {
        panic!("the server said {lines:?}")
    };
    let credentials = confluent_metrics::Credentials::api_key(key, secret).expect("a key");
    let client = confluent_metrics::Client::builder(credentials)
        .base_url(url)
        .root_certificates_pem(pem.join("\n"))
        .without_proxy()
        .retention(std::time::Duration::MAX)
        .build()
        .expect("a client");
    let interval = "2026-01-01T00:00:00Z/P70D".parse().expect("an interval");
    let hours = "2026-01-01T00:00:00Z/PT6H".parse().expect("an interval");
    let metric = "io.confluent.kafka.server/sent_bytes";
    let query = match name {
        // No other granularity accepts so many minutes in one response.
        "one" => Query::new(metric, Granularity::All, interval),
        "flat" => Query::new(metric, Granularity::OneMinute, hours),
        _ => Query::new(metric, Granularity::OneMinute, hours).group_by(["metric.topic"]),
    };
    let query = query.filter(Resource::kafka("lkc-1"));
    // The first call opens the connection and allocates its buffers.
    drop(client.query(&query).expect("a response"));
    let body = shape(name).bytes().len();
    let (before, asked) = (HELD.load(Ordering::Relaxed), ASKED.load(Ordering::Relaxed));
    MOST.store(before, Ordering::Relaxed);
    let result = client.query(&query).expect("a response");
    let (result_bytes, most) = (
        HELD.load(Ordering::Relaxed) - before,
        MOST.load(Ordering::Relaxed) - before,
    );
    let asked = ASKED.load(Ordering::Relaxed) - asked;
    let points: usize = result
        .series()
        .iter()
        .map(|series| series.points().len())
        .sum();
    let over = most.saturating_sub(body) as f64 / result_bytes as f64;
    println!(
        "| {} | {} | {} ({:.1} per point) | {} | {over:.2} | {asked} ({:.3} per point) |",
        shape(name).name(),
        megabytes(body),
        megabytes(result_bytes),
        result_bytes as f64 / points as f64,
        megabytes(most),
        asked as f64 / points as f64,
    );
    drop(child.stdin.take());
    let _ = child.wait();
    over
}

fn megabytes(bytes: usize) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
