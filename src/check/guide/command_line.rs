//! Checks from a shell: the command `metric_gate`.
//!
//! The package `confluent-metric-gate` in the repository offers all settings of a check as a
//! command. In a clone:
//!
//! ```sh
//! cargo install --path examples/metric_gate
//! metric_gate io.confluent.kafka.server/consumer_lag_offsets --resource kafka:lkc-1 \
//!   --group-by metric.consumer_group_id --last 10m --critical '~:10000' \
//!   --format junit --output lag.xml
//! ```
//!
//! A range describes the good values: `'~:10000'` is anything up to 10000. See
//! [`Threshold`](crate::check::Threshold), and `metric_gate --help` for all options.
//!
//! The exit code is that of the [`Status`](crate::check::Status): 0 OK, 1 warning, 2 critical,
//! 3 unknown. It is 3 as well if an option is invalid or the report cannot be written.
//!
//! `--emulator` tries a command without an account, against made-up data.
//!
//! # GitHub Actions
//!
//! `--format github` prints annotations of the workflow run. `--format markdown` writes the summary
//! of the step:
//!
//! ```sh
//! metric_gate io.confluent.kafka.server/cluster_load_percent --resource kafka:lkc-1 \
//!   --critical '~:0.7' --format markdown --output "$GITHUB_STEP_SUMMARY"
//! ```
