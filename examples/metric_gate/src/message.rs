//! Lines on standard error.

use std::io::{self, Write};

/// Prints a message as one line that neither a terminal nor a runner of workflows obeys.
pub(crate) fn print(message: &str) {
    let message = inert(&message.replace(['\r', '\n'], " "));
    // The exit code says it all if standard error is closed.
    let _ = writeln!(io::stderr(), "metric_gate: {message}");
}

/// Escapes what a terminal or the runner of a workflow would obey.
fn inert(message: &str) -> String {
    let mut inert = String::with_capacity(message.len());
    for c in message.chars() {
        // Direction marks and line separators are printed as escapes by `Debug`, as control
        // characters are. A runner obeys `##[command]` anywhere in a line.
        let is_command = c == '#' && inert.ends_with('#');
        let is_printed = matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
        if is_command || !is_printed {
            inert.extend(c.escape_unicode());
        } else {
            inert.push(c);
        }
    }
    inert
}
