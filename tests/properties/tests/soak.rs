//! Soak test: sixteen threads on one client, and random faults. Every call ends in time, with the
//! right points or a fitting error.
//!
//! A run takes ten seconds and allows for a busy machine. With `SOAK_SECONDS`, it takes that many
//! seconds, and a call may be at most one second late.

use std::env;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{
    Client, Credentials, Error, ErrorKind, Granularity, Query, Resource, Series,
};
use confluent_metrics_emulator::{Emulator, Fault};

const SENT: &str = "io.confluent.kafka.server/sent_bytes";
const NOON: i64 = 1_767_873_600;
const THREADS: usize = 16;
const TOPICS: usize = 25;
const DEADLINE: Duration = Duration::from_secs(5);
/// The most that a call may be late on a busy machine.
const HANG: Duration = Duration::from_secs(60);
/// Requests per second. The threads would send more, so that all of them wait for resets.
const LIMIT: u32 = 120;

/// Faults that change a result without an error, and one that keeps a thread of the emulator.
const LEFT_OUT: [&str; 3] = ["extra_members", "null_values", "stop_reading"];

/// Returns the faults of the soak, with bodies that are cut at many places.
fn faults() -> Vec<Fault> {
    let samples = Fault::all_samples()
        .into_iter()
        .filter(|(name, _)| !LEFT_OUT.contains(name))
        .map(|(_, fault)| fault);
    let cuts = (0..700)
        .step_by(100)
        .map(|bytes| Fault::real_response().cut_body_after(bytes));
    samples.chain(cuts).collect()
}

fn render(series: &[Series]) -> Vec<(String, Vec<(i64, f64)>)> {
    let points = |series: &Series| {
        series
            .points()
            .iter()
            .map(|point| (point.timestamp.as_second(), point.value))
            .collect::<Vec<_>>()
    };
    series
        .iter()
        .map(|series| (series.labels().to_string(), points(series)))
        .collect()
}

/// Returns if one of the faults can cause this error.
fn is_true(error: &Error) -> bool {
    match (error.kind(), error.status()) {
        // A fault of the TLS handshake is not retried.
        (ErrorKind::Tls, None)
        | (ErrorKind::Server, Some(500 | 502 | 503))
        | (ErrorKind::RateLimited, Some(429))
        | (ErrorKind::Connection | ErrorKind::Timeout, None | Some(200))
        | (ErrorKind::Decode, Some(200)) => true,
        // A rate limit beyond the deadline.
        (ErrorKind::RateLimited, status) => status.is_none() && error.retry_after().is_some(),
        // A token that expired a second time.
        (ErrorKind::Rejected, Some(400)) => error
            .hint()
            .is_some_and(|hint| hint.contains("page tokens")),
        _ => false,
    }
}

/// The counts of a thread.
#[derive(Default)]
struct Count {
    right: AtomicUsize,
    errors: AtomicUsize,
    wrong: AtomicUsize,
    late: AtomicUsize,
}

#[test]
fn every_call_ends_in_time_with_the_right_points_or_a_fitting_error() {
    let requested: Option<u64> = env::var("SOAK_SECONDS")
        .ok()
        .map(|seconds| seconds.parse().unwrap());
    let seconds = requested.unwrap_or(10);
    let slack = if requested.is_some() {
        Duration::from_secs(1)
    } else {
        HANG
    };
    let emulator = Emulator::builder().clock(NOON).demo(false).page_cap(10);
    let emulator = emulator
        .rate_limit(LIMIT)
        .rate_window(Duration::from_secs(1))
        .start();
    for topic in 0..TOPICS {
        for minute in 0..60 {
            let topic = format!("t{topic:02}");
            let labels = [
                ("resource.kafka.id", "lkc-1"),
                ("metric.topic", topic.as_str()),
            ];
            emulator.put(
                SENT,
                &labels,
                NOON - 3600 + minute * 60,
                minute as f64 + 0.1,
            );
        }
    }
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
    let client = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .retention(Duration::MAX)
        .attempt_timeout(Duration::from_millis(500))
        .deadline(DEADLINE)
        .build()
        .unwrap();
    let query = Query::new(
        SENT,
        Granularity::OneMinute,
        "2026-01-08T11:00:00Z/PT1H".parse().unwrap(),
    )
    .filter(Resource::kafka("lkc-1"))
    .group_by(["metric.topic"]);
    let expected = render(client.query(&query).unwrap().series());
    assert_eq!(expected.len(), TOPICS);
    assert!(expected.iter().all(|(_, points)| points.len() == 60));

    let faults = faults();
    let (count, stop, mut injected) = (Count::default(), AtomicBool::new(false), 0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let client = client.clone();
            let (count, stop, query, expected) = (&count, &stop, &query, &expected);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let started = Instant::now();
                    let counted = match client.query(query) {
                        Ok(result) if render(result.series()) == *expected => &count.right,
                        Ok(_) => &count.wrong,
                        Err(error) if is_true(&error) => &count.errors,
                        Err(error) => {
                            println!("{error:?}");
                            &count.wrong
                        }
                    };
                    counted.fetch_add(1, Ordering::Relaxed);
                    if started.elapsed() > DEADLINE + slack {
                        count.late.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let started = Instant::now();
        let mut random = fastrand::Rng::with_seed(20_260_108);
        while started.elapsed() < Duration::from_secs(seconds) {
            thread::sleep(Duration::from_millis(1));
            // A call is three pages, and one request in six fails: most calls meet a fault and
            // survive it.
            let calls = count.right.load(Ordering::Relaxed) + count.errors.load(Ordering::Relaxed);
            if injected * 2 > calls + THREADS {
                continue;
            }
            emulator.fault(faults[random.usize(..faults.len())].clone());
            injected += 1;
            if injected % 200 == 0 {
                emulator.expire_tokens();
                emulator.clear_requests();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let [right, errors, wrong, late] = [&count.right, &count.errors, &count.wrong, &count.late]
        .map(|count| count.load(Ordering::Relaxed));
    let rejected_requests = emulator.rate_limited();
    println!(
        "{right} right, {errors} true errors, {wrong} wrong, {late} late, {injected} faults, {rejected_requests} over the limit"
    );
    assert_eq!((wrong, late), (0, 0));
    // A stampede would cause one 429 per thread and second. On a busy machine, an abandoned request
    // may be counted late, in the next window.
    let most = if requested.is_some() {
        THREADS
    } else {
        THREADS * seconds as usize / 4
    };
    assert!(
        rejected_requests < most,
        "{rejected_requests} refusals: the threads stampede after a reset"
    );
    assert!(right > 0 && errors > 0, "both ends were seen");
}
