//! Names of the datasets that the service is known to have.
//!
//! The list is open: [`ClientBuilder::dataset`](crate::ClientBuilder::dataset) accepts any name.
//! See the vendor's
//! [datasets](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Datasets).
//!
//! ```
//! use confluent_metrics::{Client, Credentials, dataset};
//!
//! let credentials = Credentials::api_key("key", "secret")?;
//! let client = Client::builder(credentials).dataset(dataset::CLOUD_CUSTOM).build()?;
//! # Ok::<(), confluent_metrics::Error>(())
//! ```

/// Metrics of managed clusters, connectors and other resources. The default dataset.
///
/// ```
/// assert_eq!(confluent_metrics::dataset::CLOUD, "cloud");
/// ```
pub const CLOUD: &str = "cloud";

/// Metrics of custom connectors.
///
/// ```
/// assert_eq!(confluent_metrics::dataset::CLOUD_CUSTOM, "cloud-custom");
/// ```
pub const CLOUD_CUSTOM: &str = "cloud-custom";

/// Metrics of Unified Stream Manager. Names of datasets are case-sensitive.
///
/// ```
/// assert_eq!(confluent_metrics::dataset::USM, "USM");
/// ```
pub const USM: &str = "USM";

/// Metrics of Health+, a preview.
///
/// ```
/// assert_eq!(confluent_metrics::dataset::HEALTH_PLUS, "health-plus");
/// ```
pub const HEALTH_PLUS: &str = "health-plus";
