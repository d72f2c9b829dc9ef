//! The setting that lets a program watch the requests of a client.

use std::sync::Arc;

use crate::client::builder::ClientBuilder;
use crate::transport::event::Event;

impl ClientBuilder {
    /// Calls a closure for every [`Event`]: a request, a response, a retry, a wait for a rate
    /// limit, and the end of a window.
    ///
    /// Use it to log, to count, or to show progress. A second call replaces the closure.
    ///
    /// - The closure runs on the threads of the call. A call with several threads may run it
    ///   several times at once.
    /// - The events of one request arrive in order. Events of other requests may be between them.
    /// - The call waits for the closure, so it should return soon. The call cannot be canceled
    ///   meanwhile.
    /// - A panic of the closure becomes a panic of the call. The client can be used afterwards.
    ///
    /// The [guide to events](crate::_documentation::events) lists the events of each situation, and
    /// has recipes for the crates `log` and `tracing`.
    ///
    /// Defaults to no closure. Then no event is created.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let builder = Client::builder(Credentials::api_key("key", "secret")?);
    /// let builder = builder.on_event(|event| eprintln!("{event}"));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "callback")]
    #[doc(alias = "logging")]
    #[doc(alias = "progress")]
    pub fn on_event(mut self, on_event: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(on_event));
        self
    }
}
