//! Soak test: sixteen threads on one client, which call `query_all`, and random faults. Every call
//! ends in time. Each of its results has the right points or a fitting error.
//!
//! A run takes ten seconds and allows for a busy machine. With `SOAK_SECONDS`, it takes that many
//! seconds, and a call may be at most one second late. From a minute on, it also compares the memory
//! and the open files of the second quarter with those of the last one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

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
const LIMIT: u32 = 240;
/// Growth that is no leak: threads and connections differ from moment to moment.
const SPARE_MEMORY: usize = 16 << 20;
const SPARE_FILES: usize = 64;

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

/// The most memory and open files of this process, which are those of the emulator as well.
///
/// Both are zero on systems other than Linux.
#[derive(Clone, Copy, Default)]
struct Usage {
    /// The resident memory in bytes.
    memory: usize,
    files: usize,
}

impl Usage {
    fn add_now(&mut self) {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"))
            .and_then(|text| text.trim().parse::<usize>().ok());
        self.memory = self.memory.max(kilobytes.unwrap_or(0) << 10);
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.files = self.files.max(files);
    }
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
        let topic = format!("t{topic:02}");
        let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", &topic)];
        // The hour before noon, and some minutes of each window before it.
        let minutes = (0..60).chain([-1, -300, -301, -700, -1020]);
        for minute in minutes {
            let at = NOON - 3600 + minute * 60;
            emulator.put(SENT, &labels, at, minute as f64 + 0.1);
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
    let over = |interval: &str| {
        let interval = interval.parse().unwrap();
        Query::new(SENT, Granularity::OneMinute, interval).filter(Resource::kafka("lkc-1"))
    };
    // One window of three pages, three windows of three pages, and three windows of one page.
    let queries = [
        over("2026-01-08T11:00:00Z/PT1H").group_by(["metric.topic"]),
        over("2026-01-07T18:00:00Z/PT18H").group_by(["metric.topic"]),
        over("2026-01-07T18:00:00Z/PT18H"),
    ];
    let expected = queries
        .each_ref()
        .map(|query| render(client.query(query).unwrap().series()));
    for (expected, (series, points)) in expected.iter().zip([(TOPICS, 60), (TOPICS, 65), (1, 65)]) {
        assert_eq!(expected.len(), series);
        assert!(expected.iter().all(|(_, found)| found.len() == points));
    }

    let faults = faults();
    let (count, stop, mut injected) = (Count::default(), AtomicBool::new(false), 0);
    let mut peaks = [Usage::default(); 4];
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let client = client.clone();
            let (count, stop, queries, expected) = (&count, &stop, &queries, &expected);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let started = Instant::now();
                    let results = client.query_all(queries);
                    assert_eq!(results.len(), queries.len());
                    for (result, expected) in results.into_iter().zip(expected) {
                        let counted = match result {
                            Ok(result) if render(result.series()) == *expected => &count.right,
                            Ok(_) => &count.wrong,
                            Err(error) if is_true(&error) => &count.errors,
                            Err(error) => {
                                println!("{error:?}");
                                &count.wrong
                            }
                        };
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    if started.elapsed() > DEADLINE + slack {
                        count.late.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let started = Instant::now();
        let mut measured = started;
        let mut random = fastrand::Rng::with_seed(20_260_108);
        while started.elapsed() < Duration::from_secs(seconds) {
            thread::sleep(Duration::from_millis(1));
            if measured.elapsed() > Duration::from_millis(100) {
                measured = Instant::now();
                let quarter = started.elapsed().as_secs() * 4 / seconds;
                peaks[usize::try_from(quarter).unwrap().min(3)].add_now();
            }
            // A result is five pages, and one request in five fails: most results meet a fault and
            // survive it.
            let results =
                count.right.load(Ordering::Relaxed) + count.errors.load(Ordering::Relaxed);
            if injected > results + THREADS {
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
    let [_, second, _, last] = peaks;
    println!(
        "second quarter and last one: {} and {} MB of memory, {} and {} open files",
        second.memory >> 20,
        last.memory >> 20,
        second.files,
        last.files
    );
    assert_eq!((wrong, late), (0, 0));
    // A shorter run has not reached its level in the second quarter.
    if seconds >= 60 {
        assert!(last.memory <= second.memory + SPARE_MEMORY, "memory grows");
        assert!(last.files <= second.files + SPARE_FILES, "files stay open");
    }
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
