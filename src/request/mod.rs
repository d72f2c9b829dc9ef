//! Requests as plain values, and every check that needs no network.
//!
//! A request is sent in these steps, of which the first three are here:
//! 1. The user builds a value, such as `Query`. That never fails.
//! 2. The value is validated. `problems` collects what is wrong into one error.
//! 3. `plan` and `body` turn a query into JSON bodies. `export` and `discovery` create the part of
//!    a URL after the path.
//! 4. `transport` sends it to the path that `operation` lists.
//!
//! ```text
//! Query::new("io.a/b", Granularity::OneHour, "2026-01-01T00:00:00Z/PT1H")
//! ```
//!
//! ```json
//! {"aggregations": [{"metric": "io.a/b"}], "granularity": "PT1H",
//!  "intervals": ["2026-01-01T00:00:00Z/2026-01-01T01:00:00Z"], "format": "FLAT"}
//! ```

pub(crate) mod aggregation;
pub(crate) mod attribute_query;
pub(crate) mod body;
pub(crate) mod discovery;
pub(crate) mod export;
pub(crate) mod operation;
pub(crate) mod order;
pub(crate) mod plan;
pub(crate) mod problems;
pub(crate) mod query;
pub(crate) mod query_getters;
