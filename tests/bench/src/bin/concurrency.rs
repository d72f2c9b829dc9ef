//! A week by the minute, with several requests at a time: 28 windows at 200 ms a response, without a
//! rate limit and under one.

use std::time::{Duration, Instant};

use confluent_metrics::{Client, Granularity, Interval, Query, Resource, Timestamp};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::{Builder, Emulator};

const NOON: i64 = 1_767_873_600;
const DAY: i64 = 86_400;
const LATENCY: Duration = Duration::from_millis(200);
const AT_A_TIME: [usize; 5] = [1, 2, 4, 8, 16];

/// The limit of the service is 300 requests a minute. Both are divided by six here.
const LIMIT: u32 = 50;
const MINUTE: Duration = Duration::from_secs(10);
/// The days of the query under the limit. They need three minutes of the limit, and a part of a
/// fourth one.
const LIMITED_DAYS: i64 = 40;

fn main() {
    without_limit();
    println!();
    under_a_limit();
}

fn without_limit() {
    println!(
        "| requests at a time | time | ratio to one | target | in flight at most |\n| ---: | ---: | ---: | ---: | ---: |"
    );
    let mut alone = 0.0;
    for requests in AT_A_TIME {
        let emulator = emulator().start();
        let client = client(&emulator, requests);
        let took = seconds(&client, &query(7));
        assert_eq!(emulator.requests().len(), 28);
        if requests == 1 {
            alone = took;
        }
        let target = if requests == 8 { "at most 0.17" } else { "" };
        println!(
            "| {requests} | {took:.2} s | {:.3} | {target} | {} |",
            took / alone,
            emulator.max_in_flight()
        );
    }
}

fn under_a_limit() {
    println!(
        "| requests at a time | windows | time | least possible | above it (target: at most 5 %) | refused before the limit was told | after (target: 0) |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for requests in AT_A_TIME {
        let emulator = emulator().rate_limit(LIMIT).rate_window(MINUTE).start();
        let client = client(&emulator, requests);
        // The first response tells the limit. Its minute has begun by then.
        let started = Instant::now();
        client.query(&query(1)).expect("a result");
        let refused_before = emulator.rate_limited();
        client.query(&query(LIMITED_DAYS)).expect("a result");
        let took = started.elapsed().as_secs_f64();
        let windows = 4 * (1 + LIMITED_DAYS);
        let least = least_seconds(windows, requests);
        println!(
            "| {requests} | {windows} | {took:.2} s | {least:.2} s | {:.1} % | {refused_before} | {} |",
            (took / least - 1.0) * 100.0,
            emulator.rate_limited() - refused_before
        );
    }
}

/// Returns the least time for a number of requests under the limit: full minutes, and rounds of
/// responses in the last one.
fn least_seconds(windows: i64, requests: usize) -> f64 {
    let limit = i64::from(LIMIT);
    let rounds = |count: i64| count.unsigned_abs().div_ceil(requests as u64) as f64;
    let per_minute = (rounds(limit) * LATENCY.as_secs_f64()).max(MINUTE.as_secs_f64());
    let minutes = (windows - 1) / limit;
    let rest = windows - minutes * limit;
    minutes as f64 * per_minute + rounds(rest) * LATENCY.as_secs_f64()
}

fn emulator() -> Builder {
    Emulator::builder().clock(NOON).demo(false).latency(LATENCY)
}

fn client(emulator: &Emulator, requests: usize) -> Client {
    let client = reach(emulator).concurrency(requests);
    client.build().expect("a client")
}

/// A number of days by the minute, of which each has four windows.
fn query(days: i64) -> Query {
    let at = |second| Timestamp::from_second(second).expect("a time");
    let end = NOON - DAY / 2;
    let interval = Interval::between(at(end - days * DAY), at(end));
    Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        interval,
    )
    .filter(Resource::kafka("lkc-1"))
}

fn seconds(client: &Client, query: &Query) -> f64 {
    let started = Instant::now();
    client.query(query).expect("a result");
    started.elapsed().as_secs_f64()
}
