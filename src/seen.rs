//! A set of hashes that is fast, and now and then in doubt.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::scan::word;

/// The hashes of all that came, to notice what may have come before.
pub(crate) struct Seen {
    /// The upper half of each hash, in the first free place from where the lower half leads; 0 is a free place.
    places: Vec<u32>,
    free: usize,
    key: u64,
}

impl Seen {
    /// With room for about so many.
    pub(crate) fn for_about(count: usize) -> Self {
        let places = vec![0; count.next_power_of_two().max(64)];
        let key = RandomState::new().build_hasher().finish();
        Self { free: places.len() / 8 * 7, places, key }
    }

    pub(crate) fn hash(&self, seed: u64, bytes: &[u8]) -> u64 {
        let mix = |hash: u64, word: u64| {
            let product = u128::from(hash ^ word) * 0x9fb2_1c65_1e98_df25;
            (product as u64) ^ ((product >> 64) as u64)
        };
        let words = bytes.chunks_exact(8);
        let rest =
            words.remainder().iter().fold(bytes.len() as u64, |word, byte| (word << 8) | u64::from(*byte));
        mix(words.fold(seed ^ self.key, |hash, bytes| mix(hash, word(bytes))), rest)
    }

    /// Gives whether the hash is surely new.
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        if self.free == 0 {
            return false;
        }
        let (mark, mask) = (((hash >> 32) as u32).max(1), self.places.len() - 1);
        let mut place = hash as usize & mask;
        loop {
            match self.places.get_mut(place) {
                Some(found) if *found == 0 => {
                    *found = mark;
                    self.free -= 1;
                    return true;
                }
                Some(found) if *found == mark => return false,
                _ => place = (place + 1) & mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_seen_once_and_a_full_table_is_sure_of_nothing() {
        let mut seen = Seen::for_about(256);
        let [one, other] = [b"one", b"two"].map(|name| seen.hash(0, name));
        let hashes: Vec<_> = (0..200_u64).map(|number| seen.hash(one, &number.to_le_bytes())).collect();
        assert!(hashes.iter().all(|hash| seen.insert(*hash)));
        assert!(hashes.iter().all(|hash| !seen.insert(*hash)));
        let more: Vec<_> = (0..200_u64).map(|number| seen.hash(other, &number.to_le_bytes())).collect();
        assert_eq!(more.iter().filter(|hash| seen.insert(**hash)).count(), 256 / 8 * 7 - 200);
        for (one, other) in
            [("a", "b"), ("", "\0"), ("ab", "ba"), ("12345678", "123456789"), ("\0\0", "\0\0\0")]
        {
            assert_ne!(seen.hash(1, one.as_bytes()), seen.hash(1, other.as_bytes()));
            assert_ne!(seen.hash(1, one.as_bytes()), seen.hash(2, one.as_bytes()));
        }
    }
}
