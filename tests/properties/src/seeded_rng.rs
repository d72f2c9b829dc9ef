//! A small random generator for choices that need no strategy. With a seed of 0, every choice is 0.

#[derive(Clone, Debug)]
pub(crate) struct SeededRng(u64);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        // Marsaglia's xorshift, which stays at 0.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    /// Returns true once in `sides` calls.
    pub(crate) fn rarely(&mut self, sides: usize) -> bool {
        self.roll(sides) == 1
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            let other = place - self.roll(place + 1);
            items.swap(place, other);
        }
    }
}
