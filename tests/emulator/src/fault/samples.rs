//! One sample of every fault, for tests that walk them all.

use std::time::Duration;

use super::Fault;

impl Fault {
    /// Returns one sample of every fault, each with the name of its method.
    ///
    /// ```
    /// use confluent_metrics_emulator::{Emulator, Fault};
    ///
    /// for (name, fault) in Fault::all_samples() {
    ///     let emulator = Emulator::start();
    ///     emulator.fault(fault);
    ///     // Call the client under test, and name the fault if it misbehaves.
    ///     println!("{name}: {}", emulator.url());
    /// #   break;
    /// }
    /// ```
    #[must_use]
    pub fn all_samples() -> Vec<(&'static str, Self)> {
        let short = Duration::from_millis(30);
        let millisecond = Duration::from_millis(1);
        let real = Self::real_response();
        let truncated = real.clone().cut_body_after(20);
        vec![
            // Connection
            ("stall_handshake", Self::stall_handshake()),
            ("close_connection", Self::close_connection()),
            ("reset_connection", Self::reset_connection()),
            ("not_tls", Self::not_tls()),
            ("tls_alert", Self::tls_alert(70)),
            ("stop_reading", Self::stop_reading()),
            // Status
            ("status", Self::status(503)),
            ("redirect", real.clone().redirect(307, "?redirected=1")),
            ("header", Self::status(429).header("Retry-After", "1")),
            // Body
            ("body", Self::status(500).body("upstream connect error")),
            ("html", Self::status(502).html()),
            ("extra_members", real.clone().extra_members()),
            ("null_values", real.clone().null_values()),
            ("bad_json", real.clone().bad_json()),
            ("oversized", real.clone().oversized(100_000)),
            ("bad_gzip", real.clone().bad_gzip()),
            ("oversized_gzip", real.clone().oversized_gzip(1_000_000)),
            // Framing
            ("not_http", Self::not_http()),
            ("content_length", real.clone().content_length(1_000_000)),
            ("chunked", real.clone().chunked()),
            ("broken_chunks", real.clone().broken_chunks()),
            ("unfinished_chunks", real.clone().unfinished_chunks()),
            ("unframed", real.clone().unframed()),
            ("cut_body_after", truncated.clone()),
            // Timing
            ("delay_head", real.clone().delay_head(short)),
            ("delay_body", real.clone().delay_body(short)),
            ("trickle_body", real.clone().trickle_body(millisecond)),
            ("stall", real.clone().stall()),
            ("stall_head", real.clone().stall_head()),
            ("stall_body", real.clone().stall_body()),
            // Ending
            (
                "close_before_response",
                real.clone().close_before_response(),
            ),
            ("close_after_response", real.clone().close_after_response()),
            ("reset", real.clone().reset()),
            ("reset_after_response", real.reset_after_response()),
            ("with_close_notify", truncated.with_close_notify()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Methods that make no fault by themselves.
    const NO_FAULTS: [&str; 4] = ["real_response", "times", "skip", "matching"];

    #[test]
    fn every_fault_has_a_sample_and_a_row_in_the_readme() {
        let methods: BTreeSet<&str> = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("pub "))
            .filter_map(|line| line.trim_start_matches("const ").strip_prefix("fn "))
            .filter_map(|line| line.split('(').next())
            .filter(|name| !NO_FAULTS.contains(name))
            .collect();
        let samples = Fault::all_samples();
        let names: BTreeSet<&str> = samples.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, methods);
        let readme = include_str!("../../README.md");
        for name in names {
            assert!(readme.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn every_sample_contains_its_fault_and_is_valid() {
        for (name, fault) in Fault::all_samples() {
            assert!(
                fault.effects.iter().any(|effect| effect.name() == name),
                "{name}"
            );
            assert_eq!(fault.check(), Ok(()), "{name}");
        }
    }
}
