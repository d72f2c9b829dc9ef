//! The operations of the service, and the way from a request to one of them.

use std::net::IpAddr;

use crate::catalogue;
use crate::config::Style;
use crate::content_negotiation;
use crate::context::RequestContext;
use crate::credentials::{self, Access};
use crate::errors;
use crate::http::url::Target;
use crate::operations::{attributes, descriptors, discovery, export, query};
use crate::rate_limiter::RateKey;
use crate::request_log::Request;
use crate::response::Response;
use crate::state::State;

/// One operation below a dataset. To add one, add a row to [`OPERATIONS`].
struct Operation {
    /// The path below the dataset, which also names it in rate limits.
    path: &'static str,
    method: Method,
    respond: fn(&State, &RequestContext<'_>) -> Result<Response, Response>,
    datasets: Datasets,
    credentials: Credentials,
    content: Content,
    /// Resources with a rate limit of their own, such as `kafka.id:lkc-1`.
    limited_resources: fn(&Target) -> Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
}

/// The datasets that have an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Datasets {
    All,
    /// Those whose metrics can be exported.
    Exported,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    Required,
    /// Required only if the builder says so.
    Optional,
}

/// The content type of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Json,
    /// The operation chooses by the `Accept` header.
    Negotiated,
}

const OPERATIONS: [Operation; 6] = [
    Operation {
        path: "query",
        method: Method::Post,
        respond: query::respond,
        datasets: Datasets::All,
        credentials: Credentials::Required,
        content: Content::Json,
        limited_resources: no_resources,
    },
    Operation {
        path: "attributes",
        method: Method::Post,
        respond: attributes::respond,
        datasets: Datasets::All,
        credentials: Credentials::Required,
        content: Content::Json,
        limited_resources: no_resources,
    },
    Operation {
        path: "descriptors/metrics",
        method: Method::Get,
        respond: descriptors::respond_metrics,
        datasets: Datasets::All,
        credentials: Credentials::Optional,
        content: Content::Json,
        limited_resources: no_resources,
    },
    Operation {
        path: "descriptors/resources",
        method: Method::Get,
        respond: descriptors::respond_resources,
        datasets: Datasets::All,
        credentials: Credentials::Optional,
        content: Content::Json,
        limited_resources: no_resources,
    },
    Operation {
        path: "discovery",
        method: Method::Get,
        respond: discovery::respond,
        datasets: Datasets::Exported,
        credentials: Credentials::Required,
        content: Content::Json,
        limited_resources: no_resources,
    },
    Operation {
        path: "export",
        method: Method::Get,
        respond: export::respond,
        datasets: Datasets::Exported,
        credentials: Credentials::Required,
        content: Content::Negotiated,
        limited_resources: export::limited_resources,
    },
];

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    /// Returns the methods for the `Allow` header.
    const fn allowed(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
        }
    }

    fn matches(self, method: &str) -> bool {
        method == self.name() || self == Self::Get && method == "HEAD"
    }
}

/// Returns the response to a request if nothing goes wrong with it.
pub(crate) fn respond(state: &State, request: &Request, style: Style) -> Response {
    route(state, request, style).unwrap_or_else(|error_response| error_response)
}

/// Returns the name of a request's operation for the rate limit, or `none`.
pub(crate) fn operation_name(request: &Request) -> &'static str {
    find(&Target::parse(&request.target)).map_or("none", |operation| operation.path)
}

/// Returns what the rate limits depend on.
pub(crate) fn rate_key<'a>(state: &State, request: &'a Request, client: IpAddr) -> RateKey<'a> {
    let target = Target::parse(&request.target);
    let operation = find(&target);
    RateKey {
        client,
        operation: operation.map_or("none", |operation| operation.path),
        resources: operation
            .map_or_else(Vec::new, |operation| (operation.limited_resources)(&target)),
        principal: credentials::principal(&state.bearer_tokens, request.header("authorization")),
    }
}

/// Returns the names of all operations.
pub(crate) fn operation_names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.path)
}

/// Returns true if there is an operation with this name.
pub(crate) fn is_operation(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.path == name)
}

fn find(target: &Target) -> Option<&'static Operation> {
    OPERATIONS
        .iter()
        .find(|operation| target.operation() == Some(operation.path))
}

const fn no_resources(_target: &Target) -> Vec<String> {
    Vec::new()
}

/// Checks a request and calls its operation. The error is the response to a rejected request.
fn route(state: &State, request: &Request, style: Style) -> Result<Response, Response> {
    let target = Target::parse(&request.target);
    let (Some(operation), Some(dataset)) = (find(&target), target.dataset()) else {
        return Err(errors::detail(404, "There is nothing at this path", style));
    };
    let method = operation.method;
    if !method.matches(&request.method) {
        let allowed = method.allowed();
        let mut response = errors::detail(405, &format!("Only {allowed} is possible here"), style);
        response.add_header("Allow", allowed);
        return Err(response);
    }
    let access = authenticate(state, request, operation, style)?;
    let Some(known) = catalogue::dataset(dataset) else {
        let detail = format!("There is no dataset '{dataset}'");
        return Err(errors::detail(404, &detail, style));
    };
    if operation.datasets == Datasets::Exported && !known.is_exported {
        let detail = format!("There is no {} of the dataset '{dataset}'", operation.path);
        return Err(errors::detail(404, &detail, style));
    }
    check_content(request, operation, style)?;
    let context = RequestContext {
        request,
        target: &target,
        dataset,
        needs_resource: known.needs_resource,
        access,
        style,
    };
    (operation.respond)(state, &context)
}

fn authenticate(
    state: &State,
    request: &Request,
    operation: &Operation,
    style: Style,
) -> Result<Access, Response> {
    let header = request.header("authorization");
    if let Some(access) = credentials::authenticate(&state.bearer_tokens, header) {
        return Ok(access);
    }
    if operation.credentials == Credentials::Optional && !state.settings.closed_descriptors {
        return Ok(Access::Nothing);
    }
    let mut response = errors::of_status(401, style);
    response.add_header("WWW-Authenticate", "Basic realm=\"metrics\"");
    Err(response)
}

/// Checks the type of the body and the types that the client accepts.
fn check_content(request: &Request, operation: &Operation, style: Style) -> Result<(), Response> {
    let is_json = request
        .header("content-type")
        .is_some_and(|content_type| media_type(content_type) == "application/json");
    let is_encoded = request
        .header("content-encoding")
        .is_some_and(|coding| coding != "identity");
    if request.method == "POST" && (!is_json || is_encoded) {
        let detail = "The body must be application/json";
        return Err(errors::detail(415, detail, style));
    }
    if operation.content == Content::Json && !content_negotiation::accepts_json(request) {
        let detail = "The response is application/json";
        return Err(errors::detail(406, detail, style));
    }
    Ok(())
}

/// Returns a media type in lower case, without parameters.
fn media_type(text: &str) -> String {
    let media_type = text.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}
