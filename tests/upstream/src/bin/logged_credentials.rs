//! At the level `trace`, the `Authorization` header is logged.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use log::{LevelFilter, Log, Metadata, Record};

/// Prints the records that hold the credentials.
struct Printer;

impl Log for Printer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        if let Some(line) = text.split("\\r\\n").find(|line| line.contains("c2VjcmV0")) {
            println!("found: {} {}: {line}", record.level(), record.target());
        }
    }

    fn flush(&self) {}
}

fn main() {
    log::set_logger(&Printer).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    println!("expected: no record with the credentials");
    ureq::get(&url)
        .header("Authorization", "Basic c2VjcmV0")
        .call()
        .unwrap();
}
