//! The events of a client: their order, their values, and closures that panic.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{
    ClientBuilder, ErrorKind, Event, Granularity, Progress, Query, Resource, Timestamp,
};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    FOREVER, HANG, NOON, OPERATIONS, SENT, builder, by_topic, empty_emulator, interval, put_point,
    render_all,
};

/// The events of a client, in the order in which they arrived.
#[derive(Clone, Default)]
struct Recorder {
    events: Arc<Mutex<Vec<Event>>>,
}

impl Recorder {
    fn record(&self, builder: ClientBuilder) -> ClientBuilder {
        let recorder = self.clone();
        builder.on_event(move |event| recorder.events.lock().unwrap().push(event.clone()))
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// Returns the names of the events, with the numbers that do not depend on the time.
    fn take_names(&self) -> Vec<String> {
        self.take().iter().map(name).collect()
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::RequestSent { .. } => "sent".into(),
        Event::ResponseReceived { status, .. } => format!("received {status}"),
        Event::Retrying { attempt, .. } => format!("attempt {attempt}"),
        Event::RateLimitWait { .. } => "rate limit".into(),
        Event::WindowDone { .. } => "window done".into(),
        _ => panic!("unknown event {event:?}"),
    }
}

#[test]
fn every_operation_reports_its_request_and_its_response() {
    let emulator = empty_emulator();
    let recorder = Recorder::default();
    let client = recorder.record(builder(&emulator)).build().unwrap();
    let mut last_id = 0;
    for operation in OPERATIONS {
        let method = operation.method;
        let body = operation.response(3);
        emulator.fault(Fault::status(200).body(body.as_str()));
        (operation.call)(&client).unwrap_or_else(|error| panic!("{method}: {error:?}"));
        let events = recorder.take();
        let mut expected = vec!["sent", "received 200"];
        if operation.context.starts_with("query") {
            expected.push("window done");
        }
        let names: Vec<_> = events.iter().map(name).collect();
        assert_eq!(names, expected, "{method}");
        let Event::ResponseReceived {
            bytes, duration, ..
        } = &events[1]
        else {
            panic!("{method}: {events:?}");
        };
        assert_eq!(*bytes, body.len(), "{method}");
        assert!(*duration < HANG, "{method}");
        assert!(events[0].request_id() > last_id, "{method}");
        last_id = events[0].request_id();
        for event in &events {
            assert_eq!(event.operation(), name_of(operation.path), "{method}");
            assert_eq!(event.request_id(), last_id, "{method}: {event}");
            let is_query = operation.path == "query";
            assert_eq!(event.window().is_some(), is_query, "{method}: {event}");
        }
    }
}

/// Returns the name of an operation in errors and events.
fn name_of(path: &str) -> &str {
    match path {
        "attributes" => "attribute query",
        "descriptors/metrics" => "metric descriptors",
        "descriptors/resources" => "resource descriptors",
        path => path,
    }
}

#[test]
fn retries_redirects_and_replaced_connections_keep_the_number_of_the_request() {
    let sent = "sent";
    let done = "window done";
    for (fault, expected) in [
        (
            Fault::status(503).header("Retry-After", "0"),
            vec![
                sent,
                "received 503",
                "attempt 2",
                sent,
                "received 200",
                done,
            ],
        ),
        (
            Fault::real_response().close_before_response(),
            vec![sent, "attempt 2", sent, "received 200", done],
        ),
        (
            // The body is not complete, so there is no event of the response.
            Fault::real_response().cut_body_after(20),
            vec![sent, "attempt 2", sent, "received 200", done],
        ),
        (
            Fault::real_response().redirect(307, "/v2/metrics/cloud/query?hop=1"),
            vec![sent, "received 307", sent, "received 200", done],
        ),
    ] {
        let emulator = empty_emulator();
        put_point(&emulator, "orders", 0, 1.0);
        let recorder = Recorder::default();
        let client = recorder.record(builder(&emulator)).build().unwrap();
        emulator.fault(fault.clone());
        client.query(&by_topic()).unwrap();
        let events = recorder.take();
        assert!(
            events.iter().all(|event| event.request_id() == 1),
            "{fault:?}: {events:?}"
        );
        let names: Vec<_> = events.iter().map(name).collect();
        assert_eq!(names, expected, "{fault:?}");
        for event in &events {
            if let Event::Retrying { wait, reason, .. } = event {
                assert!(*wait < Duration::from_secs(2), "{fault:?}: {event}");
                let text = event.to_string();
                assert!(text.ends_with(reason), "{fault:?}: {event}");
                assert!(
                    reason.starts_with("the service returned 503")
                        || reason.starts_with("connection to https://127.0.0.1"),
                    "{fault:?}: {event}"
                );
            }
        }
    }
}

#[test]
fn a_request_on_a_connection_that_was_closed_while_idle_is_reported_twice() {
    let emulator = empty_emulator();
    let recorder = Recorder::default();
    let client = recorder.record(builder(&emulator)).build().unwrap();
    client.query(&by_topic()).unwrap();
    recorder.take();
    // The connection is open when the request goes out, and closed in response to it.
    emulator.fault(Fault::real_response().close_before_response());
    client.query(&by_topic()).unwrap();
    assert_eq!(
        recorder.take_names(),
        ["sent", "sent", "received 200", "window done"]
    );
}

#[test]
fn a_failure_is_reported_as_far_as_the_request_got() {
    for (fault, kind, expected) in [
        (
            Fault::status(400),
            ErrorKind::Rejected,
            vec!["sent", "received 400"],
        ),
        (
            Fault::real_response().bad_json(),
            ErrorKind::Decode,
            vec!["sent", "received 200"],
        ),
        (
            Fault::real_response().redirect(307, "https://elsewhere.example/"),
            ErrorKind::Redirect,
            vec!["sent", "received 307"],
        ),
        (Fault::tls_alert(70), ErrorKind::Tls, vec!["sent"]),
        (
            Fault::not_http().body("hello\r\n\r\n"),
            ErrorKind::Connection,
            vec!["sent"],
        ),
        (
            Fault::status(503).header("Retry-After", "3600").times(9),
            ErrorKind::RateLimited,
            vec!["sent", "received 503"],
        ),
    ] {
        let emulator = empty_emulator();
        let recorder = Recorder::default();
        let client = recorder.record(builder(&emulator)).build().unwrap();
        emulator.fault(fault.clone());
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error:?}");
        assert_eq!(recorder.take_names(), expected, "{fault:?}");
    }
}

#[test]
fn a_call_that_sends_nothing_has_no_events() {
    let emulator = empty_emulator();
    let recorder = Recorder::default();
    let client = recorder.record(builder(&emulator)).build().unwrap();
    client.query(&by_topic().group_by([""])).unwrap_err();
    assert_eq!(recorder.take_names(), [""; 0]);

    // The wait does not fit the deadline, so it is not begun.
    let emulator = limited(1, FOREVER);
    let client = recorder.record(builder(&emulator)).build().unwrap();
    client.query(&by_topic()).unwrap();
    recorder.take();
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(recorder.take_names(), [""; 0]);
}

fn limited(limit: u32, window: Duration) -> Emulator {
    Emulator::builder()
        .clock(NOON)
        .without_date()
        .demo(false)
        .rate_limit(limit)
        .rate_window(window)
        .start()
}

#[test]
fn a_wait_for_a_rate_limit_is_reported_before_it_begins() {
    let window = Duration::from_secs(3);
    let emulator = limited(1, window);
    let recorder = Recorder::default();
    let client = recorder.record(builder(&emulator)).build().unwrap();
    client.query(&by_topic()).unwrap();
    recorder.take();
    client.query(&by_topic()).unwrap();
    let events = recorder.take();
    let names: Vec<_> = events.iter().map(name).collect();
    assert_eq!(names, ["rate limit", "sent", "received 200", "window done"]);
    let Event::RateLimitWait { wait, .. } = &events[0] else {
        panic!("{events:?}");
    };
    assert!(*wait <= window, "{wait:?}");
    assert_eq!(events[0].request_id(), events[1].request_id());
    assert_eq!(emulator.rate_limited(), 0);
}

#[test]
fn an_iterator_of_pages_that_a_panic_ended_does_not_look_complete() {
    let emulator = empty_emulator();
    let client = builder(&emulator)
        .on_event(|_| panic!("of the closure"))
        .build()
        .unwrap();
    let mut pages = client.query_pages(&by_topic());
    panic::catch_unwind(AssertUnwindSafe(|| pages.next())).unwrap_err();
    let error = pages.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(error.to_string(), "a panic ended the iterator");
    assert!(pages.next().is_none());
}

#[test]
fn a_closure_that_panics_leaves_the_client_intact() {
    for kind in [
        "sent",
        "received 503",
        "attempt 2",
        "rate limit",
        "received 200",
        "window done",
    ] {
        // One request in each window, and one failure. A busy machine may take a second to get from
        // one request to the next, and would not have to wait then.
        let seconds = if kind == "rate limit" { 3 } else { 1 };
        let emulator = limited(1, Duration::from_secs(seconds));
        put_point(&emulator, "orders", 0, 1.0);
        let is_armed = Arc::new(AtomicBool::new(true));
        let armed = Arc::clone(&is_armed);
        let client = builder(&emulator)
            .on_event(move |event| {
                let is_first = name(event) == kind && armed.swap(false, Ordering::SeqCst);
                assert!(!is_first, "panic of the closure at {kind}");
            })
            .build()
            .unwrap();
        emulator.fault(Fault::status(503));
        // The retry waits for the reset by itself, and the second query for the rate limit.
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            client
                .query(&by_topic())
                .and_then(|_| client.query(&by_topic()))
        }));
        let payload = result.expect_err(kind);
        let message = payload.downcast_ref::<String>().expect(kind);
        assert_eq!(message, &format!("panic of the closure at {kind}"));
        assert!(!is_armed.load(Ordering::SeqCst), "{kind}");

        // No permit is left in flight: all that is missing is what the service has counted.
        if let Some(limit) = client.rate_limits().get(1) {
            let counted = emulator.requests().len() as u64;
            assert_eq!(limit.remaining() + counted, limit.limit(), "{kind}");
        }
        let result = client.query(&by_topic()).unwrap();
        assert_eq!(render_all(&result), ["orders 0=1"], "{kind}");
        assert_eq!(emulator.rate_limited(), 0, "{kind}");
    }
}

#[test]
fn a_closure_that_panics_before_a_request_does_not_use_up_the_rate_limit() {
    let emulator = limited(3, FOREVER);
    let is_armed = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&is_armed);
    let client = builder(&emulator)
        .on_event(move |_| assert!(!armed.swap(false, Ordering::SeqCst), "panic of the closure"))
        .build()
        .unwrap();
    client.query(&by_topic()).unwrap();
    let remaining = || client.rate_limits()[0].remaining();
    assert_eq!(remaining(), 2);
    is_armed.store(true, Ordering::SeqCst);
    panic::catch_unwind(AssertUnwindSafe(|| client.query(&by_topic()))).unwrap_err();
    assert_eq!(remaining(), 2);
    client.query(&by_topic()).unwrap();
    assert_eq!((remaining(), emulator.requests().len()), (1, 2));
}

/// Sent bytes by topic over six days by the minute, in 24 windows of two pages each.
fn many_windows() -> Query {
    Query::new(
        SENT,
        Granularity::OneMinute,
        interval("2026-01-02T12:00:00Z/P6D"),
    )
    .filter(Resource::kafka("lkc-1"))
    .group_by(["metric.topic"])
}

fn paging_emulator() -> Emulator {
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .demo(false)
        .page_cap(1)
        .start();
    for topic in ["a", "b"] {
        let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", topic)];
        for hour in 0..144 {
            emulator.put(SENT, &labels, NOON - 3600 * (hour + 1), 1.0);
        }
    }
    emulator
}

/// Checks that progress only grows and ends with all windows, and returns the windows in order.
fn assert_progress(events: &[Event], windows: usize) -> Vec<(Timestamp, Timestamp)> {
    let mut done = Vec::new();
    let mut last = Progress::default();
    for event in events {
        if let Event::WindowDone { progress, .. } = event {
            done.push(event.window().unwrap());
            assert_eq!(progress.windows_done(), done.len(), "{event}");
            assert_eq!(progress.windows(), windows, "{event}");
            assert!(progress.pages() > last.pages(), "{event}");
            assert!(progress.series() >= last.series(), "{event}");
            assert!(progress.points() >= last.points(), "{event}");
            last = *progress;
        }
    }
    assert_eq!(done.len(), windows);
    done.sort();
    done
}

#[test]
fn the_windows_of_a_query_are_counted_once_each_and_in_order() {
    let emulator = paging_emulator();
    let recorder = Recorder::default();
    for concurrency in [1, 4, 16] {
        let client = recorder
            .record(builder(&emulator))
            .concurrency(concurrency)
            .build()
            .unwrap();
        let result = client.query(&many_windows()).unwrap();
        let events = recorder.take();
        let done = assert_progress(&events, 24);
        // Each window once, without gaps.
        assert!(done.windows(2).all(|pair| pair[0].1 == pair[1].0));
        let last = events.last().unwrap();
        let Event::WindowDone { progress, .. } = last else {
            panic!("the last event is {last}");
        };
        let points: usize = result.series().iter().map(|s| s.points().len()).sum();
        assert_eq!(
            (progress.pages(), progress.series(), progress.points()),
            (48, 48, points)
        );
        // Each page is a request, whose events name one window. The last one ends the window.
        let mut requests: HashMap<u64, Vec<&Event>> = HashMap::new();
        for event in &events {
            requests.entry(event.request_id()).or_default().push(event);
        }
        assert_eq!(requests.len(), 48);
        for (id, events) in requests {
            let names: Vec<_> = events.iter().map(|event| name(event)).collect();
            assert_eq!(names[..2], ["sent", "received 200"], "{id}");
            assert!(names.len() == 2 || names[2..] == ["window done"], "{id}");
            assert!(events.iter().all(|e| e.window() == events[0].window()));
        }
        for (start, end) in done {
            let of_window = events.iter().filter(|e| e.window() == Some((start, end)));
            let names: Vec<_> = of_window.map(name).collect();
            let expected = [
                "sent",
                "received 200",
                "sent",
                "received 200",
                "window done",
            ];
            assert_eq!(names, expected);
        }
    }
}

#[test]
fn several_queries_have_one_progress() {
    let emulator = paging_emulator();
    let recorder = Recorder::default();
    let client = recorder.record(builder(&emulator)).build().unwrap();
    let queries = [many_windows(), by_topic(), many_windows()];
    for result in client.query_all(&queries) {
        result.unwrap();
    }
    assert_progress(&recorder.take(), 49);
}

#[test]
fn pages_report_a_window_before_its_last_page() {
    let emulator = paging_emulator();
    let recorder = Recorder::default();
    let client = recorder.record(builder(&emulator)).build().unwrap();
    let mut pages = client.query_pages(&many_windows());
    pages.next().unwrap().unwrap();
    assert_eq!(recorder.take_names(), ["sent", "received 200"]);
    let page = pages.next().unwrap().unwrap();
    let events = recorder.take();
    let Event::WindowDone { progress, .. } = &events[2] else {
        panic!("{events:?}");
    };
    assert_eq!(*progress, page.progress());
    assert_eq!(events[2].window(), Some(page.interval()));
    assert_eq!(pages.count(), 46);
    assert_eq!(recorder.take().len(), 46 * 2 + 23);
}

#[test]
fn a_slow_closure_does_not_let_windows_overtake_one_another() {
    let emulator = paging_emulator();
    let recorder = Recorder::default();
    let record = recorder.clone();
    let client = builder(&emulator)
        .concurrency(8)
        .on_event(move |event| {
            if let Event::WindowDone { progress, .. } = event {
                // The first one takes the longest, so that others end meanwhile.
                let wait = 200 / progress.windows_done() as u64;
                thread::sleep(Duration::from_millis(wait));
                record.events.lock().unwrap().push(event.clone());
            }
        })
        .build()
        .unwrap();
    client.query(&many_windows()).unwrap();
    assert_progress(&recorder.take(), 24);
}

#[test]
fn a_closure_that_panics_on_a_worker_reaches_the_caller() {
    let emulator = paging_emulator();
    let caller = thread::current().id();
    for kind in ["sent", "received 200", "window done"] {
        let is_armed = Arc::new(AtomicBool::new(true));
        let armed = Arc::clone(&is_armed);
        let client = builder(&emulator)
            .on_event(move |event| {
                let is_worker = thread::current().id() != caller;
                let is_first =
                    is_worker && name(event) == kind && armed.swap(false, Ordering::SeqCst);
                assert!(!is_first, "panic of the closure");
                // The calling thread waits, so that a worker gets to the event.
                let started = Instant::now();
                while !is_worker && armed.load(Ordering::SeqCst) && started.elapsed() < HANG {
                    thread::sleep(Duration::from_millis(5));
                }
            })
            .build()
            .unwrap();
        let result = panic::catch_unwind(AssertUnwindSafe(|| client.query(&many_windows())));
        let payload = result.expect_err(kind);
        assert_eq!(
            payload.downcast_ref::<&str>(),
            Some(&"panic of the closure"),
            "{kind}"
        );
        let result = client.query(&many_windows()).unwrap();
        assert_eq!(result.series().len(), 2, "{kind}");
    }
}
