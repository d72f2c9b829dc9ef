use confluent_metrics::{Event, EventKind};
use tracing::{debug, info, warn};

/// Passes an event to the crate `tracing`, with its values as fields.
pub fn trace_event(event: &Event) {
    let operation = event.operation();
    let request = event.request_id();
    match event.kind() {
        EventKind::ResponseReceived {
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
        EventKind::Retrying {
            attempt,
            wait,
            reason,
            ..
        } => warn!(operation, request, attempt, ?wait, reason, "retrying"),
        EventKind::RateLimitWait { wait, .. } => {
            warn!(operation, request, ?wait, "waiting for a rate limit");
        }
        EventKind::WindowDone(progress) => info!(operation, request, "{progress}"),
        _ => debug!(operation, request, "{event}"),
    }
}
