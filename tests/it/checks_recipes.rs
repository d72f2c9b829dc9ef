//! The programs in the guides of `check`: a package that cargo builds and tests, without a network.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use confluent_metrics_emulator::Emulator;

const LAG: &str = "io.confluent.kafka.server/consumer_lag_offsets";

#[test]
fn the_guides_show_the_package_verbatim() {
    for (guide, file) in [
        (
            include_str!("../../src/check/guide/build_script.rs"),
            include_str!("../data/recipes/build.rs"),
        ),
        (
            include_str!("../../src/check/guide/test_suite.rs"),
            include_str!("../data/recipes/tests/lag.rs"),
        ),
    ] {
        let guide: String = guide
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
            .collect();
        assert!(guide.contains(&format!("```no_run\n{file}```\n")), "{file}");
    }
}

/// Builds with tests, so that cargo reuses the artifacts.
const BUILD: &[&str] = &["build", "--all-targets"];

/// The package, in our build folder and with our lock file, so that nothing has to be downloaded.
struct Package {
    folder: PathBuf,
    target: PathBuf,
    emulator: Emulator,
    roots: PathBuf,
}

impl Package {
    fn new() -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let recipes = repository.join("tests/data/recipes");
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = temporary.join("recipes");
        for file in ["build.rs", "src/main.rs", "tests/lag.rs"] {
            let copy = folder.join(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(recipes.join(file), copy).unwrap();
        }
        let manifest = fs::read_to_string(recipes.join("Cargo.toml")).unwrap();
        let found_from_here = |path: &str| {
            let path = recipes.join(path).canonicalize().unwrap();
            format!("path = {:?}", path.to_str().unwrap())
        };
        let manifest = manifest
            .replace(r#"path = "../../..""#, &found_from_here("../../.."))
            .replace(
                r#"path = "../../emulator""#,
                &found_from_here("../../emulator"),
            );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::copy(repository.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let emulator = Emulator::builder().demo(false).start();
        let roots = folder.join("roots.pem");
        fs::write(&roots, emulator.ca_pem()).unwrap();
        Self {
            folder,
            target: temporary.parent().unwrap().to_owned(),
            emulator,
            roots,
        }
    }

    /// Replaces the emulator by one with demo data, in which other groups lag behind.
    fn serve_demo_data(&mut self) {
        self.emulator = Emulator::start();
        fs::write(&self.roots, self.emulator.ca_pem()).unwrap();
    }

    /// Sets the lag of the indexer since 15 minutes ago.
    fn lag(&self, lag: f64) {
        let labels = [
            ("resource.kafka.id", "lkc-1"),
            ("metric.consumer_group_id", "indexer"),
        ];
        for minute in -15..15 {
            self.emulator
                .put(LAG, &labels, self.emulator.now() + minute * 60, lag);
        }
    }

    /// Runs cargo with a check of the lag, and returns if it succeeded and its output.
    fn cargo(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = self.command(arguments);
        command
            .env("CHECK_LAG", "1")
            .env("CONFLUENT_CLOUD_API_KEY", self.emulator.api_key());
        Self::output(&mut command)
    }

    /// Runs cargo as an editor does: without a key, and without a word about the lag.
    fn cargo_unasked(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = self.command(arguments);
        command
            .env_remove("CHECK_LAG")
            .env_remove("CONFLUENT_CLOUD_API_KEY");
        Self::output(&mut command)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        command
            .args(arguments)
            .args(["--offline", "--quiet"])
            .current_dir(&self.folder);
        for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
            command
                .env_remove(name)
                .env_remove(name.to_ascii_lowercase());
        }
        // Variables that cargo set for this test would cause rebuilds in the other package.
        let own =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(own)) {
            command.env_remove(name);
        }
        command
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CONFLUENT_CLOUD_API_SECRET", self.emulator.api_secret())
            .env("CONFLUENT_METRICS_BASE_URL", self.emulator.url())
            .env("CONFLUENT_METRICS_CA_FILE", &self.roots);
        command
    }

    fn output(command: &mut Command) -> (bool, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = String::from_utf8([stdout, stderr].concat()).unwrap();
        (status.success(), text)
    }
}

#[test]
fn a_build_and_a_test_suite_are_gated_without_a_network() {
    let mut package = Package::new();
    let indexer = r#"lag of the indexer {metric.consumer_group_id="indexer"}: "#;

    let (built, text) = package.cargo(BUILD);
    assert!(
        !built
            && text.contains(&format!(
                "UNKNOWN: {indexer}expected, but no series with data "
            )),
        "{text}"
    );
    package.lag(11_000.0);
    let (built, text) = package.cargo(BUILD);
    assert!(
        !built && text.contains(&format!("CRITICAL: {indexer}the last value, 11000 at ")),
        "{text}"
    );
    package.lag(9_000.0);
    let (built, text) = package.cargo(BUILD);
    assert!(built, "{text}");
    let program = package
        .target
        .join(format!("debug/gated{}", env::consts::EXE_SUFFIX));
    let found = String::from_utf8(Command::new(program).output().unwrap().stdout).unwrap();
    assert!(
        found.starts_with(&format!("built with OK: {indexer}the last value, 9000 at ")),
        "{found}"
    );

    let (passed, text) = package.cargo(&["test"]);
    assert!(passed && text.contains("2 passed"), "{text}");
    package.lag(11_000.0);
    let (built, text) = package.cargo(BUILD);
    assert!(
        !built && text.contains("CRITICAL: "),
        "an earlier outcome is not gone by: {text}"
    );

    // The lag is too high, and nobody asks.
    let (built, text) = package.cargo_unasked(BUILD);
    assert!(built, "{text}");
    let (passed, text) = package.cargo_unasked(&["test"]);
    assert!(
        passed && text.contains("1 passed; 0 failed; 1 ignored"),
        "{text}"
    );

    // The data of the emulator that is started by hand.
    package.serve_demo_data();
    let (passed, text) = package.cargo(&["test"]);
    assert!(passed && text.contains("2 passed"), "{text}");
}
