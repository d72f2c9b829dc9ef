//! Reports each window of a call that reads several windows at once.
//!
//! Windows end on any thread. Their events have counts that only grow, so they must not overtake
//! one another. The closure of the caller must not be called with a lock either. So one thread
//! reports at a time, and the others leave their events to it:
//!
//! ```text
//! thread 1   window 1 ends, event "1 of 3" ──────── event "2 of 3"
//! thread 2        window 2 ends, leaves its event
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::progress::Progress;
use crate::transport::event::{Event, EventListener, EventRequest};

/// Reports the windows of one call, for all of its queries together.
pub(crate) struct ProgressReporter<'a> {
    events: &'a EventListener,
    /// Locked to change the counts, never while an event is reported.
    state: Mutex<State>,
}

/// The counts, and the events that they lead to.
#[derive(Default)]
struct State {
    progress: Progress,
    /// The events that no thread has reported yet.
    waiting: VecDeque<(EventRequest, Progress)>,
    /// True while a thread reports an event. Then it reports those that wait, too.
    is_reporting: bool,
}

impl<'a> ProgressReporter<'a> {
    /// Creates the reporter of a call with a number of windows.
    pub(crate) fn new(windows: usize, events: &'a EventListener) -> Self {
        Self {
            events,
            state: Mutex::new(State {
                progress: Progress::of_windows(windows),
                ..State::default()
            }),
        }
    }

    /// Counts a window with what it has received, and reports it if a closure receives events.
    ///
    /// `last_request` is the last request of the window.
    pub(crate) fn window_done(&self, last_request: EventRequest, received: &Progress) {
        if !self.events.is_set() {
            return;
        }
        let mut state = self.lock();
        state.progress.add_window(received);
        let progress = state.progress;
        state.waiting.push_back((last_request, progress));
        if state.is_reporting {
            return;
        }
        // A panic of the closure leaves this set. It ends the call, and so the events.
        state.is_reporting = true;
        while let Some((request, progress)) = state.waiting.pop_front() {
            drop(state);
            self.events.emit(|| Event::WindowDone { request, progress });
            state = self.lock();
        }
        state.is_reporting = false;
    }

    /// Locks the state. A panic cannot leave it inconsistent, so a poisoned lock is no error.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
