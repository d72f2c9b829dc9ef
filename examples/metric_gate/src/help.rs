//! The text of `--help`.

use confluent_metrics::Granularity;
use confluent_metrics::check::{Format, Missing, Reduce};

const TEMPLATE: &str = "\
Checks a metric of Confluent Cloud and exits with 0 OK, 1 warning, 2 critical, 3 unknown.

Usage: metric_gate METRIC --resource TYPE:ID --critical RANGE [OPTION]...

Query:
  --resource TYPE:ID       such as kafka:lkc-1234; if repeated, each is checked and must have data
  --filter LABEL=VALUE     keep series with this label value, or drop them with LABEL!=VALUE;
                           if repeated, all must match
  --group-by LABEL,...     check one series per combination of label values; can be repeated
  --last DURATION          check the last 15m, 1h or 2d of complete buckets (default: 1h)
  --interval INTERVAL      check another window: since/2026-01-01T12:34:56Z, retained,
                           within/START/END, or ISO 8601: now-2h/now, 2026-01-01T00:00:00Z/PT6H
  --granularity WIDTH      the width of a bucket (default: PT1M):
                           {granularities}

Check:
  --reduce FUNCTION        {reductions} (default: last); rate is per second
  --warning RANGE          the good values: 10 is 0 to 10, 10: at least 10, '~:10' at most 10,
  --critical RANGE         10:20 from 10 to 20, and @10:20 anything outside 10 to 20
  --quantifier COUNT       how many series must violate a threshold: any, all or a number
                           (default: any)
  --min-coverage SHARE     the share of buckets that must have data, 0 to 1 (default: any)
  --max-age DURATION       the maximum age of the latest point (default: 2 buckets with last)
  --expect LABEL=A,B       label values that must have data; the label must be in --group-by;
                           can be repeated
  --expect-at-least N      the number of series that must have data
  --on-missing STATUS      the status of missing data (default: unknown):
                           {statuses}

Output:
  --name NAME              the name of the check (default: the metric)
  --format FORMAT          {formats} (default: text)
  --output FILE            write the format to a file, and text to standard output

Connection, with the key in CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET:
  --dataset NAME           the dataset (default: cloud)
  --base-url URL           the service (default: CONFLUENT_METRICS_BASE_URL, else Confluent Cloud)
  --ca-file FILE           PEM file that replaces the built-in root certificates
                           (default: CONFLUENT_METRICS_CA_FILE)
  --deadline DURATION      the time limit of the whole check (default: 5m)
  --emulator               use an emulator with the demo clusters lkc-1 and lkc-2; needs no key
  --help                   print this help

A DURATION is a whole number with a unit: 90s, 15m, 1h or 2d.
";

/// Returns the text with the names that the library accepts.
pub(crate) fn text() -> String {
    TEMPLATE
        .replace(
            "{granularities}",
            &list(Granularity::VARIANTS, Granularity::as_str),
        )
        .replace("{reductions}", &list(Reduce::VARIANTS, Reduce::as_str))
        .replace("{statuses}", &list(Missing::VARIANTS, Missing::as_str))
        .replace("{formats}", &list(Format::VARIANTS, Format::as_str))
}

fn list<T: Copy>(variants: &[T], name: fn(T) -> &'static str) -> String {
    let names: Vec<_> = variants.iter().map(|variant| name(*variant)).collect();
    names.join(", ")
}
