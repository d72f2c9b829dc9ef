//! Appends the points of 12 metrics of some Kafka clusters to a file, every minute.
//!
//! ```text
//! poller points.txt lkc-1 lkc-2 lkc-3
//! ```
//!
//! The file has one line for each point, and every point once. It also holds the position, so a
//! poller that is started again continues where the last one ended, however that one ended:
//!
//! ```text
//! 2026-01-01T12:00:00Z lkc-1 io.confluent.kafka.server/sent_bytes 1574
//! …
//! # until 2026-01-01T12:01:00Z
//! ```
//!
//! - The first round has the latest bucket that is complete. Later rounds have all buckets since.
//! - If the service does not respond, the next round reads what is missing.
//! - An error that waiting cannot solve, such as a rejected key, ends the program with 1. The file
//!   stays valid, so a service manager can start the poller again.
//! - SIGTERM and SIGINT end it at once, with 0. A round that was not complete is read again later.
//!
//! The API key is read from the environment, as by `Client::from_env`.

mod arguments;
mod journal;

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;
use std::{io, thread};

use confluent_metrics::{
    CancelToken, Client, ErrorKind, Granularity, Interval, Query, QueryResult, Resource, Series,
    Timestamp,
};
use signal_hook::consts::{SIGINT, SIGTERM};
#[cfg(unix)]
use signal_hook::iterator::Signals;

use crate::arguments::Arguments;
use crate::journal::Journal;

const METRICS: [&str; 12] = [
    "io.confluent.kafka.server/received_bytes",
    "io.confluent.kafka.server/sent_bytes",
    "io.confluent.kafka.server/received_records",
    "io.confluent.kafka.server/sent_records",
    "io.confluent.kafka.server/retained_bytes",
    "io.confluent.kafka.server/active_connection_count",
    "io.confluent.kafka.server/request_count",
    "io.confluent.kafka.server/request_bytes",
    "io.confluent.kafka.server/response_bytes",
    "io.confluent.kafka.server/partition_count",
    "io.confluent.kafka.server/successful_authentication_count",
    "io.confluent.kafka.server/consumer_lag_offsets",
];

/// The age up to which buckets are requested. The service keeps them for a few minutes longer.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400 - 600);

fn main() -> ExitCode {
    let result = Arguments::parse().and_then(|arguments| run(&arguments));
    if let Err(error) = result {
        eprintln!("poller: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Polls until a signal arrives.
fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let (client, _emulator) = arguments.client()?;
    let mut journal = Journal::open(&arguments.file)?;
    let token = CancelToken::new();
    let client = client.with_cancel(&token);
    let stop = cancel_on_signals(token)?;
    loop {
        if let Err(error) = poll(&client, arguments, &mut journal) {
            match error.downcast_ref::<confluent_metrics::Error>() {
                Some(error) if error.kind() == ErrorKind::Cancelled => return Ok(()),
                Some(error) if error.is_transient() => eprintln!("poller: {error}"),
                _ => return Err(error),
            }
        }
        match stop.recv_timeout(arguments.every) {
            Err(RecvTimeoutError::Timeout) => {}
            // A signal has arrived, or its thread has ended.
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Cancels the token on the first signal, and then sends to the channel.
///
/// A handler of signals must not take a lock, so a thread waits for them.
fn cancel_on_signals(token: CancelToken) -> io::Result<Receiver<()>> {
    let wait = signal_waiter()?;
    let (sender, stop) = mpsc::channel();
    thread::spawn(move || {
        wait();
        token.cancel();
        // The main thread may have ended already.
        let _ = sender.send(());
    });
    Ok(stop)
}

/// Returns a function that waits for the first signal.
#[cfg(unix)]
fn signal_waiter() -> io::Result<impl FnOnce() + Send> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    Ok(move || {
        signals.forever().next();
    })
}

/// Returns a function that waits for the first signal. Windows can only set a flag.
#[cfg(not(unix))]
fn signal_waiter() -> io::Result<impl FnOnce() + Send> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let received = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&received))?;
    }
    Ok(move || {
        while !received.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(50));
        }
    })
}

/// Appends the buckets since the position of the journal: all of them, or none.
fn poll(
    client: &Client,
    arguments: &Arguments,
    journal: &mut Journal,
) -> Result<(), Box<dyn Error>> {
    let oldest = Granularity::OneMinute.ceil(Timestamp::now() - MAX_AGE);
    let interval = match journal.position() {
        None => Interval::last_minutes(1),
        Some(position) => {
            if position < oldest {
                eprintln!("poller: the service no longer has the points before {oldest}");
            }
            let start = position.max(oldest);
            Interval::within(start, start + arguments.at_most)
        }
    };
    let mut names = Vec::new();
    let mut queries = Vec::new();
    for cluster in &arguments.clusters {
        for metric in METRICS {
            names.push(format!("{cluster} {metric}"));
            let query = Query::new(metric, Granularity::OneMinute, interval);
            queries.push(query.filter(Resource::kafka(cluster)));
        }
    }
    let results: Result<Vec<QueryResult>, _> = client.query_all(&queries).into_iter().collect();
    let results = results?;
    // All queries have the same interval, and one reading of the clock. If no bucket is complete
    // yet, there is none.
    let Some((_, end)) = results[0].intervals().last().copied() else {
        return Ok(());
    };
    let mut lines = Vec::new();
    for (name, result) in names.iter().zip(&results) {
        for point in result.series().iter().flat_map(Series::points) {
            lines.push((point.timestamp, format!("{name} {}", point.value)));
        }
    }
    lines.sort_by_key(|(time, _)| *time);
    journal
        .append(&lines, end)
        .map_err(|error| format!("cannot write the points: {error}").into())
}
