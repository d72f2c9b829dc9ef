//! The iterators of reports, and reports as the result of `main`.

use std::process::{ExitCode, Termination};

use crate::check::report::{Finding, Report};
use crate::model::iter::{IntoIter, Iter};

impl Termination for Report {
    /// Returns the [exit code](Report::exit_code), and prints nothing.
    ///
    /// ```no_run
    /// use confluent_metrics::check::{Check, Report, Threshold};
    /// use confluent_metrics::{Client, Error, Granularity, Interval, Query, Resource};
    ///
    /// fn main() -> Result<Report, Error> {
    ///     let load = "io.confluent.kafka.server/cluster_load_percent";
    ///     let query = Query::new(load, Granularity::FiveMinutes, Interval::last_hours(1))
    ///         .filter(Resource::kafka("lkc-1"));
    ///     let check = Check::new(query).critical(Threshold::above(0.9));
    ///     let report = check.run(&Client::from_env()?);
    ///     println!("{report}");
    ///     Ok(report)
    /// }
    /// ```
    fn report(self) -> ExitCode {
        self.status().into()
    }
}

impl IntoIterator for Report {
    type Item = Finding;
    type IntoIter = IntoIter<Finding>;

    fn into_iter(self) -> IntoIter<Finding> {
        IntoIter(self.findings.into_iter())
    }
}

#[expect(
    clippy::into_iter_without_iter,
    reason = "`findings` returns the slice"
)]
impl<'a> IntoIterator for &'a Report {
    type Item = &'a Finding;
    type IntoIter = Iter<'a, Finding>;

    fn into_iter(self) -> Iter<'a, Finding> {
        Iter(self.findings.iter())
    }
}
