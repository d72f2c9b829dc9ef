//! The operations, which a caller chooses from.

use confluent_metrics::Client;
use fastrand::Rng;

use crate::answer::{Answer, Subject};
use crate::checks::check;
use crate::exports::{export, export_text};
use crate::lists::{attributes, check_access, descriptors, discover};
use crate::queries::{query, query_all, query_pages};

/// A client with the true results that it is to return.
pub(crate) type Operation = fn(&Client, &Subject<'_>, &mut Rng) -> Vec<Answer>;

/// Every method of the client that sends requests, and a check. Some are called more often.
pub(crate) const OPERATIONS: [Operation; 14] = [
    query,
    query,
    query_all,
    query_all,
    query_pages,
    query_pages,
    attributes,
    descriptors,
    export,
    export_text,
    discover,
    check_access,
    check,
    check,
];
