//! The client's processor time per page, for 10, 100 and 1,000 pages. It must not grow.
//!
//! Only the calling thread is counted, without the network and the service.

use std::fs;
use std::time::Duration;

use confluent_metrics::{Client, Granularity, Query, Resource, Timestamp};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::{Emulator, Fault};

const GROUPS: usize = 10;
const POINTS: i64 = 60;
const NOON: i64 = 1_767_873_600;
const ROUNDS: usize = 5;

fn main() {
    println!(
        "Ten groups of {POINTS} points per page; processor time of the client per page, median of {ROUNDS} calls\n"
    );
    println!("| pages | query | iterator, first tenth | iterator, last tenth | last to first |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for pages in [10, 100, 1000] {
        let whole = median((0..ROUNDS).map(|_| of_query(pages)).collect());
        let (first, last): (Vec<_>, Vec<_>) = (0..ROUNDS).map(|_| of_iterator(pages)).unzip();
        let (first, last) = (median(first), median(last));
        let ratio = last.as_secs_f64() / first.as_secs_f64();
        println!("| {pages} | {whole:.0?} | {first:.0?} | {last:.0?} | {ratio:.2} |");
    }
}

/// Returns the mean time per page of a query that merges all pages.
fn of_query(pages: usize) -> Duration {
    let (_emulator, client, query) = scripted(pages);
    let started = processor_time();
    let result = client.query(&query).expect("a response");
    let took = processor_time() - started;
    assert_eq!(result.series().len(), pages * GROUPS);
    took / pages as u32
}

/// Returns the mean time per page in the first and in the last tenth.
fn of_iterator(pages: usize) -> (Duration, Duration) {
    let (_emulator, client, query) = scripted(pages);
    let mut iterator = client.query_pages(&query);
    // The first page includes the time to connect.
    iterator.next().expect("a page").expect("a response");
    let mut times = Vec::with_capacity(pages);
    loop {
        let started = processor_time();
        let Some(page) = iterator.next() else { break };
        page.expect("a response");
        times.push(processor_time() - started);
    }
    let tenth = times.len().div_ceil(10);
    let mean = |times: &[Duration]| times.iter().sum::<Duration>() / times.len() as u32;
    (mean(&times[..tenth]), mean(&times[times.len() - tenth..]))
}

/// Returns an emulator that responds with this number of pages.
fn scripted(pages: usize) -> (Emulator, Client, Query) {
    let emulator = Emulator::builder().demo(false).gzip(false).start();
    for page in 0..pages {
        emulator.fault(Fault::status(200).body(body(page, page + 1 == pages)));
    }
    let client = reach(&emulator).build().expect("a client");
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        "2026-01-08T11:00:00Z/PT1H".parse().expect("an interval"),
    );
    (
        emulator,
        client,
        query
            .filter(Resource::kafka("lkc-1"))
            .group_by(["metric.topic"]),
    )
}

fn body(page: usize, is_last: bool) -> String {
    let point = |minute: i64| {
        let time = Timestamp::from_second(NOON - 3600 + minute * 60).expect("a time");
        format!(r#"{{"timestamp":"{time}","value":{minute}.5}}"#)
    };
    let points = (0..POINTS).map(point).collect::<Vec<_>>().join(",");
    let group = |group: usize| {
        format!(
            r#"{{"metric.topic":"t{:06}","points":[{points}]}}"#,
            page * GROUPS + group
        )
    };
    let groups = (0..GROUPS).map(group).collect::<Vec<_>>().join(",");
    let token = if is_last {
        "null".to_owned()
    } else {
        format!("\"page {page}\"")
    };
    format!(
        r#"{{"data":[{groups}],"meta":{{"pagination":{{"page_size":{GROUPS},"next_page_token":{token}}}}}}}"#
    )
}

/// Returns the processor time of this thread.
fn processor_time() -> Duration {
    let stat =
        fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux kernel that counts");
    let nanos = stat
        .split(' ')
        .next()
        .and_then(|nanos| nanos.parse().ok())
        .expect("a number");
    Duration::from_nanos(nanos)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
