//! From a request to the operation that answers it.

use std::net::IpAddr;

use crate::catalogue;
use crate::config::Style;
use crate::content_negotiation;
use crate::context::RequestContext;
use crate::credentials::{self, Access};
use crate::errors;
use crate::http::Response;
use crate::http::url::Target;
use crate::operations::attributes;
use crate::operations::descriptors;
use crate::operations::discovery;
use crate::operations::export;
use crate::operations::query;
use crate::rate_limiter::RateKey;
use crate::request_log::Request;
use crate::state::State;

/// What can be done below a dataset.
struct Operation {
    /// Its path below the dataset.
    name: &'static str,
    method: &'static str,
    answer: fn(&State, &RequestContext<'_>) -> Result<Response, Response>,
    /// Whether it is there in every dataset, or only where metrics can be exported.
    is_everywhere: bool,
    /// Whether it is answered without credentials as well, unless set up otherwise.
    is_open: bool,
    /// Whether the answer is JSON, or of several types among which it chooses for itself.
    is_json: bool,
}

const QUERY: Operation = Operation {
    name: "query",
    method: "POST",
    answer: query::respond,
    is_everywhere: true,
    is_open: false,
    is_json: true,
};

const ATTRIBUTES: Operation = Operation {
    name: "attributes",
    answer: attributes::respond,
    ..QUERY
};

const METRICS: Operation = Operation {
    name: "descriptors/metrics",
    method: "GET",
    answer: descriptors::metrics,
    is_open: true,
    ..QUERY
};

const RESOURCES: Operation = Operation {
    name: "descriptors/resources",
    answer: descriptors::resources,
    ..METRICS
};

const DISCOVERY: Operation = Operation {
    name: "discovery",
    method: "GET",
    answer: discovery::respond,
    is_everywhere: false,
    ..QUERY
};

const EXPORT: Operation = Operation {
    name: "export",
    answer: export::respond,
    is_json: false,
    ..DISCOVERY
};

const OPERATIONS: [Operation; 6] = [QUERY, ATTRIBUTES, METRICS, RESOURCES, DISCOVERY, EXPORT];

/// The name of the operation that a request is for, or of none, for the rate limit.
pub(crate) fn operation(request: &Request) -> &'static str {
    let target = Target::read(&request.target);
    let known = OPERATIONS
        .iter()
        .find(|operation| target.operation() == Some(operation.name));
    known.map_or("none", |operation| operation.name)
}

/// What the rate limits have to know of a request.
pub(crate) fn ask(request: &Request, client: IpAddr) -> RateKey<'_> {
    let operation = operation(request);
    let target = Target::read(&request.target);
    let asked = match target.dataset() {
        Some(dataset) if operation == "export" => export::resources(&target, dataset),
        _ => Vec::new(),
    };
    let exported = asked.iter().map(export::Resource::name).collect();
    RateKey {
        client,
        operation,
        exported,
        principal: credentials::principal(request.header("authorization")),
    }
}

/// Returns the names of all operations.
pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// Whether there is an operation of this name.
pub(crate) fn is_operation(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.name == name)
}

/// The true answer to a request.
pub(crate) fn respond(state: &State, request: &Request, style: Style) -> Response {
    route(state, request, style).unwrap_or_else(|refusal| refusal)
}

fn route(state: &State, request: &Request, style: Style) -> Result<Response, Response> {
    let target = Target::read(&request.target);
    let found = OPERATIONS
        .iter()
        .find(|operation| target.operation() == Some(operation.name));
    let (Some(operation), Some(dataset)) = (found, target.dataset()) else {
        return Err(errors::detail(404, "There is nothing at this path", style));
    };
    // Whatever can be read can be asked for without its body.
    let method = operation.method;
    if request.method != method && !(method == "GET" && request.method == "HEAD") {
        let allowed = if method == "GET" { "GET, HEAD" } else { method };
        let mut refusal = errors::detail(405, &format!("Only {allowed} is possible here"), style);
        refusal.add("Allow", allowed);
        return Err(refusal);
    }
    let open = operation.is_open && !state.settings.closed_descriptors;
    let access = match Access::of(request.header("authorization")) {
        Some(access) => access,
        None if open => Access::Nothing,
        None => {
            let mut refusal = errors::of_status(401, style);
            refusal.add("WWW-Authenticate", "Basic realm=\"metrics\"");
            return Err(refusal);
        }
    };
    let Some(known) = catalogue::dataset(dataset) else {
        return Err(errors::detail(
            404,
            &format!("There is no dataset '{dataset}'"),
            style,
        ));
    };
    if !operation.is_everywhere && !known.is_exported {
        let detail = format!("There is no {} of the dataset '{dataset}'", operation.name);
        return Err(errors::detail(404, &detail, style));
    }
    acceptable(request, operation.is_json, style)?;
    let path = request.target.split('?').next().unwrap_or_default();
    let needs_resource = known.needs_resource;
    (operation.answer)(
        state,
        &RequestContext {
            request,
            target: &target,
            path,
            dataset,
            needs_resource,
            access,
            style,
        },
    )
}

/// Refuses a body or an answer of a type that there is not.
fn acceptable(request: &Request, is_json: bool, style: Style) -> Result<(), Response> {
    let media = |text: &str| {
        text.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    let json = request
        .header("content-type")
        .is_some_and(|sent| media(sent) == "application/json");
    let encoded = request
        .header("content-encoding")
        .is_some_and(|coding| coding != "identity");
    if request.method == "POST" && (!json || encoded) {
        return Err(errors::detail(
            415,
            "The body must be application/json",
            style,
        ));
    }
    if is_json && !content_negotiation::json(request) {
        return Err(errors::detail(406, "The answer is application/json", style));
    }
    Ok(())
}
