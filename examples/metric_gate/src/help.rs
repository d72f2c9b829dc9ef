//! The texts of `--help` and `--version`.

use confluent_metrics::Granularity;
use confluent_metrics::check::{Change, Format, Missing, Reduce};

const TEMPLATE: &str = "\
Checks metrics of Confluent Cloud and exits with 0 OK, 1 warning, 2 critical, 3 unknown.

Usage: metric_gate METRIC --resource TYPE:ID --critical RANGE [OPTION]...
       metric_gate --file FILE [OPTION]...

Example: fail if the consumer group indexer lags by more than 10000 messages

  metric_gate io.confluent.kafka.server/consumer_lag_offsets --resource kafka:lkc-1234 \\
    --group-by metric.consumer_group_id --filter metric.consumer_group_id=indexer \\
    --last 10m --critical '~:10000' --output junit=lag.xml --output github=-

Query:
  --resource TYPE:ID       such as kafka:lkc-1234; if repeated, each is checked and must have data
  --filter LABEL=VALUE     keep series with this label value, or drop them with LABEL!=VALUE;
                           if repeated, all must match
  --group-by LABEL,...     check one series per combination of label values; can be repeated
  --last DURATION          check the last 15m, 1h or 2d of complete buckets (default: 1h)
  --since TIME             check from 2026-01-01T12:34:56Z on
  --within START/END       check the whole buckets between two times
  --retained               check everything that the service keeps
  --interval INTERVAL      check another window, in ISO 8601: now-2h/now, 2026-01-01T00:00Z/PT6H
  --granularity WIDTH      the width of a bucket (default: PT1M):
                           {granularities}

Check:
  --reduce FUNCTION        {reductions} (default: last); rate is per second
  --warning RANGE          the good values: 10 is 0 to 10, 10: at least 10, '~:10' at most 10,
  --critical RANGE         10:20 from 10 to 20, and @10:20 anything outside 10 to 20
  --quantifier COUNT       how many series must violate a threshold: any, all or a number
                           (default: any)
  --datapoints M/N         M of the last N buckets must violate a threshold, as in 3/5
  --compare-to DURATION    check the change since 1d or 7d earlier instead of the value
  --change KIND            {changes} (default: percent)
  --divide-by METRIC       check the ratio to another metric of the same resources and labels
  --divide-filter LABEL=VALUE
                           filter that metric by this instead of --filter; can be repeated
  --min-coverage SHARE     the share of buckets that must have data: 90% or 0.9 (default: any)
  --max-age DURATION       the maximum age of the latest point (default: 2 buckets with last)
  --expect LABEL=A,B       label values that must have data; the label must be in --group-by;
                           can be repeated
  --expect-at-least N      the number of series that must have data
  --on-missing STATUS      the status of missing data (default: unknown):
                           {statuses}
  --name NAME              the name of the check (default: the metric)

Many checks:
  --file FILE              run all checks of a JSON file at once, and write one report. The file
                           is a list of objects with the names of the options above:
                           [{\"metric\": \"...\", \"resource\": \"kafka:lkc-1234\", \"critical\": \"10\"}]

Waiting:
  --wait DURATION          repeat the check until it is OK, for at most this time; changes of the
                           status are shown on standard error
  --every DURATION         the time between two checks (default: one bucket, at least 15s)
  --consecutive N          how often in a row it must be OK, each with new data (default: 1)
  --initial-delay DURATION wait before the first check
  --wait-since TIME        use only data from this time on, such as the end of a deployment.
                           --wait must then be at least 2 buckets, 3m and one --every: 6m by
                           default, and 1m longer for each further --consecutive

Output:
  --format FORMAT          {formats} (default: text)
  --output FORMAT=FILE     write a report to a file, or to standard output if it is -;
                           can be repeated. --output FILE uses the format of --format. Text goes
                           to standard output unless another format does.
  --append                 append to the files. A report for the file in GITHUB_STEP_SUMMARY is
                           always appended.
  --warnings-pass          exit with 0 instead of 1 on a warning

Connection, with the key in CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET:
  --dataset NAME           the dataset (default: cloud)
  --base-url URL           the service (default: CONFLUENT_METRICS_BASE_URL, else Confluent Cloud)
  --ca-file FILE           PEM file that replaces the built-in root certificates
                           (default: CONFLUENT_METRICS_CA_FILE)
  --retention DURATION     how long the service keeps data (default: 7d)
  --deadline DURATION      the time limit of one check or one --file (default: 5m)
  --emulator               use an emulator with the demo clusters lkc-1 and lkc-2; needs no key

  -h, --help               print this help
  -V, --version            print the version

A DURATION is a whole number with a unit: 90s, 15m, 1h or 2d.

In a shell script, exit code 1 stops `set -e` as every failure does: use --warnings-pass if a
warning may pass. `metric_gate ... | tee log` exits with the code of tee, which is 0, unless
`set -o pipefail` is on: use --output text=log instead.
";

/// Returns the help, with the names that the library accepts.
pub(crate) fn text() -> String {
    TEMPLATE
        .replace(
            "{granularities}",
            &list(Granularity::VARIANTS, Granularity::as_str),
        )
        .replace("{reductions}", &list(Reduce::VARIANTS, Reduce::as_str))
        .replace("{changes}", &list(Change::VARIANTS, Change::as_str))
        .replace("{statuses}", &list(Missing::VARIANTS, Missing::as_str))
        .replace("{formats}", &list(Format::VARIANTS, Format::as_str))
}

/// Returns the line of `--version`.
pub(crate) fn version() -> String {
    format!("metric_gate {}\n", env!("CARGO_PKG_VERSION"))
}

fn list<T: Copy>(variants: &[T], name: fn(T) -> &'static str) -> String {
    let names: Vec<_> = variants.iter().map(|variant| name(*variant)).collect();
    names.join(", ")
}
