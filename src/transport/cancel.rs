//! Ends what a canceled call is blocked in: its socket, or a wait for another thread.
//!
//! A read with short timeouts would look at the tokens as well. But a write that times out loses its
//! count, and on Windows a socket whose read has timed out is in an undefined state. So the thread
//! that cancels shuts the socket of the call down. That does not wake a blocked read on Windows, so
//! a [`Socket`](super::socket::Socket) does not block there.
//!
//! A socket outlives its call in the pool of ureq, and serves other calls later. One lock holds
//! which call uses which socket, so that a cancel never shuts down the socket of another call:
//!
//! ```text
//! RunningCalls::start         the call has no socket yet
//! RunningCalls::use_socket    a new socket, or one from the pool: no other call has it any more
//! RunningCall::release        the attempt has ended, and the socket may be in the pool
//! ```

use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::time::cancel::CancelHook;
use crate::time::deadline::Deadline;

/// The calls of a client that can be canceled, with the socket that each of them uses.
///
/// A clone shares the calls. Nobody waits or computes with the lock.
#[derive(Clone, Default)]
pub(crate) struct RunningCalls {
    /// One entry for each thread with a call. There are few, so a list is as fast as a map.
    entries: Arc<Mutex<Vec<Entry>>>,
}

/// A call that can be canceled, from its start on this thread until this is dropped.
pub(crate) struct RunningCall {
    /// The calls that this is one of.
    calls: RunningCalls,
    /// The key of the entry. The tokens of the call have a weak reference to it.
    ///
    /// `None` if nothing can cancel the call. Then it has no entry.
    hook: Option<Arc<Hook>>,
}

/// A call in the list.
struct Entry {
    /// Compared by address. An entry is removed before its hook is dropped.
    hook: Weak<Hook>,
    /// The thread of the call, because ureq does not tell which call a socket is for.
    thread: ThreadId,
    /// The deadline with the tokens of the call.
    deadline: Deadline,
    /// The socket that the call reads from or writes to.
    socket: Weak<TcpStream>,
}

/// Shuts down the socket of one call.
struct Hook {
    /// The calls with the entry of this one.
    calls: RunningCalls,
}

impl RunningCalls {
    /// Starts a call on this thread.
    pub(crate) fn start(&self, deadline: &Deadline) -> RunningCall {
        let mut entries = self.lock();
        // A closure of a call may start another one. Without an entry of its own, the other one
        // would be taken for the first.
        if deadline.tokens().is_empty() && find(&mut entries).is_none() {
            return RunningCall {
                calls: self.clone(),
                hook: None,
            };
        }
        let hook = Arc::new(Hook {
            calls: self.clone(),
        });
        entries.push(Entry {
            hook: Arc::downgrade(&hook),
            thread: thread::current().id(),
            deadline: deadline.clone(),
            socket: Weak::new(),
        });
        drop(entries);
        let registered: Arc<dyn CancelHook> = hook.clone();
        for token in deadline.tokens() {
            token.register(&registered);
        }
        RunningCall {
            calls: self.clone(),
            hook: Some(hook),
        }
    }

    /// Records that the call of this thread uses `socket`, and no other call does.
    ///
    /// Shuts the socket down if the call is canceled.
    pub(crate) fn use_socket(&self, socket: &Arc<TcpStream>) {
        let socket = Arc::downgrade(socket);
        let mut entries = self.lock();
        for entry in entries.iter_mut() {
            if entry.socket.ptr_eq(&socket) {
                entry.socket = Weak::new();
            }
        }
        if let Some(entry) = find(&mut entries) {
            entry.socket = socket;
            // A cancel that has not found this socket has set its token before.
            if entry.deadline.is_cancelled() {
                entry.shut_down();
            }
        }
    }

    /// Waits for a message for at most `timeout`.
    ///
    /// Returns `None` after that, if the call of this thread is canceled, and without a sender.
    pub(crate) fn receive<T>(&self, receiver: &Receiver<T>, timeout: Duration) -> Option<T> {
        let started = Instant::now();
        let deadline = find(&mut self.lock()).map(|entry| entry.deadline.clone());
        loop {
            let left = timeout.saturating_sub(started.elapsed());
            let slice = deadline
                .as_ref()
                .map_or(left, |deadline| deadline.wait_slice(left));
            match receiver.recv_timeout(slice) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Timeout) if slice < left && !self.is_cancelled() => {}
                Err(_) => return None,
            }
        }
    }

    /// Returns true if the call of this thread can be canceled.
    pub(crate) fn can_cancel(&self) -> bool {
        find(&mut self.lock()).is_some()
    }

    /// Returns true if the call of this thread is canceled.
    pub(crate) fn is_cancelled(&self) -> bool {
        find(&mut self.lock()).is_some_and(|entry| entry.deadline.is_cancelled())
    }

    /// Locks the entries. A panic cannot leave them inconsistent, so a poisoned lock is no error.
    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningCall {
    /// Records that the call uses no socket, because it may be in the pool.
    pub(crate) fn release(&self) {
        let Some(hook) = &self.hook else { return };
        for entry in self.calls.lock().iter_mut() {
            if entry.is_of(hook) {
                entry.socket = Weak::new();
            }
        }
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        if let Some(hook) = &self.hook {
            self.calls.lock().retain(|entry| !entry.is_of(hook));
        }
    }
}

impl Entry {
    /// Returns true if this is the entry of the call with `hook`.
    fn is_of(&self, hook: &Hook) -> bool {
        std::ptr::eq(self.hook.as_ptr(), hook)
    }

    /// Ends reads and writes of the socket on other threads, if there is one.
    fn shut_down(&self) {
        if let Some(socket) = self.socket.upgrade() {
            // It fails if the connection is closed, so that nothing is blocked in it.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl CancelHook for Hook {
    fn cancel(&self) {
        for entry in self.calls.lock().iter() {
            if entry.is_of(self) {
                entry.shut_down();
            }
        }
    }
}

/// Returns the latest entry of this thread. Earlier ones are of calls that started this one.
fn find(entries: &mut [Entry]) -> Option<&mut Entry> {
    let thread = thread::current().id();
    entries
        .iter_mut()
        .rev()
        .find(|entry| entry.thread == thread)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;
    use crate::time::cancel::CancelToken;

    /// Returns both ends of a connection.
    fn connection() -> (Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Arc::new(stream), listener.accept().unwrap().0)
    }

    /// Returns true if the socket has not been shut down.
    fn is_open(socket: &TcpStream) -> bool {
        socket.set_nonblocking(true).unwrap();
        let error = (&*socket).read(&mut [0]).err();
        error.is_some_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    #[test]
    fn a_cancel_shuts_down_the_socket_in_use_and_no_other() {
        let calls = RunningCalls::default();
        let token = CancelToken::new();
        let deadline = Deadline::never().with_token(&token);
        let (released, _peer) = connection();
        let (passed_on, _peer) = connection();
        let (used, _peer) = connection();
        assert!(calls.start(&Deadline::never()).hook.is_none());
        let call = calls.start(&deadline);
        calls.use_socket(&released);
        call.release();
        calls.use_socket(&passed_on);
        thread::scope(|scope| {
            scope.spawn(|| calls.use_socket(&passed_on));
        });
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let other = calls.start(&deadline);
                calls.use_socket(&used);
                other
            });
            let other = other.join().unwrap();
            token.cancel();
            drop(other);
        });
        let open = [&released, &passed_on, &used].map(|socket| is_open(socket));
        assert_eq!(open, [true, true, false]);
        let (late, _peer) = connection();
        calls.use_socket(&late);
        assert!(!is_open(&late), "a socket that a canceled call opens");
        drop(call);
        let (after, _peer) = connection();
        calls.use_socket(&after);
        assert!(is_open(&after) && calls.lock().is_empty());
    }

    #[test]
    fn a_cancel_ends_a_wait_for_another_thread() {
        let calls = RunningCalls::default();
        let token = CancelToken::new();
        let (sender, receiver) = mpsc::channel::<()>();
        let hour = Duration::from_secs(3600);
        let call = calls.start(&Deadline::never().with_token(&token));
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(200));
                token.cancel();
            });
            assert_eq!(calls.receive(&receiver, hour), None);
        });
        assert!(calls.is_cancelled());
        drop(call);
        assert_eq!(calls.receive(&receiver, Duration::ZERO), None);
        sender.send(()).unwrap();
        assert_eq!(calls.receive(&receiver, hour), Some(()));
    }
}
