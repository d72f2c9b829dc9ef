//! Auto traits and sizes that programs rely on.

use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::time::SystemTime;

use confluent_metrics::check::{
    Change, Check, Finding, Format, Missing, Quantifier, Reduce, Report, Status, Threshold, Wait,
};
use confluent_metrics::*;

#[test]
fn auto_traits() {
    fn shared<T: Send + Sync + Unpin + 'static + Debug>() {}
    fn value<T: Clone + PartialEq>() {}
    fn key<T: Ord + Hash + Clone>() {}
    shared::<Client>();
    shared::<CancelToken>();
    shared::<ClientBuilder>();
    shared::<Credentials>();
    shared::<Error>();
    shared::<Event>();
    shared::<Pages<Series>>();
    shared::<Page<Series>>();
    shared::<Query>();
    shared::<QueryResult>();
    shared::<AttributeQuery>();
    shared::<ExportRequest>();
    shared::<DiscoveryRequest>();
    shared::<Export>();
    shared::<Sample>();
    shared::<Check>();
    shared::<Report>();
    shared::<Wait>();
    key::<Labels>();
    key::<Status>();
    key::<Timestamp>();
    key::<Granularity>();
    key::<Resource>();
    value::<AttributeQuery>();
    value::<ExportRequest>();
    value::<Export>();
    value::<Sample>();
    value::<TargetGroup>();
    value::<MetricDescriptor>();
    value::<ResourceDescriptor>();
    value::<LabelDescriptor>();
    value::<MetricKind>();
    value::<LifecycleStage>();
    value::<Query>();
    value::<Filter>();
    value::<Interval>();
    value::<Series>();
    value::<QueryResult>();
    value::<Completeness>();
    value::<Event>();
    value::<EventKind>();
    value::<Check>();
    value::<Report>();
    value::<Finding>();
    value::<Threshold>();
    value::<Change>();
    value::<Wait>();
    fn error<T: StdError + Display>() {}
    error::<Error>();
    fn text<T: FromStr<Err = Error> + Display>() {}
    text::<Timestamp>();
    text::<Interval>();
    text::<Granularity>();
    text::<Threshold>();
    text::<Reduce>();
    text::<Change>();
    text::<Missing>();
    text::<Quantifier>();
    text::<Format>();
    fn collected<T: FromIterator<T> + Extend<T> + Default + Display>() {}
    collected::<Report>();
    fn system<T: TryFrom<SystemTime> + Into<SystemTime>>() {}
    system::<Timestamp>();
    fn iterated<T: IntoIterator<Item = U>, U>() {}
    iterated::<QueryResult, Series>();
    iterated::<&QueryResult, &Series>();
    iterated::<Page<Series>, Series>();
    iterated::<Export, Sample>();
    iterated::<&Export, &Sample>();
    fn fused<T: std::iter::FusedIterator<Item = Result<Page<Series>, Error>>>() {}
    fused::<Pages<Series>>();
    fn cloned<T: Clone>() {}
    cloned::<Client>();
    cloned::<CancelToken>();
}
