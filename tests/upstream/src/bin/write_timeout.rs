//! A timeout starts again with every part of a write that the system accepts.

use std::io::Read;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut part = vec![0; 1 << 20];
        while stream.read_exact(&mut part).is_ok() {
            thread::sleep(Duration::from_millis(200));
        }
    });
    let size = 32 << 20;
    let agent: Agent = Agent::config_builder()
        .output_buffer_size(2 * size)
        .timeout_global(Some(Duration::from_secs(1)))
        .build()
        .into();
    let started = Instant::now();
    let result = agent.post(&url).send(vec![b'x'; size]);
    println!("expected: a timeout after 1 second");
    println!(
        "found: {:?} after {:.1} seconds",
        result.map_err(|error| error.to_string()),
        started.elapsed().as_secs_f64()
    );
}
