//! The iterators of exports, and their JSON.

use std::mem;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::decode::export::Export;
use crate::model::iter::{IntoIter, Iter};
use crate::model::sample::Sample;
use crate::time::deadline::Deadline;

impl Serialize for Export {
    /// Serializes the samples, and what is missing from the export.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Export", 4)?;
        object.serialize_field("samples", self.samples())?;
        object.serialize_field("inaccessible", self.inaccessible())?;
        object.serialize_field("failed_metrics", self.failed_metrics())?;
        object.serialize_field("completeness", &self.completeness())?;
        object.end()
    }
}

impl Extend<Self> for Export {
    /// Merges other exports into this one.
    ///
    /// Of the samples of one series the latest stays. What is missing from any of the exports is
    /// missing from the result.
    fn extend<I: IntoIterator<Item = Self>>(&mut self, exports: I) {
        let mut parts = vec![mem::take(self)];
        parts.extend(exports);
        // Without a deadline nothing interrupts this.
        *self = Self::merge(parts, Vec::new(), &Deadline::never()).unwrap_or_default();
    }
}

impl IntoIterator for Export {
    type Item = Sample;
    type IntoIter = IntoIter<Sample>;

    fn into_iter(self) -> IntoIter<Sample> {
        IntoIter(self.into_samples().into_iter())
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`samples` returns the slice")]
impl<'a> IntoIterator for &'a Export {
    type Item = &'a Sample;
    type IntoIter = Iter<'a, Sample>;

    fn into_iter(self) -> Iter<'a, Sample> {
        Iter(self.samples().iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_merged_with_what_is_missing_from_them() {
        let mut export = Export::parse("a{t=\"1\"} 1 1000\nb 2 1000\n").unwrap();
        let later = Export::parse("a{t=\"1\"} 7 2000\n").unwrap();
        let denied = "confluent_scrape_resource_access_error\
                      {resource_type=\"resource.kafka.id\",resource_id=\"lkc-2\"} 1\n";
        export.extend([later, Export::parse(denied).unwrap()]);
        let values: Vec<_> = export.samples().iter().map(Sample::value).collect();
        assert_eq!(values, [7.0, 2.0]);
        assert_eq!(export.inaccessible().len(), 1);
        assert!(!export.completeness().is_complete());
    }
}
