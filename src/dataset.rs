//! The datasets that the service is known to have.
//!
//! They are an open set: [`ClientBuilder::dataset`](crate::ClientBuilder::dataset) takes any name. See the vendor's
//! [datasets](https://api.telemetry.confluent.cloud/docs#section/Object-Model/Datasets).
//!
//! ```
//! use confluent_metrics::{Client, Credentials, dataset};
//!
//! let credentials = Credentials::api_key("key", "secret")?;
//! let client = Client::builder(credentials).dataset(dataset::CLOUD_CUSTOM).build()?;
//! # Ok::<(), confluent_metrics::Error>(())
//! ```

/// What managed clusters, connectors and the like measure: what a client asks unless told otherwise.
pub const CLOUD: &str = "cloud";

/// What custom connectors measure.
pub const CLOUD_CUSTOM: &str = "cloud-custom";

/// What the service calls unified stream manager.
pub const USM: &str = "USM";

/// What Health+ measures; a preview.
pub const HEALTH_PLUS: &str = "health-plus";
