//! The checks of the key, of the access to resources, and of the clock.

use std::env;

use confluent_metrics::{
    Client, DiscoveryRequest, Error, Granularity, Interval, Query, Resource, TargetGroup,
};

/// Runs all checks. Returns true if all is well.
pub(crate) fn run(client: &Client) -> bool {
    let groups = match client.discover(&DiscoveryRequest::new()) {
        Ok(groups) => groups,
        Err(error) => return report("key", &Err(&error)),
    };
    report("key", &Ok("a Cloud API key, which the service accepts"));
    let arguments = env::args().skip(1).map(|text| text.parse());
    let mut resources: Vec<Resource> = match arguments.collect() {
        Ok(resources) => resources,
        Err(error) => return report("arguments", &Err(&error)),
    };
    if resources.is_empty() {
        resources = groups.iter().flat_map(TargetGroup::resources).collect();
    }
    let mut readable = Vec::new();
    for resource in &resources {
        let name = format!("{} {}", resource.resource_type(), resource.id());
        if report(
            &name,
            &client.check_access(resource).as_ref().map(|()| "readable"),
        ) {
            readable.push(resource);
        }
    }
    let Some(resource) = readable.first() else {
        println!("FAILED  no resource is readable");
        println!("        next: give the owner of the key the MetricsViewer role");
        return false;
    };
    let clock = check_clock(client, resource);
    let is_right = report("clock", &clock.as_ref().map(|()| "as that of the service"));
    is_right && readable.len() == resources.len()
}

/// Sends a query with a relative interval, which fails if the two clocks differ.
fn check_clock(client: &Client, resource: &Resource) -> Result<(), Error> {
    let metrics = client.metric_descriptors_for(resource.resource_type())?;
    let metric = metrics.first().map_or("", |metric| metric.name());
    let interval = Interval::last_minutes(1);
    let query = Query::new(metric, Granularity::OneMinute, interval).filter(resource.clone());
    client.query(&query).map(drop)
}

/// Prints the result of a check. Returns true if it is well.
pub(crate) fn report(name: &str, result: &Result<&str, &Error>) -> bool {
    match result {
        Ok(text) => println!("ok      {name}: {text}"),
        Err(error) => {
            let next = if error.is_transient() {
                "try again later"
            } else {
                "correct what the message names"
            };
            println!("FAILED  {error}");
            println!("        next: {}", error.hint().unwrap_or(next));
        }
    }
    result.is_ok()
}
