//! 120 windows under a limit of 60 requests a minute, the minute shortened to ten seconds: how much
//! longer than the limit requires, and how many requests were rejected.

use std::time::{Duration, Instant};

use confluent_metrics::{Granularity, Query, Resource};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::Emulator;

const MINUTE: u64 = 10;
const NOON: i64 = 1_767_873_600;

fn main() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .rate_limit(60)
        .rate_window(Duration::from_secs(MINUTE))
        .start();
    let client = reach(&emulator).build().expect("a client");
    let interval = "2025-12-01T00:00:00Z/P30D".parse().expect("an interval");
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        interval,
    )
    .filter(Resource::kafka("lkc-1"));
    let started = Instant::now();
    client.query(&query).expect("a response");
    let took = started.elapsed().as_secs_f64();
    // The first sixty go at once, and the others after one reset.
    let least = MINUTE as f64;
    println!(
        "{} requests in {took:.2} s, {:.1} % above the least possible {least} s (target: at most 5 %); {} responses 429 (target: 0)",
        emulator.requests().len(),
        (took / least - 1.0) * 100.0,
        emulator.rate_limited()
    );
}
