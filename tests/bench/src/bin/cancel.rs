//! The longest time from `cancel` to the return of the call, in every state that a call can be in.
//!
//! A stall is canceled after it has begun. A call that computes is canceled at times that are
//! spread over its duration. An argument selects the states whose name contains it.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics::{
    CancelToken, Client, Error, ErrorKind, ExportRequest, Filter, Granularity, Query, Resource,
};
use confluent_metrics_bench::documents::{Format, Shape, Values};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::{Builder, Emulator, Fault, Proxy, ProxyBehavior};

const SENT: &str = "io.confluent.kafka.server/sent_bytes";
const NOON: i64 = 1_767_873_600;
/// The deadline of a call. One that is not canceled fails long after the target.
const LATE: Duration = Duration::from_secs(120);
const TRIES: u32 = 20;
const TARGET: Duration = Duration::from_millis(250);

type Call = fn(&Client, &Input) -> Result<(), Error>;

const CALLS: [(&str, Call); 4] = [
    ("query", |client, input| {
        client.query(&input.query).map(drop)
    }),
    ("query_all", |client, input| {
        let queries = [input.query.clone(), input.query.clone()];
        client
            .query_all(&queries)
            .into_iter()
            .try_for_each(|result| result.map(drop))
    }),
    ("query_pages", |client, input| {
        client
            .query_pages(&input.query)
            .try_for_each(|page| page.map(drop))
    }),
    ("export", |client, input| {
        client.export(&input.export).map(drop)
    }),
];

/// The arguments of a call.
struct Input {
    query: Query,
    export: ExportRequest,
}

/// A state of the service, which all tries of a call share.
struct Scene {
    emulator: Emulator,
    input: Input,
    /// The URL of the service, if it is not the emulator's.
    base_url: Option<String>,
    proxy: Option<Proxy>,
    /// The pause before each try, after which a request of the other client stalls.
    probe_after: Option<Duration>,
    /// True if a call prepares a large request before it connects.
    connects_late: bool,
    /// Every try continues with the rate limits of this client.
    shared: Option<Client>,
    /// What has to stay open.
    _sockets: Vec<TcpStream>,
    _listener: Option<TcpListener>,
}

impl Scene {
    fn new(builder: Builder, fault: Option<Fault>) -> Self {
        let emulator = builder.start();
        if let Some(fault) = fault {
            emulator.fault(fault.times(usize::MAX));
        }
        let hours = "2026-01-01T00:00:00Z/PT6H".parse().expect("an interval");
        Self {
            emulator,
            input: Input {
                query: Query::new(SENT, Granularity::OneMinute, hours)
                    .filter(Resource::kafka("lkc-1"))
                    .group_by(["metric.topic"]),
                export: ExportRequest::new([Resource::kafka("lkc-1")]),
            },
            base_url: None,
            proxy: None,
            probe_after: None,
            connects_late: false,
            shared: None,
            _sockets: Vec::new(),
            _listener: None,
        }
    }

    fn client(&self) -> Client {
        if let Some(client) = &self.shared {
            return client.clone();
        }
        let mut builder = reach(&self.emulator)
            .attempt_timeout(LATE)
            .connect_timeout(LATE)
            .deadline(LATE)
            .max_response_bytes(250_000_000);
        if let Some(url) = &self.base_url {
            builder = builder.base_url(url);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.url());
        }
        builder.build().expect("a client")
    }
}

/// The time at which a try is canceled.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// Before the call.
    Before,
    /// After the call has stalled.
    Stalled,
    /// At any time until the call would end.
    Spread,
}

/// A row of the table: its name, when a try is canceled, and the scene of a call, if it has one.
type State = (&'static str, When, fn(&str) -> Option<Scene>);

fn main() {
    let states: [State; 16] = [
        ("before the call", When::Before, |_| Some(quiet(None))),
        ("name lookup", When::Stalled, |_| name_lookup()),
        ("connect", When::Stalled, |_| connect()),
        ("CONNECT through a proxy", When::Stalled, |_| Some(proxy())),
        ("TLS handshake", When::Stalled, |_| {
            Some(quiet(Some(Fault::stall_handshake())))
        }),
        ("stalled upload", When::Stalled, upload),
        ("stalled before the head", When::Stalled, |_| {
            Some(stalled(Fault::stall))
        }),
        ("stalled head", When::Stalled, |_| {
            Some(stalled(Fault::stall_head))
        }),
        ("stalled body", When::Stalled, |_| {
            Some(stalled(Fault::stall_body))
        }),
        ("backoff", When::Stalled, |_| {
            Some(quiet(Some(Fault::status(503).header("Retry-After", "100"))))
        }),
        ("wait for a rate limit", When::Stalled, |_| {
            Some(rate_limit())
        }),
        ("wait for another thread's probe", When::Stalled, |_| {
            Some(probe())
        }),
        ("decompressing 250 MB", When::Spread, |_| {
            Some(quiet(Some(
                Fault::real_response().oversized_gzip(500_000_000),
            )))
        }),
        ("receiving and decoding, FLAT", When::Spread, |call| {
            large(call, Format::Flat)
        }),
        (
            "receiving and decoding, GROUPED or text",
            When::Spread,
            |call| large(call, Format::Grouped),
        ),
        ("pages, windows and merging", When::Spread, many_pages),
    ];
    println!("| state | {} |", CALLS.map(|(name, _)| name).join(" | "));
    println!("| --- | {} |", CALLS.map(|_| "---:").join(" | "));
    let mut longest = Duration::ZERO;
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (name, when, scene) in states {
        if !name.contains(&wanted) {
            continue;
        }
        let cells: Vec<Option<Duration>> = if when == When::Spread {
            CALLS.iter().map(|call| cell(call, when, scene)).collect()
        } else {
            thread::scope(|scope| {
                let cells: Vec<_> = CALLS
                    .iter()
                    .map(|call| scope.spawn(move || cell(call, when, scene)))
                    .collect();
                cells
                    .into_iter()
                    .map(|cell| cell.join().expect("a time"))
                    .collect()
            })
        };
        longest = cells.iter().flatten().copied().fold(longest, Duration::max);
        let cells: Vec<_> = cells
            .iter()
            .map(|cell| cell.map_or("-".to_owned(), |time| format!("{} ms", millis(time))))
            .collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    let verdict = if longest <= TARGET { "met" } else { "missed" };
    println!(
        "\n- longest time from `cancel` to the return of a call: {} ms (target: at most {} ms): {verdict}",
        millis(longest),
        TARGET.as_millis()
    );
}

/// Rounds up to milliseconds.
fn millis(time: Duration) -> u128 {
    time.as_micros().div_ceil(1000)
}

/// Returns the longest time of all tries, or `None` if the call has no such state.
fn cell(
    (name, call): &(&str, Call),
    when: When,
    scene: fn(&str) -> Option<Scene>,
) -> Option<Duration> {
    let scene = scene(name)?;
    let mut duration = Duration::ZERO;
    if when == When::Spread {
        let started = Instant::now();
        let _ = call(&scene.client(), &scene.input);
        duration = started.elapsed();
    }
    let mut longest = Duration::ZERO;
    let mut done = 0;
    while done < TRIES {
        let delay = match when {
            When::Before => Duration::ZERO,
            When::Stalled => Duration::from_millis(u64::from(100 + 7 * done)),
            When::Spread => duration * (2 * done + 1) / (2 * TRIES),
        };
        if let Some(time) = one_try(&scene, *call, when, delay) {
            longest = longest.max(time);
            done += 1;
        } else {
            // The machine is faster than before.
            duration = duration * 9 / 10;
        }
    }
    Some(longest)
}

/// Returns the time from `cancel` to the return, or `None` if the call ended before.
fn one_try(scene: &Scene, call: Call, when: When, delay: Duration) -> Option<Duration> {
    let token = CancelToken::new();
    let plain = scene.client();
    let client = plain.with_cancel(&token);
    if when == When::Before {
        token.cancel();
        let started = Instant::now();
        let error = call(&client, &scene.input).expect_err("canceled");
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
        return Some(started.elapsed());
    }
    thread::scope(|scope| {
        let stop_probe = CancelToken::new();
        if let Some(pause) = scene.probe_after {
            plain.metric_descriptors().expect("the last permit");
            thread::sleep(pause);
            scene.emulator.fault(Fault::real_response().stall());
            let probing = plain.with_cancel(&stop_probe);
            scope.spawn(move || probing.metric_descriptors());
            thread::sleep(Duration::from_millis(50));
        }
        let connections = scene.emulator.connections();
        let running = scope.spawn(|| {
            let result = call(&client, &scene.input);
            (result, Instant::now())
        });
        while scene.connects_late && scene.emulator.connections() == connections {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(delay);
        let ended_before = running.is_finished();
        let canceled = Instant::now();
        token.cancel();
        let (result, returned) = running.join().expect("no panic");
        stop_probe.cancel();
        match result {
            Err(error) if error.kind() == ErrorKind::Cancelled => {}
            // The call had ended when the token was canceled.
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::TooLarge => {}
            Err(error) => panic!("{error:?}"),
        }
        let is_stall = when == When::Stalled;
        assert!(!(is_stall && ended_before), "no stall");
        (!ended_before).then(|| returned.saturating_duration_since(canceled))
    })
}

fn builder() -> Builder {
    Emulator::builder().clock(NOON).without_date().demo(false)
}

fn quiet(fault: Option<Fault>) -> Scene {
    Scene::new(builder(), fault)
}

fn stalled(stall: fn(Fault) -> Fault) -> Scene {
    quiet(Some(stall(Fault::real_response())))
}

/// A name server that never responds. Needs a `resolv.conf` that names it: see `tests/bench/all`.
fn name_lookup() -> Option<Scene> {
    let settings = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    // All calls share the socket. It stays open until the end.
    static SERVER: std::sync::OnceLock<io::Result<UdpSocket>> = std::sync::OnceLock::new();
    let server = SERVER.get_or_init(|| UdpSocket::bind("127.0.0.53:53"));
    if !settings.contains("nameserver 127.0.0.53") || server.is_err() {
        return None;
    }
    Some(Scene {
        base_url: Some("https://metrics.example".to_owned()),
        ..quiet(None)
    })
}

/// Linux drops what comes in once the backlog of a listener is full.
fn connect() -> Option<Scene> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    let short = Duration::from_millis(200);
    let sockets = std::iter::from_fn(|| TcpStream::connect_timeout(&address, short).ok()).collect();
    Some(Scene {
        base_url: Some(format!("https://{address}")),
        _sockets: sockets,
        _listener: Some(listener),
        ..quiet(None)
    })
}

fn proxy() -> Scene {
    Scene {
        proxy: Some(Proxy::start(ProxyBehavior::Silent)),
        ..quiet(None)
    }
}

/// A request larger than the buffers of both sockets. An export has no body.
fn upload(call: &str) -> Option<Scene> {
    if call == "export" {
        return None;
    }
    let mut scene = quiet(Some(Fault::stop_reading()));
    let topics = (0..16).map(|number| format!("{number}{}", "x".repeat(1 << 20)));
    scene.input.query = scene
        .input
        .query
        .filter(Filter::one_of("metric.topic", topics));
    scene.connects_late = true;
    Some(scene)
}

fn rate_limit() -> Scene {
    let mut scene = Scene::new(builder().rate_limit(1).rate_window(LATE / 2), None);
    let client = scene.client();
    client.metric_descriptors().expect("the only permit");
    scene.shared = Some(client);
    scene
}

/// The limit is reset after a second. The first request then stalls, and the others wait for it.
fn probe() -> Scene {
    let window = Duration::from_secs(1);
    Scene {
        probe_after: Some(window + Duration::from_millis(200)),
        ..Scene::new(builder().rate_limit(1).rate_window(window), None)
    }
}

/// A response of 20 to 35 MB in one page.
fn large(call: &str, format: Format) -> Option<Scene> {
    if call == "export" {
        if format == Format::Flat {
            return None;
        }
        let mut text = String::new();
        for number in 0..400_000 {
            text.push_str(&format!(
                "sent_bytes{{kafka_id=\"lkc-1\",topic=\"t{number:06}\"}} 1\n"
            ));
        }
        text.push_str("# EOF\n");
        return Some(quiet(Some(Fault::status(200).body(text))));
    }
    let shape = Shape {
        format,
        values: Values::Mixed,
        groups: 1000,
        points: 360,
        labels: 1,
    };
    let mut scene = quiet(Some(Fault::status(200).body(shape.bytes())));
    if format == Format::Flat {
        let hours = "2026-01-01T00:00:00Z/PT6H".parse().expect("an interval");
        scene.input.query =
            Query::new(SENT, Granularity::OneMinute, hours).filter(Resource::kafka("lkc-1"));
    }
    Some(scene)
}

/// Three days by the minute of 1,500 topics: 12 windows of 15 pages.
fn many_pages(call: &str) -> Option<Scene> {
    if call == "export" {
        return None;
    }
    let mut scene = Scene::new(
        Emulator::builder()
            .clock(NOON)
            .without_date()
            .topics(1500)
            .page_cap(100)
            .gzip(false),
        None,
    );
    let days = "2026-01-05T00:00:00Z/P3D".parse().expect("an interval");
    scene.input.query = Query::new(SENT, Granularity::OneMinute, days)
        .filter(Resource::kafka("lkc-big"))
        .group_by(["metric.topic"]);
    Some(scene)
}
