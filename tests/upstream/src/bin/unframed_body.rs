//! A body without a length that ends with a reset connection looks complete.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Closing a connection with unread input resets it.
        let _ = stream.read(&mut [0; 1]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nthe first half");
        thread::sleep(Duration::from_millis(500));
    });
    let mut response = ureq::get(&url).call().unwrap();
    let body = response.body_mut().read_to_string();
    println!("expected: an error, because the connection was reset");
    println!("found: {body:?}");
}
