use confluent_metrics::{Event, EventKind};

/// Passes an event to the crate `log`. What delays a call is a warning.
pub fn log_event(event: &Event) {
    match event.kind() {
        EventKind::Retrying { .. } | EventKind::RateLimitWait { .. } => {
            log::warn!(target: "confluent_metrics", "{event}");
        }
        _ => log::debug!(target: "confluent_metrics", "{event}"),
    }
}
