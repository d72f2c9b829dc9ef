//! Reads lists and query results that span several pages, and merges them.
//!
//! The client hands a planned query to this folder, and receives series with their completeness.
//! Three reasons split a query into several requests:
//!
//! - The interval is longer than the service accepts. The plan then has several windows.
//! - A response has a token or a link to a next page.
//! - With the granularity ALL a response is full. The range of the label is then bisected.
//!
//! ```text
//! Plan:         window 1 ──────────────── window 2 ────────────────
//! passes:       pass 1 (all labels)       pass 1 (full, discarded)   pass 2   pass 3
//! pages:        page 1, page 2            page 1                     page 1   page 1
//! QueryResult:  series merged by labels, sorted, with a Completeness
//! ```
//!
//! | file | part |
//! | --- | --- |
//! | `errors` | errors of responses with status 200 |
//! | `completeness` | limits, missing groups, and the verdict on a result |
//! | `cursor` | tokens and links from one page to the next |
//! | `list` | lists of attributes and descriptors |
//! | `label_range` | the bisection of a full response |
//! | `page`, `pages` | the public types of a query that is read page by page |
//! | `window_state` | the groups and passes of one window |
//! | `window_reader` | the requests of one window |
//! | `query_pager` | one page after the other, for `Pages` |
//! | `merge` | the merge of series by labels |
//! | `first_error` | the error of several jobs, and the jobs that it stops |
//! | `progress_reporter` | the event of each window, in order |
//! | `collector` | all windows in parallel, merged into one result |
//! | `from_json` | one response without a network |

pub(crate) mod collector;
pub(crate) mod completeness;
pub(crate) mod cursor;
pub(crate) mod errors;
pub(crate) mod first_error;
pub(crate) mod from_json;
pub(crate) mod label_range;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod page;
pub(crate) mod pages;
pub(crate) mod progress_reporter;
pub(crate) mod query_pager;
pub(crate) mod window_reader;
pub(crate) mod window_state;
