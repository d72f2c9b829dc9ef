//! The command line: the emulator for manual tests and for other languages.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, fs};

use crate::builder::Builder;
use crate::catalogue;
use crate::certificate::Certificate;
use crate::emulator::Emulator;
use crate::exposition::ExportDialect;
use crate::format::rfc3339;
use crate::rate_limit_headers::RateHeaders;
use crate::route;

/// An option that calls a method of the builder.
struct CliOption {
    name: &'static str,
    action: Action,
    help: &'static str,
}

enum Action {
    Switch(fn(Builder) -> Builder),
    /// An option with a value, which has this name in the help. `None` rejects the value.
    Value(&'static str, fn(Builder, &str) -> Option<Builder>),
}

use Action::{Switch, Value};

/// Every option, in the order of the help.
const OPTIONS: [CliOption; 32] = [
    CliOption {
        name: "--port",
        action: Value("N", |builder, value| {
            Some(builder.port(value.parse().ok()?))
        }),
        help: "listen on port N of 127.0.0.1 (default: a free port)",
    },
    CliOption {
        name: "--clock",
        action: Value("TIME", set_clock),
        help: "stop the clock at an RFC 3339 time, such as 2026-01-01T12:00:00Z",
    },
    CliOption {
        name: "--date-offset",
        action: Value("S", |builder, value| {
            Some(builder.date_offset(value.parse().ok()?))
        }),
        help: "shift the Date header by S seconds (default: 0)",
    },
    CliOption {
        name: "--no-date",
        action: Switch(Builder::without_date),
        help: "send no Date header",
    },
    CliOption {
        name: "--no-demo",
        action: Switch(|builder| builder.demo(false)),
        help: "start without demo data",
    },
    CliOption {
        name: "--topics",
        action: Value("N", |builder, value| {
            Some(builder.topics(value.parse().ok()?))
        }),
        help: "add the Kafka cluster lkc-big with N topics",
    },
    CliOption {
        name: "--kafka",
        action: Value("ID", |builder, value| Some(builder.kafka_cluster(value))),
        help: "add a Kafka cluster with this id (repeatable)",
    },
    CliOption {
        name: "--page-cap",
        action: Value("N", |builder, value| {
            Some(builder.page_cap(value.parse().ok()?))
        }),
        help: "send at most N groups, rows or descriptors in a page",
    },
    CliOption {
        name: "--token-lifetime",
        action: Value("S", |builder, value| {
            Some(builder.token_lifetime(parse_seconds(value)?))
        }),
        help: "let page tokens expire after S seconds (default: 300)",
    },
    CliOption {
        name: "--rate-limit",
        action: Value("N", |builder, value| {
            Some(builder.rate_limit(value.parse().ok()?))
        }),
        help: "allow N requests in a window (default: no limit)",
    },
    CliOption {
        name: "--rate-window",
        action: Value("S", |builder, value| {
            Some(builder.rate_window(parse_seconds(value)?))
        }),
        help: "set the window to S seconds (default: 60)",
    },
    CliOption {
        name: "--operation-limit",
        action: Value("OP=N", set_operation_limit),
        help: "allow N requests for the operation OP in a window, such as query=5 (repeatable)",
    },
    CliOption {
        name: "--export-limit",
        action: Value("N", |builder, value| {
            Some(builder.export_limit(value.parse().ok()?))
        }),
        help: "allow N exports of a resource by one caller in a window (default: no limit)",
    },
    CliOption {
        name: "--export-window",
        action: Value("S", |builder, value| {
            Some(builder.export_window(parse_seconds(value)?))
        }),
        help: "set the window of --export-limit to S seconds (default: 3600)",
    },
    CliOption {
        name: "--rate-headers",
        action: Value("FORM", set_rate_headers),
        help: "send rate-limit headers as repeated lines, joined, or none (default: repeated)",
    },
    CliOption {
        name: "--retry-after",
        action: Switch(|builder| builder.retry_after(true)),
        help: "send Retry-After with the 429 of a rate limit",
    },
    CliOption {
        name: "--export-dialect",
        action: Value("NAME", set_export_dialect),
        help: "write exports as standard, recorded or documented (default: standard)",
    },
    CliOption {
        name: "--export-cap",
        action: Value("N", |builder, value| {
            Some(builder.export_cap(value.parse().ok()?))
        }),
        help: "export at most N points of a metric and resource type (default: 60000)",
    },
    CliOption {
        name: "--failing-export",
        action: Value("METRIC", |builder, value| {
            Some(builder.failing_export(catalogue::metric(value)?.name))
        }),
        help: "make every export of a metric fail (repeatable)",
    },
    CliOption {
        name: "--discovery-target",
        action: Value("HOST", |builder, value| {
            Some(builder.discovery_target(value))
        }),
        help: "list HOST, optionally with a port, as the target in discovery (default: itself)",
    },
    CliOption {
        name: "--certificate",
        action: Value("KIND", set_certificate),
        help: "show a certificate that is good, wrong-host, expired, not-yet-valid, \
               self-signed or unknown-authority (default: good)",
    },
    CliOption {
        name: "--tls12-only",
        action: Switch(|builder| builder.tls12_only(true)),
        help: "do not offer TLS 1.3",
    },
    CliOption {
        name: "--no-gzip",
        action: Switch(|builder| builder.gzip(false)),
        help: "never compress responses",
    },
    CliOption {
        name: "--integers",
        action: Switch(|builder| builder.integers(true)),
        help: "print integral values as 12, not as 12.0",
    },
    CliOption {
        name: "--millis",
        action: Switch(|builder| builder.millis(true)),
        help: "print times with milliseconds",
    },
    CliOption {
        name: "--newest-first",
        action: Switch(|builder| builder.newest_first(true)),
        help: "send points in descending order of time",
    },
    CliOption {
        name: "--always-meta",
        action: Switch(|builder| builder.always_meta(true)),
        help: "send meta in every response to a query",
    },
    CliOption {
        name: "--links-only",
        action: Switch(|builder| builder.links_only(true)),
        help: "send next pages as links, without tokens",
    },
    CliOption {
        name: "--unprocessable",
        action: Switch(|builder| builder.unprocessable(true)),
        help: "reject invalid bodies with 422, not with 400",
    },
    CliOption {
        name: "--closed-descriptors",
        action: Switch(|builder| builder.closed_descriptors(true)),
        help: "require credentials for descriptors",
    },
    CliOption {
        name: "--latency",
        action: Value("MS", |builder, value| {
            Some(builder.latency(Duration::from_millis(value.parse().ok()?)))
        }),
        help: "send no response sooner than MS milliseconds after its request (default: 0)",
    },
    CliOption {
        name: "--verbose",
        action: Switch(|builder| builder.verbose(true)),
        help: "print a line for every request to standard error",
    },
];

const INTRODUCTION: &str = "\
Serves the Confluent Cloud Metrics API on loopback, with the data of a demo organization.

Usage: confluent-metrics-emulator [OPTION]... [--] [COMMAND [ARGUMENT]...]

";

const CONCLUSION: &str = "
Without a command, prints the environment variables that a client needs and a curl command,
then serves until it is interrupted (Ctrl-C). With a command, runs it with these variables,
and exits with its exit code.
";

/// A parsed command line.
#[derive(Debug)]
enum Arguments {
    Help,
    /// The options, and the command to run, which may be empty.
    Start(Box<Builder>, Vec<String>),
}

/// Runs the command with the arguments after its name.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let (builder, command) = match parse(arguments) {
        Ok(Arguments::Start(builder, command)) => (builder, command),
        Ok(Arguments::Help) => return exit_code(io::stdout().write_all(help().as_bytes())),
        Err(problem) => {
            eprintln!("confluent-metrics-emulator: {problem}; try --help");
            return ExitCode::from(2);
        }
    };
    let emulator = match builder.try_start() {
        Ok(emulator) => emulator,
        Err(error) => {
            eprintln!("confluent-metrics-emulator: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let authority = match write_authority(&emulator) {
        Ok(authority) => authority,
        Err(error) => return exit_code(Err(error)),
    };
    if let [program, arguments @ ..] = command.as_slice() {
        let status = run_command(&emulator, &authority, program, arguments);
        // A temporary file that is left behind does no harm.
        let _ = fs::remove_file(&authority);
        return status;
    }
    let text = announcement(&emulator, &authority.to_string_lossy());
    let mut out = io::stdout();
    let announced = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if announced.is_err() {
        return exit_code(announced);
    }
    loop {
        std::thread::park();
    }
}

/// Runs a program with the variables that a client needs, and returns its exit code.
fn run_command(
    emulator: &Emulator,
    authority: &Path,
    program: &str,
    arguments: &[String],
) -> ExitCode {
    // A proxy of the network does not reach loopback.
    let exceptions = env::var("no_proxy").or_else(|_| env::var("NO_PROXY"));
    let exceptions = exceptions.map_or_else(
        |_| "127.0.0.1".to_owned(),
        |hosts| format!("{hosts},127.0.0.1"),
    );
    let status = Command::new(program)
        .args(arguments)
        .env("CONFLUENT_METRICS_BASE_URL", emulator.url())
        .env("CONFLUENT_METRICS_CA_FILE", authority)
        .env("CONFLUENT_CLOUD_API_KEY", emulator.api_key())
        .env("CONFLUENT_CLOUD_API_SECRET", emulator.api_secret())
        .env("no_proxy", exceptions)
        .status();
    match status {
        // A signal ends a program without an exit code.
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("confluent-metrics-emulator: cannot run {program:?}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn exit_code(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("confluent-metrics-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut help = INTRODUCTION.to_owned();
    for option in &OPTIONS {
        // Writing into a string does not fail.
        let _ = match option.action {
            Switch(_) => writeln!(help, "  {}", option.name),
            Value(value, _) => writeln!(help, "  {} {value}", option.name),
        };
        let _ = writeln!(help, "        {}", option.help);
    }
    help.push_str("  --help\n        print this help and exit\n");
    help.push_str(CONCLUSION);
    help
}

/// Parses the arguments. The first one that is not an option begins the command.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut builder = Emulator::builder();
    let mut command = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            command.extend(arguments);
            break;
        }
        if !argument.starts_with('-') {
            command.push(argument);
            command.extend(arguments);
            break;
        }
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if name == "--help" || name == "-h" {
            return Ok(Arguments::Help);
        }
        let Some(option) = OPTIONS.iter().find(|option| option.name == name) else {
            return Err(format!("unknown option {argument:?}"));
        };
        builder = match option.action {
            Switch(_) if value.is_some() => return Err(format!("{name} takes no value")),
            Switch(apply) => apply(builder),
            Value(_, apply) => {
                let value = value.or_else(|| arguments.next());
                let value = value.ok_or_else(|| format!("missing value of {name}"))?;
                apply(builder, &value)
                    .ok_or_else(|| format!("invalid value of {name}: {value:?}"))?
            }
        };
    }
    Ok(Arguments::Start(Box::new(builder), command))
}

fn parse_seconds(value: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
}

fn set_clock(builder: Builder, value: &str) -> Option<Builder> {
    let milliseconds = rfc3339::parse(value)?;
    Some(builder.clock(milliseconds.div_euclid(1_000)))
}

fn set_operation_limit(builder: Builder, value: &str) -> Option<Builder> {
    let (operation, limit) = value.split_once('=')?;
    if !route::is_operation(operation) {
        return None;
    }
    Some(builder.operation_limit(operation, limit.parse().ok()?))
}

fn set_rate_headers(builder: Builder, value: &str) -> Option<Builder> {
    Some(builder.rate_headers(match value {
        "repeated" => RateHeaders::Repeated,
        "joined" => RateHeaders::Joined,
        "none" => RateHeaders::None,
        _ => return None,
    }))
}

fn set_export_dialect(builder: Builder, value: &str) -> Option<Builder> {
    Some(builder.export_dialect(match value {
        "standard" => ExportDialect::Standard,
        "recorded" => ExportDialect::Recorded,
        "documented" => ExportDialect::Documented,
        _ => return None,
    }))
}

fn set_certificate(builder: Builder, value: &str) -> Option<Builder> {
    Some(builder.certificate(match value {
        "good" => Certificate::Good,
        "wrong-host" => Certificate::WrongHost,
        "expired" => Certificate::Expired,
        "not-yet-valid" => Certificate::NotYetValid,
        "self-signed" => Certificate::SelfSigned,
        "unknown-authority" => Certificate::UnknownAuthority,
        _ => return None,
    }))
}

/// Writes the certificate of the authority to a new file.
fn write_authority(emulator: &Emulator) -> io::Result<PathBuf> {
    let mut attempt = 0_u32;
    loop {
        let name = format!(
            "confluent-metrics-emulator-ca-{}-{attempt}.pem",
            std::process::id()
        );
        let path = env::temp_dir().join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(emulator.ca_pem().as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1_000 => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns lines for a shell: environment variables, and a query that works without them.
fn announcement(emulator: &Emulator, authority: &str) -> String {
    let url = emulator.url();
    let key = emulator.api_key();
    let secret = emulator.api_secret();
    let authority = shell_quote(authority);
    let query = r#"{"aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes"}],"filter":{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},"granularity":"PT1M","group_by":["metric.topic"],"intervals":["PT1H/now-3m|m"],"format":"GROUPED"}"#;
    format!(
        "export CONFLUENT_METRICS_BASE_URL={url}\n\
         export CONFLUENT_METRICS_CA_FILE={authority}\n\
         export CONFLUENT_CLOUD_API_KEY={key}\n\
         export CONFLUENT_CLOUD_API_SECRET={secret}\n\
         curl -sS --cacert {authority} -u {key}:{secret} -H 'Content-Type: application/json' -d '{query}' \
         {url}/v2/metrics/cloud/query\n"
    )
}

/// Quotes a word for a POSIX shell if it needs quotes.
fn shell_quote(text: &str) -> String {
    if text
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "/._-+".contains(letter))
    {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: &str) -> String {
        match parse(line.split_whitespace().map(str::to_owned)) {
            Ok(_) => panic!("{line:?} was accepted"),
            Err(problem) => problem,
        }
    }

    #[test]
    fn every_option_reaches_the_builder() {
        let line = "--port 0 --clock=2026-01-01T12:00:00Z --no-demo --topics 2 --kafka lkc-a --kafka lkc-b \
            --date-offset=-90 --page-cap 5 --token-lifetime 0.5 --rate-limit 9 --rate-window 2 --retry-after --no-gzip --integers \
            --export-dialect recorded --export-cap 7 --discovery-target localhost:9 --failing-export io.confluent.kafka.server/sent_bytes \
            --export-limit 8 --export-window 9 --operation-limit query=5 --rate-headers=joined --certificate expired --tls12-only \
            --millis --newest-first --always-meta --links-only --unprocessable --closed-descriptors --no-date --latency 200 --verbose";
        for option in &OPTIONS {
            assert!(line.contains(option.name), "{}", option.name);
        }
        let shown = format!("{:?}", parse(line.split_whitespace().map(str::to_owned)));
        for part in [
            "clock: Some(1767268800)",
            "demo: false",
            "date_offset: None",
            "topics: 2",
            r#"clusters: ["lkc-a", "lkc-b"]"#,
            "page_cap: 5",
            "token_lifetime: 500ms",
            "rate_limit: Some(9)",
            "rate_window: 2s",
            r#"operation_limits: {"query": 5}"#,
            "rate_headers: Joined",
            "certificate: Expired",
            "tls12_only: true",
            "export_dialect: Recorded",
            "export_cap: 7",
            r#"discovery_target: Some("localhost:9")"#,
            "export_limit: Some(8)",
            "export_window: 9s",
            r#"failing_exports: {"io.confluent.kafka.server/sent_bytes"}"#,
            "gzip: false",
            "links_only: true",
            "latency: 200ms",
            "verbose: true",
            "newest_first: true",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn invalid_arguments_are_named() {
        assert_eq!(problem("--prot 1"), "unknown option \"--prot\"");
        assert_eq!(problem("--port"), "missing value of --port");
        assert_eq!(problem("--port x"), "invalid value of --port: \"x\"");
        assert_eq!(
            problem("--date-offset 1.5"),
            "invalid value of --date-offset: \"1.5\""
        );
        assert_eq!(
            problem("--clock yesterday"),
            "invalid value of --clock: \"yesterday\""
        );
        assert_eq!(
            problem("--rate-window -1"),
            "invalid value of --rate-window: \"-1\""
        );
        assert_eq!(
            problem("--latency 0.2"),
            "invalid value of --latency: \"0.2\""
        );
        assert_eq!(
            problem("--operation-limit=cook=5"),
            "invalid value of --operation-limit: \"cook=5\""
        );
        assert_eq!(
            problem("--operation-limit query"),
            "invalid value of --operation-limit: \"query\""
        );
        assert_eq!(
            problem("--rate-headers both"),
            "invalid value of --rate-headers: \"both\""
        );
        assert_eq!(
            problem("--certificate forged"),
            "invalid value of --certificate: \"forged\""
        );
        assert_eq!(
            problem("--export-dialect new"),
            "invalid value of --export-dialect: \"new\""
        );
        assert_eq!(
            problem("--failing-export sent_bytes"),
            "invalid value of --failing-export: \"sent_bytes\""
        );
        assert_eq!(problem("--verbose=yes"), "--verbose takes no value");
    }

    #[test]
    fn everything_after_the_options_is_the_command() {
        let command = |line: &str| match parse(line.split_whitespace().map(str::to_owned)) {
            Ok(Arguments::Start(_, command)) => command,
            other => panic!("{line}: {other:?}"),
        };
        assert!(command("").is_empty());
        assert!(command("--millis --").is_empty());
        assert_eq!(
            command("--port 0 ls --help -- x"),
            ["ls", "--help", "--", "x"]
        );
        assert_eq!(command("--millis -- -x --port"), ["-x", "--port"]);
        let help = parse(["--help", "ls"].map(str::to_owned).into_iter());
        assert!(matches!(help, Ok(Arguments::Help)));
    }

    #[test]
    fn the_announcement_survives_a_shell() {
        assert_eq!(shell_quote("/tmp/a-1.pem"), "/tmp/a-1.pem");
        assert_eq!(
            shell_quote("/tmp/it's here.pem"),
            r"'/tmp/it'\''s here.pem'"
        );
    }
}
