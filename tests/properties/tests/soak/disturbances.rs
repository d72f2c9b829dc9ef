//! What goes wrong at a site: faults one after the other, and now and then something larger.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use confluent_metrics_emulator::{Fault, Proxy, ProxyBehavior};
use fastrand::Rng;

use crate::site::Site;

/// A fault that changes a result without an error, one that keeps a thread of the emulator, and
/// some that are added in another form.
const LEFT_OUT: [&str; 5] = [
    "null_values",
    "stop_reading",
    "redirect",
    "bad_json",
    "extra_members",
];

/// The faults that wait for a new connection.
const OF_CONNECTIONS: [&str; 5] = [
    "stall_handshake",
    "close_connection",
    "reset_connection",
    "not_tls",
    "tls_alert",
];

/// The name of the shift of `Date`, and that of the time in which every response has it.
pub(crate) const CLOCK_STEP: &str = "clock step";
pub(crate) const CLOCK_IS_OFF: &str = "clock is off";
pub(crate) const TOKENS_EXPIRED: &str = "page tokens expired";

/// The longest time that a fault waits for a request that it applies to.
const PATIENCE: Duration = Duration::from_millis(500);

/// The disturbances that are not faults of the emulator.
const OTHERS: [&str; 13] = [
    CLOCK_STEP,
    TOKENS_EXPIRED,
    "redirect",
    "connections refused",
    "restart",
    "proxy restart",
    "shared cancel",
    "cancel of one call",
    "cancel while a token is requested",
    "token died",
    "provider refused",
    "provider timed out",
    "provider failed",
];

/// Returns the names of all disturbances.
pub(crate) fn names() -> BTreeSet<&'static str> {
    let faults = faults().into_iter().map(|(name, _)| name);
    faults.chain(OTHERS).collect()
}

/// Returns the faults with their names.
fn faults() -> Vec<(&'static str, Fault)> {
    let mut faults = Fault::all_samples();
    faults.retain(|(name, _)| !LEFT_OUT.contains(name));
    let real = Fault::real_response;
    // A text that lacks its end may still be valid, and a target group may have more labels.
    for path in ["/query", "/attributes", "/descriptors"] {
        faults.push(("bad_json", real().bad_json().matching(path)));
        faults.push(("extra_members", real().extra_members().matching(path)));
    }
    for bytes in (0..700).step_by(100) {
        faults.push(("cut_body_after", real().cut_body_after(bytes)));
    }
    let elsewhere = real().redirect(307, "https://elsewhere.example/");
    let retry_later = Fault::status(503).header("Retry-After", "1").chunked();
    faults.push(("redirect elsewhere", elsewhere));
    faults.push(("status 503, retry later", retry_later));
    faults.push(("status 408", Fault::status(408)));
    faults
}

/// Injects faults one after the other, so that the calls that may meet each of them are known.
///
/// About one request in five meets one.
pub(crate) fn inject_faults(site: &Site, stop: &AtomicBool, random: &mut Rng) {
    let faults = faults();
    while !stop.load(Ordering::Relaxed) {
        if random.u8(..16) == 0 {
            redirect(site, stop);
            continue;
        }
        let (name, fault) = faults[random.usize(..faults.len())].clone();
        let skipped = if OF_CONNECTIONS.contains(&name) {
            random.usize(..2)
        } else {
            random.usize(..9)
        };
        let activity = site.timeline.begin(name);
        site.emulator.fault(fault.skip(skipped));
        let has_happened = wait_for(stop, || site.emulator.faults_left() == 0);
        site.emulator.clear_faults();
        site.timeline.end(activity, has_happened);
    }
}

/// Redirects one request.
fn redirect(site: &Site, stop: &AtomicBool) {
    let activity = site.timeline.begin("redirect");
    site.redirect.store(true, Ordering::Relaxed);
    let has_happened = wait_for(stop, || !site.redirect.load(Ordering::Relaxed));
    site.redirect.store(false, Ordering::Relaxed);
    site.timeline.end(activity, has_happened);
}

fn wait_for(stop: &AtomicBool, condition: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() > PATIENCE || stop.load(Ordering::Relaxed) {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Disturbs a site as a whole: its clock, its port, its proxy, its tokens and its callers.
pub(crate) fn disturb(site: &Site, stop: &AtomicBool, random: &mut Rng) {
    while !stop.load(Ordering::Relaxed) {
        pause(random, 100..800);
        // Otherwise the list would grow.
        site.emulator.clear_requests();
        match random.u8(..5) {
            0 => step_clock(site, random),
            1 => restart_emulator(site, random),
            2 => {
                let activity = site.timeline.begin(TOKENS_EXPIRED);
                site.emulator.expire_tokens();
                site.timeline.end(activity, true);
            }
            3 => {
                site.timeline.note("shared cancel");
                site.shared.fire();
            }
            _ => restart_proxy(site, random),
        }
    }
}

fn pause(random: &mut Rng, milliseconds: std::ops::Range<u64>) {
    thread::sleep(Duration::from_millis(random.u64(milliseconds)));
}

/// Shifts the `Date` of all responses by minutes, and back.
fn step_clock(site: &Site, random: &mut Rng) {
    let minutes = random.i64(2..15) * if random.bool() { 1 } else { -1 };
    let step = site.timeline.begin(CLOCK_STEP);
    site.emulator.date_offset(minutes * 60);
    let is_off = site.timeline.begin(CLOCK_IS_OFF);
    pause(random, 200..1500);
    site.timeline.end(is_off, false);
    site.emulator.date_offset(0);
    site.timeline.end(step, true);
}

/// Gives up the port of the emulator for a while. Open connections end as well, or stay open.
fn restart_emulator(site: &Site, random: &mut Rng) {
    let is_restart = random.bool();
    let name = if is_restart {
        "restart"
    } else {
        "connections refused"
    };
    let activity = site.timeline.begin(name);
    site.emulator.refuse_connections(true);
    if is_restart {
        site.emulator.close_connections();
    }
    pause(random, 20..600);
    site.emulator.refuse_connections(false);
    site.timeline.end(activity, true);
}

/// Stops the proxy with all of its tunnels, and starts it again on the same port.
fn restart_proxy(site: &Site, random: &mut Rng) {
    let Some(proxy) = &site.proxy else { return };
    let activity = site.timeline.begin("proxy restart");
    let mut proxy = proxy.lock().unwrap();
    if let Some(earlier) = proxy.take() {
        let port = earlier.port();
        drop(earlier);
        pause(random, 0..400);
        *proxy = Some(Proxy::start_on_port(port, ProxyBehavior::Open));
    }
    site.timeline.end(activity, true);
}
