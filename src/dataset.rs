//! Names of the datasets that the service is known to have.
//!
//! The list is open: [`ClientBuilder::dataset`](crate::ClientBuilder::dataset) accepts any name. See
//! the vendor's [datasets](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Datasets).
//!
//! ```
//! use confluent_metrics::{Client, Credentials, dataset};
//!
//! let credentials = Credentials::api_key("key", "secret")?;
//! let client = Client::builder(credentials).dataset(dataset::CLOUD_CUSTOM).build()?;
//! # Ok::<(), confluent_metrics::Error>(())
//! ```

/// Metrics of managed clusters, connectors and other resources. The default dataset.
pub const CLOUD: &str = "cloud";

/// Metrics of custom connectors.
pub const CLOUD_CUSTOM: &str = "cloud-custom";

/// Metrics of Unified Stream Manager.
pub const USM: &str = "USM";

/// Metrics of Health+, a preview.
pub const HEALTH_PLUS: &str = "health-plus";
