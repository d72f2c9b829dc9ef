//! The environment variables that a client reads, by name. Their values may be secret.

use std::env;

const KEY: [&str; 4] = [
    "CONFLUENT_CLOUD_API_KEY",
    "CONFLUENT_CLOUD_API_SECRET",
    "CCLOUD_API_KEY",
    "CCLOUD_API_SECRET",
];

/// Prints which variables are set, and the default of those that are not.
pub(crate) fn print() {
    print_variables("key", &KEY, "none");
    print_variables("service", &["CONFLUENT_METRICS_BASE_URL"], "production");
    let certificates = "the built-in root certificates";
    print_variables("TLS", &["CONFLUENT_METRICS_CA_FILE"], certificates);
    let proxy = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    print_variables("proxy", &proxy, "none");
    print_variables("exceptions", &["no_proxy", "NO_PROXY"], "none");
}

/// Returns true if a key is set, even if it is incomplete.
pub(crate) fn has_key() -> bool {
    KEY.iter().any(|name| is_set(name))
}

fn print_variables(what: &str, names: &[&str], default: &str) {
    let set: Vec<_> = names.iter().copied().filter(|name| is_set(name)).collect();
    if set.is_empty() {
        println!("        {what}: {default}");
    } else {
        println!("        {what}: set by {}", set.join(", "));
    }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}
