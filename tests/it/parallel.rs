//! Requests of one call at the same time: the result and the error are those of one request at a
//! time.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{
    Client, Credentials, Error, ErrorKind, Event, ExportRequest, Granularity, Interval, Query,
    QueryResult, Resource, Timestamp,
};
use confluent_metrics_emulator::{Emulator, Fault, Request, Response};

use crate::support::{
    FOREVER, HANG, NOON, SENT, all_topics, builder, builder_as, by_topic, client, empty_emulator,
    interval, render_all,
};

/// The start of the first window of [`three_days`], 2026-01-05T00:00:00Z.
const START: i64 = 1_767_571_200;
/// The length of a window by the minute.
const WINDOW: i64 = 6 * 3600;

/// Three days by the minute: twelve windows.
fn three_days() -> Query {
    let interval = interval("2026-01-05T00:00:00Z/P3D");
    Query::new(SENT, Granularity::OneMinute, interval)
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"])
}

/// The first windows of [`three_days`].
fn windows(count: usize) -> Query {
    let end = Timestamp::from_second(START + count as i64 * WINDOW);
    let start = Timestamp::from_second(START);
    let interval = Interval::between(start.unwrap(), end.unwrap());
    Query::new(SENT, Granularity::OneMinute, interval)
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"])
}

/// An emulator with points of a few topics in every window. No topic is in all of them.
fn with_windows() -> Emulator {
    let emulator = empty_emulator();
    for window in 0..12 {
        for topic in 0..5 {
            if (window + topic) % 3 == 0 {
                continue;
            }
            let topic = format!("t{topic}");
            let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", &topic)];
            for minute in [0, 7, 359] {
                let at = START + window * WINDOW + minute * 60;
                emulator.put(SENT, &labels, at, (window * 1000 + minute) as f64 + 0.1);
            }
        }
    }
    emulator
}

fn with_concurrency(emulator: &Emulator, requests: usize) -> Client {
    builder(emulator).concurrency(requests).build().unwrap()
}

/// Returns the number of the window of a request, from 0.
fn window_of(request: &Request) -> usize {
    let body = request.text();
    let (_, rest) = body.split_once(r#""intervals":[""#).unwrap();
    let start: Timestamp = rest.split_once('/').unwrap().0.parse().unwrap();
    usize::try_from((start.as_second() - START) / WINDOW).unwrap()
}

/// The windows of all requests so far, sorted.
fn requested(emulator: &Emulator) -> Vec<usize> {
    let mut windows: Vec<_> = emulator.requests().iter().map(window_of).collect();
    windows.sort_unstable();
    windows
}

fn rejection(window: usize) -> Response {
    let body = format!(r#"{{"errors":[{{"status":"400","detail":"window {window}"}}]}}"#);
    Response::new(400).body(body)
}

/// Events that threads of the emulator and of a test wait for.
#[derive(Clone, Default)]
struct Events {
    shared: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Events {
    fn add(&self, event: impl Into<String>) {
        let (events, added) = &*self.shared;
        events.lock().unwrap().push(event.into());
        added.notify_all();
    }

    /// Waits until a condition holds for the events so far, and fails a test that would hang.
    fn wait(&self, condition: impl Fn(&[String]) -> bool) {
        let (events, added) = &*self.shared;
        let events = events.lock().unwrap();
        let (events, timeout) = added
            .wait_timeout_while(events, HANG, |events| !condition(events))
            .unwrap();
        assert!(!timeout.timed_out(), "{events:?}");
    }

    fn wait_for(&self, event: &str) {
        self.wait(|events| events.iter().any(|known| known == event));
    }

    fn wait_for_count(&self, count: usize) {
        self.wait(|events| events.len() >= count);
    }
}

fn render(result: Result<&QueryResult, &Error>) -> String {
    format!("{result:?}")
}

#[test]
fn the_result_does_not_depend_on_the_order_of_arrival() {
    let emulator = with_windows();
    let alone = with_concurrency(&emulator, 1).query(&three_days()).unwrap();
    assert_eq!(alone.series().len(), 5);
    emulator.page_cap(2);
    for (in_flight, order) in [
        (12, "backwards"),
        (12, "odd first"),
        (3, "groups backwards"),
    ] {
        let answered = Events::default();
        let events = answered.clone();
        emulator.respond_with(move |request| {
            let window = window_of(request);
            // The first page of a window waits for that of the window that is to be first.
            if request.query().is_empty() {
                let before = match order {
                    "backwards" => (window < 11).then_some(window + 1),
                    "odd first" => match window {
                        11 => None,
                        _ if window % 2 == 1 => Some(window + 2),
                        _ => Some(1),
                    },
                    _ => (window % 3 < 2).then_some(window + 1),
                };
                if let Some(before) = before {
                    events.wait_for(&format!("{before}"));
                }
                events.add(format!("{window}"));
            }
            None
        });
        let result = with_concurrency(&emulator, in_flight)
            .query(&three_days())
            .unwrap();
        assert_eq!(result, alone, "{order}");
        assert_eq!(render(Ok(&result)), render(Ok(&alone)), "{order}");
    }
}

#[test]
fn one_request_at_a_time_is_sent_in_order() {
    let emulator = with_windows();
    with_concurrency(&emulator, 1).query(&three_days()).unwrap();
    let windows: Vec<_> = emulator.requests().iter().map(window_of).collect();
    assert_eq!(windows, (0..12).collect::<Vec<_>>());
    assert_eq!(emulator.max_in_flight(), 1);
}

#[test]
fn as_many_requests_as_configured_are_in_flight_and_never_more() {
    for (requests, expected) in [(None, 4), (Some(8), 8)] {
        let emulator = with_windows();
        let arrived = Events::default();
        // No response is sent before all of them are there.
        emulator.respond_with(move |_| {
            arrived.add("request");
            arrived.wait_for_count(expected);
            None
        });
        let client = match requests {
            Some(requests) => with_concurrency(&emulator, requests),
            None => client(&emulator),
        };
        client.query(&three_days()).unwrap();
        assert_eq!(requested(&emulator), (0..12).collect::<Vec<_>>());
        assert_eq!(emulator.max_in_flight(), expected);
    }
}

#[test]
fn zero_requests_at_a_time_are_refused() {
    let credentials = Credentials::api_key("key", "secret").unwrap();
    let error = Client::builder(credentials).concurrency(0).build();
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "concurrency must be greater than zero");
}

#[test]
fn the_first_error_in_order_wins_and_only_earlier_windows_are_read_to_the_end() {
    let emulator = with_windows();
    emulator.page_cap(2);
    let events = Events::default();
    let gate = events.clone();
    emulator.respond_with(move |request| {
        let window = window_of(request);
        match window {
            // The last of the four fails first.
            3 => {
                gate.wait(|events| {
                    ["0", "1", "2"]
                        .iter()
                        .all(|window| events.iter().any(|e| e == window))
                });
                gate.add("3 failed");
                Some(rejection(3))
            }
            _ => {
                gate.add(format!("{window}"));
                gate.wait_for("go on");
                (window == 1).then(|| rejection(1))
            }
        }
    });
    let client = client(&emulator);
    let error = thread::scope(|scope| {
        let call = scope.spawn(|| client.query(&three_days()).unwrap_err());
        events.wait_for("3 failed");
        // Time for a call that would start another window, or return too early.
        thread::sleep(Duration::from_millis(200));
        assert_eq!(requested(&emulator), [0, 1, 2, 3]);
        assert!(!call.is_finished());
        events.add("go on");
        call.join().unwrap()
    });
    assert_eq!(
        error.to_string(),
        "query of io.confluent.kafka.server/sent_bytes failed: \
         the service returned 400 Bad Request: \"window 1\""
    );
    let of_window_0 = requested(&emulator).iter().filter(|w| **w == 0).count();
    assert_eq!(of_window_0, 2, "its second page is read after the error");
    assert!(requested(&emulator).iter().all(|window| *window < 4));
}

#[test]
fn windows_after_a_failed_one_are_canceled() {
    let emulator = with_windows();
    let events = Events::default();
    let gate = events.clone();
    emulator.respond_with(move |request| {
        let window = window_of(request);
        gate.add(format!("{window}"));
        if window == 0 {
            gate.wait_for_count(4);
            return Some(rejection(0));
        }
        gate.wait_for("end of the test");
        None
    });
    let patient = builder(&emulator)
        .attempt_timeout(FOREVER)
        .deadline(FOREVER)
        .build()
        .unwrap();
    let started = Instant::now();
    let error = patient.query(&three_days()).unwrap_err();
    assert!(error.to_string().contains("window 0"), "{error}");
    assert!(started.elapsed() < HANG);
    assert_eq!(requested(&emulator), [0, 1, 2, 3]);
    events.add("end of the test");
    // The connections of canceled requests are not used again.
    emulator.respond_with(|_| None);
    let expected = with_concurrency(&emulator, 1).query(&three_days()).unwrap();
    let client = client(&emulator);
    for _ in 0..3 {
        assert_eq!(client.query(&three_days()).unwrap(), expected);
    }
}

#[test]
fn a_merge_error_is_that_of_its_window_and_stops_later_ones() {
    let emulator = with_windows();
    // Both pages of window 1 have another value for the same point.
    let page = |value: i64, token: &str| {
        let start = Timestamp::from_second(START + WINDOW).unwrap();
        let point = format!(r#"{{"timestamp":"{start}","value":{value}}}"#);
        format!(
            r#"{{"data":[{{"metric.topic":"t","points":[{point}]}}],"meta":{{"pagination":{{"next_page_token":{token}}}}}}}"#
        )
    };
    let pages = [page(1, r#""abc""#), page(2, "null")];
    emulator.respond_with(move |request| {
        let page = usize::from(!request.query().is_empty());
        (window_of(request) == 1).then(|| Response::new(200).body(pages[page].clone()))
    });
    for requests in [1, 2, 12] {
        let error = with_concurrency(&emulator, requests)
            .query(&three_days())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("metric.topic"), "{error}");
    }
}

#[test]
fn the_note_of_a_deadline_counts_windows_of_all_threads() {
    let emulator = with_windows();
    // The first window never ends, and all others do.
    emulator.respond_with(|request| {
        if window_of(request) == 0 {
            thread::sleep(Duration::from_secs(8));
        }
        None
    });
    let client = builder(&emulator)
        .deadline(Duration::from_secs(4))
        .build()
        .unwrap();
    let error = client.query(&three_days()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("deadline of 4s exceeded; 11 of 12 windows completed (11 pages)"),
        "{text}"
    );
    let hint = error.hint().unwrap();
    assert!(hint.contains("the call would take about "), "{hint}");
}

#[test]
fn a_panic_of_a_closure_reaches_the_caller_and_breaks_nothing() {
    let emulator = with_windows();
    emulator.add_bearer_token("a-token-of-a-test");
    // The first token is rejected, so that all windows ask for the next one.
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let credentials =
        Credentials::bearer_from(move || match count.fetch_add(1, Ordering::SeqCst) {
            0 => Ok("a-token-that-is-old".to_owned()),
            1 => panic!("of the caller"),
            _ => Ok("a-token-of-a-test".to_owned()),
        });
    let client = builder_as(&emulator, credentials).build().unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| client.query(&three_days())));
    let payload = result.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"of the caller"));
    let expected = with_concurrency(&emulator, 1).query(&three_days()).unwrap();
    assert_eq!(client.query(&three_days()).unwrap(), expected);
}

#[test]
fn a_panic_in_on_event_ends_requests_in_flight_and_breaks_nothing() {
    let emulator = with_windows();
    let events = Events::default();
    let gate = events.clone();
    emulator.respond_with(move |request| {
        gate.add("request");
        match window_of(request) {
            // The response that the closure panics at, once all four requests are there.
            2 => gate.wait_for_count(4),
            _ => gate.wait_for("end of the test"),
        }
        None
    });
    let is_armed = Arc::new(AtomicBool::new(true));
    let armed = Arc::clone(&is_armed);
    let client = builder(&emulator)
        .attempt_timeout(FOREVER)
        .deadline(FOREVER)
        .on_event(move |event| {
            if let Event::ResponseReceived { .. } = event {
                assert!(!armed.load(Ordering::SeqCst), "of the caller");
            }
        })
        .build()
        .unwrap();
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| client.query(&three_days())));
    let payload = result.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"of the caller"));
    assert!(started.elapsed() < HANG);
    assert_eq!(requested(&emulator), [0, 1, 2, 3]);
    is_armed.store(false, Ordering::SeqCst);
    events.add("end of the test");
    let expected = with_concurrency(&emulator, 1).query(&three_days()).unwrap();
    assert_eq!(client.query(&three_days()).unwrap(), expected);
}

#[test]
fn a_call_with_one_request_at_a_time_stays_on_its_thread() {
    let emulator = with_windows();
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let seen = Arc::clone(&threads);
    let client = |requests| {
        let seen = Arc::clone(&seen);
        builder(&emulator)
            .concurrency(requests)
            .on_event(move |_| {
                seen.lock().unwrap().insert(thread::current().id());
            })
            .build()
            .unwrap()
    };
    let own = HashSet::from([thread::current().id()]);
    // A single window, several windows one at a time, and pages.
    client(8).query(&windows(1)).unwrap();
    client(1).query_all(&[three_days(), windows(2)]);
    assert!(
        client(8)
            .query_pages(&three_days())
            .all(|page| page.is_ok())
    );
    assert_eq!(*threads.lock().unwrap(), own);
    client(8).query(&three_days()).unwrap();
    assert!(threads.lock().unwrap().len() > 1);
}

#[test]
fn query_all_returns_results_in_order_and_an_error_stops_its_own_query_alone() {
    let emulator = with_windows();
    let alone = with_concurrency(&emulator, 1);
    let invalid = Query::new(
        "",
        Granularity::OneMinute,
        interval("2026-01-05T00:00:00Z/P1D"),
    );
    let elsewhere = Query::new(
        SENT,
        Granularity::OneHour,
        interval("2026-01-05T00:00:00Z/P3D"),
    )
    .filter(Resource::kafka("lkc-1"));
    let unknown = Query::new(
        "no.such/metric",
        Granularity::OneMinute,
        interval("2026-01-05T00:00:00Z/P3D"),
    )
    .filter(Resource::kafka("lkc-1"));
    let queries = [
        three_days(),
        invalid.clone(),
        windows(2),
        unknown,
        three_days(),
        elsewhere,
        invalid,
    ];
    let expected: Vec<_> = queries
        .iter()
        .map(|query| render(alone.query(query).as_ref()))
        .collect();
    for requests in [1, 2, 4, 16] {
        let found: Vec<_> = with_concurrency(&emulator, requests)
            .query_all(&queries)
            .iter()
            .map(|result| render(result.as_ref()))
            .collect();
        assert_eq!(found, expected, "{requests} at a time");
    }
    assert!(expected[1].contains("InvalidInput") && expected[3].contains("no.such/metric"));
    emulator.clear_requests();
    assert!(alone.query_all(&[]).is_empty());
    assert!(alone.query_all(&queries[1..2])[0].is_err());
    assert!(emulator.requests().is_empty());
}

#[test]
fn query_all_shares_the_number_of_requests_over_all_queries() {
    let emulator = with_windows();
    let arrived = Events::default();
    // Windows of three queries are in flight before the first response.
    emulator.respond_with(move |_| {
        arrived.add("request");
        arrived.wait_for_count(5);
        None
    });
    let queries = [windows(2), windows(2), windows(8)];
    let results = with_concurrency(&emulator, 5).query_all(&queries);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(emulator.requests().len(), 12);
    assert_eq!(emulator.max_in_flight(), 5);
}

#[test]
fn query_all_has_one_deadline() {
    let emulator = with_windows();
    emulator.fault(Fault::real_response().delay_head(FOREVER).skip(2));
    let client = builder(&emulator)
        .concurrency(1)
        .deadline(Duration::from_secs(4))
        .build()
        .unwrap();
    let started = Instant::now();
    let results = client.query_all(&[windows(2), windows(2), windows(2)]);
    assert!(started.elapsed() < HANG);
    assert!(results[0].is_ok());
    for result in &results[1..] {
        let error = result.as_ref().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert!(
            error.to_string().contains("deadline of 4s exceeded"),
            "{error}"
        );
    }
    assert_eq!(emulator.requests().len(), 3, "the last query sends nothing");
}

#[test]
fn query_all_reads_the_clock_once() {
    let emulator = Emulator::start();
    let client = client(&emulator);
    let relative = Query::new(SENT, Granularity::OneMinute, Interval::last_minutes(10))
        .filter(Resource::kafka("lkc-1"));
    let results = client.query_all(&vec![relative; 40]);
    let intervals: BTreeSet<_> = results
        .into_iter()
        .map(|result| result.unwrap().intervals().to_vec())
        .collect();
    assert_eq!(intervals.len(), 1);
}

#[test]
fn a_query_without_windows_is_complete() {
    let emulator = Emulator::start();
    let future = Timestamp::now() + Duration::from_secs(86_400);
    let empty = Query::new(SENT, Granularity::OneMinute, Interval::since(future))
        .filter(Resource::kafka("lkc-1"));
    let results = client(&emulator).query_all(&[empty.clone(), empty]);
    for result in results {
        let result = result.unwrap();
        assert!(result.series().is_empty() && result.completeness().is_complete());
    }
    assert!(emulator.requests().is_empty());
}

/// An export that needs three requests, with the first cluster of each.
fn three_batches(emulator: &Emulator) -> (ExportRequest, [&'static str; 3]) {
    let ids: Vec<_> = (0..700).map(|number| format!("lkc-{number:04}")).collect();
    for id in &ids {
        let labels = [
            ("resource.kafka.id", id.as_str()),
            ("metric.topic", "orders"),
        ];
        emulator.put(SENT, &labels, NOON - 600, 1.0);
    }
    let request = ExportRequest::new(ids.into_iter().map(Resource::kafka));
    (request, ["lkc-0000", "lkc-0350", "lkc-0699"])
}

#[test]
fn batches_of_an_export_are_requested_at_the_same_time() {
    let emulator = empty_emulator();
    let (request, clusters) = three_batches(&emulator);
    let alone = with_concurrency(&emulator, 1).export(&request).unwrap();
    assert_eq!(emulator.max_in_flight(), 1);
    assert_eq!(emulator.requests().len(), 3);
    let arrived = Events::default();
    let answered = Events::default();
    emulator.respond_with(move |request| {
        arrived.add("request");
        arrived.wait_for_count(3);
        // Backwards: each batch waits for the next one.
        let batch = clusters
            .iter()
            .position(|id| request.target.contains(id))
            .unwrap();
        if batch < 2 {
            answered.wait_for(clusters[batch + 1]);
        }
        answered.add(clusters[batch]);
        None
    });
    let export = client(&emulator).export(&request).unwrap();
    assert_eq!(format!("{export:?}"), format!("{alone:?}"));
    assert_eq!(emulator.max_in_flight(), 3);
}

#[test]
fn the_error_of_an_export_is_that_of_its_first_batch() {
    let emulator = empty_emulator();
    let (request, clusters) = three_batches(&emulator);
    let events = Events::default();
    emulator.respond_with(move |request| {
        let batch = clusters
            .iter()
            .position(|id| request.target.contains(id))
            .unwrap();
        match batch {
            // Not an error of the export, but its resources are missing.
            0 => Some(Response::new(403)),
            1 => {
                events.wait_for("2 failed");
                Some(rejection(1))
            }
            _ => {
                events.add("2 failed");
                Some(rejection(2))
            }
        }
    });
    let error = client(&emulator).export(&request).unwrap_err();
    assert!(error.to_string().contains("window 1"), "{error}");
}

#[test]
fn only_an_unknown_rate_limit_is_exceeded_and_the_requests_are_retried() {
    for requests in [2, 8] {
        let emulator = Emulator::builder()
            .clock(NOON)
            .without_date()
            .demo(false)
            .rate_limit(3)
            .rate_window(Duration::from_secs(1))
            .start();
        let client = with_concurrency(&emulator, requests);
        client.query(&three_days()).unwrap();
        let refused = emulator.rate_limited();
        assert!(refused < requests, "{refused} refused");
        client.query(&three_days()).unwrap();
        assert_eq!(emulator.rate_limited(), refused, "the limit is known");
        assert_eq!(emulator.requests().len(), 24 + refused);
    }
}

#[test]
fn one_window_and_pages_do_not_depend_on_the_concurrency() {
    let emulator = empty_emulator();
    for topic in ["a", "b", "c"] {
        crate::support::put_point(&emulator, topic, 3, 1.5);
    }
    emulator.page_cap(1);
    let client = with_concurrency(&emulator, 16);
    let result = client.query(&by_topic()).unwrap();
    assert_eq!(render_all(&result), ["a 3=1.5", "b 3=1.5", "c 3=1.5"]);
    let pages = client.query_pages(&three_days());
    assert!(pages.into_iter().all(|page| page.is_ok()));
    client.query(&all_topics()).unwrap();
    assert_eq!(emulator.max_in_flight(), 1);
}
