//! Sorting, by one sort for items of all types.
//!
//! The standard library's sort is made anew for each type: for a dozen types that was one line in thirteen of all that the
//! compiler had to translate. Its heap takes a quarter of the room in a program that even a single stable sort does, and what is
//! sorted here, names, samples and series, never points, comes in order as a rule.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::mem::replace;

/// Sorts `items`; equal ones keep their order.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let places = places(items.len(), &|a, b| compare(&items[a], &items[b]));
    arrange(places, &mut |a, b| items.swap(a, b));
}

/// Sorts `items`, and leaves each once.
pub(crate) fn sort_once_each<T: Ord>(items: &mut Vec<T>) {
    sort_by(items, T::cmp);
    items.dedup();
}

/// The places from 0 to `count` in an order; equal ones as they were.
pub(crate) fn places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    if (1..count).all(|at| compare(at - 1, at) != Ordering::Greater) {
        return (0..count).collect();
    }
    let heap: BinaryHeap<_> = (0..count).map(|at| Place { at, compare }).collect();
    heap.into_sorted_vec().iter().map(|place| place.at).collect()
}

/// A place that is ordered by what is there.
struct Place<'a> {
    at: usize,
    compare: &'a dyn Fn(usize, usize) -> Ordering,
}

impl Ord for Place<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.compare)(self.at, other.at).then(self.at.cmp(&other.at))
    }
}

impl PartialOrd for Place<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place<'_> {}

/// Moves items so that each place has the item of the place that is named there, by swapping.
fn arrange(mut places: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..places.len() {
        // Each item is fetched from where it is, up to the one that waits in the place where the round began.
        let mut at = start;
        loop {
            let from = replace(&mut places[at], at);
            if from == start {
                break;
            }
            swap(at, from);
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_a_few_items_is_sorted_and_equal_ones_stay() {
        // All lists of up to six digits below four, each digit with its place.
        for count in 0..=6_u32 {
            for number in 0..4_usize.pow(count) {
                let digits: Vec<_> = (0..count).map(|at| (number / 4_usize.pow(at) % 4, at)).collect();
                let (mut ours, mut theirs) = (digits.clone(), digits);
                sort_by(&mut ours, |a, b| a.0.cmp(&b.0));
                theirs.sort_by_key(|digit| digit.0);
                assert_eq!(ours, theirs);
            }
        }
    }

    #[test]
    fn twins_are_left_once() {
        let mut words = vec!["b", "a", "b", "c", "a"];
        sort_once_each(&mut words);
        assert_eq!(words, ["a", "b", "c"]);
    }
}
