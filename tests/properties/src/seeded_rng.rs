//! Small choices that hang on one number, for what is not worth a strategy: 0 always chooses the plainest.

#[derive(Clone, Debug)]
pub(crate) struct SeededRng(u64);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        // Marsaglia's xorshift, which never leaves 0.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    /// True one time in `sides`.
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
