//! The emulator as a command: `confluent-metrics-emulator --help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // An argument that is not Unicode matches no option.
    let arguments = std::env::args_os().skip(1);
    confluent_metrics_emulator::run(
        arguments.map(|argument| argument.to_string_lossy().into_owned()),
    )
}
