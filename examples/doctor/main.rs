//! Checks what a query needs, and says what to do next: `doctor [kafka:lkc-12345]...`.
//!
//! Without arguments it checks every resource that discovery lists. It exits with 0 only if all is
//! well. Without a key it exits with 1, after it has shown the checks of an emulator.

mod checks;
mod environment;

use std::process::ExitCode;

use confluent_metrics::{Client, Credentials, Error};
use confluent_metrics_emulator::Emulator;

fn main() -> ExitCode {
    environment::print();
    let is_well = match Client::from_env() {
        Ok(client) => checks::run(&client),
        Err(error) => {
            checks::report("environment", &Err(&error));
            if !environment::has_key() {
                println!("\nThe checks of an emulator with made-up data:");
                let _ = check_emulator().inspect_err(|error| eprintln!("{error:?}"));
            }
            false
        }
    };
    ExitCode::from(u8::from(!is_well))
}

fn check_emulator() -> Result<bool, Error> {
    let emulator = Emulator::start();
    let key = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    let builder = Client::builder(key)
        .base_url(emulator.url())
        .without_proxy();
    let client = builder.root_certificates_pem(emulator.ca_pem()).build()?;
    Ok(checks::run(&client))
}
