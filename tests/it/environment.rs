//! Environment variables, each set of them in a separate process.

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Output};

use confluent_metrics::{
    Client, ClientBuilder, Credentials, Granularity, Interval, Query, Resource,
};
use confluent_metrics_emulator::Emulator;

use crate::support::SENT;

pub(crate) const CHILD: &str = "CONFLUENT_METRICS_TEST_CHILD";

/// Does nothing unless [`in_child`] runs it.
#[test]
fn child() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let query = Query::new(SENT, Granularity::OneMinute, Interval::last_hours(1))
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"]);
    let with = |set: fn(ClientBuilder) -> ClientBuilder| {
        let pem = std::fs::read(env::var("CONFLUENT_METRICS_CA_FILE").unwrap()).unwrap();
        let builder = Client::builder(Credentials::from_env()?)
            .base_url(env::var("CONFLUENT_METRICS_BASE_URL").unwrap());
        set(builder.root_certificates_pem(pem).max_retries(0)).build()
    };
    let client = match env::var(CHILD).as_deref() {
        Ok("direct") => with(ClientBuilder::without_proxy),
        Ok("once") => with(|builder| builder),
        Ok("service") => Credentials::from_env().map(Client::new),
        _ => Client::from_env(),
    };
    match client.and_then(|client| Ok((client.query(&query)?, client))) {
        Ok((result, client)) => println!("{client:?} gave {} topics", result.series().len()),
        Err(error) => println!("{error:?}"),
    }
}

/// Returns the output of a process with these variables, and no others that the library reads.
pub(crate) fn in_child(variables: &[(&str, impl AsRef<OsStr>)]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "environment::child", "--nocapture"])
        .env(CHILD, "yes");
    set_environment(&mut command, variables);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(
        status.success(),
        "{stdout}\n{}",
        String::from_utf8_lossy(&stderr)
    );
    stdout
}

/// Sets these variables, and removes all others that a client or curl reads.
pub(crate) fn set_environment(command: &mut Command, variables: &[(&str, impl AsRef<OsStr>)]) {
    for name in [
        "CONFLUENT_CLOUD_API_KEY",
        "CONFLUENT_CLOUD_API_SECRET",
        "CCLOUD_API_KEY",
        "CCLOUD_API_SECRET",
        "CONFLUENT_METRICS_BASE_URL",
        "CONFLUENT_METRICS_CA_FILE",
    ] {
        command.env_remove(name);
    }
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_lowercase());
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
}

#[test]
#[cfg_attr(windows, ignore = "names of variables ignore case on Windows")]
fn the_environment_sets_key_base_url_and_certificates() {
    let emulator = Emulator::start();
    let file = env::temp_dir().join(format!("confluent-metrics-test-{}.pem", std::process::id()));
    std::fs::write(&file, emulator.ca_pem()).unwrap();
    let file = file.to_str().unwrap();
    let pair = [
        ("CCLOUD_API_KEY", emulator.api_key()),
        ("CCLOUD_API_SECRET", emulator.api_secret()),
    ];
    let service = [
        ("CONFLUENT_METRICS_BASE_URL", emulator.url()),
        ("CONFLUENT_METRICS_CA_FILE", file),
    ];
    let whole = in_child(&[&pair[..], &service].concat());
    let without_key = in_child(&service);
    let unknown_ca = in_child(&[&pair[..], &service[..1]].concat());
    let no_file =
        in_child(&[&pair[..], &[("CONFLUENT_METRICS_CA_FILE", "/no/such/file")]].concat());
    let plain = in_child(
        &[
            &pair[..],
            &[("CONFLUENT_METRICS_BASE_URL", "http://api.example")],
        ]
        .concat(),
    );
    let by = |proxy, variables: &[(&str, &str)]| {
        in_child(&[&pair[..], &service, &[("ALL_PROXY", proxy)], variables].concat())
    };
    let (dead, socks) = ("http://user:s3cret@127.0.0.1:1", "socks5://127.0.0.1:1");
    let proxied = by(dead, &[(CHILD, "once")]);
    let refused = by(socks, &[]);
    let excepted = by(socks, &[("NO_PROXY", "127.0.0.1")]);
    let around = by(dead, &[(CHILD, "direct")]);
    let garbled = by("http://user:pa ss@127.0.0.1:1", &[]);
    std::fs::remove_file(file).unwrap();
    let gave = format!(
        "Client {{ origin: \"{}\", dataset: \"cloud\", .. }} gave 1",
        emulator.url()
    );
    for (printed, expected) in [
        (&whole, gave.clone()),
        (&excepted, gave.clone()),
        (&around, gave.clone()),
        (
            &proxied,
            format!("failed: connection to {} via proxy 127.0.0.1:1 refused (Connection)", emulator.url()),
        ),
        (&refused, "invalid proxy URL in ALL_PROXY: expected http:// or https://, since SOCKS is not supported (InvalidInput)\n  hint: set ALL_PROXY to http://host:port, list the host of the service in NO_PROXY, or call ClientBuilder::without_proxy".into()),
        (&garbled, "invalid proxy URL in ALL_PROXY: '#', '?' and white space in it must be percent-encoded (InvalidInput)".into()),
        (
            &plain,
            "invalid base URL \"http://api.example\": the scheme must be https; set by CONFLUENT_METRICS_BASE_URL (InvalidInput)".into(),
        ),
        (&without_key, "no API key in the environment: set CONFLUENT_CLOUD_API_KEY and CONFLUENT_CLOUD_API_SECRET (or CCLOUD_API_KEY and CCLOUD_API_SECRET) (InvalidInput)\n  hint: create one with `confluent api-key create --resource cloud`".into()),
        (&unknown_ca, "invalid peer certificate: UnknownIssuer".into()),
        (&no_file, "cannot read /no/such/file (set by CONFLUENT_METRICS_CA_FILE) (InvalidInput)\n  cause: No such file or directory (os error 2)".into()),
    ] {
        assert!(printed.contains(&expected), "{printed}");
    }
}

#[cfg(feature = "platform-verifier")]
mod platform {
    use confluent_metrics::Credentials;

    use super::*;

    /// Does nothing unless the test below runs it.
    #[test]
    fn child() {
        let Some(url) = env::var_os(CHILD) else {
            return;
        };
        let client = Client::builder(Credentials::from_env().unwrap())
            .base_url(url.into_string().unwrap())
            .without_proxy()
            .platform_verifier()
            .build()
            .unwrap();
        let query = Query::new(SENT, Granularity::OneMinute, Interval::last_hours(1))
            .filter(Resource::kafka("lkc-1"));
        println!(
            "{:?}",
            client.query(&query).map(|result| result.series().len())
        );
    }

    #[test]
    fn the_platform_verifier_trusts_the_roots_of_the_platform() {
        let emulator = Emulator::start();
        let file = env::temp_dir().join(format!(
            "confluent-metrics-platform-{}.pem",
            std::process::id()
        ));
        std::fs::write(&file, emulator.ca_pem()).unwrap();
        let run = |roots: &str| {
            let mut command = Command::new(env::current_exe().unwrap());
            command
                .args(["--exact", "environment::platform::child", "--nocapture"])
                .env(CHILD, emulator.url());
            command
                .env("CCLOUD_API_KEY", emulator.api_key())
                .env("CCLOUD_API_SECRET", emulator.api_secret());
            command
                .env_remove("CONFLUENT_CLOUD_API_KEY")
                .env_remove("CONFLUENT_CLOUD_API_SECRET");
            // On Linux, this variable replaces the roots of the system.
            let output = command
                .env("SSL_CERT_FILE", roots)
                .env_remove("SSL_CERT_DIR")
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let believed = run(file.to_str().unwrap());
        let not_believed = run(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/wire/no-such-file.pem"
        ));
        std::fs::remove_file(&file).unwrap();
        assert!(believed.contains("Ok(1)"), "{believed}");
        assert!(not_believed.contains("(Tls)"), "{not_believed}");
    }
}
