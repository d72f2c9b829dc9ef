use confluent_metrics::Event;
use tracing::{debug, info, warn};

/// Passes an event to the crate `tracing`, with its values as fields.
pub fn trace_event(event: &Event) {
    let operation = event.operation();
    let request = event.request_id();
    match event {
        Event::ResponseReceived {
            status,
            bytes,
            duration,
            ..
        } => debug!(
            operation,
            request,
            status,
            bytes,
            ?duration,
            "response received"
        ),
        Event::Retrying {
            attempt,
            wait,
            reason,
            ..
        } => warn!(operation, request, attempt, ?wait, reason, "retrying"),
        Event::RateLimitWait { wait, .. } => {
            warn!(operation, request, ?wait, "waiting for a rate limit");
        }
        Event::WindowDone { progress, .. } => info!(operation, request, "{progress}"),
        _ => debug!(operation, request, "{event}"),
    }
}
