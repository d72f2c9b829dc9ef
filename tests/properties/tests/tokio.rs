//! The recipe for tokio in the guide to shutting down.

use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{
    CancelToken, Client, Credentials, Error, Granularity, Interval, Query, QueryResult, Resource,
};
use confluent_metrics_emulator::{Emulator, Fault};

/// Only a call that hangs takes longer.
const HANG: Duration = Duration::from_secs(60);

/// Cancels a token when it is dropped.
struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs a query. Dropping the future cancels it.
async fn query(client: &Client, query: Query) -> Result<QueryResult, Error> {
    let guard = CancelOnDrop(CancelToken::new());
    let client = client.with_cancel(&guard.0);
    let task = tokio::task::spawn_blocking(move || client.query(&query));
    task.await.expect("a query does not panic")
}

#[test]
fn the_recipe_is_the_one_of_the_guide() {
    let guide = include_str!("../../../src/_documentation/shutting_down.md");
    let (_, section) = guide.split_once("# With tokio").unwrap();
    let (_, recipe) = section.split_once("```ignore\n").unwrap();
    let (recipe, _) = recipe.split_once("```\n").unwrap();
    assert!(include_str!("tokio.rs").contains(recipe));
}

#[test]
fn a_query_whose_future_is_dropped_is_canceled() {
    let emulator = Emulator::start();
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
    let client = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .attempt_timeout(2 * HANG)
        .deadline(2 * HANG)
        .build()
        .unwrap();
    let metric = "io.confluent.kafka.server/sent_bytes";
    let last_hour = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
        .filter(Resource::kafka("lkc-1"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()
        .unwrap();
    let result = runtime.block_on(query(&client, last_hour.clone()));
    assert!(result.is_ok(), "{result:?}");

    emulator.fault(Fault::real_response().stall());
    let started = Instant::now();
    let result = runtime.block_on(async {
        let stalled = query(&client, last_hour.clone());
        tokio::time::timeout(Duration::from_millis(200), stalled).await
    });
    assert!(result.is_err(), "{result:?}");
    // The runtime waits for the thread of the call.
    drop(runtime);
    while emulator.connections_open() > 0 {
        assert!(started.elapsed() < HANG);
        thread::sleep(Duration::from_millis(5));
    }
    assert!(started.elapsed() < HANG);
    assert!(client.query(&last_hour).is_ok());
}
