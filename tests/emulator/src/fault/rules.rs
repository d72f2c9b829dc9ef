//! Combinations of faults that have no meaning.

use super::Fault;
use super::effect::Effect;

/// Faults after which no response is sent, each with the faults that still have an effect.
const WITHOUT_RESPONSE: [(&str, &[&str]); 4] = [
    ("not_http", &["delay_head", "body"]),
    ("stall", &["delay_head"]),
    ("reset", &["delay_head"]),
    (
        "close_before_response",
        &["delay_head", "with_close_notify"],
    ),
];

/// Faults with those that have no effect next to them, or that contradict them.
const CONFLICTS: [(&str, &[&str]); 11] = [
    ("status", &["redirect", "null_values"]),
    ("redirect", &["null_values", "extra_members"]),
    ("body", &["html", "extra_members", "null_values"]),
    ("html", &["extra_members", "null_values"]),
    (
        "chunked",
        &["broken_chunks", "unfinished_chunks", "unframed"],
    ),
    ("broken_chunks", &["unfinished_chunks", "unframed"]),
    ("unfinished_chunks", &["unframed"]),
    ("unframed", &["content_length"]),
    (
        "stall_head",
        &[
            "stall_body",
            "delay_body",
            "trickle_body",
            "cut_body_after",
            "close_after_response",
            "reset_after_response",
            "with_close_notify",
        ],
    ),
    (
        "stall_body",
        &[
            "close_after_response",
            "reset_after_response",
            "with_close_notify",
        ],
    ),
    (
        "reset_after_response",
        &["close_after_response", "with_close_notify"],
    ),
];

/// Faults that close the connection too early, so that `with_close_notify` has an effect.
const EARLY_ENDS: [&str; 5] = [
    "close_before_response",
    "close_after_response",
    "cut_body_after",
    "content_length",
    "unfinished_chunks",
];

impl Fault {
    /// Checks that every part of the fault has an effect.
    pub(super) fn check(&self) -> Result<(), String> {
        let names: Vec<&str> = self.effects.iter().map(Effect::name).collect();
        if let Some(effect @ Effect::Connection(_)) = self.effects.first() {
            return self.check_connection(effect.name(), &names);
        }
        for (index, name) in names.iter().enumerate() {
            if *name != "header" && names[..index].contains(name) {
                return Err(format!("duplicate `{name}`"));
            }
        }
        for (name, allowed) in WITHOUT_RESPONSE {
            let other = names
                .iter()
                .find(|other| **other != name && !allowed.contains(other));
            if let Some(other) = other.filter(|_| names.contains(&name)) {
                return Err(format!(
                    "`{name}` sends no response: `{other}` has no effect"
                ));
            }
        }
        for (name, others) in CONFLICTS {
            let other = others.iter().find(|other| names.contains(other));
            if let Some(other) = other.filter(|_| names.contains(&name)) {
                return Err(format!("`{name}` cannot be combined with `{other}`"));
            }
        }
        let ends_early = names.iter().any(|name| EARLY_ENDS.contains(name));
        if names.contains(&"with_close_notify") && !ends_early {
            return Err(format!(
                "`with_close_notify` needs one of `{}`",
                EARLY_ENDS.join("`, `")
            ));
        }
        Ok(())
    }

    fn check_connection(&self, name: &str, names: &[&str]) -> Result<(), String> {
        let matching = self.path_part.as_ref().map(|_| &"matching");
        match names.get(1).or(matching) {
            Some(other) => Err(format!(
                "`{name}` happens before there is a request: `{other}` has no effect"
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn meaningless_combinations_are_refused() {
        let pause = Duration::from_millis(1);
        for (fault, expected) in [
            (
                Fault::stall_handshake().body("x"),
                "`stall_handshake` happens before there is a request: `body` has no effect",
            ),
            (
                Fault::not_tls().matching("/query"),
                "`not_tls` happens before there is a request: `matching` has no effect",
            ),
            (
                Fault::status(503).reset(),
                "`reset` sends no response: `status` has no effect",
            ),
            (
                Fault::real_response().stall().stall_body(),
                "`stall` sends no response: `stall_body` has no effect",
            ),
            (
                Fault::not_http().header("a", "b"),
                "`not_http` sends no response: `header` has no effect",
            ),
            (
                Fault::real_response().unframed().chunked(),
                "`chunked` cannot be combined with `unframed`",
            ),
            (
                Fault::status(200).body("{}").null_values(),
                "`status` cannot be combined with `null_values`",
            ),
            (
                Fault::status(500).redirect(307, "/"),
                "`status` cannot be combined with `redirect`",
            ),
            (
                Fault::real_response().stall_head().trickle_body(pause),
                "`stall_head` cannot be combined with `trickle_body`",
            ),
            (Fault::status(500).body("a").body("b"), "duplicate `body`"),
            (
                Fault::status(500).with_close_notify(),
                "`with_close_notify` needs one of `close_before_response`, \
                 `close_after_response`, `cut_body_after`, `content_length`, `unfinished_chunks`",
            ),
        ] {
            assert_eq!(fault.check(), Err(expected.to_owned()), "{fault:?}");
        }
    }

    #[test]
    fn faults_of_different_layers_combine() {
        let pause = Duration::from_millis(1);
        for fault in [
            Fault::status(403).header("a", "b").header("a", "c").html(),
            Fault::status(200).body("{}").chunked().trickle_body(pause),
            Fault::real_response().bad_json().oversized(9).bad_gzip(),
            Fault::real_response().cut_body_after(3).stall_body(),
            Fault::real_response().unframed().reset_after_response(),
            Fault::not_http().body("x").delay_head(pause),
            Fault::stop_reading().times(2).skip(1),
        ] {
            assert_eq!(fault.check(), Ok(()), "{fault:?}");
        }
    }

    #[test]
    fn rules_name_existing_faults() {
        let samples = Fault::all_samples();
        let rules = WITHOUT_RESPONSE.iter().chain(&CONFLICTS);
        let names = rules.flat_map(|(name, others)| others.iter().chain([name]));
        for name in names.chain(&EARLY_ENDS) {
            assert!(samples.iter().any(|(sample, _)| sample == name), "{name}");
        }
    }
}
