//! The sites: an emulator each, with a client that reaches it in its own way.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use confluent_metrics::{Client, Credentials, Event};
use confluent_metrics_emulator::{Builder, Emulator, Proxy, ProxyBehavior, Response};

use crate::cancels::SharedCancel;
use crate::timeline::Timeline;
use crate::truth;

/// An emulator with its client and its disturbances.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) emulator: Arc<Emulator>,
    /// The client that is disturbed.
    pub(crate) client: Client,
    /// A client with the time to survive a busy machine, for calls that have to succeed.
    pub(crate) patient: Client,
    pub(crate) timeline: Arc<Timeline>,
    /// The token that some of the calls share.
    pub(crate) shared: Arc<SharedCancel>,
    /// The next request is redirected.
    pub(crate) redirect: Arc<AtomicBool>,
    pub(crate) events: Arc<Events>,
    /// `None` if the client has no proxy. The inner one is `None` while the proxy is down.
    pub(crate) proxy: Option<Mutex<Option<Proxy>>>,
}

/// The number of events that show what a call went through.
#[derive(Default)]
pub(crate) struct Events {
    pub(crate) requests: AtomicUsize,
    pub(crate) retries: AtomicUsize,
    pub(crate) rate_limit_waits: AtomicUsize,
}

/// What a token of the provider begins with.
pub(crate) const TOKEN: &str = "soak-token-";
/// A body beyond this is refused. The faults `oversized` and `oversized_gzip` send more.
const MAX_BODY: u64 = 90_000;
/// A stall costs this time. The longer one shows what else ends an attempt: a cancel, the deadline.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(700);
const ATTEMPT_TIMEOUT_THROUGH_PROXY: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);

/// Returns the sites: without a proxy, through one, and with tokens that die.
///
/// Each emulator has other rate limits, which the threads would exceed.
pub(crate) fn sites(now: i64, seconds: i64) -> [Site; 3] {
    let start = |builder: Builder| {
        let emulator = builder.demo(false).page_cap(10).rate_window(SECOND).start();
        truth::put_points(&emulator, now, seconds);
        Arc::new(emulator)
    };
    let emulator = || Emulator::builder();
    [
        Site::direct(start(
            emulator()
                .rate_limit(120)
                .operation_limit("attributes", 12)
                .export_limit(8)
                .export_window(SECOND),
        )),
        Site::proxied(start(
            emulator().rate_limit(90).operation_limit("query", 60),
        )),
        Site::bearer(start(
            emulator()
                .rate_limit(90)
                .operation_limit("discovery", 8)
                .export_limit(6)
                .export_window(2 * SECOND),
        )),
    ]
}

impl Site {
    fn direct(emulator: Arc<Emulator>) -> Self {
        let credentials = api_key(&emulator);
        let shared = Arc::default();
        Self::new(
            "direct",
            emulator,
            &credentials,
            Arc::default(),
            shared,
            None,
        )
    }

    fn proxied(emulator: Arc<Emulator>) -> Self {
        let credentials = api_key(&emulator);
        let shared = Arc::default();
        let proxy = Some(Proxy::start(ProxyBehavior::Open));
        Self::new(
            "proxied",
            emulator,
            &credentials,
            Arc::default(),
            shared,
            proxy,
        )
    }

    fn bearer(emulator: Arc<Emulator>) -> Self {
        let timeline = Arc::<Timeline>::default();
        let shared = Arc::<SharedCancel>::default();
        let provider = Provider {
            emulator: Arc::clone(&emulator),
            timeline: Arc::clone(&timeline),
            shared: Arc::clone(&shared),
            asked: AtomicU64::new(0),
        };
        let credentials = Credentials::bearer_from(move || provider.token());
        Self::new("bearer", emulator, &credentials, timeline, shared, None)
    }

    fn new(
        name: &'static str,
        emulator: Arc<Emulator>,
        credentials: &Credentials,
        timeline: Arc<Timeline>,
        shared: Arc<SharedCancel>,
        proxy: Option<Proxy>,
    ) -> Self {
        let redirect = Arc::<AtomicBool>::default();
        let events = Arc::<Events>::default();
        redirect_requests(&emulator, &redirect);
        let builder = || {
            let builder = Client::builder(credentials.clone())
                .base_url(emulator.url())
                .root_certificates_pem(emulator.ca_pem());
            match &proxy {
                Some(proxy) => builder.proxy(proxy.url()),
                None => builder.without_proxy().concurrency(8),
            }
        };
        let counted = Arc::clone(&events);
        let client = builder()
            .attempt_timeout(if proxy.is_some() {
                ATTEMPT_TIMEOUT_THROUGH_PROXY
            } else {
                ATTEMPT_TIMEOUT
            })
            .connect_timeout(CONNECT_TIMEOUT)
            .max_response_bytes(MAX_BODY)
            .on_event(move |event| counted.add(event));
        Self {
            name,
            client: client.build().unwrap(),
            patient: builder().build().unwrap(),
            emulator,
            timeline,
            shared,
            redirect,
            events,
            proxy: proxy.map(|proxy| Mutex::new(Some(proxy))),
        }
    }
}

impl Events {
    fn add(&self, event: &Event) {
        let counter = match event {
            Event::RequestSent { .. } => &self.requests,
            Event::Retrying { .. } => &self.retries,
            Event::RateLimitWait { .. } => &self.rate_limit_waits,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn api_key(emulator: &Emulator) -> Credentials {
    Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap()
}

/// Redirects a request whenever the flag is set.
///
/// The target keeps its parameters, so that the request still has the same response.
fn redirect_requests(emulator: &Emulator, flag: &Arc<AtomicBool>) {
    let flag = Arc::clone(flag);
    emulator.respond_with(move |request| {
        let is_redirected = request.target.contains("redirected=");
        if is_redirected || !flag.swap(false, Ordering::Relaxed) {
            return None;
        }
        let separator = if request.target.contains('?') {
            '&'
        } else {
            '?'
        };
        let location = format!("{}{separator}redirected=1", request.target);
        Some(Response::new(307).header("Location", &location))
    });
}

/// Provides tokens that die after some requests, takes its time, and fails now and then.
struct Provider {
    emulator: Arc<Emulator>,
    timeline: Arc<Timeline>,
    shared: Arc<SharedCancel>,
    asked: AtomicU64,
}

impl Provider {
    fn token(&self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut random = fastrand::Rng::with_seed(number);
        let failure = match number % 16 {
            5 => Some(("provider refused", io::ErrorKind::ConnectionRefused)),
            9 => Some(("provider timed out", io::ErrorKind::TimedOut)),
            13 => Some(("provider failed", io::ErrorKind::Other)),
            _ => None,
        };
        let name = failure.map_or("token died", |(name, _)| name);
        let activity = self.timeline.begin(name);
        thread::sleep(Duration::from_millis(random.u64(..30)));
        if random.bool() {
            // Other threads wait for this token.
            self.shared.fire();
            self.timeline.note("cancel while a token is requested");
            thread::sleep(Duration::from_millis(20));
        }
        let result = match failure {
            Some((_, kind)) => Err(io::Error::from(kind).into()),
            None => {
                let token = format!("{TOKEN}{number}");
                let requests = random.usize(100..250);
                self.emulator.add_bearer_token_for(&token, requests);
                Ok(token)
            }
        };
        // Otherwise the list of tokens would grow.
        let earlier = format!("{TOKEN}{}", number.saturating_sub(8));
        if number >= 8 {
            self.emulator.revoke_bearer_token(&earlier);
        }
        self.timeline.end(activity, true);
        result
    }
}
