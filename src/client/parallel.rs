//! Runs the independent requests of a call on several threads.
//!
//! A call has a number of jobs, such as the windows of its queries. Each thread takes the next job
//! until none is left:
//!
//! ```text
//! calling thread   job 1 ──────── job 4 ───
//! worker           job 2 ─── job 3 ────────── job 6
//! worker           …
//! ```
//!
//! Jobs return nothing. They keep their results, and their errors, in a place of their own.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::time::cancel::CancelToken;
use crate::time::deadline::Deadline;

/// A job: the function that gets its number, and the deadline that it must keep.
type Job<'a> = &'a (dyn Fn(usize, &Deadline) + Sync);

/// Runs the jobs from 0 to `jobs`, on at most `threads` threads. The calling thread is one of them.
///
/// Jobs are started in order. If the system refuses a thread, those that there are do the jobs. All
/// threads have ended when this returns. With one job, or one thread, none is created.
///
/// # Panics
///
/// If a job panics, for example in a closure of the caller. The jobs that run are canceled, no
/// other one is started, and the panic goes on in the calling thread.
pub(crate) fn run(threads: usize, jobs: usize, deadline: &Deadline, job: Job<'_>) {
    run_with_stack(threads, jobs, deadline, job, None);
}

/// Does what [`run`] does, with the stack size of new threads in bytes.
fn run_with_stack(
    threads: usize,
    jobs: usize,
    deadline: &Deadline,
    job: Job<'_>,
    stack_size: Option<usize>,
) {
    let threads = threads.min(jobs);
    if threads <= 1 {
        for number in 0..jobs {
            job(number, deadline);
        }
        return;
    }
    let stop = CancelToken::new();
    let queue = Queue {
        next: AtomicUsize::new(0),
        jobs,
        job,
        deadline: deadline.with_token(&stop),
        stop,
    };
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for _ in 1..threads {
            let mut builder = thread::Builder::new();
            if let Some(bytes) = stack_size {
                builder = builder.stack_size(bytes);
            }
            match builder.spawn_scoped(scope, || queue.work()) {
                Ok(worker) => workers.push(worker),
                // The next one would be refused as well.
                Err(_) => break,
            }
        }
        // A panic here leaves the scope, which waits for the workers before.
        queue.work();
        for worker in workers {
            if let Err(payload) = worker.join() {
                std::panic::resume_unwind(payload);
            }
        }
    });
}

/// The jobs that threads take.
struct Queue<'a> {
    /// The number of the next job.
    next: AtomicUsize,
    /// The number of jobs.
    jobs: usize,
    job: Job<'a>,
    /// The deadline of the call, which ends when a job panics.
    deadline: Deadline,
    /// The token of that deadline.
    stop: CancelToken,
}

impl Queue<'_> {
    /// Does jobs until none is left.
    fn work(&self) {
        let guard = StopOnPanic(&self.stop);
        while !self.stop.is_cancelled() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.jobs {
                break;
            }
            (self.job)(number, &self.deadline);
        }
        mem::forget(guard);
    }
}

/// Cancels a token when it is dropped, which only a panic does.
struct StopOnPanic<'a>(&'a CancelToken);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Barrier, Mutex};
    use std::time::Duration;

    use super::*;

    /// Records the jobs in the order in which they start, and the threads that do them.
    #[derive(Default)]
    struct Log {
        jobs: Mutex<Vec<usize>>,
        threads: Mutex<HashSet<thread::ThreadId>>,
    }

    impl Log {
        fn add(&self, job: usize) {
            self.jobs.lock().unwrap().push(job);
            let id = thread::current().id();
            self.threads.lock().unwrap().insert(id);
        }

        fn threads(&self) -> usize {
            self.threads.lock().unwrap().len()
        }

        fn has_this_thread(&self) -> bool {
            let this = thread::current().id();
            self.threads.lock().unwrap().contains(&this)
        }

        fn sorted_jobs(&self) -> Vec<usize> {
            let mut jobs = self.jobs.lock().unwrap().clone();
            jobs.sort_unstable();
            jobs
        }
    }

    #[test]
    fn every_job_is_done_once_by_at_most_that_many_threads() {
        for (threads, jobs, most) in [(1, 5, 1), (4, 0, 0), (4, 1, 1), (4, 3, 3), (3, 40, 3)] {
            let log = Log::default();
            run(threads, jobs, &Deadline::never(), &|job, _| log.add(job));
            assert_eq!(log.sorted_jobs(), (0..jobs).collect::<Vec<_>>());
            assert!(log.threads() <= most, "{} threads", log.threads());
        }
    }

    #[test]
    fn jobs_of_one_thread_are_done_in_order_by_the_calling_thread() {
        let log = Log::default();
        run(1, 9, &Deadline::never(), &|job, _| log.add(job));
        assert_eq!(*log.jobs.lock().unwrap(), (0..9).collect::<Vec<_>>());
        assert!(log.has_this_thread());
    }

    #[test]
    fn jobs_run_at_the_same_time_and_the_calling_thread_does_one() {
        let all = Barrier::new(4);
        let log = Log::default();
        run(4, 4, &Deadline::never(), &|job, _| {
            all.wait();
            log.add(job);
        });
        assert_eq!(log.threads(), 4);
        assert!(log.has_this_thread());
    }

    #[test]
    fn the_calling_thread_does_all_jobs_if_the_system_refuses_threads() {
        let log = Log::default();
        let more_than_any_machine_has = Some(1 << 60);
        run_with_stack(
            4,
            9,
            &Deadline::never(),
            &|job, _| log.add(job),
            more_than_any_machine_has,
        );
        assert_eq!(log.sorted_jobs(), (0..9).collect::<Vec<_>>());
        assert_eq!(log.threads(), 1);
    }

    #[test]
    fn a_panic_of_any_job_cancels_the_others_and_reaches_the_caller() {
        let caller = thread::current().id();
        for panics_in_caller in [true, false] {
            let both_run = Barrier::new(2);
            let jobs = AtomicUsize::new(0);
            let result = catch_unwind(AssertUnwindSafe(|| {
                run(2, 100, &Deadline::never(), &|_, deadline| {
                    jobs.fetch_add(1, Ordering::Relaxed);
                    both_run.wait();
                    let is_caller = thread::current().id() == caller;
                    assert!(is_caller != panics_in_caller, "of a closure");
                    // Only the cancel ends this wait.
                    deadline.sleep(Duration::from_secs(3600));
                });
            }));
            let payload = result.unwrap_err();
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"of a closure"));
            assert_eq!(jobs.load(Ordering::Relaxed), 2, "no other job was started");
        }
    }

    #[test]
    fn a_call_during_a_panic_does_all_jobs() {
        struct CallInDrop<'a>(&'a Log);
        impl Drop for CallInDrop<'_> {
            fn drop(&mut self) {
                run(2, 9, &Deadline::never(), &|job, _| self.0.add(job));
            }
        }
        let log = Log::default();
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _call = CallInDrop(&log);
            panic!("of the program");
        }));
        assert!(result.is_err());
        assert_eq!(log.sorted_jobs(), (0..9).collect::<Vec<_>>());
    }
}
