//! Bearer tokens that the caller's own function provides.
//!
//! The function is asked before the first request, and whenever the service has rejected the
//! latest token. One thread asks, the others wait for the token that it gets:
//!
//! ```text
//! thread 1   sends token 1   401   asks the provider   sends token 2
//! thread 2   sends token 1   401   waits               sends token 2
//! thread 3   sends token 1         401                 sends token 2
//! ```
//!
//! Tokens are numbered in the order of their arrival. Thread 3 does not ask, because the latest
//! token is newer than the one that the service has rejected.

use std::error::Error as StdError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::error::Error;
use crate::time::deadline::Deadline;
use crate::transport::authorization::Authorization;
use crate::transport::redact::Redactor;

/// The function of the caller.
type Provide = dyn Fn() -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync;

/// Asks a function for tokens, and keeps the latest one for all threads.
pub(crate) struct TokenProvider {
    /// Called without the lock, because it may take long or panic.
    provide: Box<Provide>,
    state: Mutex<State>,
    /// Notified when the function has returned or panicked.
    asked: Condvar,
}

/// The tokens so far, and the thread that asks for the next one.
#[derive(Default)]
struct State {
    /// The tokens that a response may echo, with the latest one last.
    recent: Vec<Arc<Authorization>>,
    /// Removes all of `recent` from text.
    redactor: Arc<Redactor>,
    /// The number of tokens so far.
    count: u64,
    /// The thread that asks now, if one does.
    asking: Option<ThreadId>,
    /// The failure of the latest call of the function.
    failure: Option<TokenFailure>,
}

/// The token of a request that the service has rejected, if there was one.
#[derive(Debug, Default)]
pub(crate) struct RejectedToken {
    /// The generation of the latest token that the service has rejected.
    pub(crate) generation: Option<u64>,
    /// True if the provider was asked for another token since then.
    ///
    /// A token that another thread has got before may be as old as the rejected one.
    pub(crate) is_replaced: bool,
}

/// The reason for which there is no token.
#[derive(Clone)]
pub(crate) enum TokenFailure {
    /// The function has returned this error. All threads that waited for it share it.
    Provider(Arc<dyn StdError + Send + Sync>),
    /// The function has returned a token that no header can contain.
    Invalid(Arc<Error>),
    /// The function has used a client with these credentials, which would wait for itself.
    Reentrant,
    /// The call was canceled or ran past its deadline before the function was called.
    Interrupted,
}

/// Ends the time in which a thread asks, also if the function panics.
struct Asking<'a> {
    provider: &'a TokenProvider,
}

/// The number of tokens that are redacted after their last request has ended.
///
/// A response may echo an earlier token, and the pages of a query are decoded after their request.
const MIN_RECENT: usize = 8;

impl TokenProvider {
    pub(crate) fn new(provide: Box<Provide>) -> Self {
        Self {
            provide,
            state: Mutex::default(),
            asked: Condvar::new(),
        }
    }

    /// Returns the latest token, or asks for one if it is not newer than the rejected one.
    ///
    /// Waits while another thread asks, and shares the result.
    pub(crate) fn token(
        &self,
        rejected: &mut RejectedToken,
        deadline: &Deadline,
    ) -> Result<Arc<Authorization>, TokenFailure> {
        let mut has_waited = false;
        let mut state = self.lock();
        loop {
            if let Some(token) = state.newer_than(rejected.generation) {
                rejected.is_replaced |= has_waited && rejected.generation.is_some();
                return Ok(token);
            }
            let Some(asking) = state.asking else {
                break;
            };
            // The function has called back. Nothing but the deadline would end the wait.
            if asking == thread::current().id() {
                return Err(TokenFailure::Reentrant);
            }
            let Some(left) = deadline.remaining() else {
                return Err(TokenFailure::Interrupted);
            };
            has_waited = true;
            state = self
                .asked
                .wait_timeout(state, deadline.wait_slice(left))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        // Otherwise each of many threads would wait for the same timeout, one after the other.
        if let (true, Some(failure)) = (has_waited, &state.failure) {
            return Err(failure.clone());
        }
        // The function cannot be interrupted, so a call that has ended must not start it.
        if deadline.remaining().is_none() {
            return Err(TokenFailure::Interrupted);
        }
        state.asking = Some(thread::current().id());
        state.failure = None;
        drop(state);
        let token = self.ask()?;
        rejected.is_replaced |= rejected.generation.is_some();
        Ok(token)
    }

    /// Returns the latest token, if there is one.
    pub(crate) fn latest(&self) -> Option<Arc<Authorization>> {
        self.lock().newer_than(None)
    }

    /// Returns the redactor of all tokens that a response may echo.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.lock().redactor)
    }

    /// Calls the function. Only one thread at a time does that.
    fn ask(&self) -> Result<Arc<Authorization>, TokenFailure> {
        let asking = Asking { provider: self };
        let provided = (self.provide)();
        let mut state = self.lock();
        let result = match provided {
            Ok(token) => state.add(&token),
            Err(source) => Err(TokenFailure::Provider(Arc::from(source))),
        };
        state.failure = result.as_ref().err().cloned();
        drop(state);
        drop(asking);
        result
    }

    /// Locks the state, even if another thread panicked with the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two dependent changes, so a poisoned state is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn newer_than(&self, rejected: Option<u64>) -> Option<Arc<Authorization>> {
        let latest = self.recent.last()?;
        let is_newer = rejected.is_none_or(|rejected| latest.generation() > rejected);
        is_newer.then(|| Arc::clone(latest))
    }

    /// Adds a token as the latest one.
    fn add(&mut self, token: &str) -> Result<Arc<Authorization>, TokenFailure> {
        self.count += 1;
        let added = match Authorization::bearer(token, self.count) {
            Ok(added) => Arc::new(added),
            Err(error) => return Err(TokenFailure::Invalid(Arc::new(error))),
        };
        let mut kept = Vec::new();
        for (age, earlier) in self.recent.iter().rev().enumerate() {
            // A request that is still on its way holds its token.
            if age + 1 < MIN_RECENT || Arc::strong_count(earlier) > 1 {
                kept.push(Arc::clone(earlier));
            }
        }
        kept.reverse();
        kept.push(Arc::clone(&added));
        self.redactor = Arc::new(Redactor::union(kept.iter().map(|token| token.redactor())));
        self.recent = kept;
        Ok(added)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.provider.lock().asking = None;
        self.provider.asked.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn numbered() -> TokenProvider {
        let count = AtomicUsize::new(0);
        TokenProvider::new(Box::new(move || {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(format!("provided-token-{number}"))
        }))
    }

    /// Returns the header of a request, and true if the provider was asked for a replacement.
    fn header_and_fate(provider: &TokenProvider, generation: Option<u64>) -> (String, bool) {
        let mut rejected = RejectedToken {
            generation,
            is_replaced: false,
        };
        let token = provider.token(&mut rejected, &Deadline::never());
        let header = token.map_or_else(|_| "failed".into(), |token| token.header().to_owned());
        (header, rejected.is_replaced)
    }

    fn header(provider: &TokenProvider, generation: Option<u64>) -> String {
        header_and_fate(provider, generation).0
    }

    #[test]
    fn a_token_is_asked_for_only_if_the_latest_one_was_rejected() {
        let provider = numbered();
        assert!(provider.latest().is_none());
        for (rejected, number, is_replaced) in [
            (None, 1, false),
            (None, 1, false),
            (Some(1), 2, true),
            // The second token may be old by now, so it is no replacement.
            (Some(1), 2, false),
            (Some(2), 3, true),
        ] {
            let header = format!("Bearer provided-token-{number}");
            assert_eq!(header_and_fate(&provider, rejected), (header, is_replaced));
        }
        assert_eq!(provider.latest().unwrap().generation(), 3);
    }

    #[test]
    fn recent_tokens_are_redacted_and_those_in_flight() {
        let provider = numbered();
        let in_flight = provider
            .token(&mut RejectedToken::default(), &Deadline::never())
            .ok()
            .unwrap();
        for number in 1..=20 {
            header(&provider, Some(number));
        }
        let shown = |number: usize| {
            let text = format!("-token-{number}.");
            provider.redactor().redact(&text).into_owned()
        };
        assert_eq!(shown(21), "***.");
        assert_eq!(shown(14), "***.");
        assert_eq!(provider.lock().recent.len(), 9);
        drop(in_flight);
        header(&provider, Some(21));
        assert_eq!(provider.lock().recent.len(), 8);
    }

    /// Returns the failures of five threads, of which the first asks before the others start.
    fn failures_of_five() -> Vec<String> {
        let count = AtomicUsize::new(0);
        let provider = TokenProvider::new(Box::new(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(50));
            Err(io::Error::other(format!("failure {number}")).into())
        }));
        let failure = || match provider.token(&mut RejectedToken::default(), &Deadline::never()) {
            Err(TokenFailure::Provider(source)) => source.to_string(),
            _ => panic!("expected an error of the provider"),
        };
        thread::scope(|scope| {
            let asking = scope.spawn(failure);
            while provider.lock().asking.is_none() {
                thread::yield_now();
            }
            let waiting: Vec<_> = (0..4).map(|_| scope.spawn(failure)).collect();
            let threads = std::iter::once(asking).chain(waiting);
            let mut failures: Vec<_> = threads.map(|thread| thread.join().unwrap()).collect();
            failures.push(failure());
            failures
        })
    }

    #[test]
    fn threads_that_wait_share_a_failure_and_the_next_one_asks_again() {
        // On a busy machine, a thread may start too late to wait.
        let shared = (0..100).map(|_| failures_of_five()).find(|failures| {
            let is_first = |failure: &&String| *failure == "failure 0";
            failures.iter().filter(is_first).count() == 5
        });
        assert_eq!(shared.unwrap()[5], "failure 1");
    }

    #[test]
    fn a_panic_reaches_its_thread_and_another_one_asks() {
        let count = AtomicUsize::new(0);
        let provider = TokenProvider::new(Box::new(move || {
            assert!(count.fetch_add(1, Ordering::Relaxed) > 0, "a bug");
            Ok("t".into())
        }));
        let result = catch_unwind(AssertUnwindSafe(|| header(&provider, None)));
        assert!(result.is_err());
        assert!(provider.lock().asking.is_none());
        assert_eq!(header(&provider, None), "Bearer t");
    }

    #[test]
    fn a_wait_ends_with_the_deadline() {
        let provider = numbered();
        let other = thread::spawn(|| thread::current().id());
        provider.lock().asking = other.join().ok();
        let deadline = Deadline::after(Duration::from_millis(20));
        let result = provider.token(&mut RejectedToken::default(), &deadline);
        assert!(matches!(result, Err(TokenFailure::Interrupted)));
    }
}
