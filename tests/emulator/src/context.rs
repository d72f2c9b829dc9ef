//! A request that has found its operation.

use crate::config::Style;
use crate::credentials::Access;
use crate::http::url::Target;
use crate::request_log::Request;

/// What an operation needs to know of a request.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    pub(crate) request: &'a Request,
    pub(crate) target: &'a Target,
    /// The path as it was sent.
    pub(crate) path: &'a str,
    pub(crate) dataset: &'a str,
    /// Whether queries of the dataset must name a resource.
    pub(crate) needs_resource: bool,
    pub(crate) access: Access,
    pub(crate) style: Style,
}
