//! The command line's outer layer: help and version by clap, all else handed on as it stands.
//!
//! redis-server's command line is no usual one: every directive is an option, and what follows it
//! up to the next `--` are its values. So clap sees `-h`, `--help`, `-v` and `--version` as the
//! first argument, as redis-server does, and [`crate::config`] reads the rest.
//!
//! `doctor` as the first argument is Basalt's own: what follows are the server's arguments, with
//! the doctor's few options anywhere among them. A configuration file of that name is `./doctor`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::Parser;

use crate::config::table::directives;
use crate::doctor;

/// Names the version of Redis whose commands and replies this server has.
const VERSION: &str = concat!("v=", env!("CARGO_PKG_VERSION"), " redis=7.2.4 bits=64");

#[derive(Parser)]
#[command(
    name = "basalt",
    display_name = "Basalt server",
    version = VERSION,
    about = "A Redis-protocol server whose data lives on disk",
    override_usage = "basalt [CONFIG-FILE|-] [--DIRECTIVE VALUE...]... [-]\n       \
                      basalt doctor [CONFIG-FILE|-] [--DIRECTIVE VALUE...]... [--json] [--strict]",
    disable_version_flag = true,
    after_help = after_help(),
)]
struct Cli {
    /// Print the version
    #[arg(short = 'v', long = "version", action = clap::ArgAction::Version)]
    version: (),

    /// A configuration file, `-` for standard input, and directives that override both
    #[arg(
        value_name = "ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        hide = true
    )]
    arguments: Vec<OsString>,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// For [`crate::config::Config::load`].
    pub(crate) arguments: Vec<Vec<u8>>,
    /// `None`: to serve.
    pub(crate) doctor: Option<doctor::Options>,
}

/// Prints and ends the process for help and version.
pub(crate) fn request() -> Request {
    let arguments = Cli::parse().arguments;
    let is_doctor = arguments.first().is_some_and(|first| first == "doctor");
    if is_doctor && arguments.get(1).is_some_and(|next| next == "--help" || next == "-h") {
        // Prints the help and ends the process.
        Cli::parse_from(["basalt", "--help"]);
    }
    take_apart(arguments)
}

fn take_apart(arguments: Vec<OsString>) -> Request {
    let mut arguments: Vec<Vec<u8>> = arguments.into_iter().map(OsString::into_vec).collect();
    if arguments.first().is_none_or(|first| first != b"doctor") {
        return Request { arguments, doctor: None };
    }
    arguments.remove(0);
    let mut options = doctor::Options::default();
    arguments.retain(|argument| {
        match argument.as_slice() {
            b"--json" => options.json = true,
            b"--strict" => options.strict = true,
            _ => return true,
        }
        false
    });
    Request { arguments, doctor: Some(options) }
}

fn after_help() -> String {
    let mut help = String::from(
        "Examples:\n  \
         basalt\n  \
         basalt /etc/basalt.conf\n  \
         basalt /etc/basalt.conf --loglevel verbose\n  \
         basalt --port 7777 --dir /var/lib/basalt --maxmemory 2gb\n  \
         echo 'maxmemory 128mb' | basalt -\n  \
         basalt doctor /etc/basalt.conf --dir /var/lib/basalt\n\n\
         basalt doctor checks the host as a server with these arguments would use it, and says\n\
         what to do (--json: for programs). It ends with 2 where something fails, with 1 where\n\
         --strict is given and something is to be warned of, else with 0.\n\n\
         Directives are those of Redis 7.2, in a file or as options, and these of Basalt's own:\n",
    );
    for row in directives().iter().filter(|row| row.own) {
        let title = format!("--{} ({}; default {})", row.name, row.kind.expects(), row.default);
        help.push_str(&format!("\n  {title}\n      {}\n", row.doc));
    }
    help
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn check(arguments: &[&str], expected: &[&str]) {
        let all = std::iter::once("basalt").chain(arguments.iter().copied());
        let parsed = Cli::try_parse_from(all).unwrap();
        assert_eq!(parsed.arguments, expected, "{arguments:?}");
    }

    #[test]
    fn arguments_are_handed_on_as_they_stand() {
        for arguments in [
            &[][..],
            &["-"],
            &["a.conf", "--port", "1", "-"],
            &["--port", "1", "--list-max-listpack-size", "-2"],
            &["--port=1"],
            &["--port 1"],
            &["-x"],
            &["--save", "", "--save"],
            &["--port", "1", "--help"],
            &["a.conf", "-v"],
        ] {
            check(arguments, arguments);
        }
    }

    #[test]
    fn the_doctor_takes_the_servers_arguments() {
        let check = |arguments: &[&str], rest: &[&str], doctor| {
            let request = take_apart(arguments.iter().map(OsString::from).collect());
            let rest = rest.iter().map(|argument| argument.as_bytes().to_vec()).collect();
            assert_eq!(request, Request { arguments: rest, doctor }, "{arguments:?}");
        };
        let options = |json, strict| Some(doctor::Options { json, strict });
        check(&["doctor"], &[], options(false, false));
        check(&["doctor", "a.conf", "--strict"], &["a.conf"], options(false, true));
        check(&["doctor", "--json", "--dir", "x"], &["--dir", "x"], options(true, false));
        check(&["./doctor"], &["./doctor"], None);
        check(&["a.conf", "doctor", "--json"], &["a.conf", "doctor", "--json"], None);
        check(&["--dir", "doctor"], &["--dir", "doctor"], None);
    }

    #[test]
    fn help_and_version_come_first() {
        let kind = |argument: &str| {
            Cli::try_parse_from(["basalt", argument]).map(|_| ()).unwrap_err().kind()
        };
        assert_eq!(kind("-h"), ErrorKind::DisplayHelp);
        assert_eq!(kind("--help"), ErrorKind::DisplayHelp);
        assert_eq!(kind("-v"), ErrorKind::DisplayVersion);
        assert_eq!(kind("--version"), ErrorKind::DisplayVersion);
        let version = Cli::try_parse_from(["basalt", "-v"]).map(|_| ()).unwrap_err().to_string();
        assert!(version.starts_with("Basalt server v=0."), "{version}");
        let help = Cli::try_parse_from(["basalt", "-h"]).map(|_| ()).unwrap_err().to_string();
        assert!(help.contains("--shards (an integer from 0 to 1024; default 0)"), "{help}");
    }
}
