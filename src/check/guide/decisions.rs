//! The status of each kind of data that has no number to judge.
//!
//! `on_missing` is the status of [`Check::on_missing`](crate::check::Check::on_missing), which
//! defaults to Unknown. Everything else is Unknown, whatever that setting is, and the exit code is
//! 3. A test verifies every row.
//!
//! A ratio is a value [divided](crate::check::Check::divide_by) by that of another query. A
//! baseline is the value of an [earlier window](crate::check::Check::compare_to). Buckets are
//! judged one by one with [`datapoints`](crate::check::Check::datapoints).
//!
//! | no number because of | status |
//! | --- | --- |
//! | no series | `on_missing` |
//! | no point | `on_missing` |
//! | a watermark that is not set | `on_missing` |
//! | no watermark that is set | `on_missing` |
//! | too few series for a quantifier | `on_missing` |
//! | a last value that is stale | Unknown |
//! | older than `max_age` | Unknown |
//! | a sum that is too large | Unknown |
//! | a point of another window | Unknown |
//! | neither threshold nor expectation | Unknown |
//! | only an age | Unknown |
//! | a threshold that is not a number | Unknown |
//! | a threshold that is infinite | Unknown |
//! | a range the wrong way round | Unknown |
//! | expectations of nothing | Unknown |
//! | a divisor of zero | `on_missing` |
//! | a divisor of minus zero | `on_missing` |
//! | a divisor without this series | `on_missing` |
//! | a divisor without data | `on_missing` |
//! | a divisor whose watermark is not set | `on_missing` |
//! | a divisor that is stale | Unknown |
//! | a divisor with too little data | Unknown |
//! | nothing to divide | `on_missing` |
//! | nothing to divide, with a divisor that is stale | Unknown |
//! | a dividend without data and a divisor that is stale | Unknown |
//! | a ratio that is too large | Unknown |
//! | no series but a divisor | `on_missing` |
//! | a new series | `on_missing` |
//! | a series that has vanished | `on_missing` |
//! | no series but a baseline | `on_missing` |
//! | no percentage of a baseline of zero | `on_missing` |
//! | no ratio to a baseline of zero | `on_missing` |
//! | a baseline without data | `on_missing` |
//! | a baseline whose watermark is not set | `on_missing` |
//! | a baseline that stopped early | Unknown |
//! | a vanished series whose baseline stopped early | Unknown |
//! | a baseline with too little data | Unknown |
//! | a value that is missing and a baseline that stopped early | Unknown |
//! | a value that is missing and a baseline | `on_missing` |
//! | a value that is stale and a baseline | Unknown |
//! | a change that is too large | Unknown |
//! | a ratio whose baseline has a divisor of zero | `on_missing` |
//! | a ratio whose baseline has no divisor | `on_missing` |
//! | a baseline that is a ratio of zero | `on_missing` |
//! | too few buckets with data | Unknown |
//! | no bucket with data | Unknown |
//! | a series without points, by bucket | Unknown |
//! | buckets with unset watermarks alone | Unknown |
//! | a bucket without data that could decide | Unknown |
//! | buckets that are too old | Unknown |
//! | too little data for single buckets | Unknown |
//! | no series, by bucket | `on_missing` |
//!
//! Data of which one part is missing and another cannot be relied on is Unknown. A change or ratio
//! that is certainly critical is critical, whatever the other series are.
