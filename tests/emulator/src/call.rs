//! A request that has found its operation.

use crate::access::Access;
use crate::record::Request;
use crate::settings::Style;
use crate::url::Target;

/// What an operation needs to know of a request.
#[derive(Debug)]
pub(crate) struct Call<'a> {
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
