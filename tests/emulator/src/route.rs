//! From a request to the operation that answers it.

use crate::access::Access;
use crate::attributes;
use crate::call::Call;
use crate::catalogue;
use crate::descriptors;
use crate::errors;
use crate::http::Response;
use crate::querying;
use crate::record::Request;
use crate::settings::Style;
use crate::state::State;
use crate::url::Target;

type Operation = fn(&State, &Call<'_>) -> Result<Response, Response>;

/// Operations by path below the dataset, with their method.
const OPERATIONS: [(&str, &str, Operation); 4] = [
    ("query", "POST", querying::answer),
    ("attributes", "POST", attributes::answer),
    ("descriptors/metrics", "GET", descriptors::metrics),
    ("descriptors/resources", "GET", descriptors::resources),
];

/// The name of the operation that a request is for, or of none, for the rate limit.
pub(crate) fn operation(request: &Request) -> &'static str {
    let target = Target::read(&request.target);
    let known = OPERATIONS.iter().find(|(name, _, _)| target.operation() == Some(name));
    known.map_or("none", |(name, _, _)| name)
}

/// Whether there is an operation of this name.
pub(crate) fn is_operation(name: &str) -> bool {
    OPERATIONS.iter().any(|(own, _, _)| *own == name)
}

/// The true answer to a request.
pub(crate) fn answer(state: &State, request: &Request, style: Style) -> Response {
    route(state, request, style).unwrap_or_else(|refusal| refusal)
}

fn route(state: &State, request: &Request, style: Style) -> Result<Response, Response> {
    let target = Target::read(&request.target);
    let found = OPERATIONS.iter().find(|(name, _, _)| target.operation() == Some(name));
    let (Some((name, method, operation)), Some(dataset)) = (found, target.dataset()) else {
        return Err(errors::detail(404, "There is nothing at this path", style));
    };
    // Whatever can be read can be asked for without its body.
    if request.method != *method && !(*method == "GET" && request.method == "HEAD") {
        let allowed = if *method == "GET" { "GET, HEAD" } else { method };
        let mut refusal = errors::detail(405, &format!("Only {allowed} is possible here"), style);
        refusal.add("Allow", allowed);
        return Err(refusal);
    }
    let open = name.starts_with("descriptors/") && !state.settings.closed_descriptors;
    let access = match Access::of(request.header("authorization")) {
        Some(access) => access,
        None if open => Access::Nothing,
        None => {
            let mut refusal = errors::of_status(401, style);
            refusal.add("WWW-Authenticate", "Basic realm=\"metrics\"");
            return Err(refusal);
        }
    };
    let Some(needs_resource) = catalogue::dataset_needs_resource(dataset) else {
        return Err(errors::detail(404, &format!("There is no dataset '{dataset}'"), style));
    };
    acceptable(request, style)?;
    let path = request.target.split('?').next().unwrap_or_default();
    operation(state, &Call { request, target: &target, path, dataset, needs_resource, access, style })
}

/// Refuses a body or an answer of a type that there is not.
fn acceptable(request: &Request, style: Style) -> Result<(), Response> {
    let media = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = request.header("content-type").is_some_and(|sent| media(sent) == "application/json");
    let encoded = request.header("content-encoding").is_some_and(|coding| coding != "identity");
    if request.method == "POST" && (!json || encoded) {
        return Err(errors::detail(415, "The body must be application/json", style));
    }
    let known = ["*/*", "application/*", "application/json"];
    let accepted = request
        .header("accept")
        .is_none_or(|list| list.split(',').map(media).any(|one| known.contains(&one.as_str())));
    if accepted { Ok(()) } else { Err(errors::detail(406, "The answer is application/json", style)) }
}
