//! The operations of the service: one table that every other part of the crate refers to.
//!
//! Each operation has a path, a key for rate limits and a name in errors. For an attribute query
//! in the dataset `cloud` they appear as:
//!
//! ```text
//! POST /v2/metrics/cloud/attributes
//! attribute query of io.confluent.kafka.server/sent_bytes failed: …
//! ```

/// An operation of the service.
///
/// Each `match` on it lists every variant, so that the compiler names all the places that a new
/// operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Points of a metric.
    Query,
    /// Values that labels of a metric had.
    Attributes,
    /// The list of metrics.
    MetricDescriptors,
    /// The list of resource types.
    ResourceDescriptors,
    /// The latest points of every metric, as text.
    Export,
    /// The resources that can be exported.
    Discovery,
}

/// A row of the table.
struct Entry {
    /// The path below `/v2/metrics/{dataset}/`.
    path: &'static str,
    /// The key under which the service limits requests. Exports add their resources to it.
    rate_limit_key: &'static str,
    /// The name in the context of an error, as in `query of … failed`.
    name: &'static str,
}

impl Operation {
    /// Every operation.
    pub(crate) const ALL: [Self; 6] = [
        Self::Query,
        Self::Attributes,
        Self::MetricDescriptors,
        Self::ResourceDescriptors,
        Self::Export,
        Self::Discovery,
    ];

    /// Returns the path below `/v2/metrics/{dataset}/`.
    pub(crate) const fn path(self) -> &'static str {
        self.entry().path
    }

    /// Returns the key under which the service limits requests.
    pub(crate) const fn rate_limit_key(self) -> &'static str {
        self.entry().rate_limit_key
    }

    /// Returns the operation whose rate limit `key` is, also with resources behind it.
    pub(crate) fn from_rate_limit_key(key: &str) -> Option<Self> {
        let own_key = key.split(' ').next();
        Self::ALL
            .into_iter()
            .find(|operation| Some(operation.rate_limit_key()) == own_key)
    }

    /// Returns the name in the context of an error.
    pub(crate) const fn name(self) -> &'static str {
        self.entry().name
    }

    /// Returns the row of the operation.
    #[rustfmt::skip]
    const fn entry(self) -> Entry {
        // A match instead of an array: a new variant without a row does not compile.
        match self {
            Self::Query => Entry::new("query", "query", "query"),
            Self::Attributes => Entry::new("attributes", "attributes", "attribute query"),
            Self::MetricDescriptors =>
                Entry::new("descriptors/metrics", "descriptors/metrics", "metric descriptors"),
            Self::ResourceDescriptors =>
                Entry::new("descriptors/resources", "descriptors/resources", "resource descriptors"),
            Self::Export => Entry::new("export", "export", "export"),
            Self::Discovery => Entry::new("discovery", "discovery", "discovery"),
        }
    }
}

impl Entry {
    /// Creates a row. The columns are path, rate limit key and name.
    const fn new(path: &'static str, rate_limit_key: &'static str, name: &'static str) -> Self {
        Self {
            path,
            rate_limit_key,
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_operations_share_a_path_a_rate_limit_or_a_name() {
        for column in [Operation::path, Operation::rate_limit_key, Operation::name] {
            let values: HashSet<_> = Operation::ALL.map(column).into();
            assert_eq!(values.len(), Operation::ALL.len(), "{values:?}");
        }
        for operation in Operation::ALL {
            let key = format!("{} resource.kafka.id=lkc-1", operation.rate_limit_key());
            assert_eq!(Operation::from_rate_limit_key(&key), Some(operation));
        }
        assert_eq!(Operation::from_rate_limit_key("exports"), None);
    }
}
