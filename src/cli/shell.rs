//! What shells and `man` are told about the command, drawn from the definition that `--help` is drawn from.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Failure, Output};

/// Which shell.
#[derive(Debug, Args)]
pub struct Completions {
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Where the pages go.
#[derive(Debug, Args)]
pub struct Man {
    /// The folder, which is made where it does not exist
    folder: PathBuf,
}

/// Prints the script that makes a shell complete our commands.
pub fn completions(arguments: &Completions, output: &mut Output<'_>) -> Result<(), Failure> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "orderwire", &mut script);
    Ok(std::io::Write::write_all(output.writer(), &script)?)
}

/// Writes a page for every command.
pub fn man(arguments: &Man, output: &mut Output<'_>) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let failed = |source| Failure::File { file: folder.clone(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    Ok(output.remark(&format!("the pages are in {}", folder.display()))?)
}
