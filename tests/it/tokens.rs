//! Bearer tokens of a provider: when it is asked, what a call returns, and what stays hidden.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{
    CancelToken, Client, ClientBuilder, Credentials, Error, ErrorKind, Granularity, Query, Resource,
};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{
    FOREVER, HANG, NOON, OPERATIONS, SENT, builder_as, by_topic, client, empty_emulator, interval,
    put_point, render_all,
};

type Provided = Result<String, Box<dyn StdError + Send + Sync>>;

/// A function that counts its calls and returns `provided-token-1`, `provided-token-2` and so on.
#[derive(Clone, Default)]
struct Tokens {
    count: Arc<AtomicUsize>,
}

impl Tokens {
    fn credentials(&self) -> Credentials {
        let count = Arc::clone(&self.count);
        Credentials::bearer_from(move || Ok(token(count.fetch_add(1, Ordering::SeqCst) + 1)))
    }

    fn asked(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

fn token(number: usize) -> String {
    format!("provided-token-{number}")
}

/// A builder of a client whose tokens come from a function.
fn from_function(
    emulator: &Emulator,
    provider: impl Fn() -> Provided + Send + Sync + 'static,
) -> ClientBuilder {
    builder_as(emulator, Credentials::bearer_from(provider))
}

/// The same for a function that gets the number of the call, from 1 on. Returns the count too.
fn from_numbered(
    emulator: &Emulator,
    provider: impl Fn(usize) -> Provided + Send + Sync + 'static,
) -> (ClientBuilder, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let builder = from_function(emulator, move || {
        provider(count.fetch_add(1, Ordering::SeqCst) + 1)
    });
    (builder, asked)
}

/// An emulator with six topics, which a response returns two at a time.
fn emulator_with_pages() -> Emulator {
    let emulator = empty_emulator();
    for (number, topic) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
        put_point(&emulator, topic, 7, number as f64);
    }
    emulator.page_cap(2);
    emulator
}

/// A query of three windows, each with points.
fn three_windows(emulator: &Emulator) -> Query {
    for (topic, hours) in [("a", 0), ("b", 6), ("c", 12)] {
        put_point(emulator, topic, -hours * 60, f64::from(hours as u32));
    }
    let span = interval("2026-01-07T18:00:00Z/PT18H");
    Query::new(SENT, Granularity::OneMinute, span)
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"])
}

/// The tokens of all requests and their statuses, in order.
fn log(emulator: &Emulator) -> Vec<String> {
    let requests = emulator.requests();
    let lines = requests.iter().map(|request| {
        let header = request.header("authorization").unwrap_or("none");
        let token = header.trim_start_matches("Bearer provided-token-");
        format!("{token} {}", request.status)
    });
    lines.collect()
}

fn source_of(error: &Error) -> &(dyn StdError + 'static) {
    error.source().expect("a source")
}

#[test]
fn the_provider_is_asked_before_the_first_request_and_not_again() {
    let emulator = emulator_with_pages();
    emulator.add_bearer_token(&token(1));
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials()).build().unwrap();
    assert_eq!(tokens.asked(), 0);
    for _ in 0..2 {
        assert_eq!(client.query(&by_topic()).unwrap().series().len(), 6);
    }
    assert_eq!(client.clone().query(&by_topic()).unwrap().series().len(), 6);
    assert_eq!(tokens.asked(), 1);
    assert_eq!(log(&emulator), ["1 200"; 9]);
}

#[test]
fn an_invalid_query_asks_for_no_token() {
    let emulator = empty_emulator();
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials()).build().unwrap();
    let query = by_topic().limit(0);
    let error = client.query(&query).unwrap_err();
    assert_eq!((error.kind(), tokens.asked()), (ErrorKind::InvalidInput, 0));
}

#[test]
fn every_operation_goes_on_with_a_new_token() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .closed_descriptors(true)
        .start();
    for operation in OPERATIONS {
        let method = operation.method;
        emulator.add_bearer_token_for(&token(1), 0);
        emulator.add_bearer_token(&token(2));
        emulator.clear_requests();
        let tokens = Tokens::default();
        let client = builder_as(&emulator, tokens.credentials())
            .max_retries(0)
            .build()
            .unwrap();
        (operation.call)(&client).unwrap_or_else(|error| panic!("{method}: {error:?}"));
        let log = log(&emulator);
        assert_eq!(log[..2], ["1 401", "2 200"], "{method}");
        assert_eq!(tokens.asked(), 2, "{method}");
    }
}

#[test]
fn a_token_that_dies_between_two_pages_loses_nothing() {
    let emulator = emulator_with_pages();
    let expected = render_all(&client(&emulator).query(&by_topic()).unwrap());
    emulator.clear_requests();
    emulator.add_bearer_token_for(&token(1), 2);
    emulator.add_bearer_token(&token(2));
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials())
        .max_retries(0)
        .build()
        .unwrap();
    let result = client.query(&by_topic()).unwrap();
    assert_eq!(render_all(&result), expected);
    assert_eq!(log(&emulator), ["1 200", "1 200", "1 401", "2 200"]);
    assert_eq!(tokens.asked(), 2);
    // The same bytes on every page, the repeated one too.
    let bodies: BTreeSet<_> = emulator.requests().into_iter().map(|r| r.body).collect();
    assert_eq!(bodies.len(), 1);
    let targets: Vec<_> = emulator.requests().into_iter().map(|r| r.target).collect();
    assert_eq!(targets[2], targets[3]);
    assert_eq!(emulator.connections(), 2, "one for each client");
}

#[test]
fn a_token_that_dies_between_two_windows_loses_nothing() {
    let emulator = empty_emulator();
    let query = three_windows(&emulator);
    let expected = render_all(&client(&emulator).query(&query).unwrap());
    assert_eq!(expected.len(), 3);
    for requests in 0..3 {
        let tokens = Tokens::default();
        emulator.add_bearer_token_for(&token(1), requests);
        emulator.add_bearer_token(&token(2));
        let client = builder_as(&emulator, tokens.credentials())
            .max_retries(0)
            .build()
            .unwrap();
        let result = client.query(&query).unwrap();
        assert_eq!(render_all(&result), expected);
        assert_eq!(tokens.asked(), 2, "dead after {requests} requests");
    }
}

#[test]
fn pages_on_demand_outlive_many_tokens() {
    let emulator = emulator_with_pages();
    for number in 1..=3 {
        emulator.add_bearer_token_for(&token(number), 1);
    }
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials()).build().unwrap();
    let mut topics = 0;
    for page in client.query_pages(&by_topic()) {
        topics += page.unwrap().items().len();
    }
    assert_eq!((topics, tokens.asked()), (6, 3));
    assert_eq!(
        log(&emulator),
        ["1 200", "1 401", "2 200", "2 401", "3 200"]
    );
}

#[test]
fn eight_threads_ask_once_before_the_first_request() {
    let emulator = empty_emulator();
    emulator.add_bearer_token(&token(1));
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials()).build().unwrap();
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                client.query(&by_topic()).unwrap();
            });
        }
    });
    assert_eq!(tokens.asked(), 1);
}

#[test]
fn eight_threads_whose_token_dies_ask_once() {
    let emulator = empty_emulator();
    emulator.add_bearer_token(&token(1));
    emulator.add_bearer_token(&token(2));
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials())
        .max_retries(0)
        .build()
        .unwrap();
    client.query(&by_topic()).unwrap();
    emulator.revoke_bearer_token(&token(1));
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..5 {
                    client.query(&by_topic()).unwrap();
                }
            });
        }
    });
    assert_eq!(tokens.asked(), 2);
    let log = log(&emulator);
    let count = |line| log.iter().filter(|other| *other == line).count();
    assert_eq!((count("1 200"), count("2 200")), (1, 40));
    assert!((1..=8).contains(&count("1 401")), "{log:?}");
}

#[test]
fn eight_threads_outlive_many_tokens_and_waste_none() {
    let emulator = Arc::new(emulator_with_pages());
    let expected = render_all(&client(&emulator).query(&by_topic()).unwrap());
    emulator.clear_requests();
    let service = Arc::clone(&emulator);
    let (client, asked) = from_numbered(&emulator, move |number| {
        service.add_bearer_token_for(&token(number), 100);
        Ok(token(number))
    });
    let client = client.max_retries(0).build().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut results = 0;
                while results < 25 {
                    match client.query(&by_topic()) {
                        Ok(result) => {
                            assert_eq!(render_all(&result), expected);
                            results += 1;
                        }
                        // On a busy machine, others may use up a token before its first use here.
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Unauthorized),
                    }
                }
            });
        }
    });
    // The provider is asked only after all of the 100 requests of a token.
    let log = log(&emulator);
    let count = |status: &str| log.iter().filter(|line| line.ends_with(status)).count();
    assert!(count(" 200") >= 600 && count(" 401") >= 5);
    assert_eq!(asked.load(Ordering::SeqCst), count(" 200").div_ceil(100));
}

/// Runs a query whose first response waits for the end of a second query. Returns both results.
fn query_late(emulator: &Emulator, client: &Client) -> [Result<(), Error>; 2] {
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let count = AtomicUsize::new(0);
    emulator.respond_with(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = receiver.lock().unwrap().recv_timeout(HANG);
        }
        None
    });
    thread::scope(|scope| {
        let late = scope.spawn(|| client.query(&by_topic()).map(drop));
        while emulator.requests().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        let second = client.query(&by_topic()).map(drop);
        sender.send(()).unwrap();
        [late.join().unwrap(), second]
    })
}

#[test]
fn a_late_401_for_an_old_token_uses_the_latest_one() {
    let emulator = empty_emulator();
    emulator.add_bearer_token(&token(2));
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials()).build().unwrap();
    for result in query_late(&emulator, &client) {
        result.unwrap();
    }
    assert_eq!(tokens.asked(), 2);
}

#[test]
fn a_late_401_asks_if_the_latest_token_is_rejected_too() {
    let emulator = empty_emulator();
    emulator.add_bearer_token(&token(3));
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials()).build().unwrap();
    let [late, second] = query_late(&emulator, &client);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Unauthorized);
    // The second token may be as old as the first, because another call has asked for it.
    late.unwrap();
    assert_eq!(tokens.asked(), 3);
}

#[test]
fn a_second_401_is_unauthorized_and_the_next_call_asks_again() {
    let emulator = empty_emulator();
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials()).build().unwrap();
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "query of io.confluent.kafka.server/sent_bytes failed: \
         the service returned 401 Unauthorized: \"Invalid credentials\""
    );
    assert_eq!(
        (error.kind(), error.status(), error.is_transient()),
        (ErrorKind::Unauthorized, Some(401), false)
    );
    assert_eq!(
        error.hint(),
        Some(
            "check the tokens that the function passed to Credentials::bearer_from returns: \
             the service rejected two of them in a row, or the same one twice"
        )
    );
    assert_eq!(log(&emulator), ["1 401", "2 401"]);
    emulator.add_bearer_token(&token(3));
    client.query(&by_topic()).unwrap();
    assert_eq!(log(&emulator)[2..], ["2 401", "3 200"]);
}

#[test]
fn a_provider_that_returns_the_same_dead_token_is_asked_once_a_request() {
    let emulator = empty_emulator();
    let (client, asked) = from_numbered(&emulator, |_| Ok("always-the-same-token".into()));
    let client = client.build().unwrap();
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(emulator.requests().len(), 2);
}

#[test]
fn the_repeat_after_a_401_is_no_retry() {
    let emulator = empty_emulator();
    emulator.add_bearer_token(&token(2));
    let tokens = Tokens::default();
    let client = builder_as(&emulator, tokens.credentials())
        .max_retries(1)
        .build()
        .unwrap();
    emulator.fault(Fault::status(503).skip(1));
    client.query(&by_topic()).unwrap();
    assert_eq!(log(&emulator), ["1 401", "2 503", "2 200"]);
    // A token is replaced once for each request, however often that is retried.
    emulator.clear_requests();
    emulator.fault(Fault::status(401));
    emulator.fault(Fault::status(503));
    emulator.add_bearer_token(&token(3));
    emulator.fault(Fault::status(401));
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(log(&emulator), ["2 401", "3 503", "3 401"]);
    assert!(
        error.to_string().contains("401 Unauthorized") && error.to_string().contains("2 attempts"),
        "{error}"
    );
    assert_eq!(tokens.asked(), 3);
}

#[test]
fn other_credentials_are_not_sent_again_after_a_401() {
    let emulator = empty_emulator();
    for credentials in [
        Credentials::bearer(emulator.expired_token()).unwrap(),
        Credentials::api_key("key", "secret").unwrap(),
    ] {
        emulator.clear_requests();
        let client = builder_as(&emulator, credentials).build().unwrap();
        client.query(&by_topic()).unwrap_err();
        assert_eq!(emulator.requests().len(), 1);
    }
}

/// An error of a provider that is not an I/O error.
#[derive(Debug)]
struct LoginFailed {
    code: u32,
}

impl std::fmt::Display for LoginFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "login failed with code {}", self.code)
    }
}

impl StdError for LoginFailed {}

#[test]
fn an_error_of_the_provider_is_that_of_the_call() {
    let emulator = empty_emulator();
    let client = from_function(&emulator, || Err(LoginFailed { code: 7 }.into()))
        .build()
        .unwrap();
    for operation in OPERATIONS {
        let error = (operation.call)(&client).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{} failed: cannot get a bearer token", operation.context)
        );
        assert_eq!(
            (error.kind(), error.status(), error.is_transient()),
            (ErrorKind::Unauthorized, None, false)
        );
        let source = source_of(&error).downcast_ref::<LoginFailed>();
        assert_eq!(source.map(|source| source.code), Some(7));
        assert!(
            format!("{error:?}").contains("cause: login failed with code 7"),
            "{error:?}"
        );
        assert_eq!(
            error.hint(),
            Some(
                "see the cause: the function passed to Credentials::bearer_from \
                 returned this error"
            )
        );
    }
    assert!(emulator.requests().is_empty());
}

#[test]
fn a_transient_error_of_the_provider_is_retried() {
    use io::ErrorKind as Io;
    let emulator = empty_emulator();
    emulator.add_bearer_token("t");
    for (io_kind, kind) in [
        (Io::ConnectionRefused, ErrorKind::Connection),
        (Io::ConnectionReset, ErrorKind::Connection),
        (Io::UnexpectedEof, ErrorKind::Connection),
        (Io::NetworkUnreachable, ErrorKind::Connection),
        (Io::TimedOut, ErrorKind::Timeout),
    ] {
        let (client, asked) = from_numbered(&emulator, move |number| match number {
            1 | 3 | 4 => Err(io::Error::from(io_kind).into()),
            _ => Ok("t".into()),
        });
        let client = client.max_retries(1).build().unwrap();
        client.query(&by_topic()).unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{io_kind:?}");
        // The token dies, and both attempts to replace it fail.
        emulator.fault(Fault::status(401));
        let error = client.query(&by_topic()).unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (kind, true));
        assert!(
            error
                .to_string()
                .contains("cannot get a bearer token; after 2 attempts in "),
            "{error}"
        );
        let source = source_of(&error).downcast_ref::<io::Error>();
        assert_eq!(source.map(io::Error::kind), Some(io_kind));
        assert_eq!(asked.load(Ordering::SeqCst), 4, "{io_kind:?}");
    }
}

#[test]
fn a_permanent_io_error_of_the_provider_is_not_retried() {
    let emulator = empty_emulator();
    let (client, asked) = from_numbered(&emulator, |_| {
        Err(io::Error::from(io::ErrorKind::NotFound).into())
    });
    let error = client.build().unwrap().query(&by_topic()).unwrap_err();
    assert_eq!(
        (
            error.kind(),
            error.is_transient(),
            asked.load(Ordering::SeqCst)
        ),
        (ErrorKind::Unauthorized, false, 1)
    );
}

#[test]
fn an_invalid_token_is_refused_without_showing_it() {
    let emulator = empty_emulator();
    for (provided, problem, hint) in [
        (
            "s3cr3t-of-the-provider\n",
            "bearer token contains a control character",
            Some("it ends with a line break: trim the file contents"),
        ),
        ("", "bearer token is empty", None),
        (
            " s3cr3t-of-the-provider",
            "bearer token has leading or trailing spaces",
            None,
        ),
        (
            "Bearer s3cr3t-of-the-provider",
            "bearer token must be printable ASCII without spaces",
            None,
        ),
    ] {
        let client = from_function(&emulator, || Ok(provided.to_owned()));
        let error = client.build().unwrap().query(&by_topic()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "query of io.confluent.kafka.server/sent_bytes failed: \
                 invalid token of the provider: {problem}"
            )
        );
        assert_eq!(
            (error.kind(), error.hint()),
            (ErrorKind::InvalidInput, hint)
        );
        assert!(!format!("{error:?}").contains("s3cr3t"), "{error:?}");
    }
    assert!(emulator.requests().is_empty());
}

#[test]
fn a_panic_of_the_provider_reaches_the_caller_and_the_next_call_asks_again() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .rate_limit(10)
        .start();
    emulator.add_bearer_token("t");
    emulator.add_bearer_token("u");
    let (client, asked) = from_numbered(&emulator, move |number| match number {
        1 | 3 => panic!("a bug of the caller"),
        2 => Ok("t".into()),
        _ => Ok("u".into()),
    });
    let client = client.build().unwrap();
    let panics = |client: &Client| {
        let result = catch_unwind(AssertUnwindSafe(|| client.query(&by_topic())));
        let payload = result.unwrap_err();
        payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
    };
    assert_eq!(panics(&client).as_deref(), Some("a bug of the caller"));
    client.query(&by_topic()).unwrap();
    // The panic after a 401, while the response is open.
    emulator.revoke_bearer_token("t");
    assert_eq!(panics(&client).as_deref(), Some("a bug of the caller"));
    client.query(&by_topic()).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    // 401s count as well, and no permit is lost.
    assert_eq!(client.rate_limits()[0].remaining(), 10 - 4);
}

#[test]
fn threads_that_wait_survive_a_panic_of_the_provider() {
    let emulator = empty_emulator();
    emulator.add_bearer_token("t");
    let (sender, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let (client, asked) = from_numbered(&emulator, move |number| {
        if number == 1 {
            let _ = receiver.lock().unwrap().recv_timeout(HANG);
            panic!("a bug of the caller");
        }
        Ok("t".into())
    });
    let client = client.build().unwrap();
    thread::scope(|scope| {
        let panicking = scope.spawn(|| client.query(&by_topic()));
        while asked.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let waiting: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| client.query(&by_topic())))
            .collect();
        sender.send(()).unwrap();
        assert!(panicking.join().is_err());
        for thread in waiting {
            thread.join().unwrap().unwrap();
        }
    });
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A client whose provider returns only when the channel is used or dropped.
fn with_slow_provider(emulator: &Emulator) -> (Client, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (sender, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let (client, asked) = from_numbered(emulator, move |_| {
        let _ = receiver.lock().unwrap().recv_timeout(HANG);
        Ok("t".into())
    });
    (client.build().unwrap(), sender, asked)
}

#[test]
fn the_wait_for_another_thread_ends_with_the_deadline_and_a_cancel() {
    let emulator = empty_emulator();
    emulator.add_bearer_token("t");
    let (client, sender, asked) = with_slow_provider(&emulator);
    thread::scope(|scope| {
        let asking = scope.spawn(|| client.query(&by_topic()));
        while asked.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let short = client.with_deadline(Duration::from_millis(100));
        let error = short.query(&by_topic()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(
            error.to_string().contains("deadline of 100ms exceeded"),
            "{error}"
        );

        let cancel = CancelToken::new();
        let canceled = client.with_cancel(&cancel).with_deadline(FOREVER);
        let waiting = scope.spawn(move || canceled.query(&by_topic()));
        thread::sleep(Duration::from_millis(50));
        let started = Instant::now();
        cancel.cancel();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert!(started.elapsed() < HANG, "{:?}", started.elapsed());

        sender.send(()).unwrap();
        asking.join().unwrap().unwrap();
    });
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_provider_that_takes_longer_than_the_deadline_makes_its_call_time_out() {
    let emulator = empty_emulator();
    emulator.add_bearer_token("t");
    let client = from_function(&emulator, || {
        thread::sleep(Duration::from_millis(300));
        Ok("t".into())
    });
    let client = client.deadline(Duration::from_millis(200)).build().unwrap();
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(emulator.requests().is_empty());
    // The token is kept for the next call.
    client.with_deadline(HANG).query(&by_topic()).unwrap();
}

#[test]
fn the_time_of_the_provider_is_not_that_of_the_attempt() {
    let emulator = empty_emulator();
    emulator.add_bearer_token("t");
    let client = from_function(&emulator, || {
        thread::sleep(Duration::from_millis(2_500));
        Ok("t".into())
    });
    let client = client
        .attempt_timeout(Duration::from_secs(2))
        .max_retries(0)
        .build()
        .unwrap();
    client.query(&by_topic()).unwrap();
}

#[test]
fn a_provider_that_uses_its_own_client_gets_an_error() {
    let emulator = empty_emulator();
    let slot: Arc<Mutex<Option<Client>>> = Arc::default();
    let own = Arc::clone(&slot);
    let client = from_function(&emulator, move || {
        let client = own.lock().unwrap().clone().unwrap();
        client.query(&by_topic())?;
        Ok("t".into())
    });
    let client = client.build().unwrap();
    *slot.lock().unwrap() = Some(client.clone());
    let error = client.query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(
        source_of(&error).to_string(),
        "query of io.confluent.kafka.server/sent_bytes failed: \
         token provider uses a client with its own credentials"
    );
    // The client holds its own provider, which would keep it alive.
    *slot.lock().unwrap() = None;
}

#[test]
fn a_panic_of_the_provider_in_a_parallel_query_reaches_the_caller() {
    let emulator = empty_emulator();
    let query = three_windows(&emulator);
    emulator.add_bearer_token("t");
    let (client, _) = from_numbered(&emulator, |number| {
        assert!(number > 1, "a bug of the caller");
        Ok("t".into())
    });
    let client = client.concurrency(3).build().unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| client.query(&query)));
    let payload = result.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"a bug of the caller"));
    assert_eq!(client.query(&query).unwrap().series().len(), 3);
}

#[test]
fn a_call_that_is_canceled_while_the_provider_runs_sends_nothing() {
    let emulator = empty_emulator();
    emulator.add_bearer_token("t");
    let (client, sender, asked) = with_slow_provider(&emulator);
    let cancel = CancelToken::new();
    let canceled = client.with_cancel(&cancel);
    thread::scope(|scope| {
        let asking = scope.spawn(|| canceled.query(&by_topic()));
        while asked.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        cancel.cancel();
        sender.send(()).unwrap();
        let error = asking.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
    assert!(emulator.requests().is_empty());
    // The token that has come too late for that call is there for the next one.
    client.query(&by_topic()).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_call_that_has_ended_does_not_ask_the_provider() {
    let emulator = empty_emulator();
    let (client, asked) = from_numbered(&emulator, |_| Err("no token service".into()));
    let client = client.concurrency(2).build().unwrap();
    let token = CancelToken::new();
    token.cancel();
    for (client, kind) in [
        (client.with_cancel(&token), ErrorKind::Cancelled),
        (client.with_deadline(Duration::ZERO), ErrorKind::Timeout),
    ] {
        for result in client.query_all(&[by_topic(), by_topic(), by_topic()]) {
            assert_eq!(result.unwrap_err().kind(), kind);
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn a_cancel_while_the_provider_runs_is_the_end_of_all_queries_of_the_call() {
    let emulator = empty_emulator();
    let token = CancelToken::new();
    let of_provider = token.clone();
    let (client, asked) = from_numbered(&emulator, move |_| {
        of_provider.cancel();
        Err("no token service".into())
    });
    let client = client.concurrency(1).build().unwrap().with_cancel(&token);
    for result in client.query_all(&[by_topic(), by_topic(), by_topic()]) {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn events_report_the_rejected_request_and_no_token() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .demo(false)
        .gzip(false)
        .start();
    emulator.add_bearer_token(&token(2));
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&events);
    let client = builder_as(&emulator, Tokens::default().credentials())
        .on_event(move |event| recorded.lock().unwrap().push(format!("{event:?} {event}")))
        .build()
        .unwrap();
    let echo = format!("bad token {} and {}", token(1), token(2));
    emulator.fault(Fault::status(503).body(echo).skip(1));
    client.query(&by_topic()).unwrap();
    let mut events = events.lock().unwrap();
    assert!(!events.join(" ").contains("provided"), "{events:?}");
    events.retain(|event| !event.contains("WindowDone"));
    let kinds: Vec<_> = events
        .iter()
        .map(|event| {
            let kinds = ["RequestSent", "ResponseReceived", "Retrying"];
            let found = kinds.iter().find(|kind| event.contains(*kind));
            *found.unwrap()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "RequestSent",
            "ResponseReceived",
            "RequestSent",
            "ResponseReceived",
            "Retrying",
            "RequestSent",
            "ResponseReceived"
        ]
    );
    assert!(
        events[1].contains("401") && events[3].contains("503"),
        "{events:?}"
    );
    assert!(events[4].contains("***"), "{}", events[4]);
}

/// Everything that an error shows.
fn shown(error: &Error) -> String {
    let mut shown = format!(
        "{error} {error:?} {error:#?} {:?} {:?} {:?}",
        error.hint(),
        error.body(),
        error.api_errors()
    );
    let mut cause = error.source();
    while let Some(error) = cause {
        shown += &format!(" {error} {error:?} {error:#?}");
        cause = error.source();
    }
    shown
}

#[test]
fn no_token_that_was_in_use_is_shown() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .without_date()
        .demo(false)
        .gzip(false)
        .start();
    let tokens = Tokens::default();
    let credentials = tokens.credentials();
    let builder = builder_as(&emulator, credentials.clone()).max_retries(0);
    assert_eq!(
        format!("{credentials:?}"),
        "Credentials(bearer token of a provider)"
    );
    let client = builder.build().unwrap();
    for number in 1..=5 {
        emulator.add_bearer_token(&token(number));
        client.query(&by_topic()).unwrap();
        emulator.revoke_bearer_token(&token(number));
        for debug in [format!("{client:?}"), format!("{credentials:?}")] {
            assert!(!debug.contains("provided-"), "{debug}");
        }
        // A response may echo the token of an earlier request.
        for old in 1..=number {
            let echo = format!("bad token {} (Bearer {0})", token(old));
            for fault in [
                Fault::status(400).body(echo.as_str()),
                Fault::status(403).body(format!(r#"{{"errors":[{{"detail":"{echo}"}}]}}"#)),
                Fault::status(200).body(echo.as_str()),
                Fault::status(200)
                    .body("{}")
                    .header("Content-Encoding", &token(old)),
            ] {
                emulator.fault(fault);
                let error = client.query(&by_topic()).unwrap_err();
                let shown = shown(&error);
                assert!(!shown.contains("provided"), "{old} of {number}: {shown}");
                assert!(shown.contains("***"), "{old} of {number}: {shown}");
            }
        }
    }
    assert_eq!(tokens.asked(), 5);
}

#[test]
fn an_error_of_the_provider_that_shows_a_token_is_redacted() {
    let emulator = empty_emulator();
    let (client, _) = from_numbered(&emulator, |number| match number {
        1 => Ok("s3cr3t-of-the-provider".into()),
        _ => Err("cannot renew s3cr3t-of-the-provider".into()),
    });
    let error = client.build().unwrap().query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(source_of(&error).to_string(), "cannot renew ***");
    assert!(!shown(&error).contains("s3cr3t"));
}
