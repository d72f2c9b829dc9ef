//! The state behind the responses.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Settings;
use crate::credentials::BearerTokens;
use crate::demo::Organization;
use crate::format::rfc3339;
use crate::rate_limiter::RateLimiter;
use crate::responder::Responder;
use crate::store::{Store, Visible};
use crate::token::Tokens;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) limiter: Option<RateLimiter>,
    pub(crate) store: Store,
    pub(crate) bearer_tokens: BearerTokens,
    /// Page tokens.
    pub(crate) tokens: Tokens,
    pub(crate) responder: Responder,
    url: String,
    /// A fixed time in seconds. `None` is the system's clock.
    clock: Mutex<Option<i64>>,
    /// Seconds between `Date` and the clock. `None` sends no `Date`.
    date_offset: Mutex<Option<i64>>,
    page_cap: AtomicUsize,
}

impl State {
    pub(crate) fn new(settings: Settings, url: String) -> Self {
        let organization = Organization::new(settings.topics, &settings.clusters);
        Self {
            limiter: RateLimiter::new(&settings.limits),
            store: Store::new(organization, settings.demo),
            bearer_tokens: BearerTokens::default(),
            tokens: Tokens::default(),
            responder: Responder::default(),
            url,
            clock: Mutex::new(settings.clock),
            date_offset: Mutex::new(settings.date_offset),
            page_cap: AtomicUsize::new(settings.page_cap),
            settings,
        }
    }

    /// Returns the base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the service's time in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let fixed = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        fixed.unwrap_or_else(|| {
            let since_epoch = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
        })
    }

    /// Returns the service's time in milliseconds since 1970.
    pub(crate) fn now_millis(&self) -> i64 {
        rfc3339::from_seconds(self.now())
    }

    pub(crate) fn set_clock(&self, seconds: i64) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(seconds);
    }

    /// Returns the time of the `Date` header in milliseconds since 1970, if there is a header.
    pub(crate) fn date_millis(&self) -> Option<i64> {
        let offset = *self.lock_date_offset();
        Some(rfc3339::from_seconds(self.now().saturating_add(offset?)))
    }

    pub(crate) fn set_date_offset(&self, seconds: i64) {
        *self.lock_date_offset() = Some(seconds);
    }

    /// Returns the minutes of demo data that are visible now.
    pub(crate) fn visible(&self) -> Visible {
        Visible::at(self.now_millis())
    }

    pub(crate) fn set_page_cap(&self, items: usize) {
        self.page_cap.store(items, Ordering::Relaxed);
    }

    /// Returns the size of a page, given the limit of the request.
    pub(crate) fn page_size(&self, limit: usize) -> usize {
        match self.page_cap.load(Ordering::Relaxed) {
            0 => limit,
            cap => cap.min(limit),
        }
    }

    fn lock_date_offset(&self) -> MutexGuard<'_, Option<i64>> {
        self.date_offset
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
