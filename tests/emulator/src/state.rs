//! The state behind the answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Settings;
use crate::demo::Organisation;
use crate::format::rfc3339;
use crate::rate_limiter::Limiter;
use crate::store::{Store, Visible};
use crate::token::Tokens;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) store: Store,
    pub(crate) tokens: Tokens,
    url: String,
    /// A fixed time in seconds, or nothing for the system's.
    clock: Mutex<Option<i64>>,
    page_cap: AtomicUsize,
}

impl State {
    pub(crate) fn new(settings: Settings, url: String) -> Self {
        let organisation = Organisation::new(settings.topics, &settings.clusters);
        Self {
            limiter: Limiter::new(&settings.limits),
            store: Store::new(organisation, settings.demo),
            tokens: Tokens::default(),
            url,
            clock: Mutex::new(settings.clock),
            page_cap: AtomicUsize::new(settings.page_cap),
            settings,
        }
    }

    /// The base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The service's time in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let fixed = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        fixed.unwrap_or_else(|| {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }

    /// The same in milliseconds.
    pub(crate) fn now_millis(&self) -> i64 {
        rfc3339::from_seconds(self.now())
    }

    pub(crate) fn set_clock(&self, seconds: i64) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(seconds);
    }

    /// What can be seen now.
    pub(crate) fn visible(&self) -> Visible {
        Visible::at(self.now_millis())
    }

    pub(crate) fn set_page_cap(&self, items: usize) {
        self.page_cap.store(items, Ordering::Relaxed);
    }

    /// How many items a page may hold when so many are asked for.
    pub(crate) fn capped(&self, asked: usize) -> usize {
        match self.page_cap.load(Ordering::Relaxed) {
            0 => asked,
            cap => cap.min(asked),
        }
    }
}
