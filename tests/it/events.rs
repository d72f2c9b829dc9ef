//! The events of a client: their order, their values, and closures that panic.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confluent_metrics::{ClientBuilder, ErrorKind, Event, EventKind};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    ACCESS, FOREVER, HANG, NOON, OPERATIONS, builder, by_topic, empty_emulator, put_point,
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
    match event.kind() {
        EventKind::RequestSent => "sent".into(),
        EventKind::ResponseReceived { status, .. } => format!("received {status}"),
        EventKind::Retrying { attempt, .. } => format!("attempt {attempt}"),
        EventKind::RateLimitWait { .. } => "rate limit".into(),
        EventKind::WindowDone(_) => "window done".into(),
        _ => panic!("unknown event {event:?}"),
    }
}

fn without_windows(names: Vec<String>) -> Vec<String> {
    let is_other = |name: &String| name != "window done";
    names.into_iter().filter(is_other).collect()
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
        assert_eq!(
            without_windows(events.iter().map(name).collect()),
            ["sent", "received 200"],
            "{method}"
        );
        let EventKind::ResponseReceived {
            bytes, duration, ..
        } = events[1].kind()
        else {
            panic!("{method}: {events:?}");
        };
        assert_eq!(*bytes, body.len(), "{method}");
        assert!(*duration < HANG, "{method}");
        assert!(events[0].request_id() > last_id, "{method}");
        last_id = events[0].request_id();
        for event in &events {
            assert_eq!(event.request_id(), last_id, "{method}: {event}");
            if method == ACCESS.method {
                // A query of a minute before now.
                assert_eq!(event.operation(), "query");
                assert!(event.window().is_some(), "{event}");
                continue;
            }
            assert!(
                operation.context.starts_with(event.operation()),
                "{method}: {event}"
            );
            let window = event.window().map(|(start, end)| {
                let (start, end) = (start.as_second(), end.as_second());
                (start - NOON, end - NOON)
            });
            let expected = (operation.path == "query").then_some((-3600, 0));
            assert_eq!(window, expected, "{method}: {event}");
        }
    }
}

#[test]
fn retries_redirects_and_replaced_connections_keep_the_number_of_the_request() {
    let sent = "sent";
    for (fault, expected) in [
        (
            Fault::status(503).header("Retry-After", "0"),
            vec![sent, "received 503", "attempt 2", sent, "received 200"],
        ),
        (
            Fault::real_response().close_before_response(),
            vec![sent, "attempt 2", sent, "received 200"],
        ),
        (
            // The body is not complete, so there is no event of the response.
            Fault::real_response().cut_body_after(20),
            vec![sent, "attempt 2", sent, "received 200"],
        ),
        (
            Fault::real_response().redirect(307, "/v2/metrics/cloud/query?hop=1"),
            vec![sent, "received 307", sent, "received 200"],
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
        assert_eq!(
            without_windows(events.iter().map(name).collect()),
            expected,
            "{fault:?}"
        );
        for event in &events {
            if let EventKind::Retrying { wait, reason, .. } = event.kind() {
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
    let names = without_windows(recorder.take_names());
    assert_eq!(names, ["sent", "sent", "received 200"]);
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
    let emulator = limited(1, Duration::from_secs(1));
    let recorder = Recorder::default();
    let client = recorder.record(builder(&emulator)).build().unwrap();
    client.query(&by_topic()).unwrap();
    recorder.take();
    client.query(&by_topic()).unwrap();
    let events = recorder.take();
    assert_eq!(
        without_windows(events.iter().map(name).collect()),
        ["rate limit", "sent", "received 200"]
    );
    let EventKind::RateLimitWait { wait, .. } = events[0].kind() else {
        panic!("{events:?}");
    };
    assert!(*wait <= Duration::from_secs(1), "{wait:?}");
    assert_eq!(events[0].request_id(), events[1].request_id());
    assert_eq!(emulator.rate_limited(), 0);
}

#[test]
fn a_closure_that_panics_leaves_the_client_intact() {
    for kind in [
        "sent",
        "received 503",
        "attempt 2",
        "rate limit",
        "received 200",
    ] {
        // One request for each second, and one failure.
        let emulator = limited(1, Duration::from_secs(1));
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
