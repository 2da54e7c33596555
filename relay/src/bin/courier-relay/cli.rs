//! The command line: which commands there are, and which settings each of them reads.
//!
//! A command is a file with its arguments and what it does ([`Run`]), and one row in [`COMMANDS`].

use std::process::ExitCode;

use clap::{ArgMatches, Args, FromArgMatches};

use crate::admin_token::AdminToken;
use crate::audit::Audit;
use crate::backup::Backup;
use crate::check::Check;
use crate::completions::Completions;
use crate::dead::Dead;
use crate::dev::Dev;
use crate::find::Find;
use crate::forget::Forget;
use crate::import::Import;
use crate::index::Index;
use crate::level::Level;
use crate::people::{People, Sessions};
use crate::queue::Queue;
use crate::run::Run;
use crate::sanitize::Sanitize;
use crate::search::Search;
use crate::serve::Serve;
use crate::settings::Settings;
use crate::status::Status;
use crate::tail::Tail;
use crate::timeline::Timeline;
use crate::token::Token;

/// The commands, in the order of the help.
const COMMANDS: &[Row] = &[
    row::<Serve>("serve", Reads::All),
    row::<Dev>(
        "dev",
        Reads::These(&[
            "config",
            "data_dir",
            "listen",
            "admin_listen",
            "otlp_file_dir",
            "log",
        ]),
    ),
    row::<Token>(
        "token",
        Reads::These(&[
            "config",
            "data_dir",
            "jwt_secret_file",
            "jwt_issuer",
            "jwt_audience",
        ]),
    ),
    row::<Check>("check", Reads::All),
    row::<Sanitize>("sanitize", Reads::NONE),
    row::<Queue>("queue", Reads::NONE),
    row::<Dead>("dead", Reads::OF_DATA),
    row::<Forget>("forget", Reads::OF_DATA),
    row::<Level>("level", Reads::OF_DATA),
    row::<Timeline>("timeline", Reads::OF_DATA),
    row::<Find>("find", Reads::OF_DATA),
    row::<Search>("search", Reads::OF_DATA),
    row::<Tail>("tail", Reads::OF_DATA),
    row::<People>("people", Reads::OF_DATA),
    row::<Sessions>("sessions", Reads::OF_DATA),
    row::<Status>("status", Reads::OF_DATA),
    row::<AdminToken>("admin-token", Reads::OF_DATA),
    row::<Audit>("audit", Reads::OF_DATA),
    row::<Index>("index", Reads::These(&["config", "data_dir"])),
    row::<Backup>("backup", Reads::These(&["config", "data_dir"])),
    row::<Completions>("completions", Reads::NONE),
    row::<Import>(
        "import",
        Reads::These(&[
            "config",
            "data_dir",
            "admin_token_file",
            "sanitize",
            "spool_max_bytes",
            "keep_free",
            "max_records",
        ]),
    ),
];

/// One command.
struct Row {
    name: &'static str,
    reads: Reads,
    /// Puts arguments and help onto an empty command.
    describe: fn(clap::Command) -> clap::Command,
    run: fn(&ArgMatches, Settings) -> anyhow::Result<ExitCode>,
}

/// The settings that a command reads, by the ids of their arguments: the others are not in its help.
#[derive(Clone, Copy)]
enum Reads {
    All,
    These(&'static [&'static str]),
}

impl Reads {
    const NONE: Self = Self::These(&[]);

    /// What a command reads that asks the running relay, or works in its data directory.
    const OF_DATA: Self = Self::These(&["config", "data_dir", "admin_token_file"]);
}

const fn row<C: Run>(name: &'static str, reads: Reads) -> Row {
    Row {
        name,
        reads,
        describe: C::augment_args,
        run: |matches, settings| {
            C::from_arg_matches(matches)
                .unwrap_or_else(|error| error.exit())
                .run(settings)
        },
    }
}

/// The command line as clap knows it.
pub fn command() -> clap::Command {
    let commands = COMMANDS
        .iter()
        .map(|row| (row.describe)(clap::Command::new(row.name)));
    // The settings come last, so that they stand behind a command's own arguments in its help.
    Settings::augment_args(clap::Command::new("courier-relay").subcommands(commands))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Takes batches of log records, keeps them safe, exports them as OTLP")
}

/// Reads the command line, and does what it asks for.
///
/// Each command takes the settings, so that they may stand anywhere in a line. Those that read none say nothing of
/// them in their help.
///
/// # Errors
///
/// What the command says went wrong.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut command = command();
    // Hands the settings down; before that no command has them.
    command.build();
    let matches = COMMANDS
        .iter()
        .fold(command, |command, row| match row.reads {
            Reads::All => command,
            Reads::These(reads) => {
                command.mut_subcommand(row.name, |command| with_settings(command, reads))
            }
        })
        .get_matches();
    let settings = Settings::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match matches.subcommand() {
        None => Serve {}.run(settings),
        Some((name, matches)) => {
            let row = COMMANDS.iter().find(|row| row.name == name);
            let row = row.ok_or_else(|| anyhow::anyhow!("there is no command `{name}`"))?;
            (row.run)(matches, settings)
        }
    }
}

/// The same command; its help lists only what is its own, and the settings that it reads.
fn with_settings(command: clap::Command, reads: &'static [&'static str]) -> clap::Command {
    command
        .mut_args(|arg| {
            let is_foreign = arg.is_global_set() && !reads.contains(&arg.get_id().as_str());
            arg.hide(is_foreign)
        })
        .mut_subcommands(move |command| with_settings(command, reads))
}

impl Run for Completions {
    fn run(self, _settings: Settings) -> anyhow::Result<ExitCode> {
        self.print(&mut command());
        Ok(ExitCode::SUCCESS)
    }
}
