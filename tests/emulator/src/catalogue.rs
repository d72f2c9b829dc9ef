//! The metrics of each dataset, with their labels and default aggregations.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The aggregation of one series over the minutes of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverTime {
    Sum,
    Average,
    Max,
}

/// The aggregation of several series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregation {
    Sum,
    Min,
    Max,
}

impl Aggregation {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "SUM" => Some(Self::Sum),
            "MIN" => Some(Self::Min),
            "MAX" => Some(Self::Max),
            _ => None,
        }
    }
}

/// One row of `catalogue.tsv`.
#[derive(Debug)]
pub(crate) struct Metric {
    /// The row in the catalogue.
    pub(crate) index: usize,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) dataset: &'static str,
    /// Resource types. A series has the labels of all of them.
    pub(crate) resources: Vec<&'static str>,
    /// The metric's labels as a query names them, such as `metric.topic`.
    pub(crate) labels: Vec<String>,
    pub(crate) over_time: OverTime,
    pub(crate) across_labels: Aggregation,
}

impl Metric {
    pub(crate) fn is_counter(&self) -> bool {
        self.kind.starts_with("COUNTER")
    }

    pub(crate) fn is_double(&self) -> bool {
        self.kind.ends_with("DOUBLE")
    }

    /// Returns one sentence on what the metric measures.
    pub(crate) fn description(&self) -> String {
        let short = self.name.rsplit('/').next().unwrap_or(self.name);
        let what = if self.is_counter() {
            "since the previous sample"
        } else {
            "at the time of the sample"
        };
        format!("The {} {what}, sampled every 60 seconds.", words(short))
    }

    /// Returns true if a query can group by this label, or filter on it.
    pub(crate) fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own == label)
            || self
                .resources
                .iter()
                .any(|resource| resource_labels(resource).contains(&label))
    }

    /// Returns true if the service allows this aggregation.
    ///
    /// A sum of shares, states or counts of the same cluster has no meaning.
    pub(crate) fn allows(&self, aggregation: Aggregation) -> bool {
        aggregation != Aggregation::Sum || self.across_labels == Aggregation::Sum
    }
}

/// A collection of metrics.
#[derive(Debug)]
pub(crate) struct Dataset {
    name: &'static str,
    /// True if a query must name a resource.
    pub(crate) needs_resource: bool,
    /// True if exports and discovery exist.
    pub(crate) is_exported: bool,
}

const DATASETS: [Dataset; 4] = [
    Dataset {
        name: "cloud",
        needs_resource: true,
        is_exported: true,
    },
    Dataset {
        name: "cloud-custom",
        needs_resource: true,
        is_exported: true,
    },
    Dataset {
        name: "USM",
        needs_resource: true,
        is_exported: false,
    },
    Dataset {
        name: "health-plus",
        needs_resource: false,
        is_exported: false,
    },
];

/// Returns the dataset with this name.
pub(crate) fn dataset(name: &str) -> Option<&'static Dataset> {
    DATASETS.iter().find(|dataset| dataset.name == name)
}

/// Returns the labels that identify a resource of this type in a query.
pub(crate) fn resource_labels(resource: &str) -> &'static [&'static str] {
    match resource {
        "kafka" => &["resource.kafka.id"],
        "connector" => &["resource.connector.id"],
        "custom_connector" => &["resource.custom_connector.id"],
        "ksql" => &["resource.ksql.id"],
        "schema_registry" => &["resource.schema_registry.id"],
        "compute_pool" => &["resource.compute_pool.id"],
        "flink_statement" => &[
            "resource.flink_statement.name",
            "resource.flink_statement.uid",
        ],
        _ => &[],
    }
}

/// Returns every metric, in the order of the file.
pub(crate) fn metrics() -> &'static [Metric] {
    static METRICS: OnceLock<Vec<Metric>> = OnceLock::new();
    METRICS.get_or_init(|| {
        let rows = include_str!("catalogue.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'));
        rows.enumerate()
            .map(|(index, line)| parse_row(index, line))
            .collect()
    })
}

/// Returns the metrics of a dataset.
pub(crate) fn metrics_of(dataset: &str) -> impl Iterator<Item = &'static Metric> {
    metrics()
        .iter()
        .filter(move |metric| metric.dataset == dataset)
}

/// Returns the resource types of the metrics of a dataset.
pub(crate) fn resource_types(dataset: &str) -> Vec<&'static str> {
    let mut kinds: Vec<&str> = Vec::new();
    for kind in metrics_of(dataset).flat_map(|metric| &metric.resources) {
        if !kinds.contains(kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// Returns a name with spaces in place of punctuation.
pub(crate) fn words(name: &str) -> String {
    name.replace(['_', '.'], " ")
}

/// Returns the metric with this name.
pub(crate) fn metric(name: &str) -> Option<&'static Metric> {
    static BY_NAME: OnceLock<BTreeMap<&'static str, &'static Metric>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        metrics()
            .iter()
            .map(|metric| (metric.name, metric))
            .collect()
    });
    by_name.get(name).copied()
}

/// Returns the metric with this name, for a test that cannot continue without it.
///
/// # Panics
///
/// Panics if the metric is unknown.
#[track_caller]
pub(crate) fn expect(name: &str) -> &'static Metric {
    match metric(name) {
        Some(metric) => metric,
        None => panic!("unknown metric {name:?}"),
    }
}

/// Returns the metric with this name, if the dataset has it.
pub(crate) fn metric_of(name: &str, dataset: &str) -> Option<&'static Metric> {
    metric(name).filter(|metric| metric.dataset == dataset)
}

fn parse_row(index: usize, line: &'static str) -> Metric {
    let mut fields = line.split('\t');
    let mut field = || fields.next().unwrap_or_default();
    let name = field();
    let kind = field();
    let unit = field();
    let dataset = field();
    let resources = list(field());
    let labels = list(field());
    Metric {
        index,
        name,
        kind,
        unit,
        dataset,
        resources,
        labels: labels
            .into_iter()
            .map(|label| format!("metric.{label}"))
            .collect(),
        over_time: match field() {
            "SUM" => OverTime::Sum,
            "MAX" => OverTime::Max,
            _ => OverTime::Average,
        },
        across_labels: Aggregation::from_name(field()).unwrap_or(Aggregation::Sum),
    }
}

fn list(text: &'static str) -> Vec<&'static str> {
    text.split(',').filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_complete() {
        assert!(metrics().len() >= 120);
        for (line, metric) in include_str!("catalogue.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .zip(metrics())
        {
            assert_eq!(line.split('\t').count(), 8, "{line}");
            assert!(dataset(metric.dataset).is_some(), "{line}");
            assert!(!metric.resources.is_empty(), "{line}");
            assert!(
                metric
                    .resources
                    .iter()
                    .all(|resource| !resource_labels(resource).is_empty()),
                "{line}"
            );
            let (time, across) = line
                .rsplit_once('\t')
                .and_then(|(rest, across)| rest.rsplit_once('\t').map(|(_, time)| (time, across)))
                .unwrap_or_default();
            assert!(["SUM", "AVG", "MAX"].contains(&time), "{line}");
            assert!(["SUM", "MAX"].contains(&across), "{line}");
            // A counter is a delta, so only a sum over time is correct.
            assert_eq!(
                metric.is_counter(),
                metric.over_time == OverTime::Sum,
                "{line}"
            );
        }
    }

    #[test]
    fn the_readme_lists_the_default_aggregations() {
        let readme = include_str!("../README.md");
        let rows: Vec<&str> = readme
            .lines()
            .filter(|line| line.starts_with("| "))
            .collect();
        for metric in metrics() {
            let name = metric.name.rsplit('/').next().unwrap_or_default();
            let row = rows
                .iter()
                .find(|row| row.contains(&format!("`{name}`")))
                .copied()
                .unwrap_or_default();
            let expected = match (metric.over_time, metric.across_labels) {
                (OverTime::Average, Aggregation::Max) => "| AVG | MAX |",
                (OverTime::Max, Aggregation::Max) => "| MAX | MAX |",
                _ => "",
            };
            assert!(
                row.ends_with(expected) && row.is_empty() == expected.is_empty(),
                "{name}: {row}"
            );
        }
    }

    #[test]
    fn names_are_looked_up_in_full() {
        let metric = metric("io.confluent.kafka.server/sent_bytes").expect("in the catalogue");
        assert!(metric.has_label("metric.topic") && metric.has_label("resource.kafka.id"));
        assert!(!metric.has_label("topic") && !metric.has_label("resource.connector.id"));
        assert!(super::metric("sent_bytes").is_none());
    }
}
