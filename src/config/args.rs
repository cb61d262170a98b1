//! The command line after the program's name, read as redis-server 7.2 reads its own: an optional
//! file, `-` for standard input as the first or the last argument, and directives as `--name`
//! followed by values.
//!
//! `-h`, `--help`, `-v` and `--version` are not seen here; they belong to the outer layer.

use std::path::PathBuf;

use super::syntax::{quote, split_words};

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) config_file: Option<PathBuf>,
    pub(super) stdin: bool,
    /// The directives as lines of a configuration file.
    pub(super) directives: Vec<u8>,
}

pub(super) fn parse(arguments: &[Vec<u8>]) -> CommandLine {
    use std::os::unix::ffi::OsStrExt;
    let mut parsed = CommandLine::default();
    let options = match arguments.split_first() {
        Some((first, rest)) if !first.starts_with(b"-") => {
            parsed.config_file = Some(std::ffi::OsStr::from_bytes(first).into());
            rest
        }
        _ => arguments,
    };
    // After a name without a value the next argument is a value even if it starts with `--`.
    let mut name_waits = false;
    for (index, argument) in options.iter().enumerate() {
        let next = options.get(index + 1);
        let first = index == 0 && parsed.config_file.is_none();
        if argument == b"-" && (first || next.is_none()) {
            parsed.stdin = true;
        } else if !name_waits && let Some(name) = argument.strip_prefix(b"--") {
            if !parsed.directives.is_empty() {
                parsed.directives.push(b'\n');
            }
            parsed.directives.extend(name);
            parsed.directives.push(b' ');
            let bare = split_words(argument).is_some_and(|words| words.len() == 1);
            // `--save` is the one name that may go without a value, and then means none.
            let empty_save = bare
                && argument.eq_ignore_ascii_case(b"--save")
                && next.is_none_or(|next| next.starts_with(b"--"));
            if empty_save {
                parsed.directives.extend(b"\"\"");
            }
            name_waits = bare && !empty_save;
        } else {
            parsed.directives.extend(quote(argument));
            parsed.directives.push(b' ');
            name_waits = false;
        }
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], file: Option<&str>, stdin: bool, directives: &str) {
        let arguments: Vec<_> = arguments.iter().map(|a| a.as_bytes().to_vec()).collect();
        let expected = CommandLine {
            config_file: file.map(PathBuf::from),
            stdin,
            directives: directives.as_bytes().to_vec(),
        };
        assert_eq!(parse(&arguments), expected, "{arguments:?}");
    }

    #[test]
    fn files_and_standard_input() {
        check(&[], None, false, "");
        check(&["a.conf"], Some("a.conf"), false, "");
        check(&["-"], None, true, "");
        check(&["a.conf", "-"], Some("a.conf"), true, "");
        check(&["-", "--port", "1"], None, true, "port \"1\" ");
        check(&["a.conf", "--port", "1", "-"], Some("a.conf"), true, "port \"1\" ");
        check(&["--port", "-", "--hz", "1"], None, false, "port \"-\" \nhz \"1\" ");
    }

    #[test]
    fn directives() {
        check(&["--port", "1", "--hz", "2"], None, false, "port \"1\" \nhz \"2\" ");
        check(&["--port 1", "--hz", "2"], None, false, "port 1 \nhz \"2\" ");
        check(&["--save", "900", "1"], None, false, "save \"900\" \"1\" ");
        check(&["--list-max-listpack-size", "-2"], None, false, "list-max-listpack-size \"-2\" ");
        check(&["--requirepass", "--x"], None, false, "requirepass \"--x\" ");
        check(&["--port=1"], None, false, "port=1 ");
        check(&["--save", "--port", "1"], None, false, "save \"\"\nport \"1\" ");
        check(&["--port", "1", "--save"], None, false, "port \"1\" \nsave \"\"");
        check(&["--save", ""], None, false, "save \"\" ");
        check(&["-x"], None, false, "\"-x\" ");
    }
}
