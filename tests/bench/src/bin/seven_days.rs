//! Seven days by minute of 1,500 topics, in pages of 100: every point exactly once, and the peak
//! memory.
//!
//! The result is compared, topic by topic, with sums over the emulator's raw points.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use confluent_metrics::{Granularity, Interval, Point, Query, Resource, Timestamp};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::Emulator;

const SENT: &str = "io.confluent.kafka.server/sent_bytes";
const NOON: i64 = 1_767_873_600;
const DAY: i64 = 86_400;
const TOPICS: usize = 1500;
const PAGE: usize = 100;
const HOURS: i64 = 6;

/// Counts the memory of the threads of the call, without those of the emulator.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static COUNTS: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IS_CLIENT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn is_counted() -> bool {
    COUNTS.load(Ordering::Relaxed) && IS_CLIENT.try_with(std::cell::Cell::get).unwrap_or(false)
}

// A global allocator needs `unsafe`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_counted() {
            let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
            PEAK.fetch_max(held, Ordering::Relaxed);
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_counted() {
            let _ = HELD.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                Some(held.saturating_sub(layout.size()))
            });
        }
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .topics(TOPICS)
        .page_cap(PAGE)
        .gzip(false)
        .start();
    let client = reach(&emulator)
        .deadline(Duration::from_secs(3600))
        // The closure runs on the thread of each request, before there is a response.
        .on_event(|_| IS_CLIENT.set(true))
        .build()
        .expect("a client");
    let (start, end) = (NOON - 7 * DAY, NOON - 600);
    let at = |second| Timestamp::from_second(second).expect("a time");
    let query = Query::new(
        SENT,
        Granularity::OneMinute,
        Interval::between(at(start), at(end)),
    )
    .filter(Resource::kafka("lkc-big"))
    .group_by(["metric.topic"]);

    let started = Instant::now();
    IS_CLIENT.set(true);
    COUNTS.store(true, Ordering::Relaxed);
    let result = client.query(&query).expect("the complete result");
    COUNTS.store(false, Ordering::Relaxed);
    IS_CLIENT.set(false);
    let took = started.elapsed();

    let points: usize = result
        .series()
        .iter()
        .map(|series| series.points().len())
        .sum();
    let bytes = points * size_of::<Point>();
    println!(
        "{} requests, {} series, {points} points in {took:.1?}",
        emulator.requests().len(),
        result.series().len()
    );
    println!(
        "peak memory {:.0} MB, of which the points are {:.0} MB",
        PEAK.load(Ordering::Relaxed) as f64 / 1e6,
        bytes as f64 / 1e6
    );
    let windows = (end - start).div_euclid(HOURS * 3600) + 1;
    assert_eq!(
        emulator.requests().len(),
        windows as usize * TOPICS.div_ceil(PAGE),
        "the fewest requests"
    );
    assert_eq!(result.series().len(), TOPICS);

    let mut next: Vec<usize> = vec![0; TOPICS];
    let mut compared = 0;
    for from in (start..end).step_by(HOURS as usize * 3600) {
        let mut sums: BTreeMap<String, BTreeMap<i64, f64>> = BTreeMap::new();
        for point in emulator.raw_points(SENT, from, (from + HOURS * 3600).min(end)) {
            let label = |name: &str| {
                point
                    .labels
                    .iter()
                    .find(|(label, _)| label == name)
                    .map(|(_, value)| value.as_str())
            };
            if label("resource.kafka.id") == Some("lkc-big") {
                let topic = label("metric.topic").expect("a topic").to_owned();
                *sums
                    .entry(topic)
                    .or_default()
                    .entry(point.minute)
                    .or_default() += point.value;
            }
        }
        for (at, series) in result.series().iter().enumerate() {
            let topic = series.labels().get("metric.topic").expect("a topic");
            for (minute, sum) in sums.get(topic).into_iter().flatten() {
                let point = series.points()[next[at]];
                assert_eq!(
                    (point.timestamp.as_second(), point.value),
                    (*minute, *sum),
                    "{topic}"
                );
                next[at] += 1;
                compared += 1;
            }
        }
    }
    assert_eq!(compared, points, "every point exactly once");
    println!("{compared} points compared with sums over the raw points: equal");
}
