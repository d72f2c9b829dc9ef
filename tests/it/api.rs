//! The public API: the traits of every type, and the names and signatures that programs rely on.

use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::io;
use std::iter::FusedIterator;
use std::ops::{Add, Index, Not, Sub};
use std::process::{ExitCode, Termination};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use confluent_metrics::check::{
    Change, Check, Finding, Format, Missing, Quantifier, Reduce, Report, Status, Threshold, Wait,
};
use confluent_metrics::iter::{IntoIter, Iter, LabelsIter, Values};
use confluent_metrics::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Asserts that every type implements all these traits.
macro_rules! assert_traits {
    ($($type:ty),+ : $($bound:tt)+) => {{
        fn implements<T: $($bound)+>() {}
        $(implements::<$type>();)+
    }};
}

#[test]
fn auto_traits() {
    assert_traits!(
        Client, ClientBuilder, CancelToken, Credentials, Error, ErrorKind, ApiError, Event, EventRequest,
        Progress, RateLimit, Query, AttributeQuery, ExportRequest, DiscoveryRequest,
        Filter, FilterValue, Resource, Labels, Point, Series, QueryResult, Completeness,
        Pages<Series>, Page<Series>, Export, Sample, TargetGroup, MetricDescriptor,
        ResourceDescriptor, LabelDescriptor, MetricKind, LifecycleStage, UnknownName, Timestamp,
        Granularity, Interval, Aggregation, Order, ExportFormat, Check, Report, Finding, Status,
        Threshold, Reduce, Quantifier, Missing, Change, Format, Wait, IntoIter<Series>,
        Iter<'static, Series>, LabelsIter<'static>, Values<'static>
        : Send + Sync + Unpin + Debug + 'static
    );
}

#[test]
fn values_are_cloned_compared_and_hashed() {
    assert_traits!(
        Point, Series, QueryResult, Page<Series>, Export, Sample, Event, Check, Report,
        Finding, Threshold, Wait : Clone
    );
    assert_traits!(Client, ClientBuilder, CancelToken, Credentials : Clone);
    assert_traits!(
        Point, Series, QueryResult, Export, Sample, Event, Check, Report, Finding,
        Threshold : Clone + PartialEq
    );
    assert_traits!(
        Query, AttributeQuery, ExportRequest, DiscoveryRequest, Filter, FilterValue, Interval,
        Completeness, ApiError, Progress, RateLimit, TargetGroup, MetricDescriptor,
        ResourceDescriptor, LabelDescriptor, Reduce, Quantifier, Missing, Change, Format
        : Clone + Eq + Hash
    );
    assert_traits!(
        Labels, Resource, Timestamp, Granularity, Aggregation, Order, ExportFormat, ErrorKind,
        Status, MetricKind, LifecycleStage, UnknownName, ApiError : Clone + Ord + Hash
    );
    assert_traits!(
        Point, Timestamp, Granularity, Interval, Aggregation, Order, ExportFormat, ErrorKind,
        Progress, RateLimit, Status, Threshold, Reduce, Quantifier, Missing, Change, Format
        : Copy
    );
    assert_traits!(
        Labels, Export, DiscoveryRequest, ExportFormat, Progress, ApiError, Report, Reduce,
        Quantifier, Missing, CancelToken : Default
    );
}

#[test]
fn texts_are_printed_and_parsed() {
    assert_traits!(
        Timestamp, Granularity, Interval, Resource, Aggregation, Order, ExportFormat, Status,
        Threshold, Reduce, Quantifier, Missing, Change, Format
        : FromStr<Err = Error> + Display
    );
    assert_traits!(
        Query, AttributeQuery, ExportRequest, DiscoveryRequest, Filter, FilterValue, Labels,
        Completeness, Progress, Event, MetricKind, LifecycleStage, UnknownName, Report, Error,
        ErrorKind, ApiError : Display
    );
    assert_traits!(MetricKind, LifecycleStage : From<&'static str> + From<String>);
    assert_traits!(Error : StdError);
}

#[test]
fn values_are_written_and_read() {
    assert_traits!(
        Timestamp, Granularity, Interval, Resource, Aggregation, Order, Filter, FilterValue, Query,
        AttributeQuery, Labels, Point, Series, QueryResult, Completeness, Threshold, Reduce,
        Quantifier, Missing, Change, Format, Status, MetricKind, LifecycleStage
        : Serialize + DeserializeOwned
    );
    assert_traits!(
        Export, Sample, TargetGroup, MetricDescriptor, ResourceDescriptor, LabelDescriptor,
        Report, Finding, ApiError, Progress, RateLimit : Serialize
    );
}

#[test]
fn conversions_and_operators() {
    assert_traits!(Timestamp : TryFrom<SystemTime, Error = Error> + Into<SystemTime>);
    assert_traits!(
        Timestamp
        : Add<Duration, Output = Timestamp> + Sub<Duration, Output = Timestamp>
            + Sub<Timestamp, Output = Duration>
    );
    assert_traits!(Granularity : TryFrom<Duration, Error = Error>);
    assert_traits!(Filter : From<Resource> + Not<Output = Filter>);
    assert_traits!(
        FilterValue
        : From<&'static str> + From<&'static String> + From<String> + From<i32> + From<u32>
            + From<i64>
    );
    assert_traits!(
        Labels
        : From<[(&'static str, String); 2]> + From<[(String, &'static str); 0]>
            + FromIterator<(String, String)> + FromIterator<(&'static str, &'static str)>
            + Index<&'static str, Output = str>
    );
    assert_traits!(ExportRequest : From<&'static TargetGroup>);
    assert_traits!(ExitCode : From<Status>);
    assert_traits!(Report : Termination + FromIterator<Report> + Extend<Report>);
    assert_traits!(Export : Extend<Export>);
}

#[test]
fn iterators_have_names_and_are_exact() {
    assert_traits!(Series : IntoIterator<Item = Point, IntoIter = IntoIter<Point>>);
    assert_traits!(&'static Series : IntoIterator<IntoIter = Iter<'static, Point>>);
    assert_traits!(QueryResult : IntoIterator<Item = Series, IntoIter = IntoIter<Series>>);
    assert_traits!(&'static QueryResult : IntoIterator<IntoIter = Iter<'static, Series>>);
    assert_traits!(Page<Series> : IntoIterator<Item = Series, IntoIter = IntoIter<Series>>);
    assert_traits!(&'static Page<Series> : IntoIterator<IntoIter = Iter<'static, Series>>);
    assert_traits!(Export : IntoIterator<Item = Sample, IntoIter = IntoIter<Sample>>);
    assert_traits!(&'static Export : IntoIterator<IntoIter = Iter<'static, Sample>>);
    assert_traits!(Report : IntoIterator<Item = Finding, IntoIter = IntoIter<Finding>>);
    assert_traits!(&'static Report : IntoIterator<IntoIter = Iter<'static, Finding>>);
    assert_traits!(&'static Labels : IntoIterator<IntoIter = LabelsIter<'static>>);
    assert_traits!(
        IntoIter<Point>, Iter<'static, Point>, LabelsIter<'static>, Values<'static>
        : Clone + ExactSizeIterator + DoubleEndedIterator + FusedIterator
    );
    assert_traits!(Pages<Series> : FusedIterator<Item = Result<Page<Series>, Error>>);
}

#[test]
fn sizes() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Point>(), 16);
    assert_eq!(size_of::<Labels>(), 16);
}

#[test]
fn constants_are_usable_in_constants() {
    const DAY: Interval = Interval::last_days(1);
    const SHIFTED: Interval = Interval::last_hours(6).shifted_back(Duration::from_secs(86_400));
    const LIMITS: [Threshold; 4] = [
        Threshold::above(1.0),
        Threshold::below(1.0),
        Threshold::outside(1.0, 2.0),
        Threshold::inside(1.0, 2.0),
    ];
    const NAME: &str = Granularity::OneDay.as_str();
    const WIDTH: Option<Duration> = Granularity::OneDay.duration();
    const AGE: Duration = Timestamp::MAX.duration_since(Timestamp::UNIX_EPOCH);
    const CODE: u8 = Status::Critical.exit_code();
    assert_eq!((DAY, NAME), (Interval::last_hours(24), "P1D"));
    assert_eq!(SHIFTED.to_string(), "last/PT6H@-P1D");
    assert_eq!((LIMITS.len(), CODE), (4, 2));
    assert!(WIDTH < Some(AGE));
}

/// Asserts the types of functions. A closure stands for a function with generic parameters.
macro_rules! assert_signatures {
    ($($function:expr => $signature:ty;)+) => {
        $(let _: $signature = $function;)+
    };
}

type Outcome<T> = Result<T, Error>;

type TokenProvider = fn() -> Result<String, Box<dyn StdError + Send + Sync>>;

#[test]
fn names_of_clients() {
    assert_signatures! {
        |key: &str, secret: &str| Credentials::api_key(key, secret) => fn(&str, &str) -> Outcome<Credentials>;
        |token: &str| Credentials::bearer(token) => fn(&str) -> Outcome<Credentials>;
        |token: TokenProvider| Credentials::bearer_from(token) => fn(TokenProvider) -> Credentials;
        Credentials::from_env => fn() -> Outcome<Credentials>;
        Client::new => fn(Credentials) -> Client;
        Client::builder => fn(Credentials) -> ClientBuilder;
        Client::from_env => fn() -> Outcome<Client>;
        Client::builder_from_env => fn() -> Outcome<ClientBuilder>;
        Client::with_deadline => fn(&Client, Duration) -> Client;
        Client::with_cancel => fn(&Client, &CancelToken) -> Client;
        CancelToken::new => fn() -> CancelToken;
        CancelToken::cancel => fn(&CancelToken);
        CancelToken::is_cancelled => fn(&CancelToken) -> bool;
        CancelToken::wait_timeout => fn(&CancelToken, Duration) -> bool;
        |builder, url: &str| ClientBuilder::base_url(builder, url) => fn(ClientBuilder, &str) -> ClientBuilder;
        |builder, name: &str| ClientBuilder::dataset(builder, name) => fn(ClientBuilder, &str) -> ClientBuilder;
        ClientBuilder::attempt_timeout => fn(ClientBuilder, Duration) -> ClientBuilder;
        ClientBuilder::connect_timeout => fn(ClientBuilder, Duration) -> ClientBuilder;
        ClientBuilder::deadline => fn(ClientBuilder, Duration) -> ClientBuilder;
        ClientBuilder::max_retries => fn(ClientBuilder, u32) -> ClientBuilder;
        ClientBuilder::max_response_bytes => fn(ClientBuilder, u64) -> ClientBuilder;
        ClientBuilder::data_latency => fn(ClientBuilder, Duration) -> ClientBuilder;
        ClientBuilder::retention => fn(ClientBuilder, Duration) -> ClientBuilder;
        ClientBuilder::concurrency => fn(ClientBuilder, usize) -> ClientBuilder;
        |builder, url: &str| ClientBuilder::proxy(builder, url) => fn(ClientBuilder, &str) -> ClientBuilder;
        ClientBuilder::without_proxy => fn(ClientBuilder) -> ClientBuilder;
        |builder, pem: &str| ClientBuilder::root_certificates_pem(builder, pem)
            => fn(ClientBuilder, &str) -> ClientBuilder;
        |builder, name: &str| ClientBuilder::user_agent(builder, name) => fn(ClientBuilder, &str) -> ClientBuilder;
        |builder| ClientBuilder::on_event(builder, |_: &Event| {}) => fn(ClientBuilder) -> ClientBuilder;
        ClientBuilder::endpoint_from_env => fn(ClientBuilder) -> Outcome<ClientBuilder>;
        ClientBuilder::build => fn(ClientBuilder) -> Outcome<Client>;
        Client::query => fn(&Client, &Query) -> Outcome<QueryResult>;
        Client::query_all => fn(&Client, &[Query]) -> Vec<Outcome<QueryResult>>;
        Client::query_pages => fn(&Client, &Query) -> Pages<Series>;
        Client::request_bodies => fn(&Client, &Query) -> Outcome<Vec<String>>;
        Client::attributes => fn(&Client, &AttributeQuery) -> Outcome<Vec<Labels>>;
        Client::metric_descriptors => fn(&Client) -> Outcome<Vec<MetricDescriptor>>;
        Client::resource_descriptors => fn(&Client) -> Outcome<Vec<ResourceDescriptor>>;
        Client::export => fn(&Client, &ExportRequest) -> Outcome<Export>;
        Client::export_text => fn(&Client, &ExportRequest, ExportFormat) -> Outcome<String>;
        Client::discover => fn(&Client, &DiscoveryRequest) -> Outcome<Vec<TargetGroup>>;
        Client::check_access => fn(&Client, &Resource) -> Outcome<()>;
        Client::rate_limits => fn(&Client) -> Vec<RateLimit>;
        RateLimit::limit => fn(&RateLimit) -> u64;
        RateLimit::remaining => fn(&RateLimit) -> u64;
        RateLimit::reset => fn(&RateLimit) -> Duration;
        |limit| limit.operation() => fn(&RateLimit) -> Option<&str>;
        |event| event.operation() => fn(&Event) -> &str;
        Event::request_id => fn(&Event) -> u64;
        Event::window => fn(&Event) -> Option<(Timestamp, Timestamp)>;
    }
}

#[test]
fn names_of_requests() {
    assert_signatures! {
        |metric: &str, granularity, interval| Query::new(metric, granularity, interval)
            => fn(&str, Granularity, Interval) -> Query;
        |query: Query, filter: Filter| query.filter(filter) => fn(Query, Filter) -> Query;
        |query: Query, labels: Vec<String>| query.group_by(labels) => fn(Query, Vec<String>) -> Query;
        Query::add_interval => fn(Query, Interval) -> Query;
        Query::aggregation => fn(Query, Aggregation) -> Query;
        Query::order => fn(Query, Order) -> Query;
        Query::limit => fn(Query, u32) -> Query;
        Query::allow_truncated => fn(Query) -> Query;
        |query: Query, name: &str, value: &str| query.extra_aggregation(name, value)
            => fn(Query, &str, &str) -> Query;
        Query::metric => fn(&Query) -> &str;
        Query::granularity => fn(&Query) -> Granularity;
        Query::intervals => fn(&Query) -> &[Interval];
        Query::condition => fn(&Query) -> Option<&Filter>;
        Query::group_labels => fn(&Query) -> &[String];
        Query::aggregation_function => fn(&Query) -> Option<Aggregation>;
        Query::group_order => fn(&Query) -> Option<Order>;
        Query::group_limit => fn(&Query) -> Option<u32>;
        Query::allows_truncated => fn(&Query) -> bool;
        Query::extra_aggregations => fn(&Query) -> &[(String, String)];
        |label: &str, value: &str| Filter::eq(label, value) => fn(&str, &str) -> Filter;
        |label: &str, value: i64| Filter::gt(label, value) => fn(&str, i64) -> Filter;
        |label: &str, value: u32| Filter::gte(label, value) => fn(&str, u32) -> Filter;
        |label: &str, values: [i32; 2]| Filter::one_of(label, values) => fn(&str, [i32; 2]) -> Filter;
        |filters: Vec<Filter>| Filter::all(filters) => fn(Vec<Filter>) -> Filter;
        |filters: [Filter; 2]| Filter::any(filters) => fn([Filter; 2]) -> Filter;
        |one: Filter, other: Resource| one.and(other) => fn(Filter, Resource) -> Filter;
        |one: Filter, other: Filter| one.or(other) => fn(Filter, Filter) -> Filter;
        |id: &str| Resource::kafka(id) => fn(&str) -> Resource;
        |id: &str| Resource::connector(id) => fn(&str) -> Resource;
        |id: &str| Resource::custom_connector(id) => fn(&str) -> Resource;
        |id: &str| Resource::ksql(id) => fn(&str) -> Resource;
        |id: &str| Resource::schema_registry(id) => fn(&str) -> Resource;
        |id: &str| Resource::compute_pool(id) => fn(&str) -> Resource;
        |name: &str| Resource::flink_statement(name) => fn(&str) -> Resource;
        |resource_type: &str, id: String| Resource::new(resource_type, id) => fn(&str, String) -> Resource;
        Granularity::as_str => fn(Granularity) -> &'static str;
        Granularity::duration => fn(Granularity) -> Option<Duration>;
        Granularity::max_interval => fn(Granularity) -> Option<Duration>;
        Granularity::floor => fn(Granularity, Timestamp) -> Timestamp;
        Granularity::ceil => fn(Granularity, Timestamp) -> Timestamp;
        Interval::last => fn(Duration) -> Interval;
        Interval::last_minutes => fn(u32) -> Interval;
        Interval::last_hours => fn(u32) -> Interval;
        Interval::last_days => fn(u32) -> Interval;
        Interval::retained => fn() -> Interval;
        Interval::since => fn(Timestamp) -> Interval;
        Interval::within => fn(Timestamp, Timestamp) -> Interval;
        Interval::between => fn(Timestamp, Timestamp) -> Interval;
        Interval::starting_at => fn(Timestamp, Duration) -> Interval;
        Interval::ending_at => fn(Timestamp, Duration) -> Interval;
        Interval::shifted_back => fn(Interval, Duration) -> Interval;
        |metric: &str, labels: [&str; 1]| AttributeQuery::new(metric, labels)
            => fn(&str, [&str; 1]) -> AttributeQuery;
        |query: AttributeQuery, filter: Resource| query.filter(filter)
            => fn(AttributeQuery, Resource) -> AttributeQuery;
        AttributeQuery::interval => fn(AttributeQuery, Interval) -> AttributeQuery;
        AttributeQuery::limit => fn(AttributeQuery, u32) -> AttributeQuery;
        AttributeQuery::metric => fn(&AttributeQuery) -> &str;
        AttributeQuery::labels => fn(&AttributeQuery) -> &[String];
        AttributeQuery::intervals => fn(&AttributeQuery) -> &[Interval];
        AttributeQuery::condition => fn(&AttributeQuery) -> Option<&Filter>;
        AttributeQuery::value_limit => fn(&AttributeQuery) -> Option<u32>;
        |resources: Vec<Resource>| ExportRequest::new(resources) => fn(Vec<Resource>) -> ExportRequest;
        |request: ExportRequest, name: &str| request.metric(name) => fn(ExportRequest, &str) -> ExportRequest;
        ExportRequest::ignore_failed_metrics => fn(ExportRequest, bool) -> ExportRequest;
        ExportRequest::resources => fn(&ExportRequest) -> &[Resource];
        ExportRequest::metrics => fn(&ExportRequest) -> &[String];
        ExportRequest::ignores_failed_metrics => fn(&ExportRequest) -> bool;
        DiscoveryRequest::new => fn() -> DiscoveryRequest;
        |request: DiscoveryRequest, id: &str| request.environment(id)
            => fn(DiscoveryRequest, &str) -> DiscoveryRequest;
        |request: DiscoveryRequest, id: &str| request.kafka_cluster(id)
            => fn(DiscoveryRequest, &str) -> DiscoveryRequest;
        |request: DiscoveryRequest, name: &str| request.resource_type(name)
            => fn(DiscoveryRequest, &str) -> DiscoveryRequest;
        DiscoveryRequest::environment_id => fn(&DiscoveryRequest) -> Option<&str>;
        DiscoveryRequest::kafka_cluster_id => fn(&DiscoveryRequest) -> Option<&str>;
        DiscoveryRequest::type_name => fn(&DiscoveryRequest) -> Option<&str>;
    }
}

#[test]
fn names_of_results() {
    assert_signatures! {
        QueryResult::series => fn(&QueryResult) -> &[Series];
        QueryResult::into_series => fn(QueryResult) -> Vec<Series>;
        QueryResult::completeness => fn(&QueryResult) -> &Completeness;
        QueryResult::metric => fn(&QueryResult) -> &str;
        QueryResult::granularity => fn(&QueryResult) -> Granularity;
        QueryResult::intervals => fn(&QueryResult) -> &[(Timestamp, Timestamp)];
        QueryResult::from_json => fn(&Query, &[u8]) -> Outcome<QueryResult>;
        |query: &Query, series: Vec<Series>| QueryResult::from_series(query, series)
            => fn(&Query, Vec<Series>) -> Outcome<QueryResult>;
        Completeness::is_complete => fn(&Completeness) -> bool;
        Series::new => fn(Labels, Vec<Point>) -> Series;
        Series::newest_null => fn(&Series) -> Option<Timestamp>;
        Series::labels => fn(&Series) -> &Labels;
        Series::points => fn(&Series) -> &[Point];
        Series::into_points => fn(Series) -> Vec<Point>;
        Series::last => fn(&Series) -> Option<Point>;
        Series::values => fn(&Series) -> Values<'_>;
        Series::sum => fn(&Series) -> f64;
        Series::min => fn(&Series) -> Option<f64>;
        Series::max => fn(&Series) -> Option<f64>;
        Series::mean => fn(&Series) -> Option<f64>;
        |timestamp, value| Point { timestamp, value } => fn(Timestamp, f64) -> Point;
        |labels, name| labels.get(name) => for<'a> fn(&'a Labels, &str) -> Option<&'a str>;
        Labels::iter => fn(&Labels) -> LabelsIter<'_>;
        Labels::len => fn(&Labels) -> usize;
        Labels::is_empty => fn(&Labels) -> bool;
        Timestamp::from_second => fn(i64) -> Outcome<Timestamp>;
        Timestamp::from_millisecond => fn(i64) -> Outcome<Timestamp>;
        Timestamp::as_second => fn(Timestamp) -> i64;
        Timestamp::as_millisecond => fn(Timestamp) -> i64;
        Timestamp::now => fn() -> Timestamp;
        Timestamp::checked_add => fn(Timestamp, Duration) -> Option<Timestamp>;
        Timestamp::checked_sub => fn(Timestamp, Duration) -> Option<Timestamp>;
        Timestamp::duration_since => fn(Timestamp, Timestamp) -> Duration;
        Page::items => fn(&Page<Series>) -> &[Series];
        Page::into_items => fn(Page<Series>) -> Vec<Series>;
        Page::interval => fn(&Page<Series>) -> (Timestamp, Timestamp);
        Page::progress => fn(&Page<Series>) -> Progress;
        MetricDescriptor::name => fn(&MetricDescriptor) -> &str;
        MetricDescriptor::description => fn(&MetricDescriptor) -> &str;
        MetricDescriptor::unit => fn(&MetricDescriptor) -> &str;
        MetricDescriptor::kind => fn(&MetricDescriptor) -> &MetricKind;
        MetricDescriptor::lifecycle_stage => fn(&MetricDescriptor) -> &LifecycleStage;
        MetricDescriptor::is_exportable => fn(&MetricDescriptor) -> Option<bool>;
        MetricDescriptor::resources => fn(&MetricDescriptor) -> &[String];
        MetricDescriptor::labels => fn(&MetricDescriptor) -> &[LabelDescriptor];
        ResourceDescriptor::resource_type => fn(&ResourceDescriptor) -> &str;
        ResourceDescriptor::description => fn(&ResourceDescriptor) -> &str;
        ResourceDescriptor::labels => fn(&ResourceDescriptor) -> &[LabelDescriptor];
        LabelDescriptor::key => fn(&LabelDescriptor) -> &str;
        LabelDescriptor::description => fn(&LabelDescriptor) -> &str;
        Export::samples => fn(&Export) -> &[Sample];
        Export::inaccessible => fn(&Export) -> &[Resource];
        Export::failed_metrics => fn(&Export) -> &[String];
        Export::completeness => fn(&Export) -> Completeness;
        Export::require_complete => fn(Export) -> Outcome<Export>;
        Export::parse => fn(&str) -> Outcome<Export>;
        Sample::name => fn(&Sample) -> &str;
        Sample::labels => fn(&Sample) -> &Labels;
        Sample::value => fn(&Sample) -> f64;
        Sample::timestamp => fn(&Sample) -> Option<Timestamp>;
        TargetGroup::targets => fn(&TargetGroup) -> &[String];
        TargetGroup::labels => fn(&TargetGroup) -> &Labels;
        TargetGroup::resources => fn(&TargetGroup) -> Vec<Resource>;
        |kind, message: &str| Error::new(kind, message) => fn(ErrorKind, &str) -> Error;
        Error::with_status => fn(Error, u16) -> Error;
        Error::with_retry_after => fn(Error, Duration) -> Error;
        Error::kind => fn(&Error) -> ErrorKind;
        Error::status => fn(&Error) -> Option<u16>;
        Error::api_errors => fn(&Error) -> &[ApiError];
        Error::body => fn(&Error) -> Option<&str>;
        Error::retry_after => fn(&Error) -> Option<Duration>;
        Error::hint => fn(&Error) -> Option<&str>;
        Error::is_timeout => fn(&Error) -> bool;
        Error::is_transient => fn(&Error) -> bool;
        ApiError::id => fn(&ApiError) -> Option<&str>;
        ApiError::status => fn(&ApiError) -> Option<&str>;
        ApiError::code => fn(&ApiError) -> Option<&str>;
        ApiError::detail => fn(&ApiError) -> Option<&str>;
    }
    let export = Export::parse("sent_bytes 7\n").unwrap();
    // The iterator does not borrow the name.
    let samples = export.samples_of(&String::from("sent_bytes"));
    assert_eq!(samples.count(), 1);
}

#[test]
fn names_of_checks() {
    assert_signatures! {
        Check::new => fn(Query) -> Check;
        Check::reduce => fn(Check, Reduce) -> Check;
        Check::warning => fn(Check, Threshold) -> Check;
        Check::critical => fn(Check, Threshold) -> Check;
        Check::on_missing => fn(Check, Missing) -> Check;
        Check::max_age => fn(Check, Duration) -> Check;
        Check::min_coverage => fn(Check, f64) -> Check;
        Check::expect_at_least => fn(Check, usize) -> Check;
        |check: Check, label: &str, values: [&str; 2]| check.expect_labels(label, values)
            => fn(Check, &str, [&str; 2]) -> Check;
        Check::quantifier => fn(Check, Quantifier) -> Check;
        Check::datapoints => fn(Check, usize, usize) -> Check;
        Check::compare_to => fn(Check, Duration, Change) -> Check;
        Check::divide_by => fn(Check, Query) -> Check;
        Check::run => fn(&Check, &Client) -> Report;
        Check::judge => fn(&Check, &QueryResult, Timestamp) -> Report;
        Check::queries => fn(&Check) -> Vec<Query>;
        Check::judge_all => fn(&Check, &[QueryResult], Timestamp) -> Report;
        Check::wait => fn(&Check, &Client, &Wait) -> Report;
        Wait::up_to => fn(Duration) -> Wait;
        Wait::every => fn(Wait, Duration) -> Wait;
        Wait::initial_delay => fn(Wait, Duration) -> Wait;
        Wait::since => fn(Wait, Timestamp) -> Wait;
        |wait: Wait, on_judgment: fn(&Report)| wait.on_judgment(on_judgment)
            => fn(Wait, fn(&Report)) -> Wait;
        Threshold::above => fn(f64) -> Threshold;
        Threshold::below => fn(f64) -> Threshold;
        Threshold::outside => fn(f64, f64) -> Threshold;
        Threshold::inside => fn(f64, f64) -> Threshold;
        Report::status => fn(&Report) -> Status;
        Finding::error_kind => fn(&Finding) -> Option<ErrorKind>;
        Report::exit_code => fn(&Report) -> u8;
        Report::summary => fn(&Report) -> String;
        Report::findings => fn(&Report) -> &[Finding];
        |report, format, out: Vec<u8>| Report::write(report, format, out)
            => fn(&Report, Format, Vec<u8>) -> io::Result<()>;
        |report, format, out: &mut Vec<u8>| Report::write(report, format, out)
            => fn(&Report, Format, &mut Vec<u8>) -> io::Result<()>;
    }
    let every_format = [
        Format::Text,
        Format::Nagios,
        Format::JUnit,
        Format::GitHub,
        Format::Markdown,
        Format::Json,
    ];
    assert_eq!(every_format, Format::VARIANTS);
    let every_reduction = [
        Reduce::Last,
        Reduce::Min,
        Reduce::Max,
        Reduce::Mean,
        Reduce::Sum,
        Reduce::Rate,
    ];
    assert_eq!(every_reduction, Reduce::VARIANTS);
    assert_eq!(Report::default().report(), ExitCode::from(3));
}

#[test]
fn kinds_of_errors() {
    let names: Vec<_> = [
        ErrorKind::InvalidInput,
        ErrorKind::Unauthorized,
        ErrorKind::Forbidden,
        ErrorKind::NotFound,
        ErrorKind::Rejected,
        ErrorKind::RateLimited,
        ErrorKind::Server,
        ErrorKind::Timeout,
        ErrorKind::Cancelled,
        ErrorKind::Connection,
        ErrorKind::Tls,
        ErrorKind::Redirect,
        ErrorKind::TooLarge,
        ErrorKind::Decode,
        ErrorKind::Incomplete,
        ErrorKind::ClockSkew,
    ]
    .map(|kind| kind.to_string())
    .into();
    assert_eq!(
        names.join(" "),
        "InvalidInput Unauthorized Forbidden NotFound Rejected RateLimited Server Timeout \
         Cancelled Connection Tls Redirect TooLarge Decode Incomplete ClockSkew"
    );
}
