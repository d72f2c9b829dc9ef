//! Tokens that are canceled at random moments, and the times at which that happened.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use confluent_metrics::CancelToken;

/// A token with the time of its cancel.
#[derive(Default)]
pub(crate) struct Cancel {
    token: CancelToken,
    /// The time shortly before the cancel.
    at: OnceLock<Instant>,
    /// The time shortly after the cancel.
    since: OnceLock<Instant>,
}

/// The token that the calls of a site share at the moment.
#[derive(Default)]
pub(crate) struct SharedCancel {
    current: Mutex<Arc<Cancel>>,
}

/// A token of one call, and the time at which to cancel it.
pub(crate) struct PlannedCancel {
    pub(crate) cancel: Arc<Cancel>,
    pub(crate) due: Instant,
}

impl Cancel {
    pub(crate) const fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Returns the time shortly before the cancel, if there was one.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at.get().copied()
    }

    /// Returns if the cancel was over at a time.
    pub(crate) fn is_before(&self, time: Instant) -> bool {
        self.since.get().is_some_and(|since| *since <= time)
    }

    fn fire(&self) {
        self.at.get_or_init(Instant::now);
        self.token.cancel();
        self.since.get_or_init(Instant::now);
    }
}

impl SharedCancel {
    pub(crate) fn current(&self) -> Arc<Cancel> {
        Arc::clone(&self.current.lock().unwrap())
    }

    /// Cancels all calls with the current token. Later calls share another one.
    pub(crate) fn fire(&self) {
        let earlier = std::mem::take(&mut *self.current.lock().unwrap());
        earlier.fire();
    }
}

/// Cancels the tokens of calls when they are due, until nobody plans a cancel any more.
///
/// The thread of a call is blocked in it, so another one has to cancel it.
pub(crate) fn fire_planned(receiver: &Receiver<PlannedCancel>) {
    let mut planned: Vec<PlannedCancel> = Vec::new();
    loop {
        match receiver.recv_timeout(Duration::from_millis(1)) {
            Ok(one) => planned.push(one),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = Instant::now();
        planned.retain(|one| {
            if one.due <= now {
                one.cancel.fire();
            }
            one.due > now
        });
    }
}
