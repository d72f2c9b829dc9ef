//! Several requests at a time: the results and the errors are those of one request at a time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use confluent_metrics::{Client, Error, Granularity, Interval, Query, QueryResult};
use confluent_metrics_emulator::{Emulator, Request, Response};
use proptest::prelude::*;

use crate::cases;
use crate::oracle::TestQuery;
use crate::paging::split;
use crate::queries::{new_clusters, present, put};
use crate::seeded_rng::SeededRng;
use crate::support::{builder, empty};

const CASES: u32 = 120;

/// The kinds of errors that a run has to meet.
const ERRORS: [&str; 6] = [
    "InvalidInput",
    "Rejected",
    "Forbidden",
    "Server",
    "Decode",
    "NotFound",
];

/// Answers that replace those of the service.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Status(u16),
    /// No JSON.
    Text,
    /// A point before all windows.
    StrayPoint,
    /// A group with a label of its own, and one point at the start of the window. The service
    /// returns it for every page, with another value each time.
    Changed,
    /// A page that names itself as the next one.
    Endless,
}

/// A damaged answer to the request with this number in a window of one of the queries.
#[derive(Clone, Debug)]
struct Fault {
    query: usize,
    window: prop::sample::Index,
    request: usize,
    damage: Damage,
}

fn fault() -> impl Strategy<Value = Fault> {
    let damage = prop_oneof![
        4 => prop::sample::select(&[400, 403, 404, 422, 500, 503][..]).prop_map(Damage::Status),
        1 => Just(Damage::Text),
        1 => Just(Damage::StrayPoint),
        1 => Just(Damage::Changed),
        1 => Just(Damage::Endless),
    ];
    let window = any::<prop::sample::Index>();
    (0..2_usize, window, 0..3_usize, damage).prop_map(|(query, window, request, damage)| Fault {
        query,
        window,
        request,
        damage,
    })
}

/// What the emulator answers during one call.
#[derive(Default)]
struct Script {
    /// Damaged answers by the body of the window and the number of the request.
    damages: HashMap<(String, usize), Damage>,
    /// The number of requests so far, by the body of the window.
    ///
    /// The requests of a window follow each other, so this does not depend on the concurrency.
    counts: HashMap<String, usize>,
    /// Delays some answers, so that they arrive in another order.
    delays: Option<SeededRng>,
}

impl Script {
    /// Returns the delay and the damage of the next answer to a body.
    fn next(&mut self, body: String) -> (u64, Option<Damage>) {
        let delay = self.delays.as_mut().map_or(0, |delays| delays.roll(6));
        let count = self.counts.entry(body.clone()).or_default();
        let number = *count;
        *count += 1;
        (delay as u64, self.damages.get(&(body, number)).copied())
    }
}

impl Damage {
    fn response(self, request: &Request) -> Response {
        let body = request.text();
        let (_, rest) = body.split_once(r#""intervals":[""#).unwrap();
        let start = rest.split_once('/').unwrap().0;
        let is_grouped = body.contains(r#""format":"GROUPED""#);
        let point = |time: &str, value: usize| {
            let point = format!(r#""timestamp":"{time}","value":{value}"#);
            if is_grouped {
                return format!(r#"{{"metric.extra":"x","points":[{{{point}}}]}}"#);
            }
            format!("{{{point}}}")
        };
        let page = |row: &str, token: &str| {
            let pagination = format!(r#"{{"page_size":1000,"next_page_token":{token}}}"#);
            Response::new(200).body(format!(
                r#"{{"data":[{row}],"meta":{{"pagination":{pagination}}}}}"#
            ))
        };
        match self {
            Self::Status(status) => {
                let errors = format!(r#"{{"errors":[{{"detail":"for {start}"}}]}}"#);
                Response::new(status).body(errors)
            }
            Self::Text => Response::new(200).body("a proxy says hello"),
            Self::StrayPoint => page(&point("2001-01-01T00:00:00Z", 1), "null"),
            Self::Changed => page(&point(start, request.target.len()), r#""of-a-test""#),
            Self::Endless => page("", r#""again""#),
        }
    }
}

fn render(results: &[Result<QueryResult, Error>]) -> Vec<String> {
    results.iter().map(|result| format!("{result:?}")).collect()
}

/// Runs the queries together and one by one, and returns all that a caller can see.
fn outcome(
    emulator: &Emulator,
    client: impl Fn() -> Client,
    queries: &[Query],
    script: &Mutex<Script>,
) -> Vec<String> {
    let mut outcome = Vec::new();
    for call in 0..=queries.len() {
        script.lock().unwrap().counts.clear();
        let client = client();
        let results = match call.checked_sub(1) {
            None => client.query_all(queries),
            Some(query) => vec![client.query(&queries[query])],
        };
        outcome.extend(render(&results));
        drop(client);
        // A request that was canceled may arrive later, and must not count for the next call. One
        // connection is that of the client with one request at a time.
        while emulator.connections_open() > 1 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    outcome
}

#[test]
fn any_concurrency_has_the_outcome_of_one_request_at_a_time() {
    let emulator: Emulator = empty().start();
    let script = Arc::new(Mutex::new(Script::default()));
    let answers = Arc::clone(&script);
    emulator.respond_with(move |request| {
        let (delay, damage) = answers.lock().unwrap().next(request.text());
        thread::sleep(Duration::from_millis(delay));
        damage.map(|damage| damage.response(request))
    });
    let client = |requests| {
        let builder = builder(&emulator).concurrency(requests).max_retries(0);
        builder.build().unwrap()
    };
    let alone = client(1);
    let (kinds, rights) = (RefCell::new(BTreeSet::new()), Cell::new(0));
    let input = (
        [split().boxed(), split().boxed()],
        prop::collection::vec(fault(), 0..4),
        0..5_usize,
        2..9_usize,
        any::<u64>(),
    );
    proptest!(cases(CASES), |((parts, faults, page_cap, requests, seed) in input)| {
        let mut queries = Vec::new();
        for (mut raw, mut test_query) in parts {
            let clusters = new_clusters();
            put(&emulator, &test_query.metric, &mut raw, &clusters);
            test_query.clusters = present(&raw, clusters, true);
            queries.push(TestQuery::query(&test_query));
        }
        // One that is refused, between the others.
        queries.insert(1, Query::new("", Granularity::OneHour, Interval::last_hours(1)));
        emulator.page_cap(page_cap);
        let has_faults = !faults.is_empty();
        let mut damages = HashMap::new();
        for fault in faults {
            let bodies = alone.request_bodies(&queries[2 * fault.query]).unwrap();
            if !bodies.is_empty() {
                let body = bodies[fault.window.index(bodies.len())].clone();
                damages.insert((body, fault.request), fault.damage);
            }
        }
        *script.lock().unwrap() = Script { damages, ..Script::default() };
        let expected = outcome(&emulator, || alone.clone(), &queries, &script);
        for result in &expected[..queries.len()] {
            kinds.borrow_mut().extend(ERRORS.into_iter().filter(|kind| result.contains(kind)));
            rights.set(rights.get() + usize::from(result.starts_with("Ok")));
        }
        script.lock().unwrap().delays = Some(SeededRng::new(seed));
        emulator.reset_max_in_flight();
        let found = outcome(&emulator, || client(requests), &queries, &script);
        prop_assert_eq!(found, expected);
        // The emulator counts a canceled request for a moment longer.
        if !has_faults {
            prop_assert!(emulator.max_in_flight() <= requests);
        }
    });
    let run = cases(CASES).cases as usize;
    assert!(rights.get() > run / 2, "{} results", rights.get());
    let kinds = kinds.into_inner();
    assert!(run < 80 || kinds.len() == ERRORS.len(), "{kinds:?}");
}
