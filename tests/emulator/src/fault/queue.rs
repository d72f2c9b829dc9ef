//! The faults that have not happened yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{ConnectionFault, Fault, ResponseScript, Script};

/// Faults in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue {
    queue: Mutex<Vec<Queued>>,
}

/// A fault with its remaining uses.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) script: Script,
    pub(super) times: usize,
    pub(super) skip: usize,
    /// A part of the target of a request; empty for all requests.
    pub(super) path_part: String,
}

impl FaultQueue {
    /// Adds a fault, unless one part of it has no effect.
    pub(crate) fn add(&self, fault: Fault) -> Result<(), String> {
        let queued = fault.into_queued()?;
        self.lock().push(queued);
        Ok(())
    }

    /// Returns the number of faults with uses left.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Takes the fault of a new connection.
    pub(crate) fn take_for_connection(&self) -> Option<ConnectionFault> {
        self.take(|queued| match queued.script {
            Script::Connection(fault) => Some(fault),
            Script::Response(_) => None,
        })
    }

    /// Takes the fault of a request.
    pub(crate) fn take_for_request(&self, target: &str) -> Option<ResponseScript> {
        self.take(|queued| match &queued.script {
            Script::Response(script) if target.contains(&queued.path_part) => {
                Some(script.as_ref().clone())
            }
            _ => None,
        })
    }

    /// Takes the first fault that matches and has nothing left to skip.
    fn take<T>(&self, matches: impl Fn(&Queued) -> Option<T>) -> Option<T> {
        let mut queue = self.lock();
        for index in 0..queue.len() {
            let queued = queue.get_mut(index)?;
            let Some(taken) = matches(queued) else {
                continue;
            };
            if queued.skip > 0 {
                // The request passes this fault, but a later one may still apply to it.
                queued.skip -= 1;
                continue;
            }
            queued.times -= 1;
            if queued.times == 0 {
                drop(queue.remove(index));
            }
            return Some(taken);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Queued>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(faults: impl IntoIterator<Item = Fault>) -> FaultQueue {
        let queue = FaultQueue::default();
        for fault in faults {
            queue.add(fault).expect("a valid fault");
        }
        queue
    }

    fn statuses(queue: &FaultQueue, target: &str, count: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..count {
            let script = queue.take_for_request(target);
            statuses.push(script.and_then(|script| script.status).unwrap_or_default());
        }
        statuses
    }

    #[test]
    fn the_first_match_with_uses_left_is_taken() {
        let queue = queue([
            Fault::status(500).skip(1).times(2),
            Fault::status(502).matching("/export"),
            Fault::status(503).matching("/query"),
        ]);
        let query = statuses(&queue, "/v2/metrics/cloud/query", 5);
        assert_eq!(query, [503, 500, 500, 0, 0]);
        let export = statuses(&queue, "/v2/metrics/cloud/export", 2);
        assert_eq!(export, [502, 0]);
    }

    #[test]
    fn cleared_faults_do_not_happen() {
        let queue = queue([Fault::status(500).times(3), Fault::close_connection()]);
        queue.clear();
        assert_eq!(statuses(&queue, "/", 1), [0]);
        assert_eq!(queue.take_for_connection(), None);
    }

    #[test]
    fn connections_and_requests_have_separate_faults() {
        let queue = queue([
            Fault::stall_handshake().skip(1).times(2),
            Fault::status(500),
            Fault::close_connection(),
        ]);
        assert_eq!(statuses(&queue, "/", 2), [500, 0]);
        let taken: Vec<_> = (0..4).map(|_| queue.take_for_connection()).collect();
        assert_eq!(
            taken,
            [
                Some(ConnectionFault::Close),
                Some(ConnectionFault::StallHandshake),
                Some(ConnectionFault::StallHandshake),
                None
            ]
        );
    }
}
