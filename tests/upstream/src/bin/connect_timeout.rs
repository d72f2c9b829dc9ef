//! The connect timeout starts again with every byte of a proxy's response to CONNECT.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use ureq::{Agent, Proxy};

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        for byte in b"HTTP/1.1 200 OK\r\nX: 0123456789\r\n" {
            thread::sleep(Duration::from_millis(300));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    let agent: Agent = Agent::config_builder()
        .proxy(Some(Proxy::new(&url).unwrap()))
        .timeout_connect(Some(Duration::from_secs(1)))
        .timeout_global(Some(Duration::from_secs(2)))
        .build()
        .into();
    let started = Instant::now();
    let result = agent.get("https://example.com/").call();
    println!("expected: a timeout after 1 second");
    println!(
        "found: {:?} after {:.1} seconds",
        result.map_err(|error| error.to_string()),
        started.elapsed().as_secs_f64()
    );
}
