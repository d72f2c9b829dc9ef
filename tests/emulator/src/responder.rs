//! The closure that replaces responses.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::request_log::Request;
use crate::response::Response;

type Closure = dyn Fn(&Request) -> Option<Response> + Send + Sync;

/// The closure of [`Emulator::respond_with`](crate::Emulator::respond_with), if there is one.
#[derive(Default)]
pub(crate) struct Responder {
    closure: Mutex<Option<Arc<Closure>>>,
}

impl Responder {
    pub(crate) fn set(
        &self,
        closure: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    ) {
        let mut current = self.closure.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::new(closure));
    }

    /// Calls the closure. `None` means the real response.
    pub(crate) fn respond(&self, request: &Request) -> Option<Response> {
        let current = self.closure.lock().unwrap_or_else(PoisonError::into_inner);
        let closure = current.clone()?;
        // Without the lock, so that requests are served side by side and a panic poisons nothing.
        drop(current);
        closure(request)
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Responder").finish_non_exhaustive()
    }
}
