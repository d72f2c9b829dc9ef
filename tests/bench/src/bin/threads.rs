//! Queries per second with clones of one client in several threads, with and without a rate limit.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{Client, Granularity, Query, Resource};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::{Builder, Emulator, Fault};

const NOON: i64 = 1_767_873_600;
/// The latency of the service, so that threads have something to wait for.
const THINKS: Duration = Duration::from_millis(20);

fn main() {
    println!(
        "| threads | rate limit | queries | time | per second | responses 429 |\n| ---: | --- | ---: | ---: | ---: | ---: |"
    );
    for threads in [1, 4, 16] {
        row(
            threads,
            "none",
            emulator(),
            50 * threads,
            &Fault::real_response().delay_head(THINKS),
        );
    }
    for threads in [1, 4, 16] {
        let limited = emulator()
            .rate_limit(100)
            .rate_window(Duration::from_secs(2));
        row(threads, "100 in 2 s", limited, 250, &Fault::real_response());
    }
}

fn emulator() -> Builder {
    Emulator::builder().clock(NOON).demo(false)
}

fn row(threads: usize, limit: &str, builder: Builder, queries: usize, fault: &Fault) {
    let emulator = builder.start();
    emulator.fault(fault.clone().times(usize::MAX));
    let client: Client = reach(&emulator).build().expect("a client");
    let interval = "2026-01-08T11:00:00Z/PT1H".parse().expect("an interval");
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        interval,
    )
    .filter(Resource::kafka("lkc-1"));
    let left = Mutex::new(queries);
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (client, query, left) = (client.clone(), &query, &left);
            scope.spawn(move || {
                loop {
                    let mut left = left.lock().expect("no thread panics");
                    if *left == 0 {
                        break;
                    }
                    *left -= 1;
                    drop(left);
                    client.query(query).expect("a response");
                }
            });
        }
    });
    let took = started.elapsed().as_secs_f64();
    println!(
        "| {threads} | {limit} | {queries} | {took:.2} s | {:.0} | {} |",
        queries as f64 / took,
        emulator.rate_limited()
    );
}
