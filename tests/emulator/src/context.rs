//! A request whose operation is known.

use crate::config::Style;
use crate::credentials::Access;
use crate::http::url::Target;
use crate::request_log::Request;

/// The parts of a request that an operation needs.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    pub(crate) request: &'a Request,
    pub(crate) target: &'a Target,
    pub(crate) dataset: &'a str,
    /// True if queries of the dataset must name a resource.
    pub(crate) needs_resource: bool,
    pub(crate) access: Access,
    pub(crate) style: Style,
}
