use confluent_metrics::Event;

/// Passes an event to the crate `log`. What delays a call is a warning.
pub fn log_event(event: &Event) {
    match event {
        Event::Retrying { .. } | Event::RateLimitWait { .. } => {
            log::warn!(target: "confluent_metrics", "{event}");
        }
        _ => log::debug!(target: "confluent_metrics", "{event}"),
    }
}
