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
const CONFLICTS: [(&str, &[&str]); 12] = [
    ("status", &["redirect", "null_values"]),
    (
        "redirect",
        &["null_values", "extra_members", "bad_json", "cut_body_after"],
    ),
    ("body", &["html", "extra_members", "null_values"]),
    ("html", &["extra_members", "null_values"]),
    (
        "chunked",
        &["broken_chunks", "unfinished_chunks", "unframed"],
    ),
    ("broken_chunks", &["unfinished_chunks", "unframed"]),
    ("unfinished_chunks", &["unframed", "close_after_response"]),
    ("cut_body_after", &["close_after_response"]),
    ("unframed", &["content_length"]),
    (
        "stall_head",
        &[
            "body",
            "html",
            "extra_members",
            "null_values",
            "bad_json",
            "oversized",
            "bad_gzip",
            "oversized_gzip",
            "content_length",
            "chunked",
            "broken_chunks",
            "unfinished_chunks",
            "unframed",
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
        if self.times == 0 {
            return Err("`times(0)` has no effect".to_owned());
        }
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
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;
    use crate::config::Settings;
    use crate::credentials::BEARER_TOKEN;
    use crate::fault::Script;
    use crate::request_log::Request;
    use crate::response_plan::{ResponsePlan, plan_response};
    use crate::state::State;

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
            (Fault::status(500).times(0), "`times(0)` has no effect"),
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

    /// Returns what a client would get for a small query.
    fn plan(fault: Fault) -> ResponsePlan {
        let state = State::new(
            Settings {
                clock: Some(1_767_873_600),
                ..Settings::default()
            },
            String::new(),
        );
        let body = br#"{"aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes"}],
            "filter":{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},
            "granularity":"PT1M","intervals":["2026-01-08T11:00:00Z/PT10M"]}"#;
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            method: "POST".to_owned(),
            target: "/v2/metrics/cloud/query".to_owned(),
            headers: vec![
                header("Content-Type", "application/json"),
                header("Authorization", &format!("Bearer {BEARER_TOKEN}")),
            ],
            body: body.to_vec(),
            status: 0,
        };
        let Script::Response(script) = fault.into_queued().unwrap().script else {
            panic!("no request")
        };
        let client = Ipv4Addr::LOCALHOST.into();
        plan_response(&state, &request, client, Some(*script), true)
    }

    #[test]
    fn a_fault_has_an_effect_next_to_every_other_that_is_allowed() {
        let mut samples = Fault::all_samples();
        samples.retain(|(_, fault)| !matches!(fault.effects[0], Effect::Connection(_)));
        for (name, fault) in &mut samples {
            // With a body in JSON, so that faults of the body have something to change.
            match *name {
                "status" => *fault = Fault::status(500),
                "header" => *fault = Fault::status(500).header("a", "b"),
                _ => {}
            }
        }
        let real = plan(Fault::real_response());
        assert!(String::from_utf8_lossy(&real.first).contains("value"));
        for (name, one) in &samples {
            let alone = plan(one.clone());
            assert_ne!(alone, real, "{name}");
            for (other_name, other) in &samples {
                let mut both = one.clone();
                both.effects.extend(other.effects.clone());
                // A length that is too short leaves the connection open, and one that is too long
                // closes it.
                let depends_on_value =
                    *name == "content_length" && *other_name == "close_after_response";
                if both.check().is_ok() && !depends_on_value {
                    assert_ne!(plan(both), alone, "{name} hides {other_name}");
                }
            }
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
