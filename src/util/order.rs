//! Sorting, by one sort for items of all types.
//!
//! The standard library's sort is made anew for each type: for a dozen types that was one line in thirteen of all that the
//! compiler had to translate, and even one for all takes four times the room that this has in a program. What is sorted here is
//! names, samples and series, never points: in order as a rule, or a few lists in order after each other.

use std::cmp::Ordering;
use std::mem::replace;

use crate::time::deadline::{Interrupt, Interrupted};

/// Sorts `items`; equal ones keep their order.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let places = sorted_indices(items.len(), &|a, b| compare(&items[a], &items[b]));
    apply_permutation(places, &mut |a, b| items.swap(a, b));
}

/// Sorts `items`, and leaves each once.
pub(crate) fn sort_and_dedup<T: Ord>(items: &mut Vec<T>) {
    sort_by(items, T::cmp);
    items.dedup();
}

/// Sorts `items`, and looks at the deadline on the way; equal ones keep their order.
///
/// The parts double, and each consists of two that are sorted, so that no call of the standard library's sort takes long.
pub(crate) fn sort_in_time<T>(
    items: &mut [T],
    interrupt: &Interrupt<'_>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Result<(), Interrupted> {
    let mut length = FIRST_PART;
    while length < items.len() {
        for part in items.chunks_mut(length) {
            interrupt.check()?;
            part.sort_by(&compare);
        }
        length *= 2;
    }
    items.sort_by(compare);
    Ok(())
}

const FIRST_PART: usize = 16_384;

/// The places from 0 to `count` in an order; equal ones as they were.
pub(crate) fn sorted_indices(
    count: usize,
    compare: &dyn Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let mut places: Vec<_> = (0..count).collect();
    let mut ends: Vec<_> = (1..count)
        .filter(|at| compare(at - 1, *at) == Ordering::Greater)
        .collect();
    ends.push(count);
    while ends.len() > 1 {
        (places, ends) = merge_runs(&places, &ends, compare);
    }
    places
}

/// Makes one run of each two that follow each other. A run is in order, and ends before the place that is named in `ends`.
fn merge_runs(
    places: &[usize],
    ends: &[usize],
    compare: &dyn Fn(usize, usize) -> Ordering,
) -> (Vec<usize>, Vec<usize>) {
    let (mut merged, mut merged_ends) = (Vec::with_capacity(places.len()), Vec::new());
    let mut start = 0;
    for pair in ends.chunks(2) {
        let (middle, end) = (pair[0], pair[pair.len() - 1]);
        let (mut left, mut right) = (&places[start..middle], &places[middle..end]);
        while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
            // Of equal ones the left comes first.
            if compare(*first, *second) == Ordering::Greater {
                merged.push(*second);
                right = right_rest;
            } else {
                merged.push(*first);
                left = left_rest;
            }
        }
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        merged_ends.push(end);
        start = end;
    }
    (merged, merged_ends)
}

/// Moves items so that each place has the item of the place that is named there, by swapping.
fn apply_permutation(mut places: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
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
                let digits: Vec<_> = (0..count)
                    .map(|at| (number / 4_usize.pow(at) % 4, at))
                    .collect();
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
        sort_and_dedup(&mut words);
        assert_eq!(words, ["a", "b", "c"]);
    }
}
