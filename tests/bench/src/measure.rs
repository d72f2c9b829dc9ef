//! Timing: contenders take turns, so that whatever slows the machine for a while slows all of them.

use std::time::{Duration, Instant};

/// Something to be timed; what it makes is dropped within it.
pub struct Contender<'a> {
    pub name: &'static str,
    pub run: Box<dyn Fn() + 'a>,
}

/// Times of one contender, sorted, each of a single run.
pub struct Times {
    sorted: Vec<Duration>,
}

/// A sample shorter than this says more of the clock than of the contender.
const SHORTEST_SAMPLE: Duration = Duration::from_millis(4);
/// Past this much time a contender is given fewer rounds.
const BUDGET: Duration = Duration::from_secs(8);
const ROUNDS: u32 = 15;
const FEWEST_ROUNDS: u32 = 7;

impl Times {
    pub fn median(&self) -> Duration {
        self.sorted[self.sorted.len() / 2]
    }

    /// The middle half of the times, from end to end, as a part of the median.
    pub fn spread(&self) -> f64 {
        let quarter = self.sorted.len() / 4;
        let (low, high) = (
            self.sorted[quarter],
            self.sorted[self.sorted.len() - 1 - quarter],
        );
        (high - low).as_secs_f64() / self.median().as_secs_f64()
    }
}

/// Warms every contender up, then times them by turns.
pub fn measure(contenders: &[Contender<'_>]) -> Vec<Times> {
    let repeats: Vec<u32> = contenders.iter().map(warm_up).collect();
    let slowest: Duration = contenders
        .iter()
        .zip(&repeats)
        .map(|(one, times)| sample(one, *times))
        .sum();
    let rounds = (BUDGET.as_secs_f64() / slowest.as_secs_f64()) as u32;
    let rounds = rounds.clamp(FEWEST_ROUNDS, ROUNDS);
    let mut times: Vec<Vec<Duration>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((contender, repeats), times) in contenders.iter().zip(&repeats).zip(&mut times) {
            times.push(sample(contender, *repeats) / *repeats);
        }
    }
    times.into_iter().map(sorted).collect()
}

/// Runs a contender until a sample is long enough, and gives how many runs that takes.
fn warm_up(contender: &Contender<'_>) -> u32 {
    let mut repeats = 1;
    while sample(contender, repeats) < SHORTEST_SAMPLE {
        repeats *= 2;
    }
    repeats
}

fn sample(contender: &Contender<'_>, repeats: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..repeats {
        (contender.run)();
    }
    start.elapsed()
}

fn sorted(mut times: Vec<Duration>) -> Times {
    times.sort_unstable();
    Times { sorted: times }
}
