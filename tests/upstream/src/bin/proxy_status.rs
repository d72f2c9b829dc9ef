//! The status with which a proxy refuses CONNECT is only in the text of the error.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use ureq::{Agent, Proxy};

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        thread::sleep(Duration::from_millis(500));
    });
    let agent: Agent = Agent::config_builder()
        .proxy(Some(Proxy::new(&url).unwrap()))
        .build()
        .into();
    println!("expected: an error with the status as a number");
    let error = agent.get("https://example.com/").call().unwrap_err();
    println!("found: {error:?}");
}
