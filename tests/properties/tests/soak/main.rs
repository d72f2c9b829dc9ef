//! Soak test: sixteen threads call every operation of three clients, while everything around them
//! is disturbed. Every call ends in time, with the right result or with an error that fits.
//!
//! - [`site`]: three emulators with rate limits, each with a client: direct, through a proxy, and
//!   with bearer tokens that die.
//! - [`operations`]: [`queries`], [`lists`], [`exports`] and [`checks`]. An [`answer`] is compared
//!   with the raw points in [`truth`], or with the result before anything was disturbed.
//! - [`disturbances`] and [`cancels`]: faults at every layer, steps of the clock, restarts of the
//!   proxy, an emulator that refuses connections, page tokens that expire, and cancels. Each site
//!   has a [`timeline`] of what was active when.
//! - [`judge`]: compares time and error of a call with its deadline, its cancels and the timeline.
//! - [`usage`]: memory, files and threads at the end of each round, when no call is left.
//!
//! A run takes ten seconds and allows for a busy machine. With `SOAK_SECONDS`, it takes that many
//! seconds and is strict: see [`Tolerance`].

mod answer;
mod cancels;
mod checks;
mod disturbances;
mod exports;
mod judge;
mod lists;
mod operations;
mod queries;
mod site;
mod timeline;
mod truth;
mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::answer::Subject;
use crate::cancels::{Cancel, PlannedCancel, fire_planned};
use crate::judge::{Limits, Tally, Tolerance};
use crate::operations::OPERATIONS;
use crate::site::{Events, Site, sites};
use crate::truth::Truth;
use crate::usage::{CALLER, Usage, remaining_callers};

const THREADS: usize = 16;
const DEADLINE: Duration = Duration::from_secs(5);
/// The time after which a call hangs, on any machine.
pub(crate) const HANG: Duration = Duration::from_secs(60);
const WATCH_EVERY: Duration = Duration::from_millis(10);
/// Growth that is no leak: connections and threads differ from moment to moment.
const SPARE_MEMORY: usize = 16 << 20;
const SPARE_FILES: usize = 64;
const SPARE_THREADS: usize = 32;

/// What the threads share.
struct Soak<'a> {
    sites: &'a [Site],
    subjects: &'a [Subject<'a>],
    tally: Mutex<Tally>,
    tolerance: Tolerance,
    /// The start of the current call of each thread.
    running: [Mutex<Option<Instant>>; THREADS],
    /// The longest time in microseconds by which the machine let a thread sleep too long.
    longest_pause: AtomicUsize,
}

impl Soak<'_> {
    /// Runs the callers and all disturbances for some time, and waits for the end of every call.
    fn run_round(&self, seed: u64, time: Duration) {
        let stop = AtomicBool::new(false);
        let are_calls_over = AtomicBool::new(false);
        let (planner, due_cancels) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || fire_planned(&due_cancels));
            scope.spawn(|| self.watch(&are_calls_over));
            for (index, site) in self.sites.iter().enumerate() {
                let seed = seed + 1_000 + index as u64;
                let stop = &stop;
                scope.spawn(move || {
                    disturbances::inject_faults(site, stop, &mut Rng::with_seed(seed));
                });
                scope.spawn(move || disturbances::disturb(site, stop, &mut Rng::with_seed(!seed)));
            }
            let mut callers = Vec::new();
            for index in 0..THREADS {
                let planner = planner.clone();
                let mut random = Rng::with_seed(seed + index as u64);
                let stop = &stop;
                let caller = thread::Builder::new().name(CALLER.to_owned());
                let caller = caller.spawn_scoped(scope, move || {
                    while !stop.load(Ordering::Relaxed) {
                        self.call(index, &planner, &mut random);
                    }
                });
                callers.push(caller.unwrap());
            }
            drop(planner);
            thread::sleep(time);
            stop.store(true, Ordering::Relaxed);
            let mut panics = 0;
            for caller in callers {
                panics += usize::from(caller.join().is_err());
            }
            are_calls_over.store(true, Ordering::Relaxed);
            assert_eq!(panics, 0, "a call panics");
        });
    }

    /// Makes one call, with random limits.
    fn call(&self, thread: usize, planner: &Sender<PlannedCancel>, random: &mut Rng) {
        let index = [0, 0, 1, 2][random.usize(..4)];
        let site = &self.sites[index];
        let mut limits = Limits {
            began: Instant::now(),
            deadline: DEADLINE,
            cancels: Vec::new(),
            rejected: site.emulator.rate_limited(),
        };
        if random.u8(..8) == 0 {
            limits.deadline = Duration::from_millis(random.u64(20..2_000));
        }
        if random.u8(..3) == 0 {
            limits.cancels.push(site.shared.current());
        }
        if random.u8(..6) == 0 {
            let cancel = Arc::<Cancel>::default();
            limits.cancels.push(Arc::clone(&cancel));
            let due = Instant::now() + Duration::from_millis(random.u64(..600));
            planner.send(PlannedCancel { cancel, due }).unwrap();
            site.timeline.note("cancel of one call");
        }
        let mut client = site.client.with_deadline(limits.deadline);
        for cancel in &limits.cancels {
            client = client.with_cancel(cancel.token());
        }
        let operation = OPERATIONS[random.usize(..OPERATIONS.len())];
        *self.running[thread].lock().unwrap() = Some(Instant::now());
        let answers = operation(&client, &self.subjects[index], random);
        *self.running[thread].lock().unwrap() = None;
        for answer in &answers {
            let mut tally = self.tally.lock().unwrap();
            tally.count(answer, site, &limits, self.tolerance);
        }
    }

    /// Ends the process if a call hangs, since nothing else can end it.
    fn watch(&self, are_calls_over: &AtomicBool) {
        while !are_calls_over.load(Ordering::Relaxed) {
            let slept = Instant::now();
            thread::sleep(WATCH_EVERY);
            let pause = slept.elapsed().saturating_sub(WATCH_EVERY);
            self.longest_pause
                .fetch_max(pause.as_micros() as usize, Ordering::Relaxed);
            for running in &self.running {
                let began = *running.lock().unwrap();
                // An iterator has a deadline for each of its pages.
                if began.is_some_and(|began| began.elapsed() > HANG + 10 * DEADLINE) {
                    eprintln!("a call hangs");
                    std::process::exit(1);
                }
            }
        }
    }
}

#[test]
fn every_call_ends_in_time_with_the_right_result_or_an_error_that_fits() {
    let requested: Option<u64> = env::var("SOAK_SECONDS")
        .ok()
        .map(|seconds| seconds.parse().unwrap());
    let seconds = requested.unwrap_or(10);
    let (rounds, tolerance) = if requested.is_some() {
        (8, Tolerance::STRICT)
    } else {
        (2, Tolerance::BUSY_MACHINE)
    };
    let now = truth::now();
    let length = i64::try_from(seconds).unwrap();
    let sites = sites(now, length);
    let truth = Truth::read(&sites[0].emulator, now, length);
    for site in &sites {
        assert!(Truth::read(&site.emulator, now, length) == truth);
    }
    let subjects = sites
        .each_ref()
        .map(|site| Subject::new(&site.patient, &truth));
    let soak = Soak {
        sites: &sites,
        subjects: &subjects,
        tally: Mutex::default(),
        tolerance,
        running: Default::default(),
        longest_pause: AtomicUsize::new(0),
    };
    let mut usages = Vec::new();
    for round in 0..rounds {
        soak.run_round(round * 10_000, Duration::from_secs(seconds) / rounds as u32);
        assert_eq!(remaining_callers(HANG), 0, "a thread outlives its call");
        usages.push(Usage::now());
    }
    report(&soak, seconds, &usages);
    let tally = soak.tally.into_inner().unwrap();
    assert!(tally.wrong.is_empty() && tally.late.is_empty());
    // A stampede would cause one for each thread and second. A request that a call has given up may
    // be counted late, in the next window.
    let rejected: usize = sites.iter().map(|site| site.emulator.rate_limited()).sum();
    let most = match requested {
        Some(_) => THREADS + length as usize / 8,
        None => THREADS * length as usize / 4,
    };
    assert!(rejected < most, "the threads stampede after a reset");
    let is_seen = |(right, errors): &(usize, usize)| *right > 0 && *errors > 0;
    let any = tally.operations.values().any(is_seen);
    assert!(any, "some results were right, and some errors fit");
    // A shorter run has not reached its level in the second quarter.
    if seconds >= 60 && requested.is_some() {
        let all = tally.operations.values().all(is_seen);
        assert!(all, "that holds for every operation");
        let counts = disturbance_counts(&sites);
        let happened: BTreeSet<&str> = counts.into_keys().collect();
        assert_eq!(happened, disturbances::names());
        let second = usages[2].max(usages[3]);
        let last = usages[6].max(usages[7]);
        assert!(last.memory <= second.memory + SPARE_MEMORY, "memory grows");
        assert!(last.files <= second.files + SPARE_FILES, "files stay open");
        assert!(
            last.threads <= second.threads + SPARE_THREADS,
            "threads stay"
        );
    }
}

/// Returns the number of times that each disturbance happened.
fn disturbance_counts(sites: &[Site]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for site in sites {
        for (name, count) in site.timeline.counts() {
            *counts.entry(name).or_default() += count;
        }
    }
    counts
}

/// Prints one line on the calls, and then what they were and what disturbed them.
fn report(soak: &Soak<'_>, seconds: u64, usages: &[Usage]) {
    let tally = soak.tally.lock().unwrap();
    let right: usize = tally.operations.values().map(|(right, _)| right).sum();
    let errors: usize = tally.operations.values().map(|(_, errors)| errors).sum();
    let level = |of: fn(&Usage) -> usize| {
        let values: Vec<String> = usages.iter().map(|usage| of(usage).to_string()).collect();
        values.join(" ")
    };
    for problem in tally.wrong.iter().chain(&tally.late).take(20) {
        println!("{problem}");
    }
    let running = soak.running.iter();
    let hanging = running
        .filter(|running| running.lock().unwrap().is_some())
        .count();
    println!(
        "soak of {seconds} s: {right} right, {errors} errors that fit, {} wrong, {} late, \
         {hanging} hanging; \
         longest {:?} after a deadline, {:?} after a cancel; \
         rounds: {} MB of memory, {} open files, {} threads",
        tally.wrong.len(),
        tally.late.len(),
        tally.longest_after_deadline,
        tally.longest_after_cancel,
        level(|usage| usage.memory >> 20),
        level(|usage| usage.files),
        level(|usage| usage.threads),
    );
    println!("operations (right, errors): {:?}", tally.operations);
    println!("errors: {:?}", tally.kinds);
    let pause = soak.longest_pause.load(Ordering::Relaxed) / 1000;
    println!("machine: a thread slept at most {pause} ms too long");
    let disturbances = disturbance_counts(soak.sites);
    for site in soak.sites {
        let count = |of: fn(&Events) -> &AtomicUsize| of(&site.events).load(Ordering::Relaxed);
        println!(
            "{}: {} requests, {} retries, {} waits for a rate limit, {} requests beyond one",
            site.name,
            count(|events| &events.requests),
            count(|events| &events.retries),
            count(|events| &events.rate_limit_waits),
            site.emulator.rate_limited(),
        );
    }
    println!("disturbances: {disturbances:?}");
}
