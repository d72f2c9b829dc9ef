//! Checks from a shell: the command `metric_gate`.
//!
//! The package `confluent-metric-gate` in the repository offers all settings of a check as a
//! command. In a clone:
//!
//! ```sh
//! cargo install --path examples/metric_gate
//! metric_gate io.confluent.kafka.server/consumer_lag_offsets --resource kafka:lkc-1 \
//!   --group-by metric.consumer_group_id --filter metric.consumer_group_id=indexer \
//!   --last 10m --critical '~:10000' --output junit=lag.xml
//! ```
//!
//! A range describes the good values: `'~:10000'` is anything up to 10000. See
//! [`Threshold`](crate::check::Threshold), and `metric_gate --help` for all options.
//!
//! The exit code is that of the [`Status`](crate::check::Status): 0 OK, 1 warning, 2 critical,
//! 3 unknown. It is 3 as well if an option is invalid or a report cannot be written.
//! `--warnings-pass` exits with 0 on a warning, for scripts under `set -e`. After a pipe, the exit
//! code is that of the last command, unless `set -o pipefail` is on.
//!
//! `--emulator` tries a command without an account, against made-up data.
//!
//! # Many checks
//!
//! `--file gates.json` runs a list of checks at once and writes one report. An entry has the names
//! of the options, as [`Check`](crate::check::Check) is read from:
//!
//! ```json
//! [{"metric": "io.confluent.kafka.server/cluster_load_percent",
//!   "resource": "kafka:lkc-1", "warning": "~:0.7", "critical": "~:0.9"}]
//! ```
//!
//! # GitHub Actions
//!
//! `--output github=-` prints annotations of the workflow run. A report for the file in
//! `GITHUB_STEP_SUMMARY` is appended to the summary of the step:
//!
//! ```sh
//! metric_gate --file gates.json --output github=- --output junit=gates.xml \
//!   --output markdown="$GITHUB_STEP_SUMMARY"
//! ```
//!
//! # GitLab CI
//!
//! A job that lists the file in `artifacts:reports:junit` shows the series that failed in the merge
//! request:
//!
//! ```sh
//! metric_gate --file gates.json --output junit=gates.xml
//! ```
//!
//! The README of `examples/metric_gate` has both jobs in full.
