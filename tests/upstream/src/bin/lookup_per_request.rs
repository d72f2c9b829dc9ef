//! A request looks up the name of its host also if it uses a connection of the pool.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Counts the lookups.
#[derive(Debug, Default)]
struct Counting(DefaultResolver, Arc<AtomicUsize>);

impl Resolver for Counting {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.resolve(uri, config, timeout)
    }
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    let connections = Arc::new(AtomicUsize::new(0));
    let accepted = Arc::clone(&connections);
    thread::spawn(move || {
        for stream in listener.incoming() {
            accepted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        }
    });
    let resolver = Counting::default();
    let lookups = Arc::clone(&resolver.1);
    let agent = Agent::with_parts(Config::default(), DefaultConnector::new(), resolver);
    for _ in 0..5 {
        agent
            .get(&url)
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap();
    }
    println!("expected: a lookup for each connection");
    println!(
        "found: {} lookups for {} connection and 5 requests",
        lookups.load(Ordering::SeqCst),
        connections.load(Ordering::SeqCst)
    );
}
