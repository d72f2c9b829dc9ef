//! Tokens that cancel calls from another thread.
//!
//! A call that computes or waits looks at its tokens. A call that is blocked in the system cannot,
//! so it registers a [`CancelHook`], which ends what it is blocked in.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Cancels the calls of a client from another thread, such as on a signal.
///
/// Pass it to [`Client::with_cancel`](crate::Client::with_cancel). After [`cancel`](Self::cancel),
/// every call of that client fails with [`Cancelled`](crate::ErrorKind::Cancelled): a running one
/// at once, a later one before it sends anything.
///
/// A clone is the same token. A token cannot be reset: use a new one with
/// `with_cancel` instead.
///
/// # Example
///
/// ```
/// use std::thread;
///
/// use confluent_metrics::{CancelToken, ErrorKind};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let token = CancelToken::new();
/// let cancelable = client.with_cancel(&token);
/// thread::spawn(move || token.cancel()).join().unwrap();
/// let error = cancelable.metric_descriptors().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// // The client itself has no token, and goes on.
/// client.metric_descriptors()?;
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelToken {
    /// The state that clones share.
    shared: Arc<Shared>,
}

/// The state of a token.
#[derive(Default)]
struct Shared {
    /// True after the first `cancel`. It never becomes false again.
    is_cancelled: AtomicBool,
    /// The hooks of running calls. A dead one is removed by the next registration.
    hooks: Mutex<Vec<Weak<dyn CancelHook>>>,
    /// Wakes the threads in [`CancelToken::wait_timeout`], which wait with the lock of the hooks.
    cancelled: Condvar,
}

/// Ends what a call is blocked in.
pub(crate) trait CancelHook: Send + Sync {
    /// Runs once or several times, on the thread that cancels.
    fn cancel(&self);
}

impl CancelToken {
    /// Creates a token that is not canceled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels every call of the clients that have this token.
    ///
    /// It does not wait for the calls to return. They return within 250 ms, whatever they wait
    /// for. A second call has no effect.
    ///
    /// A signal handler must not call it, because it takes a lock. A thread that waits for the
    /// signal may.
    ///
    /// ```
    /// use confluent_metrics::CancelToken;
    ///
    /// let token = CancelToken::new();
    /// token.clone().cancel();
    /// assert!(token.is_cancelled());
    /// ```
    #[doc(alias = "abort")]
    #[doc(alias = "shutdown")]
    pub fn cancel(&self) {
        self.shared.is_cancelled.store(true, Ordering::SeqCst);
        let hooks = std::mem::take(&mut *self.hooks());
        // After the lock: a thread that has seen the flag unset is waiting by now.
        self.shared.cancelled.notify_all();
        for hook in hooks {
            if let Some(hook) = hook.upgrade() {
                hook.cancel();
            }
        }
    }

    /// Returns true after [`cancel`](Self::cancel).
    ///
    /// ```
    /// use confluent_metrics::CancelToken;
    ///
    /// let token = CancelToken::new();
    /// while !token.is_cancelled() {
    ///     // Poll once.
    ///     token.cancel();
    /// }
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::SeqCst)
    }

    /// Waits for `duration`, or until the token is canceled. Returns true if it is canceled.
    ///
    /// Use it for the pause of a loop that has to end at once on a shutdown.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::CancelToken;
    ///
    /// let shutdown = CancelToken::new();
    /// let mut polls = 0;
    /// while !shutdown.wait_timeout(Duration::from_millis(10)) {
    ///     polls += 1;
    ///     if polls == 3 {
    ///         shutdown.cancel();
    ///     }
    /// }
    /// assert_eq!(polls, 3);
    /// ```
    #[doc(alias = "sleep")]
    pub fn wait_timeout(&self, duration: Duration) -> bool {
        let waited = self
            .shared
            .cancelled
            .wait_timeout_while(self.hooks(), duration, |_| !self.is_cancelled());
        drop(waited);
        self.is_cancelled()
    }

    /// Registers a hook that `cancel` calls, or calls it at once if the token is canceled.
    pub(crate) fn register(&self, hook: &Arc<dyn CancelHook>) {
        let mut hooks = self.hooks();
        hooks.retain(|hook| hook.strong_count() > 0);
        hooks.push(Arc::downgrade(hook));
        drop(hooks);
        // After the push: a `cancel` that has not seen the hook has set the flag before.
        if self.is_cancelled() {
            hook.cancel();
        }
    }

    /// Locks the hooks. A panic cannot leave them inconsistent, so a poisoned lock is no error.
    fn hooks(&self) -> MutexGuard<'_, Vec<Weak<dyn CancelHook>>> {
        self.shared
            .hooks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("is_cancelled", &self.is_cancelled())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl CancelHook for Count {
        fn cancel(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_cancel_wakes_every_thread_that_waits_for_it() {
        let token = CancelToken::new();
        assert!(!token.wait_timeout(Duration::from_millis(1)));
        let hour = Duration::from_secs(3600);
        std::thread::scope(|scope| {
            let waits = [(); 4].map(|()| scope.spawn(|| token.wait_timeout(hour)));
            std::thread::sleep(Duration::from_millis(50));
            token.clone().cancel();
            for wait in waits {
                assert!(wait.join().unwrap());
            }
        });
        assert!(token.wait_timeout(hour));
    }

    #[test]
    fn hooks_are_called_whether_they_are_registered_before_or_after() {
        let token = CancelToken::new();
        let dropped: Arc<dyn CancelHook> = Arc::new(Count::default());
        token.register(&dropped);
        drop(dropped);
        let early = Arc::new(Count::default());
        token.register(&(early.clone() as Arc<dyn CancelHook>));
        assert_eq!(token.hooks().len(), 1);
        assert_eq!(early.0.load(Ordering::SeqCst), 0);
        token.cancel();
        token.cancel();
        assert_eq!(early.0.load(Ordering::SeqCst), 1);
        let late = Arc::new(Count::default());
        token.register(&(late.clone() as Arc<dyn CancelHook>));
        assert_eq!(late.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn every_hook_that_still_exists_is_called() {
        let token = CancelToken::new();
        let hooks = [(); 3].map(|()| Arc::new(Count::default()));
        for hook in &hooks {
            token.register(&(hook.clone() as Arc<dyn CancelHook>));
        }
        token.cancel();
        assert!(hooks.iter().all(|hook| hook.0.load(Ordering::SeqCst) == 1));
    }
}
