//! An address that does not respond delays the connection to the next one by most of the timeout.
//! Runs on Linux alone.

use std::io::{Read, Write};
use std::iter;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Resolves every name to these addresses.
#[derive(Debug)]
struct Fixed([SocketAddr; 2]);

impl Resolver for Fixed {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0[0]);
        addresses.push(self.0[1]);
        Ok(addresses)
    }
}

fn main() {
    // Linux drops what comes in once the backlog of a listener is full.
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = full.local_addr().unwrap();
    let wait = Duration::from_millis(300);
    let _waiting: Vec<_> =
        iter::from_fn(|| TcpStream::connect_timeout(&silent, wait).ok()).collect();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let responding = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    let config = Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(6)))
        .build();
    let agent = Agent::with_parts(config, DefaultConnector::new(), Fixed([silent, responding]));
    let started = Instant::now();
    let status = agent
        .get("http://two.example/")
        .call()
        .map(|response| response.status());
    println!(
        "expected: a connection to the second address after a fraction of a second (RFC 8305)"
    );
    println!(
        "found: {status:?} after {:.1} seconds",
        started.elapsed().as_secs_f64()
    );
}
