//! Sorting that stops at the deadline of a call.
//!
//! ```text
//! 40,000 items: chunks of 16,384, then of 32,768, then all of them
//! ```

use std::cmp::Ordering;

use crate::time::deadline::{Interrupt, Interrupted};

/// Number of items that are sorted between two checks of the deadline.
const FIRST_CHUNK: usize = 16_384;

/// Sorts `items` and checks the deadline on the way. Equal items keep their order.
///
/// A comparison cannot stop the standard library's sort. So chunks are sorted one by one, and the
/// chunks double in length. Each then consists of two sorted runs, which the standard library
/// merges in linear time.
///
/// # Errors
///
/// `Interrupted` if the deadline has passed. The items are in an unspecified order then.
pub(crate) fn sort_with_deadline<T>(
    items: &mut [T],
    interrupt: &Interrupt<'_>,
    // Not a generic parameter: each instance of a sort adds some 20 KB to a program.
    compare: &dyn Fn(&T, &T) -> Ordering,
) -> Result<(), Interrupted> {
    let mut length = FIRST_CHUNK;
    loop {
        // The second and later rounds only merge: driftsort detects runs that are sorted already.
        for chunk in items.chunks_mut(length) {
            interrupt.check()?;
            chunk.sort_by(compare);
        }
        if length >= items.len() {
            return Ok(());
        }
        length *= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::deadline::Deadline;

    #[test]
    fn items_are_sorted_and_equal_ones_keep_their_order() {
        let deadline = Deadline::never();
        let mut items: Vec<(usize, usize)> = (0..3 * FIRST_CHUNK)
            .map(|index| (index % 7, index))
            .rev()
            .collect();
        let mut expected = items.clone();
        expected.sort_by_key(|item| item.0);
        sort_with_deadline(&mut items, &Interrupt::new(&deadline), &|a, b| {
            a.0.cmp(&b.0)
        })
        .unwrap();
        assert!(items == expected);
    }

    #[test]
    fn an_expired_deadline_stops_the_sort() {
        let expired = Deadline::after(Duration::ZERO);
        let mut items: Vec<_> = (0..2 * FIRST_CHUNK).rev().collect();
        let sorted = sort_with_deadline(&mut items, &Interrupt::new(&expired), &Ord::cmp);
        assert_eq!(sorted, Err(Interrupted));
    }
}
