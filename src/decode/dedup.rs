//! Removes the duplicate samples of an export.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use crate::decode::error::DecodeError;
use crate::model::sample::Sample;
use crate::time::deadline::Interrupt;
use crate::time::timestamp::Timestamp;

/// The identity of a sample within one text: its metric, labels and time.
///
/// The address of the metadata identifies the metric, because the samples of a metric share it.
struct SampleKey<'a>(&'a Sample);

impl PartialEq for SampleKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.metric_address() == other.0.metric_address()
            && self.0.timestamp() == other.0.timestamp()
            && self.0.labels() == other.0.labels()
    }
}

impl Eq for SampleKey<'_> {}

impl Hash for SampleKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.labels().hash(state);
        // Hashing one number is faster than hashing two.
        let millis = self
            .0
            .timestamp()
            .map_or(i64::MIN, Timestamp::as_millisecond);
        state.write_i64(millis ^ (self.0.metric_address() as i64).rotate_left(32));
    }
}

/// Removes duplicate samples. Samples that differ only in their value are an error.
///
/// The first of several duplicates stays, and the order of the samples is kept. Values are compared
/// by their bits, so that NaN equals NaN.
pub(crate) fn dedup(
    samples: &mut Vec<Sample>,
    interrupt: &Interrupt<'_>,
) -> Result<(), DecodeError> {
    let mut known = HashSet::with_capacity(samples.len());
    let mut duplicates = Vec::new();
    for (place, sample) in samples.iter().enumerate() {
        interrupt.step()?;
        if known.insert(SampleKey(sample)) {
            continue;
        }
        let first = known
            .get(&SampleKey(sample))
            .map_or(f64::NAN, |first| first.0.value());
        if first.to_bits() != sample.value().to_bits() {
            let conflict = format!(
                "conflicting values for {}{}: {first} and {}",
                sample.name(),
                sample.labels(),
                sample.value(),
            );
            return Err(DecodeError::Invalid(conflict));
        }
        duplicates.push(place);
    }
    drop(known);
    if duplicates.is_empty() {
        return Ok(());
    }
    let mut place = 0;
    let mut duplicates = duplicates.into_iter().peekable();
    samples.retain(|_| {
        let is_first = duplicates.next_if_eq(&place).is_none();
        place += 1;
        is_first
    });
    Ok(())
}
