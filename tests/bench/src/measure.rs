//! Timing. Contenders take turns, so that a slow phase of the machine affects all of them.

use std::time::{Duration, Instant};

/// Code to be timed, including the drop of its result.
pub struct Contender<'a> {
    pub name: &'static str,
    pub run: Box<dyn Fn() + 'a>,
}

/// Sorted times of a contender, one for each run.
pub struct Times {
    sorted: Vec<Duration>,
}

/// Shorter samples are dominated by the resolution of the clock.
const SHORTEST_SAMPLE: Duration = Duration::from_millis(4);
/// Time for all rounds. Slow contenders get fewer of them.
const BUDGET: Duration = Duration::from_secs(8);
const ROUNDS: u32 = 15;
const FEWEST_ROUNDS: u32 = 7;

impl Times {
    pub fn median(&self) -> Duration {
        self.sorted[self.sorted.len() / 2]
    }

    /// The interquartile range relative to the median.
    pub fn spread(&self) -> f64 {
        let quarter = self.sorted.len() / 4;
        let (low, high) = (
            self.sorted[quarter],
            self.sorted[self.sorted.len() - 1 - quarter],
        );
        (high - low).as_secs_f64() / self.median().as_secs_f64()
    }
}

/// Warms up every contender, and then times them in turns.
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

/// Returns the number of runs that make a sample long enough.
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
