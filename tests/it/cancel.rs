//! Canceled calls: every state that a call can be in ends at once, with the same error, and the
//! client goes on.

#[cfg(target_os = "linux")]
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use confluent_metrics::{
    AttributeQuery, CancelToken, Client, ClientBuilder, Error, ErrorKind, Filter, Granularity,
    Interval, Query, Resource, Timestamp,
};
use confluent_metrics_emulator::{Emulator, Fault, Proxy, ProxyBehavior};

use crate::support::{
    FOREVER, HANG, NOON, OPERATIONS, Operation, QUERY, SENT, builder, by_topic, empty_emulator,
    interval, put_point, render_all, topics,
};

/// Gives a call the time to enter a state that cannot be observed. A test passes without it, too.
const MOMENT: Duration = Duration::from_millis(150);

fn emulator_with_orders() -> Emulator {
    let emulator = empty_emulator();
    put_point(&emulator, "orders", 0, 1.0);
    emulator
}

/// A client whose calls end by a cancel alone. The deadline keeps a test from hanging.
fn patient(builder: ClientBuilder) -> Client {
    builder
        .attempt_timeout(FOREVER)
        .connect_timeout(FOREVER)
        .deadline(HANG)
        .build()
        .unwrap()
}

/// Cancels a call when `is_reached` is true, and returns its error.
fn cancel_when(
    client: &Client,
    call: impl FnOnce(&Client) -> Result<(), Error> + Send,
    is_reached: impl Fn() -> bool,
) -> Error {
    let token = CancelToken::new();
    let cancelable = client.with_cancel(&token);
    thread::scope(|scope| {
        let running = scope.spawn(move || call(&cancelable));
        while !is_reached() && !running.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(MOMENT);
        let is_running = !running.is_finished();
        token.cancel();
        let error = running.join().unwrap().unwrap_err();
        assert!(is_running, "ended before the cancel: {error:?}");
        error
    })
}

fn assert_canceled(error: &Error, operation: &Operation, state: &str) {
    let text = format!("{} failed: canceled by the caller", operation.context);
    let name = operation.method;
    assert_eq!(
        error.kind(),
        ErrorKind::Cancelled,
        "{name}, {state}: {error:?}"
    );
    assert!(
        error.to_string().starts_with(&text),
        "{name}, {state}: {error}"
    );
    assert!(!error.is_transient() && !error.is_timeout());
    assert_eq!(
        (error.status(), error.body()),
        (None, None),
        "{name}, {state}"
    );
}

/// A fault that a call waits in, and the number of requests that the service has then received.
fn stalls() -> Vec<(&'static str, Fault, usize)> {
    let response = Fault::real_response;
    vec![
        ("TLS handshake", Fault::stall_handshake(), 0),
        ("no response", response().stall(), 1),
        ("stalled head", response().stall_head(), 1),
        ("stalled body", response().stall_body(), 1),
        (
            "stalled body without a length",
            response().unframed().stall_body(),
            1,
        ),
        ("dripping body", response().trickle_body(MOMENT), 1),
        ("stalled error body", Fault::status(500).stall_body(), 1),
    ]
}

#[test]
fn a_canceled_token_sends_nothing() {
    let emulator = emulator_with_orders();
    let token = CancelToken::new();
    let client = builder(&emulator).build().unwrap().with_cancel(&token);
    token.cancel();
    for operation in OPERATIONS {
        let error = (operation.call)(&client).unwrap_err();
        assert_canceled(&error, &operation, "canceled before");
    }
    assert_eq!((emulator.requests().len(), emulator.connections()), (0, 0));
}

#[test]
fn every_operation_ends_in_every_stall_and_the_client_goes_on() {
    for (state, fault, requests) in stalls() {
        thread::scope(|scope| {
            for operation in OPERATIONS {
                let fault = fault.clone();
                scope.spawn(move || {
                    let emulator = emulator_with_orders();
                    let client = patient(builder(&emulator));
                    emulator.fault(fault);
                    let error = cancel_when(&client, operation.call, || {
                        emulator.connections() == 1 && emulator.requests().len() == requests
                    });
                    assert_canceled(&error, &operation, state);
                    assert_eq!(emulator.requests().len(), requests, "not sent again");
                    assert_eq!(emulator.connections(), 1, "not connected again");
                    emulator.clear_faults();
                    let result = (operation.call)(&client);
                    assert!(result.is_ok(), "{}, {state}: {result:?}", operation.method);
                    assert_eq!(emulator.connections(), 2, "{}, {state}", operation.method);
                });
            }
        });
    }
}

#[test]
fn a_backoff_ends_and_its_connection_is_used_again() {
    thread::scope(|scope| {
        for operation in OPERATIONS {
            scope.spawn(move || {
                let emulator = emulator_with_orders();
                let client = patient(builder(&emulator));
                emulator.fault(Fault::status(503).header("Retry-After", "50"));
                let error = cancel_when(&client, operation.call, || emulator.requests().len() == 1);
                assert_canceled(&error, &operation, "backoff");
                // The service has asked to delay this operation alone.
                let mut others = OPERATIONS
                    .iter()
                    .filter(|other| other.path != operation.path);
                (others.next().unwrap().call)(&client).unwrap();
                assert_eq!(emulator.requests().len(), 2);
                // On a busy machine, the cancel may come before the response.
                if error.to_string().contains("the last attempt failed") {
                    assert_eq!(emulator.connections(), 1);
                }
            });
        }
    });
}

#[test]
fn an_idle_connection_in_use_is_shut_down_and_not_reused() {
    let emulator = emulator_with_orders();
    let client = patient(builder(&emulator));
    client.query(&by_topic()).unwrap();
    emulator.fault(Fault::real_response().stall());
    let error = cancel_when(&client, QUERY.call, || emulator.requests().len() == 2);
    assert_canceled(&error, &QUERY, "idle connection");
    assert_eq!((emulator.requests().len(), emulator.connections()), (2, 1));
    assert_eq!(
        render_all(&client.query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
    assert_eq!(emulator.connections(), 2);
}

#[test]
fn a_cancel_during_a_retry_names_the_earlier_error() {
    let emulator = emulator_with_orders();
    let client = patient(builder(&emulator));
    emulator.fault(Fault::status(503));
    emulator.fault(Fault::real_response().stall());
    let error = cancel_when(&client, QUERY.call, || emulator.requests().len() == 2);
    assert_canceled(&error, &QUERY, "retry");
    let note = "; the last attempt failed: the service returned 503 Service Unavailable";
    assert!(error.to_string().contains(note), "{error}");
}

#[test]
fn a_wait_for_a_rate_limit_ends() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .rate_limit(1)
        .rate_window(HANG / 2)
        .start();
    let client = patient(builder(&emulator));
    client.metric_descriptors().unwrap();
    for operation in OPERATIONS {
        let error = cancel_when(&client, operation.call, || true);
        assert_canceled(&error, &operation, "rate limit");
    }
    assert_eq!(emulator.requests().len(), 1);
    assert_eq!(emulator.rate_limited(), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_connect_without_a_response_ends() {
    // Linux drops what comes in once the backlog of a listener is full.
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = full.local_addr().unwrap();
    let _waiting: Vec<_> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, MOMENT).ok()).collect();
    let emulator = empty_emulator();
    let client = patient(builder(&emulator).base_url(format!("https://{address}")));
    thread::scope(|scope| {
        for operation in OPERATIONS {
            let client = &client;
            scope.spawn(move || {
                let error = cancel_when(client, operation.call, || true);
                assert_canceled(&error, &operation, "connect");
            });
        }
    });
}

#[test]
fn a_proxy_that_does_not_open_the_tunnel_is_left() {
    let emulator = emulator_with_orders();
    for behavior in [ProxyBehavior::Silent, ProxyBehavior::Drip(MOMENT)] {
        let proxy = Proxy::start(behavior.clone());
        let client = patient(builder(&emulator).proxy(proxy.url()));
        let error = cancel_when(&client, QUERY.call, || proxy.heads().len() == 1);
        assert_canceled(&error, &QUERY, &format!("{behavior:?}"));
    }
    let open = Proxy::start(ProxyBehavior::Open);
    let client = patient(builder(&emulator).proxy(open.url()));
    emulator.fault(Fault::real_response().stall());
    let error = cancel_when(&client, QUERY.call, || emulator.requests().len() == 1);
    assert_canceled(&error, &QUERY, "open tunnel");
    assert_eq!(
        render_all(&client.query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
    assert_eq!(open.heads().len(), 2);
}

#[test]
fn a_stalled_upload_ends() {
    let emulator = emulator_with_orders();
    let client = patient(builder(&emulator));
    emulator.fault(Fault::stop_reading());
    // More than the buffers of both sockets hold.
    let names = (0..400_000).map(|number| format!("topic-{number:050}"));
    let query = by_topic().filter(Filter::one_of("metric.topic", names));
    let call = |client: &Client| client.query(&query).map(drop);
    let error = cancel_when(&client, call, || emulator.connections() == 1);
    assert_canceled(&error, &QUERY, "upload");
    assert!(emulator.requests().is_empty());
    assert_eq!(
        render_all(&client.query(&by_topic()).unwrap()),
        ["orders 0=1"]
    );
}

#[test]
fn a_call_without_a_request_is_canceled_as_well() {
    let client = builder(&empty_emulator()).build().unwrap();
    // No hour has begun since then and ended.
    let interval = Interval::since(Timestamp::now());
    let query = Query::new(SENT, Granularity::OneHour, interval).filter(Resource::kafka("lkc-1"));
    let labels = AttributeQuery::new(SENT, ["metric.topic"])
        .filter(Resource::kafka("lkc-1"))
        .interval(interval);
    assert!(client.query(&query).unwrap().series().is_empty());
    let token = CancelToken::new();
    token.cancel();
    for (client, kind) in [
        (client.with_cancel(&token), ErrorKind::Cancelled),
        (client.with_deadline(Duration::ZERO), ErrorKind::Timeout),
    ] {
        assert_eq!(client.query(&query).unwrap_err().kind(), kind);
        let page = client.query_pages(&query).next().unwrap();
        assert_eq!(page.unwrap_err().kind(), kind);
        assert_eq!(client.attributes(&labels).unwrap_err().kind(), kind);
    }
}

#[test]
fn an_iterator_of_pages_ends_between_pages_and_windows() {
    let emulator = emulator_with_orders();
    put_point(&emulator, "payments", 0, 1.0);
    emulator.page_cap(1);
    let two_pages = by_topic();
    let two_windows = by_topic().add_interval(interval("2026-01-07T11:00:00Z/PT1H"));
    for query in [two_pages, two_windows] {
        emulator.clear_requests();
        let token = CancelToken::new();
        let client = builder(&emulator).build().unwrap().with_cancel(&token);
        let mut pages = client.query_pages(&query);
        assert!(pages.next().unwrap().is_ok());
        token.cancel();
        let error = pages.next().unwrap().unwrap_err();
        assert_canceled(&error, &QUERY, "between pages");
        assert!(pages.next().is_none() && pages.completeness().is_none());
        assert_eq!(emulator.requests().len(), 1);
    }
}

#[test]
fn any_token_of_a_client_cancels_its_calls_and_no_others() {
    let emulator = emulator_with_orders();
    let client = patient(builder(&emulator));
    for position in [0, 1] {
        let tokens = [CancelToken::new(), CancelToken::new()];
        let with_both = client.with_cancel(&tokens[0]).with_cancel(&tokens[1]);
        emulator.clear_requests();
        emulator.fault(Fault::real_response().stall().matching("/query"));
        let delayed = Fault::real_response().delay_head(5 * MOMENT);
        emulator.fault(delayed.matching("/descriptors"));
        thread::scope(|scope| {
            let stalled = scope.spawn(|| with_both.query(&by_topic()).unwrap_err());
            // Without a token, on the same pool, at the same time.
            let unaffected = scope.spawn(|| client.metric_descriptors());
            while emulator.requests().len() < 2 {
                thread::sleep(Duration::from_millis(1));
            }
            tokens[position].clone().cancel();
            assert_eq!(stalled.join().unwrap().kind(), ErrorKind::Cancelled);
            assert!(unaffected.join().unwrap().is_ok());
        });
        let error = with_both.query(&by_topic()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let with_other = client.with_cancel(&tokens[1 - position]);
        assert!(with_other.query(&by_topic()).is_ok());
    }
}

#[test]
fn a_connection_that_serves_another_call_is_not_shut_down() {
    let emulator = emulator_with_orders();
    let client = patient(builder(&emulator));
    let token = CancelToken::new();
    let cancelable = client.with_cancel(&token);
    // One call with the token has ended, and one waits for its retry.
    cancelable.attributes(&topics("metric.topic")).unwrap();
    emulator.fault(Fault::status(503).header("Retry-After", "50"));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| cancelable.query(&by_topic()).unwrap_err());
        while emulator.requests().len() < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(MOMENT);
        emulator.fault(Fault::real_response().delay_head(5 * MOMENT));
        let other = scope.spawn(|| client.metric_descriptors());
        while emulator.requests().len() < 3 {
            thread::sleep(Duration::from_millis(1));
        }
        token.cancel();
        assert!(other.join().unwrap().is_ok());
        assert_eq!(waiting.join().unwrap().kind(), ErrorKind::Cancelled);
    });
    // A request whose idle connection breaks is sent again, and counts twice.
    assert_eq!(emulator.requests().len(), 3);
}

#[test]
fn a_client_with_another_deadline_shares_connections_and_limits() {
    let emulator = emulator_with_orders();
    let client = patient(builder(&emulator));
    client.query(&by_topic()).unwrap();
    let hurried = client.with_deadline(Duration::ZERO);
    for operation in OPERATIONS {
        let error = (operation.call)(&hurried).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{}", operation.method);
        let text = format!("{} failed: deadline of 0ns exceeded", operation.context);
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(emulator.requests().len(), 1);
    emulator.fault(Fault::real_response().stall());
    let started = Instant::now();
    let short = Duration::from_secs(1);
    let error = hurried.with_deadline(short).query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(started.elapsed() >= short);
    // The longest deadline is no overflow, and the last one counts.
    let longest = hurried.with_deadline(Duration::MAX);
    assert!(longest.query(&by_topic()).is_ok());
    assert_eq!(longest.rate_limits(), client.rate_limits());
    assert_eq!(emulator.connections(), 2, "one more after the timeout");
}

#[test]
fn cancels_at_random_times_break_no_other_call_of_the_pool() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .demo(false)
        .latency(Duration::from_millis(2))
        .start();
    put_point(&emulator, "orders", 0, 1.0);
    let client = builder(&emulator)
        .max_retries(0)
        .deadline(HANG)
        .build()
        .unwrap();
    let is_over = AtomicBool::new(false);
    let canceled = AtomicUsize::new(0);
    let completed = AtomicUsize::new(0);
    let unaffected = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    client.resource_descriptors().unwrap();
                    unaffected.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let cancelers: Vec<_> = (0..3_u64)
            .map(|number| {
                let (client, canceled, completed) = (&client, &canceled, &completed);
                scope.spawn(move || {
                    for round in 0..150 {
                        let token = CancelToken::new();
                        let cancelable = client.with_cancel(&token);
                        let delay = Duration::from_micros((number * 77 + round * 131) % 8000);
                        thread::scope(|scope| {
                            scope.spawn(|| {
                                thread::sleep(delay);
                                token.cancel();
                            });
                            match cancelable.query(&by_topic()) {
                                Ok(result) => {
                                    assert_eq!(render_all(&result), ["orders 0=1"]);
                                    completed.fetch_add(1, Ordering::Relaxed);
                                }
                                Err(error) => {
                                    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
                                    canceled.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        });
                    }
                })
            })
            .collect();
        let ended: Vec<_> = cancelers.into_iter().map(ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok));
    });
    assert!(
        canceled.load(Ordering::Relaxed) > 0,
        "{completed:?} completed"
    );
}
