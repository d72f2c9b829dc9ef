//! The demo organization: its resources, and the series of each metric.

use crate::catalogue::{Metric, resource_labels};
use crate::generator::{self, Availability, Generator, Shape};
use crate::request::filter::{Labels, label};

/// Topics of a Kafka cluster, each with its share of the traffic.
const SHOP: [(&str, i64); 12] = [
    ("audit-log", 8),
    ("carts", 350),
    ("clicks", 1_800),
    ("customers", 60),
    ("emails", 30),
    ("inventory", 150),
    ("orders", 900),
    ("page-views", 2_500),
    ("payments", 450),
    ("refunds", 15),
    ("search-queries", 700),
    ("shipments", 110),
];
const FACTORY: [(&str, i64); 12] = [
    ("audit-log", 8),
    ("device-alerts", 25),
    ("device-readings", 3_200),
    ("firmware", 12),
    ("invoices", 90),
    ("maintenance", 40),
    ("orders", 300),
    ("parts", 180),
    ("plans", 55),
    ("quality", 240),
    ("suppliers", 18),
    ("work-steps", 1_100),
];
const IDLE_TOPIC: &str = "audit-log";
/// A topic of `lkc-1` and `lkc-2` that stores data, and has no traffic at all.
const ARCHIVED_TOPIC: &str = "events-2024";

/// Principals with their client ids.
const PRINCIPALS: [(&str, &str); 5] = [
    ("sa-a1b2c3", "checkout-1"),
    ("sa-d4e5f6", "billing-1"),
    ("sa-g7h8j9", "warehouse-1"),
    ("u-k1m2n3", "console"),
    ("u-p4q5r6", "notebook"),
];
const REQUEST_TYPES: [&str; 5] = [
    "ApiVersions",
    "Fetch",
    "Metadata",
    "OffsetCommit",
    "Produce",
];
const ZONES: [Option<&str>; 3] = [None, Some("CROSS_ZONE"), Some("SAME_ZONE")];

/// Consumer groups, each with the number of topics that it reads.
const CONSUMER_GROUPS: [(&str, usize); 5] = [
    ("analytics", 4),
    ("billing", 2),
    ("fulfilment", 3),
    ("nightly-export", 2),
    ("indexer", 1),
];
/// The group that keeps up, so that checks of its lag pass.
const PROMPT_GROUP: &str = "indexer";
const VANISHING_GROUP: &str = "nightly-export";

/// Returns the environment of a resource. Resources that a test adds are in the first.
pub(crate) fn environment(id: &str) -> &'static str {
    if id == "lkc-2" { "env-2" } else { "env-1" }
}

/// Returns the Kafka cluster that a resource is, or belongs to.
pub(crate) fn kafka_cluster<'a>(label: &str, id: &'a str) -> Option<&'a str> {
    match label {
        "resource.kafka.id" => Some(id),
        "resource.connector.id" | "resource.custom_connector.id" | "resource.ksql.id" => {
            Some("lkc-1")
        }
        _ => None,
    }
}

/// The labels and ids that identify one resource.
type Identity = Vec<(&'static str, String)>;

#[derive(Debug)]
struct Cluster {
    id: String,
    topics: Vec<String>,
    partitions: usize,
}

/// All resources before a test adds others.
#[derive(Debug)]
pub(crate) struct Organization {
    clusters: Vec<Cluster>,
}

impl Organization {
    /// Creates the demo organization.
    ///
    /// `big_topics` is the number of topics of a cluster `lkc-big`, which 0 leaves out.
    /// `cluster_ids` adds clusters.
    pub(crate) fn new(big_topics: usize, cluster_ids: &[String]) -> Self {
        let cluster = |id: &str, topics: &[(&str, i64)]| Cluster {
            id: id.to_owned(),
            topics: topics.iter().map(|(name, _)| (*name).to_owned()).collect(),
            partitions: 3,
        };
        let mut clusters = vec![cluster("lkc-1", &SHOP), cluster("lkc-2", &FACTORY)];
        clusters.extend(cluster_ids.iter().map(|id| cluster(id, &SHOP)));
        if big_topics > 0 {
            let topics = (0..big_topics)
                .map(|number| format!("topic-{number:05}"))
                .collect();
            clusters.push(Cluster {
                id: "lkc-big".to_owned(),
                topics,
                partitions: 1,
            });
        }
        Self { clusters }
    }

    /// Returns the label and id of every resource.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        let types = [
            "kafka",
            "connector",
            "custom_connector",
            "ksql",
            "schema_registry",
            "compute_pool",
            "flink_statement",
        ];
        types
            .into_iter()
            .flat_map(|kind| self.identities(kind))
            .flatten()
    }

    /// Returns all series of a metric with their generators, in no particular order.
    pub(crate) fn series(&self, metric: &Metric) -> Vec<(Labels, Generator)> {
        let mut series = Vec::new();
        for identity in self.identities_of_all(&metric.resources) {
            for own in self.own_labels(metric, &identity) {
                let resource = identity
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone()));
                let mut labels: Labels = resource.chain(own).collect();
                labels.sort();
                let generator = series_generator(metric, &labels);
                series.push((labels, generator));
            }
        }
        series
    }

    fn identities(&self, kind: &str) -> Vec<Identity> {
        let names = resource_labels(kind);
        let one = |id: &str| {
            names
                .iter()
                .take(1)
                .map(|name| (*name, id.to_owned()))
                .collect()
        };
        match kind {
            "kafka" => self
                .clusters
                .iter()
                .map(|cluster| one(&cluster.id))
                .collect(),
            "connector" => vec![one("lcc-1")],
            "custom_connector" => vec![one("clcc-1")],
            "ksql" => vec![one("lksqlc-1")],
            "schema_registry" => vec![one("lsrc-1")],
            "compute_pool" => vec![one("lfcp-1")],
            "flink_statement" => ["enrich-orders", "page-view-counts"]
                .into_iter()
                .map(|name| {
                    let values = [name.to_owned(), format!("uid-{name}")];
                    names.iter().copied().zip(values).collect()
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Returns every combination of resources, for metrics of several types.
    fn identities_of_all(&self, kinds: &[&str]) -> Vec<Identity> {
        let mut all = vec![Identity::new()];
        for kind in kinds {
            let own = self.identities(kind);
            all = all
                .iter()
                .flat_map(|left| {
                    own.iter()
                        .map(move |right| [left.as_slice(), right].concat())
                })
                .collect();
        }
        all
    }

    /// Returns every combination of the metric's labels that exists at a resource.
    fn own_labels(&self, metric: &Metric, identity: &Identity) -> Vec<Labels> {
        let cluster = self
            .clusters
            .iter()
            .find(|cluster| identity.iter().any(|(_, id)| *id == cluster.id))
            .or(self.clusters.first());
        let bare: Vec<&str> = metric
            .labels
            .iter()
            .map(|name| name.trim_start_matches("metric."))
            .collect();
        let rows = match (bare.as_slice(), cluster) {
            (["consumer_group_id", ..], Some(cluster)) => consumers(cluster),
            (["principal_id", "client_id"], _) => PRINCIPALS
                .iter()
                .map(|(principal, client)| vec![some(principal), some(client)])
                .collect(),
            (names, cluster) => {
                let mut rows = vec![Vec::new()];
                for name in names {
                    let mut values = values(name, cluster);
                    if *name == "topic" && metric.name.ends_with("/retained_bytes") {
                        values.extend(cluster.and_then(archived_topic).map(some));
                    }
                    rows = rows
                        .iter()
                        .flat_map(|row| {
                            values.iter().map(move |value| {
                                [row.as_slice(), std::slice::from_ref(value)].concat()
                            })
                        })
                        .collect();
                }
                rows
            }
        };
        let named = |row: Vec<Option<String>>| {
            metric
                .labels
                .iter()
                .cloned()
                .zip(row)
                .filter_map(|(name, value)| Some((name, value?)))
                .collect()
        };
        rows.into_iter().map(named).collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "labels are optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Returns the values of a label. `None` is for series that lack it.
fn values(label: &str, cluster: Option<&Cluster>) -> Vec<Option<String>> {
    let listed = |list: &[&str]| list.iter().map(|value| some(value)).collect();
    match label {
        "topic" => cluster
            .map(|cluster| cluster.topics.iter().cloned().map(Some).collect())
            .unwrap_or_default(),
        "partition" => {
            let count = cluster.map_or(0, |cluster| cluster.partitions);
            (0..count).map(|number| Some(number.to_string())).collect()
        }
        "principal_id" => PRINCIPALS
            .iter()
            .map(|(principal, _)| some(principal))
            .collect(),
        "client_id" => PRINCIPALS.iter().map(|(_, client)| some(client)).collect(),
        "type" => listed(&REQUEST_TYPES),
        "zone_alignment" => ZONES.iter().map(|zone| zone.map(str::to_owned)).collect(),
        "link_name" => listed(&["to-dr-site", "to-reporting"]),
        "link_state" => listed(&["ACTIVE", "PAUSED", "UNAVAILABLE"]),
        "status" => listed(&["FAILED", "RUNNING"]),
        "task" | "task_id" => listed(&["0", "1"]),
        "query_id" => listed(&["CSAS_ORDERS_1", "CTAS_TOTALS_3"]),
        "table_name" => listed(&["orders", "page-views"]),
        "flink_task.id" => listed(&["task-7c1e", "task-9d2f"]),
        "flink_operator.id" => listed(&["operator-3a5b", "operator-4c6d"]),
        _ => vec![None],
    }
}

/// Returns the topic that has no traffic, if the cluster is one of the demo.
fn archived_topic(cluster: &Cluster) -> Option<&'static str> {
    ["lkc-1", "lkc-2"]
        .contains(&cluster.id.as_str())
        .then_some(ARCHIVED_TOPIC)
}

/// Returns group, topic, partition and client, in the order of the labels of the lag metrics.
fn consumers(cluster: &Cluster) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for (number, (group, count)) in CONSUMER_GROUPS.iter().enumerate() {
        // Groups read different topics. One reads all topics of a large cluster.
        let (step, share) = match cluster.topics.len() {
            0..=12 => (number * 2, *count),
            many => (0, if number == 0 { many } else { *count }),
        };
        for topic in cluster.topics.iter().skip(step).take(share) {
            for partition in 0..cluster.partitions {
                let client = format!("{group}-{}", partition % 2 + 1);
                rows.push(vec![
                    some(group),
                    some(topic),
                    Some(partition.to_string()),
                    Some(client),
                ]);
            }
        }
    }
    rows
}

/// Returns the generator of a series, chosen by the name of the metric.
fn series_generator(metric: &Metric, labels: &Labels) -> Generator {
    let parts = labels
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let seed = generator::hash([metric.name].into_iter().chain(parts));
    let short = metric
        .name
        .split_once('/')
        .map_or(metric.name, |(_, short)| short);
    let group = label(labels, "metric.consumer_group_id");
    let weight = if group == Some(PROMPT_GROUP) {
        1
    } else {
        label(labels, "metric.topic")
            .or(label(labels, "metric.table_name"))
            .map_or(200, weight)
    };
    let shape = if metric.is_counter() {
        counter_shape(short, metric.unit, weight)
    } else if metric.is_double() {
        double_shape(short)
    } else {
        gauge_shape(short, metric.unit, weight, label(labels, "metric.status"))
    };
    let availability = if group == Some(VANISHING_GROUP) {
        Availability::Vanishing
    } else if metric.is_counter() && label(labels, "metric.topic") == Some(IDLE_TOPIC) {
        Availability::Idle
    } else {
        Availability::Always
    };
    Generator {
        seed,
        shape,
        availability,
    }
}

fn weight(topic: &str) -> i64 {
    let known = SHOP.iter().chain(&FACTORY).find(|(name, _)| *name == topic);
    known.map_or_else(
        || 1 + generator::hash([topic]) as i64 % 2_000,
        |(_, weight)| *weight,
    )
}

fn contains_any(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.contains(word))
}

fn counter_shape(name: &str, unit: &str, weight: i64) -> Shape {
    if contains_any(
        name,
        &[
            "error",
            "restart",
            "dead_letter",
            "late_",
            "skipped",
            "deprecated",
            "snapshots",
        ],
    ) {
        Shape::Rare(5)
    } else if unit == "By" || name.contains("bytes") {
        // More is read than written, and a record has a few hundred bytes.
        Shape::Traffic(
            weight
                * if contains_any(name, &["sent", "response", "out"]) {
                    2_700
                } else {
                    1_100
                },
        )
    } else {
        Shape::Traffic(
            weight
                * if contains_any(name, &["sent", "out"]) {
                    10
                } else {
                    4
                },
        )
    }
}

fn double_shape(name: &str) -> Shape {
    if contains_any(name, &["latency", "batch_size"]) {
        Shape::Latency(18)
    } else {
        Shape::Share
    }
}

fn gauge_shape(name: &str, unit: &str, weight: i64, status: Option<&str>) -> Shape {
    if let Some(status) = status {
        return if status == "RUNNING" {
            Shape::Constant(1)
        } else {
            // Nothing is in two states at once. A test puts the state of a failure.
            Shape::Constant(0)
        };
    }
    if contains_any(name, &["watermark"]) {
        Shape::Watermark
    } else if contains_any(name, &["lag", "pending_records"]) {
        Shape::Lag(weight * 40)
    } else if contains_any(name, &["in_error", "hot_partition", "snapshot_", "status"]) {
        Shape::Flag
    } else if contains_any(
        name,
        &["connection_info", "num_topics", "state", "recording_level"],
    ) && unit != "By"
    {
        Shape::Constant(1)
    } else if name.ends_with("offset") {
        Shape::Growth(weight)
    } else if contains_any(
        name,
        &[
            "cku_count",
            "streaming_unit",
            "link_count",
            "link_task",
            "parallelism",
            "limit",
        ],
    ) {
        Shape::Constant(4)
    } else if name == "partition_count" {
        Shape::Constant(36)
    } else if unit == "By" || name.contains("bytes") {
        Shape::Level(weight * 1_000_000)
    } else if contains_any(name, &["per_second", "milliseconds", "estimate", "cache"]) {
        Shape::Level(400)
    } else {
        Shape::Level(30)
    }
}
